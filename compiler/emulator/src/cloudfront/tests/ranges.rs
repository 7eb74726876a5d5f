//! Parts of objects, and viewers that have a copy.

use super::*;
use crate::cloudfront::CacheResult;
use std::time::Duration;

const TAGGED: (&str, &str) = ("x-origin", "tagged");

/// What a viewer has to see of an answer.
fn shown(reply: &Reply) -> (u16, &str, &str, &[u8]) {
    (
        reply.status.as_u16(),
        reply.header("x-cache"),
        reply.header("content-range"),
        &reply.body,
    )
}

#[tokio::test]
async fn a_range_is_cut_from_what_the_cache_holds() {
    let setup = Setup::new().await;
    let range = |range: &'static str| [TAGGED, ("range", range)];
    // Whoever asks first gets what the origin sent: all of it.
    let first = setup.get("/a", &range("bytes=0-3")).await;
    let generated = "LambdaGeneratedResponse from cloudfront";
    assert_eq!(shown(&first), (200, generated, "", &b"0123456789"[..]));
    let hit = "Hit from cloudfront";
    for (asked, said, body) in [
        ("bytes=0-3", "bytes 0-3/10", &b"0123"[..]),
        ("bytes=4-", "bytes 4-9/10", b"456789"),
        ("bytes=-2", "bytes 8-9/10", b"89"),
    ] {
        let part = setup.get("/a", &range(asked)).await;
        assert_eq!(shown(&part), (206, hit, said, body), "{asked}");
        assert!(part.header("age").parse::<u64>().is_ok(), "{asked}");
        assert_eq!(part.header("content-length"), body.len().to_string());
        assert_eq!(part.header("x-content-type-options"), "nosniff", "{asked}");
    }
    let whole = setup.get("/a", &range("bytes=4-5,0-1")).await;
    assert_eq!(shown(&whole), (200, hit, "", &b"0123456789"[..]));
    let several = setup.get("/a", &range("bytes=0-1,4-5")).await;
    assert_eq!(several.status, 206);
    let content_type = several.header("content-type");
    assert!(
        content_type.starts_with("multipart/byteranges; boundary="),
        "{content_type}"
    );
    let behind = setup.get("/a", &range("bytes=10-")).await;
    assert_eq!(
        shown(&behind),
        (416, "Error from cloudfront", "bytes */10", &b""[..])
    );
    // All of it is still there.
    let all = setup.get("/a", &[TAGGED]).await;
    assert_eq!(shown(&all), (200, hit, "", &b"0123456789"[..]));
    assert_eq!(all.header("x-served"), "1");
    let head = setup.send("HEAD", "/a", &range("bytes=0-3"), "").await;
    assert_eq!(shown(&head), (200, hit, "", &b""[..]));
    assert_eq!(head.header("content-length"), "10");
}

#[tokio::test]
async fn a_part_belongs_to_the_version_that_is_named() {
    let setup = Setup::new().await;
    setup.get("/a", &[TAGGED]).await;
    for (version, status) in [("\"v1\"", 206), ("\"v0\"", 200)] {
        let asked = [TAGGED, ("range", "bytes=0-3"), ("if-range", version)];
        assert_eq!(setup.get("/a", &asked).await.status, status, "{version}");
    }
}

