//! The programs that a release carries: what the cache holds for the same sources, file by
//! file. A build from a clone carries none.

use super::cache;
use super::programs::Programs;
use frames_compiler::failure::{Failure, Result};

type Files = [(&'static str, &'static [u8])];

const FILES: &Files = include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

pub fn is_embedded() -> bool {
    !FILES.is_empty()
}

/// `None`: this frames carries no programs.
pub(super) fn programs() -> Option<Result<Programs>> {
    is_embedded().then(|| read(FILES))
}

/// Checked as those in the cache are. Nothing else is taken for them: a binary that was
/// changed may be changed elsewhere too.
fn read(files: &Files) -> Result<Programs> {
    let file = |name: &str| {
        let found = files.iter().find(|(known, _)| *known == name);
        found.map(|(_, content)| content.to_vec())
    };
    cache::checked(|name, _| file(name)).ok_or_else(|| {
        Failure::new("the edge functions inside this frames aren't those that it was built with")
            .help("install frames again: its file is damaged")
    })
}

#[cfg(test)]
mod tests {
    use super::super::recipe::SUMS;
    use super::super::{sources, zips};
    use super::*;

    fn leaked(content: Vec<u8>) -> &'static [u8] {
        Box::leak(content.into_boxed_slice())
    }

    fn files() -> Vec<(&'static str, &'static [u8])> {
        let program =
            |function: &str| zips::base(function.as_bytes(), &sources::shim(function)).unwrap();
        let programs = Programs::of_each(|function| Ok::<_, ()>(program(function))).unwrap();
        vec![
            ("authorizer.zip", leaked(program("authorizer"))),
            ("signer.zip", leaked(program("signer"))),
            ("reader.zip", leaked(program("reader"))),
            (SUMS, leaked(cache::sums(&programs).into_bytes())),
        ]
    }

    #[test]
    fn what_is_carried_is_taken_whole_or_not_at_all() {
        let whole = files();
        let programs = read(&whole).unwrap();
        for (function, program) in programs.programs().unwrap() {
            assert_eq!(program, function.as_bytes());
        }
        for place in 0..whole.len() {
            let mut damaged = whole.clone();
            let mut content = damaged[place].1.to_vec();
            let middle = content.len() / 2;
            content[middle] ^= 1;
            damaged[place].1 = leaked(content);
            assert!(read(&damaged).is_err(), "{} is damaged", whole[place].0);
            let mut missing = whole.clone();
            missing.remove(place);
            assert!(read(&missing).is_err(), "{} is missing", whole[place].0);
        }
        let mut swapped = whole.clone();
        (swapped[0].1, swapped[1].1) = (whole[1].1, whole[0].1);
        assert!(read(&swapped).is_err());
    }
}
