//! `recant env`: shell lines that point an unmodified AWS client at a plane.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context as _, bail};
use recant_plane::folder::{read_addresses, read_root_key};

use crate::options::EnvOptions;
use crate::stdout;

/// CloudFront is global: clients sign for its home region, and the plane takes any.
const REGION: &str = "us-east-1";

/// Prints the lines.
pub(crate) fn run(options: &EnvOptions) -> anyhow::Result<()> {
    let dir = options.data_dir.display();
    let Some(key) = read_root_key(&options.data_dir)? else {
        bail!(
            "{dir} is not a data folder of a plane: it has no credentials. Has a plane been started on it?"
        );
    };
    let api = read_addresses(&options.data_dir)?.and_then(|addresses| addresses.api);
    let api = api.with_context(|| format!("no plane is running on {dir}"))?;
    let api = reachable(&api);
    let lines = [
        ("AWS_ACCESS_KEY_ID", key.access_key_id.as_str()),
        ("AWS_SECRET_ACCESS_KEY", &key.secret_access_key),
        ("AWS_REGION", REGION),
        ("AWS_DEFAULT_REGION", REGION),
        ("AWS_ENDPOINT_URL_CLOUDFRONT", &format!("http://{api}")),
    ];
    stdout::say(&lines.map(|(name, value)| format!("export {name}={}\n", shell_word(value))).concat())
}

/// Where a plane on this machine is reached: one that listens everywhere, on loopback.
fn reachable(api: &str) -> String {
    match api.parse::<SocketAddr>() {
        Ok(address) if address.ip().is_unspecified() => format!("{}:{}", Ipv4Addr::LOCALHOST, address.port()),
        _ => api.to_owned(),
    }
}

/// A text as one word of a shell: as it is when no character of it means anything there.
pub(crate) fn shell_word(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=._-:,".contains(&byte);
    if text.bytes().all(plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}
