//! How long a response is fresh: RFC 9111 sections 4.2, 5.1 and 5.3.

use super::{FRESH, From, check, get, reused, with};

#[tokio::test]
async fn max_age_and_s_maxage() {
    reused(&[], false).await;
    reused(&["Cache-Control: max-age=3600"], true).await;
    for lasting in ["2147483647", "2147483648", "2147483649", "99999999999", "003600"] {
        reused(&[&format!("Cache-Control: max-age={lasting}")], true).await;
    }
    for over in ["2", "0", "-3600", "'3600'", "3600a", "a3600", "3600.0"] {
        reused(&[&format!("Cache-Control: max-age={over}")], false).await;
    }
    reused(&["Cache-Control: foobar, MaX-aGe=3600"], true).await;
    reused(&["Cache-Control: s-maxage=3600"], true).await;
    reused(&["Cache-Control: max-age=1, s-maxage=3600"], true).await;
    reused(&["Cache-Control: max-age=0, s-maxage=3600", "Expires: {-10}"], true).await;
    reused(&["Cache-Control: max-age=3600, s-maxage=1"], false).await;
    reused(&["Cache-Control: s-maxage=1, max-age=3600"], false).await;
    reused(&["Cache-Control: max-age=3600", "Cache-Control: s-maxage=1"], false).await;
    // What only looks like a directive.
    reused(&["Cache-Control: extension=\"max-age=3600\", max-age=1"], false).await;
    reused(&["Cache-Control: max-age=1, extension=\"max-age=3600\""], false).await;
}

#[tokio::test]
async fn expires() {
    reused(&["Expires: {2592000}", "Date: {0}"], true).await;
    reused(&["Expires: {10}", "Date: foo"], true).await;
    reused(&["Expires: {-2592000}", "Date: {0}"], false).await;
    reused(&["Expires: {0}", "Date: {0}"], false).await;
    reused(&["Expires: {300}", "Date: {400}"], false).await;
    reused(&["Cache-Control: max-age=3600", "Expires: {-7200}", "Date: {0}"], true).await;
    reused(&["Cache-Control: max-age=3600", "Expires: 0", "Date: {0}"], true).await;
    reused(&["Cache-Control: max-age=0", "Expires: {3600}", "Date: {0}"], false).await;
    for date in [
        "Tue, 19 Jan 2038 14:14:08 GMT",
        "Sun, 21 Nov 2286 04:46:39 GMT",
        "Thursday, 18-Aug-50 02:01:18 GMT",
        "Thu Aug 18 02:01:18 2050",
        "THU, 18 Aug 2050 02:01:18 GMT",
        "Thu, 18 AUG 2050 02:01:18 GMT",
        "Thu, 18 Aug 2050 02:01:18 gMT",
    ] {
        reused(&[&format!("Expires: {date}"), "Date: {0}"], true).await;
    }
    for no_date in [
        "0",
        "Thu, 18 Aug 2050 02:01:18 UTC",
        "Thu, 18 Aug 2050 02:01:18 AEST",
        "Thu, 18 Aug 50 02:01:18 GMT",
        "Thu 18 Aug 2050 02:01:18 GMT",
        "Thu, 18  Aug  2050 02:01:18 GMT",
        "Thu, 18-Aug-2050 02:01:18 GMT",
        "Thu, 18 Aug 2050 02.01.18 GMT",
        "Thu, 18 Aug 2050 2:01:18 GMT",
    ] {
        reused(&[&format!("Expires: {no_date}"), "Date: {0}"], false).await;
    }
    let lines =
        ["Expires: Thu, 18 Aug 2050 2:01:18 GMT", "Expires: Thu, 18 Aug 2050 2:01:19 GMT", "Date: {0}"];
    reused(&lines, false).await;
}

#[tokio::test]
async fn age_counts() {
    let aged = |age: &[&str], is_reused| {
        let lines: Vec<String> = age.iter().map(|age| format!("Age: {age}")).collect();
        async move {
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            reused(&with(&["Date: {0}", "Cache-Control: max-age=3600"], &lines), is_reused).await;
        }
    };
    for fresh in ["abc", "-7200", "7200.0", "0, 7200", "0, 0"] {
        aged(&[fresh], true).await;
    }
    for stale in ["7200", "2147483647", "2147483648", "2147483649", "7200, 0"] {
        aged(&[stale], false).await;
    }
    aged(&["0", "7200"], true).await;
    aged(&["0", "0"], true).await;
    aged(&["1800", "1800"], true).await;
    aged(&["7200", "0"], false).await;
    reused(&["Date: {-7200}", "Cache-Control: max-age=3600"], false).await;
    reused(&["Date: {-10}", "Expires: {10}", "Age: 25"], false).await;
    reused(&["Date: {10}", "Expires: {20}", "Age: 15"], false).await;
    reused(&["Date: {0}", "CDN-Cache-Control: max-age=3600", "Age: 7200"], false).await;
}

#[tokio::test]
async fn a_stored_response_says_its_age_and_keeps_its_date() {
    let later = |answers: &[&str]| [get(answers).pause(), get(&[]).from(From::Store)];
    let [first, second] = later(&FRESH);
    check("Age", &[first, second.gets("age", "3").gets("date", "{-3}").gets("expires", "{99997}")]).await;
    let [first, second] = later(&["Expires: {2592000}", "Date: {0}", "Age: 30"]);
    check("Age with Expires", &[first, second.gets("age", "33").gets("date", "{-3}")]).await;
    let [first, second] = later(&["Cache-Control: max-age=600", "Date: {0}", "Age: 30"]);
    check("Age with max-age", &[first, second.gets("age", "33")]).await;
}

#[tokio::test]
async fn the_query_is_part_of_the_key() {
    let same = [get(&FRESH).at("/p?test=1"), get(&[]).at("/p?test=1").from(From::Store)];
    check("the same query", &same).await;
    let other = [get(&FRESH).at("/p?test=1"), get(&[]).at("/p?test=2").from(From::Origin)];
    check("another query", &other).await;
}
