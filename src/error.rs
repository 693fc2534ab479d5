//! The error a client receives, modelled on OpenAI's error object and used for every protocol.

use std::borrow::Cow;
use std::time::Duration;

use crate::fault::{Blame, Fault, Kind, Remedy};

/// A failed request, as reported to the client. Only `server::respond` turns it into an HTTP response; a stream that
/// has already started carries it as its last event.
#[derive(Clone, Debug, PartialEq)]
pub struct Error {
    /// HTTP status.
    pub status: u16,
    /// OpenAI's `type`: `invalid_request_error`, `server_error`, …
    pub kind: Cow<'static, str>,
    /// OpenAI's `code`, if one applies.
    pub code: Option<Cow<'static, str>>,
    /// The field at fault: `messages[2].content`.
    pub param: Option<String>,
    /// What is wrong and what to do about it. Contains no secrets.
    pub message: String,
    /// How long the client should wait before it retries.
    pub retry_after: Option<Duration>,
    /// Whether the client's SDK should retry automatically. With `None`, the SDK decides by the status.
    pub should_retry: Option<bool>,
}

impl Error {
    fn new(status: u16, kind: &'static str, code: Option<&'static str>, message: impl Into<String>) -> Self {
        Self {
            status,
            kind: kind.into(),
            code: code.map(Into::into),
            param: None,
            message: message.into(),
            retry_after: None,
            should_retry: None,
        }
    }

    /// 400: the request is invalid.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "invalid_request_error", None, message)
    }

    /// 401: the client's key is wrong or missing. Reveals nothing about which keys exist.
    pub fn unauthorized(message: impl Into<String>, code: Option<&'static str>) -> Self {
        Self::new(401, "invalid_request_error", code, message)
    }

    /// 403: the client is not allowed to do this.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(403, "invalid_request_error", Some("permission_denied"), message)
    }

    /// 404: no such URL or resource.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(404, "invalid_request_error", None, message)
    }

    /// 404: no such model.
    pub fn model_not_found(model: &str) -> Self {
        // The name is untrusted: truncate and escape it before echoing it.
        let shown: String = model.chars().take(128).collect::<String>().escape_debug().collect();
        Self::new(
            404,
            "invalid_request_error",
            Some("model_not_found"),
            format!("The model `{shown}` does not exist or you do not have access to it."),
        )
        .param("model")
    }

    /// 405: the URL exists, but does not support this method.
    pub fn method_not_allowed(message: impl Into<String>) -> Self {
        Self::new(405, "invalid_request_error", Some("method_not_allowed"), message)
    }

    /// 409: the request refers to more than one object where only one is possible.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(409, "invalid_request_error", Some("ambiguous"), message)
    }

    /// 412: a precondition of the request does not hold.
    pub fn moved(message: impl Into<String>) -> Self {
        Self::new(412, "invalid_request_error", Some("precondition_failed"), message)
    }

    /// 413: the body is larger than allowed.
    pub fn too_large(limit: usize) -> Self {
        let message = format!("The request body is larger than {limit} bytes. Send less, or raise `server.max_body`.");
        Self::new(413, "invalid_request_error", Some("request_too_large"), message)
    }

    /// 429: every key that could serve this request is cooling down.
    pub fn all_resting(message: impl Into<String>, retry_after: Duration) -> Self {
        let mut error = Self::new(429, "requests", Some("rate_limit_exceeded"), message);
        error.retry_after = Some(retry_after);
        // Rather than let an SDK wait longer than this before its retry, tell it to give up and show the message.
        error.should_retry = (retry_after > Duration::from_secs(60)).then_some(false);
        error
    }

    /// 504: the client accepts only a cached answer, and there is none.
    pub fn not_kept() -> Self {
        let message =
            "No answer to this request is cached, and `cache-control: only-if-cached` forbids an upstream call.";
        Self::new(504, "invalid_request_error", Some("not_cached"), message).should_retry(false)
    }

    /// 429: the client has reached its current limit of `kind`, which is `requests` or `tokens`.
    pub fn limited(kind: &'static str, message: impl Into<String>, retry_after: Duration) -> Self {
        let message = format!("{} Please try again in {:.3}s.", message.into(), retry_after.as_secs_f64());
        let mut error = Self::all_resting(message, retry_after);
        error.kind = kind.into();
        error
    }

    /// 429: the client has exhausted its budget.
    pub fn over_budget(message: impl Into<String>, retry_after: Duration) -> Self {
        let mut error = Self::new(429, "insufficient_quota", Some("insufficient_quota"), message).should_retry(false);
        error.retry_after = Some(retry_after);
        error
    }

    /// 500: an internal error of this server.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(500, "server_error", Some("internal_error"), message)
    }

    /// 503: nothing can serve the request at the moment.
    pub fn unavailable(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(503, "server_error", Some(code), message)
    }

    /// An error whose status, code and message were chosen by a plugin.
    pub fn by_plugin(status: u16, code: Option<String>, message: String) -> Self {
        let kind = if status < 500 { "invalid_request_error" } else { "server_error" };
        Self { code: code.map(Into::into), ..Self::new(status, kind, None, message) }
    }

    /// Sets the field at fault.
    pub fn param(mut self, param: impl Into<String>) -> Self {
        self.param = Some(param.into());
        self
    }

    /// Sets the code.
    pub fn code(mut self, code: &'static str) -> Self {
        self.code = Some(code.into());
        self
    }

    /// Sets whether the client's SDK should retry automatically.
    pub fn should_retry(mut self, should_retry: bool) -> Self {
        self.should_retry = Some(should_retry);
        self
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}: {}", self.status, self.code.as_deref().unwrap_or(&self.kind), self.message)
    }
}

