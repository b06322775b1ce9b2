//! `ConnectionMode`, and what only one of the two modes has: `Aliases` of distributions without tenants (`direct`, the API's default),
//! `TenantConfig` of those with tenants (`tenant-only`).

use std::collections::BTreeSet;

use recant_core::host::Domain;
use recant_core::limits::ALIASES_PER_DISTRIBUTION_MAX;
use recant_core::spec::Direct;
use recant_wire::document::Document;

use super::fields::{Fields, asks_nothing};
use crate::error::{ApiError, excerpt};

/// Where viewers reach the distribution, if it has no tenants; `endpoint` is the host that it has then.
pub(super) fn direct(fields: &mut Fields<'_>, endpoint: &str) -> Result<Option<Direct>, ApiError> {
    let tenant_config = fields.value("TenantConfig");
    match fields.one_of("ConnectionMode", &["direct", "tenant-only"])? {
        Some("tenant-only") => {
            // The model's own word for "none": distributions with tenants have no price class.
            fields.one_of("PriceClass", &["None"])?;
            Ok(None)
        }
        _ if tenant_config.is_some_and(|config| !asks_nothing(config)) => Err(fields
            .refuse("TenantConfig", "only a distribution of the ConnectionMode tenant-only has tenants")),
        _ => {
            // Every edge serves every distribution.
            fields.one_of("PriceClass", &["None", "PriceClass_All"])?;
            // Whether a name has addresses of IPv6 is said by who makes it resolve; an edge serves on what it listens on.
            fields.ignore("IsIPV6Enabled");
            Ok(Some(Direct { endpoint: endpoint.to_owned(), aliases: aliases(fields, endpoint)? }))
        }
    }
}

fn aliases(fields: &mut Fields<'_>, endpoint: &str) -> Result<Vec<String>, ApiError> {
    let items = fields.items("Aliases")?;
    if items.len() > ALIASES_PER_DISTRIBUTION_MAX {
        return Err(ApiError::TooManyDistributionCnames { limit: ALIASES_PER_DISTRIBUTION_MAX });
    }
    let mut seen = BTreeSet::new();
    let mut in_order = Vec::with_capacity(items.len());
    for (path, item) in items {
        let Document::String(text) = item else { return Err(ApiError::null_member(&path)) };
        let alias = Domain::parse(text)
            .map_err(|why| super::fields::refuse(&path, format_args!("'{}': {why}", excerpt(text))))?;
        // An alias can be given up, and what a distribution is reached at besides cannot.
        if alias.as_str() == endpoint {
            return Err(super::fields::refuse(
                &path,
                "it is the distribution's own DomainName, and needs no alias",
            ));
        }
        if !seen.insert(alias.as_str().to_owned()) {
            return Err(super::fields::refuse(&path, format_args!("'{}' is there twice", alias.as_str())));
        }
        in_order.push(alias.as_str().to_owned());
    }
    Ok(in_order)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// The aliases of a distribution without tenants; nothing for one with tenants.
    fn check(config: Value, expected: Result<Option<&[&str]>, &str>) {
        let document = Document::from(config);
        let mut fields = Fields::of("DistributionConfig", &document).unwrap();
        let read = direct(&mut fields, "e1.edges.test").and_then(|read| fields.finish().map(|()| read));
        match (read, expected) {
            (Ok(None), Ok(None)) => {}
            (Ok(Some(read)), Ok(Some(aliases))) => {
                assert_eq!(
                    (read.endpoint.as_str(), &read.aliases[..]),
                    ("e1.edges.test", &aliases.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>()[..])
                );
            }
            (Err(error), Err(start)) => assert!(error.to_string().starts_with(start), "{error}"),
            (read, _) => panic!("{document:?}: {read:?}"),
        }
    }

    #[test]
    fn a_mode_has_what_is_its_own() {
        let aliases = |items: &[&str]| json!({"Quantity": items.len(), "Items": items});
        check(
            json!({"ConnectionMode": "tenant-only", "TenantConfig": {"ParameterDefinitions": [1]}}),
            Ok(None),
        );
        check(json!({}), Ok(Some(&[])));
        check(
            json!({"ConnectionMode": "direct", "Aliases": {"Quantity": 0}, "TenantConfig": {}}),
            Ok(Some(&[])),
        );
        let all = json!({
            "Aliases": aliases(&["Shop.test", "*.shop.test"]), "PriceClass": "PriceClass_All", "IsIPV6Enabled": true,
        });
        check(all, Ok(Some(&["shop.test", "*.shop.test"])));

        let of = "DistributionConfig";
        check(json!({"ConnectionMode": "other"}), Err("DistributionConfig.ConnectionMode: 'other'"));
        let both = json!({"ConnectionMode": "tenant-only", "Aliases": aliases(&["shop.test"])});
        check(both, Err("DistributionConfig.Aliases: "));
        check(
            json!({"TenantConfig": {"ParameterDefinitions": [1]}}),
            Err("DistributionConfig.TenantConfig: "),
        );
        check(json!({"PriceClass": "PriceClass_100"}), Err("DistributionConfig.PriceClass: "));
        let twice = aliases(&["shop.test", "SHOP.test"]);
        check(json!({"Aliases": twice}), Err(&format!("{of}.Aliases.Items[1]: 'shop.test' is there twice")));
        let own = aliases(&["shop.test", "E1.edges.test"]);
        check(json!({"Aliases": own}), Err(&format!("{of}.Aliases.Items[1]: it is the distribution's own")));
        check(json!({"Aliases": aliases(&["a b"])}), Err(&format!("{of}.Aliases.Items[0]: 'a b'")));
        let many: Vec<String> = (0..=100).map(|n| format!("a{n}.test")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        check(json!({"Aliases": aliases(&many)}), Err("Your request contains more CNAMEs"));
    }
}
