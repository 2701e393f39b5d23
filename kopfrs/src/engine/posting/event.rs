//! What is told of an object, and how it looks as a Kubernetes Event.

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};

use super::pending::{Item, Key};
use crate::api::{Note, Severity};
use crate::object::{Body, clipped, merge};
use crate::resource::Resource;
use crate::settings::{PostingLevel, PostingSettings};
use crate::storage::Record;

/// The API takes no longer messages.
const MESSAGE_LIMIT: usize = 1024;
/// And no longer actions.
const WORD_LIMIT: usize = 128;
/// What is left for the object's name in that of an event.
const NAME_LIMIT: usize = 230;

/// What is told of an object.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Report {
    pub(super) level: PostingLevel,
    pub(super) key: Key,
    api_version: String,
    kind: String,
    namespace: Option<String>,
    name: String,
    /// What was done, in a word.
    action: String,
    message: String,
}

/// Which of both groups events are written to. They are the same objects, under other names of their fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// events.k8s.io/v1: what is repeated is a series.
    Series,
    /// The core group, for operators that may write to no other.
    Core,
}

/// What became of an attempt: how much it matters, its reason, and how it is put.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Verdict {
    pub(super) level: PostingLevel,
    reason: &'static str,
    text: &'static str,
}

impl Verdict {
    /// Cheap, as most attempts succeed and are not told of.
    pub(super) fn of(record: &Record) -> Self {
        let (level, reason, text) = match (&record.message, record.failure || record.is_misfit) {
            (None, _) => (PostingLevel::Info, "HandlerSucceeded", "succeeded"),
            (Some(_), true) => (PostingLevel::Error, "HandlerFailed", "failed for good"),
            (Some(_), false) if record.success => {
                (PostingLevel::Warning, "HandlerIgnored", "failed, ignored")
            }
            (Some(_), false) => (
                PostingLevel::Warning,
                "HandlerRetried",
                "failed, tried again",
            ),
        };
        Self {
            level,
            reason,
            text,
        }
    }
}

/// Whether an object is an event itself.
pub(super) fn is_event(object: &ObjectReference) -> bool {
    let version = object.api_version.as_deref().unwrap_or_default();
    object.kind.as_deref() == Some("Event")
        && (version == "v1" || version.starts_with("events.k8s.io/"))
}

impl Report {
    /// What an attempt of a handler says; `None` of events themselves, or they would never end.
    pub(super) fn of(
        (resource, body): (&Resource, &Body),
        handler: &str,
        (verdict, record): (Verdict, &Record),
    ) -> Option<Self> {
        if resource.plural == "events" && matches!(&*resource.group, "" | "events.k8s.io") {
            return None;
        }
        let message = match &record.message {
            Some(error) => format!("{handler} {}: {error}", verdict.text),
            None => format!("{handler} {}", verdict.text),
        };
        let key = Key {
            uid: body.uid().to_owned(),
            handler: handler.to_owned(),
            reason: verdict.reason.into(),
        };
        let report = Self::new((resource, body), (key, verdict.level), &message);
        Some(report.with_action(handler))
    }

