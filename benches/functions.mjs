// See functions.sh.
import { spawn, spawnSync } from 'node:child_process'
import { generateKeyPairSync, sign } from 'node:crypto'
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, rmdirSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import os from 'node:os'
import { join } from 'node:path'

const { PEERS, FUNCTIONS } = process.env
const WARM = 500, COUNTED = 2000, COLD = 11, SLOW = 150
const SHARE = 0.072 // of a core: what 128 MB get
const b64 = (value) => Buffer.from(JSON.stringify(value)).toString('base64url')
const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)]
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const root = mkdtempSync(join(os.tmpdir(), 'frames-bench-'))

// ---- What both get to do

const issuer = 'https://cognito-idp.us-east-1.amazonaws.com/us-east-1_AbCdEfGhI'
const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const jwks = { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'one', alg: 'RS256', use: 'sig' }] }
const claims = { iss: issuer, sub: 'a'.repeat(36), client_id: 'client', token_use: 'access', scope: 'frames/read', exp: 4_000_000_000, iat: 1, jti: 'b'.repeat(36), username: 'viewer', 'cognito:groups': ['staff'] }
const signed = `${b64({ alg: 'RS256', kid: 'one' })}.${b64(claims)}`
const token = `${signed}.${sign('sha256', Buffer.from(signed), privateKey).toString('base64url')}`
const CONFIG = {
  authorizer: {
    auth: { issuers: [{ names: [issuer] }], jwks, algorithms: ['RS256'], clientIds: ['client'], tokenUse: 'access', groupsClaim: 'cognito:groups', tokenSources: ['authorization', 'header'] },
    dicomweb: true, cors: { origins: ['*'], credentials: false }, logLevel: 'warn',
  },
  signer: { region: 'us-east-1', nativeHost: 'runtime-medical-imaging.us-east-1.amazonaws.com', logLevel: 'warn' },
}
const uri = '/datastore/12345678901234567890123456789012/imageSet/aaaabbbbccccddddeeeeffff00001111/getImageFrame'
const header = (key, value) => [{ key, value }]
const common = { host: header('Host', CONFIG.signer.nativeHost), 'content-type': header('Content-Type', 'application/json'), 'user-agent': header('User-Agent', 'Amazon CloudFront'), accept: header('Accept', 'image/jph') }
const event = (eventType, request) => JSON.stringify({ Records: [{ cf: {
  config: { distributionDomainName: 'd111111abcdef8.cloudfront.net', distributionId: 'EDFDVBD6EXAMPLE', eventType, requestId: '4TyzHTaYWb1GX1qTfsHhEqV6HUDd_BzoBZnwfnvQc_1oF26ClkoUSEQ==' },
  request: { clientIp: '203.0.113.178', method: 'POST', uri, querystring: '', ...request },
} }] })
const EVENT = {
  authorizer: event('viewer-request', { headers: { ...common, authorization: header('Authorization', `Bearer ${token}`) } }),
  signer: event('origin-request', {
    headers: common,
    body: { inputTruncated: false, action: 'read-only', encoding: 'base64', data: Buffer.from('{"imageFrameId":"0123456789abcdef0123456789abcdef"}').toString('base64') },
    origin: { custom: { domainName: CONFIG.signer.nativeHost, protocol: 'https', port: 443, path: '' } },
  }),
}

// ---- The emulator around one of them

function task(name, files) {
  const directory = join(root, name)
  mkdirSync(directory)
  for (const [file, content] of Object.entries(files)) writeFileSync(join(directory, file), content)
  return directory
}
const rust = (name, files = {}) => {
  const directory = task(['rust', name, ...Object.keys(files)].join('-'), { ...files, 'config.json': JSON.stringify(CONFIG[name]) })
  for (const file of ['index.py', 'child.py']) copyFileSync(join('functions/shim', file), join(directory, file))
  copyFileSync(join(FUNCTIONS, name), join(directory, 'bootstrap'))
  chmodSync(join(directory, 'bootstrap'), 0o755)
  return { name, directory, command: [join(PEERS, 'venv/bin/python'), '-m', 'awslambdaric', 'index.handler'] }
}
const nodejs = (name) => ({
  name, directory: task(`node-${name}`, { 'config.json': JSON.stringify(CONFIG[name]) }),
  command: [process.execPath, join(process.cwd(), 'benches/node/runtime.mjs'), name],
})
const python = () => ({
  name: 'authorizer',
  directory: task('python', { 'index.py': 'def handler(event, context):\n    return event["Records"][0]["cf"]["request"]\n' }),
  command: [join(PEERS, 'venv/bin/python'), '-m', 'awslambdaric', 'index.handler'],
})

