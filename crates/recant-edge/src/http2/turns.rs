//! Whose turn it is on an HTTP/2 connection.
//!
//! [`ViewerStream`](crate::io::ViewerStream) bounds how long a write may wait, but a viewer of HTTP/2 can hold
//! responses back with its windows while the connection itself moves (CVE-2019-9517). So each stream says whose turn it is: the edge's while it works on a response or waits for an origin, which has bounds of its own,
//! and else the viewer's. A connection on which it is all the viewer's turn, and nothing moves, is let go.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// The streams of one connection.
#[derive(Debug, Default)]
pub(super) struct Streams {
    /// How many wait for the edge.
    ours: AtomicUsize,
    /// Grows whenever a stream begins, moves or ends.
    moves: AtomicU64,
}

impl Streams {
    /// A stream that begins: its request has come.
    pub(super) fn begin(self: &Arc<Self>) -> Turn {
        self.ours.fetch_add(1, Ordering::Relaxed);
        self.moves.fetch_add(1, Ordering::Relaxed);
        Turn { streams: self.clone(), is_ours: true }
    }

    /// Whether the viewer has moved nothing since `seen`, which is brought up to date, although it could.
    pub(super) fn are_stalled(&self, seen: &mut u64) -> bool {
        let moves = self.moves.load(Ordering::Relaxed);
        std::mem::replace(seen, moves) == moves && self.ours.load(Ordering::Relaxed) == 0
    }
}

/// One stream's.
#[derive(Debug)]
pub(super) struct Turn {
    streams: Arc<Streams>,
    is_ours: bool,
}

impl Turn {
    /// Passes the turn on, or says that the stream has moved.
    pub(super) fn pass(&mut self, to_us: bool) {
        match (self.is_ours, to_us) {
            (true, false) => drop(self.streams.ours.fetch_sub(1, Ordering::Relaxed)),
            (false, true) => drop(self.streams.ours.fetch_add(1, Ordering::Relaxed)),
            _ => {}
        }
        self.is_ours = to_us;
        self.streams.moves.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.pass(false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_that_the_viewer_does_not_take_is_stalled() {
        let streams = Arc::new(Streams::default());
        let mut seen = 0;
        let mut turn = streams.begin();
        assert!(!streams.are_stalled(&mut seen), "it has just begun");
        assert!(!streams.are_stalled(&mut seen), "it is our turn");
        turn.pass(false);
        assert!(!streams.are_stalled(&mut seen), "it has just moved");
        assert!(streams.are_stalled(&mut seen));
        turn.pass(false);
        assert!(!streams.are_stalled(&mut seen), "the viewer has taken a piece");
        turn.pass(true);
        assert!(!streams.are_stalled(&mut seen) && !streams.are_stalled(&mut seen), "the next is awaited");
        drop(turn);
        assert!(
            !streams.are_stalled(&mut seen) && streams.are_stalled(&mut seen),
            "an idle connection is, too"
        );
    }
}
