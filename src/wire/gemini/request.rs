//! `GenerateContentRequest`, limited to the fields this server writes. Only the canonical spelling is used: camelCase
//! names, upper-case enum values.

use std::borrow::Cow;

use bytes::Bytes;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::error::Error;
use crate::wire::json::{Json, Text};

pub use super::generation::{
    Generation, GenerationConfig, ImageConfig, PrebuiltVoiceConfig, SpeechConfig, ThinkingConfig, VoiceConfig,
};

/// The body of `generateContent` and `streamGenerateContent`.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Request<'a> {
    /// The system instruction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system_instruction: Option<Content<'a>>,
    /// The conversation. Never empty.
    pub contents: Vec<Content<'a>>,
    /// The tools the model may call.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<Tool<'a>>,
    /// How the model may call tools.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_config: Option<ToolConfig<'a>>,
    /// The generation settings.
    #[serde(skip_serializing_if = "Generation::is_empty")]
    pub generation_config: Generation<'a>,
    /// Which content is blocked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub safety_settings: Option<&'a RawValue>,
    /// Content cached at Google: `cachedContents/ID`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cached_content: Option<Cow<'a, str>>,
    /// `flex` or `priority`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_tier: Option<&'static str>,
}

impl Request<'_> {
    /// Serializes the document as JSON.
    ///
    /// When serialization fails, which is not expected to happen: an internal error.
    pub fn written(&self) -> Result<Bytes, Error> {
        let mut out = Vec::with_capacity(self.about_as_long());
        serde_json::to_writer(&mut out, self)
            .map_err(|error| Error::internal(format!("a request to Gemini could not be written: {error}")))?;
        Ok(out.into())
    }

    /// Estimates the length of the JSON. A buffer that starts with this capacity rarely has to grow, and growing copies
    /// its content.
    fn about_as_long(&self) -> usize {
        let turns = self.contents.iter().chain(&self.system_instruction);
        let said: usize = turns.flat_map(|turn| &turn.parts).map(Part::about_as_long).sum();
        let declared = self.tools.iter().map(|tool| match tool {
            Tool::FunctionDeclarations(declarations) => declarations.about_as_long(),
            _ => 64,
        });
        512 + said + declared.sum::<usize>()
    }
}

/// One turn of the conversation.
#[derive(Debug, Default, Serialize)]
pub struct Content<'a> {
    /// Whose turn it is; absent in a system instruction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// The parts of the turn. Never empty.
    pub parts: Vec<Part<'a>>,
}

/// Whose turn it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The client, including tool results.
    User,
    /// The model.
    Model,
}

/// One part of a turn: its data, and the signature that came with it, if any.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Part<'a> {
    /// The content of the part.
    #[serde(flatten)]
    pub data: Data<'a>,
    /// The signature the model issued, sent back on the part it came with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thought_signature: Option<Cow<'a, str>>,
    /// The resolution at which the model processes an image (Gemini 3).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_resolution: Option<MediaResolution>,
}

/// The content of a part.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Data<'a> {
    /// A text.
    Text(Text<'a>),
    /// A file's bytes.
    InlineData(Blob<'a>),
    /// A file stored at Google, or one that Google fetches.
    FileData(FileData<'a>),
    /// A tool call the model made.
    FunctionCall(FunctionCall<'a>),
    /// The result of a tool call.
    FunctionResponse(FunctionResponse<'a>),
}

impl<'a> From<Data<'a>> for Part<'a> {
    fn from(data: Data<'a>) -> Self {
        Self { data, thought_signature: None, media_resolution: None }
    }
}

impl<'a> Part<'a> {
    /// Creates a text part.
    pub fn text(text: impl Into<Text<'a>>) -> Self {
        Data::Text(text.into()).into()
    }

    fn about_as_long(&self) -> usize {
        let data = match &self.data {
            Data::Text(text) => text.len(),
            Data::InlineData(blob) => blob.data.len(),
            Data::FileData(file) => file.file_uri.len(),
            Data::FunctionCall(call) => call.args.get().len(),
            Data::FunctionResponse(response) => response.response.len(),
        };
        96 + data + self.thought_signature.as_deref().map_or(0, str::len)
    }
}

/// A file's bytes.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Blob<'a> {
    /// Such as `image/png`.
    pub mime_type: Cow<'a, str>,
    /// Base64.
    pub data: Cow<'a, str>,
}

/// A file referenced by URI.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FileData<'a> {
    /// The media type, where known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<Cow<'a, str>>,
    /// The URI.
    pub file_uri: Cow<'a, str>,
}

/// A tool call the model made.
#[derive(Debug, Serialize)]
pub struct FunctionCall<'a> {
    /// The client's id for the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Cow<'a, str>>,
    /// The function's name.
    pub name: Cow<'a, str>,
    /// The arguments: an object.
    pub args: Json<'a>,
}

