//! Embeddings and Imagen: methods that answer one document with another, without a conversation.

use serde_json::{Value, json};

use super::answer::{PIXEL, tokens};
use super::failure::{Failure, invalid};

/// Maximum number of contents in one `batchEmbedContents`.
const LARGEST_BATCH: usize = 100;
/// Default number of dimensions.
const DIMENSIONS: u64 = 3072;

/// Returns the answer to `embedContent`.
pub fn one(model: &str, body: &Value) -> Result<Value, Failure> {
    let mut answer = json!({ "embedding": { "values": vector("EmbedContentRequest", body)? } });
    count(model, &[body], &mut answer);
    Ok(answer)
}

/// Returns the answer to `batchEmbedContents`.
pub fn batch(model: &str, body: &Value) -> Result<Value, Failure> {
    let place = "* BatchEmbedContentsRequest.requests";
    let requests: Vec<&Value> = body["requests"].as_array().into_iter().flatten().collect();
    if requests.is_empty() {
        return Err(invalid(format!("{place}: requests is not specified\n")));
    }
    if requests.len() > LARGEST_BATCH {
        return Err(invalid(format!("{place}: at most {LARGEST_BATCH} requests can be in one batch\n")));
    }
    let mut vectors = Vec::new();
    for (index, request) in requests.iter().enumerate() {
        if request["model"] != format!("models/{model}") {
            return Err(invalid(format!("{place}[{index}].model: unexpected model name format\n")));
        }
        let place = format!("BatchEmbedContentsRequest.requests[{index}]");
        vectors.push(json!({ "values": vector(&place, request)? }));
    }
    let mut answer = json!({ "embeddings": vectors });
    count(model, &requests, &mut answer);
    Ok(answer)
}

/// Adds usage; only the newer model reports it.
fn count(model: &str, requests: &[&Value], answer: &mut Value) {
    if model == "gemini-embedding-2" {
        let sum: u64 = requests.iter().map(|request| tokens(&text_of(request))).sum();
        answer["usageMetadata"] =
            json!({ "promptTokenCount": sum, "promptTokenDetails": [{ "modality": "TEXT", "tokenCount": sum }] });
    }
}

fn text_of(request: &Value) -> String {
    let parts = request["content"]["parts"].as_array().into_iter().flatten();
    parts.filter_map(|part| part["text"].as_str()).collect()
}

/// Returns the vector of a text, always the same for the same text. Only vectors of full length are normalised.
fn vector(place: &str, request: &Value) -> Result<Vec<f64>, Failure> {
    if request["content"]["parts"].as_array().is_none_or(Vec::is_empty) || text_of(request).is_empty() {
        return Err(invalid(format!("* {place}.content: contents is not specified\n")));
    }
    let config = &request["embedContentConfig"];
    let asked = request.get("outputDimensionality").or(config.get("outputDimensionality"));
    let dimensions = asked.map_or(Some(DIMENSIONS), Value::as_u64).filter(|count| (1..=DIMENSIONS).contains(count));
    let Some(dimensions) = dimensions else {
        return Err(invalid(format!("* {place}.output_dimensionality: must be between 1 and {DIMENSIONS}\n")));
    };
    let seed = crate::secret::Digest::of(&text_of(request)).hex(6);
    let mut random = fastrand::Rng::with_seed(u64::from_str_radix(&seed, 16).unwrap_or_default());
    let mut values: Vec<f64> = (0..dimensions).map(|_| random.f64() - 0.5).collect();
    let length = values.iter().map(|value| value * value).sum::<f64>().sqrt();
    let length = if dimensions == DIMENSIONS { length } else { 1.0 };
    // Google returns single precision.
    values.iter_mut().for_each(|value| *value = f64::from((*value / length) as f32));
    Ok(values)
}

/// Returns the answer to Imagen's `predict`.
pub fn pictures(body: &Value) -> Result<Value, Failure> {
    let [instance] = body["instances"].as_array().map(Vec::as_slice).unwrap_or_default() else {
        return Err(invalid("Only one instance is supported."));
    };
    if instance["prompt"].as_str().is_none_or(|prompt| prompt.trim().is_empty()) {
        return Err(invalid("Prompt must not be empty."));
    }
    let parameters = &body["parameters"];
    let count = parameters.get("sampleCount").map_or(Some(4), Value::as_u64).filter(|count| (1..=4).contains(count));
    let Some(count) = count else { return Err(invalid("Sample count should be in [1, 4].")) };
    let ratio = parameters["aspectRatio"].as_str().unwrap_or("1:1");
    if !["1:1", "3:4", "4:3", "9:16", "16:9"].contains(&ratio) {
        return Err(invalid(format!("Aspect ratio {ratio} is not supported.")));
    }
    let filtered = u64::from(instance["prompt"].as_str().is_some_and(|prompt| prompt.contains("[[sim:safety")));
    let picture = json!({ "mimeType": "image/png", "bytesBase64Encoded": PIXEL });
    let mut predictions: Vec<Value> = (filtered..count).map(|_| picture.clone()).collect();
    if filtered > 0 {
        predictions.push(json!({ "raiFilteredReason": "The prompt could not be submitted." }));
    }
    Ok(json!({ "predictions": predictions }))
}
