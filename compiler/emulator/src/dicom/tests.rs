//! Instances made here, element by element, and broken ones.

use super::source::Source;
use super::*;
use bytes::Bytes;
use dicom_core::Tag;
use dicom_dictionary_std::tags;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

const IMPLICIT: &str = "1.2.840.10008.1.2";
const BIG_ENDIAN: &str = "1.2.840.10008.1.2.2";
const DEFLATED: &str = "1.2.840.10008.1.2.1.99";
const JPEG_LS: &str = "1.2.840.10008.1.2.4.80";
const RLE: &str = "1.2.840.10008.1.2.5";

/// A file in the making: each element as its tag, its VR and its value.
struct File {
    syntax: &'static str,
    elements: BTreeMap<Tag, (&'static str, Vec<u8>)>,
    /// A pixel element without a length: its items, the offset table first.
    items: Option<Vec<Vec<u8>>>,
}

impl File {
    /// `rows` × `columns` of `bits`, native.
    fn new(syntax: &'static str, (rows, columns, bits): (u16, u16, u16), frames: u32) -> Self {
        let mut file = Self {
            syntax,
            elements: BTreeMap::new(),
            items: None,
        };
        file.text(tags::STUDY_INSTANCE_UID, "UI", "1.2.3");
        file.text(tags::SERIES_INSTANCE_UID, "UI", "1.2.3.4");
        file.text(tags::SOP_INSTANCE_UID, "UI", "1.2.3.4.5");
        file.text(tags::SOP_CLASS_UID, "UI", "1.2.840.10008.5.1.4.1.1.7");
        file.text(tags::NUMBER_OF_FRAMES, "IS", &frames.to_string());
        file.text(tags::PHOTOMETRIC_INTERPRETATION, "CS", "MONOCHROME2");
        for (tag, value) in [
            (tags::SAMPLES_PER_PIXEL, 1),
            (tags::ROWS, rows),
            (tags::COLUMNS, columns),
            (tags::BITS_ALLOCATED, bits),
            (tags::BITS_STORED, bits),
        ] {
            file.short(tag, value);
        }
        file
    }

    fn text(&mut self, tag: Tag, vr: &'static str, value: &str) -> &mut Self {
        let mut value = value.as_bytes().to_vec();
        if value.len() % 2 == 1 {
            value.push(if vr == "UI" { 0 } else { b' ' });
        }
        self.set(tag, vr, value)
    }

    fn short(&mut self, tag: Tag, value: u16) -> &mut Self {
        let is_big = self.syntax == BIG_ENDIAN;
        let bytes = if is_big {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        };
        self.set(tag, "US", bytes.to_vec())
    }

    fn set(&mut self, tag: Tag, vr: &'static str, value: Vec<u8>) -> &mut Self {
        self.elements.insert(tag, (vr, value));
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0; 128];
        bytes.extend(b"DICM");
        let mut syntax = self.syntax.as_bytes().to_vec();
        syntax.resize(syntax.len().next_multiple_of(2), 0);
        element(
            &mut bytes,
            tags::TRANSFER_SYNTAX_UID,
            "UI",
            &syntax,
            EXPLICIT_VR_LITTLE_ENDIAN,
        );
        let mut data = Vec::new();
        for (tag, (vr, value)) in &self.elements {
            element(&mut data, *tag, vr, value, self.syntax);
        }
        if let Some(items) = &self.items {
            data.extend(b"\xE0\x7F\x10\x00OB\0\0\xFF\xFF\xFF\xFF");
            for item in items {
                data.extend(b"\xFE\xFF\x00\xE0");
                data.extend((item.len() as u32).to_le_bytes());
                data.extend(item);
            }
            data.extend(b"\xFE\xFF\xDD\xE0\0\0\0\0");
        }
        if self.syntax == DEFLATED {
            use flate2::{Compression, write::DeflateEncoder};
            use std::io::Write;
            let mut encoder = DeflateEncoder::new(bytes, Compression::fast());
            encoder.write_all(&data).unwrap();
            return encoder.finish().unwrap();
        }
        bytes.extend(data);
        bytes
    }

    fn instance(&self) -> Instance {
        read(self.bytes()).unwrap()
    }
}

fn element(to: &mut Vec<u8>, tag: Tag, vr: &str, value: &[u8], syntax: &str) {
    let big = syntax == BIG_ENDIAN;
    let short = |n: u16| {
        if big {
            n.to_be_bytes()
        } else {
            n.to_le_bytes()
        }
    };
    let long = |n: u32| {
        if big {
            n.to_be_bytes()
        } else {
            n.to_le_bytes()
        }
    };
    to.extend(short(tag.group()));
    to.extend(short(tag.element()));
    if syntax == IMPLICIT {
        to.extend(long(value.len() as u32));
    } else if matches!(vr, "OB" | "OW" | "UN" | "SQ" | "UT" | "OV") {
        to.extend(vr.as_bytes());
        to.extend([0, 0]);
        to.extend(long(value.len() as u32));
    } else {
        to.extend(vr.as_bytes());
        to.extend(short(value.len() as u16));
    }
    to.extend(value);
}

