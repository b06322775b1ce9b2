//! Which fields of a response are stored, and which a 304 renews: RFC 9111 sections 3.1 and 3.2.

use super::{From, check, get};

/// Of the message as a whole; what has no value gets one.
const END_TO_END: [(&str, &str, &str); 16] = [
    ("Test-Header", "a", "b"),
    ("X-Test-Header", "a", "b"),
    ("Content-Foo", "a", "b"),
    ("X-Content-Foo", "a", "b"),
    ("Cache-Control", "max-age=1", "max-age=3600"),
    ("Content-Location", "/foo", "/bar"),
    ("Content-MD5", "rL0Y20zC+Fzt72VPzMSk2A==", "N7UdGUp1E+RbVvZSTy1R8g=="),
    ("Content-Security-Policy", "default-src 'self'", "default-src 'self' cdn.example.com"),
    ("Content-Type", "text/plain", "text/plain;charset=utf-8"),
    ("Clear-Site-Data", "cache", "cookies"),
    ("Expires", "Fri, 01 Jan 2038 01:01:01 GMT", "Mon, 11 Jan 2038 11:11:11 GMT"),
    ("Public-Key-Pins", "a", "b"),
    ("Set-Cookie2", "a=b", "a=c"),
    ("X-Frame-Options", "deny", "sameorigin"),
    ("X-XSS-Protection", "1", "1; mode=block"),
    ("X-Unheard-Of", "", "1"),
];

/// Of the stored bytes.
const OF_THE_BYTES: [(&str, &str, &str); 3] = [
    ("Content-Encoding", "x-a", "x-b"),
    ("Content-Range", "bytes 0-9/20", "bytes 0-9/30"),
    ("Content-Length", "5", "10"),
];

fn control(name: &str, value: &'static str) -> &'static str {
    if name == "Cache-Control" { "X-Nothing: 1" } else { value }
}

#[tokio::test]
async fn end_to_end_fields_are_stored() {
    for (name, _, value) in END_TO_END.into_iter().chain(OF_THE_BYTES).chain([("ETag", "", "\"a\"")]) {
        let line = format!("{name}: {value}");
        let answers = ["Date: {0}", &line, control(name, "Cache-Control: max-age=3600")];
        check(&line, &[get(&answers).pause(), get(&[]).from(From::Store).gets(name, value)]).await;
    }
}

#[tokio::test]
async fn fields_for_one_hop_are_not_stored() {
    for (name, value) in [
        ("Connection", "x-a"),
        ("Keep-Alive", "timeout=9"),
        ("Proxy-Authenticate", "Basic"),
        ("Proxy-Authentication-Info", "nextnonce=a"),
        ("Proxy-Authorization", "x"),
        ("Proxy-Connection", "keep-alive"),
        ("TE", "trailers"),
        ("Upgrade", "x"),
    ] {
        let line = format!("{name}: {value}");
        let answers = ["Cache-Control: max-age=3600", &line];
        check(&line, &[get(&answers).pause(), get(&[]).from(From::Store).lacks(name)]).await;
    }
    let answers = ["Cache-Control: max-age=3600", "Connection: a, b", "A: 1", "B: 2", "C: 3"];
    check("listed", &[get(&answers), get(&[]).from(From::Store).lacks("a").lacks("b").gets("c", "3")]).await;
    // A cookie is for one viewer: the response is not stored at all.
    let answers = ["Cache-Control: max-age=3600", "Set-Cookie: a=b"];
    check("Set-Cookie", &[get(&answers), get(&[]).from(From::Origin)]).await;
}

#[tokio::test]
async fn a_304_renews_what_it_has() {
    let (date, modified) = ("Date: {0}", "Last-Modified: Wed, 01 Jan 2020 00:00:00 GMT");
    let exchanges = [
        get(&["Cache-Control: max-age=2", modified, date, "Test-Header: a"]).pause(),
        get(&[modified, date]).from(From::Validated("if-modified-since")).gets("test-header", "a"),
    ];
    check("a field that the 304 does not have", &exchanges).await;
    for (name, old, new) in END_TO_END {
        renewed(name, old, new, new).await;
    }
    for (name, old, new) in OF_THE_BYTES {
        renewed(name, old, new, old).await;
    }
}

async fn renewed(name: &'static str, old: &'static str, new: &str, expected: &str) {
    let (old, new) = (format!("{name}: {old}"), format!("{name}: {new}"));
    let (etag, lasting) = ("ETag: \"a\"", control(name, "Cache-Control: max-age=2"));
    let exchanges = [
        get(&["Date: {0}", &old, etag, lasting]).pause(),
        get(&["Date: {0}", &new, etag, lasting]).from(From::Validated("if-none-match")).gets(name, expected),
        get(&[]).from(From::Store).gets(name, expected),
    ];
    check(&new, &exchanges).await;
}
