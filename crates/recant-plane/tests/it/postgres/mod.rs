//! Real PostgreSQL servers, started by the tests that need them.
//!
//! [`programs`] finds what `cargo xtask test` installs. A server that is started here ends with the process of the tests,
//! however that ends: a shell waits for the end of a pipe that only this process holds, then stops the server and removes its
//! folder. PostgreSQL refuses to run as root, so where the tests do, it runs as nobody.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// `nobody` and `nogroup`.
const NOBODY: u32 = 65_534;

/// The role that the tests connect as, and that owns everything.
const ROLE: &str = "recant";

/// Settings of every server of the tests: small, and durable.
const SETTINGS: &str = "listen_addresses = '127.0.0.1'\nmax_connections = 400\nshared_buffers = 32MB\n\
    log_min_messages = warning\nwal_sender_timeout = 5s\nlog_timezone = 'UTC'\n";

/// The folder of PostgreSQL's programs.
fn programs() -> PathBuf {
    installed().expect("PostgreSQL's server programs are installed: cargo xtask test does that")
}

/// Where they are: the newest that Debian's packages have installed, or what `RECANT_POSTGRES` says.
pub(crate) fn installed() -> Option<PathBuf> {
    if let Some(given) = std::env::var_os("RECANT_POSTGRES") {
        return Some(given.into());
    }
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?.flatten();
    versions.map(|version| version.path().join("bin")).filter(|bin| bin.join("initdb").exists()).max()
}

/// One of PostgreSQL's programs, as a user who may run it.
fn program(name: &str) -> Command {
    let path = programs().join(name);
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        return Command::new(path);
    }
    let nobody = NOBODY.to_string();
    let mut command = Command::new("setpriv");
    command.args(["--reuid", &nobody, "--regid", &nobody, "--clear-groups"]).arg(path);
    command.current_dir("/");
    command
}

