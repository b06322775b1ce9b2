//! `invalidate`: what goes over the wire, what is said, and when it ends.

use std::time::Duration;

use recant_cli::ScriptedEnvironment;

use crate::server::{Answer, Server};
use crate::{Outcome, environment};

/// An invalidation that was created at this time, in seconds after 18:40 of the day; it is 18:40:49.
fn invalidation(status: &str, seconds: u32) -> Answer {
    let time = format!("2024-12-05T18:40:{seconds:02}.413Z");
    Answer::ok(&format!(
        "<Invalidation><Id>I1</Id><Status>{status}</Status><CreateTime>{time}</CreateTime></Invalidation>"
    ))
}

fn run(line: &str, answers: Vec<Answer>) -> Outcome {
    run_in(environment(), line, answers)
}

fn run_in(mut environment: ScriptedEnvironment, line: &str, answers: Vec<Answer>) -> Outcome {
    let server = Server::start(answers);
    environment.vars.insert("AWS_ENDPOINT_URL".to_owned(), server.endpoint());
    let status = recant_cli::invalidate(line.split_whitespace().map(Into::into), &mut environment);
    Outcome {
        status,
        stdout: String::from_utf8(environment.stdout).unwrap(),
        stderr: String::from_utf8(environment.stderr).unwrap(),
        requests: server.requests(),
        slept: environment.slept,
    }
}

fn reference(request: &str) -> &str {
    let (_, rest) = request.split_once("<CallerReference>").unwrap();
    rest.split_once("</CallerReference>").unwrap().0
}

#[test]
fn a_distribution_without_tenants_is_invalidated_itself() {
    let answers = vec![invalidation("InProgress", 49), invalidation("Completed", 49)];
    let outcome = run("E1 /a --distribution --wait --output json", answers);
    assert_eq!(outcome.status, 0, "{}", outcome.stderr);
    assert!(outcome.requests[0].starts_with("POST /2020-05-31/distribution/E1/invalidation "));
    assert!(outcome.requests[1].starts_with("GET /2020-05-31/distribution/E1/invalidation/I1 "));
    assert!(outcome.stdout.contains("\"DistributionId\": \"E1\""), "{}", outcome.stdout);
    let table = run("E1 /a --distribution --output table", vec![invalidation("InProgress", 49)]);
    assert!(table.stdout.contains(" CreateInvalidation "), "{}", table.stdout);
    let outcome = run("one.example /a --distribution", Vec::new());
    assert_eq!((outcome.status, outcome.requests.len()), (252, 0));
    let dry = run("E1 /a --distribution --dry-run --deploy-id d", vec![Answer::ok("<html>")]);
    let line = "recant cloudfront create-invalidation --distribution-id E1 --invalidation-batch ";
    assert!(dry.stdout.starts_with(line), "{}", dry.stdout);
    assert!(dry.requests[0].starts_with("POST /recant/v1/distributions/E1/invalidation-dry-run "));
}

