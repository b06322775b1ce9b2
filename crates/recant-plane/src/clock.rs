//! The plane's two clocks: the only places that read one.

use std::time::{SystemTime, UNIX_EPOCH};

use recant_core::time::{BootTime, WallTime};

/// The moment of the calendar.
pub fn wall_now() -> WallTime {
    let millis = match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_millis()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |millis| -millis),
    };
    WallTime::from_millis(millis)
}

/// The moment of the clock that leases are counted by: `CLOCK_BOOTTIME`, which runs during suspend.
///
/// `std::time::Instant` would not do: on Linux it is `CLOCK_MONOTONIC`, which stops while the machine sleeps, so
/// that a lease would outlive its span (PURGE.md section 3.5).
#[cfg(target_os = "linux")]
pub fn boot_now() -> BootTime {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(now.tv_nsec).unwrap_or(0);
    BootTime::from_nanos(seconds.saturating_mul(1_000_000_000).saturating_add(nanos))
}

/// The moment of the clock that leases are counted by.
///
/// Where there is no `CLOCK_BOOTTIME` this is `std::time::Instant` since the first call, which may stand still
/// during suspend. For the plane that is safe: it then waits longer for an edge's lease, never shorter.
#[cfg(not(target_os = "linux"))]
pub fn boot_now() -> BootTime {
    use std::sync::OnceLock;
    use std::time::Instant;

    static START: OnceLock<Instant> = OnceLock::new();
    let since = START.get_or_init(Instant::now).elapsed();
    BootTime::from_nanos(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boot_time_does_not_go_back() {
        let first = boot_now();
        assert!(boot_now() >= first);
        assert!(first > BootTime::from_nanos(0) || cfg!(not(target_os = "linux")));
    }
}
