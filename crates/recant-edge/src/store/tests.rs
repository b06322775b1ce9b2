use std::sync::{Arc, Weak};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use recant_core::cache_key::CacheKey;
use recant_core::cache_policy::managed;
use recant_core::limits::VARIANTS_PER_KEY_MAX;
use recant_core::part::Part;
use recant_core::position::{Era, Position, Stamp};
use recant_core::segments::Segments;
use recant_core::vary::Selecting;

use super::*;

const MIB: usize = 1024 * 1024;

fn facts_of(tenant: &str, n: usize) -> Facts {
    fixtures::facts(&fixtures::tenant(tenant), &format!("/{n}"), Position::ZERO)
}

#[test]
fn what_may_not_be_when_its_turn_comes_is_not_put() {
    let store = Arc::new(Store::new(8 * MIB as u64, 100));
    let put = |n, may: &dyn Fn() -> bool| {
        let stored = store.make(&key(n), facts_of("a", n), Bytes::from_static(b"body"));
        store.put(key(n), stored, &HeaderMap::new(), may);
        store.contains(&key(n))
    };
    assert!(!put(0, &|| false) && put(0, &|| true));
    // It is asked when the others' turns are over.
    store.remove(&key(0));
    assert!(!put(0, &|| store.contains(&key(0))), "and what was taken out before stays out");
}

#[test]
fn large_bodies_never_take_much_more_than_the_store_may() {
    let store = Store::new(8 * MIB as u64, 100);
    let mut put: Vec<Weak<Stored>> = Vec::new();
    for n in 0..48 {
        let stored = store.make(&key(n), facts_of("a", n), Bytes::from(vec![0; MIB]));
        put.push(Arc::downgrade(&stored));
        store.put(key(n), stored, &HeaderMap::new(), &|| true);
        let alive = put.iter().filter(|stored| stored.strong_count() > 0).count();
        assert!(alive <= 8, "{alive} MiB");
    }
}

