//! Parts of stored responses: RFC 9110 section 14, RFC 9111 section 3.4.

use super::{From, check, get, reused, with};

const LASTING: [&str; 4] = ["Cache-Control: max-age=3600", "A: 1", "ETag: \"a\"", "Content-Type: text/plain"];

async fn part(asked: &'static [&'static str], status: u16, range: &'static str, body: &'static str) {
    let later = get(&["A: 2"]).asking(asked).from(From::Store).gets_status(status);
    let later = later.gets("content-range", range).gets_body(body).gets("a", "1").gets("etag", "\"a\"");
    check(&format!("{asked:?}"), &[get(&LASTING), later]).await;
}

#[tokio::test]
async fn ranges_are_served_from_complete_responses() {
    part(&["Range: bytes=0-1"], 206, "bytes 0-1/10", "01").await;
    part(&["Range: bytes=1-"], 206, "bytes 1-9/10", "123456789").await;
    part(&["Range: bytes=-1"], 206, "bytes 9-9/10", "9").await;
    part(&["Range: bytes=8-20"], 206, "bytes 8-9/10", "89").await;
    part(&["Range: bytes=10-"], 416, "bytes */10", "").await;
    part(&["Range: bytes=2-1"], 200, "", "0123456789").await;
    part(&["Range: lines=0-1"], 200, "", "0123456789").await;
    part(&["Range: bytes=0-1", "If-Range: \"a\""], 206, "bytes 0-1/10", "01").await;
    part(&["Range: bytes=0-1", "If-Range: \"b\""], 200, "", "0123456789").await;
    part(&["Range: bytes=0-1", "If-Range: W/\"a\""], 200, "", "0123456789").await;
    part(&["Range: bytes=0-1", "If-None-Match: \"a\""], 304, "", "").await;
}

#[tokio::test]
async fn what_is_the_same_in_every_coding_is_of_use_to_all() {
    let case = |answers: &'static [&'static str], from| async move {
        let exchanges = [
            get(answers).asking(&["Accept-Encoding: gzip, deflate"]),
            get(&[]).asking(&["Accept-Encoding: identity"]).from(from),
            get(&[]).asking(&["Accept-Encoding: br"]).from(from),
        ];
        check(&format!("{answers:?}"), &exchanges).await;
    };
    case(&["Cache-Control: max-age=60"], From::Store).await;
    case(&["Cache-Control: max-age=60", "Vary: Accept-Encoding"], From::Origin).await;
    case(&["Cache-Control: max-age=60", "Content-Encoding: gzip"], From::Origin).await;
    let ranged = ["Range: bytes=0-1", "Accept-Encoding: identity"];
    let later = get(&[]).asking(&ranged).from(From::Store).gets_status(206);
    check("a range", &[get(&LASTING).asking(&["Accept-Encoding: gzip"]), later]).await;
}

#[tokio::test]
async fn what_is_stale_is_validated_and_then_cut() {
    let answers = ["Cache-Control: max-age=2", "ETag: \"a\""];
    let later = get(&answers).asking(&["Range: bytes=2-3"]).from(From::Validated("if-none-match"));
    check("a stale one", &[get(&answers).pause(), later.gets_status(206).gets_body("23")]).await;
}

#[tokio::test]
async fn parts_without_a_validator_are_passed_on_and_not_stored() {
    let answers = ["Cache-Control: max-age=3600", "Content-Range: bytes 5-9/10"];
    let ranged = || get(&answers).answered(206).asking(&["Range: bytes=-5"]);
    check("206", &[ranged(), ranged().from(From::Origin), get(&[]).from(From::Origin)]).await;
    // Also where nobody asked for a part.
    check("206 unasked", &[get(&answers).answered(206), get(&[]).from(From::Origin)]).await;
    // Elsewhere the field means nothing (RFC 9110 section 14.4).
    reused(&["Cache-Control: max-age=3600", "Content-Range: bytes 0-9/10"], true).await;
}

#[tokio::test]
async fn parts_with_a_validator_are_stored() {
    let answers = with(&LASTING, &["Content-Range: bytes 5-9/20"]);
    let ranged = |range| get(&answers).answered(206).asking(&[range]);
    let cut =
        ranged("Range: bytes=6-7").from(From::Store).gets("content-range", "bytes 6-7/20").gets_body("12");
    let more = ranged("Range: bytes=6-10").from(From::Origin);
    let whole = get(&LASTING).from(From::Origin);
    check("206", &[ranged("Range: bytes=5-9").body("01234"), cut, more, whole]).await;
}
