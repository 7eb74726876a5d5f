//! What is delivered, and how.

use super::{Cors, Delivery, Geo, WebAcl, edge_arn, no_duplicates};
use crate::diagnostic::{Diagnostic, codes};
use crate::manifest::{self, Keys, Spanned, Text};

const DAY: u64 = 86_400;

/// Source: "Use Amazon CloudFront Origin Shield", Amazon CloudFront Developer Guide.
const ORIGIN_SHIELD_REGIONS: &[&str] = &[
    "us-east-1",
    "us-east-2",
    "us-west-2",
    "ap-south-1",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "eu-central-1",
    "eu-west-1",
    "eu-west-2",
    "sa-east-1",
    "me-central-1",
];

pub(super) fn check(given: &manifest::Delivery, found: &mut Vec<Diagnostic>) -> Delivery {
    let dicomweb = given.dicomweb.as_ref().is_some_and(|flag| flag.value);
    // The default, written out, claims nothing.
    let claimed = given.cache_ttl.as_ref().filter(|ttl| ttl.value != DAY);
    let cached_reads = given.cached_reads.as_ref().is_some_and(|flag| flag.value);
    let off = !dicomweb
        && !cached_reads
        && !is_unknown(given.dicomweb.is_some(), &given.keys, "dicomweb")
        && !is_unknown(given.cached_reads.is_some(), &given.keys, "cachedReads");
    if let Some(ttl) = claimed.filter(|_| off) {
        found.push(
            Diagnostic::new(
                codes::UNUSED_KEY,
                "delivery.cache.ttl",
                ttl.span,
                "`cache.ttl` has no effect without DICOMweb or cached reads: native reads by POST are never cached",
            )
            .help("remove it, or add `dicomweb: true` or `cachedReads: true`"),
        );
    }
    if let Some(browser) = &given.cache_browser {
        outlives_tokens(browser, found);
    }
    if let Some(region) = &given.origin_shield {
        origin_shield(region, found);
    }
    Delivery {
        dicomweb,
        metadata: given.metadata.as_ref().is_some_and(|flag| flag.value),
        cached_reads,
        cache_ttl: given.cache_ttl.as_ref().map_or(DAY, |ttl| ttl.value),
        cache_browser: given.cache_browser.as_ref().map_or(0, |time| time.value),
        cors: cors(given.cors.as_ref(), found),
        price_class: value(given.price_class.as_ref()).unwrap_or_else(|| "all".to_owned()),
        http3: given.http3.as_ref().is_none_or(|flag| flag.value),
        origin_shield: value(given.origin_shield.as_ref()),
        web_acl: web_acl(given, found),
        geo: given.geo.as_ref().and_then(|geo| countries(geo, found)),
    }
}

/// A key with a finding of its own, or whose variable is open: what depends on it isn't judged.
fn is_unknown(has_value: bool, keys: &Keys, key: &str) -> bool {
    !has_value && keys.has(key)
}

/// A day is the longest that Cognito lets a token be good for.
fn outlives_tokens(browser: &Spanned<u64>, found: &mut Vec<Diagnostic>) {
    if browser.value > DAY {
        found.push(
            Diagnostic::new(
                codes::BROWSER_CACHE,
                "delivery.cache.browser",
                browser.span,
                "browsers keep images for more than a day, and ask for no token again",
            )
            .help("keep them for `1d` at the most, best for no longer than a session"),
        );
    }
}

fn value(text: Option<&Text>) -> Option<String> {
    text.map(|text| text.value.clone())
}

fn origin_shield(region: &Text, found: &mut Vec<Diagnostic>) {
    if ORIGIN_SHIELD_REGIONS.contains(&region.value.as_str()) {
        return;
    }
    let message = format!("Origin Shield isn't known to be in {}", region.value);
    found.push(
        Diagnostic::new(
            codes::ORIGIN_SHIELD_REGION,
            "delivery.originShield",
            region.span,
            message,
        )
        .help(format!("known: {}", ORIGIN_SHIELD_REGIONS.join(", "))),
    );
}

const RATE_LIMIT: u32 = 100_000;

