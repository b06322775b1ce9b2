//! The audit log's chain: what was asked, by whom, and what was decided, each record tied to the one before.
//!
//! The log only grows at its end. The link of a record is a hash over the link before it, its number and its text, so that whoever has
//! once noted a link can tell later whether anything up to there was changed, left out or put in.
//!
//! It deliberately does not decide what is worth a record, nor read a record's text.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::access::{Access, Denial};
use crate::entry::Hash;
use crate::time::WallTime;

/// What a record says. Its text is this as JSON, in this order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AuditRecord {
    /// When it was decided, in milliseconds since 1970-01-01T00:00:00Z.
    pub time: WallTime,
    /// The request's id, as its answer has it.
    pub request_id: String,
    /// The id of the key that signed, or that somebody says has signed; none where signatures are not required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_key_id: Option<String>,
    /// What was asked: `cloudfront:CreateInvalidationForDistributionTenant`.
    pub action: String,
    /// What it was asked about, as ARNs.
    pub resources: Vec<String>,
    /// What was decided.
    pub decision: Verdict,
    /// How many calls that were not let in, of the same key or of other strangers, have no record of their own since the last that has one.
    #[serde(default, skip_serializing_if = "is_none")]
    pub left_out: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's form")]
fn is_none(left_out: &u64) -> bool {
    *left_out == 0
}

/// What was decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// The key's policy allows it. What came of it is another matter.
    Allowed,
    /// No statement of the key's policy allows it.
    ImplicitDeny,
    /// A statement of the key's policy denies it: its `Sid`, empty when it has none.
    ExplicitDeny(String),
    /// Nobody was let in: no holder of an enabled key has signed this request, in time. The code of the refusal.
    NotAuthenticated(String),
    /// The key has asked too often.
    Throttled,
}

impl From<&Access> for Verdict {
    fn from(access: &Access) -> Self {
        match access {
            Access::Allowed => Self::Allowed,
            Access::Denied(Denial::Implicit) => Self::ImplicitDeny,
            Access::Denied(Denial::Explicit(sid)) => Self::ExplicitDeny(sid.clone().unwrap_or_default()),
        }
    }
}

/// A record in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its number: 1, 2, 3, …
    pub number: u64,
    /// Its link.
    pub link: Hash,
    /// The record's text, exactly as it is hashed.
    pub text: String,
}

/// The link of the record with this number and text, when the one before has the link `before`; [`Hash::START`] before the first.
///
/// SHA-256 over the link before (32 bytes), the number (8 bytes, big-endian), and the SHA-256 of the text (32 bytes).
pub fn link(before: Hash, number: u64, text: &str) -> Hash {
    let mut hash = Sha256::new();
    hash.update(before.0);
    hash.update(number.to_be_bytes());
    hash.update(Hash::of(text.as_bytes()).0);
    Hash(hash.finalize().into())
}

/// Why a stretch of the log is not what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// A number is not that of the record before, plus one.
    #[error("record {expected} is missing, {found} stands in its place")]
    Number {
        /// What it should be.
        expected: u64,
        /// What it is.
        found: u64,
    },
    /// A link is not that of the record's text.
    #[error("record {0} or one before it was changed")]
    Link(u64),
}

/// Checks that a stretch follows on the record `after` with the link `before`, and gives its last number and link.
///
/// # Errors
/// [`Broken`] names the first place that does not fit.
pub fn check<'a>(
    after: u64,
    before: Hash,
    stretch: impl IntoIterator<Item = &'a AuditEntry>,
) -> Result<(u64, Hash), Broken> {
    stretch.into_iter().try_fold((after, before), |(number, before), entry| {
        let expected = number + 1;
        if entry.number != expected {
            return Err(Broken::Number { expected, found: entry.number });
        }
        if entry.link != link(before, entry.number, &entry.text) {
            return Err(Broken::Link(entry.number));
        }
        Ok((entry.number, entry.link))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(texts: &[&str]) -> Vec<AuditEntry> {
        let mut before = Hash::START;
        let entry = |(number, text): (u64, &&str)| {
            before = link(before, number, text);
            AuditEntry { number, link: before, text: (*text).to_owned() }
        };
        (1..).zip(texts).map(entry).collect()
    }

    #[test]
    fn what_was_written_is_found_whole() {
        let log = log(&["a", "b", "c"]);
        assert_eq!(check(0, Hash::START, &log), Ok((3, log[2].link)));
        assert_eq!(check(1, log[0].link, &log[1..]), Ok((3, log[2].link)));
    }

    #[test]
    fn every_change_is_noticed() {
        let whole = log(&["a", "b", "c"]);
        let mut changed = whole.clone();
        changed[1].text = "B".to_owned();
        assert_eq!(check(0, Hash::START, &changed), Err(Broken::Link(2)));
        changed[1].link = link(changed[0].link, 2, "B");
        assert_eq!(check(0, Hash::START, &changed), Err(Broken::Link(3)));
        let mut shortened = whole.clone();
        shortened.remove(1);
        assert_eq!(check(0, Hash::START, &shortened), Err(Broken::Number { expected: 2, found: 3 }));
        // A text of another place with the same words has another link.
        assert_ne!(link(Hash::START, 1, "a"), link(Hash::START, 2, "a"));
        assert_eq!(check(1, Hash::START, &whole[1..]), Err(Broken::Link(2)));
    }

    #[test]
    fn a_record_reads_as_documented() {
        let record = AuditRecord {
            time: WallTime::from_millis(1_000),
            request_id: "r".to_owned(),
            access_key_id: Some("AKIA".to_owned()),
            action: "cloudfront:GetDistribution".to_owned(),
            resources: vec!["arn:aws:cloudfront::0:distribution/E1".to_owned()],
            decision: Verdict::from(&Access::Denied(Denial::Explicit(None))),
            left_out: 0,
        };
        let text = r#"{"Time":1000,"RequestId":"r","AccessKeyId":"AKIA","Action":"cloudfront:GetDistribution","Resources":["arn:aws:cloudfront::0:distribution/E1"],"Decision":{"ExplicitDeny":""}}"#;
        assert_eq!(serde_json::to_string(&record).unwrap(), text);
        assert_eq!(serde_json::from_str::<AuditRecord>(text).unwrap(), record);
    }
}
