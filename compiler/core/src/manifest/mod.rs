//! Nodes to a [`Manifest`]. The field tables ([`tables`]) say which keys there
//! are and what they take; keys, types and patterns are checked on the way, by
//! one walk ([`shape`]). What spans several keys is for `check/`.

mod block;
mod countries;
mod duration;
mod field;
pub(crate) mod formats;
mod keys;
mod lists;
mod meant;
mod print;
mod schema;
mod shape;
mod tables;
mod words;
mod yaml;

pub use keys::keys_page;
pub use lists::split_lists;
pub use print::{Printed, complete};
pub use schema::schema;

use crate::diagnostic::Diagnostic;
use crate::names;
use crate::span::Span;
use crate::syntax::{Entry, Node};
use block::Block;
pub use block::Keys;
pub use shape::OWN_KEY;
use std::collections::{BTreeMap, BTreeSet};
pub use tables::is_root_key;
#[cfg(test)]
pub use tables::paths;
pub use yaml::{of_json as yaml_of_json, scalar as yaml_scalar};

/// CloudFormation's own limit, for a stack.
pub const MOST_TAGS: usize = 50;

/// A value and the place where the user wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spanned<T> {
    pub value: T,
    pub span: Span,
}

pub type Text = Spanned<String>;

/// frames.yml, as far as it is well formed: values that have a finding are missing here.
#[derive(Debug, Default)]
pub struct Manifest {
    pub service: Option<Text>,
    pub health_imaging: HealthImaging,
    pub auth: Option<Auth>,
    pub domain: Option<Domain>,
    pub iam: Option<Iam>,
    pub delivery: Delivery,
    pub logs: Logs,
    pub alarms: Option<Alarms>,
    pub deploy: Deploy,
    /// What is merged into the stages' templates.
    pub resources: BTreeMap<&'static str, Node>,
    /// Where to point at for what the whole manifest lacks.
    pub span: Span,
    pub keys: Keys,
}

#[derive(Debug, Default)]
pub struct HealthImaging {
    pub region: Option<Text>,
    pub endpoint: Option<Text>,
}

#[derive(Debug)]
pub struct Auth {
    pub span: Span,
    pub mode: Option<Text>,
    pub user_pool_id: Option<Text>,
    pub client_ids: Vec<Text>,
    pub token_use: Option<Text>,
    pub issuer: Vec<Text>,
    pub audience: Vec<Text>,
    pub jwks_uri: Vec<Text>,
    pub trust_keys_for: Option<Spanned<u64>>,
    pub algorithms: Vec<Text>,
    pub scopes: Vec<Text>,
    pub groups: Vec<Text>,
    pub groups_claim: Option<Text>,
    pub access: Option<Vec<AccessRow>>,
    pub access_claims: Option<AccessClaims>,
    pub jwks_file: Option<Text>,
    pub token_sources: Vec<Text>,
    /// Every key that was written, well formed or not.
    pub keys: Keys,
}

/// A row of `auth.access`.
#[derive(Debug)]
pub struct AccessRow {
    pub span: Span,
    pub groups: Option<Vec<Text>>,
    pub datastore: Option<Text>,
    pub image_sets: Option<Vec<Text>>,
    pub studies: Option<Vec<Text>>,
    pub keys: Keys,
}

#[derive(Debug)]
pub struct AccessClaims {
    pub span: Span,
    pub datastores: Option<Text>,
    pub image_sets: Option<Text>,
    pub studies: Option<Text>,
    pub keys: Keys,
}

#[derive(Debug)]
pub struct Domain {
    pub span: Span,
    pub cnames: Vec<Text>,
    pub certificate_arn: Option<Text>,
    pub hosted_zone_id: Option<Text>,
    pub security_policy: Option<Text>,
    pub keys: Keys,
}

#[derive(Debug)]
pub struct Iam {
    pub span: Span,
    pub allow: Option<Vec<Allow>>,
    pub keys: Keys,
    pub path: Option<Text>,
    pub permissions_boundary_arn: Option<Text>,
}

#[derive(Debug)]
pub struct Allow {
    pub datastore: Option<Text>,
    pub image_sets: Option<Vec<Text>>,
    pub studies: Option<Vec<Text>>,
    pub series: Option<Vec<Text>>,
    pub keys: Keys,
}

#[derive(Debug, Default)]
pub struct Delivery {
    pub dicomweb: Option<Spanned<bool>>,
    pub metadata: Option<Spanned<bool>>,
    pub cached_reads: Option<Spanned<bool>>,
    /// In seconds.
    pub cache_ttl: Option<Spanned<u64>>,
    pub cache_browser: Option<Spanned<u64>>,
    pub cors: Option<Cors>,
    pub price_class: Option<Text>,
    pub http3: Option<Spanned<bool>>,
    pub origin_shield: Option<Text>,
    pub web_acl: Option<Text>,
    pub web_acl_arn: Option<Text>,
    pub rate_limit: Option<Text>,
    pub geo: Option<Geo>,
    pub keys: Keys,
}

