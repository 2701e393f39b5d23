//! Putting an operator together.

use std::fmt;

use futures::future::BoxFuture;

use super::error::OperatorError;
use super::run;
#[cfg(feature = "admin")]
use crate::admin::{Endpoint, EndpointError};
use crate::api::Credentials;
use crate::extract::bequeath;
use crate::handler::Memos;
#[cfg(feature = "testing")]
use crate::reactor::Observer;
use crate::reactor::{Patterns, Scope};
use crate::registry::Registry;
use crate::settings::{Settings, SettingsHandle};

/// An operator that is ready to run.
///
/// Several may run in one process, each with handlers of its own.
///
/// # Examples
/// ```no_run
/// use kopfrs::{Operator, Registry};
///
/// # async fn f() -> Result<(), kopfrs::operator::OperatorError> {
/// let operator = Operator::builder().registry(Registry::module("my::handlers")).namespace("demo").build()?;
/// operator.run().await
/// # }
/// ```
pub struct Operator {
    pub(super) registry: Registry,
    pub(super) settings: SettingsHandle,
    pub(super) memos: Memos,
    pub(super) scope: Scope,
    pub(super) access: Access,
    pub(super) stop: Option<BoxFuture<'static, ()>>,
    pub(super) cancel: Option<BoxFuture<'static, ()>>,
    /// Nothing else goes on in this process.
    pub(super) is_whole_program: bool,
    pub(super) on_ready: Option<Box<dyn FnOnce(Ready) + Send>>,
    #[cfg(feature = "admin")]
    pub(super) endpoints: Vec<Endpoint>,
    #[cfg(feature = "testing")]
    pub(super) observer: Observer,
}

/// What is known once an operator watches everything.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Ready {
    /// The settings, as the startup handlers left them.
    pub settings: std::sync::Arc<Settings>,
}

/// How the API is reached.
pub(super) enum Access {
    /// As login handlers say, else by what is found.
    Login,
    /// By these, if no login handler says otherwise.
    Given(Box<Credentials>),
    /// By these and no others.
    #[cfg_attr(
        not(any(feature = "testing", all(feature = "sandbox", feature = "cli"))),
        expect(dead_code, reason = "only the sandbox and tests are so strict")
    )]
    Only(Box<Credentials>),
    /// By this client and no other.
    Client(kube::Client),
}

/// Puts an [`Operator`] together.
pub struct OperatorBuilder {
    operator: Operator,
    is_registry_set: bool,
    namespaces: Vec<String>,
    #[cfg(feature = "admin")]
    endpoints: Vec<Result<Endpoint, EndpointError>>,
}

impl Operator {
    /// An operator of all handlers that the program declares, in all namespaces, with whatever
    /// credentials are found, until SIGINT or SIGTERM; unless said otherwise.
    pub fn builder() -> OperatorBuilder {
        let operator = Self {
            registry: Registry::new(),
            settings: SettingsHandle::default(),
            memos: Memos::default(),
            scope: Scope::Cluster,
            access: Access::Login,
            stop: None,
            cancel: None,
            is_whole_program: false,
            on_ready: None,
            #[cfg(feature = "admin")]
            endpoints: Vec::new(),
            #[cfg(feature = "testing")]
            observer: Observer::default(),
        };
        OperatorBuilder {
            operator,
            is_registry_set: false,
            namespaces: Vec::new(),
            #[cfg(feature = "admin")]
            endpoints: Vec::new(),
        }
    }

    /// The namespaces that are served, if all of them are named exactly.
    #[cfg(feature = "cli")]
    pub(crate) fn plain_namespaces(&self) -> Option<Vec<String>> {
        match &self.scope {
            Scope::Namespaces(patterns) if patterns.names_only() => {
                Some(patterns.names().map(str::to_owned).collect())
            }
            Scope::Namespaces(_) | Scope::Cluster => None,
        }
    }

    /// Runs until it is told to stop: startup handlers, login, then objects; when it is told to stop,
    /// running handlers may finish within the drain budget, then come the cleanup handlers.
    ///
    /// # Errors
    /// If it could not start, or a cleanup handler has failed.
    pub async fn run(self) -> Result<(), OperatorError> {
        run::run(self).await
    }
}

