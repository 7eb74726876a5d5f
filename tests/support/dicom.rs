//! DICOM files (PS3.10, 7.1) of a test's own, in Explicit VR Little Endian.

pub struct File(Vec<u8>);

impl File {
    pub fn new() -> Self {
        let mut file = vec![0; 128];
        file.extend_from_slice(b"DICM");
        Self(file).with(0x0002, 0x0010, b"UI", b"1.2.840.10008.1.2.1")
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
