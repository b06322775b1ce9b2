//! What the command line of Recant's own commands means.

mod given;
pub(crate) mod help;
pub(crate) mod judged;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use http::HeaderName;
use lexopt::{Arg, Parser, ValueExt as _};
use recant_edge::{DiskOptions, Network, PlaneUrl, ShieldOptions, TlsOptions};
use recant_plane::backup::Edges;
use recant_plane::store::postgres::Server;

use self::given::{EDGE, LOG, PEERS, PLANE, VIEWERS, given};
pub(crate) use self::help::HELP;

/// What to do.
#[derive(Debug)]
pub(crate) enum Command {
    /// What is to be said.
    Help(String),
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
    pub(crate) metrics: Option<SocketAddr>,
    pub(crate) geo_header: Option<HeaderName>,
    pub(crate) geo_database: Option<PathBuf>,
    pub(crate) origin_ca: Vec<PathBuf>,
    pub(crate) store_bytes: u64,
    pub(crate) disk: Option<DiskOptions>,
    pub(crate) tenant_share_percent: u8,
    pub(crate) allowed_networks: Vec<Network>,
    pub(crate) denied_networks: Vec<Network>,
    pub(crate) shield: ShieldOptions,
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
    pub(crate) what: Restored,
    pub(crate) edges: Edges,
}

