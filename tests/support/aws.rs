//! AWS on this machine: MiniStack behind `tests/peers/aws/launcher.py`, which
//! adds what it lacks. What a test learns here about replicas, propagation and
//! the edge's limits is our model of AWS: see the launcher.

use super::peers::peers;
use super::process::Background;
use super::root;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::process::{ChildStdin, Command};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// A running AWS. It ends with its stdin, and so with the test's process,
/// however that ends.
pub struct Aws {
    process: Background,
    _stdin: ChildStdin,
    port: u16,
}

impl Aws {
    /// One for the whole test binary: accounts keep the tests apart.
    pub fn shared() -> &'static Self {
        static AWS: OnceLock<Aws> = OnceLock::new();
        AWS.get_or_init(|| Self::start(&[]))
    }

    fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(peers().program("python"));
        command
            .arg(root().join("tests/peers/aws/launcher.py"))
            .args(arguments)
            .env("PYTHONDONTWRITEBYTECODE", "1");
        let (process, stdin, stdout) = Background::converse(&mut command);
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let port = serde_json::from_str::<Value>(&line)
            .ok()
            .and_then(|ready| ready["port"].as_u64())
            .unwrap_or_else(|| panic!("AWS doesn't start: {line}\n{}", process.output()));
        Self {
            process,
            _stdin: stdin,
            port: u16::try_from(port).unwrap(),
        }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What it wrote to stderr.
    pub fn log(&self) -> String {
        self.process.output()
    }

    /// An account that nobody else has.
    pub fn account(&'static self) -> Account {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let number = format!(
            "{:012}",
            100_000_000_000_u64 + u64::from(NEXT.fetch_add(1, Ordering::Relaxed))
        );
        Account {
            aws: self,
            key: number.clone(),
            secret: "made-up".to_owned(),
            number,
            endpoint: self.url(),
        }
    }
}

/// One account: what a child process needs to use it, and the test's hold on it.
pub struct Account {
    aws: &'static Aws,
    number: String,
    key: String,
    secret: String,
    endpoint: String,
}

