//! What the command line of Recant's own commands means.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use http::HeaderName;
use lexopt::{Arg, Parser, ValueExt as _};
use recant_core::limits::{
    LEASE_DEFAULT, PATHS_IN_PROGRESS_DEFAULT, STORE_BYTES_DEFAULT, WILDCARDS_IN_PROGRESS_DEFAULT,
};
use recant_edge::{Network, PlaneUrl, TlsOptions};
use recant_plane::backup::Edges;
use recant_plane::store::postgres::{Server, ServerError, UnsafeSettings};
use recant_plane::{
    AdmissionOptions, CallerReferenceConflict, DistributionInvalidations, DnsLookups, PostgresChoice,
    Retention, StoreChoice,
};

/// What `recant help` says.
pub(crate) const HELP: &str = "\
Recant: a CloudFront-compatible, multi-tenant edge cache whose invalidations are guarantees.

  recant serve --data-dir DIR [--api ADDR] [--viewer ADDR]      plane and one edge in one process
  recant plane --data-dir DIR [--api ADDR]                      the control plane alone
  recant edge --plane URL --data-dir DIR [--viewer ADDR]        an edge of that plane; DIR holds a copy of its 'edge-secret'
  recant env --data-dir DIR                                     shell lines that point AWS clients at the plane in DIR
  recant backup --data-dir DIR --to NEW_DIR                     a copy of a plane's data, also while it runs
  recant restore --from DIR --data-dir NEW_DIR [--edges-stopped]  a data folder made of a backup
  recant demo [--keep]                                          the whole story on this machine, in seconds; --keep leaves it running
  recant cloudfront OPERATION ...                               what 'aws cloudfront OPERATION ...' does
  recant invalidate TARGET PATH... [--wait] [--all-tenants]     the short way to invalidate; 'recant invalidate help' says more
  recant keys list | create | show | rotate | ...               access keys and what each may do; 'recant keys help' says more
  recant audit [--denied] [--since WHEN]                        who asked for what, and what was decided; 'recant audit help' says more
  recant progress TARGET INVALIDATION                           how far each edge is with an invalidation
  recant edges                                                  the edges, how far each is, and whether completion waits for it
  recant events [--after ID]                                    what happens, as it happens, as lines of JSON
  recant man [PAGE]                                             a manual page as roff: recant, recant-invalidate, recant-keys (-audit, -progress, -edges, -events), recant-cloudfront[-OPERATION]
  recant completion bash | zsh | fish [PROGRAM...]              what makes the shell complete; PROGRAM: recant, or links to it
  recant help | --version

Addresses are IP:PORT; port 0 takes a free one, and DIR/addresses.json says which. Defaults: --api 127.0.0.1:4580, --viewer 127.0.0.1:8080.

