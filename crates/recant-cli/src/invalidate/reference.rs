//! The caller reference: what makes two creates the same one.
//!
//! A step of a pipeline that is run again should change nothing, and a new deploy must never be taken for an old one. Only the caller
//! knows which of the two it is, and says so by `--deploy-id`: with it the reference is derived, and the service answers a
//! repetition with the same invalidation; without it every run is new.

use std::time::SystemTime;

use recant_core::entry::Hash;

/// Goes into every derived reference; another number when what is derived from changes.
const SCHEME: &str = "recant invalidate 1";

/// A caller reference, and how it came about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reference {
    /// The same for the same tenant, paths and deploy id.
    Derived(String),
    /// Never the same.
    Fresh(String),
}

impl Reference {
    /// Derives it: SHA-256 over the parts, each behind its length so that no two lists of parts read alike.
    pub(super) fn derived(tenant: &str, deploy_id: &str, sorted_paths: &[String]) -> Self {
        let mut bytes = Vec::new();
        let parts = [SCHEME, tenant, deploy_id].into_iter();
        for part in parts.chain(sorted_paths.iter().map(String::as_str)) {
            bytes.extend(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            bytes.extend(part.as_bytes());
        }
        let hex: String = Hash::of(&bytes).0.iter().map(|byte| format!("{byte:02x}")).collect();
        Self::Derived(format!("recant-{hex}"))
    }

    /// Makes one of the time and a random number.
    pub(super) fn fresh(now: SystemTime, random: f64) -> Self {
        let nanos = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos();
        Self::Fresh(format!("recant-{nanos:x}-{:x}", random.to_bits()))
    }

    /// The reference itself.
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Derived(text) | Self::Fresh(text) => text,
        }
    }

    /// Whether a repetition has the same.
    pub(super) fn is_derived(&self) -> bool {
        matches!(self, Self::Derived(_))
    }

    /// What the user should know about it.
    pub(super) fn explanation(&self) -> String {
        match self {
            Self::Derived(text) => {
                format!("caller reference {text}, derived from tenant, paths and deploy id")
            }
            Self::Fresh(text) => {
                format!("caller reference {text}, new with every run; --deploy-id makes repeating safe")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn derived(tenant: &str, deploy_id: &str, paths: &[&str]) -> Reference {
        let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
        Reference::derived(tenant, deploy_id, &paths)
    }

    #[test]
    fn the_same_content_gives_the_same_reference() {
        let one = derived("dt_1", "d", &["/a", "/b"]);
        assert_eq!(one, derived("dt_1", "d", &["/a", "/b"]));
        assert_eq!(one.as_str().len(), "recant-".len() + 64);
        for other in [
            derived("dt_2", "d", &["/a", "/b"]),
            derived("dt_1", "e", &["/a", "/b"]),
            derived("dt_1", "d", &["/a"]),
            derived("dt_1", "d", &["/a/b"]),
            derived("dt_1", "d/a", &["/b"]),
        ] {
            assert_ne!(one, other);
        }
    }

    #[test]
    fn the_derivation_stays_as_it_is() {
        // Another value would make the step that is retried after an upgrade a new invalidation.
        let want = "recant-16f4cc309ea9110c1a15a45af5a55ebd682d8e775aa1cd0af27637c91c55fc38";
        assert_eq!(derived("dt_1", "d", &["/a"]).as_str(), want);
    }

    #[test]
    fn fresh_ones_differ() {
        let at = SystemTime::UNIX_EPOCH;
        assert_ne!(Reference::fresh(at, 0.25), Reference::fresh(at, 0.5));
        assert!(!Reference::fresh(at, 0.25).is_derived());
    }
}
