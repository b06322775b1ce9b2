//! What a key may do: a policy that is given, or one by the name of what it is for.
//!
//! The plane judges policies; here one is only found. A named one is written out, so that it can be shown, kept and changed like any other.

use recant_wire::document::Document;

use super::line::Line;
use super::session::Session;
use crate::error::Error;
use crate::input::json;
use crate::invalidate::target::{self, Hint};

/// What `--may` may say, each with the actions that are about a tenant and those that are about distributions or the account.
const NAMED: [(&str, &[&str], &[&str]); 3] = [
    (
        "invalidate",
        &[
            "cloudfront:CreateInvalidationForDistributionTenant",
            "cloudfront:GetInvalidationForDistributionTenant",
            "cloudfront:GetDistributionTenant",
            "cloudfront:GetDistributionTenantByDomain",
            "recant:CountStoredResponses",
        ],
        &[
            "cloudfront:CreateInvalidation",
            "cloudfront:GetInvalidation",
            "cloudfront:ListDistributionTenants",
        ],
    ),
    (
        "read",
        &["cloudfront:Get*", "recant:GetInvalidation*", "recant:CountStoredResponses"],
        &[
            "cloudfront:List*",
            "cloudfront:VerifyDnsConfiguration",
            "recant:ListEdges",
            "recant:StreamEvents",
            "recant:ListInvalidations",
            "recant:GetLimits",
        ],
    ),
    ("everything", &["*"], &[]),
];

const HINT: Hint = Hint {
    distribution: "give the key a policy of its own with --policy; --on is about tenants",
    domain: None,
};

/// What `--may` may say.
pub(super) fn names() -> [&'static str; NAMED.len()] {
    NAMED.map(|(name, ..)| name)
}

/// The policy that a line gives; none if it gives none.
///
/// # Errors
///
/// A file that cannot be read, a text that is no JSON, a name that is not known, a tenant that is not there.
pub(super) fn of(line: &Line, session: &mut Session<'_>) -> Result<Option<Document>, Error> {
    let tenants = line.values("--on");
    match (line.value("--policy"), line.value("--may")) {
        (Some(_), Some(_)) => Err(Error::Parameter("--policy and --may exclude each other".to_owned())),
        (None, None) if !tenants.is_empty() => {
            Err(Error::Parameter("--on needs --may invalidate".to_owned()))
        }
        (None, None) => Ok(None),
        (Some(_), None) if !tenants.is_empty() => {
            Err(Error::Parameter("--on goes with --may; a policy says itself what it is about".to_owned()))
        }
        (Some(given), None) => written(given, session).map(Some),
        (None, Some(name)) => {
            let mut ids = Vec::new();
            for tenant in tenants {
                ids.push(target::tenant(session.environment, &mut session.caller, tenant, &HINT)?);
            }
            named(name, &ids).map(Some)
        }
    }
}

fn written(given: &str, session: &mut Session<'_>) -> Result<Document, Error> {
    let (text, whence) = match given {
        "-" => (session.environment.read_stdin().map_err(|why| unreadable(&why, "-"))?, "standard input"),
        inline if inline.trim_start().starts_with('{') => (inline.as_bytes().to_vec(), "--policy"),
        file => {
            let file = file.strip_prefix("file://").unwrap_or(file);
            let path = session.environment.working_dir().join(session.environment.expand(file));
            (std::fs::read(path).map_err(|why| unreadable(&why, file))?, file)
        }
    };
    let text = String::from_utf8(text)
        .map_err(|_| Error::Parameter(format!("the policy in {whence} is not UTF-8")))?;
    match json::parse(&text) {
        Ok(document @ Document::Structure(_)) => Ok(document),
        Ok(_) => Err(Error::Parameter(format!("the policy in {whence} is no JSON object"))),
        Err(why) => Err(Error::Parameter(format!("the policy in {whence} is no JSON: {why}"))),
    }
}

fn unreadable(why: &std::io::Error, name: &str) -> Error {
    Error::Parameter(format!("the policy cannot be read: {name}: {why}"))
}

/// The policy of that name; for these tenants only, if there are any.
fn named(name: &str, tenants: &[String]) -> Result<Document, Error> {
    let Some((_, of_tenants, of_others)) = NAMED.iter().find(|(known, ..)| *known == name) else {
        let names = names().join(", ");
        return Err(Error::Parameter(format!("--may '{name}': one of {names} is expected")));
    };
    let statement = |actions: &[&str], resource: Document| {
        Document::structure([
            ("Effect", Document::from("Allow")),
            ("Action", Document::list(actions.iter().copied())),
            ("Resource", resource),
        ])
    };
    let statements = match tenants {
        [] => vec![statement(&[*of_tenants, *of_others].concat(), Document::from("*"))],
        // Nobody needs the others who knows his tenants.
        tenants if name == "invalidate" => {
            let arns = tenants.iter().map(|id| format!("arn:aws:cloudfront::*:distribution-tenant/{id}"));
            vec![statement(of_tenants, Document::list(arns))]
        }
        _ => return Err(Error::Parameter(format!("--on goes with --may invalidate, not with '{name}'"))),
    };
    Ok(Document::structure([
        ("Version", Document::from("2012-10-17")),
        ("Statement", Document::List(statements)),
    ]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::json::compact;

    #[test]
    fn what_the_names_stand_for() {
        let all = compact(&named("invalidate", &[]).unwrap());
        assert!(all.contains("ListDistributionTenants\"],\"Resource\":\"*\""), "{all}");
        let one = compact(&named("invalidate", &["dt_1".to_owned()]).unwrap());
        assert!(one.ends_with(
            "\"recant:CountStoredResponses\"],\"Resource\":[\"arn:aws:cloudfront::*:distribution-tenant/dt_1\"]}]}"
        ), "{one}");
        assert!(compact(&named("everything", &[]).unwrap()).contains("\"Action\":[\"*\"]"));
        let refused = named("fly", &[]).unwrap_err().to_string();
        assert_eq!(refused, "--may 'fly': one of invalidate, read, everything is expected");
        assert!(named("read", &["dt_1".to_owned()]).is_err());
    }
}
