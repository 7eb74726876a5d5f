//! Every command with hostile text in whatever it is given, on a terminal: nothing reaches
//! that but frames' own colours and cursor movements. What AWS says: `deploy/hostile.rs`.

use crate::support::frames::Project;
use crate::support::hostile::{harmless, in_yaml, name, shows, text, unharmed};
use crate::support::pty::OnTerminal;
use crate::support::{root, target};
use rustix::process::{Signal, kill_process};
use serde_json::{Map, Value, json};
use std::ffi::OsStr;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;
use std::time::Duration;

fn frames(project: &Project, arguments: &[&str]) -> Command {
    let mut command = project.command();
    command.args(arguments);
    command
}

/// The smallest manifests that have hostile text at one place each, for every key there is.
fn manifests() -> Vec<(String, Value)> {
    let schema = fs::read(root().join("schema/frames.schema.json")).unwrap();
    let schema: Value = serde_json::from_slice(&schema).unwrap();
    let mut found = Vec::new();
    for (key, schema) in schema["properties"].as_object().unwrap() {
        for (path, value) in values(schema) {
            found.push((format!("{key}{path}"), json!({key: value})));
        }
    }
    found
}

fn values(schema: &Value) -> Vec<(String, Value)> {
    let mut found = vec![(String::new(), json!(text()))];
    for (key, inner) in schema["properties"].as_object().unwrap_or(&Map::new()) {
        for (path, value) in values(inner) {
            found.push((format!(".{key}{path}"), json!({key: value})));
        }
    }
    if schema["items"].is_object() {
        for (path, value) in values(&schema["items"]) {
            found.push((format!("[]{path}"), json!([value])));
        }
    }
    // Names are the user's own: one is as good as all.
    if schema["type"] == "object" {
        found.push((".*".to_owned(), json!({text(): text()})));
    }
    found
}

#[test]
fn every_key_of_a_manifest() {
    let manifests = manifests();
    assert!(manifests.len() > 60, "{}", manifests.len());
    let project = Project::empty();
    for (path, value) in &manifests {
        let mut whole = json!({"service": "x", "auth": {"mode": "oidc"}});
        let whole = whole.as_object_mut().unwrap();
        for (key, value) in value.as_object().unwrap() {
            whole.insert(key.clone(), value.clone());
        }
        for yaml in in_yaml(&json!(whole)) {
            project.write("frames.yml", yaml);
            harmless(path, &mut frames(&project, &["validate"]));
        }
    }
    // All at once, in every format and by every command that compiles.
    let all = manifests
        .into_iter()
        .filter(|(path, _)| path.starts_with("delivery."));
    let all: Map<String, Value> = all.map(|(path, _)| (path, json!(text()))).collect();
    let all = json!({"service": text(), "auth": {"mode": text()}, "x-own": text(), "delivery": all, text(): text()});
    // Raw controls aren't YAML: then nothing but the line is shown.
    for (yaml, run) in in_yaml(&all).into_iter().zip([shows, harmless]) {
        project.write("frames.yml", yaml);
        for format in ["human", "json", "sarif", "github"] {
            run(
                format,
                &mut frames(&project, &["validate", "--format", format]),
            );
        }
        for arguments in [
            &["validate", "-q"][..],
            &["print"],
            &["package"],
            &["policy"],
            &["dev"],
            &["deploy"],
            &["diff"],
            &["info"],
            &["check"],
            &["history"],
            &["rollback"],
            &["logs"],
            &["remove"],
        ] {
            run(arguments[0], &mut frames(&project, arguments));
            run(
                arguments[0],
                &mut frames(&project, &[arguments, &["--color", "always"]].concat()),
            );
        }
    }
}

/// A manifest without errors, with as much hostile text as it can have.
fn valid(project: &Project) {
    let overlay = json!({"cdn": {
        "Outputs": {"Evil": {"Value": text(), "Description": text()}},
        "Resources": {"Own": {"Type": "AWS::Logs::LogGroup", "Metadata": {text(): text()}}},
    }});
    let manifest = json!({
        "service": "x", "auth": {"mode": "none"}, "resources": overlay,
        "x-own": {text(): text()}, "x-given": "${env:HOSTILE}",
    });
    project.write("frames.yml", &in_yaml(&manifest)[0]);
}

