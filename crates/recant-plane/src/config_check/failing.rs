//! What a configuration may ask for the case that an origin fails: `OriginGroups` and `CustomErrorResponses`.

use std::time::Duration;

use recant_core::failing::{CustomErrorSpec, ErrorPageSpec, OriginGroupSpec};
use recant_core::limits::{
    ERROR_CACHING_SECONDS_DEFAULT, ERROR_CACHING_SECONDS_MAX, ORIGIN_GROUPS_PER_DISTRIBUTION_MAX,
    ORIGIN_ID_CHARS_MAX, PATH_CHARS_MAX,
};
use recant_core::spec::OriginSpec;
use recant_wire::document::Document;

use super::fields::Fields;
use super::origin;
use crate::error::{ApiError, excerpt};

/// The statuses that a group may count as failing (`OriginGroupFailoverCriteria` in the API reference).
const FAILOVER_STATUSES: [i64; 7] = [403, 404, 429, 500, 502, 503, 504];

/// The statuses that errors may have (`ErrorCode` of `CustomErrorResponse`).
const ERROR_STATUSES: [i64; 11] = [400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504];

/// Reads `OriginGroups`.
pub(super) fn origin_groups(
    fields: &mut Fields<'_>,
    origins: &[OriginSpec],
) -> Result<Vec<OriginGroupSpec>, ApiError> {
    let mut groups: Vec<OriginGroupSpec> = Vec::new();
    for (path, item) in fields.items("OriginGroups")? {
        let mut group = Fields::of(&path, item)?;
        let id = group.required_text("Id")?;
        if id.is_empty() || id.chars().count() > ORIGIN_ID_CHARS_MAX {
            return Err(group.refuse("Id", format_args!("a name has 1 to {ORIGIN_ID_CHARS_MAX} characters")));
        }
        if origins.iter().any(|origin| origin.id == id) || groups.iter().any(|group| group.id == id) {
            return Err(group.refuse("Id", "an origin or another group has it already"));
        }
        let mut criteria = group.required_structure("FailoverCriteria")?;
        let failover_statuses = failover_statuses(&mut criteria)?;
        criteria.finish()?;
        let members = members(&mut group, origins)?;
        group.one_of("SelectionCriteria", &["default"])?;
        group.finish()?;
        groups.push(OriginGroupSpec { id: id.to_owned(), members, failover_statuses });
    }
    if groups.len() > ORIGIN_GROUPS_PER_DISTRIBUTION_MAX {
        let why = format_args!("a distribution has at most {ORIGIN_GROUPS_PER_DISTRIBUTION_MAX} groups");
        return Err(fields.refuse("OriginGroups", why));
    }
    Ok(groups)
}

fn failover_statuses(criteria: &mut Fields<'_>) -> Result<Vec<u16>, ApiError> {
    let mut statuses = Vec::new();
    for (path, item) in criteria.items("StatusCodes")? {
        match item {
            Document::Integer(status) if FAILOVER_STATUSES.contains(status) => statuses.push(*status as u16),
            _ => {
                let why = format_args!("a group fails over at {}", listed(&FAILOVER_STATUSES));
                return Err(super::fields::refuse(&path, why));
            }
        }
    }
    if statuses.is_empty() {
        return Err(criteria.refuse("StatusCodes", "at least one status counts as failing"));
    }
    Ok(statuses)
}

fn members(group: &mut Fields<'_>, origins: &[OriginSpec]) -> Result<Vec<String>, ApiError> {
    let mut members: Vec<String> = Vec::new();
    for (path, item) in group.items("Members")? {
        let mut member = Fields::of(&path, item)?;
        let id = member.required_text("OriginId")?;
        if !origins.iter().any(|origin| origin.id == id) {
            let name = member.name("OriginId");
            return Err(ApiError::NoSuchOrigin(format!("{name}: no origin has the Id '{}'.", excerpt(id))));
        }
        if members.iter().any(|member| member == id) {
            return Err(member.refuse("OriginId", "the other origin of the group is another one"));
        }
        member.finish()?;
        members.push(id.to_owned());
    }
    if members.len() != 2 {
        return Err(group.refuse("Members", "a group has two origins"));
    }
    Ok(members)
}

