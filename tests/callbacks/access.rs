//! Who may call: networks, credentials, parameters that authenticate; and what is refused before a body is read.

use callgate::edge::{self, Peer};
use harness::{Setup, TestHost, setup};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::task::JoinHandle;

const COMMAND: &str = "callbackBeforeAddFriendCommand";

/// A connection of this peer.
fn connect(host: &TestHost, peer: Peer) -> (DuplexStream, JoinHandle<()>) {
    let (client, server) = tokio::io::duplex(1 << 20);
    let (app, settings) = (host.host().clone(), host.host().settings().server.clone());
    (client, tokio::spawn(async move { edge::converse(server, app, &settings, peer).await }))
}

/// The answer to a request with these headers and a body of `{}`: its status and the rest.
async fn ask(host: &TestHost, peer: &str, path: &str, headers: &str) -> (u16, String) {
    let peer = if peer.is_empty() { Peer::default() } else { Peer::new(peer.parse().unwrap()) };
    let (mut client, served) = connect(host, peer);
    let request =
        format!("POST {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 2\r\n{headers}\r\n{{}}");
    client.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    served.await.unwrap();
    (answer[9..12].parse().unwrap(), answer)
}

fn openim(toml: &str) -> Setup {
    setup().platform(&format!("kind = \"openim\"\n{toml}"))
}

fn path() -> String {
    format!("/openim/{COMMAND}")
}

#[tokio::test]
async fn only_these_networks_may_call() {
    let host = openim("allow_networks = [\"10.1.0.0/16\", \"2001:db8::/32\", \"192.0.2.7\"]").start();
    for (peer, status) in [
        ("10.1.255.255", 200),
        ("10.2.0.0", 403),
        ("::ffff:10.1.2.3", 200),
        ("2001:db8::1", 200),
        ("2001:db9::1", 403),
        ("192.0.2.7", 200),
        ("192.0.2.8", 403),
        // Through a Unix socket.
        ("", 200),
    ] {
        let (found, answer) = ask(&host, peer, &path(), "").await;
        assert_eq!(found, status, "{peer}: {answer}");
        assert!(status == 200 || answer.contains("\"errCode\":5403"), "{answer}");
    }
    assert_eq!(host.metric("callgate_refusals_total", &["reason=\"network\""]), 3.0);
    let open = openim("allow_networks = []").start();
    assert_eq!(ask(&open, "198.51.100.1", &path(), "").await.0, 200);
}

#[tokio::test]
async fn credentials_in_the_url_are_asked_for() {
    let host = setup()
        .file("old", "me:s3cret\n")
        .file("new", "me:n3w:er\n")
        .platform("kind = \"openim\"\ncredentials = [{ file = \"old\" }, { file = \"new\" }]")
        .start();
    let basic = |text: &str| {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(text)
    };
    let header = |value: &str| format!("Authorization: {value}\r\n");
    for (headers, status, reason) in [
        (header(&format!("Basic {}", basic("me:s3cret"))), 200, ""),
        (header(&format!("basic  {}", basic("me:n3w:er").trim_end_matches('='))), 200, ""),
        (String::new(), 401, "no_credentials"),
        (header("Bearer x"), 401, "no_credentials"),
        (header(""), 401, "no_credentials"),
        (header(&format!("Basic {}", basic("me:s3cre"))), 401, "wrong_credentials"),
        (header(&format!("Basic {}", basic("me:s3cret2"))), 401, "wrong_credentials"),
        (header("Basic ===="), 401, "wrong_credentials"),
        (header(&format!("Basic {}", basic("me:s3cret"))).repeat(2), 401, "credentials_twice"),
    ] {
        let before = host.metric("callgate_refusals_total", &[&format!("reason=\"{reason}\"")]);
        let (found, answer) = ask(&host, "", &path(), &headers).await;
        assert_eq!(found, status, "{headers:?}: {answer}");
        if status == 401 {
            assert!(answer.contains("\"errCode\":5401") && answer.contains("\"nextCode\":1"), "{answer}");
            let count = host.metric("callgate_refusals_total", &[&format!("reason=\"{reason}\"")]);
            assert_eq!(count - before, 1.0, "{headers:?}");
        }
    }
    assert!(host.host().generation().platforms()[0].platform.is_authenticated());
}

