//! What can be chosen about the log.

use clap::builder::BoolishValueParser;
use clap::{Args, ValueEnum};

/// What a line of JSON says under names of its own.
const TAKEN: [&str; 5] = ["handler", "level", "message", "target", "time"];

#[derive(Clone, Debug, Args)]
pub(crate) struct LogOptions {
    /// Log more of what the operator does.
    #[arg(short, long, env = "KOPFRS_VERBOSE", value_parser = BoolishValueParser::new())]
    pub(super) verbose: bool,
    /// Log everything, requests included.
    #[arg(short, long, env = "KOPFRS_DEBUG", value_parser = BoolishValueParser::new())]
    pub(super) debug: bool,
    /// Log only warnings and errors.
    #[arg(short, long, env = "KOPFRS_QUIET", value_parser = BoolishValueParser::new(), conflicts_with_all = ["verbose", "debug"])]
    pub(super) quiet: bool,
    /// How log lines look.
    #[arg(long, env = "KOPFRS_LOG_FORMAT", value_enum, default_value_t)]
    pub(super) log_format: LogFormat,
    /// The key under which lines of JSON say which object they are about.
    #[arg(long, env = "KOPFRS_LOG_REFKEY", value_name = "KEY", default_value = "object", value_parser = refkey)]
    pub(super) log_refkey: String,
    /// Begin messages with the `[namespace/name]` of their object. Default: in text, and not in JSON.
    /// [env: KOPFRS_LOG_PREFIX=]
    #[arg(
        long,
        value_name = "BOOL",
        value_parser = BoolishValueParser::new(),
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        overrides_with = "no_log_prefix"
    )]
    log_prefix: Option<bool>,
    /// Do not begin messages with their object.
    #[arg(long, overrides_with = "log_prefix")]
    no_log_prefix: bool,
    // An argument of its own: whoever overrides another one cannot be used beside a variable of the other's.
    #[arg(long, hide = true, env = "KOPFRS_LOG_PREFIX", value_parser = BoolishValueParser::new())]
    usual_log_prefix: Option<bool>,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Time, level, object, handler, message; coloured on a terminal.
    #[default]
    Full,
    /// Level, object, handler, message.
    Plain,
    /// One JSON object a line.
    Json,
}

impl LogOptions {
    /// Whether messages begin with their object.
    pub(super) fn has_prefix(&self) -> bool {
        let said = self.log_prefix.or(self.no_log_prefix.then_some(false));
        let said = said.or(self.usual_log_prefix);
        said.unwrap_or(self.log_format != LogFormat::Json)
    }
}

fn refkey(key: &str) -> Result<String, String> {
    if key.is_empty() {
        return Err("the key is empty; `object` is the usual one".to_owned());
    }
    if TAKEN.contains(&key) {
        let taken = TAKEN.join("`, `");
        return Err(format!(
            "`{taken}` say something else already; choose another key"
        ));
    }
    Ok(key.to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Only {
        #[command(flatten)]
        log: LogOptions,
    }

    fn parsed(arguments: &[&str]) -> Result<LogOptions, String> {
        let all = std::iter::once("demo").chain(arguments.iter().copied());
        let only = Only::try_parse_from(all).map_err(|error| error.to_string())?;
        Ok(only.log)
    }

    #[test]
    fn the_format_says_whether_messages_have_a_prefix_unless_the_options_do() {
        for (arguments, expected) in [
            (&[][..], true),
            (&["--log-format=plain"], true),
            (&["--log-format=json"], false),
            (&["--log-format=json", "--log-prefix"], true),
            (&["--log-format=json", "--log-prefix=yes"], true),
            (&["--no-log-prefix"], false),
            (&["--log-prefix=off"], false),
            (&["--log-prefix", "--no-log-prefix"], false),
            (&["--no-log-prefix", "--log-prefix"], true),
        ] {
            let options = parsed(arguments).unwrap();
            assert_eq!(options.has_prefix(), expected, "{arguments:?}");
        }
    }

    #[test]
    fn arguments_go_before_the_environment() {
        for (arguments, expected) in [
            (&[][..], true),
            (&["--no-log-prefix"], false),
            (&["--log-prefix=no"], false),
        ] {
            let mut options = parsed(&[&["--log-format=json"], arguments].concat()).unwrap();
            options.usual_log_prefix = Some(true);
            assert_eq!(options.has_prefix(), expected, "{arguments:?}");
        }
    }

    #[test]
    fn the_key_of_references_is_one_that_lines_do_not_have() {
        assert_eq!(parsed(&[]).unwrap().log_refkey, "object");
        let chosen = parsed(&["--log-refkey", "k8s_ref"]).unwrap();
        assert_eq!(chosen.log_refkey, "k8s_ref");
        for (key, expected) in [
            ("message", "say something else already; choose another key"),
            ("", "the key is empty; `object` is the usual one"),
        ] {
            let error = parsed(&[&*format!("--log-refkey={key}")]).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
