//! Who is let in: countries, the web ACL, host names.

use super::*;

#[tokio::test]
async fn a_country_that_is_not_served_gets_a_403_before_any_function_runs() {
    for (kind, refused, served) in [("whitelist", "DE", "US"), ("blacklist", "us", "DE")] {
        let setup = Setup::with(|parts| {
            parts.cdn.pointer_mut(CONFIG).unwrap()["Restrictions"] =
                json!({"GeoRestriction": {"RestrictionType": kind, "Locations": ["US", "CA"]}});
        })
        .await;
        let from = async |country| {
            let headers = [
                ("CloudFront-Viewer-Country", country),
                ("x-viewer", "cached"),
            ];
            setup.get("/a", &headers).await
        };
        let reply = from(refused).await;
        assert_eq!(reply.status, 403, "{kind}");
        assert_eq!(reply.header("x-cache"), "Error from cloudfront");
        let page = String::from_utf8_lossy(&reply.body);
        assert!(page.contains("block access from your country"), "{page}");
        assert_eq!(from(served).await.body, "1", "{kind}: the first to be run");
        assert_eq!(setup.viewer("cached").await.status, 200, "{kind}");
    }
}

/// A web ACL of the other stage, with these rules.
fn web_acl(parts: &mut testing::Parts, rules: &Value) {
    parts.cdn.pointer_mut(CONFIG).unwrap()["WebACLId"] = json!({"Ref": "AclArn"});
    parts.plan["stages"][1]["parameters"]["AclArn"] =
        json!({"source": "output", "stage": "functions", "output": "aclOut"});
    parts.lambda["Outputs"]["aclOut"] = json!({"Value": {"Fn::GetAtt": ["Acl", "Arn"]}});
    parts.lambda["Resources"]["Acl"] = json!({"Type": "AWS::WAFv2::WebACL", "Properties": {
        "DefaultAction": {"Allow": {}}, "Rules": rules}});
}

fn rate(limit: u64) -> Value {
    json!({"Name": "rate", "Priority": 0, "Action": {"Block": {}}, "Statement":
        {"RateBasedStatement": {"AggregateKeyType": "IP", "EvaluationWindowSec": 300, "Limit": limit}}})
}

/// AWS's core rule set, where these rules only count.
fn core(counted: &[&str]) -> Value {
    let counted: Vec<Value> = counted
        .iter()
        .map(|name| json!({"Name": name, "ActionToUse": {"Count": {}}}))
        .collect();
    json!({"Name": "core", "Priority": 1, "OverrideAction": {"None": {}}, "Statement":
        {"ManagedRuleGroupStatement": {"VendorName": "AWS", "Name": "AWSManagedRulesCommonRuleSet",
                                       "RuleActionOverrides": counted}}})
}

const AGENT: (&str, &str) = ("user-agent", "test");

#[tokio::test]
async fn an_address_that_asks_too_often_is_blocked_before_any_function_runs() {
    // Priorities decide, not the order.
    let rules = json!([core(&[]), rate(2)]);
    let setup = Setup::with(|parts| web_acl(parts, &rules)).await;
    let headers = [AGENT, ("x-viewer", "cached")];
    for body in ["1", "2"] {
        assert_eq!(setup.get("/a", &headers).await.body, body);
    }
    let blocked = setup.get("/a", &headers).await;
    assert_eq!(blocked.status, 403);
    assert_eq!(blocked.header("x-cache"), "Error from cloudfront");
    let page = String::from_utf8_lossy(&blocked.body);
    assert!(page.contains("web ACL"), "{page}");
}

#[tokio::test]
async fn the_core_rule_set_blocks_what_is_too_large_or_nameless() {
    let rules = json!([core(&["SizeRestrictions_QUERYSTRING"])]);
    let setup = Setup::with(|parts| web_acl(parts, &rules)).await;
    let path = format!("/{}", "a".repeat(1_024));
    let query = format!("/a?{}", "a".repeat(2_049));
    let body: &'static str = Box::leak("a".repeat(8_193).into_boxed_str());
    let viewer = ("x-viewer", "cached");
    for (what, method, path, headers, body, status) in [
        (
            "nothing",
            "POST",
            "/a",
            &[AGENT, viewer][..],
            &body[..8_192],
            200,
        ),
        ("no name", "POST", "/a", &[viewer][..], "", 403),
        ("the path", "GET", &path, &[AGENT, viewer][..], "", 403),
        ("the body", "POST", "/a", &[AGENT, viewer][..], body, 403),
        ("counted", "GET", &query, &[AGENT, viewer][..], "", 200),
    ] {
        let reply = setup.send(method, path, headers, body).await;
        assert_eq!(reply.status, status, "{what}");
    }
    let rules = json!([core(&[])]);
    let strict = Setup::with(|parts| web_acl(parts, &rules)).await;
    assert_eq!(strict.get(&query, &[AGENT, viewer]).await.status, 403);
}

