//! What a request is about: verb, resource, namespace, name, subresource.
//!
//! Read from method and path alone, before anything is looked up, like a real server's RequestInfo. The journal and the
//! router use it.

use http::Method;

use super::query::{Query, decode};

/// A request's subject.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RequestInfo {
    /// Whether the path leads into an API group's resources.
    pub(crate) is_resource: bool,
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`; or the method in lower case.
    pub(crate) verb: &'static str,
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) namespace: String,
    pub(crate) resource: String,
    pub(crate) name: String,
    pub(crate) subresource: String,
    /// Whether the path goes on below the subresource.
    pub(crate) has_more: bool,
}

impl RequestInfo {
    pub(crate) fn parse(method: &Method, path: &str, query: &Query) -> Self {
        let mut info = Self {
            verb: plain_verb(method),
            ..Self::default()
        };
        // An encoded slash is one all the same.
        let path = decode(path);
        let mut parts = path
            .trim_matches('/')
            .split('/')
            .map(str::to_owned)
            .filter(|part| !part.is_empty());
        match parts.next().as_deref() {
            Some("api") => {}
            Some("apis") => match parts.next() {
                Some(group) => info.group = group,
                None => return info,
            },
            _ => return info,
        }
        let Some(version) = parts.next() else {
            return info;
        };
        info.version = version;
        let mut parts = parts.peekable();
        // The old spelling of watches: /api/v1/watch/...
        let watches = parts.peek().is_some_and(|part| part == "watch");
        if watches {
            parts.next();
        }
        let rest: Vec<String> = parts.collect();
        info.read_resource(&rest);
        if info.is_resource {
            info.verb = verb(method, &info, watches || query.flag("watch"), watches);
        }
        info
    }

    fn read_resource(&mut self, parts: &[String]) {
        let parts = match parts {
            [namespaces, namespace, rest @ ..]
                if namespaces == "namespaces" && !rest.is_empty() =>
            {
                // A namespace's own subresources are not resources in it.
                let own = self.group.is_empty()
                    && matches!(rest, [one] if one == "status" || one == "finalize");
                if own {
                    parts
                } else {
                    self.namespace.clone_from(namespace);
                    rest
                }
            }
            other => other,
        };
        let mut parts = parts.iter().cloned();
        let Some(resource) = parts.next() else { return };
        self.is_resource = true;
        self.resource = resource;
        self.name = parts.next().unwrap_or_default();
        self.subresource = parts.next().unwrap_or_default();
        self.has_more = parts.next().is_some();
    }
}

fn plain_verb(method: &Method) -> &'static str {
    match *method {
        Method::GET => "get",
        Method::HEAD => "head",
        Method::POST => "post",
        Method::PUT => "put",
        Method::PATCH => "patch",
        Method::DELETE => "delete",
        Method::OPTIONS => "options",
        _ => "other",
    }
}

fn verb(method: &Method, info: &RequestInfo, watch: bool, old_watch: bool) -> &'static str {
    match *method {
        Method::GET | Method::HEAD if info.name.is_empty() && watch => "watch",
        Method::GET | Method::HEAD if old_watch => "watch",
        Method::GET | Method::HEAD if info.name.is_empty() => "list",
        Method::HEAD => "get",
        Method::POST => "create",
        Method::PUT => "update",
        Method::DELETE if info.name.is_empty() => "deletecollection",
        _ => plain_verb(method),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_their_subject() {
        let check = |method: Method, path: &str, query: &str, expected: [&str; 7]| {
            let info = RequestInfo::parse(&method, path, &Query::parse(query));
            let found = [
                info.verb,
                &info.group,
                &info.version,
                &info.namespace,
                &info.resource,
                &info.name,
                &info.subresource,
            ];
            assert_eq!(found, expected, "{method} {path}?{query}");
        };
        check(
            Method::GET,
            "/api/v1/pods",
            "",
            ["list", "", "v1", "", "pods", "", ""],
        );
        check(
            Method::GET,
            "/api/v1/namespaces/a/pods",
            "watch=1",
            ["watch", "", "v1", "a", "pods", "", ""],
        );
        check(
            Method::GET,
            "/api/v1/namespaces/a",
            "",
            ["get", "", "v1", "", "namespaces", "a", ""],
        );
        check(
            Method::PUT,
            "/api/v1/namespaces/a/finalize",
            "",
            ["update", "", "v1", "", "namespaces", "a", "finalize"],
        );
        check(
            Method::POST,
            "/apis/g.io/v1/namespaces/a/things",
            "",
            ["create", "g.io", "v1", "a", "things", "", ""],
        );
        check(
            Method::PATCH,
            "/apis/g.io/v1/things/x/status",
            "",
            ["patch", "g.io", "v1", "", "things", "x", "status"],
        );
        check(
            Method::DELETE,
            "/apis/g.io/v1/things",
            "",
            ["deletecollection", "g.io", "v1", "", "things", "", ""],
        );
        check(
            Method::GET,
            "/api/v1/watch/namespaces/a/pods/p",
            "",
            ["watch", "", "v1", "a", "pods", "p", ""],
        );
        check(
            Method::GET,
            "/api/v1/namespaces/a/pods/p",
            "watch=1",
            ["get", "", "v1", "a", "pods", "p", ""],
        );
        check(
            Method::GET,
            "/apis/g.io",
            "",
            ["get", "g.io", "", "", "", "", ""],
        );
        check(Method::GET, "/version", "", ["get", "", "", "", "", "", ""]);
        check(
            Method::GET,
            "/api/v1/namespaces/a%2Fpods/%70",
            "",
            ["get", "", "v1", "a", "pods", "p", ""],
        );
    }
}
