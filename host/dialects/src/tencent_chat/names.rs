//! The names of its commands.

use std::sync::LazyLock;

use callgate_catalogue::tencent_chat::PROTOCOL;

use crate::commands::Commands;

pub(super) static COMMANDS: LazyLock<Commands> = LazyLock::new(|| Commands::of(&PROTOCOL));
