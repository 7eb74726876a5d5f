//! Plan and programs to zips, templates and plan.json.

use super::programs::{FUNCTIONS, Programs};
use super::recipe::sha256;
use super::{files, zips};
use crate::interrupt;
use frames_compiler::failure::{Context, Failure, Result};
use frames_compiler::limits;
use frames_compiler::names;
use frames_compiler::package::{Package, Zip};
use frames_compiler::plan::{Artifact, Plan};
use frames_compiler::template::{self, PlanFile};
use std::path::Path;

/// What `frames package` writes to, beside the manifest.
pub const OUTPUT: &str = ".frames";

pub fn package(plan: &Plan, programs: &Programs) -> Result<Package> {
    let mut zips = Vec::new();
    for function in plan.functions() {
        let config = serde_json::to_vec_pretty(&function.config.json())
            .context(|| "can't write config.json")?;
        let base = programs.base(function.name).ok_or_else(|| {
            Failure::new(format!(
                "there is no program for the function {}",
                function.name
            ))
        })?;
        let bytes = zips::with_config(base, &config, function.launch_file())?;
        let sha256 = sha256(&bytes);
        zips.push(Zip {
            function: function.name,
            file: names::artifact_file(function.name, &sha256),
            bytes,
            sha256,
        });
    }
    zips.iter()
        .try_for_each(|zip| check_size(zip.function, zip.bytes.len()))?;
    let artifacts: Vec<Artifact> = zips
        .iter()
        .map(|zip| Artifact {
            function: zip.function.to_owned(),
            sha256: zip.sha256.clone(),
            bytes: zip.bytes.len() as u64,
        })
        .collect();
    let templates = template::render(plan, &artifacts).context(|| "can't make the templates")?;
    let plan_file = PlanFile::new(plan, &artifacts, &templates);
    let plan_json = serde_json::to_string_pretty(&plan_file).context(|| "can't write plan.json")?;
    Ok(Package {
        zips,
        templates,
        plan_json: plan_json + "\n",
    })
}

/// What "Quotas on Lambda@Edge" of the Amazon CloudFront Developer Guide gave functions at
/// viewer-request for years.
const MOST_AT_VIEWERS_BEFORE: usize = 1_000_000;

fn check_size(function: &str, bytes: usize) -> Result<()> {
    if bytes <= limits::ZIP {
        return Ok(());
    }
    Err(Failure::new(format!(
        "the {function}'s zip has {bytes} bytes; Lambda@Edge takes {} at the most",
        limits::ZIP
    ))
    .help("list fewer ids in `auth.access` and `iam.allow`: whole data stores, or `auth.accessClaims`, which needs no ids"))
}

/// Says of a zip that it is within what Lambda@Edge takes today, and beyond what it took.
pub fn heavy(package: &Package) -> Option<String> {
    let is_heavy = |zip: &&Zip| zip.bytes.len() > MOST_AT_VIEWERS_BEFORE;
    let at_viewers = package
        .zips
        .iter()
        .find(|zip| zip.function == names::AUTHORIZER);
    let zip = at_viewers.filter(is_heavy)?;
    Some(format!(
        "the authorizer's zip has {} bytes. Lambda@Edge took {MOST_AT_VIEWERS_BEFORE} at viewer-request before AWS raised that, \
         and where the old limit still holds, CloudFront refuses the function and goes on with what is deployed. \
         Whole data stores, or `auth.accessClaims`, need no list of ids",
        zip.bytes.len()
    ))
}

/// Writes the directory. `plan.json` comes last: a reader of it finds all that it names.
pub fn write(package: &Package, directory: &Path) -> Result<()> {
    interrupt::whole(|| write_all(package, directory))
}

fn write_all(package: &Package, directory: &Path) -> Result<()> {
    if let Some(above) = output_above(directory) {
        files::own_directory(above, LINK)?;
        // What is compiled may hold secrets, and is nothing to commit.
        write_file(above, ".gitignore", b"*\n")?;
    }
    files::own_directory(directory, LINK)?;
    for zip in &package.zips {
        write_file(directory, &zip.file, &zip.bytes)?;
    }
    for template in &package.templates {
        write_file(directory, &template.file_name(), template.text.as_bytes())?;
    }
    write_file(directory, "plan.json", package.plan_json.as_bytes())?;
    remove_stale(&package.zips, directory)
}

/// Zips of earlier packages; nothing refers to them any more.
fn remove_stale(zips: &[Zip], directory: &Path) -> Result<()> {
    let entries =
        std::fs::read_dir(directory).context(|| format!("can't list {}", directory.display()))?;
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let ours = FUNCTIONS.iter().any(|function| is_zip_of(function, &name))
            && entry.file_type().is_ok_and(|kind| kind.is_file());
        if ours && !zips.iter().any(|zip| zip.file == name) {
            std::fs::remove_file(entry.path()).context(|| format!("can't remove {name}"))?;
        }
    }
    Ok(())
}

