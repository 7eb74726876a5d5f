//! Who may read what, and who read it: through `frames dev`, with one cache for all.

use crate::support::dev::{CT, CT_INSTANCE, CT_SERIES, CT_STUDY, Dev, Reply, bearer};
use crate::support::frames::Project;
use crate::support::process::shell;
use crate::support::root;
use frames_compiler::diagnostic::codes;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const STORE: &str = "dddddddddddddddddddddddddddddddd";

pub const MR_STUDY: &str = "1.3.6.1.4.1.5962.1.2.4.20040826185059.5457";
const MR_SERIES: &str = "1.3.6.1.4.1.5962.1.3.4.1.20040826185059.5457";
const MR_INSTANCE: &str = "1.3.6.1.4.1.5962.1.1.4.1.1.20040826185059.5457";

fn frame_of(study: &str, series: &str, instance: &str) -> String {
    format!("/datastore/{STORE}/studies/{study}/series/{series}/instances/{instance}/frames/1")
}

fn ask(dev: &Dev, token: &str, method: &str, path: &str) -> Reply {
    let url = format!("{}{path}", dev.url());
    let body = json!({"imageFrameId": "0".repeat(32)}).to_string();
    let body = (method == "POST").then_some(body.as_str());
    dev.request(method, &url, &[("Authorization", &bearer(token))], body)
}

fn is_forbidden(reply: &Reply) -> bool {
    reply.status == 403 && reply.text().trim() == r#"{"error":"forbidden"}"#
}

/// The audit lines that `frames dev -v` has shown.
pub fn audit(stderr: &str) -> Vec<Value> {
    let lines = stderr
        .lines()
        .filter_map(|line| line.split_once("authorizer: "));
    let lines = lines.filter_map(|(_, line)| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["event"] == "access").collect()
}

