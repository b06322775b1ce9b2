//! What the rules promise: by example, and against a naive list over random patterns.

use std::thread;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::batch::Pattern;
use crate::limits::RULE_QUERY_PARAMETERS_MAX;
use crate::match_uri::{MatchUri, parameters};
use crate::position::Position;
use crate::rules::{RuleLimits, Rules};
use crate::tag::CacheTag;

const UNLIMITED: RuleLimits = RuleLimits { nodes: usize::MAX, tag_nodes: usize::MAX };

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

fn tag(text: &str) -> CacheTag {
    CacheTag::parse(text).unwrap()
}

// --- by example --------------------------------------------------------------------------------------------

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

#[test]
fn a_tag_matches_as_a_whole_and_leaves_the_untagged_alone() {
    let mut rules = Rules::new(at(1));
    rules.insert(&pattern("#Blue"), at(2));
    rules.insert(&pattern("#red"), at(3));
    assert_eq!(rules.newest_for_tags(&[tag("bLUE")]), at(2));
    assert_eq!(rules.newest_for_tags(&[tag("blue"), tag("red"), tag("green")]), at(3));
    assert_eq!(rules.newest_for_tags(&[tag("blu"), tag("blues")]), at(1));
    assert_eq!(rules.newest_for_tags(&[]), at(1));
    assert_eq!(rules.newest_for_uri(&uri("/blue")), at(1));
    assert_eq!((rules.newest_tag(), rules.newest()), (at(3), at(3)));
}

#[test]
fn the_floor_concerns_everything_and_never_falls() {
    let mut rules = Rules::new(at(5));
    rules.insert(&pattern("/old"), at(4));
    assert!(rules.is_empty(), "what the floor covers is not held");
    rules.insert(&pattern("/a"), at(6));
    rules.insert(&pattern("#t"), at(7));
    rules.insert(&pattern("/*"), at(8));
    assert!(rules.is_empty(), "what the floor covers is freed");
    rules.raise_floor(at(3));
    for position in
        [rules.newest_for_uri(&uri("/z")), rules.newest_for_tags(&[]), rules.newest(), rules.newest_tag()]
    {
        assert_eq!(position, at(8));
    }
}

#[test]
fn a_wildcard_frees_what_it_dominates() {
    let mut rules = Rules::new(Position::ZERO);
    for n in 1..=1_000u64 {
        rules.insert(&pattern(&format!("/images/{n}")), at(n));
    }
    rules.insert(&pattern("/imprint"), at(1_001));
    let before = rules.clone();
    rules.insert(&pattern("/images/*"), at(1_002));
    assert!(before.len() > 1_000 && rules.len() <= 3, "{} and then {} nodes", before.len(), rules.len());
    assert_eq!(rules.newest_for_uri(&uri("/images/7")), at(1_002));
    assert_eq!(rules.newest_for_uri(&uri("/imprint")), at(1_001));
    assert_eq!(before.newest_for_uri(&uri("/images/7")), at(7), "a reader's clone is undisturbed");
    assert_eq!(rules.collapsed(), 0);
}

#[test]
fn a_late_wildcard_keeps_what_is_newer() {
    let mut rules = Rules::new(Position::ZERO);
    rules.insert(&pattern("/a/new"), at(9));
    rules.insert(&pattern("/a/old"), at(3));
    rules.insert(&pattern("/a/*"), at(5));
    rules.insert(&pattern("/a/older"), at(4));
    let newest = |text| rules.newest_for_uri(&uri(text));
    assert_eq!((newest("/a/new"), newest("/a/old"), newest("/a/older")), (at(9), at(5), at(5)));
}

#[test]
fn the_oldest_subtree_collapses_first_and_as_new_as_its_newest() {
    // Nodes: "/", "old/" and "new/" with two leaves each.
    let mut rules = Rules::with_limits(Position::ZERO, RuleLimits { nodes: 7, tag_nodes: 7 });
    for (n, text) in ["/new/a", "/old/b", "/old/a", "/new/b"].into_iter().enumerate() {
        rules.insert(&pattern(text), at(n as u64 + 1));
    }
    assert_eq!((rules.len(), rules.collapsed()), (7, 0));
    rules.insert(&pattern("/new/c"), at(5));
    let newest = |text| rules.newest_for_uri(&uri(text));
    assert_eq!(newest("/old/never-named"), at(3), "the newest below /old/, not the oldest or the last");
    assert_eq!(newest("/new/never-named"), Position::ZERO, "enough was freed by the older one");
    assert_eq!(newest("/other"), Position::ZERO);
    assert_eq!((rules.len(), rules.collapsed()), (6, 1));
}

