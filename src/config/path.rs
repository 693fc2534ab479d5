//! Dotted paths of settings: `pools.default.keys[2].weight`, `models.aliases."gpt-4.1"`.

/// A step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A key of a table.
    Key(String),
    /// An index into an array.
    Index(usize),
}

/// Parses a dotted path. Names that contain dots are in double quotes.
pub fn steps(path: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut word = String::new();
    let mut quoted = false;
    let mut end = |word: &mut String, in_brackets: bool| {
        let text = std::mem::take(word);
        match text.parse() {
            Ok(index) if in_brackets => steps.push(Step::Index(index)),
            _ if !text.is_empty() => steps.push(Step::Key(text)),
            _ => {}
        }
    };
    for c in path.chars() {
        match c {
            '"' => quoted = !quoted,
            '.' | '[' if !quoted => end(&mut word, false),
            ']' if !quoted => end(&mut word, true),
            other => word.push(other),
        }
    }
    end(&mut word, false);
    steps
}

/// Formats a path in dotted form.
pub fn dotted(steps: &[Step]) -> String {
    let bare = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    let mut text = String::new();
    for step in steps {
        match step {
            Step::Index(index) => text.push_str(&format!("[{index}]")),
            Step::Key(name) => {
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(&if bare(name) { name.clone() } else { format!("\"{name}\"") });
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_path() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            "[a-z_*.\\-\\[\\] ]{1,8}".prop_map(Step::Key),
            "[0-9]{1,3}".prop_map(Step::Key),
            (0..1000usize).prop_map(Step::Index),
        ];
        proptest::collection::vec(step, 1..6)
            .prop_filter("a path begins with a name", |path| matches!(path.first(), Some(Step::Key(_))))
    }

    proptest! {
        #[test]
        fn every_path_reads_back(path in any_path()) {
            prop_assert_eq!(steps(&dotted(&path)), path);
        }
    }
}
