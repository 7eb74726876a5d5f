//! The programs' unwind tables: a tenth of a zip, and never read. The functions
//! abort at a panic, and there is no debugger where they run. The compiler writes
//! the tables nonetheless. They can't be cut out, since they are in pages that are
//! mapped; but zeros take no room in a zip.

use super::recipe::TABLES;
use frames_compiler::failure::{Context, Result};
use object::read::elf::ElfFile64;
use object::{Object, ObjectSection};

/// The program with its unwind tables blank.
pub(super) fn blank(mut program: Vec<u8>) -> Result<Vec<u8>> {
    let ranges: Vec<(u64, u64)> = {
        let elf: ElfFile64 =
            ElfFile64::parse(program.as_slice()).context(|| "the program isn't one for Linux")?;
        TABLES
            .iter()
            .filter_map(|name| elf.section_by_name(name)?.file_range())
            .collect()
    };
    for (start, length) in ranges {
        let table = usize::try_from(start)
            .ok()
            .zip(usize::try_from(start + length).ok())
            .and_then(|(start, end)| program.get_mut(start..end));
        table.into_iter().for_each(|table| table.fill(0));
    }
    Ok(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_alone_are_blank() {
        let path = std::env::current_exe().unwrap();
        let before = std::fs::read(path).unwrap();
        let after = blank(before.clone()).unwrap();
        assert_eq!(before.len(), after.len());
        let (old, new) = (
            object::File::parse(before.as_slice()).unwrap(),
            object::File::parse(after.as_slice()).unwrap(),
        );
        for section in old.sections() {
            let name = section.name().unwrap();
            let data = new.section_by_name(name).unwrap().data().unwrap();
            if TABLES.contains(&name) {
                assert!(data.iter().all(|byte| *byte == 0), "{name}")
            } else {
                assert!(data == section.data().unwrap(), "{name}")
            }
        }
        assert!(before != after);
    }

    #[test]
    fn what_is_no_program_is_said_to_be_none() {
        assert!(blank(b"#!/bin/sh".to_vec()).is_err());
        assert!(blank(vec![]).is_err());
    }
}
