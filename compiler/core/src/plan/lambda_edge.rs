//! Stage `lambda-edge`: the functions and their roles. Always in us-east-1.

use super::function::{self, FunctionView, PolicyView, Spec};
use super::iam::{self, Statement};
use super::{Config, Function, Parameter, Stage, Trial, View as StageView, posture, reads};
use crate::check::{Allow, COMMON_NAME, CheckedManifest, Domain, EDGE_REGION, WebAcl};
use crate::names;
use frames_edge::{AuthConfig, AuthorizerConfig, SignerConfig, TokenSource};
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// The managed runtime that starts the shim (functions/shim/index.py).
const RUNTIME: &str = "python3.13";
const HANDLER: &str = "index.handler";

#[derive(Debug, Clone, Serialize)]
pub(crate) struct View {
    description: String,
    artifact_bucket: &'static str,
    pub(super) path: String,
    permissions_boundary: Option<String>,
    pub(super) functions: Vec<FunctionView>,
    keys_from: Option<KeysFrom>,
    memory: Memory,
    /// The Regions of stages that may leave theirs.
    placed: Vec<Placed>,
    /// Who calls the reader, where there is one.
    signer_role: Option<SignerRole>,
    pub(super) log_retention_days: u32,
    logs_key: Option<LogsKey>,
    /// What encrypts the logs.
    logs_key_arn: Value,
    web_acl: Option<WebAclView>,
    certificate: Option<CertificateView>,
}

#[derive(Debug, Clone, Serialize)]
struct KeysFrom {
    output: &'static str,
    digest: String,
}

/// What later runs go by, whatever the manifest says then.
#[derive(Debug, Clone, Serialize)]
struct Memory {
    region_output: &'static str,
    region: String,
    delivers_output: &'static str,
    delivers: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
struct Placed {
    output: String,
    value: String,
}

#[derive(Debug, Clone, Serialize)]
struct SignerRole {
    output: &'static str,
    id: String,
}

#[derive(Debug, Clone, Serialize)]
struct LogsKey {
    description: String,
    /// The bucket of access logs, which stays, can't be read without it.
    deletion_policy: &'static str,
    statements: Vec<Statement>,
    /// The stage with the bucket of access logs needs its ARN.
    exported: bool,
}

#[derive(Debug, Clone, Serialize)]
struct WebAclView {
    name: String,
    rate_limit: u32,
    rule_groups: Vec<RuleGroup>,
    log_group: String,
    redacted_headers: &'static [&'static str],
}

/// A managed rule group of AWS's.
#[derive(Debug, Clone, Serialize)]
struct RuleGroup {
    name: &'static str,
    priority: u8,
    /// Rules that count instead of blocking.
    counted: &'static [&'static str],
}

#[derive(Debug, Clone, Serialize)]
struct CertificateView {
    id: String,
    domain_name: String,
    alternative_names: Vec<String>,
    hosted_zone_id: String,
    names: Vec<String>,
}

pub(super) fn stage(manifest: &CheckedManifest, env: &str) -> Stage {
    let web_acl = web_acl(manifest, env);
    let view = View {
        description: format!(
            "{}the edge functions of frames",
            names::mark(&manifest.service, env)
        ),
        artifact_bucket: names::ARTIFACT_BUCKET,
        keys_from: manifest.auth.as_ref().and_then(keys_from),
        memory: Memory {
            region_output: names::DEPLOY_REGION,
            region: manifest.deploy.region.clone(),
            delivers_output: names::DELIVERS,
            delivers: delivers(manifest),
        },
        placed: reads::region(manifest)
            .map(|region| {
                let (output, value) = names::placed(names::READS, region);
                Placed { output, value }
            })
            .into_iter()
            .collect(),
        signer_role: manifest.delivery.cached_reads.then(|| SignerRole {
            output: names::SIGNER_ROLE_ARN,
            id: names::role_id(
                names::SIGNER,
                &manifest.iam.path,
                reads_in(manifest, names::SIGNER),
            ),
        }),
        log_retention_days: manifest.logs.functions.retention_days,
        logs_key: logs_key(manifest, env, web_acl.as_ref()),
        logs_key_arn: match &manifest.logs.kms_key_arn {
            Some(own) => json!(own),
            None => json!({"Fn::GetAtt": [names::LOGS_KEY, "Arn"]}),
        },
        web_acl,
        certificate: manifest.domain.as_ref().and_then(certificate),
        path: manifest.iam.path.clone(),
        permissions_boundary: manifest.iam.permissions_boundary_arn.clone(),
        functions: vec![
            function(
                manifest,
                env,
                names::AUTHORIZER,
                "Viewer request: verifies the token",
                vec![],
            ),
            function(
                manifest,
                env,
                names::SIGNER,
                "Origin request: signs for HealthImaging with SigV4",
                signers_policies(manifest, env),
            ),
        ],
    };
    let view = StageView::LambdaEdge(Box::new(view));
    Stage {
        parameters: BTreeMap::from([(
            names::ARTIFACT_BUCKET.to_owned(),
            Parameter::ArtifactBucket,
        )]),
        functions: vec![
            Function {
                name: names::AUTHORIZER,
                config: Config::Authorizer(Box::new(authorizer_config(manifest))),
                launch: Some(manifest.deploy.launch),
                trial: Some(Trial::authorizer(manifest)),
            },
            Function {
                name: names::SIGNER,
                config: Config::Signer(signer_config(manifest)),
                launch: Some(manifest.deploy.launch),
                trial: Some(Trial::signer(manifest)),
            },
        ],
        ..Stage::new(manifest, env, names::LAMBDA_EDGE, EDGE_REGION, view)
    }
}

