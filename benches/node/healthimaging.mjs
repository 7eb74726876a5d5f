// HealthImaging's place for benches/reader.mjs: every request gets a frame of the size that was asked for last.
import http from 'node:http'

let body = Buffer.alloc(0)
const server = http.createServer((request, response) => {
  request.resume().on('end', () => response.writeHead(200, { 'content-type': 'image/jph', 'content-length': body.length }).end(body))
})
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }))
process.on('message', ({ bytes }) => { body = Buffer.alloc(bytes, 'x'); process.send({ bytes }) })
process.on('disconnect', () => process.exit())
