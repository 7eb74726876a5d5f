// What dicomweb-client for JavaScript does with a delivery: every read operation
// that it has, by its own defaults.
//
//   node tests/peers/dicomweb.mjs DIRECTORY_OF_NODE_MODULES URL TOKEN
//
// URL is the data store's. Stdin has what to ask for: {"study", "series", "instance",
// "cine", "bulk"}. Prints a JSON object: for each operation {"value"} or {"status"};
// bytes as their SHA-256.

import { createHash } from 'node:crypto'
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'

const [modules, url, token] = process.argv.slice(2)
const { api } = createRequire(`${modules}/`)('dicomweb-client')
const asked = JSON.parse(readFileSync(0, 'utf8'))

// The client says on the console what it does: stdout is for the answers.
console.log = console.debug = console.error

// The client is written for browsers. As much of theirs as it uses, on top of fetch.
globalThis.XMLHttpRequest = class {
  headers = {}
  open(method, target) { Object.assign(this, { method, target }) }
  setRequestHeader(name, value) { this.headers[name] = value }
  getResponseHeader(name) { return this.answer.headers.get(name) }
  getAllResponseHeaders() { return [...this.answer.headers].map(([name, value]) => `${name}: ${value}`).join('\r\n') }
  async send(body) {
    this.answer = await fetch(this.target, { method: this.method.toUpperCase(), headers: this.headers, body })
    this.status = this.answer.status
    const bytes = await this.answer.arrayBuffer()
    const text = () => new TextDecoder().decode(bytes)
    const read = { arraybuffer: () => bytes, json: () => JSON.parse(text()) }[this.responseType] ?? text
    try { this.response = read() } catch { this.response = null }
    this.readyState = 4
    this.onreadystatechange()
  }
}

const client = new api.DICOMwebClient({ url, headers: { Authorization: `Bearer ${token}` } })
const [study, series, instance] = [asked.study, asked.series, asked.instance]
const named = ([studyInstanceUID, seriesInstanceUID, sopInstanceUID]) => ({ studyInstanceUID, seriesInstanceUID, sopInstanceUID })
const one = named([study, series, instance])
const digest = (bytes) => createHash('sha256').update(new Uint8Array(bytes)).digest('hex')
const digests = (parts) => parts.map(digest)
const frames = async (of, frameNumbers, mediaTypes) =>
  digests(await client.retrieveInstanceFrames({ ...of, frameNumbers, ...(mediaTypes && { mediaTypes }) }))

const OPERATIONS = {
  'studies': () => client.searchForStudies(),
  'studies, filtered': () => client.searchForStudies({
    queryParams: { PatientName: asked.name, StudyInstanceUID: study, fuzzymatching: true, limit: 10, includefield: 'StudyDescription,00080062' },
  }),
  'series': () => client.searchForSeries({ studyInstanceUID: study }),
  'series, all': () => client.searchForSeries(),
  'instances': () => client.searchForInstances({ studyInstanceUID: study, seriesInstanceUID: series }),
  'instances of the study': () => client.searchForInstances({ studyInstanceUID: study }),
  'instances, all': () => client.searchForInstances(),
  'series metadata': () => client.retrieveSeriesMetadata(one),
  'instance metadata': () => client.retrieveInstanceMetadata(one),
  'frames': () => frames(one, [1]),
  'frames, as stored': () => frames(one, [1], [{ mediaType: 'application/octet-stream', transferSyntaxUID: '*' }]),
  'frames, several': () => frames(named(asked.cine), [3, 1, 2]),
  'instance': async () => digest(await client.retrieveInstance(one)),
  'bulk data': async () => digests(await client.retrieveBulkData({ BulkDataURI: `${url}/${asked.bulk}` })),
  'study metadata': () => client.retrieveStudyMetadata(one),
  'study': async () => digests(await client.retrieveStudy(one)),
  'series whole': async () => digests(await client.retrieveSeries(one)),
  'instance rendered': async () => digest(await client.retrieveInstanceRendered(one)),
  'instance thumbnail': async () => digest(await client.retrieveInstanceThumbnail(one)),
  'frames rendered': async () => digest(await client.retrieveInstanceFramesRendered({ ...one, frameNumbers: [1] })),
  'frames thumbnail': async () => digest(await client.retrieveInstanceFramesThumbnail({ ...one, frameNumbers: [1] })),
}

const answers = {}
for (const [name, operation] of Object.entries(OPERATIONS)) {
  try {
    answers[name] = { value: await operation() }
  } catch (error) {
    answers[name] = { error: String(error), status: error.status ?? null }
  }
}
process.stdout.write(JSON.stringify(answers))
