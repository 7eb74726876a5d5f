//! A package for tests, whose functions are this test program itself: they do
//! what a header of the request tells them to.

// A function of the tests prints as one of the user's would.
#![allow(clippy::disallowed_macros)]

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    time::Duration,
};
use tempfile::TempDir;

pub(crate) const NATIVE_HOST: &str = "runtime-medical-imaging.us-east-1.amazonaws.com";

/// The functions' `Timeout`: seconds that no answer takes, however busy the machine is.
pub(crate) const TIMEOUT: u64 = 60;

/// The same of one that hangs. The invocation before it still has to be in time.
pub(crate) const SOON: u64 = 10;

/// The templates and the plan of [`package`], to be changed before they are written.
pub(crate) struct Parts {
    pub plan: Value,
    pub lambda: Value,
    pub cdn: Value,
    /// Of the stage with the function behind a URL, where there is one.
    pub reads: Option<Value>,
    artifact: Value,
}

impl Parts {
    /// Adds that stage: its function is called by the role that signs.
    pub(crate) fn read_by_url(&mut self) {
        let output =
            |stage: &str, name: &str| json!({"source": "output", "stage": stage, "output": name});
        let stage = json!({"name": "reads", "template": "reads.json", "region": "us-west-2", "artifacts": [self.artifact],
                           "parameters": {"Caller": output("functions", "originRoleOut")}});
        if let Some(stages) = self.plan["stages"].as_array_mut() {
            stages.insert(1, stage);
        }
        self.plan["stages"][2]["parameters"]["Host"] = output("reads", "host");
        self.lambda["Outputs"]["originRoleOut"] =
            json!({"Value": {"Fn::GetAtt": ["originRole", "Arn"]}});
        let permission = |action: &str| {
            json!({"Type": "AWS::Lambda::Permission", "Properties": {
            "FunctionName": {"Ref": "Alias"}, "Action": action, "Principal": {"Ref": "Caller"}}})
        };
        let host = json!({"Fn::Select": [2, {"Fn::Split": ["/", {"Fn::GetAtt": ["Url", "FunctionUrl"]}]}]});
        self.reads = Some(json!({
            "Resources": {
                "readerFn": resource("reader"), "readerRole": role(),
                "readerV1": {"Type": "AWS::Lambda::Version", "Properties": {
                    "FunctionName": {"Ref": "readerFn"}, "CodeSha256": base64_of(&self.artifact["sha256"])}},
                "Alias": {"Type": "AWS::Lambda::Alias", "Properties": {
                    "FunctionName": {"Ref": "readerFn"}, "Name": "live",
                    "FunctionVersion": {"Fn::GetAtt": ["readerV1", "Version"]}}},
                "Url": {"Type": "AWS::Lambda::Url", "Properties": {
                    "TargetFunctionArn": {"Fn::GetAtt": ["readerFn", "Arn"]}, "Qualifier": "live",
                    "AuthType": "AWS_IAM", "InvokeMode": "RESPONSE_STREAM"}},
                "UrlPermission": permission("lambda:InvokeFunctionUrl"),
                "RunPermission": permission("lambda:InvokeFunction"),
            },
            "Outputs": {"host": {"Value": host}},
        }));
        let origins = &mut self.cdn["Resources"]["Distribution"]["Properties"]["DistributionConfig"]
            ["Origins"];
        origins[0]["OriginCustomHeaders"] = json!([
            {"HeaderName": "X-Reader", "HeaderValue": {"Ref": "Host"}},
            {"HeaderName": "X-Fixed", "HeaderValue": "a"},
        ]);
    }
}

/// A digest as Lambda writes it, of one as the plan does.
fn base64_of(hex: &Value) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let hex = hex.as_str().unwrap();
    let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    let bytes: Vec<u8> = (0..hex.len()).step_by(2).map(byte).collect();
    STANDARD.encode(bytes)
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
        reads: None,
        artifact: artifact(dir.path(), "reader"),
    };
    change(&mut parts);
    let reads = parts.reads.map(|reads| ("reads.json", reads));
    let all = [
        ("plan.json", parts.plan),
        ("lambda.json", parts.lambda),
        ("cdn.json", parts.cdn),
    ];
    for (name, value) in all.into_iter().chain(reads) {
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
    let sha256 = format!("{:x}", Sha256::digest(&bytes));
    json!({"function": name, "file": format!("{name}.zip"), "key": format!("k/{name}.zip"), "sha256": sha256})
}

fn resource(name: &str) -> Value {
    json!({"Type": "AWS::Lambda::Function", "Properties": {
        "FunctionName": format!("test-{name}"), "Handler": "index.handler", "Runtime": "python3.13",
        "MemorySize": 128, "Timeout": TIMEOUT, "Code": {"S3Key": format!("k/{name}.zip")},
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
        if name.ends_with("reader") {
            stream(&api, &id, &event);
            continue;
        }
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
            std::thread::sleep(Duration::from_secs(600));
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

/// An answer of a function behind a URL, streamed as its query says: in part, with an error
/// after it, or not at all.
fn stream(api: &str, id: &str, event: &Value) {
    let what = event["rawQueryString"].as_str().unwrap();
    let mut stream = TcpStream::connect(api).unwrap();
    let mode = if what == "mode=none" {
        "buffered"
    } else {
        "streaming"
    };
    let head = format!(
        "POST /2018-06-01/runtime/invocation/{id}/response HTTP/1.1\r\nHost: {api}\r\nConnection: close\r\n\
         Lambda-Runtime-Function-Response-Mode: {mode}\r\nTransfer-Encoding: chunked\r\n\
         Trailer: Lambda-Runtime-Function-Error-Type\r\n\
         Content-Type: application/vnd.awslambda.http-integration-response\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut writer = stream.try_clone().unwrap();
    let mut chunk = |bytes: &[u8]| {
        let size = format!("{:x}\r\n", bytes.len());
        // Whoever reads may leave before the end.
        let _ = writer.write_all(&[size.as_bytes(), bytes, b"\r\n"].concat());
    };
    let prelude = json!({"statusCode": 200, "headers": {"content-type": "image/jph", "x-pid": std::process::id().to_string()}}).to_string();
    // In two parts, with the delimiter in both.
    chunk(&[prelude.as_bytes(), &[0; 3]].concat());
    chunk(&[&[0; 5], &b"begun "[..]].concat());
    match what {
        "end=crash" => std::process::exit(1),
        "end=hang" => std::thread::sleep(Duration::from_secs(600)),
        // Its own end stays open: whose the connection is, is asked of the system.
        "end=cut" => {
            stream.shutdown(std::net::Shutdown::Write).unwrap();
            let _ = stream.read_to_end(&mut Vec::new());
            return;
        }
        "end=event" => chunk(event.to_string().as_bytes()),
        "end=large" => (0..9).for_each(|_| chunk(&vec![b'x'; 1024 * 1024])),
        _ => chunk(b"and ended"),
    }
    let trailer = if what == "end=error" {
        "Lambda-Runtime-Function-Error-Type: Broken\r\n"
    } else {
        ""
    };
    let _ = stream.write_all(format!("0\r\n{trailer}\r\n").as_bytes());
    let _ = stream.read_to_end(&mut Vec::new());
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
