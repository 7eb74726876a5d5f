//! The two ways in which `index.py` starts the program, under AWS's own Lambda emulator and
//! Python runtime client: the same answers, and what the second way has to do by itself.
//! The emulator is AWS's, but it isn't Lambda@Edge.

use crate::lambda::{FRAME, NATIVE_HOST, unpacked};
use crate::support::emulator::{Lambda, Program, TIME_OUT, Task, foreign_program};
use crate::support::events::{REQUEST_ID, origin_request, viewer_request};
use crate::support::frames::Project;
use crate::support::process::{eventually, send};
use crate::support::tokens::{AUDIENCE, ISSUER, Issuer};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

/// What `deploy.launch: child` puts into the zip.
fn by_child(task: Task) -> Task {
    fs::write(task.file("launch"), "child\n").unwrap();
    task
}

/// A signer whose program is a child, and its event.
fn signer() -> (Lambda, Value) {
    let lambda = Lambda::start(by_child(unpacked("signer", &Issuer::new())));
    let event = origin_request("POST", FRAME, "", NATIVE_HOST, "{}");
    (lambda, event)
}

/// The child of the one process that the emulator started.
fn child(lambda: &Lambda) -> Program {
    let children = lambda.program().children();
    assert_eq!(children.len(), 1, "{children:?}\n{}", lambda.log());
    Program { pid: children[0] }
}

fn is_running(pid: u32) -> bool {
    // One that nobody has asked after is dead all the same.
    let status = fs::read_to_string(format!("/proc/{pid}/status"));
    status.is_ok_and(|status| !status.contains("State:\tZ"))
}

/// Without what the time of day decides.
fn timeless(mut answer: Value) -> Value {
    if let Some(headers) = answer["headers"].as_object_mut() {
        for name in ["authorization", "x-amz-date"] {
            if let Some(header) = headers.get_mut(name) {
                header[0]["value"] = json!(header[0]["value"].as_str().unwrap().len());
            }
        }
    }
    answer
}

/// The parts of an error that don't depend on which program reports it.
fn error(answer: &Value) -> (&str, &str) {
    let text = |member: &str| answer[member].as_str().unwrap_or_default();
    (text("errorType"), text("errorMessage"))
}

#[test]
fn both_ways_give_the_same_answers() {
    let issuer = Issuer::new();
    let token = issuer.token(json!({"exp": 4_000_000_000_u64}));
    let bearer = format!("Bearer {token}");
    let mut numbers = origin_request("POST", FRAME, "b=%20x&a=1", NATIVE_HOST, "{}").to_string();
    let kinds = "[0, -0.0, 1.0, 1e3, 0.1, 5e-324, 1.7976931348623157e308, 18446744073709551615, -9223372036854775808, 123456789012345678901234567890]";
    numbers = numbers.replace(
        "\"customHeaders\":{}",
        &format!("\"customHeaders\":{{\"x\":{kinds}}}"),
    );
    let long = "x".repeat(900_000);
    let text = "é \u{1f600} \u{2028} \\ \" \u{7f}";
    let escaped = viewer_request(
        "POST",
        FRAME,
        "a=1",
        &[("Authorization", &bearer), ("X-Text", "@")],
    );
    let escaped = escaped
        .to_string()
        .replace("\"@\"", r#""\u00e9 \ud83d\ude00 \u2028 \/""#);
    for (name, events) in [
        (
            "authorizer",
            vec![
                viewer_request("POST", FRAME, "a=1", &[("Authorization", &bearer)]).to_string(),
                viewer_request("POST", FRAME, "", &[("Token", &token), ("X-Text", text)])
                    .to_string(),
                viewer_request(
                    "POST",
                    FRAME,
                    &format!("token={token}"),
                    &[("X-Long", &long)],
                )
                .to_string(),
                viewer_request("POST", FRAME, "", &[]).to_string(),
                viewer_request("POST", FRAME, "", &[("Authorization", "Bearer e30.e30.x")])
                    .to_string(),
                viewer_request("GET", "/elsewhere/é", "", &[]).to_string(),
                viewer_request(
                    "OPTIONS",
                    FRAME,
                    "",
                    &[("Origin", "https://viewer.example.org")],
                )
                .to_string(),
                escaped.clone(),
            ],
        ),
        (
            "signer",
            vec![
                origin_request("POST", FRAME, "", NATIVE_HOST, "{\"ü\": \"\u{1f600}\"}")
                    .to_string(),
                origin_request("POST", FRAME, "a=1", NATIVE_HOST, &long).to_string(),
                origin_request("POST", "/elsewhere", "", NATIVE_HOST, "{}").to_string(),
                origin_request("POST", FRAME, "", "evil.example", "{}").to_string(),
                numbers.clone(),
            ],
        ),
    ] {
        let exec = Lambda::start(unpacked(name, &issuer));
        let child = Lambda::start(by_child(unpacked(name, &issuer)));
        for event in events {
            let (one, other) = (exec.invoke_text(&event), child.invoke_text(&event));
            assert!(one["errorType"].is_null(), "{event:.300}: {one}");
            assert_eq!(timeless(one), timeless(other), "{event:.300}");
        }
        // The same errors, of the same program.
        for event in [
            "null",
            "17",
            r#"{"Records": []}"#,
            r#"{"Records": null}"#,
            r#"{"Records": [{"cf": {"config": {"eventType": "x", "requestId": "y"}, "request": {"method": "GET", "uri": "\ud800"}}}]}"#,
        ] {
            let (one, other) = (exec.invoke_text(event), child.invoke_text(event));
            assert!(!error(&one).0.is_empty(), "{event}: {one}");
            assert_eq!(error(&one), error(&other), "{event}");
        }
        // What is no JSON, or too deep, Python's own client refuses first.
        let deep = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
        for event in ["{", "\"\x01\"", &deep] {
            let (one, other) = (exec.invoke_text(event), child.invoke_text(event));
            assert!(
                one["errorType"].is_string() && other["errorType"].is_string(),
                "{event:.30}: {one} {other}"
            );
        }
        for log in [exec.log(), child.log()] {
            assert!(!log.contains(&token) && !log.contains("AWS4-HMAC"), "{log}");
        }
    }
}

/// An authorizer that writes down what it grants.
fn auditing(issuer: &Issuer) -> Task {
    let project = Project::new(&format!(
        "service: audit-test
auth: {{mode: oidc, issuer: '{ISSUER}', audience: {AUDIENCE}, jwksFile: ./jwks.json}}
iam: {{allow: [{{datastore: 12345678901234567890123456789012}}]}}
logs: {{audit: true, auditClaims: [sub, email], functions: {{retentionDays: 2192}}}}
"
    ));
    project.write("jwks.json", issuer.key_set().to_string());
    project.package();
    Task::of(&project, "authorizer")
}

/// Lines of the log that are audit lines.
fn audit_lines(log: &str) -> Vec<Value> {
    let lines = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["event"] == "access").collect()
}

