//! What an operation is about, as ARNs: what policies speak of, and what the audit log says.
//!
//! As with the service, an operation on something is about that thing's ARN, one that makes something is about `KIND/*`, and one
//! that lists, or is about the account, is about `*` (IAM, "Actions, resources, and condition keys for Amazon CloudFront"). A policy
//! may therefore name tenants; who may see lists of all of them is said by `"Resource": "*"`.
//!
//! Where something is named otherwise than by its id (a tenant's name, a domain), it is looked up first: else a policy about one
//! tenant could be passed by another spelling. What is not there is about the ARN that it would have by that spelling, so that who may
//! not know learns nothing from the difference.

use http::Method;
use recant_wire::document::Document;
use recant_wire::model::{Operation, Route};

use super::{Context, get_distribution_tenant, input, shapes};
use crate::error::ApiError;
use crate::store::{Store, TenantKey};

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

/// What the request's head says that an operation is about: its labels, and the members of its input that are not in the body.
///
/// # Errors
/// When the store cannot be read.
pub(crate) async fn of_head<S: Store>(
    context: &Context<S>,
    route: &Route,
    head: &Document,
) -> Result<Vec<String>, ApiError> {
    let identity = context.store.identity();
    let operation = route.operation;
    let one = match operation.name {
        "GetDistributionTenantByDomain" => {
            let domain = input::text(head, "Domain");
            arn_of_tenant(context, TenantKey::Domain(domain.to_ascii_lowercase()), domain).await?
        }
        "TagResource" | "UntagResource" | "ListTagsForResource" => input::text(head, "Resource").to_owned(),
        _ => match (kind_of(operation), thing(route)) {
            (Some("distribution-tenant"), Some(identifier)) => of_tenant(context, identifier).await?,
            (Some(kind), Some(id)) => shapes::arn(identity, kind, id),
            (Some(kind), None) if makes_one(operation) => shapes::arn(identity, kind, "*"),
            _ => EVERYTHING.to_owned(),
        },
    };
    Ok(vec![one])
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

/// What the body says besides: another thing that the operation makes use of.
pub(crate) fn of_body<S: Store>(
    context: &Context<S>,
    operation: &Operation,
    document: &Document,
) -> Vec<String> {
    let identity = context.store.identity();
    match operation.name {
        // A tenant gets its behaviour from its distribution, and a policy may keep callers to their own.
        "CreateDistributionTenant" | "UpdateDistributionTenant" => {
            input::optional_text(document, "DistributionId")
                .map(|id| shapes::arn(identity, "distribution", id))
                .into_iter()
                .collect()
        }
        _ => Vec::new(),
    }
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
