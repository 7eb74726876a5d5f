//! Golden files: the stacks and the schema that come out. `FRAMES_BLESS=1`
//! rewrites them; without it, drift is a failure.

use frames_compiler::diagnostic::codes;
use frames_compiler::plan::Artifact;
use frames_compiler::template::PlanFile;
use frames_compiler::world::Fixed;
use frames_compiler::{Source, Target, compile, manifest, online, policy, syntax, template};
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn golden(path: &Path, actual: &str) {
    if std::env::var_os("FRAMES_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, actual).unwrap();
        return;
    }
    let expected = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        expected == actual,
        "{} differs from what comes out now; look at the difference, then bless it with FRAMES_BLESS=1",
        path.display()
    );
}

const DEV: Target = Target {
    env: "dev",
    chosen: false,
    allow_unsafe_overlay: false,
};

/// What lies beside the manifests.
fn beside() -> Fixed {
    Fixed::empty().file(
        "./jwks.json",
        include_bytes!("../../../tests/manifests/jwks.json"),
    )
}

fn artifacts() -> Vec<Artifact> {
    [("authorizer", "a"), ("signer", "5"), ("reader", "7")]
        .map(|(function, digit)| Artifact {
            function: function.to_owned(),
            sha256: digit.repeat(64),
            bytes: 400_000,
        })
        .to_vec()
}

/// Every manifest, with the name of its golden files.
fn manifests() -> Vec<(String, PathBuf)> {
    let manifests = root().join("tests/manifests");
    let mut cases: Vec<(String, PathBuf)> = std::fs::read_dir(&manifests)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "yml"))
        .map(|path| {
            (
                path.file_stem().unwrap().to_string_lossy().into_owned(),
                path,
            )
        })
        .collect();
    cases.push(("example".to_owned(), root().join("frames.yml")));
    assert!(cases.len() > 3);
    cases
}

#[test]
fn every_manifest_compiles_to_its_golden_stacks() {
    let artifacts = artifacts();
    for (name, path) in manifests() {
        let source = Source::from_bytes("frames.yml", &std::fs::read(&path).unwrap()).unwrap();
        let compiled = compile(&source, DEV, &beside());
        let plan = compiled
            .plan
            .unwrap_or_else(|| panic!("{name}: {:#?}", compiled.diagnostics));
        let templates = template::render(&plan, &artifacts).unwrap();
        let out = root().join("tests/golden").join(&name);
        for template in &templates {
            golden(&out.join(template.file_name()), &template.text);
        }
        let resolved = compiled.resolved.unwrap();
        let quotas = online::quotas::questions(&resolved, &plan);
        let request = policy::Request {
            account: Some("111122223333"),
            uses: policy::Uses {
                subjects: online::questions(&resolved)
                    .into_iter()
                    .chain(quotas)
                    .map(|question| question.subject)
                    .collect(),
                ..policy::Uses::default()
            },
        };
        let printed = policy::policy(&plan, &request).unwrap();
        assert!(printed.unknown.is_empty(), "{name}: {:?}", printed.unknown);
        golden(
            &out.join("policy.json"),
            &format!(
                "{}\n",
                serde_json::to_string_pretty(&printed.policy).unwrap()
            ),
        );
        let plan_file = PlanFile::new(&plan, &artifacts, &templates);
        golden(
            &out.join("plan.json"),
            &format!("{}\n", serde_json::to_string_pretty(&plan_file).unwrap()),
        );
        for function in plan.functions() {
            let config = serde_json::to_string_pretty(&function.config.json()).unwrap();
            golden(
                &out.join(format!("{}.config.json", function.name)),
                &format!("{config}\n"),
            );
        }
    }
}

#[test]
fn the_checked_in_schema_is_the_tables() {
    let schema = serde_json::to_string_pretty(&manifest::schema()).unwrap();
    golden(
        &root().join("schema/frames.schema.json"),
        &format!("{schema}\n"),
    );
}

#[test]
fn the_checked_in_page_of_keys_is_the_tables() {
    golden(&root().join("docs/keys.md"), &manifest::keys_page());
}

#[test]
fn the_checked_in_page_of_codes_is_the_table() {
    golden(&root().join("docs/codes.md"), &codes::page());
}

/// As an editor reads it: unquoted numbers are numbers.
fn as_json(text: &str) -> serde_json::Value {
    let (node, found) = syntax::parse(&Source::new("frames.yml", text));
    assert!(found.is_empty(), "{found:#?}");
    node.unwrap().to_json()
}

#[test]
fn the_schema_refuses_what_the_tables_refuse() {
    let validator = jsonschema::draft7::new(&manifest::schema()).unwrap();
    for wrong in [
        "delivery: {cache: {ttl: 30}}",
        "delivery: {cors: {origins: ['http://viewer.example.org']}}",
        "delivery: {priceClass: 300}",
        "delivery: {geo: {allow: [US], deny: [CA]}}",
        "delivery: {geo: {}}",
        "delivery: {geo: {allow: [us]}}",
        "delivery: {webAclArn: frames}",
        "logs: {access: {retention: 12h}}",
        "logs: {functions: {retentionDays: 31}}",
        "deploy: {account: 1111-2222-3333}",
        "deploy: {bucket: My_Zips}",
        "deploy: {tags: {'a;b': x}}",
        "deploy: {tags: {a: 'x;y'}}",
        "deploy: {tags: [a]}",
    ] {
        let text = format!("service: x\nauth: {{mode: none}}\n{wrong}\n");
        assert!(!validator.is_valid(&as_json(&text)), "{wrong}");
        let source = Source::new("frames.yml", text);
        let plan = compile(&source, DEV, &beside()).plan;
        assert!(plan.is_none(), "{wrong}");
    }
}
