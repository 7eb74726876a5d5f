//! install.sh in three shells: what it installs, what it refuses, and that nothing stays of
//! what it refused. Releases and servers are the tests' own.

mod download;

use crate::support::frames::Run;
use crate::support::installer::{Home, Member, Release, only};
use crate::support::peers::{busybox, linters};
use crate::support::{read, root};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::{Command, Stdio};
use tar::EntryType;

/// As `#!/bin/sh` on Debian, on Fedora and on Alpine.
fn shells() -> [Vec<&'static str>; 3] {
    let busybox = busybox().to_str().unwrap();
    [vec!["dash"], vec!["bash", "--posix"], vec![busybox, "sh"]]
}

/// Every tool that install.sh needs to install from a folder, but one for sums.
const TOOLS: [&str; 19] = [
    "cat", "chmod", "cp", "cut", "dirname", "getconf", "grep", "gzip", "mkdir", "mktemp", "mv",
    "rm", "rmdir", "sed", "sh", "tail", "tar", "tr", "uname",
];

fn succeeded(run: &Run) {
    assert_eq!(
        (run.code, run.stdout.as_str()),
        (0, ""),
        "{}\n{run:#?}",
        run.stderr
    );
}

/// It failed, said so, with what to do, and left the home as it was.
fn refused(home: &Home, run: &Run, code: i32, said: &str) {
    assert_eq!(run.code, code, "{run:#?}");
    assert!(
        run.stderr.contains("error: ") && run.stderr.contains(said),
        "{said}: {run:#?}"
    );
    let last = run.stderr.lines().last().unwrap();
    assert!(last.starts_with("help: "), "{run:#?}");
    home.assert_tidy(said);
}

const INSTALLED: [&str; 9] = [
    ".local/bin/frames",
    ".local/share/bash-completion/completions/frames",
    ".local/share/fish/vendor_completions.d/frames.fish",
    ".local/share/frames/LICENSE",
    ".local/share/frames/THIRD-PARTY-LICENSES.txt",
    ".local/share/frames/receipt",
    ".local/share/man/man1/frames-deploy.1",
    ".local/share/man/man1/frames.1",
    ".local/share/zsh/site-functions/_frames",
];

#[test]
fn it_installs_and_takes_away_again() {
    let release = Release::new("1.2.3");
    for shell in shells() {
        let home = Home::new();
        fs::write(home.path().join("notes"), "mine").unwrap();
        let before = home.tree();
        let script = root().join("install.sh");
        let mut command = home.shell(&["sh", "-c", "umask 077; exec \"$0\" \"$@\""]);
        command.args(&shell).arg(script).arg("--from");
        let run = Run::of(command.arg(release.path()));
        succeeded(&run);
        home.assert_tidy("installed");
        let tree = home.tree();
        let files: Vec<_> = home.files();
        assert_eq!(files, [&INSTALLED[..], &["notes"]].concat(), "{run:#?}");
        for name in INSTALLED {
            let mode = if name.ends_with("bin/frames") {
                0o755
            } else {
                0o644
            };
            assert_eq!(tree[name].0, mode, "{name}");
        }
        assert_eq!(tree[".local"].0, 0o755);
        let program = home.path().join(".local/bin/frames");
        let output = Command::new(program).arg("--version").output().unwrap();
        assert!(output.stdout.starts_with(b"frames 1.2.3 "), "{output:?}");

        let run = home.install(&shell, &["--uninstall"]);
        succeeded(&run);
        assert!(run.stderr.contains("frames is removed from "), "{run:#?}");
        assert_eq!(home.tree(), before, "{run:#?}");
        let run = home.install(&shell, &["--uninstall"]);
        refused(&home, &run, 1, "has installed nothing to ");
    }
}

