//! Several planes, and a database whose primary is killed under load: nothing that was acknowledged is lost.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use recant_plane::store::postgres::UnsafeSettings;
use recant_plane::{PostgresChoice, Retention, StoreChoice};
use serde_json::{Value, json};

use crate::api::access::{ask, call_as, key};
use crate::api::events;
use crate::api::rig::{Call, PATIENCE, Rig, invalidation};
use crate::cut::Proxy;
use crate::postgres::{self, PgServer};

/// A plane on a database of a server that stands alone.
pub(crate) fn plane(database: &str) -> Rig {
    plane_with(database, UnsafeSettings::WithoutStandbys)
}

fn plane_with(database: &str, unsafe_settings: UnsafeSettings) -> Rig {
    let server = database.parse().unwrap();
    let choice = PostgresChoice { server, unsafe_settings, peer_address: None };
    Rig::start_with(|options| {
        options.store = StoreChoice::Postgres(Box::new(choice));
        // Of what a term has running, nothing may outlive it.
        options.retention = Retention::Days(30);
    })
}

/// Whether a plane answers itself, and does not pass on.
fn leads(rig: &Rig) -> bool {
    let call = Call {
        method: "GET".into(),
        path: "/readyz".into(),
        query: String::new(),
        headers: vec![("host".into(), rig.address.to_string())],
        body: Vec::new(),
    };
    rig.send(&call).body == "ready\n"
}

/// Asks until it is so.
#[track_caller]
fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(started.elapsed() < 3 * PATIENCE, "{what}: not within {:?}", 3 * PATIENCE);
        thread::yield_now();
    }
}

/// The answer to a call that waits for who leads, and is repeated while nobody does.
fn patiently(rig: &Rig, operation: &str, input: &Value) -> Value {
    let started = Instant::now();
    loop {
        let reply = rig.call(operation, input.clone());
        if reply.status != 503 {
            return reply.output(operation);
        }
        assert!(started.elapsed() < 3 * PATIENCE, "{operation} is refused for too long");
    }
}

fn invalidation_id(answer: &Value) -> String {
    answer["Invalidation"]["Id"].as_str().unwrap().to_owned()
}

/// A tenant, made through one plane.
fn furnish(rig: &Rig) -> String {
    rig.tenant(&rig.distribution(), "one")
}

#[test]
fn any_plane_answers_and_the_next_one_takes_over() {
    let database = postgres::shared().make_database();
    let mut first = plane(&database);
    let second = plane(&database);
    assert_eq!(first.credentials.access_key_id, second.credentials.access_key_id, "one root key for all");
    assert_eq!(first.edge_authorization, second.edge_authorization);
    let tenant = furnish(&first);

    // Both answer, and both know what the other was told.
    let made = invalidation_id(
        &second.ok("CreateInvalidationForDistributionTenant", invalidation(&tenant, "a", &["/a"])),
    );
    let again = first.ok("CreateInvalidationForDistributionTenant", invalidation(&tenant, "a", &["/a"]));
    assert_eq!(invalidation_id(&again), made);
    let refused = second.call("CreateInvalidationForDistributionTenant", invalidation(&tenant, "a", &["/b"]));
    assert_eq!(refused.status, 409, "a refusal is passed back as it is");

    // One that stops gives the term back: no caller of the other one notices.
    first.stop();
    let get = json!({"DistributionTenantId": tenant, "Id": made});
    let found = second.ok("GetInvalidationForDistributionTenant", get.clone());
    assert_eq!(invalidation_id(&found), made);
    let next = invalidation_id(
        &second.ok("CreateInvalidationForDistributionTenant", invalidation(&tenant, "b", &["/b"])),
    );
    assert_ne!(next, made);

    // One that is killed gives nothing back: its term has to be silent for some seconds.
    let third = plane(&database);
    drop(second);
    let found = patiently(&third, "GetInvalidationForDistributionTenant", &get);
    assert_eq!(invalidation_id(&found), made);
    let again = third.ok("CreateInvalidationForDistributionTenant", invalidation(&tenant, "b", &["/b"]));
    assert_eq!(invalidation_id(&again), next);
}

