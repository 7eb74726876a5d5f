//! `frames logs` on the tests' AWS: lines of five Regions, in any order, while new ones come, with
//! throttling. How CloudWatch Logs pages and filters here is our model of it: see
//! `tests/peers/aws/log_lines.py`.

mod audit;

use crate::deploy::{MANIFEST, PATIENCE, Stand};
use crate::support::frames::Run;
use crate::support::hostile::{harmless, shows, text};
use crate::support::process::Background;
use crate::support::pty::{OnTerminal, on_screen};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::process::ChildStdout;
use std::time::{SystemTime, UNIX_EPOCH};

const AUTHORIZER: &str = "/frames/heart-dev-authorizer";
const SIGNER: &str = "/frames/heart-dev-signer";
const READER: &str = "/frames/heart-dev-reader";
/// Another service's, whose name begins alike.
const OTHER: &str = "/frames/heart-dev-b-authorizer";

const REGIONS: [&str; 5] = [
    "us-east-1",
    "eu-west-1",
    "ap-northeast-1",
    "sa-east-1",
    "us-west-2",
];

const STUDY: &str = "1.2.840.113619.2.5";

fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(now.as_millis()).unwrap()
}

/// Lines in a stream of their own: what a sandbox of a function writes. Time and text of each.
fn write(stand: &Stand, region: &str, group: &str, stream: &str, lines: &[(i64, String)]) {
    let account = &stand.account;
    let named = json!({"logGroupName": group, "logStreamName": stream});
    // The group or the stream may be there.
    let _ = account.try_call(
        region,
        "logs",
        "CreateLogGroup",
        json!({"logGroupName": group}),
    );
    let _ = account.try_call(region, "logs", "CreateLogStream", named.clone());
    let events = lines.iter();
    let events = events.map(|(time, line)| json!({"timestamp": time, "message": line}));
    let mut put = named;
    put["logEvents"] = events.collect();
    account.call_in(region, "logs", "PutLogEvents", put);
}

/// Lines of five Regions and two functions: the time of each tells where it belongs. The streams
/// have them in turns, and two lines may have the same millisecond.
fn five_regions(stand: &Stand, start: i64) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for (r, region) in REGIONS.iter().enumerate() {
        for (f, group) in [AUTHORIZER, SIGNER].into_iter().enumerate() {
            for stream in 0..2 {
                let count = 6 + r;
                let line = |n: usize| {
                    let n = count - 1 - n;
                    let at = start + i64::try_from(n * 70 + r * 13 + f * 5 + stream * 9).unwrap();
                    let id = format!("{r}-{f}-{stream}-{n}");
                    (
                        at / 10 * 10,
                        json!({"decision": "pass", "requestId": id}).to_string(),
                    )
                };
                let lines: Vec<_> = (0..count).map(line).collect();
                write(stand, region, group, &stream.to_string(), &lines);
                let ids = (0..count).map(|n| format!("{r}-{f}-{stream}-{n}"));
                all.extend(ids);
            }
        }
    }
    all
}

