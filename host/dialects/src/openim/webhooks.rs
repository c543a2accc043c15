//! OpenIM's side: `config/webhooks.yml`, written for a plan, and examined.
//!
//! The facts are from the server's source: the keys from `config/webhooks.yml` and `pkg/common/config/config.go` at
//! each release tag, the reading of the file and of `IMENV_WEBHOOKS_…` from `pkg/common/config/load_config.go` and
//! viper 1.18.2. Its documentation describes the file of older releases.

mod address;
mod callback;
mod examine;
mod file;
mod keys;
mod report;
mod times;
mod url;
mod write;
mod yaml;

pub(crate) use examine::examine;
pub(crate) use write::write;

/// The name of the file, in the folder `config` of the server.
pub(crate) const FILE: &str = "webhooks.yml";

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::time::Duration;

    use super::*;
    use crate::connection::{Configuration, Level, Plan, Planned};
    use crate::decision::OnFault;

    fn plan(commands: &[&str], on_fault: OnFault) -> Plan {
        let planned = |name: &&str| Planned { command: super::super::names::COMMANDS.find(name).unwrap(), on_fault };
        Plan {
            platform: "openim".to_owned(),
            url: "http://127.0.0.1:8080/openim".to_owned(),
            is_path_known: true,
            listen: Some(SocketAddr::from(([127, 0, 0, 1], 8080))),
            has_tls: false,
            answer_within: Duration::from_millis(4500),
            commands: commands.iter().map(planned).collect(),
        }
    }

    #[test]
    fn the_file_has_exactly_the_commands_with_plugins() {
        let commands = ["callbackBeforeAddFriendCommand", "callbackAfterSetGroupInfoExCommand"];
        let text = write(&plan(&commands, OnFault::Deny));
        let data: Vec<&str> = text.lines().filter(|line| !line.starts_with("# ") && *line != "#").collect();
        let expected = [
            "url: http://127.0.0.1:8080/openim",
            "beforeAddFriend:",
            "  enable: true",
            "  timeout: 5",
            "  failedContinue: false",
            "afterSetGroupInfoEx:",
            "  enable: true",
            "  timeout: 5",
        ];
        assert_eq!(data, expected);
        assert!(text.contains("# Sent by v3.8.1 and later.\nafterSetGroupInfoEx:"), "{text}");
        assert!(write(&plan(&commands, OnFault::Allow)).contains("failedContinue: true"));
    }

    #[test]
    fn what_is_written_is_found_to_be_right() {
        let mut plan = plan(&[], OnFault::Allow);
        let planned =
            |command: &&'static callgate_catalogue::catalogue::Command| Planned { command, on_fault: OnFault::Allow };
        plan.commands = callgate_catalogue::openim::COMMANDS.iter().map(planned).collect();
        let text = write(&plan);
        let examined = examine(&Configuration { name: FILE, text: &text, environment: &[] }, &plan);
        let wrong: Vec<_> = examined.findings.iter().filter(|finding| finding.level == Level::Error).collect();
        // The one command that no release sends.
        assert_eq!(wrong.len(), 1, "{wrong:#?}");
        assert_eq!(wrong.first().map(|finding| finding.id), Some("openim-never-sent"));
        assert_eq!(examined.url.as_deref(), Some("http://127.0.0.1:8080/openim"));
    }
}
