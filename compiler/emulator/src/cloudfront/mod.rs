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
mod names;
mod outcome;
mod pipeline;
mod ranges;
mod refusal;
mod request_log;
mod response_headers;
mod stored;
#[cfg(test)]
mod tests;
mod timing;
mod upstream;
mod verdict;
mod waf;

pub use request_log::{CacheResult, RequestLog, Stages};

use super::{
    Credentials, CredentialsSource, Error, FunctionLog,
    healthimaging::{Policy, StandIn},
    http as local_http,
    lambda::{FunctionUrl, Pool},
    package::{Package, Reader},
    printable::printable,
};
use pipeline::{Cached, Pipeline};
use std::{net::SocketAddr, sync::Arc};

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
    pipeline: Arc<Pipeline>,
    reader: Option<FunctionUrl>,
    notes: Vec<String>,
}

impl CloudFront {
    /// Serves a package.
    pub async fn start(package: Package, options: Options) -> Result<Self, Error> {
        Self::start_with(package, options, Cached::default()).await
    }

    /// Serves another package from now on, as after an update of the distribution: what is cached stays.
    pub async fn update(self, package: Package, options: Options) -> Result<Self, Error> {
        let cached = self.pipeline.kept();
        self.stop().await;
        Self::start_with(package, options, cached).await
    }

    async fn start_with(package: Package, options: Options, cached: Cached) -> Result<Self, Error> {
        let notes = package.notes;
        let options = Options {
            functions: escaped(options.functions),
            ..options
        };
        let mut pools = std::collections::BTreeMap::new();
        for (id, function) in package.functions {
            // The role that may read frames is the origin-request function's.
            let signs = package.distribution.behaviors.iter().any(|b| {
                b.origin_request_function
                    .as_ref()
                    .is_some_and(|a| a.function == id)
            });
            let credentials = if signs {
                signing(&options.origin)
            } else {
                powerless()
            };
            let pool = Pool::new(function, credentials, options.functions.clone(), None)?;
            pools.insert(id, pool);
        }
        let reader = match &package.reader {
            Some(reader) => Some(behind_url(reader, &options).await?),
            None => None,
        };
        let listener = local_http::bind(options.port).await?;
        let port = listener
            .local_addr()
            .map_or(options.port, |address| address.port());
        let pipeline = Arc::new(Pipeline::new(
            package.distribution,
            pools,
            port,
            reader.as_ref(),
            &options,
            cached,
        )?);
        let shared = pipeline.clone();
        let server = local_http::serve(listener, move |request, peer| {
            let pipeline = shared.clone();
            async move { pipeline.answer(request, peer).await }
        })?;
        Ok(Self {
            server,
            pipeline,
            reader,
            notes,
        })
    }

    /// What a deployment would do and this edge doesn't, one sentence each.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    pub fn address(&self) -> SocketAddr {
        self.server.address
    }

    /// Ends it: once this returns, the port is closed, every function's process
    /// is killed and its files are gone. Dropping does the same, only later.
    pub async fn stop(self) {
        self.server.stop().await;
        if let Some(reader) = self.reader {
            reader.stop().await;
        }
        // The connections' tasks, just aborted, let go of it when next polled.
        for _ in 0..STOP_TURNS {
            if Arc::strong_count(&self.pipeline) == 1 {
                return;
            }
            tokio::task::yield_now().await;
        }
    }

    /// `http://127.0.0.1:<port>`
    pub fn url(&self) -> String {
        format!("http://{}", self.server.address)
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
    let pool = Pool::new(reader.function.clone(), credentials, log.clone(), endpoint)?;
    FunctionUrl::start(reader, Arc::new(pool), signing(&options.origin), log).await
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
