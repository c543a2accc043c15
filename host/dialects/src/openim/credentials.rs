//! The user and password in the URL that OpenIM calls. Go's HTTP client sends them with each request, as "Basic"
//! (RFC 7617).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use http::{HeaderMap, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use subtle::{Choice, ConstantTimeEq as _};

use crate::keys::Keys;
use crate::refusal::Refusal;

/// `user:password`, at most two: the current one and, during rotation, the other. Empty: none are asked for.
#[derive(Default)]
pub(super) struct Credentials(Vec<One>);

struct One {
    text: String,
    /// As the header has it, in base64 without padding.
    encoded: String,
}

impl Credentials {
    /// Reads the key `credentials`.
    pub(super) fn read(keys: &mut dyn Keys) -> Self {
        let mut all = Vec::new();
        for secret in keys.secrets("credentials") {
            let text = secret.reveal().to_owned();
            // What was not read has none, and is not to be compared with.
            if !text.contains(':') && text != "not read" {
                keys.mistake("credentials", "each must be `user:password`, with a colon between them");
            }
            let encoded = STANDARD_NO_PAD.encode(&text);
            all.push(One { text, encoded });
        }
        Self(all)
    }

    /// Whether any are asked for.
    pub(super) fn are_required(&self) -> bool {
        !self.0.is_empty()
    }

    /// Checks the header of a request. How long that takes does not depend on where it differs.
    pub(super) fn check(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        if self.0.is_empty() {
            return Ok(());
        }
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        let value = values.next().ok_or(Refusal::NoCredentials)?;
        if values.next().is_some() {
            return Err(Refusal::CredentialsTwice);
        }
        let (scheme, rest) = value.as_bytes().split_at_checked(SCHEME.len()).ok_or(Refusal::NoCredentials)?;
        if !scheme.eq_ignore_ascii_case(SCHEME) {
            return Err(Refusal::NoCredentials);
        }
        let mut sent = rest.trim_ascii();
        while let Some(less) = sent.strip_suffix(b"=") {
            sent = less;
        }
        let fits = self.0.iter().fold(Choice::from(0), |fits, one| fits | one.encoded.as_bytes().ct_eq(sent));
        if bool::from(fits) { Ok(()) } else { Err(Refusal::WrongCredentials) }
    }

    /// Checks the user and password in the URL that the server calls.
    pub(super) fn check_url(&self, url: &str) -> Result<(), Refusal> {
        if self.0.is_empty() {
            return Ok(());
        }
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let (sent, _) = authority.rsplit_once('@').ok_or(Refusal::NoCredentials)?;
        let (user, password) = sent.split_once(':').unwrap_or((sent, ""));
        let decode = |text| percent_decode_str(text).decode_utf8_lossy();
        let sent = format!("{}:{}", decode(user), decode(password));
        if self.0.iter().any(|one| one.text == sent) { Ok(()) } else { Err(Refusal::WrongCredentials) }
    }

    /// A URL with the first of them in it.
    pub(super) fn in_url(&self, url: &str) -> String {
        let (Some(one), Some((scheme, rest))) = (self.0.first(), url.split_once("://")) else { return url.to_owned() };
        let (user, password) = one.text.split_once(':').unwrap_or((&one.text, ""));
        let encode = |text: &'_ str| utf8_percent_encode(text, USERINFO).to_string();
        format!("{scheme}://{}:{}@{rest}", encode(user), encode(password))
    }
}

const SCHEME: &[u8] = b"Basic ";

/// What is written as it is in this part of a URL (RFC 3986, "unreserved").
const USERINFO: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Credentials({} of them)", self.0.len())
    }
}
