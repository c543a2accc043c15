//! A URL as Go's HTTP client takes it apart (`net/url`, `net/http`).

/// The parts of a URL that matter here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Url<'u> {
    /// Whether it is `https`.
    pub(super) is_secure: bool,
    /// Name or address; an IPv6 address without its brackets.
    pub(super) host: &'u str,
    /// The port, or that of the scheme.
    pub(super) port: u16,
    /// The path, without what follows it.
    pub(super) path: &'u str,
    /// Whether a query or a fragment follows.
    pub(super) has_more: bool,
}

/// Takes a URL apart.
///
/// # Errors
/// Why the server cannot call it.
pub(super) fn parse(text: &str) -> Result<Url<'_>, &'static str> {
    if text.is_empty() {
        return Err("is empty");
    }
    if text.chars().any(|char| char.is_whitespace() || char.is_control()) {
        return Err("has a blank in it");
    }
    let (scheme, rest) = text.split_once("://").ok_or("has no scheme: it must begin with http://")?;
    let is_secure = match scheme.to_ascii_lowercase().as_str() {
        "http" => false,
        "https" => true,
        _ => return Err("has a scheme other than http and https"),
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, rest) = (rest.get(..end).unwrap_or_default(), rest.get(end..).unwrap_or_default());
    let authority = authority.rsplit_once('@').map_or(authority, |(_, authority)| authority);
    let (host, port) = match authority.strip_prefix('[') {
        Some(inner) => inner.split_once(']').ok_or("has a `[` without a `]`")?,
        None => authority.find(':').map_or((authority, ""), |at| authority.split_at(at)),
    };
    let port = match port.strip_prefix(':') {
        Some(port) if !port.is_empty() => port.parse().map_err(|_| "has a port that is no number up to 65535")?,
        _ if port.is_empty() || port == ":" => {
            if is_secure {
                443
            } else {
                80
            }
        }
        _ => return Err("has a host that cannot be read"),
    };
    if host.is_empty() {
        return Err("has no host");
    }
    let path = rest.split(['?', '#']).next().unwrap_or_default();
    Ok(Url { is_secure, host, port, path, has_more: path.len() < rest.len() })
}

impl Url<'_> {
    /// Whether it leads to the machine of the caller itself.
    pub(super) fn is_loopback(&self) -> bool {
        let address = self.host.parse::<std::net::IpAddr>();
        self.host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
    }

    /// The address that any machine resolves to itself, and no caller can use: `0.0.0.0`, `::`.
    pub(super) fn is_unspecified(&self) -> bool {
        self.host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_unspecified())
    }

    /// The segments of the path, without empty ones.
    pub(super) fn segments(&self) -> impl Iterator<Item = &str> {
        self.path.split('/').filter(|segment| !segment.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart() {
        let url = parse("http://user:word@h.example:8080/openim//x?a=b").unwrap();
        assert_eq!((url.host, url.port, url.path, url.has_more), ("h.example", 8080, "/openim//x", true));
        assert_eq!(url.segments().collect::<Vec<_>>(), ["openim", "x"]);
        let url = parse("https://[::1]/openim").unwrap();
        assert_eq!((url.host, url.port, url.is_secure, url.is_loopback()), ("::1", 443, true, true));
        assert!(parse("HTTP://127.0.0.1:80").unwrap().is_loopback());
        assert!(parse("http://0.0.0.0:8080/openim").unwrap().is_unspecified());
    }

    #[test]
    fn what_cannot_be_called_is_named() {
        for text in [
            "",
            "127.0.0.1:8080/openim",
            "ftp://h/openim",
            "http:///openim",
            "http://h:port/openim",
            "http://h:70000/openim",
            "http://h /openim",
            "http://[::1/openim",
            "http://[::1]8080/openim",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
