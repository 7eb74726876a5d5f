//! install.sh from an address: by curl and by wget, and who gets it to do something else.

use super::{INSTALLED, TOOLS, refused, shells, succeeded};
use crate::support::frames::Run;
use crate::support::https::{Https, Reply, answer, with_field};
use crate::support::installer::{Home, Release, only};
use crate::support::peers::busybox;
use crate::support::process::{Background, descendants, eventually, is_running};
use rustix::process::Signal;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::process::Command;

/// The release's files, below this path.
fn serving(release: &Release, below: &'static str) -> Https {
    let files: Vec<(String, Vec<u8>)> = ["SHA256SUMS".to_owned(), release.archive_name()]
        .into_iter()
        .map(|name| {
            let content = release.read(&name);
            (format!("{below}/{name}"), content)
        })
        .collect();
    Https::start(move |path| {
        let file = files.iter().find(|(name, _)| name == path);
        file.map_or_else(
            || answer("404 Not Found", "nothing").into_bytes(),
            |(_, content)| with_field("200 OK", "X-A: b", content),
        )
    })
}

/// What downloads: by its absence, the other one does.
const FETCHERS: [&str; 2] = ["curl", "wget"];

/// A PATH with one of them, for a shell.
fn path_with(fetcher: &str) -> tempfile::TempDir {
    only(&[&TOOLS[..], &["wc", "sha256sum", fetcher]].concat())
}

/// Trusts the server, whoever downloads.
fn trusting(command: &mut Command, home: &Home, server: &Https) {
    let wgetrc = home.path().parent().unwrap().join("wgetrc");
    let authority = server.authority();
    fs::write(
        &wgetrc,
        format!("ca_certificate = {}\n", authority.display()),
    )
    .unwrap();
    command
        .env("CURL_CA_BUNDLE", authority)
        .env("WGETRC", wgetrc);
}

fn fetch(home: &Home, shell: &[&str], fetcher: &str, server: &Https, from: &[&str]) -> Run {
    let path = path_with(fetcher);
    let shell: Vec<String> = shell.iter().map(|word| absolute(word)).collect();
    let shell: Vec<&str> = shell.iter().map(String::as_str).collect();
    let mut command = home.command(&shell, from);
    trusting(&mut command, home, server);
    Run::of(command.env("PATH", path.path()))
}

/// The shell itself isn't on the small PATH.
fn absolute(word: &str) -> String {
    match word {
        "dash" | "bash" => format!("/usr/bin/{word}"),
        _ => word.to_owned(),
    }
}

#[test]
fn it_downloads_by_curl_and_by_wget() {
    let release = Release::new("1.2.3");
    for shell in shells() {
        for fetcher in FETCHERS {
            let server = serving(&release, "/frames/1.2.3");
            let home = Home::new();
            let from = format!("{}/frames/1.2.3/", server.url);
            succeeded(&fetch(&home, &shell, fetcher, &server, &["--from", &from]));
            assert_eq!(home.files(), INSTALLED);
            assert_eq!(server.asked(), 2);
            home.assert_tidy("downloaded");

            // A password reaches the server, and nobody's screen.
            let from = from.replace("https://", "https://me:hunter2@");
            let run = fetch(&home, &shell, fetcher, &server, &["--from", &from]);
            succeeded(&run);
            assert!(!run.stderr.contains("hunter2"), "{run:#?}");
            let from = from.replace("1.2.3", "1.2.4");
            let run = fetch(&home, &shell, fetcher, &server, &["--from", &from]);
            refused(&home, &run, 1, "404");
            assert!(!run.stderr.contains("hunter2"), "{run:#?}");
        }
    }
}

#[test]
fn the_releases_page_has_versions_and_the_latest() {
    let release = Release::new("1.2.3");
    for (below, arguments) in [
        ("/o/frames/releases/latest/download", &[][..]),
        (
            "/o/frames/releases/download/v1.2.3",
            &["--version", "1.2.3"],
        ),
    ] {
        let server = serving(&release, below);
        let home = Home::new();
        let mut command = home.command(&["dash"], arguments);
        trusting(&mut command, &home, &server);
        let page = format!("{}/o/frames/releases/", server.url);
        succeeded(&Run::of(command.env("FRAMES_RELEASES", page)));
        assert_eq!(home.files(), INSTALLED);
    }
    let home = Home::new();
    let mut command = home.command(&["dash"], &[]);
    let run = Run::of(command.env("FRAMES_RELEASES", "http://example.org/releases"));
    refused(&home, &run, 1, "FRAMES_RELEASES is no https address");
}

