//! A receiver of webhooks, on a port of its own: it checks every request as a receiver should, and answers as the test
//! says.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use callgate_journal::sink::http::{HttpSettings, SigningSecret, SinkUrl};
use callgate_journal::sink::{BackOff, Kind, SinkSettings, Topics};
use http::{HeaderMap, Method, Response};
use http_body_util::BodyExt;
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use serde_json::Value;
use standardwebhooks::Webhook;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

/// 24 bytes, as `whsec_…`.
pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// What a receiver does with a request.
#[derive(Debug, Clone)]
pub enum Does {
    /// Answers with this status and header.
    Answers(u16, Option<(&'static str, String)>),
    /// Takes the event, and answers that it has.
    Takes,
    /// The same, with a body of this number of bytes.
    TakesAndTells(usize),
    /// The same, with a body that is one byte longer than this number of bytes; that byte never comes.
    TakesAndTellsLess(usize),
    /// Takes the event, and closes the connection without an answer.
    TakesAndCloses,
    /// Closes the connection.
    Closes,
    /// Never answers.
    Hangs,
}

/// One request that was taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Taken {
    pub id: String,
    pub key: String,
    pub data: Value,
}

type Decide = dyn Fn(&Value) -> Does + Send + Sync;

struct Inner {
    decide: Box<Decide>,
    taken: watch::Sender<Vec<Taken>>,
    asked: watch::Sender<usize>,
    connections: AtomicUsize,
    /// What was wrong with requests.
    wrong: Mutex<Vec<String>>,
}

/// See the module.
#[derive(Clone)]
pub struct Receiver {
    inner: Arc<Inner>,
    address: SocketAddr,
    has_tls: bool,
}

impl Receiver {
    /// Starts one that decides by the event.
    pub async fn start(decide: impl Fn(&Value) -> Does + Send + Sync + 'static) -> Self {
        Self::listen(Box::new(decide), None).await
    }

    /// As [`Receiver::start`], with TLS: its certificate is signed by itself, and returned as PEM.
    pub async fn start_with_tls(decide: impl Fn(&Value) -> Does + Send + Sync + 'static) -> (Self, String) {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("usual versions")
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .expect("a certificate and its key");
        (Self::listen(Box::new(decide), Some(TlsAcceptor::from(Arc::new(config)))).await, made.cert.pem())
    }

    async fn listen(decide: Box<Decide>, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let inner = Arc::new(Inner {
            decide,
            taken: watch::Sender::new(Vec::new()),
            asked: watch::Sender::new(0),
            connections: AtomicUsize::new(0),
            wrong: Mutex::default(),
        });
        let (its, has_tls) = (Arc::clone(&inner), tls.is_some());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                its.connections.fetch_add(1, Ordering::Relaxed);
                let (inner, tls) = (Arc::clone(&its), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => inner.converse(stream).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                inner.converse(stream).await;
                            }
                        }
                    }
                });
            }
        });
        Self { inner, address, has_tls }
    }

    /// How many connections were made.
    pub fn connections(&self) -> usize {
        self.inner.connections.load(Ordering::Relaxed)
    }

    /// Its URL, with what is secret in it.
    pub fn url(&self) -> String {
        let scheme = if self.has_tls { "https" } else { "http" };
        format!("{scheme}://{}/hooks?token=hunter2", self.address)
    }

    /// Waits until this number of events was taken, including repeats.
    pub async fn taken(&self, count: usize) -> Vec<Taken> {
        self.until(move |taken| taken.len() >= count).await
    }

    /// Waits until what was taken is as wanted.
    pub async fn until(&self, mut is_it: impl FnMut(&[Taken]) -> bool) -> Vec<Taken> {
        let mut taken = self.inner.taken.subscribe();
        let found = taken.wait_for(|taken| is_it(taken)).await.expect("it works").clone();
        assert_eq!(*self.inner.wrong.lock().expect("it works"), [""; 0]);
        found
    }

    /// Waits until this number of requests was made.
    pub async fn asked(&self, count: usize) {
        self.inner.asked.subscribe().wait_for(|asked| *asked >= count).await.expect("it works");
    }

    /// How many requests were made.
    pub fn requests(&self) -> usize {
        *self.inner.asked.borrow()
    }
}

