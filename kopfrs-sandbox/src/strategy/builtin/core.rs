//! Kinds of the core group without pods: ConfigMap, Secret, Event, Namespace, Service, claims, and Lease.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::{
    error::FieldError,
    object::{Fields, child_mut, fields_mut, meta, metadata_mut, text},
    quantity::Quantity,
    strategy::{
        metadata::mismatch,
        names::{config_key, qualified_name},
    },
};

/// What a ConfigMap or a Secret may hold.
const DATA_LIMIT: usize = 1024 * 1024;
const NAME_LABEL: &str = "kubernetes.io/metadata.name";

/// Leaves out empty collections, as Go does.
pub(super) fn drop_empty(value: &mut Value, names: &[&str]) {
    let fields = fields_mut(value);
    for name in names {
        if fields
            .get(*name)
            .is_some_and(|map| map.as_object().is_none_or(Fields::is_empty))
        {
            fields.remove(*name);
        }
    }
}

fn string_map(value: &Value, kind: &str, field: &str) -> Result<(), String> {
    match value.get(field) {
        None | Some(Value::Null) => Ok(()),
        Some(Value::Object(map)) => match map
            .iter()
            .find(|(_, value)| !value.is_string() && !value.is_null())
        {
            Some((key, wrong)) => Err(mismatch(wrong, &format!("{kind}.{field}.{key}"), "string")),
            None => Ok(()),
        },
        Some(wrong) => Err(mismatch(
            wrong,
            &format!("{kind}.{field}"),
            "map[string]string",
        )),
    }
}

fn base64_map(value: &Value, field: &str) -> Result<(), String> {
    for text in value[field]
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(_, value)| value.as_str())
    {
        if STANDARD.decode(text).is_err() {
            let at = text
                .bytes()
                .position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=')));
            return Err(format!(
                "illegal base64 data at input byte {}",
                // What is too short is wrong where its last group begins.
                at.unwrap_or(text.len() / 4 * 4)
            ));
        }
    }
    Ok(())
}

pub(super) fn config_map_types(value: &Value) -> Result<(), String> {
    string_map(value, "ConfigMap", "data")?;
    string_map(value, "ConfigMap", "binaryData")?;
    base64_map(value, "binaryData")
}

pub(super) fn secret_types(value: &Value) -> Result<(), String> {
    string_map(value, "Secret", "data")?;
    string_map(value, "Secret", "stringData")?;
    base64_map(value, "data")
}

fn validate_keys(value: &Value, field: &str, errors: &mut Vec<FieldError>) {
    for key in value[field]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, _)| key)
    {
        errors.extend(
            config_key(key)
                .iter()
                .map(|why| FieldError::invalid(format!("{field}[{key}]"), &json!(key), why)),
        );
    }
}

pub(super) fn validate_config_map(value: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    validate_keys(value, "data", &mut errors);
    validate_keys(value, "binaryData", &mut errors);
    for (key, _) in value["data"].as_object().into_iter().flatten() {
        if value["binaryData"].get(key).is_some() {
            let why = "duplicate of key present in binaryData";
            errors.push(FieldError::invalid(
                format!("data[{key}]"),
                &json!(key),
                why,
            ));
        }
    }
    let length = |field: &str| -> usize {
        let texts = value[field].as_object().into_iter().flatten();
        texts
            .map(|(_, text)| text.as_str().map_or(0, str::len))
            .sum()
    };
    if length("data") + length("binaryData") / 4 * 3 > DATA_LIMIT {
        errors.push(too_long("[]"));
    }
    errors
}

fn too_long(field: &str) -> FieldError {
    let message = format!("Too long: may not be more than {DATA_LIMIT} bytes");
    FieldError::new("FieldValueTooLong", field, message)
}

/// `immutable: true` freezes the data and itself.
pub(super) fn validate_immutable_data(new: &Value, old: &Value) -> Vec<FieldError> {
    if old["immutable"] != true {
        return Vec::new();
    }
    let frozen = |field: &&str| new.get(*field) != old.get(*field);
    let changed = ["immutable", "data", "binaryData"]
        .into_iter()
        .filter(frozen);
    changed
        .map(|field| FieldError::forbidden(field, "field is immutable when `immutable` is set"))
        .collect()
}

pub(super) fn secret_defaults(value: &mut Value) {
    let fields = fields_mut(value);
    if let Some(Value::Object(plain)) = fields.remove("stringData") {
        let encoded = plain
            .into_iter()
            .filter_map(|(key, text)| Some((key, json!(STANDARD.encode(text.as_str()?)))));
        let encoded: Vec<_> = encoded.collect();
        child_mut(value, "data").extend(encoded);
    }
    fields_mut(value)
        .entry("type")
        .or_insert_with(|| json!("Opaque"));
    drop_empty(value, &["data"]);
}

