//! What a response's directives demand: RFC 9111 section 5.2.2 and RFC 9213; and a viewer's: section 5.2.1.

use super::{FRESH, From, check, get, reused, with};

#[tokio::test]
async fn what_must_not_be_stored() {
    let long = ["Expires: {10000}", "Date: {0}"];
    for line in [
        "Cache-Control: private, max-age=3600",
        "Cache-Control: no-store",
        "Cache-Control: No-StOrE",
        "Cache-Control: max-age=10000, no-store",
        "Cache-Control: max-age=10000, no-cache",
        "Cache-Control: max-age=10000, No-CaChE",
    ] {
        reused(&with(&[line], &long), false).await;
    }
}

#[tokio::test]
async fn a_newer_response_that_is_not_stored_leaves_the_older_one() {
    for newer in ["Cache-Control: no-store", "Cache-Control: no-store, max-age=0"] {
        let older = with(&FRESH, &["A: 1"]);
        let asked = [get(&older).pause(), get(&[newer, "A: 2"]), get(&[]).from(From::Store).gets("a", "1")];
        check(newer, &asked).await;
    }
}

#[tokio::test]
async fn what_is_to_be_validated_each_time() {
    for control in ["Cache-Control: no-cache", "Cache-Control: max-age=10000, no-cache"] {
        let answers = [control, "ETag: \"abcd\""];
        check(control, &[get(&answers), get(&answers).from(From::Validated("if-none-match"))]).await;
    }
    let answers = ["Cache-Control: max-age=2, must-revalidate", "ETag: \"abcd\""];
    let exchanges = [
        get(&answers),
        get(&answers).from(From::Store).pause(),
        get(&answers).from(From::Validated("if-none-match")),
    ];
    check("must-revalidate", &exchanges).await;
}

#[tokio::test]
async fn named_fields_are_not_used_again() {
    for control in ["no-cache=\"a, b\"", "private=\"a, b\""] {
        let line = format!("Cache-Control: {control}");
        let answers = [line.as_str(), "Cache-Control: max-age=3600", "A: 1", "B: 2", "C: 3"];
        let later = get(&[]).from(From::Store).lacks("a").lacks("b").gets("c", "3");
        check(control, &[get(&answers).gets("a", "1").pause(), later]).await;
    }
}

#[tokio::test]
async fn what_is_said_to_the_edge_alone() {
    let date = "Date: {0}";
    let long = ["Cache-Control: max-age=10000", "Expires: {10000}", date];
    reused(&["CDN-Cache-Control: max-age=3600"], true).await;
    reused(&["CDN-Cache-Control: max-age=2147483648"], true).await;
    reused(&["CDN-Cache-Control: max-age=99999999999"], true).await;
    reused(&["CDN-Cache-Control: foobar, max-age=3600"], true).await;
    reused(&["CDN-Cache-Control: max-age=3600", "Expires: {-10000}", date], true).await;
    reused(&["CDN-Cache-Control: max-age=3600", "Expires: 0", date], true).await;
    reused(&["CDN-Cache-Control: max-age=3600", "Cache-Control: max-age=1"], true).await;
    reused(&["CDN-Cache-Control: max-age=10000", "Cache-Control: no-store"], true).await;
    reused(&["CDN-Cache-Control: max-age=0"], false).await;
    reused(&["CDN-Cache-Control: max-age=0", "Expires: {10000}", date], false).await;
    reused(&["CDN-Cache-Control: max-age=1", "Cache-Control: max-age=3600"], false).await;
    for directive in ["private", "no-cache", "no-store"] {
        reused(&with(&[&format!("CDN-Cache-Control: {directive}")], &long), false).await;
    }
    reused(&["CDN-Cache-Control: max-age=10000, &&&&&", "Cache-Control: no-store"], false).await;
    reused(&["CDN-Cache-Control: max-age=\"10000\"", "Cache-Control: no-store"], false).await;
    let answers = with(&["CDN-Cache-Control: foo"], &long);
    check("it is passed on", &[get(&answers).gets("cdn-cache-control", "foo")]).await;
}

#[tokio::test]
async fn authorised_requests() {
    let authorised = |answers: &[&str], from| {
        let exchanges = [get(answers).asking(&["Authorization: FOO"]).pause(), get(&[]).from(from)];
        async move { check("Authorization", &exchanges).await }
    };
    authorised(&["Expires: {2592000}", "Date: {0}"], From::Origin).await;
    // Section 3.5 would allow it; such a request goes out whole, so its response is nobody else's.
    authorised(&["Cache-Control: max-age=3600, public"], From::Origin).await;
}

#[tokio::test]
async fn a_viewer_does_not_turn_the_cache_off() {
    for line in [
        "Cache-Control: no-cache",
        "Cache-Control: no-store",
        "Cache-Control: max-age=0",
        "Cache-Control: min-fresh=200000",
        "Pragma: no-cache",
    ] {
        check(line, &[get(&FRESH).pause(), get(&[]).asking(&[line]).from(From::Store)]).await;
    }
    let only = ["Cache-Control: only-if-cached"];
    check("only-if-cached, stored", &[get(&FRESH), get(&[]).asking(&only).from(From::Store)]).await;
    check("only-if-cached", &[get(&FRESH).asking(&only).gets_status(504)]).await;
}
