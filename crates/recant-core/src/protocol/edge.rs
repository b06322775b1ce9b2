//! The edge's half: following the log, acknowledging, counting its lease.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::message::{
    Answer, Applied, Heartbeat, Hello, LeaseClass, Member, Refusal, RenewalId, Resume, Term, Verdict,
};
use crate::entry::{Hash, HistoryId};
use crate::limits;
use crate::lookup::EdgeView;
use crate::position::{Era, Position};
use crate::time::BootTime;

/// How patient an edge is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EdgeTimings {
    /// How long an answer to a heartbeat is waited for before another one is sent.
    pub answer_max: Duration,
    /// How long to wait after a heartbeat that was refused or got lost; after one more that got lost twice as long.
    pub heartbeat_retry: Duration,
    /// How long to wait before a broken feed is opened again; after one more that cannot be opened twice as long.
    pub feed_retry: Duration,
    /// How long to wait at the most: so late is a plane found that is back.
    pub retry_max: Duration,
    /// How long an acknowledgement waits for company while an earlier one is on its way.
    pub ack_delay_max: Duration,
}

impl Default for EdgeTimings {
    fn default() -> Self {
        Self {
            answer_max: Duration::from_secs(1),
            heartbeat_retry: Duration::from_millis(100),
            feed_retry: Duration::from_millis(200),
            retry_max: limits::PLANE_RETRY_MAX,
            ack_delay_max: limits::ACK_DELAY_MAX,
        }
    }
}

/// What happens to an edge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EdgeEvent {
    /// The feed asked for has been opened, and said hello.
    FeedOpened(Hello),
    /// The feed has ended or could not be opened.
    FeedClosed,
    /// The feed has brought a whole snapshot.
    Snapshot {
        /// The last entry it covers.
        position: Position,
        /// The hash of that entry.
        hash: Hash,
    },
    /// The feed has brought an entry with an intact body.
    Entry {
        /// Its place.
        position: Position,
        /// The hash that it names as its predecessor's.
        prev_hash: Hash,
        /// Its own hash.
        hash: Hash,
    },
    /// The feed says that the log is committed up to here.
    Head(Position),
    /// What [`EdgeEffect::Apply`] or [`EdgeEffect::Install`] asked for is published to every viewer.
    Applied {
        /// The entry, or the last entry that the snapshot covers.
        position: Position,
    },
    /// A heartbeat has been answered.
    Answered {
        /// Which.
        renewal: RenewalId,
        /// By this.
        answer: Answer,
    },
    /// A heartbeat got no answer in time.
    Unanswered {
        /// Which.
        renewal: RenewalId,
    },
    /// The viewers' side has closed for good.
    Leave,
    /// A deadline has come.
    Tick,
}

/// What the edge's driver has to do, in order.
///
/// An `Apply` or `Install` that has not been performed when `OpenFeed` or `BeginEra` comes is not performed any
/// more: what it would have brought comes again.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum EdgeEffect {
    /// Drop any feed and open one that goes on after this place.
    OpenFeed {
        /// The last entry applied, if any.
        after: Option<Applied>,
    },
    /// Replace all state by the snapshot just received, publish it, report [`EdgeEvent::Applied`].
    Install(Position),
    /// Fold in the entry just received, publish it, report [`EdgeEvent::Applied`].
    Apply(Position),
    /// Send this, report [`EdgeEvent::Answered`] or [`EdgeEvent::Unanswered`].
    SendHeartbeat(Heartbeat),
    /// What was stored in earlier eras will never be served again and may be dropped.
    BeginEra(Era),
    /// Tell the operator.
    Alarm(Alarm),
}

/// What an operator should hear of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Alarm {
    /// The plane's log is not the one this edge has followed (rule 15).
    #[error("the plane's log is not the one followed so far: everything stored is invalid")]
    OtherHistory,
    /// The feed skipped or repeated an entry; it is asked for again.
    #[error("the feed brought entry {got} where {expected} was due")]
    Gap {
        /// The entry that was due.
        expected: Position,
        /// The entry that came.
        got: Position,
    },
    /// A plane of an earlier term is still speaking; it is not listened to.
    #[error("a plane of the past term {0:?} is still speaking")]
    PastTerm(Term),
}

