//! The cache of compiled plugins: it saves time and changes nothing else, and what is wrong with it is made good.

use std::collections::BTreeSet;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use harness::guests::{self, PROVOKE, SPARE};
use harness::{Setup, TestHost, log, setup};
use serde_json::json;

/// A folder for a cache that is not there yet.
struct Folder(tempfile::TempDir);

fn folder() -> Folder {
    Folder(tempfile::tempdir().unwrap())
}

impl Folder {
    fn path(&self) -> PathBuf {
        self.0.path().join("cache")
    }

    /// A host with this cache.
    fn setup(&self) -> Setup {
        self.setup_with("")
    }

    /// And these other keys of its section.
    fn setup_with(&self, toml: &str) -> Setup {
        setup().tables(&format!("[cache]\nfolder = \"{}\"\n{toml}\n", self.path().display()))
    }

    /// A host with this cache and one plugin.
    fn one(&self) -> Setup {
        self.setup().plugin("p", denies(), "*", "")
    }

    /// What lies there.
    fn files(&self) -> BTreeSet<PathBuf> {
        let Ok(files) = std::fs::read_dir(self.path()) else { return BTreeSet::new() };
        files.map(|file| file.unwrap().path()).collect()
    }

    /// The only file that lies there.
    fn entry(&self) -> PathBuf {
        let files = self.files();
        assert_eq!(files.len(), 1, "{files:?}");
        files.into_iter().next().unwrap()
    }

    /// Starts a host, whose only file there is from then on the one that `setup` brings.
    fn entry_of(&self, setup: &Setup) -> PathBuf {
        let before = self.files();
        assert_eq!(origins(setup), ["compiled"]);
        let new: Vec<_> = self.files().difference(&before).cloned().collect();
        assert_eq!(new.len(), 1, "{new:?}");
        new[0].clone()
    }
}

