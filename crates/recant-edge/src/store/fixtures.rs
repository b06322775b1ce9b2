//! Keys and facts as a plain configuration leads to them: for tests and for measuring.

use std::time::Duration;

use http::{HeaderMap, StatusCode};

use recant_core::cache_key::{CacheKey, CachedMethod, KeyedRequest};
use recant_core::cache_policy::managed;
use recant_core::freshness::Terms;
use recant_core::id::{DistributionId, TenantId};
use recant_core::match_uri::MatchUri;
use recant_core::position::{Era, Position, Stamp};
use recant_core::spec::{BehaviorSpec, DistributionSpec, TenantSpec};
use recant_core::time::WallTime;
use recant_core::vary::Selecting;

use super::Facts;

/// The managed policy `CachingOptimized`.
pub(crate) const OPTIMIZED: &str = "658327ea-f89d-4fab-a63d-7e88639e58f6";

/// The distribution of all tenants here.
pub(crate) fn distribution() -> DistributionSpec {
    let id = DistributionId::parse("E1").expect("an id");
    DistributionSpec::new(id, Vec::new(), BehaviorSpec::new("o", OPTIMIZED))
}

/// A tenant of this id.
pub(crate) fn tenant(id: &str) -> TenantSpec {
    TenantSpec {
        id: TenantId::parse(id).expect("an id"),
        distribution_id: distribution().id,
        enabled: true,
        domains: vec![format!("{id}.test")],
        parameters: Default::default(),
        geo: None,
    }
}

/// The key of a plain `GET`.
pub(crate) fn key(tenant: &TenantSpec, path: &str) -> CacheKey {
    let (distribution, headers) = (distribution(), HeaderMap::new());
    let policy = managed(OPTIMIZED).expect("managed");
    KeyedRequest::new(tenant, &distribution, policy, CachedMethod::Get, path, None, &headers).key
}

/// A response without fields, fresh for a minute.
pub(crate) fn facts(tenant: &TenantSpec, path: &str, position: Position) -> Facts {
    Facts {
        tenant: tenant.id.clone(),
        stamp: Stamp { era: Era::default(), position },
        uris: vec![MatchUri::of(path, None)],
        tags: Vec::new(),
        status: StatusCode::OK,
        headers: HeaderMap::new(),
        terms: Terms { lifetime: Duration::from_secs(60), ..Terms::default() },
        response_time: WallTime::from_millis(0),
        selecting: Selecting::default(),
        is_coded_here: false,
    }
}
