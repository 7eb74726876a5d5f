//! Frames as they are stored.
//!
//! Sources: DICOM PS3.5, 8.1.1 and annex D (native pixels), A.4 (fragments);
//! PS3.3, C.7.6.3.1.8 (extended offset table).

use super::error::Error;
use super::instance::{Instance, number};
use super::layout::Pixels;
use super::source::Data;
use super::syntax;
use bytes::{Bytes, BytesMut};
use dicom_core::Tag;
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;

/// An item's header: its tag and its length.
const HEADER: u64 = 8;

const ITEM: [u8; 4] = [0xFE, 0xFF, 0x00, 0xE0];

const DELIMITER: [u8; 4] = [0xFE, 0xFF, 0xDD, 0xE0];

/// A frame isn't larger than this, encoded or decoded. The largest detectors
/// give some 100 MB.
pub(super) const FRAME: u64 = 1024 * 1024 * 1024;

/// The largest scans of microscopes have a million.
const FRAGMENTS: usize = 4_000_000;

/// What says how large a frame is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) rows: u16,
    pub(super) columns: u16,
    pub(super) samples: u16,
    pub(super) allocated: u16,
    pub(super) stored: u16,
    pub(super) photometric: String,
}

impl Shape {
    pub(super) fn of(object: &InMemDicomObject) -> Result<Self, Error> {
        let known = |tag: Tag, name: &str| {
            let value = number(object, tag).and_then(|n| u16::try_from(n).ok());
            value
                .filter(|n| *n > 0)
                .ok_or_else(|| Error::broken(format!("it has no {name}")))
        };
        let allocated = known(tags::BITS_ALLOCATED, "BitsAllocated")?;
        let shape = Self {
            rows: known(tags::ROWS, "Rows")?,
            columns: known(tags::COLUMNS, "Columns")?,
            samples: known(tags::SAMPLES_PER_PIXEL, "SamplesPerPixel").unwrap_or(1),
            allocated,
            stored: known(tags::BITS_STORED, "BitsStored").unwrap_or(allocated),
            photometric: super::instance::text(object, tags::PHOTOMETRIC_INTERPRETATION)
                .unwrap_or_default(),
        };
        shape.checked()
    }

    /// Of samples that DICOM has: what is counted from them stays in range.
    pub(super) fn checked(self) -> Result<Self, Error> {
        if self.allocated > 64 || self.samples > 4 {
            return Err(Error::broken(format!(
                "no frame has {} samples of {} bits",
                self.samples, self.allocated
            )));
        }
        Ok(self)
    }

    /// A frame's size once it is decoded.
    pub(super) fn octets(&self) -> u64 {
        let pixels = u64::from(self.rows) * u64::from(self.columns);
        pixels * u64::from(self.samples) * u64::from(self.allocated.div_ceil(8))
    }

    pub(super) fn all_samples(&self) -> u64 {
        u64::from(self.rows) * u64::from(self.columns) * u64::from(self.samples)
    }

    /// In bits: frames of single bits don't begin at bytes.
    fn bits(&self) -> u64 {
        let pixels = u64::from(self.rows) * u64::from(self.columns);
        // Two chrominance samples for two pixels (PS3.3, C.7.6.3.1.2).
        let samples = match (self.photometric.as_str(), self.samples) {
            ("YBR_FULL_422" | "YBR_PARTIAL_422", 3) => 2,
            (_, samples) => u64::from(samples),
        };
        pixels * samples * u64::from(self.allocated)
    }
}

impl Instance {
    /// Frame `n`, counted from 1, as it is stored; native pixels as octets in
    /// little endian, each frame on a byte of its own.
    pub fn frame(&self, n: u32) -> Result<Bytes, Error> {
        self.stored(n).map_err(|error| self.named(error))
    }

    /// All native frames at once, bit by bit behind each other as they lie.
    pub(super) fn native_octets(&self) -> Result<Bytes, Error> {
        let octets = || {
            let Some(pixels @ Pixels::Native { offset, length, .. }) = self.layout.pixels else {
                return Err(Error::missing("its pixels aren't native"));
            };
            let data = self.data()?;
            let unit = self.swap(pixels, &self.shape_by(&data)?);
            Ok(swapped(data.read(offset, bounded(length)?)?, unit))
        };
        octets().map_err(|error| self.named(error))
    }

    /// What its attributes say of each of its frames.
    pub(super) fn shape(&self) -> Result<Shape, Error> {
        let shape = self.shape_by(&self.data()?);
        shape.map_err(|error| self.named(error))
    }

