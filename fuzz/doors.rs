//! The protocols under test. The first byte of an input selects one, so that one target covers them all.

use gemini_adapter::protocol::anthropic::{AnthropicCount, AnthropicMessages};
use gemini_adapter::protocol::gemini::Gemini;
use gemini_adapter::protocol::openai_chat::OpenAiChat;
use gemini_adapter::protocol::openai_completions::OpenAiCompletions;
use gemini_adapter::protocol::openai_embeddings::OpenAiEmbeddings;
use gemini_adapter::protocol::openai_images::OpenAiImages;
use gemini_adapter::protocol::openai_responses::OpenAiResponses;
use gemini_adapter::protocol::openai_speech::OpenAiSpeech;
use gemini_adapter::protocol::openai_transcriptions::OpenAiTranscriptions;
use gemini_adapter::protocol::{Accepted, Incoming, Place, Protocol};

/// A protocol: the folder of its golden cases, its implementation, a request whose answers it translates, and how its
/// streams end.
pub struct Door {
    pub name: &'static str,
    pub protocol: &'static dyn Protocol,
    pub request: &'static str,
    pub ends: &'static [&'static str],
}

pub const DOORS: [Door; 12] = [
    Door {
        name: "openai_chat",
        protocol: &OpenAiChat,
        request: r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"x"}]}"#,
        ends: &["[DONE]"],
    },
    Door {
        name: "openai_responses",
        protocol: &OpenAiResponses,
        request: r#"{"model":"m","stream":true,"input":"x","tools":[{"type":"web_search"}],"include":["reasoning.encrypted_content"]}"#,
        ends: &["{\"type\":\"response.completed\"", "{\"type\":\"response.incomplete\""],
    },
    Door {
        name: "anthropic_messages",
        protocol: &AnthropicMessages,
        request: r#"{"model":"m","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"x"}],"thinking":{"type":"adaptive"},"tools":[{"type":"web_search_20250305","name":"web_search"}]}"#,
        ends: &["{\"type\":\"message_stop\""],
    },
    Door {
        name: "openai_completions",
        protocol: &OpenAiCompletions,
        request: r#"{"model":"m","stream":true,"prompt":"x","echo":true}"#,
        ends: &["[DONE]"],
    },
    Door { name: "gemini", protocol: &Gemini, request: r#"{"contents":[{"parts":[{"text":"x"}]}]}"#, ends: &[] },
    Door {
        name: "anthropic_count",
        protocol: &AnthropicCount,
        request: r#"{"model":"m","messages":[{"role":"user","content":"x"}]}"#,
        ends: &[],
    },
    Door {
        name: "openai_embeddings",
        protocol: &OpenAiEmbeddings,
        request: r#"{"model":"m","input":["x","y"]}"#,
        ends: &[],
    },
    Door {
        name: "openai_images",
        protocol: &OpenAiImages::Generations,
        request: r#"{"model":"m","prompt":"x"}"#,
        ends: &[],
    },
    Door {
        name: "openai_image_edits",
        protocol: &OpenAiImages::Edits,
        request: r#"{"model":"m","prompt":"x","image":{"filename":"a.png","content_type":"image/png","data":"iVBORw0KGgo="}}"#,
        ends: &[],
    },
    Door {
        name: "openai_speech",
        protocol: &OpenAiSpeech,
        request: r#"{"model":"m","input":"x","voice":"alloy","response_format":"pcm"}"#,
        ends: &[],
    },
    Door {
        name: "openai_transcriptions",
        protocol: &OpenAiTranscriptions::Transcriptions,
        request: r#"{"model":"m","file":{"filename":"a.mp3","content_type":"audio/mpeg","data":"SUQz"},"response_format":"verbose_json"}"#,
        ends: &[],
    },
    Door {
        name: "openai_translations",
        protocol: &OpenAiTranscriptions::Translations,
        request: r#"{"model":"m","file":{"filename":"a.mp3","content_type":"audio/mpeg","data":"SUQz"},"response_format":"srt"}"#,
        ends: &[],
    },
];

/// Returns the protocol that an input selects, and the rest of the input.
pub fn at(data: &[u8]) -> Option<(&'static Door, &[u8])> {
    let (door, brought) = data.split_first()?;
    Some((&DOORS[usize::from(*door) % DOORS.len()], brought))
}

impl Door {
    /// Parses the request.
    pub fn accept<'a>(&self, body: &'a [u8]) -> Result<Box<dyn Accepted + 'a>, gemini_adapter::error::Error> {
        static NATIVE: std::sync::LazyLock<Place> = std::sync::LazyLock::new(|| Place {
            path: "/v1beta/models/gemini-2.5-flash:generateContent".into(),
            ..Place::default()
        });
        self.protocol.accept(Incoming { place: &NATIVE, body })
    }
}
