//! What is secret is in no answer, in no line of the log, in no metric and in no message: the path of a platform, and
//! what users wrote.

use std::path::Path;

use callgate::Settings;
use harness::{TestHost, guests, log, setup};
use serde_json::json;

const ADD_FRIEND: &str = "callbackBeforeAddFriendCommand";

/// What must not be seen anywhere.
const SECRET: &str = "hunter2";

fn hidden() -> TestHost {
    setup().platform(&format!("kind = \"openim\"\npath = \"/openim/{SECRET}\"")).start()
}

#[tokio::test]
async fn nobody_learns_a_secret_path_from_answers_log_or_metrics() {
    let log = log::capture();
    let host = hidden();
    let allowed = host.post(&format!("/openim/{SECRET}/{ADD_FRIEND}"), "{}").await;
    assert_eq!((allowed.status.as_u16(), allowed.body["nextCode"].as_i64()), (200, Some(0)));
    let mut answers = String::new();
    for path in
        ["/", "/openim", "/openim/", &format!("/openim/{ADD_FRIEND}"), "/openim/hunter", "/openim/hunter22/x", "/x/y"]
    {
        let answer = host.post(path, "{}").await;
        assert_eq!(answer.status, 404, "{path}");
        answers.push_str(&answer.body.to_string());
    }
    // What is refused on the right path says no more.
    for path in [format!("/openim/{SECRET}"), format!("/openim/{SECRET}/a/b")] {
        answers.push_str(&host.post(&path, "{}").await.body.to_string());
    }
    for (what, text) in [("answers", answers), ("log", log.text()), ("metrics", host.host().metrics())] {
        assert!(!text.contains(SECRET), "{what}: {text}");
        assert!(!text.contains("hunter"), "{what}: {text}");
    }
    let told = log.lines_with("nothing is served at this path");
    assert_eq!(told.len(), 7, "{told:#?}");
    assert!(told[4].contains("first_segment=\"openim\" further_segments=1 platforms=\"openim\""), "{}", told[4]);
}

#[tokio::test]
async fn a_path_from_outside_the_settings_is_hidden_as_a_whole() {
    let log = log::capture();
    let host =
        setup().file("path", format!("/{SECRET}\n")).platform("kind = \"openim\"\npath = { file = \"path\" }").start();
    assert_eq!(host.post(&format!("/{SECRET}/{ADD_FRIEND}"), "{}").await.status, 200);
    assert_eq!(host.post(&format!("/hunter3/{ADD_FRIEND}"), "{}").await.status, 404);
    let settings = format!("{:?}", host.host().generation().settings());
    for text in [log.text(), host.host().metrics(), settings] {
        assert!(!text.contains("hunter"), "{text}");
    }
}

#[test]
fn a_path_may_come_from_the_environment() {
    // A variable that looks like a path and is there everywhere.
    let toml = "[[platform]]\nkind = \"openim\"\npath = { env = \"HOME\" }\n";
    let settings = Settings::parse(Path::new("host.toml"), toml).unwrap();
    let path = &settings.platforms[0].path;
    assert_eq!(path.reveal(), std::env::var("HOME").unwrap().trim_end_matches('/'));
    assert!(path.is_secret() && path.to_string().ends_with('…'), "{path}");
}

#[tokio::test]
async fn what_a_plugin_says_is_in_the_log_only_where_that_is_wanted() {
    let panics = std::fs::read_to_string(guests::fixture("guests/panics.wat")).unwrap();
    let panics = panics.replace("it is broken", SECRET);
    assert!(panics.contains(SECRET));
    let replies = [
        format!(r#"{{"verdict":"fail","message":"{SECRET}"}}"#),
        format!(r#"{{"verdict":"{SECRET}"}}"#),
        format!(r#"{{"verdict":"deny","code":"{SECRET}"}}"#),
        format!(r#"{{"verdict":"deny","code":1,"message":"{SECRET}","detail":"{SECRET}"}}"#),
        format!(r#"{{"verdict":"modify","changes":{{"{SECRET}":1}}}}"#),
        format!(r#"{{"verdict":"allow","log":[{{"level":"error","text":"{SECRET}"}}]}}"#),
        format!(r#"{{"verdict":"allow","records":["{SECRET}"]}}"#),
        SECRET.to_owned(),
    ];
    let mut modules: Vec<_> = replies.iter().map(|reply| guests::replies("says", reply)).collect();
    modules.push(guests::assemble("panics", &panics));
    for (number, module) in modules.iter().enumerate() {
        for payloads in [false, true] {
            let log = log::capture();
            let host =
                setup().tables(&format!("[log]\nlog_payloads = {payloads}")).plugin("says", module, "*", "").start();
            host.openim(ADD_FRIEND, &json!({ "fromUserID": "u1", "reqMsg": SECRET, "x": 1 })).await;
            assert!(log.text().contains("answered"), "{}", log.text());
            // Denials and records are for others, never for the log; JSON that is none is not quoted by anybody.
            let is_shown = payloads && ![3, 6, 7].contains(&number);
            assert_eq!(log.text().contains(SECRET), is_shown, "{number} {payloads}: {}", log.text());
            assert!(!host.host().metrics().contains(SECRET));
        }
    }
    let log = log::capture();
    let host = setup().plugin("panics", modules.last().unwrap(), "*", "").start();
    host.openim(ADD_FRIEND, &json!({ "x": 1 })).await;
    assert_eq!(log.lines_with("panics: panic at src/lib.rs:7").len(), 1, "{}", log.text());
}

#[test]
fn a_host_that_strangers_reach_warns_of_platforms_that_nobody_authenticates() {
    let openim = "[[platform]]\nkind = \"openim\"\n";
    let tencent = "[[platform]]\nkind = \"tencent-chat\"\n[[platform.app]]\nid = 1\n";
    let signed = format!("{tencent}tokens = [{{ env = \"PATH\" }}]\n");
    for (listen, platforms, warnings) in [
        ("0.0.0.0:8080", openim.to_owned(), 1),
        (":8080", openim.to_owned(), 1),
        ("[::]:8080", tencent.to_owned(), 1),
        ("192.0.2.1:80", format!("{openim}{tencent}"), 2),
        ("127.0.0.1:8080", format!("{openim}{tencent}"), 0),
        ("[::1]:8080", openim.to_owned(), 0),
        ("localhost:8080", openim.to_owned(), 0),
        ("0.0.0.0:8080", signed, 0),
        ("0.0.0.0:8080", format!("{openim}path = \"/openim/secret\"\n"), 0),
        ("0.0.0.0:8080", format!("{openim}path = {{ env = \"HOME\" }}\n"), 0),
    ] {
        let toml = format!("[server]\nlisten = \"{listen}\"\n{platforms}");
        let found = Settings::parse(Path::new("host.toml"), &toml).unwrap().warnings();
        assert_eq!(found.len(), warnings, "{toml}: {found:#?}");
        assert!(found.iter().all(|warning| warning.message.contains("nothing authenticates them")), "{found:#?}");
    }
}
