//! The store, the rules and the sweep without viewers, for the benchmarks. Nothing of the product uses it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, DATE, ETAG, HeaderName, LAST_MODIFIED, SERVER, VARY, VIA};
use http::{HeaderMap, HeaderValue};

use recant_core::batch::Pattern;
use recant_core::cache_key::CacheKey;
use recant_core::entry::{Change, Hash, HistoryId, Scope};
use recant_core::lookup::{EdgeView, Lookup, decide};
use recant_core::position::{Era, Position, Stamp};
use recant_core::protocol::message::Applied;
use recant_core::spec::TenantSpec;
use recant_core::time::{BootTime, WallTime};

use crate::clock::{Clock, SystemClock};
use crate::disk::{Disk, DiskOptions, DiskUsage, FolderError};
use crate::fetches::Fetches;
use crate::matching;
use crate::removals::Removals;
use crate::store::{Found, Store, Stored, fixtures};
use crate::sweep::{Sweep, SweepProgress};
use crate::world::{DistributionSlot, TenantSlot, World};

const NOW: BootTime = BootTime::from_nanos(1);

/// An edge's inside, with tenants of one distribution that have nothing stored yet.
#[derive(Debug)]
pub struct Inside {
    world: Arc<World>,
    store: Arc<Store>,
    sweep: Sweep,
    tenants: Vec<TenantSpec>,
    /// The end of the log; locked while an entry is applied.
    head: Mutex<Position>,
    /// What outlives it, if anything does.
    disk: Option<Disk>,
}

/// A stored response with what a request for it has at hand.
#[derive(Debug)]
pub struct Wanted {
    key: CacheKey,
    stored: Arc<Stored>,
    tenant: Arc<TenantSlot>,
    distribution: Arc<DistributionSlot>,
}

impl Inside {
    /// Of so many tenants, with a store of so many bytes.
    pub fn new(store_bytes: u64, tenants: usize) -> Self {
        let inside = Self::empty(Arc::new(World::new()), Store::new(store_bytes, 100), tenants, None);
        inside.begin();
        inside
    }

