//! frames.yml's keys, each in one place: checks, suggestions, the JSON Schema
//! and docs/keys.md are read from these tables.

use super::countries::COUNTRIES;
use super::duration::Duration;
use super::field::{Choice, Field, Kind, Table, words};
use super::formats as f;
use super::words::join;
use crate::diagnostic::codes;
use crate::names;
use frames_edge::jose;
use std::collections::HashMap;
use std::sync::OnceLock;

pub(super) static MANIFEST: Table = Table {
    fields: &[
        Field::new("service", Kind::Text(&f::SERVICE),
            "Name of the service. The stacks are `<service>-<env>-lambda-edge` and `<service>-<env>-cdn`; with `delivery.cachedReads` also `<service>-<env>-reads`, and with `deploy.region` outside us-east-1 also `<service>-<env>-logs`.")
            .required().makes("the stacks' names, and the names in them"),
        Field::new("healthImaging", Kind::Table(&HEALTH_IMAGING),
            "Where the AWS HealthImaging data stores are."),
        Field::new("auth", Kind::Table(&AUTH),
            "Who may fetch frames.").required(),
        Field::new("domain", Kind::Table(&DOMAIN),
            "Domain names of your own."),
        Field::new("iam", Kind::Table(&IAM),
            "What the functions' roles may do."),
        Field::new("delivery", Kind::Table(&DELIVERY),
            "What is delivered, and how."),
        Field::new("logs", Kind::Table(&LOGS),
            "What is logged, where, and for how long."),
        Field::new("alarms", Kind::Table(&ALARMS),
            "Alarms in CloudWatch, for failing functions and for 5xx answers. They are in us-east-1, where CloudFront's metrics are: in the cdn stack, or in the logs stack where `deploy.region` is another Region. The reader's own are in the reads stack, where `healthImaging.region` is us-east-1. In another Region there are none of it, since the topic takes no alarms from there, and the alarm on 5xx answers tells."),
        Field::new("deploy", Kind::Table(&DEPLOY),
            "Where and how the stacks are deployed."),
        Field::new("environments", Kind::Environments,
            "Differences by environment: what is below `--env`'s name is merged over the rest. `null` there takes a key of the rest away.")
            .makes("what its keys make"),
        Field::new("resources", Kind::Table(&RESOURCES),
            "What is merged into a stage's CloudFormation template, unless it would open or weaken what is compiled."),
    ],
};

static RESOURCES: Table = Table {
    fields: &[
        Field::new(
            names::LAMBDA_EDGE,
            Kind::Free,
            "Merged into the template of the functions' stack.",
        )
        .makes("any part of the lambda-edge template"),
        Field::new(
            names::READS,
            Kind::Free,
            "Merged into the template of the reader's stack, which is there with `delivery.cachedReads`.",
        )
        .makes("any part of the reads template"),
        Field::new(
            names::CDN,
            Kind::Free,
            "Merged into the template of the distribution's stack.",
        )
        .makes("any part of the cdn template"),
        Field::new(
            names::LOGS,
            Kind::Free,
            "Merged into the template of the stack that has the access logs and alarms where `deploy.region` isn't us-east-1.",
        )
        .makes("any part of the logs template"),
    ],
};

static HEALTH_IMAGING: Table = Table {
    fields: &[
        Field::new(
            "region",
            Kind::Text(&f::REGION),
            "Region of the data stores.",
        )
        .default("us-east-1")
        .unless(&["endpoint"])
        .makes("Distribution `Origins[].DomainName`; signer `region`"),
        Field::new(
            "endpoint",
            Kind::Text(&f::HOST),
            "Host of the native runtime API; overrides `region`.",
        )
        .makes("Distribution `Origins[].DomainName`; signer `region`"),
    ],
};

