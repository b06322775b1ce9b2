//! What every test starts from.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use recant_core::batch::Pattern;
use recant_core::entry::{Change, Scope};
use recant_core::id::{DistributionId, TenantId};
use recant_core::lookup::EdgeView;
use recant_core::position::{Era, Position};
use recant_core::spec::{BehaviorSpec, DistributionSpec, OriginProtocol, OriginSpec, Template, TenantSpec};
use recant_core::time::{BootTime, WallTime};
use recant_edge::{Clock, Edge, EdgeOptions, World};

use super::{Act, Origin, Reply, Viewer};

pub(crate) const OPTIMIZED: &str = "658327ea-f89d-4fab-a63d-7e88639e58f6";
pub(crate) const DISABLED: &str = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad";
pub(crate) const ORIGIN_HEADERS_QUERY: &str = "4cc15a8a-d715-48a4-82b8-cc0b614638fe";
pub(crate) const ALL_VIEWER: &str = "216adef6-5c7f-47e4-b989-5492eafa07d3";
pub(crate) const ALL_VIEWER_EXCEPT_HOST: &str = "b689b0a8-53d0-40ab-baf2-68738e2966ac";
pub(crate) const DISTRIBUTION: &str = "E1";

const LEASE: Duration = Duration::from_secs(10);

/// Two clocks that a test turns.
pub(crate) struct Hands {
    boot_nanos: AtomicU64,
    wall_millis: AtomicI64,
}

impl Clock for Hands {
    fn boot(&self) -> BootTime {
        BootTime::from_nanos(self.boot_nanos.load(Ordering::SeqCst))
    }

    fn wall(&self) -> WallTime {
        WallTime::from_millis(self.wall_millis.load(Ordering::SeqCst))
    }
}

/// Tenants `a` (a.test) and `b` (b.test, *.b.test) of one distribution, with a lease of 10 seconds.
pub(crate) struct Bed {
    pub(crate) edge: Edge,
    pub(crate) origin: Origin,
    clock: Arc<Hands>,
    era: Era,
    head: Position,
}

impl Bed {
    pub(crate) async fn new(script: impl Fn(usize, &str) -> Act + Send + Sync + 'static) -> Self {
        let origin = Origin::start(script).await;
        let spec = distribution(origin.address.port());
        Self::with(origin, spec, |_| {}).await
    }

    pub(crate) async fn with(
        origin: Origin,
        spec: DistributionSpec,
        adjust: impl FnOnce(&mut EdgeOptions),
    ) -> Self {
        let wall_millis = AtomicI64::new(1_800_000_000_000);
        let clock = Arc::new(Hands { boot_nanos: AtomicU64::new(1), wall_millis });
        let mut options = EdgeOptions::new("127.0.0.1:0".parse().unwrap());
        options.clock = clock.clone();
        adjust(&mut options);
        let edge = Edge::start(options).await.unwrap();
        let mut bed = Self { edge, origin, clock, era: Era::default(), head: Position::ZERO };
        bed.apply(&Change::PutDistribution(spec));
        bed.apply(&Change::PutTenant(tenant("a", &["a.test"])));
        bed.apply(&Change::PutTenant(tenant("b", &["b.test", "*.b.test"])));
        bed
    }

    pub(crate) fn world(&self) -> &World {
        self.edge.world()
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.edge.viewer_address()
    }

    /// The place that the next entry will have.
    pub(crate) fn next(&self) -> Position {
        self.head.next()
    }

    /// What a follower does with one entry.
    pub(crate) fn apply(&mut self, change: &Change) {
        self.head = self.head.next();
        self.publish(Some(LEASE));
        self.world().apply(change, self.head);
    }

    pub(crate) fn invalidate(&mut self, tenant: &str, items: &[&str]) {
        let scope = Scope::Tenant(TenantId::parse(tenant).unwrap());
        self.apply(&Change::Invalidate { scope, patterns: patterns(items) });
    }

