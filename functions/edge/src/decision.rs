//! Who may read what, by `auth.access` and `auth.accessClaims`. Both have to allow.
//!
//! A request is allowed by what decides what comes back, and by nothing else in it:
//!
//! - a native read by the image set in its path. Which study that belongs to isn't
//!   known at the edge, so no study allows it;
//! - DICOMweb inside a study by the study in its path, and where it names an image set
//!   besides (`imageSetId`), by both: whichever of them HealthImaging goes by, it is allowed;
//! - a search for one study, which names it once and nothing that could widen that, by that study;
//! - any other search through the data store by the whole data store.

use crate::access::{Access, Held, Verdict};
use crate::config::{AccessClaims, AuthConfig};
use crate::operation::{Kind, Operation, is_id, is_uid};

/// The parameter of a retrieval that picks an image set.
const IMAGE_SET: &str = "imageSetId=";

/// The claims of a token that is good.
pub trait Claims {
    /// A claim by its name in the manifest: its text, or its list of texts. `None` where it
    /// is anything else.
    fn texts(&self, name: &str) -> Option<Vec<&str>>;
}

/// What didn't let a request through. The text is the rule, for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// `auth.access` did not.
    ByRows(String),
    /// `auth.accessClaims` did not.
    ByClaims(String),
}

/// What decides what comes back.
enum Asked<'a> {
    ImageSet(&'a str),
    Study {
        uid: &'a str,
        /// Those that the query names; `None`: one that can't be read.
        image_sets: Vec<Option<&'a str>>,
    },
    Datastore,
}

/// Whether the bearer of these claims may read what is asked for. `query` is what goes on of
/// the request's.
pub fn check(
    operation: &Operation,
    query: &str,
    auth: &AuthConfig,
    claims: &impl Claims,
) -> Result<(), Refusal> {
    let asked = asked(operation, query);
    if let Some(access) = &auth.access {
        let groups = claims.texts(&auth.groups_claim);
        let held = access.held(groups.unwrap_or_default());
        by_rows(access, operation.datastore(), &asked, &held)?;
    }
    match &auth.access_claims {
        Some(names) => by_claims(names, operation.datastore(), &asked, claims),
        None => Ok(()),
    }
}

fn asked<'a>(operation: &'a Operation, query: &'a str) -> Asked<'a> {
    match (operation.image_set(), operation.study()) {
        (Some(id), _) => Asked::ImageSet(id),
        (None, Some(uid)) => Asked::Study {
            uid,
            image_sets: if operation.kind().is_search() {
                vec![]
            } else {
                image_sets(query)
            },
        },
        (None, None) => match only_study(operation.kind(), query) {
            Some(uid) => Asked::Study {
                uid,
                image_sets: vec![],
            },
            None => Asked::Datastore,
        },
    }
}

/// The one study that a search for studies can find. Its query has that study's UID once, and
/// besides only what picks no study: viewers ask so for the study that they open. Whatever is
/// written in another way may be something else to another reader: AWS's pages don't say that
/// the attribute's tag, `0020000D`, is matched.
fn only_study(kind: Kind, query: &str) -> Option<&str> {
    if kind != Kind::Studies {
        return None;
    }
    let mut only = None;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=')?;
        match name {
            "StudyInstanceUID" => {
                if only.is_some() || !is_uid(value) {
                    return None;
                }
                only = Some(value);
            }
            "limit" | "offset" if is_count(value) => {}
            "fuzzymatching" if ["true", "false"].contains(&value) => {}
            "includefield" if is_fields(value) => {}
            _ => return None,
        }
    }
    only
}

/// A number in digits.
fn is_count(value: &str) -> bool {
    (1..=9).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_digit())
}

/// Tags and keywords of attributes, with commas and dots between them. A comma may be encoded.
fn is_fields(value: &str) -> bool {
    let plain = |field: &str| {
        let mut bytes = field.bytes();
        bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b','))
    };
    value
        .split("%2C")
        .flat_map(|part| part.split("%2c"))
        .all(plain)
}

/// A retrieval's query has nothing but image sets: what isn't written as one, letter for
/// letter, may be one to another reader.
fn image_sets(query: &str) -> Vec<Option<&str>> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.strip_prefix(IMAGE_SET).filter(|id| is_id(id)))
        .collect()
}

