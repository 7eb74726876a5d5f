//! The comment on the pull request: one per command with its arguments, and renewed by each run.

use super::{Job, from};
use crate::support::installer::Release;
use serde_json::json;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

/// What `gh api` does with its arguments, where GitHub can't be asked: comments are files.
const GH: &str = r#"#!/bin/sh
set -eu
[ "$GH_TOKEN" = secret-of-the-job ] || exit 4
cd "$COMMENTS"
case $* in
  "api --paginate repos/owner/viewer/issues/7/comments --jq "*)
    printf '%s\n' "$5" >asked
    mark=$(printf '%s' "$5" | sed 's/.*startswith("\(.*\)")).*/\1/')
    for comment in [0-9]*; do
      [ ! -e "$comment" ] || { [ "$(sed 1q "$comment")" != "$mark" ] || echo "$comment"; }
    done
    ;;
  "api --silent repos/owner/viewer/issues/7/comments -F body=@"*) cp "${5#body=@}" "$(($(ls | grep -c '^[0-9]') + 1))" ;;
  "api --silent --method PATCH repos/owner/viewer/issues/comments/"*)
    [ -e "${5##*/}" ]
    cp "${7#body=@}" "${5##*/}"
    ;;
  *) exit 64 ;;
esac
"#;

/// A job of a pull request that comments what `release` prints of `diff`.
fn commenting(release: &Release) -> Job {
    let mut job = Job::new(&[from(release), ("command", "diff"), ("comment", "true")]);
    let (bin, comments) = (
        job.home.path().join("gh-bin"),
        job.home.path().join("comments"),
    );
    fs::create_dir(&bin).unwrap();
    fs::create_dir(&comments).unwrap();
    fs::write(bin.join("gh"), GH).unwrap();
    fs::set_permissions(bin.join("gh"), Permissions::from_mode(0o755)).unwrap();
    for (name, value) in [
        ("PATH", format!("{}:/usr/bin:/bin", bin.display())),
        ("COMMENTS", comments.display().to_string()),
        ("GITHUB_REPOSITORY", "owner/viewer".to_owned()),
    ] {
        job.variables.insert(name.to_owned(), value);
    }
    for (name, value) in [("number", "7"), ("head.sha", "1234abcd")] {
        job.event.insert(name.to_owned(), value.to_owned());
    }
    job
}

