//! What an edge keeps on a disk, so that a process that is killed leaves its successor more than nothing.
//!
//! # The journal
//!
//! A stored response is worth something to the next process only with the rules that came after it. So the edge keeps what the
//! log has told it: a state, and the entries after it, each written as it is applied. The next process folds them in by the
//! very code that applies what comes from the plane ([`crate::brought`]), and then follows the log from there on.
//!
//! ```text
//!   journal   [state at P0: configuration, floors, rules] [P0+1] [P0+2] … [J] [torn
//!                                                                          │
//!   the log      1 … P0 ……………………………………………………………………………………………………… J  J+1 … head
//!                                                                             └── comes by the feed, before any lease
//! ```
//!
//! **Nothing that is lost makes anything valid.** Nobody waits for the journal: an entry is acknowledged when it is applied, and may
//! never reach the disk. Then the journal ends earlier, all that follows comes again by the feed, and no lease is
//! granted before it has been acknowledged again (PURGE.md rules 9 and 12). What is torn, flipped or out of the chain ends the
//! journal just so. A journal without a whole state at its beginning is none: its edge begins with a snapshot, whose floors
//! are above everything that was stored before.
//!
//! **A lease is never kept**, and nothing is served before one has been granted.
//!
//! When the entries outgrow the state, the journal begins anew with the state as it is then: in a file beside it, which takes its
//! place when it is whole and durable.

mod folder;
mod journal;

use std::path::PathBuf;
use std::sync::Arc;

use recant_core::protocol::message::Applied;

use crate::world::World;
use folder::Folder;
pub use folder::FolderError;
pub(crate) use journal::Due;
use journal::Journal;

/// Where an edge keeps what outlives its process.
#[derive(Clone, Debug)]
pub struct DiskOptions {
    /// The folder; made if need be. Nobody else may use it.
    pub dir: PathBuf,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Disk {
    pub(crate) journal: Journal,
    /// Held for as long as this is used.
    _folder: Arc<Folder>,
}

impl Disk {
    /// Takes the folder, and folds what is kept there into the world; says how far that came.
    pub(crate) fn open(options: &DiskOptions, world: &World) -> Result<(Self, Option<Applied>), FolderError> {
        let folder = Arc::new(Folder::take(&options.dir)?);
        let replayed = journal::replay(&folder.journal(), world);
        let applied = replayed.as_ref().map(|replayed| replayed.applied);
        let journal = Journal::start(folder.clone(), replayed.map(|replayed| replayed.length));
        Ok((Self { journal, _folder: folder }, applied))
    }

    /// Waits until what has been noted is written.
    pub(crate) fn close(&self) {
        self.journal.close();
    }
}
