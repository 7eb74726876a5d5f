//! A model of CloudFront: what happens to a request between the viewer and the
//! origin, by the compiled template only.
//!
//! The viewer speaks plain HTTP here: on 127.0.0.1 it replaces the HTTPS that
//! `ViewerProtocolPolicy: https-only` asks for. Not modelled: compression, collapsing of
//! simultaneous misses, an expired object in place of the origin's 5xx, and what neither
//! the template nor AWS's documentation tells of web ACLs. [`CloudFront::notes`] says what
//! a package has of these.
//!
//! A range of what the cache holds comes from the cache. Where it holds nothing, the
//! range goes on to the origin. HealthImaging doesn't document ranges, and an origin that
//! ignores them sends the whole object: CloudFront passes on all of it, keeps it, and cuts
//! later ranges from it. An origin's part (206) is passed on too, but isn't kept here.
//! Source: "How CloudFront processes partial requests for an object (range GETs)",
//! Amazon CloudFront Developer Guide.
//!
//! All viewers have one address here, which is in no country. So a geo
//! restriction uses the header `CloudFront-Viewer-Country` that the viewer
//! sends to this edge; a viewer that sends none is served.

mod cache;
mod conditions;
mod event;
mod forward;
mod freshness;
mod invalidation;
mod names;
mod outcome;
mod pipeline;
mod ranges;
mod refusal;
mod request_log;
mod response_headers;
mod rules;
mod stored;
#[cfg(test)]
mod tests;
mod timing;
mod upstream;
mod verdict;
mod waf;

pub use invalidation::Invalidation;
pub use request_log::{CacheResult, RequestLog, Stages};

use super::{
    Credentials, CredentialsSource, Error, FunctionLog,
    healthimaging::{Policy, StandIn},
    http as local_http,
    lambda::{FunctionUrl, Pool},
    package::{Distribution, Function, Package, Reader},
    printable::printable,
};
use cache::Cached;
use pipeline::{Functions, Pipeline};
use std::{
    net::SocketAddr,
    sync::{Arc, PoisonError, RwLock, Weak},
};

/// Turns of the event loop; a few are enough.
const STOP_TURNS: usize = 1000;

/// Where frames come from.
#[derive(Clone)]
pub enum OriginServer {
    /// The embedded HealthImaging, which knows the credentials of the run.
    StandIn(Arc<StandIn>),
    /// HealthImaging itself, with the caller's credentials; or what stands in for it on
    /// this machine.
    Aws {
        credentials: CredentialsSource,
        endpoint: Option<SocketAddr>,
    },
}

/// Takes every request once it is answered.
pub type RequestSink = Arc<dyn Fn(&RequestLog) + Send + Sync>;

pub struct Options {
    /// 0: a free port.
    pub port: u16,
    pub origin: OriginServer,
    pub requests: RequestSink,
    /// Takes the functions' own lines, and why a result of theirs was refused.
    pub functions: FunctionLog,
}

/// The edge, listening. Dropping it ends it and its functions' processes, and
/// deletes their files.
pub struct CloudFront {
    server: local_http::Server,
    live: Live,
    /// Those that were replaced: requests may still be on their way through them.
    former: Vec<Weak<Pipeline>>,
    cache: Cached,
    notes: Vec<String>,
}

/// What requests go through from now on. One that is on its way keeps what it began with.
type Live = Arc<RwLock<Arc<Pipeline>>>;

/// The edge's cache, for whoever takes something out of it.
#[derive(Clone)]
pub struct EdgeCache(Cached);

impl EdgeCache {
    /// Returns how many objects are gone. One that is being fetched won't be kept either.
    pub fn invalidate(&self, invalidation: &Invalidation) -> usize {
        let mut cache = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        cache.invalidate(invalidation)
    }
}

