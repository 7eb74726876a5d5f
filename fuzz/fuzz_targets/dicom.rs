//! Any bytes as a DICOM file of `frames dev --dicom`: an instance that can be asked for
//! everything, or an error, never a panic that ends the process.
#![no_main]

use frames_emulator::dicom::{Instance, Shared, picture};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(instance) = Instance::embedded(bytes.to_vec(), &mut Shared::default()) else {
        return;
    };
    let metadata = instance.metadata("https://images.example");
    for n in [1, instance.frames, u32::MAX] {
        let _ = instance.octets(n);
        if let (Ok(frame), Ok(metadata)) = (instance.frame(n), &metadata) {
            let _ = picture(&frame, &instance.transfer_syntax, metadata, None);
        }
    }
    let _ = (instance.part10(), instance.part10_explicit());
});
