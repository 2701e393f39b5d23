//! ConversionReviews: what webhooks are asked, and what their answers must be.

use serde_json::{Value, json};

use super::metadata;
use crate::{
    object::{meta, metadata_mut, text},
    webhook::{Expected, Fits},
};

const GROUP: &str = "apiextensions.k8s.io";
const KIND: &str = "ConversionReview";

/// The fields of a response.
const RESPONSE: &[(&str, &str, Fits)] = &[
    ("uid", "types.UID", Value::is_string),
    (
        "convertedObjects",
        "[]runtime.RawExtension",
        Value::is_array,
    ),
    ("result", "v1.Status", Value::is_object),
];

/// The first version of reviews that both sides know.
pub(super) fn version(accepted: &[String]) -> Option<&'static str> {
    let known = |version: &String| ["v1", "v1beta1"].into_iter().find(|one| one == version);
    accepted.iter().find_map(known)
}

/// What an answer is to be.
pub(super) fn expected(version: &'static str) -> Expected {
    Expected {
        group: GROUP,
        version,
        kind: KIND,
        response: RESPONSE,
    }
}

/// Objects of one version that are wanted in another.
#[derive(Debug)]
pub(super) struct Question {
    /// The `apiVersion` they have.
    pub(super) from: String,
    to: String,
    objects: Vec<Value>,
    /// Their resource versions, which webhooks are not told.
    versions: Vec<Option<Value>>,
}

/// What is wrong with the answer to a question.
#[derive(Debug)]
pub(super) enum Fault {
    /// There are so many objects, and should be so many.
    Count(usize, usize),
    /// The object with this number is wrong; they are so many.
    Object(Wrong, usize, usize),
}

/// What is wrong with a converted object.
#[derive(Debug)]
pub(super) enum Wrong {
    /// It is none.
    Undecodable(String),
    /// It is of another version or kind than was asked for.
    Type(String),
    /// It is another object.
    Identity(String),
    Metadata(String),
}

