//! Tencent Cloud Chat: every command as a typed event.
//!
//! Taken from Tencent's documentation of 2024-02 to 2026-04. A number that some pages write as a string is read in both
//! forms.
//!
//! The range of a denial's code depends on the command and is given at each event; the host writes the command's usual
//! code in place of any other. Each command has its own switch in Tencent's console.

mod alarm;
mod answers;
mod bot;
mod c2c;
mod call;
mod elem;
mod follow;
mod group;
mod live;
mod members;
mod moderation;
pub(crate) mod neutral;
mod official_channel;
mod online_status;
mod profile;
mod push;
mod relationship;
mod room;

pub use alarm::*;
pub use bot::*;
pub use c2c::*;
pub use call::*;
pub use elem::*;
pub use follow::*;
pub use group::*;
pub use live::*;
pub use moderation::*;
pub use official_channel::*;
pub use online_status::*;
pub use profile::*;
pub use push::*;
pub use relationship::*;
pub use room::*;

use crate::command::{Command, joined};
use crate::protocol::Protocol;

/// The protocol.
pub static PROTOCOL: Protocol = Protocol {
    name: members::NAME,
    title: "Tencent Cloud Chat",
    commands: COMMANDS,
    aliases: ALIASES,
    people: members::PEOPLE,
};

/// All commands, in the order of the families.
pub const COMMANDS: &[&Command] = &joined::<83>(&[
    online_status::COMMANDS,
    profile::COMMANDS,
    relationship::COMMANDS,
    follow::COMMANDS,
    c2c::COMMANDS,
    group::COMMANDS,
    alarm::COMMANDS,
    bot::COMMANDS,
    moderation::COMMANDS,
    push::COMMANDS,
    official_channel::COMMANDS,
    live::COMMANDS,
    call::COMMANDS,
    room::COMMANDS,
]);

/// Names used on some pages, and the name that the server sends.
pub const ALIASES: &[(&str, &str)] = &[
    ("Live.CallbackMemberStateChanged", "Live.CallbackAfterMemberStateChanged"),
    ("Room.CallbackUpdateRoomInfo", "Room.CallbackAfterUpdateRoomInfo"),
];
