//! The path of one request, step by step.

use super::{
    Options, OriginServer, RequestSink,
    cache::{Cache, Cached, Found},
    conditions, event,
    event::Flow,
    forward::{self, Key},
    freshness,
    names::Trigger,
    outcome::{Outcome, respond},
    refusal::Refusal,
    request_log::{CacheResult, RequestLog, Stages},
    response_headers,
    stored::Stored,
    timing::{self, Timing},
    upstream::Upstream,
    verdict::{self, Generated, Verdict},
    waf::{Firewall, Inspected},
};
use crate::{
    Error, FunctionLog,
    http::{self as local_http, Answer, NotOurs},
    lambda::{Failure, FunctionUrl, Pool},
    package::{Association, Behavior, Distribution, Reader, WebAcl},
    printable::printable,
    random,
};
use bytes::Bytes;
use frames_edge::event::Request as EdgeRequest;
use http::{HeaderMap, Request, StatusCode, header, request::Parts};
use hyper::body::Incoming;
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, PoisonError},
    time::{Duration, Instant, SystemTime},
};

const URL_BYTES: usize = 8_192;
const HEAD_BYTES: usize = 20_480;
/// What CloudFront tells an origin of the viewer's country. Here, where every
/// viewer has the address 127.0.0.1, the viewer says it.
const COUNTRY: &str = "cloudfront-viewer-country";
/// CloudFront takes far more; no operation of HealthImaging does.
const BODY_BYTES: usize = 16 * 1024 * 1024;

pub(super) struct Pipeline {
    pub(super) distribution: Distribution,
    pub(super) functions: Functions,
    firewall: Option<Arc<Firewall>>,
    cache: Cached,
    upstream: Upstream,
    port: u16,
    requests: RequestSink,
    log: FunctionLog,
}

/// What a distribution's requests may run through. All of it lasts as long as one of them is
/// on its way.
pub(super) struct Functions {
    /// By logical id.
    pub pools: BTreeMap<String, Arc<Pool>>,
    /// With what it was made from.
    pub reader: Option<(Reader, Arc<FunctionUrl>)>,
    pub origin: OriginServer,
}

/// What a function's invocation comes to.
enum Invoked {
    /// The request goes on, changed or not.
    Forwards(Box<Flow>),
    /// The function made the answer itself.
    Answers(Generated),
}

/// What the request's log line will say.
struct Notes {
    cache: CacheResult,
    stages: Stages,
    /// How many invalidations the cache had seen when the request came.
    seen: u64,
}

impl Pipeline {
    /// `before` is what it replaces: a rate that is counted there is counted on.
    pub(super) fn new(
        distribution: Distribution,
        functions: Functions,
        port: u16,
        options: &Options,
        cache: Cached,
        before: Option<&Self>,
    ) -> Result<Self, Error> {
        let same = before.filter(|it| it.distribution.web_acl == distribution.web_acl);
        let firewall = match (&distribution.web_acl, same) {
            (_, Some(same)) => same.firewall.clone(),
            (Some(WebAcl::Here { rules, .. }), None) => Some(Arc::new(Firewall::new(rules))),
            (Some(WebAcl::Elsewhere) | None, None) => None,
        };
        let reader = functions.reader.as_ref().map(|(_, url)| &**url);
        let upstream = Upstream::new(&functions.origin, reader)?;
        Ok(Self {
            distribution,
            functions,
            firewall,
            cache,
            upstream,
            port,
            requests: options.requests.clone(),
            log: options.functions.clone(),
        })
    }

    /// Answers a viewer, and logs it. `seen` are the cache's invalidations when the request
    /// came: before this pipeline was chosen for it.
    pub(super) async fn answer(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
        seen: u64,
    ) -> Answer {
        let start = Instant::now();
        let method = request.method().as_str().to_owned();
        let path = request.uri().path().to_owned();
        let asked = request.headers().clone();
        let mut notes = Notes {
            cache: CacheResult::None,
            stages: Stages::default(),
            seen,
        };
        let behavior = self.distribution.behavior(&path);
        let id = request_id();
        let outcome = match self.flow(behavior, request, peer, id.clone()).await {
            Ok((behavior, flow)) => self.run(behavior, flow, &mut notes).await,
            Err(refusal) => Err(refusal),
        };
        let outcome = outcome.unwrap_or_else(|r| Outcome::refused(&r, &id));
        let mut headers = outcome.stored.headers;
        if let Some(behavior) = behavior.filter(|_| outcome.decorated) {
            let timing = Timing {
                id: &id,
                cache: notes.cache,
                upstream: notes.stages.origin,
                shielded: self.is_shielded(behavior),
                downstream: milliseconds(start),
            };
            decorate(behavior, &method, &asked, &timing, &mut headers);
        }
        response_headers::sign_off(&mut headers, &id, outcome.x_cache, outcome.age);
        let status = outcome.stored.status;
        (self.requests)(&RequestLog {
            id,
            path: logged(&path),
            status: status.as_u16(),
            cache: notes.cache,
            ms: milliseconds(start),
            stages: notes.stages,
            method: logged(&method),
        });
        respond(status, headers, outcome.stored.body, method == "HEAD")
    }

