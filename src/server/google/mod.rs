//! Google's own API other than model calls: lists of models, cached contents, files. Each is one resource request, on
//! the key that owns the resource if there is one.

pub mod caches;
pub mod files;
pub mod models;
pub mod upload;

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, Method, Uri};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::App;
use super::auth::Caller;
use super::dispatch;
use super::middleware::RequestId;
use super::respond::json;
use crate::clients::Client;
use crate::error::Error;
use crate::keys::{Key, KeyPool};
use crate::pipeline::owner;
use crate::pipeline::resource::{self, KeyChoice};
use crate::protocol::{Google, gemini};
use crate::runtime::Snapshot;
use crate::store::Owner;
use crate::telemetry::Outcome;
use crate::upstream::{ResourceAddress, ResourceAnswer, ResourceRequest};

/// How many pages are fetched in search of one that is not empty: Google's own SDK takes an empty page for the last.
const PAGES: usize = 20;

/// One resource request: the client, the query, and the snapshot it uses.
pub struct ResourceHandler {
    app: App,
    snapshot: Arc<Snapshot>,
    client: Arc<Client>,
    query: Vec<(String, String)>,
}

/// Admits the client, runs `work`, and records and returns its result.
async fn answer<W>(app: App, caller: Caller, id: RequestId, uri: &Uri, api: &'static str, work: W) -> Response
where
    W: AsyncFnOnce(&ResourceHandler) -> Result<Response, Error>,
{
    let mut record = app.services.telemetry.begin(&id.0, api);
    record.client.clone_from(&caller.client.name);
    let admitted = dispatch::admitted(&app, &caller.client);
    let asked = admitted.and_then(|visit| Ok((visit, gemini::pairs(uri.query().unwrap_or_default())?)));
    let client = caller.client.clone();
    let worked = match asked {
        Ok((_visit, query)) => {
            work(&ResourceHandler { app: app.clone(), snapshot: caller.snapshot, client, query }).await
        }
        Err(error) => Err(error),
    };
    record.finish(worked.as_ref().map_or_else(|error| Outcome::Failed(error.status), |_| Outcome::Answered));
    dispatch::allowed(&app, &caller.client, &Google, worked.unwrap_or_else(IntoResponse::into_response))
}

impl ResourceHandler {
    /// Reads the body.
    async fn read(&self, content: Body, headers: &HeaderMap) -> Result<Bytes, Error> {
        self.app.bodies.read(content, headers, &self.snapshot.config.settings.server).await
    }

    /// The default pool, used for everything that no alias routes elsewhere.
    fn pool(&self) -> Result<Arc<KeyPool>, Error> {
        let pool = self.snapshot.pools.get(&self.snapshot.config.settings.models.pool);
        pool.cloned().ok_or_else(|| Error::internal("The default pool is not configured."))
    }

    /// The owner of a resource, and a pool with only its key.
    async fn owner(&self, name: &str) -> Result<(Arc<KeyPool>, Owner), Error> {
        owner::find(&self.snapshot, &self.app.services, &self.client.name, name, &self.pool()?).await
    }

    /// Runs a resource request.
    async fn run(&self, on: KeyChoice<'_>, resource: &ResourceRequest) -> Result<(ResourceAnswer, Arc<Key>), Error> {
        resource::run(&self.snapshot, &self.app.services, on, resource).await
    }

    /// Runs a resource request that creates something for this client. Returns the owner of the new resource.
    async fn make(&self, pool: &KeyPool, resource: &ResourceRequest) -> Result<(ResourceAnswer, Owner), Error> {
        let (fetched, key) = self.run(KeyChoice::New(pool, &self.client.name), resource).await?;
        Ok((fetched, owner::with(pool, &key, &self.client.name)))
    }

    /// Sends a request about a named resource to its owner.
    async fn at(&self, method: Method, name: &str, body: Bytes) -> Result<Response, Error> {
        let (pool, _) = self.owner(name).await?;
        let removes = method == Method::DELETE;
        let resource = resource(method, &["v1beta", name].join("/"), self.query.clone(), body);
        let (fetched, _) = self
            .run(KeyChoice::Owner(&pool), &resource)
            .await
            .map_err(|error| owner::explain_single_key(name, error))?;
        if removes {
            self.app.services.owners.forget(name);
        }
        Ok(json(axum::http::StatusCode::OK, fetched.body))
    }

    /// A page of this client's resources of one kind. The key's resources are listed, and those known to be the
    /// client's are kept.
    async fn page(&self, kind: &'static str) -> Result<Response, Error> {
        let pool = self.pool()?;
        let mut query = self.query.clone();
        let mut page = Page::default();
        for _ in 0..PAGES {
            let asked = resource(Method::GET, &format!("v1beta/{kind}"), query.clone(), Bytes::new());
            let (fetched, _) = self.run(KeyChoice::New(&pool, &self.client.name), &asked).await?;
            page = self.own_of(&fetched.body, kind).await?;
            let Some(token) = page.next.clone().filter(|_| page.things.is_empty()) else { break };
            query.retain(|(name, _)| name != "pageToken");
            query.push(("pageToken".to_owned(), token));
        }
        Ok(json(axum::http::StatusCode::OK, page.written(kind)))
    }

    async fn own_of(&self, body: &[u8], kind: &str) -> Result<Page, Error> {
        #[derive(Deserialize)]
        struct Named {
            name: String,
        }

        let mut listed: std::collections::HashMap<String, Box<RawValue>> =
            serde_json::from_slice(body).map_err(|_| unreadable())?;
        let things = listed.remove(kind).map(|things| serde_json::from_str::<Vec<Box<RawValue>>>(things.get()));
        let mut page = Page {
            next: listed.remove("nextPageToken").and_then(|token| serde_json::from_str(token.get()).ok()),
            things: Vec::new(),
        };
        for thing in things.transpose().map_err(|_| unreadable())?.unwrap_or_default() {
            let Ok(Named { name }) = serde_json::from_str(thing.get()) else { continue };
            if self.app.services.owners.of(&name).await.is_some_and(|owner| owner.client == self.client.name) {
                page.things.push(thing);
            }
        }
        Ok(page)
    }
}

/// A page of resources, each as Google wrote it.
#[derive(Default)]
struct Page {
    things: Vec<Box<RawValue>>,
    next: Option<String>,
}

impl Page {
    /// Serialises the page as Google does, leaving out empty fields.
    fn written(&self, kind: &str) -> Bytes {
        let mut members: Vec<String> = Vec::new();
        if !self.things.is_empty() {
            members.push(format!("{}:{}", text(&kind), text(&self.things)));
        }
        if let Some(token) = &self.next {
            members.push(format!("\"nextPageToken\":{}", text(token)));
        }
        format!("{{{}}}", members.join(",")).into()
    }
}

fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn unreadable() -> Error {
    Error::invalid("Gemini's list cannot be read.")
}

/// The name of a resource. Rejects ids that could form another path.
fn name(kind: &str, id: &str) -> Result<String, Error> {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
    if id.is_empty() || id.len() > 128 || !id.chars().all(plain) {
        return Err(Error::not_found(format!("`{kind}/{}` is not a valid name.", id.escape_debug())));
    }
    Ok(format!("{kind}/{id}"))
}

/// A resource request to a path.
fn resource(method: Method, path: &str, query: Vec<(String, String)>, body: Bytes) -> ResourceRequest {
    let segments = path.split('/').map(str::to_owned).collect();
    ResourceRequest { method, place: ResourceAddress::Path(segments, query), headers: Vec::new(), body }
}

/// Whether the client is one of Google's SDKs, on a path that OpenAI's clients use too.
pub fn is_google_sdk(headers: &HeaderMap) -> bool {
    headers.contains_key("x-goog-api-client")
}