#[test]
fn two_departments_share_a_cache_and_see_their_own_studies() {
    let manifest = format!(
        "service: x
auth:
  mode: oidc
  issuer: https://login.example.org
  audience: frames
  access:
    - {{groups: [cardiology], datastore: {STORE}, studies: [{CT_STUDY}]}}
    - {{groups: [neurology], datastore: {STORE}, studies: [{MR_STUDY}]}}
iam: {{allow: [{{datastore: {STORE}}}]}}
delivery: {{dicomweb: true}}
logs: {{audit: true, auditClaims: [sub, name], functions: {{retentionDays: 2192}}}}
"
    );
    let dev = Dev::start(&Project::new(&manifest), &["-v"]);
    let user = |sub: &str, name: &str, groups: Value| {
        dev.mint(json!({"sub": sub, "name": name, "groups": groups}))
    };
    let alice = user("alice", "Zo\u{eb} \"A\"\n", json!(["cardiology"]));
    let bob = user("bob", "Bob", json!(["staff", "neurology"]));
    let nobody = user("nobody", "N", json!(["staff"]));
    let ct = frame_of(CT_STUDY, CT_SERIES, CT_INSTANCE);
    let mr = frame_of(MR_STUDY, MR_SERIES, MR_INSTANCE);
    let mut granted = vec![];
    let mut see = |token: &str, sub: &str, path: &str, cache: &str| {
        let reply = ask(&dev, token, "GET", path);
        assert_eq!(reply.status, 200, "{sub} {path}: {}", reply.text());
        assert_eq!(
            reply.header("x-cache"),
            format!("{cache} from cloudfront"),
            "{sub} {path}"
        );
        let id = reply.header("x-amz-cf-id").to_owned();
        granted.push((id, sub.to_owned(), path.contains(CT_STUDY)));
        reply
    };
    let hers = see(&alice, "alice", &ct, "Miss").body;
    let his = see(&bob, "bob", &mr, "Miss").body;
    assert!(hers.len() > 1_000 && his.len() > 1_000 && hers != his);
    // What is cached for one is not for the other.
    for (token, path) in [(&alice, &mr), (&bob, &ct), (&nobody, &ct), (&nobody, &mr)] {
        let reply = ask(&dev, token, "GET", path);
        assert!(
            is_forbidden(&reply),
            "{path}: {} {}",
            reply.status,
            reply.text()
        );
    }
    assert!(see(&alice, "alice", &ct, "Hit").body == hers);
    assert!(see(&bob, "bob", &mr, "Hit").body == his);
    // A viewer asks so for the study that it opens.
    let studies = format!("/datastore/{STORE}/studies");
    let one = format!("{studies}?limit=101&StudyInstanceUID={CT_STUDY}");
    let reply = ask(&dev, &alice, "GET", &one);
    let found: Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(found.as_array().unwrap().len(), 1, "{found}");
    assert_eq!(found[0]["0020000D"]["Value"][0], CT_STUDY);
    assert!(is_forbidden(&ask(&dev, &bob, "GET", &one)));
    let search = (
        reply.header("x-amz-cf-id").to_owned(),
        "alice".to_owned(),
        false,
    );
    // Neither by an image set of one's own that is named along, nor by another search, nor natively.
    let whole = format!("{studies}?StudyInstanceUID={CT_STUDY}&0020000D={MR_STUDY}");
    let set = dev.ready["frame"]["imageSetId"]
        .as_str()
        .unwrap()
        .to_owned();
    let native = format!("/datastore/{STORE}/imageSet/{set}/getImageFrame");
    for token in [&alice, &bob] {
        for (method, path) in [
            ("GET", format!("{ct}?imageSetId={set}")),
            ("GET", format!("{mr}?imageSetId={set}")),
            ("GET", whole.clone()),
            ("POST", native.clone()),
        ] {
            let reply = ask(&dev, token, method, &path);
            assert!(
                is_forbidden(&reply),
                "{path}: {} {}",
                reply.status,
                reply.text()
            );
        }
    }
    granted.push(search);
    // A token of a rotated department: the next request goes by the groups that it has then.
    let moved = user("alice", "A", json!(["neurology"]));
    assert!(is_forbidden(&ask(&dev, &moved, "GET", &ct)));

    let (_, stderr) = dev.stop();
    let lines = audit(&stderr);
    let written: Vec<_> = lines
        .iter()
        .map(|line| {
            let text = |name: &str| line[name].as_str().unwrap().to_owned();
            let sub = line["claims"]["sub"].as_str().unwrap().to_owned();
            (text("requestId"), sub, line["study"] == CT_STUDY)
        })
        .collect();
    assert_eq!(written, granted, "{stderr}");
    let ids: BTreeSet<&String> = written.iter().map(|(id, ..)| id).collect();
    assert_eq!(ids.len(), granted.len());
    let mut first = lines[0].clone();
    first.as_object_mut().unwrap().remove("requestId");
    assert_eq!(
        first,
        json!({
            "event": "access", "operation": "GetDICOMInstanceFrames", "datastore": STORE,
            "study": CT_STUDY, "series": CT_SERIES, "instance": CT_INSTANCE,
            "issuer": "https://login.example.org",
            "claims": {"sub": "alice", "name": "Zo\u{eb} \"A\"\n"},
        })
    );
    for token in [&alice, &bob, &nobody] {
        assert!(!stderr.contains(token.rsplit('.').next().unwrap()));
    }
    // The viewer has learned the class, the log has the rule.
    let rule = "auth.access: the rows that have it are for other groups";
    assert!(stderr.contains(&format!("\"rule\":\"{rule}\"")), "{stderr}");
}

/// A manifest, and rows of a table: a token's claims, a request, and what it gets.
struct Example {
    manifest: String,
    rows: Vec<(Value, String, bool)>,
}

fn examples(page: &str) -> Vec<Example> {
    let mut examples: Vec<Example> = vec![];
    let mut in_manifest = false;
    for line in page.lines() {
        if line.starts_with("```") {
            in_manifest = line == "```yaml";
            if in_manifest {
                examples.push(Example {
                    manifest: String::new(),
                    rows: vec![],
                });
            }
        } else if in_manifest {
            let example = examples.last_mut().unwrap();
            example.manifest += &format!("{line}\n");
        } else if let Some(row) = line.strip_prefix("| `{") {
            let cells: Vec<&str> = row.trim_end_matches(" |").split(" | ").collect();
            let [claims, request, answer] = cells[..] else {
                panic!("{line}")
            };
            let claims = serde_json::from_str(&format!("{{{}", claims.trim_end_matches('`')));
            let is_granted = match answer {
                "granted" => true,
                "403" => false,
                other => panic!("{other}"),
            };
            let rows = &mut examples.last_mut().unwrap().rows;
            rows.push((
                claims.unwrap(),
                request.trim_matches('`').to_owned(),
                is_granted,
            ));
        }
    }
    examples
}

