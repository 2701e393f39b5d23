//! Questions the attributes ask about arguments: one trait each, for the sake of its message.
//!
//! Each is implemented for exactly what [`FromArg`] is implemented for; a single implementation, not
//! to be recommended, lets the compiler say nothing but our message.

use std::sync::Arc;

use super::{ArgError, Argument, FromArg};
use crate::handler::{Family, Invocation};

/// One question a row: the trait, its message, and its label.
macro_rules! questions {
    ($($question:ident $message:literal $label:literal $($note:literal)*;)*) => {$(
        #[diagnostic::on_unimplemented(message = $message, label = $label, $(note = $note),*)]
        #[doc = $message]
        pub trait $question<'a, C: Family, N, M>: Sized {
            /// Makes the argument.
            ///
            /// # Errors
            /// If it cannot be made of this object.
            fn from_arg(
                invocation: &'a Arc<Invocation<C>>,
                argument: &Argument,
            ) -> Result<Self, ArgError>;
        }

        #[diagnostic::do_not_recommend]
        impl<'a, C: Family, N, M, T: FromArg<'a, C, N, M>> $question<'a, C, N, M> for T {
            fn from_arg(
                invocation: &'a Arc<Invocation<C>>,
                argument: &Argument,
            ) -> Result<Self, ArgError> {
                <T as FromArg<'a, C, N, M>>::from_arg(invocation, argument)
            }
        }
    )*};
}

