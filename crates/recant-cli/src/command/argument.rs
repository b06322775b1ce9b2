//! The options of an operation: from its members, its paginator, and what the AWS CLI adds by hand.

use recant_wire::model::{Kind, Member, Operation};

use crate::customize;
use crate::lowargs::Takes;

/// Whether an operation's pages may be walked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pages {
    /// By the operation's paginator.
    AsModelled,
    /// Not at all.
    Never,
}

/// What one option of an operation is for.
#[derive(Clone, Copy)]
pub(crate) enum Role {
    /// A member of the input.
    Member(&'static Member),
    /// A boolean member's two spellings.
    Switch(&'static Member, bool),
    /// An option that the AWS CLI adds to this operation by hand.
    Custom(customize::Extra),
    CliInputJson,
    CliInputYaml,
    Skeleton,
    StartingToken,
    MaxItems,
    PageSize,
}

/// An option of an operation.
pub(crate) struct Argument {
    /// Its spelling, with dashes.
    pub name: String,
    /// What it takes.
    pub takes: Takes,
    /// What it is for.
    pub role: Role,
    /// Whether the line must have it.
    pub required: bool,
    /// Whose it is.
    pub operation: &'static Operation,
}

/// The values of `--generate-cli-skeleton`.
pub(crate) const SKELETONS: &[&str] = &["input", "output", "yaml-input"];

/// All options of an operation.
pub(crate) fn options_of(operation: &'static Operation, pages: Pages) -> Vec<Argument> {
    let paginator = operation.paginator.as_ref().filter(|_| pages == Pages::AsModelled);
    let mut all = Vec::new();
    for member in operation.members() {
        // The paging option of the same name takes the place of the API's.
        if paginator
            .is_some_and(|paginator| member.name == paginator.limit_key && member.cli_name == "max-items")
        {
            continue;
        }
        let required = member.required;
        if matches!(member.shape.kind, Kind::Boolean) {
            for (name, value) in
                [(member.cli_name.to_owned(), true), (format!("no-{}", member.cli_name), false)]
            {
                let role = Role::Switch(member, value);
                all.push(Argument {
                    name: format!("--{name}"),
                    takes: Takes::Nothing,
                    role,
                    required: required && value,
                    operation,
                });
            }
            continue;
        }
        let takes = if matches!(member.shape.kind, Kind::List(_)) { Takes::Any } else { Takes::One };
        all.push(Argument {
            name: format!("--{}", member.cli_name),
            takes,
            role: Role::Member(member),
            required,
            operation,
        });
    }
    customize::arguments(operation, &mut all);
    let mut add = |name: &str, takes, role| {
        all.push(Argument { name: name.to_owned(), takes, role, required: false, operation });
    };
    // What is written to a file cannot be told in JSON, says the AWS CLI, and takes no input in JSON either.
    if operation.streamed().is_some() {
        return all;
    }
    add("--cli-input-json", Takes::One, Role::CliInputJson);
    add("--cli-input-yaml", Takes::One, Role::CliInputYaml);
    if paginator.is_some() {
        add("--starting-token", Takes::One, Role::StartingToken);
        add("--page-size", Takes::One, Role::PageSize);
        add("--max-items", Takes::One, Role::MaxItems);
    }
    add("--generate-cli-skeleton", Takes::OneOr("input"), Role::Skeleton);
    all
}
