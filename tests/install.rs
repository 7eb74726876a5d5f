//! install.sh in three shells: what it installs, what it refuses, and that nothing stays of
//! what it refused. Releases and servers are the tests' own.

mod download;
mod refusals;

use crate::support::frames::Run;
use crate::support::installer::{Home, Member, Release};
use crate::support::peers::{busybox, linters};
use crate::support::{read, root};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::{Command, Stdio};

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

/// Nobody can end it more rudely: what was moved by then is in the receipt.
#[test]
fn killed_in_the_middle_it_can_still_be_taken_away() {
    let old = Release::new("1.2.3");
    let new = Release::new("1.3.0");
    let mut finished = false;
    for moves in 1..20 {
        let home = Home::new();
        succeeded(&home.from(&["dash"], &old));
        let count = home.temporary().parent().unwrap().join("count");
        let kill = format!(
            "echo >>'{count}'\n\
             [ $(wc -l <'{count}') -lt {moves} ] || {{ kill -KILL $PPID; exit; }}\n\
             exec /bin/mv \"$@\"",
            count = count.display()
        );
        home.program("mv", &kill);
        let run = home.from(&["dash"], &new);
        finished = run.code == 0;
        assert!(finished || run.code == -1, "{run:#?}");
        fs::remove_file(home.temporary().parent().unwrap().join("bin/mv")).unwrap();
        let run = home.install(&["dash"], &["--uninstall"]);
        succeeded(&run);
        // Only names that nothing is found by.
        let left = home.files();
        let is_staged = |name: &String| name.contains("/.frames.");
        assert!(left.iter().all(is_staged), "{moves}: {left:?}\n{run:#?}");
        assert_eq!(left.is_empty(), finished, "{moves}: {left:?}");
        if finished {
            assert!(moves > INSTALLED.len(), "{moves}");
            break;
        }
    }
    assert!(finished);
}

#[test]
fn the_page_has_every_option() {
    let help = Home::new().install(&["dash"], &["--help"]).stdout;
    let page = read("docs/ci.md");
    let options = help.lines().filter_map(|line| line.strip_prefix("  --"));
    let options: Vec<&str> = options
        .map(|line| line.split("  ").next().unwrap())
        .collect();
    assert_eq!(options.len(), 5, "{options:?}");
    for option in options.into_iter().filter(|option| *option != "help") {
        assert!(page.contains(&format!("| `--{option}` |")), "{option}");
    }
}