pub(super) static AUTH: Table = Table {
    fields: &[
        Field::new("mode", words(&["cognito", "oidc", "none"]),
            "`cognito`: tokens of a Cognito user pool. `oidc`: tokens of an OpenID Connect issuer. `none`: no token at all, every frame is public.")
            .required().makes("authorizer `auth`"),
        Field::new("userPoolId", Kind::Text(&f::USER_POOL_ID),
            "The Cognito user pool. Required with mode `cognito`.")
            .modes(COGNITO).makes("authorizer `auth.issuers`"),
        Field::new("clientIds", Kind::List(&Kind::Text(&f::CLIENT_ID)),
            "Clients whose tokens are taken; left out: every client. With mode `cognito`, the pool's app clients; with mode `oidc`, held against `azp`, else `client_id`, `cid`, `appid`, whichever the token has first.")
            .non_empty().modes(TOKENS).makes("authorizer `auth.clientIds`"),
        Field::new("tokenUse", words(&["access", "id", "any"]),
            "Which of Cognito's tokens are taken.")
            .default("access").modes(COGNITO).makes("authorizer `auth.tokenUse`"),
        Field::new("issuer", Kind::OneOrMany(&f::ISSUER),
            "One or several issuers, exactly as the token's `iss` claim spells them, each with its own keys. `https://accounts.google.com` is also taken as Google writes it, without the scheme. Required with mode `oidc`.")
            .non_empty().modes(OIDC).makes("authorizer `auth.issuers`"),
        Field::new("audience", Kind::OneOrMany(&f::AUDIENCE),
            "One or several audiences, one of which must be in the token's `aud` claim. Required with mode `oidc`.")
            .non_empty().modes(OIDC).makes("authorizer `auth.audience`"),
        Field::new("jwksUri", Kind::OneOrMany(&f::HTTPS_URL),
            "Where the issuer's key set is, as many as there are issuers and in their order; left out: found by OpenID Connect Discovery.")
            .non_empty().modes(OIDC).makes("authorizer `auth.issuers[].jwksUri`"),
        Field::new("trustKeysFor", Kind::Duration(Duration { format: &f::DURATION, least: "0s", most: "7d" }),
            "How long after a deployment the key set that it brought is used without asking the issuer. Where a sandbox starts in that time, no token waits for a fetch, and a key that was withdrawn meanwhile still counts. Each deployment brings a new version of the authorizer. `0s`: not at all.")
            .default("0s").modes(TOKENS).makes("authorizer `auth.trustKeysFor`"),
        Field::new("algorithms", Kind::List(&Kind::Choice(Choice {
                words: &jose::NAMES,
                missing: &[(
                    "ES512",
                    "signatures on P-521 aren't verified here; let the issuer sign with one of the others",
                )],
                code: codes::INVALID_ALGORITHM,
            })),
            "Signature algorithms that are taken, RSA keys being of 2048 bits or more.")
            .default("[RS256]").non_empty().modes(OIDC).makes("authorizer `auth.algorithms`"),
        Field::new("scopes", Kind::List(&Kind::Text(&f::SCOPE)),
            "Scopes that must all be in the token.")
            .default("[]").modes(TOKENS).makes("authorizer `auth.scopes`"),
        Field::new("groups", Kind::List(&Kind::Text(&f::GROUP)),
            "Groups, one of which must be in the token.")
            .default("[]").modes(TOKENS).makes("authorizer `auth.groups`"),
        Field::new("groupsClaim", Kind::Text(&f::CLAIM),
            "The claim that holds the groups: a claim by that whole name, else a path of members, as Keycloak's `realm_access.roles`.")
            .default("cognito:groups").default_in(&[("oidc", "groups")]).modes(TOKENS).makes("authorizer `auth.groupsClaim`"),
        Field::new("access", Kind::List(&Kind::Table(&ACCESS)),
            "Who may read what of `iam.allow`, cached or not; left out: whoever passes may read all of it. A search through a data store needs a row for all of it, a search inside a study needs that study or more.")
            .non_empty().modes(TOKENS).makes("authorizer `auth.access`"),
        Field::new("accessClaims", Kind::Table(&ACCESS_CLAIMS),
            "Claims by which a token says itself what it may read: a text or a list of texts. A claim that is named here and isn't in the token reads nothing. With `access`, both have to allow.")
            .modes(TOKENS),
        Field::new("jwksFile", Kind::Text(&f::FILE),
            "A JSON Web Key Set beside frames.yml that is baked into the authorizer: no other key is ever taken, nothing is fetched.")
            .modes(TOKENS).makes("authorizer `auth.jwks`"),
        Field::new("tokenSources", Kind::List(&words(&["authorization", "header", "query"])),
            "Where the token may be: `Authorization: Bearer`, header `token`, query parameter `token` or `access_token` (RFC 6750). Whatever is left out is taken away unread.")
            .default("[authorization, header]").non_empty().modes(TOKENS).makes("authorizer `auth.tokenSources`"),
    ],
};

