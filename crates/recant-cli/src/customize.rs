//! What the AWS CLI adds to CloudFront's operations by hand: `create-invalidation --paths`, and the shortcuts
//! `--origin-domain-name` and `--default-root-object` of distributions. (`sign` is a module of its own.)

use std::time::SystemTime;

use recant_wire::document::{Document, Members};
use recant_wire::model::{self, Operation};

use crate::call::Caller;
use crate::command::{Argument, Given, Role};
use crate::environment::Environment;
use crate::error::Error;
use crate::lowargs::Takes;

/// An option that is no member of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extra {
    /// The paths of an invalidation; batch and reference are made up.
    Paths,
    /// The host of a new distribution's only origin; the rest is made up.
    OriginDomainName,
    /// The root object of a distribution, new or known.
    DefaultRootObject,
}

/// The option and the member that it replaces, for each operation that has one.
fn extras(operation: &Operation) -> &'static [(Extra, &'static str, &'static str)] {
    match operation.name {
        "CreateInvalidation" => &[(Extra::Paths, "paths", "InvalidationBatch")],
        "CreateDistribution" => &[
            (Extra::OriginDomainName, "origin-domain-name", "DistributionConfig"),
            (Extra::DefaultRootObject, "default-root-object", "DistributionConfig"),
        ],
        "UpdateDistribution" => &[(Extra::DefaultRootObject, "default-root-object", "DistributionConfig")],
        _ => &[],
    }
}

/// The options of which the line must have one, for an operation that has several ways to say the same.
pub(crate) fn alternatives(operation: &Operation) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (_, name, replaced) in extras(operation) {
        let member = operation.members().iter().find(|member| member.name == *replaced && member.required);
        let replaced = member.map(|member| format!("--{}", member.cli_name));
        for name in replaced.into_iter().chain([format!("--{name}")]) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    names
}

/// Changes an operation's options.
pub(crate) fn arguments(operation: &'static Operation, all: &mut Vec<Argument>) {
    for (extra, name, replaced) in extras(operation) {
        for argument in all.iter_mut() {
            if matches!(argument.role, Role::Member(member) if member.name == *replaced) {
                argument.required = false;
            }
        }
        all.push(Argument {
            name: format!("--{name}"),
            takes: if *extra == Extra::Paths { Takes::AtLeastOne } else { Takes::One },
            role: Role::Custom(*extra),
            required: false,
            operation,
        });
    }
}

/// Looks for options that exclude each other.
///
/// # Errors
///
/// When both are there.
pub(crate) fn check(operation: &Operation, given: &Given<'_>) -> Result<(), Error> {
    for (extra, name, replaced) in extras(operation) {
        if given.words(Role::Custom(*extra)).is_none() || !given.has_member(replaced) {
            continue;
        }
        let (name, replaced) = (name.replace('-', "_"), snake(replaced));
        return Err(Error::Parameter(format!(
            "The key \"{name}\" cannot be specified when one of the following keys are also specified: {replaced}"
        )));
    }
    Ok(())
}

/// `InvalidationBatch` as `invalidation_batch`.
fn snake(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

impl Extra {
    /// Adds to the input what the option stands for.
    pub(crate) fn apply(self, environment: &dyn Environment, value: Document, input: &mut Members) {
        let last = value.as_list().and_then(<[Document]>::last).unwrap_or(&value);
        let word = last.as_str().unwrap_or_default();
        match self {
            Self::Paths => {
                // A file is a text where a list is wanted, as with every list: that is told with the rest of what is wrong.
                let count = value.as_list().map_or(0, <[Document]>::len);
                let paths = Document::structure([("Quantity", Document::from(count)), ("Items", value)]);
                let reference = Document::from(unique(environment, "cli"));
                let batch = [("CallerReference", reference), ("Paths", paths)];
                input.insert("InvalidationBatch", Document::structure(batch));
            }
            Self::OriginDomainName => {
                let id = Document::from(unique(environment, word));
                let config = config_of(environment, input);
                config.insert("Origins", origins(word, id.clone()));
                if let Some(Document::Structure(behavior)) = config.get_mut("DefaultCacheBehavior") {
                    behavior.insert("TargetOriginId", id);
                }
            }
            Self::DefaultRootObject => {
                config_of(environment, input).insert("DefaultRootObject", word);
            }
        }
    }
}

/// The distribution's configuration in the input; a made-up one where there is none.
fn config_of<'a>(environment: &dyn Environment, input: &'a mut Members) -> &'a mut Members {
    if !matches!(input.get("DistributionConfig"), Some(Document::Structure(_))) {
        input.insert("DistributionConfig", template(environment));
    }
    match input.get_mut("DistributionConfig") {
        Some(Document::Structure(config)) => config,
        _ => unreachable!("a structure was put there"),
    }
}