#[test]
fn collapsed_tags_hit_tagged_responses_only() {
    let mut rules = Rules::with_limits(at(1), RuleLimits { nodes: 9, tag_nodes: 3 });
    for (n, text) in ["#a", "#b", "#c", "#d", "#e"].into_iter().enumerate() {
        rules.insert(&pattern(text), at(n as u64 + 2));
    }
    assert!(rules.collapsed() > 0);
    assert!(rules.newest_for_tags(&[tag("z")]) >= at(5), "over-invalidates");
    assert_eq!(rules.newest_for_tags(&[]), at(1));
    assert_eq!(rules.newest_for_uri(&uri("/a")), at(1));
}

#[test]
fn no_room_at_all_raises_the_floor() {
    let mut rules = Rules::with_limits(Position::ZERO, RuleLimits { nodes: 0, tag_nodes: 0 });
    rules.insert(&pattern("/a"), at(1));
    assert_eq!(rules.newest_for_uri(&uri("/b")), at(1));
    rules.insert(&pattern("#t"), at(2));
    assert_eq!(rules.newest_for_tags(&[tag("u")]), at(2));
    assert_eq!(rules.newest_for_tags(&[]), at(1));
    assert!(rules.is_empty());
}

#[test]
fn long_labels_count() {
    let limits = RuleLimits { nodes: 100, tag_nodes: 0 };
    let mut rules = Rules::with_limits(Position::ZERO, limits);
    for n in 1..50u64 {
        rules.insert(&pattern(&format!("/{n}/{}", "x".repeat(3_900))), at(n));
        assert!(rules.len() <= 100, "a hundred nodes' worth of bytes");
    }
    assert!(rules.collapsed() > 0);
}

/// The depth of the trie is the tenant's to choose; a reader's stack is not.
#[test]
fn a_chain_of_thousands_of_nodes_needs_no_stack() {
    let deep = || {
        let text = |length: u64| format!("/{}", "a".repeat(length as usize));
        let mut rules = Rules::with_limits(Position::ZERO, UNLIMITED);
        for length in 1..4_000 {
            rules.insert(&pattern(&text(length)), at(length));
        }
        assert!(rules.len() >= 3_999);
        assert_eq!(rules.newest_for_uri(&uri(&text(3_999))), at(3_999));
        // A shared chain is copied along the path, then one of the two is dropped, then pruned, then the other.
        let reader = rules.clone();
        rules.insert(&pattern(&text(3_998)), at(5_000));
        drop(reader.clone());
        let mut small = rules.clone();
        small.limits.nodes = 100;
        small.insert(&pattern("/b"), at(5_001));
        assert!(small.len() <= 100);
        assert_eq!(small.newest_for_uri(&uri(&text(3_998))), at(5_000));
        assert!(format!("{rules:?}").len() < 1_000);
        rules.insert(&pattern("/a*"), at(5_002));
        assert!(rules.len() <= 2);
        assert_eq!(reader.newest_for_uri(&uri(&text(3_998))), at(3_998));
    };
    let thread = thread::Builder::new().stack_size(128 * 1024).spawn(deep).unwrap();
    thread.join().unwrap();
}

// --- against a naive list ----------------------------------------------------------------------------------

/// Every rule ever given, and the sentence of [`crate::rules`] about what it matches.
struct Naive(Vec<(String, Position)>);

impl Naive {
    fn newest_for_uri(&self, path: &str, query: Option<&str>) -> Position {
        let matching = self.0.iter().filter(|(rule, _)| matches(rule, path, query));
        matching.map(|(_, at)| *at).max().unwrap_or_default()
    }

    fn newest_for_tags(&self, tags: &[CacheTag]) -> Position {
        let names = |rule: &str| tags.iter().any(|tag| rule.eq_ignore_ascii_case(&format!("#{tag}")));
        // What matches every path matches whatever is tagged.
        let all = |rule: &str| rule.ends_with('*') && !rule.contains('?') && matches(rule, "/", None);
        let matching = self.0.iter().filter(|(rule, _)| all(rule) || names(rule));
        matching.map(|(_, at)| *at).max().unwrap_or_default()
    }

