//! Tencent's side: what to enter in the console, and the REST calls for the callbacks that the console does not switch.
//!
//! Sources: the console's rules for URLs and switches are on www.tencentcloud.com/document/product/1047/34520 and
//! cloud.tencent.com/document/product/269/32431, the REST calls on .../647/64420 and 647/64419 (live), 647/60729 and
//! 647/60728 (room), trtc.io/document/68938 (call).

use std::fmt::Write as _;

use callgate_catalogue::wire::Phase;

use crate::connection::Plan;

/// A product whose callbacks are switched on by REST.
struct Product {
    /// What it is called.
    name: &'static str,
    /// The families of its commands in the catalogue.
    families: &'static [&'static str],
    /// The service in the path of the call.
    service: &'static str,
    /// Whether a second `set_callback` replaces the first; else `update_callback` must be called.
    is_overwritten: bool,
}

const PRODUCTS: [Product; 3] = [
    Product { name: "Live", families: &["live"], service: "live_config", is_overwritten: false },
    Product { name: "Room", families: &["room"], service: "room_config", is_overwritten: false },
    Product { name: "Call", families: &["call"], service: "call_config", is_overwritten: true },
];

/// Commands that share the switch of another one (1047/49463, 1047/49466).
const SHARED: [(&str, &str); 2] = [
    ("Group.CallbackBeforeCreateTopic", "Group.CallbackBeforeCreateGroup"),
    ("Group.CallbackAfterTopicInfoChanged", "Group.CallbackAfterGroupInfoChanged"),
];

/// An application, as the settings have it.
pub(super) struct Application<'a> {
    pub(super) id: &'a str,
    pub(super) has_token: bool,
}

