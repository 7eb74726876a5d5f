//! The peers: installed at first use into `target/peers/`, pinned in
//! `tests/peers/`. A change of the pins installs them again.

use super::{read, root, target};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
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
        let peers = Peers {
            directory: directory(),
        };
        once(
            "lock",
            &peers.directory.join("stamp"),
            &["tests/peers/requirements.txt", "tests/peers/emulator.txt"],
            &peers.program("python"),
            || install(&peers),
        );
        peers
    })
}

/// checkov, in a virtual environment of its own: it needs other versions of shared packages.
pub fn checkov() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        const PINS: &str = "tests/peers/checkov.txt";
        let venv = directory().join("checkov");
        let program = venv.join("bin/checkov");
        once(
            "checkov.lock",
            &directory().join("checkov.stamp"),
            &[PINS],
            &program,
            || install_venv(&venv, PINS),
        );
        program
    })
}

/// The Python that has pydicom and its decoders, apart from the rest: they are large.
pub fn pydicom() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        const PINS: &str = "tests/peers/dicom.txt";
        let venv = directory().join("dicom");
        let program = venv.join("bin/python");
        once(
            "dicom.lock",
            &directory().join("dicom.stamp"),
            &[PINS],
            &program,
            || install_venv(&venv, PINS),
        );
        program
    })
}

/// The Python that packs releases.
pub fn packer() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        const PINS: &str = "release/pack.txt";
        let venv = directory().join("pack");
        let program = venv.join("bin/python");
        once(
            "pack.lock",
            &directory().join("pack.stamp"),
            &[PINS],
            &program,
            || install_venv(&venv, PINS),
        );
        program
    })
}

/// shellcheck, zizmor and hadolint: where their programs are.
pub fn linters() -> &'static Path {
    static BIN: OnceLock<PathBuf> = OnceLock::new();
    BIN.get_or_init(|| {
        const PINS: &str = "tests/peers/lint.txt";
        let venv = directory().join("lint");
        let bin = venv.join("bin");
        once(
            "lint.lock",
            &directory().join("lint.stamp"),
            &[PINS],
            &bin.join("zizmor"),
            || install_venv(&venv, PINS),
        );
        bin
    })
}

/// The machine's busybox, or Debian's, unpacked.
pub fn busybox() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let path = std::env::var_os("PATH").unwrap();
        let here = std::env::split_paths(&path).map(|folder| folder.join("busybox"));
        if let Some(program) = here.into_iter().find(|program| program.exists()) {
            return program;
        }
        let unpacked = directory().join("busybox");
        let program = unpacked.join("bin/busybox");
        once(
            "busybox.lock",
            &directory().join("busybox.stamp"),
            &[],
            &program,
            || unpack_busybox(&unpacked),
        );
        program
    })
}

/// With lists of its own: the machine's may be missing, and aren't touched.
fn unpack_busybox(to: &Path) {
    let _ = fs::remove_dir_all(to);
    fs::create_dir_all(to.join("lists/partial")).unwrap();
    fs::create_dir_all(to.join("cache/archives/partial")).unwrap();
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        for (name, folder) in [("State::lists", "lists"), ("Cache", "cache")] {
            let place = to.join(folder);
            command.args(["-o", &format!("Dir::{name}={}", place.display())]);
        }
        command
            .args(["-qq", "-o", "APT::Sandbox::User=root"])
            .args(arguments)
            .current_dir(to);
        command
    };
    let what = "get busybox (install it, where this isn't Debian or Ubuntu)";
    step(what, &mut apt(&["update"]));
    step(what, &mut apt(&["download", "busybox"]));
    let files = fs::read_dir(to).unwrap();
    let package = files
        .map(|file| file.unwrap().path())
        .find(|file| file.extension().is_some_and(|ending| ending == "deb"));
    step(
        "unpack busybox",
        Command::new("dpkg-deb")
            .arg("--extract")
            .args([&package.unwrap(), to]),
    );
    // Where /bin and /usr/bin are one, it is in the latter.
    let program = to.join("bin/busybox");
    if !program.exists() {
        fs::create_dir_all(to.join("bin")).unwrap();
        fs::rename(to.join("usr/bin/busybox"), program).unwrap();
    }
}

/// The npm peers' programs.
pub fn node_peers() -> PathBuf {
    node_modules().join(".bin")
}

/// The npm peers. Installed apart from the rest: few tests need them.
pub fn node_modules() -> &'static Path {
    static MODULES: OnceLock<PathBuf> = OnceLock::new();
    MODULES.get_or_init(|| {
        let node = directory().join("node");
        fs::create_dir_all(&node).unwrap();
        let modules = node.join("node_modules");
        once(
            "node.lock",
            &node.join("stamp"),
            &NODE_PINS.map(|(from, _)| from),
            &modules,
            || install_node(&node),
        );
        modules
    })
}

