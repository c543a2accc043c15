//! Where facts come from, as an operator says it.

use std::path::PathBuf;
use std::time::Duration;

/// One fact: its name, its source, and what happens where the source does not say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// Its name in the settings.
    pub name: String,
    /// Where it comes from.
    pub source: SourceSettings,
    /// What a plugin that needs it gets if the source does not say.
    pub on_failure: OnFailure,
    /// Names of the plugins that may ask for it; empty: all.
    pub plugins: Vec<String>,
}

/// What a plugin gets where a source is late or fails.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnFailure {
    /// The callback, with the reason instead of the value.
    #[default]
    Absent,
    /// Nothing: it is not called, and `on_fault` decides.
    Fault,
}

/// A source by its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceSettings {
    /// Counts in sliding windows, kept by this host.
    Counter(Counter),
    /// Keys and values from a file.
    File(File),
    /// A web service.
    Http(Http),
    /// Redis, or what speaks its protocol.
    Redis(Redis),
}

/// A sliding window for each key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counter {
    /// Length of the window.
    pub window: Duration,
    /// Whether each callback that asks for a key is counted under it, before the answer.
    pub counts_callbacks: bool,
    /// Maximum number of keys; beyond it, the least recently used are forgotten. At least 1.
    pub entries_max: usize,
    /// Maximum number of separate moments that are remembered for a key. Beyond it, the two oldest are counted as if they had
    /// been at the later one: the count may then be too high for a while, never too low. At least 2.
    pub moments_max: usize,
}

impl SourceSettings {
    /// How others are asked, if this source asks others.
    #[must_use]
    pub fn remote(&self) -> Option<&Remote> {
        match self {
            Self::Counter(_) | Self::File(_) => None,
            Self::Http(http) => Some(&http.remote),
            Self::Redis(redis) => Some(&redis.remote),
        }
    }

    /// Whether plugins may change its values.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        match self {
            Self::Counter(_) => true,
            Self::File(_) | Self::Http(_) => false,
            Self::Redis(redis) => redis.is_writable,
        }
    }
}

impl Default for Counter {
    fn default() -> Self {
        Self { window: Duration::from_secs(60), counts_callbacks: false, entries_max: 100_000, moments_max: 256 }
    }
}

/// A file of keys, which is read again when it changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// The file.
    pub path: PathBuf,
    /// How it is written.
    pub format: Format,
    /// Maximum number of keys; a file with more is an error.
    pub keys_max: usize,
    /// How often it is looked at whether the file has changed; zero: never.
    pub poll: Duration,
}

impl File {
    /// This file, with what it has by default.
    #[must_use]
    pub fn new(path: PathBuf, format: Format) -> Self {
        Self { path, format, keys_max: 10_000_000, poll: Duration::from_secs(2) }
    }
}

/// How others are asked over the network, whatever their protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    /// How long a callback waits for an answer; `None`: for a third of the time that it has left.
    pub within: Option<Duration>,
    /// How long an answer is used without asking again; zero: not at all.
    pub cache: Duration,
    /// How long after that it is still used while a new one is fetched; zero: not at all.
    pub stale: Duration,
    /// Maximum number of keys that are remembered, or being asked for; beyond it, the least recently used are forgotten. At
    /// least 1.
    pub cache_entries_max: usize,
    /// Maximum size of all keys and answers that are remembered, in bytes; beyond it, the least recently used are forgotten. An
    /// answer that is larger by itself is remembered until the next one comes.
    pub cache_bytes_max: usize,
    /// Maximum number of questions at once; further ones wait, within their time. At least 1.
    pub calls_at_once_max: usize,
}

impl Remote {
    /// How long one question may take: as long as the longest that waits for its answer, which also goes into the cache.
    #[must_use]
    pub fn question_within(&self) -> Duration {
        self.within.unwrap_or(QUESTION_WITHIN)
    }
}

/// The same without `within`: a third of the 4.5 s in which a callback is answered by default.
const QUESTION_WITHIN: Duration = Duration::from_millis(1500);

