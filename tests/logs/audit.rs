//! Who saw a study: by `frames logs --audit`, and by the query for CloudWatch Logs Insights.

use super::{AUTHORIZER, SIGNER, STUDY, logs, now, objects, write};
use crate::deploy::{MANIFEST, Stand};
use crate::support::aws::Aws;
use crate::support::process::shell;
use crate::support::pty::OnTerminal;
use crate::support::read;
use serde_json::{Value, json};

/// An audit line of a study's read.
fn read_of(study: &str, sub: &str) -> String {
    json!({
        "event": "access", "requestId": "r", "operation": "GetDICOMInstanceFrames", "datastore": "d",
        "study": study, "issuer": "https://login.example.org/", "claims": {"sub": sub},
    })
    .to_string()
}

#[test]
fn audit_lines_tell_who_saw_a_study() {
    let stand = Stand::new();
    stand.account.set(&json!({"log_page": 2}));
    let set = "aaaabbbbccccddddeeeeffff00001111";
    let native = json!({
        "event": "access", "requestId": "r", "operation": "GetImageFrame", "datastore": "d",
        "imageSet": set, "issuer": "https://login.example.org/", "claims": {"sub": "carol"},
    });
    let at = |n: i64| now() - 60_000 + n * 100;
    let lines = [
        (at(0), "START RequestId: 8f5a Version: 3\n".to_owned()),
        (at(1), read_of(STUDY, "alice")),
        (at(2), read_of(&format!("{STUDY}.1"), "bob")),
        (
            at(3),
            r#"{"decision":"deny","level":"warn","reason":"no_access_row"}"#.to_owned(),
        ),
        (at(4), native.to_string()),
        (at(6), "Task timed out after 5.00 seconds\n".to_owned()),
    ];
    write(&stand, "us-east-1", AUTHORIZER, "0", &lines);
    write(
        &stand,
        "eu-west-1",
        AUTHORIZER,
        "0",
        &[(at(5), read_of(STUDY, "dan"))],
    );
    let forged = json!({"event": "other", "study": STUDY, "text": read_of(STUDY, "mallory")});
    write(
        &stand,
        "eu-west-1",
        SIGNER,
        "0",
        &[(at(5), forged.to_string())],
    );
    let subs = |arguments: &[&str]| {
        let run = logs(&stand, &[&["--format", "json"], arguments].concat());
        let lines = objects(&run.stdout);
        let sub = |line: &Value| line["claims"]["sub"].as_str().unwrap_or("-").to_owned();
        lines.iter().map(sub).collect::<Vec<_>>()
    };
    assert_eq!(subs(&["--audit"]), ["alice", "bob", "carol", "dan"]);
    assert_eq!(subs(&["--audit", "--study", STUDY]), ["alice", "dan"]);
    assert_eq!(
        subs(&["--audit", "--study", STUDY, "--image-set", set]),
        ["alice", "carol", "dan"]
    );
    assert_eq!(subs(&["--audit", "--study", "1.2"]), [""; 0]);
    // Without --audit, whatever functions wrote; Lambda's own lines with -v.
    assert_eq!(subs(&[]).len(), 7);
    assert_eq!(subs(&["-v"]).len(), 8);
    let plain = logs(&stand, &[]);
    let first = plain.stdout.lines().next().unwrap();
    assert!(first.ends_with(&format!(
        " us-east-1      authorizer access GetDICOMInstanceFrames sub=alice study={STUDY} datastore=d issuer=https://login.example.org/ requestId=r"
    )), "{first}");
    assert!(
        plain
            .stdout
            .contains(" authorizer Task timed out after 5.00 seconds\n")
    );
}

#[test]
fn a_query_for_insights_names_the_regions_that_have_the_group() {
    let stand = Stand::new();
    for (region, group) in [
        ("eu-west-1", AUTHORIZER),
        ("us-east-1", AUTHORIZER),
        ("us-west-2", SIGNER),
    ] {
        write(&stand, region, group, "0", &[(now(), "x".to_owned())]);
    }
    let asked = [
        "--insights",
        "--study",
        STUDY,
        "--since",
        "2026-03-01T00:00:00Z",
        "--until",
        "2026-04-01T00:00:00Z",
    ];
    let run = logs(&stand, &asked);
    assert_eq!(
        run.stdout,
        format!(
            "filter event = \"access\"
| filter study = \"{STUDY}\"
| stats count(*) as requests, min(@timestamp) as first, max(@timestamp) as last by issuer, claims.sub, operation
| sort first asc
| limit 10000
"
        )
    );
    for said in [
        "for region in eu-west-1 us-east-1; do",
        "--start-time 1772323200 --end-time 1775001600 \\\n      --query-string file://query.txt",
        AUTHORIZER,
    ] {
        assert!(run.stderr.contains(said), "{said}: {run:#?}");
    }
    let run = logs(&stand, &[&asked[..], &["--format", "json"]].concat());
    let told = &objects(&run.stdout)[0];
    assert_eq!(told["regions"], json!(["eu-west-1", "us-east-1"]));
    assert_eq!(told["logGroup"], AUTHORIZER);
    assert_eq!(
        (told["startTime"].as_i64(), told["endTime"].as_i64()),
        (Some(1_772_323_200), Some(1_775_001_600))
    );
}

