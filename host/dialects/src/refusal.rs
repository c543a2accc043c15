//! What a caller did wrong.

use http::StatusCode;

use crate::json;

/// What a caller did wrong. The caller may see the text, so it contains nothing from the settings or the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A path below the platform's that is not a command.
    #[error("there is nothing at this path: callbacks are posted to the platform's path, or one segment below it")]
    NoSuchPath,
    /// Not a POST.
    #[error("callbacks are sent with POST")]
    Method,
    /// A body whose content type is not JSON.
    #[error("callbacks are JSON: send them with the content type application/json, or with none")]
    ContentType,
    /// The body is compressed.
    #[error("the body is compressed: send it without Content-Encoding")]
    ContentEncoding,
    /// The address of the caller is not in `allow_networks`.
    #[error("this address is not in `allow_networks`")]
    Network,
    /// The credentials that are required are missing.
    #[error("credentials are needed: put `user:password@` before the host in the URL")]
    NoCredentials,
    /// There is more than one header `Authorization`.
    #[error("the header Authorization is there more than once: have the client, or the proxy in front, send one")]
    CredentialsTwice,
    /// The credentials are wrong.
    #[error("the credentials are wrong: compare them on both sides")]
    WrongCredentials,
    /// A query parameter that authenticates the caller is there more than once.
    #[error("a query parameter that authenticates the caller occurs more than once")]
    ParameterTwice,
    /// The body arrives too slowly.
    #[error("the body arrives too slowly (`body_bytes_per_second_min`)")]
    TooSlow,
    /// The body is too long.
    #[error("the body is longer than {bytes_max} bytes (`body_bytes_max`)")]
    TooLarge {
        /// The maximum.
        bytes_max: usize,
    },
    /// The body ended early, or did not come in time.
    #[error("the body did not arrive whole")]
    Incomplete,
    /// The chunks of the body are not valid.
    #[error("the body is not valid: its chunks are not framed as HTTP/1.1 requires")]
    BodyFraming,
    /// There is no memory for the body, now or ever.
    #[error("there is no room for the body (`bodies_bytes_max`)")]
    NoRoom,
    /// The journal or its disk has no room for the callback.
    #[error(
        "the callback is not acknowledged: the journal is full (`bytes_max` under [journal], or too many entries \
         wait), or its disk is full"
    )]
    JournalFull,
    /// The callback could not be put on disk in time.
    #[error("the callback is not acknowledged: it could not be stored")]
    NotKept,
    /// The body is not UTF-8.
    #[error("the body is not UTF-8")]
    NotUtf8,
    /// The body is not JSON.
    #[error("the body is not valid JSON")]
    NotJson,
    /// The body is JSON with comments.
    #[error("the body has comments, which JSON does not have: leave them out")]
    Commented,
    /// The body is not a JSON object.
    #[error("the body is not a JSON object")]
    NotObject,
    /// The JSON nests too deeply.
    #[error("the body nests deeper than {} levels", json::DEPTH_MAX)]
    TooDeep,
    /// More callbacks in one request than any chat server sends.
    #[error("the request carries more than {BATCH_MAX} callbacks")]
    BatchTooLong,
    /// No command was named.
    #[error("there is no command: name it in the path, the query or the body")]
    NoCommand,
    /// Two different commands were named.
    #[error("path, query and body name different commands")]
    CommandsDiffer,
    /// An unknown application.
    #[error("this application is not served here: check its id in the settings")]
    WrongApp,
    /// A required signature is missing.
    #[error("the callback is not signed: Sign and RequestTime are needed")]
    NotSigned,
    /// The signature is wrong.
    #[error("the signature does not fit: check the token on both sides")]
    WrongSignature,
    /// The signature's time is too far from now.
    #[error("the callback was signed more than {SIGNATURE_SECONDS_MAX} s from now: check the clocks")]
    Stale,
}

impl Refusal {
    /// The HTTP status.
    pub fn status(self) -> StatusCode {
        match self {
            Self::NoSuchPath => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::ContentType | Self::ContentEncoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Incomplete | Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::NoRoom | Self::JournalFull | Self::NotKept => StatusCode::SERVICE_UNAVAILABLE,
            Self::BodyFraming
            | Self::NotUtf8
            | Self::NotJson
            | Self::Commented
            | Self::NotObject
            | Self::TooDeep
            | Self::BatchTooLong
            | Self::NoCommand
            | Self::CommandsDiffer
            | Self::ParameterTwice => StatusCode::BAD_REQUEST,
            Self::WrongApp | Self::Network => StatusCode::FORBIDDEN,
            Self::NotSigned
            | Self::WrongSignature
            | Self::Stale
            | Self::NoCredentials
            | Self::CredentialsTwice
            | Self::WrongCredentials => StatusCode::UNAUTHORIZED,
        }
    }

    /// The name in metrics and records.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoSuchPath => "no_such_path",
            Self::Method => "method",
            Self::ContentType => "content_type",
            Self::ContentEncoding => "content_encoding",
            Self::Network => "network",
            Self::NoCredentials => "no_credentials",
            Self::CredentialsTwice => "credentials_twice",
            Self::WrongCredentials => "wrong_credentials",
            Self::ParameterTwice => "parameter_twice",
            Self::TooSlow => "too_slow",
            Self::TooLarge { .. } => "too_large",
            Self::Incomplete => "incomplete",
            Self::BodyFraming => "body_framing",
            Self::NoRoom => "no_room",
            Self::JournalFull => "journal_full",
            Self::NotKept => "not_kept",
            Self::NotUtf8 => "not_utf8",
            Self::NotJson => "not_json",
            Self::Commented => "commented",
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

/// Maximum number of callbacks in one request, according to Tencent's documentation of push results.
pub(crate) const BATCH_MAX: usize = 100;

/// Maximum difference between a signature's time and now, in seconds, according to Tencent's documentation.
pub(crate) const SIGNATURE_SECONDS_MAX: u64 = 60;
