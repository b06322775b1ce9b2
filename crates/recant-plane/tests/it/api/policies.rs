//! Policies: made, read, changed, removed, listed, and named by distributions.

use serde_json::{Value, json};

use super::rig::{Rig, distribution_config};

const OPTIMIZED: &str = "658327ea-f89d-4fab-a63d-7e88639e58f6";

/// How the API names one kind of policy.
struct Kind {
    noun: &'static str,
    path: &'static str,
    /// What a behaviour names it by.
    member: &'static str,
    managed: &'static str,
    /// How many managed ones there are.
    managed_count: usize,
    list: &'static str,
    too_many: &'static str,
}

const CACHE: Kind = Kind {
    noun: "CachePolicy",
    path: "cache-policy",
    member: "CachePolicyId",
    managed: OPTIMIZED,
    managed_count: 11,
    list: "ListCachePolicies",
    too_many: "TooManyCachePolicies",
};

const ORIGIN_REQUEST: Kind = Kind {
    noun: "OriginRequestPolicy",
    path: "origin-request-policy",
    member: "OriginRequestPolicyId",
    managed: "b689b0a8-53d0-40ab-baf2-68738e2966ac",
    managed_count: 7,
    list: "ListOriginRequestPolicies",
    too_many: "TooManyOriginRequestPolicies",
};

const RESPONSE_HEADERS: Kind = Kind {
    noun: "ResponseHeadersPolicy",
    path: "response-headers-policy",
    member: "ResponseHeadersPolicyId",
    managed: "67f7725c-6f97-4210-82d7-5512b31e9d03",
    managed_count: 5,
    list: "ListResponseHeadersPolicies",
    too_many: "TooManyResponseHeadersPolicies",
};

const KINDS: [Kind; 3] = [CACHE, ORIGIN_REQUEST, RESPONSE_HEADERS];

impl Kind {
    fn config(&self, name: &str) -> Value {
        match self.noun {
            "CachePolicy" => json!({
                "Comment": "by language",
                "Name": name,
                "DefaultTTL": 60,
                "MaxTTL": 600,
                "MinTTL": 1,
                "ParametersInCacheKeyAndForwardedToOrigin": {
                    "EnableAcceptEncodingGzip": true,
                    "EnableAcceptEncodingBrotli": false,
                    "HeadersConfig": {
                        "HeaderBehavior": "whitelist",
                        "Headers": {"Quantity": 1, "Items": ["accept-language"]},
                    },
                    "CookiesConfig": {"CookieBehavior": "none"},
                    "QueryStringsConfig": {
                        "QueryStringBehavior": "allExcept",
                        "QueryStrings": {"Quantity": 1, "Items": ["utm_source"]},
                    },
                },
            }),
            "OriginRequestPolicy" => json!({
                "Comment": "",
                "Name": name,
                "HeadersConfig": {
                    "HeaderBehavior": "allViewerAndWhitelistCloudFront",
                    "Headers": {"Quantity": 1, "Items": ["cloudfront-viewer-address"]},
                },
                "CookiesConfig": {
                    "CookieBehavior": "whitelist",
                    "Cookies": {"Quantity": 1, "Items": ["session"]},
                },
                "QueryStringsConfig": {"QueryStringBehavior": "all"},
            }),
            "ResponseHeadersPolicy" => json!({
                "Name": name,
                "CorsConfig": {
                    "AccessControlAllowOrigins": {"Quantity": 1, "Items": ["https://*.a.test"]},
                    "AccessControlAllowHeaders": {"Quantity": 1, "Items": ["X-A"]},
                    "AccessControlAllowMethods": {"Quantity": 1, "Items": ["ALL"]},
                    "AccessControlAllowCredentials": true,
                    "OriginOverride": true,
                },
                "ServerTimingHeadersConfig": {"Enabled": true, "SamplingRate": 12.5},
                "CustomHeadersConfig": {"Quantity": 1, "Items": [
                    {"Header": "X-B", "Value": "1", "Override": false},
                ]},
                "RemoveHeadersConfig": {"Quantity": 1, "Items": [{"Header": "X-Powered-By"}]},
            }),
            other => panic!("no {other}"),
        }
    }

    fn operation(&self, verb: &str, rest: &str) -> String {
        format!("{verb}{}{rest}", self.noun)
    }

    fn config_member(&self) -> String {
        format!("{}Config", self.noun)
    }

