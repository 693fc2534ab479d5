//! End-to-end tests of `/v1/responses`.

use std::collections::BTreeMap;

use gemini_adapter::protocol::Protocol;
use gemini_adapter::protocol::openai_responses::OpenAiResponses;
use serde_json::{Value, json};

use crate::golden::stamp;
use crate::harness::{CLIENT_KEY, Reply, Server};
use crate::messages::covers;

const KEYS: &[&str] = &["gemini-key-one-0000000000"];
const OTHER_CLIENT: &str = "other-client-key-000000000";

async fn send(server: &Server, body: &Value) -> Reply {
    server.request("POST", "/v1/responses", Some(CLIENT_KEY), Some(body.to_string())).await
}

fn asking(text: &str) -> Value {
    json!({ "model": "gemini-3.8-flash", "input": text })
}

fn words(response: &Value) -> String {
    let items = response["output"].as_array().unwrap_or_else(|| panic!("{response}")).iter();
    items.filter_map(|item| item["content"][0]["text"].as_str()).collect()
}

/// The events of a stream: numbered without gaps, and named by their type.
fn events(text: &str) -> Vec<Value> {
    let read = |(number, event): (usize, &str)| {
        let (name, data) = event.split_once('\n').unwrap();
        let data: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
        assert_eq!(name.strip_prefix("event: "), data["type"].as_str(), "{event}");
        assert_eq!(data["sequence_number"], number, "{event}");
        data
    };
    text.split("\n\n").filter(|event| !event.is_empty()).enumerate().map(read).collect()
}

/// The response that a client puts together from the pieces of a stream; each piece that is told done must say what came before.
pub fn gathered(text: &str) -> Value {
    let (mut items, mut last) = (Vec::<Value>::new(), Value::Null);
    let mut said = String::new();
    for event in events(text) {
        let kind = event["type"].as_str().unwrap().trim_start_matches("response.").to_owned();
        match kind.as_str() {
            "output_item.added" => {
                assert_eq!(event["output_index"], items.len(), "items come one after another");
                said.clear();
            }
            "output_item.done" => items.push(event["item"].clone()),
            "created" | "in_progress" | "output_text.annotation.added" => {}
            kind if kind.starts_with("web_search_call.") => {}
            "completed" | "incomplete" => last = event["response"].clone(),
            kind if kind.ends_with("part.added") => said.clear(),
            kind if kind.ends_with(".delta") => said.push_str(event["delta"].as_str().unwrap()),
            kind if kind.ends_with("part.done") => {
                let part = &event["part"];
                assert_eq!(part["text"].as_str().or(part["refusal"].as_str()), Some(said.as_str()), "{event}");
            }
            kind if kind.ends_with(".done") => {
                let whole = ["text", "refusal", "arguments", "input"].iter().find_map(|field| event[*field].as_str());
                assert_eq!(whole, Some(said.as_str()), "{event}");
            }
            other => panic!("{other}"),
        }
    }
    assert_eq!(last["output"], Value::Array(items), "the last event holds all items");
    last
}

#[tokio::test]
async fn whole_and_streamed() {
    let server = Server::start(KEYS).await;
    let whole = send(&server, &asking("Grüße, 世界")).await;
    assert_eq!(whole.status, 200, "{}", whole.text);
    let response = whole.json();
    assert_eq!((response["object"].as_str(), response["status"].as_str()), (Some("response"), Some("completed")));
    assert_eq!(words(&response), "You said: Grüße, 世界");
    let mut asked = asking("Grüße, 世界");
    asked["stream"] = json!(true);
    let streamed = send(&server, &asked).await;
    assert_eq!(words(&gathered(&streamed.text)), "You said: Grüße, 世界");
    assert!(!streamed.text.contains("[DONE]"));
}

