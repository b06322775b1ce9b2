//! How fast calls are sent: as fast as they are answered, until the service says that this is too fast.
//!
//! What is bounded is the rate, not only the number of calls at a time: the service counts calls a second, and one call after the other may
//! be too many. Additive increase, multiplicative decrease: half of the rate at a refusal, a step more for every second without one. Where the
//! rate is high the step is a part of it, so that a service of thousands of calls a second is not crept up to for minutes.
//! All workers share one pace, so that none pushes where another was refused.

use std::collections::VecDeque;
use std::time::Duration;

/// What the rate falls to at a refusal.
const DECREASE: f64 = 0.5;
/// Calls a second that the rate grows by in a second of answers.
const INCREASE_PER_SECOND: f64 = 0.5;
/// The part of the rate that it grows by at each answer, where that is more: one twentieth in a second.
const INCREASE_MIN: f64 = 0.05;
/// The lowest rate in calls a second.
const RATE_MIN: f64 = 0.05;
/// The highest rate that is remembered; beyond it there is no need for one.
const RATE_MAX: f64 = 1_000.0;
/// How far back calls are counted to know the rate they were sent at.
const LOOKED_BACK: Duration = Duration::from_secs(1);
/// Calls that are remembered for that.
const SENT_MAX: usize = 1_000;

/// The pace of all calls of a run. Times are those of a clock that is never set.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Calls a second; none until the service has refused one.
    rate: Option<f64>,
    /// Nothing is sent before.
    not_before: Duration,
    /// The last decrease. A refusal of a call that was sent before it says nothing new.
    decreased: Option<Duration>,
    /// The calls of late.
    sent: VecDeque<Duration>,
}

impl Pace {
    /// When the next call may be sent.
    pub(super) fn next(&self) -> Duration {
        self.not_before
    }

    /// A call goes out.
    pub(super) fn sent(&mut self, now: Duration) {
        self.sent.push_back(now);
        while self.sent.len() > SENT_MAX || self.sent.front().is_some_and(|first| *first + LOOKED_BACK <= now)
        {
            self.sent.pop_front();
        }
        if let Some(rate) = self.rate {
            self.not_before = now.max(self.not_before) + Duration::from_secs_f64(1.0 / rate);
        }
    }

    /// A call was answered with a result.
    pub(super) fn answered(&mut self) {
        if let Some(rate) = &mut self.rate {
            *rate = (*rate + (INCREASE_PER_SECOND / *rate).max(INCREASE_MIN)).min(RATE_MAX);
        }
    }

    /// A call that was sent then was refused as too fast.
    pub(super) fn refused(&mut self, sent: Duration, now: Duration, retry_after: Option<Duration>) {
        if self.decreased.is_none_or(|decreased| decreased <= sent) {
            // Before the first refusal the rate is what was sent in the last second.
            let rate = self.rate.unwrap_or(self.sent.len() as f64);
            let rate = (rate * DECREASE).max(RATE_MIN);
            self.rate = Some(rate);
            self.decreased = Some(now);
            self.not_before = self.not_before.max(now + Duration::from_secs_f64(1.0 / rate));
        }
        self.not_before = self.not_before.max(now + retry_after.unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    #[test]
    fn nothing_slows_it_until_a_refusal() {
        let mut pace = Pace::default();
        for _ in 0..8 {
            pace.sent(seconds(1.0));
            pace.answered();
        }
        assert_eq!((pace.next(), pace.rate), (Duration::ZERO, None));
        pace.refused(seconds(1.0), seconds(1.0), None);
        assert_eq!((pace.next(), pace.rate), (seconds(1.25), Some(4.0)));
        // The others of that burst are refused too, which is the same news.
        pace.refused(seconds(0.9), seconds(1.1), None);
        assert_eq!((pace.next(), pace.rate), (seconds(1.25), Some(4.0)));
        pace.sent(seconds(1.25));
        assert_eq!(pace.next(), seconds(1.5));
        pace.refused(seconds(1.25), seconds(1.3), None);
        assert_eq!(pace.rate, Some(2.0));
    }

    #[test]
    fn it_recovers_by_steps() {
        let mut pace = Pace { rate: Some(2.0), ..Pace::default() };
        pace.answered();
        pace.answered();
        let rate = pace.rate.expect("bounded");
        assert!((2.4..2.5).contains(&rate), "half a call a second more after a second: {rate}");
        let mut pace = Pace { rate: Some(100.0), ..Pace::default() };
        (0..100).for_each(|_| pace.answered());
        assert_eq!(pace.rate.map(f64::round), Some(105.0), "a twentieth more after a second");
    }

    #[test]
    fn it_never_stands_still() {
        let mut pace = Pace::default();
        for at in 0..100 {
            pace.refused(seconds(f64::from(at)), seconds(f64::from(at)), None);
        }
        assert_eq!(pace.rate, Some(RATE_MIN));
        assert_eq!(pace.next(), seconds(99.0 + 1.0 / RATE_MIN));
    }

    #[test]
    fn the_service_may_say_how_long() {
        let mut pace = Pace::default();
        pace.sent(seconds(0.0));
        pace.refused(seconds(0.0), seconds(0.1), Some(seconds(30.0)));
        assert_eq!(pace.next(), seconds(30.1));
        // Also when the refusal is old news otherwise.
        pace.refused(seconds(0.0), seconds(0.2), Some(seconds(40.0)));
        assert_eq!(pace.next(), seconds(40.2));
    }
}
