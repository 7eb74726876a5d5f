//! The operations that the delivery serves, and their paths. A path is one of
//! these from its first to its last character, or it is refused: nothing else
//! ever gets signed.

use std::borrow::Cow;
use std::collections::BTreeSet;

/// No path that is served is longer, however it is written: a frame list of a
/// hundred numbers is the longest part.
const LONGEST: usize = 2048;

/// The longest list of frames that one request may ask for.
const MOST_FRAMES: usize = 100;

/// No hash that stands for an element's value is longer. AWS's example is 32 hexadecimal
/// digits, its form isn't documented.
const LONGEST_HASH: usize = 128;

/// The version of an image set whose metadata is asked for; without it, HealthImaging takes
/// the latest one.
const VERSION: &str = "version";

/// The frame that a native read by GET goes by.
const FRAME: &str = "imageFrameId";

/// The image set that a retrieval goes by; without it, HealthImaging takes the primary ones.
const IMAGE_SET: &str = "imageSetId";

/// The parameters of a search that name no attribute (DICOM PS3.18, 8.3.4).
const SEARCH: [&str; 6] = [
    "emptyvaluematching",
    "fuzzymatching",
    "includefield",
    "limit",
    "multiplevaluematching",
    "offset",
];

/// The attributes by which a study and a series are known, as keyword and as tag.
const STUDY_UID: [&str; 2] = ["StudyInstanceUID", "0020000D"];
const SERIES_UID: [&str; 2] = ["SeriesInstanceUID", "0020000E"];

/// No path of attributes that HealthImaging could match is longer.
const LONGEST_ATTRIBUTE: usize = 256;

/// Which reads a delivery serves besides `GetImageFrame`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Served {
    pub dicomweb: bool,
    /// `GetImageSetMetadata`.
    pub metadata: bool,
    /// Native reads by GET, too, which can be cached.
    pub reads: bool,
}

/// Which of HealthImaging's reads a viewer may ask for, by what comes back.
///
/// Sources: "Searching DICOM data in HealthImaging" and "Retrieving DICOM data from
/// HealthImaging", AWS HealthImaging Developer Guide. Its DICOMweb has no study
/// metadata, no `rendered` and no thumbnails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `POST /datastore/{id}/imageSet/{id}/getImageFrame`, or `GET` with `?imageFrameId={id}`
    ImageFrame,
    /// `POST` or `GET /datastore/{id}/imageSet/{id}/getImageSetMetadata[?version={n}]`
    ImageSetMetadata,
    /// `GET …/studies`
    Studies,
    /// `GET …/series`, `…/studies/{uid}/series`
    Series,
    /// `GET …/instances`, `…/studies/{uid}/instances`, `…/studies/{uid}/series/{uid}/instances`
    Instances,
    /// `GET …/studies/{uid}/series/{uid}/metadata`
    SeriesMetadata,
    /// `GET …/studies/{uid}/series/{uid}/instances/{uid}`
    Instance,
    /// `GET …/instances/{uid}/metadata`
    InstanceMetadata,
    /// `GET …/instances/{uid}/frames/{list}`
    InstanceFrames,
    /// `GET …/instances/{uid}/bulkdata/{hash}`
    Bulkdata,
}

/// One read, with the ids that its path names. Only [`Operation::parse`] makes one,
/// so each of them has the form of an id, and whoever decides by them needs no path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    kind: Kind,
    path: String,
    datastore: String,
    image_set: Option<String>,
    study: Option<String>,
    series: Option<String>,
    instance: Option<String>,
}

/// Why a path is none of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAnOperation;

/// Why a query isn't one that the operation takes, for whoever sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadQuery(pub &'static str);

