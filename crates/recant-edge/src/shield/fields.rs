//! What an edge and a shield tell each other beside the request and the response.
//!
//! | field | of a request |
//! |---|---|
//! | `recant-edge-authorization` | the secret that the edges of a plane share, as on the feed |
//! | `recant-log-place` | `HISTORY-POSITION`: where in the log the edge is, the history in hexadecimal digits |
//! | `recant-viewer-scheme` | `http` or `https`: how the viewer asks |
//!
//! | field | of a response |
//! |---|---|
//! | `recant-shield` | `answered`; `declined` says that the origin is to be asked |

use http::header::{HeaderMap, HeaderName, HeaderValue};

use recant_core::entry::HistoryId;
use recant_core::position::Position;

pub(super) const AUTHORIZATION: HeaderName = HeaderName::from_static("recant-edge-authorization");
const LOG_PLACE: HeaderName = HeaderName::from_static("recant-log-place");
const VIEWER_SCHEME: HeaderName = HeaderName::from_static("recant-viewer-scheme");
pub(super) const SHIELD: HeaderName = HeaderName::from_static("recant-shield");

pub(super) const ANSWERED: HeaderValue = HeaderValue::from_static("answered");
pub(super) const DECLINED: HeaderValue = HeaderValue::from_static("declined");

/// A place in the log of one history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LogPlace {
    pub(crate) history: HistoryId,
    pub(crate) position: Position,
}

/// What an edge says about itself and its viewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) place: LogPlace,
    pub(super) is_secure: bool,
}

impl Told {
    /// Says it.
    pub(super) fn put(&self, headers: &mut HeaderMap) {
        let LogPlace { history, position } = self.place;
        let place = HeaderValue::try_from(format!("{:x}-{}", history.0, position.get()));
        headers.insert(LOG_PLACE, place.expect("digits are a field's value"));
        let scheme = if self.is_secure { "https" } else { "http" };
        headers.insert(VIEWER_SCHEME, HeaderValue::from_static(scheme));
    }

    /// Reads it, and takes it out: it is for nobody else. Nothing if it is not all there.
    pub(super) fn take(headers: &mut HeaderMap) -> Option<Self> {
        let (place, scheme) = (headers.remove(LOG_PLACE)?, headers.remove(VIEWER_SCHEME)?);
        let (history, position) = place.to_str().ok()?.split_once('-')?;
        let history = HistoryId(u128::from_str_radix(history, 16).ok()?);
        let place = LogPlace { history, position: Position::new(position.parse().ok()?) };
        match scheme.as_bytes() {
            b"http" => Some(Self { place, is_secure: false }),
            b"https" => Some(Self { place, is_secure: true }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_read_once() {
        let place = LogPlace { history: HistoryId(u128::MAX), position: Position::new(u64::MAX) };
        let told = Told { place, is_secure: true };
        let mut headers = HeaderMap::new();
        told.put(&mut headers);
        assert_eq!(Told::take(&mut headers), Some(told));
        assert_eq!(Told::take(&mut headers), None);
        assert!(headers.is_empty());
    }

    #[test]
    fn what_is_not_clear_is_nothing() {
        for (place, scheme) in [
            ("", "http"),
            ("1", "http"),
            ("1-", "http"),
            ("-1", "http"),
            ("x-1", "http"),
            ("1-1-1", "http"),
            ("1-18446744073709551616", "http"),
            ("1-1", "ftp"),
            ("1-1", ""),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(LOG_PLACE, HeaderValue::from_static(place));
            headers.insert(VIEWER_SCHEME, HeaderValue::from_static(scheme));
            assert_eq!(Told::take(&mut headers), None, "{place} {scheme}");
        }
    }
}