impl CloudFront {
    /// Serves a package.
    pub async fn start(package: Package, options: Options) -> Result<Self, Error> {
        let notes = package.notes.clone();
        let cache = Cached::default();
        let listener = local_http::bind(options.port).await?;
        let port = listener
            .local_addr()
            .map_or(options.port, |address| address.port());
        let pipeline = pipeline(package, options, port, &cache, None).await?;
        let live: Live = Arc::new(RwLock::new(Arc::new(pipeline)));
        let (shared, kept) = (live.clone(), cache.clone());
        let server = local_http::serve(listener, move |request, peer| {
            // In this order: whoever still gets the former pipeline is known by the number.
            let seen = {
                let cache = kept.lock().unwrap_or_else(PoisonError::into_inner);
                cache.invalidations()
            };
            let pipeline = current(&shared);
            async move { pipeline.answer(request, peer, seen).await }
        })?;
        Ok(Self {
            server,
            live,
            former: Vec::new(),
            cache,
            notes,
        })
    }

    /// Serves another package from now on, as after an update of the distribution. The port
    /// stays, whatever `options` say. A request that is on its way ends as it began. What is
    /// cached stays, as far as it is kept by the same rules. Where this fails, nothing changes.
    pub async fn update(&mut self, package: Package, options: Options) -> Result<(), Error> {
        let before = current(&self.live);
        let notes = package.notes.clone();
        let changed = rules::changed(&before.distribution, &package.distribution);
        let port = self.server.address.port();
        let pipeline = pipeline(package, options, port, &self.cache, Some(&before)).await?;
        let pipeline = Arc::new(pipeline);
        *self.live.write().unwrap_or_else(PoisonError::into_inner) = pipeline;
        if !changed.is_empty() {
            // Only now: nothing that came through the former pipeline is kept from here on.
            let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
            cache.forget(&changed);
        }
        self.former.retain(|former| former.strong_count() > 0);
        self.former.push(Arc::downgrade(&before));
        self.notes = notes;
        Ok(())
    }

    /// What a deployment would do and this edge doesn't, one sentence each.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// What it caches, to take something out of.
    pub fn cache(&self) -> EdgeCache {
        EdgeCache(self.cache.clone())
    }

    pub fn address(&self) -> SocketAddr {
        self.server.address
    }

