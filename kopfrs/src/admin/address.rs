//! Where the server listens, as people write it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// A text that names no address to listen on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// It is no address.
    #[error("{0:?} is no address to listen on; write \"0.0.0.0:8080\", \":8080\" or \"8080\"")]
    Address(String),
    /// It is no URL.
    #[error("{0:?} is no URL to be asked under; write \"http://0.0.0.0:8080/healthz\"")]
    Url(String),
}

/// Where the server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) address: SocketAddr,
    /// A path under which probes are told, besides the usual one.
    pub(crate) path: Option<String>,
}

impl Endpoint {
    /// `0.0.0.0:8080`, `:8080` or `8080` for all addresses of the machine, `localhost:8080`.
    ///
    /// # Errors
    /// If it is none of these.
    pub(crate) fn of_address(text: &str) -> Result<Self, EndpointError> {
        let address = address(text, IpAddr::V4(Ipv4Addr::UNSPECIFIED), None);
        Ok(Self {
            address: address.ok_or_else(|| EndpointError::Address(text.to_owned()))?,
            path: None,
        })
    }

    /// `http://host:port/path`, as Kopf takes it: without a host it is `localhost`, without a port 80.
    ///
    /// # Errors
    /// If it is no such URL.
    pub(crate) fn of_url(text: &str) -> Result<Self, EndpointError> {
        let wrong = || EndpointError::Url(text.to_owned());
        let rest = text.strip_prefix("http://").ok_or_else(wrong)?;
        let at = rest.find('/').unwrap_or(rest.len());
        let (host, path) = rest.split_at(at);
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let localhost = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let address = address(host, localhost, Some(80)).ok_or_else(wrong)?;
        Ok(Self {
            address,
            path: Some(if path.is_empty() { "/" } else { path }.to_owned()),
        })
    }
}

fn address(text: &str, default: IpAddr, default_port: Option<u16>) -> Option<SocketAddr> {
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    if let (Ok(port), None) = (text.parse(), default_port) {
        return Some(SocketAddr::new(default, port));
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
            (host, port.parse().ok()?)
        }
        _ => (text, default_port?),
    };
    let host = match host.trim_start_matches('[').trim_end_matches(']') {
        "" => default,
        "localhost" => IpAddr::V4(Ipv4Addr::LOCALHOST),
        host => host.parse().ok()?,
    };
    Some(SocketAddr::new(host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_people_write_them() {
        for (text, expected) in [
            ("0.0.0.0:8080", Some("0.0.0.0:8080")),
            (":8080", Some("0.0.0.0:8080")),
            ("8080", Some("0.0.0.0:8080")),
            ("localhost:0", Some("127.0.0.1:0")),
            ("[::1]:8080", Some("[::1]:8080")),
            ("example", None),
            ("1.2.3.4", None),
            (":99999", None),
            ("", None),
        ] {
            let found = Endpoint::of_address(text).ok();
            let found = found.map(|endpoint| endpoint.address.to_string());
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn urls_are_read_as_kopf_reads_them() {
        for (text, expected) in [
            (
                "http://0.0.0.0:8080/healthz",
                Some(("0.0.0.0:8080", "/healthz")),
            ),
            ("http://:8080/a/b?c", Some(("127.0.0.1:8080", "/a/b"))),
            ("http://localhost", Some(("127.0.0.1:80", "/"))),
            ("http://[::]:8080/x", Some(("[::]:8080", "/x"))),
            ("https://0.0.0.0:8080/healthz", None),
            ("0.0.0.0:8080/healthz", None),
        ] {
            let found = Endpoint::of_url(text).ok();
            let found = found.map(|e| (e.address.to_string(), e.path.unwrap()));
            let found = found.as_ref().map(|(address, path)| (&**address, &**path));
            assert_eq!(found, expected, "{text}");
        }
    }
}
