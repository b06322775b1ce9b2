//! Serving what is stale: RFC 9111 section 4.2.4 and RFC 5861.

use super::{From, check, get};

#[tokio::test]
async fn an_origin_that_cannot_be_reached() {
    let closed = |control: &'static str, is_served: bool| async move {
        let line = format!("Cache-Control: {control}");
        let later = get(&[]).broken_off();
        let later = if is_served {
            later.from(From::Store).gets("cache-status", "recant; fwd=stale; detail=origin-unreachable")
        } else {
            later.lacks("answer")
        };
        check(control, &[get(&[&line]).pause(), later]).await;
    };
    closed("max-age=2", true).await;
    closed("max-age=2, stale-if-error=60", true).await;
    closed("max-age=2, stale-if-error=0", false).await;
    for forbids in ["must-revalidate", "proxy-revalidate", "no-cache", "s-maxage=2"] {
        let control = format!("max-age=2, {forbids}").leak();
        closed(control, false).await;
    }
}

#[tokio::test]
async fn an_origin_that_answers_with_an_error() {
    let fails = |control: &'static str, status: u16, is_served: bool| async move {
        let line = format!("Cache-Control: {control}");
        let later = get(&[]).answered(status);
        let later =
            if is_served { later.from(From::Store).gets_status(200) } else { later.from(From::Origin) };
        check(&format!("{control}, {status}"), &[get(&[&line]).pause(), later]).await;
    };
    for status in [500, 502, 503, 504] {
        fails("max-age=2, stale-if-error=60", status, true).await;
    }
    fails("max-age=2, stale-if-error=60", 404, false).await;
    fails("max-age=1, stale-if-error=1", 503, false).await;
    fails("max-age=2, stale-if-error=60, must-revalidate", 503, false).await;
    // RFC 9111 section 4.2.4: an origin that answers is not one that cannot be reached.
    fails("max-age=2", 503, false).await;
}

#[tokio::test]
async fn while_it_is_validated() {
    let answers = ["Cache-Control: max-age=1, stale-while-revalidate=3600", "ETag: \"abc\""];
    let status = "recant; hit; ttl=-2; detail=stale-while-revalidate";
    let later = get(&answers).from(From::Store).gets("cache-status", status).gets("age", "3");
    check("within the time", &[get(&answers).pause(), later]).await;
    let answers = ["Cache-Control: max-age=1, stale-while-revalidate=1", "ETag: \"abc\""];
    check("after the time", &[get(&answers).pause(), get(&[]).from(From::Origin)]).await;
    let answers = ["Cache-Control: max-age=1, stale-while-revalidate=9, must-revalidate"];
    check("forbidden", &[get(&answers).pause(), get(&[]).from(From::Origin)]).await;
}
