//! What a tenant has otherwise than its distribution (`Customizations`).
//!
//! A web ACL and a certificate are other services' things: their ARNs are kept, reported and listed by, and that is all this
//! version does with them. Geographic restrictions are for edges, and read by `geo`.

use recant_wire::document::Document;

use super::fields::Fields;
use crate::error::{ApiError, excerpt};

const ARN_CHARS_MAX: usize = 2048;

/// What lists are made by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Customizations {
    /// The ARN of the web ACL in place of the distribution's.
    pub(crate) web_acl: Option<String>,
    /// The ARN of the certificate.
    pub(crate) certificate: Option<String>,
}

/// Reads a tenant's `Customizations`.
///
/// # Errors
/// [`ApiError::InvalidArgument`] names the first member that is not right or not honoured.
pub(crate) fn customizations(config: &Document) -> Result<Customizations, ApiError> {
    let mut tenant = Fields::of("", config)?;
    let Some(mut fields) = tenant.structure("Customizations")? else { return Ok(Customizations::default()) };
    let web_acl = fields.structure("WebAcl")?.map(web_acl).transpose()?.flatten();
    let certificate = match fields.structure("Certificate")? {
        Some(mut certificate) => {
            let arn = arn(&mut certificate, "Arn", ":acm:")?;
            certificate.finish()?;
            arn
        }
        None => None,
    };
    fields.ignore("GeoRestrictions");
    fields.finish()?;
    Ok(Customizations { web_acl, certificate })
}

fn web_acl(mut fields: Fields<'_>) -> Result<Option<String>, ApiError> {
    let action = fields.one_of("Action", &["override", "disable"])?;
    let arn = arn(&mut fields, "Arn", ":wafv2:")?;
    match (action, &arn) {
        (Some("override"), None) => Err(fields.refuse("Arn", "override names the web ACL")),
        (Some("disable"), Some(_)) => Err(fields.refuse("Arn", "disable names no web ACL")),
        _ => fields.finish().map(|()| arn),
    }
}

fn arn(fields: &mut Fields<'_>, member: &'static str, service: &str) -> Result<Option<String>, ApiError> {
    let Some(text) = fields.text(member).filter(|text| !text.is_empty()) else { return Ok(None) };
    web_arn(text, service).map_err(|why| fields.refuse(member, why))?;
    Ok(Some(text.to_owned()))
}

/// Whether a text is the ARN of something of that service.
fn web_arn(text: &str, service: &str) -> Result<(), String> {
    let parts = text.splitn(6, ':').count();
    if text.starts_with("arn:")
        && parts == 6
        && text.contains(service)
        && text.chars().count() <= ARN_CHARS_MAX
        && text.bytes().all(|byte| byte.is_ascii_graphic())
    {
        return Ok(());
    }
    Err(format!("'{}' is no ARN with '{service}'", excerpt(text)))
}

/// Reads the ARN of a web ACL.
///
/// # Errors
/// [`ApiError::InvalidArgument`].
pub(crate) fn web_acl_arn(text: &str) -> Result<(), ApiError> {
    web_arn(text, ":wafv2:").map_err(|why| ApiError::InvalidArgument(format!("WebACLArn: {why}.")))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn what_is_kept_and_what_is_refused() {
        let read = |value: Value| customizations(&Document::from(json!({ "Customizations": value })));
        let acl = "arn:aws:wafv2:us-east-1:000000000000:global/webacl/a/1";
        let certificate = "arn:aws:acm:us-east-1:000000000000:certificate/1";
        let both =
            read(json!({"WebAcl": {"Action": "override", "Arn": acl}, "Certificate": {"Arn": certificate}}));
        assert_eq!(both.unwrap().web_acl.as_deref(), Some(acl));
        assert_eq!(read(json!({"WebAcl": {"Action": "disable"}})), Ok(Customizations::default()));
        for (value, named) in [
            (json!({"WebAcl": {"Action": "override"}}), "Customizations.WebAcl.Arn: "),
            (json!({"WebAcl": {"Action": "override", "Arn": "x"}}), "Customizations.WebAcl.Arn: "),
            (json!({"WebAcl": {"Action": "disable", "Arn": acl}}), "Customizations.WebAcl.Arn: "),
            (json!({"WebAcl": {"Action": "other"}}), "Customizations.WebAcl.Action: "),
            (json!({"Certificate": {"Arn": acl}}), "Customizations.Certificate.Arn: "),
        ] {
            let error = read(value.clone()).expect_err(named).to_string();
            assert!(error.starts_with(named), "{value}: {error}");
        }
    }
}
