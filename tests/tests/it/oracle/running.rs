//! Operators of a scenario: started, stopped, killed.

use std::sync::Arc;

use kopfrs::testing::{Cluster, OperatorHandle};

use super::operator::{Lines, Log, Start, prepare};

/// An operator. Dropped, it is killed.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) operator: String,
    pub(crate) number: u32,
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
            handle: setup.start().await,
            log,
        })
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
