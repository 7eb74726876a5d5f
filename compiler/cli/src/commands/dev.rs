use crate::cli::{Dev, Global};
use crate::failure::Result;
use crate::terminal::Terminal;
pub fn run(_: &Global, _: &Dev, _: Terminal) -> Result<()> {
    Ok(())
}
