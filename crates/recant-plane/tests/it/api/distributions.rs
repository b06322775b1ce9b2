//! Distributions after their making: read to be changed, changed, copied, removed, invalidated as a whole.

use recant_plane::DistributionInvalidations;
use serde_json::{Value, json};

use super::access::ask;
use super::rig::{Rig, distribution_config, tenant_config};

/// What `CreateInvalidation` takes.
fn classic(distribution: &str, reference: &str, paths: &[&str]) -> Value {
    json!({
        "DistributionId": distribution,
        "InvalidationBatch": {
            "Paths": {"Quantity": paths.len(), "Items": paths},
            "CallerReference": reference
        }
    })
}

#[test]
fn a_configuration_is_read_changed_and_sent_back() {
    let rig = Rig::start();
    let id = rig.distribution();
    let got = rig.ok("GetDistributionConfig", json!({"Id": id}));
    let mut config = got["DistributionConfig"].clone();
    config["Comment"] = json!("changed");
    let update = |if_match: &Value, config: &Value| {
        rig.call("UpdateDistribution", json!({"Id": id, "IfMatch": if_match, "DistributionConfig": config}))
    };
    update(&Value::Null, &config).refused(400, "InvalidIfMatchVersion");
    update(&json!("ESTALE"), &config).refused(412, "PreconditionFailed");
    let changed = update(&got["ETag"], &config).output("UpdateDistribution");
    assert_ne!(changed["ETag"], got["ETag"]);
    assert_eq!(changed["Distribution"]["DistributionConfig"]["Comment"], "changed");
    let again = rig.ok("GetDistributionConfig", json!({"Id": id}));
    assert_eq!((&again["ETag"], &again["DistributionConfig"]), (&changed["ETag"], &config));
    update(&got["ETag"], &config).refused(412, "PreconditionFailed");

    let mut other = config.clone();
    other["CallerReference"] = json!("another");
    update(&changed["ETag"], &other).refused(400, "IllegalUpdate");
    let mut other = config.clone();
    other["DefaultCacheBehavior"]["SmoothStreaming"] = json!(true);
    update(&changed["ETag"], &other).refused(400, "InvalidArgument");
    other["ConnectionMode"] = json!("direct");
    update(&changed["ETag"], &other).refused(400, "IllegalUpdate");
    rig.call("GetDistributionConfig", json!({"Id": "ENONE"})).refused(404, "NoSuchDistribution");
    let nobody = json!({"Id": "ENONE", "IfMatch": "E1", "DistributionConfig": config});
    rig.call("UpdateDistribution", nobody).refused(404, "NoSuchDistribution");
}

#[test]
fn a_change_that_a_tenant_would_not_fit_is_refused_with_its_id() {
    let rig = Rig::start();
    let id = rig.distribution();
    let tenant = rig.tenant(&id, "one");
    let got = rig.ok("GetDistributionConfig", json!({"Id": id}));
    let check = |change: &dyn Fn(&mut Value), named: &str| {
        let mut config = got["DistributionConfig"].clone();
        change(&mut config);
        let input = json!({"Id": id, "IfMatch": got["ETag"], "DistributionConfig": config});
        let message = rig.call("UpdateDistribution", input).refused(400, "InvalidArgument");
        assert!(message.contains(&tenant) && message.contains(named), "{message}");
    };
    let definition = |name: &str| json!({"Name": name, "Definition": {"StringSchema": {"Required": true}}});
    check(
        &|config| {
            config["TenantConfig"]["ParameterDefinitions"] = json!([definition("shop"), definition("new")]);
        },
        "'new' is required",
    );
    check(
        &|config| {
            config["TenantConfig"]["ParameterDefinitions"] = json!([]);
            config["Origins"]["Items"][0]["OriginPath"] = json!("");
        },
        "no parameter 'shop'",
    );
    // A value that was good in a path need not be good as a host.
    let other = rig.ok(
        "CreateDistributionTenant",
        json!({
            "DistributionId": id, "Name": "two", "Domains": [{"Domain": "two.example"}],
            "Parameters": [{"Name": "shop", "Value": "a_path/of-it"}]
        }),
    );
    let other = other["DistributionTenant"]["Id"].as_str().unwrap();
    let mut config = got["DistributionConfig"].clone();
    config["Origins"]["Items"][0]["DomainName"] = json!("{{shop}}");
    let input = json!({"Id": id, "IfMatch": got["ETag"], "DistributionConfig": config});
    let message = rig.call("UpdateDistribution", input).refused(400, "InvalidArgument");
    assert!(message.contains(other), "{message}");
    assert_eq!(rig.ok("GetDistributionConfig", json!({"Id": id}))["ETag"], got["ETag"]);
}