Options of serve and plane
  --apply FILE                     bring distributions, tenants, connection groups and keys to what FILE (JSON or YAML) declares, before
                                   the API answers (repeatable); nothing is deleted
  --public-url URL                 what Location headers start with (the API's own address)
  --lease-seconds N                how long an edge may serve without hearing from the plane, 1 to 300 (10)
  --caller-reference-conflict E    already-exists | invalid-argument (already-exists)
  --distribution-invalidations D   refuse | fan-out: what create-invalidation does for a distribution with tenants (refuse)
  --routing-suffix NAME            what routing endpoints of connection groups end with (recant.invalid)
  --verify-dns system | off        whether verify-dns-configuration looks names up (system)
  --paths-in-progress-max N        paths that one tenant may have in progress (3000)
  --wildcards-in-progress-max N    wildcard paths that one tenant may have in progress (15)
  --region NAME                    refuse requests signed for another region
  --no-sign-check                  accept unsigned requests
  --key-rate N[:BURST]             requests a second of one access key, and how many at once (no limit; BURST 2 N)
  --tenant-rate N[:BURST]          the same of requests about one tenant
  --audit off | changes | all      what goes into the audit log; changes: and what is denied (changes)
  --retain-invalidations R         how long invalidations stay in lists: all, days as 30d, or among the newest entries of the log,
                                   as 100000 (all); a CallerReference is remembered for ever
  --audit-records-max N            how many records of it are kept (1000000)

Options of plane
  --store postgres://...           keep everything in this PostgreSQL, for several planes; the password may be in PGPASSWORD
  --peer-address HOST:PORT         where the other planes reach this one (the API's own address)
  --unsafe-store-settings          start on a PostgreSQL that may lose what it has acknowledged: for development

Options of serve and edge
  --viewer-tls ADDR                serve viewers over TLS here, too: HTTP/2 and HTTP/1.1
  --certificates DIR               NAME.crt or NAME.pem with NAME.key, or NAME/fullchain.pem with NAME/privkey.pem; looked at every 5 s
  --default-certificate NAME       the one for viewers that name no host, or one that no certificate is for (none)
  --https-port N                   the port in redirects to HTTPS (that of --viewer-tls)
  --geo-header NAME                the request header that says in which country a viewer is, set by what stands in front (none)
  --origin-ca FILE                 trust these authorities of origins, too (PEM; repeatable)
  --store-bytes N                  memory for stored responses (268435456)
  --tenant-share PERCENT           how much of it one tenant may have, 1 to 100 (100)
  --allow-origins NETWORK          let origins be in this network (repeatable), e.g. 169.254.7.0/24
  --deny-origins NETWORK           never let origins be in this network (repeatable)

Options of all three
  --log-format text | json         how to log to standard error (text); RECANT_LOG chooses what
";

/// What to do.
#[derive(Debug)]
pub(crate) enum Command {
    Help,
    Version,
    Serve(Box<ServeOptions>),
    Plane(PlaneOptions),
    Edge(EdgeOptions),
    Env(EnvOptions),
    Demo(DemoOptions),
    BackUp(BackUpOptions),
    Restore(RestoreOptions),
    /// A manual page, by its name.
    Man(String),
    Completion {
        shell: String,
        programs: Vec<String>,
    },
    Complete(String),
}

/// Options of `recant serve`.
#[derive(Debug)]
pub(crate) struct ServeOptions {
    pub(crate) plane: PlaneOptions,
    pub(crate) viewers: ViewerOptions,
}

/// Options of `recant plane`.
#[derive(Debug)]
pub(crate) struct PlaneOptions {
    pub(crate) log_format: LogFormat,
    pub(crate) plane: recant_plane::PlaneOptions,
    /// The files whose declarations are applied.
    pub(crate) apply: Vec<PathBuf>,
}

/// Options of `recant edge`.
#[derive(Debug)]
pub(crate) struct EdgeOptions {
    pub(crate) log_format: LogFormat,
    pub(crate) data_dir: PathBuf,
    pub(crate) plane: PlaneUrl,
    pub(crate) viewers: ViewerOptions,
}

/// What concerns the viewers' side.
#[derive(Debug)]
pub(crate) struct ViewerOptions {
    pub(crate) viewer: SocketAddr,
    pub(crate) tls: Option<TlsOptions>,
    pub(crate) https_port: Option<u16>,
    pub(crate) geo_header: Option<HeaderName>,
    pub(crate) origin_ca: Vec<PathBuf>,
    pub(crate) store_bytes: u64,
    pub(crate) tenant_share_percent: u8,
    pub(crate) allowed_networks: Vec<Network>,
    pub(crate) denied_networks: Vec<Network>,
}

/// Options of `recant env`.
#[derive(Debug)]
pub(crate) struct EnvOptions {
    pub(crate) data_dir: PathBuf,
}

/// Options of `recant demo`.
#[derive(Debug)]
pub(crate) struct DemoOptions {
    /// Leave everything running at the end, for exploring.
    pub(crate) keep: bool,
}

/// Options of `recant backup`.
#[derive(Debug)]
pub(crate) struct BackUpOptions {
    pub(crate) data_dir: PathBuf,
    pub(crate) to: PathBuf,
}

/// Options of `recant restore`.
#[derive(Debug)]
pub(crate) struct RestoreOptions {
    pub(crate) from: PathBuf,
    pub(crate) data_dir: PathBuf,
    pub(crate) edges: Edges,
}

/// How to log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum LogFormat {
    #[default]
    Text,
    Json,
}

/// A command line that cannot be understood.
#[derive(Debug)]
pub(crate) struct Usage {
    pub(crate) message: String,
}

impl From<lexopt::Error> for Usage {
    fn from(error: lexopt::Error) -> Self {
        Self { message: error.to_string() }
    }
}

/// Whether these words are for `recant-cli`: its global options may stand before `cloudfront`, and the prompt asks for that itself.
pub(crate) fn is_for_the_client(words: &[OsString]) -> bool {
    const OWN: [&str; 20] = [
        "completion",
        "__complete",
        "backup",
        "restore",
        "serve",
        "plane",
        "edge",
        "env",
        "demo",
        "invalidate",
        "keys",
        "audit",
        "progress",
        "edges",
        "events",
        "man",
        "help",
        "--help",
        "-h",
        "--version",
    ];
    words.first().is_some_and(|first| OWN.iter().all(|own| first != own))
        && words.iter().any(|word| word == "cloudfront" || word == "--cli-auto-prompt")
}

/// Reads a command line, without the program's name.
pub(crate) fn parse(words: Vec<OsString>) -> Result<Command, Usage> {
    let mut parser = Parser::from_args(words);
    let name = match parser.next()? {
        None | Some(Arg::Long("help") | Arg::Short('h')) => return Ok(Command::Help),
        Some(Arg::Long("version") | Arg::Short('V')) => return Ok(Command::Version),
        Some(Arg::Value(name)) => name.string()?,
        Some(other) => return Err(other.unexpected().into()),
    };
    match name.as_str() {
        "help" => Ok(Command::Help),
        "version" => Ok(Command::Version),
        "serve" => given(parser, &[PLANE, VIEWERS, LOG])?.map_or(Ok(Command::Help), |given| {
            let viewers = given.viewers()?;
            Ok(Command::Serve(Box::new(ServeOptions { plane: given.plane()?, viewers })))
        }),
        "plane" => given(parser, &[PLANE, PEERS, LOG])?
            .map_or(Ok(Command::Help), |given| Ok(Command::Plane(given.plane()?))),
        "edge" => given(parser, &[EDGE, VIEWERS, LOG])?.map_or(Ok(Command::Help), |given| {
            let viewers = given.viewers()?;
            let plane = given.plane_url.clone().ok_or_else(|| missing("--plane"))?;
            let (log_format, data_dir) = (given.log_format, given.data_dir()?);
            Ok(Command::Edge(EdgeOptions { log_format, data_dir, plane, viewers }))
        }),
        "env" => given(parser, &[&[]])?
            .map_or(Ok(Command::Help), |given| Ok(Command::Env(EnvOptions { data_dir: given.data_dir()? }))),
        "demo" => demo(parser),
        "backup" => back_up(parser),
        "restore" => restore(parser),
        "man" => man(parser),
        "completion" => completion(parser),
        // For the scripts of `completion`.
        "__complete" => Ok(Command::Complete(parser.value()?.string()?)),
        other => Err(Usage { message: format!("there is no command '{other}'") }),
    }
}

/// The demo makes its own folder, so it shares no options with the others.
fn demo(mut parser: Parser) -> Result<Command, Usage> {
    let mut options = DemoOptions { keep: false };
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("help") | Arg::Short('h') => return Ok(Command::Help),
            Arg::Long("keep") => options.keep = true,
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(Command::Demo(options))
}

fn back_up(mut parser: Parser) -> Result<Command, Usage> {
    let (mut data_dir, mut to) = (None, None);
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("help") | Arg::Short('h') => return Ok(Command::Help),
            Arg::Long("data-dir") => data_dir = Some(parser.value()?.into()),
            Arg::Long("to") => to = Some(parser.value()?.into()),
            other => return Err(other.unexpected().into()),
        }
    }
    let data_dir = data_dir.ok_or_else(|| missing("--data-dir"))?;
    Ok(Command::BackUp(BackUpOptions { data_dir, to: to.ok_or_else(|| missing("--to"))? }))
}

