//! Connection groups, and the tags of everything that can be tagged.

use serde_json::{Value, json};

use super::rig::{Rig, tenant_config};

#[test]
fn the_life_of_a_connection_group() {
    let rig = Rig::start_with(|options| options.routing_suffix = "Edges.example".into());
    let tags = json!({"Items": [{"Key": "plan", "Value": "gold"}]});
    let made = rig.ok("CreateConnectionGroup", json!({"Name": "europe", "Tags": tags}));
    let group = &made["ConnectionGroup"];
    let endpoint = group["RoutingEndpoint"].as_str().unwrap();
    assert!(endpoint.starts_with('d') && endpoint.ends_with(".edges.example"), "{endpoint}");
    assert_eq!((&group["Enabled"], &group["IsDefault"]), (&json!(true), &json!(false)));
    assert_eq!((&group["Status"], &group["Tags"]), (&json!("Deployed"), &tags));
    for identifier in [&group["Id"], &group["Arn"], &group["Name"]] {
        let got = rig.ok("GetConnectionGroup", json!({"Identifier": identifier}));
        assert_eq!((&got["ConnectionGroup"], &got["ETag"]), (group, &made["ETag"]), "{identifier}");
    }
    let by_endpoint = |endpoint: &str| {
        rig.call("GetConnectionGroupByRoutingEndpoint", json!({"RoutingEndpoint": endpoint}))
    };
    let got = by_endpoint(&endpoint.to_ascii_uppercase()).output("GetConnectionGroupByRoutingEndpoint");
    assert_eq!(&got["ConnectionGroup"], group);
    by_endpoint("x.edges.example").refused(404, "EntityNotFound");
    by_endpoint("elsewhere.example").refused(404, "EntityNotFound");
    for identifier in ["none", "cg_none", "arn:aws:cloudfront::000000000000:connection-group/cg_none"] {
        rig.call("GetConnectionGroup", json!({"Identifier": identifier})).refused(404, "EntityNotFound");
    }

    rig.call("CreateConnectionGroup", json!({"Name": "europe"})).refused(409, "EntityAlreadyExists");
    rig.call("CreateConnectionGroup", json!({"Name": "a_b"})).refused(400, "InvalidArgument");
    for (member, value) in [("AnycastIpListId", json!("a")), ("Ipv6Enabled", json!(false))] {
        let input = json!({"Name": "asia", member: value});
        let message = rig.call("CreateConnectionGroup", input).refused(400, "InvalidArgument");
        assert!(message.starts_with(member), "{message}");
    }

    let id = &group["Id"];
    let update = |if_match: &Value, enabled: bool| {
        let input = json!({"Id": id, "IfMatch": if_match, "Enabled": enabled});
        rig.call("UpdateConnectionGroup", input)
    };
    let delete = |if_match: &Value| rig.call("DeleteConnectionGroup", json!({"Id": id, "IfMatch": if_match}));
    delete(&made["ETag"]).refused(409, "ResourceNotDisabled");
    update(&json!("ESTALE"), false).refused(412, "PreconditionFailed");
    let disabled = update(&made["ETag"], false).output("UpdateConnectionGroup");
    assert_eq!(disabled["ConnectionGroup"]["Enabled"], json!(false));
    delete(&Value::Null).refused(400, "InvalidIfMatchVersion");
    delete(&made["ETag"]).refused(412, "PreconditionFailed");
    assert_eq!(delete(&disabled["ETag"]).status, 204);
    delete(&disabled["ETag"]).refused(404, "EntityNotFound");
}

#[test]
fn a_connection_group_in_use_stays() {
    let rig = Rig::start();
    let made = rig.ok("CreateConnectionGroup", json!({"Name": "europe", "Enabled": false}));
    let id = made["ConnectionGroup"]["Id"].clone();
    let mut config = tenant_config(&rig.distribution(), "one");
    config["ConnectionGroupId"] = id.clone();
    let tenant = rig.ok("CreateDistributionTenant", config);
    assert_eq!(tenant["DistributionTenant"]["ConnectionGroupId"], id);
    assert_eq!(tenant["DistributionTenant"]["Enabled"], json!(true), "as its caller asked for");
    let delete = json!({"Id": id, "IfMatch": made["ETag"]});
    rig.call("DeleteConnectionGroup", delete).refused(409, "CannotDeleteEntityWhileInUse");
    let listed = rig.ok("ListDistributionTenants", json!({"AssociationFilter": {"ConnectionGroupId": id}}));
    assert_eq!(listed["DistributionTenantList"].as_array().unwrap().len(), 1);

    let default = rig.ok("GetConnectionGroup", json!({"Identifier": "default"}));
    assert_eq!(default["ConnectionGroup"]["IsDefault"], json!(true));
    let delete = json!({"Id": default["ConnectionGroup"]["Id"], "IfMatch": default["ETag"]});
    rig.call("DeleteConnectionGroup", delete).refused(409, "CannotDeleteEntityWhileInUse");
}

