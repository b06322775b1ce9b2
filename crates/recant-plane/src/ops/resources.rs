//! What an operation is about, as ARNs: what policies speak of, and what the audit log says.
//!
//! As with the service, an operation on something is about that thing's ARN, one that makes something is about `KIND/*`, and one
//! that lists, or is about the account, is about `*` (IAM, "Actions, resources, and condition keys for Amazon CloudFront"). A policy
//! may therefore name tenants; who may see lists of all of them is said by `"Resource": "*"`.
//!
//! | a request | needs |
//! |---|---|
//! | is on a thing, makes it, moves something to it or away from it, or puts something into it | that this is allowed on it |
//! | names a thing besides, wherever in its input; or does what another action does, too | that this is not denied on it |
//!
//! The second line keeps policies as short as with the service (who may update a distribution need not be allowed its cache
//! policies), and makes a deny hold however its thing is reached.
//!
//! Where something is named otherwise than by its id (a tenant's name, a domain), it is looked up first: else a policy about one
//! tenant could be passed by another spelling. What is not there is about the ARN that it would have by that spelling, so that who may
//! not know learns nothing from the difference.

use http::Method;
use recant_core::host::Domain;
use recant_core::id::DistributionId;
use recant_core::limits::{ARN_BYTES_MAX, IDS_PER_REQUEST_MAX};
use recant_wire::document::Document;
use recant_wire::model::{Operation, Route};

use super::{Context, connection_groups, get_connection_group, get_distribution_tenant, input, shapes};
use crate::error::ApiError;
use crate::store::{ResourceKey, ResourceKind, Store, TenantKey};

/// The ARN of everything, and of what has none.
const EVERYTHING: &str = "*";

/// The kinds of things that have an ARN, as the API's paths name them.
const KINDS: [&str; 6] = [
    "distribution",
    "distribution-tenant",
    "connection-group",
    "cache-policy",
    "origin-request-policy",
    "response-headers-policy",
];

/// The members that name a thing by its id, wherever they stand in an input, and its kind.
const NAMES: [(&str, &str); 7] = [
    ("DistributionId", "distribution"),
    ("PrimaryDistributionId", "distribution"),
    ("DistributionTenantId", "distribution-tenant"),
    ("ConnectionGroupId", "connection-group"),
    ("CachePolicyId", "cache-policy"),
    ("OriginRequestPolicyId", "origin-request-policy"),
    ("ResponseHeadersPolicyId", "response-headers-policy"),
];

/// One thing that a request is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Subject {
    /// What is done to it, where that is not what the operation is called.
    pub(crate) action: Option<&'static str>,
    /// Which.
    pub(crate) arn: String,
    /// What the caller's policy must say of it.
    pub(crate) need: Need,
}

/// What a policy must say of something for a request to be admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// A statement allows it, and none denies it.
    Allowed,
    /// No statement denies it.
    NotDenied,
}

impl Subject {
    /// A thing that the operation must be allowed on.
    pub(crate) fn of(arn: String) -> Self {
        Self { action: None, arn: cut(arn), need: Need::Allowed }
    }

    /// A thing that the request only mentions.
    fn mentioned(arn: String) -> Self {
        Self { action: None, arn: cut(arn), need: Need::NotDenied }
    }
}

/// An ARN in bounds. Nothing has an id that long, so nothing is mistaken for something else.
fn cut(mut arn: String) -> String {
    if arn.len() > ARN_BYTES_MAX {
        arn.truncate(arn.floor_char_boundary(ARN_BYTES_MAX));
        arn.push('…');
    }
    arn
}

/// What a request is about; never nothing. Without a readable body, what its head says.
///
/// # Errors
/// When the store cannot be read.
pub(crate) async fn of<S: Store>(
    context: &Context<S>,
    route: &Route,
    head: &Document,
    input: Option<&Document>,
) -> Result<Vec<Subject>, ApiError> {
    let mut subjects = vec![Subject::of(of_head(context, route, head).await?)];
    if let Some(input) = input {
        let named = of_body(context, route.operation, input).await?;
        if subjects[0].arn == EVERYTHING && named.iter().any(|subject| subject.need == Need::Allowed) {
            subjects.clear();
        }
        subjects.extend(named);
        mentioned(context, input, &mut subjects);
    }
    Ok(subjects)
}

