//! The edge before an origin of another make: Python's own web server over a folder.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Stdio};

use tempfile::TempDir;

use crate::rig::{Client, Serve, completed, example, http, python};

/// `python3 -m http.server` over a folder that can be written to.
struct WebServer {
    address: SocketAddr,
    folder: TempDir,
    child: Child,
}

impl WebServer {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = python(&[]);
        command.args([
            "-u",
            "-m",
            "http.server",
            "--bind",
            "127.0.0.1",
            "--protocol",
            "HTTP/1.1",
            "--directory",
        ]);
        command.arg(folder.path()).arg("0").stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        // "Serving HTTP on 127.0.0.1 port 40001 (http://127.0.0.1:40001/) ..."
        let url = line.split_once("http://").expect("it says where it listens").1;
        let address = url.split('/').next().unwrap().parse().unwrap();
        Self { address, folder, child }
    }

    fn write(&self, path: &str, body: &[u8]) {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, body).unwrap();
    }
}

impl Drop for WebServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn pythons_web_server() {
    let origin = WebServer::start();
    let serve = Serve::start();
    let client = Client::recant(&serve);
    let (_, tenant) = example(&client, &serve, origin.address);
    let get = |path| http::get(serve.viewer, "one.example", path);

    origin.write("one/page.html", b"<p>old</p>");
    assert_eq!(get("/page.html").status, 200);
    let hit = get("/page.html");
    assert_eq!((hit.text(), hit.is_hit()), ("<p>old</p>", true));
    assert_eq!(hit.header("content-type"), "text/html");

    let head = http::send(serve.viewer, "HEAD", "one.example", "/page.html", &[]);
    assert_eq!((head.status, head.header("content-length"), head.body.len()), (200, "10", 0));
    let since = format!("If-Modified-Since: {}", hit.header("last-modified"));
    let unchanged = http::send(serve.viewer, "GET", "one.example", "/page.html", &[&since]);
    assert_eq!((unchanged.status, unchanged.body.len(), unchanged.is_hit()), (304, 0, true));

    assert_eq!(get("/nothing.html").status, 404);
    let outside = get("/../../etc/passwd").status;
    assert!((400..=499).contains(&outside), "{outside}");

    // More than is stored, and nothing of it lost on the way.
    let large: Vec<u8> = (0..20 * 1024 * 1024_u32).map(|n| (n / 7) as u8).collect();
    origin.write("one/large.bin", &large);
    for _ in 0..2 {
        let reply = get("/large.bin");
        assert_eq!((reply.status, reply.body.len()), (200, large.len()));
        assert!(reply.body == large, "other bytes");
    }

    origin.write("one/page.html", b"<p>newer</p>");
    assert_eq!(get("/page.html").text(), "<p>old</p>");
    let batch = "Paths={Quantity=1,Items=[/*]},CallerReference=one";
    let made = client.ok(&[
        "create-invalidation-for-distribution-tenant",
        "--id",
        &tenant,
        "--invalidation-batch",
        batch,
    ]);
    let id = made["Invalidation"]["Id"].as_str().unwrap();
    completed(&serve, &tenant, id);
    assert_eq!(get("/page.html").text(), "<p>newer</p>");
}
