//! The stream of events, as a reader sees it.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

use recant_plane::clock;
use recant_wire::sigv4::Credentials;
use serde_json::{Value, json};

use super::access::{ask, key};
use super::rig::{Call, PATIENCE, Rig, invalidation};

/// An open stream.
pub(crate) struct Reader(BufReader<TcpStream>);

/// One event: id, name, data.
pub(crate) type Event = (String, String, Value);

impl Reader {
    /// Opens one, after an event if that is said.
    pub(crate) fn open(rig: &Rig, key: &Credentials, after: Option<&str>) -> Self {
        let mut headers = vec![("host".to_owned(), rig.address.to_string())];
        headers.extend(after.map(|id| ("last-event-id".to_owned(), id.to_owned())));
        let call = Call {
            method: "GET".into(),
            path: "/recant/v1/events".into(),
            query: String::new(),
            headers,
            body: Vec::new(),
        };
        let mut stream = TcpStream::connect(rig.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(&call.signed(key, clock::wall_now()).to_bytes()).unwrap();
        let mut reader = Self(BufReader::new(stream));
        let head: Vec<String> =
            std::iter::from_fn(|| reader.line().filter(|line| !line.is_empty())).collect();
        assert!(head[0].starts_with("HTTP/1.1 200"), "{head:?}");
        assert!(head.iter().any(|line| line == "content-type: text/event-stream"), "{head:?}");
        reader
    }

    /// The next line, without its end; nothing at the end of the stream.
    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = self.0.read_line(&mut line).unwrap();
        (read > 0).then(|| line.trim_end().to_owned())
    }

    /// The next event; nothing at the end of the stream. Chunk sizes and comments stand between the lines.
    pub(crate) fn next(&mut self) -> Option<Event> {
        let (mut id, mut name) = (String::new(), String::new());
        loop {
            let line = self.line()?;
            match line.split_once(": ") {
                Some(("id", value)) => id = value.to_owned(),
                Some(("event", value)) => name = value.to_owned(),
                Some(("data", value)) => return Some((id, name, serde_json::from_str(value).unwrap())),
                _ => {}
            }
        }
    }

    /// The names of the next events, and the last one's id.
    fn names(&mut self, count: usize) -> (Vec<String>, String) {
        let events: Vec<Event> = (0..count).map(|_| self.next().unwrap()).collect();
        let last = events.last().unwrap().0.clone();
        (events.into_iter().map(|(_, name, _)| name).collect(), last)
    }
}

#[test]
fn what_happens_is_told_once_and_in_order() {
    let mut rig = Rig::start();
    let root = rig.credentials.clone();
    let mut reader = Reader::open(&rig, &root, None);
    let (id, name, data) = reader.next().unwrap();
    assert_eq!((name.as_str(), data), ("begin", json!({"Position": 0, "CompletedPosition": 0})));

    // There is no edge, so everything is complete as soon as it is accepted; the two may be told apart or together.
    let distribution = rig.distribution();
    let tenant = rig.tenant(&distribution, "shop");
    let made = rig.ok("CreateInvalidationForDistributionTenant", invalidation(&tenant, "r", &["/a"]));
    let mut told: Vec<Event> = (0..6).map(|_| reader.next().unwrap()).collect();
    let last = told.last().unwrap().0.clone();
    told.sort_by_key(|(_, name, data)| (data["Position"].as_u64(), name.clone()));
    let told: Vec<(String, Value)> = told.into_iter().map(|(_, name, data)| (name, data)).collect();
    let id_of = made["Invalidation"]["Id"].clone();
    let of_distribution = json!({"Position": 1, "DistributionId": distribution});
    let of_tenant = json!({"Position": 2, "DistributionTenantId": tenant});
    let of_invalidation = json!({"Position": 3, "DistributionTenantId": tenant, "InvalidationId": id_of});
    let expected = [
        ("distribution-changed", &of_distribution),
        ("distribution-deployed", &of_distribution),
        ("tenant-changed", &of_tenant),
        ("tenant-deployed", &of_tenant),
        ("invalidation-accepted", &of_invalidation),
        ("invalidation-completed", &of_invalidation),
    ];
    assert_eq!(told, expected.map(|(name, data)| (name.to_owned(), data.clone())));

    // From the beginning again, by event and by position, and from the end.
    for after in [id.as_str(), "0"] {
        let (mut names, end) = Reader::open(&rig, &root, Some(after)).names(7);
        assert_eq!((names.remove(0).as_str(), &end), ("begin", &last));
        let accepted = names.iter().position(|name| name == "invalidation-accepted");
        assert!(accepted < names.iter().position(|name| name == "invalidation-completed"), "{names:?}");
    }
    let mut at_end = Reader::open(&rig, &root, Some(&last));
    assert_eq!(at_end.next().unwrap().2, json!({"Position": 3, "CompletedPosition": 3}));
    // A place that this log does not have.
    let (_, positions) = last.split_once('-').unwrap();
    for elsewhere in [format!("{}-{positions}", "0".repeat(32)), "4".to_owned()] {
        assert_eq!(Reader::open(&rig, &root, Some(&elsewhere)).next().unwrap().1, "reset", "{elsewhere}");
    }
    ask(&rig, "GET", "events?After=yesterday", &Value::Null, 400);

    // Streams end with the plane.
    rig.stop();
    assert_eq!(at_end.next(), None);
}

