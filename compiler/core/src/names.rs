//! Every name and logical id of the stacks, in one place. Renaming one
//! replaces the resource in every deployed stack.

use frames_edge::{AuthConfig, Issuer};
use serde_json::json;
use sha2::{Digest, Sha256};

pub const AUTHORIZER: &str = "authorizer";
pub const SIGNER: &str = "signer";
/// Only with `delivery.cachedReads`.
pub const READER: &str = "reader";

pub const LAMBDA_EDGE: &str = "lambda-edge";
/// The reader, beside the data stores. Only with `delivery.cachedReads`.
pub const READS: &str = "reads";
pub const CDN: &str = "cdn";
/// Only where the cdn stack isn't in us-east-1.
pub const LOGS: &str = "logs";

/// All that there are, in any plan: what an earlier manifest left is known by them too.
pub const FUNCTIONS: &[&str] = &[AUTHORIZER, SIGNER, READER];
/// Those that run in whichever Region is near a viewer.
pub const EDGE_FUNCTIONS: &[&str] = &[AUTHORIZER, SIGNER];
pub const STAGES: &[&str] = &[LAMBDA_EDGE, READS, CDN, LOGS];

pub const ARTIFACT_BUCKET: &str = "ArtifactBucket";

pub const ACCESS_LOGS: &str = "AccessLogs";

/// Encrypts every log. Its ARN is an output of lambda-edge, and a parameter of the stack that
/// has the bucket of access logs.
pub const LOGS_KEY: &str = "LogsKey";
pub const LOGS_KEY_ARN: &str = "LogsKeyArn";

pub const WEB_ACL: &str = "WebAcl";
pub const WEB_ACL_ARN: &str = "WebAclArn";

pub const CERTIFICATE_ARN: &str = "CertificateArn";

/// An output of lambda-edge: [`keys_from`].
pub const KEYS_FROM: &str = "AuthorizerKeysFrom";

/// An output of lambda-edge: the cdn stack's Region. It outlives a change of `deploy.region`.
pub const DEPLOY_REGION: &str = "DeployRegion";

/// An output of lambda-edge: what is delivered to whom, whatever it is called, as a digest.
pub const DELIVERS: &str = "Delivers";

/// An output of lambda-edge, and a parameter of reads: who may call the reader.
pub const SIGNER_ROLE_ARN: &str = "SignerRoleArn";

/// An output of reads, and a parameter of cdn: the host of the reader's function URL.
pub const READER_HOST: &str = "ReaderHost";

pub const DISTRIBUTION: &str = "Distribution";

/// An output of cdn, and a parameter of logs.
pub const DISTRIBUTION_ID: &str = "DistributionId";

pub const NATIVE_ORIGIN: &str = "healthimaging";
pub const DICOMWEB_ORIGIN: &str = "healthimaging-dicomweb";
/// HealthImaging too, with the header that tells the signer where the reader is.
pub const READS_ORIGIN: &str = "healthimaging-reads";

pub const DICOMWEB_CACHE_POLICY: &str = "DicomwebCachePolicy";
pub const READS_CACHE_POLICY: &str = "ReadsCachePolicy";
pub const NATIVE_REQUEST_POLICY: &str = "NativeRequestPolicy";
pub const DICOMWEB_REQUEST_POLICY: &str = "DicomwebRequestPolicy";
pub const SEARCH_REQUEST_POLICY: &str = "SearchRequestPolicy";
pub const RESPONSE_HEADERS_POLICY: &str = "ResponseHeadersPolicy";
pub const SEARCH_HEADERS_POLICY: &str = "SearchHeadersPolicy";

/// Which addresses the authorizer's keys are fetched from, as a digest: what isn't deployed
/// yet is known by it. None where the keys are baked in.
pub fn keys_from(auth: &AuthConfig) -> Option<String> {
    let of = |issuer: &Issuer| json!([issuer.names, issuer.jwks_uri]);
    let addresses = json!(auth.issuers.iter().map(of).collect::<Vec<_>>()).to_string();
    let fetched = auth.jwks.is_none();
    fetched.then(|| format!("{:x}", Sha256::digest(addresses)))
}

/// `image-frames-dev-cdn`
pub fn stack(service: &str, env: &str, stage: &str) -> String {
    format!("{service}-{env}-{stage}")
}

/// `*-lambda-edge`: a stage's stacks of all services and environments.
pub fn any_stack(stage: &str) -> String {
    format!("*-{stage}")
}

