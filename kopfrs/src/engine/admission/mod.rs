//! Admission: reviews of what others are about to do to objects, and conversions between versions of them.
//!
//! `review` and `conversion` go from a question to an answer and know nothing of HTTP; `server` brings questions there;
//! `configuration` says what the API server has to be told so that it asks, and `manager` tells it.

mod configuration;
mod conversion;
mod document;
mod manager;
mod patch;
mod review;
mod server;

use std::sync::Arc;

use serde_json::Value;
use tokio::sync::watch;

pub(crate) use self::manager::Manager;
pub(crate) use self::server::{Endpoint, Surroundings};
use super::insights::Insights;
use crate::cause::{AdmissionCause, ConversionCause, Headers, SslPeer};
use crate::handler::{Environment, Handler, Memos};
use crate::registry::Registry;
use crate::resource::Resource;

/// Gives what is kept in memory for an object by its uid, if the object is known.
pub(crate) type Recall = Arc<dyn Fn(&Resource, &str) -> Option<Memos> + Send + Sync>;

/// What all parts of admission share.
pub(crate) struct Admission {
    handlers: Vec<Arc<Handler<AdmissionCause>>>,
    conversions: Vec<Arc<Handler<ConversionCause>>>,
    environment: Arc<Environment>,
    insights: watch::Receiver<Option<Insights>>,
    recall: Recall,
    /// What conversions keep.
    memos: Memos,
}

/// How a question has come.
#[derive(Clone, Debug, Default)]
pub(crate) struct Arrival {
    /// The id of the handler that is asked for; without it, all that match are.
    pub(crate) handler: Option<String>,
    pub(crate) headers: Headers,
    pub(crate) sslpeer: SslPeer,
}

/// Why a question has no answer: it is the question that is wrong, not what it is about.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum QuestionError {
    /// It is not what it should be.
    #[error("{0}")]
    Malformed(String),
    /// Nobody here is for that.
    #[error("{0}")]
    Unknown(String),
    /// It could be about several things.
    #[error("{0}")]
    Ambiguous(String),
}

impl Admission {
    /// Admission by the handlers of a registry, if there are any.
    pub(crate) fn new(
        registry: &Registry,
        environment: Arc<Environment>,
        insights: watch::Receiver<Option<Insights>>,
        recall: Recall,
    ) -> Option<Arc<Self>> {
        let handlers: Vec<_> = registry.admission().iter().cloned().collect();
        let conversions: Vec<_> = registry.conversions().iter().cloned().collect();
        let is_wanted = !handlers.is_empty() || !conversions.is_empty();
        is_wanted.then(|| {
            Arc::new(Self {
                handlers,
                conversions,
                environment,
                insights,
                recall,
                memos: Memos::default(),
            })
        })
    }

    /// Answers a question, whatever it is.
    ///
    /// # Errors
    /// If it is not one that can be answered.
    pub(crate) async fn answer(
        &self,
        question: &Value,
        arrival: Arrival,
    ) -> Result<Value, QuestionError> {
        match question["kind"].as_str() {
            Some("ConversionReview") => self.convert(question).await,
            Some("AdmissionReview") | None => self.review(question, arrival).await,
            Some(other) => Err(QuestionError::Malformed(format!(
                "{other} is neither an AdmissionReview nor a ConversionReview"
            ))),
        }
    }

    /// What is known of the cluster; questions before that are none.
    fn insights(&self) -> Result<Insights, QuestionError> {
        let insights = self.insights.borrow().clone();
        insights.ok_or_else(|| {
            QuestionError::Unknown("the operator does not know yet what the API serves".to_owned())
        })
    }
}

impl std::fmt::Debug for Admission {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Admission")
            .field("handlers", &self.handlers)
            .field("conversions", &self.conversions)
            .finish_non_exhaustive()
    }
}
