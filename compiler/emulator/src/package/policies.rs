//! CloudFront's three kinds of policy, the template's own and AWS's managed ones.

use super::at::At;
use crate::Error;

/// Which headers, query parameters or cookies a policy names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Selection {
    #[default]
    None,
    Listed(Vec<String>),
    AllExcept(Vec<String>),
    All,
}

/// What goes to the origin, and, in a cache policy, into the key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ForwardPolicy {
    /// Names in lower case.
    pub headers: Selection,
    pub query: Selection,
    pub cookies: Selection,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CachePolicy {
    pub min_ttl: u64,
    pub default_ttl: u64,
    pub max_ttl: u64,
    pub key: ForwardPolicy,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ResponseHeadersPolicy {
    pub cors: Option<Cors>,
    pub security: Vec<SecurityHeader>,
    pub remove: Vec<String>,
    /// How many answers per million get a `Server-Timing`; `None`: not even those that ask for one.
    pub server_timing: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cors {
    pub origins: Vec<String>,
    pub methods: Vec<String>,
    pub headers: Vec<String>,
    pub expose: Vec<String>,
    pub max_age: Option<u64>,
    pub credentials: bool,
    /// The policy's headers take the place of the origin's.
    pub origin_override: bool,
}

/// A header that the policy sets, of its security or custom section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecurityHeader {
    pub name: String,
    pub value: String,
    pub origin_override: bool,
}

impl Selection {
    pub fn has(&self, name: &str) -> bool {
        match self {
            Self::None => false,
            Self::All => true,
            Self::Listed(names) => names.iter().any(|n| n == name),
            Self::AllExcept(names) => !names.iter().any(|n| n == name),
        }
    }
}

/// The cache policy that a behavior's `CachePolicyId` names.
pub(super) fn cache(template: &At<'_>, id: &At<'_>) -> Result<CachePolicy, Error> {
    let Some(logical) = id.reference() else {
        return managed_cache(id);
    };
    let config = template
        .properties(logical, "AWS::CloudFront::CachePolicy")?
        .get("CachePolicyConfig")?;
    let parameters = config.get("ParametersInCacheKeyAndForwardedToOrigin")?;
    for coding in ["EnableAcceptEncodingGzip", "EnableAcceptEncodingBrotli"] {
        let flag = parameters.opt(coding);
        if let Some(flag) = flag
            && flag.flag()?
        {
            return Err(
                flag.error("the local edge does not compress, and so keeps no compressed variants")
            );
        }
    }
    Ok(CachePolicy {
        min_ttl: config.get("MinTTL")?.number()?,
        default_ttl: config.get("DefaultTTL")?.number()?,
        max_ttl: config.get("MaxTTL")?.number()?,
        key: forward(&parameters)?,
    })
}

fn managed_cache(id: &At<'_>) -> Result<CachePolicy, Error> {
    let (min_ttl, default_ttl, max_ttl) = match id.text()? {
        // CachingDisabled
        "4135ea2d-6df8-44a3-9df3-4b5a84be39ad" => (0, 0, 0),
        // CachingOptimized, but for the compression, which isn't modelled.
        "658327ea-f89d-4fab-a63d-7e88639e58f6" => (1, 86_400, 31_536_000),
        _ => return Err(unknown(id, "cache policy")),
    };
    Ok(CachePolicy {
        min_ttl,
        default_ttl,
        max_ttl,
        key: ForwardPolicy::default(),
    })
}

/// The origin request policy that a behavior's `OriginRequestPolicyId` names.
pub(super) fn origin_request(template: &At<'_>, id: &At<'_>) -> Result<ForwardPolicy, Error> {
    if let Some(logical) = id.reference() {
        let policy = template.properties(logical, "AWS::CloudFront::OriginRequestPolicy")?;
        return forward(&policy.get("OriginRequestPolicyConfig")?);
    }
    let headers = match id.text()? {
        // AllViewer
        "216adef6-5c7f-47e4-b989-5492eafa07d3" => Selection::All,
        // AllViewerExceptHostHeader
        "b689b0a8-53d0-40ab-baf2-68738e2966ac" => Selection::AllExcept(vec!["host".to_owned()]),
        _ => return Err(unknown(id, "origin request policy")),
    };
    Ok(ForwardPolicy {
        headers,
        query: Selection::All,
        cookies: Selection::All,
    })
}

fn unknown(id: &At<'_>, kind: &str) -> Error {
    id.error(&format!(
        "this managed {kind} is not one that the local edge knows"
    ))
}

fn forward(config: &At<'_>) -> Result<ForwardPolicy, Error> {
    let mut headers = selection(config, "HeadersConfig", "HeaderBehavior", "Headers")?;
    if let Selection::Listed(names) | Selection::AllExcept(names) = &mut headers {
        for name in names {
            name.make_ascii_lowercase();
        }
    }
    Ok(ForwardPolicy {
        headers,
        query: selection(
            config,
            "QueryStringsConfig",
            "QueryStringBehavior",
            "QueryStrings",
        )?,
        cookies: selection(config, "CookiesConfig", "CookieBehavior", "Cookies")?,
    })
}

fn selection(
    config: &At<'_>,
    section: &str,
    behavior: &str,
    list: &str,
) -> Result<Selection, Error> {
    let section = config.get(section)?;
    let behavior = section.get(behavior)?;
    Ok(match behavior.text()? {
        "none" => Selection::None,
        "all" | "allViewer" => Selection::All,
        "whitelist" => Selection::Listed(section.get(list)?.texts()?),
        "allExcept" => Selection::AllExcept(section.get(list)?.texts()?),
        other => return Err(behavior.error(&format!("the local edge does not model `{other}`"))),
    })
}

/// The response headers policy that a behavior's `ResponseHeadersPolicyId` names.
pub(super) fn response_headers(
    template: &At<'_>,
    id: &At<'_>,
) -> Result<ResponseHeadersPolicy, Error> {
    let Some(logical) = id.reference() else {
        return managed_response_headers(id);
    };
    let config = template
        .properties(logical, "AWS::CloudFront::ResponseHeadersPolicy")?
        .get("ResponseHeadersPolicyConfig")?;
    let mut policy = ResponseHeadersPolicy {
        cors: config.opt("CorsConfig").map(|c| cors(&c)).transpose()?,
        ..Default::default()
    };
    if let Some(section) = config.opt("SecurityHeadersConfig") {
        policy.security = security(&section)?;
    }
    if let Some(section) = config.opt("CustomHeadersConfig") {
        for item in section.get("Items")?.items()? {
            policy.security.push(SecurityHeader {
                name: item.get("Header")?.text()?.to_ascii_lowercase(),
                value: item.get("Value")?.text()?.to_owned(),
                origin_override: item.get("Override")?.flag()?,
            });
        }
    }
    if let Some(section) = config.opt("RemoveHeadersConfig") {
        for item in section.get("Items")?.items()? {
            policy
                .remove
                .push(item.get("Header")?.text()?.to_ascii_lowercase());
        }
    }
    if let Some(section) = config.opt("ServerTimingHeadersConfig") {
        policy.server_timing = server_timing(&section)?;
    }
    Ok(policy)
}

fn server_timing(section: &At<'_>) -> Result<Option<u32>, Error> {
    if !section.get("Enabled")?.flag()? {
        return Ok(None);
    }
    match section.opt("SamplingRate") {
        Some(rate) => rate.percent().map(Some),
        None => Ok(Some(0)),
    }
}

fn managed_response_headers(id: &At<'_>) -> Result<ResponseHeadersPolicy, Error> {
    // CORS-with-preflight-and-SecurityHeadersPolicy
    if id.text()? != "eaab4381-ed33-4a86-88ca-d9558dc6cd63" {
        return Err(unknown(id, "response headers policy"));
    }
    let all = || vec!["*".to_owned()];
    let header = |name: &str, value: &str, origin_override| SecurityHeader {
        name: name.to_owned(),
        value: value.to_owned(),
        origin_override,
    };
    Ok(ResponseHeadersPolicy {
        cors: Some(Cors {
            origins: all(),
            methods: ["GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS"]
                .map(str::to_owned)
                .to_vec(),
            headers: all(),
            expose: all(),
            max_age: None,
            credentials: false,
            origin_override: false,
        }),
        security: vec![
            header("strict-transport-security", "max-age=31536000", false),
            header("x-content-type-options", "nosniff", true),
            header("x-frame-options", "SAMEORIGIN", false),
            header("x-xss-protection", "1; mode=block", false),
            header("referrer-policy", "strict-origin-when-cross-origin", false),
        ],
        remove: Vec::new(),
        server_timing: None,
    })
}

fn cors(config: &At<'_>) -> Result<Cors, Error> {
    let list = |key: &str| match config.opt(key) {
        Some(section) => section.get("Items")?.texts(),
        None => Ok(Vec::new()),
    };
    let mut methods = list("AccessControlAllowMethods")?;
    if methods.iter().any(|m| m == "ALL") {
        methods = ["GET", "DELETE", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]
            .map(str::to_owned)
            .to_vec();
    }
    Ok(Cors {
        origins: list("AccessControlAllowOrigins")?,
        methods,
        headers: list("AccessControlAllowHeaders")?,
        expose: list("AccessControlExposeHeaders")?,
        max_age: config
            .opt("AccessControlMaxAgeSec")
            .map(|n| n.number())
            .transpose()?,
        credentials: config.get("AccessControlAllowCredentials")?.flag()?,
        origin_override: config.get("OriginOverride")?.flag()?,
    })
}

fn security(config: &At<'_>) -> Result<Vec<SecurityHeader>, Error> {
    let mut headers = Vec::new();
    for (key, section) in config.entries()? {
        let (name, value) = match key {
            "StrictTransportSecurity" => ("strict-transport-security", strict_transport(&section)?),
            "ContentTypeOptions" => ("x-content-type-options", "nosniff".to_owned()),
            "FrameOptions" => (
                "x-frame-options",
                section.get("FrameOption")?.text()?.to_owned(),
            ),
            "ReferrerPolicy" => (
                "referrer-policy",
                section.get("ReferrerPolicy")?.text()?.to_owned(),
            ),
            "ContentSecurityPolicy" => (
                "content-security-policy",
                section.get("ContentSecurityPolicy")?.text()?.to_owned(),
            ),
            "XSSProtection" => ("x-xss-protection", xss_protection(&section)?),
            _ => return Err(section.error("the local edge does not know this header")),
        };
        headers.push(SecurityHeader {
            name: name.to_owned(),
            value,
            origin_override: section.get("Override")?.flag()?,
        });
    }
    Ok(headers)
}

fn strict_transport(section: &At<'_>) -> Result<String, Error> {
    let mut value = format!(
        "max-age={}",
        section.get("AccessControlMaxAgeSec")?.number()?
    );
    for (key, directive) in [
        ("IncludeSubdomains", "; includeSubDomains"),
        ("Preload", "; preload"),
    ] {
        if section
            .opt(key)
            .map(|f| f.flag())
            .transpose()?
            .unwrap_or(false)
        {
            value.push_str(directive);
        }
    }
    Ok(value)
}

fn xss_protection(section: &At<'_>) -> Result<String, Error> {
    let flag = |key: &str| section.opt(key).map(|f| f.flag()).transpose();
    Ok(match (flag("Protection")?, flag("ModeBlock")?) {
        (Some(true), Some(true)) => "1; mode=block",
        (Some(true), _) => "1",
        _ => "0",
    }
    .to_owned())
}
