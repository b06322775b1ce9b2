//! A structure read member by member, so that what nobody read can be refused by name.

use recant_wire::document::{Document, Members};

use crate::error::{ApiError, excerpt};

/// The members of one structure, with the structure's full name.
///
/// Each accessor marks its member as read; [`Fields::finish`] refuses what is left and asks for something.
pub(super) struct Fields<'d> {
    path: String,
    members: &'d Members,
    read: Vec<&'static str>,
}

impl<'d> Fields<'d> {
    /// Reads `document`, which the caller knows as `path`.
    pub(super) fn of(path: &str, document: &'d Document) -> Result<Self, ApiError> {
        match document {
            Document::Structure(members) => Ok(Self { path: path.to_owned(), members, read: Vec::new() }),
            _ => Err(ApiError::null_member(path)),
        }
    }

    /// The full name of a member.
    pub(super) fn name(&self, member: &str) -> String {
        if self.path.is_empty() { member.to_owned() } else { format!("{}.{member}", self.path) }
    }

    /// A refusal that names a member.
    pub(super) fn refuse(&self, member: &str, why: impl std::fmt::Display) -> ApiError {
        refuse(&self.name(member), why)
    }

    /// A text.
    pub(super) fn text(&mut self, member: &'static str) -> Option<&'d str> {
        match self.take(member)? {
            Document::String(text) => Some(text),
            _ => None,
        }
    }

    /// A text that must be there.
    pub(super) fn required_text(&mut self, member: &'static str) -> Result<&'d str, ApiError> {
        self.text(member).ok_or_else(|| ApiError::null_member(&self.name(member)))
    }

    /// A truth value.
    pub(super) fn boolean(&mut self, member: &'static str) -> Option<bool> {
        match self.take(member)? {
            Document::Boolean(value) => Some(*value),
            _ => None,
        }
    }

    /// A whole number within `range`, or `default`.
    pub(super) fn integer(
        &mut self,
        member: &'static str,
        range: std::ops::RangeInclusive<i64>,
        default: i64,
    ) -> Result<i64, ApiError> {
        match self.take(member) {
            Some(Document::Integer(value)) if range.contains(value) => Ok(*value),
            Some(Document::Integer(value)) => Err(self.refuse(
                member,
                format_args!("{value} is not between {} and {}", range.start(), range.end()),
            )),
            Some(Document::BigInteger(_)) => Err(self.refuse(member, "the number is too large")),
            _ => Ok(default),
        }
    }

    /// Whether a member is there; it stays to be read.
    pub(super) fn has(&self, member: &str) -> bool {
        self.members.get(member).is_some_and(|document| !matches!(document, Document::Null))
    }

    /// A value of any kind.
    pub(super) fn value(&mut self, member: &'static str) -> Option<&'d Document> {
        self.take(member)
    }

    /// A structure.
    pub(super) fn structure(&mut self, member: &'static str) -> Result<Option<Self>, ApiError> {
        let path = self.name(member);
        self.take(member).map(|document| Fields::of(&path, document)).transpose()
    }

    /// A structure that must be there.
    pub(super) fn required_structure(&mut self, member: &'static str) -> Result<Self, ApiError> {
        self.structure(member)?.ok_or_else(|| ApiError::null_member(&self.name(member)))
    }

    /// The elements of a list, each with its full name.
    pub(super) fn list(&mut self, member: &'static str) -> Vec<(String, &'d Document)> {
        let path = self.name(member);
        match self.take(member) {
            Some(Document::List(items)) => {
                items.iter().enumerate().map(|(at, item)| (format!("{path}[{at}]"), item)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The texts of a list.
    pub(super) fn texts(&mut self, member: &'static str) -> Vec<&'d str> {
        self.list(member)
            .into_iter()
            .filter_map(|(_, item)| match item {
                Document::String(text) => Some(text.as_str()),
                _ => None,
            })
            .collect()
    }

    /// The elements of a structure of `Quantity` and `Items`; the quantity has been checked before.
    pub(super) fn items(&mut self, member: &'static str) -> Result<Vec<(String, &'d Document)>, ApiError> {
        let Some(mut wrapped) = self.structure(member)? else { return Ok(Vec::new()) };
        wrapped.ignore("Quantity");
        let items = wrapped.list("Items");
        wrapped.finish()?;
        Ok(items)
    }

    /// Marks a member as one whose value changes nothing.
    pub(super) fn ignore(&mut self, member: &'static str) {
        self.read.push(member);
    }

    /// Accepts one of these texts; any other is not honoured.
    pub(super) fn one_of(
        &mut self,
        member: &'static str,
        honoured: &[&str],
    ) -> Result<Option<&'d str>, ApiError> {
        match self.text(member) {
            Some(text) if !text.is_empty() && !honoured.contains(&text) => Err(self.refuse(
                member,
                format_args!(
                    "'{}' is not honoured by this version; it takes {}",
                    excerpt(text),
                    honoured.join(", ")
                ),
            )),
            text => Ok(text.filter(|text| !text.is_empty())),
        }
    }

    /// Refuses what has not been read and asks for something.
    pub(super) fn finish(self) -> Result<(), ApiError> {
        for (name, value) in self.members.iter() {
            if !self.read.contains(&name) && !asks_nothing(value) {
                return Err(self.refuse(name, "this version does not honour it; leave it out"));
            }
        }
        Ok(())
    }

    fn take(&mut self, member: &'static str) -> Option<&'d Document> {
        self.read.push(member);
        self.members.get(member).filter(|document| !matches!(document, Document::Null))
    }
}

/// A refusal that names a member by its full name.
pub(super) fn refuse(path: &str, why: impl std::fmt::Display) -> ApiError {
    ApiError::InvalidArgument(format!("{path}: {why}."))
}

/// Whether a value asks for nothing.
pub(super) fn asks_nothing(document: &Document) -> bool {
    match document {
        Document::Null | Document::Boolean(false) | Document::Integer(0) => true,
        Document::String(text) => text.is_empty(),
        Document::List(items) => items.is_empty(),
        Document::Structure(members) => members.iter().all(|(_, value)| asks_nothing(value)),
        _ => false,
    }
}
