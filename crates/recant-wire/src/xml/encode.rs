//! Writing.

use std::borrow::Cow;
use std::fmt::Write as _;

use thiserror::Error;

use crate::document::{Document, Members, SURROGATE_MARK, lone_surrogate_of};
use crate::model::{Kind, List, Location, NAMESPACE, Shape};
use crate::{base64, python, xml};

/// Who writes, and so in which order members go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// As they were given: the client. It spells text as the AWS CLI does, with a carriage return left raw.
    AsGiven,
    /// As the model lists them: the plane. A carriage return is escaped, so that it survives being read; what no document can hold
    /// becomes U+FFFD, so that one text that a store has kept cannot make a whole list unreadable.
    Model,
}

/// A document that is not of its shape. The client validates first, so this is rare: validation was switched off.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EncodeError {
    /// A structure or a list is something else, or a scalar is one of them.
    #[error("{path} is {found} where {expected} is expected")]
    Mismatch {
        /// Dotted, from the root element on.
        path: String,
        /// The shape's kind.
        expected: &'static str,
        /// The value's kind.
        found: &'static str,
    },
    /// A member that the shape does not have.
    #[error("{path} is not part of the interface")]
    UnknownMember {
        /// Dotted, from the root element on.
        path: String,
    },
    /// A label of the path was not given.
    #[error("{name} is part of the path and was not given")]
    MissingLabel {
        /// The member.
        name: &'static str,
    },
    /// A value that no header can hold.
    #[error("{name} holds a character that no header may have")]
    Header {
        /// The member.
        name: &'static str,
    },
}

/// Writes a document under the root element given, with the namespace and without an XML declaration.
///
/// Members that travel elsewhere than in the body, and nulls, are left out.
///
/// # Errors
/// [`EncodeError::Mismatch`] and [`EncodeError::UnknownMember`].
pub fn encode(shape: &Shape, root: &str, document: &Document, order: Order) -> Result<String, EncodeError> {
    let mut writer = Writer { out: String::new(), order, path: vec![Step::Name(root.to_owned())] };
    writer.element(shape, root, document)?;
    Ok(writer.out)
}

/// Spells a scalar as text; structures, lists and nulls have none. Python's spelling where the AWS CLI lets a value
/// of another kind through: `True` for a boolean that stands for a number.
pub(crate) fn scalar<'d>(kind: &Kind, value: &'d Document) -> Option<Cow<'d, str>> {
    Some(match (kind, value) {
        (Kind::Structure(_) | Kind::List(_), _) => return None,
        (_, Document::Null | Document::List(_) | Document::Structure(_)) => return None,
        (Kind::Boolean, Document::Boolean(flag)) => if *flag { "true" } else { "false" }.into(),
        (_, Document::Boolean(flag)) => if *flag { "True" } else { "False" }.into(),
        (Kind::Blob, Document::String(text)) => base64::encode(text.as_bytes()).into(),
        (_, Document::String(text) | Document::Timestamp(text)) => text.into(),
        (_, Document::Integer(number)) => number.to_string().into(),
        (_, Document::BigInteger(digits)) => digits.into(),
        (_, Document::Float(number)) => python::float(*number).into(),
        (_, Document::Blob(bytes)) => base64::encode(bytes).into(),
    })
}

struct Writer {
    out: String,
    order: Order,
    path: Vec<Step>,
}

enum Step {
    Name(String),
    Index(usize),
}

impl Writer {
    fn element(&mut self, shape: &Shape, name: &str, value: &Document) -> Result<(), EncodeError> {
        let namespace = if self.out.is_empty() { Some(NAMESPACE) } else { None };
        self.out.push('<');
        self.out.push_str(name);
        if let Some(namespace) = namespace {
            write!(self.out, " xmlns=\"{namespace}\"").expect("a String takes everything");
        }
        let tag_end = self.out.len();
        self.out.push('>');
        let content = self.out.len();
        self.content(shape, value)?;
        if self.out.len() == content {
            // As the AWS CLI spells an empty element.
            self.out.truncate(tag_end);
            self.out.push_str(" />");
        } else {
            write!(self.out, "</{name}>").expect("a String takes everything");
        }
        Ok(())
    }

    fn content(&mut self, shape: &Shape, value: &Document) -> Result<(), EncodeError> {
        match (&shape.kind, value) {
            (Kind::Structure(_), Document::Structure(members)) => self.members(shape, members),
            (Kind::List(list), Document::List(values)) => self.elements(list, values),
            (kind, value) => match scalar(kind, value) {
                Some(text) => {
                    self.text(&text);
                    Ok(())
                }
                None => Err(EncodeError::Mismatch {
                    path: self.path(),
                    expected: kind_name(&shape.kind),
                    found: value_name(value),
                }),
            },
        }
    }

    fn members(&mut self, shape: &Shape, members: &Members) -> Result<(), EncodeError> {
        if let Some((unknown, _)) = members.iter().find(|(name, _)| shape.member(name).is_none()) {
            self.path.push(Step::Name(unknown.to_owned()));
            return Err(EncodeError::UnknownMember { path: self.path() });
        }
        match self.order {
            Order::AsGiven => members.iter().try_for_each(|(name, value)| self.member(shape, name, value)),
            Order::Model => shape.members().iter().try_for_each(|member| match members.get(member.name) {
                Some(value) => self.member(shape, member.name, value),
                None => Ok(()),
            }),
        }
    }

