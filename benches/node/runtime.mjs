// The Lambda Runtime API's loop for a handler of Node.js: `node runtime.mjs authorizer|signer`.
// It does less than AWS's own client, so it favours Node.js.
import http from 'node:http'

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':')
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })

const call = (method, path, body) => new Promise((resolve, reject) => {
  const request = http.request({ agent, host, port, method, path: `/2018-06-01/runtime/${path}` }, (response) => {
    const chunks = []
    response.on('data', (chunk) => chunks.push(chunk))
    response.on('end', () => resolve({ id: response.headers['lambda-runtime-aws-request-id'], body: Buffer.concat(chunks).toString() }))
  })
  request.on('error', reject)
  request.end(body)
})

const { handler } = await import(`./${process.argv[2]}.mjs`)
for (;;) {
  const next = await call('GET', 'invocation/next')
  const answer = await handler(JSON.parse(next.body))
  await call('POST', `invocation/${next.id}/response`, JSON.stringify(answer))
}