pub(super) fn validate_secret(value: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    validate_keys(value, "data", &mut errors);
    let length = |(_, text): (&String, &Value)| text.as_str().map_or(0, str::len) / 4 * 3;
    let data = value["data"].as_object().into_iter().flatten();
    if data.map(length).sum::<usize>() > DATA_LIMIT {
        errors.push(too_long("data"));
    }
    validate_secret_type(value, &mut errors);
    errors
}

/// What the types that Kubernetes knows demand of the data.
fn validate_secret_type(value: &Value, errors: &mut Vec<FieldError>) {
    let content = |key: &str| value["data"].get(key).and_then(Value::as_str);
    let mut require = |keys: &[&str], is_missing: &dyn Fn(Option<&str>) -> bool| {
        let missing = keys.iter().filter(|key| is_missing(content(key)));
        errors.extend(missing.map(|key| FieldError::required(format!("data[{key}]"), "")));
    };
    match value["type"].as_str().unwrap_or_default() {
        "kubernetes.io/tls" => require(&["tls.crt", "tls.key"], &|text| text.is_none()),
        "kubernetes.io/ssh-auth" => {
            require(&["ssh-privatekey"], &|text| {
                text.unwrap_or_default().is_empty()
            });
        }
        "kubernetes.io/basic-auth" => {
            let keys = ["username", "password"];
            if keys.iter().all(|key| content(key).is_none()) {
                require(&keys, &|_| true);
            }
        }
        "kubernetes.io/service-account-token" => {
            let annotation = "kubernetes.io/service-account.name";
            if meta_annotation(value, annotation).is_empty() {
                let field = format!("metadata.annotations[{annotation}]");
                errors.push(FieldError::required(field, ""));
            }
        }
        "kubernetes.io/dockercfg" => validate_json(content(".dockercfg"), ".dockercfg", errors),
        "kubernetes.io/dockerconfigjson" => {
            validate_json(content(".dockerconfigjson"), ".dockerconfigjson", errors);
        }
        _ => {}
    }
}

fn meta_annotation<'a>(value: &'a Value, name: &str) -> &'a str {
    text(value, &["metadata", "annotations", name]).unwrap_or_default()
}

/// Credentials of registries are JSON.
fn validate_json(content: Option<&str>, key: &str, errors: &mut Vec<FieldError>) {
    let field = format!("data[{key}]");
    let Some(content) = content else {
        errors.push(FieldError::required(field, ""));
        return;
    };
    let bytes = STANDARD.decode(content).unwrap_or_default();
    if serde_json::from_slice::<Value>(&bytes).is_ok() {
        return;
    }
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    let why = match first {
        Some(first) if !b"{[\"-0123456789tfn".contains(first) => format!(
            "invalid character {:?} looking for beginning of value",
            char::from(*first)
        ),
        _ => "unexpected end of JSON input".to_owned(),
    };
    errors.push(FieldError::invalid(
        field,
        &json!("<secret contents redacted>"),
        why,
    ));
}

pub(super) fn validate_secret_update(new: &Value, old: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if new["type"] != old["type"] {
        errors.push(FieldError::immutable("type", &new["type"]));
    }
    errors.extend(validate_immutable_data(new, old));
    errors
}

/// Events are stored in the shape of core/v1, which always shows these.
pub(super) fn event_defaults(value: &mut Value) {
    let fields = fields_mut(value);
    fields.entry("source").or_insert_with(|| json!({}));
    for name in ["firstTimestamp", "lastTimestamp", "eventTime"] {
        fields.entry(name).or_insert(Value::Null);
    }
    for name in ["reportingComponent", "reportingInstance"] {
        fields.entry(name).or_insert_with(|| json!(""));
    }
    for name in ["firstTimestamp", "lastTimestamp"] {
        // metav1.Time has whole seconds, whatever the client sent.
        if let Some(Value::String(time)) = fields.get_mut(name)
            && let Some(seconds) = crate::clock::parse_rfc3339(time)
        {
            *time = crate::clock::rfc3339(seconds);
        }
    }
}

pub(super) fn prepare_namespace(value: &mut Value) {
    let name = meta(value, "name").to_owned();
    child_mut(value, "spec").insert("finalizers".to_owned(), json!(["kubernetes"]));
    fields_mut(value).insert("status".to_owned(), json!({"phase": "Active"}));
    label_with_name(value, &name);
}