    fn newest(&self) -> Position {
        self.0.iter().map(|(_, at)| *at).max().unwrap_or_default()
    }
}

fn matches(rule: &str, path: &str, query: Option<&str>) -> bool {
    if rule.starts_with('#') {
        return false;
    }
    let normalised = |path| MatchUri::of(path, None).as_str().to_owned();
    let (typed, wildcard) = rule.strip_suffix('*').map_or((rule, false), |typed| (typed, true));
    let Some((rule_path, rule_query)) = typed.split_once('?') else {
        if !wildcard {
            return normalised(typed) == normalised(path)
                && query.is_none_or(|query| parameters(query).is_empty());
        }
        let last_percent = typed.rfind('%').filter(|cut| {
            let tail = &typed[cut + 1..];
            tail.len() < 2 && tail.bytes().all(|byte| byte.is_ascii_hexdigit())
        });
        return normalised(path).starts_with(&normalised(&typed[..last_percent.unwrap_or(typed.len())]));
    };
    let allowed = parameters(rule_query);
    let any_query = wildcard || allowed.len() > RULE_QUERY_PARAMETERS_MAX;
    normalised(rule_path) == normalised(path)
        && (any_query || query.is_none_or(|query| parameters(query).iter().all(|one| allowed.contains(one))))
}

fn path() -> impl Strategy<Value = String> {
    let piece = select(vec![
        "a", "b", "/", "~", "%7E", "%7e", "%61", "%", "%4", "1", "é", "%C3%A9", "%c3", " ", "\"", "%2f", "=",
        "&",
    ]);
    vec(piece, 0..4).prop_map(|pieces| format!("/{}", pieces.concat()))
}

fn query() -> impl Strategy<Value = Option<String>> {
    let parameter = select(vec!["x=1", "y=2", "x=~", "x=%7E", "x", "é=?", "", "%c3%a9=?"]);
    proptest::option::weighted(0.4, vec(parameter, 0..5).prop_map(|parameters| parameters.join("&")))
}

/// A rule as it might be typed: path, query, wildcard; one in six is a tag.
fn rule() -> impl Strategy<Value = String> {
    let typed = (path(), query(), prop::bool::weighted(0.4)).prop_map(|(path, query, wildcard)| {
        let query = query.map_or(String::new(), |query| format!("?{query}"));
        format!("{path}{query}{}", if wildcard { "*" } else { "" })
    });
    let tag = select(vec!["#a", "#B", "#aa", "#ab", "#c"]).prop_map(str::to_owned);
    prop_oneof![5 => typed, 1 => tag]
}

/// Rules at growing positions, or at whatever positions.
fn log() -> impl Strategy<Value = Vec<(String, Position)>> {
    let in_order = vec(rule(), 0..24)
        .prop_map(|rules| rules.into_iter().zip(1..).map(|(rule, n)| (rule, at(n))).collect());
    let shuffled = vec((rule(), (1..20u64).prop_map(at)), 0..24);
    prop_oneof![2 => in_order, 1 => shuffled]
}

fn stored() -> impl Strategy<Value = Vec<(String, Option<String>)>> {
    vec((path(), query()), 1..24)
}

