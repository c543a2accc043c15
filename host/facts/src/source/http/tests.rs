//! Tests against a scripted server: the requests it receives, and every kind of invalid answer.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::settings::Secret;

/// Answers one connection with these bytes, then closes it. Returns what it received.
async fn serve(answer: Vec<u8>) -> (String, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let served = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        loop {
            let mut some = [0; 4096];
            let read = stream.read(&mut some).await.unwrap();
            request.extend(&some[..read]);
            let text = String::from_utf8_lossy(&request).into_owned();
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let length = head
                .to_lowercase()
                .split_once("content-length: ")
                .map_or(0, |(_, rest)| rest.lines().next().unwrap().parse::<usize>().unwrap());
            if read == 0 || body.len() >= length {
                let _ = stream.write_all(&answer).await;
                return text;
            }
        }
    });
    (address, served)
}

fn answer(status: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len()).into_bytes()
}

fn settings(url: String) -> settings::Http {
    settings::Http { private_networks: vec!["127.0.0.0/8".parse().unwrap()], ..settings::Http::new(url) }
}

async fn ask(bytes: Vec<u8>, with: impl FnOnce(&mut settings::Http)) -> Result<Option<String>, String> {
    let (address, _) = serve(bytes).await;
    let mut settings = settings(format!("http://{address}/{{key}}"));
    with(&mut settings);
    let http = Http::new(&settings).unwrap();
    http.ask("u1").await.map(|value| value.map(|value| value.to_string())).map_err(|error| error.to_string())
}

