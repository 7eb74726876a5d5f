// Prints the Authorization header that aws4 computes, a line for each line of JSON on stdin.
//
//   node tests/peers/signatures.mjs DIRECTORY_OF_NODE_MODULES

import { createHash } from 'node:crypto'
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'

const aws4 = createRequire(`${process.argv[2]}/`)('aws4')

for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line)
  const body = Buffer.from(asked.body, 'base64')
  const signed = aws4.sign(
    {
      service: asked.service,
      region: asked.region,
      method: asked.method,
      host: asked.host,
      path: asked.query ? `${asked.path}?${asked.query}` : asked.path,
      headers: {
        ...asked.headers,
        Host: asked.host,
        'X-Amz-Date': asked.date,
        'X-Amz-Content-Sha256': createHash('sha256').update(body).digest('hex'),
      },
      body: body.length ? body : undefined,
      // What aws4 adds by itself; CloudFront adds its own.
      extraHeadersToIgnore: { 'content-length': true, 'content-type': !asked.headers['content-type'] },
    },
    { accessKeyId: asked.accessKey, secretAccessKey: asked.secretKey, sessionToken: asked.token ?? undefined },
  )
  console.log(signed.headers.Authorization)
}