static ACCESS: Table = Table {
    fields: &[
        Field::new(
            "groups",
            Kind::List(&Kind::Text(&f::GROUP)),
            "Groups, one of which must be in the token's `groupsClaim`; left out: any token will do.",
        )
        .non_empty()
        .makes("authorizer `auth.access.groups`"),
        Field::new(
            "datastore",
            Kind::Text(&f::DATASTORE_ID),
            "A data store's id.",
        )
        .required()
        .makes("authorizer `auth.access.datastores[].datastore`"),
        Field::new(
            "imageSets",
            Kind::List(&Kind::Text(&f::IMAGE_SET_ID)),
            "Image sets of it, for native reads; left out, and no `studies`: all of the data store.",
        )
        .non_empty()
        .makes("authorizer `auth.access.datastores[].imageSets`"),
        Field::new(
            "studies",
            Kind::List(&Kind::Text(&f::STUDY_UID)),
            "Study Instance UIDs, for DICOMweb, searches inside them included; left out, and no `imageSets`: all of the data store.",
        )
        .non_empty()
        .makes("authorizer `auth.access.datastores[].studies`"),
    ],
};

static ACCESS_CLAIMS: Table = Table {
    fields: &[
        Field::new(
            "datastores",
            Kind::Text(&f::CLAIM),
            "The claim with data stores' ids: a claim by that whole name, else a path of members, as `groupsClaim`.",
        )
        .makes("authorizer `auth.accessClaims.datastores`"),
        Field::new(
            "imageSets",
            Kind::Text(&f::CLAIM),
            "The claim with image sets' ids, for native reads.",
        )
        .makes("authorizer `auth.accessClaims.imageSets`"),
        Field::new(
            "studies",
            Kind::Text(&f::CLAIM),
            "The claim with Study Instance UIDs, for DICOMweb.",
        )
        .makes("authorizer `auth.accessClaims.studies`"),
    ],
};

const COGNITO: &[&str] = &["cognito"];
const OIDC: &[&str] = &["oidc"];
const TOKENS: &[&str] = &["cognito", "oidc"];

static DOMAIN: Table = Table {
    fields: &[
        Field::new(
            "cnames",
            Kind::List(&Kind::Text(&f::CNAME)),
            "The distribution's alternate domain names.",
        )
        .makes("Distribution `Aliases`"),
        Field::new(
            "certificateArn",
            Kind::Text(&f::CERTIFICATE_ARN),
            "ACM certificate in us-east-1 that covers the `cnames`. Left out, with a `hostedZoneId`: one is made, and validated by DNS.",
        )
        .makes("Distribution `ViewerCertificate.AcmCertificateArn`; Certificate: there or not"),
        Field::new(
            "hostedZoneId",
            Kind::Text(&f::HOSTED_ZONE_ID),
            "Route 53 hosted zone, by its id, with or without `/hostedzone/` before it. In it, the `cnames` get alias records: A, AAAA, and HTTPS where HTTP/3 is on.",
        )
        .makes("RecordSet `HostedZoneId`, two or three for each name; Certificate `DomainValidationOptions`"),
        Field::new(
            "securityPolicy",
            words(&["TLSv1.2_2021", "TLSv1.2_2025", "TLSv1.3_2025"]),
            "CloudFront's security policy for viewers: the TLS versions and ciphers.",
        )
        .default("TLSv1.2_2021")
        .makes("Distribution `ViewerCertificate.MinimumProtocolVersion`"),
    ],
};

