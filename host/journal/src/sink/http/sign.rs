//! Signs requests as Standard Webhooks 1.0 has it.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::secret::SigningSecret;

/// The value of `webhook-signature`: `v1,` and the HMAC-SHA256 of `id.timestamp.body` in base64, for each of the
/// secrets, with spaces between them. A receiver takes the request if one of them fits.
#[must_use]
pub fn signatures(secrets: &[SigningSecret], id: &str, timestamp_unix_s: u64, body: &str) -> String {
    let timestamp = timestamp_unix_s.to_string();
    let signature = |secret: &SigningSecret| {
        // An HMAC takes keys of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.key()) else { return String::new() };
        for part in [id, ".", &timestamp, ".", body] {
            mac.update(part.as_bytes());
        }
        format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()))
    };
    let signatures: Vec<String> = secrets.iter().map(signature).collect();
    signatures.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification.
    #[test]
    fn the_signature_is_that_of_the_specification() {
        let secret = SigningSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let body = r#"{"test": 2432232314}"#;
        let signed = signatures(&[secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn the_library_for_receivers_takes_either_of_two_secrets_and_no_third() {
        let texts = ["a", "b", "c"].map(|byte| format!("whsec_{}", BASE64_STANDARD.encode(byte.repeat(24))));
        let secrets: Vec<_> = texts[..2].iter().map(|text| SigningSecret::parse(text).unwrap()).collect();
        let now = time::OffsetDateTime::now_utc().unix_timestamp();
        let body = r#"{"id":"r1"}"#;
        let mut headers = http::HeaderMap::new();
        headers.insert("webhook-id", "r1".parse().unwrap());
        headers.insert("webhook-timestamp", now.into());
        let signed = signatures(&secrets, "r1", now.cast_unsigned(), body);
        headers.insert("webhook-signature", signed.parse().unwrap());
        let verified =
            texts.map(|text| standardwebhooks::Webhook::new(&text).unwrap().verify(body.as_bytes(), &headers).is_ok());
        assert_eq!(verified, [true, true, false]);
        let webhook = standardwebhooks::Webhook::from_bytes(b"a".repeat(24)).unwrap();
        assert!(webhook.verify(b"{\"id\":\"r2\"}", &headers).is_err(), "another body");
    }

    #[test]
    fn secrets_are_read_at_their_bounds() {
        let of = |bytes: usize| SigningSecret::parse(&format!("whsec_{}", BASE64_STANDARD.encode(vec![7; bytes])));
        for (bytes, is_fine) in [(23, false), (24, true), (64, true), (65, false), (0, false)] {
            assert_eq!(of(bytes).is_ok(), is_fine, "{bytes}");
        }
        assert!(SigningSecret::parse(&BASE64_STANDARD.encode([7; 32])).is_err());
        assert!(SigningSecret::parse("whsec_%").is_err());
        assert_eq!(format!("{:?}", of(24).unwrap()), "SigningSecret(…)");
    }
}
