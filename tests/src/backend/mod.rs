//! The cluster of tests that are about what goes over a wire: one for all tests of a process, which is the one that
//! `kopfrs::testing` starts and cleans up. What operators do is tested with that kit itself.

mod namespace;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use kopfrs::testing::Test;
use kopfrs_sandbox::Proxy;
use serde_json::Value;
use tokio::runtime::Runtime;
use tokio::sync::Mutex;

pub use self::namespace::Namespace;
pub use crate::rest::{Kind, Rest};

/// Why there is no cluster.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The cluster of this test process.
#[derive(Debug)]
pub struct Cluster {
    runtime: Runtime,
    kubeconfig: PathBuf,
    client: Shown,
    installed: Mutex<HashSet<String>>,
}

struct Shown(kube::Client);

/// One attempt is made to start it, whatever comes of that.
static CLUSTER: OnceLock<Result<Cluster, String>> = OnceLock::new();

impl Cluster {
    /// The cluster of this process; started by whoever asks first.
    ///
    /// # Panics
    /// If there is none: tests cannot go on.
    pub fn get() -> &'static Self {
        match CLUSTER.get_or_init(Self::start) {
            Ok(cluster) => cluster,
            Err(failure) => panic!("there is no cluster to run the tests on: {failure}"),
        }
    }

    fn start() -> Result<Self, String> {
        let of_kit = Test::new("wire").wire();
        let kubeconfig = of_kit.run(async |cluster| cluster.kubeconfig().to_owned());
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("tests")
            .enable_all()
            .build()
            .map_err(|error| error.to_string())?;
        let client = runtime.block_on(client(&kubeconfig));
        Ok(Self {
            runtime,
            client: Shown(client.map_err(|error| error.to_string())?),
            kubeconfig,
            installed: Mutex::default(),
        })
    }

    /// Runs a test: its futures live on the runtime of the cluster.
    pub fn block_on<F: Future>(&self, test: F) -> F::Output {
        self.runtime.block_on(test)
    }

    /// A client with all rights.
    pub fn client(&self) -> kube::Client {
        self.client.0.clone()
    }

    /// Plain requests with all rights.
    pub fn rest(&self) -> Rest {
        Rest::new(self.client())
    }

    /// The kubeconfig of a user with all rights.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// A proxy in front of the cluster, which makes things go wrong and keeps a journal: for tests that
    /// shall hold on every cluster. Its own clients reach the cluster with all rights.
    ///
    /// # Panics
    /// If it cannot be started.
    pub async fn proxy(&self) -> Proxy {
        let proxy = match config(self.kubeconfig()).await {
            Ok(config) => Proxy::start(config).await.map_err(Failure::from),
            Err(failure) => Err(failure),
        };
        proxy.unwrap_or_else(|failure| panic!("there is no proxy: {failure}"))
    }

    /// Installs CustomResourceDefinitions, unless this process has done so already, and waits until
    /// they are served.
    ///
    /// # Panics
    /// If they cannot be installed.
    pub async fn install(&self, definitions: &[Value]) {
        let mut installed = self.installed.lock().await;
        for definition in definitions {
            let name = definition["metadata"]["name"].as_str().unwrap_or_default();
            if !installed.contains(name) {
                self.rest().install(definition).await;
                installed.insert(name.to_owned());
            }
        }
    }

    /// Takes a kind away again, and waits until it is gone.
    ///
    /// # Panics
    /// If it cannot be taken away.
    pub async fn uninstall(&self, name: &str) {
        let mut installed = self.installed.lock().await;
        let path = format!("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}");
        let rest = self.rest();
        if let Err(error) = rest.delete(&path, None).await {
            panic!("{name} cannot be taken away: {error}");
        }
        while !matches!(rest.get(&path).await, Ok(None)) {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        installed.remove(name);
    }

    /// Makes a namespace of a name that nobody has used yet.
    ///
    /// # Panics
    /// If it cannot be made.
    pub async fn namespace(&self, prefix: &str) -> Namespace {
        Namespace::create(self.rest(), prefix).await
    }
}

/// A client of a kubeconfig, with time enough for a busy machine.
async fn client(kubeconfig: &Path) -> Result<kube::Client, Failure> {
    Ok(kube::Client::try_from(config(kubeconfig).await?)?)
}

async fn config(kubeconfig: &Path) -> Result<kube::Config, Failure> {
    let kubeconfig = kube::config::Kubeconfig::read_from(kubeconfig)?;
    let options = kube::config::KubeConfigOptions::default();
    Ok(kube::Config::from_custom_kubeconfig(kubeconfig, &options).await?)
}

impl std::fmt::Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Client")
    }
}