fn keys_from(auth: &AuthConfig) -> Option<KeysFrom> {
    let output = names::KEYS_FROM;
    names::keys_from(auth).map(|digest| KeysFrom { output, digest })
}

/// How much of a SHA-256 tells deliveries apart.
const DELIVERS_DIGITS: usize = 16;

/// What a delivery is apart from what it is called: whose tokens it takes, which data stores it
/// reads, from where and under which names it serves. The order in which they are listed is no
/// matter. Without an issuer and without a name, nothing tells one delivery from another.
fn delivers(manifest: &CheckedManifest) -> Option<String> {
    let sorted = |texts: &[String]| {
        let mut texts = texts.to_vec();
        texts.sort_unstable();
        texts
    };
    let auth = manifest.auth.as_ref();
    let cnames = manifest.domain.as_ref().map(|domain| &domain.cnames[..]);
    let cnames = sorted(cnames.unwrap_or_default());
    if auth.is_none() && cnames.is_empty() {
        return None;
    }
    let tokens = auth.map(|auth| {
        let issuers = auth.issuers.iter().flat_map(|issuer| issuer.names.clone());
        let issuers: Vec<String> = issuers.collect();
        json!([
            sorted(&issuers),
            sorted(&auth.audience),
            sorted(&auth.client_ids)
        ])
    });
    let stores = manifest.iam.allow.as_ref().map(|rows| {
        let stores: Vec<String> = rows.iter().map(|row| row.datastore.clone()).collect();
        sorted(&stores)
    });
    let all = json!([tokens, stores, manifest.deploy.region, cnames]).to_string();
    let digest = format!("{:x}", Sha256::digest(all));
    Some(format!("{digest:.DELIVERS_DIGITS$}"))
}

impl View {
    pub(super) fn delivers(&self) -> Option<&str> {
        self.memory.delivers.as_deref()
    }
}

/// A function of Lambda@Edge's.
fn function(
    manifest: &CheckedManifest,
    env: &str,
    name: &'static str,
    trigger: &'static str,
    policies: Vec<PolicyView>,
) -> FunctionView {
    let full_name = names::function(&manifest.service, env, name);
    let mut all = function::policies(
        name,
        "Logs",
        None,
        &format!("{full_name} writes its own logs"),
        vec![iam::logs(&names::log_group(&full_name))],
        "A replica logs in the Region nearest the viewer, to streams that Lambda names: Region and stream can't be known before",
    );
    all.extend(policies);
    FunctionView::new(
        manifest,
        env,
        Spec {
            name,
            trigger,
            place: "at the edge",
            runtime: RUNTIME,
            handler: HANDLER,
            // The older limit of viewer triggers, which may still hold somewhere.
            memory_size: 128,
            timeout: 5,
            waivers: posture::edge_function(),
            reads_in: reads_in(manifest, name),
            policies: all,
        },
    )
}

/// Where what a function's role may read is. The signer's is where the data stores are, so that
/// those of the old Region are read until the distribution sends requests to the new one.
fn reads_in<'a>(manifest: &'a CheckedManifest, function: &str) -> Option<&'a str> {
    (function == names::SIGNER).then_some(manifest.health_imaging.region.as_str())
}

/// What the signer signs with: its role may read what `iam.allow` lists, and call the reader.
fn signers_policies(manifest: &CheckedManifest, env: &str) -> Vec<PolicyView> {
    let named = |function| names::function(&manifest.service, env, function);
    let signer = named(names::SIGNER);
    let mut policies = function::policies(
        names::SIGNER,
        "Read",
        reads_in(manifest, names::SIGNER),
        &format!("{signer} reads what iam.allow lists"),
        iam::policies(iam::read_frames(manifest)),
        function::read_reason(manifest),
    );
    if manifest.delivery.cached_reads {
        let region = &manifest.health_imaging.region;
        policies.extend(function::policies(
            names::SIGNER,
            "Invoke",
            reads_in(manifest, names::SIGNER),
            &format!("{signer} calls {}", named(names::READER)),
            vec![iam::invoke_url(
                region,
                &named(names::READER),
                names::READER_ALIAS,
            )],
            "",
        ));
    }
    policies
}

