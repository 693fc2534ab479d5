//! The doors of the stand-in, and the way of a request through it.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Path, RawQuery, State as Shared};
use axum::http::{HeaderMap, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use serde_json::{Value, json};

use super::arrivals::{Arrival, Arrivals};
use super::failure::{Failure, failure, invalid, unknown_model};
use super::replay::{self, Recorded};
use super::scenario::{Kind, Scenario, prompt};
use super::{Options, answer, keys, rules, shape, transmit};

/// Models it has, as Google lists them.
const MODELS: &[&str] = &[
    "gemini-2.0-flash",
    "gemini-2.5-flash",
    "gemini-2.5-flash-image",
    "gemini-2.5-flash-lite",
    "gemini-2.5-pro",
    "gemini-3-flash-preview",
    "gemini-3.1-flash-lite",
    "gemini-3.1-pro-preview",
    "gemini-3.5-flash",
    "gemini-3.6-flash",
    "gemini-3.8-flash",
    "gemini-flash-latest",
    "gemini-flash-lite-latest",
    "gemini-pro-latest",
    "gemma-4-31b-it",
];

/// What all requests share.
#[derive(Debug)]
pub struct State {
    pub arrivals: Arrivals,
    scenario: Option<Scenario>,
    recorded: HashMap<String, Recorded>,
}

impl State {
    pub fn new(options: Options) -> io::Result<Self> {
        let scenario = match &options.scenario {
            Some(text) => {
                let unknown = || io::Error::other(format!("there is no scenario `{text}`; --help lists them"));
                Some(Scenario::parse(text).ok_or_else(unknown)?)
            }
            None => None,
        };
        let recorded = options.replay.as_deref().map(replay::load).transpose()?.unwrap_or_default();
        Ok(Self { arrivals: Arrivals::default(), scenario, recorded })
    }

    /// The scenario of a request, unless it has happened often enough.
    fn scenario(&self, prompt: &str, key: &str, model: &str) -> Option<Scenario> {
        let scenario = Scenario::of_request(prompt).or_else(|| self.scenario.clone())?;
        match scenario.times() {
            Some(times) if self.arrivals.again(scenario.name, key, model) >= times => None,
            _ => Some(scenario),
        }
    }
}

/// The routes.
pub fn router(state: Arc<State>) -> Router {
    Router::new()
        .route("/v1beta/models", get(list))
        .route("/v1beta/models/{model}", get(one).post(act))
        .route("/v1beta/tunedModels/{model}", post(act))
        .layer(DefaultBodyLimit::max(256 * 1024 * 1024))
        .with_state(state)
}

fn key_of(headers: &HeaderMap) -> Option<&str> {
    headers.get("x-goog-api-key").and_then(|value| value.to_str().ok())
}

fn listed(model: &str) -> Value {
    json!({
        "name": format!("models/{model}"),
        "displayName": model,
        "inputTokenLimit": 1_048_576,
        "outputTokenLimit": 65_536,
        "supportedGenerationMethods": ["generateContent", "countTokens"]
    })
}

async fn list(Shared(state): Shared<Arc<State>>, headers: HeaderMap, RawQuery(query): RawQuery) -> Response<Body> {
    let key = match keys::check(key_of(&headers), query.as_deref(), "") {
        Ok(key) => key,
        // Listing spends no quota.
        Err(failure) if failure.status == 429 => key_of(&headers).unwrap_or_default().to_owned(),
        Err(failure) => return transmit::failed(&failure, false, false),
    };
    let arrival = Arrival { key, model: String::new(), method: "models".into(), body: Value::Null.into(), status: 200 };
    state.arrivals.add(arrival);
    let query = query.unwrap_or_default();
    let value = |name: &str| {
        query.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name).map(|(_, value)| value)
    };
    let size = value("pageSize").and_then(|size| size.parse().ok()).unwrap_or(50usize).clamp(1, 1000);
    let start: usize = value("pageToken").and_then(|token| token.parse().ok()).unwrap_or(0);
    let page: Vec<Value> = MODELS.iter().skip(start).take(size).map(|model| listed(model)).collect();
    let mut answer = json!({ "models": page });
    if start + size < MODELS.len() {
        answer["nextPageToken"] = json!((start + size).to_string());
    }
    transmit::document(&answer)
}

