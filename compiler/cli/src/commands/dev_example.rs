//! Which frame `frames dev` names as its example, and how it is asked for: a line that this
//! manifest lets through, where there is one.

use super::dev_delivery::Delivery;
use frames_edge::access::Verdict;
use frames_edge::{AccessClaims, AuthConfig, AuthorizerConfig};
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
        let rights = Rights {
            auth: config.and_then(|config| config.auth.as_ref()),
            claims: claims.as_ref(),
            datastore: &store.id,
        };
        let native =
            |series: &Series| stand_in.serves_native(series) && rights.native(&series.image_set_id);
        let dicomweb =
            |series: &Series| stand_in.serves_dicomweb(series) && rights.dicomweb(&series.study);
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
        let root = format!("{url}/datastore/{}", self.datastore);
        let frame = self.frame.as_ref();
        if self.way == Way::Dicomweb {
            let [study, series, instance] = match frame {
                Some(frame) => [frame.study, frame.series, frame.instance],
                None => ["STUDY_UID", "SERIES_UID", "INSTANCE_UID"],
            };
            return format!(
                "curl -sSf {root}/studies/{study}/series/{series}/instances/{instance}/frames/1{authorization} \
                 -H 'Accept: multipart/related; type=application/octet-stream; transfer-syntax=*' \
                 -o frame.multipart"
            );
        }
        let (set, id) = match frame {
            Some(frame) => (frame.image_set_id, frame.image_frame_id()),
            None => ("IMAGE_SET_ID", "IMAGE_FRAME_ID".to_owned()),
        };
        format!(
            "curl -sSf {root}/imageSet/{set}/getImageFrame{authorization} \
             -H 'Content-Type: application/json' -d '{{\"imageFrameId\":\"{id}\"}}' -o frame.jph"
        )
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

/// What the authorizer lets a token read of a data store.
struct Rights<'a> {
    auth: Option<&'a AuthConfig>,
    /// The token's, where it is ours. Of another issuer's, what it may read isn't known here.
    claims: Option<&'a Map<String, Value>>,
    datastore: &'a str,
}

impl Rights<'_> {
    fn native(&self, image_set: &str) -> bool {
        self.by_row(|access, held| access.image_set(self.datastore, image_set, held))
            && self.by_claims(|names| &names.image_sets, image_set)
    }

    fn dicomweb(&self, study: &str) -> bool {
        self.by_row(|access, held| access.study(self.datastore, study, held))
            && self.by_claims(|names| &names.studies, study)
    }

    fn by_row(
        &self,
        part: impl Fn(&frames_edge::Access, &frames_edge::access::Held) -> Verdict,
    ) -> bool {
        let Some((auth, access)) = self.auth.and_then(|it| Some((it, it.access.as_ref()?))) else {
            return true;
        };
        let held = match self.claims {
            Some(claims) => access.held(listed(claims, &auth.groups_claim)),
            None => access.held(access.groups().iter().map(String::as_str)),
        };
        let whole = access.whole(self.datastore, &held);
        [whole, part(access, &held)].contains(&Verdict::Allowed)
    }

    fn by_claims(&self, part: impl Fn(&AccessClaims) -> &Option<String>, id: &str) -> bool {
        let names = self.auth.and_then(|auth| auth.access_claims.as_ref());
        let Some(names) = names else {
            return true;
        };
        let lists = |name: &String, id: &str| {
            let claims = self.claims;
            claims.is_none_or(|claims| listed(claims, name).any(|listed| listed == id))
        };
        let is_whole = names.image_sets.is_none() && names.studies.is_none();
        let of_store = names.datastores.as_ref();
        of_store.is_none_or(|name| lists(name, self.datastore))
            && (is_whole || part(names).as_ref().is_some_and(|name| lists(name, id)))
    }
}

/// The texts of a claim. The local issuer gives a claim the whole name that the manifest has.
fn listed<'a>(claims: &'a Map<String, Value>, name: &str) -> impl Iterator<Item = &'a str> {
    let list = claims.get(name).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use frames_edge::Access;
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

    /// Whether the image set `i` is read natively, and the study `1.2` by DICOMweb.
    fn read(auth: &AuthConfig, claims: &Value) -> (bool, bool) {
        let rights = Rights {
            auth: Some(auth),
            claims: claims.as_object(),
            datastore: "d",
        };
        (rights.native("i"), rights.dicomweb("1.2"))
    }

    #[test]
    fn it_is_decided_as_the_authorizer_does() {
        let row = |image_sets: Option<&str>, studies: Option<&str>| Row {
            groups: Some(vec!["g".to_owned()]),
            datastore: "d".to_owned(),
            image_sets: image_sets.map(|id| vec![id.to_owned()]),
            studies: studies.map(|uid| vec![uid.to_owned()]),
        };
        let member = json!({"groups": ["g"]});
        for (rows, expected) in [
            (vec![row(None, None)], (true, true)),
            (vec![row(Some("i"), None)], (true, false)),
            (vec![row(None, Some("1.2"))], (false, true)),
            (vec![row(Some("j"), Some("1.3"))], (false, false)),
            (vec![], (false, false)),
        ] {
            let auth = auth(Some(rows.clone()), Value::Null);
            assert_eq!(read(&auth, &member), expected, "{rows:?}");
            assert_eq!(read(&auth, &json!({"groups": ["h"]})), (false, false));
            // Some token or other.
            assert_eq!(read(&auth, &Value::Null), expected, "{rows:?}");
        }
        let token = json!({"s": ["d"], "x": ["e"], "i": ["i"], "u": ["1.2"]});
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