#[test]
fn what_is_printed_stays_what_it_is() {
    let project = Project::empty();
    valid(&project);
    let with = |arguments: &[&str]| {
        let mut command = frames(&project, arguments);
        command.env("HOSTILE", name());
        command
    };
    const PATH: &str = "resources.cdn.Outputs.Evil.Value";
    shows("print", &mut with(&["print"]));
    shows("print", &mut with(&["print", "--format", "json"]));
    shows("print", &mut with(&["print", "--path", PATH]));
    shows(
        "print",
        &mut with(&["print", "--path", PATH, "--format", "json"]),
    );
    // For a script it is the value itself, and the whole is a manifest again.
    let run = crate::support::frames::Run::of(&mut with(&["print", "--path", PATH]));
    assert_eq!(run.stdout, format!("{}\n", text()));
    let run = crate::support::frames::Run::of(&mut with(&["print"]));
    let again = Project::new(&run.stdout);
    let run = again.frames(&["print", "--path", PATH]);
    assert_eq!(run.stdout, format!("{}\n", text()), "{run:#?}");
    for arguments in [&["validate", "-v"][..], &["policy"], &["package", "-v"]] {
        harmless(arguments[0], &mut with(arguments));
    }
}

#[test]
fn names_of_variables_options_and_files() {
    let project = Project::empty();
    for manifest in [
        json!({"service": format!("${{env:{}}}", text())}),
        json!({"service": format!("${{opt:{}}}", text())}),
        json!({"service": format!("${{self:{}}}", text())}),
        json!({"service": format!("${{{}:a}}", name())}),
        json!({"service": format!("${{file({}):a}}", name())}),
        json!({"service": format!("${{file(../{}):a}}", name())}),
        json!({"service": format!("${{ssm:/{}}}", name())}),
        json!({"service": "${env:HOSTILE}"}),
        json!({"service": "${opt:hostile}"}),
        json!({"service": "x", "auth": {"mode": "oidc", "issuer": "https://i.example", "audience": "a", "jwksFile": name()}}),
    ] {
        let given = format!("hostile={}", text());
        for yaml in in_yaml(&manifest) {
            project.write("frames.yml", yaml);
            let mut command = frames(&project, &["package", "--opt", &given]);
            shows(&manifest.to_string(), command.env("HOSTILE", text()));
        }
    }
    project.write("frames.yml", "service: ${file(./broken.yml):a}\n");
    for broken in [format!("a: [{}", name()), format!("{}: &{0} *{0}", name())] {
        project.write("broken.yml", broken);
        harmless("a file", &mut frames(&project, &["validate"]));
    }
}

#[test]
fn every_option_of_the_command_line() {
    let project = Project::new("service: x\nauth: {mode: none}\n");
    let (text, name) = (&text(), &name());
    let long = format!("--{name}");
    for arguments in [
        &[text.as_str()][..],
        &["validate", &long],
        &["validate", text],
        &["validate", "--env", text],
        &["validate", "--opt", text],
        &["validate", "--format", text],
        &["validate", "--color", text],
        &["validate", "--config", text],
        &["validate", "--explain", text],
        &["print", "--path", text],
        &["completions", text],
        &["remove", "--wait", text],
        &["policy", "--account", text],
        &["dev", "--port", text],
        &["dev", "--origin", text],
        &["init", name, "--service", text, "--auth", text],
        &[
            "init",
            name,
            "--auth",
            "oidc",
            "--issuer",
            text,
            "--audience",
            text,
            "--cname",
            text,
        ],
        &[
            "init",
            name,
            "--auth",
            "cognito",
            "--user-pool-id",
            text,
            "--certificate-arn",
            text,
            "--datastore",
            text,
            "--region",
            text,
        ],
        &["init", name, "--auth", "none"],
        &["init", name, "--auth", "none"],
    ] {
        shows(&format!("{arguments:?}"), &mut frames(&project, arguments));
        shows(
            &format!("{arguments:?}"),
            &mut frames(&project, &[&["--color", "always"], arguments].concat()),
        );
        fs::remove_dir_all(project.path().join(name)).ok();
    }
}

/// Names of directories, and of the manifest itself.
#[test]
fn paths() {
    let project = Project::empty();
    let manifest = format!("{}/{}.yml", name(), name());
    project.write(&manifest, "service: x\nauth: {mode: none}\n");
    let cache = project.path().join(format!("cache-{}", name()));
    symlink(target().join("test-cache"), &cache).unwrap();
    for arguments in [
        &["validate"][..],
        &["package", "-v"],
        &["validate", "--format", "json"],
        &["package", "--env", "prod"],
    ] {
        let mut command = frames(&project, &[arguments, &["-c", &manifest]].concat());
        shows(arguments[0], command.env("XDG_CACHE_HOME", &cache));
    }
    project.write(&format!("{}/frames.yml", name()), "service: [\n");
    for file in ["frames.yml", &manifest] {
        let _ = file;
        let mut command = frames(&project, &["validate"]);
        harmless(
            "in a directory",
            command.current_dir(project.path().join(name())),
        );
    }
    shows(
        "init",
        &mut frames(&project, &["init", &name(), "--auth", "none"]),
    );
    let mut watch = frames(&project, &["validate", "--watch", "-c", &manifest]);
    let watched = OnTerminal::start(&mut watch);
    watched.wait_for("3 warnings");
    project.write(&manifest, in_yaml(&json!({"service": text()}))[0].as_str());
    watched.wait_for("error");
    kill_process(watched.pid(), Signal::INT).unwrap();
    let (code, shown) = watched.end();
    assert_eq!(code, 130, "{shown}");
    unharmed("validate --watch", &shown);
}

