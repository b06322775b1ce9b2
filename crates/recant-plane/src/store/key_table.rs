//! The table in memory that the key of every request is looked up in.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::command::Outcome;
use super::records::KeyRecord;

/// All keys as committed. The writer changes it after a commit and before that commit's answers, so that a key that was
/// disabled lets nobody in once its disabler has been answered.
#[derive(Clone, Debug, Default)]
pub(super) struct KeyTable(Arc<RwLock<HashMap<String, Arc<KeyRecord>>>>);

impl KeyTable {
    /// The table of what the database holds.
    pub(super) fn of(keys: Vec<KeyRecord>) -> Self {
        let keys = keys.into_iter().map(|key| (key.id.clone(), Arc::new(key)));
        Self(Arc::new(RwLock::new(keys.collect())))
    }

    pub(super) fn get(&self, id: &str) -> Option<Arc<KeyRecord>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    /// Takes over what a commit has done.
    pub(super) fn publish(&self, outcome: &Outcome) {
        let mut keys = self.0.write().unwrap_or_else(PoisonError::into_inner);
        match outcome {
            Outcome::Key(key) => drop(keys.insert(key.id.clone(), Arc::new((**key).clone()))),
            Outcome::KeyDeleted(id) => drop(keys.remove(id)),
            _ => {}
        }
    }
}
