//! The web ACL's rules, on a request.
//!
//! A model of AWS WAF from its documentation: there the count is an estimate
//! that lags some seconds behind, here it is exact.

use crate::package::{CoreRule, Rule};
use http::{HeaderMap, header};
use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// From "AWS Managed Rules rule groups list", AWS WAF Developer Guide: more is blocked.
const QUERY_BYTES: usize = 2_048;
const COOKIE_BYTES: usize = 10_240;
const BODY_BYTES: usize = 8_192;
const PATH_BYTES: usize = 1_024;

/// What the rules look at.
pub(super) struct Inspected<'a> {
    pub path: &'a str,
    pub query: &'a str,
    pub headers: &'a HeaderMap,
    pub body: &'a [u8],
}

pub(super) struct Firewall {
    rules: Vec<Step>,
}

enum Step {
    Rate(Mutex<Rate>),
    Core(Vec<CoreRule>),
}

impl Firewall {
    pub(super) fn new(rules: &[Rule]) -> Self {
        let rules = rules.iter().map(|rule| match rule {
            Rule::Rate { limit, window } => Step::Rate(Mutex::new(Rate::new(*limit, *window))),
            Rule::Core(rules) => Step::Core(rules.clone()),
        });
        Self {
            rules: rules.collect(),
        }
    }

    /// The first rule that blocks ends it, so that a later one doesn't count the request.
    pub(super) fn blocks(&self, request: &Inspected<'_>, now: Instant) -> bool {
        self.rules.iter().any(|rule| match rule {
            Step::Rate(rate) => rate
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .exceeded(now),
            Step::Core(rules) => rules.iter().any(|rule| matches(*rule, request)),
        })
    }
}

fn matches(rule: CoreRule, request: &Inspected<'_>) -> bool {
    match rule {
        CoreRule::NoUserAgent => !request.headers.contains_key(header::USER_AGENT),
        CoreRule::Query => request.query.len() > QUERY_BYTES,
        CoreRule::Cookie => {
            let cookies = request.headers.get_all(header::COOKIE).iter();
            cookies.map(|cookie| cookie.len()).sum::<usize>() > COOKIE_BYTES
        }
        CoreRule::Body => request.body.len() > BODY_BYTES,
        CoreRule::Path => request.path.len() > PATH_BYTES,
    }
}

/// Requests within a window, blocked ones among them. All viewers have one address here.
struct Rate {
    limit: u64,
    window: Duration,
    total: u64,
    /// Counted per second: the window's length bounds the memory, not the traffic.
    seconds: VecDeque<(Instant, u64)>,
}

impl Rate {
    fn new(limit: u64, window: Duration) -> Self {
        Self {
            limit,
            window,
            total: 0,
            seconds: VecDeque::new(),
        }
    }

    fn exceeded(&mut self, now: Instant) -> bool {
        while let Some((since, count)) = self.seconds.front()
            && now.duration_since(*since) >= self.window
        {
            self.total -= count;
            self.seconds.pop_front();
        }
        match self.seconds.back_mut() {
            Some((since, count)) if now.duration_since(*since) < Duration::from_secs(1) => {
                *count += 1;
            }
            _ => self.seconds.push_back((now, 1)),
        }
        self.total += 1;
        self.total > self.limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_blocked_until_it_calms_down() {
        let mut rate = Rate::new(10, Duration::from_secs(300));
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        for second in 0..10 {
            assert!(!rate.exceeded(at(second)), "{second}");
        }
        assert!(rate.exceeded(at(10)));
        // The first is out of the window, but the blocked one counts.
        assert!(rate.exceeded(at(300)));
        assert!(!rate.exceeded(at(400 + 300)));
        assert_eq!((rate.total, rate.seconds.len()), (1, 1));
    }

    #[test]
    fn a_flood_takes_no_more_memory_than_the_window() {
        let mut rate = Rate::new(10, Duration::from_secs(300));
        let start = Instant::now();
        for millisecond in 0..100_000_u64 {
            rate.exceeded(start + Duration::from_millis(millisecond * 10));
        }
        assert!(rate.seconds.len() <= 301, "{}", rate.seconds.len());
    }

    #[test]
    fn each_size_has_its_limit() {
        let long = |length: usize| "x".repeat(length);
        let blocked = |rule, path: &str, query: &str, cookie: &str, body: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, cookie.parse().unwrap());
            let request = Inspected {
                path,
                query,
                headers: &headers,
                body: body.as_bytes(),
            };
            Firewall::new(&[Rule::Core(vec![rule])]).blocks(&request, Instant::now())
        };
        for (more, expected) in [(0, false), (1, true)] {
            let path = long(PATH_BYTES + more);
            assert_eq!(blocked(CoreRule::Path, &path, "", "", ""), expected);
            let query = long(QUERY_BYTES + more);
            assert_eq!(blocked(CoreRule::Query, "", &query, "", ""), expected);
            let cookie = long(COOKIE_BYTES + more);
            assert_eq!(blocked(CoreRule::Cookie, "", "", &cookie, ""), expected);
            let body = long(BODY_BYTES + more);
            assert_eq!(blocked(CoreRule::Body, "", "", "", &body), expected);
        }
        assert!(blocked(CoreRule::NoUserAgent, "", "", "", ""));
    }
}
