//! `[[fact]]`: every key is read; every number is checked at its limits; which plugins may use a fact.

use std::path::Path;
use std::time::Duration;

use callgate::Settings;
use callgate::settings::{Change, Secrets};
use callgate_facts::settings::{
    Counter, Fact, File, Format, Http, OnFailure, Redis, RedisCommand, Remote, Secret, SourceSettings,
};

const PLATFORM: &str = "[[platform]]\nkind = \"openim\"\n";

const PLUGIN: &str = "[[plugin]]\nname = \"p\"\nwasm = \"p.wasm\"\ncommands = \"*\"\n";

fn parse(toml: &str) -> Result<Settings, Vec<String>> {
    let settings = Settings::parse(Path::new("/etc/host.toml"), &format!("{PLATFORM}{toml}"));
    settings.map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

fn fact(keys: &str) -> Fact {
    let settings =
        parse(&format!("[[fact]]\nname = \"f\"\n{keys}\n")).unwrap_or_else(|problems| panic!("{problems:?}"));
    settings.facts.into_iter().next().unwrap().settings
}

fn source(keys: &str) -> SourceSettings {
    fact(keys).source
}

const FILE: &str = "source = \"file\"\npath = \"bans\"\n";
const REDIS: &str = "source = \"redis\"\nurl = \"redis://127.0.0.1:6379/0\"\n";
const HTTP: &str = "source = \"http\"\nurl = \"https://example.org/{key}\"\n";

#[test]
fn without_other_keys_a_source_has_its_defaults() {
    assert_eq!(source("source = \"counter\"\ncount = \"updates\""), SourceSettings::Counter(Counter::default()));
    assert_eq!(source(FILE), SourceSettings::File(File::new("/etc/bans".into(), Format::Lines)));
    assert_eq!(source(HTTP), SourceSettings::Http(Http::new("https://example.org/{key}".to_owned())));
    let SourceSettings::Redis(redis) = source(&format!("{REDIS}get = \"ban:{{key}}\"")) else { panic!() };
    assert_eq!((redis.remote, redis.is_writable, redis.is_json, redis.is_cluster), Default::default());
    let fact = fact("source = \"counter\"\ncount = \"updates\"");
    assert_eq!((fact.on_failure, fact.plugins.len()), (OnFailure::Absent, 0));
}

#[test]
fn each_key_of_a_source_means_what_it_says() {
    let counter = source(
        "source = \"counter\"\nwindow_ms = 5\ncount = \"callbacks\"\nentries_max = 6\nbytes_max = 4099\nmoments_max = 17",
    );
    let expected = Counter {
        window: Duration::from_millis(5),
        counts_callbacks: true,
        entries_max: 6,
        bytes_max: 4099,
        moments_max: 17,
    };
    assert_eq!(counter, SourceSettings::Counter(expected));

    let csv = format!("{FILE}format = \"csv\"\nkey_column = \"k\"\nvalue_column = \"v\"\nkeys_max = 8\npoll_ms = 0");
    let format = Format::Csv { key: "k".to_owned(), value: Some("v".to_owned()) };
    let expected = File { path: "/etc/bans".into(), format, keys_max: 8, poll: Duration::ZERO };
    assert_eq!(source(&csv), SourceSettings::File(expected));

    let remote = Remote {
        within: Some(Duration::from_millis(9)),
        cache: Duration::from_millis(10),
        stale: Duration::from_millis(11),
        cache_entries_max: 12,
        cache_bytes_max: 5000,
        answer_bytes_max: 14,
        calls_at_once_max: 13,
    };
    let keys = "within_ms = 9\ncache_ms = 10\nstale_ms = 11\ncache_entries_max = 12\ncache_bytes_max = 5000\nanswer_bytes_max = 14\ncalls_at_once_max = 13";
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "hunter2\n").unwrap();
    let ca = folder.path().join("ca.pem");
    let made = rcgen::generate_simple_self_signed(vec!["redis".to_owned()]).unwrap();
    std::fs::write(&ca, made.cert.pem()).unwrap();
    let redis = source(&format!(
        "source = \"redis\"\nurls = [\"rediss://a\", \"rediss://b\"]\ncluster = true\nusername = \"u\"\n\
         password = {{ file = {secret:?} }}\nca_file = {ca:?}\nhget = \"bans\"\nfield = \"{{key}}\"\njson = true\nwritable = true\n{keys}"
    ));
    let expected = Redis {
        remote: remote.clone(),
        urls: vec!["rediss://a".to_owned(), "rediss://b".to_owned()],
        is_cluster: true,
        username: "u".to_owned(),
        password: Some(Secret::new("hunter2".to_owned())),
        ca: Some(made.cert.pem()),
        command: RedisCommand::HashGet { name: "bans".to_owned(), field: "{key}".to_owned() },
        is_json: true,
        is_writable: true,
    };
    assert_eq!(redis, SourceSettings::Redis(expected));
    assert!(!format!("{redis:?}").contains("hunter2"));

    let http = source(&format!(
        "source = \"http\"\nurl = \"http://judge/\"\nallow_http = true\nmethod = \"POST\"\nbody = '{{\"t\":\"{{key}}\"}}'\n\
         headers = {{ Authorization = {{ file = {secret:?} }}, Accept = \"text/json\" }}\nstatuses = [200, 203]\n\
         absent_statuses = []\npointer = \"/a\"\nprivate_networks = [\"10.1.2.3/8\", \"::1\"]\n\
         ca_file = {ca:?}\n{keys}"
    ));
    let SourceSettings::Http(mut http) = http else { panic!() };
    http.headers.sort_by(|one, other| one.0.cmp(&other.0));
    let header = |name: &str, value: &str| (name.to_owned(), Secret::new(value.to_owned()));
    let expected = Http {
        remote,
        posts: true,
        url: "http://judge/".to_owned(),
        body: "{\"t\":\"{key}\"}".to_owned(),
        headers: vec![header("Accept", "text/json"), header("Authorization", "hunter2")],
        statuses: vec![200, 203],
        absent_statuses: Vec::new(),
        pointer: "/a".to_owned(),
        private_networks: vec!["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()],
        ca: Some(vec![made.cert.der().clone()]),
    };
    assert_eq!(http, expected);
}

#[test]
fn facts_that_are_allowed_and_hardly_meant_are_pointed_out() {
    let warnings = |toml: &str| -> Vec<String> {
        let toml =
            format!("[[platform]]\nkind = \"openim\"\nanswer_within_ms = 3000\n{toml}\n[[fact]]\nname = \"f\"\n");
        let of = |source: &str| {
            let settings = Settings::parse(Path::new("/etc/host.toml"), &format!("{toml}{source}"));
            settings.unwrap().warnings().iter().map(ToString::to_string).filter(|it| it.contains("fact[1]")).collect()
        };
        let counter: Vec<String> = of("source = \"counter\"\ncount = \"updates\"");
        let http = |within: u32| -> Vec<String> { of(&format!("{HTTP}within_ms = {within}")) };
        [counter, http(2000), http(2001)].concat()
    };
    let late =
        "/etc/host.toml:9: `fact[1].within_ms`: no callback waits 2001 ms for a fact: after 2000 ms at most it is late";
    let found = warnings("");
    assert!(found.len() == 1 && found[0].starts_with(late), "{found:?}");
    let found = warnings("[journal]\noff = true");
    assert!(found.len() == 2 && found[0].contains("its counts are lost at each restart"), "{found:?}");
}

#[test]
fn redis_is_asked_with_one_of_four_commands() {
    let command = |keys: &str| match source(&format!("{REDIS}{keys}")) {
        SourceSettings::Redis(redis) => redis.command,
        other => panic!("{other:?}"),
    };
    let (name, both) = ("n:{key}".to_owned(), ("n".to_owned(), "{key}".to_owned()));
    assert_eq!(command("get = \"n:{key}\""), RedisCommand::Get { name: name.clone() });
    let member = RedisCommand::IsMember { name: both.0.clone(), member: both.1.clone() };
    assert_eq!(command("sismember = \"n\"\nmember = \"{key}\""), member);
    let count = |window, counts_callbacks| {
        let window = Duration::from_millis(window);
        RedisCommand::Count { name: name.clone(), window, counts_callbacks }
    };
    assert_eq!(command("incr = \"n:{key}\"\ncount = \"updates\""), count(60_000, false));
    assert_eq!(command("incr = \"n:{key}\"\nwindow_ms = 7\ncount = \"callbacks\""), count(7, true));
}

#[test]
fn each_number_is_accepted_at_its_edges_and_no_further() {
    let get = format!("{REDIS}get = \"{{key}}\"\n");
    let incr = format!("{REDIS}incr = \"{{key}}\"\ncount = \"updates\"\n");
    let year = 366 * 24 * 3_600_000;
    let mut edges: Vec<(&str, &str, u64, u64)> = vec![
        ("source = \"counter\"\ncount = \"updates\"\n", "window_ms", 1, year),
        ("source = \"counter\"\ncount = \"updates\"\n", "entries_max", 1, 10_000_000),
        ("source = \"counter\"\ncount = \"updates\"\n", "bytes_max", 4096, 68_719_476_736),
        ("source = \"counter\"\ncount = \"updates\"\n", "moments_max", 16, 65_536),
        (FILE, "keys_max", 1, 100_000_000),
        (FILE, "poll_ms", 100, 3_600_000),
        (&incr, "window_ms", 1, year),
    ];
    for source in [&*get, HTTP] {
        edges.extend([
            (source, "within_ms", 1, 60_000),
            (source, "cache_ms", 0, 86_400_000),
            (source, "stale_ms", 0, 86_400_000),
            (source, "cache_entries_max", 1, 10_000_000),
            (source, "cache_bytes_max", 4096, 68_719_476_736),
            (source, "answer_bytes_max", 1, 16_777_216),
            (source, "calls_at_once_max", 1, 4096),
        ]);
    }
    for (source, key, min, max) in edges {
        for number in [min, max] {
            fact(&format!("{source}{key} = {number}"));
        }
        for number in [min.checked_sub(1).filter(|number| *number > 0), Some(max + 1)].into_iter().flatten() {
            let problems = parse(&format!("[[fact]]\nname = \"f\"\n{source}{key} = {number}")).unwrap_err();
            assert!(problems.len() == 1 && problems[0].contains(&format!("`fact[1].{key}`: must be")), "{problems:?}");
        }
    }
    // Of statuses, the edges are those of HTTP.
    fact(&format!("{HTTP}statuses = [200]\nabsent_statuses = [599]"));
    let many = |count: usize| -> String {
        (0..count)
            .map(|number| format!("[[fact]]\nname = \"f{number}\"\nsource = \"counter\"\ncount = \"updates\"\n"))
            .collect()
    };
    assert_eq!(parse(&many(64)).unwrap().facts.len(), 64);
    assert!(parse(&many(65)).unwrap_err()[0].contains("more than 64 facts"));
    let headers = |count: usize| -> String {
        let headers: Vec<_> = (0..count).map(|number| format!("X-{number} = \"v\"")).collect();
        format!("[[fact]]\nname = \"f\"\n{HTTP}headers = {{ {} }}", headers.join(", "))
    };
    parse(&headers(32)).unwrap();
    assert!(parse(&headers(33)).unwrap_err()[0].contains("more than 32 headers"));
}

#[test]
fn without_secrets_the_rest_is_checked() {
    let toml = format!(
        "{PLATFORM}[[fact]]\nname = \"r\"\n{REDIS}get = \"{{key}}\"\npassword = {{ env = \"CALLGATE_NO_SUCH_VARIABLE\" }}\n\
         [[fact]]\nname = \"h\"\nsource = \"http\"\nurl = {{ file = \"none\" }}\nheaders = {{ X-Token = {{ file = \"none\" }} }}\n"
    );
    let path = Path::new("/etc/host.toml");
    assert_eq!(Settings::parse(path, &toml).unwrap_err().len(), 3);
    let settings = Settings::draft_of(path, &toml, Secrets::Skip).finish().unwrap();
    assert_eq!(settings.facts.len(), 2);
}

#[test]
fn a_plugin_has_its_own_names_for_facts_and_a_candidate_those_of_the_plugin() {
    let facts = "[[fact]]\nname = \"messages\"\nsource = \"counter\"\ncount = \"updates\"\nplugins = [\"p\"]\n\
        [[fact]]\nname = \"bans\"\nsource = \"counter\"\ncount = \"updates\"\n";
    let shadow = |keys: &str| format!("[[shadow]]\nname = \"s\"\n{keys}\n");
    let parse = |shadow: &str| {
        let toml = format!("{facts}{PLUGIN}facts = {{ sent = \"messages\", ban = \"bans\" }}\n{shadow}");
        parse(&toml).unwrap_or_else(|problems| panic!("{problems:?}"))
    };
    let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|(own, fact)| ((*own).to_owned(), (*fact).to_owned())).collect()
    };
    let settings = parse(&shadow("replace = \"p\"\non_fault = \"deny\""));
    assert_eq!(settings.facts.iter().map(|fact| fact.number).collect::<Vec<_>>(), [1, 2]);
    let both = pairs(&[("ban", "bans"), ("sent", "messages")]);
    assert_eq!(settings.plugins[0].facts, both);
    let candidate = |settings: &Settings| match &settings.shadows[0].change {
        Change::Replace { with, .. } => with.facts.clone(),
        Change::Add { plugin, .. } => plugin.facts.clone(),
        Change::Remove { .. } => panic!("it has a plugin"),
    };
    assert_eq!(candidate(&settings), both, "as the plugin that it replaces");
    let other = parse(&shadow("replace = \"p\"\nfacts = { sent = \"bans\" }"));
    assert_eq!(candidate(&other), pairs(&[("sent", "bans")]), "the map alone makes a candidate");
    let added = "add = \"new\"\nwasm = \"p.wasm\"\ncommands = \"*\"\nfacts = { sent = \"messages\" }";
    let facts = facts.replace("[\"p\"]", "[\"p\", \"new\"]");
    let added = self::parse(&format!("{facts}{PLUGIN}{}", shadow(added))).unwrap();
    assert_eq!(candidate(&added), pairs(&[("sent", "messages")]));
}

#[test]
fn a_difference_names_facts_by_their_names() {
    let facts = |second: &str| {
        let toml = format!(
            "[[fact]]\nname = \"a\"\nsource = \"counter\"\ncount = \"updates\"\n[[fact]]\nname = \"b\"\n{second}{PLUGIN}facts.sent = \"a\"\n"
        );
        parse(&toml).unwrap().source.written()
    };
    let headers = format!("{HTTP}headers = {{ Accept = \"text/json\" }}\n");
    let (before, after) = (facts("source = \"counter\"\ncount = \"updates\"\nwindow_ms = 5\n"), facts(&headers));
    assert_eq!(before.keys["fact a.source"], after.keys["fact a.source"]);
    let names: Vec<_> = after.keys.keys().filter(|key| key.starts_with("fact b.")).collect();
    assert_eq!(names, ["fact b.headers.Accept", "fact b.name", "fact b.source", "fact b.url"]);
    assert_eq!(before.keys["fact b.window_ms"], "5");
    assert!(after.plugins["p"].contains_key("facts.sent"));
}
