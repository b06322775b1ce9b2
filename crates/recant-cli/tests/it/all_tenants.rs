//! `invalidate --all-tenants`: every tenant once, whatever the service does meanwhile.

use std::time::Duration;

use recant_cli::ScriptedEnvironment;

use crate::cloud::{Call, Cloud};
use crate::environment;
use crate::server::{Answer, Server};

const LINE: &str = "E1 /a /img/* /img/b --all-tenants";

fn throttled() -> Answer {
    Answer::error(400, "Throttling", "Rate exceeded")
}

fn too_many() -> Answer {
    Answer::error(400, "TooManyInvalidationsInProgress", "Too many.")
}

fn slept(outcome: &crate::Outcome) -> Duration {
    outcome.slept.iter().sum()
}

#[test]
fn every_tenant_is_invalidated_and_waited_for() {
    let cloud = Cloud::of(5).completing_after(2);
    let outcome = cloud.run(&format!("{LINE} --wait"));
    assert_eq!(outcome.status, 0, "{}", outcome.stderr);
    assert_eq!(outcome.stdout, "5 tenants, 5 created, 5 completed\n");
    assert_eq!(cloud.invalidations(), [1; 5]);
    assert_eq!(cloud.order("list").len(), 3, "five tenants are three pages");
    let mut polled = cloud.order("get");
    polled.sort();
    assert_eq!(polled.len(), 10, "each is asked until it is completed: {polled:?}");
    assert!(outcome.stderr.contains("1 path redundant left out"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("waiting for 5 invalidations, at most 600 s"), "{}", outcome.stderr);
    assert!(!outcome.stderr.contains("to go on"), "{}", outcome.stderr);
}

#[test]
fn the_result_is_data() {
    let denied = |call: &Call<'_>| {
        (call.kind == "create" && call.tenant == "dt_1")
            .then(|| Answer::error(403, "AccessDenied", "Not you."))
    };
    let cloud = Cloud::of(2).with(denied);
    let outcome = cloud.run(&format!("{LINE} --deploy-id 7 --output json --concurrency 1"));
    assert_eq!(outcome.status, 254, "{}", outcome.stderr);
    let reference = |tenant: usize| {
        let (_, rest) = outcome.requests[1 + tenant].split_once("<CallerReference>").unwrap();
        rest.split_once('<').unwrap().0
    };
    let want = format!(
        r#"{{
    "DistributionId": "E1",
    "DeployId": "7",
    "Paths": [
        "/a",
        "/img/*"
    ],
    "RedundantPaths": 1,
    "Totals": {{
        "Tenants": 2,
        "Created": 1,
        "Replayed": 0,
        "Completed": 0,
        "InProgress": 1,
        "Failed": 1,
        "Left": 0
    }},
    "Tenants": [
        {{
            "DistributionTenantId": "dt_0",
            "Name": "dt_0",
            "Id": "I-dt_0-1",
            "Status": "InProgress",
            "CreateTime": "2024-12-05T18:40:49.413000+00:00",
            "CallerReference": "{}",
            "Replay": false,
            "Error": null
        }},
        {{
            "DistributionTenantId": "dt_1",
            "Name": "dt_1",
            "Id": null,
            "Status": null,
            "CreateTime": null,
            "CallerReference": "{}",
            "Replay": null,
            "Error": {{
                "Code": "AccessDenied",
                "Message": "Not you."
            }}
        }}
    ]
}}
"#,
        reference(0),
        reference(1)
    );
    assert_eq!(outcome.stdout, want);
    let ids = cloud
        .run(&format!("{LINE} --deploy-id 7 --output text --query Tenants[?Error].DistributionTenantId"));
    assert_eq!(ids.stdout, "dt_1\n");
}

#[test]
fn one_that_fails_holds_up_nobody() {
    let denied = |call: &Call<'_>| {
        let is_refused = call.kind == "create" && ["dt_1", "dt_3"].contains(&call.tenant);
        is_refused.then(|| Answer::error(403, "AccessDenied", "Not you."))
    };
    let cloud = Cloud::of(5).with(denied);
    let outcome = cloud.run(&format!("{LINE} --wait"));
    assert_eq!(
        (outcome.status, outcome.stdout.as_str()),
        (254, "5 tenants, 3 created, 3 completed, 2 failed\n")
    );
    assert_eq!(cloud.invalidations(), [1, 0, 1, 0, 1]);
    let failed = "2 tenants failed: An error occurred (AccessDenied) when calling the \
        CreateInvalidationForDistributionTenant operation: Not you.\n  dt_1\n  dt_3\n";
    assert!(outcome.stderr.contains(failed), "{}", outcome.stderr);
    let way_on = " E1 /a '/img/*' /img/b --all-tenants --wait\n";
    assert!(outcome.stderr.contains("to go on: recant invalidate --deploy-id run-"), "{}", outcome.stderr);
    assert!(outcome.stderr.ends_with(way_on), "{}", outcome.stderr);
}

