//! The handlers of an operator, in tables: one per family.
//!
//! Filled from what the attributes have declared anywhere in the program, from one module of it, or
//! by hand. Read by the engines. Knows neither causes at work nor the API.

mod collect;
mod conflict;
mod indices;
mod table;

use std::sync::Arc;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;

pub use self::collect::Submission;
pub use self::conflict::RegistryError;
pub use self::table::Table;
use crate::cause::{
    ActivityCause, AdmissionCause, ChangingCause, ConversionCause, IndexingCause, SpawningCause,
    WatchingCause,
};
use crate::handler::{Family, Handler};

/// All handlers of one operator.
///
/// # Examples
/// ```
/// use k8s_openapi::api::core::v1::Pod;
/// use kopfrs::handler::Invocation;
/// use kopfrs::cause::ChangingCause;
/// use kopfrs::object::Body;
/// use kopfrs::{Registry, on};
///
/// let registry = Registry::new()
///     .add(on::create::<Pod>().id("greet").run(async |body: Body| println!("hello, {}", body.name())))
///     .add(on::delete::<Pod>().id("part").optional(true).run(async |_: Body| {}));
/// assert_eq!(registry.changing().len(), 2);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Registry {
    activities: Table<ActivityCause>,
    indexing: Table<IndexingCause>,
    watching: Table<WatchingCause>,
    changing: Table<ChangingCause>,
    spawning: Table<SpawningCause>,
    admission: Table<AdmissionCause>,
    conversions: Table<ConversionCause>,
    definitions: Vec<Definition>,
}

/// Makes the definition of a kind from its type.
pub(crate) type Definition = fn() -> CustomResourceDefinition;

/// Families that have a table in the registry.
pub trait Registered: Family {
    /// The family's handlers.
    fn table(registry: &Registry) -> &Table<Self>;

    /// The family's handlers, to be added to.
    fn table_mut(registry: &mut Registry) -> &mut Table<Self>;
}

/// One family a row: its cause, and its table.
macro_rules! tables {
    ($($cause:ty => $table:ident),* $(,)?) => {$(
        impl Registered for $cause {
            fn table(registry: &Registry) -> &Table<Self> {
                &registry.$table
            }

            fn table_mut(registry: &mut Registry) -> &mut Table<Self> {
                &mut registry.$table
            }
        }

        impl Registry {
            /// The handlers of this family, in the order in which they are called.
            pub fn $table(&self) -> &Table<$cause> {
                &self.$table
            }
        }
    )*

        impl Registry {
            /// All who take indices.
            fn takers(&self) -> Vec<indices::Taker<'_>> {
                let mut takers = Vec::new();
                $(takers.extend(self.$table.iter().flat_map(|handler| indices::takers(handler)));)*
                takers
            }

            /// How many handlers there are.
            pub fn len(&self) -> usize {
                0 $(+ self.$table.len())*
            }

            /// Adds all handlers of another registry after those of this one.
            #[must_use]
            pub fn merge(mut self, other: &Self) -> Self {
                $(self.$table.extend(&other.$table);)*
                self.definitions.extend(&other.definitions);
                self
            }
        }
    };
}

impl Registry {
    /// Whether the API server asks any of the handlers.
    pub(crate) fn is_asked(&self) -> bool {
        !self.admission().is_empty() || !self.conversions().is_empty()
    }
}

tables! {
    ActivityCause => activities,
    IndexingCause => indexing,
    WatchingCause => watching,
    ChangingCause => changing,
    SpawningCause => spawning,
    AdmissionCause => admission,
    ConversionCause => conversions,
}

impl Registry {
    /// No handlers yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a handler after the others of its family.
    #[must_use]
    #[expect(
        clippy::should_implement_trait,
        reason = "it adds a handler, not a registry"
    )]
    pub fn add<C: Registered>(mut self, handler: Handler<C>) -> Self {
        self.push(handler);
        self
    }

    /// Adds a handler after the others of its family.
    pub fn push<C: Registered>(&mut self, handler: Handler<C>) {
        C::table_mut(self).push(Arc::new(handler));
    }

    /// Adds the definition of a kind, for the command `crd`. Attributes on types that know their
    /// definition have done so already.
    ///
    /// # Examples
    /// ```
    /// use kopfrs::prelude::*;
    ///
    /// #[derive(CustomResource, Clone, Debug, Deserialize, Serialize, JsonSchema)]
    /// #[kube(group = "example.com", version = "v1", kind = "Demo", namespaced)]
    /// struct DemoSpec {}
    ///
    /// let registry = Registry::new().define::<Demo>();
    /// assert_eq!(registry.definitions()[0].metadata.name.as_deref(), Some("demos.example.com"));
    /// ```
    #[must_use]
    pub fn define<K: CustomResourceExt>(mut self) -> Self {
        self.push_definition(Some(K::crd));
        self
    }

    /// Adds a definition, if there is one.
    #[doc(hidden)]
    pub fn push_definition(&mut self, definition: Option<fn() -> CustomResourceDefinition>) {
        self.definitions.extend(definition);
    }

    /// The definitions of the kinds that handlers are declared for, as far as their types know them;
    /// each version of a kind once.
    pub fn definitions(&self) -> Vec<CustomResourceDefinition> {
        let mut definitions: Vec<CustomResourceDefinition> = Vec::new();
        for definition in self.definitions.iter().map(|make| make()) {
            let version = |definition: &CustomResourceDefinition| {
                let first = definition.spec.versions.first();
                first.map(|version| version.name.clone())
            };
            let is_known = definitions.iter().any(|known| {
                known.metadata.name == definition.metadata.name
                    && version(known) == version(&definition)
            });
            if !is_known {
                definitions.push(definition);
            }
        }
        definitions
    }

    /// The handlers of a family.
    pub fn table<C: Registered>(&self) -> &Table<C> {
        C::table(self)
    }

    /// Whether there are no handlers at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Checks that there are handlers.
    ///
    /// # Errors
    /// If there are none, saying what the usual reason is.
    pub fn ensure_not_empty(&self) -> Result<(), RegistryError> {
        if self.is_empty() {
            return Err(RegistryError::Empty);
        }
        Ok(())
    }
}

#[cfg(all(test, feature = "macros"))]
mod tests;
