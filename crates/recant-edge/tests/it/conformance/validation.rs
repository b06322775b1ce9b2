//! Preconditions of viewers and of the edge: RFC 9111 section 4.3, RFC 9110 section 13.

use super::{FRESH, From, check, get, with};

#[tokio::test]
async fn a_viewers_precondition_is_answered_from_the_store() {
    let tagged = |tag: &'static str, asked: &'static str, status| async move {
        let tag = format!("ETag: {tag}");
        let later =
            get(&[]).asking(&[&format!("If-None-Match: {asked}")]).from(From::Store).gets_status(status);
        let later = if status == 304 { later.gets("etag", &tag[6..]) } else { later };
        check(&format!("{tag} against {asked}"), &[get(&with(&FRESH, &[&tag])), later]).await;
    };
    tagged("\"abcdef\"", "\"abcdef\"", 304).await;
    tagged("W/\"abcdef\"", "W/\"abcdef\"", 304).await;
    for list in ["\"abcdef\", \"1\", \"2\"", "\"1\", \"abcdef\", \"2\"", "\"1\", \"2\", \"abcdef\"", "*"] {
        tagged("\"abcdef\"", list, 304).await;
    }
    tagged("\"abcdef\"", "\"1\"", 200).await;
    tagged("\"abcdef\"", "abcdef", 200).await;
    let dated = |asked: &'static [&'static str], status| async move {
        let answers = ["Cache-Control: max-age=100000", "Last-Modified: {-3000}", "Date: {0}", "ETag: \"a\""];
        let later = get(&[]).asking(asked).from(From::Store).gets_status(status);
        check(&format!("{asked:?}"), &[get(&answers), later]).await;
    };
    dated(&["If-Modified-Since: {-3000}"], 304).await;
    dated(&["If-Modified-Since: {-2000}"], 304).await;
    dated(&["If-Modified-Since: {-4000}"], 200).await;
    // The tag goes before the date.
    dated(&["If-None-Match: \"a\"", "If-Modified-Since: {-4000}"], 304).await;
    dated(&["If-None-Match: \"b\"", "If-Modified-Since: {-1}"], 200).await;
}

#[tokio::test]
async fn what_is_stale_is_validated() {
    let stale = |validator: &'static str, by: &'static str| async move {
        let answers = ["Cache-Control: max-age=2", validator];
        let exchanges = [
            get(&answers).pause(),
            get(&answers).from(From::Validated(by)).gets("age", "0").gets_body("0123456789"),
            get(&[]).from(From::Store),
        ];
        check(validator, &exchanges).await;
    };
    stale("ETag: \"abcdef\"", "if-none-match").await;
    stale("ETag: W/\"abcdef\"", "if-none-match").await;
    stale("Last-Modified: Wed, 01 Jan 2020 00:00:00 GMT", "if-modified-since").await;
    // Also on behalf of a viewer with a precondition of its own, which is answered with what came out.
    let answers = ["Cache-Control: max-age=2", "Last-Modified: Wed, 01 Jan 2020 00:00:00 GMT", "Date: {0}"];
    let asked = ["If-Modified-Since: Wed, 01 Jan 2020 00:00:00 GMT"];
    let later = get(&answers).asking(&asked).from(From::Validated("if-modified-since")).gets_status(304);
    check("a viewer's precondition", &[get(&answers).pause(), later]).await;
}

#[tokio::test]
async fn what_has_changed_takes_the_place_of_what_was_stored() {
    let exchanges = [
        get(&["Cache-Control: max-age=2", "ETag: \"a\""]).pause(),
        get(&["Cache-Control: max-age=60", "ETag: \"b\""]).from(From::Origin),
        get(&[]).from(From::Store).gets("etag", "\"b\""),
    ];
    check("200 to a validation", &exchanges).await;
}

#[tokio::test]
async fn a_head_says_that_the_stored_response_is_another_one() {
    let answers = ["Cache-Control: max-age=2", "ETag: \"a\""];
    let changed = ["Cache-Control: max-age=2", "ETag: \"b\""];
    let exchanges = [
        get(&answers).pause(),
        get(&changed).by("HEAD"),
        get(&["ETag: \"a\""])
            .from(From::Origin)
            .gets("cache-status", "recant; fwd=uri-miss; fwd-status=200; stored"),
    ];
    check("another tag", &exchanges).await;
    let exchanges = [get(&FRESH), get(&[]).by("HEAD").from(From::Store).gets("content-length", "10")];
    check("HEAD from GET", &exchanges).await;
}
