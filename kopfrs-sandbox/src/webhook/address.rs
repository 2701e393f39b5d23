//! Where webhooks are.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::Value;

use crate::{
    cluster::Cluster,
    object::{key, text},
};

/// Which addresses stand for which services: there are no Pods behind any.
#[derive(Debug, Clone, Default)]
pub(crate) struct Routes(Arc<Mutex<HashMap<String, SocketAddr>>>);

impl Routes {
    pub(crate) fn set(&self, namespace: &str, service: &str, address: SocketAddr) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key(namespace, service), address);
    }

    fn find(&self, key: &str) -> Option<SocketAddr> {
        let routes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        routes.get(key).copied()
    }
}

/// The name and the port of a service.
fn service(client: &Value) -> Option<(&str, &str, u64)> {
    let service = client
        .get("service")
        .filter(|service| service.is_object())?;
    let port = service["port"].as_u64().unwrap_or(443);
    Some((
        text(service, &["namespace"])?,
        text(service, &["name"])?,
        port,
    ))
}

/// `host:port` of a service, which is in no DNS.
pub(super) fn host(client: &Value) -> Option<String> {
    service(client).map(|(namespace, name, port)| format!("{name}.{namespace}.svc:{port}"))
}

/// The URL as errors name it.
pub(super) fn shown(client: &Value) -> String {
    match host(client) {
        Some(host) => format!(
            "https://{host}{}",
            clean(text(client, &["service", "path"]).unwrap_or_default())
        ),
        None => {
            let url = text(client, &["url"]).unwrap_or_default();
            let from = url.find("://").map_or(0, |at| at + 3);
            let at = url[from..].find('/').map_or(url.len(), |at| at + from);
            format!("{}{}", &url[..at], clean(&url[at..]))
        }
    }
}

/// A path begins with a slash and does not end in one.
fn clean(path: &str) -> String {
    let steps = path
        .split('/')
        .filter(|step| !step.is_empty() && *step != ".");
    format!("/{}", steps.collect::<Vec<_>>().join("/"))
}

/// The URL that is really asked: for a service, at the address that stands for it.
pub(super) fn dialled(cluster: &Cluster, client: &Value) -> Result<String, String> {
    let Some((namespace, name, port)) = service(client) else {
        return Ok(shown(client));
    };
    let path = clean(text(client, &["service", "path"]).unwrap_or_default());
    let place = key(namespace, name);
    if let Some(address) = cluster.routes.find(&place) {
        return Ok(format!("https://{address}{path}"));
    }
    let Some(stored) = cluster.store.get("services", &place) else {
        return Err(format!(
            "service {name:?} not found: create it in namespace {namespace:?} as an ExternalName of a loopback address, \
             or call Sandbox::route_service"
        ));
    };
    let external = text(&stored.value, &["spec", "externalName"]);
    match external.filter(|_| stored.value["spec"]["type"] == "ExternalName") {
        Some(external) => Ok(format!("https://{external}:{port}{path}")),
        None => Err(format!(
            "nothing is behind service {place:?}, as the sandbox runs no Pods: name an address with \
             Sandbox::route_service, or use clientConfig.url"
        )),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn urls_are_shown_as_they_are_asked() {
        let rows = [
            (
                json!({"url": "https://127.0.0.1:1/x/"}),
                "https://127.0.0.1:1/x",
            ),
            (json!({"url": "https://h:1"}), "https://h:1/"),
            (
                json!({"service": {"namespace": "n", "name": "s", "path": "/p"}}),
                "https://s.n.svc:443/p",
            ),
            (
                json!({"service": {"namespace": "n", "name": "s", "port": 8443}}),
                "https://s.n.svc:8443/",
            ),
        ];
        for (client, expected) in rows {
            assert_eq!(shown(&client), expected);
        }
    }
}
