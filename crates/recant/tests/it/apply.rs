//! `--apply`: the example is applied to an empty plane, again, and changed; what is wrong is refused before anything is done.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use crate::rig::{Client, RECANT, Said, Serve, repository};

/// What was done, as the log tells: `created tenant shop-one`.
fn told(serve: &Serve) -> Vec<String> {
    let field = |line: &str, name: &str| {
        let (_, rest) = line.split_once(&format!("{name}=\""))?;
        Some(rest.split_once('"')?.0.to_owned())
    };
    let stderr = serve.stderr();
    let lines = stderr.lines().filter_map(|line| line.split_once(" recant::apply: "));
    lines
        .map(|(_, line)| {
            let done = line.split(' ').next().unwrap();
            format!("{done} {} {}", field(line, "kind").unwrap(), field(line, "name").unwrap())
        })
        .collect()
}

fn tenants(client: &Client) -> Vec<Value> {
    let list = client.ok(&["list-distribution-tenants"]);
    let mut tenants = list["DistributionTenantList"].as_array().cloned().unwrap_or_default();
    // Within a second they are listed in any order.
    tenants.sort_by_key(|tenant| tenant["Name"].to_string());
    tenants
}

const THINGS: [&str; 6] = [
    "connection group europe",
    "cache policy example-pages",
    "distribution example-distribution",
    "tenant shop-one",
    "tenant shop-two",
    "key deploy",
];

#[test]
fn the_example_is_applied_once_and_again() {
    let example = repository("examples/apply.yaml");
    let options = ["--apply", example.to_str().unwrap()];
    let mut serve = Serve::start_with(&options);
    assert_eq!(told(&serve), THINGS.map(|thing| format!("created {thing}")));
    let client = Client::recant(&serve);
    let made = tenants(&client);
    let [one, two] = made.as_slice() else { panic!("{made:?}") };
    assert_eq!((&one["Name"], &two["Name"]), (&json!("shop-one"), &json!("shop-two")));
    assert_ne!(one["ConnectionGroupId"], two["ConnectionGroupId"]);
    let tags = client.ok(&["list-tags-for-resource", "--resource", two["Arn"].as_str().unwrap()]);
    assert_eq!(tags["Tags"]["Items"], json!([{"Key": "plan", "Value": "trial"}]));
    // The key's secret is where it is said to be.
    let credentials = serve.data_dir().join("keys/deploy");
    let deploy = client.with(&[
        ("AWS_SHARED_CREDENTIALS_FILE", credentials.to_str().unwrap()),
        ("AWS_ACCESS_KEY_ID", ""),
        ("AWS_SECRET_ACCESS_KEY", ""),
    ]);
    let said = Said::of(&mut deploy.invalidate(&["one.example", "/a"]));
    assert_eq!(said.status, 0, "{said:?}");
    deploy.refused(&["list-distributions"], "AccessDenied");

    // Everything that was done is in the audit log, by nobody's key.
    let audit =
        Said::of(&mut client.own(&["audit", "--query", "Records[?RequestId=='apply'].[AccessKeyId,Action]"]));
    let audit: Value = serde_json::from_str(&audit.stdout).unwrap();
    let actions = [
        "cloudfront:CreateConnectionGroup",
        "cloudfront:CreateCachePolicy",
        "cloudfront:CreateDistributionWithTags",
        "cloudfront:CreateDistributionTenant",
        "cloudfront:CreateDistributionTenant",
        "recant:CreateKey",
    ];
    assert_eq!(audit, json!(actions.map(|action| [Value::Null, json!(action)])));

    // Again: nothing changes.
    let folder = serve.folder();
    serve.stop();
    drop(serve);
    let mut serve = Serve::start_in(folder.clone(), &options);
    assert_eq!(told(&serve), THINGS.map(|thing| format!("unchanged {thing}")));
    assert_eq!(tenants(&Client::recant(&serve)), made);

    // Something changes: that, and nothing else.
    serve.stop();
    drop(serve);
    let changed = folder.path().join("changed.yaml");
    let text = fs::read_to_string(&example).unwrap();
    let text = text.replace("Value: two", "Value: three").replace("Value: trial", "Value: paid");
    // The second tenant gives its domain to the first one, which comes before it.
    let text = text
        .replace("two.example", "new.example")
        .replace("{Domain: one.example}", "{Domain: one.example}, {Domain: two.example}");
    fs::write(&changed, text.replace("\"cloudfront:GetDistributionTenant*\"", "\"cloudfront:List*\""))
        .unwrap();
    let serve = Serve::start_in(folder, &["--apply", changed.to_str().unwrap()]);
    let expected = [
        "unchanged connection group europe",
        "unchanged cache policy example-pages",
        "unchanged distribution example-distribution",
        "updated tenant shop-one",
        "updated tenant shop-two",
        "updated key deploy",
    ];
    assert_eq!(told(&serve), expected);
    let client = Client::recant(&serve);
    let two = client.ok(&["get-distribution-tenant", "--identifier", "shop-two"]);
    assert_eq!(two["DistributionTenant"]["Parameters"], json!([{"Name": "folder", "Value": "three"}]));
    assert_eq!(two["DistributionTenant"]["Tags"]["Items"], json!([{"Key": "plan", "Value": "paid"}]));
    deploy
        .with(&[("AWS_ENDPOINT_URL_CLOUDFRONT", &format!("http://{}", serve.api))])
        .ok(&["list-distributions"]);
}

