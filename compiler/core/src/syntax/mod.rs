//! Text to spanned nodes. The YAML parser is named in this folder alone.

mod build;
mod errors;
mod node;
mod short_forms;

pub use build::parse;
pub use node::{Entry, Key, Node, Value};
pub use short_forms::misplaced;
