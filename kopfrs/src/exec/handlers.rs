//! A runner as the handlers of a kind.

use std::panic::Location;
use std::sync::Arc;

use super::{Call, Runner};
use crate::handler::Location as Place;
use crate::on::{self, ObjectKind};
use crate::registry::Registry;
use crate::resource::Selector;

/// The handlers of a kind that leave everything to a runner: `create`, `update`, `verify` and `delete`.
///
/// # Examples
/// ```
/// use k8s_openapi::api::core::v1::ConfigMap;
/// use kopfrs::exec::{Pod, handlers};
///
/// let registry = handlers::<ConfigMap>(Pod::new("registry.example.com/manager:1.0"));
/// assert_eq!(registry.changing().len(), 4);
/// ```
#[track_caller]
pub fn handlers<K: ObjectKind>(runner: impl Runner + 'static) -> Registry {
    handlers_of(Selector::of::<K>(), runner)
}

/// The same for kinds that are named, not typed.
#[track_caller]
pub fn handlers_of(selector: Selector, runner: impl Runner + 'static) -> Registry {
    let runner = Arc::new(runner);
    let run = move |call: Call| {
        let runner = runner.clone();
        async move { runner.run(&call).await }
    };
    let caller = Location::caller();
    let place = Place {
        file: caller.file(),
        line: caller.line(),
        column: caller.column(),
        module: "",
    };
    let create = on::create_of(selector.clone())
        .id("create")
        .declared_at(place);
    let update = on::update_of(selector.clone())
        .id("update")
        .declared_at(place);
    let verify = on::verify_of(selector.clone())
        .id("verify")
        .declared_at(place);
    let delete = on::delete_of(selector).id("delete").declared_at(place);
    Registry::new()
        .add(create.run(run.clone()))
        .add(update.run(run.clone()))
        .add(verify.run(run.clone()))
        .add(delete.run(run))
}
