//! Whole instances, as DICOM files (DICOM PS3.10, section 7).

use super::error::{Error, Kind};
use super::frames::FRAME;
use super::instance::{Instance, text};
use super::layout::Pixels;
use super::syntax::{self, EXPLICIT_VR_LITTLE_ENDIAN};
use bytes::{Bytes, BytesMut};
use dicom_core::header::VR;
use dicom_core::{DataElement, PrimitiveValue};
use dicom_dictionary_std::tags;
use dicom_object::{FileMetaTableBuilder, InMemDicomObject};

/// A whole file is answered from memory.
const WHOLE: u64 = 2 * FRAME;

impl Instance {
    /// The file as it lies there.
    pub fn part10(&self) -> Result<Bytes, Error> {
        let data = self.source.open()?;
        if data.len() > WHOLE {
            return Err(Error::new(
                Kind::Unreadable,
                format!(
                    "{} has {} bytes: too many for `frames dev`",
                    self.source.name(),
                    data.len()
                ),
            ));
        }
        data.read(0, data.len())
    }

    /// The same in Explicit VR Little Endian, its pixels decoded.
    pub fn part10_explicit(&self) -> Result<Bytes, Error> {
        if &*self.transfer_syntax == EXPLICIT_VR_LITTLE_ENDIAN {
            return self.part10();
        }
        let pixels = self.layout.pixels.map(|pixels| self.all_octets(pixels));
        let octets = pixels.transpose()?;
        // They are put into the data set, which is written into another buffer.
        let held = octets.as_ref().map_or(0, |octets| 2 * octets.len() as u64);
        let syntax = self.transfer_syntax.clone();
        let written = self.parsed_of(&self.data()?, "whole", held, move |mut all| {
            if let Some(octets) = octets {
                describe(&mut all, &syntax);
                let is_wide = super::instance::number(&all, tags::BITS_ALLOCATED) > Some(8);
                let vr = if is_wide { VR::OW } else { VR::OB };
                let value = PrimitiveValue::from(Vec::from(octets));
                all.put(DataElement::new(tags::PIXEL_DATA, vr, value));
            }
            written(all)
        });
        written.map_err(|error| self.named(error))
    }

    fn all_octets(&self, pixels: Pixels) -> Result<Bytes, Error> {
        if let Pixels::Native { .. } = pixels {
            return self.native_octets();
        }
        let shape = self.shape()?;
        let mut whole = BytesMut::new();
        for n in 1..=self.frames {
            let octets = self.octets_of(n, &shape)?;
            if (whole.len() + octets.len()) as u64 > FRAME {
                return Err(self.named(Error::not_decodable(
                    "all its frames are too large, decoded",
                )));
            }
            whole.extend_from_slice(&octets);
        }
        Ok(whole.freeze())
    }
}

/// What decoding changes: JPEG's decoders turn luminance and chrominance
/// into colours, and give them pixel by pixel.
fn describe(object: &mut InMemDicomObject, transfer_syntax: &str) {
    if syntax::is_native(transfer_syntax) {
        return;
    }
    let set = |object: &mut InMemDicomObject, tag, vr, value: PrimitiveValue| {
        object.put(DataElement::new(tag, vr, value));
    };
    let is_colour = super::instance::number(object, tags::SAMPLES_PER_PIXEL) > Some(1);
    let photometric = text(object, tags::PHOTOMETRIC_INTERPRETATION).unwrap_or_default();
    let is_jpeg = syntax::media_type(transfer_syntax).starts_with("image/");
    if is_jpeg && photometric.starts_with("YBR") {
        let rgb = PrimitiveValue::from("RGB");
        set(object, tags::PHOTOMETRIC_INTERPRETATION, VR::CS, rgb);
    }
    if is_colour {
        let by_pixel = PrimitiveValue::from(0_u16);
        set(object, tags::PLANAR_CONFIGURATION, VR::US, by_pixel);
    }
}

fn written(object: InMemDicomObject) -> Result<Bytes, Error> {
    let broken = |what: String| Error::not_decodable(format!("it can't be written anew: {what}"));
    let meta = FileMetaTableBuilder::new()
        .transfer_syntax(EXPLICIT_VR_LITTLE_ENDIAN)
        .media_storage_sop_class_uid(text(&object, tags::SOP_CLASS_UID).unwrap_or_default())
        .media_storage_sop_instance_uid(text(&object, tags::SOP_INSTANCE_UID).unwrap_or_default())
        .build()
        .map_err(|error| broken(error.to_string()))?;
    let mut bytes = Vec::new();
    let written = object.with_exact_meta(meta).write_all(&mut bytes);
    written.map_err(|error| broken(error.to_string()))?;
    Ok(bytes.into())
}
