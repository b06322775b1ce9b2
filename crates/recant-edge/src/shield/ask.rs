//! An edge's side: a shield is asked before the origin is.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use http::StatusCode;
use http::header::{EXPECT, HOST, HeaderMap, HeaderValue};
use http::request::Parts;

use recant_core::limits::{SHIELD_CONNECT_TIME_MAX, SHIELD_REST};
use recant_core::spec::OriginSpec;
use recant_core::time::BootTime;
use recant_wire::feed::EdgeSecret;

use super::fields::{ANSWERED, AUTHORIZATION, CUT_OFF, DECLINED, KeyDigest, SHIELD, Told};
use super::{ShieldAddress, ShieldOptions};
use crate::call::PRECONDITIONS;
use crate::forward::Job;
use crate::hop;
use crate::interim::Gate;
use crate::lookup::Reserve;
use crate::origin::{AddressPolicy, Answer, Call, Origin, OriginError, Origins, Secure, Upload};
use crate::request::Shared;

/// The shields that this edge knows, by region. None unless the operator names some.
pub(crate) struct Shields {
    by_region: BTreeMap<String, Shield>,
    /// Connections to them: the operator names them, so that no rule about tenants' origins concerns them.
    connections: Origins,
    authorization: HeaderValue,
}

struct Shield {
    address: ShieldAddress,
    /// In nanoseconds of the boot clock.
    rests_until: AtomicU64,
}

impl Shields {
    pub(crate) fn new(options: &ShieldOptions, secret: &EdgeSecret, secure: Secure) -> Self {
        let shield =
            |address: &ShieldAddress| Shield { address: address.clone(), rests_until: AtomicU64::new(0) };
        let authorization = secret.authorization();
        let mut authorization = HeaderValue::try_from(authorization).expect("a word and digits");
        authorization.set_sensitive(true);
        Self {
            by_region: options
                .shields
                .iter()
                .map(|(region, address)| (region.clone(), shield(address)))
                .collect(),
            connections: Origins::new(AddressPolicy::default(), secure),
            authorization,
        }
    }

    /// Whether it knows any.
    pub(crate) fn has_any(&self) -> bool {
        !self.by_region.is_empty()
    }

    /// The shield that is to be asked in this origin's place now.
    fn of(&self, spec: &OriginSpec, now: BootTime) -> Option<&Shield> {
        let shield = self.by_region.get(spec.shield.as_ref()?)?;
        (shield.rests_until.load(Ordering::Relaxed) <= now.nanos()).then_some(shield)
    }
}

impl Shield {
    fn rest(&self, now: BootTime) {
        self.rests_until.store(now.saturating_add(SHIELD_REST).nanos(), Ordering::Relaxed);
    }
}

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
    let shield = shields.of(specs.first()?, shared.clock.boot())?;
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
    let ShieldAddress { host, port } = &shield.address;
    let place = Origin::at(host, *port, SHIELD_CONNECT_TIME_MAX, patience.sum());
    match shields.connections.send(&place, call).await {
        Ok(mut answer) => match answer.response.headers_mut().remove(SHIELD) {
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
        },
        // One tenant's origin may be what takes so long: no reason for the others to do without the shield.
        Err(error @ OriginError::ReadTimeout(_)) => {
            tracing::warn!(%error, shield = %shield.address, "the shield takes too long; the origin is asked without it");
            None
        }
        Err(error) => {
            tracing::warn!(%error, shield = %shield.address, "the shield does not answer; origins are asked without it");
            shield.rest(shared.clock.boot());
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
        let mut headers: HeaderMap = head.headers.clone();
        hop::strip(&mut headers);
        for name in PRECONDITIONS.iter().chain([&EXPECT]) {
            headers.remove(name);
        }
        // As he has written it, for a policy may have it in the key.
        if !headers.contains_key(HOST) {
            headers.insert(HOST, HeaderValue::try_from(self.host.to_string()).ok()?);
        }
        self.put_conditions(&mut headers, validate);
        hop::append_via(&mut headers, head.version);
        told.put(&mut headers);
        headers.insert(AUTHORIZATION, authorization);

        let query = self.query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
        Call::of(head, &format!("{}{query}", self.path), headers, Upload::Nothing, gate).ok()
    }
}