#[tokio::test]
async fn an_answer_is_kept_for_its_client_alone() {
    let config =
        format!("{}[auth]\nclient_keys = [{CLIENT_KEY:?}, {OTHER_CLIENT:?}]\n", crate::harness::with_keys(KEYS));
    let server = Server::configured(&config, &[]).await;
    let first = send(&server, &asking("one")).await.json();
    let id = first["id"].as_str().unwrap();
    let next = json!({ "model": "gemini-3.8-flash", "input": "two", "previous_response_id": id, "stream": true });
    let second = gathered(&send(&server, &next).await.text);
    let sent = server.simulator.arrivals().last().unwrap().body.clone();
    let texts: Vec<&str> =
        sent["contents"].as_array().unwrap().iter().map(|turn| turn["parts"][0]["text"].as_str().unwrap()).collect();
    assert_eq!(texts, ["one", "You said: one", "two"]);
    let second = second["id"].as_str().unwrap();

    assert_eq!(server.get(&format!("/v1/responses/{id}")).await.json(), first);
    let items = server.get(&format!("/v1/responses/{second}/input_items?order=asc&limit=2")).await.json();
    assert_eq!((items["data"].as_array().unwrap().len(), items["has_more"].as_bool()), (2, Some(true)));
    assert_eq!(items["data"][0]["content"][0]["text"], "one");

    let path = format!("/v1/responses/{id}");
    for method in ["GET", "DELETE"] {
        let theirs = server.request(method, &path, Some(OTHER_CLIENT), None).await;
        assert_eq!((theirs.status, theirs.error()["type"].as_str()), (404, Some("invalid_request_error")));
    }
    let theirs = server.request("POST", "/v1/responses", Some(OTHER_CLIENT), Some(next.to_string())).await;
    assert_eq!(theirs.error()["code"], "previous_response_not_found");

    assert_eq!(server.request("DELETE", &path, Some(CLIENT_KEY), None).await.json()["deleted"], true);
    assert_eq!(server.get(&path).await.status, 404);
}

/// Some clients send only the ids of what they were answered, in each request of a long conversation.
#[tokio::test]
async fn items_are_referred_to() {
    let server = Server::start(KEYS).await;
    let mut input = vec![json!({ "role": "user", "content": "one" })];
    for said in ["two", "three"] {
        let answer = send(&server, &json!({ "model": "gemini-3.8-flash", "input": input })).await.json();
        let ids = answer["output"].as_array().unwrap_or_else(|| panic!("{answer}")).iter();
        input.extend(ids.map(|item| json!({ "type": "item_reference", "id": item["id"] })));
        input.push(json!({ "role": "user", "content": said }));
    }
    let asked = json!({ "model": "gemini-3.8-flash", "input": input });
    assert_eq!(words(&send(&server, &asked).await.json()), "You said: three");
    let sent = server.simulator.arrivals().last().unwrap().body.clone();
    let texts: Vec<&str> =
        sent["contents"].as_array().unwrap().iter().map(|turn| turn["parts"][0]["text"].as_str().unwrap()).collect();
    assert_eq!(texts, ["one", "You said: one", "two", "You said: two", "three"]);

    let config = format!("{}[auth]\nclient_keys = [{CLIENT_KEY:?}]\n", crate::harness::with_keys(KEYS));
    let elsewhere = send(&Server::configured(&config, &[]).await, &asked).await;
    assert_eq!((elsewhere.status, elsewhere.error()["param"].as_str()), (400, Some("input[1]")));
}

#[tokio::test]
async fn what_is_not_to_be_kept_is_not() {
    let server = Server::start(KEYS).await;
    let mut asked = asking("x");
    asked["store"] = json!(false);
    let id = send(&server, &asked).await.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(server.get(&format!("/v1/responses/{id}")).await.status, 404);
}

