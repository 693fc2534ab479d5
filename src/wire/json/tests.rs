use std::any::type_name;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::*;

proptest! {
    #[test]
    fn what_is_pushed_reads_back(text in any::<String>()) {
        let mut out = Vec::new();
        push_string(&mut out, &text);
        prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
    }
}

#[test]
fn compact_touches_no_string() {
    for (json, expected) in [
        ("{\n  \"a b\": [1, 2],\t\"c\\\" d\": \"\\\\\" }", r#"{"a b":[1,2],"c\" d":"\\"}"#),
        (r#"{"a":1}"#, r#"{"a":1}"#),
    ] {
        assert_eq!(compact(json), expected);
    }
}

#[test]
fn half_a_surrogate_pair_is_no_text() {
    let raw = RawValue::from_string(r#""a\ud83d""#.into()).unwrap();
    assert_eq!(decode(&raw), None);
}

/// Documents whose verdict is easy to get wrong.
const ODD: &[&str] = &[
    "",
    " ",
    "\u{feff}1",
    "nul",
    "nulll",
    "null null",
    "true",
    "tru",
    "truex",
    "false ",
    "falsE",
    "\u{0}",
    "null\u{0}",
    "\tnull\r\n",
    // Numbers.
    "0",
    "-0",
    "-",
    "+1",
    "01",
    "-01",
    "00",
    "1.",
    ".5",
    "1.e5",
    "1.5",
    "-1.5",
    "0.7",
    "-0.0",
    "0.000000000000000001",
    "123456789012345678.5",
    "1e5",
    "1E+5",
    "1e-5",
    "1e",
    "1e+",
    "1e999",
    "-1e999",
    "1e-999",
    "0e999999999999",
    "1.5e3.5",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "-9223372036854775809",
    "18446744073709551615",
    "18446744073709551616",
    "999999999999999999",
    "1000000000000000000",
    "255",
    "256",
    "-128",
    "-129",
    "0x10",
    "1a",
    "NaN",
    "Infinity",
    "1_000",
    "1 2",
    "0.1234567890123456789012345",
    "2.2250738585072011e-308",
    "179769313486231570000e289",
    // Strings.
    r#""""#,
    r#"""#,
    r#""a"#,
    r#""a\"#,
    r#""a\""#,
    r#""\"\\\/\b\f\n\r\t""#,
    r#""\u0041\u00e9\u20ac""#,
    r#""\u12""#,
    r#""\u12g4""#,
    r#""\u+123""#,
    r#""\ud83d\ude00""#,
    r#""\ud83d""#,
    r#""\ude00""#,
    r#""\ud83d\u0041""#,
    r#""\ud83dx""#,
    r#""\ud83d\n""#,
    r#""\uD83D\uD83D\uDE00""#,
    r#""\u0000""#,
    r#""\x""#,
    r#""\U0041""#,
    "\"a\nb\"",
    "\"a\tb\"",
    "\"\u{1f}\"",
    "\"\u{7f}\"",
    "\"é€😀\"",
    "'a'",
    r#""a" "b""#,
    "\"sixteen bytes ..\"",
    "\"sixteen bytes .\\n and more than that, with a \\\" at some place\"",
    "\"fifteen bytes .\\u00e9 over the edge\"",
    "\"sixteen bytes ...\n\"",
    "\"thirty-two bytes, with a control\u{1}\"",
    "\"\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\"",
    "\"ééééééé\\\"éééééééé\\\"\"",
    // Arrays.
    "[]",
    "[ ]",
    "[",
    "]",
    "[1",
    "[1,",
    "[1,]",
    "[,1]",
    "[,]",
    "[1 2]",
    "[1,2]",
    "[ 1 , 2 ]",
    "[1,,2]",
    "[1}",
    "[[]]",
    "[[],]",
    "[]]",
    "[\"a\",\"b\"]",
    "[null]",
    "[1,\"a\"]",
    "[1,\"a\",2]",
    "[1.5,-2.25,3]",
    // Objects.
    "{}",
    "{ }",
    "{",
    "}",
    "{\"a\"",
    "{\"a\":",
    "{\"a\":1",
    "{\"a\":1,",
    "{\"a\":1,}",
    "{,}",
    "{\"a\" 1}",
    "{\"a\":1 \"b\":2}",
    "{a:1}",
    "{1:1}",
    "{\"1\":1}",
    "{\"a\":1]",
    "{\"a\":}",
    "{\"a\":1,\"a\":2}",
    "{\"a\":1,,\"b\":2}",
    "{ \"a\" : 1 , \"b\" : [ ] }",
    "{\"\\u0061\":1}",
    "{\"\\ud800\":1}",
    "{\"a\":\"\\ud800\"}",
    "{\"list\":[1,2],\"list\":[3]}",
    "{\"text\":\"a\\nb\",\"raw\": {\"x\": [1, \"\\ud800\"]} ,\"list\":[1]}",
    "{\"raw\":null}",
    "{\"raw\": 1 }",
    "{\"raw\":01}",
    "{\"text\":null,\"number\":7,\"other\":{\"deep\":[true,false,null,{}]}}",
    "{\"text\":7}",
    "{\"text\":\"plain\",\"kind\":\"one\"}",
    "{\"kind\":\"three\"}",
    "{\"kind\":{\"one\":null}}",
    "{\"kind\":\"\\u006fne\"}",
    "{\"type\":\"a\",\"x\":1}",
    "{\"x\":1,\"type\":\"b\"}",
    "{\"a\":{\"x\":1}}",
    "\"one\"",
    "{\"one\":null}",
    "{\"one\":1}",
    "{\"$serde_json::private::RawValue\":\"[1]\"}",
    "{\"$serde_json::private::RawValue\":1}",
    "{\"true\":1}",
    "{\"-5\":1}",
    "{\"1.5\":1}",
    "// a\n1",
    "1 // a",
    "[1,\"a\\\"b\",[],{}]x",
];

#[derive(Debug, Deserialize)]
#[serde(default)]
struct Fields<'a> {
    #[serde(borrow)]
    text: Option<Cow<'a, str>>,
    #[serde(borrow)]
    raw: Option<&'a RawValue>,
    list: Vec<i64>,
    number: u64,
    kind: Option<Kind>,
}

impl Default for Fields<'_> {
    fn default() -> Self {
        Self { text: None, raw: None, list: Vec::new(), number: 3, kind: None }
    }
}

#[derive(Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
enum Kind {
    One,
    Two,
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "shown by Debug")]
struct Flat<'a> {
    #[serde(borrow)]
    text: Option<Cow<'a, str>>,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
