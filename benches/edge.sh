#!/usr/bin/env bash
# Frames per second and time to the first byte through `frames dev`, hits and misses, beside its
# HealthImaging stand-in alone, in one run. Prints a Markdown table.
# PROFILE=dev measures the build that `cargo dev` makes. FRAMES and STAND_IN may name programs that
# were built before.
set -euo pipefail
cd "$(dirname "$0")/.."
PROFILE="${PROFILE:-release}"
directory="target/$([ "$PROFILE" = dev ] && echo debug || echo "$PROFILE")"
if [ -z "${FRAMES:-}" ]; then
  cargo build --quiet --locked --profile "$PROFILE" --package frames --no-default-features
  FRAMES="$PWD/$directory/frames"
fi
if [ -z "${STAND_IN:-}" ]; then
  cargo build --quiet --locked --profile "$PROFILE" --package frames-emulator --example stand_in
  STAND_IN="$PWD/$directory/examples/stand_in"
fi
export FRAMES STAND_IN
node benches/edge.mjs
