//! The sink `http`: records as requests to a receiver of webhooks (Standard Webhooks 1.0).

mod answer;
mod client;
mod lanes;
mod run;
mod secret;
pub(super) mod settings;
pub mod sign;

pub(super) use run::{off, off_state, run};
pub use secret::{SigningSecret, WrongSecret};
pub use settings::{HttpSettings, SinkUrl};

impl HttpSettings {
    /// Why no request could be made with these settings, found without making one.
    #[must_use]
    pub fn why_not(&self) -> Option<String> {
        client::tls(self).err()
    }
}
