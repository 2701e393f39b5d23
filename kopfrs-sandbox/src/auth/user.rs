//! A user as the API server knows one: a name and groups.

/// Who sends a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) groups: Vec<String>,
}

/// The group of those whom nothing is forbidden.
pub(crate) const MASTERS: &str = "system:masters";
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
        }
    }

    /// The user with all rights.
    pub(crate) fn admin() -> Self {
        Self::authenticated(ADMIN, [MASTERS])
    }
}
