//! Where the data stores are. Everything is signed for these hosts, so nothing
//! but HealthImaging's own names is taken.

use super::{EDGE_REGION, HealthImaging};
use crate::diagnostic::{Diagnostic, codes, did_you_mean};
use crate::manifest::{self, Text};

/// Source: "AWS HealthImaging endpoints and quotas", AWS General Reference.
const REGIONS: &[&str] = &[
    "us-east-1",
    "us-west-2",
    "ap-southeast-2",
    "eu-west-1",
    "eu-west-2",
];

pub(super) fn check(
    given: &manifest::HealthImaging,
    found: &mut Vec<Diagnostic>,
) -> Option<HealthImaging> {
    let region = match &given.endpoint {
        Some(endpoint) => {
            let Some(of_endpoint) = region_of(&endpoint.value) else {
                found.push(not_healthimaging(endpoint));
                return None;
            };
            if let Some(region) = given.region.as_ref().filter(|r| r.value != of_endpoint) {
                let message = format!(
                    "the endpoint is in {of_endpoint}, `region` says {}",
                    region.value
                );
                found.push(
                    Diagnostic::new(
                        codes::ENDPOINT_CONFLICT,
                        "healthImaging.endpoint",
                        endpoint.span,
                        message,
                    )
                    .related(region.span, "the Region")
                    .help("remove `region`, or make both the same"),
                );
            }
            known(of_endpoint, "healthImaging.endpoint", endpoint, found);
            of_endpoint.to_owned()
        }
        None => match &given.region {
            Some(region) => {
                known(&region.value, "healthImaging.region", region, found);
                region.value.clone()
            }
            None => EDGE_REGION.to_owned(),
        },
    };
    Some(HealthImaging {
        native_host: format!("runtime-medical-imaging.{region}.amazonaws.com"),
        dicomweb_host: format!("dicom-medical-imaging.{region}.amazonaws.com"),
        region,
    })
}

fn region_of(endpoint: &str) -> Option<&str> {
    let region = endpoint
        .strip_prefix("runtime-medical-imaging.")?
        .strip_suffix(".amazonaws.com")?;
    (!region.is_empty() && !region.contains('.')).then_some(region)
}

fn not_healthimaging(endpoint: &Text) -> Diagnostic {
    let message = format!(
        "`{}` isn't a HealthImaging runtime endpoint",
        endpoint.value
    );
    Diagnostic::new(
        codes::NOT_HEALTHIMAGING,
        "healthImaging.endpoint",
        endpoint.span,
        message,
    )
    .help("write `runtime-medical-imaging.<region>.amazonaws.com`, or only `region`")
}

fn known(region: &str, path: &str, at: &Text, found: &mut Vec<Diagnostic>) {
    if REGIONS.contains(&region) {
        return;
    }
    let all = format!("known: {}", REGIONS.join(", "));
    let help = match did_you_mean(region, REGIONS.iter().copied()) {
        Some(guess) => format!("{guess} ({all})"),
        None => all,
    };
    let message = format!("HealthImaging isn't known to run in {region}");
    found.push(Diagnostic::new(codes::UNKNOWN_REGION, path, at.span, message).help(help));
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{checked, findings};

    fn endpoint(host: &str) -> String {
        format!("service: x\nauth: {{mode: none}}\nhealthImaging: {{endpoint: '{host}'}}\n")
    }

    #[test]
    fn an_endpoint_is_healthimagings_own() {
        let ours = checked(&endpoint("runtime-medical-imaging.eu-west-1.amazonaws.com"));
        assert_eq!(ours.health_imaging.region, "eu-west-1");
        for host in [
            "runtime-medical-imaging..amazonaws.com",
            "runtime-medical-imaging.eu-west-1.example.amazonaws.com",
            "runtime-medical-imaging.eu-west-1.amazonaws.com.example.org",
            "example.org",
        ] {
            let found = findings(&endpoint(host));
            let place = "healthImaging.endpoint";
            assert_eq!(
                found,
                [("not-healthimaging".to_owned(), place.to_owned())],
                "{host}"
            );
        }
    }
}
