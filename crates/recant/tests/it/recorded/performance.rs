//! One run of the program on a case: its room, its streams, its end.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, SystemTime};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use recant_cli::ScriptedEnvironment;
use recant_core::time::WallTime;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use super::authority::Authority;
use super::case::{Case, Sink};
use super::deadport::DeadPort;
use super::places::Places;
use super::request::Request;
use super::server::Server;
use super::suite::Suite;

/// How long a case may take; the longest waits a few seconds for answers that do not come.
const CASE_MAX: Duration = Duration::from_secs(40);

/// What all runs share.
pub(crate) struct Stage<'a> {
    pub(crate) suite: &'a Suite,
    /// The program, under the name `aws`.
    pub(crate) program: &'a Path,
    pub(crate) authority: &'a Authority,
}

/// What the program did. Ports and folders are tokens in what it said, and still themselves in what it sent.
pub(crate) struct Performance {
    pub(crate) exit: Exit,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    pub(crate) requests: Vec<Request>,
    /// The pauses in seconds, where they can be known.
    pub(crate) slept: Vec<u64>,
    pub(crate) places: Places,
    /// When it was over.
    pub(crate) ended: WallTime,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Status(i32),
    Signal(i32),
    /// It had to be ended.
    TimedOut,
}

/// Bytes of the two streams, and the end.
struct Said {
    exit: Exit,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    slept: Vec<u64>,
}

impl Stage<'_> {
    /// Runs the program on a case, in a room of its own.
    #[track_caller]
    pub(crate) fn perform(&self, case: &Case) -> Performance {
        let folder = tempfile::tempdir().unwrap();
        let room = folder.path().canonicalize().unwrap();
        let listeners = Server::listen();
        let [port, tls_port] = [&listeners[0], &listeners[1]].map(|one| one.local_addr().unwrap().port());
        let refusing = DeadPort::refusing();
        let silent = case.args.iter().any(|word| word.contains("<HOLEPORT>")).then(DeadPort::silent);
        let mut ports = vec![("<TLSPORT>", tls_port), ("<PORT>", port), ("<REFUSEDPORT>", refusing.number)];
        ports.extend(silent.as_ref().map(|silent| ("<HOLEPORT>", silent.number)));
        let paths: [(&str, &Path); 3] =
            [("<CA>", &self.authority.trusted), ("<OTHERCA>", &self.authority.other), ("<TMP>", &room)];
        let places = Places::new(&ports, &paths);

        let script = case.answers.iter().map(|step| step.play(&self.suite.answers, &self.suite.texts));
        let server = Server::start(listeners, script.collect(), self.authority.server.clone());
        self.furnish(&room, case, &places);
        let words: Vec<OsString> = case.args.iter().map(|word| places.fill(word).into()).collect();
        let env = env(case, &places);
        let said = if case.expect.sleeps.is_empty() {
            let mut command = Command::new(self.program);
            command.args(words).current_dir(room.join("cwd")).env_clear().envs(env);
            observe(command, case, &server)
        } else {
            inside(words, &env, &room)
        };
        Performance {
            exit: said.exit,
            stdout: places.mask(&said.stdout),
            stderr: places.mask(&said.stderr),
            requests: server.end(),
            slept: said.slept,
            places,
            ended: now(),
        }
    }

    /// Makes the folders, and the files in them.
    fn furnish(&self, room: &Path, case: &Case, places: &Places) {
        for folder in ["home", "cwd"] {
            fs::create_dir(room.join(folder)).unwrap();
        }
        for (name, content) in &case.files {
            let path = room.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, places.fill_bytes(content.bytes(&self.suite.texts))).unwrap();
        }
    }
}

