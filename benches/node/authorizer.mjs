// What the authorizer does for a good token, on aws-jwt-verify.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const { CognitoJwtVerifier } = createRequire(`${process.env.NODE_PEERS}/`)('aws-jwt-verify')
const config = JSON.parse(readFileSync(`${process.env.LAMBDA_TASK_ROOT}/config.json`))
const verifier = CognitoJwtVerifier.create({ userPoolId: 'us-east-1_AbCdEfGhI', tokenUse: 'access', clientId: config.auth.clientIds })
verifier.cacheJwks(config.auth.jwks)
const PATH = /^\/datastore\/[0-9a-z]{32}\/imageSet\/[0-9a-z]{32}\/getImageFrame$/

export async function handler(event) {
  const { request } = event.Records[0].cf
  if (!PATH.test(request.uri)) return { status: '404' }
  try {
    await verifier.verify(request.headers.authorization[0].value.slice('Bearer '.length))
  } catch {
    return { status: '401' }
  }
  delete request.headers.authorization
  return request
}
