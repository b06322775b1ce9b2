//! The plane's half: membership, leases, completion.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::message::{Answer, Heartbeat, LeaseClass, Member, Refusal, RenewalId, Term, Verdict};
use crate::entry::HistoryId;
use crate::limits;
use crate::position::Position;
use crate::time::BootTime;

/// The spans that leases are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LeaseParams {
    /// How long an edge may serve after it sent the heartbeat that was granted.
    pub lease: Duration,
    /// How long the plane counts a grant as in force after giving it; longer than `lease` by the clocks' error (rule 8).
    pub hold: Duration,
    /// Age of a member's oldest unacknowledged entry from which on nothing is granted (rule 9).
    pub lag_max: Duration,
    /// How long completion waits for a member that has to catch up before it can be granted a lease.
    pub catch_up_max: Duration,
}

impl LeaseParams {
    /// The spans for leases of this length.
    ///
    /// `hold` is a tenth longer, which is far above the clock error it has to cover ([`limits::CLOCK_RATE_ERROR_PPM`]).
    pub fn for_lease(lease: Duration) -> Self {
        const { assert!(2 * limits::CLOCK_RATE_ERROR_PPM < 100_000, "a tenth covers both clocks' errors") };
        Self { lease, hold: lease + lease / 10, lag_max: limits::LAG_MAX, catch_up_max: limits::CATCH_UP_MAX }
    }
}

/// What outlives a plane's process.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PlaneDurable {
    /// The log's history.
    pub history: HistoryId,
    /// This plane's term, already counted up durably.
    pub term: Term,
    /// The end of the log.
    pub head: Position,
    /// The highest position that clients have been shown as complete.
    pub completed: Position,
    /// The members on record.
    pub members: Vec<MemberRecord>,
}

/// A member on record.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MemberRecord {
    /// Who.
    pub member: Member,
    /// It lives in the plane's own process, so that whoever holds the data folder's lock knows it is gone.
    pub embedded: bool,
    /// The class of its leases.
    pub lease_class: LeaseClass,
    /// The longest [`LeaseParams::hold`] of any grant to it. The next plane may be started with shorter leases, and yet
    /// has to wait for this one.
    pub hold: Duration,
}

/// Ties an answer to the heartbeat that asked; the driver's own number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// What happens to the plane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlaneEvent {
    /// The log is committed up to `head`.
    Committed {
        /// The end of the committed log.
        head: Position,
    },
    /// An edge has spoken.
    Heartbeat {
        /// To be given back with the answer.
        ticket: Ticket,
        /// What it said.
        heartbeat: Heartbeat,
        /// It proved to live in this very process.
        embedded: bool,
        /// Whether what it says it has applied is in this log's past, by history, position and hash (rule 15).
        on_this_log: bool,
    },
    /// A write asked for earlier is durable.
    Written(PlaneWrite),
    /// A deadline has come.
    Tick,
}

/// What the plane's driver has to do, in order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PlaneEffect {
    /// Make this durable, after all earlier writes; then report [`PlaneEvent::Written`].
    Write(PlaneWrite),
    /// Answer the heartbeat.
    Answer {
        /// The heartbeat's.
        ticket: Ticket,
        /// What to say.
        answer: Answer,
    },
}

/// A durable change of the protocol's own state.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PlaneWrite {
    /// Put the member on record.
    AddMember(MemberRecord),
    /// Take the member off the record.
    RemoveMember(Member),
    /// Everything up to here is complete; clients see it once this is durable.
    Complete(Position),
}

/// The plane's half of the protocol.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PlaneHalf {
    params: LeaseParams,
    history: HistoryId,
    term: Term,
    head: Position,
    completed: Position,
    /// Decided but not yet durable. Grants are measured by it: whoever does not know it by now may not be the
    /// one that serves when it is shown.
    completing: Option<Position>,
    members: BTreeMap<Member, State>,
    /// Ends of the log above `completed`, each with the moment it was heard of: the age of what is unacknowledged.
    commits: VecDeque<(Position, BootTime)>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct State {
    record: Record,
    /// What the record says; nothing longer is granted.
    hold: Duration,
    acked: Position,
    /// The heartbeat that `acked` is from; an earlier one that comes late says nothing.
    last_renewal: Option<RenewalId>,
    last_heard: BootTime,
    /// A grant may be in force until then, so completion waits for `acked`.
    held_until: BootTime,
    /// When completion began to wait for a member without a lease, so that it can catch up.
    catching_up_since: Option<BootTime>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Record {
    Adding,
    Recorded,
    Removing,
}

/// How a member stands, for whoever looks on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Standing {
    /// Up to where it has acknowledged.
    pub acked: Position,
    /// A lease may be in force until then; in the past when there is none.
    pub held_until: BootTime,
    /// Whether completion waits for it.
    pub is_waited_for: bool,
}

