//! Origin shields: one edge that the others ask in an origin's place, so that the origin is asked once, not once by each of them
//! (Developer Guide, "Using Amazon CloudFront Origin Shield").
//!
//! ```text
//! viewer ── edge ──(what its viewer asks, and up to where in the log it has applied everything)──▶ shield ── origin
//!                ◀──(what is stored there, or what the origin says)──
//! ```
//!
//! [`mod@ask`] and [`mod@tell`] are an edge's side, [`mod@answer`] the shield's, [`fields`] what they tell each other beside the request, [`known`] which
//! shields are there. A shield is an edge like any other, with a listener for edges. It walks the same way as for a viewer: it makes the same key, has the same rules, lets the same requests
//! share one of its own. What is for viewers alone (countries, protocols, error pages, response headers policies) is left to the edge in
//! front, which has judged it already.
//!
//! # Why an answer of a shield keeps the promise
//!
//! An edge stamps what it fetches with the position E that it had applied when it asked: no rule up to E takes the response away. A shield answers
//! only if it has applied all up to E itself, in the same history; else it declines. What it has stored it judges by its own
//! rules, so by all up to E, and what it fetches it fetches later than it was asked. So the response is not older than any rule up to E, and the
//! stamp is right. Whether the shield holds a lease decides whether it may serve what it has stored; without one it asks the origin, as ever.
//!
//! A shield may know more of the log than the edge, and an edge's configuration may be newer than its stamp. So the two may take one request for two
//! things: the host may have moved to another tenant, a policy may list other fields. Hence the edge says under which key it will
//! store what it gets, and a shield that makes another key of the request declines.
//!
//! # What a shield cannot do
//!
//! Hold anybody up. One that is not there, is behind, or is not one is passed over, and the origin is asked. One that is not there is left alone for a
//! while; one that only takes long is not: that may be one tenant's origin, and is not the others' loss ([`known`]).
//!
//! Change anything. Only what may use the cache goes to it; a `POST` goes to the origin, and when the origin has answered the shield is told what has
//! changed. Until it has taken note it is not asked for that ([`mod@tell`]).
//!
//! Requests of edges have flights of their own at an edge that asks shields itself ([`crate::collapse`]): else two edges that
//! are each other's shields, or one that is its own, would wait for themselves.

mod answer;
mod ask;
mod fields;
mod known;
mod options;
mod tell;
mod untold;

pub(crate) use answer::answer;
pub(crate) use ask::ask;
pub(crate) use fields::{KeyDigest, LogPlace};
pub(crate) use known::Shields;
pub use options::{ShieldAddress, ShieldAddressError, ShieldOptions};
pub(crate) use tell::tell;
