//! What the API refuses, and how that reads on the wire.
//!
//! Every refusal is an [`ApiError`]. It becomes an AWS code and a status in [`ApiError::code`], and nowhere else; its
//! `Display` is the message the caller reads. What the log needs beyond that (a database's own words, say) is logged
//! where it happened and never sent.

use std::time::Duration;

use http::StatusCode;
use recant_core::access::Denial;
use recant_core::ledger::TooManyInProgress;
use recant_core::limits::{
    BAD_PATHS_LISTED_MAX, DISTRIBUTIONS_PER_POLICY_MAX, HEADERS_PER_RESPONSE_POLICY_MAX,
    NAMES_PER_POLICY_LIST_MAX, POLICIES_PER_KIND_MAX,
};
use recant_core::policy::PolicyKind;
use recant_core::rate::RetryAfter;
use recant_wire::sigv4::AuthError;

use crate::questions::Busy;

/// Why a request is not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ApiError {
    // --- who asks (DESIGN.md section 9, "API") ---
    /// A request that is not signed, or not rightly.
    #[error(transparent)]
    Auth(#[from] AuthError),

    /// The key's policy does not let its holder do this.
    #[error("The key {key} is not authorized to perform: {action} on resource: {resource} {why}")]
    AccessDenied {
        /// The id of the key.
        key: String,
        /// What was asked.
        action: String,
        /// What it was asked about, as an ARN.
        resource: String,
        /// Why not.
        why: Denial,
    },
    /// The key, or the tenant, has asked too often; in the service's words (CLOUDFRONT.md section 1.3).
    #[error("Rate exceeded")]
    Throttling(RetryAfter),
    /// More questions to the edges at a time than they may be asked.
    #[error(transparent)]
    EdgesBusy(#[from] Busy),

    // --- what is asked ---
    /// A body that is empty, not XML, or not of the operation's form.
    #[error("{0}")]
    MalformedXml(String),
    /// A body longer than the API takes.
    #[error("Request body is larger than {limit} bytes.")]
    RequestEntityTooLarge {
        /// What the API takes.
        limit: usize,
    },
    /// A batch with more paths than one batch may hold, or a body too long for one.
    #[error("{0}")]
    BatchTooLarge(String),
    /// A body that did not arrive in time.
    #[error(
        "Your socket connection to the server was not read from or written to within the timeout period."
    )]
    RequestTimeout,
    /// A member whose value is not allowed or not honoured.
    #[error("{0}")]
    InvalidArgument(String),
    /// Tags that are not allowed.
    #[error("{0}")]
    InvalidTagging(String),
    /// A `Quantity` that is not the number of `Items`.
    #[error(
        "The specified quantity of {noun} ({stated}) does not match the actual quantity supplied ({actual})."
    )]
    InconsistentQuantities {
        /// The structure that holds the list, as `Paths`.
        noun: String,
        /// `Quantity`.
        stated: i64,
        /// The number of `Items`.
        actual: usize,
    },
    /// A cache behaviour that names an origin which is not there.
    #[error("{0}")]
    NoSuchOrigin(String),
    /// A policy that is not there.
    #[error("{1}")]
    NoSuchPolicy(PolicyKind, String),
    /// More names in a policy than one may list.
    #[error("{}", too_many_in_policy(.1))]
    TooManyInPolicy(PolicyKind, PolicyList),
    /// A distribution with more origins than one may have.
    #[error("Your request contains more origins than are allowed per distribution ({limit}).")]
    TooManyOrigins {
        /// How many are allowed.
        limit: usize,
    },
    /// A distribution with more cache behaviours than one may have.
    #[error("Your request contains more cache behaviors than are allowed per distribution ({limit}).")]
    TooManyCacheBehaviors {
        /// How many are allowed.
        limit: usize,
    },
    /// A distribution with more aliases than one may have.
    #[error("Your request contains more CNAMEs than are allowed per distribution ({limit}).")]
    TooManyDistributionCnames {
        /// How many are allowed.
        limit: usize,
    },
    /// An origin with more custom headers than one may have.
    #[error("Your request contains more custom headers than are allowed per origin ({limit}).")]
    TooManyOriginCustomHeaders {
        /// How many are allowed.
        limit: usize,
    },
    /// An operation that this version does not offer.
    #[error("This version of Recant does not offer {0}.")]
    NotImplemented(&'static str),
    /// A method and path that are no operation of CloudFront's.
    #[error("No operation of CloudFront's API (2020-05-31) answers {0}.")]
    UnknownOperation(String),

    /// A method and path that are no operation of our own API's.
    #[error("No operation under /recant/v1/ answers {0}.")]
    UnknownOwnOperation(String),
    /// A method that one of our own routes does not take.
    #[error("The specified method is not allowed against this resource.")]
    MethodNotAllowed,

    // --- what is there ---
    /// A tenant, connection group or other entity that is not there.
    #[error("{0}")]
    EntityNotFound(String),
    /// A distribution that is not there.
    #[error("The specified distribution does not exist.")]
    NoSuchDistribution,
    /// A distribution whose tenants are invalidated, not itself: CloudFront's code, and what to do instead.
    #[error(
        "The distribution has tenants, and invalidations are theirs: 'recant invalidate {0} PATH... --all-tenants' invalidates \
         all of them. A plane that is started with --distribution-invalidations fan-out does it by this operation."
    )]
    TenantsAreInvalidated(String),
    /// An invalidation that is not there, or another tenant's.
    #[error("The specified invalidation does not exist.")]
    NoSuchInvalidation,
    /// A name that another tenant has.
    #[error("{0}")]
    EntityAlreadyExists(String),
    /// A domain that another tenant has.
    #[error("{0}")]
    CnameAlreadyExists(String),
    /// A `CallerReference` that another distribution was created with.
    #[error(
        "The caller reference that you are using to create a distribution is associated with another distribution. Already exists: {0}"
    )]
    DistributionAlreadyExists(String),
    /// A `CallerReference` that another batch of the tenant was sent with (the reference page's contract).
    #[error(
        "Your request contains a caller reference that was used for a previous invalidation batch for the same \
         distribution tenant, with other paths."
    )]
    InvalidationBatchAlreadyExists,
    /// The same, as users have observed it (CLOUDFRONT.md section 1.3).
    #[error(
        "Your request contains a caller reference that was used for a previous invalidation batch for the same \
         distribution."
    )]
    CallerReferenceUsed,
    /// More paths or wildcards than a tenant may have in progress, in the service's words (CLOUDFRONT.md section 1.3).
    #[error(
        "Processing your request will cause you to exceed the maximum number of in-progress {}invalidations.",
        match .0 { TooManyInProgress::Paths => "", TooManyInProgress::Wildcards => "wildcard " }
    )]
    TooManyInvalidationsInProgress(TooManyInProgress),
    /// More of something than one entity may have.
    #[error("{0}")]
    EntityLimitExceeded(String),
    /// A tenant or connection group that must be disabled first.
    #[error("The resource that you are trying to delete has not been disabled.")]
    ResourceNotDisabled,
    /// A distribution that must be disabled first.
    #[error("The distribution that you are trying to delete has not been disabled.")]
    DistributionNotDisabled,
    /// A distribution that something belongs to.
    #[error("{0}")]
    ResourceInUse(String),
    /// A connection group that something is reached through.
    #[error("{0}")]
    CannotDeleteEntityWhileInUse(String),
    /// A `Content-Security-Policy` that is too long.
    #[error("The value of Content-Security-Policy has at most {limit} bytes.")]
    TooLongCsp {
        /// How many bytes are allowed.
        limit: usize,
    },
    /// A policy's name that another one of the kind has.
    #[error("A policy with this name already exists.")]
    PolicyAlreadyExists(PolicyKind),
    /// A policy that a cache behaviour names.
    #[error("The policy cannot be deleted while a cache behavior of a distribution uses it.")]
    PolicyInUse(PolicyKind),
    /// As many custom policies as there may be.
    #[error(
        "There are {POLICIES_PER_KIND_MAX} custom policies of this kind, which is as many as there may be."
    )]
    TooManyPolicies(PolicyKind),
    /// As many distributions with one policy as there may be.
    #[error("{DISTRIBUTIONS_PER_POLICY_MAX} distributions use the policy, which is as many as may.")]
    TooManyUsersOfPolicy(PolicyKind),
    /// A removal of what cannot be removed.
    #[error("{0}")]
    IllegalDelete(String),
    /// A change of what cannot be changed.
    #[error("{0}")]
    IllegalUpdate(String),
    /// An ARN of nothing that can be tagged.
    #[error("{0}")]
    NoSuchResource(String),
    /// `If-Match` is missing or not an entity tag.
    #[error("The If-Match version is missing or not valid for the resource.")]
    InvalidIfMatchVersion,
    /// `If-Match` is not the current entity tag.
    #[error(
        "The request failed because it didn't meet the preconditions in one or more request-header fields."
    )]
    PreconditionFailed,

    // --- us ---
    /// Too much waits for the store; ask again.
    #[error("CloudFront encountered an internal error. Please try again.")]
    ServiceUnavailable,
    /// The store failed.
    #[error("We encountered an internal error. Please try again.")]
    Internal,
}

