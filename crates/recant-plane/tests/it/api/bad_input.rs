//! Requests that are not right: each gets the right code and status, nothing is stored, nothing breaks.

use std::io::{Read, Write};
use std::net::TcpStream;

use recant_core::limits::{API_BODY_BYTES_MAX, CLOCK_SKEW_DEFAULT, PATHS_PER_BATCH_MAX, XML_DEPTH_MAX};
use recant_core::time::WallTime;
use recant_plane::clock;
use serde_json::json;

use super::rig::{Call, Rig, invalidation};

const CREATE: &str = "CreateInvalidationForDistributionTenant";
const NAMESPACE: &str = "http://cloudfront.amazonaws.com/doc/2020-05-31/";

/// A plane with one tenant, and whether it has any invalidation at the end.
fn with_tenant(test: impl FnOnce(&Rig, &str)) {
    let rig = Rig::start();
    let tenant = rig.tenant(&rig.distribution(), "one");
    test(&rig, &tenant);
    let list = rig.ok("ListInvalidationsForDistributionTenant", json!({"Id": tenant}));
    assert_eq!(list["InvalidationList"]["Quantity"], json!(0), "something was stored");
}

fn batch(inner: &str) -> String {
    format!("<InvalidationBatch xmlns=\"{NAMESPACE}\">{inner}</InvalidationBatch>")
}

fn paths(quantity: usize, paths: &[&str]) -> String {
    let items: String = paths.iter().map(|path| format!("<Path>{path}</Path>")).collect();
    let paths = format!("<Paths><Quantity>{quantity}</Quantity><Items>{items}</Items></Paths>");
    batch(&format!("{paths}<CallerReference>r1</CallerReference>"))
}

#[test]
fn bodies() {
    with_tenant(|rig, tenant| {
        let check = |body: &[u8], status: u16, code: &str| -> String {
            let call = rig.request(CREATE, invalidation(tenant, "r1", &["/*"])).with_body(body);
            rig.send(&rig.signed(call)).refused(status, code)
        };
        let good = paths(1, &["/*"]);
        let malformed = |body: &str| drop(check(body.as_bytes(), 400, "MalformedXML"));
        malformed("");
        malformed("not XML");
        malformed(&good[..good.len() - 5]);
        malformed("<InvalidationBatch/>");
        malformed(&good.replace("InvalidationBatch", "OtherRoot"));
        malformed(&format!("<!DOCTYPE InvalidationBatch [<!ENTITY a \"/*\">]>{good}"));
        malformed(&paths(1, &["&a;"]));
        malformed(&good.replace("<Quantity>1</Quantity>", ""));
        malformed(&good.replace("<Quantity>1</Quantity>", "<Quantity>one</Quantity>"));
        malformed(&good.replace("<CallerReference>r1</CallerReference>", ""));
        let (open, close) = ("<a>".repeat(XML_DEPTH_MAX + 1), "</a>".repeat(XML_DEPTH_MAX + 1));
        let message = check(batch(&format!("{open}{close}")).as_bytes(), 400, "InvalidArgument");
        assert_eq!(message, "InvalidationBatch.a: the API (2020-05-31) has no such member.");
        let misspelled = good.replace("CallerReference", "CallerReferenze");
        let message = check(misspelled.as_bytes(), 400, "InvalidArgument");
        assert!(message.starts_with("InvalidationBatch.CallerReferenze: "), "{message}");
        check(b"\xff\xfe<InvalidationBatch/>", 400, "MalformedXML");

        assert_eq!(
            check(paths(1, &["/a", "/b"]).as_bytes(), 400, "InconsistentQuantities"),
            "The specified quantity of Paths (1) does not match the actual quantity supplied (2)."
        );
        check(good.replace("r1", "").as_bytes(), 400, "InvalidArgument");
        check(paths(0, &[]).as_bytes(), 400, "InvalidArgument");
        let many = vec!["/a"; PATHS_PER_BATCH_MAX + 1];
        check(paths(many.len(), &many).as_bytes(), 413, "BatchTooLarge");
        check(&vec![b' '; API_BODY_BYTES_MAX + 1], 413, "BatchTooLarge");
    });
}

