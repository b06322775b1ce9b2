//! The last that happens to a response: what the behaviour's response headers policy makes of its fields.
//!
//! To a response out of the store as to one from the origin; not to the pages that say why there is none.
//!
//! `Server-Timing` says what the edge itself knows, in CloudFront's words ("Server-Timing header" in the developer guide): `cdn-cache-hit`,
//! `cdn-cache-refresh` or `cdn-cache-miss`, `cdn-hit-layer` of a hit, and `cdn-downstream-fbl`, the milliseconds from the request's head to the
//! response's. It is appended to what the origin says.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;

use http::Response;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;

use recant_core::response_headers_policy::{Asked, ResponseHeadersPolicy};
use recant_core::spec::DistributionSpec;
use recant_core::time::BootTime;

use crate::body::Outgoing;
use crate::clock::Clock;
use crate::request::Arrival;
use crate::respond::X_CACHE;

const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// What is still to be done to the response of a request that has arrived; nothing where its behaviour has no policy.
pub(crate) struct Finish(Option<Due>);

struct Due {
    distribution: Arc<DistributionSpec>,
    behavior: Option<usize>,
    asked: Asked,
    arrived: BootTime,
}

impl Finish {
    pub(crate) fn of(arrival: &Arrival, head: &Parts, clock: &dyn Clock) -> Self {
        if arrival.behavior().response_headers_policy.is_none() {
            return Self(None);
        }
        Self(Some(Due {
            distribution: arrival.distribution.clone(),
            behavior: arrival.behavior_index(),
            asked: Asked::of(&head.method, &head.headers),
            arrived: clock.boot(),
        }))
    }

    pub(crate) fn response(&self, mut response: Response<Outgoing>, clock: &dyn Clock) -> Response<Outgoing> {
        let Some(due) = &self.0 else { return response };
        let Some(policy) = &due.distribution.behavior(due.behavior).response_headers_policy else {
            return response;
        };
        due.apply(policy, response.headers_mut(), clock);
        response
    }
}

impl Due {
    fn apply(&self, policy: &ResponseHeadersPolicy, headers: &mut HeaderMap, clock: &dyn Clock) {
        policy.apply(&self.asked, headers);
        if !policy.tells_timing(&self.asked, draw()) {
            return;
        }
        let cache = match headers.get(X_CACHE).map(HeaderValue::as_bytes) {
            Some(b"Hit from recant") => r#"cdn-cache-hit,cdn-hit-layer;desc="EDGE""#,
            Some(b"RefreshHit from recant") => "cdn-cache-refresh",
            _ => "cdn-cache-miss",
        };
        let millis = clock.boot().saturating_since(self.arrived).as_millis();
        let timing = HeaderValue::try_from(format!("{cache},cdn-downstream-fbl;dur={millis}"));
        headers.append(SERVER_TIMING, timing.expect("words and digits are a field's value"));
    }
}

/// An even number below a million.
fn draw() -> u32 {
    let number = RandomState::new().build_hasher().finish() % 1_000_000;
    u32::try_from(number).expect("it is below a million")
}
