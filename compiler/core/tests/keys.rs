//! Every key of frames.yml makes a difference, and docs/resources.md says which:
//! the page is what comes out of comparing the stacks of two manifests a key.
//! `FRAMES_BLESS=1` rewrites it; without it, drift is a failure.

use frames_compiler::names;
use frames_compiler::plan::Artifact;
use frames_compiler::template::PlanFile;
use frames_compiler::world::Fixed;
use frames_compiler::{Source, Target, compile, manifest, template};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::OnceLock;

/// A key, a manifest's part without it or with another value, and one with it.
const CASES: &[(&str, &str, &str)] = &[
    ("service", "", "service: y"),
    (
        "healthImaging.region",
        "",
        "healthImaging: {region: us-west-2}",
    ),
    (
        "healthImaging.endpoint",
        "",
        "healthImaging: {endpoint: runtime-medical-imaging.eu-west-1.amazonaws.com}",
    ),
    (
        "auth.mode",
        "auth: {mode: none}",
        "auth: {mode: cognito, userPoolId: us-east-1_AbCdEfGhI}",
    ),
    (
        "auth.userPoolId",
        COGNITO,
        "auth: {mode: cognito, userPoolId: us-east-1_Other}",
    ),
    (
        "auth.clientIds",
        COGNITO,
        "auth: {mode: cognito, userPoolId: us-east-1_AbCdEfGhI, clientIds: [abc]}",
    ),
    (
        "auth.tokenUse",
        COGNITO,
        "auth: {mode: cognito, userPoolId: us-east-1_AbCdEfGhI, tokenUse: id}",
    ),
    (
        "auth.issuer",
        OIDC,
        "auth: {mode: oidc, issuer: 'https://b.example.org', audience: a}",
    ),
    (
        "auth.audience",
        OIDC,
        "auth: {mode: oidc, issuer: 'https://a.example.org', audience: [a, b]}",
    ),
    (
        "auth.jwksUri",
        OIDC,
        "auth: {mode: oidc, issuer: 'https://a.example.org', audience: a, jwksUri: 'https://a.example.org/keys'}",
    ),
    (
        "auth.trustKeysFor",
        COGNITO,
        "auth: {mode: cognito, userPoolId: us-east-1_AbCdEfGhI, trustKeysFor: 36h}",
    ),
    (
        "auth.algorithms",
        OIDC,
        "auth: {mode: oidc, issuer: 'https://a.example.org', audience: a, algorithms: [RS512]}",
    ),
    (
        "auth.scopes",
        COGNITO,
        "auth: {mode: cognito, userPoolId: us-east-1_AbCdEfGhI, scopes: [frames/read]}",
    ),
    (
        "auth.access",
        COGNITO,
        "auth: {mode: cognito, userPoolId: us-east-1_AbCdEfGhI, access: [{datastore: 12345678901234567890123456789012}]}",
    ),
    (
        "auth.access[].groups",
        "auth: {mode: cognito, userPoolId: us-east-1_AbCdEfGhI, access: [{datastore: 12345678901234567890123456789012}]}",
        "auth: {mode: cognito, userPoolId: us-east-1_AbCdEfGhI, access: [{datastore: 12345678901234567890123456789012, groups: [cardiology]}]}",
    ),
    (
        "auth.access[].datastore",
        "auth: {mode: cognito, userPoolId: us-east-1_AbCdEfGhI, access: [{datastore: 12345678901234567890123456789012}]}",
        "auth: {mode: cognito, userPoolId: us-east-1_AbCdEfGhI, access: [{datastore: abcdefghijabcdefghijabcdefghijab}]}",
    ),
    (
        "auth.access[].imageSets",
        "auth: {mode: cognito, userPoolId: us-east-1_AbCdEfGhI, access: [{datastore: 12345678901234567890123456789012}]}",
        "auth: {mode: cognito, userPoolId: us-east-1_AbCdEfGhI, access: [{datastore: 12345678901234567890123456789012, imageSets: [aaaabbbbccccddddeeeeffff00001111]}]}",
    ),
    (
        "auth.access[].studies",
        "auth: {mode: cognito, userPoolId: us-east-1_AbCdEfGhI, access: [{datastore: 12345678901234567890123456789012}]}\ndelivery: {dicomweb: true}",
        "auth: {mode: cognito, userPoolId: us-east-1_AbCdEfGhI, access: [{datastore: 12345678901234567890123456789012, studies: [1.2.840.1]}]}\ndelivery: {dicomweb: true}",
    ),
    (
        "auth.accessClaims.datastores",
        COGNITO,
        "auth: {mode: cognito, userPoolId: us-east-1_AbCdEfGhI, accessClaims: {datastores: imaging/datastores}}",
    ),
    (
        "auth.accessClaims.imageSets",
        COGNITO,
        "auth: {mode: cognito, userPoolId: us-east-1_AbCdEfGhI, accessClaims: {imageSets: imaging/imageSets}}",
    ),
    (
        "auth.accessClaims.studies",
        "auth: {mode: cognito, userPoolId: us-east-1_AbCdEfGhI}\ndelivery: {dicomweb: true}",
        "auth: {mode: cognito, userPoolId: us-east-1_AbCdEfGhI, accessClaims: {studies: imaging/studies}}\ndelivery: {dicomweb: true}",
    ),
    (
        "auth.groups",
        COGNITO,
        "auth: {mode: cognito, userPoolId: us-east-1_AbCdEfGhI, groups: [radiology]}",
    ),
    (
        "auth.groupsClaim",
        "auth: {mode: cognito, userPoolId: us-east-1_AbCdEfGhI, groups: [radiology]}",
        "auth: {mode: cognito, userPoolId: us-east-1_AbCdEfGhI, groups: [radiology], groupsClaim: roles}",
    ),
    (
        "auth.jwksFile",
        OIDC,
        "auth: {mode: oidc, issuer: 'https://a.example.org', audience: a, jwksFile: ./jwks.json}",
    ),
    (
        "auth.tokenSources",
        COGNITO,
        "auth: {mode: cognito, userPoolId: us-east-1_AbCdEfGhI, tokenSources: [query]}",
    ),
    (
        "domain.cnames",
        "",
        "domain: {cnames: [a.example.org], certificateArn: 'arn:aws:acm:us-east-1:111122223333:certificate/5f9f2a0e-7d3c-4e0f-9a52-0d6d4f0f9b11'}",
    ),
    (
        "domain.certificateArn",
        ZONE,
        "domain: {cnames: [a.example.org], hostedZoneId: Z0123, certificateArn: 'arn:aws:acm:us-east-1:111122223333:certificate/5f9f2a0e-7d3c-4e0f-9a52-0d6d4f0f9b11'}",
    ),
    (
        "domain.hostedZoneId",
        "domain: {cnames: [a.example.org], certificateArn: 'arn:aws:acm:us-east-1:111122223333:certificate/5f9f2a0e-7d3c-4e0f-9a52-0d6d4f0f9b11'}",
        ZONE,
    ),
    (
        "domain.securityPolicy",
        ZONE,
        "domain: {cnames: [a.example.org], hostedZoneId: Z0123, securityPolicy: TLSv1.3_2025}",
    ),
    ("iam.allow", "", "iam: {allow: []}"),
    ("iam.path", "", "iam: {path: /imaging/}"),
    (
        "iam.permissionsBoundaryArn",
        "",
        "iam: {permissionsBoundaryArn: 'arn:aws:iam::111122223333:policy/boundary'}",
    ),
    (
        "iam.allow[].datastore",
        "iam: {allow: []}",
        "iam: {allow: [{datastore: 12345678901234567890123456789012}]}",
    ),
    (
        "iam.allow[].imageSets",
        ROW,
        "iam: {allow: [{datastore: 12345678901234567890123456789012, imageSets: [aaaabbbbccccddddeeeeffff00001111]}]}",
    ),
    (
        "iam.allow[].studies",
        "iam: {allow: [{datastore: 12345678901234567890123456789012}]}\ndelivery: {dicomweb: true}",
        "iam: {allow: [{datastore: 12345678901234567890123456789012, studies: [1.2.3]}]}\ndelivery: {dicomweb: true}",
    ),
    (
        "iam.allow[].series",
        "iam: {allow: [{datastore: 12345678901234567890123456789012, studies: [1.2.3]}]}\ndelivery: {dicomweb: true}",
        "iam: {allow: [{datastore: 12345678901234567890123456789012, studies: [1.2.3], series: [1.2.3.4]}]}\ndelivery: {dicomweb: true}",
    ),
    ("delivery.dicomweb", "", "delivery: {dicomweb: true}"),
    ("delivery.metadata", "", "delivery: {metadata: true}"),
    (
        "delivery.cache.ttl",
        "delivery: {dicomweb: true}",
        "delivery: {dicomweb: true, cache: {ttl: 1h}}",
    ),
    ("delivery.cachedReads", "", "delivery: {cachedReads: true}"),
    (
        "delivery.cache.browser",
        "delivery: {dicomweb: true}",
        "delivery: {dicomweb: true, cache: {browser: 1h}}",
    ),
    (
        "delivery.cors.origins",
        "",
        "delivery: {cors: {origins: ['https://viewer.example.org']}}",
    ),
    (
        "delivery.cors.credentials",
        "delivery: {cors: {origins: ['https://viewer.example.org']}}",
        "delivery: {cors: {origins: ['https://viewer.example.org'], credentials: true}}",
    ),
    ("delivery.priceClass", "", "delivery: {priceClass: 100}"),
    (
        "delivery.http3",
        ZONE,
        "domain: {cnames: [a.example.org], hostedZoneId: Z0123}\ndelivery: {http3: false}",
    ),
    (
        "delivery.originShield",
        "",
        "delivery: {originShield: us-east-1}",
    ),
    (
        "delivery.webAcl",
        "delivery: {webAcl: none}",
        "delivery: {webAcl: managed}",
    ),
    (
        "delivery.webAclArn",
        "delivery: {webAcl: none}",
        "delivery: {webAclArn: 'arn:aws:wafv2:us-east-1:111122223333:global/webacl/frames/5f9f2a0e-7d3c-4e0f-9a52-0d6d4f0f9b11'}",
    ),
    ("delivery.rateLimit", "", "delivery: {rateLimit: 5000}"),
    ("delivery.geo.allow", "", "delivery: {geo: {allow: [US]}}"),
    ("delivery.geo.deny", "", "delivery: {geo: {deny: [KP]}}"),
    (
        "logs.kmsKeyArn",
        "",
        "logs: {kmsKeyArn: 'arn:aws:kms:us-east-1:111122223333:key/5f9f2a0e-7d3c-4e0f-9a52-0d6d4f0f9b11'}",
    ),
    (
        "logs.access.enabled",
        "logs: {access: {enabled: false}}",
        "logs: {access: {enabled: true}}",
    ),
    (
        "logs.access.bucket",
        "",
        "logs: {access: {bucket: imaging-access-logs}}",
    ),
    (
        "logs.access.format",
        "",
        "logs: {access: {format: parquet}}",
    ),
    ("logs.access.prefix", "", "logs: {access: {prefix: a/b/}}"),
    (
        "logs.access.retention",
        "",
        "logs: {access: {retention: 30d}}",
    ),
    (
        "logs.access.objectLock",
        "",
        "logs: {access: {objectLock: compliance}}",
    ),
    (
        "logs.functions.level",
        "",
        "logs: {functions: {level: info}}",
    ),
    (
        "logs.functions.retentionDays",
        "",
        "logs: {functions: {retentionDays: 365}}",
    ),
    (
        "logs.audit",
        COGNITO,
        "auth: {mode: cognito, userPoolId: us-east-1_AbCdEfGhI}\nlogs: {audit: true}",
    ),
    (
        "logs.auditClaims",
        "auth: {mode: cognito, userPoolId: us-east-1_AbCdEfGhI}\nlogs: {audit: true}",
        "auth: {mode: cognito, userPoolId: us-east-1_AbCdEfGhI}\nlogs: {audit: true, auditClaims: [email]}",
    ),
    (
        "alarms.topicArn",
        "",
        "alarms: {topicArn: 'arn:aws:sns:us-east-1:111122223333:imaging'}",
    ),
    ("deploy.account", "", "deploy: {account: 111122223333}"),
    ("deploy.region", "", "deploy: {region: eu-west-1}"),
    ("deploy.bucket", "", "deploy: {bucket: my-zips}"),
    ("deploy.tags", "", "deploy: {tags: {team: imaging}}"),
    (
        "deploy.terminationProtection",
        "",
        "deploy: {terminationProtection: true}",
    ),
    ("deploy.launch", "", "deploy: {launch: child}"),
    ("deploy.keep", "", "deploy: {keep: 3}"),
    (
        "environments",
        "",
        "environments: {dev: {delivery: {priceClass: 100}}}",
    ),
    (
        "resources.reads",
        "delivery: {cachedReads: true}",
        "delivery: {cachedReads: true}\nresources: {reads: {Outputs: {Mine: {Value: x}}}}",
    ),
    (
        "resources.lambda-edge",
        "",
        "resources: {lambda-edge: {Outputs: {Mine: {Value: x}}}}",
    ),
    (
        "resources.cdn",
        "",
        "resources: {cdn: {Outputs: {Mine: {Value: x}}}}",
    ),
    (
        "resources.logs",
        "deploy: {region: eu-west-1}",
        "deploy: {region: eu-west-1}\nresources: {logs: {Outputs: {Mine: {Value: x}}}}",
    ),
];