/// Reads `CustomErrorResponses`.
pub(super) fn custom_errors(fields: &mut Fields<'_>) -> Result<Vec<CustomErrorSpec>, ApiError> {
    let mut errors: Vec<CustomErrorSpec> = Vec::new();
    for (path, item) in fields.items("CustomErrorResponses")? {
        let mut error = Fields::of(&path, item)?;
        let status = error.integer("ErrorCode", 0..=999, 0)?;
        if !ERROR_STATUSES.contains(&status) {
            return Err(error.refuse("ErrorCode", format_args!("one of {}", listed(&ERROR_STATUSES))));
        }
        let status = status as u16;
        if errors.iter().any(|error| error.status == status) {
            return Err(error.refuse("ErrorCode", "another one is for this status"));
        }
        let seconds = 0..=ERROR_CACHING_SECONDS_MAX;
        let seconds = error.integer("ErrorCachingMinTTL", seconds, ERROR_CACHING_SECONDS_DEFAULT)?;
        let page = error_page(&mut error)?;
        error.finish()?;
        let caching_min_ttl = Duration::from_secs(seconds.unsigned_abs());
        errors.push(CustomErrorSpec { status, caching_min_ttl, page });
    }
    Ok(errors)
}

/// The page and its status, which are there both or neither.
fn error_page(error: &mut Fields<'_>) -> Result<Option<ErrorPageSpec>, ApiError> {
    let path = error.text("ResponsePagePath").filter(|path| !path.is_empty());
    let code = error.text("ResponseCode").filter(|code| !code.is_empty());
    let (path, code) = match (path, code) {
        (None, None) => return Ok(None),
        (Some(path), Some(code)) => (path, code),
        (Some(_), None) => return Err(error.refuse("ResponseCode", "a page needs a status")),
        (None, Some(_)) => return Err(error.refuse("ResponsePagePath", "a status needs a page")),
    };
    if !path.starts_with('/') || path.chars().count() > PATH_CHARS_MAX {
        let why = format_args!("a path begins with '/' and has at most {PATH_CHARS_MAX} characters");
        return Err(error.refuse("ResponsePagePath", why));
    }
    if let Some(why) = origin::path_text_problem(path) {
        return Err(error.refuse("ResponsePagePath", why));
    }
    match code.parse() {
        Ok(status) if status == 200 || ERROR_STATUSES.contains(&status) => {
            Ok(Some(ErrorPageSpec { path: path.to_owned(), status: status as u16 }))
        }
        _ => Err(error.refuse("ResponseCode", format_args!("200, or one of {}", listed(&ERROR_STATUSES)))),
    }
}

