//! A sandbox on a port: for `kubectl`, operators in other languages, and clients that bring their own connection.

use std::error::Error;

use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kopfrs_sandbox::Sandbox;
use kube::{
    Api, Client,
    api::{ListParams, PostParams},
};

#[tokio::main]
pub(crate) async fn main() -> Result<(), Box<dyn Error>> {
    // Roles decide who may do what; the server's own token may do everything.
    let sandbox = Sandbox::builder().rbac(true).build();
    sandbox
        .apply_yaml("{apiVersion: v1, kind: Namespace, metadata: {name: shop}}")
        .await?;
    let server = sandbox.serve().await?;

    // For other programs: `KUBECONFIG=…`.
    let file = std::env::temp_dir().join(format!("kubeconfig-{}", std::process::id()));
    server.write_kubeconfig(&file)?;
    println!("export KUBECONFIG={}", file.display());

    // For this one.
    let client = Client::try_from(server.config())?;
    let namespaces: Api<Namespace> = Api::all(client);
    assert!(namespaces.get("shop").await.is_ok());

    // A user without rights is refused, in the words of a real server.
    let token = sandbox.tokens().issue("alice", ["developers"]);
    let alice = Client::try_from(server.config_with_token(&token))?;
    let maps: Api<ConfigMap> = Api::namespaced(alice, "shop");
    let refused = maps.list(&ListParams::default()).await.map(|_| ());
    let Err(kube::Error::Api(status)) = refused else {
        return Err("nobody gave alice any rights".into());
    };
    assert_eq!(status.code, 403);
    println!("{}", status.message);
    let made = maps
        .create(&PostParams::default(), &ConfigMap::default())
        .await;
    assert!(made.is_err());

    std::fs::remove_file(&file)?;
    server.stop().await;
    Ok(())
}
