//! Which models produce text, images or audio, and which settings for each they reject.

use serde_json::Value;

use super::rules::{Request, ensure};
use super::sound;

/// Aspect ratios of images (ai.google.dev/gemini-api/docs/image-generation, November 2026).
const RATIOS: &[&str] =
    &["1:1", "1:4", "4:1", "1:8", "8:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9"];

fn draws(model: &str) -> bool {
    model.contains("-image") || model.contains("nano-banana")
}

/// Checks that the model supports the requested modalities.
pub fn combination(request: &Request<'_>) -> Result<(), String> {
    let asked: Vec<&str> =
        request.config()["responseModalities"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let model = request.model;
    let (allowed, words): (fn(&[&str]) -> bool, &str) = if sound::is_voice(model) {
        (|asked| asked == ["AUDIO"], "* AUDIO\n")
    } else if draws(model) {
        (|asked| !asked.contains(&"AUDIO") && !asked.contains(&"VIDEO"), "* TEXT\n* IMAGE\n* IMAGE, TEXT\n")
    } else {
        (|asked| asked.iter().all(|asked| *asked == "TEXT"), "* TEXT\n")
    };
    ensure(
        allowed(&asked),
        format!(
            "The requested combination of response modalities ({}) is not supported by the model. models/{model} accepts the following combination of response modalities:\n{words}",
            if asked.is_empty() { "TEXT".into() } else { asked.join(", ") }
        ),
    )
}

/// Voices must be known, and are only allowed for models that produce speech.
pub fn voices(request: &Request<'_>) -> Result<(), String> {
    let Some(config) = request.config().get("speechConfig") else { return Ok(()) };
    ensure(sound::is_voice(request.model), format!("Speech config is not supported for models/{}", request.model))?;
    let Some(voice) = config["voiceConfig"]["prebuiltVoiceConfig"].get("voiceName") else { return Ok(()) };
    let voice = voice.as_str().unwrap_or_default();
    ensure(sound::knows(voice), format!("Voice name {voice} is not supported."))
}

/// Images must have known aspect ratios and sizes.
pub fn pictures(request: &Request<'_>) -> Result<(), String> {
    let Some(config) = request.config().get("imageConfig") else { return Ok(()) };
    let model = request.model;
    ensure(draws(model), format!("Image generation is not enabled for models/{model}"))?;
    let ratio = config["aspectRatio"].as_str().unwrap_or("1:1");
    ensure(RATIOS.contains(&ratio), format!("Aspect ratio {ratio} is not supported."))?;
    let size = config["imageSize"].as_str();
    ensure(
        size.is_none_or(|size| ["512", "1K", "2K", "4K"].contains(&size)),
        "image_size must be one of 512, 1K, 2K, 4K.",
    )?;
    ensure(
        size.is_none() || !model.starts_with("gemini-2.5"),
        format!("Image size is not supported for models/{model}"),
    )
}
