//! A first frames.yml: the answers, what is wrong with them, the text.
//!
//! - [`answers`]: checked as `frames validate` checks the file
//! - [`questions`]: for those who sit at a terminal
//! - [`text`]: the commented file

pub mod answers;
pub mod questions;
pub mod text;

pub use crate::cli::InitAnswers as Answers;
