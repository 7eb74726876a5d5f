//! A picture for people, from what came over the wire: a frame's bytes, their
//! transfer syntax, and the instance's metadata.
//!
//! Sources: DICOM PS3.3, C.11.1 (modality LUT), C.11.2 (window), C.7.6.3.1.2
//! (photometric interpretations), C.7.6.3.1.5 and C.7.6.3.1.6 (palettes).

use super::decode::octets;
use super::error::Error;
use super::frames::Shape;
use super::syntax;
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde_json::Value;

/// Grey or RGB, 8 bits a sample, row by row.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    pub columns: u32,
    pub rows: u32,
    /// 1 or 3.
    pub samples: u8,
    pub pixels: Vec<u8>,
    /// What it was drawn with; colours have none.
    pub window: Option<Window>,
}

/// Centre and width, in units of the rescaled values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Window {
    pub center: f64,
    pub width: f64,
}

/// A frame of more pixels isn't drawn: each takes eight octets while it is.
const PIXELS: u64 = 1 << 25;

/// What a picture needs to know beside the frame's size.
struct Meaning {
    signed: bool,
    by_plane: bool,
    slope: f64,
    intercept: f64,
    /// Of the metadata, if it has one.
    window: Option<Window>,
    inverted: bool,
}

/// Draws a frame. `metadata` is the instance's DICOM JSON; `window` is taken
/// instead of its own. Without either, the frame's least and greatest values are black and white.
pub fn picture(
    frame: &Bytes,
    transfer_syntax: &str,
    metadata: &Value,
    window: Option<Window>,
) -> Result<Picture, Error> {
    let shape = shape(metadata)?;
    let count = u64::from(shape.columns) * u64::from(shape.rows);
    if count > PIXELS {
        return Err(Error::not_decodable(format!(
            "a frame of {count} pixels is too large to be drawn: at most {PIXELS} are"
        )));
    }
    let octets = if syntax::is_native(transfer_syntax) {
        frame.clone()
    } else {
        octets(transfer_syntax, &shape, frame)?
    };
    let meaning = Meaning::of(metadata, &shape, transfer_syntax);
    let size = (u32::from(shape.columns), u32::from(shape.rows));
    let is_palette = shape.photometric == "PALETTE COLOR";
    let (pixels, window) = match shape.samples {
        1 if is_palette => (looked_up(&octets, &shape, &meaning, metadata)?, None),
        1 => {
            let (pixels, window) = grey(&octets, &shape, &meaning, window)?;
            (pixels, Some(window))
        }
        3 if shape.allocated == 8 => {
            let pixels = colours(&octets, &shape, &meaning, transfer_syntax)?;
            (pixels, None)
        }
        samples => {
            return Err(Error::not_decodable(format!(
                "a frame of {samples} samples of {} bits isn't drawn",
                shape.allocated
            )));
        }
    };
    Ok(Picture {
        columns: size.0,
        rows: size.1,
        samples: if shape.samples == 1 && !is_palette {
            1
        } else {
            3
        },
        pixels,
        window,
    })
}

impl Picture {
    /// As a PNG file.
    pub fn png(&self) -> Result<Vec<u8>, Error> {
        let broken = |error: png::EncodingError| Error::broken(format!("no PNG: {error}"));
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, self.columns, self.rows);
        encoder.set_color(if self.samples == 1 {
            png::ColorType::Grayscale
        } else {
            png::ColorType::Rgb
        });
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::Fast);
        let mut writer = encoder.write_header().map_err(broken)?;
        writer.write_image_data(&self.pixels).map_err(broken)?;
        writer.finish().map_err(broken)?;
        Ok(bytes)
    }
}

/// An attribute's value by its tag as metadata writes it.
fn value<'a>(metadata: &'a Value, key: &str) -> Option<&'a Value> {
    metadata.get(key)?.get("Value")?.get(0)
}

fn number(metadata: &Value, key: &str) -> Option<f64> {
    let value = value(metadata, key)?;
    // A decimal string may be either.
    let number = value
        .as_f64()
        .or_else(|| value.as_str()?.trim().parse().ok());
    number.filter(|number| number.is_finite())
}

