//! What tests of several modules start from.

use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};

/// Header fields of lines as `name: value`.
pub(crate) fn map(lines: &[&str]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap();
        map.append(HeaderName::try_from(name).unwrap(), HeaderValue::from_str(value).unwrap());
    }
    map
}