#[test]
fn connection_groups_are_paged() {
    let rig = Rig::start();
    for name in ["aaa", "bbb"] {
        rig.ok("CreateConnectionGroup", json!({"Name": name}));
    }
    let mut names = Vec::new();
    let mut marker = Value::Null;
    loop {
        let page = rig.ok("ListConnectionGroups", json!({"MaxItems": 1, "Marker": marker}));
        for group in page["ConnectionGroups"].as_array().unwrap() {
            assert!(group["ETag"].is_string() && group["RoutingEndpoint"].is_string(), "{group}");
            names.push(group["Name"].as_str().unwrap().to_owned());
        }
        match page.get("NextMarker") {
            Some(next) => marker = next.clone(),
            None => break,
        }
    }
    names.sort();
    assert_eq!(names, ["aaa", "bbb", "default"]);
    let filter = json!({"AssociationFilter": {"AnycastIpListId": "a"}});
    rig.call("ListConnectionGroups", filter).refused(404, "EntityNotFound");
}

#[test]
fn tags_by_arn() {
    let rig = Rig::start();
    let distribution = rig.distribution();
    let tenant = rig.ok("CreateDistributionTenant", tenant_config(&distribution, "one"));
    let group = rig.ok("CreateConnectionGroup", json!({"Name": "europe"}));
    let got = rig.ok("GetDistribution", json!({"Id": distribution}));
    for arn in
        [&got["Distribution"]["ARN"], &tenant["DistributionTenant"]["Arn"], &group["ConnectionGroup"]["Arn"]]
    {
        let tag = |items: Value| rig.call("TagResource", json!({"Resource": arn, "Tags": {"Items": items}}));
        assert_eq!(tag(json!([{"Key": "plan", "Value": "iron"}, {"Key": "x"}])).status, 204);
        assert_eq!(tag(json!([{"Key": "plan", "Value": "tin"}])).status, 204);
        let untag = json!({"Resource": arn, "TagKeys": {"Items": ["x", "none"]}});
        assert_eq!(rig.call("UntagResource", untag).status, 204);
        let tags = rig.ok("ListTagsForResource", json!({"Resource": arn}));
        assert_eq!(tags["Tags"]["Items"], json!([{"Key": "plan", "Value": "tin"}]));
        tag(json!([{"Key": "AWS:x", "Value": ""}])).refused(400, "InvalidTagging");
        tag(json!([{"Key": "k", "Value": "v".repeat(257)}])).refused(400, "MalformedXML");
        let many: Vec<_> = (0..50).map(|n| json!({"Key": format!("k{n}"), "Value": ""})).collect();
        tag(json!(many)).refused(400, "InvalidTagging");
        assert_eq!(tag(json!(many[..49])).status, 204);
    }
    let again = rig.ok("GetDistributionTenant", json!({"Identifier": "one"}));
    assert_eq!(again["ETag"], tenant["ETag"], "tags are no part of the configuration");
    assert_eq!(again["DistributionTenant"]["Tags"]["Items"].as_array().unwrap().len(), 50);

    let list = |arn: &str| rig.call("ListTagsForResource", json!({"Resource": arn}));
    for (arn, status, code) in [
        ("x", 400, "InvalidArgument"),
        ("arn:aws:cloudfront::000000000001:distribution/E1", 400, "InvalidArgument"),
        ("arn:aws:cloudfront::000000000000:distribution/ENONE", 404, "NoSuchResource"),
        ("arn:aws:cloudfront::000000000000:distribution-tenant/dt_none", 404, "NoSuchResource"),
        ("arn:aws:cloudfront::000000000000:connection-group/cg_none", 404, "NoSuchResource"),
        ("arn:aws:cloudfront::000000000000:function/f", 404, "NoSuchResource"),
    ] {
        list(arn).refused(status, code);
    }
}
