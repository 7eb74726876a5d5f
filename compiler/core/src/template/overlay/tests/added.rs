//! What opens by being added is found.

use super::*;

#[test]
fn what_opens_by_being_added_is_found() {
    let types = [
        ("AWS::IAM::Role", "IAM permissions in addition"),
        ("AWS::IAM::Policy", "IAM permissions in addition"),
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
        "Resources: {Mine: {Type: 'AWS::Lambda::Url', Properties: {AuthType: NONE}}}",
        "anybody may call",
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

#[test]
fn whom_an_added_policy_lets_in_is_found() {
    let wildcard = "a wildcard principal";
    let unknown = "can't be checked";
    let foreign = "an account that may not be this one";
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
        ("'{\"Statement\": []}'", "a policy as text"),
        (
            "{PolicyDocument: {Statement: []}, Statement: [{Effect: Allow, Principal: {AWS: '444455556666'}}]}",
            unknown,
        ),
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
            "{Statement: [{Effect: Allow, Principal: {Service: example.org}}]}",
            unknown,
        ),
        (
            "{Statement: [{Effect: Allow, Principal: {Service: sns.amazonaws.com.example.org}}]}",
            unknown,
        ),
        (
            "{Statement: [{Effect: Allow, Principal: {Service: a_b.amazonaws.com}}]}",
            unknown,
        ),
        (
            "{Statement: [{Effect: Allow, Principal: {AWS: {'Fn::Sub': '${Who}'}}}]}",
            unknown,
        ),
        (
            "{Statement: [{Effect: Allow, Principal: {AWS: {'Fn::Sub': 'arn:aws:iam::${AWS::AccountId}:role/${Who}'}}}]}",
            unknown,
        ),
        // Without `!Sub` it is no service's name.
        (
            "{Statement: [{Effect: Allow, Principal: {Service: 'logs.${AWS::Region}.amazonaws.com'}}]}",
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
        ("AWS::Logs::LogGroup", "ResourcePolicyDocument"),
    ];
    for (document, expected) in documents {
        for (kind, key) in holders {
            is_found(CDN, &policy(kind, key, document), expected);
        }
    }
}

/// One resource, added as `Mine`.
fn mine(kind: &str, properties: &str) -> String {
    format!("Resources: {{Mine: {{Type: '{kind}', Properties: {properties}}}}}")
}

#[test]
fn only_listed_types_may_be_added() {
    for kind in [
        "AWS::Logs::SubscriptionFilter",
        "AWS::ServiceCatalog::CloudFormationProvisionedProduct",
        "Evil::Corp::Thing",
        "My::Mod::MODULE",
        "AWS::Oam::Link",
        "AWS::VpcLattice::AuthPolicy",
        "AWS::MediaStore::Container",
        "AWS::Lambda::Function",
        "AWS::Lambda::Version",
        "AWS::Lambda::Alias",
        "AWS::Logs::ResourcePolicy",
        "AWS::Logs::Destination",
        "AWS::CloudFront::Function",
        "AWS::CloudFront::RealtimeLogConfig",
        "AWS::CloudFront::CachePolicy",
        "AWS::CloudFront::OriginRequestPolicy",
        "AWS::CloudFront::ResponseHeadersPolicy",
        "AWS::CloudFront::ContinuousDeploymentPolicy",
        "AWS::EC2::Instance",
        "AWS::ECS::TaskDefinition",
        "AWS::Events::EventBusPolicy",
        "AWS::Route53::RecordSetGroup",
        "AWS::Route53::HostedZone",
        "AWS::WAFv2::WebACLAssociation",
        "AWS::KMS::ReplicaKey",
        "AWS::S3::BucketPolicy2",
        "aws::sns::topic",
        "",
    ] {
        for template in [CDN, LAMBDA_EDGE] {
            let (_, opened) = apply(template, &mine(kind, "{}"));
            assert!(!opened.is_empty(), "{kind}");
        }
    }
}

#[test]
fn ids_of_frames_are_reserved_whatever_the_hash() {
    let frames = "an id that frames keeps for itself";
    for id in [
        "AuthorizerVersion0123456789ab",
        "SignerVersionabcdef012345",
        "AuthorizerVersion",
        "SignerRole01234567",
        "Certificate01234567",
        "Alias01234567A",
        "SignerReadPolicy7",
        "Distribution",
    ] {
        let topic = format!("Resources: {{{id}: {{Type: 'AWS::SNS::Topic'}}}}");
        is_found(LAMBDA_EDGE, &topic, frames);
    }
    for id in [
        "AuthorizerVersionArn",
        "WebAclArn",
        "LogsKeyArn",
        "ArtifactBucket",
    ] {
        let parameter = format!("Parameters: {{{id}: {{Type: String, Default: x}}}}");
        let (_, in_cdn) = apply(CDN, &parameter);
        let (_, in_lambda_edge) = apply(LAMBDA_EDGE, &parameter);
        assert!(!in_cdn.is_empty() && !in_lambda_edge.is_empty(), "{id}");
    }
    is_found(LAMBDA_EDGE, "Outputs: {CertificateArn: {Value: x}}", frames);
}

#[test]
fn an_id_is_no_path_into_the_template() {
    for id in [
        "Distribution/Properties",
        "Distribution~1Properties",
        "../Distribution",
        "Distribution.Properties",
    ] {
        let role = format!("Resources: {{'{id}': {{Type: 'AWS::IAM::Role'}}}}");
        is_found(CDN, &role, "IAM permissions in addition");
    }
}

#[test]
fn a_second_distribution_obeys_what_holds_for_the_first() {
    let compiled: Value = serde_json::from_str(CDN).unwrap();
    let second = |change: &dyn Fn(&mut Value)| {
        let mut second = compiled["Resources"]["Distribution"].clone();
        let config = &mut second["Properties"]["DistributionConfig"];
        config["Aliases"] = serde_json::json!(["other.example.org"]);
        change(config);
        format!("Resources: {{Second: {second}}}")
    };
    assert_eq!(apply(CDN, &second(&|_| {})).1, []);
    assert_eq!(
        apply(
            CDN,
            &second(&|config| config["PriceClass"] = "PriceClass_100".into())
        )
        .1,
        []
    );
    // CloudFront's own certificate comes with an older TLS than the compiled one's.
    let own = serde_json::json!({"CloudFrontDefaultCertificate": true});
    let with_own = second(&|config| config["ViewerCertificate"] = own.clone());
    let (_, found) = apply(CDN, &with_own);
    assert!(
        found.iter().any(|(_, what)| what.contains("certificate")),
        "{found:?}"
    );
    let mut without_names = compiled.clone();
    let config =
        &mut without_names["Resources"]["Distribution"]["Properties"]["DistributionConfig"];
    // What frames compiles where there are no names.
    config["ViewerCertificate"] = own;
    assert_eq!(apply(&without_names.to_string(), &with_own).1, []);
    // Nothing stands there to be held against, and the reference isn't the authorizer's.
    let (_, elsewhere) = apply(LAMBDA_EDGE, &second(&|_| {}));
    assert!(
        elsewhere
            .iter()
            .any(|(_, what)| what.contains("where frames makes none"))
    );
    assert!(
        elsewhere
            .iter()
            .any(|(_, what)| what.contains("without the authorizer"))
    );
    let behavior = |key: &'static str, value: Value| {
        second(&move |config| config["DefaultCacheBehavior"][key] = value.clone())
    };
    let config =
        |key: &'static str, value: Value| second(&move |config| config[key] = value.clone());
    let text = |text: &str| Value::from(text);
    for (overlay, expected) in [
        (
            config(
                "Logging",
                serde_json::json!({"Bucket": "mine.s3.amazonaws.com"}),
            ),
            "legacy access logs",
        ),
        (
            config("Aliases", serde_json::json!(["Frames.example.org"])),
            "by a name of the delivery",
        ),
        (
            config("Staging", true.into()),
            "other than the compiled one",
        ),
        (
            behavior("RealtimeLogConfigArn", text("arn")),
            "real-time logs",
        ),
        (
            behavior(
                "OriginRequestPolicyId",
                text("216adef6-5c7f-47e4-b989-5492eafa07d3"),
            ),
            "tokens among them",
        ),
        (
            behavior(
                "CachePolicyId",
                text("658327ea-f89d-4fab-a63d-7e88639e58f6"),
            ),
            "another cache key",
        ),
        (
            behavior("ResponseHeadersPolicyId", text("x")),
            "security headers",
        ),
        (
            behavior(
                "FunctionAssociations",
                serde_json::json!([{"EventType": "viewer-response", "FunctionARN": "x"}]),
            ),
            "a CloudFront Function",
        ),
        (
            behavior("ViewerProtocolPolicy", text("allow-all")),
            "plain HTTP",
        ),
        (config("WebACLId", text("")), "without its web ACL"),
        (
            config(
                "Origins",
                serde_json::json!([{"Id": "healthimaging", "DomainName": "mine.example.org", "CustomOriginConfig": {"OriginProtocolPolicy": "https-only"}}]),
            ),
            "an origin other",
        ),
        (
            config(
                "ViewerCertificate",
                serde_json::json!({"AcmCertificateArn": "x", "SslSupportMethod": "sni-only", "MinimumProtocolVersion": "TLSv1"}),
            ),
            "certificate",
        ),
        (
            config(
                "ViewerCertificate",
                serde_json::json!({"AcmCertificateArn": "x", "SslSupportMethod": "vip", "MinimumProtocolVersion": "TLSv1.2_2021"}),
            ),
            "certificate",
        ),
    ] {
        is_found(CDN, &overlay, expected);
    }
    let certificate = serde_json::json!({"AcmCertificateArn": "x", "SslSupportMethod": "sni-only", "MinimumProtocolVersion": "TLSv1.2_2021"});
    assert_eq!(apply(CDN, &config("ViewerCertificate", certificate)).1, []);
}

