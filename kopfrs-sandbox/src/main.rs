//! `kopfrs-sandbox serve`: a Kubernetes API server on a loopback port, until Ctrl-C.

use std::{
    borrow::Cow,
    error::Error,
    io::Write,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Parser, Subcommand};
use kopfrs_sandbox::{Sandbox, ServeError, Server};
use tracing_subscriber::{EnvFilter, filter::LevelFilter};

/// An embedded Kubernetes API server, to run and test operators without a cluster.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serves a sandbox over TLS on 127.0.0.1 until Ctrl-C, and prints what to export.
    Serve(Serve),
}

#[derive(Debug, clap::Args)]
struct Serve {
    /// The port to listen on; by default the one that the persisted state was served on before, or a free one.
    #[arg(long)]
    port: Option<u16>,
    /// Where to write the kubeconfig; by default a file in the temporary directory.
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// YAML files, or directories of them, to apply at the start; can be given several times.
    #[arg(long, value_name = "FILE or DIR")]
    load: Vec<PathBuf>,
    /// Keep the state in this file: the next start goes on from there, and kubeconfigs stay good.
    #[arg(long, value_name = "FILE")]
    persist: Option<PathBuf>,
    /// Enforce roles and bindings. The kubeconfig is of an administrator.
    #[arg(long)]
    rbac: bool,
}

type Failure = Box<dyn Error>;

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::WARN.into())
        .from_env_lossy();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    let result = match Arguments::parse().command {
        Command::Serve(arguments) => serve(&arguments).await,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {}", told(failure.as_ref()));
            ExitCode::FAILURE
        }
    }
}

async fn serve(arguments: &Serve) -> Result<(), Failure> {
    // Before anybody can have been told that it is up.
    let stop = stop_signals()?;
    tokio::pin!(stop);
    let (sandbox, server, _kubeconfig) = tokio::select! {
        started = start(arguments) => started?,
        () = &mut stop => return Ok(()),
    };
    stop.await;
    server.stop().await;
    sandbox.close().await?;
    Ok(())
}

async fn start(arguments: &Serve) -> Result<(Sandbox, Server, Kubeconfig), Failure> {
    let builder = Sandbox::builder().rbac(arguments.rbac);
    let sandbox = match &arguments.persist {
        Some(file) => builder.persist(file)?,
        None => builder.build(),
    };
    for path in &arguments.load {
        let applied = sandbox.load(path).await?;
        eprintln!("applied {} objects of {}", applied.len(), path.display());
    }
    let server = listen(&sandbox, arguments.port).await?;
    let kubeconfig = Kubeconfig::write(&server, arguments)?;
    let mut out = std::io::stdout();
    // Whoever does not read it any more has no use for it.
    let _ =
        writeln!(out, "export KUBECONFIG={}", quoted(&kubeconfig.path)).and_then(|()| out.flush());
    Ok((sandbox, server, kubeconfig))
}

async fn listen(sandbox: &Sandbox, port: Option<u16>) -> Result<Server, Failure> {
    let served = match port {
        Some(port) => {
            sandbox
                .serve_on(SocketAddr::from(([127, 0, 0, 1], port)))
                .await
        }
        None => sandbox.serve().await,
    };
    served.map_err(|error| match (&error, port) {
        (ServeError::Listen { .. }, Some(_)) => {
            let advice = "choose another port with --port, or leave it out for a free one";
            format!("{}; {advice}", told(&error)).into()
        }
        _ => error.into(),
    })
}

/// The kubeconfig that was written; one that nobody asked for goes with the program.
struct Kubeconfig {
    path: PathBuf,
    is_temporary: bool,
}

impl Kubeconfig {
    fn write(server: &Server, arguments: &Serve) -> Result<Self, ServeError> {
        let path = match &arguments.kubeconfig {
            Some(path) => std::path::absolute(path).unwrap_or_else(|_| path.clone()),
            None => {
                let name = format!("kopfrs-sandbox-{}.kubeconfig", server.addr().port());
                std::env::temp_dir().join(name)
            }
        };
        server.write_kubeconfig(&path)?;
        // It stays good if the state is kept.
        let is_temporary = arguments.kubeconfig.is_none() && arguments.persist.is_none();
        Ok(Self { path, is_temporary })
    }
}

impl Drop for Kubeconfig {
    fn drop(&mut self) {
        if self.is_temporary {
            // Gone already is gone.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Ends when the program shall: at Ctrl-C, when asked to terminate, or when its terminal goes.
#[cfg(unix)]
fn stop_signals() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    })
}

/// Ends when the program shall: at Ctrl-C.
#[cfg(not(unix))]
fn stop_signals() -> std::io::Result<impl Future<Output = ()>> {
    Ok(async {
        // Without the signal nothing can be waited for.
        let _ = tokio::signal::ctrl_c().await;
    })
}

/// A path as a shell reads it.
fn quoted(path: &Path) -> Cow<'_, str> {
    let text = path.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%".contains(c);
    if text.chars().all(plain) {
        return text;
    }
    format!("'{}'", text.replace('\'', r"'\''")).into()
}

/// An error and what caused it, in one line.
fn told(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
