//! What an API server says of definitions: one in this process is asked, and keeps nothing.

use http::Request;
use kopfrs_sandbox::Sandbox;
use kube::Client;
use serde_json::Value;

use crate::cli::run::said;

const PATH: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

/// Judges definitions as an API server does.
pub(super) struct Judge(Client);

/// Something that the server says about a field.
#[derive(Debug)]
pub(super) struct Objection {
    /// As the server names it: `spec.names.plural`. Empty if it names none.
    pub(super) field: String,
    pub(super) message: String,
}

/// What the server says.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    /// Why it refuses the definition.
    pub(super) refused: Vec<Objection>,
    /// What it accepts, but kubectl does not let through.
    pub(super) doubted: Vec<Objection>,
}

impl Judge {
    pub(super) fn new() -> Self {
        Self(Sandbox::new().client())
    }

    /// # Errors
    /// If there is no answer.
    pub(super) async fn ask(&self, definition: &Value) -> Result<Verdict, String> {
        let refused = self.post(definition, "Ignore").await?;
        // Unknown fields are dropped, unless somebody asks to be strict.
        let doubted = if refused.is_empty() {
            self.post(definition, "Strict").await?
        } else {
            Vec::new()
        };
        Ok(Verdict { refused, doubted })
    }

    async fn post(&self, definition: &Value, validation: &str) -> Result<Vec<Objection>, String> {
        let request = Request::post(format!("{PATH}?dryRun=All&fieldValidation={validation}"))
            .header("content-type", "application/json")
            .body(definition.to_string().into_bytes())
            .map_err(said)?;
        let status = match self.0.request::<Value>(request).await {
            Ok(_) => return Ok(Vec::new()),
            Err(kube::Error::Api(status)) => status,
            Err(error) => return Err(said(error)),
        };
        let causes = status.details.iter().flat_map(|details| &details.causes);
        let mut objections: Vec<Objection> = causes
            .map(|cause| Objection {
                field: cause.field.clone(),
                message: cause.message.clone(),
            })
            .collect();
        if objections.is_empty() {
            objections.push(Objection {
                field: String::new(),
                message: status.message.clone(),
            });
        }
        Ok(objections)
    }
}