#[test]
fn edges_come_into_view() {
    let rig = Rig::start();
    let mut reader = Reader::open(&rig, &rig.credentials, None);
    assert_eq!(reader.next().unwrap().1, "begin");
    let beat = |leaving: bool| {
        let body = json!({
            "member": {"edge": "edge-1", "incarnation": 7}, "renewal": 1,
            "applied": null, "lease_class": 0, "leaving": leaving,
        });
        let call = Call {
            method: "POST".into(),
            path: recant_wire::feed::HEARTBEAT_PATH.into(),
            query: String::new(),
            headers: vec![
                ("host".into(), rig.address.to_string()),
                ("authorization".into(), rig.edge_authorization.clone()),
            ],
            body: body.to_string().into_bytes(),
        };
        assert_eq!(rig.send(&call).status, 200);
    };
    beat(false);
    let expected = |name: &str| (String::new(), name.to_owned(), json!({"EdgeId": "edge-1"}));
    assert_eq!(reader.next().unwrap(), expected("edge-joined"));
    let edges = ask(&rig, "GET", "edges", &Value::Null, 200);
    let edge = json!({"EdgeId": "edge-1", "AppliedPosition": 0, "IsAwaited": false});
    assert_eq!(edges, json!({"Position": 0, "CompletedPosition": 0, "Edges": [edge]}));

    let tenant = rig.tenant(&rig.distribution(), "shop");
    let made = rig.ok("CreateInvalidationForDistributionTenant", invalidation(&tenant, "r", &["/a"]));
    let id = made["Invalidation"]["Id"].as_str().unwrap();
    for name in [tenant.as_str(), "shop"] {
        let target = format!("distribution-tenants/{name}/invalidation/{id}/progress");
        let progress = ask(&rig, "GET", &target, &Value::Null, 200);
        assert_eq!((&progress["Id"], &progress["Position"]), (&json!(id), &json!(3)), "{progress}");
        let edge = json!({
            "EdgeId": "edge-1", "HasApplied": false, "AppliedPosition": 0, "IsAwaited": false,
            "RemovedResponses": 0, "IsRemovalOver": false,
        });
        assert_eq!(progress["Edges"], json!([edge]));
    }
    for (target, code) in [
        (format!("distribution-tenants/{tenant}/invalidation/I0/progress"), "NoSuchInvalidation"),
        (format!("distribution-tenants/nobody/invalidation/{id}/progress"), "EntityNotFound"),
        (format!("distributions/E0/invalidation/{id}/progress"), "NoSuchDistribution"),
    ] {
        assert_eq!(ask(&rig, "GET", &target, &Value::Null, 404)["Code"], code, "{target}");
    }
    beat(true);
    while reader.next().unwrap() != expected("edge-left") {}
}

#[test]
fn who_may_not_listen_any_more_is_cut_off() {
    let rig = Rig::start();
    let listener = key(&rig, &json!([{"Effect": "Allow", "Action": "recant:StreamEvents", "Resource": "*"}]));
    let stranger = key(&rig, &json!([{"Effect": "Allow", "Action": "cloudfront:*", "Resource": "*"}]));
    let call = Call {
        method: "GET".into(),
        path: "/recant/v1/events".into(),
        query: String::new(),
        headers: vec![("host".into(), rig.address.to_string())],
        body: Vec::new(),
    };
    assert_eq!(rig.send(&call.signed(&stranger, clock::wall_now())).status, 403);
    let mut reader = Reader::open(&rig, &listener, None);
    assert_eq!(reader.next().unwrap().1, "begin");
    ask(&rig, "PUT", &format!("keys/{}", listener.access_key_id), &json!({"Status": "Inactive"}), 200);
    assert_eq!(reader.next(), None);
}
