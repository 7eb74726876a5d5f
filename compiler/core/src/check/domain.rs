//! Domain names of the user's own.

use super::{Domain, Flawed, edge_arn, no_duplicates};
use crate::diagnostic::{Diagnostic, codes};
use crate::manifest::{self, Manifest, Text};

const SECURITY_POLICY: &str = "TLSv1.2_2021";

/// `None`: there is no CNAME.
pub(super) fn check(
    manifest: &Manifest,
    found: &mut Vec<Diagnostic>,
) -> Result<Option<Domain>, Flawed> {
    let Some(given) = &manifest.domain else {
        if manifest.keys.has("domain") {
            return Ok(None);
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
        return Ok(None);
    };
    block(given, found)
}

fn block(given: &manifest::Domain, found: &mut Vec<Diagnostic>) -> Result<Option<Domain>, Flawed> {
    no_duplicates(&given.cnames, "domain.cnames", found);
    let certified = given.keys.has("certificateArn") || given.keys.has("hostedZoneId");
    if let Some(cnames) = given.keys.find("cnames").filter(|_| !certified) {
        found.push(
            Diagnostic::new(
                codes::CERTIFICATE_MISSING,
                "domain.certificateArn",
                cnames.span,
                "`domain.certificateArn` is missing: CNAMEs need a certificate that covers them",
            )
            .help("add the ARN of an issued ACM certificate in us-east-1. Or add `hostedZoneId`: frames then makes a certificate, and validates it in that zone"),
        );
    }
    limits(given, found);
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
        const HELP: &str = "request or import it in us-east-1";
        edge_arn(arn, "domain.certificateArn", "the certificate", HELP, found);
    }
    if given.cnames.is_empty() {
        return Ok(None);
    }
    Ok(Some(Domain {
        // DNS names have no case; CloudFront keeps aliases in lower case.
        cnames: given
            .cnames
            .iter()
            .map(|name| name.value.to_ascii_lowercase())
            .collect(),
        certificate_arn: match (&given.certificate_arn, given.keys.find("certificateArn")) {
            (Some(arn), _) => Some(arn.value.clone()),
            (None, Some(_)) => return Err(Flawed),
            (None, None) => None,
        },
        hosted_zone_id: given.hosted_zone_id.as_ref().map(|id| id.value.clone()),
        security_policy: given
            .security_policy
            .as_ref()
            .map_or_else(|| SECURITY_POLICY.to_owned(), |policy| policy.value.clone()),
    }))
}

const MOST_CNAMES: usize = 100;

/// What ACM puts into a certificate unless AWS Support raised the quota.
const CERTIFICATE_NAMES: usize = 10;

/// The first name is the certificate's common name, which X.509 keeps short.
pub const COMMON_NAME: usize = 64;

const DOMAIN_NAME: usize = 253;

