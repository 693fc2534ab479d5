//! Traces, received by a minimal collector on loopback: which spans arrive, their parents, and their attributes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use serde_json::{Value, json};

use crate::harness::{CLIENT_KEY, Server, eventually, with_keys};

const GOOD: &str = "gemini-key-good-000000000";
const TIRED: &str = "gemini-key-minute-0000000";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

/// A span as it was sent.
#[derive(Clone, Debug, Default)]
struct Span {
    trace: String,
    id: String,
    parent: String,
    name: String,
    kind: u64,
    times: (u64, u64),
    attributes: BTreeMap<String, Value>,
}

/// What a field of a message of Protocol Buffers holds.
enum Held<'b> {
    Number(u64),
    Bytes(&'b [u8]),
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut number = 0;
    for shift in (0..).step_by(7) {
        let byte = bytes[0];
        *bytes = &bytes[1..];
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
    }
    number
}

/// The fields of a message, by number.
fn fields(mut bytes: &[u8]) -> Vec<(u64, Held<'_>)> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let tag = varint(&mut bytes);
        let length = match tag & 7 {
            0 => {
                fields.push((tag >> 3, Held::Number(varint(&mut bytes))));
                continue;
            }
            1 => 8,
            5 => 4,
            2 => usize::try_from(varint(&mut bytes)).unwrap(),
            other => panic!("wire type {other}"),
        };
        let (held, rest) = bytes.split_at(length);
        bytes = rest;
        fields.push((tag >> 3, Held::Bytes(held)));
    }
    fields
}

