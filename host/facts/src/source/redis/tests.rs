//! Tests against a real server; skipped unless `redis-server` is installed.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use callgate_catalogue::wire::Why;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::*;
use crate::lookup::{LookedUp, Purpose, Source as _};
use crate::settings::Secret;
use crate::source::remote::Remote;

/// A server on its own port; it is stopped on drop.
struct Server {
    child: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Server {
    /// `None`, with a message, if Redis is not installed.
    fn start(more: &[&str]) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let mut command = Command::new("redis-server");
        command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
        command.args(["--dir", folder.path().to_str().unwrap()]).args(more).stdout(Stdio::null());
        match command.spawn() {
            Ok(child) => Some(Self { child, port, _folder: folder }),
            Err(error) => {
                let why =
                    format!("SKIPPED: redis-server cannot be started ({error}): install the package redis-server");
                assert!(std::env::var_os("CALLGATE_REQUIRE_GUESTS").is_none(), "{why}");
                eprintln!("{why}");
                None
            }
        }
    }

    fn settings(&self, command: RedisCommand) -> settings::Redis {
        settings::Redis {
            remote: settings::Remote { within: Some(Duration::from_secs(20)), ..Default::default() },
            urls: vec![format!("redis://127.0.0.1:{}/0", self.port)],
            is_cluster: false,
            username: String::new(),
            password: None,
            ca: None,
            command,
            is_json: false,
            is_writable: true,
        }
    }
}