#[test]
fn failures_of_many_kinds_are_counted() {
    let refused = |call: &Call<'_>| {
        let why = format!("Not for {}.", call.tenant);
        (call.kind == "create").then(|| Answer::error(400, "InvalidArgument", &why))
    };
    let outcome = Cloud::of(23).with(refused).run(LINE);
    assert_eq!(outcome.status, 254);
    assert_eq!(outcome.stderr.lines().filter(|line| line.contains("1 tenant failed: ")).count(), 20);
    let rest = "3 tenants failed for other reasons; --output json lists all\n";
    assert!(outcome.stderr.contains(rest), "{}", outcome.stderr);
}

#[test]
fn throttling_slows_all_down() {
    let busy = |call: &Call<'_>| (call.kind == "create" && call.before < 2).then(throttled);
    let cloud = Cloud::of(9).with(busy);
    let outcome = cloud.run(&format!("{LINE} --wait --concurrency 3"));
    assert_eq!((outcome.status, cloud.invalidations()), (0, vec![1; 9]), "{}", outcome.stderr);
    assert_eq!(cloud.order("create").len(), 27);
    // Three at a time are sent at first; then never faster than half of that.
    assert!(slept(&outcome) > Duration::from_secs(10), "{:?}", slept(&outcome));

    let wants_rest = |call: &Call<'_>| {
        let reply = || Answer::Reply(429, vec![("Retry-After", "45".to_owned())], String::new());
        (call.kind == "create" && call.tenant == "dt_0" && call.before == 0).then(reply)
    };
    let cloud = Cloud::of(2).with(wants_rest);
    let outcome = cloud.run(&format!("{LINE} --concurrency 1"));
    assert_eq!((outcome.status, cloud.invalidations()), (0, vec![1; 2]), "{}", outcome.stderr);
    assert!(slept(&outcome) >= Duration::from_secs(45), "{:?}", slept(&outcome));
    assert_eq!(cloud.order("create"), ["dt_0", "dt_0", "dt_1"], "nobody is sent before the time is over");
}

#[test]
fn the_list_may_be_throttled_too() {
    let cloud = Cloud::of(3).with(|call| (call.kind == "list" && call.before < 9).then(throttled));
    let outcome = cloud.run(LINE);
    assert_eq!((outcome.status, cloud.invalidations()), (0, vec![1; 3]), "{}", outcome.stderr);
    let cloud = Cloud::of(3).with(|call| (call.kind == "list").then(throttled));
    let outcome = cloud.run(&format!("{LINE} --give-up-after 60"));
    assert_eq!((outcome.status, cloud.invalidations()), (254, vec![0; 3]), "{}", outcome.stderr);
}

#[test]
fn a_full_tenant_waits_alone() {
    let full =
        |call: &Call<'_>| (call.kind == "create" && call.tenant == "dt_0" && call.before < 3).then(too_many);
    let cloud = Cloud::of(4).with(full);
    let outcome = cloud.run(&format!("{LINE} --concurrency 1"));
    assert_eq!((outcome.status, cloud.invalidations()), (0, vec![1; 4]), "{}", outcome.stderr);
    assert_eq!(cloud.order("create"), ["dt_0", "dt_1", "dt_2", "dt_3", "dt_0", "dt_0", "dt_0"]);

    let full = |call: &Call<'_>| (call.kind == "create" && call.tenant == "dt_0").then(too_many);
    let cloud = Cloud::of(4).with(full);
    let outcome = cloud.run(&format!("{LINE} --give-up-after 100"));
    assert_eq!((outcome.status, cloud.invalidations()), (254, vec![0, 1, 1, 1]), "{}", outcome.stderr);
    assert!((100..160).contains(&slept(&outcome).as_secs()), "{:?}", slept(&outcome));
}

#[test]
fn what_never_fits_is_not_waited_for() {
    let wildcards: Vec<String> = (10..26).map(|number| format!("/{number}/*")).collect();
    let cloud = Cloud::of(2).with(|call| (call.kind == "create").then(too_many));
    let outcome = cloud.run(&format!("E1 --all-tenants {}", wildcards.join(" ")));
    assert_eq!((outcome.status, outcome.slept.len()), (254, 0), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("16 paths end in '*'; a tenant may have 15"), "{}", outcome.stderr);
}

