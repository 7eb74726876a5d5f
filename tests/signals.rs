//! SIGINT and SIGTERM while a command waits for something: it ends at once, with all that it started,
//! and leaves nothing behind. What is interrupted after AWS was changed is in `tests/deploy/interrupts.rs`.

use crate::support::frames::{Project, Run};
use crate::support::process::{Background, descendants, eventually, is_running, send};
use crate::support::pty::OnTerminal;
use crate::support::root;
use rustix::process::Signal;
use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const BOTH: [Signal; 2] = [Signal::INT, Signal::TERM];

const OPEN: &str = "service: x\nauth: {mode: none}\ndelivery: {dicomweb: true}\n";

/// OHIF needs a page's origin.
const PAGES: &str = "service: x
auth: {mode: none}
delivery: {dicomweb: true, cors: {origins: ['https://o.example.org']}}
";

/// A server that takes connections and answers nothing.
pub struct Silent {
    listener: TcpListener,
    taken: Arc<AtomicUsize>,
}

impl Silent {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (taking, taken) = (listener.try_clone().unwrap(), Arc::new(AtomicUsize::new(0)));
        let count = taken.clone();
        // It ends with the process of the tests.
        std::thread::spawn(move || {
            let mut open = Vec::new();
            for stream in taking.incoming().flatten() {
                open.push(stream);
                count.fetch_add(1, Ordering::SeqCst);
            }
        });
        Self { listener, taken }
    }

    pub fn address(&self) -> String {
        self.listener.local_addr().unwrap().to_string()
    }

    pub fn has_been_asked(&self) -> bool {
        self.taken.load(Ordering::SeqCst) > 0
    }
}

