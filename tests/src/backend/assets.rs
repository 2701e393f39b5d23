//! etcd and kube-apiserver, started for this process.
//!
//! Nothing else is started beside them: the one controller that tests need, that of namespaces being
//! deleted, is played here. Both processes hang on a pipe, so that they end with this process however
//! it ends.

use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};
use tokio::process::{Child, Command};

use super::rest::Rest;
use super::{Failure, Keeper, Started, client, folder};

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

pub(super) async fn start(assets: &Path) -> Result<Started, Failure> {
    let folder = folder()?;
    let certificate = certify(&folder)?;
    let token = "kopfrs-tests";
    std::fs::write(
        folder.join("tokens.csv"),
        format!("{token},admin,1,\"system:masters\"\n"),
    )?;
    let [etcd, peers, api] = ports()?;
    let kubeconfig = folder.join("kubeconfig");
    std::fs::write(
        &kubeconfig,
        kubeconfig_of(api, &certificate, token).to_string(),
    )?;
    let mut keeper = Command::new("sh")
        .args(["-c", SCRIPT, "sh"])
        .args([assets, &folder])
        .args([etcd, peers, api].map(|port| port.to_string()))
        .stdin(Stdio::piped())
        .spawn()?;
    // Awaiting a child closes its input, if it still has it.
    let pipe = keeper.stdin.take();
    let client = client(&kubeconfig).await?;
    ready(&client, &mut keeper, &folder).await?;
    tokio::spawn(release_namespaces(Rest::new(client.clone())));
    Ok(Started {
        kubeconfig,
        client,
        keeper: Keeper::Processes(pipe),
    })
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

/// Waits until the API server serves what every cluster has.
async fn ready(client: &kube::Client, keeper: &mut Child, folder: &Path) -> Result<(), Failure> {
    let rest = Rest::new(client.clone());
    let is_ready = async {
        loop {
            let namespace = rest.get("/api/v1/namespaces/default").await;
            if matches!(namespace, Ok(Some(_))) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::select! {
        () = is_ready => Ok(()),
        () = tokio::time::sleep(PATIENCE) => {
            Err(format!("kube-apiserver is not ready, see {}", folder.display()).into())
        }
        exited = keeper.wait() => Err(format!("the cluster has ended: {}", exited?).into()),
    }
}

/// Lets namespaces go that are being deleted: the controller that does it elsewhere is not here. What
/// is inside of them stays in etcd, and goes with it.
async fn release_namespaces(rest: Rest) {
    loop {
        let all = rest.get("/api/v1/namespaces").await.ok().flatten();
        let items = all.unwrap_or_default()["items"].take();
        for mut namespace in items.as_array().into_iter().flatten().cloned() {
            let is_held = namespace["spec"]["finalizers"]
                .as_array()
                .is_some_and(|finalizers| !finalizers.is_empty());
            if namespace["metadata"]["deletionTimestamp"].is_null() || !is_held {
                continue;
            }
            let name = namespace["metadata"]["name"].as_str().unwrap_or_default();
            let path = format!("/api/v1/namespaces/{name}/finalize");
            namespace["spec"]["finalizers"] = json!([]);
            // Somebody else may have changed it; it is tried again.
            let _ = rest
                .send("PUT", &path, Some(("application/json", namespace)))
                .await;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}
