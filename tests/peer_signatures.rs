//! The signer's signatures beside botocore's and aws4's, over hundreds of
//! requests of every kind that the authorizer lets through: byte for byte the same.

use crate::support::events::origin_request;
use crate::support::functions;
use crate::support::peers::{node_modules, peers};
use crate::support::root;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::io::Write;
use std::process::{Command, Stdio};

const REQUESTS: usize = 800;
const STORE: &str = "/datastore/12345678901234567890123456789012";
const REGIONS: [&str; 5] = [
    "us-east-1",
    "us-west-2",
    "ap-southeast-2",
    "eu-west-1",
    "eu-west-2",
];
const NAMES: [&str; 9] = [
    "PatientName",
    "StudyDate",
    "a",
    "a-b",
    "a.b",
    "A",
    "%C3%BC",
    "x+y",
    "00100020",
];
/// As viewers write them: encoded or not, but never so that two readers differ.
const VALUES: [&str; 18] = [
    "",
    "1",
    "Doe^John*",
    "J%C3%BCrgen+M",
    "a%20b",
    "a+b",
    "%2B",
    "!*'()",
    "-_.~",
    ":@/?",
    ";,$",
    "a==b",
    "%7e%2D",
    "20200101-20201231",
    "%E2%82%AC%F0%9F%98%80",
    "%00",
    "[x]{y}|^`\\\"<>",
    "1.2.840.10008",
];
const TYPES: [&str; 5] = [
    "application/json",
    "application/json; charset=utf-8",
    "  text/plain;   a=\"b  c\" ",
    "x",
    "multipart/form-data; boundary=--=_x",
];

/// xorshift64*: the same requests in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(number).unwrap() % limit
    }

    fn one<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len())]
    }

    fn text(&mut self, characters: &str, length: usize) -> String {
        let characters: Vec<char> = characters.chars().collect();
        (0..length)
            .map(|_| characters[self.below(characters.len())])
            .collect()
    }

    fn uid(&mut self) -> String {
        let parts: Vec<String> = (0..2 + self.below(5))
            .map(|_| self.below(99_999).to_string())
            .collect();
        parts.join(".")
    }

    fn query(&mut self) -> String {
        let pairs: Vec<String> = (0..self.below(6))
            .map(|_| match self.below(6) {
                0 => self.one(&NAMES).to_owned(),
                _ => format!("{}={}", self.one(&NAMES), self.one(&VALUES)),
            })
            .collect();
        pairs.join("&")
    }
}

/// A question to the signer: the request as CloudFront hands it over, and what is fixed beside it.
fn question(random: &mut Random) -> Value {
    let region = random.one(&REGIONS);
    let query = random.query();
    let mut request = if random.below(2) == 0 {
        native(random, region, &query)
    } else {
        dicomweb(random, region, &query)
    };
    // What the viewer sends besides never gets into the signature.
    for (name, values) in [
        ("x-forwarded-for", &["203.0.113.1", "203.0.113.2"][..]),
        ("if-none-match", &["\"a\"", "\"b\""]),
        ("range", &["bytes=0-99"]),
        ("authorization", &["Bearer viewer"]),
        ("x-amz-date", &["20000101T000000Z", "x"]),
        ("x-amz-target", &["x"]),
        ("accept", &["image/jph"]),
    ] {
        if random.below(3) == 0 {
            let values: Vec<Value> = values
                .iter()
                .map(|value| json!({"key": name, "value": value}))
                .collect();
            request["headers"][name] = json!(values);
        }
    }
    let secret = random.text("abcXYZ019/+=", 40);
    json!({
        "accessKey": format!("ASIA{}", random.text("ABCXYZ234567", 16)),
        "secretKey": secret,
        "token": (random.below(3) > 0).then(|| random.text("abcXYZ019/+=", 300)),
        "region": region,
        "now": 1_600_000_000 + random.below(400_000_000),
        "requestId": random.text("abcXYZ019_-", 54) + "==",
        "request": request,
    })
}

