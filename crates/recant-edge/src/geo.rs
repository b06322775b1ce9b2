//! In which country a viewer is: by a header of whoever stands in front of the edge, or by a database of addresses.
//!
//! The header counts where it is there: behind a proxy the connection's own address is the proxy's. The database is one of MaxMind's form
//! (GeoLite2-Country and its like; `.mmdb`), read whole at start.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use http::{HeaderMap, HeaderName};
use maxminddb::{PathElement, Reader};
use recant_core::geo::Whereabouts;

/// A database of addresses that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the database of countries {path}: {why}")]
pub struct GeoDatabaseError {
    path: PathBuf,
    why: String,
}

/// Where an edge learns in which country viewers are.
pub(crate) struct Geo {
    header: Option<HeaderName>,
    database: Option<Reader<Vec<u8>>>,
}

impl Geo {
    /// Reads the database, if there is one.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, is none of this form, or has no countries.
    pub(crate) fn new(header: Option<HeaderName>, database: Option<&Path>) -> Result<Self, GeoDatabaseError> {
        let open = |path: &Path| {
            let failed = |why: String| GeoDatabaseError { path: path.to_owned(), why };
            let reader = Reader::open_readfile(path).map_err(|why| failed(why.to_string()))?;
            let kind = &reader.metadata().database_type;
            // Those of cities, enterprises and the like say the country, too; those of networks and domains do not.
            if !["Country", "City", "Enterprise"].iter().any(|known| kind.contains(known)) {
                return Err(failed(format!("a database of the type {kind:?} does not say countries")));
            }
            Ok(reader)
        };
        Ok(Self { header, database: database.map(open).transpose()? })
    }

    /// Where a viewer is, who sent these fields from this address.
    pub(crate) fn whereabouts<'a>(&'a self, headers: &'a HeaderMap, address: IpAddr) -> Whereabouts<'a> {
        if let Some(name) = &self.header {
            let mut lines = headers.get_all(name).iter().map(|line| line.to_str().unwrap_or_default().trim());
            match (lines.next(), lines.next()) {
                (Some(country), None) if country.len() == 2 => return Whereabouts::In(country),
                (None, _) if self.database.is_some() => {}
                _ => return Whereabouts::Unknown,
            }
        }
        match &self.database {
            Some(database) => country_of(database, address).map_or(Whereabouts::Unknown, Whereabouts::In),
            None => Whereabouts::Untold,
        }
    }
}

/// The country of an address; none where the database has none, or has something that is not of its form.
fn country_of(database: &Reader<Vec<u8>>, address: IpAddr) -> Option<&str> {
    let place = database.lookup(address.to_canonical()).ok()?;
    let path = [PathElement::Key("country"), PathElement::Key("iso_code")];
    place.decode_path(&path).ok()?
}
