//! What a caller may do, and how often: asked once who asks is known, and noted.
//!
//! ```text
//!   caller ─▶ the key's rate ─▶ policy over every thing named ─▶ audit log ─▶ the tenant's rate ─▶ the operation
//! ```
//!
//! A decision is put into the audit log before what it allows is begun; since the store writes in order, it is on disk no later than what
//! the operation changes.
//!
//! Who is not let in is noted as well, but not each time: knowing a key's id, or nothing at all, must not be enough to push everybody
//! else's records out. Of each key, and of all strangers together, some refusals are noted at once and then one a minute, which says
//! how many there were beside it. They do not count against the key's rate either: a stranger could use it up for its holder.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

use http::Method;
use recant_core::access::{Access, Denial};
use recant_core::audit::{AuditRecord, Verdict};
use recant_core::limits::{AUDIT_REFUSAL_INTERVAL, AUDIT_REFUSALS_BURST, ID_BYTES_MAX};
use recant_core::rate::{Limiter, Rate};
use recant_core::time::BootTime;
use recant_wire::sigv4::AuthError;

use crate::auth::{Caller, Claimant};
use crate::clock;
use crate::error::ApiError;
use crate::ops::resources::{Need, Subject};
use crate::store::{Store, StoreError};

/// What is put into the audit log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum AuditLevel {
    /// Nothing.
    Off,
    /// What changes something, and what is denied.
    #[default]
    Changes,
    /// Everything.
    All,
}

impl FromStr for AuditLevel {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "off" => Ok(Self::Off),
            "changes" => Ok(Self::Changes),
            "all" => Ok(Self::All),
            _ => Err("off, changes or all is expected"),
        }
    }
}

/// How often somebody may ask, and what is noted of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdmissionOptions {
    /// Requests of one key; without, as many as there are.
    pub key_rate: Option<Rate>,
    /// Requests about one tenant, or on one distribution; without, as many as there are.
    pub tenant_rate: Option<Rate>,
    /// What is put into the audit log.
    pub audit: AuditLevel,
    /// How many records of the audit log are kept.
    pub audit_records_max: u64,
}

impl Default for AdmissionOptions {
    fn default() -> Self {
        Self {
            key_rate: None,
            tenant_rate: None,
            audit: AuditLevel::default(),
            audit_records_max: recant_core::limits::AUDIT_RECORDS_DEFAULT,
        }
    }
}

/// The gate that callers pass once they are known.
pub(crate) struct Admission {
    options: AdmissionOptions,
    /// Counted by the key's id. Locked to count one request.
    keys: Option<Mutex<Limiter<String>>>,
    /// Counted by the ARN of the tenant or distribution. Locked to count one request.
    tenants: Option<Mutex<Limiter<String>>>,
    refusals: Refusals,
}

/// Which refusals are worth a record: by key, and those of strangers as if they were one.
/// Locked to count one.
struct Refusals(Mutex<Counted>);

struct Counted {
    limiter: Limiter<Option<String>>,
    /// Those since the last that was noted; as many entries as there are keys, and one.
    left_out: HashMap<Option<String>, u64>,
}

impl Refusals {
    fn new() -> Self {
        let limiter = Limiter::every(AUDIT_REFUSAL_INTERVAL, AUDIT_REFUSALS_BURST);
        Self(Mutex::new(Counted { limiter, left_out: HashMap::new() }))
    }

    /// Counts one. If it is to be noted, how many were left out before it.
    fn count(&self, who: Option<String>, now: BootTime) -> Option<u64> {
        let mut guard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let counted = &mut *guard;
        if counted.limiter.count(&who, now).is_ok() {
            return Some(counted.left_out.remove(&who).unwrap_or_default());
        }
        *counted.left_out.entry(who).or_default() += 1;
        None
    }
}

/// What somebody asks for.
pub(crate) struct Asked<'a> {
    /// The request's id.
    pub(crate) request_id: &'a str,
    /// What: `cloudfront:GetDistribution`.
    pub(crate) action: &'a str,
    /// How: what does not change anything is safe (RFC 9110 section 9.2.1).
    pub(crate) method: &'a Method,
    /// About what; at least one, once that is known.
    pub(crate) subjects: &'a [Subject],
}

impl Asked<'_> {
    /// The things that it is about, each once.
    fn arns(&self) -> impl Iterator<Item = &str> {
        let earlier = |at: usize| self.subjects[..at].iter();
        let subjects = self.subjects.iter().enumerate();
        let new = subjects.filter(move |(at, it)| !earlier(*at).any(|before| before.arn == it.arn));
        new.map(|(_, it)| it.arn.as_str())
    }
}

impl Admission {
    /// A gate that has seen nobody yet.
    pub(crate) fn new(options: AdmissionOptions) -> Self {
        let limiter = |rate: Option<Rate>| rate.map(|rate| Mutex::new(Limiter::new(rate)));
        Self {
            options,
            keys: limiter(options.key_rate),
            tenants: limiter(options.tenant_rate),
            refusals: Refusals::new(),
        }
    }

    /// What it was made with.
    pub(crate) fn options(&self) -> &AdmissionOptions {
        &self.options
    }

    /// Counts one request of this caller. That it is one too many is noted as seldom as a refusal.
    ///
    /// # Errors
    /// [`ApiError::Throttling`].
    pub(crate) async fn count_caller(
        &self,
        store: &impl Store,
        caller: &Caller,
        asked: &Asked<'_>,
    ) -> Result<(), ApiError> {
        let counted = count(self.keys.as_ref(), caller.key_id().unwrap_or_default());
        if counted.is_err()
            && let Some(left_out) = self.refusals.count(caller.key_id().map(str::to_owned), clock::boot_now())
        {
            self.note(store, caller.key_id(), asked, Verdict::Throttled, left_out).await?;
        }
        counted
    }