questions! {
    ByType
        "`{Self}` is not an argument of handlers with `{C}`"
        "neither known by its type in these handlers, nor by its name"
        "known by type in handlers of changes: `&Body`, `&Patch`, `&Diff`, `Reason`, `&Resource`, `Attempt`, `Arc<K>`, `Client`, `State<T>`, `Memo<T>`"
        "known by type in daemons and timers: `Stopped`, `Live`, `&Body`, `&Patch`, `&Resource`, `Attempt`, `Arc<K>`, `Client`, `State<T>`, `Memo<T>`"
        "known by type in handlers of events: `&Body`, `&Patch`, `&RawEvent`, `EventType`, `&Resource`, `Arc<K>`, `Client`, `State<T>`, `Memo<T>`"
        "known by type in handlers of reviews: `&Body`, `&Patch`, `&Diff`, `Operation`, `&Warnings`, `&UserInfo`, `&Headers`, `&SslPeer`, `&Resource`, `Attempt`, `Arc<K>`, `Client`, `State<T>`, `Memo<T>`"
        "known by type in activities: `SettingsHandle`, `Activity`, `Attempt`, `Client`, `State<T>`, `Memo<T>`"
        "known by type in all handlers: `Index<K, V>`, the index of the argument's name"
        "anything else is known by its name: `spec: MySpec`, `name: &str`, `old: MySpec`, `retry: u32`; types of your own implement `kopfrs::extract::Extract`";
    Body
        "`{Self}` cannot be the argument `body`"
        "write `body: &Body`, `body: &Value`, or the type in the attribute";
    Spec
        "`{Self}` cannot be the argument `spec`"
        "write any type that is `DeserializeOwned`, `&Value`, or an `Option` of either";
    Meta
        "`{Self}` cannot be the argument `meta`"
        "write `meta: ObjectMeta` or `meta: &Value`";
    Status
        "`{Self}` cannot be the argument `status`"
        "write any type that is `DeserializeOwned`, `&Value`, or an `Option` of either";
    Name
        "`{Self}` cannot be the argument `name`"
        "write `name: &str` or `name: String`";
    Namespace
        "`{Self}` cannot be the argument `namespace`"
        "write `Option<&str>` or `Option<String>`; `&str` and `String` are for types whose objects all live in namespaces";
    Uid
        "`{Self}` cannot be the argument `uid`"
        "write `uid: &str` or `uid: String`";
    Labels
        "`{Self}` cannot be the argument `labels`"
        "write `labels: BTreeMap<String, String>` or `labels: &Value`";
    Annotations
        "`{Self}` cannot be the argument `annotations`"
        "write `annotations: BTreeMap<String, String>` or `annotations: &Value`";
    Resource
        "`{Self}` cannot be the argument `resource`"
        "write `resource: &Resource`";
    Patch
        "`{Self}` cannot be the argument `patch`"
        "write `patch: &Patch` or `patch: Patch`";
    Reason
        "`{Self}` cannot be the argument `reason`"
        "write `reason: Reason`";
    Old
        "`{Self}` cannot be the argument `old`"
        "write the type in the attribute, its spec (`kube::core::object::HasSpec`), `&Value`, or an `Option` of these";
    New
        "`{Self}` cannot be the argument `new`"
        "write the type in the attribute, its spec (`kube::core::object::HasSpec`), `&Value`, or an `Option` of these";
    OldField
        "`{Self}` cannot be the argument `old`"
        "write any type that is `DeserializeOwned` and fits the field, `&Value`, or an `Option` of either";
    NewField
        "`{Self}` cannot be the argument `new`"
        "write any type that is `DeserializeOwned` and fits the field, `&Value`, or an `Option` of either";
    Diff
        "`{Self}` cannot be the argument `diff`"
        "write `diff: &Diff` or `diff: Diff`";
    Event
        "`{Self}` cannot be the argument `event`"
        "write `event: &RawEvent` or `event: RawEvent`";
    EventType
        "`{Self}` cannot be the argument `type`"
        "write `r#type: EventType` or `event_type: EventType`";
    Stopped
        "`{Self}` cannot be the argument `stopped`"
        "write `stopped: Stopped` or `stopped: &Stopped`";
    Live
        "`{Self}` cannot be the argument `live`"
        "write `live: Live` or `live: &Live`";
    Activity
        "`{Self}` cannot be the argument `activity`"
        "write `activity: Activity`";
    Settings
        "`{Self}` cannot be the argument `settings`"
        "write `settings: SettingsHandle`";
    Retry
        "`{Self}` cannot be the argument `retry`"
        "write `retry: u32`";
    Started
        "`{Self}` cannot be the argument `started`"
        "write `started: Timestamp`";
    Runtime
        "`{Self}` cannot be the argument `runtime`"
        "write `runtime: Duration`";
    Param
        "`{Self}` cannot be the argument `param`"
        "write `param: &T`, or `param: T` where `T: Clone`";
    ParamRef
        "`{Self}` cannot be the argument `param`"
        "write `param: &T`, or `param: T` where `T: Clone`";
    ParamStr
        "`{Self}` cannot be the argument `param`"
        "write `param: &T`, or `param: T` where `T: Clone`";
    Memo
        "`{Self}` cannot be the argument `memo`"
        "write `memo: Memo<T>`, where `T: Default + Send`";
    Operation
        "`{Self}` cannot be the argument `operation`"
        "write `operation: Operation`";
    Subresource
        "`{Self}` cannot be the argument `subresource`"
        "write `subresource: Option<&str>`";
    Dryrun
        "`{Self}` cannot be the argument `dryrun`"
        "write `dryrun: bool`";
    Userinfo
        "`{Self}` cannot be the argument `userinfo`"
        "write `userinfo: &UserInfo`";
    Warnings
        "`{Self}` cannot be the argument `warnings`"
        "write `warnings: &Warnings`";
    Headers
        "`{Self}` cannot be the argument `headers`"
        "write `headers: &Headers`";
    Sslpeer
        "`{Self}` cannot be the argument `sslpeer`"
        "write `sslpeer: &SslPeer`";
    Original
        "`{Self}` cannot be the argument `old`"
        "write any type that is `DeserializeOwned` and fits the version of `from`, or `&Value`";
}

/// Of arguments whose names are nearly known.
pub mod near {
    use super::{Arc, ArgError, Argument, Family, FromArg, Invocation};

