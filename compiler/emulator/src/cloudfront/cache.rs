//! The edge's cache. It is bounded, and drops the least recently used answer first. What
//! has expired stays, if the origin can be asked whether it is still the latest.

use super::conditions;
use super::forward::Key;
use super::invalidation::Invalidation;
use super::stored::Stored;
use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

/// Enough for a few studies.
const BYTES: usize = 256 * 1024 * 1024;
/// Roughly what an entry costs beside its body.
const OVERHEAD: usize = 1024;

/// What is cached, whatever the distribution is updated to.
pub(super) type Cached = Arc<Mutex<Cache>>;

struct Entry {
    stored: Stored,
    since: Instant,
    until: Instant,
    used: u64,
}

/// What the cache has for a key.
#[derive(Debug)]
pub(super) enum Found {
    /// And its age in whole seconds.
    Fresh(Stored, u64),
    /// It says by what the origin can be asked about it.
    Expired(Stored),
}

#[derive(Default)]
pub(super) struct Cache {
    entries: HashMap<Key, Entry>,
    bytes: usize,
    /// Counts look-ups: larger is more recent.
    clock: u64,
    /// How often something was taken out on purpose.
    invalidations: u64,
}

impl Cache {
    pub(super) fn get(&mut self, key: &Key, now: Instant) -> Option<Found> {
        self.clock += 1;
        let entry = self.entries.get_mut(key)?;
        entry.used = self.clock;
        if entry.until > now {
            let age = now.duration_since(entry.since).as_secs();
            return Some(Found::Fresh(entry.stored.clone(), age));
        }
        if conditions::validators(&entry.stored).is_empty() {
            self.remove(key);
            return None;
        }
        Some(Found::Expired(entry.stored.clone()))
    }

    /// Keeps an answer for `lifetime`, in the place of an older one. One that may not be
    /// kept says that the older one isn't the latest either.
    pub(super) fn put(&mut self, key: Key, stored: Stored, lifetime: Duration, now: Instant) {
        self.remove(&key);
        let size = size(&stored);
        // One entry never pushes out most of the others.
        if lifetime.is_zero() || size > BYTES / 4 {
            return;
        }
        let Some(until) = now.checked_add(lifetime) else {
            return;
        };
        while self.bytes + size > BYTES && self.evict() {}
        self.clock += 1;
        self.bytes += size;
        let entry = Entry {
            stored,
            since: now,
            until,
            used: self.clock,
        };
        self.entries.insert(key, entry);
    }

    /// Takes out what the invalidation names, and counts it.
    pub(super) fn invalidate(&mut self, invalidation: &Invalidation) -> usize {
        self.take(|key| {
            let (uri, query) = key.object();
            invalidation.takes(uri, query)
        })
    }

    /// Takes out what was kept by these cache policies.
    pub(super) fn forget(&mut self, policies: &BTreeSet<String>) {
        self.take(|key| policies.contains(key.policy()));
    }

    fn take(&mut self, is_taken: impl Fn(&Key) -> bool) -> usize {
        self.invalidations += 1;
        let keys = self.entries.keys().filter(|key| is_taken(key));
        let taken: Vec<Key> = keys.cloned().collect();
        taken.iter().for_each(|key| self.remove(key));
        taken.len()
    }

    /// How many invalidations there were. What was asked for before one may be what that took out.
    pub(super) fn invalidations(&self) -> u64 {
        self.invalidations
    }

    fn remove(&mut self, key: &Key) {
        if let Some(entry) = self.entries.remove(key) {
            self.bytes -= size(&entry.stored);
        }
    }

    fn evict(&mut self) -> bool {
        let oldest = self.entries.iter().min_by_key(|(_, entry)| entry.used);
        match oldest.map(|(key, _)| key.clone()) {
            Some(key) => {
                self.remove(&key);
                true
            }
            None => false,
        }
    }
}

