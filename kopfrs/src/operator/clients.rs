//! How an operator gets to the API: by which clients for what.

use kube::Client;

use super::activities::Activities;
use super::builder::Access;
use super::error::OperatorError;
use super::login::Way;
use crate::api::{Fence, LoginError, Outfit, Vault};
use crate::registry::Registry;

/// The ways to the API: inside of the fence that leader election keeps, and outside of it.
pub(super) struct Clients {
    pub(super) inside: Client,
    pub(super) outside: Client,
    /// For those whom the API server asks: see [`Outfit::asked`].
    pub(super) asked: Client,
    /// Where the API is, if it is reached over a network.
    pub(super) address: Option<http::Uri>,
}

impl Clients {
    /// Logs in, and gives the clients that stay good when the credentials do not.
    pub(super) async fn connect(
        access: Access,
        activities: &Activities,
        (fence, registry): (&Fence, &Registry),
    ) -> Result<Self, OperatorError> {
        let environment = &activities.environment;
        let settings = environment.settings.get();
        let is_fenced = settings.leader_election.enabled;
        match Way::new(access, activities.login()) {
            Way::Client(client, handlers) => {
                handlers.call().await?;
                let inside = is_fenced.then(|| fence.around(&client));
                Ok(Self {
                    inside: inside.unwrap_or_else(|| client.clone()),
                    outside: client.clone(),
                    asked: client,
                    address: None,
                })
            }
            Way::Login(login) => {
                let mut outfit = Outfit::new(settings.networking.clone());
                if is_fenced {
                    outfit = outfit.fenced_by(fence.clone());
                }
                if registry.is_asked() {
                    outfit = outfit.asked();
                }
                let vault = Vault::open(login, outfit, environment.clock).await;
                let vault = vault.map_err(|error| match error {
                    LoginError::Client(error) => OperatorError::Client(*error),
                    error => error.into(),
                })?;
                Ok(Self {
                    inside: vault.client(),
                    outside: vault.client(),
                    asked: vault.client_of_asked(),
                    address: vault.address(),
                })
            }
        }
    }
}
