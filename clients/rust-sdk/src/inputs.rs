//! What is sent, built with the SDK's builders.

use aws_sdk_cloudfront::types::{
    ConnectionMode, CustomOriginConfig, DefaultCacheBehavior, DistributionConfig, DomainItem,
    InvalidationBatch, Origin, OriginProtocolPolicy, Origins, Parameter, ParameterDefinition,
    ParameterDefinitionSchema, Paths, StringSchemaConfig, TenantConfig, ViewerProtocolPolicy,
};

const CACHING_OPTIMIZED: &str = "658327ea-f89d-4fab-a63d-7e88639e58f6";
const WHOLE: &str = "every required member is set";

/// A configuration that is honoured: one origin on this machine, a folder for each tenant.
pub fn distribution_config(caller_reference: &str) -> DistributionConfig {
    let http = CustomOriginConfig::builder()
        .http_port(9)
        .https_port(443)
        .origin_protocol_policy(OriginProtocolPolicy::HttpOnly);
    let origin = Origin::builder()
        .id("site")
        .domain_name("127.0.0.1")
        .origin_path("/{{folder}}")
        .custom_origin_config(http.build().expect(WHOLE));
    let origins = Origins::builder().quantity(1).items(origin.build().expect(WHOLE));
    let behavior = DefaultCacheBehavior::builder()
        .target_origin_id("site")
        .viewer_protocol_policy(ViewerProtocolPolicy::AllowAll)
        .cache_policy_id(CACHING_OPTIMIZED);
    let text = StringSchemaConfig::builder().required(true).build().expect(WHOLE);
    let definition = ParameterDefinition::builder()
        .name("folder")
        .definition(ParameterDefinitionSchema::builder().string_schema(text).build());
    DistributionConfig::builder()
        .caller_reference(caller_reference)
        .comment("")
        .enabled(true)
        .connection_mode(ConnectionMode::TenantOnly)
        .tenant_config(
            TenantConfig::builder().parameter_definitions(definition.build().expect(WHOLE)).build(),
        )
        .origins(origins.build().expect(WHOLE))
        .default_cache_behavior(behavior.build().expect(WHOLE))
        .build()
        .expect(WHOLE)
}

/// A tenant's domain.
pub fn domain(name: &str) -> DomainItem {
    DomainItem::builder().domain(name).build().expect(WHOLE)
}

/// A tenant's folder at the origin.
pub fn folder(name: &str) -> Parameter {
    Parameter::builder().name("folder").value(name).build().expect(WHOLE)
}

/// An invalidation batch.
pub fn batch(caller_reference: &str, paths: &[&str]) -> InvalidationBatch {
    let quantity = i32::try_from(paths.len()).expect("a handful");
    let paths = paths.iter().fold(Paths::builder().quantity(quantity), |paths, path| paths.items(*path));
    let paths = paths.build().expect(WHOLE);
    InvalidationBatch::builder().paths(paths).caller_reference(caller_reference).build().expect(WHOLE)
}