    questions! {
        Body
            "`{Self}` is not known by its type, and there is no argument of this name"
            "did you mean `body`?";
        Spec
            "`{Self}` is not known by its type, and there is no argument of this name"
            "did you mean `spec`?";
        Meta
            "`{Self}` is not known by its type, and there is no argument of this name"
            "did you mean `meta`?";
        Status
            "`{Self}` is not known by its type, and there is no argument of this name"
            "did you mean `status`?";
        Name
            "`{Self}` is not known by its type, and there is no argument of this name"
            "did you mean `name`?";
        Namespace
            "`{Self}` is not known by its type, and there is no argument of this name"
            "did you mean `namespace`?";
        Uid
            "`{Self}` is not known by its type, and there is no argument of this name"
            "did you mean `uid`?";
        Labels
            "`{Self}` is not known by its type, and there is no argument of this name"
            "did you mean `labels`?";
        Annotations
            "`{Self}` is not known by its type, and there is no argument of this name"
            "did you mean `annotations`?";
        Resource
            "`{Self}` is not known by its type, and there is no argument of this name"
            "did you mean `resource`?";
        Patch
            "`{Self}` is not known by its type, and there is no argument of this name"
            "did you mean `patch`?";
        Reason
            "`{Self}` is not known by its type, and there is no argument of this name"
            "did you mean `reason`?";
        Old
            "`{Self}` is not known by its type, and there is no argument of this name"
            "did you mean `old`?";
        New
            "`{Self}` is not known by its type, and there is no argument of this name"
            "did you mean `new`?";
        Diff
            "`{Self}` is not known by its type, and there is no argument of this name"
            "did you mean `diff`?";
        Event
            "`{Self}` is not known by its type, and there is no argument of this name"
            "did you mean `event`?";
        EventType
            "`{Self}` is not known by its type, and there is no argument of this name"
            "did you mean `type`?";
        Stopped
            "`{Self}` is not known by its type, and there is no argument of this name"
            "did you mean `stopped`?";
        Live
            "`{Self}` is not known by its type, and there is no argument of this name"
            "did you mean `live`?";
        Activity
            "`{Self}` is not known by its type, and there is no argument of this name"
            "did you mean `activity`?";
        Settings
            "`{Self}` is not known by its type, and there is no argument of this name"
            "did you mean `settings`?";
        Retry
            "`{Self}` is not known by its type, and there is no argument of this name"
            "did you mean `retry`?";
        Started
            "`{Self}` is not known by its type, and there is no argument of this name"
            "did you mean `started`?";
        Runtime
            "`{Self}` is not known by its type, and there is no argument of this name"
            "did you mean `runtime`?";
        Param
            "`{Self}` is not known by its type, and there is no argument of this name"
            "did you mean `param`?";
        Memo
            "`{Self}` is not known by its type, and there is no argument of this name"
            "did you mean `memo`?";
        Operation
            "`{Self}` is not known by its type, and there is no argument of this name"
            "did you mean `operation`?";
        Subresource
            "`{Self}` is not known by its type, and there is no argument of this name"
            "did you mean `subresource`?";
        Dryrun
            "`{Self}` is not known by its type, and there is no argument of this name"
            "did you mean `dryrun`?";
        Userinfo
            "`{Self}` is not known by its type, and there is no argument of this name"
            "did you mean `userinfo`?";
        Warnings
            "`{Self}` is not known by its type, and there is no argument of this name"
            "did you mean `warnings`?";
        Headers
            "`{Self}` is not known by its type, and there is no argument of this name"
            "did you mean `headers`?";
        Sslpeer
            "`{Self}` is not known by its type, and there is no argument of this name"
            "did you mean `sslpeer`?";
        Original
            "`{Self}` is not known by its type, and there is no argument of this name"
            "did you mean `old`?";
    }
}

/// Of arguments that handlers of other kinds have.
pub mod elsewhere {
    use super::{Arc, ArgError, Argument, Family, FromArg, Invocation};

