//! Stands in for the server in unit tests of handlers: records what is asked, and answers.

mod store;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::{Method, Response, StatusCode};
use http_body_util::BodyExt as _;
use k8s_openapi::api::core::v1::ObjectReference;
use kube::Client;
use kube::client::Body;
use serde::Serialize;
use serde_json::{Value, json};

use self::store::{Refusal, Store};
use super::Actions;
use super::actions::{Common, Note, Notes, Object, with_types};
use super::counts::{RequestKind, RequestOutcome};
use super::place::Place;

/// Stands in for the API server in unit tests of handlers: it records requests, keeps what is written,
/// and refuses what it is told to refuse. No cluster, no network, no other process.
///
/// It is a note pad, not a server: it knows no schemas, no defaults, no admission, no owners, and no
/// watches. It gives names, uids and versions, tells conflicts, and lists by equality of labels. Strategic
/// merge patches are merged as plain ones, and what is applied is merged. Tests that need more run on the
/// sandbox.
///
/// # Examples
/// ```
/// use k8s_openapi::api::core::v1::ConfigMap;
/// use kopfrs::api::{Actions, ActionError, Recorder};
///
/// async fn create(name: &str, actions: Actions) -> Result<(), ActionError> {
///     let mut map = ConfigMap::default();
///     map.metadata.name = Some(format!("{name}-settings"));
///     map.metadata.namespace = Some("demo".into());
///     actions.create(&mut map).await
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let recorder = Recorder::new();
/// create("web", recorder.actions()).await.unwrap();
/// assert_eq!(recorder.lines(), ["create configmaps demo/web-settings"]);
///
/// recorder.refuse("create", "configmaps", 409, "AlreadyExists");
/// let error = create("shop", recorder.actions()).await.unwrap_err();
/// assert!(matches!(error, ActionError::AlreadyExists { .. }));
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Recorder(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    requests: Vec<Recorded>,
    store: Store,
    refusals: Vec<(&'static str, String, Refusal)>,
    notes: Vec<(String, Note)>,
}

/// A request as it came.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Recorded {
    /// The verb as roles name it: `create`, `patch`.
    pub verb: &'static str,
    /// The plural name of the kind, with its group: `deployments.apps`.
    pub resource: String,
    /// The subresource; empty for the object itself.
    pub subresource: String,
    /// The namespace; empty for cluster-scoped objects, and for all namespaces.
    pub namespace: String,
    /// The name; empty for collections, and for names that the server is to make up.
    pub name: String,
    /// The query: `dryRun=All&fieldManager=web`.
    pub query: String,
    /// What was sent; null for nothing.
    pub body: Value,
    /// What was answered: the status code.
    pub code: u16,
}

impl Recorder {
    /// A recorder that knows of no object.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts an object in, as if it had been there before.
    ///
    /// # Panics
    /// If the object has no name, or cannot be turned into JSON: the test is wrong then.
    pub fn with<K>(self, object: &K) -> Self
    where
        K: Object + kube::Resource<DynamicType = (), Scope: 'static>,
    {
        let kind = K::fixed_kind().expect("objects of a type have a kind");
        let value = with_types(object, &kind);
        let value = value.expect("an object can be turned into JSON");
        let name = object.meta().name.as_deref();
        let path = kind.path(
            object.meta().namespace.as_deref(),
            Some(name.expect("an object that is there has a name")),
        );
        self.state().store.put(path, value);
        self
    }

    /// Refuses requests from now on: a verb on a kind (its plural name, with its group).
    pub fn refuse(&self, verb: &'static str, resource: &str, code: u16, reason: &'static str) {
        let refusal = Refusal::new(
            code,
            reason,
            format!("{verb} {resource} is refused by the test"),
        );
        self.state()
            .refusals
            .push((verb, resource.to_owned(), refusal));
    }