#[test]
fn what_cargo_says() {
    let project = Project::new("service: x\nauth: {mode: none}\n");
    let cache = tempfile::tempdir().unwrap();
    let said = format!("{0}\n{0}", text());
    project.write("said", &said);
    project.write(
        "bin/cargo",
        "#!/bin/sh\ncat said-path >/dev/null 2>&1; cat \"$SAID\"; cat \"$SAID\" >&2; exit 1\n",
    );
    let bin = project.path().join("bin");
    fs::set_permissions(bin.join("cargo"), fs::Permissions::from_mode(0o755)).unwrap();
    for quiet in [&["package"][..], &["package", "-q"]] {
        let mut command = project.command_with(&bin);
        command.args(quiet).env("XDG_CACHE_HOME", cache.path());
        command.env("SAID", project.path().join("said"));
        let shown = shows("cargo", &mut command);
        assert!(shown.contains("didn't build"), "{shown}");
    }
}

#[test]
fn the_environment_of_aws() {
    let project = Project::new("service: x\nauth: {mode: none}\n");
    for (variable, value) in [
        ("AWS_REGION", text()),
        ("AWS_PROFILE", text()),
        ("AWS_ENDPOINT_URL", format!("http://127.0.0.1:9/{}", name())),
        ("AWS_ENDPOINT_URL", text()),
        ("AWS_ACCESS_KEY_ID", text()),
        ("AWS_CONFIG_FILE", text()),
        ("HTTPS_PROXY", text()),
    ] {
        let mut command = frames(&project, &["info", "-v"]);
        command
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_CONFIG_FILE", "/dev/null")
            .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
            .env("AWS_MAX_ATTEMPTS", "1")
            .env("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", "example-secret");
        harmless(variable, command.env(variable, value));
    }
    let mut command = frames(
        &project,
        &["info", "--profile", OsStr::new(&text()).to_str().unwrap()],
    );
    harmless(
        "--profile",
        command.env("AWS_EC2_METADATA_DISABLED", "true"),
    );
}

#[test]
fn questions() {
    let project = Project::empty();
    let inside = project.path().join(name());
    fs::create_dir(&inside).unwrap();
    // What is typed is the terminal's to echo, or not to.
    let init = project.command();
    let mut command = Command::new("sh");
    command
        .args(["-c", "stty -echo; exec \"$0\" init"])
        .arg(init.get_program());
    for (name, value) in init.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let mut asked = OnTerminal::start(command.current_dir(&inside));
    asked.wait_for("]:");
    // The line discipline keeps some for itself.
    let typed: String = text().chars().filter(|c| !c.is_ascii_control()).collect();
    asked.write(&format!("{typed}\n"));
    asked.wait_for("service name (a letter");
    kill_process(asked.pid(), Signal::INT).unwrap();
    let (code, shown) = asked.end();
    assert_eq!(code, 130, "{shown}");
    assert!(shown.contains("u{9b}"), "{shown}");
    unharmed("init", &shown);
}

#[test]
fn requests_to_dev() {
    let project = Project::empty();
    valid(&project);
    let mut command = frames(&project, &["dev", "--port", "0", "-v"]);
    let dev = OnTerminal::start(command.env("HOSTILE", text()));
    dev.wait_for("-o frame.jph");
    let shown = dev.shown();
    let (_, url) = shown.split_once("curl -sSf http://").unwrap();
    let address = url.split('/').next().unwrap();
    for line in [
        format!("GET /{} HTTP/1.1", name()),
        format!("GET /?{} HTTP/1.1", name()),
        "GET /a\u{9b}b\u{202e} HTTP/1.1".to_owned(),
        format!("{} / HTTP/1.1", name()),
    ] {
        let mut stream = TcpStream::connect(address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(120)))
            .unwrap();
        let request = format!(
            "{line}\r\nHost: {address}\r\nConnection: close\r\nOrigin: {}\r\n\r\n",
            "\u{9b}31m"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let _ = stream.read_to_end(&mut Vec::new());
    }
    kill_process(dev.pid(), Signal::INT).unwrap();
    let (_, shown) = dev.end();
    unharmed("dev", &shown);
}
