//! Text to spanned nodes. The YAML parser is named only in this folder.

mod build;
mod errors;
mod node;
mod short_forms;
mod unquoted;

pub use build::parse;
pub use node::{Entry, Key, MERGE, Node, Value};
pub use short_forms::misplaced;
