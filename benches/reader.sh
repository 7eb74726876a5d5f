#!/usr/bin/env bash
# The reader against a proxy on Node.js and AWS's SDK, in front of the same loopback HealthImaging,
# in one run. Prints a Markdown table. The peers have to be installed (`cargo test -p frames --test
# e2e peer_` does it), in PEERS or target/peers; READER may name the program, built before.
set -euo pipefail
cd "$(dirname "$0")/.."
export PEERS="${PEERS:-$PWD/target/peers}"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target/functions}"
if [ -z "${READER:-}" ]; then
  (cd functions && PATH="$PEERS/venv/bin:$PATH" cargo lambda build --release --locked --target x86_64-unknown-linux-gnu.2.34)
  READER="$CARGO_TARGET_DIR/lambda/frames-reader/bootstrap"
fi
export READER
node benches/reader.mjs
