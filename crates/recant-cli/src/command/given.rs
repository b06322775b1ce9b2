//! The options of an operation that a line has, their checks, and the input that they make.

use recant_wire::document::{Document, Members};
use recant_wire::model::{Kind, Operation};
use recant_wire::python;

use super::{Argument, Role, missing};
use crate::environment::Environment;
use crate::error::Error;
use crate::lowargs::Scan;
use crate::{input, paginate};

/// The options of an operation that were met.
pub(crate) struct Given<'a> {
    pub(super) arguments: &'a [Argument],
    pub(super) scan: &'a Scan,
}

impl Given<'_> {
    /// The words of the last option in this role.
    pub(crate) fn words(&self, role: Role) -> Option<&[String]> {
        let same = |other: &Role| match (role, other) {
            (Role::Member(a), Role::Member(b)) => std::ptr::eq(a, *b),
            (Role::Custom(a), Role::Custom(b)) => a == *b,
            (a, b) => std::mem::discriminant(&a) == std::mem::discriminant(b),
        };
        let index = self.arguments.iter().position(|argument| same(&argument.role))?;
        self.scan.last(index)
    }

    /// The last word of the last option in this role.
    pub(crate) fn text(&self, role: Role) -> Option<&str> {
        self.words(role)?.last().map(String::as_str)
    }

    /// The same, or the text of the file that it names.
    ///
    /// # Errors
    ///
    /// A file that cannot be read.
    pub(crate) fn loaded(
        &self,
        environment: &dyn Environment,
        role: Role,
        option: &str,
    ) -> Result<Option<String>, Error> {
        let Some(words) = self.words(role) else { return Ok(None) };
        Ok(match input::untyped(environment, option, words)? {
            Document::String(text) => Some(text),
            Document::Blob(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
            _ => words.last().cloned(),
        })
    }

    /// Whether the input member was given as an option.
    pub(crate) fn has_member(&self, name: &str) -> bool {
        self.scan.given.iter().any(|(index, _)| match self.arguments[*index].role {
            Role::Member(member) | Role::Switch(member, _) => member.name == name,
            _ => false,
        })
    }
}

/// The input as far as options give it, in the order of the operation's members.
pub(super) fn members(environment: &dyn Environment, given: &Given<'_>) -> Result<Members, Error> {
    let mut input = Members::new();
    for (index, argument) in given.arguments.iter().enumerate() {
        match argument.role {
            Role::Member(member) => {
                if let Some(words) = given.scan.last(index) {
                    let value = input::value(environment, &argument.name, member.shape, words.to_vec())?;
                    input.insert(member.name, value);
                }
            }
            Role::Switch(member, _) => {
                // Of the two spellings the last one typed counts.
                let last =
                    given.scan.given.iter().rev().find_map(|(index, _)| match given.arguments[*index].role {
                        Role::Switch(other, value) if std::ptr::eq(member, other) => Some(value),
                        _ => None,
                    });
                if let Some(value) = last {
                    input.insert(member.name, Document::Boolean(value));
                }
            }
            Role::Custom(extra) => {
                if let Some(words) = given.scan.last(index) {
                    let value = input::untyped(environment, &argument.name, words)?;
                    extra.apply(environment, value, &mut input);
                }
            }
            _ => {}
        }
    }
    Ok(input)
}

/// Reads one word.
type Reader = fn(&str) -> Result<Document, Error>;

/// Options that take numbers say so before anything is missed. Not so those for the API's integers, which the AWS CLI takes as text first.
pub(super) fn check_numbers(operation: &Operation, arguments: &[Argument], scan: &Scan) -> Result<(), Error> {
    use input::convert::{python_float, python_int};
    for (index, words) in &scan.given {
        let argument = &arguments[*index];
        let (kind, read): (_, Reader) = match argument.role {
            Role::MaxItems | Role::PageSize if !paginate::limit_is_text(operation) => ("int", python_int),
            Role::Member(member) => match member.shape.kind {
                Kind::Long => ("int", python_int),
                Kind::Float | Kind::Double => ("float", python_float),
                _ => continue,
            },
            _ => continue,
        };
        if let Some(word) = words.iter().find(|word| read(word).is_err()) {
            let shown = python::repr(&Document::from(word));
            return Err(Error::Usage(format!("argument {}: invalid {kind} value: {shown}", argument.name)));
        }
    }
    Ok(())
}

/// Options that the line must have. A whole input lifts that, but only when its option is spelled in full as a word of its own.
pub(super) fn check_required(
    arguments: &[Argument],
    scan: &Scan,
    words: &[String],
    wants_file: bool,
) -> Result<(), Error> {
    let has = |wanted: &str| !wants_file && words.iter().any(|word| word == wanted);
    let skeleton = words.iter().position(|word| word == "--generate-cli-skeleton");
    let is_sample =
        !wants_file && skeleton.is_some_and(|at| words.get(at + 1).is_none_or(|next| next != "output"));
    if has("--cli-input-json") || has("--cli-input-yaml") || is_sample {
        return Ok(());
    }
    let is_given = |argument: &Argument| {
        scan.given.iter().any(|(index, _)| match (&arguments[*index].role, &argument.role) {
            (Role::Switch(a, _), Role::Switch(b, _)) => std::ptr::eq(*a, *b),
            _ => arguments[*index].name == argument.name,
        })
    };
    let mut absent: Vec<&str> = arguments
        .iter()
        .filter(|argument| argument.required && !is_given(argument))
        .map(|argument| argument.name.as_str())
        .collect();
    if wants_file && scan.positional.is_none() {
        absent.push("outfile");
    }
    // `help` is looked for first, so that it needs nothing else.
    if absent.is_empty() || (scan.positional.as_deref() == Some("help") && words.len() == 1) {
        return Ok(());
    }
    Err(missing(&absent))
}