static IAM: Table = Table {
    fields: &[
        Field::new(
            "allow",
            Kind::List(&Kind::Table(&ALLOW)),
            "What the signer may read, and the authorizer lets through, cached or not; left out: every image set of the account.",
        )
        .makes("SignerReadPolicy `PolicyDocument`, the statements; authorizer `allow`"),
        Field::new(
            "path",
            Kind::Text(&f::IAM_PATH),
            "Path of the functions' roles and policies.",
        )
        .default("/")
        .makes("Role `Path`; ManagedPolicy `Path`"),
        Field::new(
            "permissionsBoundaryArn",
            Kind::Text(&f::POLICY_ARN),
            "Permissions boundary of the functions' roles.",
        )
        .makes("Role `PermissionsBoundary`"),
    ],
};

static ALLOW: Table = Table {
    fields: &[
        Field::new(
            "datastore",
            Kind::Text(&f::DATASTORE_ID),
            "A data store's id.",
        )
        .required()
        .makes("SignerReadPolicy `PolicyDocument`, the resources; authorizer `allow[].datastore`"),
        Field::new(
            "imageSets",
            Kind::List(&Kind::Text(&f::IMAGE_SET_ID)),
            "Image sets of it, for native reads; left out: all of them, unless the row has `studies` or `series`.",
        )
        .makes("SignerReadPolicy `PolicyDocument`, the resources; authorizer `allow[].imageSets`"),
        Field::new(
            "studies",
            Kind::List(&Kind::Text(&f::UID)),
            "Study Instance UIDs, for DICOMweb, searches inside them included; left out: all studies, unless the row has `imageSets`.",
        )
        .non_empty()
        .makes("SignerReadPolicy `PolicyDocument`, the conditions; authorizer `allow[].studies`"),
        Field::new(
            "series",
            Kind::List(&Kind::Text(&f::UID)),
            "Series Instance UIDs, for DICOMweb; with `studies` too: those of them that belong to these studies. A study can't be searched for its series then.",
        )
        .non_empty()
        .makes("SignerReadPolicy `PolicyDocument`, the conditions; authorizer `allow[].series`"),
    ],
};

