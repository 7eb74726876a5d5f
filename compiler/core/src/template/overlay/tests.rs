use super::*;
use crate::source::Source;
use crate::syntax::parse;

const CDN: &str = include_str!("../../../../../tests/golden/example/cdn.template.json");
const LAMBDA_EDGE: &str =
    include_str!("../../../../../tests/golden/example/lambda-edge.template.json");

const HOSPITAL: &str =
    include_str!("../../../../../tests/golden/hospital/lambda-edge.template.json");

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

/// What is compiled, changed by the overlay.
#[test]
fn what_weakens_a_compiled_resource_is_found() {
    let properties = |id: &str, rest: &str| format!("Resources: {{{id}: {{Properties: {rest}}}}}");
    let config =
        |rest: &str| properties("Distribution", &format!("{{DistributionConfig: {rest}}}"));
    let behavior = |rest: &str| config(&format!("{{DefaultCacheBehavior: {rest}}}"));
    let origin = |rest: &str| {
        config(&format!(
            "{{Origins: [{{Id: healthimaging, DomainName: runtime-medical-imaging.us-east-1.amazonaws.com{rest}}}]}}"
        ))
    };
    let headers = |rest: &str| {
        properties(
            "ResponseHeadersPolicy",
            &format!("{{ResponseHeadersPolicyConfig: {rest}}}"),
        )
    };
    let authorizer = "{EventType: viewer-request, IncludeBody: false, LambdaFunctionARN: {Ref: AuthorizerVersionArn}}";
    let cdn = [
        // The distribution
        (
            config("{WebACLId: {Ref: 'AWS::NoValue'}}"),
            "without its web ACL",
        ),
        (config("{WebACLId: null}"), "without its web ACL"),
        (config("{WebACLId: mine}"), "without its web ACL"),
        (
            config("{Logging: {Bucket: mine.s3.amazonaws.com}}"),
            "legacy access logs",
        ),
        (
            config("{ViewerCertificate: {MinimumProtocolVersion: TLSv1}}"),
            "an older TLS for viewers",
        ),
        (
            config("{ViewerCertificate: {MinimumProtocolVersion: TLSv1.2_2019}}"),
            "an older TLS for viewers",
        ),
        (
            config("{ViewerCertificate: {MinimumProtocolVersion: {Ref: Tls}}}"),
            "an older TLS for viewers",
        ),
        (
            config("{ViewerCertificate: {CloudFrontDefaultCertificate: true}}"),
            "another certificate",
        ),
        (
            config("{CustomErrorResponses: [{ErrorCode: 403, ErrorCachingMinTTL: 60}]}"),
            "errors that are cached or hidden",
        ),
        (
            config(
                "{CustomErrorResponses: [{ErrorCode: 403, ResponseCode: 200, ResponsePagePath: /x}]}",
            ),
            "errors that are cached or hidden",
        ),
        (
            config("{CustomErrorResponses: []}"),
            "errors that are cached or hidden",
        ),
        (
            config("{Restrictions: {GeoRestriction: {RestrictionType: none}}}"),
            "other countries",
        ),
        (config("{Aliases: [other.example.org]}"), "other names"),
        (
            config("{ContinuousDeploymentPolicyId: x}"),
            "other than the compiled one",
        ),
        (
            config("{Origins: {'Fn::If': [a, [], []]}}"),
            "`Origins` that can't be checked",
        ),
        (
            config("{CacheBehaviors: [{'Fn::If': [a, {}, {}]}]}"),
            "`CacheBehaviors` that can't be checked",
        ),
        (config("{'Fn::If': [a, {}, {}]}"), "can't be checked"),
        // Origins
        (
            config(
                "{Origins: [{Id: mine, DomainName: mine.example.org, CustomOriginConfig: {OriginProtocolPolicy: https-only}}]}",
            ),
            "an origin other than",
        ),
        (
            config(
                "{Origins: [{Id: healthimaging, DomainName: mine.example.org, CustomOriginConfig: {OriginProtocolPolicy: https-only}}]}",
            ),
            "an origin other than",
        ),
        (
            origin(", CustomOriginConfig: {OriginProtocolPolicy: match-viewer}"),
            "plain HTTP to the origin",
        ),
        (
            origin(
                ", CustomOriginConfig: {OriginProtocolPolicy: https-only, OriginSSLProtocols: [TLSv1]}",
            ),
            "older than 1.2",
        ),
        (
            origin(", OriginCustomHeaders: [{HeaderName: x, HeaderValue: y}]"),
            "an origin other than",
        ),
        // Behaviors
        (
            behavior(&format!(
                "{{LambdaFunctionAssociations: [{authorizer}, {{EventType: origin-request, LambdaFunctionARN: mine}}]}}"
            )),
            "other edge functions",
        ),
        (
            behavior(&format!(
                "{{LambdaFunctionAssociations: [{authorizer}, {{EventType: viewer-response, LambdaFunctionARN: mine}}]}}"
            )),
            "other edge functions",
        ),
        (
            behavior(&format!("{{LambdaFunctionAssociations: [{authorizer}]}}")),
            "other edge functions",
        ),
        (
            behavior("{FunctionAssociations: [{EventType: viewer-response, FunctionARN: mine}]}"),
            "a CloudFront Function",
        ),
        (behavior("{RealtimeLogConfigArn: mine}"), "real-time logs"),
        (behavior("{CachePolicyId: mine}"), "another cache key"),
        (
            behavior("{OriginRequestPolicyId: mine}"),
            "other headers, cookies or queries",
        ),
        (
            behavior("{ResponseHeadersPolicyId: mine}"),
            "without the compiled security headers",
        ),
        (behavior("{TargetOriginId: mine}"), "another origin"),
        (
            behavior("{'Fn::If': [a, {}, {}]}"),
            "other than the compiled one",
        ),
        (
            config(&format!(
                "{{CacheBehaviors: [{{PathPattern: /x, ViewerProtocolPolicy: https-only, LambdaFunctionAssociations: [{authorizer}]}}]}}"
            )),
            "other edge functions",
        ),
        // The policies of the answers, the cache and the origin's requests
        (
            headers("{SecurityHeadersConfig: null}"),
            "without the compiled security headers",
        ),
        (
            headers(
                "{SecurityHeadersConfig: {StrictTransportSecurity: {AccessControlMaxAgeSec: 0}}}",
            ),
            "without the compiled security headers",
        ),
        (
            headers(
                "{SecurityHeadersConfig: {ContentSecurityPolicy: {ContentSecurityPolicy: 'default-src *'}}}",
            ),
            "without the compiled security headers",
        ),
        (
            headers("{CorsConfig: {AccessControlAllowCredentials: true}}"),
            "pages of other origins",
        ),
        (
            headers(
                "{CustomHeadersConfig: {Items: [{Header: Strict-Transport-Security, Value: max-age=0}]}}",
            ),
            "undo the compiled ones",
        ),
        (
            headers(
                "{CustomHeadersConfig: {Items: [{Header: Access-Control-Allow-Origin, Value: '*'}]}}",
            ),
            "undo the compiled ones",
        ),
        (
            headers("{RemoveHeadersConfig: {Items: [{Header: x}]}}"),
            "other headers of answers",
        ),
        (
            properties(
                "DicomwebCachePolicy",
                "{CachePolicyConfig: {ParametersInCacheKeyAndForwardedToOrigin: {HeadersConfig: {HeaderBehavior: none}}}}",
            ),
            "another cache key",
        ),
        (
            properties(
                "SearchRequestPolicy",
                "{OriginRequestPolicyConfig: {HeadersConfig: {HeaderBehavior: allViewer}}}",
            ),
            "tokens among them",
        ),
        // Logs
        (
            properties("AccessLogsDelivery", "{RecordFields: [cs-uri-query]}"),
            "record other fields",
        ),
        (
            properties("AccessLogsDelivery", "{DeliverySourceName: mine}"),
            "go elsewhere",
        ),
        (
            properties("AccessLogsDestination", "{DestinationResourceArn: mine}"),
            "go elsewhere",
        ),
        (
            properties("AccessLogsSource", "{LogType: x}"),
            "go elsewhere",
        ),
        (
            "Resources: {AccessLogsDelivery: {Condition: Never}}".to_owned(),
            "may be missing",
        ),
        (
            "Resources: {AccessLogsDelivery: null}".to_owned(),
            "go elsewhere",
        ),
        // The bucket
        (
            properties(
                "AccessLogs",
                "{PublicAccessBlockConfiguration: {RestrictPublicBuckets: {Ref: x}}}",
            ),
            "made public",
        ),
        (
            properties(
                "AccessLogs",
                "{VersioningConfiguration: {Status: Suspended}}",
            ),
            "without its versions",
        ),
        (
            properties("AccessLogs", "{BucketEncryption: {Ref: 'AWS::NoValue'}}"),
            "without its encryption",
        ),
        (
            properties("AccessLogs", "{ReplicationConfiguration: {Role: r}}"),
            "copied elsewhere",
        ),
        (
            properties("AccessLogs", "{AccessControl: LogDeliveryWrite}"),
            "a bucket with ACLs",
        ),
        (
            properties("AccessLogs", "{OwnershipControls: {Rules: []}}"),
            "a bucket with ACLs",
        ),
        (
            properties("AccessLogs", "{AccessControl: {Ref: Acl}}"),
            "can't be checked",
        ),
        (
            "Resources: {AccessLogs: {DeletionPolicy: Delete}}".to_owned(),
            "goes with the stack",
        ),
        (
            properties("AccessLogsPolicy", "{PolicyDocument: {Statement: []}}"),
            "other than the compiled one",
        ),
        (
            properties(
                "Aliase69651fcA",
                "{AliasTarget: {DNSName: mine.example.org}}",
            ),
            "points elsewhere",
        ),
        // Parameters and outputs
        (
            "Parameters: {AuthorizerVersionArn: {Default: mine}}".to_owned(),
            "a parameter with another value",
        ),
        (
            "Parameters: {AuthorizerVersionArn: {Type: 'AWS::SSM::Parameter::Value<String>'}}"
                .to_owned(),
            "a parameter with another value",
        ),
        (
            "Outputs: {Url: {Value: mine}}".to_owned(),
            "an output other than",
        ),
    ];
    let lambda_edge = [
        (
            properties("SignerRole", "{AssumeRolePolicyDocument: {Statement: []}}"),
            "others may take on",
        ),
        (
            properties("SignerRole", "{PermissionsBoundary: {Ref: 'AWS::NoValue'}}"),
            "without its permissions boundary",
        ),
        (
            properties(
                "SignerRole",
                "{Policies: [{PolicyName: x, PolicyDocument: '{}'}]}",
            ),
            "other permissions",
        ),
        (
            properties(
                "SignerRole",
                "{ManagedPolicyArns: ['arn:aws:iam::aws:policy/AdministratorAccess']}",
            ),
            "other permissions",
        ),
        (
            properties("SignerReadPolicy", "{PolicyDocument: {Statement: []}}"),
            "other permissions",
        ),
        (
            properties("SignerReadPolicy", "{Roles: [mine]}"),
            "other permissions",
        ),
        (
            properties("LogsKey", "{KeyPolicy: {Statement: []}}"),
            "others may use",
        ),
        (
            properties("LogsKey", "{EnableKeyRotation: false}"),
            "less well",
        ),
        (
            properties("SignerFunction", "{Role: mine}"),
            "with another role",
        ),
        (
            properties("SignerFunction", "{Handler: mine}"),
            "another program",
        ),
        (
            properties("SignerFunction", "{Runtime: nodejs22.x}"),
            "another program",
        ),
        (
            properties("SignerFunction", "{Layers: [mine]}"),
            "another program",
        ),
        (
            properties("SignerFunction", "{VpcConfig: {SubnetIds: []}}"),
            "runs otherwise",
        ),
        (
            properties("SignerFunction", "{Environment: {Variables: {A: b}}}"),
            "runs otherwise",
        ),
        (
            properties("SignerFunction", "{LoggingConfig: {LogGroup: mine}}"),
            "logs elsewhere",
        ),
        (properties("SignerFunction", "{Timeout: 31}"), "a timeout"),
        (
            properties("AuthorizerFunction", "{Timeout: 6}"),
            "a timeout",
        ),
        (
            properties("AuthorizerFunction", "{MemorySize: 256}"),
            "a memory size",
        ),
        (
            properties("SignerLogGroup", "{KmsKeyId: {Ref: 'AWS::NoValue'}}"),
            "without their key",
        ),
        (
            "Outputs: {LogsKeyArn: {Value: mine}}".to_owned(),
            "an output other than",
        ),
        (
            "Parameters: {ArtifactBucket: {Default: mine}}".to_owned(),
            "a parameter with another value",
        ),
    ];
    let hospital = [
        (properties("WebAcl", "{Rules: []}"), "blocks less"),
        (
            properties("WebAcl", "{DefaultAction: {Count: {}}}"),
            "blocks less",
        ),
        (
            properties(
                "WebAcl",
                "{VisibilityConfig: {SampledRequestsEnabled: true}}",
            ),
            "samples of requests",
        ),
        (
            properties("WebAclLogging", "{RedactedFields: []}"),
            "may hold tokens",
        ),
        (
            properties("WebAclLogging", "{LogDestinationConfigs: [mine]}"),
            "other logs of the web ACL",
        ),
        (
            properties("Certificatee69651fc", "{DomainName: mine}"),
            "another certificate",
        ),
    ];
    let cases = (cdn.iter().map(|case| (CDN, case)))
        .chain(lambda_edge.iter().map(|case| (LAMBDA_EDGE, case)))
        .chain(hospital.iter().map(|case| (HOSPITAL, case)));
    for (template, (overlay, expected)) in cases {
        is_found(template, overlay, expected);
    }
}

