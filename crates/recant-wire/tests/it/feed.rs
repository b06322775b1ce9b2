//! The feed: what is written is read again, however it is cut; what is broken is refused, never a panic.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;
use recant_core::batch::Pattern;
use recant_core::entry::{Change, Entry, Hash, HistoryId, Kind, Scope};
use recant_core::id::{DistributionId, TenantId};
use recant_core::limits::{ENTRY_BODY_BYTES_MAX, HEARTBEAT_BYTES_MAX};
use recant_core::path_pattern::PathPattern;
use recant_core::position::Position;
use recant_core::protocol::message::{Hello, Resume, Term};
use recant_core::spec::{
    BehaviorSpec, Direct, DistributionSpec, OriginProtocol, OriginSpec, PathBehavior, Template, TenantSpec,
    ViewerProtocol,
};
use recant_wire::feed::body::{self, BodyError};
use recant_wire::feed::frames::PREAMBLE;
use recant_wire::feed::question::Question;
use recant_wire::feed::{Frame, FrameDecoder, FrameEncoder, FrameError};

fn tenant() -> TenantId {
    TenantId::parse("dt_1").unwrap()
}

fn distribution() -> DistributionId {
    DistributionId::parse("E1").unwrap()
}

fn pattern(text: &str) -> Pattern {
    serde_json::from_value(text.into()).unwrap()
}

fn changes() -> Vec<Change> {
    let origin = OriginSpec {
        id: "o".into(),
        domain_name: Template::new("{{name}}.example.com"),
        path: Template::new(""),
        http_port: 80,
        https_port: 8443,
        protocol: OriginProtocol::MatchViewer,
        connection_timeout: Duration::from_secs(10),
        connection_attempts: 3,
        read_timeout: Duration::from_millis(1_500),
        custom_headers: vec![("x".into(), "\"\u{e9}".into())],
        shield: Some("us-east-1".into()),
    };
    let default_behavior = BehaviorSpec {
        allowed_methods: vec!["GET".into()],
        compress: false,
        viewer_protocol: ViewerProtocol::RedirectToHttps,
        ..BehaviorSpec::new("o", "658327ea-f89d-4fab-a63d-7e88639e58f6")
    };
    let parameters = BTreeMap::from([("name".into(), "a".into())]);
    vec![
        Change::PutDistribution(DistributionSpec {
            path_behaviors: vec![PathBehavior {
                pattern: PathPattern::parse("/i/*.png").unwrap(),
                behavior: default_behavior.clone(),
            }],
            cache_tag_header: Some("cache-tag".into()),
            parameter_defaults: parameters.clone(),
            direct: Some(Direct { endpoint: "e1.test".into(), aliases: vec!["*.test".into()] }),
            ..DistributionSpec::new(distribution(), vec![origin], default_behavior)
        }),
        Change::PutTenant(TenantSpec {
            id: tenant(),
            distribution_id: distribution(),
            enabled: true,
            domains: vec!["a.example.com".into()],
            parameters,
            geo: None,
        }),
        Change::RemoveTenant(tenant()),
        Change::Invalidate {
            scope: Scope::Tenant(tenant()),
            patterns: vec![pattern("/a*"), pattern("#tag")],
        },
        Change::Invalidate { scope: Scope::Distribution(distribution()), patterns: vec![] },
        Change::RemoveDistribution(distribution()),
    ]
}

fn read(pieces: impl IntoIterator<Item = Vec<u8>>) -> Result<Vec<Frame>, FrameError> {
    let mut decoder = FrameDecoder::new();
    let mut frames = Vec::new();
    for piece in pieces {
        decoder.push(&piece);
        while let Some(frame) = decoder.next_frame()? {
            frames.push(frame);
        }
    }
    Ok(frames)
}

/// A frame by its bytes, after a preamble.
fn feed_of(kind: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&PREAMBLE[..], &length, &[kind], payload].concat()
}

