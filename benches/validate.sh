#!/usr/bin/env bash
# `frames validate` over a manifest of 5,000 lines, against one start of `node -e 0`,
# in one run: the ratio has to stay under 1.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --release --quiet
frames="$PWD/target/release/frames"
project="$(mktemp -d)"
trap 'rm -rf "$project"' EXIT
cd "$project"

FRAMES="$frames" node - <<'JS'
const { spawnSync } = require('node:child_process')
const { writeFileSync } = require('node:fs')
const id = (n) => String(n).padStart(32, '0')
const head = ['service: big', 'auth: {mode: cognito, userPoolId: us-east-1_AbCdEfGhI}', 'iam:', '  allow:']
const rows = []
for (let i = 0; head.length + rows.length < 5000; i++) rows.push(`    - datastore: ${id(i)}`, `      imageSets: [${id(i)}]`)
writeFileSync('frames.yml', [...head, ...rows].join('\n') + '\n')
const time = (command, args) => {
  const start = process.hrtime.bigint()
  const { status } = spawnSync(command, args)
  if (status !== 0) throw new Error(`${command} ended with ${status}`)
  return Number(process.hrtime.bigint() - start) / 1e6
}
const median = (list) => list.sort((a, b) => a - b)[Math.floor(list.length / 2)]
const ours = [], theirs = []
for (let i = 0; i < 15; i++) {
  ours.push(time(process.env.FRAMES, ['validate', '--quiet']))
  theirs.push(time('node', ['-e', '0']))
}
const a = median(ours), b = median(theirs)
console.log(`frames validate, 5,000 lines: ${a.toFixed(1)} ms; a start of node: ${b.toFixed(1)} ms; ratio ${(a / b).toFixed(2)}`)
JS
