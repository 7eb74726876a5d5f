//! Where things lie in a file: found by its element headers only. No value is
//! read but the transfer syntax, and no stated length is believed before it is
//! known to lie inside the file.
//!
//! Sources: DICOM PS3.5, 7.1 (elements), 7.5 (nested data sets), A.4
//! (encapsulated pixels); PS3.10, 7.1 (file meta information).

use super::error::Error;
use super::source::{Data, Window};
use super::syntax::Encoding;
use bytes::Bytes;
use dicom_core::Tag;
use dicom_core::header::{DataElementHeader, SequenceItemHeader, VR};
use dicom_dictionary_std::{StandardDataDictionary, tags};
use dicom_encoding::decode::DecodeFrom;
use dicom_encoding::decode::explicit_le::ExplicitVRLittleEndianDecoder;
use dicom_encoding::decode::implicit_le::ImplicitVRLittleEndianDecoder;
use std::io::Read;

/// What comes before the first element.
const PREAMBLE: u64 = 128;

const MAGIC: &[u8] = b"DICM";

/// Real files have three or four levels of sequences. A reader that recurses
/// would exhaust its stack at some depth.
pub(super) const DEPTH: usize = 32;

/// All attributes of an instance but its pixels.
const ATTRIBUTES: u64 = 256 * 1024 * 1024;

/// A whole deflated data set.
pub(super) const INFLATED: u64 = 256 * 1024 * 1024;

const PIXEL_GROUP: u16 = 0x7FE0;

pub(super) const ITEM_DELIMITER: Tag = Tag(0xFFFE, 0xE00D);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    /// Where the data set begins.
    pub(super) dataset: u64,
    /// Where its attributes end, and its pixels begin if it has any.
    pub(super) attributes: u64,
    pub(super) pixels: Option<Pixels>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pixels {
    Native {
        offset: u64,
        length: u64,
        /// In words of two bytes, which big endian swaps even where a pixel has one.
        words: bool,
    },
    Encapsulated {
        /// Of the first item, the basic offset table.
        items: u64,
        /// Offset and length of the two extended tables, of offsets and of lengths.
        extended: Option<[(u64, u64); 2]>,
    },
}

/// The transfer syntax, and what the attributes end at.
pub(super) fn meta(data: &Data) -> Result<(String, u64), Error> {
    let no_file = || Error::broken("it is no DICOM file: it has no `DICM` at byte 128");
    let magic = data
        .read(PREAMBLE, MAGIC.len() as u64)
        .map_err(|_| no_file())?;
    if magic.as_ref() != MAGIC {
        return Err(no_file());
    }
    let mut window = data.window(PREAMBLE + MAGIC.len() as u64);
    let decoder = ExplicitVRLittleEndianDecoder::default();
    let mut syntax = None;
    loop {
        let start = window.position();
        if window.left() == 0 {
            break;
        }
        // The group's stated length is often wrong: the first element of another group ends it.
        let mut group = [0; 2];
        data.read(start, 2.min(window.left()))?
            .iter()
            .zip(&mut group)
            .for_each(|(from, to)| *to = *from);
        if u16::from_le_bytes(group) != 2 {
            break;
        }
        let (header, _) = decode(&decoder, &mut window)?;
        let length = known(&header)?;
        if header.tag == tags::TRANSFER_SYNTAX_UID {
            let value = data.read(window.position(), u64::from(length.min(128)))?;
            let value = String::from_utf8_lossy(&value);
            syntax = Some(value.trim_end_matches(['\0', ' ']).to_owned());
        }
        window.skip(u64::from(length))?;
    }
    let syntax = syntax.ok_or_else(|| Error::broken("it names no transfer syntax"))?;
    Ok((syntax, window.position()))
}

/// The bytes of the file meta information, in Explicit VR Little Endian.
pub(super) fn meta_group(data: &Data) -> Result<Bytes, Error> {
    let start = PREAMBLE + MAGIC.len() as u64;
    let (_, dataset) = meta(data)?;
    data.read(start, dataset.saturating_sub(start))
}