/// Policies of every kind, which stand after what names them, as JSON.
fn with_policies(page: &str, comment: &str, header: &str) -> Value {
    let text = fs::read_to_string(repository("examples/distribution.json")).unwrap();
    let mut distribution: Value = serde_json::from_str(&text).unwrap();
    let behavior = &mut distribution["DistributionConfig"]["DefaultCacheBehavior"];
    behavior.as_object_mut().unwrap().remove("CachePolicyId");
    behavior["CachePolicy"] = json!("pages");
    let mut listed = behavior.clone();
    listed["PathPattern"] = json!("/api/*");
    listed["CachePolicy"] = json!("Managed-CachingDisabled");
    listed["OriginRequestPolicy"] = json!("tell");
    listed["ResponseHeadersPolicy"] = json!("mark");
    distribution["DistributionConfig"]["CacheBehaviors"] = json!({"Items": [listed]});
    json!({
        "Distributions": [distribution],
        "CachePolicies": [{"CachePolicyConfig": {
            "Name": "pages", "MinTTL": 1, "ParametersInCacheKeyAndForwardedToOrigin": {
                "EnableAcceptEncodingGzip": true,
                "HeadersConfig": {"HeaderBehavior": "none"},
                "CookiesConfig": {"CookieBehavior": "none"},
                "QueryStringsConfig": {"QueryStringBehavior": "whitelist", "QueryStrings": {"Items": [page]}},
            },
        }}],
        "OriginRequestPolicies": [{"OriginRequestPolicyConfig": {
            "Name": "tell", "Comment": comment,
            "HeadersConfig": {"HeaderBehavior": "none"},
            "CookiesConfig": {"CookieBehavior": "all"},
            "QueryStringsConfig": {"QueryStringBehavior": "all"},
        }}],
        "ResponseHeadersPolicies": [{"ResponseHeadersPolicyConfig": {
            "Name": "mark",
            "CustomHeadersConfig": {"Items": [{"Header": header, "Value": "1", "Override": true}]},
        }}],
    })
}

