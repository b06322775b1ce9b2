//! A log line that callers can provoke as often as they like, said seldom.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use recant_core::time::BootTime;

/// The least time between two such lines.
const PAUSE: Duration = Duration::from_secs(60);

/// Counts what happens, and says when to speak of it: at once, and then once a minute as long as it goes on.
#[derive(Clone, Debug, Default)]
pub(super) struct Seldom {
    /// When it was spoken of, and how often it has happened since. Locked to count.
    state: Arc<Mutex<(Option<BootTime>, u64)>>,
}

impl Seldom {
    /// Counts one; how many there are to be spoken of now, if it is time.
    pub(super) fn count(&self, now: BootTime) -> Option<u64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (spoken, times) = &mut *state;
        *times += 1;
        if spoken.is_some_and(|spoken| now < spoken.saturating_add(PAUSE)) {
            return None;
        }
        *spoken = Some(now);
        Some(std::mem::take(times))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_told_and_then_one_line_a_minute() {
        let seldom = Seldom::default();
        let at = |seconds: u64| BootTime::from_nanos(seconds * 1_000_000_000);
        let told: Vec<Option<u64>> = [5, 6, 64, 65, 66].map(|seconds| seldom.count(at(seconds))).to_vec();
        assert_eq!(told, [Some(1), None, None, Some(3), None]);
    }
}
