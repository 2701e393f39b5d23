//! Admission: webhooks are asked about a write after its patch was applied and before it is stored.
//!
//! `verbs` opens a [`Chain`] for each write: mutating webhooks one after another, then (when everything else has been
//! checked) validating ones side by side. Nothing here reads or writes the object's state: what webhooks change goes back
//! to the verb, which runs its rules again. Audit annotations are accepted and dropped, as there is no audit log.

mod caller;
mod chain;
mod condition;
pub(crate) mod defaults;
mod denial;
mod endpoint;
mod failure;
mod hook;
mod mutating;
mod patch;
mod review;
mod rule;
mod selection;
mod validating;
pub(crate) mod validation;

use crate::error::ApiError;

pub(crate) use self::{
    caller::Caller,
    chain::{Chain, Operation},
};

/// Says of policies that they are not there, lest anybody think that they hold.
pub(crate) fn unserved(group: &str, resource: &str) -> Option<ApiError> {
    let known = [
        "mutatingadmissionpolicies",
        "mutatingadmissionpolicybindings",
        "validatingadmissionpolicies",
        "validatingadmissionpolicybindings",
    ];
    let why = format!("{resource}.{group}: use a webhook with matchConditions instead");
    (group == hook::GROUP && known.contains(&resource)).then(|| ApiError::not_implemented(why))
}
