//! `GetDistributionTenant`: one tenant, by id, name or ARN.
//!
//! 200 with `ETag`. `Status` is `Deployed` when every edge has the configuration; the answer waits a moment for that.

use recant_wire::document::Document;

use super::output::{structure, text};
use super::{Context, input, refused, shapes};
use crate::error::ApiError;
use crate::store::{Store, TenantKey};

pub(super) async fn run<S: Store>(context: &Context<S>, input: &Document) -> Result<Document, ApiError> {
    let identity = context.store.identity();
    let key = key(input::text(input, "Identifier"), &shapes::arn(identity, "distribution-tenant", ""))?;

    let found = context.settled(|| context.store.tenant(key.clone())).await?;
    let found = found.ok_or_else(refused::no_such_tenant)?;

    Ok(structure([
        ("DistributionTenant", Some(shapes::tenant(identity, &found))),
        ("ETag", text(found.record.etag.as_str())),
    ]))
}

/// `GetDistributionTenantByDomain`: the tenant that lists the domain, spelled as it is there but for case.
pub(super) async fn by_domain<S: Store>(
    context: &Context<S>,
    input: &Document,
) -> Result<Document, ApiError> {
    let domain = input::text(input, "Domain").to_ascii_lowercase();

    let key = TenantKey::Domain(domain);
    let found = context.settled(|| context.store.tenant(key.clone())).await?;
    let found = found.ok_or_else(refused::no_such_tenant)?;

    Ok(structure([
        ("DistributionTenant", Some(shapes::tenant(context.store.identity(), &found))),
        ("ETag", text(found.record.etag.as_str())),
    ]))
}

/// What an identifier names. The three kinds cannot be mistaken for one another: a name holds neither `_` nor `:`.
pub(super) fn key(identifier: &str, arn_start: &str) -> Result<TenantKey, ApiError> {
    if let Some(id) = identifier.strip_prefix(arn_start) {
        return refused::tenant_id(id).map(TenantKey::Id);
    }
    if identifier.starts_with("dt_") {
        return refused::tenant_id(identifier).map(TenantKey::Id);
    }
    Ok(TenantKey::Name(identifier.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers() {
        let arn = "arn:aws:cloudfront::123456789012:distribution-tenant/";
        let id = |text: &str| Ok(TenantKey::Id(recant_core::id::TenantId::parse(text).unwrap()));
        assert_eq!(key("dt_1", arn), id("dt_1"));
        assert_eq!(key(&format!("{arn}dt_1"), arn), id("dt_1"));
        assert_eq!(key("shop.example", arn), Ok(TenantKey::Name("shop.example".into())));
        assert_eq!(key(&format!("{arn}a/b"), arn), Err(refused::no_such_tenant()));
        assert_eq!(key("dt_a/b", arn), Err(refused::no_such_tenant()));
    }
}