/// What a distribution is when nothing but an origin is said.
fn template(environment: &dyn Environment) -> Members {
    let cookies = Document::structure([("Forward", Document::from("none"))]);
    let forwarded = Document::structure([("QueryString", Document::from(false)), ("Cookies", cookies)]);
    let signers = Document::structure([("Enabled", Document::from(false)), ("Quantity", 0.into())]);
    let behavior = Document::structure([
        ("TargetOriginId", Document::from("placeholder")),
        ("ForwardedValues", forwarded),
        ("TrustedSigners", signers),
        ("ViewerProtocolPolicy", "allow-all".into()),
        ("MinTTL", 0.into()),
    ]);
    let origins =
        Document::structure([("Quantity", Document::from(0)), ("Items", Document::List(Vec::new()))]);
    [
        ("CallerReference", Document::from(unique(environment, "cli"))),
        ("Origins", origins),
        ("DefaultCacheBehavior", behavior),
        ("Enabled", true.into()),
        ("Comment", "".into()),
    ]
    .into_iter()
    .collect()
}

fn origins(domain: &str, id: Document) -> Document {
    let mut origin: Members =
        [("Id", id), ("DomainName", domain.into()), ("OriginPath", "".into())].into_iter().collect();
    if domain.ends_with(".s3.amazonaws.com") {
        let identity = [("OriginAccessIdentity", Document::from(""))];
        origin.insert("S3OriginConfig", Document::structure(identity));
    } else {
        let custom = [
            ("HTTPPort", Document::from(80)),
            ("HTTPSPort", 443.into()),
            ("OriginProtocolPolicy", "http-only".into()),
        ];
        origin.insert("CustomOriginConfig", Document::structure(custom));
    }
    Document::structure([("Quantity", Document::from(1)), ("Items", Document::List(vec![origin.into()]))])
}

/// A text that no other call has made. Microseconds stand in place of the AWS CLI's random number.
fn unique(environment: &dyn Environment, prefix: &str) -> String {
    let since_epoch = environment.now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    format!("{prefix}-{}-{}", since_epoch.as_secs(), since_epoch.subsec_micros() + 1)
}

/// Asks for a known distribution's configuration, so that a new root object changes nothing else.
///
/// # Errors
///
/// As any call.
pub(crate) fn keep_other_settings(
    environment: &mut dyn Environment,
    caller: &mut Caller<'_>,
    input: &mut Members,
) -> Result<(), Error> {
    let made_up = input.get("DistributionConfig").and_then(|config| config.get("DefaultRootObject"));
    let root = made_up.cloned().unwrap_or_default();
    let id = input.get("Id").cloned().ok_or_else(|| Error::general("'Id'"))?;
    let get = model::operation("GetDistributionConfig").expect("an operation of the model");
    let answer = caller.call(environment, get, &[("Id", id)].into_iter().collect())?;
    let Document::Structure(mut answer) = answer else {
        return Ok(());
    };
    let mut take = |name| answer.remove(name).ok_or_else(|| Error::general(format!("'{name}'")));
    input.insert("IfMatch", take("ETag")?);
    if let Document::Structure(mut config) = take("DistributionConfig")? {
        config.insert("DefaultRootObject", root);
        input.insert("DistributionConfig", config);
    }
    Ok(())
}
