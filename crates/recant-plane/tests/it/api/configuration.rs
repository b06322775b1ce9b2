//! Distributions and tenants: made, read, listed, changed, removed.

use serde_json::{Value, json};

use super::rig::{Rig, distribution_config, tenant_config};

#[test]
fn a_distribution_is_kept_as_it_was_given() {
    let rig = Rig::start();
    let reply = rig.call("CreateDistribution", json!({"DistributionConfig": distribution_config("d1")}));
    let made = reply.output("CreateDistribution");
    let (id, etag) = (made["Distribution"]["Id"].as_str().unwrap(), made["ETag"].as_str().unwrap());
    assert_eq!(made["Location"], json!(format!("http://{}/2020-05-31/distribution/{id}", rig.address)));
    assert_eq!(reply.header("etag"), etag);

    let got = rig.ok("GetDistribution", json!({"Id": id}));
    assert_eq!((got["ETag"].as_str().unwrap(), &got["Distribution"]["Id"]), (etag, &json!(id)));
    assert_eq!(got["Distribution"]["DistributionConfig"]["Origins"], distribution_config("d1")["Origins"]);
    for member in ["ARN", "Status", "LastModifiedTime", "InProgressInvalidationBatches", "DomainName"] {
        assert!(got["Distribution"].get(member).is_some(), "{member} is required");
    }

    let message = rig
        .call("CreateDistribution", json!({"DistributionConfig": distribution_config("d1")}))
        .refused(409, "DistributionAlreadyExists");
    assert!(message.ends_with(id), "{message}");
    rig.call("GetDistribution", json!({"Id": "ENONE"})).refused(404, "NoSuchDistribution");

    rig.ok("CreateDistribution", json!({"DistributionConfig": distribution_config("d2")}));
    let page = rig.ok("ListDistributions", json!({"MaxItems": "1"}))["DistributionList"].clone();
    assert_eq!((&page["IsTruncated"], &page["NextMarker"]), (&json!(true), &json!(id)));
    let rest = rig.ok("ListDistributions", json!({"Marker": id}))["DistributionList"].clone();
    assert_eq!((&rest["IsTruncated"], &rest["Quantity"]), (&json!(false), &json!(1)));
    let model = recant_wire::model::operation("ListDistributions").unwrap().output.unwrap();
    let summary = model.member("DistributionList").unwrap().shape.member("Items").unwrap().shape;
    let recant_wire::model::Kind::List(list) = &summary.kind else { panic!("a list") };
    for member in list.element.members().iter().filter(|member| member.required) {
        assert!(rest["Items"][0].get(member.name).is_some(), "{} is required", member.name);
    }
}

#[test]
fn a_tenant_is_found_by_id_name_and_arn() {
    let rig = Rig::start();
    let distribution = rig.distribution();
    let made = rig.ok("CreateDistributionTenant", tenant_config(&distribution, "one"));
    let tenant = &made["DistributionTenant"];
    assert_eq!(tenant["Domains"], json!([{"Domain": "one.example", "Status": "active"}]));
    assert_eq!(tenant["Tags"], json!({"Items": [{"Key": "plan", "Value": "gold"}]}));
    assert_eq!(tenant["Parameters"], json!([{"Name": "shop", "Value": "one"}]));
    assert!(tenant["ConnectionGroupId"].as_str().unwrap().starts_with("cg_"));
    assert_eq!((&tenant["Enabled"], &tenant["DistributionId"]), (&json!(true), &json!(distribution)));
    for identifier in [&tenant["Id"], &tenant["Arn"], &tenant["Name"]] {
        let got = rig.ok("GetDistributionTenant", json!({"Identifier": identifier}));
        assert_eq!(
            (&got["DistributionTenant"]["Id"], &got["ETag"]),
            (&tenant["Id"], &made["ETag"]),
            "{identifier}"
        );
    }
    for identifier in ["none", "dt_none", "arn:aws:cloudfront::000000000001:distribution-tenant/dt_none"] {
        rig.call("GetDistributionTenant", json!({"Identifier": identifier})).refused(404, "EntityNotFound");
    }
}

#[test]
fn what_a_tenant_may_not_have() {
    let rig = Rig::start();
    let distribution = rig.distribution();
    rig.tenant(&distribution, "one");
    let check = |name: &str, member: &str, value: Value, status: u16, code: &str| {
        let mut config = tenant_config(&distribution, name);
        config[member] = value;
        rig.call("CreateDistributionTenant", config).refused(status, code);
    };
    let free = json!([{"Domain": "free.example"}]);
    check("one", "Domains", free, 409, "EntityAlreadyExists");
    check("two", "Domains", json!([{"Domain": "ONE.example"}]), 409, "CNAMEAlreadyExists");
    check("two", "Domains", json!([]), 400, "InvalidArgument");
    check("two", "Name", json!("no_underscore"), 400, "InvalidArgument");
    check("two", "DistributionId", json!("ENONE"), 404, "EntityNotFound");
    check("two", "ConnectionGroupId", json!("cg_none"), 404, "EntityNotFound");
    check("two", "Parameters", json!([]), 400, "InvalidArgument");
    check("two", "Tags", json!({"Items": [{"Key": "aws:x", "Value": ""}]}), 400, "InvalidTagging");
    let geo = json!({"GeoRestrictions": {"RestrictionType": "blacklist", "Locations": ["Germany"]}});
    check("two", "Customizations", geo, 400, "InvalidArgument");
    let listed = rig.ok("ListDistributionTenants", json!({}));
    assert_eq!(listed["DistributionTenantList"].as_array().unwrap().len(), 1);
}

