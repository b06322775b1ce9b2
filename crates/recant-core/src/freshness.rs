//! How old a response is and how long it may be used: RFC 9111 section 4.2 and RFC 5861.
//!
//! It does not say whether a response may be stored ([`crate::storability`]), nor what follows from its age
//! ([`crate::lookup`]).

use std::time::Duration;

use http::header::{AGE, DATE, EXPIRES};
use http::{HeaderMap, HeaderName};

use crate::cache_control::{CacheControl, delta_seconds};
use crate::conditional::http_date_of_cache;
use crate::limits::STALE_WHEN_CUT_OFF_MAX;
use crate::time::WallTime;

/// On which terms a stored response may be used again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// The freshness lifetime, counted from the response's generation; zero: to be validated each time.
    pub lifetime: Duration,
    /// The corrected initial age: what its age was at the response time.
    pub initial_age: Duration,
    /// `no-cache`: however fresh, to be validated each time.
    pub no_cache: bool,
    /// For how long beyond its lifetime it may still be of use.
    pub stale: Stale,
}

/// How long after the end of its lifetime a response may be served, and when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stale {
    /// While the origin is asked behind the viewer's back (RFC 5861 section 3).
    pub while_revalidating: Duration,
    /// In place of an origin's error (RFC 5861 section 4).
    pub if_error: Duration,
    /// While the origin cannot be reached (RFC 9111 section 4.2.4: a cache that is disconnected).
    pub when_cut_off: Duration,
}

/// The age and freshness lifetime of a stored response at one moment (RFC 9111 section 4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freshness {
    /// Current age.
    pub age: Duration,
    /// Freshness lifetime.
    pub lifetime: Duration,
}

impl Terms {
    /// Whether it could be used as it is when it came.
    pub fn is_fresh(&self) -> bool {
        !self.no_cache && self.initial_age < self.lifetime
    }

    /// The age and lifetime at `now` (RFC 9111 section 4.2.3).
    pub fn at(&self, response_time: WallTime, now: WallTime) -> Freshness {
        let resident = now.saturating_since(response_time);
        Freshness { age: self.initial_age.saturating_add(resident), lifetime: self.lifetime }
    }
}

impl Stale {
    /// What the directives allow: nothing where they demand validation (section 5.2.2.2, 5.2.2.4, 5.2.2.8).
    ///
    /// `s-maxage` demands it as well (section 5.2.2.10), so nothing is served of its own accord; but an origin that writes
    /// a stale-directive beside it has given its leave, and origins do write both.
    ///
    /// Nor is anything served of its own accord that never was fresh: it was stored for its validator alone.
    pub(crate) fn allowed(control: &CacheControl, lifetime: Duration) -> Self {
        if control.no_cache || control.must_revalidate || control.proxy_revalidate {
            return Self::default();
        }
        let is_validated = control.s_maxage.is_some() || lifetime.is_zero();
        let of_its_own_accord = if is_validated { Duration::ZERO } else { STALE_WHEN_CUT_OFF_MAX };
        let if_error = control.stale_if_error.unwrap_or_default();
        Self {
            while_revalidating: control.stale_while_revalidate.unwrap_or_default(),
            if_error,
            // An origin that says for how long means it.
            when_cut_off: control.stale_if_error.unwrap_or(of_its_own_accord),
        }
    }
}

/// RFC 9111 section 4.2.1, for a shared cache: `s-maxage`, else `max-age`, else `Expires` less `Date`.
pub(crate) fn explicit_lifetime(
    control: &CacheControl,
    headers: &HeaderMap,
    date: WallTime,
) -> Option<Duration> {
    control.s_maxage.or(control.max_age).or_else(|| {
        let lines = headers.get_all(EXPIRES).iter();
        // Section 5.3: an invalid date, especially 0, is in the past. Of several lines the earliest counts.
        lines
            .map(|line| {
                http_date_of_cache(line.as_bytes())
                    .map_or(Duration::ZERO, |expires| expires.saturating_since(date))
            })
            .min()
    })
}

/// The corrected initial age of RFC 9111 section 4.2.3.
pub(crate) fn initial_age(
    headers: &HeaderMap,
    date: Option<WallTime>,
    request_time: WallTime,
    response_time: WallTime,
) -> Duration {
    let apparent_age = date.map_or(Duration::ZERO, |date| response_time.saturating_since(date));
    // Section 5.1: what is no number of seconds is ignored; of a list the first one counts.
    let age_value = headers
        .get_all(AGE)
        .iter()
        .flat_map(|line| line.as_bytes().split(|b| *b == b','))
        .find_map(|member| delta_seconds(member.trim_ascii()))
        .unwrap_or(Duration::ZERO);
    let response_delay = response_time.saturating_since(request_time);
    apparent_age.max(age_value.saturating_add(response_delay))
}

/// When the origin says it made the response.
pub(crate) fn date(headers: &HeaderMap) -> Option<WallTime> {
    single(headers, DATE).and_then(http_date_of_cache)
}

/// The value of a field that occurs exactly once.
fn single(headers: &HeaderMap, name: HeaderName) -> Option<&[u8]> {
    let mut lines = headers.get_all(name).iter();
    let (first, None) = (lines.next()?, lines.next()) else { return None };
    Some(first.as_bytes())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const NOW: i64 = 784_111_777_000;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn ages_grow_with_time() {
        let terms = Terms { lifetime: at(60), initial_age: at(10), ..Terms::default() };
        let age_at = |millis| terms.at(WallTime::from_millis(NOW), WallTime::from_millis(millis)).age;
        assert_eq!(age_at(NOW), at(10));
        assert_eq!(age_at(NOW + 5_500), Duration::from_millis(15_500));
        assert_eq!(age_at(NOW - 5_500), at(10), "a clock set back makes nothing younger");
        assert_eq!(terms.at(WallTime::from_millis(0), WallTime::from_millis(i64::MAX)).lifetime, at(60));
    }

    #[test]
    fn what_is_stale_is_of_use_where_nothing_forbids_it() {
        let check_for = |lifetime: u64, line: &'static str, expected: [u64; 3]| {
            let headers =
                HeaderMap::from_iter([(http::header::CACHE_CONTROL, HeaderValue::from_static(line))]);
            let stale = Stale::allowed(&CacheControl::of(&headers), at(lifetime));
            let got = [stale.while_revalidating, stale.if_error, stale.when_cut_off];
            assert_eq!(got.map(|time| time.as_secs()), expected, "{line}");
        };
        let check = |line: &'static str, expected| check_for(2, line, expected);
        let day = STALE_WHEN_CUT_OFF_MAX.as_secs();
        check_for(0, "max-age=0", [0, 0, 0]);
        check_for(0, "max-age=0, stale-while-revalidate=5, stale-if-error=7", [5, 7, 7]);
        check("max-age=2", [0, 0, day]);
        check("max-age=2, stale-while-revalidate=5", [5, 0, day]);
        check("max-age=2, stale-if-error=7", [0, 7, 7]);
        check("max-age=2, stale-if-error=0", [0, 0, 0]);
        check("s-maxage=2", [0, 0, 0]);
        check("s-maxage=2, stale-while-revalidate=5, stale-if-error=7", [5, 7, 7]);
        for forbids in ["must-revalidate", "proxy-revalidate", "no-cache"] {
            let line: &'static str =
                format!("max-age=2, {forbids}, stale-while-revalidate=5, stale-if-error=7").leak();
            check(line, [0, 0, 0]);
        }
    }
}
