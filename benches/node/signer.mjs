// What the signer does for a frame, on aws4.
import { createHash } from 'node:crypto'
import { createRequire } from 'node:module'

const aws4 = createRequire(`${process.env.NODE_PEERS}/`)('aws4')
const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = process.env

export async function handler(event) {
  const { config, request } = event.Records[0].cf
  const body = Buffer.from(request.body.data, 'base64')
  const signed = aws4.sign(
    {
      service: 'medical-imaging',
      region: 'us-east-1',
      host: request.origin.custom.domainName,
      path: request.uri,
      method: request.method,
      headers: {
        'Content-Type': request.headers['content-type'][0].value,
        'X-Amz-Cf-Id': config.requestId,
        'X-Amz-Content-Sha256': createHash('sha256').update(body).digest('hex'),
      },
      body,
      extraHeadersToIgnore: { 'content-length': true },
    },
    { accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY, sessionToken: AWS_SESSION_TOKEN },
  )
  for (const key of ['Host', 'Authorization', 'X-Amz-Date', 'X-Amz-Security-Token', 'X-Amz-Content-Sha256']) {
    request.headers[key.toLowerCase()] = [{ key, value: signed.headers[key] }]
  }
  return request
}
