//! A dry run's number is what then disappears: from the edge in the plane's process, and from one of its own.

use std::fs;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::rig::{Client, Origin, Page, RECANT, Said, Serve, create_tenant, example, http, until};

/// A `recant edge` beside a `recant serve`.
struct Edge {
    viewer: SocketAddr,
    child: Child,
}

impl Edge {
    fn of(serve: &Serve) -> Self {
        let folder = serve.folder().path().join("edge");
        fs::create_dir(&folder).unwrap();
        fs::copy(serve.data_dir().join("edge-secret"), folder.join("edge-secret")).unwrap();
        let mut child = Command::new(RECANT)
            .args(["edge", "--viewer", "127.0.0.1:0", "--plane", &format!("http://{}", serve.api)])
            .arg("--data-dir")
            .arg(&folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let viewer = until("the edge listens", || {
            assert!(child.try_wait().unwrap().is_none(), "the edge has ended");
            let text = fs::read_to_string(folder.join("addresses.json")).ok()?;
            serde_json::from_str::<Value>(&text).ok()?["viewer"].as_str()?.parse().ok()
        });
        Self { viewer, child }
    }
}

impl Drop for Edge {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn what_a_dry_run_counts_is_what_then_disappears() {
    let serve = Serve::start();
    let edge = Edge::of(&serve);
    let origin = Origin::start();
    let client = Client::recant(&serve);
    let (distribution, _) = example(&client, &serve, origin.address);
    let two = create_tenant(&distribution);
    let mut two: Vec<&str> = two.iter().map(String::as_str).collect();
    two.extend(["--name", "two", "--domains", "Domain=two.example"]);
    client.ok(&two);

    for (path, tags) in
        [("/a", "news"), ("/img/1", "plain"), ("/img/2", "news"), ("/kept", "other"), ("/gone", "plain")]
    {
        origin.put(&format!("/one{path}"), Page::of("page").with(&format!("Cache-Tag: {tags}")));
    }
    let one = |path| ("one.example", path);
    let other = |path| ("two.example", path);
    let stored = [
        (
            serve.viewer,
            vec![one("/a"), one("/img/1"), one("/img/2"), one("/kept"), one("/gone"), other("/img/1")],
        ),
        (edge.viewer, vec![one("/img/1"), one("/kept"), one("/gone"), other("/a"), other("/img/2")]),
    ];
    let stored =
        || stored.iter().flat_map(|(viewer, of)| of.iter().map(|(host, path)| (*viewer, *host, *path)));
    for (viewer, host, path) in stored() {
        until("the page is stored", || http::get(viewer, host, path).is_hit().then_some(()));
    }
    let count = |items: &[&str]| {
        let words = [&["one.example"], items, &["--dry-run", "--output", "json"]].concat();
        let said = Said::of(&mut client.invalidate(&words));
        assert_eq!(said.status, 0, "{said:?}");
        let answer: Value = serde_json::from_str(&said.stdout).unwrap();
        assert_eq!(answer["UnansweredEdges"], json!([]), "{answer}");
        answer["StoredResponses"].clone()
    };
    let invalidate = |items: &[&str]| {
        let words = [&["one.example"], items, &["--wait"]].concat();
        let said = Said::of(&mut client.invalidate(&words));
        assert_eq!(said.status, 0, "{said:?}");
    };

    // What an earlier invalidation has taken away cannot be taken away again.
    assert_eq!(count(&["/gone"]), 2);
    invalidate(&["/gone"]);
    assert_eq!(count(&["/gone"]), 0);

    // Of the embedded edge's: /a by its tag, /img/1, and /img/2 by both but once. Of the other's: /img/1.
    let items = ["/img/*", "#news", "/nothing"];
    assert_eq!(count(&items), 4);
    assert_eq!(count(&items), 4, "nothing has gone by counting");
    invalidate(&items);
    assert_eq!(count(&items), 0);
    assert_eq!(count(&["/*"]), 2, "the two of /kept");
    let gone: Vec<_> = stored()
        .filter(|(_, host, path)| (*host, *path) != one("/gone"))
        .filter(|(viewer, host, path)| !http::get(*viewer, host, path).is_hit())
        .collect();
    let expected = [
        (serve.viewer, "one.example", "/a"),
        (serve.viewer, "one.example", "/img/1"),
        (serve.viewer, "one.example", "/img/2"),
        (edge.viewer, "one.example", "/img/1"),
    ];
    assert_eq!(gone, expected);
}
