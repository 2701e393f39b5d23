//! Which of several operators works, as the command line says it.

use clap::Args;

use crate::settings::Settings;

/// The priority of an operator that is being developed.
const DEV_PRIORITY: i64 = 666;

/// Which of several operators works.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct DutyOptions {
    /// Work only while holding a Lease: of several replicas, one works and the others stand by.
    #[arg(long, env = "KOPFRS_LEADER_ELECT")]
    leader_elect: bool,
    /// Take part in this peering (Kopf's): of the operators in it, the one with the highest priority
    /// works. Waits until it is there. Default: `default`, if it is there.
    #[arg(short = 'P', long, env = "KOPFRS_PEERING", value_name = "NAME")]
    peering: Option<String>,
    /// The priority among peers. Default: 0.
    #[arg(
        short,
        long,
        env = "KOPFRS_PRIORITY",
        value_name = "NUMBER",
        allow_negative_numbers = true
    )]
    priority: Option<i64>,
    /// Go before all other peers: the priority 666, for whoever develops the operator.
    #[arg(long, env = "KOPFRS_DEV", conflicts_with = "priority")]
    dev: bool,
    /// Take part in no peering.
    #[arg(long, env = "KOPFRS_STANDALONE", conflicts_with = "peering")]
    standalone: bool,
}

impl DutyOptions {
    /// The settings as the options say.
    pub(super) fn apply(&self, settings: &mut Settings) {
        settings.leader_election.enabled |= self.leader_elect;
        let peering = &mut settings.peering;
        if let Some(name) = &self.peering {
            peering.name.clone_from(name);
            peering.mandatory = true;
        }
        peering.standalone |= self.standalone;
        let priority = self.dev.then_some(DEV_PRIORITY).or(self.priority);
        peering.priority = priority.unwrap_or(peering.priority);
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        duty: DutyOptions,
    }

    fn settings(arguments: &[&str]) -> Settings {
        let line = std::iter::once("demo").chain(arguments.iter().copied());
        let mut settings = Settings::default();
        Line::try_parse_from(line)
            .unwrap()
            .duty
            .apply(&mut settings);
        settings
    }

    #[test]
    fn options_are_settings() {
        assert_eq!(settings(&[]), Settings::default());
        assert!(settings(&["--leader-elect"]).leader_election.enabled);
        let peering = settings(&["-P", "demo", "--priority=-5"]).peering;
        assert_eq!(
            (&*peering.name, peering.mandatory, peering.priority),
            ("demo", true, -5)
        );
        assert_eq!(settings(&["--dev"]).peering.priority, 666);
        assert!(settings(&["--standalone"]).peering.standalone);
        for wrong in [["--dev", "--priority=1"], ["--standalone", "--peering=a"]] {
            assert!(Line::try_parse_from(std::iter::once("demo").chain(wrong)).is_err());
        }
    }
}
