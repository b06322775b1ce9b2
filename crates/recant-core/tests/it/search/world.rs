//! The world that is searched: one plane, one edge, one key, two invalidations of it.
//!
//! Plane and edge are the shipping halves. The rest (store, network, cache, origin, viewers) is the smallest
//! thing that can go wrong in all the ways the real one can: writes become durable one by one and are lost with
//! the plane, heartbeats and answers are delayed, reordered or lost, the feed breaks, entries wait to be applied,
//! a fetch is in flight, leases run out, either side is killed.
//!
//! One fetch is followed on each path. That is enough: what an origin answered influences neither the protocol
//! nor other answers, so a violation by any of many overlapping fetches is one on the path that follows it.

use std::collections::VecDeque;
use std::time::Duration;

use recant_core::entry::{Hash, HistoryId};
use recant_core::freshness::{Freshness, Terms};
use recant_core::id::EdgeId;
use recant_core::lookup::{EdgeView, Lookup, decide};
use recant_core::position::{Position, Stamp};
use recant_core::protocol::message::{
    Answer, Applied, Heartbeat, Hello, Incarnation, Member, RenewalId, Resume, Term, Verdict,
};
use recant_core::protocol::{
    Alarm, EdgeEffect, EdgeEvent, EdgeHalf, EdgeTimings, LeaseParams, MemberRecord, PlaneDurable,
    PlaneEffect, PlaneEvent, PlaneHalf, PlaneWrite, Ticket,
};
use recant_core::time::BootTime;

use super::Seen;
use super::bounds::{Bounds, Mutant};

const HISTORY: HistoryId = HistoryId(1);
const TICK: Duration = Duration::from_secs(1);
const END_OF_TIME: BootTime = BootTime::from_nanos(u64::MAX);

/// Bytes of the origin: what they were stamped with, and the ghost, the number of invalidations committed when
/// their origin request began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Bytes {
    stamp: Stamp,
    /// Up to where no rule matches, as far as was looked; at least the stamp's position.
    valid: Position,
    ghost: Position,
}

impl Bytes {
    fn stamped(self, stamp: Stamp) -> Self {
        Self { stamp, valid: stamp.position, ..self }
    }

    /// What the rules are compared with.
    fn valid_up_to(self) -> Stamp {
        Stamp { position: self.valid, ..self.stamp }
    }
}

/// The one response that is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Response {
    NotAskedFor,
    InFlight(Bytes),
    Stored(Bytes),
    /// Stored, stale, and being validated for a viewer.
    Confirming(Confirming),
    Lost,
}

/// A conditional request for what is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Confirming {
    bytes: Bytes,
    /// The conditional request's own.
    stamp: Stamp,
    /// What was completed when the viewer came.
    due: Position,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Link {
    Closed,
    Opening { after: Option<Applied> },
    Open { snapshot_due: bool, next: Position },
}

/// What an edge has kept beside what is stored, as far as it is not to be had by the log: the state at a place. The entries after
/// it are kept, too, some of them or all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Journal {
    at: Position,
    rules: Position,
    /// Up to where the one response was known to be valid.
    valid: Position,
}

/// What a viewer's connection remembers, in the mutants that let it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Pinned {
    rules: Position,
    lease: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct World {
    bounds: Bounds,
    mutant: Option<Mutant>,
    now: u64,
    // --- the plane and its store
    plane: PlaneHalf,
    log: Position,
    /// Of the log, those that are about another key.
    others: Vec<Position>,
    writes: VecDeque<PlaneWrite>,
    completed: Position,
    members: Vec<MemberRecord>,
    term: u64,
    // --- the network
    heartbeats: Vec<(BootTime, Heartbeat)>,
    answers: Vec<(BootTime, RenewalId, Answer)>,
    link: Link,
    // --- the edge
    edge: EdgeHalf,
    incarnation: u64,
    todo: VecDeque<Position>,
    rules: Position,
    response: Response,
    pinned: Option<Pinned>,
    journal: Journal,
    /// In a mutant: the lease of the process before.
    kept_lease: Option<BootTime>,
}