async fn one(headers: HeaderMap, RawQuery(query): RawQuery, Path(model): Path<String>) -> Response<Body> {
    match keys::check(key_of(&headers), query.as_deref(), &model) {
        Ok(_) if MODELS.contains(&model.as_str()) => transmit::document(&listed(&model)),
        Ok(_) => transmit::failed(&unknown_model(&model), false, false),
        Err(failure) => transmit::failed(&failure, false, false),
    }
}

/// `models/{model}:{method}`.
async fn act(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    Path(path): Path<String>,
    body: Bytes,
) -> Response<Body> {
    let (model, method) = path.split_once(':').unwrap_or((&path, ""));
    let streaming = method == "streamGenerateContent";
    let sse = query.as_deref().is_some_and(|query| query.split('&').any(|pair| pair == "alt=sse"));
    let parsed = serde_json::from_slice::<Value>(&body);
    let arrival = Arrival {
        key: key_of(&headers).unwrap_or_default().to_owned(),
        model: model.to_owned(),
        method: method.to_owned(),
        body: parsed.as_ref().map(Clone::clone).unwrap_or_default().into(),
        status: 200,
    };
    let judged = match &parsed {
        Ok(body) => judge(&state, &headers, query.as_deref(), model, method, body),
        Err(error) => Err((invalid(format!("Invalid JSON payload received. {error}")), false)),
    };
    let status = judged.as_ref().err().map_or(200, |(failure, _)| failure.status);
    state.arrivals.add(Arrival { status, ..arrival });
    match judged {
        Err((failure, page)) => transmit::failed(&failure, streaming, page),
        Ok(Judged::Count(tokens)) => transmit::document(&json!({ "totalTokens": tokens })),
        Ok(Judged::Recorded(recorded)) => {
            transmit::recorded(recorded.status, &recorded.content_type, recorded.body.clone())
        }
        Ok(Judged::Answer { answer, prompt_tokens, scenario }) => {
            let response_id = crate::secret::Digest::of(&String::from_utf8_lossy(&body)).hex(8);
            let about = transmit::About { model, prompt_tokens, response_id };
            if streaming {
                transmit::stream(state.clone(), &answer, &about, scenario.as_ref(), sse)
            } else {
                transmit::whole(&answer, &about, scenario.as_ref()).await
            }
        }
    }
}

/// What a request gets when nothing is wrong with it.
enum Judged {
    Answer { answer: answer::Answer, prompt_tokens: u64, scenario: Option<Scenario> },
    Count(u64),
    Recorded(Recorded),
}

fn judge(
    state: &State,
    headers: &HeaderMap,
    query: Option<&str>,
    model: &str,
    method: &str,
    body: &Value,
) -> Result<Judged, (Failure, bool)> {
    let plain = |failure: Failure| (failure, false);
    let key = keys::check(key_of(headers), query, model).map_err(plain)?;
    let words = prompt(body);
    if let Some(recorded) = replay::wanted(&words).and_then(|name| state.recorded.get(name)) {
        return Ok(Judged::Recorded(recorded.clone()));
    }
    if !MODELS.contains(&model) {
        return Err(plain(unknown_model(model)));
    }
    let prompt_tokens = answer::tokens(&body["contents"].to_string());
    match method {
        "countTokens" => {
            shape::check("CountTokensRequest", body).map_err(plain)?;
            Ok(Judged::Count(prompt_tokens))
        }
        "generateContent" | "streamGenerateContent" => {
            let body = shape::check("GenerateContentRequest", body).map_err(plain)?;
            rules::check(model, &body).map_err(plain)?;
            let scenario = state.scenario(&words, &key, model);
            if let Some(failed) = scenario.as_ref().and_then(|scenario| scenario.failure(model)) {
                return Err(failed);
            }
            let answer = answer::compose(model, &body, &words, scenario.as_ref());
            let scenario = scenario.filter(|scenario| !matches!(scenario.kind, Kind::Fail(_)));
            Ok(Judged::Answer { answer, prompt_tokens, scenario })
        }
        other => Err(plain(failure(404, format!("there is no method `{other}`"), Vec::new()))),
    }
}