#[test]
fn added_buckets_keys_and_policies_obey_what_holds_for_compiled_ones() {
    let blocked = "PublicAccessBlockConfiguration: {BlockPublicAcls: true, BlockPublicPolicy: true, IgnorePublicAcls: true, RestrictPublicBuckets: true}";
    let bucket = |rest: &str| mine("AWS::S3::Bucket", &format!("{{{blocked}, {rest}}}"));
    let statement = "{Effect: Allow, Principal: {Service: cloudfront.amazonaws.com}, Action: 's3:GetObject', Resource: '*'";
    let on = |bucket: &str, rest: &str| {
        format!(
            "Resources: {{Own: {{Type: 'AWS::S3::Bucket', Properties: {{{blocked}}}}}, Mine: {{Type: 'AWS::S3::BucketPolicy', Properties: {{Bucket: {bucket}, PolicyDocument: {{Statement: [{statement}{rest}}}]}}}}}}}}"
        )
    };
    let account = ", Condition: {StringEquals: {'aws:SourceAccount': !Ref 'AWS::AccountId'}}";
    for (overlay, expected) in [
        (
            bucket("WebsiteConfiguration: {IndexDocument: x}"),
            "`WebsiteConfiguration` of an added",
        ),
        (
            bucket("ReplicationConfiguration: {}"),
            "`ReplicationConfiguration` of an added",
        ),
        (
            bucket("OwnershipControls: {Rules: [{ObjectOwnership: ObjectWriter}]}"),
            "a bucket with ACLs",
        ),
        (
            bucket("OwnershipControls: {Rules: []}"),
            "a bucket with ACLs",
        ),
        (
            on("!Ref AccessLogs", account),
            "isn't one of the overlay's own",
        ),
        (
            on("somebody-elses", account),
            "isn't one of the overlay's own",
        ),
        (on("!Ref Own", ""), "opens to other accounts"),
        (
            on(
                "!Ref Own",
                ", Condition: {StringLike: {'aws:SourceArn': '*'}}",
            ),
            "opens to other accounts",
        ),
        (
            on(
                "!Ref Own",
                ", Condition: {StringNotEquals: {'aws:SourceAccount': x}}",
            ),
            "opens to other accounts",
        ),
        (
            mine("AWS::KMS::Key", "{KeyPolicy: {Statement: []}}"),
            "without the rotation",
        ),
        (
            mine("AWS::KMS::Key", "{KeySpec: SYMMETRIC_DEFAULT}"),
            "without the rotation",
        ),
        (
            mine(
                "AWS::KMS::Key",
                "{EnableKeyRotation: true, BypassPolicyLockoutSafetyCheck: true}",
            ),
            "`BypassPolicyLockoutSafetyCheck` of an added",
        ),
        (
            mine(
                "AWS::SNS::TopicPolicy",
                "{Topics: ['arn:aws:sns:us-east-1:444455556666:x'], PolicyDocument: {Statement: []}}",
            ),
            "isn't the overlay's own",
        ),
        (
            mine(
                "AWS::CertificateManager::Certificate",
                "{DomainName: a.example.org, CertificateExport: ENABLED}",
            ),
            "`CertificateExport` of an added",
        ),
        (
            mine("AWS::SNS::Topic", "{DataProtectionPolicy: {}}"),
            "`DataProtectionPolicy` of an added",
        ),
        (
            mine(
                "AWS::Events::Rule",
                "{Targets: [{Id: a, Arn: 'arn:aws:events:us-east-1:444455556666:event-bus/x'}]}",
            ),
            "events that go to",
        ),
        (
            mine(
                "AWS::WAFv2::WebACL",
                "{VisibilityConfig: {SampledRequestsEnabled: true}}",
            ),
            "samples of requests",
        ),
        (
            mine(
                "AWS::Logs::LogGroup",
                "{LogGroupName: /frames/x-dev-signer}",
            ),
            "belongs to the delivery",
        ),
        (
            mine("AWS::Logs::LogGroup", "{LogGroupName: !Sub '${Name}'}"),
            "can't be checked",
        ),
        (
            mine("AWS::Logs::LogGroup", "{ResourcePolicyDocument: {}}"),
            "`ResourcePolicyDocument` of an added",
        ),
        (
            mine(
                "AWS::WAFv2::WebACL",
                "{DefaultAction: {Block: {CustomResponse: {ResponseCode: 307}}}, VisibilityConfig: {SampledRequestsEnabled: false}}",
            ),
            "answers of a web ACL's own",
        ),
        (
            mine(
                "AWS::Logs::LogGroup",
                "{LogGroupName: !Sub '/fra${E}mes/x-dev-authorizer'}",
            ),
            "can't be checked",
        ),
        (
            on(
                "!Ref Own",
                ", Condition: {StringEquals: {'aws:SourceArn': 'arn:aws:cloudfront::444455556666:distribution/E'}}",
            ),
            "opens to other accounts",
        ),
        (
            on(
                "!Ref Own",
                ", Condition: {ArnLike: {'aws:SourceArn': !Sub '*'}}",
            ),
            "opens to other accounts",
        ),
        (
            on(
                "!Ref Own",
                ", Condition: {StringLike: {'aws:SourceAccount': !Ref Anybody}}",
            ),
            "opens to other accounts",
        ),
        (
            on(
                "!Ref Own",
                ", Condition: {ArnLike: {'aws:SourceArn': !Sub 'arn:aws:cloudfront::*:distribution/${AWS::AccountId}'}}",
            ),
            "opens to other accounts",
        ),
        (
            on(
                "!Ref Own",
                ", Condition: {StringEquals: {'aws:SourceAccount': [!Ref 'AWS::AccountId', '444455556666']}}",
            ),
            "opens to other accounts",
        ),
        (
            on(
                "!Ref Own",
                ", Condition: {StringNotEquals: {'aws:SourceAccount': !Ref 'AWS::AccountId'}}",
            ),
            "opens to other accounts",
        ),
        (
            on(
                "!Ref Own",
                ", Condition: {StringEquals: {'aws:SourceOrgID': !Ref 'AWS::AccountId'}}",
            ),
            "opens to other accounts",
        ),
        (
            on(
                "!Ref Own",
                ", Condition: {StringEquals: {'aws:SourceAccount': []}}",
            ),
            "opens to other accounts",
        ),
        (
            on(
                "!Ref Own",
                ", Condition: {'Fn::If': [a, {}, {}], StringEquals: {'aws:SourceAccount': !Ref 'AWS::AccountId'}}",
            ),
            "opens to other accounts",
        ),
        (
            mine("AWS::WAFv2::RuleGroup", "{Rules: [{VisibilityConfig: {}}]}"),
            "samples of requests",
        ),
        (
            mine(
                "AWS::SNS::TopicPolicy",
                "{PolicyDocument: {Statement: [{Effect: Allow, Principal: {AWS: !GetAtt Distribution.Arn}}]}}",
            ),
            "can't be checked",
        ),
    ] {
        is_found(CDN, &overlay, expected);
    }
    for overlay in [
        on("!Ref Own", account),
        on("!Sub '${Own}'", account),
        on("!Ref Own", ", Condition: {ArnLike: {'aws:SourceArn': !Sub 'arn:aws:cloudfront::${AWS::AccountId}:distribution/*'}}"),
        on("!Ref Own", ", Condition: {ArnEquals: {'aws:SourceArn': !GetAtt Own.Arn}}"),
        mine("AWS::Logs::LogGroup", "{LogGroupName: !Sub '/app/${AWS::StackName}'}"),
        bucket("OwnershipControls: {Rules: [{ObjectOwnership: BucketOwnerEnforced}]}, VersioningConfiguration: {Status: Enabled}"),
        mine("AWS::KMS::Key", "{KeySpec: RSA_2048, KeyUsage: SIGN_VERIFY}"),
        mine("AWS::KMS::Key", "{EnableKeyRotation: true, KeyPolicy: {Statement: [{Effect: Allow, Principal: {AWS: !Sub 'arn:aws:iam::${AWS::AccountId}:root'}, Action: 'kms:*', Resource: '*'}]}}"),
        "Resources: {T: {Type: 'AWS::SNS::Topic'}, R: {Type: 'AWS::Events::Rule', Properties: {ScheduleExpression: rate(1 day), Targets: [{Id: a, Arn: !Ref T}]}}}".to_owned(),
    ] {
        assert_eq!(apply(CDN, &overlay).1, [], "{overlay}");
    }
}

