//! What acts with a role, lets people in, or is somebody else's code.

use super::Entry;
use crate::generate::hostile::*;
use serde_json::json;

pub(super) fn compute() -> Vec<Entry> {
    vec![
        (
            "AWS::EC2::Instance",
            json!({ "ImageId": "ami-1", "IamInstanceProfile": "x" }),
        ),
        (
            "AWS::ECS::TaskDefinition",
            json!({ "TaskRoleArn": FOREIGN_ROLE }),
        ),
        (
            "AWS::CodeBuild::Project",
            json!({ "ServiceRole": FOREIGN_ROLE }),
        ),
        (
            "AWS::CodePipeline::Pipeline",
            json!({ "RoleArn": FOREIGN_ROLE }),
        ),
        (
            "AWS::StepFunctions::StateMachine",
            json!({ "RoleArn": FOREIGN_ROLE }),
        ),
        (
            "AWS::AppRunner::Service",
            json!({ "SourceConfiguration": {} }),
        ),
        (
            "AWS::Lambda::Function",
            json!({ "Role": FOREIGN_ROLE, "Code": { "ZipFile": "x" } }),
        ),
        (
            "AWS::Lambda::LayerVersion",
            json!({ "Content": { "S3Bucket": "evil", "S3Key": "x" } }),
        ),
        (
            "AWS::Lambda::LayerVersionPermission",
            json!({ "Action": "lambda:GetLayerVersion", "Principal": "*", "LayerVersionArn": "x" }),
        ),
        (
            "AWS::Lambda::CodeSigningConfig",
            json!({ "AllowedPublishers": {} }),
        ),
        ("AWS::Serverless::Function", json!({ "InlineCode": "x" })),
        ("AWS::SSMIncidents::ResponsePlan", json!({ "Name": "x" })),
    ]
}

pub(super) fn elsewhere() -> Vec<Entry> {
    vec![
        (
            "AWS::IAM::Role",
            json!({ "AssumeRolePolicyDocument": { "Statement": [] } }),
        ),
        ("AWS::IAM::User", json!({})),
        ("AWS::IAM::AccessKey", json!({ "UserName": "x" })),
        ("AWS::IAM::Group", json!({})),
        (
            "AWS::IAM::Policy",
            json!({ "PolicyName": "x", "Roles": ["x"], "PolicyDocument": { "Statement": [] } }),
        ),
        (
            "AWS::IAM::ManagedPolicy",
            json!({ "PolicyDocument": { "Statement": [] } }),
        ),
        ("AWS::IAM::InstanceProfile", json!({ "Roles": ["x"] })),
        (
            "AWS::IAM::OIDCProvider",
            json!({ "Url": "https://evil.net" }),
        ),
        (
            "AWS::IAM::SAMLProvider",
            json!({ "SamlMetadataDocument": "x" }),
        ),
        (
            "AWS::RolesAnywhere::Profile",
            json!({ "RoleArns": [FOREIGN_ROLE] }),
        ),
        ("AWS::SSO::PermissionSet", json!({ "InstanceArn": "x" })),
        (
            "AWS::Cognito::UserPoolClient",
            json!({ "UserPoolId": "us-east-1_AbCdEfGhI", "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH"] }),
        ),
        (
            "AWS::Cognito::UserPoolUser",
            json!({ "UserPoolId": "us-east-1_AbCdEfGhI", "Username": "evil" }),
        ),
        (
            "AWS::Cognito::UserPoolUserToGroupAttachment",
            json!({ "UserPoolId": "us-east-1_AbCdEfGhI", "Username": "evil", "GroupName": "radiology" }),
        ),
        (
            "AWS::Cognito::IdentityPool",
            json!({ "AllowUnauthenticatedIdentities": true }),
        ),
        (
            "AWS::RAM::ResourceShare",
            json!({ "Name": "x", "Principals": ["444455556666"] }),
        ),
        (
            "AWS::Organizations::Policy",
            json!({ "Name": "x", "Type": "SERVICE_CONTROL_POLICY" }),
        ),
        (
            "AWS::LakeFormation::PrincipalPermissions",
            json!({ "Principal": {} }),
        ),
        (
            "AWS::DLM::LifecyclePolicy",
            json!({ "ExecutionRoleArn": FOREIGN_ROLE }),
        ),
    ]
}

pub(super) fn foreign() -> Vec<Entry> {
    vec![
        (
            "AWS::CloudFormation::Stack",
            json!({ "TemplateURL": "https://evil.s3.amazonaws.com/x" }),
        ),
        (
            "AWS::CloudFormation::StackSet",
            json!({ "StackSetName": "x", "PermissionModel": "SELF_MANAGED" }),
        ),
        (
            "AWS::CloudFormation::Macro",
            json!({ "Name": "x", "FunctionName": FOREIGN_VERSION }),
        ),
        (
            "AWS::CloudFormation::CustomResource",
            json!({ "ServiceToken": FOREIGN_VERSION }),
        ),
        (
            "AWS::CloudFormation::HookVersion",
            json!({ "TypeName": "Evil::Evil::Hook" }),
        ),
        (
            "AWS::CloudFormation::LambdaHook",
            json!({ "LambdaFunction": FOREIGN_VERSION }),
        ),
        (
            "AWS::CloudFormation::ModuleVersion",
            json!({ "ModuleName": "Evil::Evil::Evil::MODULE" }),
        ),
        (
            "AWS::CloudFormation::TypeActivation",
            json!({ "PublicTypeArn": "x" }),
        ),
        ("AWS::CloudFormation::WaitConditionHandle", json!({})),
        ("Custom::Evil", json!({ "ServiceToken": FOREIGN_VERSION })),
        (
            "Custom::S3AutoDeleteObjects",
            json!({ "ServiceToken": "x" }),
        ),
        ("My::Mod::Is::MODULE", json!({})),
        ("Evil::Corp::Thing", json!({})),
        ("aws::iam::role", json!({})),
        ("AWS::Unknown::Thing", json!({})),
        (
            "AWS::ServiceCatalog::CloudFormationProvisionedProduct",
            json!({ "ProductId": "x" }),
        ),
        (
            "AWS::ServiceCatalog::CloudFormationProduct",
            json!({ "Name": "x" }),
        ),
        ("AWS::Proton::EnvironmentTemplate", json!({})),
        ("Alexa::ASK::Skill", json!({})),
    ]
}
