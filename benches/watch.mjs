// See watch.sh.
import { spawn } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import os from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'

const { FRAMES, STUDY } = process.env
const SAVES = 40, PAUSE = 150, LIMIT = 20_000
// Saves one after the other, good and broken, while requests run.
const ROUNDS = 5, IN_A_ROW = 200, GAP = 60
// So long after the last of them, nothing older is served.
const GOAL = 1_000
const root = mkdtempSync(join(os.tmpdir(), 'frames-bench-'))
const images = join(root, 'images')
const at = (list, part) => [...list].sort((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * part))]
const agent = new http.Agent({ keepAlive: true })
let child

const manifest = (origin) => `service: bench
auth: {mode: none}
delivery: {dicomweb: true, webAcl: none, cors: {origins: ['${origin}']}}
logs: {access: {enabled: false}}
`
const name = (number) => `https://n${number}.example.org`

/** Written beside it, then renamed, as most editors do. */
function save(file, text) {
  writeFileSync(join(root, 'next'), text)
  renameSync(join(root, 'next'), join(root, file))
}

async function start() {
  child = spawn(FRAMES, ['dev', '--watch', '--dicom', images, '--port', '0', '--format', 'json'], { cwd: root, stdio: ['ignore', 'pipe', 'ignore'] })
  const lines = createInterface({ input: child.stdout })
  return JSON.parse(await new Promise((resolve, reject) => {
    lines.once('line', resolve)
    child.once('exit', (code) => reject(new Error(`frames dev ended with ${code}`)))
  }))
}

function get(url, headers) {
  return new Promise((resolve, reject) => {
    const request = http.get(url, { agent, headers }, (response) => {
      const parts = []
      response.on('data', (part) => parts.push(part))
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(parts) }))
    })
    request.on('error', reject)
  })
}

/** Milliseconds from each save to the first answer that shows it. */
async function measure(change, isLive) {
  const times = []
  for (let number = 1; number <= SAVES; number++) {
    await sleep(PAUSE + 7 * (number % 5))
    change(number)
    const begin = performance.now()
    while (!(await isLive(number))) {
      if (performance.now() - begin > LIMIT) throw new Error(`save ${number} isn't served`)
    }
    times.push(performance.now() - begin)
  }
  return times
}

/** Milliseconds from the last of many saves to the first answer that shows it, and what went wrong meanwhile. */
async function last(allows) {
  const times = [], failures = []
  for (let round = 1; round <= ROUNDS; round++) {
    // Whether it is served; undefined where the request failed.
    const shows = async (origin) => {
      try {
        return await allows(origin)
      } catch (error) {
        failures.push(`a request failed in round ${round}: ${error.message}`)
        // Where nobody answers any more, nobody is asked without a pause.
        await sleep(GAP)
      }
    }
    let goesOn = true
    const asked = [1, 2].map(async () => {
      while (goesOn) await shows(name(0))
    })
    for (let number = 1; number < IN_A_ROW; number++) {
      const text = manifest(name(10_000 * round + number))
      save('frames.yml', number % 3 ? text : text.slice(0, text.indexOf('}')))
      await sleep((number * 37) % GAP)
    }
    const number = 10_000 * round
    save('frames.yml', manifest(name(number)))
    const begin = performance.now()
    while (!(await shows(name(number))) && performance.now() - begin < LIMIT);
    times.push(performance.now() - begin)
    for (let again = 0; again < 50; again++) {
      if ((await shows(name(number))) === false) failures.push(`an older manifest was served in round ${round}`)
    }
    goesOn = false
    await Promise.all(asked)
  }
  return { times, failures }
}

/** What of the last saves isn't as it has to be, each in a line. */
function faults({ times, failures }) {
  const slow = times.filter((time) => time > GOAL).length
  const late = `${slow} of ${times.length} last saves were served later than ${GOAL} ms after they were made`
  const more = failures.length > 5 ? [`and ${failures.length - 5} more`] : []
  return [...(slow ? [late] : []), ...failures.slice(0, 5), ...more]
}

try {
  mkdirSync(images)
  copyFileSync(join(STUDY, 'ct_small.dcm'), join(images, 'ct.dcm'))
  writeFileSync(join(root, 'frames.yml'), manifest(name(0)))
  const { url, frame } = await start()
  const studies = `${url}/datastore/${frame.datastoreId}/studies`
  const allows = async (origin) => {
    const { status, headers } = await get(studies, { origin })
    if (status !== 200) throw new Error(`${studies}: ${status}`)
    return headers['access-control-allow-origin'] === origin
  }
  await allows(name(0))
  const load = os.loadavg()[0].toFixed(1)
  const rows = [
    ['frames.yml', await measure((n) => save('frames.yml', manifest(name(n))), (n) => allows(name(n)))],
  ]
  save('origin.yml', `name: ${name(1000)}\n`)
  save('frames.yml', manifest('${file(./origin.yml):name}'))
  while (!(await allows(name(1000)))) await sleep(5)
  rows.push(['a file that it reads', await measure((n) => save('origin.yml', `name: ${name(1000 + n)}\n`), (n) => allows(name(1000 + n)))])
  const other = join(images, 'mr.dcm')
  const change = (n) => n % 2 ? copyFileSync(join(STUDY, 'mr_small.dcm'), other) : rmSync(other)
  const count = async () => JSON.parse((await get(studies)).body).length
  rows.push(['a DICOM file more, or less', await measure(change, async (n) => await count() === (n % 2 ? 2 : 1))])
  if ((await count()) !== 1) rmSync(other)
  const lasts = await last(allows)
  rows.push([`the last of ${IN_A_ROW} in a row, under requests (${ROUNDS} times)`, lasts.times])
  console.log(`${os.cpus()[0].model.trim()}, ${os.cpus().length} processors, Node.js ${process.version}, load ${load} at the start, ${SAVES} saves each\n`)
  console.log('| saved | median | 9 of 10 | worst |')
  console.log('| --- | --- | --- | --- |')
  for (const [what, times] of rows) console.log(`| ${what} | ${[0.5, 0.9, 1].map((part) => `${at(times, part).toFixed(0)} ms`).join(' | ')} |`)
  for (const fault of faults(lasts)) {
    console.error(`FAILED: ${fault}`)
    process.exitCode = 1
  }
} finally {
  child?.kill('SIGINT')
  agent.destroy()
  rmSync(root, { recursive: true, force: true })
}
