//! One sentence about an operation: by hand where its name leaves a question open, else made of its name.

use recant_wire::model::Operation;

/// What an operation does.
pub(crate) fn operation(operation: &Operation) -> String {
    by_hand(operation.name).map_or_else(|| by_name(operation.name), str::to_owned)
}

fn by_hand(name: &str) -> Option<&'static str> {
    Some(match name {
        "AssociateDistributionTenantWebACL" => "Associates a web ACL with a distribution tenant.",
        "CopyDistribution" => "Copies a distribution's configuration to a new staging distribution.",
        "CreateDistributionTenant" => {
            "Creates a tenant of a distribution: domains that are served with the distribution's configuration."
        }
        "CreateInvalidation" => {
            "Invalidates paths of a distribution: edges answer none of them from what they have stored before."
        }
        "CreateInvalidationForDistributionTenant" => {
            "Invalidates paths of a distribution tenant: edges answer none of them from what they have stored before."
        }
        "DisassociateDistributionTenantWebACL" => "Takes the web ACL from a distribution tenant.",
        "GetDistributionTenantByDomain" => "Shows the distribution tenant that has a domain.",
        "GetConnectionGroupByRoutingEndpoint" => "Shows the connection group that has a routing endpoint.",
        "GetInvalidation" => "Shows an invalidation of a distribution, and whether it is completed.",
        "GetInvalidationForDistributionTenant" => {
            "Shows an invalidation of a distribution tenant, and whether it is completed."
        }
        "ListDomainConflicts" => "Lists the domains in use that are in conflict with a domain.",
        "ListInvalidations" => "Lists the invalidations of a distribution, the newest first.",
        "ListInvalidationsForDistributionTenant" => {
            "Lists the invalidations of a distribution tenant, the newest first."
        }
        "ListTagsForResource" => "Lists the tags of a resource.",
        "TagResource" => "Adds tags to a resource.",
        "UntagResource" => "Removes tags from a resource.",
        "UpdateDomainAssociation" => "Moves a domain to another distribution tenant or distribution.",
        "VerifyDnsConfiguration" => "Looks up whether domains point to their routing endpoint.",
        _ => return None,
    })
}

/// `GetCachePolicyConfig`: "Shows the configuration of a cache policy."
fn by_name(name: &str) -> String {
    const VERBS: &[(&str, &str)] = &[
        ("create", "Creates"),
        ("delete", "Deletes"),
        ("describe", "Describes"),
        ("get", "Shows"),
        ("list", "Lists"),
        ("publish", "Publishes"),
        ("put", "Sets"),
        ("test", "Tests"),
        ("update", "Changes"),
    ];
    let words = words(name);
    let Some((first, nouns)) = words.split_first() else { return format!("Calls {name}.") };
    let Some((_, verb)) = VERBS.iter().find(|(stem, _)| stem == first) else {
        return format!("Calls {name}.");
    };
    let of = nouns.iter().position(|word| word == "by" || word == "with" || word == "for");
    let (nouns, rest) = nouns.split_at(of.unwrap_or(nouns.len()));
    let rest: String = rest.iter().map(|word| format!(" {word}")).collect();
    let (thing, of) = match nouns.split_last() {
        Some((last, others)) if last == "config" && !others.is_empty() => {
            (others.join(" "), "the configuration of ")
        }
        _ => (nouns.join(" "), ""),
    };
    let article = match () {
        () if *verb == "Lists" || (of.is_empty() && thing.ends_with('s')) => "",
        () if thing.starts_with(['a', 'e', 'i', 'o']) => "an ",
        () => "a ",
    };
    format!("{verb} {of}{article}{thing}{rest}.")
}

/// The words of a name, in small letters but for abbreviations: a capital after a small letter or before one begins a word.
fn words(name: &str) -> Vec<String> {
    let letters: Vec<char> = name.chars().collect();
    let mut words: Vec<String> = Vec::new();
    for (at, letter) in letters.iter().enumerate() {
        let after_small = at > 0 && !letters[at - 1].is_ascii_uppercase();
        let before_small = letters.get(at + 1).is_some_and(char::is_ascii_lowercase);
        match words.last_mut() {
            Some(word) if !(letter.is_ascii_uppercase() && (after_small || before_small)) => {
                word.push(*letter);
            }
            _ => words.push(letter.to_string()),
        }
    }
    let is_abbreviation =
        |word: &str| word.len() > 1 && word.chars().filter(char::is_ascii_uppercase).count() > 1;
    words
        .into_iter()
        .map(
            |word| if is_abbreviation(&word) { word } else { super::abbreviated(&word.to_ascii_lowercase()) },
        )
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn operations_are_described_in_a_sentence() {
        let check = |name: &str, want: &str| {
            let operation = recant_wire::model::operation(name).expect("an operation");
            assert_eq!(super::operation(operation), want, "{name}");
        };
        check("GetCachePolicyConfig", "Shows the configuration of a cache policy.");
        check("CreateOriginAccessControl", "Creates an origin access control.");
        check("ListDistributionsByVpcOriginId", "Lists distributions by VPC origin ID.");
        check("DeleteVpcOrigin", "Deletes a VPC origin.");
        check("AssociateAlias", "Calls AssociateAlias.");
        check("TagResource", "Adds tags to a resource.");
    }
}