#[test]
fn only_https_is_followed() {
    let release = Release::new("1.2.3");
    for shell in shells() {
        let home = Home::new();
        for from in ["http://127.0.0.1:1/x", "file:///etc", "ftp://127.0.0.1/x"] {
            let run = home.install(&shell, &["--from", from]);
            refused(&home, &run, 1, "--from is no https address");
        }
        for from in ["https://127.0.0.1:1/x?token=a", "https://127.0.0.1:1/x#y"] {
            let run = home.install(&shell, &["--from", from]);
            refused(&home, &run, 1, "a query or a fragment");
            assert!(!run.stderr.contains("token"), "{run:#?}");
        }
        for fetcher in FETCHERS {
            let home = Home::new();
            // A server that sends the archive's asker elsewhere.
            let plain = TcpListener::bind("127.0.0.1:0").unwrap();
            plain.set_nonblocking(true).unwrap();
            let elsewhere = format!("http://{}/", plain.local_addr().unwrap());
            let server = serving(&release, "");
            let sums = release.read("SHA256SUMS");
            server.answer_with(move |path| match path {
                "/SHA256SUMS" => with_field("200 OK", "X-A: b", &sums),
                name => with_field("302 Found", &format!("Location: {elsewhere}{name}"), b""),
            });
            let run = fetch(&home, &shell, fetcher, &server, &["--from", &server.url]);
            refused(&home, &run, 1, "can't download ");
            assert!(home.tree().is_empty(), "{run:#?}");
            assert!(plain.accept().is_err(), "{fetcher}: it was asked by http");

            // Elsewhere by https, as releases pages do it: as a whole address and as a path.
            let archive = release.read(&release.archive_name());
            let sums = release.read("SHA256SUMS");
            let own = server.url.clone();
            server.answer_with(move |path| match path {
                "/SHA256SUMS" => with_field("302 Found", "Location: /b", b""),
                "/b" => with_field("302 Found", &format!("Location: {own}/sums"), b""),
                "/sums" => with_field("200 OK", "X-A: b", &sums),
                "/archive" => with_field("200 OK", "X-A: b", &archive),
                _ => with_field(
                    "307 Temporary Redirect",
                    &format!("Location: {own}/archive"),
                    b"",
                ),
            });
            succeeded(&fetch(
                &home,
                &shell,
                fetcher,
                &server,
                &["--from", &server.url],
            ));
            assert_eq!(home.files(), INSTALLED);

            // In a circle.
            server.answer_with(|path| with_field("302 Found", &format!("Location: {path}"), b""));
            let home = Home::new();
            let run = fetch(&home, &shell, fetcher, &server, &["--from", &server.url]);
            refused(&home, &run, 1, "can't download ");
        }
    }
}

/// Neither by a certificate of nobody known, nor by a setting that takes any.
#[test]
fn a_server_that_isnt_trusted_gets_nobody_to_install() {
    let release = Release::new("1.2.3");
    let server = serving(&release, "");
    for fetcher in FETCHERS {
        let home = Home::new();
        fs::write(home.path().join(".curlrc"), "insecure\n").unwrap();
        fs::write(home.path().join(".wgetrc"), "check_certificate = off\n").unwrap();
        let path = path_with(fetcher);
        let mut command = home.command(&["/bin/sh"], &["--from", &server.url]);
        let run = Run::of(command.env("PATH", path.path()));
        refused(&home, &run, 1, "can't download ");
        assert_eq!(home.files(), [".curlrc", ".wgetrc"]);
    }
    assert_eq!(server.asked(), 0);
}

#[test]
fn without_a_program_that_checks_certificates_nothing_is_downloaded() {
    let server = serving(&Release::new("1.2.3"), "");
    let path = only(&[&TOOLS[..], &["wc", "sha256sum"]].concat());
    let home = Home::new();
    let attempt = |said: &str| {
        let mut command = home.command(&["/bin/sh"], &["--from", &server.url]);
        trusting(&mut command, &home, &server);
        let run = Run::of(command.env("PATH", path.path()));
        refused(&home, &run, 1, said);
    };
    attempt("there is neither curl nor GNU wget");
    // Busybox's wget takes any certificate.
    symlink(busybox(), path.path().join("wget")).unwrap();
    attempt("there is neither curl nor GNU wget");
    assert_eq!(server.asked(), 0);
}

