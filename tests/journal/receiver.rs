//! A receiver of webhooks, on a port of its own: it checks every request as a receiver should, and answers as the test
//! says.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{HeaderMap, Method, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use standardwebhooks::Webhook;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// 24 bytes, as `whsec_…`.
pub(crate) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// What a receiver does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Does {
    /// Answers with this status and header.
    Answers(u16, Option<(&'static str, String)>),
    /// Takes the event, and answers that it has.
    Takes,
    /// Takes the event, and closes the connection without an answer.
    TakesAndCloses,
    /// Closes the connection.
    Closes,
    /// Never answers.
    Hangs,
}

/// One request that was taken.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Taken {
    pub(crate) id: String,
    pub(crate) key: String,
    pub(crate) data: Value,
}

type Decide = dyn Fn(&Value) -> Does + Send + Sync;

struct Inner {
    decide: Box<Decide>,
    taken: watch::Sender<Vec<Taken>>,
    asked: watch::Sender<usize>,
    /// What was wrong with requests.
    wrong: Mutex<Vec<String>>,
}

/// See the module.
#[derive(Clone)]
pub(crate) struct Receiver {
    inner: Arc<Inner>,
    pub(crate) address: SocketAddr,
}

impl Receiver {
    /// Starts one that decides by the event.
    pub(crate) async fn start(decide: impl Fn(&Value) -> Does + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let inner = Arc::new(Inner {
            decide: Box::new(decide),
            taken: watch::Sender::new(Vec::new()),
            asked: watch::Sender::new(0),
            wrong: Mutex::default(),
        });
        let its = Arc::clone(&inner);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let inner = Arc::clone(&its);
                let service = service_fn(move |request| {
                    let inner = Arc::clone(&inner);
                    async move { inner.answer(request).await }
                });
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        Self { inner, address }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hooks?token=hunter2", self.address)
    }

    /// Waits until so many events were taken, repeated ones included.
    pub(crate) async fn taken(&self, count: usize) -> Vec<Taken> {
        self.until(move |taken| taken.len() >= count).await
    }

    /// Waits until what was taken is as wanted.
    pub(crate) async fn until(&self, mut is_it: impl FnMut(&[Taken]) -> bool) -> Vec<Taken> {
        let mut taken = self.inner.taken.subscribe();
        let found = taken.wait_for(|taken| is_it(taken)).await.unwrap().clone();
        assert_eq!(*self.inner.wrong.lock().unwrap(), [""; 0]);
        found
    }

    /// Waits until so many requests were made.
    pub(crate) async fn asked(&self, count: usize) {
        self.inner.asked.subscribe().wait_for(|asked| *asked >= count).await.unwrap();
    }

    /// How many requests were made.
    pub(crate) fn requests(&self) -> usize {
        *self.inner.asked.borrow()
    }
}

impl Inner {
    async fn answer(&self, request: http::Request<Incoming>) -> Result<Response<Full<Bytes>>, &'static str> {
        self.asked.send_modify(|asked| *asked += 1);
        let (head, body) = request.into_parts();
        let body = body.collect().await.map_err(|_| "no body")?.to_bytes();
        let event = match check(&head.method, &head.headers, &body) {
            Ok(event) => event,
            Err(why) => {
                self.wrong.lock().unwrap().push(why);
                return Err("a wrong request");
            }
        };
        let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
        let take = || {
            let taken = Taken { id: text("id"), key: text("partitionkey"), data: event["data"].clone() };
            self.taken.send_modify(|all| all.push(taken));
        };
        let (status, header) = match (self.decide)(&event) {
            Does::Answers(status, header) => (status, header),
            Does::Takes => {
                take();
                (204, None)
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
        Ok(response.body(Full::default()).unwrap())
    }
}

/// Checks a request with the library for receivers, and against the specifications.
fn check(method: &Method, headers: &HeaderMap, body: &[u8]) -> Result<Value, String> {
    if method != Method::POST || headers["content-type"] != "application/cloudevents+json; charset=utf-8" {
        return Err(format!("{method} {headers:?}"));
    }
    Webhook::new(SECRET).unwrap().verify(body, headers).map_err(|error| error.to_string())?;
    let event: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    match event["id"].as_str() == headers["webhook-id"].to_str().ok() && event["specversion"] == "1.0" {
        true => Ok(event),
        false => Err(format!("{headers:?} {event}")),
    }
}

/// Settings of a sink for this receiver, with pauses so short that no test waits.
pub(crate) fn sink(url: &str) -> callgate_journal::sink::SinkSettings {
    use callgate_journal::sink::http::{HttpSettings, SigningSecret, SinkUrl};
    use callgate_journal::sink::{BackOff, Kind, SinkSettings, Topics};
    let other = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    SinkSettings {
        name: "app".to_owned(),
        topics: Topics::all(),
        back_off: BackOff { first: Duration::from_millis(1), longest: Duration::from_millis(4) },
        kind: Kind::Http(HttpSettings {
            url: SinkUrl::parse(url).unwrap(),
            secrets: [other, SECRET].map(|secret| SigningSecret::parse(secret).unwrap()).into(),
            within: Duration::from_millis(500),
            in_flight_max: 4,
            ca_file: None,
            attempts_max: None,
        }),
    }
}
