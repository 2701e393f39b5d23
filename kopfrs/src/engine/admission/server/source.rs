//! Where certificates come from, and keeping the present one.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::time::sleep;
use tracing::{debug, error, info, warn};

use super::Surroundings;
use super::certificate::{Certificates, read};
use super::generation::{Generations, Plan};
use crate::api::{ApiError, Connection, Failure, Target};
use crate::clock::Clock;
use crate::resource::Resource;
use crate::settings::{SecretReference, WebhookServer};

/// The pause after something has failed.
const PAUSE: Duration = Duration::from_secs(1);
/// What the Secret says of itself that is for us alone.
const STATE: &str = "generations.json";

/// Where certificates come from.
pub(super) struct Source {
    way: Way,
    /// Whom the API server is to trust, whatever certificate is shown.
    cadata: Option<Vec<u8>>,
}

enum Way {
    /// No certificates: HTTP.
    None,
    Files(Files),
    /// Of our own making, for as long as the process lives.
    Own(Plan, Clock),
    Secret(Box<Shared>),
}

struct Files {
    certificate: PathBuf,
    key: PathBuf,
    trusted: Option<PathBuf>,
    interval: Duration,
}

/// A Secret that is shared with other replicas.
struct Shared {
    plan: Plan,
    clock: Clock,
    secret: SecretReference,
    connection: Connection,
}

impl Source {
    pub(super) fn new(
        server: &WebhookServer,
        names: Vec<String>,
        surroundings: Surroundings,
    ) -> Self {
        let plan = Plan {
            names,
            lifetime: server.lifetime,
        };
        let clock = surroundings.clock;
        let way = match (&server.certfile, &server.pkeyfile, &server.secret) {
            _ if server.insecure => Way::None,
            (Some(certificate), Some(key), _) => Way::Files(Files {
                certificate: certificate.clone(),
                key: key.clone(),
                trusted: server.cafile.clone(),
                interval: server.file_check_interval,
            }),
            (_, _, Some(secret)) => Way::Secret(Box::new(Shared {
                plan,
                clock,
                secret: secret.clone(),
                connection: surroundings.connection,
            })),
            (_, _, None) => Way::Own(plan, clock),
        };
        Self {
            way,
            cadata: server.cadata.clone(),
        }
    }

    /// Keeps the present certificate until it is dropped, and tells whom to trust.
    pub(super) async fn keep(
        self,
        certificates: &Certificates,
        tell: impl Fn(Option<Vec<u8>>) + Send,
    ) {
        let given = self.cadata;
        let tell = |trusted: Vec<u8>| tell(Some(given.clone().unwrap_or(trusted)));
        match self.way {
            Way::None => {
                // There is nothing to be trusted, but the endpoint is there.
                tell(Vec::new());
                std::future::pending::<()>().await;
            }
            Way::Files(files) => files.keep(certificates, tell).await,
            Way::Own(plan, clock) => own(&plan, clock, certificates, tell).await,
            Way::Secret(shared) => shared.keep(certificates, tell).await,
        }
    }
}

impl Files {
    async fn keep(self, certificates: &Certificates, tell: impl Fn(Vec<u8>)) {
        let mut known = None;
        loop {
            match self.read() {
                Ok((digest, ..)) if known.as_ref() == Some(&digest) => {}
                Ok((digest, key, trusted)) => {
                    if known.is_some() {
                        info!(
                            "{} has changed, it is shown from now on",
                            self.certificate.display()
                        );
                    }
                    known = Some(digest);
                    tell(trusted);
                    certificates.set(key);
                }
                // Files are written one after another: what does not fit now may fit soon.
                Err(why) if known.is_some() => warn!("{why}; the one before is shown on"),
                Err(why) => error!("webhooks cannot be served: {why}"),
            }
            sleep(self.interval.max(PAUSE)).await;
        }
    }

    #[expect(
        clippy::type_complexity,
        reason = "what is told, what is shown, who is to be trusted"
    )]
    fn read(&self) -> Result<(Vec<u8>, Arc<rustls::sign::CertifiedKey>, Vec<u8>), String> {
        let text = |path: &PathBuf| {
            fs::read(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))
        };
        let (certificate, key) = (text(&self.certificate)?, text(&self.key)?);
        let trusted = match &self.trusted {
            Some(path) => text(path)?,
            None => certificate.clone(),
        };
        let mut digest = Sha256::new();
        for part in [&certificate, &key, &trusted] {
            digest.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            digest.update(part);
        }
        let shown = self.certificate.display();
        let key = read(&certificate, &key).map_err(|why| format!("{shown}: {why}"))?;
        Ok((digest.finalize().to_vec(), Arc::new(key), trusted))
    }
}

/// Shows a generation, and tells whom to trust: before anything else is shown.
fn show(generations: &Generations, certificates: &Certificates, tell: &impl Fn(Vec<u8>)) {
    let pair = &generations.serving;
    match read(pair.chain.as_bytes(), pair.key.as_bytes()) {
        Ok(key) => {
            tell(generations.trusted.clone().into_bytes());
            certificates.set(Arc::new(key));
        }
        Err(why) => error!("a certificate for webhooks cannot be shown: {why}"),
    }
}

