//! One sentence about an operation or a member, made of its name and its shape. The API's own documentation is not repeated here.

mod operations;

use recant_wire::model::{Kind, Member, Operation, Shape, Structure};

pub(crate) use operations::operation;

/// What a member of an operation's input is. What the URI names is told by the place where it names it.
pub(crate) fn input(operation: &Operation, member: &Member) -> String {
    let label = format!("/{{{}}}", member.name);
    let thing = operation.uri.split_once(&label).and_then(|(before, _)| before.rsplit('/').next());
    let Some(thing) = thing.filter(|_| matches!(member.name, "Id" | "Identifier")) else {
        return self::member(member);
    };
    let what = if member.name == "Id" { "ID" } else { "ID, ARN or name" };
    format!("The {what} of the {}.{}", spoken(thing), bounds(member.shape))
}

/// What a member is, and within which bounds.
pub(crate) fn member(member: &Member) -> String {
    let name = spoken(member.cli_name);
    let mut words = match member.shape.kind {
        _ if by_hand(member.name).is_some() => by_hand(member.name).unwrap_or_default().to_owned(),
        Kind::Boolean => format!("Whether {name}."),
        Kind::List(_) => format!("A list: {name}."),
        Kind::Structure(_) => format!("The parts of {name}."),
        _ => format!("The {name}."),
    };
    words.push_str(&bounds(member.shape));
    if !member.shape.values.is_empty() {
        words.push_str(&format!(" Valid values are: {}.", member.shape.values.join(", ")));
    }
    if member.deprecated {
        words.push_str(" Deprecated.");
    }
    words
}

/// What members of this name are everywhere.
fn by_hand(name: &str) -> Option<&'static str> {
    Some(match name {
        "CallerReference" => {
            "Makes the request one of its kind: with the same reference and content it is the same request again."
        }
        "Comment" => "A text of yours.",
        "ConnectionGroupId" => "The connection group, whose routing endpoint the domains point to.",
        "Customizations" => "What is otherwise than the distribution says.",
        "DistributionConfig" => "The whole configuration of the distribution.",
        "DistributionTenantId" => "The ID of the distribution tenant.",
        "Domains" => "The domains that viewers ask for.",
        "Enabled" => "Whether viewers are served.",
        "IfMatch" => "The ETag that the last get told: another one means that somebody was faster.",
        "InvalidationBatch" => "The paths, and the caller reference.",
        "Marker" => "Where to go on: the marker of the page before.",
        "MaxItems" => "How many items to ask for.",
        "Parameters" => "Values for the parameters of the distribution's origins.",
        "Paths" => "What to invalidate: /one.html, /all/that/begins/so*, or #a-cache-tag.",
        "Quantity" => "The number of items.",
        "Tags" => "Keys and values.",
        _ => return None,
    })
}

/// A word of a name, in capitals if it is an abbreviation.
fn abbreviated(word: &str) -> String {
    const CAPITALS: &[&str] = &[
        "acl", "arn", "cname", "dns", "etag", "http", "https", "id", "ip", "kms", "mtls", "ssl", "tls",
        "ttl", "url", "vpc",
    ];
    if CAPITALS.contains(&word) { word.to_uppercase() } else { word.to_owned() }
}

/// A name of several words.
fn spoken(cli_name: &str) -> String {
    cli_name.split('-').map(abbreviated).collect::<Vec<_>>().join(" ")
}

fn bounds(shape: &Shape) -> String {
    let what = match shape.kind {
        Kind::String | Kind::Blob => "Length",
        Kind::List(_) => "Elements",
        _ => "Value",
    };
    match (shape.min, shape.max) {
        (Some(min), Some(max)) => format!(" {what}: {min} to {max}."),
        (Some(min), None) => format!(" {what}: at least {min}."),
        (None, Some(max)) => format!(" {what}: at most {max}."),
        (None, None) => String::new(),
    }
}

/// The kind of value, as the AWS CLI names it.
pub(crate) fn kind(shape: &Shape) -> &'static str {
    match shape.kind {
        Kind::Structure(Structure { union: true, .. }) => "tagged union structure",
        Kind::Structure(_) => "structure",
        Kind::List(_) => "list",
        Kind::String => "string",
        Kind::Integer => "integer",
        Kind::Long => "long",
        Kind::Float => "float",
        Kind::Double => "double",
        Kind::Boolean => "boolean",
        Kind::Timestamp => "timestamp",
        Kind::Blob => "blob",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_described_in_a_sentence() {
        let check = |operation: &str, name: &str, want: &str| {
            let operation = recant_wire::model::operation(operation).expect("an operation");
            assert_eq!(member(operation.input.member(name).expect("a member")), want);
        };
        check("UpdateTrustStore", "Id", "The ID. Length: 1 to 64.");
        check("AssociateDistributionWebACL", "WebACLArn", "The web ACL ARN.");
        check("ListDistributions", "MaxItems", "How many items to ask for.");
        check("CreateDistributionTenant", "Enabled", "Whether viewers are served.");
    }

    #[test]
    fn what_the_uri_names_is_told() {
        let check = |name: &str, member: &str, want: &str| {
            let operation = recant_wire::model::operation(name).expect("an operation");
            assert_eq!(input(operation, operation.input.member(member).expect("a member")), want);
        };
        check("CreateInvalidationForDistributionTenant", "Id", "The ID of the distribution tenant.");
        check("GetInvalidationForDistributionTenant", "Id", "The ID of the invalidation.");
        check("GetDistributionTenant", "Identifier", "The ID, ARN or name of the distribution tenant.");
        check("UpdateTrustStore", "Id", "The ID of the trust store. Length: 1 to 64.");
    }
}
