//! Keys: any key is valid, except those whose text selects a failure.

use super::failure::{Failure, exhausted, failure, info, unknown_model};

/// The failure of a key that contains a marker.
type KeyFailure = fn(key: &str, model: &str) -> Failure;

const FAILURES: &[(&str, KeyFailure)] = &[
    ("invalid", |_, _| failure(400, "API key not valid. Please pass a valid API key.", vec![info("API_KEY_INVALID")])),
    ("leaked", |key, _| {
        let message =
            format!("Your API key was reported as leaked. Please use another API key. (consumer 'api_key:{key}')");
        failure(403, message, Vec::new())
    }),
    ("suspended", |key, _| {
        let message = format!("Permission denied: Consumer 'api_key:{key}' has been suspended.");
        failure(403, message, vec![info("CONSUMER_SUSPENDED")])
    }),
    ("modelless", |_, model| unknown_model(model)),
    ("minute", |_, model| exhausted("GenerateRequestsPerMinutePerProjectPerModel-FreeTier", "15", model, Some(34.4))),
    ("today", |_, model| exhausted("GenerateRequestsPerDayPerProjectPerModel-FreeTier", "20", model, Some(34.4))),
];

/// Returns the key of a request if it is valid for the model.
pub fn check(key: Option<&str>, query: Option<&str>, model: &str) -> Result<String, Failure> {
    if query.is_some_and(|query| query.split('&').any(|pair| pair.starts_with("key="))) {
        return Err(failure(400, "stand-in: the key is in the URL, where it ends up in logs", Vec::new()));
    }
    let Some(key) = key.filter(|key| !key.is_empty()) else {
        let message = "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other form of API consumer identity to call this API.";
        return Err(failure(403, message, Vec::new()));
    };
    match FAILURES.iter().find(|(mark, _)| key.contains(mark)) {
        Some((_, fail)) => Err(fail(key, model)),
        None => Ok(key.to_owned()),
    }
}
