//! Whether a module was signed with one of the keys that the settings name.

use std::path::{Path, PathBuf};

use callgate_catalogue::line::one_line;
use minisign_verify::{PublicKey, Signature};

use crate::files::{Kept, Seen};

/// Why the signature of a module is rejected.
#[derive(Debug, thiserror::Error)]
pub enum SignatureError {
    /// Its signature cannot be read.
    #[error(
        "[modules] has `public_keys`, and the module's signature {} cannot be read ({error}): sign the module \
         (`minisign -Sm`), or name the file with `signature`", .path.display()
    )]
    Unreadable {
        /// Where it is expected.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// Its signature is none, or not of this module, or not by one of the keys.
    #[error(
        "{} is no signature of this module by one of `public_keys` under [modules] ({why}): check where the module comes \
         from, or sign it", .path.display()
    )]
    Wrong {
        /// The file of the signature.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A crate has no signature.
    #[error(
        "[modules] has `public_keys`, and what is built from a crate is not signed: name a signed module under `wasm`"
    )]
    Crate,
}

/// Maximum size of a signature's file, in bytes: minisign's have some 300, most of it comments.
const SIGNATURE_BYTES_MAX: u64 = 16 * 1024;

/// Where minisign puts the signature of a module.
pub(super) fn beside(module: &Path) -> PathBuf {
    let mut path = module.as_os_str().to_owned();
    path.push(".minisig");
    path.into()
}

/// Checks that one of these keys has signed the module. Returns the file of the signature, read or not.
pub(super) fn check(
    keys: &[PublicKey],
    module: &[u8],
    path: &Path,
    kept: Option<&Kept>,
) -> (Seen, Result<(), SignatureError>) {
    let (seen, bytes) = Seen::read("", path, SIGNATURE_BYTES_MAX, kept);
    let path = || path.to_owned();
    let checked = match bytes {
        Err(error) => Err(SignatureError::Unreadable { path: path(), error }),
        Ok(bytes) => verify(keys, module, &bytes).map_err(|why| SignatureError::Wrong { path: path(), why }),
    };
    (seen, checked)
}

fn verify(keys: &[PublicKey], module: &[u8], signature: &[u8]) -> Result<(), String> {
    let text = std::str::from_utf8(signature).map_err(|_| "it is not UTF-8".to_owned())?;
    let signature = Signature::decode(text).map_err(|error| one_line(&error.to_string()))?;
    let mut why = String::new();
    for key in keys {
        // Signatures of the older form are as good: they only take more memory to make.
        match key.verify(module, &signature, true) {
            Ok(()) => return Ok(()),
            // If it was made with one of these keys, the error for that key says more.
            Err(minisign_verify::Error::UnexpectedKeyId) if !why.is_empty() => {}
            Err(minisign_verify::Error::UnexpectedKeyId) => why = "it was made with another key".to_owned(),
            Err(error) => why = one_line(&error.to_string()),
        }
    }
    Err(why)
}