impl OperatorBuilder {
    /// Sets the handlers. By default they are all that the program declares with attributes.
    pub fn registry(mut self, registry: Registry) -> Self {
        self.operator.registry = registry;
        self.is_registry_set = true;
        self
    }

    /// Sets the settings that startup handlers begin with.
    pub fn settings(mut self, settings: Settings) -> Self {
        self.operator.settings = SettingsHandle::new(settings);
        self
    }

    /// Adds to the namespaces whose objects are handled: a name (`team-a`), a pattern (`team-*`, with `*`
    /// for any text and `?` for any character), an exclusion (`!kube-*`), or several with commas in
    /// between. What matches no namespace now may match one later.
    ///
    /// The last item that matches a namespace decides: `myapp-*, !*-pr-*, *-pr-123`. Where the first
    /// item excludes, all others are meant; `*` counts as the first item wherever it stands.
    ///
    /// Plain names are watched whether they exist or not. For patterns and exclusions the operator needs
    /// the right to list and watch namespaces; without it, only plain names are served. It begins with a
    /// namespace when that appears, and ends with it when it is gone: a namespace that is being deleted
    /// waits for the deletion handlers of its objects, as long as the operator may patch them there.
    ///
    /// # Examples
    /// ```
    /// # use k8s_openapi::api::core::v1::Pod;
    /// # use kopfrs::{Operator, Registry, on};
    /// # let registry = || Registry::new().add(on::create::<Pod>().id("create").run(async || {}));
    /// let operator = Operator::builder().registry(registry()).namespace("team-*, !team-x").build()?;
    ///
    /// let wrong = Operator::builder().registry(registry()).namespace("Team_A").build();
    /// assert!(wrong.unwrap_err().to_string().starts_with("\"Team_A\" names no namespaces"));
    /// # Ok::<(), kopfrs::operator::OperatorError>(())
    /// ```
    pub fn namespace(mut self, pattern: impl Into<String>) -> Self {
        self.namespaces.push(pattern.into());
        self
    }

