//! The issuer's keys: reading a key set (RFC 7517), and when to fetch it again.

use frames_edge::jose::{Algorithm, Key};
use frames_edge::key_answer::Failed;
use serde_json::Value;
use std::time::{Duration, SystemTime};

/// A fetched set is used this long before it is fetched again.
pub const TTL: Duration = Duration::from_secs(60 * 60);

/// A set that can't be refreshed is trusted this long after it was last fetched:
/// whoever keeps us from the issuer must not keep a withdrawn key alive.
pub const TRUST: Duration = Duration::from_secs(24 * 60 * 60);

/// After a failure, or a `kid` that the set didn't hold, nothing is fetched for
/// this long: else every forged token would cost the issuer a request.
pub const PENALTY: Duration = Duration::from_secs(10);

/// A busy issuer may ask for more than that, by `Retry-After`, but not for longer than
/// this: a sandbox without keys refuses everyone meanwhile.
pub const LONGEST_PENALTY: Duration = Duration::from_secs(60);

/// How far ahead the clock may be by which a set was packaged.
const AHEAD: Duration = Duration::from_secs(5 * 60);

/// The keys of a set that can verify a signature.
#[derive(Debug)]
pub struct KeySet(Vec<Key>);

impl KeySet {
    /// Reads a JWK set. Keys of no use here are left out (RFC 7517, 5): other
    /// types, encryption keys, RSA below 2048 bits, any without a `kid`.
    pub fn parse(jwks: &Value) -> Result<Self, String> {
        let keys = jwks
            .get("keys")
            .and_then(Value::as_array)
            .ok_or("not a JWK set: it has no `keys`")?;
        let read: Vec<Result<Key, &str>> = keys.iter().map(Key::parse).collect();
        if read.iter().all(Result::is_err) {
            let first = read.first().and_then(|key| key.as_ref().err());
            return Err(first.map_or("a JWK set without a key".to_owned(), |why| {
                format!(
                    "none of its {} keys can verify a signature; the first {why}",
                    keys.len()
                )
            }));
        }
        let usable = read.into_iter().filter_map(Result::ok).collect();
        Ok(Self(usable))
    }

    /// How many keys it has.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The key by this exact `kid` that is made for `algorithm`.
    fn find(&self, kid: &str, algorithm: Algorithm) -> Found<'_> {
        let mut found = Found::Nothing;
        for key in self.0.iter().filter(|key| key.kid == kid) {
            if key.suits(algorithm) {
                return Found::Key(key);
            }
            found = Found::Unsuitable;
        }
        found
    }

    fn has(&self, kid: &str) -> bool {
        self.0.iter().any(|key| key.kid == kid)
    }
}

enum Found<'a> {
    Key(&'a Key),
    Unsuitable,
    Nothing,
}

/// The key set that a sandbox holds, and when it may be fetched.
#[derive(Debug)]
pub struct KeyCache {
    set: Option<KeySet>,
    /// Baked in: never fetched.
    fixed: bool,
    fetched_at: Option<SystemTime>,
    /// When the sandbox started with the set that was packaged.
    began_at: Option<SystemTime>,
    /// From when and until when that set is as good as a fetched one.
    trusted: Option<(SystemTime, SystemTime)>,
    /// Since when nothing is fetched, and for how long.
    penalty: Option<(SystemTime, Duration)>,
    last_fetch_failed: bool,
}

/// What the cache says of a `kid`.
#[derive(Debug)]
pub enum Lookup<'a> {
    Key(&'a Key),
    /// There is such a key, but for another algorithm.
    Unsuitable,
    /// The set must be fetched first.
    Fetch,
    /// No such key, and too early to ask again.
    Unknown,
    /// The set couldn't be fetched, and it is too early to try again.
    Unavailable,
}

impl KeyCache {
    pub fn empty() -> Self {
        Self {
            set: None,
            fixed: false,
            fetched_at: None,
            began_at: None,
            trusted: None,
            penalty: None,
            last_fetch_failed: false,
        }
    }

    /// A set that came with the configuration.
    pub fn fixed(set: KeySet) -> Self {
        Self {
            set: Some(set),
            fixed: true,
            ..Self::empty()
        }
    }

