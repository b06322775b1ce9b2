//! `cloudfront sign`: a URL that viewers may ask for until a time. Nothing is sent, and no AWS credentials are needed.
//!
//! The policy is the one of "Create a signed URL" in the CloudFront Developer Guide: *canned* when there is only an end, else *custom*. It
//! is signed with RSA and SHA-1, which is all that CloudFront takes from such keys.

pub(crate) mod dates;
mod tokens;
mod ymd;

use std::time::SystemTime;

use recant_wire::base64;
use rsa::PrivateKey;
use rsa::pkcs1::DecodeRsaPrivateKey as _;
use rsa::pkcs1v15::SigningKey;
use rsa::pkcs8::DecodePrivateKey as _;
use rsa::signature::{SignatureEncoding as _, Signer as _};

use crate::environment::Environment;
use crate::error::Error;
use crate::input::files::{self, Loaded};
use crate::lowargs::{self, Opt, Takes};
use crate::output::timestamp;

/// One option of `sign`.
pub(crate) struct SignOption {
    /// Its spelling, with dashes.
    pub name: &'static str,
    /// Whether it has to be given.
    pub required: bool,
    /// What it is for.
    pub about: &'static str,
}

const fn option(name: &'static str, required: bool, about: &'static str) -> SignOption {
    SignOption { name, required, about }
}

const URL: usize = 0;
const KEY_PAIR_ID: usize = 1;
const PRIVATE_KEY: usize = 2;
const DATE_LESS_THAN: usize = 3;
const DATE_GREATER_THAN: usize = 4;
const IP_ADDRESS: usize = 5;

/// All options, by the indices above.
pub(crate) const OPTIONS: [SignOption; 6] = [
    option("--url", true, "The URL to sign."),
    option("--key-pair-id", true, "The id of the key pair or public key, as CloudFront knows it."),
    option("--private-key", true, "The private key in PEM: file://path/to/key.pem."),
    option(
        "--date-less-than",
        true,
        "When the URL ends: a date in any usual spelling, perhaps with time (UTC unless it says), or seconds since 1970.",
    ),
    option("--date-greater-than", false, "When the URL begins; spelled as its end."),
    option("--ip-address", false, "The address or range that may ask: x.x.x.x or x.x.x.x/x."),
];

/// What is to be signed with what.
#[derive(Debug)]
pub(crate) struct Signing {
    url: String,
    key_pair_id: String,
    private_key: String,
    ends: String,
    begins: Option<String>,
    ip_address: Option<String>,
}

/// Reads the words after `sign`; none when help is asked for.
///
/// # Errors
///
/// Options that are missing or not known, or a key file that cannot be read.
pub(crate) fn resolve(environment: &dyn Environment, words: &[String]) -> Result<Option<Signing>, Error> {
    let table: Vec<Opt<'_>> = OPTIONS.iter().map(|option| Opt::new(option.name, Takes::One)).collect();
    let mut scan = lowargs::scan(&table, words)?;
    if scan.positional.as_deref() == Some("help") {
        return Ok(None);
    }
    let word = |index: usize| scan.last(index).and_then(<[String]>::last).cloned();
    let missing: Vec<&str> = OPTIONS
        .iter()
        .enumerate()
        .filter(|(index, option)| option.required && word(*index).is_none())
        .map(|(_, option)| option.name)
        .collect();
    if !missing.is_empty() {
        let missing = missing.join(", ");
        return Err(Error::Usage(format!("the following arguments are required: {missing}")));
    }
    // A URL is not looked at as a file's name, all other values are.
    let loaded = |index: usize| -> Result<Option<String>, Error> {
        let Some(word) = word(index) else { return Ok(None) };
        match files::load(environment, &word).map_err(|why| Error::parsing(OPTIONS[index].name, why))? {
            Some(Loaded::Text(text)) => Ok(Some(text)),
            Some(Loaded::Bytes(bytes)) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
            None => Ok(Some(word)),
        }
    };
    let signing = Signing {
        url: word(URL).unwrap_or_default(),
        key_pair_id: loaded(KEY_PAIR_ID)?.unwrap_or_default(),
        private_key: loaded(PRIVATE_KEY)?.unwrap_or_default(),
        ends: loaded(DATE_LESS_THAN)?.unwrap_or_default(),
        begins: loaded(DATE_GREATER_THAN)?,
        ip_address: loaded(IP_ADDRESS)?,
    };
    let leftovers: Vec<String> = scan.leftovers.drain(..).chain(scan.positional.take()).collect();
    if !leftovers.is_empty() {
        return Err(Error::UnknownOptions(leftovers.join(", ")));
    }
    Ok(Some(signing))
}

