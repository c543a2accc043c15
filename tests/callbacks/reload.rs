//! What a reload changes, what it leaves alone, and that a mistake changes nothing.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use callgate::{Ask, Crates, Mode, Polled, admin, edge::Readiness};
use harness::{Setup, TestHost, guests, log, setup};
use http::{Method, Request};
use http_body_util::BodyExt as _;
use hyper::body::Frame;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::faults::{BUSY, OPENIM, UNCHECKED, openim_allows, openim_denies};

/// A module that denies with this code.
fn denies(code: u32) -> Vec<u8> {
    let path = guests::replies("denies", &format!(r#"{{"verdict":"deny","code":{code},"message":"no"}}"#));
    std::fs::read(path).unwrap()
}

/// A host whose one plugin is `p.wasm` beside the settings.
fn one() -> Setup {
    setup().file("p.wasm", denies(5001)).plugin("p", "p.wasm", "*", "on_fault = \"deny\"")
}

async fn code(host: &TestHost) -> Value {
    host.openim(OPENIM, &json!({ "fromUserID": "u" })).await["errCode"].clone()
}

/// Looks for changed files until there are none that are still changing.
fn poll(host: &TestHost) -> Polled {
    for _ in 0..30 {
        match host.host().poll() {
            Polled::Changing => {}
            other => return other,
        }
    }
    panic!("the files keep changing");
}

/// Asks the admin API.
async fn api(host: &TestHost, method: Method, path: &str, body: &str) -> (u16, Value) {
    let request = Request::builder().method(method).uri(path).body(body.to_owned()).unwrap();
    let response = admin::routes(host.host().clone(), Readiness::default()).oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or_else(|_| String::from_utf8_lossy(&body).into()))
}

async fn readiness(host: &TestHost) -> String {
    api(host, Method::GET, "/readyz", "").await.1.as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_new_module_replaces_the_old_one_and_the_same_one_changes_nothing() {
    let host = one().start();
    assert_eq!(code(&host).await, 5001);
    let report = host.reload().unwrap();
    assert!(!report.is_new && report.difference.is_empty() && report.difference.unchanged == 1, "{report:?}");
    host.write("p.wasm", denies(5002));
    let report = host.reload().unwrap();
    assert_eq!((report.is_new, report.generation), (true, 2));
    assert_eq!(report.difference.changed, [("p".to_owned(), vec!["module".to_owned()])]);
    assert_eq!(code(&host).await, 5002);
    assert_eq!(host.metric("callgate_generation", &[]), 2.0);
    assert_eq!(host.metric("callgate_reloads_total", &["result=\"changed\""]), 1.0);
    assert_eq!(host.metric("callgate_reloads_total", &["result=\"unchanged\""]), 1.0);
    // The counters of the plugin go on, and there is one module of its name.
    assert_eq!(host.metric("callgate_plugin_calls_total", &["plugin=\"p\""]), 2.0);
    assert_eq!(host.metric("callgate_plugin_info", &["plugin=\"p\""]), 1.0);
    assert_eq!(host.metric("callgate_callbacks_total", &["verdict=\"deny\""]), 2.0);
}

#[tokio::test]
async fn whatever_is_wrong_changes_nothing_and_is_named_until_it_is_mended() {
    let host = one().start();
    let good = one().toml();
    let half = denies(5002)[..100].to_vec();
    type Break<'b> = Box<dyn Fn() + 'b>;
    let cases: Vec<(Break<'_>, &str)> = vec![
        (Box::new(|| host.write("host.toml", format!("{good}[["))), "host.toml:"),
        (Box::new(|| host.write("host.toml", format!("{good}\nfrobnicate = 1\n"))), "frobnicate"),
        (Box::new(|| std::fs::remove_file(host.path("host.toml")).unwrap()), "cannot be read"),
        (Box::new(|| host.write("p.wasm", &half)), "plugin p: "),
        (Box::new(|| host.write("p.wasm", "")), "plugin p: this is no wasm module (the file is empty)"),
        (Box::new(|| std::fs::remove_file(host.path("p.wasm")).unwrap()), "p.wasm cannot be read"),
        (
            Box::new(|| host.write("host.toml", good.replace("on_fault", "sha256 = \"00\"\non_fault"))),
            "must be 64 hexadecimal digits",
        ),
        (
            Box::new(|| host.write("host.toml", format!("{good}memory_bytes_max = 1_000_000_000\n"))),
            "may have more memory than any did when the host started",
        ),
    ];
    for (number, (broken, part)) in cases.into_iter().enumerate() {
        broken();
        let problems = host.reload().unwrap_err().join("\n");
        assert!(problems.contains(part), "{number}: {problems}");
        assert_eq!(code(&host).await, 5001, "{number}");
        assert_eq!(host.metric("callgate_reload_refused", &[]), 1.0);
        let ready = readiness(&host).await;
        assert!(ready.starts_with("ready\nthe last reload was refused") && ready.contains(part), "{ready}");
        host.write("host.toml", &good);
        host.write("p.wasm", denies(5001));
        assert!(!host.reload().unwrap().is_new, "{number}");
        assert_eq!(host.metric("callgate_reload_refused", &[]), 0.0);
    }
    assert_eq!(readiness(&host).await, "ready\n");
}

#[tokio::test]
async fn plugins_and_platforms_come_and_go_and_so_do_their_series() {
    let other = guests::replies("other", r#"{"verdict":"allow"}"#);
    let host = one().start();
    assert_eq!(code(&host).await, 5001);
    let more = one().plugin("other", &other, "*", "").toml().replacen(
        "[[plugin]]",
        "[log]\nlog_users = \"no\"\n[[plugin]]",
        1,
    );
    host.write("host.toml", &more);
    let report = host.reload().unwrap();
    assert_eq!((report.difference.added.as_slice(), report.difference.unchanged), (&["other".to_owned()][..], 1));
    assert_eq!(report.difference.keys, ["log.log_users"]);
    let only =
        setup().plugin("other", &other, "*", "").platform("kind = \"openim\"\nname = \"chat\"\npath = \"/openim\"");
    host.write("host.toml", only.toml());
    let report = host.reload().unwrap();
    assert_eq!(report.difference.removed, ["p"]);
    assert!(report.difference.keys.iter().any(|key| key == "platform chat.path"), "{report:?}");
    assert_eq!(code(&host).await, 0);
    for gone in ["plugin=\"p\"", "platform=\"openim\"", "platform=\"tencent-chat\""] {
        let left: Vec<String> =
            host.host().metrics().lines().filter(|line| line.contains(gone)).map(str::to_owned).collect();
        assert!(left.is_empty(), "{left:#?}");
    }
    assert_eq!(host.metric("callgate_callbacks_total", &["platform=\"chat\""]), 1.0);
}

#[tokio::test]
async fn a_plugin_that_is_unchanged_keeps_its_breaker_also_where_its_use_is_another_one() {
    let limits = "breaker_faults_max = 2\nbreaker_actors_min = 2\nbreaker_pause_ms = 3_600_000";
    let with = |toml: &str| setup().limits(limits).plugin("hostile", guests::text("gives-up"), "*", toml);
    let host = with("on_fault = \"deny\"").start();
    for user in ["u1", "u2"] {
        assert_eq!(host.openim(OPENIM, &json!({ "fromUserID": user, "x": 1 })).await, openim_denies(UNCHECKED));
    }
    assert_eq!(host.openim(OPENIM, &json!({ "x": 0 })).await, openim_denies(BUSY));
    assert!(readiness(&host).await.contains("plugin hostile is suspended"));
    host.write("host.toml", with("on_fault = \"allow\"").toml());
    let report = host.reload().unwrap();
    assert_eq!(report.difference.changed, [("hostile".to_owned(), vec!["on_fault".to_owned()])]);
    // It is still suspended, and now that means that all is allowed.
    assert_eq!(host.openim(OPENIM, &json!({ "x": 0 })).await, openim_allows());
    assert_eq!(host.metric("callgate_plugin_suspended", &[]), 1.0);
    assert_eq!(host.metric("callgate_plugin_suspensions_total", &[]), 1.0);
    assert_eq!(host.metric("callgate_plugin_faults_allowed_total", &["plugin=\"hostile\""]), 1.0);
    // Other limits are another plugin's.
    host.write("host.toml", with("on_fault = \"allow\"\nfuel_per_call = 1_000_000").toml());
    let report = host.reload().unwrap();
    assert_eq!(
        report.difference.changed,
        [("hostile".to_owned(), vec!["limits".to_owned(), "fuel_per_call".to_owned()])]
    );
    assert_eq!(host.metric("callgate_plugin_suspended", &[]), 0.0);
    assert_eq!(host.metric("callgate_plugin_suspensions_total", &[]), 1.0);
}

#[tokio::test]
async fn what_only_a_restart_changes_is_named_and_the_rest_is_applied() {
    let host = one().start();
    host.write("p.wasm", denies(5002));
    let changed = one().tables("[server]\nlisten = \"127.0.0.1:9\"\nheaders_max = 8").limits("calls_at_once_max = 3");
    host.write("host.toml", changed.toml());
    let report = host.reload().unwrap();
    assert_eq!(report.restart, ["server.listen", "server.headers_max", "limits.calls_at_once_max"]);
    assert_eq!(code(&host).await, 5002);
    assert!(
        readiness(&host).await.contains("these keys take effect with a restart: server.listen, server.headers_max")
    );
    assert_eq!(host.metric("callgate_restart_keys", &[]), 3.0);
    host.write("host.toml", one().toml());
    assert!(host.reload().unwrap().restart.is_empty());
}

#[tokio::test]
async fn values_are_never_part_of_what_is_told() {
    let log = log::capture();
    let words = |word: &str| format!("settings = {{ word = \"{word}\" }}\nsettings_files = {{ list = \"words\" }}");
    let toml = |word: &str, path: &str| {
        let path = format!("kind = \"openim\"\npath = {{ file = \"{path}\" }}");
        setup()
            .platform(&path)
            .plugin("p", guests::replies("allows", r#"{"verdict":"allow"}"#), "*", &words(word))
            .toml()
    };
    let host = setup().file("words", "hunter1").file("path", "/a/hunter2").file("path2", "/a/hunter3").start();
    host.write("host.toml", toml("hunter4", "path"));
    host.reload().unwrap();
    host.write("words", "hunter5");
    host.write("path", "/a/hunter6");
    host.write("host.toml", toml("hunter7", "path2"));
    let (_, answer) = api(&host, Method::POST, "/api/v1/reload", "").await;
    assert_eq!(answer["plugins"]["changed"][0]["what"], json!(["settings.list", "settings.word"]), "{answer}");
    assert!(answer["settings"].as_array().unwrap().contains(&json!("platform openim.path.file")), "{answer}");
    host.write("path2", "/a/hunter8");
    let (_, again) = api(&host, Method::POST, "/api/v1/reload", "").await;
    assert_eq!(again["settings"], json!(["platform[1].path (its file)"]), "{again}");
    for text in [answer.to_string(), again.to_string(), log.text()] {
        assert!(!text.contains("hunter"), "{text}");
    }
    assert_eq!(host.post("/a/hunter8/callbackBeforeAddFriendCommand", "{}").await.status, 200);
}

#[tokio::test]
async fn a_trial_builds_and_checks_everything_and_changes_nothing() {
    let host = one().start();
    host.write("p.wasm", denies(5002));
    let (status, answer) = api(&host, Method::POST, "/api/v1/reload?dry_run=true", "").await;
    assert_eq!((status, &answer["is_new"], &answer["generation"]), (200, &json!(false), &json!(1)));
    assert_eq!(answer["lines"], json!(["plugins changed: p (module)"]));
    assert_eq!(code(&host).await, 5001);
    host.write("p.wasm", "no module");
    let (status, answer) = api(&host, Method::POST, "/api/v1/reload?dry_run=true", "").await;
    assert_eq!(status, 422);
    assert!(answer["problems"][0]["message"].as_str().unwrap().contains("this is no wasm module"), "{answer}");
    assert_eq!(host.metric("callgate_reload_refused", &[]), 0.0, "it was a trial");
    for (method, path, status) in [
        (Method::POST, "/api/v1/reload?dry=1", 400),
        (Method::GET, "/api/v1/reload", 405),
        (Method::POST, "/api/v1/relod", 404),
        (Method::POST, "/api/v1/rollback", 422),
    ] {
        let (found, answer) = api(&host, method, path, "").await;
        assert!(found == status && answer["error"].is_string(), "{path}: {found} {answer}");
    }
    // A page in an operator's browser could send it.
    let request =
        Request::post("/api/v1/reload").header("origin", "http://127.0.0.1:8081").body(String::new()).unwrap();
    let refused = admin::routes(host.host().clone(), Readiness::default()).oneshot(request).await.unwrap();
    assert_eq!(refused.status(), 403);
}

#[cfg(unix)]
#[tokio::test]
async fn changed_files_are_found_once_they_have_stopped_changing() {
    let log = log::capture();
    let host = one().start();
    assert_eq!(poll(&host), Polled::Unchanged);
    host.write("p.wasm", denies(5002));
    assert_eq!(host.host().poll(), Polled::Changing, "somebody may be writing it");
    assert_eq!(poll(&host), Polled::Reloaded { is_refused: false });
    assert_eq!((code(&host).await, poll(&host)), (json!(5002), Polled::Unchanged));
    // A mistake is named once, not at each look.
    host.write("host.toml", "[[plugin");
    assert_eq!(poll(&host), Polled::Reloaded { is_refused: true });
    (0..5).for_each(|_| assert_eq!(poll(&host), Polled::Unchanged));
    assert_eq!(log.lines_with("the reload is refused").len(), 1, "{}", log.text());
    // What the broken file does not name is watched as before; mending the file is enough.
    host.write("host.toml", one().toml());
    assert_eq!(poll(&host), Polled::Reloaded { is_refused: false });
    // A file that goes away is a mistake; that it comes back mends it.
    std::fs::remove_file(host.path("p.wasm")).unwrap();
    assert_eq!(poll(&host), Polled::Reloaded { is_refused: true });
    host.write("p.wasm", denies(5002));
    assert_eq!(poll(&host), Polled::Reloaded { is_refused: false });
    assert_eq!(host.metric("callgate_generation", &[]), 2.0, "it is the same again");
}

#[cfg(unix)]
#[tokio::test]
async fn a_symbolic_link_that_is_changed_as_kubernetes_does_it_is_seen() {
    use std::os::unix::fs::symlink;
    let host = setup().start();
    for (version, code) in [("v1", 5001), ("v2", 5002)] {
        std::fs::create_dir(host.path(version)).unwrap();
        host.write(&format!("{version}/p.wasm"), denies(code));
    }
    symlink("v1", host.path("..data")).unwrap();
    symlink("..data/p.wasm", host.path("p.wasm")).unwrap();
    host.write("host.toml", setup().plugin("p", "p.wasm", "*", "").toml());
    host.reload().unwrap();
    assert_eq!((code(&host).await, poll(&host)), (json!(5001), Polled::Unchanged));
    symlink("v2", host.path("..tmp")).unwrap();
    std::fs::rename(host.path("..tmp"), host.path("..data")).unwrap();
    assert_eq!(poll(&host), Polled::Reloaded { is_refused: false });
    assert_eq!(code(&host).await, 5002);
}

#[tokio::test]
async fn a_file_that_never_stops_changing_is_read_all_the_same() {
    let host = one().start();
    for round in 0..40 {
        host.write("p.wasm", denies(5002 + round));
        if matches!(host.host().poll(), Polled::Reloaded { .. }) {
            return;
        }
    }
    panic!("it was waited for longer than 20 looks");
}

#[tokio::test]
async fn a_rollback_brings_back_settings_word_lists_and_modules_and_touches_no_file() {
    let settings = |stamp: &str, more: &str| {
        setup()
            .tables("[reload]\nkeep = 3\nfolder = \"kept\"")
            .plugin("stamps", guests::stamps("stamps"), "*", &format!("settings = {{ stamp = \"{stamp}\" }}"))
            .plugin("p", "p.wasm", "*", more)
            .toml()
    };
    let host = setup().tables("[reload]\nkeep = 3\nfolder = \"kept\"").start();
    let last_stamp = || host.records().last().cloned();
    for (number, stamp) in [(1, "one.one."), (2, "two.two."), (3, "thre.thr"), (4, "four.fou")] {
        host.write("p.wasm", denies(5000 + number));
        host.write("host.toml", settings(stamp, ""));
        assert!(host.reload().unwrap().is_new);
    }
    assert_eq!((code(&host).await, last_stamp()), (json!(5004), Some(json!("four.fou"))));
    let (_, kept) = api(&host, Method::GET, "/api/v1/kept", "").await;
    let numbers: Vec<u64> =
        kept["kept"].as_array().unwrap().iter().map(|entry| entry["number"].as_u64().unwrap()).collect();
    assert_eq!((numbers, &kept["in_service"]), (vec![2, 3, 4], &json!(4)));

    // Two rollbacks to the one before 4: the second one does not go back to the one before that.
    let instead_of = r#"{"instead_of": 4}"#;
    let (status, answer) = api(&host, Method::POST, "/api/v1/rollback", instead_of).await;
    assert_eq!((status, &answer["is_new"]), (200, &json!(true)), "{answer}");
    let (status, answer) = api(&host, Method::POST, "/api/v1/rollback", instead_of).await;
    let error = answer["error"].as_str().unwrap();
    assert!(status == 422 && error.contains("another configuration was put into service meanwhile"), "{answer}");
    assert_eq!((code(&host).await, last_stamp()), (json!(5003), Some(json!("thre.thr"))));
    assert_eq!(std::fs::read_to_string(host.path("host.toml")).unwrap(), settings("four.fou", ""));
    assert!(readiness(&host).await.contains("the stored configuration 3 is in service"));
    assert_eq!(host.metric("callgate_rolled_back", &[]), 1.0);
    // Once more: one further back. Polling does not undo it.
    host.host().roll_back(None, None).unwrap();
    assert_eq!((code(&host).await, last_stamp()), (json!(5002), Some(json!("two.two."))));
    assert_eq!((poll(&host), code(&host).await), (Polled::Unchanged, json!(5002)));
    let problems = host.host().roll_back(None, None).unwrap_err();
    assert!(problems[0].message.contains("stored before the one in service"), "{problems:?}");
    let problems = host.host().roll_back(Some(1), None).unwrap_err();
    assert!(problems[0].message.contains("no such configuration is stored"), "it is not kept any more: {problems:?}");
    host.host().roll_back(Some(4), None).unwrap();
    assert_eq!(code(&host).await, 5004);
    // A misspelled member would go further back than was asked for.
    for body in [r#"{"too": 1}"#, r#"{"to": 3, "insteadOf": 4}"#] {
        let (status, answer) = api(&host, Method::POST, "/api/v1/rollback", body).await;
        let error = answer["error"].as_str().unwrap();
        assert!(status == 400 && error.contains(r#"known are "to" and "instead_of""#), "{answer}");
    }
    // What the files say counts again with a reload.
    host.write("p.wasm", denies(5005));
    assert!(host.reload().unwrap().is_new);
    assert_eq!((code(&host).await, host.metric("callgate_rolled_back", &[])), (json!(5005), 0.0));
}

#[tokio::test]
async fn a_rollback_of_what_is_not_stored_goes_to_what_it_replaced() {
    let top = "[reload]\nkeep = 9\nkeep_bytes_max = 20000\nfolder = \"kept\"";
    let host = setup().tables(top).start();
    let put = |code: u32, fill: usize| {
        host.write("p.wasm", denies(code));
        let fill = "#".repeat(fill);
        host.write("host.toml", format!("{}\n{fill}", setup().tables(top).plugin("p", "p.wasm", "*", "").toml()));
        assert!(host.reload().unwrap().is_new);
    };
    let back_to = async || {
        host.host().roll_back(None, None).unwrap();
        code(&host).await
    };
    (5001..=5003).for_each(|code| put(code, 0));
    // It is larger than all that is stored may be.
    put(5004, 30_000);
    assert_eq!(host.host().kept().1, None);
    assert_eq!(back_to().await, 5003);
    assert_eq!(back_to().await, 5002);
    // The folder cannot be written to.
    let folder = std::fs::read_dir(host.path("kept")).unwrap().next().unwrap().unwrap().path();
    let aside = folder.with_extension("aside");
    std::fs::rename(&folder, &aside).unwrap();
    std::fs::write(&folder, "in its way").unwrap();
    let log = harness::log::capture();
    put(5005, 0);
    let told = log.lines_with("is not kept for a rollback: ");
    assert!(told.len() == 1 && told[0].contains("name another `folder` under [reload]"), "{told:?}");
    std::fs::remove_file(&folder).unwrap();
    std::fs::rename(&aside, &folder).unwrap();
    assert_eq!(back_to().await, 5002);
}

#[tokio::test]
async fn a_kept_copy_that_was_changed_is_not_used_and_what_is_kept_is_bounded() {
    let top = "[reload]\nkeep = 9\nkeep_bytes_max = 6000\nfolder = \"kept\"";
    let host = setup().tables(top).start();
    for number in 1..20 {
        host.write("p.wasm", denies(5000 + number));
        host.write(
            "host.toml",
            setup().tables(top).plugin("p", "p.wasm", "*", &format!("records_max = {number}")).toml(),
        );
        host.reload().unwrap();
    }
    let folder = std::fs::read_dir(host.path("kept")).unwrap().next().unwrap().unwrap().path();
    let files = || std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap());
    let copies = || files().filter(|file| !file.file_name().to_str().unwrap().ends_with(".json"));
    let bytes: u64 = copies().map(|file| file.metadata().unwrap().len()).sum();
    assert!((2000..=6000).contains(&bytes), "{bytes}");
    #[cfg(unix)]
    for private in files().map(|file| file.path()).chain([folder.clone()]) {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&private).unwrap().permissions().mode() & 0o077, 0, "{}", private.display());
    }
    let before = host.host().kept().0;
    let older = before.iter().rev().nth(1).unwrap().number;
    copies().for_each(|file| std::fs::write(file.path(), "changed").unwrap());
    let problems = host.host().roll_back(Some(older), None).unwrap_err();
    assert!(problems[0].message.contains("was modified: delete it"), "{problems:?}");
    assert_eq!(code(&host).await, 5019);
}

#[tokio::test]
async fn a_host_that_starts_healthy_does_without_a_plugin_until_it_is_mended() {
    let broken = setup().tables("[server]\nstart = \"healthy\"").file("p.wasm", "no module").plugin(
        "p",
        "p.wasm",
        OPENIM,
        "on_fault = \"deny\"",
    );
    let allows = guests::replies("allows", r#"{"verdict":"allow"}"#);
    let log = log::capture();
    let host = broken.plugin("allows", allows, "*", "").start();
    assert_eq!(host.openim(OPENIM, &json!({})).await, openim_denies(UNCHECKED));
    let other = "callbackBeforeCreateGroupCommand";
    assert_eq!(host.openim(other, &json!({})).await["errCode"], 0, "it is not for this one");
    assert_eq!(host.metric("callgate_plugin_not_loaded", &["plugin=\"p\""]), 1.0);
    assert_eq!(host.metric("callgate_plugin_not_loaded", &["plugin=\"allows\""]), 0.0);
    assert_eq!(host.metric("callgate_plugin_faults_total", &["plugin=\"p\"", "fault=\"not_loaded\""]), 1.0);
    assert_eq!(log.lines_with("a plugin is not loaded").len(), 1);
    assert!(log.lines_with(" answered").iter().any(|line| line.contains("fault=\"not_loaded\"")), "{}", log.text());
    assert!(readiness(&host).await.contains("`plugin[1].wasm`: plugin p: this is no wasm module"));
    // Something else can change meanwhile.
    let toml = std::fs::read_to_string(host.path("host.toml")).unwrap();
    host.write("host.toml", format!("{toml}records_max = 7\n"));
    assert!(host.reload().unwrap().is_new);
    // It is tried again when its file changes.
    host.write("p.wasm", denies(5001));
    assert_eq!(poll(&host), Polled::Reloaded { is_refused: false });
    assert_eq!(code(&host).await, 5001);
    assert_eq!((readiness(&host).await.as_str(), host.metric("callgate_plugin_not_loaded", &[])), ("ready\n", 0.0));
    // A working plugin is not replaced by a broken one.
    host.write("p.wasm", "no module");
    assert!(host.reload().is_err());
    assert_eq!(code(&host).await, 5001);
}

#[tokio::test]
async fn without_start_healthy_a_broken_plugin_keeps_the_host_from_starting() {
    assert!(setup().file("p.wasm", "no module").plugin("p", "p.wasm", "*", "").try_start().is_err());
}

#[tokio::test]
async fn a_callback_is_all_of_the_generation_with_which_it_began() {
    let stamps = |stamp: &str| {
        let own = format!("settings = {{ stamp = \"{stamp}\" }}");
        setup().plugin("first", guests::stamps("first"), "*", &own).plugin(
            "second",
            guests::stamps("second"),
            "*",
            &own,
        )
    };
    let host = stamps("old.old.").start();
    // Its body comes only after the reload.
    let (sender, body) = tokio::sync::oneshot::channel::<()>();
    let request = Request::post(format!("/openim/{OPENIM}")).body(Once(Some(body))).unwrap();
    let answering = host.host().receive(request);
    let mut answering = std::pin::pin!(answering);
    tokio::select! {
        biased;
        _ = &mut answering => panic!("it waits for its body"),
        () = tokio::time::sleep(Duration::ZERO) => {}
    }
    host.write("host.toml", stamps("new.new.").toml());
    host.reload().unwrap();
    assert_eq!(host.metric("callgate_generations", &[]), 2.0, "the old one is still held");
    sender.send(()).unwrap();
    assert_eq!(answering.await.status(), 200);
    assert_eq!(host.records(), ["old.old.", "old.old."]);
    code(&host).await;
    assert_eq!(host.records()[2..], ["new.new.", "new.new."]);
}

/// A body of one piece, which comes when it is told to.
struct Once(Option<tokio::sync::oneshot::Receiver<()>>);

impl hyper::body::Body for Once {
    type Data = hyper::body::Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let Some(receiver) = &mut self.0 else { return Poll::Ready(None) };
        ready!(Pin::new(receiver).poll(context)).unwrap();
        self.0 = None;
        Poll::Ready(Some(Ok(Frame::data("{}".into()))))
    }
}

#[tokio::test]
async fn crates_are_built_when_a_reload_is_asked_for_and_not_when_a_file_has_changed() {
    // The module of a crate that was built is watched; the crate itself is not.
    let host = setup().start();
    let source = guests::repository().join("plugins/mirror-profile");
    let toml = setup().toml();
    host.write(
        "host.toml",
        format!(
            "{toml}[[plugin]]\nname = \"m\"\nsource = \"{}\"\nplatform = \"tencent-chat\"\ncommands = [\"Profile.CallbackPortraitSet\"]\n",
            source.display()
        ),
    );
    let ask = |crates| host.host().reload(Ask { mode: Mode::Replace, crates }).unwrap();
    assert_eq!(ask(Crates::BuildNew).difference.added, ["m"], "it was never built for this host");
    assert!(!ask(Crates::BuildNew).is_new);
    assert!(!ask(Crates::Build).is_new);
}

#[tokio::test]
async fn the_log_says_which_file_has_ended_a_rollback() {
    let host = setup().tables("[reload]\nkeep = 3\nfolder = \"kept\"").plugin("p", "p.wasm", "*", "");
    let host = host.file("p.wasm", denies(5001)).start();
    host.host().poll();
    assert!(!host.reload().unwrap().is_new);
    host.write("p.wasm", denies(5002));
    assert!(host.reload().unwrap().is_new);
    host.write("p.wasm", denies(5003));
    assert!(host.reload().unwrap().is_new);
    host.host().roll_back(None, None).unwrap();
    assert_eq!(code(&host).await, 5002);
    let log = log::capture();
    host.write("p.wasm", denies(5004));
    assert_eq!(poll(&host), Polled::Reloaded { is_refused: false });
    let lines = log.lines_with("the rollback has ended");
    assert!(lines.len() == 1 && lines[0].contains("WARN") && lines[0].contains("p.wasm"), "{}", log.text());
    assert_eq!((code(&host).await, host.metric("callgate_rolled_back", &[])), (json!(5004), 0.0));
}
