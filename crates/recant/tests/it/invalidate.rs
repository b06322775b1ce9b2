//! `recant invalidate` on a live plane: one tenant, all tenants, and a run that is interrupted.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::rig::{Client, Origin, PATIENCE, Page, Said, Serve, create_tenant, example, http, until};

/// Makes further tenants of the example's distribution; gives all ids once every edge has them.
fn tenants(client: &Client, distribution: &str, first: String, names: &[&str]) -> Vec<String> {
    let mut ids = vec![first];
    for name in names {
        let domain = format!("Domain={name}.example");
        let words = create_tenant(distribution);
        let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
        words.extend(["--name", name, "--domains", &domain]);
        let made = client.ok(&words);
        let id = made["DistributionTenant"]["Id"].as_str().unwrap().to_owned();
        let status = || client.ok(&["get-distribution-tenant", "--identifier", &id]);
        until("the tenant is deployed", || {
            (status()["DistributionTenant"]["Status"] == "Deployed").then_some(())
        });
        ids.push(id);
    }
    ids
}

/// The invalidations that a tenant has.
fn invalidations(client: &Client, tenant: &str) -> usize {
    let list = client.ok(&["list-invalidations-for-distribution-tenant", "--id", tenant]);
    list["InvalidationList"]["Items"].as_array().map_or(0, Vec::len)
}

#[test]
fn all_tenants_of_a_distribution() {
    let serve = Serve::start();
    let origin = Origin::start();
    let client = Client::recant(&serve);
    let (distribution, first) = example(&client, &serve, origin.address);
    let ids = tenants(&client, &distribution, first, &["two", "three"]);
    let hosts = ["one.example", "two.example", "three.example"];
    let publish = |text: &str| ["/one/a", "/one/b"].map(|path| origin.put(path, Page::of(text)));
    let bodies = |path: &str| hosts.map(|host| http::get(serve.viewer, host, path).text().to_owned());

    publish("old");
    assert_eq!((bodies("/a"), bodies("/b")), (["old"; 3].map(str::to_owned), ["old"; 3].map(str::to_owned)));
    publish("new");
    let words = [&distribution, "/a", "--all-tenants", "--wait", "--deploy-id", "7", "--output", "json"];
    let said = Said::of(&mut client.invalidate(&words));
    assert_eq!(said.status, 0, "{said:?}");
    let result: Value = serde_json::from_str(&said.stdout).unwrap();
    let totals = json!({
        "Tenants": 3, "Created": 3, "Replayed": 0, "Completed": 3, "InProgress": 0, "Failed": 0, "Left": 0
    });
    assert_eq!(result["Totals"], totals, "{said:?}");
    assert_eq!((bodies("/a"), bodies("/b")), (["new"; 3].map(str::to_owned), ["old"; 3].map(str::to_owned)));

    // Once more the same: nothing new. Another deploy of one tenant: that one.
    let again = Said::of(&mut client.invalidate(&words));
    assert_eq!(again.status, 0, "{again:?}");
    assert_eq!(ids.iter().map(|id| invalidations(&client, id)).collect::<Vec<_>>(), [1; 3]);
    let one = Said::of(&mut client.invalidate(&["two.example", "/*", "--wait"]));
    assert_eq!(one.status, 0, "{one:?}");
    assert!(one.stdout.ends_with(" Completed\n"), "{one:?}");
    assert_eq!(bodies("/b"), ["old", "new", "old"]);

    // A dry run counts what is stored, and leaves it there.
    let dry = |words: &[&str]| {
        let said = Said::of(&mut client.invalidate(words));
        assert_eq!(said.status, 0, "{said:?}");
        serde_json::from_str::<Value>(&said.stdout).unwrap()
    };
    let one = dry(&["one.example", "/*", "--dry-run", "--output", "json"]);
    assert_eq!(one["StoredResponses"], 2, "{one}");
    let all = dry(&[&distribution, "/a", "--all-tenants", "--dry-run", "--output", "json"]);
    assert_eq!(all["Totals"]["StoredResponses"], 2, "{all}");
    assert_eq!(http::get(serve.viewer, "one.example", "/a").header("x-cache"), "Hit from recant");

    let alone = Said::of(&mut client.invalidate(&[&distribution, "/a"]));
    assert_eq!(alone.status, 252, "{alone:?}");
    assert!(alone.stderr.contains("add --all-tenants"), "{alone:?}");
}

