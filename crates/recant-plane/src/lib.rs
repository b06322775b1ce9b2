//! The control plane: HTTP API, authentication, store, the feed to the edges, completion.

pub mod clock;
pub mod random;
pub mod store;
