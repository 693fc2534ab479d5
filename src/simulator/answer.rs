//! Composes answers: a list of pieces, from which both streams and whole answers are made. The same request always
//! gets the same answer.

use serde_json::{Map, Value, json};

use super::scenario::{Kind, Say, Scenario};
use super::{signature, sound};

/// A PNG image of one transparent pixel.
pub const PIXEL: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";

/// An answer: its pieces in order, and how it ends.
pub struct Answer {
    /// The pieces; each is the parts of one event.
    pub pieces: Vec<Vec<Value>>,
    /// `STOP`, `MAX_TOKENS`, …; None if the prompt is blocked.
    pub finish: Option<&'static str>,
    /// The index of a piece that already has a finish reason although more follow.
    pub early_stop: Option<usize>,
    /// The message that accompanies the finish reason.
    pub finish_message: Option<&'static str>,
    /// The number of thought tokens.
    pub thoughts: u64,
    /// The grounding metadata, if the answer is based on a search.
    pub grounding: Option<Value>,
}

impl Answer {
    fn of(pieces: Vec<Vec<Value>>) -> Self {
        Self { pieces, finish: Some("STOP"), early_stop: None, finish_message: None, thoughts: 0, grounding: None }
    }
}

/// Composes the answer to a request.
pub fn compose(model: &str, body: &Value, prompt: &str, scenario: Option<&Scenario>, streaming: bool) -> Answer {
    let draws =
        body["generationConfig"]["responseModalities"].as_array().is_some_and(|asked| asked.contains(&json!("IMAGE")));
    let say = match scenario.map(|scenario| scenario.kind) {
        Some(Kind::Say(say)) => say,
        _ if body["generationConfig"]["responseMimeType"] == "application/json" => Say::Json,
        _ if must_call(body) => Say::Tool,
        None if draws => Say::Image,
        _ => Say::Text,
    };
    let newer = !model.contains("2.") && !model.contains("1.5");
    let mut answer = match say {
        Say::Text if sound::is_voice(model) => Answer::of(sound::pieces(model, &without_markers(prompt), streaming)),
        Say::Tool | Say::Parallel => tools(body, say, scenario, newer),
        Say::Long => long(scenario),
        _ => plain(say, body, prompt),
    };
    // Gemini 3 ends its streams with an empty text that has a signature.
    if newer
        && !sound::is_voice(model)
        && answer.finish == Some("STOP")
        && matches!(say, Say::Text | Say::Search | Say::Thinking)
    {
        answer.pieces.push(vec![json!({ "text": "", "thoughtSignature": signature::of_text() })]);
    }
    answer
}

fn plain(say: Say, body: &Value, prompt: &str) -> Answer {
    let said = format!("You said: {}", without_markers(prompt));
    let text = |text: &str| vec![json!({ "text": text })];
    match say {
        Say::Thinking => {
            let thought = json!({ "text": "The user wants an answer.", "thought": true });
            let mut pieces = words(&said);
            // Summaries are only sent on request; the tokens are used either way.
            if body["generationConfig"]["thinkingConfig"]["includeThoughts"] == true {
                pieces.insert(0, vec![thought]);
            }
            Answer { thoughts: 40, ..Answer::of(pieces) }
        }
        Say::Search => {
            Answer { grounding: searches(body).then(|| grounding(prompt, &said)), ..Answer::of(words(&said)) }
        }
        Say::Json => {
            let config = &body["generationConfig"];
            let schema = config.get("responseJsonSchema").or(config.get("responseSchema"));
            let value = schema.map_or_else(|| json!({ "answer": said }), |schema| example(schema, schema, 0));
            Answer::of(vec![text(&value.to_string())])
        }
        Say::Fenced => Answer::of(words("Here it is:\n```json\n{\"answer\": [1, 2, {\"b\": \"c\"")),
        Say::Request => Answer::of(words(&body.to_string())),
        Say::Blocked => Answer { finish: None, ..Answer::of(Vec::new()) },
        Say::Safety => Answer { finish: Some("SAFETY"), ..Answer::of(Vec::new()) },
        Say::MaxTokens => Answer { finish: Some("MAX_TOKENS"), ..Answer::of(vec![text("This answer is cut")]) },
        Say::OnlyThoughts => Answer { finish: Some("MAX_TOKENS"), thoughts: 16, ..Answer::of(Vec::new()) },
        Say::Empty => Answer::of(Vec::new()),
        Say::MalformedCall => Answer {
            finish: Some("MALFORMED_FUNCTION_CALL"),
            finish_message: Some("Malformed function call: print(default_api.f())"),
            ..Answer::of(Vec::new())
        },
        Say::Image => {
            let image = vec![json!({ "inlineData": { "mimeType": "image/png", "data": PIXEL } })];
            let only = body["generationConfig"]["responseModalities"] == json!(["IMAGE"]);
            Answer::of(if only { vec![image] } else { vec![text("Here it is."), image] })
        }
        Say::DoubleStop => Answer { early_stop: Some(0), ..Answer::of(vec![text("First. "), text("Second.")]) },
        _ => Answer::of(words(&said)),
    }
}

