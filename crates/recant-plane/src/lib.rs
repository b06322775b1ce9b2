//! The control plane: HTTP API, authentication, store, the feed to the edges, completion.

pub mod clock;
pub mod completion;
pub mod feed;
pub mod folder;
pub mod random;
pub mod store;