/// A page with this script, in a folder. The packages of viewers are apart from the other npm peers.
pub fn bundle(script: &str, folder: &Path) {
    const PINS: [&str; 2] = ["package.json", "package-lock.json"];
    let packages = directory().join("pages");
    fs::create_dir_all(&packages).unwrap();
    let pins = PINS.map(|name| format!("tests/peers/pages/{name}"));
    let pins = pins.each_ref().map(String::as_str);
    once(
        "pages.lock",
        &packages.join("stamp"),
        &pins,
        &packages.join("node_modules"),
        || {
            for (from, to) in pins.iter().zip(PINS) {
                fs::write(packages.join(to), read(from)).unwrap();
            }
            npm_ci(pins[1], &packages);
        },
    );
    let file = folder.join("script.js");
    fs::write(&file, script).unwrap();
    step(
        "bundle a page",
        Command::new("node")
            .arg(root().join("tests/peers/pages.mjs"))
            .args([&file, folder])
            .current_dir(&packages),
    );
}

/// The headless Chromium that an npm peer carries, unpacked.
pub fn chromium() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let node = node_modules().parent().unwrap();
        let unpacked = directory().join("chromium");
        let program = unpacked.join("chromium");
        once(
            "chromium.lock",
            &directory().join("chromium.stamp"),
            &["tests/peers/package-lock.json"],
            &program,
            || unpack_chromium(node, &unpacked),
        );
        program
    })
}

/// The package unpacks below the temporary directory, and nothing that is there already.
fn unpack_chromium(node: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    fs::create_dir_all(to).unwrap();
    let unpack =
        "import('@sparticuz/chromium').then(({ default: chromium }) => chromium.executablePath())";
    step(
        "unpack Chromium",
        Command::new("node")
            .args(["-e", unpack])
            .current_dir(node)
            .env("TMPDIR", to),
    );
}

const NODE_PINS: [(&str, &str); 2] = [
    ("tests/peers/package.json", "package.json"),
    ("tests/peers/package-lock.json", "package-lock.json"),
];

fn directory() -> PathBuf {
    let directory = target().join("peers");
    fs::create_dir_all(&directory).unwrap();
    directory
}

/// Runs `install`, unless it ran with the very pins and what it made is there.
fn once(lock: &str, stamp_file: &Path, pins: &[&str], made: &Path, install: impl FnOnce()) {
    // Other test processes wait here. The lock ends with the file.
    let lock = File::create(directory().join(lock)).unwrap();
    lock.lock().unwrap();
    let stamp = stamp(pins);
    let installed = fs::read_to_string(stamp_file).is_ok_and(|text| text == stamp);
    if !(installed && made.exists()) {
        let _ = fs::remove_file(stamp_file);
        install();
        fs::write(stamp_file, stamp).unwrap();
    }
}

/// The pins and the place: a virtual environment can't be moved.
fn stamp(pins: &[&str]) -> String {
    let mut hash = Sha256::new();
    for pins in pins {
        hash.update(read(pins));
    }
    format!("{:x} {}\n", hash.finalize(), directory().display())
}

fn install_node(node: &Path) {
    for (from, to) in NODE_PINS {
        fs::write(node.join(to), read(from)).unwrap();
    }
    npm_ci("tests/peers/package-lock.json", node);
}

fn npm_ci(lock: &str, packages: &Path) {
    step(
        &format!("install {lock} (Node.js 20 or newer with npm)"),
        Command::new("npm")
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .current_dir(packages),
    );
}

fn install_venv(venv: &Path, requirements: &str) {
    step(
        "make a virtual environment (Python 3.11.5 or newer with its venv module)",
        Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(venv),
    );
    step(
        &format!("install {requirements}"),
        pip(&venv.join("bin/python"))
            .args(["install", "--no-deps", "-r"])
            .arg(root().join(requirements)),
    );
}

fn install(peers: &Peers) {
    install_venv(
        &peers.directory.join("venv"),
        "tests/peers/requirements.txt",
    );
    let pins = root().join("tests/peers");
    let python = peers.program("python");
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

/// What a program prints that gets this on stdin.
pub fn fed(command: &mut Command, input: &str) -> String {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The `Authorization` that botocore computes.
pub fn botocore(question: &serde_json::Value) -> String {
    let mut python = Command::new(peers().program("python"));
    python.arg(super::root().join("tests/peers/sigv4.py"));
    fed(&mut python, &question.to_string()).trim().to_owned()
}
