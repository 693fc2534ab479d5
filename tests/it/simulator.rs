//! The simulator is as strict as Google, and accepts what Google accepts.

use std::path::PathBuf;

use gemini_adapter::simulator::{Options, SCENARIOS, Simulator};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::corpus::folder_of;

async fn start() -> Simulator {
    Simulator::start(TcpListener::bind("127.0.0.1:0").await.unwrap(), Options::default()).unwrap()
}

async fn post(simulator: &Simulator, model: &str, method: &str, body: &Value) -> (u16, String) {
    let url = format!("{}/v1beta/models/{model}:{method}", simulator.base_url());
    let response = reqwest::Client::new()
        .post(url)
        .header("x-goog-api-key", "some-key")
        .body(body.to_string())
        .send()
        .await
        .unwrap();
    (response.status().as_u16(), response.text().await.unwrap_or_default())
}

fn user() -> Value {
    json!([{ "role": "user", "parts": [{ "text": "x" }] }])
}

/// What the translators make, the stand-in takes: it shares nothing with them but what Google says of its API.
#[tokio::test]
async fn golden_requests_are_taken() {
    let simulator = start().await;
    let mut refused = Vec::new();
    let mut taken = 0;
    for dialect in ["openai_chat", "openai_responses", "openai_completions", "anthropic_messages"] {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(dialect);
        for case in std::fs::read_dir(folder).unwrap().map(|case| case.unwrap().path()) {
            let Ok(body) = std::fs::read_to_string(case.join("upstream.json")) else { continue };
            let model = std::fs::read_to_string(case.join("model")).unwrap_or("gemini-3.8-flash".into());
            let body = serde_json::from_str(&body).unwrap();
            match post(&simulator, model.trim(), "generateContent", &body).await {
                (200, _) => taken += 1,
                // Files, signatures and models of the cases that are not this stand-in's.
                (403 | 404, _) => {}
                (400, why) if why.contains("Corrupted thought signature") => {}
                (status, why) => refused.push(format!("{}: {status} {why}", case.display())),
            }
        }
    }
    assert!(refused.is_empty() && taken > 80, "{taken} taken, but\n{}", refused.join("\n"));
}

