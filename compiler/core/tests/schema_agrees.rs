//! The schema accepts what `compile` accepts and refuses what it refuses, for
//! manifests that are made from valid ones by one change each. What a schema
//! can't know is listed here, and each entry is shown to be needed.

use frames_compiler::diagnostic::Diagnostic;
use frames_compiler::world::Fixed;
use frames_compiler::{Source, Target, compile, manifest, syntax};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const DEV: Target = Target {
    env: "dev",
    chosen: false,
    allow_unsafe_overlay: false,
};

/// One key set beside the manifest.
fn beside() -> Fixed {
    Fixed::empty().file(
        "./jwks.json",
        include_bytes!("../../../tests/manifests/jwks.json"),
    )
}

/// Findings on what the schema accepts: the code, where, a part of the message, and a
/// manifest's part that shows it.
const ONLY_COMPILE: &[(&str, &str, &str, &str)] = &[
    // Several values of one list or mapping, or of two blocks.
    (
        "conflict",
        "auth.jwksUri",
        "",
        "{auth: {mode: oidc, audience: a, issuer: ['https://a.example.org', 'https://b.example.org'], jwksUri: 'https://a.example.org/k'}}",
    ),
    (
        "conflict",
        "auth.jwksFile",
        "",
        "{auth: {mode: oidc, audience: a, issuer: ['https://a.example.org', 'https://b.example.org'], jwksFile: ./jwks.json}}",
    ),
    (
        "unused-key",
        "auth.trustKeysFor",
        "",
        "{auth: {mode: oidc, audience: a, issuer: 'https://a.example.org', jwksFile: ./jwks.json, trustKeysFor: 1d}}",
    ),
    (
        "duplicate-value",
        "auth.issuer",
        "",
        "{auth: {mode: oidc, audience: a, issuer: ['https://a.example.org', 'https://a.example.org']}}",
    ),
    (
        "invalid-value",
        "auth.issuer",
        "",
        "{auth: {mode: oidc, audience: a, issuer: 'https://a.example.org:99999'}}",
    ),
    (
        "invalid-value",
        "auth.jwksUri",
        "",
        "{auth: {mode: oidc, audience: a, issuer: 'https://a.example.org', jwksUri: 'https://a.example.org:99999'}}",
    ),
    (
        "duplicate-value",
        "auth.access",
        "",
        "{auth: {mode: cognito, userPoolId: us-east-1_AbCdEfGhI, access: [{datastore: 012345678901234567890123456789ab}, {datastore: 012345678901234567890123456789ab}]}}",
    ),
    (
        "access-beyond-allow",
        "auth.access",
        "",
        "{auth: {mode: cognito, userPoolId: us-east-1_AbCdEfGhI, access: [{datastore: 012345678901234567890123456789ab}]}, iam: {allow: []}}",
    ),
    (
        "unused-key",
        "auth.access",
        "without DICOMweb",
        "{auth: {mode: cognito, userPoolId: us-east-1_AbCdEfGhI, access: [{datastore: 012345678901234567890123456789ab, studies: ['1.2']}]}}",
    ),
    (
        "unused-key",
        "auth.accessClaims.studies",
        "without DICOMweb",
        "{auth: {mode: cognito, userPoolId: us-east-1_AbCdEfGhI, accessClaims: {studies: s}}}",
    ),
    (
        "unused-key",
        "auth.access[",
        "`auth.accessClaims` has to allow the same",
        "{auth: {mode: cognito, userPoolId: us-east-1_AbCdEfGhI, access: [{datastore: 012345678901234567890123456789ab, imageSets: [aaaabbbbccccddddeeeeffff00001111]}], accessClaims: {studies: s, datastores: d}}, delivery: {dicomweb: true}}",
    ),
    (
        "unused-key",
        "delivery.dicomweb",
        "DICOMweb serves nobody anything",
        "{auth: {mode: cognito, userPoolId: us-east-1_AbCdEfGhI, accessClaims: {imageSets: i}}, delivery: {dicomweb: true}}",
    ),
    (
        "invalid-value",
        "auth.access",
        "64 at the most",
        "{auth: {mode: cognito, userPoolId: us-east-1_AbCdEfGhI, access: [{datastore: 012345678901234567890123456789ab, studies: ['1.22222222222222222222222222222222222222222222222222222222222222222222222222222222']}]}, delivery: {dicomweb: true}}",
    ),
    (
        "invalid-value",
        "auth.accessClaims",
        "names no claim",
        "{auth: {mode: cognito, userPoolId: us-east-1_AbCdEfGhI, accessClaims: {}}}",
    ),
    (
        "conflict",
        "logs.audit",
        "",
        "{auth: {mode: none}, logs: {audit: true}}",
    ),
    (
        "unused-key",
        "logs.auditClaims",
        "",
        "{auth: {mode: cognito, userPoolId: us-east-1_AbCdEfGhI}, logs: {auditClaims: [email]}}",
    ),
    (
        "duplicate-value",
        "logs.auditClaims",
        "",
        "{auth: {mode: cognito, userPoolId: us-east-1_AbCdEfGhI}, logs: {audit: true, auditClaims: [sub, sub]}}",
    ),
    (
        "conflict",
        "delivery.cors.origins",
        "",
        "{delivery: {cors: {origins: ['*', 'https://a.example.org']}}}",
    ),
    (
        "duplicate-datastore",
        "iam.allow",
        "",
        "{iam: {allow: [{datastore: 012345678901234567890123456789ab}, {datastore: 012345678901234567890123456789ab}]}}",
    ),
    (
        "duplicate-value",
        "delivery.geo",
        "",
        "{delivery: {geo: {allow: [US, US]}}}",
    ),
    (
        "duplicate-value",
        "deploy.tags",
        "",
        "{deploy: {tags: {team: a, Team: b}}}",
    ),
    (
        "duplicate-value",
        "domain.cnames",
        "",
        "{domain: {cnames: [a.example.org, A.example.org], certificateArn: 'arn:aws:acm:us-east-1:111122223333:certificate/5f9f2a0e-7d3c-4e0f-9a52-0d6d4f0f9b11'}}",
    ),
    (
        "endpoint-conflict",
        "healthImaging",
        "",
        "{healthImaging: {region: us-west-2, endpoint: runtime-medical-imaging.us-east-1.amazonaws.com}}",
    ),
    (
        "unused-key",
        "delivery.cache.ttl",
        "",
        "{delivery: {cache: {ttl: 2h}}}",
    ),
    (
        "unused-key",
        "delivery.cors.credentials",
        "",
        "{delivery: {cors: {origins: [], credentials: true}}}",
    ),
    (
        "unused-key",
        "logs.access",
        "",
        "{logs: {access: {bucket: mine, retention: 30d}}}",
    ),
    (
        "conflict",
        "delivery.webAcl",
        "",
        "{delivery: {webAcl: none, webAclArn: 'arn:aws:wafv2:us-east-1:111122223333:global/webacl/frames/5f9f2a0e-7d3c-4e0f-9a52-0d6d4f0f9b11'}, environments: {dev: {}}}",
    ),
    (
        "unused-key",
        "resources.logs",
        "",
        "{resources: {logs: {Outputs: {}}}}",
    ),
    (
        "unused-key",
        "delivery.rateLimit",
        "",
        "{delivery: {webAcl: none, rateLimit: 5000}}",
    ),
    (
        "unused-key",
        "iam.allow[0].",
        "without DICOMweb",
        "{iam: {allow: [{datastore: 012345678901234567890123456789ab, studies: ['1.2']}]}}",
    ),
    (
        "duplicate-value",
        "iam.allow[0].",
        "",
        "{delivery: {dicomweb: true}, iam: {allow: [{datastore: 012345678901234567890123456789ab, series: ['1.2', '1.2']}]}}",
    ),
    (
        "conflict",
        "auth.scopes",
        "id tokens have none",
        "{auth: {mode: cognito, userPoolId: us-east-1_AbCdEfGhI, tokenUse: id, scopes: [a]}}",
    ),
    // What no server can be at.
    (
        "invalid-value",
        "auth.issuer",
        "a port is a number",
        "{auth: {mode: oidc, issuer: 'https://a.example.org:99999', audience: a}}",
    ),
    (
        "invalid-value",
        "auth.jwksUri",
        "an IPv6 address",
        "{auth: {mode: oidc, issuer: 'https://a.example.org', audience: a, jwksUri: 'https://[1.2.3]/'}}",
    ),
    // Another file; a reference's value; the rendered template.
    (
        "jwks-file",
        "auth.jwksFile",
        "",
        "{auth: {mode: oidc, issuer: 'https://a.example.org', audience: a, jwksFile: ./none.json}}",
    ),
    (
        "variable",
        "service",
        "",
        "{service: '${env:NOBODY_SET_THIS}'}",
    ),
    (
        "unsafe-overlay",
        "resources.cdn",
        "",
        "{resources: {cdn: {Resources: {Distribution: {Properties: {DistributionConfig: {DefaultCacheBehavior: {ViewerProtocolPolicy: allow-all}}}}}}}}",
    ),
    (
        "invalid-overlay",
        "resources.cdn",
        "",
        "{resources: {cdn: {Outputs: []}}}",
    ),
    (
        "invalid-overlay",
        "resources.lambda-edge",
        "",
        "{resources: {lambda-edge: {Outputs: {A: {Description: x}}}}}",
    ),
    // A pattern can't weigh a number with its unit, nor count the digits of a number.
    (
        "invalid-value",
        "delivery.cache.ttl",
        "out of bounds",
        "{delivery: {dicomweb: true, cache: {ttl: 366d}}}",
    ),
    (
        "invalid-value",
        "delivery.cache.browser",
        "out of bounds",
        "{delivery: {cache: {browser: 366d}}}",
    ),
    (
        "invalid-value",
        "logs.access.retention",
        "out of bounds",
        "{logs: {access: {retention: 3651d}}}",
    ),
    (
        "invalid-value",
        "auth.access",
        "isn't a data store's id",
        "{auth: {mode: cognito, userPoolId: us-east-1_AbCdEfGhI, access: [{datastore: 5}]}}",
    ),
    (
        "invalid-value",
        "auth.access",
        "isn't an image set's id",
        "{auth: {mode: cognito, userPoolId: us-east-1_AbCdEfGhI, access: [{datastore: 12345678901234567890123456789012, imageSets: [5]}]}}",
    ),
    (
        "invalid-value",
        "iam.allow[0].datastore",
        "`5`",
        "{iam: {allow: [{datastore: 5}]}}",
    ),
    (
        "invalid-value",
        "iam.allow[0].imageSets",
        "`5`",
        "{iam: {allow: [{datastore: 012345678901234567890123456789ab, imageSets: [5]}]}}",
    ),
    (
        "invalid-value",
        "delivery.rateLimit",
        "`5`",
        "{delivery: {rateLimit: 5}}",
    ),
    (
        "invalid-value",
        "iam.allow[0].studies",
        "`5`",
        "{delivery: {dicomweb: true}, iam: {allow: [{datastore: 012345678901234567890123456789ab, studies: [5]}]}}",
    ),
    (
        "invalid-value",
        "iam.allow[0].series",
        "`5`",
        "{delivery: {dicomweb: true}, iam: {allow: [{datastore: 012345678901234567890123456789ab, series: [5]}]}}",
    ),
    (
        "invalid-value",
        "deploy.account",
        "`5`",
        "{deploy: {account: 5}}",
    ),
    (
        "invalid-value",
        "deploy.bucket",
        "`5`",
        "{deploy: {bucket: 5}}",
    ),
    (
        "invalid-value",
        "logs.access.bucket",
        "`5`",
        "{logs: {access: {bucket: 5}}}",
    ),
    (
        "not-healthimaging",
        "healthImaging.endpoint",
        "`5`",
        "{healthImaging: {endpoint: 5}}",
    ),
    // What is required may stand in any environment.
    (
        "missing-key",
        "",
        "",
        "{auth: {mode: cognito}, environments: {dev: {}}}",
    ),
    (
        "certificate-missing",
        "",
        "",
        "{domain: {cnames: [a.example.org]}, environments: {dev: {}}}",
    ),
];

