//! Manifests by the dozen: each takes one of several values for every key, by a
//! fixed sequence of numbers, so that a failure is the same everywhere.

use super::root;
use frames_compiler::plan::Artifact;
use frames_compiler::world::Fixed;
use frames_compiler::{Source, Target, compile, template};
use std::fs;
use std::path::{Path, PathBuf};

/// A manifest, and what it compiles to.
pub struct Compiled {
    pub name: String,
    pub text: String,
    pub templates: Vec<template::Template>,
}

impl Compiled {
    /// Writes the templates into `directory`, each with its name.
    pub fn write(&self, directory: &Path) -> Vec<PathBuf> {
        let paths = self.templates.iter().map(|template| {
            let path = directory.join(format!("{}.{}", self.name, template.file_name()));
            fs::write(&path, &template.text).unwrap();
            path
        });
        paths.collect()
    }
}

/// `None` where the manifest has errors.
pub fn compiled(name: &str, text: &str) -> Option<Compiled> {
    let target = Target {
        env: "dev",
        chosen: false,
        allow_unsafe_overlay: false,
    };
    let keys = include_bytes!("../manifests/jwks.json");
    let beside = Fixed::empty().file("./jwks.json", keys);
    let plan = compile(&Source::new("frames.yml", text), target, &beside).plan?;
    let artifacts: Vec<Artifact> = plan
        .functions()
        .map(|function| Artifact {
            function: function.name.to_owned(),
            sha256: "5".repeat(64),
            bytes: 400_000,
        })
        .collect();
    Some(Compiled {
        name: name.to_owned(),
        text: text.to_owned(),
        templates: template::render(&plan, &artifacts).unwrap(),
    })
}

/// The manifests of `tests/manifests/`, and the example.
pub fn written() -> Vec<Compiled> {
    let files = fs::read_dir(root().join("tests/manifests")).unwrap();
    let mut paths: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    paths.push(root().join("frames.yml"));
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "yml"));
    paths.sort();
    paths
        .iter()
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy();
            compiled(&name, &fs::read_to_string(path).unwrap()).unwrap_or_else(|| panic!("{name}"))
        })
        .collect()
}

/// So many valid manifests, no two the same.
pub fn generated(count: usize) -> Vec<Compiled> {
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let mut found: Vec<Compiled> = Vec::new();
    let mut tries = 0;
    while found.len() < count {
        tries += 1;
        assert!(tries < 3 * count, "most of them are valid: {tries}");
        let text = manifest(&mut numbers);
        let fresh = found.iter().all(|other| other.text != text);
        let name = format!("generated-{:03}", found.len());
        found.extend(compiled(&name, &text).filter(|_| fresh));
    }
    found
}

/// Marsaglia's xorshift.
struct Numbers(u64);

impl Numbers {
    fn one_of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        choices[usize::try_from(self.0 >> 33).unwrap() % choices.len()]
    }

    /// `{a: x, c: y}` of the keys that aren't left out.
    fn block(&mut self, keys: &[&[&str]]) -> String {
        let chosen: Vec<&str> = keys.iter().map(|choices| self.one_of(choices)).collect();
        let written: Vec<&str> = chosen.into_iter().filter(|key| !key.is_empty()).collect();
        format!("{{{}}}", written.join(", "))
    }
}

const CERTIFICATE: &str = "certificateArn: 'arn:aws:acm:us-east-1:111122223333:certificate/5f9f2a0e-7d3c-4e0f-9a52-0d6d4f0f9b11'";

