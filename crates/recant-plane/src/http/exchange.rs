//! One request and its answer, whatever API it is of: who asks is found out here, and the access log's line is written.

use std::time::Instant;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::request::Parts;

use super::request_id::RequestId;
use super::room::Place;
use super::{Shared, body};
use crate::admission::Asked;
use crate::auth::{Caller, Claim, NotLetIn};
use crate::clock;
use crate::error::ApiError;
use crate::ops::resources::Subject;
use crate::store::Store;

/// What the access log says of a request. Never the body, a header or a secret.
pub(super) struct Exchange {
    /// The request's id.
    pub(super) id: RequestId,
    /// What is asked, as policies call it; empty for what is no operation.
    pub(super) action: String,
    /// The tenant that the path names.
    pub(super) tenant: Option<String>,
    caller: Caller,
    /// The body's room, until it is answered: what is made of the body lives as long.
    place: Option<Place>,
    started: Instant,
}

/// A body that is here, and who is said to have sent it; not yet believed.
pub(super) struct Received {
    claim: Option<Claim>,
    body: Bytes,
}

impl Received {
    /// How long it is.
    pub(super) fn body_bytes(&self) -> usize {
        self.body.len()
    }
}

impl Exchange {
    /// A request that has just come.
    pub(super) fn new() -> Self {
        Self {
            id: RequestId::new(),
            action: String::new(),
            tenant: None,
            caller: Caller::Anyone,
            place: None,
            started: Instant::now(),
        }
    }

    /// Receives the body, unless the head says already that nobody is let in with it. Who is not let in is noted.
    ///
    /// # Errors
    /// For the first of these that is not right: form, key, time, size.
    pub(super) async fn receive<S: Store>(
        &mut self,
        shared: &Shared<S>,
        parts: &Parts,
        body: &mut Body,
    ) -> Result<Received, ApiError> {
        let store = &shared.context.store;
        let claim = match shared.keys.claim(store, parts, clock::wall_now()).await {
            Ok(claim) => claim,
            Err(why) => return Err(self.not_let_in(shared, parts, why).await),
        };
        let place = Place::new(&shared.room, claim.as_ref().map_or("", Claim::key_id));
        let body = body::read(&parts.headers, body, self.place.insert(place)).await?;
        Ok(Received { claim, body })
    }

    /// Finds out who asks, counts the request, and gives its body. Who is not let in, or asks too often, is noted.
    ///
    /// # Errors
    /// For the first of these that is not right: body hash, signature, rate.
    pub(super) async fn authenticate<S: Store>(
        &mut self,
        shared: &Shared<S>,
        parts: &Parts,
        received: Received,
    ) -> Result<Bytes, ApiError> {
        let store = &shared.context.store;
        if let Some(claim) = received.claim {
            match shared.keys.verify(store, claim, parts, &received.body).await {
                Ok(caller) => self.caller = caller,
                Err(why) => return Err(self.not_let_in(shared, parts, why).await),
            }
        }
        shared.admission.count_caller(store, &self.caller, &self.asked(parts, &[])).await?;
        Ok(received.body)
    }

    async fn not_let_in<S: Store>(&self, shared: &Shared<S>, parts: &Parts, why: NotLetIn) -> ApiError {
        match why {
            NotLetIn::Store(error) => error.into(),
            NotLetIn::Refused { by, error } => {
                let noted = shared
                    .admission
                    .note_not_let_in(&shared.context.store, by, &self.asked(parts, &[]), &error)
                    .await;
                noted.map_or_else(ApiError::from, |()| error.into())
            }
        }
    }

    /// Lets the caller do what is asked to these things, or not.
    ///
    /// # Errors
    /// [`ApiError::AccessDenied`], [`ApiError::Throttling`].
    pub(super) async fn admit<S: Store>(
        &self,
        shared: &Shared<S>,
        parts: &Parts,
        subjects: &[Subject],
    ) -> Result<(), ApiError> {
        shared.admission.admit(&shared.context.store, &self.caller, &self.asked(parts, subjects)).await
    }

    /// Who asks, once that is found out.
    pub(super) fn caller(&self) -> &Caller {
        &self.caller
    }

    fn asked<'a>(&'a self, parts: &'a Parts, subjects: &'a [Subject]) -> Asked<'a> {
        Asked { request_id: self.id.as_str(), action: &self.action, method: &parts.method, subjects }
    }

    /// Writes the access log's line.
    pub(super) fn log(&self, response: &Response, code: &str) {
        tracing::info!(
            target: "recant::access",
            request_id = %self.id,
            key = %self.caller,
            operation = self.action.split_once(':').map_or("-", |(_, name)| name),
            tenant = self.tenant.as_deref().unwrap_or("-"),
            status = response.status().as_u16(),
            code,
            micros = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX),
            "request"
        );
    }
}
