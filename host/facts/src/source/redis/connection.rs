//! The connection to a server or a cluster: opened when it is needed, reopened after a failure, shared by all requests.

use std::time::Duration;

use redis::aio::{ConnectionLike, ConnectionManager, ConnectionManagerConfig};
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::{Client, Cmd, IntoConnectionInfo, Pipeline, RedisError, TlsCertificates, Value};
use tokio::sync::OnceCell;

use crate::lookup::SourceError;
use crate::settings;
use crate::source::certificates::certificates;
use crate::source::template::Template;

/// A connection that is shared by concurrent requests (pipelining).
pub(super) enum Connection {
    Server { client: Client, within: Duration, open: OnceCell<ConnectionManager> },
    Cluster { client: ClusterClient, open: OnceCell<ClusterConnection> },
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
        let certificates = settings.ca.as_ref().map(|pem| authorities(pem)).transpose()?;
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
                Ok(Self::Server { client, within, open: OnceCell::new() })
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
                Ok(Self::Cluster { client: client.map_err(wrong)?, open: OnceCell::new() })
            }
        }
    }

    /// Sends a command, and returns the answer.
    ///
    /// # Errors
    /// What went wrong, without the command, which may contain a key.
    pub(super) async fn send(&self, command: &Cmd) -> Result<Value, String> {
        match self {
            Self::Server { client, within, open } => {
                server(client, *within, open).await?.req_packed_command(command).await
            }
            Self::Cluster { client, open } => cluster(client, open).await?.req_packed_command(command).await,
        }
        .and_then(Value::extract_error)
        .map_err(|error| words(&error))
    }

    /// Sends several commands at once, and returns their answers.
    ///
    /// # Errors
    /// As for [`Connection::send`].
    pub(super) async fn send_all(&self, commands: &Pipeline) -> Result<Vec<Value>, String> {
        match self {
            Self::Server { client, within, open } => {
                commands.query_async(&mut server(client, *within, open).await?).await
            }
            Self::Cluster { client, open } => commands.query_async(&mut cluster(client, open).await?).await,
        }
        .map_err(|error| words(&error))
    }
}

/// Checks the certificates of authorities, and passes them on as the client takes them.
fn authorities(pem: &str) -> Result<TlsCertificates, SourceError> {
    certificates(pem)?;
    Ok(TlsCertificates { client_tls: None, root_cert: Some(pem.as_bytes().to_vec()) })
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
    if Template::is_in(url) {
        return Err("must not have `{key}`: a plugin never chooses where to connect".to_owned());
    }
    url.into_connection_info().map(|_| ()).map_err(|error| no_url(&error))
}

fn no_url(error: &RedisError) -> String {
    format!("must be the address of a Redis server, such as \"redis://HOST:6379/0\" ({})", error.category())
}

/// Clones share the connection.
async fn server(
    client: &Client,
    within: Duration,
    open: &OnceCell<ConnectionManager>,
) -> Result<ConnectionManager, String> {
    let manager = open.get_or_try_init(|| async {
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(within))
            .set_response_timeout(Some(within))
            // The circuit breaker schedules retries.
            .set_number_of_retries(1)
            .set_max_delay(Duration::from_millis(100));
        ConnectionManager::new_lazy_with_config(client.clone(), config)
    });
    manager.await.cloned().map_err(|error| words(&error))
}

async fn cluster(client: &ClusterClient, open: &OnceCell<ClusterConnection>) -> Result<ClusterConnection, String> {
    open.get_or_try_init(|| client.get_async_connection()).await.cloned().map_err(|error| words(&error))
}

/// An error without the server's own words, which may quote a key; only its code.
fn words(error: &RedisError) -> String {
    match (error.code(), error.is_io_error() || error.is_timeout()) {
        (_, true) => callgate_catalogue::line::one_line(&format!("Redis cannot be reached: {error}")),
        (Some(code), _) => format!("Redis answered with the error {}", callgate_catalogue::line::one_line(code)),
        (None, _) => format!("the request to Redis failed: {}", error.category()),
    }
}
