//! How one of several replicas is chosen to work.

use std::time::Duration;

/// How one of several replicas is chosen to work, by a Lease.
///
/// The one that holds the lease works; the others stand by, and one of them takes over when the lease was
/// not renewed for [`lease_duration`](Self::lease_duration). Who could not renew it for
/// [`renew_deadline`](Self::renew_deadline) writes nothing any more, and pauses.
///
/// # Examples
/// ```
/// use kopfrs::settings::Settings;
///
/// let mut settings = Settings::default();
/// settings.leader_election.enabled = true;
/// settings.leader_election.lease_name = Some("demo".into());
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LeaderElectionSettings {
    /// Whether there is an election at all. No.
    pub enabled: bool,
    /// The name of the Lease. That of the program, unless set.
    pub lease_name: Option<String>,
    /// The namespace of the Lease. That of the credentials, unless set: where the pod runs.
    pub namespace: Option<String>,
    /// How long others wait after the last renewal they have seen. Whole seconds; 15 s.
    pub lease_duration: Duration,
    /// How long after its last renewal a leader goes on; shorter than the lease. 10 s.
    pub renew_deadline: Duration,
    /// How often the lease is renewed; those who stand by look at it twice as often. 2 s.
    pub retry_period: Duration,
    /// Who this replica is. The name of the pod (`POD_NAME`, else the host) with a random end, unless set.
    pub identity: Option<String>,
}

impl Default for LeaderElectionSettings {
    fn default() -> Self {
        Self {
            enabled: false,
            lease_name: None,
            namespace: None,
            lease_duration: Duration::from_secs(15),
            renew_deadline: Duration::from_secs(10),
            retry_period: Duration::from_secs(2),
            identity: None,
        }
    }
}

impl LeaderElectionSettings {
    /// What is wrong with these times, if anything is.
    pub(crate) fn mistake(&self) -> Option<String> {
        let Self {
            lease_duration: lease,
            renew_deadline: renew,
            retry_period: retry,
            ..
        } = *self;
        if lease.as_secs() == 0 || lease.subsec_nanos() > 0 {
            return Some(format!(
                "leader_election.lease_duration is {lease:?}, but a Lease counts whole seconds, from 1 on"
            ));
        }
        if renew >= lease {
            return Some(format!(
                "leader_election.renew_deadline ({renew:?}) is to be shorter than leader_election.lease_duration \
                 ({lease:?}): who has lost the lease must have ended before another one begins"
            ));
        }
        if retry.is_zero() || retry >= renew {
            return Some(format!(
                "leader_election.retry_period ({retry:?}) is to be shorter than leader_election.renew_deadline \
                 ({renew:?}), and not zero"
            ));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_that_cannot_work_are_told_by_their_names() {
        let with = |lease, renew, retry| LeaderElectionSettings {
            lease_duration: Duration::from_millis(lease),
            renew_deadline: Duration::from_millis(renew),
            retry_period: Duration::from_millis(retry),
            ..LeaderElectionSettings::default()
        };
        assert_eq!(LeaderElectionSettings::default().mistake(), None);
        assert_eq!(with(3000, 2000, 500).mistake(), None);
        for (settings, field) in [
            (with(500, 200, 100), "lease_duration"),
            (with(0, 0, 0), "lease_duration"),
            (with(10_000, 10_000, 1000), "renew_deadline"),
            (with(10_000, 5000, 5000), "retry_period"),
            (with(10_000, 5000, 0), "retry_period"),
        ] {
            let said = settings.mistake().unwrap();
            assert!(
                said.starts_with(&format!("leader_election.{field}")),
                "{said}"
            );
        }
    }
}
