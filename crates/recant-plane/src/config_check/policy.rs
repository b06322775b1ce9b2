//! What policies of every kind have in common: a name, a comment, lists of names.

use http::HeaderName;
use http::header::{
    CONNECTION, CONTENT_LENGTH, COOKIE, EXPECT, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE,
    IF_UNMODIFIED_SINCE, MAX_FORWARDS, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, RANGE, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE, VIA,
};
use recant_core::limits::{
    COMMENT_CHARS_MAX, CUSTOM_POLICY_NAME_CHARS_MAX, NAMES_PER_POLICY_BYTES_MAX, NAMES_PER_POLICY_LIST_MAX,
};
use recant_core::policy::{Policy, PolicyKind};
use recant_core::selection::Selection;
use recant_core::viewer_fields::{ViewerField, is_reserved};
use recant_wire::document::Document;

use super::fields::Fields;
use super::{cache_policy, origin_request_policy, response_headers_policy};
use crate::error::{ApiError, PolicyList, excerpt};

/// A policy's configuration that this version honours.
#[derive(Clone, Debug)]
pub(crate) struct NamedPolicy {
    /// Its name.
    pub(crate) name: String,
    /// What its author says of it.
    pub(crate) comment: String,
    /// What it means.
    pub(crate) policy: Policy,
}

/// Reads the configuration of a policy that has this id, and this entity tag from now on; a managed one has none.
///
/// # Errors
/// [`ApiError`] names the first member that is not right or not honoured.
pub(crate) fn policy(
    kind: PolicyKind,
    id: &str,
    revision: &str,
    config: &Document,
) -> Result<NamedPolicy, ApiError> {
    match kind {
        PolicyKind::Cache => cache_policy::cache_policy(id, revision, config),
        PolicyKind::OriginRequest => origin_request_policy::origin_request_policy(id, revision, config),
        PolicyKind::ResponseHeaders => response_headers_policy::response_headers_policy(id, revision, config),
    }
}

/// `Name` and `Comment`.
pub(super) fn name_and_comment(fields: &mut Fields<'_>) -> Result<(String, String), ApiError> {
    let name = fields.required_text("Name")?;
    let is_one = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    if name.is_empty() || name.len() > CUSTOM_POLICY_NAME_CHARS_MAX || !is_one {
        let why = format_args!(
            "'{}' is not 1 to {CUSTOM_POLICY_NAME_CHARS_MAX} letters, digits, '-' and '_'",
            excerpt(name)
        );
        return Err(fields.refuse("Name", why));
    }
    let comment = fields.text("Comment").unwrap_or_default();
    if comment.chars().count() > COMMENT_CHARS_MAX {
        let why = format_args!("a comment has at most {COMMENT_CHARS_MAX} characters");
        return Err(fields.refuse("Comment", why));
    }
    Ok((name.to_owned(), comment.to_owned()))
}

/// Where a list of names stands, and what it may hold.
pub(super) struct NameList {
    /// `CookieBehavior`.
    pub(super) behavior: &'static str,
    /// `Cookies`.
    pub(super) names: &'static str,
    /// Whose list.
    pub(super) kind: PolicyKind,
    /// What there may be too many of.
    pub(super) list: PolicyList,
}

impl NameList {
    /// The behaviour, and the names listed for it: some for a behaviour of `with_names`, none for any other.
    pub(super) fn read<'d>(
        &self,
        fields: &mut Fields<'d>,
        with_names: &[&str],
    ) -> Result<(&'d str, Vec<String>), ApiError> {
        let behavior = fields.required_text(self.behavior)?;
        let path = fields.name(self.names);
        let mut names = Vec::new();
        if let Some(mut listed) = fields.structure(self.names)? {
            listed.ignore("Quantity");
            names = listed.texts("Items");
            listed.finish()?;
        }
        if with_names.contains(&behavior) == names.is_empty() {
            let why = if names.is_empty() { "needs at least one name" } else { "takes no names" };
            return Err(fields.refuse(self.names, format_args!("'{}' {why}", excerpt(behavior))));
        }
        if names.len() > NAMES_PER_POLICY_LIST_MAX {
            return Err(ApiError::TooManyInPolicy(self.kind, self.list));
        }
        for (at, name) in names.iter().enumerate() {
            if name.is_empty() || name.contains('*') {
                let why = format_args!(
                    "'{}' is not a name; it stands for itself, without wildcards",
                    excerpt(name)
                );
                return Err(super::fields::refuse(&format!("{path}.Items"), why));
            }
            if names[..at].iter().any(|earlier| earlier.eq_ignore_ascii_case(name)) {
                let why = format_args!("'{}' is listed twice", excerpt(name));
                return Err(super::fields::refuse(&format!("{path}.Items"), why));
            }
        }
        Ok((behavior, names.into_iter().map(str::to_owned).collect()))
    }
}