#[tokio::test]
async fn what_of_a_web_acl_is_not_modelled_is_said_and_blocks_nothing() {
    let mut block_all = rate(1);
    block_all["Name"] = "mine".into();
    block_all["Statement"] = json!({"GeoMatchStatement": {"CountryCodes": ["US"]}});
    let mut narrowed = rate(1);
    narrowed["Name"] = "narrowed".into();
    narrowed["Statement"]["RateBasedStatement"]["ScopeDownStatement"] = json!({});
    let rules = json!([block_all, narrowed, rate(100), core(&[])]);
    let setup = Setup::with(|parts| web_acl(parts, &rules)).await;
    assert_eq!(
        setup.edge.notes(),
        ["these parts of the web ACL aren't modelled: mine, narrowed, the rest of core"]
    );
    for _ in 0..3 {
        let reply = setup.get("/a", &[AGENT, ("x-viewer", "cached")]).await;
        assert_eq!(reply.status, 200);
    }
    for elsewhere in [json!("arn:aws:wafv2:…"), json!({"Ref": "Mine"})] {
        let setup = Setup::with(|parts| {
            parts.cdn.pointer_mut(CONFIG).unwrap()["WebACLId"] = elsewhere;
        })
        .await;
        let [note] = setup.edge.notes() else { panic!() };
        assert!(note.contains("nothing is blocked here"), "{note}");
        assert_eq!(setup.viewer("cached").await.status, 200);
    }
    assert!(Setup::new().await.edge.notes().is_empty());
}

#[tokio::test]
async fn a_distribution_answers_to_its_aliases() {
    let setup = Setup::with(|parts| {
        parts.cdn.pointer_mut(CONFIG).unwrap()["Aliases"] =
            json!(["frames.example.org", "*.b.example"]);
    })
    .await;
    let port = setup.edge.address().port();
    let with_port = format!("frames.example.org:{port}");
    for (host, status) in [
        ("frames.example.org", 200),
        ("FRAMES.example.org", 200),
        (&with_port, 200),
        ("x.b.example", 200),
        ("b.example", 403),
        ("x.y.b.example", 403),
        (".b.example", 403),
        ("frames.example.org:1", 403),
        ("evil.example", 403),
    ] {
        let headers = [("host", host), ("x-viewer", "cached")];
        assert_eq!(setup.get("/a", &headers).await.status, status, "{host}");
    }
    let [note] = setup.edge.notes() else { panic!() };
    assert!(note.contains("plain HTTP"), "{note}");
}

#[tokio::test]
async fn what_a_package_has_beyond_the_model_is_said_at_the_start() {
    let setup = Setup::with(|parts| {
        let config = parts.cdn.pointer_mut(CONFIG).unwrap();
        config["Enabled"] = json!(false);
        config["DefaultRootObject"] = json!("index.html");
        config["Staging"] = json!(false);
        config["Comment"] = json!("said nowhere");
        config["DefaultCacheBehavior"]["FunctionAssociations"] = json!([{}]);
        config["CacheBehaviors"][0]["FunctionAssociations"] = json!([{}]);
        config["Origins"][0]["ResponseCompletionTimeout"] = json!(60);
        parts.lambda["Resources"]["originRole"]["Properties"]["PermissionsBoundary"] =
            json!("arn:aws:iam::111122223333:policy/boundary");
        let resources = &mut parts.cdn["Resources"];
        resources["Delivery"] = json!({"Type": "AWS::Logs::Delivery"});
        resources["Record"] = json!({"Type": "AWS::Route53::RecordSet"});
    })
    .await;
    assert_eq!(
        setup.edge.notes(),
        [
            "the permissions boundary isn't known here: it may forbid what the role allows",
            "not made here: access logs, DNS records",
            "the behavior's `FunctionAssociations` isn't modelled",
            "the distribution is disabled: deployed, it would answer nothing",
            "the distribution's `DefaultRootObject` isn't modelled",
            "the origin's `ResponseCompletionTimeout` isn't modelled",
        ]
    );
}
