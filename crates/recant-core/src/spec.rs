//! What an edge must know of a distribution and of a tenant: the configuration as the log carries it.
//!
//! The plane keeps what the caller sent, whole; these are the parts that decide what a viewer gets. They are
//! already checked (the plane refuses what it does not honour), so the edge never validates, it only fills in.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::cache_policy::{self, CachePolicy};
use crate::failing::{CustomErrorSpec, OriginGroupSpec};
use crate::geo::{GeoRestriction, Whereabouts};
use crate::id::{DistributionId, TenantId};
use crate::origin_request_policy::{self, OriginRequestPolicy};
use crate::path_pattern::{PathPattern, PatternPath};
use crate::policy::{Policy, PolicyInUse, PolicyKind};
use crate::response_headers_policy::ResponseHeadersPolicy;

/// A distribution, as far as edges need it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DistributionSpec {
    /// Its id.
    pub id: DistributionId,
    /// Whether it serves at all.
    pub enabled: bool,
    /// The object served for `/`, without leading slash.
    pub default_root_object: Option<String>,
    /// Where its content comes from; at least one.
    pub origins: Vec<OriginSpec>,
    /// The behaviours of some paths: the first whose pattern matches counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub path_behaviors: Vec<PathBehavior>,
    /// The behaviour of every other path.
    pub default_behavior: BehaviorSpec,
    /// The response header that lists cache tags (`CacheTagConfig.HeaderName`), lower case.
    pub cache_tag_header: Option<String>,
    /// The values of parameters that a tenant does not set, by name (`ParameterDefinitions`).
    pub parameter_defaults: BTreeMap<String, String>,
    /// Whether viewers may use HTTP/2. Entries from before it could be refused say nothing: they may.
    #[serde(default = "http2_default")]
    pub http2: bool,
    /// Where viewers may be, for tenants that do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub geo: Option<GeoRestriction>,
    /// Origins that stand in for each other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub origin_groups: Vec<OriginGroupSpec>,
    /// What becomes of errors, by status.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub custom_errors: Vec<CustomErrorSpec>,
    /// Where viewers reach it, if it has no tenants: the connection mode `direct`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direct: Option<Direct>,
}

/// Where viewers reach a distribution without tenants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Direct {
    /// The host that it has from its making on (`DomainName`), lower case.
    pub endpoint: String,
    /// The further hosts that it answers to (`Aliases`): lower case; `*.example.com` covers one label.
    pub aliases: Vec<String>,
}

impl Direct {
    /// Every host that it answers to.
    pub fn domains(&self) -> impl Iterator<Item = &String> {
        std::iter::once(&self.endpoint).chain(&self.aliases)
    }
}

/// One origin of a distribution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OriginSpec {
    /// Its name within the distribution.
    pub id: String,
    /// Host name or address, with `{{parameter}}` placeholders.
    pub domain_name: Template,
    /// What comes before the viewer's path; empty or `/…` without trailing slash; with placeholders.
    pub path: Template,
    /// TCP port for plain HTTP.
    pub http_port: u16,
    /// TCP port for TLS.
    #[serde(default = "https_port_default")]
    pub https_port: u16,
    /// Whether it is asked over TLS. Entries from before TLS say nothing: plain HTTP.
    #[serde(default)]
    pub protocol: OriginProtocol,
    /// How long one connection attempt may take.
    pub connection_timeout: Duration,
    /// How often to try to connect, 1 to 3.
    pub connection_attempts: u8,
    /// How long to wait for the response's head, and for each further piece of it.
    pub read_timeout: Duration,
    /// Headers added to every origin request (`CustomHeaders`), in order.
    pub custom_headers: Vec<(String, String)>,
    /// The region of the shield that is asked in its place (`OriginShield`), where edges know one there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shield: Option<String>,
}

/// Whether an origin is asked over TLS (`OriginProtocolPolicy`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum OriginProtocol {
    /// Never.
    #[default]
    HttpOnly,
    /// Always.
    HttpsOnly,
    /// When the viewer's connection is TLS.
    MatchViewer,
}

/// What a viewer without TLS gets (`ViewerProtocolPolicy`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ViewerProtocol {
    /// The same as one with it.
    #[default]
    AllowAll,
    /// `403`.
    HttpsOnly,
    /// The way to the same with TLS.
    RedirectToHttps,
}

