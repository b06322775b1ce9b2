//! The parameters that a distribution defines, its fields refer to, and its tenants set.

use std::collections::BTreeMap;

use recant_core::limits::{
    PARAMETER_NAME_CHARS_MAX, PARAMETER_VALUE_CHARS_MAX, PARAMETERS_PER_TENANT_MAX,
    PLACEHOLDERS_PER_FIELD_MAX,
};
use recant_core::spec::Template;
use recant_wire::document::Document;

use super::fields::{Fields, refuse};
use crate::error::{ApiError, excerpt};

/// The parameters that a distribution defines, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Definitions(BTreeMap<String, Definition>);

/// One parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Definition {
    /// Its value for tenants that set none.
    default: Option<String>,
    /// Whether every tenant must set it.
    required: bool,
}

/// Reads `TenantConfig.ParameterDefinitions` of a distribution's configuration.
///
/// # Errors
/// [`ApiError`] names the definition that is not right.
pub(crate) fn definitions(config: &Document) -> Result<Definitions, ApiError> {
    let mut config = Fields::of("DistributionConfig", config)?;
    let Some(mut tenant_config) = config.structure("TenantConfig")? else {
        return Ok(Definitions::default());
    };
    let mut definitions = BTreeMap::new();
    for (path, item) in tenant_config.list("ParameterDefinitions") {
        let mut fields = Fields::of(&path, item)?;
        let name = fields.required_text("Name")?;
        check_name(&fields.name("Name"), name)?;
        let mut definition = fields.required_structure("Definition")?;
        let mut schema = definition.required_structure("StringSchema")?;
        schema.ignore("Comment");
        let required = schema.boolean("Required").unwrap_or(false);
        let default = schema.text("DefaultValue").filter(|value| !value.is_empty());
        if let Some(value) = default {
            check_value(&schema.name("DefaultValue"), value)?;
        }
        schema.finish()?;
        definition.finish()?;
        let default = default.map(str::to_owned);
        if definitions.insert(name.to_owned(), Definition { default, required }).is_some() {
            return Err(fields.refuse("Name", format_args!("'{name}' is defined twice")));
        }
        fields.finish()?;
    }
    if definitions.len() > PARAMETERS_PER_TENANT_MAX {
        let why = format_args!("{} definitions, at most {PARAMETERS_PER_TENANT_MAX}", definitions.len());
        return Err(tenant_config.refuse("ParameterDefinitions", why));
    }
    tenant_config.finish()?;
    Ok(Definitions(definitions))
}

impl Definitions {
    /// The values of parameters that a tenant does not set.
    pub(super) fn defaults(&self) -> BTreeMap<String, String> {
        let defaults = self.0.iter().filter_map(|(name, it)| Some((name.clone(), it.default.clone()?)));
        defaults.collect()
    }

    /// Reads a field that may refer to parameters.
    pub(super) fn template(&self, path: &str, text: &str) -> Result<Template, ApiError> {
        let template = Template::new(text);
        let names = template.parameters().map_err(|error| refuse(path, error))?;
        if names.len() > PLACEHOLDERS_PER_FIELD_MAX {
            let why = format_args!("{} placeholders, at most {PLACEHOLDERS_PER_FIELD_MAX}", names.len());
            return Err(refuse(path, why));
        }
        if let Some(unknown) = names.into_iter().find(|name| !self.0.contains_key(*name)) {
            let why = format_args!("the parameter '{}' is not defined in TenantConfig", excerpt(unknown));
            return Err(refuse(path, why));
        }
        Ok(template)
    }

    /// Whether a tenant's values have all that are required, and only what is defined.
    ///
    /// # Errors
    /// [`ApiError::InvalidArgument`] names the parameter.
    pub(super) fn admit(&self, values: &BTreeMap<String, String>) -> Result<(), ApiError> {
        if let Some(name) = values.keys().find(|name| !self.0.contains_key(*name)) {
            let why = format_args!("the distribution defines no parameter '{}'", excerpt(name));
            return Err(refuse("Parameters", why));
        }
        let missing = |(name, it): &(&String, &Definition)| it.required && !values.contains_key(*name);
        match self.0.iter().find(missing) {
            Some((name, _)) => Err(refuse("Parameters", format_args!("the parameter '{name}' is required"))),
            None => Ok(()),
        }
    }

    /// Reads a tenant's `Parameters`: all that are required, and only what is defined.
    pub(super) fn values(&self, fields: &mut Fields<'_>) -> Result<BTreeMap<String, String>, ApiError> {
        let mut values = BTreeMap::new();
        for (path, item) in fields.list("Parameters") {
            let mut parameter = Fields::of(&path, item)?;
            let name = parameter.required_text("Name")?;
            let value = parameter.required_text("Value")?;
            if !self.0.contains_key(name) {
                let why = format_args!("the distribution defines no parameter '{}'", excerpt(name));
                return Err(parameter.refuse("Name", why));
            }
            check_value(&parameter.name("Value"), value)?;
            if values.insert(name.to_owned(), value.to_owned()).is_some() {
                return Err(parameter.refuse("Name", format_args!("'{name}' is set twice")));
            }
            parameter.finish()?;
        }
        let missing = self.0.iter().find(|(name, it)| it.required && !values.contains_key(*name));
        match missing {
            Some((name, _)) => {
                Err(fields.refuse("Parameters", format_args!("the parameter '{name}' is required")))
            }
            None => Ok(values),
        }
    }
}

/// `[a-zA-Z0-9-_]+`, 1 to 128 characters (`ParameterName` in the model).
fn check_name(path: &str, name: &str) -> Result<(), ApiError> {
    let well_formed = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    if name.is_empty() || name.len() > PARAMETER_NAME_CHARS_MAX || !well_formed {
        let why =
            format_args!("'{}' is not 1 to {PARAMETER_NAME_CHARS_MAX} of a-z A-Z 0-9 - _", excerpt(name));
        return Err(refuse(path, why));
    }
    Ok(())
}

/// 1 to 256 characters (`ParameterValue` in the model); ours: printable, and no placeholder within a value.
fn check_value(path: &str, value: &str) -> Result<(), ApiError> {
    let chars = value.chars().count();
    if chars == 0 || chars > PARAMETER_VALUE_CHARS_MAX {
        return Err(refuse(path, format_args!("a value has 1 to {PARAMETER_VALUE_CHARS_MAX} characters")));
    }
    if value.chars().any(char::is_control) || value.contains("{{") {
        return Err(refuse(path, "a value holds neither control characters nor placeholders"));
    }
    Ok(())
}
