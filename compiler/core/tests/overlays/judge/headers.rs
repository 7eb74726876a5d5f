//! The response headers policy.

use super::Verdict;
use super::value::{given, is, literal, number, same, texts};
use serde_json::Value;

pub(super) fn judge(at: &str, new: &Value, old: &Value, verdict: &mut Verdict) {
    verdict.only(at, new, &["ResponseHeadersPolicyConfig"]);
    let of = |properties: &Value| properties["ResponseHeadersPolicyConfig"].clone();
    let (new, old) = (of(new), of(old));
    let known = [
        "Comment",
        "CorsConfig",
        "CustomHeadersConfig",
        "Name",
        "RemoveHeadersConfig",
        "SecurityHeadersConfig",
        "ServerTimingHeadersConfig",
    ];
    verdict.only(at, &new, &known);
    cors(at, &new["CorsConfig"], &old["CorsConfig"], verdict);
    let security = "SecurityHeadersConfig";
    security_headers(at, &new[security], &old[security], verdict);
    custom(at, &new, &old, verdict);
}

/// No page reads more than before.
fn cors(at: &str, new: &Value, old: &Value, verdict: &mut Verdict) {
    if new.is_null() {
        // Without it the origin's own headers reach the page.
        return verdict.unless(old.is_null(), "cors", at, "leaves CORS to the origin");
    }
    if old.is_null() {
        return verdict.open("cors", at, "lets pages read that couldn't");
    }
    let within = |key: &str| {
        let of = |cors: &Value| texts(cors[key].get("Items"));
        matches!((of(new), of(old)), (Some(new), Some(old)) if new.iter().all(|one| old.contains(one)))
    };
    let lists = [
        "AccessControlAllowOrigins",
        "AccessControlAllowMethods",
        "AccessControlAllowHeaders",
        "AccessControlExposeHeaders",
    ];
    for list in lists {
        verdict.unless(within(list), "cors", at, &format!("a wider `{list}`"));
    }
    let credentials = "AccessControlAllowCredentials";
    let fine =
        is(new.get(credentials), "false") || same(new.get(credentials), old.get(credentials));
    verdict.unless(fine, "cors", at, "takes credentials");
    let fine = is(new.get("OriginOverride"), "true");
    verdict.unless(fine, "cors", at, "lets the origin decide");
    let known = [
        &lists[..],
        &[credentials, "AccessControlMaxAgeSec", "OriginOverride"],
    ];
    verdict.only(at, new, &known.concat());
}

fn security_headers(at: &str, new: &Value, old: &Value, verdict: &mut Verdict) {
    let hsts = "StrictTransportSecurity";
    let age = |headers: &Value| number(headers[hsts].get("AccessControlMaxAgeSec"));
    let longer = age(new).is_some() && age(new) >= age(old);
    verdict.unless(
        longer && is(new[hsts].get("Override"), "true"),
        "security-headers",
        at,
        "a shorter HSTS",
    );
    let kept = [
        "ContentSecurityPolicy",
        "ContentTypeOptions",
        "FrameOptions",
        "ReferrerPolicy",
    ];
    verdict.kept("security-headers", at, new, old, &kept);
    let known = [&kept[..], &[hsts, "XSSProtection"]].concat();
    if !new.is_null() {
        verdict.only(at, new, &known);
    }
}

/// What a browser obeys, apart from what only says something.
fn is_obeyed(header: &str) -> bool {
    let header = header.to_lowercase();
    let harmless = header.starts_with("x-")
        || header.starts_with("cross-origin-")
        || header == "permissions-policy";
    let obeyed_all_the_same = [
        "x-content-type-options",
        "x-dns-prefetch-control",
        "x-frame-options",
        "x-permitted-cross-domain-policies",
        "x-xss-protection",
        "x-sourcemap",
    ];
    !harmless || obeyed_all_the_same.contains(&header.as_str())
}

fn custom(at: &str, new: &Value, old: &Value, verdict: &mut Verdict) {
    let items = |config: &Value, part: &str| match config[part].get("Items") {
        None | Some(Value::Null) => Some(vec![]),
        Some(Value::Array(items)) => Some(items.clone()),
        Some(_) => None,
    };
    let part = "CustomHeadersConfig";
    let (Some(set), Some(before)) = (items(new, part), items(old, part)) else {
        return verdict.open("custom-headers", at, "sets headers that can't be told");
    };
    for header in before.iter() {
        let still = set.iter().any(|one| same(Some(one), Some(header)));
        verdict.unless(still, "custom-headers", at, "a header is gone");
    }
    for header in set.iter() {
        let is_new = !before.iter().any(|one| same(Some(one), Some(header)));
        let name = header.get("Header").and_then(literal);
        let obeyed = name.as_deref().is_none_or(is_obeyed);
        verdict.unless(
            !is_new || !obeyed,
            "custom-headers",
            at,
            "sets a header that browsers obey",
        );
    }
    let removed = items(new, "RemoveHeadersConfig").map(|items| {
        let names: Option<Vec<String>> = items
            .iter()
            .map(|item| item.get("Header").and_then(literal))
            .collect();
        names
    });
    let protects = |name: &String| {
        let name = name.to_lowercase();
        is_obeyed(&name) && !["server", "date", "age", "via", "etag"].contains(&name.as_str())
    };
    let fine = removed
        .flatten()
        .is_some_and(|names| !names.iter().any(protects));
    let as_before = same(
        given(new, "RemoveHeadersConfig"),
        given(old, "RemoveHeadersConfig"),
    );
    verdict.unless(
        fine || as_before,
        "custom-headers",
        at,
        "removes a header that browsers obey",
    );
}
