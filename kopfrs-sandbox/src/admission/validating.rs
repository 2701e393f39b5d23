//! Validating webhooks: all at once; the first that refuses decides.

use futures::stream::{FuturesUnordered, StreamExt};

use super::{
    chain::{Chain, Question},
    denial,
    hook::{Hook, Phase},
    selection::{self, Invocation},
};
use crate::error::ApiError;

/// Asks all webhooks that are concerned, and waits for every one of them: their warnings count.
pub(super) async fn ask(
    chain: &Chain<'_>,
    hooks: &[Hook],
    question: &Question<'_>,
) -> Result<(), ApiError> {
    let mut concerned = Vec::new();
    for hook in hooks {
        if let Some(invocation) = selection::select(chain, hook, question).await? {
            concerned.push((hook, invocation));
        }
    }
    let mut answers: FuturesUnordered<_> = concerned
        .iter()
        .map(|(hook, invocation)| ask_one(chain, hook, question, invocation))
        .collect();
    let mut first = Ok(());
    while let Some(answer) = answers.next().await {
        first = first.and(answer);
    }
    first
}

async fn ask_one(
    chain: &Chain<'_>,
    hook: &Hook,
    question: &Question<'_>,
    invocation: &Invocation,
) -> Result<(), ApiError> {
    if chain.dry_run && hook.has_side_effects {
        return Err(denial::no_dry_run(&hook.name));
    }
    let asked = super::endpoint::ask((chain, hook), Phase::Validating, question, invocation).await;
    let verdict = match asked {
        Ok(verdict) => verdict,
        Err(failure) => return failure.under(hook),
    };
    for warning in verdict.warnings {
        chain.caller.warnings.add(warning);
    }
    if verdict.allowed {
        Ok(())
    } else {
        Err(denial::denied(&hook.name, &verdict.status))
    }
}