#[test]
fn an_audit_line_is_in_the_log_by_both_ways() {
    let issuer = Issuer::new();
    let token = issuer.token(json!({"email": "viewer@example.org"}));
    let bearer = format!("Bearer {token}");
    for way in [std::convert::identity, by_child] {
        let lambda = Lambda::start(way(auditing(&issuer)));
        let granted = viewer_request("POST", FRAME, "", &[("Authorization", &bearer)]);
        assert_eq!(lambda.invoke(&granted)["uri"], FRAME);
        let is_child = lambda.task().file("launch").exists();
        let children = lambda.program().children();
        assert_eq!(children.len(), usize::from(is_child));
        // What is refused has a line of its own, which comes after.
        let refused = lambda.invoke(&viewer_request("POST", FRAME, "", &[]));
        assert_eq!(refused["status"], "401", "{refused}");
        let log = eventually("both lines", || {
            let log = lambda.log();
            (!audit_lines(&log).is_empty() && log.contains("no_token")).then_some(log)
        });
        let expected = json!({
            "event": "access", "requestId": REQUEST_ID, "operation": "GetImageFrame",
            "datastore": "12345678901234567890123456789012",
            "imageSet": "aaaabbbbccccddddeeeeffff00001111", "issuer": ISSUER,
            "claims": {"sub": "viewer", "email": "viewer@example.org"},
        });
        assert_eq!(audit_lines(&log), [expected], "{log}");
        assert!(!log.contains(&token), "a token in the log");
    }
}

/// Nothing may be executed by Python any more, but children may be started: Python itself
/// has this way to refuse, an audit hook. `sitecustomize` is imported before all else.
const NO_EXEC: &str = "
import sys

def refuse(event, arguments):
    if event == 'os.exec':
        raise PermissionError('no program takes the place of this one')

sys.addaudithook(refuse)
";

#[test]
fn where_exec_is_refused_the_program_is_a_child() {
    let hooks = tempfile::tempdir().unwrap();
    fs::write(hooks.path().join("sitecustomize.py"), NO_EXEC).unwrap();
    let task = unpacked("signer", &Issuer::new());
    let path = hooks.path().to_str().unwrap();
    let lambda = Lambda::start_with(task, &[("PYTHONPATH", path)]);
    let event = origin_request("POST", FRAME, "", NATIVE_HOST, "{}");
    for _ in 0..2 {
        assert_eq!(lambda.invoke(&event)["uri"], FRAME);
    }
    assert_eq!(child(&lambda).executable(), lambda.task().file("bootstrap"));
    let warnings = lambda.log().matches("warning: exec is refused").count();
    assert_eq!(warnings, 1, "once a sandbox: {}", lambda.log());
    assert!(
        lambda
            .log()
            .contains("in place: no program takes the place"),
        "{}",
        lambda.log()
    );
}

