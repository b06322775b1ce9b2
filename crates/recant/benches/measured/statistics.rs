//! Medians, spreads and percentiles, and how they are printed.

use std::fmt;
use std::time::{Duration, Instant};

/// Numbers the rounds of a part: at most so many, and from the third on only while its time is not up, so that a busy
/// machine makes the numbers worse and not the wait longer.
pub(crate) fn rounds(most: usize, time: Duration) -> impl Iterator<Item = usize> {
    let start = Instant::now();
    (0..most).take_while(move |round| *round < 2 || start.elapsed() < time)
}

/// What several rounds of one measurement gave.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rounds {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) greatest: f64,
}

impl Rounds {
    /// Of at least one value.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let (least, greatest) = (values[0], values[values.len() - 1]);
        Self { median: (values[(values.len() - 1) / 2] + values[values.len() / 2]) / 2.0, least, greatest }
    }

    /// Each value of one side over the value of the other side's same round: what the machine does to both alike
    /// falls out.
    pub(crate) fn ratio(over: &[f64], under: &[f64]) -> Self {
        Self::of(over.iter().zip(under).map(|(over, under)| over / under))
    }
}

impl fmt::Display for Rounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{} ({}–{})", number(self.median), number(self.least), number(self.greatest));
        f.pad(&text)
    }
}

/// Latencies of many calls.
#[derive(Debug)]
pub(crate) struct Latencies(Vec<Duration>);

impl Latencies {
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn add(&mut self, latency: Duration) {
        self.0.push(latency);
    }

    pub(crate) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The smallest latency that so many of a hundred calls do not exceed, in milliseconds.
    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort();
        let rank = (sorted.len() * percent).div_ceil(100).max(1);
        sorted.get(rank - 1).map_or(f64::NAN, |latency| latency.as_secs_f64() * 1e3)
    }
}

impl fmt::Display for Latencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [p50, p99, worst] = [50, 99, 100].map(|percent| number(self.percentile(percent)));
        f.pad(&format!("p50 {p50} ms, p99 {p99} ms, worst {worst} ms ({} calls)", self.len()))
    }
}

/// Three significant digits; whole numbers with separators from a thousand on.
pub(crate) fn number(value: f64) -> String {
    if value < 1000.0 {
        let decimals = [100.0, 10.0, 1.0].iter().filter(|bound| value < **bound).count();
        return format!("{value:.decimals$}");
    }
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
