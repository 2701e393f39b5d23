//! AdmissionReviews: what webhooks are sent, and what their answers must be.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{
    chain::{Chain, Question},
    hook::Phase,
    selection::Invocation,
};
use crate::{
    auth::User,
    registry::Kind,
    webhook::{Expected, Fits},
};

/// The API group of reviews.
const GROUP: &str = "admission.k8s.io";

/// What a webhook has answered.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) allowed: bool,
    /// The document of a JSON patch, as text.
    pub(super) patch: Vec<u8>,
    pub(super) patch_type: String,
    pub(super) warnings: Vec<String>,
    /// Why not, as a `Status`.
    pub(super) status: Value,
}

/// The fields of a response.
const RESPONSE: &[(&str, &str, Fits)] = &[
    ("uid", "types.UID", Value::is_string),
    ("allowed", "bool", Value::is_boolean),
    ("status", "v1.Status", Value::is_object),
    ("patch", "[]uint8", Value::is_string),
    ("patchType", "v1.PatchType", Value::is_string),
    ("auditAnnotations", "map[string]string", Value::is_object),
    ("warnings", "[]string", Value::is_array),
];

/// What an answer is to be.
pub(super) fn expected(version: &'static str) -> Expected {
    Expected {
        group: GROUP,
        version,
        kind: "AdmissionReview",
        response: RESPONSE,
    }
}

/// The best version of reviews that both sides know.
pub(super) fn version(accepted: &[String]) -> Option<&'static str> {
    let known = |version: &String| ["v1", "v1beta1"].into_iter().find(|one| one == version);
    accepted.iter().find_map(known)
}

/// The `request` of a review.
pub(super) fn request(
    uid: &str,
    chain: &Chain<'_>,
    question: &Question<'_>,
    invocation: &Invocation,
) -> Value {
    let (shown, asked) = (&*invocation.kind, &*chain.target.kind);
    let mut request = json!({
        "uid": uid,
        "kind": kind(shown, chain.subresource),
        "resource": resource(shown),
        "requestKind": kind(asked, chain.subresource),
        "requestResource": resource(asked),
        "operation": question.operation.name(),
        "userInfo": user_info(&chain.caller.user),
        "object": invocation.object,
        "oldObject": invocation.old,
        "dryRun": chain.dry_run,
        "options": chain.options(question),
    });
    let optional = [
        ("subResource", chain.subresource),
        ("requestSubResource", chain.subresource),
        ("name", chain.name(question)),
        ("namespace", chain.namespace(question)),
    ];
    for (field, text) in optional.into_iter().filter(|(_, text)| !text.is_empty()) {
        request[field] = json!(text);
    }
    request
}

/// The whole review.
pub(super) fn review(version: &str, request: &Value) -> Value {
    json!({"kind": "AdmissionReview", "apiVersion": format!("{GROUP}/{version}"), "request": request})
}

fn kind(kind: &Kind, subresource: &str) -> Value {
    let (group, version, name) = kind
        .subresource(subresource)
        .and_then(|subresource| subresource.foreign)
        .unwrap_or((&kind.group, &kind.version, &kind.kind));
    json!({"group": group, "version": version, "kind": name})
}

fn resource(kind: &Kind) -> Value {
    json!({"group": kind.group, "version": kind.version, "resource": kind.plural})
}

fn user_info(user: &User) -> Value {
    json!({"username": user.name, "groups": user.groups})
}

