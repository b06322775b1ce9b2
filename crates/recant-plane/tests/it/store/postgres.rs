//! What the store for several planes promises besides.

use recant_core::entry::Scope;
use recant_core::id::{DistributionId, EdgeId, TenantId};
use recant_core::position::Position;
use recant_core::protocol::LeaseParams;
use recant_core::protocol::message::{Applied, Heartbeat, Incarnation, LeaseClass, Member, RenewalId};
use recant_plane::clock;
use recant_plane::completion::{Completion, HeartbeatError};
use recant_plane::store::postgres::{Candidate, OpenError, PostgresStore, Server, UnsafeSettings};
use recant_plane::store::{Birth, Command, Outcome, Refusal, Store, StoreError, TenantFilter, TenantKey};
use tokio::task::JoinSet;

use super::World;
use super::samples::{NOW, as_invalidation, furnish, invalidate, items, page, refused};
use crate::api::rig::PATIENCE;
use crate::cut::{Cut, Proxy};
use crate::postgres::{self, PgServer};

/// A database of its own on the server that the tests share.
pub(crate) struct Database(String);

impl Database {
    fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap()
    }

    /// Works on the rows behind the store's back.
    fn tamper(&self, sql: &str) {
        postgres::shared().ask(self.name(), sql);
    }

    /// A plane that wants this database's term.
    fn candidate(&self) -> Candidate {
        candidate(&self.0, UnsafeSettings::WithoutStandbys)
    }
}

fn candidate(address: &str, unsafe_settings: UnsafeSettings) -> Candidate {
    let server: Server = address.parse().unwrap();
    Candidate::new(server, unsafe_settings, "127.0.0.1:1".to_owned(), clock::boot_now)
}

impl World for Database {
    type Store = PostgresStore;

    fn new() -> Self {
        Self(postgres::shared().make_database())
    }

