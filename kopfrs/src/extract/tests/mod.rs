//! Every argument in every form, through the attributes.

#![expect(
    clippy::too_many_arguments,
    clippy::needless_pass_by_value,
    reason = "handlers are declared for their arguments"
)]

mod call;
mod misfit;
mod object;

use serde_json::json;

use super::{ArgError, Argument, Extract};
use crate::cause::ObjectCause;
use crate::clock::Clock;
use crate::handler::{Environment, ErrorKind, Family, Memos, Outcome};
use crate::prelude::*;
use crate::registry::Registered;
use crate::settings::Settings;

#[derive(CustomResource, Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[kube(
    group = "x.io",
    version = "v1",
    kind = "Demo",
    namespaced,
    status = "DemoStatus"
)]
struct DemoSpec {
    size: u32,
    note: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
struct DemoStatus {
    phase: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Loose {
    phase: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
struct Config(&'static str);

#[derive(Default)]
struct Count(u32);

struct Team(String);

impl<'a, C: Family + ObjectCause> Extract<'a, C> for Team {
    fn extract(inv: &'a Arc<Invocation<C>>, argument: &Argument) -> Result<Self, ArgError> {
        let team = inv.cause.body().label("team");
        team.map(|team| Self(team.into()))
            .ok_or_else(|| argument.error("no team"))
    }
}

fn object() -> Value {
    json!({
        "apiVersion": "x.io/v1", "kind": "Demo",
        "metadata": {"name": "x", "namespace": "ns", "uid": "u1", "labels": {"team": "a"}},
        "spec": {"size": 2},
    })
}

fn changing(reason: Reason, old: Option<Value>) -> ChangingCause {
    let resource = Arc::new(Resource::default());
    let new = json!({"metadata": {"labels": {"team": "a"}}, "spec": {"size": 2}});
    let states = (old.map(Arc::new), Arc::new(new));
    ChangingCause::new(resource, Body::new(object()), (reason, false), states)
}

fn updated() -> ChangingCause {
    changing(
        Reason::Update,
        Some(json!({"spec": {"size": 1, "note": "n"}})),
    )
}

/// Calls a handler of this module.
async fn call<C: Registered>(id: &str, cause: C) -> Result<Outcome> {
    let registry = Registry::module(module_path!());
    let found: Vec<_> = registry
        .table::<C>()
        .iter()
        .filter(|h| h.id == id)
        .cloned()
        .collect();
    assert_eq!(found.len(), 1, "{id}");
    let environment = Environment::new(Clock::start(), SettingsHandle::new(Settings::default()));
    environment.states.insert(Config("shared"));
    let attempt = Attempt::new(3, Timestamp::UNIX_EPOCH, Duration::from_secs(9));
    let handler = &found[0];
    let invocation = Invocation::new(
        cause,
        attempt,
        (id.into(), handler.param.clone()),
        (Memos::default(), Arc::new(environment)),
    );
    (handler.call)(Arc::new(invocation)).await
}

async fn result<C: Registered>(id: &str, cause: C) -> Value {
    call(id, cause).await.unwrap().result.unwrap_or_default()
}

async fn message(id: &str, cause: ChangingCause) -> String {
    let error = call(id, cause).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Argument);
    error.message().to_owned()
}
