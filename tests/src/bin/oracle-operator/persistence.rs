//! Where the operator under test keeps its state.

use kopfrs::storage::{Persistence, Place};
use serde_json::{Map, Value};

use crate::Failure;

/// What `ORC_STORAGE` asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Storage {
    /// Whatever the framework chooses for a kind.
    Auto,
    /// This place, whatever the kind offers.
    Fixed(Place),
}

impl Storage {
    pub(crate) fn from_environment() -> Result<Self, Failure> {
        match std::env::var("ORC_STORAGE").as_deref() {
            Err(_) | Ok("" | "auto") => Ok(Self::Auto),
            Ok("kopf") => Ok(Self::Fixed(Place::Kopf)),
            Ok("annotations") => Ok(Self::Fixed(Place::Annotations)),
            Ok("status") => Ok(Self::Fixed(Place::Status)),
            Ok(other) => Err(format!("unknown storage {other:?}").into()),
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Fixed(Place::Kopf) => "kopf",
            Self::Fixed(Place::Annotations) => "annotations",
            Self::Fixed(Place::Status) => "status",
        }
    }

    /// The persistence of an operator with these settings of its fixture.
    pub(crate) fn persistence(self, settings: &Map<String, Value>) -> Result<Persistence, Failure> {
        let mut persistence = match self {
            Self::Fixed(Place::Kopf) => Persistence::kopf(),
            Self::Auto | Self::Fixed(_) => Persistence::default(),
        };
        let text = |value: &Value| value.as_str().map(str::to_owned);
        for (key, value) in settings {
            match (key.as_str(), text(value)) {
                ("prefix", Some(prefix)) => persistence = Persistence::new(prefix),
                ("finalizer", Some(_)) => {}
                _ => return Err(format!("kopfrs does not have the setting `{key}` yet").into()),
            }
        }
        if let Some(finalizer) = settings.get("finalizer").and_then(text) {
            persistence = persistence.with_finalizer(finalizer);
        }
        Ok(match self {
            Self::Auto => persistence,
            Self::Fixed(place) => persistence.with_place(place),
        })
    }
}
