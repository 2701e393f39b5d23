//! Where the operator under test keeps its state.

use kopfrs::storage::{Persistence, Place};
use serde_json::{Map, Value};

use super::Failure;

/// What a scenario asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Storage {
    /// Whatever the framework chooses for a kind.
    Auto,
    /// This place, whatever the kind offers.
    Fixed(Place),
}

impl Storage {
    pub(crate) fn named(name: &str) -> Result<Self, Failure> {
        match name {
            "auto" => Ok(Self::Auto),
            "kopf" => Ok(Self::Fixed(Place::Kopf)),
            "annotations" => Ok(Self::Fixed(Place::Annotations)),
            "status" => Ok(Self::Fixed(Place::Status)),
            other => Err(format!("unknown storage {other:?}").into()),
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
                ("finalizer" | "admission", Some(_)) => {}
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
