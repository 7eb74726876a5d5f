//! Text that would do something to a terminal, and whether any of it came through.

use super::pty::OnTerminal;
use std::process::Command;

/// One of each kind: C0, DEL, C1, bidirectional marks, what has no width, separators, tags.
const HIDDEN: &[char] = &[
    '\u{1}',
    '\u{7}',
    '\u{8}',
    '\u{b}',
    '\r',
    '\u{e}',
    '\u{1b}',
    '\u{7f}',
    '\u{80}',
    '\u{85}',
    '\u{90}',
    '\u{9b}',
    '\u{9d}',
    '\u{ad}',
    '\u{61c}',
    '\u{200b}',
    '\u{200d}',
    '\u{200e}',
    '\u{200f}',
    '\u{2028}',
    '\u{2029}',
    '\u{202a}',
    '\u{202e}',
    '\u{2060}',
    '\u{2066}',
    '\u{2069}',
    '\u{feff}',
    '\u{e0001}',
    '\u{e0041}',
];

/// A title, colours, an erased screen, an order of letters; and each character between marks.
pub fn text() -> String {
    let each: String = HIDDEN.iter().map(|c| format!("<{c}>")).collect();
    format!("evil\u{1b}]0;owned\u{7}\u{1b}[31m\u{9b}2J\u{1b}[8m{each}end")
}

/// The same, short enough for a name.
pub fn name() -> String {
    "evil<\u{1b}>[2J<\u{9b}>31m<\u{202e}>\u{7}".to_owned()
}

/// What of it XML can say, in which most of AWS answers.
pub fn xml(text: &str) -> String {
    text.chars().filter(|c| *c >= ' ').collect()
}

/// As YAML that escapes it to ASCII, and as YAML that has it unescaped.
pub fn in_yaml(value: &serde_json::Value) -> [String; 2] {
    let raw = value.to_string();
    let ascii = raw.chars().map(|c| {
        if c.is_ascii() && c != '\u{7f}' {
            c.to_string()
        } else {
            let units = c.encode_utf16(&mut [0; 2]).to_vec();
            units.iter().map(|unit| format!("\\u{unit:04x}")).collect()
        }
    });
    // YAML has no surrogates.
    let ascii: String = ascii
        .collect::<String>()
        .replace("\\udb40\\udc01", "\\U000e0001");
    [ascii.replace("\\udb40\\udc41", "\\U000e0041"), raw]
}

/// What frames' own colours are, findings' and the command line's among them.
const COLOURS: &[&str] = &[
    "0", "1", "2", "4", "22", "31", "32", "33", "34", "35", "36", "91", "92", "93", "94", "95",
    "96", "1;31", "1;36",
];

/// How what is drawn in place moves: up, to the line's begin, and over what was there.
fn is_movement(sequence: &str) -> bool {
    let (number, end) = sequence.split_at(sequence.len() - 1);
    let counted = number.is_empty() || number.parse::<u8>().is_ok();
    counted && matches!(end, "A" | "B" | "K" | "J") && sequence != "2J"
        || ["?25l", "?25h"].contains(&sequence)
}

/// The first thing on a terminal that frames hasn't meant to send.
pub fn complaint(shown: &str) -> Option<String> {
    for (at, c) in shown.char_indices() {
        let context = || {
            let before: String = shown[..at].chars().rev().take(40).collect();
            let before: String = before.chars().rev().collect();
            let after: String = shown[at..].chars().take(20).collect();
            format!("{before:?} then {after:?}")
        };
        if c == '\u{1b}' {
            let rest = &shown[at + 1..];
            let length = rest
                .find(|c: char| c.is_ascii_alphabetic())
                .map_or(0, |end| end + 1);
            let sequence = rest[..length].strip_prefix('[').unwrap_or("");
            let colour = sequence
                .strip_suffix('m')
                .is_some_and(|code| COLOURS.contains(&code));
            if sequence.is_empty() || !(colour || is_movement(sequence)) {
                return Some(context());
            }
            return complaint(&shown[at + 1 + length..]);
        }
        let hidden = matches!(c,
            '\u{0}'..='\u{8}' | '\u{b}'..='\u{c}' | '\u{e}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{ad}'
            | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}');
        // Whatever else returns to a line's begin stood between marks.
        if hidden || shown[at..].starts_with("<\r>") {
            return Some(context());
        }
    }
    None
}

/// Runs a command on a terminal. It shows hostile text that was given to it, and obeys none.
pub fn shows(what: &str, command: &mut Command) -> String {
    let shown = harmless(what, command);
    assert!(
        shown.contains("u{9b}") || shown.contains("u009b"),
        "{what} shows nothing: {shown}"
    );
    shown
}

pub fn harmless(what: &str, command: &mut Command) -> String {
    let (_, shown) = OnTerminal::start(command).end();
    unharmed(what, &shown);
    shown
}

pub fn unharmed(what: &str, shown: &str) {
    if let Some(found) = complaint(shown) {
        panic!("{what}: {found}\nin {shown:?}");
    }
}

#[test]
fn what_isnt_meant_is_found() {
    for fine in ["a\u{1b}[1m\u{1b}[0m\r\n", "\u{1b}[1A\r\u{1b}[2K", "é ✓", ""] {
        assert_eq!(complaint(fine), None);
    }
    for c in HIDDEN {
        assert!(complaint(&format!("\u{1b}[0m x <{c}>")).is_some(), "{c:?}");
    }
    for found in [
        "\u{1b}[2J",
        "\u{1b}[8m",
        "\u{1b}]0;x",
        "\u{1b}",
        "\u{1b}[31",
        "\u{9b}31m",
    ] {
        assert!(complaint(found).is_some(), "{found:?}");
    }
}
