//! Frames as octets: each sample in little endian, colours by pixel, as
//! Explicit VR Little Endian has them.
//!
//! Decoders: `jpeg-decoder`, and by `dicom-transfer-syntax-registry` RLE, deflated
//! frames, and JPEG 2000 with HTJ2K (`openjp2`), all in Rust. JPEG-LS and JPEG XL
//! have no small decoder in Rust, video has none: their frames go out as they are stored.

use super::error::Error;
use super::frames::{FRAME, Shape};
use super::guard::{Piece, guarded, identity};
use super::instance::Instance;
use super::syntax;
use bytes::Bytes;
use dicom_encoding::adapters::{DynPixelDataReader, PixelDataObject, RawPixelData};
use dicom_encoding::transfer_syntax::{Codec, TransferSyntaxIndex};
use dicom_transfer_syntax_registry::TransferSyntaxRegistry;
use flate2::read::DeflateDecoder;
use std::borrow::Cow;
use std::fmt::Display;
use std::io::Read;

impl Instance {
    /// Frame `n`, counted from 1, decoded.
    pub fn octets(&self, n: u32) -> Result<Bytes, Error> {
        let frame = self.frame(n)?;
        if syntax::is_native(&self.transfer_syntax) {
            return Ok(frame);
        }
        self.decoded(&self.shape()?, &frame)
    }

    /// The same, of an instance whose attributes are known.
    pub(super) fn octets_of(&self, n: u32, shape: &Shape) -> Result<Bytes, Error> {
        self.decoded(shape, &self.frame(n)?)
    }

    fn decoded(&self, shape: &Shape, frame: &Bytes) -> Result<Bytes, Error> {
        let decoded = octets(&self.transfer_syntax, shape, frame);
        decoded.map_err(|error| self.named(error))
    }

    /// Whether [`octets`](Self::octets) are to be had at all.
    pub fn decodes(&self) -> bool {
        let uid = &*self.transfer_syntax;
        syntax::is_native(uid) || Decoder::of(uid).is_some()
    }
}

#[derive(Clone, Copy)]
enum Decoder {
    Jpeg,
    Deflate,
    Of(&'static DynPixelDataReader),
}

impl Decoder {
    fn of(uid: &str) -> Option<Self> {
        if is_jpeg(uid) {
            return Some(Self::Jpeg);
        }
        if uid == DEFLATED_IMAGE_FRAME {
            return Some(Self::Deflate);
        }
        match TransferSyntaxRegistry.get(uid)?.codec() {
            Codec::EncapsulatedPixelData(reader, _) => reader.as_ref().map(Self::Of),
            _ => None,
        }
    }

