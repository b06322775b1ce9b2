//! What the plane can tell of its edges: how far each is, since when, until when it is waited for, and who came and went.
//!
//! For people and programs that look on. Nothing is decided by it: that is the protocol's half, which knows no times of acknowledgements.

use std::collections::{HashMap, HashSet};

use recant_core::limits::{ACKNOWLEDGEMENTS_REMEMBERED_MAX, EVENTS_WAITING_MAX};
use recant_core::position::Position;
use recant_core::protocol::message::{Heartbeat, Member};
use recant_core::protocol::{PlaneHalf, PlaneWrite};
use recant_core::time::BootTime;
use tokio::sync::broadcast;

/// One member edge, at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberStatus {
    /// Who.
    pub member: Member,
    /// Up to where it has applied.
    pub applied: Position,
    /// By when it had applied the position that was asked about; nothing while it has not, and where that is not known any more.
    pub applied_by: Option<BootTime>,
    /// Until when its lease may be in force; nothing when it has none.
    pub lease_until: Option<BootTime>,
    /// Whether completion waits for it.
    pub is_awaited: bool,
}

/// What became of an edge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MemberEvent {
    /// It is a member from now on.
    Joined(Member),
    /// It has said goodbye.
    Left(Member),
    /// It has been silent for longer than its lease, and is no member any more.
    LeaseRanOut(Member),
}

/// What is remembered of the members beside the protocol's half.
#[derive(Debug)]
pub(crate) struct Members {
    acknowledged: HashMap<Member, Acknowledgements>,
    /// Those that have said goodbye and are still on record.
    leaving: HashSet<Member>,
    events: broadcast::Sender<MemberEvent>,
}

impl Members {
    /// Those that are on record when the plane starts.
    pub(crate) fn new(on_record: impl Iterator<Item = Member>) -> Self {
        let acknowledged = on_record.map(|member| (member, Acknowledgements::default())).collect();
        Self { acknowledged, leaving: HashSet::new(), events: broadcast::channel(EVENTS_WAITING_MAX).0 }
    }

    /// Where events come from.
    pub(crate) fn events(&self) -> broadcast::Sender<MemberEvent> {
        self.events.clone()
    }

    /// Notes what a member says; `on_this_log` as for the protocol.
    pub(crate) fn heard(&mut self, now: BootTime, heartbeat: &Heartbeat, on_this_log: bool) {
        let Some(acknowledged) = self.acknowledged.get_mut(&heartbeat.member) else { return };
        if let Some(place) = heartbeat.applied.filter(|_| on_this_log) {
            acknowledged.note(place.position, now);
        }
        if heartbeat.leaving {
            self.leaving.insert(heartbeat.member.clone());
        }
    }

    /// Notes who came and went, once that is durable.
    pub(crate) fn written(&mut self, write: &PlaneWrite) {
        let event = match write {
            PlaneWrite::AddMember(record) => {
                // Else its lease has become a longer one.
                if self.acknowledged.contains_key(&record.member) {
                    return;
                }
                self.acknowledged.insert(record.member.clone(), Acknowledgements::default());
                MemberEvent::Joined(record.member.clone())
            }
            PlaneWrite::RemoveMember(member) => {
                self.acknowledged.remove(member);
                match self.leaving.remove(member) {
                    true => MemberEvent::Left(member.clone()),
                    false => MemberEvent::LeaseRanOut(member.clone()),
                }
            }
            PlaneWrite::Complete(_) => return,
        };
        // Nobody need listen.
        drop(self.events.send(event));
    }

    /// How all members stand, with regard to a position.
    pub(crate) fn status(&self, half: &PlaneHalf, now: BootTime, position: Position) -> Vec<MemberStatus> {
        half.standings(now)
            .map(|(member, standing)| MemberStatus {
                member: member.clone(),
                applied: standing.acked,
                applied_by: self.acknowledged.get(member).and_then(|acknowledged| acknowledged.by(position)),
                lease_until: Some(standing.held_until).filter(|until| *until > now),
                is_awaited: standing.is_waited_for && standing.acked < position,
            })
            .collect()
    }
}

/// When a member has acknowledged what, ascending in both.
#[derive(Debug, Default)]
struct Acknowledgements(Vec<(Position, BootTime)>);

impl Acknowledgements {
    fn note(&mut self, position: Position, now: BootTime) {
        // A new snapshot may begin lower: what was before it is another life's.
        if self.0.last().is_some_and(|(last, _)| position < *last) {
            self.0.clear();
        }
        if self.0.last().is_some_and(|(last, _)| *last == position) {
            return;
        }
        if self.0.len() >= ACKNOWLEDGEMENTS_REMEMBERED_MAX {
            // What is left out was applied by the moment of the next one, at the latest.
            let mut at = 0;
            self.0.retain(|_| {
                at += 1;
                at % 2 == 0
            });
        }
        self.0.push((position, now));
    }

    /// By when a position was applied.
    fn by(&self, position: Position) -> Option<BootTime> {
        let at = self.0.partition_point(|(acknowledged, _)| *acknowledged < position);
        self.0.get(at).map(|(_, moment)| *moment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_upper_bounds() {
        let at = |seconds: u64| BootTime::from_nanos(seconds * 1_000_000_000);
        let mut acknowledged = Acknowledgements::default();
        let count = 10 * u64::try_from(ACKNOWLEDGEMENTS_REMEMBERED_MAX).unwrap();
        for n in 1..=count {
            acknowledged.note(Position::new(2 * n), at(n));
            acknowledged.note(Position::new(2 * n), at(n + 1));
            assert!(acknowledged.0.len() <= ACKNOWLEDGEMENTS_REMEMBERED_MAX);
        }
        assert_eq!(acknowledged.by(Position::new(2 * count)), Some(at(count)));
        assert_eq!(acknowledged.by(Position::new(2 * count - 1)), Some(at(count)));
        assert_eq!(acknowledged.by(Position::new(2 * count + 1)), None);
        for n in 1..=count {
            assert!(acknowledged.by(Position::new(2 * n)).unwrap() >= at(n), "{n}");
        }
        acknowledged.note(Position::new(1), at(count + 1));
        assert_eq!(acknowledged.by(Position::new(2)), None);
    }
}
