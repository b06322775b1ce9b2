//! The stored responses: bounded memory, one or several per cache key.
//!
//! The store knows nothing of leases or rules; it only hands back what was put in. It does keep one promise of
//! the protocol: a response never takes the place of one with a newer stamp, so a slow origin request cannot
//! undo a fast one that started later.
//!
//! Under one key lie the responses that `Vary` tells apart, the newest first. A new one takes the place of all that
//! would have answered its own request, so of those left at most one does (RFC 9111 section 4.1).
//!
//! # What goes when there is no room
//!
//! Every stored response is weighed when it is made, with its key and what the maps need for it, and the weights
//! never sum up to more than the store may take: room is made before anything is put in, at once. What was asked for
//! again is kept in front of what was not (`quick_cache`: CLOCK-Pro), so a crawler that reads everything once pushes
//! out what nobody asked for twice, and little else. `accounts` says of each tenant what it has, and how much of the
//! store it may have.
//!
//! `parts` says what becomes of the parts of a response that is not there as a whole.
//!
//! Bodies on their way into the store take memory too, for as long as their viewers let them: [`Collected`] counts
//! them, and what finds no room is passed on without being stored.

mod accounts;
mod collected;
mod fields;
#[cfg(any(test, feature = "measuring"))]
pub(crate) mod fixtures;
mod memory;
mod parts;
mod stored;
#[cfg(test)]
mod tests;

pub(crate) use accounts::Counts;
pub(crate) use accounts::TenantAccount;
pub use accounts::TenantUsage;
pub(crate) use collected::Collected;
pub(crate) use fields::Fields;
pub(crate) use memory::{Found, Store};
pub(crate) use parts::NewPart;
pub(crate) use stored::{Facts, Stored};
