//! `recant keys` and `recant audit` on a live plane: a key's life, what it may do meanwhile, and what the log tells of it.

use std::io::Write as _;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::rig::{Client, Origin, Said, Serve, example};

/// Runs a command that must succeed; gives its output, which is JSON or nothing.
#[track_caller]
fn ok(client: &Client, words: &[&str]) -> Value {
    let said = Said::of(&mut client.own(words));
    assert_eq!(said.status, 0, "{words:?}: {said:?}");
    assert!(said.stdout.is_empty() || said.stdout.ends_with('\n'), "{said:?}");
    if said.stdout.is_empty() { Value::Null } else { serde_json::from_str(&said.stdout).unwrap() }
}

/// Runs a command that must fail with this status and say this.
#[track_caller]
fn fails(client: &Client, words: &[&str], status: i32, expected: &str) {
    let said = Said::of(&mut client.own(words));
    assert_eq!(said.status, status, "{words:?}: {said:?}");
    assert!(said.stderr.starts_with(&format!("recant {}: ", words[0])), "{said:?}");
    assert!(said.stderr.contains(expected), "{words:?}: {said:?}");
}

/// The holder of a key that was made.
fn holder(serve: &Serve, made: &Value) -> Client {
    let member = |name: &str| made["Key"][name].as_str().unwrap().to_owned();
    let (id, secret) = (member("AccessKeyId"), member("SecretAccessKey"));
    Client::recant(serve).with(&[("AWS_ACCESS_KEY_ID", &id), ("AWS_SECRET_ACCESS_KEY", &secret)])
}

fn id(made: &Value) -> &str {
    made["Key"]["AccessKeyId"].as_str().unwrap()
}

#[test]
fn a_key_that_may_invalidate_may_do_just_that() {
    let serve = Serve::start();
    let root = Client::recant(&serve);
    let (distribution, tenant) = example(&root, &serve, Origin::start().address);
    let made = ok(&root, &["keys", "create", "ci", "--may", "invalidate"]);
    assert_eq!(made["Key"]["Name"], "ci");
    let ci = holder(&serve, &made);
    for words in [
        &["one.example", "/a", "--wait"][..],
        &[&tenant, "/a", "--dry-run", "--output", "json"],
        &[&distribution, "/a", "--all-tenants", "--wait"],
        &[&distribution, "/a", "--all-tenants", "--dry-run", "--output", "json"],
    ] {
        let said = Said::of(&mut ci.invalidate(words));
        assert_eq!(said.status, 0, "{words:?}: {said:?}");
        assert!(!said.stdout.contains("\"StoredResponses\": null"), "{words:?}: {said:?}");
    }
    ci.refused(&["list-distributions"], "AccessDenied");
    fails(
        &ci,
        &["keys", "list"],
        254,
        "An error occurred (AccessDenied) when calling the ListKeys operation",
    );

    // For one tenant only, by any of its names.
    let made = ok(&root, &["keys", "create", "shop", "--may", "invalidate", "--on", "one.example"]);
    let arn = format!("arn:aws:cloudfront::*:distribution-tenant/{tenant}");
    assert_eq!(made["Key"]["Policy"]["Statement"][0]["Resource"], json!([arn]));
    let shop = holder(&serve, &made);
    let said = Said::of(&mut shop.invalidate(&["one.example", "/a", "--wait"]));
    assert_eq!(said.status, 0, "{said:?}");
    let said = Said::of(&mut shop.invalidate(&[&distribution, "/a", "--all-tenants"]));
    assert_eq!(said.status, 254, "{said:?}");
}

