//! CloudFront's path patterns: `*` for any number of characters, `?` for one.

/// Whether a behavior's `PathPattern` matches a request path. Case counts, and
/// a leading slash on either side doesn't.
pub(super) fn matches(pattern: &str, path: &str) -> bool {
    let pattern = pattern.strip_prefix('/').unwrap_or(pattern).as_bytes();
    let path = normalize(path);
    let path = path.strip_prefix('/').unwrap_or(&path).as_bytes();
    glob(pattern, path)
}

/// Greedy with one step back, so linear in practice and never exponential. Of
/// bytes or of characters: `?` is one of these.
pub(crate) fn glob<T: Copy + PartialEq + From<u8>>(pattern: &[T], text: &[T]) -> bool {
    let [any, one] = [b'*', b'?'].map(T::from);
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while let Some(&unit) = text.get(t) {
        match pattern.get(p) {
            Some(&expected) if expected == any => {
                star = Some((p, t));
                p += 1;
            }
            Some(&expected) if expected == one || expected == unit => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((at, from)) = star else {
                    return false;
                };
                star = Some((at, from + 1));
                p = at + 1;
                t = from + 1;
            }
        }
    }
    pattern.iter().skip(p).all(|&unit| unit == any)
}

/// The path that patterns are matched against (RFC 3986, 6.2.2): dot segments
/// and doubled slashes gone, unreserved characters unescaped. The origin still
/// gets the path as the viewer wrote it.
fn normalize(path: &str) -> String {
    let unescaped = unescape_unreserved(path);
    let mut segments: Vec<&str> = Vec::new();
    let mut parts = unescaped.split('/').filter(|s| !s.is_empty()).peekable();
    let mut ends_in_slash = unescaped.ends_with('/');
    while let Some(part) = parts.next() {
        match part {
            "." | ".." => {
                if part == ".." {
                    segments.pop();
                }
                ends_in_slash |= parts.peek().is_none();
            }
            _ => segments.push(part),
        }
    }
    let mut normal = format!("/{}", segments.join("/"));
    if ends_in_slash && !segments.is_empty() {
        normal.push('/');
    }
    normal
}

fn unescape_unreserved(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let mut rest = path;
    while let Some(at) = rest.find('%') {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        let decoded = escape
            .get(1..3)
            .and_then(|hex| u8::from_str_radix(hex, 16).ok())
            .filter(|b| b.is_ascii_alphanumeric() || b"-._~".contains(b));
        let taken = match decoded {
            Some(byte) => {
                out.push(char::from(byte));
                3
            }
            None => {
                out.push('%');
                1
            }
        };
        rest = escape.get(taken..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards() {
        for (pattern, path) in [
            ("*", "/anything/at/all"),
            ("/datastore/*/studies", "/datastore/123/studies"),
            ("datastore/*/studies/*", "/datastore/1/studies/2/series/3"),
            ("/a?c", "/abc"),
            ("/*.jpg", "/x/y.jpg"),
            ("*b*b*c", "/abbabc"),
            ("/a*", "/a"),
        ] {
            assert!(matches(pattern, path), "{pattern} {path}");
        }
        for (pattern, path) in [
            ("/datastore/*/studies", "/datastore/123/studies/4"),
            ("/datastore/*/studies", "/datastore/123/Studies"),
            ("/a?c", "/ac"),
            ("/*.jpg", "/y.JPG"),
            ("/a", "/ab"),
        ] {
            assert!(!matches(pattern, path), "{pattern} {path}");
        }
    }

    #[test]
    fn matching_sees_the_normal_path() {
        assert!(matches("/a/b", "//a/./c/../b"));
        assert!(matches("/studies", "/%73tudies"));
        assert!(matches("/a/", "/a/b/.."));
        assert!(!matches("/a/b", "/a%2Fb"));
        assert!(matches("/%zz%", "/%zz%"));
    }

    #[test]
    fn many_stars_stay_cheap() {
        let text = format!("/{}", "a".repeat(8_000));
        assert!(!matches(&format!("{}b", "*a".repeat(100)), &text));
    }
}
