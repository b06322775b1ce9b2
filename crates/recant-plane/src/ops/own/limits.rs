//! `GetLimits`: how much this plane takes, so that clients need not find out by being refused.

use recant_core::limits::{API_BODY_BYTES_MAX, PATHS_PER_BATCH_MAX};
use recant_core::rate::Rate;
use recant_wire::document::Document;

use super::Context;
use crate::admission::AdmissionOptions;
use crate::ops::output::{number, structure};

/// A member that is not there has no limit.
pub(super) fn get<S>(context: &Context<S>, admission: &AdmissionOptions) -> Document {
    let count = |count: u64| number(usize::try_from(count).unwrap_or(usize::MAX));
    structure([
        ("RequestsPerKey", admission.key_rate.map(rate)),
        ("RequestsPerTenant", admission.tenant_rate.map(rate)),
        ("PathBytesPerTenant", context.path_bytes.as_ref().map(|bytes| rate(bytes.rate()))),
        ("PathsInProgressPerTenant", count(context.in_progress_max.paths)),
        ("WildcardsInProgressPerTenant", count(context.in_progress_max.wildcards)),
        ("PathsPerBatch", number(PATHS_PER_BATCH_MAX)),
        ("RequestBytes", number(API_BODY_BYTES_MAX)),
    ])
}

fn rate(rate: Rate) -> Document {
    let number = |n: std::num::NonZeroU32| Some(Document::Integer(i64::from(n.get())));
    structure([("PerSecond", number(rate.per_second)), ("Burst", number(rate.burst))])
}