fn denies() -> PathBuf {
    guests::replies_when_provoked("denies", br#"{"verdict":"deny","code":5003,"message":"no"}"#)
}

/// Starts a host, and says for each plugin where its code came from.
fn start(setup: &Setup) -> (TestHost, Vec<String>) {
    let log = log::capture();
    let host = setup.start();
    (host, origins_in(&log))
}

fn origins_in(log: &log::Log) -> Vec<String> {
    let prepared = log.lines_with(" from=\"");
    prepared.iter().map(|line| line.split("from=\"").nth(1).unwrap().trim_end_matches('"').to_owned()).collect()
}

fn origins(setup: &Setup) -> Vec<String> {
    start(setup).1
}

/// What a start warns of.
fn warnings(setup: &Setup) -> Vec<String> {
    let log = log::capture();
    setup.start();
    log.lines_with("WARN")
}

/// Whatever was done to the entry, the host starts without it, answers as ever, and the next one finds it as it was.
#[track_caller]
fn is_made_good(folder: &Folder, what: &str, spoil: impl FnOnce(&Path)) {
    let entry = folder.entry();
    let as_it_was = std::fs::read(&entry).unwrap();
    spoil(&entry);
    assert_eq!(origins(&folder.one()), ["compiled"], "{what}");
    assert_eq!(origins(&folder.one()), ["cache"], "{what}");
    assert_eq!(folder.entry(), entry, "{what}");
    let meta = std::fs::symlink_metadata(&entry).unwrap();
    assert!(meta.is_file() && meta.mode() & 0o777 == 0o600, "{what}: {meta:?}");
    assert!(std::fs::read(&entry).unwrap() == as_it_was, "{what}: other bytes");
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[tokio::test]
async fn the_second_start_compiles_nothing_and_answers_the_same_for_the_same_fuel() {
    let folder = folder();
    let setup = folder
        .setup()
        .plugin("guard", guests::shipped("guard-profile"), "callbackBeforeUpdateUserInfoExCommand", "")
        .plugin("text", denies(), "*", "");
    let (cold, from) = start(&setup);
    assert_eq!(from, ["compiled", "compiled"]);
    let (warm, from) = start(&setup);
    assert_eq!(from, ["cache", "cache"]);
    let body = json!({ "userID": "u1", "nickName": "  John   Doe ", "faceURL": "http://example.com/f.png", "ex": "" });
    let mut fuel = Vec::new();
    for host in [&cold, &warm] {
        let answer = host.openim("callbackBeforeUpdateUserInfoExCommand", &body).await;
        assert_eq!(answer["nickName"], "John Doe", "{answer}");
        let denied = host.post("/openim/callbackBeforeAddFriendCommand", PROVOKE).await;
        assert_eq!(denied.body["errCode"], 5003);
        let allowed = host.post("/openim/callbackBeforeAddFriendCommand", SPARE).await;
        assert_eq!(allowed.body["errCode"], 0);
        fuel.push(
            ["guard", "text"].map(|name| host.metric("callgate_plugin_fuel_total", &[&format!("plugin=\"{name}\"")])),
        );
    }
    assert_eq!(fuel[0], fuel[1]);
    assert!(fuel[0].iter().all(|fuel| *fuel > 0.0), "{fuel:?}");
}

#[test]
fn what_configure_left_behind_is_in_the_entry() {
    // It tells what it was configured with, and `configure` does not run again.
    let folder = folder();
    let guard = || {
        let toml = r#"settings = { reserved_words = ["zork"] }"#;
        folder.setup().plugin("guard", guests::shipped("guard-profile"), "callbackBeforeUpdateUserInfoExCommand", toml)
    };
    assert_eq!(origins(&guard()), ["compiled"]);
    let (warm, from) = start(&guard());
    assert_eq!(from, ["cache"]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for (name, code) in [("zork", 5001), ("moderator", 0)] {
        let body = json!({ "userID": "u1", "nickName": name, "faceURL": null, "ex": null });
        let answer = runtime.block_on(warm.openim("callbackBeforeUpdateUserInfoExCommand", &body));
        assert_eq!(answer["errCode"], code, "{answer}");
    }
}

#[test]
fn the_log_says_once_what_a_start_had_to_do() {
    let folder = folder();
    let q = guests::replies("q", r#"{"verdict":"allow"}"#);
    // The third is the first under another name.
    let three = folder.one().plugin("q", q, "*", "").plugin("r", denies(), "*", "");
    for (setup, from, counts) in [
        (folder.one(), vec!["compiled"], "compiled=1 from_cache=0"),
        (three, vec!["cache", "compiled", "shared"], "compiled=1 from_cache=1"),
    ] {
        let log = log::capture();
        setup.start();
        let lines = log.lines_with("plugins are prepared");
        assert!(lines.len() == 1 && lines[0].contains(counts), "{lines:?}");
        assert_eq!(origins_in(&log), from);
    }
}

#[test]
fn code_is_the_same_whatever_was_compiled_before() {
    // Functions that plugins share are compiled once.
    let names = ["clean-remark", "filter-messages", "guard-profile", "mirror-group", "mirror-profile"];
    let setup = |folder: &Folder, names: &[&str]| {
        names.iter().fold(folder.setup(), |setup, name| {
            let toml = if *name == "filter-messages" { r#"settings = { words = ["zork"] }"# } else { "" };
            setup.plugin(name, guests::shipped(name), "*", toml)
        })
    };
    let (together, alone) = (folder(), folder());
    setup(&together, &names).start();
    for name in names {
        setup(&alone, &[name]).start();
    }
    assert_eq!(together.files().len(), names.len());
    for (one, other) in together.files().iter().zip(alone.files()) {
        assert_eq!(one.file_name(), other.file_name());
        assert!(std::fs::read(one).unwrap() == std::fs::read(&other).unwrap(), "{}", other.display());
    }
}

#[test]
fn folder_and_entries_are_for_this_user_alone() {
    let folder = folder();
    let entry = folder.entry_of(&folder.one());
    assert_eq!(std::fs::metadata(folder.path()).unwrap().mode() & 0o777, 0o700);
    assert_eq!(std::fs::metadata(entry).unwrap().mode() & 0o777, 0o600);
}

#[test]
fn an_entry_that_is_cut_off_or_longer_is_made_good() {
    let folder = folder();
    let whole = std::fs::read(folder.entry_of(&folder.one())).unwrap();
    for len in [0, 1, 8, 39, 40, 41, whole.len() / 2, whole.len() - 1] {
        is_made_good(&folder, &format!("{len} bytes"), |entry| std::fs::write(entry, &whole[..len]).unwrap());
    }
    is_made_good(&folder, "one byte more", |entry| std::fs::write(entry, [&whole[..], b"\0"].concat()).unwrap());
}

#[test]
fn an_entry_with_a_bit_turned_is_made_good() {
    let folder = folder();
    let whole = std::fs::read(folder.entry_of(&folder.one())).unwrap();
    // The unit tests of the cache turn every bit; here one in each part: the word, the version, the sum, and the code
    // from its beginning to its end.
    let code = (0..16).map(|part| 40 + part * (whole.len() - 41) / 15);
    for (number, at) in [0, 7, 8, 39].into_iter().chain(code).enumerate() {
        let mut turned = whole.clone();
        turned[at] ^= 1 << (number % 8);
        is_made_good(&folder, &format!("byte {at}"), |entry| std::fs::write(entry, turned).unwrap());
    }
}

#[test]
fn an_entry_under_the_name_of_another_is_made_good() {
    let folder = folder();
    let other = folder.setup().plugin("p", guests::replies("q", r#"{"verdict":"allow"}"#), "*", "");
    let other = folder.entry_of(&other);
    let elsewhere = folder.0.path().join("elsewhere");
    std::fs::rename(other, &elsewhere).unwrap();
    folder.entry_of(&folder.one());
    is_made_good(&folder, "another", |entry| std::fs::rename(&elsewhere, entry).unwrap());
}

#[test]
fn an_entry_that_others_may_write_is_made_good() {
    let folder = folder();
    folder.entry_of(&folder.one());
    for mode in [0o620, 0o602, 0o666] {
        is_made_good(&folder, &format!("{mode:o}"), |entry| set_mode(entry, mode));
    }
}

#[test]
fn an_entry_that_is_a_link_a_pipe_or_not_there_is_made_good() {
    let folder = folder();
    folder.entry_of(&folder.one());
    let elsewhere = folder.0.path().join("elsewhere");
    is_made_good(&folder, "a link to the right bytes", |entry| {
        std::fs::rename(entry, &elsewhere).unwrap();
        symlink(&elsewhere, entry).unwrap();
    });
    is_made_good(&folder, "a link to nowhere", |entry| {
        std::fs::remove_file(entry).unwrap();
        symlink("/nowhere", entry).unwrap();
    });
    is_made_good(&folder, "a pipe", |entry| {
        std::fs::remove_file(entry).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(entry).status().unwrap().success());
    });
    is_made_good(&folder, "gone", |entry| std::fs::remove_file(entry).unwrap());
}

#[test]
fn what_belongs_to_another_user_is_not_used() {
    let folder = folder();
    folder.entry_of(&folder.one());
    // Only root can give files away.
    if chown(folder.entry(), Some(65_534), None).is_err() {
        return;
    }
    is_made_good(&folder, "another user's", |_| {});
    chown(folder.path(), Some(65_534), None).unwrap();
    let warnings = warnings(&folder.one());
    assert!(warnings.len() == 1 && warnings[0].contains("it belongs to another user"), "{warnings:?}");
}

#[test]
fn a_folder_that_others_may_write_is_not_used_and_the_host_starts() {
    let folder = folder();
    folder.entry_of(&folder.one());
    for mode in [0o770, 0o707, 0o777] {
        set_mode(&folder.path(), mode);
        let warnings = warnings(&folder.one());
        let why = format!(
            "compiled plugins are not cached: {} is not private (others may write to it): `chmod go-w` it if it is this user's own, or name another `folder` under [cache]",
            folder.path().display()
        );
        assert!(warnings.len() == 1 && warnings[0].contains(&why), "{warnings:?}");
        assert_eq!(origins(&folder.one()), ["compiled"]);
    }
    // What others may read only is fine.
    set_mode(&folder.path(), 0o755);
    assert_eq!(origins(&folder.one()), ["cache"]);
}

#[test]
fn a_folder_may_be_a_link() {
    // As systemd makes one for a `CacheDirectory` with `DynamicUser`.
    let folder = folder();
    let real = folder.0.path().join("real");
    std::fs::create_dir(&real).unwrap();
    symlink(&real, folder.path()).unwrap();
    assert_eq!(origins(&folder.one()), ["compiled"]);
    assert_eq!(origins(&folder.one()), ["cache"]);
}

#[test]
fn without_a_folder_the_host_starts_and_warns() {
    let folder = folder();
    std::fs::write(folder.path(), "a file").unwrap();
    for _ in 0..2 {
        let warnings = warnings(&folder.one());
        let why = format!("compiled plugins are not cached: {} cannot be used (", folder.path().display());
        assert!(warnings.len() == 1 && warnings[0].contains(&why), "{warnings:?}");
        assert_eq!(origins(&folder.one()), ["compiled"]);
    }
}

#[test]
fn an_entry_that_cannot_be_written_is_no_reason_not_to_start() {
    let folder = folder();
    let entry = folder.entry_of(&folder.one());
    std::fs::remove_file(&entry).unwrap();
    // In a folder's place no file can be put, whoever tries.
    std::fs::create_dir(&entry).unwrap();
    std::fs::write(entry.join("file"), "").unwrap();
    let two = folder.one().plugin("q", guests::replies("q", r#"{"verdict":"allow"}"#), "*", "");
    let warnings = warnings(&two);
    let why = format!("compiled plugins cannot be cached in {} (", folder.path().display());
    assert!(warnings.len() == 1 && warnings[0].contains(&why), "{warnings:?}");
    assert_eq!(origins(&two), ["compiled", "cache"]);
    assert!(folder.files().iter().all(|file| file.extension().unwrap() == "compiled"), "{:?}", folder.files());
}

#[test]
fn a_failure_is_found_anew_in_the_same_words() {
    let folder = folder();
    let refuses = guests::assemble(
        "refuses",
        r#"(module {manifest}
            (memory (export "memory") 2)
            (global (export "last_words") i32 (i32.const 0))
            (data (i32.const 1024) "{\"accepted\":false,\"reason\":\"no words\"}")
            (func (export "allocate") (param i32) (result i32) (i32.const 4096))
            (func (export "configure") (param i32 i32) (result i64) (i64.const 0x400_0000_0026))
            (func (export "handle_callback") (param i32 i32) (result i64) (i64.const 0)))"#,
    );
    for setup in [
        folder.setup().plugin("p", refuses, "*", ""),
        folder.setup().plugin("p", guests::text("spins"), "*", "fuel_to_configure = 1"),
    ] {
        let [first, second] = [(); 2].map(|()| setup.try_start().map(drop).unwrap_err().to_string());
        assert_eq!(first, second);
        assert_eq!(folder.files(), BTreeSet::new(), "{first}");
    }
}

#[test]
fn a_module_is_checked_whether_or_not_its_code_was_kept() {
    let folder = folder();
    assert_eq!(origins(&folder.one()), ["compiled"]);
    let sum = "0".repeat(64);
    for (toml, why) in [
        (format!("sha256 = \"{sum}\""), "but the settings expect 000"),
        ("module_bytes_max = 8".to_owned(), "and at most 8 are allowed"),
    ] {
        let setup = folder.setup().plugin("p", denies(), "*", &toml);
        let error = setup.try_start().map(drop).unwrap_err().to_string();
        assert!(error.starts_with("plugin p: ") && error.contains(why), "{error}");
    }
}

#[test]
fn whatever_configuring_depends_on_has_an_entry_of_its_own() {
    let folder = folder();
    let with = |toml: &str| folder.setup().plugin("p", denies(), "*", toml);
    let setups = [
        with(""),
        with("settings = { a = 1 }"),
        with("settings = { a = 2 }"),
        with("fuel_to_configure = 1_000_000"),
        with("memory_bytes_max = 1_000_000"),
        with("").limits("table_elements_max = 10"),
        folder.setup().plugin("p", guests::replies("q", r#"{"verdict":"allow"}"#), "*", ""),
    ];
    for (number, setup) in setups.iter().enumerate() {
        assert_eq!(origins(setup), ["compiled"], "{number}");
        assert_eq!(folder.files().len(), number + 1);
    }
    for (number, setup) in setups.iter().enumerate() {
        assert_eq!(origins(setup), ["cache"], "{number}");
    }
}

#[test]
fn what_concerns_calls_only_shares_an_entry() {
    let folder = folder();
    folder.entry_of(&folder.one());
    for toml in ["fuel_per_call = 1000", "call_within_ms = 10", "reply_bytes_max = 16", "on_fault = \"deny\""] {
        assert_eq!(origins(&folder.setup().plugin("other-name", denies(), "*", toml)), ["cache"], "{toml}");
    }
    assert_eq!(folder.files().len(), 1);
}

#[test]
fn entries_are_kept_until_they_have_too_many_bytes() {
    let folder = folder();
    let plugin = |name: &str, setup: Setup| setup.plugin("p", guests::replies(name, r#"{"verdict":"allow"}"#), "*", "");
    let limited = |name: &str, bytes: u64| plugin(name, folder.setup_with(&format!("bytes_max = {bytes}")));
    let size = |path: &Path| std::fs::metadata(path).unwrap().len();

    let a = folder.entry_of(&plugin("a", folder.setup()));
    let bytes = size(&a);
    // One alone that fits exactly, and one that does not: what was kept with another setting is not read either.
    assert_eq!(origins(&limited("a", bytes)), ["cache"]);
    assert_eq!(origins(&limited("a", bytes - 1)), ["compiled"]);
    std::fs::remove_file(&a).unwrap();
    assert_eq!(origins(&limited("a", bytes - 1)), ["compiled"]);
    assert_eq!(folder.files(), BTreeSet::new());

    // Both fit exactly; with one byte less the one goes that was not used for longest.
    let (a, b) = (folder.entry_of(&limited("a", bytes)), folder.entry_of(&plugin("b", folder.setup())));
    let both = size(&a) + size(&b);
    for (bytes_max, kept) in [(both, vec![&a, &b]), (both - 1, vec![&b])] {
        std::fs::remove_file(&b).unwrap();
        assert_eq!(origins(&limited("b", bytes_max)), ["compiled"]);
        assert_eq!(folder.files(), kept.into_iter().cloned().collect());
    }
}

#[test]
fn what_was_used_last_stays() {
    let folder = folder();
    let plugin = |name: &str| guests::replies(name, r#"{"verdict":"allow"}"#);
    let unlimited = |name: &str| folder.setup().plugin("p", plugin(name), "*", "");
    let [a, b] = ["a", "b"].map(|name| {
        let entry = folder.entry_of(&unlimited(name));
        let file = std::fs::File::options().append(true).open(&entry).unwrap();
        let ago = Duration::from_secs(if name == "a" { 2000 } else { 1000 });
        file.set_modified(SystemTime::now() - ago).unwrap();
        entry
    });
    // The older one is used again; so the other goes.
    assert_eq!(origins(&unlimited("a")), ["cache"]);
    let bytes_max = std::fs::metadata(&a).unwrap().len() + std::fs::metadata(&b).unwrap().len();
    let third = folder.setup_with(&format!("bytes_max = {bytes_max}")).plugin("p", plugin("c"), "*", "");
    assert_eq!(origins(&third), ["compiled"]);
    assert!(a.exists() && !b.exists() && folder.files().len() == 2, "{:?}", folder.files());
}

#[test]
fn with_0_bytes_there_is_no_cache() {
    let folder = folder();
    for _ in 0..2 {
        assert_eq!(origins(&folder.setup_with("bytes_max = 0").plugin("p", denies(), "*", "")), ["compiled"]);
    }
    assert!(!folder.path().exists());
}

#[test]
fn files_of_others_are_left_alone_and_what_was_never_finished_is_removed() {
    let folder = folder();
    let entry = folder.entry_of(&folder.one());
    let key = entry.file_stem().unwrap().to_str().unwrap().to_owned();
    let [note, fresh, stale] =
        ["note.txt".to_owned(), format!("{key}.1-0.unfinished"), format!("{key}.1-1.unfinished")].map(|name| {
            let path = folder.path().join(name);
            std::fs::write(&path, vec![0; 100_000]).unwrap();
            path
        });
    for file in [&note, &stale] {
        let file = std::fs::File::options().append(true).open(file).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(2 * 3600)).unwrap();
    }
    let bytes_max = std::fs::metadata(&entry).unwrap().len();
    std::fs::remove_file(&entry).unwrap();
    let setup = folder.setup_with(&format!("bytes_max = {bytes_max}")).plugin("p", denies(), "*", "");
    assert_eq!(origins(&setup), ["compiled"]);
    assert_eq!(folder.files(), BTreeSet::from([note, fresh, entry]));
}

#[test]
fn what_a_killed_process_left_does_not_stop_caching() {
    // As if a process with this one's number, 1 in every container, had been killed at each of its entries.
    let folder = folder();
    let entry = folder.entry_of(&folder.one());
    let key = entry.file_stem().unwrap().to_str().unwrap().to_owned();
    for number in 0..500 {
        let name = format!("{key}.{}-{number}.unfinished", std::process::id());
        std::fs::write(folder.path().join(name), "half").unwrap();
    }
    for _ in 0..3 {
        std::fs::remove_file(&entry).unwrap();
        assert_eq!(origins(&folder.one()), ["compiled"]);
        assert_eq!(warnings(&folder.one()), [""; 0]);
        assert_eq!(origins(&folder.one()), ["cache"]);
    }
}

#[test]
fn hosts_that_start_at_once_do_not_disturb_each_other() {
    let folder = folder();
    let setup = folder.setup().plugin("p", denies(), "*", "").plugin("q", guests::text("marks"), "*", "");
    for _ in 0..3 {
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| drop(setup.start()));
            }
        });
        assert_eq!(folder.files().len(), 2, "{:?}", folder.files());
        assert_eq!(origins(&setup), ["cache", "cache"]);
        for entry in folder.files() {
            std::fs::write(entry, "broken").unwrap();
        }
    }
}