/// What the schema refuses though it compiles, and why.
const ONLY_SCHEMA: &[&str] = &[
    // A key of the user's own, which a `${self:…}` names, without the `x-`.
    "{name: x, service: '${self:name}', auth: {mode: none}}",
    // An unquoted truth value as a text: were it allowed, every text would complete to `true`.
    "{service: true, auth: {mode: none}}",
    // A wrong value that the chosen environment replaces.
    "{service: x, auth: 5, environments: {dev: {auth: {mode: none}}}}",
];

const VALID: &[&str] = &[
    "{service: x, auth: {mode: none}, domain: {cnames: [a.example.org], hostedZoneId: Z0123}, iam: {path: /imaging/, allow: [{datastore: 12345678901234567890123456789012, studies: ['1.2.3'], series: ['1.2.3.4']}]}, delivery: {dicomweb: true, webAcl: managed, rateLimit: 5000}}",
    "{service: x, auth: {mode: none}, delivery: {webAcl: none}, alarms: {topicArn: 'arn:aws:sns:us-east-1:111122223333:t'}, logs: {kmsKeyArn: 'arn:aws:kms:us-east-1:111122223333:key/5f9f2a0e-7d3c-4e0f-9a52-0d6d4f0f9b11', access: {format: parquet, objectLock: compliance}}}",
    "{service: x, auth: {mode: none}}",
    "{service: x, auth: {mode: cognito, userPoolId: us-east-1_AbCdEfGhI, clientIds: [abc, 123], tokenUse: any, scopes: [a/b], groups: [g, 7], groupsClaim: roles, tokenSources: [header]}}",
    "{service: x, auth: {mode: cognito, userPoolId: us-east-1_AbCdEfGhI, access: [{groups: [cardiology, 7], datastore: 12345678901234567890123456789012, studies: ['1.2.3']}, {datastore: 12345678901234567890123456789013, imageSets: [aaaabbbbccccddddeeeeffff00001111]}], accessClaims: {studies: imaging/studies, datastores: d, imageSets: i}}, delivery: {dicomweb: true}, logs: {audit: true, auditClaims: [sub, email], functions: {retentionDays: 2192}}}",
    "{service: x, auth: {mode: oidc, issuer: 'https://a.example.org/', audience: a, jwksUri: 'https://a.example.org/k', algorithms: [RS256, RS512]}}",
    "{service: x, auth: {mode: oidc, issuer: 'https://a.example.org/', audience: [a, 5], jwksFile: ./jwks.json}}",
    "{service: x, auth: {mode: oidc, issuer: 'https://a.example.org/', audience: 5}}",
    "{service: x, auth: {mode: oidc, issuer: ['https://a.example.org/', accounts.google.com], audience: a, jwksUri: ['https://a.example.org/k', 'https://b.example.org/k'], clientIds: [a-b], trustKeysFor: 1d}}",
    "{service: x, healthImaging: {region: eu-west-1}, auth: {mode: none}}",
    "{service: x, healthImaging: {endpoint: runtime-medical-imaging.eu-west-1.amazonaws.com}, auth: {mode: none}}",
    "{service: x, auth: {mode: none}, domain: {cnames: [a.example.org], certificateArn: 'arn:aws:acm:us-east-1:111122223333:certificate/5f9f2a0e-7d3c-4e0f-9a52-0d6d4f0f9b11', hostedZoneId: Z0123, securityPolicy: TLSv1.3_2025}}",
    "{service: x, auth: {mode: none}, iam: {allow: [{datastore: 12345678901234567890123456789012, imageSets: [aaaabbbbccccddddeeeeffff00001111]}], permissionsBoundaryArn: 'arn:aws:iam::111122223333:policy/b'}}",
    "{service: x, auth: {mode: none}, delivery: {dicomweb: true, cache: {ttl: 0s, browser: 1h}, cors: {origins: ['http://localhost:3000'], credentials: true}, priceClass: 200, http3: false, originShield: us-east-1, geo: {deny: [NO]}}}",
    "{service: x, auth: {mode: none}, delivery: {priceClass: all, webAclArn: 'arn:aws:wafv2:us-east-1:111122223333:global/webacl/frames/5f9f2a0e-7d3c-4e0f-9a52-0d6d4f0f9b11', geo: {allow: [US, CA]}}}",
    "{service: x, auth: {mode: none}, logs: {access: {enabled: true, bucket: managed, prefix: a/b/, retention: 30d}, functions: {level: info, retentionDays: 14}}}",
    "{service: x, auth: {mode: none}, deploy: {account: 111122223333, region: eu-west-1, bucket: zips, tags: {team: a, cost: 007, phi: true}, terminationProtection: true}}",
    "{service: x, auth: {mode: none}, resources: {cdn: {Outputs: {A: {Value: b}}}, lambda-edge: {}}}",
    "{service: x, auth: {mode: none}, environments: {prod: {auth: {mode: none}, logs: {functions: {level: warn}}}}}",
    "{service: '${env:NAME, ''x''}', auth: {mode: '${opt:mode, none}'}, delivery: {http3: '${env:HTTP3, true}'}}",
    // Keys of the user's own.
    "{service: x, auth: {mode: none}, x-names: {dev: x, prod: [1]}, environments: {prod: {x-names: {prod: y}}}}",
    // What the rest lacks, the environment has.
    "{auth: {mode: cognito}, domain: {cnames: [a.example.org]}, environments: {dev: {service: x, auth: {userPoolId: us-east-1_AbCdEfGhI}, domain: {certificateArn: 'arn:aws:acm:us-east-1:111122223333:certificate/5f9f2a0e-7d3c-4e0f-9a52-0d6d4f0f9b11'}}}}",
    "{environments: {dev: {service: x, auth: {mode: none}}}}",
    // `null` takes a key away, in whichever environment; a list is replaced as a whole.
    "{service: x, auth: {mode: none}, delivery: {http3: false, webAcl: none}, deploy: {tags: {a: b}}, environments: {test: {delivery: {webAcl: null, geo: null}, deploy: {tags: {a: null}}, iam: null}, prod: {delivery: {http3: null}, resources: {cdn: null}}}}",
    "{service: x, auth: {mode: none}, environments: {dev: null, prod: {}}}",
    // Nothing behind a key is an empty section.
    "{service: x, auth: {mode: none}, delivery: null, logs: {access: null}, deploy: {tags: null}, domain: null, environments: null, resources: {cdn: null}}",
    // What a variable brings in.
    "{service: x, auth: {mode: none}, delivery: {cors: {origins: '${opt:o, ''https://a.example.org,https://b.example.org''}'}}}",
    // Other forms of a value.
    "{service: x, auth: {mode: none}, domain: {cnames: [a.example.org], hostedZoneId: /hostedzone/Z0123}, delivery: {cors: {origins: ['https://*.example.org']}}}",
];

