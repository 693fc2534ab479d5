//! Attempts: tries one key after another until one answers or nothing is left to try. This is the only retry loop.
//!
//! Until the first content, a failed attempt is invisible to the client. After it there is no further attempt: the
//! stream ends with an error.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, sleep};

use super::route::Route;
use super::source::Source;
use super::{Exchange, cached, waiting};
use crate::cache::Entry;
use crate::call::{Call, Method};
use crate::error::Error;
use crate::fault::{Blame, Fault, Kind, Remedies, Retry};
use crate::keys::{Lease, NoKey, Tried};
use crate::model::Model;
use crate::plugin::AfterFailure;
use crate::protocol::{Accepted, Reply};

/// Mean pause after the first failure that is not a key's fault; it doubles with each attempt.
const PAUSE: Duration = Duration::from_millis(250);
/// Limit of the pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(4);

/// How many keys may reject one request in a row. Rejections do not count as attempts: they cost Google nothing, each
/// key is rejected once and then cools down, and otherwise the next request would have to find out.
const MOST_REFUSALS: u32 = 16;

/// The answer of the attempt that succeeded.
pub enum Opened {
    /// The whole answer, in the client's protocol.
    Whole(Bytes),
    /// The start of a stream.
    Stream(Box<OpenStream>),
}

/// A stream that has produced its first content, or has ended.
pub struct OpenStream {
    /// The source of the remaining events.
    pub answer: Source,
    /// Translates the answer.
    pub reply: Box<dyn Reply>,
    /// The lease of the key, held until the stream ends. None for a cached answer.
    pub lease: Option<Lease>,
    /// Output to be sent to the client first.
    pub out: Vec<u8>,
    /// Whether the stream has ended.
    pub ended: bool,
}