    /// The issuer's set as it was when the function was packaged. It is used only
    /// while the issuer can't be asked: a key that was withdrawn since would else be
    /// good in every new sandbox, until somebody deploys.
    pub fn initial(set: KeySet) -> Self {
        Self {
            set: Some(set),
            ..Self::empty()
        }
    }

    /// The packaged set is used without asking the issuer for that long: whoever deploys
    /// often pays no fetch where a sandbox starts.
    pub fn trusted(self, from: SystemTime, until: SystemTime) -> Self {
        Self {
            trusted: Some((from, until)),
            ..self
        }
    }

    /// The sandbox starts.
    pub fn begin(&mut self, now: SystemTime) {
        if self.set.is_some() && self.fetched_at.is_none() {
            self.began_at = Some(now);
        }
    }

    pub fn lookup(&self, kid: &str, algorithm: Algorithm, now: SystemTime) -> Lookup<'_> {
        let may_fetch = self.may_fetch(now);
        let fresh = self.fixed || self.counts_as_packaged(now) || within(self.fetched_at, TTL, now);
        let trusted = self.is_trusted(now);
        let found = self
            .set
            .as_ref()
            .filter(|_| trusted)
            .map_or(Found::Nothing, |set| set.find(kid, algorithm));
        match found {
            // A set that can't be refreshed serves on, while it is trusted.
            Found::Key(key) if fresh || !may_fetch => Lookup::Key(key),
            Found::Unsuitable if fresh || !may_fetch => Lookup::Unsuitable,
            _ if may_fetch => Lookup::Fetch,
            _ if self.last_fetch_failed || !trusted => Lookup::Unavailable,
            _ => Lookup::Unknown,
        }
    }

    /// The packaged set is as good as a fetched one.
    fn counts_as_packaged(&self, now: SystemTime) -> bool {
        // Packaged by a clock that is far ahead, a set would be trusted for longer than anyone said.
        let soon = now.checked_add(AHEAD).unwrap_or(now);
        self.fetched_at.is_none()
            && self
                .trusted
                .is_some_and(|(from, until)| from <= soon && now < until)
    }

    fn is_trusted(&self, now: SystemTime) -> bool {
        self.fixed
            || self.counts_as_packaged(now)
            || within(self.fetched_at.or(self.began_at), TRUST, now)
    }

    fn may_fetch(&self, now: SystemTime) -> bool {
        !self.fixed && self.rest(now).is_none()
    }

    /// How long nothing is fetched from now on. A clock that was set back ends it.
    pub fn rest(&self, now: SystemTime) -> Option<Duration> {
        let (since, penalty) = self.penalty?;
        let age = now.duration_since(since).ok()?;
        let rest = penalty.checked_sub(age)?;
        (!rest.is_zero()).then_some(rest)
    }

    /// What becomes of requests after a fetch that failed, for the log.
    pub fn outlook(&self, now: SystemTime) -> String {
        let rest = self.rest(now).unwrap_or_default().as_secs();
        let then = if self.set.is_some() && self.is_trusted(now) {
            "the keys that are loaded stay in use"
        } else {
            "there are no keys: requests with a token get 503"
        };
        format!("{then}; the issuer is asked again in {rest} s at the earliest")
    }

    /// A signature was wrong by the key that the set has. The issuer may have put
    /// another key under the same `kid`: it is worth one fetch, unless the set just came.
    pub fn may_be_replaced(&self, now: SystemTime) -> bool {
        self.may_fetch(now) && !within(self.fetched_at, PENALTY, now)
    }

    /// Keeps what a fetch for this need brought.
    pub fn fetched(
        &mut self,
        result: Result<KeySet, impl Into<Failed>>,
        need: &Need,
        now: SystemTime,
    ) {
        let result = result.map_err(Into::into);
        self.last_fetch_failed = result.is_err();
        self.penalty = match &result {
            Ok(set) if set.has(&need.kid) && !need.again => None,
            Ok(_) => Some((now, PENALTY)),
            Err(failed) => {
                let asked = failed.wait.unwrap_or(PENALTY);
                Some((now, asked.clamp(PENALTY, LONGEST_PENALTY)))
            }
        };
        if let Ok(set) = result {
            self.set = Some(set);
            self.fetched_at = Some(now);
        }
    }
}

