//! `recant progress`, `recant edges` and `recant events` on a live plane with its edge.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;

use serde_json::{Value, json};

use crate::rig::{Client, Origin, PATIENCE, Page, Said, Serve, completed, example, http, until};

/// A running `recant events`.
struct Listener {
    child: Child,
    events: Receiver<Value>,
}

impl Listener {
    fn start(client: &Client, words: &[&str]) -> Self {
        let mut child = client
            .own(&[&["events"], words].concat())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (say, events) = mpsc::channel();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        thread::spawn(move || {
            let values = lines.map_while(Result::ok).map(|line| serde_json::from_str(&line).unwrap());
            values.into_iter().try_for_each(|value: Value| say.send(value))
        });
        Self { child, events }
    }

    /// The next event of this name.
    fn next(&self, name: &str) -> Value {
        loop {
            let event = self.events.recv_timeout(PATIENCE).unwrap();
            if event["Event"] == name {
                return event;
            }
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn an_invalidation_is_followed_from_edge_to_edge() {
    let mut serve = Serve::start();
    let client = Client::recant(&serve);
    let listener = Listener::start(&client, &["--after", "0"]);
    assert_eq!(listener.next("begin")["Position"], 0);
    let origin = Origin::start();
    origin.put("/one/a", Page::of("a").with("Cache-Control: max-age=600"));
    let (distribution, tenant) = example(&client, &serve, origin.address);
    until("a hit", || http::get(serve.viewer, "one.example", "/a").is_hit().then_some(()));
    let said = Said::of(&mut client.invalidate(&[&tenant, "/a"]));
    let id = said.stdout.split(' ').next().unwrap().to_owned();
    completed(&serve, &tenant, &id);
    let accepted = listener.next("invalidation-accepted");
    assert_eq!(
        (&accepted["InvalidationId"], &accepted["DistributionTenantId"]),
        (&json!(id), &json!(tenant))
    );
    let last = listener.next("invalidation-completed");
    assert_eq!(last["Position"], accepted["Position"]);

    let ok = |words: &[&str]| -> Value {
        let said = Said::of(&mut client.own(words));
        assert_eq!(said.status, 0, "{said:?}");
        serde_json::from_str(&said.stdout).unwrap()
    };
    for target in [tenant.as_str(), "one.example"] {
        let progress = ok(&["progress", target, &id]);
        assert_eq!((&progress["Id"], &progress["Status"]), (&json!(id), &json!("Completed")), "{progress}");
        let edge = &progress["Edges"][0];
        assert_eq!((&edge["HasApplied"], &edge["IsAwaited"]), (&json!(true), &json!(false)), "{progress}");
        assert!(edge["AppliedBy"].as_str() >= progress["CreateTime"].as_str(), "{progress}");
        assert!(edge["LeaseUntil"].as_str() > edge["AppliedBy"].as_str(), "{progress}");
    }
    // Who asks finds that it is gone, and the next heartbeat tells it.
    assert!(!http::get(serve.viewer, "one.example", "/a").is_hit());
    until("the count", || {
        (ok(&["progress", &tenant, &id])["Edges"][0]["RemovedResponses"] == 1).then_some(())
    });
    let edges = ok(&["edges"]);
    assert_eq!(edges["Edges"].as_array().unwrap().len(), 1, "{edges}");
    assert_eq!(edges["CompletedPosition"], accepted["Position"], "{edges}");
    let wrong = Said::of(&mut client.own(&["progress", &distribution, &id, "--distribution"]));
    assert_eq!(wrong.status, 254, "{wrong:?}");
    assert!(wrong.stderr.contains("(NoSuchInvalidation)"), "{wrong:?}");

    // A plane that starts again on the same port: the listener goes on where it was.
    let (api, folder) = (serve.api.to_string(), serve.folder());
    serve.stop();
    drop(serve);
    let serve = Serve::start_in(folder, &["--api", &api]);
    let again = Said::of(&mut Client::recant(&serve).invalidate(&[&tenant, "/b"]));
    let again = again.stdout.split(' ').next().unwrap().to_owned();
    assert_eq!(listener.next("invalidation-accepted")["InvalidationId"], json!(again));
    let begun = Listener::start(&client, &["--after", last["Id"].as_str().unwrap()]);
    assert_eq!(begun.next("invalidation-accepted")["InvalidationId"], json!(again));
}
