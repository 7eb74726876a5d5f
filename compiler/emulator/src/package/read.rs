//! Follows the package from the distribution to the zips, without running anything:
//! association -> the plan's parameter -> the other stage's output -> version
//! -> function -> artifact.

use super::stages::{PLAN, Stage, output, stages};
use super::{
    Association, Behavior, Distribution, ForwardPolicy, Function, Geo, Origin, Package, at::At,
    function::packaged, notes, policies, reads, role, web_acl,
};
use crate::Error;
use std::{collections::BTreeMap, path::Path, time::Duration};

/// Reads the package in `dir`.
pub fn read(dir: &Path) -> Result<Package, Error> {
    let stages = stages(dir)?;
    let mut found = None;
    for stage in &stages {
        let template = At::root(&stage.file, &stage.template);
        for (id, resource) in template.get("Resources")?.entries()? {
            if resource.get("Type")?.text()? != "AWS::CloudFront::Distribution" {
                continue;
            }
            if found.replace((stage, id)).is_some() {
                return Err(resource.error("a second distribution: the local edge serves one"));
            }
        }
    }
    let (stage, id) = found.ok_or_else(|| {
        Error::new(format!(
            "{}: no stage has a CloudFront distribution",
            dir.join(PLAN).display()
        ))
        .help("run `frames package` again")
    })?;
    let mut functions = BTreeMap::new();
    let distribution = distribution(dir, &stages, stage, id, &mut functions)?;
    let config = At::root(&stage.file, &stage.template)
        .properties(id, "AWS::CloudFront::Distribution")?
        .get("DistributionConfig")?;
    let notes = notes::notes(&stages, &config, distribution.web_acl.as_ref())?;
    let signer = role::signer_statements(&stages, &distribution)?;
    let reader = reads::reader(dir, &stages, &distribution)?;
    Ok(Package {
        distribution,
        functions,
        signer,
        reader,
        notes,
    })
}

fn distribution(
    dir: &Path,
    stages: &[Stage],
    stage: &Stage,
    id: &str,
    functions: &mut BTreeMap<String, Function>,
) -> Result<Distribution, Error> {
    let template = At::root(&stage.file, &stage.template);
    let config = template
        .properties(id, "AWS::CloudFront::Distribution")?
        .get("DistributionConfig")?;
    let mut nodes = match config.opt("CacheBehaviors") {
        Some(behaviors) => behaviors.items()?,
        None => Vec::new(),
    };
    nodes.push(config.get("DefaultCacheBehavior")?);
    let behaviors = nodes
        .iter()
        .map(|node| behavior(dir, stages, stage, node, functions))
        .collect::<Result<Vec<_>, _>>()?;
    let origins = origins(stages, stage, &config)?;
    for (node, behavior) in nodes.iter().zip(&behaviors) {
        if !origins.contains_key(&behavior.origin) {
            return Err(node.get("TargetOriginId")?.error("no origin has this id"));
        }
    }
    // Not read, on purpose: `HttpVersion` and `PriceClass` decide how and from where bytes travel;
    // what a viewer gets is the same with any of them.
    let web_acl = config.opt("WebACLId");
    Ok(Distribution {
        behaviors,
        origins,
        aliases: config.texts_or_empty("Aliases")?,
        geo: geo(&config)?,
        web_acl: web_acl
            .map(|id| web_acl::web_acl(stages, stage, &id))
            .transpose()?,
        error_ttl: error_ttl(&config)?,
    })
}

fn geo(config: &At<'_>) -> Result<Option<Geo>, Error> {
    let Some(restrictions) = config.opt("Restrictions") else {
        return Ok(None);
    };
    let restriction = restrictions.get("GeoRestriction")?;
    let kind = restriction.get("RestrictionType")?;
    let allow = match kind.text()? {
        "none" => return Ok(None),
        "whitelist" => true,
        "blacklist" => false,
        other => return Err(kind.error(&format!("the local edge does not model `{other}`"))),
    };
    let countries = restriction.get("Locations")?.texts()?;
    Ok(Some(Geo { allow, countries }))
}

fn error_ttl(config: &At<'_>) -> Result<BTreeMap<u16, u64>, Error> {
    let Some(responses) = config.opt("CustomErrorResponses") else {
        return Ok(BTreeMap::new());
    };
    let mut ttl = BTreeMap::new();
    for response in responses.items()? {
        if let Some(page) = response.opt("ResponsePagePath") {
            return Err(page.error("the local edge serves no custom error pages"));
        }
        let code = response.get("ErrorCode")?;
        let status = u16::try_from(code.number()?).map_err(|_| code.error("not an HTTP status"))?;
        if let Some(seconds) = response.opt("ErrorCachingMinTTL") {
            ttl.insert(status, seconds.number()?);
        }
    }
    Ok(ttl)
}

