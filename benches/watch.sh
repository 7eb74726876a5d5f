#!/usr/bin/env bash
# How long after a save `frames dev --watch` serves what was saved: the manifest, a file that it
# reads, and a DICOM file more or less. Prints a Markdown table.
# PROFILE=dev measures the build that `cargo dev` makes. FRAMES may name a program that was built before.
set -euo pipefail
cd "$(dirname "$0")/.."
PROFILE="${PROFILE:-release}"
directory="target/$([ "$PROFILE" = dev ] && echo debug || echo "$PROFILE")"
if [ -z "${FRAMES:-}" ]; then
  cargo build --quiet --locked --profile "$PROFILE" --package frames --no-default-features
  FRAMES="$PWD/$directory/frames"
fi
export FRAMES
export STUDY="$PWD/compiler/emulator/data/study"
node benches/watch.mjs
