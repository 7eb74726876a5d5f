//! Nothing secret is said or written, `-v` included.

use super::{MANIFEST, Stand};
use crate::package_safety::cache_with_programs;
use crate::support::frames::Run;
use crate::support::https::{Https, answer};
use crate::support::read;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

const KEY: &str = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY";
const TOKEN: &str = "FwoGZXIvYXdzEBYaDGV4YW1wbGVzZXNzaW9u";
const SECRET: &str = "correct-horse-battery-staple";

fn run(stand: &Stand, arguments: &[&str]) -> Run {
    let mut command = stand.command(arguments);
    command
        .env("AWS_SECRET_ACCESS_KEY", KEY)
        .env("AWS_SESSION_TOKEN", TOKEN);
    let run = Run::of(command.env("RUST_LOG", "trace"));
    for stream in [&run.stdout, &run.stderr] {
        clean(arguments[0], stream);
        // A template names this header, in its CORS settings.
        assert!(!stream.contains("Authorization"), "{stream}");
    }
    files(&stand.project.path().join(".frames"));
    run
}

fn clean(what: &str, text: &str) {
    for secret in [
        KEY,
        TOKEN,
        SECRET,
        "AWS4-HMAC-SHA256",
        "X-Amz-Signature",
        "Credential=",
    ] {
        assert!(!text.contains(secret), "{what} shows {secret}:\n{text}");
    }
}

/// Zips are opened: what they hold is deflated.
fn files(directory: &Path) {
    let Ok(entries) = fs::read_dir(directory) else {
        return;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path);
        } else if path.extension().is_some_and(|ending| ending == "zip") {
            let mut zip = zip::ZipArchive::new(fs::File::open(&path).unwrap()).unwrap();
            let mut config = String::new();
            std::io::Read::read_to_string(&mut zip.by_name("config.json").unwrap(), &mut config)
                .unwrap();
            clean(&path.display().to_string(), &config);
        } else {
            let text = fs::read(&path).unwrap();
            clean(&path.display().to_string(), &String::from_utf8_lossy(&text));
        }
    }
}

#[test]
fn nothing_secret_is_said_or_written() {
    let stand = Stand::new();
    let parameter = json!({"Name": "/frames/secret", "Value": SECRET, "Type": "SecureString"});
    stand.account.call("ssm", "PutParameter", parameter);
    // What the functions or the stacks need of a secret is in them: this is about the rest.
    stand.write(&format!("{MANIFEST}x-note: '${{ssm:/frames/secret}}'\n"));
    let deployed = run(&stand, &["deploy", "--yes", "-v"]);
    assert_eq!(deployed.code, 0, "{deployed:#?}");
    assert_eq!(
        run(&stand, &["deploy", "--yes", "-v", "--format", "json"]).code,
        0
    );
    // What AWS refuses may quote the request.
    let leak =
        format!("The Canonical String should have been 'x-amz-security-token:{TOKEN}' {KEY}");
    let refusal = json!({"kind": "answer", "status": 403, "code": "SignatureDoesNotMatch", "message": leak, "operation": "DescribeStacks", "count": 1000});
    stand.account.rule(refusal);
    let refused = run(&stand, &["deploy", "--yes", "-v"]);
    assert_eq!(refused.code, 1, "{refused:#?}");
    stand.account.clear_rules();
    let removed = run(&stand, &["remove", "--yes", "-v"]);
    assert_eq!(removed.code, 0, "{removed:#?}");
}

#[test]
fn a_secret_that_is_used_is_masked_wherever_it_is_shown() {
    let stand = Stand::new();
    let parameter = json!({"Name": "/frames/secret", "Value": SECRET, "Type": "SecureString"});
    stand.account.call("ssm", "PutParameter", parameter);
    stand.write(&MANIFEST.replace("audience: frames", "audience: '${ssm:/frames/secret}'"));
    let printed = run(&stand, &["print", "--online", "-v"]);
    assert_eq!(printed.code, 0, "{printed:#?}");
    assert!(
        printed.stdout.contains("audience: '********'"),
        "{printed:#?}"
    );
    for arguments in [&["deploy", "--yes", "-v"][..], &["remove", "--yes", "-v"]] {
        let run = stand.run(arguments);
        assert_eq!(run.code, 0, "{run:#?}");
        clean(arguments[0], &run.stdout);
        clean(arguments[0], &run.stderr);
    }
}

