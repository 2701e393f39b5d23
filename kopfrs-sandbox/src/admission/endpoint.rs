//! Asking one webhook.

use super::{
    chain::{Chain, Question},
    failure::Failure,
    hook::{Hook, Phase},
    review::{self, Verdict},
    selection::Invocation,
};
use crate::webhook::{self, Unasked};

/// Asks one webhook.
pub(super) async fn ask(
    (chain, hook): (&Chain<'_>, &Hook),
    phase: Phase,
    question: &Question<'_>,
    invocation: &Invocation,
) -> Result<Verdict, Failure> {
    let Some(version) = review::version(&hook.review_versions) else {
        let why = "could not create admission objects: webhook does not accept known AdmissionReview versions (v1, v1beta1)";
        return Err(Failure(why.to_owned()));
    };
    let uid = uuid::Uuid::new_v4().to_string();
    let request = review::request(&uid, chain, question, invocation);
    let review = review::review(version, &request);
    let body = crate::object::to_json(&review);
    let answer = webhook::ask(chain.cluster, &hook.client, hook.timeout, body)
        .await
        .map_err(|unasked| match unasked {
            Unasked::Client(why) => Failure(format!("could not get REST client: {why}")),
            Unasked::Call(why) => Failure::of_call(&why),
        })?;
    let answer = answer
        .read(&review::expected(version))
        .map_err(|why| Failure::of_call(&why))?;
    review::verdict((version, &uid), phase, &answer)
        .map_err(|why| Failure(format!("received invalid webhook response: {why}")))
}
