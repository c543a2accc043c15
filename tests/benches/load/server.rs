//! The two servers.

use std::io::Read;

use callgate::edge::{self, Readiness};
use tokio::net::TcpListener;

pub use crate::common::Server;
use crate::{common, native};

/// Words that messages are searched for.
pub const WORDS: usize = 10_000;

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contestant {
    /// Callgate with the shipped guard-profile and filter-messages.
    Host,
    /// The same decisions in bare axum handlers.
    Native,
}

impl Contestant {
    pub fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Native => "native",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Host, Self::Native].into_iter().find(|contestant| contestant.name() == name)
    }
}

/// Starts this contestant. `workers`: threads for connections.
pub fn start(contestant: Contestant, workers: Option<&str>) -> Server {
    Server::start(&["--serve", contestant.name()], workers)
}

/// Serves on a free port of the loopback device until the input ends: also when the parent was killed.
pub fn serve(contestant: Contestant) {
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    // As `callgate serve` has it.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        match contestant {
            Contestant::Host => {
                let host = common::host_with_words(WORDS);
                let settings = common::settings("").server;
                let (listener, address) = harness::listener();
                println!("{address}");
                edge::serve(listener, host, &settings, Readiness::default(), std::future::pending()).await;
            }
            Contestant::Native => {
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
                println!("{}", listener.local_addr().expect("it has an address"));
                native::serve(listener, WORDS).await;
            }
        }
    });
}
