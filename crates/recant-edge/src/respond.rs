//! What a viewer is told beside the body: the fields that say where a response came from, and the pages that
//! say why there is none.
//!
//! # `Cache-Status` (RFC 9211)
//!
//! `recant; hit; ttl=59`, or `recant; fwd=uri-miss; fwd-status=200; stored`; `collapsed` if another viewer's request
//! brought it. What is stale has a negative `ttl`, or `fwd=stale` with the reason for serving it. The words of [`Why`] map to the
//! RFC's; what it has no word for is `fwd=miss` ("did not contain any responses that could be used"), with the
//! reason as `detail`: `invalidated`, `no-lease`, `other-history`. `stored` says that the response is being
//! stored; should its body break off or grow too long, it will not be. Appended after what the origin's own caches say.
//!
//! # `X-Cache`
//!
//! CloudFront's `Hit from cloudfront`, `Miss from cloudfront` and, for every status from 400 on,
//! `Error from cloudfront`, `RefreshHit from cloudfront` for what the origin has confirmed, and `Redirect from cloudfront` for the way to HTTPS, with our
//! name. Replaces what the origin says.

use std::fmt::Write as _;
use std::time::Duration;

use bytes::Bytes;
use http::header::{
    AGE, ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION,
    RETRY_AFTER,
};
use http::{Response, StatusCode};

use recant_core::limits::REQUEST_HEADERS_MAX;
use recant_core::lookup::Why;

use crate::body::Outgoing;
use crate::hop;
use crate::https::HttpsRedirect;
use crate::origin::OriginError;
use crate::target::Ambiguous;

pub(crate) const X_CACHE: HeaderName = HeaderName::from_static("x-cache");
const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// Why a viewer gets a page of ours instead of an origin's response.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// The request could mean two things, or nothing.
    #[error("{0}")]
    Ambiguous(#[from] Ambiguous),
    /// A method that a cache must not pass on, or that others take for a purge.
    #[error("This method is not served here.")]
    Method,
    /// An expectation that nobody here understands, or one said in a way that not everybody does.
    #[error("The request's Expect field is not '100-continue' alone.")]
    Expectation,
    /// No tenant, and no distribution without tenants, answers to this host.
    #[error("No distribution or distribution tenant answers to this host.")]
    UnknownHost,
    /// Whether anybody answers to this host is not known: the plane has not told this edge anything yet.
    #[error("This edge has not been told its configuration yet.")]
    NotTold,
    /// The tenant or its distribution is disabled.
    #[error("This distribution is disabled.")]
    Disabled,
    /// The viewer is where the distribution or the tenant does not serve.
    #[error("This distribution is configured to block access from your country.")]
    Country,
    /// The behaviour does not list this method.
    #[error(
        "This distribution is not configured to allow the HTTP request method that was used for this request."
    )]
    MethodNotAllowed,
    /// The behaviour serves nobody without TLS.
    #[error("This distribution is served over HTTPS only.")]
    NotSecure,
    /// The behaviour sends those without TLS to the same with it.
    #[error("This distribution is served over HTTPS.")]
    Elsewhere(HttpsRedirect),
    /// The connection's certificate is not for this host.
    #[error("This connection was not opened for this host.")]
    Misdirected,
    /// More than an edge looks at.
    #[error("The request has more than {REQUEST_HEADERS_MAX} header fields.")]
    TooManyFields,
    /// It has come through here too often.
    #[error("The request goes round in a loop.")]
    Loop,
    /// The viewer wants nothing but what is stored, and there is nothing.
    #[error("Nothing that is stored here answers this request.")]
    NotStored,
    /// The origin gave no answer.
    #[error("{}", origin_sentence(.0))]
    Origin(#[from] OriginError),
}

