//! Which numbers there are: their names, what they count, and where they are.

use super::exposition::Family;
use super::exposition::Kind::{Counter, Gauge};
use crate::disk::DiskUsage;
use crate::store::{Counts, TenantUsage};
use crate::sweep::SweepProgress;

/// What an edge has.
pub(super) struct EdgeNumbers {
    pub(super) stored_bytes: u64,
    pub(super) stored_bytes_max: u64,
    pub(super) stored_responses: u64,
    pub(super) tenants: u64,
    pub(super) counts: Counts,
    pub(super) has_lease: bool,
    pub(super) committed_position: u64,
}

/// The edge's own.
pub(super) const OF_EDGE: &[Family<EdgeNumbers>] = &[
    Family::new("stored_bytes", Gauge, "Bytes that stored responses take, metadata included.", |it| {
        it.stored_bytes
    }),
    Family::new("stored_bytes_max", Gauge, "Bytes that they may take.", |it| it.stored_bytes_max),
    Family::new("stored_responses", Gauge, "Stored responses.", |it| it.stored_responses),
    Family::new("hits_total", Counter, HITS, |it| it.counts.hits),
    Family::new("misses_total", Counter, MISSES, |it| it.counts.misses),
    Family::new("evicted_total", Counter, EVICTED, |it| it.counts.evicted),
    Family::new("invalidated_total", Counter, INVALIDATED, |it| it.counts.invalidated),
    Family::new("tenants", Gauge, "Tenants that have an account.", |it| it.tenants),
    Family::new("has_lease", Gauge, "Whether stored responses may be served.", |it| it.has_lease.into()),
    Family::new("committed_position", Gauge, "The end of the log as this edge knows it.", |it| {
        it.committed_position
    }),
];

/// The sweep's.
pub(super) const OF_SWEEP: &[Family<SweepProgress>] = &[
    Family::new("sweep_is_passing", Gauge, "Whether the sweep is under way.", |it| it.is_passing.into()),
    Family::new("sweep_passes_total", Counter, "Whole passes of the sweep.", |it| it.passes),
    Family::new("sweep_looked_at", Gauge, "Stored responses that its pass has looked at.", |it| it.looked_at),
    Family::new("sweep_purged_total", Counter, "Stored responses that it has purged.", |it| it.purged),
    Family::new("sweep_rules_freed_total", Counter, "Nodes of rules that it has freed.", |it| it.rules_freed),
    Family::new("sweep_position", Gauge, "What was invalidated up to here takes no memory any more.", |it| {
        it.swept_up_to.get()
    }),
];

/// The disk's.
pub(super) const OF_DISK: &[Family<DiskUsage>] = &[
    Family::new("disk_is_ready", Gauge, "Whether what earlier processes left can be found.", |it| {
        it.is_ready.into()
    }),
    Family::new("disk_bytes", Gauge, "Bytes of all files of responses.", |it| it.bytes),
    Family::new("disk_responses", Gauge, "Responses that lie on the disk.", |it| it.stored_responses),
    Family::new("disk_restored_total", Counter, "Responses of earlier processes that are of use.", |it| {
        it.restored
    }),
    Family::new("disk_waiting", Gauge, "Responses that wait to be written.", |it| it.waiting),
    Family::new("disk_written_total", Counter, "Responses written.", |it| it.written),
    Family::new(
        "disk_unwritten_total",
        Counter,
        "Responses not written: the disk failed or was too slow.",
        |it| it.unwritten,
    ),
    Family::new("disk_read_total", Counter, "Responses read.", |it| it.read),
    Family::new("disk_damaged_total", Counter, "Responses damaged, or not to be read.", |it| it.damaged),
];

/// Each tenant's.
pub(super) const OF_TENANTS: &[Family<TenantUsage>] = &[
    Family::new("stored_bytes", Gauge, "Bytes that stored responses take, metadata included.", |it| it.bytes),
    Family::new("stored_responses", Gauge, "Stored responses.", |it| it.stored_responses),
    Family::new("disk_bytes", Gauge, "Bytes that they take on the disk.", |it| it.disk_bytes),
    Family::new("disk_responses", Gauge, "Responses that lie on the disk.", |it| it.disk_responses),
    Family::new("hits_total", Counter, HITS, |it| it.hits),
    Family::new("misses_total", Counter, MISSES, |it| it.misses),
    Family::new("evicted_total", Counter, EVICTED, |it| it.evicted),
    Family::new("invalidated_total", Counter, INVALIDATED, |it| it.invalidated),
];

const HITS: &str = "Requests answered with a stored response.";
const MISSES: &str = "Requests that went to the origin and might have been answered.";
const EVICTED: &str = "Stored responses that went for want of space.";
const INVALIDATED: &str = "Stored responses found to be invalidated.";
