//! A document without a shape: what an answer holds that nobody has described.

use super::decode::{Part, Source, XmlError, checked_text, local};

/// An element with all that is in it.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct Element {
    /// Without its prefix.
    pub name: String,
    /// The text before its first child.
    pub text: String,
    /// In order.
    pub children: Vec<Element>,
}

impl Element {
    /// Reads a document.
    ///
    /// # Errors
    /// Those of a document that is not XML, or too large or deep.
    pub(crate) fn read(bytes: &[u8]) -> Result<Element, XmlError> {
        let mut source = Source::new(checked_text(bytes)?);
        // The elements that are open, the document itself first.
        let mut open = vec![Element::default()];
        loop {
            match source.next()? {
                Part::Open(start) => {
                    open.push(Element { name: local(&start).to_owned(), ..Element::default() });
                }
                Part::Close => {
                    let closed = open.pop().expect("the source has no end without a start");
                    open.last_mut().expect("the document is never closed").children.push(closed);
                }
                Part::Text(text) if open.len() == 1 => source.only_space(&text)?,
                Part::Text(text) => {
                    if let Some(element) = open.last_mut().filter(|element| element.children.is_empty()) {
                        element.text.push_str(&text);
                    }
                }
                Part::End => break,
            }
        }
        let mut roots = open.pop().expect("the document is never closed").children.into_iter();
        match (roots.next(), roots.next()) {
            (Some(root), None) => Ok(root),
            (None, _) => Err(source.malformed("no root element")),
            (Some(_), Some(_)) => Err(source.malformed("a second root element")),
        }
    }

    /// The children of that name.
    pub(crate) fn named(&self, name: &str) -> Vec<&Element> {
        self.children.iter().filter(|child| child.name == name).collect()
    }
}