    /// Gives a value to the operator's activities as their `Memo<T>`; the memos of this type of all objects begin as copies
    /// of it, as it is when their handlers take one for the first time.
    ///
    /// # Examples
    /// ```standalone_crate
    /// # use k8s_openapi::api::core::v1::Pod;
    /// use kopfrs::prelude::*;
    ///
    /// #[derive(Clone, Debug, Default)]
    /// struct Templates { greeting: String }
    ///
    /// #[on::create(Pod)]
    /// fn create(memo: Memo<Templates>) -> String {
    ///     memo.get().greeting
    /// }
    ///
    /// let templates = Templates { greeting: "hello".to_owned() };
    /// let operator = Operator::builder().memo(templates).build()?;
    /// # Ok::<(), kopfrs::operator::OperatorError>(())
    /// ```
    pub fn memo<T: Clone + Default + Send + 'static>(self, value: T) -> Self {
        bequeath(&self.operator.memos, value);
        self
    }

    /// Sets the credentials to be used if no login handler returns others.
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.operator.access = Access::Given(Box::new(credentials));
        self
    }

    /// Sets the credentials, and refuses others: the sandbox must not be mixed up with a cluster.
    #[cfg(all(feature = "sandbox", feature = "cli"))]
    pub(crate) fn only_credentials(mut self, credentials: Credentials) -> Self {
        crate::api::login::give(credentials.clone(), true);
        self.operator.access = Access::Only(Box::new(credentials));
        self
    }

    /// Sets the credentials, and refuses others, those of the command line included: the operator of a
    /// test must not meet any other cluster.
    #[cfg(feature = "testing")]
    pub(crate) fn confined_to(mut self, credentials: Credentials) -> Self {
        self.operator.access = Access::Only(Box::new(credentials));
        self
    }

    /// Lets somebody see what the operator has to do.
    #[cfg(feature = "testing")]
    pub(crate) fn observed_by(mut self, observer: Observer) -> Self {
        self.operator.observer = observer;
        self
    }

    /// Sets the client. Login handlers are called, but what they return is not used.
    pub fn client(mut self, client: kube::Client) -> Self {
        self.operator.access = Access::Client(client);
        self
    }

    /// Stops the operator when a future ends, instead of at SIGINT and SIGTERM.
    pub fn stop_when(mut self, stop: impl Future<Output = ()> + Send + 'static) -> Self {
        self.operator.stop = Some(Box::pin(stop));
        self
    }

    /// Cancels running handlers when a future ends that began as the operator was told to stop,
    /// instead of at a second signal.
    pub fn cancel_when(mut self, cancel: impl Future<Output = ()> + Send + 'static) -> Self {
        self.operator.cancel = Some(Box::pin(cancel));
        self
    }

    /// Nothing else goes on in this process: it may be ended if the operator does not end.
    #[cfg(feature = "cli")]
    pub(crate) fn whole_program(mut self) -> Self {
        self.operator.is_whole_program = true;
        self
    }

    /// Calls a function when all objects that are there have been listed and are being watched.
    pub fn on_ready(mut self, on_ready: impl FnOnce(Ready) + Send + 'static) -> Self {
        self.operator.on_ready = Some(Box::new(on_ready));
        self
    }

    /// Tells of health and metrics under an address: `0.0.0.0:8080`, `:8080`, `localhost:8080`.
    ///
    /// There are `/livez`, `/readyz`, `/healthz` (the probes) and `/metrics`. May be called several times.
    ///
    /// # Examples
    /// ```
    /// # use k8s_openapi::api::core::v1::Pod;
    /// # use kopfrs::{Operator, Registry, on};
    /// # let registry = || Registry::new().add(on::create::<Pod>().id("create").run(async || {}));
    /// let operator = Operator::builder().registry(registry()).admin(":8080").build()?;
    ///
    /// let wrong = Operator::builder().registry(registry()).admin("everywhere").build();
    /// assert!(wrong.unwrap_err().to_string().starts_with("\"everywhere\" is no address to listen on"));
    /// # Ok::<(), kopfrs::operator::OperatorError>(())
    /// ```
    #[cfg(feature = "admin")]
    pub fn admin(mut self, address: impl AsRef<str>) -> Self {
        self.endpoints.push(Endpoint::of_address(address.as_ref()));
        self
    }

    /// Tells what probes tell under a URL: `http://0.0.0.0:8080/healthz`, as Kopf's `--liveness`; and the
    /// rest beside it.
    ///
    /// # Examples
    /// ```
    /// # use k8s_openapi::api::core::v1::Pod;
    /// # use kopfrs::{Operator, Registry, on};
    /// # let registry = || Registry::new().add(on::create::<Pod>().id("create").run(async || {}));
    /// let operator = Operator::builder().registry(registry()).liveness("http://0.0.0.0:8080/healthz").build()?;
    /// # Ok::<(), kopfrs::operator::OperatorError>(())
    /// ```
    #[cfg(feature = "admin")]
    pub fn liveness(mut self, url: impl AsRef<str>) -> Self {
        self.endpoints.push(Endpoint::of_url(url.as_ref()));
        self
    }

    /// Puts the operator together.
    ///
    /// # Errors
    /// If there are no handlers, or they or the namespaces cannot be as they are.
    pub fn build(mut self) -> Result<Operator, OperatorError> {
        if !self.is_registry_set {
            self.operator.registry = Registry::collect();
        }
        self.operator.registry.ensure_not_empty()?;
        self.operator.registry.check_activities()?;
        self.operator.registry.check_indices()?;
        self.operator.registry.check_webhooks()?;
        #[cfg(feature = "admin")]
        {
            let endpoints = self.endpoints.into_iter().collect::<Result<_, _>>();
            self.operator.endpoints = endpoints?;
        }
        if !self.namespaces.is_empty() {
            let mut patterns = Patterns::default();
            for text in &self.namespaces {
                patterns.add(text).map_err(OperatorError::Namespace)?;
            }
            self.operator.scope = Scope::Namespaces(patterns);
        }
        Ok(self.operator)
    }
}

impl fmt::Debug for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operator")
            .field("registry", &self.registry)
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for OperatorBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OperatorBuilder")
            .field("registry", &self.operator.registry)
            .field("namespaces", &self.namespaces)
            .finish_non_exhaustive()
    }
}
