//! Heartbeats and their answers, as JSON.

use recant_core::limits::{HEARTBEAT_BYTES_MAX, REMOVED_PER_HEARTBEAT_MAX};
use recant_core::position::Position;
use recant_core::protocol::message::{Answer, Applied, Heartbeat, LeaseClass, Member, RenewalId};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The media type of both.
pub const CONTENT_TYPE: &str = "application/json";

/// A message that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum MessageError {
    /// It is longer than [`HEARTBEAT_BYTES_MAX`].
    #[error("a heartbeat has at most {HEARTBEAT_BYTES_MAX} bytes")]
    TooLong,
    /// It is not the JSON of such a message.
    #[error("not a message of the feed")]
    Json(#[from] serde_json::Error),
}

/// How many stored responses the entry at a position has taken away at an edge, so far and all in all: said again, it is not
/// counted again.
pub type Removed = (Position, u64);

/// What an edge says beside a heartbeat.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct TakenAway {
    /// What has grown since the plane heard of it last, at most [`REMOVED_PER_HEARTBEAT_MAX`].
    #[serde(default)]
    pub removed: Vec<Removed>,
    /// Nothing that entries up to here have taken away is stored any more: what is said of them grows no further.
    #[serde(default)]
    pub swept: Option<Position>,
}

/// A heartbeat and what is beside it, as one object.
#[derive(Serialize)]
struct Spelled<'a> {
    member: &'a Member,
    renewal: RenewalId,
    applied: &'a Option<Applied>,
    lease_class: LeaseClass,
    leaving: bool,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    removed: &'a [Removed],
    #[serde(skip_serializing_if = "Option::is_none")]
    swept: Option<Position>,
}

/// Spells a heartbeat.
pub fn encode(heartbeat: &Heartbeat) -> Vec<u8> {
    encode_with(heartbeat, &TakenAway::default())
}

/// Spells a heartbeat, and what invalidations have taken away.
pub fn encode_with(heartbeat: &Heartbeat, taken_away: &TakenAway) -> Vec<u8> {
    let Heartbeat { member, renewal, applied, lease_class, leaving } = heartbeat;
    let TakenAway { removed, swept } = taken_away;
    let removed = &removed[..removed.len().min(REMOVED_PER_HEARTBEAT_MAX)];
    let (renewal, lease_class, leaving) = (*renewal, *lease_class, *leaving);
    to_json(&Spelled { member, renewal, applied, lease_class, leaving, removed, swept: *swept })
}

/// Reads what a heartbeat says about invalidations. Nothing when that cannot be read: no lease depends on it.
pub fn decode_taken_away(bytes: &[u8]) -> TakenAway {
    let mut taken_away: TakenAway = from_json(bytes).unwrap_or_default();
    taken_away.removed.truncate(REMOVED_PER_HEARTBEAT_MAX);
    taken_away
}

/// Reads a heartbeat.
///
/// # Errors
/// [`MessageError`] when it is not one.
pub fn decode(bytes: &[u8]) -> Result<Heartbeat, MessageError> {
    from_json(bytes)
}

/// Spells an answer.
pub fn encode_answer(answer: &Answer) -> Vec<u8> {
    to_json(answer)
}

/// Reads an answer.
///
/// # Errors
/// [`MessageError`] when it is not one.
pub fn decode_answer(bytes: &[u8]) -> Result<Answer, MessageError> {
    from_json(bytes)
}

pub(super) fn to_json(message: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(message).expect("the messages' own types have string keys and cannot fail")
}

pub(super) fn from_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, MessageError> {
    if bytes.len() > HEARTBEAT_BYTES_MAX {
        return Err(MessageError::TooLong);
    }
    Ok(serde_json::from_slice(bytes)?)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use recant_core::entry::{Hash, HistoryId};
    use recant_core::id::EdgeId;
    use recant_core::protocol::message::{Incarnation, Refusal, Term, Verdict};

    use super::*;

    #[test]
    fn messages_survive_the_way() {
        let mut heartbeat = Heartbeat {
            member: Member { edge: EdgeId::parse("edge-1").unwrap(), incarnation: Incarnation(u64::MAX) },
            renewal: RenewalId(3),
            applied: Some(Applied {
                history: HistoryId(u128::MAX),
                position: Position::new(u64::MAX),
                hash: Hash([0xff; 32]),
            }),
            lease_class: LeaseClass::default(),
            leaving: false,
        };
        let spelled = encode(&heartbeat);
        assert!(spelled.len() < HEARTBEAT_BYTES_MAX / 4, "{} bytes", spelled.len());
        assert_eq!(decode(&spelled).unwrap(), heartbeat);
        heartbeat.applied = None;
        assert_eq!(decode(&encode(&heartbeat)).unwrap(), heartbeat);
        for verdict in
            [Verdict::Granted { lease: Duration::from_millis(1500) }, Verdict::Refused(Refusal::Behind)]
        {
            let answer = Answer {
                incarnation: Incarnation(5),
                history: HistoryId(1),
                term: Term(2),
                head: Position::new(3),
                verdict,
            };
            assert_eq!(decode_answer(&encode_answer(&answer)).unwrap(), answer);
        }
    }

    #[test]
    fn what_invalidations_took_away_comes_along_within_bounds() {
        let edge = EdgeId::parse(&"e".repeat(128)).unwrap();
        let heartbeat = Heartbeat {
            member: Member { edge, incarnation: Incarnation(u64::MAX) },
            renewal: RenewalId(u64::MAX),
            applied: Some(Applied {
                history: HistoryId(u128::MAX),
                position: Position::new(u64::MAX),
                hash: Hash([0xff; 32]),
            }),
            lease_class: LeaseClass(u8::MAX),
            leaving: false,
        };
        assert_eq!(encode(&heartbeat), to_json(&heartbeat), "as an older edge spells it");
        let removed: Vec<Removed> =
            (0..=REMOVED_PER_HEARTBEAT_MAX).map(|_| (Position::new(u64::MAX), u64::MAX)).collect();
        let taken_away = TakenAway { removed, swept: Some(Position::new(u64::MAX)) };
        let spelled = encode_with(&heartbeat, &taken_away);
        assert!(spelled.len() < HEARTBEAT_BYTES_MAX, "{} bytes", spelled.len());
        assert_eq!(decode(&spelled).unwrap(), heartbeat, "as an older plane reads it");
        let read = decode_taken_away(&spelled);
        assert_eq!((&*read.removed, read.swept), (&taken_away.removed[1..], taken_away.swept));
        let nothing = TakenAway::default();
        assert_eq!(decode_taken_away(&encode(&heartbeat)), nothing);
        assert_eq!(decode_taken_away(br#"{"removed":[[1,2],[3]],"swept":1}"#), nothing);
        assert_eq!(decode_taken_away(br#"{"removed":[[1,2]]}"#).removed, [(Position::new(1), 2)]);
    }

    #[test]
    fn what_is_no_message_is_refused() {
        assert!(matches!(decode(b"{}"), Err(MessageError::Json(_))));
        assert!(matches!(decode(&vec![b' '; HEARTBEAT_BYTES_MAX + 1]), Err(MessageError::TooLong)));
    }
}
