//! What install.sh doesn't install, and that it says why.

use super::{TOOLS, refused, shells, succeeded};
use crate::support::frames::Run;
use crate::support::installer::{Home, Member, Release, only};
use crate::support::peers::busybox;
use std::fs;
use std::os::unix::fs::symlink;
use tar::EntryType;

#[test]
fn what_cant_be_checked_isnt_installed() {
    let sums = |text: &dyn Fn(&Release) -> String| {
        let release = Release::new("1.2.3");
        release.write("SHA256SUMS", text(&release));
        release
    };
    let zeros = "0".repeat(64);
    let name = "frames-1.2.3-x86_64-linux.tar.gz";
    let truncated = Release::new("1.2.3");
    let whole = truncated.read(name);
    truncated.write(name, &whole[..whole.len() / 2]);
    let damaged = Release::new("1.2.3");
    damaged.write(name, &whole[..whole.len() / 2]);
    damaged.write("SHA256SUMS", damaged.line());
    let missing = Release::new("1.2.3");
    fs::remove_file(missing.path().join(name)).unwrap();
    let unsummed = Release::new("1.2.3");
    fs::remove_file(unsummed.path().join("SHA256SUMS")).unwrap();
    let cases = [
        (
            sums(&|_| format!("{zeros}  {name}\n")),
            "isn't what SHA256SUMS says",
        ),
        (truncated, "isn't what SHA256SUMS says"),
        (damaged, "can't be read"),
        (missing, "there is no frames-1.2.3-x86_64-linux.tar.gz in "),
        (unsummed, "there is no SHA256SUMS in "),
        (
            sums(&|_| String::new()),
            "it has no line for an archive of frames",
        ),
        (
            sums(&|release| release.line().repeat(2)),
            "more than one line for ",
        ),
        (
            sums(&|release| format!("{}{zeros} *{name}\n", release.line())),
            "more than one line for ",
        ),
        (
            sums(&|release| release.line().to_uppercase()),
            "no line for an archive",
        ),
        (
            sums(&|release| release.line()[1..].to_owned()),
            "has no SHA-256",
        ),
        (
            sums(&|release| format!("0{}", release.line())),
            "has no SHA-256",
        ),
        (
            sums(&|_| format!("{}  {name}\n", "x".repeat(64))),
            "has no SHA-256",
        ),
        (
            sums(&|release| release.line().replace("  ", "  ./")),
            "no line for an archive",
        ),
        (
            sums(&|release| release.line().replace('\n', "\r\n")),
            "no line for an archive",
        ),
        (
            sums(&|release| release.line().replace("1.2.3", "1.2.3;x")),
            "it names a version that is none",
        ),
        (
            sums(&|release| format!("{}{}", release.line(), "\n".repeat(70_000))),
            "it is too large",
        ),
    ];
    for shell in shells() {
        let home = Home::new();
        for (release, said) in &cases {
            refused(&home, &home.from(&shell, release), 1, said);
            assert!(home.tree().is_empty(), "{said}: {:?}", home.tree());
        }
        // A line as other tools write it, and without an end.
        for line in [
            sums(&|release| release.line().replace("  ", " *")),
            sums(&|release| release.line().trim_end().to_owned()),
        ] {
            succeeded(&home.from(&shell, &line));
        }
    }
}

#[test]
fn an_archive_with_anything_but_plain_files_isnt_unpacked() {
    let with = |member| Release::with("1.2.3", vec![member]);
    let outside = "outside of frames-1.2.3-x86_64-linux";
    let name = "a name that isn't plain";
    // Some tars list a name without what leads out of the folder.
    let either = "tar.gz has ";
    let kind = "neither file nor folder";
    let mut cases = vec![
        (with(Member::file("!evil", "x")), outside),
        (with(Member::file("!../evil", "x")), outside),
        (with(Member::file("!/tmp/evil-frames", "x")), outside),
        (
            with(Member::file("!frames-1.2.3-x86_64-linux2/x", "x")),
            outside,
        ),
        (with(Member::file("../evil", "x")), either),
        (with(Member::file("a/../../../evil", "x")), either),
        (with(Member::file("a\u{1b}[31m", "x")), name),
        (with(Member::file("a b", "x")), name),
        (with(Member::file("$(touch evil)", "x")), name),
        (Release::without("1.2.3", "LICENSE"), "has no LICENSE"),
        (Release::without("1.2.3", "frames"), "has no frames"),
    ];
    for (link, to) in [
        ("a", "/etc/passwd"),
        ("completions", "/"),
        ("frames", "/bin/sh"),
    ] {
        cases.push((with(Member::link(EntryType::Symlink, link, to)), kind));
        cases.push((with(Member::link(EntryType::Link, link, to)), kind));
    }
    cases.push((with(Member::link(EntryType::Fifo, "pipe", "")), kind));
    cases.push((with(Member::link(EntryType::Char, "device", "")), kind));
    for shell in shells() {
        let home = Home::new();
        // Alpine's tar lists in its own way.
        let applets = home.path().parent().unwrap().join("applets");
        fs::create_dir(&applets).unwrap();
        for tool in [
            "tar",
            "sed",
            "grep",
            "sha256sum",
            "mktemp",
            "cut",
            "tr",
            "wc",
            "tail",
        ] {
            symlink(busybox(), applets.join(tool)).unwrap();
        }
        for (release, said) in &cases {
            for path in [
                "/usr/bin:/bin".to_owned(),
                format!("{}:/usr/bin:/bin", applets.display()),
            ] {
                let from = ["--from", release.path().to_str().unwrap()];
                let run = Run::of(home.command(&shell, &from).env("PATH", path));
                refused(&home, &run, 1, said);
                assert!(!run.stderr.contains('\u{1b}'), "{run:#?}");
                assert!(home.tree().is_empty(), "{said}: {:?}", home.tree());
            }
        }
        let whole = Release::new("1.2.3");
        let from = ["--from", whole.path().to_str().unwrap()];
        let path = format!("{}:/usr/bin:/bin", applets.display());
        succeeded(&Run::of(home.command(&shell, &from).env("PATH", path)));
    }
}