/// A row for each account needs the claims that the lines have.
#[test]
fn a_query_for_insights_goes_by_the_claims_of_the_manifest() {
    let of = |claims: &str| {
        let logs = format!(
            "logs: {{audit: true, auditClaims: {claims}, functions: {{retentionDays: 2192}}}}\n"
        );
        Stand::with(&format!("{MANIFEST}{logs}"), Aws::shared().account())
    };
    let by = |query: &str| {
        let (_, by) = query.split_once(" as last by ").unwrap();
        by.lines().next().unwrap().to_owned()
    };
    for (claims, wanted) in [
        ("[email]", "issuer, claims.email, operation"),
        (
            "['custom:staff', sub]",
            "issuer, `claims.custom:staff`, claims.sub, operation",
        ),
        ("[realm.user]", "issuer, claims.realm.user, operation"),
    ] {
        let stand = of(claims);
        let run = logs(&stand, &["--insights"]);
        assert_eq!(by(&run.stdout), wanted, "{claims}: {run:#?}");
        assert!(!run.stderr.contains("the query goes by"), "{run:#?}");
        let told = logs(&stand, &["--insights", "--format", "json"]);
        let told = &objects(&told.stdout)[0];
        assert_eq!(by(told["query"].as_str().unwrap()), wanted, "{told}");
        // No manifest is read: which claim is assumed is said.
        let named = logs(&stand, &["--insights", "--service", "heart"]);
        assert_eq!(by(&named.stdout), "issuer, claims.sub, operation");
        let words: Vec<&str> = named.stderr.split_whitespace().collect();
        let words = words.join(" ");
        for said in ["so the query goes by `sub`", "`logs.auditClaims`"] {
            assert!(words.contains(said), "{said}: {named:#?}");
        }
    }
    // Nor is anything known by a manifest that asks for no audit lines.
    let silent = logs(&Stand::new(), &["--insights"]);
    assert!(
        silent.stderr.contains("the query goes by `sub`"),
        "{silent:#?}"
    );
    let quoting = logs(&of("['a`b', sub]"), &["--insights"]);
    assert_eq!(by(&quoting.stdout), "issuer, claims.sub, operation");
    assert!(
        quoting
            .stderr
            .contains("leaves out a`b, so that several accounts may share a row"),
        "{quoting:#?}"
    );
    let none = of("['a`b']").run(&["logs", "--insights"]);
    assert_eq!(none.code, 1, "{none:#?}");
    let said = "no query can tell the accounts apart by a`b";
    assert!(none.stderr.contains(said), "{none:#?}");
}

/// As it is marked and copied on a terminal of 80 columns.
#[test]
fn the_loop_over_the_regions_can_be_pasted() {
    let stand = Stand::new();
    let regions = ["ap-northeast-1", "eu-west-1", "sa-east-1", "us-east-1"];
    for region in regions {
        write(&stand, region, AUTHORIZER, "0", &[(now(), "x".to_owned())]);
    }
    let mut command = stand.command(&[
        "logs",
        "--insights",
        "--since",
        "2026-03-01T00:00:00Z",
        "--until",
        "2026-04-01T00:00:00Z",
    ]);
    let terminal = OnTerminal::start_with_columns(&mut command, 80);
    let copied = terminal.copied("  for region in ");
    assert_eq!(terminal.end().0, 0);
    let script = format!("aws() {{ echo \"$#\" \"$@\"; }}\n{copied}");
    let output = shell(&script, stand.project.path());
    assert!(output.status.success(), "{script}: {output:?}");
    let asked = regions.map(|region| {
        format!(
            "12 logs start-query --region {region} --log-group-name {AUTHORIZER} --start-time 1772323200 \
             --end-time 1775001600 --query-string file://query.txt\n"
        )
    });
    assert_eq!(String::from_utf8_lossy(&output.stdout), asked.concat());
}

/// The policy of docs/audit.md is enough, and reads no other log.
#[test]
fn an_auditor_needs_the_policy_of_the_page_and_no_more() {
    let page = read("docs/audit.md");
    let (_, block) = page.split_once("```json\n{\"Version\"").unwrap();
    let block = format!("{{\"Version\"{}", block.split("```").next().unwrap());
    let account = Aws::with_auth().account();
    let policy: Value =
        serde_json::from_str(&block.replace("111122223333", account.number())).unwrap();
    let mut stand = Stand::with(MANIFEST, account);
    for (region, group) in [
        ("us-east-1", AUTHORIZER),
        ("eu-west-1", AUTHORIZER),
        ("eu-west-1", SIGNER),
    ] {
        write(
            &stand,
            region,
            group,
            "0",
            &[(now(), read_of(STUDY, "alice"))],
        );
    }
    stand.account = stand.account.as_user("auditor", &policy);
    let audit = logs(&stand, &["--audit", "--format", "json"]);
    assert_eq!(objects(&audit.stdout).len(), 2, "{audit:#?}");
    let signer = stand.run(&["logs", "--function", "signer"]);
    assert_eq!(signer.code, 1, "{signer:#?}");
    assert!(
        signer.stderr.contains("logs:FilterLogEvents"),
        "{signer:#?}"
    );
}
