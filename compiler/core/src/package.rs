//! What a package holds, whoever makes it, writes it or uploads it.

use crate::template::Template;

/// All that `.frames/<env>/` holds.
#[derive(Debug)]
pub struct Package {
    pub zips: Vec<Zip>,
    pub templates: Vec<Template>,
    pub plan_json: String,
}

/// A function's zip, ready for Lambda.
#[derive(Debug, Clone)]
pub struct Zip {
    pub function: &'static str,
    /// `authorizer-0123456789abcdef.zip`
    pub file: String,
    pub bytes: Vec<u8>,
    /// In lower-case hexadecimal.
    pub sha256: String,
}