    fn create(&self, rig: &Rig, name: &str) -> (String, String) {
        let made = rig.ok(&self.operation("Create", ""), json!({self.config_member(): self.config(name)}));
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&made[self.noun]["Id"]), text(&made["ETag"]))
    }

    fn update(&self, rig: &Rig, id: &str, etag: &str, config: &Value) -> super::rig::Reply {
        let input = json!({"Id": id, "IfMatch": etag, self.config_member(): config});
        rig.call(&self.operation("Update", ""), input)
    }

    fn delete(&self, rig: &Rig, id: &str, etag: Option<&str>) -> super::rig::Reply {
        rig.call(&self.operation("Delete", ""), json!({"Id": id, "IfMatch": etag}))
    }

    fn error(&self, start: &str, end: &str) -> String {
        format!("{start}{}{end}", self.noun)
    }
}

#[test]
fn the_life_of_a_policy() {
    let rig = Rig::start();
    for kind in KINDS {
        let input = json!({kind.config_member(): kind.config("one")});
        let reply = rig.call(&kind.operation("Create", ""), input.clone());
        let made = reply.output(&kind.operation("Create", ""));
        let id = made[kind.noun]["Id"].as_str().unwrap();
        assert_eq!(made[kind.noun][kind.config_member()], kind.config("one"), "{}", kind.noun);
        let place = format!("http://{}/2020-05-31/{}/{id}", rig.address, kind.path);
        assert_eq!(
            (reply.header("location"), reply.header("etag")),
            (&*place, made["ETag"].as_str().unwrap())
        );
        let got = rig.ok(&kind.operation("Get", ""), json!({"Id": id}));
        assert_eq!((&got[kind.noun], &got["ETag"]), (&made[kind.noun], &made["ETag"]));
        let got = rig.ok(&kind.operation("Get", "Config"), json!({"Id": id}));
        assert_eq!((&got[kind.config_member()], &got["ETag"]), (&kind.config("one"), &made["ETag"]));

        let etag = made["ETag"].as_str().unwrap();
        rig.call(&kind.operation("Create", ""), input).refused(409, &kind.error("", "AlreadyExists"));
        kind.create(&rig, "two");
        kind.update(&rig, id, etag, &kind.config("two")).refused(409, &kind.error("", "AlreadyExists"));
        kind.update(&rig, id, "ESTALE", &kind.config("three")).refused(412, "PreconditionFailed");
        kind.update(&rig, id, "", &kind.config("three")).refused(400, "InvalidIfMatchVersion");
        kind.update(&rig, "none", etag, &kind.config("three")).refused(404, &kind.error("NoSuch", ""));
        let changed = kind.update(&rig, id, etag, &kind.config("three"));
        let changed = changed.output(&kind.operation("Update", ""));
        assert_eq!(changed[kind.noun][kind.config_member()]["Name"], "three");
        assert_ne!(changed["ETag"], made["ETag"]);
        kind.create(&rig, "one");

        let etag = changed["ETag"].as_str().unwrap();
        kind.delete(&rig, id, None).refused(400, "InvalidIfMatchVersion");
        kind.delete(&rig, id, Some("ESTALE")).refused(412, "PreconditionFailed");
        assert_eq!(kind.delete(&rig, id, Some(etag)).status, 204);
        kind.delete(&rig, id, Some(etag)).refused(404, &kind.error("NoSuch", ""));
        rig.call(&kind.operation("Get", ""), json!({"Id": id})).refused(404, &kind.error("NoSuch", ""));
    }
}

#[test]
fn managed_policies_are_there_and_stay() {
    let rig = Rig::start();
    for kind in KINDS {
        let got = rig.ok(&kind.operation("Get", ""), json!({"Id": kind.managed}));
        let config = got[kind.noun][kind.config_member()].clone();
        let name = config["Name"].as_str().unwrap().to_owned();
        assert_eq!(got[kind.noun]["LastModifiedTime"], "1970-01-01T00:00:00.000Z");
        let etag = got["ETag"].as_str().unwrap();
        kind.update(&rig, kind.managed, etag, &kind.config("x")).refused(400, "IllegalUpdate");
        kind.delete(&rig, kind.managed, Some(etag)).refused(400, "IllegalDelete");
        let taken = json!({kind.config_member(): kind.config(&name)});
        rig.call(&kind.operation("Create", ""), taken).refused(409, &kind.error("", "AlreadyExists"));
        // What a managed policy says may be said by a custom one.
        let mut copy = config;
        copy["Name"] = json!("a-copy");
        let made = rig.ok(&kind.operation("Create", ""), json!({kind.config_member(): copy}));
        assert_eq!(made[kind.noun][kind.config_member()], copy);
    }
}