#[test]
fn a_run_that_is_throttled_for_ever_ends() {
    let cloud = Cloud::of(4).with(|call| (call.kind == "create" && call.invalidations == 2).then(throttled));
    let outcome = cloud.run(&format!("{LINE} --concurrency 1 --give-up-after 90"));
    assert_eq!(
        (outcome.status, outcome.stdout.as_str()),
        (254, "4 tenants, 2 created, 2 in progress, 2 left\n")
    );
    assert!((90..140).contains(&slept(&outcome).as_secs()), "{:?}", slept(&outcome));
    assert!(outcome.stderr.contains("An error occurred (Throttling)"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("to go on: "), "{}", outcome.stderr);
}

#[test]
fn what_is_about_the_caller_ends_the_run() {
    let expired = |call: &Call<'_>| {
        (call.kind == "create" && call.invalidations == 1)
            .then(|| Answer::error(403, "ExpiredToken", "Over."))
    };
    let cloud = Cloud::of(4).with(expired);
    let outcome = cloud.run(&format!("{LINE} --concurrency 1"));
    assert_eq!((outcome.status, cloud.invalidations()), (254, vec![1, 0, 0, 0]), "{}", outcome.stderr);
    assert_eq!(cloud.order("create").len(), 2, "the others would get the same");
}

#[test]
fn credentials_are_renewed_once_for_all_calls_under_way() {
    let keys = |id: &str| {
        let end = "2030-01-01T00:00:00Z";
        Answer::ok(&format!(
            r#"{{"AccessKeyId":"{id}","SecretAccessKey":"s","Token":"t-{id}","Expiration":"{end}"}}"#
        ))
    };
    let container = Server::start(vec![keys("OLD"), keys("NEW")]);
    let over = |call: &Call<'_>| {
        let is_over = call.kind == "create" && call.request.contains("Credential=OLD/");
        is_over.then(|| Answer::error(403, "ExpiredToken", "Over."))
    };
    let cloud = Cloud::of(6).with(over);
    let mut environment = environment();
    environment.vars.retain(|name, _| !name.contains("KEY"));
    environment.vars.insert("AWS_CONTAINER_CREDENTIALS_FULL_URI".to_owned(), container.endpoint());
    let outcome = cloud.run_in(environment, &format!("{LINE} --wait --concurrency 4"));
    assert_eq!((outcome.status, cloud.invalidations()), (0, vec![1; 6]), "{}", outcome.stderr);
    assert_eq!(container.requests().len(), 2);
}

#[test]
fn an_interrupted_run_goes_on() {
    // The endpoint goes away while it is at work: some answers are lost after the deed, some before.
    let cloud = Cloud::of(7);
    let gone = |call: &Call<'_>| {
        let is_done = ["dt_4", "dt_6"].contains(&call.tenant);
        let answer = || if is_done { Answer::Close } else { Answer::Short(String::new()) };
        (call.kind == "create" && call.invalidations >= 3).then(answer)
    };
    let outcome = cloud.with(gone).run(&format!("{LINE} --wait --concurrency 2 --give-up-after 30"));
    assert_eq!(outcome.status, 255, "{}", outcome.stderr);
    let before = cloud.invalidations();
    assert!(before.contains(&0) && before.iter().sum::<usize>() > 3, "{before:?}");

    let (_, rest) = outcome.stderr.split_once("to go on: recant invalidate ").unwrap();
    let line = rest.lines().next().unwrap().replace('\'', "");
    let outcome = cloud.run(&line);
    assert_eq!(outcome.status, 0, "{}", outcome.stderr);
    assert_eq!(outcome.stdout, "7 tenants, 7 created, 7 completed\n");
    assert_eq!(cloud.invalidations(), [1; 7], "none twice, none missed");

    let later = || ScriptedEnvironment { now: environment().now + Duration::from_secs(60), ..environment() };
    let outcome = cloud.run_in(later(), &line);
    assert_eq!(outcome.stdout, "7 tenants, 7 created, 7 replayed, 7 completed\n");
    assert!(outcome.stderr.contains("7 invalidations of before this run"), "{}", outcome.stderr);
    assert_eq!(cloud.invalidations(), [1; 7]);
    cloud.run_in(later(), LINE);
    assert_eq!(cloud.invalidations(), [2; 7], "a run of its own is new for all");
}