/// `image-frames (dev): `, with which a stack's description begins. By its name, nobody
/// can tell `a` in `b-dev` from `a-b` in `dev`.
pub fn mark(service: &str, env: &str) -> String {
    format!("{service} ({env}): ")
}

/// Service and environment of a description that begins with [`mark`]. A service's name has no
/// space.
pub fn marked(description: &str) -> Option<(&str, &str)> {
    let (service, rest) = description.split_once(" (")?;
    let (env, _) = rest.split_once("): ")?;
    let is_name = |name: &str| !name.is_empty() && !name.contains(char::is_whitespace);
    (is_name(service) && is_name(env)).then_some((service, env))
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

/// Among the metadata of the log group that has the audit record: `frames remove` says what goes with
/// it, whatever the manifest says by then. Also in the template of lambda-edge.
pub const HOLDS_AUDIT: &str = "HoldsAudit";

/// `AuthorizerLogGroup`
pub fn log_group_id(function: &str) -> String {
    format!("{}LogGroup", pascal(function))
}

/// `AuthorizerFunction`
pub fn function_id(function: &str) -> String {
    format!("{}Function", pascal(function))
}

/// `AuthorizerRole`; `AuthorizerRole01234567` with a path of its own, or with another Region whose
/// data stores it reads. Another path or Region is another role, since the edge runs versions that
/// have the old one until the distribution has changed.
pub fn role_id(function: &str, path: &str, reads_in: Option<&str>) -> String {
    let own = [Some(path).filter(|path| *path != "/"), elsewhere(reads_in)];
    let own: Vec<&str> = own.into_iter().flatten().collect();
    let hash = if own.is_empty() {
        String::new()
    } else {
        short_hash(&own.join(" "))
    };
    format!("{}Role{hash}", pascal(function))
}

/// `SignerReadPolicy`, `SignerReadPolicy2`; `SignerReadPolicy01234567` for what is in another
/// Region: the role that the edge still runs with keeps its own.
pub fn policy_id(function: &str, what: &str, reads_in: Option<&str>, index: usize) -> String {
    let hash = elsewhere(reads_in).map(short_hash).unwrap_or_default();
    let number = match index {
        0 => String::new(),
        index => (index + 1).to_string(),
    };
    format!("{}{what}Policy{hash}{number}", pascal(function))
}

/// A Region of data stores that isn't the default of `healthImaging.region`.
fn elsewhere(reads_in: Option<&str>) -> Option<&str> {
    reads_in.filter(|region| *region != "us-east-1")
}

fn short_hash(text: &str) -> String {
    format!("{:.8}", format!("{:x}", Sha256::digest(text)))
}

/// AWS WAF takes only log groups of this prefix.
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

/// What the reader's URL runs: an alias of the version that the package was published as.
pub const READER_ALIAS: &str = "live";
pub const READER_ALIAS_ID: &str = "ReaderAlias";

/// `AuthorizerVersionArn`: an output of lambda-edge and a parameter of cdn.
pub fn version_arn(function: &str) -> String {
    format!("{}VersionArn", pascal(function))
}

/// A kind of object in the artifact bucket: `<name>-<hash><suffix>`, directly below `<service>/<env>/`.
struct Kind {
    names: &'static [&'static str],
    suffix: &'static str,
}

const ZIP: Kind = Kind {
    names: FUNCTIONS,
    suffix: ".zip",
};

const TEMPLATE: Kind = Kind {
    names: STAGES,
    suffix: ".template.json",
};

/// Whatever frames puts there is of one of these kinds, and nothing else is ever deleted there.
const KINDS: &[Kind] = &[ZIP, TEMPLATE];

/// How much of a SHA-256 is in a name.
const HASH_DIGITS: usize = 16;

impl Kind {
    fn file(&self, name: &str, sha256: &str) -> String {
        format!("{name}-{sha256:.HASH_DIGITS$}{}", self.suffix)
    }

    fn has(&self, file: &str) -> bool {
        let stem = file.strip_suffix(self.suffix);
        let parts = stem.and_then(|stem| stem.rsplit_once('-'));
        parts.is_some_and(|(name, hash)| {
            let is_digit = |c| matches!(c, b'0'..=b'9' | b'a'..=b'f');
            self.names.contains(&name) && hash.len() == HASH_DIGITS && hash.bytes().all(is_digit)
        })
    }
}

