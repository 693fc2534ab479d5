//! The answer cache within a request: consulted before a key is leased, filled when the client has received the whole
//! answer. When disabled, it costs one check of a setting.

use bytes::Bytes;

use super::Exchange;
use super::route::Route;
use crate::cache::{Entry, Found, Key, KeyParts, Recording};
use crate::call::Call;
use crate::error::Error;

/// What the cache did with a request, for its response header, log line and metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cached {
    /// `hit`, `joined`, `miss`, `refresh` or `bypass`.
    pub result: &'static str,
    /// Age of the cached answer, in seconds.
    pub age: Option<u64>,
}

/// Looks up the cached answer to this call. On a miss, prepares to record the answer.
///
/// # Errors
/// 504 when the client accepts only a cached answer and there is none, or an error from a plugin.
pub async fn find(exchange: &mut Exchange, route: &Route, call: &Call) -> Result<Option<(Key, Entry)>, Error> {
    exchange.keeping.clear();
    let control = exchange.control;
    if !exchange.snapshot.config.settings.cache.enabled {
        return if control.only_cached { Err(Error::not_kept()) } else { Ok(None) };
    }
    // Plugins may change the call, and the cache key depends on the result, so they run now, for the first attempt.
    let body = exchange.session.on_upstream_request(exchange.record.attempts + 1, call.body.clone())?;
    exchange.prepared = Some(body.clone());
    let services = exchange.services.clone();
    let answers = &services.answers;
    let found = if control.no_store || !exchange.session.may_store() || !answers.may_keep(call.method, &body) {
        Found::Off
    } else {
        let key = key(exchange, route, call, &body, &answers.era().await);
        match answers.find(key, call.method, control, services.clock.now().wall).await {
            Found::Entry(kept) => {
                report(exchange, "hit", Some(&kept));
                return Ok(Some((key, kept)));
            }
            Found::Joined(kept) => {
                report(exchange, "joined", Some(&kept));
                return Ok(Some((key, kept)));
            }
            missing => missing,
        }
    };
    if control.only_cached {
        report(exchange, "miss", None);
        return Err(Error::not_kept());
    }
    match found {
        Found::Missing(keeping) => {
            exchange.keeping.push(keeping);
            report(exchange, if control.fresh { "refresh" } else { "miss" }, None);
        }
        _ => report(exchange, "bypass", None),
    }
    Ok(None)
}

fn key(exchange: &Exchange, route: &Route, call: &Call, upstream: &[u8], era: &[u8]) -> Key {
    let snapshot = &exchange.snapshot;
    Key::of(&KeyParts {
        client: &exchange.record.client,
        api: exchange.protocol.name(),
        path: &exchange.place.path,
        query: &exchange.place.query,
        body: &exchange.body,
        share: exchange.share.map_or(0, |share| share + 1),
        endpoint: &snapshot.config.settings.upstream.base_url,
        pool: route.pool.name(),
        model: call.model.as_str(),
        method: call.method.name(),
        upstream,
        plugins: snapshot.plugins.fingerprint(),
        era,
    })
}

fn report(exchange: &mut Exchange, result: &'static str, kept: Option<&Entry>) {
    let age = kept.map(|kept| kept.age(exchange.services.clock.now().wall).as_secs());
    exchange.record.cache = Some(result);
    exchange.services.telemetry.cached(result);
    let mut known = exchange.known.cached();
    // With several calls, the request is a hit only if every call is.
    if exchange.share.is_none() || age.is_none() || known.is_none() {
        *known = Some(Cached { result, age });
    }
}

impl Exchange {
    /// An attempt has been accepted: starts recording its answer.
    pub fn begin_keeping(&mut self) {
        self.keeping.iter_mut().for_each(Recording::begin);
    }

    /// Records a piece of the answer, as Gemini sent it.
    pub fn arrived(&mut self, piece: &Bytes) {
        self.keeping.iter_mut().for_each(|keeping| keeping.take(piece));
    }

    /// Stores what was recorded, unless a plugin objects. Called once the client has received everything.
    pub fn keep_answers(&mut self) {
        if self.keeping.is_empty() {
            return;
        }
        let (wanted, now) = (self.session.may_store(), self.services.clock.now().wall);
        self.keeping.drain(..).for_each(|keeping| keeping.keep(wanted, now));
    }

    /// Discards what was recorded.
    pub fn discard_recordings(&mut self) {
        self.keeping.drain(..).for_each(Recording::failed);
    }
}
