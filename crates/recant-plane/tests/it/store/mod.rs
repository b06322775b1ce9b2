//! What every store promises, and what the embedded one promises besides.
//!
//! `conformance` knows nothing but the [`Store`](recant_plane::store::Store) trait and [`World`], so that a further
//! store is run through it by one more `World`.

mod configure;
mod conformance;
mod domains;
mod keys;
mod policies;
pub(crate) mod postgres;
mod reads;
mod resources;
mod restored;
pub(crate) mod samples;
pub(crate) mod sqlite;

use recant_plane::store::Store;

/// A place where a store keeps its data, outliving the store.
pub(crate) trait World {
    type Store: Store;

    /// An empty place.
    fn new() -> Self;

    /// Opens the store on what is there.
    fn open(&self) -> Self::Store;
}