#[test]
fn records_of_the_deliverys_own_names_are_found() {
    let record = |name: &str, kind: &str| {
        mine(
            "AWS::Route53::RecordSet",
            &format!(
                "{{HostedZoneId: Z1, Name: {name}, Type: {kind}, TTL: 60, ResourceRecords: [x]}}"
            ),
        )
    };
    let own = "a name that belongs to the delivery";
    for (overlay, expected) in [
        (record("frames.example.org", "A"), own),
        (record("Frames.Example.org.", "CNAME"), own),
        (record("_acme-challenge.frames.example.org", "TXT"), own),
        (record("'*.frames.example.org'", "A"), own),
        (record("a.images.example.org", "A"), own),
        (record("'\\052.images.example.org'", "A"), own),
        (record("'fram\\145s.example.org'", "A"), "can't be checked"),
        (
            record("!Join ['.', [frames, example.org]]", "A"),
            "can't be checked",
        ),
        (record("example.org", "NS"), "others answer for"),
        (record("example.org", "CAA"), "get certificates for it"),
        (record("example.org", "TXT"), "get certificates for it"),
        (record("_frames.example.org", "TXT"), "a validation record"),
        (
            record("_acme-challenge.example.org", "TXT"),
            "a validation record",
        ),
        (record("_x1.example.org", "CNAME"), "a validation record"),
        (record("'fram\\145s.example.org'", "A"), "can't be checked"),
        (
            record("!Join ['.', [frames, example.org]]", "A"),
            "can't be checked",
        ),
        (record("'*.example.org'", "A"), "covers the delivery's name"),
        (record("!Sub 'frames.${Zone}'", "A"), "can't be checked"),
        (record("other.example.org", "!Ref Kind"), "can't be checked"),
        (record("'{{resolve:ssm:/name}}'", "A"), "can't be checked"),
    ] {
        is_found(CDN, &overlay, expected);
        is_found(LAMBDA_EDGE, &overlay, expected);
    }
    for overlay in [
        record("viewer.example.org", "A"),
        record("notframes.example.org", "CNAME"),
    ] {
        assert_eq!(apply(CDN, &overlay).1, [], "{overlay}");
    }
}

