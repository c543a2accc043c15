//! The operator's settings for the sources of facts.

use std::path::PathBuf;
use std::time::Duration;

use rustls::pki_types::CertificateDer;

/// One fact: its name, its source, and what happens when the source is late or fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// Its name in the settings.
    pub name: String,
    /// Where it comes from.
    pub source: SourceSettings,
    /// What a plugin that needs it gets if the source is late or fails.
    pub on_failure: OnFailure,
    /// Names of the plugins that may use it; empty: all.
    pub plugins: Vec<String>,
}

/// What a plugin gets when a source is late or fails.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnFailure {
    /// The callback, with the reason instead of the value.
    #[default]
    Absent,
    /// Nothing: the plugin is not called, and `on_fault` decides.
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
    /// Redis, or a server that speaks its protocol.
    Redis(Redis),
}

/// A sliding window for each key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counter {
    /// Length of the window.
    pub window: Duration,
    /// Whether a lookup for a callback adds 1 to its key before the count is read.
    pub counts_callbacks: bool,
    /// Maximum number of keys; beyond it, the least recently used are evicted. At least 1.
    pub entries_max: usize,
    /// Maximum size of all keys with their timestamps, in bytes; beyond it, the least recently used are evicted. One
    /// key is kept in any case.
    pub bytes_max: usize,
    /// Maximum number of timestamps kept per key. Beyond it they are rounded up: each count then lasts up to
    /// 4 / (`moments_max` - 4) of the window too long, never too short. At least [`MOMENTS_MIN`].
    pub moments_max: usize,
}

impl SourceSettings {
    /// The settings of requests over the network, if this source sends any.
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

/// With fewer timestamps, rounding them would make counts last more than a third of the window too long.
pub const MOMENTS_MIN: usize = 16;

impl Default for Counter {
    fn default() -> Self {
        Self {
            window: Duration::from_secs(60),
            counts_callbacks: false,
            entries_max: 100_000,
            bytes_max: 256 << 20,
            moments_max: 256,
        }
    }
}

/// What becomes of a file that is missing or malformed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadFile {
    /// It is an error.
    IsRefused,
    /// Its facts are failed until it can be loaded.
    Fails,
}

/// A file of keys, which is reloaded when it changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// The file.
    pub path: PathBuf,
    /// Its format.
    pub format: Format,
    /// Maximum number of keys; a file with more is an error.
    pub keys_max: usize,
    /// How often the file is checked for changes; zero: never.
    pub poll: Duration,
}

impl File {
    /// This file, with default settings.
    #[must_use]
    pub fn new(path: PathBuf, format: Format) -> Self {
        Self { path, format, keys_max: 10_000_000, poll: Duration::from_secs(2) }
    }
}

/// The shortest interval at which a file can be checked.
pub const POLL_MIN: Duration = Duration::from_millis(100);

/// The settings of requests over the network, for every protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    /// How long a callback waits for an answer; `None`: for a third of the time that it has left.
    pub within: Option<Duration>,
    /// How long an answer is cached; zero: not at all.
    pub cache: Duration,
    /// How long after that it is still served while a new one is fetched; zero: not at all.
    pub stale: Duration,
    /// Maximum number of keys that are cached or being fetched; beyond it, the least recently used are evicted. At
    /// least 1.
    pub cache_entries_max: usize,
    /// Maximum size of all cached keys and answers, in bytes; beyond it, the least recently used are evicted. An answer
    /// larger than this is cached until the next one arrives.
    pub cache_bytes_max: usize,
    /// Maximum size of an answer, in bytes; a longer one is a failure.
    pub answer_bytes_max: usize,
    /// Maximum number of concurrent requests; further ones wait, within their time limit. At least 1.
    pub calls_at_once_max: usize,
}

impl Remote {
    /// Time limit of one request. It is the longest time that a callback waits, because others may use the answer from
    /// the cache.
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
            answer_bytes_max: 65_536,
            calls_at_once_max: 64,
        }
    }
}

/// A web service that is queried for each key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Http {
    /// How it is asked.
    pub remote: Remote,
    /// Whether the key is sent in a body (`POST`) or only in the URL (`GET`).
    pub posts: bool,
    /// Its URL; `{key}` in its path or query is replaced by the key, percent-encoded.
    pub url: String,
    /// For `POST`: the body, JSON in which `{key}` inside a string is replaced by the key.
    pub body: String,
    /// Headers by name; their values may be secret.
    pub headers: Vec<(String, Secret)>,
    /// The statuses that carry a value; all others are failures.
    pub statuses: Vec<u16>,
    /// The statuses that mean that there is no value.
    pub absent_statuses: Vec<u16>,
    /// JSON pointer to the value in the answer; empty: the whole answer. If it points to nothing, the fact is absent.
    pub pointer: String,
    /// Private, local and link-local networks that the host may connect to, such as `10.0.0.0/8`.
    pub private_networks: Vec<ipnet::IpNet>,
    /// Certificate authorities that are trusted instead of the public ones.
    pub ca: Option<Vec<CertificateDer<'static>>>,
}

impl Http {
    /// This URL, with default settings.
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
    /// `redis://` or, with TLS, `rediss://`, without a password; for a cluster, some of its nodes.
    pub urls: Vec<String>,
    /// Whether this is a cluster.
    pub is_cluster: bool,
    /// The user; empty: the default one.
    pub username: String,
    /// The password.
    pub password: Option<Secret>,
    /// With TLS: certificate authorities in PEM format that are trusted instead of the public ones.
    pub ca: Option<String>,
    /// The command.
    pub command: RedisCommand,
    /// Whether values are JSON; otherwise each is a string.
    pub is_json: bool,
    /// Whether plugins may change values.
    pub is_writable: bool,
}

/// The command that looks up a key.
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
    /// Counts in a sliding window, estimated from two counters; `{key}` in the name. The counter of the previous window
    /// is weighted by the part of it that the sliding window still covers.
    Count {
        /// The name.
        name: String,
        /// Length of the window.
        window: Duration,
        /// Whether a lookup for a callback adds 1 to its key before the count is read.
        counts_callbacks: bool,
    },
}

/// A string that is never shown in logs or errors.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The string itself.
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

/// The format of a file of keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Format {
    /// One key per line, with the value `true`. Empty lines and lines that begin with `#` are ignored.
    Lines,
    /// An array of keys, or an object of keys and values.
    Json,
    /// Comma-separated values with the column names in the first line.
    Csv {
        /// The column of the keys.
        key: String,
        /// The column of the values, which are strings; `None`: each value is `true`.
        value: Option<String>,
    },
}
