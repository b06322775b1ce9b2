//! The options that several commands share: which there are, what was given, and what it means for each side.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::num::{IntErrorKind, ParseIntError};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use http::HeaderName;
use lexopt::{Arg, Parser, ValueExt as _};
use recant_core::limits::{
    DISK_BYTES_MIN, LEASE_DEFAULT, PATHS_IN_PROGRESS_DEFAULT, STORE_BYTES_DEFAULT,
    WILDCARDS_IN_PROGRESS_DEFAULT,
};
use recant_core::rate::{Rate, RateError};
use recant_edge::{DiskOptions, Network, PlaneUrl, ShieldAddress, ShieldOptions, TlsOptions};
use recant_plane::store::postgres::{Server, ServerError, UnsafeSettings};
use recant_plane::{
    AdmissionOptions, CallerReferenceConflict, DistributionInvalidations, DnsLookups, PostgresChoice,
    Retention, StoreChoice,
};

use super::{LogFormat, PlaneOptions, Usage, ViewerOptions, asks_for_help, missing};

/// The options of a plane, of the viewers' side, of an edge apart, of the log.
pub(super) const PLANE: &[&str] = &[
    "api",
    "apply",
    "public-url",
    "lease-seconds",
    "caller-reference-conflict",
    "distribution-invalidations",
    "routing-suffix",
    "verify-dns",
    "paths-in-progress-max",
    "wildcards-in-progress-max",
    "path-bytes-rate",
    "region",
    "no-sign-check",
    "key-rate",
    "tenant-rate",
    "audit",
    "audit-records-max",
    "retain-invalidations",
    "origin-shield-region",
];
pub(super) const PEERS: &[&str] =
    &["store", "peer-address", "store-without-standbys", "unsafe-store-settings"];
pub(super) const VIEWERS: &[&str] = &[
    "viewer",
    "viewer-tls",
    "certificates",
    "default-certificate",
    "https-port",
    "metrics",
    "geo-header",
    "geo-database",
    "origin-ca",
    "store-bytes",
    "disk-store",
    "disk-bytes",
    "tenant-share",
    "allow-origins",
    "deny-origins",
    "origin-shield",
    "shield",
];
pub(super) const EDGE: &[&str] = &["plane"];
pub(super) const LOG: &[&str] = &["log-format"];

/// Those that may be given several times.
const REPEATABLE: &[&str] =
    &["apply", "origin-ca", "allow-origins", "deny-origins", "origin-shield", "origin-shield-region"];

/// Everything that any command's options may say.
pub(super) struct Given {
    data_dir: Option<PathBuf>,
    pub(super) log_format: LogFormat,
    api: SocketAddr,
    apply: Vec<PathBuf>,
    public_url: Option<String>,
    lease: Duration,
    conflict: CallerReferenceConflict,
    distribution_invalidations: DistributionInvalidations,
    routing_suffix: Option<String>,
    dns: DnsLookups,
    paths_in_progress_max: u64,
    wildcards_in_progress_max: u64,
    /// Nothing where it is not said; within, nothing for `off`.
    path_bytes_rate: Option<Option<Rate>>,
    region: Option<String>,
    require_signatures: bool,
    admission: AdmissionOptions,
    server: Option<Server>,
    peer_address: Option<String>,
    unsafe_settings: UnsafeSettings,
    retention: Retention,
    viewer: SocketAddr,
    viewer_tls: Option<SocketAddr>,
    certificates: Option<PathBuf>,
    default_certificate: Option<String>,
    https_port: Option<u16>,
    metrics: Option<SocketAddr>,
    geo_header: Option<HeaderName>,
    geo_database: Option<PathBuf>,
    origin_ca: Vec<PathBuf>,
    store_bytes: u64,
    disk_store: Option<PathBuf>,
    disk_bytes: Option<u64>,
    tenant_share_percent: u8,
    allowed_networks: Vec<Network>,
    denied_networks: Vec<Network>,
    shield_regions: BTreeSet<String>,
    shield: ShieldOptions,
    pub(super) plane_url: Option<PlaneUrl>,
}

