//! What the plane and an edge say to each other besides the log itself.
//!
//! Spelled by `recant-wire::feed`; every message names history, term and incarnation, so that a late one from
//! an earlier life of either side cannot be taken for a current one.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::entry::{Hash, HistoryId};
use crate::id::EdgeId;
use crate::position::Position;

/// Counts the planes that have led one history; grants of an earlier one are void (PURGE.md rule 11).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Term(pub u64);

/// Tells the processes of one edge apart: a random number, new at every start (PURGE.md rule 12).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Incarnation(pub u64);

/// Numbers an edge's heartbeats, so that an answer finds the moment its question was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RenewalId(pub u64);

/// Which promise of punctuality a lease belongs to (PURGE.md section 3.4). There is one class so far; the number is in every frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LeaseClass(pub u8);

/// One process of one edge: what the plane counts as a member.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Member {
    /// Which edge.
    pub edge: EdgeId,
    /// Which process of it.
    pub incarnation: Incarnation,
}

/// Where an edge stands: what it has applied, and in which history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Applied {
    /// The history that `position` belongs to.
    pub history: HistoryId,
    /// The last entry applied.
    pub position: Position,
    /// The hash of that entry.
    pub hash: Hash,
}

/// An edge's cumulative acknowledgement, and its wish for a lease.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Heartbeat {
    /// Who speaks.
    pub member: Member,
    /// Which heartbeat of this member's this is.
    pub renewal: RenewalId,
    /// Everything up to here is applied and published; nothing when no snapshot has been installed yet.
    pub applied: Option<Applied>,
    /// The class of lease wished for.
    pub lease_class: LeaseClass,
    /// The viewer side has closed and no lease is wanted ever again (PURGE.md rule 13).
    pub leaving: bool,
}

/// The plane's answer to a [`Heartbeat`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Answer {
    /// Which process of the edge is answered; another one does not listen.
    pub incarnation: Incarnation,
    /// The plane's history.
    pub history: HistoryId,
    /// The plane's term.
    pub term: Term,
    /// The end of the committed log.
    pub head: Position,
    /// Whether a lease is granted.
    pub verdict: Verdict,
}

/// Whether a lease is granted, and if not, why not.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The edge may serve from its cache for `lease` from the moment it *sent* the heartbeat.
    Granted {
        /// Counted from the sending.
        lease: Duration,
    },
    /// Nothing is granted.
    Refused(Refusal),
}

/// Why no lease is granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// The member is being recorded durably; ask again.
    Joining,
    /// What is already completed has not been acknowledged (PURGE.md rule 9); apply and ask again.
    Behind,
    /// Its oldest unacknowledged entry is older than the limit; apply and ask again.
    Lagging,
    /// What it says it has applied is not in this log (PURGE.md rule 15); start over from a snapshot.
    OtherHistory,
    /// The member has left or is leaving.
    Leaving,
    /// No more members fit.
    Full,
}

/// The first thing a feed says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Hello {
    /// The plane's history.
    pub history: HistoryId,
    /// The plane's term.
    pub term: Term,
    /// The end of the committed log when the feed was opened.
    pub head: Position,
    /// What follows.
    pub resume: Resume,
}

/// How a feed goes on after its [`Hello`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resume {
    /// The entries after the place the edge named.
    Entries,
    /// A snapshot, then the entries after it: the edge named no place, or one that the log no longer reaches back to.
    Snapshot,
    /// A snapshot, since the place the edge named is not in this log's past (PURGE.md rule 15).
    Diverged,
}
