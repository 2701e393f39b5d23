//! Mutating webhooks: one after another, each sees what those before it have made of the object.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    chain::{Chain, Question},
    denial,
    failure::Failure,
    hook::{Hook, Phase},
    patch, selection,
};
use crate::error::ApiError;

/// Which webhooks have yet to see what others have changed since they were asked.
#[derive(Debug, Default)]
struct Reinvocation {
    /// Asked so far, of those who want to know; since the last change.
    content: BTreeSet<usize>,
    /// To be asked again.
    outdated: BTreeSet<usize>,
    is_needed: bool,
}

impl Reinvocation {
    fn changed(&mut self) {
        self.outdated.append(&mut self.content);
        self.is_needed = true;
    }
}

/// Asks all webhooks that are concerned; gives the object that came of it, if it is another one.
pub(super) async fn ask(
    chain: &Chain<'_>,
    hooks: &[Hook],
    question: &Question<'_>,
) -> Result<Option<Value>, ApiError> {
    let mut current = None;
    let mut reinvocation = Reinvocation::default();
    for is_again in [false, true] {
        for (index, hook) in hooks.iter().enumerate() {
            if is_again && !reinvocation.outdated.contains(&index) {
                continue;
            }
            let now = Question {
                object: current.as_ref().or(question.object),
                ..*question
            };
            let Some(invocation) = selection::select(chain, hook, &now).await? else {
                continue;
            };
            let made = ask_one(chain, hook, &now, &invocation).await?;
            if made.as_ref().is_some_and(|made| Some(made) != now.object) {
                reinvocation.changed();
            }
            if hook.is_reinvoked {
                reinvocation.content.insert(index);
            }
            current = made.or(current);
        }
        if !reinvocation.is_needed {
            break;
        }
    }
    Ok(current)
}

/// What one webhook makes of the object; nothing when it has no patch, or is not heard and need not be.
async fn ask_one(
    chain: &Chain<'_>,
    hook: &Hook,
    question: &Question<'_>,
    invocation: &selection::Invocation,
) -> Result<Option<Value>, ApiError> {
    if chain.dry_run && hook.has_side_effects {
        return Err(denial::no_dry_run(&hook.name));
    }
    let asked = super::endpoint::ask((chain, hook), Phase::Mutating, question, invocation).await;
    let verdict = match asked {
        Ok(verdict) => verdict,
        Err(failure) => return failure.under(hook).map(|()| None),
    };
    for warning in verdict.warnings {
        chain.caller.warnings.add(warning);
    }
    if !verdict.allowed {
        return Err(denial::denied(&hook.name, &verdict.status));
    }
    let document = match patch::decode(&verdict.patch) {
        Ok(None) => return Ok(None),
        Ok(Some(document)) => document,
        Err(why) => {
            let why = format!("received undecodable patch in webhook response: {why}");
            return Failure(why).under(hook).map(|()| None);
        }
    };
    if verdict.patch_type != "JSONPatch" {
        let why = format!("unsupported patch type {:?}", verdict.patch_type);
        return Failure(why).under(hook).map(|()| None);
    }
    let Some(object) = &invocation.object else {
        return Err(denial::internal(&format!(
            "admission webhook {:?} attempted to modify the object, which is not supported for this operation",
            hook.name
        )));
    };
    let made = patch::apply(chain, &invocation.kind, object, &document)?;
    selection::restored(chain, &invocation.kind, &made)
        .await
        .map(Some)
}
