//! One look at an endpoint: what was asked so far, and what came of it.

use frames_compiler::diagnostic::wrap;
use frames_compiler::printable::{Style, Styled};
use frames_network::Error;
use frames_network::probe::{Probe, Reply};
use http::header::USER_AGENT;
use http::{HeaderMap, Method, Request};
use http_body_util::Full;
use hyper::body::Bytes;
use serde_json::{Value, json};
use std::sync::Arc;

/// An origin that nobody has (RFC 2606).
pub(super) const FOREIGN: &str = "https://frames-check.invalid";

/// Ids have this shape, and nobody has this one.
pub(super) const NOBODYS: &str = "frameschecksifthisdeliveryisopen";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Ok,
    Wrong,
    /// Not looked at, or nobody knows what to expect.
    Skipped,
}

/// One line of the table.
#[derive(Debug)]
pub(super) struct Row {
    pub name: &'static str,
    pub state: State,
    pub expected: String,
    pub found: String,
    pub help: Option<String>,
}

/// An answer, and what it was asked by.
#[derive(Debug)]
pub(super) struct Answer {
    pub what: &'static str,
    pub reply: Arc<Reply>,
}

pub(super) struct Look {
    pub probe: Probe,
    pub rows: Vec<Row>,
    pub answers: Vec<Answer>,
    /// Whether a request without a token gets to the images; `None`: not known.
    pub open: Option<bool>,
    /// Requests that got no answer.
    silent: usize,
}

/// So many are waited for: an endpoint that hangs must not hold a deployment up for long.
const PATIENCE: usize = 2;

/// A request that is about to be sent.
#[derive(Debug, Clone)]
pub(super) struct Asking<'a> {
    pub method: Method,
    pub path: &'a str,
    pub headers: Vec<(&'static str, String)>,
    pub body: Option<String>,
}

impl<'a> Asking<'a> {
    pub(super) fn new(method: Method, path: &'a str) -> Self {
        Self {
            method,
            path,
            headers: Vec::new(),
            body: None,
        }
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(super) fn json(self, body: &Value) -> Self {
        let mut with = self.with("content-type", "application/json");
        with.body = Some(body.to_string());
        with
    }

    pub(super) fn request(self) -> Result<Request<Full<Bytes>>, Error> {
        let mut request = Request::builder()
            .method(self.method)
            .uri(self.path)
            .header(
                USER_AGENT,
                concat!("frames-check/", env!("CARGO_PKG_VERSION")),
            );
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        let body = Full::new(Bytes::from(self.body.unwrap_or_default()));
        request.body(body).map_err(|error| Error {
            message: format!("this can't be sent: {error}"),
            help: String::new(),
        })
    }
}

impl Look {
    pub(super) fn new(probe: Probe) -> Self {
        Self {
            probe,
            rows: Vec::new(),
            answers: Vec::new(),
            open: None,
            silent: 0,
        }
    }

    /// `name` is the check that asks: without an answer, it is wrong.
    pub(super) async fn ask(
        &mut self,
        name: &'static str,
        expected: &str,
        what: &'static str,
        asking: Asking<'_>,
    ) -> Option<Arc<Reply>> {
        if self.silent >= PATIENCE {
            return None;
        }
        let reply = match asking.request() {
            Ok(request) => self.probe.ask(request).await,
            Err(error) => Err(error),
        };
        match reply {
            Ok(reply) => {
                let reply = Arc::new(reply);
                let kept = reply.clone();
                self.answers.push(Answer { what, reply: kept });
                Some(reply)
            }
            Err(error) => {
                self.silent += 1;
                let found = format!("no answer: {}", error.message);
                let help = match error.help.as_str() {
                    "" => "look at what answers at this address, and check again",
                    help => help,
                };
                self.wrong(name, expected, found, help);
                None
            }
        }
    }

    /// Whether a check has its line: an answer that it needs didn't come.
    pub(super) fn is_told(&self, name: &str) -> bool {
        self.rows.iter().any(|row| row.name == name)
    }

    pub(super) fn push(
        &mut self,
        name: &'static str,
        state: State,
        expected: impl Into<String>,
        found: impl Into<String>,
        help: Option<String>,
    ) {
        self.rows.push(Row {
            name,
            state,
            expected: expected.into(),
            found: found.into(),
            help,
        });
    }

    pub(super) fn ok(&mut self, name: &'static str, expected: &str, found: impl Into<String>) {
        self.push(name, State::Ok, expected, found, None);
    }