/// The edge's half of the protocol.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EdgeHalf {
    timings: EdgeTimings,
    member: Member,
    /// The plane listened to last; terms of different histories cannot be compared.
    plane: Option<(HistoryId, Term)>,
    era: Era,
    /// The last entry whose effect is published.
    applied: Option<Applied>,
    /// Received in order, being applied.
    pending: VecDeque<Applied>,
    known_committed: Position,
    feed: Feed,
    lease_until: Option<BootTime>,
    renewals: u64,
    /// Heartbeats on their way, each with the moment it was sent.
    outstanding: BTreeMap<RenewalId, BootTime>,
    last_sent: Option<BootTime>,
    /// What the last heartbeat acknowledged.
    last_acked: Option<Position>,
    next_heartbeat: BootTime,
    /// How long to wait after the next heartbeat that gets lost.
    heartbeat_pause: Duration,
    /// How long to wait after the next end of a feed.
    feed_pause: Duration,
    leaving: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Feed {
    Closed { retry_at: BootTime },
    Opening,
    Open { history: HistoryId, snapshot_due: bool },
}

impl EdgeHalf {
    /// An edge that knows nothing yet; the first [`EdgeEvent::Tick`] sets it going.
    pub fn new(member: Member, timings: EdgeTimings, now: BootTime) -> Self {
        Self {
            timings,
            member,
            plane: None,
            era: Era(0),
            applied: None,
            pending: VecDeque::new(),
            known_committed: Position::ZERO,
            feed: Feed::Closed { retry_at: now },
            lease_until: None,
            renewals: 0,
            outstanding: BTreeMap::new(),
            last_sent: None,
            last_acked: None,
            next_heartbeat: now,
            heartbeat_pause: timings.heartbeat_retry,
            feed_pause: timings.feed_retry,
            leaving: false,
        }
    }

    /// An edge that goes on after what an earlier process of it had applied, and has kept.
    ///
    /// It is another member (rule 12) and **has no lease**: what the earlier process was granted was that process's. What it
    /// says it has applied is compared with the log as ever: where the log does not reach back to there, or is another one,
    /// nothing kept is of any use any more (rule 15).
    pub fn resume(member: Member, timings: EdgeTimings, applied: Applied, now: BootTime) -> Self {
        // Committed it is, or it would not have been applied.
        let known_committed = applied.position;
        Self { applied: Some(applied), known_committed, ..Self::new(member, timings, now) }
    }

    /// What the viewers' side has to know; to be published after every step, before its effects are performed.
    pub fn view(&self) -> EdgeView {
        EdgeView { lease_until: self.lease_until, era: self.era, known_committed: self.known_committed }
    }

    /// The last entry whose effect is published, if any.
    pub fn applied(&self) -> Option<Applied> {
        self.applied
    }

    /// When to report [`EdgeEvent::Tick`] at the latest, if nothing else happens.
    pub fn next_deadline(&self) -> BootTime {
        match self.feed {
            Feed::Closed { retry_at } if !self.leaving => retry_at.min(self.heartbeat_due()),
            Feed::Closed { .. } | Feed::Opening | Feed::Open { .. } => self.heartbeat_due(),
        }
    }

    /// Takes one event and says what has to be done about it, in order.
    pub fn step(&mut self, now: BootTime, event: EdgeEvent) -> Vec<EdgeEffect> {
        let mut effects = Vec::new();
        match event {
            EdgeEvent::FeedOpened(hello) => self.feed_opened(now, &hello, &mut effects),
            EdgeEvent::FeedClosed => self.feed_closed(now),
            EdgeEvent::Snapshot { position, hash } => self.snapshot(position, hash, &mut effects),
            EdgeEvent::Entry { position, prev_hash, hash } => {
                self.entry(now, (position, prev_hash, hash), &mut effects);
            }
            EdgeEvent::Head(head) => {
                // A feed that has been given up may be another log's.
                if matches!(self.feed, Feed::Open { .. }) {
                    self.know_committed(head);
                }
            }
            EdgeEvent::Applied { position } => self.published(position),
            EdgeEvent::Answered { renewal, answer } => self.answered(now, renewal, &answer, &mut effects),
            EdgeEvent::Unanswered { renewal } => {
                if self.outstanding.remove(&renewal).is_some() {
                    self.next_heartbeat = now.saturating_add(self.heartbeat_pause);
                    self.heartbeat_pause = self.longer(self.heartbeat_pause);
                }
            }
            EdgeEvent::Leave => {
                self.leaving = true;
                self.lease_until = None;
                self.next_heartbeat = now;
                self.outstanding.clear();
            }
            EdgeEvent::Tick => {}
        }
        self.keep_going(now, &mut effects);
        effects
    }

