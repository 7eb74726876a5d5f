//! Texts that mustn't be in an answer, looked for as it comes.

use std::sync::Arc;

/// Knows of a stream only as much as a text may begin with.
#[derive(Clone, Default)]
pub struct Watch {
    texts: Arc<[Vec<u8>]>,
    end: Vec<u8>,
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Watch for {} texts", self.texts.len())
    }
}

impl Watch {
    pub fn for_any<'a>(texts: impl Iterator<Item = &'a str>) -> Self {
        let texts = texts.filter(|text| !text.is_empty());
        Self {
            texts: texts.map(|text| text.as_bytes().to_vec()).collect(),
            end: Vec::new(),
        }
    }

    pub fn is_in(&self, bytes: &[u8]) -> bool {
        self.texts.iter().any(|text| {
            let mut parts = bytes.windows(text.len());
            parts.any(|part| part == text.as_slice())
        })
    }

    /// Whether a text ends in this piece of the stream, wherever it began.
    pub(super) fn is_now_in(&mut self, piece: &[u8]) -> bool {
        let longest = self.texts.iter().map(Vec::len).max().unwrap_or_default();
        // A text that began earlier ends here with so many bytes at most.
        let most = longest.saturating_sub(1);
        let begun = piece.get(..most).unwrap_or(piece);
        self.end.extend_from_slice(begun);
        let found = self.is_in(&self.end) || self.is_in(piece);
        if piece.len() > most {
            self.end.clear();
            let last = piece.len().saturating_sub(most);
            self.end
                .extend_from_slice(piece.get(last..).unwrap_or_default());
        } else {
            self.end.drain(..self.end.len().saturating_sub(most));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// However a stream is cut into pieces.
    #[test]
    fn a_text_is_found_across_pieces() {
        let found = |stream: &[u8], size: usize| {
            let mut watch = Watch::for_any(["abcab", "cd"].into_iter());
            let mut pieces = stream.chunks(size);
            pieces.any(|piece| watch.is_now_in(piece))
        };
        for (stream, wanted) in [
            ("xxabcabxx", true),
            ("ababcab", true),
            ("abcacd", true),
            ("abca", false),
            ("abcxab", false),
            ("c", false),
            ("aabbccabdabca", false),
        ] {
            for size in 1..=stream.len() {
                assert_eq!(found(stream.as_bytes(), size), wanted, "{stream} by {size}");
            }
        }
        assert!(!Watch::default().is_now_in(b"abc"));
    }

    #[test]
    fn no_text_is_shown_or_kept_longer_than_needed() {
        let mut watch = Watch::for_any(["secret", ""].into_iter());
        assert!(!format!("{watch:?}").contains("secret"));
        for piece in [&b"0123456789"[..], b"ab", b"", b"c", b"defghijkl"] {
            assert!(!watch.is_now_in(piece));
            assert!(watch.end.len() < "secret".len());
        }
    }
}
