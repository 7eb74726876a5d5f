//! What is wrong with an answer: the compiler checks it, as it checks the file.

use super::Answers;
use frames_compiler::diagnostic::codes;
use frames_compiler::manifest::yaml_of_json;
use frames_compiler::world::{Unread, World};
use frames_compiler::{Diagnostic, Source, Target, compile};
use serde_json::{Map, Value, json};
use std::path::Path;

/// Each answer: the flag that gives it, and its path in frames.yml.
pub const FLAGS: &[(&str, &str)] = &[
    ("--service", "service"),
    ("--auth", "auth.mode"),
    ("--user-pool-id", "auth.userPoolId"),
    ("--client-id", "auth.clientIds"),
    ("--issuer", "auth.issuer"),
    ("--audience", "auth.audience"),
    ("--cname", "domain.cnames"),
    ("--certificate-arn", "domain.certificateArn"),
    ("--hosted-zone-id", "domain.hostedZoneId"),
    ("--datastore", "iam.allow"),
    ("--dicomweb", "delivery.dicomweb"),
    ("--origin", "delivery.cors.origins"),
    ("--region", "healthImaging.region"),
];

const DEV: Target = Target {
    env: "dev",
    chosen: false,
    allow_unsafe_overlay: false,
};

/// An answer may be an `${env:…}`, but none names a file.
struct Around;

impl World for Around {
    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn read_file(&self, _: &str) -> Result<Vec<u8>, Unread> {
        Err(Unread::Missing)
    }
}

/// All findings of the manifest that the answers make.
pub fn findings(answers: &Answers) -> Vec<Diagnostic> {
    let source = Source::new("frames.yml", yaml_of_json(&manifest(answers)));
    compile(&source, DEV, &Around).diagnostics
}

/// The warnings about answers that were given. What was left out needs none.
pub fn warnings(answers: &Answers) -> Vec<String> {
    let found = findings(answers).into_iter();
    let given = |found: &Diagnostic| {
        let value = manifest(answers);
        let pointer = found.path.replace(['.', '['], "/").replace(']', "");
        value.pointer(&format!("/{pointer}")).is_some()
    };
    found
        .filter(|found| !found.is_error() && given(found))
        .map(|found| match flag_of(&found.path) {
            Some(flag) => format!("{flag}: {}", found.message),
            None => found.message,
        })
        .collect()
}

/// Names need one of two flags, and neither is the one that is missing.
const UNCOVERED: &str = "--cname needs --hosted-zone-id (frames makes a certificate, validated in that zone) or --certificate-arn (an issued one in us-east-1)";

const NAMELESS: &str =
    "--cname is missing (without a name, --hosted-zone-id and --certificate-arn have no effect)";

/// The errors, each with its flag instead of its path.
pub fn complaints(answers: &Answers) -> Vec<String> {
    let mut complaints = Vec::new();
    for found in findings(answers).iter().filter(|d| d.is_error()) {
        let complaint = complaint(found);
        // Two keys may miss the same flag.
        if !complaints.contains(&complaint) {
            complaints.push(complaint);
        }
    }
    complaints
}

fn complaint(found: &Diagnostic) -> String {
    let is_missing = found.code == codes::MISSING_KEY;
    // Their help is about keys that may be added or removed.
    if found.code == codes::CERTIFICATE_MISSING {
        return UNCOVERED.to_owned();
    }
    if is_missing && found.path == "domain.cnames" {
        return NAMELESS.to_owned();
    }
    let flag = flag_of(&found.path);
    let what = match (is_missing, flag) {
        (true, Some(flag)) => format!("{flag} is missing"),
        (false, Some(flag)) => format!("{flag}: {}", found.message),
        (_, None) => found.message.clone(),
    };
    match found.help.as_deref() {
        // A flag is missing, not a key to add.
        Some(help) if is_missing => format!("{what} ({})", without_key(help)),
        Some(help) => format!("{what} ({help})"),
        None => what,
    }
}

/// What to add, of "add `issuer`: what to add"; any other help is whole.
fn without_key(help: &str) -> &str {
    let key = help.strip_prefix("add `");
    let what = key.and_then(|key| key.split_once("`: "));
    what.map_or(help, |(_, what)| what)
}

