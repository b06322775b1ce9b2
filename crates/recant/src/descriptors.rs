//! How many connections the operating system lets this process hold.

use recant_core::limits::VIEWER_CONNECTIONS_MAX;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the soft limit of open files to what a full house needs, as far as the hard one allows.
///
/// The usual soft limit of 1,024 is a relic of `select`; each viewer takes a descriptor, and its origin another.
pub(crate) fn raise_limit() {
    let wanted = 2 * VIEWER_CONNECTIONS_MAX as u64 + 1_024;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let reachable = maximum.map_or(wanted, |maximum| wanted.min(maximum));
    if current.is_none_or(|current| current >= reachable) {
        return;
    }
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: Some(reachable), maximum }) {
        tracing::warn!(%error, "the limit of open files cannot be raised");
    }
    if reachable < wanted {
        tracing::warn!(reachable, wanted, "few files may be open at a time: many viewers will have to wait");
    }
}