/// Reads an answer; the error says what is wrong with it.
pub(super) fn verdict(
    (version, uid): (&str, &str),
    phase: Phase,
    answer: &Value,
) -> Result<Verdict, String> {
    let response = &answer["response"];
    if !response.is_object() {
        return Err("webhook response was absent".to_owned());
    }
    let text = |field: &str| response[field].as_str().unwrap_or_default();
    if version == "v1" {
        check(answer, text("uid"), uid)?;
    }
    let patch = STANDARD
        .decode(text("patch"))
        .map_err(|_| "response.patch is no base64".to_owned())?;
    let patch_type = response["patchType"].as_str();
    let patch_type = match (phase, version) {
        (Phase::Mutating, "v1") => paired(&patch, patch_type)?,
        (Phase::Mutating, _) => "JSONPatch",
        (Phase::Validating, "v1") => unchanging(&patch, patch_type)?,
        (Phase::Validating, _) => "",
    };
    let warnings = response["warnings"].as_array().into_iter().flatten();
    Ok(Verdict {
        allowed: response["allowed"] == true,
        patch,
        patch_type: patch_type.to_owned(),
        warnings: warnings
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        status: response["status"].clone(),
    })
}

fn check(answer: &Value, given: &str, uid: &str) -> Result<(), String> {
    if given != uid {
        return Err(format!("expected response.uid={uid:?}, got {given:?}"));
    }
    let text = |field: &str| answer[field].as_str().unwrap_or_default();
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    if api_version != format!("{GROUP}/v1") || kind != "AdmissionReview" {
        return Err(format!(
            "expected webhook response of {GROUP}/v1, Kind=AdmissionReview, got {}, Kind={kind}",
            if api_version.is_empty() {
                "/"
            } else {
                api_version
            }
        ));
    }
    Ok(())
}

fn paired<'a>(patch: &[u8], patch_type: Option<&'a str>) -> Result<&'a str, String> {
    match (patch.is_empty(), patch_type) {
        (false, None) => {
            Err("webhook returned response.patch but not response.patchType".to_owned())
        }
        (true, Some(_)) => {
            Err("webhook returned response.patchType but not response.patch".to_owned())
        }
        (_, Some("")) => Err("webhook returned invalid response.patchType of \"\"".to_owned()),
        (_, Some(patch_type)) => Ok(patch_type),
        (true, None) => Ok(""),
    }
}

fn unchanging(patch: &[u8], patch_type: Option<&str>) -> Result<&'static str, String> {
    if !patch.is_empty() {
        return Err("validating webhook may not return response.patch".to_owned());
    }
    if patch_type.is_some() {
        return Err("validating webhook may not return response.patchType".to_owned());
    }
    Ok("")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(phase: Phase, response: &Value) -> Result<Verdict, String> {
        let answer = json!({
            "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response,
        });
        verdict(("v1", "u"), phase, &answer)
    }

    #[test]
    fn answers_must_fit_the_question() {
        let rows = [
            (json!(null), "webhook response was absent"),
            (
                json!({"uid": "v"}),
                "expected response.uid=\"u\", got \"v\"",
            ),
            (
                json!({"uid": "u", "patchType": "JSONPatch"}),
                "webhook returned response.patchType but not response.patch",
            ),
            (
                json!({"uid": "u", "patch": "W10="}),
                "webhook returned response.patch but not response.patchType",
            ),
        ];
        for (response, why) in rows {
            assert_eq!(judge(Phase::Mutating, &response).expect_err(why), why);
        }
        let patched = json!({"uid": "u", "patch": "W10=", "patchType": "JSONPatch"});
        assert_eq!(judge(Phase::Mutating, &patched).expect("fine").patch, b"[]");
        assert_eq!(
            judge(Phase::Validating, &patched).expect_err("no patches"),
            "validating webhook may not return response.patch"
        );
    }

    #[test]
    fn old_answers_need_no_uid() {
        let answer = json!({"response": {"allowed": true, "patch": "W10="}});
        let verdict = verdict(("v1beta1", "u"), Phase::Mutating, &answer).expect("fine");
        assert!(verdict.allowed && verdict.patch_type == "JSONPatch");
    }

    #[test]
    fn the_first_known_version_is_spoken() {
        let owned = |versions: &[&str]| -> Vec<String> {
            versions.iter().map(|&version| version.to_owned()).collect()
        };
        assert_eq!(version(&owned(&["v2", "v1beta1", "v1"])), Some("v1beta1"));
        assert_eq!(version(&owned(&["v2"])), None);
    }
}
