//! The plane's parts, driven at their boundaries.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, also in its helpers")]

mod api;
mod backup;
mod completion;
mod cut;
mod declared;
mod failover;
mod feed;
mod folder;
mod postgres;
mod store;