impl ApiError {
    /// The AWS code and the status: the one place where an error gets them.
    ///
    /// Statuses are the model's (`httpStatusCode` of the error's shape) where it has one; the authentication codes are
    /// those of every AWS service; `InvalidationBatchAlreadyExists` is in no model and has the status of its siblings.
    pub(crate) fn code(&self) -> (&'static str, StatusCode) {
        match self {
            Self::Auth(error) => (error.code(), error.status()),
            Self::AccessDenied { .. } => ("AccessDenied", StatusCode::FORBIDDEN),
            Self::Throttling(_) | Self::EdgesBusy(_) => ("Throttling", StatusCode::BAD_REQUEST),
            Self::MalformedXml(_) => ("MalformedXML", StatusCode::BAD_REQUEST),
            Self::RequestEntityTooLarge { .. } => ("RequestEntityTooLarge", StatusCode::PAYLOAD_TOO_LARGE),
            Self::BatchTooLarge(_) => ("BatchTooLarge", StatusCode::PAYLOAD_TOO_LARGE),
            Self::RequestTimeout => ("RequestTimeout", StatusCode::REQUEST_TIMEOUT),
            Self::InvalidArgument(_) | Self::CallerReferenceUsed => {
                ("InvalidArgument", StatusCode::BAD_REQUEST)
            }
            Self::InvalidTagging(_) => ("InvalidTagging", StatusCode::BAD_REQUEST),
            Self::InconsistentQuantities { .. } => ("InconsistentQuantities", StatusCode::BAD_REQUEST),
            Self::NoSuchOrigin(_) => ("NoSuchOrigin", StatusCode::NOT_FOUND),
            Self::NoSuchPolicy(kind, _) => (policy_codes(*kind).no_such, StatusCode::NOT_FOUND),
            Self::TooManyInPolicy(kind, list) => {
                (too_many_in_policy_code(*kind, *list), StatusCode::BAD_REQUEST)
            }
            Self::TooLongCsp { .. } => ("TooLongCSPInResponseHeadersPolicy", StatusCode::BAD_REQUEST),
            Self::PolicyAlreadyExists(kind) => (policy_codes(*kind).already_exists, StatusCode::CONFLICT),
            Self::PolicyInUse(kind) => (policy_codes(*kind).in_use, StatusCode::CONFLICT),
            Self::TooManyPolicies(kind) => (policy_codes(*kind).too_many, StatusCode::BAD_REQUEST),
            Self::TooManyUsersOfPolicy(kind) => (policy_codes(*kind).too_many_users, StatusCode::BAD_REQUEST),
            Self::IllegalDelete(_) => ("IllegalDelete", StatusCode::BAD_REQUEST),
            Self::TooManyOrigins { .. } => ("TooManyOrigins", StatusCode::BAD_REQUEST),
            Self::TooManyCacheBehaviors { .. } => ("TooManyCacheBehaviors", StatusCode::BAD_REQUEST),
            Self::TooManyDistributionCnames { .. } => ("TooManyDistributionCNAMEs", StatusCode::BAD_REQUEST),
            Self::TooManyOriginCustomHeaders { .. } => {
                ("TooManyOriginCustomHeaders", StatusCode::BAD_REQUEST)
            }
            Self::NotImplemented(_) => ("NotImplemented", StatusCode::NOT_IMPLEMENTED),
            Self::UnknownOwnOperation(_) | Self::UnknownOperation(_) => {
                ("UnknownOperationException", StatusCode::NOT_FOUND)
            }
            Self::MethodNotAllowed => ("MethodNotAllowed", StatusCode::METHOD_NOT_ALLOWED),
            Self::EntityNotFound(_) => ("EntityNotFound", StatusCode::NOT_FOUND),
            Self::NoSuchDistribution | Self::TenantsAreInvalidated(_) => {
                ("NoSuchDistribution", StatusCode::NOT_FOUND)
            }
            Self::NoSuchInvalidation => ("NoSuchInvalidation", StatusCode::NOT_FOUND),
            Self::EntityAlreadyExists(_) => ("EntityAlreadyExists", StatusCode::CONFLICT),
            Self::CnameAlreadyExists(_) => ("CNAMEAlreadyExists", StatusCode::CONFLICT),
            Self::DistributionAlreadyExists(_) => ("DistributionAlreadyExists", StatusCode::CONFLICT),
            Self::InvalidationBatchAlreadyExists => ("InvalidationBatchAlreadyExists", StatusCode::CONFLICT),
            Self::TooManyInvalidationsInProgress(_) => {
                ("TooManyInvalidationsInProgress", StatusCode::BAD_REQUEST)
            }
            Self::EntityLimitExceeded(_) => ("EntityLimitExceeded", StatusCode::BAD_REQUEST),
            Self::ResourceNotDisabled => ("ResourceNotDisabled", StatusCode::CONFLICT),
            Self::DistributionNotDisabled => ("DistributionNotDisabled", StatusCode::CONFLICT),
            Self::ResourceInUse(_) => ("ResourceInUse", StatusCode::CONFLICT),
            Self::CannotDeleteEntityWhileInUse(_) => ("CannotDeleteEntityWhileInUse", StatusCode::CONFLICT),
            Self::IllegalUpdate(_) => ("IllegalUpdate", StatusCode::BAD_REQUEST),
            Self::NoSuchResource(_) => ("NoSuchResource", StatusCode::NOT_FOUND),
            Self::InvalidIfMatchVersion => ("InvalidIfMatchVersion", StatusCode::BAD_REQUEST),
            Self::PreconditionFailed => ("PreconditionFailed", StatusCode::PRECONDITION_FAILED),
            Self::ServiceUnavailable => ("ServiceUnavailable", StatusCode::SERVICE_UNAVAILABLE),
            Self::Internal => ("InternalFailure", StatusCode::INTERNAL_SERVER_ERROR),
        }
    }

