//! What the rules promise, held against a naive list.

use crate::batch::Pattern;
use crate::match_uri::MatchUri;
use crate::position::Position;
use crate::rules::Rules;

fn at(number: u64) -> Position {
    Position::new(number)
}

fn pattern(text: &str) -> Pattern {
    Pattern::parse(text).unwrap_or_else(|why| panic!("{text:?} {why}"))
}

fn uri(text: &str) -> MatchUri {
    match text.split_once('?') {
        Some((path, query)) => MatchUri::of(path, Some(query)),
        None => MatchUri::of(text, None),
    }
}

#[test]
fn what_a_path_matches() {
    let check = |rule: &str, matched: &[&str], not: &[&str]| {
        let mut rules = Rules::new(at(1));
        rules.insert(&pattern(rule), at(2));
        for stored in matched {
            assert_eq!(rules.newest_for_uri(&uri(stored)), at(2), "{rule} matches {stored}");
        }
        for stored in not {
            assert_eq!(rules.newest_for_uri(&uri(stored)), at(1), "{rule} does not match {stored}");
        }
    };
    check("/", &["/", "/?"], &["/a", "/?x=1", "//"]);
    check("/a", &["/a", "/%61", "/a?"], &["/", "/A", "/a/", "/ab", "/a?x=1", "/b"]);
    check("/a*", &["/a", "/a/", "/ab/c", "/a?x=1", "/%61b"], &["/", "/A", "/b/a"]);
    check("/*", &["/", "/a", "/a?x=1"], &[]);
    check("/?*", &["/", "/?x=1"], &["/a"]);
    check(
        "/a?y=2&x=1",
        &["/a", "/a?x=1", "/a?y=2", "/a?x=1&y=2", "/a?y=2&x=1"],
        &["/a?x=2", "/a?x=1&z=3", "/a/", "/b"],
    );
    check("/a?x=1&x=2&y=3&z=4", &["/a", "/a?q=5"], &["/a/", "/ab?x=1", "/"]);
    check("/a?x*", &["/a", "/a?x=1", "/a?q=5"], &["/a/", "/ab?x=1"]);
    check("/~*", &["/~", "/%7ea"], &["/a"]);
    check("/%7*", &["/~", "/%7ea", "/a"], &[]);
    check("/caf%C3*", &["/café", "/caf%c3%a9", "/caf%C3"], &["/caf%C4"]);
    check("/a%2Fb", &["/a%2fb"], &["/a/b"]);
}
