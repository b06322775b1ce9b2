//! The gate and other chores: `cargo xtask gate`.

fn main() {}