/// What a variable brings in, for `<<` or as environments, isn't in the text that a schema gets:
/// the changes below would say nothing.
const MERGED: &[&str] = &[
    "{x-e: {prod: {service: y}}, service: x, auth: {mode: none}, environments: '${self:x-e}'}",
    "{x-a: {mode: none}, x-e: {prod: {service: y}}, service: x, auth: {<<: '${self:x-a}'}, environments: '${self:x-e}'}",
    "{x-a: {service: x, auth: {mode: none}}, <<: '${self:x-a}'}",
    // Required keys, and keys that need each other, in each mapping.
    "{service: x, auth: {mode: none}, x-row: {datastore: 12345678901234567890123456789012}, iam: {allow: [{<<: '${self:x-row}'}, {<<: ['${self:x-row}'], datastore: 12345678901234567890123456789013}]}}",
    "{service: x, auth: {mode: none}, x-t: {topicArn: 'arn:aws:sns:us-east-1:111122223333:t'}, alarms: {<<: '${self:x-t}'}}",
    "{service: x, auth: {mode: none}, x-d: {certificateArn: 'arn:aws:acm:us-east-1:111122223333:certificate/5f9f2a0e-7d3c-4e0f-9a52-0d6d4f0f9b11'}, domain: {<<: '${self:x-d}', cnames: [a.example.org]}}",
    "{service: x, auth: {mode: none}, x-d: {cnames: [a.example.org]}, domain: {<<: '${self:x-d}', hostedZoneId: Z0123}}",
    "{service: x, auth: {mode: none}, x-g: {allow: [US]}, delivery: {geo: {<<: '${self:x-g}', allow: [CA]}}}",
    "{service: x, auth: {mode: none}, x-d: {http3: false}, x-e: {delivery: {http3: true}}, delivery: {<<: ['${self:x-d}'], cors: {origins: '${opt:o, ''https://a.example.org,https://b.example.org''}'}}, environments: {dev: '${self:x-e}', prod: {delivery: {<<: '${self:x-d}'}}}}",
];