    /// Actions on this recorder, for nobody in particular; give them an owner by
    /// [`Actions::with_owner`].
    pub fn actions(&self) -> Actions {
        let common = Common::default();
        let recorder = self.clone();
        let take = move |object: &ObjectReference, note: &Note| {
            let name = object.name.clone().unwrap_or_default();
            recorder.state().notes.push((name, note.clone()));
        };
        let _ = common.notes.set(Notes(Arc::new(take)));
        Actions::sharing(self.client(), Arc::new(common))
    }

    /// What was told of objects in events, with the objects' names, in their order.
    pub fn notes(&self) -> Vec<(String, Note)> {
        self.state().notes.clone()
    }

    /// A client of this recorder.
    pub fn client(&self) -> Client {
        let recorder = self.clone();
        let service = tower::service_fn(move |request: http::Request<Body>| {
            let recorder = recorder.clone();
            async move { Ok::<_, Infallible>(recorder.serve(request).await) }
        });
        Client::new(service, "default")
    }

    /// All requests, in their order.
    pub fn requests(&self) -> Vec<Recorded> {
        self.state().requests.clone()
    }

    /// All requests, a line each: `patch deployments.apps/status demo/web`.
    pub fn lines(&self) -> Vec<String> {
        let state = self.state();
        state.requests.iter().map(ToString::to_string).collect()
    }

    /// The objects as they are now, by their paths.
    pub fn objects(&self) -> BTreeMap<String, Value> {
        self.state().store.objects().clone()
    }

    async fn serve(&self, request: http::Request<Body>) -> Response<Body> {
        let (head, body) = request.into_parts();
        let body = match body.collect().await {
            Ok(body) => serde_json::from_slice(&body.to_bytes()).unwrap_or_default(),
            Err(_) => Value::Null,
        };
        let path = head.uri.path().to_owned();
        let query = head.uri.query().unwrap_or_default().to_owned();
        let full = head.uri.to_string();
        let kind = RequestKind::of(&head.method, &full, RequestOutcome::Ok);
        let content_type = head.headers.get(http::header::CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok());
        let mut state = self.state();
        let refused = state
            .refusals
            .iter()
            .find(|(verb, resource, _)| *verb == kind.verb && *resource == kind.resource);
        let answer = match refused {
            Some((_, _, refusal)) => Err(refusal.clone()),
            None => state.store.serve(&store::Asked {
                verb: kind.verb,
                subresource: &kind.subresource,
                path: &path,
                query: &query,
                content_type: content_type.unwrap_or_default(),
                body: &body,
            }),
        };
        let (code, said) = match answer {
            Ok(value) if head.method == Method::POST => (201, value),
            Ok(value) => (200, value),
            Err(refusal) => (refusal.code, refusal.status()),
        };
        state
            .requests
            .push(Recorded::of(kind, &path, (query, body), code));
        answer_of(code, &said)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn answer_of(code: u16, said: &impl Serialize) -> Response<Body> {
    let mut answer = Response::new(Body::from(json!(said).to_string().into_bytes()));
    *answer.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    answer
}

impl Recorded {
    fn of(kind: RequestKind, path: &str, (query, body): (String, Value), code: u16) -> Self {
        let place = Place::of(path);
        Self {
            verb: kind.verb,
            resource: kind.resource,
            subresource: kind.subresource,
            namespace: place.namespace.to_owned(),
            name: place.name.to_owned(),
            query,
            body,
            code,
        }
    }
}

impl fmt::Display for Recorded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.resource)?;
        if !self.subresource.is_empty() {
            write!(f, "/{}", self.subresource)?;
        }
        let told = self.body["metadata"]["name"].as_str();
        let name = if self.name.is_empty() {
            told.unwrap_or_default()
        } else {
            &self.name
        };
        match (&*self.namespace, name) {
            ("", "") => Ok(()),
            ("", name) => write!(f, " {name}"),
            (namespace, "") => write!(f, " in {namespace}"),
            (namespace, name) => write!(f, " {namespace}/{name}"),
        }
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Recorder").field(&self.lines()).finish()
    }
}