impl Account {
    pub fn number(&self) -> &str {
        &self.number
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
        ]
    }

    /// The same account by another way, such as a proxy that makes faults.
    pub fn through(&self, endpoint: String) -> Self {
        Self {
            aws: self.aws,
            number: self.number.clone(),
            key: self.key.clone(),
            secret: self.secret.clone(),
            endpoint,
        }
    }

    /// Sets some of `tests/peers/aws/accounts.py`'s settings: `step`,
    /// `distribution` and `replicas` in seconds, `failures`, `datastores`.
    pub fn set(&self, settings: Value) {
        self.control("POST", "settings", Some(settings));
    }

    /// Every later step of a stack that fits fails, with this reason.
    /// `action` is CREATE, UPDATE or DELETE; type and id may be patterns.
    pub fn fail(&self, action: &str, resource_type: &str, id: &str, reason: &str) {
        let failure = json!({"action": action, "type": resource_type, "id": id, "reason": reason});
        self.set(json!({"failures": [failure]}));
    }

    /// What was asked of AWS: `{index, service, operation, mutating, status}` each.
    pub fn calls(&self) -> Vec<Call> {
        let Value::Array(calls) = self.control("GET", "calls", None) else {
            panic!("calls is a list");
        };
        calls.into_iter().map(Call).collect()
    }

    /// Makes something befall later calls; counting starts now.
    pub fn rule(&self, rule: Value) -> Rule<'_> {
        let rules = self.control("POST", "rules", Some(json!([rule])));
        Rule {
            account: self,
            id: rules[0]["id"].as_u64().unwrap(),
        }
    }

    /// Hangs at the n-th call (from 1) until the caller is gone: before it has
    /// taken effect, or after that but without an answer.
    pub fn hold(&self, calls: Calls, n: usize, when: When) -> Rule<'_> {
        let kind = match when {
            When::Before => "hold-before",
            When::After => "hold-after",
        };
        self.rule(json!({"kind": kind, "calls": calls.name(), "at": n}))
    }

    /// A fault at the n-th call (from 1).
    pub fn fault(&self, calls: Calls, n: usize, fault: Fault) -> Rule<'_> {
        let mut rule = match fault {
            Fault::Throttle => {
                json!({"kind": "answer", "status": 400, "code": "ThrottlingException", "message": "Rate exceeded"})
            }
            Fault::ServerError => {
                json!({"kind": "answer", "status": 500, "code": "InternalFailure", "message": "Injected by the test"})
            }
            Fault::Reset => json!({"kind": "reset"}),
            Fault::Lost => json!({"kind": "lost"}),
            Fault::Answer {
                status,
                code,
                message,
            } => json!({"kind": "answer", "status": status, "code": code, "message": message}),
        };
        rule["calls"] = json!(calls.name());
        rule["at"] = json!(n);
        self.rule(rule)
    }

    /// Takes all rules back; whoever is held goes on.
    pub fn clear_rules(&self) {
        self.control("DELETE", "rules", None);
    }

    /// Everything that the account has, over all services and Regions.
    pub fn inventory(&self) -> Vec<Value> {
        match self.control("GET", "inventory", None) {
            Value::Array(all) => all,
            other => panic!("{other}"),
        }
    }

    /// The inventory without what is random: the same for two runs that end alike.
    pub fn state(&self) -> Vec<String> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let mut all: Vec<_> = self
            .inventory()
            .iter()
            .map(|entry| {
                ["service", "kind", "region", "name"]
                    .map(|key| text(&entry[key]))
                    .join(" ")
            })
            .collect();
        all.sort();
        all
    }

    fn control(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let url = format!("{}/_frames/{}/{path}", self.aws.url(), self.number);
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(90)))
            .build()
            .into();
        let request = ureq::http::Request::builder().method(method).uri(&url);
        let body = body.map_or_else(String::new, |body| body.to_string());
        let mut response = agent
            .run(request.body(body).unwrap())
            .unwrap_or_else(|error| panic!("{method} {url}: {error}\n{}", self.aws.log()));
        let text = response.body_mut().read_to_string().unwrap();
        assert_eq!(
            response.status(),
            200,
            "{method} {url}: {text}\n{}",
            self.aws.log()
        );
        serde_json::from_str(&text).unwrap()
    }
}

/// Which calls are counted.
#[derive(Clone, Copy, Debug)]
pub enum Calls {
    Any,
    Mutating,
}

impl Calls {
    fn name(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Mutating => "mutating",
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub enum When {
    Before,
    After,
}

#[derive(Clone, Copy, Debug)]
pub enum Fault {
    Throttle,
    ServerError,
    /// The connection is reset before the call takes effect.
    Reset,
    /// It takes effect; the connection is reset instead of an answer.
    Lost,
    /// This error instead: expired credentials, skewed clocks, missing permissions.
    Answer {
        status: u16,
        code: &'static str,
        message: &'static str,
    },
}

/// A call as AWS saw it.
#[derive(Debug)]
pub struct Call(Value);

impl Call {
    pub fn service(&self) -> &str {
        self.0["service"].as_str().unwrap()
    }

    pub fn operation(&self) -> &str {
        self.0["operation"].as_str().unwrap()
    }

    pub fn is_mutating(&self) -> bool {
        self.0["mutating"].as_bool().unwrap()
    }

    /// None when it was held or cut.
    pub fn status(&self) -> Option<u64> {
        self.0["status"].as_u64()
    }
}

pub struct Rule<'a> {
    account: &'a Account,
    id: u64,
}

impl Rule<'_> {
    /// Waits until the rule has met a call: true when it did, false after `patience`.
    pub fn wait(&self, patience: Duration) -> bool {
        let wanted = json!({"id": self.id, "seconds": patience.as_secs_f64()});
        let rule = self.account.control("POST", "rules/await", Some(wanted));
        !rule["met"].as_array().unwrap().is_empty()
    }

    /// Whether it has met a call by now.
    pub fn met(&self) -> bool {
        self.wait(Duration::ZERO)
    }
}
