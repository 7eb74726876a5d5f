//! `GetImageSetMetadata`: what an image set's instances say, each thing at its level, and
//! the ids of their frames.
//!
//! Sources: "Getting image set metadata" and "Metadata normalization", AWS HealthImaging
//! Developer Guide; "GetImageSetMetadata", AWS HealthImaging API Reference.

mod levels;

use super::error::ServiceError;
use super::store::{DataStore, Series, frame_id};
use crate::dicom::{self, Instance, Measured, Named};
use crate::http::{self as local_http, Answer};
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderValue, StatusCode, header};
use levels::Level;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};
use std::io::Write;
use std::num::NonZero;
use std::thread;

/// The only version that an image set has here.
const VERSION: u64 = 1;

/// An image set of more pixels isn't decoded: it would take longer than CloudFront waits.
const PIXELS: u64 = 1 << 28;

/// `GetImageSetMetadata`.
pub(super) fn get_image_set_metadata(
    held: &DataStore,
    store: &str,
    set: &str,
    query: &str,
) -> Result<Answer, ServiceError> {
    let series = held.image_set(store, set)?;
    if version(query)?.is_some_and(|version| version != VERSION) {
        return Err(ServiceError::not_found("That version of the image set"));
    }
    let document = document(held, series)?;
    let mut answer = local_http::answer(StatusCode::OK, "application/json", gzip(&document)?);
    answer
        .headers_mut()
        .insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    Ok(answer)
}

fn version(query: &str) -> Result<Option<u64>, ServiceError> {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let Some((_, value)) = pairs.find(|(name, _)| *name == "version") else {
        return Ok(None);
    };
    let value = percent_decode_str(value).decode_utf8_lossy();
    if value.is_empty() || !value.bytes().all(|b| b.is_ascii_digit()) {
        return Err(ServiceError::validation("`version` does not match \\d+."));
    }
    // What is too large for a number is no version that there could be.
    Ok(Some(value.parse().unwrap_or(u64::MAX)))
}

fn gzip(document: &Value) -> Result<Vec<u8>, ServiceError> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    let written = encoder.write_all(document.to_string().as_bytes());
    let zipped = written.and_then(|()| encoder.finish());
    zipped.map_err(|_| ServiceError::internal("The metadata could not be compressed."))
}

fn document(held: &DataStore, series: &Series) -> Result<Value, ServiceError> {
    let instances = held.instances_of(series);
    let pixels: u64 = instances.iter().map(Instance::pixel_count).sum();
    let described = described(instances, pixels <= PIXELS)?;
    // What is said of patient, study and series is what the first instance says.
    let of = |level| -> Map<String, Value> {
        let first = described.first().into_iter();
        first.flat_map(|one| members(one, level)).collect()
    };
    let members_of: Map<String, Value> = instances
        .iter()
        .zip(&described)
        .map(|(instance, described)| (instance.uid.to_string(), one(instance, described)))
        .collect();
    Ok(json!({
        "SchemaVersion": "1.1",
        "DatastoreID": held.id,
        "ImageSetID": series.image_set_id,
        "Patient": {"DICOM": of(Level::Patient)},
        "Study": {
            "DICOM": of(Level::Study),
            "Series": {
                (&*series.uid): {"DICOM": of(Level::Series), "Instances": members_of},
            },
        },
    }))
}

/// What a file says, and what its frames are.
struct Described {
    attributes: Vec<Named>,
    frames: Vec<Measured>,
}

/// All instances, on all cores: decoding takes its time.
fn described(instances: &[Instance], pixels: bool) -> Result<Vec<Described>, ServiceError> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let share = instances.len().div_ceil(threads).max(1);
    let describe = |instance: &Instance| {
        let described = Described {
            attributes: instance.named_attributes()?,
            frames: instance.measured(pixels)?,
        };
        Ok(described)
    };
    thread::scope(|scope| {
        let shares: Vec<_> = instances
            .chunks(share)
            .map(|share| scope.spawn(move || share.iter().map(describe).collect::<Vec<_>>()))
            .collect();
        let done = shares.into_iter().map(|share| {
            let broken = |_| vec![Err(ServiceError::internal("The files could not be read."))];
            share.join().unwrap_or_else(broken)
        });
        done.flatten().collect()
    })
}

fn members(described: &Described, level: Level) -> impl Iterator<Item = (String, Value)> {
    let attributes = described.attributes.iter();
    attributes
        .filter(move |one| Level::of(one.tag) == level)
        .map(|one| (one.key.clone(), one.value.clone()))
}

fn one(instance: &Instance, described: &Described) -> Value {
    let unknown = described.attributes.iter();
    let vrs: Map<String, Value> = unknown
        .filter_map(|one| Some((one.key.clone(), one.vr?.to_string().into())))
        .collect();
    let frames = (1..).zip(&described.frames);
    let frames: Vec<Value> = frames
        .map(|(n, measured)| frame(&frame_id(&instance.uid, n), measured))
        .collect();
    let dicom: Map<String, Value> = members(described, Level::Instance).collect();
    json!({
        "DICOM": dicom,
        "DICOMVRs": vrs,
        "StoredTransferSyntaxUID": dicom::of_frames(&instance.transfer_syntax),
        "ImageFrames": frames,
    })
}

