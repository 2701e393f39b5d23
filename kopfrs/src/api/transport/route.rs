//! What kind of request it is, for those who carry it.

use http::{Request, header};

use crate::api::place::{Place, is_watch};

/// Which way a request takes. The API server makes the same difference: it limits what is short, and
/// lets the rest run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// Asked and answered.
    Short,
    /// An answer that begins at once and goes on: a watch.
    Stream,
    /// What a container says. A silent one gives no answer before its first line.
    Log,
    /// Through the API server to somebody else.
    Proxy,
    /// Another protocol on the same connection: exec, attach, port-forward.
    Upgrade,
}

impl Route {
    pub(crate) fn of<B>(request: &Request<B>) -> Self {
        if request.headers().contains_key(header::UPGRADE) {
            return Self::Upgrade;
        }
        match Place::of(request.uri().path()).subresource {
            "proxy" => Self::Proxy,
            "log" => Self::Log,
            _ if is_watch(request.uri().query().unwrap_or_default()) => Self::Stream,
            _ => Self::Short,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_go_by_what_they_ask_for() {
        for (uri, route) in [
            ("/api/v1/pods", Route::Short),
            ("/api/v1/pods?limit=500&watch=false", Route::Short),
            ("/api/v1/pods?watch=true&resourceVersion=1", Route::Stream),
            ("/api/v1/pods?watch=1", Route::Stream),
            ("/api/v1/pods?watch", Route::Stream),
            ("/api/v1/namespaces/a/pods/b/log?follow=true&", Route::Log),
            ("/api/v1/namespaces/a/pods/b/log", Route::Log),
            ("/api/v1/namespaces/a/pods/log", Route::Short),
            ("/api/v1/namespaces/proxy/configmaps", Route::Short),
            ("/api/v1/namespaces/proxy/configmaps/proxy", Route::Short),
            ("/apis/a.io/v1/namespaces/b/demos/c/status", Route::Short),
            ("/apis/a.io/v1/demos?watch=1", Route::Stream),
            ("/api/v1/nodes/a/proxy/metrics", Route::Proxy),
            ("/version", Route::Short),
            ("/api/v1/namespaces/a/services/b/proxy/x", Route::Proxy),
        ] {
            assert_eq!(
                Route::of(&Request::get(uri).body(()).unwrap()),
                route,
                "{uri}"
            );
        }
        let upgrade = Request::get("/").header("upgrade", "websocket").body(());
        assert_eq!(Route::of(&upgrade.unwrap()), Route::Upgrade);
    }
}
