//! Many documents: generated ones, and those that lie about.

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::{Step, agrees, agrees_for_all_types, find};

/// A number, a string or a literal; some are wrong.
fn leaf() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[ -!#-\\[\\]-~éß€😀]{0,40}",
        2 => r#"\\["\\/bfnrt]"#,
        1 => r"\\u[0-9a-fA-F]{4}",
        1 => r"\\ud83d\\ude0[0-9a-f]",
    ];
    prop_oneof![
        4 => proptest::collection::vec(piece, 0..6).prop_map(|pieces| format!("\"{}\"", pieces.concat())),
        1 => any::<i64>().prop_map(|number| number.to_string()),
        1 => any::<f64>().prop_filter("not JSON", |number| number.is_finite()).prop_map(|number| format!("{number:?}")),
        2 => "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?",
        1 => "-?[0-9]{1,4}\\.[0-9]{1,17}",
        1 => prop_oneof![Just("true".to_owned()), Just("false".to_owned()), Just("null".to_owned())],
    ]
}

/// A document, with white space anywhere.
fn document() -> impl Strategy<Value = String> {
    let space = || "[ \n\r\t]{0,2}";
    let key = prop_oneof![
        Just("\"text\"".to_owned()),
        Just("\"raw\"".to_owned()),
        Just("\"list\"".to_owned()),
        Just("\"kind\"".to_owned()),
        "\"[a-z\\\\/]{0,20}\"".prop_map(|key| key.replace('\\', "\\n")),
    ];
    leaf().prop_recursive(5, 48, 6, move |inner| {
        let value = (space(), inner, space()).prop_map(|(before, value, after)| [before, value, after].concat());
        let member = (space(), key.clone(), space(), value.clone())
            .prop_map(|(before, key, after, value)| [before, key, after, ":".to_owned(), value].concat());
        prop_oneof![
            (proptest::collection::vec(value, 1..6)).prop_map(|values| format!("[{}]", values.join(","))),
            (proptest::collection::vec(member, 1..6)).prop_map(|members| format!("{{{}}}", members.join(","))),
            space().prop_map(|space| format!("[{space}]")),
            space().prop_map(|space| format!("{{{space}}}")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn documents_read_as_with_serde_json(text in document(), edits in proptest::collection::vec((any::<prop::sample::Index>(), 0..3, "[\"\\\\{}\\[\\],:0-9eE.+ntfu \n\u{1}é-]"), 0..4)) {
        agrees_for_all_types(&text);
        let mut edited: Vec<char> = text.chars().collect();
        for (at, edit, with) in edits {
            let at = at.index(edited.len() + 1);
            match edit {
                0 => drop(edited.splice(at..at, with.chars())),
                1 => drop(edited.splice(at..(at + 1).min(edited.len()), with.chars())),
                _ => drop(edited.drain(at..(at + 1).min(edited.len()))),
            }
            agrees_for_all_types(&edited.iter().collect::<String>());
        }
    }
}

/// Checks the documents in a file: all of it, its lines, and those in its strings. Returns how many are valid.
fn agrees_within(text: &str) -> usize {
    let mut valid = 0;
    for document in [text].into_iter().chain(text.lines().map(|line| line.trim_start_matches("data:"))) {
        assert!(agrees::<Value>(document) && agrees::<IgnoredAny>(document));
        assert!(
            agrees::<crate::wire::gemini::response::Response<'_>>(document) || document.trim_start().starts_with('[')
        );
        agrees::<crate::wire::openai::chat::Request<'_>>(document);
        agrees::<crate::wire::anthropic::messages::Request<'_>>(document);
        if let Ok(value) = serde_json::from_str::<Value>(document) {
            let path = [Step::Member("candidates"), Step::First, Step::Member("content"), Step::Member("parts")];
            let found = find(document, &path).map(|raw| serde_json::from_str::<Value>(raw).unwrap());
            assert_eq!(found.as_ref(), value.pointer("/candidates/0/content/parts"), "{document}");
            valid += 1 + agrees_within_strings(&value);
        }
    }
    valid
}

fn agrees_within_strings(value: &Value) -> usize {
    match value {
        Value::String(text) if text.contains(['{', '[']) => agrees_within(text),
        Value::Array(items) => items.iter().map(agrees_within_strings).sum(),
        Value::Object(members) => members.values().map(agrees_within_strings).sum(),
        _ => 0,
    }
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn known_documents_read_as_with_serde_json() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    // Recorded traffic is not part of the repository.
    let texts = [root.join("tests/golden"), root.join("../shared/recorded")]
        .iter()
        .flat_map(|dir| files(dir))
        .collect::<Vec<_>>();
    let texts = texts.iter().filter_map(|path| std::fs::read_to_string(path).ok());
    let valid: usize = texts.map(|text| agrees_within(&text)).sum();
    assert!(valid > 1000, "{valid}");
}
