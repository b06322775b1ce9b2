//! `--generate-cli-skeleton`: an input with every member and no content, made from the interface description.

use recant_wire::document::Document;
use recant_wire::model::{Kind, Operation, Shape};

/// What to print instead of sending a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Skeleton {
    /// An input as JSON.
    Input,
    /// A result as the service would give it.
    Output,
}

/// The skeleton of an operation's input.
pub(crate) fn input(operation: &Operation) -> Document {
    Document::structure(
        operation.members().iter().map(|member| (member.name, sample(member.shape, &Names::EMPTY))),
    )
}

/// The skeleton of an operation's result.
pub(crate) fn output(operation: &Operation) -> Document {
    let members = operation.output.map_or(&[][..], Shape::members);
    Document::structure(
        members.iter().map(|member| (member.name, sample(member.shape, &Names::of(member.name)))),
    )
}

/// What a text of a sample says.
struct Names<'a> {
    text: &'a str,
    element: &'a str,
    is_input: bool,
}

impl<'a> Names<'a> {
    const EMPTY: Names<'static> = Names { text: "", element: "", is_input: true };

    fn of(name: &'a str) -> Self {
        Self { text: name, element: "string", is_input: false }
    }
}

fn sample(shape: &Shape, names: &Names<'_>) -> Document {
    match &shape.kind {
        Kind::Structure(structure) => Document::structure(structure.members.iter().map(|member| {
            let value = match names.is_input {
                true => sample(member.shape, names),
                false => sample(member.shape, &Names::of(member.name)),
            };
            (member.name, value)
        })),
        Kind::List(list) => {
            Document::List(vec![sample(list.element, &Names { text: names.element, ..*names })])
        }
        Kind::String if names.is_input => Document::from(shape.values.first().copied().unwrap_or("")),
        Kind::String => Document::from(names.text),
        Kind::Integer | Kind::Long => Document::Integer(0),
        Kind::Float | Kind::Double => Document::Float(0.0),
        Kind::Boolean => Document::Boolean(true),
        Kind::Timestamp => Document::timestamp(if names.is_input { "" } else { "1970-01-01T00:00:00" }),
        Kind::Blob => Document::from(""),
    }
}
