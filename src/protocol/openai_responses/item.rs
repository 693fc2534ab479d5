//! Writes the items of an answer.

use crate::protocol::rules::citations::{Sources, UrlCitation};
use crate::protocol::rules::signature_mark;
use crate::wire::json::push_string;

/// An empty JSON list.
pub const NONE: &[u8] = b"[]";

/// The kind of an item that is streamed in pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The text of a message.
    Message,
    /// A refusal.
    Refusal,
    /// A thought summary.
    Reasoning,
}

impl Kind {
    /// Returns the prefix of its ids.
    pub fn prefix(self) -> &'static str {
        if self == Self::Reasoning { "rs" } else { "msg" }
    }

    /// Returns the type of its part, and the field that holds the text.
    pub fn part(self) -> (&'static str, &'static str) {
        match self {
            Self::Message => ("output_text", "text"),
            Self::Refusal => ("refusal", "refusal"),
            Self::Reasoning => ("summary_text", "text"),
        }
    }

    /// Returns the prefixes of its event names: for the part, and for its text.
    pub fn events(self) -> (&'static str, &'static str) {
        match self {
            Self::Message => ("content_part", "output_text"),
            Self::Refusal => ("content_part", "refusal"),
            Self::Reasoning => ("reasoning_summary_part", "reasoning_summary_text"),
        }
    }

    /// Returns the item while it is empty.
    pub fn empty(self, id: &str) -> String {
        match self {
            Self::Reasoning => format!(r#"{{"id":"{id}","type":"reasoning","summary":[],"encrypted_content":null}}"#),
            _ => format!(r#"{{"id":"{id}","type":"message","status":"in_progress","role":"assistant","content":[]}}"#),
        }
    }

    /// Writes its part with this text (escaped), these annotations (list members) and token probabilities (a list).
    pub fn written(self, text: &[u8], annotations: &[u8], logprobs: &[u8]) -> Vec<u8> {
        let (kind, field) = self.part();
        let mut part = format!(r#"{{"type":"{kind}","{field}":""#).into_bytes();
        part.extend_from_slice(text);
        part.push(b'"');
        if self == Self::Message {
            part.extend_from_slice(br#","annotations":["#);
            part.extend_from_slice(annotations);
            part.extend_from_slice(br#"],"logprobs":"#);
            part.extend_from_slice(logprobs);
        }
        part.push(b'}');
        part
    }
}

/// Writes a message with one part.
pub fn message(id: &str, status: &str, part: &[u8]) -> Vec<u8> {
    let head = format!(r#"{{"id":"{id}","type":"message","status":"{status}","role":"assistant","content":["#);
    [head.as_bytes(), part, b"]}"].concat()
}

/// Writes a reasoning item with the part of its summary, if there is one, and the signature it carries.
pub fn reasoning(id: &str, part: &[u8], signature: Option<&str>) -> Vec<u8> {
    let mut item = format!(r#"{{"id":"{id}","type":"reasoning","summary":["#).into_bytes();
    item.extend_from_slice(part);
    item.extend_from_slice(br#"],"encrypted_content":"#);
    match signature {
        Some(signature) => push_string(&mut item, &signature_mark::marked(signature)),
        None => item.extend_from_slice(b"null"),
    }
    item.push(b'}');
    item
}

/// A tool call, except for its status and arguments.
pub struct Called<'c> {
    /// The item's id.
    pub id: &'c str,
    /// Whether it calls a custom tool, which takes free text.
    pub free_text: bool,
    /// The id that the call's output refers to.
    pub call_id: &'c str,
    /// The namespace in which the function is declared.
    pub namespace: Option<&'c str>,
    /// The client's name for the function.
    pub name: &'c str,
}

impl Called<'_> {
    /// Returns the field that holds the arguments, and the prefix of its event names.
    pub fn field(&self) -> (&'static str, &'static str) {
        match self.free_text {
            true => ("input", "custom_tool_call_input"),
            false => ("arguments", "function_call_arguments"),
        }
    }

    /// Writes the item with this status and these arguments.
    pub fn written(&self, status: &str, arguments: &str) -> Vec<u8> {
        let Self { id, free_text, call_id, namespace, name } = self;
        let kind = if *free_text { "custom_tool_call" } else { "function_call" };
        let mut item = format!(r#"{{"id":"{id}","type":"{kind}","status":"{status}","call_id":"#).into_bytes();
        push_string(&mut item, call_id);
        if let Some(namespace) = namespace {
            item.extend_from_slice(br#","namespace":"#);
            push_string(&mut item, namespace);
        }
        item.extend_from_slice(br#","name":"#);
        push_string(&mut item, name);
        item.extend_from_slice(format!(r#","{}":"#, self.field().0).as_bytes());
        push_string(&mut item, arguments);
        item.push(b'}');
        item
    }
}

/// Writes Google's searches and, if the client wants them, the pages found.
pub fn search(id: &str, sources: &Sources, shows_sources: bool) -> Vec<u8> {
    let mut item =
        format!(r#"{{"id":"{id}","type":"web_search_call","status":"completed","action":{{"type":"search","query":"#)
            .into_bytes();
    push_string(&mut item, sources.queries().first().map(String::as_str).unwrap_or_default());
    item.extend_from_slice(br#","queries":["#);
    for (number, query) in sources.queries().iter().enumerate() {
        if number > 0 {
            item.push(b',');
        }
        push_string(&mut item, query);
    }
    item.push(b']');
    if shows_sources {
        item.extend_from_slice(br#","sources":["#);
        for (number, page) in sources.pages().enumerate() {
            item.extend_from_slice(if number > 0 { br#",{"type":"url","url":"# } else { br#"{"type":"url","url":"# });
            push_string(&mut item, &page.uri);
            item.push(b'}');
        }
        item.push(b']');
    }
    item.extend_from_slice(b"}}");
    item
}

/// Writes a generated image.
pub fn image(id: &str, data: &str) -> Vec<u8> {
    let mut item =
        format!(r#"{{"id":"{id}","type":"image_generation_call","status":"completed","result":"#).into_bytes();
    push_string(&mut item, data);
    item.push(b'}');
    item
}

/// Writes a citation of a page.
pub fn annotation(cited: &UrlCitation<'_>) -> Vec<u8> {
    let UrlCitation { start, end, .. } = cited;
    let mut annotation =
        format!(r#"{{"type":"url_citation","start_index":{start},"end_index":{end},"url":"#).into_bytes();
    push_string(&mut annotation, cited.url);
    annotation.extend_from_slice(br#","title":"#);
    push_string(&mut annotation, cited.title);
    annotation.push(b'}');
    annotation
}
