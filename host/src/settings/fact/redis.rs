//! Facts from Redis.

use callgate_facts::check;
use callgate_facts::settings::{Counter, Redis, RedisCommand, Secret};

use super::shared::{counts_callbacks, remote, window};
use crate::settings::ca;
use crate::settings::file::Section;
use crate::settings::secret;

/// The keys of which a fact from Redis has exactly one.
const COMMANDS: [&str; 4] = ["get", "hget", "sismember", "incr"];

/// Keys that only some of these commands have.
const OF_COMMANDS: [(&str, &[&str]); 5] = [
    ("field", &["hget"]),
    ("member", &["sismember"]),
    ("window_ms", &["incr"]),
    ("count", &["incr"]),
    ("json", &["get", "hget"]),
];

/// Maximum number of nodes of a cluster in the settings; the client discovers the others.
const URLS_MAX: usize = 64;

pub(super) fn read(section: &mut Section<'_, '_>) -> Option<Redis> {
    let remote = remote(section);
    let is_cluster = section.flag("cluster", false);
    let urls = urls(section, is_cluster);
    let (username, password) = credentials(section);
    let is_writable = section.flag("writable", false);
    let is_json = section.flag("json", false);
    let ca = ca::read(section).map(|authorities| authorities.pem);
    if section.has("ca_file") && !urls.iter().any(|url| url.starts_with("rediss:")) {
        section.report("ca_file", "has no effect without TLS: write the address as rediss://, or remove this");
    }
    let command = command(section)?;
    if let RedisCommand::Count { counts_callbacks: true, .. } = command {
        for key in ["cache_ms", "stale_ms", "cache_entries_max", "cache_bytes_max"] {
            if section.has(key) {
                section.report(key, "has no effect with count = \"callbacks\": each lookup counts, so none is cached");
            }
        }
    }
    Some(Redis { remote, urls, is_cluster, username, password, ca, command, is_json, is_writable })
}

fn urls(section: &mut Section<'_, '_>, is_cluster: bool) -> Vec<String> {
    let urls = match (section.has("url"), section.has("urls")) {
        (true, true) => {
            section.report("urls", "give either `url` (a server) or `urls` (some nodes of a cluster), not both");
            return Vec::new();
        }
        (true, false) => section.text("url").map(|url| vec![url]),
        (false, true) => section.texts("urls"),
        (false, false) => {
            section.report("url", "is missing: the address of the server, such as \"redis://HOST:6379/0\"");
            None
        }
    };
    let urls = urls.unwrap_or_default();
    for url in &urls {
        if let Err(why) = check::redis_url(url.value) {
            section.file().report(url.at, &url.key, why);
        }
    }
    if section.has("urls") && !(1..=URLS_MAX).contains(&urls.len()) {
        section.report("urls", format!("must be 1 to {URLS_MAX} nodes of a cluster"));
    }
    if urls.len() > 1 && !is_cluster {
        section.report("urls", "more than one server requires `cluster = true`; or name one server as `url`");
    }
    urls.into_iter().map(|url| url.value.to_owned()).collect()
}

fn credentials(section: &mut Section<'_, '_>) -> (String, Option<Secret>) {
    let username = section.text("username").map(|name| name.value.to_owned()).unwrap_or_default();
    if section.has("username") && !section.has("password") {
        section.report("username", "has no effect without `password`: add the user's password, or remove this");
    }
    let password = secret::one(section, "password").into_secret();
    (username, password.map(|secret| Secret::new(secret.reveal().to_owned())))
}

fn command(section: &mut Section<'_, '_>) -> Option<RedisCommand> {
    let given: Vec<&str> = COMMANDS.into_iter().filter(|key| section.has(key)).collect();
    let key = match given[..] {
        [key] => key,
        [] => {
            let why = "has no command: give `get`, `hget` and `field`, `sismember` and `member`, or `incr`";
            section.report("", why);
            return None;
        }
        [_, second, ..] => {
            section.report(second, "is a second command: give only one of `get`, `hget`, `sismember` and `incr`");
            return None;
        }
    };
    for (other, of) in OF_COMMANDS {
        if section.has(other) && !of.contains(&key) {
            section.report(other, format!("has no effect with `{key}`: it is for `{}` only", of.join("` and `")));
        }
    }
    match key {
        "get" => Some(RedisCommand::Get { name: named(section, "get")? }),
        "hget" => {
            let (name, field) = both(section, "hget", "field")?;
            Some(RedisCommand::HashGet { name, field })
        }
        "sismember" => {
            let (name, member) = both(section, "sismember", "member")?;
            Some(RedisCommand::IsMember { name, member })
        }
        _ => {
            let (window, counts_callbacks) = (window(section, &Counter::default()), counts_callbacks(section));
            Some(RedisCommand::Count { name: named(section, "incr")?, window, counts_callbacks })
        }
    }
}

/// A text that needs a `{key}`.
fn named(section: &mut Section<'_, '_>, key: &'static str) -> Option<String> {
    let name = section.text(key)?.value;
    if let Err(why) = check::template(name) {
        section.report(key, why);
    }
    Some(name.to_owned())
}

/// Two texts, of which at least one needs a `{key}`.
fn both(section: &mut Section<'_, '_>, key: &'static str, other: &'static str) -> Option<(String, String)> {
    if !section.has(other) {
        section.report(other, format!("is missing: `{key}` needs it, such as \"{{key}}\""));
    }
    let (name, inner) = (section.text(key), section.text(other));
    let (name, inner) = (name?.value, inner?.value);
    if !check::has_key(name) && !check::has_key(inner) {
        section.report(key, format!("has no `{{key}}`, and neither has `{other}`: write it where the key belongs"));
    }
    Some((name.to_owned(), inner.to_owned()))
}
