//! When a message came.

use std::time::{Duration, UNIX_EPOCH};

use http::header::{DATE, HeaderMap, HeaderValue};

use recant_core::time::WallTime;

/// Says when a response came, where it does not say so itself (RFC 9110 section 6.6.1).
pub(crate) fn note_date(headers: &mut HeaderMap, at: WallTime) {
    if !headers.contains_key(DATE) {
        let date = HeaderValue::try_from(http_date(at)).expect("a date is a field's value");
        headers.insert(DATE, date);
    }
}

fn http_date(at: WallTime) -> String {
    let since = Duration::from_millis(u64::try_from(at.millis()).unwrap_or(0));
    httpdate::fmt_http_date(UNIX_EPOCH + since)
}
