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

/// Public ones whose names are those of `names`, or above them: no other zone can have their records.
pub async fn hosted_zones(aws: &Aws, names: &[String]) -> Result<Vec<Listed>> {
    let client = aws_sdk_route53::Client::new(&aws.within(EDGE_REGION));
    let answer = client.list_hosted_zones().send().await;
    let answer = answer.map_err(|error| refused("route53:ListHostedZones", error))?;
    let zones = answer.hosted_zones().iter();
    let public = zones.filter(|zone| zone.config().is_none_or(|config| !config.private_zone()));
    let fitting = public.filter(|zone| names.iter().any(|name| is_within(name, zone.name())));
    let id = |id: &str| id.trim_start_matches("/hostedzone/").to_owned();
    let named = fitting.map(|zone| Listed {
        id: id(zone.id()),
        name: zone.name().trim_end_matches('.').to_owned(),
    });
    Ok(named.collect())
}

/// Zones' names end with the root's dot.
fn is_within(name: &str, zone: &str) -> bool {
    let zone = zone.trim_end_matches('.').to_ascii_lowercase();
    let name = name.to_ascii_lowercase();
    let above = name.strip_suffix(&zone);
    above.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_within_its_own_zone_and_those_above() {
        for zone in ["a.example.org.", "example.org.", "Example.ORG", "org."] {
            assert!(is_within("A.example.org", zone), "{zone}");
        }
        for zone in ["b.a.example.org.", "ple.org.", "example.com."] {
            assert!(!is_within("a.example.org", zone), "{zone}");
        }
    }
}
