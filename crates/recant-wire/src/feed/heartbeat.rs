//! Heartbeats and their answers, as JSON.

use recant_core::limits::HEARTBEAT_BYTES_MAX;
use recant_core::protocol::message::{Answer, Heartbeat};
use serde::Serialize;
use serde::de::DeserializeOwned;

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

/// Spells a heartbeat.
pub fn encode(heartbeat: &Heartbeat) -> Vec<u8> {
    to_json(heartbeat)
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
    use recant_core::position::Position;
    use recant_core::protocol::message::{
        Applied, Incarnation, LeaseClass, Member, Refusal, RenewalId, Term, Verdict,
    };

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
    fn what_is_no_message_is_refused() {
        assert!(matches!(decode(b"{}"), Err(MessageError::Json(_))));
        assert!(matches!(decode(&vec![b' '; HEARTBEAT_BYTES_MAX + 1]), Err(MessageError::TooLong)));
    }
}