impl Signing {
    /// The signed URL. What its dates leave out is of the day of `now`.
    ///
    /// # Errors
    ///
    /// A key that is none, or a time that is none.
    pub(crate) fn url(&self, now: SystemTime) -> Result<String, Error> {
        let since_epoch = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let today = timestamp::civil_from_days(i64::try_from(since_epoch.as_secs() / 86_400).unwrap_or(0));
        let seconds = |text: &str| {
            dates::seconds(text, today).ok_or_else(|| {
                Error::general(format!("Invalid timestamp \"{text}\": Unknown string format: {text}"))
            })
        };
        let key = private_key(&self.private_key)?;
        let ends = seconds(&self.ends)?;
        let begins = self.begins.as_deref().map(seconds).transpose()?;
        let policy = policy(&self.url, ends, begins, self.ip_address.as_deref());
        let is_custom = begins.is_some() || self.ip_address.is_some();
        let first = match is_custom {
            true => format!("Policy={}", url_safe(policy.as_bytes())),
            false => format!("Expires={ends}"),
        };
        let signature = SigningKey::<sha1::Sha1>::new(key)
            .try_sign(policy.as_bytes())
            .map_err(|why| Error::general(format!("The key does not sign: {why}")))?;
        let mark = if self.url.contains('?') { '&' } else { '?' };
        Ok(format!(
            "{}{mark}{first}&Signature={}&Key-Pair-Id={}",
            self.url,
            url_safe(&signature.to_vec()),
            self.key_pair_id
        ))
    }
}

fn private_key(pem: &str) -> Result<PrivateKey, Error> {
    let unusable =
        |why: &dyn std::fmt::Display| Error::general(format!("Unable to load the private key: {why}"));
    if pem.contains("BEGIN RSA PRIVATE KEY") {
        return PrivateKey::from_pkcs1_pem(pem).map_err(|why| unusable(&why));
    }
    PrivateKey::from_pkcs8_pem(pem).map_err(|why| unusable(&why))
}

/// The policy, without white space, its members in the order that CloudFront wants.
fn policy(url: &str, ends: i64, begins: Option<i64>, ip_address: Option<&str>) -> String {
    let mut conditions = format!("\"DateLessThan\":{{\"AWS:EpochTime\":{ends}}}");
    if let Some(address) = ip_address.filter(|address| !address.is_empty()) {
        let range = if address.contains('/') { "" } else { "/32" };
        conditions.push_str(&format!(",\"IpAddress\":{{\"AWS:SourceIp\":\"{address}{range}\"}}"));
    }
    if let Some(begins) = begins {
        conditions.push_str(&format!(",\"DateGreaterThan\":{{\"AWS:EpochTime\":{begins}}}"));
    }
    format!(
        "{{\"Statement\":[{{\"Resource\":{},\"Condition\":{{{conditions}}}}}]}}",
        ascii(&crate::output::json::quoted(url))
    )
}

/// JSON text with everything beyond ASCII escaped.
fn ascii(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            c if c.is_ascii() => out.push(c),
            c => out.extend(c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}"))),
        }
    }
    out
}

/// Base64 with the characters that a query cannot have replaced, as CloudFront replaces them.
fn url_safe(bytes: &[u8]) -> String {
    base64::encode(bytes).replace('+', "-").replace('=', "_").replace('/', "~")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_have_cloudfront_s_order() {
        let check = |begins: Option<i64>, address: Option<&str>, want: &str| {
            let got = policy("https://d/é?a", 5, begins, address);
            let start = "{\"Statement\":[{\"Resource\":\"https://d/\\u00e9?a\",\"Condition\":{\"DateLessThan\":{\"AWS:EpochTime\":5}";
            assert_eq!(got, format!("{start}{want}}}}}]}}"));
        };
        check(None, None, "");
        check(Some(3), None, ",\"DateGreaterThan\":{\"AWS:EpochTime\":3}");
        check(None, Some("1.2.3.4"), ",\"IpAddress\":{\"AWS:SourceIp\":\"1.2.3.4/32\"}");
    }

    #[test]
    fn what_is_no_key_is_said() {
        let signing = Signing {
            url: "https://d/a".to_owned(),
            key_pair_id: "K".to_owned(),
            private_key: "no key".to_owned(),
            ends: "2030-01-01".to_owned(),
            begins: None,
            ip_address: None,
        };
        let why = signing.url(SystemTime::UNIX_EPOCH).expect_err("no key").to_string();
        assert!(why.starts_with("Unable to load the private key"), "{why}");
    }
}