    fn feed_opened(&mut self, now: BootTime, hello: &Hello, effects: &mut Vec<EdgeEffect>) {
        if self.feed != Feed::Opening {
            return;
        }
        if !self.listens_to(hello.history, hello.term, effects) {
            self.feed_closed(now);
            return;
        }
        if let Some(applied) = self.applied {
            // Rule 15: a log that is not the continuation of what was applied.
            let same_log = hello.history == applied.history && hello.head >= applied.position;
            if !same_log || hello.resume == Resume::Diverged {
                self.begin_era(effects);
            }
        }
        if self.applied.is_none() && hello.resume == Resume::Entries {
            self.feed_closed(now);
            return;
        }
        self.feed = Feed::Open { history: hello.history, snapshot_due: hello.resume != Resume::Entries };
        self.feed_pause = self.timings.feed_retry;
        self.know_committed(hello.head);
    }

    fn feed_closed(&mut self, now: BootTime) {
        self.pending.clear();
        self.feed = Feed::Closed { retry_at: now.saturating_add(self.feed_pause) };
        self.feed_pause = self.longer(self.feed_pause);
    }

    /// The pause after this one, if there is nothing to be heard of the plane in between.
    fn longer(&self, pause: Duration) -> Duration {
        pause.saturating_mul(2).min(self.timings.retry_max)
    }

    fn snapshot(&mut self, position: Position, hash: Hash, effects: &mut Vec<EdgeEffect>) {
        let Feed::Open { history, snapshot_due: true } = self.feed else {
            return;
        };
        self.feed = Feed::Open { history, snapshot_due: false };
        if self.applied.is_some_and(|applied| position < applied.position) {
            self.begin_era(effects);
        }
        self.pending.push_back(Applied { history, position, hash });
        self.know_committed(position);
        effects.push(EdgeEffect::Install(position));
    }

    /// Rule 2: contiguity is checked here; the transport is never trusted for it.
    fn entry(
        &mut self,
        now: BootTime,
        (position, prev_hash, hash): (Position, Hash, Hash),
        effects: &mut Vec<EdgeEffect>,
    ) {
        let Feed::Open { history, snapshot_due: false } = self.feed else {
            return;
        };
        let Some(last) = self.pending.back().copied().or(self.applied) else {
            self.feed_closed(now);
            return;
        };
        let expected = last.position.next();
        if position != expected {
            effects.push(EdgeEffect::Alarm(Alarm::Gap { expected, got: position }));
            self.feed_closed(now);
        } else if prev_hash != last.hash {
            self.begin_era(effects);
            self.feed_closed(now);
        } else {
            self.pending.push_back(Applied { history, position, hash });
            self.know_committed(position);
            effects.push(EdgeEffect::Apply(position));
        }
    }

    fn published(&mut self, position: Position) {
        while let Some(next) = self.pending.front().copied() {
            if next.position > position {
                break;
            }
            self.pending.pop_front();
            self.applied = Some(next);
        }
    }

    fn answered(
        &mut self,
        now: BootTime,
        renewal: RenewalId,
        answer: &Answer,
        effects: &mut Vec<EdgeEffect>,
    ) {
        if answer.incarnation != self.member.incarnation {
            return;
        }
        let Some(sent) = self.outstanding.remove(&renewal) else {
            return;
        };
        self.next_heartbeat = now.saturating_add(self.timings.heartbeat_retry);
        self.heartbeat_pause = self.timings.heartbeat_retry;
        if !self.listens_to(answer.history, answer.term, effects) || self.leaving {
            return;
        }
        let Some(applied) = self.applied else {
            return;
        };
        // The answer's head proves nothing here: it may be older than an entry that has come by the feed.
        if answer.history != applied.history || answer.verdict == Verdict::Refused(Refusal::OtherHistory) {
            self.begin_era(effects);
            self.reopen(effects);
            return;
        }
        self.know_committed(answer.head);
        if let Verdict::Granted { lease } = answer.verdict {
            // Rule 8: counted from the sending; the receipt may be any time later.
            self.lease_until = self.lease_until.max(Some(sent.saturating_add(lease)));
            self.next_heartbeat = sent.saturating_add(lease / 3);
        }
    }

