//! What an edge reads of the files that its options name, before it listens or keeps anything.
//!
//! Apart from the start, so that whoever starts something else beside the edge can do this first: a path that is wrong then stops
//! everything at once, and nothing is there yet that would have to be taken back.

use std::sync::Arc;

use crate::disk::Disk;
use crate::edge::{EdgeError, EdgeOptions};
use crate::geo::Geo;
use crate::origin::Secure;
use crate::tls::Certificates;

/// The files of one edge, read; see [`Edge::start_with`](crate::Edge::start_with).
pub struct EdgeFiles {
    /// Whom origins may be certified by.
    pub(crate) secure: Secure,
    /// What viewers are shown over TLS, if they are.
    pub(crate) certificates: Option<Arc<Certificates>>,
    /// Where viewers are.
    pub(crate) geo: Geo,
}

impl EdgeFiles {
    /// Reads them, and tries the folder for what outlives the process, which is made.
    ///
    /// # Errors
    /// [`EdgeError`] names the file that cannot be read, or is none of its kind.
    pub fn read(options: &EdgeOptions) -> Result<Self, EdgeError> {
        let secure = Secure::new(&options.origin_ca)?;
        let geo = Geo::new(options.geo_header.clone(), options.geo_database.as_deref())?;
        let certificates = options.tls.as_ref().map(|tls| {
            Certificates::open(tls.certificates.clone(), tls.default_certificate.clone()).map(Arc::new)
        });
        let certificates = certificates.transpose()?;
        // Last, since it leaves something behind.
        options.disk.as_ref().map_or(Ok(()), Disk::try_folder)?;
        Ok(Self { secure, certificates, geo })
    }
}