#[test]
fn policies_are_listed_by_type_and_page() {
    let rig = Rig::start();
    for kind in KINDS {
        let mut custom: Vec<String> = (0..3).map(|n| kind.create(&rig, &format!("n{n}")).0).collect();
        custom.sort();
        let list = format!("{}List", kind.noun);
        let ids = |page: &Value| -> Vec<String> {
            let items = page[&list]["Items"].as_array().cloned().unwrap_or_default();
            items.iter().map(|it| it[kind.noun]["Id"].as_str().unwrap().to_owned()).collect()
        };
        let of_type = |word: &str| rig.ok(kind.list, json!({"Type": word}));
        assert_eq!(ids(&of_type("custom")), custom);
        assert_eq!(ids(&of_type("managed")).len(), kind.managed_count);
        assert!(
            of_type("managed")[&list]["Items"].as_array().unwrap().iter().all(|it| it["Type"] == "managed")
        );
        rig.call(kind.list, json!({"Type": "other"})).refused(400, "InvalidArgument");

        let (mut seen, mut marker) = (Vec::new(), Value::Null);
        loop {
            let page = rig.ok(kind.list, json!({"MaxItems": "2", "Marker": marker}));
            assert_eq!(
                (&page[&list]["MaxItems"], page[&list]["Quantity"].as_u64().unwrap() <= 2),
                (&json!(2), true)
            );
            seen.extend(ids(&page));
            match page[&list].get("NextMarker") {
                Some(next) => marker = next.clone(),
                None => break,
            }
        }
        assert_eq!(seen.len(), kind.managed_count + 3);
        assert!(seen.is_sorted() && custom.iter().all(|id| seen.contains(id)), "{seen:?}");
    }
}

#[test]
fn there_are_only_so_many() {
    let rig = Rig::start();
    for kind in KINDS {
        for n in 0..20 {
            kind.create(&rig, &format!("n{n}"));
        }
        let input = json!({kind.config_member(): kind.config("one-more")});
        rig.call(&kind.operation("Create", ""), input).refused(400, kind.too_many);
    }
}

#[test]
fn what_a_distribution_names_is_there_and_stays() {
    let rig = Rig::start();
    for kind in KINDS {
        let (id, etag) = kind.create(&rig, "one");
        let mut config = distribution_config(kind.noun);
        config["DefaultCacheBehavior"][kind.member] = json!("ffffffff-ffff-4fff-bfff-ffffffffffff");
        let refused = rig.call("CreateDistribution", json!({"DistributionConfig": config}));
        let message = refused.refused(404, &kind.error("NoSuch", ""));
        assert!(
            message.starts_with(&format!("DistributionConfig.DefaultCacheBehavior.{}", kind.member)),
            "{message}"
        );

        config["DefaultCacheBehavior"][kind.member] = json!(id);
        let made = rig.ok("CreateDistribution", json!({"DistributionConfig": config}));
        kind.delete(&rig, &id, Some(&etag)).refused(409, &kind.error("", "InUse"));
        let changed = kind.update(&rig, &id, &etag, &kind.config("renamed"));
        let etag = changed.output(&kind.operation("Update", ""))["ETag"].as_str().unwrap().to_owned();
        // A policy is no part of the distribution's own configuration.
        let got = rig.ok("GetDistribution", json!({"Id": made["Distribution"]["Id"]}));
        assert_eq!(got["ETag"], made["ETag"]);
        assert_eq!(got["Distribution"]["DistributionConfig"]["DefaultCacheBehavior"][kind.member], json!(id));

        config["DefaultCacheBehavior"][kind.member] = json!(kind.managed);
        let input =
            json!({"Id": made["Distribution"]["Id"], "IfMatch": made["ETag"], "DistributionConfig": config});
        rig.ok("UpdateDistribution", input);
        assert_eq!(kind.delete(&rig, &id, Some(&etag)).status, 204);
    }
}