fn restore(mut parser: Parser) -> Result<Command, Usage> {
    let (mut from, mut data_dir, mut edges) = (None, None, Edges::MayRun);
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("help") | Arg::Short('h') => return Ok(Command::Help),
            Arg::Long("from") => from = Some(parser.value()?.into()),
            Arg::Long("data-dir") => data_dir = Some(parser.value()?.into()),
            Arg::Long("edges-stopped") => edges = Edges::AreStopped,
            other => return Err(other.unexpected().into()),
        }
    }
    let from = from.ok_or_else(|| missing("--from"))?;
    let data_dir = data_dir.ok_or_else(|| missing("--data-dir"))?;
    Ok(Command::Restore(RestoreOptions { from, data_dir, edges }))
}

/// One page, the program's own if none is named.
fn man(mut parser: Parser) -> Result<Command, Usage> {
    let mut page = None;
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("help") | Arg::Short('h') => return Ok(Command::Help),
            Arg::Value(name) if page.is_none() => page = Some(name.string()?),
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(Command::Man(page.unwrap_or_else(|| "recant".to_owned())))
}

fn completion(mut parser: Parser) -> Result<Command, Usage> {
    let mut words = Vec::new();
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("help") | Arg::Short('h') => return Ok(Command::Help),
            Arg::Value(word) => words.push(word.string()?),
            other => return Err(other.unexpected().into()),
        }
    }
    let Some((shell, programs)) = words.split_first() else { return Err(missing("bash, zsh or fish")) };
    Ok(Command::Completion { shell: shell.clone(), programs: programs.to_vec() })
}

