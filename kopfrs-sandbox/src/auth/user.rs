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
const UNAUTHENTICATED: &str = "system:unauthenticated";
const ANONYMOUS: &str = "system:anonymous";
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

    /// Whom somebody acts as; who is nobody has not shown who they are.
    pub(crate) fn impersonated(name: String, groups: Vec<String>) -> Self {
        let is_told = groups
            .iter()
            .any(|group| group == AUTHENTICATED || group == UNAUTHENTICATED);
        let group = if name == ANONYMOUS {
            UNAUTHENTICATED
        } else {
            AUTHENTICATED
        };
        let added = (!is_told).then(|| group.to_owned());
        Self {
            name,
            groups: groups.into_iter().chain(added).collect(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_who_are_impersonated_are_known_unless_they_are_nobody() {
        for (name, groups, expected) in [
            ("ann", vec![], vec![AUTHENTICATED]),
            ("ann", vec!["devs"], vec!["devs", AUTHENTICATED]),
            ("ann", vec![UNAUTHENTICATED], vec![UNAUTHENTICATED]),
            (ANONYMOUS, vec![], vec![UNAUTHENTICATED]),
        ] {
            let groups = groups.into_iter().map(str::to_owned).collect();
            assert_eq!(User::impersonated(name.to_owned(), groups).groups, expected);
        }
    }
}
