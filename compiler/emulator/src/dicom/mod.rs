//! DICOM files: what the data store of [`healthimaging`](crate::healthimaging) holds. It
//! knows nothing of HTTP, of AWS or of ids but DICOM's own.
//!
//! An [`Instance`] is read up to its pixels once, and keeps little of what was
//! read. Pixels, metadata and whole files are read when they are asked for.
//! Files are anybody's: no length in them is believed, and what other
//! projects' code makes of them can end one answer, never the process.

mod decode;
mod error;
mod folder;
mod frames;
mod guard;
mod instance;
mod json;
mod keywords;
mod layout;
mod measured;
mod multiplicity;
mod parse;
mod picture;
mod source;
mod syntax;
mod whole;

pub use error::{Error, Kind};
pub use folder::{Folder, Known, Left, Listing};
pub use guard::install_hook;
pub use instance::{Instance, SEARCHED, Shared};
pub use json::{element as element_json, key, object as object_json};
pub use keywords::Named;
pub use measured::Measured;
pub use picture::{Picture, Window, picture};
pub use syntax::{EXPLICIT_VR_LITTLE_ENDIAN, is_native, media_type, of_frames};

#[cfg(test)]
mod tests;