/// HTTPS's own (RFC 9110 section 4.2.2).
fn https_port_default() -> u16 {
    443
}

fn cached_methods_default() -> Vec<String> {
    ["GET", "HEAD"].map(str::to_owned).into()
}

fn http2_default() -> bool {
    true
}

/// How one class of requests is handled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BehaviorSpec {
    /// Which origin, or origin group, to ask.
    pub target_origin_id: String,
    /// The id of the cache policy: one that [`crate::cache_policy`] knows, or that of the custom one below.
    pub cache_policy_id: String,
    /// The cache policy, where it is a custom one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom_cache_policy: Option<Box<CachePolicy>>,
    /// The id of the origin request policy, if it has one: one that [`crate::origin_request_policy`] knows, or that of
    /// the custom one below.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin_request_policy_id: Option<String>,
    /// The origin request policy, where it is a custom one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom_origin_request_policy: Option<Box<OriginRequestPolicy>>,
    /// The response headers policy, if it has one. Managed ones, too, are told whole: no edge needs to know them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_headers_policy: Option<Box<ResponseHeadersPolicy>>,
    /// The methods passed to the origin, upper case.
    pub allowed_methods: Vec<String>,
    /// The methods whose responses may be stored, upper case: `GET` and `HEAD`, and perhaps `OPTIONS`. Entries from before
    /// there was a choice say nothing.
    #[serde(default = "cached_methods_default")]
    pub cached_methods: Vec<String>,
    /// Whether the edge codes what came uncoded (`Compress`).
    #[serde(default)]
    pub compress: bool,
    /// What a viewer without TLS gets. Entries from before TLS say nothing: the same.
    #[serde(default)]
    pub viewer_protocol: ViewerProtocol,
}

/// How requests for some paths are handled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathBehavior {
    /// Which paths.
    pub pattern: PathPattern,
    /// How.
    pub behavior: BehaviorSpec,
}

/// A distribution tenant, as far as edges need it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantSpec {
    /// Its id.
    pub id: TenantId,
    /// The distribution whose configuration it uses.
    pub distribution_id: DistributionId,
    /// Whether it serves at all.
    pub enabled: bool,
    /// The hosts it answers to: lower case; `*.example.com` covers one label.
    pub domains: Vec<String>,
    /// Its values for the distribution's parameters, by name.
    pub parameters: BTreeMap<String, String>,
    /// Where its viewers may be, in place of what the distribution says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub geo: Option<GeoRestriction>,
}

/// A text with `{{parameter}}` placeholders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Template(String);

/// A placeholder that cannot be filled in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// `{{` without `}}`.
    #[error("'{{{{' without '}}}}'")]
    Unclosed,
    /// No value is set for this parameter.
    #[error("no value for the parameter '{0}'")]
    Unset(String),
}

impl Template {
    /// Takes a text; placeholders are checked when they are filled in or listed.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text with its placeholders.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The names of its placeholders, in order.
    ///
    /// # Errors
    /// [`TemplateError::Unclosed`].
    pub fn parameters(&self) -> Result<Vec<&str>, TemplateError> {
        let mut names = Vec::new();
        self.walk(|_, name| {
            names.extend(name);
            Ok(())
        })?;
        Ok(names)
    }

    /// The text with every placeholder replaced by the first value that `value_of` has for its name.
    ///
    /// # Errors
    /// [`TemplateError`] names the placeholder without a value.
    pub fn fill<'v>(&self, value_of: impl Fn(&str) -> Option<&'v str>) -> Result<String, TemplateError> {
        let mut out = String::with_capacity(self.0.len());
        self.walk(|text, name| {
            out.push_str(text);
            if let Some(name) = name {
                out.push_str(value_of(name).ok_or_else(|| TemplateError::Unset(name.into()))?);
            }
            Ok(())
        })?;
        Ok(out)
    }

    /// Visits each stretch of plain text with the placeholder that follows it.
    fn walk<'t>(
        &'t self,
        mut visit: impl FnMut(&'t str, Option<&'t str>) -> Result<(), TemplateError>,
    ) -> Result<(), TemplateError> {
        let mut rest = self.0.as_str();
        while let Some((text, after)) = rest.split_once("{{") {
            let (name, tail) = after.split_once("}}").ok_or(TemplateError::Unclosed)?;
            visit(text, Some(name.trim()))?;
            rest = tail;
        }
        visit(rest, None)
    }
}

