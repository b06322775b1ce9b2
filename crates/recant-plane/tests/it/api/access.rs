//! Keys and their policies, rates, and the audit log (PURGE.md section 6.2, lists A and B: the numbers stand at the tests).

use std::num::NonZeroU32;

use recant_core::audit::{self, AuditEntry, AuditRecord, Verdict};
use recant_core::entry::Hash;
use recant_core::rate::Rate;
use recant_plane::{AuditLevel, clock};
use recant_wire::sigv4::Credentials;
use serde_json::{Value, json};

use super::rig::{Call, Reply, Rig, invalidation, tenant_config};

/// A call of our own API, not yet signed.
fn own(rig: &Rig, method: &str, target: &str, body: &Value) -> Call {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    Call {
        method: method.into(),
        path: format!("/recant/v1/{path}"),
        query: query.into(),
        headers: vec![("host".into(), rig.address.to_string())],
        body: if body.is_null() { Vec::new() } else { body.to_string().into_bytes() },
    }
}

/// Calls our own API with the root key; the answer as JSON.
#[track_caller]
pub(crate) fn ask(rig: &Rig, method: &str, target: &str, body: &Value, status: u16) -> Value {
    let reply = rig.send(&rig.signed(own(rig, method, target, body)));
    assert_eq!(reply.status, status, "{method} {target}: {}", reply.body);
    if reply.body.is_empty() { Value::Null } else { serde_json::from_str(&reply.body).unwrap() }
}

/// A key with these statements.
pub(crate) fn key(rig: &Rig, statements: &Value) -> Credentials {
    let body = json!({"Name": "ci", "Policy": {"Version": "2012-10-17", "Statement": statements}});
    let made = ask(rig, "POST", "keys", &body, 201);
    let text = |member: &str| made["Key"][member].as_str().unwrap().to_owned();
    Credentials {
        access_key_id: text("AccessKeyId"),
        secret_access_key: text("SecretAccessKey"),
        session_token: None,
    }
}

fn tenant_arn(id: &str) -> String {
    format!("arn:aws:cloudfront::000000000000:distribution-tenant/{id}")
}

/// A key that may do everything to one tenant.
pub(crate) fn key_of(rig: &Rig, tenant: &str) -> Credentials {
    key(rig, &json!([{"Effect": "Allow", "Action": "cloudfront:*", "Resource": tenant_arn(tenant)}]))
}

pub(crate) fn call_as(rig: &Rig, key: &Credentials, operation: &str, input: Value) -> Reply {
    rig.send(&rig.request(operation, input).signed(key, clock::wall_now()))
}

#[test]
fn a_key_reaches_its_own_tenant_only() {
    // 15, 17, 18.
    let rig = Rig::start();
    let distribution = rig.distribution();
    let (mine, other) = (rig.tenant(&distribution, "mine"), rig.tenant(&distribution, "other"));
    let key = key_of(&rig, &mine);
    let allowed = |operation: &str, input: Value| {
        call_as(&rig, &key, operation, input).output(operation);
    };
    let denied = |operation: &str, input: Value| {
        let message = call_as(&rig, &key, operation, input.clone()).refused(403, "AccessDenied");
        assert!(message.contains(&format!("cloudfront:{operation}")), "{message}");
    };
    let made =
        call_as(&rig, &key, "CreateInvalidationForDistributionTenant", invalidation(&mine, "r", &["/a"]));
    let made = made.output("CreateInvalidationForDistributionTenant")["Invalidation"]["Id"].clone();
    for name in [mine.clone(), "mine".into(), tenant_arn(&mine)] {
        allowed("GetDistributionTenant", json!({"Identifier": name}));
    }
    allowed("ListInvalidationsForDistributionTenant", json!({"Id": mine}));
    allowed("GetInvalidationForDistributionTenant", json!({"DistributionTenantId": mine, "Id": made}));

    // However the other one is named, and whether it is there or not.
    for name in [other.clone(), "other".into(), tenant_arn(&other), "nobody".into(), format!("{mine}0")] {
        denied("GetDistributionTenant", json!({"Identifier": name}));
    }
    for id in [&other, &format!("{mine}0"), &mine.to_lowercase()] {
        denied("CreateInvalidationForDistributionTenant", invalidation(id, "r", &["/a"]));
        denied("ListInvalidationsForDistributionTenant", json!({"Id": id}));
        denied("GetInvalidationForDistributionTenant", json!({"DistributionTenantId": id, "Id": made}));
    }
    denied("ListDistributionTenants", json!({}));
    denied("CreateDistributionTenant", tenant_config(&distribution, "third"));
    // Nor does a tenant move to a distribution that the key may not use.
    denied(
        "UpdateDistributionTenant",
        json!({"Id": mine, "IfMatch": "E1", "DistributionId": distribution, "Enabled": false}),
    );
    let forbidden = own(&rig, "GET", "keys", &Value::Null).signed(&key, clock::wall_now());
    assert_eq!(rig.send(&forbidden).status, 403);
}

