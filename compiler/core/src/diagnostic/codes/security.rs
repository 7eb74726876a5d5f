//! Findings on who gets what.

codes! {
    "Who gets what"

    AUTH_NONE "auth-none" Warning
    what: "`auth.mode: none` serves every frame to whoever asks."
    why: "Then nothing but the ids in a URL protects the images, and ids are no secrets."
    remedy: "Choose `cognito` or `oidc`, unless the data may be public or is protected otherwise."
    example: "\
service: x
auth: {mode: none}
"
    fixed: "\
service: x
auth:
  mode: cognito
  userPoolId: us-east-1_AbCdEfGhI
"

    INVALID_ALGORITHM "invalid-algorithm" Error
    what: "A signature algorithm that isn't asymmetric, or isn't known."
    why: "With HS256 whoever can verify a token can also make one; `none` isn't a signature at all (RFC 8725, 3.1 and 3.2)."
    remedy: "Take RS or PS with 256, 384 or 512, ES256, ES384 or EdDSA: whichever the issuer signs with."
    example: "\
service: x
auth:
  mode: oidc
  issuer: https://login.example.org
  audience: frames
  algorithms: [HS256]
"
    fixed: "\
service: x
auth:
  mode: oidc
  issuer: https://login.example.org
  audience: frames
  algorithms: [RS256]
"

    JWKS_FILE "jwks-file" Error
    what: "The key set that `auth.jwksFile` names can't be baked in: the file is missing, isn't a JSON Web Key Set (RFC 7517), has no key that the allowed algorithms can use, or holds a private key."
    why: "No token could be verified; a private key would travel in every zip."
    remedy: "Save the document at the issuer's `jwks_uri` beside frames.yml, and name it by its path from there."
    example: "\
service: x
auth:
  mode: cognito
  userPoolId: us-east-1_AbCdEfGhI
  jwksFile: ./jkws.json
"
    fixed: "\
service: x
auth:
  mode: cognito
  userPoolId: us-east-1_AbCdEfGhI
  jwksFile: ./jwks.json
"

    EXPOSED_SECRET "exposed-secret" Error as Online
    what: "A secret value, of an SSM SecureString or of AWS's credentials, in a key that doesn't keep it: an address that is asked, a name, a setting that viewers or other users of the account see."
    why: "`deploy` and the functions ask the issuer's address for keys: whoever answers there would have the secret. Names end up in logs, in URLs and in CloudTrail."
    remedy: "Store what is no secret in a parameter of type String. Secrets may be in what a token is held against (`auth.audience`, `clientIds`, `scopes`, `groups`, `groupsClaim`, `access`, `accessClaims`), in `iam.allow`, in ARNs, in `domain.hostedZoneId`, in `deploy.tags`, and below `resources`."
    example: "\
service: x
auth:
  mode: oidc
  issuer: https://login.example.org/${ssm:/frames/secret}
  audience: frames
"
    fixed: "\
service: x
auth:
  mode: oidc
  issuer: https://login.example.org/tenant
  audience: ${ssm:/frames/secret}
"

    OUTSIDE_FILE "outside-file" Error
    what: "A file that the manifest names, by `${file(…)}` or `auth.jwksFile`, isn't below the manifest's directory once symbolic links are followed."
    why: "A manifest that came from elsewhere could read keys and tokens of yours, and bring them into a template or an address."
    remedy: "Put the file beside the manifest or below. Where you know the manifest, `--allow-outside-files` lets it through."
    example: "\
service: x
auth:
  mode: cognito
  userPoolId: ${file(../pools.yml):prod}
"
    fixed: "\
service: x
auth:
  mode: cognito
  userPoolId: us-east-1_AbCdEfGhI
"

    QUERY_TOKEN "query-token" Warning
    what: "Tokens in the query string end up in browser histories, proxies' logs and referrers (RFC 6750, 5.3)."
    why: "frames removes them before the cache, the origin and its own access logs, but what is before CloudFront is out of its hands."
    remedy: "Leave `query` out where viewers can send a header."
    example: "\
service: x
auth:
  mode: cognito
  userPoolId: us-east-1_AbCdEfGhI
  tokenSources: [authorization, query]
"
    fixed: "\
service: x
auth:
  mode: cognito
  userPoolId: us-east-1_AbCdEfGhI
  tokenSources: [authorization]
"

    IAM_UNRESTRICTED "iam-unrestricted" Warning
    what: "Without `iam.allow` the signer may read every image set of every data store in the account and Region."
    why: "Whoever has a token can then name any of them."
    remedy: "List the data stores that this delivery serves."
    example: "\
service: x
auth:
  mode: cognito
  userPoolId: us-east-1_AbCdEfGhI
"
    fixed: "\
service: x
auth:
  mode: cognito
  userPoolId: us-east-1_AbCdEfGhI
iam:
  allow:
    - datastore: 12345678901234567890123456789012
"

    DUPLICATE_DATASTORE "duplicate-datastore" Error
    what: "Two rows of `iam.allow` name one data store."
    why: "It isn't clear whether the narrower was meant to win."
    remedy: "Put its image sets into one row."
    example: "\
service: x
auth: {mode: none}
iam:
  allow:
    - datastore: 12345678901234567890123456789012
    - datastore: 12345678901234567890123456789012
      imageSets: [aaaabbbbccccddddeeeeffff00001111]
"
    fixed: "\
service: x
auth: {mode: none}
iam:
  allow:
    - datastore: 12345678901234567890123456789012
      imageSets: [aaaabbbbccccddddeeeeffff00001111]
"

    DICOMWEB_NOT_ALLOWED "dicomweb-not-allowed" Warning
    what: "DICOMweb is on, and a row of `iam.allow`, or every row of `auth.access`, lists only image sets: they get native reads, not DICOMweb."
    why: "HealthImaging grants DICOMweb reads by data store, not by image set: AWS refuses DICOMweb requests for that data store. Rows of `auth.access` grant them by data store or study: where every row lists only image sets, every DICOMweb request is answered with 403."
    remedy: "Drop `imageSets` to serve the whole data store by DICOMweb, list `studies` too, or leave `delivery.dicomweb` out."
    example: "\
service: x
auth: {mode: none}
iam:
  allow:
    - datastore: 12345678901234567890123456789012
      imageSets: [aaaabbbbccccddddeeeeffff00001111]
delivery: {dicomweb: true}
"
    fixed: "\
service: x
auth: {mode: none}
iam:
  allow:
    - datastore: 12345678901234567890123456789012
delivery: {dicomweb: true}
"

    ACCESS_BEYOND_ALLOW "access-beyond-allow" Error
    what: "A row of `auth.access` reaches beyond `iam.allow`."
    why: "`auth.access` narrows what `iam.allow` lists. What isn't there is refused to everybody, so the row promises what nobody gets."
    remedy: "Add it to `iam.allow`, or narrow the row."
    example: "\
service: x
auth:
  mode: cognito
  userPoolId: us-east-1_AbCdEfGhI
  access:
    - groups: [cardiology]
      datastore: 12345678901234567890123456789012
iam:
  allow:
    - datastore: abcdefghijabcdefghijabcdefghijab
"
    fixed: "\
service: x
auth:
  mode: cognito
  userPoolId: us-east-1_AbCdEfGhI
  access:
    - groups: [cardiology]
      datastore: 12345678901234567890123456789012
iam:
  allow:
    - datastore: 12345678901234567890123456789012
"

    ACCESS_UNREAD "access-unread" Warning
    what: "`iam.allow` lists a data store that no row of `auth.access` gives to anybody."
    why: "With rows, a token reads only what a row gives. The signer's role may read a data store that nobody may ask for, or a row was forgotten."
    remedy: "Add a row for those who may read it, or remove it from `iam.allow`."
    example: "\
service: x
auth:
  mode: cognito
  userPoolId: us-east-1_AbCdEfGhI
  access:
    - groups: [cardiology]
      datastore: 12345678901234567890123456789012
iam:
  allow:
    - datastore: 12345678901234567890123456789012
    - datastore: abcdefghijabcdefghijabcdefghijab
"
    fixed: "\
service: x
auth:
  mode: cognito
  userPoolId: us-east-1_AbCdEfGhI
  access:
    - groups: [cardiology]
      datastore: 12345678901234567890123456789012
    - groups: [oncology]
      datastore: abcdefghijabcdefghijabcdefghijab
iam:
  allow:
    - datastore: 12345678901234567890123456789012
    - datastore: abcdefghijabcdefghijabcdefghijab
"

    ACCESS_SWALLOWED "access-swallowed" Warning
    what: "A row of `auth.access` gives nobody anything: another row, or several together, give them as much or more."
    why: "Whoever reads the manifest takes the narrow row for a limit. Rows only ever give."
    remedy: "Remove the row, or narrow the other one."
    example: "\
service: x
auth:
  mode: cognito
  userPoolId: us-east-1_AbCdEfGhI
  access:
    - datastore: 12345678901234567890123456789012
    - groups: [cardiology]
      datastore: 12345678901234567890123456789012
      imageSets: [aaaabbbbccccddddeeeeffff00001111]
"
    fixed: "\
service: x
auth:
  mode: cognito
  userPoolId: us-east-1_AbCdEfGhI
  access:
    - groups: [radiology]
      datastore: 12345678901234567890123456789012
    - groups: [cardiology]
      datastore: 12345678901234567890123456789012
      imageSets: [aaaabbbbccccddddeeeeffff00001111]
"

    ACCESS_WRITABLE "access-writable" Warning
    what: "A claim that users may write themselves decides what they may read."
    why: "Cognito lets an app client write the standard attributes of whoever signed in, unless its `WriteAttributes` says otherwise. Whoever writes the claim chooses what it lists, or which groups it names. And whoever signs up may choose the user name, unless only you make users."
    remedy: "Name a claim that only you write: `cognito:groups`, or one that a pre token generation trigger adds. Where no app client may write the attribute, or nobody but you makes users, allow this warning."
    example: "\
service: x
auth:
  mode: cognito
  userPoolId: us-east-1_AbCdEfGhI
  tokenUse: id
  accessClaims:
    studies: profile
delivery: {dicomweb: true}
"
    fixed: "\
service: x
auth:
  mode: cognito
  userPoolId: us-east-1_AbCdEfGhI
  tokenUse: id
  accessClaims:
    studies: imaging.studies
delivery: {dicomweb: true}
"

    AUDIT_RETENTION "audit-retention" Warning
    what: "Audit lines are deleted before six years are over."
    why: "HIPAA wants records of this kind kept for six years (45 CFR 164.316(b)(2)). `logs.functions.retentionDays` decides how long the lines stay, 30 days by default."
    remedy: "Set it to 2192 or more, or keep the lines elsewhere as well, and allow this warning."
    example: "\
service: x
auth: {mode: cognito, userPoolId: us-east-1_AbCdEfGhI}
logs:
  audit: true
"
    fixed: "\
service: x
auth: {mode: cognito, userPoolId: us-east-1_AbCdEfGhI}
logs:
  audit: true
  functions: {retentionDays: 2192}
"

    AUDIT_WRITABLE "audit-writable" Warning
    what: "Users may write all claims of an audit line themselves."
    why: "Cognito lets an app client write the standard attributes of whoever signed in, unless its `WriteAttributes` says otherwise. Whoever changes them is written down as somebody else, and no line tells who it was."
    remedy: "Add `sub` to `logs.auditClaims`: the user pool decides it and never gives it to anybody else. Where no app client may write the attributes, allow this warning."
    example: "\
service: x
auth: {mode: cognito, userPoolId: us-east-1_AbCdEfGhI, tokenUse: id}
logs:
  audit: true
  auditClaims: [email]
  functions: {retentionDays: 2192}
"
    fixed: "\
service: x
auth: {mode: cognito, userPoolId: us-east-1_AbCdEfGhI, tokenUse: id}
logs:
  audit: true
  auditClaims: [sub, email]
  functions: {retentionDays: 2192}
"

    CLAIM_ABSENT "claim-absent" Warning
    what: "The tokens that are taken don't have a claim that the manifest names."
    why: "Cognito's access tokens, which `auth.tokenUse` takes by default, have no attributes of the user: neither `email` nor a `custom:` one. Id tokens have no `username`. Nobody may read anything by a claim that isn't there, and an audit line has `null` for it."
    remedy: "For audit lines, name `sub` or `username`, or take id tokens (`tokenUse: id`). To decide who may read what, go by `cognito:groups`, or by a claim that a pre token generation trigger adds. Where a trigger of event version 2 or later adds this claim to access tokens, allow this warning."
    example: "\
service: x
auth: {mode: cognito, userPoolId: us-east-1_AbCdEfGhI}
logs:
  audit: true
  auditClaims: [sub, email]
  functions: {retentionDays: 2192}
"
    fixed: "\
service: x
auth: {mode: cognito, userPoolId: us-east-1_AbCdEfGhI}
logs:
  audit: true
  auditClaims: [sub, username]
  functions: {retentionDays: 2192}
"

    CORS_CREDENTIALS "cors-credentials" Warning
    what: "`delivery.cors.credentials` stays off while `delivery.cors.origins` is `*`."
    why: "Browsers refuse an answer that allows any origin and credentials at once (Fetch Standard, CORS protocol and credentials), and an endpoint that named every origin in turn would let any page act for its user."
    remedy: "Name the pages that may send credentials. A token in a header needs none."
    example: "\
service: x
auth: {mode: none}
delivery:
  cors: {origins: ['*'], credentials: true}
"
    fixed: "\
service: x
auth: {mode: none}
delivery:
  cors: {origins: ['https://viewer.example.org'], credentials: true}
"

    BROWSER_CACHE "browser-cache" Warning
    what: "`delivery.cache.browser` lets browsers keep images for more than a day."
    why: "A browser shows what it keeps to whoever uses it next, without asking for a token. A day is the longest that an access token of Cognito is good for."
    remedy: "Keep images for a session, not longer; `0s`, the default, keeps none. The edge's cache (`delivery.cache.ttl`) asks for a token every time."
    example: "\
service: x
auth: {mode: cognito, userPoolId: us-east-1_AbCdEfGhI}
delivery: {dicomweb: true, cache: {browser: 30d}}
"
    fixed: "\
service: x
auth: {mode: cognito, userPoolId: us-east-1_AbCdEfGhI}
delivery: {dicomweb: true, cache: {browser: 1h}}
"

    UNSAFE_OVERLAY "unsafe-overlay" Error
    what: "`resources` changes something compiled that isn't there to be tuned, or adds something that isn't among the types, properties and principals that may be added (docs/security.md has both tables)."
    why: "An overlay is merged after all other checks; it is where an endpoint is opened by mistake."
    remedy: "Leave that part out. Where you know better, `--allow-unsafe-overlay` lets it through, and says so at every run."
    example: "\
service: x
auth: {mode: none}
resources:
  cdn:
    Resources:
      Distribution:
        Properties:
          DistributionConfig:
            DefaultCacheBehavior: {ViewerProtocolPolicy: allow-all}
"
    fixed: "\
service: x
auth: {mode: none}
resources:
  cdn:
    Resources:
      Distribution:
        Properties:
          DistributionConfig:
            DefaultCacheBehavior: {ViewerProtocolPolicy: https-only}
"

    INVALID_OVERLAY "invalid-overlay" Error
    what: "With this overlay, CloudFormation would refuse the template: a reference to something that isn't in the stack, a parameter without a default, a key without a value, an id of other characters than letters and digits."
    why: "CloudFormation says so only when the stage before is deployed."
    remedy: "Mend the place; `frames validate --online` asks CloudFormation as well."
    example: "\
service: x
auth: {mode: none}
resources:
  cdn:
    Outputs:
      Domain: {Value: !GetAtt Distributon.DomainName}
"
    fixed: "\
service: x
auth: {mode: none}
resources:
  cdn:
    Outputs:
      Domain: {Value: !GetAtt Distribution.DomainName}
"

    UNSAFE_OVERLAY_ALLOWED "unsafe-overlay-allowed" Warning as AllowUnsafeOverlay
    what: "`resources` opens what the compiled template keeps closed, and `--allow-unsafe-overlay` lets it through."
    why: "Whoever reads the log of a deployment should see what was opened."
    remedy: "Leave that part of the overlay out, and the flag with it."
    example: "\
service: x
auth: {mode: none}
resources:
  cdn:
    Resources:
      Distribution:
        Properties:
          DistributionConfig:
            DefaultCacheBehavior: {ViewerProtocolPolicy: allow-all}
"
    fixed: "\
service: x
auth: {mode: none}
resources:
  cdn:
    Outputs:
      Team: {Value: imaging}
"
}
