//! The operator under test of the behaviour oracle: its handlers come from `oracle/fixtures.json`, and do
//! what the handled object's `spec.script` says.

mod admission;
mod background;
mod criteria;
mod declare;
mod fixture;
mod log;
mod persistence;
mod script;

use std::sync::Arc;
use std::time::Duration;

use kopfrs::Registry;
use kopfrs::testing::{Cluster, OperatorSetup};
use serde_json::Value;

use self::fixture::Fixtures;
pub(crate) use self::log::{Lines, Log};
use self::persistence::Storage;
use super::webhooks;

/// Why an operator cannot be put together.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Which operator, and what it is told.
#[derive(Debug)]
pub(crate) struct Start<'a> {
    pub(crate) fixture: &'a str,
    pub(crate) operator: &'a str,
    pub(crate) storage: &'a str,
    pub(crate) is_clusterwide: bool,
}

/// Puts the operator of a fixture together. When it runs, it writes a line when it is ready, and two for
/// each attempt of a handler.
pub(crate) fn prepare(
    start: &Start<'_>,
    log: &Arc<Log>,
    cluster: &Cluster,
) -> Result<OperatorSetup, Failure> {
    let fixtures = Fixtures::embedded()?;
    let declared = fixtures.operator(start.fixture, start.operator)?;
    let mut handlers = Registry::new();
    for row in &declared.handlers {
        handlers = declare::add(handlers, row, &fixtures.kinds, log)?;
    }
    let storage = Storage::named(start.storage)?;
    let persistence = storage.persistence(&declared.settings)?;
    log.write_marks(&persistence);
    let managed = declared.settings.get("admission").and_then(Value::as_str);
    let managed = managed.map(|name| webhooks::managed(cluster.namespace(), name));
    let is_asked = managed.is_some();
    let mut setup = cluster.operator().handlers(handlers).settings(|settings| {
        settings.persistence.default = persistence;
        settings.process.drain_budget = Duration::ZERO;
        settings.admission.managed = managed;
    });
    if is_asked {
        setup = setup.webhooks();
    }
    Ok(if start.is_clusterwide {
        setup.clusterwide()
    } else {
        setup
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said when an operator cannot be put together.
    fn failure(cluster: &Cluster, fixture: &str, operator: &str) -> String {
        let start = Start {
            fixture,
            operator,
            storage: "auto",
            is_clusterwide: false,
        };
        let log = Log::new(&Lines::default(), operator, 1);
        let prepared = prepare(&start, &log, cluster);
        prepared.expect_err("it cannot be put together").to_string()
    }

    #[kopfrs::test]
    async fn what_the_fixtures_do_not_have_is_told(cluster: Cluster) {
        assert_eq!(
            failure(&cluster, "F0", "main"),
            "there is no fixture \"F0\""
        );
        let said = failure(&cluster, "F1", "c");
        assert_eq!(said, "fixture F1 has no operator \"c\"");
    }
}
