//! What is wrong with the parts of a definition: names, columns, subresources, selectable fields, conversion.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{
    error::FieldError,
    strategy::{
        field::{Field, Names},
        names,
    },
    webhook::validation,
};

const APPROVAL: &str = "api-approved.kubernetes.io";
const APPROVAL_RULES: &str = "https://github.com/kubernetes/enhancements/pull/1111";

/// Where the parts of a version are shown: a single version's are where v1beta1 had them.
pub(super) fn path_of(part: &str, index: usize, is_single: bool) -> String {
    if is_single {
        format!("spec.{part}")
    } else {
        format!("spec.versions[{index}].{part}")
    }
}

pub(super) fn validate_names(spec: &Field<'_>, errors: &mut Vec<FieldError>) {
    let all = spec.member("names");
    for name in ["kind", "listKind", "plural", "singular"] {
        let field = all.member(name);
        if field.text().is_empty() {
            errors.push(field.required(""));
            continue;
        }
        if name.ends_with("ind") {
            let wrong = names::label_1035(&field.text().to_lowercase());
            let wrong = wrong.iter();
            errors.extend(wrong.map(|why| {
                field.invalid(&format!(
                    "may have mixed case, but should otherwise match: {why}"
                ))
            }));
        } else {
            errors.extend(field.name(names::label_1035));
        }
    }
    for list in ["shortNames", "categories"] {
        for field in all.member(list).items() {
            errors.extend(field.name(names::label_1035));
        }
    }
    let list = all.member("listKind");
    if !list.text().is_empty() && list.text() == all.member("kind").text() {
        errors.push(list.invalid("kind and listKind may not be the same"));
    }
}

/// Groups of Kubernetes itself need somebody's approval.
pub(super) fn validate_approval(value: &Value) -> Option<FieldError> {
    let group = value["spec"]["group"].as_str().unwrap_or_default();
    let mut own = ["k8s.io", "kubernetes.io"].into_iter();
    if !own.any(|domain| group == domain || group.ends_with(&format!(".{domain}"))) {
        return None;
    }
    let path = format!("metadata.annotations[{APPROVAL}]");
    let given = value["metadata"]["annotations"][APPROVAL]
        .as_str()
        .unwrap_or_default();
    let demand = format!("protected groups must have approval annotation {APPROVAL:?}");
    if given.is_empty() {
        return Some(FieldError::required(
            path,
            &format!("{demand}, see {APPROVAL_RULES}"),
        ));
    }
    let is_url = given
        .parse::<http::Uri>()
        .is_ok_and(|uri| uri.host().is_some() && uri.scheme().is_some());
    if is_url || given.starts_with("unapproved") {
        return None;
    }
    let why = format!(
        "{demand} with either a URL or a reason starting with \"unapproved\", see {APPROVAL_RULES}"
    );
    Some(FieldError::invalid(path, &json!(given), why))
}

pub(super) fn validate_conversion(spec: &Field<'_>, errors: &mut Vec<FieldError>) {
    let conversion = spec.member("conversion");
    let strategy = conversion.member("strategy");
    if strategy.text().is_empty() && !conversion.is_null() {
        errors.push(strategy.required(""));
    } else {
        errors.extend(strategy.one_of(&["None", "Webhook"]));
    }
    let (config, versions) = (client_config(spec), review_versions(spec));
    let preserve = spec.member("preserveUnknownFields");
    if strategy.text() == "Webhook" {
        if *preserve.value == true {
            errors.push(strategy.invalid("must be None if spec.preserveUnknownFields is true"));
        }
        if config.is_null() {
            errors.push(config.required("required when strategy is set to Webhook"));
        } else {
            validation::validate(&config, errors);
        }
        validate_review_versions(&versions, errors);
    } else {
        let why = "should not be set when strategy is not set to Webhook";
        if !config.is_null() {
            errors.push(config.forbidden(why));
        }
        if !versions.is_empty() {
            errors.push(versions.forbidden(why));
        }
    }
    if *preserve.value == true {
        let why = "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead";
        errors.push(preserve.invalid(why));
    }
}

/// How the webhook is reached, at the path by which the server's own types call it.
pub(super) fn client_config<'a>(spec: &Field<'a>) -> Field<'a> {
    Field {
        path: format!("{}.conversion.webhookClientConfig", spec.path),
        value: &spec.value["conversion"]["webhook"]["clientConfig"],
    }
}

fn review_versions<'a>(spec: &Field<'a>) -> Field<'a> {
    Field {
        path: format!("{}.conversion.conversionReviewVersions", spec.path),
        value: &spec.value["conversion"]["webhook"]["conversionReviewVersions"],
    }
}