/// What the request's head says that an operation is about: its labels, and the members of its input that are not in the body.
async fn of_head<S: Store>(context: &Context<S>, route: &Route, head: &Document) -> Result<String, ApiError> {
    let identity = context.store.identity();
    let operation = route.operation;
    Ok(match operation.name {
        "GetDistributionTenantByDomain" => {
            let domain = input::text(head, "Domain");
            arn_of_tenant(context, TenantKey::Domain(domain.to_ascii_lowercase()), domain).await?
        }
        "GetManagedCertificateDetails" => of_tenant(context, thing(route).unwrap_or_default()).await?,
        "GetConnectionGroup" => {
            let identifier = thing(route).unwrap_or_default();
            let start = shapes::arn(identity, "connection-group", "");
            arn_of_group(context, connection_groups::key(identifier, &start).ok(), identifier).await?
        }
        "GetConnectionGroupByRoutingEndpoint" => {
            let endpoint = input::text(head, "RoutingEndpoint");
            let key = get_connection_group::endpoint_key(context, endpoint);
            arn_of_group(context, key, endpoint).await?
        }
        "TagResource" | "UntagResource" | "ListTagsForResource" => input::text(head, "Resource").to_owned(),
        _ => match (kind_of(operation), thing(route)) {
            (Some("distribution-tenant"), Some(identifier)) => of_tenant(context, identifier).await?,
            (Some(kind), Some(id)) => shapes::arn(identity, kind, id),
            (Some(kind), None) if makes_one(operation) => shapes::arn(identity, kind, "*"),
            _ => EVERYTHING.to_owned(),
        },
    })
}

/// The ARN of a tenant that is named by id, name or ARN.
///
/// # Errors
/// When the store cannot be read.
pub(crate) async fn of_tenant<S: Store>(context: &Context<S>, identifier: &str) -> Result<String, ApiError> {
    let start = shapes::arn(context.store.identity(), "distribution-tenant", "");
    match get_distribution_tenant::key(identifier, &start) {
        Ok(key) => arn_of_tenant(context, key, identifier).await,
        Err(_) => Ok(shapes::arn(context.store.identity(), "distribution-tenant", identifier)),
    }
}

/// What the whole input says besides: things that the operation changes, reads or puts something into.
async fn of_body<S: Store>(
    context: &Context<S>,
    operation: &Operation,
    document: &Document,
) -> Result<Vec<Subject>, ApiError> {
    let identity = context.store.identity();
    let arn = |kind, id: &str| shapes::arn(identity, kind, id);
    let mut subjects = Vec::new();
    match operation.name {
        // A tenant gets its behaviour from its distribution, and is reached through its connection group: a policy may keep
        // callers to their own of both.
        "CreateDistributionTenant" | "UpdateDistributionTenant" => {
            let distribution = input::optional_text(document, "DistributionId");
            subjects.extend(distribution.map(|id| Subject::of(arn("distribution", id))));
            match input::optional_text(document, "ConnectionGroupId") {
                Some(id) => subjects.push(Subject::of(arn("connection-group", id))),
                None if makes_one(operation) => {
                    let default = context.store.default_connection_group().await?;
                    subjects.push(Subject::mentioned(arn("connection-group", default.as_str())));
                }
                None => {}
            }
        }
        "UpdateDomainAssociation" => {
            subjects.extend(of_resource(context, document, "TargetResource"));
            // Whoever has the domain loses it.
            let given = input::text(document, "Domain");
            let domain = Domain::parse(given).map_or_else(|_| given.to_owned(), |it| it.as_str().to_owned());
            let holder = context.store.domain_holder(&domain).await?;
            subjects.extend(holder.map(|holder| Subject::of(shapes::arn_of(identity, &holder))));
        }
        "ListDomainConflicts" => {
            subjects.extend(of_resource(context, document, "DomainControlValidationResource"));
        }
        "VerifyDnsConfiguration" => {
            subjects.push(Subject::of(of_tenant(context, input::text(document, "Identifier")).await?));
        }
        // The service's reference names these actions for a copy: it reads one distribution, and makes one.
        "CopyDistribution" => {
            let primary = input::text(document, "PrimaryDistributionId");
            let read = Subject::of(arn("distribution", primary));
            let made = Subject::of(arn("distribution", "*"));
            subjects.push(Subject { action: Some("cloudfront:GetDistribution"), ..read });
            subjects.push(Subject { action: Some("cloudfront:CreateDistribution"), ..made });
            if let Ok(id) = DistributionId::parse(primary)
                && let Some(found) = context.store.distribution(&id).await?
            {
                mentioned(context, &Document::from(found.record.config), &mut subjects);
            }
        }
        "CreateDistributionWithTags" => {
            let both = ["cloudfront:CreateDistribution", "cloudfront:TagResource"];
            let made = Subject::mentioned(arn("distribution", "*"));
            subjects.extend(both.map(|action| Subject { action: Some(action), ..made.clone() }));
        }
        _ => {}
    }
    Ok(subjects)
}

/// What a `DistributionResourceId` names.
fn of_resource<S: Store>(context: &Context<S>, document: &Document, member: &str) -> Vec<Subject> {
    let Some(named) = document.get(member) else { return Vec::new() };
    let kinds = [("DistributionId", "distribution"), ("DistributionTenantId", "distribution-tenant")];
    let ids =
        kinds.into_iter().filter_map(|(member, kind)| Some((kind, input::optional_text(named, member)?)));
    ids.map(|(kind, id)| Subject::of(shapes::arn(context.store.identity(), kind, id))).collect()
}

/// Adds what else an input names by id, each once.
fn mentioned<S: Store>(context: &Context<S>, input: &Document, subjects: &mut Vec<Subject>) {
    for (kind, id) in named(input) {
        let subject = Subject::mentioned(shapes::arn(context.store.identity(), kind, id));
        if !subjects.iter().any(|it| it.arn == subject.arn && it.action.is_none()) {
            subjects.push(subject);
        }
    }
}