fn some_tags() -> Vec<Vec<CacheTag>> {
    [&[][..], &["a"], &["b", "z"], &["aa", "ab"], &["z"]]
        .map(|names| names.iter().map(|name| tag(name)).collect())
        .to_vec()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn without_limits_the_rules_are_the_naive_list(log in log(), stored in stored()) {
        let mut rules = Rules::with_limits(Position::ZERO, UNLIMITED);
        for (rule, at) in &log {
            rules.insert(&pattern(rule), *at);
        }
        let naive = Naive(log);
        for (path, query) in &stored {
            let uri = MatchUri::of(path, query.as_deref());
            prop_assert_eq!(rules.newest_for_uri(&uri), naive.newest_for_uri(path, query.as_deref()), "{:?}", uri);
        }
        for tags in some_tags() {
            prop_assert_eq!(rules.newest_for_tags(&tags), naive.newest_for_tags(&tags), "{:?}", tags);
            prop_assert!(rules.newest_for_tags(&tags) <= rules.newest_tag());
        }
        prop_assert_eq!(rules.newest(), naive.newest());
        prop_assert_eq!(rules.collapsed(), 0);
    }

    #[test]
    fn under_any_limits_nothing_is_forgotten(
        log in log(), stored in stored(), nodes in 0..24usize, tag_nodes in 0..6usize, floor in 0..6u64,
    ) {
        let mut rules = Rules::with_limits(at(floor), RuleLimits { nodes, tag_nodes });
        for (rule, at) in &log {
            rules.insert(&pattern(rule), *at);
            prop_assert!(rules.uris.weight() <= nodes && rules.tags.weight() <= tag_nodes);
        }
        let naive = Naive(log);
        let newest = naive.newest().max(at(floor));
        for (path, query) in &stored {
            let held = rules.newest_for_uri(&MatchUri::of(path, query.as_deref()));
            prop_assert!(held >= naive.newest_for_uri(path, query.as_deref()).max(at(floor)));
            prop_assert!(held <= newest);
        }
        for tags in some_tags() {
            let held = rules.newest_for_tags(&tags);
            prop_assert!(held >= naive.newest_for_tags(&tags).max(at(floor)));
            prop_assert!(held <= rules.newest_tag());
        }
        prop_assert_eq!(rules.newest(), newest);
    }

    #[test]
    fn what_is_held_makes_the_same_rules_again(log in log(), stored in stored(), floor in 0..6u64) {
        let mut rules = Rules::with_limits(Position::ZERO, UNLIMITED);
        for (text, at) in &log {
            rules.insert(&pattern(text), *at);
        }
        rules.raise_floor(at(floor));
        let again = Rules::of(&rules.held());
        for (path, query) in &stored {
            let uri = MatchUri::of(path, query.as_deref());
            prop_assert_eq!(rules.newest_for_uri(&uri), again.newest_for_uri(&uri));
        }
        for tags in some_tags() {
            prop_assert_eq!(rules.newest_for_tags(&tags), again.newest_for_tags(&tags));
        }
        prop_assert_eq!((rules.newest(), rules.newest_tag()), (again.newest(), again.newest_tag()));
        // Nodes that no rule needs any more are not made again.
        prop_assert!(again.len() <= rules.len());
    }

    #[test]
    fn a_clone_never_changes(log in log(), stored in stored(), nodes in 4..40usize) {
        let answers = |rules: &Rules| -> Vec<Position> {
            let uris = stored.iter().map(|(path, query)| rules.newest_for_uri(&MatchUri::of(path, query.as_deref())));
            let tags = some_tags().into_iter().map(|tags| rules.newest_for_tags(&tags));
            uris.chain(tags).chain([rules.newest(), rules.newest_tag(), at(rules.len() as u64)]).collect()
        };
        let mut rules = Rules::with_limits(Position::ZERO, RuleLimits { nodes, tag_nodes: 4 });
        let mut readers = Vec::new();
        for (rule, at) in &log {
            readers.push((rules.clone(), answers(&rules)));
            rules.insert(&pattern(rule), *at);
        }
        for (reader, expected) in readers {
            prop_assert_eq!(answers(&reader), expected);
        }
    }

    #[test]
    fn the_weight_is_that_of_the_nodes(log in log(), nodes in 4..40usize) {
        let mut rules = Rules::with_limits(Position::ZERO, RuleLimits { nodes, tag_nodes: 4 });
        for (rule, at) in &log {
            rules.insert(&pattern(rule), *at);
            prop_assert_eq!(rules.uris.recounted_weight(), rules.uris.weight());
            prop_assert_eq!(rules.tags.recounted_weight(), rules.tags.weight());
        }
    }

    /// What matches as typed, byte for byte, matches in the normalised spelling, which is therefore enough.
    #[test]
    fn what_matches_raw_matches(head in path(), tail in path(), query in query(), cut in 0..64usize) {
        let text = format!("{head}{}", &tail[1..]);
        let typed = format!("{text}{}", query.as_ref().map_or(String::new(), |query| format!("?{query}")));
        let uri = MatchUri::of(&text, query.as_deref());
        let length = typed.char_indices().map(|(at, _)| at).filter(|at| *at > 0).nth(cut).unwrap_or(typed.len());
        for rule in [typed.clone(), format!("{typed}*"), format!("{}*", &typed[..length])] {
            let mut rules = Rules::new(Position::ZERO);
            rules.insert(&pattern(&rule), at(1));
            prop_assert_eq!(rules.newest_for_uri(&uri), at(1), "{:?} matches {:?}", rule, typed);
        }
    }
}
