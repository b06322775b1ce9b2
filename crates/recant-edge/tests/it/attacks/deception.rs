//! G: what is one viewer's own must not be stored because its address looks like that of a file (cache deception).

use super::under;
use crate::support::{Act, Bed, OPTIMIZED, ORIGIN_HEADERS_QUERY, Origin, ok};

/// What the origin says to the victim, wherever below `/account` it takes the path to lead.
async fn banking(policy: &str, lines: &'static [&'static str]) -> Bed {
    let origin = Origin::start(move |_, request| {
        let cookie = request.lines().find(|line| line.to_ascii_lowercase().starts_with("cookie: "));
        ok(lines, cookie.unwrap_or("a stranger"))
    });
    under(policy, origin.await).await
}

/// Addresses that some origin takes for `/account`, and some cache for a file that is everybody's.
const DISGUISED: [&str; 14] = [
    "/account/x.css",
    "/account/x.js",
    "/account.css",
    "/account;x.css",
    "/account%3bx.css",
    "/account%00.css",
    "/account%0a.css",
    "/account%23.css",
    "/account%3f.css",
    "/account?x.css",
    "/static/..%2faccount",
    "/static/%2e%2e/account",
    "/account%2f..%2frobots.txt",
    "/account/robots.txt",
];

#[tokio::test]
async fn no_address_makes_a_response_everybodys() {
    for target in DISGUISED {
        // By what the origin says, whatever the address looks like.
        let private: [&'static [&'static str]; 4] = [
            &["Cache-Control: private"],
            &["Cache-Control: no-store"],
            &["Cache-Control: max-age=60", "Set-Cookie: s=1"],
            &["Cache-Control: max-age=60", "Vary: Cookie"],
        ];
        for lines in private {
            let bed = banking(ORIGIN_HEADERS_QUERY, lines).await;
            let _ = bed.send("GET", "a.test", target, &["Cookie: s=victim"]).await;
            let reply = bed.get("a.test", target).await;
            assert_eq!(reply.text(), "a stranger", "{target} {lines:?}");
        }
        // An origin that says nothing, under a policy that keeps what says nothing: it never learns whom it speaks to.
        let bed = banking(OPTIMIZED, &[]).await;
        let victims = bed.send("GET", "a.test", target, &["Cookie: s=victim"]).await;
        assert_eq!(victims.text(), "a stranger", "{target}");
        // Under one that has cookies in the key, everybody has an answer of his own.
        let bed = banking(ORIGIN_HEADERS_QUERY, &["Cache-Control: max-age=60"]).await;
        let victims = bed.send("GET", "a.test", target, &["Cookie: s=victim"]).await;
        assert!(victims.text().ends_with("s=victim"), "{target}");
        assert_eq!(bed.get("a.test", target).await.text(), "a stranger", "{target}");
    }
}

#[tokio::test]
async fn an_authorised_answer_is_nobody_elses() {
    for target in DISGUISED {
        let bed = Bed::new(|_, request| {
            let is_known = request.to_ascii_lowercase().contains("\r\nauthorization: ");
            ok(&["Cache-Control: max-age=60"], if is_known { "a secret" } else { "a stranger" })
        })
        .await;
        let victims = bed.send("GET", "a.test", target, &["Authorization: Basic x"]).await;
        assert_eq!(victims.text(), "a secret", "{target}");
        assert_eq!(bed.get("a.test", target).await.text(), "a stranger", "{target}");
    }
}

#[tokio::test]
async fn the_same_page_by_another_spelling_is_another_response() {
    let bed = Bed::new(|before, _| match before {
        0 => ok(&["Cache-Control: max-age=60"], "first"),
        _ => {
            Act::Reply(b"HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nContent-Length: 5\r\n\r\nother".into())
        }
    })
    .await;
    assert_eq!(bed.get("a.test", "/static/x.css").await.text(), "first");
    for target in
        ["/static/./x.css", "/static//x.css", "/static/%78.css", "/static/y/../x.css", "/static/x.css;y"]
    {
        assert_eq!(bed.get("a.test", target).await.text(), "other", "{target}");
    }
    assert_eq!(bed.get("a.test", "/static/x.css").await.text(), "first");
}