#[test]
fn the_life_of_a_key() {
    let serve = Serve::start();
    let root = Client::recant(&serve);
    let policy = json!({"Statement": {"Effect": "Allow", "Action": "cloudfront:List*", "Resource": "*"}});
    let made = ok(&root, &["keys", "create", "pipeline", "--policy", &policy.to_string()]);
    let (old, old_id) = (holder(&serve, &made), id(&made));
    old.ok(&["list-distributions"]);

    let shown = ok(&root, &["keys", "show", old_id]);
    assert_eq!((&shown["Key"]["Policy"], shown["Key"].get("SecretAccessKey")), (&policy, None));
    let keys = ok(&root, &["keys", "list"]);
    let names: Vec<&Value> = keys["Keys"].as_array().unwrap().iter().map(|key| &key["Name"]).collect();
    assert_eq!(names, ["root", "pipeline"]);
    assert_eq!(keys["Keys"][0]["IsRoot"], true);
    let text = Said::of(&mut root.own(&["keys", "list", "--query", "Keys[].Name", "--output", "text"]));
    assert_eq!(text.stdout, "root\tpipeline\n");

    let rotated = Said::of(&mut root.own(&["keys", "rotate", old_id]));
    assert!(rotated.stderr.contains(&format!("recant keys disable {old_id}")), "{rotated:?}");
    let new = holder(&serve, &serde_json::from_str(&rotated.stdout).unwrap());
    old.ok(&["list-distributions"]);
    ok(&root, &["keys", "disable", old_id]);
    old.refused(&["list-distributions"], "InvalidClientTokenId");
    ok(&root, &["keys", "enable", old_id]);
    let newest = ok(&root, &["keys", "rotate", old_id, "--disable-old"]);
    old.refused(&["list-distributions"], "InvalidClientTokenId");
    new.ok(&["list-distributions"]);

    // Another policy, from standard input and from a file.
    let document = serve.folder().path().join("policy.json");
    std::fs::write(&document, policy.to_string().replace("List", "Get")).unwrap();
    ok(&root, &["keys", "policy", "set", id(&newest), "--policy", document.to_str().unwrap()]);
    holder(&serve, &newest).refused(&["list-distributions"], "AccessDenied");
    let mut child = root
        .own(&["keys", "policy", "set", id(&newest), "--policy", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(policy.to_string().as_bytes()).unwrap();
    assert!(child.wait_with_output().unwrap().status.success());
    assert_eq!(ok(&root, &["keys", "policy", "get", id(&newest)]), policy);
    holder(&serve, &newest).ok(&["list-distributions"]);

    ok(&root, &["keys", "delete", old_id]);
    fails(&root, &["keys", "show", old_id], 254, "EntityNotFound");
    let root_id = keys["Keys"][0]["AccessKeyId"].as_str().unwrap();
    fails(&root, &["keys", "delete", root_id], 254, "it is the root key");
    fails(&root, &["keys", "rotate", root_id], 252, "is the root key");
}

#[test]
fn a_second_key_of_a_name_is_made_and_the_first_is_told() {
    let serve = Serve::start();
    let root = Client::recant(&serve);
    let create = |client: &Client, name: &str| {
        let said = Said::of(&mut client.own(&["keys", "create", name, "--may", "read"]));
        assert_eq!(said.status, 0, "{said:?}");
        (serde_json::from_str::<Value>(&said.stdout).unwrap(), said.stderr)
    };
    let (first, said) = create(&root, "ci");
    assert_eq!(said, "");
    let (second, said) = create(&root, "ci");
    assert!(said.contains(&format!("recant keys disable {}", id(&first))), "{said}");
    assert!(!said.contains(id(&second)) && said.lines().count() == 1, "{said}");
    ok(&root, &["keys", "disable", id(&first)]);
    let (_, said) = create(&root, "ci");
    assert!(said.contains(id(&second)) && !said.contains(id(&first)), "{said}");
    for name in ["another", "root"] {
        assert_eq!(create(&root, name).1, "", "{name}");
    }

    // Whoever may make keys need not be allowed to see them.
    let policy = json!({"Statement": {"Effect": "Allow", "Action": "recant:CreateKey", "Resource": "*"}});
    let maker = holder(&serve, &ok(&root, &["keys", "create", "maker", "--policy", &policy.to_string()]));
    assert_eq!(create(&maker, "ci").1, "");
}

#[test]
fn wrong_lines_are_told_before_anything_is_asked() {
    let serve = Serve::start();
    let root = Client::recant(&serve);
    for (words, expected) in [
        (&["keys"][..], "what shall be done with keys?"),
        (&["keys", "fly"], "there is no 'fly'"),
        (&["keys", "create"], "'create' wants one NAME"),
        (&["keys", "create", "x"], "what may the key do?"),
        (&["keys", "create", "x", "--may", "fly"], "one of invalidate, read, everything is expected"),
        (&["keys", "create", "x", "--policy", "{"], "the policy in --policy is no JSON: "),
        (
            &["keys", "create", "x", "--policy", "nowhere.json"],
            "cannot be read: nowhere.json: No such file or directory",
        ),
        (&["keys", "create", "x", "--policy", "{}", "--may", "read"], "exclude each other"),
        (&["keys", "show", "x", "--may", "read"], "--may says nothing with 'recant keys show'"),
        (&["keys", "list", "--all"], "there is no option '--all'"),
        (&["audit", "--since", "5"], "a time is expected"),
        (&["audit", "--last", "0"], "a number is expected, 1 to 100000"),
        (&["audit", "all"], "'all' says nothing here"),
    ] {
        fails(&root, words, 252, expected);
    }
    let aws = root.with(&[("AWS_ENDPOINT_URL_CLOUDFRONT", "https://cloudfront.amazonaws.com")]);
    fails(&aws, &["keys", "list"], 253, "the endpoint is AWS's own");
    assert_eq!(ok(&root, &["audit"])["Records"], json!([]));
    assert!(Said::of(&mut root.own(&["keys", "help"])).stdout.contains("rotate ID"));
}

#[test]
fn the_audit_log_is_shown() {
    let serve = Serve::start();
    let root = Client::recant(&serve);
    let made = ok(&root, &["keys", "create", "ci", "--may", "invalidate"]);
    for _ in 0..3 {
        holder(&serve, &made).refused(&["list-distributions"], "AccessDenied");
    }
    let records = |words: &[&str]| {
        let records = ok(&root, &[&["audit"], words].concat())["Records"].clone();
        let all = records.as_array().unwrap().iter();
        all.map(|one| (one["Number"].as_i64().unwrap(), one["Decision"].as_str().unwrap().to_owned()))
            .collect::<Vec<_>>()
    };
    let denied = |number: i64| (number, "ImplicitDeny".to_owned());
    assert_eq!(records(&[]), [(1, "Allowed".to_owned()), denied(2), denied(3), denied(4)]);
    assert_eq!(records(&["--last", "2"]), [denied(3), denied(4)]);
    assert_eq!(records(&["--denied", "--since", "1h"]), [denied(2), denied(3), denied(4)]);
    assert_eq!(records(&["--key", id(&made), "--last", "1"]), [denied(4)]);
    assert_eq!(records(&["--since", "2999-01-01"]), []);
    let one = &ok(&root, &["audit", "--last", "1"])["Records"][0];
    assert_eq!(one["Action"], "cloudfront:ListDistributions", "{one}");
    assert_eq!(one["AccessKeyId"], made["Key"]["AccessKeyId"], "{one}");
}
