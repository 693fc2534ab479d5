//! Documents that are easy to read wrongly.

use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::value::RawValue;

use super::super::read;
use super::super::read::attempt;
use super::{Fields, agrees, agrees_for_all_types};

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
    assert!(attempt::<Fields<'_>>(whole).is_some());
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
fn every_block_of_a_string_is_searched_alike() {
    for special in ['"', '\\', '\u{0}', '\u{1f}', ' ', '!', '#', '[', ']', '\u{7f}', 'é', '\u{a2}', '\u{dc}', '\u{80}']
    {
        for at in 0..40 {
            let text = format!("\"{}{special}{}\"", "x".repeat(at), "y".repeat(40 - at));
            agrees_for_all_types(&text);
        }
    }
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