/// Rules that no change below meets.
const INVALID: &[&str] = &[
    "{}",
    "[]",
    "x",
    "{service: x, auth: {mode: cognito, userPoolId: us-east-1_AbCdEfGhI, issuer: 'https://a.example.org'}}",
    "{service: x, auth: {mode: none, scopes: [a]}}",
    "{service: x, auth: {mode: none}, delivery: {geo: {allow: [US], deny: [CA]}}}",
    "{service: x, auth: {mode: none}, delivery: {webAcl: none, webAclArn: 'arn:aws:wafv2:us-east-1:111122223333:global/webacl/frames/5f9f2a0e-7d3c-4e0f-9a52-0d6d4f0f9b11'}}",
    "{service: x, auth: {mode: none}, alarms: {}}",
    "{service: x, auth: {mode: none}, iam: {allow: [{}]}}",
    "{service: x, auth: {mode: none}, iam: {allow: [{imageSets: [aaaabbbbccccddddeeeeffff00001111]}]}}",
    "{service: x, auth: {mode: none}, x-t: {unknown: 1}, alarms: {<<: '${self:x-t}', unknown: 1}}",
    "{service: x, auth: {mode: none}, alarms: {topicArn: 'arn:aws:sns:eu-west-1:111122223333:t'}}",
    "{service: x, auth: {mode: none}, logs: {kmsKeyArn: 'arn:aws:kms:eu-west-1:111122223333:key/5f9f2a0e-7d3c-4e0f-9a52-0d6d4f0f9b11'}}",
    "{service: x, auth: {mode: none}, deploy: {tags: {'Aws:team': x}}}",
    "{service: x, auth: {mode: none}, environments: {prod: {environments: {}}}}",
    "{service: x, auth: {mode: none}, environments: {prod: {unknown: null}}}",
    "{service: x, auth: {mode: none}, environments: {dev: {unknown: null}}}",
    "{service: x, auth: {mode: none}, environments: {prod: {domain: {cnames: [null]}}}}",
    "{service: x, auth: null}",
    "{service: x, auth: {mode: none}, alarms: null}",
    "{service: x, auth: {mode: none}, delivery: {geo: null}}",
    "{service: x, auth: {mode: none}, delivery: {http3: null}}",
    "{service: x, auth: {mode: none}, environments: {prod: [auth]}}",
    "{service: x, auth: {mode: none}, healthImaging: {endpoint: medical-imaging.eu-west-1.amazonaws.com}}",
    "{service: x, auth: {mode: none}, domain: {cnames: [a.example.org], certificateArn: 'arn:aws:acm:eu-west-1:111122223333:certificate/5f9f2a0e-7d3c-4e0f-9a52-0d6d4f0f9b11'}}",
    "{service: x, auth: {mode: none}, delivery: {webAclArn: 'arn:aws:wafv2:us-east-1:111122223333:regional/webacl/frames/5f9f2a0e-7d3c-4e0f-9a52-0d6d4f0f9b11'}}",
];