#[test]
fn what_opens_by_being_added_is_found() {
    let types = [
        ("AWS::IAM::Role", "permissions beside"),
        ("AWS::IAM::Policy", "permissions beside"),
        ("AWS::Lambda::Permission", "others may call"),
        ("AWS::Lambda::Url", "anybody may call"),
        ("AWS::CloudFormation::Stack", "another stack"),
        (
            "AWS::CloudFormation::CustomResource",
            "a program that CloudFormation runs",
        ),
        ("Custom::Mine", "a program that CloudFormation runs"),
        ("AWS::CloudFormation::Macro", "a transform"),
        ("AWS::ApiGateway::RestApi", "another way in"),
        ("AWS::ApiGatewayV2::Api", "another way in"),
        ("AWS::CloudFront::Distribution", "can't be checked"),
        ("AWS::S3::AccessPoint", "another way into a bucket"),
        ("AWS::Logs::Delivery", "other access logs"),
        ("AWS::WAFv2::LoggingConfiguration", "may hold tokens"),
    ];
    for (kind, expected) in types {
        is_found(
            CDN,
            &format!("Resources: {{Mine: {{Type: '{kind}'}}}}"),
            expected,
        );
    }
    is_found(
        CDN,
        "Resources: {Mine: {Type: 'AWS::Lambda::Url', Properties: {AuthType: AWS_IAM}}}",
        "another way in",
    );
    is_found(
        CDN,
        "Resources: {Mine: {Type: {Ref: x}}}",
        "can't be checked",
    );
    is_found(
        CDN,
        "Resources: {Mine: {Type: 'AWS::SNS::Topic', Properties: {'Fn::If': [a, {}, {}]}}}",
        "can't be checked",
    );
}