static DELIVERY: Table = Table {
    fields: &[
        Field::new("dicomweb", Kind::Flag,
            "Also serve DICOMweb: searches, and retrievals cached at the edge.")
            .default("false").makes("Distribution `CacheBehaviors`, `Origins`; authorizer `dicomweb`; signer `dicomwebHost`"),
        Field::new("metadata", Kind::Flag,
            "Also serve an image set's metadata, by `getImageSetMetadata`: patient, study, series, instances, and the ids of their frames. `iam.allow` limits it as it limits frames.")
            .default("false").makes("NativeRequestPolicy `QueryStringsConfig`; SignerReadPolicy `PolicyDocument`; authorizer `metadata`; signer `metadata`"),
        Field::new("cachedReads", Kind::Flag,
            "Also serve native reads by GET, cached at the edge: `GET …/getImageFrame?imageFrameId=…`, and with `metadata` also `GET …/getImageSetMetadata`. A function in `healthImaging.region`, the reader, asks HealthImaging; its stage is `reads`.")
            .default("false").makes("the reads stack; SignerInvokePolicy, outputs; ReadsCachePolicy; Distribution `CacheBehaviors`, `Origins`; authorizer `cachedReads`; signer `cachedReads`"),
        Field::new("cache", Kind::Table(&CACHE),
            "How answers are cached. Native reads by POST are kept by neither CloudFront nor a browser."),
        Field::new("cors", Kind::Table(&CORS),
            "Which web pages may read the answers."),
        Field::new("priceClass", words(&["all", "200", "100"]),
            "Which of CloudFront's edge locations serve: `all`, or those of price class 200 or 100.")
            .default("all").makes("Distribution `PriceClass`"),
        Field::new("http3", Kind::Flag,
            "Offer HTTP/3 beside HTTP/2.")
            .default("true").makes("Distribution `HttpVersion`"),
        Field::new("originShield", Kind::Text(&f::REGION),
            "Region of CloudFront's Origin Shield, a cache in front of the origins. The data stores' own Region is best. Left out: none.")
            .makes("Distribution `Origins[].OriginShield`"),
        Field::new("webAcl", words(&["managed", "none"]),
            "`managed`, the default unless there is a `webAclArn`: an AWS WAF web ACL in the lambda-edge stack. It has a rate limit, and AWS's rule groups for common attacks, known bad inputs and addresses with a bad reputation. `none`: no web ACL.")
            .default("managed").unless(&["webAclArn"])
            .makes("WebAcl, WebAclLogGroup, WebAclLogging: there or not; Distribution `WebACLId`"),
        Field::new("webAclArn", Kind::Text(&f::WEB_ACL_ARN),
            "AWS WAF web ACL of your own, of scope CLOUDFRONT, which is in us-east-1.")
            .makes("Distribution `WebACLId`"),
        Field::new("rateLimit", Kind::Count(&f::RATE),
            "Requests within five minutes after which the managed web ACL blocks an address. Many viewers behind one address, as in a hospital, need a high limit.")
            .default("100000").makes("WebAcl `Rules[].Statement.RateBasedStatement.Limit`"),
        Field::new("geo", Kind::Table(&GEO),
            "Countries that are served: either `allow` or `deny`."),
    ],
};

static CACHE: Table = Table {
    fields: &[
        Field::new("ttl", Kind::Duration(Duration { format: &f::DURATION, least: "0s", most: "365d" }),
            "How long an answer stays cached when the origin names no time, and at the longest. `0s`: not at all.")
            .default("1d").makes("DicomwebCachePolicy, ReadsCachePolicy `DefaultTTL`, `MaxTTL`"),
        Field::new("browser", Kind::Duration(Duration { format: &f::DURATION, least: "0s", most: "365d" }),
            "How long a viewer's own cache keeps what it got, counted from when the edge got it. Whoever uses that browser next sees it without a token. `0s`: not at all. Searches are never kept.")
            .default("0s").makes("ResponseHeadersPolicy `CustomHeadersConfig`; SearchHeadersPolicy: there or not; Distribution `CacheBehaviors[].LambdaFunctionAssociations`, the signer at origin-response"),
    ],
};

static CORS: Table = Table {
    fields: &[
        Field::new("origins", Kind::List(&Kind::Text(&f::ORIGIN)),
            "Origins whose pages may read the answers; `*`: any; `https://*.example.org`: any name with one more label; an empty list: none, no CORS header is sent.")
            .default("['*']").makes("ResponseHeadersPolicy `CorsConfig.AccessControlAllowOrigins`; authorizer `cors.origins`"),
        Field::new("credentials", Kind::Flag,
            "Whether those pages may send cookies along; needs named origins.")
            .default("false").makes("ResponseHeadersPolicy `CorsConfig.AccessControlAllowCredentials`; authorizer `cors.credentials`"),
    ],
};

static GEO: Table = Table {
    fields: &[
        Field::new(
            "allow",
            Kind::List(&words(COUNTRIES)),
            "Countries that are served, and no others: ISO 3166-1 alpha-2 codes in upper case.",
        )
        .non_empty()
        .makes("Distribution `Restrictions.GeoRestriction`, `whitelist`"),
        Field::new(
            "deny",
            Kind::List(&words(COUNTRIES)),
            "Countries that aren't served, while all others are.",
        )
        .non_empty()
        .makes("Distribution `Restrictions.GeoRestriction`, `blacklist`"),
    ],
};