/// A rule that a secret breaks is told; the value isn't.
#[test]
fn a_secret_that_isnt_right_isnt_shown() {
    let stand = Stand::new();
    let parameter = json!({"Name": "/frames/secret", "Value": SECRET, "Type": "SecureString"});
    stand.account.call("ssm", "PutParameter", parameter);
    stand.write(&MANIFEST.replace(
        "12345678901234567890123456789012",
        "'${ssm:/frames/secret}'",
    ));
    for arguments in [
        &["validate", "--online", "-v"][..],
        &["deploy", "--yes", "-v"],
    ] {
        let run = run(&stand, arguments);
        assert_eq!(run.code, 3, "{run:#?}");
        let said = format!("{}{}", run.stdout, run.stderr);
        assert!(said.contains("isn't shown"), "{run:#?}");
    }
}

/// What goes in: with all that is written otherwise in JSON, in addresses, in a shell.
const SECRETS: [(&str, &str); 4] = [
    ("/frames/audience", "correct/horse+battery \"staple\" é="),
    // The one is the other's beginning.
    ("/frames/shorter", "hunter2-hunter2"),
    ("/frames/longer", "hunter2-hunter2-and-more"),
    (
        "/frames/lines",
        "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEF\n-----END PRIVATE KEY-----\n",
    ),
];

/// A text, and what of it is found in whatever it is encoded in.
fn forms(secret: &str) -> Vec<String> {
    let json = json!(secret).to_string();
    let percent: String = secret
        .bytes()
        .map(|b| {
            if b.is_ascii_alphanumeric() || b"-._~".contains(&b) {
                char::from(b).to_string()
            } else {
                format!("%{b:02X}")
            }
        })
        .collect();
    let mut forms = vec![
        secret.to_owned(),
        json[1..json.len() - 1].to_owned(),
        percent.to_lowercase(),
        percent.replace("%20", "+"),
        percent,
        URL_SAFE_NO_PAD.encode(secret),
        secret.bytes().map(|b| format!("{b:02x}")).collect(),
    ];
    // Wherever it begins among other bytes.
    for before in 0..3 {
        let encoded = STANDARD.encode([&b"xyz"[..before], secret.as_bytes()].concat());
        let middle = (before * 8).div_ceil(6)..encoded.trim_end_matches('=').len() - 1;
        forms.push(encoded[middle].to_owned());
    }
    forms.extend(
        secret
            .lines()
            .filter(|line| line.len() > 8)
            .map(str::to_owned),
    );
    // Even a tail would be too much.
    let tail = secret
        .char_indices()
        .rev()
        .nth(8)
        .map_or(secret, |(at, _)| &secret[at..]);
    forms.push(tail.to_owned());
    forms
}

/// Every file that a run could leave something in, and every stream.
struct Watched {
    stand: Stand,
    /// HOME, TMPDIR, the cache.
    outside: tempfile::TempDir,
    cache: tempfile::TempDir,
    secrets: Vec<String>,
    /// For whose fetched keys.
    issuer: Https,
}

impl Watched {
    fn new() -> Self {
        let stand = Stand::new();
        for (name, value) in SECRETS {
            let parameter = json!({"Name": name, "Value": value, "Type": "SecureString"});
            stand.account.call("ssm", "PutParameter", parameter);
        }
        let (cache, _) = cache_with_programs(&stand.project);
        fs::remove_dir_all(stand.project.path().join(".frames")).unwrap();
        let set: Value = serde_json::from_str(&read("tests/manifests/jwks.json")).unwrap();
        let issuer = Https::start(move |_| answer("200 OK", &set.to_string()));
        let mut secrets: Vec<String> = SECRETS.map(|(_, value)| value.to_owned()).into();
        secrets.extend([KEY.to_owned(), TOKEN.to_owned()]);
        let outside = tempfile::tempdir().unwrap();
        for name in ["home", "tmp"] {
            fs::create_dir(outside.path().join(name)).unwrap();
        }
        Self {
            stand,
            outside,
            cache,
            secrets,
            issuer,
        }
    }

    fn write(&self, more: &str) {
        let auth = format!(
            "service: heart\nauth: {{mode: oidc, issuer: '{0}', jwksUri: '{0}/keys', audience: ['${{ssm:/frames/audience}}', 'a ${{ssm:/frames/longer}} b', '${{ssm:/frames/shorter}}']}}\n",
            self.issuer.url
        );
        self.stand.write(&format!(
            "{auth}iam: {{allow: [{{datastore: 12345678901234567890123456789012}}]}}\nx-mine: '${{ssm:/frames/lines}}'\n{more}"
        ));
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.stand.command(arguments);
        command
            .env("AWS_SECRET_ACCESS_KEY", KEY)
            .env("AWS_SESSION_TOKEN", TOKEN)
            .env("HOME", self.outside.path().join("home"))
            .env("TMPDIR", self.outside.path().join("tmp"))
            .env("XDG_CACHE_HOME", self.cache.path())
            .env("RUST_LOG", "trace")
            .env("SSL_CERT_FILE", self.issuer.authority());
        command
    }

