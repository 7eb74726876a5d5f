//! HealthImaging's stand-in: a data store of DICOM instances, behind the
//! service's own check of every signature, and of what the signer's role allows.
//!
//! It knows nothing of the functions' code: it verifies with a library of its
//! own, and answers from files in the service's form.

mod dicomweb;
mod error;
mod iam;
mod metadata;
mod native;
mod search;
mod seen;
mod store;
mod study;

pub use iam::Policy;
pub use seen::Seen;
pub use store::{DataStore, FrameNames, Series, Study, frame_id};
pub use study::{embedded, of};

use super::{
    Credentials, Error,
    http::{self as local_http, Answer},
    signature::{self, Signer},
};
use bytes::Bytes;
use error::ServiceError;
use frames_edge::{SignerConfig, operation};
use http::{HeaderValue, Method, Request, header};
use hyper::body::Incoming;
use iam::Part;
use seen::Log;
use std::{
    net::SocketAddr,
    sync::{Arc, OnceLock},
    time::SystemTime,
};

/// SigV4's name of the service.
const SERVICE: &str = "medical-imaging";

/// No operation that is served here takes a larger body.
const BODY_BYTES: usize = 1024 * 1024;

/// The actions of native reads.
const FRAME: &str = "GetImageFrame";
const METADATA: &str = "GetImageSetMetadata";

/// The stand-in, listening. It ends when it is dropped.
pub struct StandIn {
    server: local_http::Server,
    state: Arc<State>,
    hosts: Vec<String>,
}

/// How many of the store's series can be read at all, and what the policy names
/// that the store hasn't.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    pub series: usize,
    /// By `GetImageFrame`.
    pub native: usize,
    pub dicomweb: usize,
    /// `study 1.2.3`, `series 1.2.3.4`.
    pub absent: Vec<String>,
}

struct State {
    native_host: String,
    dicomweb_host: Option<String>,
    region: String,
    credentials: Credentials,
    policy: Policy,
    /// Asks by itself, not through CloudFront.
    reader: OnceLock<(Credentials, Policy)>,
    store: DataStore,
    log: Log,
}

impl StandIn {
    /// Starts it under exactly the hosts and Region that the signer signs for. Its
    /// data store takes the ids that `policy` names, so that there is something
    /// to be read.
    pub async fn start(
        config: &SignerConfig,
        credentials: Credentials,
        policy: Policy,
        mut store: DataStore,
    ) -> Result<Self, Error> {
        if let Some((id, sets)) = policy.named() {
            store.rename(id, &sets);
        }
        let state = Arc::new(State {
            native_host: config.native_host.clone(),
            dicomweb_host: config.dicomweb_host.clone(),
            region: config.region.clone(),
            credentials,
            policy,
            reader: OnceLock::new(),
            store,
            log: Log::default(),
        });
        let shared = state.clone();
        let listener = local_http::bind(0).await?;
        let server = local_http::serve(listener, move |request, _| {
            let state = shared.clone();
            async move { state.answer(request).await }
        })?;
        let hosts = std::iter::once(&state.native_host)
            .chain(&state.dicomweb_host)
            .cloned()
            .collect();
        Ok(Self {
            server,
            state,
            hosts,
        })
    }

    pub fn address(&self) -> SocketAddr {
        self.server.address
    }

    /// The names that it answers to.
    pub fn hosts(&self) -> &[String] {
        &self.hosts
    }

    /// What it accepts signatures of.
    pub fn credentials(&self) -> &Credentials {
        &self.state.credentials
    }

    /// From now on the reader is answered, too, for what its own role allows.
    pub(crate) fn admit_reader(&self, credentials: Credentials, policy: Policy) {
        let _ = self.state.reader.set((credentials, policy));
    }

    pub fn store(&self) -> &DataStore {
        &self.state.store
    }

    /// Whether the policy lets the signer read frames of a series by `GetImageFrame`.
    pub fn serves_native(&self, series: &Series) -> bool {
        let State {
            policy,
            store,
            region,
            ..
        } = &*self.state;
        let checked = policy.native(FRAME, region, &store.id, &series.image_set_id);
        checked.is_ok()
    }

    /// The same by DICOMweb, where that is served.
    pub fn serves_dicomweb(&self, series: &Series) -> bool {
        let State {
            policy,
            store,
            region,
            dicomweb_host,
            ..
        } = &*self.state;
        let part = Part {
            study: Some(&*series.study),
            series: Some(&*series.uid),
        };
        let action = "GetDICOMInstanceFrames";
        let allowed = policy.dicomweb(action, region, &store.id, part);
        dicomweb_host.is_some() && allowed.is_ok()
    }

    /// What of its data store the policy lets anybody read.
    pub fn reach(&self) -> Reach {
        let State { policy, store, .. } = &*self.state;
        let native = |series: &&Series| self.serves_native(series);
        let dicomweb = |series: &&Series| self.serves_dicomweb(series);
        let is_there = |what: &str, uid: &str| {
            let mut all = store.series().iter();
            all.any(|series| {
                let own = if what == "study" {
                    &series.study
                } else {
                    &series.uid
                };
                &**own == uid
            })
        };
        let absent = policy.named_parts().into_iter();
        Reach {
            series: store.series().len(),
            native: store.series().iter().filter(native).count(),
            dicomweb: store.series().iter().filter(dicomweb).count(),
            absent: absent
                .filter(|(what, uid)| !is_there(what, uid))
                .map(|(what, uid)| format!("{what} {uid}"))
                .collect(),
        }
    }

