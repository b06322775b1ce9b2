//! Reads a journal, as far as it is whole, and folds it into the world.

use std::fs::File;
use std::io::{self, BufReader, Read as _};
use std::path::Path;

use bytes::Bytes;

use recant_core::entry::{Change, Hash, HistoryId};
use recant_core::position::Position;
use recant_core::protocol::message::Applied;
use recant_core::rules::Rules;
use recant_wire::feed::{Frame, FrameDecoder, PREAMBLE, body};

use super::KnownValid;
use super::frames::{self, HEAD_BYTES, MAGIC, PAYLOAD_BYTES_MAX, kind};
use crate::brought::Brought;
use crate::world::World;

/// What a journal came to.
#[derive(Debug)]
pub(in super::super) struct Replayed {
    /// The last entry that is folded in.
    pub(in super::super) applied: Applied,
    /// How many bytes of the file are of use; what follows is to be cut off.
    pub(in super::super) length: u64,
    /// What is known of stored responses.
    pub(in super::super) known: KnownValid,
}

/// Bytes read at a time.
const BUFFER_BYTES: usize = 256 * 1024;

/// Folds in what the journal in this file has; nothing, and the world is as it was, unless it has at least a whole state.
pub(in super::super) fn replay(path: &Path, world: &World) -> Option<Replayed> {
    match File::open(path) {
        Ok(file) => replay_from(BufReader::with_capacity(BUFFER_BYTES, file), world),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => {
            tracing::warn!(%error, "the journal cannot be read: nothing stored before is of use");
            None
        }
    }
}

fn replay_from(input: impl io::Read, world: &World) -> Option<Replayed> {
    let mut records = Records::open(input)?;
    let Some((mut applied, known)) = state(&mut records, world) else {
        tracing::warn!("the journal has no whole state: nothing stored before is of use");
        return None;
    };
    let mut length = records.read;
    while let Some(record) = records.next() {
        let Some((next, brought)) = record.entry(applied) else { break };
        brought.fold_into(world, next.position);
        (applied, length) = (next, records.read);
    }
    Some(Replayed { applied, length, known })
}

/// The state at the beginning, folded in.
fn state(records: &mut Records<impl io::Read>, world: &World) -> Option<(Applied, KnownValid)> {
    let begin = records.next()?;
    if begin.kind != kind::BEGIN || *begin.payload != *frames::understanding() {
        tracing::info!("the journal is another version's");
        return None;
    }
    let Some(Frame::SnapshotBegin { history, position, hash }) = records.next()?.frame() else { return None };
    let (mut changes, mut rules, mut known): (Vec<Change>, Vec<_>, KnownValid) = Default::default();
    loop {
        let record = records.next()?;
        match record.kind {
            kind::VALID => {
                let (segment, responses) = frames::read_valid(record.payload)?;
                known.0.entry(segment).or_default().extend(responses);
            }
            kind::RULES => rules.push(frames::read_rules(record.payload)?),
            kind::FEED => match record.frame()? {
                // This version wrote it: what cannot be read is damaged.
                Frame::SnapshotItem { scope, kind, body } => {
                    changes.push(body::decode(&scope, kind, &body).ok()?);
                }
                Frame::SnapshotEnd => break,
                _ => return None,
            },
            _ => return None,
        }
    }
    world.install(changes, position);
    for (scope, held) in rules {
        world.restore_rules(&scope, Rules::of(&held));
    }
    Some((Applied { history, position, hash }, known))
}

/// The records of a journal, up to the first that is not whole.
struct Records<R> {
    input: R,
    /// Bytes of all that was whole.
    read: u64,
}

struct Record {
    kind: u8,
    payload: Bytes,
}

impl<R: io::Read> Records<R> {
    fn open(mut input: R) -> Option<Self> {
        let mut magic = [0; MAGIC.len()];
        input.read_exact(&mut magic).ok()?;
        (magic == MAGIC).then_some(Self { input, read: MAGIC.len() as u64 })
    }

    fn next(&mut self) -> Option<Record> {
        let mut head = [0; HEAD_BYTES];
        self.input.read_exact(&mut head).ok()?;
        let [a, b, c, d, e, f, g, h, kind] = head;
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        if length > PAYLOAD_BYTES_MAX {
            return None;
        }
        // As much as there is: a length that is wrong takes no memory.
        let mut payload = Vec::new();
        let taken = self.input.by_ref().take(length as u64).read_to_end(&mut payload).ok()?;
        let is_whole =
            taken == length && frames::checksum(kind, &payload) == u32::from_be_bytes([e, f, g, h]);
        self.read += (HEAD_BYTES + length) as u64;
        is_whole.then(|| Record { kind, payload: payload.into() })
    }
}

impl Record {
    fn frame(&self) -> Option<Frame> {
        let mut decoder = FrameDecoder::new();
        decoder.push(&PREAMBLE);
        decoder.push(&self.payload);
        decoder.next_frame().ok().flatten().filter(|_| self.kind == kind::FEED)
    }

    /// The entry that follows the one at `last`, if this is it.
    fn entry(self, last: Applied) -> Option<(Applied, Brought)> {
        let (position, prev_hash, hash, brought) = match self.kind {
            kind::FEED => match self.frame()? {
                Frame::Entry(entry) => (entry.position, entry.prev_hash, entry.hash(), Brought::Entry(entry)),
                Frame::OpaqueEntry { position, prev_hash, hash } => opaque(position, prev_hash, hash),
                _ => return None,
            },
            kind::OPAQUE => {
                let (position, prev_hash, hash) = frames::read_opaque(self.payload)?;
                opaque(position, prev_hash, hash)
            }
            _ => return None,
        };
        let follows = position == last.position.next() && prev_hash == last.hash;
        let history: HistoryId = last.history;
        follows.then_some((Applied { history, position, hash }, brought))
    }
}

fn opaque(position: Position, prev_hash: Hash, hash: Hash) -> (Position, Hash, Hash, Brought) {
    (position, prev_hash, hash, Brought::Opaque { prev_hash, hash })
}