    fn run(&self, arguments: &[&str]) -> Run {
        let run = Run::of(&mut self.command(arguments));
        self.unsaid(&arguments.join(" "), &run.stdout);
        self.unsaid(&arguments.join(" "), &run.stderr);
        self.unwritten(arguments);
        run
    }

    fn unsaid(&self, what: &str, text: &str) {
        for secret in &self.secrets {
            for form in forms(secret) {
                assert!(!text.contains(&form), "{what} shows {form:?}:\n{text}");
            }
        }
    }

    fn unwritten(&self, arguments: &[&str]) {
        let places = [
            self.stand.project.path(),
            self.outside.path(),
            self.cache.path(),
        ];
        let mut files = Vec::new();
        for place in places {
            all_files(place, &mut files);
        }
        for path in files {
            let mut content = fs::read(&path).unwrap();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if name.ends_with(".zip") && content.starts_with(b"PK") {
                content = unzipped(&path);
            }
            let text = String::from_utf8_lossy(&content);
            let allowed = path.components().any(|c| c.as_os_str() == ".frames")
                && (name.starts_with("authorizer-") || name.ends_with(".template.json"));
            let secret = |secret: &&String| forms(secret).iter().any(|form| text.contains(form));
            let Some(secret) = self.secrets.iter().find(secret) else {
                continue;
            };
            let what = format!("{arguments:?}: {} holds {secret:?}", path.display());
            // What the functions and the stacks need is in them, for the owner only.
            assert!(
                allowed && ![KEY, TOKEN].contains(&secret.as_str()),
                "{what}"
            );
            let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o600, "{what}");
        }
    }
}

fn all_files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => all_files(&entry.path(), found),
            kind if kind.is_file() => found.push(entry.path()),
            _ => {}
        }
    }
}

/// All that is in a zip, but for the program.
fn unzipped(path: &Path) -> Vec<u8> {
    let mut zip = zip::ZipArchive::new(fs::File::open(path).unwrap()).unwrap();
    let mut all = Vec::new();
    for index in 0..zip.len() {
        let mut entry = zip.by_index(index).unwrap();
        if entry.name().is_ok_and(|name| name != "bootstrap") {
            std::io::Read::read_to_end(&mut entry, &mut all).unwrap();
        }
    }
    all
}

