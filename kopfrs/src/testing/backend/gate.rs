//! Ways into a cluster on which things go wrong when told to, and on which everything is on record.

use std::fmt;
use std::sync::Arc;

use kopfrs_sandbox::fault::Faults;
use kopfrs_sandbox::{Journal, Proxy, Sandbox, Server, Tokens};

use super::Failure;
use crate::api::Credentials;

/// A way of its own into the cluster of a test: its faults strike nobody else, its journal has nobody else's requests.
///
/// On the sandbox that is another door to the same cluster; elsewhere a [`Proxy`] in front of it. Cheap to clone.
///
/// # Examples
/// ```
/// use k8s_openapi::api::core::v1::ConfigMap;
/// use kopfrs::testing::{Cluster, Fault, On, Rule};
/// use kopfrs::{Registry, on};
///
/// #[kopfrs::test]
/// async fn creations_survive_an_overload(cluster: Cluster) {
///     let gate = cluster.gate().await;
///     let overload = Rule::new(On::verb("patch"), Fault::status(429).retry_after(1)).times(3);
///     let injected = gate.faults().inject(overload);
///     let handlers = Registry::new().add(on::create::<ConfigMap>().id("create").run(async || "done"));
///     let operator = cluster.operator().handlers(handlers).through(&gate).start().await;
///     cluster.apply("{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}").await;
///     operator.until_succeeded("create").await;
///     operator.until_settled().await;
///     assert_eq!(injected.hits(), 3);
///     assert_eq!(gate.journal().requests().status(429).len(), 3);
/// }
/// # creations_survive_an_overload();
/// ```
#[derive(Clone)]
pub struct Gate(Arc<Way>);

enum Way {
    InProcess(Sandbox),
    Served(Sandbox, Server),
    Proxy(Proxy),
}

impl Gate {
    pub(super) fn in_process(sandbox: &Sandbox) -> Self {
        Self(Arc::new(Way::InProcess(sandbox.door())))
    }

    pub(super) async fn served(sandbox: &Sandbox) -> Result<Self, Failure> {
        let door = sandbox.door();
        let server = door.serve().await?;
        Ok(Self(Arc::new(Way::Served(door, server))))
    }

    pub(super) async fn proxy(config: kube::Config) -> Result<Self, Failure> {
        let proxy = Proxy::start(config).await?;
        Ok(Self(Arc::new(Way::Proxy(proxy))))
    }

    /// What is made to go wrong on this way.
    pub fn faults(&self) -> Faults {
        match &*self.0 {
            Way::InProcess(sandbox) | Way::Served(sandbox, _) => sandbox.faults(),
            Way::Proxy(proxy) => proxy.faults(),
        }
    }

    /// The requests that went this way.
    pub fn journal(&self) -> Journal {
        match &*self.0 {
            Way::InProcess(sandbox) | Way::Served(sandbox, _) => sandbox.journal(),
            Way::Proxy(proxy) => proxy.journal(),
        }
    }

    /// The bearer tokens that are accepted on this way: for tests of credentials that end.
    pub fn tokens(&self) -> Tokens {
        match &*self.0 {
            Way::InProcess(sandbox) | Way::Served(sandbox, _) => sandbox.tokens(),
            Way::Proxy(proxy) => proxy.tokens(),
        }
    }

    /// Credentials with all rights that lead this way.
    pub fn credentials(&self) -> Credentials {
        match &*self.0 {
            Way::InProcess(sandbox) => Credentials::from_client(sandbox.client()),
            Way::Served(_, server) => Credentials::new(server.config()),
            Way::Proxy(proxy) => Credentials::new(proxy.config()),
        }
    }

    /// Credentials with a token that lead this way.
    pub fn credentials_with_token(&self, token: &str) -> Credentials {
        match &*self.0 {
            Way::InProcess(sandbox) => Credentials::from_client(sandbox.client_with_token(token)),
            Way::Served(_, server) => Credentials::new(server.config_with_token(token)),
            Way::Proxy(proxy) => Credentials::new(proxy.config_with_token(token)),
        }
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").finish_non_exhaustive()
    }
}
