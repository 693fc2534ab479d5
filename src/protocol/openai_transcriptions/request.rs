//! Translates a transcription or translation request to a `GenerateContentRequest`.

use std::borrow::Cow;

use bytes::Bytes;
use serde_json::{Value, json};

use crate::error::Error;
use crate::model::Gives;
use crate::protocol::Target;
use crate::protocol::rules::{document, media, thinking};
use crate::wire::gemini::request::{Content, GenerationConfig, Part, Request, Role};
use crate::wire::json::Json;
use crate::wire::openai::transcription;

/// The format of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A JSON object with the text.
    Json,
    /// Plain text.
    Text,
    /// A JSON object with the text and times.
    Verbose,
    /// SubRip captions.
    Srt,
    /// WebVTT captions.
    Vtt,
}

const FORMATS: &[(&str, Format)] = &[
    ("json", Format::Json),
    ("text", Format::Text),
    ("verbose_json", Format::Verbose),
    ("srt", Format::Srt),
    ("vtt", Format::Vtt),
];

impl Format {
    /// Whether it includes times.
    pub fn timed(self) -> bool {
        matches!(self, Self::Verbose | Self::Srt | Self::Vtt)
    }
}

/// A parsed request.
pub struct Parsed<'a> {
    /// The original body.
    pub body: &'a [u8],
    /// The model's name as the client wrote it.
    pub model: Cow<'a, str>,
    /// The format of the text.
    pub format: Format,
    /// Whether to translate to English, whatever language is spoken.
    pub english: bool,
    /// Whether to stream the text.
    pub stream: bool,
    request: transcription::Request<'a>,
}

/// Parses the request body.
///
/// # Errors
/// 400, naming the field.
pub fn read(body: &[u8], english: bool) -> Result<Parsed<'_>, Error> {
    let mut request: transcription::Request<'_> = document::read(body)?;
    let model = document::model(request.model.take())?;
    let format = match request.response_format.as_deref() {
        None => Format::Json,
        Some(asked) => {
            let known = FORMATS.iter().find(|(name, _)| *name == asked).map(|(_, format)| *format);
            let names: Vec<&str> = FORMATS.iter().map(|(name, _)| *name).collect();
            known.ok_or_else(|| document::unknown_value("response_format", &names))?
        }
    };
    if request.timestamp_granularities.0.iter().any(|each| each != "segment") {
        let message = "Unsupported value for 'timestamp_granularities': Gemini timestamps segments only. Supported values are: 'segment'.";
        return Err(Error::invalid(message).param("timestamp_granularities").code("unsupported_value"));
    }
    let stream = request.stream == Some(true);
    if stream && !matches!(format, Format::Json | Format::Text) {
        let message = "Unsupported value for 'response_format': with 'stream', supported values are: 'json', 'text'.";
        return Err(Error::invalid(message).param("response_format").code("unsupported_value"));
    }
    if request.temperature.is_some_and(|temperature| !(0.0..=2.0).contains(&temperature)) {
        let message = "Invalid 'temperature': expected a number between 0 and 2.";
        return Err(Error::invalid(message).param("temperature").code("invalid_value"));
    }
    match &request.file {
        Some(file) if !file.data.is_empty() => Ok(Parsed { body, model, format, english, stream, request }),
        _ => Err(document::missing("file")),
    }
}

/// Builds the call.
///
/// # Errors
/// 400, naming the field, when the file is not audio or this model does not produce text.
pub fn translate(read: &Parsed<'_>, target: &Target<'_>) -> Result<Bytes, Error> {
    let facts = &target.model.facts;
    if !matches!(facts.gives, Gives::Words | Gives::Anything) {
        return Err(document::gives_other(&read.model, target.model, "text", "gemini-flash-latest"));
    }
    let file = read.request.file.as_ref().ok_or_else(|| document::missing("file"))?;
    // MP4 and WebM files hold audio as often as video.
    let sound = media::of_form(file, "file", "audio/")
        .or_else(|error| media::of_form(file, "file", "video/").map_err(|_| error))?;
    let mut config = GenerationConfig {
        temperature: read.request.temperature,
        thinking_config: match target.remedies.no_thinking {
            true => None,
            false => thinking::least(facts.thinking),
        },
        ..GenerationConfig::default()
    };
    if read.format.timed() {
        target.notes.emulated("response_format", "the model estimates timestamps");
        config.response_mime_type = Some("application/json");
        let schema = Some(Json::from_value(&schema()));
        if facts.json_schema {
            config.response_json_schema = schema;
        } else {
            config.response_schema = schema;
        }
    }
    let parts = vec![Part::from(sound), Part::text(words(read))];
    document::written(&Request {
        contents: vec![Content { role: Some(Role::User), parts }],
        generation_config: config.into(),
        ..Request::default()
    })
}

/// Returns the instructions for the model.
fn words(read: &Parsed<'_>) -> String {
    let mut words = String::from(match read.english {
        false => "Transcribe this audio verbatim, in the language that is spoken.",
        true => "Translate the speech of this audio into English.",
    });
    words.push_str(match read.format.timed() {
        false => " Give only the text, without any remark.",
        true => " Give pieces of a sentence or less, each with its beginning and its end in seconds.",
    });
    if let Some(language) = read.request.language.as_deref().filter(|language| !language.is_empty()) {
        words.push_str(&format!(" The language that is spoken: {language}."));
    }
    if let Some(prompt) = read.request.prompt.as_deref().filter(|prompt| !prompt.trim().is_empty()) {
        words.push_str(&format!(" Names and words that may occur: {prompt}"));
    }
    words
}

fn schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "language": { "type": "string", "description": "what is spoken, as ISO 639-1" },
            "segments": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "start": { "type": "number" },
                        "end": { "type": "number" },
                        "text": { "type": "string" }
                    },
                    "required": ["start", "end", "text"]
                }
            }
        },
        "required": ["language", "segments"]
    })
}

/// Returns the body for display, without the file's bytes.
pub fn without_sound(body: &[u8]) -> Value {
    let mut body: Value = serde_json::from_slice(body).unwrap_or_default();
    if let Some(file) = body.get_mut("file").filter(|file| file.is_object()) {
        *file = json!("file");
    }
    body
}
