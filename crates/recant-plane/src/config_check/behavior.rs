//! What a cache behaviour may ask.

use std::collections::BTreeSet;

use recant_core::cache_policy::{self, CachePolicy};
use recant_core::origin_request_policy::{self, OriginRequestPolicy};
use recant_core::policy::PolicyKind;
use recant_core::response_headers_policy::ResponseHeadersPolicy;
use recant_core::spec::{BehaviorSpec, ViewerProtocol};

use super::fields::Fields;
use super::policies::Policies;
use crate::error::{ApiError, excerpt};

/// The sets of methods that a behaviour may allow (`AllowedMethods` in the API reference), each sorted.
const METHOD_SETS: [&[&str]; 3] = [
    &["GET", "HEAD"],
    &["GET", "HEAD", "OPTIONS"],
    &["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"],
];

/// Reads `DefaultCacheBehavior`, or one of `CacheBehaviors` whose pattern has been read; `targets` are the names
/// of origins and origin groups.
pub(super) fn behavior(
    mut fields: Fields<'_>,
    targets: &[&str],
    policies: &Policies,
) -> Result<BehaviorSpec, ApiError> {
    let target_origin_id = fields.required_text("TargetOriginId")?;
    if !targets.contains(&target_origin_id) {
        let name = fields.name("TargetOriginId");
        return Err(ApiError::NoSuchOrigin(format!(
            "{name}: no origin or origin group has the Id '{}'.",
            excerpt(target_origin_id)
        )));
    }
    let viewer_protocol =
        match fields.one_of("ViewerProtocolPolicy", &["allow-all", "https-only", "redirect-to-https"])? {
            Some("https-only") => ViewerProtocol::HttpsOnly,
            Some("redirect-to-https") => ViewerProtocol::RedirectToHttps,
            _ => ViewerProtocol::AllowAll,
        };
    let (allowed_methods, cached_methods) = methods(&mut fields)?;
    let (cache_policy_id, custom_cache_policy) = cache_policy(&mut fields, policies)?;
    let (origin_request_policy_id, custom_origin_request_policy) =
        origin_request_policy(&mut fields, policies)?;
    let response_headers_policy = response_headers_policy(&mut fields, policies)?;
    let compress = fields.boolean("Compress").unwrap_or(false);
    fields.finish()?;
    Ok(BehaviorSpec {
        target_origin_id: target_origin_id.to_owned(),
        cache_policy_id,
        custom_cache_policy,
        origin_request_policy_id,
        custom_origin_request_policy,
        response_headers_policy,
        allowed_methods,
        cached_methods,
        compress,
        viewer_protocol,
    })
}

/// The id, and the policy unless it is a managed one.
fn cache_policy(
    fields: &mut Fields<'_>,
    policies: &Policies,
) -> Result<(String, Option<Box<CachePolicy>>), ApiError> {
    // ForwardedValues and TTLs of a behaviour's own are what the service calls deprecated; distributions with tenants have none (CLOUDFRONT.md section 5.2).
    let Some(id) = fields.text("CachePolicyId").filter(|id| !id.is_empty()) else {
        return Err(
            fields.refuse("CachePolicyId", "a behavior needs a cache policy, managed or one of yours")
        );
    };
    let custom = policies.cache(id).map(|policy| Box::new(policy.clone()));
    if custom.is_none() && cache_policy::managed(id).is_none() {
        let name = fields.name("CachePolicyId");
        let why = format!("{name}: '{}' is neither a managed cache policy nor one of yours.", excerpt(id));
        return Err(ApiError::NoSuchPolicy(PolicyKind::Cache, why));
    }
    Ok((id.to_owned(), custom))
}

/// The same, for a policy that need not be there.
fn origin_request_policy(
    fields: &mut Fields<'_>,
    policies: &Policies,
) -> Result<(Option<String>, Option<Box<OriginRequestPolicy>>), ApiError> {
    let Some(id) = fields.text("OriginRequestPolicyId").filter(|id| !id.is_empty()) else {
        return Ok((None, None));
    };
    let custom = policies.origin_request(id).map(|policy| Box::new(policy.clone()));
    if custom.is_none() && origin_request_policy::managed(id).is_none() {
        let name = fields.name("OriginRequestPolicyId");
        let why =
            format!("{name}: '{}' is neither a managed origin request policy nor one of yours.", excerpt(id));
        return Err(ApiError::NoSuchPolicy(PolicyKind::OriginRequest, why));
    }
    Ok((Some(id.to_owned()), custom))
}

fn response_headers_policy(
    fields: &mut Fields<'_>,
    policies: &Policies,
) -> Result<Option<Box<ResponseHeadersPolicy>>, ApiError> {
    let Some(id) = fields.text("ResponseHeadersPolicyId").filter(|id| !id.is_empty()) else {
        return Ok(None);
    };
    let found = policies.response_headers(id).map(|policy| Some(Box::new(policy.clone())));
    found.ok_or_else(|| {
        let name = fields.name("ResponseHeadersPolicyId");
        let id = excerpt(id);
        let why = format!("{name}: '{id}' is neither a managed response headers policy nor one of yours.");
        ApiError::NoSuchPolicy(PolicyKind::ResponseHeaders, why)
    })
}

/// Which methods are passed to the origin, and which of their responses may be stored.
fn methods(fields: &mut Fields<'_>) -> Result<(Vec<String>, Vec<String>), ApiError> {
    let owned = |methods: &[&str]| methods.iter().map(ToString::to_string).collect();
    let Some(mut allowed) = fields.structure("AllowedMethods")? else {
        return Ok((owned(METHOD_SETS[0]), owned(METHOD_SETS[0])));
    };
    allowed.ignore("Quantity");
    let methods = sorted(allowed.texts("Items"));
    if !METHOD_SETS.contains(&methods.as_slice()) {
        let why = "GET and HEAD, these and OPTIONS, or all seven methods";
        return Err(allowed.refuse("Items", why));
    }
    let mut cached_methods = METHOD_SETS[0].to_vec();
    if let Some(mut cached) = allowed.structure("CachedMethods")? {
        cached.ignore("Quantity");
        cached_methods = sorted(cached.texts("Items"));
        if !METHOD_SETS[..2].contains(&cached_methods.as_slice()) {
            return Err(cached.refuse("Items", "GET and HEAD, or these and OPTIONS"));
        }
        if !cached_methods.iter().all(|method| methods.contains(method)) {
            return Err(cached.refuse("Items", "OPTIONS is not among the allowed methods"));
        }
        cached.finish()?;
    }
    allowed.finish()?;
    Ok((owned(&methods), owned(&cached_methods)))
}

fn sorted(methods: Vec<&str>) -> Vec<&str> {
    methods.into_iter().collect::<BTreeSet<_>>().into_iter().collect()
}
