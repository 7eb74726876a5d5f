//! What is tuned or added, and opens nothing.

use super::*;

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
        "Resources: {Distribution: {DeletionPolicy: Delete, UpdateReplacePolicy: Delete}, AccessLogs: {DeletionPolicy: RetainExceptOnCreate}}".to_owned(),
        headers("{Comment: mine, ServerTimingHeadersConfig: {SamplingRate: 1}, CorsConfig: {AccessControlMaxAgeSec: 60}}"),
        headers("{CustomHeadersConfig: {Items: [{Header: X-Site, Value: hospital, Override: true}]}}"),
        headers("{SecurityHeadersConfig: {StrictTransportSecurity: {AccessControlMaxAgeSec: 63072000, IncludeSubdomains: true, Preload: true}}}"),
        properties("DicomwebCachePolicy", "{CachePolicyConfig: {DefaultTTL: 60, MaxTTL: 60, MinTTL: 1}}"),
        properties("AccessLogs", "{LifecycleConfiguration: {Rules: []}, Tags: []}"),
        "Parameters: {AuthorizerVersionArn: {Description: mine}, Mine: {Type: String, Default: x}}".to_owned(),
        "Outputs: {Url: {Export: {Name: url}}, Mine: {Value: x}}".to_owned(),
        "Resources: {Topic: {Type: 'AWS::SNS::Topic', Metadata: {PolicyDocument: none}}}".to_owned(),
        "Resources: {Slow: {Type: 'AWS::CloudWatch::Alarm'}, Board: {Type: 'AWS::CloudWatch::Dashboard'}}".to_owned(),
        own("{Version: '2012-10-17', Statement: [{Sid: a, Effect: Allow, Principal: {Service: cloudwatch.amazonaws.com}, Action: 'sns:Publish', Resource: '*'}]}"),
        own("{Statement: [{Effect: Allow, Principal: {Service: [sns.amazonaws.com.cn, resource-groups.amazonaws.com]}}]}"),
        own("{Statement: [{Effect: Allow, Principal: {Service: {'Fn::Sub': 'logs.${AWS::Region}.amazonaws.com'}}}]}"),
        own("{Statement: [{Effect: Allow, Principal: {Service: sns.amazonaws.com}, Action: ['sns:Publish', 'sns:Subscribe']}]}"),
        own("{Statement: [{Effect: Allow, Principal: {AWS: {Ref: 'AWS::AccountId'}}}]}"),
        own("{Statement: [{Effect: Allow, Principal: {AWS: {'Fn::Sub': '${AWS::AccountId}'}}}]}"),
        own("{Statement: [{Effect: Allow, Principal: {AWS: [{'Fn::Sub': 'arn:${AWS::Partition}:iam::${AWS::AccountId}:root'}]}}]}"),
        own("{Statement: [{Effect: Deny, Principal: '*', Action: {Ref: x}}]}"),
        own("{Statement: [{Effect: Allow, Principal: {Service: sns.amazonaws.com}, Action: {Ref: x}, Condition: {StringEquals: {a: b}}}]}"),
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
        own("{Statement: [{Effect: Allow, Principal: {AWS: {'Fn::GetAtt': [SignerRole, Arn]}}}]}"),
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

/// A redirect would take the viewer, and its token, elsewhere.
#[test]
fn a_further_rule_answers_nothing_of_its_own() {
    let rule = "{Name: mine, Priority: 9, Action: {Block: {CustomResponse: {ResponseCode: 307, ResponseHeaders: [{Name: Location, Value: 'https://e.example'}]}}}, Statement: {GeoMatchStatement: {CountryCodes: [XX]}}, VisibilityConfig: {SampledRequestsEnabled: false}}";
    let compiled: Value = serde_json::from_str(HOSPITAL).unwrap();
    let rules = &compiled["Resources"]["WebAcl"]["Properties"]["Rules"];
    let rules = rules.to_string();
    let rules = rules.trim_end_matches(']');
    let overlay = format!("Resources: {{WebAcl: {{Properties: {{Rules: {rules}, {rule}]}}}}}}");
    is_found(HOSPITAL, &overlay, "blocks less");
}

/// The golden templates, with an overlay that says nothing.
#[test]
fn nothing_compiled_is_a_finding() {
    for template in [CDN, LAMBDA_EDGE, HOSPITAL] {
        assert_eq!(apply(template, "Outputs: {}").1, []);
    }
}

/// What browsers may keep is said beside a header of the overlay's own.
#[test]
fn a_header_of_your_own_comes_beside_the_compiled_ones() {
    let overlay = |item: &str| {
        format!(
            "Resources: {{ResponseHeadersPolicy: {{Properties: {{ResponseHeadersPolicyConfig: {{CustomHeadersConfig: {{Items: [{item}]}}}}}}}}}}"
        )
    };
    let (finished, opened) = apply(CDN, &overlay("{Header: X-Site, Value: a, Override: true}"));
    assert_eq!(opened, []);
    let items = &finished["Resources"]["ResponseHeadersPolicy"]["Properties"]["ResponseHeadersPolicyConfig"]
        ["CustomHeadersConfig"]["Items"];
    let names: Vec<&str> = items
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["Header"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["Cache-Control", "X-Site"]);
    for name in ["cache-control", "Cache-Control", "Vary"] {
        let item = format!("{{Header: {name}, Value: public, Override: true}}");
        is_found(CDN, &overlay(&item), "undo the compiled ones");
    }
}