fn web_acl(given: &manifest::Delivery, found: &mut Vec<Diagnostic>) -> WebAcl {
    if let Some(arn) = &given.web_acl_arn {
        web_acl_arn(arn, found);
    }
    if let (Some(word), Some(arn)) = (&given.web_acl, &given.web_acl_arn) {
        found.push(
            Diagnostic::new(
                codes::CONFLICT,
                "delivery.webAcl",
                word.span,
                "a distribution has one web ACL: `webAcl` and `webAclArn` exclude each other",
            )
            .related(arn.span, "`webAclArn` is here")
            .help(
                "keep one: `webAclArn` for one of your own, `webAcl` for the managed one or none",
            ),
        );
    }
    let is_none = given.web_acl.as_ref().is_some_and(|w| w.value == "none");
    let limit = given.rate_limit.as_ref();
    let number = |text: &Text| text.value.parse().unwrap_or(RATE_LIMIT);
    // The default, written out, claims nothing.
    let claimed = limit.filter(|limit| number(limit) != RATE_LIMIT);
    if let Some(limit) = claimed.filter(|_| is_none || given.web_acl_arn.is_some()) {
        found.push(
            Diagnostic::new(
                codes::UNUSED_KEY,
                "delivery.rateLimit",
                limit.span,
                "`rateLimit` has no effect without the managed web ACL",
            )
            .help("remove it, or let frames make the web ACL (`webAcl: managed`)"),
        );
    }
    match &given.web_acl_arn {
        Some(arn) => WebAcl::Arn(arn.value.clone()),
        None if is_none => WebAcl::None,
        None => WebAcl::Managed {
            rate_limit: limit.map_or(RATE_LIMIT, number),
        },
    }
}

fn web_acl_arn(arn: &Text, found: &mut Vec<Diagnostic>) {
    const HELP: &str = "make one in us-east-1, with the scope CLOUDFRONT";
    edge_arn(arn, "delivery.webAclArn", "the web ACL", HELP, found);
    let scope = arn.value.split(':').nth(5).unwrap_or_default();
    if !scope.starts_with("global/") {
        found.push(
            Diagnostic::new(
                codes::WRONG_SCOPE,
                "delivery.webAclArn",
                arn.span,
                "the web ACL has the scope REGIONAL; CloudFront takes those of scope CLOUDFRONT",
            )
            .help("name one whose ARN has `:global/webacl/`"),
        );
    }
}

fn cors(given: Option<&manifest::Cors>, found: &mut Vec<Diagnostic>) -> Cors {
    let any = || vec!["*".to_owned()];
    let Some(given) = given else {
        return Cors {
            origins: any(),
            credentials: false,
        };
    };
    if let Some(origins) = &given.origins {
        no_duplicates(origins, "delivery.cors.origins", found);
        any_alone(origins, found);
    }
    let origins = given.origins.as_deref().map_or_else(any, normalized);
    let credentials = given.credentials.as_ref().filter(|flag| flag.value);
    let credentials =
        credentials.filter(|_| !is_unknown(given.origins.is_some(), &given.keys, "origins"));
    let star = origins.iter().any(|origin| origin == "*");
    if let Some(credentials) = credentials.filter(|_| star || origins.is_empty()) {
        let path = "delivery.cors.credentials";
        found.push(if star {
            Diagnostic::new(
                codes::CORS_CREDENTIALS,
                path,
                credentials.span,
                "browsers refuse credentials together with `*`, so they stay off",
            )
            .help("name the origins that may send them in `cors.origins`")
        } else {
            Diagnostic::new(
                codes::UNUSED_KEY,
                path,
                credentials.span,
                "`cors.credentials` has no effect without `cors.origins`",
            )
            .help("remove it, or name the origins that may send them")
        });
    }
    Cors {
        credentials: credentials.is_some() && !star,
        origins,
    }
}

fn any_alone(origins: &[Text], found: &mut Vec<Diagnostic>) {
    let Some((i, star)) = origins.iter().enumerate().find(|(_, o)| o.value == "*") else {
        return;
    };
    if origins.len() > 1 {
        found.push(
            Diagnostic::new(
                codes::CONFLICT,
                format!("delivery.cors.origins[{i}]"),
                star.span,
                "`*` takes every origin: those beside it have no effect",
            )
            .help("leave `*` out, or write nothing else"),
        );
    }
}

/// As browsers send them: in lower case, without the scheme's own port.
fn normalized(origins: &[Text]) -> Vec<String> {
    let mut all = Vec::new();
    for origin in origins {
        let origin = origin.value.to_ascii_lowercase();
        let own_port = if origin.starts_with("https:") {
            ":443"
        } else {
            ":80"
        };
        let origin = origin.strip_suffix(own_port).unwrap_or(&origin).to_owned();
        if !all.contains(&origin) {
            all.push(origin);
        }
    }
    all
}