#[expect(dead_code, reason = "shown by Debug")]
enum Untagged {
    Number(i64),
    Text(String),
    List(Vec<Untagged>),
    Members(BTreeMap<String, Untagged>),
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
#[expect(dead_code, reason = "shown by Debug")]
enum Tagged {
    A { x: i64 },
    B { x: f64 },
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(dead_code, reason = "shown by Debug")]
enum Outside {
    A { x: i64 },
    One,
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "shown by Debug")]
struct Unit;

/// Reads after errors, as a careless type may.
#[derive(Debug)]
#[expect(dead_code, reason = "shown by Debug")]
struct Careless(Option<i64>, IgnoredAny);

impl<'de> Deserialize<'de> for Careless {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Two;
        impl<'de> serde::de::Visitor<'de> for Two {
            type Value = Careless;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("two elements")
            }
            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut elements: A) -> Result<Careless, A::Error> {
                let first = elements.next_element().unwrap_or_default();
                Ok(Careless(first, elements.next_element()?.unwrap_or_default()))
            }
        }
        deserializer.deserialize_seq(Two)
    }
}

/// Checks that our reader accepts only what serde_json accepts, with the same value. Returns whether both gave the same
/// verdict.
fn agrees<'a, T: Deserialize<'a> + Debug>(text: &'a str) -> bool {
    let (ours, theirs) = (read::attempt::<T>(text), serde_json::from_str::<T>(text));
    if let Some(ours) = &ours {
        let theirs = theirs.as_ref().unwrap_or_else(|error| panic!("{text:?} as {}: {error}", type_name::<T>()));
        // Of floats this shows every digit, and the sign of zero.
        assert_eq!(format!("{ours:?}"), format!("{theirs:?}"), "{text:?} as {}", type_name::<T>());
    }
    ours.is_some() == theirs.is_ok()
}