impl Given {
    fn nothing() -> Self {
        Self {
            data_dir: None,
            log_format: LogFormat::default(),
            api: SocketAddr::from(([127, 0, 0, 1], 4580)),
            apply: Vec::new(),
            public_url: None,
            lease: LEASE_DEFAULT,
            conflict: CallerReferenceConflict::default(),
            distribution_invalidations: DistributionInvalidations::default(),
            routing_suffix: None,
            dns: DnsLookups::default(),
            paths_in_progress_max: PATHS_IN_PROGRESS_DEFAULT,
            wildcards_in_progress_max: WILDCARDS_IN_PROGRESS_DEFAULT,
            path_bytes_rate: None,
            region: None,
            require_signatures: true,
            admission: AdmissionOptions::default(),
            server: None,
            peer_address: None,
            unsafe_settings: UnsafeSettings::default(),
            retention: Retention::default(),
            viewer: SocketAddr::from(([127, 0, 0, 1], 8080)),
            viewer_tls: None,
            certificates: None,
            default_certificate: None,
            https_port: None,
            metrics: None,
            geo_header: None,
            geo_database: None,
            origin_ca: Vec::new(),
            store_bytes: STORE_BYTES_DEFAULT,
            disk_store: None,
            disk_bytes: None,
            tenant_share_percent: 100,
            allowed_networks: Vec::new(),
            denied_networks: Vec::new(),
            shield_regions: BTreeSet::new(),
            shield: ShieldOptions::default(),
            plane_url: None,
        }
    }

    pub(super) fn data_dir(&self) -> Result<PathBuf, Usage> {
        self.data_dir.clone().ok_or_else(|| missing("--data-dir"))
    }

    pub(super) fn viewers(&self) -> Result<ViewerOptions, Usage> {
        Ok(ViewerOptions {
            viewer: self.viewer,
            tls: self.tls()?,
            https_port: self.https_port,
            metrics: self.metrics,
            geo_header: self.geo_header.clone(),
            geo_database: self.geo_database.clone(),
            origin_ca: self.origin_ca.clone(),
            store_bytes: self.store_bytes,
            disk: self.disk()?,
            tenant_share_percent: self.tenant_share_percent,
            allowed_networks: self.allowed_networks.clone(),
            denied_networks: self.denied_networks.clone(),
            shield: self.shield.clone(),
        })
    }

    fn disk(&self) -> Result<Option<DiskOptions>, Usage> {
        match (&self.disk_store, self.disk_bytes) {
            (Some(dir), bytes) => {
                let disk = DiskOptions::new(dir.clone());
                Ok(Some(DiskOptions { bytes: bytes.unwrap_or(disk.bytes), ..disk }))
            }
            (None, Some(_)) => Err(Usage { message: "--disk-bytes needs --disk-store".into() }),
            (None, None) => Ok(None),
        }
    }

    /// An address for TLS without certificates would serve nobody, and certificates without one nothing.
    fn tls(&self) -> Result<Option<TlsOptions>, Usage> {
        match (self.viewer_tls, &self.certificates) {
            (Some(address), Some(certificates)) => Ok(Some(TlsOptions {
                address,
                certificates: certificates.clone(),
                default_certificate: self.default_certificate.clone(),
            })),
            (Some(_), None) => Err(Usage { message: "--viewer-tls needs --certificates".into() }),
            (None, Some(_)) => Err(Usage { message: "--certificates needs --viewer-tls".into() }),
            (None, None) if self.default_certificate.is_some() => {
                Err(Usage { message: "--default-certificate needs --certificates".into() })
            }
            (None, None) => Ok(None),
        }
    }

    pub(super) fn plane(self) -> Result<PlaneOptions, Usage> {
        let mut plane = recant_plane::PlaneOptions::new(self.data_dir()?, self.api);
        plane.public_url = self.public_url;
        plane.lease = self.lease;
        plane.caller_reference_conflict = self.conflict;
        plane.distribution_invalidations = self.distribution_invalidations;
        plane.routing_suffix = self.routing_suffix.unwrap_or(plane.routing_suffix);
        plane.dns = self.dns;
        // A shield that the edge here asks is one.
        plane.shield_regions =
            self.shield_regions.into_iter().chain(self.shield.shields.into_keys()).collect();
        plane.paths_in_progress_max = self.paths_in_progress_max;
        plane.wildcards_in_progress_max = self.wildcards_in_progress_max;
        if let Some(rate) = self.path_bytes_rate {
            plane.path_bytes_rate = rate;
        }
        plane.region = self.region;
        plane.require_signatures = self.require_signatures;
        plane.admission = self.admission;
        plane.store = match (self.server, self.peer_address, self.unsafe_settings) {
            (Some(server), peer_address, unsafe_settings) => {
                StoreChoice::Postgres(Box::new(PostgresChoice { server, unsafe_settings, peer_address }))
            }
            (None, None, UnsafeSettings::Refuse) => StoreChoice::Embedded,
            (None, Some(_), _) => return Err(Usage { message: "--peer-address needs --store".into() }),
            (None, None, UnsafeSettings::WithoutStandbys) => {
                return Err(Usage { message: "--store-without-standbys needs --store".into() });
            }
            (None, None, UnsafeSettings::Accept) => {
                return Err(Usage { message: "--unsafe-store-settings needs --store".into() });
            }
        };
        plane.retention = self.retention;
        Ok(PlaneOptions { log_format: self.log_format, plane, apply: self.apply })
    }
}