#[test]
fn a_package_says_by_which_way() {
    let project =
        Project::new("service: launch-test\nauth: {mode: none}\ndeploy: {launch: child}\n");
    project.package();
    let zip = fs::read_dir(project.output(""))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let zips: Vec<_> = zip
        .filter(|path| path.extension().is_some_and(|e| e == "zip"))
        .collect();
    assert_eq!(zips.len(), 2);
    for zip in zips {
        let lambda = Lambda::start(Task::unpack(&zip));
        lambda.invoke(&viewer_request("POST", FRAME, "", &[]));
        assert_eq!(child(&lambda).executable(), lambda.task().file("bootstrap"));
    }
}

#[test]
fn a_child_stays_and_grows_no_more() {
    let (lambda, event) = signer();
    let ask = |times: usize| {
        for _ in 0..times {
            assert_eq!(lambda.invoke(&event)["uri"], FRAME);
        }
    };
    ask(300);
    let (python, program) = (lambda.program(), child(&lambda));
    assert_eq!(python.status("Threads:"), "1");
    assert_eq!(program.children(), [0; 0]);
    let early = (python.resident_kb(), program.resident_kb());
    ask(1_500);
    assert_eq!(
        (lambda.program().pid, child(&lambda).pid),
        (python.pid, program.pid)
    );
    let late = (python.resident_kb(), program.resident_kb());
    assert!(
        late.0 <= early.0 + 1024 && late.1 <= early.1 + 128,
        "{early:?} KB, then {late:?} KB"
    );
}

#[test]
fn a_lost_mode_bit_is_survived_by_a_child() {
    let task = by_child(unpacked("signer", &Issuer::new()));
    fs::set_permissions(task.file("bootstrap"), fs::Permissions::from_mode(0o644)).unwrap();
    let lambda = Lambda::start(task);
    let event = origin_request("POST", FRAME, "", NATIVE_HOST, "{}");
    assert_eq!(lambda.invoke(&event)["uri"], FRAME);
    let executable = child(&lambda).executable();
    assert!(
        executable.starts_with("/memfd:bootstrap (deleted)"),
        "{executable:?}"
    );
}

#[test]
fn a_child_that_is_killed_comes_back() {
    let (lambda, event) = signer();
    assert_eq!(lambda.invoke(&event)["uri"], FRAME);
    let (python, first) = (lambda.program().pid, child(&lambda).pid);
    // Between two events nothing is lost.
    send(first, Signal::KILL);
    eventually("its end", || (!is_running(first)).then_some(()));
    assert_eq!(lambda.invoke(&event)["uri"], FRAME);
    assert_ne!(child(&lambda).pid, first);
    // Within one, that one fails as Lambda has it, and the next one doesn't. How long an event
    // takes to the child depends on the machine.
    let failed = [300, 1_000, 4_000, 8_000].into_iter().find_map(|wait| {
        let answer = killed_within(&lambda, &event, Duration::from_millis(wait));
        (answer["uri"] != FRAME).then_some(answer)
    });
    let failed = failed.unwrap();
    let (kind, message) = error(&failed);
    assert_eq!(kind, "Runtime.ExitError", "{failed}");
    assert!(
        message.starts_with("RequestId: ")
            && message.ends_with("Error: Runtime exited with error: signal: killed"),
        "{message}"
    );
    assert_eq!(lambda.invoke(&event)["uri"], FRAME);
    assert_eq!(lambda.program().pid, python, "Python stays");
}

/// What comes of an event whose child hangs, and is killed after a while.
fn killed_within(lambda: &Lambda, event: &Value, wait: Duration) -> Value {
    let stopped = child(lambda).pid;
    send(stopped, Signal::STOP);
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| lambda.invoke(event));
        std::thread::sleep(wait);
        send(stopped, Signal::KILL);
        asked.join().unwrap()
    })
}

#[test]
fn a_time_out_ends_the_child_too() {
    let task = by_child(unpacked("signer", &Issuer::new()));
    let lambda = Lambda::start_with(task, &[TIME_OUT]);
    let event = origin_request("POST", FRAME, "", NATIVE_HOST, "{}");
    assert_eq!(lambda.invoke(&event)["uri"], FRAME);
    let is_signed = |answer: &[u8]| String::from_utf8_lossy(answer).contains("AWS4-HMAC-SHA256");
    let stopped = lambda.survives_a_time_out(&event, is_signed, child);
    eventually("the end of the old child", || {
        (!is_running(stopped)).then_some(())
    });
}