async fn own(plan: &Plan, clock: Clock, certificates: &Certificates, tell: impl Fn(Vec<u8>)) {
    let mut present: Option<Generations> = None;
    loop {
        match Generations::advanced(present.as_ref(), plan, clock.now()) {
            Ok(None) => {}
            Ok(Some(generations)) => {
                show(&generations, certificates, &tell);
                present = Some(generations);
            }
            Err(error) => error!("a certificate for webhooks cannot be made: {error}"),
        }
        sleep(plan.look()).await;
    }
}

impl Shared {
    async fn keep(self, certificates: &Certificates, tell: impl Fn(Vec<u8>)) {
        let mut shown: Option<Generations> = None;
        loop {
            let pause = match self.look().await {
                Ok(generations) => {
                    if shown.as_ref() != Some(&generations) {
                        show(&generations, certificates, &tell);
                        shown = Some(generations);
                    }
                    self.plan.look()
                }
                Err(why) => {
                    error!("certificates for webhooks cannot be shared: {why}");
                    let now = self.clock.now();
                    let next = shown.as_ref().and_then(|g| g.promoted(&self.plan, now));
                    if let Some(next) = next {
                        show(&next, certificates, &tell);
                        shown = Some(next);
                    }
                    PAUSE
                }
            };
            sleep(pause).await;
        }
    }

    /// The present generations, advanced if it is time for that; by whoever comes first.
    async fn look(&self) -> Result<Generations, String> {
        loop {
            let stored = self.read().await?;
            let present = stored.as_ref().map(|(generations, _)| generations);
            let advanced = Generations::advanced(present, &self.plan, self.clock.now());
            let advanced = advanced.map_err(|error| error.to_string())?;
            let (generations, written) = match (advanced, stored) {
                (None, Some((generations, _))) => return Ok(generations),
                (None, None) => return Err("nothing was made of nothing".to_owned()),
                (Some(new), Some((_, version))) => {
                    let written = self.replace(&new, &version).await;
                    (new, written)
                }
                (Some(new), None) => {
                    let written = self.create(&new).await;
                    (new, written)
                }
            };
            match written {
                Ok(()) => return Ok(generations),
                // Somebody else was first: what they have made counts.
                Err(error) if error.failure() == Failure::Conflict => {
                    debug!("another replica has renewed {}", self.shown());
                }
                Err(error) => return Err(format!("{} cannot be written: {error}", self.shown())),
            }
        }
    }

    fn shown(&self) -> String {
        format!("Secret {}/{}", self.secret.namespace, self.secret.name)
    }

    /// What is stored, and the version of it.
    async fn read(&self) -> Result<Option<(Generations, String)>, String> {
        let resource = resource();
        let secret = match self.connection.get(self.target(&resource)).await {
            Ok(secret) => secret,
            Err(error) if error.failure() == Failure::Missing => return Ok(None),
            Err(error) => return Err(format!("{} cannot be read: {error}", self.shown())),
        };
        let state = secret["data"][STATE].as_str().unwrap_or_default();
        let state = STANDARD.decode(state).unwrap_or_default();
        let version = secret["metadata"]["resourceVersion"].as_str();
        match serde_json::from_slice(&state) {
            Ok(generations) => Ok(Some((generations, version.unwrap_or_default().to_owned()))),
            Err(_) => Err(format!(
                "{} is not of our making; remove it, name another one, or mount it and set certfile and pkeyfile",
                self.shown()
            )),
        }
    }

    fn target<'a>(&'a self, resource: &'a Resource) -> Target<'a> {
        Target {
            resource,
            namespace: Some(&self.secret.namespace),
            name: &self.secret.name,
        }
    }

    async fn create(&self, generations: &Generations) -> Result<(), ApiError> {
        let path = resource().path(Some(&self.secret.namespace), None);
        let object = json!({
            "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
            "metadata": {"name": self.secret.name, "namespace": self.secret.namespace},
            "data": data(generations),
        });
        let created = self.connection.create(&path, &object).await;
        created.map(drop)
    }

    async fn replace(&self, generations: &Generations, version: &str) -> Result<(), ApiError> {
        let patch = json!({"metadata": {"resourceVersion": version}, "data": data(generations)});
        let payload = crate::api::Payload::Merge(patch);
        let resource = resource();
        let patched = self
            .connection
            .patch(self.target(&resource), None, &payload)
            .await;
        patched.map(drop)
    }
}

/// The usual names for those who mount the Secret, and all of it for us.
fn data(generations: &Generations) -> Value {
    let state = serde_json::to_string(generations).unwrap_or_default();
    json!({
        "tls.crt": STANDARD.encode(&generations.serving.chain),
        "tls.key": STANDARD.encode(&generations.serving.key),
        "ca.crt": STANDARD.encode(&generations.trusted),
        STATE: STANDARD.encode(state),
    })
}

fn resource() -> Resource {
    Resource {
        version: "v1".to_owned(),
        plural: "secrets".to_owned(),
        kind: "Secret".to_owned(),
        namespaced: true,
        ..Resource::default()
    }
}
