//! The stored responses: bounded memory, one or several per cache key.
//!
//! The store knows nothing of leases or rules; it only hands back what was put in. It does keep one promise of
//! the protocol: a response never takes the place of one with a newer stamp, so a slow origin request cannot
//! undo a fast one that started later.
//!
//! Under one key lie the responses that `Vary` tells apart, the newest first. A new one takes the place of all that
//! would have answered its own request, so of those left at most one does (RFC 9111 section 4.1).
//!
//! Bodies on their way into the store take memory too, for as long as their viewers let them: [`Collected`] counts
//! them, and what finds no room is passed on without being stored.

mod collected;
mod stored;

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use http::HeaderMap;
use moka::ops::compute::Op;
use moka::sync::Cache;

use recant_core::cache_key::CacheKey;
use recant_core::limits::{STORE_BYTES_PER_COLLECTED_BYTE, VARIANTS_PER_KEY_MAX};
use recant_core::position::{Era, Position, Stamp};

pub(crate) use collected::Collected;
pub(crate) use stored::{Facts, Stored};

/// What is stored under one key, the newest first; never empty.
type Variants = Arc<[Arc<Stored>]>;

/// See the module.
#[derive(Debug)]
pub(crate) struct Store {
    responses: Cache<CacheKey, Variants>,
    /// Bytes that all [`Collected`] bodies may still take.
    room: AtomicUsize,
}

/// Stored bodies from this size on make room at once; of smaller ones a few dozen may be too many for a moment.
const LARGE_BODY_BYTES: usize = 64 * 1024;

/// What there is for a request.
#[derive(Debug)]
pub(crate) enum Found {
    /// The response that it selects.
    Response(Arc<Stored>),
    /// The newest of those that other requests select.
    Other(Arc<Stored>),
    /// Nothing.
    Nothing,
}

impl Store {
    /// A store of at most this many bytes, metadata included.
    pub(crate) fn new(bytes_max: u64) -> Self {
        let responses = Cache::builder()
            .max_capacity(bytes_max)
            .weigher(|key: &CacheKey, variants: &Variants| {
                let bytes: usize = variants.iter().map(|stored| stored.bytes()).sum();
                u32::try_from(2 * key.as_bytes().len() + bytes).unwrap_or(u32::MAX)
            })
            .build();
        let room = usize::try_from(bytes_max / STORE_BYTES_PER_COLLECTED_BYTE).unwrap_or(usize::MAX);
        Self { responses, room: AtomicUsize::new(room) }
    }

    /// What is stored under this key for a request with these fields.
    pub(crate) fn find(&self, key: &CacheKey, request: &HeaderMap) -> Found {
        let Some(variants) = self.responses.get(key) else { return Found::Nothing };
        match variants.iter().find(|stored| stored.selecting.matches(request)) {
            Some(stored) => Found::Response(stored.clone()),
            None => Found::Other(variants[0].clone()),
        }
    }

    /// Every stored response, one after the other; what is put in or removed meanwhile may be among them or not.
    pub(crate) fn all(&self) -> impl Iterator<Item = Arc<Stored>> {
        self.responses.iter().flat_map(|(_, variants)| variants.to_vec())
    }

    /// Stores the response to a request with these fields, unless one with a newer stamp answers it already.
    pub(crate) fn put(&self, key: CacheKey, stored: Arc<Stored>, request: &HeaderMap) {
        let is_large = stored.body.len() >= LARGE_BODY_BYTES;
        self.responses.entry(key).and_compute_with(|there| {
            let there = there.map(moka::Entry::into_value);
            let (answer, others): (Vec<_>, Vec<_>) =
                there.iter().flat_map(|there| there.iter()).partition(|old| old.selecting.matches(request));
            if answer.iter().any(|old| order(old.stamp) > order(stored.stamp)) {
                return Op::Nop;
            }
            let kept = others.into_iter().take(VARIANTS_PER_KEY_MAX - 1);
            Op::Put(std::iter::once(&stored).chain(kept).cloned().collect())
        });
        // The map evicts now and then; by then large bodies could have taken many times the bound.
        if is_large {
            self.responses.run_pending_tasks();
        }
    }