/// Every command, and all that it says and leaves.
#[test]
fn no_secret_is_in_any_stream_or_file_of_any_command() {
    let watched = Watched::new();
    let overlay = "resources: {cdn: {Outputs: {Note: {Value: 'x ${ssm:/frames/longer} y', Description: '${ssm:/frames/audience}'}}}}\n";
    watched.write(overlay);
    const FINE: &[&[&str]] = &[
        &["validate", "-v"],
        &["validate", "--online", "-v"],
        &["validate", "--online", "--format", "json"],
        &["validate", "--online", "--format", "sarif"],
        &["validate", "--online", "--format", "github"],
        &["print"],
        &["print", "--online"],
        &["print", "--online", "--format", "json"],
        &["print", "--online", "--path", "auth.audience.0"],
        &["print", "--online", "--path", "resources"],
        &["policy", "--online"],
        &["schema"],
        &["package", "--online", "--fetch-keys", "-v"],
        &["package", "--online", "--format", "json"],
        &["diff", "-v"],
        &["diff", "--format", "json"],
        &["deploy", "--dry-run", "-v"],
        &["deploy", "--yes", "-v"],
        &["info", "--drift", "-v"],
        &["info", "--format", "json"],
        &["history"],
        &["history", "--format", "json"],
        &["diff", "-v"],
    ];
    for arguments in FINE {
        let run = watched.run(arguments);
        assert_eq!(run.code, 0, "{arguments:?}: {run:#?}");
    }
    let run = watched.run(&["print", "--online", "--path", "auth.audience.1"]);
    assert_eq!(run.stdout, "a ******** b\n");

    // A property that had a secret, and one that gets one.
    watched.write("resources: {cdn: {Resources: {Own: {Type: 'AWS::Logs::LogGroup', Properties: {LogGroupName: 'a-${ssm:/frames/longer}'}}}}}\n");
    assert_eq!(watched.run(&["deploy", "--yes", "-v"]).code, 0);
    watched.write("resources: {cdn: {Resources: {Own: {Type: 'AWS::Logs::LogGroup', Properties: {LogGroupName: 'b-${ssm:/frames/longer}'}}}}}\n");
    for arguments in [&["diff", "-v"][..], &["diff", "--format", "json"]] {
        let run = watched.run(arguments);
        assert_eq!(run.code, 0, "{run:#?}");
        assert!(run.stdout.contains("********"), "{run:#?}");
    }
    // What fails quotes what it was given.
    for reason in SECRETS
        .map(|(_, value)| value)
        .into_iter()
        .chain([KEY, TOKEN])
    {
        let said = format!(
            "{reason} in {:?}, {} and {}",
            reason,
            STANDARD.encode(reason),
            forms(reason)[4]
        );
        watched.stand.account.fail("UPDATE", "*", "*", &said);
        let run = watched.run(&["deploy", "--yes", "-v"]);
        assert_eq!(run.code, 1, "{run:#?}");
        assert!(run.stderr.contains("failed: ********"), "{run:#?}");
        let run = watched.run(&["deploy", "--yes", "--format", "json"]);
        assert_eq!(run.code, 1, "{run:#?}");
        assert!(run.stdout.contains("********"), "{run:#?}");
        watched.stand.account.set(&json!({"failures": []}));
        let refusal = json!({"kind": "answer", "status": 400, "code": "ValidationError", "message": said, "operation": "DescribeStacks", "count": 1000});
        watched.stand.account.rule(refusal);
        let run = watched.run(&["info", "-v"]);
        assert_eq!(run.code, 1, "{run:#?}");
        assert!(run.stderr.contains("********"), "{run:#?}");
        watched.stand.account.clear_rules();
    }
    // Where they don't belong.
    for (wrong, key) in [
        (
            "delivery: {cors: {origins: ['https://${ssm:/frames/shorter}']}}\n",
            "delivery.cors",
        ),
        (
            "healthImaging: {endpoint: '${ssm:/frames/longer}'}\n",
            "healthImaging.endpoint",
        ),
        (
            "alarms: {topicArn: '${ssm:/frames/lines}'}\n",
            "alarms.topicArn",
        ),
        (
            "domain: {cnames: ['${env:AWS_SESSION_TOKEN}']}\n",
            "domain.cnames",
        ),
    ] {
        watched.write(wrong);
        for arguments in [
            &["validate", "--online", "-v"][..],
            &["deploy", "--yes"],
            &["package", "--online", "--format", "json"],
        ] {
            let run = watched.run(arguments);
            assert_eq!(run.code, 3, "{run:#?}");
            assert!(
                format!("{}{}", run.stdout, run.stderr).contains(key),
                "{run:#?}"
            );
        }
    }
    watched.write("");
    assert_eq!(watched.run(&["remove", "--yes", "-v"]).code, 0);
    assert_eq!(watched.run(&["info"]).code, 1);
}

/// What only looks asks nobody whom no deployment has asked.
#[test]
fn an_address_that_isnt_deployed_is_asked_by_deploy_alone() {
    let watched = Watched::new();
    watched.write("");
    let asked = || watched.issuer.asked();
    for arguments in [
        &["diff"][..],
        &["deploy", "--dry-run"],
        &["info"],
        &["remove", "--yes"],
        &["validate", "--online"],
        &["print", "--online"],
    ] {
        watched.run(arguments);
        assert_eq!(asked(), 0, "{arguments:?}");
    }
    let run = watched.run(&["diff"]);
    assert!(
        run.stderr.contains("frames doesn't ask there for keys now"),
        "{run:#?}"
    );
    assert_eq!(watched.run(&["deploy", "--yes"]).code, 0);
    let mut before = asked();
    assert!(before > 0);
    for arguments in [&["diff"][..], &["deploy", "--dry-run"]] {
        let run = watched.run(arguments);
        assert_eq!(run.code, 0, "{run:#?}");
        assert!(!run.stderr.contains("doesn't ask"), "{run:#?}");
        assert!(asked() > before, "{arguments:?}");
        before = asked();
    }
    let run = watched.run(&["diff", "--exit-code"]);
    assert_eq!(run.code, 0, "{run:#?}");
    before = asked();
    // Another address, at the same host even.
    let path = watched.stand.project.path().join("frames.yml");
    let manifest = fs::read_to_string(&path).unwrap();
    watched
        .stand
        .write(&manifest.replace("/keys'", "/keys/${env:HOME}'"));
    for arguments in [&["diff"][..], &["deploy", "--dry-run"]] {
        let run = watched.run(arguments);
        assert_eq!(run.code, 0, "{run:#?}");
        assert!(
            run.stderr.contains("frames doesn't ask there for keys now"),
            "{run:#?}"
        );
    }
    let run = watched.run(&["diff", "--exit-code"]);
    assert_eq!(run.code, 1, "the authorizer counts as changed: {run:#?}");
    assert_eq!(asked(), before);
    assert_eq!(watched.run(&["info"]).code, 0);
    assert_eq!(watched.run(&["remove", "--yes"]).code, 0);
    assert_eq!(asked(), before);
}
