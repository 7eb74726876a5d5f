//! What an endpoint should do: what its stack's template and its authorizer's configuration say, and
//! where neither is known, what every delivery of frames does.

use frames_compiler::plan::Trial;
use frames_edge::{AuthConfig, AuthorizerConfig, TokenSource};
use serde_json::Value;

#[derive(Debug, Clone, Default)]
pub(in crate::commands) struct Expected {
    pub(super) auth: Auth,
    pub(super) tls: Tls,
    /// `None`: not known.
    pub(super) cors: Option<Cors>,
    /// Whether the edge keeps any answer; `None`: not known.
    pub(super) caches: Option<bool>,
    /// `Authorization` isn't read, and the header `token` is.
    pub(super) by_token_header: bool,
    /// Of the behaviors besides the default one; `None`: not known.
    pub(super) paths: Option<Paths>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Paths {
    pub patterns: Vec<String>,
    /// Behaviors whose pattern only CloudFormation can read: an overlay's.
    pub unread: usize,
}

/// Who gets an answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Auth {
    #[default]
    Token,
    /// `auth.mode: none`
    Anybody,
    /// The same, for what `iam.allow` lists.
    AnybodyForListed,
    /// An overlay may have taken the authorizer away, and the user lets it.
    Unguarded,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Tls {
    /// 1.2 or 1.3, or both.
    #[default]
    Newer,
    Both,
    Only13,
    /// CloudFront's own certificate, under which it goes by a policy of its own.
    CloudFronts,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Cors {
    pub origins: Vec<String>,
}

impl Cors {
    pub(super) fn is_any(&self) -> bool {
        self.origins.iter().any(|origin| origin == "*")
    }
}

impl Expected {
    /// Of any address.
    pub(super) fn of_host(host: &str) -> Self {
        let own = host.to_ascii_lowercase().ends_with(".cloudfront.net");
        Self {
            tls: if own { Tls::CloudFronts } else { Tls::Newer },
            ..Self::default()
        }
    }

    /// By the finished template of the distribution's stack.
    #[cfg_attr(not(feature = "aws"), allow(dead_code))]
    pub(in crate::commands) fn of_template(template: &Value) -> Self {
        let resources = template["Resources"].as_object();
        let of_type = |wanted: &'static str| {
            let all = resources.into_iter().flatten().map(|(_, it)| it);
            all.filter(move |it| it["Type"] == wanted)
        };
        let distribution = of_type("AWS::CloudFront::Distribution").next();
        let config = distribution.map(|it| &it["Properties"]["DistributionConfig"]);
        let tls = config.map(|config| tls(&config["ViewerCertificate"]));
        let policies = of_type("AWS::CloudFront::ResponseHeadersPolicy");
        let cors = policies
            .map(|it| cors(&it["Properties"]["ResponseHeadersPolicyConfig"]["CorsConfig"]))
            .next();
        let times: Option<Vec<u64>> = of_type("AWS::CloudFront::CachePolicy")
            .map(|it| it["Properties"]["CachePolicyConfig"]["MaxTTL"].as_u64())
            .collect();
        Self {
            tls: tls.unwrap_or_default(),
            cors: cors.flatten(),
            caches: times.map(|times| times.iter().any(|time| *time > 0)),
            paths: config.map(paths),
            ..Self::default()
        }
    }

    #[cfg_attr(not(feature = "aws"), allow(dead_code))]
    pub(in crate::commands) fn authorized_by(mut self, config: &AuthorizerConfig) -> Self {
        self.auth = match (&config.auth, &config.allow) {
            (Some(_), _) => Auth::Token,
            (None, None) => Auth::Anybody,
            (None, Some(_)) => Auth::AnybodyForListed,
        };
        self.by_token_header = config.auth.as_ref().is_some_and(is_by_token_header);
        self
    }

    /// By what the authorizer was tried with, where its configuration isn't known.
    #[cfg_attr(not(feature = "aws"), allow(dead_code))]
    pub(in crate::commands) fn tried_by(mut self, trial: &Trial) -> Self {
        self.auth = match trial.refuses_with() {
            None => Auth::Anybody,
            Some("403") => Auth::AnybodyForListed,
            Some(_) => Auth::Token,
        };
        self
    }

    /// `--allow-unsafe-overlay`: without it, an open endpoint is wrong whatever its template says.
    #[cfg_attr(not(feature = "aws"), allow(dead_code))]
    pub(in crate::commands) fn or_by_overlay(mut self, template: &Value, allowed: bool) -> Self {
        if allowed && !is_guarded(template) {
            self.auth = Auth::Unguarded;
        }
        self
    }
}

/// Where `Authorization` isn't read, the header `token` may be.
pub(in crate::commands) fn is_by_token_header(auth: &AuthConfig) -> bool {
    let sources = &auth.token_sources;
    !sources.contains(&TokenSource::Authorization) && sources.contains(&TokenSource::Header)
}

/// Whether every behavior has a function at viewer-request.
fn is_guarded(template: &Value) -> bool {
    let resources = template["Resources"].as_object().into_iter().flatten();
    let distributions = resources.filter(|(_, it)| it["Type"] == "AWS::CloudFront::Distribution");
    let mut behaviors = distributions.flat_map(|(_, distribution)| {
        let config = &distribution["Properties"]["DistributionConfig"];
        let others = config["CacheBehaviors"].as_array().into_iter().flatten();
        std::iter::once(&config["DefaultCacheBehavior"]).chain(others)
    });
    behaviors.all(|behavior| {
        let functions = behavior["LambdaFunctionAssociations"].as_array();
        let mut functions = functions.into_iter().flatten();
        functions.any(|function| function["EventType"] == "viewer-request")
    })
}

fn paths(config: &Value) -> Paths {
    let mut paths = Paths::default();
    match &config["CacheBehaviors"] {
        Value::Null => {}
        Value::Array(behaviors) => {
            for behavior in behaviors {
                match behavior["PathPattern"].as_str() {
                    Some(pattern) => paths.patterns.push(pattern.to_owned()),
                    None => paths.unread += 1,
                }
            }
        }
        _ => paths.unread = 1,
    }
    paths
}

fn tls(certificate: &Value) -> Tls {
    if certificate["CloudFrontDefaultCertificate"] == true {
        return Tls::CloudFronts;
    }
    match certificate["MinimumProtocolVersion"].as_str() {
        Some(policy) if policy.starts_with("TLSv1.3") => Tls::Only13,
        Some(policy) if policy.starts_with("TLSv1.2") => Tls::Both,
        _ => Tls::Newer,
    }
}

/// `None`: an overlay has something there that only CloudFormation can read.
fn cors(config: &Value) -> Option<Cors> {
    if config.is_null() {
        return Some(Cors::default());
    }
    let items = config["AccessControlAllowOrigins"]["Items"].as_array()?;
    let origins: Option<Vec<String>> = items
        .iter()
        .map(|origin| origin.as_str().map(str::to_owned))
        .collect();
    Some(Cors { origins: origins? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(config: Value, headers: Value, ttl: Value) -> Expected {
        Expected::of_template(&json!({"Resources": {
            "D": {"Type": "AWS::CloudFront::Distribution", "Properties": {"DistributionConfig": config}},
            "H": {"Type": "AWS::CloudFront::ResponseHeadersPolicy", "Properties": {"ResponseHeadersPolicyConfig": headers}},
            "C": {"Type": "AWS::CloudFront::CachePolicy", "Properties": {"CachePolicyConfig": {"MaxTTL": ttl}}},
        }}))
    }

    #[test]
    fn a_template_says_what_is_expected() {
        let policy = |name: &str| json!({"ViewerCertificate": {"MinimumProtocolVersion": name}});
        let open = json!({"CorsConfig": {"AccessControlAllowOrigins": {"Items": ["*"]}}});
        let found = of(policy("TLSv1.2_2021"), open, json!(0));
        assert_eq!(found.tls, Tls::Both);
        assert!(found.cors.unwrap().is_any());
        assert_eq!(found.caches, Some(false));
        assert_eq!(found.paths, Some(Paths::default()));
        let other =
            json!({"CacheBehaviors": [{"PathPattern": "/a/*"}, {"PathPattern": {"Ref": "P"}}]});
        let found = of(other, json!({}), json!(0));
        let wanted = |patterns: &[&str], unread| {
            let patterns = patterns.iter().map(|it| (*it).to_owned()).collect();
            Some(Paths { patterns, unread })
        };
        assert_eq!(found.paths, wanted(&["/a/*"], 1));
        let chosen = json!({"CacheBehaviors": {"Fn::If": ["A", [], []]}});
        assert_eq!(of(chosen, json!({}), json!(0)).paths, wanted(&[], 1));
        assert_eq!(Expected::of_template(&json!({})).paths, None);
        let found = of(policy("TLSv1.3_2025"), json!({}), json!(60));
        assert_eq!(found.tls, Tls::Only13);
        assert_eq!(found.cors, Some(Cors::default()));
        assert_eq!(found.caches, Some(true));
        let own = json!({"ViewerCertificate": {"CloudFrontDefaultCertificate": true}});
        let later = json!({"CorsConfig": {"AccessControlAllowOrigins": {"Items": [{"Ref": "A"}]}}});
        let found = of(own, later, json!({"Ref": "T"}));
        assert_eq!(found.tls, Tls::CloudFronts);
        assert_eq!((found.cors, found.caches), (None, None));
    }

    #[test]
    fn an_overlay_that_opens_it_has_to_be_let() {
        let of = |functions: Value| {
            let behavior = json!({"LambdaFunctionAssociations": functions});
            json!({"Resources": {"D": {"Type": "AWS::CloudFront::Distribution", "Properties": {
                "DistributionConfig": {"DefaultCacheBehavior": behavior},
            }}}})
        };
        let guarded = of(json!([{"EventType": "origin-request"}, {"EventType": "viewer-request"}]));
        let open = of(json!([{"EventType": "origin-request"}]));
        for (template, allowed, wanted) in [
            (&guarded, true, Auth::Token),
            (&open, false, Auth::Token),
            (&open, true, Auth::Unguarded),
        ] {
            let found = Expected::default().or_by_overlay(template, allowed);
            assert_eq!(found.auth, wanted, "{template}");
        }
    }

    #[test]
    fn a_host_of_cloudfronts_has_its_certificate() {
        assert_eq!(Expected::of_host("D1.CloudFront.net").tls, Tls::CloudFronts);
        assert_eq!(Expected::of_host("a.example.org").tls, Tls::Newer);
    }
}
