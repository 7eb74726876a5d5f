//! Text of others, for a terminal.

/// With everything but printable ASCII escaped: a control sequence could
/// rewrite what the terminal shows, and a bidirectional mark its order.
pub(crate) fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            ' '..='~' => out.push(character),
            _ => out.extend(character.escape_default()),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_printable_ascii_is_left() {
        assert_eq!(
            printable("/a b~\u{1b}[31m\u{202e}\n\u{7f}é\u{9b}"),
            "/a b~\\u{1b}[31m\\u{202e}\\n\\u{7f}\\u{e9}\\u{9b}"
        );
    }
}