static LOGS: Table = Table {
    fields: &[
        Field::new(
            "kmsKeyArn",
            Kind::Text(&f::KEY_ARN),
            "KMS key in us-east-1 that encrypts the logs. Its policy has to let CloudWatch Logs and its delivery use it; frames doesn't change it. Left out: a key of the lambda-edge stack's own. The reader's logs in another Region have a key of their own either way.",
        )
        .makes("LogsKey: there or not; LogGroup `KmsKeyId`; AccessLogs `BucketEncryption`"),
        Field::new(
            "access",
            Kind::Table(&ACCESS_LOGS),
            "CloudFront's access logs, in S3, without query strings, cookies and referrers. They come from us-east-1: with the cdn stack, or with the logs stack where `deploy.region` is another Region.",
        ),
        Field::new(
            "functions",
            Kind::Table(&FUNCTION_LOGS),
            "The functions' own logs, in CloudWatch Logs in the Region nearest the viewer.",
        ),
        Field::new(
            "audit",
            Kind::Flag,
            "Whether the authorizer logs each request that is granted, cached or not: who read what, and when, never the token. Where that can't be written, the request is refused.",
        )
        .default("false")
        .makes("authorizer `auditClaims`"),
        Field::new(
            "auditClaims",
            Kind::List(&Kind::Text(&f::CLAIM)),
            "The claims that name whoever reads, each by its whole name, else by a path of members.",
        )
        .default("[sub]")
        .non_empty()
        .makes("authorizer `auditClaims`"),
    ],
};

static ACCESS_LOGS: Table = Table {
    fields: &[
        Field::new("enabled", Kind::Flag,
            "Whether there are access logs.")
            .default("true").makes("AccessLogsSource, AccessLogsDestination, AccessLogsDelivery, AccessLogs: there or not"),
        Field::new("bucket", Kind::Text(&f::BUCKET),
            "`managed`: a bucket that the stack makes, and that stays when the stack goes. Or the name of a bucket of yours. Its policy has to let delivery.logs.amazonaws.com write; frames doesn't change it.")
            .default("managed").makes("AccessLogs, AccessLogsPolicy; AccessLogsDestination `DestinationResourceArn`"),
        Field::new("format", words(&["json", "parquet"]),
            "How the logs are written.")
            .default("json").makes("AccessLogsDestination `OutputFormat`"),
        Field::new("prefix", Kind::Text(&f::KEY_PREFIX),
            "Where in the bucket: the logs' keys start with it, then follow the distribution's id, year, month, day and hour. There is always one: without it, AWS would put `AWSLogs/<account>/CloudFront/` there.")
            .default("cloudfront/").makes("AccessLogsDestination `DestinationResourceArn`, `Name`"),
        Field::new("retention", Kind::Duration(Duration { format: &f::DAYS, least: "1d", most: "3650d" }),
            "How many days the managed bucket keeps a log.")
            .default("365d").makes("AccessLogs `LifecycleConfiguration.Rules[].ExpirationInDays`"),
        Field::new("objectLock", words(&["none", "governance", "compliance"]),
            "Whether the managed bucket's logs can be deleted before their time: with S3 Object Lock in mode `governance` only by those who have a permission for it, in mode `compliance` by nobody. It stays on once it is on: taken back, it only spares the logs to come.")
            .default("none").makes("AccessLogs `ObjectLockEnabled`, `ObjectLockConfiguration`"),
    ],
};

static FUNCTION_LOGS: Table = Table {
    fields: &[
        Field::new("level", words(&["error", "warn", "info"]),
            "What the functions log. `error`: what the delivery gets wrong, such as keys that can't be fetched. `warn`: refused requests too. `info`: every request.")
            .default("warn").makes("authorizer `logLevel`; signer `logLevel`"),
        Field::new("retentionDays", words(&["1", "3", "5", "7", "14", "30", "60", "90", "120", "150", "180", "365", "400", "545", "731", "1096", "1827", "2192", "2557", "2922", "3288", "3653"]),
            "How many days the functions' log groups keep a line. Those in other Regions come with the first viewer there, and get this with the next deployment that changes something.")
            .default("30").makes("AuthorizerLogGroup `RetentionInDays`; SignerLogGroup `RetentionInDays`"),
    ],
};