fn policy(kind: &str, key: &str, document: &str) -> String {
    format!("Resources: {{Mine: {{Type: '{kind}', Properties: {{{key}: {document}}}}}}}")
}

#[test]
fn whom_an_added_policy_lets_in_is_found() {
    let wildcard = "a wildcard principal";
    let unknown = "can't be checked";
    let foreign = "an account that needn't be this one";
    let documents = [
        (
            "{Statement: [{Effect: Allow, Principal: '*', Action: 'a:b'}]}",
            wildcard,
        ),
        (
            "{Statement: {Effect: Allow, Principal: {AWS: ['*']}, Action: 'a:b'}}",
            wildcard,
        ),
        (
            "'{\"Statement\": {\"Effect\": \"Allow\", \"Principal\": \"*\"}}'",
            wildcard,
        ),
        (
            "'{\"Statement\": [{\"Effect\": \"Allow\", \"Principal\": {\"AWS\": \"444455556666\"}}]}'",
            foreign,
        ),
        ("'{\"Statement\": '", unknown),
        ("{'Fn::Sub': '{}'}", unknown),
        ("{Statement: {'Fn::If': [a, {}, {}]}}", unknown),
        ("{Statement: [{'Fn::If': [a, {}, {}]}]}", unknown),
        ("{Statement: [{Effect: {Ref: x}, Principal: '*'}]}", unknown),
        (
            "{Statement: [{Effect: '{{resolve:ssm:x}}', Principal: '*'}]}",
            unknown,
        ),
        (
            "{Statement: [{Effect: Allow, Principal: {Ref: x}}]}",
            unknown,
        ),
        (
            "{Statement: [{Effect: Allow, Principal: {AWS: {Ref: Who}}}]}",
            unknown,
        ),
        (
            "{Statement: [{Effect: Allow, Principal: {Service: {Ref: Who}}}]}",
            unknown,
        ),
        (
            "{Statement: [{Effect: Allow, Principal: {Service: '{{resolve:ssm:x}}'}}]}",
            unknown,
        ),
        (
            "{Statement: [{Effect: Allow, Principal: {AWS: 'arn:aws:iam::444455556666:root'}}]}",
            foreign,
        ),
        (
            "{Statement: [{Effect: Allow, Principal: {AWS: '{{resolve:ssm:x}}'}}]}",
            foreign,
        ),
        (
            "{Statement: [{Effect: Allow, Principal: {Federated: x}}]}",
            "a grant to others",
        ),
        (
            "{Statement: [{Effect: Allow, Principal: {CanonicalUser: x}}]}",
            "a grant to others",
        ),
        (
            "{Statement: [{Effect: Allow, NotPrincipal: {AWS: x}}]}",
            "all but a few",
        ),
        (
            "{Statement: [{Effect: Allow, Principal: {Service: sns.amazonaws.com}, Action: {Ref: x}}]}",
            unknown,
        ),
        (
            "{Statement: [{Effect: Allow, Principal: {Service: sns.amazonaws.com}, Action: ['{{resolve:ssm:x}}']}]}",
            unknown,
        ),
    ];
    let holders = [
        ("AWS::S3::BucketPolicy", "PolicyDocument"),
        ("AWS::KMS::Key", "KeyPolicy"),
        ("AWS::Logs::ResourcePolicy", "PolicyDocument"),
        ("AWS::SNS::TopicPolicy", "PolicyDocument"),
        ("AWS::SQS::QueuePolicy", "PolicyDocument"),
    ];
    for (document, expected) in documents {
        for (kind, key) in holders {
            is_found(CDN, &policy(kind, key, document), expected);
        }
    }
}

