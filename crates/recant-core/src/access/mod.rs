//! What a key may do: policies in the form of IAM's, and the decision over them.
//!
//! A policy is a list of statements. Each says `Allow` or `Deny` about actions (`cloudfront:GetDistribution`) on resources (ARNs).
//! The decision is IAM's: a deny that matches wins over every allow, and what nobody allows is denied (IAM User Guide, "Policy
//! evaluation logic").
//!
//! | module | what it holds |
//! |---|---|
//! | [`document`] | the policy as its author wrote it |
//! | [`Policy`], here | the policy as it is meant, and [`Policy::decide`] |
//! | `pattern` | `*` and `?` |
//!
//! A policy that asks for what is not honoured here is refused as a whole: conditions, principals, variables (`${…}`), actions
//! of other services. Half a policy would let somebody in, or keep somebody out, whom its author did not mean.
//!
//! It deliberately does not know which resources an operation is about, nor who holds which policy: that is the plane's.

pub mod document;
mod pattern;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::limits::{POLICY_PATTERN_BYTES_MAX, POLICY_PATTERNS_MAX, POLICY_STATEMENTS_MAX};
use document::{PolicyDocument, StatementDocument};
use pattern::Pattern;

/// The services whose actions a policy may name: CloudFront's operations, and our own beyond them.
pub const SERVICES: [&str; 2] = ["cloudfront", "recant"];

/// The versions of IAM's policy language. They differ in variables only, which are refused.
const VERSIONS: [&str; 2] = ["2012-10-17", "2008-10-17"];

/// A policy as it is meant. Read from, and written as, the document that its author wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "PolicyDocument", into = "PolicyDocument")]
pub struct Policy {
    document: PolicyDocument,
    statements: Vec<Statement>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Statement {
    sid: Option<String>,
    effect: Effect,
    actions: Set,
    resources: Set,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    Allow,
    Deny,
}

/// Which actions or resources a statement is about.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Set {
    /// Those that match one of these (`Action`, `Resource`).
    Of(Vec<Pattern>),
    /// Those that match none of these (`NotAction`, `NotResource`).
    AllBut(Vec<Pattern>),
}

/// Whether something may be done, and by what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// A statement allows it and none denies it.
    Allowed,
    /// It may not be done.
    Denied(Denial),
}

/// Why something may not be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denial {
    /// A statement denies it; its `Sid`, if it has one.
    Explicit(Option<String>),
    /// No statement allows it.
    Implicit,
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Explicit(Some(sid)) => write!(f, "with an explicit deny in the statement '{sid}'"),
            Self::Explicit(None) => f.write_str("with an explicit deny in the key's policy"),
            Self::Implicit => f.write_str("because no statement of the key's policy allows it"),
        }
    }
}

/// What is wrong with a policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// A version that IAM's language does not have.
    #[error("Version: '{0}' is none of the policy language; use '2012-10-17'")]
    Version(String),
    /// No statements, or too many.
    #[error("Statement: a policy has 1 to {POLICY_STATEMENTS_MAX} statements, this one has {0}")]
    Statements(usize),
    /// Something is wrong with one statement.
    #[error("Statement[{index}]: {why}")]
    Statement {
        /// Its place, from 0.
        index: usize,
        /// What is wrong.
        why: StatementError,
    },
}

/// What is wrong with a statement.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// Neither `Allow` nor `Deny`.
    #[error("Effect: '{0}' is neither 'Allow' nor 'Deny'")]
    Effect(String),
    /// Of a member and its negation both or none are there.
    #[error("it needs one of {0} and Not{0}")]
    OneOf(&'static str),
    /// A list without elements, or with too many.
    #[error("{member}: 1 to {POLICY_PATTERNS_MAX} are expected, there are {found}")]
    Count {
        /// The member.
        member: &'static str,
        /// How many there are.
        found: usize,
    },
    /// An element that cannot be honoured.
    #[error("{member}: '{text}' {why}")]
    Pattern {
        /// The member.
        member: &'static str,
        /// The element.
        text: String,
        /// What is wrong with it.
        why: &'static str,
    },
}

impl Policy {
    /// The policy of a document.
    ///
    /// # Errors
    /// [`PolicyError`] names what cannot be honoured, and where it stands.
    pub fn new(document: PolicyDocument) -> Result<Self, PolicyError> {
        let version = document.version.as_deref().unwrap_or(VERSIONS[0]);
        if !VERSIONS.contains(&version) {
            return Err(PolicyError::Version(version.to_owned()));
        }
        let written = document.statement.as_slice();
        if written.is_empty() || written.len() > POLICY_STATEMENTS_MAX {
            return Err(PolicyError::Statements(written.len()));
        }
        let statements = written.iter().enumerate().map(|(index, statement)| {
            Statement::new(statement).map_err(|why| PolicyError::Statement { index, why })
        });
        let statements = statements.collect::<Result<_, _>>()?;
        Ok(Self { document, statements })
    }