/// What to enter where, for each application.
pub(super) fn write(plan: &Plan, applications: &[Application<'_>]) -> String {
    let mut text = format!("Tencent Cloud Chat: the callbacks that plugins of platform \"{}\" handle\n", plan.platform);
    if plan.commands.is_empty() {
        text.push_str("\nNo plugin handles a command of this platform: there is nothing to switch on.\n");
        return text;
    }
    let ids: Vec<&str> = applications.iter().map(|application| application.id).collect();
    // Writing to a string does not fail.
    let _ = writeln!(
        text,
        "\n1. In the console (https://console.tencentcloud.com/im, https://console.cloud.tencent.com/im), for SDKAppID {}:\n   \
         Chat, \"Webhook configuration\" (in Chinese: 回调配置).",
        ids.join(", ")
    );
    let _ = writeln!(text, "\n   URL        {}", plan.url);
    for trouble in url_troubles(&plan.url) {
        let _ = writeln!(text, "              NOT ACCEPTED: {trouble}");
    }
    text.push_str("              A new URL is used about two minutes later.\n");
    authentication(&mut text, applications);
    switches(&mut text, plan);
    failures(&mut text, plan);
    rest(&mut text, plan, applications);
    text
}

fn authentication(text: &mut String, applications: &[Application<'_>]) {
    for application in applications {
        let line = match application.has_token {
            true => "on, with the token that the settings name",
            false => "OFF: anyone who knows the URL can call it. Set a token, here and in `tokens` of the settings",
        };
        let _ = writeln!(text, "   Callback authentication, SDKAppID {}: {line}.", application.id);
    }
}

/// The switches of the console, by family.
fn switches(text: &mut String, plan: &Plan) {
    let is_rest = |family: &str| PRODUCTS.iter().any(|product| product.families.contains(&family));
    let mut family = "";
    for planned in plan.commands.iter().filter(|planned| !is_rest(planned.command.family)) {
        let command = planned.command;
        if family.is_empty() {
            text.push_str("\n   Switch on, and nothing else (the page of each has the name of its switch):\n");
        }
        if command.family != family {
            family = command.family;
            let _ = writeln!(text, "\n   {}", family.replace('_', " "));
        }
        let shared = SHARED.iter().find(|(name, _)| *name == command.name);
        let shared = shared.map(|(_, with)| format!("\n       shares its switch with {with}")).unwrap_or_default();
        let _ = writeln!(text, "     {}\n       {}{shared}", command.name, command.source);
        if command.family == "official_channel" {
            text.push_str("       on the mainland site, ask for the switch with a support ticket\n");
        }
    }
}

/// What the console offers for a callback that fails.
fn failures(text: &mut String, plan: &Plan) {
    let mut before = plan.commands.iter().filter(|planned| planned.command.phase == Phase::Before).peekable();
    if before.peek().is_none() {
        return;
    }
    let denies = before.any(|planned| planned.on_fault == crate::decision::OnFault::Deny);
    let choice = if denies { "do not deliver" } else { "deliver" };
    let _ = writeln!(
        text,
        "\n   If a callback before sending fails: \"{choice}\", which fits `on_fault`. The default is to deliver: whatever\n   \
         cannot be checked because Callgate is unreachable passes. Tencent waits 2 s; Callgate answers within {} ms.",
        plan.answer_within.as_millis()
    );
}

/// The calls for the products that the console does not switch.
fn rest(text: &mut String, plan: &Plan, applications: &[Application<'_>]) {
    let mut number = 1;
    for product in &PRODUCTS {
        let names: Vec<&str> = plan
            .commands
            .iter()
            .filter(|planned| product.families.contains(&planned.command.family))
            .map(|planned| planned.command.name)
            .collect();
        if names.is_empty() {
            continue;
        }
        number += 1;
        let again = match product.is_overwritten {
            true => "A second call replaces the first.",
            false => {
                "If it answers 100300, there is a configuration already: call update_callback instead of set_callback."
            }
        };
        let _ = writeln!(
            text,
            "\n{number}. {} callbacks are switched on by REST. {again}\n   ADMIN is an administrator's account, USERSIG its \
             signature. Outside China, another host takes\n   the place of console.tim.qq.com: adminapisgp.im.qcloud.com \
             (Singapore), adminapiusa.im.qcloud.com (USA).",
            product.name
        );
        let body =
            serde_json::json!({ "Url": plan.url, "CallbackCommandList": names }).to_string().replace('\'', "'\\''");
        for application in applications {
            let _ = writeln!(
                text,
                "\n   curl 'https://console.tim.qq.com/v4/{}/set_callback?sdkappid={}&identifier=ADMIN&usersig=USERSIG&random=1&contenttype=json' -d '{body}'",
                product.service, application.id
            );
        }
    }
}

/// What the console does not accept in a URL, and what Tencent cannot reach.
fn url_troubles(url: &str) -> Vec<&'static str> {
    let mut troubles = Vec::new();
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(inner) => inner.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    let address = host.parse::<std::net::IpAddr>().ok();
    if host == "localhost" || address.is_some_and(|address| address.is_loopback() || address.is_unspecified()) {
        troubles.push("Tencent cannot reach this host: give the public address with --url");
    }
    if host.len() > 63 {
        troubles.push("the host has more than 63 characters");
    }
    if url.contains([' ', '!', '$', '&', '?']) {
        troubles.push("blanks and the signs ! $ & ? are not allowed");
    }
    if address.is_none()
        && (host.contains("--") || host.split('.').any(|label| label.starts_with('-') || label.ends_with('-')))
    {
        troubles.push("hyphens must not be doubled, or stand at an end");
    }
    troubles
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::Planned;
    use crate::decision::OnFault;
    use std::net::SocketAddr;
    use std::time::Duration;

    fn written(commands: &[&str]) -> String {
        let planned = |name: &&str| Planned {
            command: super::super::names::COMMANDS.find(name).unwrap(),
            on_fault: OnFault::Allow,
        };
        let plan = Plan {
            platform: "chat".to_owned(),
            url: "https://callbacks.example.com/tencent".to_owned(),
            is_path_known: true,
            listen: Some(SocketAddr::from(([127, 0, 0, 1], 8080))),
            has_tls: false,
            answer_within: Duration::from_millis(1500),
            commands: commands.iter().map(planned).collect(),
        };
        write(&plan, &[Application { id: "1400000000", has_token: true }])
    }

    #[test]
    fn what_the_console_switches_and_what_rest_switches_are_told_apart() {
        let text =
            written(&["C2C.CallbackBeforeSendMsg", "Live.CallbackAfterCreateRoom", "Mic.CallbackAfterSeatInfoChanged"]);
        assert!(text.contains("     C2C.CallbackBeforeSendMsg\n"), "{text}");
        assert!(!text.contains("     Live.CallbackAfterCreateRoom\n"), "{text}");
        let body = r#"-d '{"Url":"https://callbacks.example.com/tencent","CallbackCommandList":["Live.CallbackAfterCreateRoom","Mic.CallbackAfterSeatInfoChanged"]}'"#;
        assert!(text.contains("/v4/live_config/set_callback?sdkappid=1400000000&"), "{text}");
        assert!(text.contains(body), "{text}");
        assert!(!text.contains("room_config"), "{text}");
    }

    #[test]
    fn the_consoles_rules_for_urls_are_known() {
        for url in ["http://127.0.0.1:8080/t", "http://0.0.0.0/t", "https://h.example/t?a=b", "https://a--b.example/t"]
        {
            assert_eq!(url_troubles(url).len(), 1, "{url}");
        }
        assert!(url_troubles("https://callbacks.example.com:8443/secret-segment").is_empty());
    }
}