fn objects(text: &str) -> Vec<Value> {
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

fn text_of(line: &Value, member: &str) -> String {
    line[member].as_str().unwrap_or_default().to_owned()
}

/// Each line once, and in order: what each says of its time is what sorts it.
fn are_all_in_order(lines: &[Value], expected: &BTreeSet<String>) {
    let times: Vec<String> = lines.iter().map(|line| text_of(line, "time")).collect();
    assert!(times.is_sorted(), "{times:#?}");
    let ids: Vec<String> = lines.iter().map(|it| text_of(it, "requestId")).collect();
    let once: BTreeSet<String> = ids.iter().cloned().collect();
    assert_eq!((ids.len(), &once), (expected.len(), expected));
}

fn logs(stand: &Stand, arguments: &[&str]) -> Run {
    let run = stand.run(&[&["logs"], arguments].concat());
    assert_eq!(run.code, 0, "{run:#?}");
    run
}

#[test]
fn lines_of_five_regions_come_once_and_in_order() {
    let stand = Stand::new();
    // Pages of three lines, and a moment in which no call is taken.
    stand.account.set(&json!({"log_page": 3}));
    let throttling = stand.account.rule(json!({
        "kind": "answer", "service": "logs", "operation": "FilterLogEvents", "at": 4, "count": 9,
        "status": 400, "code": "ThrottlingException", "message": "Rate exceeded",
    }));
    let all = five_regions(&stand, now() - 60_000);
    let line = (now() - 50_000, "another service's".to_owned());
    write(&stand, "eu-west-1", OTHER, "0", &[line]);
    let old = (
        now() - 3 * 60 * 60 * 1000,
        r#"{"requestId":"old"}"#.to_owned(),
    );
    write(&stand, "eu-west-1", SIGNER, "old", &[old]);
    let run = logs(&stand, &["--format", "json"]);
    assert!(throttling.met());
    let lines = objects(&run.stdout);
    are_all_in_order(&lines, &all);
    for line in &lines {
        let id = text_of(line, "requestId");
        let mut parts = id.split('-').map(|part| part.parse::<usize>().unwrap());
        let (region, function) = (parts.next().unwrap(), parts.next().unwrap());
        assert_eq!(line["region"], REGIONS[region], "{line}");
        assert_eq!(
            line["function"],
            ["authorizer", "signer"][function],
            "{line}"
        );
        assert_eq!(line["decision"], "pass");
    }
    // Asked for by name, nobody looks for stacks.
    stand.account.rule(json!({
        "kind": "answer", "service": "cloudformation", "at": 1, "count": 1000,
        "status": 403, "code": "AccessDenied", "message": "no",
    }));
    let named = logs(
        &stand,
        &[
            "--format",
            "json",
            "--service",
            "heart",
            "--function",
            "signer",
        ],
    );
    let signers: BTreeSet<String> = all
        .into_iter()
        .filter(|id| id.split('-').nth(1) == Some("1"))
        .collect();
    are_all_in_order(&objects(&named.stdout), &signers);
    let longer = logs(
        &stand,
        &["--format", "json", "--since", "4h", "--until", "2h"],
    );
    assert_eq!(text_of(&objects(&longer.stdout)[0], "requestId"), "old");
    let none = logs(
        &stand,
        &["--since", "2020-01-01", "--until", "2020-02-01T00:00:00Z"],
    );
    assert_eq!(none.stdout, "");
    assert!(
        none.stderr.contains("no lines since 2020-01-01"),
        "{none:#?}"
    );
}

/// Its group is beside the data stores, in a stack of its own.
#[test]
fn the_readers_lines_are_read_where_it_runs() {
    let stand = Stand::new();
    stand.write(&format!(
        "{MANIFEST}healthImaging: {{region: us-west-2}}\ndelivery: {{cachedReads: true}}\n"
    ));
    for (group, id) in [(READER, "read"), (SIGNER, "signed")] {
        let line = json!({"decision": id, "level": "info", "requestId": id}).to_string();
        write(&stand, "us-west-2", group, "0", &[(now() - 60_000, line)]);
    }
    let run = logs(&stand, &["--format", "json", "--function", "reader"]);
    let shown = objects(&run.stdout);
    assert_eq!(shown.len(), 1, "{run:#?}");
    for (member, value) in [
        ("function", "reader"),
        ("region", "us-west-2"),
        ("requestId", "read"),
    ] {
        assert_eq!(shown[0][member], value, "{run:#?}");
    }
    // It is one of the functions where nobody names one.
    let run = logs(&stand, &["--format", "json"]);
    assert_eq!(objects(&run.stdout).len(), 2, "{run:#?}");
}

/// A run that goes on, and what it has shown.
struct Following {
    process: Background,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Following {
    fn start(stand: &Stand, arguments: &[&str]) -> Self {
        let follow = ["logs", "--follow", "--format", "json"];
        let mut command = stand.command(&[&follow, arguments].concat());
        let (process, _, stdout) = Background::converse(&mut command);
        Self {
            process,
            lines: BufReader::new(stdout).lines(),
        }
    }

    fn next(&mut self) -> Value {
        let line = self.lines.next();
        let line = line.unwrap_or_else(|| panic!("no more lines: {}", self.process.output()));
        serde_json::from_str(&line.unwrap()).unwrap()
    }
}

#[test]
fn lines_that_come_while_it_runs_are_shown_once_and_in_order() {
    let stand = Stand::new();
    stand.account.set(&json!({"log_page": 4}));
    let mut all = five_regions(&stand, now() - 20_000);
    let mut following = Following::start(&stand, &[]);
    let mut shown: Vec<Value> = (0..all.len()).map(|_| following.next()).collect();
    are_all_in_order(&shown, &all);
    let throttling = stand.account.rule(json!({
        "kind": "answer", "service": "logs", "operation": "FilterLogEvents", "at": 3, "count": 4,
        "status": 400, "code": "ThrottlingException", "message": "Rate exceeded",
    }));
    let at = now();
    let line = |n: i64| {
        let id = format!("new-{n}");
        (
            at + n,
            json!({"decision": "pass", "requestId": id}).to_string(),
        )
    };
    write(&stand, "eu-west-1", SIGNER, "new", &[line(0)]);
    all.insert("new-0".to_owned());
    shown.push(following.next());
    are_all_in_order(&shown, &all);
    assert!(throttling.wait(PATIENCE));
    // Lines of all Regions between two looks, the later ones first. How much later they may come is in
    // the tests of the merge.
    let hold = stand.account.rule(json!({
        "kind": "hold-before", "service": "logs", "operation": "FilterLogEvents", "at": 1, "count": 1000,
    }));
    assert!(hold.wait(PATIENCE));
    for n in (1..6).rev() {
        let region = REGIONS[usize::try_from(n).unwrap() % REGIONS.len()];
        write(&stand, region, AUTHORIZER, "new", &[line(n)]);
        all.insert(format!("new-{n}"));
    }
    stand.account.clear_rules();
    shown.extend((1..6).map(|_| following.next()));
    are_all_in_order(&shown, &all);
    // A Region that has had no viewer.
    write(&stand, "eu-north-1", AUTHORIZER, "0", &[line(6)]);
    all.insert("new-6".to_owned());
    shown.push(following.next());
    are_all_in_order(&shown, &all);
    assert_eq!(shown.last().unwrap()["region"], "eu-north-1");
    assert!(following.process.output().contains("in eu-north-1"));
    // Whatever was read again meanwhile, nothing came twice.
    write(&stand, "eu-north-1", AUTHORIZER, "0", &[line(7)]);
    assert_eq!(following.next()["requestId"], "new-7");
    assert_eq!(following.process.end(Signal::INT), 130);
    let mut rest = String::new();
    for line in following.lines.by_ref() {
        rest.push_str(&line.unwrap());
    }
    assert_eq!(rest, "");
}

/// Some seconds apart, as CloudWatch Logs' quota is per second: here it is counted who asked when.
/// Where it is too much all the same, the next call waits for a second, and then for two.
#[test]
fn a_region_is_asked_a_few_times_per_second_only() {
    let stand = Stand::new();
    stand.account.set(&json!({"log_page": 1}));
    stand.account.rule(json!({
        "kind": "answer", "service": "logs", "operation": "FilterLogEvents", "at": 3, "count": 2,
        "status": 400, "code": "ThrottlingException", "message": "Rate exceeded",
    }));
    let line = |n: i64| (now() - 60_000 + n, format!("line {n}"));
    let lines: Vec<_> = (0..8).map(line).collect();
    write(&stand, "eu-west-1", SIGNER, "0", &lines);
    let run = logs(&stand, &[]);
    assert_eq!(run.stdout.lines().count(), 8, "{run:#?}");
    let calls = stand.account.calls();
    let calls: Vec<_> = calls
        .iter()
        .filter(|call| call.operation() == "FilterLogEvents")
        .collect();
    let times: Vec<f64> = calls.iter().map(|call| call.time()).collect();
    assert_eq!(times.len(), 8 + 2, "{calls:?}");
    for pair in times.windows(5) {
        // Five calls in no less than a second.
        assert!(pair[4] - pair[0] > 1.0, "{times:?}");
    }
    let throttled = calls.iter().filter(|call| call.status() == Some(400));
    assert_eq!(throttled.count(), 2, "{calls:?}");
    assert!(times[3] - times[2] > 0.9, "{times:?}");
    assert!(times[4] - times[3] > 1.9, "{times:?}");
}

/// Whatever was in the way, as long as it passes: a connection that breaks, a failure of AWS's, and a
/// proxy's that has no code.
#[test]
fn a_call_that_fails_is_made_again() {
    for fault in [
        json!({"kind": "reset"}),
        json!({"kind": "answer", "status": 500, "code": "InternalFailure", "message": "Injected"}),
        json!({"kind": "answer", "status": 503, "body": {}}),
    ] {
        let stand = Stand::new();
        let lines = [(now() - 60_000, "one".to_owned())];
        write(&stand, "eu-west-1", SIGNER, "0", &lines);
        let mut rule = fault.clone();
        rule["service"] = json!("logs");
        rule["operation"] = json!("FilterLogEvents");
        let met = stand.account.rule(rule);
        let run = logs(&stand, &[]);
        assert!(met.met(), "{fault}");
        assert_eq!(run.stdout.lines().count(), 1, "{fault}: {run:#?}");
    }
}

#[test]
fn times_are_in_the_readers_zone() {
    let stand = Stand::new();
    let at = 1_772_359_200_123;
    write(&stand, "eu-west-1", SIGNER, "0", &[(at, "one".to_owned())]);
    let mut command = stand.command(&[
        "logs",
        "--since",
        "2026-03-01T10:00:00Z",
        "--until",
        "2026-03-01T10:00:01Z",
    ]);
    command.env("TZ", "Asia/Kolkata");
    let run = Run::of(&mut command);
    assert_eq!(
        run.stdout, "2026-03-01 15:30:00.123 +05:30 eu-west-1      signer     one\n",
        "{run:#?}"
    );
    // A date is that zone's, too: this day began there at 18:30 UTC.
    let mut command = stand.command(&[
        "logs",
        "--since",
        "2026-03-01",
        "--until",
        "2026-03-02",
        "--format",
        "json",
    ]);
    command.env("TZ", "Asia/Kolkata");
    assert_eq!(
        objects(&Run::of(&mut command).stdout)[0]["time"],
        "2026-03-01T10:00:00.123Z"
    );
}

#[test]
fn what_cannot_be_read_is_said() {
    let stand = Stand::new();
    let nothing = stand.run(&["logs"]);
    assert_eq!(nothing.code, 1, "{nothing:#?}");
    assert!(
        nothing.stderr.contains("heart (dev) has no log group"),
        "{nothing:#?}"
    );
    write(&stand, "us-east-1", SIGNER, "0", &[(now(), "x".to_owned())]);
    // One of the Regions, whichever asks first.
    stand.account.rule(json!({
        "kind": "answer", "service": "logs", "operation": "DescribeLogGroups", "at": 1, "count": 16,
        "status": 400, "code": "AccessDeniedException",
        "message": "User: x is not authorized to perform: logs:DescribeLogGroups with an explicit deny",
    }));
    let closed = stand.run(&["logs"]);
    assert!(
        closed
            .stderr
            .contains("16 Regions, where you have no permission for logs:DescribeLogGroups: "),
        "{closed:#?}"
    );
    stand.account.clear_rules();
    stand.account.rule(json!({
        "kind": "answer", "service": "logs", "operation": "FilterLogEvents", "at": 1, "count": 1,
        "status": 400, "code": "AccessDeniedException",
        "message": "User: x is not authorized to perform: logs:FilterLogEvents on resource: arn:aws:logs:x",
    }));
    let denied = stand.run(&["logs"]);
    assert_eq!(denied.code, 1, "{denied:#?}");
    for said in ["logs:FilterLogEvents", SIGNER, "us-east-1", "--read-logs"] {
        assert!(denied.stderr.contains(said), "{denied:#?}");
    }
    stand.account.rule(json!({
        "kind": "answer", "service": "logs", "operation": "FilterLogEvents", "at": 1, "count": 1000,
        "status": 400, "code": "ExpiredTokenException", "message": "expired",
    }));
    let expired = stand.run(&["logs"]);
    assert!(expired.stderr.contains("have expired"), "{expired:#?}");
    for (arguments, said) in [
        (&["--study", STUDY][..], "--audit"),
        (
            &["--audit", "--study", "1.2*"],
            "a DICOM UID has digits and dots",
        ),
        (
            &["--audit", "--image-set", "A"],
            "an id of HealthImaging's has 32",
        ),
        (&["--audit", "--function", "signer"], "cannot be used with"),
        (&["--function", "viewer"], "authorizer, signer, reader"),
        (&["--follow", "--until", "1h"], "cannot be used with"),
        (&["--since", "yesterday"], "how long ago"),
        (&["--since", "2026-02-30"], "how long ago"),
        (&["--since", "2099-01-01"], "`--since` is in the future"),
        (
            &["--since", "1h", "--until", "2h"],
            "`--until` is before `--since`",
        ),
    ] {
        let run = stand.run(&[&["logs"], arguments].concat());
        assert_eq!(run.code, 2, "{arguments:?}: {run:#?}");
        let words: Vec<&str> = run.stderr.split_whitespace().collect();
        assert!(words.join(" ").contains(said), "{arguments:?}: {run:#?}");
    }
}

/// At 80 columns: a head of its own, and below it words of which none is broken.
#[test]
fn a_line_is_readable_on_a_narrow_terminal() {
    let stand = Stand::new();
    let study = "1.2.840.113619.2.55.3.604688119.969";
    let (series, rule) = (format!("{study}.1234567890.12"), "no row has this study");
    let message = json!({
        "decision": "deny", "level": "warn", "reason": "no_access_row", "requestId": "r".repeat(56),
        "rule": format!("auth.access: {rule}"), "series": series, "study": study,
    });
    let at = 1_772_359_200_123;
    let lines = [(at, message.to_string()), (at + 1, "two words".to_owned())];
    write(&stand, "eu-west-1", AUTHORIZER, "0", &lines);
    let mut command = stand.command(&[
        "logs",
        "--since",
        "2026-03-01T10:00:00Z",
        "--until",
        "2026-03-01T10:00:01Z",
        "-q",
    ]);
    command.env("TZ", "UTC");
    let (code, shown) = OnTerminal::start_with_columns(&mut command, 80).end();
    assert_eq!(code, 0, "{shown}");
    let expected = format!(
        "2026-03-01 10:00:00.123 +00:00 authorizer eu-west-1
  warn deny no_access_row rule=\"auth.access: {rule}\"
  series={series}
  study={study}
  requestId={}
2026-03-01 10:00:00.124 +00:00 authorizer eu-west-1
  two words",
        "r".repeat(56)
    );
    assert_eq!(on_screen(&shown).join("\n"), expected);
}

/// Nobody reads any more: `frames logs --follow | head -1` ends.
#[test]
fn it_ends_when_nobody_reads() {
    let stand = Stand::new();
    write(
        &stand,
        "us-east-1",
        SIGNER,
        "0",
        &[(now(), "one".to_owned())],
    );
    let mut command = stand.command(&["logs", "--follow"]);
    let (mut process, _, stdout) = Background::converse(&mut command);
    let mut first = [0; 1];
    BufReader::new(stdout).read_exact(&mut first).unwrap();
    for n in 0.. {
        write(
            &stand,
            "us-east-1",
            SIGNER,
            "0",
            &[(now(), format!("more {n}"))],
        );
        if let Some(code) = process.exit_code() {
            assert_eq!(code, 0, "{}", process.output());
            break;
        }
        assert!(n < 600, "it goes on");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
}

#[test]
fn hostile_lines_are_made_printable() {
    let stand = Stand::new();
    let claims = json!({"event": "access", "claims": {"sub": text()}, text(): text()}).to_string();
    let raw = format!("{}\n{}", text(), text());
    let lines = [(now(), claims), (now(), raw), (now(), text())];
    write(&stand, "us-east-1", AUTHORIZER, "0", &lines);
    shows("logs", &mut stand.command(&["logs"]));
    shows("logs", &mut stand.command(&["logs", "--color", "always"]));
    harmless("logs", &mut stand.command(&["logs", "--format", "json"]));
    // Three rows on a terminal, whatever is in them.
    let (code, shown) = OnTerminal::start(&mut stand.command(&["logs"])).end();
    assert_eq!(
        (code, shown.matches("authorizer").count()),
        (0, 3),
        "{shown}"
    );
}