    fn shape_by(&self, data: &Data) -> Result<Shape, Error> {
        self.parsed_of(data, "shape", 0, |all| Shape::of(&all))
    }

    /// The unit whose bytes lie the other way round, in bytes: 1 in little endian.
    fn swap(&self, pixels: Pixels, shape: &Shape) -> usize {
        match pixels {
            _ if !syntax::is_big_endian(&self.transfer_syntax) => 1,
            Pixels::Native { words: true, .. } if shape.allocated <= 8 => 2,
            _ => usize::from(shape.allocated.div_ceil(8)),
        }
    }

    fn stored(&self, n: u32) -> Result<Bytes, Error> {
        if n == 0 || n > self.frames {
            return Err(Error::missing(format!("it has no frame {n}")));
        }
        let data = self.data()?;
        match self.layout.pixels {
            None => Err(Error::missing("it has no pixels")),
            Some(pixels @ Pixels::Native { .. }) => {
                let shape = self.shape_by(&data)?;
                native(&data, pixels, &shape, n, self.swap(pixels, &shape))
            }
            Some(Pixels::Encapsulated { items, extended }) => {
                let frame = encapsulated(&data, items, extended, n, self.frames)?;
                Ok(unpadded(frame))
            }
        }
    }
}

fn native(data: &Data, pixels: Pixels, shape: &Shape, n: u32, swap: usize) -> Result<Bytes, Error> {
    let Pixels::Native { offset, length, .. } = pixels else {
        return Err(Error::missing("its pixels aren't native"));
    };
    let bits = shape.bits();
    // In range: 2^40 bits a frame, and less than 2^32 frames, are held by none.
    let first = bits.saturating_mul(u64::from(n - 1));
    let (start, end) = (first / 8, first.saturating_add(bits).div_ceil(8));
    if end > length || end - start > FRAME {
        return Err(Error::missing(format!(
            "frame {n} would end at byte {end} of its pixels, which have {length}"
        )));
    }
    // Whole units, for a frame may begin inside of one.
    let unit = swap as u64;
    let (from, to) = (start - start % unit, end.next_multiple_of(unit).min(length));
    let bytes = swapped(data.read(offset + from, to - from)?, swap);
    let skipped = usize::try_from(start - from).unwrap_or(usize::MAX);
    let wanted = usize::try_from(end - start).unwrap_or(usize::MAX);
    let bytes = bytes.slice(skipped..skipped.saturating_add(wanted));
    let shift = u32::try_from(first % 8).unwrap_or(0);
    if shift > 0 || !bits.is_multiple_of(8) {
        return Ok(shifted(&bytes, shift, bits));
    }
    Ok(bytes)
}

/// Bits from `shift` on: the first pixel is the lowest bit (PS3.5, 8.1.1).
fn shifted(bytes: &[u8], shift: u32, bits: u64) -> Bytes {
    let next = bytes.iter().skip(1).chain(std::iter::once(&0));
    let pairs = bytes.iter().zip(next);
    let mut shifted: Vec<u8> = pairs
        .map(|(low, high)| {
            let both = u16::from_le_bytes([*low, *high]);
            (both >> shift).to_le_bytes()[0]
        })
        .collect();
    shifted.truncate(usize::try_from(bits.div_ceil(8)).unwrap_or(usize::MAX));
    let unused = u32::try_from((8 - bits % 8) % 8).unwrap_or(0);
    if let Some(last) = shifted.last_mut() {
        *last &= 0xFF >> unused;
    }
    shifted.into()
}

/// Reverses each unit of `width` bytes.
fn swapped(bytes: Bytes, width: usize) -> Bytes {
    if width == 1 {
        return bytes;
    }
    let mut swapped = bytes.to_vec();
    for unit in swapped.chunks_exact_mut(width) {
        unit.reverse();
    }
    swapped.into()
}

/// A fragment's value: offset and length.
type Fragment = (u64, u64);

fn encapsulated(
    data: &Data,
    items: u64,
    extended: Option<[(u64, u64); 2]>,
    n: u32,
    frames: u32,
) -> Result<Bytes, Error> {
    let (_, basic) = item(data, items)?.ok_or_else(|| Error::broken("it has no offset table"))?;
    let table = items + HEADER;
    let first = table + basic;
    if let Some(place) = extended_place(data, extended, first, n)? {
        return data.read(place.0, bounded(place.1)?);
    }
    let chosen = chosen(data, (table, basic), first, n, frames)?;
    let total: u64 = chosen.iter().map(|(_, length)| length).sum();
    bounded(total)?;
    if let [(offset, length)] = chosen.as_slice() {
        return data.read(*offset, *length);
    }
    let mut whole = BytesMut::new();
    for (offset, length) in chosen {
        whole.extend_from_slice(&data.read(offset, length)?);
    }
    Ok(whole.freeze())
}