/// The options of a plane, of the viewers' side, of an edge apart, of the log.
const PLANE: &[&str] = &[
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
    "region",
    "no-sign-check",
    "key-rate",
    "tenant-rate",
    "audit",
    "audit-records-max",
    "retain-invalidations",
];
const PEERS: &[&str] = &["store", "peer-address", "unsafe-store-settings"];
const VIEWERS: &[&str] = &[
    "viewer",
    "viewer-tls",
    "certificates",
    "default-certificate",
    "https-port",
    "geo-header",
    "origin-ca",
    "store-bytes",
    "tenant-share",
    "allow-origins",
    "deny-origins",
];
const EDGE: &[&str] = &["plane"];
const LOG: &[&str] = &["log-format"];

/// Everything that any command's options may say.
struct Given {
    data_dir: Option<PathBuf>,
    log_format: LogFormat,
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
    geo_header: Option<HeaderName>,
    origin_ca: Vec<PathBuf>,
    store_bytes: u64,
    tenant_share_percent: u8,
    allowed_networks: Vec<Network>,
    denied_networks: Vec<Network>,
    plane_url: Option<PlaneUrl>,
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
            geo_header: None,
            origin_ca: Vec::new(),
            store_bytes: STORE_BYTES_DEFAULT,
            tenant_share_percent: 100,
            allowed_networks: Vec::new(),
            denied_networks: Vec::new(),
            plane_url: None,
        }
    }

    fn data_dir(&self) -> Result<PathBuf, Usage> {
        self.data_dir.clone().ok_or_else(|| missing("--data-dir"))
    }

    fn viewers(&self) -> Result<ViewerOptions, Usage> {
        Ok(ViewerOptions {
            viewer: self.viewer,
            tls: self.tls()?,
            https_port: self.https_port,
            geo_header: self.geo_header.clone(),
            origin_ca: self.origin_ca.clone(),
            store_bytes: self.store_bytes,
            tenant_share_percent: self.tenant_share_percent,
            allowed_networks: self.allowed_networks.clone(),
            denied_networks: self.denied_networks.clone(),
        })
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

    fn plane(self) -> Result<PlaneOptions, Usage> {
        let mut plane = recant_plane::PlaneOptions::new(self.data_dir()?, self.api);
        plane.public_url = self.public_url;
        plane.lease = self.lease;
        plane.caller_reference_conflict = self.conflict;
        plane.distribution_invalidations = self.distribution_invalidations;
        plane.routing_suffix = self.routing_suffix.unwrap_or(plane.routing_suffix);
        plane.dns = self.dns;
        plane.paths_in_progress_max = self.paths_in_progress_max;
        plane.wildcards_in_progress_max = self.wildcards_in_progress_max;
        plane.region = self.region;
        plane.require_signatures = self.require_signatures;
        plane.admission = self.admission;
        plane.store = match (self.server, self.peer_address, self.unsafe_settings) {
            (Some(server), peer_address, unsafe_settings) => {
                StoreChoice::Postgres(Box::new(PostgresChoice { server, unsafe_settings, peer_address }))
            }
            (None, None, UnsafeSettings::Refuse) => StoreChoice::Embedded,
            (None, Some(_), _) => return Err(Usage { message: "--peer-address needs --store".into() }),
            (None, None, UnsafeSettings::Accept) => {
                return Err(Usage { message: "--unsafe-store-settings needs --store".into() });
            }
        };
        plane.retention = self.retention;
        Ok(PlaneOptions { log_format: self.log_format, plane, apply: self.apply })
    }
}

