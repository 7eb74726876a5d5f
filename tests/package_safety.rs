//! `frames package` where a directory, a file or the cache isn't what it should be.

use crate::support::frames::{Project, Run};
use crate::support::target;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

const MINIMAL: &str = "service: x\nauth: {mode: none}\n";

fn pipe(path: &Path) {
    let made = std::process::Command::new("mkfifo").arg(path).status();
    assert!(made.unwrap().success());
}

/// A cache with the shared one's programs, and where these lie.
pub fn cache_with_programs(project: &Project) -> (tempfile::TempDir, PathBuf) {
    let run = project.frames(&["package", "--verbose"]);
    assert_eq!(run.code, 0, "{run:#?}");
    // The first run of all builds them; the next one says where they are.
    let run = project.frames(&["package", "--verbose"]);
    let (_, ready) = run.stderr.split_once("programs from ").unwrap();
    let ready = PathBuf::from(ready.lines().next().unwrap().trim());
    let cache = tempfile::tempdir().unwrap();
    let copy = cache
        .path()
        .join(ready.strip_prefix(target().join("test-cache")).unwrap());
    fs::create_dir_all(&copy).unwrap();
    for entry in fs::read_dir(&ready).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), copy.join(entry.file_name())).unwrap();
    }
    // The umask may allow a group.
    for directory in copy.ancestors().take(3) {
        mode(directory, 0o700);
    }
    (cache, copy)
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn damaged_programs_are_built_again() {
    let project = Project::new(MINIMAL);
    let (cache, ready) = cache_with_programs(&project);
    let (run, cargo_ran) = project.package_with_failing_cargo(cache.path());
    assert_eq!((run.code, cargo_ran), (0, false), "{run:#?}");
    let signer = ready.join("signer.zip");
    let mut content = fs::read(&signer).unwrap();
    let middle = content.len() / 2;
    content[middle] ^= 1;
    fs::write(&signer, content).unwrap();
    let (run, cargo_ran) = project.package_with_failing_cargo(cache.path());
    assert_eq!((run.code, cargo_ran), (1, true), "{run:#?}");
    assert!(run.stderr.contains("isn't what frames stored"), "{run:#?}");
}

#[test]
fn a_cache_that_others_write_to_is_refused() {
    let project = Project::new(MINIMAL);
    let (cache, _) = cache_with_programs(&project);
    fs::remove_dir_all(project.path().join(".frames")).unwrap();
    let shared = cache.path().join("frames");
    mode(&shared, 0o775);
    let (run, cargo_ran) = project.package_with_failing_cargo(cache.path());
    assert_eq!((run.code, cargo_ran), (1, false), "{run:#?}");
    let path = shared.display().to_string();
    assert!(
        run.stderr
            .contains(&format!("{path} can be written to by other users")),
        "{run:#?}"
    );
    assert!(run.stderr.contains(&format!("rm -r '{path}'")), "{run:#?}");
    assert!(!project.path().join(".frames").exists());
}

#[test]
fn the_cache_is_the_users_alone() {
    let project = Project::new(MINIMAL);
    let cache = tempfile::tempdir().unwrap();
    let (run, cargo_ran) = project.package_with_failing_cargo(cache.path());
    assert_eq!((run.code, cargo_ran), (1, true), "{run:#?}");
    for name in ["frames", "frames/functions", "frames/functions/target"] {
        let made = fs::metadata(cache.path().join(name)).unwrap();
        assert_eq!(made.permissions().mode() & 0o777, 0o700, "{name}");
    }
}

#[test]
fn a_link_in_the_place_of_the_output_is_refused() {
    for link in [".frames", ".frames/dev"] {
        let project = Project::new(MINIMAL);
        let elsewhere = tempfile::tempdir().unwrap();
        let link = project.path().join(link);
        fs::create_dir_all(link.parent().unwrap()).unwrap();
        symlink(elsewhere.path(), &link).unwrap();
        let run = project.frames(&["package"]);
        assert_eq!((run.code, run.stdout.as_str()), (1, ""), "{run:#?}");
        assert!(run.stderr.contains("is a symbolic link"), "{run:#?}");
        assert!(run.stderr.contains("help: remove the link"), "{run:#?}");
        assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
    }
}

#[test]
fn only_zips_of_frames_making_are_stale() {
    let project = Project::new(MINIMAL);
    project.package();
    let kept = [
        "signer-mine.zip",
        "authorizer-0123456789ABCDEF.zip",
        "signer-0123456789abcdef.zip.bak",
    ];
    for name in kept {
        project.write(&format!(".frames/dev/{name}"), "not of frames' making");
    }
    project.write(".frames/dev/signer-0123456789abcdef.zip", "an earlier one");
    project.package();
    for name in kept {
        assert!(project.output(name).exists(), "{name}");
    }
    assert!(!project.output("signer-0123456789abcdef.zip").exists());
}