    /// Rule 11: a plane that has been taken over from is not listened to any more.
    fn listens_to(&mut self, history: HistoryId, term: Term, effects: &mut Vec<EdgeEffect>) -> bool {
        if self.plane.is_some_and(|(known, newest)| known == history && term < newest) {
            effects.push(EdgeEffect::Alarm(Alarm::PastTerm(term)));
            return false;
        }
        self.plane = Some((history, term));
        true
    }

    /// Heartbeats and feeds that are due; an expired lease is put away.
    fn keep_going(&mut self, now: BootTime, effects: &mut Vec<EdgeEffect>) {
        if self.lease_until.is_some_and(|until| until <= now) {
            self.lease_until = None;
        }
        if let Feed::Closed { retry_at } = self.feed
            && retry_at <= now
            && !self.leaving
        {
            self.reopen(effects);
        }
        if self.heartbeat_due() <= now {
            self.send_heartbeat(now, effects);
        }
    }

    /// At once for an acknowledgement when no other is on its way, a little later when one is, and not before an
    /// answer comes when many are: a slow plane is not made slower.
    fn heartbeat_due(&self) -> BootTime {
        let applied = self.applied.map(|applied| applied.position);
        if applied == self.last_acked || self.outstanding.len() >= OUTSTANDING_MAX {
            return self.next_heartbeat;
        }
        match self.last_sent {
            Some(sent) if !self.outstanding.is_empty() => {
                self.next_heartbeat.min(sent.saturating_add(self.timings.ack_delay_max))
            }
            _ => BootTime::from_nanos(0),
        }
    }

    fn send_heartbeat(&mut self, now: BootTime, effects: &mut Vec<EdgeEffect>) {
        self.renewals += 1;
        let renewal = RenewalId(self.renewals);
        if self.outstanding.len() >= OUTSTANDING_MAX {
            self.outstanding.pop_first();
        }
        self.outstanding.insert(renewal, now);
        self.last_sent = Some(now);
        self.last_acked = self.applied.map(|applied| applied.position);
        self.next_heartbeat = now.saturating_add(self.timings.answer_max);
        effects.push(EdgeEffect::SendHeartbeat(Heartbeat {
            member: self.member.clone(),
            renewal,
            applied: self.applied,
            lease_class: LeaseClass::default(),
            leaving: self.leaving,
        }));
    }

    /// Rule 15: no lease, nothing stored so far is ever served, everything is learned anew.
    fn begin_era(&mut self, effects: &mut Vec<EdgeEffect>) {
        self.era = self.era.next();
        self.lease_until = None;
        self.applied = None;
        self.last_acked = None;
        self.pending.clear();
        self.outstanding.clear();
        self.known_committed = Position::ZERO;
        effects.push(EdgeEffect::Alarm(Alarm::OtherHistory));
        effects.push(EdgeEffect::BeginEra(self.era));
    }

    fn reopen(&mut self, effects: &mut Vec<EdgeEffect>) {
        self.pending.clear();
        self.feed = Feed::Opening;
        effects.push(EdgeEffect::OpenFeed { after: self.applied });
    }

    fn know_committed(&mut self, head: Position) {
        self.known_committed = self.known_committed.max(head);
    }
}