#[derive(Debug)]
pub struct Cors {
    pub origins: Option<Vec<Text>>,
    pub credentials: Option<Spanned<bool>>,
    pub keys: Keys,
}

#[derive(Debug)]
pub struct Geo {
    pub span: Span,
    pub allow: Option<Vec<Text>>,
    pub deny: Option<Vec<Text>>,
    pub keys: Keys,
}

#[derive(Debug, Default)]
pub struct Logs {
    pub kms_key_arn: Option<Text>,
    pub access: AccessLogs,
    pub functions: FunctionLogs,
    pub audit: Option<Spanned<bool>>,
    pub audit_claims: Option<Vec<Text>>,
    pub keys: Keys,
}

#[derive(Debug, Default)]
pub struct AccessLogs {
    pub enabled: Option<Spanned<bool>>,
    pub bucket: Option<Text>,
    pub format: Option<Text>,
    pub prefix: Option<Text>,
    /// In seconds; whole days.
    pub retention: Option<Spanned<u64>>,
    pub object_lock: Option<Text>,
}

#[derive(Debug, Default)]
pub struct FunctionLogs {
    pub level: Option<Text>,
    pub retention_days: Option<Text>,
}

#[derive(Debug)]
pub struct Alarms {
    pub span: Span,
    pub topic_arn: Option<Text>,
}

#[derive(Debug, Default)]
pub struct Deploy {
    pub account: Option<Text>,
    pub region: Option<Text>,
    pub bucket: Option<Text>,
    pub tags: Vec<(Text, Text)>,
    pub termination_protection: Option<Spanned<bool>>,
    pub launch: Option<Text>,
    pub keep: Option<Text>,
}

/// Reads the whole tree, and finds all that a single key can get wrong. There is
/// no manifest where the tree isn't even a mapping. `own_keys`: keys of the root
/// that are the user's own, for variables.
pub fn read(root: &Node, own_keys: &BTreeSet<String>) -> (Option<Manifest>, Vec<Diagnostic>) {
    let mut diagnostics = Vec::new();
    let block = shape::read(root, &tables::MANIFEST, own_keys, &mut diagnostics);
    (block.map(manifest), diagnostics)
}

/// Checks the environments that weren't chosen: their keys, types and patterns.
pub fn read_partial(environments: &[Entry], own_keys: &BTreeSet<String>) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    for environment in environments {
        let path = format!("{}.{}", crate::environments::KEY, environment.key.text);
        shape::read_partial(
            &environment.value,
            &tables::MANIFEST,
            &path,
            own_keys,
            &mut diagnostics,
        );
    }
    diagnostics
}

/// The keys of `auth` that a mode uses; `None` for a key that every mode uses.
pub fn auth_modes_of(key: &str) -> Option<&'static [&'static str]> {
    let field = tables::AUTH.fields.iter().find(|field| field.key == key)?;
    (!field.modes.is_empty()).then_some(field.modes)
}

/// What is wrong with a service's name, in a manifest's words.
pub fn service_problem(name: &str) -> Option<String> {
    let format = &formats::SERVICE;
    (!format.matches(name)).then(|| format!("`{}` isn't {}", words::shown(name), format.what))
}

/// Cognito makes its clients' ids; other issuers let their users choose.
pub fn is_cognito_client(id: &str) -> bool {
    formats::COGNITO_CLIENT_ID.matches(id)
}

fn manifest(mut root: Block) -> Manifest {
    let health_imaging = root.block("healthImaging").map(|mut b| HealthImaging {
        region: b.text("region"),
        endpoint: b.text("endpoint"),
    });
    Manifest {
        service: root.text("service"),
        health_imaging: health_imaging.unwrap_or_default(),
        auth: root.block("auth").map(auth),
        domain: root.block("domain").map(domain),
        iam: root.block("iam").map(iam),
        delivery: root.block("delivery").map(delivery).unwrap_or_default(),
        logs: root.block("logs").map(logs).unwrap_or_default(),
        alarms: root.block("alarms").map(|mut b| Alarms {
            span: b.span,
            topic_arn: b.text("topicArn"),
        }),
        deploy: root.block("deploy").map(deploy).unwrap_or_default(),
        resources: root.block("resources").map(resources).unwrap_or_default(),
        span: root.span,
        keys: root.keys,
    }
}

fn resources(mut b: Block) -> BTreeMap<&'static str, Node> {
    let stages = names::STAGES.iter();
    stages
        .filter_map(|stage| Some((*stage, b.node(stage)?)))
        .collect()
}