fn limits(given: &manifest::Domain, found: &mut Vec<Diagnostic>) {
    let cnames = &given.cnames;
    if let Some(extra) = cnames.get(MOST_CNAMES) {
        let message = format!(
            "a distribution takes {MOST_CNAMES} CNAMEs; here are {}",
            cnames.len()
        );
        let path = format!("domain.cnames[{MOST_CNAMES}]");
        found.push(
            Diagnostic::new(codes::LIMIT, path, extra.span, message)
                .help("remove some, or cover them by a wildcard such as `*.example.org`"),
        );
    }
    for (i, cname) in cnames.iter().enumerate() {
        if cname.value.len() > DOMAIN_NAME {
            let message = format!(
                "a domain name has {DOMAIN_NAME} characters at the most; here are {}",
                cname.value.len()
            );
            found.push(
                Diagnostic::new(
                    codes::LIMIT,
                    format!("domain.cnames[{i}]"),
                    cname.span,
                    message,
                )
                .help("shorten it"),
            );
        }
    }
    if given.certificate_arn.is_some() || given.hosted_zone_id.is_none() {
        return;
    }
    if let Some(extra) = cnames.get(CERTIFICATE_NAMES) {
        let message = format!(
            "ACM puts {CERTIFICATE_NAMES} names into a certificate unless your quota was raised; here are {}",
            cnames.len()
        );
        let path = format!("domain.cnames[{CERTIFICATE_NAMES}]");
        found.push(
            Diagnostic::new(codes::CERTIFICATE_QUOTA, path, extra.span, message)
                .help("cover them by a wildcard such as `*.example.org`, or name a certificate of your own"),
        );
    }
    if let Some(first) = cnames
        .first()
        .filter(|_| cnames.iter().all(|name| name.value.len() > COMMON_NAME))
    {
        let message = format!(
            "a certificate needs one name of {COMMON_NAME} characters or fewer, and none is that short"
        );
        found.push(
            Diagnostic::new(codes::LIMIT, "domain.cnames[0]", first.span, message)
                .help("add a shorter name, or name a certificate of your own"),
        );
    }
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{checked, findings};

    fn manifest(domain: &str) -> String {
        format!("service: x\nauth: {{mode: none}}\ndomain: {domain}\n")
    }

    fn only(domain: &str, code: &str, path: &str) {
        assert_eq!(
            findings(&manifest(domain)),
            [(code.to_owned(), path.to_owned())],
            "{domain}"
        );
    }

    fn names(n: usize) -> String {
        let all: Vec<String> = (0..n).map(|i| format!("n{i}.example.org")).collect();
        all.join(", ")
    }

    const CERTIFICATE: &str = "certificateArn: 'arn:aws:acm:us-east-1:111122223333:certificate/5f9f2a0e-7d3c-4e0f-9a52-0d6d4f0f9b11'";

    #[test]
    fn a_zone_stands_in_for_a_certificate() {
        let domain = checked(&manifest("{cnames: [A.example.org], hostedZoneId: Z0123}"))
            .domain
            .unwrap();
        assert_eq!(
            (domain.certificate_arn, domain.hosted_zone_id.as_deref()),
            (None, Some("Z0123"))
        );
        only(
            "{cnames: [a.example.org]}",
            "certificate-missing",
            "domain.certificateArn",
        );
    }

    #[test]
    fn without_names_what_is_set_has_no_effect() {
        let idle = |domain: &str| findings(&manifest(domain)).len();
        assert_eq!(idle("{securityPolicy: TLSv1.2_2021}"), 0, "the default");
        only(
            "{securityPolicy: TLSv1.2_2025}",
            "missing-key",
            "domain.cnames",
        );
        let default = format!("{{{CERTIFICATE}, securityPolicy: TLSv1.2_2021}}");
        only(&default, "missing-key", "domain.cnames");
        assert_eq!(
            idle(&format!("{{{CERTIFICATE}, securityPolicy: TLSv1.2_2025}}")),
            2
        );
    }

    /// A name of so many characters.
    fn long(length: usize) -> String {
        let labels = "a234567.".repeat(length / 8 + 1);
        format!("{}x.org", &labels[..length - 5])
    }

    #[test]
    fn a_bound_is_the_last_that_passes() {
        let own = |name: &str| manifest(&format!("{{cnames: [{name}], {CERTIFICATE}}}"));
        for (most, zone) in [(253, false), (64, true)] {
            let (fits, more) = (long(most), long(most + 1));
            assert_eq!((fits.len(), more.len()), (most, most + 1));
            let domain = |name: &str| {
                let made = format!("{{cnames: [{name}], hostedZoneId: Z0123}}");
                if zone { manifest(&made) } else { own(name) }
            };
            assert_eq!(findings(&domain(&fits)), [], "{most}");
            let limit = [("limit".to_owned(), "domain.cnames[0]".to_owned())];
            assert_eq!(findings(&domain(&more)), limit, "{most}");
        }
    }

    #[test]
    fn awss_limits_are_known() {
        let own = |n| format!("{{cnames: [{}], {CERTIFICATE}}}", names(n));
        assert_eq!(findings(&manifest(&own(100))), []);
        only(&own(101), "limit", "domain.cnames[100]");
        let made = |n| format!("{{cnames: [{}], hostedZoneId: Z0123}}", names(n));
        assert_eq!(findings(&manifest(&made(10))), []);
        // With a certificate of its own, the zone is for the records only.
        let both = format!(
            "{{cnames: [{}], hostedZoneId: Z0123, {CERTIFICATE}}}",
            names(11)
        );
        assert_eq!(findings(&manifest(&both)), []);
        only(&made(11), "certificate-quota", "domain.cnames[10]");
        let long = format!("{}.example.org", vec!["x".repeat(60); 4].join("."));
        let zone = |names: &str| format!("{{cnames: [{names}], hostedZoneId: Z0123}}");
        only(
            &format!("{{cnames: [{long}], {CERTIFICATE}}}"),
            "limit",
            "domain.cnames[0]",
        );
        let middling = format!("{}.{}.example.org", "x".repeat(60), "y".repeat(20));
        only(&zone(&middling), "limit", "domain.cnames[0]");
        assert_eq!(
            findings(&manifest(&zone(&format!("{middling}, a.example.org")))),
            []
        );
    }
}
