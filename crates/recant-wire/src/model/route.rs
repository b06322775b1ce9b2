//! Which operation a request line means.
//!
//! The path is split into segments before anything is decoded, so that a label may hold `%2F`. Constant parts of the
//! query (`?WithTags`, `?Operation=Tag`) choose between operations of the same method and path.

use std::cmp::Reverse;

use http::Method;
use percent_encoding::percent_decode_str;

use super::{Operation, data};

/// An operation and the labels of its path.
#[derive(Clone, Debug)]
pub struct Route {
    /// What is asked.
    pub operation: &'static Operation,
    /// For what.
    pub labels: Labels,
}

/// The labels of a path by their wire names, decoded. Bytes that are not UTF-8 become U+FFFD, which no id holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels(Vec<(&'static str, String)>);

impl Labels {
    /// The label of that name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(own, _)| *own == name).map(|(_, value)| value.as_str())
    }
}

/// Finds the operation of a request line: `path` and `query` as they came, still encoded.
///
/// A label may be empty (`/distribution-tenant//invalidation`, which clients do send): it names nothing, and the
/// operation will say so. Where several operations match, a constant part of the query wins over none, and a constant
/// segment over a label.
pub fn route(method: &Method, path: &str, query: Option<&str>) -> Option<Route> {
    let operation = data::OPERATIONS
        .iter()
        .filter(|operation| operation.method == *method)
        .filter_map(|operation| {
            let (pattern, constant) = split_uri(operation.uri);
            let labels = count_labels(pattern, path)?;
            let asked =
                constant.is_none_or(|constant| query.is_some_and(|query| has_parameter(query, constant)));
            asked.then_some(((Reverse(constant.is_some()), labels), operation))
        })
        .min_by_key(|(rank, _)| *rank)?
        .1;
    let segments = split_uri(operation.uri).0.split('/').zip(path.split('/'));
    let labels = segments.filter_map(|(pattern, given)| {
        Some((label(pattern)?, percent_decode_str(given).decode_utf8_lossy().into_owned()))
    });
    Some(Route { operation, labels: Labels(labels.collect()) })
}

/// The path with its labels, and the constant query.
pub(crate) fn split_uri(uri: &'static str) -> (&'static str, Option<&'static str>) {
    uri.split_once('?').map_or((uri, None), |(path, query)| (path, Some(query)))
}

/// The name of the label that a segment of a pattern is.
pub(crate) fn label(segment: &'static str) -> Option<&'static str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}

/// How many labels the pattern needs to match the path, if it does.
fn count_labels(pattern: &'static str, path: &str) -> Option<usize> {
    let mut given = path.split('/');
    let mut labels = 0;
    for segment in pattern.split('/') {
        let given = given.next()?;
        match label(segment) {
            Some(_) => labels += 1,
            None if segment == given => {}
            None => return None,
        }
    }
    given.next().is_none().then_some(labels)
}

/// Whether the query has the parameter: `Operation=Tag` with that value, `WithTags` with any or none.
fn has_parameter(query: &str, constant: &str) -> bool {
    query.split('&').any(|parameter| match constant.contains('=') {
        true => parameter == constant,
        false => parameter.split('=').next() == Some(constant),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(method: Method, target: &str, expected: Option<(&str, &[(&str, &str)])>) {
        let (path, query) =
            target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
        let found = route(&method, path, query);
        let found = found.as_ref().map(|route| {
            let labels: Vec<_> = route.labels.0.iter().map(|(name, value)| (*name, value.as_str())).collect();
            (route.operation.name, labels)
        });
        assert_eq!(found, expected.map(|(name, labels)| (name, labels.to_vec())), "{method} {target}");
    }

    #[test]
    fn lines_and_operations() {
        let tenant = "/2020-05-31/distribution-tenant";
        let get = |target: &str, expected| check(Method::GET, target, expected);
        let post = |target: &str, expected| check(Method::POST, target, expected);
        post(tenant, Some(("CreateDistributionTenant", &[])));
        get(&format!("{tenant}?domain=a.example"), Some(("GetDistributionTenantByDomain", &[])));
        get(tenant, Some(("GetDistributionTenantByDomain", &[])));
        get(&format!("{tenant}/dt_1"), Some(("GetDistributionTenant", &[("Identifier", "dt_1")])));
        get(&format!("{tenant}/a%2Fb%20c"), Some(("GetDistributionTenant", &[("Identifier", "a/b c")])));
        get(
            &format!("{tenant}/a%2finvalidation"),
            Some(("GetDistributionTenant", &[("Identifier", "a/invalidation")])),
        );
        get(&format!("{tenant}/%FF"), Some(("GetDistributionTenant", &[("Identifier", "\u{fffd}")])));
        post(
            &format!("{tenant}//invalidation"),
            Some(("CreateInvalidationForDistributionTenant", &[("Id", "")])),
        );
        get(
            &format!("{tenant}/dt_1/invalidation/I1"),
            Some(("GetInvalidationForDistributionTenant", &[("DistributionTenantId", "dt_1"), ("Id", "I1")])),
        );
        post("/2020-05-31/distribution?WithTags", Some(("CreateDistributionWithTags", &[])));
        post("/2020-05-31/distribution?WithTags=", Some(("CreateDistributionWithTags", &[])));
        post("/2020-05-31/distribution?x=WithTags", Some(("CreateDistribution", &[])));
        post("/2020-05-31/tagging?Resource=arn&Operation=Untag", Some(("UntagResource", &[])));
        post("/2020-05-31/tagging?Operation=Other", None);
        get("/2020-05-31/nothing", None);
        get("2020-05-31/distribution", None);
        get("", None);
        get(&format!("{tenant}/dt_1/"), None);
        check(Method::PATCH, tenant, None);
    }

    #[test]
    fn every_operation_is_found_by_its_own_line() {
        for operation in &data::OPERATIONS {
            let (pattern, query) = split_uri(operation.uri);
            let path: Vec<_> = pattern.split('/').map(|segment| label(segment).unwrap_or(segment)).collect();
            let found = route(&operation.method, &path.join("/"), query).unwrap();
            assert_eq!(found.operation.name, operation.name);
            for (name, value) in &found.labels.0 {
                assert_eq!(name, value);
            }
        }
    }
}