#[test]
fn a_plane_whose_writer_is_stuck_answers_nothing_that_its_successor_would_not() {
    let server = postgres::shared();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let database = server.make_database();
    let proxy = runtime.block_on(Proxy::start(server.port()));
    let first = plane(&database.replace(&server.port().to_string(), &proxy.address.port().to_string()));
    until("the first plane leads", || leads(&first).then_some(()));
    let second = plane(&database);
    let tenant = furnish(&first);
    let everything = json!([{"Effect": "Allow", "Action": "*", "Resource": "*"}]);
    let key = key(&first, &everything);
    let get = json!({"Identifier": tenant});
    let status = |plane: &Rig| call_as(plane, &key, "GetDistributionTenant", get.clone()).status;
    assert_eq!((status(&first), status(&second)), (200, 200));
    let mut stream = events::Reader::open(&first, &first.credentials, None);
    let mut passed_on = events::Reader::open(&second, &first.credentials, None);

    // Only what renews the term gets stuck: the first plane reads, and is reached, as before.
    proxy.stick(Some("UPDATE term"));
    let delete = format!("keys/{}", key.access_key_id);
    until("the second plane leads", || leads(&second).then_some(()));
    ask(&second, "DELETE", &delete, &Value::Null, 204);
    let answer =
        until("the first plane knows who leads", || Some(status(&first)).filter(|status| *status != 503));
    assert_eq!(answer, 403, "a key that its successor does not know opens nothing");
    while stream.next().is_some() {}
    while passed_on.next().is_some() {}
    let made =
        patiently(&first, "CreateInvalidationForDistributionTenant", &invalidation(&tenant, "a", &["/a"]));
    let again = second.ok("CreateInvalidationForDistributionTenant", invalidation(&tenant, "a", &["/a"]));
    assert_eq!(invalidation_id(&made), invalidation_id(&again));

    // Of its term nothing is left: it looks at the row of the term, and that is all.
    proxy.stick(None);
    until("it lets its term's connections go", || (proxy.connections() == 1).then_some(()));
}

/// A primary and two standbys, of which one has to have every commit.
struct Cluster {
    servers: Vec<PgServer>,
}

impl Cluster {
    const QUORUM: &str = "synchronous_standby_names = 'ANY 1 (s0, s1, s2)'";

    fn start() -> Self {
        let primary = PgServer::start(Self::QUORUM);
        let standbys: Vec<_> = ["s1", "s2"]
            .map(|name| primary.standby(&format!("{}\n{}", Self::QUORUM, primary.primary_conninfo(name))))
            .into();
        let mut servers = vec![primary];
        servers.extend(standbys);
        Self { servers }
    }

    /// The address of a database: that of whichever server is the primary.
    fn address(&self, database: &str) -> String {
        let hosts: Vec<_> =
            self.servers.iter().map(|server| format!("127.0.0.1:{}", server.port())).collect();
        format!("postgres://recant@{}/{database}", hosts.join(","))
    }

    /// Kills the primary, and makes that standby the primary which has received more; the other one follows it.
    fn fail_over(&self) -> &PgServer {
        let [primary, one, other] = &self.servers[..] else { panic!("there are three servers") };
        primary.kill();
        let received = |server: &PgServer| {
            server
                .ask("postgres", "SELECT pg_wal_lsn_diff(pg_last_wal_receive_lsn(), '0/0')")
                .parse::<f64>()
                .unwrap()
        };
        let (next, name, rest) =
            if received(one) >= received(other) { (one, "s2", other) } else { (other, "s1", one) };
        next.promote();
        rest.set(&next.primary_conninfo(name));
        next
    }
}

/// What clients of two planes do, and what they were told.
struct Load {
    /// How many creates were answered with 201.
    accepted: AtomicUsize,
    stop: AtomicBool,
}

