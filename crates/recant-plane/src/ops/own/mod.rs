//! Our own operations, beyond CloudFront's: `/recant/v1/…`, JSON.
//!
//! They have the same shape as CloudFront's: a document in, a document out, one a file. The input is one structure of the path's labels,
//! the query's parameters and the members of the body's JSON object; a member that an operation does not know is an error.
//! Policies name them `recant:NAME`.

mod audit;
mod dry_run;
mod invalidations;
pub(super) mod keys;
mod limits;
mod progress;

use http::{Method, StatusCode};
use recant_wire::document::{Document, Members};

use super::{Context, input, resources, shapes};
use crate::admission::AdmissionOptions;
use crate::error::{ApiError, excerpt};
use crate::folder::RootKey;
use crate::store::Store;

/// One of our own operations.
#[derive(Debug)]
pub(crate) struct OwnOperation {
    /// Its name, in the form of AWS's.
    pub(crate) name: &'static str,
    method: Method,
    /// The path after `/recant/v1/`; a segment in braces is a member of the input.
    path: &'static str,
    /// What it is about.
    about: About,
    /// The members that its input may have beside the path's.
    members: &'static [&'static str],
    /// The status of a success.
    pub(crate) success: StatusCode,
}

/// What an operation of ours is about, for policies.
#[derive(Clone, Copy, Debug)]
enum About {
    /// The plane as a whole.
    Everything,
    /// An access key, or the one that is made.
    Key,
    /// A tenant, however it is named.
    Tenant,
    /// A distribution.
    Distribution,
}

/// Where they all are.
pub(crate) const ROOT: &str = "/recant/v1/";

static OPERATIONS: [OwnOperation; 16] = [
    OwnOperation {
        name: "CountStoredResponses",
        method: Method::POST,
        path: "distribution-tenants/{Id}/invalidation-dry-run",
        about: About::Tenant,
        members: &["Items"],
        success: StatusCode::OK,
    },
    OwnOperation {
        name: "CountStoredResponses",
        method: Method::POST,
        path: "distributions/{DistributionId}/invalidation-dry-run",
        about: About::Distribution,
        members: &["Items"],
        success: StatusCode::OK,
    },
    OwnOperation {
        name: "ListKeys",
        method: Method::GET,
        path: "keys",
        about: About::Everything,
        members: &["Marker", "MaxItems"],
        success: StatusCode::OK,
    },
    OwnOperation {
        name: "CreateKey",
        method: Method::POST,
        path: "keys",
        about: About::Key,
        members: &["Name", "Policy"],
        success: StatusCode::CREATED,
    },
    OwnOperation {
        name: "GetKey",
        method: Method::GET,
        path: "keys/{AccessKeyId}",
        about: About::Key,
        members: &[],
        success: StatusCode::OK,
    },
    OwnOperation {
        name: "UpdateKey",
        method: Method::PUT,
        path: "keys/{AccessKeyId}",
        about: About::Key,
        members: &["Name", "Policy", "Status"],
        success: StatusCode::OK,
    },
    OwnOperation {
        name: "DeleteKey",
        method: Method::DELETE,
        path: "keys/{AccessKeyId}",
        about: About::Key,
        members: &[],
        success: StatusCode::NO_CONTENT,
    },
    OwnOperation {
        name: "ListAuditRecords",
        method: Method::GET,
        path: "audit",
        about: About::Everything,
        members: &["After", "MaxItems"],
        success: StatusCode::OK,
    },
    OwnOperation {
        name: "GetLimits",
        method: Method::GET,
        path: "limits",
        about: About::Everything,
        members: &[],
        success: StatusCode::OK,
    },
    OwnOperation {
        name: "CreateInvalidation",
        method: Method::POST,
        path: "distributions/{DistributionId}/invalidation",
        about: About::Distribution,
        members: &["Paths", "CallerReference"],
        success: StatusCode::CREATED,
    },
    OwnOperation {
        name: "GetInvalidation",
        method: Method::GET,
        path: "distributions/{DistributionId}/invalidation/{Id}",
        about: About::Distribution,
        members: &[],
        success: StatusCode::OK,
    },
    OwnOperation {
        name: "GetInvalidationProgress",
        method: Method::GET,
        path: "distributions/{DistributionId}/invalidation/{Id}/progress",
        about: About::Distribution,
        members: &[],
        success: StatusCode::OK,
    },
    OwnOperation {
        name: "GetInvalidationProgress",
        method: Method::GET,
        path: "distribution-tenants/{DistributionTenantId}/invalidation/{Id}/progress",
        about: About::Tenant,
        members: &[],
        success: StatusCode::OK,
    },
    OwnOperation {
        name: "ListEdges",
        method: Method::GET,
        path: "edges",
        about: About::Everything,
        members: &[],
        success: StatusCode::OK,
    },
    OwnOperation {
        name: "StreamEvents",
        method: Method::GET,
        path: "events",
        about: About::Everything,
        members: &["After"],
        success: StatusCode::OK,
    },
    OwnOperation {
        name: "ListInvalidations",
        method: Method::GET,
        path: "distributions/{DistributionId}/invalidation",
        about: About::Distribution,
        members: &["Marker", "MaxItems"],
        success: StatusCode::OK,
    },
];

