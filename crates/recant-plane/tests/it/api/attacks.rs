//! Attacks on authentication and authorisation, on the wire (PURGE.md section 6.2, lists A and B: the numbers stand at
//! the tests). The others of both lists, and where they are: docs/attacks.md.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::mpsc;
use std::thread;

use recant_core::limits::{API_BODIES_PER_KEY_BYTES_MAX, API_BODY_BYTES_MAX};
use recant_core::time::WallTime;
use recant_plane::{DistributionInvalidations, clock};
use recant_wire::sigv4::Credentials;
use serde_json::{Value, json};

use super::access::{ask, call_as, key, key_of};
use super::rig::{Call, PATIENCE, Reply, Rig, invalidation, tenant_config};

const CREATE: &str = "CreateInvalidationForDistributionTenant";
const LIST: &str = "ListInvalidationsForDistributionTenant";

fn quantity(rig: &Rig, tenant: &str) -> Value {
    rig.ok(LIST, json!({"Id": tenant}))["InvalidationList"]["Quantity"].clone()
}

#[test]
fn credentials_in_more_than_one_place() {
    // 3, 4.
    let rig = Rig::start();
    let tenant = rig.tenant(&rig.distribution(), "shop");
    let signed = || rig.signed(rig.request(CREATE, invalidation(&tenant, "r", &["/*"])));
    let authorization = |call: &Call| {
        let (_, value) = call.headers.iter().find(|(name, _)| name == "authorization").unwrap();
        value.clone()
    };
    let again = |name: &str, value: String| {
        let mut call = signed();
        call.headers.push((name.to_owned(), value));
        rig.send(&call)
    };
    let own = authorization(&signed());
    for other in [own.clone(), "Basic dXNlcjpwYXNz".into(), "AWS4-HMAC-SHA256 Credential=a".into()] {
        again("Authorization", other).refused(400, "IncompleteSignature");
    }
    for (name, value) in [("Host", "elsewhere"), ("X-Amz-Date", "20260101T000000Z")] {
        again(name, value.to_owned()).refused(400, "IncompleteSignature");
    }
    for parameter in ["X-Amz-Signature=0", "x-amz-credential=a", "X-Amz-%41lgorithm=AWS4-HMAC-SHA256"] {
        let mut call = rig.request(CREATE, invalidation(&tenant, "r", &["/*"]));
        call.query = parameter.to_owned();
        rig.send(&rig.signed(call)).refused(400, "IncompleteSignature");
    }
    for payload in
        ["UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"]
    {
        let mut call = rig.request(CREATE, invalidation(&tenant, "r", &["/*"]));
        call.headers.push(("x-amz-content-sha256".into(), payload.into()));
        rig.send(&rig.signed(call)).refused(403, "SignatureDoesNotMatch");
    }
    assert_eq!(quantity(&rig, &tenant), 0);
}

#[test]
fn bodies_that_nobody_signed_take_no_more_than_a_keys_room() {
    // 10: a key's id is not secret.
    let rig = Rig::start();
    let mut call = rig.request("CreateDistributionTenant", tenant_config("E1", "t"));
    call.body = vec![b'x'; API_BODY_BYTES_MAX];
    let call = call.signed(
        &Credentials { secret_access_key: "x".repeat(40), ..rig.credentials.clone() },
        clock::wall_now(),
    );
    let bytes = call.to_bytes();
    let (sent, last) = bytes.split_at(bytes.len() - 1);
    let bodies = API_BODIES_PER_KEY_BYTES_MAX / API_BODY_BYTES_MAX + 1;
    let streams: Vec<TcpStream> = (0..bodies)
        .map(|_| {
            let stream = TcpStream::connect(rig.address).unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            stream
        })
        .collect();
    let (tell, told) = mpsc::channel();
    thread::scope(|scope| {
        for (n, mut stream) in streams.iter().enumerate() {
            let tell = tell.clone();
            scope.spawn(move || {
                stream.write_all(sent).unwrap();
                let mut answer = Vec::new();
                stream.read_to_end(&mut answer).unwrap();
                tell.send((n, Reply::parse(&answer))).unwrap();
            });
        }
        // One too many is told so while the others still send.
        let (refused, reply) = told.recv_timeout(PATIENCE).unwrap();
        reply.refused(503, "ServiceUnavailable");
        assert_eq!(reply.header("retry-after"), "1");
        // Who is short finds room meanwhile.
        assert_eq!(rig.call("ListDistributions", json!({})).status, 200);
        rig.distribution();
        for (n, mut stream) in streams.iter().enumerate().filter(|(n, _)| *n != refused) {
            stream.write_all(last).unwrap_or_else(|error| panic!("{n}: {error}"));
        }
        for _ in 1..bodies {
            told.recv_timeout(PATIENCE).unwrap().1.refused(403, "SignatureDoesNotMatch");
        }
    });
    // What they had is there again.
    assert_eq!(rig.send(&rig.signed(call)).status, 400);
}

