//! Which frames.yml is taken, and which files it may read.

use crate::support::frames::{Project, Run};
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;

const MINIMAL: &str = "service: x\nauth: {mode: none}\n";

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// A project with a directory in it that is two steps below.
fn below() -> Project {
    let project = Project::new(MINIMAL);
    fs::create_dir_all(project.path().join("project/a/b")).unwrap();
    fs::rename(
        project.path().join("frames.yml"),
        project.path().join("project/frames.yml"),
    )
    .unwrap();
    for name in ["project", "project/a", "project/a/b"] {
        mode(&project.path().join(name), 0o755);
    }
    mode(&project.path().join("project/frames.yml"), 0o644);
    project
}

fn in_b(project: &Project, arguments: &[&str]) -> Run {
    let mut command = project.command();
    command.args(arguments);
    Run::of(command.current_dir(project.path().join("project/a/b")))
}

#[test]
fn one_that_is_found_above_is_named() {
    let project = below();
    for arguments in [
        &["validate"][..],
        &["print"],
        &["policy"],
        &["package"],
        &["validate", "--format", "json"],
    ] {
        let run = in_b(&project, arguments);
        assert_eq!(run.code, 0, "{run:#?}");
        assert!(
            run.stderr.contains("../../frames.yml, found above"),
            "{run:#?}"
        );
    }
    let run = in_b(&project, &["validate", "-q"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{run:#?}");
    // Named, it needs no words.
    let run = in_b(&project, &["validate", "-c", "../../frames.yml"]);
    assert_eq!(run.code, 0);
    assert!(!run.stderr.contains("found above"), "{run:#?}");
    let run = Run::of(
        project
            .command()
            .arg("validate")
            .current_dir(project.path().join("project")),
    );
    assert_eq!(run.code, 0);
    assert!(!run.stderr.contains("found above"), "{run:#?}");
}

#[test]
fn one_that_somebody_else_could_have_written_is_refused() {
    for (what, path, loose) in [
        ("the file, by its group", "project/frames.yml", 0o664),
        ("the file, by all", "project/frames.yml", 0o646),
        ("its directory, by its group", "project", 0o775),
        ("its directory, by all", "project", 0o757),
        ("its directory, sticky", "project", 0o1777),
    ] {
        let project = below();
        mode(&project.path().join(path), loose);
        for command in [
            "validate", "deploy", "info", "history", "rollback", "remove", "dev", "package",
        ] {
            let run = in_b(&project, &[command]);
            assert_eq!(run.code, 2, "{what}: {run:#?}");
            assert_eq!(run.stdout, "");
            for words in [
                "../../frames.yml, found above, isn't used",
                "can be written to by other users",
                "--config ../../frames.yml",
            ] {
                assert!(run.stderr.contains(words), "{what}: {words}: {run:#?}");
            }
        }
        // Those who name it, or run in its directory, have chosen it.
        let run = in_b(&project, &["validate", "--config", "../../frames.yml"]);
        assert_eq!(run.code, 0, "{what}: {run:#?}");
        let beside = Run::of(
            project
                .command()
                .arg("validate")
                .current_dir(project.path().join("project")),
        );
        assert_eq!(beside.code, 0, "{what}: {beside:#?}");
    }
    if rustix::process::geteuid().is_root() {
        for path in ["project/frames.yml", "project"] {
            let project = below();
            chown(project.path().join(path), Some(12_345), None).unwrap();
            let run = in_b(&project, &["validate"]);
            assert_eq!(run.code, 2, "{run:#?}");
            assert!(
                run.stderr.contains("belongs to another user (uid 12345"),
                "{run:#?}"
            );
            assert_eq!(
                in_b(&project, &["validate", "-c", "../../frames.yml"]).code,
                0
            );
        }
    }
}

/// What a manifest that nobody named reads, is looked at like the manifest.
#[test]
fn so_is_what_it_reads() {
    let project = below();
    project.write(
        "project/frames.yml",
        "service: ${file(./more/names.yml):service}\nauth: {mode: none}\n",
    );
    project.write("project/more/names.yml", "service: x\n");
    mode(&project.path().join("project/frames.yml"), 0o644);
    let (file, directory) = (
        project.path().join("project/more/names.yml"),
        project.path().join("project/more"),
    );
    for (path, good, bad) in [(&file, 0o644, 0o666), (&directory, 0o755, 0o777)] {
        mode(&file, 0o644);
        mode(&directory, 0o755);
        assert_eq!(in_b(&project, &["validate"]).code, 0);
        mode(path, bad);
        let run = in_b(&project, &["validate"]);
        assert_eq!(run.code, 3, "{run:#?}");
        assert!(
            run.stdout.contains(&format!("(mode {bad:04o})")),
            "{run:#?}"
        );
        assert!(run.stdout.contains("--config"), "{run:#?}");
        assert_eq!(
            in_b(&project, &["validate", "-c", "../../frames.yml"]).code,
            0
        );
        mode(path, good);
    }
}

#[test]
fn a_file_outside_of_the_directory_needs_a_flag() {
    let project = Project::empty();
    project.write("secret.yml", "token: hunter2\nservice: x\n");
    project.write(
        "keys.json",
        crate::support::read("tests/manifests/jwks.json"),
    );
    project.write("project/inside.yml", "service: x\n");
    symlink("../secret.yml", project.path().join("project/link.yml")).unwrap();
    symlink("..", project.path().join("project/up")).unwrap();
    symlink("inside.yml", project.path().join("project/inner.yml")).unwrap();
    let absolute = project.path().join("secret.yml").display().to_string();
    let validate = |manifest: &str, flags: &[&str]| {
        project.write("project/frames.yml", manifest);
        let mut command = project.command();
        command.args(["validate"]).args(flags);
        Run::of(command.current_dir(project.path().join("project")))
    };
    let file = |path: &str| format!("service: ${{file({path}):service}}\nauth: {{mode: none}}\n");
    let keys = "service: x\nauth: {mode: oidc, issuer: 'https://i.example', audience: a, jwksFile: ../keys.json}\n".to_owned();
    for (path, manifest) in [
        ("../secret.yml", file("../secret.yml")),
        ("up/secret.yml", file("up/secret.yml")),
        ("link.yml", file("./link.yml")),
        (absolute.as_str(), file(&absolute)),
        ("../keys.json", keys),
    ] {
        let run = validate(&manifest, &["--format", "github"]);
        assert_eq!(run.code, 3, "{path}: {run:#?}");
        for words in ["title=outside-file", path, "--allow-outside-files"] {
            assert!(run.stdout.contains(words), "{path}: {words}: {run:#?}");
        }
        assert!(!run.stdout.contains("hunter2"), "{run:#?}");
        let run = validate(&manifest, &["--allow-outside-files"]);
        assert_eq!(run.code, 0, "{path}: {run:#?}");
    }
    // A default doesn't replace what may not be read, and the error doesn't say whether it exists.
    for manifest in [
        file("../secret.yml").replace("service}", "service, 'x'}"),
        file("../none.yml"),
        file("/none/none.yml"),
    ] {
        let run = validate(&manifest, &["--format", "github"]);
        assert_eq!(run.code, 3, "{run:#?}");
        assert!(run.stdout.contains("title=outside-file"), "{run:#?}");
    }
    for path in [
        "./inside.yml",
        "inner.yml",
        "up/project/inside.yml",
        "../project/inside.yml",
    ] {
        let run = validate(&file(path), &[]);
        assert_eq!(run.code, 0, "{path}: {run:#?}");
    }
}
