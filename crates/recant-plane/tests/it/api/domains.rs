//! Domains and customizations of tenants: found by, in conflict, moved, verified.

use recant_plane::DnsLookups;
use serde_json::{Value, json};

use super::rig::{Rig, tenant_config};

const ACL: &str = "arn:aws:wafv2:us-east-1:000000000000:global/webacl/a/1";
const CERTIFICATE: &str = "arn:aws:acm:us-east-1:000000000000:certificate/1";

#[test]
fn a_tenant_is_found_by_its_domain() {
    let rig = Rig::start();
    let tenant = rig.tenant(&rig.distribution(), "one");
    let by = |domain: &str| rig.call("GetDistributionTenantByDomain", json!({"Domain": domain}));
    let got = by("ONE.example").output("GetDistributionTenantByDomain");
    assert_eq!(got["DistributionTenant"]["Id"], json!(tenant));
    assert!(got["ETag"].is_string());
    by("two.example").refused(404, "EntityNotFound");
}

#[test]
fn a_domain_in_conflict_is_told_and_moved() {
    let rig = Rig::start();
    let distribution = rig.distribution();
    let one = rig.ok("CreateDistributionTenant", tenant_config(&distribution, "one"));
    let two = rig.ok("CreateDistributionTenant", tenant_config(&distribution, "two"));
    let (one_id, two_id) = (&one["DistributionTenant"]["Id"], &two["DistributionTenant"]["Id"]);
    let conflicts = |domain: &str, asking: &Value| {
        let resource = json!({"DistributionTenantId": asking});
        rig.ok("ListDomainConflicts", json!({"Domain": domain, "DomainControlValidationResource": resource}))
    };
    let found = conflicts("*.example", two_id);
    let expected = json!([{
        "Domain": "one.example", "ResourceType": "distribution-tenant", "ResourceId": one_id,
        "AccountId": "000000000000"
    }]);
    assert_eq!(found["DomainConflicts"], expected, "its own are none");
    assert_eq!(conflicts("free.example", two_id)["DomainConflicts"], json!([]));
    let nobody = json!({"Domain": "a.example", "DomainControlValidationResource": {"DistributionTenantId": "dt_none"}});
    rig.call("ListDomainConflicts", nobody).refused(404, "EntityNotFound");

    let step = |domain: &str, if_match: &Value| {
        let input = json!({"Domain": domain, "TargetResource": {"DistributionTenantId": two_id}, "IfMatch": if_match});
        rig.call("UpdateDomainAssociation", input)
    };
    step("one.example", &Value::Null).refused(400, "InvalidIfMatchVersion");
    step("one.example", &json!("ESTALE")).refused(412, "PreconditionFailed");
    step("free.example", &two["ETag"]).refused(404, "EntityNotFound");
    step("one.example", &two["ETag"]).refused(400, "IllegalUpdate");
    let disable = json!({"Id": one_id, "IfMatch": one["ETag"], "Enabled": false});
    rig.ok("UpdateDistributionTenant", disable);
    let etag = &rig.ok("GetDistribution", json!({"Id": distribution}))["ETag"];
    let target = json!({"DistributionId": distribution});
    let input = json!({"Domain": "one.example", "TargetResource": target, "IfMatch": etag});
    rig.call("UpdateDomainAssociation", input).refused(400, "InvalidArgument");
    let moved = step("One.example", &two["ETag"]).output("UpdateDomainAssociation");
    assert_eq!((&moved["Domain"], &moved["ResourceId"]), (&json!("one.example"), two_id));
    let got = rig.ok("GetDistributionTenantByDomain", json!({"Domain": "one.example"}));
    assert_eq!((&got["DistributionTenant"]["Id"], &got["ETag"]), (two_id, &moved["ETag"]));

    // A change that does not speak of domains leaves them where they are by now.
    let change = json!({"Id": two_id, "IfMatch": moved["ETag"], "Enabled": true});
    let changed = rig.ok("UpdateDistributionTenant", change);
    assert_eq!(changed["DistributionTenant"]["Domains"].as_array().unwrap().len(), 2);
}

#[test]
fn a_tenant_that_has_lost_its_last_domain_can_be_changed() {
    let rig = Rig::start();
    let distribution = rig.distribution();
    let mut disabled = tenant_config(&distribution, "one");
    disabled["Enabled"] = json!(false);
    let one = rig.ok("CreateDistributionTenant", disabled);
    let two = rig.ok("CreateDistributionTenant", tenant_config(&distribution, "two"));
    let (one, two_id) = (&one["DistributionTenant"]["Id"], &two["DistributionTenant"]["Id"]);
    let target = json!({"DistributionTenantId": two_id});
    let input = json!({"Domain": "one.example", "TargetResource": target, "IfMatch": two["ETag"]});
    rig.ok("UpdateDomainAssociation", input);
    let etag = || rig.ok("GetDistributionTenant", json!({"Identifier": one}))["ETag"].clone();

    let acl = json!({"Id": one, "WebACLArn": ACL, "IfMatch": etag()});
    rig.ok("AssociateDistributionTenantWebACL", acl);
    let none = json!({"Id": one, "IfMatch": etag(), "Domains": []});
    let message = rig.call("UpdateDistributionTenant", none).refused(400, "InvalidArgument");
    assert!(message.contains("at least one domain"), "{message}");
    let enabled = rig.ok("UpdateDistributionTenant", json!({"Id": one, "IfMatch": etag(), "Enabled": true}));
    assert_eq!(enabled["DistributionTenant"]["Domains"], json!([]));
    assert_eq!(enabled["DistributionTenant"]["Enabled"], json!(true));
    let again = json!({"Id": one, "IfMatch": etag(), "Domains": [{"Domain": "new.example"}]});
    let again = rig.ok("UpdateDistributionTenant", again);
    assert_eq!(again["DistributionTenant"]["Domains"][0]["Domain"], "new.example");
}

