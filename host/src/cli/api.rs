//! How commands talk to a running host: its admin API.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use callgate_dialects::Secret;
use callgate_terminal::{Exit, Failure};
use http::{HeaderValue, Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::edge::{TlsError, trusting};
use crate::settings::{Address, Draft, Problem, Secrets, Settings, TlsFiles, listen_at};

/// Which running host is meant.
#[derive(Debug, clap::Args)]
pub(super) struct Running {
    /// The settings file that the host was started with; [admin] has the address
    #[arg(long, value_name = "FILE", required_unless_present = "admin")]
    settings: Option<PathBuf>,

    /// The address of its admin listener, such as 127.0.0.1:8081 [default: from the settings]
    #[arg(long, value_name = "ADDRESS", value_parser = admin_address)]
    admin: Option<Named>,
}

/// The address given with `--admin`.
#[derive(Debug, Clone)]
struct Named {
    address: Address,
    is_https: bool,
}

/// The variable with the token of the admin listener, for use without the settings file.
const TOKEN: &str = "CALLGATE_ADMIN_TOKEN";

/// A client of a running host's admin API.
#[derive(Debug)]
pub(super) struct Api {
    address: Address,
    tls: Option<TlsFiles>,
    token: Option<Secret>,
    /// Where the address comes from, for messages.
    place: String,
}

/// Time to connect. The host is on this machine, or close to it.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);

/// Time for an answer that needs no work.
pub(super) const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Maximum size of an answer, in bytes.
const ANSWER_BYTES_MAX: usize = 64 << 20;

impl Running {
    /// The host that was started with this settings file.
    pub(super) fn of(settings: PathBuf) -> Self {
        Self { settings: Some(settings), admin: None }
    }

    /// The settings file, if it was named.
    pub(super) fn settings(&self) -> Option<&Path> {
        self.settings.as_deref()
    }

    /// A client of that host.
    ///
    /// # Errors
    /// If the settings do not say where its admin listener is.
    pub(super) fn api(&self) -> Result<Api, Failure> {
        let token = std::env::var(TOKEN).ok().filter(|token| !token.is_empty()).map(Secret::new);
        let draft = self.settings.as_deref().map(|path| Settings::draft(path, Secrets::Read));
        if let Some(draft) = &draft {
            self.has_no_mistake(draft, token.is_some())?;
        }
        // With other mistakes in it, the file still says where the host listens that it was started with.
        let Draft { settings, problems, .. } =
            draft.unwrap_or(Draft { settings: None, problems: Vec::new(), seen: Vec::new() });
        let admin = settings.as_ref().and_then(|settings| settings.admin.clone());
        let (tls, written) = admin.clone().map_or((None, None), |admin| (admin.tls, admin.token));
        let token = written.or(token);
        if let Some(Named { address, is_https }) = self.admin.clone() {
            // With https, the token is never sent without encryption.
            if is_https && tls.is_none() {
                let text =
                    "with https, --settings is needed, too: `tls` under [admin] says which certificate is trusted";
                return Err(Failure::new(Exit::Usage, anyhow::anyhow!(text)));
            }
            return Ok(Api { address, tls, token, place: "--admin".to_owned() });
        }
        let path = self.settings.as_deref().unwrap_or(Path::new(""));
        if settings.is_none() {
            let text = format!(
                "{} does not say where the host's admin listener is: correct it, or give the address with --admin, by \
                 default 127.0.0.1:8081\n{}",
                path.display(),
                lines(&problems)
            );
            return Err(Failure::new(Exit::Settings, anyhow::anyhow!(text)));
        }
        match admin.map(|admin| admin.listen) {
            Some(Address::Tcp(address)) if address.port() == 0 => {
                let text = "[admin] listen has port 0, so only the host's log says where it listens: give that address \
                            with --admin";
                Err(Failure::new(Exit::Settings, anyhow::anyhow!(text)))
            }
            Some(address) => {
                let place = format!("[admin] listen of {}", path.display());
                Ok(Api { address: own(address), tls, token, place })
            }
            None => {
                let text = "the settings have no admin listener (`off = true` under [admin]), so nothing can be asked \
                            of the running host: turn it on and restart, or send SIGHUP for a reload";
                Err(Failure::new(Exit::Settings, anyhow::anyhow!(text)))
            }
        }
    }

    /// Fails if the settings have a mistake under [admin] that concerns this command. In place of what is wrong there
    /// is a default in the draft: another host could be asked, and be sent the token of this one, or be sent it without
    /// encryption.
    fn has_no_mistake(&self, draft: &Draft, has_token: bool) -> Result<(), Failure> {
        let is_about = |problem: &Problem, key: &str| {
            problem.key.strip_prefix(key).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let concerns = |problem: &&Problem| match problem {
            problem if is_about(problem, "admin.listen") => self.admin.is_none(),
            problem if is_about(problem, "admin.token") => !has_token,
            _ => true,
        };
        let mistakes: Vec<_> = draft.mistakes_in("admin").filter(concerns).cloned().collect();
        if mistakes.is_empty() || draft.settings.is_none() {
            return Ok(());
        }
        let token = match mistakes.iter().any(|problem| is_about(problem, "admin.token")) {
            true => format!(", or put the token into the variable {TOKEN}"),
            false => String::new(),
        };
        let text = format!(
            "no host was asked, because [admin] in the settings has a mistake: correct it{token}\n{}",
            lines(&mistakes)
        );
        Err(Failure::new(Exit::Settings, anyhow::anyhow!(text)))
    }
}

/// The mistakes, each on a line.
fn lines(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// Why there is no connection.
enum NoConnection {
    /// Nothing listens there, or not with what was expected.
    Io(io::Error),
    /// A file of `tls` that says which certificate is expected.
    Files(TlsError),
    /// The listener has another certificate than this file.
    Certificate(PathBuf),
}

impl From<io::Error> for NoConnection {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Api {
    /// Asks for what is at `path`, such as `/api/v1/reload`.
    ///
    /// # Errors
    /// If no host answers within `within`, or it answers with an error.
    pub(super) fn get(&self, path: &str, within: Duration) -> Result<Value, Failure> {
        self.ask(Method::GET, path, &Value::Null, within)
    }

    /// Has something done at `path`.
    ///
    /// # Errors
    /// As [`Api::get`].
    pub(super) fn post(&self, path: &str, body: &Value, within: Duration) -> Result<Value, Failure> {
        self.ask(Method::POST, path, body, within)
    }

    fn ask(&self, method: Method, path: &str, body: &Value, within: Duration) -> Result<Value, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failure::new(Exit::Other, error))?;
        let (status, answer) = runtime.block_on(async {
            match timeout(within, self.exchange(method, path, body)).await {
                Ok(answer) => answer,
                Err(_) => {
                    let text = format!("it did not answer within {} s: its log may say why", within.as_secs());
                    Err(self.unreachable(&text))
                }
            }
        })?;
        let value: Option<Value> = serde_json::from_slice(&answer).ok();
        match (status, value) {
            (status, Some(value)) if status.is_success() => Ok(value),
            (status, value) => Err(self.refused(status, value)),
        }
    }

    async fn exchange(&self, method: Method, path: &str, body: &Value) -> Result<(StatusCode, Bytes), Failure> {
        let broken = |error: &dyn std::error::Error| self.unreachable(&format!("the connection broke ({error})"));
        let stream = match timeout(CONNECT_WITHIN, self.connect()).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(why)) => return Err(self.not_connected(why)),
            Err(_) => return Err(self.unreachable("the connection is refused")),
        };
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|error| broken(&error))?;
        tokio::spawn(connection);
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let mut request = Request::new(Full::new(Bytes::from(text)));
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().map_err(|error| broken(&error))?;
        let host = self.address.tcp().map_or_else(|| "localhost".to_owned(), |address| address.to_string());
        let host = HeaderValue::try_from(host).map_err(|error| broken(&error))?;
        let headers = request.headers_mut();
        headers.insert(header::HOST, host);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(credentials) = self.credentials() {
            headers.insert(header::AUTHORIZATION, credentials);
        }
        let response = sender.send_request(request).await.map_err(|error| broken(&error))?;
        let status = response.status();
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
        let body = body.map_err(|error| broken(&*error))?;
        Ok((status, body.to_bytes()))
    }

    async fn connect(&self) -> Result<Box<dyn Connected>, NoConnection> {
        match &self.address {
            Address::Tcp(address) => self.secure(TcpStream::connect(address).await?, address.ip()).await,
            #[cfg(unix)]
            Address::Unix(path) => {
                let stream = tokio::net::UnixStream::connect(path).await?;
                self.secure(stream, Ipv4Addr::LOCALHOST.into()).await
            }
            #[cfg(not(unix))]
            Address::Unix(_) => Err(io::Error::from(io::ErrorKind::Unsupported).into()),
        }
    }

    async fn secure(&self, stream: impl Connected + 'static, name: IpAddr) -> Result<Box<dyn Connected>, NoConnection> {
        let Some(files) = &self.tls else { return Ok(Box::new(stream)) };
        let config = trusting(files).map_err(NoConnection::Files)?;
        match TlsConnector::from(Arc::new(config)).connect(name.into(), stream).await {
            Ok(stream) => Ok(Box::new(stream)),
            Err(error) if is_other_certificate(&error) => Err(NoConnection::Certificate(files.certificate.clone())),
            Err(error) => Err(error.into()),
        }
    }

    /// What shows the host that this is an operator.
    fn credentials(&self) -> Option<HeaderValue> {
        let token = self.token.as_ref()?;
        let mut value = HeaderValue::try_from(format!("Bearer {}", token.reveal())).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    fn not_connected(&self, why: NoConnection) -> Failure {
        let Self { address, place, .. } = self;
        let (exit, text) = match why {
            NoConnection::Io(error) => return self.unreachable(&error.to_string()),
            NoConnection::Files(error) => {
                let key = error.key;
                let text = format!(
                    "no host was asked, because the certificate of the admin listener at {address} is not known: \
                     `admin.tls.{key}` {error}. Correct the file; a running host keeps the certificate that it has"
                );
                (Exit::Settings, text)
            }
            NoConnection::Certificate(file) => {
                let text = format!(
                    "a host answers at {address} ({place}), with another certificate than {}: it has not loaded the \
                     file yet, or refuses it. See its log, or send it SIGHUP; if that does not help, another program \
                     listens there",
                    file.display()
                );
                (Exit::Unreachable, text)
            }
        };
        Failure::new(exit, anyhow::anyhow!(text))
    }

    fn unreachable(&self, why: &str) -> Failure {
        let text = format!(
            "no host answers at {} ({}): {why}. Is `callgate serve` running with these settings?",
            self.address, self.place
        );
        Failure::new(Exit::Unreachable, anyhow::anyhow!(text))
    }

    fn refused(&self, status: StatusCode, answer: Option<Value>) -> Failure {
        let error = answer.as_ref().and_then(|answer| answer.get("error")?.as_str());
        let Some(error) = error else {
            let text = format!(
                "the server at {} ({}) is not a Callgate of this version: it answered with status {status}",
                self.address, self.place
            );
            return Failure::new(Exit::Unreachable, anyhow::anyhow!(text));
        };
        let exit = if status == StatusCode::UNPROCESSABLE_ENTITY { Exit::Settings } else { Exit::Other };
        Failure::new(exit, anyhow::anyhow!("{error}"))
    }
}

/// Whether a handshake failed because the certificate is another one than the file's.
fn is_other_certificate(error: &io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    matches!(inner, Some(rustls::Error::InvalidCertificate(_)))
}

/// A connection of any kind.
trait Connected: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Connected for S {}

/// The address at which this machine reaches one of its own listeners.
pub(super) fn own(listen: Address) -> Address {
    let Address::Tcp(address) = listen else { return listen };
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port()).into()
}

/// Reads `--admin`: an address, or the beginning of a URL.
fn admin_address(text: &str) -> Result<Named, &'static str> {
    let https = text.strip_prefix("https://");
    let address = https.or_else(|| text.strip_prefix("http://")).unwrap_or(text);
    Ok(Named { address: own(listen_at(address.trim_end_matches('/'))?), is_https: https.is_some() })
}
