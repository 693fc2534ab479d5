//! Text with times: in the model's JSON, and as captions.

use serde::Deserialize;

/// The transcript that the model returns.
#[derive(Debug, Deserialize)]
pub struct Transcript {
    /// The spoken language.
    #[serde(default)]
    pub language: String,
    /// The text in timed segments.
    pub segments: Vec<Piece>,
}

/// A timed segment of the text.
#[derive(Debug, Deserialize)]
pub struct Piece {
    /// Start time in seconds.
    pub start: f64,
    /// End time in seconds.
    pub end: f64,
    /// The segment's text.
    pub text: String,
}

impl Transcript {
    /// Parses the model's JSON. Returns None when it has another shape, or when its times make no sense or run
    /// backwards.
    pub fn parse(text: &str) -> Option<Self> {
        let told: Self = serde_json::from_str(text).ok()?;
        let sane = told.segments.iter().all(|piece| 0.0 <= piece.start && piece.start <= piece.end && piece.end < 1e6);
        let forwards = told.segments.windows(2).all(|pair| matches!(pair, [one, next] if one.start <= next.start));
        (sane && forwards).then_some(told)
    }

    /// Returns the complete text.
    pub fn text(&self) -> String {
        self.segments.iter().map(|piece| piece.text.trim()).collect::<Vec<_>>().join(" ")
    }

    /// Returns the text as SubRip captions (SRT).
    pub fn srt(&self) -> String {
        let piece = |(index, piece): (usize, &Piece)| {
            format!(
                "{}\n{} --> {}\n{}\n\n",
                index + 1,
                clock(piece.start, ','),
                clock(piece.end, ','),
                lines(&piece.text)
            )
        };
        self.segments.iter().enumerate().map(piece).collect()
    }

    /// Returns the text as WebVTT captions.
    pub fn vtt(&self) -> String {
        let piece = |piece: &Piece| {
            format!("{} --> {}\n{}\n\n", clock(piece.start, '.'), clock(piece.end, '.'), lines(&piece.text))
        };
        format!("WEBVTT\n\n{}", self.segments.iter().map(piece).collect::<String>())
    }
}

/// Cleans up a caption's text: an empty line would end the caption, and an arrow would begin a new one.
fn lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.join("\n").replace("-->", "->")
}

/// Formats a time as `01:02:03,456`, with `point` before the milliseconds.
fn clock(seconds: f64, point: char) -> String {
    let total = (seconds * 1000.0).round() as u64;
    let (hours, minutes) = (total / 3_600_000, total / 60_000 % 60);
    format!("{hours:02}:{minutes:02}:{:02}{point}{:03}", total / 1000 % 60, total % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captions() {
        let told = Transcript::parse(
            r#"{"language":"en","segments":[{"start":0,"end":1.5,"text":" Hello. "},{"start":3661.2346,"end":3662,"text":"A --> b\n\nc"}]}"#,
        );
        let told = told.unwrap();
        assert_eq!(told.text(), "Hello. A --> b\n\nc");
        assert_eq!(
            told.srt(),
            "1\n00:00:00,000 --> 00:00:01,500\nHello.\n\n2\n01:01:01,235 --> 01:01:02,000\nA -> b\nc\n\n"
        );
        assert_eq!(
            told.vtt(),
            "WEBVTT\n\n00:00:00.000 --> 00:00:01.500\nHello.\n\n01:01:01.235 --> 01:01:02.000\nA -> b\nc\n\n"
        );
    }

    #[test]
    fn what_is_nothing_like_it() {
        for text in [
            "Hello.",
            r#"{"language":"en"}"#,
            r#"{"segments":[{"start":2,"end":1,"text":""}]}"#,
            r#"{"segments":[{"start":-1,"end":1,"text":""}]}"#,
            r#"{"segments":[{"start":5,"end":6,"text":""},{"start":1,"end":2,"text":""}]}"#,
        ] {
            assert!(Transcript::parse(text).is_none(), "{text}");
        }
    }
}