const COGNITO: &str = "auth: {mode: cognito, userPoolId: us-east-1_AbCdEfGhI}";
const OIDC: &str = "auth: {mode: oidc, issuer: 'https://a.example.org', audience: a}";
const ZONE: &str = "domain: {cnames: [a.example.org], hostedZoneId: Z0123}";
const ROW: &str = "iam: {allow: [{datastore: 12345678901234567890123456789012}]}";

const HEAD: &str = "\
# What each key makes

Generated by comparing stacks: `FRAMES_BLESS=1 cargo test -p frames-compiler` writes it anew. A row has a key, a value for
it, and what that value changes, against the default or another value: properties of resources by their logical
ids, resources that are there or not, parameters and outputs of the stacks `lambda-edge`, `reads`, `cdn` and `logs`; members of
`config.json` of the functions `authorizer`, `signer` and `reader`; another file in their zips; and members of `plan.json`. [keys.md](keys.md) says what the keys mean.
Hexadecimal digits at an id's end are a hash: of the names, or of a version's zip.

| key | for example | what it changes |
| --- | --- | --- |
";

/// One key set beside the manifest.
fn beside() -> Fixed {
    Fixed::empty().file(
        "./jwks.json",
        include_bytes!("../../../tests/manifests/jwks.json"),
    )
}

