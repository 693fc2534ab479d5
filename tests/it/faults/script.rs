//! The script language for faults: one step per line, for both the peer that plays Google and the clients.

use std::ops::Range;
use std::time::Duration;

use serde_json::{Value, json};

/// One step of a peer.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Bytes as they are.
    Raw(Vec<u8>),
    /// The head of an answer whose body comes in chunks.
    Head(u16, String),
    /// Bytes of the body.
    Body(Vec<u8>),
    /// A good answer with these tokens, in the form that the call asks for.
    Good(Range<usize>),
    /// So many bytes of the body, all the same.
    Fill(usize),
    /// From here on, bytes go out in pieces of this size.
    Split(usize),
    /// Bytes of the body one by one, so long apart.
    Drip(Duration, Vec<u8>),
    /// Nothing, for so long.
    Pause(Duration),
    /// Reads until it has seen this.
    Until(Vec<u8>),
    /// The body's proper end: another request may come.
    End,
    /// No more bytes will be sent (FIN), but those of the other side are read.
    Half,
    /// The connection is closed (FIN).
    Close,
    /// The connection is torn down (RST).
    Reset,
    /// Nothing more, until the other side goes.
    Stall,
}

/// Reads a script.
pub fn read(text: &str) -> Vec<Step> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).flat_map(step).collect()
}

fn step(line: &str) -> Vec<Step> {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    let number = || rest.parse().unwrap_or_else(|_| panic!("no number: {line}"));
    let one = match word {
        "raw" => Step::Raw(bytes(rest)),
        "head" => {
            let (status, kind) = rest.split_once(' ').unwrap_or_else(|| panic!("head STATUS TYPE: {line}"));
            Step::Head(status.parse().unwrap(), kind.to_owned())
        }
        "json" => return json_answer(rest),
        "tokens" => return range(rest).map(|token| event(&said(token..token + 1, false))).collect(),
        "finish" => event(&said(0..0, true)),
        "good" => Step::Good(range(rest)),
        "event" => Step::Body(format!("data: {rest}\r\n\r\n").into_bytes()),
        "body" => Step::Body(bytes(rest)),
        "fill" => Step::Fill(number()),
        "split" => Step::Split(number()),
        "drip" => {
            let (pause, text) = rest.split_once(' ').unwrap_or_else(|| panic!("drip MS TEXT: {line}"));
            Step::Drip(Duration::from_millis(pause.parse().unwrap()), bytes(text))
        }
        "pause" => Step::Pause(Duration::from_millis(number() as u64)),
        "until" => Step::Until(bytes(rest)),
        "chat" => Step::Raw(chat(rest)),
        "end" => Step::End,
        "half" => Step::Half,
        "close" => Step::Close,
        "reset" => Step::Reset,
        "stall" => Step::Stall,
        _ => panic!("no such word: {line}"),
    };
    vec![one]
}

/// What a good answer is made of.
pub fn good(tokens: Range<usize>, stream: bool) -> Vec<Step> {
    if stream {
        return read(&format!("head 200 text/event-stream\ntokens {}..{}\nfinish\nend", tokens.start, tokens.end));
    }
    let body = Step::Body(said(tokens, true).to_string().into_bytes());
    vec![Step::Head(200, "application/json".to_owned()), body, Step::End]
}

/// A token that tells which one it is, in letters of more than one byte.
pub fn token(number: usize) -> String {
    format!("⟨{number}⟩ ")
}

/// Tokens as Gemini says them, and whether that is the end.
fn said(tokens: Range<usize>, last: bool) -> Value {
    let count = tokens.end;
    let text: String = tokens.map(token).collect();
    let mut candidate = json!({ "content": { "role": "model" }, "index": 0 });
    if !text.is_empty() {
        candidate["content"]["parts"] = json!([{ "text": text }]);
    }
    let mut document = json!({ "candidates": [candidate] });
    if last {
        document["candidates"][0]["finishReason"] = json!("STOP");
        document["usageMetadata"] =
            json!({ "promptTokenCount": 1, "candidatesTokenCount": count, "totalTokenCount": count + 1 });
    }
    document
}

fn event(document: &Value) -> Step {
    Step::Body(format!("data: {document}\r\n\r\n").into_bytes())
}

/// A whole answer with its length.
fn json_answer(rest: &str) -> Vec<Step> {
    let (status, body) = rest.split_once(' ').unwrap_or((rest, ""));
    let body = bytes(body);
    let head =
        format!("HTTP/1.1 {status} Fault\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
    vec![Step::Raw([head.into_bytes(), body].concat())]
}

/// A client's request in good order: `chat whole`, `chat stream`.
fn chat(form: &str) -> Vec<u8> {
    let body = json!({ "model": "gemini-2.5-flash", "stream": form == "stream", "messages": [{ "role": "user", "content": "x" }] });
    let body = body.to_string();
    let key = crate::harness::CLIENT_KEY;
    format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

fn range(text: &str) -> Range<usize> {
    let (from, to) = text.split_once("..").unwrap_or_else(|| panic!("A..B: {text}"));
    from.parse().unwrap()..to.parse().unwrap()
}

/// A text in which `\r`, `\n`, `\\` and `\xNN` stand for what they do in Rust, and `{KEY}` for a good client's key.
fn bytes(text: &str) -> Vec<u8> {
    let text = text.replace("{KEY}", crate::harness::CLIENT_KEY);
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match (byte, if byte == b'\\' { rest.next() } else { None }) {
            (b'\\', Some(b'r')) => bytes.push(b'\r'),
            (b'\\', Some(b'n')) => bytes.push(b'\n'),
            (b'\\', Some(b'x')) => {
                let digits: String = rest.by_ref().take(2).map(char::from).collect();
                bytes.push(u8::from_str_radix(&digits, 16).unwrap());
            }
            (b'\\', Some(other)) => bytes.push(other),
            _ => bytes.push(byte),
        }
    }
    bytes
}
