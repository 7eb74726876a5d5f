//! `frames package`: what is in `.frames/<env>/` afterwards, and how it gets there.

use crate::support::frames::{Project, Run};
use crate::support::{root, target};
use object::{Object, ObjectSection};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::time::SystemTime;

const MINIMAL: &str = "service: x\nauth: {mode: none}\n";

/// A file's bytes, and when it was written.
type Files = BTreeMap<String, (Vec<u8>, SystemTime)>;

fn files(directory: &Path) -> Files {
    let entries = fs::read_dir(directory).unwrap_or_else(|e| panic!("{directory:?}: {e}"));
    entries
        .map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().to_string_lossy().into_owned();
            let modified = entry.metadata().unwrap().modified().unwrap();
            (name, (fs::read(entry.path()).unwrap(), modified))
        })
        .collect()
}

fn bytes(files: Files) -> BTreeMap<String, Vec<u8>> {
    files
        .into_iter()
        .map(|(name, (bytes, _))| (name, bytes))
        .collect()
}

/// With all three functions.
fn with_reader() -> Project {
    Project::new(&crate::support::read("tests/manifests/reads-at-home.yml"))
}

fn output(project: &Project) -> Files {
    files(&project.output(""))
}

fn zip_names(files: &Files) -> Vec<&String> {
    files.keys().filter(|name| name.ends_with(".zip")).collect()
}

