//! DICOMweb: which operation a path names, and its answer. Searches are
//! [`search`]'s.
//!
//! Sources: "Retrieving DICOM data from HealthImaging" and its pages, AWS
//! HealthImaging Developer Guide; "Actions, resources, and condition keys for AWS
//! HealthImaging", Service Authorization Reference. That lists no actions of the
//! three searches that the guide has more: they go by the nearest.
//!
//! AWS says nothing of `ETag`, `Last-Modified` or ranges here: there are none.

mod accept;
mod frames;
mod whole;

#[cfg(test)]
mod tests;

use super::error::ServiceError;
use super::iam::Part;
use super::search::{self, Level, Scope, Searchable};
use super::store::DataStore;
use crate::dicom::Instance;
use crate::http::{self as local_http, Answer};
use bytes::Bytes;
use dicom_object::InMemDicomObject;
use frames_edge::operation;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use serde_json::{Map, Value};
use std::time::SystemTime;

/// What a path below `/datastore/{id}` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation<'a> {
    Search(Scope<'a>),
    SeriesMetadata { study: &'a str, series: &'a str },
    OfInstance([&'a str; 3], Wanted<'a>),
}

/// What is wanted of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted<'a> {
    Whole,
    Metadata,
    /// Their numbers.
    Frames(&'a str),
    /// Its hash.
    Bulk(&'a str),
}

impl<'a> Operation<'a> {
    pub(super) fn parse(steps: &[&'a str]) -> Result<Self, ServiceError> {
        let read = match *steps {
            ["studies"] => Self::search(Level::Study, None, None),
            ["series"] => Self::search(Level::Series, None, None),
            ["instances"] => Self::search(Level::Instance, None, None),
            ["studies", study, "series"] => Self::search(Level::Series, Some(study), None),
            ["studies", study, "instances"] => Self::search(Level::Instance, Some(study), None),
            ["studies", study, "series", series, ref rest @ ..] => match *rest {
                ["instances"] => Self::search(Level::Instance, Some(study), Some(series)),
                ["metadata"] => Self::SeriesMetadata { study, series },
                ["instances", instance, ref rest @ ..] => {
                    let wanted = match *rest {
                        [] => Wanted::Whole,
                        ["metadata"] => Wanted::Metadata,
                        ["frames", list] => Wanted::Frames(list),
                        ["bulkdata", hash] => Wanted::Bulk(hash),
                        _ => return Err(ServiceError::unknown_operation()),
                    };
                    Self::OfInstance([study, series, instance], wanted)
                }
                _ => return Err(ServiceError::unknown_operation()),
            },
            _ => return Err(ServiceError::unknown_operation()),
        };
        let instance = match read {
            Self::OfInstance([.., instance], _) => Some(instance),
            _ => None,
        };
        let part = read.part();
        let mut uids = [part.study, part.series, instance].into_iter().flatten();
        match uids.find(|uid| !operation::is_uid(uid)) {
            Some(uid) => Err(ServiceError::validation(&format!(
                "`{uid}` is not a DICOM UID."
            ))),
            None => Ok(read),
        }
    }

    fn search(level: Level, study: Option<&'a str>, series: Option<&'a str>) -> Self {
        Self::Search(Scope {
            level,
            study,
            series,
        })
    }

    /// IAM's name of it.
    pub(super) fn action(&self) -> &'static str {
        match self {
            Self::Search(scope) => match scope.level {
                Level::Study => "SearchDICOMStudies",
                Level::Series => "SearchDICOMSeries",
                Level::Instance => "SearchDICOMInstances",
            },
            Self::SeriesMetadata { .. } => "GetDICOMSeriesMetadata",
            Self::OfInstance(_, Wanted::Whole) => "GetDICOMInstance",
            Self::OfInstance(_, Wanted::Metadata) => "GetDICOMInstanceMetadata",
            Self::OfInstance(_, Wanted::Frames(_)) => "GetDICOMInstanceFrames",
            Self::OfInstance(_, Wanted::Bulk(_)) => "GetDICOMBulkdata",
        }
    }

    /// What IAM's condition keys are compared with.
    pub(super) fn part(&self) -> Part<'a> {
        let (study, series) = match *self {
            Self::Search(scope) => (scope.study, scope.series),
            Self::SeriesMetadata { study, series } => (Some(study), Some(series)),
            Self::OfInstance([study, series, _], _) => (Some(study), Some(series)),
        };
        Part { study, series }
    }
}

/// What a request asks, and of which data store.
pub(super) struct Asked<'a> {
    pub store: &'a DataStore,
    /// The data store's id, as the path names it.
    pub id: &'a str,
    /// The service's own name, for addresses in answers.
    pub host: &'a str,
    pub query: &'a str,
    pub headers: &'a HeaderMap,
}