    /// Puts `new` in the place of `old`; nothing happens if `old` is not there any more.
    pub(crate) fn replace(&self, key: CacheKey, old: &Arc<Stored>, new: &Arc<Stored>) {
        self.responses.entry(key).and_compute_with(|there| match there {
            Some(there) if there.value().iter().any(|stored| Arc::ptr_eq(stored, old)) => {
                let others = there.value().iter().filter(|stored| !Arc::ptr_eq(stored, old));
                Op::Put(std::iter::once(new).chain(others).cloned().collect())
            }
            _ => Op::Nop,
        });
    }

    /// Purges this one response.
    pub(crate) fn remove_one(&self, key: CacheKey, old: &Arc<Stored>) {
        self.responses.entry(key).and_compute_with(|there| {
            let Some(there) = there.map(moka::Entry::into_value) else { return Op::Nop };
            let left: Variants = there.iter().filter(|stored| !Arc::ptr_eq(stored, old)).cloned().collect();
            if left.is_empty() { Op::Remove } else { Op::Put(left) }
        });
    }

    /// Purges what is stored under this key.
    pub(crate) fn remove(&self, key: &CacheKey) {
        self.responses.invalidate(key);
    }
}

fn order(stamp: Stamp) -> (Era, Position) {
    (stamp.era, stamp.position)
}

#[cfg(test)]
mod tests {
    use std::sync::Weak;
    use std::time::Duration;

    use bytes::Bytes;
    use http::{HeaderValue, StatusCode};
    use recant_core::cache_policy::managed;
    use recant_core::freshness::Terms;
    use recant_core::id::TenantId;
    use recant_core::match_uri::MatchUri;
    use recant_core::time::WallTime;
    use recant_core::vary::Selecting;

    use super::*;

    const OPTIMIZED: &str = "658327ea-f89d-4fab-a63d-7e88639e58f6";
    const MIB: usize = 1024 * 1024;

    fn facts() -> Facts {
        Facts {
            tenant: TenantId::parse("a").expect("an id"),
            stamp: Stamp { era: Era::default(), position: Position::ZERO },
            uris: vec![MatchUri::of("/", None)],
            tags: Vec::new(),
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            terms: Terms { lifetime: Duration::from_secs(60), ..Terms::default() },
            response_time: WallTime::from_millis(0),
            selecting: Selecting::default(),
        }
    }

    #[test]
    fn large_bodies_never_take_much_more_than_the_store_may() {
        let store = Store::new(8 * MIB as u64);
        let mut put: Vec<Weak<Stored>> = Vec::new();
        for n in 0..48 {
            let stored = Arc::new(Stored::new(facts(), Bytes::from(vec![0; MIB])));
            put.push(Arc::downgrade(&stored));
            store.put(key(n), stored, &HeaderMap::new());
            let alive = put.iter().filter(|stored| stored.strong_count() > 0).count();
            assert!(alive <= 9, "{alive} MiB");
        }
    }

    #[test]
    fn bodies_on_their_way_share_a_bounded_room() {
        let store = Arc::new(Store::new(8 * MIB as u64));
        let piece = vec![0; MIB / 2];
        let collected = || {
            let mut collected = Collected::new(&store);
            (collected.add(&piece) && collected.add(&piece)).then_some(collected)
        };
        let mut under_way: Vec<Collected> = Vec::new();
        while let Some(collected) = collected() {
            under_way.push(collected);
        }
        assert_eq!(under_way.len(), 4, "half of the store's eight");
        // Given back by whoever gave up, and by whoever was kept.
        under_way.pop();
        assert_eq!(under_way.pop().expect("one of four").into_bytes().len(), MIB);
        let again: Vec<_> = (0..4).map_while(|_| collected()).collect();
        assert_eq!(again.len(), 2);
    }

