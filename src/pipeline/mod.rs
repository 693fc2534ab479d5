//! The life of a request: [`serve`] is the whole story.
//!
//! ```text
//! on_request -> Protocol::accept -> alias, on_route -> [attempt: key -> on_upstream_request -> Google
//!   -> on failure classify, report, next] -> on_upstream_response -> Reply -> on_response | on_chunk -> client
//! ```
//! Never: a vendor's field, a status line, a second retry loop.

mod attempt;
mod exchange;
mod route;
mod stream;

use bytes::Bytes;
use tokio::time::timeout;

use crate::error::Error;
use crate::plugin::Verdict;
use crate::telemetry::Outcome;

use attempt::{Begun, Opened};
pub use exchange::Exchange;
pub use stream::{EventStream, KEEP_ALIVE};

/// What the client gets.
pub enum Answer {
    /// A whole document.
    Whole(Bytes),
    /// Events as they come.
    Stream(EventStream),
}

/// Answers a request. A stream that stays silent for long is begun without content, so that no proxy on the way gives the
/// client up: keep-alive comments flow until the first content is there.
///
/// # Errors
/// What the client is told instead.
pub async fn answer(exchange: Exchange, body: Bytes) -> Result<Answer, Error> {
    let keep_alive = exchange.keep_alive();
    let streaming = exchange.streaming.clone();
    let protocol = exchange.protocol;
    let mut story = Box::pin(serve(exchange, body));
    match timeout(keep_alive, &mut story).await {
        Ok(answer) => answer,
        Err(_) if streaming.is_set() => Ok(Answer::Stream(EventStream::opening(story, protocol, keep_alive))),
        Err(_) => story.await,
    }
}

/// The story of a request.
async fn serve(mut exchange: Exchange, body: Bytes) -> Result<Answer, Error> {
    match tell(&mut exchange, body).await {
        Ok(Told::Whole(body)) => {
            exchange.record.tell(Outcome::Answered);
            Ok(Answer::Whole(body))
        }
        Ok(Told::Events(body)) => {
            exchange.record.tell(Outcome::Answered);
            Ok(Answer::Stream(EventStream::of(body)))
        }
        Ok(Told::Begun(begun)) => Ok(Answer::Stream(EventStream::live(exchange, begun))),
        Err(mut error) => {
            exchange.session.on_error(&mut error);
            exchange.record.tell(Outcome::Failed(error.status));
            Err(error)
        }
    }
}

/// How the story went.
enum Told {
    /// A whole answer.
    Whole(Bytes),
    /// A whole answer, as events.
    Events(Bytes),
    /// A stream that has its first content.
    Begun(Box<Begun>),
}

async fn tell(exchange: &mut Exchange, body: Bytes) -> Result<Told, Error> {
    let body = match exchange.session.on_request(body)? {
        Verdict::Continue(body) => body,
        Verdict::Reply(reply) => return Ok(exchange.canned(&reply)),
    };
    let accepted = exchange.protocol.accept(&body)?;
    exchange.accepted(accepted.model(), accepted.stream());
    let route = route::choose(exchange, accepted.model())?;
    match attempt::until_one_succeeds(exchange, &*accepted, &route).await? {
        Opened::Whole(body) => exchange.session.on_response(body).map(Told::Whole),
        Opened::Stream(begun) => Ok(Told::Begun(begun)),
    }
}