/// The comments, in their order.
fn comments(job: &Job) -> Vec<String> {
    let entries = fs::read_dir(job.home.path().join("comments")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut numbered: Vec<PathBuf> = paths.filter(|path| !path.ends_with("asked")).collect();
    numbered.sort();
    let texts = numbered
        .iter()
        .map(|path| fs::read_to_string(path).unwrap());
    texts.collect()
}

/// A release whose commands do this.
fn doing(script: &str) -> Release {
    let script =
        format!("#!/bin/sh\ncase $1 in --version) echo frames 1.2.3;; *) {script};; esac\n");
    Release::running("1.2.3", &script)
}

const DRAWN: &str =
    "-->\n### frames diff\n\n```mermaid\nflowchart TB\n```\n\nOf commit 1234abcd.\n";

/// One comment for each command with its arguments: drawn where it is a graph, and code otherwise.
#[test]
fn a_pull_request_gets_one_comment_that_is_renewed() {
    let printing = |what: &str| {
        doing(&format!(
            "cat <<'END'\n{what}\nEND\n[ -z \"${{GH_TOKEN-}}\" ]"
        ))
    };
    let release = printing("flowchart TB");
    let mut job = commenting(&release);
    // No pull request, no comment.
    let number = job.event.remove("number").unwrap();
    let ended = job.run();
    assert_eq!(ended.last().code, 1, "{ended:#?}");
    assert!(
        ended.last().stderr.contains("of no pull request"),
        "{ended:#?}"
    );

    job.event.insert("number".to_owned(), number);
    let mermaid = json!("--format\nmermaid\n");
    for (arguments, expected) in [
        (json!(""), vec!["    flowchart TB\n"]),
        (mermaid.clone(), vec!["    flowchart TB\n", DRAWN]),
        (mermaid.clone(), vec!["    flowchart TB\n", DRAWN]),
    ] {
        job.inputs.insert("args".to_owned(), arguments);
        let ended = job.run();
        assert_eq!(ended.last().code, 0, "{ended:#?}");
        let written = comments(&job);
        assert_eq!(written.len(), expected.len(), "{written:#?}");
        for (text, expected) in written.iter().zip(expected) {
            assert!(text.contains(expected), "{text}");
        }
    }
    // What could end the fence is code.
    let hostile = printing("flowchart TB\n```\n# big");
    job.inputs.insert("from".to_owned(), json!(hostile.path()));
    let ended = job.run();
    assert_eq!(ended.last().code, 0, "{ended:#?}");
    let written = comments(&job);
    assert_eq!(written.len(), 2);
    assert!(
        written[1].contains("    ```\n    # big\n"),
        "{}",
        written[1]
    );
    // No permission is an error with a way on.
    fs::write(job.home.path().join("gh-bin/gh"), "#!/bin/sh\nexit 1\n").unwrap();
    let ended = job.run();
    assert_eq!(ended.last().code, 1, "{ended:#?}");
    assert!(
        ended.last().stderr.contains("pull-requests: write"),
        "{ended:#?}"
    );
}

/// What an earlier run said isn't true any more.
#[test]
fn a_failed_command_renews_the_comment_and_fails_the_step() {
    let good = doing("echo flowchart TB");
    let mut job = commenting(&good);
    job.inputs
        .insert("args".to_owned(), json!("--format\nmermaid\n"));
    assert_eq!(job.run().code(), 0);
    assert!(comments(&job)[0].contains(DRAWN));

    let failing = doing(
        "echo flowchart TB
printf 'account 111122223333, as arn:aws:sts::111122223333:assumed-role/ci/job\\r\\n' >&2
printf 'error: no access\\r\\n111122223333 111122223333 arn:aws:iam::111122223333:user/ci may not\\n```\\n' >&2
exit 3",
    );
    job.inputs.insert("from".to_owned(), json!(failing.path()));
    let ended = job.run();
    assert_eq!((ended.code(), ended.last().code), (3, 0), "{ended:#?}");
    assert_eq!(ended.outputs["exit-code"], "3");
    let step = &ended.runs[1];
    for said in ["account 111122223333, as arn:", "error: no access"] {
        assert!(step.stderr.contains(said), "{ended:#?}");
    }
    assert!(step.stdout.contains("flowchart TB\n"), "{ended:#?}");
    let failed = "-->\n### frames diff\n\n    flowchart TB\n\n\nIt failed with exit code 3:\n\n    error: no access\n    *** *** arn:*** may not\n    ```\n\n\n\nOf commit 1234abcd.\n";
    let written = comments(&job);
    assert_eq!(written.len(), 1);
    assert!(written[0].ends_with(failed), "{}", written[0]);
    // However much is said, GitHub takes it.
    let long = doing("yes | head -n 90000; (echo error; yes 'é' | head -n 90000) >&2; exit 1");
    job.inputs.insert("from".to_owned(), json!(long.path()));
    let ended = job.run();
    assert_eq!((ended.code(), ended.last().code), (1, 0));
    let text = &comments(&job)[0];
    assert!(text.len() > 55_000 && text.chars().count() < 65_536);
    assert!(text.contains("\nIt failed with exit code 1:\n"));
    // The next good one renews it again.
    job.inputs.insert("from".to_owned(), json!(good.path()));
    assert_eq!(job.run().code(), 0);
    assert!(comments(&job)[0].contains(DRAWN));
    // A command that isn't one never ran: the comment stays.
    job.inputs.insert("command".to_owned(), json!("no command"));
    let ended = job.run();
    assert_eq!((ended.runs.len(), ended.code()), (2, 2), "{ended:#?}");
    assert_eq!(comments(&job).len(), 1);
}
