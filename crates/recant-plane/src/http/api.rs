//! One API request, from its head to its answer.
//!
//! The order of checks is a decision (DESIGN.md section 9 "API"): what the head says about the signature (form, key,
//! time), the size, the body's hash, the signature, the policy; only then is what is asked judged. So nobody
//! without a key learns anything about what is here, and nothing that a stranger sends is parsed.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use http::request::Parts;
use recant_wire::model::{Operation, Route, route};

use super::request_id::RequestId;
use super::{Shared, answer, body};
use crate::admission::Asked;
use crate::auth::Caller;
use crate::error::{ApiError, excerpt};
use crate::store::Store;
use crate::{clock, ops};

/// What the access log says of a request. Never the body, a header or a secret.
struct Seen {
    id: RequestId,
    caller: Caller,
    operation: Option<&'static Operation>,
    /// The tenant that the path names.
    tenant: Option<String>,
}

/// Answers whatever no other route answers.
pub(super) async fn handle<S: Store>(State(shared): State<Arc<Shared<S>>>, request: Request) -> Response {
    let started = Instant::now();
    let mut seen = Seen { id: RequestId::new(), caller: Caller::Anyone, operation: None, tenant: None };
    let (parts, mut body) = request.into_parts();
    let (response, code) = match answer(&shared, &parts, &mut body, &mut seen).await {
        Ok(response) => (response, ""),
        Err(error) => {
            body::discard(&parts.headers, &mut body).await;
            (answer::error(&error, &seen.id), error.code().0)
        }
    };
    tracing::info!(
        target: "recant::access",
        request_id = %seen.id,
        key = %seen.caller,
        operation = seen.operation.map_or("-", |operation| operation.name),
        tenant = seen.tenant.as_deref().unwrap_or("-"),
        status = response.status().as_u16(),
        code,
        micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
        "request"
    );
    response
}

/// Answers a method that a route of ours does not take.
pub(super) async fn method_not_allowed() -> Response {
    answer::error(&ApiError::MethodNotAllowed, &RequestId::new())
}

async fn answer<S: Store>(
    shared: &Shared<S>,
    parts: &Parts,
    body: &mut Body,
    seen: &mut Seen,
) -> Result<Response, ApiError> {
    let path = parts.uri.path();
    let found = route(&parts.method, path, parts.uri.query());
    if let Some(found) = &found {
        seen.operation = Some(found.operation);
        seen.tenant = tenant_of(found);
    }

    let (caller, bytes) = authenticate(shared, parts, body, seen).await?;
    seen.caller = caller;
    shared.admission.count_caller(&seen.caller)?;

    let Some(found) = found else {
        return Err(ApiError::UnknownOperation(format!("{} {}", parts.method, excerpt(path))));
    };
    let context = &shared.context;
    let head = answer::decode(&found, parts, &[])?;
    let mut resources = ops::resources::of_head(context, &found, &head).await?;
    // A body that cannot be read names nothing; the caller learns that only if he may do this at all.
    let input = answer::decode(&found, parts, &bytes);
    if let Ok(input) = &input {
        resources.extend(ops::resources::of_body(context, found.operation, input));
    }
    let asked = Asked {
        request_id: seen.id.as_str(),
        action: &format!("cloudfront:{}", found.operation.name),
        method: &parts.method,
        resources: &resources,
    };
    shared.admission.admit(&context.store, &seen.caller, &asked).await?;

    ops::offered(found.operation)?;
    let output = ops::perform(context, found.operation, &input?).await?;
    answer::success(found.operation, &output, &seen.id)
}

/// Finds out who asks, and reads the body on the way. Somebody who is not the holder of the key that he names is noted.
async fn authenticate<S: Store>(
    shared: &Shared<S>,
    parts: &Parts,
    body: &mut Body,
    seen: &Seen,
) -> Result<(Caller, Bytes), ApiError> {
    let store = &shared.context.store;
    let claim = shared.keys.claim(store, parts, clock::wall_now()).await?;
    let bytes =
        body::read(&parts.headers, body).await.map_err(|error| for_operation(error, seen.operation))?;
    let Some(claim) = claim else { return Ok((Caller::Anyone, bytes)) };
    let key_id = claim.key_id().to_owned();
    match shared.keys.verify(claim, parts, &bytes) {
        Ok(caller) => Ok((caller, bytes)),
        Err(error) => {
            let operation = seen.operation.map_or("-", |operation| operation.name);
            let asked = Asked {
                request_id: seen.id.as_str(),
                action: &format!("cloudfront:{operation}"),
                method: &parts.method,
                resources: &[],
            };
            shared.admission.note_stranger(store, &key_id, &asked, error.code()).await?;
            Err(error.into())
        }
    }
}

/// An invalidation batch that is too long has a code of its own in the model.
fn for_operation(error: ApiError, operation: Option<&Operation>) -> ApiError {
    let declares = |code| operation.is_some_and(|it| it.errors.iter().any(|error| error.code == code));
    match error {
        ApiError::RequestEntityTooLarge { .. } if declares("BatchTooLarge") => {
            ApiError::BatchTooLarge(error.to_string())
        }
        error => error,
    }
}

fn tenant_of(route: &Route) -> Option<String> {
    let of_tenant = route.operation.uri.contains("/distribution-tenant/");
    let label = ["DistributionTenantId", "Identifier", "Id"].iter().find_map(|name| route.labels.get(name));
    label.filter(|_| of_tenant).map(excerpt)
}