/// The label is there before anybody is asked about a new namespace.
pub(super) fn namespace_defaults(value: &mut Value) {
    let name = meta(value, "name").to_owned();
    if !name.is_empty() {
        label_with_name(value, &name);
    }
}

fn label_with_name(value: &mut Value, name: &str) {
    let labels = metadata_mut(value)
        .entry("labels")
        .or_insert_with(|| json!({}));
    fields_mut(labels).insert(NAME_LABEL.to_owned(), json!(name));
}

/// The name label cannot be changed; `spec` is the finalize subresource's.
pub(super) fn keep_namespace_label(new: &mut Value, old: &Value) {
    let name = meta(old, "name").to_owned();
    label_with_name(new, &name);
    if let Some(spec) = old.get("spec") {
        fields_mut(new).insert("spec".to_owned(), spec.clone());
    }
}

pub(super) fn pending(value: &mut Value) {
    fields_mut(value).insert("status".to_owned(), json!({"phase": "Pending"}));
}

pub(super) fn claim_defaults(value: &mut Value) {
    child_mut(value, "spec")
        .entry("volumeMode")
        .or_insert_with(|| json!("Filesystem"));
}

pub(super) fn validate_claim(value: &Value) -> Vec<FieldError> {
    const MODES: [&str; 4] = [
        "ReadOnlyMany",
        "ReadWriteMany",
        "ReadWriteOnce",
        "ReadWriteOncePod",
    ];
    let mut errors = Vec::new();
    let spec = &value["spec"];
    let modes = spec["accessModes"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    if modes.is_empty() {
        let why = "at least 1 access mode is required";
        errors.push(FieldError::required("spec.accessModes", why));
    }
    let unknown = modes
        .iter()
        .filter(|mode| mode.as_str().is_none_or(|mode| !MODES.contains(&mode)));
    errors.extend(unknown.map(|mode| FieldError::unsupported("spec.accessModes", mode, &MODES)));
    if modes.len() > 1 && modes.iter().any(|mode| mode == "ReadWriteOncePod") {
        let why = "may not use ReadWriteOncePod with other access modes";
        errors.push(FieldError::forbidden("spec.accessModes", why));
    }
    let storage = &spec["resources"]["requests"]["storage"];
    match storage.as_str().and_then(Quantity::parse) {
        None => errors.push(FieldError::required("spec.resources[storage]", "")),
        Some(amount) if !amount.is_positive() => errors.push(FieldError::invalid(
            "spec.resources[storage]",
            storage,
            "must be greater than zero",
        )),
        Some(_) => {}
    }
    let volume_modes = ["Block", "Filesystem"];
    let mode = &spec["volumeMode"];
    if mode
        .as_str()
        .is_some_and(|mode| !volume_modes.contains(&mode))
    {
        errors.push(FieldError::unsupported(
            "spec.volumeMode",
            mode,
            &volume_modes,
        ));
    }
    errors
}

pub(super) fn service_defaults(value: &mut Value) {
    fields_mut(value)
        .entry("status")
        .or_insert_with(|| json!({"loadBalancer": {}}));
    let address = cluster_address(value);
    let spec = child_mut(value, "spec");
    spec.entry("type").or_insert_with(|| json!("ClusterIP"));
    spec.entry("sessionAffinity")
        .or_insert_with(|| json!("None"));
    for port in spec
        .get_mut("ports")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
        .filter_map(Value::as_object_mut)
    {
        port.entry("protocol").or_insert_with(|| json!("TCP"));
        let number = port.get("port").cloned().unwrap_or_default();
        port.entry("targetPort").or_insert(number);
    }
    let kind = spec
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    if kind == "ExternalName" {
        return;
    }
    let given = spec
        .get("clusterIP")
        .and_then(Value::as_str)
        .filter(|ip| !ip.is_empty());
    let ip = given.map_or(address, str::to_owned);
    spec.insert("clusterIPs".to_owned(), json!([ip]));
    spec.insert("clusterIP".to_owned(), json!(ip));
    spec.entry("ipFamilies").or_insert_with(|| json!(["IPv4"]));
    spec.entry("ipFamilyPolicy")
        .or_insert_with(|| json!("SingleStack"));
    spec.entry("internalTrafficPolicy")
        .or_insert_with(|| json!("Cluster"));
    if kind != "ClusterIP" {
        spec.entry("externalTrafficPolicy")
            .or_insert_with(|| json!("Cluster"));
        let ports = spec
            .get_mut("ports")
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
            .filter_map(Value::as_object_mut);
        for (index, port) in ports.enumerate() {
            port.entry("nodePort")
                .or_insert_with(|| json!(30_000 + index));
        }
    }
}

/// A stable address made from the name: nothing routes to it, it only has to look like one.
fn cluster_address(value: &Value) -> String {
    let key = crate::object::key_of(value);
    let hash = key.bytes().fold(2_166_136_261_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(16_777_619)
    });
    format!("10.96.{}.{}", hash >> 8 & 0xff, (hash & 0xff).clamp(1, 254))
}

