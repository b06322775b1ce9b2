//! One sentence about a member, made of its name and its shape. The API's own documentation is not repeated here.

use recant_wire::model::{Kind, Member, Shape, Structure};

/// What a member is, and within which bounds.
pub(crate) fn member(member: &Member) -> String {
    let name = spoken(member.cli_name);
    let mut words = match member.shape.kind {
        _ if member.name == "IfMatch" => {
            "The ETag that the last get told: another one means that somebody was faster.".to_owned()
        }
        _ if member.name == "Marker" => "Where to go on: the marker of the page before.".to_owned(),
        _ if member.name == "MaxItems" => "How many items to ask for.".to_owned(),
        _ if member.name == "Quantity" => "The number of items.".to_owned(),
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

/// A name of several words, abbreviations in capitals.
fn spoken(cli_name: &str) -> String {
    const CAPITALS: &[&str] = &[
        "acl", "arn", "cname", "dns", "etag", "http", "https", "id", "ip", "kms", "mtls", "ssl", "tls",
        "ttl", "url", "vpc",
    ];
    let words: Vec<String> = cli_name
        .split('-')
        .map(|word| if CAPITALS.contains(&word) { word.to_uppercase() } else { word.to_owned() })
        .collect();
    words.join(" ")
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
        check("CreateDistributionTenant", "Enabled", "Whether enabled.");
    }
}