/// The data set's bytes, inflated where the file has them deflated: positions
/// count as if they lay in the file so.
pub(super) fn inflated(data: Data, encoding: &Encoding, dataset: u64) -> Result<Data, Error> {
    if !encoding.deflated {
        return Ok(data);
    }
    let mut bytes = data.read(0, dataset)?.to_vec();
    let reader = flate2::read::DeflateDecoder::new(data.window(dataset));
    // What was inflated up to a broken end may hold all that is asked for.
    let ended = reader.take(INFLATED + 1).read_to_end(&mut bytes);
    if bytes.len() as u64 > INFLATED {
        return Err(Error::broken(format!(
            "it inflates to more than {} MB",
            INFLATED / 1024 / 1024
        )));
    }
    if let (Err(error), true) = (ended, bytes.len() as u64 == dataset) {
        return Err(Error::broken(format!("it can't be inflated: {error}")));
    }
    Ok(Data::Memory(Bytes::from(bytes)))
}

/// Walks over the data set up to its pixels.
pub(super) fn walk(data: &Data, encoding: &Encoding, dataset: u64) -> Result<Layout, Error> {
    let decoder = encoding
        .syntax
        .decoder_for::<Window>()
        .ok_or_else(|| Error::broken("its transfer syntax can't be read"))?;
    let mut window = data.window(dataset);
    let mut attributes = None;
    let mut tables = [None; 2];
    let mut pixels = None;
    while window.left() > 0 {
        let start = window.position();
        let (header, _) = decode(&decoder, &mut window)?;
        if header.tag.group() >= PIXEL_GROUP && attributes.is_none() {
            attributes = Some(start);
        }
        if header.tag.group() > PIXEL_GROUP {
            break;
        }
        let place = window.position();
        match header.tag {
            tags::PIXEL_DATA | tags::FLOAT_PIXEL_DATA | tags::DOUBLE_FLOAT_PIXEL_DATA => {
                pixels = Some(pixels_at(&header, place, &window, tables)?);
                break;
            }
            tags::EXTENDED_OFFSET_TABLE => tables[0] = Some((place, u64::from(known(&header)?))),
            tags::EXTENDED_OFFSET_TABLE_LENGTHS => {
                tables[1] = Some((place, u64::from(known(&header)?)));
            }
            _ => {}
        }
        skip_value(&mut window, &decoder, &header)?;
    }
    let attributes = attributes.unwrap_or_else(|| window.position());
    if attributes - dataset > ATTRIBUTES {
        return Err(Error::broken(format!(
            "its attributes take more than {} MB",
            ATTRIBUTES / 1024 / 1024
        )));
    }
    Ok(Layout {
        dataset,
        attributes,
        pixels,
    })
}

fn pixels_at(
    header: &DataElementHeader,
    place: u64,
    window: &Window,
    tables: [Option<(u64, u64)>; 2],
) -> Result<Pixels, Error> {
    let Some(length) = header.len.get() else {
        let extended = match tables {
            [Some(offsets), Some(lengths)] => Some([offsets, lengths]),
            _ => None,
        };
        return Ok(Pixels::Encapsulated {
            items: place,
            extended,
        });
    };
    if u64::from(length) > window.left() {
        return Err(Error::broken(format!(
            "its pixels are said to take {length} bytes, and {} are there",
            window.left()
        )));
    }
    Ok(Pixels::Native {
        offset: place,
        length: u64::from(length),
        words: header.vr() == VR::OW,
    })
}

