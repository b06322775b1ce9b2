//! What holds for any bytes that reach the wire's parsers.
//!
//! A property takes any input and panics where a promise is broken. The fuzz targets call them with what the fuzzer
//! makes up, an ordinary test with the corpus (`fuzz/` at the root).

use std::str;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use recant_core::access::document::{OneOrMany, PolicyDocument, StatementDocument, Texts};
use recant_core::access::{Access, Denial, Policy};
use recant_core::entry::{Entry, Hash};
use recant_core::time::WallTime;

use crate::document::Document;
use crate::error::ErrorDocument;
use crate::feed::{Frame, FrameDecoder, FrameEncoder, FrameError, body, heartbeat, resume};
use crate::model::{self, Operation, route, split_uri};
use crate::sigv4::canonical::{PathSpelling, canonical_request};
use crate::sigv4::{Authorization, Credentials, Header, ServiceScope, SignableRequest, VerifyOptions, sign};
use crate::xml::{self, Order};
use crate::{request, response};

/// A name, which is the target's and its corpus folder's, and what must not panic.
pub type Property = (&'static str, fn(&[u8]));

/// All of this crate.
pub const PROPERTIES: &[Property] = &[
    ("feed", feed),
    ("feed_messages", feed_messages),
    ("policy", policy),
    ("sigv4", sigv4),
    ("xml_request", xml_request),
    ("xml_response", xml_response),
];

/// The first line is the operation, the rest is the request's body.
///
/// What the plane reads it can write and reads again as the same; the client reads it as the same, too; and the whole
/// request can be spelled by the client.
pub fn xml_request(input: &[u8]) {
    let Some((operation, xml)) = operation(input) else { return };
    let (shape, root) = match (operation.input.payload(), operation.input_root) {
        (Some(payload), _) => (payload.shape, payload.wire_name),
        (None, Some(root)) => (operation.input, root),
        (None, None) => return,
    };
    let Ok(read) = xml::decode(shape, root, xml) else { return };
    let written = xml::encode(shape, root, &read, Order::Model).expect("what was read is of its shape");
    assert_eq!(xml::decode(shape, root, written.as_bytes()).as_ref(), Ok(&read), "{written}");
    assert_eq!(xml::decode_lenient(shape, written.as_bytes()).as_ref(), Ok(&read), "{written}");

    let (path, query) = split_uri(operation.uri);
    let path = path.replace(['{', '}'], "");
    let found = route(&operation.method, &path, query).expect("an operation's own line leads to it");
    let whole = request::decode(found.operation, &found.labels, query, &HeaderMap::new(), xml);
    if let Ok(whole) = whole {
        request::encode(found.operation, &whole).expect("a request that was read can be spelled");
    }
}

/// The first line is an action, the second a resource, the rest a policy document in JSON.
///
/// A document that is taken is written as it was read, and decides what a plain reading of it says: a deny that is about both wins,
/// else an allow that is about both, else nothing is allowed. With a deny of everything added nothing is.
pub fn policy(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    let mut lines = text.splitn(3, '\n');
    let (Some(action), Some(resource), Some(json)) = (lines.next(), lines.next(), lines.next()) else {
        return;
    };
    let Ok(document) = serde_json::from_str::<PolicyDocument>(json) else { return };
    let Ok(policy) = Policy::new(document.clone()) else { return };
    let written = serde_json::to_string(&policy).expect("a policy is JSON");
    assert_eq!(serde_json::from_str::<Policy>(&written).expect("what was written is read"), policy);

    let lower = action.to_ascii_lowercase();
    let is_about = |statement: &StatementDocument| {
        let names = |those: &Option<Texts>, all_but: &Option<Texts>, text: &str, lowers: bool| {
            let matches = |texts: &Texts| {
                let spelled =
                    |pattern: &String| if lowers { pattern.to_ascii_lowercase() } else { pattern.clone() };
                texts.as_slice().iter().any(|pattern| glob(&spelled(pattern), text))
            };
            those.as_ref().map_or_else(|| !all_but.as_ref().is_some_and(&matches), &matches)
        };
        names(&statement.action, &statement.not_action, &lower, true)
            && names(&statement.resource, &statement.not_resource, resource, false)
    };
    let about: Vec<_> = document.statement.as_slice().iter().filter(|it| is_about(it)).collect();
    let denies = about.iter().find(|statement| statement.effect == "Deny");
    let expected = match (denies, about.is_empty()) {
        (Some(deny), _) => Access::Denied(Denial::Explicit(deny.sid.clone())),
        (None, true) => Access::Denied(Denial::Implicit),
        (None, false) => Access::Allowed,
    };
    assert_eq!(policy.decide(action, resource), expected, "{action} {resource} {written}");

    let mut statements = document.statement.as_slice().to_vec();
    let all = || Some(Texts::One("*".to_owned()));
    let deny = StatementDocument {
        sid: None,
        effect: "Deny".to_owned(),
        action: all(),
        not_action: None,
        resource: all(),
        not_resource: None,
    };
    statements.push(deny);
    if let Ok(denied) = Policy::new(PolicyDocument { statement: OneOrMany::Many(statements), ..document }) {
        assert!(matches!(denied.decide(action, resource), Access::Denied(Denial::Explicit(_))));
    }
}

/// Whether a text matches a pattern of `*` and `?`, by the table of all beginnings of both.
fn glob(pattern: &str, text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let mut matched = vec![false; text.len() + 1];
    matched[0] = true;
    for char in pattern.chars() {
        let mut next = vec![false; text.len() + 1];
        for end in 0..=text.len() {
            next[end] = match char {
                '*' => matched[end] || end > 0 && next[end - 1],
                '?' => end > 0 && matched[end - 1],
                char => end > 0 && matched[end - 1] && text[end - 1] == char,
            };
        }
        matched = next;
    }
    matched[text.len()]
}

/// The first line is the operation, the rest is what a service answers, well or ill.
pub fn xml_response(input: &[u8]) {
    let Some((operation, xml)) = operation(input) else { return };
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_bytes(xml.get(..8).unwrap_or_default()) {
        headers.insert("etag", value);
    }
    if let Ok(read) = response::decode(operation, &headers, xml)
        && operation.output.is_some()
    {
        assert!(matches!(read, Document::Structure(_)));
    }
    if let Some(error) = ErrorDocument::read(xml) {
        // What the client reads leniently the plane spells so that it is read as the same, line ends aside (XML 1.0 2.11).
        // An empty code or message is none that the plane has, and reads as another.
        let plain = |text: &String| !text.contains('\r');
        let has_words = !error.code.is_empty() && !error.message.is_empty();
        if has_words && [&error.code, &error.message, &error.request_id].into_iter().all(plain) {
            let status =
                if error.fault == "Receiver" { StatusCode::BAD_GATEWAY } else { StatusCode::BAD_REQUEST };
            let own = ErrorDocument::new(status, &error.code, &error.message, &error.request_id);
            assert_eq!(ErrorDocument::read(own.to_xml().as_bytes()), Some(own));
        }
    }
}

/// Lines: method, path, query, header fields as `name:value`; what follows an empty line is the body.
///
/// Whatever is sent, its canonical form exists and that of a path is its own; what was signed verifies, with another secret
/// or body it does not; and an `Authorization` that somebody made up never does.
pub fn sigv4(input: &[u8]) {
    let (head, payload) = split_at_empty_line(input);
    let mut lines = head.split(|byte| *byte == b'\n');
    let mut text = || lines.next().and_then(|line| str::from_utf8(line).ok()).unwrap_or("");
    let (method, path, query) = (text(), text(), text());
    let headers: Vec<Header<'_>> = lines
        .filter_map(|line| {
            let colon = line.iter().position(|byte| *byte == b':')?;
            Some((str::from_utf8(&line[..colon]).ok()?, &line[colon + 1..]))
        })
        .collect();
    let request = SignableRequest { method, path, query, headers: &headers, body_hash: Hash::of(payload) };
    canonical_path_is_its_own(&request);

    let now = WallTime::from_millis(1_440_938_160_000);
    let options = VerifyOptions { skew: Duration::from_secs(300), ..VerifyOptions::default() };
    if let Ok(made_up) = Authorization::parse(&headers, query) {
        assert!(made_up.verify(&request, "not their secret", now, &options).is_err());
    }
    what_was_signed_verifies(&request, now, &options);
}

fn canonical_path_is_its_own(request: &SignableRequest<'_>) {
    let canonical = |path: &str, encode_twice| {
        let spelling = PathSpelling { encode_twice, normalize: true };
        let bytes = canonical_request(&SignableRequest { method: "", path, ..*request }, &[], spelling);
        let line = bytes.split(|byte| *byte == b'\n').nth(1).expect("a canonical request has a path");
        String::from_utf8(line.to_vec()).expect("a canonical path is ASCII")
    };
    canonical(request.path, true);
    let once = canonical(request.path, false);
    assert_eq!(canonical(&once, false), once);
}

fn what_was_signed_verifies(request: &SignableRequest<'_>, now: WallTime, options: &VerifyOptions<'_>) {
    let key = Credentials {
        access_key_id: "AKIDEXAMPLE".into(),
        secret_access_key: "a secret".into(),
        session_token: None,
    };
    // A header whose name is not one, or that decides about the signature, is never sent beside ours.
    let is_sent = |name: &str| {
        HeaderName::from_bytes(name.as_bytes()).is_ok()
            && !name.to_ascii_lowercase().starts_with("x-amz-")
            && !["host", "authorization"].contains(&&*name.to_ascii_lowercase())
    };
    let mut headers: Vec<Header<'_>> = request.headers.to_vec();
    headers.retain(|(name, _)| is_sent(name));
    headers.push(("host", b"localhost"));
    let request = SignableRequest { headers: &headers, ..*request };
    let added = sign(&request, &key, &ServiceScope::cloudfront("us-east-1"), now, &["if-match"]);

    let mut sent = headers.clone();
    sent.extend(added.iter().map(|(name, value)| (*name, value.as_bytes())));
    let Ok(authorization) = Authorization::parse(&sent, request.query) else {
        // A presigned query is the one thing that is refused whatever else is right.
        assert!(request.query.to_ascii_lowercase().contains("x-amz-") || request.query.contains('%'));
        return;
    };
    let sent = SignableRequest { headers: &sent, ..request };
    assert_eq!(authorization.verify(&sent, "a secret", now, options), Ok(()));
    assert!(authorization.verify(&sent, "another", now, options).is_err());
    let changed =
        SignableRequest { body_hash: Hash::of(b"another body, which no input has: \xff\xfe"), ..sent };
    assert!(
        sent.body_hash == changed.body_hash
            || authorization.verify(&changed, "a secret", now, options).is_err()
    );
}

/// The first byte is the size of the pieces that the rest arrives in: the frames are the same whatever it is, what was read
/// can be written, and reads as the same.
pub fn feed(input: &[u8]) {
    let Some((size, bytes)) = input.split_first() else { return };
    let whole = frames(bytes, usize::MAX);
    assert_eq!(frames(bytes, usize::from(*size).max(1)), whole);

    let mut encoder = FrameEncoder::new();
    for frame in &whole.0 {
        match frame {
            Frame::Hello(hello) => encoder.hello(hello),
            Frame::Entry(entry) => {
                encoder.entry(entry);
                body_is_its_own(entry);
            }
            // Only what was taken in can be written.
            Frame::OpaqueEntry { .. } => return,
            Frame::SnapshotBegin { history, position, hash } => {
                encoder.snapshot_begin(*history, *position, *hash);
            }
            Frame::SnapshotItem { scope, kind, body } => encoder.snapshot_item(scope, *kind, body),
            Frame::SnapshotEnd => encoder.snapshot_end(),
            Frame::Head(head) => encoder.head(*head),
            Frame::Question(question) => encoder.question(question),
        }
    }
    assert_eq!(frames(&encoder.take(), usize::MAX), (whole.0, None));
}

/// All frames of a feed that arrives in pieces of this size, and why it cannot be read on.
fn frames(bytes: &[u8], size: usize) -> (Vec<Frame>, Option<FrameError>) {
    let (mut decoder, mut frames) = (FrameDecoder::new(), Vec::new());
    for piece in bytes.chunks(size) {
        decoder.push(piece);
        loop {
            match decoder.next_frame() {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(why) => return (frames, Some(why)),
            }
        }
    }
    (frames, None)
}

fn body_is_its_own(entry: &Entry) {
    if let Ok(change) = body::decode(&entry.scope, entry.kind, &entry.body) {
        let again = body::decode(&change.scope(), change.kind(), &body::encode(&change));
        assert_eq!(again.expect("what was written can be read"), change);
    }
}

/// The heartbeat, its answer, and the place where a feed goes on.
pub fn feed_messages(input: &[u8]) {
    if let Ok(read) = heartbeat::decode(input) {
        assert_eq!(heartbeat::decode(&heartbeat::encode(&read)).expect("what was written can be read"), read);
    }
    if let Ok(read) = heartbeat::decode_answer(input) {
        let again = heartbeat::decode_answer(&heartbeat::encode_answer(&read));
        assert_eq!(again.expect("what was written can be read"), read);
    }
    if let Ok(query) = str::from_utf8(input)
        && let Ok(applied) = resume::parse_query(query)
    {
        assert_eq!(resume::parse_query(&resume::query(applied.as_ref())), Ok(applied));
    }
    let target = String::from_utf8_lossy(input);
    let (path, query) = target.split_once('?').map_or((&*target, None), |(path, query)| (path, Some(query)));
    for method in [Method::GET, Method::PUT, Method::POST, Method::DELETE] {
        if let Some(found) = route(&method, path, query) {
            assert_eq!(found.operation.method, method);
        }
    }
}

/// The operation that the first line names, and the rest; another name stands for some operation, too.
fn operation(input: &[u8]) -> Option<(&'static Operation, &[u8])> {
    let at = input.iter().position(|byte| *byte == b'\n')?;
    let (name, rest) = (&input[..at], &input[at + 1..]);
    let operations = model::operations();
    let any = name.iter().fold(0usize, |sum, byte| sum + usize::from(*byte)) % operations.len();
    let named = str::from_utf8(name).ok().and_then(model::operation_by_cli_name);
    Some((named.unwrap_or(&operations[any]), rest))
}

fn split_at_empty_line(input: &[u8]) -> (&[u8], &[u8]) {
    match input.windows(2).position(|pair| pair == b"\n\n") {
        Some(at) => (&input[..at], &input[at + 2..]),
        None => (input, b""),
    }
}

#[cfg(test)]
#[path = "../../../fuzz/replay.rs"]
mod replay;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    /// Some texts, as a member of a statement: patterns of few letters, so that they often match.
    fn texts(start: &'static str) -> impl Strategy<Value = serde_json::Value> {
        let text = move || "[ab*?]{0,6}".prop_map(move |rest| format!("{start}{rest}"));
        prop_oneof![
            text().prop_map(serde_json::Value::from),
            prop::collection::vec(text(), 1..3).prop_map(serde_json::Value::from),
            Just(serde_json::json!("*")),
        ]
    }

    fn statement() -> impl Strategy<Value = serde_json::Value> {
        let member = |name: &'static str, start| {
            (prop_oneof![4 => Just(""), 1 => Just("Not")], texts(start))
                .prop_map(move |(not, texts)| (format!("{not}{name}"), texts))
        };
        let effect = prop_oneof![Just("Allow"), Just("Deny")];
        (effect, member("Action", "cloudfront:"), member("Resource", "arn:a:c::0:")).prop_map(
            |(effect, action, resource)| {
                let effect = ("Effect".to_owned(), effect.into());
                serde_json::Value::Object([effect, action, resource].into_iter().collect())
            },
        )
    }

    proptest! {
        #[test]
        fn policies_decide_as_they_read(
            statements in prop::collection::vec(statement(), 1..5),
            action in "cloudfront:[ab]{0,5}",
            resource in "arn:a:c::0:[ab]{0,5}",
        ) {
            let document = serde_json::json!({ "Statement": statements });
            super::policy(format!("{action}\n{resource}\n{document}").as_bytes());
        }
    }

    #[test]
    fn the_corpus_holds() {
        super::replay::replay(super::PROPERTIES);
    }
}
