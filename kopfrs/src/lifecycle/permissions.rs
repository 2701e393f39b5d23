//! Which operations an object permits.

use super::Operation;

/// The operations that an object permits, as its annotation `<prefix>/access-permissions` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Permissions {
    create: bool,
    update: bool,
    delete: bool,
}

/// An annotation says what nobody can be sure to understand: nothing is permitted by it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "permissions are made of the letters C (create), U (update) and D (delete), or are `none`: `{0}` is neither"
)]
pub(crate) struct PermissionsError(String);

impl Permissions {
    const ALL: Self = Self {
        create: true,
        update: true,
        delete: true,
    };
    pub(crate) const NONE: Self = Self {
        create: false,
        update: false,
        delete: false,
    };

    /// Reads an annotation; without one, and with an empty one, everything is permitted.
    pub(crate) fn parse(text: Option<&str>) -> Result<Self, PermissionsError> {
        let text = text.unwrap_or_default().trim();
        if text.is_empty() {
            return Ok(Self::ALL);
        }
        if text.eq_ignore_ascii_case("none") {
            return Ok(Self::NONE);
        }
        let mut permissions = Self::NONE;
        for letter in text.chars() {
            match letter.to_ascii_uppercase() {
                'C' => permissions.create = true,
                'U' => permissions.update = true,
                'D' => permissions.delete = true,
                _ => return Err(PermissionsError(text.to_owned())),
            }
        }
        Ok(permissions)
    }

    /// Whether an operation is permitted. Looking always is.
    pub(crate) fn permit(self, operation: Operation) -> bool {
        match operation {
            Operation::Create => self.create,
            Operation::Update => self.update,
            Operation::Delete => self.delete,
            Operation::Verify => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_permit_and_anything_else_is_refused() {
        for (text, permitted) in [
            (None, "cud"),
            (Some(""), "cud"),
            (Some("C"), "c"),
            (Some("cu"), "cu"),
            (Some(" DUC "), "cud"),
            (Some("none"), ""),
            (Some("None"), ""),
        ] {
            let permissions = Permissions::parse(text).unwrap();
            let letters = Operation::ALL.into_iter().filter(|operation| {
                *operation != Operation::Verify && permissions.permit(*operation)
            });
            let found: String = letters.map(|operation| &operation.name()[..1]).collect();
            assert_eq!(found, permitted, "{text:?}");
            assert!(permissions.permit(Operation::Verify));
        }
        for text in ["read-only", "disabled", "C,U", "all", "CRUD"] {
            assert!(Permissions::parse(Some(text)).is_err(), "{text}");
        }
    }
}
