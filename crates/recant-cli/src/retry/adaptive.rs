//! The adaptive mode: requests are slowed down on this side once the service has said that they come too fast.
//!
//! As botocore has it, after the AWS SDKs' published algorithm. Nothing is held back before the first throttling answer. From then on a
//! token bucket paces the requests; its rate falls to 70 % with each such answer and grows with each other one along a cubic curve: fast,
//! slowly near the rate that was too much, then fast again. It never exceeds twice the rate at which answers come.
//!
//! Time is an argument, in seconds since anything.

use std::time::Duration;

/// The rate falls to this part of itself.
const BETA: f64 = 0.7;
/// How steep the curve is.
const SCALE: f64 = 0.4;
/// How much the newest measurement counts.
const SMOOTHING: f64 = 0.8;
/// Measurements a second.
const MEASUREMENTS: f64 = 2.0;
/// The rate may be this many times the measured one.
const RATE_SCALE_MAX: f64 = 2.0;
/// Requests a second at least.
const RATE_MIN: f64 = 0.5;
/// Requests that may go out at once, where the rate is below.
const CAPACITY_MIN: f64 = 1.0;

/// What paces the requests of one command.
#[derive(Debug)]
pub(crate) struct RateLimiter {
    bucket: TokenBucket,
    measured: MeasuredRate,
    curve: Curve,
    /// Whether a throttling answer has come.
    is_enabled: bool,
}

impl RateLimiter {
    /// Makes one that has seen nothing yet.
    pub(crate) fn new(now: f64) -> Self {
        Self {
            bucket: TokenBucket { rate: 1.0, capacity: 1.0, tokens: 0.0, filled_at: now },
            measured: MeasuredRate { rate: 0.0, count: 0.0, since: now.floor() },
            curve: Curve::new(0.0, now),
            is_enabled: false,
        }
    }

    /// Takes the token for one request and says how long to wait before it may be sent.
    pub(crate) fn acquire(&mut self, now: f64) -> Duration {
        if self.is_enabled { Duration::from_secs_f64(self.bucket.take(now)) } else { Duration::ZERO }
    }

    /// Learns from what came back, or did not.
    pub(crate) fn learn(&mut self, now: f64, is_throttled: bool) {
        let measured = self.measured.count(now);
        let rate = if is_throttled {
            let used = if self.is_enabled { measured.min(self.bucket.rate) } else { measured };
            self.is_enabled = true;
            self.curve = Curve::new(used, now);
            used * BETA
        } else {
            self.curve.rate(now)
        };
        self.bucket.set_rate(now, rate.min(RATE_SCALE_MAX * measured));
    }
}

/// The cubic curve from the last throttling answer on.
#[derive(Debug)]
struct Curve {
    /// The rate that was too much.
    top: f64,
    /// When it was.
    since: f64,
}

impl Curve {
    fn new(top: f64, since: f64) -> Self {
        Self { top, since }
    }

    fn rate(&self, now: f64) -> f64 {
        let until_top = (self.top * (1.0 - BETA) / SCALE).cbrt();
        SCALE * (now - self.since - until_top).powi(3) + self.top
    }
}

/// How many answers come in a second, smoothed.
#[derive(Debug)]
struct MeasuredRate {
    rate: f64,
    count: f64,
    since: f64,
}

impl MeasuredRate {
    fn count(&mut self, now: f64) -> f64 {
        let period = (now * MEASUREMENTS).floor() / MEASUREMENTS;
        self.count += 1.0;
        if period > self.since {
            let newest = self.count / (period - self.since);
            self.rate = newest * SMOOTHING + self.rate * (1.0 - SMOOTHING);
            self.count = 0.0;
            self.since = period;
        }
        self.rate
    }
}

/// Tokens that come at a rate, a request each.
#[derive(Debug)]
struct TokenBucket {
    rate: f64,
    capacity: f64,
    tokens: f64,
    filled_at: f64,
}

impl TokenBucket {
    fn fill(&mut self, now: f64) {
        let new = (now - self.filled_at).max(0.0) * self.rate;
        self.tokens = (self.tokens + new).min(self.capacity);
        self.filled_at = self.filled_at.max(now);
    }

    fn set_rate(&mut self, now: f64, rate: f64) {
        self.fill(now);
        self.rate = rate.max(RATE_MIN);
        self.capacity = rate.max(CAPACITY_MIN);
        self.tokens = self.tokens.min(self.capacity);
    }

    /// Takes a token, from the future if there is none, and returns the seconds until it is there.
    fn take(&mut self, now: f64) -> f64 {
        self.fill(now);
        let wait = (1.0 - self.tokens) / self.rate;
        if wait <= 0.0 {
            self.tokens -= 1.0;
            return 0.0;
        }
        self.tokens = 0.0;
        self.filled_at += wait;
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(got: f64, want: f64, what: &str) {
        assert!((got - want).abs() < 0.000_001, "{what}: {got} for {want}");
    }

    /// The published table: time, whether throttled, measured rate, the bucket's new rate.
    #[test]
    fn rates_follow_the_published_table() {
        const STEPS: &[(f64, bool, f64, f64)] = &[
            (0.2, false, 0.0, 0.5),
            (0.4, false, 0.0, 0.5),
            (0.6, false, 4.8, 0.5),
            (0.8, false, 4.8, 0.5),
            (1.0, false, 4.16, 0.5),
            (1.2, false, 4.16, 0.6912),
            (1.4, false, 4.16, 1.0976),
            (1.6, false, 5.632, 1.6384),
            (1.8, false, 5.632, 2.3328),
            (2.0, true, 4.3264, 3.02848),
            (2.2, false, 4.3264, 3.486_639),
            (2.4, false, 4.3264, 3.821_874),
            (2.6, false, 5.665_28, 4.053_386),
            (2.8, false, 5.665_28, 4.200_373),
            (3.0, false, 4.333_056, 4.282_037),
            (3.2, true, 4.333_056, 2.997_426),
            (3.4, false, 4.333_056, 3.452_226),
        ];
        let mut limiter = RateLimiter::new(0.0);
        for &(now, is_throttled, measured, rate) in STEPS {
            limiter.learn(now, is_throttled);
            about(limiter.measured.rate, measured, &format!("measured at {now}"));
            about(limiter.bucket.rate, rate, &format!("rate at {now}"));
        }
    }

    #[test]
    fn the_curve_is_flat_at_the_top() {
        let curve = Curve::new(10.0, 5.0);
        for (now, rate) in
            [(5.0, 7.0), (6.0, 9.64893), (7.0, 10.000_03), (8.0, 10.453_284), (11.0, 36.425_998)]
        {
            assert!((curve.rate(now) - rate).abs() < 0.001, "{now}: {}", curve.rate(now));
        }
    }

    #[test]
    fn nothing_waits_before_the_first_throttling() {
        let mut limiter = RateLimiter::new(0.0);
        assert!((0..100).all(|_| limiter.acquire(0.0) == Duration::ZERO));
        limiter.learn(0.1, true);
        // The lowest rate is a request in two seconds, and a tenth of a token is there.
        about(limiter.acquire(0.1).as_secs_f64(), 1.8, "the first");
        about(limiter.acquire(1.9).as_secs_f64(), 2.0, "the next");
        about(limiter.acquire(5.9).as_secs_f64(), 0.0, "after a pause");
    }
}
