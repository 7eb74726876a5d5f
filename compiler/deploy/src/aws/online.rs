//! What only AWS can tell about a manifest.

use super::stacks::{Body, Validity};
use super::{Aws, EDGE_REGION, errors, explain};
use aws_sdk_cloudfront::types::{
    CachePolicyType, OriginRequestPolicyType, ResponseHeadersPolicyType,
};
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use frames_compiler::failure::{Failure, Result};
use frames_compiler::online::quotas::Kind;
use frames_compiler::online::templates::INLINE;
use frames_compiler::online::{Answer, Question, Subject};

/// The answer to one question. Without the permission to ask, it is unknown. Credentials that
/// AWS refuses, or a network that is down, end the command.
pub async fn ask(aws: &Aws, question: &Question) -> Result<Answer> {
    match &question.subject {
        Subject::UserPool { id } => user_pool(aws, id).await,
        Subject::Client { pool, id } => client(aws, pool, id).await,
        Subject::Certificate { arn, .. } => certificate(aws, arn).await,
        Subject::WebAcl { arn } => web_acl(aws, arn).await,
        Subject::Datastore { id, region } => datastore(aws, id, region).await,
        Subject::Policies(policies) => names(aws, policies.kind).await,
        Subject::Template { region, body, .. } if body.len() <= INLINE => {
            match aws.stacks(region).validate(&Body::Text(body)).await? {
                Validity::Valid => Ok(Answer::Found),
                Validity::Refused(reason) => Ok(Answer::Refused(reason)),
                Validity::Unknown(reason) => Ok(Answer::Unknown(reason)),
            }
        }
        Subject::Template { .. } => Ok(Answer::Unknown(format!(
            "it has more than {INLINE} bytes, so it has to be in a bucket; `frames deploy` asks"
        ))),
    }
}

/// A pool's id has its Region before the underscore.
pub(super) fn region_of_pool(pool: &str) -> &str {
    pool.split('_').next().unwrap_or(pool)
}

async fn user_pool(aws: &Aws, id: &str) -> Result<Answer> {
    let client = aws_sdk_cognitoidentityprovider::Client::new(&aws.within(region_of_pool(id)));
    let answer = client.describe_user_pool().user_pool_id(id).send().await;
    found("cognito-idp:DescribeUserPool", answer)
}

async fn client(aws: &Aws, pool: &str, id: &str) -> Result<Answer> {
    let client = aws_sdk_cognitoidentityprovider::Client::new(&aws.within(region_of_pool(pool)));
    let asked = client
        .describe_user_pool_client()
        .user_pool_id(pool)
        .client_id(id);
    found("cognito-idp:DescribeUserPoolClient", asked.send().await)
}

