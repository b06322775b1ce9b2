//! One sentence about a member, made of its name and its shape. The API's own documentation is not repeated here.

use recant_wire::model::{Kind, Member, Shape, Structure};

/// What a member is, and within which bounds.
pub(crate) fn member(member: &Member) -> String {
    let name = member.cli_name.replace('-', " ");
    let mut words = match member.shape.kind {
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
