//! Which namespaces are served: those that the user names, and those that exist and match.
//!
//! Only where the user gives patterns or exclusions are Namespace objects watched, and only their
//! metadata. Plain names need no right on namespaces, and are served though they may not exist yet.

mod patterns;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tracing::{error, info, warn};

pub(crate) use self::patterns::Patterns;
use super::context::{Context, Scope};
use super::metadata::{Listener, MetadataWatch, Page, Source, read};
use crate::api::{ApiError, Failure};

const PATH: &str = "/api/v1/namespaces";
/// A namespace that is gone is served for so long, as the last that is told of its objects comes by
/// another way than its own end.
const LINGER: Duration = Duration::from_secs(2);
/// Namespaces per page of their list.
const PAGE: usize = 500;

/// The namespaces to be served; `None` as long as it is not known which there are.
pub(crate) type Served = Option<Arc<BTreeSet<String>>>;

/// What is known of the namespaces that match.
struct Namespaces {
    patterns: Patterns,
    /// Those that exist.
    present: BTreeSet<String>,
    /// Those that do not exist any more, and until when they are served all the same.
    leaving: BTreeMap<String, Instant>,
    served: watch::Sender<Served>,
}

/// Tells which namespaces are to be served, until it is dropped.
pub(crate) async fn follow(context: Arc<Context>, served: watch::Sender<Served>) {
    let Scope::Namespaces(patterns) = &context.scope else {
        return served.closed().await;
    };
    let mut namespaces = Namespaces {
        patterns: patterns.clone(),
        present: BTreeSet::new(),
        leaving: BTreeMap::new(),
        served,
    };
    if patterns.names_only() {
        namespaces.tell();
        return namespaces.served.closed().await;
    }
    if context.settings.scanning.disabled {
        namespaces.look_once(&context).await;
        return namespaces.served.closed().await;
    }
    let source = Source {
        path: PATH,
        what: "namespaces",
        otherwise: format!(
            "so those that match {patterns} are not known; grant list and watch on namespaces to the \
             operator, or name them exactly with -n"
        ),
        is_awaited: true,
    };
    MetadataWatch::new(&context, source, namespaces, None)
        .run()
        .await;
}

impl Namespaces {
    /// Looks which namespaces there are, until the API tells.
    async fn look_once(&mut self, context: &Context) {
        let mut pause = context.settings.watching.backoff;
        while let Err(error) = self.list(context).await {
            if error.failure() == Failure::Forbidden {
                warn!(
                    "namespaces may not be listed, so those that match {} are not served: {error}",
                    self.patterns
                );
                return self.tell();
            }
            error!("the API does not tell its namespaces, next attempt in {pause:?}: {error}");
            sleep(pause).await;
            pause = (pause * 2).min(context.settings.watching.max_backoff);
        }
    }

    /// Lists all; who was there before and is not any more is gone.
    async fn list(&mut self, context: &Context) -> Result<String, ApiError> {
        let mut names = BTreeSet::new();
        let mut token = String::new();
        let version = loop {
            let path = format!("{PATH}?limit={PAGE}{token}");
            let page: Page = read(&context.connection, &path).await?;
            names.extend(page.items.into_iter().map(|item| item.metadata.name));
            match page.metadata.token.filter(|token| !token.is_empty()) {
                Some(next) => token = format!("&continue={}", crate::reactor::wire::escaped(&next)),
                None => break page.metadata.resource_version,
            }
        };
        names.retain(|name| self.patterns.matches(name));
        for gone in self.present.difference(&names) {
            self.leaving.insert(gone.clone(), Instant::now() + LINGER);
        }
        self.leaving.retain(|name, _| !names.contains(name));
        self.present = names;
        self.tell();
        Ok(version)
    }

    /// Tells which are to be served, if that has changed.
    fn tell(&self) {
        let known = self.present.iter().chain(self.leaving.keys()).cloned();
        let now: BTreeSet<String> = known
            .chain(self.patterns.names().map(str::to_owned))
            .collect();
        self.served.send_if_modified(|served| {
            if served.as_deref() == Some(&now) {
                return false;
            }
            let before = served.replace(Arc::new(now.clone()));
            if let Some(before) = before {
                for came in now.difference(&before) {
                    info!("namespace {came} is there, served from now on");
                }
                for went in before.difference(&now) {
                    info!("namespace {went} is gone, no longer served");
                }
            }
            true
        });
    }
}

impl Listener for Namespaces {
    async fn begin(&mut self, context: &Context) -> Result<String, ApiError> {
        self.list(context).await
    }

    fn event(&mut self, name: &str, is_gone: bool) {
        if !self.patterns.matches(name) {
            return;
        }
        if is_gone && self.present.remove(name) {
            self.leaving
                .insert(name.to_owned(), Instant::now() + LINGER);
        } else if !is_gone {
            self.leaving.remove(name);
            self.present.insert(name.to_owned());
        }
        self.tell();
    }

    /// Those that are named exactly are served, and those that are known from before.
    fn unwatched(&mut self) {
        self.tell();
    }

    fn due(&self) -> Option<Instant> {
        self.leaving.values().min().copied()
    }

    fn tick(&mut self) {
        let now = Instant::now();
        self.leaving.retain(|_, until| *until > now);
        self.tell();
    }
}
