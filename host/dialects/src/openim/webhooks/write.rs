//! The file, written for a plan.

use std::fmt::Write as _;
use std::time::Duration;

use callgate_catalogue::wire::Phase;

use super::keys::{Key, Sent, key_of};
use super::times::timeout_s;
use super::url;
use crate::connection::{Plan, Planned};
use crate::decision::OnFault;

/// The file for exactly the commands of a plan, with comments for the operator.
pub(crate) fn write(plan: &Plan) -> String {
    let mut text = format!(
        "\
# OpenIM 3.8: config/webhooks.yml, with the callbacks that plugins of platform \"{}\" handle, and no others.
# Put it in place of the file that is there, and restart all services of OpenIM: each reads it at its start.
# In Docker and Kubernetes, remove variables IMENV_WEBHOOKS_… that say otherwise; `callgate doctor` finds them.
#
# From v3.7.0 on, no release reads failedContinue: while Callgate cannot be reached, OpenIM refuses every operation
# that has a before-callback here. Keep Callgate running, and set `enable: false` before you stop it for long. When
# plugins fail, Callgate itself still answers as `on_fault` says.
",
        plan.platform
    );
    if plan.commands.is_empty() {
        text.push_str("#\n# No plugin handles a command of this platform: there is nothing to switch on.\n");
    }
    if url::parse(&plan.url).is_ok_and(|url| url.is_loopback()) {
        text.push_str(
            "#\n# This URL is right only if OpenIM runs on this machine, and not in a container. Otherwise set `[server] listen`\n\
             # to an address that OpenIM can reach, or give the address of your proxy with --url.\n",
        );
    }
    // Writing to a string does not fail.
    let _ = writeln!(text, "url: {}", quoted(&plan.url));
    for planned in &plan.commands {
        match key_of(planned.command.name) {
            Some(key) => entry(&mut text, key, planned, plan.answer_within),
            None => {
                let _ = writeln!(text, "# {}: OpenIM has no key for this command.", planned.command.name);
            }
        }
    }
    text
}

fn entry(text: &mut String, key: &Key, planned: &Planned, answer_within: Duration) {
    match key.sent {
        Sent::Always => {}
        Sent::Some(releases) => {
            let _ = writeln!(text, "# Sent by {releases}.");
        }
        Sent::Main => text.push_str("# Sent by builds of the main branch only, not by v3.8.3-patch.16.\n"),
        Sent::Never => text.push_str("# OpenIM has this key, but no release sends the callback.\n"),
    }
    let _ = writeln!(text, "{}:\n  enable: true\n  timeout: {}", key.name, timeout_s(answer_within));
    if planned.command.phase == Phase::Before {
        let _ = writeln!(text, "  failedContinue: {}", planned.on_fault == OnFault::Allow);
    }
}

/// A URL as a YAML scalar: plain where that is safe.
fn quoted(url: &str) -> String {
    let is_plain = url.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/:.-_~[]".contains(&byte));
    if is_plain { url.to_owned() } else { format!("'{}'", url.replace('\'', "''")) }
}