#[test]
fn a_deny_beats_an_allow() {
    // 16.
    let rig = Rig::start();
    let distribution = rig.distribution();
    let (free, kept) = (rig.tenant(&distribution, "free"), rig.tenant(&distribution, "kept"));
    let key = key(
        &rig,
        &json!([
            {"Effect": "Allow", "Action": "*", "Resource": "*"},
            {"Sid": "Frozen", "Effect": "Deny", "Action": "cloudfront:Create*", "Resource": tenant_arn(&kept)},
        ]),
    );
    let create = "CreateInvalidationForDistributionTenant";
    call_as(&rig, &key, create, invalidation(&free, "r", &["/a"])).output(create);
    let message = call_as(&rig, &key, create, invalidation(&kept, "r", &["/a"])).refused(403, "AccessDenied");
    assert!(message.contains("explicit deny") && message.contains("'Frozen'"), "{message}");
}

#[test]
fn a_key_stops_at_once() {
    // 11.
    let rig = Rig::start();
    let tenant = rig.tenant(&rig.distribution(), "shop");
    let key = key_of(&rig, &tenant);
    let get = || call_as(&rig, &key, "GetDistributionTenant", json!({"Identifier": tenant}));
    let target = format!("keys/{}", key.access_key_id);
    let set = |status: &str| ask(&rig, "PUT", &target, &json!({"Status": status}), 200);
    assert_eq!(get().status, 200);
    assert_eq!(set("Inactive")["Key"]["Status"], "Inactive");
    get().refused(403, "InvalidClientTokenId");
    set("Active");
    assert_eq!(get().status, 200);
    let nothing = json!({"Policy": {"Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}}});
    ask(&rig, "PUT", &target, &nothing, 200);
    get().refused(403, "AccessDenied");
    ask(&rig, "DELETE", &target, &Value::Null, 204);
    get().refused(403, "InvalidClientTokenId");
    assert_eq!(ask(&rig, "DELETE", &target, &Value::Null, 404)["Code"], "EntityNotFound");
}

#[test]
fn keys_are_listed_without_their_secrets() {
    let rig = Rig::start();
    let made: Vec<String> = (0..3).map(|_| key_of(&rig, "dt_1").access_key_id).collect();
    let (mut listed, mut marker) = (Vec::new(), String::new());
    loop {
        let page = ask(&rig, "GET", &format!("keys?MaxItems=2{marker}"), &Value::Null, 200);
        for key in page["Keys"].as_array().unwrap() {
            assert_eq!(key.get("SecretAccessKey"), None);
            assert_eq!(key["Policy"]["Statement"][0]["Action"], "cloudfront:*");
            listed.push(key["AccessKeyId"].as_str().unwrap().to_owned());
        }
        let Some(next) = page["NextMarker"].as_str() else { break };
        marker = format!("&Marker={next}");
    }
    let mut wanted = made;
    wanted.sort_unstable();
    assert_eq!(listed, wanted);
}

#[test]
fn the_root_key_is_shown_and_left_alone() {
    let rig = Rig::start();
    let id = &rig.credentials.access_key_id;
    let root = json!({"AccessKeyId": id, "Name": "root", "Status": "Active", "IsRoot": true});
    assert_eq!(ask(&rig, "GET", "keys", &Value::Null, 200)["RootKey"], root);
    let target = format!("keys/{id}");
    assert_eq!(ask(&rig, "GET", &target, &Value::Null, 200)["Key"], root);
    for (method, body) in [("PUT", json!({"Status": "Inactive"})), ("DELETE", Value::Null)] {
        let answer = ask(&rig, method, &target, &body, 400);
        assert!(answer["Message"].as_str().unwrap().contains("it is the root key"), "{answer}");
    }
    let other = key_of(&rig, "dt_1").access_key_id;
    let shown = ask(&rig, "GET", &format!("keys/{other}"), &Value::Null, 200);
    assert_eq!((&shown["Key"]["IsRoot"], shown["Key"].get("SecretAccessKey")), (&json!(false), None));
    assert_eq!(ask(&rig, "GET", "keys/AKIANOBODY", &Value::Null, 404)["Code"], "EntityNotFound");
}

#[test]
fn what_a_key_cannot_be_is_said() {
    let rig = Rig::start();
    let refuse = |body: Value, expected: &str| {
        let answer = ask(&rig, "POST", "keys", &body, 400);
        assert_eq!(answer["Code"], "InvalidArgument");
        assert!(answer["Message"].as_str().unwrap().contains(expected), "{body}: {answer}");
    };
    let allow = |action: &str| json!({"Statement": {"Effect": "Allow", "Action": action, "Resource": "*"}});
    refuse(Value::Null, "Name is missing");
    refuse(json!({"Name": "x"}), "Policy is missing");
    refuse(json!({"Name": "", "Policy": allow("*")}), "Name is missing");
    refuse(json!({"Name": "a\nb", "Policy": allow("*")}), "without control characters");
    refuse(json!({"Name": "x", "Policy": "{"}), "Policy: EOF");
    refuse(json!({"Name": "x", "Policy": allow("cloudfront:CreatInvalidation")}), "names no action");
    refuse(json!({"Name": "x", "Policy": allow("s3:*")}), "of another service");
    refuse(json!({"Name": "x", "Policy": allow("*"), "Rights": "all"}), "'Rights' is no member of CreateKey");
    refuse(json!([]), "no JSON object");
    // IAM's way: the document as a text.
    let text = allow("cloudfront:Get*").to_string();
    ask(&rig, "POST", "keys", &json!({"Name": "x", "Policy": text}), 201);
    assert_eq!(ask(&rig, "GET", "nothing", &Value::Null, 404)["Code"], "UnknownOperationException");
}

#[test]
fn a_dry_run_judges_like_a_create_and_changes_nothing() {
    let rig = Rig::start();
    let distribution = rig.distribution();
    let (mine, other) = (rig.tenant(&distribution, "mine"), rig.tenant(&distribution, "other"));
    let target = |tenant: &str| format!("distribution-tenants/{tenant}/invalidation-dry-run");
    let items = json!({"Items": ["/a*", "#tag"]});
    let answer = ask(&rig, "POST", &target("mine"), &items, 200);
    // There is no edge, so nothing is stored anywhere.
    let expected = json!({"DistributionTenantId": mine, "StoredResponses": 0, "Edges": [], "Unanswered": []});
    assert_eq!(answer, expected);
    let list = rig.ok("ListInvalidationsForDistributionTenant", json!({"Id": mine}));
    assert_eq!(list["InvalidationList"]["Quantity"], 0);

    for (body, status, code, expected) in [
        (json!({"Items": ["a"]}), 400, "InvalidArgument", "Path 1 ('a')"),
        (json!({"Items": []}), 400, "InvalidArgument", "InvalidationBatch"),
        (json!({"Items": "/a"}), 400, "InvalidArgument", "no list of texts"),
        (json!({"Items": [1]}), 400, "InvalidArgument", "no list of texts"),
        (json!({"Items": vec!["/a"; 3_001]}), 413, "BatchTooLarge", "3001"),
        (json!({"Paths": ["/a"]}), 400, "InvalidArgument", "'Paths' is no member"),
    ] {
        let answer = ask(&rig, "POST", &target(&mine), &body, status);
        assert_eq!(answer["Code"], code);
        assert!(answer["Message"].as_str().unwrap().contains(expected), "{answer}");
    }
    assert_eq!(ask(&rig, "POST", &target("nobody"), &items, 404)["Code"], "EntityNotFound");

    let policy = json!([{"Effect": "Allow", "Action": "recant:Count*", "Resource": tenant_arn(&mine)}]);
    let key = key(&rig, &policy);
    for (tenant, status) in [(mine.as_str(), 200), ("mine", 200), (other.as_str(), 403), ("other", 403)] {
        let call = own(&rig, "POST", &target(tenant), &items).signed(&key, clock::wall_now());
        assert_eq!(rig.send(&call).status, status, "{tenant}");
    }
}

#[test]
fn whoever_asks_too_often_waits_and_nobody_else_does() {
    let one = NonZeroU32::MIN;
    let rig = Rig::start_with(|options| {
        options.admission.tenant_rate = Some(Rate { per_second: one, burst: one });
    });
    let distribution = rig.distribution();
    let (busy, calm) = (rig.tenant(&distribution, "busy"), rig.tenant(&distribution, "calm"));
    let get = |tenant: &str| rig.call("GetDistributionTenant", json!({"Identifier": tenant}));
    assert_eq!(get(&busy).status, 200);
    let refused =
        (0..100).map(|_| get(&busy)).find(|reply| reply.status != 200).expect("a second has not passed");
    refused.refused(400, "Throttling");
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(get(&calm).status, 200);
    let limits = ask(&rig, "GET", "limits", &Value::Null, 200);
    assert_eq!(limits["RequestsPerTenant"], json!({"PerSecond": 1, "Burst": 1}));
    assert_eq!(limits.get("RequestsPerKey"), None);
}

#[test]
fn long_paths_count_for_more_than_short_ones_and_for_one_tenant_only() {
    let number = |n| NonZeroU32::new(n).unwrap();
    let rig = Rig::start_with(|options| {
        options.path_bytes_rate = Some(Rate { per_second: number(1_000), burst: number(10_000) });
    });
    let distribution = rig.distribution();
    let (busy, calm) = (rig.tenant(&distribution, "busy"), rig.tenant(&distribution, "calm"));
    let long = |letter: &str| format!("/{}", letter.repeat(3_000));
    let create = |tenant: &str, reference: &str, paths: &[&str]| {
        rig.call("CreateInvalidationForDistributionTenant", invalidation(tenant, reference, paths))
    };
    let (a, b, c) = (long("a"), long("b"), long("c"));
    assert_eq!(create(&busy, "1", &[&a, &b, &c]).status, 201);
    let refused = create(&busy, "2", &[&a, &b, &c]);
    refused.refused(400, "Throttling");
    assert_ne!(refused.header("retry-after"), "");
    assert_eq!(create(&busy, "3", &["/short"]).status, 201);
    assert_eq!(create(&calm, "2", &[&a, &b, &c]).status, 201);
    let limits = ask(&rig, "GET", "limits", &Value::Null, 200);
    assert_eq!(limits["PathBytesPerTenant"], json!({"PerSecond": 1_000, "Burst": 10_000}));
}

#[test]
fn the_audit_log_tells_what_was_decided() {
    let rig = Rig::start_with(|options| options.admission.audit = AuditLevel::Changes);
    let tenant = rig.tenant(&rig.distribution(), "shop");
    let key = key_of(&rig, &tenant);
    let get = json!({"Identifier": tenant});
    assert_eq!(call_as(&rig, &key, "GetDistributionTenant", get.clone()).status, 200);
    let denied = call_as(&rig, &key, "ListDistributionTenants", json!({}));
    denied.refused(403, "AccessDenied");
    let forged = Credentials { secret_access_key: "x".repeat(40), ..key.clone() };
    call_as(&rig, &forged, "GetDistributionTenant", get).refused(403, "SignatureDoesNotMatch");
    let stranger = Credentials { access_key_id: "AKIANOBODY".into(), ..forged };
    call_as(&rig, &stranger, "ListDistributions", json!({})).refused(403, "InvalidClientTokenId");

    let (entries, records) = read_audit(&rig);
    audit::check(0, Hash::START, &entries).unwrap();
    let told: Vec<(&str, &Verdict)> =
        records.iter().map(|record| (record.action.as_str(), &record.decision)).collect();
    let (yes, no) = (&Verdict::Allowed, &Verdict::ImplicitDeny);
    let forged = &Verdict::NotAuthenticated("SignatureDoesNotMatch".to_owned());
    assert_eq!(
        told,
        [
            ("cloudfront:CreateDistribution", yes),
            ("cloudfront:CreateDistributionTenant", yes),
            ("recant:CreateKey", yes),
            ("cloudfront:ListDistributionTenants", no),
            ("cloudfront:GetDistributionTenant", forged),
        ]
    );
    assert_eq!(records[3].request_id, denied.header("x-amzn-requestid"));
    assert_eq!(records[3].access_key_id.as_deref(), Some(key.access_key_id.as_str()));
    assert!(entries.iter().all(|entry| !entry.text.contains(&key.secret_access_key)));
}

/// The audit log, as the API gives it.
fn read_audit(rig: &Rig) -> (Vec<AuditEntry>, Vec<AuditRecord>) {
    let page = ask(rig, "GET", "audit?After=0&MaxItems=1000", &Value::Null, 200);
    let entry = |record: &Value| {
        let link = record["Link"].as_str().unwrap();
        let byte = |at: usize| u8::from_str_radix(&link[2 * at..2 * at + 2], 16).unwrap();
        AuditEntry {
            number: record["Number"].as_u64().unwrap(),
            link: Hash(std::array::from_fn(byte)),
            text: record["Text"].as_str().unwrap().to_owned(),
        }
    };
    let entries: Vec<AuditEntry> = page["Records"].as_array().unwrap().iter().map(entry).collect();
    let records = entries.iter().map(|entry| serde_json::from_str(&entry.text).unwrap()).collect();
    (entries, records)
}
