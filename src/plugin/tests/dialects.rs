//! The short names in every protocol.

use serde_json::{Value, json};

use super::*;

/// The same conversation in each protocol: system, user, assistant, and user with a text part.
fn requests() -> Vec<(&'static str, Value)> {
    vec![
        (
            "chat",
            json!({ "model": "m", "messages": [
                { "role": "system", "content": "S" }, { "role": "user", "content": "a" },
                { "role": "assistant", "content": "b" }, { "role": "user", "content": [{ "type": "text", "text": "c" }] },
            ] }),
        ),
        (
            "responses",
            json!({ "model": "m", "instructions": "S", "input": [
                { "role": "user", "content": "a" }, { "role": "assistant", "content": [{ "type": "output_text", "text": "b" }] },
                { "role": "user", "content": [{ "type": "input_text", "text": "c" }] },
            ] }),
        ),
        (
            "messages",
            json!({ "model": "m", "system": [{ "type": "text", "text": "S" }], "messages": [
                { "role": "user", "content": "a" }, { "role": "assistant", "content": "b" },
                { "role": "user", "content": [{ "type": "text", "text": "c" }] },
            ] }),
        ),
        (
            "native",
            json!({ "systemInstruction": { "parts": [{ "text": "S" }] }, "contents": [
                { "role": "user", "parts": [{ "text": "a" }] }, { "role": "model", "parts": [{ "text": "b" }] },
                { "role": "user", "parts": [{ "text": "c" }] },
            ] }),
        ),
    ]
}

fn edit(api: &'static str, code: &str, body: &Value) -> Result<Value, crate::error::Error> {
    let source = format!("fn on_request(ctx) {{ {code} }}");
    let (plugins, problems) = load(&[("p.rhai", &source)], PluginsSettings::default());
    assert!(problems.is_empty(), "{problems}");
    let model = (api == "native").then(|| "m".to_owned());
    let facts = || SessionFacts { id: "id".into(), api, path: "/", model, client: "c".into(), headers: Vec::new() };
    match plugins.session(facts).on_request(Bytes::from(body.to_string()))? {
        Verdict::Continue(body) => Ok(serde_json::from_slice(&body).unwrap()),
        Verdict::Reply(reply) => panic!("{reply:?}"),
    }
}

#[test]
fn names_mean_the_same() {
    let code = r#"
        let said = [];
        for message in ctx.req.messages { if message.role != "system" { said.push(message.role + "=" + message.text); } }
        ctx.req.set("/seen", [ctx.req.system, ctx.req.last_user_text, said.join(" ")]);
    "#;
    for (api, body) in requests() {
        let seen = edit(api, code, &body).unwrap()["seen"].clone();
        assert_eq!(seen, json!(["S", "c", "user=a assistant=b user=c"]), "{api}");
    }
}