    /// Whether `action` may be done to `resource`.
    ///
    /// The service and the name of an action match in any case, a resource only in its own (IAM User Guide, "IAM JSON policy
    /// elements: Action", "… Resource"). The cost is bounded by the policy's length times the resource's.
    pub fn decide(&self, action: &str, resource: &str) -> Access {
        let action = action.to_ascii_lowercase();
        let mut about = self.statements.iter().filter(|it| it.is_about(&action, resource)).peekable();
        if about.peek().is_none() {
            return Access::Denied(Denial::Implicit);
        }
        match about.find(|statement| statement.effect == Effect::Deny) {
            Some(deny) => Access::Denied(Denial::Explicit(deny.sid.clone())),
            None => Access::Allowed,
        }
    }

    /// The patterns of actions that it names, in lower case: for whoever knows all actions and can tell which name none.
    pub fn action_patterns(&self) -> impl Iterator<Item = &str> {
        self.statements.iter().flat_map(|statement| statement.actions.patterns()).map(Pattern::as_str)
    }
}

/// Whether a pattern of actions, as [`Policy::action_patterns`] lists it, names this action.
pub fn names_action(pattern: &str, action: &str) -> bool {
    Pattern::new(pattern).matches(&action.to_ascii_lowercase())
}

impl TryFrom<PolicyDocument> for Policy {
    type Error = PolicyError;
    fn try_from(document: PolicyDocument) -> Result<Self, PolicyError> {
        Self::new(document)
    }
}

impl From<Policy> for PolicyDocument {
    fn from(policy: Policy) -> Self {
        policy.document
    }
}

impl Statement {
    fn new(written: &StatementDocument) -> Result<Self, StatementError> {
        let effect = match written.effect.as_str() {
            "Allow" => Effect::Allow,
            "Deny" => Effect::Deny,
            other => return Err(StatementError::Effect(other.to_owned())),
        };
        let actions = Set::new("Action", written.action.as_ref(), written.not_action.as_ref(), action)?;
        let resources =
            Set::new("Resource", written.resource.as_ref(), written.not_resource.as_ref(), resource)?;
        Ok(Self { sid: written.sid.clone(), effect, actions, resources })
    }

    fn is_about(&self, action: &str, resource: &str) -> bool {
        self.actions.has(action) && self.resources.has(resource)
    }
}

impl Set {
    fn new(
        member: &'static str,
        those: Option<&document::Texts>,
        all_but: Option<&document::Texts>,
        read: fn(&str) -> Result<Pattern, &'static str>,
    ) -> Result<Self, StatementError> {
        let patterns = |texts: &document::Texts| {
            let texts = texts.as_slice();
            if texts.is_empty() || texts.len() > POLICY_PATTERNS_MAX {
                return Err(StatementError::Count { member, found: texts.len() });
            }
            let read = |text: &String| {
                short_and_plain(text).and_then(|()| read(text)).map_err(|why| StatementError::Pattern {
                    member,
                    text: text.chars().take(POLICY_PATTERN_BYTES_MAX).collect(),
                    why,
                })
            };
            texts.iter().map(read).collect()
        };
        match (those, all_but) {
            (Some(those), None) => patterns(those).map(Self::Of),
            (None, Some(all_but)) => patterns(all_but).map(Self::AllBut),
            _ => Err(StatementError::OneOf(member)),
        }
    }

    fn has(&self, text: &str) -> bool {
        match self {
            Self::Of(patterns) => patterns.iter().any(|pattern| pattern.matches(text)),
            Self::AllBut(patterns) => !patterns.iter().any(|pattern| pattern.matches(text)),
        }
    }

    fn patterns(&self) -> &[Pattern] {
        match self {
            Self::Of(patterns) | Self::AllBut(patterns) => patterns,
        }
    }
}

fn short_and_plain(text: &str) -> Result<(), &'static str> {
    if text.len() > POLICY_PATTERN_BYTES_MAX {
        return Err("is too long");
    }
    if text.contains("${") {
        return Err("has a policy variable, which is not supported");
    }
    Ok(())
}

/// `service:Name` with wildcards, or `*`.
fn action(text: &str) -> Result<Pattern, &'static str> {
    let lower = text.to_ascii_lowercase();
    if lower != "*" {
        let (service, _) = lower.split_once(':').ok_or("is not like 'cloudfront:GetDistribution'")?;
        if !SERVICES.contains(&service) {
            return Err("is of another service; there are 'cloudfront' and 'recant' here");
        }
    }
    Ok(Pattern::new(&lower))
}

/// An ARN with wildcards, or `*`.
fn resource(text: &str) -> Result<Pattern, &'static str> {
    if text == "*" || (text.starts_with("arn:") && text.split(':').count() >= 6) {
        return Ok(Pattern::new(text));
    }
    Err("is neither '*' nor like 'arn:aws:cloudfront::ACCOUNT:distribution-tenant/ID'")
}

#[cfg(test)]
mod tests;