fn missing(option: &str) -> Usage {
    Usage { message: format!("{option} is needed") }
}

/// Reads the options that follow a command's name; nothing when help is asked for.
fn given(mut parser: Parser, known: &[&[&str]]) -> Result<Option<Given>, Usage> {
    let mut given = Given::nothing();
    while let Some(arg) = parser.next()? {
        let name = match arg {
            Arg::Long("help") | Arg::Short('h') => return Ok(None),
            Arg::Long(name) if name == "data-dir" || known.iter().any(|set| set.contains(&name)) => {
                name.to_owned()
            }
            other => return Err(other.unexpected().into()),
        };
        match name.as_str() {
            "data-dir" => given.data_dir = Some(parser.value()?.into()),
            "log-format" => given.log_format = value(&mut parser, "--log-format")?,
            "api" => given.api = address(&mut parser, "--api")?,
            "apply" => given.apply.push(parser.value()?.into()),
            "public-url" => given.public_url = Some(parser.value()?.string()?),
            "lease-seconds" => {
                given.lease = Duration::from_secs(value(&mut parser, "--lease-seconds")?);
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
            "verify-dns" => given.dns = value(&mut parser, "--verify-dns")?,
            "paths-in-progress-max" => {
                given.paths_in_progress_max = value(&mut parser, "--paths-in-progress-max")?;
            }
            "wildcards-in-progress-max" => {
                given.wildcards_in_progress_max = value(&mut parser, "--wildcards-in-progress-max")?;
            }
            "region" => given.region = Some(parser.value()?.string()?),
            "no-sign-check" => given.require_signatures = false,
            "key-rate" => given.admission.key_rate = Some(value(&mut parser, "--key-rate")?),
            "tenant-rate" => given.admission.tenant_rate = Some(value(&mut parser, "--tenant-rate")?),
            "audit" => given.admission.audit = value(&mut parser, "--audit")?,
            "audit-records-max" => {
                given.admission.audit_records_max = value(&mut parser, "--audit-records-max")?;
            }
            "store" => given.server = Some(store(&mut parser)?),
            "peer-address" => given.peer_address = Some(parser.value()?.string()?),
            "unsafe-store-settings" => given.unsafe_settings = UnsafeSettings::Accept,
            "retain-invalidations" => given.retention = value(&mut parser, "--retain-invalidations")?,
            "viewer" => given.viewer = address(&mut parser, "--viewer")?,
            "viewer-tls" => given.viewer_tls = Some(address(&mut parser, "--viewer-tls")?),
            "certificates" => given.certificates = Some(parser.value()?.into()),
            "default-certificate" => given.default_certificate = Some(parser.value()?.string()?),
            "https-port" => given.https_port = Some(value(&mut parser, "--https-port")?),
            "geo-header" => given.geo_header = Some(value(&mut parser, "--geo-header")?),
            "origin-ca" => given.origin_ca.push(parser.value()?.into()),
            "store-bytes" => given.store_bytes = value(&mut parser, "--store-bytes")?,
            "tenant-share" => {
                let share: u8 = value(&mut parser, "--tenant-share")?;
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

/// The address is not repeated: there may be a password in it.
fn store(parser: &mut Parser) -> Result<Server, Usage> {
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

impl FromStr for LogFormat {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("text or json is expected"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Command, String> {
        parse(line.split_whitespace().map(OsString::from).collect()).map_err(|usage| usage.message)
    }

    #[test]
    fn serve_takes_both_sides_options() {
        let line = "serve --data-dir d --api 127.0.0.1:0 --viewer=[::1]:80 --lease-seconds 2 --log-format json --deny-origins 10.0.0.0/8 --apply a.yaml --apply b.json";
        let Ok(Command::Serve(options)) = parsed(line) else { panic!("{line}") };
        assert_eq!(options.plane.plane.lease, Duration::from_secs(2));
        assert_eq!(options.plane.log_format, LogFormat::Json);
        assert_eq!(options.plane.apply, ["a.yaml", "b.json"].map(PathBuf::from));
        assert_eq!(options.viewers.viewer, "[::1]:80".parse().unwrap());
        assert_eq!(options.viewers.denied_networks.len(), 1);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let check = |line: &str, expected: &str| match parsed(line) {
            Err(message) => assert!(message.contains(expected), "{line}: {message}"),
            Ok(command) => panic!("{line}: {command:?}"),
        };
        check("serve", "--data-dir is needed");
        check("serve --data-dir d --api nowhere", "--api 'nowhere'");
        check("serve --data-dir d --viewer localhost:80", "an IP address and a port");
        check("edge --data-dir d", "--plane is needed");
        check("serve --data-dir d --viewer-tls 127.0.0.1:0", "--viewer-tls needs --certificates");
        check("serve --data-dir d --certificates c", "--certificates needs --viewer-tls");
        check("serve --data-dir d --default-certificate a", "--default-certificate needs --certificates");
        check("serve --data-dir d --https-port 65536", "--https-port '65536'");
        check("edge --data-dir d --plane ftp://x", "http://");
        check("serve --data-dir d --tenant-share 0", "--tenant-share '0': 1 to 100");
        check("serve --data-dir d --tenant-share 101", "1 to 100");
        check("plane --data-dir d --viewer 127.0.0.1:1", "--viewer");
        check("plane --data-dir d --caller-reference-conflict x", "already-exists or invalid-argument");
        check("plane --data-dir d --distribution-invalidations x", "refuse or fan-out");
        check("plane --data-dir d --verify-dns x", "system or off");
        check("plane --data-dir d --key-rate 0", "a number above 0");
        check("plane --data-dir d --tenant-rate 5:x", "--tenant-rate '5:x'");
        check("plane --data-dir d --audit some", "off, changes or all");
        check("plane --data-dir d --store mysql://x", "--store: it is not like postgres://");
        check("plane --data-dir d --peer-address a:1", "--peer-address needs --store");
        check("serve --data-dir d --store postgres://127.0.0.1/x", "--store");
        check("plane --data-dir d --retain-invalidations 0d", "a number of days as 30d");
        check("demo --data-dir d", "--data-dir");
        check("man a b", "b");
        check("fly", "there is no command 'fly'");
    }

    #[test]
    fn the_clients_lines_are_told_apart() {
        let check = |line: &str, expected: bool| {
            let words: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
            assert_eq!(is_for_the_client(&words), expected, "{line}");
        };
        check("cloudfront list-distributions", true);
        check("--region us-east-1 cloudfront list-distributions", true);
        check("--cli-auto-prompt", true);
        check("serve --data-dir cloudfront", false);
        check("invalidate cloudfront /a", false);
        check("keys create cloudfront --may read", false);
        check("man cloudfront", false);
        check("--version", false);
        check("", false);
    }
}
