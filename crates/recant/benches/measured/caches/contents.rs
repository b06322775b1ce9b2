//! What is asked for when many things are: numbers, spread over a few tenants by turns.

use crate::caches::get;

/// How many tenants there are.
pub(crate) const TENANTS: usize = 10;

/// The hosts of all tenants.
pub(crate) fn hosts() -> Vec<String> {
    (0..TENANTS).map(host).collect()
}

/// The host of a tenant.
pub(crate) fn host(tenant: usize) -> String {
    format!("t{tenant}.bench.example")
}

/// The path of the `n`th thing that a tenant has.
pub(crate) fn path(n: usize) -> String {
    format!("/catalogue/{}/item-{n:08}.html", n % 97)
}

/// Writes the request for the thing of this number.
pub(crate) fn request(number: usize, request: &mut Vec<u8>) {
    get(request, &host(number % TENANTS), &path(number / TENANTS));
}