/// What can't be told is left out. Of the resolutions, the service lists all that a frame has;
/// here is the full one.
fn frame(id: &str, measured: &Measured) -> Value {
    let mut frame = json!({"ID": id});
    if let Some(bytes) = measured.bytes {
        frame["FrameSizeInBytes"] = bytes.into();
    }
    let Some(pixels) = &measured.pixels else {
        return frame;
    };
    let full = json!({
        "Width": pixels.columns,
        "Height": pixels.rows,
        "Checksum": pixels.checksum,
    });
    frame["PixelDataChecksumFromBaseToFullResolution"] = json!([full]);
    if let Some((least, most)) = pixels.range {
        frame["MinPixelValue"] = least.into();
        frame["MaxPixelValue"] = most.into();
    }
    frame
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::healthimaging::study::embedded;
    use flate2::read::GzDecoder;
    use http_body_util::BodyExt;
    use std::io::Read;

    async fn read(store: &DataStore, set: &str) -> Value {
        let answer = get_image_set_metadata(store, &store.id, set, "").unwrap();
        assert_eq!(answer.headers()["content-type"], "application/json");
        assert_eq!(answer.headers()["content-encoding"], "gzip");
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let mut text = String::new();
        GzDecoder::new(&*body).read_to_string(&mut text).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    #[tokio::test]
    async fn metadata_is_the_files_at_its_levels_with_the_ids_of_its_frames() {
        let store = embedded().unwrap();
        let series = &store.series()[0];
        let got = read(&store, &series.image_set_id).await;
        assert_eq!(got["SchemaVersion"], "1.1");
        assert_eq!(got["DatastoreID"], *store.id);
        assert_eq!(got["ImageSetID"], *series.image_set_id);
        assert_eq!(
            got["Patient"]["DICOM"]["PatientName"],
            "CompressedSamples^CT1"
        );
        assert_eq!(got["Study"]["DICOM"]["StudyInstanceUID"], *series.study);
        let all = got["Study"]["Series"].as_object().unwrap();
        assert_eq!(all.len(), 1);
        let own = &all[&*series.uid];
        assert_eq!(own["DICOM"]["Modality"], "CT");
        let instance = &store.instances_of(series)[0];
        let one = &own["Instances"][&*instance.uid];
        let dicom = &one["DICOM"];
        // One value and several, numbers, text that is a number, bytes, and nothing.
        assert_eq!(dicom["Rows"], 128);
        assert_eq!(dicom["ImageType"], json!(["ORIGINAL", "PRIMARY", "AXIAL"]));
        assert_eq!(dicom["RescaleIntercept"], "-1024 ");
        assert_eq!(dicom["FileMetaInformationVersion"], "AAE=");
        for elsewhere in ["PatientName", "Modality", "StudyDate", "PixelData"] {
            assert_eq!(dicom[elsewhere], Value::Null, "{elsewhere}");
        }
        assert_eq!(one["StoredTransferSyntaxUID"], *instance.transfer_syntax);
        let frames = one["ImageFrames"].as_array().unwrap();
        assert_eq!(frames.len(), 1);
        assert_eq!(frames[0]["ID"], frame_id(&instance.uid, 1));
        // By zlib's crc32 of data/ct_small.raw, and by its least and greatest sample.
        let raw = include_bytes!("../../../data/ct_small.raw");
        let samples = raw.chunks_exact(2);
        let samples = samples.map(|pair| i16::from_le_bytes([pair[0], pair[1]]));
        assert_eq!(frames[0]["MinPixelValue"], samples.clone().min().unwrap());
        assert_eq!(frames[0]["MaxPixelValue"], samples.max().unwrap());
        let frame = include_bytes!("../../../data/ct_small.jph");
        assert_eq!(frames[0]["FrameSizeInBytes"], frame.len());
        let full = &frames[0]["PixelDataChecksumFromBaseToFullResolution"];
        assert_eq!(full[0]["Width"], 128);
        assert_eq!(full[0]["Height"], 128);
        assert_eq!(full[0]["Checksum"], CT_CHECKSUM);
    }

    /// `python -c "import zlib; print(zlib.crc32(open('data/ct_small.raw', 'rb').read()))"`
    const CT_CHECKSUM: u32 = 2_126_523_256;

    #[tokio::test]
    async fn every_frame_that_is_named_is_there() {
        let store = embedded().unwrap();
        let mut frames = 0;
        for series in store.series() {
            let got = read(&store, &series.image_set_id).await;
            let instances = &got["Study"]["Series"][&*series.uid]["Instances"];
            for (uid, one) in instances.as_object().unwrap() {
                for frame in one["ImageFrames"].as_array().unwrap() {
                    let id = frame["ID"].as_str().unwrap();
                    let found = store.frame(&store.id, &series.image_set_id, id).unwrap();
                    assert_eq!(&*found.0.uid, uid);
                    frames += 1;
                }
            }
        }
        assert_eq!(frames, 26 + 12);
    }

    #[test]
    fn there_is_one_version() {
        let store = embedded().unwrap();
        let set = store.series()[0].image_set_id.clone();
        let get = |store_id: &str, set: &str, query: &str| {
            get_image_set_metadata(&store, store_id, set, query)
                .map(|_| ())
                .map_err(|error| (error.status.as_u16(), error.class))
        };
        let missing = Err((404, "ResourceNotFoundException"));
        assert_eq!(get(&store.id, &set, "version=1"), Ok(()));
        assert_eq!(get(&store.id, &set, "version=2"), missing);
        assert_eq!(
            get(&store.id, &set, "version=18446744073709551616"),
            missing
        );
        assert_eq!(get(&store.id, &"0".repeat(32), ""), missing);
        assert_eq!(get(&"0".repeat(32), &set, ""), missing);
        for query in ["version=", "version=-1", "version=latest"] {
            let invalid = Err((400, "ValidationException"));
            assert_eq!(get(&store.id, &set, query), invalid, "{query}");
        }
    }
}