fn read(bytes: Vec<u8>) -> Result<Instance, Error> {
    Instance::of(Source::Embedded(bytes.into()), &mut Shared::default())
}

fn kind<T: std::fmt::Debug>(result: Result<T, Error>) -> Kind {
    result.unwrap_err().kind
}

#[test]
fn native_frames_are_slices_as_little_endian_octets() {
    for (syntax, pixels) in [
        (EXPLICIT_VR_LITTLE_ENDIAN, [1, 0, 2, 0, 3, 0, 4, 0]),
        (IMPLICIT, [1, 0, 2, 0, 3, 0, 4, 0]),
        (DEFLATED, [1, 0, 2, 0, 3, 0, 4, 0]),
        (BIG_ENDIAN, [0, 1, 0, 2, 0, 3, 0, 4]),
    ] {
        let mut file = File::new(syntax, (1, 2, 16), 2);
        file.set(tags::PIXEL_DATA, "OW", pixels.to_vec());
        let instance = file.instance();
        assert_eq!((instance.frames, &*instance.transfer_syntax), (2, syntax));
        assert_eq!(
            instance.frame(1).unwrap().as_ref(),
            [1, 0, 2, 0],
            "{syntax}"
        );
        assert_eq!(
            instance.octets(2).unwrap().as_ref(),
            [3, 0, 4, 0],
            "{syntax}"
        );
        for n in [0, 3, u32::MAX] {
            assert_eq!(kind(instance.frame(n)), Kind::Missing, "{syntax} {n}");
        }
        assert_eq!(of_frames(syntax), EXPLICIT_VR_LITTLE_ENDIAN);
        // Rewritten, the pixels are the same, and so is the name.
        let again = read(instance.part10_explicit().unwrap().to_vec()).unwrap();
        assert_eq!(&*again.transfer_syntax, EXPLICIT_VR_LITTLE_ENDIAN);
        assert_eq!(again.uid, instance.uid);
        assert_eq!(again.frame(2).unwrap(), instance.frame(2).unwrap());
        assert_eq!(instance.part10().unwrap(), file.bytes());
    }
}

#[test]
fn a_size_that_no_frame_has_is_counted_without_overflow() {
    let mut file = File::new(
        EXPLICIT_VR_LITTLE_ENDIAN,
        (65_535, 65_535, 64),
        // As many as a file of this length may say.
        300,
    );
    file.set(tags::PIXEL_DATA, "OW", vec![0; 8]);
    let frame = |file: &File| kind(file.instance().frame(300));
    assert_eq!(frame(&file), Kind::Missing);
    file.short(tags::SAMPLES_PER_PIXEL, 3);
    assert_eq!(frame(&file), Kind::Missing);
    file.short(tags::BITS_ALLOCATED, 65_535);
    assert_eq!(frame(&file), Kind::Broken);
}

#[test]
fn bytes_in_big_endian_words_are_put_right() {
    let mut file = File::new(BIG_ENDIAN, (1, 3, 8), 2);
    // Three bytes a frame: the second begins inside of a word.
    file.set(tags::PIXEL_DATA, "OW", vec![2, 1, 4, 3, 6, 5]);
    let instance = file.instance();
    assert_eq!(instance.frame(1).unwrap().as_ref(), [1, 2, 3]);
    assert_eq!(instance.frame(2).unwrap().as_ref(), [4, 5, 6]);
    file.set(tags::PIXEL_DATA, "OB", vec![1, 2, 3, 4, 5, 6]);
    assert_eq!(file.instance().frame(2).unwrap().as_ref(), [4, 5, 6]);
}

#[test]
fn frames_of_single_bits_begin_at_a_byte_of_their_own() {
    let mut file = File::new(EXPLICIT_VR_LITTLE_ENDIAN, (3, 3, 1), 2);
    // Nine bits a frame, the lowest first: 1_1010_1011, then 0_0111_0001.
    file.set(
        tags::PIXEL_DATA,
        "OB",
        vec![0b1010_1011, 0b1110_0011, 0b0000_0000, 0],
    );
    let instance = file.instance();
    assert_eq!(instance.frame(1).unwrap().as_ref(), [0b1010_1011, 1]);
    assert_eq!(instance.frame(2).unwrap().as_ref(), [0b0111_0001, 0]);
}

