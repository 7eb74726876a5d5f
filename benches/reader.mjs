// See reader.sh.
import { fork, spawn } from 'node:child_process'
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import os from 'node:os'
import { join } from 'node:path'

const { PEERS, READER } = process.env
const SIZES = [[16, 3000], [256, 1500], [4096, 300]] // kilobytes of a frame, and how many are read
const ROUNDS = 4
const HOST = 'runtime-medical-imaging.us-east-1.amazonaws.com'
const [store, set, frame] = ['1', 'a', 'f'].map((letter) => letter.repeat(32))
const path = `/datastore/${store}/imageSet/${set}/getImageFrame`, query = `imageFrameId=${frame}`
const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)]
const since = (begin) => Number(process.hrtime.bigint() - begin) / 1e6
const root = mkdtempSync(join(os.tmpdir(), 'frames-bench-'))
const CREDENTIALS = { AWS_ACCESS_KEY_ID: 'ASIAEXAMPLEEXAMPLE00', AWS_SECRET_ACCESS_KEY: 'secret', AWS_SESSION_TOKEN: 'token'.repeat(100) }

const listening = (server) => new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server.address().port)))

// ---- One HealthImaging for both, a process of its own

let size = 0
async function healthimaging() {
  const child = fork('benches/node/healthimaging.mjs')
  const said = () => new Promise((resolve) => child.once('message', resolve))
  const { port } = await said()
  return { port, serve: (bytes) => { size = bytes; child.send({ bytes }); return said() }, stop: () => child.kill('SIGKILL') }
}

// ---- The reader, behind a Runtime API

