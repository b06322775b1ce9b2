//! The encoding of standard output: UTF-8, or what `AWS_CLI_OUTPUT_ENCODING` names.

use crate::environment::Environment;
use crate::error::Error;

/// An encoding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// UTF-8.
    #[default]
    Utf8,
    /// Code points up to this one, a byte each: ASCII and Latin-1.
    Narrow(u32, &'static str),
    /// UTF-16, low byte first.
    Utf16Le,
    /// UTF-16, high byte first.
    Utf16Be,
    /// UTF-32, low byte first.
    Utf32Le,
}

impl Encoding {
    /// The encoding of this call.
    ///
    /// # Errors
    ///
    /// A name that stands for none.
    pub(crate) fn resolve(environment: &dyn Environment) -> Result<Self, Error> {
        let Some(name) = environment.var_non_empty("AWS_CLI_OUTPUT_ENCODING") else {
            return Ok(Self::Utf8);
        };
        let plain: String = name.to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
        match plain.as_str() {
            "utf8" | "u8" | "utf" | "cp65001" => Ok(Self::Utf8),
            "ascii" | "usascii" | "646" => Ok(Self::Narrow(0x7f, "ascii")),
            "latin1" | "latin" | "l1" | "iso88591" | "8859" | "cp819" => Ok(Self::Narrow(0xff, "latin-1")),
            "utf16" | "u16" | "utf16le" => Ok(Self::Utf16Le),
            "utf16be" => Ok(Self::Utf16Be),
            "utf32" | "u32" | "utf32le" => Ok(Self::Utf32Le),
            _ => Err(Error::general(format!("unknown encoding: {name}"))),
        }
    }

    /// Spells a text.
    ///
    /// # Errors
    ///
    /// A character that the encoding does not have.
    pub(crate) fn encode(self, text: String) -> Result<Vec<u8>, Error> {
        Ok(match self {
            Self::Utf8 => text.into_bytes(),
            Self::Narrow(last, name) => text
                .chars()
                .enumerate()
                .map(|(at, c)| match u8::try_from(u32::from(c)) {
                    Ok(byte) if u32::from(byte) <= last => Ok(byte),
                    _ => Err(Error::general(format!(
                        "'{name}' codec can't encode character '{}' in position {at}: ordinal not in range({})",
                        c.escape_unicode(),
                        last + 1
                    ))),
                })
                .collect::<Result<_, _>>()?,
            Self::Utf16Le => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            Self::Utf16Be => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            Self::Utf32Le => text.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::ScriptedEnvironment;

    #[test]
    fn names_are_python_s() {
        let check = |name: &str, want: Result<&[u8], &str>| {
            let environment = ScriptedEnvironment::new([("AWS_CLI_OUTPUT_ENCODING", name)]);
            let got = Encoding::resolve(&environment).and_then(|encoding| encoding.encode("é".to_owned()));
            assert_eq!(got.map_err(|why| why.to_string()), want.map(<[u8]>::to_vec).map_err(str::to_owned));
        };
        check("", Ok(b"\xc3\xa9"));
        check("UTF-8", Ok(b"\xc3\xa9"));
        check("latin_1", Ok(b"\xe9"));
        check("UTF-16", Ok(b"\xe9\0"));
        check("utf-16-be", Ok(b"\0\xe9"));
        check("utf-32", Ok(b"\xe9\0\0\0"));
        check(
            "ascii",
            Err("'ascii' codec can't encode character '\\u{e9}' in position 0: ordinal not in range(128)"),
        );
        check("klingon", Err("unknown encoding: klingon"));
    }
}
