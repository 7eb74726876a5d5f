//! Text to spanned nodes. The YAML parser is named in this folder alone.

mod build;
mod errors;
mod node;

pub use build::parse;
pub use node::{Entry, Key, Node, Value};
