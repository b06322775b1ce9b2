//! How often somebody may ask: a rate with a burst, and how long to wait when it is used up.
//!
//! The counting is that of the *generic cell rate algorithm*: of everyone who is counted only one moment is kept, that at which his
//! whole burst will be there again. So a limiter of many is small, and nothing has to be refilled by a timer.
//!
//! Time comes in as [`BootTime`]. It deliberately does not know who is counted: keys, tenants, whatever has a name.

use std::collections::HashMap;
use std::hash::Hash;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use crate::limits::RATES_COUNTED_MAX;
use crate::time::BootTime;

/// A rate with a burst.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many a second on the long run.
    pub per_second: NonZeroU32,
    /// How many at once, after a pause.
    pub burst: NonZeroU32,
}

/// A text that is no rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a number above 0 is expected, or two as in 100:200")]
pub struct RateError;

impl FromStr for Rate {
    type Err = RateError;

    /// `N` or `N:BURST`; without it, the burst is that of two seconds.
    fn from_str(text: &str) -> Result<Self, RateError> {
        let number = |text: &str| text.parse().map_err(|_| RateError);
        let (per_second, burst) = match text.split_once(':') {
            Some((per_second, burst)) => (number(per_second)?, number(burst)?),
            None => {
                let per_second: NonZeroU32 = number(text)?;
                (per_second, per_second.saturating_mul(NonZeroU32::MIN.saturating_add(1)))
            }
        };
        Ok(Self { per_second, burst })
    }
}

/// One more is too many now. After this time it is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the rate is used up")]
pub struct RetryAfter(pub Duration);

/// Counts everyone by himself, all at the same rate.
#[derive(Debug)]
pub struct Limiter<K> {
    /// The time that one takes on the long run.
    interval: Duration,
    /// The time that a whole burst takes on the long run.
    span: Duration,
    /// When each one's whole burst is there again. Whoever is not here has his whole burst.
    full_at: HashMap<K, BootTime>,
}

impl Rate {
    /// The time that one more takes on the long run.
    fn interval(self) -> Duration {
        Duration::from_secs(1) / self.per_second.get()
    }

    /// The time that a whole burst takes on the long run.
    fn span(self) -> Duration {
        self.interval().saturating_mul(self.burst.get())
    }
}

impl<K: Eq + Hash + Clone> Limiter<K> {
    /// A limiter that has counted nobody yet.
    pub fn new(rate: Rate) -> Self {
        Self { interval: rate.interval(), span: rate.span(), full_at: HashMap::new() }
    }

    /// A limiter for what is rarer than once a second: one in each interval, and so many at once after a pause.
    pub fn every(interval: Duration, burst: u32) -> Self {
        Self { interval, span: interval.saturating_mul(burst), full_at: HashMap::new() }
    }

    /// Counts one more of `who`.
    ///
    /// # Errors
    /// [`RetryAfter`] when it is one too many; it is not counted then, so that asking in vain does not prolong the wait.
    pub fn count(&mut self, who: &K, now: BootTime) -> Result<(), RetryAfter> {
        self.count_many(who, 1, now)
    }

    /// Counts so many more of `who`: all of them or none. More than a whole burst are counted as one.
    ///
    /// # Errors
    /// As for [`Limiter::count`].
    pub fn count_many(&mut self, who: &K, many: u32, now: BootTime) -> Result<(), RetryAfter> {
        let full_at = self.full_at.get(who).copied().unwrap_or(now).max(now);
        let takes = self.interval.saturating_mul(many).min(self.span);
        let then = full_at.saturating_add(takes);
        let wait = then.saturating_since(now.saturating_add(self.span));
        if !wait.is_zero() {
            return Err(RetryAfter(wait));
        }
        if self.full_at.len() >= RATES_COUNTED_MAX && !self.full_at.contains_key(who) {
            self.forget(now);
        }
        self.full_at.insert(who.clone(), then);
        Ok(())
    }

