//! What is kept, and for whom.

use super::*;
use crate::cloudfront::CacheResult;

#[tokio::test]
async fn what_was_fetched_once_is_a_hit_for_the_same_key() {
    let setup = Setup::new().await;
    let cached = [("x-origin", "cached"), ("accept", "image/jph")];
    let first = setup.get("/a?set=1&token=t1", &cached).await;
    assert_eq!(
        (first.header("x-cache"), &first.body[..]),
        ("LambdaGeneratedResponse from cloudfront", &b"1"[..])
    );
    assert_eq!(first.header("x-content-type-options"), "nosniff");
    let second = setup.get("/a?token=t2&set=1", &cached).await;
    assert_eq!(
        (
            second.header("x-cache"),
            second.header("age"),
            &second.body[..]
        ),
        ("Hit from cloudfront", "0", &b"1"[..])
    );
    let head = setup.send("HEAD", "/a?set=1", &cached, "").await;
    assert_eq!(
        (
            head.header("x-cache"),
            head.header("content-length"),
            head.body.len()
        ),
        ("Hit from cloudfront", "1", 0)
    );
    for (path, accept) in [
        ("/a?set=2", "image/jph"),
        ("/a?set=1", "*/*"),
        ("/b?set=1", "image/jph"),
    ] {
        let other = setup
            .get(path, &[("x-origin", "cached"), ("accept", accept)])
            .await;
        assert_ne!(other.body, "1", "{path} {accept}");
    }
    let post = setup.send("POST", "/a?set=1", &cached, "x").await;
    assert_ne!(post.header("x-cache"), "Hit from cloudfront");
    let caches: Vec<CacheResult> = setup
        .requests
        .lock()
        .unwrap()
        .iter()
        .map(|r| r.cache)
        .collect();
    use CacheResult::{Hit, Miss, None};
    assert_eq!(caches, [Miss, Hit, Hit, Miss, Miss, Miss, None]);
}

#[tokio::test]
async fn what_may_not_be_kept_is_asked_for_again() {
    let setup = Setup::new().await;
    for order in ["missing", "who"] {
        let first = setup.get("/n", &[("x-origin", order)]).await;
        let second = setup.get("/n", &[("x-origin", order)]).await;
        assert_ne!(first.body, second.body, "{order}");
        assert!(!second.header("x-cache").starts_with("Hit"));
    }
}

#[tokio::test]
async fn no_cookie_is_handed_on_where_none_is_forwarded() {
    let setup = Setup::new().await;
    for _ in 0..2 {
        let reply = setup.get("/c", &[("x-origin", "cookie")]).await;
        assert_eq!((reply.status.as_u16(), &reply.body[..]), (200, &b"1"[..]));
        assert_eq!(reply.header("set-cookie"), "");
    }
}
