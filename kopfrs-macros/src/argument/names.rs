//! The table of names: which there are, in which families, and how each is written.

use crate::kind::Family;

/// One name of arguments.
pub(super) struct Name {
    pub(super) text: &'static str,
    /// The type that stands for it in `kopfrs::extract::names`.
    pub(super) marker: &'static str,
    pub(super) families: &'static [Family],
    /// How to write it.
    pub(super) example: &'static str,
    pub(super) shape: Shape,
}

/// What a name's type is generic over.
pub(super) enum Shape {
    Plain,
    /// The selector's type.
    Kind,
    /// The selector's type; with `field = …` nothing, under this other marker.
    KindOrField(&'static str),
    /// A reference is taken from where the value is; anything else is a copy of it.
    Shared,
}

const OBJECTS: &[Family] = &[
    Family::Indexing,
    Family::Watching,
    Family::Changing,
    Family::Spawning,
    Family::Validating,
    Family::Mutating,
];
/// Those whose patch is sent.
const PATCHING: &[Family] = &[
    Family::Watching,
    Family::Changing,
    Family::Spawning,
    Family::Mutating,
];
const CHANGING: &[Family] = &[Family::Changing];
const TRANSITION: &[Family] = &[
    Family::Changing,
    Family::Validating,
    Family::Mutating,
    Family::Conversion,
];
const DIFFERENCE: &[Family] = &[Family::Changing, Family::Validating, Family::Mutating];
const REVIEW: &[Family] = &[Family::Validating, Family::Mutating];
const WATCHING: &[Family] = &[Family::Watching];
const ACTIVITY: &[Family] = &[Family::Activity];
const SPAWNING: &[Family] = &[Family::Spawning];
const RETRIED: &[Family] = &[
    Family::Activity,
    Family::Indexing,
    Family::Changing,
    Family::Spawning,
    Family::Validating,
    Family::Mutating,
];
const EVERY: &[Family] = &[
    Family::Activity,
    Family::Indexing,
    Family::Watching,
    Family::Changing,
    Family::Spawning,
    Family::Validating,
    Family::Mutating,
    Family::Conversion,
];

const fn name(
    text: &'static str,
    marker: &'static str,
    families: &'static [Family],
    example: &'static str,
    shape: Shape,
) -> Name {
    Name {
        text,
        marker,
        families,
        example,
        shape,
    }
}

/// All names there are.
pub(super) const NAMES: &[Name] = &[
    name("body", "Body", OBJECTS, "body: &Body", Shape::Kind),
    name("spec", "Spec", OBJECTS, "spec: MySpec", Shape::Plain),
    name("meta", "Meta", OBJECTS, "meta: ObjectMeta", Shape::Plain),
    name(
        "status",
        "Status",
        OBJECTS,
        "status: Option<MyStatus>",
        Shape::Plain,
    ),
    name("name", "Name", OBJECTS, "name: &str", Shape::Plain),
    name(
        "namespace",
        "Namespace",
        OBJECTS,
        "namespace: Option<&str>",
        Shape::Kind,
    ),
    name("uid", "Uid", OBJECTS, "uid: &str", Shape::Plain),
    name(
        "labels",
        "Labels",
        OBJECTS,
        "labels: BTreeMap<String, String>",
        Shape::Plain,
    ),
    name(
        "annotations",
        "Annotations",
        OBJECTS,
        "annotations: BTreeMap<String, String>",
        Shape::Plain,
    ),
    name(
        "resource",
        "Resource",
        OBJECTS,
        "resource: &Resource",
        Shape::Plain,
    ),
    name("patch", "Patch", PATCHING, "patch: &Patch", Shape::Plain),
    name("reason", "Reason", CHANGING, "reason: Reason", Shape::Plain),
    name(
        "old",
        "Old",
        TRANSITION,
        "old: Option<&Value>",
        Shape::KindOrField("OldField"),
    ),
    name(
        "new",
        "New",
        DIFFERENCE,
        "new: Option<&Value>",
        Shape::KindOrField("NewField"),
    ),
    name("diff", "Diff", DIFFERENCE, "diff: &Diff", Shape::Plain),
    name("event", "Event", WATCHING, "event: &RawEvent", Shape::Plain),
    name(
        "type",
        "EventType",
        WATCHING,
        "r#type: EventType",
        Shape::Plain,
    ),
    name(
        "event_type",
        "EventType",
        WATCHING,
        "event_type: EventType",
        Shape::Plain,
    ),
    name(
        "stopped",
        "Stopped",
        SPAWNING,
        "stopped: Stopped",
        Shape::Plain,
    ),
    name("live", "Live", SPAWNING, "live: Live", Shape::Plain),
    name(
        "activity",
        "Activity",
        ACTIVITY,
        "activity: Activity",
        Shape::Plain,
    ),
    name(
        "settings",
        "Settings",
        ACTIVITY,
        "settings: SettingsHandle",
        Shape::Plain,
    ),
    name("retry", "Retry", RETRIED, "retry: u32", Shape::Plain),
    name(
        "started",
        "Started",
        RETRIED,
        "started: Timestamp",
        Shape::Plain,
    ),
    name(
        "runtime",
        "Runtime",
        RETRIED,
        "runtime: Duration",
        Shape::Plain,
    ),
    name("param", "Param", EVERY, "param: &T", Shape::Shared),
    name("memo", "Memo", EVERY, "memo: Memo<T>", Shape::Plain),
    name(
        "operation",
        "Operation",
        REVIEW,
        "operation: Operation",
        Shape::Plain,
    ),
    name(
        "subresource",
        "Subresource",
        REVIEW,
        "subresource: Option<&str>",
        Shape::Plain,
    ),
    name("dryrun", "Dryrun", REVIEW, "dryrun: bool", Shape::Plain),
    name(
        "userinfo",
        "Userinfo",
        REVIEW,
        "userinfo: &UserInfo",
        Shape::Plain,
    ),
    name(
        "warnings",
        "Warnings",
        REVIEW,
        "warnings: &Warnings",
        Shape::Plain,
    ),
    name(
        "headers",
        "Headers",
        REVIEW,
        "headers: &Headers",
        Shape::Plain,
    ),
    name(
        "sslpeer",
        "Sslpeer",
        REVIEW,
        "sslpeer: &SslPeer",
        Shape::Plain,
    ),
];
