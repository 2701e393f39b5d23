//! Names of arguments as types; the attributes write them, users do not.

/// Names under which everything is welcome that is known by its type.
pub trait Extractable {}

/// Names under which `Arc<K>` is the current object. Not those of its parts and states: there it
/// would look like the part, and silently be the whole.
pub trait NamesObject: Extractable {}

/// Names that are known: those of functions under attributes.
pub trait Known {}

/// The arguments of closures: nobody knows their names.
#[derive(Debug)]
pub enum Nameless {}

impl Extractable for Nameless {}
impl NamesObject for Nameless {}

macro_rules! declare {
    ($($name:ident $text:literal: $($mark:ident)*;)*) => {$(
        #[doc = concat!("`", $text, "`")]
        #[derive(Debug)]
        pub enum $name {}
        impl Known for $name {}
        $(impl $mark for $name {})*
    )*};
}

macro_rules! declare_of_kind {
    ($($name:ident $text:literal: $($mark:ident)*;)*) => {$(
        #[doc = concat!("`", $text, "` in handlers of the kind `K`")]
        #[derive(Debug)]
        pub struct $name<K>(std::marker::PhantomData<K>);
        impl<K> Known for $name<K> {}
        $(impl<K> $mark for $name<K> {})*
    )*};
}

declare! {
    Spec "spec": Extractable;
    Meta "meta": Extractable;
    Status "status": Extractable;
    Name "name": Extractable NamesObject;
    Uid "uid": Extractable NamesObject;
    Labels "labels": Extractable;
    Annotations "annotations": Extractable;
    Resource "resource": Extractable NamesObject;
    Patch "patch": Extractable NamesObject;
    Reason "reason": Extractable NamesObject;
    OldField "old": Extractable;
    NewField "new": Extractable;
    Diff "diff": Extractable NamesObject;
    Event "event": Extractable NamesObject;
    Stopped "stopped": Extractable NamesObject;
    Live "live": Extractable NamesObject;
    EventType "type": Extractable NamesObject;
    Activity "activity": Extractable NamesObject;
    Settings "settings": Extractable NamesObject;
    Retry "retry": Extractable NamesObject;
    Started "started": Extractable NamesObject;
    Runtime "runtime": Extractable NamesObject;
    Param "param": ;
    ParamRef "param": ;
    ParamStr "param": ;
    Memo "memo": Extractable;
    Operation "operation": Extractable NamesObject;
    Subresource "subresource": Extractable NamesObject;
    Dryrun "dryrun": Extractable NamesObject;
    Userinfo "userinfo": Extractable NamesObject;
    Warnings "warnings": Extractable NamesObject;
    Headers "headers": Extractable NamesObject;
    Sslpeer "sslpeer": Extractable NamesObject;
    Original "old": Extractable;
    Unknown "any other name": Extractable NamesObject;
    Section "a part or a state of the object, in handlers that have none": Extractable;
}

declare_of_kind! {
    Body "body": Extractable NamesObject;
    Namespace "namespace": Extractable NamesObject;
    Old "old": Extractable;
    New "new": Extractable;
}
