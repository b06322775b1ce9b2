//! The words before the cursor, read as far as they make sense.
//!
//! Unlike [`crate::lowargs`], which answers with an error, this passes over what it does not know: the line is not finished.

use recant_wire::model::{self, Operation, Waiter};

use crate::command::{self, Argument, Pages, SERVICE, Topic};
use crate::globals;
use crate::lowargs::{Opt, Takes};
use crate::sign;

/// Where the line stands.
pub(super) struct Place {
    /// The command so far.
    pub(super) command: Command,
    /// The options that were met, as the tables spell them.
    pub(super) given: Vec<String>,
    /// The option whose value would come next, or could.
    pub(super) waiting: Option<Known>,
    /// How many values it has.
    values: usize,
}

/// The command of a line.
#[derive(Clone, Copy)]
pub(super) enum Command {
    /// Nothing yet.
    None,
    /// The service.
    Service,
    /// `wait`, and no waiter yet.
    Wait,
    /// All of it.
    Whole(Target),
    /// What is none of this program's.
    Unknown,
}

/// What a whole command is.
#[derive(Clone, Copy)]
pub(super) enum Target {
    /// An operation.
    Operation(&'static Operation),
    /// A waiter, with the operation that it polls.
    Waiter(&'static Waiter, &'static Operation),
    /// `sign`.
    Sign,
}

/// An option of a table.
pub(super) enum Known {
    /// One of every command.
    Global(&'static Opt<'static>),
    /// One of the operation.
    Own(Argument),
    /// One of `sign`.
    Sign(&'static str),
}

impl Known {
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Global(option) => option.name,
            Self::Own(argument) => &argument.name,
            Self::Sign(name) => name,
        }
    }

    fn takes(&self) -> Takes {
        match self {
            Self::Global(option) => option.takes,
            Self::Own(argument) => argument.takes,
            Self::Sign(_) => Takes::One,
        }
    }
}

impl Place {
    /// The place after these words.
    pub(super) fn after(words: &[String]) -> Self {
        let mut place = Self { command: Command::None, given: Vec::new(), waiting: None, values: 0 };
        for word in words {
            place.take(word);
        }
        place
    }

    fn take(&mut self, word: &str) {
        if word.len() > 1 && word.starts_with('-') {
            self.take_option(word);
            return;
        }
        match self.waiting.as_ref().map(Known::takes) {
            Some(Takes::One | Takes::OneOr(_)) => self.waiting = None,
            Some(_) => self.values += 1,
            None => self.command = self.command.followed_by(word),
        }
    }

    fn take_option(&mut self, word: &str) {
        self.waiting = None;
        self.values = 0;
        let (name, value) = word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
        let Some(option) = self.option(name) else { return };
        self.given.push(option.name().to_owned());
        if value.is_none() && option.takes() != Takes::Nothing {
            self.waiting = Some(option);
        }
    }

    /// The option of that name, or the only one that begins so.
    pub(super) fn option(&self, name: &str) -> Option<Known> {
        let mut all = self.options();
        let exact = all.iter().position(|option| option.name() == name);
        let begins = |option: &Known| name.len() > 2 && option.name().starts_with(name);
        let at = exact.or_else(|| {
            let only = all.iter().filter(|option| begins(option)).count() == 1;
            all.iter().position(|option| only && begins(option))
        })?;
        Some(all.swap_remove(at))
    }

    /// All options of the command, its own first.
    pub(super) fn options(&self) -> Vec<Known> {
        let mut all: Vec<Known> = match self.command {
            Command::Whole(Target::Operation(operation)) => own(operation, Pages::AsModelled),
            Command::Whole(Target::Waiter(_, operation)) => own(operation, Pages::Never),
            Command::Whole(Target::Sign) => {
                sign::OPTIONS.iter().map(|option| Known::Sign(option.name)).collect()
            }
            _ => Vec::new(),
        };
        all.extend(globals::TABLE.iter().map(Known::Global));
        all
    }

    /// Whether nothing but a value can come next.
    pub(super) fn must_have_value(&self) -> bool {
        match self.waiting.as_ref().map(Known::takes) {
            Some(Takes::One) => true,
            Some(Takes::AtLeastOne) => self.values == 0,
            _ => false,
        }
    }

    /// What help there is about it.
    pub(super) fn topic(&self) -> Topic {
        match self.command {
            Command::None | Command::Unknown => Topic::Top,
            Command::Service => Topic::Service,
            Command::Wait => Topic::Waiters,
            Command::Whole(Target::Operation(operation)) => Topic::Operation(operation),
            Command::Whole(Target::Waiter(waiter, _)) => Topic::Waiter(waiter),
            Command::Whole(Target::Sign) => Topic::Sign,
        }
    }
}

impl Command {
    fn followed_by(self, word: &str) -> Self {
        match self {
            Self::None if word == SERVICE => Self::Service,
            Self::Service if word == "wait" => Self::Wait,
            Self::Service if word == "sign" => Self::Whole(Target::Sign),
            Self::Service => model::operation_by_cli_name(word)
                .map_or(Self::Unknown, |operation| Self::Whole(Target::Operation(operation))),
            Self::Wait => model::waiter_by_cli_name(word).map_or(Self::Unknown, |waiter| {
                let operation =
                    model::operation(waiter.operation).expect("waiters name operations of the model");
                Self::Whole(Target::Waiter(waiter, operation))
            }),
            Self::Whole(_) => self,
            Self::None | Self::Unknown => Self::Unknown,
        }
    }
}

fn own(operation: &'static Operation, pages: Pages) -> Vec<Known> {
    command::options_of(operation, pages).into_iter().map(Known::Own).collect()
}
