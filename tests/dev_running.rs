//! `frames dev` as a process: what it starts, listens on, writes and prints, and that nothing stays behind.

use crate::support::dev::{Dev, bearer, get_frame};
use crate::support::frames::Project;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

#[cfg(unix)]
fn mode(path: &std::path::Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[cfg(unix)]
#[test]
fn a_token_for_aws_is_in_a_private_file_and_in_no_argument() {
    let dev = Dev::start_for_aws(&Project::example());
    let line = dev.line_starting("curl ");
    assert!(!line.contains("Bearer") && !line.contains("eyJ"), "{line}");
    let (_, rest) = line.split_once("-H '@").unwrap();
    let file = std::path::Path::new(rest.split_once('\'').unwrap().0).to_owned();
    let header = std::fs::read_to_string(&file).unwrap();
    assert!(header.starts_with("Authorization: Bearer eyJ"));
    assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));
    dev.stop();
    assert!(!file.parent().unwrap().exists());
}

#[cfg(unix)]
#[test]
fn temporary_files_are_the_users_only_whatever_the_umask() {
    let directory = tempfile::tempdir().unwrap();
    let dev = Dev::start_readable(&Project::example(), directory.path());
    assert_eq!(get_frame(&dev, &[("token", dev.token())], "").status, 200);
    let made: Vec<_> = std::fs::read_dir(directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert!(made.len() >= 3, "the package and two functions: {made:?}");
    for path in made {
        assert_eq!(mode(&path), 0o700, "{}", path.display());
    }
}

#[test]
fn the_manifests_own_issuer_can_be_kept() {
    let dev = Dev::start(&Project::example(), &["--issuer", "manifest"]);
    assert_eq!(dev.ready["token"], Value::Null);
    let stranger = Dev::start(&Project::example(), &[]);
    // Its keys can't be fetched here, so no token is taken, this one least of all.
    let reply = get_frame(&dev, &[("token", stranger.token())], "");
    assert!(matches!(reply.status, 401 | 503), "{}", reply.status);
}

#[test]
fn without_a_manifest_a_built_in_one_is_served() {
    let project = Project::empty();
    let dev = Dev::start(&project, &[]);
    assert_eq!(get_frame(&dev, &[("token", dev.token())], "").status, 200);
    assert!(dev.stderr().contains("no frames.yml"), "{}", dev.stderr());
}

#[test]
fn without_cargo_lambda_the_functions_are_built_with_cargo() {
    let project = Project::example();
    let dev = Dev::start_without_cargo_lambda(&project);
    assert_eq!(get_frame(&dev, &[("token", dev.token())], "").status, 200);
}

#[test]
fn every_way_to_end_it_leaves_nothing_behind() {
    for signal in ["INT", "TERM", "HUP", "KILL"] {
        let mut dev = Dev::start(&Project::example(), &[]);
        assert_eq!(get_frame(&dev, &[("token", dev.token())], "").status, 200);
        let children = dev.children();
        assert!(children.len() >= 2, "both functions run: {children:?}");
        let ports = dev.ports();
        assert!(ports.len() >= 3, "{ports:?}");
        let exit = dev.signal(signal);
        if signal != "KILL" {
            assert_eq!(exit, Some(0), "SIG{signal}");
        }
        let deadline = Instant::now() + Duration::from_secs(60);
        let alive = |pid: &u32| {
            std::path::Path::new(&format!("/proc/{pid}/exe"))
                .read_link()
                .is_ok()
        };
        while children.iter().any(alive) {
            assert!(Instant::now() < deadline, "SIG{signal} left {children:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
        for port in ports {
            assert!(
                std::net::TcpStream::connect(("127.0.0.1", port)).is_err(),
                "SIG{signal} left port {port}"
            );
        }
    }
}

#[test]
fn everything_listens_on_loopback_only() {
    let dev = Dev::start(&Project::example(), &[]);
    get_frame(&dev, &[("token", dev.token())], "");
    assert!(
        dev.listening_addresses()
            .iter()
            .all(|address| address == "127.0.0.1"),
        "{:?}",
        dev.listening_addresses()
    );
}

#[test]
fn no_secret_is_printed_however_much_is_asked() {
    let dev = Dev::start(&Project::example(), &["--verbose"]);
    let token = dev.token().to_owned();
    let good = bearer(&token);
    get_frame(&dev, &[("Authorization", &good)], "");
    get_frame(&dev, &[], &format!("?token={token}"));
    get_frame(&dev, &[("token", "eyJhbGciOiJub25lIn0.e30.")], "");
    let expired = dev.mint(json!({"exp": 1}));
    get_frame(&dev, &[], &format!("?token={expired}&imageSetId=x"));
    let (stdout, stderr) = dev.stop();
    // The token is printed once, in the ready line, which is what it is for.
    let later: String = stdout.lines().skip(1).collect();
    let printed = format!("{later}{stderr}");
    for secret in [
        token.as_str(),
        expired.as_str(),
        "eyJ",
        "AWS4-HMAC",
        "Signature=",
        "x-amz-security-token",
        "ASIA",
        "token=",
    ] {
        assert!(!printed.contains(secret), "{secret} in {printed}");
    }
    assert!(
        stderr.contains("invalid_token") || stderr.contains("expired"),
        "the functions' own lines are there: {stderr}"
    );
}

#[test]
fn a_taken_port_is_named() {
    let dev = Dev::start(&Project::example(), &[]);
    let port = dev.url().rsplit(':').next().unwrap().to_owned();
    let output = Project::example().frames(&["dev", "--port", &port]);
    assert_eq!(output.code, 1);
    assert!(
        output.stderr.contains(&port) && output.stderr.contains("--port"),
        "{}",
        output.stderr
    );
}
