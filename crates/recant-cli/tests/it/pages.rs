//! Lists of several pages.

use crate::run;
use crate::server::Answer;

const LINE: &str = "list-invalidations-for-distribution-tenant --id d";

/// Three pages: A and B, C and D, E.
fn pages() -> Vec<Answer> {
    let page = |ids: &[&str], next: Option<&str>| {
        let items: String = ids
            .iter()
            .map(|id| format!("<InvalidationSummary><Id>{id}</Id></InvalidationSummary>"))
            .collect();
        let next = next.map_or(String::new(), |next| format!("<NextMarker>{next}</NextMarker>"));
        Answer::ok(&format!("<InvalidationList>{next}<Items>{items}</Items></InvalidationList>"))
    };
    vec![page(&["A", "B"], Some("m-1")), page(&["C", "D"], Some("m-2")), page(&["E"], None)]
}

/// The query of each request.
fn queries(requests: &[String]) -> Vec<&str> {
    requests
        .iter()
        .map(|request| request.split(' ').nth(1).unwrap().split_once('?').map_or("", |(_, query)| query))
        .collect()
}

#[test]
fn pages_become_one_result() {
    let check = |more: &str, asked: &[&str], stdout: &str| {
        let outcome = run(&format!("{LINE} {more}"), pages());
        assert_eq!((outcome.status, outcome.stdout.as_str()), (0, stdout), "{more}: {}", outcome.stderr);
        assert_eq!(queries(&outcome.requests), asked, "{more}");
    };
    let all = ["", "Marker=m-1", "Marker=m-2"];
    check("--output text", &all, "ITEMS\tA\nITEMS\tB\nITEMS\tC\nITEMS\tD\nITEMS\tE\n");
    check("--query length(InvalidationList.Items)", &all, "5\n");
    check("--query length(InvalidationList.Items) --output text", &all, "2\n2\n1\n");
    check("--query InvalidationList.NextMarker", &all, "null\n");
    check("--output off", &all, "");
    check(
        "--page-size 2 --query NextToken",
        &["MaxItems=2", "MaxItems=2&Marker=m-1", "MaxItems=2&Marker=m-2"],
        "null\n",
    );
    check("--no-paginate --query InvalidationList.NextMarker", &[""], "\"m-1\"\n");
    check("--marker m-9 --query InvalidationList.NextMarker", &["Marker=m-9"], "\"m-1\"\n");
    check("--no-paginate --max-items 7 --query InvalidationList.NextMarker", &["MaxItems=7"], "\"m-1\"\n");
}

#[test]
fn a_walk_cut_short_can_go_on() {
    let check = |more: &str, asked: &[&str], stdout: &str| {
        let outcome = run(&format!("{LINE} --output text {more}"), pages());
        assert_eq!((outcome.status, outcome.stdout.as_str()), (0, stdout), "{more}: {}", outcome.stderr);
        assert_eq!(queries(&outcome.requests), asked, "{more}");
    };
    let truncated = "eyJNYXJrZXIiOiAibS0xIiwgImJvdG9fdHJ1bmNhdGVfYW1vdW50IjogMX0=";
    check(
        "--max-items 3",
        &["", "Marker=m-1"],
        &format!("ITEMS\tA\nITEMS\tB\nITEMS\tC\nNEXTTOKEN\t{truncated}\n"),
    );
    check("--max-items 2", &[""], "ITEMS\tA\nITEMS\tB\nNEXTTOKEN\teyJNYXJrZXIiOiAibS0xIn0=\n");
    // The script starts with its first page again, of which one item was shown: the other one ends it.
    check(
        &format!("--starting-token {truncated} --max-items 1"),
        &["Marker=m-1"],
        "ITEMS\tB\nNEXTTOKEN\teyJNYXJrZXIiOiAibS0xIn0=\n",
    );
}

#[test]
fn walks_that_cannot_be() {
    let outcome = run(&format!("{LINE} --no-paginate --page-size 2"), pages());
    assert_eq!((outcome.status, outcome.requests.len()), (252, 0));
    let same = vec![pages().remove(0)];
    let outcome = run(LINE, same);
    assert_eq!((outcome.status, outcome.requests.len()), (255, 2));
    assert!(
        outcome.stderr.contains("The same next token was received twice: {'Marker': 'm-1'}"),
        "{}",
        outcome.stderr
    );
    let outcome = run(
        &format!("{LINE} --output text"),
        vec![pages().remove(0), Answer::error(400, "InvalidArgument", "No.")],
    );
    assert_eq!((outcome.status, outcome.stdout.as_str()), (254, "ITEMS\tA\nITEMS\tB\n"));
}

#[test]
fn bounds_are_spelled_as_the_operation_takes_them() {
    // Tenants' invalidations count in numbers, these in text.
    let text = "list-cloud-front-origin-access-identities";
    let page = Answer::ok("<CloudFrontOriginAccessIdentityList/>");
    for (line, query) in [
        (format!("{text} --page-size 2"), "MaxItems=2"),
        (format!("{text} --max-items 02 --no-paginate"), "MaxItems=02"),
        (format!("{text} --page-size ten"), "MaxItems=ten"),
    ] {
        let outcome = run(&line, vec![page.clone()]);
        assert_eq!((outcome.status, outcome.stderr.as_str()), (0, ""), "{line}");
        assert_eq!(queries(&outcome.requests), [query], "{line}");
    }
}

#[test]
fn bounds_that_are_no_numbers() {
    let check = |line: &str, status: u8, want: &str| {
        let outcome = run(line, pages());
        assert_eq!(outcome.status, status, "{line}");
        assert!(outcome.stderr.contains(want), "{line}: {}", outcome.stderr);
    };
    check(&format!("{LINE} --max-items ten"), 252, "argument --max-items: invalid int value: 'ten'");
    check("list-public-keys --max-items ten", 255, "invalid literal for int() with base 10: 'ten'");
    let unknown = "Unknown parameter in input: \"PaginationConfig\", must be one of: Id, Marker, MaxItems";
    check(&format!("{LINE} --page-size 0 --no-paginate"), 252, unknown);
    let both = "Cannot specify --no-paginate along with pagination arguments: --page-size";
    check("list-public-keys --page-size 0 --no-paginate", 252, both);
}

#[test]
fn the_yaml_stream_is_of_pages_alone() {
    let outcome = run(&format!("{LINE} --max-items 1 --output yaml-stream"), pages());
    assert_eq!((outcome.status, outcome.stderr.as_str()), (0, ""));
    assert!(!outcome.stdout.contains("NextToken"), "{}", outcome.stdout);
}
