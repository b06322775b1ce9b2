//! Which candidates fit what is typed, best first.

use super::Candidate;

/// How well a candidate fits; the better, the smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    /// It begins with what is typed.
    Prefix,
    /// One of its parts, after a hyphen, begins with it.
    Part,
    /// It holds it somewhere.
    Inside,
    /// Its letters are there in this order.
    Scattered,
}

/// Those that fit, the best first; equals stay in their order.
///
/// Where anything begins with what is typed, or has it inside, mere scattered letters are no more than noise.
pub(super) fn best(all: Vec<Candidate>, typed: &str) -> Vec<Candidate> {
    let mut fitting: Vec<(Fit, Candidate)> = all
        .into_iter()
        .filter_map(|candidate| fit(&candidate.text, typed).map(|fit| (fit, candidate)))
        .collect();
    fitting.sort_by_key(|(fit, _)| *fit);
    if fitting.first().is_some_and(|(fit, _)| *fit < Fit::Scattered) {
        fitting.retain(|(fit, _)| *fit < Fit::Scattered);
    }
    fitting.into_iter().map(|(_, candidate)| candidate).collect()
}

fn fit(text: &str, typed: &str) -> Option<Fit> {
    let (text, typed) = (text.to_lowercase(), typed.to_lowercase());
    if text.starts_with(&typed) {
        return Some(Fit::Prefix);
    }
    let bare = typed.trim_start_matches('-');
    if bare.is_empty() {
        return None;
    }
    if text.split('-').any(|part| part.starts_with(bare)) {
        return Some(Fit::Part);
    }
    if text.contains(bare) {
        return Some(Fit::Inside);
    }
    let mut letters = text.chars();
    bare.chars().all(|wanted| letters.any(|letter| letter == wanted)).then_some(Fit::Scattered)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_comes_first_and_noise_is_left_out() {
        let check = |typed: &str, expected: &[&str]| {
            let all = ["get-distribution", "create-distribution", "list-distributions", "wait"];
            let all = all.map(|text| Candidate::new(text, "")).to_vec();
            let best: Vec<String> = best(all, typed).into_iter().map(|candidate| candidate.text).collect();
            assert_eq!(best, expected, "{typed}");
        };
        check("", &["get-distribution", "create-distribution", "list-distributions", "wait"]);
        check("get", &["get-distribution"]);
        check("DIST", &["get-distribution", "create-distribution", "list-distributions"]);
        check("butions", &["list-distributions"]);
        check("crdist", &["create-distribution"]);
        check("xyz", &[]);
    }
}
