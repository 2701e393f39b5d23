//! The cluster as one test sees it.

use std::fmt;
use std::path::Path;
use std::rc::Rc;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::LocalBoxFuture;
use k8s_openapi::api::core::v1::Event;
use kopfrs_sandbox::Sandbox;
use kube::api::{Api, ListParams};
use kube::{Client, CustomResourceExt};
use serde_json::{Value, json};

mod keeping;

use super::backend::{Backend, Gate, Ground};
use super::diagnosis::About;
use super::handle::OperatorState;
use super::leftovers::{Leftovers, unique};
use super::log::{Capture, Log};
use super::manifest;
use super::objects::{Object, Objects};
use super::operator::OperatorSetup;
use super::rest::Rest;
use super::waiting::Waiting;
use crate::api::Connection;
use crate::reactor::discover;
use crate::resource::{Resource, Selector};
use crate::settings::NetworkingSettings;

/// How long anything may take, in real time and where time passes at once.
const PATIENCE: (Duration, Duration) = (Duration::from_secs(120), Duration::from_secs(3600));

/// How long cleaning up may take.
const CLOSING: Duration = Duration::from_secs(60);

/// The cluster that a test runs on, with a namespace of its own. Cheap to clone.
///
/// What goes wrong while it is set up or changed fails the test with a message that names the object: a test has nothing
/// to unwrap. For requests that shall be refused there is [`Cluster::client`].
///
/// # Examples
/// ```standalone_crate
/// use kopfrs::prelude::*;
/// use kopfrs::testing::Cluster;
///
/// #[derive(CustomResource, Clone, Debug, Deserialize, Serialize, JsonSchema)]
/// #[kube(group = "example.com", version = "v1", kind = "Demo", namespaced, status = "DemoStatus")]
/// struct DemoSpec {
///     size: u32,
/// }
///
/// #[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
/// struct DemoStatus {
///     seen: u32,
/// }
///
/// #[on::create(Demo)]
/// #[on::update(Demo)]
/// async fn show(spec: DemoSpec, patch: &Patch) {
///     patch.status(json!({ "seen": spec.size }));
/// }
///
/// #[kopfrs::test]
/// async fn the_status_shows_the_size(cluster: Cluster) {
///     cluster.install::<Demo>().await;
///     let operator = cluster.operator().start().await;
///
///     let demos = cluster.objects::<Demo>();
///     demos.create(&Demo::new("a", DemoSpec { size: 1 })).await;
///     let shows = |size| move |demo: &Demo| demo.status.as_ref().is_some_and(|status| status.seen == size);
///     demos.until("a", shows(1)).await;
///
///     demos.merge("a", json!({"spec": {"size": 2}})).await;
///     demos.until("a", shows(2)).await;
///     operator.stop().await;
/// }
/// # the_status_shows_the_size();
/// ```
#[derive(Clone)]
pub struct Cluster(Arc<Inner>);

struct Inner {
    test: String,
    ground: Ground,
    is_paused: bool,
    client: Client,
    namespace: String,
    capture: Capture,
    operators: Mutex<Vec<Arc<OperatorState>>>,
    leftovers: Leftovers,
    /// A diagnosis has been given: what follows from it need not be told.
    is_told: AtomicBool,
}

impl Cluster {
    /// Makes room for a test.
    pub(super) async fn open(
        test: &str,
        ground: Ground,
        (is_paused, capture): (bool, Capture),
    ) -> Self {
        let namespace = unique(test);
        let client = ground.client(None, &namespace);
        let client =
            client.unwrap_or_else(|error| panic!("there is no client for the test: {error}"));
        let cluster = Self(Arc::new(Inner {
            test: test.to_owned(),
            ground,
            is_paused,
            client,
            namespace,
            capture,
            operators: Mutex::default(),
            leftovers: Leftovers::default(),
            is_told: AtomicBool::new(false),
        }));
        cluster.make_namespace(cluster.namespace()).await;
        cluster
    }

    async fn make_namespace(&self, name: &str) {
        let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        if let Err(error) = self.rest().post("/api/v1/namespaces", &object).await {
            panic!("namespace {name} cannot be made: {error}");
        }
        self.0.leftovers.namespace(name);
    }