fn origins(
    stages: &[Stage],
    stage: &Stage,
    config: &At<'_>,
) -> Result<BTreeMap<String, Origin>, Error> {
    let mut origins = BTreeMap::new();
    for node in config.get("Origins")?.items()? {
        let custom = node.get("CustomOriginConfig")?;
        let protocol = custom.get("OriginProtocolPolicy")?;
        if protocol.text()? != "https-only" {
            return Err(
                protocol.error("the local edge reaches origins by HTTPS only (`https-only`)")
            );
        }
        let port = custom.number_or("HTTPSPort", 443)?;
        let origin = Origin {
            id: node.get("Id")?.text()?.to_owned(),
            domain_name: node.get("DomainName")?.text()?.to_owned(),
            https_port: u16::try_from(port)
                .map_err(|_| custom.error("`HTTPSPort` is not a port"))?,
            path: node.text_or("OriginPath", "")?.to_owned(),
            shielded: is_shielded(&node)?,
            read_timeout: Duration::from_secs(custom.number_or("OriginReadTimeout", 30)?),
            keepalive_timeout: custom.number_or("OriginKeepaliveTimeout", 5)?,
            ssl_protocols: custom.texts_or_empty("OriginSSLProtocols")?,
            custom_headers: custom_headers(stages, stage, &node)?,
        };
        origins.insert(origin.id.clone(), origin);
    }
    Ok(origins)
}

fn custom_headers(
    stages: &[Stage],
    stage: &Stage,
    origin: &At<'_>,
) -> Result<Vec<(String, String)>, Error> {
    let headers = origin.items_or_empty("OriginCustomHeaders")?;
    let headers = headers.iter().map(|header| {
        let name = header.get("HeaderName")?.text()?.to_owned();
        let value = header.get("HeaderValue")?;
        let value = match value.reference() {
            Some(parameter) => reads::host_of(stages, stage, parameter)?,
            None => value.text()?.to_owned(),
        };
        Ok((name, value))
    });
    headers.collect()
}

fn is_shielded(origin: &At<'_>) -> Result<bool, Error> {
    match origin.opt("OriginShield") {
        Some(shield) => shield.get("Enabled")?.flag(),
        None => Ok(false),
    }
}

fn behavior(
    dir: &Path,
    stages: &[Stage],
    stage: &Stage,
    node: &At<'_>,
    functions: &mut BTreeMap<String, Function>,
) -> Result<Behavior, Error> {
    let template = At::root(&stage.file, &stage.template);
    let methods = |key: &str| match node.opt(key) {
        Some(list) => list.texts(),
        None => Ok(vec!["GET".to_owned(), "HEAD".to_owned()]),
    };
    let cache_id = node.get("CachePolicyId")?;
    let mut behavior = Behavior {
        pattern: node
            .opt("PathPattern")
            .map(|p| p.text().map(str::to_owned))
            .transpose()?,
        origin: node.get("TargetOriginId")?.text()?.to_owned(),
        allowed_methods: methods("AllowedMethods")?,
        cached_methods: methods("CachedMethods")?,
        cache: policies::cache(&template, &cache_id)?,
        cache_id: cache_id.value.to_string(),
        origin_request: node.opt("OriginRequestPolicyId").map_or_else(
            || Ok(ForwardPolicy::default()),
            |id| policies::origin_request(&template, &id),
        )?,
        response_headers: node
            .opt("ResponseHeadersPolicyId")
            .map(|id| policies::response_headers(&template, &id))
            .transpose()?,
        viewer_request: None,
        origin_request_function: None,
        origin_response_function: None,
    };
    for association in node.items_or_empty("LambdaFunctionAssociations")? {
        let event = association.get("EventType")?;
        let slot = match event.text()? {
            "viewer-request" => &mut behavior.viewer_request,
            "origin-request" => &mut behavior.origin_request_function,
            "origin-response" => &mut behavior.origin_response_function,
            _ => {
                return Err(event.error(
                    "the local edge runs functions only at viewer-request, origin-request and origin-response",
                ));
            }
        };
        let (logical, function) =
            function(dir, stages, stage, &association.get("LambdaFunctionARN")?)?;
        functions.insert(logical.clone(), function);
        let association = Association {
            function: logical,
            include_body: association.flag_or("IncludeBody", false)?,
        };
        if slot.replace(association).is_some() {
            return Err(event.error("a second function for this event"));
        }
    }
    Ok(behavior)
}

/// From `LambdaFunctionARN` to the function, through the plan and the other stage.
fn function(
    dir: &Path,
    stages: &[Stage],
    stage: &Stage,
    arn: &At<'_>,
) -> Result<(String, Function), Error> {
    let (owner, version) = output(stages, stage, arn.must_refer()?)?;
    let template = At::root(&owner.file, &owner.template);
    let version = version.must_refer()?;
    let version = template.properties(version, "AWS::Lambda::Version")?;
    let logical = version.get("FunctionName")?.must_refer()?;
    let function = packaged(dir, owner, logical, None)?;
    Ok((logical.to_owned(), function))
}