/// Neither waits for a writer, nor writes through a link.
#[test]
fn what_is_no_file_is_replaced() {
    let project = Project::new(MINIMAL);
    project.package();
    let plan = fs::read(project.output("plan.json")).unwrap();
    let template = fs::read(project.output("cdn.template.json")).unwrap();
    fs::remove_file(project.output("plan.json")).unwrap();
    pipe(&project.output("plan.json"));
    fs::rename(
        project.output("cdn.template.json"),
        project.path().join("elsewhere"),
    )
    .unwrap();
    symlink(
        project.path().join("elsewhere"),
        project.output("cdn.template.json"),
    )
    .unwrap();
    project.package();
    for (name, content) in [("plan.json", plan), ("cdn.template.json", template)] {
        let path = project.output(name);
        assert!(fs::symlink_metadata(&path).unwrap().is_file(), "{name}");
        assert_eq!(fs::read(&path).unwrap(), content, "{name}");
    }
}

#[test]
fn a_manifest_that_is_no_file_ends_at_once() {
    let project = Project::empty();
    pipe(&project.path().join("pipe"));
    for name in ["pipe", "/dev/zero", "."] {
        let run = project.frames(&["validate", "--config", name]);
        assert_eq!(run.code, 2, "{run:#?}");
        assert!(
            run.stderr
                .contains(&format!("can't read {name}: it isn't a regular file")),
            "{run:#?}"
        );
    }
    let endless = fs::File::create(project.path().join("frames.yml")).unwrap();
    endless.set_len(1 << 40).unwrap();
    let run = project.frames(&["validate"]);
    assert_eq!(run.code, 3, "{run:#?}");
    assert!(run.stdout.contains("error[too-large]"), "{run:#?}");
}

#[test]
fn a_key_set_that_is_no_file_is_a_finding() {
    let manifest = "service: x\nauth: {mode: oidc, issuer: 'https://a.example', audience: b, jwksFile: keys}\n";
    let project = Project::new(manifest);
    pipe(&project.path().join("keys"));
    let run = project.frames(&["validate"]);
    assert_eq!(run.code, 3, "{run:#?}");
    assert!(run.stdout.contains("it isn't a regular file"), "{run:#?}");
}

fn under(umask: &str, project: &Project, arguments: &[&str]) -> Run {
    Run::of(project.command_under(umask).args(arguments))
}

/// Each path below, with its mode.
fn modes(directory: &Path) -> Vec<(PathBuf, u32)> {
    let mut found = vec![(
        directory.to_owned(),
        fs::symlink_metadata(directory)
            .unwrap()
            .permissions()
            .mode()
            & 0o7777,
    )];
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(modes(&path));
        } else {
            let mode = fs::symlink_metadata(&path).unwrap().permissions().mode() & 0o7777;
            found.push((path, mode));
        }
    }
    found
}

fn is_the_owners_alone(project: &Project) {
    let output = project.path().join(".frames");
    let found = modes(&output);
    assert!(found.len() >= 7, "{found:?}");
    for (path, mode) in found {
        let wanted = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode, wanted, "{}", path.display());
    }
    assert_eq!(fs::read(output.join(".gitignore")).unwrap(), b"*\n");
}

#[test]
fn what_is_packaged_is_the_owners_alone() {
    for umask in ["000", "022", "077"] {
        let project = Project::new(MINIMAL);
        let run = under(umask, &project, &["package"]);
        assert_eq!(run.code, 0, "{run:#?}");
        is_the_owners_alone(&project);
        // What an earlier version left, or somebody loosened.
        for (path, _) in modes(&project.path().join(".frames")) {
            let loose = if path.is_dir() { 0o777 } else { 0o666 };
            mode(&path, loose);
        }
        let run = under(umask, &project, &["package"]);
        assert_eq!(run.code, 0, "{run:#?}");
        is_the_owners_alone(&project);
    }
}

/// Git doesn't see it, whatever the project ignores.
#[test]
fn what_is_packaged_isnt_committed() {
    let project = Project::new(MINIMAL);
    project.package();
    let git = |arguments: &[&str]| {
        let output = std::process::Command::new("git")
            .args(arguments)
            .current_dir(project.path())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    git(&["init", "-q"]);
    assert_eq!(git(&["status", "--porcelain", "-uall"]), "?? frames.yml\n");
}

/// What everybody writes is as the umask has it: a manifest is no secret.
#[test]
fn a_first_manifest_is_a_normal_file() {
    for (umask, wanted) in [("022", 0o644), ("077", 0o600)] {
        let project = Project::empty();
        assert_eq!(under(umask, &project, &["init", "--auth", "none"]).code, 0);
        let file = fs::metadata(project.path().join("frames.yml")).unwrap();
        assert_eq!(file.permissions().mode() & 0o777, wanted);
    }
}
