//! `/admin/events`: one feed of server-sent events, which drives the dashboard. A new watcher first receives the
//! complete state. After that, one task sends the same bytes to all watchers, each part when it has changed. Without
//! watchers nothing is computed.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{iter, unfold};
use serde_json::Value;
use tokio::sync::broadcast;
use tokio::time::{MissedTickBehavior, interval};

use super::parts::{self, PARTS, Part};
use crate::error::Error;
use crate::runtime::Snapshot;
use crate::server::App;
use crate::server::auth::Caller;
use crate::telemetry::RequestView;

/// How often changes are checked for.
const TICK: Duration = Duration::from_millis(500);
/// Ticks of silence before a comment is sent, so that no proxy on the way takes silence for the end.
const LONGEST_SILENCE: u32 = 20;
/// Maximum number of concurrent watchers.
const MOST_WATCHERS: usize = 200;
/// Events a slow watcher may lag behind. Beyond that it is disconnected; it then reconnects and receives the complete
/// state.
const MOST_BEHIND: usize = 64;
/// Maximum number of requests of each kind in one event.
const MOST_REQUESTS: usize = 150;

/// The watchers.
#[derive(Debug, Default)]
pub struct Feed(Mutex<Option<broadcast::Sender<Bytes>>>);

/// Sends the complete state, then every change, as long as the configuration that admitted the watcher is live.
pub async fn watch(State(app): State<App>, caller: Caller) -> Response {
    let Some(receiver) = app.feed.join(&app, &caller.snapshot) else {
        let message = "Too many dashboards are open: close one that is not in use.";
        return Error::unavailable("too_many_watchers", message).into_response();
    };
    let mut first: Vec<Bytes> =
        PARTS.iter().map(|part| frame(part.name, &(part.make)(&app, &caller.snapshot))).collect();
    first.insert(1, frame("requests", &requests(&app, &caller.snapshot, 0).0));
    let later =
        unfold(receiver, |mut receiver| async move { receiver.recv().await.ok().map(|frame| (frame, receiver)) });
    let mut response =
        Response::new(Body::from_stream(iter(first).chain(later).map(Ok::<_, std::convert::Infallible>)));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response
}

impl Feed {
    /// Adds a watcher. The first one starts the task.
    fn join(&self, app: &App, snapshot: &Arc<Snapshot>) -> Option<broadcast::Receiver<Bytes>> {
        let mut sender = self.sender();
        match &*sender {
            Some(sender) if sender.receiver_count() >= MOST_WATCHERS => None,
            Some(sender) => Some(sender.subscribe()),
            None => {
                let (new, receiver) = broadcast::channel(MOST_BEHIND);
                *sender = Some(new.clone());
                tokio::spawn(publish(app.clone(), snapshot.clone(), new));
                Some(receiver)
            }
        }
    }

    fn sender(&self) -> MutexGuard<'_, Option<broadcast::Sender<Bytes>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the task should end: nobody is watching, the server is stopping, or the configuration has changed and
    /// may admit different watchers.
    fn is_over(&self, app: &App, snapshot: &Snapshot) -> bool {
        let mut sender = self.sender();
        let watched = sender.as_ref().is_some_and(|sender| sender.receiver_count() > 0);
        let same = app.live.snapshot().generation == snapshot.generation;
        let over = !watched || !same || app.draining.load(Ordering::Relaxed);
        if over {
            *sender = None;
        }
        over
    }
}

/// Sends changes to all watchers.
async fn publish(app: App, snapshot: Arc<Snapshot>, sender: broadcast::Sender<Bytes>) {
    let mut told: HashMap<&'static str, Bytes> = HashMap::new();
    let mut ended = app.services.telemetry.journal().page(0, 0).ended;
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut silence = 0;
    for turn in 0_u64.. {
        ticks.tick().await;
        if app.feed.is_over(&app, &snapshot) {
            return;
        }
        let (document, now_ended) = requests(&app, &snapshot, ended);
        ended = now_ended;
        let due = PARTS.iter().filter(|part| part.every > 0 && turn % part.every == 0);
        let mut frames: Vec<_> =
            due.map(|Part { name, make, .. }| (*name, frame(name, &make(&app, &snapshot)))).collect();
        frames.push(("requests", frame("requests", &document)));
        silence += 1;
        for (name, frame) in frames {
            if told.get(name) != Some(&frame) {
                told.insert(name, frame.clone());
                let _ = sender.send(frame);
                silence = 0;
            }
        }
        if silence >= LONGEST_SILENCE {
            let _ = sender.send(Bytes::from_static(b": still here\n\n"));
            silence = 0;
        }
    }
}

/// The requests in flight and those that ended after the first `after`, and the number that have ended by now.
fn requests(app: &App, snapshot: &Snapshot, after: u64) -> (Value, u64) {
    let page = app.services.telemetry.journal().page(after, MOST_REQUESTS);
    let seen =
        |traces: &[Arc<crate::telemetry::Trace>]| traces.iter().map(|trace| trace.seen()).collect::<Vec<RequestView>>();
    let document = serde_json::json!({
        "all": after == 0, "under_way": page.under_way, "live": seen(&page.live), "over": seen(&page.over),
    });
    (parts::redacted(snapshot, document), page.ended)
}

fn frame(name: &str, document: &Value) -> Bytes {
    format!("event: {name}\ndata: {document}\n\n").into()
}
