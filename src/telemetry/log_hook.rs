//! Runs plugins' log hooks on a separate thread after a request has ended, so that no client waits for them. When
//! requests end faster than the hooks run, log lines are written without the plugins' tags.

use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, LazyLock};

use super::summary::{RequestSummary, Tags};

/// Maximum number of requests waiting for their hooks.
const MOST_WAITING: usize = 1024;
/// Stack size, the same as where requests are served.
const STACK: usize = 4 * 1024 * 1024;

type FinishedRequest = (RequestSummary, Arc<dyn Tags>);

static THREAD: LazyLock<Option<SyncSender<FinishedRequest>>> = LazyLock::new(|| {
    let (sender, over) = sync_channel::<FinishedRequest>(MOST_WAITING);
    let ask = move || over.iter().for_each(|(ended, tags)| ended.log(Some(&tags.tags(&ended))));
    std::thread::Builder::new().name("request-tags".to_owned()).stack_size(STACK).spawn(ask).ok().map(|_| sender)
});

/// Runs the hooks, then writes the log line.
pub fn enqueue(ended: RequestSummary, tags: Arc<dyn Tags>) {
    let Some(thread) = THREAD.as_ref() else { return ended.log(None) };
    if let Err(TrySendError::Full((ended, _)) | TrySendError::Disconnected((ended, _))) = thread.try_send((ended, tags))
    {
        ::metrics::counter!("gemini_adapter_request_tags_lost").increment(1);
        ended.log(None);
    }
}