#[test]
fn the_examples_of_the_page_are_true() {
    let page = std::fs::read_to_string(root().join("docs/access.md")).unwrap();
    let examples = examples(&page);
    assert_eq!(examples.len(), 3);
    for example in examples {
        let dev = Dev::start(&Project::new(&example.manifest), &[]);
        let (granted, refused): (Vec<_>, Vec<_>) = example.rows.iter().partition(|row| row.2);
        assert!(
            !granted.is_empty() && refused.len() > 2,
            "{}",
            example.manifest
        );
        for (claims, request, is_granted) in &example.rows {
            let mut claims = claims.clone();
            // What the local issuer's tokens have by themselves.
            for name in ["imaging.datastore", "imaging.studies"] {
                claims[name] = Value::Null;
            }
            let (method, path) = request.split_once(' ').unwrap();
            let reply = ask(&dev, &dev.mint(claims.clone()), method, path);
            // What is granted may not be there: the stand-in has studies of its own.
            let expected = if *is_granted {
                [200, 204, 404].contains(&reply.status)
            } else {
                is_forbidden(&reply)
            };
            assert!(
                expected,
                "{claims} {request}: {} {}",
                reply.status,
                reply.text()
            );
        }
    }
}

/// The token that the page on `frames dev` shows how to make is a guest's of the trial.
#[test]
fn the_token_of_the_page_on_dev_is_a_guests() {
    let page = std::fs::read_to_string(root().join("docs/access.md")).unwrap();
    let mut examples = examples(&page).into_iter();
    let example = examples.find(|it| it.manifest.contains("trial-7")).unwrap();
    let page = std::fs::read_to_string(root().join("docs/dev.md")).unwrap();
    let line = page.lines().find(|line| line.contains("trial-7")).unwrap();
    let body = line.split(" -d '").nth(1).unwrap().trim_end_matches('\'');
    let claims: Value = serde_json::from_str(body).unwrap();
    let dev = Dev::start(&Project::new(&example.manifest), &[]);
    let studies = "/datastore/33333333333333333333333333333333/studies";
    let reply = ask(&dev, dev.token(), "GET", studies);
    assert!([200, 204, 404].contains(&reply.status), "{}", reply.text());
    let reply = ask(&dev, &dev.mint(claims), "GET", studies);
    assert!(is_forbidden(&reply), "{} {}", reply.status, reply.text());
}

/// The first line below each manifest of the page: it gets a frame, whatever the manifest lets through.
#[test]
fn the_printed_line_gets_a_frame_from_each_example_of_the_page() {
    let page = std::fs::read_to_string(root().join("docs/access.md")).unwrap();
    let ways = ["frame.jph", "frame.jph", "frame.multipart"];
    let examples = examples(&page);
    assert_eq!(examples.len(), ways.len());
    for (example, file) in examples.iter().zip(ways) {
        let project = Project::new(&example.manifest);
        let dev = Dev::start_human(&project, &[]);
        let line = dev.line_starting("curl ");
        let output = shell(&line, project.path());
        assert!(output.status.success(), "{line}: {output:?}");
        let written = std::fs::read(project.path().join(file)).unwrap();
        let is_there = written.windows(CT.len()).any(|window| window == CT);
        assert!(is_there, "{line}: not the fixture's bytes");
    }
}

/// Every reason that a denial's line can have is on the page, and no other.
#[test]
fn the_page_has_every_reason() {
    let page = std::fs::read_to_string(root().join("docs/access.md")).unwrap();
    let (_, page) = page.split_once("## What the log says of a denial").unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| "));
    let cells = rows.flat_map(|row| row.split(" | ").take(2).collect::<Vec<_>>());
    let told = cells.filter_map(|cell| cell.strip_prefix('`')?.strip_suffix('`'));
    let is_name = |name: &&str| name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    let told: BTreeSet<&str> = told.filter(is_name).collect();
    let source = root().join("functions/authorizer/src/reason.rs");
    let source = std::fs::read_to_string(source).unwrap();
    let names = source.lines().filter_map(|line| line.split_once(" => \""));
    let names: BTreeSet<&str> = names
        .filter_map(|(_, name)| name.strip_suffix("\","))
        .collect();
    let mut expected = names;
    assert!(expected.len() > 25, "{expected:?}");
    // The tables' own head.
    expected.insert("reason");
    assert_eq!(told, expected);
}