#[test]
fn any_of_three_programs_checks_and_without_one_nothing_is_installed() {
    let release = Release::new("1.2.3");
    let from = ["--from", release.path().to_str().unwrap()];
    for tool in ["sha256sum", "shasum", "openssl"] {
        let path = only(&[&TOOLS[..], &["wc", tool]].concat());
        let home = Home::new();
        let mut command = home.command(&["/bin/sh"], &from);
        succeeded(&Run::of(command.env("PATH", path.path())));
        let wrong = Release::new("1.2.3");
        wrong.write(
            "SHA256SUMS",
            format!("{}  {}\n", "a".repeat(64), wrong.archive_name()),
        );
        let home = Home::new();
        let from = ["--from", wrong.path().to_str().unwrap()];
        let mut command = home.command(&["/bin/sh"], &from);
        let run = Run::of(command.env("PATH", path.path()));
        refused(&home, &run, 1, "isn't what SHA256SUMS says");
    }
    let path = only(&[&TOOLS[..], &["wc"]].concat());
    let home = Home::new();
    let mut command = home.command(&["/bin/sh"], &from);
    let run = Run::of(command.env("PATH", path.path()));
    refused(&home, &run, 1, "there is no program for SHA-256");
    assert!(home.tree().is_empty());
}

#[test]
fn other_systems_are_told_what_to_do() {
    let release = Release::new("1.2.3");
    for shell in shells() {
        for (program, script, said) in [
            (
                "uname",
                "case $1 in -s) echo Darwin;; *) echo arm64;; esac",
                "this is Darwin",
            ),
            (
                "uname",
                "case $1 in -s) echo Linux;; *) echo aarch64;; esac",
                "this is aarch64",
            ),
            ("getconf", "echo glibc 2.27", "this system has 2.27"),
            ("getconf", "echo glibc 1.99", "this system has 1.99"),
        ] {
            let home = Home::new();
            home.program(program, script);
            refused(&home, &home.from(&shell, &release), 1, said);
            assert!(home.tree().is_empty());
        }
        // Alpine has no such value, and its ldd fails.
        let home = Home::new();
        home.program("getconf", "exit 1");
        home.program("ldd", "echo 'musl libc (x86_64)' >&2; exit 1");
        refused(
            &home,
            &home.from(&shell, &release),
            1,
            "this system has musl",
        );
        home.program("ldd", "echo 'ldd (Debian GLIBC 2.24-11) 2.24'");
        refused(
            &home,
            &home.from(&shell, &release),
            1,
            "this system has 2.24",
        );
        for libc in ["echo 'ldd (GNU libc) 2.40'", "exit 1"] {
            home.program("ldd", libc);
            succeeded(&home.from(&shell, &release));
        }
        // Whatever is said of the system: a program that can't run isn't installed.
        let home = Home::new();
        for program in [
            "\u{7f}ELF nonsense",
            "#!/bin/sh\nexit 1\n",
            "#!/bin/sh\necho x\n",
        ] {
            let broken = Release::running("1.2.3", program);
            refused(
                &home,
                &home.from(&shell, &broken),
                1,
                "doesn't run on this machine",
            );
            assert!(home.tree().is_empty(), "{:?}", home.tree());
        }
    }
}

#[test]
fn a_folder_that_cant_be_written_is_named() {
    let release = Release::new("1.2.3");
    let from = release.path().to_str().unwrap();
    for shell in shells() {
        let home = Home::new();
        fs::write(home.path().join("file"), "").unwrap();
        let before = home.tree();
        // One below a file, and one in which nobody, root included, makes files.
        for to in ["file/bin", "file", "/proc"] {
            let run = home.install(&shell, &["--from", from, "--to", to]);
            refused(&home, &run, 1, "can't write to ");
            assert!(
                run.stderr
                    .contains("help: Name a folder that you may write to: --to DIR")
            );
            assert_eq!(home.tree(), before, "{to}");
        }
        // The program's folder may be written to, and the one of the man pages not.
        let prefix = home.path().join("prefix");
        fs::create_dir_all(prefix.join("share")).unwrap();
        fs::write(prefix.join("share/man"), "").unwrap();
        let before = home.tree();
        let run = home.install(&shell, &["--from", from, "--to", "prefix/bin"]);
        refused(&home, &run, 1, "can't write to ");
        assert_eq!(home.tree(), before);
        let mut command = home.command(&shell, &["--from", from]);
        let run = Run::of(command.env_remove("HOME"));
        refused(&home, &run, 1, "HOME isn't set");
        let mut command = home.command(&shell, &["--from", from]);
        let run = Run::of(command.env("TMPDIR", home.path().join("file")));
        refused(&home, &run, 1, "can't make a temporary folder");
    }
}
