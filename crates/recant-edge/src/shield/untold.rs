//! What an edge does not ask its shields for: what they have not been told yet was changed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use recant_core::cache_key::{CacheKey, CachedMethod};
use recant_core::limits::UNTOLD_CHANGES_MAX;

/// Those of one edge. Whatever the method of a request, what is stored of the resource is meant.
#[derive(Debug, Default)]
pub(super) struct Untold(Mutex<Changes>);

#[derive(Debug, Default)]
struct Changes {
    count: usize,
    /// Under which keys something was changed, and how often.
    keys: HashMap<CacheKey, usize>,
}

/// One change that is to be told; dropped, it has been.
#[derive(Debug)]
pub(super) struct Held {
    untold: Arc<Untold>,
    keys: Vec<CacheKey>,
}

impl Untold {
    /// From now on nothing under these keys is asked of a shield. Nothing, where there are too many already.
    pub(super) fn hold(self: &Arc<Self>, keys: Vec<CacheKey>) -> Option<Held> {
        let mut changes = self.lock();
        if changes.count == UNTOLD_CHANGES_MAX {
            return None;
        }
        changes.count += 1;
        for key in &keys {
            *changes.keys.entry(key.clone()).or_default() += 1;
        }
        drop(changes);
        Some(Held { untold: self.clone(), keys })
    }

    /// Whether this is not to be asked for.
    pub(super) fn has(&self, key: &CacheKey) -> bool {
        let changes = self.lock();
        // Nearly always.
        changes.count > 0 && changes.keys.contains_key(&key.with_method(CachedMethod::Get))
    }

    fn lock(&self) -> MutexGuard<'_, Changes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut changes = self.untold.lock();
        changes.count -= 1;
        for key in &self.keys {
            if let Some(count) = changes.keys.get_mut(key) {
                *count -= 1;
                if *count == 0 {
                    changes.keys.remove(key);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixtures;

    #[test]
    fn what_is_held_twice_is_held_until_both_have_been_told() {
        let untold = Arc::new(Untold::default());
        let key = |path: &str| fixtures::key(&fixtures::tenant("a"), path);
        let hold = |paths: &[&str]| untold.hold(paths.iter().map(|path| key(path)).collect());
        let (one, two) = (hold(&["/p", "/q"]), hold(&["/p"]));
        assert!(untold.has(&key("/p").with_method(CachedMethod::Head)) && !untold.has(&key("/r")));
        drop(one);
        assert!(untold.has(&key("/p")) && !untold.has(&key("/q")));
        drop(two);
        assert!(!untold.has(&key("/p")));
        let all: Vec<_> = (0..UNTOLD_CHANGES_MAX).map(|_| hold(&["/p"]).expect("there is room")).collect();
        assert!(hold(&["/q"]).is_none() && !untold.has(&key("/q")));
        drop(all);
        assert!(untold.lock().keys.is_empty() && hold(&["/q"]).is_some());
    }
}
