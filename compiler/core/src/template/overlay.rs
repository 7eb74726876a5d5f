//! The manifest's `resources`: merged into a stage's template after rendering,
//! unless the result would open what the compiled template keeps closed.

use crate::source::Span;
use crate::syntax::{Node, Value as Yaml};
use serde_json::Value;

/// Merges an overlay: mappings key by key, whatever else is replaced.
pub fn merge(template: &mut Value, overlay: &Node) {
    match (template, &overlay.value) {
        (Value::Object(map), Yaml::Mapping(entries)) => {
            for entry in entries {
                merge(
                    map.entry(entry.key.text.clone()).or_insert(Value::Null),
                    &entry.value,
                );
            }
        }
        (template, _) => *template = overlay.to_json(),
    }
}

/// What an overlay would open, and where it does so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    pub span: Span,
    /// `Resources.Distribution.Properties…`, as far as the overlay goes.
    pub path: String,
    pub what: String,
}

/// Compares the template as compiled with the merged one.
pub fn opened(compiled: &Value, merged: &Value, overlay: &Node) -> Vec<Opened> {
    let mut found = Vec::new();
    macros(merged, &mut found);
    kept(compiled, merged, &mut found);
    for (id, resource) in resources(merged) {
        let place = Place::root().at("Resources").at(id);
        match resource.get("Type").and_then(Value::as_str) {
            Some("AWS::CloudFront::Distribution") => distribution(resource, &place, &mut found),
            Some("AWS::S3::Bucket") => bucket(resource, &place, &mut found),
            Some("AWS::Lambda::Url")
                if resource.pointer("/Properties/AuthType") != Some(&"AWS_IAM".into()) =>
            {
                found.push((
                    place.at("Properties").at("AuthType"),
                    "a function URL that anybody may call".to_owned(),
                ));
            }
            _ => {}
        }
        principals(resource, &place, &mut found);
    }
    let mut opened: Vec<Opened> = found
        .into_iter()
        .map(|(place, what)| locate(overlay, &place, what))
        .collect();
    opened.sort_by(|a, b| (a.span, &a.what).cmp(&(b.span, &b.what)));
    opened.dedup();
    opened
}

/// Resources that the overlay adds without saying what they are: a slip in the
/// name of one that is there, most likely. Each with the names that are.
pub fn nameless<'a>(merged: &'a Value, overlay: &Node) -> Vec<(Opened, Vec<&'a str>)> {
    let known = || resources(merged).filter(|(_, resource)| resource.get("Type").is_some());
    resources(merged)
        .filter(|(_, resource)| resource.get("Type").is_none())
        .map(|(id, _)| {
            let place = Place::root().at("Resources").at(id);
            let what = format!("`{id}` has no `Type`, and isn't a resource of this stack");
            (
                locate(overlay, &place, what),
                known().map(|(id, _)| id.as_str()).collect(),
            )
        })
        .collect()
}

/// A path in the merged template.
#[derive(Debug, Clone)]
struct Place(Vec<String>);

impl Place {
    fn root() -> Self {
        Self(Vec::new())
    }

    fn at(&self, segment: impl ToString) -> Self {
        Self(
            self.0
                .iter()
                .cloned()
                .chain([segment.to_string()])
                .collect(),
        )
    }
}

type Found = Vec<(Place, String)>;

fn resources(template: &Value) -> impl Iterator<Item = (&String, &Value)> {
    template
        .get("Resources")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
}

/// A macro rewrites the template after this check, and could undo all of it.
fn macros(template: &Value, found: &mut Found) {
    if template.get("Transform").is_some() {
        found.push((
            Place::root().at("Transform"),
            "a transform, which may change anything".to_owned(),
        ));
    }
    walk(template, &Place::root(), &mut |value, place| {
        if value.get("Fn::Transform").is_some() {
            found.push((
                place.at("Fn::Transform"),
                "a transform, which may change anything".to_owned(),
            ));
        }
    });
}