fn shape(metadata: &Value) -> Result<Shape, Error> {
    let known = |key: &str, name: &str| {
        let value = value(metadata, key).and_then(Value::as_u64);
        let value = value.and_then(|n| u16::try_from(n).ok()).filter(|n| *n > 0);
        value.ok_or_else(|| Error::broken(format!("the metadata has no {name} ({key})")))
    };
    let allocated = known("00280100", "BitsAllocated")?;
    let shape = Shape {
        rows: known("00280010", "Rows")?,
        columns: known("00280011", "Columns")?,
        samples: known("00280002", "SamplesPerPixel").unwrap_or(1),
        allocated,
        stored: known("00280101", "BitsStored").unwrap_or(allocated),
        photometric: value(metadata, "00280004")
            .and_then(Value::as_str)
            .unwrap_or("MONOCHROME2")
            .to_owned(),
    };
    shape.checked()
}

impl Meaning {
    fn of(metadata: &Value, shape: &Shape, transfer_syntax: &str) -> Self {
        let functional = |key: &str| {
            // Enhanced instances say it once for all frames, in a sequence.
            let shared = value(metadata, "52009229")?;
            let groups = ["00289145", "00289132"].iter();
            groups
                .filter_map(|group| value(shared, group))
                .find_map(|item| number(item, key))
        };
        let number = |key: &str| number(metadata, key).or_else(|| functional(key));
        let window = number("00281050").zip(number("00281051"));
        Self {
            signed: number("00280103") == Some(1.0),
            by_plane: number("00280006") == Some(1.0) && syntax::is_native(transfer_syntax),
            slope: number("00281053").unwrap_or(1.0),
            intercept: number("00281052").unwrap_or(0.0),
            window: window
                .filter(|(_, width)| *width >= 1.0)
                .map(|(center, width)| Window { center, width }),
            inverted: shape.photometric == "MONOCHROME1",
        }
    }
}

fn grey(
    octets: &[u8],
    shape: &Shape,
    meaning: &Meaning,
    asked: Option<Window>,
) -> Result<(Vec<u8>, Window), Error> {
    let values = samples(octets, shape, meaning.signed)?;
    let values: Vec<f64> = values
        .into_iter()
        .map(|value| value * meaning.slope + meaning.intercept)
        .collect();
    let window = asked.or(meaning.window).unwrap_or_else(|| whole(&values));
    let drawn = values.into_iter().map(|value| {
        let grey = window.grey(value);
        if meaning.inverted { 255 - grey } else { grey }
    });
    Ok((drawn.collect(), window))
}

/// From the least value to the greatest.
fn whole(values: &[f64]) -> Window {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    Window {
        center: f64::midpoint(least, most) + 0.5,
        width: (most - least + 1.0).max(1.0),
    }
}

impl Window {
    /// The linear function of C.11.2.1.2.1.
    fn grey(self, value: f64) -> u8 {
        let width = self.width.max(1.0);
        let slope = (width - 1.0).max(f64::MIN_POSITIVE);
        let grey = ((value - (self.center - 0.5)) / slope + 0.5) * 255.0;
        // In range by the clamp; NaN becomes 0.
        grey.round().clamp(0.0, 255.0) as u8
    }
}

/// All samples as numbers, sign and unused bits as the attributes say.
pub(super) fn samples(octets: &[u8], shape: &Shape, signed: bool) -> Result<Vec<f64>, Error> {
    let count = usize::from(shape.rows) * usize::from(shape.columns);
    let bytes = usize::from(shape.allocated.div_ceil(8));
    if shape.allocated == 1 {
        let bits = octets
            .iter()
            .flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1));
        let values: Vec<f64> = bits.take(count).map(f64::from).collect();
        return enough(values, count);
    }
    if bytes > 4 {
        return Err(Error::not_decodable(format!(
            "samples of {} bits aren't drawn",
            shape.allocated
        )));
    }
    let unused = 32_u32.saturating_sub(u32::from(shape.stored.min(shape.allocated)));
    let values = octets.chunks_exact(bytes.max(1)).take(count).map(|sample| {
        let mut wide = [0; 4];
        wide.iter_mut()
            .zip(sample)
            .for_each(|(to, from)| *to = *from);
        let value = u32::from_le_bytes(wide) << unused;
        if signed {
            // The highest stored bit is the sign.
            f64::from(value.cast_signed() >> unused)
        } else {
            f64::from(value >> unused)
        }
    });
    enough(values.collect(), count)
}

fn enough(values: Vec<f64>, count: usize) -> Result<Vec<f64>, Error> {
    if values.len() < count {
        return Err(Error::broken(format!(
            "the frame has {} samples, and its metadata says {count}",
            values.len()
        )));
    }
    Ok(values)
}

