//! Tags: the same rules for everything that can be tagged.

use recant_core::limits::TAGS_PER_RESOURCE_MAX;
use recant_wire::document::Document;

use super::fields::Fields;
use crate::error::{ApiError, excerpt};
use crate::store::Tags;

const TAG_KEY_CHARS: std::ops::RangeInclusive<usize> = 1..=128;
const TAG_VALUE_CHARS_MAX: usize = 256;

/// Reads `Tags`.
///
/// # Errors
/// [`ApiError::InvalidTagging`] names the first that is not right.
pub(crate) fn tags(tags: &Document) -> Result<Tags, ApiError> {
    let items = Fields::of("Tags", tags)?.list("Items");
    if items.len() > TAGS_PER_RESOURCE_MAX {
        return Err(ApiError::InvalidTagging(format!(
            "{} tags, at most {TAGS_PER_RESOURCE_MAX}.",
            items.len()
        )));
    }
    let mut read = Tags::new();
    for (path, item) in items {
        let mut tag = Fields::of(&path, item)?;
        let key = tag.required_text("Key")?;
        let value = tag.text("Value").unwrap_or_default();
        let why = if !TAG_KEY_CHARS.contains(&key.chars().count()) {
            "a key has 1 to 128 characters"
        } else if value.chars().count() > TAG_VALUE_CHARS_MAX {
            "a value has at most 256 characters"
        } else if key.to_ascii_lowercase().starts_with("aws:") {
            "keys that start with 'aws:' are reserved"
        } else if read.insert(key.to_owned(), value.to_owned()).is_some() {
            "the key is there twice"
        } else {
            continue;
        };
        return Err(ApiError::InvalidTagging(format!("{path} ('{}'): {why}.", excerpt(key))));
    }
    Ok(read)
}

/// Reads `TagKeys`.
///
/// # Errors
/// [`ApiError::InvalidTagging`] names the first that is not right.
pub(crate) fn tag_keys(keys: &Document) -> Result<Vec<String>, ApiError> {
    let keys = Fields::of("TagKeys", keys)?.texts("Items");
    if let Some(bad) = keys.iter().find(|key| !TAG_KEY_CHARS.contains(&key.chars().count())) {
        return Err(ApiError::InvalidTagging(format!(
            "TagKeys ('{}'): a key has 1 to 128 characters.",
            excerpt(bad)
        )));
    }
    Ok(keys.into_iter().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn keys_and_values() {
        let check = |items: Value, good: bool| {
            assert_eq!(tags(&Document::from(json!({"Items": items}))).is_ok(), good, "{items}");
        };
        check(json!([{"Key": "a", "Value": "b"}, {"Key": "c"}]), true);
        check(json!([{"Key": "a"}, {"Key": "a"}]), false);
        check(json!([{"Key": "aws:a"}]), false);
        check(json!([{"Key": ""}]), false);
        check(json!([{"Key": "a".repeat(129)}]), false);
        check(json!([{"Key": "a", "Value": "b".repeat(257)}]), false);
        let many =
            |count: usize| json!((0..count).map(|n| json!({"Key": n.to_string()})).collect::<Vec<_>>());
        check(many(50), true);
        check(many(51), false);
    }
}
