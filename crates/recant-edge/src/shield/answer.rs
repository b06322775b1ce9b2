//! The shield's side: an edge is answered as its viewer would be, but for what is the edge's to say to him.

use std::sync::Arc;

use http::header::{CONTENT_LENGTH, HeaderValue};
use http::{Request, Response, StatusCode};

use super::fields::{ANSWERED, AUTHORIZATION, CUT_OFF, DECLINED, SHIELD, Told};
use crate::body::{Outgoing, Received};
use crate::interim::Interjections;
use crate::request::{self, Shared};
use crate::respond::Refusal;
use crate::target::Ambiguous;
use crate::viewer::{Security, Viewer};

/// Answers one request of an edge; `doubt` is what was noted of its bytes.
pub(crate) async fn answer(
    shared: &Arc<Shared>,
    interjections: &Interjections,
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
    let Some(told) = Told::take(&mut head.headers).filter(|_| doubt.is_none()) else {
        return empty(StatusCode::BAD_REQUEST);
    };
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

/// The origin is to be asked.
fn empty(status: StatusCode) -> Response<Outgoing> {
    let mut response = Response::new(Outgoing::Whole(None));
    *response.status_mut() = status;
    response.headers_mut().insert(SHIELD, DECLINED);
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    response
}
