//! What is known by its type, under any name.

use std::sync::Arc;

use super::{ArgError, Argument, Extract};
use crate::cause::{
    Activity, ActivityCause, AdmissionCause, ChangingCause, ConversionCause, EventType, Headers,
    IndexingCause, Live, ObjectCause, Operation, RawEvent, Reason, SpawningCause, SslPeer, Stopped,
    UserInfo, Warnings, WatchingCause,
};
use crate::handler::{Attempt, Family, Invocation};
use crate::object::{Body, Diff, Patch};
use crate::resource::Resource;
use crate::settings::SettingsHandle;

/// Causes whose handlers are tried several times.
pub trait Attempted {}

impl Attempted for ActivityCause {}
impl Attempted for ChangingCause {}
impl Attempted for SpawningCause {}
impl Attempted for IndexingCause {}
impl Attempted for AdmissionCause {}

/// `type, causes => |invocation| …`, one a row.
macro_rules! extractors {
    ($($type:ty, $family:path => |$invocation:ident| $make:expr;)*) => {$(
        impl<'a, C: Family + $family> Extract<'a, C> for $type {
            fn extract(
                $invocation: &'a Arc<Invocation<C>>,
                _: &Argument,
            ) -> Result<Self, ArgError> {
                Ok($make)
            }
        }
    )*};
}

/// The same for one family alone, which the compiler can name in its messages.
macro_rules! extractors_of {
    ($($type:ty, $cause:ty => |$invocation:ident| $make:expr;)*) => {$(
        impl<'a> Extract<'a, $cause> for $type {
            fn extract(
                $invocation: &'a Arc<Invocation<$cause>>,
                _: &Argument,
            ) -> Result<Self, ArgError> {
                Ok($make)
            }
        }
    )*};
}

extractors! {
    &'a Body, ObjectCause => |invocation| invocation.cause.body();
    Body, ObjectCause => |invocation| invocation.cause.body().clone();
    &'a Patch, ObjectCause => |invocation| invocation.cause.patch();
    Patch, ObjectCause => |invocation| invocation.cause.patch().clone();
    &'a Resource, ObjectCause => |invocation| invocation.cause.resource();
    Resource, ObjectCause => |invocation| (**invocation.cause.resource()).clone();
    Attempt, Attempted => |invocation| invocation.attempt;
    &'a Invocation<C>, Family => |invocation| invocation;
    Arc<Invocation<C>>, Family => |invocation| invocation.clone();
}

extractors_of! {
    &'a Diff, ChangingCause => |invocation| &invocation.cause.diff;
    Diff, ChangingCause => |invocation| (*invocation.cause.diff).clone();
    Reason, ChangingCause => |invocation| invocation.cause.reason;
    &'a ChangingCause, ChangingCause => |invocation| &invocation.cause;
    &'a Diff, AdmissionCause => |invocation| &invocation.cause.diff;
    Diff, AdmissionCause => |invocation| (*invocation.cause.diff).clone();
    Operation, AdmissionCause => |invocation| invocation.cause.operation;
    &'a Warnings, AdmissionCause => |invocation| &invocation.cause.warnings;
    Warnings, AdmissionCause => |invocation| invocation.cause.warnings.clone();
    &'a UserInfo, AdmissionCause => |invocation| &invocation.cause.userinfo;
    UserInfo, AdmissionCause => |invocation| (*invocation.cause.userinfo).clone();
    &'a Headers, AdmissionCause => |invocation| &invocation.cause.headers;
    Headers, AdmissionCause => |invocation| invocation.cause.headers.clone();
    &'a SslPeer, AdmissionCause => |invocation| &invocation.cause.sslpeer;
    SslPeer, AdmissionCause => |invocation| invocation.cause.sslpeer.clone();
    &'a AdmissionCause, AdmissionCause => |invocation| &invocation.cause;
    &'a ConversionCause, ConversionCause => |invocation| &invocation.cause;
    &'a RawEvent, WatchingCause => |invocation| &invocation.cause.event;
    RawEvent, WatchingCause => |invocation| invocation.cause.event.clone();
    EventType, WatchingCause => |invocation| invocation.cause.event.event_type;
    &'a WatchingCause, WatchingCause => |invocation| &invocation.cause;
    Stopped, SpawningCause => |invocation| invocation.cause.stopped.clone();
    &'a Stopped, SpawningCause => |invocation| &invocation.cause.stopped;
    Live, SpawningCause => |invocation| invocation.cause.live.clone();
    &'a Live, SpawningCause => |invocation| &invocation.cause.live;
    &'a SpawningCause, SpawningCause => |invocation| &invocation.cause;
    &'a IndexingCause, IndexingCause => |invocation| &invocation.cause;
    Activity, ActivityCause => |invocation| invocation.cause.activity;
    SettingsHandle, ActivityCause => |invocation| invocation.environment.settings.clone();
    &'a SettingsHandle, ActivityCause => |invocation| &invocation.environment.settings;
}

impl<'a, C: Family> Extract<'a, C> for kube::Client {
    fn extract(invocation: &'a Arc<Invocation<C>>, argument: &Argument) -> Result<Self, ArgError> {
        let client = invocation.environment.client().cloned();
        client.ok_or_else(|| argument.error("there is no client before the operator has logged in"))
    }
}