impl Inner {
    async fn converse(self: Arc<Self>, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let service = service_fn(move |request| {
            let inner = Arc::clone(&self);
            async move { inner.answer(request).await }
        });
        // Connections are closed on purpose.
        let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    }

    async fn answer(&self, request: http::Request<Incoming>) -> Result<Response<Said>, &'static str> {
        self.asked.send_modify(|asked| *asked += 1);
        let (head, body) = request.into_parts();
        let body = body.collect().await.map_err(|_| "no body")?.to_bytes();
        let event = match check(&head.method, &head.headers, &body) {
            Ok(event) => event,
            Err(why) => {
                self.wrong.lock().expect("it works").push(why);
                return Err("a wrong request");
            }
        };
        let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
        let take = || {
            let taken = Taken { id: text("id"), key: text("partitionkey"), data: event["data"].clone() };
            self.taken.send_modify(|all| all.push(taken));
        };
        let (status, header, said) = match (self.decide)(&event) {
            Does::Answers(status, header) => (status, header, Said::default()),
            Does::Takes => {
                take();
                (204, None, Said::default())
            }
            Does::TakesAndTells(bytes) => {
                take();
                (200, None, Said::whole(bytes))
            }
            Does::TakesAndTellsLess(bytes) => {
                take();
                (200, None, Said { is_whole: false, ..Said::whole(bytes) })
            }
            Does::TakesAndCloses => {
                take();
                return Err("closed");
            }
            Does::Closes => return Err("closed"),
            Does::Hangs => std::future::pending().await,
        };
        let mut response = Response::builder().status(status);
        if let Some((name, value)) = header {
            response = response.header(name, value);
        }
        Ok(response.body(said).expect("it works"))
    }
}

/// The body of an answer.
struct Said {
    bytes: Bytes,
    /// Otherwise its last byte never comes.
    is_whole: bool,
}

impl Default for Said {
    fn default() -> Self {
        Self::whole(0)
    }
}

impl Said {
    fn whole(bytes: usize) -> Self {
        Self { bytes: vec![b'x'; bytes].into(), is_whole: true }
    }
}

impl Body for Said {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.bytes.is_empty() {
            true if self.is_whole => Poll::Ready(None),
            true => Poll::Pending,
            false => Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.bytes))))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.is_whole && self.bytes.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.len() as u64 + u64::from(!self.is_whole))
    }
}

/// Checks a request with the library for receivers, and against the specifications.
fn check(method: &Method, headers: &HeaderMap, body: &[u8]) -> Result<Value, String> {
    if method != Method::POST || headers["content-type"] != "application/cloudevents+json; charset=utf-8" {
        return Err(format!("{method} {headers:?}"));
    }
    Webhook::new(SECRET).expect("it works").verify(body, headers).map_err(|error| error.to_string())?;
    let event: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    match event["id"].as_str() == headers["webhook-id"].to_str().ok() && event["specversion"] == "1.0" {
        true => Ok(event),
        false => Err(format!("{headers:?} {event}")),
    }
}

/// Settings of a sink for this receiver, with pauses so short that no test waits.
pub fn sink(url: &str) -> SinkSettings {
    let other = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    SinkSettings {
        name: "app".to_owned(),
        topics: Topics::all(),
        back_off: BackOff { first: Duration::from_millis(1), longest: Duration::from_millis(4) },
        kind: Kind::Http(HttpSettings {
            url: SinkUrl::parse(url).expect("it works"),
            secrets: [other, SECRET].map(|secret| SigningSecret::parse(secret).expect("it works")).into(),
            within: Duration::from_millis(500),
            in_flight_max: 4,
            ca: None,
            attempts_max: None,
        }),
    }
}
