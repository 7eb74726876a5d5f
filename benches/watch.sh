#!/usr/bin/env bash
# How long after a save `frames dev --watch` serves what was saved: the manifest, a file that it
# reads, and a DICOM file more or less. Prints a Markdown table. Ends with 1 where the last of many saves took
# longer than a second, where something older came back after it, or where a request failed meanwhile.
# PROFILE=dev measures the build that `cargo dev` makes. FRAMES may name a program that was built before.
set -euo pipefail
cd "$(dirname "$0")/.."
. benches/built.sh
export STUDY="$PWD/compiler/emulator/data/study"
node benches/watch.mjs