/// `image-frames/dev/`: where an environment's objects are in the artifact bucket.
pub fn artifact_prefix(service: &str, env: &str) -> String {
    format!("{service}/{env}/")
}

/// Whether frames made this key for this environment: `remove` deletes such a one, and no other.
pub fn is_artifact(service: &str, env: &str, key: &str) -> bool {
    let file = key.strip_prefix(&artifact_prefix(service, env));
    file.is_some_and(|file| KINDS.iter().any(|kind| kind.has(file)))
        || record_id(service, env, key).is_some()
}

/// How much of a SHA-256 is a deployment's id.
pub const ID_DIGITS: usize = 12;

/// `20261128T231205.123Z`: a time without what a key would have to escape, in the order of time.
const TIME: &str = "00000000T000000.000Z";

/// `image-frames/dev/deployments/`: where the records of an environment's deployments are.
pub fn record_prefix(service: &str, env: &str) -> String {
    artifact_prefix(service, env) + "deployments/"
}

/// `image-frames/dev/deployments/20261128T231205.123Z-0123456789ab.json`, of the time in RFC 3339.
pub fn record_key(service: &str, env: &str, time: &str, id: &str) -> String {
    let time = time.replace(['-', ':'], "");
    format!("{}{time}-{id}.json", record_prefix(service, env))
}

/// The id of the deployment whose record has this key.
pub fn record_id<'a>(service: &str, env: &str, key: &'a str) -> Option<&'a str> {
    let file = key.strip_prefix(&record_prefix(service, env))?;
    let (time, id) = file.strip_suffix(".json")?.split_once('-')?;
    (is_of_form(time, TIME) && id.len() == ID_DIGITS && is_hex(id)).then_some(id)
}

/// Whether a text has a digit where the form has `0`, and is the form otherwise.
pub(crate) fn is_of_form(text: &str, form: &str) -> bool {
    let fits = |(given, form): (u8, u8)| match form {
        b'0' => given.is_ascii_digit(),
        _ => given == form,
    };
    text.len() == form.len() && text.bytes().zip(form.bytes()).all(fits)
}

/// As a hash is written.
pub(crate) fn is_hex(text: &str) -> bool {
    text.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'))
}

/// In a function's zip, where it says how `index.py` starts the program.
pub const LAUNCH_FILE: &str = "launch";

/// `authorizer-0123456789abcdef.zip`
pub fn artifact_file(function: &str, sha256: &str) -> String {
    ZIP.file(function, sha256)
}

/// The zip's key in the artifact bucket.
pub fn artifact_key(service: &str, env: &str, function: &str, sha256: &str) -> String {
    let file = artifact_file(function, sha256);
    artifact_prefix(service, env) + &file
}

/// A large template's key there.
pub fn template_key(service: &str, env: &str, stage: &str, sha256: &str) -> String {
    artifact_prefix(service, env) + &TEMPLATE.file(stage, sha256)
}

/// The bucket that deploy makes for an account's artifacts in a Region.
pub fn managed_bucket(account: &str, region: &str) -> String {
    format!("frames-artifacts-{account}-{region}")
}

/// What an output's id begins with that says where a stage is: see [`placed`].
const PLACED: &str = "StageIn";

/// An output of lambda-edge, id and value, for a stage whose Region a manifest may change. Each
/// Region has an id of its own: the output of the old one stays until the old stack is gone.
pub fn placed(stage: &str, region: &str) -> (String, String) {
    let hash = format!("{:x}", Sha256::digest(format!("{stage} {region}")));
    (format!("{PLACED}{hash:.8}"), format!("{stage} {region}"))
}

/// The stage and the Region that an output names, where it is one of those.
pub fn placed_by(output: &str, value: &str) -> Option<(&'static str, String)> {
    let (stage, region) = value.split_once(' ')?;
    let stage = STAGES.iter().find(|known| **known == stage)?;
    (placed(stage, region).0 == output).then(|| (*stage, region.to_owned()))
}

/// The name of a policy, unique within the account.
pub fn policy(stack: &str, what: &str) -> String {
    format!("{stack}-{what}")
}

/// `Alias01234567A`: of the name, since a record that changes places in the list would be made
/// anew while the old one is still there.
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

/// Format, bucket and prefix of a delivery destination can't change, and CloudFormation
/// doesn't replace what has a name of its own: each other way has another name.
pub fn log_destination(
    service: &str,
    env: &str,
    format: &str,
    bucket: Option<&str>,
    prefix: &str,
) -> String {
    // No bucket, format or prefix has a space.
    let way = format!("{format} {} {prefix}", bucket.unwrap_or_default());
    let digest = format!("{:x}", Sha256::digest(way));
    format!("{service}-{env}-{digest:.8}")
}

