//! A corpus of the fuzz targets, replayed and mutated with a fixed seed: what
//! the fuzzer does, for a moment and without it.

use std::fs;
use std::path::Path;

/// Runs `target` over every file of its corpus, then over `mutations` changed ones.
pub(crate) fn replay(name: &str, mutations: usize, target: impl Fn(&[u8])) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/corpus")
        .join(name);
    let mut files: Vec<_> = fs::read_dir(&directory)
        .unwrap_or_else(|error| panic!("{}: {error}", directory.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let corpus: Vec<Vec<u8>> = files.iter().map(|file| fs::read(file).unwrap()).collect();
    assert!(corpus.len() > 4, "{} is no corpus", directory.display());
    corpus.iter().for_each(|bytes| target(bytes));
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for _ in 0..mutations {
        target(&mutated(&corpus, &mut random));
    }
}

/// One to four changes of one file: bytes flipped, taken out, doubled, put in from another file.
fn mutated(corpus: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut bytes = corpus[random.below(corpus.len())].clone();
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len() + 1);
        let end = (at + random.below(12)).min(bytes.len());
        match random.below(5) {
            0 => bytes.splice(at..end, []).for_each(drop),
            1 => bytes.insert(at, random.byte()),
            2 if at < bytes.len() => bytes[at] = random.byte(),
            3 => {
                let copy = bytes[at..end].to_vec();
                bytes.splice(at..at, copy).for_each(drop);
            }
            _ => {
                let other = &corpus[random.below(corpus.len())];
                let from = random.below(other.len() + 1);
                let to = (from + random.below(40)).min(other.len());
                bytes
                    .splice(at..end, other[from..to].to_vec())
                    .for_each(drop);
            }
        }
    }
    bytes
}

/// xorshift64*: the same numbers in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, limit: usize) -> usize {
        ((self.next() >> 33) as usize) % limit
    }

    /// JSON's and paths' own characters more often than others.
    fn byte(&mut self) -> u8 {
        const TELLING: &[u8] = b"\"\\{}[]:,.-+%=&/?;#eE019 \t\n\0\x7f\xff";
        match self.below(2) {
            0 => TELLING[self.below(TELLING.len())],
            _ => self.next().to_le_bytes()[7],
        }
    }
}
