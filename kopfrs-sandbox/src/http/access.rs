//! Who acts, and whether they may: impersonation and authorization of requests.

use http::{HeaderMap, Request};

use super::{query::Query, request::RequestInfo};
use crate::{
    auth::{SERVICE_ACCOUNT, User},
    cluster::Cluster,
    error::ApiError,
    object::key,
    rbac::{self, Attributes},
};

/// The user that a request acts as, if that user may send it.
pub(super) fn admit<B>(
    cluster: &Cluster,
    request: &Request<B>,
    (info, query): (&RequestInfo, &Query),
) -> Result<User, ApiError> {
    let user = request.extensions().get::<User>().cloned();
    let user = user.unwrap_or_else(User::admin);
    if is_gone(cluster, &user) {
        return Err(ApiError::unauthorized());
    }
    let user = impersonated(cluster, user, request.headers())?;
    check(
        cluster,
        &user,
        &attributes(info, query, request.uri().path()),
    )?;
    Ok(user)
}

fn check(cluster: &Cluster, user: &User, attributes: &Attributes) -> Result<(), ApiError> {
    if rbac::authorize(cluster, user, attributes).allowed {
        Ok(())
    } else {
        Err(rbac::forbidden(user, attributes))
    }
}

/// Tokens end with the service account they are for.
fn is_gone(cluster: &Cluster, user: &User) -> bool {
    let account = user.name.strip_prefix(SERVICE_ACCOUNT);
    account
        .filter(|_| user.is_account)
        .and_then(|account| account.split_once(':'))
        .is_some_and(|(namespace, name)| {
            let stored = cluster.store.get("serviceaccounts", &key(namespace, name));
            stored.is_none()
        })
}

fn attributes(info: &RequestInfo, query: &Query, path: &str) -> Attributes {
    if !info.is_resource {
        return Attributes {
            verb: info.verb.to_owned(),
            path: Some(path.to_owned()),
            ..Attributes::default()
        };
    }
    // A list of the one object of that name is about that object.
    let name = match info.verb {
        "list" | "watch" if info.name.is_empty() => exact_name(query.text("fieldSelector")),
        _ => info.name.clone(),
    };
    // A namespace is in itself.
    let own = info.group.is_empty() && info.resource == "namespaces";
    let namespace = if own { &info.name } else { &info.namespace };
    Attributes {
        verb: info.verb.to_owned(),
        group: info.group.clone(),
        resource: info.resource.clone(),
        subresource: info.subresource.clone(),
        namespace: namespace.clone(),
        name,
        path: None,
    }
}

/// The one name that a field selector asks for; empty if it does not.
fn exact_name(selector: &str) -> String {
    let mut terms = selector.split(',');
    let name = terms.find_map(|term| term.strip_prefix("metadata.name="));
    name.unwrap_or_default().trim_start_matches('=').to_owned()
}

/// The user of the `Impersonate-*` headers, if there are any and that is allowed.
fn impersonated(cluster: &Cluster, user: User, headers: &HeaderMap) -> Result<User, ApiError> {
    let values = |name: &str| -> Vec<String> {
        let values = headers.get_all(name).iter();
        values
            .filter_map(|value| value.to_str().ok())
            .map(str::to_owned)
            .collect()
    };
    let groups = values("impersonate-group");
    let Some(name) = values("impersonate-user").into_iter().next() else {
        if groups.is_empty() {
            return Ok(user);
        }
        let message = "requested [{Group  %!s(<nil>)}] without impersonating a user";
        return Err(ApiError::internal(message));
    };
    let asked = |resource: &str, namespace: &str, name: &str| Attributes {
        verb: "impersonate".to_owned(),
        resource: resource.to_owned(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        ..Attributes::default()
    };
    let account = name
        .strip_prefix(SERVICE_ACCOUNT)
        .and_then(|account| account.split_once(':'));
    match account {
        Some((namespace, account)) => {
            check(
                cluster,
                &user,
                &asked("serviceaccounts", namespace, account),
            )?;
        }
        None => check(cluster, &user, &asked("users", "", &name))?,
    }
    for group in &groups {
        check(cluster, &user, &asked("groups", "", group))?;
    }
    Ok(match account {
        Some((namespace, account)) if groups.is_empty() => {
            User::service_account(namespace, account)
        }
        _ => User::impersonated(name, groups),
    })
}
