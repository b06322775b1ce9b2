//! Distributions without tenants: the connection mode `direct`, which is the API's default.

use serde_json::{Value, json};

use super::rig::{Call, Rig, distribution_config, tenant_config};

/// A configuration that asks for these aliases.
fn direct_config(caller_reference: &str, aliases: &[&str]) -> Value {
    let mut config = distribution_config(caller_reference);
    let members = config.as_object_mut().unwrap();
    members.remove("ConnectionMode");
    members.remove("TenantConfig");
    config["Origins"]["Items"][0]["OriginPath"] = json!("/shop");
    config["Aliases"] = json!({"Quantity": aliases.len(), "Items": aliases});
    config
}

fn make(rig: &Rig, caller_reference: &str, aliases: &[&str]) -> Value {
    rig.ok("CreateDistribution", json!({"DistributionConfig": direct_config(caller_reference, aliases)}))
}

fn batch(caller_reference: &str) -> Value {
    json!({"Paths": {"Quantity": 1, "Items": ["/a*"]}, "CallerReference": caller_reference})
}

#[test]
fn it_has_an_endpoint_and_aliases() {
    let rig = Rig::start_with(|options| options.routing_suffix = "edges.example".into());
    let made = make(&rig, "direct", &["shop.example"]);
    let (id, made) = (made["Distribution"]["Id"].as_str().unwrap(), &made["Distribution"]);
    assert_eq!(made["DomainName"], json!(format!("{}.edges.example", id.to_ascii_lowercase())));
    assert_eq!(made["DistributionConfig"]["Aliases"], json!({"Quantity": 1, "Items": ["shop.example"]}));
    let with_tenants = rig.distribution();
    let list = |mode: &str| {
        let listed = rig.ok("ListDistributionsByConnectionMode", json!({"ConnectionMode": mode}));
        let items = listed["DistributionList"]["Items"].as_array().unwrap();
        items.iter().map(|item| (item["Id"].clone(), item["ConnectionMode"].clone())).collect::<Vec<_>>()
    };
    assert_eq!(list("direct"), [(json!(id), json!("direct"))]);
    assert_eq!(list("tenant-only"), [(json!(with_tenants), json!("tenant-only"))]);

    let got = rig.ok("GetDistributionConfig", json!({"Id": id}));
    let update = |config: &Value| {
        rig.call(
            "UpdateDistribution",
            json!({"Id": id, "IfMatch": got["ETag"], "DistributionConfig": config}),
        )
    };
    let mut other = direct_config("direct", &[]);
    other["ConnectionMode"] = json!("tenant-only");
    other.as_object_mut().unwrap().remove("Aliases");
    update(&other).refused(400, "IllegalUpdate");
    // An alias can be moved to somebody else, and then two would have the endpoint.
    update(&direct_config("direct", &[made["DomainName"].as_str().unwrap()])).refused(400, "InvalidArgument");
    let changed = update(&direct_config("direct", &["www.shop.example"])).output("UpdateDistribution");
    assert_eq!(changed["Distribution"]["DomainName"], made["DomainName"], "it stays where it is reached");
    // What it has given up is free, what it has is not.
    make(&rig, "second", &["shop.example"]);
    let third = json!({"DistributionConfig": direct_config("third", &["WWW.shop.example"])});
    rig.call("CreateDistribution", third).refused(409, "CNAMEAlreadyExists");
    let mut tenant = tenant_config(&with_tenants, "one");
    tenant["Domains"] = json!([{"Domain": "www.shop.example"}]);
    rig.call("CreateDistributionTenant", tenant).refused(409, "CNAMEAlreadyExists");
    let message =
        rig.call("CreateDistributionTenant", tenant_config(id, "one")).refused(400, "InvalidArgument");
    assert!(message.starts_with("DistributionId: "), "{message}");
}