async function reader(endpoint) {
  writeFileSync(join(root, 'config.json'), JSON.stringify({ region: 'us-east-1', nativeHost: HOST, metadata: true, logLevel: 'warn' }))
  copyFileSync(READER, join(root, 'bootstrap'))
  chmodSync(join(root, 'bootstrap'), 0o755)
  const event = JSON.stringify({
    version: '2.0', rawPath: path, rawQueryString: query, headers: { host: 'a.lambda-url.us-east-1.on.aws', 'x-amz-cf-id': 'cf==' },
    requestContext: { http: { method: 'GET', path } }, isBase64Encoded: false,
  })
  let idle, current
  const api = http.createServer((request, response) => {
    if (request.method === 'GET') { idle = response; current?.ready(); return }
    let bytes = 0, first
    request.on('data', (part) => {
      bytes += part.length
      // The prelude comes by itself: its delimiter is before the first byte of the frame.
      if (first === undefined && bytes > 1024) first = since(current.begin)
    })
    request.on('end', () => { response.writeHead(202).end(); current.done({ first, bytes }) })
  })
  api.keepAliveTimeout = 60_000
  const port = await listening(api)
  const child = spawn(join(root, 'bootstrap'), [], { stdio: ['ignore', 'inherit', 'inherit'], env: {
    ...CREDENTIALS, LAMBDA_TASK_ROOT: root, AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${port}`, AWS_LAMBDA_FUNCTION_NAME: 'reader',
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST', AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '512', AWS_ENDPOINT_URL_MEDICAL_IMAGING: endpoint,
  } })
  const ask = async () => {
    if (!idle) await new Promise((ready) => { current = { ready } })
    const answer = new Promise((done) => { current = { done, ready() {}, begin: process.hrtime.bigint() } })
    const response = idle
    idle = undefined
    response.writeHead(200, { 'lambda-runtime-aws-request-id': '1', 'content-length': event.length }).end(event)
    return answer
  }
  return { pid: child.pid, ask, stop: () => { child.kill('SIGKILL'); api.close(); api.closeAllConnections() } }
}

// ---- The proxy on AWS's SDK

async function proxy(endpoint) {
  const child = spawn(process.execPath, ['benches/node/reader.mjs'], {
    stdio: ['ignore', 'pipe', 'inherit'], env: { ...CREDENTIALS, NODE_ENV: 'production', NODE_PEERS: join(PEERS, 'node/node_modules'), ENDPOINT: endpoint },
  })
  const port = Number(await new Promise((resolve) => child.stdout.once('data', (line) => resolve(String(line)))))
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  const ask = () => new Promise((resolve, reject) => {
    const begin = process.hrtime.bigint()
    http.get({ agent, host: '127.0.0.1', port, path: `${path}?${query}` }, (response) => {
      let bytes = 0, first
      response.on('data', (part) => { bytes += part.length; first ??= since(begin) })
      response.on('end', () => (response.statusCode === 200 ? resolve({ first, bytes }) : reject(new Error(`status ${response.statusCode}`))))
    }).on('error', reject)
  })
  return { pid: child.pid, ask, stop: () => { child.kill('SIGKILL'); agent.destroy() } }
}

/** Seconds of processor, all threads. */
const cpu = (pid) => readdirSync(`/proc/${pid}/task`).reduce((total, thread) => total + Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]) / 1e9, 0)
/** Ticks of processor, in the program and in the kernel. */
const ticks = (pid) => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ').slice(11, 13).map(Number)
const megabytes = (pid, name) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024

async function measured({ pid, ask }, count) {
  for (let i = 0; i < count / 5; i++) await ask()
  const rates = [], firsts = [], begun = ticks(pid)
  for (let round = 0; round < ROUNDS; round++) {
    const before = cpu(pid)
    for (let i = 0; i < count / ROUNDS; i++) {
      const { first, bytes } = await ask()
      if (bytes < size) throw new Error(`${bytes} bytes of ${size}`)
      firsts.push(first)
    }
    rates.push(count / ROUNDS / (cpu(pid) - before))
  }
  const [user, kernel] = ticks(pid).map((now, n) => now - begun[n])
  return { kernel: kernel / (user + kernel), rate: median(rates), spread: Math.max(...rates) / Math.min(...rates), first: median(firsts), resident: megabytes(pid, 'VmRSS'), peak: megabytes(pid, 'VmHWM') }
}

const origin = await healthimaging()
const endpoint = `http://127.0.0.1:${origin.port}`
const row = (...cells) => console.log(`| ${cells.join(' | ')} |`)
console.log(`${os.cpus()[0].model.trim()}, ${os.cpus().length} processors, Node.js ${process.version}, load ${os.loadavg()[0].toFixed(1)} at the start\n`)
row('', 'reader', 'Node.js', 'ratio', 'goal')
row('---', '---', '---', '---', '---')
const [ours, theirs] = [await reader(endpoint), await proxy(endpoint)]
try {
  for (const [kilobytes, count] of SIZES) {
    await origin.serve(kilobytes * 1024)
    const [a, b] = [await measured(ours, count), await measured(theirs, count)]
    const label = kilobytes < 1024 ? `${kilobytes} KB` : `${kilobytes / 1024} MB`
    row(`${label}: frames per second of one core`, `${a.rate.toFixed(0)} (rounds within ${a.spread.toFixed(2)})`, `${b.rate.toFixed(0)} (${b.spread.toFixed(2)})`, (a.rate / b.rate).toFixed(1), '5')
    row('… of it in the kernel', `${(a.kernel * 100).toFixed(0)} %`, `${(b.kernel * 100).toFixed(0)} %`, '', '')
    row(`${label}: to the first byte`, `${a.first.toFixed(2)} ms`, `${b.first.toFixed(2)} ms`, (a.first / b.first).toFixed(2), '0.5')
    row(`${label}: resident, and at most so far`, `${a.resident.toFixed(1)}, ${a.peak.toFixed(1)} MB`, `${b.resident.toFixed(1)}, ${b.peak.toFixed(1)} MB`, (a.resident / b.resident).toFixed(2), '0.125')
  }
} finally {
  ours.stop()
  theirs.stop()
  origin.stop()
  rmSync(root, { recursive: true, force: true })
}
