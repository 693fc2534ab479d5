//! The bodies of a request and its attempts. Recorded only if the operator enables it, and bounded. They are stored as
//! received, so secrets must be masked before they are shown.

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;

/// Limit per request, in bytes. Bodies beyond it are left out, and `cut` is set.
const MOST: usize = 4 * 1024 * 1024;

/// How a request arrived.
#[derive(Clone, Debug, Default)]
pub struct Arrived {
    /// The path, with its query.
    pub path: String,
    /// The headers that carry no credentials.
    pub headers: Vec<(String, String)>,
    /// Whether it was a form, which was converted to JSON.
    pub form: bool,
}

/// The bodies of one request.
#[derive(Clone, Default)]
pub struct Bodies {
    /// How the request arrived.
    pub arrived: Arrived,
    /// The client's body.
    pub request: Bytes,
    /// The bodies exchanged with Google, by attempt.
    pub attempts: BTreeMap<usize, AttemptBodies>,
    /// Whether a body was left out because of the limit.
    pub cut: bool,
    kept: usize,
}

/// The bodies of one attempt.
#[derive(Clone)]
pub struct AttemptBodies {
    /// The model.
    pub model: String,
    /// The Gemini API method.
    pub method: &'static str,
    /// The body sent to Google.
    pub request: Bytes,
    /// Google's answer.
    pub answer: AnswerBody,
}

/// An answer from Google.
#[derive(Clone, Default)]
pub enum AnswerBody {
    /// No answer, or none yet.
    #[default]
    Nothing,
    /// A whole answer.
    Whole(Bytes),
    /// The events received so far.
    Events(Vec<Bytes>),
    /// An error, with its status.
    Failed(u16, Bytes),
}

impl Bodies {
    pub(super) fn came(&mut self, arrived: Arrived, body: &Bytes) {
        self.arrived = arrived;
        self.request = self.room_for(body);
    }

    pub(super) fn sent(&mut self, attempt: usize, model: &str, method: &'static str, body: &Bytes) {
        let request = self.room_for(body);
        self.attempts
            .insert(attempt, AttemptBodies { model: model.to_owned(), method, request, answer: AnswerBody::Nothing });
    }

    pub(super) fn received(&mut self, attempt: usize, streams: bool, body: &Bytes) {
        let body = self.room_for(body);
        let Some(said) = self.attempts.get_mut(&attempt) else { return };
        match &mut said.answer {
            AnswerBody::Events(events) if streams => events.push(body),
            answer if streams => *answer = AnswerBody::Events(vec![body]),
            answer => *answer = AnswerBody::Whole(body),
        }
    }

    pub(super) fn failed(&mut self, attempt: usize, status: u16, body: &Bytes) {
        let body = self.room_for(body);
        let Some(said) = self.attempts.get_mut(&attempt) else { return };
        match &mut said.answer {
            // An error within a stream is its last event.
            AnswerBody::Events(events) => events.push(body),
            answer => *answer = AnswerBody::Failed(status, body),
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

/// Shows no content.
impl fmt::Debug for Bodies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bodies").field("kept", &self.kept).finish_non_exhaustive()
    }
}
