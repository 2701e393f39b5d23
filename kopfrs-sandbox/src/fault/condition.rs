//! Which requests a fault is for.

use std::{fmt, sync::Arc};

use crate::journal::Request;

type Predicate = Arc<dyn Fn(&Request) -> bool + Send + Sync>;

/// Selects the requests that a [`Rule`](super::Rule) is for. Everything that is asked for must hold.
///
/// # Examples
///
/// ```
/// use kopfrs_sandbox::fault::On;
///
/// let statuses = On::verb("patch").resource("demos").subresource("status");
/// let one = On::writes().namespace("shop").name("prices");
/// let kubectl = On::any().user_agent("kubectl/");
/// # drop((statuses, one, kubectl));
/// ```
#[derive(Clone, Default)]
pub struct On {
    verbs: Option<Vec<String>>,
    group: Option<String>,
    resource: Option<String>,
    subresource: Option<String>,
    namespace: Option<String>,
    name: Option<String>,
    user_agent: Option<String>,
    predicate: Option<Predicate>,
}

/// The verbs that change something.
const WRITES: [&str; 5] = ["create", "update", "patch", "delete", "deletecollection"];

impl On {
    /// All requests, those for discovery included.
    pub fn any() -> Self {
        Self::default()
    }

    /// Requests of one verb: `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`.
    pub fn verb(verb: &str) -> Self {
        Self::verbs([verb])
    }

    /// Requests of one of some verbs.
    pub fn verbs<'a>(verbs: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            verbs: Some(verbs.into_iter().map(str::to_owned).collect()),
            ..Self::default()
        }
    }

    /// Requests that create, change or delete.
    pub fn writes() -> Self {
        Self::verbs(WRITES)
    }

    /// Only of an API group; the core group is the empty one.
    pub fn group(mut self, group: &str) -> Self {
        self.group = Some(group.to_owned());
        self
    }

    /// Only about a resource, named by its plural.
    pub fn resource(mut self, plural: &str) -> Self {
        self.resource = Some(plural.to_owned());
        self
    }

    /// Only about a subresource; the empty one is the object itself. Unless asked for, both are meant.
    pub fn subresource(mut self, subresource: &str) -> Self {
        self.subresource = Some(subresource.to_owned());
        self
    }

    /// Only in a namespace; the empty one stands for requests about all namespaces or none.
    pub fn namespace(mut self, namespace: &str) -> Self {
        self.namespace = Some(namespace.to_owned());
        self
    }

    /// Only about an object of this name; of creates it is the name in the body.
    pub fn name(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    /// Only from clients whose `User-Agent` contains this.
    pub fn user_agent(mut self, part: &str) -> Self {
        self.user_agent = Some(part.to_owned());
        self
    }

    /// Only if a condition holds. It is asked last, and a condition that was given before is replaced.
    pub fn when(mut self, condition: impl Fn(&Request) -> bool + Send + Sync + 'static) -> Self {
        self.predicate = Some(Arc::new(condition));
        self
    }

    pub(super) fn matches(&self, request: &Request) -> bool {
        let is = |wanted: &Option<String>, found: &str| {
            wanted.as_deref().is_none_or(|wanted| wanted == found)
        };
        self.verbs
            .as_ref()
            .is_none_or(|verbs| verbs.iter().any(|verb| verb == request.verb()))
            && is(&self.group, request.group())
            && is(&self.resource, request.resource())
            && is(&self.subresource, request.subresource())
            && is(&self.namespace, request.namespace())
            && self
                .name
                .as_ref()
                .is_none_or(|name| request.object_name().as_ref() == Some(name))
            && self
                .user_agent
                .as_ref()
                .is_none_or(|part| request.user_agent().contains(part))
            && self
                .predicate
                .as_ref()
                .is_none_or(|condition| condition(request))
    }
}

impl fmt::Debug for On {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("On")
            .field("verbs", &self.verbs)
            .field("group", &self.group)
            .field("resource", &self.resource)
            .field("subresource", &self.subresource)
            .field("namespace", &self.namespace)
            .field("name", &self.name)
            .field("user_agent", &self.user_agent)
            .finish_non_exhaustive()
    }
}
