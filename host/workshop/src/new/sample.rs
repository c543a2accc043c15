//! A request for each command, as the chat server really sends it: the fixtures shared by all tests.

use callgate_catalogue::catalogue::Command;
use callgate_dialects::table;
use serde_json::{Map, Value};

/// The request of a command; an empty one if there is no fixture, which a test rules out.
pub(super) fn request(command: &Command) -> Value {
    let mut request = Map::new();
    // Some commands are named only in the URL, which a file does not have.
    if let Some(server) = table::by_name(table::CHAT_SERVERS, command.protocol) {
        request.insert(server.command_member().to_owned(), command.name.into());
    }
    request.extend(fixture(command).unwrap_or_default());
    request.into()
}

fn fixture(command: &Command) -> Option<Map<String, Value>> {
    let is_meant = |(protocol, name, _): &&(&str, &str, &str)| (*protocol, *name) == (command.protocol, command.name);
    let (_, _, text) = SAMPLES.iter().find(is_meant)?;
    serde_json::from_str(text).ok()
}

/// Protocol, command and request: all of `tests/fixtures`, listed by the build script.
const SAMPLES: &[(&str, &str, &str)] = include!(concat!(env!("OUT_DIR"), "/samples.rs"));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_command_has_a_fixture_and_a_sample_that_names_it() {
        for server in table::CHAT_SERVERS {
            for command in server.protocol().commands {
                assert!(fixture(command).is_some(), "{}", command.name);
                assert_eq!(request(command)[server.command_member()], command.name);
            }
        }
    }
}