/// What is wrong with an option that the command does not have.
fn foreign(name: &str) -> String {
    let owners = [
        ("recant serve and recant plane", PLANE),
        ("recant plane", PEERS),
        ("recant serve and recant edge", VIEWERS),
        ("recant edge", EDGE),
    ];
    match owners.iter().find(|(_, options)| options.contains(&name)) {
        Some((owner, _)) => format!("--{name} is an option of {owner}"),
        None => format!("there is no option --{name}"),
    }
}

/// `REGION=HOST:PORT`.
fn shield(text: &str) -> Result<(String, ShieldAddress), Usage> {
    let wanted = "REGION=HOST:PORT, as us-east-1=10.0.0.5:8081";
    let (region, address) = text.split_once('=').ok_or_else(|| bad("--origin-shield", text, wanted))?;
    match address.parse() {
        Ok(address) if !region.is_empty() => Ok((region.to_owned(), address)),
        _ => Err(bad("--origin-shield", text, wanted)),
    }
}

/// Reads the options that follow a command's name; nothing when help is asked for.
pub(super) fn given(mut parser: Parser, known: &[&[&str]]) -> Result<Option<Given>, Usage> {
    let mut given = Given::nothing();
    let mut seen = BTreeSet::new();
    while let Some(arg) = parser.next()? {
        let name = match arg {
            arg if asks_for_help(&arg) => return Ok(None),
            Arg::Long(name) if name == "data-dir" || known.iter().any(|set| set.contains(&name)) => {
                name.to_owned()
            }
            Arg::Long(name) => return Err(Usage { message: foreign(name) }),
            other => return Err(other.unexpected().into()),
        };
        if !REPEATABLE.contains(&name.as_str()) && !seen.insert(name.clone()) {
            return Err(Usage { message: format!("--{name} is given twice") });
        }
        match name.as_str() {
            "data-dir" => given.data_dir = Some(parser.value()?.into()),
            "log-format" => given.log_format = value(&mut parser, "--log-format")?,
            "api" => given.api = address(&mut parser, "--api")?,
            "apply" => given.apply.push(parser.value()?.into()),
            "public-url" => given.public_url = Some(parser.value()?.string()?),
            "lease-seconds" => {
                given.lease =
                    Duration::from_secs(number(&mut parser, "--lease-seconds", "a number of seconds")?);
            }
            "caller-reference-conflict" => {
                given.conflict = match parser.value()?.string()?.as_str() {
                    "already-exists" => CallerReferenceConflict::AlreadyExists,
                    "invalid-argument" => CallerReferenceConflict::InvalidArgument,
                    other => {
                        return Err(bad(
                            "--caller-reference-conflict",
                            other,
                            "already-exists or invalid-argument",
                        ));
                    }
                }
            }
            "distribution-invalidations" => {
                given.distribution_invalidations = value(&mut parser, "--distribution-invalidations")?;
            }
            "routing-suffix" => given.routing_suffix = Some(parser.value()?.string()?),
            "origin-shield-region" => {
                given.shield_regions.insert(parser.value()?.string()?);
            }
            "origin-shield" => {
                let (region, address) = shield(&parser.value()?.string()?)?;
                if given.shield.shields.insert(region.clone(), address).is_some() {
                    return Err(Usage { message: format!("--origin-shield {region} is given twice") });
                }
            }
            "shield" => given.shield.listen = Some(address(&mut parser, "--shield")?),
            "verify-dns" => given.dns = value(&mut parser, "--verify-dns")?,
            "paths-in-progress-max" => {
                given.paths_in_progress_max =
                    number(&mut parser, "--paths-in-progress-max", "a number of paths")?;
            }
            "wildcards-in-progress-max" => {
                given.wildcards_in_progress_max =
                    number(&mut parser, "--wildcards-in-progress-max", "a number of paths")?;
            }
            "path-bytes-rate" => given.path_bytes_rate = Some(rate_or_off(&mut parser, "--path-bytes-rate")?),
            "region" => given.region = Some(parser.value()?.string()?),
            "no-sign-check" => given.require_signatures = false,
            "key-rate" => given.admission.key_rate = Some(value(&mut parser, "--key-rate")?),
            "tenant-rate" => given.admission.tenant_rate = Some(value(&mut parser, "--tenant-rate")?),
            "audit" => given.admission.audit = value(&mut parser, "--audit")?,
            "audit-records-max" => {
                given.admission.audit_records_max =
                    number(&mut parser, "--audit-records-max", "a number of records")?;
            }
            "store" => given.server = Some(store(&mut parser)?),
            "peer-address" => given.peer_address = Some(parser.value()?.string()?),
            // The other one says more, whichever comes first.
            "store-without-standbys" if given.unsafe_settings == UnsafeSettings::Accept => {}
            "store-without-standbys" => given.unsafe_settings = UnsafeSettings::WithoutStandbys,
            "unsafe-store-settings" => given.unsafe_settings = UnsafeSettings::Accept,
            "retain-invalidations" => given.retention = value(&mut parser, "--retain-invalidations")?,
            "viewer" => given.viewer = address(&mut parser, "--viewer")?,
            "viewer-tls" => given.viewer_tls = Some(address(&mut parser, "--viewer-tls")?),
            "certificates" => given.certificates = Some(parser.value()?.into()),
            "default-certificate" => given.default_certificate = Some(parser.value()?.string()?),
            "https-port" => given.https_port = Some(port(&mut parser, "--https-port")?),
            "metrics" => given.metrics = Some(address(&mut parser, "--metrics")?),
            "geo-header" => given.geo_header = Some(value(&mut parser, "--geo-header")?),
            "geo-database" => given.geo_database = Some(parser.value()?.into()),
            "origin-ca" => given.origin_ca.push(parser.value()?.into()),
            "store-bytes" => given.store_bytes = number(&mut parser, "--store-bytes", "a number of bytes")?,
            "disk-store" => given.disk_store = Some(parser.value()?.into()),
            "disk-bytes" => {
                let bytes: u64 = number(&mut parser, "--disk-bytes", "a number of bytes")?;
                if bytes < DISK_BYTES_MIN {
                    let why = format!("{DISK_BYTES_MIN} or more is expected");
                    return Err(bad("--disk-bytes", &bytes.to_string(), &why));
                }
                given.disk_bytes = Some(bytes);
            }
            "tenant-share" => {
                let share: u8 = number(&mut parser, "--tenant-share", "1 to 100")?;
                if !(1..=100).contains(&share) {
                    return Err(bad("--tenant-share", &share.to_string(), "1 to 100 is expected"));
                }
                given.tenant_share_percent = share;
            }
            "allow-origins" => given.allowed_networks.push(value(&mut parser, "--allow-origins")?),
            "deny-origins" => given.denied_networks.push(value(&mut parser, "--deny-origins")?),
            "plane" => given.plane_url = Some(value(&mut parser, "--plane")?),
            other => unreachable!("{other} is in the list of known options"),
        }
    }
    Ok(Some(given))
}