    /// What the test runs on.
    pub fn backend(&self) -> Backend {
        match &self.0.ground {
            Ground::InProcess(_) => Backend::InProcess,
            Ground::Wire(wire) => wire.backend(),
        }
    }

    /// The namespace of the test: nobody else uses it, and it is removed in the end.
    pub fn namespace(&self) -> &str {
        &self.0.namespace
    }

    /// Makes one more namespace for the test, and gives its name: the prefix with something unique behind it. It is
    /// removed in the end.
    pub async fn another_namespace(&self, prefix: &str) -> String {
        let name = unique(prefix);
        self.make_namespace(&name).await;
        name
    }

    /// A client with all rights; its default namespace is that of the test.
    pub fn client(&self) -> Client {
        self.0.client.clone()
    }

    /// A client with the rights of a token, such as one of a service account.
    pub fn client_with_token(&self, token: &str) -> Client {
        let client = self.0.ground.client(Some(token), self.namespace());
        client.unwrap_or_else(|error| panic!("there is no client for the token: {error}"))
    }

    /// The kubeconfig of a user with all rights, for other programs.
    ///
    /// # Panics
    /// If no other program can reach the cluster: such a test needs `#[kopfrs::test(wire)]`.
    pub fn kubeconfig(&self) -> &Path {
        match &self.0.ground {
            Ground::Wire(wire) => wire.kubeconfig(),
            Ground::InProcess(_) => panic!(
                "the sandbox of this test is in its process, and no other program can reach it: write \
                 #[kopfrs::test(wire)]"
            ),
        }
    }

    /// The sandbox of the test; `None` where it runs on something else, or shares a sandbox with others.
    pub fn sandbox(&self) -> Option<&Sandbox> {
        match &self.0.ground {
            Ground::InProcess(sandbox) => Some(sandbox),
            Ground::Wire(_) => None,
        }
    }

    /// A way of its own into the cluster, on which things go wrong when told to.
    pub async fn gate(&self) -> Gate {
        let gate = self.0.ground.gate().await;
        gate.unwrap_or_else(|failure| panic!("there is no other way into the cluster: {failure}"))
    }

    pub(super) async fn free_gate(&self) -> Option<Gate> {
        let gate = self.0.ground.free_gate().await;
        gate.unwrap_or_else(|failure| panic!("there is no other way into the cluster: {failure}"))
    }

    pub(super) fn ground(&self) -> &Ground {
        &self.0.ground
    }

    pub(super) fn leftovers(&self) -> &Leftovers {
        &self.0.leftovers
    }

    pub(super) fn rest(&self) -> Rest {
        Rest::new(self.client())
    }

    /// An operator for this cluster, to be set up and started.
    pub fn operator(&self) -> OperatorSetup {
        OperatorSetup::new(self)
    }

    /// The objects of a type in the namespace of the test; of kinds without namespaces, all.
    pub fn objects<K: Object>(&self) -> Objects<K> {
        Objects::of_type(self)
    }

    /// The objects of a kind, as JSON, by any name that handlers may use for it: `demos`, `demos.v1.example.com`.
    /// Waits for the kind to be served.
    ///
    /// # Examples
    /// ```
    /// use kopfrs::testing::Cluster;
    ///
    /// #[kopfrs::test]
    /// async fn maps_are_maps(cluster: Cluster) {
    ///     cluster.apply("{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {x: '1'}}").await;
    ///     let map = cluster.kind("cm").await.get("a").await;
    ///     assert_eq!(map["data"]["x"], "1");
    /// }
    /// # maps_are_maps();
    /// ```
    pub async fn kind(&self, name: &str) -> Objects<Value> {
        let selector = Selector::name(name).unwrap_or_else(|error| panic!("{error}"));
        let resource = self.resource(move |resources| {
            let selected = selector.select(resources).ok()?;
            selected.first().map(|resource| (*resource).clone())
        });
        let what = format!("a kind {name} to be served");
        let resource = Waiting::new(self, what, resource).await;
        Objects::of_resource(self, resource)
    }

