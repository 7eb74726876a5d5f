// See images.sh.
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const { FRAMES } = process.env
const COUNTS = [0, 1000, 10000]
const root = mkdtempSync(join(os.tmpdir(), 'frames-bench-'))
const seconds = (since) => Number(process.hrtime.bigint() - since) / 1e9
const store = '12345678901234567890123456789012'

/** So many copies of a built-in slice, each an instance of its own: UIDs keep their lengths. */
function folder(count) {
  const directory = join(root, `${count}`)
  const slice = readFileSync('compiler/emulator/data/study/phantom_ct_01.dcm')
  const text = slice.toString('latin1')
  const uid = /\x08\x00\x18\x00UI..([0-9.]+)/s.exec(text)[1].replace(/\0.*$/s, '')
  for (let i = 0; i < count; i++) {
    const part = join(directory, `${Math.floor(i / 500)}`)
    mkdirSync(part, { recursive: true })
    const own = `${uid.slice(0, -6)}${String(100000 + i)}`
    writeFileSync(join(part, `${i}.dcm`), Buffer.from(text.replaceAll(uid, own), 'latin1'))
  }
  return directory
}

/** Seconds until it serves, the most memory in MB, and how many instances a search counts. */
async function dev(cwd, more) {
  const begin = process.hrtime.bigint()
  const child = spawn(FRAMES, ['dev', '--port', '0', '--format', 'json', ...more], { cwd, stdio: ['ignore', 'pipe', 'ignore'] })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  try {
    const line = await Promise.race([new Promise((resolve) => createInterface({ input: child.stdout }).once('line', resolve)), ended])
    const took = seconds(begin)
    const { url, token } = JSON.parse(line)
    const search = `${url}/datastore/${store}/studies?includefield=00201208`
    const found = await (await fetch(search, { headers: { authorization: `Bearer ${token}` } })).json()
    const held = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))[1] / 1000
    return { took, held, instances: found.reduce((sum, study) => sum + study['00201208'].Value[0], 0) }
  } finally {
    child.kill('SIGTERM')
    await ended
  }
}

function read(directory) {
  const begin = process.hrtime.bigint()
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) readFileSync(join(entry.parentPath, entry.name))
  }
  return seconds(begin)
}

try {
  writeFileSync(join(root, 'frames.yml'), `service: bench
auth: {mode: oidc, issuer: 'https://issuer.example', audience: frames}
iam: {allow: [{datastore: '${store}'}]}
delivery: {dicomweb: true}
logs: {access: {enabled: false}}
`)
  await dev(root, []) // The functions are built, if they have to be.
  console.log(`${os.cpus()[0].model.trim()}, ${os.cpus().length} processors, load ${os.loadavg()[0].toFixed(1)} at the start\n`)
  console.log('| instances | ready after | beyond the built-in images | most memory | reading the files, beside |\n| --- | --- | --- | --- | --- |')
  let base
  for (const count of COUNTS) {
    const directory = count ? folder(count) : undefined
    const alone = directory ? read(directory) : 0
    const { took, held, instances } = await dev(root, directory ? ['--dicom', directory] : [])
    if (directory && instances !== count) throw new Error(`${instances} of ${count} instances were found`)
    base ??= took
    console.log(`| ${count || 'built-in'} | ${took.toFixed(1)} s | ${(took - base).toFixed(1)} s | ${held.toFixed(0)} MB | ${alone.toFixed(1)} s |`)
  }
} finally {
  rmSync(root, { recursive: true, force: true })
}