/// An open sequence or item.
struct Open {
    /// Where it ends, if that is stated.
    end: Option<u64>,
    kind: Nested,
    /// Unknown to who wrote it, and so in Implicit VR (PS3.5, 6.2.2, note 4).
    implicit: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Nested {
    Sequence,
    Item,
    /// A sequence whose items are values: an icon's encapsulated pixels.
    Fragments,
}

/// Skips a value, with all that is nested in it.
fn skip_value<'a>(
    window: &mut Window<'a>,
    decoder: &dyn DecodeFrom<Window<'a>>,
    header: &DataElementHeader,
) -> Result<(), Error> {
    let implicit = ImplicitVRLittleEndianDecoder::<StandardDataDictionary>::default();
    let mut open = Vec::new();
    enter(&mut open, window, header)?;
    while let Some(level) = open.last() {
        let at = window.position();
        match level.end {
            Some(end) if at == end => {
                open.pop();
                continue;
            }
            Some(end) if at > end => return Err(overlong(at)),
            _ => {}
        }
        let decoder: &dyn DecodeFrom<Window<'a>> = if level.implicit { &implicit } else { decoder };
        if level.kind == Nested::Item {
            let (header, _) = decode(decoder, window)?;
            if header.tag == ITEM_DELIMITER {
                open.pop();
            } else {
                enter(&mut open, window, &header)?;
            }
            continue;
        }
        let item = decoder
            .decode_item_header(window)
            .map_err(|error| Error::broken(format!("the item at {at} is broken: {error}")))?;
        match item {
            SequenceItemHeader::SequenceDelimiter => {
                open.pop();
            }
            SequenceItemHeader::Item { len } if level.kind == Nested::Fragments => {
                let length = len.get().ok_or_else(|| overlong(at))?;
                window.skip(u64::from(length))?;
            }
            SequenceItemHeader::Item { len } => {
                let implicit = level.implicit;
                push(&mut open, window, len.get(), Nested::Item, implicit)?;
            }
            SequenceItemHeader::ItemDelimiter => return Err(overlong(at)),
        }
    }
    Ok(())
}

/// Skips a plain value, and opens a nested one.
fn enter(
    open: &mut Vec<Open>,
    window: &mut Window,
    header: &DataElementHeader,
) -> Result<(), Error> {
    let implicit = open.last().is_some_and(|level| level.implicit);
    match (header.len.get(), header.vr()) {
        (length, VR::SQ) => push(open, window, length, Nested::Sequence, implicit),
        (Some(length), _) => window.skip(u64::from(length)),
        (None, VR::UN) => push(open, window, None, Nested::Sequence, true),
        (None, VR::OB | VR::OW) => push(open, window, None, Nested::Fragments, implicit),
        (None, vr) => Err(Error::broken(format!(
            "the element at {} has no length, which a value of {vr} must have",
            window.position()
        ))),
    }
}

fn push(
    open: &mut Vec<Open>,
    window: &Window,
    length: Option<u32>,
    kind: Nested,
    implicit: bool,
) -> Result<(), Error> {
    let at = window.position();
    if open.len() >= 2 * DEPTH {
        return Err(Error::broken(format!(
            "the sequences at {at} are nested more than {DEPTH} levels deep"
        )));
    }
    let outer = open.iter().rev().find_map(|level| level.end);
    let limit = outer.unwrap_or_else(|| at.saturating_add(window.left()));
    let end = length.map(|length| at.saturating_add(u64::from(length)));
    if end.is_some_and(|end| end > limit) {
        return Err(overlong(at));
    }
    open.push(Open {
        end,
        kind,
        implicit,
    });
    Ok(())
}

fn overlong(at: u64) -> Error {
    Error::broken(format!(
        "the sequence or item at {at} doesn't end where it is said to end"
    ))
}

fn decode<'a>(
    decoder: &(impl DecodeFrom<Window<'a>> + ?Sized),
    window: &mut Window<'a>,
) -> Result<(DataElementHeader, usize), Error> {
    let at = window.position();
    decoder
        .decode_header(window)
        .map_err(|error| Error::broken(format!("the element at {at} is broken: {error}")))
}

fn known(header: &DataElementHeader) -> Result<u32, Error> {
    header
        .len
        .get()
        .ok_or_else(|| Error::broken(format!("{} has no length", header.tag)))
}
