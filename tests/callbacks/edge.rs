//! Connections that bring no request, and requests whose head is refused before anybody reads it.

use callgate_dialects::explain::Outcome;
use callgate_dialects::table::CHAT_SERVERS;
use harness::{TestHost, log, setup};
use plugin_sdk::wire::Phase;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// What is answered to these bytes, after which nothing more comes.
async fn answer(host: &TestHost, bytes: &[u8]) -> String {
    let (mut client, server) = tokio::io::duplex(1 << 20);
    let (app, settings) = (host.host().clone(), host.host().settings().server.clone());
    let served = tokio::spawn(async move { callgate::edge::converse(server, app, &settings).await });
    client.write_all(bytes).await.unwrap();
    client.shutdown().await.unwrap();
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).await.unwrap();
    served.await.unwrap();
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn what_is_refused_by_its_head_has_a_body_that_each_chat_server_reads_as_a_refusal() {
    let host = setup().start();
    let too_long = format!("POST /{} HTTP/1.1\r\nHost: h\r\n\r\n", "x".repeat(70_000));
    let headers: String = (0..200).map(|n| format!("x-{n}: y\r\n")).collect();
    let too_many = format!("POST /openim HTTP/1.1\r\n{headers}\r\n");
    for (bytes, status, reason) in [
        ("hello there\r\n\r\n", 400, "bad_head"),
        ("POST /openim HTTP/1.1\r\na b: c\r\n\r\n", 400, "bad_head"),
        (&too_long, 414, "uri_too_long"),
        (&too_many, 431, "head_too_large"),
    ] {
        let answer = answer(&host, bytes.as_bytes()).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{reason}: {answer:?}"));
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
        assert!(head.contains(format!("content-length: {}\r\n", body.len()).trim_end()), "{head}");
        assert!(head.contains("connection: close") && head.contains("content-type: application/json"), "{head}");
        let members: Value = serde_json::from_str(body).unwrap();
        assert_eq!(
            (&members["ActionStatus"], &members["errCode"]),
            (&"FAIL".into(), &(5000 + status).into()),
            "{body}"
        );
        for server in CHAT_SERVERS {
            let commands = server.protocol().commands;
            let command = commands.iter().find(|command| command.phase == Phase::Before).unwrap();
            let outcome = server.explain(command, "{}", status, body.as_bytes()).outcome;
            assert!(matches!(outcome, Outcome::Denied { .. } | Outcome::Broken { .. }), "{outcome:?}");
        }
        let label = format!("reason=\"{reason}\"");
        assert!(host.metric("callgate_refusals_total", &["platform=\"\"", &label]) >= 1.0, "{reason}");
    }
}

#[tokio::test]
async fn a_request_before_a_bad_one_on_the_same_connection_has_its_answer() {
    let host = setup().start();
    let good = "POST /openim/callbackBeforeAddFriendCommand HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}";
    let answer = answer(&host, format!("{good}{good}nonsense\r\n\r\n").as_bytes()).await;
    assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 2, "{answer}");
    assert_eq!(answer.matches("HTTP/1.1 400 Bad Request").count(), 1, "{answer}");
    assert!(answer.ends_with('}'), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn connections_that_bring_no_request_are_counted_by_their_cause_and_told_once_a_minute() {
    let log = log::capture();
    let host = setup().start();
    for (bytes, cause, advice) in [
        (&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..], "tls", "this port speaks plain HTTP"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "http2", "this port speaks HTTP/1.1 only"),
        (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n", "proxy_protocol", "turn it off in the proxy"),
        (b"\x00\x01\x02", "not_http", "is not HTTP/1.1"),
        (b"POST /openim", "unfinished", ""),
        (b"", "silent", ""),
    ] {
        let count = || host.metric("callgate_connections_ended_early_total", &[&format!("cause=\"{cause}\"")]);
        assert_eq!(count(), 0.0);
        for _ in 0..3 {
            answer(&host, bytes).await;
        }
        assert_eq!(count(), 3.0, "{cause}");
        let told = log.lines_with("WARN").into_iter().filter(|line| line.contains(&format!("cause=\"{cause}\"")));
        let told: Vec<_> = told.collect();
        assert_eq!(told.len(), usize::from(!advice.is_empty()), "{cause}: {told:#?}");
        assert!(told.iter().all(|line| line.contains(advice)), "{cause}: {told:#?}");
    }
    tokio::time::advance(std::time::Duration::from_secs(60)).await;
    answer(&host, b"\x16\x03\x01").await;
    assert_eq!(log.lines_with("cause=\"tls\"").len(), 2, "{}", log.text());
    let with_request = "POST /openim/callbackBeforeAddFriendCommand HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}";
    answer(&host, with_request.as_bytes()).await;
    assert_eq!(host.metric("callgate_connections_ended_early_total", &[]), 19.0);
}
