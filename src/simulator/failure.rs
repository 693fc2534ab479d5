//! Errors with Google's wording and structure.

use serde_json::{Value, json};

/// An error answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    pub status: u16,
    pub body: Value,
}

/// Creates an error with these details.
pub fn failure(status: u16, message: impl Into<String>, details: Vec<Value>) -> Failure {
    let name = match status {
        400 => "INVALID_ARGUMENT",
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        429 => "RESOURCE_EXHAUSTED",
        503 => "UNAVAILABLE",
        504 => "DEADLINE_EXCEEDED",
        _ => "INTERNAL",
    };
    let mut error = json!({ "code": status, "message": message.into(), "status": name });
    if !details.is_empty() {
        error["details"] = Value::Array(details);
    }
    Failure { status, body: json!({ "error": error }) }
}

pub fn invalid(message: impl Into<String>) -> Failure {
    failure(400, message, Vec::new())
}

pub fn info(reason: &str) -> Value {
    json!({
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason,
        "domain": "googleapis.com",
        "metadata": { "service": "generativelanguage.googleapis.com" }
    })
}

pub fn unknown_model(model: &str) -> Failure {
    unsupported(model, "generateContent")
}

/// Creates Google's error for a model that does not exist or does not support the method; the message is the same for
/// both.
pub fn unsupported(model: &str, method: &str) -> Failure {
    let message = format!(
        "models/{model} is not found for API version v1beta, or is not supported for {method}. Call ModelService.ListModels to see the list of available models and their supported methods."
    );
    failure(404, message, Vec::new())
}

/// Creates the error for an exhausted quota. `delay` is in seconds: exact in the message, whole seconds in the
/// details.
pub fn exhausted(quota_id: &str, value: &str, model: &str, delay: Option<f64>) -> Failure {
    let mut message = format!(
        "You exceeded your current quota, please check your plan and billing details. \n* Quota exceeded for metric: generativelanguage.googleapis.com/generate_content_free_tier_requests, limit: {value}, model: {model}"
    );
    let mut details = vec![json!({
        "@type": "type.googleapis.com/google.rpc.QuotaFailure",
        "violations": [{
            "quotaMetric": "generativelanguage.googleapis.com/generate_content_free_tier_requests",
            "quotaId": quota_id,
            "quotaDimensions": { "location": "global", "model": model },
            "quotaValue": value
        }]
    })];
    if let Some(delay) = delay {
        message.push_str(&format!("\nPlease retry in {delay}s."));
        let whole = delay.floor() as u64;
        details.push(json!({ "@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": format!("{whole}s") }));
    }
    failure(429, message, details)
}