/// An update that leaves the addresses out, or empties them, keeps them.
pub(super) fn keep_service_addresses(new: &mut Value, old: &Value) {
    let Some(kept) = text(old, &["spec", "clusterIP"]).filter(|ip| !ip.is_empty()) else {
        return;
    };
    let spec = child_mut(new, "spec");
    if spec.get("type").and_then(Value::as_str) != Some("ExternalName")
        && spec
            .get("clusterIP")
            .and_then(Value::as_str)
            .is_none_or(str::is_empty)
    {
        spec.insert("clusterIP".to_owned(), json!(kept));
    }
}

pub(super) fn validate_service(value: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let ports = value["spec"]["ports"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    for (index, port) in ports.iter().enumerate() {
        let path = format!("spec.ports[{index}]");
        if ports.len() > 1 && port["name"].as_str().unwrap_or_default().is_empty() {
            errors.push(FieldError::required(format!("{path}.name"), ""));
        }
        for field in ["port", "targetPort"] {
            if port[field]
                .as_i64()
                .is_some_and(|number| !(1..=65_535).contains(&number))
            {
                let why = "must be between 1 and 65535, inclusive";
                errors.push(FieldError::invalid(
                    format!("{path}.{field}"),
                    &port[field],
                    why,
                ));
            }
        }
    }
    errors
}

/// `metav1.MicroTime` wants exactly six digits of a second.
fn micro_time(value: &Value) -> Result<(), String> {
    let Some(text) = value.as_str() else {
        return Ok(());
    };
    let digits = text.split_once('.').map_or(0, |(_, rest)| {
        rest.find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len())
    });
    if digits == 6 && crate::clock::parse_rfc3339(text).is_some() {
        return Ok(());
    }
    let layout = "2006-01-02T15:04:05.000000Z07:00";
    let rest = text.get(19..).unwrap_or_default();
    Err(format!(
        "parsing time {text:?} as {layout:?}: cannot parse {rest:?} as \".000000\""
    ))
}

pub(super) fn lease_types(value: &Value) -> Result<(), String> {
    micro_time(&value["spec"]["acquireTime"])?;
    micro_time(&value["spec"]["renewTime"])
}

pub(super) fn event_types(value: &Value) -> Result<(), String> {
    micro_time(&value["eventTime"])?;
    micro_time(&value["series"]["lastObservedTime"])
}

/// Events of events.k8s.io/v1 say more than those of core/v1; stored they have the names of the latter.
pub(super) fn validate_event_v1(value: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let controller = value["reportingComponent"].as_str().unwrap_or_default();
    let found = qualified_name(controller);
    errors.extend(
        found
            .iter()
            .map(|why| FieldError::invalid("reportingController", &json!(controller), why)),
    );
    for (field, stored) in [
        ("reportingController", "reportingComponent"),
        ("reportingInstance", "reportingInstance"),
        ("action", "action"),
        ("reason", "reason"),
    ] {
        if value[stored].as_str().unwrap_or_default().is_empty() {
            errors.push(FieldError::required(field, ""));
        }
    }
    let kind = value["type"].as_str().unwrap_or_default();
    if kind != "Normal" && kind != "Warning" {
        errors.push(FieldError::invalid(
            "type",
            &json!(""),
            format!("has invalid value: {kind}"),
        ));
    }
    errors
}

/// A binding is bound to its role for life.
pub(super) fn role_reference_is_immutable(new: &Value, old: &Value) -> Vec<FieldError> {
    let (after, before) = (&new["roleRef"], &old["roleRef"]);
    if after == before {
        return Vec::new();
    }
    let shown = format!(
        "{{\"APIGroup\":{},\"Kind\":{},\"Name\":{}}}",
        after["apiGroup"], after["kind"], after["name"]
    );
    let message = format!("Invalid value: {shown}: cannot change roleRef");
    vec![FieldError::new("FieldValueInvalid", "roleRef", message)]
}

pub(super) fn validate_lease(value: &Value) -> Vec<FieldError> {
    let duration = &value["spec"]["leaseDurationSeconds"];
    let wrong = duration.as_i64().is_some_and(|seconds| seconds <= 0);
    wrong
        .then(|| {
            FieldError::invalid(
                "spec.leaseDurationSeconds",
                duration,
                "must be greater than 0",
            )
        })
        .into_iter()
        .collect()
}
