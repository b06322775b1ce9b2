//! What is forgotten after a change through the edge: RFC 9111 section 4.4.

use super::{FRESH, From, check, get};

#[tokio::test]
async fn a_change_that_succeeded() {
    for method in ["POST", "PUT", "DELETE", "PATCH"] {
        let changed = |status| get(&[]).by(method).answered(status).asking(&["Content-Length: 0"]);
        let last = |from| get(&FRESH).from(from);
        check(&format!("{method} 200"), &[get(&FRESH), changed(200), last(From::Origin)]).await;
        check(&format!("{method} 303"), &[get(&FRESH), changed(303), last(From::Origin)]).await;
        check(&format!("{method} 500"), &[get(&FRESH), changed(500), last(From::Store)]).await;
        check(&format!("{method} 404"), &[get(&FRESH), changed(404), last(From::Store)]).await;
        for field in ["Location", "Content-Location"] {
            for (named, from) in [
                ("/x?y", From::Origin),
                ("http://a.test/x?y", From::Origin),
                ("x?y", From::Origin),
                ("http://b.test/x?y", From::Store),
            ] {
                let answers = [&*format!("{field}: {named}")];
                let changed = get(&answers).by(method).asking(&["Content-Length: 0"]);
                let exchanges = [get(&FRESH).at("/x?y"), changed, get(&FRESH).at("/x?y").from(from)];
                check(&format!("{method}, {field} {named}"), &exchanges).await;
            }
        }
    }
    // Whatever codings the changing request would accept.
    let gzip = ["Accept-Encoding: gzip"];
    let exchanges = [
        get(&FRESH).asking(&gzip),
        get(&[]).by("POST").asking(&["Content-Length: 0"]),
        get(&FRESH).asking(&gzip).from(From::Origin),
    ];
    check("another coding", &exchanges).await;
    // A safe method changes nothing.
    check("OPTIONS", &[get(&FRESH), get(&[]).by("OPTIONS"), get(&FRESH).from(From::Store)]).await;
}