#[test]
fn policies_of_every_kind_are_declared_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policies.json");
    let options = ["--apply", file.to_str().unwrap()];
    let names = ["cache policy pages", "origin request policy tell", "response headers policy mark"];
    let distribution: Value =
        serde_json::from_str(&fs::read_to_string(repository("examples/distribution.json")).unwrap()).unwrap();
    let distribution = distribution["DistributionConfig"]["CallerReference"].as_str().unwrap();
    let distribution = format!("distribution {distribution}");
    let mut data = None;
    for (declared, done) in [
        (with_policies("page", "", "x-one"), ["created", "created", "created", "created"]),
        (with_policies("page", "", "x-one"), ["unchanged", "unchanged", "unchanged", "unchanged"]),
        // A policy changes, and its distribution's own configuration does not.
        (with_policies("seite", "", "x-one"), ["updated", "unchanged", "unchanged", "unchanged"]),
        (with_policies("seite", "why", "x-two"), ["unchanged", "updated", "updated", "unchanged"]),
    ] {
        fs::write(&file, declared.to_string()).unwrap();
        let mut serve = match data.take() {
            None => Serve::start_with(&options),
            Some(folder) => Serve::start_in(folder, &options),
        };
        let told = told(&serve);
        let expected: Vec<String> = done
            .iter()
            .zip(names.iter().copied().chain([distribution.as_str()]))
            .map(|(done, name)| format!("{done} {name}"))
            .collect();
        assert_eq!(told, expected);
        let client = Client::recant(&serve);
        let of = |operation: &str, list: &str, noun: &str| {
            let listed = client.ok(&[operation, "--type", "custom"]);
            assert_eq!(listed[list]["Quantity"], json!(1));
            listed[list]["Items"][0][noun].clone()
        };
        let cache = of("list-cache-policies", "CachePolicyList", "CachePolicy");
        let tell = of("list-origin-request-policies", "OriginRequestPolicyList", "OriginRequestPolicy");
        let mark = of("list-response-headers-policies", "ResponseHeadersPolicyList", "ResponseHeadersPolicy");
        let given = &declared["CachePolicies"][0]["CachePolicyConfig"];
        let query = |config: &Value| {
            config["ParametersInCacheKeyAndForwardedToOrigin"]["QueryStringsConfig"]["QueryStrings"]["Items"]
                .clone()
        };
        assert_eq!(query(&cache["CachePolicyConfig"]), query(given));
        let listed = client.ok(&["list-distributions"]);
        let config = client.ok(&[
            "get-distribution-config",
            "--id",
            listed["DistributionList"]["Items"][0]["Id"].as_str().unwrap(),
        ]);
        let config = &config["DistributionConfig"];
        assert_eq!(config["DefaultCacheBehavior"]["CachePolicyId"], cache["Id"]);
        let behavior = &config["CacheBehaviors"]["Items"][0];
        assert_eq!(behavior["CachePolicyId"], json!("4135ea2d-6df8-44a3-9df3-4b5a84be39ad"));
        assert_eq!(behavior["OriginRequestPolicyId"], tell["Id"]);
        assert_eq!(behavior["ResponseHeadersPolicyId"], mark["Id"]);
        data = Some(serve.folder());
        serve.stop();
    }
}

