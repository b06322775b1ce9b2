//! An origin's body on its way to its viewers, and into the store beside.
//!
//! One [`Source`] reads the body; every viewer of it has a [`Relay`], its own place in it. **There is no leader:
//! whoever needs the next piece reads it**, for all. So the quickest viewer sets the pace and nothing is read ahead for
//! the store; a viewer who goes away leaves the others alone, and the last one who goes takes the connection along.
//!
//! ```text
//! origin ──▶ collected (all there is, up to what may be stored) ──▶ the store, when the body is whole
//!              │                 └─ tail: once it is too long, only what somebody still lacks
//!              └──▶ Relay, Relay, Relay: each from where it is
//! ```
//!
//! **Nobody is held up by one who takes next to nothing.** Of a body that is too long to be stored, whoever is ahead waits for whoever is behind. One who
//! is waited for and does not come along in some time is left behind: his body breaks off, and the others go on.
//!
//! What is kept is kept only when the body came to its correctly framed end.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

use recant_core::cache_key::CacheKey;
use recant_core::limits::{SHARED_LAG_BYTES_MAX, SHARED_LAG_TIME_MAX};

use crate::body::BodyError;
use crate::coded::OriginBody;
use crate::fetches::Fetching;
use crate::flight::Boarding;
use crate::origin::Lent;
use crate::store::{Collected, Facts, NewPart, Store};

/// Bytes copied at a time for a viewer who is behind.
const COPIED_BYTES_MAX: usize = 64 * 1024;

/// See the module.
pub(crate) struct Source {
    /// Locked for one poll of one viewer; never across an await.
    state: Mutex<State>,
    /// Who waits for the next piece.
    waiting: Arc<Waiting>,
    /// The body's length, if the head says it.
    length: Option<u64>,
}

/// A viewer's own place in a body.
pub(crate) struct Relay {
    source: Arc<Source>,
    id: u64,
    /// Runs while this one waits for others.
    patience: Option<Pin<Box<Sleep>>>,
}

struct State {
    /// Gone at the end.
    body: Option<OriginBody>,
    /// Given back when the body has ended as it should; dropped, and so closed, otherwise.
    lent: Option<Lent>,
    /// There while the body is to be stored.
    keeper: Option<Keeper>,
    /// Lets others come along; gone at the end.
    boarding: Option<Boarding>,
    /// The body from its start.
    collected: Kept,
    /// It does not fit into the store: `collected` grows no more, and nobody comes along.
    is_too_long: bool,
    /// What follows `collected`, as far as some viewer lacks it.
    tail: VecDeque<Bytes>,
    /// How much of the body came before `tail`.
    tail_at: u64,
    /// How much of the body has come.
    length: u64,
    end: Option<End>,
    viewers: Vec<Viewer>,
    next_id: u64,
    /// Since when the slowest has been waited for, and where he was then.
    waited: Option<(Instant, u64)>,
}

struct Viewer {
    id: u64,
    at: u64,
    has_trailers: bool,
    /// The others go on without him.
    is_left: bool,
}

impl Viewer {
    fn new(id: u64) -> Self {
        Self { id, at: 0, has_trailers: false, is_left: false }
    }
}

/// The body from its start, for viewers who come later.
enum Kept {
    Nothing,
    Growing(Collected),
    Whole(Bytes),
}

enum End {
    Whole(Option<HeaderMap>),
    Broken,
}

/// Has a body stored once it is whole.
pub(crate) struct Keeper {
    pub(crate) store: Arc<Store>,
    pub(crate) key: CacheKey,
    pub(crate) facts: Facts,
    /// What it is a part of, if it is one.
    pub(crate) part: Option<NewPart>,
    /// The fields of the request that is answered.
    pub(crate) request: HeaderMap,
    /// Until it is stored, or given up; what is outdated is not stored.
    pub(crate) fetching: Arc<Fetching>,
}

