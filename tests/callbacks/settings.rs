//! Mistakes in the settings: each has a file in `fixtures/settings`, beside the message that it must produce.
//!
//! After a change of a message run the tests once with `CALLGATE_ACCEPT=1` and read what changed.

mod facts;

use std::path::{Path, PathBuf};
use std::time::Duration;

use callgate::Settings;
use callgate::settings::{MemoryReset, Start};
use harness::guests;

fn fixtures() -> Vec<PathBuf> {
    let folder = std::fs::read_dir(guests::fixture("settings")).unwrap();
    let mut files: Vec<_> = folder.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    files
}

/// What is reported for a file, as `serve` prints it, without the folder.
fn problems(path: &Path) -> String {
    match Settings::load(path) {
        Ok(_) => "no mistake\n".to_owned(),
        Err(problems) => {
            let folder = format!("{}/", path.parent().unwrap().display());
            problems.iter().map(|problem| format!("{}\n", problem.to_string().replace(&folder, ""))).collect()
        }
    }
}

#[test]
fn every_mistake_has_its_message_on_file() {
    let accept = std::env::var_os("CALLGATE_ACCEPT").is_some();
    let mut different = Vec::new();
    for path in fixtures() {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let expected_path = path.with_extension("expected.txt");
        let found = problems(&path);
        if accept {
            std::fs::write(&expected_path, &found).unwrap();
        }
        let expected = std::fs::read_to_string(&expected_path).unwrap_or_default();
        if found != expected {
            different.push(format!("{name}:\n  expected: {expected}  found:    {found}"));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[test]
fn every_message_names_its_file_and_line_and_no_message_stands_alone() {
    for path in fixtures() {
        let expected = std::fs::read_to_string(path.with_extension("expected.txt")).unwrap();
        let name = path.file_name().unwrap().to_string_lossy();
        for line in expected.lines() {
            let rest = line.strip_prefix(&*name).unwrap_or_else(|| panic!("{name}: {line}"));
            let number = rest.strip_prefix(':').and_then(|rest| rest.split(':').next());
            let lines = std::fs::read_to_string(&path).unwrap().lines().count().max(1);
            assert!(number.is_some_and(|number| (1..=lines).contains(&number.parse().unwrap())), "{name}: {line}");
        }
        assert_ne!(expected, "no mistake\n", "{name} is there for a mistake");
    }
    for entry in std::fs::read_dir(guests::fixture("settings")).unwrap() {
        let path = entry.unwrap().path();
        if let Some(name) = path.to_string_lossy().strip_suffix(".expected.txt") {
            assert!(Path::new(&format!("{name}.toml")).is_file(), "{name}.toml is gone");
        }
    }
}

#[test]
fn of_many_mistakes_a_hundred_are_named_and_the_rest_is_mentioned() {
    for (twice, unknown, named) in [(0, 100, 100), (0, 101, 101), (150, 0, 101), (60, 60, 101)] {
        let mut toml = "[[platform]]\nkind = \"openim\"\n[cache]\nbytes_max = 0\n".to_owned();
        (0..unknown).for_each(|number| toml.push_str(&format!("zzzzzz{number} = 1\n")));
        (0..twice).for_each(|_| toml.push_str("bytes_max = 0\n"));
        let problems = Settings::parse(Path::new("host.toml"), &toml).unwrap_err();
        assert_eq!(problems.len(), named, "{twice}, {unknown}");
        let last = problems.last().unwrap().to_string();
        assert_eq!(last.starts_with("host.toml: there are more than 100 mistakes"), named == 101, "{last}");
    }
}

#[test]
fn no_message_repeats_a_value() {
    // Any value may be a secret in the wrong place: the fixtures have this one in every such place.
    let mut seen = 0;
    for path in fixtures() {
        seen += usize::from(std::fs::read_to_string(&path).unwrap().contains("hunter2"));
        assert!(!problems(&path).contains("hunter2"), "{}", path.display());
    }
    assert!(seen >= 10, "only {seen} fixtures have a secret");
}

#[test]
fn the_example_has_every_setting_at_its_default() {
    let example = guests::repository().join("host/host.example.toml");
    let example = Settings::load(&example).unwrap_or_else(|problems| panic!("{problems:?}"));
    let short =
        "[[platform]]\nkind = \"openim\"\n[[platform]]\nkind = \"tencent-chat\"\n[[platform.app]]\nid = 1400000000\n";
    let default = Settings::parse(&guests::repository().join("host/short.toml"), short).unwrap();
    let shown = |value: &dyn std::fmt::Debug| format!("{value:#?}");
    assert_eq!(shown(&example.server), shown(&default.server));
    assert_eq!(example.admin, default.admin);
    assert_eq!(example.log, default.log);
    assert_eq!(shown(&example.limits), shown(&default.limits));
    assert_eq!(example.loading, default.loading);
    assert_eq!(example.cache, default.cache);
    assert_eq!(example.reload, default.reload);
    assert_eq!(example.public_keys, default.public_keys);
    let folder = default.journal.folder.with_file_name("../callgate-journal");
    assert_eq!(
        example.journal,
        callgate::settings::Journal { folder, ..default.journal },
        "all but what lies beside it"
    );
    assert_eq!(example.sinks[0].settings, default.sinks[0].settings);
    let counter = callgate_facts::settings::Counter { counts_callbacks: true, ..Default::default() };
    assert_eq!(example.facts[0].settings.source, callgate_facts::settings::SourceSettings::Counter(counter));
    for (written, default) in example.platforms.iter().zip(&default.platforms) {
        assert_eq!(written.name, default.name);
        assert_eq!(written.path, default.path);
        assert_eq!(written.answer_within, default.answer_within);
        assert_eq!(written.on_fault, default.on_fault);
        assert_eq!(shown(&written.dialect), shown(&default.dialect));
    }
}

#[test]
fn the_defaults_are_what_the_manual_says() {
    let settings = Settings::parse(Path::new("host.toml"), "[[platform]]\nkind = \"openim\"\n").unwrap();
    let Settings { server, admin, limits, loading, cache, platforms, reload, public_keys, .. } = settings;
    assert_eq!(server.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(server.body_bytes_max, 8_388_608);
    assert_eq!(server.bodies_bytes_max, 268_435_456);
    assert_eq!(server.in_flight_max, 4096);
    assert_eq!(server.connections_max, 4096);
    assert_eq!(server.idle_within, Duration::from_secs(3600));
    assert_eq!(server.shutdown_within, Duration::from_secs(10));
    assert_eq!(admin.unwrap().listen.to_string(), "127.0.0.1:8081");
    assert_eq!(limits.plugin.fuel_per_call.0, 20_000_000);
    assert_eq!(limits.plugin.memory_bytes_max, 67_108_864);
    assert_eq!(limits.plugin.reply_bytes_max, 1_048_576);
    assert_eq!(limits.plugin.module_bytes_max, 16_777_216);
    assert_eq!(limits.engine.memory_reset, MemoryReset::Auto);
    assert_eq!(loading.cpu_max, Duration::from_secs(60));
    assert_eq!(loading.within, Duration::from_secs(120));
    assert_eq!(loading.memory_bytes_max, 1_073_741_824);
    assert_eq!(cache.bytes_max, 1_073_741_824);
    assert_eq!(platforms[0].answer_within, Duration::from_millis(4500));
    assert_eq!(server.start, Start::All);
    assert_eq!((reload.poll, reload.keep), (Duration::from_secs(2), 5));
    assert_eq!(reload.keep_bytes_max, 268_435_456);
    assert!(public_keys.is_empty());
}

#[test]
fn the_example_names_every_key_that_is_known() {
    // Every key that an error lists as known here stands in the example, perhaps as a comment.
    let example = std::fs::read_to_string(guests::repository().join("host/host.example.toml")).unwrap();
    let unknown = "zzzzzz = 1\n[server]\nzzzzzz = 1\n[admin]\nzzzzzz = 1\n[log]\nzzzzzz = 1\n[limits]\nzzzzzz = 1\n[loading]\nzzzzzz = 1\n[cache]\nzzzzzz = 1\n[modules]\nzzzzzz = 1\n[reload]\nzzzzzz = 1\n[journal]\nzzzzzz = 1\n[journal.decisions]\nzzzzzz = 1\n\
        [[sink]]\nname = \"f\"\nkind = \"file\"\npath = \"f\"\nzzzzzz = 1\n[[sink]]\nname = \"s\"\nkind = \"stdout\"\nzzzzzz = 1\n\
        [[sink]]\nname = \"h\"\nkind = \"http\"\nurl = \"https://h\"\nsecrets = [{ env = \"PATH\" }]\nzzzzzz = 1\n\
        [[fact]]\nname = \"c\"\nsource = \"counter\"\ncount = \"updates\"\nzzzzzz = 1\n\
        [[platform]]\nkind = \"openim\"\nzzzzzz = 1\n[[platform]]\nkind = \"tencent-chat\"\nzzzzzz = 1\n\
        [[platform.app]]\nid = 1\nzzzzzz = 1\n[[plugin]]\nname = \"p\"\nwasm = \"p.wasm\"\ncommands = \"*\"\nzzzzzz = 1\n\
        [[shadow]]\nname = \"s\"\nadd = \"q\"\nwasm = \"q.wasm\"\ncommands = \"*\"\nzzzzzz = 1\n";
    let problems = Settings::parse(Path::new("host.toml"), unknown).unwrap_err();
    let unknown: Vec<_> = problems.iter().filter(|problem| problem.message.starts_with("unknown key")).collect();
    assert_eq!(unknown.len(), 20, "{problems:?}");
    for problem in unknown {
        for key in problem.message.split('`').skip(1).step_by(2) {
            assert!(example.contains(key), "`{key}` is not in the example: {}", problem.message);
        }
    }
}

#[test]
fn the_older_table_for_records_is_a_sink_and_says_so() {
    let parse = |toml: &str| {
        Settings::parse(Path::new("/etc/host.toml"), &format!("{toml}[[platform]]\nkind = \"openim\"\n")).unwrap()
    };
    let (none, old) = (parse(""), parse("[records]\nfile = \"records.jsonl\"\n"));
    assert_eq!(none.sinks, old.sinks, "without any sink there is this one");
    let shown = format!("{:?}", old.sinks[0].settings.kind);
    assert!(shown.contains("/etc/records.jsonl") && shown.contains("Plain"), "{shown}");
    let warns = |settings: &Settings| settings.warnings().iter().filter(|warning| warning.key == "records").count();
    assert_eq!((warns(&none), warns(&old)), (0, 1));
    let new = parse("[[sink]]\nname = \"s\"\nkind = \"stdout\"\n");
    assert_eq!((new.sinks.len(), new.sinks[0].settings.name.as_str()), (1, "s"));
}

#[test]
fn a_file_that_is_not_there_is_named_with_what_to_do() {
    let problems = Settings::load(Path::new("/nowhere/host.toml")).unwrap_err();
    let shown: Vec<_> = problems.iter().map(ToString::to_string).collect();
    let expected = "/nowhere/host.toml: cannot be read (No such file or directory (os error 2)): name the settings file with --settings";
    assert_eq!(shown, [expected]);
}

#[test]
fn a_file_that_is_not_text_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("host.toml");
    std::fs::write(&path, b"[server]\nlisten = \"\xff\xfe\"\n").unwrap();
    let problems = Settings::load(&path).unwrap_err();
    assert_eq!(problems.len(), 1);
    assert!(problems[0].message.contains("UTF-8"), "{}", problems[0]);
}

#[test]
fn tokens_come_from_files_and_the_environment_and_are_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("token"), "hunter2\r\n").unwrap();
    let toml = "[[platform]]\nkind = \"tencent-chat\"\n[[platform.app]]\nid = 7\n\
        tokens = [{ file = \"token\" }, { env = \"PATH\" }]\n";
    let settings = Settings::parse(&folder.path().join("host.toml"), toml).unwrap();
    // An empty file is no secret, and a token that anybody can compute would be.
    std::fs::write(folder.path().join("token"), "\n").unwrap();
    let problems = Settings::parse(&folder.path().join("host.toml"), toml).unwrap_err();
    assert!(problems[0].message.contains("the secret is empty"), "{problems:?}");
    let shown = format!("{settings:?}");
    assert_eq!(shown.matches("Secret(…)").count(), 2, "{shown}");
    assert!(!shown.contains("hunter2") && !shown.contains("/bin"), "{shown}");
}

#[test]
fn names_of_commands_may_be_old_ones() {
    let toml = "[[platform]]\nkind = \"openim\"\n\
        [[plugin]]\nname = \"p\"\nwasm = \"p.wasm\"\ncommands = [\"callbackBeforeSetFriendRemark\", \"callbackBeforeAdd*\"]\n";
    let settings = Settings::parse(Path::new("host.toml"), toml).unwrap();
    let commands = &settings.plugins[0].commands;
    assert!(commands[0].matches("callbackBeforeSetFriendRemarkCommand"));
    assert!(!commands[0].matches("callbackBeforeSetFriendRemark"));
    assert!(commands[1].matches("callbackBeforeAddBlackCommand") && !commands[1].is_exact());
}

#[test]
fn a_journal_of_a_newer_host_or_of_another_program_is_a_mistake_and_a_damaged_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("journal.sqlite3");
    let toml = format!("[journal]\nfolder = \"{}\"\n[[platform]]\nkind = \"openim\"\n", folder.path().display());
    let found = || {
        let settings = Settings::parse(Path::new("host.toml"), &toml).unwrap();
        let trial = settings.trial();
        let problems: Vec<String> = trial.problems.iter().map(ToString::to_string).collect();
        (problems.join("\n"), trial.damage.map(|problem| problem.to_string()))
    };
    let open = || rusqlite::Connection::open(&file).unwrap();
    open().execute_batch("CREATE TABLE theirs (x)").unwrap();
    let (problems, damage) = found();
    assert!(problems.contains("`journal.folder`") && problems.contains("belongs to another program"), "{problems}");
    assert_eq!(damage, None);
    let newer = "DROP TABLE theirs; CREATE TABLE counters (format); INSERT INTO counters VALUES (99);
                 PRAGMA user_version = 99; PRAGMA application_id = 0x43674a6c";
    open().execute_batch(newer).unwrap();
    let (problems, damage) = found();
    assert!(problems.contains("has the format 99"), "{problems}");
    assert_eq!(damage, None);
    std::fs::write(&file, "no database, and longer than a header is: ".repeat(9)).unwrap();
    let (problems, damage) = found();
    assert_eq!(problems, "");
    assert!(damage.unwrap().contains("it is renamed to journal-damaged-TIME.sqlite3"));
}
