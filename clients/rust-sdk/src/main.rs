//! The life of a distribution, a tenant and its invalidations, by the AWS SDK for Rust as it is: its builders, its waiters,
//! its paginators, its error types.
//!
//! The environment is what `recant env` prints; nothing here sets an endpoint, a region or a key. It panics where
//! something is not as it should be.

mod inputs;

use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_config::retry::RetryConfig;
use aws_sdk_cloudfront::Client;
use aws_sdk_cloudfront::client::Waiters;
use aws_sdk_cloudfront::error::ProvideErrorMetadata;

use inputs::{batch, distribution_config, domain, folder};

/// Longer than anything takes here.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::main(flavor = "current_thread")]
async fn main() {
    // A refusal must be the first answer, not the last of several.
    let config = aws_config::defaults(BehaviorVersion::latest()).retry_config(RetryConfig::disabled());
    let client = Client::new(&config.load().await);

    let distribution = client.create_distribution().distribution_config(distribution_config("rust-sdk"));
    let distribution = distribution.send().await.expect("a distribution is created");
    let distribution = distribution.distribution().expect("it is answered").id().to_owned();
    // The stock waiters look again after a minute and after 20 seconds, so they are let loose when there is something to see.
    let get = || client.get_distribution().id(&distribution).send();
    while get().await.expect("it is there").distribution().expect("it is answered").status() != "Deployed" {}
    let deployed = client.wait_until_distribution_deployed().id(&distribution);
    deployed.wait(PATIENCE).await.expect("a distribution is deployed");

    let tenant = client.create_distribution_tenant().distribution_id(&distribution).name("shop");
    let tenant = tenant.domains(domain("shop.example")).parameters(folder("shop")).send().await;
    let tenant = tenant.expect("a tenant is created");
    let created = tenant.distribution_tenant().expect("it is answered");
    let (id, arn) = (created.id().expect("an id").to_owned(), created.arn().expect("an ARN").to_owned());
    let etag = tenant.e_tag().expect("an entity tag").to_owned();
    for identifier in [id.as_str(), "shop", arn.as_str()] {
        let found = client.get_distribution_tenant().identifier(identifier).send().await;
        let found = found.expect("a tenant is found");
        assert_eq!(
            found.distribution_tenant().and_then(|tenant| tenant.id()),
            Some(id.as_str()),
            "{identifier}"
        );
    }

    invalidates(&client, &id).await;
    lists(&client, &id).await;
    changes_and_deletes(&client, &id, &etag).await;
}

async fn invalidates(client: &Client, tenant: &str) {
    let create = |paths: &[&str]| {
        let create = client.create_invalidation_for_distribution_tenant().id(tenant);
        create.invalidation_batch(batch("first", paths)).send()
    };
    let first = create(&["/a*", "#Sale", "/b&<c>"]).await.expect("an invalidation is created");
    let invalidation = first.invalidation().expect("it is answered");
    let get = || {
        let get = client.get_invalidation_for_distribution_tenant();
        get.distribution_tenant_id(tenant).id(invalidation.id()).send()
    };
    while get().await.expect("it is there").invalidation().expect("it is answered").status() != "Completed" {}
    let waiter = client.wait_until_invalidation_for_distribution_tenant_completed();
    let waiter = waiter.distribution_tenant_id(tenant).id(invalidation.id());
    waiter.wait(PATIENCE).await.expect("an invalidation completes");

    let again = create(&["/b&<c>", "#Sale", "/a*"]).await.expect("the same again is the same");
    assert_eq!(again.location(), first.location());
    assert_eq!(again.invalidation().expect("it is answered").id(), invalidation.id());
    let conflict = create(&["/other"]).await.expect_err("another batch under the same reference");
    assert_eq!(conflict.code(), Some("InvalidationBatchAlreadyExists"), "{conflict:?}");
    let invalid = create(&["no-slash"]).await.expect_err("a path without a slash").into_service_error();
    assert!(invalid.is_invalid_argument(), "{invalid:?}");
    let nobody = client.create_invalidation_for_distribution_tenant().id("dt_none");
    let nobody = nobody.invalidation_batch(batch("r", &["/a"])).send().await;
    let nobody = nobody.expect_err("no tenant").into_service_error();
    assert!(nobody.is_entity_not_found(), "{nobody:?}");
}

async fn lists(client: &Client, tenant: &str) {
    for reference in ["second", "third", "fourth", "fifth"] {
        let create = client.create_invalidation_for_distribution_tenant().id(tenant);
        create
            .invalidation_batch(batch(reference, &["/a"]))
            .send()
            .await
            .expect("an invalidation is created");
    }
    let list = client.list_invalidations_for_distribution_tenant().id(tenant).into_paginator().page_size(2);
    let (mut pages, mut sizes) = (list.send(), Vec::new());
    while let Some(page) = pages.next().await {
        let page = page.expect("a page");
        sizes.push(page.invalidation_list().expect("it is answered").items().len());
    }
    assert_eq!(sizes, [2, 2, 1]);
}

async fn changes_and_deletes(client: &Client, tenant: &str, etag: &str) {
    let disable = || client.update_distribution_tenant().id(tenant).if_match(etag).enabled(false).send();
    let changed = disable().await.expect("a tenant is changed");
    let stale = disable().await.expect_err("its entity tag is another one now").into_service_error();
    assert!(stale.is_precondition_failed(), "{stale:?}");
    let delete =
        client.delete_distribution_tenant().id(tenant).if_match(changed.e_tag().expect("an entity tag"));
    delete.send().await.expect("a tenant is deleted");
    let gone = client.get_distribution_tenant().identifier(tenant).send().await;
    let gone = gone.expect_err("it is gone").into_service_error();
    assert!(gone.is_entity_not_found(), "{gone:?}");
}
