//! Signed tokens of service accounts: JSON web tokens, as clients take them apart.
//!
//! What counts for the sandbox is that it has given the token out (see [`super::Tokens`]); the signature is there for
//! those who look at it. It is made with Ed25519, where clusters use RSA.

use std::{fmt, sync::OnceLock};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rcgen::{KeyPair, PKCS_ED25519, SigningKey};
use serde_json::{Value, json};

/// Who issues, and for whom tokens are unless somebody else is named.
pub(crate) const ISSUER: &str = "https://kubernetes.default.svc.cluster.local";

/// Signs tokens with a key of its own, which is made when first needed.
#[derive(Default)]
pub(crate) struct Issuer(OnceLock<(KeyPair, String)>);

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Never the key.
        f.debug_struct("Issuer").finish_non_exhaustive()
    }
}

impl Issuer {
    /// The token that makes these claims.
    pub(crate) fn sign(&self, claims: &Value) -> String {
        let (key, id) = self.0.get_or_init(|| {
            let key = KeyPair::generate_for(&PKCS_ED25519)
                .expect("keys of this kind are random bytes, and there are always more");
            (key, uuid::Uuid::new_v4().to_string())
        });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let header = part(&json!({"alg": "EdDSA", "kid": id}));
        let signed = format!("{header}.{}", part(claims));
        let signature = key
            .sign(signed.as_bytes())
            .expect("signing with such a key cannot fail");
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_have_three_parts_that_can_be_read() {
        let issuer = Issuer::default();
        let token = issuer.sign(&json!({"sub": "somebody"}));
        let parts: Vec<Vec<u8>> = token
            .split('.')
            .map(|part| URL_SAFE_NO_PAD.decode(part).expect("base64"))
            .collect();
        let claims: Value = serde_json::from_slice(&parts[1]).expect("claims");
        assert_eq!((claims["sub"].as_str(), parts.len()), (Some("somebody"), 3));
        assert_eq!(parts[2].len(), 64);
    }
}
