//! Prometheus's text format (exposition format 0.0.4), written as it is read.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame};

use crate::store::TenantUsage;

/// What all names begin with.
const PREFIX: &str = "recant_edge_";
/// Bytes of a piece of a page, more or less.
const PIECE_BYTES: usize = 64 * 1024;

/// What may become of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It only grows, from the start of the process on.
    Counter,
    /// It goes up and down.
    Gauge,
}

/// A number that things of one kind have.
pub(super) struct Family<T> {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) help: &'static str,
    pub(super) value: fn(&T) -> u64,
}

impl<T> Family<T> {
    pub(super) const fn new(
        name: &'static str,
        kind: Kind,
        help: &'static str,
        value: fn(&T) -> u64,
    ) -> Self {
        Self { name, kind, help, value }
    }

    /// Writes the number of the one thing there is.
    pub(super) fn write_to(&self, page: &mut String, of: &T) {
        head(page, PREFIX, self.name, self.kind, self.help);
        let _ = writeln!(page, "{PREFIX}{} {}", self.name, (self.value)(of));
    }
}

fn head(page: &mut String, prefix: &str, name: &str, kind: Kind, help: &str) {
    let kind = match kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
    };
    let _ = write!(page, "# HELP {prefix}{name} {help}\n# TYPE {prefix}{name} {kind}\n");
}

/// A page.
#[derive(Default)]
pub(super) struct Exposition {
    whole: Option<String>,
    tenants: Option<Tenants>,
}

/// The families of all tenants, one family after the other, as the format wants it.
struct Tenants {
    families: &'static [Family<TenantUsage>],
    usage: Vec<TenantUsage>,
    /// The family and the tenant that come next.
    next: (usize, usize),
}

impl Exposition {
    pub(super) fn whole(page: String) -> Self {
        Self { whole: Some(page), tenants: None }
    }

    pub(super) fn of_tenants(families: &'static [Family<TenantUsage>], usage: Vec<TenantUsage>) -> Self {
        Self { whole: None, tenants: Some(Tenants { families, usage, next: (0, 0) }) }
    }
}

impl Tenants {
    fn piece(&mut self) -> Option<String> {
        let prefix = format!("{PREFIX}tenant_");
        let mut piece = String::new();
        while let Some(family) = self.families.get(self.next.0)
            && piece.len() < PIECE_BYTES
        {
            if self.next.1 == 0 {
                head(&mut piece, &prefix, family.name, family.kind, family.help);
            }
            match self.usage.get(self.next.1) {
                Some(usage) => {
                    // An id has no character that a label's value would have to escape.
                    let value = (family.value)(usage);
                    let _ = writeln!(piece, "{prefix}{}{{tenant=\"{}\"}} {value}", family.name, usage.tenant);
                    self.next.1 += 1;
                }
                None => self.next = (self.next.0 + 1, 0),
            }
        }
        (!piece.is_empty()).then_some(piece)
    }
}

impl Body for Exposition {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let whole = self.whole.take();
        let piece = whole.or_else(|| self.tenants.as_mut().and_then(Tenants::piece));
        Poll::Ready(piece.map(|piece| Ok(Frame::data(piece.into()))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use recant_core::id::TenantId;

    #[test]
    fn a_long_page_comes_in_pieces_one_family_after_the_other() {
        const FAMILIES: [Family<TenantUsage>; 2] = [
            Family::new("hits_total", Kind::Counter, "Hits.", |it| it.hits),
            Family::new("stored_bytes", Kind::Gauge, "Bytes.", |it| it.bytes),
        ];
        let usage = |number: u64| TenantUsage {
            tenant: TenantId::parse(&format!("dt_{number}")).unwrap(),
            bytes: number,
            stored_responses: 0,
            disk_bytes: 0,
            disk_responses: 0,
            hits: number * 2,
            misses: 0,
            evicted: 0,
            invalidated: 0,
        };
        let mut tenants =
            Tenants { families: &FAMILIES, usage: (0..2_000).map(usage).collect(), next: (0, 0) };
        let pieces: Vec<String> = std::iter::from_fn(|| tenants.piece()).collect();
        assert!(pieces.len() > 1 && pieces.iter().all(|piece| piece.len() < PIECE_BYTES + 1_024));
        let page = pieces.concat();
        let lines: Vec<&str> = page.lines().collect();
        assert_eq!(lines.len(), 2 * (2 + 2_000));
        assert_eq!(lines[0], "# HELP recant_edge_tenant_hits_total Hits.");
        assert_eq!(lines[1], "# TYPE recant_edge_tenant_hits_total counter");
        assert_eq!(lines[3], "recant_edge_tenant_hits_total{tenant=\"dt_1\"} 2");
        assert_eq!(lines[2_003], "# TYPE recant_edge_tenant_stored_bytes gauge");
        assert_eq!(lines[4_003], "recant_edge_tenant_stored_bytes{tenant=\"dt_1999\"} 1999");
    }
}
