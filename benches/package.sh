#!/usr/bin/env bash
# `frames package` with nothing to compile, against three starts of `node -e 0`,
# in one run: the ratio has to stay under 1. Needs cargo-lambda on the PATH for the first build.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --release --quiet
frames="$PWD/target/release/frames"
project="$(mktemp -d)"
trap 'rm -rf "$project"' EXIT
cp frames.yml "$project"
cd "$project"
"$frames" package --quiet >/dev/null

FRAMES="$frames" node - <<'JS'
const { spawnSync } = require('node:child_process')
const time = (command, args) => {
  const start = process.hrtime.bigint()
  const { status } = spawnSync(command, args)
  if (status !== 0) throw new Error(`${command} ended with ${status}`)
  return Number(process.hrtime.bigint() - start) / 1e6
}
const median = (list) => list.sort((a, b) => a - b)[Math.floor(list.length / 2)]
const ours = [], theirs = []
for (let i = 0; i < 15; i++) {
  ours.push(time(process.env.FRAMES, ['package', '--quiet']))
  theirs.push([1, 2, 3].map(() => time('node', ['-e', '0'])).reduce((a, b) => a + b))
}
const a = median(ours), b = median(theirs)
console.log(`frames package: ${a.toFixed(1)} ms; three starts of node: ${b.toFixed(1)} ms; ratio ${(a / b).toFixed(2)}`)
JS
