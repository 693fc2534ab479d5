//! Protocol behaviour that golden cases do not cover: a plugin's reply in place of the model's, the end of a stream
//! without content, a retry without the parameter that Google rejected, answers validated against the client's
//! schema.

use gemini_adapter::error::Error;
use gemini_adapter::fault::{Blame, Kind, Remedies};
use gemini_adapter::protocol::anthropic::{AnthropicCount, AnthropicMessages};
use gemini_adapter::protocol::gemini::Gemini;
use gemini_adapter::protocol::openai_chat::OpenAiChat;
use gemini_adapter::protocol::openai_completions::OpenAiCompletions;
use gemini_adapter::protocol::openai_embeddings::OpenAiEmbeddings;
use gemini_adapter::protocol::openai_images::OpenAiImages;
use gemini_adapter::protocol::openai_responses::OpenAiResponses;
use gemini_adapter::protocol::openai_speech::OpenAiSpeech;
use gemini_adapter::protocol::openai_transcriptions::OpenAiTranscriptions;
use gemini_adapter::protocol::{AnswerContext, Files, Form, Incoming, Notes, Place, Protocol, Target};
use gemini_adapter::store::Signatures;
use serde_json::{Value, json};

use crate::golden::{model, stamp};

fn parsed(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(bytes)))
}

/// The data of each event, `[DONE]` left out.
fn events(stream: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(stream).unwrap();
    assert!(text.ends_with("\n\n") || text.ends_with("\r\n\r\n"), "an event that is cut off: {text:?}");
    let data = text.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|data| *data != "[DONE]");
    data.map(|data| parsed(data.as_bytes())).collect()
}

