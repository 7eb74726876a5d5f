"""Packs a binary that has the edge functions' programs inside: archive, wheel, SBOM, licences, sums.

The same binary and commit give the same bytes, wherever and whenever this runs. It needs what pack.txt pins, Cargo
with the dependencies' sources downloaded, and nothing else of the network.
"""

import argparse
import gzip
import hashlib
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import crates
import licences
import sbom

RELEASE = crates.ROOT / "release"
SHELLS = {"bash": "frames.bash", "zsh": "_frames", "fish": "frames.fish"}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary", type=Path)
    parser.add_argument("out", type=Path, help="a folder that doesn't exist, or that is empty")
    parser.add_argument("--time", type=int, required=True, help="the commit's, in seconds since 1970")
    parser.add_argument(
        "--compatibility", default="manylinux_2_28", help="the wheel's platform: linux is whatever this machine has"
    )
    parser.add_argument("--url", help="the folder that the files are downloaded from; without it, no formula is made")
    arguments = parser.parse_args()
    binary = arguments.binary.resolve()
    version = told(binary)
    with tempfile.TemporaryDirectory() as scratch:
        pack(arguments, binary, version, Path(scratch))


def pack(arguments, binary, version, scratch):
    name = version["version"]
    content = binary.read_bytes()
    parts = crates.crates()
    programs = crates.programs(crates.FUNCTIONS)
    third_party = licences.third_party(parts)
    document = sbom.document(
        parts, programs, name, version["commit"], hashlib.sha256(content).hexdigest(), arguments.time
    )

    # All of it appears at once.
    made = scratch / "out"
    made.mkdir()
    (made / f"frames-{name}.cdx.json").write_text(document)
    folder = f"frames-{name}-x86_64-linux"
    files = {
        "frames": (0o755, content),
        "LICENSE": (0o644, (crates.ROOT / "LICENSE").read_bytes()),
        "THIRD-PARTY-LICENSES.txt": (0o644, third_party.encode()),
    }
    for shell, file in SHELLS.items():
        script = run([binary, "completions", shell]).encode()
        files[f"completions/{file}"] = (0o644, script)
    for page in sorted((RELEASE / "man").glob("*.1")):
        files[f"man/man1/{page.name}"] = (0o644, page.read_bytes())
    archive = made / f"{folder}.tar.gz"
    archive.write_bytes(packed(folder, files, arguments.time))
    wheel(content, made, third_party, document, name, arguments, scratch)
    shutil.copy(crates.ROOT / "install.sh", made)
    templates(archive, name, arguments.url)
    sums = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in sorted(made.iterdir())]
    (made / "SHA256SUMS").write_text("".join(sums))

    arguments.out.mkdir(parents=True, exist_ok=True)
    if any(arguments.out.iterdir()):
        raise SystemExit(f"release: {arguments.out} isn't empty. Name another folder, or empty it")
    for file in sorted(made.iterdir()):
        shutil.copyfile(file, arguments.out / file.name)
        print(f"{file.stat().st_size:>11,}  {file.name}", file=sys.stderr)


def told(binary):
    """What the binary says of itself. It has to have the programs inside, or nobody could use it without Rust."""
    version = json.loads(run([binary, "--version", "--format", "json"]))
    if not version["embedded"]:
        raise SystemExit(
            f"release: {binary} has no programs inside. Build it with FRAMES_PROGRAMS, as CONTRIBUTING.md says"
        )
    if not version["commit"]:
        raise SystemExit(f"release: {binary} doesn't know its commit. Build it with FRAMES_COMMIT")
    return version


def run(command, **options):
    done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, text=True, **options)
    if done.returncode:
        raise SystemExit(f"release: this failed: {shlex.join(map(str, command))}")
    return done.stdout


def packed(folder, files, time):
    """A .tar.gz in which only the files and the commit's time decide the bytes."""
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        folders = {folder} | {f"{folder}/{above}" for name in files for above in Path(name).parents if above.name}
        entries = {name: (0o755, None) for name in folders}
        entries |= {f"{folder}/{name}": file for name, file in files.items()}
        for name, (mode, content) in sorted(entries.items()):
            entry = tarfile.TarInfo(name)
            entry.mode, entry.mtime = mode, time
            entry.uname = entry.gname = "root"
            if content is None:
                entry.type = tarfile.DIRTYPE
                archive.addfile(entry)
            else:
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
    return gzip.compress(tar.getvalue(), compresslevel=9, mtime=0)


def wheel(content, made, third_party, document, version, arguments, scratch):
    """By maturin, which also refuses a binary that needs a newer glibc than the platform's name promises."""
    project = scratch / "python"
    shutil.copytree(RELEASE / "python", project)
    shutil.copy(crates.ROOT / "LICENSE", project)
    (project / "THIRD-PARTY-LICENSES.txt").write_text(third_party)
    settings = project / "pyproject.toml"
    bindings = 'bindings = "bin"\n'
    manifest = json.dumps(str(crates.ROOT / "compiler/cli/Cargo.toml"))
    settings.write_text(settings.read_text().replace(bindings, f"{bindings}manifest-path = {manifest}\n"))
    listed = scratch / f"frames-{version}.cdx.json"
    listed.write_text(document)
    # It is installed by its file's name.
    binary = scratch / "frames"
    binary.write_bytes(content)
    binary.chmod(0o755)
    # A program of its own, since maturin runs one by its path.
    ready = scratch / "cargo"
    ready.write_text(
        f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -B {shlex.quote(str(RELEASE / "ready_cargo.py"))} "$@"\n'
    )
    ready.chmod(0o755)
    environment = {
        **os.environ,
        "CARGO": str(ready),
        "FRAMES_BINARY": str(binary),
        "SOURCE_DATE_EPOCH": str(arguments.time),
    }
    run(
        [
            Path(sys.executable).with_name("maturin"), "build", "--locked", "--quiet",
            "--compatibility", arguments.compatibility, "--auditwheel", "check", "--compression-level", "9",
            "--sbom-include", listed, "--out", made,
        ],
        cwd=project,
        env=environment,
    )  # fmt: skip


def templates(archive, version, url):
    """The files that name a download. Without its address there is nothing to name."""
    if url is None:
        print("no formula and no Containerfile: no --url says where the archive is downloaded from", file=sys.stderr)
        return
    values = {
        "VERSION": version,
        "SHA256": hashlib.sha256(archive.read_bytes()).hexdigest(),
        "URL": f"{url.rstrip('/')}/{archive.name}",
    }
    for template in sorted((RELEASE / "templates").glob("*.in")):
        text = re.sub(r"@(VERSION|SHA256|URL)@", lambda found: values[found[1]], template.read_text())
        archive.with_name(template.stem).write_text(text)


if __name__ == "__main__":
    main()
