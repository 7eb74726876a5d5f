//! What an account has, for those who choose. One page of each: nobody reads further.

use super::online::region_of_pool;
use super::{Aws, EDGE_REGION, errors, explain};
use aws_sdk_acm::types::{CertificateStatus, Filters, KeyAlgorithm};
use aws_sdk_medicalimaging::types::DatastoreStatus;
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use frames_compiler::failure::{Failure, Result};

/// How many are asked for: Cognito gives no more at once.
const PAGE: i32 = 60;

/// The keys that CloudFront takes. Without a filter, ACM lists RSA keys of 2048 bits only.
const KEYS: [KeyAlgorithm; 5] = [
    KeyAlgorithm::Rsa2048,
    KeyAlgorithm::Rsa3072,
    KeyAlgorithm::Rsa4096,
    KeyAlgorithm::EcPrime256v1,
    KeyAlgorithm::EcSecp384r1,
];

/// What a manifest has to say, and what people call it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub id: String,
    pub name: String,
}

fn listed(id: Option<&str>, name: Option<&str>) -> Option<Listed> {
    Some(Listed {
        id: id?.to_owned(),
        name: name.unwrap_or_default().to_owned(),
    })
}

pub async fn user_pools(aws: &Aws, region: &str) -> Result<Vec<Listed>> {
    let client = aws_sdk_cognitoidentityprovider::Client::new(&aws.within(region));
    let answer = client.list_user_pools().max_results(PAGE).send().await;
    let answer = answer.map_err(|error| refused("cognito-idp:ListUserPools", error))?;
    let pools = answer.user_pools().iter();
    Ok(pools
        .filter_map(|pool| listed(pool.id(), pool.name()))
        .collect())
}

pub async fn app_clients(aws: &Aws, pool: &str) -> Result<Vec<Listed>> {
    let region = region_of_pool(pool);
    let client = aws_sdk_cognitoidentityprovider::Client::new(&aws.within(region));
    let asked = client.list_user_pool_clients().user_pool_id(pool);
    let answer = asked.max_results(PAGE).send().await;
    let answer = answer.map_err(|error| refused("cognito-idp:ListUserPoolClients", error))?;
    let clients = answer.user_pool_clients().iter();
    let clients = clients.filter_map(|client| listed(client.client_id(), client.client_name()));
    Ok(clients.collect())
}

/// Issued ones, in the Region where CloudFront takes them from.
pub async fn certificates(aws: &Aws) -> Result<Vec<Listed>> {
    let client = aws_sdk_acm::Client::new(&aws.within(EDGE_REGION));
    let filters = Filters::builder().set_key_types(Some(KEYS.to_vec()));
    let answer = client
        .list_certificates()
        .certificate_statuses(CertificateStatus::Issued)
        .includes(filters.build())
        .send()
        .await;
    let answer = answer.map_err(|error| refused("acm:ListCertificates", error))?;
    let certificates = answer.certificate_summary_list().iter();
    let certificates =
        certificates.filter_map(|one| listed(one.certificate_arn(), one.domain_name()));
    Ok(certificates.collect())
}

pub async fn datastores(aws: &Aws, region: &str) -> Result<Vec<Listed>> {
    let client = aws_sdk_medicalimaging::Client::new(&aws.within(region));
    let answer = client.list_datastores().send().await;
    let answer = answer.map_err(|error| refused("medical-imaging:ListDatastores", error))?;
    let stores = answer.datastore_summaries().iter();
    let active = stores.filter(|one| *one.datastore_status() == DatastoreStatus::Active);
    let named =
        active.filter_map(|one| listed(Some(one.datastore_id()), Some(one.datastore_name())));
    Ok(named.collect())
}

fn refused<E>(action: &str, error: SdkError<E>) -> Failure
where
    E: ProvideErrorMetadata,
{
    if errors::is_denied(&error) {
        let action = errors::denied_action(errors::message(&error)).unwrap_or(action);
        return Failure::new(format!("you have no permission for `{action}`"));
    }
    explain(action, "list what the account has", error)
}
