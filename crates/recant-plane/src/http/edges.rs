//! The calls of edges: their feed, their heartbeats, their answers to questions.
//!
//! Their meaning is [`crate::feed`]'s; here is the HTTP around it. Edges prove themselves by a secret, not by a
//! signature. What they are refused with is a line of text, for a person who reads the edge's log.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, Limited};
use recant_core::limits::{API_BODY_TIME_MAX, HEARTBEAT_BYTES_MAX};
use recant_wire::feed::question::ANSWER_PATH;
use recant_wire::feed::{FEED_CONTENT_TYPE, FEED_PATH, HEARTBEAT_PATH, heartbeat};
use tokio::sync::watch;

use super::seldom::Seldom;
use crate::clock::boot_now;
use crate::feed::{Edges, FeedError, Standing};
use crate::store::Store;

/// What the edges' handlers share.
#[derive(Clone)]
pub(crate) struct EdgeCalls<S> {
    /// Answers them.
    edges: Edges<S>,
    /// Turns true when the plane stops: feeds end then.
    stop: watch::Receiver<bool>,
    /// Callers that are no edges.
    refusals: Seldom,
}

/// The routes of edges.
pub(crate) fn router<S: Store>(calls: EdgeCalls<S>) -> Router {
    Router::new()
        .route(FEED_PATH, get(follow::<S>))
        .route(HEARTBEAT_PATH, post(renew::<S>))
        .route(ANSWER_PATH, post(answer::<S>))
        .with_state(calls)
}

async fn follow<S: Store>(State(calls): State<EdgeCalls<S>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    if admit(&calls, &parts).is_none() {
        return calls.forbidden();
    }
    match calls.edges.follow(parts.uri.query().unwrap_or_default()).await {
        Ok(feed) => {
            let mut response = Response::new(Body::new(Until::new(feed, true_or_gone(calls.stop))));
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(FEED_CONTENT_TYPE));
            response
        }
        Err(error) => refused(&error),
    }
}

async fn renew<S: Store>(State(calls): State<EdgeCalls<S>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Some(standing) = admit(&calls, &parts) else { return calls.forbidden() };
    let Some(body) = short(body).await else { return not_short() };
    match calls.edges.heartbeat(standing, &body).await {
        Ok(answer) => ([(CONTENT_TYPE, heartbeat::CONTENT_TYPE)], answer).into_response(),
        Err(error) => refused(&error),
    }
}

async fn answer<S: Store>(State(calls): State<EdgeCalls<S>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    if admit(&calls, &parts).is_none() {
        return calls.forbidden();
    }
    let Some(body) = short(body).await else { return not_short() };
    match calls.edges.answer(&body) {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => refused(&error),
    }
}

/// A body of an edge's, if it is as short as these are and arrives in time.
async fn short(body: Body) -> Option<Bytes> {
    let whole = Limited::new(body, HEARTBEAT_BYTES_MAX).collect();
    let whole = tokio::time::timeout(API_BODY_TIME_MAX, whole).await.ok()?.ok()?;
    Some(whole.to_bytes())
}

fn not_short() -> Response {
    (StatusCode::BAD_REQUEST, "an edge's message is short and arrives whole\n").into_response()
}

fn admit<S: Store>(calls: &EdgeCalls<S>, parts: &Parts) -> Option<Standing> {
    parts.headers.get(AUTHORIZATION).and_then(|value| calls.edges.admit(value.as_bytes()))
}

impl<S> EdgeCalls<S> {
    /// Calls that these edges' feeds answer, until the stop.
    pub(crate) fn new(edges: Edges<S>, stop: watch::Receiver<bool>) -> Self {
        Self { edges, stop, refusals: Seldom::default() }
    }

    fn forbidden(&self) -> Response {
        if let Some(times) = self.refusals.count(boot_now()) {
            tracing::warn!(times, "callers of the edges' routes do not know this plane's edge secret");
        }
        (StatusCode::FORBIDDEN, "not an edge of this plane: the secret is missing or another one\n")
            .into_response()
    }
}

fn refused(error: &FeedError) -> Response {
    let status = match error {
        FeedError::Resume(_) | FeedError::Message(_) => StatusCode::BAD_REQUEST,
        FeedError::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    tracing::warn!(%error, "an edge's call was refused");
    (status, format!("{error}\n")).into_response()
}

/// A long body that also ends when something else has happened, as that the plane stops.
pub(crate) struct Until<B> {
    body: B,
    end: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl<B> Until<B> {
    pub(crate) fn new(body: B, end: impl Future<Output = ()> + Send + 'static) -> Self {
        Self { body, end: Box::pin(end) }
    }
}

/// Waits until what is watched is true. A sender that is gone means the same.
pub(crate) async fn true_or_gone(mut watched: watch::Receiver<bool>) {
    drop(watched.wait_for(|is_so| *is_so).await);
}

impl<B: http_body::Body + Unpin> http_body::Body for Until<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        if self.end.as_mut().poll(cx).is_ready() {
            return Poll::Ready(None);
        }
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}
