//! Query strings whose canonical form leaves no doubt.
//!
//! SigV4 hashes the decoded parameters, encoded again. Where two readers may
//! decode differently, the origin would answer 403 for a signature that is
//! right by one of them; so these are refused with a reason instead.

/// Checks that every reader decodes `query` alike.
pub fn check(query: &str) -> Result<(), &'static str> {
    let mut decoded = Vec::with_capacity(query.len());
    let mut rest = query.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        match byte {
            b'%' => {
                let (value, tail) = escape(tail)
                    .ok_or("The query string holds a `%` that no two hexadecimal digits follow.")?;
                decoded.push(value);
                rest = tail;
            }
            b'#' | 0..=b' ' | 0x7f..=0xff => {
                return Err("The query string holds a character that must be percent-encoded.");
            }
            _ => decoded.push(byte),
        }
    }
    match std::str::from_utf8(&decoded) {
        Ok(_) => Ok(()),
        Err(_) => Err("The query string isn't UTF-8."),
    }
}

/// The two digits after a `%`, and what follows them.
fn escape(text: &[u8]) -> Option<(u8, &[u8])> {
    let (digits, rest) = text.split_at_checked(2)?;
    let digits = std::str::from_utf8(digits).ok()?;
    if digits.starts_with('+') {
        return None;
    }
    Some((u8::from_str_radix(digits, 16).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn ordinary_queries_pass() {
        for query in [
            "",
            "imageSetId=aaaabbbbccccddddeeeeffff00001111",
            "PatientName=J%C3%BCrgen+M&limit=10",
            "includefield=00080018,0020000D&x",
            "a=b=c&&d",
        ] {
            assert_eq!(check(query), Ok(()), "{query}");
        }
    }

    #[test]
    fn doubtful_queries_are_refused() {
        for query in [
            "a=%", "a=%4", "a=%zz", "a=%+1", "a=%FF", "a=b#c", "a=b c", "a=ü", "a=\n",
        ] {
            assert!(check(query).is_err(), "{query}");
        }
    }
}
