//! The routes of the simulator, and the handling of a request.

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
use super::caches::CACHES;
use super::failure::{Failure, failure, invalid};
use super::files::{FILES, Uploads};
use super::replay::{self, Capsule, Recorded};
use super::scenario::{Kind, Scenario, prompt};
use super::storage::Storage;
use super::{Options, answer, caches, embed, files, keys, models, rules, shape, transmit};

/// State that all requests share.
#[derive(Debug)]
pub struct State {
    pub arrivals: Arrivals,
    pub storage: Storage,
    pub uploads: Uploads,
    scenario: Option<Scenario>,
    recorded: HashMap<String, Recorded>,
    capsule: Option<Capsule>,
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
        let (folder, file) = match options.replay.as_deref() {
            Some(path) if path.is_file() => (None, Some(path)),
            path => (path, None),
        };
        let recorded = folder.map(replay::load).transpose()?.unwrap_or_default();
        let capsule = file.map(Capsule::load).transpose()?;
        Ok(Self {
            arrivals: Arrivals::default(),
            storage: Storage::default(),
            uploads: Uploads::default(),
            scenario,
            recorded,
            capsule,
        })
    }

    /// Returns the scenario of a request, unless it does not apply to the model, has occurred often enough or is left
    /// out by its odds.
    fn scenario(&self, prompt: &str, key: &str, model: &str) -> Option<Scenario> {
        let scenario = Scenario::of_request(prompt).or_else(|| self.scenario.clone())?;
        let scenario = Some(scenario).filter(|scenario| scenario.concerns(model))?;
        match scenario.times() {
            _ if !scenario.happens() => None,
            Some(times) if self.arrivals.again(scenario.name, key, model) >= times => None,
            _ => Some(scenario),
        }
    }
}

/// Returns the routes.
pub fn router(state: Arc<State>) -> Router {
    Router::new()
        .route("/v1beta/models", get(models::list))
        .route("/v1beta/models/{model}", get(models::one).post(act))
        .route("/v1beta/tunedModels/{model}", post(act))
        .route("/v1beta/cachedContents", CACHES.list().post(caches::create))
        .route("/v1beta/cachedContents/{id}", CACHES.one().patch(caches::patch))
        .route("/upload/v1beta/files", post(files::upload))
        .route("/v1beta/files", FILES.list())
        .route("/v1beta/files/{id}", FILES.one())
        .layer(DefaultBodyLimit::max(256 * 1024 * 1024))
        .with_state(state)
}

/// Returns the key of a request.
pub fn key_of(headers: &HeaderMap) -> Option<&str> {
    headers.get("x-goog-api-key").and_then(|value| value.to_str().ok())
}

/// Returns a value from the query string.
pub fn value_of<'q>(query: Option<&'q str>, name: &str) -> Option<&'q str> {
    let mut pairs = query.unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// Records a resource request, and returns its key if the key is valid.
pub fn act_on(
    state: &State,
    headers: &HeaderMap,
    query: Option<&str>,
    method: &str,
    body: &[u8],
) -> Result<String, Failure> {
    let key = keys::check(key_of(headers), query, "");
    let mut arrival = Arrival::of(key_of(headers).unwrap_or_default(), "", method);
    arrival.body = serde_json::from_slice::<Value>(body).unwrap_or_default().into();
    arrival.status = key.as_ref().err().map_or(200, |failure| failure.status);
    state.arrivals.add(arrival);
    key
}

/// `POST models/{model}:{method}`.
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
    let body_of = parsed.as_ref().map(Clone::clone).unwrap_or_default().into();
    let arrival = Arrival { body: body_of, ..Arrival::of(key_of(&headers).unwrap_or_default(), model, method) };
    let judged = match &parsed {
        Ok(body) => judge(&state, &headers, query.as_deref(), model, method, body),
        Err(error) => Err((invalid(format!("Invalid JSON payload received. {error}")), false)),
    };
    let status = judged.as_ref().err().map_or(200, |(failure, _)| failure.status);
    state.arrivals.add(Arrival { status, ..arrival });
    match judged {
        Err((failure, page)) => transmit::failed(&failure, streaming, page),
        Ok(Judged::Document(document)) => transmit::document(&document),
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

/// The answer to a request that is valid.
enum Judged {
    Answer { answer: answer::Answer, prompt_tokens: u64, scenario: Option<Scenario> },
    Document(Value),
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
    if let Some(recorded) = state.capsule.as_ref().and_then(|capsule| capsule.answer(body)) {
        return Ok(Judged::Recorded(recorded.clone()));
    }
    models::check(model, method).map_err(plain)?;
    let shaped = |message: &str| shape::check(message, body).map_err(plain);
    match method {
        "countTokens" => {
            let body = shaped("CountTokensRequest")?;
            rules::countable(&body).map_err(plain)?;
            Ok(Judged::Document(json!({ "totalTokens": answer::tokens(&body.to_string()) })))
        }
        "embedContent" => embed::one(model, &shaped("EmbedContentRequest")?).map(Judged::Document).map_err(plain),
        "batchEmbedContents" => {
            embed::batch(model, &shaped("BatchEmbedContentsRequest")?).map(Judged::Document).map_err(plain)
        }
        "predict" => embed::pictures(&shaped("PredictRequest")?).map(Judged::Document).map_err(plain),
        "generateContent" | "streamGenerateContent" => {
            let body = shaped("GenerateContentRequest")?;
            rules::check(model, &body).map_err(plain)?;
            state.storage.check(model, &key, &body).map_err(plain)?;
            let scenario = state.scenario(&words, &key, model);
            if let Some(failed) = scenario.as_ref().and_then(|scenario| scenario.failure(model)) {
                return Err(failed);
            }
            let streaming = method == "streamGenerateContent";
            let prompt_tokens = answer::tokens(&body["contents"].to_string());
            let answer = answer::compose(model, &body, &words, scenario.as_ref(), streaming);
            let scenario = scenario.filter(|scenario| !matches!(scenario.kind, Kind::Fail(_)));
            Ok(Judged::Answer { answer, prompt_tokens, scenario })
        }
        other => Err(plain(failure(404, format!("there is no method `{other}`"), Vec::new()))),
    }
}