fn native(random: &mut Random, region: &str, query: &str) -> Value {
    let set = random.text("0123456789abcdefghijklmnopqrstuvwxyz", 32);
    let spelling = random.one(&["imageSet", "imageset"]);
    let path = format!("{STORE}/{spelling}/{set}/getImageFrame");
    let host = format!("runtime-medical-imaging.{region}.amazonaws.com");
    let mut request =
        origin_request("POST", &path, query, &host, "{}")["Records"][0]["cf"]["request"].take();
    request["headers"]["content-type"][0]["value"] = json!(random.one(&TYPES));
    if random.below(8) == 0 {
        request["headers"]
            .as_object_mut()
            .unwrap()
            .remove("content-type");
    }
    let length = 1 + random.below(2000);
    let (encoding, data) = match random.below(3) {
        0 => ("text", random.text("aä€😀\"{}:\n\0 ", length)),
        1 => (
            "base64",
            STANDARD.encode(r#"{"imageFrameId": "0123456789abcdef0123456789abcdef"}"#),
        ),
        _ => {
            let bytes: Vec<u8> = (0..length)
                .map(|_| u8::try_from(random.below(256)).unwrap())
                .collect();
            ("base64", STANDARD.encode(bytes))
        }
    };
    request["body"]["encoding"] = json!(encoding);
    request["body"]["data"] = json!(data);
    request
}

fn dicomweb(random: &mut Random, region: &str, query: &str) -> Value {
    let instance = format!(
        "studies/{}/series/{}/instances/{}",
        random.uid(),
        random.uid(),
        random.uid()
    );
    let path = match random.below(6) {
        0 => random.one(&["studies", "series", "instances"]).to_owned(),
        1 => format!("{instance}/metadata"),
        2 => format!("{instance}/frames/1"),
        3 => format!("{instance}/frames/{}", 1 + random.below(99)),
        4 => format!(
            "{instance}/frames/{},{}",
            1 + random.below(9),
            10 + random.below(9)
        ),
        _ => instance,
    };
    let host = format!("dicom-medical-imaging.{region}.amazonaws.com");
    let method = random.one(&["GET", "HEAD"]);
    let mut request = origin_request(method, &format!("{STORE}/{path}"), query, &host, "")["Records"][0]["cf"]["request"].take();
    request["headers"]
        .as_object_mut()
        .unwrap()
        .remove("content-type");
    request
}

/// The same for another signer: the request as it leaves.
fn told(question: &Value, sent: &Value) -> Value {
    let body = &question["request"]["body"];
    let data = body["data"].as_str().unwrap_or_default();
    let body = match body["encoding"].as_str() {
        Some("text") => STANDARD.encode(data),
        _ => data.to_owned(),
    };
    let header = |name: &str| sent["headers"][name][0]["value"].clone();
    let mut headers = json!({"x-amz-cf-id": question["requestId"]});
    if !header("content-type").is_null() {
        headers["content-type"] = header("content-type");
    }
    json!({
        "accessKey": question["accessKey"],
        "secretKey": question["secretKey"],
        "token": question["token"],
        "region": question["region"],
        "service": "medical-imaging",
        "date": header("x-amz-date"),
        "method": sent["method"],
        "host": header("host"),
        "path": sent["uri"],
        "query": sent["querystring"],
        "headers": headers,
        "body": body,
    })
}

fn ask(command: &mut Command, lines: &[u8]) -> Vec<String> {
    let mut stdin = tempfile::tempfile().unwrap();
    stdin.write_all(lines).unwrap();
    std::io::Seek::rewind(&mut stdin).unwrap();
    let output = command.stdin(Stdio::from(stdin)).output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect()
}

fn lines(values: &[Value]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| format!("{value}\n").into_bytes())
        .collect()
}

#[test]
fn the_same_signatures_as_botocores_and_aws4s() {
    let mut random = Random(20_261_122);
    let questions: Vec<Value> = (0..REQUESTS).map(|_| question(&mut random)).collect();
    let answers = functions::answers("frames-signer", "signatures", &lines(&questions));
    assert_eq!(answers.len(), REQUESTS);
    let sent: Vec<Value> = answers
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for (question, sent) in questions.iter().zip(&sent) {
        assert!(
            sent.get("refused").is_none(),
            "{sent}: {}",
            question["request"]
        );
    }
    let told: Vec<Value> = questions
        .iter()
        .zip(&sent)
        .map(|(question, sent)| told(question, sent))
        .collect();
    let told_lines = lines(&told);
    let mut python = Command::new(peers().program("python"));
    let botocore = ask(
        python.arg(root().join("tests/peers/signatures.py")),
        &told_lines,
    );
    let mut node = Command::new("node");
    let aws4 = ask(
        node.arg(root().join("tests/peers/signatures.mjs"))
            .arg(node_modules()),
        &told_lines,
    );
    assert_eq!((botocore.len(), aws4.len()), (REQUESTS, REQUESTS));
    for (((asked, sent), botocore), aws4) in told.iter().zip(&sent).zip(botocore).zip(aws4) {
        let ours = sent["headers"]["authorization"][0]["value"]
            .as_str()
            .unwrap();
        assert_eq!(ours, botocore, "botocore: {asked}");
        assert_eq!(ours, aws4, "aws4: {asked}");
    }
}
