//! Tokens of service accounts.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Target, WriteOptions, read};
use crate::{
    admission::{Chain, Operation},
    auth::{ISSUER, SERVICE_ACCOUNT, User},
    cluster::Cluster,
    error::{ApiError, FieldError, Subject},
    object::{key, meta, text},
};

const SHORTEST: u64 = 600;
const LONGEST: u64 = 1 << 32;
const USUAL: u64 = 3600;

/// Answers a TokenRequest.
pub(crate) async fn answer(
    cluster: &Cluster,
    target: &Target,
    body: &Value,
    options: &WriteOptions,
) -> Result<Value, ApiError> {
    let account = read::get(cluster, target, "", None).await?;
    let mut request = json!({
        "kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1",
        "metadata": {
            "name": target.name, "namespace": target.namespace,
            "creationTimestamp": cluster.clock.rfc3339(), "uid": uuid::Uuid::new_v4().to_string(),
        },
        "spec": spec(body),
        "status": {"token": "", "expirationTimestamp": null},
    });
    check(target, body, &request["spec"])?;
    let bound = bound(cluster, target, &request["spec"]["boundObjectRef"])?;
    if let Some(chain) = Chain::of_write(cluster, target, options) {
        let made = chain
            .mutate(Operation::Create, Some(&request), None)
            .await?;
        request = made.unwrap_or(request);
        chain
            .validate(Operation::Create, Some(&request), None)
            .await?;
    }
    let seconds = request["spec"]["expirationSeconds"].as_u64();
    let lifetime = Duration::from_secs(seconds.unwrap_or(USUAL));
    let mut claims = claims(cluster, target, &request["spec"], lifetime);
    claims["kubernetes.io"]["serviceaccount"] =
        json!({"name": target.name, "uid": account.value["metadata"]["uid"]});
    if let Some((kind, reference)) = bound {
        claims["kubernetes.io"][kind] = reference;
    }
    let token = cluster.issuer.sign(&claims);
    // A token for somebody else opens nothing here.
    let audiences = request["spec"]["audiences"].as_array();
    if audiences.is_some_and(|all| all.iter().any(|one| one == ISSUER)) {
        let user = User::service_account(&target.namespace, &target.name);
        let expires = Instant::now() + lifetime;
        cluster.tokens.put(token.clone(), user, Some(expires));
    }
    request["status"] = json!({
        "token": token,
        "expirationTimestamp": cluster.clock.rfc3339_after(lifetime),
    });
    Ok(request)
}

/// What the token says of itself.
fn claims(cluster: &Cluster, target: &Target, spec: &Value, lifetime: Duration) -> Value {
    let from = cluster.clock.since_epoch();
    json!({
        "aud": spec["audiences"], "iss": ISSUER, "jti": uuid::Uuid::new_v4().to_string(),
        "iat": from.as_secs(), "nbf": from.as_secs(), "exp": (from + lifetime).as_secs(),
        "sub": format!("{SERVICE_ACCOUNT}{}:{}", target.namespace, target.name),
        "kubernetes.io": {"namespace": target.namespace},
    })
}

/// What is asked for, with defaults.
fn spec(body: &Value) -> Value {
    let given = &body["spec"];
    let audiences = given["audiences"].as_array().filter(|all| !all.is_empty());
    json!({
        "audiences": audiences.map_or_else(|| json!([ISSUER]), |all| json!(all)),
        "expirationSeconds": given["expirationSeconds"].as_i64().map_or(json!(USUAL), |seconds| json!(seconds)),
        "boundObjectRef": given["boundObjectRef"],
    })
}

fn check(target: &Target, body: &Value, spec: &Value) -> Result<(), ApiError> {
    let refuse = |name: &str, error: FieldError| {
        let subject = Subject {
            group: "authentication.k8s.io",
            resource: "TokenRequest",
            name,
        };
        Err(ApiError::invalid(subject, &[error]))
    };
    let given = meta(body, "name");
    if !given.is_empty() && given != target.name {
        let why = "must match the service account name if specified";
        let error = FieldError::invalid("metadata.name", &json!(given), why);
        return refuse(&target.name, error);
    }
    let seconds = &spec["expirationSeconds"];
    let number = seconds.as_i64().unwrap_or_default();
    let why = match u64::try_from(number) {
        Ok(SHORTEST..=LONGEST) => return Ok(()),
        Ok(number) if number > LONGEST => "may not specify a duration larger than 2^32 seconds",
        Ok(_) | Err(_) => "may not specify a duration less than 10 minutes",
    };
    refuse(
        "",
        FieldError::invalid("spec.expirationSeconds", seconds, why),
    )
}

/// The object that a token is bound to: the claim about it, if there is one.
fn bound(
    cluster: &Cluster,
    target: &Target,
    reference: &Value,
) -> Result<Option<(&'static str, Value)>, ApiError> {
    if reference.is_null() {
        return Ok(None);
    }
    let part = |field: &str| text(reference, &[field]).unwrap_or_default();
    let (claim, resource) = match (part("apiVersion"), part("kind")) {
        ("v1", "Pod") => ("pod", "pods"),
        ("v1", "Secret") => ("secret", "secrets"),
        (api_version, kind) => {
            let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
            return Err(ApiError::bad_request(format!(
                "cannot bind token to object of type {group}/{version}, Kind={kind}"
            )));
        }
    };
    let name = part("name");
    let subject = Subject {
        group: "",
        resource,
        name,
    };
    let stored = cluster.store.get(resource, &key(&target.namespace, name));
    let stored = stored.ok_or_else(|| ApiError::not_found(subject))?;
    let uid = meta(&stored.value, "uid");
    if !part("uid").is_empty() && part("uid") != uid {
        let why = format!(
            "the UID in the bound object reference ({}) does not match the UID in record. The object might have been \
             deleted and then recreated",
            part("uid")
        );
        return Err(ApiError::conflict(subject, why));
    }
    Ok(Some((claim, json!({"name": name, "uid": uid}))))
}