#[test]
fn a_batch_is_made_and_waited_for() {
    let answers = vec![
        invalidation("InProgress", 49),
        invalidation("InProgress", 49),
        invalidation("InProgress", 49),
        invalidation("Completed", 49),
    ];
    let environment = ScriptedEnvironment { stdin: b"/img/*\r\n\n/a\n".to_vec(), ..environment() };
    let outcome = run_in(environment, "dt_1 /img/b #Sale --paths-from - --wait", answers);
    assert_eq!((outcome.status, outcome.stdout.as_str()), (0, "I1 Completed\n"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("1 path redundant left out"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("new with every run"), "{}", outcome.stderr);
    assert_eq!(outcome.slept, [100, 150, 225].map(Duration::from_millis));
    assert_eq!(outcome.requests.len(), 4);
    assert!(outcome.requests[0].starts_with("POST /2020-05-31/distribution-tenant/dt_1/invalidation "));
    let paths = "<Paths><Quantity>3</Quantity><Items><Path>#Sale</Path><Path>/a</Path><Path>/img/*</Path></Items></Paths>";
    assert!(outcome.requests[0].contains(paths), "{}", outcome.requests[0]);
    assert!(outcome.requests[3].starts_with("GET /2020-05-31/distribution-tenant/dt_1/invalidation/I1 "));
}

#[test]
fn the_time_may_be_over() {
    let outcome = run("dt_1 /a --wait=20", vec![invalidation("InProgress", 49)]);
    assert_eq!((outcome.status, outcome.stdout.as_str()), (1, "I1 InProgress\n"));
    assert!(outcome.stderr.contains("I1 is still InProgress after 20 s"), "{}", outcome.stderr);
    assert_eq!(outcome.slept.iter().sum::<Duration>(), Duration::from_secs(20));
    assert_eq!(outcome.slept.iter().max(), Some(&Duration::from_secs(5)));
}

#[test]
fn a_deploy_is_sent_once() {
    let first = run("dt_1 /b /a --deploy-id 7", vec![invalidation("InProgress", 49)]);
    let again = run("dt_1 /a /b /a --deploy-id 7 --output json", vec![invalidation("Completed", 9)]);
    let next = run("dt_1 /a /b --deploy-id 8", vec![invalidation("InProgress", 49)]);
    assert_eq!(reference(&first.requests[0]), reference(&again.requests[0]));
    assert_ne!(reference(&first.requests[0]), reference(&next.requests[0]));
    assert!(!first.stderr.contains("had been sent"), "{}", first.stderr);
    assert!(again.stderr.contains("nothing new is invalidated"), "{}", again.stderr);
    assert!(again.stdout.contains("\"Replay\": true\n"), "{}", again.stdout);
    assert!(again.stdout.contains("\"RedundantPaths\": 1,\n"), "{}", again.stdout);
}

#[test]
fn a_tenant_is_found_by_name_and_by_domain() {
    let tenant = Answer::ok("<DistributionTenant><Id>dt_9</Id></DistributionTenant>");
    let list = Answer::ok(
        "<ListDistributionTenantsResult><DistributionTenantList><DistributionTenantSummary><Id>dt_9</Id><Domains>\
         <member><Domain>one.example</Domain></member></Domains></DistributionTenantSummary></DistributionTenantList>\
         </ListDistributionTenantsResult>",
    );
    let none = || Answer::error(404, "EntityNotFound", "None.");
    let created = || invalidation("InProgress", 49);
    let not_offered = Answer::error(501, "NotImplemented", "Not here.");
    let check = |target: &str, answers: Vec<Answer>| {
        let outcome = run(&format!("{target} /a"), answers);
        assert_eq!((outcome.status, outcome.stdout.as_str()), (0, "I1 InProgress\n"), "{}", outcome.stderr);
        let last = outcome.requests.last().unwrap();
        assert!(last.starts_with("POST /2020-05-31/distribution-tenant/dt_9/invalidation "), "{last}");
    };
    check("one", vec![tenant.clone(), created()]);
    check("one.example", vec![tenant.clone(), created()]);
    check("name.with.dots", vec![none(), tenant, created()]);
    check("ONE.example", vec![not_offered, list, created()]);

    let outcome = run("E1ABCDEFGHIJKL /a", vec![none()]);
    assert_eq!((outcome.status, outcome.requests.len()), (252, 1));
    assert!(outcome.stderr.contains("add --all-tenants"), "{}", outcome.stderr);
    let outcome = run("www.example /a", vec![none(), none()]);
    assert_eq!((outcome.status, outcome.requests.len()), (255, 2));
    let said = "no tenant has the id, name or domain 'www.example'; a distribution without tenants is named by its id, with --distribution\n";
    assert!(outcome.stderr.ends_with(said), "{}", outcome.stderr);
    let outcome = run("shop /a", vec![none()]);
    assert!(outcome.stderr.ends_with("domain 'shop'\n"), "{}", outcome.stderr);
}

#[test]
fn where_a_tenant_is_wanted_each_command_names_its_own_way_out() {
    let check = |line: &str, expected: &str| {
        let mut environment = environment();
        let server = Server::start(Vec::new());
        environment.vars.insert("AWS_ENDPOINT_URL".to_owned(), server.endpoint());
        let status = recant_cli::own(line.split_whitespace().map(Into::into), &mut environment);
        let said = String::from_utf8(environment.stderr).unwrap();
        assert_eq!((status, server.requests().len()), (252, 0), "{line}: {said}");
        assert!(said.contains(expected) && !said.contains("--all-tenants"), "{line}: {said}");
    };
    let arn = "arn:aws:cloudfront::1:distribution/E1";
    check(&format!("progress {arn} I1"), "'E1' is a distribution: add --distribution");
    check(
        &format!("keys create ci --may invalidate --on {arn}"),
        "'E1' is a distribution: give the key a policy of its own with --policy",
    );
}

#[test]
fn nothing_is_changed_by_a_wrong_line_or_a_dry_run() {
    let outcome = run("dt_1 a /b*c /d", vec![invalidation("InProgress", 49)]);
    assert_eq!((outcome.status, outcome.requests.len(), outcome.stdout.as_str()), (252, 0, ""));
    assert!(
        outcome.stderr.contains("2 of 3 paths cannot be sent; nothing was:\n  'a' "),
        "{}",
        outcome.stderr
    );

    let not_recant = Answer::error(404, "NoSuchOperation", "No.");
    let outcome = run("dt_1 / --deploy-id 7 --dry-run", vec![not_recant]);
    assert_eq!((outcome.status, outcome.requests.len()), (0, 1));
    assert!(!outcome.stderr.contains("stored response"), "{}", outcome.stderr);
    let call =
        "recant cloudfront create-invalidation-for-distribution-tenant --id dt_1 --invalidation-batch '{";
    assert!(outcome.stdout.starts_with(call), "{}", outcome.stdout);
    assert!(outcome.stderr.contains("did you mean '/*'"), "{}", outcome.stderr);

    let outcome = run("dt_1 /a", vec![Answer::error(404, "EntityNotFound", "None.")]);
    assert_eq!(outcome.status, 254);
    assert!(outcome.stderr.starts_with("recant invalidate: "), "{}", outcome.stderr);
}

#[test]
fn one_tenant_waits_for_its_turn_too() {
    let throttled = || Answer::error(400, "Throttling", "Rate exceeded");
    let full = || Answer::error(400, "TooManyInvalidationsInProgress", "Too many.");
    let done = || invalidation("Completed", 49);
    let outcome = run("dt_1 /a", vec![throttled(), throttled(), throttled(), throttled(), full(), done()]);
    assert_eq!((outcome.status, outcome.stdout.as_str()), (0, "I1 Completed\n"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("not created yet, held up by Throttling, after "), "{}", outcome.stderr);

    let outcome = run("dt_1 /a --give-up-after 50 --deploy-id 7", vec![full()]);
    assert_eq!((outcome.status, outcome.stdout.as_str()), (254, ""));
    assert!(outcome.slept.iter().sum::<Duration>() >= Duration::from_secs(50), "{:?}", outcome.slept);
    assert!(
        outcome.stderr.contains("An error occurred (TooManyInvalidationsInProgress)"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn a_wait_survives_a_plane_that_is_away() {
    let away = || Answer::Close;
    let answers =
        vec![invalidation("InProgress", 49), away(), away(), away(), away(), invalidation("Completed", 49)];
    let outcome = run("dt_1 /a --wait", answers);
    assert_eq!((outcome.status, outcome.stdout.as_str()), (0, "I1 Completed\n"), "{}", outcome.stderr);

    let outcome = run("dt_1 /a --wait", vec![away()]);
    assert_eq!((outcome.status, outcome.requests.len()), (255, 3), "who never answered is not waited for");
    let way_on =
        "to go on: recant invalidate --deploy-id run-20241205T184049Z-3fe0000000000000 dt_1 /a --wait\n";
    assert!(outcome.stderr.ends_with(way_on), "{}", outcome.stderr);
}

#[test]
fn what_an_interrupt_would_say_is_the_way_on() {
    let server = Server::start(vec![invalidation("InProgress", 49)]);
    let mut environment = ScriptedEnvironment { stdin: b"/a b\n".to_vec(), ..environment() };
    environment.vars.insert("AWS_ENDPOINT_URL".to_owned(), server.endpoint());
    let words = ["dt_1", "--paths-from", "-", "--wait=1", "--deploy-id", "it's"];
    assert_eq!(recant_cli::invalidate(words.map(Into::into), &mut environment), 1);
    let want = "recant invalidate: interrupted: InProgress\nrecant invalidate: to go on, with the same standard input: \
        recant invalidate dt_1 --paths-from - --wait=1 --deploy-id 'it'\"'\"'s'\n";
    assert_eq!(environment.on_interrupt, want);
}