fn listed(statuses: &[i64]) -> String {
    statuses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use recant_core::spec::{OriginProtocol, Template};
    use serde_json::{Value, json};

    use super::*;

    fn origin(id: &str) -> OriginSpec {
        OriginSpec {
            id: id.into(),
            domain_name: Template::new("o.test"),
            path: Template::new(""),
            http_port: 80,
            https_port: 443,
            protocol: OriginProtocol::HttpOnly,
            connection_timeout: Duration::from_secs(1),
            connection_attempts: 1,
            read_timeout: Duration::from_secs(1),
            custom_headers: Vec::new(),
            shield: None,
        }
    }

    fn group() -> Value {
        json!({
            "Id": "g",
            "FailoverCriteria": {"StatusCodes": {"Quantity": 2, "Items": [500, 404]}},
            "Members": {"Quantity": 2, "Items": [{"OriginId": "b"}, {"OriginId": "a"}]},
            "SelectionCriteria": "default"
        })
    }

    fn read(config: Value) -> Result<(Vec<OriginGroupSpec>, Vec<CustomErrorSpec>), ApiError> {
        let document = Document::from(config);
        let mut fields = Fields::of("D", &document)?;
        let groups = origin_groups(&mut fields, &[origin("a"), origin("b")])?;
        Ok((groups, custom_errors(&mut fields)?))
    }

    #[test]
    fn groups() {
        let with = |pointer: &str, value: Value| {
            let mut group = group();
            *group.pointer_mut(pointer).expect("it is there") = value;
            read(json!({"OriginGroups": {"Quantity": 1, "Items": [group]}}))
        };
        let (groups, _) = with("/Id", json!("g")).expect("it is right");
        assert_eq!(
            (&groups[0].members[..], &groups[0].failover_statuses[..]),
            (&["b".into(), "a".into()][..], &[500, 404][..])
        );
        for (pointer, value, name) in [
            ("/Id", json!("a"), "Id"),
            ("/Id", json!(""), "Id"),
            ("/FailoverCriteria/StatusCodes/Items/0", json!(200), "FailoverCriteria.StatusCodes.Items[0]"),
            ("/FailoverCriteria/StatusCodes/Items", json!([]), "FailoverCriteria.StatusCodes"),
            ("/Members/Items/0/OriginId", json!("x"), "Members.Items[0].OriginId"),
            ("/Members/Items/0/OriginId", json!("a"), "Members.Items[1].OriginId"),
            ("/Members/Items", json!([{"OriginId": "a"}]), "Members"),
            ("/SelectionCriteria", json!("media-quality-based"), "SelectionCriteria"),
        ] {
            let error = with(pointer, value.clone()).expect_err(pointer).to_string();
            assert!(
                error.starts_with(&format!("D.OriginGroups.Items[0].{name}: ")),
                "{pointer} {value}: {error}"
            );
        }
    }

    #[test]
    fn errors() {
        let with = |error: Value| read(json!({"CustomErrorResponses": {"Quantity": 1, "Items": [error]}}));
        let (_, errors) = with(json!({"ErrorCode": 404})).expect("it is right");
        assert_eq!((errors[0].caching_min_ttl, &errors[0].page), (Duration::from_secs(10), &None));
        let (_, errors) = with(json!({
            "ErrorCode": 403, "ResponsePagePath": "/index.html", "ResponseCode": "200", "ErrorCachingMinTTL": 0
        }))
        .expect("it is right");
        let page = ErrorPageSpec { path: "/index.html".into(), status: 200 };
        assert_eq!((errors[0].caching_min_ttl, &errors[0].page), (Duration::ZERO, &Some(page)));
        for (error, name) in [
            (json!({"ErrorCode": 200}), "ErrorCode"),
            (json!({"ErrorCode": 404, "ErrorCachingMinTTL": -1}), "ErrorCachingMinTTL"),
            (json!({"ErrorCode": 404, "ResponsePagePath": "/x"}), "ResponseCode"),
            (json!({"ErrorCode": 404, "ResponseCode": "200"}), "ResponsePagePath"),
            (json!({"ErrorCode": 404, "ResponsePagePath": "x", "ResponseCode": "200"}), "ResponsePagePath"),
            (
                json!({"ErrorCode": 404, "ResponsePagePath": "/../x", "ResponseCode": "200"}),
                "ResponsePagePath",
            ),
            (json!({"ErrorCode": 404, "ResponsePagePath": "/x", "ResponseCode": "201"}), "ResponseCode"),
            (json!({"ErrorCode": 404, "ResponsePagePath": "/x", "ResponseCode": "abc"}), "ResponseCode"),
        ] {
            let got = with(error.clone()).expect_err(name).to_string();
            assert!(got.starts_with(&format!("D.CustomErrorResponses.Items[0].{name}: ")), "{error}: {got}");
        }
        let twice = json!({"CustomErrorResponses": {"Quantity": 2, "Items": [{"ErrorCode": 404}, {"ErrorCode": 404}]}});
        assert!(read(twice).is_err());
    }
}
