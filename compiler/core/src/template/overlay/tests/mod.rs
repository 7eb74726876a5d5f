mod added;
mod again;
mod compiled;
mod passes;
mod sound;

use super::*;
use crate::source::Source;
use crate::syntax::parse;

const CDN: &str = include_str!("../../../../../../tests/golden/example/cdn.template.json");
const LAMBDA_EDGE: &str =
    include_str!("../../../../../../tests/golden/example/lambda-edge.template.json");

const READS: &str = include_str!("../../../../../../tests/golden/reads/reads.template.json");

const HOSPITAL: &str =
    include_str!("../../../../../../tests/golden/hospital/lambda-edge.template.json");

/// The names of the delivery in these tests.
const NAMES: &[&str] = &["frames.example.org", "*.images.example.org"];

fn findings(template: &str, overlay: &str) -> (Value, Vec<Finding>) {
    let compiled: Value = serde_json::from_str(template).unwrap();
    let (node, found) = parse(&Source::new("overlay", overlay));
    assert_eq!(found, [], "{overlay}");
    let node = node.unwrap();
    let mut finished = compiled.clone();
    merge(&mut finished, &node);
    let names: Vec<String> = NAMES.iter().map(|name| (*name).to_owned()).collect();
    let found = check(&Overlaid {
        compiled: &compiled,
        finished: &finished,
        overlay: &node,
        names: &names,
    });
    (finished, found)
}

/// The finished template, and what is unsafe in it: paths and reasons.
fn apply(template: &str, overlay: &str) -> (Value, Vec<(String, String)>) {
    let (finished, found) = findings(template, overlay);
    let unsafe_ones = found.into_iter().filter(|one| one.kind == Kind::Unsafe);
    let unsafe_ones: Vec<Finding> = unsafe_ones.collect();
    // What may be deployed may be deployed again.
    if unsafe_ones.is_empty() {
        let names: Vec<String> = NAMES.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(
            recheck(&finished, &names),
            Vec::<String>::new(),
            "{overlay}"
        );
    }
    (
        finished,
        unsafe_ones
            .into_iter()
            .map(|one| (one.path, one.what))
            .collect(),
    )
}

#[test]
fn what_is_added_or_tuned_passes() {
    let (merged, opened) = apply(
        CDN,
        "Outputs: {Zone: {Value: x}}\nResources:\n  Distribution: {Properties: {DistributionConfig: {Comment: mine, PriceClass: PriceClass_100}}}\n  Topic: {Type: AWS::SNS::Topic}\n",
    );
    assert_eq!(opened, []);
    assert_eq!(
        merged["Resources"]["Distribution"]["Properties"]["DistributionConfig"]["Comment"],
        "mine"
    );
    assert_eq!(merged["Outputs"]["Zone"]["Value"], "x");
    assert!(merged["Outputs"]["Url"].is_object());
}

#[test]
fn whatever_opens_the_endpoint_is_found() {
    let distribution = |rest: &str| {
        format!("Resources: {{Distribution: {{Properties: {{DistributionConfig: {rest}}}}}}}")
    };
    let cases = [
        (CDN, distribution("{DefaultCacheBehavior: {LambdaFunctionAssociations: []}}"), "without the authorizer"),
        (CDN, distribution("{DefaultCacheBehavior: {LambdaFunctionAssociations: null}}"), "without the authorizer"),
        (CDN, distribution("{CacheBehaviors: [{PathPattern: /x, TargetOriginId: healthimaging, ViewerProtocolPolicy: https-only}]}"), "without the authorizer"),
        (CDN, distribution("{DefaultCacheBehavior: {ViewerProtocolPolicy: allow-all}}"), "plain HTTP from the viewer"),
        (CDN, distribution("{DefaultCacheBehavior: {ViewerProtocolPolicy: redirect-to-https}}"), "plain HTTP from the viewer"),
        (CDN, distribution("{CacheBehaviors: {'Fn::If': [a, [], []]}}"), "can't be checked"),
        (CDN, distribution("{DefaultCacheBehavior: {FunctionAssociations: [{EventType: viewer-request, FunctionARN: x}]}}"), "without the authorizer"),
        (CDN, distribution("{Origins: [{Id: healthimaging, DomainName: x, CustomOriginConfig: {OriginProtocolPolicy: http-only}}]}"), "plain HTTP to the origin"),
        (CDN, "Resources: {AccessLogs: {Properties: {PublicAccessBlockConfiguration: {BlockPublicAcls: false}}}}".to_owned(), "made public"),
        (CDN, "Resources: {Mine: {Type: AWS::S3::Bucket}}".to_owned(), "made public"),
        (CDN, "Resources: {Mine: {Type: AWS::S3::BucketPolicy, Properties: {PolicyDocument: {Statement: [{Effect: Allow, Principal: {AWS: '*'}}]}}}}".to_owned(), "wildcard principal"),
        (CDN, "Transform: AWS::Serverless-2016-10-31".to_owned(), "a transform"),
        (CDN, "Resources: {Distribution: {Type: AWS::SNS::Topic}}".to_owned(), "isn't one"),
        (LAMBDA_EDGE, "Resources: {AuthorizerFunction: {Properties: {Code: {S3Key: mine.zip}}}}".to_owned(), "another program"),
        (LAMBDA_EDGE, "Outputs: {AuthorizerVersionArn: {Value: mine}}".to_owned(), "another version"),
    ];
    for (template, overlay, expected) in cases {
        let (_, opened) = apply(template, &overlay);
        assert!(
            opened.iter().any(|(_, what)| what.contains(expected)),
            "{overlay}: {opened:?}"
        );
    }
}

fn policy(kind: &str, key: &str, document: &str) -> String {
    format!("Resources: {{Mine: {{Type: '{kind}', Properties: {{{key}: {document}}}}}}}")
}

fn is_found(template: &str, overlay: &str, expected: &str) {
    let (_, opened) = apply(template, overlay);
    assert!(
        opened.iter().any(|(_, what)| what.contains(expected)),
        "{overlay}: {opened:?}"
    );
}

#[test]
fn findings_stand_where_the_overlay_says_it() {
    let text = "Resources:\n  Distribution:\n    Properties:\n      DistributionConfig:\n        DefaultCacheBehavior:\n          ViewerProtocolPolicy: allow-all\n";
    let (_, found) = findings(CDN, text);
    assert_eq!(&text[found[0].span.range()], "allow-all");
}
