//! The secrets that requests to receivers are signed with.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

/// A secret as Standard Webhooks has it: `whsec_` and 24 to 64 random bytes in base64.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningSecret(Vec<u8>);

/// Why a text is no such secret. The text is not part of the message.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum WrongSecret {
    /// It has no prefix.
    #[error("must begin with `whsec_`; to generate one: echo \"whsec_$(openssl rand -base64 32)\"")]
    Prefix,
    /// The rest is not base64.
    #[error("must be `whsec_` and base64; to generate one: echo \"whsec_$(openssl rand -base64 32)\"")]
    Base64,
    /// It is too short, or too long.
    #[error(
        "must be {min} to {max} bytes in base64; to generate one: echo \"whsec_$(openssl rand -base64 32)\"",
        min = SigningSecret::BYTES.start(),
        max = SigningSecret::BYTES.end()
    )]
    Length,
}

impl SigningSecret {
    /// How many bytes a secret has, as the specification says.
    const BYTES: std::ops::RangeInclusive<usize> = 24..=64;

    /// Reads a secret.
    ///
    /// # Errors
    /// If it is not one as the specification has it.
    pub fn parse(text: &str) -> Result<Self, WrongSecret> {
        let base64 = text.strip_prefix("whsec_").ok_or(WrongSecret::Prefix)?;
        let bytes = BASE64_STANDARD.decode(base64).map_err(|_| WrongSecret::Base64)?;
        if !Self::BYTES.contains(&bytes.len()) {
            return Err(WrongSecret::Length);
        }
        Ok(Self(bytes))
    }

    /// The key of the signature.
    pub(super) fn key(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret(…)")
    }
}
