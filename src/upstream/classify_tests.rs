//! Tests of the classification against a table of Google's failures and all recorded ones.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::fault::Retry;

const KEY: &str = "AIzaSyD-planted-canary-0123456789abcdef";

fn fault(status: u16, body: &Value) -> Fault {
    classify(status, body.to_string().as_bytes(), &Secret::new(KEY))
}

fn error(message: &str, details: &Value) -> Value {
    json!({ "error": { "code": 0, "message": message, "status": "X", "details": details } })
}

fn info(reason: &str) -> Value {
    json!([{ "@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "googleapis.com" }])
}

fn quota(ids: &[(&str, &str)], delay: Option<&str>) -> Value {
    let violations: Vec<Value> = ids.iter().map(|(id, value)| json!({ "quotaId": id, "quotaValue": value })).collect();
    let mut details = vec![json!({ "@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": violations })];
    details
        .extend(delay.map(|delay| json!({ "@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay })));
    Value::Array(details)
}

#[test]
fn the_table() {
    let none = json!([]);
    for (status, body, kind, blame) in [
        (
            400,
            error("API key not valid. Please pass a valid API key.", &info("API_KEY_INVALID")),
            Kind::KeyInvalid,
            Blame::Key,
        ),
        (400, error("API key expired. Please renew the API key.", &none), Kind::KeyInvalid, Blame::Key),
        (
            400,
            error("The input token count (1250074) exceeds the maximum number of tokens allowed (1048576).", &none),
            Kind::ContextLength,
            Blame::Request,
        ),
        (400, error("User location is not supported for the API use.", &none), Kind::Location, Blame::Key),
        (400, error("Invalid JSON payload received.", &none), Kind::BadRequest, Blame::Request),
        (401, error("Request had invalid authentication credentials.", &none), Kind::KeyInvalid, Blame::Key),
        (402, error("Your Prepay credit balance is depleted.", &none), Kind::Billing, Blame::Key),
        (403, error("Your API key was reported as leaked.", &none), Kind::KeyBlocked, Blame::Key),
        (403, error("Permission denied", &info("CONSUMER_SUSPENDED")), Kind::KeyBlocked, Blame::Key),
        (
            403,
            error("You do not have permission to access the File abc or it may not exist.", &none),
            Kind::NotOwned,
            Blame::Request,
        ),
        (403, error("You may not.", &none), Kind::BadRequest, Blame::Request),
        (404, error("models/x is not found for API version v1beta", &none), Kind::ModelNotFound, Blame::Request),
        (
            404,
            error("This model models/x is no longer available to new users.", &none),
            Kind::ModelNotForKey,
            Blame::Quota,
        ),
        (413, json!({}), Kind::BadRequest, Blame::Request),
        (
            429,
            error("m", &quota(&[("GenerateRequestsPerMinutePerProjectPerModel-FreeTier", "15")], None)),
            Kind::RateLimited,
            Blame::Quota,
        ),
        (
            429,
            error("m", &quota(&[("GenerateRequestsPerMinute", "15"), ("GenerateRequestsPerDay", "20")], Some("34.4s"))),
            Kind::DayQuota,
            Blame::Quota,
        ),
        (429, error("m", &quota(&[("GenerateRequestsPerDay", "0")], None)), Kind::ModelNotForKey, Blame::Quota),
        (429, error("Resource has been exhausted (e.g. check quota).", &none), Kind::RateLimited, Blame::Quota),
        (429, error("No capacity", &info("MODEL_CAPACITY_EXHAUSTED")), Kind::Overloaded, Blame::Model),
        (499, error("cancelled", &none), Kind::UpstreamError, Blame::Model),
        (500, error("An internal error has occurred.", &none), Kind::UpstreamError, Blame::Model),
        (503, error("The model is overloaded. Please try again later.", &none), Kind::Overloaded, Blame::Model),
        (504, error("Deadline expired", &none), Kind::Timeout, Blame::Model),
        (302, json!({}), Kind::Unknown, Blame::Endpoint),
    ] {
        let found = fault(status, &body);
        assert_eq!((found.kind, found.blame), (kind, blame), "{status} {body}");
        let array = classify(status, json!([body]).to_string().as_bytes(), &Secret::new(KEY));
        assert_eq!((array.kind, &array.message), (kind, &found.message), "in an array: {status} {body}");
    }
}

#[test]
fn hints() {
    let minute = |message: &str, delay: Option<&str>| {
        fault(429, &error(message, &quota(&[("PerMinute", "15")], delay))).retry_after.map(|rest| rest.as_secs_f64())
    };
    for (message, delay, expected) in [
        ("", Some("34.4s"), Some(34.4)),
        ("Please retry in 48.939935699s.", Some("48s"), Some(48.939935699)),
        ("Please retry in 10s.", Some("48s"), Some(48.0)),
        ("Please retry in 250ms.", None, Some(0.25)),
        ("Please retry later.", None, None),
        ("", Some("1e18s"), Some(LONGEST_HINT)),
        ("", Some("-5s"), None),
        ("", Some("NaNs"), None),
        ("", Some("infs"), None),
        ("", Some("0s"), None),
    ] {
        assert_eq!(minute(message, delay), expected, "{message} {delay:?}");
    }
}

#[test]
fn words_are_fit_for_a_client() {
    let text = format!("Consumer 'api_key:{KEY}' has been suspended in project 123456789012.");
    let found = fault(403, &error(&text, &json!([{ "@type": "google.rpc.DebugInfo", "detail": "[internal]" }])));
    assert_eq!(found.message, "Consumer 'api_key:[secret]' has been suspended in project [number].");
    let page = classify(502, b"<html>nginx at 10.0.0.1</html>", &Secret::new(KEY));
    assert_eq!((page.kind, page.message.contains("html")), (Kind::UpstreamError, false));
}

#[test]
fn a_bad_request_is_never_tried_again() {
    assert_eq!(fault(400, &error("x", &json!([]))).retry(), Retry::Never);
    assert_eq!(fault(429, &error("x", &json!([]))).retry(), Retry::OtherKey);
}

#[test]
fn recorded_errors_are_all_known() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/recorded/gemini");
    let folder = std::env::var_os("RECORDED_TRAFFIC").map_or(folder, |root| std::path::Path::new(&root).join("gemini"));
    let Ok(entries) = std::fs::read_dir(folder) else {
        eprintln!("recorded traffic is not here: skipped");
        return;
    };
    let mut seen = 0;
    for entry in entries {
        let path = entry.unwrap().path();
        let case: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let status = case.pointer("/response/status").and_then(Value::as_u64).unwrap_or(200);
        if status == 200 {
            continue;
        }
        let response = &case["response"];
        let body = response.get("raw").filter(|raw| raw.is_string()).unwrap_or(&response["body"]);
        let text = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
        let found = classify(u16::try_from(status).unwrap(), text.as_bytes(), &Secret::new(KEY));
        assert_ne!(found.kind, Kind::Unknown, "{path:?}: {text}");
        assert!(!found.message.contains("AIza"), "{path:?}: {}", found.message);
        if status == 429 {
            assert_eq!(found.blame, Blame::Quota, "{path:?}");
        }
        seen += 1;
    }
    eprintln!("{seen} recorded errors");
    assert!(seen > 50, "most recorded errors are gone: {seen}");
}

proptest! {
    #[test]
    fn no_body_panics(status in 0u16..=999, body in prop::collection::vec(any::<u8>(), 0..200), delay in "[0-9a-z.+-]{0,12}s?") {
        classify(status, &body, &Secret::new(KEY));
        classify_event(&body, &Secret::new(""));
        fault(status, &error(&format!("retry in {delay}"), &quota(&[("PerMinute", "1")], Some(&delay))));
    }
}

#[test]
fn what_google_said_is_kept_without_the_key() {
    let fault = classify(
        403,
        format!("{{\"error\":{{\"message\":\"Consumer 'api_key:{KEY}' has been suspended\"}}}}").as_bytes(),
        &Secret::new(KEY),
    );
    let said = String::from_utf8_lossy(&fault.said.as_ref().unwrap().0).into_owned();
    assert!(said.contains("suspended") && !said.contains(KEY), "{said}");
    assert!(!format!("{fault:?}").contains(KEY));
}
