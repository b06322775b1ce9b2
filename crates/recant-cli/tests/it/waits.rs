//! `wait`, without waiting.

use std::time::Duration;

use crate::run;
use crate::server::Answer;

const LINE: &str = "wait invalidation-for-distribution-tenant-completed --distribution-tenant-id d --id I1";

fn invalidation(status: &str) -> Answer {
    Answer::ok(&format!("<Invalidation><Status>{status}</Status></Invalidation>"))
}

#[test]
fn it_polls_until_the_state_is_there() {
    let outcome = run(LINE, vec![invalidation("InProgress"), Answer::ok(""), invalidation("Completed")]);
    assert_eq!((outcome.status, outcome.stdout.as_str(), outcome.stderr.as_str()), (0, "", ""));
    assert_eq!(outcome.slept, [Duration::from_secs(20); 2]);
    assert!(outcome.requests[0].starts_with("GET /2020-05-31/distribution-tenant/d/invalidation/I1 "));
    assert_eq!(outcome.requests.len(), 3);
}

#[test]
fn it_gives_up() {
    let outcome = run(LINE, vec![invalidation("InProgress")]);
    assert_eq!((outcome.status, outcome.requests.len(), outcome.slept.len()), (255, 30, 29));
    let want =
        "\naws: [ERROR]: Waiter InvalidationForDistributionTenantCompleted failed: Max attempts exceeded\n";
    assert_eq!(outcome.stderr, want);
    let outcome = run(LINE, vec![Answer::error(404, "NoSuchInvalidation", "None.")]);
    assert_eq!((outcome.status, outcome.requests.len()), (255, 1));
    assert!(
        outcome.stderr.contains("failed: An error occurred (NoSuchInvalidation): None."),
        "{}",
        outcome.stderr
    );
}

#[test]
fn other_states_are_named() {
    let outcome = run("wait invalidation-complete", vec![invalidation("")]);
    assert_eq!(outcome.status, 252);
    assert!(
        outcome.stderr.contains("argument subcommand: Found invalid choice 'invalidation-complete'"),
        "{}",
        outcome.stderr
    );
    assert!(outcome.stderr.contains("  * invalidation-completed"), "{}", outcome.stderr);
}

#[test]
fn it_takes_whole_inputs_and_shows_what_they_look_like() {
    let line = r#"wait invalidation-completed --distribution-id d --cli-input-json {"Id":"I1"}"#;
    let outcome = run(line, vec![invalidation("Completed")]);
    assert_eq!((outcome.status, outcome.stderr.as_str()), (0, ""));
    assert!(outcome.requests[0].starts_with("GET /2020-05-31/distribution/d/invalidation/I1 "));
    let outcome = run("wait distribution-deployed --generate-cli-skeleton", vec![invalidation("")]);
    assert_eq!((outcome.status, outcome.stdout.as_str()), (0, "{\n    \"Id\": \"\"\n}\n"));
    assert!(outcome.requests.is_empty());
}