impl Source {
    /// The body and its first viewer. `boarding` lets more of them come along.
    pub(crate) fn open(
        body: OriginBody,
        lent: Lent,
        keeper: Option<Keeper>,
        board: impl FnOnce(&Arc<Self>) -> Option<Boarding>,
    ) -> Relay {
        let collected = match &keeper {
            Some(keeper) => Kept::Growing(Collected::new(&keeper.store)),
            None => Kept::Nothing,
        };
        let length = body.size_hint().exact();
        let state = State {
            body: Some(body),
            lent: Some(lent),
            keeper,
            boarding: None,
            collected,
            is_too_long: false,
            tail: VecDeque::new(),
            tail_at: 0,
            length: 0,
            end: None,
            viewers: vec![Viewer::new(0)],
            next_id: 1,
            waited: None,
        };
        let source = Arc::new(Self { state: Mutex::new(state), waiting: Arc::default(), length });
        let boarding = board(&source);
        {
            let mut state = source.lock();
            state.boarding = boarding;
            if state.body.as_ref().is_some_and(Body::is_end_stream) {
                state.finish(None);
            }
        }
        Relay { source, id: 0, patience: None }
    }

    /// One more viewer, from the start; nothing when the start is gone or the body is stored by now.
    pub(crate) fn join(self: &Arc<Self>) -> Option<Relay> {
        let mut state = self.lock();
        if state.boarding.is_none() || state.is_too_long {
            return None;
        }
        let id = state.next_id;
        state.next_id += 1;
        state.viewers.push(Viewer::new(id));
        Some(Relay { source: self.clone(), id, patience: None })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn viewer(&mut self, id: u64) -> &mut Viewer {
        let viewer = self.viewers.iter_mut().find(|viewer| viewer.id == id);
        viewer.expect("a relay is among its source's viewers until it is dropped")
    }

    /// What a viewer at this place may have without reading on.
    fn piece_at(&self, at: u64) -> Option<Bytes> {
        let from = |bytes: &[u8]| {
            let start = usize::try_from(at).ok().filter(|start| *start < bytes.len())?;
            Some((start, bytes.len().min(start + COPIED_BYTES_MAX)))
        };
        match &self.collected {
            Kept::Growing(collected) => {
                if let Some((start, end)) = from(collected.bytes()) {
                    return Some(Bytes::copy_from_slice(&collected.bytes()[start..end]));
                }
            }
            Kept::Whole(bytes) => {
                if let Some((start, _)) = from(bytes) {
                    return Some(bytes.slice(start..));
                }
            }
            Kept::Nothing => {}
        }
        let mut before = self.tail_at;
        self.tail.iter().find_map(|piece| {
            let is_it = before == at;
            before += piece.len() as u64;
            is_it.then(|| piece.clone())
        })
    }

    /// Takes in a piece that a viewer has just read for all.
    fn add(&mut self, piece: &Bytes) {
        if let (Kept::Growing(collected), false) = (&mut self.collected, self.is_too_long) {
            if collected.add(piece) {
                self.length += piece.len() as u64;
                return;
            }
            self.is_too_long = true;
            self.keeper = None;
            self.boarding = None;
        }
        if self.tail.is_empty() {
            self.tail_at = self.length;
        }
        self.length += piece.len() as u64;
        self.tail.push_back(piece.clone());
    }

    /// Forgets what every viewer has.
    fn trim(&mut self) {
        let slowest = self.slowest();
        while let Some(piece) = self.tail.front().filter(|piece| self.tail_at + piece.len() as u64 <= slowest)
        {
            self.tail_at += piece.len() as u64;
            self.tail.pop_front();
        }
        if self.is_too_long && slowest >= self.tail_at {
            self.collected = Kept::Nothing;
        }
    }

    /// Where the last is of those who are not left behind.
    fn slowest(&self) -> u64 {
        let with_us = self.viewers.iter().filter(|viewer| !viewer.is_left);
        with_us.map(|viewer| viewer.at).min().unwrap_or(self.length)
    }

    /// Until when the slowest is waited for. Once that is over, and he has not come along by as much as viewers may lie apart, he is left behind.
    fn wait_for_the_slowest(&mut self, now: Instant) -> Instant {
        let (mut since, from) = *self.waited.get_or_insert((now, self.slowest()));
        if now >= since + SHARED_LAG_TIME_MAX {
            let least = from + SHARED_LAG_BYTES_MAX as u64;
            self.viewers
                .iter_mut()
                .filter(|viewer| viewer.at < least)
                .for_each(|viewer| viewer.is_left = true);
            self.trim();
            since = now;
            self.waited = self.is_torn().then(|| (since, self.slowest()));
        }
        since + SHARED_LAG_TIME_MAX
    }

    /// Whether whoever is ahead has to wait for whoever is behind: what lies between them is all in memory.
    fn is_torn(&self) -> bool {
        let lag = self.length - self.tail_at.min(self.length);
        self.is_too_long && lag >= SHARED_LAG_BYTES_MAX as u64
    }

    /// The body is here, whole.
    fn finish(&mut self, trailers: Option<HeaderMap>) {
        self.body = None;
        if let Some(lent) = self.lent.take() {
            lent.give_back();
        }
        self.end = Some(End::Whole(trailers));
        if let Some(keeper) = self.keeper.take().filter(|keeper| !keeper.fetching.is_outdated())
            && let Kept::Growing(collected) = std::mem::replace(&mut self.collected, Kept::Nothing)
        {
            let bytes = collected.into_bytes();
            self.collected = Kept::Whole(bytes.clone());
            let Keeper { store, key, facts, part, request, fetching } = keeper;
            // Who changes the resource outdates first, and removes then: it is either seen here, or removes what is put in.
            let may = || !fetching.is_outdated();
            match part {
                Some(part) => store.put_part(&key, facts, &part, &bytes, &request, &may),
                None => {
                    let stored = store.make(&key, facts, bytes);
                    store.put(key, stored, &request, &may);
                }
            }
        }
        // Only now, so that whoever does not come along any more finds it stored.
        self.boarding = None;
    }

    fn give_up(&mut self) {
        self.body = None;
        self.lent = None;
        self.keeper = None;
        self.boarding = None;
        self.end.get_or_insert(End::Broken);
    }

    fn has_all(&mut self, id: u64) -> bool {
        let length = self.length;
        let viewer = self.viewer(id);
        let (at, has_trailers) = (viewer.at, viewer.has_trailers);
        match &self.end {
            Some(End::Whole(trailers)) => at == length && (trailers.is_none() || has_trailers),
            Some(End::Broken) | None => false,
        }
    }

    /// The rest for a viewer who has everything but the end.
    fn at_the_end(&mut self, id: u64) -> Option<Option<Result<Frame<Bytes>, BodyError>>> {
        match &self.end {
            None => None,
            Some(End::Broken) => Some(Some(Err(BodyError::BrokenForAll))),
            Some(End::Whole(None)) => Some(None),
            Some(End::Whole(Some(trailers))) => {
                let trailers = trailers.clone();
                let had_them = std::mem::replace(&mut self.viewer(id).has_trailers, true);
                Some((!had_them).then(|| Ok(Frame::trailers(trailers))))
            }
        }
    }
}

impl Body for Relay {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        let mut state = this.source.lock();
        let viewer = state.viewer(this.id);
        if viewer.is_left {
            return Poll::Ready(Some(Err(BodyError::LeftBehind)));
        }
        let at = viewer.at;
        if let Some(piece) = state.piece_at(at) {
            state.viewer(this.id).at += piece.len() as u64;
            if state.is_too_long {
                state.trim();
                this.source.waiting.wake_all();
            }
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        if let Some(end) = state.at_the_end(this.id) {
            return Poll::Ready(end);
        }
        this.source.waiting.add(cx.waker());
        while state.is_torn() {
            let until = state.wait_for_the_slowest(Instant::now());
            if !state.is_torn() {
                break;
            }
            let patience = this.patience.get_or_insert_with(|| Box::pin(sleep_until(until)));
            if patience.deadline() != until {
                patience.as_mut().reset(until);
            }
            std::task::ready!(patience.as_mut().poll(cx));
        }
        let for_all = Waker::from(this.source.waiting.clone());
        let body = state.body.as_mut().expect("a body is there until its end");
        let polled = std::task::ready!(Pin::new(body).poll_frame(&mut Context::from_waker(&for_all)));
        let is_end = state.body.as_ref().is_none_or(Body::is_end_stream);
        match &polled {
            None => state.finish(None),
            Some(Err(_)) => state.give_up(),
            Some(Ok(frame)) => match (frame.data_ref(), frame.trailers_ref()) {
                (Some(data), _) => {
                    state.add(data);
                    state.viewer(this.id).at += data.len() as u64;
                    state.trim();
                    // With a Content-Length the server side does not ask for the end once it has all bytes.
                    if is_end {
                        state.finish(None);
                    }
                }
                (None, Some(trailers)) => {
                    state.finish(Some(trailers.clone()));
                    state.viewer(this.id).has_trailers = true;
                }
                (None, None) => {}
            },
        }
        drop(state);
        this.source.waiting.wake_all();
        Poll::Ready(polled)
    }

