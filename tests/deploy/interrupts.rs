//! Ctrl-C, once and twice.

use super::{MANIFEST, PATIENCE, Stand};
use crate::signals::{Silent, ended, program};
use crate::support::https::Https;
use crate::support::process::{Background, eventually, send};
use rustix::process::Signal;
use serde_json::json;

fn interrupted(arguments: &[&str], operation: &str, prepare: impl Fn(&Stand)) {
    let reference = Stand::new();
    prepare(&reference);
    assert_eq!(reference.run(arguments).code, 0);
    let stand = Stand::new();
    prepare(&stand);
    let hold = stand
        .account
        .rule(json!({"kind": "hold-before", "operation": operation}));
    let mut process = Background::start(&mut stand.command(arguments));
    assert!(hold.wait(PATIENCE));
    send(process.pid(), Signal::INT);
    eventually("the word on it", || {
        process.output().contains("Ctrl-C again").then_some(())
    });
    // The call that is under way is ended first.
    stand.account.clear_rules();
    let code = eventually("the end", || process.exit_code());
    let output = process.output();
    assert_eq!(code, 130, "{output}");
    assert!(
        output.contains("interrupted")
            && output.contains(&format!(
                "run `frames {}` again to go on from there",
                arguments[0]
            )),
        "{output}"
    );
    let run = stand.run(arguments);
    assert_eq!(run.code, 0, "{run:#?}");
    assert_eq!(stand.account.state(), reference.account.state());
    stand.never_open();
}

#[test]
fn a_deployment_goes_on_later() {
    interrupted(&["deploy", "--yes"], "ExecuteChangeSet", |_| {});
    interrupted(&["deploy", "--yes"], "PutObject", |_| {});
    interrupted(&["deploy", "--yes"], "Invoke", |_| {});
}

#[test]
fn a_removal_goes_on_later() {
    let prepare = |stand: &Stand| {
        stand.deploy();
    };
    interrupted(&["remove", "--yes"], "ExecuteChangeSet", prepare);
    interrupted(&["remove", "--yes"], "DeleteStack", prepare);
}

/// An issuer that asks to wait keeps nobody from leaving.
#[test]
fn a_wait_for_an_issuer_ends_at_once() {
    let stand = Stand::new();
    let issuer = Https::start(|_| {
        "HTTP/1.1 429 Slow Down\r\nRetry-After: 10\r\nContent-Length: 0\r\n\r\n".to_owned()
    });
    let manifest = MANIFEST
        .replace("https://login.example.org/", &issuer.url)
        .replace(", jwksFile: ./jwks.json", "");
    stand.write(&manifest);
    let mut command = stand.command(&["deploy", "--yes"]);
    let command = command.env("SSL_CERT_FILE", issuer.authority());
    let mut process = Background::start(command);
    eventually("the wait", || {
        process
            .output()
            .contains("asked again in 10 s")
            .then_some(())
    });
    send(process.pid(), Signal::INT);
    let code = eventually("the end", || process.exit_code());
    assert_eq!((code, issuer.asked()), (130, 1), "{}", process.output());
    assert!(stand.account.calls().iter().all(|call| !call.is_mutating()));
}

#[test]
fn twice_leaves_at_once() {
    let stand = Stand::new();
    let hold = stand
        .account
        .rule(json!({"kind": "hold-before", "operation": "ExecuteChangeSet"}));
    let mut process = Background::start(&mut stand.command(&["deploy", "--yes"]));
    assert!(hold.wait(PATIENCE));
    send(process.pid(), Signal::INT);
    eventually("the word on it", || {
        process.output().contains("Ctrl-C again").then_some(())
    });
    assert_eq!(process.end(Signal::INT), 130);
    let output = process.output();
    assert!(output.contains("interrupted at once"), "{output}");
    stand.account.clear_rules();
    let closing = stand.deploy();
    stand.serves(&closing);
}

/// Nothing is deployed, nothing is left, and the programs are gone.
#[test]
fn a_build_in_the_middle_ends_at_once() {
    for (arguments, signal) in [
        (&["deploy", "--yes"][..], Signal::INT),
        (&["deploy", "--yes"], Signal::TERM),
        (&["diff"], Signal::INT),
        (&["diff"], Signal::TERM),
    ] {
        let stand = Stand::new();
        let bin = program(
            &stand.project,
            "cargo",
            "sleep 600 &\ntouch \"$HANGING\"\nwait\n",
        );
        let mark = stand.project.path().join("hangs");
        let mut command = stand.project.command_with(&bin);
        command
            .args(arguments)
            .envs(stand.account.environment())
            .env("XDG_CACHE_HOME", stand.project.path().join("cache"))
            .env("HANGING", &mark);
        ended(&mut command, arguments[0], signal, |_| mark.exists());
        assert_eq!(stand.account.state(), Stand::new().account.state());
    }
}

#[test]
fn an_issuer_that_doesnt_answer_is_left() {
    for (arguments, signal) in [
        (&["deploy", "--yes"][..], Signal::TERM),
        (&["deploy", "--yes"], Signal::INT),
    ] {
        let issuer = Silent::start();
        let stand = Stand::new();
        let manifest = MANIFEST.replace("login.example.org/", &issuer.address());
        stand.write(&manifest.replace(", jwksFile: ./jwks.json", ""));
        let mut command = stand.command(arguments);
        ended(&mut command, arguments[0], signal, |_| {
            issuer.has_been_asked()
        });
    }
}

/// The first signal is enough, though the call never ends.
#[test]
fn a_call_that_hangs_before_the_first_change_is_left() {
    for signal in [Signal::INT, Signal::TERM] {
        let stand = Stand::new();
        let hold = stand
            .account
            .rule(json!({"kind": "hold-before", "operation": "PutObject"}));
        let mut process = Background::start(&mut stand.command(&["deploy", "--yes"]));
        assert!(hold.wait(PATIENCE));
        assert_eq!(process.end(signal), 130, "{}", process.output());
        assert!(
            process
                .output()
                .contains("run `frames deploy` again to go on from there"),
            "{}",
            process.output()
        );
        stand.account.clear_rules();
        let closing = stand.deploy();
        stand.serves(&closing);
    }
}
