//! Characters that no text may hold: refused by the member's name at every way in that has a spelling for them, whichever store
//! there is. (A PostgreSQL keeps no text with U+0000; an embedded store keeps it, and no answer in XML could tell it.)

use recant_plane::{Declaration, PlaneOptions};
use recant_wire::document::Document;
use recant_wire::model::{self, Location};
use serde_json::{Map, Value, json};

use super::access::ask;
use super::rig::{Rig, invalidation};
use crate::failover;

/// Whatever of an operation's input travels in the request line, with a character that is not allowed.
fn request_lines(rig: &Rig) {
    for operation in model::operations() {
        let in_line = operation.members().iter().filter(|member| match member.location {
            Location::Uri | Location::Query => true,
            // HTTP itself has no spelling for these in a header.
            Location::Header | Location::Body => false,
        });
        let in_line: Vec<_> = in_line.collect();
        for wrong in &in_line {
            let mut input: Map<String, Value> =
                in_line.iter().map(|member| (member.name.to_owned(), json!("1"))).collect();
            for text in ["\0", "a\0b", "\u{1b}", "a\u{fffe}"] {
                input.insert(wrong.name.to_owned(), json!(text));
                let reply = rig.call(operation.name, Value::Object(input.clone()));
                let message = reply.refused(400, "InvalidArgument");
                assert!(
                    message.starts_with(&format!("{}: the character U+", wrong.wire_name)),
                    "{}: {message}",
                    operation.name
                );
            }
        }
    }
}

/// Labels, queries and bodies of our own API.
fn own_api(rig: &Rig, distribution: &str, tenant: &str) {
    let refused = |method: &str, target: &str, body: Value, member: &str| {
        let answer = ask(rig, method, target, &body, 400);
        assert_eq!(answer["Code"], "InvalidArgument", "{method} {target}");
        let message = answer["Message"].as_str().unwrap();
        assert!(
            message.starts_with(&format!("{member}: the character U+0000 ")),
            "{method} {target}: {message}"
        );
    };
    refused("GET", "keys/a%00", Value::Null, "AccessKeyId");
    refused("PUT", "keys/a%00", json!({"Status": "Inactive"}), "AccessKeyId");
    refused("DELETE", "keys/%00", Value::Null, "AccessKeyId");
    refused("GET", "keys?Marker=%00", Value::Null, "Marker");
    refused("GET", "audit?After=1%00", Value::Null, "After");
    refused("GET", "events?After=%00", Value::Null, "After");
    refused("POST", "keys", json!({"Name": "a\0", "Policy": {}}), "Name");
    let policy = json!({"Statement": [{"Effect": "Allow", "Action": "*", "Resource": ["*", "\0"]}]});
    refused("POST", "keys", json!({"Name": "a", "Policy": policy}), "Policy.Statement[0].Resource[1]");
    refused("GET", "distributions/%00/invalidation", Value::Null, "DistributionId");
    refused("GET", &format!("distributions/{distribution}/invalidation/%00"), Value::Null, "Id");
    refused("GET", &format!("distributions/{distribution}/invalidation/%00/progress"), Value::Null, "Id");
    refused("GET", &format!("distribution-tenants/{tenant}/invalidation/%00/progress"), Value::Null, "Id");
    let batch = |path: &str, reference: &str| json!({"Paths": ["/", path], "CallerReference": reference});
    let invalidations = format!("distributions/{distribution}/invalidation");
    refused("POST", &invalidations, batch("/\0", "r"), "Paths[1]");
    refused("POST", &invalidations, batch("/a", "r\0"), "CallerReference");
    for name in ["%00", "one%00", "one.example%00"] {
        let count = format!("distribution-tenants/{name}/invalidation-dry-run");
        refused("POST", &count, json!({"Items": ["/*"]}), "Id");
    }
    let count = format!("distribution-tenants/{tenant}/invalidation-dry-run");
    refused("POST", &count, json!({"Items": ["#a\0"]}), "Items[0]");
    // A policy in a text is JSON in JSON: nothing of it is kept but as JSON, which spells everything.
    let policy = r#"{"Statement": [{"Sid": "a\u0000", "Effect": "Allow", "Action": "*", "Resource": "*"}]}"#;
    let made = ask(rig, "POST", "keys", &json!({"Name": "nested", "Policy": policy}), 201);
    let id = made["Key"]["AccessKeyId"].as_str().unwrap();
    let got = ask(rig, "GET", &format!("keys/{id}"), &Value::Null, 200);
    assert_eq!(got["Key"]["Policy"]["Statement"][0]["Sid"], "a\0");
}

/// Bodies in XML, where such a character is no XML, spelled or not.
fn bodies(rig: &Rig, tenant: &str) {
    let call = rig.request("CreateInvalidationForDistributionTenant", invalidation(tenant, "r", &["/a"]));
    let body = String::from_utf8(call.body.clone()).unwrap();
    for wrong in ["\0", "&#0;", "&#x0;", "&#1;", "&#xFFFE;", "<![CDATA[\0]]>", "\u{1b}", "&#xD800;"] {
        for place in ["/a<", "r<"] {
            let body = body.replace(place, &place.replace('<', &format!("{wrong}<")));
            let reply = rig.send(&rig.signed(call.clone().with_body(body)));
            reply.refused(400, "MalformedXML");
        }
    }
    let list = rig.ok("ListInvalidationsForDistributionTenant", json!({"Id": tenant}));
    assert_eq!(list["InvalidationList"]["Quantity"], json!(0), "something was stored");
}

fn check(rig: &Rig) {
    let distribution = rig.distribution();
    let tenant = rig.tenant(&distribution, "one");
    request_lines(rig);
    own_api(rig, &distribution, &tenant);
    bodies(rig, &tenant);
}

#[test]
fn no_way_in_on_the_embedded_store() {
    check(&Rig::start());
}

#[test]
fn no_way_in_on_postgresql() {
    check(&failover::plane(&crate::postgres::shared().make_database()));
}

#[tokio::test]
async fn no_way_in_by_a_declaration() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = PlaneOptions::new(folder.path(), std::net::SocketAddr::from(([127, 0, 0, 1], 0)));
    let group =
        json!({"ConnectionGroups": [{"Name": "g", "Tags": {"Items": [{"Key": "k", "Value": "\u{1}"}]}}]});
    options.declarations = vec![Declaration { name: "f".to_owned(), document: Document::from(group) }];
    let error = recant_plane::Plane::start(options).await.err().unwrap();
    let message = error.to_string();
    assert!(
        message.contains("f: ConnectionGroups[0]: Tags.Items[0].Value: the character U+0001 is not allowed"),
        "{message}"
    );
}