/// Finds the operation of a request line, and the members of its input that are in the path.
pub(crate) fn route(method: &Method, path: &str) -> Option<(&'static OwnOperation, Members)> {
    let given: Vec<&str> = path.strip_prefix(ROOT)?.split('/').collect();
    OPERATIONS.iter().filter(|operation| operation.method == *method).find_map(|operation| {
        let pattern: Vec<&str> = operation.path.split('/').collect();
        if pattern.len() != given.len() {
            return None;
        }
        let mut labels = Members::new();
        for (pattern, given) in pattern.into_iter().zip(&given) {
            match pattern.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
                // Nothing has an empty name.
                Some(_) if given.is_empty() => return None,
                Some(name) => {
                    let text = percent_encoding::percent_decode_str(given).decode_utf8_lossy();
                    labels.insert(name, Document::from(&*text));
                }
                None if pattern == *given => {}
                None => return None,
            }
        }
        Some((operation, labels))
    })
}

impl OwnOperation {
    /// What policies call it.
    pub(crate) fn action(&self) -> String {
        format!("recant:{}", self.name)
    }

    /// What it is about, as an ARN: its kind and the first label, or `KIND/*` for one that makes something.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) async fn resource<S: Store>(
        &self,
        context: &Context<S>,
        labels: &Members,
    ) -> Result<String, ApiError> {
        let id = labels.iter().next().and_then(|(_, id)| id.as_str()).unwrap_or("*");
        Ok(match self.about {
            About::Everything => "*".to_owned(),
            About::Key => format!("arn:aws:recant::{}:key/{id}", context.store.identity().account),
            About::Tenant => resources::of_tenant(context, id).await?,
            About::Distribution => shapes::arn(context.store.identity(), "distribution", id),
        })
    }

    /// Adds members of the query or the body to those of the path.
    ///
    /// # Errors
    /// [`ApiError::InvalidArgument`] for a member that the operation does not know, or that is there twice.
    pub(crate) fn add_members(
        &self,
        input: &mut Members,
        members: impl IntoIterator<Item = (String, Document)>,
    ) -> Result<(), ApiError> {
        for (name, value) in members {
            let refuse = |why| ApiError::InvalidArgument(format!("'{}' {why}.", excerpt(&name)));
            if !self.members.contains(&name.as_str()) {
                return Err(refuse(format!("is no member of {}", self.name)));
            }
            if input.get(&name).is_some() {
                return Err(refuse("is there twice".to_owned()));
            }
            input.insert(&*name, value);
        }
        Ok(())
    }
}

/// Performs one; nothing where it has nothing to say.
///
/// # Errors
/// What the operation refuses.
pub(crate) async fn perform<S: Store>(
    context: &Context<S>,
    admission: &AdmissionOptions,
    operation: &OwnOperation,
    input: &Document,
) -> Result<Option<Document>, ApiError> {
    match operation.name {
        "ListKeys" => keys::list(context, input).await.map(Some),
        "CreateKey" => keys::create(context, input, RootKey::generate()).await.map(Some),
        "GetKey" => keys::get(context, input).await.map(Some),
        "UpdateKey" => keys::update(context, input).await.map(Some),
        "DeleteKey" => keys::delete(context, input).await.map(|()| None),
        "ListAuditRecords" => audit::list(context, input).await.map(Some),
        "CountStoredResponses" => dry_run::count(context, input).await.map(Some),
        "GetLimits" => Ok(Some(limits::get(context, admission))),
        "CreateInvalidation" => invalidations::create(context, input).await.map(Some),
        "GetInvalidation" => invalidations::get(context, input).await.map(Some),
        "GetInvalidationProgress" => progress::invalidation(context, input).await.map(Some),
        "ListEdges" => progress::edges(context).await.map(Some),
        "ListInvalidations" => invalidations::list(context, input).await.map(Some),
        other => unreachable!("{other} is in the table of operations and nowhere else"),
    }
}

/// A required text member.
fn required<'d>(document: &'d Document, member: &str) -> Result<&'d str, ApiError> {
    input::optional_text(document, member)
        .ok_or_else(|| ApiError::InvalidArgument(format!("{member} is missing, empty, or no text.")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_operations() {
        let check = |method: Method, path: &str, expected: Option<(&str, Option<&str>)>| {
            let found = route(&method, path);
            let found = found.as_ref().map(|(operation, labels)| {
                (operation.name, labels.get("AccessKeyId").and_then(Document::as_str))
            });
            assert_eq!(found, expected, "{method} {path}");
        };
        check(Method::GET, "/recant/v1/keys", Some(("ListKeys", None)));
        check(Method::POST, "/recant/v1/keys", Some(("CreateKey", None)));
        check(Method::GET, "/recant/v1/keys/AKIA1", Some(("GetKey", Some("AKIA1"))));
        check(Method::PUT, "/recant/v1/keys/AKIA1", Some(("UpdateKey", Some("AKIA1"))));
        check(Method::DELETE, "/recant/v1/keys/a%2Fb", Some(("DeleteKey", Some("a/b"))));
        for (method, path) in [
            (Method::GET, "/recant/v1/"),
            (Method::GET, "/recant/v1/keys/"),
            (Method::GET, "/recant/v1/keys/AKIA1/secret"),
            (Method::PATCH, "/recant/v1/keys"),
            (Method::GET, "/recant/v2/keys"),
        ] {
            check(method, path, None);
        }
    }
}
