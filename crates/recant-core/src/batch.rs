//! What one create asks for.

use serde::{Deserialize, Serialize};

/// One entry of a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pattern(String);