/// Members of compiled resources that decide what stands before the images.
fn kept(compiled: &Value, merged: &Value, found: &mut Found) {
    let mut keep = |place: Place, what: &str| {
        let pointer = format!("/{}", place.0.join("/"));
        if compiled.pointer(&pointer) != merged.pointer(&pointer) {
            found.push((place, what.to_owned()));
        }
    };
    for (id, resource) in resources(compiled) {
        let place = Place::root().at("Resources").at(id);
        match resource.get("Type").and_then(Value::as_str) {
            Some("AWS::Lambda::Function") => {
                for property in ["Code", "Handler", "Runtime", "Layers", "PackageType"] {
                    keep(
                        place.at("Properties").at(property),
                        "another program in the place of the edge function",
                    );
                }
                keep(
                    place.at("Type"),
                    "another program in the place of the edge function",
                );
            }
            Some("AWS::Lambda::Version") => {
                keep(place, "another version in the place of the edge function's")
            }
            Some("AWS::CloudFront::Distribution") => {
                keep(place.at("Type"), "a distribution that isn't one");
                keep(place.at("Condition"), "a distribution that may be missing");
            }
            _ => {}
        }
    }
    for output in compiled
        .get("Outputs")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(name, _)| name)
    {
        if output.ends_with("VersionArn") {
            keep(
                Place::root().at("Outputs").at(output),
                "another version in the place of the edge function's",
            );
        }
    }
}

fn distribution(resource: &Value, place: &Place, found: &mut Found) {
    let place = place.at("Properties").at("DistributionConfig");
    let Some(config) = resource
        .pointer("/Properties/DistributionConfig")
        .filter(|config| is_literal(config))
    else {
        found.push((
            place,
            "a distribution whose configuration can't be checked".to_owned(),
        ));
        return;
    };
    behavior(
        &config["DefaultCacheBehavior"],
        &place.at("DefaultCacheBehavior"),
        found,
    );
    list(config, "CacheBehaviors", &place, found, behavior);
    list(config, "Origins", &place, found, |origin, place, found| {
        let policy = origin.pointer("/CustomOriginConfig/OriginProtocolPolicy");
        if origin.get("CustomOriginConfig").is_some() && policy != Some(&"https-only".into()) {
            let place = place.at("CustomOriginConfig").at("OriginProtocolPolicy");
            found.push((place, "plain HTTP to the origin".to_owned()));
        }
    });
}

/// The items of a list that has to be there in plain sight.
fn list(
    config: &Value,
    key: &str,
    place: &Place,
    found: &mut Found,
    check: fn(&Value, &Place, &mut Found),
) {
    match config.get(key) {
        None => {}
        Some(Value::Array(items)) => {
            for (i, item) in items.iter().enumerate() {
                check(item, &place.at(key).at(i), found);
            }
        }
        Some(_) => found.push((place.at(key), format!("`{key}` that can't be checked"))),
    }
}

fn behavior(behavior: &Value, place: &Place, found: &mut Found) {
    if behavior.get("ViewerProtocolPolicy") != Some(&"https-only".into()) {
        found.push((
            place.at("ViewerProtocolPolicy"),
            "plain HTTP from the viewer".to_owned(),
        ));
    }
    let associations = behavior
        .get("LambdaFunctionAssociations")
        .and_then(Value::as_array);
    let mut viewer_request = associations
        .into_iter()
        .flatten()
        .filter(|a| a["EventType"] == "viewer-request");
    let authorizer =
        serde_json::json!({"Ref": crate::plan::names::version_arn(crate::plan::names::AUTHORIZER)});
    let stands = viewer_request
        .next()
        .is_some_and(|association| association["LambdaFunctionARN"] == authorizer);
    if !stands || viewer_request.next().is_some() {
        found.push((
            place.at("LambdaFunctionAssociations"),
            "a behavior without the authorizer".to_owned(),
        ));
    }
    let functions = behavior
        .get("FunctionAssociations")
        .and_then(Value::as_array);
    if functions
        .into_iter()
        .flatten()
        .any(|function| function["EventType"] == "viewer-request")
    {
        // CloudFront runs one viewer-request function a behavior.
        found.push((
            place.at("FunctionAssociations"),
            "a behavior without the authorizer".to_owned(),
        ));
    }
}

fn bucket(resource: &Value, place: &Place, found: &mut Found) {
    let block = resource.pointer("/Properties/PublicAccessBlockConfiguration");
    let blocked = [
        "BlockPublicAcls",
        "BlockPublicPolicy",
        "IgnorePublicAcls",
        "RestrictPublicBuckets",
    ]
    .iter()
    .all(|key| block.and_then(|block| block.get(*key)) == Some(&true.into()));
    if !blocked {
        let place = place.at("Properties").at("PublicAccessBlockConfiguration");
        found.push((place, "a bucket that can be made public".to_owned()));
    }
    let acl = resource
        .pointer("/Properties/AccessControl")
        .and_then(Value::as_str);
    if acl.is_some_and(|acl| acl.starts_with("Public") || acl == "AuthenticatedRead") {
        found.push((
            place.at("Properties").at("AccessControl"),
            "a public bucket".to_owned(),
        ));
    }
}