impl Asked<'_> {
    pub(super) fn answer(&self, operation: &Operation<'_>) -> Result<Answer, ServiceError> {
        match *operation {
            Operation::Search(scope) => self.search(&scope),
            Operation::SeriesMetadata { study, series } => {
                let set = image_set(self.query)?;
                let found = self.store.one_series(self.id, [study, series], set)?;
                self.metadata(&self.entries(self.store.instances_of(found)))
            }
            Operation::OfInstance(uids, wanted) => {
                let set = image_set(self.query)?;
                let instance = self.store.instance(self.id, uids, set)?;
                match wanted {
                    Wanted::Whole => whole::answer(instance, self.headers),
                    Wanted::Metadata => self.metadata(&self.entries([instance])),
                    Wanted::Frames(list) => frames::answer(instance, list, self.headers),
                    Wanted::Bulk(hash) => self.bulk(instance, hash),
                }
            }
        }
    }

    fn search(&self, scope: &Scope<'_>) -> Result<Answer, ServiceError> {
        self.check_json()?;
        self.store.check_store(self.id)?;
        let entries = self.entries(self.store.instances());
        let found = search::search(entries.iter(), scope, self.query, &self.root())?;
        Ok(json(&found))
    }

    /// One object per instance.
    fn metadata(&self, entries: &[Entry<'_>]) -> Result<Answer, ServiceError> {
        self.check_json()?;
        let all: Result<Vec<Value>, ServiceError> = entries
            .iter()
            .map(|entry| entry.metadata().map(Value::Object))
            .collect();
        Ok(json(&Value::Array(all?)))
    }

    fn bulk(&self, instance: &Instance, hash: &str) -> Result<Answer, ServiceError> {
        const OCTETS: &str = "application/octet-stream";
        if !accept::wants(self.headers, &[OCTETS]) {
            return Err(ServiceError::not_acceptable(
                "Bulk data are application/octet-stream.",
            ));
        }
        Ok(typed(OCTETS, instance.bulk(hash)?))
    }

    fn check_json(&self) -> Result<(), ServiceError> {
        if accept::wants(
            self.headers,
            &["application/dicom+json", "application/json"],
        ) {
            Ok(())
        } else {
            Err(ServiceError::not_acceptable(
                "Searches and metadata are application/dicom+json.",
            ))
        }
    }

    /// The data store's own address. It isn't the edge's: HealthImaging knows nothing of that.
    fn root(&self) -> String {
        format!("https://{}/datastore/{}", self.host, self.id)
    }

    fn entries<'a>(&self, instances: impl IntoIterator<Item = &'a Instance>) -> Vec<Entry<'a>> {
        let root: std::rc::Rc<str> = self.root().into();
        let entries = instances.into_iter().map(|instance| Entry {
            instance,
            root: root.clone(),
        });
        entries.collect()
    }
}

/// An instance and the address of its data store.
struct Entry<'a> {
    instance: &'a Instance,
    root: std::rc::Rc<str>,
}

impl Searchable for Entry<'_> {
    fn uids(&self) -> [&str; 3] {
        let Instance {
            study, series, uid, ..
        } = self.instance;
        [study, series, uid]
    }

    fn updated(&self) -> SystemTime {
        self.instance.updated
    }

    fn attributes(&self) -> &InMemDicomObject {
        &self.instance.attributes
    }

    fn metadata(&self) -> Result<Map<String, Value>, ServiceError> {
        let [study, series, instance] = self.uids();
        let root = &self.root;
        let bulk = format!("{root}/studies/{study}/series/{series}/instances/{instance}/bulkdata");
        match self.instance.metadata(&bulk)? {
            Value::Object(metadata) => Ok(metadata),
            _ => Err(ServiceError::internal("The metadata are no object.")),
        }
    }
}

/// The image set that a query names, if it does.
fn image_set(query: &str) -> Result<Option<&str>, ServiceError> {
    let mut named = None;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some(("imageSetId", id)) if operation::is_id(id) && named.is_none() => named = Some(id),
            Some(("imageSetId", _)) => {
                return Err(ServiceError::validation(
                    "`imageSetId` must be given once and match [0-9a-z]{32}.",
                ));
            }
            _ => {
                return Err(ServiceError::validation(
                    "Only the query parameter `imageSetId` is known here.",
                ));
            }
        }
    }
    Ok(named)
}

fn json(value: &Value) -> Answer {
    local_http::answer(StatusCode::OK, "application/dicom+json", value.to_string())
}

fn typed(content_type: &str, body: Bytes) -> Answer {
    let mut answer = Response::new(Full::new(body));
    if let Ok(value) = HeaderValue::from_str(content_type) {
        answer.headers_mut().insert(header::CONTENT_TYPE, value);
    }
    answer
}