/// More ends of the log than this are not told apart by age; the oldest ages stay exact.
const COMMITS_REMEMBERED_MAX: usize = 4_096;

impl PlaneHalf {
    /// Takes over from what is durable.
    ///
    /// Every recorded member is treated as holding a fresh lease (rule 11) of the length on record, except embedded
    /// ones: they died with the process that held the data folder's lock.
    pub fn recover(params: LeaseParams, durable: PlaneDurable, now: BootTime) -> (Self, Vec<PlaneEffect>) {
        let mut half = Self {
            params,
            history: durable.history,
            term: durable.term,
            head: durable.head,
            completed: durable.completed,
            completing: None,
            members: BTreeMap::new(),
            commits: VecDeque::new(),
        };
        let mut effects = Vec::new();
        for on_record in durable.members {
            let MemberRecord { member, embedded, hold, .. } = on_record.clone();
            let mut record = Record::Recorded;
            if embedded {
                record = Record::Removing;
                effects.push(PlaneEffect::Write(PlaneWrite::RemoveMember(member.clone())));
            } else if hold < params.hold {
                let longer = MemberRecord { hold: params.hold, ..on_record };
                effects.push(PlaneEffect::Write(PlaneWrite::AddMember(longer)));
            }
            half.members.insert(member, State::new(record, hold, now, now.saturating_add(hold)));
        }
        if half.completed < half.head {
            half.commits.push_back((half.head, now));
        }
        half.complete(now, &mut effects);
        (half, effects)
    }

    /// Takes one event and says what has to be done about it, in order.
    pub fn step(&mut self, now: BootTime, event: PlaneEvent) -> Vec<PlaneEffect> {
        let mut effects = Vec::new();
        match event {
            PlaneEvent::Committed { head } => self.committed(now, head),
            PlaneEvent::Heartbeat { ticket, heartbeat, embedded, on_this_log } => {
                let verdict = self.heartbeat(now, &heartbeat, embedded, on_this_log, &mut effects);
                let incarnation = heartbeat.member.incarnation;
                let answer =
                    Answer { incarnation, history: self.history, term: self.term, head: self.head, verdict };
                effects.push(PlaneEffect::Answer { ticket, answer });
            }
            PlaneEvent::Written(write) => self.written(write),
            PlaneEvent::Tick => self.expire(now, &mut effects),
        }
        self.complete(now, &mut effects);
        effects
    }

    /// The highest position that is complete and durably so.
    pub fn completed(&self) -> Position {
        self.completed
    }

    /// The members on record, and up to where each has acknowledged.
    pub fn members(&self) -> impl Iterator<Item = (&Member, Position)> {
        self.members
            .iter()
            .filter(|(_, state)| state.record == Record::Recorded)
            .map(|(member, state)| (member, state.acked))
    }

    /// How each member on record stands at this moment.
    pub fn standings(&self, now: BootTime) -> impl Iterator<Item = (&Member, Standing)> {
        let recorded = self.members.iter().filter(|(_, state)| state.record == Record::Recorded);
        recorded.map(move |(member, state)| {
            let is_waited_for = state.is_waited_for(now, self.params.catch_up_max);
            (member, Standing { acked: state.acked, held_until: state.held_until, is_waited_for })
        })
    }

    /// When to report [`PlaneEvent::Tick`] at the latest, if nothing else happens.
    ///
    /// A deadline that lies in the past by the time it is asked for has done its work in the step before.
    pub fn next_deadline(&self, now: BootTime) -> Option<BootTime> {
        let recorded = self.members.values().filter(|state| state.record == Record::Recorded);
        recorded
            .flat_map(|state| {
                let caught_up =
                    state.catching_up_since.map(|since| since.saturating_add(self.params.catch_up_max));
                [Some(state.held_until), caught_up, Some(state.silent_from(self.params.hold))]
            })
            .flatten()
            .filter(|deadline| *deadline > now)
            .min()
    }

    fn committed(&mut self, now: BootTime, head: Position) {
        if head <= self.head {
            return;
        }
        self.head = head;
        let full = self.commits.len() >= COMMITS_REMEMBERED_MAX;
        match self.commits.back_mut() {
            // Keeping the older moment makes a member look later than it is, which is safe.
            Some(last) if full => last.0 = head,
            _ => self.commits.push_back((head, now)),
        }
    }

