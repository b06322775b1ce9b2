//! Responses on the disk, looked at with the rules of one moment.

use std::collections::HashMap;
use std::sync::Arc;

use recant_core::id::TenantId;
use recant_core::position::{Position, Stamp};
use recant_core::rules::Rules;

use super::record::ResponseHead;
use crate::world::World;

/// The rules, as far as they have been asked for.
pub(super) struct Judge {
    world: Arc<World>,
    /// They are complete at least up to here: what is asked for is loaded after this was read.
    pub(super) looked: Stamp,
    rules: HashMap<TenantId, TenantRules>,
}

/// A tenant's own, and those for all tenants of its distribution; none, where there is no such tenant.
type TenantRules = Option<(Arc<Rules>, Arc<Rules>)>;

/// What a response is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    /// No rule matches, as far as was looked.
    Valid { tenant: TenantId },
    /// This rule has taken it away.
    Dead { tenant: TenantId, rule: Position },
    /// Nobody can ask for it any more.
    Nobodys,
}

impl Judge {
    /// With the rules from now on.
    pub(super) fn now(world: &Arc<World>) -> Self {
        Self { world: world.clone(), looked: world.stamp(), rules: HashMap::new() }
    }

    /// The newest rule of any kind that may concern this tenant's; none, where there is no such tenant.
    pub(super) fn newest(&mut self, tenant: &TenantId) -> Option<Position> {
        let (own, all) = self.rules_of(tenant).as_ref()?;
        Some(own.newest().max(all.newest()))
    }

    /// What is known to be valid up to this position.
    pub(super) fn judge(&mut self, head: &ResponseHead, valid: Position) -> Judgement {
        let tenant = std::str::from_utf8(head.key.tenant()).ok();
        let Some(tenant) = tenant.and_then(|tenant| TenantId::parse(tenant).ok()) else {
            return Judgement::Nobodys;
        };
        let Some((own, all)) = self.rules_of(&tenant) else { return Judgement::Nobodys };
        if valid >= own.newest().max(all.newest()) {
            return Judgement::Valid { tenant };
        }
        let rule = head.newest_of([own, all]);
        if valid >= rule { Judgement::Valid { tenant } } else { Judgement::Dead { tenant, rule } }
    }

    fn rules_of(&mut self, tenant: &TenantId) -> &TenantRules {
        let Self { world, rules, .. } = self;
        rules.entry(tenant.clone()).or_insert_with(|| world.rules_of(tenant))
    }
}
