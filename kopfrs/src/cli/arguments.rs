//! The arguments, each of them also in the environment.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use super::duty::DutyOptions;
use super::logging::LogOptions;
use super::manifests::ManifestOptions;
use super::peering::{FreezeOptions, ResumeOptions};

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
    /// Pause the operators in a peering for a while: enter one that goes before them.
    Freeze(FreezeOptions),
    /// Let the operators in a peering go on that `freeze` has paused.
    Resume(ResumeOptions),
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
    /// Tell of health and metrics under this address: /livez, /readyz, /healthz, /metrics.
    #[cfg(feature = "admin")]
    #[arg(long, env = "KOPFRS_ADMIN", value_name = "ADDRESS")]
    pub(super) admin: Option<String>,
    /// Tell what probes tell under this URL: `http://0.0.0.0:8080/healthz`.
    #[cfg(feature = "admin")]
    #[arg(short = 'L', long, env = "KOPFRS_LIVENESS", value_name = "URL")]
    pub(super) liveness: Option<String>,
    #[cfg(feature = "sandbox")]
    #[command(flatten)]
    pub(crate) sandbox: SandboxOptions,
    #[command(flatten)]
    pub(crate) log: LogOptions,
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
