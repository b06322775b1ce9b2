//! `--apply`: what a declared state leaves alone, and that no key is lost on the way. The whole of it, by the program: `recant`'s own tests.

use std::fs;

use recant_plane::store::postgres::UnsafeSettings;
use recant_plane::{Declaration, Plane, PlaneOptions, PostgresChoice, StoreChoice};
use recant_wire::document::Document;
use recant_wire::sigv4::Credentials;
use serde_json::{Value, json};

use crate::api::access::{ask, call_as};
use crate::api::rig::Rig;
use crate::postgres;

/// Sets what is declared.
fn declare(declared: &Value) -> impl FnOnce(&mut PlaneOptions) + use<> {
    let declaration = Declaration { name: "declared".into(), document: Document::from(declared.clone()) };
    |options| options.declarations = vec![declaration]
}

fn key(status: Option<&str>) -> Value {
    let policy = json!({"Statement": {"Effect": "Allow", "Action": "cloudfront:List*", "Resource": "*"}});
    match status {
        None => json!({"Name": "deploy", "Policy": policy}),
        Some(status) => json!({"Name": "deploy", "Policy": policy, "Status": status}),
    }
}

/// The one key that is not the root key.
fn only_key(rig: &Rig) -> Value {
    let page = ask(rig, "GET", "keys", &Value::Null, 200);
    let [key] = page["Keys"].as_array().unwrap().as_slice() else { panic!("one key: {page}") };
    key.clone()
}

fn disable(rig: &Rig) {
    let id = only_key(rig)["AccessKeyId"].as_str().unwrap().to_owned();
    ask(rig, "PUT", &format!("keys/{id}"), &json!({"Status": "Inactive"}), 200);
}

#[test]
fn what_is_not_declared_is_left_as_it_is() {
    let declared = json!({"Keys": [key(None)], "ConnectionGroups": [{"Name": "europe"}]});
    let rig = Rig::start_with(declare(&declared));
    assert_eq!(only_key(&rig)["Status"], "Active");
    disable(&rig);
    let group = rig.call("GetConnectionGroup", json!({"Identifier": "europe"}));
    let etag = group.header("etag").to_owned();
    let id = group.output("GetConnectionGroup")["ConnectionGroup"]["Id"].clone();
    rig.ok("UpdateConnectionGroup", json!({"Id": id, "IfMatch": etag, "Enabled": false}));

    let rig = rig.again(declare(&declared));
    let enabled = |rig: &Rig| {
        let group = rig.ok("GetConnectionGroup", json!({"Identifier": "europe"}));
        group["ConnectionGroup"]["Enabled"].clone()
    };
    assert_eq!((&only_key(&rig)["Status"], enabled(&rig)), (&json!("Inactive"), json!(false)));
    // What is declared is brought about.
    let declared =
        json!({"Keys": [key(Some("Active"))], "ConnectionGroups": [{"Name": "europe", "Enabled": true}]});
    let rig = rig.again(declare(&declared));
    assert_eq!((&only_key(&rig)["Status"], enabled(&rig)), (&json!("Active"), json!(true)));
}

#[test]
fn domains_go_over_between_distributions_and_tenants() {
    let text = include_str!("../../../../examples/distribution.json");
    let with_tenants: Value = serde_json::from_str(text).unwrap();
    let direct = |reference: &str, aliases: &[&str]| {
        let mut config = with_tenants["DistributionConfig"].clone();
        let members = config.as_object_mut().unwrap();
        members.remove("ConnectionMode");
        members.remove("TenantConfig");
        config["CallerReference"] = json!(reference);
        config["Origins"]["Items"][0]["OriginPath"] = json!("");
        config["Aliases"] = json!({"Quantity": aliases.len(), "Items": aliases});
        json!({"DistributionConfig": config})
    };
    let declared = |one: &[&str], two: &[&str], tenant: &[&str]| {
        let domains: Vec<Value> = tenant.iter().map(|domain| json!({"Domain": domain})).collect();
        let tenant = json!({
            "Name": "shop", "Distribution": "example-distribution", "Domains": domains,
            "Parameters": [{"Name": "folder", "Value": "one"}],
        });
        let distributions = [with_tenants.clone(), direct("one", one), direct("two", two)];
        json!({"Distributions": distributions, "DistributionTenants": [tenant]})
    };
    let aliases = |rig: &Rig| {
        let listed = rig.ok("ListDistributionsByConnectionMode", json!({"ConnectionMode": "direct"}));
        let items = listed["DistributionList"]["Items"].as_array().unwrap().iter();
        items.map(|item| item["Aliases"]["Items"].clone()).collect::<Vec<_>>()
    };
    let rig = Rig::start_with(declare(&declared(&["a.test"], &["b.test", "c.test"], &["d.test", "e.test"])));
    // The first one takes from the second, and that from the tenant.
    let rig = rig.again(declare(&declared(&["a.test", "b.test"], &["c.test", "d.test"], &["e.test"])));
    assert_eq!(aliases(&rig), [json!(["a.test", "b.test"]), json!(["c.test", "d.test"])]);
    // And the other way round.
    let rig = rig.again(declare(&declared(&["a.test"], &["b.test", "d.test"], &["c.test", "e.test"])));
    assert_eq!(aliases(&rig), [json!(["a.test"]), json!(["b.test", "d.test"])]);
    let tenant = rig.ok("GetDistributionTenantByDomain", json!({"Domain": "c.test"}));
    assert_eq!(tenant["DistributionTenant"]["Name"], json!("shop"));
}

