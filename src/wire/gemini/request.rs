//! `GenerateContentRequest`, as far as we write it. Canonical spelling only: camelCase names, upper-case enums.

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
    /// What the model is told before everything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system_instruction: Option<Content<'a>>,
    /// The conversation. Never empty.
    pub contents: Vec<Content<'a>>,
    /// What the model may call.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<Tool<'a>>,
    /// How it may call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_config: Option<ToolConfig<'a>>,
    /// How the answer is made.
    #[serde(skip_serializing_if = "Generation::is_empty")]
    pub generation_config: Generation<'a>,
    /// What is blocked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub safety_settings: Option<&'a RawValue>,
    /// Content that Google keeps: `cachedContents/ID`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cached_content: Option<Cow<'a, str>>,
    /// `flex` or `priority`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_tier: Option<&'static str>,
}

impl Request<'_> {
    /// As JSON.
    ///
    /// # Errors
    /// Our own, in theory.
    pub fn written(&self) -> Result<Bytes, Error> {
        let mut out = Vec::with_capacity(self.about_as_long());
        serde_json::to_writer(&mut out, self)
            .map_err(|error| Error::internal(format!("a request to Gemini could not be written: {error}")))?;
        Ok(out.into())
    }

    /// How long it will be, roughly: a buffer that grows copies what it has, again and again.
    fn about_as_long(&self) -> usize {
        let turns = self.contents.iter().chain(&self.system_instruction);
        let said: usize = turns.flat_map(|turn| &turn.parts).map(Part::about_as_long).sum();
        let declared = self.tools.iter().map(|tool| match tool {
            Tool::FunctionDeclarations(functions) => functions.iter().map(FunctionDeclaration::about_as_long).sum(),
            _ => 64,
        });
        512 + said + declared.sum::<usize>()
    }
}

/// One turn.
#[derive(Debug, Default, Serialize)]
pub struct Content<'a> {
    /// Whose; none in a system instruction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// What. Never empty.
    pub parts: Vec<Part<'a>>,
}

/// Whose turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The client's, tool results included.
    User,
    /// The model's.
    Model,
}

/// A piece of a turn: its data, and perhaps the signature that came with it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Part<'a> {
    /// The data.
    #[serde(flatten)]
    pub data: Data<'a>,
    /// The model's own, sent back where it came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thought_signature: Option<Cow<'a, str>>,
    /// How finely an image is looked at (Gemini 3).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_resolution: Option<MediaResolution>,
}

/// What a part holds.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Data<'a> {
    /// Words.
    Text(Text<'a>),
    /// A file's bytes.
    InlineData(Blob<'a>),
    /// A file at Google, or one Google fetches.
    FileData(FileData<'a>),
    /// A call the model made.
    FunctionCall(FunctionCall<'a>),
    /// What came of it.
    FunctionResponse(FunctionResponse<'a>),
}

impl<'a> From<Data<'a>> for Part<'a> {
    fn from(data: Data<'a>) -> Self {
        Self { data, thought_signature: None, media_resolution: None }
    }
}

impl<'a> Part<'a> {
    /// Words.
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
    /// `image/png`.
    pub mime_type: Cow<'a, str>,
    /// Base64.
    pub data: Cow<'a, str>,
}

/// A file elsewhere.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FileData<'a> {
    /// Its type, where known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<Cow<'a, str>>,
    /// Where.
    pub file_uri: Cow<'a, str>,
}

/// A call the model made.
#[derive(Debug, Serialize)]
pub struct FunctionCall<'a> {
    /// The client's id for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Cow<'a, str>>,
    /// The function.
    pub name: Cow<'a, str>,
    /// An object.
    pub args: Json<'a>,
}

/// What came of a call.
#[derive(Debug, Serialize)]
pub struct FunctionResponse<'a> {
    /// The client's id for the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Cow<'a, str>>,
    /// The function.
    pub name: Cow<'a, str>,
    /// An object.
    pub response: Returned<'a>,
    /// Images and files that belong to the result (Gemini 3).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part<'a>>,
}

/// What a function returned, as an object.
#[derive(Debug)]
pub enum Returned<'a> {
    /// It is one.
    Object(Json<'a>),
    /// A text, under this name.
    Text(&'static str, Text<'a>),
}

impl Returned<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Object(object) => object.get().len(),
            Self::Text(name, text) => name.len() + text.len(),
        }
    }
}

impl Serialize for Returned<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Object(object) => object.serialize(serializer),
            Self::Text(name, text) => serializer.collect_map([(name, text)]),
        }
    }
}

/// How finely an image is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct MediaResolution {
    /// `MEDIA_RESOLUTION_LOW`, `…_HIGH`, `…_ULTRA_HIGH`.
    pub level: &'static str,
}

/// What the model may call: all functions in one, each built-in tool in one of its own.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Tool<'a> {
    /// Functions of the client.
    FunctionDeclarations(Vec<FunctionDeclaration<'a>>),
    /// Google search.
    GoogleSearch(Json<'a>),
    /// Python at Google.
    CodeExecution(Json<'a>),
    /// Pages by URL.
    UrlContext(Json<'a>),
}

/// A function of the client.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FunctionDeclaration<'a> {
    /// Its name.
    pub name: Cow<'a, str>,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<Text<'a>>,
    /// What it takes, as JSON Schema.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters_json_schema: Option<Json<'a>>,
    /// What it takes, in Gemini's own dialect: for models that take no JSON Schema.
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

/// How the model may call.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolConfig<'a> {
    /// About functions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function_calling_config: Option<FunctionCallingConfig<'a>>,
    /// Lets built-in tools and functions go together (Gemini 3).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub include_server_side_tool_invocations: Option<bool>,
}

/// Whether and what the model calls.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FunctionCallingConfig<'a> {
    /// Whether.
    pub mode: Mode,
    /// What; only with ANY and VALIDATED.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed_function_names: Vec<Cow<'a, str>>,
}

/// Whether the model calls functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Mode {
    /// It must.
    Any,
    /// It must not.
    None,
    /// It may, and keeps to the schema.
    Validated,
}
