//! The caller reference: what makes two creates the same one.
//!
//! A step of a pipeline that is run again should change nothing, and a new deploy must never be taken for an old one. Only the caller
//! knows which of the two it is, and says so by `--deploy-id`. The reference is derived from tenant, deploy id and paths, and the
//! service answers a repetition with the same invalidation.
//!
//! A run without a deploy id gets one of its own, which no other run has. It is the one way to resume: the same line with
//! `--deploy-id` and this id replays what was done and does what was not.

use std::time::SystemTime;

use recant_core::entry::Hash;
use recant_wire::sigv4::date::AmzDate;

use crate::call::wall_time;

/// Goes into every derived reference; another number when what is derived from changes.
const SCHEME: &str = "recant invalidate 1";

/// What tells one deploy from another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum DeployId {
    /// Of the command line: another run may have had it.
    Given(String),
    /// Of this run alone.
    Made(String),
}

impl DeployId {
    /// Makes one of the time and a random number from 0 to 1.
    pub(super) fn made(now: SystemTime, random: f64) -> Self {
        Self::Made(format!("run-{}-{:x}", AmzDate::of(wall_time(now)), random.to_bits()))
    }

    /// The id itself.
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Given(id) | Self::Made(id) => id,
        }
    }

    /// Whether another run may have had it.
    pub(super) fn is_given(&self) -> bool {
        matches!(self, Self::Given(_))
    }
}

/// Derives a reference: SHA-256 over the parts, each behind its length so that no two lists of parts read alike.
pub(super) fn derived(tenant: &str, deploy_id: &str, sorted_paths: &[String]) -> String {
    let mut bytes = Vec::new();
    let parts = [SCHEME, tenant, deploy_id].into_iter();
    for part in parts.chain(sorted_paths.iter().map(String::as_str)) {
        bytes.extend(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        bytes.extend(part.as_bytes());
    }
    let hex: String = Hash::of(&bytes).0.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("recant-{hex}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(tenant: &str, deploy_id: &str, paths: &[&str]) -> String {
        let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
        derived(tenant, deploy_id, &paths)
    }

    #[test]
    fn the_same_content_gives_the_same_reference() {
        let one = of("dt_1", "d", &["/a", "/b"]);
        assert_eq!(one, of("dt_1", "d", &["/a", "/b"]));
        assert_eq!(one.len(), "recant-".len() + 64);
        for other in [
            of("dt_2", "d", &["/a", "/b"]),
            of("dt_1", "e", &["/a", "/b"]),
            of("dt_1", "d", &["/a"]),
            of("dt_1", "d", &["/a/b"]),
            of("dt_1", "d/a", &["/b"]),
        ] {
            assert_ne!(one, other);
        }
    }

    #[test]
    fn the_derivation_stays_as_it_is() {
        // Another value would make the step that is retried after an upgrade a new invalidation.
        let want = "recant-16f4cc309ea9110c1a15a45af5a55ebd682d8e775aa1cd0af27637c91c55fc38";
        assert_eq!(of("dt_1", "d", &["/a"]), want);
    }

    #[test]
    fn made_ones_differ() {
        let at = SystemTime::UNIX_EPOCH;
        assert_ne!(DeployId::made(at, 0.25), DeployId::made(at, 0.5));
        assert!(DeployId::made(at, 0.25).as_str().starts_with("run-19700101T000000Z-"));
        assert!(!DeployId::made(at, 0.25).is_given());
    }
}
