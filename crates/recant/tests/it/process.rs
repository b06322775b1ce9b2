//! How `recant serve` starts, stops, refuses to start, and what it leaves for others.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use serde_json::Value;

use crate::rig::{Client, Origin, Page, Serve, example, http, python, refused, until};

#[test]
fn it_says_where_it_listens() {
    let mut serve = Serve::start();
    assert_ne!(serve.api.port(), 0);
    assert_ne!(serve.viewer.port(), serve.api.port());
    for line in [
        format!("API      http://{}", serve.api),
        format!("Viewers  http://{}", serve.viewer),
        format!("Clients  eval \"$(recant env --data-dir {})\"", serve.data_dir().display()),
    ] {
        assert!(serve.greeting.lines().any(|found| found == line), "{line}: {}", serve.greeting);
    }
    for file in ["addresses.json", "credentials", "edge-secret", "plane.db"] {
        let mode = fs::metadata(serve.data_dir().join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{file} is readable by others: {mode:o}");
    }
    assert!(serve.is_healthy());
    assert_eq!(http::get(serve.api, "plane", "/readyz").status, 200);
    assert!(serve.stop().success());
    assert!(!serve.data_dir().join("addresses.json").exists(), "who has stopped listens nowhere");
}

#[test]
fn env_is_what_a_client_needs() {
    let mut serve = Serve::start();
    let env = serve.env();
    let names: Vec<&str> = env.iter().map(|(name, _)| name.as_str()).collect();
    let expected = [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_ENDPOINT_URL_CLOUDFRONT",
    ];
    assert_eq!(names, expected);
    assert_eq!(env[4].1, format!("http://{}", serve.api));
    assert!(env.iter().all(|(_, value)| !value.is_empty()));
    Client::recant(&serve).ok(&["list-distributions"]);
    serve.stop();
    let late = std::process::Command::new(crate::rig::RECANT)
        .arg("env")
        .arg("--data-dir")
        .arg(serve.data_dir())
        .output()
        .unwrap();
    assert!(!late.status.success());
    assert!(String::from_utf8_lossy(&late.stderr).contains("no plane is running"), "{late:?}");
}

#[test]
fn a_second_process_on_a_folder_is_refused() {
    let mut serve = Serve::start();
    let second = refused(&serve.data_dir());
    assert!(!second.status.success());
    let message = String::from_utf8_lossy(&second.stderr);
    assert!(message.contains("another process is using the data folder"), "{message}");
    // The first has not noticed, and where it listens is still what the folder says.
    assert!(serve.is_healthy());
    Client::recant(&serve).ok(&["list-distributions"]);
    assert!(serve.stop().success());
    assert!(Serve::start_in(serve.folder(), &[]).is_healthy());
}

#[test]
fn a_folder_of_a_newer_version_is_refused_and_left_alone() {
    let mut serve = Serve::start();
    assert!(serve.stop().success());
    let database = serve.data_dir().join("plane.db");
    let sqlite = |sql: &str| {
        let program =
            "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); print(c.execute(sys.argv[2]).fetchall())";
        let output = python(&[]).args(["-c", program]).arg(&database).arg(sql).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    sqlite("PRAGMA user_version = 1000");
    let output = refused(&serve.data_dir());
    assert!(!output.status.success());
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(message.contains("the data is of version 1000"), "{message}");
    assert!(message.contains("use the newer program"), "{message}");
    assert_eq!(sqlite("PRAGMA user_version").trim(), "[(1000,)]");
    assert!(!serve.data_dir().join("addresses.json").exists());
}

#[test]
fn sigterm_lets_what_is_in_flight_end() {
    let mut serve = Serve::start();
    let origin = Origin::start();
    example(&Client::recant(&serve), &serve, origin.address);
    let (page, gate) = Page::of("the first half, and the second half").held();
    origin.put("/one/slow", page);
    let slow = http::open(serve.viewer, "GET", "one.example", "/slow", &[]);
    assert_eq!(slow.status, 200);

    serve.terminate();
    until("new viewers are turned away", || {
        std::net::TcpStream::connect(serve.viewer).is_err().then_some(())
    });
    gate.open();
    assert_eq!(slow.finish().text(), "the first half, and the second half");
    assert_eq!(serve.wait().code(), Some(0));
}

#[test]
fn what_was_accepted_is_there_after_a_restart() {
    let mut serve = Serve::start();
    let origin = Origin::start();
    let (_, tenant) = example(&Client::recant(&serve), &serve, origin.address);
    let create = [
        "create-invalidation-for-distribution-tenant",
        "--id",
        &tenant,
        "--invalidation-batch",
        "Paths={Quantity=1,Items=[/a]},CallerReference=one",
    ];
    let first = Client::recant(&serve).ok(&create);
    let key = serve.env()[..2].to_vec();
    assert!(serve.stop().success());

    let serve = Serve::start_in(serve.folder(), &["--log-format", "json"]);
    assert_eq!(serve.env()[..2], key, "the key is the folder's");
    let again = Client::recant(&serve).ok(&create);
    assert_eq!(again["Invalidation"]["Id"], first["Invalidation"]["Id"]);
    origin.put("/one/a", Page::of("here"));
    until("the edge knows the tenant", || {
        (http::get(serve.viewer, "one.example", "/a").status == 200).then_some(())
    });

    let log = serve.stderr();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of_the_create = |line: &&Value| line["operation"] == "CreateInvalidationForDistributionTenant";
    let line = lines.iter().find(of_the_create).unwrap_or_else(|| panic!("{log}"));
    assert_eq!((&line["status"], &line["tenant"]), (&201.into(), &tenant.as_str().into()));
    assert!(!log.contains(&key[1].1), "a secret is in the log");
}

#[test]
fn a_folder_that_cannot_be_one_is_refused() {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let output = refused(&file);
    assert!(!output.status.success());
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(message.contains(&file.display().to_string()), "{message}");
}

#[test]
fn an_operators_choices_are_honoured() {
    let options = ["--caller-reference-conflict", "invalid-argument", "--paths-in-progress-max", "2"];
    let serve = Serve::start_with(&options);
    let client = Client::recant(&serve);
    let (_, tenant) = example(&client, &serve, Origin::start().address);
    let words = |batch| {
        ["create-invalidation-for-distribution-tenant", "--id", &tenant, "--invalidation-batch", batch]
    };
    let three = words("Paths={Quantity=3,Items=[/a,/b,/c]},CallerReference=one");
    client.refused(&three, "TooManyInvalidationsInProgress");
    client.ok(&words("Paths={Quantity=2,Items=[/a,/b]},CallerReference=one"));
    client.refused(&words("Paths={Quantity=1,Items=[/c]},CallerReference=one"), "InvalidArgument");
}

#[test]
fn a_file_that_is_not_there_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let (data, absent) = (folder.path().join("data"), folder.path().join("absent"));
    let file = folder.path().join("file");
    fs::write(&file, "no certificate, no database and no folder").unwrap();
    let check = |name: &str, option: &str, wrong: &std::path::Path| {
        let mut command = std::process::Command::new(crate::rig::RECANT);
        command.args([name, "--viewer", "127.0.0.1:0", "--data-dir"]).arg(&data).arg(option).arg(wrong);
        match name {
            "edge" => command.args(["--plane", "http://127.0.0.1:1"]),
            _ => command.args(["--api", "127.0.0.1:0"]),
        };
        if option == "--certificates" {
            command.args(["--viewer-tls", "127.0.0.1:0"]);
        }
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{name} {option}: {said}");
        assert!(said.contains(wrong.to_str().unwrap()), "{name} {option}: {said}");
        let left: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["file"], "{name} {option}");
    };
    for command in ["serve", "edge"] {
        for option in ["--geo-database", "--certificates", "--origin-ca"] {
            check(command, option, &absent);
            check(command, option, &file);
        }
        check(command, "--disk-store", &file);
    }
    check("serve", "--apply", &absent);
}
