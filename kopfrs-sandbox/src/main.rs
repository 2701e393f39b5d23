//! `kopfrs-sandbox serve`: a Kubernetes API server on a loopback port, until Ctrl-C.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use clap::{Parser, Subcommand};
use kopfrs_sandbox::Sandbox;

/// An embedded Kubernetes API server, to run and test operators without a cluster.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serves a sandbox over TLS on 127.0.0.1 until Ctrl-C.
    Serve(Serve),
}

#[derive(Debug, clap::Args)]
struct Serve {
    /// The port to listen on; a free one by default.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Where to write the kubeconfig; a file in the temporary directory by default.
    #[arg(long)]
    kubeconfig: Option<PathBuf>,
    /// YAML files, or directories of them, to load at the start.
    #[arg(long)]
    load: Vec<PathBuf>,
    /// Enforce roles and bindings. The kubeconfig is of an administrator.
    #[arg(long)]
    rbac: bool,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    match Arguments::parse().command {
        Command::Serve(arguments) => serve(arguments).await,
    }
}

async fn serve(arguments: Serve) -> Result<(), Box<dyn std::error::Error>> {
    let sandbox = Sandbox::builder().rbac(arguments.rbac).build();
    for path in &arguments.load {
        load(&sandbox, path).await?;
    }
    let server = sandbox
        .serve_on(SocketAddr::from(([127, 0, 0, 1], arguments.port)))
        .await?;
    let file = arguments.kubeconfig.unwrap_or_else(|| {
        std::env::temp_dir().join(format!(
            "kopfrs-sandbox-{}.kubeconfig",
            server.addr().port()
        ))
    });
    server.write_kubeconfig(&file)?;
    println!("export KUBECONFIG={}", file.display());
    tokio::signal::ctrl_c().await?;
    server.stop().await;
    Ok(())
}

/// Loads a file, or the YAML files of a directory in the order of their names.
async fn load(sandbox: &Sandbox, path: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let mut files = Vec::new();
    if path.is_dir() {
        for entry in std::fs::read_dir(path)? {
            let file = entry?.path();
            if file
                .extension()
                .is_some_and(|extension| extension == "yaml" || extension == "yml")
            {
                files.push(file);
            }
        }
        files.sort();
    } else {
        files.push(path.to_owned());
    }
    for file in files {
        let text = std::fs::read_to_string(&file)
            .map_err(|error| format!("{}: {error}", file.display()))?;
        let applied = sandbox
            .apply_yaml(&text)
            .await
            .map_err(|error| format!("{}: {error}", file.display()))?;
        eprintln!("loaded {} objects from {}", applied.len(), file.display());
    }
    Ok(())
}
