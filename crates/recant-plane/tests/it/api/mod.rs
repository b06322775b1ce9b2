//! The API as clients meet it: over HTTP, signed, against a whole plane in a folder of its own.

pub(crate) mod access;
mod attacks;
mod audit;
mod bad_input;
mod characters;
mod configuration;
mod connection_groups;
mod direct;
mod distributions;
mod domains;
mod dry_run;
mod edges;
pub(crate) mod events;
mod invalidations;
mod paging;
mod parsing;
mod policies;
mod random_calls;
pub(crate) mod rig;
