// See edge.sh.
import { spawn, spawnSync } from 'node:child_process'
import { createHash, createHmac } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import os from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const { FRAMES, STAND_IN } = process.env
const WARM = 200, COUNTED = 1500, ROUNDS = 3, FIRST = 7
const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)]
const root = mkdtempSync(join(os.tmpdir(), 'frames-bench-'))
const started = []

/** A program that says in a line of JSON when it is ready, and then a line for each request. */
async function start(program, args, options) {
  const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'inherit'] })
  started.push(child)
  const lines = createInterface({ input: child.stdout })
  return JSON.parse(await new Promise((resolve, reject) => {
    lines.once('line', resolve)
    child.once('exit', (code) => reject(new Error(`${program} ended with ${code}`)))
  }))
}

/** A manifest in a directory of its own. `ttl: 0s`: every request is a miss. */
function project(name, ttl, serves = 'dicomweb') {
  const cwd = join(root, name)
  mkdirSync(cwd)
  writeFileSync(join(cwd, 'frames.yml'), `service: bench
auth: {mode: oidc, issuer: 'https://issuer.example', audience: frames}
iam: {allow: [{datastore: 12345678901234567890123456789012}]}
delivery: {${serves}: true, webAcl: none, cache: {ttl: ${ttl}}}
logs: {access: {enabled: false}}
`)
  return { cwd }
}
const dev = (options) => start(FRAMES, ['dev', '--port', '0', '--format', 'json'], options)

/** The same package's data store, with nothing in front of it. */
function standIn(options) {
  const { status } = spawnSync(FRAMES, ['package', '--quiet'], { ...options, stdio: ['ignore', 'ignore', 'inherit'] })
  if (status !== 0) throw new Error(`frames package ended with ${status}`)
  return start(STAND_IN, [join(options.cwd, '.frames/dev')], options)
}

const hash = (data) => createHash('sha256').update(data).digest('hex')
const hmac = (key, text) => createHmac('sha256', key).update(text).digest()

/** The headers that the stand-in asks for, by the published steps of SigV4. */
function signed({ accessKeyId, secretAccessKey, sessionToken, region }, host, method, path, more, body) {
  const date = new Date().toISOString().replace(/[-:]|\.\d+/g, '')
  const headers = {
    ...more, host, 'x-amz-cf-id': 'bench==', 'x-amz-content-sha256': hash(body), 'x-amz-date': date, 'x-amz-security-token': sessionToken,
  }
  const names = Object.keys(headers).filter((name) => name !== 'accept').sort()
  const [target, query = ''] = path.split('?')
  const canonical = [method, target, query, ...names.map((name) => `${name}:${headers[name]}`), '', names.join(';'), hash(body)].join('\n')
  const scope = `${date.slice(0, 8)}/${region}/medical-imaging/aws4_request`
  const key = scope.split('/').reduce(hmac, `AWS4${secretAccessKey}`)
  const signature = hmac(key, ['AWS4-HMAC-SHA256', date, scope, hash(canonical)].join('\n')).toString('hex')
  return { ...headers, authorization: `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}` }
}

/** One request: its milliseconds, up to the first byte and up to the last. */
function ask(agent, { url, method, path, headers, body }, expected) {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url)
    const begin = process.hrtime.bigint()
    const since = () => Number(process.hrtime.bigint() - begin) / 1e6
    const request = http.request({ agent, hostname, port, method, path, headers }, (response) => {
      const first = since()
      response.on('data', () => {})
      response.on('end', () => {
        const cache = response.headers['x-cache'] ?? ''
        if (response.statusCode !== 200 || !cache.startsWith(expected)) reject(new Error(`${method} ${path}: ${response.statusCode} ${cache}`))
        else resolve({ first, whole: since() })
      })
    })
    request.on('error', reject)
    request.end(body)
  })
}

/** What `connections` get when each asks again as soon as it is answered. */
async function load(request, expected, connections) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: connections })
  const run = async (count) => {
    const times = []
    let left = count
    await Promise.all(Array.from({ length: connections }, async () => {
      while (left-- > 0) times.push((await ask(agent, request, expected)).whole)
    }))
    return times
  }
  await run(WARM)
  const begin = process.hrtime.bigint()
  const times = await run(COUNTED)
  const rate = COUNTED / (Number(process.hrtime.bigint() - begin) / 1e9)
  agent.destroy()
  return { rate, median: median(times) }
}

const row = (...cells) => console.log(`| ${cells.join(' | ')} |`)
const ms = (value) => `${value.toFixed(2)} ms`

