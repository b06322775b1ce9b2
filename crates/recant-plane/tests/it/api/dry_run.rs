//! Dry runs of invalidations with edges that answer, or do not, or not as they should.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use recant_core::id::EdgeId;
use recant_core::limits::QUESTIONS_AT_A_TIME_MAX;
use recant_core::protocol::message::{
    Heartbeat, Incarnation, LeaseClass, Member, Refusal, RenewalId, Verdict,
};
use recant_wire::feed::question::{self, ANSWER_PATH, Counted, Question};
use recant_wire::feed::{FEED_PATH, Frame, FrameDecoder, HEARTBEAT_PATH, heartbeat};
use serde_json::{Value, json};

use super::rig::{Call, PATIENCE, Reply, Rig};

/// A plane that waits for a silent member for longer than a test lasts, and a tenant of it.
fn plane() -> (Rig, String) {
    let rig = Rig::start_with(|options| options.lease = Duration::from_secs(300));
    let distribution = rig.distribution();
    let tenant = rig.tenant(&distribution, "mine");
    (rig, tenant)
}

fn dry_run(rig: &Rig, tenant: &str, items: &[&str]) -> Reply {
    let call = Call {
        method: "POST".into(),
        path: format!("/recant/v1/distribution-tenants/{tenant}/invalidation-dry-run"),
        query: String::new(),
        headers: vec![("host".into(), rig.address.to_string())],
        body: json!({ "Items": items }).to_string().into_bytes(),
    };
    rig.send(&rig.signed(call))
}

fn counts(reply: &Reply) -> Value {
    assert_eq!(reply.status, 200, "{}", reply.body);
    serde_json::from_str(&reply.body).unwrap()
}

/// A member of the plane with a feed of its own, played by a test.
struct Edge<'r> {
    rig: &'r Rig,
    name: &'static str,
    feed: BufReader<TcpStream>,
    frames: FrameDecoder,
    /// What it was asked while it joined.
    heard: Option<Question>,
}