/// Why an attempt did not succeed.
enum Failure {
    /// An upstream fault; another attempt may succeed.
    Fault(Fault),
    /// An error that ends the request, such as one from a plugin.
    Refused(Error),
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

/// Tries the route's models in order, each on one key after another.
///
/// # Errors
/// The error for the client, from the last attempt or from the state of the keys.
pub async fn until_one_succeeds(
    exchange: &mut Exchange,
    accepted: &dyn Accepted,
    route: &Route,
) -> Result<Opened, Error> {
    let mut error = Error::internal("The route has no model.");
    for (position, model) in route.targets.iter().enumerate() {
        // A fallback model is tried immediately; only for the last one is it worth waiting.
        let last = position + 1 == route.targets.len();
        let patience = if last { exchange.snapshot.config.settings.upstream.wait } else { Duration::ZERO };
        match on_model(exchange, accepted, route, model, patience).await {
            Ok(opened) => return Ok(opened),
            // Another model may succeed where this one is unavailable. An invalid request is invalid for all of them.
            Err(failed) if matches!(failed.status, 429 | 500..) => error = failed,
            Err(failed) => return Err(failed),
        }
    }
    Err(error)
}

async fn on_model(
    exchange: &mut Exchange,
    accepted: &dyn Accepted,
    route: &Route,
    model: &Model,
    mut patience: Duration,
) -> Result<Opened, Error> {
    let mut remedies = exchange.services.refusals.of(&model.name);
    let body = exchange.translated(accepted, model, remedies)?;
    let mut call = Call { model: model.name.clone(), method: accepted.method_of(model), body };
    if let Some((key, kept)) = cached::find(exchange, route, &call).await? {
        match replay_cached(exchange, accepted, &call, &kept).await {
            Ok(opened) => return Ok(opened),
            Err(Failure::Refused(error)) => return Err(error),
            // The cached answer can no longer be translated: remove it and call Gemini.
            Err(Failure::Fault(_)) => exchange.services.answers.forget(key),
        }
    }
    let attempts = exchange.snapshot.config.settings.upstream.attempts;
    let mut active = exchange.services.retries.begin(&model.name);
    let mut tried = Tried::default();
    let mut last = None;
    let (mut attempt, mut refusals) = (1, 0);
    let mut without_model: Option<Box<(Lease, Fault)>> = None;
    loop {
        let mut lease = waiting::for_key(exchange, route, &call, &mut tried, &mut patience)
            .await
            .map_err(|no_key| nothing_left(no_key, last.as_ref()))?;
        exchange.attempted(model, &lease);
        let failure = match attempt_with_remedies(exchange, accepted, model, &mut call, &mut remedies, &mut lease).await
        {
            Ok(attempted) => {
                lease.succeeded(exchange.services.clock.now());
                if let Some((mut other, fault)) = without_model.map(|found| *found) {
                    other.failed(&not_for_key(fault), exchange.services.clock.now());
                }
                exchange.record.attempt_succeeded();
                return Ok(attempted.hold(Some(lease)));
            }
            Err(Failure::Refused(error)) => return Err(error),
            Err(Failure::Fault(fault)) => fault,
        };
        let wanted = exchange.session.on_upstream_error(&failure)?;
        let failure = apply_plugin_decision(failure, wanted);
        let rest = lease.failed(&failure, exchange.services.clock.now());
        exchange.record.attempt_failed(&failure, rest);
        tried.add(&lease, &failure);
        if failure.kind == Kind::ModelNotFound && wanted.is_none() && without_model.is_none() {
            // Some models are not available to some keys. Try one more key, without waiting for one.
            tried.pass_over(&lease);
            (without_model, last, patience) = (Some(Box::new((lease, failure.clone()))), Some(failure), Duration::ZERO);
            continue;
        }
        drop(lease);
        match next(&failure, wanted) {
            Retry::Never => return Err(Error::from(&failure)),
            Retry::OtherKey if refused(&failure) && refusals < MOST_REFUSALS => refusals += 1,
            again => {
                let may = !refused(&failure) && attempt < attempts && active.may_retry();
                if !may || (again == Retry::AfterPause && !pause(attempt, exchange.deadline).await) {
                    return Err(Error::from(&failure));
                }
                attempt += 1;
            }
        }
        last = Some(failure);
    }
}

/// The fault of a key for which a model was not found that another key has.
fn not_for_key(fault: Fault) -> Fault {
    Fault { kind: Kind::ModelNotForKey, blame: Blame::Quota, ..fault }
}

/// Whether the key rejected the request, for its quota or for itself.
fn refused(fault: &Fault) -> bool {
    matches!(fault.blame, Blame::Key | Blame::Quota)
}

/// The fault as changed by a plugin. A key that the plugin cools down cools down for this model only, as after a rate
/// limit.
fn apply_plugin_decision(fault: Fault, wanted: Option<AfterFailure>) -> Fault {
    match wanted {
        Some(AfterFailure::CoolDown(rest)) => {
            Fault { kind: Kind::RateLimited, blame: Blame::Quota, retry_after: Some(rest), ..fault }
        }
        _ => fault,
    }
}

/// What to try next. A plugin's decision takes precedence.
fn next(fault: &Fault, wanted: Option<AfterFailure>) -> Retry {
    match wanted {
        Some(AfterFailure::Fail) => Retry::Never,
        Some(AfterFailure::Retry | AfterFailure::CoolDown(_)) => Retry::OtherKey,
        None => fault.retry(),
    }
}

/// A successful attempt, without its key.
enum Attempted {
    Whole(Bytes),
    Stream(Source, Box<dyn Reply>, Vec<u8>, bool),
}

impl Attempted {
    /// Attaches the lease. A whole answer no longer needs it.
    fn hold(self, lease: Option<Lease>) -> Opened {
        match self {
            Self::Whole(body) => Opened::Whole(body),
            Self::Stream(answer, reply, out, ended) => {
                Opened::Stream(Box::new(OpenStream { answer, reply, lease, out, ended }))
            }
        }
    }
}

/// One attempt on one key. If Google rejects a field that the request can do without, the call is repeated on the same
/// key without it.
async fn attempt_with_remedies(
    exchange: &mut Exchange,
    accepted: &dyn Accepted,
    model: &Model,
    call: &mut Call,
    remedies: &mut Remedies,
    lease: &mut Lease,
) -> Result<Attempted, Failure> {
    let known = *remedies;
    loop {
        let fault = match once(exchange, accepted, call, lease).await {
            Err(Failure::Fault(fault)) => fault,
            Ok(attempted) => {
                if *remedies != known {
                    exchange.services.refusals.keep(&model.name, *remedies);
                }
                return Ok(attempted);
            }
            refused => return refused,
        };
        if !fault.remedy.is_some_and(|remedy| remedies.add(remedy)) {
            return Err(fault.into());
        }
        exchange.record.attempt_failed(&fault, None);
        exchange.attempted(model, lease);
        call.body = exchange.translated(accepted, model, *remedies)?;
    }
}

/// One call on one key.
async fn once(
    exchange: &mut Exchange,
    accepted: &dyn Accepted,
    call: &Call,
    lease: &mut Lease,
) -> Result<Attempted, Failure> {
    let body = match exchange.prepared.take() {
        Some(body) => body,
        None => exchange.session.on_upstream_request(exchange.record.attempts, call.body.clone())?,
    };
    let call = Call { body, ..call.clone() };
    exchange.record.sent(call.method.name(), &call.body);
    let snapshot = exchange.snapshot.clone();
    let answer = snapshot.upstream.send(&call, lease.key().secret(), exchange.deadline).await?;
    exchange.begin_keeping();
    read_until_content(exchange, accepted, call.method, Source::Google(Box::new(answer)), Some(lease)).await
}

/// Replays a cached answer as if it had just arrived.
async fn replay_cached(
    exchange: &mut Exchange,
    accepted: &dyn Accepted,
    call: &Call,
    kept: &Entry,
) -> Result<Opened, Failure> {
    call.model.as_str().clone_into(&mut exchange.record.model);
    read_until_content(exchange, accepted, call.method, Source::cached(kept), None)
        .await
        .map(|attempted| attempted.hold(None))
}

/// Translates an answer: a whole one completely, a stream up to its first visible content.
async fn read_until_content(
    exchange: &mut Exchange,
    accepted: &dyn Accepted,
    method: Method,
    mut answer: Source,
    lease: Option<&mut Lease>,
) -> Result<Attempted, Failure> {
    let session = exchange.session.clone();
    let mut reply = accepted.reply(exchange.stamp());
    if !method.streams() {
        let body = answer.whole().await?;
        exchange.record.received(&body);
        exchange.arrived(&body);
        let body = session.on_upstream_response(Some(body))?.unwrap_or_default();
        let written = reply.whole(&body)?;
        exchange.used(&reply.usage(), lease);
        exchange.keep(reply.left());
        return Ok(Attempted::Whole(written.into()));
    }
    session.on_upstream_response(None)?;
    let mut out = Vec::new();
    while !reply.committed() {
        let Some(event) = answer.event().await? else {
            reply.end(&mut out)?;
            return Ok(Attempted::Stream(answer, reply, out, true));
        };
        exchange.record.received_event(answer.arrived(), &event);
        exchange.arrived(&event);
        if let Some(event) = session.on_chunk(event)? {
            reply.event(&event, &mut out)?;
        }
    }
    Ok(Attempted::Stream(answer, reply, out, false))
}

/// The error when no key is available. If all keys have been tried, the last failure is more informative.
fn nothing_left(no_key: NoKey, last: Option<&Fault>) -> Error {
    match last {
        Some(fault) if no_key.all_tried() || fault.kind == Kind::ModelNotFound => Error::from(fault),
        // The pool knows when the first key becomes available; a fault knows only about its own key.
        _ => no_key.into_error(),
    }
}

/// Waits before another attempt, for a random time up to a bound that doubles, so that clients that failed together do
/// not retry together. Returns false if the deadline leaves no time.
async fn pause(attempt: u32, deadline: Instant) -> bool {
    let bound = PAUSE.saturating_mul(1 << attempt.min(8)).min(LONGEST_PAUSE);
    let pause = bound.mul_f64(fastrand::f64());
    if Instant::now() + pause >= deadline {
        return false;
    }
    sleep(pause).await;
    true
}

/// The client's error for a fault after content has been sent.
pub fn mid_stream_error(fault: &Fault) -> Error {
    let mut error = Error::from(fault);
    if fault.kind == Kind::Truncated {
        error.message.push_str(" The output so far is valid but incomplete.");
    }
    error
}