#[test]
fn what_is_meant_to_be_tuned_or_added_passes() {
    let properties = |id: &str, rest: &str| format!("Resources: {{{id}: {{Properties: {rest}}}}}");
    let config =
        |rest: &str| properties("Distribution", &format!("{{DistributionConfig: {rest}}}"));
    let headers = |rest: &str| {
        properties(
            "ResponseHeadersPolicy",
            &format!("{{ResponseHeadersPolicyConfig: {rest}}}"),
        )
    };
    let own = |document: &str| policy("AWS::SNS::TopicPolicy", "PolicyDocument", document);
    let cdn = [
        config("{PriceClass: PriceClass_100, HttpVersion: http2, IPV6Enabled: false, DefaultRootObject: index.html}"),
        config("{Comment: {'Fn::Sub': 'in ${AWS::AccountId}'}}"),
        config("{ViewerCertificate: {MinimumProtocolVersion: TLSv1.3_2025}}"),
        config("{DefaultCacheBehavior: {ViewerProtocolPolicy: https-only, AllowedMethods: [GET, HEAD, OPTIONS]}}"),
        config("{Origins: [{Id: healthimaging, DomainName: runtime-medical-imaging.us-east-1.amazonaws.com, ConnectionAttempts: 2, CustomOriginConfig: {HTTPPort: 80, HTTPSPort: 443, OriginProtocolPolicy: https-only, OriginSSLProtocols: [TLSv1.2], OriginReadTimeout: 60}}]}"),
        properties("Distribution", "{Tags: [{Key: team, Value: imaging}]}"),
        "Resources: {Distribution: {Metadata: {a: b}, DependsOn: [AccessLogs], DeletionPolicy: Retain}}".to_owned(),
        headers("{Comment: mine, ServerTimingHeadersConfig: {SamplingRate: 1}, CorsConfig: {AccessControlMaxAgeSec: 60}}"),
        headers("{CustomHeadersConfig: {Items: [{Header: X-Site, Value: hospital, Override: true}]}}"),
        headers("{SecurityHeadersConfig: {StrictTransportSecurity: {AccessControlMaxAgeSec: 63072000, IncludeSubdomains: true, Preload: true}}}"),
        properties("DicomwebCachePolicy", "{CachePolicyConfig: {DefaultTTL: 60, MaxTTL: 60, MinTTL: 1}}"),
        properties("AccessLogs", "{LifecycleConfiguration: {Rules: []}, Tags: []}"),
        "Parameters: {AuthorizerVersionArn: {Description: mine}, Mine: {Type: String, Default: x}}".to_owned(),
        "Outputs: {Url: {Export: {Name: url}}, Mine: {Value: x}}".to_owned(),
        "Resources: {Slow: {Type: 'AWS::CloudWatch::Alarm'}, Board: {Type: 'AWS::CloudWatch::Dashboard'}}".to_owned(),
        own("{Version: '2012-10-17', Statement: [{Sid: a, Effect: Allow, Principal: {Service: cloudwatch.amazonaws.com}, Action: 'sns:Publish', Resource: '*'}]}"),
        own("{Statement: [{Effect: Allow, Principal: {Service: {'Fn::Sub': 'logs.${AWS::Region}.amazonaws.com'}}}]}"),
        own("{Statement: [{Effect: Allow, Principal: {AWS: {Ref: 'AWS::AccountId'}}}]}"),
        own("{Statement: [{Effect: Allow, Principal: {AWS: [{'Fn::Sub': 'arn:${AWS::Partition}:iam::${AWS::AccountId}:root'}]}}]}"),
        own("{Statement: [{Effect: Deny, Principal: '*', Action: {Ref: x}}]}"),
        own("{Statement: [{Effect: Allow, Principal: {Service: sns.amazonaws.com}, Action: {Ref: x}, Condition: {StringEquals: {a: b}}}]}"),
        own("'{\"Statement\": [{\"Effect\": \"Allow\", \"Principal\": {\"Service\": \"sns.amazonaws.com\"}}]}'"),
        "Resources: {Mine: {Type: 'AWS::S3::Bucket', Properties: {PublicAccessBlockConfiguration: {BlockPublicAcls: true, BlockPublicPolicy: true, IgnorePublicAcls: true, RestrictPublicBuckets: true}}}}".to_owned(),
    ];
    let lambda_edge = [
        properties(
            "SignerFunction",
            "{MemorySize: 256, Timeout: 30, Description: mine, Tags: []}",
        ),
        properties("AuthorizerFunction", "{Timeout: 3}"),
        properties("SignerRole", "{Description: mine, Tags: []}"),
        properties("SignerLogGroup", "{RetentionInDays: 7}"),
        properties("LogsKey", "{Description: mine, Tags: []}"),
    ];
    let block = "{Name: mine, Priority: 9, Action: {Block: {}}, Statement: {GeoMatchStatement: {CountryCodes: [XX]}}, VisibilityConfig: {CloudWatchMetricsEnabled: true, MetricName: mine, SampledRequestsEnabled: false}}";
    let compiled: Value = serde_json::from_str(HOSPITAL).unwrap();
    let rules = compiled["Resources"]["WebAcl"]["Properties"]["Rules"]
        .as_array()
        .unwrap();
    let rules: Vec<String> = rules.iter().map(Value::to_string).collect();
    let further = |rule: &str| {
        properties(
            "WebAcl",
            &format!("{{Rules: [{}, {rule}]}}", rules.join(", ")),
        )
    };
    let hospital = [further(block)];
    let cases = (cdn.iter().map(|overlay| (CDN, overlay)))
        .chain(lambda_edge.iter().map(|overlay| (LAMBDA_EDGE, overlay)))
        .chain(hospital.iter().map(|overlay| (HOSPITAL, overlay)));
    for (template, overlay) in cases {
        assert_eq!(apply(template, overlay).1, [], "{overlay}");
    }
    is_found(
        HOSPITAL,
        &further(&block.replace("Block", "Allow")),
        "blocks less",
    );
}

/// The golden templates, with an overlay that says nothing.
#[test]
fn nothing_compiled_is_a_finding() {
    for template in [CDN, LAMBDA_EDGE, HOSPITAL] {
        assert_eq!(apply(template, "Outputs: {}").1, []);
    }
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
    let (node, _) = parse(&Source::new("overlay", text));
    let compiled: Value = serde_json::from_str(CDN).unwrap();
    let mut merged = compiled.clone();
    merge(&mut merged, node.as_ref().unwrap());
    let opened = opened(&compiled, &merged, node.as_ref().unwrap());
    assert_eq!(&text[opened[0].span.range()], "allow-all");
}