impl Refusal {
    /// The only place where a refusal becomes a status.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Ambiguous(_) => StatusCode::BAD_REQUEST,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Expectation => StatusCode::EXPECTATION_FAILED,
            Self::UnknownHost => StatusCode::NOT_FOUND,
            Self::NotTold => StatusCode::SERVICE_UNAVAILABLE,
            // CloudFront's status for both.
            Self::Disabled | Self::MethodNotAllowed | Self::NotSecure | Self::Country => {
                StatusCode::FORBIDDEN
            }
            Self::Elsewhere(redirect) => redirect.status,
            Self::Misdirected => StatusCode::MISDIRECTED_REQUEST,
            Self::TooManyFields => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::Loop => StatusCode::LOOP_DETECTED,
            // RFC 9111 section 5.2.1.7.
            Self::NotStored
            | Self::Origin(
                OriginError::ConnectTimeout(_)
                | OriginError::ReadTimeout(_)
                | OriginError::BehindShield { is_slow: true },
            ) => StatusCode::GATEWAY_TIMEOUT,
            Self::Origin(_) => StatusCode::BAD_GATEWAY,
        }
    }

    /// The page; `why` when the refusal came after the decision to forward.
    pub(crate) fn into_response(self, why: Option<Why>) -> Response<Outgoing> {
        let status = self.status();
        let page = page(status, &self.to_string());
        let mut response = Response::new(Outgoing::Whole(Some(Bytes::from(page))));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Self::NotTold = self {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if let Self::Method = self {
            headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD, OPTIONS, PUT, PATCH, POST, DELETE"));
        }
        let x_cache = match self {
            Self::Elsewhere(redirect) => {
                headers.insert(LOCATION, redirect.location);
                "Redirect from recant"
            }
            _ => "Error from recant",
        };
        headers.insert(X_CACHE, HeaderValue::from_static(x_cache));
        match why {
            Some(why) => append_cache_status(headers, fwd(why)),
            None => append_cache_status(headers, hop::NAME.into()),
        }
        hop::append_via(headers, http::Version::HTTP_11);
        response
    }
}

/// What the viewer may know of it: not which address was tried.
fn origin_sentence(error: &OriginError) -> &'static str {
    match error {
        OriginError::Unnamed(_) | OriginError::Unknown(_) | OriginError::Malformed => {
            "The distribution's configuration does not lead to an origin."
        }
        OriginError::Unresolved(..) => "The origin's name could not be resolved.",
        OriginError::Forbidden(_) => "The origin's address is one that may not be connected to.",
        OriginError::Unreachable(..) => "The origin could not be connected to.",
        OriginError::Insecure(..) => "The origin could not be connected to securely.",
        OriginError::ConnectTimeout(_) => "The origin did not accept a connection in time.",
        OriginError::ReadTimeout(_) | OriginError::BehindShield { is_slow: true } => {
            "The origin did not respond in time."
        }
        OriginError::BehindShield { is_slow: false } => "The origin could not be talked to.",
        OriginError::Broken(_) | OriginError::Upgraded | OriginError::Coded => {
            "The origin's response could not be used."
        }
    }
}

fn page(status: StatusCode, sentence: &str) -> String {
    let title = format!("{} {}", status.as_u16(), status.canonical_reason().unwrap_or("Error"));
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>{title}</title></head>\n\
         <body>\n<h1>{title}</h1>\n<p>{sentence}</p>\n<hr>\n<p>recant</p>\n</body>\n</html>\n"
    )
}

/// How a response out of the store came to be served.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Account {
    /// It is fresh for so long.
    Hit { ttl: Duration },
    /// Its lifetime ended so long ago, and the origin is being asked.
    Revalidating { overdue: Duration },
    /// The origin has just confirmed it; whether it stays in the store so.
    Validated { stored: bool },
    /// The origin failed, with this status if it answered.
    StandIn(Option<StatusCode>),
}

