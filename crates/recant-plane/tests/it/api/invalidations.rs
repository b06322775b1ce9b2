//! Invalidations of a tenant: made once, found again, listed newest first.

use serde_json::json;

use super::rig::{Rig, invalidation};
use recant_plane::CallerReferenceConflict;

const CREATE: &str = "CreateInvalidationForDistributionTenant";
const GET: &str = "GetInvalidationForDistributionTenant";
const LIST: &str = "ListInvalidationsForDistributionTenant";

#[test]
fn a_create_is_answered_in_full() {
    let rig = Rig::start_with(|options| options.public_url = Some("https://plane.example:1".into()));
    let tenant = rig.tenant(&rig.distribution(), "one");
    let reply = rig.call(CREATE, invalidation(&tenant, "r1", &["/b&<c>", "/a*", "#Sale", "/b&<c>"]));
    assert_eq!(reply.header("content-type"), "text/xml");
    assert_eq!(reply.header("x-amzn-requestid").len(), 36);
    let made = reply.output(CREATE);
    let id = made["Invalidation"]["Id"].as_str().unwrap();
    assert_eq!(id.len(), 26);
    // Never from the Host header, which names the port of this test.
    let location =
        format!("https://plane.example:1/2020-05-31/distribution-tenant/{tenant}/invalidation/{id}");
    assert_eq!(made["Location"], json!(location));
    // In the model's order, the paths as typed.
    let start = "<?xml version=\"1.0\"?>\n<Invalidation xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\"><Id>";
    assert!(reply.body.starts_with(start), "{}", reply.body);
    let batch = "<InvalidationBatch><Paths><Quantity>4</Quantity><Items><Path>/b&amp;&lt;c&gt;</Path><Path>/a*</Path>\
                 <Path>#Sale</Path><Path>/b&amp;&lt;c&gt;</Path></Items></Paths><CallerReference>r1</CallerReference>";
    assert!(reply.body.contains(batch), "{}", reply.body);
    let time = made["Invalidation"]["CreateTime"].as_str().unwrap();
    assert!(time.len() == "2025-04-16T03:46:14.946Z".len() && time.ends_with('Z'), "{time}");
}

#[test]
fn without_edges_it_completes_by_itself() {
    let rig = Rig::start();
    let tenant = rig.tenant(&rig.distribution(), "one");
    let id = rig.ok(CREATE, invalidation(&tenant, "r1", &["/*"]))["Invalidation"]["Id"].clone();
    let found =
        || rig.ok(GET, json!({"DistributionTenantId": tenant, "Id": id}))["Invalidation"]["Status"].clone();
    // Each question waits a moment for the answer that is about to be true, so few are needed.
    let statuses: Vec<_> =
        std::iter::repeat_with(found).take(20).take_while(|it| it != "Completed").collect();
    assert!(statuses.len() < 20, "it never completed");
    assert!(statuses.iter().all(|status| status == "InProgress"));
}

#[test]
fn the_same_reference_with_the_same_paths_is_the_same_invalidation() {
    let rig = Rig::start();
    let distribution = rig.distribution();
    let (one, two) = (rig.tenant(&distribution, "one"), rig.tenant(&distribution, "two"));
    let first = rig.ok(CREATE, invalidation(&one, "r1", &["/a", "/b*"]));
    let again = rig.ok(CREATE, invalidation(&one, "r1", &["/b*", "/a", "/a"]));
    assert_eq!(again["Invalidation"]["Id"], first["Invalidation"]["Id"]);
    assert_eq!(again["Location"], first["Location"]);
    assert_eq!(again["Invalidation"]["CreateTime"], first["Invalidation"]["CreateTime"]);
    // References are a tenant's own.
    let other = rig.ok(CREATE, invalidation(&two, "r1", &["/a", "/b*"]));
    assert_ne!(other["Invalidation"]["Id"], first["Invalidation"]["Id"]);
    assert_eq!(rig.ok(LIST, json!({"Id": one}))["InvalidationList"]["Quantity"], json!(1));

    let message =
        rig.call(CREATE, invalidation(&one, "r1", &["/c"])).refused(409, "InvalidationBatchAlreadyExists");
    assert!(message.starts_with("Your request contains a caller reference that was used"), "{message}");
    assert_eq!(rig.ok(LIST, json!({"Id": one}))["InvalidationList"]["Quantity"], json!(1));
}

