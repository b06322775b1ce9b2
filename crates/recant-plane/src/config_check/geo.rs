//! Where a configuration may ask that viewers be: a distribution's `Restrictions`, and a tenant's in its place.

use recant_core::geo::GeoRestriction;
use recant_core::limits::GEO_COUNTRIES_MAX;
use recant_wire::document::Document;

use super::fields::Fields;
use crate::error::{ApiError, excerpt};

/// Reads a distribution's `Restrictions`.
pub(super) fn restrictions(fields: &mut Fields<'_>) -> Result<Option<GeoRestriction>, ApiError> {
    let Some(mut restrictions) = fields.structure("Restrictions")? else { return Ok(None) };
    let mut geo = None;
    if let Some(mut fields) = restrictions.structure("GeoRestriction")? {
        fields.ignore("Quantity");
        // "None" is what a distribution without one has, too.
        geo = Some(restriction(&mut fields, "Items")?).filter(|geo| *geo != GeoRestriction::None);
        fields.finish()?;
    }
    restrictions.finish()?;
    Ok(geo)
}

/// Reads what a tenant has in its distribution's place (`Customizations.GeoRestrictions`).
pub(super) fn customized(config: &Document) -> Result<Option<GeoRestriction>, ApiError> {
    let mut tenant = Fields::of("", config)?;
    let Some(mut customizations) = tenant.structure("Customizations")? else { return Ok(None) };
    let Some(mut fields) = customizations.structure("GeoRestrictions")? else { return Ok(None) };
    let geo = restriction(&mut fields, "Locations")?;
    fields.finish()?;
    Ok(Some(geo))
}

fn restriction(fields: &mut Fields<'_>, list: &'static str) -> Result<GeoRestriction, ApiError> {
    let kind = fields.one_of("RestrictionType", &["none", "whitelist", "blacklist"])?;
    let mut countries = Vec::new();
    for country in fields.texts(list) {
        if country.len() != 2 || !country.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            let why = format_args!("'{}' is no country's code of two letters", excerpt(country));
            return Err(fields.refuse(list, why));
        }
        countries.push(country.to_ascii_uppercase());
    }
    if countries.len() > GEO_COUNTRIES_MAX {
        return Err(fields.refuse(list, format_args!("at most {GEO_COUNTRIES_MAX} countries")));
    }
    match (kind, countries.is_empty()) {
        (Some("whitelist"), false) => Ok(GeoRestriction::Whitelist(countries)),
        (Some("blacklist"), false) => Ok(GeoRestriction::Blacklist(countries)),
        (Some("whitelist" | "blacklist"), true) => Err(fields.refuse(list, "it names at least one country")),
        (_, true) => Ok(GeoRestriction::None),
        (_, false) => Err(fields.refuse(list, "without a restriction there are no countries")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn distributions() {
        let read = |geo: Value| {
            let document = Document::from(json!({"Restrictions": {"GeoRestriction": geo}}));
            restrictions(&mut Fields::of("D", &document)?)
        };
        let listed =
            |kind: &str, items: Value| read(json!({"RestrictionType": kind, "Quantity": 1, "Items": items}));
        assert_eq!(read(json!({"RestrictionType": "none", "Quantity": 0})), Ok(None));
        let only = GeoRestriction::Whitelist(vec!["DE".into(), "FR".into()]);
        assert_eq!(listed("whitelist", json!(["DE", "fr"])), Ok(Some(only)));
        assert_eq!(
            listed("blacklist", json!(["US"])),
            Ok(Some(GeoRestriction::Blacklist(vec!["US".into()])))
        );
        for (kind, items, member) in [
            ("whitelist", json!([]), "Items"),
            ("none", json!(["DE"]), "Items"),
            ("blacklist", json!(["DEU"]), "Items"),
            ("blacklist", json!(["D1"]), "Items"),
            ("greylist", json!(["DE"]), "RestrictionType"),
        ] {
            let error = listed(kind, items.clone()).expect_err(kind).to_string();
            let named = format!("D.Restrictions.GeoRestriction.{member}: ");
            assert!(error.starts_with(&named), "{kind} {items}: {error}");
        }
    }

    #[test]
    fn tenants_have_their_own_in_its_place() {
        let read =
            |geo: Value| customized(&Document::from(json!({"Customizations": {"GeoRestrictions": geo}})));
        assert_eq!(customized(&Document::from(json!({}))), Ok(None));
        assert_eq!(read(json!({"RestrictionType": "none"})), Ok(Some(GeoRestriction::None)));
        let only = GeoRestriction::Whitelist(vec!["DE".into()]);
        assert_eq!(read(json!({"RestrictionType": "whitelist", "Locations": ["DE"]})), Ok(Some(only)));
        assert!(read(json!({"RestrictionType": "whitelist"})).is_err());
    }
}
