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
    let served =
        tokio::spawn(
            async move { callgate::edge::converse(server, app, &settings, callgate::edge::Peer::default()).await },
        );
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
        ("POST /openim HTTP/1.1\r\nHost: h\r\na b: c\r\n\r\n", 400, "bad_head"),
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

const PATH: &str = "/openim/callbackBeforeAddFriendCommand";

/// The status of the last answer to these bytes, and the count of this refusal.
async fn refused(host: &TestHost, bytes: &[u8], reason: &str) -> (Option<u16>, f64) {
    let answer = answer(host, bytes).await;
    let status = answer.split("HTTP/1.1 ").filter_map(|answer| answer.get(..3)?.parse().ok()).last();
    (status, host.metric("callgate_refusals_total", &["platform=\"\"", &format!("reason=\"{reason}\"")]))
}

#[tokio::test]
async fn what_another_server_may_read_differently_is_refused() {
    for (head, status, reason) in [
        ("Host: h\r\nContent-Length: 2\r\nTransfer-Encoding: chunked", 400, "transfer_encoding"),
        ("Host: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 2", 400, "transfer_encoding"),
        ("Host: h\r\nTransfer-Encoding: gzip, chunked", 400, "transfer_encoding"),
        ("Host: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked", 400, "transfer_encoding"),
        ("Host: h\r\nTransfer-Encoding: identity", 400, "transfer_encoding"),
        ("Host: h\r\nContent-Length: 2\r\nContent-Length: 3", 400, "content_length"),
        ("Host: h\r\nContent-Length: 2\r\nContent-Length: 2", 400, "content_length"),
        ("Host: h\r\nContent-Length: 2, 2", 400, "content_length"),
        ("Host: h\r\nContent-Length: -2", 400, "content_length"),
        ("Host: h\r\nContent-Length: 0x2", 400, "content_length"),
        ("Host: h\r\nContent-Length: 18446744073709551614", 400, "content_length"),
        ("Host: h\r\nContent-Length: 18446744073709551615", 400, "content_length"),
        ("Host: h\r\nhost: h\r\nContent-Length: 2", 400, "host_header"),
        ("Content-Length: 2", 400, "host_header"),
        ("Host: h\nContent-Length: 2", 400, "bare_line_feed"),
        ("Host: h\r\nA: b\r\n c\r\nContent-Length: 2", 400, "folded_header"),
        ("Host: h\r\n\tA: b\r\nContent-Length: 2", 400, "folded_header"),
        ("Host: h\r\nContent-Length : 2", 400, "bad_head"),
        ("Host: h\r\nA: b\rc", 400, "bad_head"),
    ] {
        let host = setup().start();
        let good = format!("POST {PATH} HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{{}}");
        let bad = format!("POST {PATH} HTTP/1.1\r\n{head}\r\n\r\n{{}}");
        assert_eq!(refused(&host, bad.as_bytes(), reason).await, (Some(status), 1.0), "{head:?}");
        // After another request, and one byte at a time.
        let both = format!("{good}{bad}");
        assert_eq!(refused(&host, both.as_bytes(), reason).await, (Some(status), 2.0), "{head:?}");
        assert_eq!(by_byte(&host, both.as_bytes()).await.matches("HTTP/1.1 200").count(), 1, "{head:?}");
        assert_eq!(host.metric("callgate_callbacks_total", &[]), 2.0, "{head:?}");
    }
}

#[tokio::test]
async fn bodies_that_are_not_framed_or_not_whole_end_the_connection() {
    let chunked = "Host: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (rest, status, reason) in [
        (format!("{chunked}0x2\r\n{{}}\r\n0\r\n\r\n"), 400, "body_framing"),
        (format!("{chunked}2\n{{}}\r\n0\r\n\r\n"), 400, "body_framing"),
        (format!("{chunked}2\r\n{{}}\n0\r\n\r\n"), 400, "body_framing"),
        (format!("{chunked}2\r\n{{"), 408, "incomplete"),
        ("Host: h\r\nContent-Length: 3\r\n\r\n{}".to_owned(), 408, "incomplete"),
    ] {
        let host = setup().start();
        let answer = answer(&host, format!("POST {PATH} HTTP/1.1\r\n{rest}").as_bytes()).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{rest:?}: {answer}");
        assert!(answer.to_lowercase().contains("\r\nconnection: close\r\n"), "{rest:?}: {answer}");
        let label = format!("reason=\"{reason}\"");
        assert_eq!(host.metric("callgate_refusals_total", &[&label]), 1.0, "{rest:?}");
    }
}

