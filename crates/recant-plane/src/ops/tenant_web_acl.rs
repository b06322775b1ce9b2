//! `AssociateDistributionTenantWebACL` and its opposite: which web ACL a tenant's configuration names.
//!
//! 200 with the new `ETag`. Kept and reported, and lists are made by it; no request is judged by it
//! ([`crate::config_check::customizations()`]). CloudFront differs: here `If-Match` is needed, as its errors suggest.

use recant_wire::document::{Document, Members};

use super::output::{structure, text};
use super::update_distribution_tenant::change;
use super::{Context, input, refused};
use crate::config_check;
use crate::error::ApiError;
use crate::store::{Outcome, Store};

pub(super) async fn associate<S: Store>(
    context: &Context<S>,
    input: &Document,
) -> Result<Document, ApiError> {
    let arn = input::text(input, "WebACLArn");
    config_check::web_acl_arn(arn)?;
    let web_acl = Document::structure([("Action", Document::from("override")), ("Arn", Document::from(arn))]);
    let (id, etag) = put(context, input, Some(web_acl)).await?;
    Ok(structure([("Id", text(id)), ("WebACLArn", text(arn)), ("ETag", text(etag))]))
}

pub(super) async fn disassociate<S: Store>(
    context: &Context<S>,
    input: &Document,
) -> Result<Document, ApiError> {
    let (id, etag) = put(context, input, None).await?;
    Ok(structure([("Id", text(id)), ("ETag", text(etag))]))
}

/// Puts `Customizations.WebAcl` in place, and gives the tenant's id and its new entity tag.
async fn put<S: Store>(
    context: &Context<S>,
    input: &Document,
    web_acl: Option<Document>,
) -> Result<(String, String), ApiError> {
    let id = refused::tenant_id(input::text(input, "Id"))?;
    let if_match = input::optional_text(input, "IfMatch").ok_or(ApiError::InvalidIfMatchVersion)?;
    let outcome = change(context, &id, if_match, |config| customized(config, web_acl)).await?;
    match outcome {
        Outcome::Tenant(made) => Ok((id.into(), made.record.etag.into())),
        Outcome::Refused(refusal) => Err(context.refused(refusal)),
        _ => unreachable!("the store answers an update with what it made"),
    }
}

fn customized(config: Document, web_acl: Option<Document>) -> Document {
    let members = |document| match document {
        Some(Document::Structure(members)) => members,
        _ => Members::new(),
    };
    let mut customizations = members(config.get("Customizations").cloned());
    customizations.remove("WebAcl");
    customizations.extend(web_acl.map(|web_acl| ("WebAcl", web_acl)));
    let mut config = members(Some(config));
    config.insert("Customizations", Document::Structure(customizations));
    Document::Structure(config)
}
