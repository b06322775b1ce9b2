//! The feed as an edge reads it, and heartbeats as an edge writes them.

use std::collections::BTreeMap;
use std::time::Duration;

use http_body_util::BodyExt as _;
use recant_core::entry::{Change, Hash, Kind, Scope};
use recant_core::id::{ETag, EdgeId};
use recant_core::limits::{
    FEED_PIECE_BYTES, FEED_SEND_TIME_MAX, SNAPSHOT_ITEMS_PER_READ_MAX, SNAPSHOTS_AT_A_TIME_MAX,
};
use recant_core::position::Position;
use recant_core::protocol::LeaseParams;
use recant_core::protocol::message::{
    Applied, Heartbeat, Incarnation, LeaseClass, Member, Refusal, RenewalId, Resume, Verdict,
};
use recant_plane::clock;
use recant_plane::completion::Completion;
use recant_plane::feed::{Edges, FeedBody, FeedError, Standing};
use recant_plane::store::Store;
use recant_plane::store::sqlite::SqliteStore;
use recant_wire::feed::{EdgeSecret, Frame, FrameDecoder, body, heartbeat, resume};

use recant_plane::questions::Questions;

use crate::store::World;
use crate::store::samples::{configuration, create, furnish, invalidate, tenant, update};
use crate::store::sqlite::Folder;

const SECRET: EdgeSecret = EdgeSecret::new([1; 32]);
const EMBEDDED: EdgeSecret = EdgeSecret::new([2; 32]);

async fn edges(store: &SqliteStore) -> Edges<SqliteStore> {
    let params = LeaseParams::for_lease(Duration::from_secs(300));
    let completion = Completion::start(store.clone(), params, clock::boot_now).await.unwrap();
    Edges::new(store.clone(), completion, Questions::new(), SECRET, Some(EMBEDDED))
}

/// Reads a feed frame by frame.
struct Reader {
    body: FeedBody,
    frames: FrameDecoder,
}

impl Reader {
    async fn open(edges: &Edges<SqliteStore>, after: Option<Applied>) -> Self {
        let body = edges.follow(&resume::query(after.as_ref())).await.unwrap();
        Self { body, frames: FrameDecoder::new() }
    }

    async fn next(&mut self) -> Frame {
        loop {
            if let Some(frame) = self.frames.next_frame().unwrap() {
                return frame;
            }
            let piece = self.body.frame().await.expect("a feed does not end").unwrap();
            self.frames.push(&piece.into_data().unwrap());
        }
    }

    /// The next frame that is not a `Head`.
    async fn next_said(&mut self) -> Frame {
        loop {
            match self.next().await {
                Frame::Head(_) => {}
                frame => return frame,
            }
        }
    }

    async fn hello(&mut self) -> (Resume, Position) {
        match self.next().await {
            Frame::Hello(hello) => (hello.resume, hello.head),
            other => panic!("a hello, not {other:?}"),
        }
    }

    /// The position and hash of the next entry.
    async fn entry(&mut self) -> (Position, Hash) {
        match self.next_said().await {
            Frame::Entry(entry) => {
                assert!(entry.body_is_intact());
                (entry.position, entry.hash())
            }
            other => panic!("an entry, not {other:?}"),
        }
    }
}

#[tokio::test]
async fn who_has_nothing_gets_a_snapshot_and_then_the_log_as_it_grows() {
    let folder = Folder::new();
    let store = folder.open();
    furnish(&store, &["a", "b"]).await;
    let edges = edges(&store).await;
    let mut reader = Reader::open(&edges, None).await;
    assert_eq!(reader.hello().await, (Resume::Snapshot, Position::new(3)));
    let (position, hash) = store.head().await.unwrap();
    match reader.next().await {
        Frame::SnapshotBegin { history, position: at, hash: of } => {
            assert_eq!((history, at, of), (store.identity().history, position, hash));
        }
        other => panic!("a snapshot, not {other:?}"),
    }
    for _ in 0..3 {
        let item = reader.next().await;
        assert!(matches!(item, Frame::SnapshotItem { .. }), "{item:?}");
    }
    assert!(matches!(reader.next().await, Frame::SnapshotEnd));
    assert!(matches!(reader.next().await, Frame::Head(head) if head == position), "caught up");
    for n in 4..20 {
        let name = format!("I{n}");
        store.commit(invalidate("a", &name, &name, &["/a*"])).await.unwrap();
        assert_eq!(reader.entry().await.0, Position::new(n));
    }
    assert_eq!(store.head().await.unwrap().0, Position::new(19));
}

