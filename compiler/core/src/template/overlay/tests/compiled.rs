//! What weakens a compiled resource is found.

use super::*;

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
        // A behavior is a distribution's only.
        (
            properties("AccessLogs", "{DefaultCacheBehavior: {Compress: true}}"),
            "may leave the logs less protected",
        ),
        (
            headers(
                "{SecurityHeadersConfig: {StrictTransportSecurity: {IncludeSubdomains: false, Preload: false}}}",
            ),
            "without the compiled security headers",
        ),
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
        (
            behavior("{AllowedMethods: [GET, TRACE]}"),
            "a behavior other than the compiled one",
        ),
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
            "a behavior without the authorizer",
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
            headers("{CustomHeadersConfig: {Items: [{Header: Report-To, Value: x}]}}"),
            "undo the compiled ones",
        ),
        (
            headers("{CustomHeadersConfig: {Items: [{Header: NEL, Value: x}]}}"),
            "undo the compiled ones",
        ),
        (
            headers("{CustomHeadersConfig: {Items: [{Header: Alt-Svc, Value: x}]}}"),
            "undo the compiled ones",
        ),
        (
            headers("{CustomHeadersConfig: {Items: [{Header: Expires, Value: x}]}}"),
            "undo the compiled ones",
        ),
        (
            headers(
                "{CustomHeadersConfig: {Items: [{Header: X-Build, Value: !Ref AuthorizerVersionArn, Override: true}]}}",
            ),
            "undo the compiled ones",
        ),
        (
            headers(
                "{CustomHeadersConfig: {Items: [{Header: X-Build, Value: '{{resolve:secretsmanager:a}}', Override: true}]}}",
            ),
            "undo the compiled ones",
        ),
        (
            headers("{CustomHeadersConfig: {Items: [{Header: 'X-{{resolve:ssm:a}}', Value: x}]}}"),
            "undo the compiled ones",
        ),
        (
            headers("{CustomHeadersConfig: {Items: [{Header: X-Frame-Options, Value: ALLOWALL}]}}"),
            "undo the compiled ones",
        ),
        (
            properties(
                "AccessLogs",
                "{LifecycleConfiguration: {Rules: [{Status: Enabled, ExpirationInDays: 1}]}}",
            ),
            "deleted sooner",
        ),
        (
            properties(
                "AccessLogs",
                "{LifecycleConfiguration: {Rules: [{Status: Enabled, ExpirationDate: '2026-01-01'}]}}",
            ),
            "deleted sooner",
        ),
        (
            properties(
                "DicomwebCachePolicy",
                "{CachePolicyConfig: {MaxTTL: {Ref: Ttl}}}",
            ),
            "another cache key",
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
            "other IAM permissions",
        ),
        (
            properties(
                "SignerRole",
                "{ManagedPolicyArns: ['arn:aws:iam::aws:policy/AdministratorAccess']}",
            ),
            "other IAM permissions",
        ),
        (
            properties("SignerReadPolicy", "{PolicyDocument: {Statement: []}}"),
            "other IAM permissions",
        ),
        (
            properties("SignerReadPolicy", "{Roles: [mine]}"),
            "other IAM permissions",
        ),
        (
            properties("LogsKey", "{KeyPolicy: {Statement: []}}"),
            "others may use",
        ),
        (
            properties("LogsKey", "{EnableKeyRotation: false}"),
            "less protected",
        ),
        (
            properties("AuthorizerVersionaaaaaaaaaaaa", "{Description: mine}"),
            "another version in the place",
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

/// Lambda@Edge's limits, to the very last that fits.
#[test]
fn a_function_has_what_the_edge_takes() {
    let bounds = [
        ("AuthorizerFunction", "Timeout", 5),
        ("AuthorizerFunction", "MemorySize", 128),
        ("SignerFunction", "Timeout", 30),
        ("SignerFunction", "MemorySize", 10_240),
    ];
    for (function, property, most) in bounds {
        let opened = |given: u32| {
            let rest = format!("{{Properties: {{{property}: {given}}}}}");
            let overlay = format!("Resources: {{{function}: {rest}}}");
            apply(LAMBDA_EDGE, &overlay).1.len()
        };
        assert_eq!(
            (opened(most), opened(most + 1)),
            (0, 1),
            "{function} {property}"
        );
    }
}

#[test]
fn every_compiled_error_stays_and_none_is_kept() {
    let compiled: Value = serde_json::from_str(CDN).unwrap();
    let place = "/Resources/Distribution/Properties/DistributionConfig/CustomErrorResponses";
    let compiled = compiled.pointer(place).and_then(Value::as_array).unwrap();
    let opened = |change: &dyn Fn(&mut Vec<Value>)| {
        let mut errors = compiled.clone();
        change(&mut errors);
        let config = serde_json::json!({"CustomErrorResponses": errors});
        let overlay = format!(
            "Resources: {{Distribution: {{Properties: {{DistributionConfig: {config}}}}}}}"
        );
        let whats = apply(CDN, &overlay).1.into_iter().map(|(_, what)| what);
        whats.collect::<Vec<_>>()
    };
    let weakened = ["errors that are cached or hidden"];
    let further = |error: Value| opened(&|errors: &mut Vec<Value>| errors.push(error.clone()));
    let json = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    assert!(opened(&|errors| errors.reverse()).is_empty());
    assert!(further(json(r#"{"ErrorCode": 505, "ErrorCachingMinTTL": 0}"#)).is_empty());
    assert_eq!(
        further(json(r#"{"ErrorCode": 505, "ErrorCachingMinTTL": 1}"#)),
        weakened
    );
    assert_eq!(further(json(r#"{"ErrorCode": 505}"#)), weakened);
    assert_eq!(
        further(json(
            r#"{"ErrorCode": 505, "ErrorCachingMinTTL": 0, "ResponseCode": 200, "ResponsePagePath": "/x"}"#
        )),
        weakened
    );
    assert_eq!(opened(&|errors| drop(errors.pop())), weakened);
}

/// What may be added where nothing was may not be changed where something is.
#[test]
fn what_may_only_be_added_is_added_whole() {
    let minimal = include_str!("../../../../../../tests/golden/minimal/cdn.template.json");
    let config = |rest: &str| {
        format!("Resources: {{Distribution: {{Properties: {{DistributionConfig: {rest}}}}}}}")
    };
    let geo =
        config("{Restrictions: {GeoRestriction: {RestrictionType: whitelist, Locations: [US]}}}");
    assert_eq!(apply(minimal, &geo).1, []);
    let within = config("{Restrictions: {GeoRestriction: {Further: x}}}");
    is_found(CDN, &within, "other countries");
    let boundary = "Resources: {SignerRole: {Properties: {PermissionsBoundary: mine}}}";
    let compiled = include_str!("../../../../../../tests/golden/minimal/lambda-edge.template.json");
    assert_eq!(apply(compiled, boundary).1, []);
    is_found(LAMBDA_EDGE, boundary, "without its permissions boundary");
}

/// An intrinsic in the place of a mapping is one change.
#[test]
fn an_intrinsic_takes_the_place_of_the_whole() {
    let config = "Resources.Distribution.Properties.DistributionConfig";
    let overlay = "Resources: {Distribution: {Properties: {DistributionConfig: {ViewerCertificate: {'Fn::If': [a, {}, {}]}}}}}";
    assert_eq!(
        apply(CDN, overlay).1,
        [(
            format!("{config}.ViewerCertificate"),
            "another certificate".to_owned()
        )]
    );
}

/// Each of these would lead past the packaged program, or past the signer.
#[test]
fn the_readers_url_runs_the_packaged_version_and_nothing_else() {
    for (overlay, told) in [
        (
            "ReaderAlias: {Properties: {FunctionVersion: '1'}}",
            "another version than the packaged one",
        ),
        (
            "ReaderAlias: {Properties: {RoutingConfig: {AdditionalVersionWeights: []}}}",
            "another version than the packaged one",
        ),
        (
            "ReaderUrl: {Properties: {Qualifier: mine}}",
            "another way to the reader",
        ),
        (
            "ReaderUrl: {Properties: {AuthType: NONE}}",
            "another way to the reader",
        ),
        (
            "ReaderUrlPermission: {Properties: {FunctionName: {Ref: ReaderFunction}}}",
            "a reader that others may call",
        ),
        (
            "ReaderVersion777777777777: {Properties: {CodeSha256: null}}",
            "another version",
        ),
    ] {
        let (_, opened) = apply(READS, &format!("Resources:\n  {overlay}\n"));
        let found = opened.iter().any(|(_, what)| what.contains(told));
        assert!(found, "{overlay}: {opened:?}");
    }
}