#[test]
fn a_replay_changes_nothing() {
    // 6: on the connection that it was seen on, and on another.
    let rig = Rig::start();
    let tenant = rig.tenant(&rig.distribution(), "shop");
    let call = rig.signed(rig.request(CREATE, invalidation(&tenant, "r", &["/*"])));
    let bytes = String::from_utf8(call.to_bytes()).unwrap().replace("connection: close\r\n", "");
    let mut stream = BufReader::new(TcpStream::connect(rig.address).unwrap());
    stream.get_ref().set_read_timeout(Some(PATIENCE)).unwrap();
    let ids: Vec<String> = (0..2)
        .map(|_| {
            stream.get_mut().write_all(bytes.as_bytes()).unwrap();
            id_in(&mut stream)
        })
        .collect();
    let elsewhere = rig.send(&call).output(CREATE)["Invalidation"]["Id"].clone();
    assert_eq!(json!(ids), json!([elsewhere, elsewhere]));
    assert_eq!(quantity(&rig, &tenant), 1);
}

/// Reads one response of a connection that goes on; the id in its body.
fn id_in(stream: &mut BufReader<TcpStream>) -> String {
    let mut length = None;
    loop {
        let mut line = String::new();
        assert_ne!(stream.read_line(&mut line).unwrap(), 0, "the connection has ended");
        match line.trim().split_once(": ") {
            Some(("content-length", value)) => length = Some(value.parse().unwrap()),
            None if line.trim().is_empty() => break,
            _ => {}
        }
    }
    let mut body = vec![0; length.expect("a response has a length")];
    stream.read_exact(&mut body).unwrap();
    let body = String::from_utf8(body).unwrap();
    let (_, rest) = body.split_once("<Id>").unwrap_or_else(|| panic!("{body}"));
    rest.split_once("</Id>").unwrap().0.to_owned()
}

#[test]
fn a_signature_is_for_one_spelling_of_the_target() {
    // 8: what was signed for one path or query, sent with another one.
    let rig = Rig::start();
    let distribution = rig.distribution();
    let (mine, other) = (rig.tenant(&distribution, "mine"), rig.tenant(&distribution, "other"));
    let list = |tenant: &str| format!("/2020-05-31/distribution-tenant/{tenant}/invalidation");
    let signed = |path: &str, query: &str| {
        let mut call = rig.request(LIST, json!({"Id": mine}));
        (call.path, call.query) = (path.to_owned(), query.to_owned());
        rig.signed(call)
    };
    let get = signed(&list(&mine), "MaxItems=1");
    assert_eq!(rig.send(&get).status, 200);

    // These have the signed path's canonical form, in which dots and doubled slashes are resolved: the signature is right, and
    // nothing is found. To nothing do they give what is another's.
    for path in [
        format!("/2020-05-31//distribution-tenant/{mine}/invalidation"),
        format!("/2020-05-31/distribution-tenant/{other}/../{mine}/invalidation"),
        format!("/2020-05-31/./distribution-tenant/{mine}/invalidation"),
        format!("/2020-05-31/distribution-tenant/{other}/invalidation/../../{mine}/invalidation"),
    ] {
        let reply = rig.send(&Call { path: path.clone(), ..get.clone() });
        assert!([403, 404].contains(&reply.status), "{path}: {} {}", reply.status, reply.body);
    }
    for path in [
        list(&other),
        list(&mine).replace("/invalidation", "%2Finvalidation"),
        list(&mine).replace("/2020", "/%32020"),
        format!("{}/", list(&mine)),
        list(&format!("{mine}%00")),
        list(&format!("{mine}%C3%28")),
        list(&mine.to_uppercase()),
    ] {
        let reply = rig.send(&Call { path: path.clone(), ..get.clone() });
        assert_eq!(reply.status, 403, "{path}: {}", reply.body);
    }
    for query in [
        "",
        "MaxItems=2",
        "MaxItems=1&MaxItems=2",
        "MaxItems=1&",
        "maxitems=1",
        "MaxItems=1+",
        "MaxItems=1&Marker=",
        "%FF",
    ] {
        let reply = rig.send(&Call { query: query.to_owned(), ..get.clone() });
        // An empty parameter at the end is none.
        let expected = if query == "MaxItems=1&" { 200 } else { 403 };
        assert_eq!(reply.status, expected, "{query}: {}", reply.body);
    }
    // Signed as they are sent, none of them is an error of the plane's.
    for query in [
        "MaxItems=1&MaxItems=2",
        "MaxItems=+1",
        "MaxItems=%FF",
        "Marker=a%2Fb",
        "Marker=a+b",
        "x=%GG",
        "&&=&",
    ] {
        let reply = rig.send(&signed(&list(&mine), query));
        assert!([200, 400].contains(&reply.status), "{query}: {} {}", reply.status, reply.body);
    }
}

