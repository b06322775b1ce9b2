//! An edge's side: a shield is asked before the origin is.

use http::StatusCode;
use http::header::{EXPECT, HOST, HeaderMap, HeaderValue};
use http::request::Parts;

use recant_core::spec::OriginSpec;

use super::fields::{ANSWERED, AUTHORIZATION, CUT_OFF, DECLINED, KeyDigest, SHIELD, Told, take_changed};
use crate::call::PRECONDITIONS;
use crate::forward::Job;
use crate::hop;
use crate::interim::Gate;
use crate::lookup::Reserve;
use crate::origin::{Answer, Call, OriginError, Upload};
use crate::request::Shared;

/// Asks the shield of the first of these origins, if it has one that this edge knows. Nothing when the origins themselves are to be asked.
pub(crate) async fn ask(
    shared: &Shared,
    job: &Job,
    specs: &[&OriginSpec],
    head: &Parts,
    validate: Option<&Reserve>,
    gate: Option<&Gate>,
) -> Option<Result<Answer, OriginError>> {
    // A shield asks no shield.
    let keyed = job.ask.keyed.as_ref().filter(|_| !job.viewer.is_edge())?;
    let shields = shared.shields.as_ref()?;
    if shields.untold.has(&keyed.request.key) {
        return None;
    }
    let shield = shields.of(specs.first()?.shield.as_ref()?)?;
    let place = shared.world.place_of(job.arrival.stamp)?;
    let told = Told {
        place,
        key: KeyDigest::of(&keyed.request.key),
        is_secure: job.viewer.is_secure(),
        viewer: job.viewer.address,
    };
    let call = job.call_of_shield(head, told, shields.authorization.clone(), validate, gate)?;
    // The shield may need all the time that the origins have.
    let patience = specs.iter().map(|spec| {
        spec.connection_timeout.saturating_mul(u32::from(spec.connection_attempts)) + spec.read_timeout
    });
    let mut answer = shields.send(shield, call, patience.sum()).await?;
    match answer.response.headers_mut().remove(SHIELD) {
        Some(said) if said == ANSWERED => Some(Ok(answer)),
        Some(said) if said == CUT_OFF => {
            let is_slow = answer.response.status() == StatusCode::GATEWAY_TIMEOUT;
            Some(Err(OriginError::BehindShield { is_slow }))
        }
        said => {
            tracing::debug!(?said, shield = %shield.address, "the shield declines, or is none");
            if said.is_some_and(|said| said == DECLINED) {
                // There is no body.
                answer.lent.give_back();
            }
            None
        }
    }
}

impl Job {
    /// The request to a shield: the viewer's, since the key is made of it, with this edge's own conditions in the place of the viewer's.
    fn call_of_shield(
        &self,
        head: &Parts,
        told: Told,
        authorization: HeaderValue,
        validate: Option<&Reserve>,
        gate: Option<&Gate>,
    ) -> Option<Call> {
        let mut headers = self.fields_for_shield(head, authorization)?;
        self.put_conditions(&mut headers, validate);
        told.put(&mut headers);
        Call::of(head, &self.target_for_shield(), headers, Upload::Nothing, gate).ok()
    }

    /// What a shield makes a key of.
    pub(super) fn fields_for_shield(&self, head: &Parts, authorization: HeaderValue) -> Option<HeaderMap> {
        let mut headers = head.headers.clone();
        hop::strip(&mut headers);
        for name in PRECONDITIONS.iter().chain([&EXPECT]) {
            headers.remove(name);
        }
        // No viewer says that.
        take_changed(&mut headers);
        // As he has written it, for a policy may have it in the key.
        if !headers.contains_key(HOST) {
            headers.insert(HOST, HeaderValue::try_from(self.host.to_string()).ok()?);
        }
        hop::append_via(&mut headers, head.version);
        headers.insert(AUTHORIZATION, authorization);
        Some(headers)
    }

    /// The viewer's path and query.
    pub(super) fn target_for_shield(&self) -> String {
        let query = self.query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
        format!("{}{query}", self.path)
    }
}