    fn heartbeat(
        &mut self,
        now: BootTime,
        heartbeat: &Heartbeat,
        embedded: bool,
        on_this_log: bool,
        effects: &mut Vec<PlaneEffect>,
    ) -> Verdict {
        let member = &heartbeat.member;
        if heartbeat.leaving {
            // Rule 13: the edge has confirmed that it serves nobody any more.
            if let Some(state) = self.members.get_mut(member).filter(|state| state.record == Record::Recorded)
            {
                state.record = Record::Removing;
                effects.push(PlaneEffect::Write(PlaneWrite::RemoveMember(member.clone())));
            }
            return Verdict::Refused(Refusal::Leaving);
        }
        let full = self.members.len() >= limits::MEMBERS_MAX;
        let Some(state) = self.members.get_mut(member) else {
            if full {
                return Verdict::Refused(Refusal::Full);
            }
            // Rule 12: on record before the first grant, so that the next plane knows of it.
            let hold = self.params.hold;
            self.members.insert(member.clone(), State::new(Record::Adding, hold, now, now));
            let (member, lease_class) = (member.clone(), heartbeat.lease_class);
            let record = MemberRecord { member, embedded, lease_class, hold };
            effects.push(PlaneEffect::Write(PlaneWrite::AddMember(record)));
            return Verdict::Refused(Refusal::Joining);
        };
        state.last_heard = now;
        if state.last_renewal.is_none_or(|last| last < heartbeat.renewal) {
            state.last_renewal = Some(heartbeat.renewal);
            state.acked = match heartbeat.applied {
                Some(applied) if on_this_log => applied.position,
                _ => Position::ZERO,
            };
        }
        if !on_this_log {
            return Verdict::Refused(Refusal::OtherHistory);
        }
        if state.record != Record::Recorded || state.hold < self.params.hold {
            return Verdict::Refused(Refusal::Joining);
        }
        if heartbeat.applied.is_none() {
            return Verdict::Refused(Refusal::Behind);
        }
        self.grant(now, member)
    }

    /// Rule 9: a lease only for who knows everything that is complete, or is about to be.
    fn grant(&mut self, now: BootTime, member: &Member) -> Verdict {
        let params = self.params;
        let decided = self.completing.unwrap_or(self.completed);
        let state = self.members.get_mut(member).expect("the caller found the member");
        if state.acked < decided {
            // It may wish to come back while invalidations pour in: completion waits a moment for it, and not
            // again before others have had their turn, so a member that never catches up delays little.
            let rested = |since: BootTime| since.saturating_add(params.catch_up_max + params.hold) <= now;
            if state.catching_up_since.is_none_or(rested) {
                state.catching_up_since = Some(now);
            }
            return Verdict::Refused(Refusal::Behind);
        }
        let oldest = self.commits.iter().find(|(head, _)| *head > state.acked);
        if oldest.is_some_and(|(_, heard)| now.saturating_since(*heard) > params.lag_max) {
            return Verdict::Refused(Refusal::Lagging);
        }
        state.catching_up_since = None;
        state.held_until = state.held_until.max(now.saturating_add(params.hold));
        Verdict::Granted { lease: params.lease }
    }

    fn written(&mut self, write: PlaneWrite) {
        match write {
            PlaneWrite::AddMember(record) => {
                if let Some(state) = self.members.get_mut(&record.member) {
                    state.hold = record.hold;
                    if state.record == Record::Adding {
                        state.record = Record::Recorded;
                    }
                }
            }
            PlaneWrite::RemoveMember(member) => {
                self.members.remove(&member);
            }
            PlaneWrite::Complete(position) => {
                self.completed = self.completed.max(position);
                self.completing = None;
                let complete = self.commits.partition_point(|(head, _)| *head <= position);
                self.commits.drain(..complete);
            }
        }
    }

    /// Takes off the record whose lease has run out and who has been silent for as long, so that no plane that
    /// starts later waits for it (DESIGN.md section 9).
    fn expire(&mut self, now: BootTime, effects: &mut Vec<PlaneEffect>) {
        for (member, state) in &mut self.members {
            if state.record == Record::Recorded && state.silent_from(self.params.hold) <= now {
                state.record = Record::Removing;
                effects.push(PlaneEffect::Write(PlaneWrite::RemoveMember(member.clone())));
            }
        }
    }