#[test]
fn a_distribution_goes_when_it_is_disabled_and_empty() {
    let rig = Rig::start();
    let id = rig.distribution();
    let got = rig.ok("GetDistributionConfig", json!({"Id": id}));
    let made = rig.ok("CreateDistributionTenant", tenant_config(&id, "one"));
    let delete = |if_match: &Value| rig.call("DeleteDistribution", json!({"Id": id, "IfMatch": if_match}));
    delete(&Value::Null).refused(400, "InvalidIfMatchVersion");
    delete(&json!("ESTALE")).refused(412, "PreconditionFailed");
    delete(&got["ETag"]).refused(409, "DistributionNotDisabled");
    let mut config = got["DistributionConfig"].clone();
    config["Enabled"] = json!(false);
    let input = json!({"Id": id, "IfMatch": got["ETag"], "DistributionConfig": config});
    let disabled = rig.ok("UpdateDistribution", input)["ETag"].clone();
    delete(&disabled).refused(409, "ResourceInUse");
    let tenant = &made["DistributionTenant"]["Id"];
    let input = json!({"Id": tenant, "IfMatch": made["ETag"], "Enabled": false});
    let etag = rig.ok("UpdateDistributionTenant", input)["ETag"].clone();
    rig.ok("DeleteDistributionTenant", json!({"Id": tenant, "IfMatch": etag}));
    assert_eq!(delete(&disabled).status, 204);
    delete(&disabled).refused(404, "NoSuchDistribution");
    rig.call("GetDistribution", json!({"Id": id})).refused(404, "NoSuchDistribution");
    assert_eq!(rig.ok("ListDistributions", json!({}))["DistributionList"]["Quantity"], json!(0));
}

#[test]
fn a_copy_has_a_reference_of_its_own() {
    let rig = Rig::start();
    let id = rig.distribution();
    let got = rig.ok("GetDistributionConfig", json!({"Id": id}));
    let copy = |changes: Value| {
        let mut input = json!({
            "PrimaryDistributionId": id, "IfMatch": got["ETag"], "CallerReference": "copy"
        });
        input.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        rig.call("CopyDistribution", input)
    };
    let message = copy(json!({"Staging": true})).refused(400, "InvalidArgument");
    assert!(message.starts_with("Staging: "), "{message}");
    copy(json!({"IfMatch": "ESTALE"})).refused(412, "PreconditionFailed");
    copy(json!({"PrimaryDistributionId": "ENONE"})).refused(404, "NoSuchDistribution");
    let made = copy(json!({"Enabled": false})).output("CopyDistribution");
    let config = &made["Distribution"]["DistributionConfig"];
    assert_ne!(made["Distribution"]["Id"], json!(id));
    assert_eq!((&config["CallerReference"], &config["Enabled"]), (&json!("copy"), &json!(false)));
    assert_eq!(config["Origins"], got["DistributionConfig"]["Origins"]);
    copy(json!({})).refused(409, "DistributionAlreadyExists");
}

#[test]
fn distributions_are_listed_by_connection_mode() {
    let rig = Rig::start();
    let id = rig.distribution();
    let list = |mode: &str| rig.call("ListDistributionsByConnectionMode", json!({"ConnectionMode": mode}));
    let listed = list("tenant-only").output("ListDistributionsByConnectionMode");
    assert_eq!(listed["DistributionList"]["Items"][0]["Id"], json!(id));
    let none = list("direct").output("ListDistributionsByConnectionMode");
    assert_eq!(none["DistributionList"]["Quantity"], json!(0));
    assert!(list("other").status == 400);
}

#[test]
fn a_distribution_has_no_web_acl() {
    let rig = Rig::start();
    let id = rig.distribution();
    let list = |acl: &str| rig.ok("ListDistributionsByWebACLId", json!({"WebACLId": acl}));
    assert_eq!(list("null")["DistributionList"]["Items"][0]["Id"], json!(id));
    assert_eq!(list("arn:aws:wafv2:us-east-1:1:global/webacl/a/b")["DistributionList"]["Quantity"], json!(0));
}

#[test]
fn the_classic_operations_refuse_as_cloudfront_does() {
    let rig = Rig::start();
    let id = rig.distribution();
    rig.call("CreateInvalidation", classic(&id, "r", &["/*"])).refused(404, "NoSuchDistribution");
    rig.call("ListInvalidations", json!({"DistributionId": id})).refused(404, "NoSuchDistribution");
    rig.call("GetInvalidation", json!({"DistributionId": id, "Id": "I1"})).refused(404, "NoSuchDistribution");
}