impl BehaviorSpec {
    /// The behaviour that says least: responses of this origin, kept by this managed policy.
    pub fn new(target_origin_id: impl Into<String>, cache_policy_id: impl Into<String>) -> Self {
        Self {
            target_origin_id: target_origin_id.into(),
            cache_policy_id: cache_policy_id.into(),
            custom_cache_policy: None,
            origin_request_policy_id: None,
            custom_origin_request_policy: None,
            response_headers_policy: None,
            allowed_methods: cached_methods_default(),
            cached_methods: cached_methods_default(),
            compress: false,
            viewer_protocol: ViewerProtocol::default(),
        }
    }

    /// Every custom policy that it carries.
    fn custom_policies(&self) -> impl Iterator<Item = PolicyInUse<'_>> {
        let cache = self.custom_cache_policy.iter();
        let cache = cache.map(|it| (PolicyKind::Cache, &it.id, &it.revision));
        let origin_request = self.custom_origin_request_policy.iter();
        let origin_request = origin_request.map(|it| (PolicyKind::OriginRequest, &it.id, &it.revision));
        let response_headers = self.response_headers_policy.iter().filter(|it| !it.revision.is_empty());
        let response_headers = response_headers.map(|it| (PolicyKind::ResponseHeaders, &it.id, &it.revision));
        cache.chain(origin_request).chain(response_headers).map(|(kind, id, revision)| PolicyInUse {
            kind,
            id,
            revision,
        })
    }

    /// Puts a policy as it is now in the place of one with its id, if it carries one.
    fn replace_policy(&mut self, new: &Policy) -> bool {
        match new {
            Policy::Cache(new) => replace(&mut self.custom_cache_policy, new, |it| &it.id),
            Policy::OriginRequest(new) => replace(&mut self.custom_origin_request_policy, new, |it| &it.id),
            Policy::ResponseHeaders(new) => replace(&mut self.response_headers_policy, new, |it| &it.id),
        }
    }

    /// The cache policy; none if this version does not know it, and then nothing is to be cached.
    pub fn cache_policy(&self) -> Option<&CachePolicy> {
        self.custom_cache_policy.as_deref().or_else(|| cache_policy::managed(&self.cache_policy_id))
    }

    /// The origin request policy, if it has one that this version knows.
    pub fn origin_request_policy(&self) -> Option<&OriginRequestPolicy> {
        let managed = || origin_request_policy::managed(self.origin_request_policy_id.as_deref()?);
        self.custom_origin_request_policy.as_deref().or_else(managed)
    }
}

/// Whether it was there.
fn replace<T: Clone>(carried: &mut Option<Box<T>>, new: &T, id: impl Fn(&T) -> &str) -> bool {
    let found = carried.as_mut().filter(|carried| id(carried) == id(new));
    found.map(|carried| **carried = new.clone()).is_some()
}

impl DistributionSpec {
    /// The distribution that says least: enabled, with tenants, the same behaviour for every path.
    pub fn new(id: DistributionId, origins: Vec<OriginSpec>, default_behavior: BehaviorSpec) -> Self {
        Self {
            id,
            enabled: true,
            default_root_object: None,
            origins,
            path_behaviors: Vec::new(),
            default_behavior,
            cache_tag_header: None,
            parameter_defaults: BTreeMap::new(),
            http2: http2_default(),
            geo: None,
            origin_groups: Vec::new(),
            custom_errors: Vec::new(),
            direct: None,
        }
    }

    /// Itself as its only tenant, if it has no others: so a distribution without tenants is served like one with them.
    pub fn own_tenant(&self) -> Option<TenantSpec> {
        let direct = self.direct.as_ref()?;
        Some(TenantSpec {
            id: TenantId::of_distribution(&self.id),
            distribution_id: self.id.clone(),
            enabled: self.enabled,
            domains: direct.domains().cloned().collect(),
            parameters: BTreeMap::new(),
            geo: None,
        })
    }

    /// The behaviours, each of which is the one of some requests.
    pub fn behaviors(&self) -> impl Iterator<Item = &BehaviorSpec> {
        self.path_behaviors.iter().map(|it| &it.behavior).chain(std::iter::once(&self.default_behavior))
    }

    /// The behaviour of a path, the root object in place of the root.
    pub fn behavior_of(&self, path: &str) -> &BehaviorSpec {
        self.behavior(self.behavior_index(path))
    }

