// Writes tokens of every kind, a line of JSON each, and what aws-jwt-verify says of them.
//
//   node tests/peers/tokens.mjs DIRECTORY_OF_NODE_MODULES
//
// First come the configurations: {"profile", "now", "config"}, config.json of the
// authorizer; then the tokens: {"profile", "kinds", "token", "refused": null | why}.
// The tokens are the same in every run but for their keys, which are made again.

import { createRequire } from 'node:module'
import { constants, createHmac, generateKeyPairSync, sign as signWith } from 'node:crypto'

const { CognitoJwtVerifier, JwtRsaVerifier, JwtVerifier } = createRequire(`${process.argv[2]}/`)('aws-jwt-verify')

const NOW = 1_795_338_487
Date.now = () => NOW * 1000

// The same numbers in every run (mulberry32).
let state = 20261122
const random = () => {
  state = (state + 0x6d2b79f5) | 0
  let t = Math.imul(state ^ (state >>> 15), 1 | state)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
}
const below = (limit) => Math.floor(random() * limit)
// Any of a list; where `turn` counts, each in its turn.
let turn = null
const pick = (list) => list[turn === null ? below(list.length) : turn % list.length]
const b64 = (bytes) => Buffer.from(bytes).toString('base64url')

// ---- Keys

const rsa = (bits = 2048) => generateKeyPairSync('rsa', { modulusLength: bits })
const ec = (namedCurve) => generateKeyPairSync('ec', { namedCurve })
const KEYS = {
  'rsa-1': rsa(), 'rsa-2': rsa(), 'rsa-alg': rsa(), 'rsa-enc': rsa(), 'rsa-weak': rsa(1024),
  'p256': ec('P-256'), 'p384': ec('P-384'), 'p521': ec('P-521'), 'k256': ec('secp256k1'),
  'ed25519': generateKeyPairSync('ed25519'), 'ed448': generateKeyPairSync('ed448'),
}
const STRANGER = rsa()
const OWN = { 'rsa-alg': { alg: 'RS256', use: 'sig' }, 'rsa-2': { use: 'sig' }, 'rsa-enc': { use: 'enc' }, p384: { alg: 'ES384' } }
const jwk = (kid) => ({ ...KEYS[kid].publicKey.export({ format: 'jwk' }), kid, ...OWN[kid] })
const JWKS = { keys: Object.keys(KEYS).map(jwk) }

const HASH = { 256: 'sha256', 384: 'sha384', 512: 'sha512' }
const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }

function signature(alg, key, input) {
  const hash = HASH[String(alg).slice(2)]
  switch (String(alg).slice(0, 2)) {
    case 'RS': return signWith(hash, input, key)
    case 'PS': return signWith(hash, input, { key, ...pss })
    case 'ES': return signWith(hash, input, { key, dsaEncoding: 'ieee-p1363' })
    case 'Ed': return signWith(null, input, key)
    default: return signWith('sha256', input, key)
  }
}

// ---- Profiles: the same configuration for both

const POOL = 'us-east-1_AbCdEfGhI'
const ISSUERS = [`https://cognito-idp.us-east-1.amazonaws.com/${POOL}`, `https://issuer-cognito-idp.us-east-1.amazonaws.com/${POOL}`]
const OIDC = 'https://login.example.org/'
const CLIENTS = ['3n4b5urk1ft4fl3mg5e62d9ado', '7c8d9e0f1a2b3c4d5e6f7a8b9c']
// As far apart as the clocks may be here.
const graceSeconds = 30
const RSA = ['RS256', 'RS384', 'RS512']
const ALL = [...RSA, 'ES256', 'ES384', 'EdDSA']

