//! The functions' programs, built.

use super::zips;
use frames_compiler::failure::Result;
use frames_compiler::names;

pub(super) const FUNCTIONS: [&str; 3] = [names::AUTHORIZER, names::SIGNER, names::READER];

/// The zip of each program, before `config.json` is added.
#[derive(Debug)]
pub struct Programs {
    bases: [(&'static str, Vec<u8>); 3],
}

impl Programs {
    /// `None`: there is no such function.
    pub(super) fn base(&self, function: &str) -> Option<&[u8]> {
        let mut bases = self.bases();
        bases.find_map(|(name, base)| (name == function).then_some(base))
    }

    pub(super) fn bases(&self) -> impl Iterator<Item = (&'static str, &[u8])> {
        self.bases
            .iter()
            .map(|(name, base)| (*name, base.as_slice()))
    }

    /// What is in a zip as `bootstrap`.
    pub(super) fn programs(&self) -> Result<Vec<(&'static str, Vec<u8>)>> {
        let program = |(function, base)| Ok((function, zips::program(base)?));
        self.bases().map(program).collect()
    }

    pub(super) fn of_each<E>(
        mut base: impl FnMut(&'static str) -> std::result::Result<Vec<u8>, E>,
    ) -> std::result::Result<Self, E> {
        let [authorizer, signer, reader] = FUNCTIONS;
        Ok(Self {
            bases: [
                (authorizer, base(authorizer)?),
                (signer, base(signer)?),
                (reader, base(reader)?),
            ],
        })
    }
}
