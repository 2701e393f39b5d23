//! A user as the API server knows one: a name and groups.

use serde::{Deserialize, Serialize};

/// Who sends a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) groups: Vec<String>,
    /// Whether a service account stands behind the name, with which its tokens end.
    pub(crate) is_account: bool,
}

/// The group of those whom nothing is forbidden.
pub(crate) const MASTERS: &str = "system:masters";
/// What the names of service accounts begin with, as users.
pub(crate) const SERVICE_ACCOUNT: &str = "system:serviceaccount:";
const AUTHENTICATED: &str = "system:authenticated";
const ADMIN: &str = "kubernetes-admin";

impl User {
    /// A user who has shown who they are, and so is in the group of all who have.
    pub(crate) fn authenticated<G: Into<String>>(
        name: impl Into<String>,
        groups: impl IntoIterator<Item = G>,
    ) -> Self {
        let mut groups: Vec<String> = groups.into_iter().map(Into::into).collect();
        if !groups.iter().any(|group| group == AUTHENTICATED) {
            groups.push(AUTHENTICATED.to_owned());
        }
        Self {
            name: name.into(),
            groups,
            is_account: false,
        }
    }

    /// A service account, with the groups that all of them have.
    pub(crate) fn service_account(namespace: &str, name: &str) -> Self {
        const ACCOUNTS: &str = "system:serviceaccounts";
        let groups = [ACCOUNTS.to_owned(), format!("{ACCOUNTS}:{namespace}")];
        Self {
            is_account: true,
            ..Self::authenticated(format!("{SERVICE_ACCOUNT}{namespace}:{name}"), groups)
        }
    }

    /// The user with all rights.
    pub(crate) fn admin() -> Self {
        Self::authenticated(ADMIN, [MASTERS])
    }
}