impl Operation {
    /// Reads a path. `imageset` is taken and goes on as `imageSet`, and a character
    /// that needn't be percent-encoded goes on as itself. So one resource has one
    /// path, in the cache and under the signature.
    ///
    /// Each segment is decoded once. What then isn't an id or one of the words is
    /// refused: a slash, a dot segment, a NUL, another `%`.
    ///
    /// What isn't served has no path.
    pub fn parse(path: &str, served: Served) -> Result<Self, NotAnOperation> {
        if path.len() > LONGEST {
            return Err(NotAnOperation);
        }
        let decoded: Vec<Cow<'_, str>> = path
            .split('/')
            .map(|segment| decoded(segment).ok_or(NotAnOperation))
            .collect::<Result<_, _>>()?;
        let segments: Vec<&str> = decoded.iter().map(Cow::as_ref).collect();
        let ["", "datastore", datastore, rest @ ..] = segments.as_slice() else {
            return Err(NotAnOperation);
        };
        if !is_id(datastore) {
            return Err(NotAnOperation);
        }
        let on = |kind, path| Self::on(datastore, kind, path);
        if let ["imageSet" | "imageset", image_set, name] = rest
            && is_id(image_set)
            && let Some(kind) = native(name, served)
        {
            let path = format!("/datastore/{datastore}/imageSet/{image_set}/{name}");
            return Ok(Self {
                image_set: Some((*image_set).to_owned()),
                ..on(kind, path)
            });
        }
        let (kind, uids) = resource(rest)
            .filter(|(_, uids)| served.dicomweb && uids.iter().flatten().all(|uid| is_uid(uid)))
            .ok_or(NotAnOperation)?;
        let [study, series, instance] = uids.map(|uid| uid.map(str::to_owned));
        Ok(Self {
            study,
            series,
            instance,
            ..on(kind, segments.join("/"))
        })
    }

    /// An operation that names its data store and nothing further.
    fn on(datastore: &str, kind: Kind, path: String) -> Self {
        Self {
            kind,
            path,
            datastore: datastore.to_owned(),
            image_set: None,
            study: None,
            series: None,
            instance: None,
        }
    }

    /// Whether a query parameter may go on to the origin; `name` is decoded.
    ///
    /// DICOMweb's are known by their form: a search matches any attribute, and
    /// one that the service doesn't match is its own to refuse. A study or series
    /// that the path names isn't named again: it is the path's that was allowed.
    /// A frame's native read knows none, and CloudFront forwards none: they are let be.
    pub fn knows(&self, name: &str) -> bool {
        let is = |known: &[&str]| known.iter().any(|known| known.eq_ignore_ascii_case(name));
        match self.kind {
            Kind::ImageFrame => true,
            Kind::ImageSetMetadata => name == VERSION,
            kind if kind.is_search() => {
                let in_path = (self.study.is_some() && is(&STUDY_UID))
                    || (self.series.is_some() && is(&SERIES_UID));
                !in_path && (is(&SEARCH) || is_attribute(name))
            }
            _ => name == IMAGE_SET,
        }
    }

    /// The query in the one spelling in which it goes on, where the operation reads values
    /// and not only names. `None`: it stays as it is, as far as its names are known.
    ///
    /// An answer is what its path and this say, and nothing else: whoever signs it or
    /// keeps it needs no other look at the query.
    pub fn settled(&self, query: &str) -> Result<Option<String>, BadQuery> {
        match self.kind {
            Kind::ImageSetMetadata => {
                let version = version(query)?;
                Ok(Some(version.map_or_else(String::new, |version| {
                    format!("{VERSION}={version}")
                })))
            }
            _ => Ok(None),
        }
    }

    /// The same by method. By GET, a frame is named in the query, where a POST has a body.
    pub fn settled_by(&self, method: &str, query: &str) -> Result<Option<String>, BadQuery> {
        match self.kind {
            Kind::ImageFrame if method != "POST" => {
                let frame = frame(query)?;
                Ok(Some(format!("{FRAME}={frame}")))
            }
            _ => self.settled(query),
        }
    }

    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The path in the service's own spelling.
    pub fn path(&self) -> &str {
        &self.path
    }

    pub fn datastore(&self) -> &str {
        &self.datastore
    }

    /// The image set of a native read. DICOMweb's paths name none.
    pub fn image_set(&self) -> Option<&str> {
        self.image_set.as_deref()
    }

    /// The study's UID, where the path names one.
    pub fn study(&self) -> Option<&str> {
        self.study.as_deref()
    }

    pub fn series(&self) -> Option<&str> {
        self.series.as_deref()
    }

    pub fn instance(&self) -> Option<&str> {
        self.instance.as_deref()
    }
}