fn countries(given: &manifest::Geo, found: &mut Vec<Diagnostic>) -> Option<Geo> {
    match (given.keys.find("allow"), given.keys.find("deny")) {
        (Some(allow), Some(deny)) => found.push(
            Diagnostic::new(
                codes::CONFLICT,
                "delivery.geo.deny",
                deny.span,
                "`geo` takes either `allow` or `deny`, not both",
            )
            .related(allow.span, "`allow` is here")
            .help("keep one: `allow` serves only these countries, `deny` all others"),
        ),
        (None, None) if !given.keys.has("allow") && !given.keys.has("deny") => found.push(
            Diagnostic::new(
                codes::MISSING_KEY,
                "delivery.geo",
                given.span,
                "`geo` has neither `allow` nor `deny`",
            )
            .help("add one of them with its countries, or remove `geo`"),
        ),
        _ => {}
    }
    for (name, list) in [("allow", &given.allow), ("deny", &given.deny)] {
        if let Some(list) = list {
            no_duplicates(list, &format!("delivery.geo.{name}"), found);
        }
    }
    let (allow, list) = match (&given.allow, &given.deny) {
        (Some(list), _) => (true, list),
        (None, Some(list)) => (false, list),
        (None, None) => return None,
    };
    Some(Geo {
        allow,
        countries: list.iter().map(|text| text.value.clone()).collect(),
    })
}

#[cfg(test)]
mod tests {
    use crate::check::WebAcl;
    use crate::check::testing::{checked, findings};

    fn delivery(text: &str) -> String {
        format!("service: x\nauth: {{mode: none}}\ndelivery: {text}\n")
    }

    fn found(text: &str) -> Vec<(String, String)> {
        findings(&delivery(text))
    }

    fn only(text: &str, code: &str, path: &str) {
        let found = found(text);
        assert_eq!(found, [(code.to_owned(), path.to_owned())], "{text}");
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        let delivery = checked(&delivery("{dicomweb: true}")).delivery;
        assert_eq!(delivery.cache_ttl, 86_400);
        assert_eq!(
            (delivery.price_class.as_str(), delivery.http3),
            ("all", true)
        );
        assert_eq!(delivery.cors.origins, ["*"]);
        assert!(!delivery.cors.credentials && delivery.geo.is_none());
    }

    #[test]
    fn a_ttl_is_a_duration_within_bounds_and_of_use() {
        let ttl = |ttl: &str| format!("{{dicomweb: true, cache: {{ttl: {ttl}}}}}");
        for (text, seconds) in [("0s", 0), ("15m", 900), ("365d", 31_536_000)] {
            assert_eq!(checked(&delivery(&ttl(text))).delivery.cache_ttl, seconds);
        }
        for text in ["366d", "999999999d", "30", "1w", "-1s", "[]"] {
            let found = found(&ttl(text));
            assert_eq!(found.len(), 1, "{text}");
            assert_eq!(found[0].1, "delivery.cache.ttl");
        }
        only("{cache: {ttl: 1h}}", "unused-key", "delivery.cache.ttl");
        assert_eq!(found("{cache: {ttl: 1d}}"), []);
    }

    #[test]
    fn browsers_keep_nothing_unless_the_manifest_says_so() {
        let browser = |time: &str| format!("{{cache: {{browser: {time}}}}}");
        assert_eq!(checked(&delivery("{}")).delivery.cache_browser, 0);
        // Without DICOMweb as well: the header is on every answer.
        for (text, seconds) in [("0s", 0), ("1h", 3_600), ("1d", 86_400)] {
            let checked = checked(&delivery(&browser(text)));
            assert_eq!(checked.delivery.cache_browser, seconds);
            assert_eq!(found(&browser(text)), []);
        }
        let path = "delivery.cache.browser";
        only(&browser("25h"), "browser-cache", path);
        only(&browser("365d"), "browser-cache", path);
        only(&browser("366d"), "invalid-value", path);
        only(&browser("60"), "invalid-value", path);
    }

    #[test]
    fn origins_are_as_browsers_send_them() {
        let cors = |cors: &str| {
            checked(&delivery(&format!("{{cors: {cors}}}")))
                .delivery
                .cors
        };
        let given = cors(
            "{origins: ['https://A.example:443', 'https://b.example:8443', 'http://localhost:80', 'http://127.0.0.1:18600'], credentials: true}",
        );
        assert_eq!(
            given.origins,
            [
                "https://a.example",
                "https://b.example:8443",
                "http://localhost",
                "http://127.0.0.1:18600"
            ]
        );
        assert!(given.credentials);
        assert!(cors("{origins: []}").origins.is_empty());
    }

