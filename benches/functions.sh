#!/usr/bin/env bash
# The edge functions against the same on Node.js (aws-jwt-verify, aws4), under AWS's own Lambda
# emulator, in one run; and in process, against only the cryptography. Prints a Markdown table.
# The peers have to be installed (`cargo test -p frames --test e2e peer_` does it), in
# PEERS or target/peers; FUNCTIONS may name a directory with `authorizer` and `signer` built before.
# Run as root where cgroups are to limit the processor's share.
set -euo pipefail
cd "$(dirname "$0")/.."
export PEERS="${PEERS:-$PWD/target/peers}"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target/functions}"
if [ -z "${FUNCTIONS:-}" ]; then
  (cd functions && PATH="$PEERS/venv/bin:$PATH" cargo lambda build --release --locked --target x86_64-unknown-linux-gnu.2.34)
  FUNCTIONS="$(mktemp -d)"
  trap 'rm -rf "$FUNCTIONS"' EXIT
  for name in authorizer signer; do cp "$CARGO_TARGET_DIR/lambda/frames-$name/bootstrap" "$FUNCTIONS/$name"; done
fi
export FUNCTIONS
(cd functions && cargo build --quiet --release --locked --workspace --example decision_cost --example signing_cost)
cp "$CARGO_TARGET_DIR"/release/examples/{decision,signing}_cost "$FUNCTIONS"
node benches/functions.mjs
