//! How much of requests' bodies is in memory at a time: by all, and by one key.
//!
//! A body has to be here whole before it is known who has signed it, since its hash is signed. Whoever knows a key's id could
//! therefore fill the memory with bodies that nobody signed; so there is room for so many bytes, and for one key only for a part
//! of them. Who finds no room is told to come again; nobody waits for room, since those who have some could wait for more.

use std::collections::HashMap;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use recant_core::limits::{API_BODIES_BYTES_MAX, API_BODIES_PER_KEY_BYTES_MAX, API_BODY_BYTES_UNCOUNTED};

use crate::error::ApiError;

/// What bodies take of the memory.
#[derive(Debug, Default)]
pub(crate) struct Room(Mutex<Taken>);

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    /// By the key that each request names; nobody's are those where none is needed. Who has nothing is not here.
    by_key: HashMap<String, usize>,
}

/// The room of one body, given back with it.
#[derive(Debug)]
pub(crate) struct Place {
    room: Arc<Room>,
    key: String,
    bytes: usize,
}

impl Place {
    /// No room yet, for a body of a request that names this key.
    pub(crate) fn new(room: &Arc<Room>, key: &str) -> Self {
        Self { room: Arc::clone(room), key: key.to_owned(), bytes: 0 }
    }

    /// Makes it as large as a body of so many bytes needs. It never gets smaller, but is none when there is no more room.
    ///
    /// # Errors
    /// [`ApiError::ServiceUnavailable`].
    pub(crate) fn hold(&mut self, bytes: usize) -> Result<(), ApiError> {
        let needed = bytes.saturating_sub(API_BODY_BYTES_UNCOUNTED);
        let more = needed.saturating_sub(self.bytes);
        if more == 0 {
            return Ok(());
        }
        let room = Arc::clone(&self.room);
        let mut taken = room.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_key = taken.by_key.get(&self.key).copied().unwrap_or_default();
        if taken.all + more > API_BODIES_BYTES_MAX || of_key + more > API_BODIES_PER_KEY_BYTES_MAX {
            // At once, so that one who finds no room does not keep others from finding it.
            self.give_back(&mut taken);
            return Err(ApiError::ServiceUnavailable);
        }
        taken.all += more;
        taken.by_key.insert(self.key.clone(), of_key + more);
        self.bytes = needed;
        Ok(())
    }

    fn give_back(&mut self, taken: &mut Taken) {
        let bytes = mem::take(&mut self.bytes);
        taken.all -= bytes;
        let left = taken.by_key.get(&self.key).copied().unwrap_or_default() - bytes;
        match left {
            0 => drop(taken.by_key.remove(&self.key)),
            left => drop(taken.by_key.insert(self.key.clone(), left)),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.bytes > 0 {
            let room = Arc::clone(&self.room);
            let mut taken = room.0.lock().unwrap_or_else(PoisonError::into_inner);
            self.give_back(&mut taken);
        }
    }
}

#[cfg(test)]
mod tests {
    use recant_core::limits::API_BODY_BYTES_MAX;

    use super::*;

    #[test]
    fn one_key_takes_its_part_and_all_keys_the_whole() {
        let room = Arc::new(Room::default());
        let full = Err(ApiError::ServiceUnavailable);
        let take = |key: &str| {
            let mut place = Place::new(&room, key);
            place.hold(API_BODY_BYTES_UNCOUNTED + API_BODY_BYTES_MAX).map(|()| place)
        };
        let mut of_one: Vec<Place> = (0..4).map(|_| take("one").unwrap()).collect();
        assert_eq!(take("one").map(drop), full);
        let others: Vec<Place> = (0..12).map(|n| take(&(n % 3).to_string()).unwrap()).collect();
        assert_eq!(take("four").map(drop), full);
        // What is short finds room all the same.
        let mut short = Place::new(&room, "one");
        assert_eq!(short.hold(API_BODY_BYTES_UNCOUNTED), Ok(()));
        assert_eq!(short.hold(API_BODY_BYTES_UNCOUNTED + 1), full);
        // What has gone makes room, and what only grows is counted once.
        drop(of_one.pop());
        for bytes in [API_BODY_BYTES_UNCOUNTED + 1, API_BODY_BYTES_MAX, API_BODY_BYTES_MAX, 1] {
            assert_eq!(short.hold(bytes), Ok(()));
        }
        drop((of_one, others, short));
        let left = room.0.lock().unwrap();
        assert_eq!((left.all, left.by_key.len()), (0, 0));
    }
}
