//! Names of things, as CloudFront gives them. Read as opaque words, generated in the modern form.
//!
//! Forms and evidence: CloudFront's own examples; tenants and connection groups carry a KSUID, invalidations are
//! `I` and 25 more upper-case letters and digits, distributions `E` and 13.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::limits::ID_BYTES_MAX;
use crate::time::WallTime;

/// Why a text cannot be an id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// The text is empty.
    #[error("an id must not be empty")]
    Empty,
    /// The text is longer than [`ID_BYTES_MAX`].
    #[error("an id has at most {ID_BYTES_MAX} characters")]
    TooLong,
    /// The text has a character other than `A-Z a-z 0-9 - _ .`.
    #[error("an id holds letters, digits, '-', '_' and '.' only")]
    Character,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Reads an id as an opaque word.
            ///
            /// # Errors
            /// [`IdError`] when the text is empty, too long, or has a character no id has.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                check(text).map(|()| Self(text.into()))
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0.as_ref().into()
            }
        }
    };
}

id!(/// The id of a distribution, `E…`.
    DistributionId);
id!(/// The id of a distribution tenant, `dt_…`. Never reused: a tenant created again has another one.
    TenantId);
id!(/// The id of a connection group, `cg_…`.
    ConnectionGroupId);
id!(/// The id of an invalidation, `I…`.
    InvalidationId);
id!(/// The entity tag of a configuration, as in `ETag` and `If-Match`, without quotes.
    ETag);
id!(/// The lasting name of one edge, kept in its data folder; its processes are told apart by `Incarnation`.
    EdgeId);

impl DistributionId {
    /// A new id out of random bytes.
    pub fn generate(random: [u8; 16]) -> Self {
        Self(base36("E", random, 13).into())
    }
}

impl InvalidationId {
    /// A new id out of random bytes.
    pub fn generate(random: [u8; 16]) -> Self {
        // 25 digits of base 36 hold 129 bits; 128 random ones fill them.
        Self(base36("I", random, 25).into())
    }
}

impl ETag {
    /// A new tag out of random bytes.
    pub fn generate(random: [u8; 16]) -> Self {
        Self(base36("E", random, 13).into())
    }
}

impl TenantId {
    /// A new id: `dt_` and a KSUID of this moment and these random bytes.
    pub fn generate(now: WallTime, random: [u8; 16]) -> Self {
        Self(format!("dt_{}", ksuid(now, random)).into())
    }

    /// What a distribution without tenants is called where tenants are told apart. No tenant has such an id: theirs begin
    /// with `dt_`.
    pub fn of_distribution(id: &DistributionId) -> Self {
        Self(Arc::clone(&id.0))
    }
}

impl ConnectionGroupId {
    /// A new id: `cg_` and a KSUID of this moment and these random bytes.
    pub fn generate(now: WallTime, random: [u8; 16]) -> Self {
        Self(format!("cg_{}", ksuid(now, random)).into())
    }
}

fn check(text: &str) -> Result<(), IdError> {
    match text.len() {
        0 => Err(IdError::Empty),
        n if n > ID_BYTES_MAX => Err(IdError::TooLong),
        _ if text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.')) => Ok(()),
        _ => Err(IdError::Character),
    }
}

/// `prefix` and `digits` digits of base 36, upper case.
fn base36(prefix: &str, random: [u8; 16], digits: usize) -> String {
    radix(prefix, u128::from_be_bytes(random), digits, b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")
}

fn radix(prefix: &str, mut value: u128, digits: usize, alphabet: &[u8]) -> String {
    let base = alphabet.len() as u128;
    let mut out: Vec<u8> = std::iter::repeat_with(|| {
        let digit = alphabet[(value % base) as usize];
        value /= base;
        digit
    })
    .take(digits)
    .collect();
    out.reverse();
    prefix.chars().chain(out.into_iter().map(char::from)).collect()
}

/// A KSUID: 32 bits of seconds since 2014-05-13T16:53:20Z and 128 random bits, as 27 digits of base 62, sorted by time.
fn ksuid(now: WallTime, random: [u8; 16]) -> String {
    const EPOCH_SECONDS: i64 = 1_400_000_000;
    const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let seconds = u32::try_from(now.seconds().saturating_sub(EPOCH_SECONDS).max(0)).unwrap_or(u32::MAX);
    let mut bytes = [0u8; 20];
    bytes[..4].copy_from_slice(&seconds.to_be_bytes());
    bytes[4..].copy_from_slice(&random);
    let mut out = [0u8; 27];
    for digit in out.iter_mut().rev() {
        // Long division of the 160-bit number by 62; the remainder is the next digit.
        let mut rest = 0u32;
        for byte in &mut bytes {
            let value = (rest << 8) | u32::from(*byte);
            *byte = (value / 62) as u8;
            rest = value % 62;
        }
        *digit = ALPHABET[rest as usize];
    }
    out.into_iter().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_ids_have_cloudfronts_form() {
        let now = WallTime::from_millis(1_744_775_174_946);
        let tenant = TenantId::generate(now, [0xff; 16]);
        assert_eq!(tenant.as_str().len(), 3 + 27);
        assert!(tenant.as_str().starts_with("dt_"));
        assert_eq!(InvalidationId::generate([0xff; 16]).as_str().len(), 26);
        assert_eq!(DistributionId::generate([1; 16]).as_str().len(), 14);
        let later = TenantId::generate(WallTime::from_millis(1_744_775_175_946), [0; 16]);
        assert!(tenant < later, "KSUIDs sort by time");
    }

    #[test]
    fn a_known_ksuid() {
        // The example of the KSUID specification: its parts and its text.
        let random: [u8; 16] =
            [0xb5, 0xa1, 0xcd, 0x34, 0xb5, 0xf9, 0x9d, 0x11, 0x54, 0xfb, 0x68, 0x53, 0x34, 0x5c, 0x97, 0x35];
        let seconds = 107_608_047 + 1_400_000_000;
        assert_eq!(ksuid(WallTime::from_millis(seconds * 1000), random), "0ujtsYcgvSTl8PAuAdqWYSMnLOv");
    }

    #[test]
    fn odd_ids_are_refused() {
        assert_eq!(TenantId::parse(""), Err(IdError::Empty));
        assert_eq!(TenantId::parse("a/b"), Err(IdError::Character));
        assert_eq!(TenantId::parse(&"a".repeat(ID_BYTES_MAX + 1)), Err(IdError::TooLong));
    }
}
