//! The journal: what the log has told this edge. See [`crate::disk`], and docs/design/formats.md for the bytes.
//!
//! The follower notes, and never waits: a thread writes. Where it does not keep up, or the disk fails, the journal has a gap, and
//! ends there; it is begun anew as soon as it can be.

mod frames;
mod reader;
#[cfg(test)]
mod tests;
mod writer;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use bytes::Bytes;

use recant_core::limits::{JOURNAL_BYTES_MIN, JOURNAL_BYTES_WAITING_MAX, JOURNAL_NOTES_WAITING_MAX};
use recant_core::position::Position;
use recant_core::protocol::message::Applied;

use super::folder::Folder;
use super::tier::Tier;
use crate::brought::Brought;
use crate::world::Captured;
pub(super) use reader::replay;
use writer::Writer;

/// The end of the journal that is written to.
#[derive(Debug)]
pub(crate) struct Journal {
    notes: SyncSender<Note>,
    state: Arc<State>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// Up to where stored responses on the disk are known to match no rule: by the number and the birth of their segment, each with its
/// offset there.
#[derive(Debug, Default)]
pub(super) struct KnownValid(pub(super) HashMap<(u32, u64), Vec<(u32, Position)>>);

/// Whether it has to begin anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    Not,
    /// When the sweep has passed, which leaves the least to write.
    AfterSweep,
    Now,
}

/// What the follower and the writing thread both know.
#[derive(Debug, Default)]
struct State {
    /// Something is missing: what follows must not be written.
    has_gap: AtomicBool,
    /// Bytes of the state at the beginning.
    state_bytes: AtomicU64,
    /// Bytes of the entries after it.
    entry_bytes: AtomicU64,
    /// Bytes noted and not written yet.
    waiting_bytes: AtomicU64,
    /// The last place that is written.
    position: AtomicU64,
}

/// What is to be written.
#[derive(Debug)]
enum Note {
    Entry(Position, Bytes),
    State(Box<(Applied, Captured)>),
    End,
}

/// How much longer than at which it should begin anew it may get while no sweep passes.
const FAR_TOO_LONG: u64 = 4;

impl Journal {
    /// Goes on after this many bytes of the journal that is there, which come to this place, if one is.
    pub(super) fn start(
        folder: Arc<Folder>,
        tier: Arc<Tier>,
        length: Option<u64>,
        position: Position,
    ) -> Self {
        let (notes, inbox) = sync_channel(JOURNAL_NOTES_WAITING_MAX);
        let state = Arc::new(State::default());
        state.has_gap.store(length.is_none(), Ordering::Relaxed);
        state.entry_bytes.store(length.unwrap_or(0), Ordering::Relaxed);
        state.position.store(position.get(), Ordering::Relaxed);
        let writer = Writer::new(folder, tier, state.clone(), length);
        let thread = std::thread::Builder::new().name("journal".into()).spawn(move || writer.run(&inbox));
        let thread = thread.inspect_err(|error| tracing::warn!(%error, "the journal is not kept")).ok();
        Self { notes, state, thread: Mutex::new(thread) }
    }

    /// Notes what the log has brought at this place; a snapshot is noted when it has been folded in.
    pub(crate) fn note(&self, position: Position, brought: &Brought) {
        let bytes = match brought {
            Brought::Entry(entry) => frames::entry(entry),
            Brought::Opaque { prev_hash, hash } => frames::opaque(position, *prev_hash, *hash),
            Brought::Snapshot(_) => return,
        };
        if self.state.has_gap.load(Ordering::Relaxed) {
            return;
        }
        let length = bytes.len() as u64;
        let waiting = self.state.waiting_bytes.fetch_add(length, Ordering::Relaxed);
        let is_noted =
            waiting <= JOURNAL_BYTES_WAITING_MAX && self.notes.try_send(Note::Entry(position, bytes)).is_ok();
        if !is_noted {
            self.state.waiting_bytes.fetch_sub(length, Ordering::Relaxed);
            self.state.has_gap.store(true, Ordering::Relaxed);
        }
    }

    /// Begins anew with this state, which is that after `applied`.
    pub(crate) fn begin_anew(&self, applied: Applied, captured: Captured) {
        // Before it is handed over: what the thread has to say about it comes after.
        self.state.has_gap.store(false, Ordering::Relaxed);
        if self.notes.try_send(Note::State(Box::new((applied, captured)))).is_err() {
            self.state.has_gap.store(true, Ordering::Relaxed);
        }
    }

    /// The last place that has been written: another process would go on from there.
    pub(crate) fn position(&self) -> Position {
        Position::new(self.state.position.load(Ordering::Relaxed))
    }

    pub(crate) fn due(&self) -> Due {
        let read = |number: &AtomicU64| number.load(Ordering::Relaxed);
        let entries_max = read(&self.state.state_bytes).max(JOURNAL_BYTES_MIN);
        let has_gap = self.state.has_gap.load(Ordering::Relaxed);
        match read(&self.state.entry_bytes) / entries_max {
            _ if has_gap => Due::Now,
            0 => Due::Not,
            1..FAR_TOO_LONG => Due::AfterSweep,
            _ => Due::Now,
        }
    }

    /// Waits until everything noted is written. What is noted afterwards is not.
    pub(super) fn close(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        // A thread that has ended needs no end.
        let is_told = self.notes.send(Note::End).is_ok();
        if let Some(thread) = thread.filter(|_| is_told) {
            // It has said why.
            let _ = thread.join();
        }
    }
}
