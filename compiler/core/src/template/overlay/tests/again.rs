//! Templates that come back from the bucket: what frames made passes, and nothing that somebody
//! put in a guarded place does.

use super::*;
use serde_json::json;

/// Every golden template, but for what an overlay put into them.
fn golden() -> Vec<(String, Value)> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden");
    let mut all = Vec::new();
    for project in std::fs::read_dir(root).unwrap().flatten() {
        for file in std::fs::read_dir(project.path()).unwrap().flatten() {
            let path = file.path();
            if path.to_string_lossy().ends_with(".template.json") {
                let text = std::fs::read_to_string(&path).unwrap();
                let value = serde_json::from_str(&text).unwrap();
                all.push((path.display().to_string(), value));
            }
        }
    }
    assert!(all.len() > 30, "{}", all.len());
    all
}

/// The names of all golden distributions.
fn names() -> Vec<String> {
    let mut names = Vec::new();
    for (_, template) in golden() {
        let aliases =
            template.pointer("/Resources/Distribution/Properties/DistributionConfig/Aliases");
        let aliases = aliases.and_then(Value::as_array).into_iter().flatten();
        names.extend(aliases.map(|alias| alias.as_str().unwrap().to_owned()));
    }
    names
}

#[test]
fn whatever_frames_compiles_passes_when_it_comes_back() {
    let names = names();
    for (path, template) in golden() {
        assert_eq!(recheck(&template, &names), Vec::<String>::new(), "{path}");
    }
}

/// What CloudFormation makes something else of, and what is simply somebody else's.
fn foreign() -> Vec<Value> {
    const ADMINISTRATOR: &str = "arn:aws:iam::aws:policy/AdministratorAccess";
    let mut all = vec![
        json!({"Fn::If": ["Theirs", ADMINISTRATOR, "b"]}),
        json!({"Fn::If": ["Theirs", {"Ref": "AWS::NoValue"}, {}]}),
        json!({"Fn::Split": [",", ADMINISTRATOR]}),
        json!({"Fn::Sub": ADMINISTRATOR}),
        json!({"Fn::Sub": ["${A}", {"A": ADMINISTRATOR}]}),
        json!({"Fn::ImportValue": "theirs"}),
        json!({"Fn::GetAtt": ["Theirs", "Arn"]}),
        json!({"Fn::FindInMap": ["Theirs", "a", "b"]}),
        json!({"Ref": "Theirs"}),
        // With a `Default` that the record passes no value for.
        json!({"Ref": "LogsKeyArn"}),
        json!({"Ref": "AWS::NoValue"}),
        json!("{{resolve:ssm:/theirs}}"),
        json!("*"),
        json!("arn:aws:iam::444455556666:root"),
        json!({"AWS": "444455556666"}),
        json!({"Federated": "theirs.example"}),
        json!("theirs.example"),
        Value::Null,
    ];
    let listed = [0, 2, 8, 9, 12, 13].map(|index: usize| json!([all[index]]));
    all.extend(listed);
    all
}

