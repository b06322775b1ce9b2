//! Questions that a plane asks its edges over their feeds, and the answers, which are posted.
//!
//! The one question so far: how many stored responses would an invalidation of these patterns take away? Nothing is changed by it, and
//! nobody has to answer: an edge of an older version skips the frame, a busy one lets it pass.

use recant_core::batch::Pattern;
use recant_core::id::{EdgeId, TenantId};
use recant_core::limits::HEARTBEAT_BYTES_MAX;
use serde::{Deserialize, Serialize};

use super::heartbeat::{MessageError, from_json, to_json};

/// Where an edge posts its answers.
pub const ANSWER_PATH: &str = "/recant/v1/edges/answers";

/// How many stored responses of a tenant match any of these patterns and could still be served?
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// Its number, to be given back with the answer.
    pub question: u64,
    /// Whose stored responses.
    pub tenant: TenantId,
    /// What they match.
    pub patterns: Vec<Pattern>,
}

/// An edge's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// The question's number.
    pub question: u64,
    /// Who has counted.
    pub edge: EdgeId,
    /// How many there are.
    pub stored_responses: u64,
}

const _: () = assert!(HEARTBEAT_BYTES_MAX > 256, "an answer is shorter than a heartbeat may be");

/// Spells a question.
pub(super) fn encode_question(question: &Question) -> Vec<u8> {
    to_json(question)
}

/// Reads a question; nothing when it is none that this version understands.
pub(super) fn decode_question(bytes: &[u8]) -> Option<Question> {
    serde_json::from_slice(bytes).ok()
}

/// Spells an answer.
pub fn encode(counted: &Counted) -> Vec<u8> {
    to_json(counted)
}

/// Reads an answer.
///
/// # Errors
/// [`MessageError`] when it is none.
pub fn decode(bytes: &[u8]) -> Result<Counted, MessageError> {
    from_json(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_survive_the_way() {
        let edge = EdgeId::parse(&"e".repeat(128)).unwrap();
        let counted = Counted { question: u64::MAX, edge, stored_responses: u64::MAX };
        let spelled = encode(&counted);
        assert_eq!(decode(&spelled).unwrap(), counted);
        assert!(spelled.len() < HEARTBEAT_BYTES_MAX);
        assert!(decode(b"{}").is_err());
    }
}
