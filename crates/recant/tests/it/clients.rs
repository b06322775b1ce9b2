//! One invalidation's whole way, typed into a shell: by the unmodified AWS CLI, and by our own client.

use serde_json::{Value, json};

use crate::rig::{Client, Origin, Page, Serve, completed, create_tenant, example, http};

const CREATE: &str = "create-invalidation-for-distribution-tenant";
const LIST: &str = "list-invalidations-for-distribution-tenant";

#[test]
fn the_aws_cli() {
    the_story(Client::aws);
}

#[test]
fn the_aws_cli_of_version_2() {
    the_story(Client::aws_v2);
}

#[test]
fn our_own_client() {
    the_story(Client::recant);
}

fn the_story(client: fn(&Serve) -> Client) {
    let serve = Serve::start();
    let origin = Origin::start();
    let client = client(&serve);
    let (distribution, tenant) = example(&client, &serve, origin.address);
    let again = create_tenant(&distribution);
    client.refused(&again.each_ref().map(String::as_str), "EntityAlreadyExists");
    let read =
        || ["/a", "/img/1", "/img/2", "/tagged"].map(|path| http::get(serve.viewer, "one.example", path));
    let bodies = || read().map(|reply| reply.text().to_owned());

    publish(&origin, "old");
    assert_eq!(bodies(), ["old"; 4]);
    assert!(read().iter().all(http::Reply::is_hit));
    assert_eq!(origin.asked("/one/a"), 1);
    publish(&origin, "new");
    assert_eq!(bodies(), ["old"; 4], "nobody has invalidated anything");

    let batch = r##"{"Paths": {"Quantity": 2, "Items": ["/img/*", "#Sale"]}, "CallerReference": "one"}"##;
    let first = client.ok(&[CREATE, "--id", &tenant, "--invalidation-batch", batch]);
    let id = first["Invalidation"]["Id"].as_str().unwrap();
    let place = format!("http://{}/2020-05-31/distribution-tenant/{tenant}/invalidation/{id}", serve.api);
    assert_eq!(first["Location"], json!(place));
    wait(&client, &serve, &tenant, id);
    assert_eq!(bodies(), ["old", "new", "new", "new"]);
    let shorthand = "Paths={Quantity=1,Items=[/a]},CallerReference=two";
    let second = client.ok(&[CREATE, "--id", &tenant, "--invalidation-batch", shorthand]);
    wait(&client, &serve, &tenant, second["Invalidation"]["Id"].as_str().unwrap());
    assert_eq!(bodies(), ["new"; 4]);

    // Once more the same: the same invalidation, long done. Other paths: refused.
    let again = client.ok(&[CREATE, "--id", &tenant, "--invalidation-batch", batch]);
    assert_eq!(again["Location"], first["Location"]);
    assert_eq!(again["Invalidation"]["CreateTime"], first["Invalidation"]["CreateTime"]);
    assert_eq!(again["Invalidation"]["Status"], json!("Completed"));
    assert!(read().iter().all(http::Reply::is_hit), "a replay invalidates nothing");
    let other = &batch.replace("/img/*", "/*");
    client
        .refused(&[CREATE, "--id", &tenant, "--invalidation-batch", other], "InvalidationBatchAlreadyExists");

    listed_in_pages(&client, &tenant, [&second["Invalidation"]["Id"], &first["Invalidation"]["Id"]]);
    changed_and_deleted(&client, &distribution, &tenant);
    assert!(serve.is_healthy());
}

fn publish(origin: &Origin, text: &str) {
    for path in ["/one/a", "/one/img/1", "/one/img/2"] {
        origin.put(path, Page::of(text));
    }
    origin.put("/one/tagged", Page::of(text).with("Cache-Tag: winter, sale"));
}

/// The stock waiter looks every 20 seconds, so it is let loose when there is something to see.
fn wait(client: &Client, serve: &Serve, tenant: &str, id: &str) {
    completed(serve, tenant, id);
    let words = ["wait", "invalidation-for-distribution-tenant-completed"];
    client.ok(&[words[0], words[1], "--distribution-tenant-id", tenant, "--id", id]);
}

fn listed_in_pages(client: &Client, tenant: &str, newest_first: [&Value; 2]) {
    let ids = |page: &Value| -> Vec<Value> {
        page["InvalidationList"]["Items"].as_array().unwrap().iter().map(|item| item["Id"].clone()).collect()
    };
    let page = client.ok(&[LIST, "--id", tenant, "--page-size", "1"]);
    assert_eq!(ids(&page).iter().collect::<Vec<_>>(), newest_first);
    let page = client.ok(&[LIST, "--id", tenant, "--max-items", "1"]);
    assert_eq!(ids(&page), [newest_first[0].clone()]);
    let token = page["NextToken"].as_str().unwrap();
    let page = client.ok(&[LIST, "--id", tenant, "--max-items", "1", "--starting-token", token]);
    assert_eq!(ids(&page), [newest_first[1].clone()]);
}

fn changed_and_deleted(client: &Client, distribution: &str, tenant: &str) {
    let found = client.ok(&["get-distribution-tenant", "--identifier", "shop-one"]);
    assert_eq!(found["DistributionTenant"]["DistributionId"], json!(distribution));
    let stale = found["ETag"].as_str().unwrap();
    let words = ["update-distribution-tenant", "--id", tenant, "--if-match", stale, "--no-enabled"];
    let changed = client.ok(&words);
    let current = changed["ETag"].as_str().unwrap();
    assert_eq!(changed["DistributionTenant"]["Enabled"], json!(false));
    client.refused(&words, "PreconditionFailed");
    client.ok(&["delete-distribution-tenant", "--id", tenant, "--if-match", current]);
    client.refused(&["get-distribution-tenant", "--identifier", tenant], "EntityNotFound");
}