/// Marks a response that was served from the store.
pub(crate) fn mark_stored(headers: &mut HeaderMap, status: StatusCode, age: Duration, account: &Account) {
    // RFC 9111 section 5.1: one Age, the current one.
    headers.insert(AGE, HeaderValue::from(age.as_secs()));
    let (text, member) = match account {
        Account::Hit { ttl } => ("Hit from recant", hit(ttl.as_secs())),
        Account::Revalidating { overdue } => {
            let overdue = overdue.as_secs();
            ("Hit from recant", format!("{}; hit; ttl=-{overdue}; detail=stale-while-revalidate", hop::NAME))
        }
        Account::Validated { stored } => {
            let stored = if *stored { "; stored" } else { "" };
            ("RefreshHit from recant", format!("{}; fwd-status=304{stored}", fwd(Why::Stale)))
        }
        Account::StandIn(None) => {
            ("Hit from recant", format!("{}; detail=origin-unreachable", fwd(Why::Stale)))
        }
        Account::StandIn(Some(failed)) => {
            let failed = failed.as_u16();
            ("Hit from recant", format!("{}; fwd-status={failed}; detail=stale-if-error", fwd(Why::Stale)))
        }
    };
    mark(headers, status, text);
    append_cache_status(headers, member);
}

/// What nearly every answer has, so it is made in a piece of memory that fits.
fn hit(ttl: u64) -> String {
    let digits = ttl.checked_ilog10().map_or(1, |power| power as usize + 1);
    let mut member = String::with_capacity(hop::NAME.len() + HIT.len() + digits);
    member.push_str(hop::NAME);
    // Writing to a string does not fail.
    let _ = write!(member, "{HIT}{ttl}");
    member
}

const HIT: &str = "; hit; ttl=";

/// Marks a response that came from the origin.
pub(crate) fn mark_forwarded(headers: &mut HeaderMap, status: StatusCode, why: Why, stored: bool) {
    mark(headers, status, "Miss from recant");
    let stored = if stored { "; stored" } else { "" };
    append_cache_status(headers, format!("{}; fwd-status={}{stored}", fwd(why), status.as_u16()));
}

/// Marks a page that stands in for an error.
pub(crate) fn mark_error_page(headers: &mut HeaderMap) {
    headers.insert(X_CACHE, HeaderValue::from_static("Error from recant"));
}

/// Marks a response that another viewer's request brought.
pub(crate) fn mark_collapsed(headers: &mut HeaderMap, status: StatusCode, why: Why) {
    mark(headers, status, "Miss from recant");
    append_cache_status(headers, format!("{}; fwd-status={}; collapsed", fwd(why), status.as_u16()));
}

/// Turns the head of a stored `200` into that of a `304` (RFC 9110 section 15.4.5).
pub(crate) fn strip_for_not_modified(headers: &mut HeaderMap) {
    headers.remove(CONTENT_LENGTH);
    headers.remove(CONTENT_TYPE);
    headers.remove(http::header::CONTENT_ENCODING);
    headers.remove(http::header::CONTENT_LANGUAGE);
    headers.remove(http::header::CONTENT_RANGE);
}

fn mark(headers: &mut HeaderMap, status: StatusCode, otherwise: &'static str) {
    let text = if status.as_u16() >= 400 { "Error from recant" } else { otherwise };
    headers.insert(X_CACHE, HeaderValue::from_static(text));
}

fn fwd(why: Why) -> String {
    let (word, detail) = match why {
        Why::UriMiss => ("uri-miss", None),
        Why::VaryMiss => ("vary-miss", None),
        Why::Stale => ("stale", None),
        Why::Bypass => ("bypass", None),
        Why::Method => ("method", None),
        Why::Request => ("request", None),
        Why::Invalidated { .. } => ("miss", Some("invalidated")),
        Why::NoLease => ("miss", Some("no-lease")),
        Why::OtherHistory => ("miss", Some("other-history")),
    };
    let detail = detail.map(|detail| format!("; detail={detail}")).unwrap_or_default();
    format!("{}; fwd={word}{detail}", hop::NAME)
}

fn append_cache_status(headers: &mut HeaderMap, member: String) {
    if let Ok(value) = HeaderValue::try_from(member) {
        headers.append(CACHE_STATUS, value);
    }
}