const cognito = (ours, theirs) => ({
  auth: { issuers: [{ names: ISSUERS }], algorithms: ['RS256'], ...ours },
  verifier: CognitoJwtVerifier.create({ userPoolId: POOL, graceSeconds, ...theirs }),
  algorithms: ['RS256'],
})
const oidc = (Verifier, algorithms, ours, theirs) => ({
  auth: { issuers: [{ names: [OIDC] }], algorithms, audience: ['frames', 'viewer'], ...ours },
  verifier: Verifier.create({ issuer: OIDC, audience: ['frames', 'viewer'], graceSeconds, ...theirs }),
  algorithms,
})
const PROFILES = {
  access: cognito({ tokenUse: 'access', clientIds: CLIENTS }, { tokenUse: 'access', clientId: CLIENTS }),
  id: cognito({ tokenUse: 'id', clientIds: [CLIENTS[0]] }, { tokenUse: 'id', clientId: CLIENTS[0] }),
  any: cognito({ tokenUse: 'any' }, { tokenUse: null, clientId: null }),
  groups: cognito({ tokenUse: 'access', groups: ['radiology', 'staff'] }, { tokenUse: 'access', clientId: null, groups: ['radiology', 'staff'] }),
  scope: cognito({ tokenUse: 'access', scopes: ['frames/read'] }, { tokenUse: 'access', clientId: null, scope: 'frames/read' }),
  oidc: oidc(JwtRsaVerifier, RSA, {}, {}),
  oidcScope: oidc(JwtVerifier, RSA, { scopes: ['frames/read'] }, { scope: 'frames/read' }),
  every: oidc(JwtVerifier, ALL, {}, {}),
}
for (const { verifier } of Object.values(PROFILES)) verifier.cacheJwks(JWKS)

const KID = { RS256: ['rsa-1', 'rsa-2', 'rsa-alg'], RS384: ['rsa-1', 'rsa-2'], RS512: ['rsa-1'], ES256: ['p256'], ES384: ['p384'], EdDSA: ['ed25519'] }

/** A good token of a profile, still in its parts. */
function good(profile) {
  const alg = pick(PROFILES[profile].algorithms)
  const kid = pick(KID[alg])
  const use = { id: 'id', any: pick(['id', 'access']) }[profile] ?? 'access'
  const client = profile === 'access' ? pick(CLIENTS) : CLIENTS[0]
  const claims = { iss: PROFILES[profile].auth.issuers[0].names[0], sub: `user-${below(1e6)}`, iat: NOW - below(3000), exp: NOW + 1 + below(3600), jti: `${random()}` }
  if (profile.startsWith('oidc') || profile === 'every') Object.assign(claims, { aud: pick(['frames', ['viewer'], ['other', 'frames']]), scope: 'openid frames/read' })
  else {
    claims.iss = pick(ISSUERS)
    Object.assign(claims, { token_use: use, 'cognito:groups': pick([['staff'], ['other', 'radiology']]) }, use === 'id' ? { aud: client } : { client_id: client, scope: pick(['frames/read', 'openid frames/read x']) })
  }
  if (below(3) === 0) claims.nbf = NOW - below(600)
  return { header: below(2) ? { alg, kid } : { alg, kid, typ: 'JWT' }, claims, key: KEYS[kid].privateKey, alg }
}

const text = (object) => JSON.stringify(object)

function finished(parts) {
  const header = b64(parts.headerText ?? text(parts.header))
  const claims = b64(parts.claimsText ?? text(parts.claims))
  const input = Buffer.from(`${header}.${claims}`)
  const signed = parts.signed ?? ((bytes) => signature(parts.alg, parts.key, bytes))
  const token = `${header}.${claims}.${b64(signed(input))}`
  return parts.after ? parts.after(token) : token
}

// ---- What can be wrong, or odd, with a token

const claim = (name, ...values) => (p) => { p.claims[name] = pick(values) }
const without = (name) => (p) => { delete p.claims[name] }
const header = (fields) => (p) => { Object.assign(p.header, typeof fields === 'function' ? fields(p) : fields) }
const after = (change) => (p) => { p.after = change }
const twice = (name, value) => (p) => { p.claimsText = text(p.claims).replace('{', `{${text(name)}:${text(value)},`) }
const raw = (from, to) => (p) => { p.claimsText = text(p.claims).replace(from, to) }
const part = (token, index, change) => token.split('.').map((one, i) => (i === index ? change(one) : one)).join('.')
const pem = (p) => KEYS[p.header.kid].publicKey.export({ type: 'spki', format: 'pem' })
const hs = (secret) => (p) => { const size = pick([256, 384, 512]); p.header.alg = `HS${size}`; p.signed = (input) => createHmac(`sha${size}`, secret(p)).update(input).digest() }
const strangerJwk = () => STRANGER.publicKey.export({ format: 'jwk' })
const stranger = (fields) => (p) => { Object.assign(p.header, fields(p)); p.key = STRANGER.privateKey; p.alg = p.header.alg = 'RS256' }
const withKey = (kid, alg) => (p) => { Object.assign(p.header, { kid, alg }); p.key = KEYS[kid].privateKey; p.alg = alg }

