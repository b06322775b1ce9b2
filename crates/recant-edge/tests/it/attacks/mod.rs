//! Attacks on the edge, one by one: the lists D to G of `docs/attacks.md`, which says which test is for which.

mod deception;
mod denial;
mod desync;
mod floods;
mod framing;
mod poisoning;

use crate::support::{Bed, Origin, distribution, ok};

/// A bed whose origin answers with what it was asked for, under this cache policy.
async fn echoing(policy: &str) -> Bed {
    let script = |_, request: &str| ok(&["Cache-Control: max-age=60"], request);
    under(policy, Origin::start(script).await).await
}

async fn under(policy: &str, origin: Origin) -> Bed {
    let mut spec = distribution(origin.address.port());
    spec.default_behavior.cache_policy_id = policy.into();
    Bed::with(origin, spec, |_| {}).await
}
