//! Transfer syntaxes: DICOM PS3.5, section 10 and annex A.

use dicom_encoding::Endianness;
use dicom_encoding::transfer_syntax::{Codec, TransferSyntax, TransferSyntaxIndex};
use dicom_transfer_syntax_registry::TransferSyntaxRegistry;
use dicom_transfer_syntax_registry::entries::EXPLICIT_VR_LITTLE_ENDIAN as EXPLICIT;

pub const EXPLICIT_VR_LITTLE_ENDIAN: &str = "1.2.840.10008.1.2.1";

/// Of JPEG and its like, of video too, the retired ones among them.
const ENCAPSULATED: &str = "1.2.840.10008.1.2.4.";

/// How the data set is written.
pub(super) struct Encoding {
    pub(super) syntax: &'static TransferSyntax,
    pub(super) deflated: bool,
}

/// How files of `uid` are written, where that is known. Whatever encapsulates
/// its pixels has its attributes in Explicit VR Little Endian (PS3.5, A.4).
pub(super) fn encoding(uid: &str) -> Option<Encoding> {
    let explicit = || TransferSyntaxRegistry.get(EXPLICIT_VR_LITTLE_ENDIAN);
    let Some(syntax) = TransferSyntaxRegistry.get(uid) else {
        let syntax = explicit().filter(|_| uid.starts_with(ENCAPSULATED))?;
        return Some(Encoding {
            syntax,
            deflated: false,
        });
    };
    let deflated = matches!(syntax.codec(), Codec::Dataset(_));
    let syntax = if deflated { explicit()? } else { syntax };
    Some(Encoding { syntax, deflated })
}

/// Whether its frames can be had as they are: native ones go out as octets.
pub fn is_native(uid: &str) -> bool {
    TransferSyntaxRegistry
        .get(uid)
        .is_some_and(|syntax| matches!(syntax.codec(), Codec::None | Codec::Dataset(_)))
}

pub(super) fn is_big_endian(uid: &str) -> bool {
    TransferSyntaxRegistry
        .get(uid)
        .is_some_and(|syntax| syntax.endianness() == Endianness::Big)
}

/// The syntax that frames go out in when they go out as they are stored.
pub fn of_frames(stored: &str) -> &str {
    if is_native(stored) {
        EXPLICIT.uid()
    } else {
        stored
    }
}

/// The media type that `GetImageFrame` documents for frames of a syntax
/// ("GetImageFrame", AWS HealthImaging API Reference; DICOM PS3.18, 8.7.3).
pub fn media_type(stored: &str) -> &'static str {
    let Some(kind) = stored.strip_prefix(ENCAPSULATED) else {
        return "application/octet-stream";
    };
    let number = kind.split('.').next().and_then(|n| n.parse().ok());
    match number {
        Some(50..=70) => "image/jpeg",
        Some(90..=93) => "image/j2c",
        Some(100..=101) => "video/mpeg",
        Some(102..=106) => "video/mp4",
        Some(107..=108) => "video/H265",
        Some(110..=112) => "image/jxl",
        Some(201..=203) => "image/jph",
        _ => "application/octet-stream",
    }
}
