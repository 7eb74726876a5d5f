//! The functions at their events, and what becomes of bad ones.

use super::lifetime::is_gone;
use super::*;

#[tokio::test]
async fn nonsense_from_a_function_is_a_502() {
    let setup = Setup::new().await;
    for order in ["junk", "null", "method", "host", "edge-header", "large"] {
        let reply = setup.viewer(order).await;
        assert_eq!(reply.status, 502, "{order}");
        assert_eq!(
            reply.header("x-cache"),
            "LambdaValidationError from cloudfront"
        );
        assert_eq!(reply.header("content-type"), "text/html");
    }
    for order in ["junk", "method", "edge-header"] {
        let reply = setup.get("/a", &[("x-origin", order)]).await;
        assert_eq!(reply.status, 502, "{order}");
    }
    let lines = setup.lines.lock().unwrap();
    assert!(
        lines
            .iter()
            .any(|line| line.contains("`method` is read-only")),
        "{lines:?}"
    );
    assert!(setup.stand_in.seen().is_empty());
}

#[tokio::test]
async fn a_failing_function_is_a_503_and_comes_back() {
    let setup = Setup::new().await;
    let first = setup.viewer("who").await.json();
    let failed = setup.viewer("fail").await;
    assert_eq!(
        (failed.status.as_u16(), failed.header("x-cache")),
        (503, "LambdaExecutionError from cloudfront")
    );
    // A reported error keeps its sandbox; a crash doesn't.
    assert_eq!(setup.viewer("who").await.json()["pid"], first["pid"]);
    assert_eq!(setup.viewer("crash").await.status, 503);
    let third = setup.viewer("who").await.json();
    assert_ne!(third["pid"], first["pid"]);
    assert_eq!(third["served"], 1);
    let lines = setup.lines.lock().unwrap();
    assert!(
        !lines.iter().any(|line| line.contains("secret-message")),
        "{lines:?}"
    );
}

#[tokio::test]
async fn a_hanging_function_is_a_504_and_is_killed() {
    let setup = Setup::with(|parts| {
        parts.lambda["Resources"]["viewerFn"]["Properties"]["Timeout"] = json!(testing::SOON);
    })
    .await;
    let first = setup.viewer("who").await.json();
    assert_eq!(setup.viewer("hang").await.status, 504);
    assert_ne!(setup.viewer("who").await.json()["pid"], first["pid"]);
    assert!(is_gone(&first["pid"]).await);
}

#[tokio::test]
async fn a_function_has_lambdas_environment_and_nothing_more() {
    let setup = Setup::new().await;
    let mut names: Vec<String> =
        serde_json::from_slice(&setup.viewer("environment").await.body).unwrap();
    // The shell that starts the test's program adds these.
    names.retain(|name| !matches!(name.as_str(), "PWD" | "OLDPWD" | "SHLVL" | "_"));
    names.sort();
    let expected = [
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_XRAY_CONTEXT_MISSING",
        "AWS_XRAY_DAEMON_ADDRESS",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
        "LANG",
        "LD_LIBRARY_PATH",
        "PATH",
        "TZ",
        "_HANDLER",
    ];
    assert_eq!(names, expected);
}

#[tokio::test]
async fn invocations_share_four_sandboxes() {
    let setup = Setup::new().await;
    let [a, b, c, d, e, f] = tokio::join!(
        setup.viewer("slow"),
        setup.viewer("slow"),
        setup.viewer("slow"),
        setup.viewer("slow"),
        setup.viewer("slow"),
        setup.viewer("slow")
    )
    .into();
    let mut pids: Vec<Bytes> = [a, b, c, d, e, f]
        .into_iter()
        .map(|reply| reply.body)
        .collect();
    assert!(pids.iter().all(|pid| !pid.is_empty()));
    pids.sort();
    pids.dedup();
    assert!((2..=4).contains(&pids.len()), "{pids:?}");
}

#[tokio::test]
async fn an_unsigned_request_is_refused_at_the_origin() {
    let setup = Setup::new().await;
    setup.stand_in.watch_for("viewers-token");
    let reply = setup
        .send(
            "POST",
            "/p?token=viewers-token",
            &[("authorization", "Bearer viewers-token")],
            "{}",
        )
        .await;
    assert_eq!(reply.status, 403);
    assert_eq!(
        reply.header("x-amzn-errortype"),
        "MissingAuthenticationTokenException"
    );
    assert_eq!(reply.header("x-cache"), "Error from cloudfront");
    let seen = setup.stand_in.seen();
    let [seen] = seen.as_slice() else {
        panic!("{seen:?}")
    };
    assert_eq!(
        (seen.query.as_str(), seen.leaked, seen.host.as_str()),
        ("", false, testing::NATIVE_HOST)
    );
    assert!(seen.header_names.contains(&"x-amz-cf-id".to_owned()));
}

#[tokio::test]
async fn the_origin_event_has_the_body_and_the_forwarded_parts_alone() {
    let setup = Setup::new().await;
    let headers = [
        ("x-origin", "event"),
        ("x-secret", "1"),
        ("accept", "a"),
        ("x-amz-cf-id", "forged"),
    ];
    let event = setup
        .send("POST", "/e?set=1&token=2", &headers, "hello")
        .await
        .json();
    assert_eq!(event["body"]["data"], "aGVsbG8=");
    assert_eq!(event["querystring"], "set=1");
    let names: Vec<&String> = event["headers"].as_object().unwrap().keys().collect();
    assert_eq!(
        names,
        [
            "accept",
            "content-length",
            "host",
            "user-agent",
            "via",
            "x-forwarded-for",
            "x-origin"
        ]
    );
    assert_eq!(event["headers"]["host"][0]["value"], testing::NATIVE_HOST);
    let viewers = setup
        .send("POST", "/e?token=2", &[("x-viewer", "event")], "hello")
        .await
        .json();
    assert_eq!(viewers["querystring"], "token=2");
    assert!(viewers.get("body").is_none() && viewers.get("origin").is_none());
}