    /// Rule 10: what every member that may be serving has acknowledged is complete, whenever it joined.
    fn complete(&mut self, now: BootTime, effects: &mut Vec<PlaneEffect>) {
        if self.completing.is_some() {
            return;
        }
        let catch_up_max = self.params.catch_up_max;
        let waited_for = self.members.values().filter(|state| state.is_waited_for(now, catch_up_max));
        let reached = waited_for.map(|state| state.acked).min().unwrap_or(self.head).min(self.head);
        if reached > self.completed {
            self.completing = Some(reached);
            effects.push(PlaneEffect::Write(PlaneWrite::Complete(reached)));
        }
    }
}

impl State {
    fn new(record: Record, hold: Duration, now: BootTime, held_until: BootTime) -> Self {
        Self {
            record,
            hold,
            acked: Position::ZERO,
            last_renewal: None,
            last_heard: now,
            held_until,
            catching_up_since: None,
        }
    }

    /// From when on it counts as gone, if nothing is heard of it before.
    fn silent_from(&self, hold: Duration) -> BootTime {
        self.held_until.max(self.last_heard.saturating_add(hold))
    }

    fn is_waited_for(&self, now: BootTime, catch_up_max: Duration) -> bool {
        let catching_up = |since: BootTime| now < since.saturating_add(catch_up_max);
        self.record == Record::Recorded
            && (now < self.held_until || self.catching_up_since.is_some_and(catching_up))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::Hash;
    use crate::id::EdgeId;
    use crate::protocol::message::{Applied, Incarnation};

    const HISTORY: HistoryId = HistoryId(7);

    fn at(seconds: u64) -> BootTime {
        BootTime::from_nanos(seconds * 1_000_000_000)
    }

    fn member(incarnation: u64) -> Member {
        Member { edge: EdgeId::parse("edge").unwrap(), incarnation: Incarnation(incarnation) }
    }

    fn plane(head: u64, members: Vec<MemberRecord>) -> (PlaneHalf, Vec<PlaneEffect>) {
        let durable = PlaneDurable {
            history: HISTORY,
            term: Term(1),
            head: Position::new(head),
            completed: Position::ZERO,
            members,
        };
        PlaneHalf::recover(LeaseParams::for_lease(Duration::from_secs(10)), durable, at(0))
    }

    fn heartbeat(incarnation: u64, renewal: u64, applied: u64) -> PlaneEvent {
        let applied = Applied { history: HISTORY, position: Position::new(applied), hash: Hash::START };
        PlaneEvent::Heartbeat {
            ticket: Ticket(renewal),
            heartbeat: Heartbeat {
                member: member(incarnation),
                renewal: RenewalId(renewal),
                applied: Some(applied),
                lease_class: LeaseClass::default(),
                leaving: false,
            },
            embedded: false,
            on_this_log: true,
        }
    }

    fn verdict(effects: &[PlaneEffect]) -> Verdict {
        let answer = effects.iter().find_map(|effect| match effect {
            PlaneEffect::Answer { answer, .. } => Some(answer.verdict.clone()),
            PlaneEffect::Write(_) => None,
        });
        answer.expect("every heartbeat is answered")
    }

    fn completes(effects: &[PlaneEffect]) -> Option<u64> {
        effects.iter().find_map(|effect| match effect {
            PlaneEffect::Write(PlaneWrite::Complete(position)) => Some(position.get()),
            _ => None,
        })
    }

    fn record(incarnation: u64, embedded: bool) -> MemberRecord {
        let (member, lease_class) = (member(incarnation), LeaseClass::default());
        MemberRecord { member, embedded, lease_class, hold: Duration::from_secs(11) }
    }

    /// A plane with one member that holds a lease from second 0 on, everything up to `head` complete.
    fn leased(head: u64) -> PlaneHalf {
        let (mut plane, effects) = plane(head, vec![]);
        plane.step(at(0), PlaneEvent::Written(PlaneWrite::Complete(Position::new(head))));
        assert_eq!(completes(&effects), (head > 0).then_some(head));
        let effects = plane.step(at(0), heartbeat(1, 1, head));
        assert_eq!(verdict(&effects), Verdict::Refused(Refusal::Joining), "not before it is on record");
        plane.step(at(0), PlaneEvent::Written(PlaneWrite::AddMember(record(1, false))));
        let effects = plane.step(at(0), heartbeat(1, 2, head));
        assert_eq!(verdict(&effects), Verdict::Granted { lease: Duration::from_secs(10) });
        plane
    }

    #[test]
    fn nothing_is_waited_for_without_members() {
        let (_, effects) = plane(3, vec![]);
        assert_eq!(completes(&effects), Some(3));
    }

    #[test]
    fn completion_waits_for_the_acknowledgement() {
        let mut plane = leased(1);
        let effects = plane.step(at(1), PlaneEvent::Committed { head: Position::new(2) });
        assert_eq!(completes(&effects), None);
        let effects = plane.step(at(1), heartbeat(1, 3, 2));
        assert_eq!(completes(&effects), Some(2));
        assert_eq!(plane.completed(), Position::new(1), "not shown before it is durable");
        plane.step(at(1), PlaneEvent::Written(PlaneWrite::Complete(Position::new(2))));
        assert_eq!(plane.completed(), Position::new(2));
    }

    #[test]
    fn completion_waits_for_the_lease_of_the_dead() {
        let mut plane = leased(0);
        plane.step(at(1), PlaneEvent::Committed { head: Position::new(1) });
        assert_eq!(
            completes(&plane.step(at(10), PlaneEvent::Tick)),
            None,
            "the hold is longer than the lease"
        );
        assert_eq!(plane.next_deadline(at(10)), Some(at(11)));
        assert_eq!(completes(&plane.step(at(11), PlaneEvent::Tick)), Some(1));
    }

    #[test]
    fn who_is_behind_what_is_being_completed_gets_no_lease() {
        let mut plane = leased(0);
        plane.step(at(1), PlaneEvent::Committed { head: Position::new(1) });
        plane.step(at(10), heartbeat(1, 3, 0));
        assert_eq!(completes(&plane.step(at(11), PlaneEvent::Tick)), Some(1));
        // The completion is decided but not durable yet: a grant now would be in force when it is shown.
        let effects = plane.step(at(11), heartbeat(1, 4, 0));
        assert_eq!(verdict(&effects), Verdict::Refused(Refusal::Behind));
    }

    #[test]
    fn who_lags_gets_no_lease() {
        let mut plane = leased(0);
        plane.step(at(1), PlaneEvent::Committed { head: Position::new(1) });
        assert!(matches!(verdict(&plane.step(at(4), heartbeat(1, 3, 0))), Verdict::Granted { .. }));
        assert_eq!(verdict(&plane.step(at(5), heartbeat(1, 4, 0))), Verdict::Refused(Refusal::Lagging));
        assert!(matches!(verdict(&plane.step(at(5), heartbeat(1, 5, 1))), Verdict::Granted { .. }));
    }

    #[test]
    fn a_late_heartbeat_does_not_take_an_acknowledgement_back() {
        let mut plane = leased(0);
        plane.step(at(1), PlaneEvent::Committed { head: Position::new(1) });
        plane.step(at(1), heartbeat(1, 4, 1));
        plane.step(at(1), heartbeat(1, 3, 0));
        assert_eq!(plane.members().next(), Some((&member(1), Position::new(1))));
    }

    #[test]
    fn a_new_plane_waits_for_every_recorded_member_but_the_embedded() {
        let (mut plane, effects) = plane(1, vec![record(1, true), record(2, false)]);
        assert_eq!(effects, [PlaneEffect::Write(PlaneWrite::RemoveMember(member(1)))]);
        assert_eq!(completes(&plane.step(at(10), PlaneEvent::Tick)), None);
        assert_eq!(completes(&plane.step(at(11), PlaneEvent::Tick)), Some(1));
    }

    #[test]
    fn completion_waits_for_the_slowest() {
        let (mut plane, _) = plane(2, vec![record(1, false), record(2, false)]);
        assert_eq!(completes(&plane.step(at(1), heartbeat(1, 1, 2))), None);
        assert_eq!(completes(&plane.step(at(1), heartbeat(2, 1, 1))), Some(1));
    }

    #[test]
    fn what_is_applied_of_another_log_acknowledges_nothing() {
        let (mut plane, _) = plane(2, vec![record(1, false)]);
        let PlaneEvent::Heartbeat { ticket, heartbeat, embedded, .. } = heartbeat(1, 1, 2) else {
            unreachable!()
        };
        let elsewhere = PlaneEvent::Heartbeat { ticket, heartbeat, embedded, on_this_log: false };
        assert_eq!(completes(&plane.step(at(1), elsewhere)), None);
    }

    #[test]
    fn a_plane_with_shorter_leases_outwaits_the_longer_ones() {
        let long = MemberRecord { hold: Duration::from_secs(330), ..record(1, false) };
        let (mut plane, _) = plane(1, vec![long]);
        assert_eq!(completes(&plane.step(at(11), PlaneEvent::Tick)), None);
        assert!(matches!(verdict(&plane.step(at(12), heartbeat(1, 1, 0))), Verdict::Refused(_)), "lagging");
        plane.step(at(12), heartbeat(1, 2, 1));
        plane.step(at(12), PlaneEvent::Written(PlaneWrite::Complete(Position::new(1))));
        // What is granted now is shorter, and what was granted before is in force all the same.
        assert!(matches!(verdict(&plane.step(at(13), heartbeat(1, 3, 1))), Verdict::Granted { .. }));
        plane.step(at(14), PlaneEvent::Committed { head: Position::new(2) });
        assert_eq!(completes(&plane.step(at(329), PlaneEvent::Tick)), None);
        assert_eq!(completes(&plane.step(at(330), PlaneEvent::Tick)), Some(2));
    }

    #[test]
    fn a_plane_with_longer_leases_grants_none_before_they_are_on_record() {
        let short = MemberRecord { hold: Duration::from_secs(2), ..record(1, false) };
        let (mut plane, effects) = plane(0, vec![short]);
        assert_eq!(effects, [PlaneEffect::Write(PlaneWrite::AddMember(record(1, false)))]);
        let granted = |effects: &[PlaneEffect]| matches!(verdict(effects), Verdict::Granted { .. });
        assert!(!granted(&plane.step(at(1), heartbeat(1, 1, 0))));
        plane.step(at(1), PlaneEvent::Written(PlaneWrite::AddMember(record(1, false))));
        assert!(granted(&plane.step(at(1), heartbeat(1, 2, 0))));
    }

    #[test]
    fn the_silent_are_taken_off_the_record() {
        let mut plane = leased(0);
        assert_eq!(plane.step(at(10), PlaneEvent::Tick), []);
        let removed = [PlaneEffect::Write(PlaneWrite::RemoveMember(member(1)))];
        assert_eq!(plane.step(at(11), PlaneEvent::Tick), removed);
        assert_eq!(plane.step(at(30), PlaneEvent::Tick), [], "once");
        plane.step(at(30), PlaneEvent::Written(PlaneWrite::RemoveMember(member(1))));
        assert_eq!(verdict(&plane.step(at(31), heartbeat(1, 9, 0))), Verdict::Refused(Refusal::Joining));
    }

    #[test]
    fn completion_waits_a_moment_for_who_comes_back() {
        let mut plane = leased(0);
        plane.step(at(1), PlaneEvent::Committed { head: Position::new(1) });
        plane.step(at(10), heartbeat(1, 3, 0));
        plane.step(at(11), PlaneEvent::Tick);
        plane.step(at(11), heartbeat(1, 4, 0));
        plane.step(at(11), PlaneEvent::Written(PlaneWrite::Complete(Position::new(1))));
        let effects = plane.step(at(12), PlaneEvent::Committed { head: Position::new(2) });
        assert_eq!(completes(&effects), None, "it is catching up");
        assert!(matches!(verdict(&plane.step(at(13), heartbeat(1, 5, 1))), Verdict::Granted { .. }));
        // Had it not caught up, the wait would have been bounded.
        let mut slow = leased(0);
        slow.step(at(1), PlaneEvent::Committed { head: Position::new(1) });
        slow.step(at(10), heartbeat(1, 3, 0));
        slow.step(at(11), PlaneEvent::Tick);
        slow.step(at(11), PlaneEvent::Written(PlaneWrite::Complete(Position::new(1))));
        slow.step(at(12), heartbeat(1, 4, 0));
        slow.step(at(12), PlaneEvent::Committed { head: Position::new(2) });
        assert_eq!(slow.next_deadline(at(12)), Some(at(15)));
        assert_eq!(completes(&slow.step(at(15), PlaneEvent::Tick)), Some(2));
    }

    #[test]
    fn who_leaves_is_not_waited_for() {
        let mut plane = leased(0);
        plane.step(at(1), PlaneEvent::Committed { head: Position::new(1) });
        let PlaneEvent::Heartbeat { ticket, mut heartbeat, .. } = heartbeat(1, 3, 0) else { unreachable!() };
        heartbeat.leaving = true;
        let leave = PlaneEvent::Heartbeat { ticket, heartbeat, embedded: false, on_this_log: true };
        assert_eq!(completes(&plane.step(at(2), leave)), Some(1));
    }
}
