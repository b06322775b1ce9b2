//! The edge as an HTTP cache, by the sections of RFC 9111 and its neighbours: what docs/http-conformance.md lists.
//!
//! Every case is a list of exchanges with one resource: what the viewer asks, what the origin would answer, and
//! whether that answer may be, or must be, one that was given before. The policy's default and minimum TTL are zero and
//! the origin gets to see all of a viewer's fields, so that nothing but the messages themselves decides.
//!
//! A field's value `{N}` stands for the date N seconds from now.

mod control;
mod fields;
mod freshness;
mod invalidation;
mod parts;
mod stale;
mod statuses;
mod validation;
mod variants;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::support::{ALL_VIEWER, Act, Bed, ORIGIN_HEADERS_QUERY, Origin, Reply, Viewer, distribution};

/// Where the response to a request has to come from.
#[derive(Clone, Copy, Debug, PartialEq)]
enum From {
    /// Whence it will.
    Anywhere,
    /// The store.
    Store,
    /// The origin, all of it.
    Origin,
    /// The store, after the origin was asked by this field, and answered 304.
    Validated(&'static str),
}

/// One request, the answer that the origin has for it, and what the viewer is to get.
#[derive(Clone)]
struct Exchange {
    method: &'static str,
    target: &'static str,
    asks: Vec<String>,
    status: u16,
    answers: Vec<String>,
    body: &'static str,
    breaks_off: bool,
    pause: bool,
    from: From,
    gets_status: Option<u16>,
    gets: Vec<(&'static str, String)>,
    lacks: Vec<&'static str>,
    gets_body: Option<&'static str>,
}

/// A `GET`, to which the origin answers 200 with these fields.
fn get(answers: &[&str]) -> Exchange {
    Exchange {
        method: "GET",
        target: "/p",
        asks: Vec::new(),
        status: 200,
        answers: answers.iter().map(ToString::to_string).collect(),
        body: "0123456789",
        breaks_off: false,
        pause: false,
        from: From::Anywhere,
        gets_status: None,
        gets: Vec::new(),
        lacks: Vec::new(),
        gets_body: None,
    }
}

impl Exchange {
    fn by(mut self, method: &'static str) -> Self {
        self.method = method;
        self
    }

    fn at(mut self, target: &'static str) -> Self {
        self.target = target;
        self
    }

    fn asking(mut self, lines: &[&str]) -> Self {
        self.asks = lines.iter().map(ToString::to_string).collect();
        self
    }

