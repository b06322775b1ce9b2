//! The one binary: argument routing, configuration, `serve`, `plane`, `edge`, `env`, `demo`.

fn main() {}
