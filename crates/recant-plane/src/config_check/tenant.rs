//! What a distribution tenant's configuration may ask.

use std::collections::BTreeSet;

use recant_core::host::Domain;
use recant_core::id::TenantId;
use recant_core::limits::DOMAINS_PER_TENANT_MAX;
use recant_core::spec::{DistributionSpec, TenantSpec};
use recant_wire::document::Document;

use super::fields::{Fields, refuse};
use super::parameters::{Definitions, definitions};
use super::{geo, origin};
use crate::error::{ApiError, excerpt};
use crate::store::DistributionRecord;

const NAME_BYTES: std::ops::RangeInclusive<usize> = 3..=128;

/// Members that say which tenant is meant or that are read apart (`customizations`).
const ADDRESSING: [&str; 7] =
    ["Id", "IfMatch", "Name", "DistributionId", "ConnectionGroupId", "Tags", "Customizations"];

/// Reads the configuration of a tenant of `distribution`. Without `Domains` it has none; what makes tenants requires them.
///
/// # Errors
/// [`ApiError`] names the first member that is not right or not honoured.
pub(crate) fn tenant(
    id: TenantId,
    config: &Document,
    distribution: &DistributionSpec,
    definitions: &Definitions,
) -> Result<TenantSpec, ApiError> {
    let mut fields = Fields::of("", config)?;
    if distribution.direct.is_some() {
        return Err(fields
            .refuse("DistributionId", "only a distribution of the ConnectionMode tenant-only has tenants"));
    }
    ADDRESSING.into_iter().for_each(|member| fields.ignore(member));
    let domains = domains(&mut fields, config.get("Domains").is_some_and(|it| !it.is_null()))?;
    let parameters = definitions.values(&mut fields)?;
    let enabled = fields.boolean("Enabled").unwrap_or(true);
    fields.finish()?;
    let distribution_id = distribution.id.clone();
    let geo = geo::customized(config)?;
    let tenant = TenantSpec { id, distribution_id, enabled, domains, parameters, geo };
    origins_can_be_filled_in(distribution, &tenant)?;
    Ok(tenant)
}

fn origins_can_be_filled_in(distribution: &DistributionSpec, tenant: &TenantSpec) -> Result<(), ApiError> {
    for at in &distribution.origins {
        if let Some(why) = origin::filled_in_problem(at, |name| distribution.parameter(tenant, name)) {
            return Err(refuse("Parameters", format_args!("with them, {why} (origin '{}')", at.id)));
        }
    }
    Ok(())
}

/// What of a distribution decides whether a tenant fits it.
#[derive(Clone, Debug)]
pub(crate) struct TenantChecks {
    definitions: Definitions,
    spec: DistributionSpec,
}

impl PartialEq for TenantChecks {
    /// Whether the same tenants fit.
    fn eq(&self, other: &Self) -> bool {
        self.definitions == other.definitions
            && self.spec.parameter_defaults == other.spec.parameter_defaults
            && self.spec.origins == other.spec.origins
    }
}

impl TenantChecks {
    /// Those of a distribution whose configuration has been checked.
    ///
    /// # Errors
    /// None with a configuration that has been checked.
    pub(crate) fn of(distribution: &DistributionRecord) -> Result<Self, ApiError> {
        let definitions = definitions(&Document::from(distribution.config.clone()))?;
        Ok(Self { definitions, spec: distribution.spec.clone() })
    }

    /// Whether a tenant that is there fits.
    ///
    /// # Errors
    /// [`ApiError::InvalidArgument`] names the parameter.
    pub(crate) fn tenant(&self, tenant: &TenantSpec) -> Result<(), ApiError> {
        self.definitions.admit(&tenant.parameters)?;
        origins_can_be_filled_in(&self.spec, tenant)
    }
}

/// Reads the name of a tenant or connection group: `[a-zA-Z0-9][a-zA-Z0-9-.]{1,126}[a-zA-Z0-9]` (the model's pattern).
///
/// So a name never reads as an id (`dt_…`) or an ARN.
///
/// # Errors
/// [`ApiError::InvalidArgument`].
pub(crate) fn entity_name(name: &str) -> Result<(), ApiError> {
    let inside = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'));
    let ends = [name.bytes().next(), name.bytes().last()].into_iter().flatten();
    if NAME_BYTES.contains(&name.len()) && inside && ends.into_iter().all(|b| b.is_ascii_alphanumeric()) {
        return Ok(());
    }
    let why = "3 to 128 letters, digits, '-' and '.', a letter or digit first and last";
    Err(refuse("Name", format_args!("'{}' is not {why}", excerpt(name))))
}

