//! From a ConversionReview over the declared conversions to its answer.

use std::collections::{HashMap, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt as _;
use serde_json::{Map, Value, json};
use tracing::error;

use super::{Admission, QuestionError};
use crate::cause::ConversionCause;
use crate::handler::{Attempt, Handler, HandlerError, Invocation};
use crate::object::Body;
use crate::resource::Resource;

type Conversion = Arc<Handler<ConversionCause>>;

impl Admission {
    /// Converts all objects of a review, or none.
    pub(super) async fn convert(&self, review: &Value) -> Result<Value, QuestionError> {
        let request = &review["request"];
        let desired = request["desiredAPIVersion"].as_str();
        let (Some(desired), Some(objects)) = (desired, request["objects"].as_array()) else {
            return Err(QuestionError::Malformed(
                "`request.desiredAPIVersion` or `request.objects` is missing from the review"
                    .to_owned(),
            ));
        };
        let mut converted = Vec::with_capacity(objects.len());
        let mut result = json!({"status": "Success"});
        for object in objects {
            match self.converted(object, desired).await {
                Ok(object) => converted.push(object),
                Err(message) => {
                    error!("{message}");
                    converted.clear();
                    result = json!({"status": "Failure", "message": message});
                    break;
                }
            }
        }
        Ok(json!({
            "apiVersion": review["apiVersion"].as_str().unwrap_or("apiextensions.k8s.io/v1"),
            "kind": "ConversionReview",
            "response": {"uid": request["uid"], "result": result, "convertedObjects": converted},
        }))
    }

    /// One object in another version; the error is for people.
    async fn converted(&self, object: &Value, desired: &str) -> Result<Value, String> {
        let body = Body::new(object.clone());
        let failed = |from: &str, to: &str, why: &str| {
            let key = body.key();
            format!(
                "{} {key} cannot be converted from {from} to {to}: {why}",
                body.kind()
            )
        };
        let (group, from) = split(body.api_version());
        let (desired_group, to) = split(desired);
        if from == to {
            return Ok(object.clone());
        }
        if group != desired_group {
            let why = "the groups are not the same";
            return Err(failed(body.api_version(), desired, why));
        }
        let conversions = self.conversions_of(group, body.kind());
        let Some(way) = shortest(&conversions, from, to) else {
            let why = format!(
                "no conversion leads there; declare on::convert({}, from = \"{from}\", to = \"{to}\")",
                body.kind()
            );
            return Err(failed(from, to, &why));
        };
        let mut present = object.clone();
        for step in way {
            let rule = &step.rule;
            let made = self.step(step, &present).await;
            let made = made.map_err(|error| failed(&rule.from, &rule.to, error.message()))?;
            present = typed(made, object, &api_version(group, &rule.to))
                .map_err(|why| failed(&rule.from, &rule.to, why))?;
        }
        Ok(present)
    }

    /// The conversions of a kind, in whatever version they name it.
    fn conversions_of(&self, group: &str, kind: &str) -> Vec<&Conversion> {
        let Some(insights) = self.insights.borrow().clone() else {
            return Vec::new();
        };
        let of_kind = |r: &&Resource| r.group == group && r.kind == kind;
        let versions: Vec<&Resource> = insights.resources.iter().filter(of_kind).collect();
        let is_for = |conversion: &&Conversion| {
            let selector = conversion.selector.as_ref();
            selector.is_some_and(|s| versions.iter().any(|resource| s.matches(resource)))
        };
        self.conversions.iter().filter(is_for).collect()
    }

    async fn step(&self, conversion: &Conversion, object: &Value) -> Result<Value, HandlerError> {
        let rule = &conversion.rule;
        let now = self.environment.clock.now();
        let invocation = Invocation::new(
            ConversionCause::new(object.clone(), &rule.from, &rule.to),
            Attempt::new(0, now, std::time::Duration::ZERO),
            (conversion.id.as_str().into(), conversion.param.clone()),
            (self.memos.clone(), self.environment.clone()),
        );
        let function = conversion.call.clone();
        let called = AssertUnwindSafe(async move { function(Arc::new(invocation)).await });
        let outcome = called.catch_unwind().await;
        let outcome = outcome.unwrap_or_else(|panic| Err(HandlerError::of_panic(&*panic)))?;
        Ok(outcome.result.unwrap_or_default())
    }

    /// The names of the definitions whose kinds have conversions.
    pub(super) fn converted_definitions(&self, resources: &[Resource]) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for conversion in &self.conversions {
            let selector = conversion.selector.as_ref();
            let meant = resources
                .iter()
                .filter(|r| selector.is_some_and(|s| s.matches(r)));
            for resource in meant.filter(|resource| !resource.group.is_empty()) {
                let name = format!("{}.{}", resource.plural, resource.group);
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        names
    }
}

fn split(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
}

fn api_version(group: &str, version: &str) -> String {
    format!("{group}/{version}")
}

/// The fewest conversions that lead from a version to another; of several such ways, the one declared first.
fn shortest<'a>(
    conversions: &[&'a Conversion],
    from: &str,
    to: &str,
) -> Option<Vec<&'a Conversion>> {
    let mut came: HashMap<&str, &'a Conversion> = HashMap::new();
    let mut waiting = VecDeque::from([from]);
    while let Some(version) = waiting.pop_front() {
        if version == to {
            break;
        }
        for conversion in conversions.iter().filter(|c| c.rule.from == version) {
            let next = &*conversion.rule.to;
            if next != from && !came.contains_key(next) {
                came.insert(next, conversion);
                waiting.push_back(next);
            }
        }
    }
    let mut way = Vec::new();
    let mut version = to;
    while version != from {
        let step = came.get(version)?;
        way.push(*step);
        version = &step.rule.from;
    }
    way.reverse();
    Some(way)
}

/// What a conversion has made, as the API wants it: of the metadata, only labels and annotations may be others. Those
/// that it says nothing of stay.
fn typed(made: Value, original: &Value, api_version: &str) -> Result<Value, &'static str> {
    let Value::Object(mut made) = made else {
        return Err("the conversion returned no object");
    };
    let mut metadata = original["metadata"]
        .as_object()
        .cloned()
        .unwrap_or_default();
    for part in ["labels", "annotations"] {
        let said = made.get("metadata").and_then(|metadata| metadata.get(part));
        match said {
            Some(Value::Object(map)) if map.is_empty() => {
                metadata.remove(part);
            }
            Some(value) if !value.is_null() => {
                metadata.insert(part.to_owned(), value.clone());
            }
            Some(_) | None => {}
        }
    }
    made.retain(|key, value| key != "status" || !value.is_null());
    let mut object = Map::new();
    object.insert("apiVersion".to_owned(), api_version.into());
    object.insert("kind".to_owned(), original["kind"].clone());
    object.insert("metadata".to_owned(), metadata.into());
    for (key, value) in made {
        object.entry(key).or_insert(value);
    }
    Ok(Value::Object(object))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::on;
    use crate::resource::Selector;

    fn conversion(from: &str, to: &str) -> Conversion {
        let selector = Selector::name("demos.x.io").unwrap();
        let builder = on::convert_of(selector).from(from).to(to);
        Arc::new(builder.id(format!("{from}-{to}")).run(async || Value::Null))
    }

    #[test]
    fn the_shortest_way_is_taken() {
        let pairs = [
            ("a", "b"),
            ("b", "c"),
            ("c", "d"),
            ("b", "d"),
            ("d", "a"),
            ("e", "e2"),
        ];
        let all = pairs.map(|(from, to)| conversion(from, to));
        let all: Vec<_> = all.iter().collect();
        let rows = [
            ("a", "d", Some("a-b b-d")),
            ("a", "c", Some("a-b b-c")),
            ("d", "b", Some("d-a a-b")),
            ("a", "e2", None),
            ("a", "x", None),
        ];
        for (from, to, expected) in rows {
            let way = shortest(&all, from, to);
            let ids = way.map(|way| way.iter().map(|c| &*c.id).collect::<Vec<_>>().join(" "));
            assert_eq!(ids.as_deref(), expected, "{from} to {to}");
        }
    }

    #[test]
    fn of_the_metadata_labels_and_annotations_alone_are_changed() {
        let original = json!({"kind": "Demo", "metadata": {
            "name": "a", "uid": "1", "labels": {"x": "1"}, "annotations": {"y": "2"},
        }});
        let rows = [
            (json!(null), json!({"x": "1"}), json!({"y": "2"})),
            (
                json!({"name": "b", "labels": {"z": "3"}}),
                json!({"z": "3"}),
                json!({"y": "2"}),
            ),
            (
                json!({"labels": {}, "annotations": null}),
                json!(null),
                json!({"y": "2"}),
            ),
        ];
        for (metadata, labels, annotations) in rows {
            let made = json!({"metadata": metadata, "spec": {"size": 1}});
            let typed = typed(made, &original, "x.io/v1").unwrap();
            assert_eq!(typed["apiVersion"], "x.io/v1");
            assert_eq!(
                (&typed["metadata"]["name"], &typed["metadata"]["uid"]),
                (&json!("a"), &json!("1"))
            );
            assert_eq!(
                (
                    &typed["metadata"]["labels"],
                    &typed["metadata"]["annotations"]
                ),
                (&labels, &annotations)
            );
            assert_eq!(typed["spec"]["size"], 1);
        }
        assert!(typed(json!([1]), &original, "x.io/v1").is_err());
    }
}