fn searches(body: &Value) -> bool {
    body["tools"].as_array().is_some_and(|tools| tools.iter().any(|tool| tool.get("googleSearch").is_some()))
}

/// Returns the grounding metadata of a search: one page that supports the whole text.
fn grounding(prompt: &str, said: &str) -> Value {
    json!({
        "webSearchQueries": [without_markers(prompt)],
        "groundingChunks": [{ "web": { "uri": "https://example.com/found", "title": "Found" } }],
        "groundingSupports": [{ "segment": { "endIndex": said.len(), "text": said }, "groundingChunkIndices": [0] }],
    })
}

/// Splits a text into pieces of a few words, at any character, as Gemini does.
fn words(text: &str) -> Vec<Vec<Value>> {
    let letters: Vec<char> = text.chars().collect();
    letters.chunks(24).map(|piece| vec![json!({ "text": piece.iter().collect::<String>() })]).collect()
}

/// Returns numbered pieces, so that lost and duplicate ones can be detected.
fn long(scenario: Option<&Scenario>) -> Answer {
    let number = |key: &str, default: u64| scenario.map_or(default, |scenario| scenario.number(key, default));
    let (chunks, size) = (number("chunks", 100), number("size", 16));
    let piece = |index: u64| {
        let mut text = format!("{index} ");
        let missing = usize::try_from(size).unwrap_or_default().saturating_sub(text.len());
        text.push_str(&"x".repeat(missing));
        vec![json!({ "text": text })]
    };
    Answer::of((0..chunks).map(piece).collect())
}

fn functions(body: &Value) -> Vec<&Value> {
    let tools = body["tools"].as_array().into_iter().flatten();
    let declared = tools.flat_map(|tool| tool["functionDeclarations"].as_array().into_iter().flatten());
    let allowed = body["toolConfig"]["functionCallingConfig"]["allowedFunctionNames"].as_array();
    declared.filter(|function| allowed.is_none_or(|allowed| allowed.contains(&function["name"]))).collect()
}

fn must_call(body: &Value) -> bool {
    body["toolConfig"]["functionCallingConfig"]["mode"] == "ANY"
        && results(body).is_empty()
        && !functions(body).is_empty()
}

/// Returns the function results since the last user turn.
fn results(body: &Value) -> Vec<&Value> {
    let contents = body["contents"].as_array().map(Vec::as_slice).unwrap_or_default();
    let responses = |content: &Value| {
        content["parts"].as_array().is_some_and(|parts| parts.iter().any(|part| part.get("functionResponse").is_some()))
    };
    let turn = contents.iter().rposition(|content| content["role"] != "model" && !responses(content));
    let since = contents.iter().skip(turn.map_or(0, |at| at + 1));
    let parts = since.flat_map(|content| content["parts"].as_array().into_iter().flatten());
    parts.filter_map(|part| part.get("functionResponse")).collect()
}