#[test]
fn taking_over_anew_undoes_nothing() {
    let server = postgres::shared();
    let name = "declared_once";
    let choice = PostgresChoice {
        server: server.make_database_named(name).parse().unwrap(),
        unsafe_settings: UnsafeSettings::WithoutStandbys,
        peer_address: None,
    };
    let rig = Rig::start_with(|options| {
        options.store = StoreChoice::Postgres(Box::new(choice));
        declare(&json!({"Keys": [key(Some("Active"))]}))(options);
    });
    disable(&rig);
    let term = || server.ask(name, "SELECT number FROM recant.term").parse::<u64>().unwrap();
    let before = term();
    server.ask(name, "UPDATE recant.term SET number = number + 1, holder = NULL");
    // The plane finds out when it writes, and takes the term anew.
    while term() < before + 2 {
        let _ = rig.call("CreateConnectionGroup", json!({"Name": "any"}));
    }
    while rig.call("ListDistributions", json!({})).status != 200 {}
    assert_eq!(only_key(&rig)["Status"], "Inactive");
}

#[test]
fn no_key_is_there_whose_secret_is_nowhere() {
    let declared = json!({"Keys": [key(None)]});
    let rig = Rig::start();
    let keys = rig.folder.path().join("keys");
    // The secret cannot be written: there is no key.
    fs::create_dir_all(keys.join("deploy.new/in the way")).unwrap();
    let rig = refused(rig, &declared);
    assert_eq!(ask(&rig, "GET", "keys", &Value::Null, 200)["Keys"], json!([]));
    fs::remove_dir_all(keys.join("deploy.new")).unwrap();
    // The plane dies before the key is committed: what was written is nobody's.
    fs::write(keys.join("deploy.new"), "[default]\naws_access_key_id = AKIAX\naws_secret_access_key = x\n")
        .unwrap();
    let rig = rig.again(declare(&declared));
    let check = |rig: &Rig| {
        let text = fs::read_to_string(keys.join("deploy")).unwrap();
        let of = |name: &str| {
            let line = text.lines().find(|line| line.starts_with(name)).unwrap();
            line.split(" = ").nth(1).unwrap().to_owned()
        };
        let credentials = Credentials {
            access_key_id: of("aws_access_key_id"),
            secret_access_key: of("aws_secret_access_key"),
            session_token: None,
        };
        assert_eq!(call_as(rig, &credentials, "ListDistributions", json!({})).status, 200);
        assert!(!keys.join("deploy.new").exists());
    };
    check(&rig);
    // It dies after that, and before the file has its place.
    fs::rename(keys.join("deploy"), keys.join("deploy.new")).unwrap();
    let rig = rig.again(declare(&declared));
    check(&rig);
}

/// A plane without a declared state, in the folder of one where this state could not be brought about.
fn refused(mut rig: Rig, declared: &Value) -> Rig {
    rig.stop();
    let mut options = PlaneOptions::new(rig.folder.path(), ([127, 0, 0, 1], 0).into());
    declare(declared)(&mut options);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let error = Plane::start(options).await.expect_err("the secret has no place").to_string();
        assert!(error.contains("keys"), "{error}");
    });
    drop(runtime);
    rig.again(|_| {})
}
