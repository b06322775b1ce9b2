//! What a run is about: tenants, or a distribution that has none. The operations are two families that differ in names only.

use super::options::Whose;

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Distribution tenants.
    Tenant,
    /// A distribution without tenants.
    Distribution,
}

impl Kind {
    /// That of a line's target.
    pub(super) fn of(whose: Whose) -> Self {
        match whose {
            Whose::Tenant | Whose::AllTenants => Self::Tenant,
            Whose::Distribution => Self::Distribution,
        }
    }

    /// The operation that creates an invalidation.
    pub(super) fn create(self) -> &'static str {
        match self {
            Self::Tenant => "CreateInvalidationForDistributionTenant",
            Self::Distribution => "CreateInvalidation",
        }
    }

    /// Its member that names whose.
    pub(super) fn create_member(self) -> &'static str {
        match self {
            Self::Tenant => "Id",
            Self::Distribution => "DistributionId",
        }
    }

    /// The option that this member is.
    pub(super) fn create_option(self) -> &'static str {
        match self {
            Self::Tenant => "--id",
            Self::Distribution => "--distribution-id",
        }
    }

    /// The operation that shows an invalidation.
    pub(super) fn get(self) -> &'static str {
        match self {
            Self::Tenant => "GetInvalidationForDistributionTenant",
            Self::Distribution => "GetInvalidation",
        }
    }

    /// Its member that names whose, and that of a result.
    pub(super) fn member(self) -> &'static str {
        match self {
            Self::Tenant => "DistributionTenantId",
            Self::Distribution => "DistributionId",
        }
    }

    /// The segment of our own paths.
    pub(super) fn segment(self) -> &'static str {
        match self {
            Self::Tenant => "distribution-tenants",
            Self::Distribution => "distributions",
        }
    }

    /// The word for it.
    pub(super) fn noun(self) -> &'static str {
        match self {
            Self::Tenant => "tenant",
            Self::Distribution => "distribution",
        }
    }
}
