//! A declaration, read: lists, whose items are checked as far as that goes without the store.

use std::collections::BTreeMap;

use recant_wire::document::{Document, Members};

use super::connection_groups::DeclaredGroup;
use super::distributions::DeclaredDistribution;
use super::keys::DeclaredKey;
use super::policies::{self, DeclaredPolicy, KnownPolicies};
use super::tenants::DeclaredTenant;
use super::{ApplyError, Declaration};
use crate::config_check::characters;
use crate::error::excerpt;

/// The lists that a file may have.
const LISTS: [&str; 7] = [
    "ConnectionGroups",
    "CachePolicies",
    "OriginRequestPolicies",
    "ResponseHeadersPolicies",
    "Distributions",
    "DistributionTenants",
    "Keys",
];

/// Everything that is declared, of all files.
#[derive(Default)]
pub(super) struct Declared {
    pub(super) groups: Vec<DeclaredGroup>,
    pub(super) policies: Vec<DeclaredPolicy>,
    pub(super) distributions: Vec<DeclaredDistribution>,
    pub(super) tenants: Vec<DeclaredTenant>,
    pub(super) keys: Vec<DeclaredKey>,
}

/// One item of a list, and where it stands.
pub(super) struct Item {
    /// `shops.yaml: DistributionTenants[0]`.
    pub(super) at: String,
    pub(super) members: Members,
}

impl Declared {
    /// Reads all files; the policies that they declare become known.
    ///
    /// # Errors
    /// The first place that is not right: its form, what it asks for, or what is declared twice.
    pub(super) fn read(
        declarations: &[Declaration],
        policies: &mut KnownPolicies,
    ) -> Result<Self, ApplyError> {
        let mut all = Self::default();
        let mut others = Vec::new();
        // Distributions name policies, which may stand further down, or in another file.
        for (list, item) in items(declarations)? {
            match policies::LISTS.iter().find(|(name, _)| *name == list) {
                Some((_, kind)) => all.policies.push(DeclaredPolicy::read(item, *kind, policies)?),
                None => others.push((list, item)),
            }
        }
        for (list, item) in others {
            match list {
                "ConnectionGroups" => all.groups.push(DeclaredGroup::read(item)?),
                "Distributions" => all.distributions.push(DeclaredDistribution::read(item, policies)?),
                "DistributionTenants" => all.tenants.push(DeclaredTenant::read(item)?),
                "Keys" => all.keys.push(DeclaredKey::read(item)?),
                other => unreachable!("{other} is in the table of lists and nowhere else"),
            }
        }
        all.nothing_is_there_twice()?;
        Ok(all)
    }

    fn nothing_is_there_twice(&self) -> Result<(), ApplyError> {
        let groups = self.groups.iter().map(|it| ("Name", it.name.clone(), &it.at));
        let distributions =
            self.distributions.iter().map(|it| ("CallerReference", it.caller_reference.clone(), &it.at));
        let tenants = self.tenants.iter().map(|it| ("Name", it.name.clone(), &it.at));
        let of_distributions = self.distributions.iter().map(|it| (it.domains(), &it.at));
        let of_tenants = self.tenants.iter().map(|it| (it.domains(), &it.at));
        let domains = of_distributions
            .chain(of_tenants)
            .flat_map(|(domains, at)| domains.into_iter().map(move |domain| ("Domain", domain, at)));
        let keys = self.keys.iter().map(|it| ("Name", it.name.clone(), &it.at));
        once(groups)?;
        for (_, kind) in policies::LISTS {
            let of_kind = self.policies.iter().filter(|it| it.kind() == kind);
            once(of_kind.map(|it| ("Name", it.name.clone(), &it.at)))?;
        }
        once(distributions)?;
        once(tenants)?;
        once(domains)?;
        once(keys)
    }
}

/// The items of all lists of all files, each with its list's name.
fn items(declarations: &[Declaration]) -> Result<Vec<(&str, Item)>, ApplyError> {
    let mut all = Vec::new();
    for Declaration { name, document } in declarations {
        let Document::Structure(lists) = document else {
            return Err(ApplyError::new(name, "it holds no lists by name, as Distributions: […]"));
        };
        for (list, items) in lists.iter() {
            let at = format!("{name}: {list}");
            if !LISTS.contains(&list) {
                let why = format_args!("there is no such list; there are {}", LISTS.join(", "));
                return Err(ApplyError::new(&at, why));
            }
            let items = match items {
                Document::List(items) => items.as_slice(),
                Document::Null => &[],
                _ => return Err(ApplyError::new(&at, "it is no list")),
            };
            for (index, item) in items.iter().enumerate() {
                let at = format!("{at}[{index}]");
                characters(item).map_err(ApplyError::of(&at))?;
                let Document::Structure(members) = item.clone() else {
                    return Err(ApplyError::new(&at, "it has no members"));
                };
                all.push((list, Item { at, members }));
            }
        }
    }
    Ok(all)
}

/// Refuses the second of two that are called the same.
fn once<'a>(all: impl Iterator<Item = (&'static str, String, &'a String)>) -> Result<(), ApplyError> {
    let mut seen: BTreeMap<String, &String> = BTreeMap::new();
    for (member, value, at) in all {
        if let Some(first) = seen.insert(value.clone(), at) {
            let why = format!("{member} '{}' is at {first} already", excerpt(&value));
            return Err(ApplyError::new(at, why));
        }
    }
    Ok(())
}

