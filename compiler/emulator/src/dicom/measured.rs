//! What frames are, measured from the frames themselves: HealthImaging's metadata tells it.
//!
//! Source: "AWS HealthImaging pixel data verification", AWS HealthImaging Developer Guide: a
//! CRC32 of each frame's decoded pixels.

use super::decode;
use super::error::{Error, Kind};
use super::frames::Shape;
use super::instance::Instance;
use super::picture::samples;
use super::syntax;
use bytes::Bytes;
use dicom_dictionary_std::tags;
use flate2::Crc;

/// One frame, as far as it can be told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Measured {
    /// As it is stored.
    pub bytes: Option<usize>,
    pub pixels: Option<Pixels>,
}

/// What a frame's pixels are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pixels {
    pub columns: u16,
    pub rows: u16,
    /// CRC32 of the samples in little endian, colours by pixel.
    pub checksum: u32,
    /// The least and the greatest stored value, of images of one sample per pixel.
    pub range: Option<(i64, i64)>,
}

impl Instance {
    /// The pixels of all frames, by what is kept of the instance: rows, columns, frames.
    pub fn pixel_count(&self) -> u64 {
        let known = |tag| super::instance::number(&self.attributes, tag).map_or(0, u64::from);
        let area = known(tags::ROWS).saturating_mul(known(tags::COLUMNS));
        area.saturating_mul(u64::from(self.frames))
    }

    /// Each frame, in order; its pixels only where they are asked for. A frame that is
    /// broken has nothing to tell; a file that changed, or can't be read, is an error.
    pub fn measured(&self, pixels: bool) -> Result<Vec<Measured>, Error> {
        if self.frames == 0 {
            return Ok(vec![]);
        }
        let (shape, signed) = self.parsed("measures", |all| {
            let signed = super::instance::number(&all, tags::PIXEL_REPRESENTATION) == Some(1);
            Ok((Shape::of(&all).ok(), signed))
        })?;
        let shape = shape.filter(|_| pixels);
        let frames = 1..=self.frames;
        frames
            .map(|n| {
                let frame = match self.frame(n) {
                    Ok(frame) => frame,
                    Err(error) if matches!(error.kind, Kind::Missing | Kind::Broken) => {
                        return Ok(Measured::default());
                    }
                    Err(error) => return Err(error),
                };
                let shape = shape.as_ref();
                Ok(Measured {
                    bytes: Some(frame.len()),
                    pixels: shape.and_then(|shape| self.pixels(shape, signed, &frame)),
                })
            })
            .collect()
    }

    /// None where nothing here decodes them, or where what comes out isn't a whole sample each.
    fn pixels(&self, shape: &Shape, signed: bool, frame: &Bytes) -> Option<Pixels> {
        let octets = if syntax::is_native(&self.transfer_syntax) {
            frame.clone()
        } else {
            decode::octets(&self.transfer_syntax, shape, frame).ok()?
        };
        let is_whole = shape.allocated.is_multiple_of(8) && octets.len() as u64 == shape.octets();
        is_whole.then(|| Pixels {
            columns: shape.columns,
            rows: shape.rows,
            checksum: crc32(&octets),
            range: range(&octets, shape, signed),
        })
    }
}

fn crc32(octets: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(octets);
    crc.sum()
}

/// Wider samples may be floating-point numbers.
fn range(octets: &[u8], shape: &Shape, signed: bool) -> Option<(i64, i64)> {
    if shape.samples != 1 || shape.allocated > 16 {
        return None;
    }
    let values = samples(octets, shape, signed).ok()?;
    // Sixteen bits at the most: each of these numbers is whole, and in range.
    let values = values.into_iter().map(|value| value as i64);
    values.fold(None, |range, value| match range {
        None => Some((value, value)),
        Some((least, most)) => Some((value.min(least), value.max(most))),
    })
}
