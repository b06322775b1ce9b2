//! An edge's side: shields are told what a request has changed that went past them.

use http::Method;
use http::header::{CONTENT_LENGTH, HeaderMap};
use http::request::Parts;

use recant_core::limits::SHIELD_ANSWER_TIME_MAX;

use super::fields::{ANSWERED, SHIELD, put_changed};
use crate::changed::Changed;
use crate::forward::Job;
use crate::origin::{Call, Upload};
use crate::request::Shared;

/// Tells the shields that may have stored what this request has changed, and waits until they have forgotten it. One that does not
/// answer, or is resting, keeps what it has: it goes when it is stale or invalidated.
pub(crate) async fn tell(
    shared: &Shared,
    job: &Job,
    changed: &Changed<'_>,
    head: &Parts,
    response: &HeaderMap,
) {
    let Some(shields) = shared.shields.as_ref().filter(|_| !job.viewer.is_edge()) else { return };
    for region in changed.regions() {
        let Some(shield) = shields.of(region) else { continue };
        let Some(mut headers) = job.fields_for_shield(head, shields.authorization.clone()) else { return };
        // What was sent with it is not sent again.
        headers.remove(CONTENT_LENGTH);
        put_changed(&mut headers, response);
        let mut head = head.clone();
        head.method = Method::GET;
        let Ok(call) = Call::of(&head, &job.target_for_shield(), headers, Upload::Nothing, None) else {
            return;
        };
        let Some(mut answer) = shields.send(shield, call, SHIELD_ANSWER_TIME_MAX).await else { continue };
        let said = answer.response.headers_mut().remove(SHIELD);
        if said.as_ref() != Some(&ANSWERED) {
            tracing::debug!(?said, shield = %shield.address, path = %job.path, "the shield takes no note of a change");
        }
        if said.is_some() {
            // There is no body.
            answer.lent.give_back();
        }
    }
}