/// Why an issuer's keys are to be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// Which of the configured issuers.
    pub issuer: usize,
    pub kid: String,
    /// The set has this `kid`, but its key didn't sign.
    pub again: bool,
}

/// The key sets of all issuers, in the configuration's order.
#[derive(Debug)]
pub struct Keys(Vec<KeyCache>);

impl Keys {
    pub fn new(caches: Vec<KeyCache>) -> Self {
        Self(caches)
    }

    pub fn of(&self, issuer: usize) -> Option<&KeyCache> {
        self.0.get(issuer)
    }

    /// The sandbox starts.
    pub fn begin(&mut self, now: SystemTime) {
        for cache in &mut self.0 {
            cache.begin(now);
        }
    }

    /// Keeps what a fetch for this need brought.
    pub fn fetched(
        &mut self,
        result: Result<KeySet, impl Into<Failed>>,
        need: &Need,
        now: SystemTime,
    ) {
        if let Some(cache) = self.0.get_mut(need.issuer) {
            cache.fetched(result, need, now);
        }
    }
}

/// Whether `since` was less than `limit` ago. A clock that was set back ends every wait.
fn within(since: Option<SystemTime>, limit: Duration, now: SystemTime) -> bool {
    since
        .and_then(|since| now.duration_since(since).ok())
        .is_some_and(|age| age < limit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::json;
    use std::time::UNIX_EPOCH;

    const RS256: Algorithm = Algorithm::RS256;

    /// Any 2048 bits do: nothing is verified here.
    fn set(kids: &[&str]) -> Result<KeySet, String> {
        let n = URL_SAFE_NO_PAD.encode([0xff; 256]);
        let key = |kid: &&str| json!({"kty": "RSA", "kid": kid, "n": n, "e": "AQAB"});
        let keys: Vec<Value> = kids.iter().map(key).collect();
        KeySet::parse(&json!({"keys": keys}))
    }

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_000_000 + seconds)
    }

    fn need(kid: &str) -> Need {
        Need {
            issuer: 0,
            kid: kid.to_owned(),
            again: false,
        }
    }

    /// What the cache says, in one word.
    fn says(cache: &KeyCache, kid: &str, seconds: u64) -> &'static str {
        match cache.lookup(kid, RS256, at(seconds)) {
            Lookup::Key(_) => "key",
            Lookup::Unsuitable => "unsuitable",
            Lookup::Fetch => "fetch",
            Lookup::Unknown => "unknown",
            Lookup::Unavailable => "unavailable",
        }
    }

    #[test]
    fn a_baked_set_is_never_fetched() {
        let cache = KeyCache::fixed(set(&["a"]).unwrap());
        for seconds in [0, 10, 100_000] {
            assert_eq!(says(&cache, "a", seconds), "key");
            assert_eq!(says(&cache, "b", seconds), "unknown");
        }
        let other = cache.lookup("a", Algorithm::ES256, at(0));
        assert!(matches!(other, Lookup::Unsuitable));
    }

    #[test]
    fn an_initial_set_is_no_word_of_the_issuers() {
        let mut cache = KeyCache::initial(set(&["a"]).unwrap());
        cache.begin(at(0));
        assert_eq!(says(&cache, "a", 0), "fetch");
        cache.fetched(set(&["b"]), &need("b"), at(1));
        assert_eq!(says(&cache, "b", 1), "key");
        assert_eq!(says(&cache, "a", 1), "fetch", "withdrawn since");
        cache.fetched(set(&["b"]), &need("a"), at(1));
        assert_eq!(says(&cache, "a", 1), "unknown");
    }

    #[test]
    fn an_initial_set_serves_while_the_issuer_is_down() {
        let mut cache = KeyCache::initial(set(&["a"]).unwrap());
        assert_eq!(says(&cache, "a", 0), "fetch");
        cache.begin(at(0));
        cache.fetched(Err("no route".to_owned()), &need("a"), at(3));
        assert_eq!(says(&cache, "a", 3), "key");
        assert_eq!(says(&cache, "b", 3), "unavailable");
        assert_eq!(says(&cache, "a", 13), "fetch", "it may be back");
        cache.fetched(Err("no route".to_owned()), &need("a"), at(24 * 60 * 60));
        assert_eq!(says(&cache, "a", 24 * 60 * 60), "unavailable");
    }

    #[test]
    fn a_set_that_is_trusted_for_a_while_is_not_asked_for() {
        let mut cache = KeyCache::initial(set(&["a"]).unwrap()).trusted(at(0), at(100));
        cache.begin(at(0));
        assert_eq!(says(&cache, "a", 99), "key");
        assert!(cache.may_be_replaced(at(99)));
        assert_eq!(
            says(&cache, "b", 99),
            "fetch",
            "the issuer may have a new one"
        );
        assert_eq!(says(&cache, "a", 100), "fetch");
        // What the issuer says counts more.
        cache.fetched(set(&["b"]), &need("b"), at(50));
        assert_eq!(says(&cache, "a", 51), "fetch", "withdrawn since");
        cache.fetched(set(&["b"]), &need("a"), at(51));
        assert_eq!(says(&cache, "a", 52), "unknown");
        // A sandbox that starts when it is over.
        let mut late = KeyCache::initial(set(&["a"]).unwrap()).trusted(at(0), at(100));
        late.begin(at(200));
        assert_eq!(says(&late, "a", 200), "fetch");
    }

    #[test]
    fn a_replaced_key_is_asked_for_once() {
        let mut cache = KeyCache::empty();
        cache.fetched(set(&["a"]), &need("a"), at(0));
        assert!(!cache.may_be_replaced(at(9)), "the set just came");
        assert!(cache.may_be_replaced(at(10)));
        let again = Need {
            again: true,
            ..need("a")
        };
        cache.fetched(set(&["a"]), &again, at(60));
        assert_eq!(says(&cache, "a", 60), "key");
        assert!(!cache.may_be_replaced(at(69)));
        assert!(cache.may_be_replaced(at(70)));
        let fixed = KeyCache::fixed(set(&["a"]).unwrap());
        assert!(!fixed.may_be_replaced(at(0)));
    }

    #[test]
    fn a_set_is_fetched_once_and_again_after_an_hour() {
        let mut cache = KeyCache::empty();
        assert_eq!(says(&cache, "a", 0), "fetch");
        cache.fetched(set(&["a"]), &need("a"), at(0));
        assert_eq!(says(&cache, "a", 0), "key");
        assert_eq!(says(&cache, "a", 3599), "key");
        assert_eq!(says(&cache, "a", 3600), "fetch");
    }

    #[test]
    fn an_unknown_kid_fetches_once_in_ten_seconds() {
        let mut cache = KeyCache::empty();
        cache.fetched(set(&["a"]), &need("a"), at(0));
        assert_eq!(says(&cache, "b", 1), "fetch");
        cache.fetched(set(&["a"]), &need("b"), at(1));
        for kid in ["b", "c"] {
            assert_eq!(says(&cache, kid, 1), "unknown");
            assert_eq!(says(&cache, kid, 10), "unknown");
            assert_eq!(says(&cache, kid, 11), "fetch");
        }
        assert_eq!(
            says(&cache, "a", 5),
            "key",
            "the known key is none the worse"
        );
    }

    #[test]
    fn a_rotated_key_is_found_by_the_next_fetch() {
        let mut cache = KeyCache::empty();
        cache.fetched(set(&["old"]), &need("old"), at(0));
        assert_eq!(says(&cache, "new", 60), "fetch");
        cache.fetched(set(&["new"]), &need("new"), at(60));
        assert_eq!(says(&cache, "new", 60), "key");
        assert_eq!(
            says(&cache, "old", 60),
            "fetch",
            "withdrawn: asked for once more"
        );
    }

    #[test]
    fn after_a_failure_nothing_is_fetched_for_ten_seconds() {
        let mut cache = KeyCache::empty();
        cache.fetched(Err("no route".to_owned()), &need("a"), at(0));
        assert_eq!(says(&cache, "a", 0), "unavailable");
        assert_eq!(says(&cache, "b", 9), "unavailable");
        assert_eq!(says(&cache, "a", 10), "fetch");
    }

    #[test]
    fn a_busy_issuer_is_left_in_peace_as_long_as_it_asks_within_bounds() {
        let busy = |seconds| Failed {
            wait: Some(Duration::from_secs(seconds)),
            ..Failed::from("busy")
        };
        for (asked, rest) in [
            (0, 10),
            (1, 10),
            (30, 30),
            (60, 60),
            (3600, 60),
            (u64::MAX, 60),
        ] {
            let mut cache = KeyCache::empty();
            cache.fetched(Err(busy(asked)), &need("a"), at(0));
            assert_eq!(cache.rest(at(0)), Some(Duration::from_secs(rest)));
            assert_eq!(says(&cache, "a", rest - 1), "unavailable", "{asked}");
            assert_eq!(cache.rest(at(rest - 1)), Some(Duration::from_secs(1)));
            assert_eq!(says(&cache, "a", rest), "fetch", "{asked}");
            assert_eq!(cache.rest(at(rest)), None);
        }
        // The keys at hand serve meanwhile, the stale ones too.
        let mut cache = KeyCache::empty();
        cache.fetched(set(&["a"]), &need("a"), at(0));
        cache.fetched(Err(busy(30)), &need("b"), at(4000));
        assert_eq!(says(&cache, "a", 4029), "key");
        assert_eq!(says(&cache, "b", 4029), "unavailable");
        assert_eq!(says(&cache, "a", 4030), "fetch");
    }

    #[test]
    fn the_log_says_what_becomes_of_requests() {
        let mut cache = KeyCache::empty();
        cache.fetched(Err("no route".to_owned()), &need("a"), at(0));
        assert_eq!(
            cache.outlook(at(0)),
            "there are no keys: requests with a token get 503; the issuer is asked again in 10 s at the earliest"
        );
        cache.fetched(set(&["a", "b"]), &need("a"), at(0));
        cache.fetched(Err("no route".to_owned()), &need("c"), at(4000));
        assert_eq!(
            cache.outlook(at(4000)),
            "the keys that are loaded stay in use; the issuer is asked again in 10 s at the earliest"
        );
        assert!(
            cache
                .outlook(at(25 * 60 * 60))
                .starts_with("there are no keys")
        );
    }

    #[test]
    fn a_stale_set_serves_on_while_it_cannot_be_refreshed() {
        let mut cache = KeyCache::empty();
        cache.fetched(set(&["a"]), &need("a"), at(0));
        assert_eq!(says(&cache, "a", 4000), "fetch");
        cache.fetched(Err("no route".to_owned()), &need("a"), at(4000));
        assert_eq!(says(&cache, "a", 4000), "key");
        assert_eq!(says(&cache, "b", 4000), "unavailable");
        assert_eq!(says(&cache, "a", 4010), "fetch");
    }

    #[test]
    fn a_set_that_cannot_be_refreshed_is_trusted_for_a_day() {
        const DAY: u64 = 24 * 60 * 60;
        let mut cache = KeyCache::empty();
        cache.fetched(set(&["a"]), &need("a"), at(0));
        cache.fetched(Err("no route".to_owned()), &need("a"), at(DAY - 1));
        assert_eq!(says(&cache, "a", DAY - 1), "key");
        assert_eq!(
            says(&cache, "a", DAY),
            "unavailable",
            "a failure prolongs nothing"
        );
        let other = cache.lookup("a", Algorithm::ES256, at(DAY));
        assert!(matches!(other, Lookup::Unavailable), "{other:?}");
        assert_eq!(says(&cache, "a", DAY + 9), "fetch");
        cache.fetched(set(&["a"]), &need("a"), at(DAY + 9));
        assert_eq!(says(&cache, "a", DAY + 9), "key");
    }

    #[test]
    fn a_clock_that_was_set_back_blocks_nothing() {
        let mut cache = KeyCache::empty();
        cache.fetched(Err("no route".to_owned()), &need("a"), at(5000));
        assert_eq!(says(&cache, "a", 0), "fetch");
        cache.fetched(set(&["a"]), &need("a"), at(5000));
        assert_eq!(says(&cache, "a", 0), "fetch");
    }

    #[test]
    fn a_set_without_a_usable_key_is_refused() {
        for jwks in [
            json!(null),
            json!([]),
            json!({"keys": {}}),
            json!({"keys": [1, {}]}),
        ] {
            assert!(KeySet::parse(&jwks).is_err(), "{jwks}");
        }
    }
}
