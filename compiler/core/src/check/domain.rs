//! Domain names of the user's own.

use super::{Domain, EDGE_REGION, no_duplicates};
use crate::diagnostic::{Diagnostic, codes};
use crate::manifest::{self, Manifest, Text};

const SECURITY_POLICY: &str = "TLSv1.2_2021";

/// The outer `None`: not to be had, there are findings. The inner: there is no CNAME.
pub fn check(manifest: &Manifest, found: &mut Vec<Diagnostic>) -> Option<Option<Domain>> {
    let Some(given) = &manifest.domain else {
        if manifest.keys.has("domain") {
            return Some(None);
        }
        found.push(
            Diagnostic::new(
                codes::DEFAULT_CERTIFICATE,
                "domain",
                manifest.span,
                "without `domain` CloudFront lets viewers connect with TLS 1.0",
            )
            .help("add `domain` with a name and a certificate of your own"),
        );
        return Some(None);
    };
    block(given, found)
}

fn block(given: &manifest::Domain, found: &mut Vec<Diagnostic>) -> Option<Option<Domain>> {
    no_duplicates(&given.cnames, "domain.cnames", found);
    let certified = given.keys.has("certificateArn");
    if let Some(cnames) = given.keys.find("cnames").filter(|_| !certified) {
        found.push(
            Diagnostic::new(
                codes::CERTIFICATE_MISSING,
                "domain.certificateArn",
                cnames.span,
                "`domain.certificateArn` is missing: CNAMEs need a certificate that covers them",
            )
            .help("add the ARN of an issued ACM certificate in us-east-1"),
        );
    }
    if !given.keys.has("cnames") {
        // The default, written out, changes nothing: `print` does that.
        let is_default = |key: &str| {
            let policy = given.security_policy.as_ref();
            key == "securityPolicy" && policy.is_some_and(|policy| policy.value == SECURITY_POLICY)
        };
        let idle = |key: &&Text| key.value != "cnames" && !is_default(&key.value);
        for key in given.keys.written.iter().filter(idle) {
            let message = format!("`{}` has no effect without `cnames`", key.value);
            found.push(
                Diagnostic::new(codes::MISSING_KEY, "domain.cnames", key.span, message)
                    .help("add `cnames`, or remove it"),
            );
        }
    }
    if let Some(arn) = &given.certificate_arn {
        let region = arn.value.split(':').nth(3).unwrap_or_default();
        if region != EDGE_REGION {
            let message = format!(
                "the certificate is in {region}; CloudFront takes them from {EDGE_REGION} alone"
            );
            found.push(
                Diagnostic::new(
                    codes::WRONG_REGION,
                    "domain.certificateArn",
                    arn.span,
                    message,
                )
                .help(format!("request or import it in {EDGE_REGION}")),
            );
        }
    }
    if given.cnames.is_empty() {
        return Some(None);
    }
    Some(Some(Domain {
        // DNS names have no case; CloudFront keeps aliases in lower case.
        cnames: given
            .cnames
            .iter()
            .map(|name| name.value.to_ascii_lowercase())
            .collect(),
        certificate_arn: given.certificate_arn.as_ref()?.value.clone(),
        hosted_zone_id: given.hosted_zone_id.as_ref().map(|id| id.value.clone()),
        security_policy: given
            .security_policy
            .as_ref()
            .map_or_else(|| SECURITY_POLICY.to_owned(), |policy| policy.value.clone()),
    }))
}
