//! Every code, in one table. Codes are stable: scripts and suppressions name them.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    Error,
    Warning,
}

impl Severity {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
pub struct Code {
    pub name: &'static str,
    pub severity: Severity,
    /// What `frames validate --explain` prints: what it means, why, the remedy.
    pub explanation: &'static str,
}

macro_rules! codes {
    ($($ident:ident $name:literal $severity:ident $explanation:literal)*) => {
        $(pub const $ident: &Code = &Code {
            name: $name,
            severity: Severity::$severity,
            explanation: $explanation,
        };)*

        /// The whole table, by name.
        pub const ALL: &[&Code] = &[$($ident),*];
    };
}

codes! {
    TOO_LARGE "too-large" Error
        "The manifest is longer than 1 MiB, nests deeper than 64 levels or has more than 50,000 values. No real manifest comes near; the bounds keep a hostile one from costing time or memory."
    NOT_UTF8 "not-utf8" Error
        "The file isn't UTF-8. Save it as UTF-8, with or without a byte order mark."
    SYNTAX "syntax" Error
        "The text isn't YAML 1.2. The finding stands where the parser could go on no further; the cause is there or shortly before: a tab in the indentation, a quote or a bracket left open."
    DUPLICATE_KEY "duplicate-key" Error
        "A key stands twice in one mapping. YAML readers disagree on which of them counts, so frames takes neither silently: remove one."
    UNKNOWN_KEY "unknown-key" Error
        "A key that frames.yml doesn't have. It would be ignored, and what you meant by it wouldn't happen. `frames schema` lists the keys."
    WRONG_TYPE "wrong-type" Error
        "A value of another shape than the key takes: text where a list is due, a mapping where text is due."
    MISSING_KEY "missing-key" Error
        "A key without which the manifest says too little. `service` and `auth` are always required; `auth.mode` decides what else is."
    INVALID_VALUE "invalid-value" Error
        "A value that isn't of its key's set or pattern: an id, an ARN, a host name or a word from a list. The message says what is expected, with an example."
    VARIABLE "variable" Error
        "A `${…}` reference without a value: what it names isn't there and no default follows, its source isn't known, it can't be read, or it refers to itself in a ring. Sources: env, opt, self, file, frames, and with AWS cf, ssm and aws. A default follows a comma: `${env:POOL, 'us-east-1_AbCdEfGhI'}`."
    UNKNOWN_ENVIRONMENT "unknown-environment" Error
        "`--env` names an environment that the manifest's `environments` doesn't define. Without this check a slip of the pen would deploy a stack of its own, with the base's settings."
    UNSAFE_OVERLAY "unsafe-overlay" Error
        "`resources` would open what the compiled template keeps closed: the authorizer's association, HTTPS on both sides, private buckets, named principals, the very programs that were built. Leave that part out. Where you know better, `--allow-unsafe-overlay` lets it through, and says so at every run."
    UNSAFE_OVERLAY_ALLOWED "unsafe-overlay-allowed" Warning
        "`resources` opens what the compiled template keeps closed, and `--allow-unsafe-overlay` lets it through."
    UNUSED_KEY "unused-key" Error
        "A key that has no effect beside the others: one that the chosen `auth.mode` doesn't use, `delivery.cache.ttl` without DICOMweb, `logs.access.retention` for a bucket of your own. A check that never runs looks like protection: remove the key, or change what it depends on."
    CONFLICT "conflict" Error
        "Values that exclude each other: `delivery.geo` with both `allow` and `deny`, or `*` beside named origins in `delivery.cors.origins`. One of them would silently lose: keep the one that you mean."
    INVALID_ALGORITHM "invalid-algorithm" Error
        "A signature algorithm that isn't asymmetric, or isn't known. With HS256 whoever can verify a token can also make one; `none` isn't a signature at all (RFC 8725, 3.1 and 3.2). Take RS, PS or ES with 256, 384 or 512, or EdDSA, whichever the issuer signs with."
    CERTIFICATE_MISSING "certificate-missing" Error
        "CNAMEs without a certificate. CloudFront answers for a name of yours only with an ACM certificate that covers it."
    WRONG_REGION "wrong-region" Error
        "CloudFront takes certificates and web ACLs from us-east-1 alone, wherever the rest of the deployment lives. Request or import the certificate there; make the web ACL there, with the scope CLOUDFRONT."
    WRONG_SCOPE "wrong-scope" Error
        "An AWS WAF web ACL of scope REGIONAL protects load balancers and APIs. CloudFront takes those of scope CLOUDFRONT, whose ARNs have `:global/webacl/`."
    NOT_HEALTHIMAGING "not-healthimaging" Error
        "The endpoint isn't an AWS HealthImaging host. The signer adds your credentials' signature to requests for it, so no other host is taken."
    ENDPOINT_CONFLICT "endpoint-conflict" Error
        "`healthImaging.region` and `healthImaging.endpoint` name different Regions. The endpoint alone is enough."
    DUPLICATE_DATASTORE "duplicate-datastore" Error
        "Two rows of `iam.allow` name one data store, and it isn't clear whether the narrower was meant to win. Put its image sets into one row."
    DUPLICATE_VALUE "duplicate-value" Error
        "A name twice where it can be there once: CloudFront refuses a CNAME that is listed twice, IAM two tags whose keys differ in case alone."
    JWKS_FILE "jwks-file" Error
        "The key set that `auth.jwksFile` names can't be baked in: the file is missing, isn't a JSON Web Key Set (RFC 7517), has no key that the allowed algorithms can use, or holds a private key."
    AUTH_NONE "auth-none" Warning
        "`auth.mode: none` serves every frame to whoever asks. Only for data that may be public, or behind protection of your own."
    IAM_UNRESTRICTED "iam-unrestricted" Warning
        "Without `iam.allow` the signer may read every image set of every data store in the account and Region. List the data stores that this delivery serves."
    DICOMWEB_NOT_ALLOWED "dicomweb-not-allowed" Warning
        "HealthImaging grants DICOMweb reads by data store, not by image set. A row of `iam.allow` with `imageSets` therefore gets native reads alone: DICOMweb requests for that data store are refused by AWS. Drop `imageSets` to serve the whole data store by DICOMweb."
    ACCESS_LOGS_OFF "access-logs-off" Warning
        "CloudFront's v2 access logs, whose fields can be chosen, are set up in us-east-1 alone. The legacy logs that other Regions could have record the query string, where tokens and patients' names may stand, so frames sets up none there. Deploy the cdn stack to us-east-1 (the edge is worldwide all the same), or attach logs of your own."
    DEFAULT_CERTIFICATE "default-certificate" Warning
        "Without `domain` the distribution answers under its cloudfront.net name with CloudFront's own certificate, and then CloudFront lets viewers connect with TLS 1.0, whatever the template says. A certificate of your own brings `domain.securityPolicy`, TLS 1.2 or newer."
    CORS_CREDENTIALS "cors-credentials" Warning
        "Browsers refuse an answer that allows any origin (`*`) and credentials at once (Fetch Standard, CORS protocol and credentials), and an endpoint that named every origin in turn would let any page act for its user. So `delivery.cors.credentials` stays off until `delivery.cors.origins` names the pages. A token in a header needs no credentials."
    ORIGIN_SHIELD_REGION "origin-shield-region" Warning
        "A Region in which CloudFront's Origin Shield isn't known to be. It may be new; otherwise the deployment is refused. Choose the data stores' own Region, or the nearest that has it."
    UNKNOWN_REGION "unknown-region" Warning
        "A Region in which AWS HealthImaging isn't known to run. It may be new; otherwise the endpoint's name doesn't resolve and every request ends in 502."
    QUERY_TOKEN "query-token" Warning
        "Tokens in the query string end up in browser histories, proxies' logs and referrers (RFC 6750, 5.3). frames removes them before the cache, the origin and its own access logs, but what stands before CloudFront is out of its hands."
}

pub fn find(name: &str) -> Option<&'static Code> {
    ALL.iter().find(|code| code.name == name).copied()
}
