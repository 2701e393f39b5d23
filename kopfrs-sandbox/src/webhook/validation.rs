//! What is wrong with a `clientConfig`: how a webhook is reached.

use base64::{Engine, engine::general_purpose::STANDARD};
use http::Uri;
use serde_json::json;

use super::certificates;
use crate::{
    error::FieldError,
    strategy::{field::Field, names::subdomain},
};

const FORM: &str = "; desired format: https://host[/path]";

/// Everything wrong with it but the bundle.
pub(crate) fn validate(config: &Field<'_>, errors: &mut Vec<FieldError>) {
    let (url, service) = (config.member("url"), config.member("service"));
    match (url.value.is_null(), service.value.is_null()) {
        (true, true) | (false, false) => {
            errors.push(config.required("exactly one of url or service is required"));
        }
        (false, true) => validate_url(&url, errors),
        (true, false) => validate_service(&service, errors),
    }
}

/// Says why a bundle cannot be decoded.
pub(crate) fn check_bundle(bundle: &str) -> Result<(), String> {
    if STANDARD.decode(bundle).is_ok() {
        return Ok(());
    }
    let is_letter = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=' | b'\n');
    let at = bundle.bytes().position(|b| !is_letter(b));
    Err(format!(
        "illegal base64 data at input byte {}",
        at.unwrap_or(bundle.len())
    ))
}

/// A bundle that holds no certificates, if it is there.
pub(crate) fn validate_bundle(bundle: &Field<'_>) -> Option<FieldError> {
    let bytes = STANDARD.decode(bundle.text()).unwrap_or_default();
    let why = certificates::trusting(&bytes).err()?;
    Some(bundle.invalid(&why))
}

fn validate_url(url: &Field<'_>, errors: &mut Vec<FieldError>) {
    let text = url.text();
    let mut refuse = |part: &str, why: &str| {
        errors.push(FieldError::invalid(url.path.as_str(), &json!(part), why));
    };
    let (bare, fragment) = text.split_once('#').unwrap_or((text, ""));
    let scheme = bare.split_once("://").map_or("", |(scheme, _)| scheme);
    if scheme != "https" {
        let why = format!("'https' is the only allowed URL scheme{FORM}");
        refuse(scheme, &why);
    }
    let parsed = bare.parse::<Uri>().ok();
    let authority = parsed
        .as_ref()
        .and_then(Uri::authority)
        .filter(|_| !scheme.is_empty());
    let authority = authority.map(http::uri::Authority::as_str);
    let authority = authority.unwrap_or_default();
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    if host.is_empty() {
        refuse("", &format!("host must be specified{FORM}"));
    }
    if !user.is_empty() {
        refuse(user, "user information is not permitted in the URL");
    }
    if !fragment.is_empty() {
        refuse(fragment, "fragments are not permitted in the URL");
    }
    let query = bare.split_once('?').map_or("", |(_, query)| query);
    if !query.is_empty() {
        refuse(query, "query parameters are not permitted in the URL");
    }
}

fn validate_service(service: &Field<'_>, errors: &mut Vec<FieldError>) {
    for field in ["name", "namespace"] {
        let field = service.member(field);
        if field.text().is_empty() {
            errors.push(field.required(""));
        }
    }
    let port = service.member("port");
    let number = port.value.as_i64().unwrap_or(443);
    if !(1..=65_535).contains(&number) {
        errors.push(port.invalid("port is not valid: must be between 1 and 65535, inclusive"));
    }
    validate_path(&service.member("path"), errors);
}

fn validate_path(path: &Field<'_>, errors: &mut Vec<FieldError>) {
    let text = path.text();
    if text.is_empty() || text == "/" {
        return;
    }
    if text == "//" {
        errors.push(path.invalid("segment[0] may not be empty"));
        return;
    }
    if !text.starts_with('/') {
        errors.push(path.invalid("must start with a '/'"));
    }
    let steps = text.get(1..).unwrap_or_default();
    let steps = steps.strip_suffix('/').unwrap_or(steps);
    for (index, step) in steps.split('/').enumerate() {
        if step.is_empty() {
            errors.push(path.invalid(&format!("segment[{index}] may not be empty")));
            continue;
        }
        let wrong = subdomain(step);
        let wrong = wrong.iter();
        errors.extend(wrong.map(|why| path.invalid(&format!("segment[{index}]: {why}"))));
    }
}
