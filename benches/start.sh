#!/usr/bin/env bash
# How long `frames --version` takes, beside `true`, in one run: benches/start.sh [PROGRAM].
set -euo pipefail
cd "$(dirname "$0")/.."
frames=${1:-target/dist/x86_64-unknown-linux-gnu/dist/frames}

FRAMES="$(realpath "$frames")" python3 - <<'PY'
import os
import statistics
import subprocess
import time

frames = [os.environ["FRAMES"], "--version"]


def run(command):
    start = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return (time.perf_counter() - start) * 1000


# Side by side: what else the machine does meets both.
pairs = [(run(frames), run(["true"])) for _ in range(101)]
ours, theirs = (statistics.median(times) for times in zip(*pairs))
print(f"frames --version: {ours:.1f} ms; true: {theirs:.1f} ms (medians of {len(pairs)})")
PY