    /// The same with a disk, which goes on with what lies there.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn on_disk(store_bytes: u64, tenants: usize, options: &DiskOptions) -> Result<Self, FolderError> {
        let world = Arc::new(World::new());
        let disk = Disk::open(options, &world)?;
        let applied = disk.applied();
        let store = Store::with_disk(store_bytes, 100, Some(disk.tier.clone()));
        let inside = Self::empty(world, store, tenants, Some(disk));
        if let Some(applied) = applied {
            *inside.head.lock().unwrap_or_else(PoisonError::into_inner) = applied.position;
            inside.publish(applied.position);
        } else {
            inside.begin();
        }
        if let (Some(disk), None) = (&inside.disk, applied) {
            let position = *inside.head.lock().unwrap_or_else(PoisonError::into_inner);
            let applied = Applied { history: HistoryId(1), position, hash: Hash::START };
            disk.tier.follow(Era::default(), applied.history);
            disk.journal.begin_anew(applied, inside.world.capture());
        }
        if let Some(disk) = &inside.disk {
            let clock: Arc<dyn Clock> = Arc::new(SystemClock);
            disk.start(&inside.world, &inside.store, &inside.sweep.removals, &clock);
        }
        Ok(inside)
    }

    fn empty(world: Arc<World>, store: Store, tenants: usize, disk: Option<Disk>) -> Self {
        let store = Arc::new(store);
        let sweep = Sweep {
            world: world.clone(),
            store: store.clone(),
            removals: Arc::new(Removals::default()),
            fetches: Arc::new(Fetches::default()),
            progress: Default::default(),
            passing: Default::default(),
            passes: Default::default(),
        };
        let tenants: Vec<_> = (0..tenants).map(|n| fixtures::tenant(&format!("dt_{n:026}"))).collect();
        Self { world, store, sweep, tenants, head: Mutex::default(), disk }
    }

    fn begin(&self) {
        self.apply(&Change::PutDistribution(fixtures::distribution()));
        for tenant in &self.tenants {
            self.apply(&Change::PutTenant(tenant.clone()));
        }
    }

    /// What lies on the disk.
    pub fn disk_usage(&self) -> DiskUsage {
        self.disk.as_ref().map_or_else(DiskUsage::default, Disk::usage)
    }

    /// Ends in good order.
    pub fn close(&self) {
        if let Some(disk) = &self.disk {
            disk.close();
        }
    }

    /// Reads the response of this number from the disk; how many bytes its body has.
    pub fn read(&self, n: usize) -> Option<usize> {
        let (disk, key) = (self.store.disk()?, fixtures::key(self.tenant(n), &path(n)));
        let recalled = disk.read(&key, disk.find(&key).first()?, |_| true)?;
        let body = Bytes::from(recalled.body.into_boxed_slice());
        Some(self.store.make(&key, recalled.head.facts(), body).body.len())
    }

    /// Stores the responses of these numbers, tenant by tenant in turn, each with this body.
    pub fn fill(&self, numbers: std::ops::Range<usize>, body: &[u8]) {
        let (headers, request, stamp) = (headers(), HeaderMap::new(), self.world.stamp());
        for n in numbers {
            let (tenant, path) = (self.tenant(n), path(n));
            let key = fixtures::key(tenant, &path);
            let mut facts = fixtures::facts(tenant, &path, stamp.position);
            facts.headers = headers.clone();
            let stored = self.store.make(&key, facts, Bytes::from(body.to_vec().into_boxed_slice()));
            self.store.put(key, stored, &request, &|| true);
        }
    }

    /// How many responses are stored.
    pub fn stored(&self) -> u64 {
        self.store.usage().iter().map(|usage| usage.stored_responses).sum()
    }

    /// What the store reckons that they take.
    pub fn stored_bytes(&self) -> u64 {
        self.store.bytes()
    }

    /// The stored response of this number.
    pub fn wanted(&self, n: usize) -> Option<Wanted> {
        let (tenant, path) = (self.tenant(n), path(n));
        let key = fixtures::key(tenant, &path);
        let Found::Response(stored) = self.store.find(&key, &HeaderMap::new()) else { return None };
        let host = recant_core::host::Host::parse(&tenant.domains[0]).ok()?;
        let tenant = self.world.tenant_of(&host)?;
        let distribution = self.world.distribution(&fixtures::distribution().id)?;
        Some(Wanted { key, stored, tenant, distribution })
    }

    /// Invalidates in the tenant of this number.
    pub fn invalidate(&self, n: usize, pattern: &Pattern) {
        let scope = Scope::Tenant(self.tenant(n).id.clone());
        self.apply(&Change::Invalidate { scope, patterns: vec![pattern.clone()] });
    }

    /// Sweeps once.
    pub async fn sweep(&self) -> SweepProgress {
        self.sweep.pass().await;
        self.sweep.progress()
    }

    /// Whether what is wanted may be served: all that a request reads after its arrival, and the decision.
    pub fn may_serve(&self, wanted: &Wanted) -> bool {
        let Wanted { stored, tenant, distribution, .. } = wanted;
        let (stamp, view) = (self.world.stamp(), self.world.view());
        let rule = matching::newest_rule_now(stored, stamp, tenant, distribution);
        let fresh = stored.terms.at(stored.response_time, WallTime::from_millis(0));
        let verdict = decide(&view, NOW, stored.valid_up_to(), rule, &stored.terms, fresh);
        matches!(verdict, Lookup::Hit { .. })
    }

    /// The rules' part of that alone, for a request whose stamp is at hand.
    pub fn is_valid(&self, wanted: &Wanted) -> bool {
        let Wanted { stored, tenant, distribution, .. } = wanted;
        let stamp = Stamp { era: Era::default(), position: Position::ZERO };
        matching::newest_rule_now(stored, stamp, tenant, distribution) <= stored.valid_up_to().position
    }

    /// A whole hit but for HTTP: what is stored under the key, and whether it may be served.
    pub fn hit(&self, wanted: &Wanted) -> bool {
        let is_stored = matches!(self.store.find(&wanted.key, &HeaderMap::new()), Found::Response(_));
        is_stored && self.may_serve(wanted)
    }

    fn tenant(&self, n: usize) -> &TenantSpec {
        &self.tenants[n % self.tenants.len()]
    }

    fn apply(&self, change: &Change) {
        let mut head = self.head.lock().unwrap_or_else(PoisonError::into_inner);
        *head = head.next();
        self.publish(*head);
        self.world.apply(change, *head);
    }

    fn publish(&self, known_committed: Position) {
        let lease_until = Some(NOW.saturating_add(Duration::from_secs(1)));
        self.world.publish_view(EdgeView { lease_until, era: Era::default(), known_committed });
    }
}

/// How many bytes the fields of a stored response have as HTTP/1.1 spells them.
pub fn header_bytes(body: &[u8]) -> usize {
    let length = body.len().to_string().len() + "content-length: \r\n".len();
    headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum::<usize>() + length
}

/// What an ordinary origin says.
fn headers() -> HeaderMap {
    let field = |name: HeaderName, value: &'static str| (name, HeaderValue::from_static(value));
    HeaderMap::from_iter([
        field(SERVER, "nginx/1.26.3"),
        field(DATE, "Fri, 27 Nov 2026 02:08:47 GMT"),
        field(CONTENT_TYPE, "text/html; charset=utf-8"),
        field(LAST_MODIFIED, "Thu, 26 Nov 2026 10:00:00 GMT"),
        field(ETAG, "\"6926d0f0-1000\""),
        field(CACHE_CONTROL, "public, max-age=86400"),
        field(VARY, "Accept-Encoding"),
        field(VIA, "1.1 recant"),
    ])
}

fn path(n: usize) -> String {
    format!("/catalogue/{}/item-{n:08}.html", n % 97)
}