/// Takes what a frame says into the configuration.
fn fold(configuration: &mut BTreeMap<String, Change>, scope: &Scope, kind: Kind, said: &[u8]) {
    match body::decode(scope, kind, said).unwrap() {
        Change::RemoveTenant(_) | Change::RemoveDistribution(_) => drop(configuration.remove(scope.id())),
        Change::Invalidate { .. } => {}
        put => drop(configuration.insert(scope.id().to_owned(), put)),
    }
}

#[tokio::test]
async fn a_snapshot_and_the_entries_after_it_are_the_configuration_whatever_changes_meanwhile() {
    let folder = Folder::new();
    let store = folder.open();
    // So long that no two go in one piece, and most wait for the edge to take those before.
    let (group, text) = (store.default_connection_group().await.unwrap(), "x".repeat(FEED_PIECE_BYTES));
    let long = |id: &str, domain: &str| {
        let mut record = tenant(id, &group);
        record.spec.domains = vec![domain.to_owned()];
        record.spec.parameters.insert("text".into(), text.clone());
        record
    };
    furnish(&store, &[]).await;
    let ids: Vec<String> = (10..10 + 2 * SNAPSHOT_ITEMS_PER_READ_MAX).map(|n| format!("t{n:03}")).collect();
    for id in &ids {
        store.commit(create(long(id, id))).await.unwrap();
    }
    let edges = edges(&store).await;
    let mut reader = Reader::open(&edges, None).await;
    reader.hello().await;
    let begun = loop {
        if let Frame::SnapshotBegin { position, .. } = reader.next().await {
            break position;
        }
    };
    // The first stretch is read, the last is not. A domain moves on, from one of the first to one of the last and back again.
    let (first, last) = (&ids[0], ids.last().unwrap());
    for (id, domain) in [(first, "away"), (last, "moved"), (last, last), (first, "back")] {
        let mut record = long(id, domain);
        record.etag = ETag::parse("E1").unwrap();
        store.commit(update(Some("E1"), record)).await.unwrap();
    }
    store.commit(create(long("t000", "early"))).await.unwrap();
    store.commit(create(long("t999", "late"))).await.unwrap();
    let (head, _) = store.head().await.unwrap();
    assert!(begun < head);

    let mut known = BTreeMap::new();
    let mut at = begun;
    while at < head {
        match reader.next().await {
            Frame::SnapshotItem { scope, kind, body } => fold(&mut known, &scope, kind, &body),
            Frame::Entry(entry) => {
                assert_eq!(entry.position, at.next());
                at = entry.position;
                fold(&mut known, &entry.scope, entry.kind, &entry.body);
            }
            _ => {}
        }
    }
    let expected: BTreeMap<_, _> = configuration(&store)
        .await
        .into_iter()
        .map(|change| (change.scope().id().to_owned(), change))
        .collect();
    assert!(known == expected, "{:?} {:?}", known.keys(), expected.keys());
}

#[tokio::test(start_paused = true)]
async fn an_edge_that_takes_nothing_lets_the_next_one_go_first_and_is_cut() {
    let folder = Folder::new();
    let store = folder.open();
    furnish(&store, &[]).await;
    let group = store.default_connection_group().await.unwrap();
    for n in 0..8 {
        let mut record = tenant(&format!("t{n}"), &group);
        record.spec.parameters.insert("text".into(), "x".repeat(FEED_PIECE_BYTES));
        store.commit(create(record)).await.unwrap();
    }
    let edges = edges(&store).await;
    let mut stuck = Vec::new();
    for _ in 0..2 * SNAPSHOTS_AT_A_TIME_MAX {
        stuck.push(Reader::open(&edges, None).await);
    }
    let mut reader = Reader::open(&edges, None).await;
    while !matches!(reader.next().await, Frame::SnapshotEnd) {}
    // By the heads it hears, time passes.
    for _ in 0..3 * FEED_SEND_TIME_MAX.as_secs() {
        while !matches!(reader.next().await, Frame::Head(_)) {}
    }
    for mut stuck in stuck {
        let mut bytes = 0;
        while let Some(piece) = stuck.body.frame().await {
            bytes += piece.unwrap().into_data().unwrap().len();
        }
        assert!(bytes < 5 * FEED_PIECE_BYTES, "{bytes} bytes waited for an edge that took nothing");
    }
}