#[test]
fn tenants_are_listed_by_what_they_belong_to() {
    let rig = Rig::start();
    let distribution = rig.distribution();
    let other = rig.ok("CreateDistribution", json!({"DistributionConfig": distribution_config("other")}));
    let other = other["Distribution"]["Id"].as_str().unwrap();
    for name in ["aa1", "aa2", "aa3"] {
        rig.tenant(&distribution, name);
    }
    rig.tenant(other, "bb1");
    let list = |input: Value| rig.ok("ListDistributionTenants", input);
    let names = |page: &Value| -> Vec<String> {
        let items = page["DistributionTenantList"].as_array().unwrap().iter();
        items.map(|item| item["Name"].as_str().unwrap().to_owned()).collect()
    };
    let page = list(json!({"AssociationFilter": {"DistributionId": distribution}, "MaxItems": 2}));
    let next = page["NextMarker"].as_str().expect("there is more");
    let rest =
        list(json!({"AssociationFilter": {"DistributionId": distribution}, "MaxItems": 2, "Marker": next}));
    assert!(rest.get("NextMarker").is_none(), "{rest}");
    let mut all = [names(&page), names(&rest)].concat();
    all.sort();
    assert_eq!(all, ["aa1", "aa2", "aa3"]);
    let group = page["DistributionTenantList"][0]["ConnectionGroupId"].clone();
    assert_eq!(names(&list(json!({"AssociationFilter": {"ConnectionGroupId": group}}))).len(), 4);
    for (member, id) in [("DistributionId", "ENONE"), ("ConnectionGroupId", "cg_none")] {
        let input = json!({"AssociationFilter": {member: id}});
        rig.call("ListDistributionTenants", input).refused(404, "EntityNotFound");
    }
}

#[test]
fn a_tenant_is_changed_and_removed_only_as_it_was_last_read() {
    let rig = Rig::start();
    let made = rig.ok("CreateDistributionTenant", tenant_config(&rig.distribution(), "one"));
    let (id, first) = (made["DistributionTenant"]["Id"].clone(), made["ETag"].clone());
    let update = |if_match: &Value, rest: Value| {
        let mut input = rest;
        input["Id"] = id.clone();
        input["IfMatch"] = if_match.clone();
        rig.call("UpdateDistributionTenant", input)
    };
    update(&Value::Null, json!({"Enabled": false})).refused(400, "InvalidIfMatchVersion");
    update(&json!("ESTALE"), json!({"Enabled": false})).refused(412, "PreconditionFailed");
    for malformed in ["*", "W/\"E1\"", "E1, E2", "\""] {
        update(&json!(malformed), json!({"Enabled": false})).refused(400, "InvalidIfMatchVersion");
    }
    // Who has not read what is there is told that first.
    update(&json!("ESTALE"), json!({"Domains": []})).refused(412, "PreconditionFailed");
    update(&first, json!({"Parameters": [{"Name": "other", "Value": "x"}]})).refused(400, "InvalidArgument");

    // What is not named stays.
    let reply =
        update(&first, json!({"Domains": [{"Domain": "new.example"}]})).output("UpdateDistributionTenant");
    let tenant = &reply["DistributionTenant"];
    assert_ne!(reply["ETag"], first);
    assert_eq!(tenant["Domains"], json!([{"Domain": "new.example", "Status": "active"}]));
    for member in ["Parameters", "Tags", "Name", "Enabled", "CreatedTime"] {
        assert_eq!(tenant[member], made["DistributionTenant"][member], "{member}");
    }
    update(&first, json!({"Enabled": false})).refused(412, "PreconditionFailed");

    let delete =
        |if_match: &Value| rig.call("DeleteDistributionTenant", json!({"Id": id, "IfMatch": if_match}));
    delete(&reply["ETag"]).refused(409, "ResourceNotDisabled");
    let disabled = update(&reply["ETag"], json!({"Enabled": false})).output("UpdateDistributionTenant");
    delete(&Value::Null).refused(400, "InvalidIfMatchVersion");
    delete(&reply["ETag"]).refused(412, "PreconditionFailed");
    let gone = delete(&disabled["ETag"]);
    assert_eq!((gone.status, gone.body.as_str()), (204, ""));
    delete(&disabled["ETag"]).refused(404, "EntityNotFound");
    rig.call("GetDistributionTenant", json!({"Identifier": id})).refused(404, "EntityNotFound");
}

#[test]
fn what_is_not_honoured_is_refused_and_not_stored() {
    let rig = Rig::start();
    let mut config = distribution_config("d");
    config["DefaultCacheBehavior"]["SmoothStreaming"] = json!(true);
    let message =
        rig.call("CreateDistribution", json!({"DistributionConfig": config})).refused(400, "InvalidArgument");
    assert!(message.contains("DistributionConfig.DefaultCacheBehavior.SmoothStreaming"), "{message}");
    let mut config = distribution_config("d");
    config["Origins"]["Quantity"] = json!(2);
    assert_eq!(
        rig.call("CreateDistribution", json!({"DistributionConfig": config}))
            .refused(400, "InconsistentQuantities"),
        "The specified quantity of Origins (2) does not match the actual quantity supplied (1)."
    );
    assert_eq!(rig.ok("ListDistributions", json!({}))["DistributionList"]["Quantity"], json!(0));
}