    fn is_shielded(&self, behavior: &Behavior) -> bool {
        let origin = self.distribution.origins.get(&behavior.origin);
        origin.is_some_and(|origin| origin.shielded)
    }

    /// Reads the viewer's request, within CloudFront's limits: the body last,
    /// once nothing else speaks against the request.
    async fn flow<'a>(
        &self,
        behavior: Option<&'a Behavior>,
        request: Request<Incoming>,
        peer: SocketAddr,
        id: String,
    ) -> Result<(&'a Behavior, Flow), Refusal> {
        let (parts, body) = request.into_parts();
        let target = parts.uri.path_and_query().map_or("", |p| p.as_str());
        check_head(&parts, target)?;
        self.check_host(&parts)?;
        // There is always a default behavior.
        let behavior = behavior.ok_or(Refusal::BadRequest("No behavior matches."))?;
        let method = parts.method.as_str();
        if !behavior.allowed_methods.iter().any(|m| m == method) {
            return Err(Refusal::MethodNotAllowed);
        }
        let body = local_http::read(body, BODY_BYTES)
            .await
            .map_err(|e| match e {
                local_http::BodyError::TooLarge => Refusal::BodyTooLarge,
                local_http::BodyError::Broken => Refusal::BadRequest("The body broke off."),
                local_http::BodyError::Stalled => Refusal::BodyTimedOut,
            })?;
        if parts.method == http::Method::GET && !body.is_empty() {
            return Err(Refusal::BodyOnGet);
        }
        self.screen(&parts, &body)?;
        let request = EdgeRequest {
            client_ip: peer.ip().to_string(),
            headers: event::from_viewer(&parts.headers),
            method: parts.method.as_str().to_owned(),
            querystring: parts.uri.query().unwrap_or_default().to_owned(),
            uri: parts.uri.path().to_owned(),
            body: None,
            origin: None,
            other: serde_json::Map::new(),
        };
        Ok((behavior, Flow { request, body, id }))
    }

    /// The request's `Host` has to be this edge's, or an alias of the distribution's.
    fn check_host(&self, parts: &Parts) -> Result<(), Refusal> {
        let is_alias = || {
            let host = parts
                .headers
                .get(header::HOST)
                .and_then(|v| v.to_str().ok());
            let name = host.map(|host| match host.rsplit_once(':') {
                Some((name, port)) if port == self.port.to_string() => name,
                _ => host,
            });
            name.is_some_and(|name| self.distribution.has_alias(name))
        };
        match local_http::check_host(&parts.headers, &parts.uri, self.port) {
            Ok(()) => Ok(()),
            Err(NotOurs::Unknown) if is_alias() => Ok(()),
            Err(NotOurs::Unknown) => Err(Refusal::UnknownHost),
            Err(NotOurs::Malformed) => Err(Refusal::BadRequest(
                "There must be one Host, and no other server in the target.",
            )),
        }
    }

    /// Before any function runs, so that a refused viewer doesn't learn what is served.
    /// The country first: AWS WAF never sees a request from one that isn't served.
    fn screen(&self, parts: &Parts, body: &[u8]) -> Result<(), Refusal> {
        let country = parts.headers.get(COUNTRY).and_then(|v| v.to_str().ok());
        if let (Some(geo), Some(country)) = (&self.distribution.geo, country)
            && !geo.serves(country)
        {
            return Err(Refusal::Country);
        }
        let inspected = Inspected {
            path: parts.uri.path(),
            query: parts.uri.query().unwrap_or_default(),
            headers: &parts.headers,
            body,
        };
        match &self.firewall {
            Some(firewall) if firewall.blocks(&inspected, Instant::now()) => Err(Refusal::WebAcl),
            _ => Ok(()),
        }
    }

    async fn run(
        &self,
        behavior: &Behavior,
        flow: Flow,
        notes: &mut Notes,
    ) -> Result<Outcome, Refusal> {
        let start = Instant::now();
        let invoked = self
            .invoke(
                behavior.viewer_request.as_ref(),
                Trigger::ViewerRequest,
                flow,
            )
            .await?;
        let flow = match invoked {
            Invoked::Forwards(flow) => *flow,
            Invoked::Answers(generated) => {
                notes.stages.viewer_request = Some(milliseconds(start));
                return Ok(Outcome::generated(&generated, Trigger::ViewerRequest));
            }
        };
        if behavior.viewer_request.is_some() {
            notes.stages.viewer_request = Some(milliseconds(start));
        }
        if behavior.cached_methods.contains(&flow.request.method) {
            self.cached(behavior, flow, notes).await
        } else {
            let (outcome, _) = self.fetch(behavior, flow, &[], notes).await?;
            Ok(outcome)
        }
    }

    /// From the cache, or by way of it.
    async fn cached(
        &self,
        behavior: &Behavior,
        flow: Flow,
        notes: &mut Notes,
    ) -> Result<Outcome, Refusal> {
        let compares = !forward::forwards_cookies(behavior);
        let key = forward::key(behavior, &flow.request);
        let found = self.lock_cache().get(&key, Instant::now());
        let expired = match found {
            Some(Found::Fresh(stored, age)) => {
                notes.cache = CacheResult::Hit;
                let served = conditions::served(stored, &flow.request, compares);
                return Ok(Outcome::hit(served, age));
            }
            Some(Found::Expired(stored)) => Some(stored),
            None => None,
        };
        notes.cache = CacheResult::Miss;
        let asked = flow.request.clone();
        let validators = expired.as_ref().map(conditions::validators);
        let (outcome, lifetime) = self
            .fetch(behavior, flow, &validators.unwrap_or_default(), notes)
            .await?;
        if let Some(expired) = expired
            && outcome.stored.status == StatusCode::NOT_MODIFIED
        {
            notes.cache = CacheResult::Refresh;
            let stored = conditions::refreshed(expired, &outcome.stored);
            let lifetime = self.lifetime(behavior, &stored);
            self.keep(key, &stored, lifetime, notes.seen);
            let served = conditions::served(stored, &asked, compares);
            return Ok(Outcome::refreshed(served));
        }
        if conditions::is_for_all(&asked, &outcome.stored) {
            self.keep(key, &outcome.stored, lifetime, notes.seen);
        }
        Ok(outcome)
    }

    /// `seen` invalidations were made before the request came. What the origin said before a
    /// later one may be what that was to take out.
    fn keep(&self, key: Key, stored: &Stored, lifetime: Duration, seen: u64) {
        let mut cache = self.lock_cache();
        if cache.invalidations() == seen {
            cache.put(key, stored.clone(), lifetime, Instant::now());
        }
    }

    fn lifetime(&self, behavior: &Behavior, stored: &Stored) -> Duration {
        freshness::lifetime(
            &behavior.cache,
            &self.distribution.error_ttl,
            stored.status,
            &stored.headers,
            SystemTime::now(),
        )
    }

    /// Asks the origin, or the function that answers instead of it.
    async fn fetch(
        &self,
        behavior: &Behavior,
        flow: Flow,
        validators: &[(&str, String)],
        notes: &mut Notes,
    ) -> Result<(Outcome, Duration), Refusal> {
        let Some(origin) = self.distribution.origins.get(&behavior.origin) else {
            return Err(Refusal::OriginUnreachable);
        };
        let request = forward::to_origin(behavior, origin, &flow.request, validators);
        let flow = Flow { request, ..flow };
        let start = Instant::now();
        let invoked = self
            .invoke(
                behavior.origin_request_function.as_ref(),
                Trigger::OriginRequest,
                flow,
            )
            .await;
        if behavior.origin_request_function.is_some() {
            notes.stages.origin_request = Some(milliseconds(start));
        }
        let mut outcome = match invoked? {
            Invoked::Answers(generated) => Outcome::generated(&generated, Trigger::OriginRequest),
            Invoked::Forwards(flow) => {
                let start = Instant::now();
                let answer = self.upstream.send(&flow, origin.read_timeout).await;
                notes.stages.origin = Some(milliseconds(start));
                let answer = self.answered(behavior, &flow, answer?, notes).await?;
                Outcome::fetched(answer)
            }
        };
        // CloudFront drops them where it forwards no cookies: an answer that many
        // viewers share must not make a session of one of them.
        if !forward::forwards_cookies(behavior) {
            outcome.stored.headers.remove(header::SET_COOKIE);
        }
        let lifetime = self.lifetime(behavior, &outcome.stored);
        Ok((outcome, lifetime))
    }

    /// Runs the origin-response function, if there is one, on the origin's answer before
    /// it is kept. It doesn't run on what a function answered in the origin's place.
    async fn answered(
        &self,
        behavior: &Behavior,
        flow: &Flow,
        answer: Stored,
        notes: &mut Notes,
    ) -> Result<Stored, Refusal> {
        let Some((association, pool)) = behavior
            .origin_response_function
            .as_ref()
            .and_then(|a| Some((a, self.functions.pools.get(&a.function)?)))
        else {
            return Ok(answer);
        };
        let start = Instant::now();
        let payload = event::event(flow, Trigger::OriginResponse, association, Some(&answer));
        let result = self.run_in(pool, payload).await;
        notes.stages.origin_response = Some(milliseconds(start));
        verdict::judge_response(&answer, &result?).map_err(|invalid| self.refused(pool, &invalid))
    }

    async fn run_in(&self, pool: &Pool, payload: Bytes) -> Result<Bytes, Refusal> {
        match pool.invoke(payload).await {
            Ok(result) => Ok(result),
            Err(Failure::TimedOut) => {
                (self.log)(pool.name(), "took longer than its Timeout and was killed");
                Err(Refusal::FunctionTimedOut)
            }
            Err(Failure::Failed(why)) => {
                (self.log)(pool.name(), &format!("failed: {why}"));
                Err(Refusal::FunctionFailed)
            }
        }
    }

    fn refused(&self, pool: &Pool, invalid: &verdict::Invalid) -> Refusal {
        (self.log)(
            pool.name(),
            &format!("its result is refused: {}", invalid.0),
        );
        Refusal::InvalidResult
    }

    /// Runs the function of an event. Without one, the request goes on as it is.
    async fn invoke(
        &self,
        association: Option<&Association>,
        trigger: Trigger,
        flow: Flow,
    ) -> Result<Invoked, Refusal> {
        let Some((association, pool)) =
            association.and_then(|a| Some((a, self.functions.pools.get(&a.function)?)))
        else {
            return Ok(Invoked::Forwards(Box::new(flow)));
        };
        let payload = event::event(&flow, trigger, association, None);
        let result = self.run_in(pool, payload).await?;
        match verdict::judge(trigger, association.include_body, &flow.request, &result) {
            Ok(Verdict::Response(generated)) => Ok(Invoked::Answers(generated)),
            Ok(Verdict::Request(changed)) => Ok(Invoked::Forwards(Box::new(Flow {
                request: changed.request,
                body: changed.body.unwrap_or(flow.body),
                id: flow.id,
            }))),
            Err(invalid) => Err(self.refused(pool, &invalid)),
        }
    }

    fn lock_cache(&self) -> std::sync::MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Applies the behavior's response headers policy. `asked` are the viewer's headers.