    /// What a new phase of a lifecycle says.
    pub(super) fn of_phase(
        (resource, body): (&Resource, &Body),
        (phase, level): (&'static str, PostingLevel),
        message: Option<&str>,
    ) -> Self {
        let key = Key {
            uid: body.uid().to_owned(),
            handler: String::new(),
            reason: phase.into(),
        };
        Self::new((resource, body), (key, level), message.unwrap_or(phase))
    }

    /// What a handler tells of any object. Each text is an event of its own.
    pub(super) fn of_note(object: &ObjectReference, note: &Note) -> Self {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let (kind, namespace) = (text(&object.kind), text(&object.namespace));
        let name = format!("{kind} {namespace}/{}", text(&object.name));
        let level = match note.severity {
            Severity::Normal => PostingLevel::Info,
            Severity::Warning => PostingLevel::Warning,
        };
        Self {
            level,
            key: Key {
                uid: text(&object.uid),
                // Not all objects are there, and have a uid.
                handler: format!("{} {name} {}", note.action, note.message),
                reason: clipped(&note.reason, WORD_LIMIT).into(),
            },
            api_version: text(&object.api_version),
            kind,
            namespace: object.namespace.clone(),
            name: text(&object.name),
            action: clipped(&note.action, WORD_LIMIT),
            message: clipped(&note.message, MESSAGE_LIMIT),
        }
    }

    fn with_action(self, action: &str) -> Self {
        Self {
            action: clipped(action, WORD_LIMIT),
            ..self
        }
    }

    fn new(
        (resource, body): (&Resource, &Body),
        (key, level): (Key, PostingLevel),
        message: &str,
    ) -> Self {
        Self {
            level,
            api_version: resource.api_version(),
            kind: resource.kind.clone(),
            namespace: body.namespace().map(str::to_owned),
            name: body.name().to_owned(),
            action: key.reason.to_string(),
            key,
            message: clipped(message, MESSAGE_LIMIT),
        }
    }

    /// Where the event lives: that of cluster-scoped objects, by custom, in the default namespace.
    pub(super) fn namespace(&self) -> &str {
        self.namespace.as_deref().unwrap_or("default")
    }

    /// A name that no other event has.
    pub(super) fn event_name(&self, number: u64, now: Timestamp) -> String {
        let is_plain =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
        let plain = self.name.chars().take(NAME_LIMIT);
        let plain = plain.map(|c| c.to_ascii_lowercase());
        let plain: String = plain.map(|c| if is_plain(c) { c } else { '-' }).collect();
        let plain = plain.trim_matches(['-', '.']);
        let time = now.as_microsecond();
        format!("{plain}.{time:x}{:04x}", number & 0xffff)
    }

    /// The whole event.
    pub(super) fn event(
        &self,
        name: &str,
        item: &Item,
        (form, settings): (Form, &PostingSettings),
    ) -> Value {
        let mut object = json!({
            "apiVersion": self.api_version, "kind": self.kind, "name": self.name, "uid": self.key.uid,
        });
        if let Some(namespace) = &self.namespace {
            object["namespace"] = json!(namespace);
        }
        let severity = if self.level == PostingLevel::Info {
            "Normal"
        } else {
            "Warning"
        };
        let component = &settings.reporting_component;
        let instance = Some(&settings.reporting_instance).filter(|name| !name.is_empty());
        if form == Form::Series {
            let mut event = json!({
                "apiVersion": "events.k8s.io/v1",
                "kind": "Event",
                "metadata": {"name": name, "namespace": self.namespace()},
                "regarding": object,
                "type": severity,
                "reason": self.key.reason,
                "action": self.action,
                "note": self.message,
                "eventTime": micro_time(item.first),
                "reportingController": component,
                "reportingInstance": instance.unwrap_or(component),
            });
            if item.count > 1 {
                merge::apply(&mut event, &self.repeated(item, form));
            }
            return event;
        }
        json!({
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": self.namespace()},
            "involvedObject": object,
            "type": severity,
            "reason": self.key.reason,
            "message": self.message,
            "count": item.count,
            "firstTimestamp": time(item.first),
            "lastTimestamp": time(item.last),
            "source": {"component": settings.reporting_component},
            "reportingComponent": settings.reporting_component,
            "reportingInstance": settings.reporting_instance,
        })
    }

    /// What changes in an event when it is repeated.
    pub(super) fn repeated(&self, item: &Item, form: Form) -> Value {
        match form {
            Form::Series => {
                json!({"series": {"count": item.count, "lastObservedTime": micro_time(item.last)}})
            }
            Form::Core => {
                json!({"count": item.count, "lastTimestamp": time(item.last), "message": self.message})
            }
        }
    }
}

fn time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn micro_time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cause::Reason;

    fn report(resource: &Resource, name: &str, record: &Record) -> Option<Report> {
        let body = Body::new(json!({"metadata": {"name": name, "uid": "u"}}));
        Report::of((resource, &body), "create", (Verdict::of(record), record))
    }

    fn record() -> Record {
        Record::new(Reason::Create, "2020-01-01T00:00:00Z".parse().unwrap())
    }

    #[test]
    fn each_outcome_has_a_level_and_a_reason() {
        let with = |message: Option<&str>, failure, success| Record {
            message: message.map(str::to_owned),
            failure,
            success,
            ..record()
        };
        for (record, level, reason) in [
            (
                with(None, false, true),
                PostingLevel::Info,
                "HandlerSucceeded",
            ),
            (
                with(Some("x"), false, false),
                PostingLevel::Warning,
                "HandlerRetried",
            ),
            (
                with(Some("x"), false, true),
                PostingLevel::Warning,
                "HandlerIgnored",
            ),
            (
                with(Some("x"), true, false),
                PostingLevel::Error,
                "HandlerFailed",
            ),
        ] {
            let report = report(&Resource::default(), "a", &record).unwrap();
            assert_eq!((report.level, &*report.key.reason), (level, reason));
        }
    }

    #[test]
    fn nothing_is_told_of_events() {
        for group in ["", "events.k8s.io"] {
            let events = Resource {
                group: group.into(),
                plural: "events".into(),
                ..Resource::default()
            };
            assert_eq!(report(&events, "a", &record()), None);
        }
    }

    #[test]
    fn names_of_events_are_names_whatever_the_object_is_called() {
        let now = "2020-01-01T00:00:00Z".parse().unwrap();
        let name = |name: &str| {
            let report = report(&Resource::default(), name, &record()).unwrap();
            report.event_name(7, now)
        };
        assert!(name("system:node").starts_with("system-node."));
        assert!(name(&"x".repeat(253)).len() <= 253);
        assert!(name(&format!("{}.x", "x".repeat(229))).starts_with(&"x".repeat(229)));
        assert_ne!(name("a"), {
            let report = report(&Resource::default(), "a", &record()).unwrap();
            report.event_name(8, now)
        });
    }
}
