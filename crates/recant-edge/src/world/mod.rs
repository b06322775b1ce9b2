//! What the log has told this edge, in the form in which viewers' requests read it.
//!
//! The follower is the only writer: it folds each entry of the log in with [`World::apply`], and publishes what
//! its half of the protocol knows with [`World::publish_view`]. Every request reads, after its head is complete
//! and never from anything kept between requests: the [`EdgeView`], the tenant of its host, the tenant's
//! distribution, the rules of both.
//!
//! What this module does not do: talk to the plane, decide about leases, hold stored responses.
//!
//! # Why a stamp is the lesser of two positions
//!
//! PURGE.md rule 4 stamps with the highest position *known committed*. That may be ahead of what this edge has
//! *applied*. A request in between still uses the old configuration: it may ask an origin that the tenant has
//! just turned away from, and with the newer stamp its bytes would outlive the invalidation that followed the
//! change. So [`World::stamp`] is the lesser of the two. An older stamp only ever over-invalidates, and the
//! difference lasts as long as an entry takes to arrive (docs/design/0003-stamps-and-configuration.md).

mod sharded;
mod slot;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::{ArcSwap, ArcSwapOption};
use tokio::sync::watch;

use recant_core::entry::{Change, HistoryId, Scope};
use recant_core::host::Host;
use recant_core::id::{DistributionId, TenantId};
use recant_core::lookup::EdgeView;
use recant_core::position::{Era, Position, Stamp};
use recant_core::rules::Rules;
use recant_core::spec::{DistributionSpec, TenantSpec};

use crate::shield::LogPlace;
use sharded::Sharded;
pub(crate) use slot::{DistributionSlot, TenantSlot};

/// The fold of the log, as viewers' requests read it. See the module.
#[derive(Debug)]
pub struct World {
    tables: ArcSwap<Tables>,
    view: ArcSwap<EdgeView>,
    /// How far the tables have come, and in which era.
    applied: ArcSwap<Stamp>,
    /// Whether the log has told anything at all.
    is_told: AtomicBool,
    /// Which history the era is of that it was last known of.
    followed: ArcSwapOption<(Era, HistoryId)>,
    /// Counts what the log has brought.
    changes: watch::Sender<u64>,
    /// Held by the one that changes the tables, so that changes are made one after the other.
    writer: Mutex<()>,
}

/// What a world was told, of one moment: who there is, each with its rules.
#[derive(Clone, Debug, Default)]
pub(crate) struct Captured {
    pub(crate) distributions: Vec<(Arc<DistributionSpec>, Rules)>,
    pub(crate) tenants: Vec<(Arc<TenantSpec>, Rules)>,
}

#[derive(Debug, Default)]
struct Tables {
    /// A domain, exact or `*.` and the rest, to the tenant that answers to it.
    hosts: Sharded<Box<str>, Arc<TenantSlot>>,
    tenants: Sharded<TenantId, Arc<TenantSlot>>,
    distributions: Sharded<DistributionId, Arc<DistributionSlot>>,
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

impl World {
    /// A world that knows nothing: no tenant, no lease.
    pub fn new() -> Self {
        let view = EdgeView { lease_until: None, era: Era::default(), known_committed: Position::ZERO };
        Self {
            tables: ArcSwap::default(),
            view: ArcSwap::from_pointee(view),
            applied: ArcSwap::from_pointee(view.stamp()),
            is_told: AtomicBool::new(false),
            followed: ArcSwapOption::empty(),
            changes: watch::Sender::new(0),
            writer: Mutex::new(()),
        }
    }

    /// Makes this what every request sees that arrives from now on.
    pub fn publish_view(&self, view: EdgeView) {
        self.view.store(Arc::new(view));
    }

    /// What was published last.
    pub fn view(&self) -> EdgeView {
        **self.view.load()
    }

    /// Folds one entry of the log in. When this returns, every request that arrives sees it.
    pub fn apply(&self, change: &Change, at: Position) {
        let _writer = self.writer();
        let tables = self.tables.load();
        match change {
            Change::PutDistribution(spec) => tables.put_distribution(spec.clone(), at),
            Change::PutTenant(spec) => tables.put_tenant(spec.clone(), at),
            Change::RemoveTenant(id) => tables.remove_tenant(id),
            Change::RemoveDistribution(id) => tables.remove_distribution(id),
            Change::Invalidate { scope, patterns } => tables.change_rules(scope, |rules| {
                for pattern in patterns {
                    rules.insert(pattern, at);
                }
            }),
        }
        self.applied_up_to(at);
    }