fn write(encoder: &mut FrameEncoder, frame: &Frame) {
    match frame {
        Frame::Hello(hello) => encoder.hello(hello),
        Frame::Entry(entry) => encoder.entry(entry),
        Frame::OpaqueEntry { .. } => unreachable!("only read"),
        Frame::SnapshotBegin { history, position, hash } => {
            encoder.snapshot_begin(*history, *position, *hash);
        }
        Frame::SnapshotItem { scope, kind, body } => encoder.snapshot_item(scope, *kind, body),
        Frame::SnapshotEnd => encoder.snapshot_end(),
        Frame::Head(head) => encoder.head(*head),
        Frame::Question(question) => encoder.question(question),
    }
}

#[test]
fn bodies_survive_the_way() {
    for change in changes() {
        let spelled = body::encode(&change);
        assert_eq!(body::decode(&change.scope(), change.kind(), &spelled).unwrap(), change);
    }
}

#[test]
fn a_body_is_spelled_as_documented() {
    let check = |change: &Change, json: &str| assert_eq!(body::encode(change), json.as_bytes());
    let all = changes();
    check(
        &all[1],
        r#"{"id":"dt_1","distribution_id":"E1","enabled":true,"domains":["a.example.com"],"parameters":{"name":"a"}}"#,
    );
    check(&all[2], "{}");
    check(&all[3], r##"{"patterns":["/a*","#tag"]}"##);
}

#[test]
fn a_body_that_cannot_be_told_is_an_error() {
    let scope = Scope::Tenant(tenant());
    let other = Scope::Tenant(TenantId::parse("dt_2").unwrap());
    let put = body::encode(&changes()[1]);
    let decode = |scope: &Scope, kind, bytes: &[u8]| body::decode(scope, kind, bytes).unwrap_err();
    assert!(matches!(decode(&scope, Kind(99), b"{}"), BodyError::UnknownKind(Kind(99))));
    assert!(matches!(decode(&other, Kind::PUT_TENANT, &put), BodyError::OtherScope));
    assert!(matches!(
        decode(&Scope::Distribution(distribution()), Kind::REMOVE_TENANT, b"{}"),
        BodyError::OtherScope
    ));
    assert!(matches!(decode(&scope, Kind::PUT_DISTRIBUTION, &put), BodyError::Json { .. }));
    assert!(matches!(decode(&scope, Kind::INVALIDATE, b""), BodyError::Json { .. }), "a withheld body");
    assert!(matches!(
        decode(&scope, Kind::INVALIDATE, &"[".repeat(10_000).into_bytes()),
        BodyError::Json { .. }
    ));
    assert!(matches!(
        decode(&scope, Kind::INVALIDATE, &vec![b' '; ENTRY_BODY_BYTES_MAX + 1]),
        BodyError::TooLong
    ));
}

#[test]
fn a_question_is_spelled_as_documented_and_one_that_is_not_understood_is_passed_over() {
    let question =
        Question { question: 7, tenant: tenant(), patterns: vec![pattern("/a*"), pattern("#tag")] };
    let spelled = r##"{"question":7,"tenant":"dt_1","patterns":["/a*","#tag"]}"##;
    let mut encoder = FrameEncoder::new();
    encoder.question(&question);
    assert_eq!(encoder.take(), feed_of(7, spelled.as_bytes()));

    let check = |json: &str, expected: &[Frame]| {
        assert_eq!(read([feed_of(7, json.as_bytes())]).unwrap(), expected, "{json}");
    };
    check(&spelled.replace("\"question\"", "\"later\":[1],\"question\""), &[Frame::Question(question)]);
    for json in [
        "",
        "null",
        "{}",
        "[7",
        r#"{"question":-7,"tenant":"dt_1","patterns":[]}"#,
        r#"{"question":7,"tenant":"","patterns":[]}"#,
        r#"{"question":7,"tenant":"dt_1","patterns":["no slash"]}"#,
        r#"{"question":7,"tenant":"dt_1","patterns":"/a"}"#,
    ] {
        check(json, &[]);
    }
    check(&"[".repeat(100_000), &[]);
}

#[test]
fn unknown_frames_and_parts_of_snapshots_are_skipped() {
    let mut encoder = FrameEncoder::new();
    encoder.head(Position::new(7));
    let head = encoder.take()[PREAMBLE.len()..].to_vec();
    let unknown = feed_of(200, &[0; 100_000]);
    let mut item = feed_of(4, b"\x00\x02\x09\x01x\x00\x00\x00\x01y");
    item.drain(..PREAMBLE.len());
    let mut question = feed_of(7, b"{\"question\":1,\"of\":\"a kind from the future\"}");
    question.drain(..PREAMBLE.len());
    let whole = [unknown, item, question, head].concat();
    for size in [1, 7, 4096, whole.len()] {
        let frames = read(whole.chunks(size).map(<[u8]>::to_vec)).unwrap();
        assert_eq!(frames, [Frame::Head(Position::new(7))], "pieces of {size}");
    }
}

#[test]
fn an_entry_that_cannot_be_taken_in_keeps_its_place_in_the_chain() {
    let entry = Entry::following(
        Hash::of(b"before"),
        Position::new(7),
        Scope::Tenant(tenant()),
        Kind(3),
        Bytes::new(),
    );
    let mut encoder = FrameEncoder::new();
    encoder.entry(&entry);
    let known = encoder.take().to_vec();
    let scope_tag = PREAMBLE.len() + 5 + 8 + 32 + 32 + 2;
    assert_eq!(known[scope_tag], 1);

    let mut unknown_scope = known.clone();
    unknown_scope[scope_tag] = 9;
    let hash = Entry::hash_of(entry.prev_hash, entry.position, entry.kind, (9, b"dt_1"), entry.body_hash);
    let opaque = |hash| Frame::OpaqueEntry { position: entry.position, prev_hash: entry.prev_hash, hash };
    assert_eq!(read([unknown_scope]).unwrap(), [opaque(hash)]);

    // A body beyond the limit passes by without being held, and what follows is read.
    let mut oversized = known;
    let length = u32::try_from(ENTRY_BODY_BYTES_MAX + 100_000).unwrap();
    oversized[PREAMBLE.len()..PREAMBLE.len() + 4].copy_from_slice(&length.to_be_bytes());
    let arrived = oversized.len() - PREAMBLE.len() - 5;
    let mut encoder = FrameEncoder::new();
    encoder.snapshot_end();
    let next = encoder.take()[PREAMBLE.len()..].to_vec();
    let body = vec![0; length as usize - arrived];
    let frames = read([oversized, body, next]).unwrap();
    assert_eq!(frames, [opaque(entry.hash()), Frame::SnapshotEnd]);
}

#[test]
fn what_is_no_feed_is_refused() {
    let check = |bytes: Vec<u8>, error: FrameError| assert_eq!(read([bytes]), Err(error));
    check(b"HTTP/1.1 200 OK".to_vec(), FrameError::NotAFeed);
    check(b"RECANT\n\x02".to_vec(), FrameError::Version(2));
    check(feed_of(1, b"{}"), FrameError::Malformed { kind: 1 });
    check(feed_of(2, &[0; 10]), FrameError::Malformed { kind: 2 });
    check(feed_of(6, &[0; 7]), FrameError::Malformed { kind: 6 });
    let length = u32::try_from(HEARTBEAT_BYTES_MAX + 1).unwrap();
    check(feed_of(1, &vec![b' '; length as usize]), FrameError::TooLong { kind: 1, length });

    let mut decoder = FrameDecoder::new();
    decoder.push(b"HTTP/1.1");
    assert_eq!(decoder.next_frame(), Err(FrameError::NotAFeed));
    decoder.push(&PREAMBLE);
    assert_eq!(decoder.next_frame(), Err(FrameError::NotAFeed), "an error stays");
}

fn any_scope() -> impl Strategy<Value = Scope> {
    prop_oneof![
        "[A-Za-z0-9_.-]{1,128}".prop_map(|id| Scope::Tenant(TenantId::parse(&id).unwrap())),
        "[A-Z0-9]{1,14}".prop_map(|id| Scope::Distribution(DistributionId::parse(&id).unwrap())),
    ]
}

fn any_hash() -> impl Strategy<Value = Hash> {
    any::<[u8; 32]>().prop_map(Hash)
}

fn any_position() -> impl Strategy<Value = Position> {
    any::<u64>().prop_map(Position::new)
}

fn any_body() -> impl Strategy<Value = Bytes> {
    proptest::collection::vec(any::<u8>(), 0..300).prop_map(Bytes::from)
}

fn any_hello() -> impl Strategy<Value = Hello> {
    let resume = prop_oneof![Just(Resume::Entries), Just(Resume::Snapshot), Just(Resume::Diverged)];
    (any::<u128>(), any::<u64>(), any_position(), resume).prop_map(|(history, term, head, resume)| Hello {
        history: HistoryId(history),
        term: Term(term),
        head,
        resume,
    })
}

fn any_question() -> impl Strategy<Value = Question> {
    let spelling = prop_oneof!["/[a-z0-9/%?=\u{e9}]{0,20}[*]?", "#[a-z0-9-]{1,20}"];
    let patterns = proptest::collection::vec(spelling, 0..8).prop_map(|all| {
        // Not every spelling is one that a batch may hold.
        all.iter().filter_map(|text| serde_json::from_value(text.as_str().into()).ok()).collect()
    });
    let tenant = "[A-Za-z0-9_.-]{1,128}".prop_map(|id| TenantId::parse(&id).unwrap());
    (any::<u64>(), tenant, patterns).prop_map(|(question, tenant, patterns)| Question {
        question,
        tenant,
        patterns,
    })
}

fn any_frame() -> impl Strategy<Value = Frame> {
    prop_oneof![
        any_hello().prop_map(Frame::Hello),
        (any_hash(), any_position(), any_scope(), any::<u16>(), any_body()).prop_map(
            |(prev, at, scope, kind, body)| Frame::Entry(Entry::following(prev, at, scope, Kind(kind), body))
        ),
        (any::<u128>(), any_position(), any_hash()).prop_map(|(history, position, hash)| {
            Frame::SnapshotBegin { history: HistoryId(history), position, hash }
        }),
        (any_scope(), any::<u16>(), any_body()).prop_map(|(scope, kind, body)| Frame::SnapshotItem {
            scope,
            kind: Kind(kind),
            body
        }),
        Just(Frame::SnapshotEnd),
        any_position().prop_map(Frame::Head),
        any_question().prop_map(Frame::Question),
    ]
}

/// Cuts bytes into pieces of these sizes, over and over.
fn cut(mut bytes: &[u8], sizes: &[usize]) -> Vec<Vec<u8>> {
    let mut pieces = Vec::new();
    for size in sizes.iter().cycle() {
        if bytes.is_empty() {
            break;
        }
        let (piece, rest) = bytes.split_at((*size).min(bytes.len()));
        pieces.push(piece.to_vec());
        bytes = rest;
    }
    pieces
}

proptest! {
    #[test]
    fn frames_survive_the_way_in_any_pieces(
        frames in proptest::collection::vec(any_frame(), 0..12),
        sizes in proptest::collection::vec(1usize..200, 1..8),
    ) {
        let mut encoder = FrameEncoder::new();
        frames.iter().for_each(|frame| write(&mut encoder, frame));
        let bytes = encoder.take();
        prop_assert_eq!(read(cut(&bytes, &sizes)).unwrap(), frames);
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(
        kind in 0u8..8,
        payload in proptest::collection::vec(any::<u8>(), 0..400),
        tail in proptest::collection::vec(any::<u8>(), 0..100),
        sizes in proptest::collection::vec(1usize..50, 1..4),
    ) {
        let _ = read(cut(&[feed_of(kind, &payload), tail.clone()].concat(), &sizes));
        let _ = read([tail]);
        for kind in 0..6 {
            let _ = body::decode(&Scope::Tenant(tenant()), Kind(kind), &payload);
        }
    }
}
