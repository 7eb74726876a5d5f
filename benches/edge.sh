#!/usr/bin/env bash
# Frames per second and time to the first byte through `frames dev`, hits and misses of DICOMweb and
# of native reads, beside its HealthImaging stand-in alone, in one run. Prints a Markdown table.
# PROFILE=dev measures the build that `cargo dev` makes. FRAMES and STAND_IN may name programs that
# were built before.
set -euo pipefail
cd "$(dirname "$0")/.."
. benches/built.sh
if [ -z "${STAND_IN:-}" ]; then
  cargo build --quiet --locked --profile "$PROFILE" --package frames-emulator --example stand_in
  STAND_IN="$PWD/$directory/examples/stand_in"
fi
export STAND_IN
node benches/edge.mjs
