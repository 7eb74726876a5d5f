//! A release's SBOM and licences: what its binary is made of, and nothing else.

use crate::support::{peers, read, release};
use jsonschema::Validator;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fs;
use std::io::Read;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Name and version of every crate that a lock file has from a registry.
fn locked(lock: &str) -> BTreeSet<(String, String)> {
    let lock = read(lock);
    let packages = lock.split("[[package]]").skip(1);
    let value = |package: &str, key: &str| {
        let line = package
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{key} = \"")));
        line.map(|value| value.trim_end_matches('"').to_owned())
    };
    packages
        .filter(|package| value(package, "checksum").is_some())
        .map(|package| {
            (
                value(package, "name").unwrap(),
                value(package, "version").unwrap(),
            )
        })
        .collect()
}

fn sbom() -> Value {
    let sbom = fs::read(release::file(".cdx.json")).unwrap();
    serde_json::from_slice(&sbom).unwrap()
}

/// Name and version of everything in the SBOM but the program itself.
fn components() -> BTreeSet<(String, String)> {
    let sbom = sbom();
    let components = sbom["components"].as_array().unwrap().iter();
    components
        .map(|component| {
            let text = |key: &str| component[key].as_str().unwrap().to_owned();
            (text("name"), text("version"))
        })
        .collect()
}

/// CycloneDX's own schema is in the library that wrote the document.
fn schema() -> Validator {
    let library = peers::packer().with_file_name("../lib");
    let python = fs::read_dir(&library).unwrap().next().unwrap().unwrap();
    let schemas = python.path().join("site-packages/cyclonedx/schema/_res");
    let schema = |name: &str| -> Value {
        serde_json::from_slice(&fs::read(schemas.join(name)).unwrap()).unwrap()
    };
    let mut registry = jsonschema::Registry::new();
    for name in ["spdx.SNAPSHOT.schema.json", "jsf-0.82.SNAPSHOT.schema.json"] {
        let address = format!("http://cyclonedx.org/schema/{name}");
        registry = registry.add(address, schema(name)).unwrap();
    }
    let registry = registry.prepare().unwrap();
    jsonschema::options()
        .with_registry(&registry)
        .should_validate_formats(true)
        .build(&schema("bom-1.5.SNAPSHOT.schema.json"))
        .unwrap()
}

#[test]
fn the_sbom_is_what_cyclonedx_says_of_one() {
    let validator = schema();
    let mut sbom = sbom();
    let errors = validator.iter_errors(&sbom);
    let errors: Vec<String> = errors.map(|error| error.to_string()).collect();
    assert_eq!(errors, Vec::<String>::new());
    assert_eq!(sbom["specVersion"], "1.5");
    let root = &sbom["metadata"]["component"];
    assert_eq!(
        (&root["name"], &root["version"]),
        (&json!("frames"), &json!(VERSION))
    );
    let sum = Sha256::digest(fs::read(release::binary()).unwrap());
    let sum = json!([{"alg": "SHA-256", "content": format!("{sum:x}")}]);
    assert_eq!(root["hashes"], sum);
    // A schema that takes everything would say nothing.
    sbom["components"][0]["licenses"] = json!([{"license": {"id": "none of SPDX's"}}]);
    assert!(!validator.is_valid(&sbom));
}

#[test]
fn the_sbom_names_both_workspaces_and_nothing_else() {
    let named = components();
    let has = |name: &str| named.iter().any(|(found, _)| found == name);
    // Of the tool; of the functions only; of both.
    for name in [
        "clap",
        "aws-sdk-cloudfront",
        "frames-deploy",
        "lambda_runtime",
        "frames-signer",
        "serde",
    ] {
        assert!(has(name), "{name}");
    }
    // What only tests, build scripts or other systems need isn't in a binary.
    for name in ["jsonschema", "rcgen", "ureq", "cc", "windows-sys"] {
        assert!(!has(name), "{name}");
    }
    let mut known = locked("Cargo.lock");
    known.extend(locked("functions/Cargo.lock"));
    for component in &named {
        let is_own = component.0.starts_with("frames-") && component.1 == VERSION;
        assert!(is_own || known.contains(component), "{component:?}");
    }
}

/// The features that say so are in compiler/cli/Cargo.toml, and hold for every crate.
#[test]
fn what_dependencies_log_is_compiled_out() {
    assert_eq!(log::STATIC_MAX_LEVEL, log::LevelFilter::Off);
    let spans_and_events = tracing::level_filters::STATIC_MAX_LEVEL;
    assert_eq!(spans_and_events, tracing::level_filters::LevelFilter::OFF);
}

#[test]
fn every_crate_has_its_licence() {
    let licences = licences();
    for (name, version) in components() {
        if !name.starts_with("frames-") {
            let line = format!("{name} {version} (");
            let mut lines = licences.lines();
            assert!(lines.any(|said| said.starts_with(&line)), "{line}");
        }
    }
    for said in ["The Rust Standard Library", "pydicom"] {
        assert!(licences.contains(said), "{said}");
    }
}

fn licences() -> String {
    let archive = fs::File::open(release::file(".tar.gz")).unwrap();
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(archive));
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        if entry.path().unwrap().ends_with("THIRD-PARTY-LICENSES.txt") {
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            return text;
        }
    }
    panic!("no licences");
}