#[test]
fn what_a_plugin_says_is_an_answer_of_the_dialect() {
    for (protocol, words, end) in [
        (&OpenAiChat as &dyn Protocol, "/choices/0/message/content", "/choices/0/finish_reason"),
        (&OpenAiCompletions, "/choices/0/text", "/choices/0/finish_reason"),
        (&OpenAiResponses, "/output/0/content/0/text", "/status"),
        (&AnthropicMessages, "/content/0/text", "/stop_reason"),
        (&Gemini, "/candidates/0/content/parts/0/text", "/candidates/0/finishReason"),
        (&OpenAiTranscriptions::Transcriptions, "/text", "/usage/type"),
    ] {
        let whole = parsed(&protocol.canned(stamp("m"), Form::JSON, "Say \"hi\".").unwrap());
        assert_eq!(whole.pointer(words), Some(&json!("Say \"hi\".")), "{}: {whole}", protocol.name());
        assert!(whole.pointer(end).is_some_and(Value::is_string), "{}: {whole}", protocol.name());
        let stream = events(&protocol.canned(stamp("m"), Form::EVENTS, "Say \"hi\".").unwrap());
        let told: Vec<String> = stream.iter().map(Value::to_string).collect();
        assert!(told.iter().any(|event| event.contains(r#"Say \"hi\"."#)), "{}: {told:?}", protocol.name());
    }
    let plain = Form { media_type: "text/plain; charset=utf-8", ..Form::JSON };
    assert_eq!(OpenAiTranscriptions::Translations.canned(stamp("m"), plain, "hi").unwrap(), "hi\n");
    assert_eq!(AnthropicCount.canned(stamp("m"), Form::JSON, "hi").unwrap(), r#"{"input_tokens":0}"#);
    for protocol in [&OpenAiEmbeddings as &dyn Protocol, &OpenAiImages::Edits, &OpenAiSpeech] {
        assert_eq!(protocol.canned(stamp("m"), Form::JSON, "hi"), None, "{}: a text is not an answer", protocol.name());
    }
}

#[test]
fn a_stream_with_nothing_to_show_ends_with_an_error_that_clients_raise() {
    let error = Error::invalid("It broke.").param("messages").code("odd");
    for (protocol, head, expected) in [
        (
            &OpenAiChat as &dyn Protocol,
            "data: ",
            json!({ "error": { "message": "It broke.", "type": "invalid_request_error", "param": "messages", "code": "odd" } }),
        ),
        (
            &OpenAiCompletions,
            "data: ",
            json!({ "error": { "message": "It broke.", "type": "invalid_request_error", "param": "messages", "code": "odd" } }),
        ),
        (
            &OpenAiResponses,
            "event: error\ndata: ",
            json!({ "type": "error", "sequence_number": 0, "code": "odd", "message": "It broke.", "param": "messages" }),
        ),
        (
            &AnthropicMessages,
            "event: error\ndata: ",
            json!({ "type": "error", "error": { "type": "invalid_request_error", "message": "It broke." } }),
        ),
        (&Gemini, "data: ", json!({ "error": { "code": 400, "message": "It broke.", "status": "INVALID_ARGUMENT" } })),
    ] {
        let event = protocol.error_event(&error);
        assert!(event.starts_with(head.as_bytes()), "{}: {event:?}", protocol.name());
        assert_eq!(events(&event), [expected], "{}", protocol.name());
    }
}

#[test]
fn what_only_comes_whole_takes_no_pieces() {
    for (protocol, request) in [
        (&OpenAiEmbeddings as &dyn Protocol, json!({ "model": "m", "input": "a" })),
        (&OpenAiImages::Generations, json!({ "model": "m", "prompt": "a cat" })),
        (&AnthropicCount, json!({ "model": "m", "messages": [{ "role": "user", "content": "hi" }] })),
    ] {
        let request = request.to_string();
        let mut reply = protocol.accept(request.as_bytes().into()).unwrap().reply(stamp("m"));
        let mut out = Vec::new();
        let fault = reply.event(b"{}", &mut out).unwrap_err();
        assert_eq!((fault.kind, fault.blame), (Kind::BrokenAnswer, Blame::Internal), "{}", protocol.name());
        reply.fail(&Error::from(&fault), &mut out);
        assert!(!reply.committed() && out.is_empty(), "{}: {out:?}", protocol.name());
    }
}

#[test]
fn another_model_is_named_where_the_address_names_it() {
    let place = Place { path: "/v1beta/models/one:generateContent".into(), ..Place::default() };
    let body = br#"{"model":"models/one"}"#;
    let (there, renamed) = Gemini.renamed(Incoming { place: &place, body }, "two").unwrap();
    assert_eq!((&*there.path, &*renamed), ("/v1beta/models/two:generateContent", &br#"{"model":"models/two"}"#[..]));
    // A plugin has written it into the body.
    let (there, renamed) = OpenAiChat.renamed(Incoming { place: &place, body }, "two").unwrap();
    assert_eq!((&there.path, &*renamed), (&place.path, &body[..]));
}

#[test]
fn signatures_are_looked_for_where_the_client_sent_none() {
    let chat = |calls: Value| json!({ "model": "m", "messages": [{ "role": "assistant", "tool_calls": calls }] });
    let responses = |input: Value| json!({ "model": "m", "input": input });
    let messages = |content: Value| json!({ "model": "m", "max_tokens": 1, "messages": [{ "role": "user", "content": "\"tool_use\"" }, { "role": "assistant", "content": content }] });
    let used = |id: &str| json!({ "type": "tool_use", "id": id, "name": "f", "input": {} });
    let thought = |kind: &str, field: &str, carried: &str| json!({ "type": kind, (field): carried });
    let called = |id: &str| json!({ "type": "function_call", "call_id": id, "name": "f" });
    for (protocol, request, expected) in [
        (
            &OpenAiChat as &dyn Protocol,
            chat(
                json!([{ "id": "a", "extra_content": { "google": { "thought_signature": "QUE=" } } }, { "id": "b" }, {}]),
            ),
            &["b"][..],
        ),
        (
            &OpenAiResponses,
            responses(json!([thought("reasoning", "encrypted_content", "g1:QUE="), called("a"), called("b")])),
            &["b"],
        ),
        (
            &OpenAiResponses,
            responses(
                json!([thought("reasoning", "encrypted_content", "gAAA"), { "type": "custom_tool_call", "call_id": "c" }]),
            ),
            &["c"],
        ),
        (&OpenAiResponses, responses(json!("a \"function_call\"")), &[]),
        (
            &AnthropicMessages,
            messages(json!([thought("thinking", "signature", "g1:QUE="), used("a"), used("b")])),
            &["b"],
        ),
        (&AnthropicMessages, messages(json!([thought("redacted_thinking", "data", "g1:QUE="), used("a")])), &[]),
        (&AnthropicMessages, messages(json!([thought("thinking", "signature", "EqQB"), used("c")])), &["c"]),
        (&OpenAiCompletions, json!({ "model": "m", "prompt": "x" }), &[]),
    ] {
        let request = request.to_string();
        let accepted = protocol.accept(request.as_bytes().into()).unwrap();
        assert_eq!(accepted.unsigned_calls(), expected, "{request}");
    }
}

#[test]
fn an_answer_is_held_against_the_clients_schema() {
    let schema = json!({ "type": "object", "properties": { "a": { "type": "integer" } }, "required": ["a"] });
    let request = |schema: &Value| {
        [
            (
                &OpenAiChat as &dyn Protocol,
                json!({ "model": "m", "messages": [{ "role": "user", "content": "x" }], "response_format": { "type": "json_schema", "json_schema": { "name": "n", "schema": schema } } }),
            ),
            (
                &OpenAiResponses,
                json!({ "model": "m", "input": "x", "text": { "format": { "type": "json_schema", "name": "n", "schema": schema } } }),
            ),
            (
                &AnthropicMessages,
                json!({ "model": "m", "max_tokens": 9, "messages": [{ "role": "user", "content": "x" }], "output_config": { "format": { "type": "json_schema", "schema": schema } } }),
            ),
        ]
    };
    let answered = |protocol: &dyn Protocol, request: &Value, check_json: bool, part: Value| {
        let request = request.to_string();
        let accepted = protocol.accept(request.as_bytes().into()).unwrap();
        let answer = json!({ "candidates": [{ "content": { "parts": [part] }, "finishReason": "STOP" }] });
        accepted.reply(AnswerContext { check_json, ..stamp("m") }).whole(answer.to_string().as_bytes())
    };
    for (protocol, request) in request(&schema) {
        let said = |check, text: &str| answered(protocol, &request, check, json!({ "text": text }));
        assert!(said(true, r#"{"a":1}"#).is_ok(), "{}", protocol.name());
        for wrong in [r#"{"a":"1"}"#, "I would say 1."] {
            assert!(said(false, wrong).is_ok(), "{}: nobody asked", protocol.name());
            let fault = said(true, wrong).unwrap_err();
            // The model's fault: another attempt may do better.
            assert_eq!((fault.kind, fault.blame), (Kind::BrokenAnswer, Blame::Model), "{}: {wrong}", protocol.name());
        }
        let call = json!({ "functionCall": { "name": "f", "args": {} } });
        assert!(answered(protocol, &request, true, call).is_ok(), "{}: a call is not an answer yet", protocol.name());
    }
    for (protocol, request) in request(&json!({ "type": "nonsense" })) {
        let said = answered(protocol, &request, true, json!({ "text": "{}" }));
        assert!(said.is_ok(), "{}: a schema that is none holds nothing", protocol.name());
    }
}

#[test]
fn nothing_is_said_about_thinking_once_that_was_refused() {
    let hi = json!([{ "role": "user", "content": "hi" }]);
    let sound = json!({ "filename": "a.mp3", "content_type": "audio/mpeg", "data": "SUQz" });
    for (protocol, request, lost) in [
        (
            &OpenAiChat as &dyn Protocol,
            json!({ "model": "m", "messages": hi, "reasoning_effort": "low" }),
            Some("reasoning_effort"),
        ),
        (&OpenAiResponses, json!({ "model": "m", "input": "hi", "reasoning": { "effort": "low" } }), Some("reasoning")),
        (
            &AnthropicMessages,
            json!({ "model": "m", "max_tokens": 9, "messages": hi, "thinking": { "type": "adaptive" } }),
            Some("thinking"),
        ),
        (&OpenAiTranscriptions::Transcriptions, json!({ "model": "m", "file": sound }), None),
    ] {
        let request = request.to_string();
        let accepted = protocol.accept(request.as_bytes().into()).unwrap();
        for no_thinking in [false, true] {
            let notes = Notes::on();
            let target = Target {
                model: &model("gemini-3.8-flash"),
                signatures: &Signatures::default(),
                files: &Files::Refused,
                earlier: None,
                remedies: Remedies { no_thinking, ..Remedies::default() },
                notes: &notes,
            };
            let call = parsed(&accepted.call(&target).unwrap());
            let thinks = call.pointer("/generationConfig/thinkingConfig").is_some();
            assert_eq!(thinks, !no_thinking, "{}: {call}", protocol.name());
            let found = notes.into_list().into_iter().find(|note| note.loss).map(|note| note.field);
            assert_eq!(found.as_deref(), lost.filter(|_| no_thinking), "{}", protocol.name());
        }
    }
}
