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

/// The image set that a retrieval goes by; without it, HealthImaging takes the primary ones.
const IMAGE_SET: &str = "imageSetId";

/// The parameters of a search that name no attribute (DICOM PS3.18, 8.3.4), and the service's own.
const SEARCH: [&str; 7] = [
    "emptyvaluematching",
    "fuzzymatching",
    IMAGE_SET,
    "includefield",
    "limit",
    "multiplevaluematching",
    "offset",
];

/// No path of attributes that HealthImaging could match is longer.
const LONGEST_ATTRIBUTE: usize = 256;

/// Which of HealthImaging's reads a viewer may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `POST /datastore/{id}/imageSet/{id}/getImageFrame`
    GetImageFrame,
    /// `GET /datastore/{id}/studies/{uid}/series/{uid}/instances/{uid}[/frames/{list}|/metadata]`
    DicomInstance,
    /// `GET /datastore/{id}/studies|series|instances`
    DicomSearch,
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

impl Operation {
    /// Reads a path. `imageset` is taken and goes on as `imageSet`, and a character
    /// that needn't be percent-encoded goes on as itself. So one resource has one
    /// path, in the cache and under the signature.
    ///
    /// Each segment is decoded once. What then isn't an id or one of the words is
    /// refused: a slash, a dot segment, a NUL, another `%`.
    ///
    /// DICOMweb paths are known only where `dicomweb` is on.
    pub fn parse(path: &str, dicomweb: bool) -> Result<Self, NotAnOperation> {
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
        match rest {
            ["imageSet" | "imageset", image_set, "getImageFrame"] if is_id(image_set) => {
                let path = format!("/datastore/{datastore}/imageSet/{image_set}/getImageFrame");
                Ok(Self {
                    image_set: Some((*image_set).to_owned()),
                    ..Self::on(datastore, Kind::GetImageFrame, path)
                })
            }
            _ if !dicomweb => Err(NotAnOperation),
            ["studies" | "series" | "instances"] => {
                Ok(Self::on(datastore, Kind::DicomSearch, segments.join("/")))
            }
            [
                "studies",
                study,
                "series",
                series,
                "instances",
                instance,
                tail @ ..,
            ] if [study, series, instance].into_iter().all(|uid| is_uid(uid))
                && is_instance_tail(tail) =>
            {
                Ok(Self {
                    study: Some((*study).to_owned()),
                    series: Some((*series).to_owned()),
                    instance: Some((*instance).to_owned()),
                    ..Self::on(datastore, Kind::DicomInstance, segments.join("/"))
                })
            }
            _ => Err(NotAnOperation),
        }
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
    pub fn methods(self) -> &'static [&'static str] {
        match self {
            Self::GetImageFrame => &["POST"],
            Self::DicomInstance | Self::DicomSearch => &["GET", "HEAD"],
        }
    }

    /// Whether a query parameter may go on to the origin; `name` is decoded.
    ///
    /// DICOMweb's are known by their form: a search matches any attribute, and
    /// one that the service doesn't match is its own to refuse. The native read
    /// knows none, and CloudFront forwards none: they are let be.
    pub fn knows(self, name: &str) -> bool {
        match self {
            Self::GetImageFrame => true,
            Self::DicomInstance => name == IMAGE_SET,
            Self::DicomSearch => {
                let is_named = |known: &&str| known.eq_ignore_ascii_case(name);
                SEARCH.iter().any(is_named) || is_attribute(name)
            }
        }
    }

    /// Served by the DICOMweb endpoint, not by the native one.
    pub fn is_dicomweb(self) -> bool {
        self != Self::GetImageFrame
    }
}