/// The stack's own key for every log, unless the manifest names one.
fn logs_key(
    manifest: &CheckedManifest,
    env: &str,
    web_acl: Option<&WebAclView>,
) -> Option<LogsKey> {
    if manifest.logs.kms_key_arn.is_some() {
        return None;
    }
    let functions = [names::AUTHORIZER, names::SIGNER]
        .map(|name| names::log_group(&names::function(&manifest.service, env, name)));
    let mut log_groups = functions.to_vec();
    log_groups.extend(web_acl.map(|web_acl| web_acl.log_group.clone()));
    let bucket = manifest.logs.has_managed_bucket();
    let delivery = names::log_delivery(&manifest.service, env);
    Some(LogsKey {
        description: format!("Logs of {} ({env})", manifest.service),
        deletion_policy: if bucket {
            "RetainExceptOnCreate"
        } else {
            "Delete"
        },
        statements: iam::logs_key(&log_groups, bucket.then_some(delivery.as_str())),
        exported: bucket,
    })
}

/// A query of more than 2 KiB is blocked by the common rules: a token can be longer.
const LONG_QUERY: &[&str] = &["SizeRestrictions_QUERYSTRING"];

fn web_acl(manifest: &CheckedManifest, env: &str) -> Option<WebAclView> {
    let WebAcl::Managed { rate_limit } = manifest.delivery.web_acl else {
        return None;
    };
    let sources = manifest.auth.iter().flat_map(|auth| &auth.token_sources);
    let tokens_in_queries = sources
        .into_iter()
        .any(|source| *source == TokenSource::Query);
    let group = |name, priority, counted| RuleGroup {
        name,
        priority,
        counted,
    };
    Some(WebAclView {
        name: names::web_acl(&manifest.service, env),
        rate_limit,
        rule_groups: vec![
            group("AWSManagedRulesAmazonIpReputationList", 1, &[]),
            group(
                "AWSManagedRulesCommonRuleSet",
                2,
                if tokens_in_queries { LONG_QUERY } else { &[] },
            ),
            group("AWSManagedRulesKnownBadInputsRuleSet", 3, &[]),
        ],
        log_group: names::web_acl_log_group(&manifest.service, env),
        redacted_headers: &["authorization", "token", "cookie", "referer"],
    })
}

/// Made where the manifest has a hosted zone to validate it in, and no certificate.
fn certificate(domain: &Domain) -> Option<CertificateView> {
    if domain.certificate_arn.is_some() {
        return None;
    }
    let short = |name: &&String| name.len() <= COMMON_NAME;
    let first = domain.cnames.iter().find(short)?;
    let others = domain.cnames.iter().filter(|name| *name != first);
    Some(CertificateView {
        id: names::certificate_id(&domain.cnames),
        domain_name: first.clone(),
        alternative_names: others.cloned().collect(),
        hosted_zone_id: domain.hosted_zone_id.clone()?,
        names: domain.cnames.clone(),
    })
}

fn authorizer_config(manifest: &CheckedManifest) -> AuthorizerConfig {
    AuthorizerConfig {
        auth: manifest.auth.clone(),
        dicomweb: manifest.delivery.dicomweb,
        metadata: manifest.delivery.metadata,
        cached_reads: manifest.delivery.cached_reads,
        allow: manifest.iam.allow.as_ref().map(|rows| {
            let row = |row: &Allow| frames_edge::Allow {
                datastore: row.datastore.clone(),
                image_sets: row.image_sets.clone(),
                studies: row.studies.clone(),
                series: row.series.clone(),
            };
            rows.iter().map(row).collect()
        }),
        cors: manifest.delivery.cors.clone(),
        log_level: manifest.logs.functions.level,
        audit_claims: manifest.logs.audit_claims.clone(),
    }
}

fn signer_config(manifest: &CheckedManifest) -> SignerConfig {
    let health_imaging = &manifest.health_imaging;
    SignerConfig {
        region: health_imaging.region.clone(),
        native_host: health_imaging.native_host.clone(),
        cached_reads: manifest.delivery.cached_reads,
        log_level: manifest.logs.functions.level,
        dicomweb_host: manifest
            .delivery
            .dicomweb
            .then(|| health_imaging.dicomweb_host.clone()),
        metadata: manifest.delivery.metadata,
    }
}