fn size(stored: &Stored) -> usize {
    stored.body.len() + OVERHEAD
}

#[cfg(test)]
mod tests {
    use super::super::forward::{key, tests::behavior};
    use super::*;
    use http::{HeaderMap, StatusCode};

    fn key_of(uri: &str) -> Key {
        let request =
            serde_json::json!({"method": "GET", "uri": uri, "querystring": "", "headers": {}});
        key(&behavior(), &serde_json::from_value(request).unwrap())
    }

    fn stored(length: usize) -> Stored {
        Stored {
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            body: vec![0; length].into(),
        }
    }

    #[test]
    fn an_entry_lives_for_its_time() {
        let (mut cache, now) = (Cache::default(), Instant::now());
        cache.put(key_of("/a"), stored(1), Duration::from_secs(10), now);
        let later = |seconds| now + Duration::from_secs(seconds);
        assert!(matches!(
            cache.get(&key_of("/a"), later(9)),
            Some(Found::Fresh(_, 9))
        ));
        assert!(cache.get(&key_of("/b"), later(9)).is_none());
        assert!(cache.get(&key_of("/a"), later(10)).is_none());
        assert_eq!(cache.bytes, 0);
    }

    #[test]
    fn what_can_be_asked_about_outlives_its_time() {
        let (mut cache, now) = (Cache::default(), Instant::now());
        let mut tagged = stored(1);
        let tag = http::HeaderValue::from_static("\"v1\"");
        tagged.headers.insert(http::header::ETAG, tag);
        let second = Duration::from_secs(1);
        cache.put(key_of("/a"), tagged, second, now);
        let found = cache.get(&key_of("/a"), now + second);
        assert!(matches!(found, Some(Found::Expired(_))), "{found:?}");
        // The origin's next answer is the latest, kept or not.
        cache.put(key_of("/a"), stored(1), Duration::ZERO, now + second);
        assert!(cache.get(&key_of("/a"), now + second).is_none());
        assert_eq!(cache.bytes, 0);
    }

    #[test]
    fn what_an_invalidation_names_is_gone_and_the_rest_stays() {
        let (mut cache, now) = (Cache::default(), Instant::now());
        let hour = Duration::from_secs(3600);
        for name in ["/a/1", "/a/2", "/b/1"] {
            cache.put(key_of(name), stored(1), hour, now);
        }
        let invalidation = Invalidation::of(&["/a/*"]).unwrap();
        assert_eq!(cache.invalidate(&invalidation), 2);
        assert!(cache.get(&key_of("/a/1"), now).is_none());
        assert!(cache.get(&key_of("/b/1"), now).is_some());
        assert_eq!(cache.bytes, 1 + OVERHEAD);
        assert_eq!(cache.invalidate(&invalidation), 0);
        assert_eq!(cache.invalidations(), 2);
    }

    #[test]
    fn nothing_is_kept_for_no_time() {
        let (mut cache, now) = (Cache::default(), Instant::now());
        cache.put(key_of("/a"), stored(1), Duration::ZERO, now);
        assert!(cache.get(&key_of("/a"), now).is_none());
    }

    #[test]
    fn the_least_recently_used_goes_first() {
        let (mut cache, now) = (Cache::default(), Instant::now());
        let hour = Duration::from_secs(3600);
        let quarter = BYTES / 4 - OVERHEAD;
        for name in ["/a", "/b", "/c", "/d"] {
            cache.put(key_of(name), stored(quarter), hour, now);
        }
        assert!(cache.get(&key_of("/a"), now).is_some());
        cache.put(key_of("/e"), stored(quarter), hour, now);
        assert!(cache.get(&key_of("/b"), now).is_none());
        assert!(cache.get(&key_of("/a"), now).is_some());
        assert!(cache.bytes <= BYTES);
        cache.put(key_of("/f"), stored(quarter + 1), hour, now);
        assert!(cache.get(&key_of("/f"), now).is_none());
    }
}
