//! `freeze` and `resume`: pausing the operators in a peering by hand.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use super::logging::{self, LogOptions};
use super::run::{said, until_ended};
use crate::api::{Connection, Login, Outfit, Vault, login};
use crate::clock::Clock;
use crate::engine::peering::{Peer, Place, identity, is_peering};
use crate::reactor::discover;
use crate::settings::NetworkingSettings;

/// The priority of an operator that is being developed.
const DEV_PRIORITY: i64 = 666;

/// Which peering is meant, and who says so.
#[derive(Clone, Debug, Args)]
pub(crate) struct WhereOptions {
    /// The name of the peering.
    #[arg(short = 'P', long, env = "KOPFRS_PEERING", value_name = "NAME")]
    peering: String,
    /// The peering in this namespace; may be repeated. Default: that of the cluster.
    #[arg(
        short,
        long = "namespace",
        env = "KOPFRS_NAMESPACE",
        value_delimiter = ',',
        value_name = "NAMESPACE"
    )]
    namespaces: Vec<String>,
    /// The peering of the cluster.
    #[arg(
        short = 'A',
        long,
        env = "KOPFRS_ALL_NAMESPACES",
        conflicts_with = "namespaces"
    )]
    all_namespaces: bool,
    /// The entry to make or to remove. Default: who and where you are.
    #[arg(short, long, value_name = "IDENTITY")]
    id: Option<String>,
    /// Use this kubeconfig.
    #[arg(long, env = "KOPFRS_KUBECONFIG", value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// Use this context of the kubeconfig.
    #[arg(long, env = "KOPFRS_CONTEXT", value_name = "NAME")]
    context: Option<String>,
    #[command(flatten)]
    log: LogOptions,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct FreezeOptions {
    #[command(flatten)]
    place: WhereOptions,
    /// Operators of this priority and of lower ones are paused.
    #[arg(
        short,
        long,
        env = "KOPFRS_PRIORITY",
        value_name = "NUMBER",
        default_value_t = 100,
        allow_negative_numbers = true
    )]
    priority: i64,
    /// The priority 666.
    #[arg(long, env = "KOPFRS_DEV")]
    dev: bool,
    /// For how many seconds they are paused, unless they are resumed before.
    #[arg(short = 't', long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    lifetime: u32,
    /// Why: the operators say it in their logs.
    #[arg(short, long, value_name = "TEXT")]
    message: Option<String>,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct ResumeOptions {
    #[command(flatten)]
    place: WhereOptions,
}

/// What is done with an entry.
enum Entry {
    Make {
        priority: i64,
        lifetime: Duration,
        message: Option<String>,
    },
    Remove,
}

/// Pauses operators.
pub(crate) fn freeze(options: &FreezeOptions) -> ExitCode {
    let entry = Entry::Make {
        priority: if options.dev {
            DEV_PRIORITY
        } else {
            options.priority
        },
        lifetime: Duration::from_secs(options.lifetime.into()),
        message: options.message.clone(),
    };
    until_ended(enter(&options.place, entry))
}

/// Lets paused operators go on.
pub(crate) fn resume(options: &ResumeOptions) -> ExitCode {
    until_ended(enter(&options.place, Entry::Remove))
}

async fn enter(options: &WhereOptions, entry: Entry) -> Result<(), String> {
    logging::init(&options.log);
    let clock = Clock::start();
    let connection = connect(options, clock).await?;
    let identity = options
        .id
        .clone()
        .unwrap_or_else(|| identity(true, clock.now()));
    for place in places(options, &connection).await? {
        let is_there = match &entry {
            Entry::Make {
                priority,
                lifetime,
                message,
            } => {
                let mut peer = Peer::alive(&identity, (*priority, *lifetime), clock.now());
                peer.message.clone_from(message);
                place.enter(&connection, &peer).await
            }
            Entry::Remove => {
                place
                    .remove(&connection, std::slice::from_ref(&identity))
                    .await
            }
        };
        if !is_there.map_err(said)? {
            return Err(format!(
                "{place} is not there; see `kubectl get {}`",
                place.resource.plural
            ));
        }
        match &entry {
            Entry::Make { lifetime, .. } => println!(
                "{place}: operators are paused for {} s, by the entry {identity}",
                lifetime.as_secs()
            ),
            Entry::Remove => println!("{place}: the entry {identity} is removed"),
        }
    }
    Ok(())
}

async fn connect(options: &WhereOptions, clock: Clock) -> Result<Connection, String> {
    // Without a choice rustls panics where a program has several providers; the first choice counts.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (kubeconfig, context) = (options.kubeconfig.clone(), options.context.clone());
    let login: Login = Arc::new(move || {
        let (kubeconfig, context) = (kubeconfig.clone(), context.clone());
        Box::pin(async move {
            if kubeconfig.is_none() && context.is_none() {
                return Ok(vec![login::infer().await?]);
            }
            Ok(vec![login::kubeconfig(kubeconfig, context).await?])
        })
    });
    let settings = NetworkingSettings::default();
    let vault = Vault::open(login, Outfit::new(settings.clone()), clock);
    let vault = vault.await.map_err(said)?;
    Ok(Connection::new(vault.client(), settings))
}

/// The peerings that are meant.
async fn places(options: &WhereOptions, connection: &Connection) -> Result<Vec<Place>, String> {
    let is_clusterwide = options.namespaces.is_empty();
    let discovery = discover(connection, &[]).await.map_err(said)?;
    let resources = discovery.resources.into_iter();
    let resources: Vec<_> = resources
        .filter(|resource| is_peering(resource, is_clusterwide))
        .map(Arc::new)
        .collect();
    if resources.is_empty() {
        let kind = if is_clusterwide {
            "clusterkopfpeerings.kopf.dev"
        } else {
            "kopfpeerings.kopf.dev"
        };
        return Err(format!(
            "{kind} is not served by the API: install the definitions of peerings"
        ));
    }
    let namespaces: Vec<Option<String>> = if is_clusterwide {
        vec![None]
    } else {
        options.namespaces.iter().cloned().map(Some).collect()
    };
    let places = resources.iter().flat_map(|resource| {
        namespaces.iter().map(|namespace| Place {
            resource: resource.clone(),
            namespace: namespace.clone(),
            name: options.peering.clone(),
        })
    });
    Ok(places.collect())
}
