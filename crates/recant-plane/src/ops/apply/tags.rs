//! Declared tags: those that are declared are set, others are taken away. Where none are declared, all stay.

use recant_wire::document::Document;

use super::{Applier, ApplyError, ask};
use crate::config_check;
use crate::ops::shapes;
use crate::store::{Store, Tags};

/// Reads `Tags`; nothing where none are declared.
///
/// # Errors
/// The first that is not right.
pub(super) fn read(at: &str, tags: Option<&Document>) -> Result<Option<Tags>, ApplyError> {
    tags.map(config_check::tags).transpose().map_err(ApplyError::of(at))
}

/// Brings the tags of something to the declared ones. Returns whether anything had to be done.
///
/// # Errors
/// What the operations refuse.
pub(super) async fn bring<S: Store>(
    by: &Applier<'_, S>,
    at: &str,
    arn: &str,
    current: &Tags,
    wanted: Option<&Tags>,
) -> Result<bool, ApplyError> {
    let Some(wanted) = wanted else { return Ok(false) };
    let unset: Vec<&str> =
        current.keys().filter(|key| !wanted.contains_key(*key)).map(String::as_str).collect();
    if !unset.is_empty() {
        let keys = Document::structure([("Items", Document::list(unset.iter().copied()))]);
        let input = Document::structure([("Resource", Document::from(arn)), ("TagKeys", keys)]);
        ask(by, at, ("UntagResource", arn), input).await?;
    }
    let set: Tags = wanted
        .iter()
        .filter(|(key, value)| current.get(*key) != Some(value))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    if !set.is_empty() {
        let tags = shapes::tag_list(&set);
        let input = Document::structure([("Resource", Document::from(arn)), ("Tags", tags)]);
        ask(by, at, ("TagResource", arn), input).await?;
    }
    Ok(!unset.is_empty() || !set.is_empty())
}