/// `<function>-<16 hexadecimal digits>.zip`, as [`names::artifact_file`] makes it.
fn is_zip_of(function: &str, name: &str) -> bool {
    let hash = name
        .strip_prefix(function)
        .and_then(|rest| rest.strip_prefix('-'))
        .and_then(|rest| rest.strip_suffix(".zip"));
    hash.is_some_and(|hash| {
        hash.len() == 16 && hash.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    })
}

/// A project that came from elsewhere may bring a link: what it leads to isn't
/// ours to write to, and less so to clear up.
const LINK: &str = "frames writes only below the manifest's directory";

/// `.frames`, where that is what the directory is in.
fn output_above(directory: &Path) -> Option<&Path> {
    let above = directory.parent()?;
    (above.file_name()? == OUTPUT).then_some(above)
}

/// A reader sees the old file or the new one, never a part. Only the owner can read it.
fn write_file(directory: &Path, name: &str, content: &[u8]) -> Result<()> {
    let path = directory.join(name);
    if holds(&path, content) {
        return Ok(());
    }
    let context = || format!("can't write {}", path.display());
    let mut file = tempfile::Builder::new()
        .prefix(".")
        .permissions(files::owners_file())
        .tempfile_in(directory)
        .context(context)?;
    // Whatever the umask is.
    file.as_file()
        .set_permissions(files::owners_file())
        .context(context)?;
    std::io::Write::write_all(&mut file, content).context(context)?;
    file.persist(&path).map(drop).context(context)
}

/// Anything but a regular file that only the owner can use is replaced, and not even opened.
fn holds(path: &Path, content: &[u8]) -> bool {
    let length = content.len() as u64;
    std::fs::symlink_metadata(path)
        .is_ok_and(|old| old.is_file() && old.len() == length && files::is_owners(&old))
        && files::read(path, length).is_ok_and(|old| old == content)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn what_a_function_may_weigh_is_checked() {
        assert!(check_size(names::AUTHORIZER, 50_000_000).is_ok());
        let failure = check_size(names::AUTHORIZER, 50_000_001).unwrap_err();
        assert_eq!(
            failure.message,
            "the authorizer's zip has 50000001 bytes; Lambda@Edge takes 50000000 at the most"
        );
        let help = failure.help.unwrap();
        assert!(help.contains("auth.accessClaims"), "{help}");
    }

    #[test]
    fn what_is_heavier_than_before_is_told() {
        let zip = |function, bytes| Zip {
            function,
            file: String::new(),
            bytes: vec![0; bytes],
            sha256: String::new(),
        };
        let package = |function, bytes| Package {
            zips: vec![zip(function, bytes)],
            templates: vec![],
            plan_json: String::new(),
        };
        assert_eq!(heavy(&package(names::AUTHORIZER, 1_000_000)), None);
        assert_eq!(heavy(&package(names::SIGNER, 1_000_001)), None);
        let said = heavy(&package(names::AUTHORIZER, 1_000_001)).unwrap();
        assert!(said.contains("1000001 bytes"), "{said}");
    }

    #[test]
    fn a_stale_zip_is_known_by_its_whole_name() {
        let made = names::artifact_file("signer", &"0123456789abcdef".repeat(4));
        assert!(is_zip_of("signer", &made), "{made}");
        for name in [
            "signer-0123456789abcde.zip",
            "signer-0123456789abcdef0.zip",
            "signer-0123456789ABCDEF.zip",
            "signer-old.zip",
            "signer-0123456789abcdef.zip.bak",
            "signer0123456789abcdef.zip",
            "my-signer-0123456789abcdef.zip",
        ] {
            assert!(!is_zip_of("signer", name), "{name}");
        }
    }

    #[test]
    fn an_old_file_is_compared_only_where_it_is_one() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("plan.json");
        let elsewhere = directory.path().join("elsewhere");
        std::fs::write(&elsewhere, "same").unwrap();
        std::fs::set_permissions(&elsewhere, files::owners_file()).unwrap();
        symlink(&elsewhere, &path).unwrap();
        assert!(!holds(&path, b"same"));
        write_file(directory.path(), "plan.json", b"other").unwrap();
        assert!(!path.is_symlink() && holds(&path, b"other"));
        assert!(!holds(&path, b"othe") && !holds(&path, b"others") && !holds(&path, b"Other"));
        assert_eq!(std::fs::read(&elsewhere).unwrap(), b"same");
        // One that others may read is written again.
        let mode = |mode| std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        mode(0o640);
        assert!(!holds(&path, b"other"));
        write_file(directory.path(), "plan.json", b"other").unwrap();
        assert!(holds(&path, b"other"));
    }
}
