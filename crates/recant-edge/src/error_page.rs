//! What a viewer gets in place of an origin's error, where the configuration says so (`CustomErrorResponses`).
//!
//! ```text
//! viewer ── /missing ──▶ edge ── 404, stored or from the origin
//!                         └──── /errors/404.html ── stored, or from the origin
//! viewer ◀── the page, with the status that the configuration says
//! ```
//!
//! The page is an object of the tenant's like any other: it has its own key, its own stamp, its own rules. So an invalidation
//! of it holds also where it stands in for an error, and one of `/missing` takes the stored 404 away.
//!
//! **There is no page for a page**: where it cannot be had, or is no 200 itself, the viewer gets the error as it is. A viewer
//! in a country that is not served gets the page too, if there is one for 403; one who has to come over HTTPS does not.

use std::sync::Arc;

use http::header::{
    AUTHORIZATION, CONTENT_LENGTH, EXPECT, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE,
    IF_UNMODIFIED_SINCE, RANGE, TRANSFER_ENCODING, UPGRADE,
};
use http::request::Parts;
use http::{Method, Response, StatusCode};

use recant_core::host::Host;

use crate::body::{Outgoing, read_to_its_end};
use crate::collapse::{self, fetch};
use crate::forward::Job;
use crate::lookup::{Ask, Found, look_up};
use crate::request::{Arrival, Refused, Shared};
use crate::respond::{self, Refusal};
use crate::viewer::Viewer;
use crate::viewer_fields;

/// Whose request may end in an error, and all that is needed for a page.
pub(crate) struct Asker {
    pub(crate) arrival: Arrival,
    pub(crate) host: Host,
    pub(crate) viewer: Viewer,
    pub(crate) head: Parts,
}

/// What the viewer gets: the outcome, or a page in its place.
pub(crate) async fn in_place_of(
    outcome: Result<Response<Outgoing>, Refused>,
    shared: &Arc<Shared>,
    asker: Asker,
) -> Result<Response<Outgoing>, Refused> {
    let status = match &outcome {
        Ok(response) => response.status(),
        Err((refusal, _)) if has_page(refusal) => refusal.status(),
        Err(_) => return outcome,
    };
    let distribution = asker.arrival.distribution.clone();
    let Some(page) = distribution.error_page(status.as_u16()) else { return outcome };
    let Ok(told) = StatusCode::from_u16(page.status) else { return outcome };
    let Some(mut response) = asker.get(shared, &page.path).await else { return outcome };
    *response.status_mut() = told;
    respond::mark_error_page(response.headers_mut());
    if let Ok(error) = outcome {
        // It is stored only when it has come to its end.
        tokio::spawn(read_to_its_end(error.into_body()));
    }
    Ok(response)
}

/// What the configuration can have a page for: failures of the origin, and what the configuration itself forbids. All else is between the viewer and the edge.
fn has_page(refusal: &Refusal) -> bool {
    matches!(refusal, Refusal::Origin(_) | Refusal::Country | Refusal::MethodNotAllowed)
}

impl Asker {
    async fn get(mut self, shared: &Arc<Shared>, path: &str) -> Option<Response<Outgoing>> {
        let head = &mut self.head;
        if head.method != Method::HEAD {
            head.method = Method::GET;
        }
        // What is about the object that was asked for, or its body.
        for name in [
            AUTHORIZATION,
            CONTENT_LENGTH,
            EXPECT,
            IF_MATCH,
            IF_MODIFIED_SINCE,
            IF_NONE_MATCH,
            IF_RANGE,
            IF_UNMODIFIED_SINCE,
            RANGE,
            TRANSFER_ENCODING,
            UPGRADE,
        ] {
            head.headers.remove(name);
        }
        let Self { arrival, host, viewer, mut head } = self;
        let (arrival, path) = (arrival.about(path), path.to_owned());
        viewer_fields::settle(&mut head, &arrival, &viewer, &shared.geo);
        let found = look_up(shared, &arrival, &head, &path, None).await;
        let job = |ask: Ask| {
            let fetching = ask.begin(&shared.fetches, arrival.stamp);
            Job { arrival, ask, host, viewer, path, query: None, fetching }
        };
        let response = match found {
            Found::Hit(response) => response,
            Found::HitAndValidate(response, ask) => {
                collapse::validate_behind(shared, job(ask), head);
                response
            }
            Found::Forward(ask) => Box::pin(fetch(shared, job(ask), head, None, None)).await.ok()?,
        };
        (response.status() == StatusCode::OK).then_some(response)
    }
}
