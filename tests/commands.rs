//! What scripts and people rely on: streams, shapes, exit codes, colours.

use crate::support::frames::{Project, Run, manifests};
use crate::support::pty::{OnTerminal, on_screen};
use crate::support::{read, root};
use clap::{CommandFactory, Parser};
use frames::cli::Cli;
use frames_compiler::diagnostic::codes;
use frames_compiler::{Source, syntax};
use serde_json::{Value, json};
use std::fs;
use std::process::Stdio;

/// Neither an error nor a warning.
const VALID: &str = r"
service: x
auth: {mode: oidc, issuer: 'https://login.example.org', audience: a}
iam: {allow: []}
domain:
  cnames: [frames.example.org]
  certificateArn: arn:aws:acm:us-east-1:111122223333:certificate/5f9f2a0e-7d3c-4e0f-9a52-0d6d4f0f9b11
";

fn warns() -> String {
    VALID.replace("iam: {allow: []}\n", "")
}

fn broken() -> String {
    VALID.replace(
        "auth: {mode: oidc, issuer: 'https://login.example.org', audience: a}",
        "auth:\n  mode: cognito\n  userPoolID: us-east-1_AbCdEfGhI",
    )
}

fn validate(manifest: &str, arguments: &[&str]) -> Run {
    Project::new(manifest).frames(&[&["validate"], arguments].concat())
}

fn json(run: &Run) -> Value {
    serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run:#?}"))
}

#[test]
fn validate_ends_in_0_with_warnings_and_in_3_with_errors() {
    let valid = validate(VALID, &[]);
    assert_eq!((valid.code, valid.stdout.as_str()), (0, ""), "{valid:#?}");
    assert!(valid.stderr.contains("Valid frames.yml"), "{valid:#?}");
    let warns = validate(&warns(), &[]);
    assert_eq!((warns.code, warns.stderr.as_str()), (0, ""), "{warns:#?}");
    assert!(warns.stdout.starts_with("warning[iam-unrestricted]"));
    assert!(warns.stdout.ends_with("\n1 warning\n"));
    let broken = validate(&broken(), &[]);
    assert_eq!(
        (broken.code, broken.stderr.as_str()),
        (3, ""),
        "{broken:#?}"
    );
    assert!(broken.stdout.ends_with("\n1 error\n"), "{broken:#?}");
}

/// In each format, and in each command that takes the flags.
#[test]
fn warnings_count_as_errors_where_none_is_to_pass_and_an_allowed_one_is_none() {
    let denied = validate(&warns(), &["--deny-warnings"]);
    assert_eq!(denied.code, 3, "{denied:#?}");
    assert!(denied.stdout.starts_with("error[iam-unrestricted]"));
    assert!(denied.stdout.ends_with("\n1 error\n"), "{denied:#?}");
    assert!(denied.stderr.contains("--deny-warnings"), "{denied:#?}");
    for (format, error) in [
        ("json", "\"severity\": \"error\""),
        ("sarif", "\"level\": \"error\""),
        ("github", "::error "),
    ] {
        let denied = validate(&warns(), &["--deny-warnings", "--format", format]);
        let counts = denied.code == 3 && denied.stdout.contains(error);
        assert!(counts, "{denied:#?}");
    }
    let both = ["--deny-warnings", "--allow", "iam-unrestricted"];
    for arguments in [&both[..], &both[1..]] {
        let allowed = validate(&warns(), arguments);
        assert_eq!((allowed.code, &*allowed.stdout), (0, ""), "{allowed:#?}");
        assert!(allowed.stderr.contains("Valid"), "{allowed:#?}");
    }
    let project = Project::new(&warns());
    let denied = project.frames(&["package", "--deny-warnings"]);
    assert_eq!(denied.code, 3, "{denied:#?}");
    assert!(
        denied.stderr.contains("error[iam-unrestricted]"),
        "{denied:#?}"
    );
    assert!(!project.output("plan.json").exists());
    let packaged = project.frames(&[&["package"], &both[..]].concat());
    assert_eq!(packaged.code, 0, "{packaged:#?}");
    assert!(!packaged.stderr.contains("warning"), "{packaged:#?}");
}

