//! What an edge and a shield tell each other beside the request and the response.
//!
//! | field | of a request |
//! |---|---|
//! | `recant-edge-authorization` | the secret that the edges of a plane share, as on the feed |
//! | `recant-log-place` | `HISTORY-POSITION`: where in the log the edge is, the history in hexadecimal digits |
//! | `recant-cache-key` | under which key it will store the response: its SHA-256 in hexadecimal digits |
//! | `recant-viewer-scheme` | `http` or `https`: how the viewer asks |
//! | `recant-viewer-address` | from where: an address and a port |
//!
//! A request with `recant-changed` asks nothing: its target has been changed by a request that the origin has answered. What that answer
//! names beside the target is in `recant-changed-location` and `recant-changed-content-location`. It is a `GET`, so that it changes nothing
//! where it is not understood.
//!
//! | field | of a response |
//! |---|---|
//! | `recant-cache-tags` | all tags of what is answered, with commas between them ([`crate::tags`]) |
//! | `recant-shield` | `answered`; `cut-off` says that the origin could not be talked to, `declined` that it is to be asked |

use std::fmt::Write as _;
use std::net::SocketAddr;

use http::header::{CONTENT_LOCATION, HeaderMap, HeaderName, HeaderValue, LOCATION};

use recant_core::cache_key::CacheKey;
use recant_core::entry::HistoryId;
use recant_core::position::Position;

pub(super) const AUTHORIZATION: HeaderName = HeaderName::from_static("recant-edge-authorization");
const LOG_PLACE: HeaderName = HeaderName::from_static("recant-log-place");
const CACHE_KEY: HeaderName = HeaderName::from_static("recant-cache-key");
const VIEWER_SCHEME: HeaderName = HeaderName::from_static("recant-viewer-scheme");
const VIEWER_ADDRESS: HeaderName = HeaderName::from_static("recant-viewer-address");
const CHANGED: HeaderName = HeaderName::from_static("recant-changed");
const CHANGED_LOCATIONS: [(HeaderName, HeaderName); 2] = [
    (LOCATION, HeaderName::from_static("recant-changed-location")),
    (CONTENT_LOCATION, HeaderName::from_static("recant-changed-content-location")),
];
pub(super) const SHIELD: HeaderName = HeaderName::from_static("recant-shield");

pub(super) const ANSWERED: HeaderValue = HeaderValue::from_static("answered");
pub(super) const CUT_OFF: HeaderValue = HeaderValue::from_static("cut-off");
pub(super) const DECLINED: HeaderValue = HeaderValue::from_static("declined");

/// A place in the log of one history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LogPlace {
    pub(crate) history: HistoryId,
    pub(crate) position: Position,
}

/// What an edge says about itself and its viewer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) place: LogPlace,
    pub(super) key: KeyDigest,
    pub(super) is_secure: bool,
    pub(super) viewer: SocketAddr,
}

/// Stands for a key, in hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyDigest(String);

impl KeyDigest {
    pub(crate) fn of(key: &CacheKey) -> Self {
        let mut digits = String::with_capacity(64);
        for byte in key.digest() {
            // Writing to a string does not fail.
            let _ = write!(digits, "{byte:02x}");
        }
        Self(digits)
    }
}

impl Told {
    /// Says it.
    pub(super) fn put(&self, headers: &mut HeaderMap) {
        let LogPlace { history, position } = self.place;
        let mut insert = |name: HeaderName, text: String| {
            headers.insert(name, HeaderValue::try_from(text).expect("digits and marks are a field's value"));
        };
        insert(LOG_PLACE, format!("{:x}-{}", history.0, position.get()));
        insert(CACHE_KEY, self.key.0.clone());
        insert(VIEWER_ADDRESS, self.viewer.to_string());
        let scheme = if self.is_secure { "https" } else { "http" };
        headers.insert(VIEWER_SCHEME, HeaderValue::from_static(scheme));
    }

