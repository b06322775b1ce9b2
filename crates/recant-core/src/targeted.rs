//! `CDN-Cache-Control`: what an origin says to shared caches at the edge alone (RFC 9213).
//!
//! Where the field is there and well formed, it takes the place of `Cache-Control` and `Expires` altogether
//! (section 2.2), so also of a `no-store` that is meant for the viewers. It is a Structured Field, a Dictionary
//! (RFC 8941 section 3.2), and read strictly: **one error, also of a directive's type, and the whole field is as if it
//! were not there** (section 2.1).

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::cache_control::CacheControl;
use crate::limits::DELTA_SECONDS_MAX;

pub(crate) const CDN_CACHE_CONTROL: HeaderName = HeaderName::from_static("cdn-cache-control");

/// The directives meant for caches at the edge, if the response has any that can be read.
pub fn targeted(headers: &HeaderMap) -> Option<CacheControl> {
    let lines: Vec<&[u8]> = headers.get_all(CDN_CACHE_CONTROL).iter().map(HeaderValue::as_bytes).collect();
    let text = lines.join(&b","[..]);
    let mut control = CacheControl::default();
    let mut is_empty = true;
    let mut reader = Reader { rest: &text };
    reader.spaces();
    while !reader.rest.is_empty() {
        let key = reader.key()?;
        let item = if reader.took(b'=') { reader.item()? } else { Item::Boolean(true) };
        reader.parameters()?;
        take(&mut control, key, &item)?;
        is_empty = false;
        reader.spaces();
        if !reader.rest.is_empty() {
            reader.took(b',').then_some(())?;
            reader.spaces();
            // A comma at the end is an error (RFC 8941 section 4.2.2).
            (!reader.rest.is_empty()).then_some(())?;
        }
    }
    (!is_empty).then_some(control)
}

/// RFC 9213 section 2.1: an argument of delta-seconds is an Integer, a list of field names a String.
fn take(control: &mut CacheControl, key: &[u8], item: &Item) -> Option<()> {
    match (key, item) {
        (b"no-store", Item::Boolean(on)) => control.no_store = *on,
        (b"no-cache", Item::Boolean(on)) => control.no_cache = *on,
        (b"private", Item::Boolean(on)) => control.private = *on,
        (b"public", Item::Boolean(on)) => control.public = *on,
        (b"must-revalidate", Item::Boolean(on)) => control.must_revalidate = *on,
        (b"proxy-revalidate", Item::Boolean(on)) => control.proxy_revalidate = *on,
        (b"must-understand", Item::Boolean(on)) => control.must_understand = *on,
        (b"max-age", Item::Integer(n)) => control.max_age = Some(seconds(*n)),
        (b"s-maxage", Item::Integer(n)) => control.s_maxage = Some(seconds(*n)),
        (b"stale-while-revalidate", Item::Integer(n)) => control.stale_while_revalidate = Some(seconds(*n)),
        (b"stale-if-error", Item::Integer(n)) => control.stale_if_error = Some(seconds(*n)),
        (b"no-cache", Item::String(names)) => control.no_cache |= !control.withhold(Some(names)),
        (b"private", Item::String(names)) => control.private |= !control.withhold(Some(names)),
        (
            b"no-store"
            | b"no-cache"
            | b"private"
            | b"public"
            | b"must-revalidate"
            | b"proxy-revalidate"
            | b"must-understand"
            | b"max-age"
            | b"s-maxage"
            | b"stale-while-revalidate"
            | b"stale-if-error",
            _,
        ) => return None,
        _ => {}
    }
    Some(())
}

fn seconds(n: i64) -> Duration {
    Duration::from_secs(u64::try_from(n).unwrap_or(0).min(DELTA_SECONDS_MAX))
}

/// The types that some directive takes; the others only have to be well formed.
enum Item {
    Boolean(bool),
    Integer(i64),
    String(Vec<u8>),
    Other,
}

/// Reads RFC 8941 from left to right; nothing means that the field is malformed.
struct Reader<'t> {
    rest: &'t [u8],
}

impl<'t> Reader<'t> {
    fn took(&mut self, byte: u8) -> bool {
        let tail = self.rest.strip_prefix(&[byte][..]);
        self.rest = tail.unwrap_or(self.rest);
        tail.is_some()
    }

