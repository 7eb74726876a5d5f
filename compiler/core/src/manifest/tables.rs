//! frames.yml's keys, each in one place: checks, suggestions and the JSON
//! Schema are read from these tables.

use super::formats::{self as f, Format};
use crate::diagnostic::codes::{self, Code};

/// A mapping and its keys.
#[derive(Debug)]
pub struct Table {
    pub fields: &'static [Field],
}

#[derive(Debug)]
pub struct Field {
    pub key: &'static str,
    /// One sentence or two, as a tooltip shows them.
    pub doc: &'static str,
    pub kind: Kind,
    pub required: bool,
    /// What holds where the key is left out.
    pub default: Option<&'static str>,
    /// The values of `mode` that use the key; empty: all.
    pub modes: &'static [&'static str],
    /// An empty list would say the opposite of what it looks like.
    pub non_empty: bool,
}

#[derive(Debug)]
pub enum Kind {
    Text(&'static Format),
    Choice(Choice),
    Flag,
    List(&'static Kind),
    /// A text, or a list of them.
    OneOrMany(&'static Format),
    Table(&'static Table),
}

/// A word from a list, and the code of a finding where it is none of them.
#[derive(Debug)]
pub struct Choice {
    pub words: &'static [&'static str],
    pub code: &'static Code,
}

impl Field {
    const fn new(key: &'static str, kind: Kind, doc: &'static str) -> Self {
        Self {
            key,
            doc,
            kind,
            required: false,
            default: None,
            modes: &[],
            non_empty: false,
        }
    }

    const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    const fn default(mut self, text: &'static str) -> Self {
        self.default = Some(text);
        self
    }

    const fn non_empty(mut self) -> Self {
        self.non_empty = true;
        self
    }

    const fn modes(mut self, modes: &'static [&'static str]) -> Self {
        self.modes = modes;
        self
    }
}

const fn words(words: &'static [&'static str]) -> Kind {
    Kind::Choice(Choice {
        words,
        code: codes::INVALID_VALUE,
    })
}

pub static MANIFEST: Table = Table {
    fields: &[
        Field::new("service", Kind::Text(&f::SERVICE),
            "Name of the service. The stacks are `<service>-<env>-lambda-edge` and `<service>-<env>-cdn`.").required(),
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
        Field::new("deploy", Kind::Table(&DEPLOY),
            "Where and how the stacks are deployed."),
    ],
};

pub static HEALTH_IMAGING: Table = Table {
    fields: &[
        Field::new(
            "region",
            Kind::Text(&f::REGION),
            "Region of the data stores.",
        )
        .default("us-east-1"),
        Field::new(
            "endpoint",
            Kind::Text(&f::HOST),
            "Host of the native runtime API; overrides `region`.",
        ),
    ],
};

pub static AUTH: Table = Table {
    fields: &[
        Field::new("mode", words(&["cognito", "oidc", "none"]),
            "`cognito`: tokens of a Cognito user pool. `oidc`: tokens of an OpenID Connect issuer. `none`: no token at all, every frame is public.").required(),
        Field::new("userPoolId", Kind::Text(&f::USER_POOL_ID),
            "The Cognito user pool. Required with mode `cognito`.").modes(COGNITO),
        Field::new("clientIds", Kind::List(&Kind::Text(&f::CLIENT_ID)),
            "App clients whose tokens are taken; left out: every client of the pool.").non_empty().modes(COGNITO),
        Field::new("tokenUse", words(&["access", "id", "any"]),
            "Which of Cognito's tokens are taken.").default("access").modes(COGNITO),
        Field::new("issuer", Kind::Text(&f::ISSUER),
            "The issuer, exactly as the token's `iss` claim spells it. Required with mode `oidc`.").modes(OIDC),
        Field::new("audience", Kind::OneOrMany(&f::AUDIENCE),
            "One or several audiences, one of which must be in the token's `aud` claim. Required with mode `oidc`.").non_empty().modes(OIDC),
        Field::new("jwksUri", Kind::Text(&f::HTTPS_URL),
            "Where the issuer's key set is; left out: found by OpenID Connect Discovery.").modes(OIDC),
        Field::new("algorithms", Kind::List(&Kind::Choice(Choice {
                words: &["RS256", "RS384", "RS512"],
                code: codes::INVALID_ALGORITHM,
            })),
            "Signature algorithms that are taken.").default("[RS256]").non_empty().modes(OIDC),
        Field::new("scopes", Kind::List(&Kind::Text(&f::SCOPE)),
            "Scopes that must all be in the token.").default("[]").modes(TOKENS),
        Field::new("groups", Kind::List(&Kind::Text(&f::GROUP)),
            "Groups, one of which must be in the token.").default("[]").modes(TOKENS),
        Field::new("groupsClaim", Kind::Text(&f::CLAIM),
            "The claim that holds the groups.").default("cognito:groups").modes(TOKENS),
        Field::new("jwksFile", Kind::Text(&f::FILE),
            "A JSON Web Key Set beside frames.yml that is baked into the authorizer: no other key is ever taken, nothing is fetched.").modes(TOKENS),
        Field::new("tokenSources", Kind::List(&words(&["authorization", "header", "query"])),
            "Where the token may stand: `Authorization: Bearer`, header `token`, query parameter `token`.")
            .default("[authorization, header]").non_empty().modes(TOKENS),
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
        ),
        Field::new(
            "certificateArn",
            Kind::Text(&f::CERTIFICATE_ARN),
            "ACM certificate in us-east-1 that covers the `cnames`.",
        ),
        Field::new(
            "hostedZoneId",
            Kind::Text(&f::HOSTED_ZONE_ID),
            "Route 53 hosted zone in which the `cnames` get A and AAAA alias records.",
        ),
        Field::new(
            "securityPolicy",
            words(&["TLSv1.2_2021", "TLSv1.2_2025", "TLSv1.3_2025"]),
            "CloudFront's security policy for viewers: the TLS versions and ciphers.",
        )
        .default("TLSv1.2_2021"),
    ],
};

static IAM: Table = Table {
    fields: &[
        Field::new(
            "allow",
            Kind::List(&Kind::Table(&ALLOW)),
            "What the signer may read; left out: every image set of the account.",
        ),
        Field::new(
            "permissionsBoundaryArn",
            Kind::Text(&f::POLICY_ARN),
            "Permissions boundary of the functions' roles.",
        ),
    ],
};

static ALLOW: Table = Table {
    fields: &[
        Field::new(
            "datastore",
            Kind::Text(&f::DATASTORE_ID),
            "A data store's id.",
        )
        .required(),
        Field::new(
            "imageSets",
            Kind::List(&Kind::Text(&f::IMAGE_SET_ID)),
            "Image sets of it; left out: all of them.",
        ),
    ],
};

static DELIVERY: Table = Table {
    fields: &[Field::new(
        "dicomweb",
        Kind::Flag,
        "Also serve DICOMweb GET paths, cached at the edge.",
    )
    .default("false")],
};

static DEPLOY: Table = Table {
    fields: &[Field::new(
        "region",
        Kind::Text(&f::REGION),
        "Home of the cdn stack; the lambda-edge stack is always in us-east-1.",
    )
    .default("us-east-1")],
};