impl Item {
    /// Takes a text out that is not of the operation's input: a reference by name.
    ///
    /// # Errors
    /// When it is no text, or empty.
    pub(super) fn take_text(&mut self, member: &str) -> Result<Option<String>, ApplyError> {
        match self.members.remove(member) {
            None | Some(Document::Null) => Ok(None),
            Some(Document::String(text)) if !text.is_empty() => Ok(Some(text)),
            Some(_) => Err(ApplyError::new(&self.at, format_args!("{member}: it is empty, or no text"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn distribution(reference: &str) -> Value {
        let text = include_str!("../../../../../examples/distribution.json");
        let mut read: Value = serde_json::from_str(text).unwrap();
        read["DistributionConfig"]["CallerReference"] = json!(reference);
        read
    }

    fn tenant(name: &str) -> Value {
        json!({"Name": name, "Distribution": "d", "Domains": [{"Domain": format!("{name}.example")}]})
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let check = |document: Value, expected: &str| {
            let declarations = [Declaration { name: "f".to_owned(), document: Document::from(document) }];
            let got = Declared::read(&declarations, &mut KnownPolicies::default())
                .err()
                .map_or_else(String::new, |error| error.to_string());
            assert!(got.starts_with(expected) && got.is_empty() == expected.is_empty(), "{got}");
        };
        let distributions = |items: &[Value]| json!({"Distributions": items});
        let tenants = |items: &[Value]| json!({"DistributionTenants": items});
        let with = |mut item: Value, member: &str, value: Value| {
            item[member] = value;
            item
        };
        check(json!({"Distributions": [distribution("d")], "Keys": []}), "");
        check(json!([]), "f: it holds no lists by name");
        check(json!({"Tenants": []}), "f: Tenants: there is no such list; there are ConnectionGroups, ");
        check(json!({"Keys": {}}), "f: Keys: it is no list");
        check(json!({"Keys": [1]}), "f: Keys[0]: it has no members");
        check(
            distributions(&[distribution("d"), distribution("d")]),
            "f: Distributions[1]: CallerReference 'd' is at f: Distributions[0] already",
        );
        let mut wrong = distribution("d");
        wrong["DistributionConfig"]["Origin"] = json!({});
        check(
            distributions(&[wrong]),
            "f: Distributions[0]: Unknown parameter in DistributionConfigWithTags",
        );
        let mut wrong = distribution("d");
        wrong["DistributionConfig"]["WebACLId"] = json!("arn:x");
        check(distributions(&[wrong]), "f: Distributions[0]: DistributionConfig.WebACLId: ");
        let named = |member: &str, value: Value| {
            let mut named = distribution("d");
            named["DistributionConfig"]["DefaultCacheBehavior"][member] = value;
            distributions(&[named])
        };
        check(
            named("OriginRequestPolicy", json!("mine")),
            "f: Distributions[0]: DistributionConfig.DefaultCacheBehavior.OriginRequestPolicy: 'mine' is neither \
             declared nor there",
        );
        check(
            named("CachePolicy", json!("mine")),
            "f: Distributions[0]: DistributionConfig.DefaultCacheBehavior: CachePolicy and CachePolicyId exclude",
        );
        check(
            named("ResponseHeadersPolicy", json!(1)),
            "f: Distributions[0]: DistributionConfig.DefaultCache",
        );
        let policy = |name: &str| json!({"ResponseHeadersPolicyConfig": {"Name": name}});
        check(
            json!({"ResponseHeadersPolicies": [policy("a"), policy("a")]}),
            "f: ResponseHeadersPolicies[1]: Name 'a' is at f: ResponseHeadersPolicies[0] already",
        );
        check(
            json!({"ResponseHeadersPolicies": [{"Name": "a"}]}),
            "f: ResponseHeadersPolicies[0]: Missing required parameter in input: \"ResponseHeadersPolicyConfig\"",
        );
        check(
            json!({"ResponseHeadersPolicies": [policy("Managed-SimpleCORS")]}),
            "f: ResponseHeadersPolicies[0]: ",
        );
        let mut both = named("ResponseHeadersPolicy", json!("a"));
        both["ResponseHeadersPolicies"] = json!([policy("a")]);
        check(both, "");
        check(tenants(&[json!({"Name": "one"})]), "f: DistributionTenants[0]: Distribution is missing");
        check(
            tenants(&[with(tenant("one"), "DistributionId", json!("E1"))]),
            "f: DistributionTenants[0]: Distribution and DistributionId exclude each other",
        );
        check(
            tenants(&[tenant("one"), with(tenant("two"), "Domains", json!([{"Domain": "ONE.example"}]))]),
            "f: DistributionTenants[1]: Domain 'one.example' is at f: DistributionTenants[0] already",
        );
        check(
            json!({"Keys": [{"Name": "../ci", "Policy": {}}]}),
            "f: Keys[0]: Name: it is missing, or not 1 to 64 letters",
        );
        check(json!({"Keys": [{"Name": "ci", "Policy": {"Statement": 1}}]}), "f: Keys[0]: Policy: ");
        check(
            json!({"Keys": [{"Name": "ci", "Policy": {"Statement": [{"Sid": "a\u{0}"}]}}]}),
            "f: Keys[0]: Policy.Statement[0].Sid: the character U+0000 is not allowed.",
        );
        check(tenants(&[tenant("one\u{7}")]), "f: DistributionTenants[0]: Name: the character U+0007 is not");
        check(json!({"Keys": [{"Name": "ci", "Secret": "x"}]}), "f: Keys[0]: 'Secret' is no member of a key");
    }
}