#[tokio::test]
async fn who_was_cut_off_goes_on_where_it_was() {
    let folder = Folder::new();
    let store = folder.open();
    furnish(&store, &["t"]).await;
    let edges = edges(&store).await;
    let (position, hash) = store.head().await.unwrap();
    let place = Applied { history: store.identity().history, position, hash };
    for n in 0..1_200 {
        let name = format!("I{n}");
        store.commit(invalidate("t", &name, &name, &["/a"])).await.unwrap();
    }
    let mut reader = Reader::open(&edges, Some(place)).await;
    assert_eq!(reader.hello().await, (Resume::Entries, Position::new(1_202)));
    let mut last = hash;
    for n in 3..=1_202 {
        let (position, hash) = reader.entry().await;
        assert_eq!(position, Position::new(n));
        last = hash;
    }
    assert_eq!(store.head().await.unwrap().1, last);
}

#[tokio::test]
async fn who_comes_from_another_log_starts_over() {
    let folder = Folder::new();
    let store = folder.open();
    furnish(&store, &["t"]).await;
    let edges = edges(&store).await;
    let history = store.identity().history;
    let (position, hash) = store.head().await.unwrap();
    for place in [
        Applied { history, position: position.next(), hash },
        Applied { history, position, hash: Hash::START },
        Applied { history: recant_core::entry::HistoryId(1), position, hash },
    ] {
        let mut reader = Reader::open(&edges, Some(place)).await;
        assert_eq!(reader.hello().await.0, Resume::Diverged);
        assert!(matches!(reader.next().await, Frame::SnapshotBegin { .. }));
    }
    let malformed = edges.follow("after-position=1").await;
    assert!(matches!(malformed, Err(FeedError::Resume(_))));
}

#[tokio::test(start_paused = true)]
async fn a_quiet_feed_says_where_the_log_ends() {
    let folder = Folder::new();
    let store = folder.open();
    let edges = edges(&store).await;
    let mut reader = Reader::open(&edges, None).await;
    reader.hello().await;
    reader.next().await;
    assert!(matches!(reader.next().await, Frame::SnapshotEnd));
    let start = tokio::time::Instant::now();
    for _ in 0..4 {
        assert!(matches!(reader.next().await, Frame::Head(Position::ZERO)));
    }
    let spent = start.elapsed();
    assert!(spent <= Duration::from_millis(3_100), "four heads, the first at once: {spent:?}");
}

#[tokio::test]
async fn a_feed_that_nobody_takes_lets_go_of_the_store() {
    let folder = Folder::new();
    let store = folder.open();
    furnish(&store, &["t"]).await;
    let edges = edges(&store).await;
    let reader = Reader::open(&edges, None).await;
    drop((edges, reader));
    let mut committed = store.committed();
    drop(store);
    // The last handle closes the store, and with it the channel that says how the log grows.
    while committed.changed().await.is_ok() {}
}

#[tokio::test]
async fn a_feed_ends_when_nobody_can_ask_or_answer_any_more() {
    let folder = Folder::new();
    let store = folder.open();
    let edges = edges(&store).await;
    let mut reader = Reader::open(&edges, None).await;
    while !matches!(reader.next().await, Frame::Head(_)) {}
    drop(edges);
    let end = async { while reader.body.frame().await.is_some() {} };
    tokio::time::timeout(Duration::from_secs(20), end).await.expect("the feed ends");
}

#[tokio::test]
async fn edges_are_told_apart_by_what_they_know() {
    let folder = Folder::new();
    let store = folder.open();
    let edges = edges(&store).await;
    assert_eq!(edges.admit(SECRET.authorization().as_bytes()), Some(Standing::Remote));
    assert_eq!(edges.admit(EMBEDDED.authorization().as_bytes()), Some(Standing::Embedded));
    assert_eq!(edges.admit(EdgeSecret::new([3; 32]).authorization().as_bytes()), None);

    let said = Heartbeat {
        member: Member { edge: EdgeId::parse("e").unwrap(), incarnation: Incarnation(1) },
        renewal: RenewalId(1),
        applied: None,
        lease_class: LeaseClass::default(),
        leaving: false,
    };
    let answer = edges.heartbeat(Standing::Embedded, &heartbeat::encode(&said)).await.unwrap();
    let answer = heartbeat::decode_answer(&answer).unwrap();
    assert_eq!(answer.verdict, Verdict::Refused(Refusal::Joining));
    assert_eq!((answer.history, answer.term), (store.identity().history, store.identity().term));
    let recorded = async || store.durable().await.unwrap().members;
    while recorded().await.is_empty() {
        tokio::task::yield_now().await;
    }
    assert!(recorded().await[0].embedded);
    let malformed = edges.heartbeat(Standing::Remote, b"{}").await;
    assert!(matches!(malformed, Err(FeedError::Message(_))));
}