    fn member(&mut self, shape: &Shape, name: &str, value: &Document) -> Result<(), EncodeError> {
        let Some(member) = shape.member(name) else { return Ok(()) };
        if member.location != Location::Body || value.is_null() {
            return Ok(());
        }
        self.path.push(Step::Name(name.to_owned()));
        self.element(member.shape, member.wire_name, value)?;
        self.path.pop();
        Ok(())
    }

    fn elements(&mut self, list: &List, values: &[Document]) -> Result<(), EncodeError> {
        for (index, value) in values.iter().enumerate().filter(|(_, value)| !value.is_null()) {
            self.path.push(Step::Index(index));
            self.element(list.element, list.element_name, value)?;
            self.path.pop();
        }
        Ok(())
    }

    fn text(&mut self, text: &str) {
        let mut characters = text.chars().peekable();
        while let Some(character) = characters.next() {
            match character {
                // Only the client reads halves out of JSON; what the plane was sent is two characters, and goes out as such.
                SURROGATE_MARK
                    if self.order == Order::AsGiven
                        && characters.peek().copied().and_then(lone_surrogate_of).is_some() =>
                {
                    let half = characters.next().and_then(lone_surrogate_of).unwrap_or_default();
                    self.out.push_str(&format!("&#{half};"));
                }
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                '\r' if self.order == Order::Model => self.out.push_str("&#13;"),
                other if self.order == Order::Model && !xml::is_legal(other) => self.out.push('\u{fffd}'),
                other => self.out.push(other),
            }
        }
    }

    fn path(&self) -> String {
        self.path.iter().fold(String::new(), |mut path, step| {
            match step {
                Step::Name(name) => {
                    if !path.is_empty() {
                        path.push('.');
                    }
                    path.push_str(name);
                }
                Step::Index(index) => write!(path, "[{index}]").expect("a String takes everything"),
            }
            path
        })
    }
}

fn kind_name(kind: &Kind) -> &'static str {
    match kind {
        Kind::Structure(_) => "a structure",
        Kind::List(_) => "a list",
        _ => "a scalar",
    }
}

fn value_name(value: &Document) -> &'static str {
    match value {
        Document::Null => "null",
        Document::List(_) => "a list",
        Document::Structure(_) => "a structure",
        _ => "a scalar",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::operation;
    use serde_json::json;

    fn check(value: serde_json::Value, order: Order, expected: Result<&str, &str>) {
        let batch = operation("CreateInvalidation").unwrap().input.payload().unwrap();
        let written = encode(batch.shape, "InvalidationBatch", &value.into(), order);
        let written = written.map_err(|error| error.to_string()).map(|text| {
            let (head, rest) = text.split_once(NAMESPACE).unwrap();
            format!("{head}{rest}")
        });
        assert_eq!(written, expected.map(str::to_owned).map_err(str::to_owned));
    }

    /// CLOUDFRONT.md section 1.2, without the namespace, which `check` takes out.
    const DOCUMENTED: &str = "<InvalidationBatch xmlns=\"\"><Paths><Quantity>1</Quantity><Items><Path>/*</Path></Items></Paths>\
        <CallerReference>r1</CallerReference></InvalidationBatch>";

    #[test]
    fn order_is_the_callers_or_the_models() {
        let value = || json!({"CallerReference": "r1", "Paths": {"Items": ["/*"], "Quantity": 1}});
        check(value(), Order::Model, Ok(DOCUMENTED));
        check(
            value(),
            Order::AsGiven,
            Ok("<InvalidationBatch xmlns=\"\"><CallerReference>r1</CallerReference>\
                <Paths><Items><Path>/*</Path></Items><Quantity>1</Quantity></Paths></InvalidationBatch>"),
        );
    }

    #[test]
    fn text_and_empty_elements() {
        check(json!({}), Order::AsGiven, Ok("<InvalidationBatch xmlns=\"\" />"));
        check(
            json!({"CallerReference": "", "Paths": {"Items": [null, "", "<&>\"'é\r"]}}),
            Order::AsGiven,
            Ok("<InvalidationBatch xmlns=\"\"><CallerReference /><Paths><Items><Path />\
                <Path>&lt;&amp;&gt;\"'é\r</Path></Items></Paths></InvalidationBatch>"),
        );
        check(
            json!({"CallerReference": "a\r\nb", "Paths": null}),
            Order::Model,
            Ok(
                "<InvalidationBatch xmlns=\"\"><CallerReference>a&#13;\nb</CallerReference></InvalidationBatch>",
            ),
        );
    }

    #[test]
    fn what_the_plane_writes_can_be_read() {
        check(
            json!({"CallerReference": "a\u{0}b\u{1b}c\td\u{fffe}"}),
            Order::Model,
            Ok(
                "<InvalidationBatch xmlns=\"\"><CallerReference>a\u{fffd}b\u{fffd}c\td\u{fffd}</CallerReference>\
                </InvalidationBatch>",
            ),
        );
    }

    #[test]
    fn other_kinds_than_the_shapes() {
        check(
            json!({"Paths": {"Quantity": true}}),
            Order::AsGiven,
            Ok("<InvalidationBatch xmlns=\"\"><Paths><Quantity>True</Quantity></Paths></InvalidationBatch>"),
        );
        let wrong = |value, message| check(value, Order::AsGiven, Err(message));
        wrong(json!({"Paths": "x"}), "InvalidationBatch.Paths is a scalar where a structure is expected");
        wrong(
            json!({"Paths": {"Items": [["x"]]}}),
            "InvalidationBatch.Paths.Items[0] is a list where a scalar is expected",
        );
        wrong(json!({"Paths": {"Itms": []}}), "InvalidationBatch.Paths.Itms is not part of the interface");
    }
}