/// A program of the test's own, in a folder for the PATH.
pub fn program(project: &Project, name: &str, script: &str) -> PathBuf {
    let bin = project.path().join("bin");
    project.write(&format!("bin/{name}"), format!("#!/bin/sh\n{script}"));
    fs::set_permissions(bin.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    bin
}

/// Starts what goes on for ever, and a program below it that does the same.
const HANGS: &str = "sleep 600 &\ntouch \"$HANGING\"\nwait\n";

/// Ends `command` by a signal once it hangs. It says what goes on, and leaves no process.
pub fn ended(command: &mut Command, name: &str, signal: Signal, hangs: impl Fn(u32) -> bool) {
    let mut process = Background::start(command);
    eventually(&format!("{name} at its wait"), || {
        assert_eq!(process.exit_code(), None, "{}", process.output());
        hangs(process.pid()).then_some(())
    });
    let below = descendants(process.pid());
    assert_eq!(process.end(signal), 130, "{}", process.output());
    for pid in below {
        assert!(!is_running(pid), "{name}: {}", process.output());
    }
    let output = process.output();
    let help = format!("nothing was changed: run `frames {name}` to start again");
    assert!(
        output.contains("interrupted") && output.contains(&help),
        "{output}"
    );
}

/// What is in the cache beside Cargo's directory and the lock.
fn left(cache: &Path) -> Vec<String> {
    let entries = fs::read_dir(cache.join("frames/functions")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names
        .filter(|name| name != "build.lock" && name != "target")
        .collect()
}

/// A build that hangs at each of its steps, by a cargo of the test's own.
#[test]
fn a_build_ends_with_its_programs() {
    for (step, script) in [
        ("fetch", HANGS.to_owned()),
        ("build", format!("test \"$1\" = fetch && exit 0\n{HANGS}")),
        // Nobody ends this one politely.
        ("stubborn", format!("trap '' TERM INT\n{HANGS}")),
    ] {
        for (arguments, signal) in [
            (&["package"][..], Signal::INT),
            (&["package", "--quiet"], Signal::TERM),
            (&["dev", "--port", "0"], Signal::INT),
            (&["dev", "--port", "0"], Signal::TERM),
        ] {
            let project = Project::example();
            let bin = program(&project, "cargo", &script);
            let (cache, mark) = (project.path().join("cache"), project.path().join("hangs"));
            let mut command = project.command_with(&bin);
            command
                .args(arguments)
                .env("XDG_CACHE_HOME", &cache)
                .env("HANGING", &mark);
            ended(&mut command, arguments[0], signal, |_| mark.exists());
            assert_eq!(left(&cache), [""; 0], "{step}");
            assert!(!project.path().join(".frames").exists());
            // The lock was let go: the next run goes as far as to its own cargo.
            let (run, started) = project.package_with_failing_cargo(&cache);
            assert!(started && run.code == 1, "{step}: {run:#?}");
        }
    }
}

/// cargo-lambda, cargo, rustc: the real ones.
#[test]
fn a_real_build_ends_with_its_compilers() {
    let project = Project::example();
    let cache = project.path().join("cache");
    let mut command = project.command();
    command.arg("package").env("XDG_CACHE_HOME", &cache);
    ended(&mut command, "package", Signal::INT, |pid| {
        let names = descendants(pid).into_iter().map(|pid| {
            let name = fs::read_to_string(format!("/proc/{pid}/comm"));
            name.unwrap_or_default().trim().to_owned()
        });
        names.into_iter().any(|name| name == "rustc")
    });
    assert_eq!(left(&cache), [""; 0]);
}

/// A frames that is killed can't do anything more: its programs end nonetheless.
#[test]
fn a_killed_run_leaves_no_program_behind() {
    let project = Project::example();
    let bin = program(&project, "cargo", HANGS);
    let mark = project.path().join("hangs");
    let mut command = project.command_with(&bin);
    command
        .arg("package")
        .env("XDG_CACHE_HOME", project.path().join("cache"))
        .env("HANGING", &mark);
    let process = Background::start(&mut command);
    eventually("cargo", || mark.exists().then_some(()));
    let below = descendants(process.pid());
    assert!(below.len() >= 2, "{below:?}");
    send(process.pid(), Signal::KILL);
    for pid in below {
        eventually("its end", || (!is_running(pid)).then_some(()));
    }
}

/// A terminal sends Ctrl-C to the whole group in front, of which the programs are none.
#[test]
fn ctrl_c_on_a_terminal_ends_a_build() {
    let project = Project::example();
    let bin = program(&project, "cargo", HANGS);
    let mark = project.path().join("hangs");
    let mut command = project.command_with(&bin);
    command
        .arg("package")
        .env("XDG_CACHE_HOME", project.path().join("cache"))
        .env("HANGING", &mark);
    let mut frames = OnTerminal::start(&mut command);
    eventually("cargo", || mark.exists().then_some(()));
    let pid = frames.pid().as_raw_pid().unsigned_abs();
    let below = descendants(pid);
    assert!(!below.is_empty());
    send(pid, Signal::INT);
    assert_eq!(frames.code(), 130);
    assert!(!below.into_iter().any(is_running), "{}", frames.shown());
}

/// A reader that has stopped reading doesn't hold the end up.
#[test]
fn nobody_has_to_read_the_last_words() {
    let project = Project::example();
    let bin = program(&project, "cargo", "yes frames\n");
    let mut command = project.command_with(&bin);
    let mut child = command
        .arg("package")
        .env("XDG_CACHE_HOME", project.path().join("cache"))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let pid = child.id();
    let blocked = || {
        let place = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        let writes = fs::read_to_string(format!("/proc/{pid}/io")).unwrap();
        (place, writes)
    };
    // Nothing is written any more: the pipe is full.
    let mut before = blocked();
    eventually("a full pipe", || {
        std::thread::sleep(std::time::Duration::from_millis(300));
        let now = blocked();
        let same = now == before && !descendants(pid).is_empty();
        before = now;
        same.then_some(())
    });
    send(pid, Signal::TERM);
    let status = eventually("the end", || child.try_wait().unwrap());
    assert_eq!(status.code(), Some(130));
}

#[test]
fn a_lock_that_another_run_has_is_no_reason_to_stay() {
    for signal in BOTH {
        let project = Project::new(PAGES);
        let cache = project.path().join("cache");
        for (arguments, folder, lock) in [
            (&["package"][..], "functions", "build.lock"),
            (&["dev", "--port", "0"], "functions", "build.lock"),
            (&["dev", "--ohif", "--port", "0"], "ohif", "fetch.lock"),
        ] {
            let path = cache.join("frames").join(folder).join(lock);
            let mut private = fs::DirBuilder::new();
            std::os::unix::fs::DirBuilderExt::mode(&mut private, 0o700);
            private
                .recursive(true)
                .create(path.parent().unwrap())
                .unwrap();
            let held = File::create(&path).unwrap();
            held.lock().unwrap();
            let mut command = project.command();
            command.args(arguments).env("XDG_CACHE_HOME", &cache);
            let waits = |pid: u32| {
                let open = fs::read_dir(format!("/proc/{pid}/fd"));
                let mut files = open.into_iter().flatten().flatten();
                files.any(|file| fs::read_link(file.path()).is_ok_and(|file| file == path))
            };
            ended(&mut command, arguments[0], signal, waits);
        }
    }
}

#[test]
fn npm_ends_with_the_run() {
    for signal in BOTH {
        let project = Project::new(PAGES);
        let bin = program(&project, "npm", HANGS);
        let (cache, mark) = (project.path().join("cache"), project.path().join("hangs"));
        let mut command = project.command_with(&bin);
        command
            .args(["dev", "--ohif", "--port", "0"])
            .env("XDG_CACHE_HOME", &cache)
            .env("HANGING", &mark);
        ended(&mut command, "dev", signal, |_| mark.exists());
        let left = fs::read_dir(cache.join("frames/ohif")).unwrap();
        let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["fetch.lock"]);
    }
}

#[test]
fn an_issuer_that_doesnt_answer_is_left() {
    for signal in BOTH {
        let issuer = Silent::start();
        let project = Project::new(&format!(
            "service: x\nauth: {{mode: oidc, issuer: 'https://{}', audience: a}}\n",
            issuer.address()
        ));
        let mut command = project.command();
        command.args(["package", "--fetch-keys"]);
        ended(&mut command, "package", signal, |_| issuer.has_been_asked());
    }
}

/// Every command that asks AWS, at an AWS that doesn't answer.
#[test]
fn an_aws_that_doesnt_answer_is_left() {
    for (arguments, signal) in [
        (&["deploy", "--yes"][..], Signal::INT),
        (&["deploy", "--dry-run"], Signal::TERM),
        (&["diff"], Signal::TERM),
        (&["info"], Signal::INT),
        (&["info"], Signal::TERM),
        (&["check"], Signal::INT),
        (&["history"], Signal::TERM),
        (&["rollback", "--yes"], Signal::INT),
        (&["logs", "--follow"], Signal::INT),
        (&["logs", "--service", "x"], Signal::TERM),
        (&["remove", "--yes"], Signal::INT),
        (&["validate", "--online"], Signal::INT),
        (&["validate", "--online"], Signal::TERM),
        (&["policy", "--online"], Signal::TERM),
        (&["print", "--online"], Signal::INT),
        (&["package", "--online"], Signal::TERM),
        (&["dev", "--online"], Signal::INT),
    ] {
        let aws = Silent::start();
        let project = Project::new(
            "service: x\nauth: {mode: none}\ndeploy: {tags: {owner: '${ssm:/owner}'}}\n",
        );
        let mut command = project.command();
        command
            .args(arguments)
            .env("AWS_ENDPOINT_URL", format!("http://{}", aws.address()))
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", "key")
            .env("AWS_SECRET_ACCESS_KEY", "secret")
            .env("AWS_CONFIG_FILE", "/dev/null")
            .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
        ended(&mut command, arguments[0], signal, |_| aws.has_been_asked());
    }
}

#[test]
fn a_credential_process_ends_with_the_run() {
    for (arguments, signal) in [
        (&["deploy", "--yes"][..], Signal::TERM),
        (&["info"], Signal::INT),
        (&["validate", "--online"], Signal::TERM),
        (&["dev", "--port", "0", "--origin", "aws"], Signal::TERM),
    ] {
        let project = Project::example();
        let bin = program(&project, "credentials", HANGS);
        let mark = project.path().join("hangs");
        let process = bin.join("credentials");
        project.write(
            "aws",
            format!(
                "[default]\nregion = us-east-1\ncredential_process = {}\n",
                process.display()
            ),
        );
        let mut command = project.command();
        command
            .args(arguments)
            .env("HANGING", &mark)
            .env("AWS_CONFIG_FILE", project.path().join("aws"))
            .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
        ended(&mut command, arguments[0], signal, |_| mark.exists());
    }
}

#[test]
fn a_folder_that_is_read_is_left() {
    for signal in BOTH {
        let project = Project::new(OPEN);
        let folder = project.path().join("images");
        fs::create_dir(&folder).unwrap();
        let study = root().join("compiler/emulator/data/study");
        let one = fs::read_dir(study).unwrap().flatten().next().unwrap();
        fs::copy(one.path(), folder.join("0")).unwrap();
        // Far more than are read before the signal comes.
        for number in 1..20_000 {
            fs::hard_link(folder.join("0"), folder.join(number.to_string())).unwrap();
        }
        let mut command = project.command();
        command.args(["dev", "--port", "0", "--dicom"]).arg(&folder);
        let reads = |pid: u32| {
            let open = fs::read_dir(format!("/proc/{pid}/fd"));
            let mut files = open.into_iter().flatten().flatten();
            files.any(|file| fs::read_link(file.path()).is_ok_and(|file| file.starts_with(&folder)))
        };
        ended(&mut command, "dev", signal, reads);
    }
}

/// SIGTERM at a question, and in `--watch`, which SIGINT ends too.
#[test]
fn sigterm_is_heard_where_sigint_is() {
    let project = Project::empty();
    let mut command = Command::new(env!("CARGO_BIN_EXE_frames"));
    command.arg("init").current_dir(project.path());
    let mut init = OnTerminal::start(&mut command);
    init.wait_for("]:");
    send(init.pid().as_raw_pid().unsigned_abs(), Signal::TERM);
    assert_eq!(init.code(), 130);
    assert!(fs::read_dir(project.path()).unwrap().next().is_none());

    let project = Project::example();
    let mut watch = Background::start(project.command().args(["validate", "--watch"]));
    eventually("the first round", || {
        watch.output().contains("frames.yml").then_some(())
    });
    assert_eq!(watch.end(Signal::TERM), 130, "{}", watch.output());
}

/// Where there is no program, it is still told as before.
#[test]
fn a_program_that_isnt_there_is_named() {
    let project = Project::new(PAGES);
    let mut command = project.command();
    command
        .args(["dev", "--ohif", "--port", "0"])
        .env("XDG_CACHE_HOME", project.path().join("cache"))
        .env("PATH", project.path());
    let run = Run::of(&mut command);
    assert!(
        run.code == 1 && run.stderr.contains("npm isn't installed"),
        "{run:#?}"
    );
}
