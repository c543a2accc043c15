//! The connection to a server or a cluster: opened when it is needed, reopened after a failure, shared by all requests.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::aio::{ConnectionLike, ConnectionManager, ConnectionManagerConfig};
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::{Client, Cmd, IntoConnectionInfo, Pipeline, RedisError, TlsCertificates, Value};
use tokio::sync::OnceCell;
use tokio::time::Instant;

use crate::lookup::SourceError;
use crate::settings;
use crate::source::remote::Failed;
use crate::source::template::Template;

/// A connection that is shared by concurrent requests (pipelining).
pub(super) enum Connection {
    Server { client: Client, within: Duration, open: Slot<ConnectionManager> },
    Cluster { client: ClusterClient, open: Slot<ClusterConnection> },
}

/// The connection in use.
pub(super) struct Slot<C>(Mutex<Arc<Opened<C>>>);

pub(super) struct Opened<C> {
    /// When it was opened, or when it last answered.
    alive: Mutex<Instant>,
    connection: OnceCell<C>,
}

impl<C> Opened<C> {
    fn new() -> Self {
        Self { alive: Mutex::new(Instant::now()), connection: OnceCell::new() }
    }

    fn alive(&self) -> MutexGuard<'_, Instant> {
        self.alive.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C> Slot<C> {
    fn new() -> Self {
        Self(Mutex::new(Arc::new(Opened::new())))
    }

    fn get(&self) -> Arc<Opened<C>> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Makes the next request open a new connection, unless this one was opened or has answered after `asked`: then
    /// only one request is slow, or the server.
    fn renew(&self, asked: Instant) {
        let mut opened = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_silent = *opened.alive() <= asked;
        if is_silent {
            *opened = Arc::new(Opened::new());
        }
    }
}

impl Connection {
    /// Checks the addresses, without connecting yet.
    ///
    /// # Errors
    /// If an address is wrong.
    pub(super) fn new(settings: &settings::Redis) -> Result<Self, SourceError> {
        let wrong = |error: RedisError| SourceError(format!("`url`: {}", no_url(&error)));
        let password = settings.password.as_ref().map(settings::Secret::expose);
        for url in &settings.urls {
            check_url(url).map_err(|what| SourceError(format!("`url`: {what}")))?;
        }
        let certificates = settings
            .ca
            .as_ref()
            .map(|pem| TlsCertificates { client_tls: None, root_cert: Some(pem.as_bytes().to_vec()) });
        let within = settings.remote.question_within();
        match (settings.is_cluster, settings.urls.as_slice()) {
            (_, []) => Err(SourceError("`url`: name at least one server".to_owned())),
            (false, [url]) => {
                let info = url.as_str().into_connection_info().map_err(wrong)?;
                let mut redis = info.redis_settings().clone();
                if !settings.username.is_empty() {
                    redis = redis.set_username(&settings.username);
                }
                if let Some(password) = password {
                    redis = redis.set_password(password);
                }
                let info = info.set_redis_settings(redis);
                let client = match certificates {
                    Some(certificates) => Client::build_with_tls(info, certificates).map_err(wrong)?,
                    None => Client::open(info).map_err(wrong)?,
                };
                Ok(Self::Server { client, within, open: Slot::new() })
            }
            (false, _) => Err(SourceError("`url`: more than one server requires `cluster = true`".to_owned())),
            (true, urls) => {
                let mut builder = ClusterClient::builder(urls.iter().map(String::as_str));
                if !settings.username.is_empty() {
                    builder = builder.username(&settings.username);
                }
                if let Some(password) = password {
                    builder = builder.password(password);
                }
                if let Some(certificates) = certificates {
                    builder = builder.certs(certificates);
                }
                let client = builder.connection_timeout(within).response_timeout(within).retries(1).build();
                Ok(Self::Cluster { client: client.map_err(wrong)?, open: Slot::new() })
            }
        }
    }

    /// Sends a command, and returns the answer.
    ///
    /// # Errors
    /// What went wrong, without the command, which may contain a key.
    pub(super) async fn send(&self, command: &Cmd) -> Result<Value, Failed> {
        let asked = Instant::now();
        match self {
            Self::Server { client, within, open } => {
                let opened = open.get();
                let answer = server(client, *within, &opened).await?.req_packed_command(command).await;
                answered(&opened, answer)
            }
            Self::Cluster { client, open } => cluster(client, &open.get()).await?.req_packed_command(command).await,
        }
        .and_then(Value::extract_error)
        .map_err(|error| self.failed(error, asked))
    }

    /// Sends several commands at once, and returns their answers.
    ///
    /// # Errors
    /// As for [`Connection::send`].
    pub(super) async fn send_all(&self, commands: &Pipeline) -> Result<Vec<Value>, Failed> {
        let asked = Instant::now();
        match self {
            Self::Server { client, within, open } => {
                let opened = open.get();
                let answers = commands.query_async(&mut server(client, *within, &opened).await?).await;
                answered(&opened, answers)
            }
            Self::Cluster { client, open } => commands.query_async(&mut cluster(client, &open.get()).await?).await,
        }
        .map_err(|error| self.failed(error, asked))
    }