#[test]
fn a_cache_policy_says_what_is_honoured() {
    let rig = Rig::start();
    let check = |pointer: &str, value: Value, code: &str| {
        let mut config = CACHE.config("n");
        *config.pointer_mut(pointer).unwrap() = value;
        rig.call("CreateCachePolicy", json!({"CachePolicyConfig": config})).refused(400, code);
    };
    let parameters = "/ParametersInCacheKeyAndForwardedToOrigin";
    check("/Name", json!("a b"), "InvalidArgument");
    check("/MaxTTL", json!(59), "InvalidArgument");
    check("/MinTTL", Value::Null, "MalformedXML");
    check(&format!("{parameters}/HeadersConfig/HeaderBehavior"), json!("all"), "MalformedXML");
    check(&format!("{parameters}/HeadersConfig/Headers/Quantity"), json!(2), "InconsistentQuantities");
    check(&format!("{parameters}/HeadersConfig/Headers/Items"), json!(["Cookie"]), "InvalidArgument");
    let many: Vec<String> = (0..11).map(|n| format!("q{n}")).collect();
    check(
        &format!("{parameters}/QueryStringsConfig/QueryStrings"),
        json!({"Quantity": 11, "Items": many}),
        "TooManyQueryStringsInCachePolicy",
    );
    // The least that can be said, and what is understood of it.
    let least = json!({"CachePolicyConfig": {"Name": "least", "MinTTL": 0}});
    let made = rig.ok("CreateCachePolicy", least);
    let config = &made["CachePolicy"]["CachePolicyConfig"];
    assert_eq!((&config["DefaultTTL"], &config["MaxTTL"]), (&json!(86_400), &json!(31_536_000)));
}

#[test]
fn distributions_are_listed_by_what_they_name() {
    let rig = Rig::start();
    for kind in KINDS {
        let operation = format!("ListDistributionsBy{}", kind.member);
        let (id, _) = kind.create(&rig, "listed");
        let list = |id: &str, more: Value| {
            let mut input = more;
            input[kind.member] = json!(id);
            rig.call(&operation, input)
        };
        let empty = list(&id, json!({})).output(&operation);
        assert_eq!(empty["DistributionIdList"]["Quantity"], json!(0));
        list("none", json!({})).refused(404, &kind.error("NoSuch", ""));

        // By the default behaviour, by another one, by both; and one whose origin is told a text that looks alike.
        let make = |reference: &str, default: bool, listed: bool| {
            let mut config = distribution_config(&format!("{}-{reference}", kind.noun));
            let other = config["DefaultCacheBehavior"].clone();
            let named = |mut behavior: Value, named: bool| {
                if named {
                    behavior[kind.member] = json!(id);
                }
                behavior
            };
            config["DefaultCacheBehavior"] = named(other.clone(), default);
            let mut path = named(other, listed);
            path["PathPattern"] = json!("/x/*");
            config["CacheBehaviors"] = json!({"Quantity": 1, "Items": [path]});
            let text =
                format!("\"cache_policy_id\":\"{id}\",\"response_headers_policy\":{{\"id\":\"{id}\"}}");
            config["Origins"]["Items"][0]["CustomHeaders"] =
                json!({"Quantity": 1, "Items": [{"HeaderName": "x-look-alike", "HeaderValue": text}]});
            let made = rig.ok("CreateDistribution", json!({"DistributionConfig": config}));
            made["Distribution"]["Id"].clone()
        };
        let expected = [make("a", true, false), make("b", false, true), make("c", true, true)];
        let neither = make("d", false, false);
        let found = list(&id, json!({})).output(&operation);
        assert_eq!(found["DistributionIdList"]["Items"], json!(expected), "{}", kind.noun);
        let page = list(&id, json!({"MaxItems": "2"})).output(&operation);
        let page = &page["DistributionIdList"];
        assert_eq!((&page["Items"], &page["IsTruncated"]), (&json!(expected[..2]), &json!(true)));
        assert_eq!(page["NextMarker"], expected[1]);
        let page = list(&id, json!({"MaxItems": "2", "Marker": page["NextMarker"]})).output(&operation);
        let page = &page["DistributionIdList"];
        assert_eq!((&page["Items"], &page["IsTruncated"]), (&json!(expected[2..]), &json!(false)));
        list(&id, json!({"Marker": "ENONE"})).refused(400, "InvalidArgument");
        // A managed one is found, too.
        let managed = list(kind.managed, json!({})).output(&operation);
        let managed = managed["DistributionIdList"]["Items"].as_array().cloned().unwrap_or_default();
        assert_eq!(managed.contains(&neither), kind.noun == "CachePolicy", "{managed:?}");
    }
}
