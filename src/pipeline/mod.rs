//! The life of a request. [`serve`] shows it from start to end.
//!
//! ```text
//! on_request -> Protocol::accept -> alias, on_route -> [attempt: key -> on_upstream_request -> Google
//!   -> on failure classify, report, next] -> on_upstream_response -> Reply -> on_response | on_chunk -> client
//! ```
//! Never: vendor-specific fields, HTTP status lines, a second retry loop.

mod attempt;
mod cached;
mod conversation;
mod exchange;
mod files;
pub mod owner;
pub mod resource;
mod route;
mod source;
mod split;
mod stream;
mod translation;
mod waiting;

use bytes::Bytes;
use tokio::time::timeout;

use crate::error::Error;
use crate::plugin::Verdict;
use crate::protocol::{Incoming, owned};
use crate::telemetry::Outcome;

use attempt::{OpenStream, Opened};
pub use cached::Cached;
pub use exchange::{Exchange, Why};
pub use stream::EventStream;
pub use translation::{Translation, translate};

/// The answer to a client.
pub struct Answer {
    /// The content.
    pub content: Content,
    /// Its media type.
    pub media_type: &'static str,
    /// Fields of the request that were lost, if the client wants warnings.
    pub losses: Option<String>,
}

/// The content of an answer.
pub enum Content {
    /// A complete document.
    Whole(Bytes),
    /// A stream of events.
    Stream(EventStream),
}

/// Answers a request. A stream that stays silent for too long is started without content, so that no proxy on the way
/// closes the connection: keep-alive comments are sent until the first content arrives.
///
/// # Errors
/// The error for the client.
pub async fn answer(exchange: Box<Exchange>, body: Bytes) -> Result<Answer, Error> {
    let keep_alive = exchange.keep_alive();
    let known = exchange.known.clone();
    let protocol = exchange.protocol;
    let mut story = Box::pin(serve(exchange, body));
    let content = match timeout(keep_alive, &mut story).await {
        Ok(content) => content?,
        Err(_) => match known.form().keep_alive {
            b"" => story.await?,
            word => Content::Stream(EventStream::opening(story, protocol, word, keep_alive)),
        },
    };
    Ok(Answer { content, media_type: known.form().media_type, losses: known.losses().map(str::to_owned) })
}

/// Runs a request and finishes its record.
async fn serve(mut exchange: Box<Exchange>, body: Bytes) -> Result<Content, Error> {
    if exchange.session.has_plugins() {
        exchange.record.costs = Some(exchange.session.clone());
    }
    if exchange.session.has_tags() {
        exchange.record.tags = Some(exchange.session.clone());
    }
    let stop = exchange.services.stop.requested();
    let served = tokio::select! {
        biased;
        served = run(&mut exchange, body) => served,
        () = stop => Err(stream::stopping()),
    };
    match served {
        Ok(Served::Whole(body)) => {
            exchange.keep_answers();
            exchange.record.finish(Outcome::Answered);
            Ok(Content::Whole(body))
        }
        Ok(Served::Events(body)) => {
            exchange.record.finish(Outcome::Answered);
            Ok(Content::Stream(EventStream::of(body)))
        }
        Ok(Served::Stream(begun)) => Ok(Content::Stream(EventStream::live(exchange, begun))),
        Err(mut error) => {
            exchange.discard_recordings();
            exchange.session.on_error(&mut error);
            exchange.record.refused(&error);
            exchange.record.finish(Outcome::Failed(error.status));
            Err(error)
        }
    }
}

/// The result of a request.
enum Served {
    /// A complete answer.
    Whole(Bytes),
    /// A complete answer, as events.
    Events(Bytes),
    /// A stream that has produced its first content.
    Stream(Box<OpenStream>),
}

async fn run(exchange: &mut Exchange, body: Bytes) -> Result<Served, Error> {
    let body = match exchange.session.on_request(body.clone())? {
        Verdict::Continue(body) => exchange.renamed(body)?,
        Verdict::Reply(reply) => return exchange.canned(&reply, &body),
    };
    let place = exchange.place.clone();
    exchange.body = body.clone();
    let accepted = exchange.protocol.accept(Incoming { place: &place, body: &body })?;
    exchange.accepted(accepted.model(), accepted.form());
    let mut route = route::choose(&exchange.snapshot, &exchange.session, accepted.model())?;
    route::permit(&exchange.client, &exchange.snapshot.models, accepted.model(), &route)?;
    let owned = owned::names(&body);
    owner::narrow(&exchange.snapshot, &exchange.services, &exchange.record.client, &owned, &mut route).await?;
    route.pool.name().clone_into(&mut exchange.record.pool);
    exchange.files = files::fetch(exchange, &*accepted).await?;
    // The answer that this request continues may have come from another replica.
    if exchange.services.signatures.are_shared() {
        exchange.services.signatures.fetch(&accepted.unsigned_calls()).await;
    }
    exchange.recall(accepted.earlier().as_deref()).await;
    let opened = split::all_succeed(exchange, &*accepted, &route).await;
    exchange.decided();
    match opened
        .map_err(|error| owned.iter().fold(error, |error, named| owner::explain_single_key(&named.name, error)))?
    {
        // Plugins read JSON. Audio and captions are not JSON.
        Opened::Whole(body) if !accepted.form().is_json() => Ok(Served::Whole(body)),
        Opened::Whole(body) => exchange.session.on_response(body).map(Served::Whole),
        Opened::Stream(begun) => Ok(Served::Stream(begun)),
    }
}