fn validate_review_versions(versions: &Field<'_>, errors: &mut Vec<FieldError>) {
    if versions.is_empty() {
        errors.push(versions.required(""));
        return;
    }
    let mut seen = BTreeSet::new();
    for version in versions.items() {
        if seen.insert(version.text().to_owned()) {
            errors.extend(version.name(names::label_1035));
        } else {
            errors.push(version.invalid("duplicate version"));
        }
    }
    if !seen.contains("v1") && !seen.contains("v1beta1") {
        errors.push(versions.invalid("must include at least one of v1, v1beta1"));
    }
}

/// What a version says besides its schema.
pub(super) fn validate_version(
    version: &Value,
    (index, is_single): (usize, bool),
    errors: &mut Vec<FieldError>,
) {
    let part = |name: &str| Field {
        path: path_of(name, index, is_single),
        value: &version[name],
    };
    for column in part("additionalPrinterColumns").items() {
        validate_column(&column, errors);
    }
    let scale = part("subresources").member("scale");
    if !scale.is_null() {
        validate_scale(&scale, errors);
    }
    validate_selectable(&part("selectableFields"), version, errors);
    let warning = Field {
        path: format!("spec.versions[{index}].deprecationWarning"),
        value: &version["deprecationWarning"],
    };
    if !warning.is_null() && version["deprecated"] != true {
        errors.push(warning.invalid("can only be set for deprecated versions"));
    }
    if *warning.value == "" {
        errors.push(warning.invalid("must not be an empty string"));
    }
}

/// The path of a member as definitions say it, which the server's own types call otherwise.
fn json_path(path: &Field<'_>) -> Option<FieldError> {
    let why = "must be a simple json path starting with .";
    let is_simple = path.text().len() > 1 && path.text().starts_with('.');
    (!is_simple).then(|| path.invalid(why))
}

fn validate_column(column: &Field<'_>, errors: &mut Vec<FieldError>) {
    const TYPES: [&str; 5] = ["boolean", "date", "integer", "number", "string"];
    const FORMATS: [&str; 8] = [
        "byte",
        "date",
        "date-time",
        "double",
        "float",
        "int32",
        "int64",
        "password",
    ];
    let name = column.member("name");
    if name.text().is_empty() {
        errors.push(name.required(""));
    }
    let kind = column.member("type");
    if kind.text().is_empty() {
        errors.push(kind.required(&format!("must be one of {}", TYPES.join(","))));
    } else if !TYPES.contains(&kind.text()) {
        errors.push(kind.invalid(&format!("must be one of {}", TYPES.join(","))));
    }
    let format = column.member("format");
    if !format.text().is_empty() && !FORMATS.contains(&format.text()) {
        errors.push(format.invalid(&format!("must be one of {}", FORMATS.join(","))));
    }
    let path = Field {
        path: format!("{}.JSONPath", column.path),
        value: &column.value["jsonPath"],
    };
    if path.text().is_empty() {
        errors.push(path.required(""));
    } else {
        errors.extend(json_path(&path));
    }
}

fn validate_scale(scale: &Field<'_>, errors: &mut Vec<FieldError>) {
    for (name, below) in [
        ("specReplicasPath", ".spec"),
        ("statusReplicasPath", ".status"),
    ] {
        let path = scale.member(name);
        if path.text().is_empty() {
            errors.push(path.required(""));
        } else if let Some(error) = json_path(&path) {
            errors.push(error);
        } else if !path.text().starts_with(&format!("{below}.")) {
            errors.push(path.invalid(&format!("should be a json path under {below}")));
        }
    }
    let labels = scale.member("labelSelectorPath");
    if labels.text().is_empty() {
        return;
    }
    let is_below = labels.text().starts_with(".spec.") || labels.text().starts_with(".status.");
    if let Some(error) = json_path(&labels) {
        errors.push(error);
    } else if !is_below {
        errors.push(labels.invalid("should be a json path under either .spec or .status"));
    }
}

fn validate_selectable(fields: &Field<'_>, version: &Value, errors: &mut Vec<FieldError>) {
    let mut seen = Names::default();
    for field in fields.items() {
        let path = field.member("jsonPath");
        if path.text().is_empty() {
            errors.push(path.required(""));
            continue;
        }
        errors.extend(seen.note(&path));
        let mut schema = &version["schema"]["openAPIV3Schema"];
        let parts = path.text().trim_start_matches('.').split('.');
        for part in parts {
            schema = &schema["properties"][part];
        }
        let is_metadata = path.text().starts_with(".metadata");
        match schema["type"].as_str() {
            Some("string" | "boolean" | "integer") if !is_metadata => {}
            Some(_) if !is_metadata => errors.push(path.invalid(
                "must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.",
            )),
            _ => errors.push(path.invalid("is an invalid path: does not refer to a valid field")),
        }
    }
}