    fn answered(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    fn body(mut self, body: &'static str) -> Self {
        self.body = body;
        self
    }

    /// The origin closes the connection instead.
    fn broken_off(mut self) -> Self {
        self.breaks_off = true;
        self
    }

    /// Three seconds pass afterwards.
    fn pause(mut self) -> Self {
        self.pause = true;
        self
    }

    fn from(mut self, from: From) -> Self {
        self.from = from;
        self
    }

    fn gets_status(mut self, status: u16) -> Self {
        self.gets_status = Some(status);
        self
    }

    fn gets(mut self, name: &'static str, value: &str) -> Self {
        self.gets.push((name, value.into()));
        self
    }

    fn lacks(mut self, name: &'static str) -> Self {
        self.lacks.push(name);
        self
    }

    fn gets_body(mut self, body: &'static str) -> Self {
        self.gets_body = Some(body);
        self
    }
}

/// Seconds since the tests' own epoch.
#[derive(Clone, Default)]
struct Now(Arc<AtomicU64>);

impl Now {
    /// Fills `{N}` in.
    fn fill(&self, line: &str) -> String {
        let Some((before, rest)) = line.split_once('{') else { return line.into() };
        let (offset, after) = rest.split_once('}').unwrap();
        let at = i64::try_from(self.0.load(Ordering::SeqCst)).unwrap() + offset.parse::<i64>().unwrap();
        let at: SystemTime = UNIX_EPOCH + Duration::from_secs(u64::try_from(1_800_000_000 + at).unwrap());
        format!("{before}{}{after}", httpdate::fmt_http_date(at))
    }
}

/// Holds these exchanges, one after the other, with a resource of their own.
async fn check(case: &str, exchanges: &[Exchange]) {
    let now = Now::default();
    let (script, clock) = (exchanges.to_vec(), now.clone());
    let origin = Origin::start(move |_, request| answer(&script, &clock, request)).await;
    let mut spec = distribution(origin.address.port());
    spec.default_behavior.cache_policy_id = ORIGIN_HEADERS_QUERY.into();
    spec.default_behavior.origin_request_policy_id = Some(ALL_VIEWER.into());
    spec.default_behavior.allowed_methods =
        ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"].map(String::from).into();
    let bed = Bed::with(origin, spec, |_| {}).await;
    for (n, exchange) in exchanges.iter().enumerate() {
        let case = format!("{case}, request {}", n + 1);
        let before = bed.origin.count();
        let mut lines: Vec<String> = exchange.asks.iter().map(|line| now.fill(line)).collect();
        lines.push(format!("Req-Num: {}", n + 1));
        let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
        let mut viewer = Viewer::connect(bed.address()).await;
        let (method, target) = (exchange.method, exchange.target);
        viewer.write(&format!("{method} {target} HTTP/1.1\r\nHost: a.test\r\n{lines}\r\n")).await;
        let reply = viewer.read(method).await;
        judge(&case, &now, n + 1, exchange, &reply, &bed.origin.seen()[before..]);
        if exchange.pause {
            bed.pass_leased(Duration::from_secs(3));
            now.0.fetch_add(3, Ordering::SeqCst);
        }
    }
}

/// What the origin says to a request: a 304 if it is one for validation and names the validator of the answer before.
fn answer(script: &[Exchange], now: &Now, request: &str) -> Act {
    let number: usize = field(request, "req-num").unwrap().parse().unwrap();
    let exchange = &script[number - 1];
    if exchange.breaks_off {
        return Act::ReplyAndClose(Vec::new());
    }
    let is_valid = |name: &str, by: &str| {
        let mut value =
            script[..number - 1].iter().flat_map(|exchange| &exchange.answers).filter_map(|line| {
                line.split_once(": ")
                    .filter(|(field, _)| field.eq_ignore_ascii_case(by))
                    .map(|(_, value)| value)
            });
        value.next_back().is_some_and(|value| field(request, name).is_some_and(|asked| asked == value))
    };
    let not_modified = matches!(exchange.from, From::Validated(_))
        && (is_valid("if-none-match", "etag") || is_valid("if-modified-since", "last-modified"));
    let (status, body) = if not_modified { (304, "") } else { (exchange.status, exchange.body) };
    let mut lines: Vec<String> = exchange.answers.iter().map(|line| now.fill(line)).collect();
    lines.push(format!("Answer: {number}"));
    let has_length = lines.iter().any(|line| line.to_ascii_lowercase().starts_with("content-length:"));
    if !has_length && !matches!(status, 204 | 304) {
        lines.push(format!("Content-Length: {}", body.len()));
    }
    let body = if status == 204 || request.starts_with("HEAD") { "" } else { body };
    Act::Reply(format!("HTTP/1.1 {status} x\r\n{}\r\n\r\n{body}", lines.join("\r\n")).into_bytes())
}

fn field(request: &str, name: &str) -> Option<String> {
    request.lines().find_map(|line| {
        line.split_once(": ")
            .filter(|(field, _)| field.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.into())
    })
}

fn judge(case: &str, now: &Now, number: usize, exchange: &Exchange, reply: &Reply, asked: &[String]) {
    let told = format!("{case}: {} {}", reply.status, reply.header("cache-status"));
    let answer: Option<usize> = reply.header("answer").parse().ok();
    match exchange.from {
        From::Anywhere => {}
        From::Store => assert!(answer.is_some_and(|answer| answer < number), "{told}"),
        From::Origin => assert_eq!(answer, Some(number), "{told}"),
        From::Validated(field_name) => {
            let asked = asked.first().unwrap_or_else(|| panic!("nothing was asked: {told}"));
            assert!(field(asked, field_name).is_some(), "{told}: {asked}");
            assert!(reply.header("cache-status").contains("fwd-status=304"), "{told}");
        }
    }
    if !exchange.breaks_off {
        assert_eq!(reply.status, exchange.gets_status.unwrap_or(exchange.status), "{told}");
    }
    for (name, value) in &exchange.gets {
        assert_eq!(reply.header(name), now.fill(value), "{told}: {name}");
    }
    for name in &exchange.lacks {
        assert_eq!(reply.header(name), "", "{told}: {name}");
    }
    if let Some(body) = exchange.gets_body {
        assert_eq!(reply.text(), body, "{told}");
    }
}

/// What holds a response for long, and tells when it was made.
const FRESH: [&str; 3] = ["Expires: {100000}", "Last-Modified: {0}", "Date: {0}"];

/// The fields, with others before them.
fn with<'f>(fields: &[&'f str], others: &[&'f str]) -> Vec<&'f str> {
    fields.iter().chain(others).copied().collect()
}

/// What is answered so is served from the store three seconds later, or it is not.
async fn reused(answers: &[&str], is_reused: bool) {
    let from = if is_reused { From::Store } else { From::Origin };
    check(&format!("{answers:?}"), &[get(answers).pause(), get(&[]).from(from)]).await;
}
