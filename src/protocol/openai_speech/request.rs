//! Translates a speech request to a `GenerateContentRequest`.

use std::borrow::Cow;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::Error;
use crate::model::Gives;
use crate::protocol::Target;
use crate::protocol::rules::document;
use crate::wire::gemini::request::{
    Content, GenerationConfig, Part, PrebuiltVoiceConfig, Request, Role, SpeechConfig, VoiceConfig,
};
use crate::wire::json::{Shape, decode};
use crate::wire::openai::speech;

/// OpenAI's voices, each with the Google voice used for it. The names have nothing in common, so voices are matched by
/// character (ai.google.dev/gemini-api/docs/speech-generation, November 2026).
const VOICES: &[(&str, &str)] = &[
    ("alloy", "Kore"),
    ("ash", "Iapetus"),
    ("ballad", "Algieba"),
    ("cedar", "Achird"),
    ("coral", "Sulafat"),
    ("echo", "Charon"),
    ("fable", "Umbriel"),
    ("marin", "Despina"),
    ("nova", "Aoede"),
    ("onyx", "Orus"),
    ("sage", "Vindemiatrix"),
    ("shimmer", "Achernar"),
    ("verse", "Puck"),
];

/// A file format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Samples after a header.
    Wav,
    /// Bare samples: 16 bits, little-endian, one channel, 24,000 per second.
    Pcm,
}

/// A parsed request.
pub struct Parsed<'a> {
    /// The original body.
    pub body: &'a [u8],
    /// The model's name as the client wrote it.
    pub model: Cow<'a, str>,
    /// The file format.
    pub format: Format,
    /// Whether the audio is sent in events.
    pub events: bool,
    input: Cow<'a, str>,
    instructions: Option<Cow<'a, str>>,
    voice: String,
    /// Whether the client specified no format, so that the default applies.
    unsaid: bool,
}

/// Parses the request body.
///
/// # Errors
/// 400, naming the field.
pub fn read(body: &[u8]) -> Result<Parsed<'_>, Error> {
    let request: speech::Request<'_> = document::read(body)?;
    let model = document::model(request.model)?;
    let input = request.input.filter(|input| !input.trim().is_empty()).ok_or_else(|| document::missing("input"))?;
    let voice = voice(request.voice.ok_or_else(|| document::missing("voice"))?)?;
    let format = match request.response_format.as_deref() {
        None | Some("wav") => Format::Wav,
        Some("pcm") => Format::Pcm,
        Some("mp3" | "opus" | "aac" | "flac") => {
            let message = "Unsupported value for 'response_format': this server has no encoder for it. Supported values are: 'wav', 'pcm'.";
            return Err(Error::invalid(message).param("response_format").code("unsupported_value"));
        }
        Some(_) => return Err(document::unknown_value("response_format", &["wav", "pcm"])),
    };
    let events = match request.stream_format.as_deref() {
        None | Some("audio") => false,
        Some("sse") => true,
        Some(_) => return Err(document::unknown_value("stream_format", &["audio", "sse"])),
    };
    let unsaid = request.response_format.is_none();
    let instructions = request.instructions.filter(|words| !words.trim().is_empty());
    Ok(Parsed { body, model, format, events, input, instructions, voice, unsaid })
}

/// Returns Google's voice for one of OpenAI's names; other names are taken as Google's own.
fn voice(raw: &RawValue) -> Result<String, Error> {
    #[derive(Deserialize)]
    struct ById {
        id: String,
    }

    let named = match Shape::of(raw) {
        Shape::String => decode(raw).map(Cow::into_owned),
        Shape::Object => serde_json::from_str::<ById>(raw.get()).ok().map(|voice| voice.id),
        _ => None,
    };
    let named = named.filter(|name| !name.is_empty() && name.chars().all(|letter| letter.is_ascii_alphanumeric()));
    let Some(named) = named else {
        let ours: Vec<&str> = VOICES.iter().map(|(name, _)| *name).collect();
        let message = format!(
            "Invalid value for 'voice'. Expected one of OpenAI's ({}) or of Google's (`Kore`, `Puck`, …).",
            ours.join(", ")
        );
        return Err(Error::invalid(message).param("voice").code("invalid_value"));
    };
    let known = VOICES.iter().find(|(ours, _)| ours.eq_ignore_ascii_case(&named));
    Ok(known.map_or(named, |(_, googles)| (*googles).to_owned()))
}

/// Builds the call.
///
/// # Errors
/// 400 when this model does not produce speech.
pub fn translate(read: &Parsed<'_>, target: &Target<'_>) -> Result<Bytes, Error> {
    if !matches!(target.model.facts.gives, Gives::Voice | Gives::Anything) {
        return Err(document::gives_other(&read.model, target.model, "speech", "gemini-3.8-flash-tts"));
    }
    if read.unsaid {
        target.notes.clamped("response_format", "OpenAI's own default is MP3; here it is WAV");
    }
    let text = match &read.instructions {
        Some(instructions) => format!("{instructions}: {}", read.input).into(),
        None => Cow::Borrowed(&*read.input),
    };
    let voice_name = Cow::Borrowed(&*read.voice);
    let speech_config =
        SpeechConfig { voice_config: VoiceConfig { prebuilt_voice_config: PrebuiltVoiceConfig { voice_name } } };
    let config = GenerationConfig {
        response_modalities: vec!["AUDIO"],
        speech_config: Some(speech_config),
        ..GenerationConfig::default()
    };
    let parts = vec![Part::text(&*text)];
    document::written(&Request {
        contents: vec![Content { role: Some(Role::User), parts }],
        generation_config: config.into(),
        ..Request::default()
    })
}
