//! What a request and its attempts said: kept only where an operator asks for it, and bounded. It is as it came: whoever shows it, masks
//! secrets first.

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;

/// How much of one request is kept, in bytes. What is beyond is missing, and said to be.
const MOST: usize = 4 * 1024 * 1024;

/// How a request came.
#[derive(Clone, Debug, Default)]
pub struct Arrived {
    /// Where to, with its query.
    pub path: String,
    /// Headers that are no credentials.
    pub headers: Vec<(String, String)>,
    /// Whether it came as a form, which became JSON.
    pub form: bool,
}

/// What was said.
#[derive(Clone, Default)]
pub struct Bodies {
    /// How it came.
    pub arrived: Arrived,
    /// What the client sent.
    pub request: Bytes,
    /// What went to Google and came back, attempt by attempt.
    pub attempts: BTreeMap<usize, Said>,
    /// Whether something was too large to be kept.
    pub cut: bool,
    kept: usize,
}

/// One attempt.
#[derive(Clone)]
pub struct Said {
    /// The model.
    pub model: String,
    /// Google's name for what was asked of it.
    pub method: &'static str,
    /// What went to Google.
    pub request: Bytes,
    /// What came back.
    pub answer: Saying,
}

/// What came back.
#[derive(Clone, Default)]
pub enum Saying {
    /// Nothing, or nothing yet.
    #[default]
    Nothing,
    /// A whole answer.
    Whole(Bytes),
    /// The events of a stream, so far.
    Events(Vec<Bytes>),
    /// An error, and its status.
    Failed(u16, Bytes),
}

impl Bodies {
    pub(super) fn came(&mut self, arrived: Arrived, body: &Bytes) {
        self.arrived = arrived;
        self.request = self.room_for(body);
    }

    pub(super) fn sent(&mut self, attempt: usize, model: &str, method: &'static str, body: &Bytes) {
        let request = self.room_for(body);
        self.attempts.insert(attempt, Said { model: model.to_owned(), method, request, answer: Saying::Nothing });
    }

    pub(super) fn received(&mut self, attempt: usize, streams: bool, body: &Bytes) {
        let body = self.room_for(body);
        let Some(said) = self.attempts.get_mut(&attempt) else { return };
        match &mut said.answer {
            Saying::Events(events) if streams => events.push(body),
            answer if streams => *answer = Saying::Events(vec![body]),
            answer => *answer = Saying::Whole(body),
        }
    }

    pub(super) fn failed(&mut self, attempt: usize, status: u16, body: &Bytes) {
        let body = self.room_for(body);
        let Some(said) = self.attempts.get_mut(&attempt) else { return };
        match &mut said.answer {
            // An error in the middle of a stream is its last event.
            Saying::Events(events) => events.push(body),
            answer => *answer = Saying::Failed(status, body),
        }
    }

    fn room_for(&mut self, body: &Bytes) -> Bytes {
        if self.kept + body.len() > MOST {
            self.cut = true;
            return Bytes::new();
        }
        self.kept += body.len();
        body.clone()
    }
}

/// Without a word of what was said.
impl fmt::Debug for Bodies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bodies").field("kept", &self.kept).finish_non_exhaustive()
    }
}
