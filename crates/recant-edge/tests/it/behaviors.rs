//! Which behaviour a request has, and what follows from it: its origin, its cache policy, its methods, its protocol.

use recant_core::entry::Change;
use recant_core::path_pattern::PathPattern;
use recant_core::spec::{BehaviorSpec, DistributionSpec, PathBehavior, ViewerProtocol};

use crate::support::{Bed, DISABLED, OPTIMIZED, ORIGIN_HEADERS_QUERY, Origin, distribution, ok};

fn on(pattern: &str, behavior: BehaviorSpec) -> PathBehavior {
    PathBehavior { pattern: PathPattern::parse(pattern).unwrap(), behavior }
}

/// A distribution with the origins `main` and `other`, and these behaviours.
async fn bed(behaviors: Vec<PathBehavior>) -> (Bed, Origin, DistributionSpec) {
    let main = Origin::start(|_, _| ok(&["Cache-Control: max-age=60"], "main")).await;
    let other = Origin::start(|_, _| ok(&["Cache-Control: max-age=60"], "other")).await;
    let mut spec = distribution(main.address.port());
    let mut origin = spec.origins[0].clone();
    origin.id = "other".into();
    origin.http_port = other.address.port();
    spec.origins.push(origin);
    spec.path_behaviors = behaviors;
    let bed = Bed::with(main, spec.clone(), |_| {}).await;
    (bed, other, spec)
}

#[tokio::test]
async fn the_first_behavior_whose_pattern_matches_says_which_origin() {
    let behaviors = vec![
        on("/i/*.png", BehaviorSpec::new("main", OPTIMIZED)),
        on("i/*", BehaviorSpec::new("other", OPTIMIZED)),
    ];
    let (bed, _other, _) = bed(behaviors).await;
    for (target, origin) in [
        ("/i/a.png", "main"),
        ("/i/a", "other"),
        ("/i/a?.png", "other"),
        ("/I/a", "main"),
        ("/x", "main"),
        // What it means counts, not how it is spelled.
        ("/x/../i/a", "other"),
        ("/%69/b", "other"),
    ] {
        assert_eq!(bed.get("a.test", target).await.text(), origin, "{target}");
        let again = bed.get("a.test", target).await;
        assert_eq!((again.text(), &*again.header("x-cache")), (origin, "Hit from recant"), "{target}");
    }
    // The origin gets the path as it came.
    assert!(bed.origin.seen().iter().any(|request| request.starts_with("GET /a/I/a ")));
}

#[tokio::test]
async fn each_behavior_has_policies_methods_and_a_protocol_of_its_own() {
    let behaviors = vec![
        on("/live/*", BehaviorSpec::new("main", DISABLED)),
        on("/search", BehaviorSpec::new("main", ORIGIN_HEADERS_QUERY)),
        on(
            "/api/*",
            BehaviorSpec {
                allowed_methods: ["GET", "HEAD", "POST"].map(String::from).into(),
                ..BehaviorSpec::new("main", DISABLED)
            },
        ),
        on(
            "/secure/*",
            BehaviorSpec {
                viewer_protocol: ViewerProtocol::HttpsOnly,
                ..BehaviorSpec::new("main", OPTIMIZED)
            },
        ),
    ];
    let (bed, _other, mut spec) = bed(behaviors).await;
    let hit = async |target: &str| bed.get("a.test", target).await.header("x-cache") == "Hit from recant";
    for (first, second, expected) in [
        ("/live/a", "/live/a", false),
        ("/search?q=1", "/search?q=2", false),
        ("/search?q=1", "/search?q=1", true),
        ("/p?q=1", "/p?q=2", true),
    ] {
        let _ = hit(first).await;
        assert_eq!(hit(second).await, expected, "{first} {second}");
    }
    let status = async |method: &str, target: &str| bed.send(method, "a.test", target, &[]).await.status;
    assert_eq!(status("POST", "/api/x").await, 200);
    assert_eq!(status("DELETE", "/api/x").await, 403);
    assert_eq!(status("POST", "/live/x").await, 403);
    assert_eq!(status("GET", "/secure/x").await, 403);

    // The root has the behaviour of the object that is served for it.
    spec.default_root_object = Some("secure/index.html".into());
    let mut bed = bed;
    bed.apply(&Change::PutDistribution(spec));
    assert_eq!(bed.send("GET", "a.test", "/", &[]).await.status, 403);
}

#[tokio::test]
async fn what_a_request_changes_is_forgotten_under_the_policy_of_its_path() {
    let behaviors = vec![
        on("/search*", BehaviorSpec::new("main", ORIGIN_HEADERS_QUERY)),
        on(
            "/edit",
            BehaviorSpec {
                allowed_methods: ["GET", "HEAD", "POST"].map(String::from).into(),
                ..BehaviorSpec::new("other", DISABLED)
            },
        ),
    ];
    let main = Origin::start(|_, _| ok(&["Cache-Control: max-age=60"], "main")).await;
    let other = Origin::start(|_, _| ok(&["Content-Location: /search?q=1"], "done")).await;
    let mut spec = distribution(main.address.port());
    let mut origin = spec.origins[0].clone();
    origin.id = "other".into();
    origin.http_port = other.address.port();
    spec.origins.push(origin);
    spec.path_behaviors = behaviors;
    let bed = Bed::with(main, spec, |_| {}).await;
    let x_cache = async || bed.get("a.test", "/search?q=1").await.header("x-cache");
    let _ = x_cache().await;
    assert_eq!(x_cache().await, "Hit from recant");
    assert_eq!(bed.send("POST", "a.test", "/edit", &[]).await.text(), "done");
    assert_eq!(x_cache().await, "Miss from recant");
}