#[test]
fn the_classic_operations_fan_out_where_the_operator_wants_it() {
    let rig = Rig::start_with(|options| {
        options.distribution_invalidations = DistributionInvalidations::FanOut;
    });
    let id = rig.distribution();
    let tenant = rig.tenant(&id, "one");
    let made = rig.ok("CreateInvalidation", classic(&id, "r", &["/a*", "#tag"]));
    let made_id = made["Invalidation"]["Id"].clone();
    let location = made["Location"].as_str().unwrap();
    let end = format!("/2020-05-31/distribution/{id}/invalidation/{}", made_id.as_str().unwrap());
    assert!(location.ends_with(&end), "{location}");
    let replayed = rig.ok("CreateInvalidation", classic(&id, "r", &["#tag", "/a*"]));
    assert_eq!(replayed["Invalidation"]["Id"], made_id);
    rig.call("CreateInvalidation", classic(&id, "r", &["/b"])).refused(409, "InvalidationBatchAlreadyExists");
    rig.call("CreateInvalidation", classic("ENONE", "r", &["/b"])).refused(404, "NoSuchDistribution");
    rig.call("CreateInvalidation", classic(&id, "s", &["b"])).refused(400, "InvalidArgument");

    let got = rig.ok("GetInvalidation", json!({"DistributionId": id, "Id": made_id}));
    assert_eq!(got["Invalidation"]["Status"], "Completed", "no edge has to be waited for");
    let other = rig.call("GetInvalidation", json!({"DistributionId": id, "Id": "I1"}));
    other.refused(404, "NoSuchInvalidation");
    let listed = rig.ok("ListInvalidations", json!({"DistributionId": id}))["InvalidationList"].clone();
    assert_eq!((&listed["Quantity"], &listed["Items"][0]["Id"]), (&json!(1), &made_id));
    let of_tenant = rig.ok("ListInvalidationsForDistributionTenant", json!({"Id": tenant}));
    assert_eq!(of_tenant["InvalidationList"]["Quantity"], json!(0), "it is the distribution's");
    let counted = rig.ok("GetDistribution", json!({"Id": id}));
    assert_eq!(counted["Distribution"]["InProgressInvalidationBatches"], json!(0));
}

#[test]
fn our_own_api_always_fans_out() {
    let rig = Rig::start();
    let id = rig.distribution();
    let path = format!("distributions/{id}/invalidation");
    let batch = json!({"Paths": ["/a*"], "CallerReference": "r"});
    let made = ask(&rig, "POST", &path, &batch, 201)["Invalidation"].clone();
    assert_eq!(made["InvalidationBatch"]["Paths"]["Items"], json!(["/a*"]));
    assert_eq!(ask(&rig, "POST", &path, &batch, 201)["Invalidation"]["Id"], made["Id"]);
    let one = format!("{path}/{}", made["Id"].as_str().unwrap());
    assert_eq!(ask(&rig, "GET", &one, &Value::Null, 200)["Invalidation"]["Status"], "Completed");
    let listed = ask(&rig, "GET", &path, &Value::Null, 200);
    assert_eq!(listed["InvalidationList"]["Items"][0]["Id"], made["Id"]);
    for (body, code) in [
        (json!({"Paths": "/a", "CallerReference": "x"}), "InvalidArgument"),
        (json!({"Paths": ["/a"]}), "InvalidArgument"),
        (json!({"Paths": [], "CallerReference": "x"}), "InvalidArgument"),
        (json!({"Paths": ["a"], "CallerReference": "x"}), "InvalidArgument"),
        (json!({"Paths": ["/a"], "CallerReference": "x", "Other": 1}), "InvalidArgument"),
    ] {
        assert_eq!(ask(&rig, "POST", &path, &body, 400)["Code"], code, "{body}");
    }
    let nobody = "distributions/ENONE/invalidation";
    assert_eq!(ask(&rig, "POST", nobody, &batch, 404)["Code"], "NoSuchDistribution");
    assert_eq!(ask(&rig, "GET", nobody, &Value::Null, 404)["Code"], "NoSuchDistribution");
}

#[test]
fn tags_come_with_a_distribution() {
    let rig = Rig::start();
    let with = |reference: &str, tags: Value| {
        let both = json!({"DistributionConfig": distribution_config(reference), "Tags": {"Items": tags}});
        rig.call("CreateDistributionWithTags", json!({"DistributionConfigWithTags": both}))
    };
    with("d", json!([{"Key": "aws:x", "Value": ""}])).refused(400, "InvalidTagging");
    let made = with("d", json!([{"Key": "b", "Value": "2"}, {"Key": "a", "Value": "1"}]));
    let arn = made.output("CreateDistributionWithTags")["Distribution"]["ARN"].clone();
    let tags = rig.ok("ListTagsForResource", json!({"Resource": arn}));
    let both = json!([{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]);
    assert_eq!(tags["Tags"]["Items"], both);
}
