//! The native operations.

use super::{error::ServiceError, store::DataStore};
use crate::dicom;
use crate::http::{self as local_http, Answer};
use frames_edge::operation;
use http::StatusCode;
use serde_json::Value;

/// `GetImageFrame`.
pub(super) fn get_image_frame(
    held: &DataStore,
    store: &str,
    set: &str,
    body: &[u8],
) -> Result<Answer, ServiceError> {
    let body: Value = serde_json::from_slice(body).map_err(|_| {
        ServiceError::new(
            StatusCode::BAD_REQUEST,
            "SerializationException",
            "The body is not JSON.",
        )
    })?;
    let id = body
        .get("imageFrameId")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if !operation::is_id(id) {
        return Err(ServiceError::validation(
            "`imageFrameId` is missing or does not match [0-9a-z]{32}.",
        ));
    }
    let (instance, number) = held.frame(store, set, id)?;
    let media = dicom::media_type(&instance.transfer_syntax);
    Ok(local_http::answer(
        StatusCode::OK,
        media,
        instance.frame(number)?,
    ))
}

#[cfg(test)]
mod tests {
    use super::super::store::frame_id;
    use super::*;

    #[test]
    fn a_frame_is_found_by_its_ids_alone() {
        let store = super::super::study::embedded().unwrap();
        let set = store.series()[0].image_set_id.clone();
        let [ct, mr] = [0, 1].map(|n| frame_id(&store.instances()[n].uid, 1));
        let get = |set: &str, body: &str| {
            get_image_frame(&store, &store.id, set, body.as_bytes())
                .map_err(|e| (e.status.as_u16(), e.class))
        };
        let asked = |id: &str| format!(r#"{{"imageFrameId":"{id}"}}"#);
        let answer = get(&set, &asked(&ct)).unwrap();
        assert_eq!(answer.headers()["content-type"], "image/jph");
        let missing = Some((404, "ResourceNotFoundException"));
        assert_eq!(get(&set, &asked(&mr)).err(), missing);
        assert_eq!(get(&"0".repeat(32), &asked(&ct)).err(), missing);
        let invalid = Some((400, "ValidationException"));
        for body in [
            "{}",
            "[]",
            r#"{"imageFrameId":5}"#,
            r#"{"imageFrameId":"../x"}"#,
        ] {
            assert_eq!(get(&set, body).err(), invalid, "{body}");
        }
        assert_eq!(get(&set, "").err(), Some((400, "SerializationException")));
    }
}