/// Ids that a stack has under some manifest, whether or not it has them under this one.
const IDS: &[&str] = &[
    ACCESS_LOGS,
    ARTIFACT_BUCKET,
    CERTIFICATE_ARN,
    DELIVERS,
    DEPLOY_REGION,
    DICOMWEB_CACHE_POLICY,
    DICOMWEB_REQUEST_POLICY,
    DISTRIBUTION_ID,
    KEYS_FROM,
    LOGS_KEY,
    LOGS_KEY_ARN,
    NATIVE_REQUEST_POLICY,
    READER_HOST,
    READS_CACHE_POLICY,
    RESPONSE_HEADERS_POLICY,
    SEARCH_HEADERS_POLICY,
    SEARCH_REQUEST_POLICY,
    SIGNER_ROLE_ARN,
    WEB_ACL,
    WEB_ACL_ARN,
    "AccessLogsBucket",
    "AccessLogsDelivery",
    "AccessLogsDestination",
    "AccessLogsPolicy",
    "AccessLogsSource",
    DISTRIBUTION,
    "DistributionDomainName",
    "FunctionAnswersAlarm",
    "FunctionErrorsAlarm",
    "FunctionThrottlesAlarm",
    READER_ALIAS_ID,
    "ReaderErrorsAlarm",
    "ReaderRunPermission",
    "ReaderThrottlesAlarm",
    "ReaderUrl",
    "ReaderUrlPermission",
    "ServerErrorsAlarm",
    "Url",
    "WebAclLogGroup",
    "WebAclLogging",
];

/// Whether a logical id is one that frames gives, or has the form of one: whatever the hash
/// in it, since that changes with the content.
pub fn is_reserved(id: &str) -> bool {
    let hexadecimal = |text: &str| text.bytes().all(|b| b.is_ascii_hexdigit());
    let of_function = |function: &&str| {
        let Some(rest) = id.strip_prefix(&pascal(function)) else {
            return false;
        };
        let after = |word| rest.strip_prefix(word);
        matches!(rest, "Function" | "LogGroup" | "VersionArn")
            || after("Version").or(after("Role")).is_some_and(hexadecimal)
            || after("LogsPolicy")
                .or(after("ReadPolicy"))
                .or(after("InvokePolicy"))
                .is_some_and(hexadecimal)
    };
    let record = id.strip_prefix("Alias").map(|rest| {
        let kind = ["HTTPS", "AAAA", "A"]
            .iter()
            .find_map(|kind| rest.strip_suffix(kind));
        kind.unwrap_or("-")
    });
    IDS.contains(&id)
        || FUNCTIONS.iter().any(of_function)
        || id
            .strip_prefix("Certificate")
            .or(id.strip_prefix(PLACED))
            .or(record)
            .is_some_and(|hash| !hash.is_empty() && hexadecimal(hash))
}