impl Question {
    pub(super) fn new(from: String, to: String) -> Self {
        Self {
            from,
            to,
            objects: Vec::new(),
            versions: Vec::new(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.objects.clear();
        self.versions.clear();
    }

    /// Adds an object that has no type yet.
    pub(super) fn add(&mut self, kind: &str, mut object: Value) {
        self.versions
            .push(metadata_mut(&mut object).remove("resourceVersion"));
        object["apiVersion"] = json!(self.from);
        object["kind"] = json!(kind);
        self.objects.push(object);
    }

    pub(super) fn review(&self, version: &str, uid: &str) -> Value {
        json!({
            "kind": KIND, "apiVersion": format!("{GROUP}/{version}"), "request": {
                "uid": uid, "desiredAPIVersion": self.to, "objects": self.objects,
            },
        })
    }

    /// Takes what was answered for what was asked about.
    pub(super) fn check(&self, answers: Vec<Value>) -> Result<Vec<Value>, Fault> {
        let (given, wanted) = (answers.len(), self.objects.len());
        if given != wanted {
            return Err(Fault::Count(given, wanted));
        }
        let pairs = self.objects.iter().zip(&self.versions).zip(answers);
        pairs
            .enumerate()
            .map(|(index, ((original, version), made))| {
                let mut made = self
                    .check_one(original, made)
                    .map_err(|wrong| Fault::Object(wrong, index, wanted))?;
                let version = version.clone();
                let version = version.map(|version| ("resourceVersion".to_owned(), version));
                metadata_mut(&mut made).extend(version);
                Ok(made)
            })
            .collect()
    }

    fn check_one(&self, original: &Value, mut made: Value) -> Result<Value, Wrong> {
        if !made.is_object() {
            let what = what(&made);
            let why = format!(
                "json: cannot unmarshal {what} into Go value of type map[string]interface {{}}"
            );
            return Err(Wrong::Undecodable(why));
        }
        let kind = text(&made, &["kind"]).unwrap_or_default();
        if kind.is_empty() {
            let why = format!("Object 'Kind' is missing in '{made}'");
            return Err(Wrong::Undecodable(why));
        }
        let given = text(&made, &["apiVersion"]).unwrap_or_default();
        if given != self.to {
            let wanted = &self.to;
            return Err(Wrong::Type(format!(
                "invalid groupVersion (expected {wanted}, received {given})"
            )));
        }
        if original["kind"] != *kind {
            let wanted = text(original, &["kind"]).unwrap_or_default();
            return Err(Wrong::Type(format!(
                "invalid kind (expected {wanted}, received {kind})"
            )));
        }
        for (name, shown) in [("name", "name"), ("namespace", "namespace"), ("uid", "UID")] {
            let (before, after) = (meta(original, name), meta(&made, name));
            if before != after {
                let why = format!("must have the same {shown}: {before} != {after}");
                return Err(Wrong::Identity(why));
            }
        }
        metadata::restore(original, &mut made).map_err(Wrong::Metadata)?;
        Ok(made)
    }
}

impl Fault {
    /// The whole message.
    pub(super) fn told_of(&self, subject: &str) -> String {
        match self {
            Self::Count(given, wanted) => {
                format!("{subject} returned {given} objects, expected {wanted}")
            }
            Self::Object(wrong, _, 1) => match wrong {
                Wrong::Undecodable(why) => why.clone(),
                Wrong::Type(why) => format!("{subject} returned invalid object at index 0: {why}"),
                Wrong::Identity(why) => format!("{subject} returned invalid object: {why}"),
                Wrong::Metadata(why) => format!("{subject} returned invalid metadata: {why}"),
            },
            Self::Object(wrong, index, _) => match wrong {
                Wrong::Undecodable(why) | Wrong::Type(why) | Wrong::Identity(why) => {
                    format!("{subject} returned invalid converted object at index {index}: {why}")
                }
                Wrong::Metadata(why) => {
                    format!("{subject} returned invalid metadata in object at index {index}: {why}")
                }
            },
        }
    }
}

fn what(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// The objects of an answer to the question of this uid; the error says why there are none.
pub(super) fn answers((version, uid): (&str, &str), answer: Value) -> Result<Vec<Value>, String> {
    let text_of = |value: &Value, field: &str| value[field].as_str().unwrap_or_default().to_owned();
    if version == "v1" {
        let (api_version, kind) = (text_of(&answer, "apiVersion"), text_of(&answer, "kind"));
        if api_version != format!("{GROUP}/v1") || kind != KIND {
            let given = if api_version.is_empty() {
                "/"
            } else {
                &api_version
            };
            return Err(format!(
                "expected webhook response of {GROUP}/v1, Kind={KIND}, got {given}, Kind={kind}"
            ));
        }
    }
    let mut answer = answer;
    let mut response = answer["response"].take();
    if !response.is_object() {
        return Err("no response provided".to_owned());
    }
    let given = text_of(&response, "uid");
    if version == "v1" && given != uid {
        return Err(format!("expected response.uid={uid:?}, got {given:?}"));
    }
    let result = &response["result"];
    let (status, message) = (text_of(result, "status"), text_of(result, "message"));
    if status != "Success" {
        return Err(if message.is_empty() {
            format!("response.result.status was '{status}', not 'Success'")
        } else {
            message
        });
    }
    match response["convertedObjects"].take() {
        Value::Array(objects) => Ok(objects),
        _ => Ok(Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUBJECT: &str = "conversion webhook for x.io/v1, Kind=Demo";

    fn question(names: &[&str]) -> Question {
        let mut question = Question::new("x.io/v1".to_owned(), "x.io/v2".to_owned());
        for name in names {
            let metadata = json!({"name": name, "uid": "1", "resourceVersion": "7"});
            question.add("Demo", json!({"metadata": metadata, "spec": {"size": 1}}));
        }
        question
    }

    fn made(name: &str) -> Value {
        json!({
            "apiVersion": "x.io/v2", "kind": "Demo", "spec": {"count": 1},
            "metadata": {"name": name, "uid": "1"},
        })
    }

    #[test]
    fn webhooks_are_not_told_resource_versions_which_objects_keep() {
        let question = question(&["a"]);
        let review = question.review("v1", "u");
        let asked = &review["request"];
        assert_eq!(
            asked["objects"][0]["metadata"],
            json!({"name": "a", "uid": "1"})
        );
        assert_eq!(asked["desiredAPIVersion"], "x.io/v2");
        let made = question.check(vec![made("a")]).expect("good");
        assert_eq!(made[0]["metadata"]["resourceVersion"], "7");
    }

    #[test]
    fn what_is_wrong_with_objects_is_told_like_a_real_server_does() {
        let with = |field: &str, value: Value| {
            let mut made = made("a");
            made[field] = value;
            made
        };
        let rows = [
            (
                json!(3),
                "json: cannot unmarshal number into Go value of type map[string]interface {}",
            ),
            (json!({}), "Object 'Kind' is missing in '{}'"),
            (
                with("apiVersion", json!("x.io/v1")),
                "conversion webhook for x.io/v1, Kind=Demo returned invalid object at index 0: \
                 invalid groupVersion (expected x.io/v2, received x.io/v1)",
            ),
            (
                with("kind", json!("Other")),
                "conversion webhook for x.io/v1, Kind=Demo returned invalid object at index 0: \
                 invalid kind (expected Demo, received Other)",
            ),
            (
                with("metadata", json!("x")),
                "conversion webhook for x.io/v1, Kind=Demo returned invalid object: must have the same name: a != ",
            ),
            (
                with("metadata", json!({"name": "a"})),
                "conversion webhook for x.io/v1, Kind=Demo returned invalid object: must have the same UID: 1 != ",
            ),
            (
                with(
                    "metadata",
                    json!({"name": "a", "uid": "1", "labels": {"a b": "c"}}),
                ),
                "conversion webhook for x.io/v1, Kind=Demo returned invalid metadata: metadata.labels: Invalid value: \"a b\"",
            ),
        ];
        for (made, expected) in rows {
            let fault = question(&["a"]).check(vec![made]).expect_err(expected);
            let told = fault.told_of(SUBJECT);
            assert!(told.starts_with(expected), "{told}");
        }
    }

    #[test]
    fn of_several_objects_the_wrong_one_is_named_and_none_may_be_missing() {
        let several = question(&["a", "b"]);
        let swapped = several
            .check(vec![made("b"), made("a")])
            .expect_err("swapped");
        assert_eq!(
            swapped.told_of(SUBJECT),
            "conversion webhook for x.io/v1, Kind=Demo returned invalid converted object at index 0: \
             must have the same name: a != b"
        );
        let few = several.check(vec![made("a")]).expect_err("few");
        assert_eq!(
            few.told_of(SUBJECT),
            "conversion webhook for x.io/v1, Kind=Demo returned 1 objects, expected 2"
        );
    }

    #[test]
    fn answers_must_fit_the_question() {
        let review = |response: Value| json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "ConversionReview", "response": response});
        let rows = [
            (
                json!({"response": {}}),
                "expected webhook response of apiextensions.k8s.io/v1, Kind=ConversionReview, got /, Kind=",
            ),
            (review(Value::Null), "no response provided"),
            (
                review(json!({"uid": "v"})),
                "expected response.uid=\"u\", got \"v\"",
            ),
            (
                review(json!({"uid": "u", "result": {"status": "Failure"}})),
                "response.result.status was 'Failure', not 'Success'",
            ),
            (
                review(json!({"uid": "u", "result": {"status": "Failure", "message": "no"}})),
                "no",
            ),
        ];
        for (answer, why) in rows {
            assert_eq!(answers(("v1", "u"), answer).expect_err(why), why);
        }
        let old = json!({"response": {"uid": "x", "result": {"status": "Success"}, "convertedObjects": [1]}});
        assert_eq!(answers(("v1beta1", "u"), old), Ok(vec![json!(1)]));
    }
}
