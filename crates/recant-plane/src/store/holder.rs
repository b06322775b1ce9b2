//! What can have domains: a tenant, or a distribution without tenants.

use recant_core::id::ETag;
use recant_core::limits::{ALIASES_PER_DISTRIBUTION_MAX, DOMAINS_PER_TENANT_MAX};
use recant_core::time::WallTime;
use serde_json::json;

use super::command::Refusal;
use super::records::{DistributionRecord, TenantRecord};

/// See the module.
#[derive(Clone, Debug)]
pub(super) enum Holder {
    Tenant(Box<TenantRecord>),
    Distribution(Box<DistributionRecord>),
}

impl Holder {
    /// The entity tag of its configuration.
    pub(super) fn etag(&self) -> &ETag {
        match self {
            Self::Tenant(tenant) => &tenant.etag,
            Self::Distribution(distribution) => &distribution.etag,
        }
    }

    /// Whether it serves, as far as its own configuration says.
    pub(super) fn is_enabled(&self) -> bool {
        match self {
            Self::Tenant(tenant) => tenant.spec.enabled,
            Self::Distribution(distribution) => distribution.spec.enabled,
        }
    }

    /// Takes a domain from it, which makes it another configuration.
    ///
    /// # Errors
    /// [`Refusal::NoSuchDomain`] for a distribution's own endpoint, which nobody else can have.
    pub(super) fn give_up(&mut self, domain: &str, etag: &ETag, now: WallTime) -> Result<(), Refusal> {
        if self.endpoint() == Some(domain) {
            return Err(Refusal::NoSuchDomain);
        }
        self.change(etag, now, |names, _| {
            let before = names.len();
            names.retain(|name| name != domain);
            if names.len() < before { Ok(()) } else { Err(Refusal::NoSuchDomain) }
        })
    }

    /// Gives it a domain, which makes it another configuration.
    ///
    /// # Errors
    /// [`Refusal::TooManyDomains`], and [`Refusal::HasTenants`] for a distribution with tenants.
    pub(super) fn take(&mut self, domain: &str, etag: &ETag, now: WallTime) -> Result<(), Refusal> {
        self.change(etag, now, |names, names_max| {
            if names.len() >= names_max {
                return Err(Refusal::TooManyDomains);
            }
            names.push(domain.to_owned());
            Ok(())
        })
    }

    /// What it is reached at besides.
    fn endpoint(&self) -> Option<&str> {
        match self {
            Self::Tenant(_) => None,
            Self::Distribution(distribution) => distribution.spec.direct.as_ref().map(|it| &*it.endpoint),
        }
    }

    /// Changes the domains that can be changed, of which there is a greatest number.
    fn change(
        &mut self,
        etag: &ETag,
        now: WallTime,
        change: impl FnOnce(&mut Vec<String>, usize) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        match self {
            Self::Tenant(tenant) => {
                change(&mut tenant.spec.domains, DOMAINS_PER_TENANT_MAX)?;
                (tenant.etag, tenant.modified) = (etag.clone(), now);
            }
            Self::Distribution(distribution) => {
                let direct = distribution.spec.direct.as_mut().ok_or(Refusal::HasTenants)?;
                change(&mut direct.aliases, ALIASES_PER_DISTRIBUTION_MAX)?;
                distribution.config["Aliases"] =
                    json!({ "Quantity": direct.aliases.len(), "Items": direct.aliases });
                (distribution.etag, distribution.modified) = (etag.clone(), now);
            }
        }
        Ok(())
    }
}