#[test]
fn header_fields_in_odd_forms() {
    // 9: folded (RFC 9112 section 5.2 lets a server refuse it), with spaces, in other cases.
    let rig = Rig::start();
    let signed = rig.signed(rig.request("ListDistributions", json!({})));
    let text = String::from_utf8(signed.to_bytes()).unwrap();
    let status = |text: &str| {
        let mut stream = TcpStream::connect(rig.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(text.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).unwrap_or("none").to_owned()
    };
    assert_eq!(status(&text), "200");
    assert_eq!(status(&text.replace("x-amz-date: ", "X-AMZ-Date:  \t ")), "200");
    assert_eq!(status(&text.replace("x-amz-date: ", "x-amz-date:\r\n ")), "400");
    assert_eq!(status(&text.replace("x-amz-date: ", "x-amz-date : ")), "400");
    assert_eq!(status(&text.replace("host: ", "x-first: 1\r\nhost: ")), "200", "it need not be signed");
    assert_eq!(status(&text.replace("host: ", "x-amz-first: 1\r\nhost: ")), "403", "this must");
}

#[test]
fn the_host_is_the_signed_one() {
    // 13: the API speaks HTTP/1.1 only, so there are no pseudo-header fields that could differ.
    let rig = Rig::start();
    let signed = rig.signed(rig.request("ListDistributions", json!({})));
    let mut moved = signed.clone();
    moved.headers.iter_mut().find(|(name, _)| name == "host").unwrap().1 = "elsewhere".to_owned();
    rig.send(&moved).refused(403, "SignatureDoesNotMatch");
    // RFC 9112 section 3.2.2: of two names the target's counts, and that is not the one that was signed.
    let named = |host: &str| Call { path: format!("http://{host}{}", signed.path), ..signed.clone() };
    assert_eq!(rig.send(&named(&rig.address.to_string())).status, 200);
    let elsewhere = named("elsewhere");
    rig.send(&elsewhere).refused(403, "SignatureDoesNotMatch");
    let mut none = signed;
    none.headers.retain(|(name, _)| name != "host");
    assert!([400, 403].contains(&rig.send(&none).status));

    let mut stream = TcpStream::connect(rig.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").unwrap();
    let mut answer = Vec::new();
    // It may hang up on what follows the preface.
    drop(stream.read_to_end(&mut answer));
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 4"), "{}", String::from_utf8_lossy(&answer));
}

#[test]
fn session_tokens_are_nobodys() {
    // 12: no key here has one, whoever's it is.
    let rig = Rig::start();
    let tenant = rig.tenant(&rig.distribution(), "shop");
    for mut credentials in [rig.credentials.clone(), key_of(&rig, &tenant)] {
        credentials.session_token = Some("token".into());
        call_as(&rig, &credentials, "GetDistributionTenant", json!({"Identifier": tenant}))
            .refused(403, "InvalidClientTokenId");
    }
}

#[test]
fn a_request_counts_from_when_it_was_signed() {
    // 5, with the plane's own clock; to the second it is tested beside the verifier.
    let rig = Rig::start();
    let now = clock::wall_now();
    for (minutes, accepted) in [
        (0, true),
        (4, true),
        (-4, true),
        (6, false),
        (-6, false),
        (14, false),
        (-14, false),
        (16, false),
        (-16, false),
    ] {
        let then = WallTime::from_millis(now.millis() + minutes * 60_000);
        let reply = rig.send(&rig.request("ListDistributions", json!({})).signed(&rig.credentials, then));
        assert_eq!(reply.status == 200, accepted, "{minutes} min: {}", reply.body);
    }
}

#[test]
fn ids_that_look_alike_are_others() {
    // 17.
    let rig = Rig::start();
    let distribution = rig.distribution();
    let tenant = rig.tenant(&distribution, "shop");
    let key = key_of(&rig, &tenant);
    let last = &tenant[tenant.len() - 1..];
    let start = &tenant[..tenant.len() - 1];
    for id in [
        start.to_owned(),
        format!("{start}*"),
        format!("{start}?"),
        format!("{tenant}\u{200b}"),
        format!("{start}\u{ff10}"),
        tenant.replace("dt_", "DT_"),
        format!("{start}{}", if last == "0" { "1" } else { "0" }),
        format!("../distribution-tenant/{tenant}"),
    ] {
        for (operation, input) in [
            ("GetDistributionTenant", json!({"Identifier": id})),
            (LIST, json!({"Id": id})),
            (CREATE, invalidation(&id, "r", &["/*"])),
        ] {
            call_as(&rig, &key, operation, input).refused(403, "AccessDenied");
        }
    }
    assert_eq!(quantity(&rig, &tenant), 0);
}

#[test]
fn what_is_anothers_reads_like_what_is_not_there() {
    // 18, 21: ids and markers of another tenant are told from made-up ones by nothing but themselves.
    let rig = Rig::start();
    let distribution = rig.distribution();
    let (mine, other) = (rig.tenant(&distribution, "mine"), rig.tenant(&distribution, "other"));
    let made =
        |tenant: &str| rig.ok(CREATE, invalidation(tenant, "r", &["/*"]))["Invalidation"]["Id"].clone();
    let (own, foreign) = (made(&mine), made(&other));
    let key = key_of(&rig, &mine);
    let list = |marker: &Value| call_as(&rig, &key, LIST, json!({"Id": mine, "Marker": marker}));
    let get = |id: &Value| {
        let input = json!({"DistributionTenantId": mine, "Id": id});
        call_as(&rig, &key, "GetInvalidationForDistributionTenant", input)
    };
    assert_eq!((list(&own).status, get(&own).status), (200, 200));
    let foreign = foreign.as_str().unwrap();
    let made_up = "I".repeat(foreign.len());
    let told = |id: &str| {
        let id = json!(id);
        let told = [list(&id).refused(400, "InvalidArgument"), get(&id).refused(404, "NoSuchInvalidation")];
        told.map(|message| message.replace(id.as_str().unwrap(), "ID"))
    };
    assert_eq!(told(foreign), told(&made_up));
}

#[test]
fn a_distributions_invalidation_stays_in_the_distribution() {
    // 19: who may invalidate one tenant may not invalidate them all, and all are those of this distribution.
    let rig = Rig::start_with(|options| {
        options.distribution_invalidations = DistributionInvalidations::FanOut;
    });
    let made =
        rig.ok("CreateDistribution", json!({"DistributionConfig": super::rig::distribution_config("e")}));
    let second = made["Distribution"]["Id"].as_str().unwrap().to_owned();
    let first = rig.distribution();
    let (one, two) = (rig.tenant(&first, "one"), rig.tenant(&second, "two"));
    let create = |distribution: &str| {
        let batch = json!({"Paths": {"Quantity": 1, "Items": ["/*"]}, "CallerReference": "r"});
        ("CreateInvalidation", json!({"DistributionId": distribution, "InvalidationBatch": batch}))
    };
    let arn = |id: &str| format!("arn:aws:cloudfront::000000000000:distribution/{id}");
    let of_first = key(&rig, &json!([{"Effect": "Allow", "Action": "*", "Resource": arn(&first)}]));
    for (key, distribution, accepted) in
        [(&key_of(&rig, &one), &first, false), (&of_first, &second, false), (&of_first, &first, true)]
    {
        let (operation, input) = create(distribution);
        let reply = call_as(&rig, key, operation, input);
        assert_eq!(reply.status == 201, accepted, "{}", reply.body);
        if !accepted {
            reply.refused(403, "AccessDenied");
        }
    }
    let listed = |distribution: &str| {
        rig.ok("ListInvalidations", json!({"DistributionId": distribution}))["InvalidationList"]["Quantity"]
            .clone()
    };
    assert_eq!((listed(&first), listed(&second)), (json!(1), json!(0)));
    assert_eq!(quantity(&rig, &two), 0);
}

#[test]
fn a_key_of_a_deleted_tenant_is_not_one_of_its_namesake() {
    // 20.
    let rig = Rig::start();
    let distribution = rig.distribution();
    let old = rig.tenant(&distribution, "shop");
    let key = key_of(&rig, &old);
    let get = || call_as(&rig, &key, "GetDistributionTenant", json!({"Identifier": "shop"}));
    assert_eq!(get().status, 200);
    call_as(&rig, &key, CREATE, invalidation(&old, "r", &["/*"])).output(CREATE);
    let etag = get().header("etag").to_owned();
    let input = json!({"Id": old, "IfMatch": etag, "Enabled": false});
    let changed = rig.call("UpdateDistributionTenant", input);
    let etag = changed.header("etag").to_owned();
    rig.call("DeleteDistributionTenant", json!({"Id": old, "IfMatch": etag}));
    let new = rig.ok("CreateDistributionTenant", tenant_config(&distribution, "shop"));
    let new = new["DistributionTenant"]["Id"].as_str().unwrap();
    assert_ne!(new, old);
    get().refused(403, "AccessDenied");
    call_as(&rig, &key, CREATE, invalidation(new, "r", &["/*"])).refused(403, "AccessDenied");
    assert_eq!(quantity(&rig, new), 0);
    let counted = ask(
        &rig,
        "POST",
        &format!("distribution-tenants/{new}/invalidation-dry-run"),
        &json!({"Items": ["/*"]}),
        200,
    );
    assert_eq!(counted["DistributionTenantId"], new);
}