#[test]
fn a_permission_for_a_service_lets_not_everybody_in() {
    let permission = |principal: &str| {
        let overlay = mine(
            "AWS::Lambda::Permission",
            &format!("{{Principal: {principal}}}"),
        );
        let (_, opened) = apply(LAMBDA_EDGE, &overlay);
        opened
            .iter()
            .any(|(_, what)| what == "a wildcard principal")
    };
    assert!(permission("'*'"));
    assert!(!permission("sns.amazonaws.com"));
}

#[test]
fn a_policy_is_for_what_the_overlay_adds() {
    let kinds = [
        ("AWS::SNS::TopicPolicy", "Topics", "AWS::SNS::Topic"),
        ("AWS::SQS::QueuePolicy", "Queues", "AWS::SQS::Queue"),
    ];
    for (kind, property, holder) in kinds {
        let opened = |list: &str| {
            let policy = format!("{{Type: '{kind}', Properties: {{{property}: {list}}}}}");
            let overlay = format!("Resources: {{Own: {{Type: '{holder}'}}, Mine: {policy}}}");
            apply(CDN, &overlay).1
        };
        assert_eq!(opened("[{Ref: Own}]"), [], "{kind}");
        for (list, place) in [
            ("['arn:aws:x']", ".0"),
            ("[{Ref: Own}, {Ref: AccessLogs}]", ".1"),
            ("{Ref: Own}", ""),
        ] {
            let what = "a policy of something that isn't the overlay's own".to_owned();
            let path = format!("Resources.Mine.Properties.{property}{place}");
            assert_eq!(opened(list), [(path, what)], "{kind} {list}");
        }
    }
}

#[test]
fn what_rewrites_the_template_afterwards_is_found_wherever_it_is() {
    for overlay in [
        "Transform: 'AWS::LanguageExtensions'",
        "Hooks: {Mine: {Type: 'AWS::CodeDeploy::BlueGreen'}}",
        "Outputs: {A: {Value: {'Fn::Transform': {Name: x}}}}",
        "Resources: {'Fn::ForEach::All': [Id, [a], {'T${Id}': {Type: 'AWS::SNS::Topic'}}]}",
    ] {
        is_found(CDN, overlay, "a transform, which may change anything");
    }
}