    fn is_end_stream(&self) -> bool {
        self.source.lock().has_all(self.id)
    }

    fn size_hint(&self) -> SizeHint {
        match self.source.length {
            Some(length) => SizeHint::with_exact(length - self.source.lock().viewer(self.id).at),
            None => SizeHint::default(),
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let mut state = self.source.lock();
        state.viewers.retain(|viewer| viewer.id != self.id);
        if state.viewers.iter().all(|viewer| viewer.is_left) && state.end.is_none() {
            state.give_up();
        }
        state.trim();
        drop(state);
        // One of them has to read on.
        self.source.waiting.wake_all();
    }
}

/// The viewers who wait for the next piece, woken all at once.
#[derive(Default)]
struct Waiting(Mutex<Vec<Waker>>);

impl Waiting {
    fn add(&self, waker: &Waker) {
        let mut wakers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !wakers.iter().any(|there| there.will_wake(waker)) {
            wakers.push(waker.clone());
        }
    }

    fn wake_all(&self) {
        let wakers = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        wakers.into_iter().for_each(Waker::wake);
    }
}

impl Wake for Waiting {
    fn wake(self: Arc<Self>) {
        self.wake_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAG: u64 = SHARED_LAG_BYTES_MAX as u64;

    #[test]
    fn who_holds_others_up_is_left_behind_and_who_comes_along_is_not() {
        // The last of three comes along by so much of what viewers may lie apart.
        for (share, is_left) in [(0, true), (LAG / 2, true), (LAG, false)] {
            let viewers = vec![Viewer::new(0), Viewer::new(1), Viewer::new(2)];
            let mut state = State {
                body: None,
                lent: None,
                keeper: None,
                boarding: None,
                collected: Kept::Nothing,
                is_too_long: true,
                tail: VecDeque::new(),
                tail_at: 0,
                length: 0,
                end: None,
                viewers,
                next_id: 3,
                waited: None,
            };
            let piece = Bytes::from(vec![7; SHARED_LAG_BYTES_MAX / 4]);
            (0..4).for_each(|_| state.add(&piece));
            state.viewer(0).at = LAG;
            state.viewer(1).at = LAG;
            state.trim();
            assert!(state.is_torn());
            let start = Instant::now();
            let until = state.wait_for_the_slowest(start);
            assert_eq!(until, start + SHARED_LAG_TIME_MAX);
            state.viewer(2).at += share;
            state.trim();
            // Who is ahead reads on as soon as that may be, and waits again.
            while !state.is_torn() {
                state.add(&piece);
                state.viewer(0).at += piece.len() as u64;
                state.viewer(1).at += piece.len() as u64;
                state.trim();
            }
            state.wait_for_the_slowest(until);
            let left: Vec<bool> = state.viewers.iter().map(|viewer| viewer.is_left).collect();
            assert_eq!(left, [false, false, is_left], "{share}");
            assert_eq!(state.is_torn(), !is_left);
        }
    }
}
