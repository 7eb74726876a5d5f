//! A first frames.yml: the answers, what is wrong with them, the text.
//!
//! - [`answers`]: checked as `frames validate` checks the file
//! - [`choices`]: what an account has to choose from
//! - [`questions`]: for those who sit at a terminal
//! - [`typescript`], [`sample`]: answers from the AWS sample's settings
//! - [`text`]: the commented file
//! - [`beside`]: what else is in its directory

pub mod answers;
pub mod beside;
pub mod choices;
pub mod questions;
pub mod sample;
pub mod text;
pub mod typescript;

pub use crate::cli::InitAnswers as Answers;
