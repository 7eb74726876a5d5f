use super::{Selection, read};
use crate::testing::{self, Parts};
use serde_json::json;

fn complaint(change: impl FnOnce(&mut Parts)) -> String {
    let dir = testing::package(change);
    read(dir.path()).unwrap_err().to_string()
}

#[test]
fn the_chain_leads_from_the_distribution_to_the_zips() {
    let dir = testing::package(|_| {});
    let package = read(dir.path()).unwrap();
    let behavior = package.distribution.behavior("/anything").unwrap();
    let association = behavior.origin_request_function.as_ref().unwrap();
    assert!(association.include_body && behavior.pattern.is_none());
    let function = &package.functions[&association.function];
    assert_eq!(
        (function.name.as_str(), function.timeout.as_secs()),
        ("test-origin", testing::TIMEOUT)
    );
    assert_eq!(function.zip, dir.path().join("origin.zip"));
    assert_eq!(
        behavior.cache.key.headers,
        Selection::Listed(vec!["accept".to_owned()])
    );
    assert_eq!(package.distribution.error_ttl[&404], 0);
    let special = package.distribution.behavior("/get-only/x").unwrap();
    assert_eq!(special.allowed_methods, ["GET", "HEAD"]);
}

#[test]
fn a_missing_link_is_named() {
    let text = complaint(|p| p.plan["stages"][1]["parameters"] = json!({}));
    assert!(
        text.contains("plan.json: parameters: `ViewerArn` is missing"),
        "{text}"
    );
    let text = complaint(|p| p.lambda["Outputs"] = json!({}));
    assert!(
        text.contains("lambda.json: Outputs: `viewerOut` is missing"),
        "{text}"
    );
    let text =
        complaint(|p| p.lambda["Resources"]["viewerV1"]["Type"] = json!("AWS::Lambda::Alias"));
    assert!(
        text.contains("Resources.viewerV1.Type: `AWS::Lambda::Version` was expected"),
        "{text}"
    );
    let text = complaint(|p| {
        p.lambda["Resources"]["viewerFn"]["Properties"]["Code"]["S3Key"] = json!("k/other.zip")
    });
    assert!(text.contains("no artifact of this key"), "{text}");
    let text = complaint(|p| p.cdn["Resources"]["Cache"] = json!({"Type": "x"}));
    assert!(text.contains("Resources.Cache.Type"), "{text}");
    let text = complaint(|p| p.cdn["Resources"] = json!({}));
    assert!(
        text.contains("no stage has a CloudFront distribution"),
        "{text}"
    );
}

#[test]
fn what_the_edge_does_not_model_is_refused_not_ignored() {
    let config = |p: &mut Parts, pointer: &str, value| {
        let path = format!("/Resources/Distribution/Properties/DistributionConfig{pointer}");
        let (parent, key) = path.rsplit_once('/').unwrap();
        p.cdn.pointer_mut(parent).unwrap()[key] = value;
    };
    for (pointer, value, words) in [
        (
            "/DefaultCacheBehavior/LambdaFunctionAssociations/0/EventType",
            json!("viewer-response"),
            "only at viewer-request, origin-request and origin-response",
        ),
        (
            "/DefaultCacheBehavior/CachePolicyId",
            json!("00000000-0000-0000-0000-000000000000"),
            "managed cache policy",
        ),
        (
            "/DefaultCacheBehavior/TargetOriginId",
            json!("other"),
            "no origin has this id",
        ),
        (
            "/Origins/0/CustomOriginConfig/OriginProtocolPolicy",
            json!("match-viewer"),
            "HTTPS only",
        ),
        (
            "/Restrictions",
            json!({"GeoRestriction": {"RestrictionType": "greylist"}}),
            "does not model `greylist`",
        ),
    ] {
        let text = complaint(|p| config(p, pointer, value));
        assert!(text.contains(words), "{text}");
    }
}

#[test]
fn a_file_name_stays_in_the_package() {
    for name in ["../viewer.zip", "/etc/passwd", "", ".."] {
        let text = complaint(|p| p.plan["stages"][0]["artifacts"][0]["file"] = json!(name));
        assert!(text.contains("a plain file name was expected"), "{text}");
    }
}

#[test]
fn the_reader_is_found_behind_its_url() {
    let dir = testing::package(Parts::read_by_url);
    let package = read(dir.path()).unwrap();
    let reader = package.reader.unwrap();
    let (id, rest) = reader.host.split_once('.').unwrap();
    assert_eq!((id.len(), rest), (32, "lambda-url.us-west-2.on.aws"));
    assert!(reader.callable && reader.region == "us-west-2");
    assert_eq!(reader.function.name, "test-reader");
    assert_eq!(reader.function.region.as_deref(), Some("us-west-2"));
    assert_eq!(reader.statements.len(), 1);
    let headers = &package.distribution.origins["o"].custom_headers;
    let expected = [("X-Reader", reader.host.as_str()), ("X-Fixed", "a")];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(headers, &expected);
    assert!(
        read(testing::package(|_| {}).path())
            .unwrap()
            .reader
            .is_none()
    );
}

/// The URL runs a version of the zip that is in the package, and nothing else.
#[test]
fn a_url_goes_through_its_alias_to_a_published_version() {
    for (pointer, value, told) in [
        (
            "Url/Properties/Qualifier",
            json!(null),
            "`Qualifier` is missing",
        ),
        (
            "Url/Properties/Qualifier",
            json!("other"),
            "the name of an alias",
        ),
        (
            "Alias/Properties/FunctionName/Ref",
            json!("Url"),
            "the name of an alias",
        ),
        (
            "Alias/Properties/FunctionVersion",
            json!({"Fn::GetAtt": ["readerV1", "Arn"]}),
            "a version of this template",
        ),
        (
            "Alias/Properties/FunctionVersion",
            json!({"Fn::GetAtt": ["Url", "Version"]}),
            "Resources.Url",
        ),
        (
            "readerV1/Properties/FunctionName/Ref",
            json!("Url"),
            "a version of the function behind",
        ),
        (
            "readerV1/Properties/CodeSha256",
            json!("AAAA"),
            "this isn't the digest",
        ),
    ] {
        let text = complaint(|parts| {
            parts.read_by_url();
            let resources = &mut parts.reads.as_mut().unwrap()["Resources"];
            *resources.pointer_mut(&format!("/{pointer}")).unwrap() = value;
        });
        assert!(
            text.contains("reads.json") && text.contains(told),
            "{pointer}: {text}"
        );
    }
}

/// Permissions count where they are on the alias.
#[test]
fn a_permission_on_the_bare_function_lets_nobody_call_the_alias() {
    let dir = testing::package(|parts| {
        parts.read_by_url();
        let resources = &mut parts.reads.as_mut().unwrap()["Resources"];
        resources["RunPermission"]["Properties"]["FunctionName"] = json!({"Ref": "readerFn"});
    });
    assert!(!read(dir.path()).unwrap().reader.unwrap().callable);
}

#[test]
fn a_url_that_is_open_or_not_streamed_is_refused() {
    for (key, value) in [("AuthType", "NONE"), ("InvokeMode", "BUFFERED")] {
        let text = complaint(|parts| {
            parts.read_by_url();
            parts.reads.as_mut().unwrap()["Resources"]["Url"]["Properties"][key] = json!(value);
        });
        let place = format!("reads.json: Resources.Url.Properties.{key}");
        assert!(text.contains(&place), "{text}");
    }
}