    fn open(&self) -> PostgresStore {
        let candidate = self.candidate();
        let open = async { candidate.open(NOW).await.unwrap() };
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(open))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_lost_the_term_writes_nothing_more() {
    let database = Database::new();
    let store = database.open();
    furnish(&store, &["t"]).await;
    assert!(store.may_grant());
    let head = store.head().await.unwrap();
    database.tamper("UPDATE recant.term SET number = number + 1, holder = 'another'");
    let mut writers = JoinSet::new();
    for n in 0..8 {
        let store = store.clone();
        let name = format!("I{n}");
        writers.spawn(async move { store.commit(invalidate("t", &name, &name, &["/a"])).await });
    }
    for refused in writers.join_all().await {
        assert!(
            matches!(&refused, Err(StoreError::WriterStopped { reason }) if reason.contains("another plane")),
            "{refused:?}"
        );
    }
    assert!(store.health().is_err());
    assert_eq!(store.head().await.unwrap(), head);
}

#[test]
fn a_plane_that_is_silent_is_succeeded_when_its_leases_can_be_waited_for() {
    let database = Database::new();
    let runtime =
        || tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (dead, alive) = (runtime(), runtime());
    let (store, granted) = dead.block_on(async {
        let store = database.candidate().open(NOW).await.unwrap();
        furnish(&store, &["t"]).await;
        (store.clone(), store.may_grant())
    });
    assert!(granted);
    // Nothing of that plane runs any more, as after kill -9: it gives nothing back.
    dead.shutdown_background();
    alive.block_on(async {
        let next = database.candidate();
        let held_by = next.held_by();
        let successor = next.open(NOW).await.unwrap();
        assert!(
            !store.may_grant(),
            "whoever takes over has waited until the other one may not speak any more"
        );
        assert_eq!(successor.identity().term.0, store.identity().term.0 + 1);
        assert_eq!(successor.head().await.unwrap().0, Position::new(2));
        assert_eq!(*held_by.borrow(), None);
        let made = as_invalidation(successor.commit(invalidate("t", "I1", "r", &["/a"])).await.unwrap()).1;
        assert_eq!(made.position, Position::new(3));
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_without_an_answer_is_carried_out_once() {
    let database = Database::new();
    let proxy = Proxy::start(postgres::shared().port()).await;
    let address = format!("postgres://recant@{}/{}", proxy.address, database.name());
    let store = candidate(&address, UnsafeSettings::WithoutStandbys).open(NOW).await.unwrap();
    furnish(&store, &["t"]).await;
    for (id, cut) in [("I-before", Cut::Before), ("I-after", Cut::After)] {
        let head = store.head().await.unwrap().0;
        proxy.arm(id, cut);
        let (birth, made) = as_invalidation(store.commit(invalidate("t", id, id, &["/a"])).await.unwrap());
        assert!(proxy.has_cut(), "{cut:?}");
        assert_eq!((birth, made.record.id.as_str(), made.position), (Birth::New, id, head.next()), "{cut:?}");
        assert_eq!(store.head().await.unwrap().0, head.next(), "{cut:?}: one entry");
        let (birth, again) =
            as_invalidation(store.commit(invalidate("t", "I-x", id, &["/a"])).await.unwrap());
        assert_eq!((birth, again), (Birth::Replayed, made), "{cut:?}");
    }
    store.health().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_wait_for_the_standbys_is_cancelled_is_not_answered() {
    let server = PgServer::start("");
    let store = candidate(&server.make_database_named("alone"), UnsafeSettings::WithoutStandbys)
        .open(NOW)
        .await
        .unwrap();
    furnish(&store, &["t"]).await;
    server.set("synchronous_standby_names = 'ANY 1 (nobody)'");
    let waiting = "SELECT coalesce(max(pid), 0) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
    let started = std::time::Instant::now();
    let waits = |besides: &str| loop {
        let pid = server.ask("alone", waiting);
        if pid != "0" && pid != besides {
            return pid;
        }
        assert!(started.elapsed() < PATIENCE, "nothing waits");
    };
    // That of a renewal, which shows that the server has taken the setting over; the create comes after it, and waits as well.
    let first = waits("0");
    let create = tokio::spawn({
        let store = store.clone();
        async move { store.commit(invalidate("t", "I1", "r", &["/a"])).await }
    });
    server.ask("alone", &format!("SELECT pg_cancel_backend({first})"));
    // The server has said that it has committed. The store knows better, and waits again, over another connection.
    waits(&first);
    assert!(!create.is_finished(), "it was answered with {:?}", create.await);
    server.set("synchronous_standby_names = ''");
    let (birth, made) = as_invalidation(create.await.unwrap().unwrap());
    assert_eq!((birth, made.position), (Birth::New, Position::new(3)));
    assert_eq!(store.head().await.unwrap().0, Position::new(3), "one entry");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_takes_too_long_is_ended_by_the_server() {
    let database = Database::new();
    let store = database.open();
    furnish(&store, &["t"]).await;
    database.tamper(
        "CREATE FUNCTION recant.dawdle() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(600); RETURN NEW; END';
         CREATE TRIGGER dawdle BEFORE INSERT ON recant.invalidations FOR EACH ROW EXECUTE FUNCTION recant.dawdle()",
    );
    let create = tokio::spawn({
        let store = store.clone();
        async move { store.commit(invalidate("t", "I1", "r", &["/a"])).await }
    });
    let dawdling =
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()";
    let started = std::time::Instant::now();
    while postgres::shared().ask(database.name(), dawdling) == "0" {
        assert!(started.elapsed() < PATIENCE, "nothing dawdles");
    }
    // It holds the table. Whoever waits for that gets it when the server has ended the statement; the next attempt finds no trigger.
    database.tamper("DROP TRIGGER dawdle ON recant.invalidations");
    let (birth, made) = as_invalidation(create.await.unwrap().unwrap());
    assert_eq!((birth, made.position), (Birth::New, Position::new(3)));
    store.health().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_somebody_has_changed_is_not_gone_on_with() {
    let check = async |sql: &str| {
        let database = Database::new();
        {
            let store = database.open();
            furnish(&store, &["t"]).await;
            store.commit(invalidate("t", "I1", "r", &["/a"])).await.unwrap();
        }
        drop(database.open());
        database.tamper(sql);
        database.candidate().open(NOW).await.unwrap_err().to_string()
    };
    let body = check("UPDATE recant.log SET body = 'x' WHERE position = 2").await;
    assert!(body.contains("damaged at position 2"), "{body}");
    let gap = check("DELETE FROM recant.log WHERE position = 2").await;
    assert!(gap.contains("no entry at position 2"), "{gap}");
    let end = check("UPDATE recant.head SET position = 2, completed = 0").await;
    assert!(end.contains("damaged at position 2"), "{end}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_have_been_succeeded_grants_no_lease() {
    let database = Database::new();
    let store = database.open();
    let lease = LeaseParams::for_lease(std::time::Duration::from_secs(1));
    let completion = Completion::start(store.clone(), lease, clock::boot_now).await.unwrap();
    let heartbeat = |renewal| Heartbeat {
        member: Member { edge: EdgeId::parse("edge-1").unwrap(), incarnation: Incarnation(1) },
        renewal: RenewalId(renewal),
        applied: None,
        lease_class: LeaseClass::default(),
        leaving: false,
    };
    completion.heartbeat(heartbeat(1), false).await.unwrap();
    database.tamper("UPDATE recant.term SET number = number + 1, holder = 'another'");
    let mut committed = store.committed();
    while committed.changed().await.is_ok() {}
    let refused = completion.heartbeat(heartbeat(2), false).await;
    assert!(matches!(refused, Err(HeartbeatError::NotLeading)), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_tail_is_noticed_and_begins_a_new_history() {
    const LOSE: &str =
        "UPDATE recant.head SET position = 2, hash = (SELECT hash FROM recant.log WHERE position = 2);
        DELETE FROM recant.log WHERE position > 2; DELETE FROM recant.invalidations;
        DELETE FROM recant.caller_references; UPDATE recant.term SET batch = 3";
    let database = Database::new();
    let plane = database.candidate();
    let store = plane.open(NOW).await.unwrap();
    furnish(&store, &["t"]).await;
    store.commit(invalidate("t", "I1", "r", &["/a"])).await.unwrap();
    let history = store.identity().history;
    let (position, hash) = store.head().await.unwrap();
    database.tamper(LOSE);
    let lost = store.commit(invalidate("t", "I2", "r2", &["/a"])).await;
    assert!(
        matches!(&lost, Err(StoreError::WriterStopped { reason }) if reason.contains("has lost")),
        "{lost:?}"
    );
    drop(store);

    // The same plane knows what there was; so does every other one that has looked on.
    let store = plane.open(NOW).await.unwrap();
    assert_ne!(store.identity().history, history);
    assert!(!store.is_past(Applied { history, position, hash }).await.unwrap());
    let durable = store.durable().await.unwrap();
    assert_eq!(durable.members.len(), 1, "somebody stands for the edges that are not known any more");
    drop(store);
    // What has been noticed once is not noticed again.
    let again = plane.open(NOW).await.unwrap().identity().history;
    assert_eq!(again, database.open().identity().history);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_that_may_lose_something_are_refused() {
    let database = Database::new();
    let check = async |sql: &str, expected: &str| {
        database.tamper(&format!("ALTER DATABASE {} {sql}", database.name()));
        match database.candidate().open(NOW).await {
            Err(OpenError::Unsafe(found)) => {
                let said = found.to_string();
                assert!(said.contains(expected) && said.contains("--unsafe-store-settings"), "{said}");
            }
            other => panic!("{sql}: {other:?}"),
        }
        let accepting = candidate(&database.0, UnsafeSettings::Accept).open(NOW).await;
        assert!(accepting.is_ok(), "{sql}: {accepting:?}");
    };
    check("SET synchronous_commit = off", "synchronous_commit is 'off'").await;
    check("SET synchronous_commit = local", "synchronous_commit is 'local'").await;
    check("SET synchronous_commit = remote_write", "synchronous_commit is 'remote_write'").await;
    database.tamper(&format!("ALTER DATABASE {} SET synchronous_commit = remote_apply", database.name()));
    assert!(database.candidate().open(NOW).await.is_ok());
    // That a server stands alone is nothing that it says itself.
    let refused = candidate(&database.0, UnsafeSettings::Refuse).open(NOW).await;
    let Err(OpenError::Unsafe(found)) = refused else { panic!("{refused:?}") };
    let said = found.to_string();
    assert!(
        said.contains("synchronous_standby_names is ''") && said.contains("--store-without-standbys"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn newer_and_foreign_tables_are_refused() {
    let database = Database::new();
    drop(database.open());
    database.tamper("UPDATE recant.plane SET version = 9");
    let error = database.candidate().open(NOW).await.unwrap_err();
    assert!(matches!(error, OpenError::Newer { found: 9 }), "{error:?}");
    let database = Database::new();
    database.tamper("CREATE SCHEMA recant; CREATE TABLE recant.somebody_elses (row TEXT)");
    let error = database.candidate().open(NOW).await.unwrap_err();
    assert!(matches!(error, OpenError::Foreign), "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_that_cannot_be_stored_hurts_nobody_else() {
    let database = Database::new();
    let store = database.open();
    furnish(&store, &["t"]).await;
    let mut bad = super::samples::distribution("E9");
    // PostgreSQL's texts hold every character but this one.
    bad.caller_reference = "a\0b".into();
    let (bad, good) = tokio::join!(
        store.commit(Command::CreateDistribution(Box::new(bad))),
        store.commit(invalidate("t", "I1", "r", &["/a"])),
    );
    assert!(matches!(bad, Err(StoreError::Command { .. })), "{bad:?}");
    as_invalidation(good.unwrap());
    // What cannot be stored cannot be found, and asking for it is no failure.
    assert_eq!(store.tenant(TenantKey::Name("a\0b".into())).await.unwrap(), None);
    assert_eq!(store.tenant(TenantKey::Domain("\0".into())).await.unwrap(), None);
    let acl = TenantFilter::WebAcl("\0".into());
    assert!(items(store.tenants(acl, page(Some("\0"), 9)).await.unwrap()).0.is_empty());
    assert_eq!(refused(&store, Command::DeleteKey("\0".into())).await, Refusal::NoSuchKey);
    store.health().unwrap();
}

/// A server with a certificate for `localhost`, by an authority of the test's own.
fn secured() -> (PgServer, tempfile::TempDir) {
    let authority_key = rcgen::KeyPair::generate().unwrap();
    let mut authority = rcgen::CertificateParams::new([]).unwrap();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority_pem = authority.self_signed(&authority_key).unwrap().pem();
    let issuer = rcgen::Issuer::new(authority, authority_key);
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate =
        rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let server = PgServer::start_with_files(
        "ssl = on",
        &[("server.crt", &certificate.pem()), ("server.key", &key.serialize_pem())],
    );
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("authority.pem"), authority_pem).unwrap();
    (server, folder)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_way_to_the_database_is_secret_and_proven() {
    let (server, folder) = secured();
    server.make_database_named("secret");
    let authority = folder.path().join("authority.pem");
    let open = async |host: &str, query: String| {
        let address = format!("postgres://recant@{host}:{}/secret?{query}", server.port());
        candidate(&address, UnsafeSettings::WithoutStandbys).open(NOW).await
    };
    let trusting = format!("sslmode=verify-full&sslrootcert={}", authority.display());
    let store = open("localhost", trusting.clone()).await.unwrap();
    furnish(&store, &["t"]).await;
    let secret = "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'recant'";
    assert_eq!(server.ask("secret", secret), "t");
    for (host, query, why) in [
        ("localhost", "sslmode=verify-full".to_owned(), "an authority that nobody knows"),
        ("127.0.0.1", trusting, "a certificate of another name"),
    ] {
        let refused = open(host, query).await;
        assert!(matches!(refused, Err(OpenError::Failed { .. })), "{why}: {refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_costs_the_same_however_much_there_is() {
    const FILL: &str = "
        INSERT INTO recant.tenants SELECT 'f' || n, 'n' || n, distribution_id, connection_group_id, etag, config, spec,
               'arn:acl', 'arn:certificate', tags, created, modified, position
        FROM recant.tenants, generate_series(1, 20000) n WHERE id = 't';
        INSERT INTO recant.domains SELECT 'd' || n || '.example', 'f' || n FROM generate_series(1, 20000) n;
        INSERT INTO recant.invalidations SELECT n + 10, 't', 'I' || n, 'r', 1, 0, n, 0, 0, '[\"/a\"]'
        FROM generate_series(1, 20000) n;
        ANALYZE recant.tenants, recant.domains, recant.invalidations";
    let database = Database::new();
    let store = database.open();
    furnish(&store, &["t"]).await;
    database.tamper(FILL);
    let group = store.default_connection_group().await.unwrap();
    let (tenant, distribution) = (TenantId::parse("t").unwrap(), DistributionId::parse("E1").unwrap());
    let scope = Scope::Tenant(tenant);
    // Of a moment when no connection has anything left to report.
    let scans = || {
        let connections = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
        let started = std::time::Instant::now();
        while postgres::shared().ask(database.name(), connections) != "0" {
            assert!(started.elapsed() < PATIENCE, "a connection is left open");
        }
        let scans = "SELECT sum(seq_scan) || ' ' || sum(idx_scan) FROM pg_stat_user_tables
                     WHERE relname IN ('tenants', 'domains', 'invalidations')";
        let said = postgres::shared().ask(database.name(), scans);
        let (all, by_index) = said.split_once(' ').unwrap();
        (all.parse::<u64>().unwrap(), by_index.parse::<u64>().unwrap())
    };
    drop(store);
    let before = scans();
    let store = database.open();
    // Often enough for the server to settle on one plan for each statement.
    for _ in 0..8 {
        for filter in [
            TenantFilter::All,
            TenantFilter::Distribution(distribution.clone()),
            TenantFilter::ConnectionGroup(group.clone()),
            TenantFilter::WebAcl("arn:acl".into()),
            TenantFilter::Certificate("arn:certificate".into()),
        ] {
            let (found, more) = items(store.tenants(filter, page(Some("f5"), 10)).await.unwrap());
            assert_eq!((found.len(), more), (10, true));
        }
        store.domains("*.example", page(Some("d5"), 10)).await.unwrap();
        let (found, more) = items(store.invalidations(&scope, page(Some("I9000"), 10)).await.unwrap());
        assert_eq!((found.len(), more), (10, true));
        let made = store.commit(invalidate("t", "I-x", "r-x", &["/a"])).await.unwrap();
        assert!(!matches!(made, Outcome::Recorded));
    }
    drop(store);
    let after = scans();
    assert_eq!(after.0, before.0, "no table is read from end to end");
    assert!(after.1 > before.1);
}