/// The colours that a palette gives its numbers.
fn looked_up(
    octets: &[u8],
    shape: &Shape,
    meaning: &Meaning,
    metadata: &Value,
) -> Result<Vec<u8>, Error> {
    let tables = [
        ("00281101", "00281201"),
        ("00281102", "00281202"),
        ("00281103", "00281203"),
    ];
    let tables = tables.map(|(descriptor, data)| Table::of(metadata, descriptor, data));
    let values = samples(octets, shape, meaning.signed)?;
    let [Some(red), Some(green), Some(blue)] = tables else {
        return Err(Error::not_decodable(
            "the metadata has no palette that is drawn here",
        ));
    };
    let colours = values
        .into_iter()
        .flat_map(|value| [&red, &green, &blue].map(|table| table.colour(value)));
    Ok(colours.collect())
}

struct Table {
    /// The number that the first entry is for.
    first: f64,
    /// 8 bits each.
    entries: Vec<u8>,
}

impl Table {
    fn of(metadata: &Value, descriptor: &str, data: &str) -> Option<Self> {
        let parts = metadata.get(descriptor)?.get("Value")?.as_array()?;
        let part = |index: usize| parts.get(index).and_then(Value::as_i64);
        let (count, first, bits) = (part(0)?, part(1)?, part(2)?);
        // 65,536 has no room in 16 bits.
        let count = if count == 0 {
            65_536
        } else {
            usize::try_from(count).ok()?
        };
        let data = metadata.get(data)?.get("InlineBinary")?.as_str()?;
        let data = STANDARD.decode(data).ok()?;
        let is_narrow = bits == 8 && data.len() < 2 * count;
        let entries: Vec<u8> = if is_narrow {
            data
        } else {
            let words = data
                .chunks_exact(2)
                .filter_map(|word| word.first_chunk::<2>());
            // The upper byte, but where only 8 bits of a word are used.
            words
                .map(|[low, high]| if bits == 8 { *low } else { *high })
                .collect()
        };
        (entries.len() >= count).then_some(Self {
            first: first as f64,
            entries,
        })
    }

    /// Numbers before the first have its colour, and those behind the last have that one's.
    fn colour(&self, value: f64) -> u8 {
        let last = self.entries.len().saturating_sub(1);
        // In range by the clamp.
        let index = (value - self.first).clamp(0.0, last as f64) as usize;
        self.entries.get(index).copied().unwrap_or_default()
    }
}

fn colours(
    octets: &[u8],
    shape: &Shape,
    meaning: &Meaning,
    transfer_syntax: &str,
) -> Result<Vec<u8>, Error> {
    let count = usize::from(shape.rows) * usize::from(shape.columns);
    let photometric = shape.photometric.as_str();
    // Decoders of JPEG and JPEG 2000 give colours already.
    let converted = syntax::media_type(transfer_syntax).starts_with("image/");
    let is_ybr = photometric.starts_with("YBR") && !converted;
    let is_halved = is_ybr && photometric.ends_with("_422");
    let pixels: Vec<[u8; 3]> = if is_halved {
        // Two luminances, then the chrominance of both.
        let pairs = octets
            .chunks_exact(4)
            .filter_map(|pair| pair.first_chunk::<4>());
        pairs
            .flat_map(|&[first, second, blue, red]| [[first, blue, red], [second, blue, red]])
            .collect()
    } else if meaning.by_plane {
        let mut planes = octets.chunks_exact(count.max(1));
        let mut plane = || planes.next().unwrap_or_default().iter();
        let (first, second, third) = (plane(), plane(), plane());
        let pixels = first.zip(second).zip(third);
        pixels.map(|((a, b), c)| [*a, *b, *c]).collect()
    } else {
        octets
            .chunks_exact(3)
            .filter_map(|pixel| pixel.first_chunk::<3>().copied())
            .collect()
    };
    if pixels.len() < count {
        return Err(Error::broken(format!(
            "the frame has {} pixels, and its metadata says {count}",
            pixels.len()
        )));
    }
    let pixels = pixels.into_iter().take(count);
    Ok(pixels
        .flat_map(|pixel| if is_ybr { rgb(pixel) } else { pixel })
        .collect())
}

/// CCIR 601, as C.7.6.3.1.2 has it.
fn rgb([y, blue, red]: [u8; 3]) -> [u8; 3] {
    let (y, blue, red) = (
        f64::from(y),
        f64::from(blue) - 128.0,
        f64::from(red) - 128.0,
    );
    [
        y + 1.402 * red,
        y - 0.344_136 * blue - 0.714_136 * red,
        y + 1.772 * blue,
    ]
    .map(|colour| colour.round().clamp(0.0, 255.0) as u8)
}
