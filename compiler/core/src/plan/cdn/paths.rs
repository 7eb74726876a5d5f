//! The path patterns of every cache behavior that a delivery may have besides the default one.

/// Native reads by GET. `?` is any one character: AWS's sample spells `imageset`, which is taken here as
/// elsewhere.
pub(super) const FRAME: &str = "/datastore/*/image?et/*/getImageFrame";
pub(super) const IMAGE_SET_METADATA: &str = "/datastore/*/image?et/*/getImageSetMetadata";

/// An instance, its metadata and its frames.
pub(super) const INSTANCE: &str = "/datastore/*/studies/*/series/*/instances/*";
pub(super) const SERIES_METADATA: &str = "/datastore/*/studies/*/series/*/metadata";
pub(super) const STUDIES: &str = "/datastore/*/studies";
pub(super) const SERIES: &str = "/datastore/*/series";
pub(super) const INSTANCES: &str = "/datastore/*/instances";

pub const ALL: [&str; 7] = [
    FRAME,
    IMAGE_SET_METADATA,
    INSTANCE,
    SERIES_METADATA,
    STUDIES,
    SERIES,
    INSTANCES,
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::checked;
    use crate::plan::cdn::behaviors;

    /// Whoever asks for all of them misses none.
    #[test]
    fn there_is_no_other_pattern() {
        let all = "{dicomweb: true, metadata: true, cachedReads: true}";
        let text = format!("service: x\nauth: {{mode: none}}\ndelivery: {all}\n");
        let behaviors = behaviors(&checked(&text).delivery);
        let patterns: Vec<&str> = behaviors.iter().filter_map(|it| it.path_pattern).collect();
        assert_eq!(patterns, ALL);
    }
}
