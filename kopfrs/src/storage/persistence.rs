//! What a user may say about where state is kept.

use std::fmt;

use serde_json::Value;

/// Where state is kept on objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In annotations: works with every kind.
    Annotations,
    /// In `status.handling`: needs no request of its own where results go to the status anyway.
    Status,
    /// In annotations, as Kopf keeps it.
    Kopf,
}

/// What is kept of the essence that was handled last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keep {
    /// All of it: handlers see old values.
    #[default]
    Essence,
    /// A digest: handlers see that something has changed, but not what (`old` is `None`).
    Digest,
}

/// How the operator remembers on an object what it has handled.
///
/// Operators that serve the same kind need prefixes and finalizers of their own.
///
/// # Examples
/// ```
/// use kopfrs::storage::Persistence;
///
/// let own = Persistence::new("demo.example.com");
/// assert_eq!(own.finalizer(), "demo.example.com/finalizer");
/// let python = Persistence::kopf(); // continue where a Kopf operator stopped
/// assert_eq!(python.finalizer(), "kopf.zalando.org/KopfFinalizerMarker");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Persistence {
    prefix: String,
    finalizer: String,
    place: Option<Place>,
    keep: Keep,
}

/// Which of the fields that we write into a status the schema of a kind keeps. All of them are pruned where nothing is
/// known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "one fact a field")]
pub(crate) struct StatusSchema {
    pub(crate) handling: bool,
    pub(crate) phase: bool,
    pub(crate) message: bool,
    pub(crate) payload: bool,
    pub(crate) observed_generation: bool,
    pub(crate) conditions: bool,
}

impl Persistence {
    /// Keeps state under this prefix, a DNS name of the operator's own; its finalizer is
    /// `<prefix>/finalizer`.
    pub fn new(prefix: impl Into<String>) -> Self {
        let prefix = prefix.into();
        let finalizer = format!("{prefix}/finalizer");
        Self {
            prefix,
            finalizer,
            place: None,
            keep: Keep::default(),
        }
    }

    /// Keeps state exactly as Kopf does by default, to take over its objects or to hand them back.
    pub fn kopf() -> Self {
        Self {
            prefix: "kopf.zalando.org".to_owned(),
            finalizer: "kopf.zalando.org/KopfFinalizerMarker".to_owned(),
            place: Some(Place::Kopf),
            keep: Keep::Essence,
        }
    }

    /// Sets another finalizer.
    pub fn with_finalizer(mut self, finalizer: impl Into<String>) -> Self {
        self.finalizer = finalizer.into();
        self
    }

    /// Sets the place. By default it is the cheapest that the kind offers.
    pub fn with_place(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    /// Sets what is kept of the essence.
    pub fn with_keep(mut self, keep: Keep) -> Self {
        self.keep = keep;
        self
    }

    /// The prefix of annotations, and the key in `status.handling`.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The finalizer.
    pub fn finalizer(&self) -> &str {
        &self.finalizer
    }

    /// What is kept of the essence.
    pub fn keep(&self) -> Keep {
        self.keep
    }

    /// The place for a kind: as asked for, else the status where it has an endpoint of its own and
    /// stores what we put there, else annotations (one patch holds everything then).
    pub(crate) fn place(&self, has_status_subresource: bool, schema: StatusSchema) -> Place {
        match self.place {
            Some(place) => place,
            None if has_status_subresource && schema.handling => Place::Status,
            None => Place::Annotations,
        }
    }
}

impl Default for Persistence {
    fn default() -> Self {
        Self::new("kopfrs.dev")
    }
}

impl StatusSchema {
    /// Reads the schema of one version of a CustomResourceDefinition.
    pub(crate) fn of(crd: &Value, version: &str) -> Self {
        let mut versions = crd["spec"]["versions"].as_array().into_iter().flatten();
        let Some(version) = versions.find(|v| v["name"] == version) else {
            return Self::default();
        };
        let object = &version["schema"]["openAPIV3Schema"];
        let status = &object["properties"]["status"];
        let preserves = |schema: &Value| schema["x-kubernetes-preserve-unknown-fields"] == true;
        let field = |name: &str| &status["properties"][name];
        // What is not declared is kept where unknown fields are.
        let is_kept = |name: &str| match (status.is_null(), field(name).is_null()) {
            (true, _) => preserves(object),
            (false, true) => preserves(status),
            (false, false) => true,
        };
        let is_of = |name: &str, wanted: &str| {
            let declared = field(name)["type"].as_str();
            let is_free = field(name)["enum"].is_null();
            is_kept(name) && is_free && declared.is_none_or(|declared| declared == wanted)
        };
        // A property that is declared but prunes its content keeps nothing of ours.
        let is_open =
            |name: &str| is_kept(name) && (field(name).is_null() || preserves(field(name)));
        Self {
            handling: is_open("handling"),
            phase: is_of("phase", "string"),
            message: is_of("message", "string"),
            payload: is_open("payload"),
            observed_generation: is_of("observedGeneration", "integer"),
            conditions: is_of("conditions", "array"),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Annotations => "annotations",
            Self::Status => "the status",
            Self::Kopf => "Kopf's annotations",
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_status_is_used_where_the_schema_keeps_it() {
        let keep = json!({"x-kubernetes-preserve-unknown-fields": true});
        let text = json!({"type": "string"});
        let rows = [
            (json!({"properties": {"status": keep}}), "hpmPgc"),
            (
                json!({"properties": {"status": {"properties": {"handling": keep}}}}),
                "h",
            ),
            (json!({"properties": {"status": {"type": "object"}}}), ""),
            (
                json!({"properties": {"status": {"properties": {"handling": {"type": "object"}}}}}),
                "",
            ),
            (json!({"properties": {"spec": {}}}), ""),
            (keep.clone(), "hpmPgc"),
            (
                json!({"properties": {"status": {"properties": {
                    "phase": text, "message": text, "payload": keep,
                    "observedGeneration": {"type": "integer"}, "conditions": {"type": "array"},
                }}}}),
                "pmPgc",
            ),
            (
                json!({"properties": {"status": {"properties": {
                    "phase": {"type": "string", "enum": ["On", "Off"]}, "payload": text, "conditions": {"type": "object"},
                }}}}),
                "",
            ),
        ];
        for (schema, expected) in rows {
            let crd = json!({"spec": {"versions": [{"name": "v1", "schema": {"openAPIV3Schema": schema}}]}});
            let kept = StatusSchema::of(&crd, "v1");
            let letters = [
                (kept.handling, 'h'),
                (kept.phase, 'p'),
                (kept.message, 'm'),
                (kept.payload, 'P'),
                (kept.observed_generation, 'g'),
                (kept.conditions, 'c'),
            ];
            let letters = letters.into_iter().filter(|(is_kept, _)| *is_kept);
            let found: String = letters.map(|(_, letter)| letter).collect();
            assert_eq!(found, expected, "{crd}");
            assert_eq!(StatusSchema::of(&crd, "v2"), StatusSchema::default());
        }
    }

    #[test]
    fn the_cheapest_place_is_chosen() {
        let auto = Persistence::default();
        let keeps = StatusSchema {
            handling: true,
            ..StatusSchema::default()
        };
        assert_eq!(auto.place(true, keeps), Place::Status);
        assert_eq!(
            auto.place(true, StatusSchema::default()),
            Place::Annotations
        );
        assert_eq!(auto.place(false, keeps), Place::Annotations);
        assert_eq!(Persistence::kopf().place(true, keeps), Place::Kopf);
    }
}
