//! Handlers of reviews of fixtures.

use std::sync::Arc;

use kopfrs::cause::AdmissionCause;
use kopfrs::handler::{AdmissionError, Handler, Invocation, Output};
use kopfrs::on::{self, Builder, Filtered};
use serde::Deserialize;
use serde_json::{Value, json};

use super::declare::Scripted;
use super::{Failure, script};

/// Which requests they are for, and how the API server asks.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Options {
    operations: Option<Vec<String>>,
    subresource: Option<String>,
    #[serde(default)]
    persistent: bool,
    #[serde(default)]
    side_effects: bool,
    #[serde(default)]
    ignore_failures: bool,
}

impl Scripted {
    pub(super) fn reviewing<K>(
        &self,
        builder: Builder<K>,
        on: &str,
    ) -> Result<Handler<AdmissionCause>, Failure>
    where
        K: Filtered + on::Kind<Cause = AdmissionCause>,
        (): Output<K::Returns>,
        K::Returns: 'static,
    {
        let options = &self.row.admission;
        let mut builder = self.filtered(builder.id(&self.row.id))?;
        builder = builder
            .persistent(options.persistent)
            .side_effects(options.side_effects)
            .ignore_failures(options.ignore_failures);
        if let Some(operations) = &options.operations {
            let operations = operations.iter().map(|operation| operation.parse());
            builder = builder.operations(operations.collect::<Result<Vec<_>, _>>()?);
        }
        if let Some(subresource) = &options.subresource {
            builder = builder.subresource(subresource);
        }
        let (scripted, on) = (self.clone(), on.to_owned());
        Ok(builder.run(move |call: Arc<Invocation<AdmissionCause>>| {
            let (scripted, on) = (scripted.clone(), on.clone());
            async move { scripted.reviewed(&call, &on).await }
        }))
    }

    async fn reviewed(&self, call: &Invocation<AdmissionCause>, on: &str) -> kopfrs::Result<()> {
        let (cause, row) = (&call.cause, &self.row);
        let spec = |body: &Option<Arc<Value>>| body.as_ref().map(|body| body["spec"].clone());
        self.log.write(json!({
            "ph": "webhook", "h": row.id, "on": on, "k": row.kind,
            "ns": cause.body.namespace(), "name": cause.body.name(),
            "operation": cause.operation.as_str(), "subresource": cause.subresource.as_deref(),
            "dryrun": cause.dryrun, "old": spec(&cause.old), "new": spec(&cause.new),
        }));
        let action = script::action(row, Some(&cause.body), 0);
        if let Some(text) = action["warn"].as_str() {
            cause.warnings.push(text);
        }
        script::play(&action, Some(&cause.patch), None).await?;
        if let Some(message) = action["deny"]["message"].as_str() {
            let code = action["deny"]["code"].as_u64().unwrap_or(500);
            let refusal = AdmissionError::new(message);
            Err(refusal.code(u16::try_from(code).unwrap_or(500)))?;
        }
        Ok(())
    }
}