/// All that comes out of a manifest, by its name.
fn outcome(part: &str) -> BTreeMap<String, Value> {
    let own = |key: &str| part.starts_with(key) || part.contains(&format!("\n{key}"));
    let mut text = format!("{part}\n");
    if !own("service:") {
        text.push_str("service: x\n");
    }
    if !own("auth:") {
        text.push_str("auth: {mode: none}\n");
    }
    let target = Target {
        env: "dev",
        chosen: false,
        allow_unsafe_overlay: false,
    };
    let compiled = compile(&Source::new("frames.yml", text.as_str()), target, &beside());
    let errors: Vec<_> = compiled
        .diagnostics
        .iter()
        .filter(|d| d.is_error())
        .collect();
    let plan = compiled
        .plan
        .unwrap_or_else(|| panic!("{text}: {errors:#?}"));
    let artifacts: Vec<Artifact> = plan
        .functions()
        .map(|function| Artifact {
            function: function.name.to_owned(),
            sha256: "5".repeat(64),
            bytes: 400_000,
        })
        .collect();
    let templates = template::render(&plan, &artifacts).unwrap();
    let mut file = json!(PlanFile::new(&plan, &artifacts, &templates));
    for stage in file["stages"].as_array_mut().unwrap() {
        let stage = stage.as_object_mut().unwrap();
        // What the template says, said again.
        stage.remove("templateSha256");
        stage.remove("parameters");
    }
    let templates = templates
        .iter()
        .map(|t| (t.stage.to_owned(), t.value.clone()));
    let configs = plan
        .functions()
        .map(|f| (f.name.to_owned(), f.config.json()));
    let zips = plan.functions().map(|f| {
        let files = json!({names::LAUNCH_FILE: f.launch_file()});
        (format!("{}'s zip", f.name), files)
    });
    templates
        .chain(configs)
        .chain(zips)
        .chain([("plan.json".to_owned(), file)])
        .collect()
}

