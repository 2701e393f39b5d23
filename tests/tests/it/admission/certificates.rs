//! Who is at the other end: certificates of callers, and those of the endpoint, which may change while it serves.

use std::path::Path;
use std::sync::Mutex;

use kopfrs::cause::SslPeer;
use kopfrs::settings::{VerifyMode, WebhookServer};
use kube::api::PostParams;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::*;

/// Whoever signs certificates.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate, and its private key.
#[derive(Clone)]
struct Identity {
    certificate: String,
    key: String,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        Self {
            pem: params.self_signed(&key).unwrap().pem(),
            issuer: Issuer::new(params, key),
        }
    }

    fn sign(&self, name: &str) -> Identity {
        let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        let organization = DnType::OrganizationName;
        params.distinguished_name.push(organization, "kopfrs tests");
        let key = KeyPair::generate().unwrap();
        Identity {
            certificate: params.signed_by(&key, &self.issuer).unwrap().pem(),
            key: key.serialize_pem(),
        }
    }
}

fn der(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
}

/// Asks as the API server does; gives the answer and the certificate that was shown.
async fn ask(
    address: &str,
    (trusted, caller): (&str, Option<&Identity>),
    question: &Value,
) -> std::io::Result<(Value, CertificateDer<'static>)> {
    let mut roots = RootCertStore::empty();
    roots.add(der(trusted)).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = match caller {
        None => config.with_no_client_auth(),
        Some(caller) => {
            let key = PrivateKeyDer::from_pem_slice(caller.key.as_bytes()).unwrap();
            let chain = vec![der(&caller.certificate)];
            config.with_client_auth_cert(chain, key).unwrap()
        }
    };
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let connector = TlsConnector::from(Arc::new(config));
    let mut stream = connector.connect(name, stream).await?;
    let question = question.to_string();
    let length = question.len();
    let request = format!(
        "POST / HTTP/1.1\r\nhost: {address}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{question}"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    // Not everybody says goodbye; what has come counts.
    if let Err(error) = stream.read_to_string(&mut answer).await
        && answer.is_empty()
    {
        return Err(error);
    }
    let shown = stream.get_ref().1.peer_certificates().unwrap_or_default();
    let shown = shown.first().cloned().expect("a certificate was shown");
    let (_, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
    Ok((serde_json::from_str(body)?, shown))
}

fn question(cluster: &Cluster) -> Value {
    json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": "u", "operation": "CREATE", "namespace": cluster.namespace(),
        "resource": {"group": "admission.kopfrs.dev", "version": "v1", "resource": "tickets"},
        "userInfo": {"username": "x"},
        "object": {"metadata": {"name": "a"}},
    }})
}

/// An operator that is asked about tickets at an address, and who it was asked by.
struct Asked {
    operator: OperatorHandle,
    address: String,
    callers: Arc<Mutex<Vec<SslPeer>>>,
}

async fn asked(cluster: &Cluster, server: WebhookServer) -> Asked {
    cluster.install::<Ticket>().await;
    let callers = Arc::<Mutex<Vec<_>>>::default();
    let noted = callers.clone();
    let check = move |sslpeer: SslPeer| {
        noted.lock().unwrap().push(sslpeer);
        std::future::ready(())
    };
    let handlers = Registry::new().add(on::validate::<Ticket>().id("check").run(check));
    let setup = cluster.operator().handlers(handlers);
    let setup = setup.settings(|settings| settings.admission.server = Some(server));
    let operator = setup.webhooks().start().await;
    operator.until_said("serving webhooks at https://").await;
    let log = operator.log();
    let line = log
        .lines()
        .find(|line| line.contains("serving webhooks at"));
    let line = line.expect("it was said");
    let (_, address) = line.split_once("https://").expect("it has a URL");
    Asked {
        address: address.to_owned(),
        operator,
        callers,
    }
}

async fn create(cluster: &Cluster, name: &str) -> Result<Ticket, kube::Error> {
    let params = PostParams::default();
    api(cluster).create(&params, &ticket(name, 1)).await
}

#[kopfrs::test(wire)]
async fn callers_may_prove_who_they_are(cluster: Cluster) {
    let (known, unknown) = (Authority::new("known"), Authority::new("unknown"));
    let folder = TempDir::new().unwrap();
    let (signers, dumped) = (folder.path().join("ca.crt"), folder.path().join("own.crt"));
    std::fs::write(&signers, &known.pem).unwrap();
    let server = WebhookServer::new().verify_cafile(&signers).cadump(&dumped);
    let Asked {
        operator,
        address,
        callers,
    } = asked(&cluster, server).await;
    let trusted = std::fs::read_to_string(&dumped).unwrap();
    let question = question(&cluster);

    let caller = known.sign("api-server");
    let answer = ask(&address, (&trusted, Some(&caller)), &question).await;
    assert_eq!(answer.unwrap().0["response"]["allowed"], true);
    let peer = callers.lock().unwrap().pop().unwrap();
    assert_eq!(peer.common_name(), Some("api-server"));
    assert_eq!(peer.certificate(), Some(der(&caller.certificate).as_ref()));
    let subject = peer.subject().unwrap();
    assert!(subject.contains("kopfrs tests"), "{subject}");

    // The API server proves nothing here, and need not.
    create(&cluster, "a").await.unwrap();
    assert!(
        callers
            .lock()
            .unwrap()
            .pop()
            .unwrap()
            .certificate()
            .is_none()
    );
    // Who shows what nobody here knows is not heard, though nothing need be shown.
    let stranger = unknown.sign("api-server");
    let answer = ask(&address, (&trusted, Some(&stranger)), &question).await;
    assert!(answer.is_err(), "{answer:?}");
    assert!(callers.lock().unwrap().is_empty());
    operator.stop().await;
}

