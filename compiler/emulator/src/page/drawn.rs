//! A PNG of the bytes that a page got through the edge. A browser decodes neither
//! HTJ2K nor any other of DICOM's transfer syntaxes, and shows 8 bits of a grey's 16.

use crate::dicom::{self, EXPLICIT_VR_LITTLE_ENDIAN, Kind, Picture, Window};
use crate::http::{self as local_http, Answer};
use bytes::Bytes;
use http::{HeaderValue, StatusCode};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Semaphore;

/// A frame and its metadata; a mammogram of 16 bits has 50 MB.
pub(super) const BODY_BYTES: usize = 64 * 1024 * 1024;

/// So many are drawn at once: each holds a frame's pixels several times.
static DRAWING: Semaphore = Semaphore::const_new(2);

/// What stands before the frame in a request's body: JSON, and a line feed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    /// Of the answer, or of its part.
    content_type: String,
    /// The instance's, in DICOM JSON.
    metadata: Value,
    /// Centre and width, in place of the metadata's.
    window: Option<[f64; 2]>,
}

/// Draws what a request's body holds. A refusal says why, in words for people.
pub(super) async fn answer(body: Bytes) -> Answer {
    let Ok(_permit) = DRAWING.acquire().await else {
        return refusal(StatusCode::SERVICE_UNAVAILABLE, "the server is ending");
    };
    let drawn = tokio::task::spawn_blocking(move || draw(&body)).await;
    match drawn {
        Ok(Ok((picture, png))) => {
            let mut answer = local_http::answer(StatusCode::OK, "image/png", png);
            let window = picture.window.map(|w| format!("{} {}", w.center, w.width));
            if let Some(window) = window.and_then(|text| HeaderValue::from_str(&text).ok()) {
                answer.headers_mut().insert("x-window", window);
            }
            answer
        }
        Ok(Err((status, why))) => refusal(status, &why),
        Err(_) => refusal(StatusCode::UNPROCESSABLE_ENTITY, "the frame is broken"),
    }
}

fn refusal(status: StatusCode, why: &str) -> Answer {
    local_http::answer(status, "text/plain; charset=utf-8", format!("{why}\n"))
}

fn draw(body: &Bytes) -> Result<(Picture, Vec<u8>), (StatusCode, String)> {
    let unreadable = || {
        let why = "the body must be a line of JSON, and a frame".to_owned();
        (StatusCode::BAD_REQUEST, why)
    };
    let end = body.iter().position(|byte| *byte == b'\n');
    let (head, frame) = end
        .and_then(|end| body.split_at_checked(end))
        .ok_or_else(unreadable)?;
    let head: Head = serde_json::from_slice(head).map_err(|_| unreadable())?;
    let frame = body.slice_ref(frame.get(1..).unwrap_or_default());
    let syntax = transfer_syntax(&head.content_type, &head.metadata);
    let window = head.window.map(|[center, width]| Window { center, width });
    let undrawn = |error: dicom::Error| {
        let why = match error.kind {
            Kind::NotDecodable | Kind::Broken => error.message,
            _ => format!("the frame can't be drawn: {}", error.message),
        };
        (StatusCode::UNPROCESSABLE_ENTITY, why)
    };
    let picture = dicom::picture(&frame, &syntax, &head.metadata, window).map_err(undrawn)?;
    let png = picture.png().map_err(undrawn)?;
    Ok((picture, png))
}