#[tokio::test]
async fn a_lookup_sends_a_request_and_returns_the_value() {
    let (address, served) = serve(answer("200 OK", r#"{"data":{"level":[1, 2]}}"#)).await;
    let http = Http::new(&settings::Http {
        pointer: "/data/level".to_owned(),
        headers: vec![("X-Token".to_owned(), Secret::new("s3cret".to_owned()))],
        ..settings(format!("http://{address}/users/{{key}}?again={{key}}"))
    });
    assert_eq!(http.unwrap().ask("a/b?").await, Ok(Some("[1,2]".into())));
    let request = served.await.unwrap();
    assert!(request.starts_with("GET /users/a%2Fb%3F?again=a%2Fb%3F HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("x-token: s3cret\r\n"), "{request}");

    let (address, served) = serve(answer("200 OK", "\"ok\"")).await;
    let http = Http::new(&settings::Http {
        posts: true,
        body: r#"{"text":"{key}"}"#.to_owned(),
        ..settings(format!("http://{address}/judge"))
    });
    assert_eq!(http.unwrap().ask("say \"hi\"\r\n").await, Ok(Some("\"ok\"".into())));
    let request = served.await.unwrap();
    assert!(request.ends_with("\r\n\r\n{\"text\":\"say \\\"hi\\\"\\r\\n\"}"), "{request}");
}

#[tokio::test]
async fn invalid_answers_are_failures() {
    let none = |_: &mut settings::Http| {};
    assert_eq!(ask(answer("404 Not Found", "nothing"), none).await, Ok(None));
    assert_eq!(ask(answer("200 OK", "null"), none).await, Ok(None));
    assert_eq!(ask(answer("200 OK", "{}"), |it| it.pointer = "/a".to_owned()).await, Ok(None));
    for (bytes, expected) in [
        (answer("500 Internal Server Error", "7"), "status 500"),
        (answer("302 Found", ""), "redirects are not followed"),
        (answer("200 OK", "<html>"), "is not JSON"),
        (answer("200 OK", &format!("\"{}\"", "a".repeat(70_000))), "`answer_bytes_max`"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{".to_vec(), "broke off"),
        (b"rubbish\r\n\r\n".to_vec(), "cannot be reached"),
    ] {
        let error = ask(bytes, none).await.unwrap_err();
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains("u1"), "{error}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_one_question_says_nothing_about_the_source() {
    for (status, is_about_the_question) in
        [(400, true), (414, true), (422, true), (401, false), (403, false), (408, false), (429, false), (503, false)]
    {
        let (address, _served) = serve(answer(&format!("{status} Whatever"), "")).await;
        let http = Http::new(&settings(format!("http://{address}/{{key}}"))).unwrap();
        let failed = http.ask("u1").await.unwrap_err();
        assert_eq!(matches!(failed, Failed::Value(_)), is_about_the_question, "{failed:?}");
        assert_eq!(matches!(failed, Failed::Source(_)), !is_about_the_question, "{failed:?}");
    }
    let nowhere = Http::new(&settings("http://127.0.0.1:1/{key}".to_owned())).unwrap();
    for key in ["..", "", &"a".repeat(70_000)] {
        assert!(matches!(nowhere.ask(key).await, Err(Failed::Key(_))), "{key}");
    }
}

#[tokio::test]
async fn addresses_that_are_not_allowed_are_not_connected_to() {
    let local = settings::Http::new("http://localhost:1/{key}".to_owned());
    let error = Http::new(&local).unwrap().ask("u").await.unwrap_err().to_string();
    assert!(error.contains("`private_networks`"), "{error}");
    let address = settings::Http::new("http://169.254.169.254/{key}".to_owned());
    assert!(Http::new(&address).unwrap_err().to_string().contains("`private_networks`"));
}

#[test]
fn wrong_settings_are_reported() {
    let wrong = |with: fn(&mut settings::Http)| {
        let mut settings = settings("https://example.org/{key}".to_owned());
        settings.remote.within = Some(Duration::from_secs(1));
        with(&mut settings);
        Http::new(&settings).unwrap_err().to_string()
    };
    assert!(wrong(|it| it.url = "https://example.org/".to_owned()).contains("no `{key}`"));
    assert!(
        wrong(|it| it.url = "https://{key}.example.org/{key}".to_owned()).contains("must not have `{key}` in its host")
    );
    assert!(wrong(|it| it.url = "https://u:p@example.org/{key}".to_owned()).contains("credentials"));
    assert!(wrong(|it| it.url = "ftp://example.org/{key}".to_owned()).contains("https://"));
    assert!(wrong(|it| it.url = "/{key}".to_owned()).contains("https://"));
    assert!(wrong(|it| (it.posts, it.body) = (true, "{key}".to_owned())).contains("inside a string"));
    assert!(wrong(|it| (it.posts, it.body) = (true, "{}".to_owned())).contains("no `{key}`"));
    assert!(wrong(|it| it.pointer = "a".to_owned()).contains("JSON pointer"));
    assert!(
        wrong(|it| it.headers = vec![("a b".to_owned(), Secret::new(String::new()))])
            .contains("not the name of a header (`a b`)")
    );
    assert!(
        wrong(|it| it.headers = vec![("Host".to_owned(), Secret::new("a".to_owned()))])
            .contains("the host sets itself")
    );
    assert!(
        wrong(|it| it.headers = vec![("a".to_owned(), Secret::new("\n".to_owned()))])
            .contains("cannot be sent in a header")
    );
    assert!(wrong(|it| it.ca = Some(vec![vec![0].into()])).contains("cannot be used"));
}

#[test]
fn keys_that_leave_the_path_are_refused() {
    let url = Url::new("https://example.org/users/{key}/ban").unwrap();
    for key in ["", "..", "../admin", "a/../../b", "..\\b", "a\0"] {
        assert!(url.with(key).is_err(), "{key:?}");
    }
    assert_eq!(url.with("a b/c").unwrap().path(), "/users/a%20b%2Fc/ban");
    assert!(url.with(&"a".repeat(65_536)).is_err(), "a key of 64 KiB makes no URL");
    let query = Url::new("https://example.org/users?id={key}").unwrap();
    assert_eq!(query.with("../a").unwrap().query(), Some("id=..%2Fa"));
}
