//! Keys and their policies, and rates (PURGE.md section 6.2, lists A and B: the numbers stand at the tests).

use std::io::{Read, Write};
use std::net::TcpStream;
use std::num::NonZeroU32;
use std::thread;

use recant_core::rate::Rate;
use recant_plane::clock;
use recant_wire::sigv4::Credentials;
use serde_json::{Value, json};

use super::rig::{Call, PATIENCE, Reply, Rig, invalidation, tenant_config};

/// A call of our own API, not yet signed.
pub(crate) fn own(rig: &Rig, method: &str, target: &str, body: &Value) -> Call {
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

fn arn(kind: &str, id: &str) -> String {
    format!("arn:aws:cloudfront::000000000000:{kind}/{id}")
}

#[test]
fn a_deny_holds_however_its_thing_is_reached() {
    // 16: by ids, names and domains in bodies, and by operations that do what another does.
    let rig = Rig::start();
    let distribution = rig.distribution();
    let etag = |operation: &str, input: Value| rig.call(operation, input).header("etag").to_owned();
    let (kept, free) = (rig.tenant(&distribution, "kept"), rig.tenant(&distribution, "free"));
    for id in [&kept, &free] {
        let if_match = etag("GetDistributionTenant", json!({"Identifier": id}));
        rig.ok("UpdateDistributionTenant", json!({"Id": id, "IfMatch": if_match, "Enabled": false}));
    }
    let of = |tenant: &str| json!({"Identifier": tenant});
    let (of_kept, of_free) =
        (etag("GetDistributionTenant", of(&kept)), etag("GetDistributionTenant", of(&free)));
    let group = rig.ok("CreateConnectionGroup", json!({"Name": "closed"}))["ConnectionGroup"]["Id"].clone();
    let group = group.as_str().unwrap();
    let default =
        rig.ok("GetConnectionGroup", json!({"Identifier": "default"}))["ConnectionGroup"]["Id"].clone();
    let default = default.as_str().unwrap();
    let config = rig.ok("GetDistributionConfig", json!({"Id": distribution}))["DistributionConfig"].clone();
    let of_distribution = etag("GetDistributionConfig", json!({"Id": distribution}));
    let policy = config["DefaultCacheBehavior"]["CachePolicyId"].as_str().unwrap();
    let mut again = config.clone();
    again["CallerReference"] = json!("again");
    let mut in_group = tenant_config(&distribution, "third");
    in_group["ConnectionGroupId"] = json!(group);
    let target = |id: &str| json!({"DistributionTenantId": id});
    let move_ = |domain: &str, to: &str, if_match: &str| json!({"Domain": domain, "TargetResource": target(to), "IfMatch": if_match});
    let copy =
        json!({"PrimaryDistributionId": distribution, "IfMatch": of_distribution, "CallerReference": "copy"});
    let tenant = |id: &str| ("*", tenant_arn(id));
    let policy = || ("*", arn("cache-policy", policy));
    let to_all = |action| (action, "*".to_owned());

    for ((action, resource), operation, input) in [
        (tenant(&kept), "UpdateDomainAssociation", move_("kept.example", &free, &of_free)),
        (tenant(&kept), "UpdateDomainAssociation", move_("KEPT.example", &free, &of_free)),
        (tenant(&kept), "UpdateDomainAssociation", move_("free.example", &kept, &of_kept)),
        (tenant(&kept), "VerifyDnsConfiguration", json!({"Identifier": "kept"})),
        (tenant(&kept), "VerifyDnsConfiguration", json!({"Identifier": kept})),
        (
            tenant(&kept),
            "ListDomainConflicts",
            json!({"Domain": "kept.example", "DomainControlValidationResource": target(&kept)}),
        ),
        (tenant(&kept), "TagResource", json!({"Resource": tenant_arn(&kept), "Tags": {"Items": []}})),
        (("*", arn("connection-group", group)), "CreateDistributionTenant", in_group),
        (
            ("*", arn("connection-group", group)),
            "UpdateDistributionTenant",
            json!({"Id": free, "IfMatch": of_free, "ConnectionGroupId": group}),
        ),
        (
            ("*", arn("connection-group", group)),
            "ListDistributionTenants",
            json!({"AssociationFilter": {"ConnectionGroupId": group}}),
        ),
        // The group that a tenant gets which names none.
        (
            ("*", arn("connection-group", default)),
            "CreateDistributionTenant",
            tenant_config(&distribution, "third"),
        ),
        (
            ("*", arn("distribution", &distribution)),
            "CreateDistributionTenant",
            tenant_config(&distribution, "third"),
        ),
        (
            ("*", arn("distribution", &distribution)),
            "ListDistributionTenants",
            json!({"AssociationFilter": {"DistributionId": distribution}}),
        ),
        (policy(), "CreateDistribution", json!({"DistributionConfig": again})),
        (
            policy(),
            "UpdateDistribution",
            json!({"Id": distribution, "IfMatch": of_distribution, "DistributionConfig": config}),
        ),
        (policy(), "CopyDistribution", copy.clone()),
        (
            policy(),
            "ListDistributionsByCachePolicyId",
            json!({"CachePolicyId": policy().1.rsplit('/').next().unwrap()}),
        ),
        (to_all("cloudfront:CreateDistribution"), "CopyDistribution", copy.clone()),
        (to_all("cloudfront:GetDistribution"), "CopyDistribution", copy.clone()),
        (
            to_all("cloudfront:CreateDistribution"),
            "CreateDistributionWithTags",
            json!({"DistributionConfigWithTags": {"DistributionConfig": again, "Tags": {"Items": []}}}),
        ),
    ] {
        let statements = json!([
            {"Effect": "Allow", "Action": "*", "Resource": "*"},
            {"Effect": "Deny", "Action": action, "Resource": resource},
        ]);
        let reply = call_as(&rig, &key(&rig, &statements), operation, input.clone());
        assert_eq!(reply.status, 403, "{operation} {input} with {statements}: {}", reply.body);
        assert!(reply.refused(403, "AccessDenied").contains("explicit deny"));
    }
    // Nothing of it has happened, and the audit log has the things themselves.
    for (name, id) in [("kept", &kept), ("free", &free)] {
        let there = rig.ok("GetDistributionTenant", json!({"Identifier": id}));
        assert_eq!(there["DistributionTenant"]["Domains"][0]["Domain"], format!("{name}.example"));
    }
    let records = ask(&rig, "GET", "audit?MaxItems=1000", &Value::Null, 200)["Records"].clone();
    let records: Vec<Value> = records
        .as_array()
        .unwrap()
        .iter()
        .map(|it| serde_json::from_str(it["Text"].as_str().unwrap()).unwrap())
        .collect();
    let moves: Vec<_> =
        records.iter().filter(|it| it["Action"] == "cloudfront:UpdateDomainAssociation").collect();
    assert_eq!(moves[0]["Resources"], json!([tenant_arn(&free), tenant_arn(&kept)]));
    assert_eq!(moves.len(), 3);
}

#[test]
fn what_is_named_in_a_body_has_to_be_allowed() {
    // 15.
    let rig = Rig::start();
    let distribution = rig.distribution();
    let (mine, other) = (rig.tenant(&distribution, "mine"), rig.tenant(&distribution, "other"));
    let of =
        |id: &str| rig.call("GetDistributionTenant", json!({"Identifier": id})).header("etag").to_owned();
    let key_ = key_of(&rig, &mine);
    let target = |id: &str| json!({"DistributionTenantId": id});
    let denied = |operation: &str, input: Value| {
        call_as(&rig, &key_, operation, input).refused(403, "AccessDenied");
    };
    let take =
        |domain: &str, to: &str| json!({"Domain": domain, "TargetResource": target(to), "IfMatch": of(to)});
    denied("UpdateDomainAssociation", take("other.example", &mine));
    denied("UpdateDomainAssociation", take("mine.example", &other));
    denied("VerifyDnsConfiguration", json!({"Identifier": "other"}));
    denied("VerifyDnsConfiguration", json!({}));
    denied(
        "ListDomainConflicts",
        json!({"Domain": "mine.example", "DomainControlValidationResource": target(&other)}),
    );
    // One's own, without a right to everything.
    let conflicts = json!({"Domain": "mine.example", "DomainControlValidationResource": target(&mine)});
    call_as(&rig, &key_, "ListDomainConflicts", conflicts).output("ListDomainConflicts");
    call_as(&rig, &key_, "VerifyDnsConfiguration", json!({"Identifier": "mine"}))
        .output("VerifyDnsConfiguration");

    let one = json!([{"Effect": "Allow", "Action": "cloudfront:*", "Resource": arn("distribution", &distribution)}]);
    let one = key(&rig, &one);
    let if_match = rig.call("GetDistribution", json!({"Id": distribution})).header("etag").to_owned();
    let copy = json!({"PrimaryDistributionId": distribution, "IfMatch": if_match, "CallerReference": "copy"});
    let message = call_as(&rig, &one, "CopyDistribution", copy).refused(403, "AccessDenied");
    assert!(message.contains("cloudfront:CreateDistribution"), "{message}");
    // Policies of behaviours need no right of their own, as with the service.
    let config = rig.ok("GetDistributionConfig", json!({"Id": distribution}))["DistributionConfig"].clone();
    let update = json!({"Id": distribution, "IfMatch": if_match, "DistributionConfig": config});
    call_as(&rig, &one, "UpdateDistribution", update).output("UpdateDistribution");
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
fn a_key_stays_stopped_whoever_renames_it_meanwhile() {
    // 11.
    let rig = Rig::start();
    let key = key_of(&rig, "dt_1");
    let target = format!("keys/{}", key.access_key_id);
    let beside_renames = |stop: &dyn Fn()| {
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for n in 0..5 {
                        let call = own(&rig, "PUT", &target, &json!({"Name": n.to_string()}));
                        assert!([200, 404].contains(&rig.send(&rig.signed(call)).status));
                    }
                });
            }
            stop();
        });
    };
    for _ in 0..10 {
        ask(&rig, "PUT", &target, &json!({"Status": "Active"}), 200);
        beside_renames(&|| drop(ask(&rig, "PUT", &target, &json!({"Status": "Inactive"}), 200)));
        assert_eq!(ask(&rig, "GET", &target, &Value::Null, 200)["Key"]["Status"], "Inactive");
    }
    beside_renames(&|| drop(ask(&rig, "DELETE", &target, &Value::Null, 204)));
    ask(&rig, "GET", &target, &Value::Null, 404);
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
    // A distribution may be its own only tenant.
    let list = || rig.call("ListInvalidations", json!({"DistributionId": distribution}));
    list().refused(404, "NoSuchDistribution");
    let refused =
        (0..100).map(|_| list()).find(|reply| reply.status != 404).expect("a second has not passed");
    refused.refused(400, "Throttling");
    rig.tenant(&distribution, "another");
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
fn a_key_that_goes_while_a_body_comes_lets_nobody_in() {
    // 11.
    let rig = Rig::start();
    let tenant = rig.tenant(&rig.distribution(), "shop");
    for (end, code) in [
        (("DELETE", Value::Null, 204), "InvalidClientTokenId"),
        (("PUT", json!({"Status": "Inactive"}), 200), "InvalidClientTokenId"),
        (
            (
                "PUT",
                json!({"Policy": {"Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}}}),
                200,
            ),
            "AccessDenied",
        ),
    ] {
        let key = key_of(&rig, &tenant);
        let mut call =
            rig.request("CreateInvalidationForDistributionTenant", invalidation(&tenant, code, &["/a"]));
        call.headers.push(("expect".into(), "100-continue".into()));
        let call = call.signed(&key, clock::wall_now());
        let bytes = call.to_bytes();
        let (head, body) = bytes.split_at(bytes.len() - call.body.len());
        let mut stream = TcpStream::connect(rig.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(head).unwrap();
        // The head is judged: the body is asked for.
        let mut go_on = [0; b"HTTP/1.1 100 Continue\r\n\r\n".len()];
        stream.read_exact(&mut go_on).unwrap();
        assert!(go_on.starts_with(b"HTTP/1.1 100"));
        let (method, change, status) = end;
        ask(&rig, method, &format!("keys/{}", key.access_key_id), &change, status);
        stream.write_all(body).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        Reply::parse(&answer).refused(403, code);
    }
    let list = rig.ok("ListInvalidationsForDistributionTenant", json!({"Id": tenant}));
    assert_eq!(list["InvalidationList"]["Quantity"], 0);
}
