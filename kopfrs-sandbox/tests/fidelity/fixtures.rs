//! What must be there before a scenario begins: its namespaces and definitions. Nothing of this is compared.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::{
    Failure,
    client::{Answer, Client},
    diff::short,
    request::Request,
    scenario::Scenario,
};

const NAMESPACES: &str = "/api/v1/namespaces";
const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
/// How long something of an earlier run may take to go away, and a definition to be served.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(100);

/// Makes what the scenario needs.
pub(crate) async fn set_up(client: &Client, scenario: &Scenario) -> Result<(), Failure> {
    for name in &scenario.namespaces {
        let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        create(client, (NAMESPACES, name), &body).await?;
    }
    for definition in &scenario.crds {
        let name = definition["metadata"]["name"].as_str().unwrap_or_default();
        create(client, (DEFINITIONS, name), definition).await?;
        served(client, definition, name).await?;
    }
    Ok(())
}

/// Takes it away again, and whatever else the scenario names.
pub(crate) async fn tear_down(client: &Client, scenario: &Scenario) -> Result<(), Failure> {
    for path in &scenario.teardown {
        client.send(&Request::new("DELETE", path)).await?;
    }
    for definition in &scenario.crds {
        let name = definition["metadata"]["name"].as_str().unwrap_or_default();
        remove(client, DEFINITIONS, name).await?;
    }
    for name in &scenario.namespaces {
        remove(client, NAMESPACES, name).await?;
    }
    Ok(())
}

/// Creates something; what is left of an earlier run goes first.
async fn create(
    client: &Client,
    (collection, name): (&str, &str),
    body: &Value,
) -> Result<(), Failure> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let request = Request::new("POST", collection).with_body(body.clone());
        let answer = client.send(&request).await?;
        if answer.status == 201 {
            return Ok(());
        }
        if answer.status != 409 || Instant::now() > deadline {
            return Err(format!("{collection}/{name} cannot be made: {}", shown(&answer)).into());
        }
        remove(client, collection, name).await?;
        sleep(PAUSE).await;
    }
}

async fn remove(client: &Client, collection: &str, name: &str) -> Result<(), Failure> {
    if collection == NAMESPACES {
        // Pods on a node would hold the namespace for their grace period.
        let pods = Request::new("DELETE", format!("{NAMESPACES}/{name}/pods"));
        client
            .send(&pods.with_query("gracePeriodSeconds", "0"))
            .await?;
    }
    client
        .send(&Request::new("DELETE", format!("{collection}/{name}")))
        .await?;
    Ok(())
}

/// Waits until every served version of a definition answers a list.
async fn served(client: &Client, definition: &Value, name: &str) -> Result<(), Failure> {
    let deadline = Instant::now() + PATIENCE;
    let spec = &definition["spec"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (group, plural) = (text(&spec["group"]), text(&spec["names"]["plural"]));
    let versions = spec["versions"].as_array().into_iter().flatten();
    let served = versions.filter(|version| version["served"] == true);
    for version in served.map(|version| text(&version["name"])) {
        let list = Request::new("GET", format!("/apis/{group}/{version}/{plural}"));
        while client.send(&list).await?.status != 200 {
            if Instant::now() > deadline {
                return Err(format!("{name} is not served").into());
            }
            sleep(PAUSE).await;
        }
    }
    established(client, name, deadline).await
}

async fn established(client: &Client, name: &str, deadline: Instant) -> Result<(), Failure> {
    let request = Request::new("GET", format!("{DEFINITIONS}/{name}"));
    loop {
        let answer = client.send(&request).await?;
        let definition = answer.content.to_value();
        let conditions = definition["status"]["conditions"]
            .as_array()
            .into_iter()
            .flatten();
        let mut established =
            conditions.filter(|one| one["type"] == "Established" && one["status"] == "True");
        if established.next().is_some() {
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err(format!("{name} is not established: {}", shown(&answer)).into());
        }
        sleep(PAUSE).await;
    }
}

fn shown(answer: &Answer) -> String {
    format!(
        "{} {}",
        answer.status,
        short(&answer.content.to_value(), 500)
    )
}