struct Verdict {
    schema: bool,
    errors: Vec<Diagnostic>,
}

fn verdict(validator: &jsonschema::Validator, text: &str) -> Verdict {
    let source = Source::new("frames.yml", text);
    let (node, found) = syntax::parse(&source);
    assert!(found.is_empty(), "{text}: {found:#?}");
    let found = compile(&source, DEV, &beside()).diagnostics;
    Verdict {
        schema: validator.is_valid(&node.unwrap().to_json()),
        errors: found.into_iter().filter(Diagnostic::is_error).collect(),
    }
}

fn validator() -> jsonschema::Validator {
    jsonschema::draft7::new(&manifest::schema()).unwrap()
}

fn excepted(finding: &Diagnostic, manifest: &str) -> bool {
    ONLY_COMPILE.iter().any(|(code, path, message, part)| {
        let for_environments = part.contains("environments");
        finding.code.name == *code
            && finding.path.starts_with(path)
            && finding.message.contains(message)
            && (!for_environments || manifest.contains("\"environments\""))
    })
}

fn json_of(text: &str) -> Value {
    syntax::parse(&Source::new("frames.yml", text))
        .0
        .unwrap()
        .to_json()
}

/// Every place in a value, as JSON pointers.
fn places(value: &Value, at: &str, all: &mut Vec<String>) {
    all.push(at.to_owned());
    match value {
        Value::Object(map) => map
            .iter()
            .for_each(|(key, v)| places(v, &format!("{at}/{key}"), all)),
        Value::Array(items) => {
            let numbered = items.iter().enumerate();
            numbered.for_each(|(i, v)| places(v, &format!("{at}/{i}"), all));
        }
        _ => {}
    }
}