/// By the local issuer's own token, which reads all that anybody may read.
#[test]
fn the_printed_token_reads_what_the_claims_ask_for() {
    let manifest = format!(
        "service: x
auth:
  mode: oidc
  issuer: https://login.example.org
  audience: frames
  access: [{{groups: [cardiology], datastore: {STORE}}}]
  accessClaims: {{studies: may.studies, datastores: may.stores}}
iam: {{allow: [{{datastore: {STORE}}}]}}
delivery: {{dicomweb: true}}
"
    );
    let dev = Dev::start(&Project::new(&manifest), &[]);
    for path in [
        frame_of(CT_STUDY, CT_SERIES, CT_INSTANCE),
        frame_of(MR_STUDY, MR_SERIES, MR_INSTANCE),
    ] {
        assert_eq!(ask(&dev, dev.token(), "GET", &path).status, 200, "{path}");
        let none = dev.mint(json!({"may.studies": []}));
        assert!(is_forbidden(&ask(&dev, &none, "GET", &path)), "{path}");
        let absent = dev.mint(json!({"may.stores": null}));
        assert!(is_forbidden(&ask(&dev, &absent, "GET", &path)), "{path}");
    }
}

/// The lines of a manifest's list. As image sets' ids look: hexadecimal, and no two alike in their
/// first digits.
pub fn image_sets(count: usize) -> String {
    let id = |i: usize| {
        let mut state = (i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut next = || {
            state ^= state >> 29;
            state = state.wrapping_mul(0xbf58_476d_1ce4_e5b9);
            state ^ (state >> 32)
        };
        format!("        - {:016x}{:016x}\n", next(), next())
    };
    (0..count).map(id).collect()
}

/// Ten thousand of them fit, and what AWS's older limit means for them is said.
#[test]
fn ten_thousand_ids_are_packaged() {
    let manifest = |count: usize| {
        let ids = image_sets(count);
        format!(
            "service: x
auth:
  mode: cognito
  userPoolId: us-east-1_AbCdEfGhI
  access:
    - datastore: {STORE}
      groups: [cardiology]
      imageSets:
{ids}iam: {{allow: [{{datastore: {STORE}}}]}}
"
        )
    };
    let packaged = |count: usize| {
        let run = Project::new(&manifest(count)).package();
        let plan: Value = {
            let (_, rest) = run.stderr.split_once("authorizer-").unwrap();
            let (_, rest) = rest.split_once(".zip (").unwrap();
            serde_json::from_str(rest.split_once(' ').unwrap().0).unwrap()
        };
        (plan.as_u64().unwrap(), run.stderr)
    };
    let (none, _) = packaged(1);
    let (few, said) = packaged(1_000);
    assert!(
        few < 1_000_000 && !said.contains("at viewer-request"),
        "{few} {said}"
    );
    let (many, said) = packaged(10_000);
    // Sixteen bytes of chance each, and little more.
    assert!(many - none < 10_000 * 19, "{none} {many}");
    assert!(
        many > 1_000_000 && said.contains("at viewer-request"),
        "{many} {said}"
    );
}

/// The code's own example, with as many ids as its comment says.
#[test]
fn a_heavy_zip_is_a_warning_with_a_code() {
    let example = codes::ZIP_HEAVY.example;
    let mut lines: Vec<&str> = example.lines().collect();
    let at = lines
        .iter()
        .position(|line| line.ends_with("# and 10,000 more"));
    let ids = image_sets(10_000);
    lines[at.unwrap()] = ids.trim_end();
    let project = Project::new(&lines.join("\n"));
    let warned = project.package();
    assert_eq!(
        warned.stderr.matches("[zip-heavy]").count(),
        1,
        "{warned:#?}"
    );
    let allowed = project.frames(&["package", "--allow", "zip-heavy"]);
    assert_eq!(allowed.code, 0, "{allowed:#?}");
    assert!(
        !allowed.stderr.contains("at viewer-request"),
        "{allowed:#?}"
    );

    // The example has no name of its own.
    let deny = [
        "package",
        "--deny-warnings",
        "--allow",
        "default-certificate",
    ];
    let project = Project::new(&lines.join("\n"));
    let denied = project.frames(&deny);
    assert_eq!(denied.code, 1, "{denied:#?}");
    for said in ["error: the authorizer's zip has ", "`--allow zip-heavy`"] {
        assert!(denied.stderr.contains(said), "{said}: {denied:#?}");
    }
    assert!(!project.output("plan.json").exists());
    let both = project.frames(&[&deny[..], &["--allow", "zip-heavy"]].concat());
    assert_eq!(both.code, 0, "{both:#?}");
    assert!(project.output("plan.json").exists());

    let mended = Project::new(codes::ZIP_HEAVY.fixed).frames(&deny);
    assert_eq!(mended.code, 0, "{mended:#?}");
}