    questions! {
        Body
            "`{Self}` is not known by its type, and handlers with `{C}` have no argument `body`"
            "`body` exists in handlers of objects";
        Spec
            "`{Self}` is not known by its type, and handlers with `{C}` have no argument `spec`"
            "`spec` exists in handlers of objects";
        Meta
            "`{Self}` is not known by its type, and handlers with `{C}` have no argument `meta`"
            "`meta` exists in handlers of objects";
        Status
            "`{Self}` is not known by its type, and handlers with `{C}` have no argument `status`"
            "`status` exists in handlers of objects";
        Name
            "`{Self}` is not known by its type, and handlers with `{C}` have no argument `name`"
            "`name` exists in handlers of objects";
        Namespace
            "`{Self}` is not known by its type, and handlers with `{C}` have no argument `namespace`"
            "`namespace` exists in handlers of objects";
        Uid
            "`{Self}` is not known by its type, and handlers with `{C}` have no argument `uid`"
            "`uid` exists in handlers of objects";
        Labels
            "`{Self}` is not known by its type, and handlers with `{C}` have no argument `labels`"
            "`labels` exists in handlers of objects";
        Annotations
            "`{Self}` is not known by its type, and handlers with `{C}` have no argument `annotations`"
            "`annotations` exists in handlers of objects";
        Resource
            "`{Self}` is not known by its type, and handlers with `{C}` have no argument `resource`"
            "`resource` exists in handlers of objects";
        Patch
            "`{Self}` is not known by its type, and handlers with `{C}` have no argument `patch`"
            "`patch` exists in handlers of objects";
        Reason
            "`{Self}` is not known by its type, and handlers with `{C}` have no argument `reason`"
            "`reason` exists in handlers of changes";
        Old
            "`{Self}` is not known by its type, and handlers with `{C}` have no argument `old`"
            "`old` exists in handlers of changes and of reviews";
        New
            "`{Self}` is not known by its type, and handlers with `{C}` have no argument `new`"
            "`new` exists in handlers of changes and of reviews";
        Diff
            "`{Self}` is not known by its type, and handlers with `{C}` have no argument `diff`"
            "`diff` exists in handlers of changes and of reviews";
        Event
            "`{Self}` is not known by its type, and handlers with `{C}` have no argument `event`"
            "`event` exists in `on::event`";
        EventType
            "`{Self}` is not known by its type, and handlers with `{C}` have no argument `type`"
            "`type` exists in `on::event`";
        Stopped
            "`{Self}` is not known by its type, and handlers with `{C}` have no argument `stopped`"
            "`stopped` exists in daemons and timers";
        Live
            "`{Self}` is not known by its type, and handlers with `{C}` have no argument `live`"
            "`live` exists in daemons and timers";
        Activity
            "`{Self}` is not known by its type, and handlers with `{C}` have no argument `activity`"
            "`activity` exists in activities";
        Settings
            "`{Self}` is not known by its type, and handlers with `{C}` have no argument `settings`"
            "`settings` exists in activities";
        Retry
            "`{Self}` is not known by its type, and handlers with `{C}` have no argument `retry`"
            "`retry` exists in handlers of changes, daemons, timers, and activities";
        Started
            "`{Self}` is not known by its type, and handlers with `{C}` have no argument `started`"
            "`started` exists in handlers of changes, daemons, timers, and activities";
        Runtime
            "`{Self}` is not known by its type, and handlers with `{C}` have no argument `runtime`"
            "`runtime` exists in handlers of changes, daemons, timers, and activities";
        Operation
            "`{Self}` is not known by its type, and handlers with `{C}` have no argument `operation`"
            "`operation` exists in handlers of reviews";
        Subresource
            "`{Self}` is not known by its type, and handlers with `{C}` have no argument `subresource`"
            "`subresource` exists in handlers of reviews";
        Dryrun
            "`{Self}` is not known by its type, and handlers with `{C}` have no argument `dryrun`"
            "`dryrun` exists in handlers of reviews";
        Userinfo
            "`{Self}` is not known by its type, and handlers with `{C}` have no argument `userinfo`"
            "`userinfo` exists in handlers of reviews";
        Warnings
            "`{Self}` is not known by its type, and handlers with `{C}` have no argument `warnings`"
            "`warnings` exists in handlers of reviews";
        Headers
            "`{Self}` is not known by its type, and handlers with `{C}` have no argument `headers`"
            "`headers` exists in handlers of reviews";
        Sslpeer
            "`{Self}` is not known by its type, and handlers with `{C}` have no argument `sslpeer`"
            "`sslpeer` exists in handlers of reviews";
    }
}