fn by_rows(access: &Access, store: &str, asked: &Asked, held: &Held) -> Result<(), Refusal> {
    let whole = access.whole(store, held);
    if whole == Verdict::Allowed {
        return Ok(());
    }
    if !access.has(store) {
        return Err(no_row("no row has this data store"));
    }
    let listed = |verdict, missing| match (verdict, whole) {
        (Verdict::Allowed, _) => Ok(()),
        (Verdict::NotListed, Verdict::NotListed) => Err(no_row(missing)),
        _ => Err(no_row("the rows that have it are for other groups")),
    };
    let image_set = |id: &str| access.image_set(store, id, held);
    match asked {
        Asked::ImageSet(id) => listed(image_set(id), "no row has this image set"),
        Asked::Study { uid, image_sets } => {
            listed(access.study(store, uid, held), "no row has this study")?;
            image_sets.iter().try_for_each(|id| {
                let verdict = id.map_or(Verdict::NotListed, image_set);
                listed(verdict, "no row has the image set in `imageSetId`")
            })
        }
        Asked::Datastore => {
            let missing = "no row has all of this data store, which a search through it needs";
            listed(Verdict::NotListed, missing)
        }
    }
}

fn no_row(what: &str) -> Refusal {
    Refusal::ByRows(format!("auth.access: {what}"))
}

fn by_claims(
    names: &AccessClaims,
    store: &str,
    asked: &Asked,
    claims: &impl Claims,
) -> Result<(), Refusal> {
    let read = |key, name: &Option<String>| match name {
        None => Ok(None),
        Some(name) => match claims.texts(name) {
            Some(listed) => Ok(Some(listed)),
            None => Err(no_claim(key, "the token has no such text or list of texts")),
        },
    };
    let stores = read("datastores", &names.datastores)?;
    let image_sets = read("imageSets", &names.image_sets)?;
    let studies = read("studies", &names.studies)?;
    if stores.is_some_and(|listed| !listed.contains(&store)) {
        return Err(no_claim("datastores", "it doesn't list this data store"));
    }
    // Where parts are listed, only what is listed is allowed.
    if image_sets.is_none() && studies.is_none() {
        return Ok(());
    }
    let lists = |list: &Option<Vec<&str>>, id: &str| {
        let list = list.as_ref();
        list.is_some_and(|list| list.contains(&id))
    };
    match asked {
        Asked::ImageSet(id) if lists(&image_sets, id) => Ok(()),
        Asked::ImageSet(_) => Err(no_claim("imageSets", "it doesn't list this image set")),
        Asked::Study { uid, .. } if !lists(&studies, uid) => {
            Err(no_claim("studies", "it doesn't list this study"))
        }
        Asked::Study {
            image_sets: ids, ..
        } => {
            let mut ids = ids.iter();
            if ids.all(|id| id.is_some_and(|id| lists(&image_sets, id))) {
                Ok(())
            } else {
                let what = "it doesn't list the image set in `imageSetId`";
                Err(no_claim("imageSets", what))
            }
        }
        Asked::Datastore => {
            let what = "a search through a data store isn't limited to studies";
            Err(no_claim("studies", what))
        }
    }
}