    fn decode(self, one: &One) -> Result<Vec<u8>, String> {
        match self {
            Self::Jpeg => jpeg(&one.shape, &one.frame),
            Self::Deflate => {
                // The library would inflate without an end.
                let mut octets = Vec::new();
                let ended = DeflateDecoder::new(&*one.frame)
                    .take(one.shape.octets() + 1)
                    .read_to_end(&mut octets);
                ended.map(|_| octets).map_err(|error| error.to_string())
            }
            Self::Of(reader) => {
                let mut octets = Vec::new();
                let decoded = reader.decode_frame(one, 0, &mut octets);
                decoded.map(|()| octets).map_err(|error| error.to_string())
            }
        }
    }
}

/// JPEG of any process, the retired ones too; not JPEG-LS, not JPEG 2000.
fn is_jpeg(uid: &str) -> bool {
    syntax::media_type(uid) == "image/jpeg"
}

/// RLE Lossless (PS3.5, annex G).
const RLE: &str = "1.2.840.10008.1.2.5";

/// Deflated Image Frame Compression (PS3.5, 8.2.16): of unbounded length, by what it says.
const DEFLATED_IMAGE_FRAME: &str = "1.2.840.10008.1.2.8.1";

/// What decoders hold of a sample at once, at the most: in two buffers of four octets.
const OF_SAMPLE: u64 = 8;

/// One encoded frame.
pub(super) fn octets(uid: &str, shape: &Shape, frame: &Bytes) -> Result<Bytes, Error> {
    let size = shape.octets();
    if size > FRAME {
        return Err(Error::not_decodable(format!(
            "a frame of {size} octets is too large"
        )));
    }
    let frame = match syntax::media_type(uid) {
        "image/j2c" | "image/jph" => codestream(frame),
        _ => frame.clone(),
    };
    agrees(uid, shape, &frame)?;
    let decoder = Decoder::of(uid).ok_or_else(|| {
        Error::not_decodable(format!("frames decodes no frames of transfer syntax {uid}"))
    })?;
    let one = One {
        uid: uid.to_owned(),
        shape: shape.clone(),
        frame: frame.clone(),
    };
    let known_by = format!("{uid} {shape:?}");
    let piece = Piece {
        identity: &|| identity(&[known_by.as_bytes(), &frame]),
        bytes: frame.len() as u64 + shape.all_samples() * OF_SAMPLE,
        threads: matches!(decoder, Decoder::Jpeg),
    };
    let broken =
        |what: &dyn Display| Error::not_decodable(format!("the frame can't be decoded: {what}"));
    let decoded = guarded(&piece, move || decoder.decode(&one));
    let octets = decoded
        .map_err(|failed| broken(&failed))?
        .map_err(|error| broken(&error))?;
    if octets.len() as u64 != size {
        return Err(Error::not_decodable(format!(
            "the frame decodes to {} octets, and its attributes say {size}",
            octets.len()
        )));
    }
    Ok(octets.into())
}

fn jpeg(shape: &Shape, frame: &[u8]) -> Result<Vec<u8>, String> {
    let mut decoder = jpeg_decoder::Decoder::new(frame);
    decoder.set_max_decoding_buffer_size(usize::try_from(FRAME).unwrap_or(usize::MAX));
    // DICOM says whether these are colours; a marker in the frame knows better.
    if shape.photometric == "RGB" && !has_adobe_marker(frame) {
        decoder.set_color_transform(jpeg_decoder::ColorTransform::None);
    }
    let decoded = decoder.decode().map_err(|error| error.to_string())?;
    let is_wide = decoder
        .info()
        .is_some_and(|info| info.pixel_format == jpeg_decoder::PixelFormat::L16);
    if is_wide && cfg!(target_endian = "big") {
        let samples = decoded.chunks_exact(2);
        return Ok(samples.flat_map(|s| s.iter().rev().copied()).collect());
    }
    if !is_wide && shape.allocated == 16 {
        return Ok(decoded.into_iter().flat_map(|sample| [sample, 0]).collect());
    }
    Ok(decoded)
}

/// Whether the frame's header says itself if its colours were transformed.
fn has_adobe_marker(frame: &[u8]) -> bool {
    let header = frame.get(..frame.len().min(64 * 1024)).unwrap_or_default();
    header
        .windows(9)
        .any(|w| w.starts_with(b"\xFF\xEE") && w.ends_with(b"Adobe"))
}

/// What a codestream says of its own size decides what its decoder allocates:
/// it must be what the attributes say.
fn agrees(uid: &str, shape: &Shape, frame: &[u8]) -> Result<(), Error> {
    let said = match syntax::media_type(uid) {
        "image/j2c" | "image/jph" => jpeg_2000_size(shape, frame),
        "image/jpeg" => jpeg_size(frame),
        _ if uid == RLE => return has_segments(frame),
        _ => return Ok(()),
    };
    let expected = (u32::from(shape.columns), u32::from(shape.rows));
    match said {
        Some(said) if said == expected => Ok(()),
        Some((columns, rows)) => Err(Error::not_decodable(format!(
            "the frame is {columns} × {rows}, and its attributes say {} × {}",
            expected.0, expected.1
        ))),
        None => Err(Error::not_decodable(
            "the frame can't be decoded: it doesn't say its size",
        )),
    }
}

/// Whether the frame has a header of RLE (PS3.5, G.5), which says how many segments follow: at most 15.
fn has_segments(frame: &[u8]) -> Result<(), Error> {
    let header = frame.first_chunk::<64>();
    let segments = header.and_then(|header| header.first_chunk::<4>());
    match segments.map(|segments| u32::from_le_bytes(*segments)) {
        Some(1..=15) => Ok(()),
        _ => Err(Error::not_decodable(
            "the frame can't be decoded: it has no header of RLE",
        )),
    }
}

const SOC_SIZ: &[u8] = b"\xFF\x4F\xFF\x51";

/// The codestream that a frame is (PS3.5, A.4.4), taken out of a JP2 file if somebody put it
/// into one: what is checked is what is decoded.
fn codestream(frame: &Bytes) -> Bytes {
    let mut windows = frame.windows(SOC_SIZ.len()).take(64 * 1024);
    let start = windows.position(|window| window == SOC_SIZ);
    start.map_or_else(|| frame.clone(), |start| frame.slice(start..))
}

/// Of a codestream's SIZ segment (ISO/IEC 15444-1, A.5.1). `None` also where it has other
/// components than the attributes say.
fn jpeg_2000_size(shape: &Shape, frame: &[u8]) -> Option<(u32, u32)> {
    let number = |at: usize| {
        let bytes = frame.get(at..at + 4)?;
        Some(u32::from_be_bytes(bytes.try_into().ok()?))
    };
    // Behind XTOsiz and YTOsiz: Csiz, in two bytes.
    let components = frame.get(40..42)?;
    let components = u16::from_be_bytes(components.try_into().ok()?);
    if !frame.starts_with(SOC_SIZ) || components != shape.samples {
        return None;
    }
    // After the markers: Lsiz, Rsiz, Xsiz, Ysiz, XOsiz, YOsiz.
    let (right, bottom, left, top) = (number(8)?, number(12)?, number(16)?, number(20)?);
    Some((right.checked_sub(left)?, bottom.checked_sub(top)?))
}

/// Of a JPEG's frame header (ISO/IEC 10918-1, B.2.2).
fn jpeg_size(frame: &[u8]) -> Option<(u32, u32)> {
    let mut at = 2;
    loop {
        let marker = frame.get(at..at + 2)?;
        let (0xFF, kind) = (*marker.first()?, *marker.last()?) else {
            return None;
        };
        let number = |from: usize| {
            let bytes = frame.get(from..from + 2)?;
            Some(u16::from_be_bytes(bytes.try_into().ok()?))
        };
        match kind {
            // Fill bytes before a marker.
            0xFF => at += 1,
            // SOFn, but for DHT, JPG and DAC, which lie among them.
            0xC0..=0xCF if !matches!(kind, 0xC4 | 0xC8 | 0xCC) => {
                return Some((number(at + 7)?.into(), number(at + 5)?.into()));
            }
            _ => at += 2 + usize::from(number(at + 2)?),
        }
    }
}

/// An object of one frame, as the decoders want to see it.
struct One {
    uid: String,
    shape: Shape,
    frame: Bytes,
}

impl PixelDataObject for One {
    fn transfer_syntax_uid(&self) -> &str {
        &self.uid
    }

    fn rows(&self) -> Option<u16> {
        Some(self.shape.rows)
    }

    fn cols(&self) -> Option<u16> {
        Some(self.shape.columns)
    }

    fn samples_per_pixel(&self) -> Option<u16> {
        Some(self.shape.samples)
    }

    fn bits_allocated(&self) -> Option<u16> {
        Some(self.shape.allocated)
    }

    fn bits_stored(&self) -> Option<u16> {
        Some(self.shape.stored)
    }

    fn photometric_interpretation(&self) -> Option<&str> {
        Some(&self.shape.photometric)
    }

    fn number_of_frames(&self) -> Option<u32> {
        Some(1)
    }

    fn number_of_fragments(&self) -> Option<u32> {
        Some(1)
    }

    fn fragment(&self, fragment: usize) -> Option<Cow<'_, [u8]>> {
        (fragment == 0).then_some(Cow::Borrowed(&self.frame))
    }

    fn offset_table(&self) -> Option<Cow<'_, [u32]>> {
        None
    }

    fn raw_pixel_data(&self) -> Option<RawPixelData> {
        Some(RawPixelData {
            fragments: vec![self.frame.to_vec()].into(),
            offset_table: vec![].into(),
        })
    }
}
