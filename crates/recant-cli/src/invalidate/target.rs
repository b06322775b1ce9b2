//! What is meant: a tenant's id, ARN, name or domain becomes the tenant's id, a distribution's id or ARN the distribution's.
//!
//! Which of the two is said by `--all-tenants` or `--distribution`, never guessed: a tenant may be named like a distribution. A tenant's id costs no call: the
//! create itself will say if there is none. What has a dot is most likely a domain, and is asked for as one first; it may be a name too.

use recant_wire::document::{Document, Members};

use super::operation;
use crate::call::Caller;
use crate::environment::Environment;
use crate::error::Error;

/// More pages than this are not walked in search of a domain: a service that always names a next one would be asked for ever.
const PAGES_MAX: usize = 10_000;

/// What a command says to whoever names a distribution where a tenant is wanted.
#[derive(Debug)]
pub(crate) struct Hint {
    /// What to do about a distribution's id or ARN.
    pub distribution: &'static str,
    /// What to do about a domain that may be a distribution's.
    pub domain: Option<&'static str>,
}

/// Finds the tenant's id.
///
/// # Errors
///
/// When there is no such tenant, or an answer was an error.
pub(crate) fn tenant(
    environment: &mut dyn Environment,
    caller: &mut Caller<'_>,
    target: &str,
    hint: &Hint,
) -> Result<String, Error> {
    match resource_of_arn(target)? {
        Some(("distribution-tenant", id)) => return Ok(id.to_owned()),
        Some(("distribution", id)) => {
            return Err(Error::Parameter(format!("'{id}' is a distribution: {}", hint.distribution)));
        }
        Some((other, _)) => {
            return Err(Error::Parameter(format!("'{target}' is the ARN of a {other}, not of a tenant")));
        }
        None if target.starts_with("dt_") => return Ok(target.to_owned()),
        None => {}
    }
    let by_domain = target.contains('.').then_some(("GetDistributionTenantByDomain", "Domain"));
    for (name, member) in by_domain.into_iter().chain([("GetDistributionTenant", "Identifier")]) {
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
    let message = format!("no tenant has the id, name or domain '{target}'");
    if looks_like_a_distribution(target) {
        return Err(Error::Parameter(format!(
            "{message}. It looks like a distribution's id; if so, {}",
            hint.distribution
        )));
    }
    match hint.domain.filter(|_| target.contains('.')) {
        Some(domain) => Err(Error::general(format!("{message}; {domain}"))),
        None => Err(Error::general(message)),
    }
}

/// Reads the distribution's id, for `--all-tenants` and `--distribution`. No call is made: the next one will say if there is none.
///
/// # Errors
///
/// What cannot be a distribution's id or ARN.
pub(crate) fn distribution(target: &str) -> Result<String, Error> {
    let not = |what: &str| {
        Error::Parameter(format!(
            "the id or ARN of a distribution is wanted; '{target}' is {what}. For one tenant leave --all-tenants and --distribution out"
        ))
    };
    match resource_of_arn(target)? {
        Some(("distribution", id)) => Ok(id.to_owned()),
        Some((other, _)) => Err(not(&format!("the ARN of a {other}"))),
        None if target.starts_with("dt_") => Err(not("a tenant's id")),
        None if target.bytes().all(|byte| byte.is_ascii_alphanumeric()) => Ok(target.to_owned()),
        None => Err(not("neither")),
    }
}

/// Whether a distribution has tenants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tenancy {
    /// It has none, and can get none.
    Never,
    /// It may have some.
    Possible,
    /// Nobody says it: whoever invalidates need not be allowed to look.
    Unknown,
}

/// Asks for a distribution's `ConnectionMode`.
pub(super) fn tenancy(
    environment: &mut dyn Environment,
    caller: &mut Caller<'_>,
    distribution: &str,
) -> Tenancy {
    let input: Members = [("Id", Document::from(distribution))].into_iter().collect();
    let Ok(answer) = caller.call(environment, operation("GetDistribution"), &input) else {
        return Tenancy::Unknown;
    };
    let config = answer.get("Distribution").and_then(|distribution| distribution.get("DistributionConfig"));
    match config.map(|config| config.get("ConnectionMode").and_then(Document::as_str)) {
        // DistributionConfig, ConnectionMode: one that is not named is direct.
        Some(None | Some("direct")) => Tenancy::Never,
        Some(Some("tenant-only")) => Tenancy::Possible,
        Some(Some(_)) | None => Tenancy::Unknown,
    }
}

/// Kind and id of the resource that an ARN names: `arn:PARTITION:cloudfront::ACCOUNT:KIND/ID`.
fn resource_of_arn(target: &str) -> Result<Option<(&str, &str)>, Error> {
    if !target.starts_with("arn:") {
        return Ok(None);
    }
    let resource = target.splitn(6, ':').nth(5).and_then(|resource| resource.split_once('/'));
    match resource.filter(|(kind, id)| !kind.is_empty() && !id.is_empty() && !id.contains('/')) {
        Some(found) => Ok(Some(found)),
        None => Err(Error::Parameter(format!("'{target}' is not the ARN of a tenant or a distribution"))),
    }
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
    target.starts_with('E')
        && target.len() >= 10
        && target.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distribution_is_an_id_or_an_arn() {
        let check = |target: &str, want: Result<&str, &str>| match (distribution(target), want) {
            (Ok(id), Ok(want)) => assert_eq!(id, want, "{target}"),
            (Err(error), Err(want)) => assert!(error.to_string().contains(want), "{target}: {error}"),
            (got, want) => panic!("{target}: {got:?}, not {want:?}"),
        };
        check("E1ABCDEFGHIJKL", Ok("E1ABCDEFGHIJKL"));
        check("arn:aws:cloudfront::123456789012:distribution/E1A", Ok("E1A"));
        check("arn:aws:cloudfront::1:distribution-tenant/dt_1", Err("the ARN of a distribution-tenant"));
        check("dt_1", Err("a tenant's id"));
        check("one.example", Err("neither"));
        check("arn:aws:cloudfront::1:distribution/", Err("is not the ARN of"));
        check("arn:aws:cloudfront", Err("is not the ARN of"));
    }
}