fn sha256(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

#[test]
fn an_open_endpoint_is_said_aloud_and_other_warnings_are_counted() {
    let run = Project::new(MINIMAL).frames(&["package"]);
    assert_eq!(run.code, 0, "{run:#?}");
    assert!(run.stderr.contains("warning[auth-none]: "), "{run:#?}");
    assert!(!run.stderr.contains("[iam-unrestricted]"), "{run:#?}");
    let note = "2 more warnings: `frames validate` shows them";
    assert!(run.stderr.contains(note), "{run:#?}");
    let quiet = Project::new(MINIMAL).frames(&["package", "--quiet"]);
    assert_eq!((quiet.code, quiet.stderr.as_str()), (0, ""));
}

#[test]
fn plan_json_describes_every_file() {
    let project = Project::example();
    let run = project.package();
    assert_eq!(run.stdout, "./.frames/dev\n");
    // A script gets the folder, and whoever reads along what to do with it.
    let next = "      Next `frames dev` serves it here, `frames diff` compares it with AWS, `frames deploy` deploys it\n";
    assert!(run.stderr.ends_with(next), "{run:#?}");
    let files = output(&project);
    let names: Vec<&String> = files.keys().collect();
    let [authorizer, signer] = zip_names(&files)[..] else {
        panic!("{names:?}")
    };
    assert_eq!(
        names,
        [
            authorizer,
            "cdn.template.json",
            "lambda-edge.template.json",
            "plan.json",
            signer
        ]
    );
    let artifact = |function: &str, file: &str| {
        let (bytes, _) = &files[file];
        let hash = sha256(bytes);
        assert_eq!(file, format!("{function}-{:.16}.zip", hash));
        json!({
            "function": function,
            "file": file,
            "sha256": hash,
            "bytes": bytes.len(),
            "key": format!("image-frames/dev/{file}"),
        })
    };
    let stage = |name: &str, parameters: Value, artifacts: Vec<Value>| {
        let template = format!("{name}.template.json");
        json!({
            "name": name,
            "stackName": format!("image-frames-dev-{name}"),
            "region": "us-east-1",
            "template": template,
            "templateSha256": sha256(&files[&template].0),
            "parameters": parameters,
            "tags": {"team": "imaging"},
            "terminationProtection": false,
            "artifacts": artifacts,
        })
    };
    let version =
        |output: &str| json!({"source": "output", "stage": "lambda-edge", "output": output});
    let expected = json!({
        "service": "image-frames",
        "env": "dev",
        "artifactBucket": "managed",
        "keep": 10,
        "stages": [
            stage(
                "lambda-edge",
                json!({"ArtifactBucket": {"source": "artifactBucket"}}),
                vec![artifact("authorizer", authorizer), artifact("signer", signer)],
            ),
            stage(
                "cdn",
                json!({
                    "AuthorizerVersionArn": version("AuthorizerVersionArn"),
                    "LogsKeyArn": version("LogsKeyArn"),
                    "SignerVersionArn": version("SignerVersionArn"),
                }),
                vec![],
            ),
        ],
    });
    let plan: Value = serde_json::from_slice(&files["plan.json"].0).unwrap();
    assert_eq!(plan, expected);
    // With `--format json`, the plan and nothing else is on stdout.
    let run = project.frames(&["package", "--format", "json"]);
    assert_eq!(run.stdout.as_bytes(), files["plan.json"].0);
}

#[test]
fn an_environment_has_files_and_names_of_its_own() {
    let project = Project::new(MINIMAL);
    project.package();
    let run = project.frames(&["package", "--env", "prod", "--quiet"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    let prod = files(&project.path().join(".frames/prod"));
    let plan: Value = serde_json::from_slice(&prod["plan.json"].0).unwrap();
    assert_eq!(plan["stages"][1]["stackName"], "x-prod-cdn");
    assert!(output(&project).contains_key("plan.json"));
}

#[test]
fn a_zip_holds_the_program_the_shim_and_the_configuration() {
    let project = with_reader();
    project.package();
    let files = output(&project);
    let zips = zip_names(&files);
    assert_eq!(zips.len(), 3, "{zips:?}");
    for name in zips {
        let bytes = &files[name].0;
        let function = name.split('-').next().unwrap();
        // Well below Lambda@Edge's older limit for viewer triggers: what grows is noticed.
        let most = match function {
            "authorizer" => 990_000,
            "reader" => 920_000,
            _ => 470_000,
        };
        assert!(bytes.len() <= most, "{name}: {} bytes", bytes.len());
        let mut zip = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
        let mut entries = Vec::new();
        for i in 0..zip.len() {
            let mut entry = zip.by_index(i).unwrap();
            let mode = entry.unix_mode().unwrap() & 0o777;
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            entries.push((entry.name().unwrap().into_owned(), mode, content));
        }
        // The reader's runtime starts the program itself.
        let shims: &[&str] = match function {
            "reader" => &[],
            _ => &["index.py", "child.py"],
        };
        let listed: Vec<(&str, u32)> = entries
            .iter()
            .map(|(name, mode, _)| (name.as_str(), *mode))
            .collect();
        let expected: Vec<(&str, u32)> = std::iter::once(("bootstrap", 0o755))
            .chain(shims.iter().map(|name| (*name, 0o644)))
            .chain([("config.json", 0o644)])
            .collect();
        assert_eq!(listed, expected, "{function}");
        for (name, _, content) in &entries[1..=shims.len()] {
            let shim = fs::read(root().join("functions/shim").join(name)).unwrap();
            assert_eq!(*content, shim, "{name}");
        }
        let golden = format!("tests/golden/reads-at-home/{function}.config.json");
        let golden = crate::support::read(&golden);
        let (_, _, config) = entries.pop().unwrap();
        let config = String::from_utf8(config).unwrap();
        assert_eq!(config.trim(), golden.trim());
        runs_on_the_managed_runtimes(&entries[0].2);
        names_no_place_of_this_machine(&entries[0].2);
    }
}

/// x86_64, dynamically linked to glibc 2.34 (Amazon Linux 2023's) or older, and to nothing else.
fn runs_on_the_managed_runtimes(program: &[u8]) {
    let elf = object::File::parse(program).unwrap();
    assert_eq!(elf.architecture(), object::Architecture::X86_64);
    let strings = elf.section_by_name(".dynstr").unwrap().data().unwrap();
    let strings: Vec<&str> = strings
        .split(|byte| *byte == 0)
        .map(|text| std::str::from_utf8(text).unwrap())
        .collect();
    let versions: Vec<(u32, u32)> = strings
        .iter()
        .filter_map(|text| text.strip_prefix("GLIBC_"))
        .map(|version| {
            let mut parts = version.split('.').map(|part| part.parse().unwrap());
            (parts.next().unwrap(), parts.next().unwrap())
        })
        .collect();
    assert!(!versions.is_empty(), "no version of glibc is asked for");
    assert!(
        versions.iter().all(|version| *version <= (2, 34)),
        "{versions:?}"
    );
    const GLIBC: [&str; 5] = [
        "libc.so.6",
        "libm.so.6",
        "libdl.so.2",
        "libpthread.so.0",
        "ld-linux-x86-64.so.2",
    ];
    let libraries: Vec<&&str> = strings
        .iter()
        .filter(|text| text.contains(".so."))
        .collect();
    assert!(
        libraries.iter().all(|library| GLIBC.contains(library)),
        "{libraries:?}"
    );
}

fn names_no_place_of_this_machine(program: &[u8]) {
    let home = std::env::var("HOME").unwrap();
    let cargo = std::env::var("CARGO_HOME").unwrap_or(format!("{home}/.cargo"));
    let places = [
        format!("{home}/"),
        format!("{cargo}/"),
        root().display().to_string(),
        target().display().to_string(),
        "test-cache".to_owned(),
        "registry/src".to_owned(),
    ];
    for place in places {
        let found = program
            .windows(place.len())
            .any(|window| window == place.as_bytes());
        assert!(!found, "the program holds {place}");
    }
}

#[test]
fn the_same_manifest_gives_the_same_bytes_anywhere() {
    let one = with_reader();
    one.package();
    // Two levels below the manifest: it is searched upwards.
    let two = with_reader();
    let below = two.path().join("deep/er");
    fs::create_dir_all(&below).unwrap();
    let run = Run::of(two.command().current_dir(&below).arg("package"));
    assert_eq!((run.code, run.stdout.as_str()), (0, "../../.frames/dev\n"));
    assert!(!below.join(".frames").exists());
    assert_eq!(bytes(output(&one)), bytes(output(&two)));
    // And from anywhere, by its name.
    let three = with_reader();
    let config = three.path().join("frames.yml").display().to_string();
    let elsewhere = Project::empty();
    assert_eq!(elsewhere.frames(&["package", "--config", &config]).code, 0);
    assert_eq!(bytes(output(&one)), bytes(output(&three)));
}

#[test]
fn a_changed_manifest_compiles_nothing_and_stale_zips_go() {
    let project = Project::example();
    project.package();
    let before = output(&project);
    project.write(
        "frames.yml",
        crate::support::read("frames.yml").replace("frames/read", "frames/write"),
    );
    project.write(".frames/dev/mine.zip", "not of frames' making");
    let cache = target().join("test-cache");
    let (run, cargo_ran) = project.package_with_failing_cargo(&cache);
    assert_eq!((run.code, cargo_ran), (0, false), "{run:#?}");
    let after = output(&project);
    let names = |files: &Files, function: &str| -> Vec<String> {
        files
            .keys()
            .filter(|name| name.starts_with(function))
            .cloned()
            .collect()
    };
    assert_ne!(
        names(&before, "authorizer"),
        names(&after, "authorizer"),
        "the scope is in its config.json"
    );
    assert_eq!(names(&after, "authorizer").len(), 1, "the old one is gone");
    assert_eq!(before["plan.json"].0.len(), after["plan.json"].0.len());
    let signer = &names(&after, "signer")[0];
    assert_eq!(before[signer], after[signer], "not even written again");
    assert!(after.contains_key("mine.zip"));
}

#[test]
fn an_unchanged_tree_writes_nothing() {
    let project = Project::example();
    project.package();
    let before = output(&project);
    project.package();
    assert_eq!(before, output(&project));
}

/// The one test that builds on a cold cache: about a minute.
#[test]
fn two_at_once_on_a_cold_cache_build_once_and_the_same() {
    let cache = tempfile::tempdir().unwrap();
    let (one, two) = (with_reader(), with_reader());
    let start = |project: &Project| {
        let mut command = project.command();
        command.arg("package").env("XDG_CACHE_HOME", cache.path());
        command.stdout(std::process::Stdio::piped());
        command.stderr(std::process::Stdio::piped());
        command.spawn().unwrap()
    };
    let runs = [start(&one), start(&two)].map(|child| Run::from(child.wait_with_output().unwrap()));
    for run in &runs {
        assert_eq!(run.code, 0, "{run:#?}");
    }
    let building = runs
        .iter()
        .filter(|run| run.stderr.contains("Building the edge functions"))
        .count();
    assert_eq!(building, 1, "{runs:#?}");
    // Another cache, another build: the same bytes.
    let warm = with_reader();
    warm.package();
    for project in [&one, &two] {
        assert!(
            bytes(output(project)) == bytes(output(&warm)),
            "two builds differ"
        );
    }
}

#[test]
fn without_cargo_lambda_the_remedy_is_one_line() {
    let project = Project::new(MINIMAL);
    let cache = tempfile::tempdir().unwrap();
    let mut command = project.command_without_cargo_lambda();
    let run = Run::of(
        command
            .arg("package")
            .env("XDG_CACHE_HOME", cache.path())
            .env_remove("CARGO_HOME"),
    );
    assert_eq!((run.code, run.stdout.as_str()), (1, ""));
    assert!(
        run.stderr
            .contains("cargo-lambda, which builds the functions for Lambda, isn't installed"),
        "{run:#?}"
    );
    assert!(
        run.stderr
            .contains("install it with `python3 -m pip install cargo-lambda==1.9.2`"),
        "{run:#?}"
    );
    assert!(!project.path().join(".frames").exists());
    // It is what the tests themselves install.
    assert!(
        crate::support::read("tests/peers/requirements.txt").contains("\ncargo-lambda==1.9.2\n")
    );
}

#[test]
fn all_that_is_missing_is_named_at_once() {
    let project = Project::new(MINIMAL);
    let cache = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str], cache: &Path| {
        let mut command = project.command();
        command.args(arguments).env("PATH", "/nonexistent");
        command
            .env("XDG_CACHE_HOME", cache)
            .env_remove("CARGO_HOME");
        let run = Run::of(&mut command);
        assert_eq!((run.code, run.stdout.as_str()), (1, ""), "{run:#?}");
        run.stderr
    };
    let package = run(&["package"], cache.path());
    for part in [
        "cargo and cargo-lambda, which build the functions for Lambda, aren't installed",
        "install Rust 1.95 or newer",
        "`python3 -m pip install cargo-lambda==1.9.2`",
    ] {
        assert!(package.contains(part), "{part}: {package}");
    }
    let dev = run(&["dev"], cache.path());
    for part in [
        "cargo, which builds the functions, isn't on the PATH",
        "install Rust 1.95 or newer",
    ] {
        assert!(dev.contains(part), "{part}: {dev}");
    }
    // A home that nobody can write to.
    let file = project.path().join("frames.yml");
    let home = run(&["package"], &file);
    assert!(home.contains("set XDG_CACHE_HOME to a directory"), "{home}");
}

#[test]
fn a_build_that_fails_says_so_and_leaves_nothing_half_done() {
    let project = Project::new(MINIMAL);
    let cache = tempfile::tempdir().unwrap();
    let (run, cargo_ran) = project.package_with_failing_cargo(cache.path());
    assert!(cargo_ran);
    assert_eq!(run.code, 1);
    assert!(
        run.stderr.contains("the edge functions didn't build"),
        "{run:#?}"
    );
    assert!(run.stderr.contains("help: "), "{run:#?}");
    assert!(!project.path().join(".frames").exists());
    let left: Vec<String> = files_below(cache.path());
    assert!(left.iter().all(|name| name.ends_with(".lock")), "{left:?}");
}

fn files_below(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    entries
        .flat_map(|entry| {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files_below(&path)
            } else {
                vec![path.display().to_string()]
            }
        })
        .collect()
}

#[test]
fn a_broken_manifest_writes_nothing() {
    let project = Project::new("service: x\nauth: {mode: cognito}\n");
    let run = project.frames(&["package"]);
    assert_eq!((run.code, run.stdout.as_str()), (3, ""));
    assert!(run.stderr.contains("error[missing-key]"), "{run:#?}");
    assert!(!project.path().join(".frames").exists());
}

#[test]
fn a_broken_manifest_leaves_the_last_package_alone() {
    let project = Project::new(MINIMAL);
    project.package();
    let before = output(&project);
    project.write("frames.yml", "service: x\n");
    assert_eq!(project.frames(&["package"]).code, 3);
    assert_eq!(before, output(&project));
}

#[test]
fn no_manifest_is_bad_usage() {
    let project = Project::empty();
    let run = project.frames(&["package"]);
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    assert!(
        run.stderr
            .contains("there is no frames.yml here or in a directory above"),
        "{run:#?}"
    );
    let run = project.frames(&["package", "--config", "nowhere.yml"]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("nowhere.yml"), "{run:#?}");
}
