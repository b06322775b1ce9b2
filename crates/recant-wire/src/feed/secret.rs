//! The secret that the edges of one plane share: `Authorization: Recant-Edge <64 hexadecimal digits>`.

use std::fmt;

use subtle::ConstantTimeEq;

use crate::sigv4::canonical::hex;

/// The authentication scheme of the feed's calls.
pub const SCHEME: &str = "Recant-Edge";

/// 256 random bits that whoever is an edge knows.
#[derive(Clone)]
pub struct EdgeSecret([u8; 32]);

/// A text that is not 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an edge secret is 64 hexadecimal digits")]
pub struct SecretError;

impl EdgeSecret {
    /// A new secret out of random bytes.
    pub const fn new(random: [u8; 32]) -> Self {
        Self(random)
    }

    /// Reads a secret as it stands in the file `edge-secret`; white space around it is ignored.
    ///
    /// # Errors
    /// [`SecretError`] when the text is anything but 64 hexadecimal digits.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        super::resume::unhex(text.trim()).map(Self).ok_or(SecretError)
    }

    /// The secret as it stands in the file.
    pub fn to_hex(&self) -> String {
        hex(&self.0)
    }

    /// The value of the `Authorization` header of the feed's calls.
    pub fn authorization(&self) -> String {
        format!("{SCHEME} {}", self.to_hex())
    }

    /// Whether this value of an `Authorization` header proves that the caller knows this secret. Takes the same time
    /// whatever the secret is.
    pub fn admits(&self, authorization: &[u8]) -> bool {
        let Ok(text) = std::str::from_utf8(authorization) else { return false };
        let Some((scheme, digits)) = text.trim().split_once(' ') else { return false };
        // Scheme names have no case (RFC 9110 section 11.1).
        scheme.eq_ignore_ascii_case(SCHEME)
            && Self::parse(digits).is_ok_and(|claimed| bool::from(claimed.0.ct_eq(&self.0)))
    }
}

impl fmt::Debug for EdgeSecret {
    /// Shows nothing of it, so that no log can.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EdgeSecret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_secret_is_admitted() {
        let secret = EdgeSecret::new([0xa5; 32]);
        let other = EdgeSecret::new([0xa4; 32]);
        let right = secret.authorization();
        assert!(secret.admits(right.as_bytes()));
        assert!(secret.admits(right.to_uppercase().as_bytes()));
        assert!(EdgeSecret::parse(&format!("{}\n", secret.to_hex())).unwrap().admits(right.as_bytes()));
        let bearer = right.replace(SCHEME, "Bearer");
        let short = &right[..right.len() - 1];
        for wrong in [other.authorization().as_str(), &bearer, short, &format!("{right}0"), SCHEME, ""] {
            assert!(!secret.admits(wrong.as_bytes()), "{wrong}");
        }
        assert!(!secret.admits(b"Recant-Edge \xff"));
        assert_eq!(format!("{secret:?}"), "EdgeSecret(..)");
    }
}
