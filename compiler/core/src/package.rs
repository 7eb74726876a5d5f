//! What `.frames/<env>/` holds, as data: whoever uploads it need not know how it is made.

use crate::template::Template;

#[derive(Debug)]
pub struct Package {
    pub zips: Vec<Zip>,
    pub templates: Vec<Template>,
    /// The content of `plan.json`.
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
