//! The two clocks an edge reads, behind one seam so that tests can turn them by hand.

use std::time::{SystemTime, UNIX_EPOCH};

use recant_core::time::{BootTime, WallTime};

/// What time it is.
pub trait Clock: Send + Sync + 'static {
    /// The clock that leases are counted by; it runs during suspend.
    fn boot(&self) -> BootTime;

    /// The clock of the calendar: freshness, `Date`, `Age`.
    fn wall(&self) -> WallTime;
}

/// The machine's own clocks.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

/// `CLOCK_MONOTONIC` stops during suspend on Linux, a lease does not (PURGE.md section 3.5).
#[cfg(target_os = "linux")]
const LEASE_CLOCK: rustix::time::ClockId = rustix::time::ClockId::Boottime;
/// Elsewhere (macOS) the monotonic clock is the one that runs during suspend.
#[cfg(not(target_os = "linux"))]
const LEASE_CLOCK: rustix::time::ClockId = rustix::time::ClockId::Monotonic;

impl Clock for SystemClock {
    fn boot(&self) -> BootTime {
        let now = rustix::time::clock_gettime(LEASE_CLOCK);
        let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
        let nanos = u64::try_from(now.tv_nsec).unwrap_or(0);
        BootTime::from_nanos(seconds.saturating_mul(1_000_000_000).saturating_add(nanos))
    }

    fn wall(&self) -> WallTime {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        WallTime::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}
