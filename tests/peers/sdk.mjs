// What AWS's SDK for JavaScript does with a delivery: native reads, each as the SDK sends them.
//
//   node tests/peers/sdk.mjs DIRECTORY_OF_NODE_MODULES URL TOKEN
//
// Stdin has what to ask for: {"datastore", "set", "frame"}. Prints a JSON object: for
// each case {"type", "sha256"} of the frame, {"type", "encoding", "set", "frames"} of an image
// set's metadata with each frame that it names, or {"status", "code"} of the SDK's error; and
// whether it was signed.

import { createHash } from 'node:crypto'
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'

const [modules, url, token] = process.argv.slice(2)
const { GetImageFrameCommand, GetImageSetMetadataCommand, MedicalImagingClient } =
  createRequire(`${modules}/`)('@aws-sdk/client-medical-imaging')
const asked = JSON.parse(readFileSync(0, 'utf8'))
const OTHER = 'f'.repeat(32)
let signed

function client(token) {
  const made = new MedicalImagingClient({
    region: 'us-east-1',
    endpoint: url,
    disableHostPrefix: true,
    maxAttempts: 1,
    credentials: { accessKeyId: 'unused', secretAccessKey: 'unused' },
  })
  const addToken = (next) => (args) => {
    args.request.headers.token = token
    return next(args)
  }
  const look = (next) => (args) => {
    signed = args.request.headers.authorization.startsWith('AWS4-HMAC-SHA256 ')
    return next(args)
  }
  made.middlewareStack.add(look, { step: 'finalizeRequest', priority: 'low' })
  if (token) made.middlewareStack.add(addToken, { step: 'build' })
  return made
}

const ids = { datastoreId: asked.datastore, imageSetId: asked.set }
async function frame(client, other = {}, id = asked.frame) {
  const imageFrameInformation = { imageFrameId: id }
  const answer = await client.send(new GetImageFrameCommand({ ...ids, imageFrameInformation, ...other }))
  const bytes = await answer.imageFrameBlob.transformToByteArray()
  return { type: answer.contentType, sha256: createHash('sha256').update(bytes).digest('hex') }
}

async function metadata(client, other = {}) {
  const answer = await client.send(new GetImageSetMetadataCommand({ ...ids, ...other }))
  const blob = await answer.imageSetMetadataBlob.transformToByteArray()
  const document = JSON.parse(gunzipSync(blob).toString())
  const instances = Object.values(document.Study.Series).flatMap((one) => Object.values(one.Instances))
  const frames = []
  for (const { ID } of instances.flatMap((one) => one.ImageFrames)) frames.push(await frame(client, {}, ID))
  return { type: answer.contentType, encoding: answer.contentEncoding, set: document.ImageSetID, frames }
}

const good = client(token)
const CASES = {
  'frame': () => frame(good),
  'the same again': () => frame(good),
  'no token': () => frame(client()),
  'a wrong token': () => frame(client(token.slice(0, -4))),
  'an unknown image set': () => frame(good, { imageSetId: OTHER }),
  'another data store': () => frame(good, { datastoreId: OTHER }),
  'metadata': () => metadata(good),
  'metadata, version 1': () => metadata(good, { versionId: '1' }),
  'metadata, version 2': () => metadata(good, { versionId: '2' }),
  'metadata, no token': () => metadata(client()),
  'metadata of another data store': () => metadata(good, { datastoreId: OTHER }),
}

const answers = {}
for (const [name, attempt] of Object.entries(CASES)) {
  try {
    answers[name] = { ...(await attempt()), signed }
  } catch (error) {
    // Not an answer of the delivery's: the case says nothing.
    if (!error.$metadata?.httpStatusCode) throw error
    answers[name] = { status: error.$metadata.httpStatusCode, code: error.name, signed }
  }
}
process.stdout.write(JSON.stringify(answers))
