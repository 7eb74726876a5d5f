//! Which frame `frames dev` names as its example, and how it is asked for: a line that this
//! manifest lets through, where there is one.

use super::dev_delivery::Delivery;
use frames_edge::decision::{self, Claims};
use frames_edge::{Access, AuthConfig, AuthorizerConfig, Operation, Served};
use frames_emulator::healthimaging::{FrameNames, Series};
use serde_json::{Map, Value};

/// How a frame is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Native,
    Dicomweb,
    /// In neither way is any frame served.
    Refused,
}

/// The frame, where images are known here.
pub(super) struct Example<'a> {
    pub way: Way,
    pub datastore: &'a str,
    pub frame: Option<FrameNames<'a>>,
}

impl<'a> Example<'a> {
    pub(super) fn of(delivery: &'a Delivery) -> Self {
        let claims = delivery.issuer.as_ref().map(|issuer| issuer.claims());
        let config = delivery.authorizer();
        let Some(stand_in) = &delivery.now.stand_in else {
            let way = match config {
                Some(config) if config.dicomweb && !serves_native(config) => Way::Dicomweb,
                _ => Way::Native,
            };
            return Self {
                way,
                datastore: "DATASTORE_ID",
                frame: None,
            };
        };
        let store = stand_in.store();
        let auth = config.and_then(|config| config.auth.as_ref());
        let allows = |way: Way, series: &Series| {
            let frame = store.frame_of(series);
            frame.is_some_and(|frame| may_read(auth, claims.as_ref(), way, &store.id, &frame))
        };
        let native =
            |series: &Series| stand_in.serves_native(series) && allows(Way::Native, series);
        let dicomweb =
            |series: &Series| stand_in.serves_dicomweb(series) && allows(Way::Dicomweb, series);
        let find = |is_served: &dyn Fn(&Series) -> bool| {
            let mut series = store.series().iter().filter(|series| is_served(series));
            series.find_map(|series| store.frame_of(series))
        };
        let native = find(&native).map(|frame| (Way::Native, frame));
        let found = native.or_else(|| Some((Way::Dicomweb, find(&dicomweb)?)));
        Self {
            way: found.map_or(Way::Refused, |(way, _)| way),
            datastore: &store.id,
            frame: found
                .map(|(_, frame)| frame)
                .or_else(|| store.first_frame()),
        }
    }

    /// `authorization` is an option of curl's, or nothing.
    pub(super) fn line(&self, url: &str, authorization: &str) -> String {
        let path = match &self.frame {
            Some(frame) => path(self.way, self.datastore, frame),
            None => path(self.way, self.datastore, &UNKNOWN),
        };
        if self.way == Way::Dicomweb {
            return format!(
                "curl -sSf {url}{path}{authorization} \
                 -H 'Accept: multipart/related; type=application/octet-stream; transfer-syntax=*' \
                 -o frame.multipart"
            );
        }
        let id = match &self.frame {
            Some(frame) => frame.image_frame_id(),
            None => "IMAGE_FRAME_ID".to_owned(),
        };
        format!(
            "curl -sSf {url}{path}{authorization} \
             -H 'Content-Type: application/json' -d '{{\"imageFrameId\":\"{id}\"}}' -o frame.jph"
        )
    }
}

/// Where nobody knows any images.
const UNKNOWN: FrameNames = FrameNames {
    image_set_id: "IMAGE_SET_ID",
    study: "STUDY_UID",
    series: "SERIES_UID",
    instance: "INSTANCE_UID",
    frame: 1,
};

fn path(way: Way, datastore: &str, frame: &FrameNames) -> String {
    let FrameNames {
        image_set_id,
        study,
        series,
        instance,
        frame,
    } = frame;
    let root = format!("/datastore/{datastore}");
    match way {
        Way::Dicomweb => {
            format!("{root}/studies/{study}/series/{series}/instances/{instance}/frames/{frame}")
        }
        Way::Native | Way::Refused => format!("{root}/imageSet/{image_set_id}/getImageFrame"),
    }
}

/// Whether any native read may pass, whatever is read.
fn serves_native(config: &AuthorizerConfig) -> bool {
    let claims = config.auth.as_ref();
    let claims = claims.and_then(|auth| auth.access_claims.as_ref());
    let by_claims = claims.is_none_or(|it| it.image_sets.is_some() || it.studies.is_none());
    // A row with studies or series serves native reads only of image sets that it names.
    let by_allow = config.allow.as_ref().is_none_or(|rows| {
        rows.iter()
            .any(|row| row.image_sets.is_some() || row.studies.is_none() && row.series.is_none())
    });
    by_claims && by_allow
}

