//! `--generate-cli-skeleton`: an input with every member and no content, made from the interface description.
//!
//! The YAML form has a comment behind each member: whether it is required, what it is, which values it takes. The words are our own, made of
//! the member's name and its shape.

use recant_wire::document::Document;
use recant_wire::model::{Kind, Member, Operation, Shape};
use recant_wire::validate;

use crate::describe;
use crate::error::Error;
use crate::output::json;

/// What to print instead of sending a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Skeleton {
    /// An input as JSON.
    Input,
    /// An input as YAML, with comments.
    YamlInput,
    /// A result as the service would give it.
    Output,
}

/// The skeleton of an operation's input, as it is printed; none if a result's is wanted.
pub(crate) fn of_input(operation: &Operation, skeleton: Skeleton) -> Option<String> {
    match skeleton {
        Skeleton::Input => Some(json::pretty(&input(operation)) + "\n"),
        Skeleton::YamlInput => Some(yaml_input(operation)),
        Skeleton::Output => None,
    }
}

fn input(operation: &Operation) -> Document {
    Document::structure(operation.members().iter().map(|member| (member.name, sample(member.shape, None))))
}

fn yaml_input(operation: &Operation) -> String {
    let mut out = String::new();
    write_members(&mut out, operation.members(), 0, false);
    if out.is_empty() { "{}\n".to_owned() } else { out }
}

/// Writes a mapping. `in_item` says that its first line has begun, behind the dash of a list.
fn write_members(out: &mut String, members: &[Member], indent: usize, in_item: bool) {
    for (index, member) in members.iter().enumerate() {
        if index > 0 || !in_item {
            out.extend(std::iter::repeat_n(' ', indent));
        }
        out.push_str(member.name);
        out.push(':');
        // The AWS CLI's library leaves one blank more after the first key of a mapping.
        let gap = if index == 0 { "  " } else { " " };
        let comment = format!("{gap}# {}", comment(member));
        match &member.shape.kind {
            Kind::Structure(structure) if !structure.members.is_empty() => {
                out.push_str(&comment);
                out.push('\n');
                write_members(out, structure.members, indent + 2, false);
            }
            Kind::List(list) => {
                out.push_str(&comment);
                out.push('\n');
                write_item(out, list.element, indent);
            }
            _ => {
                out.push(' ');
                out.push_str(&blank(member.shape));
                out.push_str(&comment);
                out.push('\n');
            }
        }
    }
}

/// Writes the one element of a list.
fn write_item(out: &mut String, element: &Shape, indent: usize) {
    out.extend(std::iter::repeat_n(' ', indent));
    out.push_str("- ");
    match &element.kind {
        Kind::Structure(structure) if !structure.members.is_empty() => {
            write_members(out, structure.members, indent + 2, true);
        }
        Kind::List(list) => write_item(out, list.element, 0),
        _ => {
            out.push_str(&blank(element));
            out.push('\n');
        }
    }
}

/// A value without content, as YAML.
fn blank(shape: &Shape) -> String {
    match shape.kind {
        Kind::Blob => "!!binary ''".to_owned(),
        Kind::Timestamp => "1970-01-01 00:00:00".to_owned(),
        _ => crate::output::yaml::inline(&sample(shape, None)),
    }
}

/// The comment behind a member.
fn comment(member: &Member) -> String {
    let required = if member.required { "[REQUIRED] " } else { "" };
    format!("{required}{}", describe::member(member))
}

/// The skeleton of an operation's result.
///
/// # Errors
///
/// Lists have one element here; where the API wants two, the AWS CLI finds its own sample invalid and says so.
pub(crate) fn output(operation: &Operation) -> Result<Document, Error> {
    let sample = result(operation);
    let Some(shape) = operation.output else { return Ok(sample) };
    match validate::validate(shape, &sample).as_slice() {
        [] => Ok(sample),
        problems => Err(Error::invalid(problems)),
    }
}

/// The sample of an operation's result, whether or not it fits.
pub(crate) fn result(operation: &Operation) -> Document {
    let members = operation.output.map_or(&[][..], Shape::members);
    Document::structure(members.iter().map(|member| (member.name, sample(member.shape, Some(member.name)))))
}

/// A value without content. Of an input its texts are empty, or the first of their enumeration; of a result they are `name`: that of their
/// member, or in a list that of the elements' shape. Bytes are nothing at all.
fn sample(shape: &Shape, name: Option<&str>) -> Document {
    match &shape.kind {
        Kind::Structure(structure) => Document::structure(
            structure
                .members
                .iter()
                .map(|member| (member.name, sample(member.shape, name.map(|_| member.name)))),
        ),
        Kind::List(list) => Document::List(vec![sample(list.element, name.map(|_| list.element.name))]),
        Kind::String => Document::from(name.or(shape.values.first().copied()).unwrap_or("")),
        Kind::Integer | Kind::Long => Document::Integer(0),
        Kind::Float | Kind::Double => Document::Float(0.0),
        Kind::Boolean => Document::Boolean(true),
        Kind::Timestamp => Document::timestamp("1970-01-01T00:00:00"),
        Kind::Blob => Document::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::json::compact;
    use recant_wire::model::operation;

    #[test]
    fn bytes_are_nothing_and_elements_have_their_shapes_name() {
        let input = compact(&input(operation("TestFunction").expect("an operation")));
        assert!(input.ends_with("\"EventObject\":null}"), "{input}");
        let policies = output(operation("ListResponseHeadersPolicies").expect("an operation"));
        let policies = compact(&policies.expect("a sample that fits"));
        assert!(
            policies.contains("[\"ResponseHeadersPolicyAccessControlAllowMethodsValues\"]"),
            "{policies}"
        );
        let tags =
            compact(&output(operation("ListDistributions").expect("an operation")).unwrap_or_default());
        assert_eq!(tags, "null", "its origin groups want two members");
    }
}
