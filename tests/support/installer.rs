//! install.sh, releases for it that a test makes, and homes to install into.

use super::frames::Run;
use super::root;
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tar::{Builder, EntryType, Header};
use tempfile::TempDir;

/// What a release's program does here: it says its version, or what it was given.
const PROGRAM: &str = "#!/bin/sh
case $1 in
  --version) echo 'frames VERSION (commit 0123456, programs inside)' ;;
  *) printf '<%s>\\n' \"$@\"; exit \"${FRAMES_TEST_EXIT:-0}\" ;;
esac
";

/// A folder with an archive and its sum.
pub struct Release {
    directory: TempDir,
    pub version: String,
}

/// A member of an archive: kind, name below the release's folder unless it begins otherwise,
/// mode, and content or what a link leads to.
pub struct Member {
    pub kind: EntryType,
    pub name: String,
    pub mode: u32,
    pub content: String,
}

impl Member {
    pub fn file(name: &str, content: &str) -> Self {
        Self {
            kind: EntryType::Regular,
            name: name.to_owned(),
            mode: 0o644,
            content: content.to_owned(),
        }
    }

    pub fn link(kind: EntryType, name: &str, to: &str) -> Self {
        Self {
            kind,
            ..Self::file(name, to)
        }
    }
}

impl Release {
    /// A whole one, laid out as release/build does it.
    pub fn new(version: &str) -> Self {
        let release = Self::empty(version);
        release.archive(&release.members());
        release.sum();
        release
    }

    fn empty(version: &str) -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
            version: version.to_owned(),
        }
    }

    /// One with these members beside its own.
    pub fn with(version: &str, more: Vec<Member>) -> Self {
        let release = Self::empty(version);
        let mut members = release.members();
        members.extend(more);
        release.archive(&members);
        release.sum();
        release
    }

    /// One that lacks what has this name.
    pub fn without(version: &str, name: &str) -> Self {
        let release = Self::empty(version);
        let mut members = release.members();
        let before = members.len();
        members.retain(|member| member.name != name);
        assert!(members.len() < before, "{name}");
        release.archive(&members);
        release.sum();
        release
    }

    /// One with another program.
    pub fn running(version: &str, program: &str) -> Self {
        let release = Self::empty(version);
        let mut members = release.members();
        members[1].content = program.to_owned();
        release.archive(&members);
        release.sum();
        release
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    pub fn folder(&self) -> String {
        format!("frames-{}-x86_64-linux", self.version)
    }

    pub fn archive_name(&self) -> String {
        format!("{}.tar.gz", self.folder())
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path().join(name), content).unwrap();
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path().join(name)).unwrap()
    }

    /// The line of SHA256SUMS.
    pub fn line(&self) -> String {
        let name = self.archive_name();
        format!("{:x}  {name}\n", Sha256::digest(self.read(&name)))
    }

    fn sum(&self) {
        let other = format!("{}  frames_cli-{}.whl\n", "0".repeat(64), self.version);
        self.write("SHA256SUMS", format!("{}{other}", self.line()));
    }

    fn members(&self) -> Vec<Member> {
        let version = &self.version;
        let program = PROGRAM.replace("VERSION", version);
        let mut folder = Member::file("", "");
        folder.kind = EntryType::Directory;
        folder.mode = 0o755;
        let mut members = vec![
            folder,
            Member::file("frames", &program),
            Member::file("LICENSE", "Apache-2.0\n"),
            Member::file("THIRD-PARTY-LICENSES.txt", "theirs\n"),
            Member::file("completions/frames.bash", "# bash\n"),
            Member::file("completions/_frames", "#compdef frames\n"),
            Member::file("completions/frames.fish", "# fish\n"),
            Member::file("man/man1/frames.1", &format!(".TH frames {version}\n")),
            Member::file("man/man1/frames-deploy.1", ".TH frames-deploy\n"),
        ];
        members[1].mode = 0o755;
        members
    }

    fn archive(&self, members: &[Member]) {
        let mut archive = Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for member in members {
            let is_link = !matches!(member.kind, EntryType::Regular | EntryType::Directory);
            let content = if is_link { "" } else { &member.content };
            let mut header = Header::new_gnu();
            header.set_entry_type(member.kind);
            header.set_mode(member.mode);
            header.set_size(content.len() as u64);
            // As bytes: the library would refuse what install.sh has to refuse.
            let name = match member.name.strip_prefix('!') {
                Some(whole) => whole.to_owned(),
                None => format!("{}/{}", self.folder(), member.name),
            };
            let old = header.as_old_mut();
            old.name[..name.len()].copy_from_slice(name.as_bytes());
            if is_link {
                old.linkname[..member.content.len()].copy_from_slice(member.content.as_bytes());
            }
            header.set_cksum();
            archive.append(&header, content.as_bytes()).unwrap();
        }
        let bytes = archive.into_inner().unwrap().finish().unwrap();
        self.write(&self.archive_name(), bytes);
    }
}

