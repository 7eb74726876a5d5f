//! A first frames.yml: the answers, what is wrong with them, the text.
//!
//! - [`answers`]: held against the very checks of `frames validate`
//! - [`questions`]: for who sits at a terminal
//! - [`text`]: the commented file

pub mod answers;
pub mod questions;
pub mod text;

pub use crate::cli::InitAnswers as Answers;