fn auth(mut b: Block) -> Auth {
    Auth {
        span: b.span,
        mode: b.text("mode"),
        user_pool_id: b.text("userPoolId"),
        client_ids: b.texts("clientIds").unwrap_or_default(),
        token_use: b.text("tokenUse"),
        issuer: b.texts("issuer").unwrap_or_default(),
        audience: b.texts("audience").unwrap_or_default(),
        jwks_uri: b.texts("jwksUri").unwrap_or_default(),
        trust_keys_for: b.seconds("trustKeysFor"),
        algorithms: b.texts("algorithms").unwrap_or_default(),
        scopes: b.texts("scopes").unwrap_or_default(),
        groups: b.texts("groups").unwrap_or_default(),
        groups_claim: b.text("groupsClaim"),
        access: b
            .blocks("access")
            .map(|rows| rows.into_iter().map(access_row).collect()),
        access_claims: b.block("accessClaims").map(|mut b| AccessClaims {
            span: b.span,
            datastores: b.text("datastores"),
            image_sets: b.text("imageSets"),
            studies: b.text("studies"),
            keys: b.keys,
        }),
        jwks_file: b.text("jwksFile"),
        token_sources: b.texts("tokenSources").unwrap_or_default(),
        keys: b.keys,
    }
}

fn access_row(mut b: Block) -> AccessRow {
    AccessRow {
        span: b.span,
        groups: b.texts("groups"),
        datastore: b.text("datastore"),
        image_sets: b.texts("imageSets"),
        studies: b.texts("studies"),
        keys: b.keys,
    }
}

fn domain(mut b: Block) -> Domain {
    Domain {
        span: b.span,
        cnames: b.texts("cnames").unwrap_or_default(),
        certificate_arn: b.text("certificateArn"),
        hosted_zone_id: b.text("hostedZoneId").map(zone_id),
        security_policy: b.text("securityPolicy"),
        keys: b.keys,
    }
}

/// Route 53's API and console name a zone with a path before its id.
fn zone_id(mut written: Text) -> Text {
    if let Some((_, id)) = written.value.rsplit_once('/') {
        written.value = id.to_owned();
    }
    written
}

fn iam(mut b: Block) -> Iam {
    let allow = b.blocks("allow").map(|rows| {
        rows.into_iter()
            .map(|mut row| Allow {
                datastore: row.text("datastore"),
                image_sets: row.texts("imageSets"),
                studies: row.texts("studies"),
                series: row.texts("series"),
                keys: row.keys,
            })
            .collect()
    });
    Iam {
        span: b.span,
        allow,
        path: b.text("path"),
        permissions_boundary_arn: b.text("permissionsBoundaryArn"),
        keys: b.keys,
    }
}

fn delivery(mut b: Block) -> Delivery {
    let mut cache = b.block("cache").unwrap_or_default();
    Delivery {
        dicomweb: b.flag("dicomweb"),
        metadata: b.flag("metadata"),
        cached_reads: b.flag("cachedReads"),
        cache_ttl: cache.seconds("ttl"),
        cache_browser: cache.seconds("browser"),
        cors: b.block("cors").map(|mut b| Cors {
            origins: b.texts("origins"),
            credentials: b.flag("credentials"),
            keys: b.keys,
        }),
        price_class: b.text("priceClass"),
        http3: b.flag("http3"),
        origin_shield: b.text("originShield"),
        web_acl: b.text("webAcl"),
        web_acl_arn: b.text("webAclArn"),
        rate_limit: b.text("rateLimit"),
        geo: b.block("geo").map(|mut b| Geo {
            span: b.span,
            allow: b.texts("allow"),
            deny: b.texts("deny"),
            keys: b.keys,
        }),
        keys: b.keys,
    }
}

fn logs(mut b: Block) -> Logs {
    let access = b.block("access").map(|mut b| AccessLogs {
        enabled: b.flag("enabled"),
        bucket: b.text("bucket"),
        format: b.text("format"),
        prefix: b.text("prefix"),
        retention: b.seconds("retention"),
        object_lock: b.text("objectLock"),
    });
    let functions = b.block("functions").map(|mut b| FunctionLogs {
        level: b.text("level"),
        retention_days: b.text("retentionDays"),
    });
    Logs {
        kms_key_arn: b.text("kmsKeyArn"),
        access: access.unwrap_or_default(),
        functions: functions.unwrap_or_default(),
        audit: b.flag("audit"),
        audit_claims: b.texts("auditClaims"),
        keys: b.keys,
    }
}

fn deploy(mut b: Block) -> Deploy {
    Deploy {
        account: b.text("account"),
        region: b.text("region"),
        bucket: b.text("bucket"),
        tags: b.map("tags").unwrap_or_default(),
        termination_protection: b.flag("terminationProtection"),
        launch: b.text("launch"),
        keep: b.text("keep"),
    }
}