#[test]
fn a_program_that_does_not_start_is_told_alike_by_both_ways() {
    let script = |text: &str| Some(format!("#!/bin/sh\n{text}\n").into_bytes());
    for (program, kind, words) in [
        (None, "RuntimeError", "No such file or directory"),
        (Some(foreign_program()), "RuntimeError", "Exec format error"),
        (Some(vec![]), "RuntimeError", "Exec format error"),
        (
            script("exit 0"),
            "Runtime.ExitError",
            "Runtime exited without providing a reason",
        ),
        (
            script("exit 3"),
            "Runtime.ExitError",
            "Runtime exited with error: exit status 3",
        ),
        (
            script("kill -SEGV $$"),
            "Runtime.ExitError",
            "Runtime exited with error: signal: segmentation fault",
        ),
    ] {
        for way in [std::convert::identity, by_child] {
            let task = way(unpacked("signer", &Issuer::new()));
            replace(&task.file("bootstrap"), program.as_deref());
            let lambda = Lambda::start(task);
            let event = origin_request("POST", FRAME, "", NATIVE_HOST, "{}").to_string();
            for _ in 0..2 {
                let answer = lambda.invoke_raw(&event);
                if answer.is_empty() {
                    // The emulator has no answer where its own process ends before the first event.
                    // It writes a line's fields in any order.
                    let error = format!("error={words}");
                    eventually("the emulator's word", || {
                        let log = lambda.log();
                        let mut lines = log.lines();
                        lines
                            .any(|line| line.contains("Invoke failed") && line.contains(&error))
                            .then_some(())
                    });
                    continue;
                }
                let answer: Value = serde_json::from_str(&answer).unwrap();
                assert_eq!(error(&answer).0, kind, "{answer}");
                assert!(error(&answer).1.contains(words), "{words}: {answer}");
            }
        }
    }
}

fn replace(file: &Path, content: Option<&[u8]>) {
    fs::remove_file(file).unwrap();
    if let Some(content) = content {
        fs::write(file, content).unwrap();
        fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
    }
}

#[test]
fn a_broken_configuration_is_told_alike_by_both_ways() {
    let mut told = Vec::new();
    for way in [std::convert::identity, by_child] {
        let task = way(unpacked("signer", &Issuer::new()));
        fs::write(task.file("config.json"), "{}").unwrap();
        let root = task.file("").display().to_string();
        let lambda = Lambda::start(task);
        let answer = lambda.invoke(&origin_request("POST", FRAME, "", NATIVE_HOST, "{}"));
        let (kind, message) = error(&answer);
        told.push((kind.to_owned(), message.replace(&root, "")));
        // The program's own line. Of its own process the emulator may lose what comes last.
        let line = format!("error: {message}\n");
        if lambda.task().file("launch").exists() {
            eventually("the line in the log", || {
                lambda.log().contains(&line).then_some(())
            });
        }
    }
    assert_eq!(told[0], told[1]);
    assert_eq!(told[0].0, "InvalidPackage");
}

/// Others on this machine can reach the port, but don't know the path.
#[test]
fn nobody_but_the_child_gets_an_event() {
    let (lambda, event) = signer();
    assert_eq!(lambda.invoke(&event)["uri"], FRAME);
    let environment = fs::read(format!("/proc/{}/environ", child(&lambda).pid)).unwrap();
    let environment = String::from_utf8(environment).unwrap();
    let mut variables = environment.split('\0');
    let address =
        variables.find_map(|variable| variable.strip_prefix("AWS_LAMBDA_RUNTIME_API=http://"));
    let (host, secret) = address.unwrap().split_once('/').unwrap();
    assert!(
        host.starts_with("127.0.0.1:") && secret.len() == 32,
        "{host}"
    );
    assert!(!lambda.log().contains(secret));
    let other = secret.chars().rev().collect::<String>();
    for path in [String::new(), format!("/{other}"), "/".to_owned()] {
        for call in [
            "GET {}/2018-06-01/runtime/invocation/next",
            "POST {}/2018-06-01/runtime/init/error",
        ] {
            let mut stranger = TcpStream::connect(host).unwrap();
            let line = call.replace("{}", &path);
            write!(
                stranger,
                "{line} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
            )
            .unwrap();
            // What hangs in the middle of a request holds nobody up.
            let _hanging = TcpStream::connect(host).unwrap().write_all(b"GET / HT");
            assert_eq!(lambda.invoke(&event)["uri"], FRAME);
            let mut answer = String::new();
            stranger.read_to_string(&mut answer).unwrap();
            assert_eq!(
                answer, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
                "{line}"
            );
        }
    }
}

#[test]
fn nothing_is_left_when_python_is_gone() {
    let (lambda, event) = signer();
    assert_eq!(lambda.invoke(&event)["uri"], FRAME);
    let (python, program) = (lambda.program().pid, child(&lambda).pid);
    send(python, Signal::KILL);
    eventually("the end of the child", || {
        (!is_running(program)).then_some(())
    });
}