fn manifest(numbers: &mut Numbers) -> String {
    let service = numbers.one_of(&["x", "image-frames", "A-name-of-32-letters-and-hyphens"]);
    let auth = numbers.one_of(&[
        "{mode: none}",
        "{mode: cognito, userPoolId: us-east-1_AbCdEfGhI}",
        "{mode: cognito, userPoolId: eu-west-1_AbCdEfGhI, clientIds: [abc], tokenUse: any, scopes: [a/b], groups: [g], tokenSources: [query]}",
        "{mode: oidc, issuer: 'https://a.example.org/', audience: [a, b], algorithms: [RS256, RS512], jwksFile: ./jwks.json}",
        "{mode: oidc, issuer: 'https://a.example.org/', audience: a, access: [{groups: [g], datastore: 12345678901234567890123456789012}], accessClaims: {datastores: imaging/datastores}}",
    ]);
    let origin = numbers.one_of(&[
        "{}",
        "{region: us-west-2}",
        "{endpoint: runtime-medical-imaging.eu-west-2.amazonaws.com}",
    ]);
    let own = format!("{{cnames: [a.example.org], {CERTIFICATE}}}");
    let zone = format!(
        "{{cnames: [a.example.org, '*.b.example.org'], {CERTIFICATE}, hostedZoneId: Z0123, securityPolicy: TLSv1.3_2025}}"
    );
    let domain = numbers.one_of(&[
        "",
        &own,
        &zone,
        "{cnames: [a.example.org], hostedZoneId: Z0123}",
        "{cnames: ['*.example.org', example.org, b.example.net], hostedZoneId: Z0123}",
    ]);
    let text = format!(
        "service: {service}\nauth: {auth}\nhealthImaging: {origin}\niam: {}\ndelivery: {}\nlogs: {}\ndeploy: {}\n",
        iam(numbers),
        delivery(numbers),
        logs(numbers),
        numbers.block(&[
            &["", "", "region: us-east-1", "region: eu-west-1"],
            &["", "bucket: my-zips"],
            &["", "tags: {team: imaging, 'data class': PHI}"],
            &["", "terminationProtection: true"],
        ]),
    );
    let rest = numbers.one_of(&[
        "",
        "",
        "alarms: {topicArn: 'arn:aws:sns:us-east-1:111122223333:imaging'}\n",
        "resources: {cdn: {Outputs: {Zone: {Value: Z2FDTNDATAQYW2}}}}\n",
    ]);
    match domain {
        "" => format!("{text}{rest}"),
        domain => format!("{text}domain: {domain}\n{rest}"),
    }
}

fn iam(numbers: &mut Numbers) -> String {
    let store = "datastore: 12345678901234567890123456789012";
    let sets: Vec<String> = (0..150).map(|i| format!("{i:032}")).collect();
    let many = format!("allow: [{{{store}, imageSets: [{}]}}]", sets.join(", "));
    let whole = format!("allow: [{{{store}}}]");
    let sets = format!("allow: [{{{store}, imageSets: [aaaabbbbccccddddeeeeffff00001111]}}]");
    let studies = format!(
        "allow: [{{{store}, studies: [1.2.3, 1.2.4], series: [1.2.3.1]}}, {{datastore: abcdefghijabcdefghijabcdefghijab}}]"
    );
    numbers.block(&[
        &["", "allow: []", &whole, &sets, &many, &studies],
        &["", "path: /imaging/frames/"],
        &[
            "",
            "permissionsBoundaryArn: 'arn:aws:iam::111122223333:policy/boundary'",
        ],
    ])
}

fn delivery(numbers: &mut Numbers) -> String {
    numbers.block(&[
        &["dicomweb: true", "dicomweb: true", "dicomweb: false"],
        &["", "", "cache: {ttl: 0s}", "cache: {ttl: 30d}", "cache: {browser: 1h}"],
        &[
            "",
            "cors: {origins: []}",
            "cors: {origins: ['https://a.example.org', 'http://localhost:3000'], credentials: true}",
        ],
        &["", "priceClass: 100", "priceClass: 200"],
        &["", "http3: false"],
        &["", "originShield: eu-west-1"],
        &[
            "",
            "webAcl: managed",
            "webAcl: managed, rateLimit: 2000",
            "webAcl: none",
            "webAclArn: 'arn:aws:wafv2:us-east-1:111122223333:global/webacl/frames/5f9f2a0e-7d3c-4e0f-9a52-0d6d4f0f9b11'",
        ],
        &["", "geo: {allow: [US, CA]}", "geo: {deny: [KP]}"],
        &["", "metadata: true"],
        &["", "", "cachedReads: true"],
    ])
}

fn logs(numbers: &mut Numbers) -> String {
    let access = numbers.block(&[
        &["", "", "", "enabled: true", "enabled: false"],
        &["", "format: parquet"],
        &["", "prefix: hospital/frames/"],
        &[
            "",
            "bucket: imaging-access-logs",
            "retention: 30d",
            "retention: 3650d, objectLock: compliance",
            "objectLock: governance",
        ],
    ]);
    let access = format!("access: {access}");
    numbers.block(&[
        &[&access],
        &[
            "",
            "kmsKeyArn: 'arn:aws:kms:us-east-1:111122223333:key/5f9f2a0e-7d3c-4e0f-9a52-0d6d4f0f9b11'",
        ],
        &["", "functions: {level: info, retentionDays: 365}"],
        &["", "", "audit: true", "audit: true, auditClaims: [sub]"],
    ])
}