#[test]
fn the_operator_may_choose_the_observed_conflict() {
    let rig = Rig::start_with(|options| {
        options.caller_reference_conflict = CallerReferenceConflict::InvalidArgument;
    });
    let tenant = rig.tenant(&rig.distribution(), "one");
    rig.ok(CREATE, invalidation(&tenant, "r1", &["/a"]));
    assert_eq!(
        rig.call(CREATE, invalidation(&tenant, "r1", &["/b"])).refused(400, "InvalidArgument"),
        "Your request contains a caller reference that was used for a previous invalidation batch for the same \
         distribution."
    );
}

#[test]
fn more_than_may_be_in_progress_is_refused() {
    let rig = Rig::start_with(|options| {
        (options.paths_in_progress_max, options.wildcards_in_progress_max) = (2, 1);
    });
    let tenant = rig.tenant(&rig.distribution(), "one");
    let refused = |paths: &[&str]| {
        rig.call(CREATE, invalidation(&tenant, "r1", paths)).refused(400, "TooManyInvalidationsInProgress")
    };
    assert_eq!(
        refused(&["/a", "/b", "#c"]),
        "Processing your request will cause you to exceed the maximum number of in-progress invalidations."
    );
    assert_eq!(
        refused(&["/a*", "/b*"]),
        "Processing your request will cause you to exceed the maximum number of in-progress wildcard invalidations."
    );
    rig.ok(CREATE, invalidation(&tenant, "r1", &["/a", "/b", "/c*"]));
}

#[test]
fn pages_go_from_the_newest_to_the_oldest() {
    let rig = Rig::start();
    let distribution = rig.distribution();
    let (tenant, other) = (rig.tenant(&distribution, "one"), rig.tenant(&distribution, "two"));
    let empty = &rig.ok(LIST, json!({"Id": tenant}))["InvalidationList"];
    let expected = json!({"Marker": "", "MaxItems": 100, "IsTruncated": false, "Quantity": 0});
    assert_eq!(*empty, expected);

    let mut made: Vec<String> = (0..5)
        .map(|n| rig.ok(CREATE, invalidation(&tenant, &format!("r{n}"), &["/*"])))
        .map(|made| made["Invalidation"]["Id"].as_str().unwrap().to_owned())
        .collect();
    made.reverse();
    let elsewhere = rig.ok(CREATE, invalidation(&other, "r", &["/*"]))["Invalidation"]["Id"].clone();

    let mut listed = Vec::new();
    let mut marker = None;
    loop {
        let page =
            rig.ok(LIST, json!({"Id": tenant, "Marker": marker, "MaxItems": 2}))["InvalidationList"].clone();
        let items = page["Items"].as_array().unwrap();
        assert_eq!((&page["MaxItems"], &page["Quantity"]), (&json!(2), &json!(items.len())));
        listed.extend(items.iter().map(|item| item["Id"].as_str().unwrap().to_owned()));
        let next = page.get("NextMarker").cloned();
        assert_eq!(page["IsTruncated"], json!(next.is_some()));
        // The marker is the last id of the page; none on the last page, or clients would go on for ever.
        let Some(next) = next else { break };
        assert_eq!(next.as_str(), listed.last().map(String::as_str));
        marker = Some(next);
    }
    assert_eq!(listed, made);

    rig.call(LIST, json!({"Id": tenant, "Marker": elsewhere})).refused(400, "InvalidArgument");
    rig.call(LIST, json!({"Id": tenant, "MaxItems": 0})).refused(400, "InvalidArgument");
    rig.call(LIST, json!({"Id": "dt_none"})).refused(404, "EntityNotFound");
}

#[test]
fn another_tenants_invalidation_is_not_there() {
    let rig = Rig::start();
    let distribution = rig.distribution();
    let (one, two) = (rig.tenant(&distribution, "one"), rig.tenant(&distribution, "two"));
    let id = rig.ok(CREATE, invalidation(&one, "r1", &["/*"]))["Invalidation"]["Id"].clone();
    let get = |tenant: &str, id: &serde_json::Value| {
        rig.call(GET, json!({"DistributionTenantId": tenant, "Id": id}))
    };
    get(&two, &id).refused(404, "NoSuchInvalidation");
    get(&one, &json!("INONE")).refused(404, "NoSuchInvalidation");
    get(&one, &json!("a/b")).refused(404, "NoSuchInvalidation");
    get("dt_none", &id).refused(404, "EntityNotFound");
}