/// Whether the authorizer lets a token read a frame in this way. `claims` are the token's where
/// it is ours. Of another issuer's, what it may read isn't known here: then, whether some token
/// or other may.
fn may_read(
    auth: Option<&AuthConfig>,
    claims: Option<&Map<String, Value>>,
    way: Way,
    datastore: &str,
    frame: &FrameNames,
) -> bool {
    let Some(auth) = auth else {
        return true;
    };
    let served = Served {
        dicomweb: true,
        ..Served::default()
    };
    let Ok(operation) = Operation::parse(&path(way, datastore, frame), served) else {
        return false;
    };
    let groups = auth.access.iter().flat_map(Access::groups);
    let token = match claims {
        Some(claims) => Token::Ours(claims),
        None => Token::Any(
            [datastore, frame.image_set_id, frame.study]
                .into_iter()
                .chain(groups.map(String::as_str))
                .collect(),
        ),
    };
    decision::check(&operation, "", auth, &token).is_ok()
}

enum Token<'a> {
    /// The local issuer gives a claim the whole name that the manifest has.
    Ours(&'a Map<String, Value>),
    /// One that has all of these in whatever claim is asked for.
    Any(Vec<&'a str>),
}

impl Claims for Token<'_> {
    fn texts(&self, name: &str) -> Option<Vec<&str>> {
        match self {
            Self::Ours(claims) => {
                let list = claims.get(name)?.as_array()?;
                list.iter().map(Value::as_str).collect()
            }
            Self::Any(texts) => Some(texts.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use frames_edge::access::Row;
    use serde_json::json;

    fn auth(rows: Option<Vec<Row>>, claims: Value) -> AuthConfig {
        let mut auth: AuthConfig = serde_json::from_value(json!({
            "issuers": [], "algorithms": ["RS256"], "groupsClaim": "groups", "tokenSources": [],
        }))
        .unwrap();
        auth.access = rows.map(|rows| Access::of(&rows));
        auth.access_claims = (!claims.is_null()).then(|| serde_json::from_value(claims).unwrap());
        auth
    }

    const STORE: &str = "12345678901234567890123456789012";
    const SET: &str = "aaaabbbbccccddddeeeeffff00001111";
    const OTHER: &str = "aaaabbbbccccddddeeeeffff00002222";

    /// Whether a frame is read natively, and by DICOMweb.
    fn read(auth: &AuthConfig, claims: &Value) -> (bool, bool) {
        let frame = FrameNames {
            image_set_id: SET,
            study: "1.2",
            series: "1.2.3",
            instance: "1.2.3.4",
            frame: 1,
        };
        let claims = claims.as_object();
        let may = |way| may_read(Some(auth), claims, way, STORE, &frame);
        (may(Way::Native), may(Way::Dicomweb))
    }

    #[test]
    fn a_token_of_ours_is_asked_and_of_another_issuer_some_token_or_other() {
        let row = |image_sets: Option<&str>, studies: Option<&str>| Row {
            groups: Some(vec!["g".to_owned()]),
            datastore: STORE.to_owned(),
            image_sets: image_sets.map(|id| vec![id.to_owned()]),
            studies: studies.map(|uid| vec![uid.to_owned()]),
        };
        let member = json!({"groups": ["g"]});
        for (rows, expected) in [
            (vec![row(None, None)], (true, true)),
            (vec![row(Some(SET), None)], (true, false)),
            (vec![row(None, Some("1.2"))], (false, true)),
            (vec![row(Some(OTHER), Some("1.3"))], (false, false)),
            (vec![], (false, false)),
        ] {
            let auth = auth(Some(rows.clone()), Value::Null);
            assert_eq!(read(&auth, &member), expected, "{rows:?}");
            assert_eq!(read(&auth, &json!({"groups": ["h"]})), (false, false));
            assert_eq!(read(&auth, &Value::Null), expected, "{rows:?}");
        }
        let token = json!({"s": [STORE], "x": [OTHER], "i": [SET], "u": ["1.2"]});
        for (names, expected) in [
            (json!({"datastores": "s"}), (true, true)),
            (json!({"datastores": "x"}), (false, false)),
            (json!({"studies": "u"}), (false, true)),
            (json!({"datastores": "s", "imageSets": "i"}), (true, false)),
            (json!({"imageSets": "i", "studies": "u"}), (true, true)),
            (json!({"imageSets": "x", "studies": "x"}), (false, false)),
            (json!({"studies": "missing"}), (false, false)),
        ] {
            let auth = auth(None, names.clone());
            assert_eq!(read(&auth, &token), expected, "{names}");
        }
        let names = auth(None, json!({"datastores": "s", "studies": "u"}));
        assert_eq!(read(&names, &Value::Null), (false, true));
    }

    #[test]
    fn without_images_the_line_has_the_form_that_may_pass() {
        let line = |way| {
            let example = Example {
                way,
                datastore: "DATASTORE_ID",
                frame: None,
            };
            example.line("http://127.0.0.1:1", "")
        };
        assert!(line(Way::Native).contains("/imageSet/IMAGE_SET_ID/getImageFrame -H"));
        assert!(line(Way::Dicomweb).contains("/instances/INSTANCE_UID/frames/1 -H"));
    }
}
