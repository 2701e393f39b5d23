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

/// One name a row: as it is written, its marker, who may ask for it, how, and its shape if that is not plain.
macro_rules! names {
    ($($text:literal $marker:literal $families:ident $example:literal $($shape:expr)?;)*) => {
        &[$(Name {
            text: $text,
            marker: $marker,
            families: $families,
            example: $example,
            shape: names!(@shape $($shape)?),
        }),*]
    };
    (@shape) => { Shape::Plain };
    (@shape $shape:expr) => { $shape };
}

/// All names there are.
pub(super) const NAMES: &[Name] = names! {
    "body" "Body" OBJECTS "body: &Body" Shape::Kind;
    "spec" "Spec" OBJECTS "spec: MySpec";
    "meta" "Meta" OBJECTS "meta: ObjectMeta";
    "status" "Status" OBJECTS "status: Option<MyStatus>";
    "name" "Name" OBJECTS "name: &str";
    "namespace" "Namespace" OBJECTS "namespace: Option<&str>" Shape::Kind;
    "uid" "Uid" OBJECTS "uid: &str";
    "labels" "Labels" OBJECTS "labels: BTreeMap<String, String>";
    "annotations" "Annotations" OBJECTS "annotations: BTreeMap<String, String>";
    "resource" "Resource" OBJECTS "resource: &Resource";
    "patch" "Patch" PATCHING "patch: &Patch";
    "reason" "Reason" CHANGING "reason: Reason";
    "old" "Old" TRANSITION "old: Option<&Value>" Shape::KindOrField("OldField");
    "new" "New" DIFFERENCE "new: Option<&Value>" Shape::KindOrField("NewField");
    "diff" "Diff" DIFFERENCE "diff: &Diff";
    "event" "Event" WATCHING "event: &RawEvent";
    "type" "EventType" WATCHING "r#type: EventType";
    "event_type" "EventType" WATCHING "event_type: EventType";
    "stopped" "Stopped" SPAWNING "stopped: Stopped";
    "live" "Live" SPAWNING "live: Live";
    "activity" "Activity" ACTIVITY "activity: Activity";
    "settings" "Settings" ACTIVITY "settings: SettingsHandle";
    "retry" "Retry" RETRIED "retry: u32";
    "started" "Started" RETRIED "started: Timestamp";
    "runtime" "Runtime" RETRIED "runtime: Duration";
    "param" "Param" EVERY "param: &T" Shape::Shared;
    "memo" "Memo" EVERY "memo: Memo<T>";
    "operation" "Operation" REVIEW "operation: Operation";
    "subresource" "Subresource" REVIEW "subresource: Option<&str>";
    "dryrun" "Dryrun" REVIEW "dryrun: bool";
    "userinfo" "Userinfo" REVIEW "userinfo: &UserInfo";
    "warnings" "Warnings" REVIEW "warnings: &Warnings";
    "headers" "Headers" REVIEW "headers: &Headers";
    "sslpeer" "Sslpeer" REVIEW "sslpeer: &SslPeer";
};