#[test]
fn another_folder_gets_all_below_its_prefix() {
    let release = Release::new("1.2.3");
    let from = release.path().to_str().unwrap();
    for (to, program, page) in [
        ("a b/bin", "a b/bin/frames", "a b/share/man/man1/frames.1"),
        ("tools/", "tools/frames", "tools/share/man/man1/frames.1"),
        (
            "it's $(x)/bin",
            "it's $(x)/bin/frames",
            "it's $(x)/share/man/man1/frames.1",
        ),
        ("é", "é/frames", "é/share/man/man1/frames.1"),
        ("-r", "-r/frames", "-r/share/man/man1/frames.1"),
    ] {
        for shell in shells() {
            let home = Home::new();
            let to = format!("--to={to}");
            succeeded(&home.install(&shell, &["--from", from, &to]));
            let files = home.files();
            assert!(files.iter().any(|name| name == program), "{files:?}");
            assert!(files.iter().any(|name| name == page), "{files:?}");
            assert_eq!(files.len(), INSTALLED.len());
            succeeded(&home.install(&shell, &[&to, "--uninstall"]));
            assert!(home.tree().is_empty(), "{:?}", home.tree());
        }
    }
    // Where the user's data is elsewhere, completions are found there.
    let home = Home::new();
    let mut command = home.command(&["dash"], &["--from", from]);
    succeeded(&Run::of(
        command.env("XDG_DATA_HOME", home.path().join("data")),
    ));
    let files = home.files();
    assert!(files.contains(&"data/bash-completion/completions/frames".to_owned()));
    assert!(files.contains(&".local/share/man/man1/frames.1".to_owned()));
    succeeded(&home.install(&["dash"], &["--uninstall"]));
    assert!(home.tree().is_empty(), "{:?}", home.tree());
}

#[test]
fn a_newer_one_replaces_what_was_installed() {
    let old = Release::with(
        "1.2.3",
        vec![Member::file("man/man1/frames-gone.1", "old\n")],
    );
    let new = Release::new("1.3.0");
    for shell in shells() {
        let home = Home::new();
        succeeded(&home.from(&shell, &old));
        let gone = ".local/share/man/man1/frames-gone.1".to_owned();
        assert!(home.files().contains(&gone));
        succeeded(&home.from(&shell, &new));
        assert_eq!(home.files(), INSTALLED);
        let page = home.path().join(".local/share/man/man1/frames.1");
        assert_eq!(fs::read_to_string(page).unwrap(), ".TH frames 1.3.0\n");
        // The same once more, and back to the older one.
        let before = home.tree();
        succeeded(&home.from(&shell, &new));
        assert_eq!(home.tree(), before);
        succeeded(&home.from(&shell, &old));
        assert!(home.files().contains(&gone));
        succeeded(&home.install(&shell, &["--uninstall"]));
        assert!(home.tree().is_empty(), "{:?}", home.tree());
    }
}

#[test]
fn what_is_somebody_elses_stays() {
    let release = Release::new("1.2.3");
    for shell in shells() {
        // Another program of the name, or a link to one.
        let home = Home::new();
        let bin = home.path().join(".local/bin");
        fs::create_dir_all(&bin).unwrap();
        fs::write(bin.join("frames"), "mine").unwrap();
        let before = home.tree();
        refused(
            &home,
            &home.from(&shell, &release),
            1,
            "/.local/bin/frames is there already",
        );
        assert_eq!(home.tree(), before);
        fs::remove_file(bin.join("frames")).unwrap();
        symlink("/nowhere", bin.join("frames")).unwrap();
        refused(
            &home,
            &home.from(&shell, &release),
            1,
            "/.local/bin/frames is there already",
        );
        assert!(bin.join("frames").is_symlink());
        fs::remove_file(bin.join("frames")).unwrap();

        // What was changed since, and what only a tampered receipt names.
        succeeded(&home.from(&shell, &release));
        let page = home.path().join(".local/share/man/man1/frames.1");
        fs::write(&page, "my notes").unwrap();
        let run = home.from(&shell, &Release::new("1.3.0"));
        refused(&home, &run, 1, "/man1/frames.1 is there already");
        fs::write(home.path().join(".bashrc"), "Apache-2.0\n").unwrap();
        let receipt = home.path().join(".local/share/frames/receipt");
        let text = fs::read_to_string(&receipt).unwrap();
        let licence = text
            .lines()
            .find(|line| line.ends_with("/LICENSE"))
            .unwrap();
        let sum = licence.split("  ").next().unwrap();
        let at = home.path().display().to_string();
        let more = [
            format!("{sum}  {at}/.bashrc\n"),
            format!("{sum}  {at}/.local/bin/../../.bashrc\n"),
            format!("{sum}  {at}/.local/share/man/man1/frames/../../../../../.bashrc\n"),
        ];
        fs::write(&receipt, format!("{text}{}", more.concat())).unwrap();
        let run = home.install(&shell, &["--uninstall"]);
        succeeded(&run);
        assert!(
            run.stderr
                .contains("/man1/frames.1: it was changed since it was installed"),
            "{run:#?}"
        );
        assert_eq!(run.stderr.matches("no release has such a file").count(), 3);
        let kept = [".bashrc", ".local/share/man/man1/frames.1"];
        assert_eq!(home.files(), kept, "{run:#?}");
    }
}

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

