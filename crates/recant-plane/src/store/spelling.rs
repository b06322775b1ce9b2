//! How values are spelled in a database, whichever it is: what is the same for every store, and no question to one.

use recant_core::policy::PolicyKind;

/// A value as it is stored.
pub(super) fn json<T: serde::Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).expect("specs, tags and lists of texts have no keys that JSON lacks")
}

/// What stands in the stored spec of a distribution that has this policy in a behaviour, and in no other's: within a text of the
/// JSON every quote has a backslash before it.
pub(super) fn policy_in_spec(kind: PolicyKind, id: &str) -> String {
    let id = json(id);
    match kind {
        PolicyKind::Cache => format!(r#""cache_policy_id":{id}"#),
        PolicyKind::OriginRequest => format!(r#""origin_request_policy_id":{id}"#),
        PolicyKind::ResponseHeaders => format!(r#""response_headers_policy":{{"id":{id}"#),
    }
}
