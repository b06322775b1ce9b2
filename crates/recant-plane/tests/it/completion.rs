//! The driver of the plane's half, on a real store and a real clock with short leases.

use std::time::Duration;

use recant_core::entry::HistoryId;
use recant_core::id::EdgeId;
use recant_core::position::Position;
use recant_core::protocol::LeaseParams;
use recant_core::protocol::message::{
    Applied, Heartbeat, Incarnation, LeaseClass, Member, Refusal, RenewalId, Verdict,
};
use recant_plane::clock;
use recant_plane::completion::{Completion, HeartbeatError};
use recant_plane::members::MemberEvent;
use recant_plane::store::sqlite::SqliteStore;
use recant_plane::store::{Command, Progress, Store};

use crate::store::World;
use crate::store::samples::{as_invalidation, furnish, invalidate};
use crate::store::sqlite::Folder;

/// Far longer than any test takes.
const LONG: Duration = Duration::from_secs(300);

async fn start(store: &SqliteStore, lease: Duration) -> Completion<SqliteStore> {
    Completion::start(store.clone(), LeaseParams::for_lease(lease), clock::boot_now).await.unwrap()
}

/// An edge that has applied everything the store holds.
struct Edge {
    member: Member,
    renewals: u64,
    applied: Option<Applied>,
}

impl Edge {
    fn new() -> Self {
        let edge = EdgeId::parse("edge-1").unwrap();
        Self { member: Member { edge, incarnation: Incarnation(7) }, renewals: 0, applied: None }
    }

    async fn apply_all(&mut self, store: &SqliteStore) {
        let (position, hash) = store.head().await.unwrap();
        self.applied = Some(Applied { history: store.identity().history, position, hash });
    }

    async fn beat(&mut self, completion: &Completion<SqliteStore>, leaving: bool) -> Verdict {
        self.renewals += 1;
        let heartbeat = Heartbeat {
            member: self.member.clone(),
            renewal: RenewalId(self.renewals),
            applied: self.applied,
            lease_class: LeaseClass::default(),
            leaving,
        };
        completion.heartbeat(heartbeat, false).await.unwrap().verdict
    }

    /// Beats until it is on record and has a lease.
    async fn join(&mut self, store: &SqliteStore, completion: &Completion<SqliteStore>) {
        self.apply_all(store).await;
        assert_eq!(self.beat(completion, false).await, Verdict::Refused(Refusal::Joining));
        loop {
            match self.beat(completion, false).await {
                Verdict::Granted { .. } => return,
                Verdict::Refused(refusal) => assert_eq!(refusal, Refusal::Joining),
            }
            tokio::task::yield_now().await;
        }
    }
}

async fn reaches(completion: &Completion<SqliteStore>, position: Position) {
    completion.completed().wait_for(|completed| *completed >= position).await.unwrap();
}

#[tokio::test]
async fn without_edges_everything_completes_at_once() {
    let folder = Folder::new();
    let store = folder.open();
    furnish(&store, &["t"]).await;
    let completion = start(&store, LONG).await;
    reaches(&completion, Position::new(2)).await;
    let made = as_invalidation(store.commit(invalidate("t", "I1", "ref", &["/a"])).await.unwrap()).1;
    reaches(&completion, made.position).await;
    let read = store.invalidation(&made.record.scope, &made.record.id).await.unwrap().unwrap();
    assert_eq!(read.progress, Progress::Complete, "what is announced can be read");
}

#[tokio::test]
async fn completion_waits_for_the_acknowledgement() {
    let folder = Folder::new();
    let store = folder.open();
    furnish(&store, &["t"]).await;
    let completion = start(&store, LONG).await;
    let mut edge = Edge::new();
    edge.join(&store, &completion).await;
    assert_eq!(store.durable().await.unwrap().members.len(), 1, "who has a lease is on record");

    let made = as_invalidation(store.commit(invalidate("t", "I1", "ref", &["/a"])).await.unwrap()).1;
    assert!(matches!(edge.beat(&completion, false).await, Verdict::Granted { .. }), "not lagging yet");
    let read = store.invalidation(&made.record.scope, &made.record.id).await.unwrap().unwrap();
    assert_eq!(read.progress, Progress::InProgress);
    edge.apply_all(&store).await;
    assert_eq!(edge.beat(&completion, false).await, Verdict::Granted { lease: LONG });
    reaches(&completion, made.position).await;

    let next = as_invalidation(store.commit(invalidate("t", "I2", "ref 2", &["/a"])).await.unwrap()).1;
    assert_eq!(edge.beat(&completion, true).await, Verdict::Refused(Refusal::Leaving));
    reaches(&completion, next.position).await;
    assert!(store.durable().await.unwrap().members.is_empty(), "who has left is off the record");
}

