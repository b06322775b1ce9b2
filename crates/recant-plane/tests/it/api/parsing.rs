//! What a request costs before and while it is read (PURGE.md section 6.2, list C: the numbers stand at the tests). The others of the list,
//! and where they are: docs/attacks.md.

use std::io::{Read, Write};
use std::net::TcpStream;

use recant_core::limits::{API_BODY_BYTES_MAX, PATH_CHARS_MAX};
use serde_json::json;

use super::rig::{Call, PATIENCE, Reply, Rig, invalidation};

const CREATE: &str = "CreateInvalidationForDistributionTenant";

/// A plane with a tenant, and what it answers to a body.
fn ask(rig: &Rig, tenant: &str, body: impl Into<Vec<u8>>) -> Reply {
    let call = rig.request(CREATE, invalidation(tenant, "r", &["/*"])).with_body(body);
    rig.send(&rig.signed(call))
}

/// A batch, one of its parts replaced.
fn batch(from: &str, to: &str) -> String {
    let whole = "<InvalidationBatch><Paths><Quantity>1</Quantity><Items><Path>/a</Path></Items></Paths>\
                 <CallerReference>r</CallerReference></InvalidationBatch>";
    assert!(whole.contains(from));
    whole.replacen(from, to, 1)
}

#[test]
fn documents_that_are_too_much() {
    // 22, 23.
    let rig = Rig::start();
    let tenant = rig.tenant(&rig.distribution(), "one");
    let refused = |body: Vec<u8>, code: &str| ask(&rig, &tenant, body).refused(400, code);
    let laughs: String = (1..9).map(|n| format!("<!ENTITY l{n} \"&l{0};&l{0};&l{0};\">", n - 1)).collect();
    let laughs = format!("<!DOCTYPE x [<!ENTITY l0 \"ha\">{laughs}]>{}", batch("/a", "&l8;"));
    refused(laughs.into_bytes(), "MalformedXML");
    let outside = "<!DOCTYPE x [<!ENTITY f SYSTEM \"file:///etc/hostname\">]>";
    refused(format!("{outside}{}", batch("/a", "&f;")).into_bytes(), "MalformedXML");
    refused(
        format!("<!DOCTYPE x SYSTEM \"http://127.0.0.1/x.dtd\">{}", batch("/a", "/b")).into_bytes(),
        "MalformedXML",
    );

    let deep = batch("<Quantity>", &format!("{}<Quantity>", "<a>".repeat(100_000)));
    refused(deep.into_bytes(), "InvalidArgument");
    let long = batch(">r<", &format!(">{}<", "x".repeat(8_000_000)));
    refused(long.into_bytes(), "InvalidArgument");
    refused(batch("/a", "/\0").into_bytes(), "MalformedXML");
    let wide: Vec<u8> = batch("/a", "/b").encode_utf16().flat_map(u16::to_le_bytes).collect();
    refused([b"\xff\xfe".to_vec(), wide].concat(), "MalformedXML");
    // A million attributes say nothing, and a mark of the byte order neither.
    let attributes: String = (0..1_000_000).map(|n| format!(" a{n}=''")).collect();
    let attributes = batch("<Paths>", &format!("<Paths{attributes}>"));
    assert_eq!(ask(&rig, &tenant, attributes).status, 201);
    assert_eq!(ask(&rig, &tenant, format!("\u{feff}{}", batch("/a", "/a"))).status, 201);
}

#[test]
fn quantities_that_are_none() {
    // 24.
    let rig = Rig::start();
    let tenant = rig.tenant(&rig.distribution(), "one");
    let quantity = |text: &str| ask(&rig, &tenant, batch("<Quantity>1", &format!("<Quantity>{text}")));
    for text in ["-1", "0", "2", "2147483647"] {
        quantity(text).refused(400, "InconsistentQuantities");
    }
    for text in ["2147483648", "-2147483649", "9999999999999999999", "1e0", "", "NaN"] {
        quantity(text).refused(400, "MalformedXML");
    }
}

