//! Role-based access control: may this user do that?
//!
//! Roles and bindings are read from the store at each question, so what is written counts at once. `http::access` asks
//! for every request, reviews ask on behalf of clients. Nobody is asked at all unless the sandbox was built with
//! authorization.

mod aggregation;
mod defaults;
mod escalation;
mod grants;
mod rule;
pub(crate) mod validation;

pub(crate) use self::{
    aggregation::{CLUSTER_ROLES, gathered},
    defaults::create as create_defaults,
    escalation::check as refuse_escalation,
    grants::Grants,
    rule::Rule,
};
use crate::{
    auth::{MASTERS, User},
    cluster::Cluster,
    error::{ApiError, Subject},
};

/// The API group of roles and bindings.
const GROUP: &str = "rbac.authorization.k8s.io";

/// What somebody wants to do.
#[derive(Debug, Clone, Default)]
pub(crate) struct Attributes {
    pub(crate) verb: String,
    pub(crate) group: String,
    pub(crate) resource: String,
    pub(crate) subresource: String,
    /// Empty for the whole cluster.
    pub(crate) namespace: String,
    pub(crate) name: String,
    /// The path of a request that is about no resource.
    pub(crate) path: Option<String>,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decision {
    pub(crate) allowed: bool,
    /// Which binding allows it.
    pub(crate) reason: String,
}

/// Decides.
pub(crate) fn authorize(cluster: &Cluster, user: &User, attributes: &Attributes) -> Decision {
    let allowed = |reason: String| Decision {
        allowed: true,
        reason,
    };
    if !cluster.settings.rbac {
        return allowed("the sandbox allows everything".to_owned());
    }
    if user.groups.iter().any(|group| group == MASTERS) {
        return allowed(String::new());
    }
    let grants = Grants::of(cluster, user, &attributes.namespace);
    match grants.find(attributes) {
        Some(reason) => allowed(reason),
        None => Decision {
            allowed: false,
            reason: String::new(),
        },
    }
}

/// The 403 for what is not allowed, in a real server's words.
pub(crate) fn forbidden(user: &User, attributes: &Attributes) -> ApiError {
    let Attributes {
        verb,
        group,
        namespace,
        name,
        ..
    } = attributes;
    let who = &user.name;
    if let Some(path) = &attributes.path {
        let message = format!("forbidden: User {who:?} cannot {verb} path {path:?}");
        return ApiError::new(403, "Forbidden", message, Some(serde_json::json!({})));
    }
    let scope = if namespace.is_empty() {
        "at the cluster scope".to_owned()
    } else {
        format!("in the namespace {namespace:?}")
    };
    let resource = attributes.combined();
    let why =
        format!("User {who:?} cannot {verb} resource {resource:?} in API group {group:?} {scope}");
    let subject = Subject {
        group,
        resource: &attributes.resource,
        name,
    };
    ApiError::forbidden(subject, why, None)
}

impl Attributes {
    /// `pods/log`, or `pods`.
    pub(crate) fn combined(&self) -> String {
        if self.subresource.is_empty() {
            self.resource.clone()
        } else {
            format!("{}/{}", self.resource, self.subresource)
        }
    }
}