#[test]
fn what_comes_over_the_wire_is_checked() {
    let release = Release::new("1.2.3");
    let name = format!("/{}", release.archive_name());
    for shell in shells() {
        for fetcher in FETCHERS {
            let home = Home::new();
            let server = serving(&release, "");
            let sums = release.read("SHA256SUMS");
            let archive = release.read(&release.archive_name());
            let mut other = archive.clone();
            *other.last_mut().unwrap() ^= 1;
            // Cut by the wire, by the server, and with one bit changed.
            let cut = with_field("200 OK", "X-A: b", &archive);
            let cut = cut[..cut.len() - 10].to_vec();
            for (reply, said) in [
                (cut, "can't download "),
                (
                    with_field("200 OK", "X-A: b", &archive[..100]),
                    "isn't what SHA256SUMS says",
                ),
                (
                    with_field("200 OK", "X-A: b", &other),
                    "isn't what SHA256SUMS says",
                ),
                (answer("500 Oops", "x").into_bytes(), "500"),
            ] {
                let (sums, name) = (sums.clone(), name.clone());
                server.answer_with(move |path| match path {
                    "/SHA256SUMS" => with_field("200 OK", "X-A: b", &sums),
                    path if path == name => reply.clone(),
                    _ => answer("404 Not Found", "").into_bytes(),
                });
                let run = fetch(&home, &shell, fetcher, &server, &["--from", &server.url]);
                refused(&home, &run, 1, said);
                assert!(home.tree().is_empty(), "{said}: {:?}", home.tree());
            }
        }
    }
}

#[test]
fn an_interrupted_run_leaves_nothing() {
    let release = Release::new("1.2.3");
    for shell in shells() {
        for fetcher in FETCHERS {
            for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
                let home = Home::new();
                let sums = release.read("SHA256SUMS");
                let archive = release.read(&release.archive_name());
                let whole = with_field("200 OK", "X-A: b", &archive);
                let begun = whole[..whole.len() / 2].to_vec();
                let server = Https::start(move |path| match path {
                    "/SHA256SUMS" => Reply::Whole(with_field("200 OK", "X-A: b", &sums)),
                    _ => Reply::Begun(begun.clone()),
                });
                let path = path_with(fetcher);
                let shell: Vec<String> = shell.iter().map(|word| absolute(word)).collect();
                let shell: Vec<&str> = shell.iter().map(String::as_str).collect();
                let mut command = home.command(&shell, &["--from", &server.url]);
                trusting(&mut command, &home, &server);
                let mut run = Background::start(command.env("PATH", path.path()));
                let children = eventually("the archive's download", || {
                    let children = descendants(run.pid());
                    (server.asked() == 2 && !children.is_empty()).then_some(children)
                });
                assert_eq!(run.end(signal), 130, "{}", run.output());
                let said = run.output();
                assert!(
                    said.contains("error: interrupted, and nothing was changed"),
                    "{said}"
                );
                assert!(said.contains("help: Run the same command again"), "{said}");
                eventually("the end of the download", || {
                    (!children.iter().any(|child| is_running(*child))).then_some(())
                });
                home.assert_tidy("interrupted");
                assert!(home.tree().is_empty(), "{:?}", home.tree());
            }
        }
    }
}

/// Later, files are beside their places already, and the new program is tried.
#[test]
fn an_interrupted_trial_leaves_what_was_there() {
    let release = Release::new("1.2.3");
    let hanging = Release::running("1.3.0", "#!/bin/sh\nexec sleep 600\n");
    let from = ["--from", hanging.path().to_str().unwrap()];
    for shell in shells() {
        for signal in [Signal::INT, Signal::TERM] {
            let home = Home::new();
            for is_there in [false, true] {
                if is_there {
                    succeeded(&home.from(&shell, &release));
                }
                let before = home.tree();
                let mut run = Background::start(&mut home.command(&shell, &from));
                let program = eventually("the trial", || {
                    let children = descendants(run.pid());
                    let sleeps = |pid: &u32| {
                        let name = fs::read_to_string(format!("/proc/{pid}/comm"));
                        name.is_ok_and(|name| name == "sleep\n")
                    };
                    children.into_iter().find(sleeps)
                });
                assert_eq!(run.end(signal), 130, "{}", run.output());
                eventually("the end of the program", || {
                    (!is_running(program)).then_some(())
                });
                home.assert_tidy("interrupted");
                assert_eq!(home.tree(), before);
            }
        }
    }
}