    /// Lets the caller do it, or not; either way it is noted as the operator wants it.
    ///
    /// # Errors
    /// [`ApiError::AccessDenied`] for the first resource that the caller's policy does not allow it on,
    /// [`ApiError::Throttling`] when the tenant has been asked about too often.
    pub(crate) async fn admit(
        &self,
        store: &impl Store,
        caller: &Caller,
        asked: &Asked<'_>,
    ) -> Result<(), ApiError> {
        let denied = asked.subjects.iter().find_map(|subject| {
            let action = subject.action.unwrap_or(asked.action);
            match (caller.may(action, &subject.arn), subject.need) {
                (Access::Allowed, _) | (Access::Denied(Denial::Implicit), Need::NotDenied) => None,
                (Access::Denied(why), _) => Some((action, subject, why)),
            }
        });
        self.note(store, caller.key_id(), asked, verdict(denied.as_ref().map(|(.., why)| why)), 0).await?;
        if let Some((action, subject, why)) = denied {
            return Err(ApiError::AccessDenied {
                key: caller.to_string(),
                action: action.to_owned(),
                resource: subject.arn.clone(),
                why,
            });
        }
        let counted = asked
            .arns()
            .enumerate()
            .filter(|(at, arn)| is_one_tenant(arn) || (*at == 0 && is_one_distribution(arn)));
        counted.map(|(_, arn)| arn).try_for_each(|arn| count(self.tenants.as_ref(), arn))
    }

    /// Notes that somebody was not let in, unless there is too much of it.
    pub(crate) async fn note_not_let_in(
        &self,
        store: &impl Store,
        by: Claimant,
        asked: &Asked<'_>,
        error: &AuthError,
    ) -> Result<(), StoreError> {
        let (who, key_id) = match by {
            Claimant::Key(id) => (Some(id.clone()), Some(id)),
            Claimant::Unknown(id) => (None, looks_like_an_id(&id).then_some(id)),
            Claimant::Nobody => (None, None),
        };
        let Some(left_out) = self.refusals.count(who, clock::boot_now()) else { return Ok(()) };
        let decision = Verdict::NotAuthenticated(error.code().to_owned());
        self.note(store, key_id.as_deref(), asked, decision, left_out).await
    }

    /// Notes what the operator has done by the plane's options. Nobody signed that.
    pub(crate) async fn note_operator(
        &self,
        store: &impl Store,
        action: &str,
        resource: &str,
    ) -> Result<(), StoreError> {
        let subjects = [Subject::of(resource.to_owned())];
        let asked = Asked { request_id: "apply", action, method: &Method::POST, subjects: &subjects };
        self.note(store, None, &asked, Verdict::Allowed, 0).await
    }

    async fn note(
        &self,
        store: &impl Store,
        key_id: Option<&str>,
        asked: &Asked<'_>,
        decision: Verdict,
        left_out: u64,
    ) -> Result<(), StoreError> {
        let is_change = !asked.method.is_safe();
        let is_wanted = match self.options.audit {
            AuditLevel::Off => false,
            AuditLevel::Changes => is_change || decision != Verdict::Allowed,
            AuditLevel::All => true,
        };
        if !is_wanted {
            return Ok(());
        }
        let record = AuditRecord {
            time: clock::wall_now(),
            request_id: asked.request_id.to_owned(),
            access_key_id: key_id.map(str::to_owned),
            action: asked.action.to_owned(),
            resources: asked.arns().map(str::to_owned).collect(),
            decision,
            left_out,
        };
        store.note(record, self.options.audit_records_max).await
    }
}

/// Whether a stranger's text could be the id of a key, and not something that he did not mean to show, as its secret.
fn looks_like_an_id(text: &str) -> bool {
    text.len() <= ID_BYTES_MAX && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

/// Whether this is the ARN of one tenant, and not that of whichever is made next.
fn is_one_tenant(resource: &str) -> bool {
    resource.contains(":distribution-tenant/") && !resource.ends_with("/*")
}

/// The same of a distribution, which may be its own only tenant. Where it is not what a request is on, its tenants' requests name it.
fn is_one_distribution(resource: &str) -> bool {
    resource.contains(":distribution/") && !resource.ends_with("/*")
}

fn verdict(denial: Option<&Denial>) -> Verdict {
    denial.map_or(Verdict::Allowed, |why| Verdict::from(&Access::Denied(why.clone())))
}

fn count(limiter: Option<&Mutex<Limiter<String>>>, who: &str) -> Result<(), ApiError> {
    let Some(limiter) = limiter else { return Ok(()) };
    let mut limiter = limiter.lock().unwrap_or_else(PoisonError::into_inner);
    limiter.count(&who.to_owned(), clock::boot_now()).map_err(ApiError::Throttling)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_refusals_is_told_in_a_few_records_that_say_how_many_there_were() {
        let refusals = Refusals::new();
        let at = |seconds: u64| BootTime::from_nanos(seconds * 1_000_000_000);
        let who = || Some("AKIA1".to_owned());
        let noted = (0..5_000).filter(|_| refusals.count(who(), at(100)).is_some()).count();
        assert_eq!(noted, AUDIT_REFUSALS_BURST as usize);
        // Nobody else's are left out for it.
        assert_eq!(refusals.count(Some("AKIA2".to_owned()), at(100)), Some(0));
        assert_eq!(refusals.count(None, at(100)), Some(0));
        assert_eq!(refusals.count(who(), at(160)), Some(5_000 - u64::from(AUDIT_REFUSALS_BURST)));
        assert_eq!(refusals.count(who(), at(160)), None);
        assert_eq!(refusals.count(who(), at(220)), Some(1));
    }
}