#[test]
fn bodies_on_their_way_share_a_bounded_room() {
    let store = Arc::new(Store::new(8 * MIB as u64, 100));
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
fn variant(store: &Store, x: &'static str, position: u64) -> (Arc<Stored>, HeaderMap) {
    let field = |name, value| HeaderMap::from_iter([(name, HeaderValue::from_static(value))]);
    let (request, vary) = (field(http::HeaderName::from_static("x"), x), field(http::header::VARY, "x"));
    let selecting =
        Selecting::of(&vary, &request, managed(fixtures::OPTIMIZED).expect("managed")).expect("no star");
    let stamp = Stamp { era: Era::default(), position: Position::new(position) };
    let facts = Facts { selecting, stamp, ..facts_of("a", 0) };
    (store.make(&key(0), facts, Bytes::from_static(x.as_bytes())), request)
}

fn body(store: &Store, request: &HeaderMap) -> Option<Bytes> {
    match store.find(&key(0), request) {
        Found::Response(stored) => Some(stored.body.clone()),
        Found::Other(_) | Found::Nothing => None,
    }
}

#[test]
fn variants_lie_side_by_side() {
    let store = Store::new(MIB as u64, 100);
    let (one, request_one) = variant(&store, "1", 5);
    let (two, request_two) = variant(&store, "2", 5);
    store.put(key(0), one.clone(), &request_one, &|| true);
    assert!(matches!(store.find(&key(0), &request_two), Found::Other(_)));
    store.put(key(0), two, &request_two, &|| true);
    assert_eq!(body(&store, &request_one).expect("stored"), "1");
    assert_eq!(body(&store, &request_two).expect("stored"), "2");
    // An older one takes nobody's place, a newer one its own predecessor's alone.
    store.put(key(0), variant(&store, "1", 4).0, &request_one, &|| true);
    let newer = variant(&store, "1", 6).0;
    store.put(key(0), newer.clone(), &request_one, &|| true);
    store.remove_one(&key(0), &one);
    assert_eq!(body(&store, &request_one).expect("stored"), "1");
    store.remove_one(&key(0), &newer);
    assert_eq!(body(&store, &request_one), None);
    assert_eq!(body(&store, &request_two).expect("stored"), "2");
    // What is gone is not brought back by what was to replace it.
    store.replace(&key(0), &newer, &one);
    assert_eq!(body(&store, &request_one), None);
}

#[test]
fn the_variants_of_a_key_are_bounded() {
    let store = Store::new(MIB as u64, 100);
    let names: Vec<&'static str> = (0..=VARIANTS_PER_KEY_MAX).map(|n| &*n.to_string().leak()).collect();
    for x in &names {
        let (stored, request) = variant(&store, x, 1);
        store.put(key(0), stored, &request, &|| true);
    }
    let there = names.iter().filter(|x| body(&store, &variant(&store, x, 1).1).is_some()).count();
    assert_eq!(there, VARIANTS_PER_KEY_MAX);
    assert_eq!(body(&store, &variant(&store, names[0], 1).1), None, "the oldest one went");
}

fn key(n: usize) -> CacheKey {
    key_of("a", n)
}

fn key_of(tenant: &str, n: usize) -> CacheKey {
    fixtures::key(&fixtures::tenant(tenant), &format!("/{n}"))
}

/// Puts a response of this tenant's in; whether it is there afterwards.
fn put(store: &Store, tenant: &str, n: usize, length: usize) -> bool {
    let facts = facts_of(tenant, n);
    let key = key_of(tenant, n);
    let stored = store.make(&key, facts, Bytes::from(vec![0; length]));
    store.put(key, stored, &HeaderMap::new(), &|| true);
    is_there(store, tenant, n)
}

fn is_there(store: &Store, tenant: &str, n: usize) -> bool {
    matches!(store.find(&key_of(tenant, n), &HeaderMap::new()), Found::Response(_))
}

fn usage(store: &Store, tenant: &str) -> TenantUsage {
    let is_it = |usage: &TenantUsage| usage.tenant.as_str() == tenant;
    store.usage().into_iter().find(is_it).expect("the tenant has an account")
}

#[test]
fn a_scan_does_not_wash_out_what_is_asked_for_again() {
    let store = Store::new(4 * MIB as u64, 100);
    let hot = 0..500;
    hot.clone().for_each(|n| assert!(put(&store, "a", n, 1_000)));
    for round in 0..3 {
        assert!(hot.clone().all(|n| is_there(&store, "a", n)), "round {round}");
    }
    // Ten times as much as there is room for, each read once.
    for n in 0..20_000 {
        let key = key_of("crawled", n);
        let facts = facts_of("crawled", n);
        let stored = store.make(&key, facts, Bytes::from(vec![0; 1_000]));
        store.put(key, stored, &HeaderMap::new(), &|| true);
    }
    let left = hot.filter(|n| is_there(&store, "a", *n)).count();
    assert!(left >= 490, "{left} of 500 are left");
    assert!(usage(&store, "crawled").evicted > 15_000);
}

#[test]
fn the_bound_holds_at_every_moment_and_accounts_agree_with_it() {
    let bytes_max = MIB as u64;
    let store = Store::new(bytes_max, 100);
    let tenants = ["a", "b", "c"];
    for n in 0..5_000_usize {
        // Empty ones count for what is known about them.
        let length = n * 7_919 % 3_000 * (n % 3);
        put(&store, tenants[n % 3], n % 1_500, length);
        if n % 11 == 0 {
            store.remove(&key_of(tenants[n % 2], n % 701));
        }
        assert!(store.bytes() <= bytes_max, "{} bytes", store.bytes());
    }
    let (mut bytes, mut stored) = (0, 0);
    for tenant in tenants {
        let usage = usage(&store, tenant);
        assert!(usage.evicted > 0, "{usage:?}");
        bytes += usage.bytes;
        stored += usage.stored_responses;
    }
    assert_eq!(bytes, store.bytes());
    assert_eq!(stored, store.all().count() as u64);
}

#[test]
fn what_is_too_long_for_the_store_is_not_stored_and_nothing_goes_for_it() {
    let store = Store::new(MIB as u64, 100);
    assert!(put(&store, "a", 0, 1_000));
    assert!(!put(&store, "a", 1, 2 * MIB));
    assert!(is_there(&store, "a", 0));
    assert_eq!(usage(&store, "a").stored_responses, 1);
}

#[test]
fn a_tenant_keeps_to_its_share_by_its_own() {
    let store = Store::new(4 * MIB as u64, 25);
    (0..100).for_each(|n| assert!(put(&store, "small", n, 1_000)));
    (0..200).for_each(|n| assert!(put(&store, "large", n, 1_000)));
    assert!((0..50).all(|n| is_there(&store, "large", n)));
    for n in 200..2_000 {
        assert!(put(&store, "large", n, 1_000), "{n}");
        assert!(usage(&store, "large").bytes <= MIB as u64);
    }
    assert!((0..100).all(|n| is_there(&store, "small", n)));
    let usage = usage(&store, "large");
    assert!(usage.bytes > MIB as u64 / 2 && usage.evicted > 1_000, "{usage:?}");
    assert!(!put(&store, "large", 2_000, MIB), "more than the share");
}

#[test]
fn a_share_spares_what_was_asked_for() {
    let store = Store::new(4 * MIB as u64, 25);
    (0..1_000).for_each(|n| {
        put(&store, "a", n, 1_000);
        assert!(is_there(&store, "a", 0), "asked for at {n}");
    });
}

#[test]
fn an_account_is_closed_when_its_tenant_is_gone_and_nothing_of_it_is_stored() {
    let store = Store::new(MIB as u64, 100);
    put(&store, "a", 0, 10);
    put(&store, "b", 0, 10);
    store.remove(&key_of("b", 0));
    store.close_accounts(|_| true);
    assert_eq!(store.usage(), [usage(&store, "a")]);
}

/// Puts a part of this tenant's in, of so many bytes at this place; whether it is there afterwards.
fn put_part(store: &Arc<Store>, tenant: &str, n: usize, start: usize, length: usize, position: u64) -> bool {
    let range = format!("bytes {start}-{}/{}", start + length - 1, 100 * MIB);
    let headers = HeaderMap::from_iter([
        (http::header::ETAG, HeaderValue::from_static("\"a\"")),
        (http::header::CONTENT_RANGE, range.try_into().expect("letters and digits")),
    ]);
    let part = Part::of(&headers, None).expect("it says what it is");
    let stamp = Stamp { era: Era::default(), position: Position::new(position) };
    let facts = Facts { headers, stamp, ..facts_of(tenant, n) };
    let (key, range) = (key_of(tenant, n), part.range.clone());
    let new = NewPart { part, stands_alone: true, may_be_whole: true };
    store.put_part(&key, facts, &new, &Bytes::from(vec![0; length]), &HeaderMap::new(), &|| true);
    match store.find(&key.for_parts(), &HeaderMap::new()) {
        Found::Response(stored) => stored.segments().is_some_and(|there| there.range(&range).is_some()),
        Found::Other(_) | Found::Nothing => false,
    }
}

#[test]
fn parts_are_weighed_like_anything_else() {
    let store = Arc::new(Store::new(MIB as u64, 100));
    for n in 0..4_000_usize {
        // Neighbours, and some that overlap.
        put_part(&store, ["a", "b"][n % 2], n % 700, n / 700 * 500, 600, 0);
        put(&store, "a", n % 300, n % 700);
        assert!(store.bytes() <= MIB as u64, "{} bytes", store.bytes());
    }
    let (a, b) = (usage(&store, "a"), usage(&store, "b"));
    assert!(a.evicted > 0 && b.evicted > 0, "{a:?} {b:?}");
    assert_eq!(a.bytes + b.bytes, store.bytes());
    assert_eq!(a.stored_responses + b.stored_responses, store.all().count() as u64);
    let held = |stored: Arc<Stored>| stored.segments().map_or(stored.body.len(), Segments::bytes);
    let bodies: usize = store.all().map(|(_, stored)| held(stored)).sum();
    assert!(bodies as u64 <= store.bytes(), "{bodies} bytes of bodies alone");
}

#[test]
fn parts_count_for_their_tenants_share() {
    let store = Arc::new(Store::new(4 * MIB as u64, 25));
    (0..100).for_each(|n| assert!(put(&store, "small", n, 1_000)));
    for n in 0..600 {
        put_part(&store, "large", n / 3, n % 3 * 5_000, 5_000, 0);
        assert!(usage(&store, "large").bytes <= MIB as u64);
    }
    let large = usage(&store, "large");
    assert!(large.bytes > MIB as u64 / 2 && large.evicted > 0, "{large:?}");
    assert!((0..100).all(|n| is_there(&store, "small", n)));
    assert!(!put_part(&store, "large", 1_000, 0, 2 * MIB, 0), "more than the share");
}

#[test]
fn what_is_put_together_is_as_old_as_its_oldest_byte() {
    let check = |positions: [u64; 2], checked: u64, expected: (u64, u64)| {
        let store = Arc::new(Store::new(MIB as u64, 100));
        assert!(put_part(&store, "a", 0, 0, 10, positions[0]));
        let there = || match store.find(&key(0).for_parts(), &HeaderMap::new()) {
            Found::Response(stored) => stored,
            Found::Other(_) | Found::Nothing => panic!("it is there"),
        };
        there().checked_up_to(Position::new(checked));
        assert!(put_part(&store, "a", 0, 10, 10, positions[1]));
        let there = there();
        assert!(there.segments().is_some_and(|segments| segments.range(&(0..20)).is_some()));
        let got = (there.stamp.position.get(), there.valid_up_to().position.get());
        assert_eq!(got, expected, "{positions:?} {checked}");
    };
    check([3, 5], 3, (3, 3));
    check([5, 3], 5, (3, 3));
    // A rule between is known not to match what was there; what comes now is known no further than it was asked for.
    check([3, 5], 4, (3, 4));
    check([3, 5], 9, (3, 5));
}