fn tools(body: &Value, say: Say, scenario: Option<&Scenario>, newer: bool) -> Answer {
    let functions = functions(body);
    let results = results(body);
    let steps = scenario.map_or(1, |scenario| scenario.number("steps", 1));
    let wanted = scenario.map_or(3, |scenario| scenario.number("calls", 3));
    let done = u64::try_from(results.len()).unwrap_or(u64::MAX) >= if say == Say::Parallel { 1 } else { steps };
    if functions.is_empty() || done {
        let told: Vec<String> =
            results.iter().map(|result| format!("{}={}", text_of(&result["name"]), result["response"])).collect();
        return Answer::of(words(&format!("Results: {}", told.join(", "))));
    }
    let count = if say == Say::Parallel { usize::try_from(wanted).unwrap_or(3) } else { 1 };
    let calls: Vec<Value> = functions
        .iter()
        .take(count)
        .enumerate()
        .map(|(index, function)| call(function, index, results.len(), newer))
        .collect();
    // Gemini 3 sends each call in its own event, followed by an empty text; older models send all calls in one event.
    let mut pieces: Vec<Vec<Value>> =
        if newer { calls.into_iter().map(|call| vec![call]).collect() } else { vec![calls] };
    if newer {
        pieces.push(vec![json!({ "text": "" })]);
    }
    Answer { thoughts: if newer { 20 } else { 0 }, ..Answer::of(pieces) }
}

fn call(function: &Value, index: usize, step: usize, newer: bool) -> Value {
    let name = text_of(&function["name"]);
    let schema =
        function.get("parametersJsonSchema").or(function.get("parameters")).cloned().unwrap_or_else(|| json!({}));
    let args = match example(&schema, &schema, 0) {
        Value::Object(map) => Value::Object(map),
        _ => json!({}),
    };
    let mut part = json!({ "functionCall": { "name": name, "args": args } });
    if newer {
        let digest = crate::secret::Digest::of(&format!("{name}{index}{step}{args}")).hex(4);
        part["functionCall"]["id"] = json!(digest);
        // Only the first of parallel calls has a signature.
        if index == 0 {
            part["thoughtSignature"] = json!(signature::of_call(&name, &args));
        }
    }
    part
}

/// Returns a value that a schema allows.
fn example(schema: &Value, root: &Value, depth: usize) -> Value {
    if let Some(pointer) = schema["$ref"].as_str().filter(|_| depth < 8) {
        let target = root.pointer(pointer.trim_start_matches('#'));
        return target.map_or(Value::Null, |target| example(target, root, depth + 1));
    }
    if let Some(first) = schema["enum"].as_array().and_then(|values| values.first()) {
        return first.clone();
    }
    if let Some(first) = ["anyOf", "oneOf"].iter().find_map(|word| schema[*word].as_array()?.first()) {
        return example(first, root, depth + 1);
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.first().map(text_of).unwrap_or_default(),
        other => text_of(other),
    };
    match kind.to_lowercase().as_str() {
        "string" => json!("text"),
        "integer" => schema.get("minimum").cloned().unwrap_or(json!(7)),
        "number" => json!(1.5),
        "boolean" => json!(true),
        "array" if depth < 8 => json!([example(&schema["items"], root, depth + 1)]),
        "object" | "" if depth < 8 => {
            let properties = schema["properties"].as_object().cloned().unwrap_or_default();
            let each = properties.iter().map(|(name, inner)| (name.clone(), example(inner, root, depth + 1)));
            Value::Object(each.collect::<Map<_, _>>())
        }
        _ => Value::Null,
    }
}

fn text_of(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Returns the prompt without markers.
fn without_markers(prompt: &str) -> String {
    let mut text = prompt.to_owned();
    while let Some((before, rest)) = text.clone().split_once("[[") {
        let after = rest.split_once("]]").map(|(_, after)| after).unwrap_or_default();
        text = format!("{before}{after}");
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Estimates tokens: about one for four characters.
pub fn tokens(text: &str) -> u64 {
    u64::try_from(text.chars().count() / 4 + 1).unwrap_or(u64::MAX)
}
