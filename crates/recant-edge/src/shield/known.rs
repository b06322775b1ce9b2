//! The shields that an edge knows, and which of them are there.
//!
//! ```text
//! well ──(a request fails, or one is silent and a question gets no answer either)──▶ resting ──(time is over)──▶ asked whether it is back
//!  ▲                                                                                    ▲                              │
//!  └───────────────────────────────────────(it answers)─────────────────────────────────┴────────(it does not)─────────┘
//! ```
//!
//! A shield that waits for a slow origin is silent, too. So one that has been silent for a while is asked something that takes no time, on another
//! connection: a shield answers that, whatever else it waits for. **Nobody waits for one that is resting**: whether it is back is found out beside.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::Request;
use http::header::{HOST, HeaderValue};
use tokio::time::{Instant, timeout};

use recant_core::limits::{SHIELD_ANSWER_TIME_MAX, SHIELD_CONNECT_TIME_MAX, SHIELD_REST, SHIELD_SILENCE_MAX};
use recant_core::time::BootTime;
use recant_wire::feed::EdgeSecret;

use super::fields::SHIELD;
use super::untold::Untold;
use super::{ShieldAddress, ShieldOptions};
use crate::clock::Clock;
use crate::origin::{AddressPolicy, Answer, Call, HeadMax, Origin, OriginError, Origins, Secure, Upload};

/// The shields that this edge knows, by region. None unless the operator names some.
pub(crate) struct Shields {
    by_region: BTreeMap<String, Arc<Shield>>,
    /// Connections to them: the operator names them, so that no rule about tenants' origins concerns them.
    connections: Arc<Origins>,
    clock: Arc<dyn Clock>,
    pub(super) authorization: HeaderValue,
    /// What they are not asked for.
    pub(super) untold: Arc<Untold>,
}

/// One of them.
pub(super) struct Shield {
    pub(super) address: ShieldAddress,
    /// In nanoseconds of the boot clock; 0 while it is well.
    rests_until: AtomicU64,
    /// When it said something last. Locked to read or to write that.
    heard: Mutex<Option<Instant>>,
    /// Held while it is asked whether it is there: once for all who want to know.
    asking: tokio::sync::Mutex<()>,
}

impl Shields {
    pub(crate) fn new(
        options: &ShieldOptions,
        secret: &EdgeSecret,
        secure: Secure,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let mut authorization = HeaderValue::try_from(secret.authorization()).expect("a word and digits");
        authorization.set_sensitive(true);
        let shields = options.shields.iter();
        Self {
            by_region: shields.map(|(region, at)| (region.clone(), Arc::new(Shield::new(at)))).collect(),
            connections: Arc::new(Origins::new(AddressPolicy::default(), secure, HeadMax::OF_SHIELDS)),
            clock,
            authorization,
            untold: Arc::default(),
        }
    }

    /// Whether it knows any.
    pub(crate) fn has_any(&self) -> bool {
        !self.by_region.is_empty()
    }

    /// Whether one of them is for this region.
    pub(super) fn knows(&self, region: &str) -> bool {
        self.by_region.contains_key(region)
    }

    /// The shield of this region, unless it is resting. The first who comes when the time is over has it asked whether it is back.
    pub(super) fn of(&self, region: &str) -> Option<&Arc<Shield>> {
        let shield = self.by_region.get(region)?;
        let now = self.clock.boot();
        let until = shield.rests_until.load(Ordering::Relaxed);
        if until == 0 {
            return Some(shield);
        }
        let order = Ordering::Relaxed;
        let is_over = until <= now.nanos();
        if is_over && shield.rests_until.compare_exchange(until, rest_from(now), order, order).is_ok() {
            self.ask_beside(shield);
        }
        None
    }