#[test]
fn a_body_that_is_too_long_is_refused_before_it_comes() {
    // 25.
    let rig = Rig::start();
    let tenant = rig.tenant(&rig.distribution(), "one");
    let call = rig.request(CREATE, invalidation(&tenant, "r", &["/*"])).with_body(Vec::new());
    let call = rig.signed(call);
    let head = String::from_utf8(call.to_bytes()).unwrap();
    for length in [API_BODY_BYTES_MAX as u64 + 1, 1 << 62] {
        let head =
            head.replace("content-length: 0", &format!("content-length: {length}\r\nexpect: 100-continue"));
        let mut stream = TcpStream::connect(rig.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        // Not a byte of the body is sent.
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        Reply::parse(&answer).refused(413, "BatchTooLarge");
    }
}

#[test]
fn a_compressed_body_is_not_unpacked() {
    // 26.
    let rig = Rig::start();
    let tenant = rig.tenant(&rig.distribution(), "one");
    // A gzip member, as `printf '<x/>' | gzip` begins.
    let packed = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xb3\xa9\xd0\xb7\x03\x00";
    for coding in ["gzip", "br", "deflate", "zstd"] {
        let mut call = rig.request(CREATE, invalidation(&tenant, "r", &["/*"])).with_body(packed);
        call.headers.push(("content-encoding".into(), coding.into()));
        rig.send(&rig.signed(call)).refused(400, "MalformedXML");
    }
}

#[test]
fn a_head_that_does_not_end_is_given_up() {
    // 27: the end of the body and of the reading are `http/body.rs`'s and `http/patient.rs`'s.
    let rig = Rig::start();
    let heads = ["", "GET /", "GET /2020-05-31/distribution HTTP/1.1\r\nhost: a\r\nx: "];
    let streams = heads.map(|head| {
        let mut stream = TcpStream::connect(rig.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        (head, stream)
    });
    for (head, mut stream) in streams {
        // The plane ends the connection, with an answer or without; until then this waits.
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        assert!(!answer.starts_with(b"HTTP/1.1 2"), "{head:?}");
    }
}

#[test]
fn paths_at_their_bounds() {
    // 28.
    let rig = Rig::start();
    let tenant = rig.tenant(&rig.distribution(), "one");
    let mut made = 0;
    let mut create = |path: &str| {
        made += 1;
        rig.call(CREATE, invalidation(&tenant, &made.to_string(), &[path]))
    };
    let long = |chars: usize| format!("/{}", "a".repeat(chars - 1));
    for good in [long(PATH_CHARS_MAX).as_str(), "/a*", "/*", "/", "/a%zz", "/%", "/a?b=%", "#tag", "/é"] {
        assert_eq!(create(good).status, 201, "{good}");
    }
    for bad in [
        long(PATH_CHARS_MAX + 1).as_str(),
        "/a*b",
        "/*/a",
        "a",
        "",
        "#",
        "#a*",
        "#a b",
        "/a\u{7f}",
        "/a\tb",
        &format!("#{}", "a".repeat(257)),
    ] {
        create(bad).refused(400, "InvalidArgument");
    }
}

#[test]
fn the_api_speaks_no_http2() {
    // 31: so there is nothing to flood.
    let rig = Rig::start();
    let mut stream = TcpStream::connect(rig.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").unwrap();
    let mut answer = Vec::new();
    // The connection ends, however.
    let _ = stream.read_to_end(&mut answer);
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 4"), "{:?}", String::from_utf8_lossy(&answer));
    let call = Call {
        method: "GET".into(),
        path: "/2020-05-31/distribution".into(),
        query: String::new(),
        headers: vec![
            ("host".into(), rig.address.to_string()),
            ("connection".into(), "upgrade, http2-settings".into()),
            ("upgrade".into(), "h2c".into()),
            ("http2-settings".into(), "AAMAAABkAAQAAP__".into()),
        ],
        body: Vec::new(),
    };
    let list = rig.send(&rig.signed(call)).output("ListDistributions");
    assert_eq!(list["DistributionList"]["Quantity"], json!(0));
}