fn inner(bytes: &[u8], number: u64) -> Vec<&[u8]> {
    let held = fields(bytes).into_iter().filter(|(field, _)| *field == number);
    held.filter_map(|(_, held)| if let Held::Bytes(bytes) = held { Some(bytes) } else { None }).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn attribute(bytes: &[u8]) -> (String, Value) {
    let name = text(inner(bytes, 1)[0]);
    let value = match &fields(inner(bytes, 2)[0])[0] {
        (1, Held::Bytes(held)) => text(held).into(),
        (2, Held::Number(held)) => (*held == 1).into(),
        (3, Held::Number(held)) => (*held).into(),
        (4, Held::Bytes(held)) => f64::from_le_bytes((*held).try_into().unwrap()).into(),
        _ => Value::Null,
    };
    (name, value)
}

fn span(bytes: &[u8]) -> Span {
    let mut span = Span::default();
    for (number, held) in fields(bytes) {
        match (number, held) {
            (1, Held::Bytes(held)) => span.trace = hex(held),
            (2, Held::Bytes(held)) => span.id = hex(held),
            (4, Held::Bytes(held)) => span.parent = hex(held),
            (5, Held::Bytes(held)) => span.name = text(held),
            (6, Held::Number(held)) => span.kind = held,
            (7, Held::Bytes(held)) => span.times.0 = u64::from_le_bytes(held.try_into().unwrap()),
            (8, Held::Bytes(held)) => span.times.1 = u64::from_le_bytes(held.try_into().unwrap()),
            (9, Held::Bytes(held)) => span.attributes.extend([attribute(held)]),
            _ => {}
        }
    }
    span
}

/// What was sent so far.
type Told<T> = Arc<Mutex<Vec<T>>>;

/// A collector, and what it was sent: the spans, and all bytes.
async fn collector() -> (String, Told<Span>, Told<u8>) {
    let (spans, all): (Told<Span>, Told<u8>) = Default::default();
    let (kept, raw) = (spans.clone(), all.clone());
    let take = move |body: Bytes| async move {
        raw.lock().unwrap().extend_from_slice(&body);
        let found =
            inner(&body, 1).into_iter().flat_map(|resource| inner(resource, 2)).flat_map(|scope| inner(scope, 2));
        kept.lock().unwrap().extend(found.map(span));
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1/traces", listener.local_addr().unwrap());
    let app = Router::new().route("/v1/traces", post(take));
    tokio::spawn(async move {
        axum_server::from_tcp(listener.into_std().unwrap()).unwrap().serve(app.into_make_service()).await
    });
    (url, spans, all)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_a_server_span_one_logical_call_and_its_attempts() {
    let (url, spans, all) = collector().await;
    let config = format!(
        "[telemetry.otel]\nendpoint = {url:?}\nservice = \"gateway\"\n{}selection = \"round_robin\"\n",
        with_keys(&[TIRED, GOOD])
    );
    let server = Server::configured(&config, &[]).await;
    let settings = server.live.snapshot().config.settings.telemetry.clone();
    server.live.services().telemetry.begin_traces(&settings);
    let parent = format!("00-{TRACE}-{PARENT}-01");
    let body =
        json!({ "model": "gpt-4o", "stream": true, "messages": [{ "role": "user", "content": "canary words" }] });
    let headers = [("authorization", format!("Bearer {CLIENT_KEY}")), ("traceparent", parent)];
    for _ in 0..4 {
        let reply = server.send("POST", "/v1/chat/completions", &headers, Some(body.to_string())).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
    }
    let telemetry = server.live.services().telemetry.clone();
    tokio::task::spawn_blocking(move || telemetry.end_traces()).await.unwrap();
    let seen = spans.clone();
    eventually("four requests were told", move || {
        seen.lock().unwrap().iter().filter(|span| span.kind == 2).count() == 4
    })
    .await;
    let spans = spans.lock().unwrap().clone();
    let children = |of: &Span| spans.iter().filter(|span| span.parent == of.id).cloned().collect::<Vec<_>>();
    let mut attempts_seen = 0;
    for server in spans.iter().filter(|span| span.kind == 2) {
        assert_eq!((server.trace.as_str(), server.parent.as_str()), (TRACE, PARENT));
        assert_eq!(server.name, "POST /v1/chat/completions");
        assert_eq!(server.attributes["http.response.status_code"], 200);
        let [asked] = &children(server)[..] else { panic!("one logical call: {spans:#?}") };
        assert!(asked.kind == 3 && asked.name.starts_with("chat gemini-"), "{asked:?}");
        for (name, value) in [
            ("gen_ai.operation.name", json!("chat")),
            ("gen_ai.provider.name", json!("gcp.gemini")),
            ("gen_ai.request.stream", json!(true)),
            ("gemini_adapter.model.alias", json!("gpt-4o")),
        ] {
            assert_eq!(asked.attributes[name], value, "{name}");
        }
        assert!(asked.attributes["gen_ai.usage.output_tokens"].as_u64() > Some(0));
        let attempts = children(asked);
        assert!(attempts.iter().all(|attempt| attempt.kind == 3 && attempt.name.starts_with("attempt ")));
        assert!(
            attempts.iter().all(|attempt| !attempt.attributes.contains_key("gen_ai.usage.output_tokens")),
            "counted once"
        );
        for inner in attempts.iter().chain([asked]) {
            assert!(
                inner.times.0 >= server.times.0 && inner.times.1 <= server.times.1 && inner.times.0 <= inner.times.1,
                "{inner:?}"
            );
        }
        attempts_seen += attempts.len();
        assert_eq!(Value::from(attempts.len()), asked.attributes["gemini_adapter.attempts"]);
    }
    assert!(attempts_seen > 4, "one of the keys refuses at first");
    assert!(spans.iter().any(|span| span.attributes.get("error.type") == Some(&json!("rate_limited"))));
    let all = String::from_utf8_lossy(&all.lock().unwrap()).into_owned();
    assert!(
        all.contains("gateway") && !all.contains("canary words") && !all.contains(GOOD) && !all.contains(CLIENT_KEY)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_wants_no_trace_gets_none() {
    let (url, spans, _) = collector().await;
    let config = format!("[telemetry.otel]\nendpoint = {url:?}\n{}", with_keys(&[GOOD]));
    let server = Server::configured(&config, &[]).await;
    let telemetry = server.live.services().telemetry.clone();
    telemetry.begin_traces(&server.live.snapshot().config.settings.telemetry);
    let body = json!({ "model": "gpt-4o", "messages": [{ "role": "user", "content": "hi" }] }).to_string();
    for sampled in ["00", "01"] {
        let headers = [
            ("authorization", format!("Bearer {CLIENT_KEY}")),
            ("traceparent", format!("00-{TRACE}-{PARENT}-{sampled}")),
        ];
        server.send("POST", "/v1/chat/completions", &headers, Some(body.clone())).await;
    }
    tokio::task::spawn_blocking(move || telemetry.end_traces()).await.unwrap();
    assert_eq!(spans.lock().unwrap().iter().filter(|span| span.kind == 2).count(), 1);
}