#[test]
fn bad_paths_are_named_with_their_reasons() {
    with_tenant(|rig, tenant| {
        let message = rig
            .call(CREATE, invalidation(tenant, "r1", &["/good", "no-slash", "/a*b"]))
            .refused(400, "InvalidArgument");
        assert!(
            message.starts_with("Your request contains one or more invalid invalidation paths. "),
            "{message}"
        );
        assert!(
            message.contains("no-slash") && message.contains("/a*b") && !message.contains("/good"),
            "{message}"
        );
        for path in ["", "a", "/a*b", "/a\u{7f}", "#", "#a b", "#a,b"] {
            rig.call(CREATE, invalidation(tenant, "r1", &[path])).refused(400, "InvalidArgument");
        }
    });
}

#[test]
fn signatures() {
    with_tenant(|rig, tenant| {
        let call = || rig.request(CREATE, invalidation(tenant, "r1", &["/*"]));
        let now = clock::wall_now();
        let refused = |call: &Call, status, code| rig.send(call).refused(status, code);

        refused(&call(), 403, "MissingAuthenticationToken");
        let mut incomplete = call();
        incomplete.headers.push(("authorization".into(), "AWS4-HMAC-SHA256 Credential=a".into()));
        refused(&incomplete, 400, "IncompleteSignature");

        let mut unknown = rig.credentials.clone();
        unknown.access_key_id = "AKIAUNKNOWN".into();
        refused(&call().signed(&unknown, now), 403, "InvalidClientTokenId");
        let mut wrong = rig.credentials.clone();
        wrong.secret_access_key.push('x');
        refused(&call().signed(&wrong, now), 403, "SignatureDoesNotMatch");
        let changed = rig.signed(call()).with_body(paths(1, &["/other"]));
        refused(&changed, 403, "SignatureDoesNotMatch");
        let mut moved = rig.signed(call());
        moved.path = moved.path.replace(tenant, "dt_other");
        refused(&moved, 403, "SignatureDoesNotMatch");

        let skew = i64::try_from(CLOCK_SKEW_DEFAULT.as_millis()).unwrap() + 60_000;
        for off in [-skew, skew] {
            let then = WallTime::from_millis(now.millis() + off);
            let message = refused(&call().signed(&rig.credentials, then), 403, "SignatureDoesNotMatch");
            let time = |at: WallTime| recant_wire::sigv4::date::AmzDate::of(at).to_string();
            assert!(message.contains(&time(then)), "both times are named: {message}");
        }
    });
}

#[test]
fn a_stranger_learns_nothing() {
    with_tenant(|rig, tenant| {
        // Whatever is asked, the answer without a signature is the same.
        for (method, path) in [
            ("GET", "/2020-05-31/distribution"),
            ("GET", &*format!("/2020-05-31/distribution-tenant/{tenant}")),
            ("GET", "/2020-05-31/function"),
            ("GET", "/"),
            ("PATCH", "/nothing"),
        ] {
            let mut call = rig.request("ListDistributions", json!({}));
            (call.method, call.path) = (method.into(), path.into());
            rig.send(&call).refused(403, "MissingAuthenticationToken");
        }
        // Nor is a stranger's body waited for beyond its head.
        let call = rig.request(CREATE, invalidation(tenant, "r1", &["/*"])).with_body("x".repeat(100_000));
        rig.send(&call).refused(403, "MissingAuthenticationToken");
    });
}

#[test]
fn what_is_not_there() {
    with_tenant(|rig, tenant| {
        rig.call(CREATE, invalidation("dt_none", "r1", &["/*"])).refused(404, "EntityNotFound");
        rig.call(CREATE, invalidation("a/b c", "r1", &["/*"])).refused(404, "EntityNotFound");
        rig.call(CREATE, invalidation("", "r1", &["/*"])).refused(404, "EntityNotFound");
        let message = rig.call("ListFunctions", json!({})).refused(501, "NotImplemented");
        assert!(message.contains("ListFunctions"), "{message}");
        rig.call(
            "CreateInvalidation",
            json!({
                "DistributionId": "E1",
                "InvalidationBatch": {"Paths": {"Quantity": 1, "Items": ["/*"]}, "CallerReference": "r"}
            }),
        )
        .refused(404, "NoSuchDistribution");
        for (method, path) in [("GET", "/nothing"), ("HEAD", "/2020-05-31/distribution"), ("PUT", "/")] {
            let mut call = rig.request("ListDistributions", json!({}));
            (call.method, call.path) = (method.into(), path.into());
            let reply = rig.send(&rig.signed(call));
            assert_eq!(reply.status, 404, "{method} {path}");
            assert_eq!(reply.body.is_empty(), method == "HEAD", "{method} {path}");
        }
        // A request that is right, against the tenant that is there, still works after all that.
        rig.ok("GetDistributionTenant", json!({"Identifier": tenant}));
    });
}

