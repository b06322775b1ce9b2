//! Temporary credentials kept between calls, in the AWS CLI's own folder and form (`~/.aws/cli/cache`), so that both use each other's.

use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::PathBuf;

use recant_wire::document::Document;
use sha1::{Digest as _, Sha1};

use super::{Search, Temporary, temporary_from};
use crate::environment::Environment;
use crate::input::json;

/// Credentials that end sooner than this are asked for anew.
const EXPIRY_WINDOW_SECONDS: i64 = 15 * 60;

/// The SHA-1 of a text, as the AWS CLI names its files.
pub(super) fn name_of(text: &str) -> String {
    Sha1::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn path(environment: &dyn Environment, key: &str) -> PathBuf {
    environment.expand_path(&format!("~/.aws/cli/cache/{key}.json"))
}

/// The credentials kept under a key, unless they end soon. A file that is damaged counts as absent.
pub(super) fn load(search: &Search<'_>, key: &str) -> Option<Temporary> {
    let text = std::fs::read_to_string(path(search.environment, key)).ok()?;
    let document = json::parse(&text).ok()?;
    let found = temporary_from(document.get("Credentials")?, "SessionToken").ok()?;
    let expires = found.expires()?;
    (expires - search.now_seconds() >= EXPIRY_WINDOW_SECONDS).then_some(found)
}

/// Keeps credentials. Where that does not work the next call asks again, so nothing is said.
pub(super) fn store(search: &Search<'_>, key: &str, found: &Temporary) {
    let credentials = &found.credentials;
    let document = Document::structure([(
        "Credentials",
        Document::structure([
            ("AccessKeyId", Document::from(&credentials.access_key_id)),
            ("SecretAccessKey", Document::from(&credentials.secret_access_key)),
            ("SessionToken", Document::from(credentials.session_token.as_deref())),
            ("Expiration", Document::from(&found.expiration)),
        ]),
    )]);
    let path = path(search.environment, key);
    let _ = write(&path, &crate::output::json::pretty(&document));
}

/// Writes a file that only its owner can read, whole or not at all.
pub(super) fn write(path: &std::path::Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
    let mut file =
        std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
    file.write_all(text.as_bytes())?;
    std::fs::rename(&temporary, path)
}
