//! The programs that a release carries, compressed together: half the size of their zips. Those
//! are made from them as from built ones. A build from a clone carries none.

use super::programs::Programs;
use super::{cache, sources, zips};
use frames_compiler::failure::{Failure, Result};
use lzma_rust2::LzmaReader;
use std::collections::HashMap;
use std::io::{self, Read};
use std::thread;

struct Carried {
    /// Of each program, in the order of `packed`.
    lengths: &'static [(&'static str, usize)],
    packed: &'static [u8],
    /// Of the zips, as the cache has them.
    sums: &'static str,
}

const CARRIED: Carried = include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// In KiB: more than all the programs have.
const MEMORY: u32 = 64 * 1024;

pub fn is_embedded() -> bool {
    !CARRIED.lengths.is_empty()
}

/// `None`: this frames carries no programs.
pub(super) fn programs() -> Option<Result<Programs>> {
    is_embedded().then(|| read(&CARRIED))
}

/// Nothing but the zips of the release's build is taken for them: a binary that was changed may
/// be changed elsewhere too.
fn read(carried: &Carried) -> Result<Programs> {
    let packed = packed(carried).filter(|programs| cache::sums(programs) == carried.sums);
    packed.ok_or_else(|| {
        Failure::new("the edge functions inside this frames aren't those that it was built with")
            .help("install frames again: its file is damaged")
    })
}

/// `None`: they are damaged.
fn packed(carried: &Carried) -> Option<Programs> {
    let unpacked = unpacked(carried).ok()?;
    let mut bases = thread::scope(|scope| {
        let pack = |(function, program): &(&'static str, Vec<u8>)| {
            Some((
                *function,
                zips::base(program, &sources::shim(function)).ok()?,
            ))
        };
        // All of them begin before one is waited for.
        let packing: Vec<_> = unpacked
            .iter()
            .map(|each| scope.spawn(move || pack(each)))
            .collect();
        let packed = packing.into_iter().map(|one| one.join().ok().flatten());
        packed.collect::<Option<HashMap<_, _>>>()
    })?;
    Programs::of_each(|function| bases.remove(function).ok_or(())).ok()
}

fn unpacked(carried: &Carried) -> io::Result<Vec<(&'static str, Vec<u8>)>> {
    let mut packed = LzmaReader::new_mem_limit(carried.packed, MEMORY, None)?;
    let program = |(function, length): &(&'static str, usize)| {
        let mut program = vec![0; *length];
        packed.read_exact(&mut program)?;
        Ok((*function, program))
    };
    carried.lengths.iter().map(program).collect()
}

#[cfg(test)]
mod tests {
    use super::super::programs::FUNCTIONS;
    use super::*;
    use lzma_rust2::{LzmaOptions, LzmaWriter};
    use std::io::Write;

    fn carried(programs: &[u8], lengths: &[(&'static str, usize)]) -> Carried {
        let options = LzmaOptions::with_preset(1);
        let mut writer = LzmaWriter::new_use_header(Vec::new(), &options, None).unwrap();
        writer.write_all(programs).unwrap();
        let base = |function: &str| zips::base(function.as_bytes(), &sources::shim(function));
        Carried {
            lengths: lengths.to_vec().leak(),
            packed: writer.finish().unwrap().leak(),
            sums: cache::sums(&Programs::of_each(base).unwrap()).leak(),
        }
    }

    #[test]
    fn what_is_carried_is_taken_whole_or_not_at_all() {
        let lengths = FUNCTIONS.map(|function| (function, function.len()));
        let bytes = FUNCTIONS.concat().into_bytes();
        let whole = carried(&bytes, &lengths);
        for (function, program) in read(&whole).unwrap().programs().unwrap() {
            assert_eq!(program, function.as_bytes());
        }
        for place in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[place] ^= 1;
            assert!(read(&carried(&damaged, &lengths)).is_err(), "byte {place}");
        }
        for place in 0..lengths.len() {
            let mut missing = lengths.to_vec();
            missing.remove(place);
            assert!(
                read(&carried(&bytes, &missing)).is_err(),
                "{place} is missing"
            );
        }
        let [authorizer, signer, reader] = lengths;
        let swapped = [(signer.0, authorizer.1), (authorizer.0, signer.1), reader];
        assert!(read(&carried(&bytes, &swapped)).is_err());
        // The last bytes of a stream only end it.
        for end in 0..whole.packed.len() / 2 {
            let packed = &whole.packed[..end];
            assert!(read(&Carried { packed, ..whole }).is_err(), "cut at {end}");
        }
    }
}
