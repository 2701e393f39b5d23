//! What tests demand of a journal, and what they are told when it is not so.

use std::{fmt, sync::Arc};

use super::{Journal, On, Request, Requests};

/// A demand of recorded requests; made by [`Journal::expect`] and [`Requests::expect`].
///
/// Whatever is not met panics with the list of what was seen.
#[derive(Debug)]
#[must_use = "nothing is demanded until it is said how many there shall be"]
pub struct Expectation {
    on: On,
    all: Requests,
    found: Requests,
}

/// How many requests of a kind were seen, and what else: the text of failed expectations.
pub(super) struct Diagnosis<'a> {
    pub(super) wanted: String,
    pub(super) on: &'a On,
    pub(super) all: &'a Requests,
    pub(super) found: &'a Requests,
}

/// Requests that are listed at most.
const LISTED: usize = 30;

impl Expectation {
    pub(super) fn new(on: On, all: Requests) -> Self {
        let found = all.on(&on);
        Self { on, all, found }
    }

    #[track_caller]
    fn check(self, wanted: impl FnOnce() -> String, holds: bool) -> Requests {
        if !holds {
            let diagnosis = Diagnosis {
                wanted: wanted(),
                on: &self.on,
                all: &self.all,
                found: &self.found,
            };
            panic!("{diagnosis}");
        }
        self.found
    }

    /// There are so many. Returns them.
    ///
    /// # Panics
    ///
    /// When there are fewer or more.
    #[track_caller]
    pub fn times(self, number: usize) -> Requests {
        let holds = self.found.len() == number;
        self.check(|| number.to_string(), holds)
    }

    /// There is one. Returns it.
    ///
    /// # Panics
    ///
    /// When there is none, or there are more.
    #[track_caller]
    pub fn once(self) -> Arc<Request> {
        let found = self.times(1);
        found[0].clone()
    }

    /// There is none.
    ///
    /// # Panics
    ///
    /// When there is any.
    #[track_caller]
    pub fn never(self) {
        let holds = self.found.is_empty();
        self.check(|| "no".to_owned(), holds);
    }

    /// There are so many, or more. Returns them.
    ///
    /// # Panics
    ///
    /// When there are fewer.
    #[track_caller]
    pub fn at_least(self, number: usize) -> Requests {
        let holds = self.found.len() >= number;
        self.check(|| format!("at least {number}"), holds)
    }

    /// There are so many, or fewer. Returns them.
    ///
    /// # Panics
    ///
    /// When there are more.
    #[track_caller]
    pub fn at_most(self, number: usize) -> Requests {
        let holds = self.found.len() <= number;
        self.check(|| format!("at most {number}"), holds)
    }
}

impl Requests {
    /// Demands something of those that a selection is for.
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
    /// let mark = sandbox.journal().mark();
    /// let namespaces: Api<Namespace> = Api::all(sandbox.client());
    /// namespaces.get("default").await?;
    ///
    /// let seen = sandbox.journal().since(mark);
    /// seen.expect(On::writes()).never();
    /// assert_eq!(seen.expect(On::verb("get")).once().status(), Some(200));
    /// # Ok(())
    /// # }
    /// ```
    pub fn expect(&self, on: On) -> Expectation {
        Expectation::new(on, self.clone())
    }

    /// Demands that requests came in an order, one for each selection; others may have come before, between and after.
    /// Returns those it found.
    ///
    /// # Panics
    ///
    /// When one of them is missing after those before it.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use k8s_openapi::api::core::v1::Namespace;
    /// use kopfrs_sandbox::{On, Sandbox};
    /// use kube::{Api, api::ListParams};
    ///
    /// let sandbox = Sandbox::new();
    /// let namespaces: Api<Namespace> = Api::all(sandbox.client());
    /// namespaces.list(&ListParams::default()).await?;
    /// namespaces.get("default").await?;
    /// let of_namespaces = |verb| On::verb(verb).resource("namespaces");
    /// sandbox.journal().expect_in_order([of_namespaces("list"), of_namespaces("get")]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn expect_in_order(&self, selections: impl IntoIterator<Item = On>) -> Self {
        let mut rest = self.iter();
        let mut found = Vec::new();
        for on in selections {
            let Some(request) = rest.by_ref().find(|request| on.matches(request)) else {
                let diagnosis = Diagnosis {
                    wanted: match found.last() {
                        Some(before) => format!("one after {before:?},"),
                        None => "one".to_owned(),
                    },
                    on: &on,
                    all: self,
                    found: &self.on(&on),
                };
                panic!("{diagnosis}");
            };
            found.push(request.clone());
        }
        found.into_iter().collect()
    }
}

impl Journal {
    /// Demands something of those requests that a selection is for, as [`Requests::expect`] of all that are remembered.
    pub fn expect(&self, on: On) -> Expectation {
        self.requests().expect(on)
    }

    /// Demands that requests came in an order, as [`Requests::expect_in_order`] of all that are remembered.
    ///
    /// # Panics
    ///
    /// When one of them is missing after those before it.
    #[track_caller]
    pub fn expect_in_order(&self, selections: impl IntoIterator<Item = On>) -> Requests {
        self.requests().expect_in_order(selections)
    }
}

impl fmt::Display for Diagnosis<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            wanted, on, found, ..
        } = self;
        writeln!(f, "expected {wanted} {on}, found {}", found.len())?;
        list(f, "found", found)?;
        let others = self.all.matching(|request| !on.matches(request));
        list(f, "seen besides", &others)
    }
}

/// The newest of some requests, a line each.
fn list(f: &mut fmt::Formatter<'_>, title: &str, requests: &Requests) -> fmt::Result {
    let skipped = requests.len().saturating_sub(LISTED);
    match (requests.len(), skipped) {
        (0, _) => return writeln!(f, "{title}: nothing"),
        (_, 0) => writeln!(f, "{title}:")?,
        (all, _) => writeln!(f, "{title} (the last {LISTED} of {all}):")?,
    }
    for request in requests.iter().skip(skipped) {
        write!(f, "  {request:?}")?;
        if !request.user().is_empty() {
            write!(f, " by {}", request.user())?;
        }
        if let Some(body) = request.body_excerpt() {
            write!(f, " {body}")?;
        }
        writeln!(f)?;
    }
    Ok(())
}
