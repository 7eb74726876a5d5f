//! A data set's attributes, from its bytes.
//!
//! Headers and values are read by `dicom-parser`. What is nested is followed
//! here: the crate's own reader of data sets never ends on a sequence of
//! unknown VR without a length (pydicom's `UN_sequence.dcm` has one), and
//! recurses as deep as a file says.

use super::error::Error;
use super::layout::{DEPTH, ITEM_DELIMITER};
use dicom_core::header::{DataElementHeader, HasLength, Length, SequenceItemHeader, VR};
use dicom_core::value::{DataSetSequence, Value};
use dicom_core::{DataElement, PrimitiveValue};
use dicom_dictionary_std::tags;
use dicom_encoding::text::SpecificCharacterSet;
use dicom_encoding::transfer_syntax::{TransferSyntax, TransferSyntaxIndex};
use dicom_object::InMemDicomObject;
use dicom_object::mem::InMemElement;
use dicom_parser::stateful::decode::{DynStatefulDecoder, StatefulDecode};
use dicom_transfer_syntax_registry::TransferSyntaxRegistry;
use dicom_transfer_syntax_registry::entries::IMPLICIT_VR_LITTLE_ENDIAN;

/// Reads a data set of which all the bytes are here.
pub(super) fn data_set(bytes: &[u8], syntax: &TransferSyntax) -> Result<InMemDicomObject, Error> {
    let mut reader = Reader::new(bytes, syntax, SpecificCharacterSet::default())?;
    reader.object(Some(bytes.len() as u64), 0)
}

struct Reader<'a> {
    bytes: &'a [u8],
    decoder: DynStatefulDecoder<&'a [u8]>,
    charset: SpecificCharacterSet,
}

impl<'a> Reader<'a> {
    fn new(
        bytes: &'a [u8],
        syntax: &TransferSyntax,
        charset: SpecificCharacterSet,
    ) -> Result<Self, Error> {
        let decoder = DynStatefulDecoder::new_with(bytes, syntax, charset.clone(), 0);
        Ok(Self {
            bytes,
            decoder: decoder.map_err(|error| broken(&error))?,
            charset,
        })
    }

    /// Up to `end`, or to an item's delimiter.
    fn object(&mut self, end: Option<u64>, depth: usize) -> Result<InMemDicomObject, Error> {
        let mut elements = Vec::new();
        while end.is_none_or(|end| self.decoder.position() < end) {
            let header = self.decoder.decode_header().map_err(|e| broken(&e))?;
            if header.tag == ITEM_DELIMITER {
                break;
            }
            if let Some(element) = self.element(header, depth)? {
                elements.push(element);
            }
        }
        match end {
            Some(end) if self.decoder.position() > end => Err(self.overlong()),
            _ => Ok(InMemDicomObject::from_element_iter(elements)),
        }
    }

    fn element(
        &mut self,
        header: DataElementHeader,
        depth: usize,
    ) -> Result<Option<InMemElement>, Error> {
        let value = match (header.vr(), header.len.get()) {
            (VR::SQ, length) => self.sequence(length, depth)?,
            (VR::UN, None) => self.unknown(depth)?,
            // Encapsulated pixels of an icon: nobody asks for them.
            (_, None) => return self.skip_fragments().map(|()| None),
            (_, Some(length)) if u64::from(length) > self.left() => return Err(self.overlong()),
            _ => {
                let value = self.decoder.read_value_preserved(&header);
                Value::Primitive(value.map_err(|error| broken(&error))?)
            }
        };
        if let (tags::SPECIFIC_CHARACTER_SET, Value::Primitive(value)) = (header.tag, &value) {
            self.charset = character_set(value);
        }
        let vr = if value.primitive().is_some() {
            header.vr()
        } else {
            VR::SQ
        };
        Ok(Some(DataElement::new_with_len(
            header.tag,
            vr,
            header.length(),
            value,
        )))
    }

    fn sequence(
        &mut self,
        length: Option<u32>,
        depth: usize,
    ) -> Result<Value<InMemDicomObject>, Error> {
        if depth >= DEPTH {
            return Err(Error::broken(format!(
                "its sequences are nested more than {DEPTH} levels deep"
            )));
        }
        let end = self.end(length)?;
        let mut items = Vec::new();
        while end.is_none_or(|end| self.decoder.position() < end) {
            let item = self.decoder.decode_item_header().map_err(|e| broken(&e))?;
            match item {
                SequenceItemHeader::Item { len } => {
                    let end = self.end(len.get())?;
                    items.push(self.object(end, depth + 1)?);
                }
                SequenceItemHeader::SequenceDelimiter => break,
                SequenceItemHeader::ItemDelimiter => return Err(self.overlong()),
            }
        }
        let length = length.map_or(Length::UNDEFINED, Length);
        Ok(DataSetSequence::new(items, length).into())
    }

    /// A sequence of who wrote the file didn't know it: it is in Implicit VR
    /// (PS3.5, 6.2.2, note 4).
    fn unknown(&mut self, depth: usize) -> Result<Value<InMemDicomObject>, Error> {
        let implicit = TransferSyntaxRegistry.get(IMPLICIT_VR_LITTLE_ENDIAN.uid());
        let implicit = implicit.ok_or_else(|| self.overlong())?;
        let at = usize::try_from(self.decoder.position()).unwrap_or(usize::MAX);
        let rest = self.bytes.get(at..).unwrap_or_default();
        let mut inner = Reader::new(rest, implicit, self.charset.clone())?;
        let value = inner.sequence(None, depth)?;
        let taken = u32::try_from(inner.decoder.position()).unwrap_or(u32::MAX);
        self.decoder.skip_bytes(taken).map_err(|e| broken(&e))?;
        Ok(value)
    }

    fn skip_fragments(&mut self) -> Result<(), Error> {
        loop {
            let item = self.decoder.decode_item_header().map_err(|e| broken(&e))?;
            let SequenceItemHeader::Item { len } = item else {
                return Ok(());
            };
            let length = len.get().ok_or_else(|| self.overlong())?;
            if u64::from(length) > self.left() {
                return Err(self.overlong());
            }
            self.decoder.skip_bytes(length).map_err(|e| broken(&e))?;
        }
    }

    fn left(&self) -> u64 {
        (self.bytes.len() as u64).saturating_sub(self.decoder.position())
    }

    fn end(&self, length: Option<u32>) -> Result<Option<u64>, Error> {
        match length {
            Some(length) if u64::from(length) > self.left() => Err(self.overlong()),
            length => Ok(length.map(|length| self.decoder.position() + u64::from(length))),
        }
    }

    fn overlong(&self) -> Error {
        Error::broken(format!(
            "what is nested at {} of its data set doesn't end where it is said to end",
            self.decoder.position()
        ))
    }
}

fn character_set(value: &PrimitiveValue) -> SpecificCharacterSet {
    let names = value.to_multi_str();
    let known = names
        .iter()
        .find_map(|name| SpecificCharacterSet::from_code(name));
    known.unwrap_or_default()
}

fn broken(error: &dyn std::fmt::Display) -> Error {
    Error::broken(format!("its data set is broken: {error}"))
}