    pub(super) fn wrong(
        &mut self,
        name: &'static str,
        expected: &str,
        found: impl Into<String>,
        help: &str,
    ) {
        self.push(name, State::Wrong, expected, found, Some(help.to_owned()));
    }

    /// Whoever has no good token gets to the images.
    pub(super) fn leak(
        &mut self,
        name: &'static str,
        expected: &str,
        found: impl Into<String>,
        help: &str,
    ) {
        self.open = Some(true);
        self.wrong(name, expected, found, help);
    }

    /// What to do first about an open endpoint.
    pub(super) fn close(&self) -> &'static str {
        if self.probe.is_encrypted() {
            "disable the distribution in the CloudFront console at once"
        } else {
            "end this local delivery"
        }
    }

    pub(super) fn skip(&mut self, name: &'static str, expected: &str, why: impl Into<String>) {
        self.push(name, State::Skipped, expected, why, None);
    }
}

impl Row {
    pub(super) fn json(&self) -> Value {
        let state = match self.state {
            State::Ok => "ok",
            State::Wrong => "wrong",
            State::Skipped => "skipped",
        };
        json!({
            "name": self.name,
            "state": state,
            "expected": self.expected,
            "found": self.found,
            "help": self.help,
        })
    }

    /// Where the second column begins.
    pub(super) const SECOND: usize = 24;
    const THIRD: usize = 44;

    /// `narrow`: the columns of a terminal that has no room for a third column.
    pub(super) fn shown(&self, narrow: Option<usize>) -> Styled {
        let mark = match self.state {
            State::Ok => Styled::new().paint(Style::Green, "✓"),
            State::Wrong => Styled::new().paint(Style::BoldRed, "✗"),
            State::Skipped => Styled::new().paint(Style::Dim, "–"),
        };
        let name = format!(" {:width$}", self.name, width = Self::SECOND - 2);
        let line = mark.text(&name);
        let line = match narrow {
            None => {
                let expected = format!("{:width$}  ", self.expected, width = Self::THIRD);
                line.line(&expected).line(&self.found)
            }
            Some(columns) => {
                let both = format!("{} -> {}", self.expected, self.found);
                if Self::SECOND + wrap::columns(&both) <= columns {
                    line.line(&both)
                } else {
                    let below = format!("\n{:width$}-> ", "", width = Self::SECOND);
                    line.line(&self.expected).text(&below).line(&self.found)
                }
            }
        };
        let line = line.text("\n");
        match &self.help {
            Some(help) => line.text(&" ".repeat(Self::SECOND)).line(help).text("\n"),
            None => line,
        }
    }
}

/// A header's values, in one text; empty where there is none.
pub(super) fn header(headers: &HeaderMap, name: &str) -> String {
    let values = headers.get_all(name).iter();
    let values: Vec<String> = values
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        .collect();
    values.join(", ")
}

/// The directives of a header, in small letters: `no-store`, `max-age=60`.
pub(super) fn has_directive(headers: &HeaderMap, name: &str, wanted: &str) -> bool {
    let value = header(headers, name).to_ascii_lowercase();
    let mut directives = value.split([',', ';']).map(str::trim);
    directives.any(|directive| directive == wanted)
}

/// It comes from a cache of the edge.
pub(super) fn is_hit(headers: &HeaderMap) -> bool {
    let result = header(headers, "x-cache").to_ascii_lowercase();
    result.starts_with("hit ") || result.starts_with("refreshhit ") || result == "hit"
}

/// `401`, or `403 (by CloudFront itself)`
pub(super) fn status(reply: &Reply) -> String {
    if is_the_edges(reply) {
        format!("{} (by CloudFront itself)", reply.status.as_u16())
    } else {
        reply.status.as_u16().to_string()
    }
}

/// CloudFront's own error page: no function and no origin made it.
pub(super) fn is_the_edges(reply: &Reply) -> bool {
    header(&reply.headers, "content-type").starts_with("text/html")
        && header(&reply.headers, "server") == "CloudFront"
        && header(&reply.headers, "x-cache").starts_with("Error ")
}

/// A function at the edge didn't come to an answer: `LambdaExecutionError from cloudfront`.
pub(super) fn has_failed(reply: &Reply) -> bool {
    let cache = header(&reply.headers, "x-cache");
    cache.starts_with("Lambda") && !cache.starts_with("LambdaGenerated")
}
