//! What a text must look like: the patterns that the checks and the JSON Schema share.

use regex_lite::Regex;
use std::sync::OnceLock;

/// A pattern that a text has to match as a whole.
#[derive(Debug)]
pub(crate) struct Format {
    /// In a sentence: "`x` isn't …".
    pub what: &'static str,
    pub pattern: &'static str,
    pub example: &'static str,
    regex: OnceLock<Option<Regex>>,
}

impl Format {
    pub(crate) fn matches(&self, text: &str) -> bool {
        // A pattern that doesn't compile is found by the test below.
        self.regex
            .get_or_init(|| Regex::new(self.pattern).ok())
            .as_ref()
            .is_some_and(|regex| regex.is_match(text))
    }
}

macro_rules! formats {
    ($($name:ident $what:literal $pattern:literal $example:literal)*) => {
        $(pub(crate) static $name: Format = Format {
            what: $what,
            pattern: $pattern,
            example: $example,
            regex: OnceLock::new(),
        };)*

        #[cfg(test)]
        static ALL: &[&Format] = &[$(&$name),*];
    };
}

formats! {
    SERVICE "a service name (a letter, then up to 31 letters, digits and hyphens)"
        r"^[A-Za-z][A-Za-z0-9-]{0,31}$" "image-frames"
    REGION "an AWS Region's code"
        r"^[a-z]{2}(-[a-z]+)+-[0-9]+$" "us-east-1"
    HOST "a bare host name (no scheme, port or path)"
        r"^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$" "runtime-medical-imaging.us-east-1.amazonaws.com"
    USER_POOL_ID "a Cognito user pool's id"
        r"^[a-z]{2}(-[a-z]+)+-[0-9]+_[0-9A-Za-z]{1,55}$" "us-east-1_AbCdEfGhI"
    CLIENT_ID "a client's id (printable, without spaces)"
        r"^[!-~]{1,256}$" "3n4b5urk1ft4fl3mg5e62d9ado"
    COGNITO_CLIENT_ID "a Cognito app client's id"
        r"^[A-Za-z0-9_+]{1,128}$" "3n4b5urk1ft4fl3mg5e62d9ado"
    ISSUER "an issuer (a URL without query and fragment)"
        r"^(https?://([A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(:[1-9][0-9]{0,4})?(/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)?|accounts\.google\.com)$" "https://login.example.org/realms/imaging"
    HTTPS_URL "an https URL"
        r"^https://([A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(:[1-9][0-9]{0,4})?(/[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)?$" "https://login.example.org/realms/imaging/certs"
    AUDIENCE "an audience"
        r"^\S(.*\S)?$" "frames"
    SCOPE "a scope (RFC 6749, 3.3: printable, without space, quote and backslash)"
        r"^[!#-\[\]-~]+$" "frames/read"
    GROUP "a group's name"
        r"^\S(.*\S)?$" "radiology"
    CLAIM "a claim's name"
        r"^\S+$" "cognito:groups"
    FILE "a file's path"
        r"^\S(.*\S)?$" "./jwks.json"
    CNAME "a domain name"
        r"^(\*\.)?([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])$" "frames.example.org"
    CERTIFICATE_ARN "an ACM certificate's ARN"
        r"^arn:aws:acm:[a-z0-9-]+:[0-9]{12}:certificate/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
        "arn:aws:acm:us-east-1:111122223333:certificate/5f9f2a0e-7d3c-4e0f-9a52-0d6d4f0f9b11"
    HOSTED_ZONE_ID "a Route 53 hosted zone's id"
        r"^(/?hostedzone/|arn:aws:route53:::hostedzone/)?Z[0-9A-Z]{1,31}$" "Z0123456789ABCDEFGHIJ"
    DATASTORE_ID "a data store's id (32 lower-case letters and digits)"
        r"^[0-9a-z]{32}$" "12345678901234567890123456789012"
    IMAGE_SET_ID "an image set's id (32 lower-case letters and digits)"
        r"^[0-9a-z]{32}$" "aaaabbbbccccddddeeeeffff00001111"
    WEB_ACL_ARN "an AWS WAF web ACL's ARN"
        r"^arn:aws:wafv2:[a-z0-9-]+:[0-9]{12}:(global|regional)/webacl/[A-Za-z0-9_-]{1,128}/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
        "arn:aws:wafv2:us-east-1:111122223333:global/webacl/frames/5f9f2a0e-7d3c-4e0f-9a52-0d6d4f0f9b11"
    ORIGIN "an origin (`*`, `https://host[:port]`, `https://*.domain[:port]`, `http://localhost[:port]` or `http://127.0.0.1[:port]`, without a path)"
        r"^(\*|(https://(\*\.([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+)?([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?|http://localhost|http://127\.0\.0\.1)(:[1-9][0-9]{0,4})?)$"
        "https://viewer.example.org"
    DURATION "a duration (a number with `s`, `m`, `h` or `d` behind it)"
        r"^(0|[1-9][0-9]{0,8})[smhd]$" "12h"
    DAYS "a number of days (with `d` behind it)"
        r"^[1-9][0-9]{0,8}d$" "365d"
    ACCOUNT "an AWS account's id (12 digits)"
        r"^[0-9]{12}$" "111122223333"
    BUCKET "`managed` or the name of an S3 bucket"
        r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$" "imaging-access-logs"
    KEY_PREFIX "a prefix of S3 keys (letters, digits and `_.-`, with `/` within or at the end)"
        r"^([A-Za-z0-9_.-]{1,64}/){0,3}([A-Za-z0-9_.-]{1,64}/?)$" "cloudfront/"
    TAG_KEY "a tag's key (up to 128 letters, digits, spaces and `_.:/=+-@`)"
        r##"^[^\x00-\x1f\x7f!"#$%&'()*,;<>?\[\\\]^`{|}~]{1,128}$"## "team"
    TAG_VALUE "a tag's value (up to 256 letters, digits, spaces and `_.:/=+-@`)"
        r##"^[^\x00-\x1f\x7f!"#$%&'()*,;<>?\[\\\]^`{|}~]{1,256}$"## "imaging"
    IAM_PATH "an IAM path (it starts and ends with `/`)"
        r"^/([A-Za-z0-9!#$%&'()*+,.:;<=>?@_~^-]{1,64}/){0,7}$" "/imaging/"
    UID "a DICOM UID (numbers with dots between, 64 characters at the most)"
        r"^[0-9][0-9.]{0,62}[0-9]$" "1.2.840.113619.2.55.3.604688119.969"
    STUDY_UID "a DICOM UID (numbers without leading zeros, with dots between, 64 characters at the most)"
        r"^(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))*$" "1.2.840.113619.2.55.3.604688119.969"
    RATE "a number of requests (10 to 999999999)"
        r"^[1-9][0-9]{1,8}$" "100000"
    KEPT "a number of deployments (1 to 100)"
        r"^([1-9][0-9]?|100)$" "10"
    KEY_ARN "a KMS key's ARN"
        r"^arn:aws:kms:[a-z0-9-]+:[0-9]{12}:key/(mrk-[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$"
        "arn:aws:kms:us-east-1:111122223333:key/5f9f2a0e-7d3c-4e0f-9a52-0d6d4f0f9b11"
    TOPIC_ARN "an SNS topic's ARN"
        r"^arn:aws:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}$" "arn:aws:sns:us-east-1:111122223333:imaging-alarms"
    POLICY_ARN "an IAM policy's ARN"
        r"^arn:aws:iam::([0-9]{12}|aws):policy/[A-Za-z0-9+=,.@_/-]{1,512}$" "arn:aws:iam::111122223333:policy/boundary"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles_and_takes_its_example() {
        for format in ALL {
            assert!(format.matches(format.example), "{}", format.what);
            assert!(!format.matches(""), "{}", format.what);
            assert!(
                !format.matches(&format!("{}\n", format.example)),
                "{}",
                format.what
            );
        }
    }

    #[test]
    fn other_spellings_are_taken() {
        for (format, text) in [
            (&ORIGIN, "*"),
            (&ORIGIN, "https://Viewer.example.org:8443"),
            (&ORIGIN, "http://localhost"),
            (&ORIGIN, "http://localhost:3000"),
            (&ORIGIN, "http://127.0.0.1"),
            (&ORIGIN, "http://127.0.0.1:18600"),
            (&ORIGIN, "https://*.example.org"),
            (&ORIGIN, "https://*.Viewers.example.org:8443"),
            (&HOSTED_ZONE_ID, "/hostedzone/Z0123456789ABCDEFGHIJ"),
            (
                &HOSTED_ZONE_ID,
                "arn:aws:route53:::hostedzone/Z0123456789ABCDEFGHIJ",
            ),
            (&DURATION, "0s"),
            (&BUCKET, "managed"),
            (&KEY_PREFIX, "a/b/c"),
            (&IAM_PATH, "/"),
            (&UID, "11"),
            (&STUDY_UID, "1.0.2"),
            (
                &KEY_ARN,
                "arn:aws:kms:us-east-1:111122223333:key/mrk-0123456789abcdef0123456789abcdef",
            ),
            (&TAG_KEY, "Übergabe: a/b=c+d-e_f@g.h"),
        ] {
            assert!(format.matches(text), "{text}");
        }
    }

    #[test]
    fn near_misses_are_refused() {
        for (format, text) in [
            (&USER_POOL_ID, "us-east-1-AbCdEfGhI"),
            (
                &CERTIFICATE_ARN,
                "arn:aws:acm:us-east-1:11112222333:certificate/5f9f2a0e-7d3c-4e0f-9a52-0d6d4f0f9b11",
            ),
            (&CNAME, "frames"),
            (&CNAME, "https://frames.example.org"),
            (
                &WEB_ACL_ARN,
                "arn:aws:wafv2:us-east-1:111122223333:global/webacl/frames/",
            ),
            (&ORIGIN, "https://viewer.example.org/"),
            (&ORIGIN, "http://viewer.example.org"),
            (&ORIGIN, "viewer.example.org"),
            (&ORIGIN, "http://127x0.0.1:18600"),
            (&ORIGIN, "http://192.0.2.1:18600"),
            (&ORIGIN, "http://localhost.example.org"),
            (&ORIGIN, "http://127.0.0.1.example.org"),
            (&ORIGIN, "https://*"),
            (&ORIGIN, "https://*.org"),
            (&ORIGIN, "https://viewer*.example.org"),
            (&ORIGIN, "https://viewer.*.example.org"),
            (&ORIGIN, "https://*.*.example.org"),
            (&ORIGIN, "http://*.example.org"),
            (&ORIGIN, "*.example.org"),
            (&ORIGIN, "https://viewer.example.org:*"),
            (&DURATION, "30"),
            (&DURATION, "1.5h"),
            (&DURATION, "-1d"),
            (&DURATION, "1w"),
            (&DAYS, "12h"),
            (&ACCOUNT, "11112222333"),
            (&ACCOUNT, "1111222233334"),
            (&ACCOUNT, "1111-2222-3333"),
            (&BUCKET, "Logs"),
            (&BUCKET, "s3://logs"),
            (&KEY_PREFIX, "/logs"),
            (&KEY_PREFIX, "logs//"),
            // It becomes part of an ARN, which CloudWatch Logs takes without these.
            (&KEY_PREFIX, "logs!/"),
            (&KEY_PREFIX, "it's/(logs)*"),
            (&KEY_PREFIX, ""),
            (&KEY_PREFIX, "{DistributionId}/"),
            (&TAG_KEY, "a\tb"),
            (&TAG_VALUE, "a;b"),
            (&DATASTORE_ID, "1234567890123456789012345678901"),
            (&DATASTORE_ID, "A2345678901234567890123456789012"),
            (&ISSUER, "ftp://login.example.org"),
            (&ISSUER, "login.example.org"),
            (&IAM_PATH, "imaging/"),
            (&UID, "1.2.840.x"),
            (&UID, "1.2."),
            (&STUDY_UID, "1.2."),
            (&STUDY_UID, "1..2"),
            (&STUDY_UID, "1.02"),
            (&STUDY_UID, "01.2"),
            (&STUDY_UID, "1.2.x"),
            (&RATE, "9"),
            (&KEPT, "0"),
            (&KEPT, "101"),
            (&KEY_ARN, "arn:aws:kms:us-east-1:111122223333:alias/logs"),
            (&TOPIC_ARN, "arn:aws:sns:us-east-1:111122223333:"),
            (
                &HOST,
                "https://runtime-medical-imaging.us-east-1.amazonaws.com",
            ),
        ] {
            assert!(!format.matches(text), "{text}");
        }
    }
}
