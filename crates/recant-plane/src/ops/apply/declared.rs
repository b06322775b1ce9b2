//! A declaration, read: four lists, whose items are checked as far as that goes without the store.

use std::collections::BTreeMap;

use recant_wire::document::{Document, Members};

use super::connection_groups::DeclaredGroup;
use super::distributions::DeclaredDistribution;
use super::keys::DeclaredKey;
use super::tenants::DeclaredTenant;
use super::{ApplyError, Declaration};
use crate::config_check::{Policies, characters};
use crate::error::excerpt;

/// Everything that is declared, of all files.
#[derive(Default)]
pub(super) struct Declared {
    pub(super) groups: Vec<DeclaredGroup>,
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
    /// Reads all files.
    ///
    /// # Errors
    /// The first place that is not right: its form, what it asks for, or what is declared twice.
    pub(super) fn read(declarations: &[Declaration], policies: &Policies) -> Result<Self, ApplyError> {
        let mut all = Self::default();
        for Declaration { name, document } in declarations {
            let Document::Structure(lists) = document else {
                return Err(ApplyError::new(name, "it holds no lists by name, as Distributions: […]"));
            };
            for (list, items) in lists.iter() {
                let at = format!("{name}: {list}");
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
                    all.add(list, Item { at, members }, policies)?;
                }
                all.check_list(list, &at)?;
            }
        }
        all.nothing_is_there_twice()?;
        Ok(all)
    }

    fn add(&mut self, list: &str, item: Item, policies: &Policies) -> Result<(), ApplyError> {
        match list {
            "ConnectionGroups" => self.groups.push(DeclaredGroup::read(item)?),
            "Distributions" => self.distributions.push(DeclaredDistribution::read(item, policies)?),
            "DistributionTenants" => self.tenants.push(DeclaredTenant::read(item)?),
            "Keys" => self.keys.push(DeclaredKey::read(item)?),
            // Said by `check_list`, also of a list without items.
            _ => {}
        }
        Ok(())
    }

    fn check_list(&self, list: &str, at: &str) -> Result<(), ApplyError> {
        let known = ["ConnectionGroups", "Distributions", "DistributionTenants", "Keys"];
        if known.contains(&list) {
            return Ok(());
        }
        Err(ApplyError::new(at, format_args!("there is no such list; there are {}", known.join(", "))))
    }

    fn nothing_is_there_twice(&self) -> Result<(), ApplyError> {
        let groups = self.groups.iter().map(|it| ("Name", it.name.clone(), &it.at));
        let distributions =
            self.distributions.iter().map(|it| ("CallerReference", it.caller_reference.clone(), &it.at));
        let tenants = self.tenants.iter().map(|it| ("Name", it.name.clone(), &it.at));
        let domains = self
            .tenants
            .iter()
            .flat_map(|it| it.domains().into_iter().map(|domain| ("Domain", domain, &it.at)));
        let keys = self.keys.iter().map(|it| ("Name", it.name.clone(), &it.at));
        once(groups)?;
        once(distributions)?;
        once(tenants)?;
        once(domains)?;
        once(keys)
    }
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
            let got = Declared::read(&declarations, &Policies::default())
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
