//! Formats problems: one line for logs, or with the source line and a marker under the position for people.

use std::fmt::{self, Write};

use super::{Problem, Problems, Severity, Source};

/// Whether to use terminal colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colours {
    /// Use colours.
    On,
    /// Plain text.
    Off,
}

const BOLD: &str = "1";
const RED: &str = "1;31";
const YELLOW: &str = "1;33";
const BLUE: &str = "34";
const CYAN: &str = "36";

impl Colours {
    fn paint(self, colour: &str, text: &str) -> String {
        match self {
            Self::On => format!("\u{1b}[{colour}m{text}\u{1b}[0m"),
            Self::Off => text.to_owned(),
        }
    }
}

impl Problem {
    /// Formats the problem for people: location, message, the source line with a marker below it, and the hint.
    pub fn shown(&self, colours: Colours) -> String {
        let (word, colour) = match self.severity {
            Severity::Error => ("error", RED),
            Severity::Warning => ("warning", YELLOW),
        };
        let mut shown = String::new();
        if let Some(source) = &self.source {
            shown.push_str(&format!("{}: ", colours.paint(BOLD, &source.to_string())));
        }
        shown.push_str(&format!("{}: ", colours.paint(colour, word)));
        if !self.path.is_empty() {
            shown.push_str(&format!("{}: ", self.path));
        }
        shown.push_str(&colours.paint(BOLD, &self.message));
        if let (Some(excerpt), Some(Source::File { line: Some(line), column, .. })) = (&self.excerpt, &self.source) {
            let bar = colours.paint(BLUE, "|");
            shown.push_str(&format!("\n{} {bar} {excerpt}", colours.paint(BLUE, &format!("{line:>5}"))));
            if let Some(mark) = column.and_then(|column| mark(excerpt, column)) {
                shown.push_str(&format!("\n      {bar} {}", colours.paint(colour, &mark)));
            }
        }
        if let Some(hint) = &self.hint {
            shown.push_str(&format!("\n  {}: {hint}", colours.paint(CYAN, "hint")));
        }
        shown
    }
}

/// A line of carets under the word or quoted text that starts at `column`. At the end of the line, a single caret;
/// beyond it, None.
fn mark(excerpt: &str, column: usize) -> Option<String> {
    let indent = column.checked_sub(1)?;
    let rest: Vec<char> = excerpt.chars().skip(indent).collect();
    if rest.is_empty() && excerpt.chars().count() < indent {
        return None;
    }
    let first = rest.first().copied().unwrap_or_default();
    let word = |c: &char| c.is_alphanumeric() || "_-·.".contains(*c);
    let length = match first {
        '"' | '\'' => rest.iter().skip(1).position(|c| *c == first).map_or(rest.len(), |end| end + 2),
        _ => rest.iter().take_while(|c| word(c)).count().max(1),
    };
    Some(format!("{}{}", " ".repeat(indent), "^".repeat(length)))
}

impl fmt::Display for Problem {
    /// `config/config.toml:3:1: error: pools.default.keys[2].weight: must be at least 1`, with the hint on its own
    /// line. The alternate form (`{:#}`) is [`Problem::shown`] without colours.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = Self { excerpt: self.excerpt.clone().filter(|_| f.alternate()), ..self.clone() };
        f.write_str(&plain.shown(Colours::Off))
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { file, line, column } => {
                write!(f, "{}", file.display())?;
                line.map_or(Ok(()), |line| write!(f, ":{line}"))?;
                column.map_or(Ok(()), |column| write!(f, ":{column}"))
            }
            Self::Environment(name) => write!(f, "environment variable {name}"),
            Self::CommandLine => f.write_str("command line"),
        }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.iter().enumerate() {
            if index > 0 {
                f.write_char('\n')?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem() -> Problem {
        let problem = Problem::error("must be at least 1").at("pools.default.keys[2].weight");
        Problem {
            excerpt: Some("x = \"···\", y".into()),
            ..problem.in_file("config/config.toml", Some((3, 5))).hint("leave it out for 1")
        }
    }

    #[test]
    fn reads_as_a_clickable_line() {
        let place = "config/config.toml:3:5: error: pools.default.keys[2].weight: must be at least 1";
        let hint = "  hint: leave it out for 1";
        assert_eq!(problem().to_string(), format!("{place}\n{hint}"));
        let line = "    3 | x = \"···\", y\n      |     ^^^^^";
        assert_eq!(format!("{:#}", problem()), format!("{place}\n{line}\n{hint}"));
        assert!(problem().shown(Colours::On).contains("\u{1b}[1;31merror\u{1b}[0m"));
    }

    #[test]
    fn marks() {
        for (excerpt, column, marked) in [
            ("lisen = 1", 1, Some("^^^^^")),
            ("a = 'b'", 5, Some("    ^^^")),
            ("a = {", 5, Some("    ^")),
            ("a", 2, Some(" ^")),
            ("a", 3, None),
            ("a = 'b", 5, Some("    ^^")),
        ] {
            assert_eq!(mark(excerpt, column).as_deref(), marked, "{excerpt} {column}");
        }
    }
}