/// Checks the same for many types. Those for which our reader never gives up on a right document are to agree in full.
fn agrees_for_all_types(text: &str) {
    macro_rules! in_full { ($($wanted:ty),*) => { $(assert!(agrees::<$wanted>(text), "{text:?} as {}", stringify!($wanted));)* } }
    in_full!(
        Value,
        IgnoredAny,
        &RawValue,
        Box<RawValue>,
        Option<&RawValue>,
        String,
        &str,
        Cow<'_, str>,
        char,
        bool,
        (),
        Unit
    );
    in_full!(
        i8,
        i16,
        i32,
        i64,
        u8,
        u16,
        u32,
        u64,
        f64,
        Option<i64>,
        Option<String>,
        Vec<f64>,
        Vec<Value>,
        (i64, String)
    );
    in_full!(BTreeMap<String, Value>, BTreeMap<Cow<'_, str>, &RawValue>, BTreeMap<Kind, Value>, Flat<'_>, Untagged, Tagged);
    // On these it may give up.
    agrees::<Fields<'_>>(text);
    agrees::<f32>(text);
    agrees::<Kind>(text);
    agrees::<Outside>(text);
    agrees::<Careless>(text);
    agrees::<i128>(text);
    agrees::<u128>(text);
    agrees::<BTreeMap<u32, Value>>(text);
    agrees::<BTreeMap<bool, Value>>(text);
    agrees::<BTreeMap<Option<char>, Value>>(text);
    agrees::<Vec<(Option<Kind>, &RawValue)>>(text);
}

#[test]
fn odd_documents_read_as_with_serde_json() {
    for text in ODD {
        agrees_for_all_types(text);
        for around in [
            ("[", "]"),
            ("{\"a\":", "}"),
            ("{\"raw\":", ",\"list\":[]}"),
            ("{\"a\":{\"b\":[", ",1]},\"text\":\"\"}"),
            (" \n", "\t "),
        ] {
            agrees_for_all_types(&format!("{}{text}{}", around.0, around.1));
        }
    }
}

#[test]
fn every_end_of_a_document_reads_as_with_serde_json() {
    let whole =
        r#"{"text": "a\u00e9\"b and some more words", "raw": [1.5, {"x": "\\"}], "list": [1, -22], "kind": "two"}"#;
    assert!(read::attempt::<Fields<'_>>(whole).is_some());
    for end in 0..=whole.len() {
        agrees_for_all_types(&whole[..end]);
        agrees_for_all_types(&whole[end..]);
        for wrong in ["\u{1}", "\"", "\\", "}", "]", ",", "é"] {
            let (before, after) = whole.split_at(end);
            agrees_for_all_types(&[before, wrong, after].concat());
        }
    }
}

#[test]
fn text_without_escapes_is_borrowed_and_raw_text_is_exact() {
    #[derive(Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

    let borrowed = |text| read::attempt::<Text<'_>>(text).is_some_and(|text| matches!(text.0, Cow::Borrowed(_)));
    assert!(borrowed("\"plain\"") && !borrowed("\"\\n\""));
    let text = r#"{"text":"plain", "raw" :  {"a": [1, "\ud800"]} , "list" : [ ] }"#;
    let fields: Fields<'_> = read::attempt(text).unwrap();
    assert_eq!(fields.text.as_deref(), Some("plain"));
    assert_eq!(fields.raw.unwrap().get(), r#"{"a": [1, "\ud800"]}"#);
    assert_eq!((fields.list, fields.number), (vec![], 3));
}

#[test]
fn depth_is_limited_as_with_serde_json() {
    for depth in [1, 64, 126, 127, 128, 129, 200, 100_000] {
        for (open, close) in [("[", "]"), ("{\"a\":[", "]}")] {
            let text = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            assert!(agrees::<Value>(&text), "{depth}");
            agrees::<IgnoredAny>(&text);
            agrees::<&RawValue>(&text);
            assert_eq!(read::<&RawValue>(&text).unwrap().get(), text);
        }
    }
}

#[test]
fn errors_are_those_of_serde_json() {
    let error = read::<Fields<'_>>("{\n \"number\": -1}").unwrap_err();
    assert_eq!(error.to_string(), "invalid value: integer `-1`, expected u64 at line 2 column 13");
    assert!(read_slice::<Value>(b"\"\xff\"").is_err());
}

#[test]
fn every_block_of_a_string_is_searched_alike() {
    for special in ['"', '\\', '\u{0}', '\u{1f}', ' ', '!', '#', '[', ']', '\u{7f}', 'é', '\u{a2}', '\u{dc}', '\u{80}']
    {
        for at in 0..40 {
            let text = format!("\"{}{special}{}\"", "x".repeat(at), "y".repeat(40 - at));
            agrees_for_all_types(&text);
        }
    }
}

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
