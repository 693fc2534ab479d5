//! Whole answers: translates a `GenerateContentResponse` to a `chat.completion`.

use super::answer::{ChatReply, push_call, push_signature, push_usage};
use crate::fault::Fault;
use crate::protocol::rules::answer::{self, Call, Piece};
use crate::protocol::rules::finish::Finish;
use crate::protocol::rules::{json_schema, logprobs};
use crate::wire::gemini::response::{Candidate, Response};
use crate::wire::json::{push_escaped, push_number, push_string};

/// The collected content of a message. All buffers hold JSON fragments: escaped string content, array members or an
/// object.
#[derive(Default)]
struct Message<'a> {
    content: Vec<u8>,
    reasoning: Vec<u8>,
    calls: Vec<u8>,
    legacy_call: Vec<u8>,
    images: Vec<u8>,
    audio: Vec<u8>,
    signature: Option<std::borrow::Cow<'a, str>>,
    refusal: Option<String>,
}

/// Writes the answer in OpenAI's format.
///
/// # Errors
/// When Gemini's answer is broken or empty.
pub fn write(reply: &mut ChatReply, body: &[u8]) -> Result<Vec<u8>, Fault> {
    let response = reply.read(body)?;
    let refusal = answer::blocked(&response);
    if response.candidates.is_empty() && refusal.is_none() {
        return Err(answer::empty());
    }
    let mut out = Vec::with_capacity(body.len() + 512);
    out.extend_from_slice(br#"{"id":"chatcmpl-"#);
    push_escaped(&mut out, &reply.stamp.id);
    out.extend_from_slice(br#"","object":"chat.completion","created":"#);
    push_number(&mut out, reply.stamp.created);
    out.extend_from_slice(br#","model":"#);
    push_string(&mut out, &reply.stamp.model);
    out.extend_from_slice(br#","choices":["#);
    choices(reply, &response, refusal, &mut out)?;
    out.extend_from_slice(br#"],"usage":"#);
    push_usage(&mut out, reply.reader.usage.read());
    out.extend_from_slice(br#","service_tier":""#);
    out.extend_from_slice(reply.reader.usage.tier().as_bytes());
    out.extend_from_slice(br#"","system_fingerprint":null}"#);
    reply.committed = true;
    Ok(out)
}

fn choices(
    reply: &mut ChatReply,
    response: &Response<'_>,
    refusal: Option<String>,
    out: &mut Vec<u8>,
) -> Result<(), Fault> {
    if refusal.is_some() {
        reply.choice(0).told.finish = Some(Finish::Filtered);
        let message = Message { refusal, ..Message::default() };
        choice(reply, 0, &message, None, out)?;
    }
    for (position, candidate) in response.candidates.iter().enumerate() {
        if position > 0 {
            out.push(b',');
        }
        let message = gather(reply, candidate);
        let logprobs = candidate.logprobs_result.and_then(logprobs::object);
        choice(reply, candidate.index, &message, logprobs, out)?;
    }
    Ok(())
}

fn gather<'a>(reply: &mut ChatReply, candidate: &'a Candidate<'a>) -> Message<'a> {
    let mut message = Message::default();
    for part in candidate.content.iter().flat_map(|content| &content.parts) {
        let (piece, signature) = reply.piece(candidate, part);
        match piece {
            Piece::Text(text) => message.content.extend_from_slice(&text),
            Piece::Reasoning(text) => message.reasoning.extend_from_slice(text),
            Piece::Call(call) => push_whole_call(reply, &mut message, &call),
            Piece::Image(url) => {
                separate(&mut message.images);
                message.images.extend_from_slice(br#"{"type":"image_url","image_url":{"url":"#);
                push_string(&mut message.images, &url);
                message.images.extend_from_slice(b"}}");
            }
            Piece::Audio(data) => message.audio.extend_from_slice(data.as_bytes()),
            Piece::Nothing => {}
        }
        message.signature = signature.or(message.signature);
    }
    message
}

fn push_whole_call<'a>(reply: &ChatReply, message: &mut Message<'a>, call: &Call<'a>) {
    let arguments = reply.terms.names.arguments(call);
    if reply.terms.legacy {
        message.legacy_call = br#"{"name":"#.to_vec();
        push_string(&mut message.legacy_call, reply.terms.names.client(call.name));
        message.legacy_call.extend_from_slice(br#","arguments":"#);
        push_string(&mut message.legacy_call, &arguments);
        message.legacy_call.push(b'}');
        return;
    }
    separate(&mut message.calls);
    message.calls.push(b'{');
    push_call(&mut message.calls, call, &reply.terms, &arguments);
    message.calls.push(b'}');
}

fn choice(
    reply: &mut ChatReply,
    index: u32,
    message: &Message<'_>,
    logprobs: Option<Vec<u8>>,
    out: &mut Vec<u8>,
) -> Result<(), Fault> {
    let legacy = reply.terms.legacy;
    let finish = reply.choice(index).finish_reason(legacy)?;
    if let Some(schema) = reply.terms.schema.as_ref().filter(|_| finish == "stop") {
        json_schema::check_answer(schema, &answer::unescaped(&message.content))?;
    }
    out.extend_from_slice(br#"{"index":"#);
    push_number(out, index);
    out.extend_from_slice(br#","message":{"role":"assistant","content":"#);
    let called = !message.calls.is_empty() || !message.legacy_call.is_empty();
    if message.content.is_empty() && (called || message.refusal.is_some() || !message.audio.is_empty()) {
        out.extend_from_slice(b"null");
    } else {
        string(out, &message.content);
    }
    out.extend_from_slice(br#","refusal":"#);
    match &message.refusal {
        Some(refusal) => push_string(out, refusal),
        None => out.extend_from_slice(b"null"),
    }
    let known = reply.choice(index);
    out.extend_from_slice(br#","annotations":["#);
    out.extend_from_slice(&known.annotations().unwrap_or_default());
    out.push(b']');
    if !message.reasoning.is_empty() {
        out.extend_from_slice(br#","reasoning_content":"#);
        string(out, &message.reasoning);
    }
    for (field, members) in [("tool_calls", &message.calls), ("images", &message.images)] {
        if !members.is_empty() {
            out.extend_from_slice(format!(r#","{field}":["#).as_bytes());
            out.extend_from_slice(members);
            out.push(b']');
        }
    }
    if !message.legacy_call.is_empty() {
        out.extend_from_slice(br#","function_call":"#);
        out.extend_from_slice(&message.legacy_call);
    }
    if !message.audio.is_empty() {
        let id = format!(r#","audio":{{"id":"audio_{}","expires_at":0,"transcript":"","data":"#, reply.stamp.id);
        out.extend_from_slice(id.as_bytes());
        string(out, &message.audio);
        out.push(b'}');
    }
    if let Some(signature) = &message.signature {
        out.push(b',');
        push_signature(out, signature);
    }
    out.extend_from_slice(br#"},"logprobs":"#);
    out.extend_from_slice(logprobs.as_deref().unwrap_or(b"null"));
    out.extend_from_slice(br#","finish_reason":""#);
    out.extend_from_slice(finish.as_bytes());
    out.extend_from_slice(br#""}"#);
    Ok(())
}

/// Writes a JSON string from its escaped content.
fn string(out: &mut Vec<u8>, escaped: &[u8]) {
    out.push(b'"');
    out.extend_from_slice(escaped);
    out.push(b'"');
}

fn separate(members: &mut Vec<u8>) {
    if !members.is_empty() {
        members.push(b',');
    }
}