    /// When asking again has a chance, for `Retry-After` (RFC 9110 section 10.2.3); nothing where waiting is not what helps.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Throttling(RetryAfter(wait)) => Some(*wait),
            Self::EdgesBusy(_) | Self::TooManyInvalidationsInProgress(_) | Self::ServiceUnavailable => {
                Some(Duration::from_secs(1))
            }
            _ => None,
        }
    }

    /// A required member that is not there, in the service's own words (CLOUDFRONT.md section 1.3).
    pub(crate) fn null_member(path: &str) -> Self {
        Self::MalformedXml(format!(
            "1 validation error detected: Value null at '{}' failed to satisfy constraint: Member must not be null",
            camel_case(path)
        ))
    }

    /// A member that does not satisfy a constraint of the model, in the service's own words.
    pub(crate) fn constraint(path: &str, value: &str, constraint: &str) -> Self {
        Self::MalformedXml(format!(
            "1 validation error detected: Value '{}' at '{}' failed to satisfy constraint: {constraint}",
            excerpt(value),
            camel_case(path)
        ))
    }

    /// Items of a batch that are no paths or tags: CloudFront's own sentence, then which and why.
    pub(crate) fn invalid_paths<'a>(bad: impl ExactSizeIterator<Item = (usize, &'a str, String)>) -> Self {
        let total = bad.len();
        let mut message = String::from("Your request contains one or more invalid invalidation paths.");
        for (index, text, why) in bad.take(BAD_PATHS_LISTED_MAX) {
            message.push_str(&format!(" Path {} ('{}'): {why}.", index + 1, excerpt(text)));
        }
        if let Some(more @ 1..) = total.checked_sub(BAD_PATHS_LISTED_MAX) {
            message.push_str(&format!(" And {more} more."));
        }
        Self::InvalidArgument(message)
    }
}

