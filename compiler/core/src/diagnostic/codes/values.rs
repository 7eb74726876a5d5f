//! Findings on keys, values and variables.

codes! {
    "Keys, values and variables"

    UNKNOWN_KEY "unknown-key" Error
    what: "A key that frames.yml doesn't have."
    why: "It would be ignored, and what you meant by it wouldn't happen. What is below it isn't looked at."
    remedy: "Take the key that the finding suggests; docs/keys.md and `frames schema` list them all. Keys of your own at the root begin with `x-`, or are named by a `${self:…}`."
    example: "\
service: x
auth: {mode: none}
delivery:
  dicomWeb: true
"
    fixed: "\
service: x
auth: {mode: none}
delivery:
  dicomweb: true
"

    WRONG_TYPE "wrong-type" Error
    what: "A value of another shape than its key takes: text where a list is due, a mapping where text is due, neither `true` nor `false`."
    why: "frames doesn't guess what was meant. A text with commas is a list only where a variable as a whole brought it. `yes` and `on` are texts in YAML 1.2, as they are everywhere in this file."
    remedy: "Write the shape that the message names."
    example: "\
service: x
auth: {mode: none}
delivery:
  dicomweb: yes
  cors: {origins: https://viewer.example.org}
"
    fixed: "\
service: x
auth: {mode: none}
delivery:
  dicomweb: true
  cors: {origins: [https://viewer.example.org]}
"

    MISSING_KEY "missing-key" Error
    what: "A key without which the manifest says too little."
    why: "`service` and `auth` are always required; `auth.mode` decides what else is. A default would be a guess at what you want to protect."
    remedy: "Add the key."
    example: "\
service: x
auth: {mode: cognito}
"
    fixed: "\
service: x
auth:
  mode: cognito
  userPoolId: us-east-1_AbCdEfGhI
"

    INVALID_VALUE "invalid-value" Error
    what: "A value that isn't of its key's set or pattern: an id, an ARN, a host name, a word from a list."
    why: "AWS would refuse it in the middle of a deployment, or accept it and never serve a frame."
    remedy: "The message says what is expected, the help gives an example or the nearest word."
    example: "\
service: x
auth: {mode: none}
delivery: {dicomweb: true, cache: {ttl: 1 day}}
logs: {functions: {retentionDays: 31}}
"
    fixed: "\
service: x
auth: {mode: none}
delivery: {dicomweb: true, cache: {ttl: 1d}}
logs: {functions: {retentionDays: 30}}
"

    DUPLICATE_VALUE "duplicate-value" Error
    what: "A name is listed twice where it may be listed once."
    why: "CloudFront refuses a CNAME that is listed twice, IAM two tags whose keys differ only in case."
    remedy: "Remove one."
    example: "\
service: x
auth: {mode: none}
delivery: {geo: {allow: [US, CA, US]}}
"
    fixed: "\
service: x
auth: {mode: none}
delivery: {geo: {allow: [US, CA]}}
"

    CONFLICT "conflict" Error
    what: "Values that exclude each other: `delivery.geo` with both `allow` and `deny`, `*` beside named origins in `delivery.cors.origins`, `delivery.webAcl` beside `delivery.webAclArn`, or `auth.scopes` where only id tokens are taken, which have none."
    why: "One of them would silently lose."
    remedy: "Keep the one that you mean."
    example: "\
service: x
auth: {mode: none}
delivery:
  cors: {origins: ['*', 'https://viewer.example.org']}
"
    fixed: "\
service: x
auth: {mode: none}
delivery:
  cors: {origins: ['https://viewer.example.org']}
"

    UNUSED_KEY "unused-key" Error
    what: "A key that has no effect beside the others: one that the chosen `auth.mode` doesn't use, `delivery.cache.ttl` without DICOMweb, `logs.access.retention` for a bucket of your own, `delivery.rateLimit` without the managed web ACL, `resources.logs` where there is no stage `logs`."
    why: "A check that never runs looks like protection."
    remedy: "Remove the key, or change what it depends on."
    example: "\
service: x
auth:
  mode: none
  scopes: [frames/read]
"
    fixed: "\
service: x
auth:
  mode: cognito
  userPoolId: us-east-1_AbCdEfGhI
  scopes: [frames/read]
"

    VARIABLE "variable" Error
    what: "A `${…}` reference without a value: what it names isn't there and no default follows, its source isn't known, it can't be read, or it refers to itself in a ring."
    why: "An empty text in its place would be a wrong name, or an open endpoint."
    remedy: "Sources: `env`, `opt`, `self`, `file`, `frames`, and with AWS `cf`, `ssm` and `aws`; the first two take another Region in parentheses: `${ssm(eu-west-1):/path}`. A default follows a comma: `${env:USER_POOL_ID, 'us-east-1_AbCdEfGhI'}`."
    example: "\
service: ${self:x-names.${frames:env}}
auth: {mode: none}
x-names: {prod: frames}
"
    fixed: "\
service: ${self:x-names.${frames:env}, 'frames-test'}
auth: {mode: none}
x-names: {prod: frames}
"

    UNKNOWN_ENVIRONMENT "unknown-environment" Error as Env("prdo")
    what: "`--env` names an environment that the manifest's `environments` doesn't define."
    why: "A typing error would deploy another pair of stacks, with the base's settings. A manifest without `environments` takes any name: its environments differ in nothing but their names."
    remedy: "Mend the name, or define it: `environments: {prdo: {}}`."
    example: "\
service: x
auth: {mode: none}
environments:
  prod: {deploy: {terminationProtection: true}}
"
    fixed: "\
service: x
auth: {mode: none}
environments:
  prdo: {}
  prod: {deploy: {terminationProtection: true}}
"
}
