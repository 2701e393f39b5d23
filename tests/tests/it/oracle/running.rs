//! Operators of a scenario: started, stopped, killed.

use std::sync::Arc;

use kopfrs::testing::{Cluster, OperatorHandle};

use super::operator::{Lines, Log, Start, prepare};

/// An operator. Dropped, it is killed.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) operator: String,
    pub(crate) number: u32,
    is_clusterwide: bool,
    handle: OperatorHandle,
    log: Arc<Log>,
}

impl Running {
    /// Starts an operator, and goes on when it watches everything.
    pub(crate) async fn start(
        start: &Start<'_>,
        (lines, number): (&Lines, u32),
        cluster: &Cluster,
    ) -> Result<Self, String> {
        let log = Log::new(lines, start.operator, number);
        let setup = prepare(start, &log, cluster).map_err(|failure| failure.to_string())?;
        Ok(Self {
            operator: start.operator.to_owned(),
            number,
            is_clusterwide: start.is_clusterwide,
            handle: setup.start().await,
            log,
        })
    }

    /// Waits until it has seen everything and done what is to be done, however slow the machine is.
    pub(crate) async fn until_settled(&self) {
        // One for all namespaces meets what other tests do, and they may never rest.
        if !self.is_clusterwide {
            self.handle.until_settled().await;
        }
    }

    /// Stops it gracefully; gives what it has said.
    pub(crate) async fn stop(self) -> String {
        self.handle.stop().await;
        self.handle.log().to_string()
    }

    /// Kills it; gives what it has said.
    pub(crate) async fn kill(self) -> String {
        self.log.end();
        self.handle.kill().await;
        self.handle.log().to_string()
    }
}