#[tokio::test]
async fn wrong_requests_are_refused_in_googles_words() {
    let simulator = start().await;
    let call = |name: &str| json!({ "functionCall": { "name": name, "args": {} } });
    let result = |name: &str| json!({ "functionResponse": { "name": name, "response": {} } });
    let loop_of = |model_parts: Value, user_parts: Value| {
        json!({ "contents": [
        { "role": "user", "parts": [{ "text": "x" }] }, { "role": "model", "parts": model_parts }, { "role": "user", "parts": user_parts }
    ] })
    };
    let with = |field: &str, value: Value| {
        let mut body = json!({ "contents": user() });
        body[field] = value;
        body
    };
    let config = |value: Value| with("generationConfig", value);
    let tools = |functions: Value| with("tools", json!([{ "functionDeclarations": functions }]));
    for (model, body, words) in [
        ("gemini-2.5-flash", json!({}), "contents is not specified"),
        ("gemini-2.5-flash", with("temprature", json!(1)), "Unknown name \"temprature\": Cannot find field."),
        (
            "gemini-2.5-flash",
            config(json!({ "x": 1 })),
            "Unknown name \"x\" at 'generation_config': Cannot find field.",
        ),
        (
            "gemini-2.5-flash",
            json!({ "contents": [{ "role": "user", "parts": [{ "txt": "x" }] }] }),
            "Unknown name \"txt\" at 'contents[0].parts[0]'",
        ),
        ("gemini-2.5-flash", json!({ "contents": [{ "role": "user", "parts": [] }] }), "parts must not be empty"),
        ("gemini-2.5-flash", json!({ "contents": [{ "role": "user", "parts": [{}] }] }), "required oneof field 'data'"),
        (
            "gemini-2.5-flash",
            json!({ "contents": [{ "role": "assistant", "parts": [{ "text": "x" }] }] }),
            "valid role",
        ),
        (
            "gemini-2.5-flash",
            config(json!({ "temperature": "hot" })),
            "Invalid value at 'generation_config.temperature'",
        ),
        ("gemini-2.5-flash", config(json!({ "temperature": 3 })), "temperature is out of range"),
        ("gemini-2.5-flash", config(json!({ "maxOutputTokens": 0 })), "maxOutputTokens is out of range"),
        ("gemini-2.5-flash", config(json!({ "stopSequences": ["a", "b", "c", "d", "e", "f"] })), "stop sequences"),
        ("gemini-2.5-flash", config(json!({ "responseJsonSchema": {} })), "response_mime_type"),
        (
            "gemini-2.5-flash",
            config(json!({ "thinkingConfig": { "thinkingLevel": "LOW" } })),
            "Thinking level is not supported",
        ),
        ("gemini-2.5-pro", config(json!({ "thinkingConfig": { "thinkingBudget": 0 } })), "Budget 0 is invalid"),
        ("gemini-2.0-flash", config(json!({ "thinkingConfig": {} })), "Thinking is not enabled"),
        (
            "gemini-3.8-flash",
            config(json!({ "thinkingConfig": { "thinkingLevel": "MINIMAL" } })),
            "Thinking level is not supported",
        ),
        (
            "gemini-3.8-flash",
            config(json!({ "thinkingConfig": { "thinkingLevel": "LOW", "thinkingBudget": 1 } })),
            "only one of thinking",
        ),
        ("gemini-3.8-flash", config(json!({ "candidateCount": 2 })), "Multiple candidates"),
        ("gemini-3.8-flash", config(json!({ "frequencyPenalty": 1 })), "Penalty is not enabled"),
        ("gemini-2.5-flash", tools(json!([{ "name": "1st" }])), "Invalid function name"),
        ("gemini-2.5-flash", tools(json!([{ "name": "a" }, { "name": "a" }])), "Duplicate function"),
        (
            "gemini-2.5-flash",
            tools(json!([{ "name": "a", "parameters": { "type": "OBJECT" }, "parametersJsonSchema": {} }])),
            "Only one of parameters",
        ),
        (
            "gemini-2.5-flash",
            tools(json!([{ "name": "a", "parameters": { "type": ["string", "null"] } }])),
            "Invalid value at 'tools[0].function_declarations[0].parameters.type'",
        ),
        ("gemini-2.5-flash", tools(json!([{ "name": "a", "parameters": { "$ref": "x" } }])), "Unknown name \"$ref\""),
        (
            "gemini-2.5-flash",
            with("toolConfig", json!({ "functionCallingConfig": { "mode": "AUTO", "allowedFunctionNames": ["a"] } })),
            "ANY or VALIDATED",
        ),
        (
            "gemini-2.5-flash",
            loop_of(json!([call("a"), call("b")]), json!([result("a")])),
            "number of function response parts",
        ),
        (
            "gemini-3.8-flash",
            loop_of(json!([call("a"), call("b")]), json!([result("b"), result("a")])),
            "order of the function call",
        ),
        (
            "gemini-2.5-flash",
            loop_of(json!([{ "text": "x" }]), json!([result("a")])),
            "number of function response parts",
        ),
        (
            "gemini-2.5-flash",
            loop_of(json!([call("a")]), json!([{ "functionResponse": { "name": "a", "response": [] } }])),
            "response",
        ),
        (
            "gemini-2.5-flash",
            loop_of(json!([call("a")]), json!([{ "functionResponse": { "response": {} } }])),
            "Name cannot be empty",
        ),
        ("gemini-3.8-flash", loop_of(json!([call("a")]), json!([result("a")])), "missing a thought_signature"),
        (
            "gemini-3.8-flash",
            json!({ "contents": [{ "role": "user", "parts": [{ "text": "x" }] }, { "role": "model", "parts": [{ "text": "y" }] }] }),
            "ending with a model turn",
        ),
        (
            "gemini-2.5-flash",
            json!({ "contents": [{ "role": "user", "parts": [{ "inlineData": { "mimeType": "image/gif", "data": "AAAA" } }] }] }),
            "Unsupported MIME type",
        ),
        (
            "gemini-2.5-flash",
            json!({ "contents": [{ "role": "user", "parts": [{ "inlineData": { "mimeType": "image/png", "data": "%%%" } }] }] }),
            "Invalid value at",
        ),
        (
            "gemini-2.5-flash-image",
            with("systemInstruction", json!({ "parts": [{ "text": "x" }] })),
            "Developer instruction is not enabled",
        ),
        (
            "gemini-2.5-flash",
            json!({ "contents": user(), "cachedContent": "cachedContents/x", "tools": [] }),
            "CachedContent can not be used",
        ),
    ] {
        let (status, text) = post(&simulator, model, "generateContent", &body).await;
        assert_eq!(status, 400, "{body}: {text}");
        let found: Value = serde_json::from_str(&text).unwrap();
        assert!(found["error"]["message"].as_str().unwrap().contains(words), "{body}: {text}");
    }
    assert_eq!(post(&simulator, "gemini-9", "generateContent", &json!({ "contents": user() })).await.0, 404);
}

