//! What the log brings at one place, and how it is folded into the [`World`]: as it comes from the plane, and again out of
//! the journal of an earlier process. **It is the same code, so that whoever goes on knows what he would have known.**

use recant_core::entry::{Change, Entry, Hash};
use recant_core::position::Position;
use recant_wire::feed::body;

use crate::world::World;

/// What the log has brought.
#[derive(Clone, Debug)]
pub(crate) enum Brought {
    /// An entry; its body may be withheld, damaged or of a kind that is not known.
    Entry(Entry),
    /// An entry of which only its place in the log can be understood.
    Opaque {
        /// The hash of the entry before it.
        prev_hash: Hash,
        /// Its own.
        hash: Hash,
    },
    /// A whole snapshot.
    Snapshot(Vec<Change>),
}

impl Brought {
    /// Folds it in. When this returns, every request that arrives sees it.
    pub(crate) fn fold_into(self, world: &World, position: Position) {
        match self {
            Self::Snapshot(changes) => world.install(changes, position),
            Self::Opaque { .. } => {
                tracing::warn!(%position, "an entry of unknown form: everything stored is invalid");
                world.raise_every_floor(position);
            }
            Self::Entry(entry) if !entry.body_is_intact() => {
                tracing::warn!(%position, scope = ?entry.scope, "an entry without its body: its scope is invalid");
                world.raise_floor(&entry.scope, position);
            }
            Self::Entry(entry) => match body::decode(&entry.scope, entry.kind, &entry.body) {
                Ok(change) => world.apply(&change, position),
                Err(error) => {
                    tracing::warn!(%position, scope = ?entry.scope, %error, "an entry that is not understood: its scope is invalid");
                    world.raise_floor(&entry.scope, position);
                }
            },
        }
    }
}