#[test]
fn an_encapsulated_frame_is_found_by_table_or_by_count() {
    let mut file = File::new(JPEG_LS, (1, 2, 8), 2);
    let parts: [&[u8]; 3] = [b"first ", b"and more", b"second"];
    let items = |table: &[u8]| {
        let rest = parts.iter().map(|part| part.to_vec());
        Some(
            std::iter::once(table.to_vec())
                .chain(rest)
                .collect::<Vec<_>>(),
        )
    };
    // Without a table three fragments of two frames are anybody's.
    file.items = items(b"");
    assert_eq!(kind(file.instance().frame(1)), Kind::Broken);
    // Headers count: 8 + 6, 8 + 8.
    file.items = items(&[0, 0, 0, 0, 30, 0, 0, 0]);
    let instance = file.instance();
    assert_eq!(instance.frame(1).unwrap(), "first and more");
    assert_eq!(instance.frame(2).unwrap(), "second");
    assert_eq!(of_frames(JPEG_LS), JPEG_LS);
    assert_eq!(kind(instance.octets(1)), Kind::NotDecodable);
    assert!(!instance.decodes());
    // One frame, however many fragments.
    file.text(tags::NUMBER_OF_FRAMES, "IS", "1");
    file.items = items(b"");
    assert_eq!(file.instance().frame(1).unwrap(), "first and moresecond");
    // As many fragments as frames.
    file.text(tags::NUMBER_OF_FRAMES, "IS", "3");
    assert_eq!(file.instance().frame(2).unwrap(), "and more");
    // The extended table goes before all else, and knows the length before padding.
    file.text(tags::NUMBER_OF_FRAMES, "IS", "2");
    let table = |numbers: [u64; 2]| numbers.map(u64::to_le_bytes).concat();
    file.set(tags::EXTENDED_OFFSET_TABLE, "OV", table([14, 30]));
    file.set(tags::EXTENDED_OFFSET_TABLE_LENGTHS, "OV", table([7, 5]));
    let instance = file.instance();
    assert_eq!(instance.frame(1).unwrap(), "and mor");
    assert_eq!(instance.frame(2).unwrap(), "secon");
    file.set(
        tags::EXTENDED_OFFSET_TABLE_LENGTHS,
        "OV",
        table([9, u64::MAX]),
    );
    assert_eq!(kind(file.instance().frame(1)), Kind::Broken);
    assert_eq!(kind(file.instance().frame(2)), Kind::Broken);
}

#[test]
fn a_frame_is_decoded_only_to_the_size_that_its_attributes_say() {
    let mut file = File::new(RLE, (1, 4, 8), 1);
    let mut segment = vec![1, 0, 0, 0, 64, 0, 0, 0];
    segment.resize(64, 0);
    // A run of four sevens.
    segment.extend([0xFD, 7]);
    file.items = Some(vec![vec![], segment.clone()]);
    assert_eq!(file.instance().octets(1).unwrap().as_ref(), [7; 4]);
    file.short(tags::ROWS, 60_000).short(tags::COLUMNS, 60_000);
    assert_eq!(kind(file.instance().octets(1)), Kind::NotDecodable);
    // A codestream of another size than stated isn't even begun.
    let store = crate::healthimaging::embedded().unwrap();
    let frame = store.instances()[0].frame(1).unwrap().to_vec();
    let mut file = File::new("1.2.840.10008.1.2.4.202", (128, 128, 16), 1);
    file.items = Some(vec![vec![], frame]);
    assert_eq!(file.instance().octets(1).unwrap().len(), 128 * 128 * 2);
    file.short(tags::ROWS, 127);
    let error = file.instance().octets(1).unwrap_err();
    assert!(error.message.contains("128 × 128"), "{error}");
}