impl std::error::Error for Error {}

/// The error reported to the client after the last attempt. It keeps Google's status where that means the same to an
/// OpenAI client. An invalid upstream key never becomes a 401, which would blame the client's own key.
impl From<&Fault> for Error {
    fn from(fault: &Fault) -> Self {
        let message = fault.message.clone();
        let mut error = match fault.kind {
            Kind::Withheld => Self::new(400, "image_generation_user_error", Some("moderation_blocked"), message),
            Kind::BadRequest => Self::new(400, "invalid_request_error", None, message),
            Kind::ContextLength => Self::new(
                400,
                "invalid_request_error",
                Some("context_length_exceeded"),
                format!("This model's maximum context length is exceeded. {message}"),
            )
            .param("messages"),
            Kind::ModelNotFound | Kind::ModelNotForKey => {
                Self::new(404, "invalid_request_error", Some("model_not_found"), message).param("model")
            }
            Kind::NotOwned => Self::new(404, "invalid_request_error", None, message),
            Kind::KeyInvalid | Kind::KeyBlocked => Self::unavailable(
                "upstream_key_error",
                "Google accepts none of the upstream Gemini keys. The operator finds each key's reason in /admin/keys.",
            )
            .should_retry(false),
            Kind::Location => {
                Self::new(403, "invalid_request_error", Some("unsupported_country_region_territory"), message)
            }
            Kind::Billing => {
                Self::new(429, "insufficient_quota", Some("insufficient_quota"), message).should_retry(false)
            }
            Kind::RateLimited => Self::new(429, "requests", Some("rate_limit_exceeded"), message),
            Kind::DayQuota => Self::new(429, "requests", Some("rate_limit_exceeded"), message).should_retry(false),
            Kind::Overloaded => Self::unavailable("overloaded", message),
            Kind::Timeout => Self::new(504, "server_error", Some("timeout"), message),
            Kind::Unreachable | Kind::BrokenAnswer | Kind::Truncated => {
                Self::new(502, "server_error", Some("upstream_error"), message)
            }
            Kind::UpstreamError | Kind::Unknown => Self::new(
                fault.status.filter(|status| (400..600).contains(status)).unwrap_or(500),
                "server_error",
                Some("upstream_error"),
                message,
            ),
        };
        error.retry_after = fault.retry_after;
        if fault.remedy == Some(Remedy::NoThinking) {
            error.param = Some("reasoning_effort".into());
        }
        if fault.blame == Blame::Request {
            error.should_retry = Some(false);
        }
        error
    }
}
