//! Errors of the service and of the way to it, and what is tried again.

use std::time::Duration;

use crate::server::Answer;
use crate::{environment, run, run_in};

const LINE: &str = "get-invalidation --distribution-id E1 --id I1";

fn completed() -> Answer {
    Answer::ok("<Invalidation><Id>I1</Id></Invalidation>")
}

#[test]
fn errors_of_the_service_are_told_with_status_254() {
    let check = |answer: Answer, requests: usize, want: &str| {
        let outcome = run(LINE, vec![answer]);
        assert_eq!(
            (outcome.status, outcome.requests.len(), outcome.stdout.as_str()),
            (254, requests, ""),
            "{want}"
        );
        assert_eq!(outcome.stderr, format!("\naws: [ERROR]: An error occurred {want}\n"));
    };
    let during = "when calling the GetInvalidation operation";
    check(
        Answer::error(404, "NoSuchInvalidation", "The specified invalidation does not exist."),
        1,
        &format!("(NoSuchInvalidation) {during}: The specified invalidation does not exist."),
    );
    check(
        Answer::error(503, "ServiceUnavailable", "Busy"),
        3,
        &format!("(ServiceUnavailable) {during} (reached max retries: 2): Busy"),
    );
    check(Answer::Reply(400, vec![], String::new()), 1, &format!("(400) {during}: Bad Request"));
    check(Answer::Reply(403, vec![], "<html/>".to_owned()), 1, &format!("() {during}:"));
    check(Answer::Reply(413, vec![], String::new()), 1, &format!("(413) {during}: Request Entity Too Large"));
    // Only a page is not looked into, and only where the service itself is in trouble.
    check(
        Answer::Reply(500, vec![], "<html><body/></html>".to_owned()),
        3,
        &format!("(500) {during} (reached max retries: 2): Internal Server Error"),
    );
    check(
        Answer::Reply(500, vec![], "<a><b>c</b></a>".to_owned()),
        3,
        &format!("() {during} (reached max retries: 2):"),
    );
    check(Answer::error(400, "", "m"), 1, &format!("(None) {during}: m"));
    check(
        Answer::Reply(301, vec![("Location", "/x".to_owned())], String::new()),
        1,
        &format!("(301) {during}: Moved Permanently"),
    );
}

#[test]
fn what_may_pass_is_tried_again() {
    let check = |first: Answer| {
        let outcome = run(LINE, vec![first, completed()]);
        assert_eq!((outcome.status, outcome.requests.len()), (0, 2), "{}", outcome.stderr);
        assert_eq!(outcome.slept, [Duration::from_millis(500)]);
        assert!(outcome.requests[1].contains("attempt=2; max=3"), "{}", outcome.requests[1]);
    };
    check(Answer::error(500, "InternalError", "Oops"));
    check(Answer::error(400, "Throttling", "Rate exceeded"));
    check(Answer::Close);
    check(Answer::Short("<Invalidation>".to_owned()));
}

#[test]
fn the_adaptive_mode_paces_what_comes_too_fast() {
    let mut adaptive = environment();
    adaptive.vars.insert("AWS_RETRY_MODE".to_owned(), "adaptive".to_owned());
    let throttled = Answer::error(400, "Throttling", "Rate exceeded");
    let outcome = run_in(adaptive, &LINE.split(' ').collect::<Vec<_>>(), vec![throttled, completed()]);
    assert_eq!((outcome.status, outcome.requests.len()), (0, 2), "{}", outcome.stderr);
    // The pause between attempts, then the token's: a request in two seconds is the lowest rate.
    assert_eq!(outcome.slept, [Duration::from_millis(500), Duration::from_secs(2)]);
}

#[test]
fn a_command_has_so_many_retries_and_no_more() {
    let mut stubborn = environment();
    stubborn.vars.insert("AWS_MAX_ATTEMPTS".to_owned(), "1000".to_owned());
    let busy = Answer::error(503, "ServiceUnavailable", "Busy");
    let outcome = run_in(stubborn, &LINE.split(' ').collect::<Vec<_>>(), vec![busy]);
    assert_eq!((outcome.status, outcome.requests.len()), (254, 101));
    assert!(outcome.stderr.ends_with("GetInvalidation operation: Busy\n"), "{}", outcome.stderr);
}

