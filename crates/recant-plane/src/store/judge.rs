//! Whether tenants go with a distribution, as judged by whoever changes it.
//!
//! What makes a tenant fit is no matter of the store's. But tenants are made while a change of their distribution is judged, and the last of them
//! can be judged only in the transaction that carries the change out. So the command brings what judges them.

use std::fmt;
use std::sync::Arc;

use recant_core::position::Position;
use recant_core::spec::TenantSpec;

use super::command::Refusal;

/// How a distribution's tenants were found to go with its new configuration.
#[derive(Clone, Debug)]
pub enum Judged {
    /// It asks of them what the one asks that it replaces.
    AsBefore,
    /// Those that were there at this position of the log do. Later ones are judged with the change, if they are not too many
    /// ([`TENANTS_JUDGED_PER_COMMIT_MAX`](recant_core::limits::TENANTS_JUDGED_PER_COMMIT_MAX)).
    UpTo(Position, TenantJudge),
}

/// Says of a tenant why it does not go with a distribution. Looks at nothing but the tenant.
#[derive(Clone)]
pub struct TenantJudge(Arc<Judge>);

type Judge = dyn Fn(&TenantSpec) -> Result<(), String> + Send + Sync;

impl fmt::Debug for TenantJudge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TenantJudge")
    }
}

impl TenantJudge {
    /// One that says what this does.
    pub fn new(judge: impl Fn(&TenantSpec) -> Result<(), String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(judge))
    }

    /// Judges a tenant.
    ///
    /// # Errors
    /// [`Refusal::TenantUnfit`].
    pub(crate) fn judge(&self, tenant: &TenantSpec) -> Result<(), Refusal> {
        (self.0)(tenant).map_err(|why| Refusal::TenantUnfit { tenant: tenant.id.clone(), why })
    }
}
