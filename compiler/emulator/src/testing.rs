//! A package for tests, whose functions are this test program itself: they do
//! what a header of the request tells them to.

// A function of the tests prints as one of the user's would.
#![allow(clippy::disallowed_macros)]

use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    time::Duration,
};
use tempfile::TempDir;

pub(crate) const NATIVE_HOST: &str = "runtime-medical-imaging.us-east-1.amazonaws.com";

/// The templates and the plan of [`package`], to be changed before they are written.
pub(crate) struct Parts {
    pub plan: Value,
    pub lambda: Value,
    pub cdn: Value,
}

/// Writes a package with two behaviors: `/get-only/*`, and all else.
pub(crate) fn package(change: impl FnOnce(&mut Parts)) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let artifacts: Vec<Value> = ["viewer", "origin"]
        .iter()
        .map(|name| artifact(dir.path(), name))
        .collect();
    let output = |name: &str| json!({"source": "output", "stage": "functions", "output": name});
    let mut parts = Parts {
        plan: json!({"service": "test", "env": "dev", "stages": [
            {"name": "functions", "template": "lambda.json", "parameters": {}, "artifacts": artifacts},
            {"name": "cdn", "template": "cdn.json", "artifacts": [],
             "parameters": {"ViewerArn": output("viewerOut"), "OriginArn": output("originOut")}},
        ]}),
        lambda: json!({
            "Resources": {"viewerFn": resource("viewer"), "originFn": resource("origin"),
                          "viewerV1": version("viewer"), "originV1": version("origin"),
                          "originRole": role()},
            "Outputs": {"viewerOut": {"Value": {"Ref": "viewerV1"}}, "originOut": {"Value": {"Ref": "originV1"}}},
        }),
        cdn: cdn(),
    };
    change(&mut parts);
    for (name, value) in [
        ("plan.json", parts.plan),
        ("lambda.json", parts.lambda),
        ("cdn.json", parts.cdn),
    ] {
        std::fs::write(dir.path().join(name), value.to_string()).unwrap();
    }
    dir
}

fn artifact(dir: &Path, name: &str) -> Value {
    let program = std::env::current_exe().unwrap();
    let script = format!(
        "#!/bin/sh\nexec '{}' --exact testing::function --ignored --nocapture --test-threads=1\n",
        program.display()
    );
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    writer
        .start_file("bootstrap", options.unix_permissions(0o755))
        .unwrap();
    writer.write_all(script.as_bytes()).unwrap();
    let bytes = writer.finish().unwrap().into_inner();
    std::fs::write(dir.join(format!("{name}.zip")), &bytes).unwrap();
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &bytes);
    let sha256: String = digest.as_ref().iter().map(|b| format!("{b:02x}")).collect();
    json!({"function": name, "file": format!("{name}.zip"), "key": format!("k/{name}.zip"), "sha256": sha256})
}

fn resource(name: &str) -> Value {
    json!({"Type": "AWS::Lambda::Function", "Properties": {
        "FunctionName": format!("test-{name}"), "Handler": "index.handler", "Runtime": "python3.13",
        "MemorySize": 128, "Timeout": 2, "Code": {"S3Key": format!("k/{name}.zip")},
        "Role": {"Fn::GetAtt": [format!("{name}Role"), "Arn"]}}})
}

/// It may read everything.
fn role() -> Value {
    let statement = json!([{"Effect": "Allow", "Action": "medical-imaging:*", "Resource": "*"}]);
    json!({"Type": "AWS::IAM::Role", "Properties": {"Policies": [{"PolicyDocument": {"Statement": statement}}]}})
}

fn version(name: &str) -> Value {
    json!({"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": {"Ref": format!("{name}Fn")}}})
}

fn cdn() -> Value {
    let behavior = |pattern: Option<&str>, methods: &[&str]| {
        let mut behavior = json!({
            "TargetOriginId": "o", "AllowedMethods": methods, "CachedMethods": ["GET", "HEAD"],
            "CachePolicyId": {"Ref": "Cache"}, "OriginRequestPolicyId": {"Ref": "Request"},
            "ResponseHeadersPolicyId": {"Ref": "Headers"},
            "LambdaFunctionAssociations": [
                {"EventType": "viewer-request", "IncludeBody": false, "LambdaFunctionARN": {"Ref": "ViewerArn"}},
                {"EventType": "origin-request", "IncludeBody": true, "LambdaFunctionARN": {"Ref": "OriginArn"}},
            ],
        });
        if let Some(pattern) = pattern {
            behavior["PathPattern"] = json!(pattern);
        }
        behavior
    };
    let listed = |section: &str, names: &[&str]| json!({format!("{section}Behavior"): "whitelist", format!("{section}s"): names});
    let none = json!({"CookieBehavior": "none"});
    json!({"Resources": {
        "Distribution": {"Type": "AWS::CloudFront::Distribution", "Properties": {"DistributionConfig": {
            "Origins": [{"Id": "o", "DomainName": NATIVE_HOST,
                         "CustomOriginConfig": {"HTTPSPort": 443, "OriginProtocolPolicy": "https-only"}}],
            "CacheBehaviors": [behavior(Some("/get-only/*"), &["GET", "HEAD"])],
            "DefaultCacheBehavior": behavior(None, &["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"]),
            "CustomErrorResponses": [{"ErrorCode": 404, "ErrorCachingMinTTL": 0}],
        }}},
        "Cache": {"Type": "AWS::CloudFront::CachePolicy", "Properties": {"CachePolicyConfig": {
            "MinTTL": 0, "DefaultTTL": 60, "MaxTTL": 600,
            "ParametersInCacheKeyAndForwardedToOrigin": {
                "EnableAcceptEncodingGzip": false, "EnableAcceptEncodingBrotli": false, "CookiesConfig": none,
                "HeadersConfig": listed("Header", &["Accept"]), "QueryStringsConfig": listed("QueryString", &["set"])}}}},
        "Request": {"Type": "AWS::CloudFront::OriginRequestPolicy", "Properties": {"OriginRequestPolicyConfig": {
            "CookiesConfig": none, "HeadersConfig": listed("Header", &["X-Origin"]),
            "QueryStringsConfig": {"QueryStringBehavior": "none"}}}},
        "Headers": {"Type": "AWS::CloudFront::ResponseHeadersPolicy", "Properties": {"ResponseHeadersPolicyConfig": {
            "SecurityHeadersConfig": {"ContentTypeOptions": {"Override": true}}}}},
    }})
}

