//! `--retain-invalidations` on a live plane: what is over leaves the history, and its `CallerReference` is remembered.

use serde_json::json;

use crate::rig::{Client, Origin, Serve, completed, example, until};

#[test]
fn what_is_over_goes_and_is_still_replayed() {
    let mut serve = Serve::start();
    let client = Client::recant(&serve);
    let (_, tenant) = example(&client, &serve, Origin::start().address);
    let create = |client: &Client, reference: &str, path: &str| {
        let batch =
            json!({"Paths": {"Quantity": 1, "Items": [path]}, "CallerReference": reference}).to_string();
        let words = ["--id", &tenant, "--invalidation-batch", &batch];
        client.run(&[&["create-invalidation-for-distribution-tenant"], &words[..]].concat())
    };
    let made = ["r0", "r1", "r2"].map(|reference| {
        let said = create(&client, reference, "/a");
        let made: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
        let id = made["Invalidation"]["Id"].as_str().unwrap().to_owned();
        completed(&serve, &tenant, &id);
        (id, made["Invalidation"]["CreateTime"].clone())
    });
    let folder = serve.folder();
    serve.stop();
    drop(serve);

    let serve = Serve::start_in(folder, &["--retain-invalidations", "2"]);
    let client = Client::recant(&serve);
    let listed = || {
        let list = client.ok(&["list-invalidations-for-distribution-tenant", "--id", &tenant]);
        let items = list["InvalidationList"]["Items"].as_array().cloned().unwrap_or_default();
        items.iter().map(|item| item["Id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    until("the oldest is gone", || (listed() == [made[2].0.as_str(), &made[1].0]).then_some(()));
    let get =
        ["get-invalidation-for-distribution-tenant", "--distribution-tenant-id", &tenant, "--id", &made[0].0];
    client.refused(&get, "NoSuchInvalidation");
    let replayed: serde_json::Value = serde_json::from_str(&create(&client, "r0", "/a").stdout).unwrap();
    let expected = json!([made[0].0, made[0].1, "Completed"]);
    let invalidation = &replayed["Invalidation"];
    assert_eq!(json!([invalidation["Id"], invalidation["CreateTime"], invalidation["Status"]]), expected);
    let conflict = create(&client, "r0", "/b");
    assert!(conflict.stderr.contains("InvalidationBatchAlreadyExists"), "{conflict:?}");
    assert_eq!(listed().len(), 2);
}
