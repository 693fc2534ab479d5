//! Handlers for stored resources: list, read and delete. They are the same for every kind of resource.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, RawQuery, State as Shared};
use axum::http::{HeaderMap, Response};
use axum::routing::{MethodRouter, get};
use serde_json::json;

use super::http::{State, act_on};
use super::transmit;

/// A kind of resource.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// The prefix of its names.
    pub name: &'static str,
    /// The maximum number of resources on a page of its list.
    pub page: usize,
}

impl Kind {
    /// `GET /v1beta/KIND`.
    pub fn list(self) -> MethodRouter<Arc<State>> {
        get(async move |Shared(state): Shared<Arc<State>>, headers: HeaderMap, RawQuery(query): RawQuery| {
            let page = act_on(&state, &headers, query.as_deref(), &format!("{}.list", self.name), b"")
                .and_then(|key| state.storage.list(self.name, &key, query.as_deref(), self.page));
            transmit::judged(page)
        })
    }

    /// `GET` and `DELETE /v1beta/KIND/{id}`.
    pub fn one(self) -> MethodRouter<Arc<State>> {
        get(async move |state, headers, query, id| self.act("get", state, headers, query, id))
            .delete(async move |state, headers, query, id| self.act("delete", state, headers, query, id))
    }

    fn act(
        self,
        method: &str,
        Shared(state): Shared<Arc<State>>,
        headers: HeaderMap,
        RawQuery(query): RawQuery,
        Path(id): Path<String>,
    ) -> Response<Body> {
        let name = format!("{}/{id}", self.name);
        let done =
            act_on(&state, &headers, query.as_deref(), &format!("{}.{method}", self.name), b"").and_then(|key| {
                let found = state.storage.get(&name, &key)?;
                if method == "get" {
                    return Ok(found);
                }
                state.storage.remove(&name, &key).map(|()| json!({}))
            });
        transmit::judged(done)
    }
}