    /// Sends a request to a shield, and waits for the head of its response: as long as that may take, while the shield is there.
    pub(super) async fn send(&self, shield: &Arc<Shield>, call: Call, patience: Duration) -> Option<Answer> {
        let place = shield.at(SHIELD_CONNECT_TIME_MAX, patience);
        let mut sending = Box::pin(self.connections.send(&place, call));
        let sent = loop {
            if let Ok(sent) = timeout(SHIELD_SILENCE_MAX, sending.as_mut()).await {
                break sent;
            }
            tokio::select! {
                sent = sending.as_mut() => break sent,
                is_there = shield.is_there(&self.connections, &*self.clock) => if !is_there { return None },
            }
        };
        match sent {
            Ok(answer) => {
                shield.hear();
                Some(answer)
            }
            // One tenant's origin may be what takes so long, or what cannot be read: no reason for the others to do without the shield. It is asked
            // whether it is there.
            Err(error) if has_spoken_or_waits(&error) => {
                tracing::warn!(%error, shield = %shield.address, "what the shield answers, or does not, is of no use");
                self.ask_beside(shield);
                None
            }
            Err(error) => {
                shield.rest(&error, self.clock.boot());
                None
            }
        }
    }

    /// Finds out whether a shield is there; nobody waits for that.
    fn ask_beside(&self, shield: &Arc<Shield>) {
        let (shield, connections, clock) = (shield.clone(), self.connections.clone(), self.clock.clone());
        tokio::spawn(async move { shield.is_there(&connections, &*clock).await });
    }
}

impl Shield {
    fn new(address: &ShieldAddress) -> Self {
        Self {
            address: address.clone(),
            rests_until: AtomicU64::new(0),
            heard: Mutex::default(),
            asking: tokio::sync::Mutex::default(),
        }
    }

    fn at(&self, connect_time_max: Duration, patience: Duration) -> Origin {
        Origin::at(&self.address.host, self.address.port, connect_time_max, patience)
    }

    /// Whether it says anything: by what it has just said to somebody, or by asking it. One that does not is left alone from now on.
    async fn is_there(&self, connections: &Origins, clock: &dyn Clock) -> bool {
        let before = self.rests_until.load(Ordering::Relaxed);
        let _asking = self.asking.lock().await;
        let found = self.rests_until.load(Ordering::Relaxed);
        // Found out by whoever asked before.
        if found != before || self.has_just_spoken() {
            return found == 0;
        }
        let place = self.at(SHIELD_ANSWER_TIME_MAX, SHIELD_ANSWER_TIME_MAX);
        match connections.send(&place, question(&place)).await {
            Ok(mut answer) => {
                self.hear();
                if answer.response.headers_mut().remove(SHIELD).is_some() {
                    // There is no body.
                    answer.lent.give_back();
                }
                true
            }
            Err(error) => {
                self.rest(&error, clock.boot());
                false
            }
        }
    }

    /// It has said something.
    fn hear(&self) {
        self.rests_until.store(0, Ordering::Relaxed);
        *self.heard.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    fn has_just_spoken(&self) -> bool {
        let heard = *self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.is_some_and(|heard| heard.elapsed() < SHIELD_SILENCE_MAX)
    }

    fn rest(&self, error: &OriginError, now: BootTime) {
        tracing::warn!(%error, shield = %self.address, "the shield does not answer; origins are asked without it");
        self.rests_until.store(rest_from(now), Ordering::Relaxed);
    }
}

/// Whether it may be the one answer that a shield failed with, and not the shield.
fn has_spoken_or_waits(error: &OriginError) -> bool {
    match error {
        OriginError::ReadTimeout(_) | OriginError::Coded | OriginError::Upgraded => true,
        OriginError::Broken(error) => error.is_parse(),
        _ => false,
    }
}

fn rest_from(now: BootTime) -> u64 {
    now.saturating_add(SHIELD_REST).nanos()
}

/// What every shield answers at once, and which is about nothing.
fn question(shield: &Origin) -> Call {
    let head = Request::get("/").header(HOST, shield.place.host_field()).body(());
    Call { head: head.expect("a host and a port are a value").into_parts().0, upload: Upload::Nothing }
}
