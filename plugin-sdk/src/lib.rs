//! Write a Callgate plugin: decide what a chat server's users may do, in sandboxed WebAssembly.
//!
//! A plugin is a type that implements [`Plugin`]. It is configured once, from the operator's settings, and then
//! decides callbacks: a chat server asks before it lets a user do something, and tells after something was done. Each
//! decision starts from the configured state, in a memory of its own, and sees nothing but its callback.
//!
//! ```
//! use plugin_sdk::openim::BeforeSetFriendRemark;
//! use plugin_sdk::{Callback, Error, Plugin, Reply, Verdict};
//! use serde::Deserialize;
//!
//! struct ShortRemarks {
//!     characters_max: usize,
//! }
//!
//! #[derive(Deserialize)]
//! #[serde(deny_unknown_fields)]
//! struct Settings {
//!     characters_max: usize,
//! }
//!
//! impl Plugin for ShortRemarks {
//!     type Settings = Settings;
//!
//!     fn configure(settings: Settings) -> Result<Self, Error> {
//!         match settings.characters_max {
//!             0 => Err("`characters_max` must be at least 1".into()),
//!             characters_max => Ok(Self { characters_max }),
//!         }
//!     }
//!
//!     fn decide(&self, callback: &Callback<'_>) -> Result<impl Into<Reply>, Error> {
//!         // Another command: not this plugin's business.
//!         let Some(event) = callback.event::<BeforeSetFriendRemark>()? else {
//!             return Ok(Verdict::Allow);
//!         };
//!         if event.remark()?.chars().count() > self.characters_max {
//!             return Ok(event.deny(5002, "That remark is too long."));
//!         }
//!         Ok(Verdict::Allow)
//!     }
//! }
//!
//! plugin_sdk::export!(ShortRemarks, handles: [BeforeSetFriendRemark]);
//!
//! // A test of it, without wasm:
//! use plugin_sdk::testing::TestPlugin;
//! use serde_json::json;
//!
//! let plugin = TestPlugin::<ShortRemarks>::configure(json!({ "characters_max": 4 }))?;
//! let reply = plugin.decide::<BeforeSetFriendRemark>(json!({ "remark": "Ann" }));
//! assert_eq!(reply, json!({ "verdict": "allow" }));
//! let reply = plugin.decide::<BeforeSetFriendRemark>(json!({ "remark": "Ann B." }));
//! assert_eq!(reply, json!({ "verdict": "deny", "code": 5002, "message": "That remark is too long." }));
//! # Ok::<(), Error>(())
//! ```
//!
//! `README.md` beside this crate leads from an empty folder to a plugin that runs, and says what a plugin cannot do.
//!
//! # The map
//!
//! | to | see |
//! | --- | --- |
//! | write a plugin | [`Plugin`], [`export!`], [`Error`], [`NoSettings`] |
//! | read a callback | [`Callback`], then its event in [`openim`] or [`tencent_chat`]; for both platforms at once [`neutral`] |
//! | answer | the event's own methods, [`Reply`], [`Verdict`], and [`events::Modify`] for changes |
//! | read members that no event has | [`Object`], [`FieldError`] |
//! | know more than the callback | [`facts`] |
//! | have settings that other plugins have, too | [`settings`] |
//! | compare what people write | [`text`] |
//! | test | [`testing`] |
//! | look up what a command can do | [`catalogue`] |
//! | know what crosses to the host | [`wire`], and `ABI.md` beside this crate |
#![warn(missing_docs, unreachable_pub)]

mod allocator;
pub mod callback;
#[doc(hidden)]
pub mod export;
pub mod facts;
pub mod neutral;
pub mod plugin;
pub mod settings;
pub mod testing;
pub mod text;
pub mod verdict;

#[doc(hidden)]
pub use callgate_catalogue::plain;
#[doc(inline)]
pub use callgate_catalogue::{catalogue, events, object, openim, tencent_chat, wire};

pub use callback::Callback;
pub use callgate_catalogue::{FieldError, Object, Text};
pub use plugin::{Error, NoSettings, Plugin};
pub use verdict::{Changes, Json, Reply, Verdict};

/// The code in the README, compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
