//! What is not CloudFront's: health, the calls of edges, the end of a plane.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use recant_plane::{Plane, PlaneOptions, StartError};
use recant_wire::feed::{FEED_PATH, HEARTBEAT_PATH};

use super::rig::{Call, Rig};

fn plain(rig: &Rig, method: &str, path: &str) -> Call {
    Call {
        method: method.into(),
        path: path.into(),
        query: String::new(),
        headers: vec![("host".into(), rig.address.to_string())],
        body: Vec::new(),
    }
}

#[test]
fn health_needs_no_signature() {
    let rig = Rig::start();
    for path in ["/healthz", "/readyz"] {
        assert_eq!(rig.send(&plain(&rig, "GET", path)).status, 200, "{path}");
        assert_eq!(rig.send(&plain(&rig, "HEAD", path)).status, 200, "{path}");
        rig.send(&plain(&rig, "POST", path)).refused(405, "MethodNotAllowed");
    }
}

#[test]
fn only_who_knows_the_secret_is_an_edge() {
    let rig = Rig::start();
    for (method, path) in [("GET", FEED_PATH), ("POST", HEARTBEAT_PATH)] {
        let mut call = plain(&rig, method, path);
        assert_eq!(rig.send(&call).status, 403, "{path}");
        call.headers.push(("authorization".into(), format!("Recant-Edge {}", "0".repeat(64))));
        assert_eq!(rig.send(&call).status, 403, "{path}");
    }
    let mut call = plain(&rig, "POST", HEARTBEAT_PATH).with_body("nonsense");
    call.headers.push(("authorization".into(), rig.edge_authorization.clone()));
    assert_eq!(rig.send(&call).status, 400);
}

#[test]
fn a_feed_ends_with_the_plane() {
    let mut rig = Rig::start();
    let mut call = plain(&rig, "GET", FEED_PATH);
    call.headers.push(("authorization".into(), rig.edge_authorization.clone()));
    let mut stream = TcpStream::connect(rig.address).unwrap();
    stream.write_all(&call.to_bytes()).unwrap();
    let mut first = [0; 12];
    stream.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    rig.stop();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).unwrap();
    // A chunked body that ends as it should, not a broken connection.
    assert!(rest.ends_with(b"0\r\n\r\n"), "{:?}", String::from_utf8_lossy(&rest));
    assert!(TcpStream::connect(rig.address).is_err(), "the listener is closed");
}

#[test]
fn a_second_plane_and_bad_options_are_refused() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let options = PlaneOptions::new(folder.path(), SocketAddr::from(([127, 0, 0, 1], 0)));
    runtime.block_on(async {
        let first = Plane::start(options.clone()).await.unwrap();
        let second = Plane::start(options.clone()).await;
        assert!(matches!(second, Err(StartError::Folder(_))), "{second:?}");
        let kept = first.folder();
        first.stopper().stop();
        first.run().await;
        assert!(Plane::start(options.clone()).await.is_err(), "the folder is still held");
        drop(kept);
        drop(Plane::start(options.clone()).await.unwrap());
        for url in ["plane.example", "http://a/", "https://", "http://a b"] {
            let bad = PlaneOptions { public_url: Some(url.into()), ..options.clone() };
            assert!(matches!(Plane::start(bad).await, Err(StartError::Option { .. })), "{url}");
        }
    });
}
