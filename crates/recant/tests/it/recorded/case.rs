//! A case: how the program is called, in what surroundings, and what it then does.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::script::Step;
use super::text::Text;

/// One case as the data has it. Its strings may hold tokens (see [`Places`](super::places::Places)).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    /// Its name, in all categories.
    pub(crate) name: String,
    /// The file it stands in.
    #[serde(skip)]
    pub(crate) category: String,
    /// The words after the program's name.
    pub(crate) args: Vec<String>,
    /// What the environment has besides the usual; `null` takes something of the usual away.
    #[serde(default)]
    pub(crate) env: BTreeMap<String, Option<String>>,
    /// Files by their names in the case's folder: `home/…` is the home folder, `cwd/…` the working folder.
    #[serde(default)]
    pub(crate) files: BTreeMap<String, Text>,
    /// What the server answers, in order.
    #[serde(default)]
    pub(crate) answers: Vec<Step>,
    /// Standard output is a terminal of so many rows and columns.
    pub(crate) terminal: Option<(u16, u16)>,
    /// An interrupt is sent once so many requests have come.
    pub(crate) interrupt_after: Option<usize>,
    /// Where standard output goes otherwise.
    pub(crate) stdout_to: Option<Sink>,
    /// What was recorded.
    pub(crate) expect: Expect,
}

/// Where standard output goes when nobody collects it.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Sink {
    /// A pipe whose other end is closed.
    ClosedPipe,
}

/// What the recorded program did.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expect {
    /// The exit status.
    #[serde(default)]
    pub(crate) exit: i32,
    /// The pauses in seconds. A case that has them runs inside the test's process, where pauses take no time.
    #[serde(default)]
    pub(crate) sleeps: Vec<u64>,
    /// The requests in the order of their coming.
    #[serde(default)]
    pub(crate) requests: Vec<ExpectedRequest>,
    /// What stood on standard output; without it, nothing.
    #[serde(default)]
    pub(crate) stdout: ExpectedText,
    /// What stood on standard error; without it, nothing.
    #[serde(default)]
    pub(crate) stderr: ExpectedText,
    /// What standard error has to mention, however it is worded.
    #[serde(default)]
    pub(crate) mentions: Vec<String>,
}

/// One recorded request.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExpectedRequest {
    /// Method, path and query.
    pub(crate) line: String,
    /// What a proxy was asked to connect to first.
    pub(crate) connect: Option<String>,
    /// Whether it came over TLS; what came through a proxy always did.
    #[serde(default)]
    pub(crate) tls: bool,
    /// The header fields that are not the usual ones (see [`judge`](super::judge)); `null` for a usual one that is not there.
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, Option<String>>,
    /// The body; without it, none.
    pub(crate) body: Option<Text>,
}

/// How a stream is compared.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum ExpectedText {
    /// It has a form, with `*` for anything.
    Like { like: String },
    /// It has these words, however they are filled.
    Has { has: Vec<String> },
    /// It is this.
    Is(Text),
}

impl Default for ExpectedText {
    fn default() -> Self {
        Self::Is(Text::One(String::new()))
    }
}