fn no_claim(key: &str, what: &str) -> Refusal {
    Refusal::ByClaims(format!("auth.accessClaims.{key}: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_for_one_study_is_known_by_its_letters() {
        let only = |query: &str| only_study(Kind::Studies, query).map(str::to_owned);
        let found = Some("1.2.3".to_owned());
        for query in [
            "StudyInstanceUID=1.2.3",
            "&&StudyInstanceUID=1.2.3&",
            // As OHIF 3.13.2 asks.
            "limit=101&offset=0&fuzzymatching=false&includefield=00081030%2C00080060%2C00080090%2C00100030&StudyInstanceUID=1.2.3",
            "includefield=all&includefield=ProcedureCodeSequence.CodeValue,00081030%2cX&StudyInstanceUID=1.2.3&fuzzymatching=true",
        ] {
            assert_eq!(only(query), found, "{query}");
            for kind in [Kind::Series, Kind::Instances, Kind::Instance] {
                assert_eq!(only_study(kind, query), None);
            }
        }
        for query in [
            "",
            "limit=1",
            "StudyInstanceUID",
            "StudyInstanceUID=",
            "StudyInstanceUID=*",
            "StudyInstanceUID=1.2.*",
            "StudyInstanceUID=1.2.?",
            "StudyInstanceUID=1.2.3,1.2.4",
            "StudyInstanceUID=1.2.3%2C1.2.4",
            "StudyInstanceUID=1.2.3\\1.2.4",
            "StudyInstanceUID=1.2.3%5C1.2.4",
            "StudyInstanceUID=1.2.3;StudyInstanceUID=1.2.4",
            "StudyInstanceUID=1.2.3 ",
            "StudyInstanceUID=1.2.3+",
            "StudyInstanceUID=1.2.%33",
            "StudyInstanceUID=%221.2.3%22",
            "StudyInstanceUID=1.2.3&StudyInstanceUID=1.2.3",
            "StudyInstanceUID=1.2.3&0020000D=1.2.3",
            "StudyInstanceUID=1.2.3&0020000d=1.2.4",
            "StudyInstanceUID=1.2.3&StudyInstanceUID",
            "StudyInstanceUID=1.2.3&studyinstanceuid=1.2.4",
            "StudyInstanceUID=1.2.3&Study%49nstanceUID=1.2.4",
            "Study%49nstanceUID=1.2.3",
            "studyInstanceUID=1.2.3",
            "0020000D=1.2.3",
            "0020000d=1.2.3",
            "00200000D=1.2.3",
            "ReferencedStudySequence.StudyInstanceUID=1.2.3",
            // Others that match something, or say how it is matched.
            "StudyInstanceUID=1.2.3&PatientName=*",
            "StudyInstanceUID=1.2.3&00100020=7",
            "StudyInstanceUID=1.2.3&multiplevaluematching=true",
            "StudyInstanceUID=1.2.3&emptyvaluematching=true",
            "StudyInstanceUID=1.2.3&SeriesInstanceUID=1.3",
            "StudyInstanceUID=1.2.3&Limit=1",
            "StudyInstanceUID=1.2.3&limit=-1",
            "StudyInstanceUID=1.2.3&limit=1;StudyInstanceUID=1.2.4",
            "StudyInstanceUID=1.2.3&limit=1%26StudyInstanceUID=1.2.4",
            "StudyInstanceUID=1.2.3&offset=",
            "StudyInstanceUID=1.2.3&fuzzymatching=yes",
            "StudyInstanceUID=1.2.3&includefield=a;0020000D=1.2.4",
            "StudyInstanceUID=1.2.3&includefield=a%260020000D=1.2.4",
            "StudyInstanceUID=1.2.3&includefield=a%3B",
            "StudyInstanceUID=1.2.3&x",
        ] {
            assert_eq!(only(query), None, "{query}");
        }
    }

    #[test]
    fn what_is_not_written_as_an_image_set_is_one_that_nobody_lists() {
        const ID: &str = "aaaabbbbccccddddeeeeffff00001111";
        let named = |query: &str| {
            let named = image_sets(query).into_iter();
            named.map(|id| id.map(str::to_owned)).collect::<Vec<_>>()
        };
        let id = || Some(ID.to_owned());
        assert_eq!(named(""), []);
        assert_eq!(named("&&"), []);
        assert_eq!(named(&format!("imageSetId={ID}")), [id()]);
        assert_eq!(
            named(&format!("&imageSetId={ID}&imageSetId={ID}")),
            [id(), id()]
        );
        for query in [
            format!("imageSetId={ID};imageSetId={ID}"),
            format!("imageSetId={ID}%20"),
            format!("imageSetId={ID} "),
            format!("image%53etId={ID}"),
            format!("imageSetId=%61{}", &ID[1..]),
            format!("imagesetid={ID}"),
            format!("imageSetId={}", ID.to_uppercase()),
            "imageSetId=".to_owned(),
            "imageSetId".to_owned(),
            "other=1".to_owned(),
        ] {
            assert_eq!(named(&query), [None], "{query}");
        }
    }
}