    /// Reads it, and takes it out: it is for nobody else. Nothing if it is not all there.
    pub(super) fn take(headers: &mut HeaderMap) -> Option<Self> {
        let [place, key, scheme, viewer] =
            [LOG_PLACE, CACHE_KEY, VIEWER_SCHEME, VIEWER_ADDRESS].map(|name| headers.remove(name));
        let (place, scheme) = (place?, scheme?);
        let key = KeyDigest(key?.to_str().ok()?.to_owned());
        let viewer = viewer?.to_str().ok()?.parse().ok()?;
        let (history, position) = place.to_str().ok()?.split_once('-')?;
        let history = HistoryId(u128::from_str_radix(history, 16).ok()?);
        let place = LogPlace { history, position: Position::new(position.parse().ok()?) };
        let is_secure = match scheme.as_bytes() {
            b"http" => false,
            b"https" => true,
            _ => return None,
        };
        Some(Self { place, key, is_secure, viewer })
    }
}

/// Says that the target has been changed, by a request that has got this response.
pub(super) fn put_changed(headers: &mut HeaderMap, response: &HeaderMap) {
    headers.insert(CHANGED, HeaderValue::from_static("target"));
    for (name, told) in CHANGED_LOCATIONS {
        if let Some(value) = response.get(name) {
            headers.insert(told, value.clone());
        }
    }
}

/// Reads what of that response names other resources, and takes it out; nothing where it does not say that anything has been changed.
pub(super) fn take_changed(headers: &mut HeaderMap) -> Option<HeaderMap> {
    let is_changed = headers.remove(CHANGED).is_some();
    let named = CHANGED_LOCATIONS.map(|(name, told)| (name, headers.remove(told)));
    let named = named.into_iter().filter_map(|(name, value)| Some((name, value?)));
    is_changed.then(|| named.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_read_once() {
        let place = LogPlace { history: HistoryId(u128::MAX), position: Position::new(u64::MAX) };
        for viewer in ["192.0.2.1:80", "[2001:db8::1]:65535"] {
            let viewer = viewer.parse().expect("an address");
            let told = Told { place, key: KeyDigest("0a".into()), is_secure: true, viewer };
            let mut headers = HeaderMap::new();
            told.put(&mut headers);
            assert_eq!(Told::take(&mut headers), Some(told));
            assert_eq!(Told::take(&mut headers), None);
            assert!(headers.is_empty());
        }
    }

    #[test]
    fn changes_are_read_once() {
        let response = HeaderMap::from_iter([(LOCATION, HeaderValue::from_static("/x"))]);
        let mut headers = HeaderMap::new();
        put_changed(&mut headers, &response);
        assert_eq!(take_changed(&mut headers), Some(response));
        headers.insert(CHANGED_LOCATIONS[1].1.clone(), HeaderValue::from_static("/y"));
        assert_eq!(take_changed(&mut headers), None);
        assert!(headers.is_empty());
    }

    #[test]
    fn what_is_not_clear_is_nothing() {
        let take = |place: &'static str, scheme: &'static str, viewer: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(LOG_PLACE, HeaderValue::from_static(place));
            headers.insert(CACHE_KEY, HeaderValue::from_static("0a"));
            headers.insert(VIEWER_SCHEME, HeaderValue::from_static(scheme));
            headers.insert(VIEWER_ADDRESS, HeaderValue::from_static(viewer));
            Told::take(&mut headers)
        };
        assert!(take("1-1", "http", "192.0.2.1:80").is_some());
        for place in ["", "1", "1-", "-1", "x-1", "1-1-1", "1-18446744073709551616"] {
            assert_eq!(take(place, "http", "192.0.2.1:80"), None, "{place}");
        }
        for (scheme, viewer) in
            [("ftp", "192.0.2.1:80"), ("", "192.0.2.1:80"), ("http", "192.0.2.1"), ("http", "")]
        {
            assert_eq!(take("1-1", scheme, viewer), None, "{scheme} {viewer}");
        }
    }
}
