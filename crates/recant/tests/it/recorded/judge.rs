//! What differs between a recording and what the program did.
//!
//! *Requests*: their number, and of each one the line, the body and every header field, but for those that say who
//! and when ([`VOLATILE`]); its signature is verified. The usual fields are not in the data: a request is signed with
//! the usual key, is the first attempt, and has a `Content-Length` if it has a body or is no `GET`. *Standard output*
//! and *exit status*: exactly. *Standard error*: whether there is any, and what it has to mention. That it is the same
//! to the letter is counted, not demanded.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use recant_wire::sigv4::date::AmzDate;
use serde::Deserialize;
use similar::TextDiff;

use super::case::{Case, ExpectedRequest, ExpectedText};
use super::performance::{Exit, Performance};
use super::request::Request;
use super::signature;
use super::suite::Suite;
use super::text::{is_like, unfilled};

/// Fields that name the program, or are random.
const VOLATILE: &[&str] = &["user-agent", "amz-sdk-invocation-id", "date"];

/// The fields of the usual request, after [`masked`].
const USUAL: &[(&str, &str)] = &[
    ("accept-encoding", "identity"),
    ("amz-sdk-request", "attempt=1"),
    (
        "authorization",
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/<DATE>/us-east-1/cloudfront/aws4_request, \
         SignedHeaders=host;x-amz-date, Signature=<SIG>",
    ),
    ("host", "127.0.0.1:<PORT>"),
    ("x-amz-date", "<DATE>"),
];

/// A side of a case that is compared.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Aspect {
    Requests,
    Stdout,
    Exit,
    Stderr,
}

/// One thing that differs, as the reader of a failed test wants to see it.
pub(crate) struct Difference {
    pub(crate) aspect: Aspect,
    pub(crate) text: String,
}

/// What was found about one case.
pub(crate) struct Verdict<'a> {
    pub(crate) case: &'a Case,
    pub(crate) differences: Vec<Difference>,
    /// Whether standard error is the recorded one to the letter.
    pub(crate) stderr_is_exact: bool,
}

impl<'a> Verdict<'a> {
    /// Compares.
    pub(crate) fn of(case: &'a Case, found: &Performance, suite: &Suite) -> Self {
        let mut differences = Vec::new();
        let mut differs = |aspect, text| differences.push(Difference { aspect, text });
        for text in requests(case, found, suite) {
            differs(Aspect::Requests, text);
        }
        if found.exit != Exit::Status(case.expect.exit) {
            differs(Aspect::Exit, format!("exit: recorded {}, found {:?}", case.expect.exit, found.exit));
        }
        if found.slept != case.expect.sleeps {
            let text = format!("pauses: recorded {:?}, found {:?}", case.expect.sleeps, found.slept);
            differs(Aspect::Exit, text);
        }
        if let Some(text) = stream("stdout", &case.expect.stdout, &found.stdout, suite) {
            differs(Aspect::Stdout, text);
        }
        let exact = stream("stderr", &case.expect.stderr, &found.stderr, suite);
        if let Some(text) = stderr(case, &found.stderr, exact.as_deref(), suite) {
            differs(Aspect::Stderr, text);
        }
        Self { case, differences, stderr_is_exact: exact.is_none() }
    }
}

/// What differs of a stream, if anything does.
fn stream(name: &str, expected: &ExpectedText, found: &[u8], suite: &Suite) -> Option<String> {
    let text = String::from_utf8_lossy(found);
    match expected {
        ExpectedText::Like { like } => {
            (!is_like(&text, like)).then(|| format!("{name} is not like {like:?}: {text:?}"))
        }
        ExpectedText::Has { has } => {
            let text = unfilled(&text);
            let lacking: Vec<_> = has.iter().filter(|word| !text.contains(word.trim_end())).collect();
            (!lacking.is_empty()).then(|| format!("{name} lacks {lacking:?}"))
        }
        ExpectedText::Is(want) => {
            let want = want.bytes(&suite.texts);
            (want != found).then(|| format!("{name}:\n{}", diff(&want, found)))
        }
    }
}

/// Standard error may be worded otherwise, if it is there when it was there and mentions what it has to.
fn stderr(case: &Case, found: &[u8], exact: Option<&str>, suite: &Suite) -> Option<String> {
    let exact = exact?;
    let ExpectedText::Is(want) = &case.expect.stderr else { return Some(exact.to_owned()) };
    let is_blank = |bytes: &[u8]| bytes.trim_ascii().is_empty();
    let text = String::from_utf8_lossy(found);
    let lacking: Vec<_> = case.expect.mentions.iter().filter(|word| !text.contains(word.as_str())).collect();
    if is_blank(&want.bytes(&suite.texts)) != is_blank(found) {
        Some(exact.to_owned())
    } else {
        (!lacking.is_empty()).then(|| format!("stderr lacks {lacking:?}\n{exact}"))
    }
}

fn requests(case: &Case, found: &Performance, suite: &Suite) -> Vec<String> {
    let mut differences = Vec::new();
    let expected = &case.expect.requests;
    if expected.len() != found.requests.len() {
        let lines: Vec<_> = found.requests.iter().map(|request| request.line.as_str()).collect();
        differences.push(format!(
            "requests: recorded {}, found {}: {lines:?}",
            expected.len(),
            found.requests.len()
        ));
    }
    for (at, (want, got)) in expected.iter().zip(&found.requests).enumerate() {
        let mut differs = |text: String| differences.push(format!("request {}: {text}", at + 1));
        let (want_text, got_text) = (written(want, suite), spelled(got, found));
        if want_text != got_text {
            differs(format!("\n{}", diff(want_text.as_bytes(), got_text.as_bytes())));
        }
        if let Err(wrong) = signature::check(got, &suite.keys, found.ended) {
            differs(wrong);
        }
    }
    differences
}

