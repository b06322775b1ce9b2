//! What the server answers: steps as the data has them, and what they come to.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use super::text::{Text, Texts, is_like};

/// Answers by name, for those that cases share.
pub(crate) type Answers = BTreeMap<String, Answer>;

/// A step as the data has it.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Step {
    /// One of the shared answers.
    Named(String),
    /// An answer of the case's own.
    Own(Box<Answer>),
}

/// An answer as the data has it.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Answer {
    /// For which requests (`METHOD target`, with `*` for anything); for all, when there is none.
    to: Option<String>,
    /// The shared answer that this is, but for the other members.
    like: Option<String>,
    status: Option<u16>,
    /// Fields besides the usual; `null` takes one away.
    headers: BTreeMap<String, Option<String>>,
    body: Option<std::sync::Arc<Text>>,
    /// Answers again and again.
    repeat: bool,
    /// Waits so many seconds first.
    delay: u64,
    /// Never answers.
    hang: bool,
    /// Ends the connection instead.
    close: bool,
    /// Announces so many bytes more than come.
    truncate: usize,
    /// Sends the body in chunks.
    chunked: bool,
    /// Sends just these bytes.
    raw: Option<std::sync::Arc<Text>>,
}

/// A step of a case, ready to be played.
pub(crate) struct Played {
    to: Option<String>,
    /// Whether it is used more than once while others are left.
    pub(crate) repeats: bool,
    /// What is done.
    pub(crate) act: Act,
}

/// What the server does with one request.
#[derive(Clone)]
pub(crate) enum Act {
    /// Answers.
    Reply(Reply),
    /// Sends bytes as they are, and ends the connection.
    Raw(Vec<u8>),
    /// Ends the connection.
    Close,
    /// Keeps the connection and says nothing.
    Hang,
}

/// An answer in HTTP.
#[derive(Clone)]
pub(crate) struct Reply {
    pub(crate) delay: Duration,
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) framing: Framing,
}

/// How a body's end is told.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// By its length.
    Length,
    /// By a length that is this much too long.
    Short(usize),
    /// By a last chunk.
    Chunked,
}

impl Step {
    /// What is to be played.
    #[track_caller]
    pub(crate) fn play(&self, answers: &Answers, texts: &Texts) -> Played {
        let answer = match self {
            Self::Named(name) => &Answer { like: Some(name.clone()), ..Answer::default() },
            Self::Own(answer) => answer.as_ref(),
        };
        Played { to: answer.to.clone(), repeats: answer.repeat, act: answer.act(answers, texts) }
    }
}

impl Played {
    /// Whether it is for such a request.
    pub(crate) fn is_for(&self, line: &str) -> bool {
        self.to.as_ref().is_none_or(|form| is_like(line, form))
    }

    /// Whether it is for requests to connect, of which a proxy takes the others for itself.
    pub(crate) fn is_for_connect(&self, line: &str) -> bool {
        self.to.is_some() && self.is_for(line)
    }
}

impl Answer {
    fn act(&self, answers: &Answers, texts: &Texts) -> Act {
        if let Some(raw) = &self.raw {
            return Act::Raw(raw.bytes(texts));
        }
        match self {
            Self { hang: true, .. } => Act::Hang,
            Self { close: true, .. } => Act::Close,
            _ => Act::Reply(self.reply(answers, texts)),
        }
    }

    fn reply(&self, answers: &Answers, texts: &Texts) -> Reply {
        let none = Self::default();
        let like = self.like.as_ref();
        let like = like.map_or(&none, |name| answers.get(name).unwrap_or_else(|| panic!("no answer {name}")));
        let mut headers = BTreeMap::from([
            ("x-amzn-RequestId", "5e5ba5e5-0000-4000-8000-000000000001"),
            ("Content-Type", "text/xml"),
        ]);
        for (name, value) in like.headers.iter().chain(&self.headers) {
            match value {
                Some(value) => headers.insert(name, value),
                None => headers.remove(name.as_str()),
            };
        }
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let body = self.body.as_ref().or(like.body.as_ref());
        Reply {
            delay: Duration::from_secs(self.delay),
            status: self.status.or(like.status).unwrap_or(200),
            headers: headers.into_iter().map(owned).collect(),
            body: body.map(|body| body.bytes(texts)).unwrap_or_default(),
            framing: match (self.chunked, self.truncate) {
                (true, _) => Framing::Chunked,
                (false, 0) => Framing::Length,
                (false, by) => Framing::Short(by),
            },
        }
    }
}
