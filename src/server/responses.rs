//! `/v1/responses/{id}`: stored responses, each visible only to the client it was made for.

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::App;
use super::auth::Caller;
use super::respond::{document, json};
use crate::error::Error;

/// Maximum number of items per page.
const LARGEST_PAGE: usize = 100;

/// `GET /v1/responses/{id}`.
pub async fn one(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Response {
    #[derive(Deserialize)]
    struct Kept<'a> {
        #[serde(borrow)]
        response: &'a RawValue,
    }
    let Some(kept) = app.services.conversations.recall(&caller.client.name, &id).await else { return unknown(&id) };
    match serde_json::from_slice::<Kept<'_>>(&kept) {
        Ok(Kept { response }) => json(StatusCode::OK, Bytes::from(response.get().to_owned())),
        Err(_) => unknown(&id),
    }
}

/// `DELETE /v1/responses/{id}`.
pub async fn forget(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Response {
    let conversations = &app.services.conversations;
    if conversations.recall(&caller.client.name, &id).await.is_none() {
        return unknown(&id);
    }
    conversations.forget(&caller.client.name, &id);
    document(StatusCode::OK, &json!({ "id": id, "object": "response", "deleted": true }))
}

/// Pagination of the input items.
#[derive(Deserialize)]
pub struct Page {
    #[serde(default)]
    order: Option<String>,
    #[serde(default)]
    limit: Option<usize>,
    #[serde(default)]
    after: Option<String>,
}

/// The input items of a response, newest first unless `order=asc`.
pub async fn input_items(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(page): Query<Page>,
) -> Response {
    #[derive(Deserialize)]
    struct Kept {
        input: Vec<Value>,
    }
    let kept = app.services.conversations.recall(&caller.client.name, &id).await;
    let Some(Kept { input }) = kept.and_then(|kept| serde_json::from_slice(&kept).ok()) else { return unknown(&id) };
    let mut items: Vec<Value> = input.into_iter().enumerate().map(|(index, item)| named(item, &id, index)).collect();
    if page.order.as_deref() != Some("asc") {
        items.reverse();
    }
    if let Some(after) = page.after
        && let Some(at) = items.iter().position(|item| item["id"] == after.as_str())
    {
        items.drain(..=at);
    }
    let limit = page.limit.unwrap_or(20).clamp(1, LARGEST_PAGE);
    let has_more = items.len() > limit;
    items.truncate(limit);
    let ends = |item: Option<&Value>| item.map_or(Value::Null, |item| item["id"].clone());
    let list = json!({
        "object": "list",
        "first_id": ends(items.first()),
        "last_id": ends(items.last()),
        "has_more": has_more,
        "data": items,
    });
    document(StatusCode::OK, &list)
}

/// Gives an item an id, derived from its position, and a type, unless it has them.
fn named(mut item: Value, response: &str, index: usize) -> Value {
    if let Some(members) = item.as_object_mut() {
        let id = format!("item_{}_{index}", response.trim_start_matches("resp_"));
        members.entry("id").or_insert_with(|| json!(id));
        members.entry("type").or_insert_with(|| json!("message"));
    }
    item
}

fn unknown(id: &str) -> Response {
    let shown: String = id.chars().take(100).collect::<String>().escape_debug().collect();
    let message = format!(
        "Response with id '{shown}' not found. Responses are stored for a day, for the client that made them, unless it set `store: false`."
    );
    Error::not_found(message).into_response()
}