impl Kind {
    /// The methods that reach the origin, as `Allow` lists them (besides `OPTIONS`).
    ///
    /// For DICOMweb, HealthImaging documents GET. HEAD is what CloudFront answers from its cache.
    pub fn methods(self, served: Served) -> &'static [&'static str] {
        match self {
            Self::ImageFrame | Self::ImageSetMetadata if served.reads => &["GET", "HEAD", "POST"],
            Self::ImageFrame | Self::ImageSetMetadata => &["POST"],
            _ => &["GET", "HEAD"],
        }
    }

    /// QIDO-RS: it looks for something, and is never cached.
    pub fn is_search(self) -> bool {
        matches!(self, Self::Studies | Self::Series | Self::Instances)
    }

    /// Served by the DICOMweb endpoint, not by the native one.
    pub fn is_dicomweb(self) -> bool {
        !matches!(self, Self::ImageFrame | Self::ImageSetMetadata)
    }
}

/// The native read of that name, where it is served.
fn native(name: &str, served: Served) -> Option<Kind> {
    match name {
        "getImageFrame" => Some(Kind::ImageFrame),
        "getImageSetMetadata" if served.metadata => Some(Kind::ImageSetMetadata),
        _ => None,
    }
}

/// The version that a query asks for. Versions count from 1. HealthImaging's API takes any
/// digits; here one version has one spelling.
///
/// Source: "GetImageSetMetadata", AWS HealthImaging API Reference.
fn version(query: &str) -> Result<Option<u32>, BadQuery> {
    const ONE: &str = "`version` is one number from 1, without leading zeros.";
    let mut values = query.split('&').filter_map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(name).as_deref() == Some(VERSION)).then(|| decoded(value))
    });
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let value = value.filter(|text| is_number(text) && values.next().is_none());
    let number = value.and_then(|text| text.parse().ok());
    number.map(Some).ok_or(BadQuery(ONE))
}

/// The frame that a query names: once, in the form of an id.
fn frame(query: &str) -> Result<String, BadQuery> {
    const ONE: &str = "`imageFrameId` is the id of one frame.";
    let mut values = query.split('&').filter_map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(name).as_deref() == Some(FRAME)).then(|| decoded(value))
    });
    let value = values.next().flatten();
    let value = value.filter(|text| is_id(text) && values.next().is_none());
    value.map(Cow::into_owned).ok_or(BadQuery(ONE))
}

/// What DICOMweb has below a data store, and the study, series and instance on the way there.
type Resource<'a> = (Kind, [Option<&'a str>; 3]);

fn resource<'a>(rest: &[&'a str]) -> Option<Resource<'a>> {
    let (uids, rest) = match rest {
        [
            "studies",
            study,
            "series",
            series,
            "instances",
            instance,
            rest @ ..,
        ] => ([Some(*study), Some(*series), Some(*instance)], rest),
        ["studies", study, "series", series, rest @ ..] => {
            ([Some(*study), Some(*series), None], rest)
        }
        ["studies", study, rest @ ..] => ([Some(*study), None, None], rest),
        rest => ([None; 3], rest),
    };
    let kind = match (uids, rest) {
        ([None, ..], ["studies"]) => Kind::Studies,
        ([_, None, None], ["series"]) => Kind::Series,
        ([_, _, None], ["instances"]) => Kind::Instances,
        ([_, Some(_), None], ["metadata"]) => Kind::SeriesMetadata,
        ([_, _, Some(_)], []) => Kind::Instance,
        ([_, _, Some(_)], ["metadata"]) => Kind::InstanceMetadata,
        ([_, _, Some(_)], ["frames", list]) if is_frame_list(list) => Kind::InstanceFrames,
        ([_, _, Some(_)], ["bulkdata", hash]) if is_hash(hash) => Kind::Bulkdata,
        _ => return None,
    };
    Some((kind, uids))
}