#[test]
fn tenants_that_swap_their_domains() {
    let text = fs::read_to_string(repository("examples/apply.yaml")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("swap.yaml");
    let options = ["--apply", file.to_str().unwrap()];
    fs::write(&file, &text).unwrap();
    let mut serve = Serve::start_with(&options);
    let data = serve.folder();
    serve.stop();
    drop(serve);

    let swapped = text
        .replace("one.example", "x.example")
        .replace("two.example", "one.example")
        .replace("x.example", "two.example");
    for (text, done) in [(&swapped, "updated"), (&swapped, "unchanged"), (&text, "updated")] {
        fs::write(&file, text).unwrap();
        let mut serve = Serve::start_in(data.clone(), &options);
        assert_eq!(told(&serve)[3..5], ["shop-one", "shop-two"].map(|name| format!("{done} tenant {name}")));
        let client = Client::recant(&serve);
        let first = if text == &swapped { "shop-two" } else { "shop-one" };
        let found = client.ok(&["get-distribution-tenant-by-domain", "--domain", "one.example"]);
        assert_eq!(found["DistributionTenant"]["Name"], json!(first));
        assert_eq!(found["DistributionTenant"]["Domains"].as_array().unwrap().len(), 1);
        // Each change is noted by its operation's name.
        let query = "Records[?Action=='cloudfront:UpdateDistributionTenant'].RequestId";
        let audit = Said::of(&mut client.own(&["audit", "--query", query]));
        let updates: Vec<String> = serde_json::from_str(&audit.stdout).unwrap();
        assert_eq!(updates, vec!["apply"; if text == &swapped { 2 } else { 4 }]);
        serve.stop();
    }
}

#[test]
fn a_file_that_is_wrong_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let text = fs::read_to_string(repository("examples/apply.yaml")).unwrap();
    let refused = |name: &str, text: &str, expected: &str| {
        let file = folder.path().join(name);
        fs::write(&file, text).unwrap();
        let mut command = Command::new(RECANT);
        command.arg("plane").arg("--data-dir").arg(&data_dir).args(["--api", "127.0.0.1:0"]);
        let said = Said::of(command.arg("--apply").arg(&file));
        assert_eq!(said.status, 1, "{said:?}");
        assert!(said.stderr.contains(&format!("{}: {expected}", file.display())), "{said:?}");
        assert!(!said.stderr.contains(" recant::apply: "), "{said:?}");
    };
    refused("a.yaml", &text.replace("Keys:", " Keys:"), "it is no YAML: line 5");
    refused("a.json", "{\"Keys\": [}", "it is no JSON: Expecting value: line 1 column 11");
    let reference = text.replace("Distribution: example-distribution", "Distribution: other");
    let expected =
        "DistributionTenants[0]: Distribution: CallerReference 'other' is neither declared nor there";
    refused("b.yaml", &reference, expected);
    let parameter = text.replace("Parameters: [{Name: folder, Value: two}]", "Parameters: []");
    refused("c.yaml", &parameter, "DistributionTenants[1]: ");
    let group = text.replace("ConnectionGroup: europe", "ConnectionGroup: asia");
    refused(
        "d.yaml",
        &group,
        "DistributionTenants[1]: ConnectionGroup: 'asia' is neither declared nor there",
    );
    let policy = text.replace("CachePolicy: example-pages", "CachePolicy: pages");
    let expected =
        "Distributions[0]: DistributionConfig.DefaultCacheBehavior.CachePolicy: 'pages' is neither";
    refused("f.yaml", &policy, expected);
    let policy = text.replace("HeaderBehavior: none", "HeaderBehavior: some");
    refused("g.yaml", &policy, "CachePolicies[0]: ");
    let action = text.replace("cloudfront:*Invalidation*", "cloudfront:Fly");
    refused("e.yaml", &action, "Keys[0]: Policy: 'cloudfront:fly' names no action. (InvalidArgument)");
}

/// A rotation leaves two keys of one name: the declaration means the one that works.
#[test]
fn a_declared_key_may_be_rotated() {
    let example = repository("examples/apply.yaml");
    let options = ["--apply", example.to_str().unwrap()];
    let mut serve = Serve::start_with(&options);
    let root = Client::recant(&serve);
    let deploy = |root: &Client| {
        let query = "Keys[?Name=='deploy'].[AccessKeyId,Status]";
        let listed = Said::of(&mut root.own(&["keys", "list", "--query", query]));
        serde_json::from_str::<Vec<(String, String)>>(&listed.stdout).unwrap()
    };
    let [(old, _)] = &deploy(&root)[..] else { panic!("one key is declared") };
    let rotated = Said::of(&mut root.own(&["keys", "rotate", old, "--disable-old"]));
    assert_eq!(rotated.status, 0, "{rotated:?}");
    let keys = deploy(&root);
    assert_eq!(keys.len(), 2);
    let folder = serve.folder();
    serve.stop();
    drop(serve);

    let serve = Serve::start_in(folder, &options);
    assert_eq!(told(&serve).last().unwrap(), "unchanged key deploy");
    assert_eq!(deploy(&Client::recant(&serve)), keys, "neither is another one");
}