fn perform(command: &mut Command) {
    let output = command.stdin(Stdio::null()).stderr(Stdio::piped()).stdout(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A server with its folder.
pub(crate) struct PgServer {
    folder: PathBuf,
    port: u16,
    /// Stops the server when its standard input ends.
    _guard: Child,
}

impl PgServer {
    /// Makes and starts an empty server with further settings.
    pub(crate) fn start(settings: &str) -> Self {
        Self::start_with_files(settings, &[])
    }

    /// The same, with files beside its data that only it may read.
    pub(crate) fn start_with_files(settings: &str, files: &[(&str, &str)]) -> Self {
        let folder = own_folder();
        let data = folder.join("data");
        perform(
            program("initdb")
                .args(["--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C"])
                .args([format!("--username={ROLE}"), format!("--pgdata={}", data.display())]),
        );
        for (name, text) in files {
            let path = data.join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            hand_over(&path);
        }
        Self::run(folder, settings)
    }

    /// Starts the server whose data is in a folder.
    fn run(folder: PathBuf, settings: &str) -> Self {
        let port = free_port();
        let sockets = folder.display();
        let all = format!("{SETTINGS}port = {port}\nunix_socket_directories = '{sockets}'\n{settings}\n");
        let data = folder.join("data");
        fs::write(data.join("recant.conf"), all).unwrap();
        let included = fs::read_to_string(data.join("postgresql.conf")).unwrap();
        if !included.contains("include 'recant.conf'") {
            fs::write(data.join("postgresql.conf"), format!("{included}\ninclude 'recant.conf'\n")).unwrap();
        }
        hand_over(&data.join("recant.conf"));
        let guard = guard(&folder);
        let server = Self { folder, port, _guard: guard };
        server.bring_up();
        server
    }

    /// Starts the server and waits until it answers.
    fn bring_up(&self) {
        let (data, log) = (self.data(), self.folder.join("log"));
        perform(program("pg_ctl").args(["start", "-w", "-t", "60", "-D"]).arg(data).arg("-l").arg(log));
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Makes and starts a standby of this server, which may become the primary.
    pub(crate) fn standby(&self, settings: &str) -> Self {
        let folder = own_folder();
        let data = folder.join("data");
        let port = self.port.to_string();
        perform(
            program("pg_basebackup")
                .args(["-h", "127.0.0.1", "-p", &port, "-U", ROLE, "--checkpoint=fast", "--no-sync", "-D"])
                .arg(&data),
        );
        fs::write(data.join("standby.signal"), "").unwrap();
        hand_over(&data.join("standby.signal"));
        Self::run(folder, settings)
    }

    /// How a standby of this server finds it.
    pub(crate) fn primary_conninfo(&self, name: &str) -> String {
        let port = self.port;
        format!("primary_conninfo = 'host=127.0.0.1 port={port} user={ROLE} application_name={name}'")
    }

    /// Ends the server as a crash does.
    pub(crate) fn kill(&self) {
        let pid = fs::read_to_string(self.data().join("postmaster.pid")).unwrap();
        perform(Command::new("kill").arg("-9").arg(pid.lines().next().unwrap()));
    }

    /// Makes a standby the primary.
    pub(crate) fn promote(&self) {
        perform(program("pg_ctl").args(["promote", "-w", "-D"]).arg(self.data()));
    }

    /// Sets a parameter of the running server.
    pub(crate) fn set(&self, setting: &str) {
        let path = self.data().join("recant.conf");
        let all = fs::read_to_string(&path).unwrap();
        fs::write(path, format!("{all}{setting}\n")).unwrap();
        perform(program("pg_ctl").args(["reload", "-D"]).arg(self.data()));
    }

    /// What a statement answers, as psql prints it without ornaments.
    pub(crate) fn ask(&self, database: &str, sql: &str) -> String {
        let port = self.port.to_string();
        let output = program("psql")
            .args(["-h", "127.0.0.1", "-p", &port, "-U", ROLE, "-d", database, "-qAtc", sql])
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Makes an empty database and gives its address.
    pub(crate) fn make_database(&self) -> String {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("world_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        self.make_database_named(&name)
    }

    /// Makes an empty database of that name and gives its address.
    pub(crate) fn make_database_named(&self, name: &str) -> String {
        let port = self.port.to_string();
        perform(program("createdb").args(["-h", "127.0.0.1", "-p", &port, "-U", ROLE, name]));
        self.address(name)
    }

    /// Writes a database to a file of the server's folder, as `pg_dump` does.
    pub(crate) fn dump(&self, database: &str, name: &str) {
        let file = self.folder.join(name);
        perform(self.client("pg_dump").args(["--format=custom", "--dbname", database, "--file"]).arg(file));
    }

    /// Restores such a file into a database, in place of what is there.
    pub(crate) fn restore(&self, name: &str, database: &str) {
        let file = self.folder.join(name);
        let mut restore = self.client("pg_restore");
        perform(restore.args(["--clean", "--if-exists", "--exit-on-error", "--dbname", database]).arg(file));
    }

    fn client(&self, name: &str) -> Command {
        let mut command = program(name);
        command.args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", ROLE]);
        command
    }

    /// The address of a database of it.
    pub(crate) fn address(&self, database: &str) -> String {
        format!("postgres://{ROLE}@127.0.0.1:{}/{database}", self.port)
    }
}

/// The server that every test shares which harms none, started by the first of them.
pub(crate) fn shared() -> &'static PgServer {
    static SHARED: OnceLock<PgServer> = OnceLock::new();
    SHARED.get_or_init(|| PgServer::start(""))
}

/// A new folder that the server's user may write.
fn own_folder() -> PathBuf {
    let folder = tempfile::Builder::new().prefix("recant-pg-").tempdir().unwrap().keep();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
    hand_over(&folder);
    folder
}

/// Gives a file to the server's user.
fn hand_over(path: &Path) {
    if fs::metadata(path).unwrap().uid() == 0 {
        chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    }
}

fn guard(folder: &Path) -> Child {
    let stop = "cat >/dev/null; \"$0\" stop -m immediate -D \"$1/data\" >/dev/null 2>&1; rm -rf \"$1\"";
    let mut command = program("pg_ctl");
    // The shell takes the place of the program, which becomes its `$0`.
    let pg_ctl = programs().join("pg_ctl");
    let as_user: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
    let mut shell = if as_user.is_empty() {
        Command::new("sh")
    } else {
        command = Command::new("setpriv");
        command.args(&as_user[..as_user.len() - 1]).arg("sh");
        command
    };
    shell.arg("-c").arg(stop).arg(pg_ctl).arg(folder).current_dir("/");
    // Out of reach of what ends the tests by their process group, as Ctrl-C does.
    shell.process_group(0);
    shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