/// `Effect: Allow` for everybody, in whatever policy.
fn principals(resource: &Value, place: &Place, found: &mut Found) {
    if resource.get("Type") == Some(&"AWS::Lambda::Permission".into())
        && resource
            .pointer("/Properties/Principal")
            .is_some_and(everybody)
    {
        found.push((
            place.at("Properties").at("Principal"),
            "a wildcard principal".to_owned(),
        ));
    }
    walk(resource, place, &mut |value, place| {
        if value.get("Effect") != Some(&"Allow".into()) {
            return;
        }
        if value.get("Principal").is_some_and(everybody) {
            found.push((place.at("Principal"), "a wildcard principal".to_owned()));
        }
        if value.get("NotPrincipal").is_some() {
            found.push((
                place.at("NotPrincipal"),
                "a grant to all but a few".to_owned(),
            ));
        }
    });
}

fn everybody(principal: &Value) -> bool {
    match principal {
        Value::String(text) => text == "*",
        Value::Array(items) => items.iter().any(everybody),
        Value::Object(map) => map.values().any(everybody),
        _ => false,
    }
}

fn is_literal(value: &Value) -> bool {
    value.as_object().is_some_and(|map| {
        !map.keys()
            .any(|key| key.starts_with("Fn::") || key == "Ref")
    })
}

fn walk(value: &Value, place: &Place, visit: &mut dyn FnMut(&Value, &Place)) {
    visit(value, place);
    match value {
        Value::Object(map) => map
            .iter()
            .for_each(|(key, value)| walk(value, &place.at(key), visit)),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(i, value)| walk(value, &place.at(i), visit)),
        _ => {}
    }
}

/// Where the overlay brings a place about: the innermost value of it on the way there.
fn locate(overlay: &Node, place: &Place, what: String) -> Opened {
    let (mut node, mut span, mut path) = (overlay, overlay.span, Vec::new());
    for segment in &place.0 {
        let next = match &node.value {
            Yaml::Mapping(entries) => {
                let entry = entries.iter().find(|entry| entry.key.text == *segment);
                entry.map(|entry| (entry.key.span, &entry.value))
            }
            Yaml::Sequence(items) => {
                let item = segment.parse::<usize>().ok().and_then(|i| items.get(i));
                item.map(|item| (item.span, item))
            }
            Yaml::Scalar { .. } | Yaml::Open(_) => None,
        };
        let Some((at, value)) = next else { break };
        (node, span) = (value, at);
        path.push(segment.as_str());
    }
    if matches!(node.value, Yaml::Scalar { .. }) {
        span = node.span;
    }
    Opened {
        span,
        path: path.join("."),
        what,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;
    use crate::syntax::parse;

    const CDN: &str = include_str!("../../../../tests/golden/example/cdn.template.json");
    const LAMBDA_EDGE: &str =
        include_str!("../../../../tests/golden/example/lambda-edge.template.json");

    fn apply(template: &str, overlay: &str) -> (Value, Vec<(String, String)>) {
        let compiled: Value = serde_json::from_str(template).unwrap();
        let (node, found) = parse(&Source::new("overlay", overlay));
        assert_eq!(found, []);
        let node = node.unwrap();
        let mut merged = compiled.clone();
        merge(&mut merged, &node);
        let opened = opened(&compiled, &merged, &node);
        (
            merged,
            opened
                .into_iter()
                .map(|opened| (opened.path, opened.what))
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

    #[test]
    fn findings_stand_where_the_overlay_says_it() {
        let text = "Resources:\n  Distribution:\n    Properties:\n      DistributionConfig:\n        DefaultCacheBehavior:\n          ViewerProtocolPolicy: allow-all\n";
        let (node, _) = parse(&Source::new("overlay", text));
        let compiled: Value = serde_json::from_str(CDN).unwrap();
        let mut merged = compiled.clone();
        merge(&mut merged, node.as_ref().unwrap());
        let opened = opened(&compiled, &merged, node.as_ref().unwrap());
        assert_eq!(&text[opened[0].span.range()], "allow-all");
    }
}