try {
  const [keeps, asks] = [project('keeps', '1h'), project('asks', '0s')]
  const [kept, asked, alone] = [await dev(keeps), await dev(asks), await standIn(keeps)]
  // By GET, native reads go through the reader. Deliveries of their own leave the others' as they were.
  const [keptReads, askedReads] = [await dev(project('keeps-reads', '1h', 'cachedReads')), await dev(project('asks-reads', '0s', 'cachedReads'))]
  const { frame } = kept
  const search = `${kept.url}/datastore/${frame.datastoreId}/instances?limit=1`
  const [instance] = await (await fetch(search, { headers: { authorization: `Bearer ${kept.token}` } })).json()
  const uid = (tag) => instance[tag].Value[0]
  const accept = 'multipart/related; type="application/octet-stream"; transfer-syntax=*'
  const dicomweb = `/datastore/${frame.datastoreId}/studies/${uid('0020000D')}/series/${uid('0020000E')}/instances/${uid('00080018')}/frames/1`
  const native = `/datastore/${frame.datastoreId}/imageSet/${frame.imageSetId}/getImageFrame`
  const body = JSON.stringify({ imageFrameId: frame.imageFrameId })
  const posted = { 'content-type': 'application/json', 'content-length': String(body.length) }
  const authorized = (dev, more) => ({ authorization: `Bearer ${dev.token}`, ...more })
  const origin = (method, path, more, content) => ({
    url: alone.url, method, path, body: content,
    headers: { ...signed(alone, method === 'GET' ? alone.dicomwebHost : alone.nativeHost, method, path, more, content), 'content-length': String(content.length) },
  })
  const get = { alone: () => origin('GET', dicomweb, { accept }, ''), by: (dev) => ({ url: dev.url, method: 'GET', path: dicomweb, headers: authorized(dev, { accept }) }) }
  const post = { alone: () => origin('POST', native, { 'content-type': 'application/json' }, body), by: (dev) => ({ url: dev.url, method: 'POST', path: native, headers: authorized(dev, posted), body }) }
  const read = { by: (dev) => ({ url: dev.url, method: 'GET', path: `${native}?imageFrameId=${frame.imageFrameId}`, headers: authorized(dev, {}) }) }

  // The first of all starts the functions; each further `first` has a connection of its own.
  const starting = await ask(new http.Agent(), get.by(kept), 'Miss')
  const first = async (request, expected) => {
    const times = []
    for (let i = 0; i < FIRST; i++) times.push((await ask(new http.Agent(), request, expected)).first)
    return median(times)
  }
  await ask(new http.Agent(), get.by(asked), 'Miss')
  for (const dev of [keptReads, askedReads]) await ask(new http.Agent(), read.by(dev), 'Miss')
  console.log(`${os.cpus()[0].model.trim()}, ${os.cpus().length} processors, Node.js ${process.version}, load ${os.loadavg()[0].toFixed(1)} at the start\n`)
  console.log(`First frame of all, which starts the functions: ${ms(starting.first)}\n`)
  row('', 'frames a second', 'median', 'first byte, new connection', 'frames a second, of the stand-in\'s')
  row('---', '---', '---', '---', '---')
  for (const connections of [1, 4, 16]) {
    const cases = [
      ['stand-in, GET', get.alone, ''],
      ['hit', () => get.by(kept), 'Hit'],
      ['miss', () => get.by(asked), 'Miss'],
      ['stand-in, POST', post.alone, ''],
      ['POST, always a miss', () => post.by(kept), 'Miss'],
      ['native GET, hit', () => read.by(keptReads), 'Hit'],
      ['native GET, miss', () => read.by(askedReads), 'Miss'],
    ]
    const measured = cases.map(() => ({ rates: [], medians: [] }))
    for (let round = 0; round < ROUNDS; round++) { // in turn, so that the machine's moods are shared
      for (const [at, [, request, expected]] of cases.entries()) {
        const { rate, median } = await load(request(), expected, connections)
        measured[at].rates.push(rate)
        measured[at].medians.push(median)
      }
    }
    for (const [at, [name, request, expected]] of cases.entries()) {
      const rate = median(measured[at].rates)
      const own = median(measured[at < 3 ? 0 : 3].rates) // the reader asks HealthImaging by POST
      row(`${name}, ${connections} connection${connections > 1 ? 's' : ''}`, rate.toFixed(0), ms(median(measured[at].medians)), ms(await first(request(), expected)), (rate / own).toFixed(2))
    }
  }
} finally {
  const ended = started.map((child) => new Promise((resolve) => (child.exitCode === null ? child.once('exit', resolve) : resolve())))
  for (const child of started) child.kill('SIGTERM')
  await Promise.all(ended)
  rmSync(root, { recursive: true, force: true })
}