#[test]
fn it_says_what_to_add_to_path_and_that_works() {
    let release = Release::new("1.2.3");
    let from = release.path().to_str().unwrap();
    let found = |home: &Home, script: &str| {
        let run = Run::of(home.shell(&["bash", "-c"]).arg(script));
        run.stdout
    };
    for to in ["tools/bin", "my tools/bin", "it's $HOME/bin"] {
        let home = Home::new();
        let expected = format!("{}/{to}/frames\n", home.path().display());
        for (shell, file) in [
            ("/bin/bash", ".bashrc"),
            ("/usr/bin/zsh", ".zshrc"),
            ("", ""),
        ] {
            let mut command = home.command(&["dash"], &["--from", from, "--to", to]);
            let run = Run::of(command.env("SHELL", shell));
            succeeded(&run);
            let (_, hint) = run
                .stderr
                .split_once("isn't on your PATH. Run this")
                .unwrap();
            let line = hint.lines().nth(1).unwrap().trim();
            if file.is_empty() {
                assert!(line.starts_with("export PATH="), "{line}");
                assert_eq!(
                    found(&home, &format!("{line}; command -v frames")),
                    expected
                );
            } else {
                assert!(line.ends_with(&format!(" >> ~/{file}")), "{line}");
                let script = format!("{line}; . ~/{file}; command -v frames");
                assert_eq!(found(&home, &script), expected);
            }
        }
        let mut command = home.command(&["dash"], &["--from", from, "--to", to]);
        let run = Run::of(command.env("SHELL", "/usr/bin/fish"));
        assert!(run.stderr.contains("  fish_add_path "), "{run:#?}");

        let path = format!("{}/{to}", home.path().display());
        let mut command = home.command(&["dash"], &["--from", from, "--to", to]);
        let run = Run::of(command.env("PATH", format!("/usr/bin:/bin:{path}")));
        succeeded(&run);
        assert!(!run.stderr.contains("PATH"), "{run:#?}");
        home.program("frames", "exit 0");
        let own = home.path().parent().unwrap().join("bin");
        let path = format!("{}:/usr/bin:/bin:{path}", own.display());
        let mut command = home.command(&["dash"], &["--from", from, "--to", to]);
        let run = Run::of(command.env("PATH", path));
        let first = format!(
            "Another frames comes first on your PATH: {}/frames",
            own.display()
        );
        assert!(run.stderr.contains(&first), "{run:#?}");
    }
}