    fn run(&mut self, is_in: impl Fn(u8) -> bool) -> &'t [u8] {
        let end = self.rest.iter().position(|b| !is_in(*b)).unwrap_or(self.rest.len());
        let (run, tail) = self.rest.split_at(end);
        self.rest = tail;
        run
    }

    fn spaces(&mut self) {
        self.run(|b| matches!(b, b' ' | b'\t'));
    }

    /// Section 3.1.2: `lcalpha` or `*`, then also digits and `_-.`.
    fn key(&mut self) -> Option<&'t [u8]> {
        self.rest.first().filter(|b| b.is_ascii_lowercase() || **b == b'*')?;
        Some(
            self.run(|b| {
                b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-' | b'.' | b'*')
            }),
        )
    }

    /// A bare item or an inner list.
    fn item(&mut self) -> Option<Item> {
        if !self.took(b'(') {
            return self.bare();
        }
        loop {
            self.run(|b| b == b' ');
            if self.took(b')') {
                return Some(Item::Other);
            }
            self.bare()?;
            self.parameters()?;
            matches!(self.rest.first(), Some(b' ' | b')')).then_some(())?;
        }
    }

    /// Section 4.2.3.1.
    fn bare(&mut self) -> Option<Item> {
        match *self.rest.first()? {
            b'-' | b'0'..=b'9' => self.number(),
            b'"' => self.string(),
            b'?' => {
                self.rest = &self.rest[1..];
                let on = self.took(b'1');
                (on || self.took(b'0')).then_some(Item::Boolean(on))
            }
            b':' => {
                self.rest = &self.rest[1..];
                self.run(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'='));
                self.took(b':').then_some(Item::Other)
            }
            b if b.is_ascii_alphabetic() || b == b'*' => {
                self.run(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~:/".contains(&b));
                Some(Item::Other)
            }
            _ => None,
        }
    }

    /// Section 4.2.4: at most 15 digits, or 12 and three more after a point.
    fn number(&mut self) -> Option<Item> {
        let is_negative = self.took(b'-');
        let whole = self.run(|b| b.is_ascii_digit());
        if self.took(b'.') {
            let fraction = self.run(|b| b.is_ascii_digit());
            return (matches!(whole.len(), 1..=12) && matches!(fraction.len(), 1..=3)).then_some(Item::Other);
        }
        let digits = std::str::from_utf8(whole).ok().filter(|digits| matches!(digits.len(), 1..=15))?;
        let number: i64 = digits.parse().ok()?;
        Some(Item::Integer(if is_negative { -number } else { number }))
    }

    /// Section 4.2.5.
    fn string(&mut self) -> Option<Item> {
        let mut text = Vec::new();
        let mut bytes = self.rest[1..].iter().enumerate();
        while let Some((at, byte)) = bytes.next() {
            match byte {
                b'"' => {
                    self.rest = &self.rest[at + 2..];
                    return Some(Item::String(text));
                }
                b'\\' => {
                    let escaped = bytes.next().map(|(_, byte)| byte);
                    text.push(*escaped.filter(|b| matches!(b, b'"' | b'\\'))?);
                }
                b' '..=b'~' => text.push(*byte),
                _ => return None,
            }
        }
        None
    }

    /// Section 4.2.3.2; no directive has any that mean something.
    fn parameters(&mut self) -> Option<()> {
        while self.took(b';') {
            self.run(|b| b == b' ');
            self.key()?;
            if self.took(b'=') {
                self.bare()?;
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(lines: &[&str]) -> Option<CacheControl> {
        targeted(
            &lines.iter().map(|line| (CDN_CACHE_CONTROL, HeaderValue::from_str(line).unwrap())).collect(),
        )
    }

    #[test]
    fn well_formed_fields_are_read() {
        let check = |lines: &[&str], change: fn(&mut CacheControl)| {
            let mut expected = CacheControl::default();
            change(&mut expected);
            assert_eq!(read(lines), Some(expected), "{lines:?}");
        };
        check(&["max-age=60"], |control| control.max_age = Some(seconds(60)));
        check(&["max-age=99999999999"], |control| control.max_age = Some(seconds(1 << 31)));
        check(&["max-age=-1"], |control| control.max_age = Some(Duration::ZERO));
        check(&[" no-store ,\tprivate;x=1"], |control| {
            control.no_store = true;
            control.private = true;
        });
        check(&["no-cache", "max-age=5"], |control| {
            control.no_cache = true;
            control.max_age = Some(seconds(5));
        });
        check(&["private=?0, no-cache=\"x-a\""], |control| {
            control.withheld = vec![HeaderName::from_static("x-a")];
        });
        check(&["foobar, x=(a \"b\" 1.5;q);p=tok/en, y=:YQ==:, max-age=1, max-age=2"], |control| {
            control.max_age = Some(seconds(2));
        });
    }

    #[test]
    fn one_error_and_the_field_is_not_there() {
        for line in [
            "",
            " ",
            "max-age=10000, &&&&&",
            "max-age=\"60\"",
            "max-age=60.0",
            "max-age",
            "max-age=60,",
            ",max-age=60",
            "MAX-AGE=60",
            "max-age =60",
            "max-age= 60",
            "max-age=1234567890123456",
            "no-store=1",
            "x=(a",
            "x=\"a",
            "x=?2",
            "x;",
            "max-age=60 no-store",
            "x=\"\\a\"",
            "x=:a",
            "x=1.",
            "x=-",
        ] {
            assert_eq!(read(&[line]), None, "{line}");
        }
        assert_eq!(read(&[]), None);
    }

    proptest! {
        #[test]
        fn any_text_is_read(line in r#"[-a-z0-9=",;:?()\\ .*]{0,40}"#) {
            let _ = read(&[&line]);
        }
    }
}