static ALARMS: Table = Table {
    fields: &[Field::new(
        "topicArn",
        Kind::Text(&f::TOPIC_ARN),
        "SNS topic in us-east-1 that hears of an alarm, and of its end.",
    )
    .required()
    .makes("Alarms: there or not; Alarm `AlarmActions`, `OKActions`")],
};

static DEPLOY: Table = Table {
    fields: &[
        Field::new("account", Kind::Text(&f::ACCOUNT),
            "The AWS account that this may be deployed to: `deploy`, `diff`, `info`, `remove` and `--online` end with an error before they ask anything of another one. Left out: whichever account the credentials belong to.")
            .makes("plan.json `account`"),
        Field::new("region", Kind::Text(&f::REGION),
            "Home of the cdn stack. The lambda-edge stack is always in us-east-1. With another Region here, access logs and alarms are in a stack of their own, logs, in us-east-1. A deployed stack doesn't move: `frames deploy` refuses a changed Region, and says what to do.")
            .default("us-east-1").makes("plan.json `stages[].region`"),
        Field::new("bucket", Kind::Text(&f::BUCKET),
            "Bucket in us-east-1 that holds the functions' zips: `managed`, or the name of your own. The reader's zip, in another Region, is in a managed bucket there. Takes effect at deploy.")
            .default("managed").makes("plan.json `artifactBucket`"),
        Field::new("tags", Kind::Map { key: &f::TAG_KEY, value: &f::TAG_VALUE },
            "Tags of the stacks, which CloudFormation hands on to their resources. Takes effect at deploy.")
            .default("{}").makes("plan.json `stages[].tags`"),
        Field::new("terminationProtection", Kind::Flag,
            "Whether the stacks refuse to be deleted. Takes effect at deploy.")
            .default("false").makes("plan.json `stages[].terminationProtection`"),
        Field::new("launch", words(&["exec", "child"]),
            "How a function's handler module hands over to the program: `exec` replaces Python by it, and where AWS refuses that, runs it as `child`, which keeps Python and talks to it on loopback.")
            .default("exec").makes("authorizer and signer: in the zip, the file `launch`"),
        Field::new("keep", Kind::Count(&f::KEPT),
            "How many different deployments the artifact bucket keeps for `frames rollback`, the newest first. Takes effect at deploy.")
            .default("10").makes("plan.json `keep`"),
    ],
};

/// Where a key of that name is: `healthImaging.region`, `deploy.region`.
pub(super) fn places_of(key: &str) -> &'static [String] {
    static PLACES: OnceLock<HashMap<&str, Vec<String>>> = OnceLock::new();
    let places = PLACES.get_or_init(|| {
        let mut places = HashMap::new();
        collect(&MANIFEST, "", &mut places);
        places
    });
    places.get(key).map_or(&[], Vec::as_slice)
}

/// Whether the root has this key: others are the user's own.
pub fn is_root_key(key: &str) -> bool {
    MANIFEST.fields.iter().any(|field| field.key == key)
}

/// Every key by its path: `iam.allow[].datastore`.
#[cfg(test)]
pub fn paths() -> Vec<String> {
    let mut places = HashMap::new();
    collect(&MANIFEST, "", &mut places);
    places.into_values().flatten().collect()
}

fn collect(table: &Table, path: &str, places: &mut HashMap<&str, Vec<String>>) {
    for field in table.fields {
        let path = join(path, field.key);
        places.entry(field.key).or_default().push(path.clone());
        match &field.kind {
            Kind::Table(table) => collect(table, &path, places),
            Kind::List(Kind::Table(table)) => collect(table, &format!("{path}[]"), places),
            _ => {}
        }
    }
}