/// Not a test: the functions' program. The edge's tests start it, see [`artifact`].
#[test]
#[ignore = "the program of the functions under test"]
fn function() {
    let Ok(api) = std::env::var("AWS_LAMBDA_RUNTIME_API") else {
        return;
    };
    let name = std::env::var("AWS_LAMBDA_FUNCTION_NAME").unwrap();
    let order = if name.ends_with("viewer") {
        "x-viewer"
    } else {
        "x-origin"
    };
    let mut served = 0;
    loop {
        let (id, event) = call(&api, "GET", "invocation/next", "");
        served += 1;
        let request = event["Records"][0]["cf"]["request"].clone();
        let what = request["headers"][order][0]["value"]
            .as_str()
            .unwrap_or("pass")
            .to_owned();
        let (step, result) = act(&what, request, served);
        call(&api, "POST", &format!("invocation/{id}/{step}"), &result);
    }
}

fn act(what: &str, mut request: Value, served: u32) -> (&'static str, String) {
    let answer = |status: &str, cache: &str, body: String| {
        let headers = json!({"cache-control": [{"value": cache}]});
        json!({"status": status, "headers": headers, "body": body}).to_string()
    };
    let result = match what {
        "pass" => request.to_string(),
        "junk" => "{".to_owned(),
        "null" => "null".to_owned(),
        "method" => {
            request["method"] = json!("PUT");
            request.to_string()
        }
        "host" => {
            request["headers"]["host"] = json!([{"value": "other"}]);
            request.to_string()
        }
        "edge-header" => {
            request["headers"]["x-edge-a"] = json!([{"value": "1"}]);
            request.to_string()
        }
        "large" => answer("200", "no-store", "x".repeat(50_000)),
        "event" => answer("200", "no-store", request.to_string()),
        "environment" => {
            let variables: Vec<String> = std::env::vars().map(|(name, _)| name).collect();
            answer("200", "no-store", json!(variables).to_string())
        }
        "root" => answer(
            "200",
            "no-store",
            json!(std::env::var("LAMBDA_TASK_ROOT").unwrap()).to_string(),
        ),
        "who" => answer(
            "200",
            "no-store",
            json!({"pid": std::process::id(), "served": served}).to_string(),
        ),
        "slow" => {
            std::thread::sleep(Duration::from_millis(200));
            answer("200", "no-store", std::process::id().to_string())
        }
        "print" => {
            println!("\u{1b}[2Jprinted\u{202e}");
            answer("200", "no-store", String::new())
        }
        "cookie" => json!({"status": "200", "body": served.to_string(), "headers": {
            "cache-control": [{"value": "max-age=60"}], "set-cookie": [{"value": "session=1"}]}})
        .to_string(),
        "cached" => answer("200", "max-age=60", served.to_string()),
        "tagged" => tagged(&request, "max-age=60", served),
        "expiring" => tagged(&request, "max-age=1", served),
        "replaced" => tagged(&Value::Null, "max-age=60", served),
        "missing" => answer("404", "max-age=0", served.to_string()),
        "hang" => {
            std::thread::sleep(Duration::from_secs(60));
            String::new()
        }
        "crash" => std::process::exit(1),
        _ => {
            return (
                "error",
                json!({"errorType": "Unknown", "errorMessage": "secret-message"}).to_string(),
            );
        }
    };
    ("response", result)
}

/// An object with both validators, or the word that the asker's copy is the latest.
/// Its headers count how often it was asked for.
fn tagged(request: &Value, cache: &str, served: u32) -> String {
    let tag = "\"v1\"";
    let headers = json!({
        "cache-control": [{"value": cache}], "etag": [{"value": tag}],
        "last-modified": [{"value": "Mon, 23 Nov 2026 10:00:00 GMT"}],
        "content-type": [{"value": "image/jph"}], "x-served": [{"value": served.to_string()}],
    });
    if request["headers"]["if-none-match"][0]["value"] == tag {
        json!({"status": "304", "headers": headers}).to_string()
    } else {
        json!({"status": "200", "headers": headers, "body": "0123456789"}).to_string()
    }
}

/// One call of the Runtime API: the invocation's id, and the body.
fn call(api: &str, method: &str, step: &str, body: &str) -> (String, Value) {
    let mut stream = TcpStream::connect(api).unwrap();
    let head = format!(
        "{method} /2018-06-01/runtime/{step} HTTP/1.1\r\nHost: {api}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream
        .write_all(format!("{head}{body}").as_bytes())
        .unwrap();
    let mut reader = BufReader::new(stream);
    let (mut id, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        match line.trim_end().split_once(": ") {
            Some(("lambda-runtime-aws-request-id", value)) => id = value.to_owned(),
            Some(("content-length", value)) => length = value.parse().unwrap(),
            _ if line.trim_end().is_empty() => break,
            _ => {}
        }
    }
    let mut text = vec![0; length];
    reader.read_exact(&mut text).unwrap();
    (id, serde_json::from_slice(&text).unwrap_or_default())
}
