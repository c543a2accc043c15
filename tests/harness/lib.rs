//! What tests and benchmarks stand on: the real host, in memory, behind its front door.
//!
//! A test that cannot go on should stop with a message, so this crate panics where a service would not.

pub mod guests;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::body::Body;
use callgate::{Host, Settings, StartError};
use http::{Request, StatusCode, header};
use http_body_util::BodyExt;
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt;

/// What the clock of a [`TestHost`] shows at the start: 2023-11-14, in Unix milliseconds.
pub const NOW_UNIX_MS: u64 = 1_700_000_000_000;

/// A host with its real router, but no sockets, and a clock that only the test moves.
pub struct TestHost {
    host: Host,
    router: Router,
    folder: TempDir,
    clock: Arc<AtomicU64>,
}

/// An answer, read whole.
#[derive(Debug, PartialEq)]
pub struct Answer {
    pub status: StatusCode,
    pub body: Value,
}

/// Settings under construction: TOML, with what a test cares about added piece by piece.
#[derive(Default)]
pub struct Setup {
    top: String,
    limits: String,
    platforms: String,
    plugins: String,
}

/// A host with one platform of each kind, under `/openim` and `/tencent-chat` (application 1400000000), no plugins,
/// and limits that do not depend on the machine.
pub fn setup() -> Setup {
    Setup::default()
}

impl Setup {
    /// Adds lines at the top of the settings, before `[limits]`: whole tables.
    #[must_use]
    pub fn tables(mut self, toml: &str) -> Self {
        self.top.push_str(toml);
        self.top.push('\n');
        self
    }

    /// Adds lines to `[limits]`.
    #[must_use]
    pub fn limits(mut self, toml: &str) -> Self {
        self.limits.push_str(toml);
        self.limits.push('\n');
        self
    }

    /// Replaces the two usual platforms; may be called several times.
    #[must_use]
    pub fn platform(mut self, toml: &str) -> Self {
        self.platforms.push_str("[[platform]]\n");
        self.platforms.push_str(toml);
        self.platforms.push('\n');
        self
    }

    /// Adds a plugin: its module, the pattern of its commands, and further lines of its table.
    #[must_use]
    pub fn plugin(mut self, name: &str, module: impl AsRef<Path>, commands: &str, toml: &str) -> Self {
        let module = module.as_ref().display();
        self.plugins.push_str(&format!(
            "[[plugin]]\nname = \"{name}\"\nwasm = \"{module}\"\ncommands = [\"{commands}\"]\n{toml}\n"
        ));
        self
    }

    /// The settings as TOML.
    pub fn toml(&self) -> String {
        let platforms = if self.platforms.is_empty() {
            "[[platform]]\nkind = \"openim\"\n[[platform]]\nkind = \"tencent-chat\"\n[[platform.app]]\nid = 1400000000\n"
        } else {
            &self.platforms
        };
        // So much fuel in a millisecond that time never cuts it: what a test sees does not depend on the machine.
        let per_ms = if self.limits.contains("fuel_per_ms") { "" } else { "fuel_per_ms = 1_000_000_000_000\n" };
        format!("{}[limits]\n{per_ms}{}\n{platforms}{}", self.top, self.limits, self.plugins)
    }

    /// Starts the host.
    pub fn start(&self) -> TestHost {
        self.try_start().unwrap_or_else(|error| panic!("the host does not start: {error}"))
    }

    /// Starts the host, or says why it cannot.
    pub fn try_start(&self) -> Result<TestHost, StartError> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let settings = Settings::parse(&folder.path().join("host.toml"), &self.toml()).unwrap_or_else(|problems| {
            let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
            panic!("the settings have mistakes:\n{}\n{}", lines.join("\n"), self.toml())
        });
        let clock = Arc::new(AtomicU64::new(NOW_UNIX_MS));
        let shown = Arc::clone(&clock);
        let host = Host::start_with_clock(settings, &mut (), Arc::new(move || shown.load(Ordering::Relaxed)))?;
        let router = callgate::server::callbacks(host.clone());
        Ok(TestHost { host, router, folder, clock })
    }
}

impl TestHost {
    /// The host itself.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// Posts JSON text, as a chat server would.
    pub async fn post(&self, path: &str, body: impl Into<Body>) -> Answer {
        let request = Request::post(path).header(header::CONTENT_TYPE, "application/json; charset=utf-8");
        self.send(request.body(body.into()).expect("a request")).await
    }

    /// Posts a JSON value to `/openim/{command}`.
    pub async fn openim(&self, command: &str, body: &Value) -> Value {
        let answer = self.post(&format!("/openim/{command}"), body.to_string()).await;
        assert_eq!(answer.status, StatusCode::OK, "{:?}", answer.body);
        answer.body
    }

    /// Posts a JSON value to `/tencent-chat`, as application 1400000000.
    pub async fn tencent(&self, command: &str, body: &Value) -> Value {
        let path = format!(
            "/tencent-chat?SdkAppid=1400000000&CallbackCommand={command}&contenttype=json&ClientIP=127.0.0.1&OptPlatform=Web"
        );
        let answer = self.post(&path, body.to_string()).await;
        assert_eq!(answer.status, StatusCode::OK, "{:?}", answer.body);
        answer.body
    }

    /// Sends any request through the real router.
    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.expect("the router always answers");
        let status = response.status();
        let bytes = response.into_body().collect().await.expect("the body is in memory").to_bytes();
        let body = serde_json::from_slice(&bytes)
            .unwrap_or_else(|error| panic!("the answer is no JSON ({error}): {}", String::from_utf8_lossy(&bytes)));
        Answer { status, body }
    }

    /// Moves the clock that signatures and plugins see.
    pub fn advance_clock_ms(&self, ms: u64) {
        self.clock.fetch_add(ms, Ordering::Relaxed);
    }

    /// The records written so far.
    pub fn records(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.folder.path().join("records.jsonl")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).expect("a record is one line of JSON")).collect()
    }

    /// The value of a counter: the sum over all series whose labels contain each of `labels`, as written
    /// (`plugin="spins"`).
    pub fn metric(&self, name: &str, labels: &[&str]) -> f64 {
        let metrics = self.host.metrics();
        let series = metrics.lines().filter(|line| {
            line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']))
                && labels.iter().all(|label| line.contains(label))
        });
        series.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum()
    }
}
