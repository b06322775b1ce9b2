//! What the data cannot know: ports, folders and files of one run of a case.

use std::path::Path;

/// Tokens of the data and what they stand for in one run. They are filled in where a case is set up, and put
/// back into what the program sent and said.
///
/// `<PORT>` and `<TLSPORT>` are the server's, `<REFUSEDPORT>` refuses, `<HOLEPORT>` never answers; `<TMP>` is
/// the case's folder, `<CA>` and `<OTHERCA>` are files with the server's authority and another one.
pub(crate) struct Places {
    tokens: Vec<(&'static str, String)>,
}

impl Places {
    /// Collects the ports and files of a run. A path that holds another one must come before it.
    pub(crate) fn new(ports: &[(&'static str, u16)], paths: &[(&'static str, &Path)]) -> Self {
        let ports = ports.iter().map(|(token, port)| (*token, port.to_string()));
        let paths = paths.iter().map(|(token, path)| (*token, path.to_str().unwrap().to_owned()));
        Self { tokens: paths.chain(ports).collect() }
    }

    /// Fills the tokens in.
    pub(crate) fn fill(&self, text: &str) -> String {
        self.tokens.iter().fold(text.to_owned(), |text, (token, value)| text.replace(token, value))
    }

    /// Fills the tokens of a text that may be none in.
    pub(crate) fn fill_bytes(&self, bytes: Vec<u8>) -> Vec<u8> {
        match String::from_utf8(bytes) {
            Ok(text) => self.fill(&text).into_bytes(),
            Err(error) => error.into_bytes(),
        }
    }

    /// Puts the tokens back.
    pub(crate) fn mask(&self, bytes: &[u8]) -> Vec<u8> {
        self.tokens.iter().fold(bytes.to_vec(), |bytes, (token, value)| replace(&bytes, value, token))
    }

    /// Puts the tokens back into a text.
    pub(crate) fn mask_text(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.mask(text.as_bytes())).into_owned()
    }
}

/// Replaces a value where it stands whole: a port is no part of a longer number.
fn replace(bytes: &[u8], value: &str, token: &str) -> Vec<u8> {
    let is_number = value.bytes().all(|byte| byte.is_ascii_digit());
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let is_digit = |byte: Option<&u8>| is_number && byte.is_some_and(u8::is_ascii_digit);
        if rest.starts_with(value.as_bytes()) && !is_digit(out.last()) && !is_digit(rest.get(value.len())) {
            out.extend_from_slice(token.as_bytes());
            at += value.len();
        } else {
            out.push(rest[0]);
            at += 1;
        }
    }
    out
}

#[test]
fn ports_are_masked_only_where_they_stand_whole() {
    let places = Places::new(&[("<PORT>", 4000)], &[("<TMP>", Path::new("/t"))]);
    assert_eq!(places.mask(b"/t/x:4000 14000 40001 4000"), b"<TMP>/x:<PORT> 14000 40001 <PORT>");
    assert_eq!(places.fill("http://127.0.0.1:<PORT>"), "http://127.0.0.1:4000");
}
