//! Several `recant plane`s on one PostgreSQL, behind a load balancer that knows nothing: clients and an edge notice no more than a
//! pause when the one that leads is killed.

use std::fs;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

use serde_json::Value;

use crate::postgres;
use crate::rig::{Origin, Page, RECANT, Said, create_tenant, http, repository, until};

/// A `recant plane` or `recant edge` in a folder of its own.
struct Process {
    child: Child,
    data_dir: PathBuf,
    address: SocketAddr,
}

impl Process {
    /// Starts one, and waits until it says where it listens, under that key.
    fn start(data_dir: PathBuf, key: &str, words: &[&str]) -> Self {
        let log = fs::File::create(data_dir.with_extension("log")).unwrap();
        let mut command = Command::new(RECANT);
        command.args(words).arg("--data-dir").arg(&data_dir);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let address = until("it listens", || {
            let log = || fs::read_to_string(data_dir.with_extension("log")).unwrap();
            assert!(child.try_wait().unwrap().is_none(), "it has ended: {}", log());
            let text = fs::read_to_string(data_dir.join("addresses.json")).ok()?;
            serde_json::from_str::<Value>(&text).ok()?[key].as_str()?.parse().ok()
        });
        Self { child, data_dir, address }
    }

    fn plane(folder: &Path, name: &str, database: &str) -> Self {
        // The tests' server stands alone.
        let database = ["--store", database, "--store-without-standbys"];
        let words = [&["plane", "--api", "127.0.0.1:0", "--lease-seconds", "2"], &database[..]].concat();
        Self::start(folder.join(name), "api", &words)
    }

    fn is_ready(&self) -> bool {
        http::get(self.address, "plane", "/readyz").status == 200
    }

    /// Whether it answers itself, and does not pass on.
    fn leads(&self) -> bool {
        http::get(self.address, "plane", "/readyz").body == b"ready\n"
    }

    /// Freezes it, or lets it go on: to the others it is there, and says nothing.
    fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success(), "kill {signal}");
    }

    /// Ends it as a crash does.
    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Takes connections in turn to each of several addresses, or to the next one that takes it.