#[test]
fn the_time_may_be_over() {
    let never = |call: &Call<'_>| {
        let answer =
            || Answer::ok("<Invalidation><Id>I-dt_1-1</Id><Status>InProgress</Status></Invalidation>");
        (call.kind == "get" && call.tenant == "dt_1").then(answer)
    };
    let cloud = Cloud::of(3).with(never);
    let outcome = cloud.run(&format!("{LINE} --wait=120"));
    assert_eq!(
        (outcome.status, outcome.stdout.as_str()),
        (1, "3 tenants, 3 created, 2 completed, 1 in progress\n")
    );
    assert!(
        outcome.stderr.contains("1 invalidation not completed after 120 s\n  I-dt_1-1\n"),
        "{}",
        outcome.stderr
    );
    assert_eq!(slept(&outcome), Duration::from_secs(120));
    // A log of two minutes is a few lines: after 1, 2, 4 … seconds.
    let lines = outcome.stderr.lines().filter(|line| line.contains("2 of 3 completed, after ")).count();
    assert!((4..=8).contains(&lines), "{}", outcome.stderr);
}

#[test]
fn a_terminal_gets_a_bar() {
    let terminal = || ScriptedEnvironment { stderr_columns: Some(100), ..environment() };
    let cloud = Cloud::of(3).completing_after(8);
    let outcome = cloud.run_in(terminal(), &format!("{LINE} --wait --color off"));
    assert_eq!((outcome.status, outcome.stdout.as_str()), (0, "3 tenants, 3 created, 3 completed\n"));
    let picture = "\r\x1b[K[------------------------] 0 of 3 completed, 00:01 of 10:00, 0/s";
    assert!(outcome.stderr.contains(picture), "{:?}", outcome.stderr);
    assert!(outcome.stderr.ends_with("\r\x1b[K"), "it is taken away: {:?}", outcome.stderr);
    assert!(!outcome.stderr.contains("\x1b[32m"));
    let coloured = cloud.completing_after(99).run_in(terminal(), &format!("{LINE} --wait=5"));
    assert!(coloured.stderr.contains("\x1b[32m"), "{:?}", coloured.stderr);
    let mut plain = terminal();
    plain.vars.insert("TERM".to_owned(), "dumb".to_owned());
    let plain = cloud.run_in(plain, &format!("{LINE} --wait=5"));
    assert!(!plain.stderr.contains('\x1b'), "{:?}", plain.stderr);
}

