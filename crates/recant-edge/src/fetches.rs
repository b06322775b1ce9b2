//! The stamps of origin requests whose responses may still be stored.
//!
//! The sweep asks for the oldest before it starts: rules that are newer than that have still something to say about what is
//! on its way. Nothing that the protocol promises depends on this list; what is missing in it costs a hit.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use recant_core::position::{Era, Position, Stamp};

/// Those of one edge.
#[derive(Debug, Default)]
pub(crate) struct Fetches(
    /// How many there are of each stamp. Locked to begin or end one.
    Mutex<BTreeMap<(Era, Position), usize>>,
);

/// One that is under way; dropped, it is over.
#[derive(Debug)]
pub(crate) struct Fetching {
    fetches: Arc<Fetches>,
    stamp: (Era, Position),
}

impl Fetches {
    /// One more, with this stamp.
    pub(crate) fn begin(self: &Arc<Self>, stamp: Stamp) -> Arc<Fetching> {
        let stamp = (stamp.era, stamp.position);
        *self.lock().entry(stamp).or_default() += 1;
        Arc::new(Fetching { fetches: self.clone(), stamp })
    }

    /// The oldest stamp of this era.
    pub(crate) fn oldest(&self, era: Era) -> Option<Position> {
        self.lock().range((era, Position::ZERO)..).next().map(|((_, position), _)| *position)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(Era, Position), usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Fetching {
    fn drop(&mut self) {
        let mut fetches = self.fetches.lock();
        if let Some(count) = fetches.get_mut(&self.stamp) {
            *count -= 1;
            if *count == 0 {
                fetches.remove(&self.stamp);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_of_those_under_way() {
        let fetches = Arc::new(Fetches::default());
        let begin = |era, at| fetches.begin(Stamp { era: Era(era), position: Position::new(at) });
        let oldest = |era| fetches.oldest(Era(era)).map(Position::get);
        let (past, one, same, later) = (begin(0, 9), begin(1, 3), begin(1, 3), begin(1, 4));
        assert_eq!((oldest(1), oldest(2)), (Some(3), None));
        drop(one);
        assert_eq!(oldest(1), Some(3));
        drop(same);
        assert_eq!(oldest(1), Some(4));
        drop((past, later));
        assert_eq!(oldest(0), None);
    }
}
