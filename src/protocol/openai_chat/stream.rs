//! Streamed answers: translates Gemini's events to `chat.completion.chunk`s in OpenAI's framing.
//!
//! Everything that repeats is built once, as the prefix. A text chunk then costs the prefix, its own bytes and a
//! suffix.

use std::borrow::Cow;

use super::answer::{ChatReply, push_call, push_signature, push_usage};
use crate::fault::Fault;
use crate::protocol::rules::answer::{self, Call, Piece};
use crate::protocol::rules::finish::Finish;
use crate::protocol::rules::logprobs;
use crate::wire::gemini::response::Candidate;
use crate::wire::json::push_string;

/// Translates one of Gemini's events.
///
/// # Errors
/// When the event cannot be parsed.
pub fn event(reply: &mut ChatReply, event: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
    let response = reply.read(event)?;
    begin(reply);
    if let Some(refusal) = answer::blocked(&response) {
        reply.choice(0).told.finish = Some(Finish::Filtered);
        role(reply, 0, b"null", out);
        delta(reply, 0, out, |out| {
            out.extend_from_slice(br#""refusal":"#);
            push_string(out, &refusal);
        });
        reply.committed = true;
    }
    for candidate in &response.candidates {
        pieces(reply, candidate, out);
    }
    Ok(())
}

/// Ends the stream: a finish chunk for each choice, the usage if requested, and `[DONE]`.
///
/// # Errors
/// When the stream did not end properly: there is no choice, or a choice has no finish reason.
pub fn end(reply: &mut ChatReply, out: &mut Vec<u8>) -> Result<(), Fault> {
    if reply.choices.is_empty() {
        return Err(answer::nothing_said());
    }
    if reply.choices.iter().any(|choice| choice.told.finish.is_none()) {
        return Err(answer::ended_early());
    }
    let mut finishes = Vec::new();
    for choice in &reply.choices {
        finishes.push((choice.index, choice.finish_reason(reply.terms.legacy)?));
    }
    for (index, finish) in finishes {
        role(reply, index, br#""""#, out);
        let known = reply.choice(index);
        if let Some(annotations) = known.annotations() {
            delta(reply, index, out, |out| {
                out.extend_from_slice(br#""annotations":["#);
                out.extend_from_slice(&annotations);
                out.push(b']');
            });
        }
        out.extend_from_slice(&reply.prefix);
        let tail = format!(r#"{index},"delta":{{}},"logprobs":null,"finish_reason":"{finish}"}}]"#);
        out.extend_from_slice(tail.as_bytes());
        close(reply, out);
    }
    if reply.terms.include_usage {
        // The prefix opens a choice, but this chunk has none.
        out.extend_from_slice(reply.prefix.strip_suffix(br#"{"index":"#).unwrap_or(&reply.prefix));
        out.extend_from_slice(br#"],"usage":"#);
        push_usage(out, reply.reader.usage.read());
        out.extend_from_slice(b"}\n\n");
    }
    out.extend_from_slice(b"data: [DONE]\n\n");
    Ok(())
}

fn pieces(reply: &mut ChatReply, candidate: &Candidate<'_>, out: &mut Vec<u8>) {
    let index = candidate.index;
    let mut logprobs = candidate.logprobs_result.and_then(logprobs::object);
    for part in candidate.content.iter().flat_map(|content| &content.parts) {
        let (piece, signature) = reply.piece(candidate, part);
        match piece {
            Piece::Text(text) => field(reply, index, "content", &text, logprobs.take(), out),
            Piece::Reasoning(text) => field(reply, index, "reasoning_content", text, None, out),
            Piece::Call(call) => tool_call(reply, index, &call, out),
            Piece::Image(url) => {
                role(reply, index, br#""""#, out);
                delta(reply, index, out, |out| {
                    out.extend_from_slice(br#""images":[{"type":"image_url","image_url":{"url":"#);
                    push_string(out, &url);
                    out.extend_from_slice(b"}}]");
                });
            }
            Piece::Audio(data) => {
                role(reply, index, b"null", out);
                let id = format!("audio_{}", reply.stamp.id);
                delta(reply, index, out, |out| {
                    out.extend_from_slice(format!(r#""audio":{{"id":"{id}","data":"{data}"}}"#).as_bytes());
                });
            }
            Piece::Nothing => {}
        }
        if let Some(signature) = signature {
            role(reply, index, br#""""#, out);
            delta(reply, index, out, |out| push_signature(out, &signature));
        }
    }
}

/// Writes a delta with one string field, which is copied as Gemini escaped it.
fn field(reply: &mut ChatReply, index: u32, name: &str, text: &[u8], logprobs: Option<Vec<u8>>, out: &mut Vec<u8>) {
    role(reply, index, br#""""#, out);
    reply.committed = true;
    out.extend_from_slice(&reply.prefix);
    push_index(out, index);
    out.extend_from_slice(br#","delta":{""#);
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(br#"":""#);
    out.extend_from_slice(text);
    out.extend_from_slice(br#""},"logprobs":"#);
    out.extend_from_slice(logprobs.as_deref().unwrap_or(b"null"));
    out.extend_from_slice(br#","finish_reason":null}]"#);
    close(reply, out);
}

/// Writes a call: id and name in one chunk, the arguments in the next. Nothing of the first chunk is repeated, because
/// clients concatenate strings.
fn tool_call(reply: &mut ChatReply, index: u32, call: &Call<'_>, out: &mut Vec<u8>) {
    role(reply, index, b"null", out);
    reply.committed = true;
    let number = reply.choice(index).told.calls.saturating_sub(1);
    let terms = reply.terms.clone();
    let text: Cow<'_, str> = terms.names.arguments(call);
    if terms.legacy {
        delta(reply, index, out, |out| {
            out.extend_from_slice(br#""function_call":{"name":"#);
            push_string(out, terms.names.client(call.name));
            out.extend_from_slice(br#","arguments":"#);
            push_string(out, &text);
            out.push(b'}');
        });
        return;
    }
    delta(reply, index, out, |out| {
        out.extend_from_slice(format!(r#""tool_calls":[{{"index":{number},"#).as_bytes());
        push_call(out, call, &terms, "");
        out.extend_from_slice(b"}]");
    });
    let custom = terms.names.is_free_text(call.name);
    let (kind, name) = if custom { ("custom", "input") } else { ("function", "arguments") };
    delta(reply, index, out, |out| {
        out.extend_from_slice(format!(r#""tool_calls":[{{"index":{number},"{kind}":{{"{name}":"#).as_bytes());
        push_string(out, &text);
        out.extend_from_slice(b"}}]");
    });
}

/// Writes the first chunk of a choice, once. `content` is `""` before a text and `null` before a call.
fn role(reply: &mut ChatReply, index: u32, content: &[u8], out: &mut Vec<u8>) {
    if std::mem::replace(&mut reply.choice(index).begun, true) {
        return;
    }
    delta(reply, index, out, |out| {
        out.extend_from_slice(br#""role":"assistant","content":"#);
        out.extend_from_slice(content);
        out.extend_from_slice(br#","refusal":null"#);
    });
}

/// Writes one chunk with these fields in its delta.
fn delta(reply: &ChatReply, index: u32, out: &mut Vec<u8>, fields: impl FnOnce(&mut Vec<u8>)) {
    out.extend_from_slice(&reply.prefix);
    push_index(out, index);
    out.extend_from_slice(br#","delta":{"#);
    fields(out);
    out.extend_from_slice(br#"},"logprobs":null,"finish_reason":null}]"#);
    close(reply, out);
}

fn close(reply: &ChatReply, out: &mut Vec<u8>) {
    out.extend_from_slice(if reply.terms.include_usage { b",\"usage\":null}\n\n".as_slice() } else { b"}\n\n" });
}

fn push_index(out: &mut Vec<u8>, index: u32) {
    // The index is nearly always 0, and this code runs for every token.
    match index {
        0 => out.push(b'0'),
        other => out.extend_from_slice(other.to_string().as_bytes()),
    }
}

/// Builds the prefix of every chunk. The service tier is known from the first event on.
fn begin(reply: &mut ChatReply) {
    if !reply.prefix.is_empty() {
        return;
    }
    let mut prefix = br#"data: {"id":"#.to_vec();
    push_string(&mut prefix, &format!("chatcmpl-{}", reply.stamp.id));
    let created = format!(r#","object":"chat.completion.chunk","created":{},"model":"#, reply.stamp.created);
    prefix.extend_from_slice(created.as_bytes());
    push_string(&mut prefix, &reply.stamp.model);
    let rest =
        format!(r#","service_tier":"{}","system_fingerprint":null,"choices":[{{"index":"#, reply.reader.usage.tier());
    prefix.extend_from_slice(rest.as_bytes());
    reply.prefix = prefix;
}