/// The paths that exist, for the body of a 404.
pub fn paths(served: Served) -> Vec<&'static str> {
    const METADATA: &str = "POST /datastore/{datastoreId}/imageSet/{imageSetId}/getImageSetMetadata[?version={version}]";
    const FRAME_READ: &str = "GET /datastore/{datastoreId}/imageSet/{imageSetId}/getImageFrame?imageFrameId={imageFrameId}";
    const METADATA_READ: &str = "GET /datastore/{datastoreId}/imageSet/{imageSetId}/getImageSetMetadata[?version={version}]";
    const DICOMWEB: [&str; 5] = [
        "GET /datastore/{datastoreId}/studies",
        "GET /datastore/{datastoreId}[/studies/{studyUid}]/series",
        "GET /datastore/{datastoreId}[/studies/{studyUid}[/series/{seriesUid}]]/instances",
        "GET /datastore/{datastoreId}/studies/{studyUid}/series/{seriesUid}/metadata[?imageSetId={imageSetId}]",
        "GET /datastore/{datastoreId}/studies/{studyUid}/series/{seriesUid}/instances/{instanceUid}[/metadata|/frames/{frames}|/bulkdata/{hash}][?imageSetId={imageSetId}]",
    ];
    let mut paths = vec!["POST /datastore/{datastoreId}/imageSet/{imageSetId}/getImageFrame"];
    if served.reads {
        paths.push(FRAME_READ);
    }
    if served.metadata {
        paths.push(METADATA);
    }
    if served.metadata && served.reads {
        paths.push(METADATA_READ);
    }
    if served.dicomweb {
        paths.extend(DICOMWEB);
    }
    paths
}

/// `[0-9a-z]{32}`: data store and image set ids.
pub fn is_id(text: &str) -> bool {
    text.len() == 32
        && text
            .bytes()
            .all(|b| b.is_ascii_digit() || b.is_ascii_lowercase())
}

/// A DICOM UID (PS3.5, 9.1): up to 64 characters, digits in components between dots.
pub fn is_uid(text: &str) -> bool {
    text.len() <= 64
        && text
            .split('.')
            .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
}

/// What a search may match: tags or keywords of attributes, with dots between
/// them where one is in another's sequence (DICOM PS3.18, 8.3.4.1).
fn is_attribute(name: &str) -> bool {
    let is_tag = |part: &str| part.len() == 8 && part.bytes().all(|b| b.is_ascii_hexdigit());
    // Every keyword but `dBdt`, which nobody searches for, begins with a capital; none has the word `token`.
    let is_keyword = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_uppercase())
            && part.bytes().all(|b| b.is_ascii_alphanumeric())
            && !part.to_ascii_lowercase().contains("token")
    };
    name.len() <= LONGEST_ATTRIBUTE && name.split('.').all(|part| is_tag(part) || is_keyword(part))
}

/// A segment with its percent-encoding taken away, once.
fn decoded(segment: &str) -> Option<Cow<'_, str>> {
    if !segment.contains('%') {
        return Some(Cow::Borrowed(segment));
    }
    let mut parts = segment.split('%');
    let mut text = parts.next()?.to_owned();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        let is_hex = digits.bytes().all(|b| b.is_ascii_hexdigit());
        let byte = u8::from_str_radix(digits, 16).ok().filter(|_| is_hex)?;
        // No served path has any other.
        if !byte.is_ascii_graphic() {
            return None;
        }
        text.push(byte.into());
        text.push_str(rest);
    }
    Some(Cow::Owned(text))
}