/// What a policy lists by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PolicyList {
    /// Header fields.
    Headers,
    /// Cookies.
    Cookies,
    /// Query parameters.
    QueryStrings,
    /// Headers that viewers get.
    CustomHeaders,
    /// Headers that viewers do not get.
    RemoveHeaders,
}

fn too_many_in_policy(list: &PolicyList) -> String {
    let (what, limit) = match list {
        PolicyList::Headers => ("headers", NAMES_PER_POLICY_LIST_MAX),
        PolicyList::Cookies => ("cookies", NAMES_PER_POLICY_LIST_MAX),
        PolicyList::QueryStrings => ("query strings", NAMES_PER_POLICY_LIST_MAX),
        PolicyList::CustomHeaders => ("custom headers", HEADERS_PER_RESPONSE_POLICY_MAX),
        PolicyList::RemoveHeaders => ("headers to remove", HEADERS_PER_RESPONSE_POLICY_MAX),
    };
    format!("The policy lists more {what} than are allowed ({limit}).")
}

/// The codes of one kind of policy, from the model.
struct PolicyCodes {
    no_such: &'static str,
    already_exists: &'static str,
    in_use: &'static str,
    too_many: &'static str,
    too_many_users: &'static str,
}

fn policy_codes(kind: PolicyKind) -> PolicyCodes {
    match kind {
        PolicyKind::Cache => PolicyCodes {
            no_such: "NoSuchCachePolicy",
            already_exists: "CachePolicyAlreadyExists",
            in_use: "CachePolicyInUse",
            too_many: "TooManyCachePolicies",
            too_many_users: "TooManyDistributionsAssociatedToCachePolicy",
        },
        PolicyKind::OriginRequest => PolicyCodes {
            no_such: "NoSuchOriginRequestPolicy",
            already_exists: "OriginRequestPolicyAlreadyExists",
            in_use: "OriginRequestPolicyInUse",
            too_many: "TooManyOriginRequestPolicies",
            too_many_users: "TooManyDistributionsAssociatedToOriginRequestPolicy",
        },
        PolicyKind::ResponseHeaders => PolicyCodes {
            no_such: "NoSuchResponseHeadersPolicy",
            already_exists: "ResponseHeadersPolicyAlreadyExists",
            in_use: "ResponseHeadersPolicyInUse",
            too_many: "TooManyResponseHeadersPolicies",
            too_many_users: "TooManyDistributionsAssociatedToResponseHeadersPolicy",
        },
    }
}