fn free_port() -> u16 {
    // The cluster's own protocol uses the port 10 000 above.
    loop {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        if port < 55_000 {
            return port;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn get(name: &str) -> RedisCommand {
    RedisCommand::Get { name: name.to_owned() }
}

/// Fails instead of waiting for ever.
async fn soon<T>(it: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), it).await.expect("redis-server does not answer as it should")
}

/// Retries until the server has started.
async fn ask(redis: &Redis, key: &str) -> Result<Option<String>, String> {
    soon(async {
        loop {
            match Ask::ask(redis, key).await {
                Err(error) if error.to_string().contains("cannot be reached") => tokio::task::yield_now().await,
                answer => {
                    return answer.map(|value| value.map(|value| value.to_string())).map_err(|error| error.to_string());
                }
            }
        }
    })
    .await
}

async fn change(redis: &Redis, key: &str, change: Change<'_>) {
    Ask::change(redis, key, &change, Some(60_000)).unwrap().await.unwrap();
}

#[tokio::test]
async fn values_are_read_and_changed() {
    let Some(server) = Server::start(&[]) else { return };
    let redis = Redis::new(&server.settings(get("user:{key}:ban"))).unwrap();
    assert_eq!(ask(&redis, "u1").await, Ok(None));
    change(&redis, "u1", Change::Set("\"a \\\"b\\\"\"".into())).await;
    assert_eq!(ask(&redis, "u1").await, Ok(Some("\"a \\\"b\\\"\"".to_owned())));
    // Any key is a single name.
    for key in ["a/b", "?", "#", "\r\nDEL user:u1:ban\r\n", "..", "\0", "{key}", " ", &"k".repeat(65_536)] {
        change(&redis, key, Change::Set("7".into())).await;
        assert_eq!(ask(&redis, key).await, Ok(Some("\"7\"".to_owned())), "{key:?}");
    }
    change(&redis, "u1", Change::Remove).await;
    assert_eq!(ask(&redis, "u1").await, Ok(None));
    change(&redis, "n", Change::Add(3)).await;
    let json = Redis::new(&settings::Redis { is_json: true, ..server.settings(get("user:{key}:ban")) }).unwrap();
    assert_eq!(ask(&json, "n").await, Ok(Some("3".to_owned())));
    change(&redis, "n", Change::Set("\"no json\"".into())).await;
    assert!(ask(&json, "n").await.unwrap_err().contains("not JSON"));
    change(&redis, "long", Change::Set("\"123456789\"".into())).await;
    for (answer_bytes_max, is_short) in [(9, true), (8, false)] {
        let mut settings = server.settings(get("user:{key}:ban"));
        settings.remote.answer_bytes_max = answer_bytes_max;
        let answer = ask(&Redis::new(&settings).unwrap(), "long").await;
        assert_eq!(answer.is_err_and(|why| why.contains("`answer_bytes_max`")), !is_short);
    }

    let (name, field) = ("users".to_owned(), "{key}".to_owned());
    let hash = Redis::new(&server.settings(RedisCommand::HashGet { name: name.clone(), field })).unwrap();
    change(&hash, "u1", Change::Add(2)).await;
    assert_eq!(ask(&hash, "u1").await, Ok(Some("\"2\"".to_owned())));
    assert_eq!(ask(&hash, "u2").await, Ok(None));
    // The value has a type that the command does not accept.
    let set = Redis::new(&server.settings(RedisCommand::IsMember { name, member: "{key}".to_owned() })).unwrap();
    let error = ask(&set, "u1").await.unwrap_err();
    assert!(error.contains("WRONGTYPE"), "{error}");
    let member = RedisCommand::IsMember { name: "banned".to_owned(), member: "{key}".to_owned() };
    let set = Redis::new(&server.settings(member)).unwrap();
    change(&set, "u1", Change::Set("true".into())).await;
    assert_eq!((ask(&set, "u1").await, ask(&set, "u2").await), (Ok(Some("true".to_owned())), Ok(None)));
    let readable = Redis::new(&settings::Redis { is_writable: false, ..server.settings(get("{key}")) }).unwrap();
    assert!(Ask::change(&readable, "u1", &Change::Remove, None).is_none());
}

#[tokio::test]
async fn a_key_of_another_type_says_nothing_about_the_others() {
    let Some(server) = Server::start(&[]) else { return };
    let redis = |command| Redis::new(&server.settings(command)).unwrap();
    let (text, list) =
        (redis(get("{key}")), redis(RedisCommand::IsMember { name: "{key}".into(), member: "m".into() }));
    assert_eq!(ask(&text, "text").await, Ok(None));
    change(&text, "text", Change::Set("\"no number\"".into())).await;
    change(&list, "set", Change::Set("true".into())).await;
    let is_value = |failed: &Failed| matches!(failed, Failed::Value(_));
    assert!(is_value(&Ask::ask(&text, "set").await.unwrap_err()));
    assert!(is_value(&Ask::ask(&list, "text").await.unwrap_err()));
    let add = Ask::change(&text, "text", &Change::Add(1), None).unwrap().await;
    assert!(is_value(&add.unwrap_err()));
    // Several commands at once, of which one fails.
    let count = RedisCommand::Count { name: "{key}".into(), window: Duration::from_secs(60), counts_callbacks: false };
    let counts = redis(count);
    let window = format!("{{u}}:{}", now_unix_ms() / 60_000);
    change(
        &redis(RedisCommand::IsMember { name: "{key}".into(), member: "m".into() }),
        &window,
        Change::Set("true".into()),
    )
    .await;
    assert!(is_value(&Ask::ask(&counts, "u").await.unwrap_err()));
    assert_eq!(ask(&text, "other").await, Ok(None));
}

#[tokio::test]
async fn a_connection_without_answers_is_replaced() {
    let Some(server) = Server::start(&[]) else { return };
    // Passes everything on, but swallows what comes over the first `dead` connections.
    let proxy = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = proxy.local_addr().unwrap().port();
    let (dead, accepted, behind) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)), server.port);
    let (its_dead, its_accepted) = (Arc::clone(&dead), Arc::clone(&accepted));
    tokio::spawn(async move {
        while let Ok((mut client, _)) = proxy.accept().await {
            let number = its_accepted.fetch_add(1, Ordering::SeqCst) + 1;
            let dead = Arc::clone(&its_dead);
            tokio::spawn(async move {
                let mut redis = TcpStream::connect(("127.0.0.1", behind)).await.unwrap();
                let (mut request, mut answer) = ([0; 4096], [0; 4096]);
                loop {
                    tokio::select! {
                        Ok(read) = client.read(&mut request) => {
                            let is_dead = dead.load(Ordering::SeqCst) >= number;
                            if read == 0 || !is_dead && redis.write_all(&request[..read]).await.is_err() { return; }
                        }
                        Ok(read) = redis.read(&mut answer) => {
                            if read == 0 || client.write_all(&answer[..read]).await.is_err() { return; }
                        }
                    }
                }
            });
        }
    });
    let mut settings =
        settings::Redis { urls: vec![format!("redis://127.0.0.1:{port}/0")], ..server.settings(get("{key}")) };
    assert_eq!(ask(&Redis::new(&settings).unwrap(), "u").await, Ok(None), "it has started");
    settings.remote.within = Some(Duration::from_millis(300));
    let redis = Remote::new("f", Redis::new(&settings).unwrap(), &settings.remote, &Arc::default());
    let look_up = async || match redis.look_up("u", Purpose::Decide, 0) {
        LookedUp::Later(answer) => answer.await.value,
        LookedUp::Now(answer) => answer.value,
    };
    soon(async { while look_up().await != Err(Why::Absent) {} }).await;
    dead.store(accepted.load(Ordering::SeqCst), Ordering::SeqCst);
    assert!(matches!(look_up().await, Err(Why::Late | Why::Failed)));
    soon(async { while look_up().await != Err(Why::Absent) {} }).await;
}

