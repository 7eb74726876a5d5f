//! The native operations.

use super::{error::ServiceError, fixtures::Fixtures};
use crate::http::{self as local_http, Answer};
use frames_edge::operation;
use http::StatusCode;
use serde_json::Value;

/// `GetImageFrame`.
pub(super) fn get_image_frame(
    fixtures: &Fixtures,
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
    let fixture = fixtures.frame(store, set, id)?;
    Ok(local_http::answer(
        StatusCode::OK,
        "image/jph",
        fixture.frame,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_found_by_its_ids_alone() {
        let fixtures = Fixtures::embedded().unwrap();
        let [ct, mr] = [&fixtures.instances[0], &fixtures.instances[1]];
        let get = |set: &str, body: &str| {
            get_image_frame(&fixtures, &fixtures.datastore_id, set, body.as_bytes())
                .map_err(|e| (e.status.as_u16(), e.class))
        };
        let asked = |id: &str| format!(r#"{{"imageFrameId":"{id}"}}"#);
        let answer = get(&ct.image_set_id, &asked(&ct.image_frame_id)).unwrap();
        assert_eq!(answer.headers()["content-type"], "image/jph");
        let missing = Some((404, "ResourceNotFoundException"));
        assert_eq!(
            get(&ct.image_set_id, &asked(&mr.image_frame_id)).err(),
            missing
        );
        assert_eq!(
            get(&"0".repeat(32), &asked(&ct.image_frame_id)).err(),
            missing
        );
        let invalid = Some((400, "ValidationException"));
        for body in [
            "{}",
            "[]",
            r#"{"imageFrameId":5}"#,
            r#"{"imageFrameId":"../x"}"#,
        ] {
            assert_eq!(get(&ct.image_set_id, body).err(), invalid, "{body}");
        }
        assert_eq!(
            get(&ct.image_set_id, "").err(),
            Some((400, "SerializationException"))
        );
    }
}