/// What the service calls the value of a large element by.
fn is_hash(text: &str) -> bool {
    (1..=LONGEST_HASH).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// Frame numbers from 1, between commas: not too many, and none twice. Each list
/// is an object of its own in the cache, so every spelling costs the origin a request.
fn is_frame_list(text: &str) -> bool {
    let mut seen = BTreeSet::new();
    text.split(',')
        .all(|number| is_number(number) && seen.len() < MOST_FRAMES && seen.insert(number))
}

/// A number from 1 in its one spelling, small enough for HealthImaging's `Integer`.
fn is_number(text: &str) -> bool {
    !text.starts_with('0')
        && (1..=9).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const STORE: &str = "12345678901234567890123456789012";
    const SET: &str = "aaaabbbbccccddddeeeeffff00001111";

    const ALL: Served = Served {
        dicomweb: true,
        metadata: true,
        reads: true,
    };

    fn parse(path: &str) -> Option<Kind> {
        Operation::parse(path, ALL).ok().map(|read| read.kind)
    }

    /// The path that it goes on as.
    fn gone_on(path: &str) -> String {
        Operation::parse(path, ALL).unwrap().path
    }

    #[test]
    fn native_path_is_anchored() {
        let path = format!("/datastore/{STORE}/imageSet/{SET}/getImageFrame");
        assert_eq!(parse(&path), Some(Kind::ImageFrame));
        for wrong in [
            format!("{path}/"),
            format!("{path}x"),
            format!("/x{path}"),
            format!("//{}", &path[1..]),
            path.replace("getImageFrame", "getImageSet"),
            path.replace("getImageFrame", "deleteImageSet"),
            path.replace(STORE, &STORE[1..]),
            path.replace(SET, &SET.to_uppercase()),
            path.replace("imageSet", "IMAGESET"),
            path.replace("/imageSet", "/../imageSet"),
            path.replace("/imageSet/", "%2fimageSet/"),
            path.replace("/imageSet/", "//imageSet/"),
            path.replace("/imageSet/", "/./imageSet/"),
            path.replace("/imageSet/", "/%2e%2e/imageSet/"),
            path.replace("/imageSet/", "%252fimageSet/"),
            path.replace("getImageFrame", "%2567etImageFrame"),
            path.replace("getImageFrame", "getImageFrame%00"),
            path.replace("getImageFrame", "getImageFrame\0"),
            path.replace("getImageFrame", "getImageFrame%"),
            path.replace("getImageFrame", "getImageFrame%6"),
            path.replace("getImageFrame", "getImageFram%+5"),
            path.replace("getImageFrame", "getImageFram%é5"),
            path.replace("getImageFrame", "getImageFrame;a=b"),
            path.replace("getImageFrame", "getImageFrame%3Fa=b"),
            path.replace("getImageFrame", "GetImageFrame"),
            path.replace(SET, &SET.repeat(2)),
            path.replace("/datastore", "/DataStore"),
            path.replace(STORE, &format!("{}%20", &STORE[1..])),
            path.replace(STORE, &"%31".repeat(3000)),
            String::new(),
            "datastore".to_owned(),
        ] {
            assert_eq!(parse(&wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_image_sets_metadata_has_a_path_only_where_it_is_served() {
        let path = format!("/datastore/{STORE}/imageSet/{SET}/getImageSetMetadata");
        let only = Served {
            metadata: true,
            ..Served::default()
        };
        for written in [
            path.clone(),
            path.replace("imageSet", "imageset"),
            path.replace("Metadata", "%4detadata"),
        ] {
            let read = Operation::parse(&written, only).unwrap();
            assert_eq!(read.kind(), Kind::ImageSetMetadata, "{written}");
            assert_eq!((read.path(), read.image_set()), (&*path, Some(SET)));
            let dicomweb = Served {
                dicomweb: true,
                ..Served::default()
            };
            for off in [Served::default(), dicomweb] {
                assert_eq!(Operation::parse(&written, off), Err(NotAnOperation));
                assert!(!paths(off).iter().any(|path| path.contains("Metadata")));
            }
        }
        for wrong in [
            format!("{path}/"),
            format!("{path}/1"),
            path.replace("Metadata", "metadata"),
            path.replace("getImageSetMetadata", "updateImageSetMetadata"),
            path.replace("getImageSetMetadata", "listImageSetVersions"),
            path.replace("getImageSetMetadata", "getImageSetMetadata%3Fversion=1"),
        ] {
            assert_eq!(parse(&wrong), None, "{wrong}");
        }
        assert!(!Kind::ImageSetMetadata.is_dicomweb());
        assert_eq!(Kind::ImageSetMetadata.methods(only), ["POST"]);
    }

    #[test]
    fn a_native_read_by_get_is_served_where_it_is_on() {
        let off = Served {
            reads: false,
            ..ALL
        };
        for kind in [Kind::ImageFrame, Kind::ImageSetMetadata] {
            assert_eq!(kind.methods(off), ["POST"]);
            assert_eq!(kind.methods(ALL), ["GET", "HEAD", "POST"]);
        }
        assert_eq!(Kind::Studies.methods(off), Kind::Studies.methods(ALL));
        let reads = |served: Served| {
            let all = paths(served).into_iter();
            all.filter(|path| path.starts_with("GET") && path.contains("imageSet/"))
                .count()
        };
        let frames = Served {
            metadata: false,
            ..ALL
        };
        assert_eq!([off, frames, ALL].map(reads), [0, 1, 2]);
    }

    #[test]
    fn one_frame_has_one_spelling() {
        let id = "a1b2c3d4e5f60718293a4b5c6d7e8f90";
        let frame = on(&format!("imageSet/{SET}/getImageFrame"));
        let settled = format!("imageFrameId={id}");
        for query in [
            settled.clone(),
            format!("imageFrameId=%61{}", &id[1..]),
            format!("image%46rameId={id}"),
            format!("&x=1&{settled}&version=2&ImageFrameId=y&"),
        ] {
            for method in ["GET", "HEAD"] {
                let found = frame.settled_by(method, &query);
                assert_eq!(found, Ok(Some(settled.clone())), "{query}");
            }
            assert_eq!(frame.settled_by("POST", &query), Ok(None), "{query}");
        }
        for query in [
            String::new(),
            "imageFrameId".to_owned(),
            "imageFrameId=".to_owned(),
            format!("imageframeid={id}"),
            format!("{settled}&{settled}"),
            format!("{settled}&image%46rameId"),
            format!("{settled}0"),
            format!("imageFrameId={}", &id[1..]),
            settled.to_uppercase(),
            format!("imageFrameId={}", id.to_uppercase()),
            format!("imageFrameId=%2561{}", &id[1..]),
            format!("imageFrameId={};x=1", id),
            format!("imageFrameId=+{}", &id[1..]),
            format!("imageFrameId={}%", &id[1..]),
        ] {
            assert!(frame.settled_by("GET", &query).is_err(), "{query}");
        }
        let metadata = on(&format!("imageSet/{SET}/getImageSetMetadata"));
        for method in ["GET", "POST"] {
            let found = metadata.settled_by(method, "x=1&version=%32");
            assert_eq!(found, Ok(Some("version=2".to_owned())));
            assert!(metadata.settled_by(method, "version=02").is_err());
        }
    }

    #[test]
    fn one_version_has_one_spelling() {
        let metadata = on(&format!("imageSet/{SET}/getImageSetMetadata"));
        for (query, goes_on) in [
            ("", ""),
            ("&", ""),
            ("version=1", "version=1"),
            ("version=999999999", "version=999999999"),
            ("%76ersion=%31%32", "version=12"),
            ("Version=2&x=1", ""),
            ("a=version=2", ""),
            ("&&versions=2&version=3&", "version=3"),
            // Decoded once, as the path is.
            ("%2576ersion=1", ""),
            ("version[]=1", ""),
        ] {
            assert_eq!(
                metadata.settled(query),
                Ok(Some(goes_on.to_owned())),
                "{query}"
            );
            assert_eq!(
                metadata.settled(goes_on),
                Ok(Some(goes_on.to_owned())),
                "{query}"
            );
        }
        for query in [
            "version",
            "version=",
            "version=0",
            "version=01",
            "version=-1",
            "version=+1",
            "version=1+",
            "version=1%20",
            "version=%2B1",
            "version=1.0",
            "version=1e3",
            "version=0x1",
            "version=1;version=2",
            "version=1;token=x",
            "version=latest",
            "version=1000000000",
            "version=18446744073709551616",
            "version=%EF%BC%91",
            "version=१",
            "version=1%",
            "version=1&version=1",
            "version=1&%76ersion=2",
            "version=1&x=1&version",
        ] {
            assert!(metadata.settled(query).is_err(), "{query}");
        }
        let frame = on(&format!("imageSet/{SET}/getImageFrame"));
        assert_eq!(frame.settled("version=01"), Ok(None));
        assert_eq!(on("studies").settled("version=01"), Ok(None));
    }

    #[test]
    fn the_samples_spelling_goes_on_as_the_services() {
        let path = format!("/datastore/{STORE}/imageset/{SET}/getImageFrame");
        let operation = Operation::parse(&path, Served::default()).unwrap();
        assert_eq!(operation.kind(), Kind::ImageFrame);
        assert_eq!(
            operation.path(),
            format!("/datastore/{STORE}/imageSet/{SET}/getImageFrame")
        );
    }

    #[test]
    fn a_path_is_decoded_once_and_goes_on_as_one_spelling() {
        let path = format!("/datastore/{STORE}/imageSet/{SET}/getImageFrame");
        let instance = format!("/datastore/{STORE}/studies/1.2/series/1.3/instances/1.4");
        for (written, plain) in [
            (path.replace("get", "%67et"), path.clone()),
            (path.replace("/1234", "/%31%32%33%34"), path.clone()),
            (path.replace("imageSet", "image%73et"), path.clone()),
            (
                format!("{instance}/frames/3%2C1%2c2"),
                format!("{instance}/frames/3,1,2"),
            ),
            (instance.replace("1.2", "1%2E2"), instance.clone()),
        ] {
            assert_eq!(gone_on(&written), plain, "{written}");
        }
    }

    #[test]
    fn an_operation_knows_its_ids_however_the_path_was_written() {
        let ids = |path: &str| {
            let read = Operation::parse(path, ALL).unwrap();
            let shown = |id: Option<&str>| id.unwrap_or("-").to_owned();
            let [set, study, series, instance] = [
                read.image_set(),
                read.study(),
                read.series(),
                read.instance(),
            ]
            .map(shown);
            format!("{} {set} {study} {series} {instance}", read.datastore())
        };
        let native = format!("/datastore/{STORE}/imageSet/{SET}/getImageFrame");
        for path in [
            native.clone(),
            native.replace("imageSet", "imageset"),
            native
                .replace("aaaa", "%61%61a%61")
                .replace("/123", "/%3123"),
        ] {
            assert_eq!(ids(&path), format!("{STORE} {SET} - - -"), "{path}");
        }
        let instance = format!("/datastore/{STORE}/studies/1.2/series/1.3/instances/1.4");
        for path in [
            instance.clone(),
            format!("{instance}/metadata"),
            format!("{instance}/frames/1,2"),
            instance
                .replace("1.3", "1%2E3")
                .replace("series", "%73eries"),
        ] {
            assert_eq!(ids(&path), format!("{STORE} - 1.2 1.3 1.4"), "{path}");
        }
        for (tail, uids) in [
            ("studies", "- - -"),
            ("series", "- - -"),
            ("instances", "- - -"),
            ("studies/1.2/series", "1.2 - -"),
            ("studies/1%2E2/instances", "1.2 - -"),
            ("studies/1.2/series/1.3/instances", "1.2 1.3 -"),
            ("studies/1.2/%73eries/1.3/metadata", "1.2 1.3 -"),
        ] {
            let path = format!("/datastore/{STORE}/{tail}");
            assert_eq!(ids(&path), format!("{STORE} - {uids}"), "{path}");
        }
    }

    #[test]
    fn dicomweb_paths_exist_only_where_they_are_on() {
        let study = "studies/1.2.3";
        let series = "studies/1.2.3/series/1.2.4";
        let instance = "studies/1.2.3/series/1.2.4/instances/1.2.5";
        for (path, kind) in [
            ("studies".to_owned(), Kind::Studies),
            ("series".to_owned(), Kind::Series),
            (format!("{study}/series"), Kind::Series),
            ("instances".to_owned(), Kind::Instances),
            (format!("{study}/instances"), Kind::Instances),
            (format!("{series}/instances"), Kind::Instances),
            (format!("{series}/metadata"), Kind::SeriesMetadata),
            (instance.to_owned(), Kind::Instance),
            (format!("{instance}/metadata"), Kind::InstanceMetadata),
            (format!("{instance}/frames/1"), Kind::InstanceFrames),
            (format!("{instance}/frames/1,2,30"), Kind::InstanceFrames),
            (
                format!("{instance}/bulkdata/b026324c6904b2a9cb4b88d6d61c81d1"),
                Kind::Bulkdata,
            ),
        ] {
            let path = format!("/datastore/{STORE}/{path}");
            assert_eq!(parse(&path), Some(kind), "{path}");
            assert_eq!(
                Operation::parse(&path, Served::default()),
                Err(NotAnOperation)
            );
            assert_eq!(parse(&format!("{path}/")), None, "{path}/");
        }
    }

    #[test]
    fn what_healthimaging_does_not_have_is_no_operation() {
        let hash = "a".repeat(129);
        for path in [
            "",
            "studies/1.2",
            "studies/1.2/metadata",
            "studies/1.2/studies",
            "studies/1.2/rendered",
            "studies/1..2/series",
            "studies/1.2a/series",
            "studies//series",
            "series/1.3",
            "series/1.3/instances",
            "series/1.3/metadata",
            "instances/1.4",
            "studies/1.2/instances/1.4",
            "studies/1.2/series/1.3",
            "studies/1.2/series/1.3/series",
            "studies/1.2/series/1.3/rendered",
            "studies/1.2/series/1.x/metadata",
            "studies/1.2/series/1.3/instances/1.4/frames",
            "studies/1.2/series/1.3/instances/1.4/frames/",
            "studies/1.2/series/1.3/instances/1.4/frames/0",
            "studies/1.2/series/1.3/instances/1.4/frames/1,",
            "studies/1.2/series/1.3/instances/1.4/frames/1/rendered",
            "studies/1.2/series/1.3/instances/1.4/bulkdata",
            "studies/1.2/series/1.3/instances/1.4/bulkdata/",
            "studies/1.2/series/1.3/instances/1.4/bulkdata/a.b",
            "studies/1.2/series/1.3/instances/1.4/bulkdata/a/b",
            &format!("studies/1.2/series/1.3/instances/1.4/bulkdata/{hash}"),
            "studies/1.2/series/1.3/instances/1.4/rendered",
            "studies/1.2/series/1.3/instances/1.4/thumbnail",
            "studies/1.2/series/1.3/instances/1.4/instances",
        ] {
            let path = format!("/datastore/{STORE}/{path}");
            assert_eq!(parse(&path), None, "{path}");
        }
    }

    #[test]
    fn a_frame_list_is_short_and_holds_no_number_twice() {
        let list = |numbers: &[u32]| {
            let numbers: Vec<String> = numbers.iter().map(u32::to_string).collect();
            let instance = format!("/datastore/{STORE}/studies/1.2/series/1.3/instances/1.4");
            parse(&format!("{instance}/frames/{}", numbers.join(",")))
        };
        let numbers: Vec<u32> = (1..=101).collect();
        assert_eq!(list(&numbers[..100]), Some(Kind::InstanceFrames));
        assert_eq!(list(&numbers), None);
        assert_eq!(list(&[3, 1, 31]), Some(Kind::InstanceFrames));
        assert_eq!(list(&[1, 1]), None);
        assert_eq!(list(&[2, 1, 3, 2]), None);
    }

    fn on(path: &str) -> Operation {
        Operation::parse(&format!("/datastore/{STORE}/{path}"), ALL).unwrap()
    }

    #[test]
    fn a_parameter_goes_on_where_the_operation_knows_it() {
        let search = on("studies");
        let instance = on("studies/1.2/series/1.3/instances/1.4");
        for name in [
            "limit",
            "offset",
            "fuzzymatching",
            "includeField",
            "PatientName",
            "00100010",
            "0020000d",
            "StudyInstanceUID",
            "RequestAttributesSequence.00401001",
        ] {
            assert!(search.knows(name), "{name}");
            assert!(!instance.knows(name), "{name}");
        }
        let long = vec!["00400275"; 40].join(".");
        for name in [
            "",
            "token",
            "imageSetId",
            "patientName",
            "0010001",
            "PatientName.",
            "Patient Name",
            "Patient\0Name",
            "AccessToken",
            &long,
        ] {
            assert!(!search.knows(name), "{name}");
            assert!(!instance.knows(name) || name == IMAGE_SET, "{name}");
        }
        for path in [
            "studies/1.2/series/1.3/metadata",
            "studies/1.2/series/1.3/instances/1.4/frames/1",
        ] {
            assert!(on(path).knows("imageSetId"), "{path}");
            assert!(!on(path).knows("imagesetid"), "{path}");
        }
    }

    /// The path's study is the one that was allowed.
    #[test]
    fn a_search_is_not_told_another_study_than_the_paths() {
        let knows = |path: &str| {
            let search = on(path);
            let names = STUDY_UID.into_iter().chain(SERIES_UID).chain(["0020000e"]);
            names.map(|name| search.knows(name)).collect::<Vec<_>>()
        };
        for path in ["studies", "series", "instances"] {
            assert_eq!(knows(path), [true; 5], "{path}");
        }
        let in_study = [false, false, true, true, true];
        assert_eq!(knows("studies/1.2/series"), in_study);
        assert_eq!(knows("studies/1.2/instances"), in_study);
        assert_eq!(knows("studies/1.2/series/1.3/instances"), [false; 5]);
    }
}
