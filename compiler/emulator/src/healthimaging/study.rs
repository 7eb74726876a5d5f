//! The built-in study, `data/study/`, embedded.

use super::store::DataStore;
use crate::Error;
use crate::dicom::{Instance, Shared};

/// The id of the store where a policy names none.
const DATASTORE: &str = "12345678901234567890123456789012";

macro_rules! file {
    ($name:literal) => {
        include_bytes!(concat!("../../data/study/", $name, ".dcm"))
    };
}

/// The slices of pydicom's come first: the first one is what `frames dev` prints.
const FILES: [&[u8]; 27] = [
    file!("ct_small"),
    file!("mr_small"),
    file!("phantom_ct_01"),
    file!("phantom_ct_02"),
    file!("phantom_ct_03"),
    file!("phantom_ct_04"),
    file!("phantom_ct_05"),
    file!("phantom_ct_06"),
    file!("phantom_ct_07"),
    file!("phantom_ct_08"),
    file!("phantom_ct_09"),
    file!("phantom_ct_10"),
    file!("phantom_ct_11"),
    file!("phantom_ct_12"),
    file!("phantom_ct_13"),
    file!("phantom_ct_14"),
    file!("phantom_ct_15"),
    file!("phantom_ct_16"),
    file!("phantom_ct_17"),
    file!("phantom_ct_18"),
    file!("phantom_ct_19"),
    file!("phantom_ct_20"),
    file!("phantom_ct_21"),
    file!("phantom_ct_22"),
    file!("phantom_ct_23"),
    file!("phantom_ct_24"),
    file!("phantom_us"),
];

/// A data store of a user's instances, and those with a UID that another one has.
pub fn of(instances: Vec<Instance>) -> (DataStore, Vec<Instance>) {
    DataStore::of(DATASTORE, instances)
}

/// A data store of the built-in instances.
pub fn embedded() -> Result<DataStore, Error> {
    let mut shared = Shared::default();
    let instances = FILES.iter().map(|bytes| {
        Instance::embedded(*bytes, &mut shared)
            .map_err(|error| Error::new(format!("the built-in study is broken: {error}")))
    });
    let instances: Vec<Instance> = instances.collect::<Result<_, _>>()?;
    Ok(of(instances).0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dicom::{Kind, media_type};
    use frames_edge::operation;

    #[test]
    fn the_frames_decode_to_the_pixels_that_they_were_made_from() {
        let store = embedded().unwrap();
        for (uid, frame, pixels) in [
            (
                "1.3.6.1.4.1.5962.1.1.1.1.1.20040119072730.12322",
                &include_bytes!("../../data/ct_small.jph")[..],
                &include_bytes!("../../data/ct_small.raw")[..],
            ),
            (
                "1.3.6.1.4.1.5962.1.1.4.1.1.20040826185059.5457",
                include_bytes!("../../data/mr_small.jph"),
                include_bytes!("../../data/mr_small.raw"),
            ),
        ] {
            let instance = store.instances().iter().find(|i| &*i.uid == uid).unwrap();
            assert!(instance.frame(1).unwrap() == frame, "{uid}");
            assert!(instance.octets(1).unwrap() == pixels, "{uid}");
            assert_eq!(instance.frame(2).unwrap_err().kind, Kind::Missing);
        }
    }

    #[test]
    fn there_is_a_series_to_scroll_and_a_list_to_search() {
        let store = embedded().unwrap();
        assert!(operation::is_id(&store.id));
        assert_eq!(store.instances().len(), FILES.len());
        assert_eq!(store.studies().len(), 3);
        let longest = store.studies().iter().map(|study| {
            let series = store.series_of(study);
            let slices = series.iter().map(|one| store.instances_of(one).len()).max();
            (series.len(), slices)
        });
        assert_eq!(longest.max(), Some((2, Some(24))));
        let bytes: usize = FILES.iter().map(|file| file.len()).sum();
        assert!(bytes < 600_000, "{bytes}");
        let mut seen = std::collections::HashSet::new();
        for instance in store.instances() {
            assert_eq!(media_type(&instance.transfer_syntax), "image/jph");
            for n in 1..=instance.frames {
                // A JPEG 2000 codestream: SOC, then SIZ. Each is another picture.
                assert_eq!(&instance.frame(n).unwrap()[..4], b"\xff\x4f\xff\x51");
                assert!(seen.insert(instance.octets(n).unwrap()), "{}", instance.uid);
            }
        }
        assert_eq!(seen.len(), 26 + 12);
    }
}