    /// Which of [`DistributionSpec::path_behaviors`] a path has; none: the default one.
    pub fn behavior_index(&self, path: &str) -> Option<usize> {
        if self.path_behaviors.is_empty() {
            return None;
        }
        let path = PatternPath::of(path);
        self.path_behaviors.iter().position(|it| it.pattern.matches(&path))
    }

    /// The behaviour that [`DistributionSpec::behavior_index`] names.
    pub fn behavior(&self, index: Option<usize>) -> &BehaviorSpec {
        index.and_then(|at| self.path_behaviors.get(at)).map_or(&self.default_behavior, |it| &it.behavior)
    }

    /// The custom policies that its behaviours carry, each once.
    pub fn custom_policies(&self) -> BTreeSet<PolicyInUse<'_>> {
        self.behaviors().flat_map(BehaviorSpec::custom_policies).collect()
    }

    /// Puts a policy as it is now in the place of the one with its id, wherever it is carried. Says whether it was.
    pub fn replace_policy(&mut self, new: &Policy) -> bool {
        let on_paths = self.path_behaviors.iter_mut().map(|it| &mut it.behavior);
        let all = on_paths.chain(std::iter::once(&mut self.default_behavior));
        // All of them, not only the first.
        all.filter_map(|behavior| behavior.replace_policy(new).then_some(())).count() > 0
    }

    /// The value of a parameter for one tenant: the tenant's own, else the distribution's default.
    pub fn parameter<'a>(&'a self, tenant: &'a TenantSpec, name: &str) -> Option<&'a str> {
        tenant.parameters.get(name).or_else(|| self.parameter_defaults.get(name)).map(String::as_str)
    }

    /// Whether a viewer of this tenant's is served. Where he is, is asked only if it matters.
    pub fn admits<'v>(&self, tenant: &TenantSpec, viewer: impl FnOnce() -> Whereabouts<'v>) -> bool {
        match tenant.geo.as_ref().or(self.geo.as_ref()) {
            None | Some(GeoRestriction::None) => true,
            Some(geo) => geo.admits(viewer()),
        }
    }

    /// The origin of this name.
    pub fn origin(&self, id: &str) -> Option<&OriginSpec> {
        self.origins.iter().find(|origin| origin.id == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled_in() {
        let template = Template::new("{{tenant}}.origin.{{ zone }}");
        assert_eq!(template.parameters().unwrap(), ["tenant", "zone"]);
        let value = |name: &str| (name == "tenant").then_some("a").or((name == "zone").then_some("test"));
        assert_eq!(template.fill(value).unwrap(), "a.origin.test");
        assert_eq!(template.fill(|_| None), Err(TemplateError::Unset("tenant".into())));
        assert_eq!(Template::new("a{{b").fill(|_| None), Err(TemplateError::Unclosed));
    }

    #[test]
    fn a_distribution_without_tenants_is_its_own() {
        let behavior = BehaviorSpec::new("o", "p");
        let mut spec = DistributionSpec::new(DistributionId::parse("E1").unwrap(), Vec::new(), behavior);
        assert_eq!(spec.own_tenant(), None);
        spec.direct = Some(Direct { endpoint: "e1.edges.test".into(), aliases: vec!["*.shop.test".into()] });
        let own = spec.own_tenant().unwrap();
        assert_eq!((own.id.as_str(), &own.distribution_id), ("E1", &spec.id));
        assert_eq!(own.domains, ["e1.edges.test", "*.shop.test"]);
    }

    #[test]
    fn entries_from_before_tls_mean_plain_http() {
        let origin = r#"{"id": "o", "domain_name": "o.test", "path": "", "http_port": 80, "custom_headers": [],
            "connection_timeout": {"secs": 1, "nanos": 0}, "connection_attempts": 1,
            "read_timeout": {"secs": 1, "nanos": 0}}"#;
        let origin: OriginSpec = serde_json::from_str(origin).unwrap();
        assert_eq!((origin.protocol, origin.https_port), (OriginProtocol::HttpOnly, 443));
        let behavior = r#"{"target_origin_id": "o", "cache_policy_id": "p", "allowed_methods": []}"#;
        let behavior: BehaviorSpec = serde_json::from_str(behavior).unwrap();
        assert_eq!(behavior.viewer_protocol, ViewerProtocol::AllowAll);
        assert_eq!(behavior.cached_methods, ["GET", "HEAD"]);
    }
}