/// Where a template decides what is open, as pointers; `*` is each of the members.
const GUARDED: &[(&str, &str)] = &[
    ("AWS::IAM::Role", "/Properties/ManagedPolicyArns"),
    ("AWS::IAM::Role", "/Properties/ManagedPolicyArns/*"),
    ("AWS::IAM::Role", "/Properties/Policies"),
    ("AWS::IAM::Role", "/Properties/AssumeRolePolicyDocument"),
    (
        "AWS::IAM::Role",
        "/Properties/AssumeRolePolicyDocument/Statement",
    ),
    (
        "AWS::IAM::Role",
        "/Properties/AssumeRolePolicyDocument/Statement/*",
    ),
    (
        "AWS::IAM::Role",
        "/Properties/AssumeRolePolicyDocument/Statement/*/Principal",
    ),
    (
        "AWS::IAM::Role",
        "/Properties/AssumeRolePolicyDocument/Statement/*/Principal/Service",
    ),
    (
        "AWS::IAM::Role",
        "/Properties/AssumeRolePolicyDocument/Statement/*/Action",
    ),
    ("AWS::IAM::ManagedPolicy", "/Properties/PolicyDocument"),
    (
        "AWS::IAM::ManagedPolicy",
        "/Properties/PolicyDocument/Statement",
    ),
    (
        "AWS::IAM::ManagedPolicy",
        "/Properties/PolicyDocument/Statement/*",
    ),
    (
        "AWS::IAM::ManagedPolicy",
        "/Properties/PolicyDocument/Statement/*/Action",
    ),
    (
        "AWS::IAM::ManagedPolicy",
        "/Properties/PolicyDocument/Statement/*/Action/*",
    ),
    (
        "AWS::IAM::ManagedPolicy",
        "/Properties/PolicyDocument/Statement/*/NotAction",
    ),
    (
        "AWS::IAM::ManagedPolicy",
        "/Properties/PolicyDocument/Statement/*/Resource",
    ),
    (
        "AWS::IAM::ManagedPolicy",
        "/Properties/PolicyDocument/Statement/*/Resource/*",
    ),
    (
        "AWS::IAM::ManagedPolicy",
        "/Properties/PolicyDocument/Statement/*/NotResource",
    ),
    (
        "AWS::IAM::ManagedPolicy",
        "/Properties/PolicyDocument/Statement/*/Condition",
    ),
    ("AWS::IAM::ManagedPolicy", "/Properties/Users"),
    ("AWS::IAM::ManagedPolicy", "/Properties/Groups"),
    ("AWS::IAM::ManagedPolicy", "/Properties/Roles"),
    ("AWS::Lambda::Function", "/Properties/Role"),
    ("AWS::Lambda::Function", "/Properties/Role/Fn::GetAtt/0"),
    ("AWS::Lambda::Function", "/Properties/Code"),
    ("AWS::Lambda::Function", "/Properties/Code/S3Bucket"),
    ("AWS::Lambda::Function", "/Properties/Code/S3Key"),
    ("AWS::Lambda::Function", "/Properties/Layers"),
    ("AWS::Lambda::Function", "/Properties/Environment"),
    ("AWS::Lambda::Function", "/Properties/Handler"),
    ("AWS::Lambda::Function", "/Properties/Runtime"),
    (
        "AWS::Lambda::Function",
        "/Properties/LoggingConfig/LogGroup",
    ),
    ("AWS::Lambda::Version", "/Properties/FunctionName"),
    ("AWS::Lambda::Version", "/Properties/CodeSha256"),
    ("AWS::Lambda::Alias", "/Properties/FunctionVersion"),
    ("AWS::Lambda::Alias", "/Properties/RoutingConfig"),
    ("AWS::Lambda::Url", "/Properties/AuthType"),
    ("AWS::Lambda::Url", "/Properties/Cors"),
    ("AWS::Lambda::Permission", "/Properties/Principal"),
    ("AWS::Lambda::Permission", "/Properties/Action"),
    ("AWS::Lambda::Permission", "/Properties/FunctionUrlAuthType"),
    ("AWS::KMS::Key", "/Properties/KeyPolicy"),
    ("AWS::KMS::Key", "/Properties/KeyPolicy/Statement"),
    ("AWS::KMS::Key", "/Properties/KeyPolicy/Statement/*"),
    (
        "AWS::KMS::Key",
        "/Properties/KeyPolicy/Statement/*/Principal",
    ),
    (
        "AWS::KMS::Key",
        "/Properties/KeyPolicy/Statement/*/Principal/*",
    ),
    (
        "AWS::KMS::Key",
        "/Properties/KeyPolicy/Statement/*/Condition",
    ),
    ("AWS::S3::BucketPolicy", "/Properties/PolicyDocument"),
    (
        "AWS::S3::BucketPolicy",
        "/Properties/PolicyDocument/Statement",
    ),
    (
        "AWS::S3::BucketPolicy",
        "/Properties/PolicyDocument/Statement/*",
    ),
    (
        "AWS::S3::BucketPolicy",
        "/Properties/PolicyDocument/Statement/1/Principal",
    ),
    (
        "AWS::S3::BucketPolicy",
        "/Properties/PolicyDocument/Statement/*/Condition",
    ),
    ("AWS::S3::Bucket", "/Properties/BucketEncryption"),
    ("AWS::S3::Bucket", "/Properties/ReplicationConfiguration"),
    (
        "AWS::S3::Bucket",
        "/Properties/PublicAccessBlockConfiguration",
    ),
    (
        "AWS::Logs::DeliveryDestination",
        "/Properties/DestinationResourceArn",
    ),
    (
        "AWS::Logs::DeliveryDestination",
        "/Properties/DeliveryDestinationPolicy",
    ),
    ("AWS::Logs::Delivery", "/Properties/DeliveryDestinationArn"),
    ("AWS::Logs::Delivery", "/Properties/RecordFields"),
    ("AWS::Logs::Delivery", "/Properties/RecordFields/*"),
    ("AWS::Logs::LogGroup", "/Properties/KmsKeyId"),
    (
        "AWS::WAFv2::LoggingConfiguration",
        "/Properties/LogDestinationConfigs",
    ),
    (
        "AWS::WAFv2::LoggingConfiguration",
        "/Properties/LogDestinationConfigs/*",
    ),
    (
        "AWS::WAFv2::LoggingConfiguration",
        "/Properties/RedactedFields",
    ),
    (
        "AWS::WAFv2::LoggingConfiguration",
        "/Properties/RedactedFields/*",
    ),
    ("AWS::WAFv2::WebACL", "/Properties/DefaultAction"),
    ("AWS::WAFv2::WebACL", "/Properties/Rules"),
    ("AWS::WAFv2::WebACL", "/Properties/Rules/*"),
    ("AWS::Route53::RecordSet", "/Properties/Name"),
    ("AWS::Route53::RecordSet", "/Properties/AliasTarget"),
    (
        "AWS::CloudFront::Distribution",
        "/Properties/DistributionConfig",
    ),
    (
        "AWS::CloudFront::Distribution",
        "/Properties/DistributionConfig/Logging",
    ),
    (
        "AWS::CloudFront::Distribution",
        "/Properties/DistributionConfig/Origins",
    ),
    (
        "AWS::CloudFront::Distribution",
        "/Properties/DistributionConfig/Origins/*",
    ),
    (
        "AWS::CloudFront::Distribution",
        "/Properties/DistributionConfig/Origins/*/DomainName",
    ),
    (
        "AWS::CloudFront::Distribution",
        "/Properties/DistributionConfig/Origins/*/OriginCustomHeaders",
    ),
    (
        "AWS::CloudFront::Distribution",
        "/Properties/DistributionConfig/CacheBehaviors",
    ),
    (
        "AWS::CloudFront::Distribution",
        "/Properties/DistributionConfig/CacheBehaviors/*",
    ),
    (
        "AWS::CloudFront::Distribution",
        "/Properties/DistributionConfig/CacheBehaviors/*/TargetOriginId",
    ),
    (
        "AWS::CloudFront::Distribution",
        "/Properties/DistributionConfig/CacheBehaviors/*/CachePolicyId",
    ),
    (
        "AWS::CloudFront::Distribution",
        "/Properties/DistributionConfig/CacheBehaviors/*/LambdaFunctionAssociations/*/LambdaFunctionARN",
    ),
    (
        "AWS::CloudFront::Distribution",
        "/Properties/DistributionConfig/DefaultCacheBehavior/LambdaFunctionAssociations/*/LambdaFunctionARN",
    ),
    (
        "AWS::CloudFront::Distribution",
        "/Properties/DistributionConfig/DefaultCacheBehavior/RealtimeLogConfigArn",
    ),
    (
        "AWS::CloudFront::Distribution",
        "/Properties/DistributionConfig/ViewerCertificate",
    ),
    (
        "AWS::CloudFront::CachePolicy",
        "/Properties/CachePolicyConfig/ParametersInCacheKeyAndForwardedToOrigin",
    ),
    (
        "AWS::CloudFront::OriginRequestPolicy",
        "/Properties/OriginRequestPolicyConfig/CookiesConfig",
    ),
    (
        "AWS::CloudFront::OriginRequestPolicy",
        "/Properties/OriginRequestPolicyConfig/HeadersConfig",
    ),
    (
        "AWS::CloudFront::ResponseHeadersPolicy",
        "/Properties/ResponseHeadersPolicyConfig/SecurityHeadersConfig",
    ),
];

