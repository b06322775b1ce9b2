//! The audit log: what it tells, and what nobody can make of it.

use std::num::NonZeroU32;

use recant_core::audit::{self, AuditEntry, AuditRecord, Verdict};
use recant_core::entry::Hash;
use recant_core::limits::AUDIT_REFUSALS_BURST;
use recant_core::rate::Rate;
use recant_core::time::WallTime;
use recant_plane::{AuditLevel, clock};
use recant_wire::sigv4::Credentials;
use serde_json::{Value, json};

use super::access::{ask, call_as, key_of, own};
use super::rig::{Rig, tenant_config};

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
    let first = ask(&rig, "GET", "audit?MaxItems=1", &Value::Null, 200);
    assert_eq!((first["Records"][0]["Number"].as_u64(), &first["IsTruncated"]), (Some(1), &json!(true)));
    let told: Vec<(&str, &Verdict)> =
        records.iter().map(|record| (record.action.as_str(), &record.decision)).collect();
    let (yes, no) = (&Verdict::Allowed, &Verdict::ImplicitDeny);
    let unknown = &Verdict::NotAuthenticated("InvalidClientTokenId".to_owned());
    let forged = &Verdict::NotAuthenticated("SignatureDoesNotMatch".to_owned());
    assert_eq!(
        told,
        [
            ("cloudfront:CreateDistribution", yes),
            ("cloudfront:CreateDistributionTenant", yes),
            ("recant:CreateKey", yes),
            ("cloudfront:ListDistributionTenants", no),
            ("cloudfront:GetDistributionTenant", forged),
            ("cloudfront:ListDistributions", unknown),
        ]
    );
    assert_eq!(records[3].request_id, denied.header("x-amzn-requestid"));
    assert_eq!(records[3].access_key_id.as_deref(), Some(key.access_key_id.as_str()));
    assert!(entries.iter().all(|entry| !entry.text.contains(&key.secret_access_key)));
}

#[test]
fn who_is_not_let_in_is_noted_and_cannot_push_others_out() {
    let one = NonZeroU32::MIN;
    let rig = Rig::start_with(|options| {
        options.admission.key_rate = Some(Rate { per_second: one, burst: NonZeroU32::new(1_000).unwrap() });
    });
    let keys: Vec<Credentials> = (0..4).map(|_| key_of(&rig, "dt_1")).collect();
    let [disabled, deleted, late, flooded] = keys.as_slice() else { unreachable!("four were made") };
    let target = |key: &Credentials| format!("keys/{}", key.access_key_id);
    ask(&rig, "PUT", &target(disabled), &json!({"Status": "Inactive"}), 200);
    ask(&rig, "DELETE", &target(deleted), &Value::Null, 204);
    let before = read_audit(&rig).1.len();

    let limits = |key: &Credentials, now: WallTime| {
        rig.send(&own(&rig, "GET", "limits", &Value::Null).signed(key, now)).status
    };
    let now = clock::wall_now();
    let hour = WallTime::from_millis(now.millis() - 3_600_000);
    assert_eq!([limits(disabled, now), limits(deleted, now), limits(late, hour)], [403; 3]);
    let pasted = Credentials { access_key_id: "wJalrXUtnFEMIK7MDENG".into(), ..late.clone() };
    assert_eq!(limits(&pasted, now), 403);
    let forged = Credentials { secret_access_key: "x".repeat(40), ..flooded.clone() };
    for _ in 0..200 {
        assert_eq!(limits(&forged, now), 403);
    }
    // The holder's own requests are not fewer for it: 403 is the policy's answer.
    assert_eq!(limits(flooded, now), 403);

    let records = read_audit(&rig).1.split_off(before);
    let of = |key: &Credentials| {
        let id = Some(key.access_key_id.as_str());
        records
            .iter()
            .filter(|it| it.access_key_id.as_deref() == id)
            .map(|it| &it.decision)
            .collect::<Vec<_>>()
    };
    let refused = |code: &str| Verdict::NotAuthenticated(code.to_owned());
    assert_eq!(of(disabled), [&refused("InvalidClientTokenId")]);
    assert_eq!(of(deleted), [&refused("InvalidClientTokenId")]);
    assert_eq!(of(late), [&refused("SignatureDoesNotMatch")]);
    let (of_flooded, burst) = (of(flooded), AUDIT_REFUSALS_BURST as usize);
    assert_eq!(of_flooded[..burst], vec![&refused("SignatureDoesNotMatch"); burst]);
    assert_eq!(of_flooded[burst..], [&Verdict::ImplicitDeny]);
    // What may be a secret in the wrong place is not written down.
    assert!(records.iter().all(|it| it.access_key_id.as_deref() != Some(pasted.access_key_id.as_str())));
    assert_eq!(records.iter().filter(|it| it.access_key_id.is_none()).count(), 1);
}

#[test]
fn who_asks_too_often_is_noted() {
    let one = NonZeroU32::MIN;
    let rig = Rig::start_with(|options| {
        options.admission.key_rate = Some(Rate { per_second: one, burst: one });
        options.admission.audit = AuditLevel::All;
    });
    let codes: Vec<u16> = (0..50).map(|_| rig.call("ListDistributions", json!({})).status).collect();
    assert!(codes.contains(&400), "a second has not passed");
    let records = loop {
        let call = own(&rig, "GET", "audit?After=0&MaxItems=1000", &Value::Null);
        let reply = rig.send(&rig.signed(call));
        if reply.status == 200 {
            break reply.body;
        }
        assert_eq!(reply.status, 400);
    };
    assert!(records.contains("Throttled"), "{records}");
}

/// The audit log, as the API gives it.
fn read_audit(rig: &Rig) -> (Vec<AuditEntry>, Vec<AuditRecord>) {
    let page = ask(rig, "GET", "audit?After=0&MaxItems=1000", &Value::Null, 200);
    assert_eq!(page["IsTruncated"], false);
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

#[test]
fn a_request_cannot_fill_the_audit_log_with_names() {
    let rig = Rig::start();
    let distribution = rig.distribution();
    let mut config =
        rig.ok("GetDistributionConfig", json!({"Id": distribution}))["DistributionConfig"].clone();
    config["CallerReference"] = json!("many");
    let behavior = config["DefaultCacheBehavior"].clone();
    let items: Vec<Value> = (0..300)
        .map(|n| {
            let mut it = behavior.clone();
            it["PathPattern"] = json!(format!("/{n}"));
            it["CachePolicyId"] = json!(n.to_string());
            it
        })
        .collect();
    config["CacheBehaviors"] = json!({"Quantity": items.len(), "Items": items});
    let message =
        rig.call("CreateDistribution", json!({"DistributionConfig": config})).refused(400, "InvalidArgument");
    assert!(message.contains("names more than"), "{message}");
    let mut long = tenant_config(&distribution, "long");
    long["DistributionId"] = json!("E".repeat(100_000));
    rig.call("CreateDistributionTenant", long).refused(404, "EntityNotFound");
    let page = ask(&rig, "GET", "audit?MaxItems=1000", &Value::Null, 200).to_string();
    assert!(page.len() < 10_000, "{} bytes", page.len());
}