/// What a frame is written in: what the answer says; else what it is stored in, if that has
/// the answer's media type; else the media type's default (DICOM PS3.18, 8.7.3; HTJ2K for
/// `image/jph`, as "GetImageFrame", AWS HealthImaging API Reference, has it).
fn transfer_syntax(content_type: &str, metadata: &Value) -> String {
    let mut parts = content_type.split(';').map(str::trim);
    let media = parts.next().unwrap_or_default().to_ascii_lowercase();
    let said = parts
        .filter_map(|part| part.split_once('='))
        .find(|(name, _)| name.eq_ignore_ascii_case("transfer-syntax"))
        .map(|(_, uid)| uid.trim_matches('"'))
        .filter(|uid| *uid != "*");
    if let Some(uid) = said {
        return uid.to_owned();
    }
    let stored = metadata["00083002"]["Value"][0].as_str();
    if let Some(stored) = stored.filter(|uid| dicom::media_type(uid) == media) {
        return dicom::of_frames(stored).to_owned();
    }
    match media.as_str() {
        "image/jph" | "image/jphc" => "1.2.840.10008.1.2.4.202",
        "image/j2c" | "image/jp2" => "1.2.840.10008.1.2.4.90",
        "image/jpeg" => "1.2.840.10008.1.2.4.70",
        "image/jls" => "1.2.840.10008.1.2.4.80",
        "image/jxl" => "1.2.840.10008.1.2.4.110",
        "image/dicom-rle" => "1.2.840.10008.1.2.5",
        _ => EXPLICIT_VR_LITTLE_ENDIAN,
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;
    use serde_json::json;

    fn of(rows: u16, columns: u16) -> Value {
        let number = |n: u16| json!({"vr": "US", "Value": [n]});
        json!({
            "00280002": number(1), "00280010": number(rows), "00280011": number(columns),
            "00280100": number(8), "00280101": number(8), "00280103": number(0),
            "00280004": {"vr": "CS", "Value": ["MONOCHROME2"]},
        })
    }

    async fn asked(head: &Value, frame: &[u8]) -> (u16, Option<String>, Bytes) {
        let body = [head.to_string().as_bytes(), b"\n", frame].concat();
        let answer = answer(body.into()).await;
        let window = answer.headers().get("x-window");
        let window = window.map(|value| value.to_str().unwrap().to_owned());
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, window, body)
    }

    #[tokio::test]
    async fn a_frame_becomes_a_png_by_its_window() {
        // One of its octets is a line feed: only the first one ends the head.
        let frame = [0, 10, 100, 200];
        let octets = "application/octet-stream";
        let mut head = json!({"contentType": octets, "metadata": of(2, 2), "window": [100.5, 101]});
        for (window, expected) in [
            (json!([100.5, 101]), [0, 0, 128, 255]),
            (json!([51, 102]), [0, 25, 252, 255]),
            (Value::Null, [0, 13, 128, 255]),
        ] {
            head["window"] = window.clone();
            let (status, said, png) = asked(&head, &frame).await;
            assert_eq!(status, 200, "{png:?}");
            let decoder = png::Decoder::new(std::io::Cursor::new(&png));
            let mut reader = decoder.read_info().unwrap();
            let mut pixels = [0; 4];
            reader.next_frame(&mut pixels).unwrap();
            assert_eq!(pixels, expected, "{window}");
            let said = said.unwrap();
            let expected = window.as_array().map(|w| format!("{} {}", w[0], w[1]));
            assert_eq!(said, expected.unwrap_or("100.5 201".to_owned()));
        }
    }

    #[tokio::test]
    async fn what_cannot_be_drawn_says_why() {
        let htj2k = "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.4.202";
        let jpeg_ls = "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.4.80";
        let octets = "application/octet-stream";
        for (content_type, metadata, status, word) in [
            (htj2k, of(2, 2), 422, "size"),
            (jpeg_ls, of(2, 2), 422, "1.2.840.10008.1.2.4.80"),
            (octets, of(20, 2), 422, "4 samples"),
            (octets, of(u16::MAX, u16::MAX), 422, "too large"),
            (octets, json!({}), 422, "BitsAllocated"),
            (octets, json!([]), 422, "BitsAllocated"),
        ] {
            let head = json!({"contentType": content_type, "metadata": metadata});
            let (answered, window, body) = asked(&head, &[1, 2, 3, 4]).await;
            let text = String::from_utf8(body.to_vec()).unwrap();
            assert_eq!((answered, window), (status, None), "{text}");
            assert!(text.contains(word), "{text}");
        }
        let (status, ..) = asked(&json!({"contentType": 5}), b"").await;
        assert_eq!(status, 400);
        assert_eq!(answer("{}".into()).await.status(), 400);
    }

    #[test]
    fn the_answer_says_what_a_frame_is_written_in_and_then_the_metadata() {
        let stored = |uid: &str| json!({"00083002": {"vr": "UI", "Value": [uid]}});
        let (lossless, jpeg, rle) = (
            "1.2.840.10008.1.2.4.201",
            "1.2.840.10008.1.2.4.50",
            "1.2.840.10008.1.2.5",
        );
        let explicit = EXPLICIT_VR_LITTLE_ENDIAN;
        for (content_type, metadata, expected) in [
            (
                "application/octet-stream; transfer-syntax=1.2.3",
                stored(rle),
                "1.2.3",
            ),
            ("a/b; Transfer-Syntax=\"1.2.3\"", json!({}), "1.2.3"),
            ("image/jph", stored(lossless), lossless),
            (
                "image/jph; transfer-syntax=*",
                stored(jpeg),
                "1.2.840.10008.1.2.4.202",
            ),
            ("image/jph", json!({}), "1.2.840.10008.1.2.4.202"),
            ("image/jpeg", stored(jpeg), jpeg),
            ("application/octet-stream", stored(rle), rle),
            (
                "application/octet-stream",
                stored("1.2.840.10008.1.2"),
                explicit,
            ),
            ("application/octet-stream", stored(lossless), explicit),
            ("", json!(null), explicit),
        ] {
            assert_eq!(
                transfer_syntax(content_type, &metadata),
                expected,
                "{content_type}"
            );
        }
    }
}