const KINDS = {
  good: () => {},
  // Times
  expired: claim('exp', NOW - 31, NOW - 3600, 1, 0, -1, -1e18),
  'just-expired': claim('exp', NOW - 1, NOW - 29, NOW - 29.5),
  'exp-on-the-second': claim('exp', NOW - 30),
  'exp-float': claim('exp', NOW + 0.5, NOW + 100.25, NOW - 31.5),
  'exp-huge': claim('exp', 1e15, 1e300, Number.MAX_SAFE_INTEGER),
  'exp-too-huge': raw(/"exp":\d+/, '"exp":1e999'),
  'exp-exponent': raw(/"exp":\d+/, `"exp":${NOW + 60}e0`),
  'exp-string': claim('exp', String(NOW + 60), '', 'never'),
  'exp-odd': claim('exp', null, true, [NOW + 60], { at: NOW + 60 }),
  'exp-missing': without('exp'),
  'nbf-later': claim('nbf', NOW + 31, NOW + 9999, 1e300),
  'nbf-soon': claim('nbf', NOW + 1, NOW + 30),
  'nbf-odd': claim('nbf', String(NOW), null, [], {}, false),
  'iat-later': claim('iat', NOW + 9999),
  'iat-odd': claim('iat', String(NOW), null, {}, [], true),
  // Who, for whom
  'iss-other': claim('iss', 'https://evil.example/', 'https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Other', '', ' '),
  'iss-near': (p) => { p.claims.iss = pick([`${p.claims.iss}/`, `${p.claims.iss} `, p.claims.iss.toUpperCase(), p.claims.iss.replace('https', 'http'), `${p.claims.iss}\0`, p.claims.iss.replace('e', '\u0435'), p.claims.iss.slice(0, -1)]) },
  'iss-odd': (p) => { p.claims.iss = pick([null, [p.claims.iss], 1, { iss: p.claims.iss }, true]) },
  'iss-missing': without('iss'),
  'aud-other': claim('aud', 'other', 'Frames', 'frames ', ['other'], [], '', 'frames,viewer', 'frames\u200b'),
  'aud-odd': claim('aud', null, 1, true, { frames: true }, ['frames', 1], ['frames', null, CLIENTS[0]], [['frames']], [['frames'], 'frames', CLIENTS[0]]),
  'aud-missing': without('aud'),
  'aud-list-of-the-client': claim('aud', [CLIENTS[0]], [CLIENTS[0], 'frames']),
  'client-other': claim('client_id', 'other', CLIENTS[0].toUpperCase(), `${CLIENTS[0]} `, ''),
  'client-odd': claim('client_id', null, [CLIENTS[0]], [CLIENTS[0], CLIENTS[1]], { id: CLIENTS[0] }, 1),
  'client-missing': without('client_id'),
  'use-other': claim('token_use', 'refresh', 'Access', 'ID', 'access id', ''),
  'use-swapped': (p) => { p.claims.token_use = p.claims.token_use === 'id' ? 'access' : 'id' },
  'use-odd': claim('token_use', null, ['access'], ['id'], true, 1, { use: 'access' }),
  'use-missing': without('token_use'),
  'scope-other': claim('scope', 'openid', 'frames/readx', 'FRAMES/READ', '', 'frames/read,openid', 'frames'),
  'scope-odd': claim('scope', ['frames/read'], ['openid', 'frames/read'], null, 1, { 'frames/read': true }),
  'scope-spaces': claim('scope', '  frames/read  ', 'openid  frames/read'),
  'scope-tabs': claim('scope', 'openid\tframes/read', 'openid\nframes/read', 'openid\u00a0frames/read', 'openid\fframes/read'),
  'scope-missing': without('scope'),
  'groups-other': claim('cognito:groups', ['other'], [], 'others', ['Radiology'], ['radiology ']),
  'groups-string': claim('cognito:groups', 'staff', 'radiology'),
  'groups-odd': claim('cognito:groups', null, 1, { staff: true }, [1, 'staff'], ['other', null, 'staff'], [['staff']], ['staff', 1]),
  'groups-missing': without('cognito:groups'),
  'sub-odd': claim('sub', null, 1, ['user'], {}),
  'jti-odd': claim('jti', null, 1, ['x'], {}),
  'claims-more': claim('custom', null, { deep: [{}] }, [1, 2.5, -0], '\u0000', '\ud83d\ude00', 'ü', 'x'.repeat(500)),
  'sender-bound': claim('cnf', { jkt: 'x' }, {}, null),
  'security-event': claim('events', { 'http://schemas.openid.net/event/backchannel-logout': {} }),
  // Keys and algorithms
  'key-other': (p) => { p.key = STRANGER.privateKey; p.alg = p.header.alg = 'RS256' },
  'kid-other': header(() => ({ kid: pick(['nobody', '', 'rsa-1 ', 'RSA-1', '../../rsa-1', "' OR 1=1", '\0', '__proto__', 'constructor', 'x'.repeat(2000)]) })),
  'kid-of-another-key': (p) => { p.header.kid = pick(Object.keys(KEYS).filter((kid) => kid !== p.header.kid && KEYS[kid].publicKey.asymmetricKeyType === 'rsa')) },
  'kid-odd': header((p) => ({ kid: pick([null, 1, [p.header.kid], { kid: p.header.kid }, true]) })),
  'kid-missing': (p) => { delete p.header.kid },
  'alg-none': (p) => { p.header.alg = pick(['none', 'None', 'NONE', 'nOnE', '']); p.signed = () => '' },
  'alg-none-signed': header(() => ({ alg: pick(['none', 'None', 'NONE']) })),
  'alg-missing': (p) => { delete p.header.alg },
  'alg-odd': header((p) => ({ alg: pick([null, 1, [p.header.alg], true, { alg: p.header.alg }]) })),
  'alg-near': header((p) => ({ alg: pick([p.header.alg.toLowerCase(), ` ${p.header.alg}`, `${p.header.alg}\0`, 'RSA-SHA256', 'RS1', 'RS0256', 'ES256K', 'Ed25519', 'RS256,RS384']) })),
  'alg-other-than-signed': (p) => { p.header.alg = pick(ALL.filter((alg) => alg !== p.alg)) },
  'alg-other-than-configured': (p) => { p.alg = p.header.alg = pick(['RS384', 'RS512']); p.header.kid = 'rsa-1'; p.key = KEYS['rsa-1'].privateKey },
  'alg-other-than-the-keys': withKey('rsa-alg', 'RS512'),
  'alg-pss': (p) => { withKey('rsa-1', pick(['PS256', 'PS384', 'PS512']))(p) },
  'alg-pss-under-rs': (p) => { withKey('rsa-1', 'PS256')(p); p.header.alg = 'RS256' },
  'hs-with-the-public-key': hs(pem),
  'hs-with-the-modulus': hs((p) => text(KEYS[p.header.kid].publicKey.export({ format: 'jwk' }))),
  'hs-with-nothing': hs(() => ''),
  'key-for-encryption': withKey('rsa-enc', 'RS256'),
  'key-weak': withKey('rsa-weak', 'RS256'),
  'ec-signature': (p) => { withKey(...pick([['p256', 'ES256'], ['p384', 'ES384'], ['p521', 'ES512']]))(p) },
  'ed-signature': withKey('ed25519', 'EdDSA'),
  'ed448-signature': withKey('ed448', 'EdDSA'),
  'ec-curve-other': (p) => { withKey(...pick([['p521', 'ES256'], ['p256', 'ES512'], ['p256', 'ES384'], ['k256', 'ES256']]))(p) },
  'ec-der-signature': (p) => { withKey('p256', 'ES256')(p); p.signed = (input) => signWith('sha256', input, KEYS.p256.privateKey) },
  'ec-zero-signature': (p) => { withKey('p256', 'ES256')(p); p.signed = () => Buffer.alloc(64) },
  'embedded-jwk': stranger((p) => ({ jwk: { ...strangerJwk(), kid: p.header.kid } })),
  jku: stranger(() => ({ jku: 'https://evil.example/jwks.json' })),
  x5u: stranger(() => ({ x5u: 'https://evil.example/chain.pem' })),
  x5c: stranger(() => ({ x5c: [STRANGER.publicKey.export({ type: 'spki', format: 'der' }).toString('base64')] })),
  'harmless-jku': header({ jku: 'https://login.example.org/jwks.json', x5t: 'abc' }),
  crit: header(() => pick([{ crit: ['exp'] }, { crit: ['b64'], b64: true }, { crit: ['urn:mine'], 'urn:mine': 1 }, { crit: [] }])),
  'b64-false': header({ b64: false, crit: ['b64'] }),
  'typ-access': header(() => ({ typ: pick(['at+jwt', 'application/at+jwt', 'jwt']) })),
  'typ-other': header(() => ({ typ: pick(['logout+jwt', 'secevent+jwt', 'JOSE', '', null, 1]) })),
  'header-more': header({ cty: 'JWT', zip: 'DEF', extra: { a: [1] } }),
  // JSON
  'twice-iss': (p) => twice('iss', pick(['https://evil.example/', p.claims.iss]))(p),
  'twice-exp': (p) => twice('exp', pick([1, NOW + 99]))(p),
  'twice-escaped': (p) => { p.claimsText = text(p.claims).replace('{', '{"\\u0065xp":1,') },
  'twice-deep': (p) => { p.claimsText = text(p.claims).replace('{', '{"x":{"a":1,"a":2},') },
  'twice-alg': (p) => { p.headerText = text(p.header).replace('{', '{"alg":"none",') },
  'twice-kid': (p) => { p.headerText = text(p.header).replace('{', '{"kid":"nobody",') },
  'twice-and-last-is-wrong': (p) => { p.claimsText = text(p.claims).replace(/}$/, `,${pick(['"iss":"https://evil.example/"', '"exp":1', '"token_use":"refresh","aud":"other"'])}}`) },
  proto: raw('{', '{"__proto__":{"exp":1,"iss":"https://evil.example/"},"constructor":1,'),
  'json-spaces': (p) => { p.claimsText = ` \n\t${JSON.stringify(p.claims, null, pick([1, '\t']))}\r\n ` },
  'json-bom': (p) => { p.claimsText = `\ufeff${text(p.claims)}` },
  'json-escapes': raw('"iss"', '"\\u0069s\\u0073"'),
  'json-surrogate': raw('{', '{"x":"\\ud800",'),
  'json-surrogate-as-name': raw('{', '{"\\udfff":1,'),
  'json-not-utf8': (p) => { p.claimsText = Buffer.concat([Buffer.from('{"x":"'), Buffer.from([pick([0xff, 0xc0, 0xed, 0x80])]), Buffer.from(`",${text(p.claims).slice(1)}`)]) },
  'json-deep': (p) => { const depth = pick([5, 100, 127, 200, 1000]); p.claimsText = text(p.claims).replace('{', `{"x":${'['.repeat(depth)}${']'.repeat(depth)},`) },
  'json-nan': raw(/"exp":\d+/, '"exp":NaN'),
  'json-plus': raw(/"exp":\d+/, `"exp":+${NOW + 60}`),
  'json-leading-zero': raw(/"exp":\d+/, `"exp":0${NOW + 60}`),
  'json-hex': raw(/"exp":\d+/, '"exp":0xffffffffff'),
  'json-comma': raw(/}$/, ',}'),
  'json-quotes': raw(/"/g, "'"),
  'json-more': (p) => { p.claimsText = text(p.claims) + pick(['{}', 'null', '\0', ' x', text(p.claims)]) },
  'json-array': (p) => { p.claimsText = text([p.claims]) },
  'json-values': (p) => { p.claimsText = text(Object.values(p.claims)) },
  'json-other': (p) => { p.claimsText = pick(['', 'null', '1', '"text"', 'true', '[]', '{}', '{', '\0']) },
  'json-big-number': raw('{', '{"x":123456789012345678901234567890.5e3,"y":-0,'),
  'header-array': (p) => { p.headerText = pick([text([p.header]), text(Object.values(p.header)), 'null', '{}', '']) },
  // The shape of the token
  empty: after(() => pick(['', '.', '..', '...', 'a.b', ' '])),
  'two-parts': after((token) => token.split('.').slice(0, 2).join('.') + pick(['', '.'])),
  'four-parts': after((token) => token + pick(['.', '.e30', `.${token}`])),
  'five-parts': after(() => `${b64('{"alg":"RSA-OAEP","enc":"A256GCM"}')}.e30.e30.e30.e30`),
  truncated: after((token) => token.slice(0, below(token.length))),
  'truncated-at-the-end': after((token) => token.slice(0, -1 - below(8))),
  'flipped-bit': after((token) => { const at = below(token.length); const other = pick([...'ABCDwxyz0189-_'].filter((c) => c !== token[at])); return token[at] === '.' ? `${token}A` : token.slice(0, at) + other + token.slice(at + 1) }),
  'flipped-claims': after((token) => part(token, 1, (claims) => b64(Buffer.from(claims, 'base64url').toString().replace('"', ' "')))),
  'other-claims': after((token) => part(token, 1, () => b64(text({ iss: OIDC, aud: 'frames', exp: NOW + 60 })))),
  'no-signature': after((token) => part(token, 2, () => '')),
  'zero-signature': after((token) => part(token, 2, () => b64(Buffer.alloc(256)))),
  'long-signature': after((token) => part(token, 2, (s) => b64(Buffer.concat([Buffer.from(s, 'base64url'), Buffer.from([0])])))),
  'signature-with-a-zero': after((token) => part(token, 2, (s) => b64(Buffer.concat([Buffer.from([0]), Buffer.from(s, 'base64url')])))),
  padded: after((token) => part(token, below(3), (one) => one + '='.repeat((4 - (one.length % 4)) % 4 || 2))),
  'padded-signature': after((token) => `${token}=`),
  'odd-last-character': after((token) => part(token, 2, (one) => one.slice(0, -1) + 'BCDEFGH'[below(7)])),
  'bits-left-over': after((token) => part(token, 2, (one) => { const abc = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'; const last = abc.indexOf(one.at(-1)); return one.length % 4 === 0 ? `${one}=` : one.slice(0, -1) + abc[last ^ 1] })),
  'plain-base64': after((token) => token.replaceAll('-', '+').replaceAll('_', '/')),
  'whitespace-inside': after((token) => { const at = below(token.length); return token.slice(0, at) + pick([' ', '\n', '\t', '\r\n']) + token.slice(at) }),
  'whitespace-around': after((token) => pick([` ${token}`, `${token} `, `${token}\n`, `\t${token}`, `\ufeff${token}`, `${token}\0`])),
  'unicode-dots': after((token) => token.replaceAll('.', pick(['\u2024', '\uff0e', '\u3002']))),
  'unicode-letter': after((token) => token.replace('e', pick(['\u0435', 'é', '\uff45', 'e\u0301']))),
  'bearer-inside': after((token) => `Bearer ${token}`),
  quoted: after((token) => `"${token}"`),
  'percent-encoded': after((token) => token.replaceAll('.', '%2E')),
  doubled: after((token) => token + pick([',', ', ', ' ']) + token),
  giant: (p) => { p.claims.filler = 'x'.repeat(pick([14_000, 20_000, 100_000])) },
  'giant-header': (p) => { p.header.filler = 'x'.repeat(pick([14_000, 20_000])) },
  'giant-nonsense': after(() => 'a'.repeat(pick([20_000, 200_000]))),
  large: (p) => { p.claims.filler = 'x'.repeat(pick([2_000, 8_000])) },
}

// ---- The run

const write = (line) => process.stdout.write(`${JSON.stringify(line)}\n`)

async function verdict(profile, token) {
  try {
    await PROFILES[profile].verifier.verify(token)
    return null
  } catch (error) {
    return `${error.name === 'Error' ? error.constructor.name : error.name}: ${error.message}`.slice(0, 200)
  }
}

async function tell(profile, kinds, round = 0) {
  turn = null
  const parts = good(profile)
  turn = kinds.length === 1 ? round : null
  let token
  try {
    for (const kind of kinds) KINDS[kind](parts)
    token = finished(parts)
  } catch (error) {
    if (kinds.length === 1) throw error
    return // Two changes that don't go together: a signature that such a key can't make.
  }
  write({ profile, kinds, token, refused: await verdict(profile, token) })
}

for (const [profile, { auth }] of Object.entries(PROFILES)) {
  const config = {
    auth: { jwks: JWKS, groupsClaim: 'cognito:groups', tokenSources: ['query'], ...auth },
    dicomweb: true,
    cors: { origins: [], credentials: false },
    logLevel: 'warn',
  }
  write({ profile, now: NOW, config })
}
const kinds = Object.keys(KINDS)
for (const profile of Object.keys(PROFILES)) {
  for (let i = 0; i < 20; i++) await tell(profile, ['good'])
  for (const kind of kinds) for (let i = 0; i < 8; i++) await tell(profile, [kind], i)
  for (let i = 0; i < 150; i++) await tell(profile, [pick(kinds), pick(kinds)])
}
