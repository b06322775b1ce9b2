//! Which tenant is meant: an id, an ARN, a name or a domain becomes an id.
//!
//! An id costs no call: the create itself will say if there is none. A name may look like a domain, so names are asked for first.

use recant_wire::document::{Document, Members};

use super::operation;
use crate::call::Caller;
use crate::environment::Environment;
use crate::error::Error;

/// More pages than this are not walked in search of a domain: a service that always names a next one would be asked for ever.
const PAGES_MAX: usize = 10_000;

/// Finds the tenant's id.
///
/// # Errors
///
/// When there is no such tenant, or an answer was an error.
pub(super) fn resolve(
    environment: &mut dyn Environment,
    caller: &mut Caller<'_>,
    target: &str,
) -> Result<String, Error> {
    let last = target.rsplit('/').next().unwrap_or(target);
    if last.starts_with("dt_") && (last == target || target.starts_with("arn:")) {
        return Ok(last.to_owned());
    }
    let asked = [("GetDistributionTenant", "Identifier"), ("GetDistributionTenantByDomain", "Domain")];
    for (name, member) in asked {
        // A domain has a dot.
        if member == "Domain" && !target.contains('.') {
            continue;
        }
        let input: Members = [(member, Document::from(target))].into_iter().collect();
        match caller.call(environment, operation(name), &input) {
            Ok(result) => return id_of(&result),
            Err(Error::Service { code, .. }) if code == "NotImplemented" => {
                if let Some(id) = by_listing(environment, caller, target)? {
                    return Ok(id);
                }
            }
            Err(Error::Service { code, .. })
                if matches!(code.as_str(), "EntityNotFound" | "InvalidArgument") => {}
            Err(other) => return Err(other),
        }
    }
    let hint = if looks_like_a_distribution(target) {
        ". It looks like a distribution; all tenants of one cannot be invalidated at once yet"
    } else {
        ""
    };
    Err(Error::general(format!("no tenant has the id, name or domain '{target}'{hint}")))
}

fn id_of(result: &Document) -> Result<String, Error> {
    let id = result.get("DistributionTenant").and_then(|tenant| tenant.get("Id")).and_then(Document::as_str);
    id.map(str::to_owned).ok_or_else(|| Error::general("the answer names no tenant"))
}

/// Looks through all tenants for the domain, where the service cannot be asked for it.
fn by_listing(
    environment: &mut dyn Environment,
    caller: &mut Caller<'_>,
    domain: &str,
) -> Result<Option<String>, Error> {
    let mut input = Members::new();
    for _ in 0..PAGES_MAX {
        let page = caller.call(environment, operation("ListDistributionTenants"), &input)?;
        let tenants = page.get("DistributionTenantList").and_then(Document::as_list).unwrap_or_default();
        if let Some(tenant) = tenants.iter().find(|tenant| has_domain(tenant, domain)) {
            return Ok(tenant.get("Id").and_then(Document::as_str).map(str::to_owned));
        }
        match page.get("NextMarker").and_then(Document::as_str).filter(|marker| !marker.is_empty()) {
            Some(marker) => input.insert("Marker", marker),
            None => return Ok(None),
        };
    }
    Err(Error::general(format!("'{domain}' was not found in {PAGES_MAX} pages of tenants")))
}

fn has_domain(tenant: &Document, domain: &str) -> bool {
    let domains = tenant.get("Domains").and_then(Document::as_list).unwrap_or_default();
    let names = domains.iter().filter_map(|domain| domain.get("Domain").and_then(Document::as_str));
    names.into_iter().any(|name| name.eq_ignore_ascii_case(domain))
}

/// `E` and about 13 capitals and digits.
fn looks_like_a_distribution(target: &str) -> bool {
    let id = target.rsplit('/').next().unwrap_or(target);
    id.starts_with('E')
        && id.len() >= 10
        && id.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}
