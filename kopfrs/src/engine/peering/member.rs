//! One operator in one peering: it gives signs of life, and pauses for those who go before it.

use std::time::Duration;

use serde_json::{Map, Value};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tracing::{debug, info, warn};

use super::place::{Place, entries};
use super::{Company, Peer};
use crate::api::{ApiError, Failure, Line, LineReader};
use crate::chance;
use crate::duty::Hold;

/// One operator in one peering.
pub(super) struct Member {
    pub(super) place: Place,
    pub(super) company: Company,
    /// Keeps the operator from its work.
    hold: Option<Hold>,
    /// The entries of the others as they were seen last; `None` as long as the object is not there.
    entries: Option<Map<String, Value>>,
    /// When to give the next sign of life.
    due: Instant,
    failures: u32,
    /// Told when it is known for the first time whether the operator may work.
    judged: Option<watch::Sender<bool>>,
}

impl Member {
    pub(super) fn new(place: Place, company: Company, judged: watch::Sender<bool>) -> Self {
        let is_awaited = company.settings.mandatory;
        let hold = is_awaited.then(|| {
            let text = format!("{place} is not there yet, and it is mandatory");
            company.duty.hold(text)
        });
        Self {
            place,
            company,
            hold,
            entries: None,
            due: Instant::now(),
            failures: 0,
            judged: Some(judged),
        }
    }

    /// Takes part until it is dropped.
    pub(super) async fn run(mut self) {
        loop {
            let Err(error) = self.round().await else {
                continue;
            };
            let pause = Duration::from_secs(1 << self.failures.min(5));
            self.failures = self.failures.saturating_add(1);
            let is_news = match error.failure() {
                Failure::Transient => self.failures == 2,
                Failure::Expired => false,
                _ => self.failures == 1,
            };
            let place = &self.place;
            if is_news {
                warn!(
                    "{place} cannot be followed, and is tried again: {error}{}",
                    advice(&error)
                );
            } else {
                debug!("{place}: next attempt in {pause:?}: {error}");
            }
            // Whoever may not look at it works without it.
            self.is_judged();
            self.rest(pause).await;
        }
    }

    /// Looks who else is there, gives a sign of life, and goes on with that until the watch ends.
    async fn round(&mut self) -> Result<(), ApiError> {
        let seen = self.place.look(&self.company.connection).await?;
        self.judge(seen.entries).await?;
        if self.entries.is_some() && self.due <= Instant::now() {
            self.touch().await?;
        }
        self.is_judged();
        let seconds = self.company.server_timeout.as_secs();
        let opened = Instant::now();
        let lines = self
            .place
            .watch(&self.company.connection, (&seen.version, seconds));
        let lines = lines.await?;
        let followed = self.follow(lines).await;
        // Else a server that ends watches at once would be asked without a pause.
        if opened.elapsed() < Duration::from_secs(1) && followed.is_ok() {
            sleep(Duration::from_secs(1)).await;
        }
        followed
    }

    async fn follow(&mut self, mut lines: LineReader) -> Result<(), ApiError> {
        let silence = self.company.inactivity_timeout;
        loop {
            let again = self.deadline();
            let line = tokio::select! {
                biased;
                line = timeout(silence, lines.next()) => line,
                () = sleep_until(self.due), if self.entries.is_some() => {
                    self.touch().await?;
                    continue;
                }
                () = reached(again) => {
                    let entries = self.entries.take();
                    self.judge(entries).await?;
                    continue;
                }
            };
            let Ok(Line::Text(line)) = line.unwrap_or(Ok(Line::End)) else {
                return Ok(());
            };
            self.failures = 0;
            let event: Value = serde_json::from_slice(&line)
                .map_err(|error| ApiError::Garbage(format!("event of {}: {error}", self.place)))?;
            match event["type"].as_str() {
                Some("ADDED" | "MODIFIED") => {
                    let is_new = self.entries.is_none();
                    self.judge(Some(entries(&event["object"]))).await?;
                    if is_new {
                        self.touch().await?;
                    }
                }
                Some("DELETED") => self.judge(None).await?,
                Some("BOOKMARK") => {}
                // It is listed anew, whatever the reason.
                _ => return Ok(()),
            }
        }
    }