fn decorate(
    behavior: &Behavior,
    method: &str,
    asked: &HeaderMap,
    timing: &Timing<'_>,
    headers: &mut HeaderMap,
) {
    let Some(policy) = &behavior.response_headers else {
        return;
    };
    let origin = asked.get(header::ORIGIN).and_then(|v| v.to_str().ok());
    response_headers::apply(policy, method, origin, headers);
    if policy
        .server_timing
        .is_some_and(|rate| timing::wanted(rate, asked))
    {
        timing::apply(timing, headers);
    }
}

/// A viewer's text for a log line, which is never longer than anybody reads.
fn logged(text: &str) -> String {
    const BYTES: usize = 1024;
    let mut text = printable(text);
    if text.len() > BYTES {
        text.truncate(BYTES);
        text.push_str("...");
    }
    text
}

fn check_head(parts: &Parts, target: &str) -> Result<(), Refusal> {
    if target.len() > URL_BYTES {
        return Err(Refusal::UrlTooLong);
    }
    let headers: usize = parts
        .headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum();
    if parts.method.as_str().len() + target.len() + headers > HEAD_BYTES {
        return Err(Refusal::HeadersTooLarge);
    }
    if !target.starts_with('/') {
        return Err(Refusal::BadRequest("The request has no path."));
    }
    Ok(())
}

/// In the form of CloudFront's own ids: 56 characters of URL-safe base64.
fn request_id() -> String {
    use base64::{Engine, engine::general_purpose::URL_SAFE};
    // Not a secret: it only has to differ from the others.
    let bytes: [u8; 40] = random::random().unwrap_or([0; 40]);
    URL_SAFE.encode(bytes)
}

/// To the microsecond.
fn milliseconds(since: Instant) -> f64 {
    (since.elapsed().as_secs_f64() * 1e6).round() / 1e3
}