/// Every place that a pointer with `*` stands for; what isn't there yet among them.
fn places(value: &Value, pointer: &str) -> Vec<String> {
    let Some((before, after)) = pointer.split_once("/*") else {
        return vec![pointer.to_owned()];
    };
    let members: Vec<String> = match value.pointer(before) {
        Some(Value::Array(items)) => (0..items.len()).map(|i| i.to_string()).collect(),
        Some(Value::Object(map)) => map.keys().cloned().collect(),
        _ => Vec::new(),
    };
    let each = members
        .iter()
        .map(|member| format!("{before}/{member}{after}"));
    each.flat_map(|pointer| places(value, &pointer)).collect()
}

/// Puts a value somewhere; `false` where its parent isn't there.
fn put(value: &mut Value, pointer: &str, wanted: Value) -> bool {
    let (parent, member) = pointer.rsplit_once('/').unwrap();
    match value.pointer_mut(parent) {
        Some(Value::Object(map)) => {
            map.insert(member.to_owned(), wanted);
            true
        }
        Some(Value::Array(items)) => {
            items[member.parse::<usize>().unwrap()] = wanted;
            true
        }
        _ => false,
    }
}

#[test]
fn nothing_foreign_passes_in_a_guarded_place() {
    let (names, foreign) = (names(), foreign());
    let mut seen = std::collections::BTreeSet::new();
    let mut tried = std::collections::BTreeSet::new();
    for (path, template) in golden() {
        for (id, resource) in resources(&template) {
            let kind = resource["Type"].as_str().unwrap();
            let rows = GUARDED.iter().filter(|row| row.0 == kind);
            let at =
                rows.flat_map(|row| places(resource, row.1).into_iter().map(move |at| (row, at)));
            for (row, at) in at.filter(|_| crate::names::is_reserved(id)) {
                // One of a kind per function is enough; each takes its time.
                let function = crate::names::FUNCTIONS
                    .iter()
                    .find(|name| id.to_ascii_lowercase().starts_with(*name));
                if !tried.insert((row, function, at.clone())) {
                    continue;
                }
                for wanted in &foreign {
                    let mut other = template.clone();
                    let resource = &mut other["Resources"][id];
                    let before = resource.pointer(&at).cloned();
                    if before.as_ref() == Some(wanted) || !put(resource, &at, wanted.clone()) {
                        continue;
                    }
                    // `null` is what isn't there, and one IAM condition less is another manifest.
                    if before.is_none() && wanted.is_null() {
                        continue;
                    }
                    let found = recheck(&other, &names);
                    assert!(!found.is_empty(), "{path}: {id}{at}: {wanted}");
                    seen.insert(*row);
                }
            }
        }
    }
    let missing: Vec<_> = GUARDED.iter().filter(|row| !seen.contains(row)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn a_parameter_or_an_output_of_frames_is_what_it_was() {
    let names = names();
    let found = |template: &str, change: &dyn Fn(&mut Value)| {
        let mut template: Value = serde_json::from_str(template).unwrap();
        change(&mut template);
        recheck(&template, &names)
    };
    let default = |it: &mut Value| {
        let administrator = "arn:aws:iam::aws:policy/AdministratorAccess";
        it["Parameters"]["LogsKeyArn"] = json!({"Type": "String", "Default": administrator});
    };
    assert!(!found(LAMBDA_EDGE, &default).is_empty());
    let stored = |it: &mut Value| {
        it["Parameters"]["AuthorizerVersionArn"]["Type"] =
            json!("AWS::SSM::Parameter::Value<String>");
    };
    assert!(!found(CDN, &stored).is_empty());
    for output in [
        "AuthorizerVersionArn",
        "SignerVersionArn",
        "LogsKeyArn",
        "WebAclArn",
    ] {
        for value in foreign() {
            let other = |it: &mut Value| it["Outputs"][output]["Value"] = value.clone();
            assert!(!found(LAMBDA_EDGE, &other).is_empty(), "{output}: {value}");
        }
    }
    let signers = |it: &mut Value| {
        it["Outputs"]["AuthorizerVersionArn"] = it["Outputs"]["SignerVersionArn"].clone();
    };
    assert!(!found(LAMBDA_EDGE, &signers).is_empty());
}

/// The zips of a record are all this delivery's, and still each has its function.
#[test]
fn a_function_has_its_own_zip_and_its_version_these_bytes() {
    let mut template: Value = serde_json::from_str(LAMBDA_EDGE).unwrap();
    let key = |name: &str| format!("/Resources/{name}Function/Properties/Code/S3Key");
    let signers = template.pointer(&key("Signer")).unwrap().clone();
    *template.pointer_mut(&key("Authorizer")).unwrap() = signers;
    let found = recheck(&template, &[]);
    assert!(
        found.iter().any(|what| what.contains("another program")),
        "{found:#?}"
    );
    assert!(
        found.iter().any(|what| what.contains("other bytes")),
        "{found:#?}"
    );
}

/// Policies that are literal, and broader than what frames gives.
#[test]
fn a_broader_policy_is_found() {
    let statement = |action: Value, resource: Value| json!({"Sid": "ReadFrames", "Effect": "Allow", "Action": action, "Resource": resource});
    let own = json!([{"Fn::Sub": "arn:${AWS::Partition}:medical-imaging:us-east-1:${AWS::AccountId}:datastore/*"}]);
    for (action, resource) in [
        (json!(["medical-imaging:Get*"]), own.clone()),
        (json!(["medical-imaging:DeleteImageSet"]), own.clone()),
        (json!(["logs:*"]), json!(["*"])),
        (json!(["lambda:InvokeFunction"]), json!(["*"])),
        (json!(["medical-imaging:GetImageFrame"]), json!(["*"])),
        (
            json!(["medical-imaging:GetImageFrame"]),
            json!([{"Fn::Sub": "arn:${AWS::Partition}:medical-imaging:us-east-1:444455556666:datastore/*"}]),
        ),
        (
            json!(["medical-imaging:GetImageFrame"]),
            json!([{"Fn::Sub": "arn:${AWS::Partition}:s3:::*"}]),
        ),
    ] {
        let mut template: Value = serde_json::from_str(LAMBDA_EDGE).unwrap();
        let statements = "/Resources/SignerReadPolicy/Properties/PolicyDocument/Statement";
        *template.pointer_mut(statements).unwrap() =
            json!([statement(action.clone(), resource.clone())]);
        let found = recheck(&template, &[]);
        assert!(!found.is_empty(), "{action} {resource}");
    }
    let mut template: Value = serde_json::from_str(LAMBDA_EDGE).unwrap();
    let statements = "/Resources/SignerReadPolicy/Properties/PolicyDocument/Statement";
    *template.pointer_mut(statements).unwrap() =
        json!([statement(json!(["medical-imaging:GetImageFrame"]), own)]);
    assert_eq!(recheck(&template, &[]), Vec::<String>::new());
}
