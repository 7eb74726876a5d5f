//! What an invalidation takes out of the cache: objects by their paths, whatever their headers are.
//!
//! A path is the object's own, with its query where that is part of the cache's key. With an
//! asterisk as its last character it takes whatever begins as it does, queries included.
//! Source: "What you need to know when invalidating paths", Amazon CloudFront Developer Guide.

use crate::Error;

/// "Invalidation paths", as above.
const LONGEST: usize = 4_000;

/// The paths of one invalidation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalidation(Vec<Taken>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Taken {
    Exactly(String),
    Beginning(String),
}

impl Invalidation {
    pub fn of<T: AsRef<str>>(paths: &[T]) -> Result<Self, Error> {
        if paths.is_empty() {
            return Err(Error::new("an invalidation names one path at least"));
        }
        let taken = paths.iter().map(|path| {
            let path = path.as_ref();
            if !path.starts_with('/') || path.len() > LONGEST {
                return Err(Error::new(
                    "an invalidation's path begins with a slash, and has 4,000 characters at most",
                ));
            }
            Ok(match path.strip_suffix('*') {
                Some(beginning) => Taken::Beginning(beginning.to_owned()),
                None => Taken::Exactly(path.to_owned()),
            })
        });
        taken.collect::<Result<_, _>>().map(Self)
    }

    /// Whether it takes the object of this path and query.
    pub(super) fn takes(&self, uri: &str, query: &str) -> bool {
        let object = if query.is_empty() {
            uri.to_owned()
        } else {
            format!("{uri}?{query}")
        };
        self.0.iter().any(|taken| match taken {
            Taken::Exactly(path) => *path == object,
            Taken::Beginning(beginning) => object.starts_with(beginning),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_asterisk_counts_at_the_end_only_and_takes_queries_too() {
        let takes = |path: &str, uri: &str, query: &str| {
            Invalidation::of(&[path]).unwrap().takes(uri, query)
        };
        assert!(takes("/a/*", "/a/b", ""));
        assert!(takes("/a/*", "/a/b/c", "d=e"));
        assert!(takes("/a*", "/a", "d=e"));
        assert!(takes("/*", "/", ""));
        assert!(takes("/a?d=e", "/a", "d=e"));
        // The study 1.2 isn't the study 1.23.
        assert!(!takes("/studies/1.2/*", "/studies/1.23/series", ""));
        assert!(!takes("/a", "/a", "d=e"));
        assert!(!takes("/a/*/c", "/a/b/c", ""));
        assert!(!takes("/A/*", "/a/b", ""));
        assert!(!takes("/a/*", "/a", ""));
    }

    #[test]
    fn a_path_is_one() {
        assert!(Invalidation::of(&["/a", "a/*"]).is_err());
        assert!(Invalidation::of::<&str>(&[]).is_err());
        assert!(Invalidation::of(&[format!("/{}", "a".repeat(LONGEST))]).is_err());
    }
}
