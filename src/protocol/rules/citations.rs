//! The sources of an answer: Gemini's grounding and citations, with positions counted as in `url_citation` annotations.
//!
//! Gemini counts in bytes of UTF-8 over all texts of the answer (recorded, for whole and streamed answers alike),
//! OpenAI in characters of the message. The contents differ too: code that Gemini ran is part of the message, but not
//! of Gemini's text.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::wire::json;

/// The text so far, as Gemini counts it.
#[derive(Debug, Default)]
pub struct Transcript {
    text: String,
    /// Other text in the message: its position as a byte offset in `text`, and its length in characters.
    inserted: Vec<(usize, usize)>,
}

impl Transcript {
    /// Appends text from Gemini.
    pub fn said(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Returns all text from Gemini.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Records text that is in the message but not in Gemini's text.
    pub fn inserted(&mut self, text: &str) {
        self.inserted.push((self.text.len(), text.chars().count()));
    }

    /// Returns the length of the message in characters.
    pub fn characters(&self) -> usize {
        self.text.chars().count() + self.inserted.iter().map(|(_, count)| count).sum::<usize>()
    }

    /// Returns the range of the message, in characters, that corresponds to a segment of Gemini's text.
    fn place(&self, segment: &Segment) -> (usize, usize) {
        let (start, end) = self.bytes(segment).unwrap_or((0, 0));
        let characters = |at: usize| {
            let before = self.text.get(..at).unwrap_or_default().chars().count();
            let besides: usize = self.inserted.iter().filter(|(byte, _)| *byte <= at).map(|(_, count)| count).sum();
            before + if at == 0 { 0 } else { besides }
        };
        (characters(start), characters(end))
    }

    /// Returns the bytes of a segment. Google's offsets are sometimes wrong, but the segment's text is not, so the text
    /// decides.
    fn bytes(&self, segment: &Segment) -> Option<(usize, usize)> {
        let told = self.text.get(segment.start_index..segment.end_index);
        match told {
            Some(told) if segment.text.is_empty() || told == segment.text => {
                Some((segment.start_index, segment.end_index))
            }
            _ if segment.text.is_empty() => None,
            _ => self.text.find(&segment.text).map(|start| (start, start + segment.text.len())),
        }
    }
}

/// The sources of the text, as far as they were reported.
#[derive(Debug, Default)]
pub struct Sources {
    queries: Vec<String>,
    pages: Vec<Page>,
    supports: Vec<Support>,
    citations: Vec<Citation>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Grounding {
    web_search_queries: Vec<String>,
    grounding_chunks: Vec<Chunk>,
    grounding_supports: Vec<Support>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Chunk {
    web: Option<Page>,
    retrieved_context: Option<Page>,
    maps: Option<Page>,
}

/// A page that Google has read.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Page {
    /// Its URL.
    pub uri: String,
    /// Its title.
    pub title: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Support {
    segment: Segment,
    grounding_chunk_indices: Vec<usize>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Segment {
    start_index: usize,
    end_index: usize,
    text: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Citations {
    citation_sources: Vec<Citation>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Citation {
    start_index: usize,
    end_index: usize,
    uri: String,
    title: String,
}

/// A range of the message and its source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlCitation<'a> {
    /// The text of the range, if Google reports it.
    pub words: &'a str,
    /// The start of the range, in characters of the message.
    pub start: usize,
    /// The end of the range, in characters of the message.
    pub end: usize,
    /// The URL of the page.
    pub url: &'a str,
    /// The title of the page.
    pub title: &'a str,
}

impl Sources {
    /// Records what a candidate reports. A stream may report it in several events.
    pub fn take(&mut self, grounding: Option<&RawValue>, citations: Option<&RawValue>) {
        if let Some(grounding) = grounding.and_then(|raw| json::read::<Grounding>(raw.get()).ok()) {
            let page = |chunk: Chunk| chunk.web.or(chunk.retrieved_context).or(chunk.maps).unwrap_or_default();
            let queries = grounding.web_search_queries.into_iter().filter(|query| !query.is_empty());
            for query in queries {
                if !self.queries.contains(&query) {
                    self.queries.push(query);
                }
            }
            if !grounding.grounding_chunks.is_empty() {
                self.pages = grounding.grounding_chunks.into_iter().map(page).collect();
            }
            self.supports.extend(grounding.grounding_supports);
        }
        if let Some(told) = citations.and_then(|raw| json::read::<Citations>(raw.get()).ok()) {
            self.citations.extend(told.citation_sources);
        }
    }

    /// Returns Google's search queries, each once.
    pub fn queries(&self) -> &[String] {
        &self.queries
    }

    /// Returns the pages that Google found.
    pub fn pages(&self) -> impl Iterator<Item = &Page> {
        self.pages.iter().filter(|page| !page.uri.is_empty())
    }

    /// Returns the citations in the order they were reported, each once. Only citations at or after character `from` of
    /// the message are returned, with positions relative to it. Citations without a position in the message have an
    /// empty range.
    pub fn cited(&self, transcript: &Transcript, from: usize) -> Vec<UrlCitation<'_>> {
        let mut cited: Vec<UrlCitation<'_>> = Vec::new();
        let mut add = |segment: &Segment, words, url, title| {
            let (start, end) = transcript.place(segment);
            let placed = end > 0;
            if placed && start < from {
                return;
            }
            let before = if placed { from } else { 0 };
            let citation = UrlCitation { words, start: start - before, end: end - before, url, title };
            if !cited.contains(&citation) {
                cited.push(citation);
            }
        };
        for support in &self.supports {
            for page in support.grounding_chunk_indices.iter().filter_map(|index| self.pages.get(*index)) {
                add(&support.segment, support.segment.text.as_str(), page.uri.as_str(), page.title.as_str());
            }
        }
        for citation in self.citations.iter().filter(|citation| !citation.uri.is_empty()) {
            let Citation { start_index, end_index, uri, title } = citation;
            let segment = Segment { start_index: *start_index, end_index: *end_index, text: String::new() };
            add(&segment, "", uri, title);
        }
        cited
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn sources(grounding: Value) -> Sources {
        let mut sources = Sources::default();
        let raw = RawValue::from_string(grounding.to_string()).unwrap();
        sources.take(Some(&raw), None);
        sources
    }

    #[test]
    fn bytes_become_characters() {
        let mut transcript = Transcript::default();
        transcript.said("é is 1. ");
        transcript.inserted("```\nx\n```");
        transcript.said("ok, ünd so");
        let support = |start: usize, end: usize, text: &str| {
            json!({
                "groundingChunks": [{ "web": { "uri": "u", "title": "t" } }],
                "groundingSupports": [{ "segment": { "startIndex": start, "endIndex": end, "text": text }, "groundingChunkIndices": [0, 7] }],
            })
        };
        for (start, end, text, expected) in [
            (0, 8, "é is 1.", (0, 7)),
            // After text that Gemini does not count.
            (9, 11, "ok", (17, 19)),
            // Wrong offsets with the right text, and text that does not occur.
            (500, 600, "ünd", (21, 24)),
            (500, 600, "nowhere", (0, 0)),
            (1, 3, "", (0, 0)),
        ] {
            let sources = sources(support(start, end, text));
            let (start, end) = expected;
            let citation = UrlCitation { words: text, start, end, url: "u", title: "t" };
            assert_eq!(sources.cited(&transcript, 0), [citation], "{text}");
        }
    }

    #[test]
    fn a_later_part_of_the_message_counts_from_its_own_beginning() {
        let mut transcript = Transcript::default();
        transcript.said("one. ");
        let begins = transcript.characters();
        transcript.said("two.");
        let support = |start: usize, end: usize| json!({ "segment": { "startIndex": start, "endIndex": end }, "groundingChunkIndices": [0] });
        let sources = sources(json!({
            "groundingChunks": [{ "web": { "uri": "u", "title": "t" } }],
            "groundingSupports": [support(0, 4), support(5, 9)],
        }));
        let places: Vec<_> = sources.cited(&transcript, begins).iter().map(|cited| (cited.start, cited.end)).collect();
        assert_eq!(places, [(0, 4)]);
    }
}
