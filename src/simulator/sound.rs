//! Speech: the same text always gives the same audio, as raw 16-bit samples at 24,000 Hz like Google's.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// Google's voices (ai.google.dev/gemini-api/docs/speech-generation, November 2026).
const VOICES: &[&str] = &[
    "achernar",
    "achird",
    "algenib",
    "algieba",
    "alnilam",
    "aoede",
    "autonoe",
    "callirrhoe",
    "charon",
    "despina",
    "enceladus",
    "erinome",
    "fenrir",
    "gacrux",
    "iapetus",
    "kore",
    "laomedeia",
    "leda",
    "orus",
    "puck",
    "pulcherrima",
    "rasalgethi",
    "sadachbia",
    "sadaltager",
    "schedar",
    "sulafat",
    "umbriel",
    "vindemiatrix",
    "zephyr",
    "zubenelgenubi",
];

/// Bytes of audio in one event of a stream: whole samples, and base64 without padding.
const PIECE: usize = 4800;

/// Returns whether this model produces speech.
pub fn is_voice(model: &str) -> bool {
    model.contains("-tts")
}

/// Returns whether this voice exists; Google ignores case.
pub fn knows(voice: &str) -> bool {
    VOICES.contains(&voice.to_lowercase().as_str())
}

/// Returns the samples of a text, a twentieth of a second for each character.
fn samples(text: &str) -> Vec<u8> {
    let wave = |index: usize, letter: u32| {
        let phase = i32::try_from(index % 100).unwrap_or_default() - 50;
        let loudness = i32::try_from(letter % 90).unwrap_or_default() + 10;
        i16::try_from(phase * loudness).unwrap_or(i16::MAX)
    };
    let samples = text.chars().flat_map(|letter| (0..1200).map(move |index| wave(index, u32::from(letter))));
    samples.flat_map(i16::to_le_bytes).collect()
}

/// Returns the pieces of an answer: several in a stream; otherwise one, which the newest models wrap as a WAV file.
pub fn pieces(model: &str, text: &str, streaming: bool) -> Vec<Vec<Value>> {
    let samples = samples(text);
    let part =
        |mime: &str, data: &[u8]| vec![json!({ "inlineData": { "mimeType": mime, "data": STANDARD.encode(data) } })];
    match (streaming, model.contains("3.8")) {
        (true, _) => samples.chunks(PIECE).map(|piece| part("audio/L16;codec=pcm;rate=24000", piece)).collect(),
        (false, true) => vec![part("audio/wav", &wrapped(&samples))],
        (false, false) => vec![part("audio/L16;codec=pcm;rate=24000", &samples)],
    }
}

/// Wraps samples as a WAV file, with an extra chunk before them that readers must skip.
fn wrapped(samples: &[u8]) -> Vec<u8> {
    let size = |length: usize| u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes();
    let mut file = b"RIFF".to_vec();
    file.extend_from_slice(&size(4 + 24 + 12 + 8 + samples.len()));
    file.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0\x01\0\xc0\x5d\0\0\x80\xbb\0\0\x02\0\x10\0");
    file.extend_from_slice(b"LIST\x04\0\0\0INFOdata");
    file.extend_from_slice(&size(samples.len()));
    file.extend_from_slice(samples);
    file
}
