//! A body on its way into the store.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;

use recant_core::limits::STORED_BODY_BYTES_MAX;

use super::Store;

/// A body on its way into the store.
#[derive(Debug)]
pub(crate) struct Collected {
    store: Arc<Store>,
    /// One piece: those that come may be small views of large read buffers.
    body: Vec<u8>,
    /// Taken out of the store's room: the body's capacity.
    taken: usize,
}

impl Collected {
    /// Nothing so far.
    pub(crate) fn new(store: &Arc<Store>) -> Self {
        Self { store: store.clone(), body: Vec::new(), taken: 0 }
    }

    /// What has been collected.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.body
    }

    /// Adds one more piece, unless that makes it too long to be stored or finds no room; whether it did.
    #[must_use]
    pub(crate) fn add(&mut self, piece: &[u8]) -> bool {
        self.try_add(piece).is_some()
    }

    fn try_add(&mut self, piece: &[u8]) -> Option<()> {
        let length = self.body.len() + piece.len();
        if length > STORED_BODY_BYTES_MAX {
            return None;
        }
        if length > self.body.capacity() {
            let capacity = (2 * self.body.capacity()).clamp(length, STORED_BODY_BYTES_MAX);
            let more = capacity - self.taken;
            let order = Ordering::Relaxed;
            self.store.room.fetch_update(order, order, |room| room.checked_sub(more)).ok()?;
            self.taken = capacity;
            self.body.reserve_exact(capacity - self.body.len());
        }
        self.body.extend_from_slice(piece);
        Some(())
    }

    /// All of it, as one piece.
    pub(crate) fn into_bytes(mut self) -> Bytes {
        Bytes::from(std::mem::take(&mut self.body).into_boxed_slice())
    }
}

impl Drop for Collected {
    fn drop(&mut self) {
        self.store.room.fetch_add(self.taken, Ordering::Relaxed);
    }
}