/// One change each: another type, a text out of every pattern, a key more, a key less.
fn changed(valid: &Value) -> Vec<Value> {
    let mut all = Vec::new();
    places(valid, "", &mut all);
    let mut changed = Vec::new();
    for place in &all {
        let mut with = |change: &dyn Fn(&mut Value)| {
            let mut copy = valid.clone();
            change(copy.pointer_mut(place).unwrap());
            changed.push(copy);
        };
        for other in [
            json!(null),
            json!([]),
            json!({}),
            json!([[1]]),
            json!("\t no such value;"),
            json!(""),
            json!(5),
        ] {
            with(&|value| *value = other.clone());
        }
        with(&|value| {
            if let Value::Object(map) = value {
                map.insert("unknown-key".into(), json!({"a": 1}));
            }
        });
        let Some((parent, key)) = place.rsplit_once('/') else {
            continue;
        };
        let mut less = valid.clone();
        match less.pointer_mut(parent).unwrap() {
            Value::Object(map) => {
                map.remove(key);
            }
            Value::Array(items) => {
                items.remove(key.parse().unwrap());
            }
            _ => unreachable!("a parent has children"),
        }
        changed.push(less);
    }
    changed
}

#[test]
fn the_schema_accepts_what_compiles() {
    let validator = validator();
    for text in VALID.iter().chain(MERGED) {
        let verdict = verdict(&validator, text);
        assert!(verdict.errors.is_empty(), "{text}: {:#?}", verdict.errors);
        let refusals: Vec<_> = validator
            .iter_errors(&json_of(text))
            .map(|e| e.to_string())
            .collect();
        assert!(verdict.schema, "{text}: {refusals:#?}");
    }
}

