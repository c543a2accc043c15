//! Facts from a web service.

use callgate_facts::check;
use callgate_facts::settings::{Http, Secret};

use super::shared::remote;
use crate::settings::ca;
use crate::settings::file::Section;
use crate::settings::secret::{self, TextOr};
use crate::settings::server::networks;

/// Maximum number of headers that the operator may set.
const HEADERS_MAX: usize = 32;

pub(super) fn read(section: &mut Section<'_, '_>) -> Option<Http> {
    let remote = remote(section);
    let posts = section.choice("method", &[("GET", false), ("POST", true)]).unwrap_or_default();
    let body = body(section, posts);
    let allow_http = section.flag("allow_http", false);
    let url = url(section, allow_http, !posts);
    let headers = headers(section);
    let default = Http::new(String::new());
    let (statuses, absent_statuses) = statuses(section, &default);
    let pointer = section.text("pointer").map(|pointer| pointer.value.to_owned()).unwrap_or_default();
    match check::pointer(&pointer) {
        Err(why) => section.report("pointer", why),
        Ok(()) if check::has_key(&pointer) => section.report("pointer", NOT_REPLACED),
        Ok(()) => {}
    }
    let private_networks = networks(section, "private_networks");
    let ca = ca::read(section).map(|authorities| authorities.certificates);
    Some(Http {
        remote,
        posts,
        url: url?,
        body: body.unwrap_or(default.body),
        headers,
        statuses,
        absent_statuses,
        pointer,
        private_networks,
        ca,
    })
}

const NOT_REPLACED: &str = "has `{key}`, which is replaced only in `url` and `body`: write it there";

fn url(section: &mut Section<'_, '_>, allow_http: bool, needs_key: bool) -> Option<String> {
    // The URL may contain a secret; then it comes from the environment or a file.
    let url = match secret::text_or_secret(section, "url") {
        TextOr::Text(text) => text,
        TextOr::Secret(secret) => secret.reveal().to_owned(),
        TextOr::Unread(_) => "https://not-read.invalid/{key}".to_owned(),
        TextOr::Nothing => {
            if !section.has("url") {
                section.report("url", "is missing: the URL to ask, such as \"https://example.org/users/{key}\"");
            }
            return None;
        }
    };
    match check::http_url(&url, needs_key) {
        Ok(is_https) if is_https || allow_http => {}
        Ok(_) => section.report(
            "url",
            "is not encrypted: others on the network can read and change the answers. Use https, or `allow_http = true` if the network is private",
        ),
        Err(why) => section.report("url", why),
    }
    Some(url)
}

fn body(section: &mut Section<'_, '_>, posts: bool) -> Option<String> {
    let body = section.text("body")?.value;
    match check::body(body) {
        _ if !posts => section.report("body", "is for method = \"POST\" only"),
        Ok(()) => {}
        Err(why) => section.report("body", why),
    }
    Some(body.to_owned())
}

fn headers(section: &mut Section<'_, '_>) -> Vec<(String, Secret)> {
    let (mut table, names) = section.free("headers");
    if names.len() > HEADERS_MAX {
        section.report("headers", format!("there are more than {HEADERS_MAX} headers: remove some"));
    }
    let mut headers: Vec<(String, Secret)> = Vec::new();
    for name in names {
        if let Err(why) = check::header_name(name) {
            table.report(name, why);
        }
        if headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(name)) {
            table.report(name, "is set twice, in different letter case: keep one of them");
        }
        let value = match secret::text_or_secret(&mut table, name) {
            TextOr::Text(text) if check::has_key(&text) => {
                table.report(name, NOT_REPLACED);
                continue;
            }
            TextOr::Text(text) => text,
            TextOr::Secret(secret) => secret.reveal().to_owned(),
            TextOr::Unread(_) | TextOr::Nothing => continue,
        };
        if let Err(why) = check::header_value(&value) {
            table.report(name, why);
        }
        headers.push((name.to_owned(), Secret::new(value)));
    }
    table.finish();
    headers
}

/// The statuses that carry a value, and those that mean that there is none.
fn statuses(section: &mut Section<'_, '_>, default: &Http) -> (Vec<u16>, Vec<u16>) {
    let file = section.file();
    let mistakes_before = file.mistakes();
    let mut read = |key, default: &[u16]| match section.numbers(key, 200, 599) {
        Some(numbers) => numbers.into_iter().filter_map(|number| u16::try_from(number).ok()).collect(),
        None => default.to_vec(),
    };
    let statuses: Vec<u16> = read("statuses", &default.statuses);
    let absent: Vec<u16> = read("absent_statuses", &default.absent_statuses);
    if statuses.is_empty() && file.mistakes() == mistakes_before {
        section.report("statuses", "is empty: list the statuses of answers that have a value, such as [200]");
    }
    if file.mistakes() == mistakes_before && statuses.iter().any(|status| absent.contains(status)) {
        let key = if section.has("statuses") { "statuses" } else { "absent_statuses" };
        section.report(
            key,
            "`statuses` ([200] by default) and `absent_statuses` ([404, 410]) have one in common: a status means either a value, or that there is none",
        );
    }
    (statuses, absent)
}
