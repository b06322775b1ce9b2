//! The shield's side: an edge is answered as its viewer would be, but for what is the edge's to say to him.

use std::sync::Arc;

use http::header::{CONTENT_LENGTH, HeaderMap, HeaderValue};
use http::request::Parts;
use http::{Request, Response, StatusCode};

use super::fields::{ANSWERED, AUTHORIZATION, CUT_OFF, DECLINED, SHIELD, Told, take_changed};
use crate::body::{Outgoing, Received};
use crate::changed::Changed;
use crate::interim::Interjections;
use crate::request::{self, Arrival, Shared};
use crate::respond::Refusal;
use crate::tags::OfEdge;
use crate::target::{Ambiguous, Target};
use crate::viewer::{Security, Viewer};

/// Answers one request of an edge; `doubt` is what was noted of its bytes.
pub(crate) async fn answer(
    shared: &Arc<Shared>,
    interjections: &Arc<dyn Interjections>,
    request: Request<Received>,
    doubt: Option<Ambiguous>,
) -> Response<Outgoing> {
    let (mut head, body) = request.into_parts();
    let secret = head.headers.remove(AUTHORIZATION);
    let is_admitted = secret
        .is_some_and(|secret| shared.edge_secret.as_ref().is_some_and(|ours| ours.admits(secret.as_bytes())));
    if !is_admitted {
        return empty(StatusCode::FORBIDDEN);
    }
    if let Some(response) = take_changed(&mut head.headers).filter(|_| doubt.is_none()) {
        return match forget_what_changed(shared, &head, &response) {
            Some(()) => noted(),
            None => empty(StatusCode::SERVICE_UNAVAILABLE),
        };
    }
    let Some(told) = Told::take(&mut head.headers).filter(|_| doubt.is_none()) else {
        return empty(StatusCode::BAD_REQUEST);
    };
    head.extensions.insert(OfEdge);
    let viewer = Viewer { address: told.viewer, security: Security::Edge { is_secure: told.is_secure } };
    let asked = (told.place, told.key);
    let Some(outcome) = request::answer_edge(shared, interjections, &viewer, asked, head, body).await else {
        return empty(StatusCode::SERVICE_UNAVAILABLE);
    };
    let (mut response, said) = match outcome {
        Ok(response) => (response, ANSWERED),
        Err((Refusal::Origin(error), why)) if error.is_cut_off() => {
            (Refusal::from(error).into_response(why), CUT_OFF)
        }
        // What this edge may not do, or makes nothing of, the other one may.
        Err(_) => return empty(StatusCode::SERVICE_UNAVAILABLE),
    };
    response.headers_mut().insert(SHIELD, said);
    response
}

/// Forgets what is stored here of what a request has changed that another edge has sent to the origin; whether the two know of the same
/// configuration does not matter, for what is forgotten for nothing is fetched anew.
fn forget_what_changed(shared: &Shared, head: &Parts, response: &HeaderMap) -> Option<()> {
    let target = Target::of(head, "http").ok()?;
    let arrival = Arrival::of(&shared.world, &target.host, target.path).ok()?;
    let path = arrival.object_path(target.path);
    let changed = (&*path, target.query);
    Changed::of(&arrival, &target.host, changed, &head.headers, response).forget(shared);
    Some(())
}

/// What was told is done.
fn noted() -> Response<Outgoing> {
    saying(ANSWERED, StatusCode::OK)
}

/// The origin is to be asked.
fn empty(status: StatusCode) -> Response<Outgoing> {
    saying(DECLINED, status)
}

fn saying(said: HeaderValue, status: StatusCode) -> Response<Outgoing> {
    let mut response = Response::new(Outgoing::Whole(None));
    *response.status_mut() = status;
    response.headers_mut().insert(SHIELD, said);
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    response
}