    #[test]
    fn cors_that_says_nothing_or_too_much_is_found() {
        let path = "delivery.cors.credentials";
        only("{cors: {credentials: true}}", "cors-credentials", path);
        only(
            "{cors: {origins: [], credentials: true}}",
            "unused-key",
            path,
        );
        only(
            "{cors: {origins: ['https://a.example', '*']}}",
            "conflict",
            "delivery.cors.origins[1]",
        );
        only(
            "{cors: {origins: ['http://a.example']}}",
            "invalid-value",
            "delivery.cors.origins[0]",
        );
        only(
            "{cors: {origins: ['https://a.example', 'https://A.example']}}",
            "duplicate-value",
            "delivery.cors.origins[1]",
        );
        let any = delivery("{cors: {origins: ['*'], credentials: true}}");
        assert!(!checked(&any).delivery.cors.credentials);
    }

    #[test]
    fn a_web_acl_is_cloudfronts() {
        let acl = |place: &str, scope: &str| {
            format!(
                "{{webAclArn: 'arn:aws:wafv2:{place}:111122223333:{scope}/webacl/frames/5f9f2a0e-7d3c-4e0f-9a52-0d6d4f0f9b11'}}"
            )
        };
        assert_eq!(found(&acl("us-east-1", "global")), []);
        let path = "delivery.webAclArn";
        only(&acl("eu-west-1", "global"), "wrong-region", path);
        only(&acl("us-east-1", "regional"), "wrong-scope", path);
        assert_eq!(found(&acl("eu-west-1", "regional")).len(), 2);
        only("{webAclArn: frames}", "invalid-value", path);
    }

    #[test]
    fn a_web_acl_is_managed_unless_the_manifest_says_otherwise() {
        let acl = |text: &str| checked(&delivery(text)).delivery.web_acl;
        let managed = |rate_limit| WebAcl::Managed { rate_limit };
        assert_eq!(acl("{}"), managed(100_000));
        assert_eq!(acl("{webAcl: managed, rateLimit: 5000}"), managed(5000));
        assert_eq!(acl("{webAcl: none, rateLimit: 100000}"), WebAcl::None);
        let arn = "webAclArn: 'arn:aws:wafv2:us-east-1:111122223333:global/webacl/frames/5f9f2a0e-7d3c-4e0f-9a52-0d6d4f0f9b11'";
        assert!(matches!(acl(&format!("{{{arn}}}")), WebAcl::Arn(_)));
        for word in ["managed", "none"] {
            only(
                &format!("{{webAcl: {word}, {arn}}}"),
                "conflict",
                "delivery.webAcl",
            );
        }
        for without in ["webAcl: none", arn] {
            only(
                &format!("{{rateLimit: 5000, {without}}}"),
                "unused-key",
                "delivery.rateLimit",
            );
        }
        only("{rateLimit: 9}", "invalid-value", "delivery.rateLimit");
    }

    /// What depends on a key that has a finding of its own isn't judged.
    #[test]
    fn nothing_follows_from_a_flawed_key() {
        for (flawed, place) in [
            ("{dicomweb: maybe, cache: {ttl: 2d}}", "delivery.dicomweb"),
            (
                "{cors: {origins: {a: b}, credentials: true}}",
                "delivery.cors.origins",
            ),
        ] {
            only(flawed, "wrong-type", place);
        }
    }

    #[test]
    fn countries_are_allowed_or_denied() {
        let geo = |geo: &str| checked(&delivery(&format!("{{geo: {geo}}}"))).delivery.geo;
        let allowed = geo("{allow: [US, CA]}").unwrap();
        assert!(allowed.allow && allowed.countries == ["US", "CA"]);
        assert!(!geo("{deny: [NO]}").unwrap().allow);
        only(
            "{geo: {allow: [US], deny: [CA]}}",
            "conflict",
            "delivery.geo.deny",
        );
        only("{geo: {}}", "missing-key", "delivery.geo");
        // A misspelt list isn't missed a second time.
        for key in ["alow", "dney"] {
            let geo = format!("{{geo: {{{key}: [US]}}}}");
            only(&geo, "unknown-key", &format!("delivery.geo.{key}"));
        }
        only("{geo: {allow: []}}", "invalid-value", "delivery.geo.allow");
        only(
            "{geo: {allow: [us]}}",
            "invalid-value",
            "delivery.geo.allow[0]",
        );
        only(
            "{geo: {deny: [US, US]}}",
            "duplicate-value",
            "delivery.geo.deny[1]",
        );
    }

    #[test]
    fn words_get_suggestions() {
        only("{priceClass: 300}", "invalid-value", "delivery.priceClass");
        only(
            "{originShield: us-east-3}",
            "origin-shield-region",
            "delivery.originShield",
        );
        only("{httpThree: true}", "unknown-key", "delivery.httpThree");
        assert_eq!(found("{priceClass: 100, originShield: eu-west-1}"), []);
    }
}
