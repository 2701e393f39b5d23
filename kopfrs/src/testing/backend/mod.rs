//! What tests run on, and how one gets there. Nothing here knows of operators under test.

mod envtest;
mod existing;
mod gate;
mod keeper;
mod sandbox;
mod wire;

use std::fmt;

use kube::Client;
use kube::client::Body;

pub use self::gate::Gate;
pub(super) use self::wire::Wire;
use kopfrs_sandbox::Sandbox;

/// Why there is no cluster to run a test on.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What a test runs on.
///
/// Unless the test says otherwise, the environment decides: `KOPFRS_TEST_BACKEND=in-process`, `sandbox`, `envtest` or
/// `existing`. Where that is not set, `USE_EXISTING_CLUSTER=true` means [`Existing`](Backend::Existing),
/// `KUBEBUILDER_ASSETS` means [`Envtest`](Backend::Envtest), and neither means [`InProcess`](Backend::InProcess).
///
/// # Examples
/// ```
/// use kopfrs::testing::{Backend, Cluster};
///
/// #[kopfrs::test(backend = "in-process")]
/// async fn it_is_there(cluster: Cluster) {
///     assert_eq!(cluster.backend(), Backend::InProcess);
/// }
/// # it_is_there();
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Backend {
    /// A sandbox for each test, reached without a network, with time that passes at once.
    InProcess,
    /// One sandbox for all tests of the process, over TLS.
    Sandbox,
    /// `etcd` and `kube-apiserver` from the folder `KUBEBUILDER_ASSETS`, for all tests of the process.
    Envtest,
    /// The cluster of the current context of `KUBECONFIG`.
    Existing,
}

/// Why the environment names no backend.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "KOPFRS_TEST_BACKEND={0:?} is no backend for tests; write in-process, sandbox, envtest or existing"
)]
pub(super) struct UnknownBackend(String);

impl Backend {
    /// The one that the environment asks for.
    pub(super) fn of_environment() -> Result<Self, UnknownBackend> {
        Self::choose(|name| std::env::var(name).ok())
    }

    fn choose(variable: impl Fn(&str) -> Option<String>) -> Result<Self, UnknownBackend> {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        if let Some(name) = variable("KOPFRS_TEST_BACKEND") {
            let all = [
                Self::InProcess,
                Self::Sandbox,
                Self::Envtest,
                Self::Existing,
            ];
            let found = all.into_iter().find(|backend| backend.name() == name);
            return found.ok_or(UnknownBackend(name));
        }
        if variable("USE_EXISTING_CLUSTER").is_some_and(|value| value == "true") {
            return Ok(Self::Existing);
        }
        Ok(match variable("KUBEBUILDER_ASSETS") {
            Some(_) => Self::Envtest,
            None => Self::InProcess,
        })
    }

    /// As `KOPFRS_TEST_BACKEND` names it.
    fn name(self) -> &'static str {
        match self {
            Self::InProcess => "in-process",
            Self::Sandbox => "sandbox",
            Self::Envtest => "envtest",
            Self::Existing => "existing",
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A cluster that is up.
#[derive(Clone, Debug)]
pub(super) enum Ground {
    InProcess(Sandbox),
    Wire(&'static Wire),
}

impl Ground {
    /// A client with all rights, or those of a token.
    pub(super) fn client(
        &self,
        token: Option<&str>,
        namespace: &str,
    ) -> Result<Client, kube::Error> {
        match (self, token) {
            (Self::InProcess(sandbox), None) => Ok(in_namespace(sandbox.client(), namespace)),
            (Self::InProcess(sandbox), Some(token)) => {
                Ok(in_namespace(sandbox.client_with_token(token), namespace))
            }
            (Self::Wire(wire), token) => {
                let mut config = wire.config(token);
                namespace.clone_into(&mut config.default_namespace);
                Client::try_from(config)
            }
        }
    }

    /// A way in for one operator, if it can be watched at no cost.
    pub(super) async fn free_gate(&self) -> Result<Option<Gate>, Failure> {
        match self {
            Self::InProcess(sandbox) => Ok(Some(Gate::in_process(sandbox))),
            Self::Wire(wire) => match wire.sandbox() {
                Some(sandbox) => Ok(Some(Gate::served(sandbox).await?)),
                None => Ok(None),
            },
        }
    }

    /// A way in on which things go wrong when told to.
    pub(super) async fn gate(&self) -> Result<Gate, Failure> {
        match (self.free_gate().await?, self) {
            (Some(gate), _) => Ok(gate),
            (None, Self::Wire(wire)) => Gate::proxy(wire.config(None)).await,
            (None, Self::InProcess(_)) => unreachable!("a sandbox has gates that cost nothing"),
        }
    }
}

/// The same client with another default namespace.
fn in_namespace(client: Client, namespace: &str) -> Client {
    let service = tower::service_fn(move |request: http::Request<Body>| {
        let client = client.clone();
        async move { client.send(request).await }
    });
    Client::new(service, namespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_chooses_the_backend() {
        let rows: [(&[(&str, &str)], Backend); 7] = [
            (&[], Backend::InProcess),
            (&[("KUBEBUILDER_ASSETS", "/assets")], Backend::Envtest),
            (&[("KUBEBUILDER_ASSETS", "")], Backend::InProcess),
            (
                &[
                    ("USE_EXISTING_CLUSTER", "true"),
                    ("KUBEBUILDER_ASSETS", "/assets"),
                ],
                Backend::Existing,
            ),
            (&[("USE_EXISTING_CLUSTER", "false")], Backend::InProcess),
            (
                &[
                    ("KOPFRS_TEST_BACKEND", "sandbox"),
                    ("USE_EXISTING_CLUSTER", "true"),
                ],
                Backend::Sandbox,
            ),
            (&[("KOPFRS_TEST_BACKEND", "existing")], Backend::Existing),
        ];
        for (environment, expected) in rows {
            let variable = |name: &str| {
                let found = environment.iter().find(|(key, _)| *key == name);
                found.map(|(_, value)| (*value).to_owned())
            };
            assert_eq!(Backend::choose(variable), Ok(expected), "{environment:?}");
        }
        let wrong =
            Backend::choose(|name| (name == "KOPFRS_TEST_BACKEND").then(|| "kind".to_owned()));
        assert_eq!(wrong, Err(UnknownBackend("kind".to_owned())));
    }
}
