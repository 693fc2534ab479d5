//! What a request specifies about its answer: what the answer repeats of it, and what the answer leaves for later.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::kept::{self, Kept};
use super::namespaces::{Namespaces, flat, joined};
use crate::protocol::AnswerContext;
use crate::protocol::rules::tools::Names;
use crate::wire::json::{self, Shape, compact};
use crate::wire::openai::responses::Request;

/// What the request specifies about its answer.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    /// Maps Gemini's function names to the client's.
    pub names: Names,
    /// The namespaces in which functions are declared.
    pub namespaces: Namespaces,
    /// Whether only the first of several calls is passed on.
    pub single_call: bool,
    /// Whether signatures are sent to the client, as `encrypted_content`.
    pub carries: bool,
    /// Whether Google's searches are reported.
    pub searches: bool,
    /// Whether the pages found are reported with them.
    pub shows_sources: bool,
    /// The schema to check the answer against, if it is to be checked.
    pub schema: Option<Box<RawValue>>,
    /// What the answer repeats of the request: members of a JSON object.
    pub echo: String,
    /// The whole conversation up to the answer, as members of an array, if the answer is to be stored.
    pub input: Option<String>,
}

impl Terms {
    /// Derives the terms from the request and its body.
    pub fn of(request: &Request<'_>, body: &[u8], stamp: &AnswerContext) -> Self {
        let tools = request.tools.as_deref().unwrap_or_default();
        let named = |kind: &str| -> Vec<Cow<'_, str>> {
            let tools = flat(tools).filter(|(_, tool)| tool.kind.as_deref() == Some(kind));
            tools.filter_map(|(namespace, tool)| Some(joined(namespace, tool.name.as_ref()?))).collect()
        };
        let format = request.text.as_ref().and_then(|text| text.format.as_ref());
        // The body was parsed earlier, so it is JSON of the right types.
        let echo: Echo<'_> = json::read_slice(body).unwrap_or_default();
        Self {
            names: Names::of(named("function").iter(), named("custom").iter()),
            namespaces: Namespaces::of(tools),
            single_call: request.parallel_tool_calls == Some(false),
            carries: request.includes("reasoning.encrypted_content"),
            searches: tools.iter().any(|tool| tool.kind.as_ref().is_some_and(|kind| kind.starts_with("web_search"))),
            shows_sources: request.includes("web_search_call.action.sources"),
            schema: format.filter(|_| stamp.check_json).and_then(|format| Some(format.schema?.to_owned())),
            echo: echo.members(),
            input: (request.store != Some(false)).then(|| conversation(request, stamp.earlier.as_deref())),
        }
    }
}

/// What an answer repeats of its request: the values as sent, or OpenAI's defaults.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Echo<'a> {
    #[serde(borrow)]
    instructions: Option<&'a RawValue>,
    #[serde(borrow)]
    max_output_tokens: Option<&'a RawValue>,
    #[serde(borrow)]
    max_tool_calls: Option<&'a RawValue>,
    #[serde(borrow)]
    metadata: Option<&'a RawValue>,
    #[serde(borrow)]
    parallel_tool_calls: Option<&'a RawValue>,
    #[serde(borrow)]
    previous_response_id: Option<&'a RawValue>,
    #[serde(borrow)]
    prompt_cache_key: Option<&'a RawValue>,
    #[serde(borrow)]
    reasoning: Option<&'a RawValue>,
    #[serde(borrow)]
    safety_identifier: Option<&'a RawValue>,
    #[serde(borrow)]
    store: Option<&'a RawValue>,
    #[serde(borrow)]
    temperature: Option<&'a RawValue>,
    #[serde(borrow)]
    text: Option<&'a RawValue>,
    #[serde(borrow)]
    tool_choice: Option<&'a RawValue>,
    #[serde(borrow)]
    tools: Option<&'a RawValue>,
    #[serde(borrow)]
    top_logprobs: Option<&'a RawValue>,
    #[serde(borrow)]
    top_p: Option<&'a RawValue>,
    #[serde(borrow)]
    truncation: Option<&'a RawValue>,
    #[serde(borrow)]
    user: Option<&'a RawValue>,
}

impl Echo<'_> {
    fn members(&self) -> String {
        let null = Value::Null;
        let rows = [
            ("background", None, json!(false)),
            ("frequency_penalty", None, json!(0.0)),
            ("instructions", self.instructions, null.clone()),
            ("max_output_tokens", self.max_output_tokens, null.clone()),
            ("max_tool_calls", self.max_tool_calls, null.clone()),
            ("metadata", self.metadata, json!({})),
            ("parallel_tool_calls", self.parallel_tool_calls, json!(true)),
            ("presence_penalty", None, json!(0.0)),
            ("previous_response_id", self.previous_response_id, null.clone()),
            ("prompt_cache_key", self.prompt_cache_key, null.clone()),
            ("reasoning", self.reasoning, json!({ "effort": null, "summary": null })),
            ("safety_identifier", self.safety_identifier, null.clone()),
            ("store", self.store, json!(true)),
            ("temperature", self.temperature, json!(1.0)),
            ("text", self.text, json!({ "format": { "type": "text" }, "verbosity": "medium" })),
            ("tool_choice", self.tool_choice, json!("auto")),
            ("tools", self.tools, json!([])),
            ("top_logprobs", self.top_logprobs, json!(0)),
            ("top_p", self.top_p, json!(1.0)),
            ("truncation", self.truncation, json!("disabled")),
            ("user", self.user, null.clone()),
        ];
        let member = |(name, sent, default): (&str, Option<&RawValue>, Value)| {
            let sent = sent.filter(|raw| Shape::of(raw) != Shape::Null);
            // The data of a stream event must be a single line.
            let value = sent.map_or_else(|| default.to_string(), |raw| compact(raw.get()).into_owned());
            format!(r#""{name}":{value}"#)
        };
        rows.into_iter().map(member).collect::<Vec<_>>().join(",")
    }
}

/// Returns the conversation of the earlier answer, that answer, and this input, as members of an array of items.
/// References in the input are replaced by the items they refer to.
fn conversation(request: &Request<'_>, earlier: Option<&[u8]>) -> String {
    #[derive(Serialize)]
    struct UpstreamBody<'a> {
        r#type: &'static str,
        role: &'static str,
        content: [Text<'a>; 1],
    }
    #[derive(Serialize)]
    struct Text<'a> {
        r#type: &'static str,
        text: &'a RawValue,
    }
    let known = earlier.and_then(Kept::read);
    let mut items: Vec<String> = Vec::new();
    if let Some(known) = known.as_ref().filter(|_| request.previous_response_id.is_some()) {
        items.extend(known.items.iter().map(|item| item.get().to_owned()));
    }
    match request.input.map(|raw| (Shape::of(raw), raw)) {
        Some((Shape::String, text)) => {
            let said = UpstreamBody { r#type: "message", role: "user", content: [Text { r#type: "input_text", text }] };
            items.extend(serde_json::to_string(&said).ok());
        }
        Some((Shape::Array, raw)) => {
            let more: Vec<&RawValue> = serde_json::from_str(raw.get()).unwrap_or_default();
            let whole = |item| kept::reference(item).and_then(|id| known.as_ref()?.find(&id)).unwrap_or(item);
            items.extend(more.into_iter().map(|item| whole(item).get().to_owned()));
        }
        _ => {}
    }
    items.join(",")
}
