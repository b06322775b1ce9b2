//! One edge, one origin, a world filled by hand, and clocks that stand still until a test turns them.

mod bed;
mod chance;
mod origin;
mod plane;
pub(crate) mod secure;
mod viewer;

pub(crate) use bed::{
    ALL_VIEWER, ALL_VIEWER_EXCEPT_HOST, Bed, DISABLED, DISTRIBUTION, OPTIMIZED, ORIGIN_HEADERS_QUERY,
    distribution, tenant,
};
pub(crate) use chance::Chance;
pub(crate) use origin::{Act, Gate, Origin, ok};
pub(crate) use plane::{Feed, Plane};
pub(crate) use viewer::{Reply, Viewer};