/// Somebody's home, with a folder for temporary files and one for programs of the test's own.
pub struct Home {
    directory: TempDir,
}

impl Home {
    pub fn new() -> Self {
        let home = Self {
            directory: tempfile::tempdir().unwrap(),
        };
        for name in ["home", "temporary", "bin"] {
            fs::create_dir(home.directory.path().join(name)).unwrap();
        }
        home
    }

    pub fn path(&self) -> PathBuf {
        self.directory.path().join("home")
    }

    pub fn temporary(&self) -> PathBuf {
        self.directory.path().join("temporary")
    }

    /// A program that is found before all others.
    pub fn program(&self, name: &str, script: &str) {
        let path = self.directory.path().join("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// The shell, with an environment that has nothing of the caller's.
    pub fn shell(&self, shell: &[&str]) -> Command {
        let mut command = Command::new(shell[0]);
        let bin = self.directory.path().join("bin");
        command
            .args(&shell[1..])
            .current_dir(self.path())
            .env_clear()
            .env("HOME", self.path())
            .env("TMPDIR", self.temporary())
            .env("PATH", format!("{}:/usr/bin:/bin", bin.display()))
            .stdin(Stdio::null());
        command
    }

    pub fn command(&self, shell: &[&str], arguments: &[&str]) -> Command {
        let mut command = self.shell(shell);
        command.arg(root().join("install.sh")).args(arguments);
        command
    }

    pub fn install(&self, shell: &[&str], arguments: &[&str]) -> Run {
        Run::of(&mut self.command(shell, arguments))
    }

    pub fn from(&self, shell: &[&str], release: &Release) -> Run {
        self.install(shell, &["--from", release.path().to_str().unwrap()])
    }

    /// All that is in the home: mode and content by path, `None` for a folder.
    pub fn tree(&self) -> BTreeMap<String, (u32, Option<Vec<u8>>)> {
        let mut tree = BTreeMap::new();
        collect(&self.path(), "", &mut tree);
        tree
    }

    pub fn files(&self) -> Vec<String> {
        let tree = self.tree().into_iter();
        tree.filter(|(_, (_, content))| content.is_some())
            .map(|(name, _)| name)
            .collect()
    }

    /// No temporary file stayed.
    pub fn assert_tidy(&self, what: &str) {
        let left: Vec<_> = fs::read_dir(self.temporary()).unwrap().collect();
        assert!(left.is_empty(), "{what}: {left:?}");
        let files = self.files();
        let staged = files.iter().find(|name| name.contains("/.frames."));
        assert!(staged.is_none(), "{what}: {staged:?}");
    }
}

fn collect(folder: &Path, prefix: &str, tree: &mut BTreeMap<String, (u32, Option<Vec<u8>>)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        let kind = entry.metadata().unwrap();
        let mode = kind.permissions().mode() & 0o7777;
        if kind.is_dir() {
            tree.insert(name.clone(), (mode, None));
            collect(&entry.path(), &format!("{name}/"), tree);
        } else {
            let content = fs::read(entry.path()).unwrap_or_default();
            tree.insert(name, (mode, Some(content)));
        }
    }
}

/// A folder with links to these programs of the machine: a PATH with nothing else.
pub fn only(programs: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for program in programs {
        let found = ["/usr/bin", "/bin"].map(|bin| Path::new(bin).join(program));
        let found = found.iter().find(|path| path.exists());
        let found = found.unwrap_or_else(|| panic!("{program} isn't here"));
        symlink(found, folder.path().join(program)).unwrap();
    }
    folder
}