/// The step's name and where it leads; nowhere, when it breaks the promise.
type Step = (&'static str, Option<World>);

impl World {
    pub(super) fn new(bounds: Bounds, mutant: Option<Mutant>) -> Self {
        let now = BootTime::from_nanos(0);
        let durable = durable(Position::ZERO, Position::ZERO, 1, vec![]);
        let mut world = Self {
            bounds,
            mutant,
            now: 0,
            plane: PlaneHalf::recover(params(bounds, mutant, 1), durable, now).0,
            log: Position::ZERO,
            others: vec![],
            writes: VecDeque::new(),
            completed: Position::ZERO,
            members: vec![],
            term: 1,
            heartbeats: vec![],
            answers: vec![],
            link: Link::Closed,
            edge: EdgeHalf::new(member(1), timings(), now),
            incarnation: 1,
            todo: VecDeque::new(),
            rules: Position::ZERO,
            response: Response::NotAskedFor,
            pinned: None,
            journal: Journal::default(),
            kept_lease: None,
        };
        world.edge_step(EdgeEvent::Tick);
        // Every path begins with an edge that has just been granted its first lease.
        for name in ["feed opens", "snapshot arrives", "apply", "heartbeat arrives", "write"] {
            world = world.after(name);
        }
        while !world.edge.view().has_lease(world.boot()) {
            let name = if world.answers.is_empty() { "heartbeat arrives" } else { "answer arrives" };
            if world.heartbeats.is_empty() && world.answers.is_empty() {
                world.now += 1;
                world.edge_step(EdgeEvent::Tick);
            }
            world = world.after(name);
        }
        world.bounds.ticks += world.now;
        world
    }

    fn after(&self, name: &str) -> Self {
        let mut steps = self.successors(&mut Seen::default());
        let index = steps.iter().position(|(step, _)| *step == name).expect("the step is possible");
        steps.swap_remove(index).1.expect("the step breaks no promise")
    }

    /// Every world that one more step leads to.
    pub(super) fn successors(&self, seen: &mut Seen) -> Vec<Step> {
        let mut steps = Vec::new();
        self.plane_steps(seen, &mut steps);
        self.network_steps(&mut steps);
        self.edge_steps(&mut steps);
        self.viewer_steps(seen, &mut steps);
        steps
    }

    fn plane_steps(&self, seen: &mut Seen, steps: &mut Vec<Step>) {
        if self.log.get() < self.bounds.invalidations {
            if self.bounds.sweeps > 0 {
                self.then(steps, "commit for another key", |w| {
                    w.log = w.log.next();
                    w.others.push(w.log);
                    w.plane_step(PlaneEvent::Committed { head: w.log });
                });
            }
            self.then(steps, "commit", |w| {
                w.log = w.log.next();
                w.plane_step(PlaneEvent::Committed { head: w.log });
                if w.is(Mutant::ExpiryNotAwaited) {
                    // To the plane it is so late that every lease has run out.
                    let effects = w.plane.step(w.boot().saturating_add(TICK), PlaneEvent::Tick);
                    w.plane_perform(effects);
                }
            });
        }
        if let Some(write) = self.writes.front() {
            let acked = self.plane.members().map(|(_, acked)| acked).min();
            if let PlaneWrite::Complete(position) = write
                && acked.is_some_and(|acked| acked < *position)
            {
                seen.completed_by_expiry += 1;
            }
            self.then(steps, "write", |w| {
                let write = w.writes.pop_front().expect("there is one");
                w.store(&write);
                w.plane_step(PlaneEvent::Written(write));
            });
        }
        if self.term <= u64::from(self.bounds.plane_restarts) {
            self.then(steps, "plane restarts", |w| {
                w.term += 1;
                w.writes.clear();
                w.link = Link::Closed;
                let params = params(w.bounds, w.mutant, w.term);
                let mut members = if w.is(Mutant::LeasesForgotten) { vec![] } else { w.members.clone() };
                if w.is(Mutant::OwnLeasesAwaited) {
                    members.iter_mut().for_each(|member| member.hold = params.hold);
                }
                let durable = durable(w.log, w.completed, w.term, members);
                let (plane, effects) = PlaneHalf::recover(params, durable, w.boot());
                w.plane = plane;
                w.plane_perform(effects);
                w.edge_step(EdgeEvent::FeedClosed);
            });
        }
        if self.now < self.bounds.ticks {
            self.then(steps, "tick", |w| {
                w.now += 1;
                w.plane_step(PlaneEvent::Tick);
                w.edge_step(EdgeEvent::Tick);
            });
        }
    }

    fn network_steps(&self, steps: &mut Vec<Step>) {
        for index in 0..self.heartbeats.len() {
            if self.answers.len() < self.bounds.heartbeats {
                self.heartbeat_arrives(index, steps);
            }
            self.then(steps, "heartbeat is lost", |w| {
                let (_, heartbeat) = w.heartbeats.remove(index);
                w.edge_step(EdgeEvent::Unanswered { renewal: heartbeat.renewal });
            });
        }
        for index in 0..self.answers.len() {
            self.then(steps, "answer arrives", |w| {
                let (sent, renewal, mut answer) = w.answers.remove(index);
                if let Verdict::Granted { lease } = &mut answer.verdict
                    && w.is(Mutant::LeaseFromReceipt)
                {
                    *lease += w.boot().saturating_since(sent);
                }
                w.edge_step(EdgeEvent::Answered { renewal, answer });
            });
            self.then(steps, "answer is lost", |w| {
                let (_, renewal, _) = w.answers.remove(index);
                w.edge_step(EdgeEvent::Unanswered { renewal });
            });
        }
        match self.link {
            Link::Closed => {}
            Link::Opening { after } => self.then(steps, "feed opens", |w| {
                let resume = if after.is_some() { Resume::Entries } else { Resume::Snapshot };
                let next = after.map_or(w.log, |after| after.position).next();
                w.link = Link::Open { snapshot_due: after.is_none(), next };
                let hello = Hello { history: HISTORY, term: Term(w.term), head: w.log, resume };
                w.edge_step(EdgeEvent::FeedOpened(hello));
            }),
            Link::Open { snapshot_due: true, next } => self.then(steps, "snapshot arrives", |w| {
                w.link = Link::Open { snapshot_due: false, next };
                let position = Position::new(next.get() - 1);
                w.edge_step(EdgeEvent::Snapshot { position, hash: hash(position) });
            }),
            Link::Open { snapshot_due: false, next } if next <= self.log => {
                self.then(steps, "entry arrives", |w| {
                    w.link = Link::Open { snapshot_due: false, next: next.next() };
                    let prev_hash = hash(Position::new(next.get() - 1));
                    w.edge_step(EdgeEvent::Entry { position: next, prev_hash, hash: hash(next) });
                });
            }
            Link::Open { .. } => {}
        }
        if matches!(self.link, Link::Open { .. }) && self.bounds.breaks > 0 {
            self.then(steps, "feed breaks", |w| {
                w.bounds.breaks -= 1;
                w.link = Link::Closed;
                w.edge_step(EdgeEvent::FeedClosed);
            });
        }
    }

    fn heartbeat_arrives(&self, index: usize, steps: &mut Vec<Step>) {
        self.then(steps, "heartbeat arrives", |w| {
            let (sent, heartbeat) = w.heartbeats.remove(index);
            let renewal = heartbeat.renewal;
            let on_this_log = heartbeat.applied.is_none_or(|applied| applied.position <= w.log);
            let event = PlaneEvent::Heartbeat { ticket: Ticket(0), heartbeat, embedded: false, on_this_log };
            let effects = w.plane.step(w.boot(), event);
            for effect in &effects {
                if let PlaneEffect::Answer { answer, .. } = effect {
                    w.answers.push((sent, renewal, answer.clone()));
                }
            }
            w.plane_perform(effects);
        });
    }

    fn edge_steps(&self, steps: &mut Vec<Step>) {
        if !self.todo.is_empty() {
            self.then(steps, "apply", |w| {
                let position = w.todo.pop_front().expect("there is one");
                // A snapshot, whose place is a floor, comes only where no invalidation is of another key.
                if !w.others.contains(&position) {
                    w.rules = w.rules.max(position);
                }
                w.edge_step(EdgeEvent::Applied { position });
            });
        }
        if self.bounds.sweeps > 0 {
            self.then(steps, "sweep", Self::sweep);
        }
        if self.incarnation <= u64::from(self.bounds.edge_restarts) {
            self.then(steps, "edge restarts", |w| {
                w.incarnation += 1;
                w.edge = EdgeHalf::new(member(w.incarnation), timings(), w.boot());
                w.link = Link::Closed;
                w.rules = Position::ZERO;
                w.journal = Journal::default();
                w.todo.clear();
                w.answers.clear();
                if w.response != Response::NotAskedFor {
                    w.response = Response::Lost;
                }
                w.pinned = None;
                w.edge_step(EdgeEvent::Tick);
            });
        }
        self.kept_steps(steps);
        if let Response::Confirming(confirming) = self.response {
            self.not_modified(confirming, steps);
        }
        if let Response::InFlight(mut bytes) = self.response {
            self.then(steps, "origin answers", |w| {
                if w.is(Mutant::StampAtInsert) {
                    bytes = bytes.stamped(w.edge.view().stamp());
                }
                w.response = Response::Stored(bytes);
            });
        }
    }

    /// The journal begins anew; the edge is killed, and goes on with it.
    fn kept_steps(&self, steps: &mut Vec<Step>) {
        let Some(Applied { position: applied, .. }) = self.edge.applied() else { return };
        if self.bounds.checkpoints > 0 {
            self.then(steps, "checkpoint", |w| {
                w.bounds.checkpoints -= 1;
                let rules = if w.is(Mutant::CheckpointWithoutRules) { Position::ZERO } else { w.rules };
                let valid = match w.response {
                    Response::Stored(_) if w.is(Mutant::ValidUnlooked) => applied,
                    Response::Stored(bytes) | Response::Confirming(Confirming { bytes, .. }) => bytes.valid,
                    Response::NotAskedFor | Response::InFlight(_) | Response::Lost => Position::ZERO,
                };
                w.journal = Journal { at: applied, rules, valid };
            });
        }
        if self.bounds.resumes > 0 {
            for cut in self.journal.at.get()..=applied.get() {
                self.then(steps, "edge goes on", |w| w.go_on(Position::new(cut), applied));
            }
        }
    }

    /// A new process, whose journal ends at `cut`, because the rest was torn off or had not been written.
    fn go_on(&mut self, cut: Position, applied: Position) {
        self.bounds.resumes -= 1;
        self.incarnation += 1;
        self.kept_lease = self.edge.view().lease_until;
        let position = if self.is(Mutant::CutOverlooked) { applied } else { cut };
        let resumed = Applied { history: HISTORY, position, hash: hash(position) };
        self.edge = EdgeHalf::resume(member(self.incarnation), timings(), resumed, self.boot());
        self.link = Link::Closed;
        self.todo.clear();
        self.answers.clear();
        self.pinned = None;
        let entries = (self.journal.at.get() + 1..=cut.get()).map(Position::new);
        let newest = entries.filter(|entry| !self.others.contains(entry)).max();
        self.rules = self.journal.rules.max(newest.unwrap_or(Position::ZERO));
        self.response = match self.response {
            Response::Stored(bytes) | Response::Confirming(Confirming { bytes, .. }) => {
                // What is later than the journal's end is judged as if it were not.
                let stamp = Stamp { position: bytes.stamp.position.min(cut), ..bytes.stamp };
                let mut bytes = bytes.stamped(stamp);
                bytes.valid = bytes.valid.max(self.journal.valid.min(cut));
                if self.is(Mutant::StampedAnew) {
                    bytes.valid = self.log;
                }
                // Looked at with the rules as they are now.
                let is_valid = bytes.valid >= self.rules;
                bytes.valid = bytes.valid.max(cut);
                if is_valid { Response::Stored(bytes) } else { Response::Lost }
            }
            Response::InFlight(_) => Response::Lost,
            Response::NotAskedFor | Response::Lost => self.response,
        };
        self.edge_step(EdgeEvent::Tick);
    }

    /// A whole pass: what is stored is looked at with the rules as they are applied, and then the floor rises.
    fn sweep(&mut self) {
        self.bounds.sweeps -= 1;
        let applied = self.edge.applied().map_or(Position::ZERO, |applied| applied.position);
        let looked_up_to =
            if self.is(Mutant::ValidAhead) { self.edge.view().known_committed } else { applied };
        let mut floor = applied;
        match &mut self.response {
            Response::Stored(bytes) if bytes.valid < self.rules => self.response = Response::Lost,
            Response::Stored(bytes) => bytes.valid = bytes.valid.max(looked_up_to),
            Response::Confirming(Confirming { bytes, .. }) if bytes.valid >= self.rules => {
                bytes.valid = bytes.valid.max(looked_up_to);
            }
            Response::InFlight(bytes) => floor = floor.min(bytes.stamp.position),
            Response::Confirming(_) | Response::NotAskedFor | Response::Lost => {}
        }
        // A rule up to the floor says nothing that the floor does not say.
        self.rules = if self.is(Mutant::RulesForgotten) { Position::ZERO } else { self.rules.max(floor) };
    }

    /// The 304 comes: it is judged by the rules as they are now, and what it confirms keeps its stamp.
    fn not_modified(&self, confirming: Confirming, steps: &mut Vec<Step>) {
        let Confirming { mut bytes, stamp, due } = confirming;
        if self.is(Mutant::ConfirmedAsNew) {
            bytes = bytes.stamped(stamp);
        }
        if bytes.valid < self.rules {
            // All of it is asked for, which is another response.
            self.then(steps, "304 arrives too late", |w| w.response = Response::Lost);
        } else if self.is_outdated(bytes, due) {
            steps.push(("304 arrives", None));
        } else {
            self.then(steps, "304 arrives", |w| w.response = Response::Stored(bytes));
        }
    }

    /// A viewer's request arrives and is decided upon: what is complete by now binds the answer.
    fn viewer_steps(&self, seen: &mut Seen, steps: &mut Vec<Step>) {
        let pins = self.is(Mutant::RulesPinned) || self.is(Mutant::LeasePinned);
        if pins && self.pinned.is_none() {
            self.then(steps, "viewer connects", |w| {
                let lease = w.edge.view().has_lease(w.boot());
                w.pinned = Some(Pinned { rules: w.rules, lease });
            });
        }
        let (view, rules) = self.what_viewers_see();
        match self.response {
            Response::NotAskedFor => self.then(steps, "fetch starts", |w| {
                let stamp = w.edge.view().stamp();
                w.response = Response::InFlight(Bytes { stamp, valid: stamp.position, ghost: w.log });
            }),
            Response::InFlight(bytes) => {
                let join_view = match self.mutant {
                    Some(Mutant::JoinWithoutLease) => EdgeView { lease_until: Some(END_OF_TIME), ..view },
                    _ => view,
                };
                let refused = join_view.refuses(self.boot(), bytes.stamp, rules).is_some();
                if !refused || self.is(Mutant::JoinUnchecked) {
                    seen.joins += 1;
                    self.check(steps, "join", bytes);
                }
            }
            Response::Stored(bytes) => {
                self.stale_steps(bytes, &view, rules, seen, steps);
                let freshness = Freshness { age: Duration::ZERO, lifetime: TICK };
                let terms = Terms { lifetime: TICK, ..Terms::default() };
                let verdict = decide(&view, self.boot(), bytes.valid_up_to(), rules, &terms, freshness);
                if let Lookup::Hit { .. } = verdict {
                    seen.hits += 1;
                    self.check(steps, "hit", bytes);
                }
            }
            Response::Confirming(_) | Response::Lost => {}
        }
    }

    /// What is stored has become stale by now: it is validated, and stands in should the origin fail.
    fn stale_steps(
        &self,
        bytes: Bytes,
        view: &EdgeView,
        rules: Position,
        seen: &mut Seen,
        steps: &mut Vec<Step>,
    ) {
        if self.bounds.validations == 0 {
            return;
        }
        let freshness = Freshness { age: TICK, lifetime: TICK };
        let terms = Terms { lifetime: TICK, ..Terms::default() };
        match decide(view, self.boot(), bytes.valid_up_to(), rules, &terms, freshness) {
            Lookup::Validate(_) => {
                seen.validations += 1;
                self.check(steps, "stands in", bytes);
                self.then(steps, "validation starts", |w| {
                    w.bounds.validations -= 1;
                    let (stamp, due) = (w.edge.view().stamp(), w.completed);
                    w.response = Response::Confirming(Confirming { bytes, stamp, due });
                });
            }
            Lookup::Forward(_) if self.is(Mutant::StaleUnchecked) => self.check(steps, "stands in", bytes),
            Lookup::Forward(_) | Lookup::Hit { .. } | Lookup::HitWhileRevalidating(_) => {}
        }
    }

    fn what_viewers_see(&self) -> (EdgeView, Position) {
        let mut view = self.edge.view();
        let mut rules = self.rules;
        match (self.mutant, self.pinned) {
            (Some(Mutant::RulesIgnored), _) => rules = Position::ZERO,
            (Some(Mutant::LeaseIgnored), _) => view.lease_until = Some(END_OF_TIME),
            (Some(Mutant::LeaseKept), _) => view.lease_until = view.lease_until.max(self.kept_lease),
            (Some(Mutant::RulesPinned), Some(pinned)) => rules = pinned.rules,
            (Some(Mutant::LeasePinned), Some(Pinned { lease: true, .. })) => {
                view.lease_until = Some(END_OF_TIME);
            }
            _ => {}
        }
        (view, rules)
    }

    /// Linearizable purge: nothing older than what anybody has seen completed.
    fn check(&self, steps: &mut Vec<Step>, name: &'static str, bytes: Bytes) {
        if self.is_outdated(bytes, self.completed) {
            steps.push((name, None));
        }
    }

    /// Whether an invalidation of this key up to there was committed after these bytes were asked for.
    fn is_outdated(&self, bytes: Bytes, up_to: Position) -> bool {
        let mut later = (bytes.ghost.get() + 1..=up_to.get()).map(Position::new);
        later.any(|position| !self.others.contains(&position))
    }

    fn then(&self, steps: &mut Vec<Step>, name: &'static str, change: impl FnOnce(&mut Self)) {
        let mut next = self.clone();
        change(&mut next);
        steps.push((name, Some(next)));
    }

    fn plane_step(&mut self, event: PlaneEvent) {
        let effects = self.plane.step(self.boot(), event);
        self.plane_perform(effects);
    }

    fn plane_perform(&mut self, effects: Vec<PlaneEffect>) {
        for effect in effects {
            if let PlaneEffect::Write(write) = effect {
                self.writes.push_back(write);
            }
        }
    }

    fn store(&mut self, write: &PlaneWrite) {
        match write {
            PlaneWrite::AddMember(record) => self.members.push(record.clone()),
            PlaneWrite::RemoveMember(member) => self.members.retain(|record| record.member != *member),
            PlaneWrite::Complete(position) => self.completed = self.completed.max(*position),
        }
    }

    fn edge_step(&mut self, event: EdgeEvent) {
        for effect in self.edge.step(self.boot(), event) {
            match effect {
                EdgeEffect::OpenFeed { after } => {
                    self.todo.clear();
                    self.link = Link::Opening { after };
                }
                EdgeEffect::Install(position) | EdgeEffect::Apply(position) => {
                    self.todo.push_back(position);
                    if self.is(Mutant::AckBeforeApply) {
                        self.edge_step(EdgeEvent::Applied { position });
                    }
                }
                EdgeEffect::SendHeartbeat(heartbeat) => {
                    if self.heartbeats.len() < self.bounds.heartbeats {
                        self.heartbeats.push((self.boot(), heartbeat));
                    } else {
                        self.edge_step(EdgeEvent::Unanswered { renewal: heartbeat.renewal });
                    }
                }
                EdgeEffect::BeginEra(_) => self.todo.clear(),
                // A delayed answer of the plane that was killed.
                EdgeEffect::Alarm(Alarm::PastTerm(_)) => {}
                EdgeEffect::Alarm(alarm) => panic!("nothing here gives cause for alarm: {alarm}"),
            }
        }
    }

    fn is(&self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }

    fn boot(&self) -> BootTime {
        BootTime::from_nanos(0).saturating_add(TICK * u32::try_from(self.now).expect("few ticks"))
    }
}

/// A plane that takes over is started with leases of one tick.
fn params(bounds: Bounds, mutant: Option<Mutant>, term: u64) -> LeaseParams {
    let lease = if term == 1 { TICK * bounds.first_lease } else { TICK };
    let hold = if mutant == Some(Mutant::HoldShorterThanLease) { Duration::ZERO } else { lease };
    LeaseParams { lease, hold, lag_max: 100 * TICK, catch_up_max: TICK }
}

fn timings() -> EdgeTimings {
    EdgeTimings {
        answer_max: TICK,
        heartbeat_retry: TICK,
        feed_retry: TICK,
        retry_max: TICK,
        ack_delay_max: TICK,
    }
}

fn durable(head: Position, completed: Position, term: u64, members: Vec<MemberRecord>) -> PlaneDurable {
    PlaneDurable { history: HISTORY, term: Term(term), head, completed, members }
}

fn member(incarnation: u64) -> Member {
    Member { edge: EdgeId::parse("edge").expect("an id"), incarnation: Incarnation(incarnation) }
}

fn hash(position: Position) -> Hash {
    let mut hash = Hash::START;
    hash.0[..8].copy_from_slice(&position.get().to_be_bytes());
    hash
}
