//! microburst: faults on the wire between frames and AWS.

use super::{Aws, Server, http};
use serde_json::Value;

/// A proxy of a test's own, so that its rules befall nobody else.
pub struct Proxy(Server);

impl Proxy {
    pub fn start(aws: &Aws) -> Self {
        Self(Server::start("proxy.py", &[&aws.url()]))
    }

    /// What `Account::through` takes.
    pub fn endpoint(&self) -> String {
        self.0.url()
    }

    /// Replaces the rules. The first that fits a call applies to it:
    /// `{"service", "operation", "times", …}` and one of `"error": {"code", "status"}`,
    /// `"reset": true`, `"timeout_ms": 60000` (hangs), `"response": {"abort_bytes": 1}`
    /// (cut after it took effect; an answer without a body has nothing to cut), `"request": {"cut_upload": {"after_bytes": n}}`.
    pub fn rules(&self, rules: &Value) {
        self.control("POST", "rules", &rules.to_string());
    }

    /// The rules that befell a call, in their order.
    pub fn fired(&self) -> Vec<Value> {
        match self.control("GET", "fired", "") {
            Value::Array(fired) => fired,
            other => panic!("{other}"),
        }
    }

    fn control(&self, method: &str, path: &str, body: &str) -> Value {
        let url = format!("{}/_microburst/{path}", self.endpoint());
        http(method, &url, body).unwrap_or_else(|error| panic!("{error}\n{}", self.0.log()))
    }
}