fn domains(fields: &mut Fields<'_>, is_said: bool) -> Result<Vec<String>, ApiError> {
    let items = fields.list("Domains");
    // An update that says nothing of them leaves a tenant without domains as it is: its last one may have been moved to another tenant.
    if items.is_empty() && is_said {
        return Err(fields.refuse("Domains", "a tenant has at least one domain"));
    }
    if items.len() > DOMAINS_PER_TENANT_MAX {
        return Err(ApiError::EntityLimitExceeded(format!(
            "Domains: {} domains, at most {DOMAINS_PER_TENANT_MAX} for one distribution tenant.",
            items.len()
        )));
    }
    let mut seen = BTreeSet::new();
    let mut in_order = Vec::with_capacity(items.len());
    for (path, item) in items {
        let mut fields = Fields::of(&path, item)?;
        let text = fields.required_text("Domain")?;
        let domain = Domain::parse(text)
            .map_err(|why| fields.refuse("Domain", format_args!("'{}': {why}", excerpt(text))))?;
        let domain = domain.as_str().to_owned();
        if !seen.insert(domain.clone()) {
            return Err(fields.refuse("Domain", format_args!("'{domain}' is there twice")));
        }
        in_order.push(domain);
        fields.finish()?;
    }
    Ok(in_order)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::config_check::Surroundings;
    use crate::config_check::{definitions, distribution};

    fn read(config: Value) -> Result<TenantSpec, ApiError> {
        let distribution_config = Document::from(json!({
            "CallerReference": "c", "Comment": "", "Enabled": true, "ConnectionMode": "tenant-only",
            "TenantConfig": {"ParameterDefinitions": [
                {"Name": "zone", "Definition": {"StringSchema": {"Required": true}}},
                {"Name": "path", "Definition": {"StringSchema": {"Required": false}}},
            ]},
            "Origins": {"Quantity": 1, "Items": [{
                "Id": "o", "DomainName": "{{zone}}", "OriginPath": "/{{path}}",
                "CustomOriginConfig": {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "http-only"}
            }]},
            "DefaultCacheBehavior": {
                "TargetOriginId": "o", "ViewerProtocolPolicy": "allow-all",
                "CachePolicyId": "658327ea-f89d-4fab-a63d-7e88639e58f6"
            }
        }));
        let id = recant_core::id::DistributionId::parse("E1").unwrap();
        let spec = distribution(id, &distribution_config, Surroundings::none()).unwrap().spec;
        let definitions = definitions(&distribution_config).unwrap();
        tenant(TenantId::parse("dt_1").unwrap(), &Document::from(config), &spec, &definitions)
    }

    fn parameters(zone: &str, path: &str) -> Value {
        json!([{"Name": "zone", "Value": zone}, {"Name": "path", "Value": path}])
    }

    #[test]
    fn a_whole_tenant() {
        let spec = read(json!({
            "Id": "dt_1", "Name": "abc", "DistributionId": "E1",
            "Domains": [{"Domain": "A.example"}, {"Domain": "*.b.example"}],
            "Parameters": parameters("a.test", "p"),
            "Customizations": {},
        }))
        .unwrap();
        assert!(spec.enabled);
        assert_eq!(spec.domains, ["a.example", "*.b.example"]);
        assert_eq!(spec.parameters["zone"], "a.test");
    }

    #[test]
    fn what_is_not_right_is_refused_by_name() {
        let check = |member: &str, value: Value, code: &str, name: &str| {
            let mut config =
                json!({"Domains": [{"Domain": "a.example"}], "Parameters": parameters("a.test", "p")});
            config[member] = value.clone();
            let error = read(config).expect_err(name);
            assert_eq!(error.code().0, code, "{member} {value}: {error}");
            assert!(error.to_string().starts_with(name), "{member} {value}: {error}");
        };
        let argument = "InvalidArgument";
        check("Domains", json!([]), argument, "Domains: ");
        check("Domains", json!([{"Domain": "a b"}]), argument, "Domains[0].Domain: ");
        check(
            "Domains",
            json!([{"Domain": "a.test"}, {"Domain": "A.test"}]),
            argument,
            "Domains[1].Domain: ",
        );
        let many: Vec<_> =
            (0..=DOMAINS_PER_TENANT_MAX).map(|n| json!({"Domain": format!("a{n}.test")})).collect();
        check("Domains", json!(many), "EntityLimitExceeded", "Domains: ");
        check("Parameters", json!([]), argument, "Parameters: the parameter 'zone' is required");
        check(
            "Parameters",
            json!([{"Name": "zone", "Value": "a.test"}]),
            argument,
            "Parameters: with them, no value",
        );
        check("Parameters", json!([{"Name": "other", "Value": "x"}]), argument, "Parameters[0].Name: ");
        check("Parameters", json!([{"Name": "zone", "Value": ""}]), argument, "Parameters[0].Value: ");
        check("Parameters", parameters("169.254.169.254", "p"), argument, "Parameters: with them, ");
        check("Parameters", parameters("a.test/x", "p"), argument, "Parameters: with them, ");
        check("Parameters", parameters("a.test", "a/../b"), argument, "Parameters: with them, ");
        check("Parameters", parameters("a.test", "%2e%2e/b"), argument, "Parameters: with them, ");
        check(
            "ManagedCertificateRequest",
            json!({"ValidationTokenHost": "cloudfront"}),
            argument,
            "ManagedCertificate",
        );
    }

    #[test]
    fn names() {
        for good in ["abc", "a.b", "A-1", &"a".repeat(128)] {
            assert_eq!(entity_name(good), Ok(()), "{good}");
        }
        for bad in ["", "ab", "dt_1", "-ab", "ab.", "a b", &"a".repeat(129)] {
            assert!(entity_name(bad).is_err(), "{bad}");
        }
    }
}