impl<'r> Edge<'r> {
    /// Joins. When this returns it is a member on record and has read its feed up to the present: it hears all that is asked from now on.
    fn join(rig: &'r Rig, name: &'static str) -> Self {
        let begun = Instant::now();
        let mut renewal = 1;
        while heartbeat(rig, name, renewal) == Verdict::Refused(Refusal::Joining) {
            assert!(begun.elapsed() < PATIENCE, "{name} is never a member");
            renewal += 1;
        }
        let stream = TcpStream::connect(rig.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        (&stream).write_all(&call(rig, "GET", FEED_PATH, Vec::new()).to_bytes()).unwrap();
        let mut feed = BufReader::new(stream);
        while !line(&mut feed).is_empty() {}
        let mut this = Self { rig, name, feed, frames: FrameDecoder::new(), heard: None };
        loop {
            match this.next() {
                Frame::Head(_) => return this,
                Frame::Question(question) => this.heard = Some(question),
                _ => {}
            }
        }
    }

    fn next(&mut self) -> Frame {
        loop {
            if let Some(frame) = self.frames.next_frame().unwrap() {
                return frame;
            }
            // One chunk (RFC 9112 section 7.1).
            let length = usize::from_str_radix(&line(&mut self.feed), 16).unwrap();
            let mut piece = vec![0; length];
            self.feed.read_exact(&mut piece).unwrap();
            self.frames.push(&piece);
            assert_eq!(line(&mut self.feed), "");
        }
    }

    /// The next question that it is asked.
    fn question(&mut self) -> Question {
        if let Some(question) = self.heard.take() {
            return question;
        }
        loop {
            if let Frame::Question(question) = self.next() {
                return question;
            }
        }
    }

    /// Posts a body as an answer; gives the status.
    fn post(&self, body: impl Into<Vec<u8>>) -> u16 {
        self.rig.send(&call(self.rig, "POST", ANSWER_PATH, body.into())).status
    }

    fn answer(&self, question: u64, stored_responses: u64) {
        let edge = EdgeId::parse(self.name).unwrap();
        assert_eq!(self.post(question::encode(&Counted { question, edge, stored_responses })), 204);
    }
}

/// The verdict over one heartbeat of an edge that has applied nothing.
fn heartbeat(rig: &Rig, name: &str, renewal: u64) -> Verdict {
    let said = Heartbeat {
        member: Member { edge: EdgeId::parse(name).unwrap(), incarnation: Incarnation(1) },
        renewal: RenewalId(renewal),
        applied: None,
        lease_class: LeaseClass::default(),
        leaving: false,
    };
    let reply = rig.send(&call(rig, "POST", HEARTBEAT_PATH, heartbeat::encode(&said)));
    assert_eq!(reply.status, 200, "{}", reply.body);
    heartbeat::decode_answer(reply.body.as_bytes()).unwrap().verdict
}

/// A call with the edges' secret.
fn call(rig: &Rig, method: &str, path: &str, body: Vec<u8>) -> Call {
    let authorization = ("authorization".to_owned(), rig.edge_authorization.clone());
    Call {
        method: method.into(),
        path: path.into(),
        query: String::new(),
        headers: vec![("host".into(), rig.address.to_string()), authorization],
        body,
    }
}

fn line(stream: &mut impl BufRead) -> String {
    let mut line = String::new();
    stream.read_line(&mut line).unwrap();
    line.trim_end().to_owned()
}

#[test]
fn every_edge_is_asked_and_all_that_they_count_is_added_up() {
    let (rig, tenant) = plane();
    let mut edges = [Edge::join(&rig, "edge-b"), Edge::join(&rig, "edge-a")];
    let reply = thread::scope(|scope| {
        let asking = scope.spawn(|| dry_run(&rig, "mine", &["/a", "/b*", "#tag"]));
        for (edge, count) in edges.iter_mut().zip([12, 30]) {
            let question = edge.question();
            assert_eq!(question.tenant.as_str(), tenant);
            assert_eq!(json!(question.patterns), json!(["/a", "/b*", "#tag"]));
            edge.answer(question.question, count);
        }
        asking.join().unwrap()
    });
    let expected = json!({
        "DistributionTenantId": tenant,
        "StoredResponses": 42,
        "Edges": [
            {"EdgeId": "edge-a", "StoredResponses": 30},
            {"EdgeId": "edge-b", "StoredResponses": 12},
        ],
        "Unanswered": [],
    });
    assert_eq!(counts(&reply), expected);
}

#[test]
fn an_edge_that_comes_back_in_time_is_still_asked() {
    let (rig, tenant) = plane();
    let [mut there, cut_off] = ["edge-a", "edge-b"].map(|name| Edge::join(&rig, name));
    drop(cut_off);
    let reply = thread::scope(|scope| {
        let asking = scope.spawn(|| dry_run(&rig, &tenant, &["/a"]));
        let question = there.question().question;
        there.answer(question, 1);
        let mut back = Edge::join(&rig, "edge-b");
        assert_eq!(back.question().question, question);
        back.answer(question, 2);
        asking.join().unwrap()
    });
    let counts = counts(&reply);
    assert_eq!((&counts["StoredResponses"], &counts["Unanswered"]), (&json!(3), &json!([])), "{counts}");
}

#[test]
fn who_does_not_answer_as_asked_is_named() {
    let (rig, tenant) = plane();
    let [mut twice, mut rubbish, silent] =
        ["edge-twice", "edge-rubbish", "edge-silent"].map(|name| Edge::join(&rig, name));
    let reply = thread::scope(|scope| {
        let asking = scope.spawn(|| dry_run(&rig, &tenant, &["/*"]));
        let question = twice.question().question;
        // What is no member's is nobody's.
        let stranger = Counted { question, edge: EdgeId::parse("stranger").unwrap(), stored_responses: 7 };
        assert_eq!(twice.post(question::encode(&stranger)), 204);
        twice.answer(question, 3);
        twice.answer(question, 300);
        assert_eq!(rubbish.question().question, question);
        for body in [&b""[..], b"{}", b"nonsense", b"{\"question\":-1}", &[b' '; 9_000], &[0xff; 64]] {
            assert_eq!(rubbish.post(body), 400, "{}", String::from_utf8_lossy(body));
        }
        rubbish.answer(question.wrapping_add(1), 5_000);
        asking.join().unwrap()
    });
    let expected = json!({
        "DistributionTenantId": tenant,
        "StoredResponses": 3,
        "Edges": [{"EdgeId": "edge-twice", "StoredResponses": 3}],
        "Unanswered": ["edge-rubbish", "edge-silent"],
    });
    assert_eq!(counts(&reply), expected);

    // Too late: nobody waits for it, and the next question is another one.
    drop(silent);
    rubbish.answer(0, 5_000);
}

#[test]
fn edges_are_asked_a_few_questions_at_a_time() {
    let (rig, tenant) = plane();
    let mut edge = Edge::join(&rig, "edge-a");
    thread::scope(|scope| {
        let asking = [(); QUESTIONS_AT_A_TIME_MAX].map(|()| scope.spawn(|| dry_run(&rig, &tenant, &["/a"])));
        // Answered when the one too many has been refused.
        let questions = [(); QUESTIONS_AT_A_TIME_MAX].map(|()| edge.question().question);
        let refused = dry_run(&rig, &tenant, &["/a"]);
        assert_eq!((refused.status, refused.header("retry-after")), (400, "1"), "{}", refused.body);
        let error: Value = serde_json::from_str(&refused.body).unwrap();
        assert_eq!(error["Code"], "Throttling");
        assert!(error["Message"].as_str().unwrap().contains("dry runs"), "{error}");
        questions.iter().for_each(|question| edge.answer(*question, 1));
        for asking in asking {
            assert_eq!(counts(&asking.join().unwrap())["StoredResponses"], 1);
        }
    });
    // There is room again.
    let reply = thread::scope(|scope| {
        let asking = scope.spawn(|| dry_run(&rig, &tenant, &["/a"]));
        let question = edge.question().question;
        edge.answer(question, 2);
        asking.join().unwrap()
    });
    assert_eq!(counts(&reply)["StoredResponses"], 2);
}

#[test]
fn only_an_edge_answers() {
    let rig = Rig::start();
    let counted = Counted { question: 1, edge: EdgeId::parse("e").unwrap(), stored_responses: 1 };
    let mut call = call(&rig, "POST", ANSWER_PATH, question::encode(&counted));
    assert_eq!(rig.send(&call).status, 204);
    call.headers.pop();
    assert_eq!(rig.send(&call).status, 403);
}