fn value<T: FromStr>(parser: &mut Parser, option: &str) -> Result<T, Usage>
where
    T::Err: std::fmt::Display,
{
    let text = parser.value()?.string()?;
    text.parse().map_err(|error: T::Err| bad(option, &text, &error.to_string()))
}

/// A whole number; `what` it is of, for whoever types another thing.
fn number<T: FromStr<Err = ParseIntError>>(
    parser: &mut Parser,
    option: &str,
    what: &str,
) -> Result<T, Usage> {
    let text = parser.value()?.string()?;
    text.parse().map_err(|error: ParseIntError| match error.kind() {
        IntErrorKind::PosOverflow => bad(option, &text, "the number is too large"),
        _ => bad(option, &text, &format!("{what} is expected")),
    })
}

fn port(parser: &mut Parser, option: &str) -> Result<u16, Usage> {
    let text = parser.value()?.string()?;
    text.parse().map_err(|_| bad(option, &text, "a port is expected, 0 to 65535"))
}

/// A rate, or nothing for `off`.
fn rate_or_off(parser: &mut Parser, option: &str) -> Result<Option<Rate>, Usage> {
    let text = parser.value()?.string()?;
    match text.as_str() {
        "off" => Ok(None),
        rate => rate.parse().map(Some).map_err(|error: RateError| bad(option, rate, &error.to_string())),
    }
}

/// The address is not repeated: there may be a password in it.
pub(super) fn store(parser: &mut Parser) -> Result<Server, Usage> {
    let parsed = parser.value()?.string()?.parse();
    parsed.map_err(|error: ServerError| Usage { message: format!("--store: {error}") })
}

/// Names are not looked up: which of its addresses would be listened on?
fn address(parser: &mut Parser, option: &str) -> Result<SocketAddr, Usage> {
    let text = parser.value()?.string()?;
    text.parse()
        .map_err(|_| bad(option, &text, "an IP address and a port are expected, as in 127.0.0.1:8080"))
}

fn bad(option: &str, text: &str, why: &str) -> Usage {
    Usage { message: format!("{option} '{text}': {why}") }
}