/// Without the byte that makes a fragment's length even: it stands behind the
/// marker that ends a codestream of any JPEG.
fn unpadded(mut frame: Bytes) -> Bytes {
    const END_PADDED: &[u8] = b"\xFF\xD9\x00";
    if frame.ends_with(END_PADDED) {
        frame.truncate(frame.len() - 1);
    }
    frame
}

fn bounded(length: u64) -> Result<u64, Error> {
    if length > FRAME {
        return Err(Error::broken(format!(
            "a frame of {length} bytes is too large"
        )));
    }
    Ok(length)
}

/// An item's value, or none at the sequence's end.
fn item(data: &Data, at: u64) -> Result<Option<Fragment>, Error> {
    let header = data.read(at, HEADER)?;
    let (tag, length) = header.split_at(4);
    let length = length.try_into().map_or(0, u32::from_le_bytes);
    if tag == DELIMITER {
        return Ok(None);
    }
    if tag != ITEM || length == u32::MAX {
        return Err(Error::broken(format!("there is no fragment at {at}")));
    }
    Ok(Some((at + HEADER, u64::from(length))))
}

/// One frame, one fragment (PS3.5, A.4, of the extended offset table).
fn extended_place(
    data: &Data,
    tables: Option<[(u64, u64); 2]>,
    first: u64,
    n: u32,
) -> Result<Option<Fragment>, Error> {
    let Some([offsets, lengths]) = tables else {
        return Ok(None);
    };
    let at = u64::from(n - 1) * 8;
    let number = |(table, length): (u64, u64)| {
        if at + 8 > length {
            return Err(Error::missing(format!("its offset table has no frame {n}")));
        }
        let bytes = data.read(table + at, 8)?;
        Ok(bytes.as_ref().try_into().map_or(0, u64::from_le_bytes))
    };
    let (offset, length) = (number(offsets)?, number(lengths)?);
    let start = first.saturating_add(offset);
    match item(data, start)? {
        // The table has the length before it was padded to be even.
        Some((value, held)) if length <= held => Ok(Some((value, length))),
        _ => Err(Error::broken(format!(
            "its offset table has no fragment for frame {n}"
        ))),
    }
}

/// The fragments from `at` on, up to `end` or to the last one.
fn fragments(data: &Data, mut at: u64, end: Option<u64>) -> Result<Vec<Fragment>, Error> {
    let mut fragments = Vec::new();
    // Many a file ends without the delimiter.
    while at + HEADER <= data.len() && end.is_none_or(|end| at < end) {
        let Some((value, length)) = item(data, at)? else {
            break;
        };
        if value + length > data.len() {
            return Err(Error::broken(format!(
                "the fragment at {at} ends behind the file"
            )));
        }
        if fragments.len() == FRAGMENTS {
            return Err(Error::broken("it has too many fragments"));
        }
        fragments.push((value, length));
        at = value + length;
    }
    Ok(fragments)
}

/// The fragments of one frame.
fn chosen(
    data: &Data,
    (table, length): (u64, u64),
    first: u64,
    n: u32,
    frames: u32,
) -> Result<Vec<Fragment>, Error> {
    let some = |fragments: Vec<Fragment>| {
        if fragments.is_empty() {
            return Err(Error::missing(format!(
                "there is no fragment for frame {n}"
            )));
        }
        Ok(fragments)
    };
    if frames == 1 {
        return some(fragments(data, first, None)?);
    }
    if length >= 4 * u64::from(frames) {
        // Offsets count from the first fragment's header.
        let offset = |index: u32| {
            let bytes = data.read(table + 4 * u64::from(index), 4)?;
            let offset = bytes.as_ref().try_into().map_or(0, u32::from_le_bytes);
            Ok::<u64, Error>(first + u64::from(offset))
        };
        let end = (n < frames).then(|| offset(n)).transpose()?;
        return some(fragments(data, offset(n - 1)?, end)?);
    }
    let all = fragments(data, first, None)?;
    if all.len() as u64 == u64::from(frames) {
        let one = all.get((n - 1) as usize).copied();
        return some(one.into_iter().collect());
    }
    Err(Error::broken(format!(
        "it has {} fragments for {frames} frames, and no offset table says which are whose",
        all.len()
    )))
}