#[tokio::test]
async fn a_copy_is_compared_with_what_the_cache_holds() {
    let setup = Setup::new().await;
    setup.get("/a", &[TAGGED]).await;
    for (name, value, status) in [
        ("if-none-match", "\"v1\"", 304),
        ("if-none-match", "\"v0\"", 200),
        ("if-modified-since", "Mon, 23 Nov 2026 10:00:00 GMT", 304),
        ("if-modified-since", "Sun, 22 Nov 2026 10:00:00 GMT", 200),
        ("if-match", "\"v0\"", 412),
    ] {
        for method in ["GET", "HEAD"] {
            let reply = setup.send(method, "/a", &[TAGGED, (name, value)], "").await;
            assert_eq!(reply.status, status, "{method} {name}: {value}");
            assert_eq!(reply.header("etag"), "\"v1\"", "{method} {name}: {value}");
            let age = reply.header("age").parse::<u64>();
            assert!(age.is_ok(), "{method} {name}: {value}");
            let body = if (method, status) == ("GET", 200) {
                10
            } else {
                0
            };
            assert_eq!(reply.body.len(), body, "{method} {name}: {value}");
        }
    }
    // One without a tag has no 304.
    let untagged = [("x-origin", "cached"), ("if-none-match", "*")];
    setup.get("/b", &untagged).await;
    let hit = setup.get("/b", &untagged).await;
    assert_eq!(
        (hit.status.as_u16(), hit.header("x-cache")),
        (200, "Hit from cloudfront")
    );
}

#[tokio::test]
async fn that_a_viewers_copy_is_good_is_not_kept_for_others() {
    let setup = Setup::new().await;
    let asked = [TAGGED, ("if-none-match", "\"v1\"")];
    let mine = setup.get("/a", &asked).await;
    assert_eq!(mine.status, 304, "by the origin");
    let other = setup.get("/a", &[TAGGED]).await;
    assert_eq!(
        (other.status.as_u16(), &other.body[..]),
        (200, &b"0123456789"[..])
    );
    assert_eq!(other.header("x-served"), "2");
}

/// Asks until the object that was kept for a second has expired.
async fn once_expired(setup: &Setup, asked: &[(&str, &str)]) -> Reply {
    for _ in 0..1_000 {
        let reply = setup.get("/a", asked).await;
        if !reply.header("x-cache").starts_with("Hit") {
            return reply;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it never expires");
}

#[tokio::test]
async fn an_expired_object_is_asked_about_and_served_again() {
    let setup = Setup::new().await;
    let expiring = ("x-origin", "expiring");
    setup.get("/a", &[expiring]).await;
    // The cache asks by its own tag, for all of the object.
    let asked = [
        expiring,
        ("if-none-match", "\"mine\""),
        ("range", "bytes=0-3"),
    ];
    let reply = once_expired(&setup, &asked).await;
    let refreshed = "RefreshHit from cloudfront";
    assert_eq!(
        shown(&reply),
        (206, refreshed, "bytes 0-3/10", &b"0123"[..])
    );
    assert_eq!((reply.header("age"), reply.header("x-served")), ("0", "2"));
    let last = setup.requests.lock().unwrap().last().unwrap().cache;
    assert_eq!(last, CacheResult::Refresh);
    let reply = once_expired(&setup, &[expiring, ("if-none-match", "\"v1\"")]).await;
    assert_eq!(shown(&reply), (304, refreshed, "", &b""[..]));
}

#[tokio::test]
async fn an_expired_object_is_replaced_by_a_later_one() {
    let setup = Setup::new().await;
    setup.get("/a", &[("x-origin", "expiring")]).await;
    let reply = once_expired(&setup, &[("x-origin", "replaced"), ("range", "bytes=0-3")]).await;
    assert_eq!((reply.status.as_u16(), reply.body.len()), (200, 10));
    assert_eq!(reply.header("x-served"), "2");
    let next = setup.get("/a", &[("x-origin", "replaced")]).await;
    assert_eq!(next.header("x-served"), "2");
}

#[tokio::test]
async fn the_origins_function_sees_what_part_is_asked_for() {
    let setup = Setup::new().await;
    let asked = [("x-origin", "event"), ("range", "bytes=0-3")];
    let event = setup.get("/a", &asked).await.json();
    assert_eq!(event["headers"]["range"][0]["value"], "bytes=0-3");
    let post = setup.send("POST", "/a", &asked, "x").await.json();
    assert_eq!(post["headers"]["range"], Value::Null);
}