    /// Folds an entry in that cannot be understood, is damaged or withheld: nothing of its scope that was
    /// fetched before it is served any more.
    pub fn raise_floor(&self, scope: &Scope, at: Position) {
        let _writer = self.writer();
        self.tables.load().change_rules(scope, |rules| rules.raise_floor(at));
        self.applied_up_to(at);
    }

    /// Folds an entry in of which not even the scope can be understood: nothing that was fetched before it is
    /// served any more.
    pub fn raise_every_floor(&self, at: Position) {
        let _writer = self.writer();
        let tables = self.tables.load();
        tables.tenants.for_each(|slot| slot.change_rules(|rules| rules.raise_floor(at)));
        tables.distributions.for_each(|slot| slot.change_rules(|rules| rules.raise_floor(at)));
        self.applied_up_to(at);
    }

    /// Replaces everything by a snapshot. Of what came before `at` no rule is known, so nothing fetched before
    /// it is served.
    pub fn install(&self, snapshot: Vec<Change>, at: Position) {
        let _writer = self.writer();
        let tables = Tables::default();
        for change in snapshot {
            match change {
                Change::PutDistribution(spec) => tables.put_distribution(spec, at),
                Change::PutTenant(spec) => tables.put_tenant(spec, at),
                // A snapshot is configuration; every floor covers the invalidations before it.
                Change::RemoveTenant(_) | Change::RemoveDistribution(_) | Change::Invalidate { .. } => {}
            }
        }
        self.tables.store(Arc::new(tables));
        self.applied_up_to(at);
    }

    /// All that the log has told so far, of one moment: to be kept for another process.
    pub(crate) fn capture(&self) -> Captured {
        let _writer = self.writer();
        let tables = self.tables.load();
        let mut captured = Captured::default();
        tables.distributions.for_each(|slot| captured.distributions.push((slot.spec(), slot.held_rules())));
        tables.tenants.for_each(|slot| captured.tenants.push((slot.spec(), slot.held_rules())));
        captured
    }

    /// Puts the rules of a scope back as they were captured. Before this, its floor covers all that they concern.
    pub(crate) fn restore_rules(&self, scope: &Scope, rules: Rules) {
        let _writer = self.writer();
        self.tables.load().change_rules(scope, |held| *held = rules);
    }

    /// Starts over with another history of the log: positions applied so far mean nothing in it.
    ///
    /// The configuration stays until the next [`World::install`], so that viewers are still forwarded.
    pub fn begin_era(&self, era: Era) {
        let _writer = self.writer();
        self.applied.store(Arc::new(Stamp { era, position: Position::ZERO }));
        self.changes.send_modify(|changes| *changes += 1);
    }

    /// From here on it is known of which history this era is.
    pub fn follow(&self, era: Era, history: HistoryId) {
        self.followed.store(Some(Arc::new((era, history))));
    }

    /// What a stamp means to another edge; nothing where the history is not known, or another one by now.
    pub(crate) fn place_of(&self, stamp: Stamp) -> Option<LogPlace> {
        let followed = self.followed.load();
        let (era, history) = **followed.as_ref()?;
        (era == stamp.era).then_some(LogPlace { history, position: stamp.position })
    }

    /// The stamp of an origin request made with the configuration that is read *after* this call.
    pub(crate) fn stamp(&self) -> Stamp {
        let known = self.view.load().stamp();
        let applied = **self.applied.load();
        let position =
            if applied.era == known.era { applied.position.min(known.position) } else { Position::ZERO };
        Stamp { era: known.era, position }
    }

    /// Whether it is known who there is: not before the first snapshot, or what an earlier process has kept.
    pub(crate) fn is_told(&self) -> bool {
        self.is_told.load(Ordering::Acquire)
    }

    /// The tenant that answers to this host.
    pub(crate) fn tenant_of(&self, host: &Host) -> Option<Arc<TenantSlot>> {
        let tables = self.tables.load();
        host.candidates().find_map(|domain| tables.hosts.get(domain.as_ref()))
    }

    /// The distribution of this id.
    pub(crate) fn distribution(&self, id: &DistributionId) -> Option<Arc<DistributionSlot>> {
        self.tables.load().distributions.get(id)
    }

    /// Whether this host is served over HTTP/2; also one that nobody has, who is told so in it.
    pub(crate) fn has_http2(&self, host: &Host) -> bool {
        let tenant = self.tenant_of(host);
        let distribution = tenant.and_then(|tenant| self.distribution(&tenant.spec().distribution_id));
        distribution.is_none_or(|distribution| distribution.spec().http2)
    }

