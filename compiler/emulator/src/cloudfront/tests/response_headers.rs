//! The response headers policy on its way out.

use super::*;

const POLICY: &str = "/Resources/Headers/Properties/ResponseHeadersPolicyConfig";

fn timed(parts: &mut testing::Parts, config: &Value) {
    parts.cdn.pointer_mut(POLICY).unwrap()["ServerTimingHeadersConfig"] = config.clone();
}

#[tokio::test]
async fn server_timing_tells_a_hit_from_a_miss() {
    let setup = Setup::with(|parts| {
        timed(parts, &json!({"Enabled": true, "SamplingRate": 100}));
        parts.cdn.pointer_mut(CONFIG).unwrap()["Origins"][0]["OriginShield"] =
            json!({"Enabled": true, "OriginShieldRegion": "us-east-1"});
    })
    .await;
    let cached = [("x-origin", "cached")];
    for (cache, other) in [
        ("cdn-cache-miss", "cdn-cache-hit"),
        ("cdn-cache-hit", "cdn-cache-miss"),
    ] {
        let reply = setup.get("/a", &cached).await;
        let timing = reply.header("server-timing");
        assert!(
            timing.contains(cache) && !timing.contains(other),
            "{timing}"
        );
        let id = format!("cdn-rid;desc=\"{}\"", reply.header("x-amz-cf-id"));
        assert!(timing.contains(&id), "{timing}");
    }
    // From the origin itself, which refuses what isn't signed.
    let reply = setup.get("/b", &[]).await;
    let timing = reply.header("server-timing");
    assert!(timing.contains("cdn-upstream-fbl;dur="), "{timing}");
    assert!(timing.contains("\"Origin Shield\""), "{timing}");
}

#[tokio::test]
async fn server_timing_is_sampled_and_can_be_asked_for() {
    let asks = [("x-origin", "cached"), ("pragma", "server-timing")];
    for (config, when_asked) in [
        (json!({"Enabled": true, "SamplingRate": 0}), true),
        (json!({"Enabled": true}), true),
        (json!({"Enabled": false, "SamplingRate": 100}), false),
    ] {
        let setup = Setup::with(|parts| timed(parts, &config)).await;
        let silent = setup.get("/a", &asks[..1]).await;
        assert_eq!(silent.header("server-timing"), "", "{config}");
        let asked = setup.get("/a", &asks).await;
        assert_eq!(
            !asked.header("server-timing").is_empty(),
            when_asked,
            "{config}"
        );
    }
}