/// The result of a tool call.
#[derive(Debug, Serialize)]
pub struct FunctionResponse<'a> {
    /// The client's id for the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Cow<'a, str>>,
    /// The function's name.
    pub name: Cow<'a, str>,
    /// The result: an object.
    pub response: FunctionResult<'a>,
    /// Images and files that belong to the result (Gemini 3).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part<'a>>,
}

/// The return value of a function, as an object.
#[derive(Debug)]
pub enum FunctionResult<'a> {
    /// The value already is an object.
    Object(Json<'a>),
    /// A text, wrapped in an object under this name.
    Text(&'static str, Text<'a>),
}

impl FunctionResult<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Object(object) => object.get().len(),
            Self::Text(name, text) => name.len() + text.len(),
        }
    }
}

impl Serialize for FunctionResult<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Object(object) => object.serialize(serializer),
            Self::Text(name, text) => serializer.collect_map([(name, text)]),
        }
    }
}

/// The resolution at which the model processes an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct MediaResolution {
    /// `MEDIA_RESOLUTION_LOW`, `…_HIGH`, `…_ULTRA_HIGH`.
    pub level: &'static str,
}

/// A tool entry: all functions share one entry, and each built-in tool has its own.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Tool<'a> {
    /// The client's functions.
    FunctionDeclarations(Declarations<'a>),
    /// Google Search.
    GoogleSearch(Json<'a>),
    /// Python code execution at Google.
    CodeExecution(Json<'a>),
    /// Retrieval of pages by URL.
    UrlContext(Json<'a>),
}

/// The client's functions.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Declarations<'a> {
    /// One by one.
    Listed(Vec<FunctionDeclaration<'a>>),
    /// As they were written before: an array.
    Written(Json<'a>),
}

impl Declarations<'_> {
    fn about_as_long(&self) -> usize {
        match self {
            Self::Listed(functions) => functions.iter().map(FunctionDeclaration::about_as_long).sum(),
            Self::Written(functions) => functions.get().len(),
        }
    }
}

/// One of the client's functions.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FunctionDeclaration<'a> {
    /// The function's name.
    pub name: Cow<'a, str>,
    /// What the function does, for the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<Text<'a>>,
    /// Its parameters, as JSON Schema.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters_json_schema: Option<Json<'a>>,
    /// Its parameters in Gemini's own dialect, for models that do not accept JSON Schema.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Json<'a>>,
}

impl FunctionDeclaration<'_> {
    fn about_as_long(&self) -> usize {
        let schemas = [&self.parameters_json_schema, &self.parameters];
        let schemas: usize = schemas.into_iter().flatten().map(|schema| schema.get().len()).sum();
        128 + schemas + self.description.as_ref().map_or(0, Text::len)
    }
}

/// How the model may call tools.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolConfig<'a> {
    /// Settings for function calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function_calling_config: Option<FunctionCallingConfig<'a>>,
    /// Allows built-in tools and functions in the same request (Gemini 3).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub include_server_side_tool_invocations: Option<bool>,
}

/// Whether the model calls functions, and which.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FunctionCallingConfig<'a> {
    /// Whether the model calls functions.
    pub mode: Mode,
    /// The allowed functions; only valid with `ANY` and `VALIDATED`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed_function_names: Vec<Cow<'a, str>>,
}

/// Whether the model calls functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Mode {
    /// It must call a function.
    Any,
    /// It must not call a function.
    None,
    /// It may call a function, and its calls conform to the schema.
    Validated,
}
