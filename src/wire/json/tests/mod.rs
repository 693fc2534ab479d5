//! What is read is what serde_json reads. The reader itself is compared, without the second attempt of [`read`].

mod many;
mod odd;

use std::any::type_name;
use std::collections::BTreeMap;
use std::fmt::Debug;

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

#[test]
fn a_value_is_found_without_what_follows() {
    const PATH: &[Step] = &[Step::Member("a"), Step::First, Step::Member("b")];
    for (document, expected) in [
        (r#"{"a":[{"b":1}]}"#, Some("1")),
        (r#" { "x" : "}" , "a" : [ { "y" : [ { } , "\"" ] , "b" : { "c" : "]" } , "#, Some(r#"{ "c" : "]" }"#)),
        (r#"{"a":[{"b":1},{"b":2}],"a":[{"b":3}]}"#, Some("1")),
        (r#"{"b":{"a":[{"b":1}]},"a":[{"b":2}"#, Some("2")),
        (r#"{"a":[{"b":tru}]}"#, None),
        (r#"{"a":[{"b":"#, None),
        (r#"{"a":[]}"#, None),
        (r#"{"a":{"b":1}}"#, None),
        (r#"{"a":[["b"]]}"#, None),
        (r#"{"a":[{"c":1}],"b":2}"#, None),
        (r#"{"x":nul,"a":[{"b":1}]}"#, None),
        (r#"{"x":1 "a":[{"b":1}]}"#, None),
        (r#"{,"a":[{"b":1}]}"#, None),
        (r#"{"\u0061":[{"b":1}]}"#, None),
        (r#"["a"]"#, None),
        ("", None),
    ] {
        assert_eq!(find(document, PATH), expected, "{document}");
    }
    assert_eq!(find(" [1] ", &[]), Some("[1]"));
}

#[test]
fn a_value_that_was_read_before_ends_where_it_did() {
    let list = format!(r#"["{}",{{"a":[1]}}]"#, "x".repeat(1024));
    let within = |list: &str, rest: &str| format!(r#"{{"n":[{list}{rest}"#);
    let whole = within(&list, "]}");
    let read = |document: &str| {
        let read: Option<BTreeMap<String, Vec<Repeated<'_>>>> = read::attempt(document);
        read.map(|members| members["n"].iter().map(|value| value.0.get().to_owned()).collect::<Vec<_>>())
    };
    assert_eq!(repeated::known_length(&list), None);
    for _ in 0..2 {
        assert_eq!(read(&whole), Some(vec![list.clone()]));
        assert_eq!(repeated::known_length(&whole[6..]), Some(list.len()));
    }
    // The same beginning with another end, and wrong documents.
    let longer = format!("{},2]", &list[..list.len() - 1]);
    assert_eq!(read(&within(&longer, "]}")), Some(vec![longer]));
    assert_eq!(read(&within(&list, " , 3 ] }")), Some(vec![list.clone(), "3".to_owned()]));
    for rest in ["", "]", "3]}", "]]}", "]}x"] {
        assert_eq!(read(&within(&list, rest)), None, "{rest}");
    }
    assert_eq!(read(&within(&list[..list.len() - 1], "")), None);
}

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
fn errors_are_those_of_serde_json() {
    let error = read::<Fields<'_>>("{\n \"number\": -1}").unwrap_err();
    assert_eq!(error.to_string(), "invalid value: integer `-1`, expected u64 at line 2 column 13");
    assert!(read_slice::<Value>(b"\"\xff\"").is_err());
}
