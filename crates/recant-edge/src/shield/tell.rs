//! An edge's side: shields are told what a request has changed that went past them.
//!
//! **Until a shield has been told, this edge does not ask it for what was changed**, or what it has stored would come back. It is told again and again
//! until it has taken note.

use std::sync::Arc;

use http::Method;
use http::header::{CONTENT_LENGTH, HeaderMap};
use http::request::Parts;
use tokio::sync::oneshot;
use tokio::time::sleep;

use recant_core::limits::{SHIELD_ANSWER_TIME_MAX, SHIELD_REST};

use super::Shields;
use super::fields::{ANSWERED, SHIELD, put_changed};
use crate::changed::Changed;
use crate::forward::Job;
use crate::origin::{Call, Upload};
use crate::request::Shared;

/// Has the shields told that may have stored what this request has changed; nothing where there are none. What is given back is ready when each has
/// been told once, or could not be.
pub(crate) fn tell(
    shared: &Arc<Shared>,
    job: &Job,
    changed: &Changed<'_>,
    head: &Parts,
    response: &HeaderMap,
) -> Option<oneshot::Receiver<()>> {
    let shields = shared.shields.as_ref().filter(|_| !job.viewer.is_edge())?;
    let mut regions: Vec<String> =
        changed.regions().into_iter().filter(|region| shields.knows(region)).map(str::to_owned).collect();
    if regions.is_empty() {
        return None;
    }
    let mut held = shields.untold.hold(changed.keys());
    let (mut head, mut named) = (head.clone(), HeaderMap::new());
    // It changes nothing where it is not understood.
    head.method = Method::GET;
    put_changed(&mut named, response);
    let (shared, job) = (shared.clone(), job.clone());
    let (tell_once, told_once) = oneshot::channel();
    tokio::spawn(async move {
        let Some(shields) = &shared.shields else { return };
        let mut tell_once = Some(tell_once);
        loop {
            let mut left = Vec::new();
            for region in regions {
                if !job.tell(shields, &region, &head, &named).await {
                    left.push(region);
                }
            }
            // Nobody may be waiting any more.
            tell_once.take().map(|tell_once| tell_once.send(()));
            regions = left;
            if regions.is_empty() {
                break;
            }
            if held.is_none() {
                tracing::warn!(?regions, path = %job.path, "too many changes to tell shields: they may keep what was changed");
                break;
            }
            sleep(SHIELD_REST).await;
        }
        drop(held.take());
    });
    Some(told_once)
}

impl Job {
    /// Whether the shield of this region knows now what was changed, or has nothing of it.
    async fn tell(&self, shields: &Shields, region: &str, head: &Parts, named: &HeaderMap) -> bool {
        let Some(shield) = shields.of(region) else { return false };
        let Some(mut headers) = self.fields_for_shield(head, shields.authorization.clone()) else {
            return true;
        };
        // What was sent with it is not sent again.
        headers.remove(CONTENT_LENGTH);
        headers.extend(named.clone());
        let Ok(call) = Call::of(head, &self.target_for_shield(), headers, Upload::Nothing, None) else {
            return true;
        };
        let Some(mut answer) = shields.send(shield, call, SHIELD_ANSWER_TIME_MAX).await else { return false };
        let said = answer.response.headers_mut().remove(SHIELD);
        if said.as_ref() != Some(&ANSWERED) {
            // One that declines takes the host for nobody's, and what it has stored for nobody.
            tracing::warn!(?said, shield = %shield.address, path = %self.path, "the shield takes no note of a change");
        }
        if said.is_some() {
            // There is no body.
            answer.lent.give_back();
        }
        said.is_some()
    }
}