#[test]
fn an_interrupt_says_how_to_go_on() {
    let serve = Serve::start();
    let client = Client::recant(&serve);
    let (distribution, first) = example(&client, &serve, Origin::start().address);
    let ids = tenants(&client, &distribution, first, &["two", "three", "four"]);
    let between = Between::start(serve.api, 2);
    let endpoint = format!("http://{}", between.address);
    let words = [&distribution, "/a*", "--all-tenants", "--concurrency", "1", "--wait"];
    let mut child = client
        .invalidate(&words)
        .args(["--endpoint-url", &endpoint])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    between.until_held();
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGINT).unwrap();
    let status = child.wait().unwrap();
    let read = |stream: &mut dyn io::Read| io::read_to_string(stream).unwrap();
    let (stdout, stderr) = (read(&mut child.stdout.unwrap()), read(&mut child.stderr.unwrap()));
    assert_eq!((status.code(), stdout.as_str()), (Some(130), ""), "{stderr}");
    assert!(stderr.contains("recant invalidate: interrupted: 2 of 4 created\n"), "{stderr}");
    let (_, line) = stderr.trim_end().rsplit_once("to go on: recant invalidate ").unwrap();

    // The line as it was said, past what had stood in the way.
    let line = line.replace('\'', "").replace(&endpoint, &format!("http://{}", serve.api));
    let said = Said::of(&mut client.invalidate(&line.split(' ').collect::<Vec<_>>()));
    assert_eq!((said.status, said.stdout.starts_with("4 tenants, 4 created")), (0, true), "{said:?}");
    assert_eq!(ids.iter().map(|id| invalidations(&client, id)).collect::<Vec<_>>(), [1; 4]);
}

/// Stands between the client and the plane, and keeps what comes after so many creates.
struct Between {
    address: SocketAddr,
    held: mpsc::Receiver<()>,
}

impl Between {
    fn start(plane: SocketAddr, creates_max: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (hold, held) = mpsc::channel();
        let creates = Arc::new(AtomicUsize::new(0));
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let plane = TcpStream::connect(plane).unwrap();
                let (mut from, mut to) = (plane.try_clone().unwrap(), client.try_clone().unwrap());
                thread::spawn(move || {
                    let _ = io::copy(&mut from, &mut to);
                    let _ = to.shutdown(Shutdown::Both);
                });
                let (creates, hold) = (Arc::clone(&creates), hold.clone());
                thread::spawn(move || pass_on(client, plane, &creates, creates_max, &hold));
            }
        });
        Self { address, held }
    }

    /// Waits until a create was kept.
    fn until_held(&self) {
        self.held.recv_timeout(PATIENCE).expect("a create is on its way");
    }
}

fn pass_on(
    mut client: TcpStream,
    mut plane: TcpStream,
    creates: &AtomicUsize,
    creates_max: usize,
    hold: &mpsc::Sender<()>,
) {
    let mut piece = [0; 16 * 1024];
    while let Ok(length @ 1..) = client.read(&mut piece) {
        let text = String::from_utf8_lossy(&piece[..length]);
        let is_create = text.starts_with("POST ") && text.contains("/invalidation HTTP/1.1\r\n");
        if is_create && creates.fetch_add(1, Ordering::SeqCst) >= creates_max {
            let _ = hold.send(());
            // Kept until the client is gone.
            let _ = client.read_to_end(&mut Vec::new());
            return;
        }
        if plane.write_all(&piece[..length]).is_err() {
            return;
        }
    }
    let _ = plane.shutdown(Shutdown::Both);
}