#[test]
fn a_dry_run_counts_where_somebody_can() {
    let counts = |call: &Call<'_>| {
        let edge = if call.tenant == "dt_0" { r#""edge-2""# } else { "" };
        let body = format!(
            r#"{{"DistributionTenantId":"{}","StoredResponses":4,"Edges":[{{"EdgeId":"edge-1","StoredResponses":4}}],"Unanswered":[{edge}]}}"#,
            call.tenant
        );
        (call.kind == "count")
            .then(|| Answer::Reply(200, vec![("Content-Type", "application/json".into())], body))
    };
    let cloud = Cloud::of(3).with(counts);
    let outcome = cloud.run(&format!("{LINE} --dry-run"));
    assert_eq!(outcome.status, 0, "{}", outcome.stderr);
    assert!(
        outcome.stderr.contains("at least 12 stored responses would go; 1 edge did not answer"),
        "{}",
        outcome.stderr
    );
    assert_eq!(outcome.stdout.lines().count(), 3);
    assert!(
        outcome
            .stdout
            .starts_with("recant cloudfront create-invalidation-for-distribution-tenant --id dt_0 ")
    );
    let asked =
        outcome.requests.iter().find(|request| request.contains("dt_1/invalidation-dry-run")).unwrap();
    assert!(
        asked.starts_with("POST /recant/v1/distribution-tenants/dt_1/invalidation-dry-run HTTP/1.1"),
        "{asked}"
    );
    assert!(asked.ends_with(r#"{"Items":["/a","/img/*"]}"#), "{asked}");
    assert!(asked.contains("/us-east-1/cloudfront/aws4_request"), "{asked}");
    let query = "--query [Totals.StoredResponses,length(Calls),Calls[2].StoredResponses] --output json";
    assert_eq!(cloud.run(&format!("{LINE} --dry-run {query}")).stdout, "[\n    12,\n    3,\n    4\n]\n");
    assert_eq!(cloud.invalidations(), [0; 3]);

    // Who counts for some only, counts for none.
    let some = move |call: &Call<'_>| if call.tenant == "dt_2" { None } else { counts(call) };
    let cloud = Cloud::of(3).with(some);
    let outcome = cloud.run(&format!("{LINE} --dry-run {query}"));
    assert!(!outcome.stderr.contains("stored response"), "{}", outcome.stderr);
    assert!(outcome.stdout.starts_with("[\n    null,\n    3,"), "{}", outcome.stdout);
}

/// What GetDistribution says of the connection mode.
fn of_mode(mode: &'static str) -> Cloud {
    Cloud::of(0).with(move |call: &Call<'_>| {
        let body = format!(
            "<Distribution><Id>E1</Id><DistributionConfig>{mode}</DistributionConfig></Distribution>"
        );
        (call.kind == "distribution").then(|| Answer::ok(&body))
    })
}

#[test]
fn a_distribution_whose_tenants_are_to_come_is_done() {
    let outcome = of_mode("<ConnectionMode>tenant-only</ConnectionMode>").run(&format!("{LINE} --wait"));
    assert_eq!(
        (outcome.status, outcome.stdout.as_str()),
        (0, "0 tenants, 0 created\n"),
        "{}",
        outcome.stderr
    );
    assert!(!outcome.stderr.contains("--distribution"), "{}", outcome.stderr);
}

#[test]
fn a_distribution_that_can_have_no_tenants_is_not_done() {
    // DistributionConfig, ConnectionMode: one that is not named is direct.
    for mode in ["<ConnectionMode>direct</ConnectionMode>", ""] {
        for line in [format!("{LINE} --wait"), format!("{LINE} --dry-run")] {
            let cloud = of_mode(mode);
            let outcome = cloud.run(&line);
            assert_eq!((outcome.status, outcome.stdout.as_str()), (252, ""), "{mode}: {}", outcome.stderr);
            let said = "recant invalidate: 'E1' has no tenants by its ConnectionMode; add --distribution to invalidate it itself\n";
            assert!(outcome.stderr.ends_with(said), "{mode}: {}", outcome.stderr);
            assert_eq!(cloud.order("distribution"), ["E1"], "asked once");
        }
    }
}

#[test]
fn a_distribution_without_tenants_that_may_not_be_looked_at_is_done() {
    // Who invalidates tenants need not be allowed to look at distributions.
    let denied = |call: &Call<'_>| {
        (call.kind == "distribution").then(|| Answer::error(403, "AccessDenied", "Not you."))
    };
    let outcome = Cloud::of(0).with(denied).run(&format!("{LINE} --wait"));
    assert_eq!(
        (outcome.status, outcome.stdout.as_str()),
        (0, "0 tenants, 0 created\n"),
        "{}",
        outcome.stderr
    );
    assert!(
        outcome.stderr.contains("'E1' has no tenants; one that is made to have none"),
        "{}",
        outcome.stderr
    );
    let outcome = Cloud::of(0).run("dt_1 /a --all-tenants");
    assert_eq!((outcome.status, outcome.requests.len()), (252, 0));
    assert!(outcome.stderr.contains("the id or ARN of a distribution is wanted"), "{}", outcome.stderr);
    let outcome = Cloud::of(0).run("arn:aws:cloudfront::1:distribution/E1 /a");
    assert_eq!((outcome.status, outcome.requests.len()), (252, 0));
    assert!(outcome.stderr.contains("'E1' is a distribution: add --all-tenants"), "{}", outcome.stderr);
}

/// Not even the attempts of any other call are enough for the second page.
#[test]
fn a_list_that_is_cut_off_is_asked_for_until_it_comes() {
    let lost = |before: std::ops::Range<usize>| {
        move |call: &Call<'_>| (call.kind == "list" && before.contains(&call.before)).then_some(Answer::Close)
    };
    let cloud = Cloud::of(3).with(lost(1..9));
    let outcome = cloud.run(LINE);
    assert_eq!(
        (outcome.status, outcome.stdout.as_str()),
        (0, "3 tenants, 3 created, 3 in progress\n"),
        "{}",
        outcome.stderr
    );
    assert_eq!(outcome.stderr.matches("the list of tenants is held up").count(), 1, "{}", outcome.stderr);

    let cloud = Cloud::of(3).with(lost(1..usize::MAX));
    let outcome = cloud.run(&format!("{LINE} --give-up-after 60"));
    assert_eq!((outcome.status, cloud.invalidations()), (255, vec![0; 3]), "{}", outcome.stderr);
    let waited: u64 = slept(&outcome).as_secs();
    assert!((60..120).contains(&waited), "{waited}");

    let cloud = Cloud::of(3).with(lost(0..usize::MAX));
    let outcome = cloud.run(LINE);
    assert_eq!(
        (outcome.status, cloud.order("list").len()),
        (255, 3),
        "who never answered: {}",
        outcome.stderr
    );
}