    /// Makes room: whoever has his whole burst again is as good as unknown. If that is nobody, all are counted anew, which lets
    /// somebody have a burst too many, but never keeps anybody out.
    fn forget(&mut self, now: BootTime) {
        self.full_at.retain(|_, full_at| *full_at > now);
        if self.full_at.len() >= RATES_COUNTED_MAX {
            self.full_at.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(per_second: u32, burst: u32) -> Rate {
        Rate { per_second: NonZeroU32::new(per_second).unwrap(), burst: NonZeroU32::new(burst).unwrap() }
    }

    fn at(millis: u64) -> BootTime {
        BootTime::from_nanos(1_000_000_000 + millis * 1_000_000)
    }

    fn wait(millis: u64) -> Result<(), RetryAfter> {
        Err(RetryAfter(Duration::from_millis(millis)))
    }

    #[test]
    fn a_burst_goes_at_once_and_comes_back_at_the_rate() {
        let mut limiter = Limiter::new(rate(10, 3));
        for _ in 0..3 {
            assert_eq!(limiter.count(&"a", at(0)), Ok(()));
        }
        assert_eq!(limiter.count(&"a", at(0)), wait(100));
        // Asking in vain costs nothing.
        assert_eq!(limiter.count(&"a", at(40)), wait(60));
        assert_eq!(limiter.count(&"a", at(100)), Ok(()));
        assert_eq!(limiter.count(&"a", at(100)), wait(100));
        // After a long pause there is a burst, and no more than that.
        let later = 60_000;
        assert_eq!([(); 4].map(|()| limiter.count(&"a", at(later)).is_ok()), [true, true, true, false]);
    }

    #[test]
    fn many_are_counted_together_or_not_at_all() {
        let mut limiter = Limiter::new(rate(1_000, 300));
        assert_eq!(limiter.count_many(&"a", 200, at(0)), Ok(()));
        assert_eq!(limiter.count_many(&"a", 200, at(0)), wait(100));
        assert_eq!(limiter.count_many(&"a", 100, at(0)), Ok(()));
        // More than there ever are at once pass when all are there.
        assert_eq!(limiter.count_many(&"a", u32::MAX, at(200)), wait(100));
        assert_eq!(limiter.count_many(&"a", u32::MAX, at(300)), Ok(()));
        assert_eq!(limiter.count_many(&"a", 1, at(300)), wait(1));
    }

    #[test]
    fn rates_are_read() {
        assert_eq!("10".parse(), Ok(rate(10, 20)));
        assert_eq!("10:3".parse(), Ok(rate(10, 3)));
        assert_eq!("4294967295".parse(), Ok(rate(u32::MAX, u32::MAX)));
        for wrong in ["", "0", "-1", "1.5", "10:", ":3", "10:0", "1:2:3", "4294967296"] {
            assert_eq!(wrong.parse::<Rate>(), Err(RateError), "{wrong}");
        }
    }

    #[test]
    fn what_is_rare_is_counted_by_its_interval() {
        let mut limiter = Limiter::every(Duration::from_secs(60), 2);
        let counted: Vec<u64> =
            (0..300).filter(|second| limiter.count(&(), at(second * 1_000)).is_ok()).collect();
        assert_eq!(counted, [0, 1, 60, 120, 180, 240]);
    }

    #[test]
    fn one_does_not_use_up_anothers() {
        let mut limiter = Limiter::new(rate(1, 1));
        assert_eq!(limiter.count(&"a", at(0)), Ok(()));
        assert_eq!(limiter.count(&"a", at(0)), wait(1_000));
        assert_eq!(limiter.count(&"b", at(0)), Ok(()));
    }

    #[test]
    fn the_long_run_is_the_rate() {
        let mut limiter = Limiter::new(rate(50, 5));
        let counted = (0..10_000).filter(|millis| limiter.count(&(), at(*millis)).is_ok()).count();
        assert_eq!(counted, 5 + 10 * 50 - 1);
    }

    #[test]
    fn memory_is_bounded_and_nobody_is_kept_out_for_it() {
        let mut limiter = Limiter::new(rate(1, 1));
        for who in 0..RATES_COUNTED_MAX + 10 {
            assert_eq!(limiter.count(&who, at(0)), Ok(()), "{who}");
        }
        assert!(limiter.full_at.len() <= RATES_COUNTED_MAX);
        // Those who are idle go first.
        let mut limiter = Limiter::new(rate(1, 1));
        limiter.count(&usize::MAX, at(1_500)).unwrap();
        for who in 0..RATES_COUNTED_MAX - 1 {
            limiter.count(&who, at(0)).unwrap();
        }
        limiter.count(&RATES_COUNTED_MAX, at(1_500)).unwrap();
        assert_eq!(limiter.full_at.len(), 2);
    }
}
