//! Attempts: one key after another until one answers, or nothing is left to try. The only retry loop there is.
//!
//! Up to the first content an attempt that fails is invisible to the client. After it there is no other attempt: the stream
//! ends with an error.

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

/// The pause after a first failure that is nobody's key's fault; it doubles.
const PAUSE: Duration = Duration::from_millis(250);
/// The longest one.
const LONGEST_PAUSE: Duration = Duration::from_secs(4);

/// Keys that may refuse one request, one after the other. They do not count as attempts: a refusal costs Google nothing, each key is
/// refused once and then rests, and whoever comes next would have to find out instead.
const MOST_REFUSALS: u32 = 16;

/// The answer of the attempt that succeeded.
pub enum Opened {
    /// All of it, in the client's dialect.
    Whole(Bytes),
    /// Its beginning.
    Stream(Box<Begun>),
}

/// A stream that has its first content, or its end.
pub struct Begun {
    /// Where the rest comes from.
    pub answer: Source,
    /// What translates it.
    pub reply: Box<dyn Reply>,
    /// The key it comes on, in use until the end; none for a kept answer.
    pub lease: Option<Lease>,
    /// What the client gets first.
    pub out: Vec<u8>,
    /// Whether that is all.
    pub ended: bool,
}

/// Why an attempt did not succeed.
enum Failure {
    /// Something went wrong upstream; another attempt may do better.
    Fault(Fault),
    /// A plugin put an end to it.
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
/// What the last attempt, or the state of the keys, tells the client.
pub async fn until_one_succeeds(
    exchange: &mut Exchange,
    accepted: &dyn Accepted,
    route: &Route,
) -> Result<Opened, Error> {
    let mut error = Error::internal("The route names no model.");
    for (position, model) in route.targets.iter().enumerate() {
        // Another model is asked at once; only for the last one is it worth waiting.
        let last = position + 1 == route.targets.len();
        let patience = if last { exchange.snapshot.config.settings.upstream.wait } else { Duration::ZERO };
        match on_model(exchange, accepted, route, model, patience).await {
            Ok(opened) => return Ok(opened),
            // Another model may do what this one cannot now; a request that is wrong is wrong everywhere.
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
        match again(exchange, accepted, &call, &kept).await {
            Ok(opened) => return Ok(opened),
            Err(Failure::Refused(error)) => return Err(error),
            // What is kept is no answer any more; Gemini is asked for one.
            Err(Failure::Fault(_)) => exchange.services.answers.forget(key),
        }
    }
    let attempts = exchange.snapshot.config.settings.upstream.attempts;
    let mut active = exchange.services.retries.begin(&model.name);
    let mut tried = Tried::default();
    let mut last = None;
    let (mut attempt, mut refusals) = (1, 0);
    let mut without_model: Option<(Lease, Fault)> = None;
    loop {
        let mut lease = waiting::for_key(exchange, route, &call, &mut tried, &mut patience)
            .await
            .map_err(|no_key| nothing_left(no_key, last.as_ref()))?;
        exchange.attempted(model, &lease);
        let failure = match remedied(exchange, accepted, model, &mut call, &mut remedies, &mut lease).await {
            Ok(attempted) => {
                lease.succeeded(exchange.services.clock.now());
                if let Some((mut other, fault)) = without_model {
                    other.failed(&not_for_key(fault), exchange.services.clock.now());
                }
                exchange.record.attempt_succeeded();
                return Ok(attempted.hold(Some(lease)));
            }
            Err(Failure::Refused(error)) => return Err(error),
            Err(Failure::Fault(fault)) => fault,
        };
        let wanted = exchange.session.on_upstream_error(&failure)?;
        let failure = as_wanted(failure, wanted);
        let rest = lease.failed(&failure, exchange.services.clock.now());
        exchange.record.attempt_failed(&failure, rest);
        tried.add(&lease, &failure);
        if failure.kind == Kind::ModelNotFound && wanted.is_none() && without_model.is_none() {
            // Some models are not there for some keys. One more is asked, and nobody waited for.
            tried.pass_over(&lease);
            (without_model, last, patience) = (Some((lease, failure.clone())), Some(failure), Duration::ZERO);
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

/// A model was not found with one key, and found with another.
fn not_for_key(fault: Fault) -> Fault {
    Fault { kind: Kind::ModelNotForKey, blame: Blame::Quota, ..fault }
}

/// Whether it was the key that refused, by its quota or itself.
fn refused(fault: &Fault) -> bool {
    matches!(fault.blame, Blame::Key | Blame::Quota)
}

/// The fault as a plugin wants it seen: a key that is to rest rests for this model, as after a limit of its own.
fn as_wanted(fault: Fault, wanted: Option<AfterFailure>) -> Fault {
    match wanted {
        Some(AfterFailure::CoolDown(rest)) => {
            Fault { kind: Kind::RateLimited, blame: Blame::Quota, retry_after: Some(rest), ..fault }
        }
        _ => fault,
    }
}

/// What is tried next. Plugins decide, where one wants something.
fn next(fault: &Fault, wanted: Option<AfterFailure>) -> Retry {
    match wanted {
        Some(AfterFailure::Fail) => Retry::Never,
        Some(AfterFailure::Retry | AfterFailure::CoolDown(_)) => Retry::OtherKey,
        None => fault.retry(),
    }
}

/// An attempt that succeeded, the key aside.
enum Attempted {
    Whole(Bytes),
    Stream(Source, Box<dyn Reply>, Vec<u8>, bool),
}

impl Attempted {
    /// With the key it came on. A whole answer is done with it.
    fn hold(self, lease: Option<Lease>) -> Opened {
        match self {
            Self::Whole(body) => Opened::Whole(body),
            Self::Stream(answer, reply, out, ended) => {
                Opened::Stream(Box::new(Begun { answer, reply, lease, out, ended }))
            }
        }
    }
}

/// One attempt on one key. What Google refuses and can do without is left out, and the call made once more on the same key.
async fn remedied(
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
    let upstream = exchange.snapshot.upstream.clone();
    let answer = upstream.send(&call, lease.key().secret(), exchange.deadline).await?;
    exchange.begin_keeping();
    first_of(exchange, accepted, call.method, Source::Google(Box::new(answer)), Some(lease)).await
}

/// A kept answer, given again as if it came now.
async fn again(exchange: &mut Exchange, accepted: &dyn Accepted, call: &Call, kept: &Entry) -> Result<Opened, Failure> {
    call.model.as_str().clone_into(&mut exchange.record.model);
    first_of(exchange, accepted, call.method, Source::kept(kept), None).await.map(|attempted| attempted.hold(None))
}

/// Translates an answer up to the first content that shows: all of it, where it comes whole.
async fn first_of(
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

/// No key can be had. When that is for want of keys to try, the last failure says more.
fn nothing_left(no_key: NoKey, last: Option<&Fault>) -> Error {
    match last {
        Some(fault) if no_key.all_tried() || fault.kind == Kind::ModelNotFound => Error::from(fault),
        // The pool knows when the first key comes back, the fault only about its own.
        _ => no_key.into_error(),
    }
}

/// Waits before another attempt, at random up to a bound that doubles: many clients that failed together must not come back
/// together. False when there is no time left.
async fn pause(attempt: u32, deadline: Instant) -> bool {
    let bound = PAUSE.saturating_mul(1 << attempt.min(8)).min(LONGEST_PAUSE);
    let pause = bound.mul_f64(fastrand::f64());
    if Instant::now() + pause >= deadline {
        return false;
    }
    sleep(pause).await;
    true
}

/// A fault of a stream that has shown content, as the client is told.
pub fn in_the_middle(fault: &Fault) -> Error {
    let mut error = Error::from(fault);
    if fault.kind == Kind::Truncated {
        error.message.push_str(" What came before it stands, but it is not all.");
    }
    error
}