#[test]
fn what_is_set_is_there_again() {
    let code = r#"
        ctx.req.system = "T" + ctx.req.system;
        ctx.req.last_user_text += "!";
        let messages = ctx.req.messages;
        messages.push(#{ role: "assistant", text: "d" });
        messages.push(#{ role: "user", text: "e" });
        ctx.req.messages = messages;
        ctx.req.messages[messages.len - 3].text += "?";
        let texts = ctx.req.texts;
        for (text, at) in texts { texts[at] = text.replace("a", "A"); }
        ctx.req.texts = texts;
        ctx.req.set("/seen", [ctx.req.system, ctx.req.last_user_text, ctx.req.texts.join(" ")]);
    "#;
    for (api, body) in requests() {
        let edited = edit(api, code, &body).unwrap();
        assert_eq!(edited["seen"], json!(["TS", "e", "TS A b c!? d e"]), "{api}: {edited}");
    }
}

#[test]
fn what_is_only_read_stays_the_same_bytes() {
    let code = "let m = ctx.req.messages; let t = ctx.req.texts; ctx.req.texts = t; ctx.req.messages = m; ctx.req.system = ctx.req.system; \
                ctx.req.messages[0].text = ctx.req.messages[0].text;";
    for (api, body) in requests() {
        assert_eq!(edit(api, code, &body).unwrap(), body, "{api}");
    }
}

#[test]
fn texts_are_found_however_deep() {
    let chat = json!({ "model": "gpt", "messages": [
        { "role": "assistant", "tool_calls": [{ "id": "call_1", "type": "function", "function": { "name": "f", "arguments": "{\"a\":1}" } }] },
        { "role": "tool", "tool_call_id": "call_1", "content": "result" },
    ], "tools": [{ "type": "function", "function": { "name": "f", "description": "not a text of the conversation" } }] });
    let messages = json!({ "messages": [
        { "role": "assistant", "content": [{ "type": "tool_use", "id": "t", "name": "f", "input": { "a": "deep", "b": ["er"] } }] },
        { "role": "user", "content": [{ "type": "tool_result", "tool_use_id": "t", "content": [{ "type": "text", "text": "result" }] }] },
    ] });
    let native = json!({ "contents": [
        { "role": "model", "parts": [{ "functionCall": { "name": "f", "args": { "a": "deep" } } }] },
        { "role": "user", "parts": [{ "functionResponse": { "name": "f", "response": { "output": "result" } } },
            { "inlineData": { "mimeType": "image/png", "data": "AAAA" } }] },
    ] });
    for (api, body, expected) in [
        ("chat", chat, "{\"a\":1} result"),
        ("messages", messages, "deep er result"),
        ("native", native, "deep result"),
        ("embeddings", json!({ "model": "e", "input": ["one", "two"] }), "one two"),
    ] {
        let edited = edit(api, "ctx.req.set(\"/seen\", ctx.req.texts.join(\" \"));", &body).unwrap();
        assert_eq!(edited["seen"], *expected, "{api}");
    }
}

#[test]
fn no_body_is_too_strange() {
    let codes = [
        "ctx.req.system = \"S\";",
        "ctx.req.last_user_text = \"x\";",
        "let m = ctx.req.messages; ctx.req.messages = [#{ role: \"user\", text: \"x\" }];",
        "for m in ctx.req.messages { m.text = \"x\"; }",
        "ctx.req.texts = ctx.req.texts;",
        "ctx.req.model = ctx.req.model + \"x\";",
    ];
    let bodies = [
        "{}",
        "[]",
        "1",
        "\"x\"",
        "null",
        r#"{"messages":[1,null,"x"],"input":[[]],"contents":[{"parts":1}],"system":7}"#,
    ];
    for api in ["chat", "responses", "messages", "native", "other"] {
        for (code, body) in codes.iter().flat_map(|code| bodies.iter().map(move |body| (code, body))) {
            // Any outcome is fine except a panic, which would surface as another error code.
            if let Err(error) = edit(api, code, &serde_json::from_str(body).unwrap()) {
                assert_eq!(error.code.as_deref(), Some("plugin_error"), "{api} {code} {body}");
            }
        }
    }
}

#[test]
fn one_message_is_replaced_in_its_place() {
    let body = json!({ "model": "m", "input": "a", "z": 1 });
    let edited = edit("responses", "ctx.req.messages[0].text = \"b\";", &body).unwrap();
    assert_eq!(edited.to_string(), r#"{"model":"m","input":[{"role":"user","content":"b"}],"z":1}"#);
    let body = json!({ "messages": [{ "role": "user", "content": "a" }, { "role": "user", "content": "b" }], "z": 1 });
    let edited = edit("chat", "for m in ctx.req.messages { m.text += \"!\"; }", &body).unwrap();
    let expected = r#"{"messages":[{"role":"user","content":"a!"},{"role":"user","content":"b!"}],"z":1}"#;
    assert_eq!(edited.to_string(), expected);
    let gone = "let m = ctx.req.messages; ctx.req.messages = [m[0]]; m[1].text = \"c\";";
    assert_eq!(edit("chat", gone, &body).unwrap_err().code.as_deref(), Some("plugin_error"));
}
