//! The thread that writes the journal.

use std::fs::File;
use std::io::{self, BufWriter, Seek as _, SeekFrom, Write as _};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;

use bytes::Bytes;

use recant_core::entry::{Change, Scope};
use recant_core::position::Position;
use recant_core::protocol::message::Applied;

use super::frames::{self, MAGIC};
use super::{Note, State};
use crate::disk::folder::{self, Folder};
use crate::disk::tier::Tier;
use crate::world::Captured;

/// Responses that one frame speaks of.
const KNOWN_PER_FRAME_MAX: usize = 65_536;

pub(super) struct Writer {
    folder: Arc<Folder>,
    tier: Arc<Tier>,
    state: Arc<State>,
    /// Where the next entry goes; nowhere, when one is missing.
    file: Option<File>,
    /// What is wrong has been told.
    is_told: bool,
}

impl Writer {
    /// Goes on after so many bytes of the journal that is there; without any, with the first state.
    pub(super) fn new(folder: Arc<Folder>, tier: Arc<Tier>, state: Arc<State>, length: Option<u64>) -> Self {
        let mut this = Self { folder, tier, state, file: None, is_told: false };
        if let Some(length) = length {
            let reopened = reopen(&this.folder, length);
            this.file = this.done(reopened);
        }
        this
    }

    pub(super) fn run(mut self, inbox: &Receiver<Note>) {
        while let Ok(note) = inbox.recv() {
            match note {
                Note::Entry(position, bytes) => self.append(position, &bytes),
                Note::State(state) => self.begin_anew(&state.0, &state.1),
                Note::End => return,
            }
        }
    }

    fn append(&mut self, position: Position, bytes: &Bytes) {
        self.state.waiting_bytes.fetch_sub(bytes.len() as u64, Ordering::Relaxed);
        let Some(mut file) = self.file.take() else { return };
        let written = file.write_all(bytes);
        // What has been written in part is torn off by whoever reads it.
        if self.done(written).is_some() {
            self.file = Some(file);
            self.state.entry_bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
            self.state.position.store(position.get(), Ordering::Relaxed);
        }
    }

    fn begin_anew(&mut self, applied: &Applied, captured: &Captured) {
        self.file = None;
        let written = self.write_state(applied, captured);
        if let Some((file, length)) = self.done(written) {
            self.file = Some(file);
            self.is_told = false;
            self.state.state_bytes.store(length, Ordering::Relaxed);
            self.state.entry_bytes.store(0, Ordering::Relaxed);
            self.state.position.store(applied.position.get(), Ordering::Relaxed);
        }
    }

    /// Whole and durable, before it takes the place of the one before.
    fn write_state(&self, applied: &Applied, captured: &Captured) -> io::Result<(File, u64)> {
        let file = folder::create(&self.folder.new_journal())?;
        file.set_len(0)?;
        let mut out = BufWriter::new(file);
        out.write_all(&MAGIC)?;
        out.write_all(&frames::begin())?;
        out.write_all(&frames::snapshot_begin(applied))?;
        for (spec, rules) in &captured.distributions {
            out.write_all(&frames::snapshot_item(&Change::PutDistribution((**spec).clone())))?;
            out.write_all(&frames::rules(&Scope::Distribution(spec.id.clone()), &rules.held()))?;
        }
        for (spec, rules) in &captured.tenants {
            out.write_all(&frames::snapshot_item(&Change::PutTenant((**spec).clone())))?;
            out.write_all(&frames::rules(&Scope::Tenant(spec.id.clone()), &rules.held()))?;
        }
        for (segment, known) in self.tier.known_valid(applied.history) {
            for known in known.chunks(KNOWN_PER_FRAME_MAX) {
                out.write_all(&frames::valid(segment, known))?;
            }
        }
        out.write_all(&frames::snapshot_end())?;
        let mut file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        let length = file.stream_position()?;
        self.folder.publish_journal()?;
        Ok((file, length))
    }

    /// What has been done; where it failed there is a gap, and it is said once.
    fn done<T>(&mut self, result: io::Result<T>) -> Option<T> {
        result
            .inspect_err(|error| {
                self.state.has_gap.store(true, Ordering::Relaxed);
                if !std::mem::replace(&mut self.is_told, true) {
                    tracing::warn!(%error, "the journal cannot be written; a restart would go on from an earlier place");
                }
            })
            .ok()
    }
}

/// Cuts off what is torn.
fn reopen(folder: &Folder, length: u64) -> io::Result<File> {
    let mut file = folder::create(&folder.journal())?;
    file.set_len(length)?;
    file.seek(SeekFrom::Start(length))?;
    Ok(file)
}