#[test]
fn it_is_invalidated_by_the_classic_operations() {
    let rig = Rig::start();
    let id = make(&rig, "direct", &[])["Distribution"]["Id"].clone();
    let create = |id: &Value, reference| {
        rig.call("CreateInvalidation", json!({"DistributionId": id, "InvalidationBatch": batch(reference)}))
    };
    let made = create(&id, "r1").output("CreateInvalidation");
    assert!(made["Location"].as_str().unwrap().contains("/distribution/"));
    assert_eq!(
        create(&id, "r1").output("CreateInvalidation")["Invalidation"]["Id"],
        made["Invalidation"]["Id"]
    );
    let got = rig.ok("GetInvalidation", json!({"DistributionId": id, "Id": made["Invalidation"]["Id"]}));
    assert_eq!(got["Invalidation"]["InvalidationBatch"]["Paths"]["Items"], json!(["/a*"]));
    let listed = rig.ok("ListInvalidations", json!({"DistributionId": id}));
    assert_eq!(listed["InvalidationList"]["Quantity"], json!(1));
    // What it would take away is asked of the edges, of which there are none here.
    let dry_run = |id: &Value| {
        let call = Call {
            method: "POST".into(),
            path: format!("/recant/v1/distributions/{}/invalidation-dry-run", id.as_str().unwrap()),
            query: String::new(),
            headers: vec![("host".into(), rig.address.to_string())],
            body: json!({"Items": ["/a*"]}).to_string().into_bytes(),
        };
        rig.send(&rig.signed(call))
    };
    let counted: Value = serde_json::from_str(&dry_run(&id).body).unwrap();
    assert_eq!(counted, json!({"DistributionId": id, "StoredResponses": 0, "Edges": [], "Unanswered": []}));
    let with_tenants = json!(rig.distribution());
    create(&with_tenants, "r1").refused(404, "NoSuchDistribution");
    assert_eq!(dry_run(&with_tenants).status, 400);
    // It is no tenant, though edges treat it as one.
    let as_tenant = json!({"Id": id, "InvalidationBatch": batch("r2")});
    rig.call("CreateInvalidationForDistributionTenant", as_tenant).refused(404, "EntityNotFound");
    rig.call("GetDistributionTenant", json!({"Identifier": id})).refused(404, "EntityNotFound");
}

#[test]
fn its_aliases_move_like_a_tenants_domains() {
    let rig = Rig::start();
    let one = make(&rig, "one", &["shop.example"]);
    let tenant = rig.ok("CreateDistributionTenant", tenant_config(&rig.distribution(), "two"));
    let (one_id, tenant_id) = (&one["Distribution"]["Id"], &tenant["DistributionTenant"]["Id"]);
    let conflicts = rig.ok(
        "ListDomainConflicts",
        json!({"Domain": "*.example", "DomainControlValidationResource": {"DistributionTenantId": tenant_id}}),
    );
    let expected = json!([{
        "Domain": "shop.example", "ResourceType": "distribution", "ResourceId": one_id, "AccountId": "000000000000"
    }]);
    assert_eq!(conflicts["DomainConflicts"], expected);

    let step = |etag: &Value| {
        let target = json!({"DistributionTenantId": tenant_id});
        let input = json!({"Domain": "shop.example", "TargetResource": target, "IfMatch": etag});
        rig.call("UpdateDomainAssociation", input)
    };
    step(&tenant["ETag"]).refused(400, "IllegalUpdate");
    let mut disabled = direct_config("one", &["shop.example"]);
    disabled["Enabled"] = json!(false);
    rig.ok(
        "UpdateDistribution",
        json!({"Id": one_id, "IfMatch": one["ETag"], "DistributionConfig": disabled}),
    );
    step(&tenant["ETag"]).output("UpdateDomainAssociation");
    let config = rig.ok("GetDistributionConfig", json!({"Id": one_id}));
    assert_eq!(config["DistributionConfig"]["Aliases"]["Quantity"], json!(0));
    let got = rig.ok("GetDistributionTenantByDomain", json!({"Domain": "shop.example"}));
    assert_eq!(got["DistributionTenant"]["Id"], *tenant_id);
}
