//! Which certificate answers for a name.

use std::collections::HashMap;
use std::sync::Arc;

use recant_core::host::Host;

use super::Certificate;

/// All certificates, by the domains they are for.
#[derive(Debug, Default)]
pub(super) struct Choice {
    by_domain: HashMap<String, Arc<Certificate>>,
    default: Option<Arc<Certificate>>,
}

impl Choice {
    /// Of these pairs, in the order of their names: of two that are for the same domain the first answers.
    pub(super) fn of<'c>(
        certificates: impl Iterator<Item = (&'c str, &'c Arc<Certificate>)>,
        default: Option<&str>,
    ) -> Self {
        let mut choice = Self::default();
        for (name, certificate) in certificates {
            if default == Some(name) {
                choice.default = Some(certificate.clone());
            }
            for domain in certificate.domains() {
                choice.by_domain.entry(domain.as_str().to_owned()).or_insert_with(|| certificate.clone());
            }
        }
        choice
    }

    pub(super) fn has_default(&self) -> bool {
        self.default.is_some()
    }

    /// The certificate for a viewer who names this host, or none: the exact domain's, then the wildcard's, then the
    /// default.
    pub(super) fn for_name(&self, name: Option<&Host>) -> Option<&Arc<Certificate>> {
        let found = name
            .and_then(|name| name.candidates().find_map(|candidate| self.by_domain.get(candidate.as_ref())));
        found.or(self.default.as_ref())
    }
}