#[test]
fn a_web_acl_is_kept_reported_and_listed_by() {
    let rig = Rig::start();
    let made = rig.ok("CreateDistributionTenant", tenant_config(&rig.distribution(), "one"));
    let id = &made["DistributionTenant"]["Id"];
    let associate = |arn: &str, if_match: &Value| {
        let input = json!({"Id": id, "WebACLArn": arn, "IfMatch": if_match});
        rig.call("AssociateDistributionTenantWebACL", input)
    };
    associate("x", &made["ETag"]).refused(400, "InvalidArgument");
    associate(ACL, &json!("ESTALE")).refused(412, "PreconditionFailed");
    associate(ACL, &Value::Null).refused(400, "InvalidIfMatchVersion");
    let done = associate(ACL, &made["ETag"]).output("AssociateDistributionTenantWebACL");
    assert_eq!((&done["Id"], &done["WebACLArn"]), (id, &json!(ACL)));
    let got = rig.ok("GetDistributionTenant", json!({"Identifier": id}));
    assert_eq!(got["ETag"], done["ETag"]);
    let web_acl = json!({"WebAcl": {"Action": "override", "Arn": ACL}});
    assert_eq!(got["DistributionTenant"]["Customizations"], web_acl);
    let list = |input: Value| {
        let page = rig.ok("ListDistributionTenantsByCustomization", input);
        page["DistributionTenantList"].as_array().unwrap().len()
    };
    assert_eq!(list(json!({"WebACLArn": ACL})), 1);
    assert_eq!(list(json!({"CertificateArn": CERTIFICATE})), 0);

    let both = json!({"WebAcl": {"Action": "override", "Arn": ACL}, "Certificate": {"Arn": CERTIFICATE}});
    let change = json!({"Id": id, "IfMatch": done["ETag"], "Customizations": both});
    let changed = rig.ok("UpdateDistributionTenant", change);
    assert_eq!(list(json!({"CertificateArn": CERTIFICATE})), 1);
    let input = json!({"Id": id, "IfMatch": changed["ETag"]});
    let done = rig.ok("DisassociateDistributionTenantWebACL", input);
    let got = rig.ok("GetDistributionTenant", json!({"Identifier": id}));
    assert_eq!(got["ETag"], done["ETag"]);
    assert_eq!(got["DistributionTenant"]["Customizations"], json!({"Certificate": {"Arn": CERTIFICATE}}));
    assert_eq!(list(json!({"WebACLArn": ACL})), 0);
    let wrong = json!({"WebACLArn": ACL, "CertificateArn": CERTIFICATE});
    rig.call("ListDistributionTenantsByCustomization", wrong).refused(400, "InvalidArgument");
}

#[test]
fn without_look_ups_nothing_is_known_of_the_dns() {
    let rig = Rig::start_with(|options| options.dns = DnsLookups::Off);
    rig.tenant(&rig.distribution(), "one");
    let verify = |input: Value| rig.call("VerifyDnsConfiguration", input);
    let found = verify(json!({"Identifier": "one"})).output("VerifyDnsConfiguration");
    let one = &found["DnsConfigurationList"][0];
    assert_eq!((&one["Domain"], &one["Status"]), (&json!("one.example"), &json!("unknown-configuration")));
    assert!(one["Reason"].is_string());
    let found = verify(json!({"Identifier": "one", "Domain": "ONE.example"}));
    assert_eq!(found.output("VerifyDnsConfiguration")["DnsConfigurationList"][0]["Domain"], "one.example");
    verify(json!({"Identifier": "one", "Domain": "other.example"})).refused(404, "EntityNotFound");
    verify(json!({"Identifier": "one", "Domain": "a b"})).refused(400, "InvalidArgument");
    verify(json!({"Identifier": "none"})).refused(404, "EntityNotFound");
}

#[test]
fn no_tenant_has_a_managed_certificate() {
    let rig = Rig::start();
    let distribution = rig.distribution();
    rig.tenant(&distribution, "one");
    let details = |identifier: &str| {
        rig.call("GetManagedCertificateDetails", json!({"Identifier": identifier}))
            .refused(404, "EntityNotFound")
    };
    assert!(details("one").contains("no managed certificate"));
    assert!(details("none").contains("does not exist"));
    let mut config = tenant_config(&distribution, "two");
    config["ManagedCertificateRequest"] = json!({"ValidationTokenHost": "cloudfront"});
    let message = rig.call("CreateDistributionTenant", config).refused(400, "InvalidArgument");
    assert!(message.starts_with("ManagedCertificateRequest: "), "{message}");
}