fn pascal(word: &str) -> String {
    let mut chars = word.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use std::path::Path;

    #[test]
    fn every_compiled_id_is_reserved() {
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden");
        let mut ids = 0;
        for stage in STAGES {
            for project in std::fs::read_dir(&golden).unwrap().flatten() {
                let template = project.path().join(format!("{stage}.template.json"));
                let overlay = project.file_name() == "overlay";
                let Some(text) = std::fs::read_to_string(template).ok().filter(|_| !overlay) else {
                    continue;
                };
                let template: Value = serde_json::from_str(&text).unwrap();
                for section in ["Resources", "Parameters", "Outputs"] {
                    let members = template.get(section).and_then(Value::as_object);
                    for (id, _) in members.into_iter().flatten() {
                        assert!(
                            is_reserved(id),
                            "{section}.{id} in {}",
                            project.path().display()
                        );
                        ids += 1;
                    }
                }
            }
        }
        assert!(ids > 200, "{ids}");
    }

    #[test]
    fn whatever_the_hash_the_form_is_reserved() {
        for id in [
            "AuthorizerVersion0123456789ab",
            "SignerVersion",
            "SignerRoleABCDEF01",
            "Certificate01234567",
            "StageIn01234567",
            "ReaderRole",
            "Alias01234567AAAA",
            "SignerReadPolicy12",
            "SignerReadPolicyabcdef012",
        ] {
            assert!(is_reserved(id), "{id}");
        }
        for id in [
            "SignerErrorsAlarm",
            "Certificate",
            "AliasOfMine",
            "Alias",
            "Topic",
            "VersionParameter",
            "SignerVersionParameter",
        ] {
            assert!(!is_reserved(id), "{id}");
        }
    }

    const SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn a_mark_is_read_as_it_is_written() {
        let description = mark("heart", "dev") + "the edge functions of frames";
        assert_eq!(marked(&description), Some(("heart", "dev")));
        for other in [
            "",
            "heart",
            "heart (dev)",
            "my heart (dev): x",
            " (dev): x",
            "heart (): x",
            "heart (a b): x",
        ] {
            assert_eq!(marked(other), None, "{other}");
        }
    }

    #[test]
    fn what_is_made_is_recognised() {
        for name in FUNCTIONS {
            let key = artifact_key("heart", "dev", name, SHA256);
            assert_eq!(key, format!("heart/dev/{name}-e3b0c44298fc1c14.zip"));
            assert!(is_artifact("heart", "dev", &key), "{key}");
        }
        for stage in STAGES {
            let key = template_key("heart", "dev", stage, SHA256);
            assert_eq!(
                key,
                format!("heart/dev/{stage}-e3b0c44298fc1c14.template.json")
            );
            assert!(is_artifact("heart", "dev", &key), "{key}");
        }
    }

    #[test]
    fn a_record_is_recognised_by_its_key() {
        let key = record_key("heart", "dev", "2026-11-28T23:12:05.123Z", "0123456789ab");
        assert_eq!(
            key,
            "heart/dev/deployments/20261128T231205.123Z-0123456789ab.json"
        );
        assert_eq!(record_id("heart", "dev", &key), Some("0123456789ab"));
        assert!(is_artifact("heart", "dev", &key));
        assert_eq!(record_id("heart", "prod", &key), None);
    }

    #[test]
    fn nothing_else_is() {
        for key in [
            "heart/dev/deployments/",
            "heart/dev/deployments/report.json",
            "heart/dev/deployments/20261128T231205.123Z-0123456789ab.json.bak",
            "heart/dev/deployments/20261128T231205.123Z-0123456789a.json",
            "heart/dev/deployments/20261128T231205Z-0123456789ab.json",
            "heart/dev/deployments/x/20261128T231205.123Z-0123456789ab.json",
            "heart/dev/20261128T231205.123Z-0123456789ab.json",
            "heart/dev/",
            "heart/dev/report.pdf",
            "heart/dev/authorizer.zip",
            "heart/dev/authorizer-e3b0c44298fc1c1.zip",
            "heart/dev/authorizer-e3b0c44298fc1c142.zip",
            "heart/dev/authorizer-E3B0C44298FC1C14.zip",
            "heart/dev/authorizer-e3b0c44298fc1c1g.zip",
            "heart/dev/authorizer-e3b0c44298fc1c14.zip.bak",
            "heart/dev/authorizer-e3b0c44298fc1c14.template.json",
            "heart/dev/Authorizer-e3b0c44298fc1c14.zip",
            "heart/dev/backup-e3b0c44298fc1c14.zip",
            "heart/dev/my-authorizer-e3b0c44298fc1c14.zip",
            "heart/dev/-e3b0c44298fc1c14.zip",
            "heart/dev/cdn-e3b0c44298fc1c14.zip",
            "heart/dev/cdn-e3b0c44298fc1c14.json",
            "heart/dev/old/authorizer-e3b0c44298fc1c14.zip",
            "heart/dev//authorizer-e3b0c44298fc1c14.zip",
            "/heart/dev/authorizer-e3b0c44298fc1c14.zip",
            "heart/dev2/authorizer-e3b0c44298fc1c14.zip",
            "heart/prod/authorizer-e3b0c44298fc1c14.zip",
            "heart-2/dev/authorizer-e3b0c44298fc1c14.zip",
            "my/heart/dev/authorizer-e3b0c44298fc1c14.zip",
        ] {
            assert!(!is_artifact("heart", "dev", key), "{key}");
        }
        // `a` in `b-c` and `a-b` in `c` have stacks of the same names, but keys of their own.
        let key = "a/b-c/signer-e3b0c44298fc1c14.zip";
        assert!(is_artifact("a", "b-c", key));
        assert!(!is_artifact("a-b", "c", key));
    }
}
