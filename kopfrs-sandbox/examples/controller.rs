//! A controller of kube-rs, tested in-process, with no time passing: its CRD, an hour's wait, a lost race, and what it
//! sent.
//!
//! The controller is any code that takes a `kube::Client`; it knows nothing of the sandbox.

use std::{
    collections::HashMap,
    error::Error,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::StreamExt;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kopfrs_sandbox::{
    Sandbox,
    fault::{Fault, On, Rule},
};
use kube::{
    Api, Client, CustomResource, CustomResourceExt, ResourceExt,
    api::{Patch, PatchParams, PostParams},
    runtime::{
        Controller,
        controller::Action,
        wait::{await_condition, conditions},
        watcher,
    },
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::Instant;

#[derive(CustomResource, Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[kube(
    group = "example.com",
    version = "v1",
    kind = "Egg",
    namespaced,
    status = "EggStatus"
)]
struct EggSpec {
    minutes: u64,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
struct EggStatus {
    phase: Option<String>,
}

/// What the code under test works with.
struct Kitchen {
    client: Client,
    /// When each egg was put in, by its uid.
    put_in: Mutex<HashMap<String, Instant>>,
}

/// The code under test: an egg is done some minutes after it was put in.
async fn reconcile(egg: Arc<Egg>, kitchen: Arc<Kitchen>) -> Result<Action, kube::Error> {
    let put_in = {
        let mut all = kitchen
            .put_in
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let uid = egg.uid().unwrap_or_default();
        *all.entry(uid).or_insert_with(Instant::now)
    };
    let minutes = Duration::from_secs(60 * egg.spec.minutes);
    let left = minutes.saturating_sub(put_in.elapsed());
    let phase = if left.is_zero() { "Done" } else { "Boiling" };
    let status = egg.status.as_ref();
    if status.and_then(|status| status.phase.as_deref()) != Some(phase) {
        let eggs: Api<Egg> = Api::default_namespaced(kitchen.client.clone());
        // With the version that was seen: who was faster is not overwritten.
        let patch = json!({
            "metadata": {"resourceVersion": egg.resource_version()}, "status": {"phase": phase},
        });
        let patch = Patch::Merge(patch);
        eggs.patch_status(&egg.name_any(), &PatchParams::default(), &patch)
            .await?;
    }
    Ok(if left.is_zero() {
        Action::await_change()
    } else {
        Action::requeue(left)
    })
}

async fn run(client: Client) {
    let eggs: Api<Egg> = Api::default_namespaced(client.clone());
    let soon =
        |_: Arc<Egg>, _: &kube::Error, _: Arc<Kitchen>| Action::requeue(Duration::from_secs(5));
    let kitchen = Kitchen {
        client,
        put_in: Mutex::default(),
    };
    Controller::new(eggs, watcher::Config::default())
        .run(reconcile, soon, Arc::new(kitchen))
        .for_each(|_| std::future::ready(()))
        .await;
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
pub(crate) async fn main() -> Result<(), Box<dyn Error>> {
    let sandbox = Sandbox::new();
    let client = sandbox.client();

    // The definition comes from the type.
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    definitions
        .create(&PostParams::default(), &Egg::crd())
        .await?;
    let served = conditions::is_crd_established();
    await_condition(definitions, Egg::crd_name(), served).await?;

    // The first write of the controller shall lose a race.
    let race = Rule::new(On::verb("patch").resource("eggs"), Fault::status(409)).times(1);
    let race = sandbox.faults().inject(race);

    let controller = tokio::spawn(run(client.clone()));
    let eggs: Api<Egg> = Api::default_namespaced(client);
    let egg = Egg::new("breakfast", EggSpec { minutes: 60 });
    let begin = Instant::now();
    eggs.create(&PostParams::default(), &egg).await?;
    let is_done = |egg: Option<&Egg>| {
        let status = egg.and_then(|egg| egg.status.as_ref());
        status.is_some_and(|status| status.phase.as_deref() == Some("Done"))
    };
    await_condition(eggs, "breakfast", is_done).await?;
    controller.abort();

    // An hour has passed on the paused clock, and none outside.
    assert!(begin.elapsed() >= Duration::from_secs(3600));
    assert_eq!(race.hits(), 1);
    // Three patches: the one that lost, the one that was repeated, the last.
    let sent = sandbox.journal().for_object("eggs", "default", "breakfast");
    let patches = sent.verb("patch");
    let answers: Vec<Option<u16>> = patches.iter().map(|request| request.status()).collect();
    assert_eq!(answers, [Some(409), Some(200), Some(200)]);
    println!(
        "done after {:?}, in {} patches",
        begin.elapsed(),
        answers.len()
    );
    Ok(())
}