#[tokio::test]
async fn how_edges_stand_is_told() {
    let folder = Folder::new();
    let store = folder.open();
    furnish(&store, &["t"]).await;
    let completion = start(&store, LONG).await;
    let mut events = completion.member_events();
    let mut edge = Edge::new();
    let began = clock::boot_now();
    edge.join(&store, &completion).await;
    assert_eq!(events.recv().await.unwrap(), MemberEvent::Joined(edge.member.clone()));
    let made = as_invalidation(store.commit(invalidate("t", "I1", "ref", &["/a"])).await.unwrap()).1;
    let status = async || completion.members(made.position).await.unwrap().pop().unwrap();

    let before = status().await;
    assert_eq!((&before.member, before.applied), (&edge.member, Position::new(2)));
    assert_eq!((before.is_awaited, before.applied_by), (true, None));
    let until = before.lease_until.expect("it has a lease");
    assert!(
        until >= began.saturating_add(LONG) && until <= clock::boot_now().saturating_add(LONG + LONG / 10)
    );

    let heard = clock::boot_now();
    edge.apply_all(&store).await;
    edge.beat(&completion, false).await;
    let after = status().await;
    assert_eq!((after.applied, after.is_awaited), (made.position, false));
    assert!(after.applied_by.is_some_and(|by| heard <= by && by <= clock::boot_now()), "{after:?}");

    edge.beat(&completion, true).await;
    assert_eq!(events.recv().await.unwrap(), MemberEvent::Left(edge.member.clone()));
    assert_eq!(completion.members(made.position).await.unwrap(), []);
}

#[tokio::test]
async fn a_lease_that_runs_out_is_told() {
    let folder = Folder::new();
    let store = folder.open();
    furnish(&store, &["t"]).await;
    let completion = start(&store, Duration::from_millis(300)).await;
    let mut events = completion.member_events();
    let mut edge = Edge::new();
    edge.join(&store, &completion).await;
    let told = [events.recv().await.unwrap(), events.recv().await.unwrap()];
    assert_eq!(told, [MemberEvent::Joined(edge.member.clone()), MemberEvent::LeaseRanOut(edge.member)]);
}

#[tokio::test]
async fn completion_outwaits_a_dead_edge() {
    let folder = Folder::new();
    let store = folder.open();
    furnish(&store, &["t"]).await;
    let lease = Duration::from_millis(300);
    let completion = start(&store, lease).await;
    let mut edge = Edge::new();
    edge.join(&store, &completion).await;
    let before = clock::boot_now();
    assert!(matches!(edge.beat(&completion, false).await, Verdict::Granted { .. }));
    let made = as_invalidation(store.commit(invalidate("t", "I1", "ref", &["/a"])).await.unwrap()).1;
    reaches(&completion, made.position).await;
    assert!(clock::boot_now().saturating_since(before) >= lease, "the lease may have been in use until then");
    // Nobody speaks any more: the driver's own deadline takes the edge off the record.
    while !store.durable().await.unwrap().members.is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_restarted_plane_waits_for_every_lease() {
    let folder = Folder::new();
    {
        let store = folder.open();
        furnish(&store, &["t"]).await;
        let completion = start(&store, LONG).await;
        Edge::new().join(&store, &completion).await;
    }
    let store = folder.open();
    let completion = start(&store, LONG).await;
    let made = as_invalidation(store.commit(invalidate("t", "I1", "ref", &["/a"])).await.unwrap()).1;
    let mut edge = Edge::new();
    edge.renewals = 1_000;
    assert_eq!(
        edge.beat(&completion, false).await,
        Verdict::Refused(Refusal::Behind),
        "known, with nothing applied"
    );
    assert!(*completion.completed().borrow() < made.position);
    edge.apply_all(&store).await;
    assert!(matches!(edge.beat(&completion, false).await, Verdict::Granted { .. }));
    reaches(&completion, made.position).await;
}

#[tokio::test]
async fn an_edge_of_another_log_gets_no_lease() {
    let folder = Folder::new();
    let store = folder.open();
    furnish(&store, &["t"]).await;
    let completion = start(&store, LONG).await;
    let mut edge = Edge::new();
    edge.join(&store, &completion).await;
    let place = edge.applied.unwrap();
    let elsewhere = [
        Applied { history: HistoryId(place.history.0 ^ 1), ..place },
        Applied { position: place.position.next(), ..place },
        Applied { hash: recant_core::entry::Hash::of(b"other"), ..place },
    ];
    for applied in elsewhere {
        edge.applied = Some(applied);
        assert_eq!(edge.beat(&completion, false).await, Verdict::Refused(Refusal::OtherHistory));
    }
    edge.applied = Some(place);
    assert!(matches!(edge.beat(&completion, false).await, Verdict::Granted { .. }));
}

#[tokio::test]
async fn a_stopped_store_stops_leases() {
    let folder = Folder::new();
    let store = folder.open();
    furnish(&store, &["t"]).await;
    let completion = start(&store, LONG).await;
    reaches(&completion, Position::new(2)).await;
    assert!(completion.is_running());
    folder.tamper("ALTER TABLE members RENAME TO hidden");
    let mut edge = Edge::new();
    edge.apply_all(&store).await;
    assert_eq!(edge.beat(&completion, false).await, Verdict::Refused(Refusal::Joining));
    // Its record cannot be made, so the driver ends; from then on nobody is answered.
    let mut completed = completion.completed();
    while completed.changed().await.is_ok() {}
    let heartbeat = Heartbeat {
        member: edge.member.clone(),
        renewal: RenewalId(9),
        applied: None,
        lease_class: LeaseClass::default(),
        leaving: false,
    };
    let unanswered = completion.heartbeat(heartbeat, false).await;
    assert!(matches!(unanswered, Err(HeartbeatError::Stopped)), "{unanswered:?}");
    assert!(!completion.is_running());
    store.health().unwrap_err();
    store.commit(Command::Protocol(Vec::new())).await.unwrap_err();
}