/// The paths that exist, for the body of a 404.
pub fn paths(dicomweb: bool) -> &'static [&'static str] {
    const ALL: &[&str] = &[
        "POST /datastore/{datastoreId}/imageSet/{imageSetId}/getImageFrame",
        "GET /datastore/{datastoreId}/studies/{studyUid}/series/{seriesUid}/instances/{instanceUid}[/frames/{frames}|/metadata][?imageSetId={imageSetId}]",
        "GET /datastore/{datastoreId}/studies",
        "GET /datastore/{datastoreId}/series",
        "GET /datastore/{datastoreId}/instances",
    ];
    if dicomweb {
        ALL
    } else {
        ALL.get(..1).unwrap_or(ALL)
    }
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

fn is_instance_tail(tail: &[&str]) -> bool {
    match tail {
        [] | ["metadata"] => true,
        ["frames", list] => is_frame_list(list),
        _ => false,
    }
}

/// Frame numbers from 1, between commas: not too many, and none twice. Each list
/// is an object of its own in the cache, so every spelling costs the origin a request.
fn is_frame_list(text: &str) -> bool {
    let mut seen = BTreeSet::new();
    text.split(',')
        .all(|number| is_frame_number(number) && seen.len() < MOST_FRAMES && seen.insert(number))
}

fn is_frame_number(text: &str) -> bool {
    !text.starts_with('0')
        && (1..=9).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const STORE: &str = "12345678901234567890123456789012";
    const SET: &str = "aaaabbbbccccddddeeeeffff00001111";

    fn parse(path: &str) -> Option<Kind> {
        Operation::parse(path, true).ok().map(|read| read.kind)
    }

    /// The path that it goes on as.
    fn gone_on(path: &str) -> String {
        Operation::parse(path, true).unwrap().path
    }

    #[test]
    fn native_path_is_anchored() {
        let path = format!("/datastore/{STORE}/imageSet/{SET}/getImageFrame");
        assert_eq!(parse(&path), Some(Kind::GetImageFrame));
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
    fn the_samples_spelling_goes_on_as_the_services() {
        let path = format!("/datastore/{STORE}/imageset/{SET}/getImageFrame");
        let operation = Operation::parse(&path, false).unwrap();
        assert_eq!(operation.kind(), Kind::GetImageFrame);
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
            let read = Operation::parse(path, true).unwrap();
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
        for level in ["studies", "series", "instances"] {
            let path = format!("/datastore/{STORE}/{level}");
            assert_eq!(ids(&path), format!("{STORE} - - - -"), "{path}");
        }
    }

    #[test]
    fn dicomweb_paths_exist_only_where_they_are_on() {
        let instance = format!("/datastore/{STORE}/studies/1.2.3/series/1.2.4/instances/1.2.5");
        for tail in ["", "/frames/1", "/frames/1,2,30", "/metadata"] {
            let path = format!("{instance}{tail}");
            assert_eq!(parse(&path), Some(Kind::DicomInstance), "{path}");
            assert_eq!(Operation::parse(&path, false), Err(NotAnOperation));
        }
        for tail in [
            "/frames",
            "/frames/",
            "/frames/0",
            "/frames/1,",
            "/bulkdata",
            "/rendered",
            "/frames/1/rendered",
            "/thumbnail",
            "/",
        ] {
            assert_eq!(parse(&format!("{instance}{tail}")), None, "{tail}");
        }
        assert_eq!(
            parse(&format!("/datastore/{STORE}/studies")),
            Some(Kind::DicomSearch)
        );
        assert_eq!(
            parse(&format!("/datastore/{STORE}/studies/1..2/series")),
            None
        );
    }

    #[test]
    fn a_frame_list_is_short_and_holds_no_number_twice() {
        let list = |numbers: &[u32]| {
            let numbers: Vec<String> = numbers.iter().map(u32::to_string).collect();
            let instance = format!("/datastore/{STORE}/studies/1.2/series/1.3/instances/1.4");
            parse(&format!("{instance}/frames/{}", numbers.join(",")))
        };
        let numbers: Vec<u32> = (1..=101).collect();
        assert_eq!(list(&numbers[..100]), Some(Kind::DicomInstance));
        assert_eq!(list(&numbers), None);
        assert_eq!(list(&[3, 1, 31]), Some(Kind::DicomInstance));
        assert_eq!(list(&[1, 1]), None);
        assert_eq!(list(&[2, 1, 3, 2]), None);
    }

    #[test]
    fn a_parameter_goes_on_where_the_operation_knows_it() {
        for name in [
            "limit",
            "offset",
            "fuzzymatching",
            "includeField",
            "imageSetId",
            "PatientName",
            "00100010",
            "0020000d",
            "RequestAttributesSequence.00401001",
        ] {
            assert!(Kind::DicomSearch.knows(name), "{name}");
        }
        let long = vec!["00400275"; 40].join(".");
        for name in [
            "",
            "token",
            "patientName",
            "0010001",
            "PatientName.",
            "Patient Name",
            "Patient\0Name",
            "AccessToken",
            &long,
        ] {
            assert!(!Kind::DicomSearch.knows(name), "{name}");
            assert!(!Kind::DicomInstance.knows(name), "{name}");
        }
        assert!(Kind::DicomInstance.knows("imageSetId"));
        assert!(!Kind::DicomInstance.knows("imagesetid"));
    }
}