/// The code for a list that is too long. Each list belongs to certain kinds.
fn too_many_in_policy_code(kind: PolicyKind, list: PolicyList) -> &'static str {
    match (list, kind) {
        (PolicyList::Headers, PolicyKind::Cache) => "TooManyHeadersInCachePolicy",
        (PolicyList::Headers, _) => "TooManyHeadersInOriginRequestPolicy",
        (PolicyList::Cookies, PolicyKind::Cache) => "TooManyCookiesInCachePolicy",
        (PolicyList::Cookies, _) => "TooManyCookiesInOriginRequestPolicy",
        (PolicyList::QueryStrings, PolicyKind::Cache) => "TooManyQueryStringsInCachePolicy",
        (PolicyList::QueryStrings, _) => "TooManyQueryStringsInOriginRequestPolicy",
        (PolicyList::CustomHeaders, _) => "TooManyCustomHeadersInResponseHeadersPolicy",
        (PolicyList::RemoveHeaders, _) => "TooManyRemoveHeadersInResponseHeadersPolicy",
    }
}

/// `DistributionConfig.Origins` as the service spells it in validation messages: `distributionConfig.origins`.
fn camel_case(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let mut at_start = true;
    for char in path.chars() {
        out.push(if at_start { char.to_ascii_lowercase() } else { char });
        at_start = char == '.';
    }
    out
}

/// The beginning of a caller's text, fit for a message: control characters escaped, at most 100 characters.
pub(crate) fn excerpt(text: &str) -> String {
    const CHARS_MAX: usize = 100;
    let mut out: String = text.chars().take(CHARS_MAX).flat_map(escape_control).collect();
    if text.chars().nth(CHARS_MAX).is_some() {
        out.push('…');
    }
    out
}

fn escape_control(char: char) -> impl Iterator<Item = char> {
    let escaped = if char.is_control() { char.escape_default().collect() } else { vec![char] };
    escaped.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_paths_are_named_up_to_a_bound() {
        let error = ApiError::invalid_paths([(2, "a\n", "it has no slash".to_owned())].into_iter());
        assert_eq!(
            error.to_string(),
            "Your request contains one or more invalid invalidation paths. Path 3 ('a\\n'): it has no slash."
        );
        let many: Vec<_> = (0..BAD_PATHS_LISTED_MAX + 5).map(|i| (i, "x", "why".to_owned())).collect();
        assert!(ApiError::invalid_paths(many.into_iter()).to_string().ends_with(" And 5 more."));
    }

    #[test]
    fn validation_messages_have_the_services_words() {
        assert_eq!(
            ApiError::null_member("InvalidationBatch").to_string(),
            "1 validation error detected: Value null at 'invalidationBatch' failed to satisfy constraint: Member must not be null"
        );
        assert_eq!(
            camel_case("DistributionConfig.Origins.Items[0].Id"),
            "distributionConfig.origins.items[0].id"
        );
    }
}