impl Default for Remote {
    fn default() -> Self {
        Self {
            within: None,
            cache: Duration::ZERO,
            stale: Duration::ZERO,
            cache_entries_max: 10_000,
            cache_bytes_max: 64 << 20,
            calls_at_once_max: 64,
        }
    }
}

/// A web service that is asked about each key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Http {
    /// How it is asked.
    pub remote: Remote,
    /// Whether the key is sent as a body (`POST`) or in the URL alone (`GET`).
    pub posts: bool,
    /// Its URL; `{key}` in its path or query is replaced by the key, percent-encoded.
    pub url: String,
    /// For `POST`: the body, JSON in which `{key}` inside of a string is replaced by the key.
    pub body: String,
    /// Headers by name; their values may be secret.
    pub headers: Vec<(String, Secret)>,
    /// The statuses of answers that have a value; others are failures.
    pub statuses: Vec<u16>,
    /// The statuses that say that there is none.
    pub absent_statuses: Vec<u16>,
    /// JSON pointer to the value in the answer; empty: all of it. What is not there is absent.
    pub pointer: String,
    /// Maximum size of an answer, in bytes; a longer one is a failure.
    pub answer_bytes_max: usize,
    /// Networks without which no private, local or link-local address is connected to, as `10.0.0.0/8`.
    pub private_networks: Vec<ipnet::IpNet>,
    /// Certificates in PEM format that are trusted instead of the public ones.
    pub ca: Option<PathBuf>,
}

impl Http {
    /// This URL, with what it has by default.
    #[must_use]
    pub fn new(url: String) -> Self {
        Self {
            remote: Remote::default(),
            posts: false,
            url,
            body: r#"{"key":"{key}"}"#.to_owned(),
            headers: Vec::new(),
            statuses: vec![200],
            absent_statuses: vec![404, 410],
            pointer: String::new(),
            answer_bytes_max: 65_536,
            private_networks: Vec::new(),
            ca: None,
        }
    }
}

/// A Redis server or cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redis {
    /// How it is asked.
    pub remote: Remote,
    /// `redis://` or, with TLS, `rediss://`, without a password; of a cluster, some of its nodes.
    pub urls: Vec<String>,
    /// Whether this is a cluster.
    pub is_cluster: bool,
    /// The user; empty: the default one.
    pub username: String,
    /// The password.
    pub password: Option<Secret>,
    /// What is asked.
    pub command: RedisCommand,
    /// Whether values are JSON already; otherwise each is a string.
    pub is_json: bool,
    /// Whether plugins may change values.
    pub is_writable: bool,
}

/// What Redis is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RedisCommand {
    /// `GET` of a name in which `{key}` is replaced by the key.
    Get {
        /// The name.
        name: String,
    },
    /// `HGET` of a field of a hash; `{key}` in either.
    HashGet {
        /// The name of the hash.
        name: String,
        /// The field.
        field: String,
    },
    /// `SISMEMBER`: true if the member is in the set, absent if not; `{key}` in either.
    IsMember {
        /// The name of the set.
        name: String,
        /// The member.
        member: String,
    },
    /// Counts in a window; `{key}` in the name. Two counters, of this window and the one before, are kept: what was counted in
    /// the one before counts for the part of it that a window that ends now still covers.
    Count {
        /// The name.
        name: String,
        /// Length of the window.
        window: Duration,
        /// Whether each callback that asks for a key is counted under it, before the answer.
        counts_callbacks: bool,
    },
}

/// A text that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// This text.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

/// How a file of keys is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Format {
    /// A key per line: its value is `true`. Empty lines and those that begin with `#` do not count.
    Lines,
    /// An array of keys, or an object of keys and values.
    Json,
    /// Comma-separated values with a line of names at the top.
    Csv {
        /// The column of the keys.
        key: String,
        /// The column of the values, which are strings; `None`: each value is `true`.
        value: Option<String>,
    },
}
