//! OpenAI's endpoints besides chat: embeddings, images, speech and transcriptions.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::harness::{CLIENT_KEY, Reply, Server, with_keys};

const KEYS: &[&str] = &["gemini-key-one-0000000000", "gemini-key-two-0000000000"];
const INVALID: &str = "gemini-key-invalid-000000";
/// The beginning of a PNG.
const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\n";

async fn post(server: &Server, path: &str, body: Value) -> Reply {
    server.request("POST", path, Some(CLIENT_KEY), Some(body.to_string())).await
}

enum Field<'a> {
    Text(&'a str, &'a str),
    File(&'a str, &'a str, &'a str, &'a [u8]),
}

async fn form(server: &Server, path: &str, fields: &[Field<'_>]) -> (u16, String, String) {
    let mut body = Vec::new();
    for field in fields {
        let (head, value) = match field {
            Field::Text(name, value) => (format!("name=\"{name}\""), value.as_bytes()),
            Field::File(name, file, kind, value) => {
                (format!("name=\"{name}\"; filename=\"{file}\"\r\nContent-Type: {kind}"), *value)
            }
        };
        body.extend(format!("--edge\r\nContent-Disposition: form-data; {head}\r\n\r\n").into_bytes());
        body.extend_from_slice(value);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--edge--\r\n");
    let request = reqwest::Client::new().post(format!("{}{path}", server.url));
    let request = request.bearer_auth(CLIENT_KEY).header("content-type", "multipart/form-data; boundary=edge");
    let response = request.body(body).send().await.unwrap();
    let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
    (response.status().as_u16(), kind, response.text().await.unwrap())
}

fn floats(embedding: &Value) -> Vec<f32> {
    serde_json::from_value(embedding.clone()).unwrap()
}

#[tokio::test]
async fn vectors_as_numbers_and_as_base64() {
    let server = Server::start(KEYS).await;
    for dimensions in [768, 3072] {
        let ask = |format: &str| json!({ "model": "text-embedding-3-small", "input": ["a", "é"], "dimensions": dimensions, "encoding_format": format });
        let numbers = post(&server, "/v1/embeddings", ask("float")).await.json();
        let texts = post(&server, "/v1/embeddings", ask("base64")).await.json();
        assert_eq!(numbers["model"], "text-embedding-3-small");
        for index in 0..2 {
            let vector = floats(&numbers["data"][index]["embedding"]);
            let bytes = STANDARD.decode(texts["data"][index]["embedding"].as_str().unwrap()).unwrap();
            let read: Vec<f32> = bytes.chunks(4).map(|chunk| f32::from_le_bytes(chunk.try_into().unwrap())).collect();
            assert_eq!((vector.len(), &vector), (dimensions, &read));
            let length: f64 = vector.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
            assert!((length - 1.0).abs() < 1e-5, "{length}");
        }
        assert!(numbers["usage"]["prompt_tokens"].as_u64().unwrap() > 0);
        assert_eq!(numbers["usage"]["prompt_tokens"], numbers["usage"]["total_tokens"]);
    }
}

#[tokio::test]
async fn many_texts_are_shared_out_and_keep_their_order() {
    let server = Server::start(&[KEYS[0], KEYS[1], INVALID]).await;
    let texts: Vec<String> = (0..250).map(|number| format!("text {number}")).collect();
    let all =
        post(&server, "/v1/embeddings", json!({ "model": "gemini-embedding-2", "input": texts, "dimensions": 8 }));
    let all = all.await.json();
    let data = all["data"].as_array().unwrap();
    assert_eq!(data.len(), 250);
    for number in [0, 99, 100, 199, 200, 249] {
        assert_eq!(data[number]["index"], number);
        let one = json!({ "model": "gemini-embedding-2", "input": texts[number], "dimensions": 8 });
        let one = post(&server, "/v1/embeddings", one).await.json();
        assert_eq!(one["data"][0]["embedding"], data[number]["embedding"], "{number}");
    }
    let sizes: Vec<usize> = (server.simulator.arrivals().iter())
        .filter(|arrival| arrival.status == 200)
        .map(|arrival| arrival.body["requests"].as_array().unwrap().len())
        .take(3)
        .collect();
    assert_eq!(sizes.iter().sum::<usize>(), 250, "{sizes:?}");
    assert!(all["usage"]["prompt_tokens"].as_u64().unwrap() >= 250, "the shares' usage is summed");
    let stats = server.get("/stats").await.json();
    assert_eq!(stats["requests"]["answered"], 7, "a request is told once, however many calls it takes");
}

#[tokio::test]
async fn texts_that_are_none() {
    let server = Server::start(KEYS).await;
    let too_many: Vec<&str> = vec!["x"; 2049];
    for (input, param) in [
        (json!(""), "input"),
        (json!(["a", ""]), "input[1]"),
        (json!([]), "input"),
        (json!([15339]), "input"),
        (json!([[15339, 7]]), "input"),
        (json!(["a", null]), "input[1]"),
        (json!({ "text": "a" }), "input"),
        (json!(too_many), "input"),
        (Value::Null, "input"),
    ] {
        let reply = post(&server, "/v1/embeddings", json!({ "model": "gemini-embedding-001", "input": input })).await;
        assert_eq!((reply.status, reply.error()["param"].as_str()), (400, Some(param)), "{}", reply.text);
    }
    for (extra, param) in [
        (json!({ "encoding_format": "int8" }), "encoding_format"),
        (json!({ "dimensions": 0 }), "dimensions"),
        (json!({ "model": "gemini-2.5-flash" }), "model"),
    ] {
        let mut body = json!({ "model": "gemini-embedding-001", "input": "a" });
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let reply = post(&server, "/v1/embeddings", body).await;
        assert_eq!((reply.status, reply.error()["param"].as_str()), (400, Some(param)), "{}", reply.text);
    }
    assert!(server.simulator.arrivals().is_empty(), "nothing that is wrong reached Google");
}

#[tokio::test]
async fn pictures_from_a_prompt() {
    let server = Server::start(KEYS).await;
    for (model, method) in [
        ("gpt-image-1", "generateContent"),
        ("gemini-2.5-flash-image", "generateContent"),
        ("imagen-4.0-generate-001", "predict"),
    ] {
        server.simulator.reset();
        let ask = json!({ "model": model, "prompt": "a cat", "n": 3, "size": "1536x1024" });
        let reply = post(&server, "/v1/images/generations", ask).await;
        assert_eq!(reply.status, 200, "{model}: {}", reply.text);
        let answer = reply.json();
        let data = answer["data"].as_array().unwrap();
        assert!(data.len() == 3 && data.iter().all(|image| image["b64_json"].as_str().unwrap().starts_with("iVBOR")));
        assert!(answer["created"].is_u64());
        assert_eq!(answer["usage"].is_object(), method == "generateContent", "Imagen counts no tokens");
        let arrivals = server.simulator.arrivals();
        assert!(arrivals.len() == 3 && arrivals.iter().all(|arrival| arrival.method == method), "{model}");
        let ratio = match method {
            "predict" => &arrivals[0].body["parameters"]["aspectRatio"],
            _ => &arrivals[0].body["generationConfig"]["imageConfig"]["aspectRatio"],
        };
        assert_eq!(ratio, if method == "predict" { "4:3" } else { "3:2" });
    }
    let url = json!({ "model": "dall-e-3", "prompt": "a cat", "response_format": "url" });
    let url = post(&server, "/v1/images/generations", url).await.json();
    assert!(url["data"][0]["url"].as_str().unwrap().starts_with("data:image/png;base64,iVBOR"));
}

#[tokio::test]
async fn pictures_that_are_held_back() {
    let server = Server::start(KEYS).await;
    for (model, prompt, code) in [
        ("gemini-3.1-flash-image", "[[sim:safety]]", json!("moderation_blocked")),
        ("gemini-3.1-flash-image", "[[sim:blocked]]", json!("moderation_blocked")),
        ("imagen-4.0-generate-001", "[[sim:safety]]", json!("moderation_blocked")),
        ("gemini-3.1-flash-image", "[[sim:text]] no picture", Value::Null),
    ] {
        server.simulator.reset();
        let ask = json!({ "model": model, "prompt": prompt });
        let reply = post(&server, "/v1/images/generations", ask).await;
        assert_eq!((reply.status, &reply.error()["code"]), (400, &code), "{prompt}: {}", reply.text);
        assert_eq!(server.simulator.arrivals().len(), 1, "{prompt}: tried again");
    }
}

#[tokio::test]
async fn pictures_after_others() {
    let server = Server::start(KEYS).await;
    let (status, _, text) = form(
        &server,
        "/v1/images/edits",
        &[
            Field::Text("model", "gpt-image-1"),
            Field::Text("prompt", "more cat"),
            Field::Text("n", "2"),
            Field::File("image[]", "a.png", "image/png", PICTURE),
            Field::File("image[]", "b", "application/octet-stream", PICTURE),
        ],
    )
    .await;
    assert_eq!(status, 200, "{text}");
    let answer: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(answer["data"].as_array().unwrap().len(), 2);
    let parts = server.simulator.arrivals()[0].body["contents"][0]["parts"].clone();
    let picture = json!({ "inlineData": { "mimeType": "image/png", "data": STANDARD.encode(PICTURE) } });
    assert_eq!(parts, json!([picture, picture, { "text": "more cat" }]));
}

#[tokio::test]
async fn picture_requests_that_are_wrong() {
    let server = Server::start(KEYS).await;
    let model = Field::Text("model", "gpt-image-1");
    let prompt = Field::Text("prompt", "x");
    for (fields, param) in [
        (vec![&model, &prompt], "image"),
        (vec![&model, &Field::File("image", "a.png", "image/png", PICTURE)], "prompt"),
        (vec![&model, &prompt, &Field::File("image", "a.gif", "image/gif", b"GIF")], "image"),
        (vec![&model, &prompt, &Field::File("image", "a.txt", "text/plain", b"hi")], "image"),
        (vec![&model, &prompt, &Field::File("image", "a.png", "image/png", b"")], "image"),
        (vec![&model, &prompt, &Field::Text("image", "no file")], "image"),
        (vec![&model, &prompt, &Field::Text("n", "11"), &Field::File("image", "a.png", "image/png", PICTURE)], "n"),
        (vec![&model, &prompt, &Field::Text("n", "two"), &Field::File("image", "a.png", "image/png", PICTURE)], "n"),
        (
            vec![
                &model,
                &prompt,
                &Field::File("image", "a.png", "image/png", PICTURE),
                &Field::File("mask", "m.png", "image/png", PICTURE),
            ],
            "mask",
        ),
    ] {
        let fields: Vec<Field<'_>> = fields
            .into_iter()
            .map(|field| match field {
                Field::Text(name, value) => Field::Text(name, value),
                Field::File(name, file, kind, value) => Field::File(name, file, kind, value),
            })
            .collect();
        let (status, _, text) = form(&server, "/v1/images/edits", &fields).await;
        let error: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((status, error["error"]["param"].as_str()), (400, Some(param)), "{text}");
    }
    for (extra, param) in [
        (json!({ "size": "huge" }), "size"),
        (json!({ "response_format": "png" }), "response_format"),
        (json!({ "stream": true }), "stream"),
        (json!({ "model": "gemini-2.5-flash" }), "model"),
    ] {
        let mut body = json!({ "model": "gpt-image-1", "prompt": "x" });
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let reply = post(&server, "/v1/images/generations", body).await;
        assert_eq!((reply.status, reply.error()["param"].as_str()), (400, Some(param)), "{}", reply.text);
    }
    assert!(server.simulator.arrivals().is_empty(), "nothing that is wrong reached Google");
}

/// The bytes of an answer.
async fn speech(server: &Server, body: Value) -> (u16, String, Vec<u8>) {
    let request = reqwest::Client::new().post(format!("{}/v1/audio/speech", server.url)).bearer_auth(CLIENT_KEY);
    let response = request.body(body.to_string()).send().await.unwrap();
    let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
    (response.status().as_u16(), kind, response.bytes().await.unwrap().to_vec())
}

#[tokio::test]
async fn a_text_read_aloud() {
    let server = Server::start(KEYS).await;
    for model in ["gpt-4o-mini-tts", "tts-1", "gemini-2.5-flash-preview-tts"] {
        let ask = |format: &str| json!({ "model": model, "input": "Hello, world!", "voice": "alloy", "instructions": "Kindly", "response_format": format });
        let (status, kind, file) = speech(&server, ask("wav")).await;
        assert_eq!((status, &*kind), (200, "audio/wav"));
        let (status, kind, samples) = speech(&server, ask("pcm")).await;
        assert_eq!((status, &*kind), (200, "audio/pcm"));
        assert_eq!(file[44..], samples, "{model}: the file holds the very samples");
        assert_eq!(file[4..8], u32::try_from(file.len() - 8).unwrap().to_le_bytes());
        assert_eq!(file[40..44], u32::try_from(samples.len()).unwrap().to_le_bytes());
        assert_eq!((&file[..4], &file[24..28]), (&b"RIFF"[..], &24_000u32.to_le_bytes()[..]));
    }
    let body = &server.simulator.arrivals()[0].body;
    assert_eq!(body["contents"][0]["parts"][0]["text"], "Kindly: Hello, world!");
    let voice = &body["generationConfig"]["speechConfig"]["voiceConfig"]["prebuiltVoiceConfig"]["voiceName"];
    assert_eq!(voice, "Kore");
}

#[tokio::test]
async fn speech_as_events_holds_the_same_sound() {
    let server = Server::start(KEYS).await;
    let ask = |extra: Value| {
        let mut body = json!({ "model": "tts-1", "input": "Hello", "voice": "Puck", "response_format": "pcm" });
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        body
    };
    let (_, _, samples) = speech(&server, ask(json!({}))).await;
    let reply = post(&server, "/v1/audio/speech", ask(json!({ "stream_format": "sse" }))).await;
    let (events, _) = reply.events();
    let (last, deltas) = events.split_last().unwrap();
    assert!(deltas.len() > 1 && deltas.iter().all(|event| event["type"] == "speech.audio.delta"));
    let sound: Vec<u8> =
        deltas.iter().flat_map(|event| STANDARD.decode(event["audio"].as_str().unwrap()).unwrap()).collect();
    assert_eq!(sound, samples);
    assert_eq!(last["type"], "speech.audio.done");
    assert!(last["usage"]["total_tokens"].as_u64().unwrap() > 0);
}

/// Half a sound must not pass for the whole.
#[tokio::test]
async fn a_sound_that_breaks_off_breaks_the_connection() {
    let server = Server::start(KEYS).await;
    for scenario in ["eof after=2", "reset after=2", "mid_error after=2"] {
        let input = format!("[[sim:{scenario}]] Hello, world!");
        let ask = json!({ "model": "tts-1", "input": input, "voice": "nova", "response_format": "pcm" });
        let request = reqwest::Client::new().post(format!("{}/v1/audio/speech", server.url)).bearer_auth(CLIENT_KEY);
        let response = request.body(ask.to_string()).send().await.unwrap();
        assert_eq!(response.status(), 200, "{scenario}");
        assert!(response.bytes().await.is_err(), "{scenario}: it looks whole");
    }
}

#[tokio::test]
async fn speech_requests_that_are_wrong() {
    let server = Server::start(KEYS).await;
    for (extra, param) in [
        (json!({ "input": " " }), "input"),
        (json!({ "voice": null }), "voice"),
        (json!({ "voice": "no such/voice" }), "voice"),
        (json!({ "response_format": "mp3" }), "response_format"),
        (json!({ "response_format": "midi" }), "response_format"),
        (json!({ "stream_format": "smoke" }), "stream_format"),
        (json!({ "model": "gemini-2.5-flash" }), "model"),
    ] {
        let mut body = json!({ "model": "tts-1", "input": "Hello", "voice": "alloy" });
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let reply = post(&server, "/v1/audio/speech", body).await;
        assert_eq!((reply.status, reply.error()["param"].as_str()), (400, Some(param)), "{}", reply.text);
    }
    assert!(server.simulator.arrivals().is_empty(), "nothing that is wrong reached Google");
}

const SOUND: Field<'_> = Field::File("file", "hello.mp3", "audio/mpeg", b"ID3sound");

#[tokio::test]
async fn a_sound_written_down() {
    let server = Server::start(KEYS).await;
    for (format, kind, begin) in [
        ("json", "application/json", "{\"text\":\"You said: Transcribe"),
        ("text", "text/plain; charset=utf-8", "You said: Transcribe"),
        ("verbose_json", "application/json", "{\"task\":\"transcribe\",\"language\":\"text\",\"duration\":1.5"),
        ("srt", "text/plain; charset=utf-8", "1\n00:00:01,500 --> 00:00:01,500\ntext\n"),
        ("vtt", "text/vtt; charset=utf-8", "WEBVTT\n\n00:00:01.500 --> 00:00:01.500\ntext\n"),
    ] {
        let fields = [Field::Text("model", "whisper-1"), SOUND, Field::Text("response_format", format)];
        let (status, found, text) = form(&server, "/v1/audio/transcriptions", &fields).await;
        assert_eq!((status, &*found), (200, kind), "{format}: {text}");
        assert!(text.starts_with(begin), "{format}: {text}");
    }
    let parts = &server.simulator.arrivals()[0].body["contents"][0]["parts"];
    assert_eq!(parts[0]["inlineData"], json!({ "mimeType": "audio/mpeg", "data": STANDARD.encode("ID3sound") }));
    let (_, _, text) = form(
        &server,
        "/v1/audio/translations",
        &[Field::Text("model", "whisper-1"), SOUND, Field::Text("prompt", "Zürich")],
    )
    .await;
    assert!(text.contains("Translate") && text.contains("English") && text.contains("Zürich"), "{text}");
}

#[tokio::test]
async fn a_sound_written_down_piece_by_piece() {
    let server = Server::start(KEYS).await;
    let ask = |stream: &'static str| [Field::Text("model", "gpt-4o-transcribe"), SOUND, Field::Text("stream", stream)];
    let (_, _, whole) = form(&server, "/v1/audio/transcriptions", &ask("false")).await;
    let (status, kind, text) = form(&server, "/v1/audio/transcriptions", &ask("true")).await;
    assert_eq!((status, &*kind), (200, "text/event-stream; charset=utf-8"));
    let events: Vec<Value> = (text.split("\n\n").filter_map(|event| event.strip_prefix("data: ")))
        .map(|event| serde_json::from_str(event).unwrap())
        .collect();
    let (last, deltas) = events.split_last().unwrap();
    let said: String = deltas.iter().map(|event| event["delta"].as_str().unwrap()).collect();
    let whole: Value = serde_json::from_str(&whole).unwrap();
    assert_eq!((last["type"].as_str(), &last["text"]), (Some("transcript.text.done"), &json!(said)));
    assert_eq!((&whole["text"], &whole["usage"]), (&last["text"], &last["usage"]));
}

#[tokio::test]
async fn sounds_that_are_none() {
    let server = Server::start(KEYS).await;
    let model = || Field::Text("model", "whisper-1");
    for (fields, param) in [
        (vec![model()], "file"),
        (vec![model(), Field::Text("file", "hello")], "file"),
        (vec![model(), Field::File("file", "a.png", "image/png", PICTURE)], "file"),
        (vec![model(), Field::File("file", "a.mp3", "audio/mpeg", b"")], "file"),
        (vec![model(), SOUND, Field::Text("response_format", "pdf")], "response_format"),
        (vec![model(), SOUND, Field::Text("timestamp_granularities[]", "word")], "timestamp_granularities"),
        (vec![model(), SOUND, Field::Text("temperature", "9")], "temperature"),
        (vec![model(), SOUND, Field::Text("stream", "true"), Field::Text("response_format", "srt")], "response_format"),
        (vec![SOUND], "model"),
    ] {
        let (status, _, text) = form(&server, "/v1/audio/transcriptions", &fields).await;
        let error: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((status, error["error"]["param"].as_str()), (400, Some(param)), "{text}");
    }
    assert!(server.simulator.arrivals().is_empty(), "nothing that is wrong reached Google");
}

#[tokio::test]
async fn a_client_that_wants_nothing_lost_is_told() {
    let config =
        format!("{}[auth]\nclient_keys = [{{ key = \"{CLIENT_KEY}\", fidelity = \"strict\" }}]\n", with_keys(KEYS));
    let server = Server::configured(&config, &[]).await;
    for (path, body, field) in [
        ("/v1/embeddings", json!({ "model": "text-embedding-3-small", "input": "a", "colour": 1 }), "colour"),
        (
            "/v1/images/generations",
            json!({ "model": "gpt-image-1", "prompt": "a", "background": "transparent" }),
            "background",
        ),
        ("/v1/images/generations", json!({ "model": "gpt-image-1", "prompt": "a", "size": "1000x999" }), "size"),
        (
            "/v1/audio/speech",
            json!({ "model": "tts-1", "input": "a", "voice": "alloy", "response_format": "wav", "speed": 2 }),
            "speed",
        ),
        ("/v1/audio/speech", json!({ "model": "tts-1", "input": "a", "voice": "alloy" }), "response_format"),
    ] {
        let reply = post(&server, path, body).await;
        let error = reply.error();
        assert_eq!((reply.status, error["param"].as_str()), (400, Some(field)), "{}", reply.text);
        assert_eq!(error["code"], "fidelity_strict");
    }
    let plain = json!({ "model": "text-embedding-3-small", "input": "a", "user": "u", "encoding_format": "float" });
    assert_eq!(post(&server, "/v1/embeddings", plain).await.status, 200);
}
