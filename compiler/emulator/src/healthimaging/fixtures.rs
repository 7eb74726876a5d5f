//! The data store's content: `data/`, embedded.

use super::error::ServiceError;
use crate::Error;
use serde::Deserialize;

/// One instance of one frame.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fixture {
    /// The slice's file name in pydicom, without the extension.
    pub name: String,
    pub image_set_id: String,
    pub image_frame_id: String,
    pub study_uid: String,
    pub series_uid: String,
    pub instance_uid: String,
    pub rows: u32,
    pub columns: u32,
    /// HTJ2K, as the store keeps it.
    #[serde(skip)]
    pub frame: &'static [u8],
    /// The same, uncompressed, little endian.
    #[serde(skip)]
    pub pixels: &'static [u8],
    /// DICOM JSON, without pixel data.
    #[serde(skip)]
    pub metadata: &'static [u8],
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fixtures {
    pub datastore_id: String,
    /// UID of the transfer syntax that every frame is stored in.
    pub transfer_syntax: String,
    pub instances: Vec<Fixture>,
}

const INDEX: &str = include_str!("../../data/index.json");

/// Name, frame, pixels, metadata.
type File = (&'static str, &'static [u8], &'static [u8], &'static [u8]);

const FILES: [File; 2] = [
    (
        "ct_small",
        include_bytes!("../../data/ct_small.jph"),
        include_bytes!("../../data/ct_small.raw"),
        include_bytes!("../../data/ct_small.metadata.json"),
    ),
    (
        "mr_small",
        include_bytes!("../../data/mr_small.jph"),
        include_bytes!("../../data/mr_small.raw"),
        include_bytes!("../../data/mr_small.metadata.json"),
    ),
];

impl Fixtures {
    pub fn embedded() -> Result<Self, Error> {
        let broken = |why: &str| Error::new(format!("the embedded fixtures are broken: {why}"));
        let mut fixtures: Self = serde_json::from_str(INDEX).map_err(|e| broken(&e.to_string()))?;
        for fixture in &mut fixtures.instances {
            let file = FILES.iter().find(|file| file.0 == fixture.name);
            let (_, frame, pixels, metadata) =
                file.ok_or_else(|| broken(&format!("no files of {}", fixture.name)))?;
            (fixture.frame, fixture.pixels, fixture.metadata) = (frame, pixels, metadata);
        }
        Ok(fixtures)
    }

    /// Gives the data store another id, and its image sets the ids in `sets`,
    /// as far as these go.
    pub(super) fn rename(&mut self, store: &str, sets: &[&str]) {
        self.datastore_id = store.to_owned();
        for (index, &set) in sets.iter().enumerate() {
            let Some(fixture) = self.instances.get_mut(index) else {
                return;
            };
            let former = std::mem::replace(&mut fixture.image_set_id, set.to_owned());
            // No two share an id, whatever the sets are called.
            for other in self.instances.iter_mut().skip(index + 1) {
                if other.image_set_id == set {
                    other.image_set_id.clone_from(&former);
                }
            }
        }
    }

    /// The instance, in the image set if one is named.
    pub(super) fn instance(
        &self,
        store: &str,
        uids: [&str; 3],
        set: Option<&str>,
    ) -> Result<&Fixture, ServiceError> {
        self.check_store(store)?;
        let found = self.instances.iter().find(|f| {
            [f.study_uid.as_str(), &f.series_uid, &f.instance_uid] == uids
                && set.is_none_or(|set| set == f.image_set_id)
        });
        found.ok_or_else(|| ServiceError::not_found("The DICOM instance"))
    }

    pub(super) fn frame(
        &self,
        store: &str,
        set: &str,
        frame: &str,
    ) -> Result<&Fixture, ServiceError> {
        self.check_store(store)?;
        let mut in_set = self
            .instances
            .iter()
            .filter(|f| f.image_set_id == set)
            .peekable();
        if in_set.peek().is_none() {
            return Err(ServiceError::not_found("The image set"));
        }
        in_set
            .find(|f| f.image_frame_id == frame)
            .ok_or_else(|| ServiceError::not_found("The image frame"))
    }

    fn check_store(&self, store: &str) -> Result<(), ServiceError> {
        if store == self.datastore_id {
            Ok(())
        } else {
            Err(ServiceError::not_found("The data store"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use frames_edge::operation;

    #[test]
    fn a_renamed_store_is_found_under_its_new_ids_alone() {
        let old = Fixtures::embedded().unwrap();
        let mut fixtures = old.clone();
        let [ct, mr] = [&old.instances[0], &old.instances[1]];
        let store = "d".repeat(32);
        // The second one's built-in id goes to the first.
        fixtures.rename(&store, &[&mr.image_set_id]);
        assert!(
            fixtures
                .frame(&store, &mr.image_set_id, &ct.image_frame_id)
                .is_ok()
        );
        assert!(
            fixtures
                .frame(&store, &ct.image_set_id, &mr.image_frame_id)
                .is_ok()
        );
        let former = fixtures.frame(&old.datastore_id, &mr.image_set_id, &ct.image_frame_id);
        assert_eq!(former.unwrap_err().status, 404);
        let sets = ["a".repeat(32), "b".repeat(32), "c".repeat(32)];
        fixtures.rename(&store, &sets.each_ref().map(String::as_str));
        let found = |set: &str, frame: &Fixture| fixtures.frame(&store, set, &frame.image_frame_id);
        assert!(found(&sets[0], ct).is_ok() && found(&sets[1], mr).is_ok());
        assert!(found(&sets[2], ct).is_err());
    }

    #[test]
    fn the_index_and_the_files_agree() {
        let fixtures = Fixtures::embedded().unwrap();
        assert_eq!(fixtures.instances.len(), FILES.len());
        assert!(operation::is_id(&fixtures.datastore_id));
        for fixture in &fixtures.instances {
            assert!(operation::is_id(&fixture.image_set_id));
            assert!(operation::is_uid(&fixture.instance_uid));
            // A JPEG 2000 codestream: SOC, then SIZ.
            assert_eq!(&fixture.frame[..4], b"\xff\x4f\xff\x51");
            assert_eq!(
                fixture.pixels.len() as u32,
                fixture.rows * fixture.columns * 2
            );
            let metadata: serde_json::Value = serde_json::from_slice(fixture.metadata).unwrap();
            assert_eq!(
                metadata[0]["00080018"]["Value"][0],
                fixture.instance_uid.as_str()
            );
            assert!(metadata[0].get("7FE00010").is_none());
        }
    }
}