    /// When others that keep the operator from its work are to be taken for dead.
    fn deadline(&self) -> Option<Instant> {
        let now = self.company.clock.now();
        let verdict = self.company.verdict(self.entries.as_ref()?, now);
        let first = verdict.blockers().map(Peer::deadline).min()?;
        Some(Instant::now() + self.company.clock.until(first))
    }

    /// Pauses or resumes the operator, by the entries as they are now; cleans up behind the dead.
    async fn judge(&mut self, entries: Option<Map<String, Value>>) -> Result<(), ApiError> {
        let place = &self.place;
        let Some(entries) = entries else {
            let is_new = self.entries.take().is_some();
            if !self.company.settings.mandatory {
                self.resume();
            } else if is_new || self.hold.is_none() {
                self.pause(format!("{place} is not there, and it is mandatory"));
            }
            return Ok(());
        };
        let verdict = self.company.verdict(&entries, self.company.clock.now());
        self.entries = Some(entries);
        match verdict.reason() {
            Some(reason) => {
                if verdict.higher.is_empty() && self.hold.is_none() {
                    warn!(
                        "{place} has operators {reason}: all of them pause; give them different priorities"
                    );
                }
                self.pause(format!("{place} has operators {reason}"));
            }
            None => self.resume(),
        }
        if !verdict.dead.is_empty() {
            debug!("{}: {} are dead", self.place, verdict.dead.join(", "));
            self.place
                .remove(&self.company.connection, &verdict.dead)
                .await?;
        }
        Ok(())
    }

    fn pause(&mut self, text: String) {
        match &self.hold {
            Some(hold) => hold.say(text),
            None => self.hold = Some(self.company.duty.hold(text)),
        }
    }

    fn resume(&mut self) {
        if self.hold.take().is_some() {
            info!("{} has nobody who goes before this operator", self.place);
        }
    }

    fn is_judged(&mut self) {
        if let Some(judged) = self.judged.take() {
            judged.send_replace(true);
        }
    }

    /// Gives a sign of life, if the time has come or nobody has heard of us.
    async fn touch(&mut self) -> Result<(), ApiError> {
        let settings = &self.company.settings;
        let peer = Peer::alive(
            &self.company.identity,
            (settings.priority, settings.lifetime),
            self.company.clock.now(),
        );
        let is_there = self.place.enter(&self.company.connection, &peer).await?;
        if !settings.stealth {
            let what = if is_there {
                "given"
            } else {
                "in vain, it is not there"
            };
            debug!("a sign of life in {}: {what}", self.place);
        }
        self.due = Instant::now() + pause(settings.lifetime);
        Ok(())
    }

    /// A pause in which signs of life are given all the same, and the dead are noticed.
    async fn rest(&mut self, pause: Duration) {
        let rest = sleep(pause);
        tokio::pin!(rest);
        loop {
            let again = self.deadline();
            tokio::select! {
                () = &mut rest => return,
                () = sleep_until(self.due), if self.entries.is_some() => {
                    self.due = Instant::now() + Duration::from_secs(1);
                    // What fails here fails in the next round, too, and is told there.
                    let _ = self.touch().await;
                }
                () = reached(again) => {
                    let entries = self.entries.take();
                    // The same; the verdict counts though nobody could be cleaned up.
                    let _ = self.judge(entries).await;
                    sleep(Duration::from_secs(1)).await;
                }
            }
        }
    }
}

/// Signs of life are given a few seconds before they are due, not all at the same time.
fn pause(lifetime: Duration) -> Duration {
    let early = Duration::from_secs_f64(5.0 + 5.0 * chance::fraction());
    lifetime.saturating_sub(early).max(Duration::from_secs(1))
}

/// Waits until then, for ever if there is no such time.
async fn reached(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

fn advice(error: &ApiError) -> &'static str {
    match error.failure() {
        Failure::Forbidden => {
            "; grant get, list, watch and patch on the peerings of kopf.dev, or run with --standalone"
        }
        _ => "",
    }
}
