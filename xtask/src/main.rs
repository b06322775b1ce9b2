//! The gate and other chores: `cargo xtask gate`.

use anyhow::{Result, bail};

mod api_model;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (chore, rest) = arguments.split_first().map_or(("", &[][..]), |(chore, rest)| (chore.as_str(), rest));
    match chore {
        "api-model" => api_model::run(rest),
        _ => bail!("usage: cargo xtask api-model"),
    }
}