/// Heartbeats on their way at a time, each on a connection of its own. Acknowledgements are cumulative, so a few go as
/// far as many.
const OUTSTANDING_MAX: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::EdgeId;
    use crate::protocol::message::Incarnation;

    const HISTORY: HistoryId = HistoryId(1);

    fn at(seconds: u64) -> BootTime {
        BootTime::from_nanos(seconds * 1_000_000_000)
    }

    fn hash(position: u64) -> Hash {
        Hash::of(&position.to_be_bytes())
    }

    fn applied(position: u64) -> Applied {
        Applied { history: HISTORY, position: Position::new(position), hash: hash(position) }
    }

    fn hello(history: HistoryId, term: u64, head: u64, resume: Resume) -> EdgeEvent {
        EdgeEvent::FeedOpened(Hello { history, term: Term(term), head: Position::new(head), resume })
    }

    fn entry(position: u64) -> EdgeEvent {
        let prev_hash = hash(position - 1);
        EdgeEvent::Entry { position: Position::new(position), prev_hash, hash: hash(position) }
    }

    fn answer(renewal: u64, history: HistoryId, term: u64, verdict: Verdict) -> EdgeEvent {
        let head = Position::new(5);
        let answer = Answer { incarnation: Incarnation(1), history, term: Term(term), head, verdict };
        EdgeEvent::Answered { renewal: RenewalId(renewal), answer }
    }

    fn granted(renewal: u64) -> EdgeEvent {
        answer(renewal, HISTORY, 1, Verdict::Granted { lease: Duration::from_secs(10) })
    }

    /// An edge at position 5 with a lease from second 0 on; its second heartbeat has been answered.
    fn leased() -> EdgeHalf {
        let member = Member { edge: EdgeId::parse("edge").unwrap(), incarnation: Incarnation(1) };
        let mut edge = EdgeHalf::new(member, EdgeTimings::default(), at(0));
        let effects = edge.step(at(0), EdgeEvent::Tick);
        assert!(matches!(effects[..], [EdgeEffect::OpenFeed { after: None }, EdgeEffect::SendHeartbeat(_)]));
        edge.step(at(0), hello(HISTORY, 1, 5, Resume::Snapshot));
        edge.step(at(0), EdgeEvent::Unanswered { renewal: RenewalId(1) });
        let position = Position::new(5);
        let effects = edge.step(at(0), EdgeEvent::Snapshot { position, hash: hash(5) });
        assert_eq!(effects, [EdgeEffect::Install(position)]);
        let effects = edge.step(at(0), EdgeEvent::Applied { position });
        let [EdgeEffect::SendHeartbeat(heartbeat)] = &effects[..] else { panic!("{effects:?}") };
        assert_eq!(heartbeat.applied, Some(applied(5)));
        edge.step(at(0), granted(2));
        assert_eq!(edge.view().lease_until, Some(at(10)));
        edge
    }

    #[test]
    fn entries_are_applied_in_order_and_acknowledged_at_once() {
        let mut edge = leased();
        assert_eq!(edge.step(at(1), entry(6)), [EdgeEffect::Apply(Position::new(6))]);
        assert_eq!(edge.view().known_committed, Position::new(6));
        let effects = edge.step(at(1), EdgeEvent::Applied { position: Position::new(6) });
        assert!(matches!(&effects[..], [EdgeEffect::SendHeartbeat(heartbeat)]
            if heartbeat.applied.is_some_and(|applied| applied.position == Position::new(6))));
        // While that one is on its way the next waits for company, but not for long.
        edge.step(at(1), entry(7));
        assert_eq!(edge.step(at(1), EdgeEvent::Applied { position: Position::new(7) }), []);
        assert_eq!(edge.next_deadline(), at(1).saturating_add(limits::ACK_DELAY_MAX));
    }

    #[test]
    fn a_plane_that_is_away_is_asked_less_and_less_often_up_to_a_bound() {
        // What reaches nobody fails at once; how often is it tried in a minute?
        let tries = |edge: &mut EdgeHalf, from: u64| {
            let (mut feeds, mut heartbeats, mut now) = (0, 0, at(from));
            while now < at(from + 60) {
                for effect in edge.step(now, EdgeEvent::Tick) {
                    match effect {
                        EdgeEffect::OpenFeed { .. } => {
                            feeds += 1;
                            edge.step(now, EdgeEvent::FeedClosed);
                        }
                        EdgeEffect::SendHeartbeat(heartbeat) => {
                            heartbeats += 1;
                            edge.step(now, EdgeEvent::Unanswered { renewal: heartbeat.renewal });
                        }
                        other => panic!("{other:?}"),
                    }
                }
                now = edge.next_deadline();
            }
            (feeds, heartbeats)
        };
        let member = Member { edge: EdgeId::parse("edge").unwrap(), incarnation: Incarnation(1) };
        let mut edge = EdgeHalf::new(member, EdgeTimings::default(), at(0));
        let (feeds, heartbeats) = tries(&mut edge, 0);
        assert!((60..65).contains(&feeds) && (60..65).contains(&heartbeats), "{feeds}, {heartbeats}");
        // Once it is back, the first failure is as good as new.
        let effects = edge.step(at(61), EdgeEvent::Tick);
        let [EdgeEffect::OpenFeed { .. }, EdgeEffect::SendHeartbeat(heartbeat)] = &effects[..] else {
            panic!("{effects:?}")
        };
        let RenewalId(renewal) = heartbeat.renewal;
        edge.step(at(61), hello(HISTORY, 1, 5, Resume::Snapshot));
        edge.step(at(61), granted(renewal));
        edge.step(at(61), EdgeEvent::FeedClosed);
        let timings = EdgeTimings::default();
        assert_eq!(edge.next_deadline(), at(61).saturating_add(timings.heartbeat_retry));
        let effects = edge.step(at(61).saturating_add(timings.feed_retry), EdgeEvent::Tick);
        assert!(
            matches!(&effects[..], [EdgeEffect::OpenFeed { .. }, EdgeEffect::SendHeartbeat(_)]),
            "{effects:?}"
        );
    }

    #[test]
    fn who_goes_on_says_from_where_and_has_no_lease_until_it_is_granted_one() {
        let member = Member { edge: EdgeId::parse("edge").unwrap(), incarnation: Incarnation(1) };
        let mut edge = EdgeHalf::resume(member, EdgeTimings::default(), applied(5), at(0));
        assert_eq!((edge.view().lease_until, edge.view().known_committed), (None, Position::new(5)));
        let effects = edge.step(at(0), EdgeEvent::Tick);
        let [EdgeEffect::OpenFeed { after }, EdgeEffect::SendHeartbeat(heartbeat)] = &effects[..] else {
            panic!("{effects:?}")
        };
        assert_eq!((*after, heartbeat.applied), (Some(applied(5)), Some(applied(5))));
        edge.step(at(0), hello(HISTORY, 1, 6, Resume::Entries));
        assert_eq!(edge.step(at(0), entry(6)), [EdgeEffect::Apply(Position::new(6))]);
        edge.step(at(0), EdgeEvent::Applied { position: Position::new(6) });
        edge.step(at(0), granted(1));
        assert_eq!(edge.view().lease_until, Some(at(10)));
    }

    #[test]
    fn who_goes_on_in_a_log_that_does_not_continue_starts_over() {
        for hello in [
            hello(HISTORY, 1, 9, Resume::Diverged),
            hello(HISTORY, 1, 4, Resume::Entries),
            hello(HistoryId(2), 1, 9, Resume::Entries),
        ] {
            let member = Member { edge: EdgeId::parse("edge").unwrap(), incarnation: Incarnation(1) };
            let mut edge = EdgeHalf::resume(member, EdgeTimings::default(), applied(5), at(0));
            edge.step(at(0), EdgeEvent::Tick);
            let effects = edge.step(at(0), hello.clone());
            assert!(effects.contains(&EdgeEffect::BeginEra(Era(1))), "{hello:?}: {effects:?}");
        }
    }

    #[test]
    fn a_gap_is_asked_for_again() {
        let mut edge = leased();
        let alarm = Alarm::Gap { expected: Position::new(6), got: Position::new(7) };
        assert_eq!(edge.step(at(1), entry(7)), [EdgeEffect::Alarm(alarm)]);
        assert_eq!(edge.step(at(1), entry(6)), [], "the broken feed is not listened to any more");
        let effects = edge.step(at(2), EdgeEvent::Tick);
        assert!(
            matches!(effects[..], [EdgeEffect::OpenFeed { after: Some(Applied { .. }) }, ..]),
            "{effects:?}"
        );
        assert_eq!(edge.view().lease_until, Some(at(10)), "the lease speaks of what is applied");
    }

    #[test]
    fn another_log_begins_an_era() {
        let check = |event: EdgeEvent| {
            let mut edge = leased();
            edge.step(at(4), EdgeEvent::FeedClosed);
            edge.step(at(5), EdgeEvent::Tick);
            let effects = edge.step(at(5), event.clone());
            assert!(effects.contains(&EdgeEffect::BeginEra(Era(1))), "{event:?}: {effects:?}");
            let view = edge.view();
            assert_eq!((view.era, view.lease_until), (Era(1), None), "{event:?}");
            assert_eq!(edge.applied(), None, "{event:?}");
        };
        check(hello(HistoryId(2), 1, 9, Resume::Snapshot));
        check(hello(HISTORY, 2, 4, Resume::Snapshot));
        check(hello(HISTORY, 2, 9, Resume::Diverged));
        check(answer(3, HistoryId(2), 0, Verdict::Refused(Refusal::Behind)));
        check(answer(3, HISTORY, 1, Verdict::Refused(Refusal::OtherHistory)));
    }

    #[test]
    fn an_entry_that_denies_the_last_one_begins_an_era() {
        let mut edge = leased();
        let position = Position::new(6);
        let effects = edge.step(at(1), EdgeEvent::Entry { position, prev_hash: hash(9), hash: hash(6) });
        assert!(effects.contains(&EdgeEffect::BeginEra(Era(1))), "{effects:?}");
    }

    #[test]
    fn a_grant_of_an_earlier_era_is_void() {
        let mut edge = leased();
        edge.step(at(4), EdgeEvent::Tick);
        edge.step(at(4), EdgeEvent::FeedClosed);
        edge.step(at(5), EdgeEvent::Tick);
        edge.step(at(5), hello(HISTORY, 1, 9, Resume::Diverged));
        let position = Position::new(9);
        edge.step(at(5), EdgeEvent::Snapshot { position, hash: hash(9) });
        edge.step(at(5), EdgeEvent::Applied { position });
        edge.step(at(5), granted(3));
        assert_eq!(edge.view().lease_until, None, "it was given for what the edge has forgotten since");
    }

    #[test]
    fn a_feed_given_up_says_nothing_about_the_log() {
        let mut edge = leased();
        let position = Position::new(6);
        edge.step(at(1), EdgeEvent::Entry { position, prev_hash: hash(9), hash: hash(6) });
        edge.step(at(1), EdgeEvent::Head(Position::new(90)));
        assert_eq!(edge.view().known_committed, Position::ZERO, "90 may be ahead of the log that follows");
    }

    #[test]
    fn a_slow_plane_hears_few_acknowledgements_and_its_grants_count() {
        let mut edge = leased();
        let first = edge.renewals + 1;
        let mut now = at(1);
        for position in 6..500 {
            edge.step(now, entry(position));
            edge.step(now, EdgeEvent::Applied { position: Position::new(position) });
            now = now.saturating_add(Duration::from_millis(1));
        }
        assert_eq!(edge.outstanding.len(), OUTSTANDING_MAX);
        assert!(edge.next_deadline() > now, "an answer is waited for");
        let effects = edge.step(now, granted(first));
        assert_eq!(edge.view().lease_until, Some(at(11)));
        assert!(matches!(effects[..], [EdgeEffect::SendHeartbeat(_)]), "{effects:?}");
    }

    #[test]
    fn another_processes_answer_is_not_listened_to() {
        let mut edge = leased();
        edge.step(at(4), EdgeEvent::Tick);
        let EdgeEvent::Answered { renewal, mut answer } = granted(3) else { unreachable!() };
        answer.incarnation = Incarnation(2);
        edge.step(at(4), EdgeEvent::Answered { renewal, answer });
        assert_eq!(edge.view().lease_until, Some(at(10)));
    }

    #[test]
    fn a_plane_of_the_past_is_not_listened_to() {
        let mut edge = leased();
        edge.step(at(4), EdgeEvent::Tick);
        edge.step(at(4), EdgeEvent::FeedClosed);
        edge.step(at(5), EdgeEvent::Tick);
        edge.step(at(5), hello(HISTORY, 2, 5, Resume::Entries));
        let effects = edge.step(at(5), granted(3));
        assert!(effects.contains(&EdgeEffect::Alarm(Alarm::PastTerm(Term(1)))), "{effects:?}");
        assert_eq!(edge.view().lease_until, Some(at(10)));
    }

    #[test]
    fn a_lease_counts_from_the_sending() {
        let mut edge = leased();
        edge.step(at(4), EdgeEvent::Tick);
        edge.step(at(9), granted(3));
        assert_eq!(edge.view().lease_until, Some(at(14)));
        assert!(!edge.view().has_lease(at(14)));
        edge.step(at(14), EdgeEvent::Tick);
        assert_eq!(edge.view().lease_until, None);
    }

    #[test]
    fn who_leaves_takes_no_lease_any_more() {
        let mut edge = leased();
        edge.step(at(4), EdgeEvent::Tick);
        let effects = edge.step(at(4), EdgeEvent::Leave);
        assert!(
            matches!(&effects[..], [EdgeEffect::SendHeartbeat(heartbeat)] if heartbeat.leaving),
            "{effects:?}"
        );
        edge.step(at(4), granted(3));
        edge.step(at(4), granted(4));
        assert_eq!(edge.view().lease_until, None);
        edge.step(at(4), EdgeEvent::FeedClosed);
        edge.step(at(5), EdgeEvent::Tick);
        assert!(edge.next_deadline() > at(5), "no feed is due any more");
    }
}