#[test]
fn broken_http_gets_no_further_than_its_connection() {
    with_tenant(|rig, _| {
        for bytes in [
            "\0\0\0\0\r\n\r\n".to_owned(),
            "GET / HTTP/1.1\r\nhost: a\r\nhost\r\n\r\n".to_owned(),
            format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(100_000)),
            format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(200)),
            "POST / HTTP/1.1\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n".to_owned(),
        ] {
            let mut stream = TcpStream::connect(rig.address).unwrap();
            // The plane may hang up while this is still being written.
            drop(stream.write_all(bytes.as_bytes()));
            let mut answer = Vec::new();
            drop(stream.read_to_end(&mut answer));
            let answer = String::from_utf8_lossy(&answer);
            assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
        }
    });
}

#[test]
fn errors_are_xml_whatever_was_sent() {
    with_tenant(|rig, tenant| {
        // Characters that XML cannot hold (XML 1.0 section 2.2), where a message repeats what was sent.
        let list = format!("/2020-05-31/distribution-tenant/{tenant}/invalidation");
        for query in ["Marker=%EF%BF%BF", "Marker=%01", "MaxItems=%EF%BF%BE"] {
            let mut call = rig.request("ListInvalidationsForDistributionTenant", json!({"Id": tenant}));
            (call.path, call.query) = (list.clone(), query.to_owned());
            rig.send(&rig.signed(call)).refused(400, "InvalidArgument");
        }
        let call = rig.request(CREATE, invalidation(tenant, "r1", &["/*"])).with_body("<\u{1}a/>");
        rig.send(&rig.signed(call)).refused(400, "MalformedXML");
    });
}

#[test]
fn targets_that_are_no_paths() {
    with_tenant(|rig, _| {
        for line in
            ["OPTIONS * HTTP/1.1", "CONNECT a:1 HTTP/1.1", "GET http://elsewhere HTTP/1.1", "GET / HTTP/1.0"]
        {
            let mut stream = TcpStream::connect(rig.address).unwrap();
            stream.write_all(format!("{line}\r\nhost: a\r\nconnection: close\r\n\r\n").as_bytes()).unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            let status = answer.split(' ').nth(1).unwrap_or_default();
            assert_eq!(status, "403", "{line}: {answer}");
            assert!(answer.contains("<Code>MissingAuthenticationToken</Code>"), "{line}: {answer}");
        }
    });
}

#[test]
fn a_body_of_unknown_length_is_cut_off_too() {
    let rig = Rig::start_with(|options| options.require_signatures = false);
    let mut stream = TcpStream::connect(rig.address).unwrap();
    let head = "POST /2020-05-31/distribution HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    let chunk = [b"100000\r\n".as_slice(), &vec![b' '; 0x10_0000], b"\r\n"].concat();
    for _ in 0..=API_BODY_BYTES_MAX / 0x10_0000 {
        stream.write_all(&chunk).unwrap();
    }
    stream.write_all(b"0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("<Code>RequestEntityTooLarge</Code>"), "{answer}");
}

#[test]
fn an_operator_may_do_without_signatures() {
    let rig = Rig::start_with(|options| options.require_signatures = false);
    let reply = rig.send(&rig.request("ListDistributions", json!({})));
    assert_eq!(reply.output("ListDistributions")["DistributionList"]["Quantity"], json!(0));
}

#[test]
fn an_operator_may_pin_the_region() {
    // The test's client signs for eu-west-1.
    let rig = Rig::start_with(|options| options.region = Some("us-east-1".into()));
    rig.call("ListDistributions", json!({})).refused(403, "SignatureDoesNotMatch");
}
