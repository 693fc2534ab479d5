//! Translates Gemini's answer to `text_completion`s, which hold text only.

use super::request;
use crate::error::Error;
use crate::fault::Fault;
use crate::protocol::rules::answer::{self, CandidateState, Ending, Piece, Reader};
use crate::protocol::rules::events;
use crate::protocol::rules::finish::Finish;
use crate::protocol::{AnswerContext, Reply, Usage};
use crate::wire::gemini::response::{Candidate, Response};
use crate::wire::json::{push_escaped, push_string};
use crate::wire::openai::completions::Request;

/// What the request specifies about its answer.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    /// Whether the stream ends with a usage chunk.
    include_usage: bool,
    /// The prompt, if the answer is to repeat it.
    echo: Option<String>,
}

impl Terms {
    /// Derives the terms from the request.
    pub fn of(request: &Request<'_>) -> Self {
        let options = request.stream_options.as_ref();
        Self {
            include_usage: options.and_then(|options| options.include_usage) == Some(true),
            echo: request::echoed(request),
        }
    }
}

/// Translates the answer of one attempt.
pub struct CompletionsReply {
    stamp: AnswerContext,
    terms: Terms,
    reader: Reader,
    /// What has been said in each choice, with the choice's index.
    choices: Vec<(u32, CandidateState)>,
    begun: bool,
    committed: bool,
}

impl CompletionsReply {
    /// Creates the translator for the answer of one attempt.
    pub fn new(stamp: AnswerContext, terms: Terms) -> Self {
        let mut reader = Reader::new(&stamp, "call_");
        reader.transcribed = false;
        Self { stamp, terms, reader, choices: Vec::new(), begun: false, committed: false }
    }

    /// Returns the candidate's text, escaped. The first text of a choice follows the prompt if that is to be repeated.
    fn words(&mut self, candidate: &Candidate<'_>) -> Vec<u8> {
        let known = self.choices.iter().position(|(index, _)| *index == candidate.index);
        let mut text = Vec::new();
        let at = known.unwrap_or_else(|| {
            if let Some(prompt) = &self.terms.echo {
                push_escaped(&mut text, prompt);
            }
            self.choices.push((candidate.index, CandidateState::default()));
            self.choices.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "at a place that was found, or made for it")]
        let told = &mut self.choices[at].1;
        told.take(candidate);
        for part in candidate.content.iter().flat_map(|content| &content.parts) {
            if let (Piece::Text(words), _) = self.reader.piece(told, part) {
                text.extend_from_slice(&words);
            }
        }
        text
    }

    /// Records a blocked prompt as a filtered choice. Returns whether the prompt was blocked.
    fn blocked(&mut self, response: &Response<'_>) -> bool {
        let blocked = answer::blocked(response).is_some();
        if blocked {
            let mut told = CandidateState::default();
            told.finish = Some(Finish::Filtered);
            self.choices.push((0, told));
        }
        blocked
    }

    /// Returns the answer's JSON up to the choices.
    fn head(&self) -> Vec<u8> {
        let mut head = br#"{"id":"#.to_vec();
        push_string(&mut head, &format!("cmpl-{}", self.stamp.id));
        let created = format!(r#","object":"text_completion","created":{},"model":"#, self.stamp.created);
        head.extend_from_slice(created.as_bytes());
        push_string(&mut head, &self.stamp.model);
        head.extend_from_slice(br#","choices":["#);
        head
    }

    fn usage_object(&self) -> String {
        let &Usage { prompt, completion, cached, reasoning, .. } = self.reader.usage.read();
        let total = prompt + completion;
        format!(
            r#"{{"prompt_tokens":{prompt},"completion_tokens":{completion},"total_tokens":{total},"prompt_tokens_details":{{"cached_tokens":{cached}}},"completion_tokens_details":{{"reasoning_tokens":{reasoning}}}}}"#
        )
    }

    /// Writes one chunk of a stream, with this choice or none.
    fn chunk(&self, choice: &[u8], usage: &str, out: &mut Vec<u8>) {
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(&self.head());
        out.extend_from_slice(choice);
        out.push(b']');
        if self.terms.include_usage {
            out.extend_from_slice(format!(r#","usage":{usage}"#).as_bytes());
        }
        out.extend_from_slice(b"}\n\n");
    }
}

impl Reply for CompletionsReply {
    fn whole(&mut self, body: &[u8]) -> Result<Vec<u8>, Fault> {
        let response = self.reader.read(body)?;
        let blocked = self.blocked(&response);
        if response.candidates.is_empty() && !blocked {
            return Err(answer::empty());
        }
        let mut out = self.head();
        if blocked {
            choice(&mut out, 0, b"", Some("content_filter"));
        }
        for (position, candidate) in response.candidates.iter().enumerate() {
            if position > 0 {
                out.push(b',');
            }
            let text = self.words(candidate);
            let known = self.choices.iter().find(|(index, _)| *index == candidate.index);
            let ending = known.map(|(_, told)| told.ending()).transpose()?;
            choice(&mut out, candidate.index, &text, ending.map(reason));
        }
        out.extend_from_slice(format!(r#"],"usage":{}}}"#, self.usage_object()).as_bytes());
        self.committed = true;
        Ok(out)
    }

    fn event(&mut self, body: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
        let response = self.reader.read(body)?;
        self.begun = true;
        if self.choices.is_empty() {
            self.blocked(&response);
        }
        for candidate in &response.candidates {
            let text = self.words(candidate);
            if !text.is_empty() {
                self.committed = true;
                let mut written = Vec::new();
                choice(&mut written, candidate.index, &text, None);
                self.chunk(&written, "null", out);
            }
        }
        Ok(())
    }

    fn committed(&self) -> bool {
        self.committed
    }

    fn end(&mut self, out: &mut Vec<u8>) -> Result<(), Fault> {
        if !self.begun || self.choices.is_empty() {
            return Err(answer::nothing_said());
        }
        if self.choices.iter().any(|(_, told)| told.finish.is_none()) {
            return Err(answer::ended_early());
        }
        for (index, told) in &self.choices {
            let mut written = Vec::new();
            choice(&mut written, *index, b"", Some(reason(told.ending()?)));
            self.chunk(&written, "null", out);
        }
        if self.terms.include_usage {
            self.chunk(b"", &self.usage_object(), out);
        }
        out.extend_from_slice(b"data: [DONE]\n\n");
        Ok(())
    }

    fn fail(&mut self, error: &Error, out: &mut Vec<u8>) {
        events::push_error(out, error);
    }

    fn usage(&self) -> Usage {
        self.reader.usage.read().clone()
    }
}

fn reason(ending: Ending) -> &'static str {
    match ending {
        Ending::Length => "length",
        Ending::Filtered => "content_filter",
        Ending::Stop | Ending::Calls => "stop",
    }
}

fn choice(out: &mut Vec<u8>, index: u32, text: &[u8], reason: Option<&str>) {
    out.extend_from_slice(br#"{"text":""#);
    out.extend_from_slice(text);
    let reason = reason.map_or_else(|| "null".to_owned(), |reason| format!(r#""{reason}""#));
    out.extend_from_slice(format!(r#"","index":{index},"logprobs":null,"finish_reason":{reason}}}"#).as_bytes());
}
