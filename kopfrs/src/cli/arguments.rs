//! The arguments, each of them also in the environment.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::duty::DutyOptions;
use super::manifests::ManifestOptions;

/// A Kubernetes operator made with kopfrs.
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
    #[command(flatten)]
    pub(super) run: RunOptions,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run the operator (the default).
    Run(RunOptions),
    /// List the handlers that the program declares.
    Handlers,
    /// Print the definitions (CRDs) of the kinds that handlers are declared for.
    Crd,
    /// Print what a cluster needs to run the operator, with the least rights.
    Manifests(ManifestOptions),
    /// Print the versions of the program and of the framework.
    Version,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct RunOptions {
    /// Handle the objects of these namespaces only: a name, a pattern (`team-*`), an exclusion
    /// (`!kube-*`); several with commas, or repeated. The last that matches decides. Default: all
    /// namespaces.
    #[arg(
        short,
        long = "namespace",
        env = "KOPFRS_NAMESPACE",
        value_delimiter = ',',
        value_name = "PATTERN"
    )]
    pub(super) namespaces: Vec<String>,
    /// Handle the objects of all namespaces.
    #[arg(
        short = 'A',
        long,
        env = "KOPFRS_ALL_NAMESPACES",
        conflicts_with = "namespaces"
    )]
    pub(super) all_namespaces: bool,
    /// Use this kubeconfig.
    #[arg(long, env = "KOPFRS_KUBECONFIG", value_name = "FILE")]
    pub(super) kubeconfig: Option<PathBuf>,
    /// Use this context of the kubeconfig.
    #[arg(long, env = "KOPFRS_CONTEXT", value_name = "NAME")]
    pub(super) context: Option<String>,
    #[command(flatten)]
    pub(super) duty: DutyOptions,
    #[cfg(feature = "sandbox")]
    #[command(flatten)]
    pub(crate) sandbox: SandboxOptions,
    /// Log more of what the operator does.
    #[arg(short, long, env = "KOPFRS_VERBOSE")]
    pub(super) verbose: bool,
    /// Log everything, requests included.
    #[arg(short, long, env = "KOPFRS_DEBUG")]
    pub(super) debug: bool,
    /// Log only warnings and errors.
    #[arg(short, long, env = "KOPFRS_QUIET", conflicts_with_all = ["verbose", "debug"])]
    pub(super) quiet: bool,
    /// How log lines look.
    #[arg(long, env = "KOPFRS_LOG_FORMAT", value_enum, default_value_t)]
    pub(super) log_format: LogFormat,
}

/// Running without a cluster.
#[cfg(feature = "sandbox")]
#[derive(Clone, Debug, Args)]
pub(crate) struct SandboxOptions {
    /// Run on an embedded API server instead of a cluster; prints the KUBECONFIG for kubectl.
    #[arg(long, env = "KOPFRS_SANDBOX", conflicts_with_all = ["kubeconfig", "context"])]
    pub(crate) sandbox: bool,
    /// Load the objects of this YAML file, or of all in this folder, into the embedded API server; may
    /// be repeated.
    #[arg(
        long,
        env = "KOPFRS_APPLY",
        value_delimiter = ',',
        requires = "sandbox",
        value_name = "PATH"
    )]
    pub(super) apply: Vec<PathBuf>,
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