/// An input that names no more than can be judged.
///
/// # Errors
/// [`ApiError::InvalidArgument`].
pub(crate) fn bounded(input: Document) -> Result<Document, ApiError> {
    if named(&input).len() > IDS_PER_REQUEST_MAX {
        return Err(ApiError::InvalidArgument(format!(
            "The request names more than {IDS_PER_REQUEST_MAX} distributions, tenants, connection groups and policies."
        )));
    }
    Ok(input)
}

/// The things that an input names by id, however deep: their kinds and ids.
fn named(input: &Document) -> Vec<(&'static str, &str)> {
    let (mut found, mut left) = (Vec::new(), vec![input]);
    while let Some(document) = left.pop() {
        match document {
            Document::List(items) => left.extend(items),
            Document::Structure(members) => {
                for (name, value) in members.iter() {
                    let kind = NAMES.iter().find(|(member, _)| *member == name).map(|(_, kind)| *kind);
                    match (kind, value) {
                        (Some(kind), Document::String(id)) if !id.is_empty() => {
                            found.push((kind, id.as_str()));
                        }
                        _ => left.push(value),
                    }
                }
            }
            _ => {}
        }
    }
    found
}

async fn arn_of_group<S: Store>(
    context: &Context<S>,
    key: Option<ResourceKey>,
    spelling: &str,
) -> Result<String, ApiError> {
    let found = match key {
        Some(key) => context.store.resource(ResourceKind::ConnectionGroup, key).await?,
        None => None,
    };
    let id = found.as_ref().map_or(spelling, |found| found.record.id.as_str());
    Ok(shapes::arn(context.store.identity(), "connection-group", id))
}

async fn arn_of_tenant<S: Store>(
    context: &Context<S>,
    key: TenantKey,
    spelling: &str,
) -> Result<String, ApiError> {
    let identity = context.store.identity();
    let id = match key {
        TenantKey::Id(id) => Some(id),
        other => context.store.tenant(other).await?.map(|found| found.record.id),
    };
    Ok(shapes::arn(identity, "distribution-tenant", id.as_ref().map_or(spelling, |id| id.as_str())))
}

/// The segment after the version: `distribution-tenant`.
fn kind_of(operation: &'static Operation) -> Option<&'static str> {
    let segment = operation.uri.split(['/', '?']).nth(2)?;
    KINDS.into_iter().find(|kind| *kind == segment)
}

/// The label after the kind: the thing's id, name or ARN.
fn thing(route: &Route) -> Option<&str> {
    let label = route.operation.uri.split(['/', '?']).nth(3)?;
    route.labels.get(label.strip_prefix('{')?.strip_suffix('}')?)
}

fn makes_one(operation: &Operation) -> bool {
    operation.method == Method::POST && operation.name.starts_with("Create")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use recant_wire::model::{self, Kind, Shape};

    use super::*;

    /// Members that are called like a name of something and are looked at by the operations that have them.
    const BY_OPERATION: [&str; 5] =
        ["DomainControlValidationResource", "Id", "Identifier", "Resource", "TargetResource"];
    /// Those that name nothing of this plane.
    const OF_NOTHING_HERE: [&str; 19] = [
        "ACMCertificateArn",
        "AnycastIpListId",
        "Arn",
        "CertificateArn",
        "ClientCertificateArn",
        "ContinuousDeploymentPolicyId",
        "FieldLevelEncryptionId",
        "FunctionARN",
        "IAMCertificateId",
        "LambdaFunctionARN",
        "OriginAccessControlId",
        "OriginId",
        "OwnerAccountId",
        "RealtimeLogConfigArn",
        "TargetOriginId",
        "TrustStoreId",
        "VpcOriginId",
        "WebACLArn",
        "WebACLId",
    ];

    fn members_of(
        shape: &'static Shape,
        names: &mut BTreeSet<&'static str>,
        seen: &mut BTreeSet<&'static str>,
    ) {
        if !seen.insert(shape.name) {
            return;
        }
        if let Kind::List(list) = &shape.kind {
            members_of(list.element, names, seen);
        }
        for member in shape.members() {
            names.insert(member.name);
            members_of(member.shape, names, seen);
        }
    }

    #[test]
    fn every_member_that_names_something_is_known() {
        let (mut names, mut seen) = (BTreeSet::new(), BTreeSet::new());
        for name in crate::ops::OFFERED {
            members_of(model::operation(name).unwrap().input, &mut names, &mut seen);
        }
        names.retain(|name| {
            ["Id", "Arn", "ARN", "Identifier", "Resource"].iter().any(|end| name.ends_with(end))
        });
        let ids = NAMES.iter().map(|(member, _)| *member);
        let known: BTreeSet<_> = ids.chain(BY_OPERATION).chain(OF_NOTHING_HERE).collect();
        assert_eq!(names, known);
    }
}