/// Which values are meant, of the four behaviours that cookies and query strings have.
pub(super) fn selection(
    fields: &mut Fields<'_>,
    list: &NameList,
    can_be_in: impl Fn(&str) -> bool,
) -> Result<Selection, ApiError> {
    let (behavior, names) = list.read(fields, &["whitelist", "allExcept"])?;
    if let Some(name) = names.iter().find(|name| !can_be_in(name)) {
        return Err(fields.refuse(list.names, format_args!("'{}' can be no such name", excerpt(name))));
    }
    match behavior {
        "none" => Ok(Selection::None),
        "whitelist" => Ok(Selection::Only(names)),
        "allExcept" => Ok(Selection::AllExcept(names)),
        "all" => Ok(Selection::All),
        _ => Err(fields.refuse(list.behavior, "none, whitelist, allExcept or all")),
    }
}

/// What is about one hop, the body, a part, a precondition or the edge itself, so that no policy may list it.
/// `Cookie` has a member of its own.
const NOT_LISTED: [HeaderName; 18] = [
    CONNECTION,
    CONTENT_LENGTH,
    COOKIE,
    EXPECT,
    IF_MATCH,
    IF_MODIFIED_SINCE,
    IF_NONE_MATCH,
    IF_RANGE,
    IF_UNMODIFIED_SINCE,
    MAX_FORWARDS,
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    RANGE,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
    VIA,
];

/// The header fields of these names, each of which a policy may list.
pub(super) fn header_names(fields: &Fields<'_>, names: &[String]) -> Result<Vec<HeaderName>, ApiError> {
    let read = |text: &String| {
        let refuse = |why: &str| Err(fields.refuse("Headers", format_args!("'{}' {why}", excerpt(text))));
        match HeaderName::try_from(text.as_str()) {
            Err(_) => refuse("is not the name of a header"),
            Ok(name) if NOT_LISTED.contains(&name) => refuse("is not for a policy to list"),
            Ok(name) if is_reserved(&name) && ViewerField::of(&name).is_none() => {
                refuse("is a header that this version does not make; leave it out")
            }
            Ok(name) => Ok(name),
        }
    };
    names.iter().map(read).collect()
}

/// All names that a policy lists together are not too long.
pub(super) fn names_fit<'n>(
    fields: &Fields<'_>,
    member: &str,
    names: impl Iterator<Item = &'n str>,
) -> Result<(), ApiError> {
    if names.map(str::len).sum::<usize>() <= NAMES_PER_POLICY_BYTES_MAX {
        return Ok(());
    }
    let why = format_args!("all names together have at most {NAMES_PER_POLICY_BYTES_MAX} bytes");
    Err(fields.refuse(member, why))
}

/// The names of a selection.
pub(super) fn names_of(selection: &Selection) -> impl Iterator<Item = &str> {
    let names = match selection {
        Selection::Only(names) | Selection::AllExcept(names) => names.as_slice(),
        Selection::None | Selection::All => &[],
    };
    names.iter().map(String::as_str)
}

/// RFC 6265 section 4.1.1: a cookie's name is a token.
pub(super) fn is_cookie_name(name: &str) -> bool {
    HeaderName::try_from(name).is_ok()
}

/// What can stand before the `=` of a query's parameter (RFC 3986 section 3.4).
pub(super) fn is_parameter_name(name: &str) -> bool {
    name.bytes().all(|b| b.is_ascii_graphic() && !b"&=#\"<>\\^`{|}".contains(&b))
}