/// Three turns with calls: the whole conversation each time with signatures, without them, and going on from what is kept.
#[tokio::test]
async fn a_tool_loop_over_three_turns() {
    let server = Server::start(KEYS).await;
    let schema = json!({ "type": "object", "properties": { "city": { "type": "string" } }, "required": ["city"] });
    let tool = json!({ "type": "function", "name": "weather", "parameters": schema });
    for (goes_on, carries) in [(false, true), (false, false), (true, false)] {
        let user = json!({ "role": "user", "content": "[[sim:tool steps=3]] go" });
        let mut asked = json!({ "model": "gemini-3.8-flash", "input": [user], "tools": [tool], "store": goes_on });
        if carries {
            asked["include"] = json!(["reasoning.encrypted_content"]);
        }
        let mut calls = 0;
        loop {
            let response = send(&server, &asked).await.json();
            let output = response["output"].as_array().unwrap_or_else(|| panic!("{response}")).clone();
            let called = output.iter().filter(|item| item["type"] == "function_call");
            let results: Vec<Value> = called
                .map(|call| json!({ "type": "function_call_output", "call_id": call["call_id"], "output": "21" }))
                .collect();
            if results.is_empty() {
                break;
            }
            calls += results.len();
            assert_eq!(carries, output.iter().any(|item| item["encrypted_content"].is_string()), "{output:?}");
            if goes_on {
                asked["previous_response_id"] = response["id"].clone();
                asked["input"] = Value::Array(results);
            } else {
                asked["input"].as_array_mut().unwrap().extend(output.into_iter().chain(results));
            }
        }
        assert_eq!(calls, 3);
    }
}

#[tokio::test]
async fn a_stream_that_breaks_ends_as_failed() {
    let server = Server::start(KEYS).await;
    let mut asked = asking("[[sim:mid_error]] a text in more than one piece");
    asked["stream"] = json!(true);
    let broken = events(&send(&server, &asked).await.text);
    let last = broken.last().unwrap();
    assert_eq!((last["type"].as_str(), last["response"]["status"].as_str()), (Some("response.failed"), Some("failed")));
}

/// Each event of ours has the fields of recorded ones of its kind, and no kind is unknown there.
#[test]
fn events_have_the_shape_of_recorded_ones() {
    let Some(recorded) = crate::corpus::recordings_of("openai") else { return };
    let mut known: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for (_, case) in recorded {
        for event in case["response"]["sse"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if let Ok(event) = serde_json::from_str::<Value>(event) {
                known.entry(kind_of(&event)).or_default().push(event);
            }
        }
    }
    let request = br#"{"model":"m","stream":true,"input":"x","tools":[{"type":"function","name":"f"},{"type":"web_search"}],"include":["web_search_call.action.sources"]}"#;
    let accepted = OpenAiResponses.accept((&request[..]).into()).unwrap();
    let mut reply = accepted.reply(stamp("m"));
    let parts = json!([{ "functionCall": { "name": "f", "args": { "a": 1 } } }, { "text": "so" }]);
    let sources = json!({ "webSearchQueries": ["q"], "groundingChunks": [{ "web": { "uri": "u", "title": "t" } }] });
    let answer = json!({ "candidates": [{ "content": { "parts": parts }, "finishReason": "STOP", "groundingMetadata": sources }] });
    let mut out = Vec::new();
    reply.event(answer.to_string().as_bytes(), &mut out).unwrap();
    reply.end(&mut out).unwrap();
    let ours = events(std::str::from_utf8(&out).unwrap());
    assert!(ours.len() > 10);
    for event in ours {
        let kind = kind_of(&event);
        let examples = known.get(&kind).unwrap_or_else(|| panic!("no recorded event is a {kind}"));
        assert!(examples.iter().any(|example| covers(&event, example)), "{kind}: {event}\n{}", examples[0]);
    }
}

fn kind_of(event: &Value) -> String {
    let inner = event["item"]["type"].as_str().or(event["part"]["type"].as_str()).unwrap_or_default();
    format!("{} {inner}", event["type"].as_str().unwrap_or_default())
}
