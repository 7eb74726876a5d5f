//! What opens by being added is found.

use super::*;

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
        ("AWS::Logs::LogGroup", "ResourcePolicyDocument"),
    ];
    for (document, expected) in documents {
        for (kind, key) in holders {
            is_found(CDN, &policy(kind, key, document), expected);
        }
    }
}
