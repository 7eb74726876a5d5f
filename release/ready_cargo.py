"""What maturin runs in Cargo's place: the binary is built already. It gets the messages of a build in which nothing
was left to do. Cargo names each artifact in a line of JSON: https://doc.rust-lang.org/cargo/reference/external-tools.html
"""

import json
import os
import sys
from pathlib import Path

import crates


def main(arguments):
    if arguments[:1] != ["rustc"]:
        # Questions about the workspace are Cargo's to answer.
        os.execvp("cargo", ["cargo", *arguments])
    manifest = Path(arguments[arguments.index("--manifest-path") + 1]).resolve()
    binary = os.environ["FRAMES_BINARY"]
    packages = crates.metadata(manifest, "--no-deps")["packages"]
    package = next(one for one in packages if Path(one["manifest_path"]) == manifest)
    target = next(one for one in package["targets"] if one["kind"] == ["bin"])
    profile = {"opt_level": "z", "debuginfo": 0, "debug_assertions": False, "overflow_checks": False, "test": False}
    artifact = {
        "reason": "compiler-artifact",
        "package_id": package["id"],
        "manifest_path": str(manifest),
        "target": target,
        "profile": profile,
        "features": [],
        "filenames": [binary],
        "executable": binary,
        "fresh": True,
    }
    for message in (artifact, {"reason": "build-finished", "success": True}):
        print(json.dumps(message))


if __name__ == "__main__":
    main(sys.argv[1:])
