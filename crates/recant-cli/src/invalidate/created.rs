//! What the service says about an invalidation.

use std::time::{Duration, SystemTime};

use recant_wire::document::Document;
use recant_wire::sigv4::date::AmzDate;

use crate::call::wall_time;
use crate::error::Error;

/// What the plane's clock and ours may be apart before an invalidation counts as older than this run.
const CLOCKS_APART_MAX: Duration = Duration::from_secs(2);

/// An invalidation, as it was created or asked for last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Created {
    /// Its id.
    pub id: String,
    /// Its status.
    pub status: String,
    /// When it was created, as spelled by the service.
    pub time: String,
    /// Whether it was there before this run.
    pub is_replay: bool,
}

impl Created {
    /// Reads the result of a create or a get.
    ///
    /// # Errors
    ///
    /// A result that names no invalidation.
    pub(super) fn read(result: &Document) -> Result<Self, Error> {
        let text = |name: &str| {
            let value = result.get("Invalidation").and_then(|invalidation| invalidation.get(name));
            value.and_then(Document::as_str).unwrap_or_default().to_owned()
        };
        let created =
            Self { id: text("Id"), status: text("Status"), time: text("CreateTime"), is_replay: false };
        if created.id.is_empty() {
            return Err(Error::general("the answer names no invalidation"));
        }
        Ok(created)
    }

    /// Whether no viewer gets older bytes any more.
    pub(super) fn is_completed(&self) -> bool {
        self.status == "Completed"
    }

    /// Whether it was there before; a time that cannot be read says nothing.
    pub(super) fn is_older_than(&self, began: SystemTime) -> bool {
        let digits: String = self.time.chars().take(19).filter(|c| !matches!(c, '-' | ':')).collect();
        AmzDate::parse(&format!("{digits}Z"))
            .is_some_and(|time| wall_time(began).saturating_since(time.wall_time()) > CLOCKS_APART_MAX)
    }
}