#[test]
fn the_schema_refuses_what_does_not_compile() {
    let validator = validator();
    for text in INVALID {
        let verdict = verdict(&validator, text);
        assert!(!verdict.errors.is_empty(), "{text} compiles");
        assert!(!verdict.schema, "{text}: the schema accepts it");
    }
}

#[test]
fn every_change_gets_the_same_verdict() {
    let validator = validator();
    let texts: BTreeSet<String> = VALID
        .iter()
        .flat_map(|text| changed(&json_of(text)))
        .map(|value| value.to_string())
        .collect();
    let mut tally = [0, 0];
    let mut differ = Vec::new();
    for text in &texts {
        let Verdict { schema, errors } = verdict(&validator, text);
        let known = errors.iter().all(|e| excepted(e, text));
        tally[usize::from(known)] += 1;
        let agree = if schema { known } else { !errors.is_empty() };
        if !agree {
            let found: Vec<_> = errors
                .iter()
                .map(|e| format!("{} {}: {}", e.code.name, e.path, e.message))
                .collect();
            differ.push(format!("schema {schema}: {text}: {found:?}"));
        }
    }
    assert!(
        differ.is_empty(),
        "{} of {}:\n{}",
        differ.len(),
        texts.len(),
        differ.join("\n")
    );
    assert!(tally.iter().all(|count| *count > 60), "{tally:?}");
}

#[test]
fn every_exception_is_one() {
    let validator = validator();
    for (code, path, message, part) in ONLY_COMPILE {
        let mut whole = json_of("{service: x, auth: {mode: none}}");
        let Value::Object(part) = json_of(part) else {
            panic!("{part}");
        };
        whole.as_object_mut().unwrap().extend(part);
        let text = whole.to_string();
        let Verdict { schema, errors } = verdict(&validator, &text);
        assert!(schema, "the schema knows: {text}");
        assert!(
            !errors.is_empty()
                && errors.iter().all(|e| e.code.name == *code
                    && e.path.starts_with(path)
                    && e.message.contains(message)),
            "{text}: {errors:#?}"
        );
    }
    for text in ONLY_SCHEMA {
        let Verdict { schema, errors } = verdict(&validator, text);
        assert!(!schema && errors.is_empty(), "{text}: {errors:#?}");
    }
}
