//! Findings on domains, Regions, endpoints and logs.

codes! {
    "Domains, Regions, endpoints and logs"

    DEFAULT_CERTIFICATE "default-certificate" Warning
    what: "Without `domain` CloudFront lets viewers connect with TLS 1.0."
    why: "The distribution then answers under its cloudfront.net name with CloudFront's own certificate, and CloudFront sets the security policy TLSv1, whatever the template says."
    remedy: "Add `domain` with a name and a certificate of your own: that brings `domain.securityPolicy`, TLS 1.2 or newer."
    example: "\
service: x
auth: {mode: none}
"
    fixed: "\
service: x
auth: {mode: none}
domain:
  cnames: [frames.example.org]
  certificateArn: arn:aws:acm:us-east-1:111122223333:certificate/5f9f2a0e-7d3c-4e0f-9a52-0d6d4f0f9b11
"

    CERTIFICATE_MISSING "certificate-missing" Error
    what: "CNAMEs without a certificate."
    why: "CloudFront answers for a name of yours only with an ACM certificate that covers it."
    remedy: "Add the ARN of an issued ACM certificate in us-east-1; or `domain.hostedZoneId`: then the stacks make one, and validate it by DNS."
    example: "\
service: x
auth: {mode: none}
domain:
  cnames: [frames.example.org]
"
    fixed: "\
service: x
auth: {mode: none}
domain:
  cnames: [frames.example.org]
  certificateArn: arn:aws:acm:us-east-1:111122223333:certificate/5f9f2a0e-7d3c-4e0f-9a52-0d6d4f0f9b11
"

    WRONG_REGION "wrong-region" Error
    what: "A certificate or a web ACL outside us-east-1."
    why: "CloudFront takes them only from us-east-1, wherever the rest of the deployment lives."
    remedy: "Request or import the certificate there; make the web ACL there, with the scope CLOUDFRONT."
    example: "\
service: x
auth: {mode: none}
domain:
  cnames: [frames.example.org]
  certificateArn: arn:aws:acm:eu-west-1:111122223333:certificate/5f9f2a0e-7d3c-4e0f-9a52-0d6d4f0f9b11
"
    fixed: "\
service: x
auth: {mode: none}
domain:
  cnames: [frames.example.org]
  certificateArn: arn:aws:acm:us-east-1:111122223333:certificate/5f9f2a0e-7d3c-4e0f-9a52-0d6d4f0f9b11
"

    WRONG_SCOPE "wrong-scope" Error
    what: "An AWS WAF web ACL of scope REGIONAL."
    why: "Those protect load balancers and APIs. CloudFront takes web ACLs of scope CLOUDFRONT, whose ARNs have `:global/webacl/`."
    remedy: "Name a web ACL of scope CLOUDFRONT."
    example: "\
service: x
auth: {mode: none}
delivery:
  webAclArn: arn:aws:wafv2:us-east-1:111122223333:regional/webacl/frames/5f9f2a0e-7d3c-4e0f-9a52-0d6d4f0f9b11
"
    fixed: "\
service: x
auth: {mode: none}
delivery:
  webAclArn: arn:aws:wafv2:us-east-1:111122223333:global/webacl/frames/5f9f2a0e-7d3c-4e0f-9a52-0d6d4f0f9b11
"

    NOT_HEALTHIMAGING "not-healthimaging" Error
    what: "The endpoint isn't an AWS HealthImaging host."
    why: "The signer signs requests to it with its role's credentials, so no other host is taken."
    remedy: "Write `runtime-medical-imaging.<region>.amazonaws.com`, or only `healthImaging.region`."
    example: "\
service: x
auth: {mode: none}
healthImaging: {endpoint: s3.us-east-1.amazonaws.com}
"
    fixed: "\
service: x
auth: {mode: none}
healthImaging: {region: us-east-1}
"

    ENDPOINT_CONFLICT "endpoint-conflict" Error
    what: "`healthImaging.region` and `healthImaging.endpoint` name different Regions."
    why: "Only one of them can be where the data stores are."
    remedy: "Remove one: the endpoint is enough, and so is the Region."
    example: "\
service: x
auth: {mode: none}
healthImaging:
  region: us-west-2
  endpoint: runtime-medical-imaging.us-east-1.amazonaws.com
"
    fixed: "\
service: x
auth: {mode: none}
healthImaging:
  region: us-west-2
"

    UNKNOWN_REGION "unknown-region" Warning
    what: "A Region in which AWS HealthImaging isn't known to run."
    why: "It may be new; otherwise the endpoint's name doesn't resolve, and every request ends in 502."
    remedy: "Name the Region of the data stores."
    example: "\
service: x
auth: {mode: none}
healthImaging: {region: eu-central-1}
"
    fixed: "\
service: x
auth: {mode: none}
healthImaging: {region: eu-west-1}
"

    ORIGIN_SHIELD_REGION "origin-shield-region" Warning
    what: "A Region in which CloudFront's Origin Shield isn't known to be."
    why: "It may be new; otherwise the deployment is refused."
    remedy: "Choose the data stores' own Region, or the nearest that has it."
    example: "\
service: x
auth: {mode: none}
delivery: {originShield: eu-north-1}
"
    fixed: "\
service: x
auth: {mode: none}
delivery: {originShield: eu-west-1}
"

    LIMIT "limit" Error
    what: "More than AWS takes: of CNAMEs, of characters in a name, a policy or a template."
    why: "AWS would refuse the deployment, some of it only after minutes. The message names the limit."
    remedy: "Remove some of it, or write a wider rule: a data store in the place of its image sets, say."
    example: "\
service: x
auth: {mode: none}
domain:
  cnames: [a-hospital-with-a-name-that-is-too-long-for-a-certificate.imaging.example.org]
  hostedZoneId: Z0123456789ABCDEFGHIJ
"
    fixed: "\
service: x
auth: {mode: none}
domain:
  cnames: [frames.example.org]
  hostedZoneId: Z0123456789ABCDEFGHIJ
"

    CERTIFICATE_QUOTA "certificate-quota" Warning
    what: "More than ten names for one certificate."
    why: "ACM puts ten names into a certificate, unless AWS Support raised your account's quota."
    remedy: "A wildcard covers all names one level below a domain; or name a certificate of your own in `domain.certificateArn`."
    example: "\
service: x
auth: {mode: none}
domain:
  hostedZoneId: Z0123456789ABCDEFGHIJ
  cnames:
    - ct1.example.org
    - ct2.example.org
    - ct3.example.org
    - ct4.example.org
    - ct5.example.org
    - ct6.example.org
    - ct7.example.org
    - ct8.example.org
    - ct9.example.org
    - ct10.example.org
    - ct11.example.org
"
    fixed: "\
service: x
auth: {mode: none}
domain:
  hostedZoneId: Z0123456789ABCDEFGHIJ
  cnames: [ct.example.org, mr.example.org]
"

    ZIP_HEAVY "zip-heavy" Warning as Packaged
    what: "The authorizer's zip has more than 1,000,000 bytes. The ids of `auth.access` and `iam.allow` are in it."
    why: "Lambda@Edge took no more than that at viewer-request before AWS raised the limit. Where the old one still holds, CloudFront refuses the function and goes on with what is deployed. `frames package` and `frames deploy` tell of it, since only they know the zip."
    remedy: "Name whole data stores, or use `auth.accessClaims`, which needs no list of ids. Where AWS takes the zip, allow this warning."
    example: "\
service: x
auth:
  mode: cognito
  userPoolId: us-east-1_AbCdEfGhI
  access:
    - datastore: 12345678901234567890123456789012
      groups: [cardiology]
      imageSets:
        - 11112222333344445555666677778888  # and 10,000 more
iam: {allow: [{datastore: 12345678901234567890123456789012}]}
"
    fixed: "\
service: x
auth:
  mode: cognito
  userPoolId: us-east-1_AbCdEfGhI
  access:
    - datastore: 12345678901234567890123456789012
      groups: [cardiology]
iam: {allow: [{datastore: 12345678901234567890123456789012}]}
"
}
