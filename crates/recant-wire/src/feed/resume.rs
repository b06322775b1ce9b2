//! How an edge says where its feed shall go on: the query of [`FEED_PATH`](super::FEED_PATH).

use recant_core::entry::{Hash, HistoryId};
use recant_core::position::Position;
use recant_core::protocol::message::Applied;

use crate::sigv4::canonical::hex;

/// A query that is neither empty nor names a place whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a feed goes on after 'after-history' (32 hexadecimal digits), 'after-position' (a number) and 'after-hash' \
     (64 hexadecimal digits), or starts over without any of them"
)]
pub struct ResumeError;

/// The query, without `?`; empty when nothing is applied yet.
pub fn query(after: Option<&Applied>) -> String {
    after.map_or_else(String::new, |after| {
        format!(
            "after-history={:032x}&after-position={}&after-hash={}",
            after.history.0,
            after.position,
            hex(&after.hash.0)
        )
    })
}

/// Reads the query; unknown parameters are ignored.
///
/// # Errors
/// [`ResumeError`] when the place is named in part, twice, or in a wrong form.
pub fn parse_query(query: &str) -> Result<Option<Applied>, ResumeError> {
    let (mut history, mut position, mut hash) = (None, None, None);
    for (name, value) in query.split('&').filter_map(|parameter| parameter.split_once('=')) {
        let slot = match name {
            "after-history" => &mut history,
            "after-position" => &mut position,
            "after-hash" => &mut hash,
            _ => continue,
        };
        if slot.replace(value).is_some() {
            return Err(ResumeError);
        }
    }
    match (history, position, hash) {
        (None, None, None) => Ok(None),
        (Some(history), Some(position), Some(hash)) => {
            let history = unhex::<16>(history).ok_or(ResumeError)?;
            let is_number = position.bytes().all(|byte| byte.is_ascii_digit());
            let position = position.parse().ok().filter(|_| is_number).ok_or(ResumeError)?;
            Ok(Some(Applied {
                history: HistoryId(u128::from_be_bytes(history)),
                position: Position::new(position),
                hash: Hash(unhex(hash).ok_or(ResumeError)?),
            }))
        }
        _ => Err(ResumeError),
    }
}

/// Reads exactly `N` bytes written as hexadecimal digits of either case.
pub(super) fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits: Vec<u8> =
        text.chars().map(|c| c.to_digit(16).map(|digit| digit as u8)).collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits.chunks(2).map(|pair| pair.iter().fold(0, |sum, d| sum << 4 | d)).collect();
    (digits.len() == 2 * N).then(|| bytes.try_into().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_survives_the_way() {
        let applied =
            Applied { history: HistoryId(0x0123 << 64), position: Position::new(42), hash: Hash::of(b"x") };
        assert_eq!(parse_query(&query(Some(&applied))), Ok(Some(applied)));
        assert_eq!(parse_query(&query(None)), Ok(None));
        assert_eq!(parse_query("later=1"), Ok(None));
    }

    #[test]
    fn half_a_place_is_refused() {
        let place = Applied { history: HistoryId(7), position: Position::new(42), hash: Hash::START };
        let right = query(Some(&place));
        for wrong in [
            right.replace("after-hash", "hash"),
            right.replace("=42", "=+42"),
            right.replace("=42", "="),
            right.replace("=42", "=99999999999999999999"),
            right.replace("=0", "=g"),
            format!("{right}0"),
            format!("{right}&after-position=42"),
            "after-history=".into(),
        ] {
            assert_eq!(parse_query(&wrong), Err(ResumeError), "{wrong}");
        }
    }
}
