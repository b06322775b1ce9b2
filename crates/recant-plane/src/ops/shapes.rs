//! Records as the API's shapes, members in the model's order.

use recant_core::entry::Scope;
use recant_wire::document::Document;

use super::input::get;
use super::output::{boolean, list, number, quantified, structure, text, time};
use crate::store::{
    DistributionRecord, Identity, InvalidationRecord, InvalidationSummary, Progress, Tags, TenantRecord,
    Tracked,
};

/// `Deployed`, when every edge has it.
pub(super) fn deployed(progress: Progress) -> Option<Document> {
    text(match progress {
        Progress::InProgress => "InProgress",
        Progress::Complete => "Deployed",
    })
}

/// `Completed`, when every edge has applied it.
fn completed(progress: Progress) -> Option<Document> {
    text(match progress {
        Progress::InProgress => "InProgress",
        Progress::Complete => "Completed",
    })
}

/// The ARN of something of this account.
pub(super) fn arn(identity: &Identity, kind: &str, id: &str) -> String {
    format!("arn:aws:cloudfront::{}:{kind}/{id}", identity.account)
}

/// The ARN of a tenant or distribution.
pub(super) fn arn_of(identity: &Identity, scope: &Scope) -> String {
    arn(identity, kind(scope), scope.id())
}

/// How paths and ARNs name what has this scope.
pub(super) fn kind(scope: &Scope) -> &'static str {
    match scope {
        Scope::Tenant(_) => "distribution-tenant",
        Scope::Distribution(_) => "distribution",
    }
}

/// `DomainName` of a distribution. Distributions with tenants have no endpoint of their own (CLOUDFRONT.md section
/// 5.3), but the member is required; RFC 2606 section 2 has a name for names that never resolve.
fn domain_name(record: &DistributionRecord) -> Option<Document> {
    match &record.spec.direct {
        Some(direct) => text(direct.endpoint.as_str()),
        None => text(format!("{}.recant.invalid", record.id.as_str().to_ascii_lowercase())),
    }
}

/// `Distribution`.
pub(super) fn distribution(
    identity: &Identity,
    tracked: &Tracked<DistributionRecord>,
    in_progress: u64,
) -> Document {
    let record = &tracked.record;
    let none_active = || structure([("Enabled", boolean(false)), ("Quantity", number(0))]);
    structure([
        ("Id", text(record.id.as_str())),
        ("ARN", text(arn(identity, "distribution", record.id.as_str()))),
        ("Status", deployed(tracked.progress)),
        ("LastModifiedTime", time(record.modified)),
        ("InProgressInvalidationBatches", number(usize::try_from(in_progress).unwrap_or(usize::MAX))),
        ("DomainName", domain_name(record)),
        ("ActiveTrustedSigners", Some(none_active())),
        ("ActiveTrustedKeyGroups", Some(none_active())),
        ("DistributionConfig", Some(Document::from(record.config.clone()))),
    ])
}

/// `DistributionSummary`: every required member, as the service's defaults where the configuration says nothing.
pub(super) fn distribution_summary(identity: &Identity, tracked: &Tracked<DistributionRecord>) -> Document {
    let record = &tracked.record;
    let config = Document::from(record.config.clone());
    let is_direct = record.spec.direct.is_some();
    let given = |member: &str| get(&config, member).cloned();
    let or_text = |member: &str, default: &str| given(member).or_else(|| text(default));
    let or_none = |member: &str| given(member).or_else(|| quantified(Vec::new()));
    let no_geo = || structure([("RestrictionType", text("none")), ("Quantity", number(0))]);
    structure([
        ("Id", text(record.id.as_str())),
        ("ARN", text(arn(identity, "distribution", record.id.as_str()))),
        ("ETag", text(record.etag.as_str())),
        ("Status", deployed(tracked.progress)),
        ("LastModifiedTime", time(record.modified)),
        ("DomainName", domain_name(record)),
        ("Aliases", or_none("Aliases")),
        ("Origins", or_none("Origins")),
        ("OriginGroups", or_none("OriginGroups")),
        ("DefaultCacheBehavior", given("DefaultCacheBehavior")),
        ("CacheBehaviors", or_none("CacheBehaviors")),
        ("CustomErrorResponses", or_none("CustomErrorResponses")),
        ("Comment", or_text("Comment", "")),
        ("PriceClass", or_text("PriceClass", if is_direct { "PriceClass_All" } else { "None" })),
        ("Enabled", boolean(record.spec.enabled)),
        (
            "ViewerCertificate",
            given("ViewerCertificate")
                .or_else(|| Some(structure([("CloudFrontDefaultCertificate", boolean(true))]))),
        ),
        (
            "Restrictions",
            given("Restrictions").or_else(|| Some(structure([("GeoRestriction", Some(no_geo()))]))),
        ),
        ("WebACLId", or_text("WebACLId", "")),
        ("HttpVersion", or_text("HttpVersion", "http2")),
        ("IsIPV6Enabled", given("IsIPV6Enabled").or_else(|| boolean(false))),
        ("Staging", given("Staging").or_else(|| boolean(false))),
        ("ConnectionMode", or_text("ConnectionMode", "direct")),
    ])
}

