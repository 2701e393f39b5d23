//! What faults are tried on: the same server, reached in two ways.

use futures::future::BoxFuture;
use k8s_openapi::api::core::v1::ConfigMap;
use kopfrs_sandbox::{Journal, Proxy, Sandbox, Server, fault::Faults};
use kube::{
    Api, Client,
    api::{ObjectMeta, Patch, PatchParams, PostParams},
};
use serde_json::json;

/// A server that things go wrong with, a client that sees it, and one that does not.
pub(crate) struct Subject {
    pub(crate) client: Client,
    pub(crate) faults: Faults,
    pub(crate) journal: Journal,
    /// Reaches the server past all faults.
    pub(crate) undisturbed: Client,
}

impl Subject {
    pub(crate) fn in_process() -> Self {
        let sandbox = Sandbox::new();
        Self {
            client: sandbox.client(),
            faults: sandbox.faults(),
            journal: sandbox.journal(),
            undisturbed: sandbox.client(),
        }
    }

    /// What comes with it has to be kept as long as the test runs.
    async fn proxied() -> (Self, (Proxy, Server)) {
        let sandbox = Sandbox::new();
        let server = sandbox.serve().await.expect("serving");
        let proxy = Proxy::start(server.config()).await.expect("a proxy");
        let mut config = proxy.config();
        // What goes wrong shall be seen.
        config.default_retry = false;
        let subject = Self {
            client: Client::try_from(config).expect("a client"),
            faults: proxy.faults(),
            journal: proxy.journal(),
            undisturbed: sandbox.client(),
        };
        (subject, (proxy, server))
    }

    /// A sandbox on a port of its own.
    async fn served() -> (Self, Server) {
        let sandbox = Sandbox::new();
        let server = sandbox.serve().await.expect("serving");
        let mut config = server.config();
        config.default_retry = false;
        let subject = Self {
            client: Client::try_from(config).expect("a client"),
            faults: server.faults(),
            journal: server.journal(),
            undisturbed: sandbox.client(),
        };
        (subject, server)
    }

    pub(crate) fn maps(&self) -> Maps {
        Maps(Api::default_namespaced(self.client.clone()))
    }

    /// What is really there.
    pub(crate) fn truth(&self) -> Maps {
        Maps(Api::default_namespaced(self.undisturbed.clone()))
    }
}

fn runtime(paused: bool) -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let builder = builder.enable_all().start_paused(paused);
    builder.build().expect("a runtime")
}

fn in_process(test: impl Fn(Subject) -> BoxFuture<'static, ()>) {
    runtime(true).block_on(async { test(Subject::in_process()).await });
}

/// Runs a test in-process with time paused, and then over TLS.
pub(crate) fn both_ports(test: impl Fn(Subject) -> BoxFuture<'static, ()>) {
    in_process(&test);
    runtime(false).block_on(async {
        let (subject, _server) = Subject::served().await;
        test(subject).await;
    });
}

/// Runs a test in-process with time paused, and then through a proxy.
pub(crate) fn both_ways(test: impl Fn(Subject) -> BoxFuture<'static, ()>) {
    in_process(&test);
    runtime(false).block_on(async {
        let (subject, _behind) = Subject::proxied().await;
        test(subject).await;
    });
}

pub(crate) struct Maps(pub(crate) Api<ConfigMap>);

impl Maps {
    pub(crate) async fn create(&self, name: &str) -> kube::Result<ConfigMap> {
        let metadata = ObjectMeta {
            name: Some(name.to_owned()),
            ..ObjectMeta::default()
        };
        let map = ConfigMap {
            metadata,
            ..ConfigMap::default()
        };
        self.0.create(&PostParams::default(), &map).await
    }

    pub(crate) async fn set(&self, name: &str, value: &str) -> kube::Result<ConfigMap> {
        let patch = Patch::Merge(json!({"data": {"value": value}}));
        self.0.patch(name, &PatchParams::default(), &patch).await
    }

    pub(crate) async fn exists(&self, name: &str) -> bool {
        self.0.get_opt(name).await.expect("answered").is_some()
    }
}

/// The status that a request was refused with.
pub(crate) fn refusal<T: std::fmt::Debug>(result: kube::Result<T>) -> kube::core::Status {
    match result {
        Err(kube::Error::Api(status)) => *status,
        other => panic!("no refusal: {other:?}"),
    }
}

/// Whether the connection broke before there was an answer.
pub(crate) fn is_broken<T: std::fmt::Debug>(result: &kube::Result<T>) -> bool {
    matches!(
        result,
        Err(kube::Error::Service(_) | kube::Error::HyperError(_))
    )
}