/// What is restored.
#[derive(Debug)]
pub(crate) enum Restored {
    /// A data folder is made of a backup.
    Folder { from: PathBuf, data_dir: PathBuf },
    /// A PostgreSQL that was restored by its own means is made ready.
    Postgres(Box<Server>),
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

/// Reads `help COMMAND …` as `COMMAND … help`, which every command answers.
pub(crate) fn with_help_last(mut words: Vec<OsString>) -> Vec<OsString> {
    let asks_about_a_command = words.first().is_some_and(|first| first == "help")
        && words.get(1).is_some_and(|second| second != "help");
    if asks_about_a_command {
        words.rotate_left(1);
    }
    words
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
        None | Some(Arg::Long("help") | Arg::Short('h')) => return Ok(Command::Help(HELP.to_owned())),
        Some(Arg::Long("version") | Arg::Short('V')) => return Ok(Command::Version),
        Some(Arg::Value(name)) => name.string()?,
        Some(other) => return Err(other.unexpected().into()),
    };
    match name.as_str() {
        "help" => Ok(Command::Help(HELP.to_owned())),
        "version" => Ok(Command::Version),
        "serve" => given(parser, &[PLANE, VIEWERS, LOG])?.map_or_else(
            || help_of("serve"),
            |given| {
                let viewers = given.viewers()?;
                Ok(Command::Serve(Box::new(ServeOptions { plane: given.plane()?, viewers })))
            },
        ),
        "plane" => given(parser, &[PLANE, PEERS, LOG])?
            .map_or_else(|| help_of("plane"), |given| Ok(Command::Plane(given.plane()?))),
        "edge" => given(parser, &[EDGE, VIEWERS, LOG])?.map_or_else(
            || help_of("edge"),
            |given| {
                let viewers = given.viewers()?;
                let plane = given.plane_url.clone().ok_or_else(|| missing("--plane"))?;
                let (log_format, data_dir) = (given.log_format, given.data_dir()?);
                Ok(Command::Edge(EdgeOptions { log_format, data_dir, plane, viewers }))
            },
        ),
        "env" => given(parser, &[&[]])?.map_or_else(
            || help_of("env"),
            |given| Ok(Command::Env(EnvOptions { data_dir: given.data_dir()? })),
        ),
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

/// `--help`, `-h`, or `help` after a command's name.
fn asks_for_help(arg: &Arg<'_>) -> bool {
    match arg {
        Arg::Long(name) => *name == "help",
        Arg::Short(letter) => *letter == 'h',
        Arg::Value(word) => word == "help",
    }
}

fn help_of(command: &str) -> Result<Command, Usage> {
    Ok(Command::Help(help::about(command)))
}

/// The demo makes its own folder, so it shares no options with the others.
fn demo(mut parser: Parser) -> Result<Command, Usage> {
    let mut options = DemoOptions { keep: false };
    while let Some(arg) = parser.next()? {
        match arg {
            arg if asks_for_help(&arg) => return help_of("demo"),
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
            arg if asks_for_help(&arg) => return help_of("backup"),
            Arg::Long("data-dir") => data_dir = Some(parser.value()?.into()),
            Arg::Long("to") => to = Some(parser.value()?.into()),
            other => return Err(other.unexpected().into()),
        }
    }
    let data_dir = data_dir.ok_or_else(|| missing("--data-dir"))?;
    Ok(Command::BackUp(BackUpOptions { data_dir, to: to.ok_or_else(|| missing("--to"))? }))
}

fn restore(mut parser: Parser) -> Result<Command, Usage> {
    let (mut from, mut data_dir, mut server, mut edges) = (None, None, None, Edges::MayRun);
    while let Some(arg) = parser.next()? {
        match arg {
            arg if asks_for_help(&arg) => return help_of("restore"),
            Arg::Long("from") => from = Some(parser.value()?.into()),
            Arg::Long("data-dir") => data_dir = Some(parser.value()?.into()),
            Arg::Long("store") => server = Some(given::store(&mut parser)?),
            Arg::Long("edges-stopped") => edges = Edges::AreStopped,
            other => return Err(other.unexpected().into()),
        }
    }
    let what = match (server, from, data_dir) {
        (Some(server), None, None) => Restored::Postgres(Box::new(server)),
        (Some(_), ..) => {
            let message =
                "--store takes neither --from nor --data-dir: PostgreSQL's own means restore the database";
            return Err(Usage { message: message.into() });
        }
        (None, from, data_dir) => Restored::Folder {
            from: from.ok_or_else(|| missing("--from"))?,
            data_dir: data_dir.ok_or_else(|| missing("--data-dir"))?,
        },
    };
    Ok(Command::Restore(RestoreOptions { what, edges }))
}

/// One page, the program's own if none is named.
fn man(mut parser: Parser) -> Result<Command, Usage> {
    let mut page = None;
    while let Some(arg) = parser.next()? {
        match arg {
            arg if asks_for_help(&arg) => return help_of("man"),
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
            arg if asks_for_help(&arg) => return help_of("completion"),
            Arg::Value(word) => words.push(word.string()?),
            other => return Err(other.unexpected().into()),
        }
    }
    let Some((shell, programs)) = words.split_first() else { return Err(missing("bash, zsh or fish")) };
    Ok(Command::Completion { shell: shell.clone(), programs: programs.to_vec() })
}

fn missing(option: &str) -> Usage {
    Usage { message: format!("{option} is needed") }
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
    use std::time::Duration;

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
        assert!(options.viewers.disk.is_none());
        let line = "serve --data-dir d --disk-store s --disk-bytes 5000000";
        let Ok(Command::Serve(options)) = parsed(line) else { panic!("{line}") };
        let disk = options.viewers.disk.unwrap();
        assert_eq!((disk.dir, disk.bytes), (PathBuf::from("s"), 5_000_000));
    }

    #[test]
    fn help_is_of_the_command_that_it_is_asked_of() {
        let check = |line: &str, begins: &str| match parsed(line) {
            Ok(Command::Help(text)) => assert!(text.starts_with(begins), "{line}: {text}"),
            other => panic!("{line}: {other:?}"),
        };
        check("", "Recant: ");
        check("help", "Recant: ");
        check("serve help", "  recant serve ");
        check("plane --api 127.0.0.1:0 --help", "  recant plane ");
        check("completion -h", "  recant completion ");
    }

    #[test]
    fn help_may_stand_before_the_command() {
        let check = |line: &str, expected: &str| {
            let words = with_help_last(line.split_whitespace().map(OsString::from).collect());
            let words: Vec<&str> = words.iter().map(|word| word.to_str().unwrap()).collect();
            assert_eq!(words.join(" "), expected, "{line}");
        };
        check("help", "help");
        check("help help", "help help");
        check("help keys", "keys help");
        check("help cloudfront create-invalidation", "cloudfront create-invalidation help");
        check("keys help", "keys help");
        check("", "");
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
        check("edge --data-dir d --plane http://p:1 --disk-bytes 9000000", "--disk-bytes needs --disk-store");
        check("serve --data-dir d --disk-store s --disk-bytes 1000", "--disk-bytes '1000': 2097152 or more");
        check(
            "plane --data-dir d --disk-store s",
            "--disk-store is an option of recant serve and recant edge",
        );
        check("serve --data-dir d --origin-shield us-east-1", "REGION=HOST:PORT");
        check("serve --data-dir d --origin-shield us-east-1=h", "REGION=HOST:PORT");
        check(
            "serve --data-dir d --origin-shield r=h:1 --origin-shield r=h:2",
            "--origin-shield r is given twice",
        );
        check("serve --data-dir d --store postgres://h/d", "--store is an option of recant plane");
        check("serve --data-dir d --metric 127.0.0.1:0", "there is no option --metric");
        check("edge --data-dir d --plane http://a:1 --plane http://b:1", "--plane is given twice");
        check("plane --data-dir d --viewer 127.0.0.1:1", "--viewer");
        check("plane --data-dir d --caller-reference-conflict x", "already-exists or invalid-argument");
        check("plane --data-dir d --distribution-invalidations x", "refuse or fan-out");
        check("plane --data-dir d --verify-dns x", "system or off");
        check("plane --data-dir d --key-rate 0", "a number above 0");
        check("plane --data-dir d --tenant-rate 5:x", "--tenant-rate '5:x'");
        check("plane --data-dir d --path-bytes-rate x", "--path-bytes-rate 'x'");
        check("serve --data-dir d --store-bytes 1G", "--store-bytes '1G': a number of bytes is expected");
        check("serve --data-dir d --disk-store s --disk-bytes 1T", "--disk-bytes '1T': a number of bytes");
        check(
            "serve --data-dir d --lease-seconds 5s",
            "--lease-seconds '5s': a number of seconds is expected",
        );
        check("plane --data-dir d --paths-in-progress-max all", "'all': a number of paths is expected");
        check("plane --data-dir d --audit-records-max -1", "'-1': a number of records is expected");
        check("serve --data-dir d --tenant-share half", "--tenant-share 'half': 1 to 100 is expected");
        check(
            "serve --data-dir d --https-port https",
            "--https-port 'https': a port is expected, 0 to 65535",
        );
        check("plane --data-dir d --audit some", "off, changes or all");
        check("plane --data-dir d --store mysql://x", "--store: it is not like postgres://");
        check("plane --data-dir d --peer-address a:1", "--peer-address needs --store");
        check("plane --data-dir d --store-without-standbys", "--store-without-standbys needs --store");
        check("serve --data-dir d --store postgres://127.0.0.1/x", "--store");
        check("plane --data-dir d --retain-invalidations 0d", "a number of days as 30d");
        check("restore --data-dir d", "--from is needed");
        check(
            "restore --store postgres://127.0.0.1/x --from b",
            "--store takes neither --from nor --data-dir",
        );
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
