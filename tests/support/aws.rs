//! AWS on this machine: MiniStack behind `tests/peers/aws/launcher.py`, which
//! adds what it lacks. What a test learns here about replicas, propagation and
//! the edge's limits is our model of AWS: see the launcher.

mod proxy;
mod rules;

pub use proxy::Proxy;
pub use rules::{Call, Calls, Fault, Rule, When};

use super::peers::peers;
use super::process::Background;
use super::root;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::process::{ChildStdin, Command};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// A program of `tests/peers/aws/` that says its port. It ends with its stdin,
/// and so with the test's process, however that ends.
struct Server {
    process: Background,
    _stdin: ChildStdin,
    port: u64,
}

impl Server {
    fn start(program: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new(peers().program("python"));
        command
            .arg(root().join("tests/peers/aws").join(program))
            .args(arguments)
            .env("PYTHONDONTWRITEBYTECODE", "1");
        let (process, stdin, stdout) = Background::converse(&mut command);
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let ready = serde_json::from_str::<Value>(&line).unwrap_or_default();
        let port = ready["port"]
            .as_u64()
            .unwrap_or_else(|| panic!("{program} doesn't start: {line}\n{}", process.output()));
        Self {
            process,
            _stdin: stdin,
            port,
        }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn log(&self) -> String {
        self.process.output()
    }
}

/// A running AWS.
pub struct Aws(Server);

impl Aws {
    /// One for the whole test binary: accounts keep the tests apart.
    pub fn shared() -> &'static Self {
        static AWS: OnceLock<Aws> = OnceLock::new();
        AWS.get_or_init(|| Self(Server::start("launcher.py", &[])))
    }

    /// One that checks signatures and IAM policies. It checks what is called
    /// directly, not what CloudFormation does on the caller's behalf.
    pub fn with_auth() -> &'static Self {
        static AWS: OnceLock<Aws> = OnceLock::new();
        AWS.get_or_init(|| Self(Server::start("launcher.py", &["--auth"])))
    }

    pub fn url(&self) -> String {
        self.0.url()
    }

    /// What it wrote to stderr.
    pub fn log(&self) -> String {
        self.0.log()
    }

    /// An account that nobody else has, as its root. Only the names of buckets
    /// are shared by all accounts, as on AWS.
    pub fn account(&'static self) -> Account {
        static NEXT: AtomicU64 = AtomicU64::new(100_000_000_000);
        let number = NEXT.fetch_add(1, Ordering::Relaxed).to_string();
        Account {
            aws: self,
            key: number.clone(),
            // The launcher's: `ROOT_SECRET`.
            secret: "root-secret".to_owned(),
            lease: Arc::new(Lease { aws: self, number }),
            endpoint: self.url(),
        }
    }
}

/// All that is in an account goes when nobody has it any more: thousands of them, each with its zips,
/// would make every later test slower.
struct Lease {
    aws: &'static Aws,
    number: String,
}

impl Drop for Lease {
    fn drop(&mut self) {
        let url = format!("{}/_frames/{}/all", self.aws.url(), self.number);
        // At the end of all tests, nobody may be there to ask.
        let _ = http("DELETE", &url, "");
    }
}

/// One account: what a child process needs to use it, and the test's hold on it.
pub struct Account {
    aws: &'static Aws,
    lease: Arc<Lease>,
    key: String,
    secret: String,
    endpoint: String,
}

impl Account {
    pub fn number(&self) -> &str {
        &self.lease.number
    }