#[tokio::test]
async fn a_parameter_that_authenticates_is_there_once() {
    let host = setup().start();
    let path = |query: &str| format!("/tencent-chat?CallbackCommand=C2C.CallbackBeforeSendMsg&{query}");
    for (query, status) in [
        ("SdkAppid=1400000000", 200),
        ("SdkAppid=1400000000&SdkAppid=1400000000", 400),
        ("SdkAppid=1400000000&sdkappid=1", 400),
        ("sdkappid=1&SdkAppid=1400000000", 400),
        ("SdkAppid=1400000000&Sign=a&SIGN=b", 400),
        ("SdkAppid=1400000000&RequestTime=1&requesttime=2", 400),
    ] {
        let (found, answer) = ask(&host, "", &path(query), "").await;
        assert_eq!(found, status, "{query}: {answer}");
        assert!(status == 200 || answer.contains("\"ActionStatus\":\"FAIL\""), "{answer}");
    }
}

#[tokio::test]
async fn a_compressed_body_is_refused() {
    let host = setup().start();
    for (encoding, status) in [("gzip", 415), ("identity, br", 415), ("identity", 200), ("Identity", 200)] {
        let headers = format!("Content-Encoding: {encoding}\r\n");
        let (found, answer) = ask(&host, "", &path(), &headers).await;
        assert_eq!(found, status, "{answer}");
        assert!(status == 200 || answer.contains("the body is compressed"), "{answer}");
    }
}

/// Reads what there is, up to the end of an answer in JSON.
async fn read(client: &mut DuplexStream) -> String {
    let mut answer = Vec::new();
    while !answer.ends_with(b"}") && !answer.ends_with(b"100 Continue\r\n\r\n") {
        let mut bytes = [0; 1024];
        let read = client.read(&mut bytes).await.unwrap();
        assert_ne!(read, 0, "{}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&bytes[..read]);
    }
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn a_client_that_waits_to_be_told_is_told_before_it_sends() {
    let host = setup()
        .tables("[server]\nbody_bytes_max = 100")
        .platform("kind = \"openim\"\nallow_networks = [\"192.0.2.0/24\"]")
        .start();
    let expect = |len: usize| {
        format!("POST /openim/{COMMAND} HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: {len}\r\n\r\n")
    };
    for (peer, len, status) in [("192.0.2.1", 101, "413"), ("198.51.100.1", 2, "403"), ("192.0.2.1", 2, "100")] {
        let (mut client, served) = connect(&host, Peer::new(peer.parse().unwrap()));
        client.write_all(expect(len).as_bytes()).await.unwrap();
        let answer = read(&mut client).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        if status == "100" {
            client.write_all(b"{}").await.unwrap();
            assert!(read(&mut client).await.starts_with("HTTP/1.1 200 "));
        }
        drop(client);
        served.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_trickles_is_refused_long_before_its_time_is_up() {
    let host = setup()
        .tables("[server]\nbody_bytes_per_second_min = 100")
        .platform("kind = \"openim\"\nanswer_within_ms = 15_000")
        .start();
    let head = format!("POST /openim/{COMMAND} HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n");
    for (bytes_per_100_ms, status) in [(9, "408"), (11, "200")] {
        let (mut client, served) = connect(&host, Peer::default());
        let began = tokio::time::Instant::now();
        client.write_all(head.as_bytes()).await.unwrap();
        let body = format!("{{{}}}", " ".repeat(998));
        for piece in body.as_bytes().chunks(bytes_per_100_ms) {
            tokio::time::advance(std::time::Duration::from_millis(100)).await;
            if client.write_all(piece).await.is_err() {
                break;
            }
            tokio::task::yield_now().await;
        }
        let answer = read(&mut client).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        assert!(began.elapsed().as_secs() < 13, "{:?}", began.elapsed());
        drop(client);
        served.await.unwrap();
    }
}
