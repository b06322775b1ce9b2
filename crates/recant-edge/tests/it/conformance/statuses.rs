//! Which statuses are stored: RFC 9111 section 3, RFC 9110 section 15.

use super::{FRESH, From, check, get};

#[tokio::test]
async fn every_final_status_with_explicit_freshness() {
    for status in [200, 203, 204, 299, 301, 302, 303, 307, 308, 400, 404, 410, 499, 500, 502, 503, 504, 599] {
        let fresh = [get(&FRESH).answered(status).pause(), get(&[]).answered(status).from(From::Store)];
        check(&format!("a fresh {status}"), &fresh).await;
        let stale = ["Expires: {-5000}", "Last-Modified: {-100000}", "Date: {0}"];
        let stale = [get(&stale).answered(status), get(&[]).from(From::Origin)];
        check(&format!("a stale {status}"), &stale).await;
    }
}

#[tokio::test]
async fn no_status_without() {
    let old = ["Last-Modified: {-86400}", "Date: {0}"];
    for status in [201, 202, 403, 404, 405, 410, 414, 501, 502, 503, 504, 599] {
        let asked = [get(&old).answered(status), get(&old).answered(status).from(From::Origin)];
        check(&format!("{status}"), &asked).await;
    }
}

#[tokio::test]
async fn must_understand() {
    let answers = ["Cache-Control: max-age=3600, no-store, must-understand"];
    check("599", &[get(&answers).answered(599), get(&[]).from(From::Origin)]).await;
    check("200", &[get(&answers), get(&[]).from(From::Store)]).await;
}