fn balance(backends: Vec<SocketAddr>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // Lives as long as the tests' process.
    thread::spawn(move || {
        for (turn, client) in listener.incoming().enumerate() {
            let in_turn = backends.iter().cycle().skip(turn % backends.len()).take(backends.len());
            let server = in_turn.filter_map(|backend| TcpStream::connect(backend).ok()).next();
            if let (Ok(client), Some(server)) = (client, server) {
                let (from_client, to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                thread::spawn(move || carry(&from_client, &to_server));
                thread::spawn(move || carry(&server, &client));
            }
        }
    });
    address
}

fn carry(mut from: &TcpStream, mut to: &TcpStream) {
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}

/// Our own client, with the root key of a plane's folder and the balancer as the service.
struct Client {
    folder: PathBuf,
    service: SocketAddr,
}

impl Client {
    fn ok(&self, words: &[&str]) -> Value {
        let said = Said::of(
            Command::new(RECANT)
                .arg("cloudfront")
                .args(words)
                .env_clear()
                .env("HOME", "/nonexistent")
                .env("AWS_EC2_METADATA_DISABLED", "true")
                .env("AWS_SHARED_CREDENTIALS_FILE", self.folder.join("credentials"))
                .env("AWS_DEFAULT_REGION", "us-east-1")
                .env("AWS_ENDPOINT_URL_CLOUDFRONT", format!("http://{}", self.service)),
        );
        assert_eq!(said.status, 0, "{words:?}: {said:?}");
        serde_json::from_str(&said.stdout).unwrap()
    }

    /// Invalidates everything of a tenant, and waits until every edge has it.
    fn invalidate(&self, tenant: &str, reference: &str) {
        let batch = format!("Paths={{Quantity=1,Items=[/*]}},CallerReference={reference}");
        let words =
            ["create-invalidation-for-distribution-tenant", "--id", tenant, "--invalidation-batch", &batch];
        let made = self.ok(&words);
        let id = made["Invalidation"]["Id"].as_str().unwrap().to_owned();
        let get =
            ["get-invalidation-for-distribution-tenant", "--distribution-tenant-id", tenant, "--id", &id];
        until("the invalidation completes", || {
            (self.ok(&get)["Invalidation"]["Status"] == "Completed").then_some(())
        });
        assert_eq!(self.ok(&words)["Invalidation"]["Id"], *id, "a replay");
    }
}

#[test]
fn a_leader_that_is_frozen_holds_nobody_up() {
    let folder = tempfile::tempdir().unwrap();
    let database = postgres::shared().make_database();
    let first = Process::plane(folder.path(), "plane-1", &database);
    until("the first plane leads", || first.leads().then_some(()));
    let second = Process::plane(folder.path(), "plane-2", &database);
    until("the second plane follows", || second.is_ready().then_some(()));
    let ask = |plane: &Process| http::get(plane.address, "plane", "/2020-05-31/distribution").status;
    assert_eq!((ask(&first), ask(&second)), (403, 403), "who is not known is refused");
    let secret = fs::read_to_string(second.data_dir.join("edge-secret")).unwrap();
    let authorization = format!("Authorization: Recant-Edge {}", secret.trim());
    let follow = |plane: &Process| {
        http::open(plane.address, "GET", "plane", "/recant/v1/edges/feed", &[&authorization])
    };
    let feed = follow(&second);
    assert_eq!(feed.status, 200);

    first.signal("-STOP");
    thread::scope(|scope| {
        // In hand while the first one is frozen, or asked anew: none waits for the first one to go on.
        let asked: Vec<_> = (0..4).map(|_| scope.spawn(|| ask(&second))).collect();
        let feed = scope.spawn(move || feed.finish());
        until("the second plane leads", || second.leads().then_some(()));
        for asked in asked {
            let status = asked.join().unwrap();
            assert!([403, 503].contains(&status), "{status}");
        }
        feed.join().unwrap();
    });
    assert_eq!(ask(&second), 403);

    first.signal("-CONT");
    let leader = format!("ready: {} leads\n", second.address);
    until("the first plane knows", || {
        (http::get(first.address, "plane", "/readyz").body == leader.as_bytes()).then_some(())
    });
    assert_eq!(ask(&first), 403);
    assert_eq!(follow(&first).status, 200);
}

#[test]
fn clients_and_edges_outlive_the_plane_that_leads() {
    let folder = tempfile::tempdir().unwrap();
    let database = postgres::shared().make_database();
    let planes = ["plane-1", "plane-2"].map(|name| Process::plane(folder.path(), name, &database));
    let balancer = balance(planes.iter().map(|plane| plane.address).collect());
    until("both planes are ready", || planes.iter().all(Process::is_ready).then_some(()));

    let edge_dir = folder.path().join("edge");
    fs::create_dir(&edge_dir).unwrap();
    fs::copy(planes[1].data_dir.join("edge-secret"), edge_dir.join("edge-secret")).unwrap();
    let url = format!("http://{balancer}");
    let edge = Process::start(edge_dir, "viewer", &["edge", "--viewer", "127.0.0.1:0", "--plane", &url]);

    let origin = Origin::start();
    let client = Client { folder: planes[0].data_dir.clone(), service: balancer };
    let example = fs::read_to_string(repository("examples/distribution.json")).unwrap();
    let example = example.replace("8000", &origin.address.port().to_string());
    let made = client.ok(&["create-distribution", "--cli-input-json", &example]);
    let distribution = made["Distribution"]["Id"].as_str().unwrap().to_owned();
    let made = client.ok(&create_tenant(&distribution).each_ref().map(String::as_str));
    let tenant = made["DistributionTenant"]["Id"].as_str().unwrap().to_owned();

    let page = || http::get(edge.address, "one.example", "/page");
    origin.put("/one/page", Page::of("first"));
    until("the edge has the tenant and a lease", || {
        (page().body == b"first" && is_hit(&page())).then_some(())
    });
    origin.put("/one/page", Page::of("second"));
    assert_eq!(page().body, b"first", "it is cached");
    client.invalidate(&tenant, "one");
    assert_eq!(page().body, b"second");

    let [first, second] = planes;
    let (leader, other) = if first.leads() { (first, second) } else { (second, first) };
    leader.kill();
    origin.put("/one/page", Page::of("third"));
    client.invalidate(&tenant, "two");
    assert_eq!(page().body, b"third", "what the new leader calls completed is completed");
    assert!(other.leads());
    until("the edge has a lease of the new leader's", || is_hit(&page()).then_some(()));
    client.invalidate(&tenant, "one");
}

fn is_hit(reply: &http::Reply) -> bool {
    reply.header("cache-status").contains("hit")
}
