//! Waiting for requests, with an end and an explanation.

use std::{future::IntoFuture, panic::Location, pin::Pin, time::Duration};

use super::{Journal, Mark, On, Requests, expect::Diagnosis};

/// Waits for requests; made by [`Journal::wait_for`]. Awaiting it gives the requests.
#[must_use = "it waits when it is awaited"]
#[derive(Debug)]
pub struct Wait {
    journal: Journal,
    on: On,
    times: usize,
    patience: Duration,
    since: Option<Mark>,
    answered: bool,
    caller: &'static Location<'static>,
}

/// Requests that were waited for and did not come. Its text lists what came instead.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{text}")]
pub struct Unseen {
    text: String,
}

/// How long it is waited unless said otherwise.
const PATIENCE: Duration = Duration::from_secs(30);

impl Journal {
    /// Waits for requests that a selection is for: for one, unless said otherwise, and for 30 seconds of tokio's clock.
    /// What has come already counts.
    ///
    /// # Panics
    ///
    /// Awaiting it panics when they do not come in time; [`Wait::outcome`] returns an error instead. Both say what was
    /// seen.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use k8s_openapi::api::core::v1::Namespace;
    /// use kopfrs_sandbox::{On, Sandbox};
    /// use kube::Api;
    ///
    /// let sandbox = Sandbox::new();
    /// let namespaces: Api<Namespace> = Api::all(sandbox.client());
    /// let asking = tokio::spawn(async move {
    ///     for _ in 0..2 {
    ///         namespaces.get("default").await?;
    ///     }
    ///     Ok::<_, kube::Error>(())
    /// });
    /// let seen = sandbox.journal().wait_for(On::verb("get")).times(2).answered().await;
    /// assert_eq!(seen[1].status(), Some(200));
    /// asking.await??;
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn wait_for(&self, on: On) -> Wait {
        Wait {
            journal: self.clone(),
            on,
            times: 1,
            patience: PATIENCE,
            since: None,
            answered: false,
            caller: Location::caller(),
        }
    }
}

impl Wait {
    /// Until there are so many, or more.
    pub fn times(mut self, number: usize) -> Self {
        self.times = number;
        self
    }

    /// For so long at most, by tokio's clock.
    pub fn within(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Only for requests after a moment.
    pub fn since(mut self, mark: Mark) -> Self {
        self.since = Some(mark);
        self
    }

    /// Only for requests whose answers have begun: what they do has been done.
    pub fn answered(mut self) -> Self {
        self.answered = true;
        self
    }

    fn all(&self) -> Requests {
        match self.since {
            Some(mark) => self.journal.since(mark),
            None => self.journal.requests(),
        }
    }

    fn found(&self) -> Requests {
        let found = self.all().on(&self.on);
        if self.answered {
            found.matching(|request| request.status().is_some())
        } else {
            found
        }
    }

    /// The requests, or what was seen instead of them.
    ///
    /// # Errors
    ///
    /// When they do not come in time.
    pub async fn outcome(self) -> Result<Requests, Unseen> {
        let enough = self.journal.until(|_| self.found().len() >= self.times);
        // Whether they came is asked again below: a request may come together with the end of the patience.
        let _ = tokio::time::timeout(self.patience, enough).await;
        let found = self.found();
        if found.len() >= self.times {
            return Ok(found);
        }
        let answered = if self.answered { " answered" } else { "" };
        let diagnosis = Diagnosis {
            wanted: format!(
                "{}{answered} within {:?} (at {})",
                self.times, self.patience, self.caller
            ),
            on: &self.on,
            all: &self.all(),
            found: &found,
        };
        Err(Unseen {
            text: diagnosis.to_string(),
        })
    }
}

impl IntoFuture for Wait {
    type Output = Requests;
    type IntoFuture = Pin<Box<dyn Future<Output = Requests> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            match self.outcome().await {
                Ok(found) => found,
                Err(unseen) => panic!("{unseen}"),
            }
        })
    }
}
