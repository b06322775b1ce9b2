//! What the files under `examples/` describe.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use super::{Client, Serve, until};

/// Makes the distribution and the tenant of the examples, before this origin; gives both ids once every edge has
/// them.
#[track_caller]
pub(crate) fn example(client: &Client, serve: &Serve, origin: SocketAddr) -> (String, String) {
    let folder = serve.folder();
    let distribution =
        client.ok(&["create-distribution", "--cli-input-json", &distribution(folder.path(), origin)]);
    let distribution = distribution["Distribution"]["Id"].as_str().unwrap().to_owned();
    let made = client.ok(&create_tenant(&distribution).each_ref().map(String::as_str));
    let tenant = made["DistributionTenant"]["Id"].as_str().unwrap().to_owned();
    let words = ["get-distribution-tenant", "--identifier", &tenant];
    // Asked by our own client, which starts fast.
    let status = || Client::recant(serve).ok(&words)["DistributionTenant"]["Status"].clone();
    until("the tenant is deployed", || (status() == "Deployed").then_some(()));
    (distribution, tenant)
}

/// The words that make the example's tenant.
pub(crate) fn create_tenant(distribution: &str) -> [String; 5] {
    let input = format!("file://{}", repository("examples/tenant.json").display());
    ["create-distribution-tenant", "--cli-input-json", &input, "--distribution-id", distribution]
        .map(str::to_owned)
}

/// A copy of the example's distribution that names this origin, as an argument.
fn distribution(folder: &Path, origin: SocketAddr) -> String {
    let example = fs::read_to_string(repository("examples/distribution.json")).unwrap();
    assert_eq!(example.matches("8000").count(), 1, "the example names its origin's port once");
    let file = folder.join("distribution.json");
    fs::write(&file, example.replace("8000", &origin.port().to_string())).unwrap();
    format!("file://{}", file.display())
}

/// A file of the repository, by its path from the root.
pub(crate) fn repository(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}
