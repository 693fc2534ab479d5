//! The script language for faults: one step per line, for both the peer that plays Google and the clients.

use std::ops::Range;
use std::time::Duration;

use serde_json::{Value, json};

/// One step of a peer.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Sends bytes as they are.
    Raw(Vec<u8>),
    /// Sends the head of an answer with a chunked body.
    Head(u16, String),
    /// Sends bytes of the body.
    Body(Vec<u8>),
    /// Sends a good answer with these tokens, streamed if the call requests a stream.
    Good(Range<usize>),
    /// Sends this many identical bytes of the body, rounded up to whole blocks of 64 KiB.
    Fill(usize),
    /// Sends all further bytes in pieces of this size.
    Split(usize),
    /// Sends bytes of the body one by one, with this pause after each.
    Drip(Duration, Vec<u8>),
    /// Sends nothing for this long.
    Pause(Duration),
    /// Reads until these bytes have arrived.
    Until(Vec<u8>),
    /// Ends the body properly; another request may follow on the connection.
    End,
    /// Half-closes the connection (FIN): nothing more is sent, but the other side can still send.
    Half,
    /// Closes the connection (FIN).
    Close,
    /// Resets the connection (RST).
    Reset,
    /// Sends nothing more, until the other side closes the connection.
    Stall,
}

/// Parses a script.
pub fn read(text: &str) -> Vec<Step> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).flat_map(step).collect()
}

fn step(line: &str) -> Vec<Step> {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    let number = || rest.parse().unwrap_or_else(|_| panic!("not a number: {line}"));
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
        _ => panic!("unknown step: {line}"),
    };
    vec![one]
}

/// Returns the steps of a good answer.
pub fn good(tokens: Range<usize>, stream: bool) -> Vec<Step> {
    if stream {
        return read(&format!("head 200 text/event-stream\ntokens {}..{}\nfinish\nend", tokens.start, tokens.end));
    }
    let body = Step::Body(said(tokens, true).to_string().into_bytes());
    vec![Step::Head(200, "application/json".to_owned()), body, Step::End]
}

/// Returns a token that contains its number, between characters of several bytes.
pub fn token(number: usize) -> String {
    format!("⟨{number}⟩ ")
}

/// Returns a Gemini answer with these tokens; with a finish reason if it is the last.
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

/// Returns an unstreamed answer with a content-length.
fn json_answer(rest: &str) -> Vec<Step> {
    let (status, body) = rest.split_once(' ').unwrap_or((rest, ""));
    let body = bytes(body);
    let head =
        format!("HTTP/1.1 {status} Fault\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
    vec![Step::Raw([head.into_bytes(), body].concat())]
}

/// Returns a valid client request: `chat whole`, `chat stream`.
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

/// Returns the bytes of a text in which `\r`, `\n`, `\\` and `\xNN` have the same meaning as in Rust, and `{KEY}` is a
/// valid client key.
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
