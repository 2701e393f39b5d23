//! TLS for webhooks: whom to trust, and what is wrong with those who cannot be.

use std::{error::Error, io};

use rustls::{
    CertificateError, ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
};

/// A client that trusts a bundle, and nobody else.
pub(super) fn trusting(bundle: &[u8]) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(bundle) {
        let unreadable = || "unable to load root certificates: unable to parse bytes as PEM block";
        let certificate = certificate.map_err(|_| unreadable().to_owned())?;
        roots
            .add(certificate)
            .map_err(|_| unreadable().to_owned())?;
    }
    if roots.is_empty() && !bundle.is_empty() {
        return Err(
            "unable to load root certificates: unable to parse bytes as PEM block".to_owned(),
        );
    }
    let provider = std::sync::Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// Why a connection failed, in the words of a real server where it has words for it.
pub(super) fn explain(error: &(dyn Error + 'static), address: &str) -> String {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(told) = error.downcast_ref::<rustls::Error>() {
            return explain_tls(told);
        }
        if let Some(told) = error.downcast_ref::<hyper::Error>()
            && told.is_incomplete_message()
        {
            return "EOF".to_owned();
        }
        cause = match error.downcast_ref::<io::Error>() {
            None => error.source(),
            Some(told) => match told.get_ref() {
                // What an error of this kind holds is not its source.
                Some(inner) if told.kind() != io::ErrorKind::UnexpectedEof => Some(inner),
                _ => return explain_io(told, address),
            },
        };
    }
    deepest(error)
}

fn deepest(error: &(dyn Error + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

fn explain_io(error: &io::Error, address: &str) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => {
            format!("dial tcp {address}: connect: connection refused")
        }
        io::ErrorKind::ConnectionReset => {
            format!("read tcp {address}: read: connection reset by peer")
        }
        io::ErrorKind::UnexpectedEof => "EOF".to_owned(),
        _ => format!("dial tcp {address}: {error}"),
    }
}

fn explain_tls(error: &rustls::Error) -> String {
    let x509 = |why: String| format!("tls: failed to verify certificate: x509: {why}");
    match error {
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            x509("certificate signed by unknown authority".to_owned())
        }
        rustls::Error::InvalidCertificate(
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. },
        ) => x509("certificate has expired or is not yet valid".to_owned()),
        rustls::Error::InvalidCertificate(CertificateError::NotValidForNameContext {
            expected,
            presented,
        }) => x509(wrong_name(&expected.to_str(), presented)),
        rustls::Error::InvalidMessage(_) => {
            "http: server gave HTTP response to HTTPS client".to_owned()
        }
        other => format!("tls: {other}"),
    }
}

/// `presented` is a list of `DnsName("a")` and `IpAddress(..)`.
fn wrong_name(expected: &str, presented: &[String]) -> String {
    let is_address = expected.parse::<std::net::IpAddr>().is_ok();
    let kind = if is_address { "IpAddress" } else { "DnsName" };
    let names: Vec<String> = presented
        .iter()
        .filter_map(|name| name.strip_prefix(kind))
        .map(|name| name.trim_matches(|c| "()\"".contains(c)).to_owned())
        .collect();
    match (names.is_empty(), is_address) {
        (true, true) => {
            format!(
                "cannot validate certificate for {expected} because it doesn't contain any IP SANs"
            )
        }
        (true, false) => {
            format!("certificate is not valid for any names, but wanted to match {expected}")
        }
        (false, _) => format!(
            "certificate is valid for {}, not {expected}",
            names.join(", ")
        ),
    }
}
