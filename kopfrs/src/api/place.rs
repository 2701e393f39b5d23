//! What a request is about, as its path and its query tell.

/// The object, or the collection, that a path leads to. All parts are empty for paths that lead to no
/// kind, such as those of discovery.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place<'a> {
    pub(super) group: &'a str,
    /// Empty for what is in no namespace, and for all namespaces.
    pub(super) namespace: &'a str,
    pub(super) plural: &'a str,
    /// Empty for collections.
    pub(super) name: &'a str,
    /// What stands behind the name. Namespaces and objects may have any name, `proxy` too.
    pub(super) subresource: &'a str,
}

impl<'a> Place<'a> {
    pub(super) fn of(path: &'a str) -> Self {
        let mut parts = path.split('/').filter(|part| !part.is_empty());
        let group = match parts.next() {
            Some("api") => "",
            Some("apis") => parts.next().unwrap_or_default(),
            _ => return Self::default(),
        };
        let _version = parts.next();
        let rest: Vec<&str> = parts.collect();
        // `namespaces/a` is an object, and `namespaces/a/pods` are other ones; but
        // `namespaces/a/status` is the status of the first.
        let (namespace, rest) = match rest.as_slice() {
            ["namespaces", _, "status" | "finalize"] if group.is_empty() => ("", &*rest),
            ["namespaces", namespace, inside @ ..] if !inside.is_empty() => (*namespace, inside),
            rest => ("", rest),
        };
        let part = |at: usize| rest.get(at).copied().unwrap_or_default();
        if rest.is_empty() {
            return Self::default();
        }
        Self {
            group,
            namespace,
            plural: part(0),
            name: part(1),
            subresource: part(2),
        }
    }

    /// The plural name of the kind, with its group: `deployments.apps`.
    pub(super) fn resource(&self) -> String {
        match self.group {
            "" => self.plural.to_owned(),
            group => format!("{}.{group}", self.plural),
        }
    }
}

/// Whether a query asks for a watch, by the names of the values that the API server knows.
pub(super) fn is_watch(query: &str) -> bool {
    query.split('&').any(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, "true"));
        name == "watch" && !matches!(value, "false" | "0" | "")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_no_subresources() {
        for (path, expected) in [
            ("/apis", ["", "", "", "", ""]),
            ("/apis/apps/v1", ["", "", "", "", ""]),
            ("/api/v1/namespaces/a", ["", "", "namespaces", "a", ""]),
            (
                "/api/v1/namespaces/a/status",
                ["", "", "namespaces", "a", "status"],
            ),
            (
                "/api/v1/namespaces/proxy/pods",
                ["", "proxy", "pods", "", ""],
            ),
            (
                "/api/v1/namespaces/a/pods/proxy",
                ["", "a", "pods", "proxy", ""],
            ),
            (
                "/api/v1/namespaces/a/pods/b/log",
                ["", "a", "pods", "b", "log"],
            ),
            (
                "/apis/e.io/v1/namespaces/a/status",
                ["e.io", "a", "status", "", ""],
            ),
            (
                "/apis/e.io/v1/demos/b/status",
                ["e.io", "", "demos", "b", "status"],
            ),
        ] {
            let place = Place::of(path);
            let found = [
                place.group,
                place.namespace,
                place.plural,
                place.name,
                place.subresource,
            ];
            assert_eq!(found, expected, "{path}");
        }
    }
}