    fn failed(&self, error: RedisError, asked: Instant) -> Failed {
        if error.is_timeout() {
            self.renew(asked);
        }
        failed(error)
    }

    /// Replaces the connection if it has not answered since `asked`, when a request was sent that got no answer in
    /// time. Otherwise a dead peer is noticed only after minutes. Of a cluster, nodes that answer do not count: the
    /// connection that is silent may be that to another node.
    pub(super) fn renew(&self, asked: Instant) {
        match self {
            Self::Server { open, .. } => open.renew(asked),
            Self::Cluster { open, .. } => open.renew(asked),
        }
    }
}

/// Checks the URL of a server, or of a node of a cluster.
///
/// # Errors
/// What is wrong with it, worded to follow its name.
pub(super) fn check_url(url: &str) -> Result<(), String> {
    let (_, rest) = url.split_once("://").unwrap_or_default();
    // The URL of a Unix socket has them in its query.
    let is_credential = |pair: &str| matches!(pair.split('=').next(), Some("user" | "pass"));
    if rest.contains('@') || rest.split_once('?').is_some_and(|(_, query)| query.split('&').any(is_credential)) {
        return Err("must not contain a user and password: write them into `username` and `password`".to_owned());
    }
    if rest.contains('#') {
        return Err("must not have a fragment (`#…`): TLS is never used without checking certificates".to_owned());
    }
    if Template::is_in(url) {
        return Err("must not have `{key}`: a plugin never chooses where to connect".to_owned());
    }
    url.into_connection_info().map(|_| ()).map_err(|error| no_url(&error))
}

fn no_url(error: &RedisError) -> String {
    format!("must be the address of a Redis server, such as \"redis://HOST:6379/0\" ({})", error.category())
}

/// Notes that a connection has answered, with a value or with an error.
fn answered<C, T>(opened: &Opened<C>, answer: Result<T, RedisError>) -> Result<T, RedisError> {
    if answer.as_ref().err().is_none_or(|error| !error.is_io_error() && !error.is_timeout()) {
        *opened.alive() = Instant::now();
    }
    answer
}

/// Clones share the connection.
async fn server(
    client: &Client,
    within: Duration,
    open: &Opened<ConnectionManager>,
) -> Result<ConnectionManager, Failed> {
    let manager = open.connection.get_or_try_init(|| async {
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(within))
            // Each request has a time limit already.
            .set_response_timeout(None)
            // The circuit breaker schedules retries.
            .set_number_of_retries(1)
            .set_max_delay(Duration::from_millis(100));
        ConnectionManager::new_lazy_with_config(client.clone(), config)
    });
    manager.await.cloned().map_err(failed)
}

async fn cluster(client: &ClusterClient, open: &Opened<ClusterConnection>) -> Result<ClusterConnection, Failed> {
    let connection = open.connection.get_or_try_init(|| client.get_async_connection());
    connection.await.cloned().map_err(failed)
}

/// An error without the server's own words, which may quote a key; only its code.
fn failed(error: RedisError) -> Failed {
    let line = callgate_catalogue::line::one_line;
    if error.is_io_error() || error.is_timeout() {
        return Failed::Source(line(&format!("Redis cannot be reached: {error}")));
    }
    let what = format!("the request to Redis failed: {}", error.category());
    let errors = error.into_server_errors();
    let Some((_, error)) = errors.as_deref().and_then(<[_]>::first) else { return Failed::Source(what) };
    let what = format!("Redis answered with the error {}", line(error.code()));
    match is_about_the_key(error.code(), error.details().unwrap_or_default()) {
        true => Failed::Value(what),
        false => Failed::Source(what),
    }
}

/// Whether an error is about the value of this key: others have usable values.
fn is_about_the_key(code: &str, detail: &str) -> bool {
    let numbers = ["not an integer", "not a valid float", "would overflow", "out of range"];
    code == "WRONGTYPE" || code == "ERR" && numbers.iter().any(|number| detail.contains(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_has_answered_since_is_not_replaced() {
        let slot = Slot::<()>::new();
        let opened = slot.get();
        tokio::time::advance(Duration::from_millis(1)).await;
        let asked = Instant::now();
        tokio::time::advance(Duration::from_millis(1)).await;
        answered(&opened, Ok(())).unwrap();
        slot.renew(asked);
        assert!(Arc::ptr_eq(&opened, &slot.get()), "only that request was slow");
        slot.renew(Instant::now());
        assert!(!Arc::ptr_eq(&opened, &slot.get()));
        // Those who have waited for the old one do not close the new one.
        let renewed = slot.get();
        slot.renew(asked);
        assert!(Arc::ptr_eq(&renewed, &slot.get()));
    }
}