#[tokio::test]
async fn keys_and_methods() {
    let simulator = start().await;
    let client = reqwest::Client::new();
    let url = format!("{}/v1beta/models/gemini-2.5-flash:generateContent", simulator.base_url());
    let body = json!({ "contents": user() }).to_string();
    assert_eq!(client.post(&url).body(body.clone()).send().await.unwrap().status(), 403);
    assert_eq!(client.post(format!("{url}?key=x")).body(body).send().await.unwrap().status(), 400);
    let (status, text) = post(&simulator, "gemini-2.5-flash", "countTokens", &json!({ "contents": user() })).await;
    assert!(status == 200 && text.contains("totalTokens"), "{text}");
    let list = client
        .get(format!("{}/v1beta/models?pageSize=4", simulator.base_url()))
        .header("x-goog-api-key", "k")
        .send()
        .await
        .unwrap();
    let list: Value = serde_json::from_str(&list.text().await.unwrap()).unwrap();
    assert_eq!((list["models"].as_array().unwrap().len(), list["nextPageToken"].as_str()), (4, Some("4")));
    let (_, array) =
        post(&simulator, "gemini-2.5-flash", "streamGenerateContent", &json!({ "contents": user() })).await;
    assert!(serde_json::from_str::<Vec<Value>>(&array).is_ok(), "{array}");
    let names: std::collections::BTreeSet<&str> = SCENARIOS.iter().map(|row| row.name).collect();
    assert_eq!(names.len(), SCENARIOS.len());
}

/// Requests that Google answered must not be refused for their shape.
#[tokio::test]
async fn recorded_requests_are_taken() {
    let Ok(recorded) = std::fs::read_dir(folder_of("gemini")) else {
        eprintln!("recorded traffic is not here: skipped");
        return;
    };
    let simulator = start().await;
    let (mut taken, mut refused) = (0, Vec::new());
    for entry in recorded {
        let path = entry.unwrap().path();
        let case: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let place = case.pointer("/request/path").and_then(Value::as_str).unwrap_or_default();
        let body = &case["request"]["body"];
        // Recorders cut long base64, which may leave it invalid.
        let whole = case["truncated"].as_array().is_none_or(Vec::is_empty);
        if case["response"]["status"] != 200 || !place.ends_with("enerateContent") || !body.is_object() || !whole {
            continue;
        }
        // The model that answered, where the stand-in has it: what others take is another matter.
        let answered = case["model_version"].as_str().unwrap_or_default();
        let known = [
            "gemini-2.0-flash",
            "gemini-2.5-pro",
            "gemini-2.5-flash-lite",
            "gemini-2.5-flash-image",
            "gemini-2.5-flash",
            "gemini-3-flash-preview",
            "gemini-3.5-flash",
        ];
        let Some(model) = known.iter().find(|known| **known == answered) else { continue };
        match post(&simulator, model, "generateContent", body).await {
            (400, text) => refused.push(format!("{}: {text}", path.display())),
            _ => taken += 1,
        }
    }
    eprintln!("{taken} taken, {} refused", refused.len());
    assert!(
        taken > 200 && refused.len() * 50 <= taken,
        "{taken} taken, {} refused:\n{}",
        refused.len(),
        refused.join("\n")
    );
}
