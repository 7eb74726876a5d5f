// The reader's peer: a proxy on AWS's SDK, with connections that are kept. HealthImaging is at ENDPOINT.
import http from 'node:http'
import { createRequire } from 'node:module'

const require = createRequire(`${process.env.NODE_PEERS}/`)
const { MedicalImagingClient, GetImageFrameCommand } = require('@aws-sdk/client-medical-imaging')
const client = new MedicalImagingClient({ region: 'us-east-1', endpoint: process.env.ENDPOINT, disableHostPrefix: true, maxAttempts: 1 })
const READ = /^\/datastore\/([0-9a-z]{32})\/imageSet\/([0-9a-z]{32})\/getImageFrame\?imageFrameId=([0-9a-z]{32})$/

const server = http.createServer(async (request, response) => {
  const found = READ.exec(request.url)
  if (request.method !== 'GET' || !found) return response.writeHead(404).end()
  const [, datastoreId, imageSetId, imageFrameId] = found
  try {
    const frame = await client.send(new GetImageFrameCommand({ datastoreId, imageSetId, imageFrameInformation: { imageFrameId } }))
    response.writeHead(200, { 'content-type': frame.contentType })
    frame.imageFrameBlob.pipe(response)
  } catch (error) {
    response.writeHead(error.$metadata?.httpStatusCode ?? 502, { 'cache-control': 'no-store' }).end()
  }
})
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