    /// Ends it: once this returns, the port is closed, every function's process
    /// is killed and its files are gone. Dropping does the same, only later.
    pub async fn stop(self) {
        let last = current(&self.live);
        self.server.stop().await;
        drop(self.live);
        let reader = last.functions.reader.as_ref().map(|(_, url)| url.clone());
        // The connections' tasks, just aborted, let go of it when next polled.
        for _ in 0..STOP_TURNS {
            let is_former = |former: &Weak<Pipeline>| former.strong_count() > 0;
            if Arc::strong_count(&last) == 1 && !self.former.iter().any(is_former) {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(last);
        if let Some(reader) = reader.and_then(Arc::into_inner) {
            reader.stop().await;
        }
    }

    /// `http://127.0.0.1:<port>`
    pub fn url(&self) -> String {
        format!("http://{}", self.server.address)
    }
}

fn current(live: &Live) -> Arc<Pipeline> {
    live.read().unwrap_or_else(PoisonError::into_inner).clone()
}

/// A package's pipeline. A function that `before` has the very same of goes on in its processes.
async fn pipeline(
    package: Package,
    options: Options,
    port: u16,
    cache: &Cached,
    before: Option<&Pipeline>,
) -> Result<Pipeline, Error> {
    let options = Options {
        functions: escaped(options.functions),
        ..options
    };
    let before = before.filter(|it| it.functions.origin.has_the_caller_of(&options.origin));
    let mut pools = std::collections::BTreeMap::new();
    for (id, function) in package.functions {
        let signs = signs(&package.distribution, &id);
        let same = before.filter(|it| signs == self::signs(&it.distribution, &id));
        let same = same.and_then(|it| it.functions.pools.get(&id));
        let pool = match same.filter(|pool| *pool.function() == function) {
            Some(pool) => pool.clone(),
            None => {
                let credentials = if signs {
                    signing(&options.origin)
                } else {
                    powerless()
                };
                pool(
                    function,
                    credentials,
                    options.functions.clone(),
                    None,
                    same.cloned(),
                )
                .await?
            }
        };
        pools.insert(id, pool);
    }
    let reader = match package.reader {
        Some(reader) => {
            let same = before.filter(|it| it.functions.origin.is(&options.origin));
            let same = same.and_then(|it| it.functions.reader.as_ref());
            let url = match same.filter(|(known, _)| *known == reader) {
                Some((_, url)) => url.clone(),
                None => Arc::new(behind_url(&reader, &options).await?),
            };
            Some((reader, url))
        }
        None => None,
    };
    let functions = Functions {
        pools,
        reader,
        origin: options.origin.clone(),
    };
    let cache = cache.clone();
    Pipeline::new(
        package.distribution,
        functions,
        port,
        &options,
        cache,
        before,
    )
}

/// The role that may read frames is the origin-request function's.
fn signs(distribution: &Distribution, id: &str) -> bool {
    distribution.behaviors.iter().any(|b| {
        b.origin_request_function
            .as_ref()
            .is_some_and(|a| a.function == id)
    })
}

/// Unpacks a function, and not on the thread that others wait for.
async fn pool(
    function: Function,
    credentials: CredentialsSource,
    log: FunctionLog,
    endpoint: Option<SocketAddr>,
    before: Option<Arc<Pool>>,
) -> Result<Arc<Pool>, Error> {
    let unpack = move || Pool::new(function, credentials, log, endpoint, before.as_deref());
    let unpacked = tokio::task::spawn_blocking(unpack).await;
    let unpacked = unpacked.map_err(|_| Error::new("a function can't be unpacked"))?;
    unpacked.map(Arc::new)
}

impl OriginServer {
    /// Whether it is that very one.
    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::StandIn(a), Self::StandIn(b)) => Arc::ptr_eq(a, b),
            (Self::Aws { .. }, Self::Aws { .. }) => self.has_the_caller_of(other),
            _ => false,
        }
    }

    /// Whether functions sign for both with the same credentials.
    fn has_the_caller_of(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::StandIn(a), Self::StandIn(b)) => {
                a.credentials().access_key_id == b.credentials().access_key_id
            }
            (
                Self::Aws {
                    credentials: a,
                    endpoint: of_a,
                },
                Self::Aws {
                    credentials: b,
                    endpoint: of_b,
                },
            ) => Arc::ptr_eq(a, b) && of_a == of_b,
            _ => false,
        }
    }
}

/// What functions print may quote what a viewer sent.
fn escaped(log: FunctionLog) -> FunctionLog {
    Arc::new(move |function, line| log(function, &printable(line)))
}

/// The reader, behind its URL. It asks HealthImaging by its own role, and for itself.
async fn behind_url(reader: &Reader, options: &Options) -> Result<FunctionUrl, Error> {
    let (credentials, endpoint) = match &options.origin {
        OriginServer::StandIn(stand_in) => {
            let own = Credentials::random()?;
            stand_in.admit_reader(own.clone(), Policy::of_reader(reader));
            (always(own), Some(stand_in.address()))
        }
        OriginServer::Aws {
            credentials,
            endpoint,
        } => (credentials.clone(), *endpoint),
    };
    let log = options.functions.clone();
    let pool = pool(
        reader.function.clone(),
        credentials,
        log.clone(),
        endpoint,
        None,
    )
    .await?;
    FunctionUrl::start(reader, pool, signing(&options.origin), log).await
}

fn signing(origin: &OriginServer) -> CredentialsSource {
    match origin {
        OriginServer::Aws { credentials, .. } => credentials.clone(),
        OriginServer::StandIn(stand_in) => always(stand_in.credentials().clone()),
    }
}

fn always(credentials: Credentials) -> CredentialsSource {
    Arc::new(move || {
        let credentials = credentials.clone();
        Box::pin(async move { Ok(credentials) })
    })
}

/// Lambda gives every function credentials; these open nothing.
fn powerless() -> CredentialsSource {
    Arc::new(|| Box::pin(async { Credentials::random() }))
}
