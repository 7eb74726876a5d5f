//! DICOM files (PS3.10, 7.1) of a test's own, in Explicit VR Little Endian.

pub struct File(Vec<u8>);

impl File {
    pub fn new() -> Self {
        Self::of("1.2.840.10008.1.2.1")
    }

    /// In another transfer syntax, of those that have their attributes as here.
    pub fn of(syntax: &str) -> Self {
        let mut file = vec![0; 128];
        file.extend_from_slice(b"DICM");
        Self(file).with(0x0002, 0x0010, b"UI", syntax.as_bytes())
    }

    /// One frame, in one fragment (PS3.5, A.4).
    pub fn encapsulated(mut self, frame: &[u8]) -> Self {
        const ITEM: &[u8] = b"\xFE\xFF\x00\xE0";
        let file = &mut self.0;
        file.extend_from_slice(b"\xE0\x7F\x10\x00OB\0\0\xFF\xFF\xFF\xFF");
        file.extend_from_slice(&[ITEM, &[0; 4], ITEM].concat());
        file.extend_from_slice(&u32::try_from(frame.len()).unwrap().to_le_bytes());
        file.extend_from_slice(frame);
        file.extend_from_slice(b"\xFE\xFF\xDD\xE0\0\0\0\0");
        self
    }

    /// The elements come in the order of their tags.
    pub fn with(mut self, group: u16, number: u16, vr: &[u8; 2], value: &[u8]) -> Self {
        let mut value = value.to_vec();
        if value.len() % 2 == 1 {
            value.push(if vr == b"UI" { 0 } else { b' ' });
        }
        let file = &mut self.0;
        file.extend_from_slice(&group.to_le_bytes());
        file.extend_from_slice(&number.to_le_bytes());
        file.extend_from_slice(vr);
        if vr == b"OB" {
            file.extend_from_slice(&[0, 0]);
            file.extend_from_slice(&u32::try_from(value.len()).unwrap().to_le_bytes());
        } else {
            file.extend_from_slice(&u16::try_from(value.len()).unwrap().to_le_bytes());
        }
        file.extend_from_slice(&value);
        self
    }

    pub fn bytes(self) -> Vec<u8> {
        self.0
    }
}