impl Load {
    /// One client: creates with references of its own, alternately through each plane, each until it is answered. Gives the ids, and
    /// the longest time between two answers.
    fn run(&self, client: usize, planes: &[Rig; 2], tenant: &str) -> (BTreeMap<String, String>, Duration) {
        let (mut ids, mut pause, mut last) = (BTreeMap::new(), Duration::ZERO, Instant::now());
        for n in 0.. {
            if self.stop.load(Ordering::SeqCst) {
                break;
            }
            let reference = format!("{client}-{n}");
            let input = invalidation(tenant, &reference, &["/a"]);
            let answer =
                patiently(&planes[(client + n) % 2], "CreateInvalidationForDistributionTenant", &input);
            ids.insert(reference, invalidation_id(&answer));
            pause = pause.max(last.elapsed());
            last = Instant::now();
            self.accepted.fetch_add(1, Ordering::SeqCst);
        }
        (ids, pause)
    }

    /// Waits until so many more creates were accepted.
    fn wait_for(&self, more: usize) {
        let (from, started) = (self.accepted.load(Ordering::SeqCst), Instant::now());
        while self.accepted.load(Ordering::SeqCst) < from + more {
            assert!(started.elapsed() < 5 * PATIENCE, "the planes do not recover");
            thread::yield_now();
        }
    }
}

#[test]
fn a_primary_that_is_killed_under_load_loses_nothing() {
    const CLIENTS: usize = 8;
    let cluster = Cluster::start();
    cluster.servers[0].make_database_named("planes");
    let address = cluster.address("planes");
    let planes = [(); 2].map(|()| plane_with(&address, UnsafeSettings::Refuse));
    let tenant = furnish(&planes[0]);
    let load = Arc::new(Load { accepted: AtomicUsize::new(0), stop: AtomicBool::new(false) });

    let (answers, primary) = thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let (load, planes, tenant) = (Arc::clone(&load), &planes, tenant.as_str());
                scope.spawn(move || load.run(client, planes, tenant))
            })
            .collect();
        load.wait_for(200);
        let primary = cluster.fail_over();
        load.wait_for(200);
        load.stop.store(true, Ordering::SeqCst);
        let answers: Vec<_> = clients.into_iter().map(|client| client.join().unwrap()).collect();
        (answers, primary)
    });
    let pause = answers.iter().map(|(_, pause)| *pause).max().unwrap();
    let ids: BTreeMap<_, _> = answers.into_iter().flat_map(|(ids, _)| ids).collect();
    println!(
        "{} creates were accepted; the longest pause of a client was {} ms",
        ids.len(),
        pause.as_millis()
    );

    // Every 201 is still there, and every replay has the same id, through either plane, which nobody has started again.
    for ((reference, id), plane) in ids.iter().zip(planes.iter().cycle()) {
        let input = invalidation(&tenant, reference, &["/a"]);
        assert_eq!(
            invalidation_id(&plane.ok("CreateInvalidationForDistributionTenant", input)),
            *id,
            "{reference}"
        );
    }
    let last = ids.values().next_back().unwrap();
    let get = json!({"DistributionTenantId": tenant, "Id": last});
    let found = planes[1].ok("GetInvalidationForDistributionTenant", get);
    assert_eq!(found["Invalidation"]["Status"], "Completed", "there is no edge to wait for");

    let count = |what: &str| {
        primary.ask("planes", &format!("SELECT {what} FROM recant.log")).parse::<usize>().unwrap()
    };
    assert_eq!(count("count(*)"), count("max(position)"), "positions are dense");
    assert_eq!(
        count("max(position)"),
        ids.len() + 2,
        "one entry for each, one for the distribution and one for the tenant"
    );
    let chain = "SELECT count(*) FROM recant.log a JOIN recant.log b ON b.position = a.position + 1 WHERE b.prev_hash <> a.hash";
    assert_eq!(primary.ask("planes", chain), "0", "each entry names the one before it");
    assert_eq!(primary.ask("planes", "SELECT position FROM recant.head"), count("max(position)").to_string());
}