    /// The environment of a child process that is to use this account and no
    /// other, in us-east-1 unless it says otherwise.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ENDPOINT_URL", self.endpoint.clone()),
            ("AWS_ACCESS_KEY_ID", self.key.clone()),
            ("AWS_SECRET_ACCESS_KEY", self.secret.clone()),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
            ("AWS_CONFIG_FILE", "/dev/null".to_owned()),
            ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null".to_owned()),
            // No distribution here serves, and nobody asks for one on the network: nothing
            // listens at this port.
            ("FRAMES_CONNECT_TO", "127.0.0.1:1".to_owned()),
        ]
    }

    /// The same account by another way, such as a proxy that makes faults.
    pub fn through(&self, endpoint: String) -> Self {
        Self {
            aws: self.aws,
            lease: Arc::clone(&self.lease),
            key: self.key.clone(),
            secret: self.secret.clone(),
            endpoint,
        }
    }

    /// The same account as an IAM user who may do what this policy allows.
    /// Means something on `Aws::with_auth()` only.
    pub fn as_user(&self, name: &str, policy: &Value) -> Self {
        let policy = json!({"PolicyName": name, "PolicyDocument": policy.to_string()});
        let policy = self.call("iam", "CreatePolicy", policy);
        self.call("iam", "CreateUser", json!({"UserName": name}));
        let attached = json!({"UserName": name, "PolicyArn": policy["Policy"]["Arn"]});
        self.call("iam", "AttachUserPolicy", attached);
        let key = self.call("iam", "CreateAccessKey", json!({"UserName": name}));
        let text = |member: &str| key["AccessKey"][member].as_str().unwrap().to_owned();
        Self {
            aws: self.aws,
            lease: Arc::clone(&self.lease),
            key: text("AccessKeyId"),
            secret: text("SecretAccessKey"),
            endpoint: self.endpoint.clone(),
        }
    }

    /// Sets some of `tests/peers/aws/accounts.py`'s settings: `step`,
    /// `distribution` and `replicas` in seconds, `failures`, `datastores`.
    pub fn set(&self, settings: &Value) {
        self.control("POST", "settings", &settings.to_string());
    }

    /// Every later step of a stack that fits fails, with this reason.
    /// `action` is CREATE, UPDATE, DELETE or ROLLBACK; type and id may be patterns.
    pub fn fail(&self, action: &str, resource_type: &str, id: &str, reason: &str) {
        let failure = json!({"action": action, "type": resource_type, "id": id, "reason": reason});
        self.set(&json!({"failures": [failure]}));
    }

    /// The failures that are set.
    pub fn failures(&self) -> Value {
        self.control("GET", "settings", "")["failures"].clone()
    }

    /// Whether a rule has met a call, in this moment.
    pub fn holds(&self) -> bool {
        let rules = self.control("GET", "rules", "");
        let mut rules = rules.as_array().into_iter().flatten();
        rules.any(|rule| rule["met"].as_array().is_some_and(|met| !met.is_empty()))
    }

    /// A call of the test itself, as root in us-east-1, outside of log and rules.
    /// Names are AWS's own: `call("acm", "DescribeCertificate", …)`.
    pub fn call(&self, service: &str, operation: &str, parameters: Value) -> Value {
        self.call_in("us-east-1", service, operation, parameters)
    }

    pub fn call_in(
        &self,
        region: &str,
        service: &str,
        operation: &str,
        parameters: Value,
    ) -> Value {
        self.try_call(region, service, operation, parameters)
            .unwrap_or_else(|(code, message)| panic!("{service} {operation}: {code}: {message}"))
    }

    /// The answer, or the error's code and message.
    pub fn try_call(
        &self,
        region: &str,
        service: &str,
        operation: &str,
        parameters: Value,
    ) -> Result<Value, (String, String)> {
        let described = json!({"region": region, "service": service, "operation": operation, "parameters": parameters});
        let answer = self.control("POST", "call", &described.to_string());
        let error = &answer["error"];
        let text = |member: &str| error[member].as_str().unwrap_or_default().to_owned();
        if error.is_null() {
            Ok(answer)
        } else {
            Err((text("Code"), text("Message")))
        }
    }

    /// What was asked of AWS, in order.
    pub fn calls(&self) -> Vec<Call> {
        let Value::Array(calls) = self.control("GET", "calls", "") else {
            panic!("calls is a list");
        };
        calls.into_iter().map(Call).collect()
    }

    /// Every state that a distribution was in, in order: `{distribution, enabled,
    /// behaviors: {path: {event: function}}}` after each change, `{distribution, deleted}` last.
    pub fn history(&self) -> Vec<Value> {
        match self.control("GET", "history", "") {
            Value::Array(all) => all,
            other => panic!("{other}"),
        }
    }

    /// Hangs at the n-th call (from 1, from now) until the caller is gone: before
    /// it has taken effect, or after that but without an answer.
    pub fn hold(&self, calls: Calls, n: usize, when: When) -> Rule<'_> {
        self.rule(json!({"kind": when.kind(), "calls": calls.name(), "at": n}))
    }

    /// A fault at the n-th call (from 1, from now).
    pub fn fault(&self, calls: Calls, n: usize, fault: Fault) -> Rule<'_> {
        let mut rule = fault.rule();
        rule["calls"] = json!(calls.name());
        rule["at"] = json!(n);
        self.rule(rule)
    }

    /// Any rule of `tests/peers/aws/accounts.py`: also for one `service` or `operation`
    /// (patterns), and for `count` calls in a row.
    pub fn rule(&self, rule: Value) -> Rule<'_> {
        let rules = self.control("POST", "rules", &json!([rule]).to_string());
        Rule {
            account: self,
            id: rules[0]["id"].as_u64().unwrap(),
        }
    }

    /// Removes all rules; calls that are held go on.
    pub fn clear_rules(&self) {
        self.control("DELETE", "rules", "");
    }

    /// Everything that the account has, over all services and Regions:
    /// `{service, kind, region, id, name}` each.
    pub fn inventory(&self) -> Vec<Value> {
        match self.control("GET", "inventory", "") {
            Value::Array(all) => all,
            other => panic!("{other}"),
        }
    }

    /// The inventory without what is random, and without what deployments leave for a rollback: the
    /// same for two runs that end alike.
    pub fn state(&self) -> Vec<String> {
        let left = |line: &String| {
            line.starts_with("s3 objects")
                && (line.contains("/deployments/") || line.ends_with(".template.json"))
        };
        let line = |entry: &Value| {
            ["service", "kind", "region", "name"]
                .map(|key| entry[key].as_str().unwrap().to_owned())
                .join(" ")
        };
        let mut all: Vec<_> = self.inventory().iter().map(line).collect();
        all.retain(|line| !left(line));
        all.sort();
        all
    }

    fn control(&self, method: &str, path: &str, body: &str) -> Value {
        let url = format!("{}/_frames/{}/{path}", self.aws.url(), self.number());
        http(method, &url, body).unwrap_or_else(|error| panic!("{error}\n{}", self.aws.log()))
    }
}

/// One request for JSON.
fn http(method: &str, url: &str, body: &str) -> Result<Value, String> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        // Longer than a test waits for a rule.
        .timeout_global(Some(Duration::from_secs(300)))
        .build()
        .into();
    let request = ureq::http::Request::builder().method(method).uri(url);
    let mut response = agent
        .run(request.body(body.to_owned()).unwrap())
        .map_err(|error| format!("{method} {url}: {error}"))?;
    let text = response.body_mut().read_to_string().unwrap();
    if response.status() != 200 {
        return Err(format!("{method} {url}: {}: {text}", response.status()));
    }
    serde_json::from_str(&text).map_err(|error| format!("{method} {url}: {error}: {text}"))
}
