//! How operators get out of one another's way.

use std::time::Duration;

/// How operators of the same objects get out of one another's way: by Kopf's peering objects.
///
/// Of the operators that name the same peering, the one with the highest priority works, and the others
/// are paused. It is no leader election: operators of one priority are all paused, see
/// [`LeaderElectionSettings`](super::LeaderElectionSettings) for replicas.
///
/// # Examples
/// ```
/// use kopfrs::settings::Settings;
///
/// let mut settings = Settings::default();
/// settings.peering.name = "demo".into();
/// settings.peering.priority = 10;
/// settings.peering.mandatory = true;
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PeeringSettings {
    /// The name of the `ClusterKopfPeering`, or of the `KopfPeering` in each namespace. `default`.
    pub name: String,
    /// Whose priority is higher works. 0.
    pub priority: i64,
    /// How long others take this operator for alive after its last sign of life. Whole seconds; 60 s.
    pub lifetime: Duration,
    /// Whether the operator waits for the peering to be there, instead of working without. No.
    pub mandatory: bool,
    /// Whether peerings are left alone. No.
    pub standalone: bool,
    /// Whether signs of life are kept out of the log. No.
    pub stealth: bool,
    /// Whether the peering is one for the whole cluster; it is unless namespaces are named, unless set.
    pub clusterwide: Option<bool>,
}

impl Default for PeeringSettings {
    fn default() -> Self {
        Self {
            name: "default".into(),
            priority: 0,
            lifetime: Duration::from_secs(60),
            mandatory: false,
            standalone: false,
            stealth: false,
            clusterwide: None,
        }
    }
}

impl PeeringSettings {
    /// What is wrong with these settings, if anything is.
    pub(crate) fn mistake(&self) -> Option<String> {
        if self.lifetime.as_secs() == 0 || self.lifetime.subsec_nanos() > 0 {
            return Some(format!(
                "peering.lifetime is {:?}, but peers count whole seconds, from 1 on",
                self.lifetime
            ));
        }
        (self.name.is_empty()).then(|| {
            "peering.name is empty; name the peering object, or set peering.standalone".to_owned()
        })
    }
}
