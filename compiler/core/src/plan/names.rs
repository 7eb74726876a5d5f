//! Every name and logical id of the stacks, in one place. Renaming one
//! replaces the resource in every stack that stands.

use super::Function;
use sha2::{Digest, Sha256};

pub const AUTHORIZER: &str = "authorizer";
pub const SIGNER: &str = "signer";

pub const LAMBDA_EDGE: &str = "lambda-edge";
pub const CDN: &str = "cdn";

pub const ARTIFACT_BUCKET: &str = "ArtifactBucket";

pub const ACCESS_LOGS: &str = "AccessLogs";

/// Encrypts every log. Its ARN is an output of lambda-edge and a parameter of cdn.
pub const LOGS_KEY: &str = "LogsKey";
pub const LOGS_KEY_ARN: &str = "LogsKeyArn";

pub const WEB_ACL: &str = "WebAcl";
pub const WEB_ACL_ARN: &str = "WebAclArn";

pub const CERTIFICATE_ARN: &str = "CertificateArn";

/// An output of cdn.
pub const DISTRIBUTION_ID: &str = "DistributionId";

pub const NATIVE_ORIGIN: &str = "healthimaging";
pub const DICOMWEB_ORIGIN: &str = "healthimaging-dicomweb";

pub const DICOMWEB_CACHE_POLICY: &str = "DicomwebCachePolicy";
pub const NATIVE_REQUEST_POLICY: &str = "NativeRequestPolicy";
pub const DICOMWEB_REQUEST_POLICY: &str = "DicomwebRequestPolicy";
pub const SEARCH_REQUEST_POLICY: &str = "SearchRequestPolicy";

/// `image-frames-dev-cdn`
pub fn stack(service: &str, env: &str, stage: &str) -> String {
    format!("{service}-{env}-{stage}")
}

/// `image-frames (dev): `, with which a stack's description begins. A stack's name alone
/// doesn't tell `a` in `b-dev` from `a-b` in `dev`.
pub fn mark(service: &str, env: &str) -> String {
    format!("{service} ({env}): ")
}

/// `image-frames-dev-authorizer`: 60 of Lambda's 64 characters at the most.
pub fn function(service: &str, env: &str, function: &str) -> String {
    format!("{service}-{env}-{function}")
}

/// A name of our own, since Lambda@Edge keeps such a one in every Region; the
/// default gets the function's home Region put into it.
pub fn log_group(function_name: &str) -> String {
    format!("/frames/{function_name}")
}

/// `AuthorizerLogGroup`
pub fn log_group_id(function: &str) -> String {
    format!("{}LogGroup", pascal(function))
}

/// `AuthorizerFunction`
pub fn function_id(function: &str) -> String {
    format!("{}Function", pascal(function))
}

/// `AuthorizerRole`; `AuthorizerRole01234567` with a path of its own: another path is another
/// role, and the old one can't go while the edge runs versions that have it.
pub fn role_id(function: &str, path: &str) -> String {
    let hash = match path {
        "/" => String::new(),
        path => format!("{:.8}", format!("{:x}", Sha256::digest(path))),
    };
    format!("{}Role{hash}", pascal(function))
}

/// `SignerReadPolicy`, `SignerReadPolicy2`
pub fn policy_id(function: &str, what: &str, index: usize) -> String {
    let number = match index {
        0 => String::new(),
        index => (index + 1).to_string(),
    };
    format!("{}{what}Policy{number}", pascal(function))
}

/// AWS WAF takes log groups of this prefix alone.
pub fn web_acl_log_group(service: &str, env: &str) -> String {
    format!("aws-waf-logs-{service}-{env}")
}

/// `image-frames-dev`
pub fn web_acl(service: &str, env: &str) -> String {
    format!("{service}-{env}")
}

/// `AuthorizerVersion0123456789ab`: a new id, and so a new version, with every new
/// content, and with whatever else a version keeps as it was when it was published.
pub fn version_id(function: &str, sha256: &str, kept: &str) -> String {
    let digest = match kept {
        "" => sha256.to_owned(),
        kept => format!("{:x}", Sha256::digest(format!("{sha256} {kept}"))),
    };
    format!("{}Version{digest:.12}", pascal(function))
}

/// `Certificate01234567`: other names are another resource, since the old one can't go before
/// the distribution has let go of it.
pub fn certificate_id(names: &[String]) -> String {
    let sha256 = format!("{:x}", Sha256::digest(names.join(" ")));
    format!("Certificate{sha256:.8}")
}

/// `AuthorizerVersionArn`: an output of lambda-edge and a parameter of cdn.
pub fn version_arn(function: &str) -> String {
    format!("{}VersionArn", pascal(function))
}

/// In a function's zip, where it says how `index.py` starts the program.
pub const LAUNCH_FILE: &str = "launch";

/// `authorizer-0123456789abcdef.zip`
pub fn artifact_file(function: &str, sha256: &str) -> String {
    format!("{function}-{sha256:.16}.zip")
}

/// The zip's key in the artifact bucket.
pub fn artifact_key(service: &str, env: &str, function: &Function, sha256: &str) -> String {
    format!("{service}/{env}/{}", artifact_file(function.name, sha256))
}

/// A large template's key there.
pub fn template_key(service: &str, env: &str, stage: &str, sha256: &str) -> String {
    format!("{service}/{env}/{stage}-{sha256:.16}.template.json")
}

/// The bucket that deploy makes for an account's artifacts.
pub fn managed_bucket(account: &str) -> String {
    format!("frames-artifacts-{account}-us-east-1")
}

/// The name of a policy, unique within the account.
pub fn policy(stack: &str, what: &str) -> String {
    format!("{stack}-{what}")
}

/// `Alias01234567A`: of the name, since a record that changes places in the list would be made
/// anew while the old one still stands.
pub fn alias_record_id(name: &str, record_type: &str) -> String {
    let sha256 = format!("{:x}", Sha256::digest(name));
    format!("Alias{sha256:.8}{record_type}")
}

/// `image-frames-dev-5xx`
pub fn alarm(service: &str, env: &str, what: &str) -> String {
    format!("{service}-{env}-{what}")
}

/// CloudWatch Logs takes 60 characters here, fewer than a stack's name may have.
pub fn log_delivery(service: &str, env: &str) -> String {
    format!("{service}-{env}-access")
}

/// Format and bucket of a delivery destination can't change, and CloudFormation
/// doesn't replace what has a name of its own: each other way has another name.
pub fn log_destination(service: &str, env: &str, format: &str, bucket: Option<&str>) -> String {
    match (format, bucket) {
        ("json", None) => log_delivery(service, env),
        _ => {
            let way = format!("{format} {}", bucket.unwrap_or_default());
            let digest = format!("{:x}", Sha256::digest(way));
            format!("{service}-{env}-{digest:.8}")
        }
    }
}

fn pascal(word: &str) -> String {
    let mut chars = word.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}