/// The whole environment of a case.
fn env(case: &Case, places: &Places) -> BTreeMap<String, String> {
    let path = std::env::var("PATH").unwrap_or_default();
    let usual = [
        ("PATH", path.as_str()),
        ("HOME", "<TMP>/home"),
        ("LANG", "C.UTF-8"),
        ("TZ", "UTC"),
        ("TERM", "xterm"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
    ];
    let mut env: BTreeMap<String, String> =
        usual.iter().map(|(name, value)| ((*name).to_owned(), places.fill(value))).collect();
    for (name, value) in &case.env {
        match value {
            Some(value) => env.insert(name.clone(), places.fill(value)),
            None => env.remove(name),
        };
    }
    env
}

fn now() -> WallTime {
    let since = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    WallTime::from_millis(since.as_millis().try_into().unwrap_or(i64::MAX))
}

/// Runs the client in this process, where pauses take no time and are told. Only a waiter's are long enough to need it.
fn inside(words: Vec<OsString>, env: &BTreeMap<String, String>, room: &Path) -> Said {
    let vars = env.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let mut environment = ScriptedEnvironment {
        working_dir: room.join("cwd"),
        now: SystemTime::now(),
        ..ScriptedEnvironment::new(vars)
    };
    let status = recant_cli::run(words, &mut environment);
    Said {
        exit: Exit::Status(status.into()),
        stdout: environment.stdout,
        stderr: environment.stderr,
        slept: environment.slept.iter().map(Duration::as_secs).collect(),
    }
}

/// Runs the program in its own process, and interrupts it when the case says so.
fn observe(mut command: Command, case: &Case, server: &Server) -> Said {
    // A group of its own, so that what it started can be ended with it.
    command.stdin(Stdio::null()).stderr(Stdio::piped()).process_group(0);
    let terminal = direct(&mut command, case);
    let mut child = command.spawn().unwrap();
    // The terminal's other side; while it is open here, the terminal does not end.
    drop(command);
    let id = Pid::from_raw(child.id().cast_signed());
    let (over, has_ended) = mpsc::channel::<()>();
    let stdout: Option<Box<dyn Read + Send>> =
        terminal.map_or_else(|| child.stdout.take().map(boxed), |terminal| Some(boxed(terminal)));
    let stderr = child.stderr.take();
    thread::scope(|scope| {
        let timed_out = scope.spawn(move || {
            let is_late = has_ended.recv_timeout(CASE_MAX) == Err(mpsc::RecvTimeoutError::Timeout);
            is_late && killpg(id, Signal::SIGKILL).is_ok()
        });
        let interrupt = case
            .interrupt_after
            .map(|requests| scope.spawn(move || server.wait_for(requests).then(|| kill(id, Signal::SIGINT))));
        let stdout = scope.spawn(|| all_of(stdout));
        let stderr = all_of(stderr);
        let stdout = stdout.join().unwrap();
        let status = finish(&mut child, server);
        drop(over);
        if let Some(interrupt) = interrupt {
            interrupt.join().unwrap();
        }
        let exit = if timed_out.join().unwrap() { Exit::TimedOut } else { status.into() };
        Said { exit, stdout, stderr, slept: Vec::new() }
    })
}

/// Says where standard output goes. Returns the near side of a terminal.
fn direct(command: &mut Command, case: &Case) -> Option<fs::File> {
    let Some((rows, columns)) = case.terminal else {
        command.stdout(match case.stdout_to {
            None => Stdio::piped(),
            Some(Sink::ClosedPipe) => io::pipe().unwrap().1.into(),
        });
        return None;
    };
    let near = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&near).unwrap();
    unlockpt(&near).unwrap();
    let name = ptsname(&near, Vec::new()).unwrap();
    let far = Path::new(std::ffi::OsStr::from_bytes(name.as_bytes()));
    let far = OpenOptions::new().read(true).write(true).open(far).unwrap();
    tcsetwinsize(&far, Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
    command.stdout(far);
    Some(near.into())
}

fn boxed(stream: impl Read + Send + 'static) -> Box<dyn Read + Send> {
    Box::new(stream)
}

/// All that is said until the stream ends; a terminal ends with an error.
fn all_of(stream: Option<impl Read>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(mut stream) = stream {
        let _ = stream.read_to_end(&mut bytes);
    }
    bytes
}

/// Waits for the program's end, and lets nobody wait for requests that cannot come any more.
fn finish(child: &mut Child, server: &Server) -> ExitStatus {
    let status = child.wait().unwrap();
    server.end();
    status
}

impl From<ExitStatus> for Exit {
    fn from(status: ExitStatus) -> Self {
        match (status.code(), status.signal()) {
            (Some(code), _) => Self::Status(code),
            (None, signal) => Self::Signal(signal.unwrap_or_default()),
        }
    }
}
