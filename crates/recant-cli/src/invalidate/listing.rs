//! All tenants of a distribution.
//!
//! Listed before the first of them is invalidated: a tenant that is made later begins with an empty cache, and a list that is complete is the
//! condition for saying that all were invalidated.

use std::collections::HashSet;
use std::time::Duration;

use recant_wire::document::{Document, Members};

use super::batch::counted;
use super::refusal::{self, Refusal};
use super::tenant::Tenant;
use super::{operation, say};
use crate::call::Caller;
use crate::environment::Environment;
use crate::error::Error;
use crate::retry::Retry;

/// Tenants of one run.
const TENANTS_MAX: usize = 1_000_000;
/// Pages in a row that may be empty, as those that are filtered after they were cut.
const EMPTY_PAGES_MAX: usize = 100;
/// The first pause before it is said how far the listing is.
const LINE_PAUSE_MIN: Duration = Duration::from_secs(2);

/// Lists them, in the service's order.
///
/// # Errors
///
/// An error answer, other than one that tells to come back later; a listing that does not end.
pub(super) fn tenants(
    environment: &mut dyn Environment,
    caller: &mut Caller<'_>,
    distribution: &str,
    give_up_after: Duration,
) -> Result<Vec<Tenant>, Error> {
    let filter = Document::structure([("DistributionId", Document::from(distribution))]);
    let mut input: Members = [("AssociationFilter", filter)].into_iter().collect();
    let mut found = Vec::new();
    // What is made or removed meanwhile may shift a tenant to the next page.
    let mut seen = HashSet::new();
    let mut empty_pages = 0;
    let mut marker = None;
    let began = environment.monotonic();
    let mut next_line = began + LINE_PAUSE_MIN;
    loop {
        let page = page(environment, caller, &input, marker.is_some(), give_up_after)?;
        let now = environment.monotonic();
        if now >= next_line {
            say(environment, &format!("{} listed so far", counted(found.len(), "tenant")));
            // After twice the time.
            next_line = now + (now - began);
        }
        let summaries = page.get("DistributionTenantList").and_then(Document::as_list).unwrap_or_default();
        for summary in summaries {
            let text = |name| summary.get(name).and_then(Document::as_str).map(str::to_owned);
            let id = text("Id").ok_or_else(|| Error::general("the answer lists a tenant without an id"))?;
            if seen.insert(id.clone()) {
                found.push(Tenant::new(id, text("Name")));
            }
        }
        empty_pages = if summaries.is_empty() { empty_pages + 1 } else { 0 };
        if found.len() > TENANTS_MAX {
            return Err(Error::general(format!(
                "'{distribution}' has more than {TENANTS_MAX} tenants, which are too many for one run"
            )));
        }
        let next = page.get("NextMarker").and_then(Document::as_str).filter(|next| !next.is_empty());
        match next {
            None => return Ok(found),
            Some(next) if marker.as_deref() == Some(next) => {
                return Err(Error::general("the list of tenants does not end: the same page is named again"));
            }
            Some(_) if empty_pages > EMPTY_PAGES_MAX => {
                return Err(Error::general(format!(
                    "the list of tenants does not end: {empty_pages} pages in a row are empty"
                )));
            }
            Some(next) => {
                marker = Some(next.to_owned());
                input.insert("Marker", next);
            }
        }
    }
}

/// Asks for a page until it comes: the pages of many tenants are many calls, which meet what any others meet. An endpoint that has not answered once
/// gets the attempts of any other command.
fn page(
    environment: &mut dyn Environment,
    caller: &mut Caller<'_>,
    input: &Members,
    has_answered: bool,
    give_up_after: Duration,
) -> Result<Document, Error> {
    let began = environment.monotonic();
    let mut attempt = caller.attempts_max();
    loop {
        let error = match caller.call(environment, operation("ListDistributionTenants"), input) {
            Ok(page) => return Ok(page),
            Err(error) => error,
        };
        let reason = match &error {
            Error::Service { code, .. } if refusal::is_expiry(code) && caller.renew(environment)? => continue,
            Error::Service { code, reached_max_retries, .. }
                if reached_max_retries.is_some() || Refusal::of(400, code) == Refusal::Throttled =>
            {
                code.clone()
            }
            Error::NoAnswer { message, is_transient: true } if has_answered => message.clone(),
            _ => return Err(error),
        };
        if environment.monotonic().saturating_sub(began) >= give_up_after {
            return Err(error);
        }
        if attempt == caller.attempts_max() {
            say(environment, &format!("the list of tenants is held up: {reason}"));
        }
        let random = environment.random();
        environment.sleep(Retry::pause(attempt, 0.5 + random / 2.0));
        attempt = attempt.saturating_add(1);
    }
}
