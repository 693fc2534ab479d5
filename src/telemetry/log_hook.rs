//! What is asked once a request is over: by one thread of its own, so that no client waits for it. When more requests end than it can
//! ask about, their lines are written without.

use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, LazyLock};

use super::summary::{RequestSummary, Tags};

/// Requests that wait to be asked about.
const MOST_WAITING: usize = 1024;
/// As deep as where requests are served.
const STACK: usize = 4 * 1024 * 1024;

type Over = (RequestSummary, Arc<dyn Tags>);

static THREAD: LazyLock<Option<SyncSender<Over>>> = LazyLock::new(|| {
    let (sender, over) = sync_channel::<Over>(MOST_WAITING);
    let ask = move || over.iter().for_each(|(ended, tags)| ended.log(Some(&tags.tags(&ended))));
    std::thread::Builder::new().name("request-tags".to_owned()).stack_size(STACK).spawn(ask).ok().map(|_| sender)
});

/// Asks, then writes the line.
pub fn enqueue(ended: RequestSummary, tags: Arc<dyn Tags>) {
    let Some(thread) = THREAD.as_ref() else { return ended.log(None) };
    if let Err(TrySendError::Full((ended, _)) | TrySendError::Disconnected((ended, _))) = thread.try_send((ended, tags))
    {
        ::metrics::counter!("gemini_adapter_request_tags_lost").increment(1);
        ended.log(None);
    }
}