#[test]
fn a_retry_tells_how_long_its_answer_is_waited_for() {
    let date = vec![("Date", "Thu, 05 Dec 2024 18:40:49 GMT".to_owned())];
    let outcome = run(LINE, vec![Answer::Reply(500, date, String::new()), completed()]);
    let want = "amz-sdk-request: ttl=20241205T184149Z; attempt=2; max=3\r\n";
    assert!(outcome.requests[1].contains(want), "{}", outcome.requests[1]);
}

#[test]
fn a_broken_way_is_told_with_status_255() {
    let check = |answer: Answer, requests: usize, want: &str| {
        let outcome = run(LINE, vec![answer]);
        assert_eq!((outcome.status, outcome.requests.len()), (255, requests), "{want}");
        assert!(outcome.stderr.contains(want), "{}", outcome.stderr);
    };
    let outcome =
        run_in(environment(), &["delete-key-group", "--id", "k", "--if-match", "a\nb"], vec![completed()]);
    assert_eq!((outcome.status, outcome.requests.len()), (255, 0));
    assert!(outcome.stderr.contains("exception: Invalid header value b'a\\nb'\n"), "{}", outcome.stderr);
    check(Answer::Close, 3, "Connection was closed before we received a valid response from endpoint URL");
    check(
        Answer::ok("<Invalidation>"),
        1,
        "invalid XML received. Further retries may succeed:\nb'<Invalidation>'",
    );
    let mut refused = environment();
    // Port 1 is nobody's on a machine that runs tests.
    refused.vars.insert("AWS_ENDPOINT_URL_CLOUDFRONT".to_owned(), "http://127.0.0.1:1".to_owned());
    let outcome = run_in(refused, &LINE.split(' ').collect::<Vec<_>>(), vec![completed()]);
    assert_eq!((outcome.status, outcome.slept.len()), (255, 2));
    assert!(
        outcome.stderr.contains("Could not connect to the endpoint URL: \"http://127.0.0.1:1/"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn settings_that_cannot_work_send_nothing() {
    let check = |variable: (&str, Option<&str>), status: u8, want: &str| {
        let mut environment = environment();
        match variable {
            (name, Some(value)) => environment.vars.insert(name.to_owned(), value.to_owned()),
            (name, None) => environment.vars.remove(name),
        };
        let outcome = run_in(environment, &LINE.split(' ').collect::<Vec<_>>(), vec![completed()]);
        assert_eq!((outcome.status, outcome.requests.len()), (status, 0), "{variable:?}");
        assert!(outcome.stderr.contains(want), "{variable:?}: {}", outcome.stderr);
    };
    check(("AWS_REGION", None), 253, "(NoRegion): You must specify a region.");
    check(("AWS_ACCESS_KEY_ID", None), 253, "(NoCredentials): Unable to locate credentials.");
    check(
        ("AWS_SECRET_ACCESS_KEY", None),
        255,
        "Partial credentials found in env, missing: AWS_SECRET_ACCESS_KEY",
    );
    check(("AWS_RETRY_MODE", Some("legacy")), 255, "Invalid value provided to \"mode\": \"legacy\"");
    check(("AWS_MAX_ATTEMPTS", Some("0")), 255, "must be an integer greater than or equal to one");
    check(("AWS_PROFILE", Some("nope")), 255, "The config profile (nope) could not be found");
    check(("AWS_PROFILE", Some("default")), 255, "The config profile (default) could not be found");

    // The mode is looked at before a region is missed.
    let mut both = environment();
    both.vars.remove("AWS_REGION");
    both.vars.insert("AWS_RETRY_MODE".to_owned(), "nope".to_owned());
    let outcome = run_in(both, &LINE.split(' ').collect::<Vec<_>>(), vec![completed()]);
    assert_eq!(outcome.status, 255, "{}", outcome.stderr);
}

#[test]
fn an_empty_region_is_one() {
    let mut empty = environment();
    empty.vars.insert("AWS_REGION".to_owned(), String::new());
    let outcome = run_in(empty, &LINE.split(' ').collect::<Vec<_>>(), vec![completed()]);
    assert_eq!(outcome.status, 0, "{}", outcome.stderr);
    assert!(outcome.requests[0].contains("/20241205//cloudfront/aws4_request"), "{}", outcome.requests[0]);
}

#[test]
fn errors_have_the_format_asked_for() {
    let line = format!("{LINE} --cli-error-format json");
    let outcome = run(&line, vec![Answer::error(404, "NoSuchInvalidation", "None.")]);
    assert_eq!(outcome.stderr, "{\n    \"Message\": \"None.\",\n    \"Code\": \"NoSuchInvalidation\"\n}\n");
}