fn flag_of(path: &str) -> Option<&'static str> {
    let (flag, _) = FLAGS.iter().find(|(_, known)| within(path, known))?;
    Some(flag)
}

/// `iam.allow[0].datastore` is within `iam.allow`.
pub fn within(path: &str, outer: &str) -> bool {
    path.strip_prefix(outer)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// Only the answers, without examples.
pub(super) fn manifest(answers: &Answers) -> Value {
    let mut manifest = Map::new();
    let mut put = |block: &str, key: &str, value: Option<Value>| {
        if let Some(value) = value {
            manifest.entry(block).or_insert_with(|| json!({}))[key] = value;
        }
    };
    let text = |answer: &Option<String>| answer.as_ref().map(|text| json!(text));
    let list = |answers: &[String]| (!answers.is_empty()).then(|| json!(answers));
    put("healthImaging", "region", text(&answers.region));
    put("healthImaging", "endpoint", text(&answers.endpoint));
    put("auth", "mode", text(&answers.auth));
    put("auth", "userPoolId", text(&answers.user_pool_id));
    put("auth", "clientIds", list(&answers.client_id));
    put("auth", "issuer", text(&answers.issuer));
    put("auth", "audience", list(&answers.audience));
    put("domain", "cnames", list(&answers.cname));
    put("domain", "certificateArn", text(&answers.certificate_arn));
    put("domain", "hostedZoneId", text(&answers.hosted_zone_id));
    let on = |answer: bool| answer.then_some(json!(true));
    put("delivery", "dicomweb", on(answers.dicomweb));
    put("delivery", "metadata", on(answers.metadata));
    put("delivery", "cachedReads", on(answers.cached_reads));
    let origins = list(&answers.origin).map(|origins| json!({"origins": origins}));
    put("delivery", "cors", origins);
    let level = answers.log_level.as_ref();
    put(
        "logs",
        "functions",
        level.map(|level| json!({"level": level})),
    );
    let rows: Vec<Value> = answers
        .datastore
        .iter()
        .map(|id| json!({"datastore": id}))
        .collect();
    put("iam", "allow", (!rows.is_empty()).then(|| rows.into()));
    manifest.entry("auth").or_insert_with(|| json!({}));
    if let Some(service) = &answers.service {
        manifest.insert("service".to_owned(), json!(service));
    }
    manifest.into()
}

/// Fills in what the flags leave open and the other answers decide.
pub fn with_defaults(mut answers: Answers, directory: &Path) -> Answers {
    answers.service = answers.service.or_else(|| Some(service_name(directory)));
    answers.auth = answers.auth.map(mode);
    if answers.auth.is_none() {
        // Never `none`: that has to be said.
        answers.auth = match (&answers.user_pool_id, &answers.issuer) {
            (Some(_), None) => Some("cognito".to_owned()),
            (None, Some(_)) => Some("oidc".to_owned()),
            _ => None,
        };
    }
    answers
}

/// A mode as the manifest spells it: `Cognito` is one.
pub(super) fn mode(answer: String) -> String {
    let lower = answer.trim().to_ascii_lowercase();
    match lower.as_str() {
        "cognito" | "oidc" | "none" => lower,
        _ => answer,
    }
}

/// A directory's name, made a service's.
pub fn service_name(directory: &Path) -> String {
    const MOST: usize = 32;
    let name = directory.file_name().unwrap_or_default().to_string_lossy();
    let mut made = String::new();
    for c in name.chars() {
        if c.is_ascii_alphanumeric() {
            made.push(c);
        } else if !made.is_empty() && !made.ends_with('-') {
            made.push('-');
        }
    }
    let made = made.trim_start_matches(|c: char| !c.is_ascii_alphabetic());
    let made = made.get(..MOST).unwrap_or(made).trim_end_matches('-');
    if made.is_empty() {
        "image-frames".to_owned()
    } else {
        made.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_directory_has_a_service_name() {
        for (directory, name) in [
            ("/a/ct-viewer", "ct-viewer"),
            ("/a/My viewer (2)", "My-viewer-2"),
            ("/a/2024_frames", "frames"),
            ("/a/.hidden", "hidden"),
            ("/a/Bilder für Ärzte", "Bilder-f-r-rzte"),
            ("/a/123", "image-frames"),
            ("/", "image-frames"),
            (
                "/a/a-name-that-is-longer-than-a-z-service",
                "a-name-that-is-longer-than-a-z-s",
            ),
            (
                "/a/a-name-that-is-longer-than-zzzz-x",
                "a-name-that-is-longer-than-zzzz",
            ),
        ] {
            assert_eq!(service_name(Path::new(directory)), name);
            let answers = Answers {
                service: Some(service_name(Path::new(directory))),
                auth: Some("none".to_owned()),
                ..Answers::default()
            };
            assert_eq!(complaints(&answers), [""; 0]);
        }
    }

    #[test]
    fn complaints_name_flags() {
        let said = |answers: Answers| complaints(&with_defaults(answers, Path::new("/a/x")));
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(
            said(Answers::default()),
            ["--auth is missing (one of cognito, oidc, none)"]
        );
        let missing = said(Answers {
            auth: text("oidc"),
            cname: vec!["frames.example.org".to_owned()],
            ..Answers::default()
        });
        for flag in ["--issuer is", "--audience is", "--cname needs"] {
            assert!(missing.iter().any(|c| c.starts_with(flag)), "{missing:?}");
        }
        // In whichever case it is written.
        for (mode, missing) in [("Cognito", "--user-pool-id is"), ("OIDC", "--issuer is")] {
            let complaints = said(Answers {
                auth: text(mode),
                ..Answers::default()
            });
            assert!(
                complaints.iter().any(|c| c.starts_with(missing)),
                "{complaints:?}"
            );
        }
        let somewhere = |region: &str| Answers {
            region: text(region),
            auth: text("none"),
            ..Answers::default()
        };
        assert!(said(somewhere("Frankfurt"))[0].starts_with("--region: `Frankfurt` isn't"));
        let known = with_defaults(somewhere("eu-central-1"), Path::new("/a/x"));
        assert_eq!(
            warnings(&known),
            [
                "--auth: every frame is served to whoever asks",
                "--region: HealthImaging isn't known to run in eu-central-1",
            ]
        );
        let wrong = said(Answers {
            user_pool_id: text("us-east-1"),
            datastore: vec!["x".to_owned()],
            ..Answers::default()
        });
        assert_eq!(wrong.len(), 2, "{wrong:?}");
        assert!(wrong.iter().any(|c| c.starts_with("--user-pool-id: ")));
        assert!(wrong.iter().any(|c| c.starts_with("--datastore: ")));
    }

    /// Which flag a name needs, and what each is for.
    #[test]
    fn what_covers_a_name_is_one_of_two_flags() {
        let text = |text: &str| Some(text.to_owned());
        let named = |zone: Option<String>, certificate: Option<String>, names: &[&str]| {
            complaints(&Answers {
                service: text("x"),
                auth: text("none"),
                cname: names.iter().map(|&name| name.to_owned()).collect(),
                hosted_zone_id: zone,
                certificate_arn: certificate,
                ..Answers::default()
            })
        };
        assert_eq!(
            named(None, None, &["a.example"]),
            [
                "--cname needs --hosted-zone-id (frames makes a certificate, validated in that zone) or --certificate-arn (an issued one in us-east-1)"
            ]
        );
        let zone = text("Z0123456789ABCDEFGHIJ");
        let certificate = text(
            "arn:aws:acm:us-east-1:111122223333:certificate/5f9f2a0e-7d3c-4e0f-9a52-0d6d4f0f9b11",
        );
        let nameless = "--cname is missing (without a name, --hosted-zone-id and --certificate-arn have no effect)";
        assert_eq!(named(zone.clone(), None, &[]), [nameless]);
        assert_eq!(named(zone.clone(), certificate, &[]), [nameless]);
        assert!(named(zone.clone(), None, &["a.example"]).is_empty());
        // A help that isn't about a missing flag is whole.
        let long = format!("{0}.{0}.example.org", "x".repeat(40));
        let long = named(zone, None, &[&long]);
        assert!(long[0].ends_with("(add a shorter name, or name a certificate of your own)"));
    }
}