/// A recorded request, spelled out: a line, how it came, fields, body.
fn written(request: &ExpectedRequest, suite: &Suite) -> String {
    let body = request.body.as_ref().map(|body| body.bytes(&suite.texts)).unwrap_or_default();
    let mut headers: BTreeMap<&str, &str> = USUAL.iter().copied().collect();
    for (name, value) in &request.headers {
        match value {
            Some(value) => headers.insert(name, value),
            None => headers.remove(name.as_str()),
        };
    }
    let way = way(request.tls || request.connect.is_some(), request.connect.as_deref());
    whole(&request.line, &way, &headers, &body)
}

/// A request that came, spelled out the same way.
fn spelled(request: &Request, found: &Performance) -> String {
    let mut headers = BTreeMap::<&str, String>::new();
    for (name, value) in request.headers.iter().filter(|(name, _)| !VOLATILE.contains(&name.as_str())) {
        let value = masked(name, &found.places.mask_text(value));
        // A field twice is one with both values, RFC 9110 section 5.2.
        headers.entry(name).and_modify(|have| *have += &format!(", {value}")).or_insert(value);
    }
    // Right when it is the body's; then it says no more than the body.
    let (method, _) = request.method_and_target();
    let usual = match request.body.len() {
        0 if !matches!(method, "POST" | "PUT" | "DELETE") => None,
        length => Some(length.to_string()),
    };
    if headers.get("content-length") == usual.as_ref() {
        headers.remove("content-length");
    } else {
        headers.entry("content-length").or_insert_with(|| "absent".to_owned());
    }
    let headers: BTreeMap<&str, &str> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let line = found.places.mask_text(&request.line);
    let body = without_clock(&found.places.mask_text(&String::from_utf8_lossy(&request.body)));
    whole(&line, &way(request.tls, request.connect.as_deref()), &headers, body.as_bytes())
}

fn way(tls: bool, connect: Option<&str>) -> String {
    let scheme = if tls { "https" } else { "http" };
    connect.map_or_else(|| scheme.to_owned(), |target| format!("{scheme} through a tunnel to {target}"))
}

fn whole(line: &str, way: &str, headers: &BTreeMap<&str, &str>, body: &[u8]) -> String {
    let mut text = format!("{line}\n({way})\n");
    for (name, value) in headers {
        let _ = writeln!(text, "{name}: {value}");
    }
    // Elements a line, so that a difference is seen.
    let _ = writeln!(text, "\n{}", String::from_utf8_lossy(body).replace("><", ">\n<"));
    text
}

/// A field's value without what the clock and the key made of it.
fn masked(name: &str, value: &str) -> String {
    match name {
        "x-amz-date" if AmzDate::parse(value).is_some() => "<DATE>".to_owned(),
        "authorization" => {
            let mut parts: Vec<&str> = value.split('/').collect();
            if parts.len() == 5 && parts[1].len() == 8 {
                parts[1] = "<DATE>";
            }
            let value = parts.join("/");
            match value.split_once("Signature=") {
                Some((before, _)) => format!("{before}Signature=<SIG>"),
                None => value,
            }
        }
        // How long this attempt may take is told only once answers have come.
        "amz-sdk-request" => {
            let parts = value.split(';').map(str::trim).filter(|part| !part.starts_with("ttl="));
            parts.collect::<Vec<_>>().join("; ")
        }
        _ => value.to_owned(),
    }
}

/// A body without the names that are made of the time: caller references and role sessions.
fn without_clock(body: &str) -> String {
    let body = masked_after(body, "cli-", |rest| {
        let (seconds, random) = rest.split_once('-')?;
        let random = random.find(|c: char| !c.is_ascii_digit()).unwrap_or(random.len());
        let is_time = seconds.len() == 10 && seconds.bytes().all(|byte| byte.is_ascii_digit());
        (is_time && (1..=7).contains(&random)).then_some((11 + random, "cli-<TIME>-<RAND>"))
    });
    masked_after(&body, "botocore-session-", |rest| {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        (digits == 10).then_some((10, "session-<TIME>"))
    })
}

/// Replaces a mark and what `measure` finds behind it: so many bytes become that text.
fn masked_after(text: &str, mark: &str, measure: impl Fn(&str) -> Option<(usize, &'static str)>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(mark) {
        let after = &rest[at + mark.len()..];
        out.push_str(&rest[..at]);
        let length = match measure(after) {
            Some((length, token)) => {
                out.push_str(token);
                length
            }
            None => {
                out.push_str(mark);
                0
            }
        };
        rest = &after[length..];
    }
    out + rest
}

/// What was recorded and what was found, line by line; only the lines about differences.
fn diff(recorded: &[u8], found: &[u8]) -> String {
    let (recorded, found) = (String::from_utf8_lossy(recorded), String::from_utf8_lossy(found));
    let diff = TextDiff::from_lines(recorded.as_ref(), found.as_ref());
    let mut diff = diff.unified_diff();
    diff.context_radius(2).header("recorded", "found").to_string()
}
