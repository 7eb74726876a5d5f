//! Findings that only AWS can tell of.

codes! {
    "What AWS says"

    NOT_IN_AWS "not-in-aws" Error as Online
    what: "What the manifest names isn't there in AWS: no such user pool, app client, certificate, web ACL or data store in this account and Region."
    why: "The deployment would fail, or serve nothing."
    remedy: "Correct the name, or choose the account with `--profile`. `frames validate --online` and `frames deploy` ask."
    example: "\
service: x
auth:
  mode: cognito
  userPoolId: us-east-1_NoSuchOne
"
    fixed: "\
service: x
auth:
  mode: cognito
  userPoolId: us-east-1_AbCdEfGhI
"

    CERTIFICATE_NOT_ISSUED "certificate-not-issued" Error as Online
    what: "The certificate exists, but can't be used: it waits for its validation, has expired or was revoked."
    why: "CloudFront takes issued certificates only."
    remedy: "Finish the validation in ACM, or name another certificate."
    example: "\
service: x
auth: {mode: none}
domain:
  cnames: [frames.example.org]
  certificateArn: arn:aws:acm:us-east-1:111122223333:certificate/00000000-0000-0000-0000-000000000000
"
    fixed: "\
service: x
auth: {mode: none}
domain:
  cnames: [frames.example.org]
  certificateArn: arn:aws:acm:us-east-1:111122223333:certificate/5f9f2a0e-7d3c-4e0f-9a52-0d6d4f0f9b11
"

    CERTIFICATE_NAMES "certificate-names" Error as Online
    what: "A CNAME that the certificate doesn't cover."
    why: "CloudFront refuses the distribution. A wildcard covers one label: `*.example.org` covers `frames.example.org`, not `ct.frames.example.org`."
    remedy: "Request a certificate that has the name."
    example: "\
service: x
auth: {mode: none}
domain:
  cnames: [ct.frames.example.org]
  certificateArn: arn:aws:acm:us-east-1:111122223333:certificate/5f9f2a0e-7d3c-4e0f-9a52-0d6d4f0f9b11
"
    fixed: "\
service: x
auth: {mode: none}
domain:
  cnames: [frames.example.org]
  certificateArn: arn:aws:acm:us-east-1:111122223333:certificate/5f9f2a0e-7d3c-4e0f-9a52-0d6d4f0f9b11
"

    DATASTORE_NOT_ACTIVE "datastore-not-active" Error as Online
    what: "The data store is being created or deleted, or its creation failed."
    why: "HealthImaging serves nothing from it."
    remedy: "Wait until it is ACTIVE, or name another."
    example: "\
service: x
auth: {mode: none}
iam:
  allow:
    - datastore: 00000000000000000000000000000000
"
    fixed: "\
service: x
auth: {mode: none}
iam:
  allow:
    - datastore: 12345678901234567890123456789012
"

    QUOTA "quota" Warning as Online
    what: "An account has room for 20 of CloudFront's cache policies, origin request policies and response headers policies each, by AWS's default, and with this service there are more."
    why: "The cdn stack would fail at the first policy beyond that, after lambda-edge is deployed. Each service makes one response headers policy and one origin request policy. With `delivery.dicomweb` it makes three origin request policies and a cache policy. With `delivery.cache.browser` as well, it makes a second response headers policy."
    remedy: "Delete policies that no distribution uses, deploy to another account, or ask AWS for more; where AWS has raised the account's quota, go on. `frames validate --online` asks, and the first `frames deploy`; without the permission to list policies nothing is said."
    example: "\
service: x
auth: {mode: none}
delivery: {dicomweb: true}  # with 18 origin request policies of others
"
    fixed: "\
service: x
auth: {mode: none}
delivery: {dicomweb: false}
"

    TEMPLATE_REFUSED "template-refused" Error as Online
    what: "CloudFormation's own validation refuses the template of a stage."
    why: "The deployment would fail at that stage, after the stages before it are deployed."
    remedy: "Mend what CloudFormation names, most likely in the overlay. `frames validate --online` and `frames deploy` ask, before anything is changed."
    example: "\
service: x
auth: {mode: none}
resources:
  cdn:
    Parameters:
      Mine: {Type: Strng, Default: x}
"
    fixed: "\
service: x
auth: {mode: none}
resources:
  cdn:
    Parameters:
      Mine: {Type: String, Default: x}
"

    NOT_ASKED "not-asked" Warning as Online
    what: "AWS couldn't be asked about a value, most often because a permission is missing."
    why: "The value may be right or wrong."
    remedy: "Grant the action that the message names, or go on without knowing."
    example: "\
service: x
auth: {mode: none}
delivery:
  webAclArn: arn:aws:wafv2:us-east-1:111122223333:global/webacl/hidden/5f9f2a0e-7d3c-4e0f-9a52-0d6d4f0f9b11
"
    fixed: "\
service: x
auth: {mode: none}
delivery:
  webAclArn: arn:aws:wafv2:us-east-1:111122223333:global/webacl/frames/5f9f2a0e-7d3c-4e0f-9a52-0d6d4f0f9b11
"
}
