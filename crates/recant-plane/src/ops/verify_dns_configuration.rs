//! `VerifyDnsConfiguration`: whether a tenant's domains point to its connection group's routing endpoint.
//!
//! Each domain and the endpoint are looked up with this machine's resolver; a domain is right when it has an address of the
//! endpoint's, by whatever chain of names. A wildcard is looked up by a name that it covers. Without look-ups
//! (`--verify-dns off`), and where the endpoint itself has no address, nothing is known, and the answer says so.

use recant_core::host::Domain;
use recant_wire::document::Document;

use super::output::{list, structure, text};
use super::{Context, connection_groups, get_distribution_tenant, input, refused, shapes};
use crate::dns::{Lookup, Verdict, verdict};
use crate::error::{ApiError, excerpt};
use crate::store::{ResourceKey, Store};

pub(super) async fn run<S: Store>(context: &Context<S>, input: &Document) -> Result<Document, ApiError> {
    let arn_start = shapes::arn(context.store.identity(), "distribution-tenant", "");
    let key = get_distribution_tenant::key(input::text(input, "Identifier"), &arn_start)?;
    let tenant = context.store.tenant(key).await?.ok_or_else(refused::no_such_tenant)?.record;
    let domains = match input::optional_text(input, "Domain") {
        None => tenant.spec.domains,
        Some(given) => vec![own_domain(given, &tenant.spec.domains)?],
    };
    let group = ResourceKey::Id(tenant.connection_group_id.into());
    let endpoint =
        connection_groups::endpoint(context, &connection_groups::find(context, group).await?.record);

    let of_endpoint = context.dns.clone().addresses(endpoint.clone()).await;
    let lookups: Vec<_> = domains
        .iter()
        .map(|domain| tokio::spawn(context.dns.clone().addresses(name_covered(domain))))
        .collect();
    let mut judged = Vec::with_capacity(domains.len());
    for (domain, lookup) in domains.iter().zip(lookups) {
        let found = lookup.await.unwrap_or(Lookup::Failed("the look-up was given up".to_owned()));
        judged.push(shape(domain, &endpoint, verdict(&found, &of_endpoint)));
    }
    Ok(structure([("DnsConfigurationList", list(judged))]))
}

fn own_domain(given: &str, domains: &[String]) -> Result<String, ApiError> {
    let domain = Domain::parse(given)
        .map_err(|why| ApiError::InvalidArgument(format!("Domain: '{}': {why}.", excerpt(given))))?;
    domains.iter().find(|own| *own == domain.as_str()).cloned().ok_or_else(|| {
        ApiError::EntityNotFound("The distribution tenant does not have the specified domain.".into())
    })
}

/// The name to look up for a domain: for a wildcard one that nobody is likely to have a record of its own for.
fn name_covered(domain: &str) -> String {
    domain.strip_prefix('*').map_or_else(|| domain.to_owned(), |rest| format!("recant-dns-check{rest}"))
}

fn shape(domain: &str, endpoint: &str, verdict: Verdict) -> Document {
    let (status, reason) = match verdict {
        Verdict::Valid => ("valid-configuration", None),
        Verdict::Elsewhere => (
            "invalid-configuration",
            Some(format!("It has no address of the routing endpoint's, {endpoint}.")),
        ),
        Verdict::Nowhere(why) => ("invalid-configuration", Some(format!("It has no address: {why}."))),
        Verdict::EndpointNowhere(why) => {
            ("unknown-configuration", Some(format!("The routing endpoint {endpoint} has no address: {why}.")))
        }
        Verdict::NotAsked => ("unknown-configuration", Some("This plane looks no names up.".to_owned())),
    };
    structure([("Domain", text(domain)), ("Status", text(status)), ("Reason", reason.and_then(text))])
}