    /// The rules that concern a tenant: its own, and those for all of its distribution's tenants.
    pub(crate) fn rules_of(&self, tenant: &TenantId) -> Option<(Arc<Rules>, Arc<Rules>)> {
        let tables = self.tables.load();
        let tenant = tables.tenants.get(tenant)?;
        let distribution = tables.distributions.get(&tenant.spec().distribution_id)?;
        Some((Arc::clone(&tenant.rules()), Arc::clone(&distribution.rules())))
    }

    /// Changes whenever the log has brought something.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Who has rules beside the floor.
    pub(crate) fn with_rules(&self) -> Vec<Scope> {
        let tables = self.tables.load();
        let mut holders = Vec::new();
        tables.tenants.for_each(|slot| {
            if !slot.rules().is_empty() {
                holders.push(Scope::Tenant(slot.spec().id.clone()));
            }
        });
        tables.distributions.for_each(|slot| {
            if !slot.rules().is_empty() {
                holders.push(Scope::Distribution(slot.spec().id.clone()));
            }
        });
        holders
    }

    /// Raises the floor of a scope to this position, which frees the rules up to there. Says how much of the limits that
    /// gave back, in nodes; nothing when the history is another one by now.
    ///
    /// This never makes anything valid that was not. Whose stored responses are known to be valid up to there loses none.
    pub(crate) fn forget_rules(&self, scope: &Scope, up_to: Stamp) -> usize {
        let _writer = self.writer();
        if self.applied.load().era != up_to.era || self.view.load().era != up_to.era {
            return 0;
        }
        let mut freed = 0;
        self.tables.load().change_rules(scope, |rules| {
            let before = rules.len();
            rules.raise_floor(up_to.position);
            freed = before - rules.len();
        });
        freed
    }

    /// The view is published before the tables change, so its era is the one that `at` belongs to.
    fn applied_up_to(&self, at: Position) {
        let era = self.view.load().era;
        self.applied.store(Arc::new(Stamp { era, position: at }));
        self.is_told.store(true, Ordering::Release);
        self.changes.send_modify(|changes| *changes += 1);
    }

    fn writer(&self) -> MutexGuard<'_, ()> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tables {
    /// One without tenants is a tenant of itself.
    fn put_distribution(&self, spec: DistributionSpec, at: Position) {
        let own_tenant = spec.own_tenant();
        match self.distributions.get(&spec.id) {
            Some(slot) => drop(slot.replace_spec(spec)),
            None => self.distributions.insert(spec.id.clone(), Arc::new(DistributionSlot::new(spec, at))),
        }
        if let Some(tenant) = own_tenant {
            self.put_tenant(tenant, at);
        }
    }

    fn remove_distribution(&self, id: &DistributionId) {
        self.remove_tenant(&TenantId::of_distribution(id));
        self.distributions.remove(id);
    }

    fn put_tenant(&self, spec: TenantSpec, at: Position) {
        let (domains, distribution) = (spec.domains.clone(), spec.distribution_id.clone());
        let (slot, before) = match self.tenants.get(&spec.id) {
            Some(slot) => {
                let before = slot.replace_spec(spec);
                if before.distribution_id != distribution {
                    // What invalidated all tenants of the distribution that it leaves is not among the other one's rules.
                    slot.change_rules(|rules| rules.raise_floor(at));
                }
                (slot, before.domains.clone())
            }
            None => {
                let id = spec.id.clone();
                let slot = Arc::new(TenantSlot::new(spec, at));
                self.tenants.insert(id, slot.clone());
                (slot, Vec::new())
            }
        };
        for domain in &domains {
            self.hosts.insert(domain.as_str().into(), slot.clone());
        }
        let gone: Vec<String> = before.into_iter().filter(|domain| !domains.contains(domain)).collect();
        self.release(&slot, &gone);
    }

    fn remove_tenant(&self, id: &TenantId) {
        if let Some(slot) = self.tenants.remove(id) {
            self.release(&slot, &slot.spec().domains);
        }
    }

    /// A tenant or distribution not known here has nothing stored, and will start with a later floor.
    fn change_rules(&self, scope: &Scope, change: impl FnOnce(&mut Rules)) {
        match scope {
            Scope::Tenant(id) => {
                if let Some(slot) = self.tenants.get(id) {
                    slot.change_rules(change);
                }
            }
            Scope::Distribution(id) => {
                if let Some(slot) = self.distributions.get(id) {
                    slot.change_rules(change);
                }
            }
        }
    }

    /// Takes hosts away from a tenant, unless another one has them by now.
    fn release(&self, slot: &Arc<TenantSlot>, domains: &[String]) {
        for domain in domains {
            if self.hosts.get(domain.as_str()).is_some_and(|holder| Arc::ptr_eq(&holder, slot)) {
                self.hosts.remove(domain.as_str());
            }
        }
    }
}
