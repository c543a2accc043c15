//! The names of its commands.

use std::sync::LazyLock;

use callgate_catalogue::catalogue::Platform as Protocol;

use crate::commands::Commands;

pub(super) static COMMANDS: LazyLock<Commands> = LazyLock::new(|| Commands::of(Protocol::TencentChat));
