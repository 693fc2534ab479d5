//! The body of `POST /v1/responses`. Null means absent everywhere; unknown fields are passed over. What has several shapes
//! (input, content, outputs, tool choice) stays raw until it is known which one it is.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

/// A request.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Request<'a> {
    /// Which model.
    #[serde(borrow)]
    pub model: Option<Cow<'a, str>>,
    /// A text, or items.
    #[serde(borrow)]
    pub input: Option<&'a RawValue>,
    /// What the model is told before everything, in this request alone.
    #[serde(borrow)]
    pub instructions: Option<&'a RawValue>,
    /// The answer this request goes on from.
    #[serde(borrow)]
    pub previous_response_id: Option<Cow<'a, str>>,
    /// Whether the answer can be gone on from, and got again. True when absent.
    pub store: Option<bool>,
    /// Whether the answer comes in pieces.
    pub stream: Option<bool>,
    /// Whether the answer is waited for.
    pub background: Option<bool>,
    /// A conversation at OpenAI.
    #[serde(borrow)]
    pub conversation: Option<&'a RawValue>,
    /// A prompt at OpenAI.
    #[serde(borrow)]
    pub prompt: Option<&'a RawValue>,
    /// Most tokens of the answer, thoughts included.
    pub max_output_tokens: Option<i64>,
    /// 0–2.
    pub temperature: Option<f64>,
    /// 0–1.
    pub top_p: Option<f64>,
    /// How many alternatives of each token.
    pub top_logprobs: Option<i64>,
    /// What the model may call.
    #[serde(borrow)]
    pub tools: Option<Vec<Tool<'a>>>,
    /// Whether and what it must call: a word or an object.
    #[serde(borrow)]
    pub tool_choice: Option<&'a RawValue>,
    /// Whether it may call several at once.
    pub parallel_tool_calls: Option<bool>,
    /// How the model thinks.
    #[serde(borrow)]
    pub reasoning: Option<Reasoning<'a>>,
    /// How the answer looks.
    #[serde(borrow)]
    pub text: Option<Text<'a>>,
    /// `auto`, `default`, `flex`, `priority`.
    #[serde(borrow)]
    pub service_tier: Option<Cow<'a, str>>,
    /// What the answer tells besides.
    #[serde(borrow)]
    pub include: Option<Vec<Cow<'a, str>>>,
}

impl Request<'_> {
    /// Whether the answer tells this besides.
    pub fn includes(&self, what: &str) -> bool {
        self.include.iter().flatten().any(|word| word == what)
    }
}

/// How the model thinks.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Reasoning<'a> {
    /// none, minimal, low, medium, high, xhigh, max.
    #[serde(borrow)]
    pub effort: Option<Cow<'a, str>>,
    /// auto, concise, detailed.
    #[serde(borrow)]
    pub summary: Option<Cow<'a, str>>,
}

/// How the answer looks.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Text<'a> {
    /// Its form.
    #[serde(borrow)]
    pub format: Option<Format<'a>>,
}

/// The form of an answer.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Format<'a> {
    /// text, json_object, json_schema.
    #[serde(borrow, rename = "type")]
    pub kind: Option<Cow<'a, str>>,
    /// For json_schema.
    #[serde(borrow)]
    pub schema: Option<&'a RawValue>,
}

/// One item of the input. `type` says which of the others is there; a message may leave it out.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Item<'a> {
    /// Its own, where it was in an answer; of a reference: that of the item it stands for.
    #[serde(borrow)]
    pub id: Option<Cow<'a, str>>,
    /// message, function_call, function_call_output, reasoning, …
    #[serde(borrow, rename = "type")]
    pub kind: Option<Cow<'a, str>>,
    /// Of a message: user, assistant, system, developer.
    #[serde(borrow)]
    pub role: Option<Cow<'a, str>>,
    /// Of a message: a text, or parts.
    #[serde(borrow)]
    pub content: Option<&'a RawValue>,
    /// Of a call and its output.
    #[serde(borrow)]
    pub call_id: Option<Cow<'a, str>>,
    /// The function that was called.
    #[serde(borrow)]
    pub name: Option<Cow<'a, str>>,
    /// The namespace it is declared in.
    #[serde(borrow)]
    pub namespace: Option<Cow<'a, str>>,
    /// What it was called with: JSON in a string.
    #[serde(borrow)]
    pub arguments: Option<&'a RawValue>,
    /// What a custom tool was called with: free text.
    #[serde(borrow)]
    pub input: Option<Cow<'a, str>>,
    /// What came of a call: a text, or parts.
    #[serde(borrow)]
    pub output: Option<&'a RawValue>,
    /// Of reasoning: what makes the next call believed.
    #[serde(borrow)]
    pub encrypted_content: Option<Cow<'a, str>>,
}

/// One part of a message's content or of an output. `type` says which of the others is there.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Part<'a> {
    /// input_text, output_text, refusal, input_image, input_file, input_audio.
    #[serde(borrow, rename = "type")]
    pub kind: Option<Cow<'a, str>>,
    /// Words.
    #[serde(borrow)]
    pub text: Option<&'a RawValue>,
    /// What the assistant would not say.
    #[serde(borrow)]
    pub refusal: Option<&'a RawValue>,
    /// An image by URL.
    #[serde(borrow)]
    pub image_url: Option<&'a RawValue>,
    /// auto, low, high.
    #[serde(borrow)]
    pub detail: Option<Cow<'a, str>>,
    /// A file at Google.
    #[serde(borrow)]
    pub file_id: Option<Cow<'a, str>>,
    /// A data URL, or base64.
    #[serde(borrow)]
    pub file_data: Option<&'a RawValue>,
    /// A file by URL.
    #[serde(borrow)]
    pub file_url: Option<&'a RawValue>,
    /// Its name, whose ending tells the type.
    #[serde(borrow)]
    pub filename: Option<Cow<'a, str>>,
}

/// What the model may call. `type` says which of the others is there.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Tool<'a> {
    /// function, custom, namespace, web_search, code_interpreter, …
    #[serde(borrow, rename = "type")]
    pub kind: Option<Cow<'a, str>>,
    /// Its name.
    #[serde(borrow)]
    pub name: Option<Cow<'a, str>>,
    /// What it is for.
    #[serde(borrow)]
    pub description: Option<&'a RawValue>,
    /// What it takes, as JSON Schema.
    #[serde(borrow)]
    pub parameters: Option<&'a RawValue>,
    /// Whether calls keep to the schema. True when absent, at OpenAI's.
    pub strict: Option<bool>,
    /// Of a custom tool: the form of its text.
    #[serde(borrow)]
    pub format: Option<&'a RawValue>,
    /// Of a namespace: what is in it.
    #[serde(borrow)]
    pub tools: Vec<Tool<'a>>,
}

/// `tool_choice` as an object.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ToolChoice<'a> {
    /// function, custom, allowed_tools, or the name of a built-in tool.
    #[serde(borrow, rename = "type")]
    pub kind: Option<Cow<'a, str>>,
    /// The one function.
    #[serde(borrow)]
    pub name: Option<Cow<'a, str>>,
    /// The namespace it is declared in.
    #[serde(borrow)]
    pub namespace: Option<Cow<'a, str>>,
    /// Of allowed_tools: auto or required.
    #[serde(borrow)]
    pub mode: Option<Cow<'a, str>>,
    /// Of allowed_tools: which.
    #[serde(borrow)]
    pub tools: Vec<ToolChoice<'a>>,
}