#[kopfrs::test(wire)]
async fn callers_must_prove_who_they_are_where_that_is_required(cluster: Cluster) {
    let known = Authority::new("known");
    let folder = TempDir::new().unwrap();
    let dumped = folder.path().join("own.crt");
    let server = WebhookServer::new()
        .verify_mode(VerifyMode::Required)
        .verify_cadata(&*known.pem)
        .cadump(&dumped);
    let Asked {
        operator,
        address,
        callers,
    } = asked(&cluster, server).await;
    let trusted = std::fs::read_to_string(&dumped).unwrap();
    let question = question(&cluster);
    let answer = ask(&address, (&trusted, None), &question).await;
    assert!(answer.is_err(), "{answer:?}");
    let (_, message) = refusal(create(&cluster, "a").await);
    assert!(message.contains("failed calling webhook"), "{message}");
    assert!(callers.lock().unwrap().is_empty());
    let caller = known.sign("somebody");
    let answer = ask(&address, (&trusted, Some(&caller)), &question).await;
    assert_eq!(answer.unwrap().0["response"]["allowed"], true);
    operator.stop().await;
}

#[kopfrs::test(wire)]
async fn without_signers_nobody_is_asked_for_a_certificate_and_none_can_be_required(
    cluster: Cluster,
) {
    cluster.install::<Ticket>().await;
    let handlers = Registry::new().add(on::validate::<Ticket>().id("check").run(async || {}));
    let setup = cluster.operator().handlers(handlers);
    let server = WebhookServer::new().verify_mode(VerifyMode::Required);
    let setup = setup.settings(|settings| settings.admission.server = Some(server));
    let operator = setup.webhooks().launch().await;
    let error = operator.ended().await.unwrap_err().to_string();
    assert!(
        error.contains("set verify_cafile in settings.admission.server"),
        "{error}"
    );
}

fn write(folder: &Path, authority: &Authority, identity: &Identity) {
    // One after another, as it happens: between the steps they do not fit.
    for (name, text) in [
        ("tls.key", &identity.key),
        ("tls.crt", &identity.certificate),
        ("ca.crt", &authority.pem),
    ] {
        std::fs::write(folder.join(name), text).unwrap();
    }
}

#[kopfrs::test(wire)]
async fn certificates_in_files_are_shown_as_soon_as_they_have_changed(cluster: Cluster) {
    let (first, second) = (Authority::new("first"), Authority::new("second"));
    let (old, new) = (first.sign("old"), second.sign("new"));
    let folder = TempDir::new().unwrap();
    let file = |name: &str| folder.path().join(name);
    write(folder.path(), &first, &old);
    let server = WebhookServer::new()
        .certfile(file("tls.crt"))
        .pkeyfile(file("tls.key"))
        .cafile(file("ca.crt"))
        .file_check_interval(Duration::from_secs(1));
    let Asked {
        operator, address, ..
    } = asked(&cluster, server).await;
    let question = question(&cluster);
    let shown =
        async |authority: &Authority| ask(&address, (&authority.pem, None), &question).await;
    assert_eq!(shown(&first).await.unwrap().1, der(&old.certificate));
    create(&cluster, "a").await.unwrap();

    // Half of it is written: what was shown is shown on, and the API server is answered.
    std::fs::write(file("tls.key"), &new.key).unwrap();
    operator.until_said("the one before is shown on").await;
    assert_eq!(shown(&first).await.unwrap().1, der(&old.certificate));
    create(&cluster, "b").await.unwrap();

    write(folder.path(), &second, &new);
    operator
        .until_said("has changed, it is shown from now on")
        .await;
    assert_eq!(shown(&second).await.unwrap().1, der(&new.certificate));
    assert!(shown(&first).await.is_err(), "the old one is shown");
    // The API server is told whom to trust from now on.
    cluster
        .until("the API server to trust the new certificate", async || {
            let dry = PostParams {
                dry_run: true,
                ..PostParams::default()
            };
            let made = api(&cluster).create(&dry, &ticket("c", 1)).await;
            made.is_ok()
        })
        .await;
    create(&cluster, "c").await.unwrap();
    operator.stop().await;
}