    /// Looks for a kind in what is served.
    pub(super) fn resource<'a, F>(
        &self,
        find: F,
    ) -> impl FnMut() -> LocalBoxFuture<'a, Option<Resource>> + use<'a, F>
    where
        F: Fn(&[Resource]) -> Option<Resource> + Clone + 'a,
    {
        let connection = Connection::new(self.client(), NetworkingSettings::default());
        move || {
            let (connection, find) = (connection.clone(), find.clone());
            Box::pin(async move {
                let discovery = discover(&connection, &[]).await.ok()?;
                find(&discovery.resources)
            })
        }
    }

    /// Creates the objects of a YAML text, or merges what it says into those that are there; gives what the server has
    /// stored. Objects that name no namespace go to that of the test; definitions of kinds are waited for.
    ///
    /// # Examples
    /// ```
    /// use kopfrs::testing::Cluster;
    ///
    /// #[kopfrs::test]
    /// async fn secrets_are_encoded(cluster: Cluster) {
    ///     let applied = cluster
    ///         .apply(
    ///             "
    /// apiVersion: v1
    /// kind: Secret
    /// metadata: {name: s}
    /// stringData: {password: hunter2}
    /// ",
    ///         )
    ///         .await;
    ///     assert_eq!(applied[0]["data"]["password"], "aHVudGVyMg==");
    ///     assert_eq!(applied[0]["metadata"]["namespace"], cluster.namespace());
    /// }
    /// # secrets_are_encoded();
    /// ```
    pub async fn apply(&self, yaml: &str) -> Vec<Value> {
        manifest::apply(self, yaml).await
    }

    /// Installs the kind of a type, and waits until it is served.
    ///
    /// On clusters that tests share, definitions are shared, too: tests that need different ones for one kind cannot run
    /// side by side there.
    pub async fn install<K: CustomResourceExt>(&self) {
        let definition = K::crd();
        let definition =
            serde_json::to_value(definition).expect("a definition can be written as JSON");
        manifest::apply_object(self, definition).await;
    }

    /// Waits until a condition holds.
    pub fn until<'a>(
        &self,
        what: impl Into<String>,
        condition: impl AsyncFnMut() -> bool + 'a,
    ) -> Waiting<'a, ()> {
        // Each look borrows the condition, one after another.
        let condition = Rc::new(tokio::sync::Mutex::new(condition));
        Waiting::new(self, what, move || {
            let condition = condition.clone();
            Box::pin(async move {
                let mut condition = condition.lock().await;
                (*condition)().await.then_some(())
            })
        })
    }

    /// The Kubernetes Events about objects of a name in the namespace of the test.
    pub async fn events(&self, name: &str) -> Vec<Event> {
        let events: Api<Event> = Api::namespaced(self.client(), self.namespace());
        let fields = format!("involvedObject.name={name}");
        let events = events.list(&ListParams::default().fields(&fields)).await;
        let events =
            events.unwrap_or_else(|error| panic!("the events of {name} cannot be listed: {error}"));
        events.items
    }

    /// Waits until there is an event of a reason about an object of a name.
    pub fn until_event(&self, name: &str, reason: &str) -> Waiting<'static, Event> {
        let (cluster, about) = (self.clone(), About::default().events_of(name));
        let (name, reason) = (name.to_owned(), reason.to_owned());
        let what = format!("an event about {name} with the reason {reason}");
        let look = move || -> LocalBoxFuture<'static, Option<Event>> {
            let (cluster, name, reason) = (cluster.clone(), name.clone(), reason.clone());
            Box::pin(async move {
                let mut events = cluster.events(&name).await.into_iter();
                events.find(|event| event.reason.as_deref() == Some(&*reason))
            })
        };
        Waiting::new(self, what, look).about(about)
    }

    /// What has been said in the test so far, by its operators and by others.
    pub fn log(&self) -> Log {
        self.0.capture.log()
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster")
            .field("test", &self.0.test)
            .field("backend", &self.backend())
            .field("namespace", &self.0.namespace)
            .finish_non_exhaustive()
    }
}
