//! What a caller did wrong.

use http::StatusCode;

use crate::json;

/// What a caller did wrong. Its text may be read by the caller: it holds nothing of the settings or the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A path below the platform's that is no command's.
    #[error("there is nothing at this path: callbacks are posted to the platform's path, or one segment below it")]
    NoSuchPath,
    /// Not a POST.
    #[error("callbacks are sent with POST")]
    Method,
    /// A body that says it is not JSON.
    #[error("callbacks are JSON: send them with the content type application/json, or with none")]
    ContentType,
    /// Too long a body.
    #[error("the body is longer than {bytes_max} bytes (`body_bytes_max`)")]
    TooLarge {
        /// What is allowed.
        bytes_max: usize,
    },
    /// The body ended early, or did not come in time.
    #[error("the body did not arrive whole")]
    Incomplete,
    /// Too many callbacks at once.
    #[error("too many callbacks at once (`in_flight_max`)")]
    Busy,
    /// There is no memory for the body.
    #[error("there is no room for the body (`bodies_bytes_max`)")]
    NoRoom,
    /// Bytes that are no text.
    #[error("the body is not UTF-8")]
    NotUtf8,
    /// Text that is no JSON.
    #[error("the body is not valid JSON")]
    NotJson,
    /// JSON that is no object.
    #[error("the body is not a JSON object")]
    NotObject,
    /// JSON that nests too deeply.
    #[error("the body nests deeper than {} levels", json::DEPTH_MAX)]
    TooDeep,
    /// More callbacks in one request than any chat server sends.
    #[error("the request carries more than {BATCH_MAX} callbacks")]
    BatchTooLong,
    /// No command anywhere.
    #[error("there is no command: name it in the path, the query or the body")]
    NoCommand,
    /// Two different commands.
    #[error("path, query and body name different commands")]
    CommandsDiffer,
    /// An application that is not ours.
    #[error("this application is not served here: check its id in the settings")]
    WrongApp,
    /// A signature is needed and not there.
    #[error("the callback is not signed: Sign and RequestTime are needed")]
    NotSigned,
    /// A signature that does not fit.
    #[error("the signature does not fit: check the token on both sides")]
    WrongSignature,
    /// A signature of another time.
    #[error("the callback was signed more than {SIGNATURE_SECONDS_MAX} s from now: check the clocks")]
    Stale,
}

impl Refusal {
    /// The HTTP status.
    pub fn status(self) -> StatusCode {
        match self {
            Self::NoSuchPath => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::ContentType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Incomplete => StatusCode::REQUEST_TIMEOUT,
            Self::Busy | Self::NoRoom => StatusCode::SERVICE_UNAVAILABLE,
            Self::NotUtf8
            | Self::NotJson
            | Self::NotObject
            | Self::TooDeep
            | Self::BatchTooLong
            | Self::NoCommand
            | Self::CommandsDiffer => StatusCode::BAD_REQUEST,
            Self::WrongApp => StatusCode::FORBIDDEN,
            Self::NotSigned | Self::WrongSignature | Self::Stale => StatusCode::UNAUTHORIZED,
        }
    }

    /// The name in metrics and records.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoSuchPath => "no_such_path",
            Self::Method => "method",
            Self::ContentType => "content_type",
            Self::TooLarge { .. } => "too_large",
            Self::Incomplete => "incomplete",
            Self::Busy => "busy",
            Self::NoRoom => "no_room",
            Self::NotUtf8 => "not_utf8",
            Self::NotJson => "not_json",
            Self::NotObject => "not_object",
            Self::TooDeep => "too_deep",
            Self::BatchTooLong => "batch_too_long",
            Self::NoCommand => "no_command",
            Self::CommandsDiffer => "commands_differ",
            Self::WrongApp => "wrong_app",
            Self::NotSigned => "not_signed",
            Self::WrongSignature => "wrong_signature",
            Self::Stale => "stale",
        }
    }
}

/// Most callbacks in one request, as Tencent's pages say of its push results.
pub(crate) const BATCH_MAX: usize = 100;

/// Farthest that a signature's time may lie from now, in seconds, as Tencent's pages say.
pub(crate) const SIGNATURE_SECONDS_MAX: u64 = 60;