/// The paths where two values differ; a list differs as a whole, unless it is one
/// of mappings and as long.
fn differences(a: &Value, b: &Value, path: &[&str], found: &mut BTreeSet<String>) {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for key in keys {
                let path = [path, &[key.as_str()]].concat();
                match (a.get(key), b.get(key)) {
                    (Some(a), Some(b)) => differences(a, b, &path, found),
                    _ => _ = found.insert(path.join(".")),
                }
            }
        }
        (Value::Array(a), Value::Array(b))
            if a.len() == b.len() && a.iter().all(Value::is_object) =>
        {
            for (a, b) in a.iter().zip(b) {
                let last = format!("{}[]", path.last().copied().unwrap_or_default());
                let path = [&path[..path.len().saturating_sub(1)], &[last.as_str()]].concat();
                differences(a, b, &path, found);
            }
        }
        _ if a != b => _ = found.insert(path.join(".")),
        _ => {}
    }
}

/// `Distribution` `Aliases`, without what every path has.
fn shown(name: &str, path: &str) -> String {
    match path.strip_prefix("Resources.") {
        Some(path) => match path.split_once('.') {
            Some((id, rest)) => {
                let rest = rest.strip_prefix("Properties.").unwrap_or(rest);
                format!("{name}: {id} `{rest}`")
            }
            None => format!("{name}: {path}"),
        },
        None => format!("{name}: `{path}`"),
    }
}

