#!/usr/bin/env bash
# How long `frames dev --dicom` takes to index ten thousand instances, and how much memory, beside a
# tenth of them and beside reading the same files. Prints a Markdown table. PROFILE=dev measures the
# build that `cargo dev` makes; FRAMES may name a program that was built before.
set -euo pipefail
cd "$(dirname "$0")/.."
. benches/built.sh
node benches/images.mjs
