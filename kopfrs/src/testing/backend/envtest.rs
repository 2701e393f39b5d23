//! etcd and kube-apiserver, started for this process.
//!
//! Nothing else is started beside them: the one controller that tests need, that of namespaces being
//! deleted, is played here. Both processes hang on a pipe, so that they end with this process however
//! it ends.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http::Request;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, ListParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};

use super::keeper::{Keeper, folder};
use super::wire::{Held, Started};
use super::{Backend, Failure};

/// How long the API server may take to get ready.
const PATIENCE: Duration = Duration::from_secs(120);

/// Starts both programs, waits for the end of the pipe, and kills them: nothing of theirs is kept, and
/// a graceful stop takes a minute. Arguments: the folder of the
/// programs, the folder for the data, and the ports of etcd, of its peers, and of the API.
const SCRIPT: &str = r#"
ETCD_ADVERTISE_CLIENT_URLS="http://127.0.0.1:$3" "$1/etcd" --data-dir "$2/etcd" --unsafe-no-fsync \
  --listen-client-urls "http://127.0.0.1:$3" --listen-peer-urls "http://127.0.0.1:$4" >"$2/etcd.log" 2>&1 &
etcd=$!
"$1/kube-apiserver" --etcd-servers "http://127.0.0.1:$3" --bind-address 127.0.0.1 --secure-port "$5" \
  --advertise-address 127.0.0.1 --endpoint-reconciler-type none --service-cluster-ip-range 10.0.0.0/24 \
  --tls-cert-file "$2/server.crt" --tls-private-key-file "$2/server.key" --token-auth-file "$2/tokens.csv" \
  --authorization-mode RBAC --disable-admission-plugins ServiceAccount --allow-privileged=true \
  --service-account-issuer https://kubernetes.default.svc --service-account-key-file "$2/server.pub" \
  --service-account-signing-key-file "$2/server.key" >"$2/kube-apiserver.log" 2>&1 &
apiserver=$!
read -r _
kill -KILL "$apiserver" "$etcd"
wait
rm -rf "$2"
"#;

/// Where envtest's tools put the programs unless told otherwise.
const USUAL: &str = "/usr/local/kubebuilder/bin";

pub(super) async fn start() -> Result<Started, Failure> {
    let assets = assets()?;
    let folder = folder(Backend::Envtest)?;
    let certificate = certify(&folder)?;
    let token = "kopfrs-tests";
    let tokens = format!("{token},admin,1,\"system:masters\"\n");
    std::fs::write(folder.join("tokens.csv"), tokens)?;
    let [etcd, peers, api] = ports()?;
    let kubeconfig = folder.join("kubeconfig");
    let text = kubeconfig_of(api, &certificate, token).to_string();
    std::fs::write(&kubeconfig, text)?;
    let ports = [etcd, peers, api].map(|port| port.to_string());
    let paths = [assets, folder.clone()].map(PathBuf::into_os_string);
    let arguments = paths.into_iter().chain(ports.map(Into::into));
    let mut keeper = Keeper::start(SCRIPT, arguments)?;
    let options = KubeConfigOptions::default();
    let config =
        Config::from_custom_kubeconfig(Kubeconfig::read_from(&kubeconfig)?, &options).await?;
    let client = Client::try_from(config.clone())?;
    ready(&client, &mut keeper, &folder).await?;
    tokio::spawn(release_namespaces(client));
    Ok(Started {
        kubeconfig,
        config,
        held: Held::Programs(keeper),
    })
}

/// The folder of the programs.
fn assets() -> Result<PathBuf, Failure> {
    let named = std::env::var_os("KUBEBUILDER_ASSETS").filter(|folder| !folder.is_empty());
    let folder = named.map_or_else(|| PathBuf::from(USUAL), PathBuf::from);
    for program in ["etcd", "kube-apiserver"] {
        if !folder.join(program).is_file() {
            let folder = folder.display();
            return Err(format!(
                "there is no {program} in {folder}; set KUBEBUILDER_ASSETS to the folder of etcd and kube-apiserver \
                 (`setup-envtest use -p path` prints one)"
            )
            .into());
        }
    }
    // The programs are started elsewhere.
    Ok(folder.canonicalize()?)
}

/// A key and a certificate for the server; gives that of who has signed it.
fn certify(folder: &Path) -> Result<String, Failure> {
    let mut authority = CertificateParams::new(Vec::new())?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate()?;
    let signed = authority.self_signed(&key)?;
    let issuer = Issuer::new(authority, key);
    let key = KeyPair::generate()?;
    let server = CertificateParams::new(["127.0.0.1".to_owned(), "localhost".to_owned()])?;
    let server = server.signed_by(&key, &issuer)?;
    std::fs::write(folder.join("server.crt"), server.pem())?;
    std::fs::write(folder.join("server.key"), key.serialize_pem())?;
    std::fs::write(folder.join("server.pub"), key.public_key_pem())?;
    let file = folder.join("ca.crt");
    std::fs::write(&file, signed.pem())?;
    Ok(file.to_string_lossy().into_owned())
}

/// JSON is YAML.
fn kubeconfig_of(port: u16, authority: &str, token: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "tests", "cluster": {
            "server": format!("https://127.0.0.1:{port}"),
            "certificate-authority": authority,
        }}],
        "users": [{"name": "admin", "user": {"token": token}}],
        "contexts": [{"name": "tests", "context": {"cluster": "tests", "user": "admin"}}],
        "current-context": "tests",
    })
}

/// Ports that are free now; they are let go at once, all together, so that they differ.
fn ports<const N: usize>() -> Result<[u16; N], Failure> {
    let mut listeners = Vec::new();
    let mut ports = [0; N];
    for port in &mut ports {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        *port = listener.local_addr()?.port();
        listeners.push(listener);
    }
    Ok(ports)
}

/// Waits until the API server says so, and serves what every cluster has: roles come later than the first answers.
async fn ready(client: &Client, keeper: &mut Keeper, folder: &Path) -> Result<(), Failure> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let is_ready = async {
        loop {
            let says_so = client
                .request_text(Request::get("/readyz").body(Vec::new())?)
                .await;
            if says_so.is_ok() && matches!(namespaces.get_opt("default").await, Ok(Some(_))) {
                return Ok(());
            }
            if let Some(status) = keeper.ended() {
                return Err(format!("the programs of envtest have ended: {status}").into());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let late = |_| format!("kube-apiserver is not ready, see {}", folder.display());
    tokio::time::timeout(PATIENCE, is_ready)
        .await
        .map_err(late)?
}

/// Lets namespaces go that are being deleted: the controller that does it elsewhere is not here. What
/// is inside of them stays in etcd, and goes with it.
async fn release_namespaces(client: Client) {
    let namespaces: Api<Namespace> = Api::all(client);
    loop {
        let all = namespaces.list(&ListParams::default()).await;
        for mut namespace in all.into_iter().flatten() {
            let finalizers = namespace.spec.get_or_insert_default().finalizers.take();
            let is_held = finalizers.is_some_and(|finalizers| !finalizers.is_empty());
            if namespace.metadata.deletion_timestamp.is_none() || !is_held {
                continue;
            }
            let name = namespace.metadata.name.clone().unwrap_or_default();
            // Somebody else may have changed it; it is tried again.
            let _ = namespaces
                .replace_subresource("finalize", &name, &PostParams::default(), &namespace)
                .await;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}