#[tokio::test]
async fn windows_are_counted_by_all_hosts_together() {
    let Some(server) = Server::start(&[]) else { return };
    let command = RedisCommand::Count {
        name: "sent:{key}".to_owned(),
        window: Duration::from_millis(1000),
        counts_callbacks: true,
    };
    let redis = [(); 2].map(|()| Redis::new(&server.settings(command.clone())).unwrap());
    soon(async {
        while redis[0].0.count("sent:u", 1000, false, 0).await.is_err() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let count =
        async |host: usize, adds, now| redis[host].0.count("sent:u", 1000, adds, now).await.unwrap().to_string();
    assert_eq!(count(0, true, 10_000).await, "1");
    assert_eq!(count(1, true, 10_999).await, "2");
    assert_eq!(count(0, false, 10_999).await, "2");
    assert_eq!(count(0, true, 11_500).await, "2", "one, and half of the two of the window before");
    assert_eq!(count(0, false, 13_000).await, "0");
    assert!(redis[0].counts());
}

#[tokio::test]
async fn a_password_is_needed_where_there_is_one_and_never_shown() {
    let Some(server) = Server::start(&["--requirepass", "s3cret"]) else { return };
    let with = |password: Option<&str>| settings::Redis {
        password: password.map(|password| Secret::new(password.to_owned())),
        ..server.settings(get("{key}"))
    };
    assert_eq!(ask(&Redis::new(&with(Some("s3cret"))).unwrap(), "u").await, Ok(None));
    for wrong in [None, Some("t0psecret")] {
        let error = ask(&Redis::new(&with(wrong)).unwrap(), "u").await.unwrap_err();
        assert!(!error.contains("t0psecret"), "{error}");
    }
    assert!(!format!("{:?}", with(Some("s3cret"))).contains("s3cret"));
}

#[tokio::test]
async fn a_server_with_tls_is_believed_only_with_a_certificate_that_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let file = |name: &str, text: String| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (certificate, key) = (file("cert.pem", made.cert.pem()), file("key.pem", made.signing_key.serialize_pem()));
    let port = free_port().to_string();
    let tls =
        ["--tls-port", &port, "--tls-cert-file", &certificate, "--tls-key-file", &key, "--tls-auth-clients", "no"];
    let Some(server) = Server::start(&tls) else { return };
    let with = |ca: Option<String>| settings::Redis {
        urls: vec![format!("rediss://127.0.0.1:{port}/0")],
        ca,
        ..server.settings(get("{key}"))
    };
    assert_eq!(ask(&Redis::new(&with(Some(made.cert.pem()))).unwrap(), "u").await, Ok(None));
    let public = Redis::new(&with(None)).unwrap();
    let error = Ask::ask(&public, "u").await.unwrap_err().to_string();
    assert!(error.contains("certificate"), "{error}");
}

#[tokio::test]
async fn a_cluster_is_asked_at_the_node_that_has_the_key() {
    let node = || Server::start(&["--cluster-enabled", "yes"]);
    let (Some(one), Some(other)) = (node(), node()) else { return };
    let send = async |server: &Server, command: &[&str]| {
        let client = redis::Client::open(format!("redis://127.0.0.1:{}", server.port)).unwrap();
        let sent = async {
            loop {
                if let Ok(mut connection) = client.get_multiplexed_async_connection().await {
                    let mut it = redis::cmd(command[0]);
                    return it.arg(&command[1..]).query_async::<Value>(&mut connection).await.unwrap();
                }
                tokio::task::yield_now().await;
            }
        };
        soon(sent).await
    };
    send(&one, &["CLUSTER", "ADDSLOTSRANGE", "0", "8191"]).await;
    send(&other, &["CLUSTER", "ADDSLOTSRANGE", "8192", "16383"]).await;
    send(&one, &["CLUSTER", "MEET", "127.0.0.1", &other.port.to_string()]).await;
    for server in [&one, &other] {
        soon(async {
            while !format!("{:?}", send(server, &["CLUSTER", "INFO"]).await).contains("cluster_state:ok") {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
    let cluster = settings::Redis { is_cluster: true, ..one.settings(get("user:{key}")) };
    let redis = Redis::new(&cluster).unwrap();
    for key in 0..20 {
        change(&redis, &key.to_string(), Change::Set(key.to_string().into())).await;
        assert_eq!(ask(&redis, &key.to_string()).await, Ok(Some(format!("\"{key}\""))));
    }
    for server in [&one, &other] {
        assert!(matches!(send(server, &["DBSIZE"]).await, Value::Int(1..20)), "each node has some of the keys");
    }
    let command =
        RedisCommand::Count { name: "sent:{key}".to_owned(), window: Duration::from_secs(60), counts_callbacks: true };
    let counts = Redis::new(&settings::Redis { command, ..cluster }).unwrap();
    assert_eq!(ask(&counts, "u1").await, Ok(Some("1".to_owned())));
    assert_eq!(ask(&counts, "u1").await, Ok(Some("2".to_owned())));
}

#[test]
fn wrong_settings_are_reported() {
    let settings = |urls: &[&str], command| settings::Redis {
        remote: Default::default(),
        urls: urls.iter().map(ToString::to_string).collect(),
        is_cluster: false,
        username: String::new(),
        password: None,
        ca: None,
        command,
        is_json: false,
        is_writable: false,
    };
    let wrong = |urls: &[&str], command| Redis::new(&settings(urls, command)).unwrap_err().to_string();
    let local = "redis://127.0.0.1/";
    assert!(wrong(&[local], get("ban")).contains("no `{key}`"));
    assert!(wrong(&[local], RedisCommand::HashGet { name: "a".into(), field: "b".into() }).contains("neither"));
    assert!(wrong(&["http://127.0.0.1"], get("{key}")).contains("the address of a Redis server"));
    for credentials in ["redis://:pw@127.0.0.1", "redis+unix:///run/redis.sock?db=1&pass=pw"] {
        let error = wrong(&[credentials], get("{key}"));
        assert!(error.contains("`password`") && !error.contains("pw"), "{error}");
    }
    assert!(wrong(&[local, local], get("{key}")).contains("`cluster = true`"));
    assert!(wrong(&[], get("{key}")).contains("at least one"));
}