const freePort = () => new Promise((resolve) => {
  const server = net.createServer().listen(0, '127.0.0.1', () => { const { port } = server.address(); server.close(() => resolve(port)) })
})

async function start({ name, directory, command }) {
  const [port, api] = [await freePort(), await freePort()]
  const emulator = spawn(join(PEERS, 'aws-lambda-rie'), ['--runtime-interface-emulator-address', `127.0.0.1:${port}`, '--runtime-api-address', `127.0.0.1:${api}`, '--log-level', 'error', ...command], {
    cwd: directory, stdio: 'ignore',
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', LAMBDA_TASK_ROOT: directory, NODE_PEERS: join(PEERS, 'node/node_modules'), AWS_REGION: 'us-east-1', AWS_LAMBDA_FUNCTION_NAME: 'us-east-1.frames', AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '128', AWS_ACCESS_KEY_ID: 'ASIAEXAMPLEEXAMPLE00', AWS_SECRET_ACCESS_KEY: 'secret', AWS_SESSION_TOKEN: 'token'.repeat(100) },
  })
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  const invoke = () => new Promise((resolve, reject) => {
    const begin = process.hrtime.bigint()
    const request = http.request({ agent, host: '127.0.0.1', port, method: 'POST', path: '/2015-03-31/functions/function/invocations' }, (response) => {
      let text = ''
      response.on('data', (chunk) => { text += chunk })
      response.on('end', () => (text.includes('"uri"') ? resolve(Number(process.hrtime.bigint() - begin) / 1e6) : reject(new Error(`${name}: ${text.slice(0, 200)}`))))
    })
    request.on('error', reject)
    request.end(EVENT[name])
  })
  for (let i = 0; ; i++) {
    try { await invoke(); break } catch (error) { if (i > 200 || error.code !== 'ECONNREFUSED') throw error; await sleep(25) }
  }
  const pid = Number(readFileSync(`/proc/${emulator.pid}/task/${emulator.pid}/children`, 'utf8').trim().split(' ')[0] || childOf(emulator.pid))
  const stop = () => new Promise((resolve) => { emulator.on('exit', resolve); try { process.kill(pid, 'SIGKILL') } catch {} emulator.kill('SIGKILL') })
  return { invoke, pid, stop }
}
const childOf = (pid) => readdirSync(`/proc/${pid}/task`).flatMap((thread) => readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').trim().split(' ')).find(Boolean)

/** The process and its child, where it has one (`deploy.launch: child`). */
const family = (pid) => [pid, childOf(pid)].filter(Boolean)
const sum = (pids, of) => pids.reduce((total, pid) => total + of(pid), 0)
/** Milliseconds of processor, all threads. */
const cpu = (pid) => sum(family(pid), (one) => sum(readdirSync(`/proc/${one}/task`), (thread) => Number(readFileSync(`/proc/${one}/task/${thread}/schedstat`, 'utf8').split(' ')[0]) / 1e6))
const resident = (pid) => sum(family(pid), (one) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${one}/status`, 'utf8'))[1]) / 1024)

// ---- A small share of the processor, by cgroup

function limited(pid, run) {
  const v2 = existsSync('/sys/fs/cgroup/cgroup.controllers')
  const group = join(v2 ? '/sys/fs/cgroup' : '/sys/fs/cgroup/cpu', `frames-bench-${process.pid}`)
  try {
    mkdirSync(group)
    if (v2) writeFileSync(join(group, 'cpu.max'), `${SHARE * 20_000} 20000`)
    else { writeFileSync(join(group, 'cpu.cfs_period_us'), '20000'); writeFileSync(join(group, 'cpu.cfs_quota_us'), `${SHARE * 20_000}`) }
    writeFileSync(join(group, 'cgroup.procs'), String(pid))
  } catch (error) {
    try { rmdirSync(group) } catch {}
    return Promise.resolve({ reason: error.code })
  }
  return run().finally(() => {
    try { writeFileSync(join(v2 ? '/sys/fs/cgroup' : '/sys/fs/cgroup/cpu', 'cgroup.procs'), String(pid)) } catch {}
    for (let i = 0; i < 50; i++) try { rmdirSync(group); break } catch { spawnSync('sleep', ['0.02']) }
  })
}

async function warm(what) {
  const { invoke, pid, stop } = await start(what)
  for (let i = 0; i < WARM; i++) await invoke()
  const rounds = []
  for (let round = 0; round < 4; round++) {
    const before = cpu(pid)
    for (let i = 0; i < COUNTED / 4; i++) await invoke()
    rounds.push((cpu(pid) - before) / (COUNTED / 4))
  }
  const memory = resident(pid)
  const slow = await limited(pid, async () => {
    const times = async (pause) => {
      const list = []
      for (let i = 0; i < SLOW; i++) { list.push(await invoke()); if (pause) await sleep(pause) }
      return median(list)
    }
    await times(0)
    return { back: await times(0), paced: await times(60) }
  })
  await stop()
  return { cpu: median(rounds), spread: Math.max(...rounds) / Math.min(...rounds), memory, slow }
}

async function cold(whats) {
  const all = whats.map(() => [])
  for (let i = 0; i < COLD; i++) {
    for (const [n, what] of whats.entries()) { // in turn, so that the machine's moods are shared
      const { pid, stop } = await start(what)
      all[n].push(cpu(pid))
      await stop()
    }
  }
  return all.map(median)
}

const cost = (name) => JSON.parse(spawnSync(join(FUNCTIONS, `${name}_cost`)).stdout)

try {
  const ours = { authorizer: rust('authorizer'), signer: rust('signer') }
  const theirs = { authorizer: nodejs('authorizer'), signer: nodejs('signer') }
  const row = (...cells) => console.log(`| ${cells.join(' | ')} |`)
  const ms = (value) => `${value.toFixed(value < 10 ? 2 : 1)} ms`
  console.log(`${os.cpus()[0].model.trim()}, ${os.cpus().length} processors, Node.js ${process.version}, load ${os.loadavg()[0].toFixed(1)} at the start\n`)
  row('', 'frames', 'Node.js', 'ratio', 'goal')
  row('---', '---', '---', '---', '---')
  for (const name of ['authorizer', 'signer']) {
    const [a, b] = [await warm(ours[name]), await warm(theirs[name])]
    row(`${name}: processor, warm`, `${ms(a.cpu)} (rounds within ${a.spread.toFixed(2)})`, `${ms(b.cpu)} (${b.spread.toFixed(2)})`, (a.cpu / b.cpu).toFixed(2), '0.25')
    row(`${name}: resident`, `${a.memory.toFixed(1)} MB`, `${b.memory.toFixed(1)} MB`, (a.memory / b.memory).toFixed(2), '4 MB')
    if (a.slow.reason || b.slow.reason) row(`${name}: median at 7.2 % of a core`, `not measured: no cgroup (${a.slow.reason ?? b.slow.reason})`, '', '', '0.5')
    else for (const [key, label] of [['back', 'back to back'], ['paced', 'paced']]) row(`${name}: median at 7.2 % of a core, ${label}`, ms(a.slow[key]), ms(b.slow[key]), (a.slow[key] / b.slow[key]).toFixed(2), '0.5')
  }
  const child = rust('signer', { launch: 'child' })
  const beside = await warm(child)
  row('signer as a child of Python: processor, warm', `${ms(beside.cpu)} (rounds within ${beside.spread.toFixed(2)})`, '', '', '')
  row('signer as a child of Python: resident, both', `${beside.memory.toFixed(1)} MB`, '', '', '')
  const [authorizer, signer, asChild, empty, node] = await cold([ours.authorizer, ours.signer, child, python(), theirs.authorizer])
  row('cold start, processor: authorizer', ms(authorizer), ms(node), (authorizer / node).toFixed(2), '')
  row('… over an empty Python handler', `${ms(authorizer - empty)} over ${ms(empty)}`, '', '', '3 ms')
  row('cold start, processor: signer', ms(signer), '', '', '')
  row('… over an empty Python handler', `${ms(signer - empty)} over ${ms(empty)}`, '', '', '3 ms')
  row('… and as a child of Python', `${ms(asChild - empty)} over ${ms(empty)}`, '', '', '')
  const [decision, signing] = [cost('decision'), cost('signing')]
  row('a decision over its RSA verification', `${decision.decision_us.toFixed(1)} µs over ${decision.rsa_us.toFixed(1)} µs`, '', decision.ratio.toFixed(2), '1.3')
  row('signing over its hashes and HMACs', `${signing.signing_us.toFixed(1)} µs over ${signing.hmacs_us.toFixed(1)} µs`, '', signing.ratio.toFixed(2), '2')
} finally {
  rmSync(root, { recursive: true, force: true })
}
