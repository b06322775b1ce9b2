//! What the AWS CLI adds to CloudFront's operations by hand: `create-invalidation --paths`.

use std::time::SystemTime;

use recant_wire::document::{Document, Members};
use recant_wire::model::Operation;

use crate::command::{Argument, Given, Role};
use crate::environment::Environment;
use crate::error::Error;
use crate::lowargs::Takes;

/// An option that is no member of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extra {
    /// The paths of an invalidation; batch and reference are made up.
    Paths,
}

/// Changes an operation's options.
pub(crate) fn arguments(operation: &Operation, all: &mut Vec<Argument>) {
    if operation.name != "CreateInvalidation" {
        return;
    }
    for argument in all.iter_mut() {
        if argument.name == "--invalidation-batch" {
            argument.required = false;
        }
    }
    let role = Role::Custom(Extra::Paths);
    all.push(Argument { name: "--paths".to_owned(), takes: Takes::AtLeastOne, role, required: false });
}

/// Looks for options that exclude each other.
///
/// # Errors
///
/// When both are there.
pub(crate) fn check(operation: &Operation, given: &Given<'_>) -> Result<(), Error> {
    let has_paths =
        operation.name == "CreateInvalidation" && given.words(Role::Custom(Extra::Paths)).is_some();
    if has_paths && given.has_member("InvalidationBatch") {
        return Err(Error::Parameter(
            "The key \"paths\" cannot be specified when one of the following keys are also specified: invalidation_batch"
                .to_owned(),
        ));
    }
    Ok(())
}

impl Extra {
    /// Adds to the input what the option stands for.
    pub(crate) fn apply(self, environment: &dyn Environment, words: &[String], input: &mut Members) {
        match self {
            Self::Paths => {
                let since_epoch =
                    environment.now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
                // Nanoseconds in place of the AWS CLI's random number: two calls of one second must differ.
                let reference = format!("cli-{}-{}", since_epoch.as_secs(), since_epoch.subsec_micros() + 1);
                let paths = Document::structure([
                    ("Quantity", Document::from(words.len())),
                    ("Items", Document::list(words)),
                ]);
                let batch = [("CallerReference", Document::from(reference)), ("Paths", paths)];
                input.insert("InvalidationBatch", Document::structure(batch));
            }
        }
    }
}