#[test]
fn metadata_is_the_dicom_json_model() {
    let mut file = File::new(EXPLICIT_VR_LITTLE_ENDIAN, (1, 1, 8), 1);
    file.text(tags::SPECIFIC_CHARACTER_SET, "CS", "ISO_IR 192")
        .text(tags::PATIENT_NAME, "PN", "Ivanova^Ида=Иванова^Ида")
        .text(tags::WINDOW_CENTER, "DS", "40.50\\ 1e2\\x")
        .text(tags::ACCESSION_NUMBER, "SH", "")
        .text(tags::IMAGE_TYPE, "CS", "ORIGINAL\\\\AXIAL")
        .text(tags::IMAGE_COMMENTS, "LT", " a\\b ")
        .set(
            tags::FRAME_INCREMENT_POINTER,
            "AT",
            vec![0x18, 0, 0x63, 0x10],
        )
        .text(Tag(0x0029, 0x0010), "LO", "OWNER")
        .set(Tag(0x0029, 0x1001), "OB", vec![1, 2, 3, 4])
        .set(Tag(0x0029, 0x1002), "UN", vec![7; 1024 * 1024 + 2])
        .set(tags::PIXEL_DATA, "OB", vec![1, 0]);
    let instance = file.instance();
    let json = instance.metadata("https://host/bulkdata").unwrap();
    let value = |key: &str| json[key]["Value"].to_string();
    assert_eq!(
        value("00100010"),
        r#"[{"Alphabetic":"Ivanova^Ида","Ideographic":"Иванова^Ида"}]"#
    );
    assert_eq!(value("00281050"), r#"[40.5,100.0,"x"]"#);
    assert_eq!(value("00080008"), r#"["ORIGINAL",null,"AXIAL"]"#);
    assert_eq!(value("00204000"), r#"[" a\\b"]"#);
    assert_eq!(value("00280009"), r#"["00181063"]"#);
    assert_eq!(value("00280008"), "[1]");
    assert_eq!(value("00280010"), "[1]");
    assert_eq!(
        value("00083002"),
        format!("[\"{EXPLICIT_VR_LITTLE_ENDIAN}\"]")
    );
    assert_eq!(json["00080050"].to_string(), r#"{"vr":"SH"}"#);
    assert_eq!(json["00291001"]["InlineBinary"], "AQIDBA==");
    let address = json["00291002"]["BulkDataURI"].as_str().unwrap();
    let hash = address.strip_prefix("https://host/bulkdata/").unwrap();
    assert_eq!(instance.bulk(hash).unwrap(), vec![7; 1024 * 1024 + 2]);
    assert_eq!(kind(instance.bulk("0")), Kind::Missing);
    assert!(json.get("7FE00010").is_none() && json.get("00020010").is_none());
    // The index has what is searched, and not what is large.
    assert!(instance.attributes.get(tags::PATIENT_NAME).is_some());
    assert!(instance.attributes.get(tags::WINDOW_CENTER).is_none());
}

#[test]
fn sequences_are_read_with_and_without_lengths_and_of_unknown_vr() {
    let inner = |vr: &str| {
        let mut bytes = Vec::new();
        let syntax = if vr == "UN" {
            IMPLICIT
        } else {
            EXPLICIT_VR_LITTLE_ENDIAN
        };
        element(&mut bytes, tags::CODE_VALUE, "SH", b"T-1 ", syntax);
        bytes
    };
    let mut file = File::new(EXPLICIT_VR_LITTLE_ENDIAN, (1, 1, 8), 1);
    let item = inner("SQ");
    let mut known = b"\xFE\xFF\x00\xE0".to_vec();
    known.extend((item.len() as u32).to_le_bytes());
    known.extend(&item);
    file.set(tags::REQUEST_ATTRIBUTES_SEQUENCE, "SQ", known);
    let mut bytes = file.bytes();
    bytes.extend(b"\x53\x44\x0C\x10UN\0\0\xFF\xFF\xFF\xFF\xFE\xFF\x00\xE0\xFF\xFF\xFF\xFF");
    bytes.extend(inner("UN"));
    bytes.extend(b"\xFE\xFF\x0D\xE0\0\0\0\0\xFE\xFF\xDD\xE0\0\0\0\0");
    let instance = read(bytes.clone()).unwrap();
    let json = instance.metadata("").unwrap();
    for key in ["00400275", "4453100C"] {
        assert_eq!(json[key]["vr"], "SQ", "{key}");
        assert_eq!(
            json[key]["Value"][0]["00080100"]["Value"][0], "T-1",
            "{key}"
        );
    }
    assert_eq!(instance.frames, 0, "it has no pixels");
    assert_eq!(kind(instance.frame(1)), Kind::Missing);
    // As deep as a file can say, and no deeper than is read.
    let mut deep = file.bytes();
    for _ in 0..100_000 {
        deep.extend(b"\x40\x00\x75\x02SQ\0\0\xFF\xFF\xFF\xFF\xFE\xFF\x00\xE0\xFF\xFF\xFF\xFF");
    }
    let error = read(deep).unwrap_err();
    assert!(error.message.contains("levels deep"), "{error}");
}

#[test]
fn a_file_that_is_none_says_so() {
    for (bytes, word) in [
        (vec![], "no DICOM file"),
        (vec![0; 132], "no DICOM file"),
        (vec![b'x'; 10_000], "no DICOM file"),
        (
            File::new("1.2.3", (1, 1, 8), 1).bytes(),
            "`1.2.3` is unknown",
        ),
        (
            File::new(IMPLICIT, (1, 1, 8), 1).bytes()[..150].to_vec(),
            "said to be there",
        ),
    ] {
        let error = read(bytes).unwrap_err();
        assert_eq!(error.kind, Kind::Broken);
        assert!(error.message.contains(word), "{error}");
    }
    let mut file = File::new(IMPLICIT, (1, 1, 8), 1);
    file.elements.remove(&tags::SOP_INSTANCE_UID);
    assert!(
        read(file.bytes())
            .unwrap_err()
            .message
            .contains("no SOP instance UID")
    );
    file.text(tags::SOP_INSTANCE_UID, "UI", "../x");
    assert!(
        read(file.bytes())
            .unwrap_err()
            .message
            .contains("not a DICOM UID")
    );
}

#[test]
fn a_deflated_bomb_is_not_inflated() {
    use flate2::{Compression, write::DeflateEncoder};
    use std::io::Write;
    let file = File::new(DEFLATED, (1, 1, 8), 1).bytes();
    let start = file.windows(4).position(|w| w == b"1.99").unwrap() + 4;
    let mut encoder = DeflateEncoder::new(file[..start].to_vec(), Compression::best());
    let zeros = vec![0; 1024 * 1024];
    for _ in 0..257 {
        encoder.write_all(&zeros).unwrap();
    }
    let error = read(encoder.finish().unwrap()).unwrap_err();
    assert!(error.message.contains("256 MB"), "{error}");
}

#[test]
fn a_folder_is_read_with_its_links_and_loops_and_rubbish() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let mut file = File::new(EXPLICIT_VR_LITTLE_ENDIAN, (1, 1, 8), 1);
    file.set(tags::PIXEL_DATA, "OB", vec![9, 0]);
    std::fs::create_dir(path.join("deep")).unwrap();
    std::fs::write(path.join("deep/b.dcm"), file.bytes()).unwrap();
    file.text(tags::SOP_INSTANCE_UID, "UI", "1.2.3.4.6");
    std::fs::write(path.join("a"), file.bytes()).unwrap();
    std::fs::write(path.join("notes.txt"), "not DICOM").unwrap();
    std::os::unix::fs::symlink(path, path.join("deep/loop")).unwrap();
    std::os::unix::fs::symlink("nowhere", path.join("broken")).unwrap();
    // Files that nobody named: a folder, and a file.
    let elsewhere = tempfile::tempdir().unwrap();
    file.text(tags::SOP_INSTANCE_UID, "UI", "1.2.3.4.7");
    std::fs::write(elsewhere.path().join("c"), file.bytes()).unwrap();
    std::os::unix::fs::symlink(elsewhere.path(), path.join("out")).unwrap();
    std::os::unix::fs::symlink(elsewhere.path().join("c"), path.join("out-c")).unwrap();
    let fifo = path.join("fifo");
    let made = std::process::Command::new("mkfifo").arg(&fifo).status();
    assert!(made.unwrap().success());
    let most = std::sync::atomic::AtomicUsize::new(0);
    let folder = Folder::read(path, &|done, all| {
        assert!(done <= all);
        most.fetch_max(done, std::sync::atomic::Ordering::Relaxed);
    });
    assert_eq!(most.into_inner(), 3);
    let uids: Vec<&str> = folder.instances.iter().map(|i| &*i.uid).collect();
    assert_eq!(uids, ["1.2.3.4.6", "1.2.3.4.5"]);
    let left = |name: &str| {
        let found = folder.left.iter().find(|left| left.path.ends_with(name));
        found.map(|left| left.reason.clone()).unwrap()
    };
    assert_eq!(folder.left.len(), 5, "{:?}", folder.left);
    for link in ["out", "out-c"] {
        assert!(left(link).contains("leads out of the folder"));
    }
    assert!(left("notes.txt").contains("no DICOM file"));
    assert!(left("broken").contains("can't be read"));
    assert!(left("fifo").contains("no regular file"));
    gone_or_changed(&folder.instances[0], &path.join("a"));
}

/// What a file says of itself costs nobody more than the file.
#[test]
fn a_file_is_not_believed_when_it_says_much() {
    let mut many = File::new(EXPLICIT_VR_LITTLE_ENDIAN, (1, 1, 8), 1);
    many.set(tags::PIXEL_DATA, "OB", vec![9, 0]);
    many.text(tags::NUMBER_OF_FRAMES, "IS", "2147483647");
    assert!(
        read(many.bytes())
            .unwrap_err()
            .message
            .contains("2147483647 frames")
    );

    let deflated = |octets: &[u8]| {
        use std::io::Write;
        let mut to = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
        to.write_all(octets).unwrap();
        to.finish().unwrap()
    };
    let mut file = File::new("1.2.840.10008.1.2.8.1", (2, 4, 8), 1);
    file.items = Some(vec![vec![], deflated(&[7; 8])]);
    assert_eq!(
        read(file.bytes()).unwrap().octets(1).unwrap().as_ref(),
        [7; 8]
    );
    file.items = Some(vec![vec![], deflated(&vec![7; 64 << 20])]);
    let error = read(file.bytes()).unwrap().octets(1).unwrap_err();
    assert!(
        error.message.contains("decodes to 9 octets"),
        "{}",
        error.message
    );
}

/// What is asked for later may no longer be what was indexed.
fn gone_or_changed(instance: &Instance, path: &Path) {
    assert_eq!(instance.frame(1).unwrap().as_ref(), [9]);
    std::fs::write(path, "another").unwrap();
    for result in [instance.frame(1), instance.part10(), instance.octets(1)] {
        assert_eq!(kind(result), Kind::Changed);
    }
    std::fs::remove_file(path).unwrap();
    assert_eq!(kind(instance.frame(1)), Kind::Gone);
    assert_eq!(kind(instance.metadata("")), Kind::Gone);
}

/// Mutated files end in an answer or in an error: never in a panic of ours, never in none.
#[test]
fn mutated_files_are_read_or_refused() {
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = move || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    };
    let mut seeds = vec![include_bytes!("../../data/study/mr_small.dcm").to_vec()];
    let mut rle = File::new(RLE, (2, 4, 8), 2);
    rle.items = Some(vec![vec![0, 0, 0, 0, 16, 0, 0, 0], vec![1; 8], vec![2; 70]]);
    rle.set(
        tags::REQUEST_ATTRIBUTES_SEQUENCE,
        "SQ",
        b"\xFE\xFF\x00\xE0\0\0\0\0".to_vec(),
    );
    seeds.push(rle.bytes());
    for syntax in [IMPLICIT, BIG_ENDIAN, DEFLATED] {
        let mut file = File::new(syntax, (3, 3, 1), 5);
        file.set(tags::PIXEL_DATA, "OW", vec![0xA5; 8]);
        seeds.push(file.bytes());
    }
    let mut read_ones = 0;
    for round in 0..2_000 {
        let mut bytes = seeds[round % seeds.len()].clone();
        for _ in 0..=next() % 4 {
            let at = 128 + (next() as usize) % (bytes.len() - 128);
            match next() % 4 {
                0 => bytes[at] = 0xFF,
                1 => bytes[at] ^= 1 << (next() % 8),
                2 => bytes.truncate(at.max(140)),
                _ => bytes[at] = next() as u8,
            }
        }
        let Ok(instance) = read(bytes) else {
            continue;
        };
        read_ones += 1;
        for n in [1, 2, instance.frames, u32::MAX] {
            let _ = (instance.frame(n), instance.octets(n));
        }
        let _ = (instance.metadata(""), instance.part10(), instance.bulk("0"));
        if instance.frames < 100 {
            let _ = instance.part10_explicit();
        }
    }
    assert!(read_ones > 400, "{read_ones}");
}

/// The grey values of one row.
fn row(pixels: &[u8], metadata: &serde_json::Value, window: Option<Window>) -> Vec<u8> {
    let pixels = Bytes::copy_from_slice(pixels);
    let drawn = picture(&pixels, EXPLICIT_VR_LITTLE_ENDIAN, metadata, window).unwrap();
    assert_eq!((drawn.rows, drawn.samples), (1, 1));
    drawn.pixels
}

#[test]
fn a_picture_is_drawn_by_window_and_rescale() {
    let us = |n: i64| serde_json::json!({"vr": "US", "Value": [n]});
    let mut metadata = serde_json::json!({
        "00280010": us(1), "00280011": us(4), "00280100": us(16), "00280101": us(12), "00280103": us(0),
        "00281052": {"vr": "DS", "Value": ["-1024"]}, "00281053": {"vr": "DS", "Value": [1.0]},
    });
    let pixels: Vec<u8> = [0_u16, 1024, 1064, 4095]
        .iter()
        .flat_map(|n| n.to_le_bytes())
        .collect();
    // By the least and the greatest.
    assert_eq!(row(&pixels, &metadata, None), [0, 64, 66, 255]);
    metadata["00281050"] = us(40);
    metadata["00281051"] = us(401);
    assert_eq!(row(&pixels, &metadata, None), [0, 102, 128, 255]);
    let narrow = Window {
        center: 40.0,
        width: 1.0,
    };
    assert_eq!(row(&pixels, &metadata, Some(narrow)), [0, 0, 255, 255]);
    metadata["00280004"] = serde_json::json!({"vr": "CS", "Value": ["MONOCHROME1"]});
    assert_eq!(row(&pixels, &metadata, None), [255, 153, 127, 0]);
    // Twelve bits with a sign: the four above them are nobody's.
    let mut signed = serde_json::json!({
        "00280010": us(1), "00280011": us(2), "00280100": us(16), "00280101": us(12), "00280103": us(1),
    });
    assert_eq!(row(&[0xFF, 0xFF, 0, 0], &signed, None), [0, 255]);
    assert_eq!(row(&[0xFF, 0x0F, 0, 0], &signed, None), [0, 255]);
    let zeros = |count: usize| Bytes::from(vec![0; count]);
    let short = picture(&zeros(2), EXPLICIT_VR_LITTLE_ENDIAN, &signed, None);
    assert!(short.unwrap_err().message.contains("has 1 samples"));
    signed.as_object_mut().unwrap().remove("00280010");
    let unknown = picture(&zeros(4), EXPLICIT_VR_LITTLE_ENDIAN, &signed, None);
    assert!(unknown.unwrap_err().message.contains("no Rows"));
}

#[test]
fn colours_are_drawn_by_pixel_by_plane_and_from_luminance() {
    let us = |n: i64| serde_json::json!({"vr": "US", "Value": [n]});
    let metadata = |photometric: &str, planar| {
        serde_json::json!({
            "00280002": us(3), "00280004": {"vr": "CS", "Value": [photometric]}, "00280006": us(planar),
            "00280010": us(1), "00280011": us(2), "00280100": us(8),
        })
    };
    let draw = |pixels: &[u8], photometric: &str, planar| {
        let metadata = metadata(photometric, planar);
        let pixels = Bytes::copy_from_slice(pixels);
        let drawn = picture(&pixels, EXPLICIT_VR_LITTLE_ENDIAN, &metadata, None).unwrap();
        assert_eq!(drawn.samples, 3);
        drawn.pixels
    };
    assert_eq!(draw(&[1, 2, 3, 4, 5, 6], "RGB", 0), [1, 2, 3, 4, 5, 6]);
    assert_eq!(draw(&[1, 4, 2, 5, 3, 6], "RGB", 1), [1, 2, 3, 4, 5, 6]);
    assert_eq!(
        draw(&[76, 85, 255, 255, 128, 128], "YBR_FULL", 0),
        [254, 0, 0, 255, 255, 255]
    );
    assert_eq!(
        draw(&[9, 200, 128, 128], "YBR_FULL_422", 0),
        [9, 9, 9, 200, 200, 200]
    );
}

#[test]
fn a_palette_gives_the_colours() {
    let us = |values: &[i64]| serde_json::json!({"vr": "US", "Value": values});
    let words = |bytes: &str| serde_json::json!({"vr": "OW", "InlineBinary": bytes});
    // Three entries from 10 on: 1, 2, 3 in the upper bytes; the same for all colours but blue.
    let mut metadata = serde_json::json!({
        "00280004": {"vr": "CS", "Value": ["PALETTE COLOR"]},
        "00280010": us(&[1]), "00280011": us(&[4]), "00280100": us(&[8]),
        "00281101": us(&[3, 10, 16]), "00281102": us(&[3, 10, 16]), "00281103": us(&[3, 10, 8]),
        "00281201": words("AAEAAgAD"), "00281202": words("AAEAAgAD"), "00281203": words("BAUG"),
    });
    let draw = |metadata: &serde_json::Value| {
        let pixels = Bytes::from_static(&[0, 10, 11, 200]);
        picture(&pixels, EXPLICIT_VR_LITTLE_ENDIAN, metadata, None)
    };
    let drawn = draw(&metadata).unwrap();
    assert_eq!(drawn.samples, 3);
    assert_eq!(drawn.pixels, [1, 1, 4, 1, 1, 4, 2, 2, 5, 3, 3, 6]);
    metadata["00281203"] = words("BA==");
    assert_eq!(kind(draw(&metadata)), Kind::NotDecodable);
}

#[test]
fn the_built_in_study_can_be_seen() {
    let store = crate::healthimaging::embedded().unwrap();
    for instance in store.instances() {
        let metadata = instance.metadata("").unwrap();
        let frame = instance.frame(instance.frames).unwrap();
        let drawn = picture(&frame, &instance.transfer_syntax, &metadata, None).unwrap();
        let shades: std::collections::HashSet<u8> = drawn.pixels.iter().copied().collect();
        assert!(
            shades.len() >= 24,
            "{}: {} shades",
            instance.uid,
            shades.len()
        );
        let png = drawn.png().unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(&png))
            .read_info()
            .unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        assert_eq!(pixels, drawn.pixels);
    }
}

/// What HealthImaging's own metadata makes of an element.
#[test]
fn attributes_are_named_by_keyword_and_several_values_are_a_list() {
    let mut file = File::new(EXPLICIT_VR_LITTLE_ENDIAN, (1, 2, 16), 1);
    file.set(tags::PIXEL_DATA, "OW", vec![1, 0, 2, 0]);
    file.text(tags::WINDOW_CENTER, "DS", "40");
    file.text(tags::WINDOW_WIDTH, "DS", "400\\1500");
    file.text(tags::RESCALE_SLOPE, "DS", "1");
    file.text(tags::PATIENT_NAME, "PN", "Doe^J");
    file.text(tags::PATIENT_SEX, "CS", "");
    file.text(tags::IMAGE_COMMENTS, "LT", r" a\b ");
    file.text(Tag(0x0009, 0x0010), "LO", "ACME");
    file.text(Tag(0x0009, 0x1001), "SH", r"x\y");
    file.set(Tag(0x0009, 0x1002), "UN", vec![1, 2]);
    file.set(Tag(0x0009, 0x1003), "OB", vec![0; 1024 * 1024 + 2]);
    file.short(Tag(0x6002, 0x0010), 7);
    let named = file.instance().named_attributes().unwrap();
    let of = |key: &str| {
        let found = named.iter().find(|one| one.key == key)?;
        Some((
            found.value.clone(),
            found.vr.map(|vr| vr.to_string().to_owned()),
        ))
    };
    let known = |value: Value| Some((value, None));
    let unknown = |value: Value, vr: &str| Some((value, Some(vr.to_owned())));
    assert_eq!(of("WindowCenter"), known(json!(["40"])));
    assert_eq!(of("WindowWidth"), known(json!(["400", "1500"])));
    assert_eq!(of("RescaleSlope"), known(json!("1 ")));
    assert_eq!(of("PatientName"), known(json!("Doe^J")));
    assert_eq!(of("PatientSex"), known(Value::Null));
    assert_eq!(of("ImageComments"), known(json!(r" a\b")));
    assert_eq!(of("Columns"), known(json!(2)));
    assert_eq!(
        of("TransferSyntaxUID"),
        known(json!(EXPLICIT_VR_LITTLE_ENDIAN))
    );
    assert_eq!(of("00090010"), unknown(json!("ACME"), "LO"));
    assert_eq!(of("00091001"), unknown(json!(["x", "y"]), "SH"));
    assert_eq!(of("00091002"), unknown(json!("AQI="), "UN"));
    assert_eq!(of("00091003"), None, "too large");
    assert_eq!(of("60020010"), unknown(json!(7), "US"));
    assert_eq!(of("PixelData"), None);
}

#[test]
fn a_frame_is_measured_as_far_as_it_can_be() {
    let mut file = File::new(EXPLICIT_VR_LITTLE_ENDIAN, (1, 2, 16), 2);
    file.set(tags::PIXEL_DATA, "OW", vec![1, 0, 0xFF, 0xFF, 3, 0, 4, 0]);
    let ranges = |file: &File| {
        let measured = file.instance().measured(true).unwrap();
        let pixels = measured.into_iter().map(|one| one.pixels.unwrap().range);
        pixels.collect::<Vec<_>>()
    };
    assert_eq!(ranges(&file), [Some((1, 65535)), Some((3, 4))]);
    file.short(tags::PIXEL_REPRESENTATION, 1);
    assert_eq!(ranges(&file), [Some((-1, 1)), Some((3, 4))]);
    assert_eq!(file.instance().pixel_count(), 4);
    let measured = file.instance().measured(true).unwrap();
    assert_eq!(measured[0].bytes, Some(4));
    // `zlib.crc32(bytes([1, 0, 255, 255]))`
    assert_eq!(measured[0].pixels.as_ref().unwrap().checksum, 668_904_070);
    let unasked = file.instance().measured(false).unwrap();
    assert_eq!((unasked[0].bytes, &unasked[0].pixels), (Some(4), &None));
    // Single bits are no samples, and of a frame that isn't there nothing is told.
    let mut bits = File::new(EXPLICIT_VR_LITTLE_ENDIAN, (1, 8, 1), 3);
    bits.set(tags::PIXEL_DATA, "OB", vec![0xA5, 0xFF]);
    let measured = bits.instance().measured(true).unwrap();
    let bytes: Vec<_> = measured.iter().map(|one| one.bytes).collect();
    assert_eq!(bytes, [Some(1), Some(1), None]);
    assert!(measured.iter().all(|one| one.pixels.is_none()));
}
