"""The crates that a binary of frames is made of: its own, and those of the edge functions inside it."""

import json
import re
import subprocess
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = "x86_64-unknown-linux-gnu"
FRAMES = ROOT / "Cargo.toml"
FUNCTIONS = ROOT / "functions/Cargo.toml"


@dataclass
class Crate:
    name: str
    version: str
    description: str
    licence: str
    authors: list[str]
    folder: Path
    # Of the file that the registry has; None: it is this repository's own.
    sha256: str | None
    needs: set[tuple[str, str]] = field(default_factory=set)

    @property
    def key(self):
        return (self.name, self.version)


def cargo(*arguments):
    # Which configuration files count depends on the directory.
    command = ["cargo", *map(str, arguments)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT).stdout


def metadata(manifest, *arguments):
    return json.loads(cargo("metadata", "--locked", "--format-version", "1", "--manifest-path", manifest, *arguments))


def programs(manifest):
    """The packages of a workspace that make a program."""
    packages = metadata(manifest, "--no-deps")["packages"]
    return [one["name"] for one in packages if any("bin" in target["kind"] for target in one["targets"])]


def linked(manifest, packages):
    """Name and version of everything that is linked into these packages, themselves included. `cargo tree` knows
    the features that each is built with; `cargo metadata` mixes in those that tests need."""
    chosen = [argument for package in packages for argument in ("--package", package)]
    tree = cargo(
        "tree", "--locked", "--manifest-path", manifest, *chosen, "--edges", "normal", "--target", TARGET,
        "--prefix", "none", "--no-dedupe", "--format", "{p}",
    )  # fmt: skip
    lines = (line.split() for line in tree.splitlines() if line)
    return {(name, version.removeprefix("v")) for name, version, *_ in lines}


def checksums(manifest):
    lock = tomllib.loads(manifest.with_name("Cargo.lock").read_text())
    return {(one["name"], one["version"]): one.get("checksum") for one in lock["package"]}


def crates():
    """All of them, by name and version."""
    found = {}
    for manifest, packages in ((FRAMES, ["frames"]), (FUNCTIONS, programs(FUNCTIONS))):
        wanted = linked(manifest, packages)
        sums = checksums(manifest)
        known = metadata(manifest, "--filter-platform", TARGET)
        by_id = {one["id"]: one for one in known["packages"]}
        for node in known["resolve"]["nodes"]:
            package = by_id[node["id"]]
            key = (package["name"], package["version"])
            if key not in wanted:
                continue
            crate = found.setdefault(key, described(package, sums.get(key)))
            for edge in node["deps"]:
                if any(kind["kind"] is None for kind in edge["dep_kinds"]):
                    needed = by_id[edge["pkg"]]
                    if (needed["name"], needed["version"]) in wanted:
                        crate.needs.add((needed["name"], needed["version"]))
        missing = wanted - found.keys()
        if missing:
            raise SystemExit(f"release: cargo tree and cargo metadata differ about {sorted(missing)}")
    return dict(sorted(found.items()))


def described(package, sha256):
    licence = package["license"]
    if not licence:
        raise SystemExit(f"release: {package['name']} {package['version']} names no licence in its Cargo.toml")
    return Crate(
        name=package["name"],
        version=package["version"],
        description=" ".join((package["description"] or "").split()),
        # How licences were joined before SPDX.
        licence=re.sub(r"\s*/\s*", " OR ", licence),
        authors=package["authors"],
        folder=Path(package["manifest_path"]).parent,
        sha256=sha256,
    )
