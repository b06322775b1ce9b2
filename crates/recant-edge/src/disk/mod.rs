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

//! # The segments
//!
//! Stored responses are appended to segments, files that are deleted as a whole, the oldest first. A response is written once it
//! is stored, by a thread that nobody waits for; what has been taken out of the store is noted there, too. An index in
//! memory says where each lies. What is not in memory any more is read back, and judged like anything else that is stored.
//!
//! **What the disk says is an eternal truth or nothing.** A record says: these bytes were asked for when the log of this history was
//! known up to here. The journal says of some: no rule of this history up to there matches. Neither becomes wrong by what
//! happens later, or by being read in another order, twice, or not at all; the rules are the journal's and the feed's. So any mixture
//! of old and new files can cost hits, and cannot serve what was invalidated.
//!
//! **A response that lies in memory and on the disk is one response.** Whoever first finds that a rule has taken it away
//! takes it out of the index, and it is counted once.
//!
//! What a kill can bring back is what somebody took out of the store in the last moments before it other than by an invalidation: the
//! response to a `GET` that a `POST` has changed (RFC 9111 section 4.4), or the one before the last.

mod folder;
mod index;
mod journal;
mod judging;
mod rebuild;
mod record;
mod segment;
mod sweeping;
mod tenants;
#[cfg(test)]
mod tests;
mod tier;
mod writer;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use recant_core::limits::{DISK_BYTES_DEFAULT, DISK_RETRY_PERIOD};
use recant_core::lookup::EdgeView;
use recant_core::position::{Era, Position};
use recant_core::protocol::message::Applied;

use crate::clock::Clock;
use crate::removals::Removals;
use crate::store::Store;
use crate::world::World;
use folder::Folder;
pub use folder::FolderError;
pub(crate) use journal::Due;
use journal::{Journal, KnownValid};
use rebuild::Rebuild;
pub(crate) use record::{ResponseHead, Variant};
use segment::{Medium, OwnDisk};
pub use tier::DiskUsage;
pub(crate) use tier::{Candidate, Tier};
use writer::Writer;

/// Where an edge keeps what outlives its process.
#[derive(Clone, Debug)]
pub struct DiskOptions {
    /// The folder; made if need be. Nobody else may use it.
    pub dir: PathBuf,
    /// Bytes that stored responses may take there.
    pub bytes: u64,
}

impl DiskOptions {
    /// The defaults, in this folder.
    pub fn new(dir: PathBuf) -> Self {
        Self { dir, bytes: DISK_BYTES_DEFAULT }
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Disk {
    pub(crate) journal: Journal,
    pub(crate) tier: Arc<Tier>,
    applied: Option<Applied>,
    /// What the journal has said, until it has been listened to.
    known: Mutex<KnownValid>,
    /// How long a disk that has failed is left alone.
    retry: Duration,
}

impl Disk {
    /// Makes the folder, and finds out whether it can be used; it is given back.
    ///
    /// # Errors
    /// [`FolderError`].
    pub(crate) fn try_folder(options: &DiskOptions) -> Result<(), FolderError> {
        Folder::take(&options.dir).map(drop)
    }

    /// Takes the folder, and folds what the journal there has into the world.
    ///
    /// # Errors
    /// [`FolderError`].
    pub(crate) fn open(options: &DiskOptions, world: &World) -> Result<Self, FolderError> {
        Self::open_on(options, world, Box::new(OwnDisk), DISK_RETRY_PERIOD)
    }

    fn open_on(
        options: &DiskOptions,
        world: &World,
        medium: Box<dyn Medium>,
        retry: Duration,
    ) -> Result<Self, FolderError> {
        let folder = Arc::new(Folder::take(&options.dir)?);
        let tier = Arc::new(Tier::new(folder.clone(), medium, options.bytes));
        let replayed = journal::replay(&folder.journal(), world);
        let applied = replayed.as_ref().map(|replayed| replayed.applied);
        if let Some(applied) = applied {
            tier.follow(Era::default(), applied.history);
            world.follow(Era::default(), applied.history);
            // Committed it was: what is fetched before the follower speaks is stamped with it. Without a lease, as ever.
            let (era, known_committed) = (Era::default(), applied.position);
            world.publish_view(EdgeView { lease_until: None, era, known_committed });
        }
        let (length, known) = replayed.map(|replayed| (replayed.length, replayed.known)).unzip();
        let position = applied.map_or(Position::ZERO, |applied| applied.position);
        let journal = Journal::start(folder, tier.clone(), length, position);
        Ok(Self { journal, tier, applied, known: Mutex::new(known.unwrap_or_default()), retry })
    }

    /// The last entry that an earlier process has applied and kept.
    pub(crate) fn applied(&self) -> Option<Applied> {
        self.applied
    }

    /// Looks through what earlier processes have left, and begins to write; on a thread of its own.
    pub(crate) fn start(
        &self,
        world: &Arc<World>,
        store: &Arc<Store>,
        removals: &Arc<Removals>,
        clock: &Arc<dyn Clock>,
    ) {
        let known = std::mem::take(&mut *self.known.lock().unwrap_or_else(PoisonError::into_inner));
        let (tier, applied) = (self.tier.clone(), self.applied);
        let (world, store, removals) = (world.clone(), store.clone(), removals.clone());
        let rebuild = Rebuild { tier, world, store, removals, applied, known, now: clock.wall() };
        let (tier, retry) = (self.tier.clone(), self.retry);
        self.tier.start(move |inbox| {
            let store = rebuild.store.clone();
            let writer = Writer::new(tier, &store, rebuild.run(), retry);
            // The store has the tier: who holds both would never let go.
            drop(store);
            writer.run(&inbox);
        });
    }

    /// What there is.
    pub(crate) fn usage(&self) -> DiskUsage {
        DiskUsage { journal_position: self.journal.position(), ..self.tier.usage() }
    }

    /// Waits until what has been noted is written.
    pub(crate) fn close(&self) {
        self.tier.close();
        self.journal.close();
    }
}

impl Drop for Disk {
    /// The threads end when they have done what they were told, and nobody waits for it.
    fn drop(&mut self) {
        self.tier.end();
    }
}