#[test]
fn a_version_is_chosen_where_there_are_several() {
    let release = Release::new("1.2.3");
    let other = Release::new("1.10.0");
    release.write(&other.archive_name(), other.read(&other.archive_name()));
    release.write("SHA256SUMS", format!("{}{}", release.line(), other.line()));
    let from = release.path().to_str().unwrap();
    for shell in shells() {
        let home = Home::new();
        let run = home.install(&shell, &["--from", from]);
        refused(&home, &run, 1, "several versions: 1.2.3 and 1.10.0");
        let run = home.install(&shell, &["--from", from, "--version", "1.4.0"]);
        refused(
            &home,
            &run,
            1,
            "no line for frames-1.4.0-x86_64-linux.tar.gz",
        );
        for version in ["../x", "1.2/3", "1;x", "x"] {
            let run = home.install(&shell, &["--from", from, "--version", version]);
            refused(&home, &run, 2, "isn't a version");
        }
        let run = home.install(&shell, &["--from", from, "--version", "v1.2.3"]);
        succeeded(&run);
        assert!(run.stderr.contains("frames 1.2.3 is installed"), "{run:#?}");
    }
}

#[test]
fn wrong_usage_ends_with_2() {
    for shell in shells() {
        let home = Home::new();
        for arguments in [
            &["--form", "x"][..],
            &["x"],
            &["--from"],
            &["--from", ""],
            &["--to="],
            &["--to", "a\nb"],
            &["--uninstall", "--from", "x"],
            &["--uninstall", "--version", "1.2.3"],
        ] {
            let run = home.install(&shell, arguments);
            refused(&home, &run, 2, "error: ");
            assert!(home.tree().is_empty());
        }
        let run = home.install(&shell, &["--help"]);
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{run:#?}");
        assert!(run.stdout.lines().all(|line| line.len() <= 100), "{run:#?}");
        // Nobody knows yet where releases are.
        refused(
            &home,
            &home.install(&shell, &[]),
            1,
            "frames has no public address yet",
        );
        refused(
            &home,
            &home.install(&shell, &["--from", "none"]),
            1,
            "there is no folder none",
        );
    }
}

/// A download that ends early is a script that ends early.
#[test]
fn a_cut_script_does_nothing() {
    let release = Release::new("1.2.3");
    let from = release.path().to_str().unwrap();
    let script = read("install.sh");
    let mut ends: Vec<usize> = script.match_indices('\n').map(|(at, _)| at + 1).collect();
    let whole = ends.pop().unwrap();
    let last_line = *ends.last().unwrap();
    // The last line at every byte. Whole, it may lack its end.
    ends.extend(last_line..whole - 1);
    for shell in shells() {
        let home = Home::new();
        let run = |end: usize| {
            let path = home.path().parent().unwrap().join("cut.sh");
            fs::write(&path, &script[..end]).unwrap();
            let mut command = home.shell(&shell);
            command.args(["-s", "--", "--from", from]);
            Run::of(command.stdin(Stdio::from(fs::File::open(path).unwrap())))
        };
        for end in &ends {
            let run = run(*end);
            assert!(home.tree().is_empty(), "{end} of {whole}: {run:#?}");
            home.assert_tidy("cut");
        }
        succeeded(&run(whole));
        assert_eq!(home.files(), INSTALLED);
    }
}

#[test]
fn shellcheck_finds_nothing() {
    let shellcheck = linters().join("shellcheck");
    let check = |script: &str, more: &[&str]| {
        let path = tempfile::NamedTempFile::new().unwrap();
        fs::write(path.path(), script).unwrap();
        let mut command = Command::new(&shellcheck);
        Run::of(
            command
                .args(["--norc", "--shell=sh"])
                .args(more)
                .arg(path.path()),
        )
    };
    let script = read("install.sh");
    let run = check(&script, &[]);
    assert_eq!((run.code, run.stdout.as_str()), (0, ""), "{}", run.stdout);
    let run = check(&script.replace("rm -rf -- \"$work\"", "rm -rf $work"), &[]);
    assert!(run.code == 1 && run.stdout.contains("SC2086"), "{run:#?}");
    let mode = fs::metadata(root().join("install.sh"))
        .unwrap()
        .permissions();
    assert_eq!(mode.mode() & 0o111, 0o111);
}