#[test]
fn only_a_warning_can_be_allowed() {
    for (code, said) in [
        ("unknown-key", "an error can't be allowed away"),
        ("iam-unrestrict", "did you mean `iam-unrestricted`?"),
        ("x", "docs/codes.md"),
    ] {
        let run = validate(VALID, &["--allow", code]);
        assert_eq!(run.code, 2, "{run:#?}");
        let words = run.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains(said), "{run:#?}");
    }
    let broken = validate(&broken(), &["--allow", "iam-unrestricted"]);
    assert_eq!(broken.code, 3, "{broken:#?}");
}

#[test]
fn other_commands_say_how_many_warnings_there_are() {
    let said = |manifest: &str| Project::new(manifest).frames(&["print"]).stderr;
    assert_eq!(said(VALID), "");
    assert_eq!(
        said(&warns()),
        "      Note 1 warning: `frames validate` shows it\n"
    );
    let many = said("service: x\nauth: {mode: none}\n");
    assert!(many.contains("3 warnings: `frames validate` shows them"));
    assert!(!many.contains("warning["), "{many}");
}

#[test]
fn validates_json_has_the_settled_shape() {
    let run = validate(VALID, &["--format", "json"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert_eq!(
        json(&run),
        json!({"ok": true, "file": "frames.yml", "diagnostics": []})
    );
    let run = validate(&warns(), &["--format", "json"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    let found = json(&run);
    assert_eq!(found["ok"], true);
    assert_eq!(found["diagnostics"][0]["severity"], "warning");
    let run = validate(&broken(), &["--format", "json"]);
    assert_eq!((run.code, run.stderr.as_str()), (3, ""));
    assert_eq!(
        json(&run),
        json!({"ok": false, "file": "frames.yml", "diagnostics": [
            {
                "code": "unknown-key",
                "severity": "error",
                "message": "unknown key `userPoolID`",
                "path": "auth.userPoolID",
                "file": "frames.yml",
                "line": 5, "column": 3, "endLine": 5, "endColumn": 13,
                "help": "did you mean `userPoolId`?",
            },
        ]})
    );
}

#[test]
fn columns_are_characters_and_lines_end_in_any_way() {
    let manifest = format!("\u{feff}'😀é': {{ö: 1}}{}", VALID.replace('\n', "\r\n"));
    let found = json(&validate(&manifest, &["--format", "json"]));
    assert_eq!(found["diagnostics"].as_array().unwrap().len(), 1, "{found}");
    let emoji = &found["diagnostics"][0];
    let place = ["line", "column", "endLine", "endColumn"].map(|key| emoji[key].as_u64().unwrap());
    assert_eq!((place, &emoji["path"]), ([1, 1, 1, 5], &json!("😀é")));
}

#[test]
fn findings_name_the_file_as_the_user_does() {
    let project = Project::new(&broken());
    let below = project.path().join("a/b");
    fs::create_dir_all(&below).unwrap();
    let run = Run::of(
        project
            .command()
            .current_dir(below)
            .args(["validate", "--format", "json"]),
    );
    assert_eq!(json(&run)["file"], "../../frames.yml");
    project.write("other.yml", broken());
    let run = project.frames(&["validate", "-c", "other.yml"]);
    assert!(run.stdout.contains("--> other.yml:5:3"), "{run:#?}");
}

#[test]
fn explain_tells_more_about_every_code() {
    let project = Project::empty();
    for code in codes::all() {
        let run = project.frames(&["validate", "--explain", code.name]);
        assert_eq!(run.code, 0);
        assert!(
            run.stdout.starts_with(&format!("{} (", code.name)),
            "{run:#?}"
        );
        let said = run.stdout.replace('\n', " ");
        for part in [code.what, code.why, code.remedy] {
            assert!(said.contains(part), "{part}\n{run:#?}");
        }
    }
    let run = project.frames(&["validate", "--explain", "unknown-kay"]);
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    assert!(
        run.stderr.contains("did you mean `unknown-key`?"),
        "{run:#?}"
    );
}

#[test]
fn the_schema_is_the_one_in_the_repository() {
    let run = Project::empty().frames(&["schema"]);
    assert_eq!(
        (run.code, run.stdout),
        (0, read("schema/frames.schema.json"))
    );
}

#[test]
fn the_schema_takes_what_validate_takes() {
    let schema: Value = serde_json::from_str(&read("schema/frames.schema.json")).unwrap();
    assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");
    assert!(jsonschema::meta::is_valid(&schema));
    let validator = jsonschema::draft7::new(&schema).unwrap();
    let instance = |text: &str| {
        let (node, found) = syntax::parse(&Source::new("frames.yml", text));
        assert_eq!(found, []);
        node.unwrap().to_json()
    };
    for path in manifests() {
        let instance = instance(&fs::read_to_string(&path).unwrap());
        let errors: Vec<String> = validator
            .iter_errors(&instance)
            .map(|e| e.to_string())
            .collect();
        assert!(errors.is_empty(), "{path:?}: {errors:#?}");
    }
    assert!(validator.is_valid(&instance(VALID)));
    for broken in [
        &broken(),
        "service: x\n",
        "auth: {mode: none}\n",
        "service: 1x\nauth: {mode: none}\n",
        "service: x\nauth: {mode: null}\n",
        "service: x\nauth: {mode: cognito}\n",
        "service: x\nauth: {mode: none, scopes: [a]}\n",
        "service: x\nauth: {mode: oidc, issuer: 'https://a.example', audience: []}\n",
        "service: x\nauth: {mode: oidc, issuer: 'ftp://a.example', audience: a}\n",
        "service: x\nauth: {mode: oidc, issuer: 'https://a.example', audience: a, algorithms: [HS256]}\n",
        "service: x\nauth: {mode: none}\ndelivery: {dicomweb: 'yes'}\n",
        "service: x\nauth: {mode: none}\niam: {allow: [{imageSets: []}]}\n",
        "service: x\nauth: {mode: none}\ndomain: {cnames: [x]}\n",
    ] {
        assert!(!validator.is_valid(&instance(broken)), "{broken}");
        assert_eq!(validate(broken, &[]).code, 3, "{broken}");
    }
}

/// `frames` itself, then each of its commands, with the flags that it takes.
fn commands() -> Vec<(Vec<String>, Vec<String>)> {
    let mut whole = Cli::command();
    whole.build();
    let flags = |command: &clap::Command| {
        let shown = command.get_arguments().filter(|flag| !flag.is_hide_set());
        shown
            .filter_map(|flag| flag.get_long().map(str::to_owned))
            .collect::<Vec<_>>()
    };
    let mut all = vec![(vec![], flags(&whole))];
    let commands = whole.get_subcommands();
    // `help` takes what clap gives it.
    let commands = commands.filter(|one| !one.is_hide_set() && one.get_name() != "help");
    all.extend(commands.map(|one| (vec![one.get_name().to_owned()], flags(one))));
    all
}

#[test]
fn completions_know_every_command() {
    let project = Project::empty();
    for shell in ["bash", "zsh", "fish"] {
        let run = project.frames(&["completions", shell]);
        assert_eq!((run.code, run.stderr.as_str()), (0, ""));
        for (command, flags) in commands() {
            for word in command.iter().chain(&flags) {
                assert!(run.stdout.contains(word), "{shell}: {command:?} {word}");
            }
        }
    }
    assert_eq!(project.frames(&["completions", "cmd.exe"]).code, 2);
}

#[test]
fn a_shell_reads_its_completions() {
    let project = Project::empty();
    let script = project.frames(&["completions", "bash"]).stdout;
    project.write("frames.bash", script + "COMP_WORDS=(frames val) COMP_CWORD=1\n_frames frames val frames\necho \"${COMPREPLY[@]}\"\n");
    let output = std::process::Command::new("bash")
        .arg(project.path().join("frames.bash"))
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "validate\n",
        "{output:?}"
    );
}

/// One command's help says what the flag does there, and not what it does elsewhere.
#[test]
fn what_online_asks_is_said_of_the_command_at_hand() {
    let whole = Cli::command();
    let commands = whole.get_subcommands().filter_map(|command| {
        let mut flags = command.get_arguments();
        let online = flags.find(|flag| flag.get_long() == Some("online"))?;
        Some((command.get_name(), online.get_help()?.to_string()))
    });
    let commands: Vec<(&str, String)> = commands.collect();
    assert!(commands.len() > 4, "{commands:?}");
    for (name, help) in &commands {
        for other in whole.get_subcommands().map(clap::Command::get_name) {
            assert!(!help.contains(&format!("`{other}")), "{name}: {help}");
        }
        let asks = |what| help.contains(what);
        assert_eq!(asks("${cf:…}"), *name != "init", "{name}: {help}");
        assert_eq!(asks("the manifest names"), *name == "validate", "{help}");
        assert_eq!(asks("for the account"), *name == "policy", "{help}");
    }
}

#[test]
fn help_fits_80_columns_and_tells_all() {
    let project = Project::empty();
    let commands = commands();
    assert!(commands.len() > 10, "{commands:?}");
    for (command, flags) in &commands {
        let mut help = project.command();
        help.args(command).arg("--help").env("COLUMNS", "80");
        let run = Run::of(&mut help);
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{command:?}");
        for line in run.stdout.lines() {
            assert!(line.chars().count() <= 80, "{command:?}: {line}");
        }
        // Without a manifest, there is nothing that they could choose.
        let reads_one = !["init", "schema", "completions"]
            .iter()
            .any(|name| command.first().is_some_and(|command| command == name));
        for flag in ["--config <FILE>", "--env <NAME>", "--opt", "--profile"] {
            assert_eq!(run.stdout.contains(flag), reads_one, "{command:?}: {flag}");
        }
        // Formats for findings are offered to whoever has findings.
        let has_findings = command.is_empty() || command.first().is_some_and(|c| c == "validate");
        for format in ["sarif", "github"] {
            assert_eq!(run.stdout.contains(format), has_findings, "{command:?}");
        }
        for flag in flags {
            assert!(
                run.stdout.contains(&format!("--{flag}")),
                "{command:?}: {flag}"
            );
        }
    }
    let run = project.frames(&["--help"]);
    let named = commands.iter().flat_map(|(command, _)| command);
    for word in named
        .map(String::as_str)
        .chain(["Exit codes", "frames.yml"])
    {
        assert!(run.stdout.contains(word), "{word}");
    }
}

/// A terminal says how wide it is; a pipe is told by COLUMNS.
#[test]
fn help_on_a_terminal_of_80_columns_is_the_one_of_a_pipe() {
    let project = Project::empty();
    for command in ["", "init", "deploy", "check", "logs"] {
        let with_help = || {
            let mut help = project.command();
            help.args(Some(command).filter(|name| !name.is_empty()));
            help.arg("--help");
            help
        };
        let (code, shown) = OnTerminal::start_with_columns(&mut with_help(), 80).end();
        assert_eq!(code, 0, "{command}: {shown}");
        let shown = on_screen(&shown);
        let piped = Run::of(with_help().env("COLUMNS", "80"));
        assert_eq!(shown, piped.stdout.lines().collect::<Vec<_>>(), "{command}");
        for line in &shown {
            assert!(line.chars().count() <= 80, "{command}: {line}");
        }
    }
}

/// A terminal has 80 columns and 24 lines, the last of which is the shell's next one.
#[test]
fn the_overview_fits_on_a_screen() {
    let project = Project::empty();
    let run = project.frames(&["--help"]);
    assert!(run.stdout.lines().count() < 24, "{}", run.stdout);
    let bare = project.frames(&[]);
    assert_eq!((bare.code, bare.stdout.as_str()), (2, ""), "{bare:#?}");
    assert_eq!(bare.stderr.trim_end(), run.stdout.trim_end());
    // Each command once, and no other.
    let listed = run
        .stdout
        .lines()
        .skip_while(|line| !line.starts_with("Write"));
    let listed = listed.take_while(|line| !line.is_empty());
    let mut listed: Vec<String> = listed
        .flat_map(|line| {
            let names = line.get(8..).unwrap_or_default().split("  ").next();
            let names: Vec<String> = names
                .unwrap_or_default()
                .split(", ")
                .map(str::to_owned)
                .collect();
            names
        })
        .collect();
    listed.sort();
    let mut known: Vec<String> = commands().into_iter().flat_map(|(name, _)| name).collect();
    known.push("help".to_owned());
    known.sort();
    assert_eq!(listed, known);
    // An example is a command line that the parser takes.
    for (command, _) in commands() {
        let help = project.frames(
            &[
                &command.iter().map(String::as_str).collect::<Vec<_>>()[..],
                &["--help"],
            ]
            .concat(),
        );
        let whole = help.stdout.replace(" \\\n    ", " ");
        let examples = whole.lines().filter_map(|line| {
            let line = line.trim_start_matches("Examples").trim();
            line.starts_with("frames ").then(|| line.to_owned())
        });
        let examples: Vec<String> = examples.collect();
        assert!(!examples.is_empty(), "{command:?}");
        for part in examples.iter().flat_map(|line| line.split(" && ")) {
            let (part, _) = part.split_once(" > ").unwrap_or((part, ""));
            let parsed = Cli::try_parse_from(part.split(' '));
            assert!(parsed.is_ok(), "{part}: {parsed:?}");
        }
    }
}

#[test]
fn a_reader_of_findings_is_told_of_explain() {
    let hint = "`frames validate --explain unknown-key` tells more";
    let project = Project::new(&broken());
    let at_terminal = |arguments: &[&str]| {
        let mut command = project.command();
        let (code, shown) = OnTerminal::start(command.arg("validate").args(arguments)).end();
        assert_eq!(code, 3, "{shown}");
        anstream::adapter::strip_str(&shown).to_string()
    };
    assert_eq!(at_terminal(&[]).matches(hint).count(), 1);
    assert!(!at_terminal(&["--format", "json"]).contains("--explain"));
    assert!(!project.frames(&["validate"]).stderr.contains("--explain"));
}

#[test]
fn what_a_command_has_no_use_for_is_refused() {
    let project = Project::empty();
    for (arguments, said) in [
        (
            &["schema", "--profile", "x"][..],
            "`frames schema` takes no --profile",
        ),
        (
            &["--env", "prod", "completions", "bash"],
            "`frames completions` takes no --env",
        ),
        (
            &["schema", "-c", "frames.yml"],
            "`frames schema` takes no --config",
        ),
        (
            &["init", "--opt", "a=b", "--auth", "none"],
            "`frames init` takes no --opt",
        ),
        (&["init", "-c", "x.yml"], "takes no --config"),
        (
            &["validate", "--format", "mermaid", "-c", "x.yml"],
            "`--format mermaid` is only for `diff` and `print`\nhelp: use one of these: --format human, json, sarif or github",
        ),
        (
            &["deploy", "--format", "sarif"],
            "`--format sarif` is only for `validate`",
        ),
    ] {
        let run = project.frames(arguments);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{run:#?}");
        assert!(run.stderr.contains(said), "{run:#?}");
    }
    assert!(!project.path().join("frames.yml").exists());
    // Before the command's name or behind it, where it has one.
    for arguments in [
        &["--format", "json", "print"][..],
        &["print", "--format", "json"],
    ] {
        let run = Project::new(VALID).frames(arguments);
        assert_eq!(run.code, 0, "{run:#?}");
        assert_eq!(json(&run)["service"], "x");
    }
}

#[test]
fn an_explanation_that_there_isnt_is_a_suggestion() {
    let project = Project::empty();
    let help = |code: &str| {
        let run = project.frames(&["validate", "--explain", code]);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""));
        run.stderr
    };
    assert!(help("cors").contains("did you mean `cors-credentials`?"));
    let overlays = help("Overlays overlay");
    assert!(overlays.contains("`unsafe-overlay`") && overlays.contains("`invalid-overlay`"));
    let foo = help("foo");
    assert!(
        foo.contains("docs/codes.md lists all") && foo.lines().count() == 2,
        "{foo}"
    );
}

#[test]
fn long_lines_break_between_words_at_the_terminals_width() {
    const COLUMNS: u16 = 50;
    let tags =
        "deploy: {tags: {team: 'one two three four five six seven eight nine ten eleven'}}\n";
    let project = Project::new(&format!("{}{tags}", warns()));
    let shown = |arguments: &[&str], path: Option<&str>| {
        let mut command = project.command();
        command.args(arguments);
        if let Some(path) = path {
            let cache = project.path().join("cache");
            command.env("PATH", path).env("XDG_CACHE_HOME", cache);
        }
        let (_, shown) = OnTerminal::start_with_columns(&mut command, COLUMNS).end();
        on_screen(&shown)
    };
    for (arguments, path, first, rest) in [
        (
            &["validate", "--explain", "foo"][..],
            None,
            "help: ",
            "      ",
        ),
        (&["package"], Some("/nonexistent"), "error: ", "       "),
        (&["deploy", "--a-flag-that-there-isnt"], None, "error: ", ""),
        (&["package", "--opt", "x"], None, "error: ", ""),
    ] {
        let lines = shown(arguments, path);
        let at = lines.iter().position(|line| line.starts_with(first));
        let at = at.unwrap_or_else(|| panic!("{lines:#?}"));
        assert!(lines[at + 1].starts_with(rest), "{lines:#?}");
        for line in &lines {
            let fits = line.chars().count() <= usize::from(COLUMNS);
            // A word, or a command in its quotes, isn't broken.
            let is_one = line.trim().starts_with(['`', '-', '\'']) || !line.trim().contains(' ');
            assert!(fits || is_one, "{line}\n{lines:#?}");
        }
    }
    // What is to be copied isn't broken.
    let lines = shown(&["print", "-q", "--path", "deploy.tags"], None);
    assert_eq!(lines.len(), 1, "{lines:#?}");
    assert!(lines[0].ends_with("ten eleven'"), "{lines:#?}");
}

#[test]
fn bad_usage_is_2() {
    let project = Project::new(VALID);
    for arguments in [
        &["nonsense"][..],
        &[],
        &["validate", "--env", "-"],
        &["validate", "--env", "a_b"],
        &["validate", "--env", "abcdefghijklmnopq"],
        &["validate", "--format", "xml"],
        &["validate", "-c", "missing.yml"],
        &["validate", "-c", "."],
        &["validate", "--quiet", "--verbose"],
    ] {
        let run = project.frames(arguments);
        assert_eq!(
            (run.code, run.stdout.as_str()),
            (2, ""),
            "{arguments:?}: {run:#?}"
        );
        assert!(!run.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn only_a_terminal_or_a_wish_gets_colours() {
    let project = Project::new(&broken());
    let coloured = |set: &[(&str, &str)], arguments: &[&str]| {
        let mut command = project.command();
        command.args(arguments).envs(set.iter().copied());
        let run = Run::of(&mut command);
        (run.stdout + &run.stderr).contains('\u{1b}')
    };
    for command in [&["validate"][..], &["package"], &["nonsense"], &["--help"]] {
        assert!(!coloured(&[], command), "{command:?}: piped");
        assert!(
            !coloured(&[("NO_COLOR", "1")], command),
            "{command:?}: NO_COLOR"
        );
        assert!(
            !coloured(&[], &[command, &["--color", "never"]].concat()),
            "{command:?}: never"
        );
    }
    for command in [&["validate"][..], &["package"]] {
        assert!(
            coloured(&[], &[command, &["--color", "always"]].concat()),
            "{command:?}"
        );
        assert!(
            coloured(
                &[("NO_COLOR", "1")],
                &[command, &["--color", "always"]].concat()
            ),
            "{command:?}"
        );
    }
    assert!(
        !coloured(&[], &["validate", "--format", "json", "--color", "always"]),
        "JSON never"
    );
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let many = "x: 1\ny: 2\n".repeat(2000);
    for arguments in [
        &["schema"][..],
        &["completions", "zsh"],
        &["validate"],
        &["validate", "--format", "json"],
        &["--help"],
    ] {
        let project = Project::new(&many);
        let mut child = project
            .command()
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(!stderr.contains("panicked"), "{arguments:?}: {stderr}");
        let code = output.status.code();
        assert!(
            matches!(code, Some(0 | 3)),
            "{arguments:?}: {code:?} {stderr}"
        );
    }
}

/// With the one warning that its comment announces.
#[test]
fn the_repositorys_own_manifest_is_valid() {
    let config = root().join("frames.yml").display().to_string();
    let run = Project::empty().frames(&["validate", "-c", &config]);
    assert_eq!(run.code, 0, "{run:#?}");
    assert!(run.stdout.ends_with("1 warning\n"), "{run:#?}");
}

/// What the command line's parser quotes can neither look like a line of frames' own nor vanish.
#[test]
fn an_argument_is_shown_as_it_is() {
    for (argument, shown) in [
        ("p\nerror: forged", r"p\nerror: forged"),
        ("p\u{1b}[31mq", r"p\u{1b}[31mq"),
        ("x\u{202e}y", r"x\u{202e}y"),
    ] {
        let places: [&[&str]; 3] = [
            &["-e", argument, "validate"],
            &[argument],
            &["validate", "--opt", argument],
        ];
        for arguments in places {
            let run = Project::new("service: x\nauth: {mode: none}\n").frames(arguments);
            assert_eq!(run.code, 2, "{run:#?}");
            assert!(run.stderr.contains(shown), "{arguments:?}: {run:#?}");
        }
    }
}
