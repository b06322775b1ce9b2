//! Pages: a marker is a name of its list, whatever the list is.

use serde_json::{Value, json};

use super::access::{ask, own};
use super::rig::Rig;

#[test]
fn a_marker_that_no_item_can_have_is_refused() {
    // 21.
    let rig = Rig::start();
    let distribution = rig.distribution();
    let tenant = rig.tenant(&distribution, "one");
    let group = rig.ok("CreateConnectionGroup", json!({"Name": "group"}))["ConnectionGroup"]["Id"].clone();
    let group = group.as_str().unwrap();
    let policy = "658327ea-f89d-4fab-a63d-7e88639e58f6";
    let asking = json!({"DistributionTenantId": tenant});
    // Each list with a marker of its own, which may be one of something that is gone.
    let lists = [
        ("ListDistributions", json!({}), distribution.as_str()),
        ("ListDistributionsByConnectionMode", json!({"ConnectionMode": "tenant-only"}), &distribution),
        ("ListDistributionsByCachePolicyId", json!({"CachePolicyId": policy}), &distribution),
        ("ListDistributionsByWebACLId", json!({"WebACLId": "null"}), &distribution),
        ("ListDistributionTenants", json!({}), &tenant),
        ("ListDistributionTenantsByCustomization", json!({"WebACLArn": "x"}), &tenant),
        ("ListConnectionGroups", json!({}), group),
        ("ListCachePolicies", json!({}), policy),
        ("ListCachePolicies", json!({"Type": "managed"}), policy),
        ("ListOriginRequestPolicies", json!({}), policy),
        ("ListResponseHeadersPolicies", json!({}), policy),
        (
            "ListDomainConflicts",
            json!({"Domain": "one.example", "DomainControlValidationResource": asking}),
            "gone.example",
        ),
    ];
    for (operation, input, own) in &lists {
        let with = |marker: &str| {
            let mut input = input.clone();
            input["Marker"] = json!(marker);
            rig.call(operation, input)
        };
        with(own).output(operation);
        for marker in ["bogus", "E1", "dt_1", "cg_1", "I2", "no domain", "'"] {
            let message = with(marker).refused(400, "InvalidArgument");
            assert_eq!(message, format!("Marker: '{marker}' is not in this list."), "{operation}");
        }
    }
    let invalidations = json!({"Id": tenant, "Marker": "bogus"});
    rig.call("ListInvalidationsForDistributionTenant", invalidations).refused(400, "InvalidArgument");
    assert_eq!(ask(&rig, "GET", "keys?Marker=bogus", &Value::Null, 400)["Code"], "InvalidArgument");
    ask(&rig, "GET", "keys?Marker=AKIAAAAAAAAAAAAAAAAA", &Value::Null, 200);
}

#[test]
fn there_is_nothing_after_the_largest_number() {
    let rig = Rig::start();
    rig.distribution();
    for after in ["9223372036854775807", "9223372036854775808", "18446744073709551615"] {
        let page = ask(&rig, "GET", &format!("audit?After={after}"), &Value::Null, 200);
        assert_eq!(page["Records"], json!([]), "{after}");
    }
    let call = own(&rig, "GET", "audit?After=18446744073709551616", &Value::Null);
    assert_eq!(rig.send(&rig.signed(call)).status, 400);
}