    /// The response to a request whose field `x` has this value.
    fn variant(x: &'static str, position: u64) -> (Arc<Stored>, HeaderMap) {
        let field = |name, value| HeaderMap::from_iter([(name, HeaderValue::from_static(value))]);
        let (request, vary) = (field(http::HeaderName::from_static("x"), x), field(http::header::VARY, "x"));
        let selecting =
            Selecting::of(&vary, &request, managed(OPTIMIZED).expect("managed")).expect("no star");
        let stamp = Stamp { era: Era::default(), position: Position::new(position) };
        (
            Arc::new(Stored::new(Facts { selecting, stamp, ..facts() }, Bytes::from_static(x.as_bytes()))),
            request,
        )
    }

    fn body(store: &Store, request: &HeaderMap) -> Option<Bytes> {
        match store.find(&key(0), request) {
            Found::Response(stored) => Some(stored.body.clone()),
            Found::Other(_) | Found::Nothing => None,
        }
    }

    #[test]
    fn variants_lie_side_by_side() {
        let store = Store::new(MIB as u64);
        let (one, request_one) = variant("1", 5);
        let (two, request_two) = variant("2", 5);
        store.put(key(0), one.clone(), &request_one);
        assert!(matches!(store.find(&key(0), &request_two), Found::Other(_)));
        store.put(key(0), two, &request_two);
        assert_eq!(body(&store, &request_one).expect("stored"), "1");
        assert_eq!(body(&store, &request_two).expect("stored"), "2");
        // An older one takes nobody's place, a newer one its own predecessor's alone.
        store.put(key(0), variant("1", 4).0, &request_one);
        let newer = variant("1", 6).0;
        store.put(key(0), newer.clone(), &request_one);
        store.remove_one(key(0), &one);
        assert_eq!(body(&store, &request_one).expect("stored"), "1");
        store.remove_one(key(0), &newer);
        assert_eq!(body(&store, &request_one), None);
        assert_eq!(body(&store, &request_two).expect("stored"), "2");
        // What is gone is not brought back by what was to replace it.
        store.replace(key(0), &newer, &one);
        assert_eq!(body(&store, &request_one), None);
    }

    #[test]
    fn the_variants_of_a_key_are_bounded() {
        let store = Store::new(MIB as u64);
        let names: Vec<&'static str> = (0..=VARIANTS_PER_KEY_MAX).map(|n| &*n.to_string().leak()).collect();
        for x in &names {
            let (stored, request) = variant(x, 1);
            store.put(key(0), stored, &request);
        }
        let there = names.iter().filter(|x| body(&store, &variant(x, 1).1).is_some()).count();
        assert_eq!(there, VARIANTS_PER_KEY_MAX);
        assert_eq!(body(&store, &variant(names[0], 1).1), None, "the oldest one went");
    }

    fn key(n: usize) -> CacheKey {
        use recant_core::cache_key::{CachedMethod, KeyedRequest};
        use recant_core::id::DistributionId;
        use recant_core::spec::{BehaviorSpec, DistributionSpec, TenantSpec};

        let id = DistributionId::parse("E1").expect("an id");
        let tenant = TenantSpec {
            id: TenantId::parse("a").expect("an id"),
            distribution_id: id.clone(),
            enabled: true,
            domains: Vec::new(),
            parameters: Default::default(),
        };
        let distribution = DistributionSpec {
            id,
            enabled: true,
            default_root_object: None,
            origins: Vec::new(),
            default_behavior: BehaviorSpec {
                target_origin_id: "o".into(),
                cache_policy_id: OPTIMIZED.into(),
                origin_request_policy_id: None,
                allowed_methods: Vec::new(),
                viewer_protocol: Default::default(),
            },
            cache_tag_header: None,
            parameter_defaults: Default::default(),
        };
        let policy = managed(OPTIMIZED).expect("managed");
        let path = format!("/{n}");
        let headers = HeaderMap::new();
        KeyedRequest::new(&tenant, &distribution, policy, CachedMethod::Get, &path, None, &headers).key
    }
}