/// `DomainResultList`. Who lists a domain here is believed, so every domain is active.
fn domains(record: &TenantRecord) -> Option<Document> {
    list(
        record
            .spec
            .domains
            .iter()
            .map(|domain| structure([("Domain", text(domain.as_str())), ("Status", text("active"))])),
    )
}

/// `DistributionTenant`.
pub(super) fn tenant(identity: &Identity, tracked: &Tracked<TenantRecord>) -> Document {
    let record = &tracked.record;
    let config = Document::from(record.config.clone());
    let given = |member: &str| get(&config, member).cloned();
    structure([
        ("Id", text(record.id.as_str())),
        ("DistributionId", text(record.spec.distribution_id.as_str())),
        ("Name", text(record.name.as_str())),
        ("Arn", text(arn(identity, "distribution-tenant", record.id.as_str()))),
        ("Domains", domains(record)),
        ("Tags", tags(&record.tags)),
        ("Customizations", given("Customizations")),
        ("Parameters", given("Parameters")),
        ("ConnectionGroupId", text(record.connection_group_id.as_str())),
        ("CreatedTime", time(record.created)),
        ("LastModifiedTime", time(record.modified)),
        ("Enabled", boolean(record.spec.enabled)),
        ("Status", deployed(tracked.progress)),
    ])
}

/// `DistributionTenantSummary`.
pub(super) fn tenant_summary(identity: &Identity, tracked: &Tracked<TenantRecord>) -> Document {
    let record = &tracked.record;
    structure([
        ("Id", text(record.id.as_str())),
        ("DistributionId", text(record.spec.distribution_id.as_str())),
        ("Name", text(record.name.as_str())),
        ("Arn", text(arn(identity, "distribution-tenant", record.id.as_str()))),
        ("Domains", domains(record)),
        ("ConnectionGroupId", text(record.connection_group_id.as_str())),
        ("Customizations", get(&Document::from(record.config.clone()), "Customizations").cloned()),
        ("CreatedTime", time(record.created)),
        ("LastModifiedTime", time(record.modified)),
        ("ETag", text(record.etag.as_str())),
        ("Enabled", boolean(record.spec.enabled)),
        ("Status", deployed(tracked.progress)),
    ])
}

/// `Tags`; left out when there are none.
pub(super) fn tags(tags: &Tags) -> Option<Document> {
    if tags.is_empty() { None } else { Some(tag_list(tags)) }
}

/// `Tags`, also when there are none.
pub(super) fn tag_list(tags: &Tags) -> Document {
    let tag = |(key, value): (&String, &String)| {
        structure([("Key", text(key.as_str())), ("Value", text(value.as_str()))])
    };
    structure([("Items", list(tags.iter().map(tag)))])
}

/// `Invalidation`; its paths as they were typed.
pub(super) fn invalidation(tracked: &Tracked<InvalidationRecord>) -> Document {
    let record = &tracked.record;
    let paths = record.items.iter().map(|item| Document::String(item.clone())).collect();
    let batch = structure([
        ("Paths", quantified(paths)),
        ("CallerReference", text(record.caller_reference.as_str())),
    ]);
    structure([
        ("Id", text(record.id.as_str())),
        ("Status", completed(tracked.progress)),
        ("CreateTime", time(record.created)),
        ("InvalidationBatch", Some(batch)),
    ])
}

/// `InvalidationSummary`.
pub(super) fn invalidation_summary(tracked: &Tracked<InvalidationSummary>) -> Document {
    structure([
        ("Id", text(tracked.record.id.as_str())),
        ("CreateTime", time(tracked.record.created)),
        ("Status", completed(tracked.progress)),
    ])
}

/// A page in the classic form: `Marker`, `NextMarker` only when there is more, `MaxItems`, `IsTruncated`, `Quantity`,
/// `Items` (CLOUDFRONT.md section 1.5). `NextMarker` is the id of the page's last item.
pub(super) fn classic_page(page: &crate::store::Page, items: Vec<Document>, next: Option<&str>) -> Document {
    let quantity = number(items.len());
    structure([
        ("Marker", text(page.after.as_deref().unwrap_or_default())),
        ("NextMarker", next.and_then(text)),
        ("MaxItems", number(page.limit.get())),
        ("IsTruncated", boolean(next.is_some())),
        ("Quantity", quantity),
        ("Items", if items.is_empty() { None } else { list(items) }),
    ])
}