#[tokio::test]
async fn a_body_that_is_too_long_to_be_read_to_its_end_ends_the_connection() {
    // Of a body that is too long, four times the maximum is read.
    let host = setup().tables("[server]\nbody_bytes_max = 1000").start();
    for (bytes, is_last) in [(4000, false), (5000, true)] {
        let head = format!("POST {PATH} HTTP/1.1\r\nHost: h\r\nContent-Length: {bytes}\r\n\r\n");
        let answer = answer(&host, format!("{head}{}", " ".repeat(bytes)).as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 413 "), "{bytes}: {answer}");
        assert_eq!(answer.to_lowercase().contains("\r\nconnection: close\r\n"), is_last, "{bytes}: {answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_request_ends_the_connection_exactly_if_its_body_was_not_read_to_its_end() {
    let tables = "[server]\nbody_bytes_max = 1000\n[[platform]]\nkind = \"openim\"\nname = \"net\"\npath = \"/net\"\n\
                  allow_networks = [\"192.0.2.0/24\"]";
    let host = setup().tables(tables).start();
    let stranger = callgate::edge::Peer { address: Some([198, 51, 100, 1].into()) };
    let lines =
        |path: &str, head: &str, body: String| format!("POST {path} HTTP/1.1\r\nHost: h\r\n{head}\r\n\r\n{body}");
    let of_length =
        |path: &str, told: usize, sent: usize| lines(path, &format!("Content-Length: {told}"), " ".repeat(sent));
    let (nowhere, net, get) = ("/nothing", "/net/callbackBeforeAddFriendCommand", "/openim/x");
    let chunked = "Transfer-Encoding: chunked";
    let waiting = "Expect: 100-continue\r\nContent-Length: 10";
    for (request, status, is_kept) in [
        (of_length(nowhere, 100, 100), 404, true),
        (of_length(nowhere, 0, 0), 404, true),
        (of_length(nowhere, 200_000, 200_000), 404, false),
        (of_length(nowhere, 100, 50), 404, false),
        (lines(nowhere, chunked, "5\r\nhello\r\n0\r\n\r\n".to_owned()), 404, true),
        (lines(nowhere, chunked, "5\r\nhello\r\n".to_owned()), 404, false),
        (lines(nowhere, waiting, String::new()), 404, false),
        (of_length(net, 100, 100), 403, true),
        (of_length(net, 4000, 4000), 403, true),
        (of_length(net, 5000, 5000), 403, false),
        (of_length(net, 100, 50), 403, false),
        (lines(net, chunked, "zz\r\n".to_owned()), 403, false),
        (lines(net, waiting, String::new()), 403, false),
        (lines(net, "Expect: 100-continue\r\nContent-Length: 0", String::new()), 403, true),
        (of_length(get, 100, 100).replace("POST", "PUT"), 405, true),
        (of_length(get, 100, 50).replace("POST", "PUT"), 405, false),
    ] {
        let (mut client, server) = tokio::io::duplex(1 << 20);
        let (app, settings) = (host.host().clone(), host.host().settings().server.clone());
        let served = tokio::spawn(async move { callgate::edge::converse(server, app, &settings, stranger).await });
        client.write_all(request.as_bytes()).await.unwrap();
        let (mut answer, mut byte) = (Vec::new(), [0]);
        while !answer.ends_with(b"}") {
            assert_eq!(client.read(&mut byte).await.unwrap(), 1, "{request:.100}");
            answer.extend_from_slice(&byte);
        }
        let answer = String::from_utf8(answer).unwrap().to_lowercase();
        assert!(answer.starts_with(&format!("http/1.1 {status} ")), "{request:.100}: {answer}");
        assert_eq!(!answer.contains("\r\nconnection: close\r\n"), is_kept, "{request:.100}: {answer}");
        // What is sent next is answered exactly then.
        let _ = client.write_all(of_length(nowhere, 0, 0).as_bytes()).await;
        let is_answered = client.read(&mut byte).await.is_ok_and(|read| read == 1);
        assert_eq!(is_answered, is_kept, "{request:.100}");
        drop(client);
        served.await.unwrap();
    }
}

/// As [`answer`], with each byte in a packet of its own.
async fn by_byte(host: &TestHost, bytes: &[u8]) -> String {
    let (mut client, server) = tokio::io::duplex(1);
    let (app, settings) = (host.host().clone(), host.host().settings().server.clone());
    let served = tokio::spawn(async move {
        callgate::edge::converse(server, app, &settings, callgate::edge::Peer::default()).await;
    });
    let (mut reader, mut writer) = tokio::io::split(&mut client);
    let mut answer = Vec::new();
    let write = async {
        let _ = writer.write_all(bytes).await;
        let _ = writer.shutdown().await;
    };
    let (_, read) = tokio::join!(write, reader.read_to_end(&mut answer));
    read.unwrap();
    served.await.unwrap();
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn what_is_not_common_but_right_is_answered() {
    let host = setup().start();
    let line = format!("POST {PATH} HTTP/1.");
    for request in [
        format!("{line}0\r\nContent-Length: 2\r\n\r\n{{}}"),
        format!("\r\n{line}1\r\nHost:\r\nContent-Length:2\r\n\r\n{{}}"),
        format!("{line}1\r\nhost: h\r\ntransfer-encoding: CHUNKED\r\n\r\n1;x=y\r\n{{\r\n01\r\n}}\r\n0\r\nA: b\r\n\r\n"),
    ] {
        for answer in [answer(&host, request.as_bytes()).await, by_byte(&host, request.as_bytes()).await] {
            assert!(answer.starts_with("HTTP/1.1 200 OK") || answer.starts_with("HTTP/1.0 200 OK"), "{answer}");
        }
    }
}

#[tokio::test]
async fn each_limit_of_a_head_is_exact() {
    let limits = "[server]\nhead_bytes_max = 1024\nuri_bytes_max = 256\nheaders_max = 8";
    let host = setup().tables(limits).start();
    // The rest of the line is a query, which platforms ignore.
    let uri = |bytes: usize| format!("{PATH}?{}", "x".repeat(bytes - PATH.len() - 1));
    let with = |uri: &str, headers: usize, bytes: usize| {
        let start = format!("POST {uri} HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n");
        let more: String = (3..headers).map(|number| format!("X-{number}: y\r\n")).collect();
        let fill = bytes.saturating_sub(start.len() + more.len() + 2 + "Fill: \r\n".len());
        format!("{start}{more}Fill: {}\r\n\r\n{{}}", "x".repeat(fill))
    };
    for (request, status) in [
        (with(&uri(256), 8, 1024), 200),
        (with(&uri(257), 8, 1024), 414),
        (with(PATH, 9, 0), 431),
        (with(PATH, 8, 1025), 431),
        (format!("POST /{}", "x".repeat(400)), 414),
    ] {
        let found = refused(&host, request.as_bytes(), "").await.0;
        assert_eq!(found, Some(status), "{request}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_head_that_comes_slowly_is_refused_and_one_that_never_begins_is_closed() {
    let host = setup().tables("[server]\nhead_within_ms = 3000").start();
    let good = format!("POST {PATH} HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{{}}");
    for (bytes, answers, seconds) in [
        (String::new(), vec![], 15),
        ("POST".to_owned(), vec!["408"], 3),
        (good.clone(), vec!["200"], 2 * 3600),
        (format!("{good}{}", &good[..50]), vec!["200", "408"], 3),
    ] {
        let began = tokio::time::Instant::now();
        let (mut client, server) = tokio::io::duplex(1 << 20);
        let (app, settings) = (host.host().clone(), host.host().settings().server.clone());
        let converse = callgate::edge::converse(server, app, &settings, callgate::edge::Peer::default());
        client.write_all(bytes.as_bytes()).await.unwrap();
        let mut answer = String::new();
        let (_, read) = tokio::join!(converse, client.read_to_string(&mut answer));
        read.unwrap();
        let statuses: Vec<_> = answer.split("HTTP/1.1 ").skip(1).map(|answer| &answer[..3]).collect();
        assert_eq!(statuses, answers, "{answer}");
        assert!(answer.is_empty() || answer.ends_with('}'), "{answer}");
        let took = began.elapsed().as_secs();
        assert!((seconds..=seconds + 1).contains(&took), "{took} instead of {seconds}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_time_for_a_head_does_not_run_while_the_client_takes_earlier_answers() {
    let host = setup().tables("[server]\nhead_within_ms = 3000").start();
    let good = format!("POST {PATH} HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{{}}");
    // There is room for all requests on the way, but not for their answers.
    let (mut client, server) = tokio::io::duplex(1024);
    let (app, settings) = (host.host().clone(), host.host().settings().server.clone());
    let converse = callgate::edge::converse(server, app, &settings, callgate::edge::Peer::default());
    let slow = async {
        let (half, rest) = good.split_at(50);
        client.write_all(format!("{}{half}", good.repeat(9)).as_bytes()).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_secs(8)).await;
        let (mut reader, mut writer) = tokio::io::split(client);
        let mut answers = String::new();
        let write = async {
            writer.write_all(rest.as_bytes()).await.unwrap();
            writer.shutdown().await.unwrap();
        };
        let (_, read) = tokio::join!(write, reader.read_to_string(&mut answers));
        read.unwrap();
        answers
    };
    let (_, answers) = tokio::join!(converse, slow);
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 10, "{answers}");
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
    // A client that sends a part of a head and waits: its head is refused when it takes too long.
    let (mut client, server) = tokio::io::duplex(1 << 20);
    let (app, settings) = (host.host().clone(), host.host().settings().server.clone());
    let converse = callgate::edge::converse(server, app, &settings, callgate::edge::Peer::default());
    client.write_all(b"P").await.unwrap();
    let mut refused = String::new();
    let (_, read) = tokio::join!(converse, client.read_to_string(&mut refused));
    read.unwrap();
    assert!(refused.starts_with("HTTP/1.1 408 "), "{refused}");
    let unfinished = host.metric("callgate_connections_ended_early_total", &["cause=\"unfinished\""]);
    assert_eq!(unfinished, 4.0);
    tokio::time::advance(std::time::Duration::from_secs(60)).await;
    answer(&host, b"\x16\x03\x01").await;
    assert_eq!(log.lines_with("cause=\"tls\"").len(), 2, "{}", log.text());
    let with_request = "POST /openim/callbackBeforeAddFriendCommand HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}";
    answer(&host, with_request.as_bytes()).await;
    assert_eq!(host.metric("callgate_connections_ended_early_total", &[]), 20.0);
}
