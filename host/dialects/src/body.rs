//! A body that is known to be UTF-8: checked once, then guaranteed by its type.

use bytes::Bytes;

use crate::refusal::Refusal;

/// The body of a request: UTF-8. Cloning it copies nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Body(Bytes);

impl Body {
    /// Checks that these bytes are UTF-8.
    ///
    /// # Errors
    /// [`Refusal::NotUtf8`] if they are not.
    ///
    /// ```
    /// use callgate_dialects::{Body, Refusal};
    /// assert_eq!(Body::new(&b"{}"[..])?.as_str(), "{}");
    /// assert_eq!(Body::new(&b"\xff"[..]), Err(Refusal::NotUtf8));
    /// # Ok::<(), Refusal>(())
    /// ```
    pub fn new(bytes: impl Into<Bytes>) -> Result<Self, Refusal> {
        let bytes = bytes.into();
        match simdutf8::basic::from_utf8(&bytes) {
            Ok(_) => Ok(Self(bytes)),
            Err(_) => Err(Refusal::NotUtf8),
        }
    }

    /// The text.
    #[must_use]
    #[allow(unsafe_code)]
    pub fn as_str(&self) -> &str {
        // SAFETY: the only field is private and is written only in `new` and `part`. `new` stores bytes that it has
        // just checked to be UTF-8, `part` those of a `&str`. `Bytes` is immutable, so they still are. Checking again
        // took 2 % of a callback of 64 KiB.
        unsafe { std::str::from_utf8_unchecked(&self.0) }
    }

    /// The bytes themselves, shared.
    pub(crate) fn bytes(&self) -> Bytes {
        self.0.clone()
    }

    /// A copy of a text, such as a part of another body.
    pub(crate) fn part(text: &str) -> Self {
        Self(Bytes::copy_from_slice(text.as_bytes()))
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Body({} bytes)", self.0.len())
    }
}