    /// The last requests, oldest first.
    pub fn seen(&self) -> Vec<Seen> {
        self.state.log.seen()
    }

    /// From now on a request that holds `secret` anywhere is marked, [`Seen::leaked`].
    pub fn watch_for(&self, secret: &str) {
        self.state.log.watch_for(secret);
    }
}

impl State {
    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Answer {
        let (parts, body) = request.into_parts();
        let body = match local_http::read(body, BODY_BYTES).await {
            Ok(body) => body,
            Err(_) => {
                return ServiceError::validation("The body could not be read, or is too large.")
                    .answer();
            }
        };
        let request = Request::from_parts(parts, body);
        let note = self.log.note(&request);
        let mut answer = match self.clone().serve(request).await {
            Ok(answer) => answer,
            Err(error) => error.answer(),
        };
        if let Some(id) = super::random::uuid()
            .ok()
            .and_then(|id| HeaderValue::from_str(&id).ok())
        {
            answer.headers_mut().insert("x-amzn-requestid", id);
        }
        self.log.push(note, answer.status().as_u16());
        answer
    }

    /// Host, then signature, then policy, then operation: a caller that didn't sign learns nothing.
    async fn serve(self: Arc<Self>, request: Request<Bytes>) -> Result<Answer, ServiceError> {
        let host = request
            .headers()
            .get(header::HOST)
            .and_then(|h| h.to_str().ok())
            .unwrap_or_default();
        let is_native = host == self.native_host;
        if !is_native && Some(host) != self.dicomweb_host.as_deref() {
            return Err(ServiceError::unknown_host());
        }
        let of_reader = self.is_of_reader(&request);
        let reader = self.reader.get().filter(|_| of_reader);
        let credentials = reader.map_or(&self.credentials, |(own, _)| own);
        let signer = Signer {
            service: SERVICE,
            region: &self.region,
            credentials,
            by_cloudfront: reader.is_none(),
        };
        let request = signature::verify(request, &signer, SystemTime::now()).await?;
        // Files are read, and frames decoded: none of it on a thread that others wait for.
        let served = tokio::task::spawn_blocking(move || {
            if is_native {
                self.native(&request, self.policy_for(of_reader))
            } else {
                self.dicomweb(&request, self.policy_for(of_reader))
            }
        });
        served
            .await
            .unwrap_or_else(|_| Err(ServiceError::internal("The answer failed.")))
    }

    /// By the key that it names. Whether it has signed with that key is seen to next.
    fn is_of_reader(&self, request: &Request<Bytes>) -> bool {
        let authorization = request.headers().get(header::AUTHORIZATION);
        let named = authorization.and_then(|value| value.to_str().ok());
        let named = named.and_then(|value| value.split_once("Credential="));
        let key = named.and_then(|(_, rest)| rest.split('/').next());
        let reader = self.reader.get();
        reader.is_some_and(|(own, _)| key == Some(own.access_key_id.as_str()))
    }

    fn policy_for(&self, of_reader: bool) -> &Policy {
        match self.reader.get().filter(|_| of_reader) {
            Some((_, policy)) => policy,
            None => &self.policy,
        }
    }

    fn native(&self, request: &Request<Bytes>, policy: &Policy) -> Result<Answer, ServiceError> {
        let steps = steps(request);
        match steps.as_slice() {
            ["datastore", store, "imageSet", set, "getImageFrame"] => {
                only(request, &[Method::POST])?;
                check_ids(&[store, set])?;
                policy.native(FRAME, &self.region, store, set)?;
                native::get_image_frame(&self.store, store, set, request.body())
            }
            ["datastore", store, "imageSet", set, "getImageSetMetadata"] => {
                only(request, &[Method::POST])?;
                check_ids(&[store, set])?;
                policy.native(METADATA, &self.region, store, set)?;
                let query = request.uri().query().unwrap_or_default();
                metadata::get_image_set_metadata(&self.store, store, set, query)
            }
            ["datastore", ..] => Err(ServiceError::not_served("this native operation")),
            _ => Err(ServiceError::unknown_operation()),
        }
    }

    fn dicomweb(&self, request: &Request<Bytes>, policy: &Policy) -> Result<Answer, ServiceError> {
        let steps = steps(request);
        let ["datastore", id, rest @ ..] = steps.as_slice() else {
            return Err(ServiceError::unknown_operation());
        };
        let operation = dicomweb::Operation::parse(rest)?;
        only(request, &[Method::GET, Method::HEAD])?;
        check_ids(&[id])?;
        let (action, part) = (operation.action(), operation.part());
        policy.dicomweb(action, &self.region, id, part)?;
        let asked = dicomweb::Asked {
            store: &self.store,
            id,
            host: self.dicomweb_host.as_deref().unwrap_or_default(),
            query: request.uri().query().unwrap_or_default(),
            headers: request.headers(),
        };
        asked.answer(&operation)
    }
}

fn steps(request: &Request<Bytes>) -> Vec<&str> {
    let path = request.uri().path();
    path.strip_prefix('/').unwrap_or(path).split('/').collect()
}

fn only(request: &Request<Bytes>, methods: &[Method]) -> Result<(), ServiceError> {
    if methods.contains(request.method()) {
        Ok(())
    } else {
        Err(ServiceError::unknown_operation())
    }
}

fn check_ids(ids: &[&str]) -> Result<(), ServiceError> {
    match ids.iter().find(|id| !operation::is_id(id)) {
        Some(id) => Err(ServiceError::validation(&format!(
            "`{id}` does not match [0-9a-z]{{32}}."
        ))),
        None => Ok(()),
    }
}