async fn certificate(aws: &Aws, arn: &str) -> Result<Answer> {
    let client = aws_sdk_acm::Client::new(&aws.within(EDGE_REGION));
    let answer = match client
        .describe_certificate()
        .certificate_arn(arn)
        .send()
        .await
    {
        Ok(answer) => answer,
        Err(error) => return refused("acm:DescribeCertificate", error),
    };
    let Some(certificate) = answer.certificate() else {
        return Ok(Answer::Missing);
    };
    let status = certificate
        .status()
        .map_or("unknown", |status| status.as_str());
    let mut names: Vec<String> = certificate
        .domain_name()
        .map(str::to_owned)
        .into_iter()
        .collect();
    for name in certificate.subject_alternative_names() {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    Ok(Answer::Certificate {
        status: status.to_owned(),
        names,
    })
}

/// `arn:aws:wafv2:us-east-1:111122223333:global/webacl/NAME/ID`
async fn web_acl(aws: &Aws, arn: &str) -> Result<Answer> {
    let mut segments = arn.rsplit('/');
    let (Some(id), Some(name)) = (segments.next(), segments.next()) else {
        return Ok(Answer::Missing);
    };
    let client = aws_sdk_wafv2::Client::new(&aws.within(EDGE_REGION));
    let scope = aws_sdk_wafv2::types::Scope::Cloudfront;
    let answer = client
        .get_web_acl()
        .name(name)
        .id(id)
        .scope(scope)
        .send()
        .await;
    found("wafv2:GetWebACL", answer)
}

async fn datastore(aws: &Aws, id: &str, region: &str) -> Result<Answer> {
    let client = aws_sdk_medicalimaging::Client::new(&aws.within(region));
    let answer = match client.get_datastore().datastore_id(id).send().await {
        Ok(answer) => answer,
        Err(error) => return refused("medical-imaging:GetDatastore", error),
    };
    let status = answer
        .datastore_properties()
        .map(|p| p.datastore_status().as_str());
    Ok(status.map_or(Answer::Missing, |status| Answer::Datastore {
        status: status.to_owned(),
    }))
}

/// Only the account's own policies count; one page has five times the quota.
async fn names(aws: &Aws, kind: Kind) -> Result<Answer> {
    match kind {
        Kind::Cache => cache_policies(aws).await,
        Kind::OriginRequest => origin_request_policies(aws).await,
        Kind::ResponseHeaders => response_headers_policies(aws).await,
    }
}

async fn cache_policies(aws: &Aws) -> Result<Answer> {
    let asked = aws.cloudfront().list_cache_policies();
    let answer = match asked.r#type(CachePolicyType::Custom).send().await {
        Ok(answer) => answer,
        Err(error) => return refused("cloudfront:ListCachePolicies", error),
    };
    let items = answer.cache_policy_list().map(|list| list.items());
    let policies = items.unwrap_or_default().iter();
    let configs = policies.filter_map(|item| item.cache_policy()?.cache_policy_config());
    let names = configs.map(|config| config.name().to_owned());
    Ok(Answer::Names(names.collect()))
}

async fn origin_request_policies(aws: &Aws) -> Result<Answer> {
    let asked = aws.cloudfront().list_origin_request_policies();
    let answer = match asked.r#type(OriginRequestPolicyType::Custom).send().await {
        Ok(answer) => answer,
        Err(error) => return refused("cloudfront:ListOriginRequestPolicies", error),
    };
    let items = answer.origin_request_policy_list().map(|list| list.items());
    let policies = items.unwrap_or_default().iter();
    let configs =
        policies.filter_map(|item| item.origin_request_policy()?.origin_request_policy_config());
    let names = configs.map(|config| config.name().to_owned());
    Ok(Answer::Names(names.collect()))
}

async fn response_headers_policies(aws: &Aws) -> Result<Answer> {
    let asked = aws.cloudfront().list_response_headers_policies();
    let answer = match asked.r#type(ResponseHeadersPolicyType::Custom).send().await {
        Ok(answer) => answer,
        Err(error) => return refused("cloudfront:ListResponseHeadersPolicies", error),
    };
    let items = answer
        .response_headers_policy_list()
        .map(|list| list.items());
    let policies = items.unwrap_or_default().iter();
    let configs = policies.filter_map(|item| {
        item.response_headers_policy()?
            .response_headers_policy_config()
    });
    let names = configs.map(|config| config.name().to_owned());
    Ok(Answer::Names(names.collect()))
}

fn found<T, E>(action: &str, answer: std::result::Result<T, SdkError<E>>) -> Result<Answer>
where
    E: ProvideErrorMetadata,
{
    match answer {
        Ok(_) => Ok(Answer::Found),
        Err(error) => refused(action, error),
    }
}

fn refused<E>(action: &str, error: SdkError<E>) -> Result<Answer>
where
    E: ProvideErrorMetadata,
{
    match errors::code(&error) {
        Some("ResourceNotFoundException" | "WAFNonexistentItemException") => Ok(Answer::Missing),
        // Some services check an id's form before they look for it.
        Some("ValidationException" | "InvalidParameterException" | "InvalidArnException") => {
            Ok(Answer::Missing)
        }
        Some(_) if errors::is_denied(&error) => {
            let action = errors::denied_action(errors::message(&error)).unwrap_or(action);
            Ok(Answer::Unknown(format!(
                "you have no permission for `{action}`"
            )))
        }
        _ => Err(unanswered(action, error)),
    }
}

fn unanswered<E>(action: &str, error: SdkError<E>) -> Failure
where
    E: ProvideErrorMetadata,
{
    explain(action, "check the manifest against AWS", error)
}
