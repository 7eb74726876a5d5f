//! Whole instances: DICOM Part 10 files.
//!
//! Source: "Getting a DICOM instance from HealthImaging", AWS HealthImaging
//! Developer Guide.

use super::accept::{self, Syntax};
use super::typed;
use crate::dicom::{self, Instance};
use crate::healthimaging::error::ServiceError;
use crate::http::Answer;
use http::HeaderMap;

/// `GetDICOMInstance`.
pub(super) fn answer(instance: &Instance, headers: &HeaderMap) -> Result<Answer, ServiceError> {
    let stored: &str = &instance.transfer_syntax;
    let mut undecodable = None;
    for syntax in accept::of_instance(headers, stored) {
        let (name, file) = match syntax {
            Syntax::Stored => (stored, instance.part10()),
            Syntax::Explicit { .. } => {
                (dicom::EXPLICIT_VR_LITTLE_ENDIAN, instance.part10_explicit())
            }
        };
        match file {
            Ok(file) => {
                return Ok(typed(
                    &format!("application/dicom; transfer-syntax={name}"),
                    file,
                ));
            }
            Err(error) if error.kind == dicom::Kind::NotDecodable => undecodable = Some(error),
            Err(error) => return Err(error.into()),
        }
    }
    Err(match undecodable {
        Some(error) => error.into(),
        None => ServiceError::not_acceptable(&format!(
            "The instance is application/dicom, as {stored} or in Explicit VR Little Endian."
        )),
    })
}