/// What of a template the rows name.
fn sections(template: &Value) -> Value {
    let mut template = template.clone();
    template.as_object_mut().unwrap().retain(|section, _| {
        let named = ["Resources", "Parameters", "Outputs"];
        named.contains(&section.as_str())
    });
    template
}

struct Changes {
    shown: Vec<String>,
    /// All of what is there with the one and not with the other, in JSON.
    whole: String,
}

fn changes(before: &str, after: &str) -> Changes {
    let (before, after) = (outcome(before), outcome(after));
    let mut shown_ = Vec::new();
    let mut whole = String::new();
    // A stage that is in one of the two plans only.
    let none = json!({"Resources": {}, "Parameters": {}, "Outputs": {}});
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for name in names {
        let (a, b) = match (before.get(name), after.get(name)) {
            (Some(a), Some(b)) => (a.clone(), b.clone()),
            (a, b) => (
                a.map_or(none.clone(), sections),
                b.map_or(none.clone(), sections),
            ),
        };
        let (a, b) = (&a, &b);
        let mut found = BTreeSet::new();
        differences(a, b, &[], &mut found);
        for path in &found {
            let pointer = format!("/{}", path.replace('.', "/"));
            for side in [a, b] {
                whole.extend(side.pointer(&pointer).map(Value::to_string));
            }
            whole.push_str(path);
        }
        shown_.extend(found.iter().map(|path| shown(name, path)));
    }
    Changes {
        shown: shown_,
        whole,
    }
}

/// For every case, made once.
fn all_changes() -> &'static [(&'static str, Changes)] {
    static ALL: OnceLock<Vec<(&str, Changes)>> = OnceLock::new();
    ALL.get_or_init(|| {
        let cases = CASES.iter();
        cases
            .map(|(key, before, after)| (*key, changes(before, after)))
            .collect()
    })
}

fn example(part: &str) -> String {
    part.lines()
        .map(|line| format!("`{line}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

fn page() -> String {
    let mut page = HEAD.to_owned();
    for ((key, _, after), (_, changes)) in CASES.iter().zip(all_changes()) {
        let changes = changes.shown.join("; ");
        assert!(!changes.is_empty(), "{key} changes nothing");
        page.push_str(&format!("| `{key}` | {} | {changes} |\n", example(after)));
    }
    page
}

#[test]
fn every_key_has_a_case() {
    let page = manifest::keys_page();
    let keys = page.lines().filter_map(|line| {
        let (key, _) = line.strip_prefix("| `")?.split_once('`')?;
        Some(key)
    });
    let keys: BTreeSet<&str> = keys.collect();
    let cases: BTreeSet<&str> = CASES.iter().map(|(key, ..)| *key).collect();
    assert_eq!(keys, cases);
}

#[test]
fn the_page_of_resources_is_what_the_keys_change() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/resources.md");
    let actual = page();
    if std::env::var_os("FRAMES_BLESS").is_some() {
        std::fs::write(path, actual).unwrap();
        return;
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        expected == actual,
        "docs/resources.md differs from what comes out now; look at the difference, then bless it with FRAMES_BLESS=1"
    );
}

/// What keys.md promises in its last column, by the logical ids and properties in backticks.
#[test]
fn what_a_key_is_said_to_make_it_changes() {
    let page = manifest::keys_page();
    for line in page.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.split(" | ").collect();
        let key = cells[0].trim_start_matches("| `").trim_end_matches('`');
        let Some((_, changes)) = all_changes().iter().find(|(case, _)| *case == key) else {
            continue;
        };
        let makes = cells.last().unwrap().trim_end_matches(" |");
        for property in makes.split('`').skip(1).step_by(2) {
            let last = property.rsplit('.').next().unwrap().trim_end_matches("[]");
            // Said of a value, not of a property.
            if ["whitelist", "blacklist", "config.json"].contains(&property) {
                continue;
            }
            assert!(
                changes.whole.contains(last),
                "{key}: {property} isn't among: {:#?}",
                changes.shown
            );
        }
    }
}

#[test]
fn nothing_differs_from_itself() {
    assert_eq!(changes("", "").shown, Vec::<String>::new());
}
