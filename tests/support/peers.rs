//! The peers: installed at first use into `target/peers/`, pinned in
//! `tests/peers/*.txt`. A change of the pins installs them anew.

use super::{read, root, target};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

#[derive(Debug)]
pub struct Peers {
    directory: PathBuf,
}

impl Peers {
    /// The virtual environment's programs: what belongs on a PATH.
    pub fn bin(&self) -> PathBuf {
        self.directory.join("venv/bin")
    }

    pub fn program(&self, name: &str) -> PathBuf {
        self.bin().join(name)
    }

    /// AWS's Lambda emulator.
    pub fn emulator(&self) -> PathBuf {
        self.directory.join("aws-lambda-rie")
    }
}

/// Installs the peers, unless they are there.
pub fn peers() -> &'static Peers {
    static PEERS: OnceLock<Peers> = OnceLock::new();
    PEERS.get_or_init(|| {
        let directory = target().join("peers");
        fs::create_dir_all(&directory).unwrap();
        // Other test processes wait here. The lock ends with the file.
        let lock = File::create(directory.join("lock")).unwrap();
        lock.lock().unwrap();
        let peers = Peers { directory };
        let stamp = stamp(&peers);
        let stamp_file = peers.directory.join("stamp");
        let installed = fs::read_to_string(&stamp_file).is_ok_and(|text| text == stamp);
        if !(installed && peers.program("python").exists()) {
            let _ = fs::remove_file(&stamp_file);
            install(&peers);
            fs::write(&stamp_file, stamp).unwrap();
        }
        peers
    })
}

/// The pins and the place: a virtual environment can't be moved.
fn stamp(peers: &Peers) -> String {
    let mut hash = Sha256::new();
    hash.update(read("tests/peers/requirements.txt"));
    hash.update(read("tests/peers/emulator.txt"));
    format!("{:x} {}\n", hash.finalize(), peers.directory.display())
}

fn install(peers: &Peers) {
    let venv = peers.directory.join("venv");
    let pins = root().join("tests/peers");
    let python = peers.program("python");
    step(
        "make a virtual environment (Python 3.10 or newer with its venv module)",
        Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(&venv),
    );
    step(
        "install tests/peers/requirements.txt",
        pip(&python)
            .args(["install", "--no-deps", "-r"])
            .arg(pins.join("requirements.txt")),
    );
    let wheels = tempfile::tempdir_in(&peers.directory).unwrap();
    step(
        "download tests/peers/emulator.txt",
        pip(&python)
            .args(["download", "--no-deps", "-r"])
            .arg(pins.join("emulator.txt"))
            .arg("-d")
            .arg(wheels.path()),
    );
    unpack_emulator(wheels.path(), &peers.emulator());
}

fn pip(python: &Path) -> Command {
    let mut command = Command::new(python);
    command.args(["-m", "pip", "--quiet", "--disable-pip-version-check"]);
    command
}

fn unpack_emulator(wheels: &Path, to: &Path) {
    const MEMBER: &str = "samcli/local/rapid/aws-lambda-rie-x86_64";
    let wheel = fs::read_dir(wheels)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let mut wheel = zip::ZipArchive::new(File::open(wheel).unwrap()).unwrap();
    let mut member = wheel
        .by_name(MEMBER)
        .unwrap_or_else(|error| panic!("peers: the wheel has no {MEMBER}: {error}"));
    std::io::copy(&mut member, &mut File::create(to).unwrap()).unwrap();
    fs::set_permissions(to, fs::Permissions::from_mode(0o755)).unwrap();
}

fn step(what: &str, command: &mut Command) {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("peers: can't {what}: {command:?}: {error}"));
    assert!(
        output.status.success(),
        "peers: can't {what}: {command:?}\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