    pub(crate) fn invalidate_all_tenants(&mut self, items: &[&str]) {
        let scope = Scope::Distribution(DistributionId::parse(DISTRIBUTION).unwrap());
        self.apply(&Change::Invalidate { scope, patterns: patterns(items) });
    }

    /// Publishes a view of this moment, with a lease for this long.
    pub(crate) fn publish(&self, lease: Option<Duration>) {
        self.publish_known(lease, self.head);
    }

    /// The same, with another known end of the log.
    pub(crate) fn publish_known(&self, lease: Option<Duration>, known_committed: Position) {
        let lease_until = lease.map(|lease| self.clock.boot().saturating_add(lease));
        self.world().publish_view(EdgeView { lease_until, era: self.era, known_committed });
    }

    /// What a follower does when it finds itself on another history, whose snapshot is at this place.
    pub(crate) fn diverge(&mut self, snapshot: Vec<Change>, at: Position) {
        self.era = self.era.next();
        self.head = at;
        self.publish(Some(LEASE));
        self.world().begin_era(self.era);
        self.world().install(snapshot, at);
    }

    /// Lets time pass on both clocks, without renewing the lease.
    pub(crate) fn pass(&self, time: Duration) {
        self.clock.boot_nanos.fetch_add(u64::try_from(time.as_nanos()).unwrap(), Ordering::SeqCst);
        self.clock.wall_millis.fetch_add(i64::try_from(time.as_millis()).unwrap(), Ordering::SeqCst);
    }

    /// Lets time pass, and renews.
    pub(crate) fn pass_leased(&self, time: Duration) {
        self.pass(time);
        self.publish(Some(LEASE));
    }

    pub(crate) async fn get(&self, host: &str, target: &str) -> Reply {
        self.send("GET", host, target, &[]).await
    }

    /// One request over a connection of its own.
    pub(crate) async fn send(&self, method: &str, host: &str, target: &str, lines: &[&str]) -> Reply {
        let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
        self.raw(method, &format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\n{lines}\r\n")).await
    }

    /// These bytes over a connection of their own.
    pub(crate) async fn raw(&self, method: &str, bytes: &str) -> Reply {
        let mut viewer = Viewer::connect(self.address()).await;
        viewer.write(bytes).await;
        viewer.read(method).await
    }
}

fn patterns(items: &[&str]) -> Vec<Pattern> {
    items.iter().map(|item| Pattern::parse(item).unwrap()).collect()
}

pub(crate) fn distribution(origin_port: u16) -> DistributionSpec {
    let origin = OriginSpec {
        id: "main".into(),
        domain_name: Template::new("{{host}}"),
        path: Template::new("/{{name}}"),
        http_port: origin_port,
        https_port: origin_port,
        protocol: OriginProtocol::HttpOnly,
        connection_timeout: Duration::from_secs(2),
        connection_attempts: 2,
        read_timeout: Duration::from_secs(30),
        custom_headers: vec![("X-Origin-Key".into(), "k".into())],
        shield: None,
    };
    let behavior = BehaviorSpec {
        allowed_methods: ["GET", "HEAD", "OPTIONS", "POST", "PUT"].map(String::from).into(),
        ..BehaviorSpec::new("main", OPTIMIZED)
    };
    DistributionSpec {
        cache_tag_header: Some("cache-tag".into()),
        parameter_defaults: BTreeMap::from([("host".into(), "127.0.0.1".into())]),
        ..DistributionSpec::new(DistributionId::parse(DISTRIBUTION).unwrap(), vec![origin], behavior)
    }
}

pub(crate) fn tenant(id: &str, domains: &[&str]) -> TenantSpec {
    TenantSpec {
        id: TenantId::parse(id).unwrap(),
        distribution_id: DistributionId::parse(DISTRIBUTION).unwrap(),
        enabled: true,
        domains: domains.iter().map(|domain| (*domain).into()).collect(),
        parameters: BTreeMap::from([("name".into(), id.into())]),
        geo: None,
    }
}
