//! Near misses: which known words a mistyped one may have meant.
//!
//! The measure is the one of Python's `difflib` (Ratcliff and Obershelp, with the longest matching block found leftmost), because the
//! suggestions and their order are part of the AWS CLI's text.

/// A suggestion must be at least this similar.
const RATIO_MIN: f64 = 0.8;
/// No more suggestions than this.
const SUGGESTIONS_MAX: usize = 3;

/// Returns up to three of the words that are most like this one, best first.
pub(crate) fn closest<'a>(word: &str, words: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let wanted: Vec<char> = word.chars().collect();
    let mut scored: Vec<(f64, &str)> = words
        .map(|candidate| {
            let letters: Vec<char> = candidate.chars().collect();
            (ratio(&letters, &wanted), candidate)
        })
        .filter(|(ratio, _)| *ratio >= RATIO_MIN)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| b.1.cmp(a.1)));
    scored.truncate(SUGGESTIONS_MAX);
    scored.into_iter().map(|(_, word)| word).collect()
}

/// Twice the matching letters over all letters.
fn ratio(a: &[char], b: &[char]) -> f64 {
    let all = a.len() + b.len();
    if all == 0 {
        return 1.0;
    }
    2.0 * matching(a, b) as f64 / all as f64
}

/// The letters in the longest common block and, on both its sides, in the longest common blocks there.
fn matching(a: &[char], b: &[char]) -> usize {
    let (start_a, start_b, length) = longest_block(a, b);
    if length == 0 {
        return 0;
    }
    length + matching(&a[..start_a], &b[..start_b]) + matching(&a[start_a + length..], &b[start_b + length..])
}

fn longest_block(a: &[char], b: &[char]) -> (usize, usize, usize) {
    let mut best = (0, 0, 0);
    let mut lengths = vec![0usize; b.len() + 1];
    for (i, x) in a.iter().enumerate() {
        let mut next = vec![0usize; b.len() + 1];
        for (j, y) in b.iter().enumerate() {
            if x == y {
                next[j + 1] = lengths[j] + 1;
                if next[j + 1] > best.2 {
                    best = (i + 1 - next[j + 1], j + 1 - next[j + 1], next[j + 1]);
                }
            }
        }
        lengths = next;
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_found_best_first() {
        let words = [
            "get-invalidation-for-distribution-tenant",
            "create-invalidation-for-distribution-tenant",
            "list-invalidations-for-distribution-tenant",
            "get-function",
        ];
        let check = |word: &str, want: &[&str]| assert_eq!(closest(word, words.into_iter()), want, "{word}");
        check(
            "create-invalidation-for-distribution-tenan",
            &[
                "create-invalidation-for-distribution-tenant",
                "get-invalidation-for-distribution-tenant",
                "list-invalidations-for-distribution-tenant",
            ],
        );
        check("get-functoin", &["get-function"]);
        check("x", &[]);
    }
}
